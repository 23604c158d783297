"""The cases of a chapter, simplest first, and how far the engine in a folder is with them.

What a lab and a grader have in common: which cases turn stage N-1 into stage N, which of them are
to wait for a simpler one, a run of them in worker processes, and a failure explained.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from .. import cases
from ..diffs.difference import stages_of
from ..execution.isolated import Isolated, Launch, Limits, plainly
from ..execution.judge import Verdict, judge, predict
from ..execution.runner import Observed, StageError
from ..execution.stage import read, refuse_bad_syntax
from ..model.arrays import ArrayKind, array_kind
from ..model.case import REFUSALS, Case, Raises
from ..prose.markdown import sections
from ..suite.profiles import beyond_the_book
from .words import in_both

HANGS = 2  # cases that may run out of time before the rest is left
_FUNCTIONS = "dezero.functions"
_SIMPLEST = 3  # cases on a function that the others may wait for: one alone could be an odd one


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


def load_chapter(root: Path, number: int) -> Chapter:
    """The lab of this number, in the repository at `root`. Raises StageError for no lab's."""
    stages = stages_of(root)
    labs = sorted(stages)[1:]
    if number not in labs:
        first = f"; stage {min(stages)} is where the first of them starts" if stages else ""
        raise StageError(
            f"there is no lab {number}. The labs are {', '.join(map(str, labs))}{first}"
        )
    before = stages[max(n for n in stages if n < number)]
    after = stages[number]
    had, has = read(before).capabilities, read(after).capabilities
    # Those of dezero.utils and of the words for NumPy ask about what no learner writes.
    asked = [case for case in cases.ALL if case.group not in ("checks", "names-ours")]
    answered = [case for case in asked if not predict(case, has)[1]]
    # A list, since nan in it is equal to itself.
    earlier = [case for case in answered if [predict(case, had)[0]] == [case.expect]]
    lacked = [word for word in REFUSALS if word not in had]  # what arrays may lack is no matter
    known = _public_names(before)
    new_names = [name for name in _public_names(after) if name not in known]
    own = [case for case in answered if [predict(case, had)[0]] != [case.expect]]
    words = {
        case.id: frozenset(
            {word for word in case.needs if word in lacked and not _of_functions(word)}
            | _read(case.program)[0].intersection(new_names)
        )
        for case in own
    }

    def difficulty(case: Case) -> tuple[int, ...]:
        return _difficulty(case, words.get(case.id, frozenset()), new_names)

    own.sort(key=difficulty)
    beyond = {case.id: str(beyond_the_book(case)) for case in answered if beyond_the_book(case)}
    if all(case.id in beyond for case in own):  # a chapter that only tidies up: it is what is asked
        beyond = {name: reason for name, reason in beyond.items() if name not in words}
    rank = {case.id: n for n, case in enumerate(sorted(answered, key=difficulty))}
    gates: dict[tuple[str, int], tuple[Case, ...]] = {}
    for case in own:
        for word in sorted(words[case.id]):
            group = gates.get((word, depth(case)), ())
            simple = not isinstance(case.expect, Raises) and case.id not in beyond
            if len(group) < _SIMPLEST and simple:
                gates[word, depth(case)] = (*group, case)
    chapter = Chapter(number, before, after, has, tuple(own), tuple(earlier), words, gates)
    return replace(chapter, beyond=beyond, rank=rank)


def _of_functions(capability: str) -> bool:
    """Whether a capability is that dezero.functions holds some function; its name says more."""
    return _FUNCTIONS in REFUSALS[capability].match.replace("\\", "")


def _difficulty(case: Case, words: frozenset[str], order: list[str]) -> tuple[int, ...]:
    """The chapter's idea before its edges, forward before backward, plain numbers before others.

    The idea is mathematics (level core), what the book promises beside it comes next, and what it
    leaves open last. By the file's order where all is equal.
    """
    _, size = _read(case.program)
    edge = 2 if beyond_the_book(case) else case.level != "core"
    refusal = isinstance(case.expect, Raises)
    last = max([order.index(word) for word in words if word in order], default=0)
    kind = depth(case), refusal, not _is_numeric(case.expect), len(words), last
    return edge, *kind, not case.spine, case.chapter, *_figures(case.program), size


@cache
def _figures(program: str) -> tuple[int, int]:
    """How many arrays of several numbers a program has, and how many numbers as odd as 0.622."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", program)
    odd = sum(len(number.replace(".", "").strip("0")) > 2 for number in numbers)
    lists = sum(isinstance(node, ast.List) for node in ast.walk(ast.parse(program)))
    return lists, odd


def _is_numeric(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(map(_is_numeric, x))
    return isinstance(x, int | float) and not isinstance(x, bool)


def depth(case: Case) -> int:
    """0 for a program that only goes forward, 1 for one that goes back, 2 for create_graph.

    3 for series and compiled functions, where "backward" may stand in a helper.
    """
    if "dezero_shared.series" in case.program or "compiled(" in case.program:
        return 3
    if "create_graph" in case.program:
        return 2
    return 1 if "backward" in case.program else 0


@cache  # a walk through all programs of a chapter is a tenth of a second
def _read(program: str) -> tuple[frozenset[str], int]:
    """The names that a program takes from dezero.functions, and the size of its syntax tree."""
    names, modules, size = set(), set(), 0
    for node in ast.walk(ast.parse(program)):
        size += 1
        if isinstance(node, ast.ImportFrom) and node.module == _FUNCTIONS:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {a.asname for a in node.names if a.name == _FUNCTIONS and a.asname}
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in modules:
            names.add(node.attr)
    return frozenset(names), size


def _public_names(stage: Path) -> list[str]:
    """The functions of dezero.functions, in the order of the file; some come from the core."""
    file = stage.joinpath(*_FUNCTIONS.split(".")).with_suffix(".py")
    body = ast.parse(file.read_text("utf-8")).body if file.is_file() else []
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    core = [node.names for node in imports if node.module == "dezero.core"]
    from_core = [alias.name for names in core for alias in names if alias.name.islower()]
    return [*from_core, *(node.name for node in body if isinstance(node, ast.FunctionDef))]


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


def run_chapter(
    chapter: Chapter,
    folder: Path,
    *,
    limits: Limits | None = None,
    jobs: int = 2,
    waiting: bool = True,
    array: str = "numpy",
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
        make = [
            Isolated(folder, kind, limits or Limits(), launch=quietly) for _ in range(max(1, jobs))
        ]
        runner = _Runner(chapter, [stack.enter_context(one) for one in make], waiting)
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

    def __init__(self, chapter: Chapter, workers: list[Isolated], waiting: bool):
        self.chapter, self.workers, self.waiting = chapter, workers, waiting
        self.outcomes: dict[str, Outcome] = {}
        self.hangs = 0
        self.lock = Lock()

    def run_all(self, todo: Sequence[Case]) -> None:
        rest: Iterator[Case] = iter([case for case in todo if case.id not in self.outcomes])

        def work(worker: Isolated) -> None:
            while True:
                with self.lock:
                    case = next(rest, None)
                if case is None:
                    return
                self.run(case, worker)

        with ThreadPoolExecutor(len(self.workers)) as pool:
            try:
                for finished in [pool.submit(work, worker) for worker in self.workers]:
                    finished.result()
            except BaseException:  # Ctrl-C too: the threads are to end as well
                self.hangs = HANGS
                raise

    def run(self, case: Case, worker: Isolated) -> None:
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


def run_case(case: Case, worker: Isolated, chapter: Chapter) -> Outcome:
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


def _refuse_elsewhere(worker: Isolated, folder: Path) -> None:
    observed = worker.observe(_ASKED, "where the modules come from")
    for name, file in observed.value if isinstance(observed.value, list) else ():
        if folder not in Path(file).resolve().parents:
            raise StageError(
                f"{name} was imported from {file}, and not from {folder}, so nothing of what was"
                f" seen counts; import it from your own package"
            )


@dataclass(frozen=True)
class Failure:
    """A failed case explained: what was tried, what was expected, what came, where to read.

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
    read: str


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
        where_to_read(progress.chapter, case),
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


def where_to_read(chapter: Chapter, case: Case) -> str:
    """The chapter, and the section of it, that speaks of what the case is about.

    For a case of this chapter that is the first section that names its new functions and
    capabilities at least half as often as any; an earlier case has a chapter of its own. The
    section on the difference is left out: it tells the solution.
    """
    stages = chapter.after.parent
    readme = stages / f"step{case.chapter}" / "README.md"
    words = chapter.words.get(case.id, frozenset())
    if words or not readme.is_file():
        readme = chapter.after / "README.md"
    place = f"{stages.name}/{readme.parent.name}/README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    named = {
        title: sum(len(re.findall(rf"\b{re.escape(word)}", body)) for word in words)
        for title, body in sections(text, deepest=6).items()
        if title and not title.startswith(("What to look at", "Exercises", "What still fails"))
    }
    enough = max(named.values(), default=0) / 2
    title = next((title for title, n in named.items() if n >= enough), "")
    return in_both(f'{place}, "{title}"', title) if title else place
