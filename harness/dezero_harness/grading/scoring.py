"""Points: they follow from what became of the cases, and may be counted anew by another scheme."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..execution.runner import StageError
from ..labs.chapter import depth
from ..model.case import Case
from .judging import Plan, Result
from .needs import EVERYWHERE

NEW = "new formulas, in the idioms of the chapter"
_WORDS = 120  # of a submission, in characters
_HALF = 0.5  # of what vouches for a case has to hold, for it to count at all

#: Group of cases -> the topic of those that take derivatives of derivatives.
_TOPICS = {
    **dict.fromkeys(("optimisation", "E", "J", "N", "penalties"), "Newton and other optimisation"),
    **dict.fromkeys(("walks", "D", "several-outputs"), "walks, seeds and outputs"),
    "G": "gradients inside formulas",
}
_LEVELS = {
    "dtype": "dtypes",
    "hygiene": "memory, threads, and errors that leave things usable",
    "dezero": "names, texts and pictures",
    "book": "names, texts and pictures",
}
_SLOPES = "values and slopes"
_FORWARD = 0.25  # the weight of a case that takes no derivative: that is a call of NumPy's
#: Topic -> its weight, where that is not 2; it is 3 where it ends with "values and slopes".
WEIGHTS = {
    NEW: 1.5,
    "dtypes": 1.0,
    "memory, threads, and errors that leave things usable": 0.5,
    "names, texts and pictures": 0.5,
    "Newton and other optimisation": 1.0,
    "walks, seeds and outputs": 1.0,
    "gradients inside formulas": 1.0,
    "functions together": 1.0,
    "Parameter": 0.5,
    "test_mode": 0.5,
}


def topic_of(case: Case, words: Iterable[str]) -> str:
    """What a case of the chapter is about, for a student and a teacher."""
    found = set(words)
    for word, topic in (("parameter", "Parameter"), ("test_mode", "test_mode")):
        if word in found:
            return topic
    if "one_core" in found:
        return "one core"
    if case.level in _LEVELS:
        return _LEVELS[case.level]
    if depth(case) >= 2:
        return _TOPICS.get(case.group, "higher derivatives")
    found.discard("create_graph")
    if len(found) == 1:
        return f"{min(found)}: {_SLOPES}"
    return "functions together" if found else "gradients are Variables"


@dataclass(frozen=True)
class Scheme:
    """Points: `total` for the chapter, by topics; `hidden` for each hidden case beside that.

    broken: the most that is taken off, for earlier cases that fail: their share of it.
    topics: weights of topics, against WEIGHTS. cases: weights of cases in their topic, else 1, and
    a quarter of that where a case goes forward alone; of a hidden case, its points.
    """

    total: float = 100.0
    hidden: float = 1.0
    broken: float = 50.0
    topics: Mapping[str, float] = field(default_factory=dict)
    cases: Mapping[str, float] = field(default_factory=dict)

    def weight(self, topic: str) -> float:
        usual = 3.0 if topic.endswith(_SLOPES) else 2.0
        return self.topics.get(topic, WEIGHTS.get(topic, usual))

    def case(self, case: Case) -> float:
        """The weight of a case in its topic."""
        return self.cases.get(case.id, 1.0 if depth(case) else _FORWARD)

    def hidden_worth(self, case: Case) -> float:
        return self.cases.get(case.id, self.hidden)

    def most(self, plan: Plan) -> float:
        """What a submission earns that passes everything."""
        return math.fsum([self.total, *map(self.hidden_worth, plan.hidden)])


def topics_of(plan: Plan) -> dict[str, list[Case]]:
    """Topic -> the plan's cases of the chapter, and `NEW` -> nothing: these are unseen ones."""
    found: dict[str, list[Case]] = {}
    for case in plan.own:
        found.setdefault(topic_of(case, plan.words[case.id]), []).append(case)
    if any(one.kind == "idiom" for one in plan.unseen):
        found[NEW] = []
    return found


@dataclass(frozen=True)
class Topic:
    """What is earned in a topic: a share of 1, and points."""

    name: str
    share: float
    points: float
    of: float


@dataclass(frozen=True)
class Grade:
    """What a result earns by a scheme.

    points: None where there was nothing to grade, or the grader failed; `status` says which:
    "graded", "no submission", or "not graded". shares: case id -> how far a case that passes
    counts. failed and not_run leave the unseen cases out, as passed does.
    """

    points: float | None
    status: str
    passed: int
    failed: int
    not_run: int
    reason: str
    topics: tuple[Topic, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)


def grade_of(plan: Plan, scheme: Scheme, result: Result) -> Grade:
    """Points, counts of the published and hidden cases, and the reason in a line.

    A case of the chapter counts where it passes and its twin does, times the share of the unseen
    cases that hold of those that need nothing more than it does: plain ones, and those that ask for
    evidence of a walk; the lower of the two shares, and nothing where of the plain ones, or of one
    kind of evidence, less than a half hold. Where no unseen case
    needs so little, half of all of them have to hold.
    """
    status = _Statuses(result.get("cases", {}))
    if result.get("error") or result.get("reason"):
        kind = "not graded" if result.get("error") else "no submission"
        return Grade(None, kind, 0, 0, 0, result.get("reason", ""))
    vouchers = _Vouchers(plan, status)
    shares = {case.id: vouchers.share(case) if status.passed(case.id) else 0.0 for case in plan.own}
    topics = []
    weights = {name: scheme.weight(name) for name in topics_of(plan)}
    unit = scheme.total / (math.fsum(weights.values()) or 1.0)
    for name, found in topics_of(plan).items():
        share = vouchers.share_of_new()
        if name != NEW:
            each = [scheme.case(case) for case in found]
            got = [w * shares[case.id] for w, case in zip(each, found, strict=True)]
            share = math.fsum(got) / (math.fsum(each) or 1.0)
        topics.append(Topic(name, share, share * weights[name] * unit, weights[name] * unit))
    hidden = [case for case in plan.hidden if status.passed(case.id)]
    broken = sum(status.of(case.id) == "failed" for case in plan.earlier)
    earned = [topic.points for topic in topics] + [scheme.hidden_worth(case) for case in hidden]
    off = scheme.broken * broken / max(1, len(plan.earlier))
    points = round(max(0.0, math.fsum([*earned, -off])), 2)
    counts = Counter(status.of(case.id) for case in (*plan.own, *plan.earlier, *plan.hidden))
    return Grade(
        points,
        "graded",
        counts["passed"],
        counts["failed"],
        counts["not run"],
        _reason(plan, result, status, shares),
        tuple(topics),
        shares,
    )


class _Statuses:
    def __init__(self, cases: Mapping[str, Any]):
        self.cases = cases

    def of(self, key: str) -> str:
        return self.cases.get(key, {}).get("status", "not run")

    def passed(self, key: str) -> bool:
        return self.of(key) == "passed"


class _Vouchers:
    """Which unseen cases vouch for a published one, and how many of them hold."""

    def __init__(self, plan: Plan, status: _Statuses):
        self.plan, self.status = plan, status
        self.asked = [
            (one, f"unseen {n}", plan.needs.get(f"unseen {n}", frozenset()) - EVERYWHERE)
            for n, one in enumerate(plan.unseen)
            if one.kind != "idiom"
        ]
        self.all_of = self._share(self.asked)

    def share(self, case: Case) -> float:
        """How far a case counts that passes."""
        twin = f"twin {case.id}"
        if case.id in self.plan.twins and not self.status.passed(twin):
            return 0.0
        needs, words = self.plan.needs.get(case.id, frozenset()), self.plan.words.get(case.id)
        return self._vouched(needs, level_of(case), words or frozenset())

    def share_of_new(self) -> float:
        """Of the formulas that nobody has seen, which others vouch for as well."""
        shares = [
            self._vouched(self.plan.needs.get(f"unseen {n}", frozenset()), one.level, one.words)
            if self.status.passed(f"unseen {n}")
            else 0.0
            for n, one in enumerate(self.plan.unseen)
            if one.kind == "idiom"
        ]
        return math.fsum(shares) / max(1, len(shares))

    def _vouched(self, needs: frozenset[str], level: int, words: frozenset[str]) -> float:
        found = [
            (one, key, needed)
            for one, key, needed in self.asked
            if needed <= needs and one.level <= level and self._about(one.words, words)
        ]
        if not found:
            return 1.0 if self.all_of >= _HALF else 0.0
        share = self._share(found)
        return share if share >= _HALF else 0.0

    def _about(self, asked: frozenset[str], words: frozenset[str]) -> bool:
        """Whether an unseen case is about no capability that the published one is not about."""
        return not (asked & {"parameter", "test_mode", "one_core"} - words)

    def _share(self, found: list[tuple[Any, str, frozenset[str]]]) -> float:
        passed: dict[str, list[bool]] = {}
        for one, key, _ in found:
            passed.setdefault(one.kind, []).append(self.status.passed(key))
        if any(sum(some) / len(some) < _HALF for some in passed.values()):
            return 0.0
        plain = passed.pop("plain", [])
        evidence = [holds for some in passed.values() for holds in some]
        return min((sum(some) / len(some) for some in (plain, evidence) if some), default=1.0)


def level_of(case: Case) -> int:
    """As of unseen cases. A program on series, or compiled, takes derivatives in any case."""
    return depth(case) if depth(case) < 3 else 2 if "create_graph" in case.program else 1


def _reason(plan: Plan, result: Result, status: _Statuses, shares: Mapping[str, float]) -> str:
    parts = [result["stopped"]] if result.get("stopped") else []
    if parts and not any(map(status.passed, result["cases"])):
        return parts[0]

    def failing(found: Iterable[Case]) -> list[Case]:
        return [case for case in found if status.of(case.id) == "failed"]

    failed, broken = failing(plan.own), failing(plan.earlier)
    if failed:
        parts.append(
            f"{len(failed)} of the chapter's {len(plan.own)} cases fail, the first:"
            f" {failed[0].statement}{_where(result, failed[0])}"
        )
    less = [case for case in plan.own if status.passed(case.id) and shares[case.id] < 1.0]
    if less:
        parts.append(_why_less(plan, status, less))
    if broken:
        parts.append(f"{len(broken)} that were right before fail, the first: {broken[0].statement}")
    hidden = len(failing(plan.hidden))
    if hidden:
        parts.append(f"{hidden} of {len(plan.hidden)} hidden ones fail")
    asked = (*plan.own, *plan.earlier, *plan.hidden)
    not_run = [case.id for case in asked if status.of(case.id) == "not run"]
    if not_run:
        whys = Counter(result["cases"].get(key, {}).get("reason", "") for key in not_run)
        why = max(whys, key=lambda why: whys[why])
        parts.append(f"{len(not_run)} were not run{': ' * bool(why)}{why}")
    return "; ".join(parts)


_PLACE = re.compile(r"(?:/submission/|.*/submission/)?dezero/([\w/.]+):(\d+): .*")


def _where(result: Result, case: Case) -> str:
    """The line of the submission that a case ends in, and what is said there."""
    found = result["cases"][case.id]
    places = [place for line in found.get("why", []) if (place := _PLACE.fullmatch(line))]
    if not places:
        return ""
    file, line = places[-1].groups()
    return f' ({file}, line {line}, in its own words: "{found.get("got", "")[:_WORDS]}")'


def _why_less(plan: Plan, status: _Statuses, less: list[Case]) -> str:
    keys = {f"twin {case.id}": "the same with other numbers" for case in less}
    keys |= {f"unseen {n}": one.about for n, one in enumerate(plan.unseen) if one.kind != "idiom"}
    failed = list(dict.fromkeys(about for key, about in keys.items() if status.of(key) == "failed"))
    if not failed:
        return f"{len(less)} pass and do not count in full, as what vouches for them was not run"
    shown = ", ".join(failed[:4]) + ", ..." * (len(failed) > 4)
    return f"{len(less)} pass and do not count in full, as these fail: {shown}"


# The file of points


def read_scheme(file: Path, plan: Plan) -> Scheme:
    """The scheme of a TOML file. Raises StageError, with the line, for what is wrong in it."""
    try:
        text = file.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise StageError(f"{file} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StageError(f"{file} is not valid TOML: {error}") from None
    known = {
        "topics": set(topics_of(plan)),
        "cases": {case.id for case in (*plan.own, *plan.hidden)},
    }
    where_known = f"nox -s grade -- --list --stage {plan.number}"
    tables: dict[str, dict[str, float]] = {}
    for name, names in known.items():
        found = table.pop(name, {})
        if not isinstance(found, dict):
            raise StageError(f"{file}{_line(text, name)}: `{name}` is a table, [{name}]")
        for one in found:
            if one not in names:
                raise StageError(
                    f"{file}{_line(text, one)}: {one!r} is no {name.removesuffix('s')} of step"
                    f" {plan.number}; all of them: {where_known}"
                )
        tables[name] = found
    rates = ("total", "hidden", "broken")
    for name in table:
        if name not in rates:
            raise StageError(
                f"{file}{_line(text, name)}: there is no setting {name!r}; there are"
                f" {', '.join(rates)}, and the tables [topics] and [cases]"
            )
    settings = [*table.items(), *(pair for found in tables.values() for pair in found.items())]
    for name, value in settings:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            where = f"{file}{_line(text, name)}"
            raise StageError(f"{where}: {name} = {value!r}, which is not 0 points or more")
    return Scheme(
        topics={name: float(value) for name, value in tables["topics"].items()},
        cases={name: float(value) for name, value in tables["cases"].items()},
        **table,
    )


def _line(text: str, name: str) -> str:
    """ ", line N" of the first line that sets this name."""
    for number, line in enumerate(text.splitlines(), 1):
        start = line.strip().lstrip("[").lstrip("\"'")
        if start.startswith(name):
            return f", line {number}"
    return ""


Counted = Callable[[Result], Grade]
