"""A submission is run and judged: which cases it passes, and what that earns.

`run_submission` takes plain data and returns plain data, so it may run on another machine. What it
returns is kept for good; points follow from it and may be counted anew by another scheme.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
import threading
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..execution.isolated import Isolated, Limits, plainly
from ..execution.judge import is_right, judge
from ..execution.runner import StageError
from ..execution.sandbox import Bounds, Sandbox, Watchdog, refuse_without_sandbox
from ..labs.chapter import Chapter, depth
from ..model.arrays import ArrayKind
from ..model.case import Case
from .submissions import shown, write_package
from .unseen_cases import SpotCheck

Result = dict[str, Any]

_HANGS = 2  # cases that may run out of time before the rest is left, as in a lab
_RESTARTS = 20  # workers that a submission may use up
_REASON = 300  # characters of a reason
_TEXT = 600  # characters of an answer that is kept
_LONG = 2000  # characters of a message or text that are searched: longer ones could take for ever


@dataclass(frozen=True)
class Plan:
    """What is asked of every submission: the same cases, in the same order, with the same seeds."""

    number: int
    capabilities: frozenset[str]
    own: tuple[Case, ...]
    earlier: tuple[Case, ...]
    hidden: tuple[Case, ...]
    spot_checks: tuple[SpotCheck, ...]
    #: Case id -> the functions and capabilities of the chapter that it uses.
    words: Mapping[str, frozenset[str]] = field(repr=False)
    arrays: ArrayKind
    limits: Limits
    bounds: Bounds
    unsafe: bool = False
    out_of_sight: tuple[Path, ...] = ()

    @property
    def digest(self) -> str:
        """Another one where anything that decides on a verdict is another."""
        parts = [self.number, sorted(self.capabilities), self.own, self.earlier, self.hidden]
        parts += [self.spot_checks, self.arrays, self.limits, self.bounds, self.unsafe]
        parts += [code_digest()]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def questions(self) -> Iterator[tuple[str, str, Case]]:
        """(kind, key, case), in the order in which they are run.

        What students may not see comes last: the answers to what they may see cannot tell of it.
        """
        for kind, found in (("own", self.own), ("earlier", self.earlier)):
            yield from ((kind, case.id, case) for case in found)
        for n, check in enumerate(self.spot_checks):
            yield "spot check", f"spot check {n}", check.case
        yield from (("hidden", case.id, case) for case in self.hidden)


def code_digest() -> str:
    """Of the code that runs and judges: every machine has to have the same."""
    harness = Path(__file__).parents[1]
    rooms = {
        "execution": ("worker", "runner", "judge", "isolated", "sandbox"),
        "grading": ("scoring",),
        "model": ("case", "arrays"),
    }
    found = hashlib.sha256()
    for room, names in rooms.items():
        for name in names:
            found.update((harness / room / f"{name}.py").read_bytes())
    return found.hexdigest()


def run_submission(
    plan: Plan,
    files: Mapping[str, bytes],
    digest: str = "",
    stop: threading.Event | None = None,
) -> Result:
    """Run all cases on the engine of these files; what became of each, by its key.

    digest: the plan's where it was made; another one here means that this machine has another
    version of the harness, and is a RuntimeError. Once `stop` is set the submission is ended, and
    the result is no result. Raises StageError where there is no sandbox.
    """
    if digest and plan.digest != digest:
        raise RuntimeError("this machine has another version of the harness; install the same one")
    if not plan.unsafe:
        refuse_without_sandbox()
    with tempfile.TemporaryDirectory(prefix="submission-") as folder:
        place = Path(folder, "submission")
        place.mkdir()
        write_package(files, place)
        return _run(plan, place, stop or threading.Event())


def _run(plan: Plan, place: Path, stop: threading.Event) -> Result:
    launch = plainly if plan.unsafe else Sandbox(plan.bounds, plan.out_of_sight).launch
    cases: dict[str, Any] = {}
    reason, hangs, restarts = "", 0, 0
    with (
        Isolated(place, plan.arrays, plan.limits, launch=launch, compiles=True) as isolated,
        Watchdog(isolated, plan.bounds, stop) as watchdog,
    ):
        for kind, key, case in plan.questions():
            if not reason and isolated.worker is None:
                restarts += 1
                try:
                    isolated.start()
                except StageError as error:
                    reason = watchdog.reason or _import_failure(str(error), place)
                if restarts > _RESTARTS:
                    reason = f"it ended {_RESTARTS} workers, so the rest was not run"
            if not reason and watchdog.reason:
                reason = watchdog.reason
            if reason:
                cases[key] = {"kind": kind, "status": "not run"}
                continue
            name = key if kind == "own" or kind == "earlier" else "case"
            observed = isolated.observe(case.program, name, warns=case.warns)
            if watchdog.reason:
                observed = _with_fault(observed, watchdog.reason)
            hangs += observed.fault.startswith("no answer within")
            if hangs >= _HANGS:
                seconds = plan.limits.seconds
                reason = f"two cases took longer than {seconds:g} s, so the rest was not run"
            cases[key] = {"kind": kind} | _judged(plan, case, observed)
    return {"cases": cases, "stopped": shown(reason, _REASON)}


def _with_fault(observed: Any, reason: str) -> Any:
    return type(observed)(error="no answer", fault=reason)


def _judged(plan: Plan, case: Case, observed: Any) -> dict[str, Any]:
    length = max(len(x) for x in (observed.message, observed.value) if isinstance(x, str))
    if length > _LONG:
        text = f"a text of {length} characters; more than {_LONG} are not read"
        return {"status": "failed", "expected": "", "got": "", "why": [text]}
    try:
        if is_right(case, observed, plan.capabilities):
            return {"status": "passed"}
        verdict = judge(case, observed, plan.capabilities)
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


def _import_failure(message: str, place: Path) -> str:
    """The same text wherever the submission was put."""
    for folder in (str(place), "/submission"):
        message = message.replace(f", {folder}:", ":").replace(f"{folder}/", "")
    return message


# Points


@dataclass(frozen=True)
class Scheme:
    """Points: for each case of the chapter, for each hidden one, and off for each one broken.

    `cases` has the points of single cases, by their ids.
    """

    own: float = 1.0
    hidden: float = 1.0
    broken: float = 1.0
    cases: Mapping[str, float] = field(default_factory=dict)

    def worth(self, case: Case, kind: str) -> float:
        """What a case of the chapter, or a hidden one, earns when it passes."""
        return self.cases.get(case.id, self.own if kind == "own" else self.hidden)

    def most(self, plan: Plan) -> float:
        """What a submission earns that passes everything."""
        own = [self.worth(case, "own") for case in plan.own]
        return math.fsum([*own, *(self.worth(case, "hidden") for case in plan.hidden)])


def read_scheme(file: Path, plan: Plan) -> Scheme:
    """The scheme of a TOML file. Raises StageError, with the line, for what is wrong in it."""
    try:
        text = file.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise StageError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StageError(f"{file} is not valid TOML: {error}") from None
    single = table.pop("cases", {})
    known = {case.id for case in (*plan.own, *plan.hidden)}
    rates = ("own", "hidden", "broken")
    if not isinstance(single, dict):
        raise StageError(f"{file}{_line(text, 'cases')}: `cases` is a table, [cases]")
    for name, value in [*table.items(), *single.items()]:
        where = f"{file}{_line(text, name)}"
        if name in table and name not in rates:
            raise StageError(
                f"{where}: there is no setting {name!r}; there are {', '.join(rates)}, and the"
                f" table [cases] with the points of single cases"
            )
        if name not in table and name not in known:
            raise StageError(
                f"{where}: {name!r} is no case of step {plan.number}, and no hidden one; all ids"
                f" are in the file plan.json of the output folder, or: nox -s grade -- --list"
                f" --stage {plan.number}"
            )
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise StageError(f"{where}: {name} = {value!r}, which is not 0 points or more")
    return Scheme(cases={name: float(value) for name, value in single.items()}, **table)


def _line(text: str, name: str) -> str:
    """ ", line N" of the first line that sets this name."""
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip().lstrip("[").lstrip("\"'")
        if start.startswith(name):
            return f", line {number}"
    return ""


@dataclass(frozen=True)
class Grade:
    """What a result earns by a scheme."""

    points: float
    passed: int
    failed: int
    reason: str
    unearned: frozenset[str]  # cases that passed, and earn nothing as the spot checks do not


def grade_of(plan: Plan, scheme: Scheme, result: Result) -> Grade:
    """Points, counts of the published and hidden cases, and the reason in a line.

    A case of the chapter earns its points where it passes and, of each of its functions and
    capabilities, at least one spot check of the same level does too (or, where there is none, of
    the nearest). A case that is not in the result has failed.
    """
    cases = result.get("cases", {})

    def passed(key: str) -> bool:
        return cases.get(key, {}).get("status") == "passed"

    checks: dict[str, dict[int, list[bool]]] = {}
    for n, check in enumerate(plan.spot_checks):
        levels = checks.setdefault(check.word, {})
        levels.setdefault(check.level, []).append(passed(f"spot check {n}"))

    def vouched(case: Case, word: str) -> bool:
        levels = checks.get(word, {})
        level = min(levels, key=lambda level: abs(level - level_of(case)), default=None)
        return level is None or any(levels[level])

    own = [case for case in plan.own if passed(case.id)]
    unearned = frozenset(
        case.id for case in own if not all(vouched(case, word) for word in plan.words[case.id])
    )
    hidden = [case for case in plan.hidden if passed(case.id)]
    broken = [case for case in plan.earlier if not passed(case.id)]
    earned = [scheme.worth(case, "own") for case in own if case.id not in unearned]
    earned += [scheme.worth(case, "hidden") for case in hidden]
    points = max(0.0, math.fsum([*earned, -scheme.broken * len(broken)]))
    total = len(plan.own) + len(plan.earlier) + len(plan.hidden)
    count = len(own) + len(plan.earlier) - len(broken) + len(hidden)
    return Grade(points, count, total - count, _reason(plan, result, passed, unearned), unearned)


def level_of(case: Case) -> int:
    """As of spot checks. A program on series, or compiled, takes derivatives in any case."""
    return depth(case) if depth(case) < 3 else 2 if "create_graph" in case.program else 1


def _reason(plan: Plan, result: Result, passed: Any, unearned: frozenset[str]) -> str:
    if result.get("reason"):
        return result["reason"]
    parts = [result["stopped"]] if result.get("stopped") else []
    if parts and not any(map(passed, result["cases"])):
        return parts[0]
    ran = {key for key, found in result["cases"].items() if found["status"] != "not run"}
    failed = [case for case in plan.own if case.id in ran and not passed(case.id)]
    broken = [case for case in plan.earlier if case.id in ran and not passed(case.id)]
    hidden = sum(not passed(case.id) for case in plan.hidden)
    if failed:
        parts.append(
            f"{len(failed)} of the chapter's {len(plan.own)} cases fail, the first:"
            f" {failed[0].statement}"
        )
    if unearned:
        checks = enumerate(plan.spot_checks)
        about = dict.fromkeys(check.about for n, check in checks if not passed(f"spot check {n}"))
        parts.append(
            f"{len(unearned)} pass but earn nothing, as the same with other numbers fails"
            f" ({', '.join(about)})"
        )
    if broken:
        parts.append(f"{len(broken)} that were right before fail, the first: {broken[0].statement}")
    if hidden:
        parts.append(f"{hidden} of {len(plan.hidden)} hidden ones fail")
    return "; ".join(parts)


def make_plan(chapter: Chapter, **settings: Any) -> Plan:
    """The plan of a chapter, with these settings."""
    return Plan(
        number=chapter.number,
        capabilities=chapter.capabilities,
        own=chapter.own,
        # Not those of later chapters that happen to hold already: nobody has read these.
        earlier=tuple(case for case in chapter.earlier if case.chapter <= chapter.number),
        words=chapter.words,
        **settings,
    )
