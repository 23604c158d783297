"""The cases of a chapter, simplest first, and how far the engine in a folder is with them.

What a lab and a grader have in common: which cases turn stage N-1 into stage N, which of them are
to wait for a simpler one, a run of them in worker processes, and a failure explained. How a chapter
is put together from the stages and the catalogue stands in loading.py: the page of a lab does not
do that anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar

from ..execution.isolated import Isolated, Launch, Limits, plainly
from ..execution.judge import Verdict, judge
from ..execution.runner import Observed, StageError
from ..execution.stage import refuse_bad_syntax
from ..model.arrays import ArrayKind, array_kind
from ..model.case import Case

HANGS = 2  # cases that may run out of time before the rest is left

One = TypeVar("One")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Chapter:
    """A lab: what it takes to make stage `number` of the one before it.

    own: the cases that this stage answers, and the one before refuses, the simplest first.
    earlier: those that the stage before answers in the same way, and that have to stay right.
    """

    number: int
    before: Path
    after: Path
    capabilities: frozenset[str]
    own: tuple[Case, ...]
    earlier: tuple[Case, ...]
    #: Case id -> the new functions and capabilities that its program uses.
    words: dict[str, frozenset[str]] = field(repr=False)
    #: (word, level) -> the simplest cases on it: where none of them passes, the others wait.
    gates: dict[tuple[str, int], tuple[Case, ...]] = field(repr=False)
    #: Case id -> why the book leaves it open: of a learner who has the book's answers, not asked.
    beyond: dict[str, str] = field(default_factory=dict, repr=False)
    #: Case id -> its place among all of them, the one to learn from first.
    rank: dict[str, int] = field(default_factory=dict, repr=False)
    #: File of this stage -> the one of the stage before that it is compared with.
    origins: Mapping[Path, Path | None] = field(default_factory=dict, repr=False)

    @property
    def due(self) -> tuple[Case, ...]:
        """Those of its own that have to pass: all that the book answers."""
        return tuple(case for case in self.own if case.id not in self.beyond)

    @property
    def kept(self) -> tuple[Case, ...]:
        """Those of the earlier ones that have to stay right."""
        return tuple(case for case in self.earlier if case.id not in self.beyond)

    def waits_on(self, case: Case) -> list[tuple[Case, ...]]:
        """Groups of simpler cases, of each of which one has to pass before this case is run.

        For each new function that a program uses, and each new capability, these are the simplest
        cases that call it, then those that walk back through it, and those that do so with
        create_graph; as far as the program itself goes.
        """
        return [
            group
            for (word, level), group in self.gates.items()
            if word in self.words.get(case.id, ()) and level <= depth(case) and case not in group
        ]


def depth(case: Case) -> int:
    """0 for a program that only goes forward, 1 for one that goes back, 2 for create_graph.

    3 for series and compiled functions, where "backward" may stand in a helper.
    """
    if "dezero_shared.series" in case.program or "compiled(" in case.program:
        return 3
    if "create_graph" in case.program:
        return 2
    return 1 if "backward" in case.program else 0


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "passed", "failed", "waits" for the case `waits_for`, or "not run".

    printed: the end of what a program that failed has printed, and the engine with it.
    """

    case: Case
    status: str
    verdict: Verdict | None = None
    observed: Observed | None = None
    waits_for: Case | None = None
    printed: str = ""

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def hangs(self) -> bool:
        """Whether it has run out of time."""
        return bool(self.observed and self.observed.fault.startswith("no answer within"))


@dataclass(frozen=True)
class Progress:
    """How far the engine in `folder` is: an outcome for each case, the simplest first."""

    chapter: Chapter
    folder: Path
    arrays: ArrayKind
    own: tuple[Outcome, ...]
    earlier: tuple[Outcome, ...]

    def of(self, status: str) -> list[Outcome]:
        """The outcomes with this status, those of the chapter first."""
        return [outcome for outcome in (*self.own, *self.earlier) if outcome.status == status]

    def due(self, status: str) -> list[Outcome]:
        """Those of them that have to pass: what the book leaves open has not."""
        return self.asked(self.of(status))

    def asked(self, part: Sequence[Outcome]) -> list[Outcome]:
        """Those of `own` or `earlier` that have to pass."""
        return [one for one in part if one.case.id not in self.chapter.beyond]

    @property
    def done(self) -> bool:
        """Whether all that the book answers is right."""
        return not any(map(self.due, ("failed", "waits", "not run")))


class Runs(Protocol):
    """What runs programs on the engine in a folder: a worker process, or this one."""

    printed: str

    def __enter__(self) -> Runs: ...

    def __exit__(self, *exception: object) -> None: ...

    def start(self) -> object:
        """Import the engine. Raises StageError."""

    def observe(self, program: str, name: str, *, warns: bool = False) -> Observed:
        """What a program answers."""


#: Makes it, for a folder.
Make = Callable[[Path, ArrayKind, Limits], Runs]


def in_a_process(folder: Path, arrays: ArrayKind, limits: Limits) -> Runs:
    return Isolated(folder, arrays, limits, launch=quietly)


def run_chapter(
    chapter: Chapter,
    folder: Path,
    *,
    limits: Limits | None = None,
    jobs: int = 2,
    waiting: bool = True,
    array: str = "numpy",
    make: Make = in_a_process,
) -> Progress:
    """Run the chapter's cases, and all earlier ones, on the engine in `folder`, in workers.

    A case whose simpler ones fail waits, and is not run (with waiting=False all are run). After two
    cases that run out of time the others are not run. Raises StageError for a folder without an
    engine, one that is no valid Python or cannot be imported, and where the workers have imported
    a module of the engine from elsewhere.
    """
    folder = folder.resolve()
    if not (folder / "dezero" / "__init__.py").is_file():
        raise StageError(f"{folder} holds no package dezero (dezero/__init__.py) to check")
    refuse_bad_syntax(folder / "dezero")
    kind = array_kind(array)
    with ExitStack() as stack:
        workers = [make(folder, kind, limits or Limits()) for _ in range(max(1, jobs))]
        runner = _Runner(chapter, [stack.enter_context(one) for one in workers], waiting)
        runner.workers[0].start()
        gates = {case.id for group in chapter.gates.values() for case in group}
        # A gate waits for those of less depth, and for simpler ones.
        for case in sorted(chapter.own, key=depth):
            if case.id in gates:
                runner.run(case, runner.workers[0])
        runner.run_all([*chapter.own, *chapter.earlier])
        for worker in runner.workers:
            _refuse_elsewhere(worker, folder)
        found = runner.outcomes
    own = tuple(found[case.id] for case in chapter.own)
    earlier = tuple(found[case.id] for case in chapter.earlier)
    return Progress(chapter, folder, kind, own, earlier)


class _Runner:
    """The outcomes so far, and the workers that add to them."""

    def __init__(self, chapter: Chapter, workers: list[Runs], waiting: bool):
        self.chapter, self.workers, self.waiting = chapter, workers, waiting
        self.outcomes: dict[str, Outcome] = {}
        self.hangs = 0
        self.lock = Lock()

    def run_all(self, todo: Sequence[Case]) -> None:
        rest: Iterator[Case] = iter([case for case in todo if case.id not in self.outcomes])

        def work(worker: Runs) -> None:
            while True:
                with self.lock:
                    case = next(rest, None)
                if case is None:
                    return
                self.run(case, worker)

        try:
            together(work, self.workers, len(self.workers))
        except BaseException:  # Ctrl-C too: the threads are to end as well
            self.hangs = HANGS
            raise

    def run(self, case: Case, worker: Runs) -> None:
        if self.hangs >= HANGS:
            self.outcomes[case.id] = Outcome(case, "not run")
            return
        for group in self.chapter.waits_on(case) if self.waiting else ():
            simpler = [self.outcomes[one.id] for one in group]
            if all(outcome.status != "passed" for outcome in simpler):
                root = simpler[0].waits_for or simpler[0].case
                self.outcomes[case.id] = Outcome(case, "waits", waits_for=root)
                return
        outcome = self.outcomes[case.id] = run_case(case, worker, self.chapter)
        self.hangs += outcome.hangs


def together(work: Callable[[One], Other], todo: Iterable[One], jobs: int) -> list[Other]:
    """What becomes of each, so many at once; of one at a time in this thread alone.

    Where a browser runs Python there is no other.
    """
    if jobs == 1:
        return [work(one) for one in todo]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(work, todo))


def run_case(case: Case, worker: Runs, chapter: Chapter) -> Outcome:
    """Run a case, and judge it as one of a stage that has the chapter's capabilities."""
    observed = worker.observe(case.program, case.id, warns=case.warns)
    verdict = judge(case, observed, chapter.capabilities)
    if verdict.outcome == "passed":
        return Outcome(case, "passed", verdict, observed)
    return Outcome(case, "failed", verdict, observed, printed=worker.printed)


def quietly(stage: Path, arrays: ArrayKind) -> Launch:
    """As `plainly`, and breakpoint() is passed over: nobody can be asked anything there."""
    launch = plainly(stage, arrays)
    # In place of -I, which would also keep PYTHONBREAKPOINT from the worker.
    command = [part for part in launch.command if part != "-I"]
    env = {name: text for name, text in launch.env.items() if not name.startswith("PYTHON")}
    return replace(
        launch,
        command=(command[0], "-P", "-s", *command[1:]),
        env=env | {"PYTHONBREAKPOINT": "0"},
    )


#: What a worker is asked last: the files of all modules of the engine.
_ASKED = """
import sys
[
    [name, str(module.__file__)]
    for name, module in list(sys.modules.items())
    if name.split(".")[0] == "dezero" and getattr(module, "__file__", None)
]
"""


def _refuse_elsewhere(worker: Runs, folder: Path) -> None:
    observed = worker.observe(_ASKED, "where the modules come from")
    for name, file in observed.value if isinstance(observed.value, list) else ():
        if folder not in Path(file).resolve().parents:
            raise StageError(
                f"{name} was imported from {file}, and not from {folder}, so nothing of what was"
                f" seen counts; import it from your own package"
            )


@dataclass(frozen=True)
class Failure:
    """A failed case explained: what was tried, what was expected, what came.

    at: the innermost line of the engine's own that an exception came through, or nothing.
    """

    statement: str
    program: str
    expected: str
    source: str
    got: str
    why: tuple[str, ...]
    at: str
    printed: str


def explain(outcome: Outcome, progress: Progress) -> Failure:
    """What a person needs to repeat a failure and to go on; `outcome` has failed."""
    case, verdict, observed = outcome.case, outcome.verdict, outcome.observed
    assert verdict
    assert observed
    # What a stage before it answers: that says no more than that it is not there yet.
    lacks = verdict.reason.startswith("a stage without")
    return Failure(
        case.statement,
        case.program.rstrip(),
        verdict.expected,
        case.source,
        verdict.got,
        tuple(without_ulps(verdict.differences) or ([] if lacks else [verdict.reason])),
        _innermost(observed.trace, progress.folder),
        outcome.printed.strip(),
    )


def without_ulps(lines: Sequence[str]) -> list[str]:
    """Without the unit of rounding errors, where it is no matter of rounding."""
    return [re.sub(r" = [\d.]+e\+\d+ ulps", "", line) for line in lines]


def _innermost(trace: str, folder: Path) -> str:
    """The last line of a trace that is in the folder, else the last of the program."""
    lines = trace.splitlines()
    for line in reversed(lines):
        if folder in (Path.cwd() / line.partition(":")[0]).resolve().parents:
            return line
    return next((line for line in reversed(lines) if line.startswith("program,")), "")
