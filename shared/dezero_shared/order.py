"""The order of a backward pass."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Any


class ByGeneration:
    """Functions, each once, from the latest generation to the earliest, first come first served.

    It may be added to while it is iterated over. A heap keeps the cost of one function the same
    (logarithmic, to be exact) however many there are; nothing recurses.
    """

    def __init__(self, first: Any):
        self._heap: list[tuple[int, int, Any]] = []
        self._seen: set[Any] = set()
        self._arrivals = count()
        self.add(first)

    def add(self, function: Any) -> None:
        """Put a function in its place, once. None, the creator of a leaf, is ignored."""
        if function is not None and function not in self._seen:
            self._seen.add(function)
            heapq.heappush(self._heap, (-function.generation, next(self._arrivals), function))

    def __iter__(self) -> Iterator[Any]:
        while self._heap:
            yield heapq.heappop(self._heap)[-1]
