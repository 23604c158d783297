"""The order of a backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class ByGeneration:
    """Functions, each once, from the latest generation to the earliest, first come first served.

    It may be added to while it is iterated over, with functions of earlier generations, as a walk
    from a result to what it was computed from does. A function costs the same however many there
    are: those of one generation wait in a table of their own, so nothing is sorted, and nothing
    recurses.

    first: the latest of them, or None for none at all.
    """

    def __init__(self, first: Any):
        # A generation's table, None as long as it has nothing. A dict is a set that keeps the order
        # of arrival.
        self._waiting: list[dict[Any, None] | None] = []
        if first is not None:
            self._waiting = [None] * (first.generation + 1)
            self.add(first)

    def add(self, function: Any) -> None:
        """Put a function in its place, once. None, the creator of a leaf, is ignored."""
        if function is not None:
            table = self._waiting[function.generation]
            if table is None:
                self._waiting[function.generation] = {function: None}
            else:
                table[function] = None

    def __iter__(self) -> Iterator[Any]:
        while self._waiting:
            yield from self._waiting[-1] or ()
            self._waiting.pop()
