"""The plan of a run: which cases, published and unseen, by a seed that nobody knows."""

from __future__ import annotations

import hashlib
import importlib.util
import random
import re
import traceback
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from .. import cases
from ..execution.isolated import Isolated, Limits
from ..execution.judge import is_right
from ..execution.runner import Observed, StageError
from ..execution.sandbox import Bounds
from ..labs.chapter import Chapter
from ..labs.loading import load_chapter
from ..model.arrays import array_kind
from ..model.case import Case
from .judging import Plan
from .needs import needs_of
from .twins import twins_of
from .unseen_cases import Unseen, unseen_for

START = 20  # seconds in which a submission has to be imported
SECONDS = 6  # of computing for a case; most take milliseconds
CLOCK = 30  # seconds by the clock for a case, if it waits and computes nothing
#: Cases of earlier chapters that are drawn. Only their share counts, and 300 tell it to 3 in a
#: hundred; all of them, up to 1600, would be three quarters of the time of a submission.
EARLIER = 300


def make_plan(
    root: Path,
    number: int,
    seed: str,
    hidden: tuple[Case, ...] = (),
    *,
    chapter: Chapter | None = None,
    earlier: int = EARLIER,
    **settings: Any,
) -> Plan:
    """What is asked of step `number`. Raises StageError for a stage that is no lab.

    earlier: how many cases of earlier chapters are drawn; where there are fewer, all.
    """
    chapter = chapter or load_chapter(root, number)
    seed = f"{seed} {hashlib.sha256(repr(hidden).encode()).hexdigest() if hidden else ''}"
    # Not those of later chapters that happen to hold already: nobody has read these.
    read = [case for case in chapter.earlier if case.chapter <= chapter.number]
    drawn = random.Random(f"{seed} earlier").sample(read, min(earlier, len(read)))
    unseen, twins, needs = _asked(_Chapter(chapter), seed)
    settings = {
        "limits": Limits(seconds=SECONDS, start=START, wall=CLOCK),
        "bounds": Bounds(),
        **settings,
    }
    return Plan(
        number=chapter.number,
        capabilities=chapter.capabilities,
        own=chapter.own,
        earlier=tuple(drawn),
        hidden=hidden,
        unseen=unseen,
        twins=twins,
        words=chapter.words,
        needs=needs,
        seed=seed,
        arrays=array_kind("numpy"),
        **settings,
    )


class _Chapter:
    """A chapter by the ids of its cases, for the cache."""

    def __init__(self, chapter: Chapter):
        self.chapter = chapter
        self.key = (chapter.after, chapter.number, tuple(case.id for case in chapter.own))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Chapter) and self.key == other.key


@cache  # seconds
def _asked(
    known: _Chapter, seed: str
) -> tuple[tuple[Unseen, ...], dict[str, Case], dict[str, frozenset[str]]]:
    """The unseen cases, the twins, and what each question needs; all seen on the stage itself."""
    chapter = known.chapter
    words = set().union(*chapter.words.values())
    unseen = tuple(unseen_for(words, _functions(chapter.before), seed, chapter.number))
    limits = Limits(seconds=SECONDS, start=START, wall=CLOCK)
    with Isolated(chapter.after, array_kind("numpy"), limits) as isolated:

        def ask(case: Case) -> Observed:
            return isolated.observe(case.program, "case", warns=case.warns)

        isolated.start()
        twins = twins_of(chapter.own, seed, ask, chapter.capabilities)
        # Rounding may decide on one of them, by its numbers: then it says nothing of an engine.
        unseen = tuple(
            one for one in unseen if is_right(one.case, ask(one.case), chapter.capabilities)
        )
        needs = {case.id: needs_of(case, ask) for case in chapter.own}
        needs |= {f"unseen {n}": needs_of(one.case, ask) for n, one in enumerate(unseen)}
    return unseen, twins, needs


def _functions(stage: Path) -> set[str]:
    """The functions that a stage has, by their names."""
    file = stage / "dezero" / "functions.py"
    return (
        set(re.findall(r"^def (\w+)\(", file.read_text("utf-8"), re.M)) if file.is_file() else set()
    )


def hidden_cases(folder: Path) -> tuple[Case, ...]:
    """The cases of all modules in this folder, in the order of their names."""
    if not folder.is_dir():
        raise StageError(f"--cases {folder}: there is no such folder")
    found: list[Case] = []
    for file in sorted(folder.glob("*.py")):
        if file.name == "__init__.py":
            continue
        spec = importlib.util.spec_from_file_location(f"hidden_cases_{file.stem}", file)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            found += [_checked(case) for case in module.CASES]
        except Exception as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.name != "run"]
            line = getattr(error, "lineno", None) or lines[-1]
            raise StageError(
                f"{file}, line {line}: {type(error).__name__}: {error}; a module of cases has a"
                f" list CASES, as those in harness/dezero_harness/cases"
            ) from None
    if not found:
        raise StageError(f"--cases {folder}: there is no case in it (a module with a list CASES)")
    _refuse_twice(folder, found)
    return tuple(found)


def _refuse_twice(folder: Path, found: Iterable[Case]) -> None:
    ids = [case.id for case in (*cases.ALL, *found)]
    for case in found:
        if ids.count(case.id) > 1:
            raise StageError(f"--cases {folder}: two cases have the id {case.id}; rename one")


def _checked(case: object) -> Case:
    if not isinstance(case, Case):
        raise TypeError(f"{case!r} in CASES is no Case")
    compile(case.program, f"<{case.id}>", "exec")
    return case
