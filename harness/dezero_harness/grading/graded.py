"""A hand-in with its grade: what tables and pages are made of."""

from __future__ import annotations

from dataclasses import dataclass

from .desk import Hand
from .judging import Result
from .scoring import Grade


@dataclass(frozen=True)
class Graded:
    """`result` is empty where there was nothing to run; `flags` are for a teacher's own eyes."""

    hand: Hand
    grade: Grade
    result: Result
    flags: tuple[str, ...] = ()
    former: bool = False  # by a former plan, and still to be run again
