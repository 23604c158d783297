"""Many failures in few lines: the first mathematical one at length, the others by their cause."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FEW = 3  # failures that are shown at length, each
_LEAD = 70  # lines of the first failure
_CAUSES = 24  # that are listed
_EXAMPLES = 2  # of each
_WIDTH = 110

Results = Sequence[Mapping[str, Any]]


def cause(result: Mapping[str, Any]) -> str:
    """What a failure has in common with others of its kind."""
    got, reason = result["got"].splitlines()[0] if result["got"] else "", result["reason"]
    if reason == "another answer":
        if "nan" in got and "nan" not in result["expected"]:
            return "nan in place of a number"
        if "None" in got and "None" not in result["expected"]:
            return "no gradient (None) in place of a number"
        if "'" in result["expected"]:
            return f"another text or type than expected, chapter {result['chapter']}"
        if got.count("[") != result["expected"].count("["):
            return "an answer of another shape"
        return f"another number, chapter {result['chapter']}"
    if re.match(r"\w+(Error|Exception|Interrupt|Warning|Exit)\b", got):
        # of one cause, whatever numbers, shapes and addresses its message holds
        return re.sub(r"\(/.*?\)|0x[0-9a-f]+|\d+(\.\d+)?", "...", got)[:_WIDTH]
    return reason[:_WIDTH]


def condensed(failures: Results) -> Iterator[str]:
    """Lines about these failures, not more than 150 however many they are."""
    first = next((result for result in failures if result["level"] == "core"), failures[0])
    what = "the first mathematical failure" if first["level"] == "core" else "the first failure"
    lead = first.get("explanation", "").splitlines()
    yield f"{what}: {first['statement']}"
    yield ""
    yield from lead[:_LEAD]
    if len(lead) > _LEAD:
        yield f"... {len(lead) - _LEAD} more lines"
    causes: dict[str, list[Mapping[str, Any]]] = {}
    for result in failures:
        causes.setdefault(cause(result), []).append(result)
    yield ""
    yield f"all {len(failures)} failures, by cause:"
    in_order = sorted(causes.items(), key=lambda item: (-_mathematical(item[1]), -len(item[1])))
    for text, results in in_order[:_CAUSES]:
        yield f"{len(results):>5}  {text}"
        yield from (f"           {result['statement']}" for result in results[:_EXAMPLES])
    if len(causes) > _CAUSES:
        rest = sum(len(results) for _, results in in_order[_CAUSES:])
        yield f"{rest:>5}  of {len(causes) - _CAUSES} other causes"
    yield ""
    yield "each at length: -v or --tb=short; one alone: -k and its id, as in"
    yield f"    -k {first['id']}"


def _mathematical(results: Results) -> int:
    return sum(result["level"] == "core" for result in results)
