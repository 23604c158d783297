"""Which cases an engine is asked, `--profile core|book|full`, and why it is not asked the others.

`core` is mathematics, all of it. `book` is what the book promises up to step 36 and its published
engine delivers, mathematics included. `full` is everything, and what a stage that comes earlier
answers instead. `beyond_the_book.toml` lists the cases that `book` leaves out, with reasons.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..model.case import REFUSALS, Case

#: Profile -> what it asks.
PROFILES: Mapping[str, str] = {
    "core": "all of the mathematics",
    "book": "what the book promises and its published engine delivers",
    "full": "everything, departures from the book included",
}
BEYOND = Path(__file__).with_name("beyond_the_book.toml")


@dataclass(frozen=True)
class Reason:
    """Why the book leaves these cases open, or those of a `group`, or of a `level`.

    A case has the reason of the entry that names it itself, else that of its group, of its level.

    departure: the words that the sentence in "Departures from the book" (stages/README.md) begins
    with; or defect: what the book's formula does instead; or later: what the book brings after
    step 36. One of the three.
    """

    cases: tuple[str, ...] = ()
    group: str = ""
    level: str = ""
    departure: str = ""
    defect: str = ""
    later: str = ""

    def __str__(self) -> str:
        if self.departure:
            return f'a departure from the book: "{self.departure}"'
        return f"a defect of the book's: {self.defect}" if self.defect else self.later


@cache
def reasons() -> Sequence[Reason]:
    """The entries of beyond_the_book.toml."""
    entries = tomllib.loads(BEYOND.read_text("utf-8"))["beyond"]
    return [Reason(**entry | {"cases": tuple(entry.get("cases", ()))}) for entry in entries]


def beyond_the_book(case: Case) -> Reason | None:
    """Why the book leaves this case open; None where it does not."""
    known = _by_name()
    names = (case.id, f"group {case.group}", f"level {case.level}")
    return next((known[name] for name in names if name in known), None)


@cache
def _by_name() -> dict[str, Reason]:
    known = {case: reason for reason in reasons() for case in reason.cases}
    known |= {f"group {reason.group}": reason for reason in reasons() if reason.group}
    return known | {f"level {reason.level}": reason for reason in reasons() if reason.level}


def mistakes(cases: Sequence[Case]) -> list[str]:
    """What is wrong with beyond_the_book.toml, for this catalogue."""
    listed = [case for reason in reasons() for case in reason.cases]
    ids = {case.id for case in cases}
    found = [f"{case}: there is no such case" for case in listed if case not in ids]
    found += [f"{case}: listed twice" for case in set(listed) if listed.count(case) > 1]
    found += [
        f"{reason}: an entry has `cases`, a `group` or a `level`, and one reason"
        for reason in reasons()
        if [bool(reason.cases), bool(reason.group), bool(reason.level)].count(True) != 1
        or [reason.departure, reason.defect, reason.later].count("") != 2
    ]
    groups = {case.group for case in cases}
    found += [
        f"there is no group {reason.group}"
        for reason in reasons()
        if reason.group and reason.group not in groups
    ]
    found += [
        f"{case.id}: at level {case.level} it is beyond the book, and no entry says why"
        for case in cases
        if case.level not in ("core", "book") and beyond_the_book(case) is None
    ]
    return found


# --- what the book brings after step 36, and so is asked of an engine that has it ---

#: Names within `dezero` that the book brings after step 36, and the step. "broadcast" is no name:
#: whether gradients of broadcast operands have their Variables' shapes is tried.
LATER: Mapping[str, int] = {
    "functions.reshape": 38,
    "functions.transpose": 38,
    "functions.sum": 39,
    "functions.broadcast_to": 40,
    "functions.sum_to": 40,
    "broadcast": 40,
    "functions.matmul": 41,
    "Parameter": 44,
    "functions.exp": 47,
    "functions.log": 47,
    "cuda": 52,
    "test_mode": 54,
}


def names_used(program: str) -> set[str]:
    """The names within `dezero` that a program imports or takes from it, as LATER writes them."""
    used = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "dezero":
            home = (node.module or "").partition(".")[2]
            used |= {f"{home}.{alias.name}".lstrip(".") for alias in node.names} | {home}
        elif isinstance(node, ast.Import):
            used |= {alias.name.partition(".")[2] for alias in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node).startswith("dezero."):
            used.add(ast.unparse(node).removeprefix("dezero."))
    return used | {name.partition(".")[0] for name in used if not name.startswith("functions.")}


@dataclass(frozen=True)
class Profile:
    """The cases that an engine is asked. missing: which of LATER it does not have."""

    name: str = "full"
    capabilities: frozenset[str] = frozenset(REFUSALS)
    missing: frozenset[str] = field(default_factory=frozenset)

    def why_not(self, case: Case) -> str:
        """Why this case is not asked; nothing where it is."""
        if self.name == "full":
            return ""
        if self.name == "core" and case.level != "core":
            return f"level {case.level} is no mathematics"
        if self.name == "book":
            reason = beyond_the_book(case)
            if reason:
                return str(reason)
            used = names_used(case.program) | ({"broadcast"} & set(case.needs))
            for name in sorted(used & self.missing):
                return f"the book brings {name} in step {LATER[name]}, and this engine has none"
        for need in case.needs:
            if need in REFUSALS and need not in self.capabilities:
                return f"the engine does not state {need}"
        return ""


FULL = Profile()


def left_to_try(profile: Profile, cases: Sequence[Case]) -> list[str]:
    """How many cases a profile leaves out, by the kind of reason, a line each."""
    left = [case for case in cases if profile.why_not(case)]
    if not left:
        return []
    lines = [f"profile {profile.name}: {len(left)} questions are left to try"]
    if profile.name == "core":
        return [*lines, f"{len(left):>5}  go beyond mathematics: --profile book, or full"]
    beyond = [reason for case in left if (reason := beyond_the_book(case))]
    defects = [reason for reason in beyond if reason.defect]
    if defects:
        lines.append(f"{len(defects):>5}  on which the book's own formulas fail: --profile core")
    if len(beyond) > len(defects):
        n = len(beyond) - len(defects)
        lines.append(f"{n:>5}  that the book leaves open, or answers otherwise: --profile full")
    if len(left) > len(beyond):
        later = ", ".join(name.rpartition(".")[2] for name in LATER if name in profile.missing)
        what = f"what the book brings after step 36: {later}" if later else "what is not stated"
        lines.append(f"{len(left) - len(beyond):>5}  on {what}")
    return lines
