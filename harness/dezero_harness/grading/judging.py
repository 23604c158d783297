"""A submission is run and judged: what becomes of each case. Points follow elsewhere.

`judge_submission` takes plain data and returns plain data. `run_submission` has it done by a
process of its own, within bounds: answers are a submission's, and reading them must not be able to
hurt whoever reads.
"""

from __future__ import annotations

import hashlib
import random
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

try:
    import re2 as patterns  # its time is linear in the text, whatever the pattern
except ImportError:  # e.g. a machine that only imports this, as a cluster's scheduler
    patterns = None

from ..execution.containers import Container
from ..execution.isolated import Isolated, Limits, no_answer, plainly
from ..execution.judge import is_right, judge
from ..execution.runner import Observed, StageError
from ..execution.sandbox import Bounds, Sandbox, Watchdog, refuse_without_sandbox
from ..model.arrays import ArrayKind
from ..model.case import Case, Raises, Says
from .needs import needs_as_written
from .submissions import shown, write_package
from .unseen_cases import Unseen

Result = dict[str, Any]

NAME = "case"  # of every program that a submission is given: nothing tells which is which
_HANGS = 8  # cases that may run out of time before the rest is left
_SUSPECT = 2  # of these, after which what else needs the same function is put off
_BRIEF = 2.0  # seconds of a case, once one has run out of time
_REASON = 300  # characters of a reason
_TEXT = 600  # characters of an answer that is kept
_LONG = 2000  # characters of a message or text that are searched


@dataclass(frozen=True)
class Plan:
    """What is asked of every submission: the same cases, in the same order, with the same seeds."""

    number: int
    capabilities: frozenset[str]
    own: tuple[Case, ...]
    earlier: tuple[Case, ...]
    hidden: tuple[Case, ...]
    unseen: tuple[Unseen, ...]
    #: Case id -> its twin.
    twins: Mapping[str, Case] = field(repr=False)
    #: Case id -> the functions and capabilities of the chapter that it uses.
    words: Mapping[str, frozenset[str]] = field(repr=False)
    #: Key of a question -> what it needs of an engine (see needs.py).
    needs: Mapping[str, frozenset[str]] = field(repr=False)
    seed: str
    arrays: ArrayKind
    limits: Limits
    bounds: Bounds
    restarts: int = 20  # workers that a submission may use up
    unsafe: bool = False
    isolation: str = "bubblewrap"
    out_of_sight: tuple[Path, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        # Not the digest: another machine has to make its own.
        return {name: value for name, value in vars(self).items() if name != "digest"}

    @cached_property
    def digest(self) -> str:
        """Another one where anything that decides on a verdict is another."""
        parts = [self.number, sorted(self.capabilities), self.own, self.earlier, self.hidden]
        parts += [self.unseen, sorted(self.twins.items()), self.seed, self.arrays, self.limits]
        parts += [self.bounds, self.restarts, self.unsafe, code_digest()]
        text = re.sub(r"frozenset\(\{(.*?)\}\)", _in_order, repr(parts))
        return hashlib.sha256(text.encode()).hexdigest()

    def questions(self) -> list[tuple[str, str, Case]]:
        """(kind, key, case), in the order in which they are run, which the seed decides."""
        found = [("own", case.id, case) for case in self.own]
        found += [("earlier", case.id, case) for case in self.earlier]
        found += [("twin", f"twin {name}", case) for name, case in self.twins.items()]
        found += [("unseen", f"unseen {n}", one.case) for n, one in enumerate(self.unseen)]
        found += [("hidden", case.id, case) for case in self.hidden]
        random.Random(f"{self.seed} order").shuffle(found)
        return found

    def needed(self, key: str, case: Case) -> frozenset[str]:
        """What a question needs of an engine: as it was seen, else as its text tells."""
        return self.needs.get(key.removeprefix("twin "), None) or needs_as_written(case)


def _in_order(found: re.Match[str]) -> str:
    """A set's elements in an order that is the same in every process."""
    return str(sorted(found[1].split(", ")))


def code_digest() -> str:
    """Of the code that runs and judges: every machine has to have the same."""
    harness = Path(__file__).parents[1]
    rooms = {
        "execution": ("worker", "runner", "judge", "isolated", "sandbox", "control_groups"),
        "grading": ("judging",),
        "model": ("case", "arrays"),
    }
    found = hashlib.sha256()
    for room, names in rooms.items():
        for name in names:
            found.update((harness / room / f"{name}.py").read_bytes())
    return found.hexdigest()


def judge_submission(
    plan: Plan, files: Mapping[str, bytes], stop: threading.Event | None = None
) -> Result:
    """Run all cases on the engine of these files; what became of each, by its key.

    Once `stop` is set the submission is ended, and the result is no result. Raises StageError where
    there is no sandbox.
    """
    if not plan.unsafe and plan.isolation == "bubblewrap":
        refuse_without_sandbox()
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        place = Path(folder, "submission")
        place.mkdir()
        write_package(files, place)
        return _Marking(plan, place).run(stop or threading.Event())


#: Program -> an answer that was right, as it came and what it says, and the case: most submissions
#: give the same answer to the last digit, which then need not be compared again.
_RIGHT: dict[str, tuple[Any, ...]] = {}


class _Marking:
    """One submission, question by question."""

    def __init__(self, plan: Plan, place: Path):
        self.plan, self.place = plan, place
        self.cases: dict[str, Any] = {}
        self.reason = ""
        self.hangs = self.restarts = 0
        self.hung: Counter[str] = Counter()  # what a case needed that ran out of time
        self.sound: set[str] = set()  # what a case needed that came to its end
        self.convicted: list[frozenset[str]] = []  # what took too long for lack of anything else

    def run(self, stop: threading.Event) -> Result:
        plan = self.plan
        inside = Container if plan.isolation == "container" else Sandbox
        launch = plainly if plan.unsafe else inside(plan.bounds, plan.out_of_sight).launch
        with (
            Isolated(
                self.place, plan.arrays, plan.limits, launch=launch, compiles=True
            ) as isolated,
            Watchdog(isolated, plan.bounds, stop) as watchdog,
        ):
            isolated.known = _RIGHT
            left = []
            for question in plan.questions():
                if self.suspects(question):
                    left.append(question)
                else:
                    self.ask(isolated, watchdog, *question)
            # What has come to its end since then is suspect no more; of the others, those that need
            # least may clear what they need, or convict it.
            for question in sorted(left, key=lambda one: len(self.suspects(one))):
                kind, key, _ = question
                suspects = self.suspects(question)
                guilty = [found for found in self.convicted if found <= suspects]
                if guilty:
                    why = f"it needs {', '.join(sorted(guilty[0]))}, which took too long before"
                    self.cases[key] = {"kind": kind, "status": "not run", "reason": why}
                    continue
                hangs = self.hangs
                self.ask(isolated, watchdog, *question)
                if self.hangs > hangs:
                    self.convicted.append(frozenset(suspects))
        return {"cases": self.cases, "stopped": shown(self.reason, _REASON)}

    def suspects(self, question: tuple[str, str, Case]) -> set[str]:
        _, key, case = question
        if not self.hung:
            return set()
        needed = self.plan.needed(key, case) - self.sound
        return {name for name in needed if self.hung[name] >= _SUSPECT}

    def ask(self, isolated: Isolated, watchdog: Watchdog, kind: str, key: str, case: Case) -> None:
        plan = self.plan
        if not self.reason and isolated.worker is None:
            self.restarts += 1
            try:
                isolated.start()
            except StageError as error:
                self.reason = watchdog.reason or _import_failure(str(error), self.place)
            if self.restarts > plan.restarts:
                self.reason = f"it ended {plan.restarts} workers, so the rest was not run"
        self.reason = self.reason or watchdog.reason
        if self.reason:
            self.cases[key] = {"kind": kind, "status": "not run"}
            return
        observed = isolated.observe(case.program, NAME, warns=case.warns)
        if watchdog.reason:
            observed = no_answer(watchdog.reason)
        elif watchdog.took_too_long():
            observed = no_answer(f"no answer within {isolated.limits.seconds:g} s of computing")
        needed = plan.needed(key, case)
        if observed.fault.startswith("no answer within"):
            self.hangs += 1
            self.hung.update(needed)
            brief = min(_BRIEF, plan.limits.seconds)
            isolated.limits = Limits(brief, plan.limits.memory, plan.limits.start, plan.limits.wall)
        elif not observed.fault:
            self.sound |= needed
        if self.hangs >= _HANGS:
            self.reason = f"{_HANGS} cases took too long, so the rest was not run"
        right = _RIGHT.get(case.program)
        answers = not (observed.error or observed.fault)
        if answers and right and observed.value is right[1] and case is right[2]:
            self.cases[key] = {"kind": kind, "status": "passed"}
            return
        self.cases[key] = {"kind": kind} | judged(plan, case, observed)
        if answers and self.cases[key]["status"] == "passed":
            _RIGHT[case.program] = (isolated.came, observed.value, case)


def judged(plan: Plan, case: Case, observed: Observed) -> dict[str, Any]:
    """What is kept of a case: passed or failed, and then what was expected, what came, and why."""
    length = max(len(x) for x in (observed.message, observed.value) if isinstance(x, str))
    searched = isinstance(case.expect, Raises | Says)
    if length > _LONG and searched:
        text = f"a text of {length} characters; more than {_LONG} are not read"
        return {"status": "failed", "expected": "", "got": "", "why": [text]}
    how = patterns or re
    try:
        if is_right(case, observed, plan.capabilities, how):
            return {"status": "passed"}
        verdict = judge(case, observed, plan.capabilities, patterns=how)
    except (RecursionError, ValueError, TypeError, OverflowError, MemoryError) as error:
        text = f"an answer that cannot be compared: {type(error).__name__}"
        return {"status": "failed", "expected": "", "got": "", "why": [text]}
    lacks = verdict.reason.startswith("a stage without")
    why = verdict.differences or (() if lacks else (verdict.reason,))
    lines = [*why, *observed.trace.splitlines()[-2:]]
    return {
        "status": "failed",
        "expected": shown(verdict.expected, _TEXT),
        "got": shown(verdict.got, _TEXT),
        "why": [shown(line, _TEXT) for line in lines],
    }


_WHERE = re.compile(r"(?s).*?: /submission/(dezero/[^\n]*?), line (\d+): (.*)")
_NO_PYTHON = re.compile(
    r"(?s).*?: /submission: ((?:Syntax|Indentation|Tab)Error: .*) \(([\w.]+), line (\d+)\)"
    r"; correct this line and run again"
)
_ADVICE = re.compile(r"; (correct this line and run again|install [\w.]+ in this environment, .*)$")
#: What Python itself says of an import; anything else may be what the submission says.
_PYTHON_S_OWN = re.compile(
    r"(?s)(?:ModuleNotFoundError|ImportError): (No module named '[\w.]+'"
    r"|cannot import name '\w+' from '[\w.]+'.*)|((?:SyntaxError|IndentationError|TabError): .*)"
)


def _import_failure(message: str, place: Path) -> str:
    """As `functions.py, line 1: No module named 'pandas'`, wherever the submission was put."""
    text = message.replace(f"{place}/", "/submission/")
    for folder in (str(place), "/submission"):
        text = text.replace(f", {folder}:", ":")
    parsed = _NO_PYTHON.fullmatch(text)
    if parsed:
        return f"{parsed[2]}, line {parsed[3]}: {parsed[1]}"
    found = _WHERE.fullmatch(text)
    if not found:
        return text.replace("/submission/", "")
    file, line, what = found.groups()
    what = _ADVICE.sub("", what)
    own = _PYTHON_S_OWN.fullmatch(what)
    if own and (own[2] or _imports(place / file, int(line))):
        what = own[1] or own[2]
    else:
        kind, _, said = what.partition(": ")
        what = f'{kind}, in the words of the submission: "{said}"'
    return f"{file.removeprefix('dezero/')}, line {line}: {what}"


def _imports(file: Path, line: int) -> bool:
    """Whether this line is an import, and not a raise."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
        return re.match(r"\s*(import|from)\s", lines[line - 1]) is not None
    except (OSError, IndexError):
        return False
