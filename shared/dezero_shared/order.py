"""The order of a backward pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any


class ByGeneration:
    """Functions, each once, from the latest generation to the earliest, first come first served.

    It may be added to while it is iterated over, with functions of earlier generations, as a walk
    from a result to what it was computed from does. A function costs the same however many there
    are: those of one generation wait in a table of their own, so nothing is sorted, and nothing
    recurses.
    """

    def __init__(self, first: Any):
        # A dict is a set that keeps the order of arrival.
        self._waiting: defaultdict[int, dict[Any, None]] = defaultdict(dict)
        self._latest = -1 if first is None else first.generation
        self.add(first)

    def add(self, function: Any) -> None:
        """Put a function in its place, once. None, the creator of a leaf, is ignored."""
        if function is not None:
            self._waiting[function.generation][function] = None

    def __iter__(self) -> Iterator[Any]:
        for generation in range(self._latest, -1, -1):
            yield from self._waiting.pop(generation, ())
