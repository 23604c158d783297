"""The verdict: what is predicted of a stage, whether what was observed is that, and if not, why.

This module sees plain data only: nothing here runs or imports an engine.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from ..model.arrays import ArrayKind
from ..model.case import ENVIRONMENT, FUNCTION_ULPS, REFUSALS, Case, Raises, Says
from .runner import Observed, as_plain

#: Outcome -> what a report calls it.
OUTCOMES = {"passed": "passed", "refused": "refused as predicted", "unexpected": "unexpected"}

_WIDTH = 400  # characters of an answer that are shown
_NOTHING: Mapping[str, Any] = {}
_ANY = ArrayKind("", "", "", "", "")
_DIFFERENCES = 3  # of a list of numbers that are shown one by one


@dataclass(frozen=True)
class Verdict:
    """The outcome of one case on one stage: "passed", "refused" (as predicted) or "unexpected"."""

    outcome: str
    expected: str
    got: str
    reason: str  # in one line: why this is expected, or in what the answer differs
    differences: tuple[str, ...] = ()


def result_of(case: Case, verdict: Verdict) -> dict[str, Any]:
    """What a report says of a case and its verdict."""
    return {
        "id": case.id,
        "statement": case.statement,
        "chapter": case.chapter,
        "group": case.group,
        "level": case.level,
        "spine": case.spine,
        **vars(verdict),
    }


def counts(results: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many results there are of each outcome."""
    found = Counter(result["outcome"] for result in results)
    return {outcome: found[outcome] for outcome in OUTCOMES}


def predict(
    case: Case, capabilities: Set[str], arrays_lack: Mapping[str, Any] = _NOTHING
) -> tuple[Any, str]:
    """The one answer that is right for a stage, and the capability for lack of which it refuses.

    arrays_lack: the capabilities that the arrays, or the engine's environment, lack, with what a
        program answers then.
    """
    for capability in case.needs:
        if capability in arrays_lack:
            return case.without.get(capability, arrays_lack[capability]), capability
        if capability in REFUSALS and capability not in capabilities:
            return case.without.get(capability, REFUSALS[capability]), capability
    return case.expect, ""


def is_right(case: Case, observed: Observed, capabilities: Set[str], patterns: Any = re) -> bool:
    """Whether `judge` says "passed", of arrays that lack nothing; it says why, and takes longer."""
    prediction, lacking = predict(case, capabilities)
    if lacking or observed.fault:
        return False
    return _fits(case, prediction, observed, patterns=patterns)


def judge(
    case: Case,
    observed: Observed,
    capabilities: Set[str],
    arrays: ArrayKind = _ANY,
    patterns: Any = re,
) -> Verdict:
    """Compare what a program answered with what is predicted of a stage with these capabilities.

    arrays: what it ran on; by default arrays that lack nothing. patterns: the module that matches;
    `re` may take for ever over a text that means harm, `re2` (google-re2) may not.
    """
    prediction, lacking = predict(case, capabilities, arrays.lacks)
    expected, got = _show_expected(prediction), _show_observed(observed)
    if observed.fault:
        return Verdict("unexpected", expected, got, observed.fault)
    if _fits(case, prediction, observed, arrays, patterns):
        reason = _lack(lacking, arrays) if lacking else case.source
        return Verdict("refused" if lacking else "passed", expected, got, reason)
    if lacking in arrays.lacks and _fits(case, case.expect, observed, arrays, patterns):
        reason = f"this is right, and yet it is stated that {_lack(lacking, arrays)}"
        return Verdict("unexpected", expected, got, reason)
    if lacking and _fits(case, case.expect, observed, arrays, patterns):
        reason = (
            f"this is right, and too early: the stage does not state {lacking}; state it in the"
            f" pyproject.toml of the stage, or take out what brings it"
        )
        return Verdict("unexpected", expected, got, reason)
    denied = _denied(case, observed, patterns)
    if denied in capabilities:
        reason = f"a stage without {denied} answers so, but this one states that it has {denied}"
        return Verdict("unexpected", expected, got, reason)
    if observed.error or isinstance(prediction, Raises):
        reason = _other_end(prediction, observed)
        return Verdict("unexpected", expected, got, reason)
    found = [_describe(*each) for each in differences(case, prediction, observed.value, arrays)]
    if len(found) > _DIFFERENCES:
        found[_DIFFERENCES:] = [f"and {len(found) - _DIFFERENCES} more"]
    return Verdict("unexpected", expected, got, "another answer", tuple(found))


def _lack(capability: str, arrays: ArrayKind) -> str:
    if capability in ENVIRONMENT:
        return f"the engine's environment has no {ENVIRONMENT[capability]}"
    if capability in arrays.lacks:
        return f"arrays of {arrays.module} have no {capability}"
    return f"the stage has no {capability}"


def _fits(
    case: Case, prediction: Any, observed: Observed, arrays: ArrayKind = _ANY, patterns: Any = re
) -> bool:
    if isinstance(prediction, Raises):
        return observed.error == prediction.type and bool(
            patterns.search(prediction.match, observed.message)
        )
    if observed.error:
        return False
    if isinstance(prediction, Says):
        text = observed.value
        return isinstance(text, str) and bool(patterns.fullmatch(f"(?s){prediction.match}", text))
    return not any(differences(case, prediction, observed.value, arrays))


def _denied(case: Case, observed: Observed, patterns: Any) -> str:
    """The capability whose lack would explain what was observed."""
    for capability in case.needs:
        if capability in REFUSALS and _fits(
            case, case.without.get(capability, REFUSALS[capability]), observed, patterns=patterns
        ):
            return capability
    return ""


def differences(
    case: Case, expected: Any, got: Any, arrays: ArrayKind = _ANY
) -> Iterator[tuple[str, Any, Any]]:
    """Where an answer is not the expected one: the place, as in `[0][2]`, and what stands there.

    Numbers compare by value, within the case's tolerance; nan equals nan. Lists and dicts have to
    agree in length and keys, and a bool is not a number. The kind's `ulps` are the least tolerance
    of a case that has one, or that computes functions: sin, tanh and so on are the array library's
    own. Where numbers are coarser than those of float64, no case is exact.
    """
    yield from compare(as_plain(expected), as_plain(got), tolerance(case, arrays))


def tolerance(case: Case, arrays: ArrayKind = _ANY) -> tuple[float, float, float]:
    """Of a case: relative to the expected number, absolute, and in units of its last place."""
    ulps = arrays.ulps
    if "functions" in case.needs:
        ulps = max(ulps, FUNCTION_ULPS)
    elif not (case.rel or case.abs) and arrays.coarser == 1:
        ulps = 0
    return case.rel * arrays.coarser, case.abs * arrays.coarser, ulps * arrays.coarser


def compare(
    expected: Any, got: Any, tolerance: tuple[float, float, float], place: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """As `differences`, of plain data, within a tolerance as the function of this name gives it."""
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from compare(one, other, tolerance, f"{place}[{i}]")
    elif isinstance(expected, dict) and isinstance(got, dict) and expected.keys() == got.keys():
        for key in expected:
            yield from compare(expected[key], got[key], tolerance, f"{place}[{key!r}]")
    elif _is_number(expected) and _is_number(got):
        if not _close(expected, got, *tolerance):
            yield place, expected, got
    elif type(expected) is not type(got) or expected != got:
        yield place, expected, got


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float | complex) and not isinstance(x, bool)


def _close(expected: Any, got: Any, rel: float, abs_: float, ulps: float) -> bool:
    if expected == got or (expected != expected and got != got):
        return True
    if isinstance(expected, complex) or isinstance(got, complex):
        return False
    # Not isclose's rel_tol, which is symmetric: a tolerance is relative to the expected number.
    allowed = max(abs_, rel * abs(expected), ulps * math.ulp(expected))
    return math.isfinite(expected) and abs(got - expected) <= allowed


def _describe(place: str, expected: Any, got: Any) -> str:
    at = f"at {place}: " if place else ""
    if isinstance(expected, list) and isinstance(got, list):
        return f"{at}a list of {len(got)}, expected one of {len(expected)}"
    if not (_is_number(expected) and _is_number(got)):
        return f"{at}{_shorten(repr(got))}, expected {_shorten(repr(expected))}"
    text = f"{at}{got!r}, expected {expected!r}" if place else ""
    if isinstance(expected, complex) or isinstance(got, complex):
        return text
    if isinstance(expected, int) and isinstance(got, int):
        return text or f"off by {got - expected}"
    if not (math.isfinite(expected) and math.isfinite(got)):
        return text
    off = abs(got - expected)
    count = off / math.ulp(expected)
    ulps = f" = {count:.4g} {'ulp' if count == 1 else 'ulps'}" if expected else ""
    return f"{text}{', ' if text else ''}off by {off:.2g}{ulps}"


def _other_end(prediction: Any, observed: Observed) -> str:
    if not isinstance(prediction, Raises):
        return "an exception in place of an answer"
    if not observed.error:
        return "an answer in place of an exception"
    if observed.error != prediction.type:
        return "another exception"
    return "the right exception with another message"


def _show_expected(prediction: Any) -> str:
    if isinstance(prediction, Raises):
        return f"{prediction.type} with a message that matches {prediction.match!r}"
    if isinstance(prediction, Says):
        return f"a text that matches {prediction.match!r}"
    return _shorten(repr(as_plain(prediction)))


def _show_observed(observed: Observed) -> str:
    if observed.error:
        return _shorten(": ".join(filter(None, [observed.error, observed.message])))
    return _shorten(repr(observed.value))


def _shorten(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 4]} ..."
