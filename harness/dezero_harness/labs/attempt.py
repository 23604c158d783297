"""A learner's files beside the two stages of a lab: what is written, what is left, what is wrong.

Half of a lab fails most of its cases, and that says nothing of the half that is there. So what a
learner has not written yet is taken from the solution: a case that still fails then fails for
something that the learner *has* written; one that passes only waits for the rest.
"""

from __future__ import annotations

import ast
import copy
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..execution.isolated import Limits
from ..execution.runner import StageError
from ..model.arrays import array_kind
from ..model.case import Case
from .chapter import (
    HANGS,
    Chapter,
    Make,
    Outcome,
    Progress,
    Runs,
    in_a_process,
    run_case,
    together,
)
from .package import Files, package

#: Definitions that are tried one by one; a learner who has rewritten more is told less.
_TRIED = 16


@dataclass(frozen=True)
class Unit:
    """A definition of the engine, as in `dezero/core.py`, "Mul.backward".

    With the name "", or that of a class and a dot, it is what stands there outside of functions.
    """

    path: Path
    name: str


def named(units: Sequence[Unit]) -> str:
    """The definitions, and the files where what is outside of them changes."""
    names = [unit.name.rstrip(".") or unit.path.as_posix() for unit in units]
    return ", ".join(dict.fromkeys(names))


def is_in(path: Path, where: str, units: Sequence[Unit]) -> bool:
    """Whether a place, a definition or "", is a part of one of these, or has it in it."""
    return any(
        path == unit.path
        and (unit.name.startswith(where) if where else unit.name.rstrip(".") == "")
        for unit in units
    )


@dataclass(frozen=True)
class Attempt:
    """What a learner has written that the stages do not hold so, and what is left to be written.

    files: the package as it is. completed: the same with all that is left, from the solution.
    """

    chapter: Chapter
    files: Files
    completed: Files
    written: tuple[Unit, ...]
    left: tuple[Unit, ...]

    def repaired(self, *units: Unit) -> Files:
        """The completed package, with the solution's own in place of these definitions."""
        return tried(self.chapter, self.files, solved=units).completed

    def without(self, unit: Unit) -> Files:
        """The completed package but for this definition, which is as the learner has it."""
        return tried(self.chapter, self.files, kept=[unit]).completed


def tried(
    chapter: Chapter,
    files: Files,
    solved: Collection[Unit] = (),
    kept: Collection[Unit] = (),
) -> Attempt:
    """The attempt that a package is.

    solved: what is taken from the solution though the learner has written it. kept: what is left
    as it is though the learner has not written it.
    """
    before, after = package(chapter.before), package(chapter.after)
    completed = dict(files)
    written: list[Unit] = []
    left: list[Unit] = []
    for path, text in after.items():
        # Of a file that is not there yet nothing has been taken out.
        old = chapter.origins.get(path, path) if path in files else None
        merge = _Merge(path, solved, kept)
        sources = (files.get(path), before.get(old) if old else "", text)
        mine, former, solution = (ast.parse(source or "").body for source in sources)
        body = merge.bodies(mine, former, solution, "")
        module = ast.fix_missing_locations(ast.Module(body, []))
        completed[path] = ast.unparse(module) + "\n"
        written += merge.written
        left += merge.left
    return Attempt(
        chapter, files, completed, tuple(dict.fromkeys(written)), tuple(dict.fromkeys(left))
    )


class _Merge:
    """The bodies of a learner's module, of the stage's before and of the solution's, made one."""

    def __init__(self, path: Path, solved: Collection[Unit], kept: Collection[Unit]):
        self.path, self.solved, self.kept = path, solved, kept
        self.written: list[Unit] = []
        self.left: list[Unit] = []

    def bodies(
        self, mine: list[ast.stmt], old: list[ast.stmt], new: list[ast.stmt], owner: str
    ) -> list[ast.stmt]:
        """The statements of a body: the solution's order, and what is the learner's alone.

        mine, old, new: the learner's, those of the stage before, those of the solution.
        """
        have, had = _by_key(mine), _by_key(old)
        wanted = _by_key(new)
        result: list[ast.stmt] = []
        places: dict[str, int] = {}
        for key, node in wanted.items():
            found = self._one(have.get(key), had.get(key), node, owner)
            if found is not None:
                result.append(found)
            places[key] = len(result)
        place = 0
        for key, node in have.items():
            if key in wanted:
                place = places[key]
            else:
                unit = self._unit(node, owner)
                goes = key in had and _same(node, had[key])  # the chapter takes it out
                (self.left if goes else self.written).append(unit)
                if unit in self.kept if goes else unit not in self.solved:
                    result.insert(place, node)
                    places = {k: n + (n > place) for k, n in places.items()}
                    place += 1
        return result

    def _one(
        self, mine: ast.stmt | None, old: ast.stmt | None, new: ast.stmt, owner: str
    ) -> ast.stmt | None:
        unit = self._unit(new, owner)
        if _is_text(new):
            return new
        if mine is None and old is not None and _same(old, new):  # the learner has taken it out
            self.written.append(unit)
            return new if unit in self.solved else None
        if mine is None:
            self.left.append(unit)
            return None if unit in self.kept else new
        if isinstance(mine, ast.ClassDef) and isinstance(new, ast.ClassDef):
            old_body = old.body if isinstance(old, ast.ClassDef) else []
            whole = copy.copy(mine)
            whole.body = self.bodies(mine.body, old_body, new.body, f"{unit.name}.")
            whole.body = whole.body or [ast.Pass()]
            return whole
        if _is_gap(mine) or (old is not None and _same(mine, old) and not _same(old, new)):
            self.left.append(unit)
            return mine if unit in self.kept else new
        if not _same(mine, new):
            self.written.append(unit)
            return new if unit in self.solved else mine
        return mine

    def _unit(self, node: ast.stmt, owner: str) -> Unit:
        return Unit(self.path, owner + node.name if isinstance(node, _DEFINED) else owner)


_DEFINED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _by_key(body: Iterable[ast.stmt]) -> dict[str, ast.stmt]:
    """Definitions by name and decorators, other statements by what they say."""
    found = {}
    for place, node in enumerate(body):
        if isinstance(node, _DEFINED):
            key = " ".join([node.name, *map(ast.unparse, node.decorator_list)])
        elif _is_text(node):
            key = "docstring" if place == 0 else f"text {place}"
        else:
            key = ast.dump(node)
        found[key] = node
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _same(one: ast.AST, other: ast.AST) -> bool:
    return _bare(one) == _bare(other)


def _bare(node: ast.AST) -> str:
    """A definition without its texts and annotations, which compute nothing."""
    node = copy.deepcopy(node)
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            part.returns = None
        if isinstance(part, ast.arg):
            part.annotation = None
        if isinstance(part, _DEFINED):
            part.body = [one for one in part.body if not _is_text(one)] or [ast.Pass()]
    return ast.dump(node)


def _is_gap(node: ast.stmt) -> bool:
    return isinstance(node, _DEFINED) and any(
        isinstance(part, ast.Raise) and "NotImplementedError('step" in ast.unparse(part)
        for part in node.body
    )


@dataclass(frozen=True)
class Review:
    """What the failures of an attempt say of what is written, the one to learn from first.

    first: that failure. wrong: all that fail for something that the learner has written;
    unwritten: those that will pass once the rest is there. blamed: definitions of which each alone
    would have to be another for the first to pass; empty where it takes several, or what is left.
    """

    attempt: Attempt
    first: Outcome
    wrong: tuple[Outcome, ...]
    unwritten: tuple[Outcome, ...]
    blamed: tuple[Unit, ...] = ()


def review(
    found: Progress,
    *,
    limits: Limits | None = None,
    jobs: int = 2,
    make: Make = in_a_process,
) -> Review | None:
    """The review of a run of the cases; None where no case fails that has to pass."""
    chapter, limits = found.chapter, limits or Limits()
    failed = sorted(found.due("failed"), key=lambda outcome: chapter.rank[outcome.case.id])
    if not failed:
        return None
    attempt = tried(chapter, package(found.folder))
    if not attempt.written:
        return Review(attempt, failed[0], (), tuple(failed))
    again = observe(attempt.completed, [one.case for one in failed], chapter, limits, jobs, make)
    wrong = [one for one in failed if one.case.id not in again or again[one.case.id].failed]
    unwritten = tuple(one for one in failed if one not in wrong)
    # Where the rest hides what is wrong, so that something else is seen, that comes first.
    plain = [one for one in wrong if one.case.id in again and _alike(one, again[one.case.id])]
    first = (plain or [*unwritten] or wrong)[0]
    blamed = _blamed(attempt, first.case, limits, jobs, make) if first in wrong else ()
    return Review(attempt, first, tuple(wrong), unwritten, blamed)


def _alike(one: Outcome, other: Outcome) -> bool:
    """Whether two failures look the same; a message may name the folder."""
    assert one.observed
    assert other.observed
    if one.observed.error or other.observed.error:
        return one.observed.error == other.observed.error
    return repr(one.observed.value) == repr(other.observed.value)


def _blamed(
    attempt: Attempt, case: Case, limits: Limits, jobs: int, make: Make
) -> tuple[Unit, ...]:
    """The definitions of which each alone, taken from the solution, makes the case pass."""

    def passes(unit: Unit) -> bool:
        outcomes = observe(attempt.repaired(unit), [case], attempt.chapter, limits, 1, make)
        return case.id in outcomes and not outcomes[case.id].failed

    units = attempt.written[:_TRIED]
    good = together(passes, units, min(jobs, 2))
    return tuple(unit for unit, passed in zip(units, good, strict=True) if passed)


def culprits(reviewed: Review, make: Make = in_a_process) -> tuple[Unit, ...]:
    """What to look at for the first failure: what is to blame, or the first that is lacking.

    None where it takes several changes of what is written.
    """
    if reviewed.first in reviewed.wrong:
        return reviewed.blamed
    unit = needed(reviewed.attempt, reviewed.first.case, make=make)
    return () if unit is None else (unit,)


def needed(
    attempt: Attempt, case: Case, *, limits: Limits | None = None, make: Make = in_a_process
) -> Unit | None:
    """The first definition that is left and without which this case fails."""
    for unit in attempt.left:
        files, limits = attempt.without(unit), limits or Limits()
        outcomes = observe(files, [case], attempt.chapter, limits, 1, make)
        if case.id not in outcomes or outcomes[case.id].failed:
            return unit
    return None


def observe(
    files: Files,
    cases: Iterable[Case],
    chapter: Chapter,
    limits: Limits,
    jobs: int = 2,
    make: Make = in_a_process,
) -> dict[str, Outcome]:
    """What becomes of these cases on a package, by their ids; of some nothing, where it cannot run.

    After two cases that run out of time a worker runs no more.
    """
    todo = deque(cases)
    found: dict[str, Outcome] = {}

    def work(worker: Runs) -> None:
        hangs = 0
        with worker, suppress(StageError):
            worker.start()
            while todo and hangs < HANGS:
                with suppress(IndexError):  # the other worker has taken the last
                    outcome = run_case(todo.popleft(), worker, chapter)
                    found[outcome.case.id] = outcome
                    hangs += outcome.hangs

    with TemporaryDirectory() as place:
        folder = Path(place).resolve()
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        few = max(1, min(jobs, len(todo) // 20))  # a worker takes as long to start as 20 cases
        together(work, [make(folder, array_kind("numpy"), limits) for _ in range(few)], few)
    return found
