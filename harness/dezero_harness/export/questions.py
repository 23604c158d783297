"""A case as a question in data: steps, what is asked for afterwards, and what that has to be.

A question asks for values by their names. `checks` says of each what it has to be: numbers within
the tolerance, a shape, or (where the program compares) numbers above or below a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..execution.judge import compare, tolerance
from ..execution.runner import as_plain
from ..model.case import Case
from .recording import Claim, NotData, Recording, Shape, Step, Value, claimed, record, to_data


@dataclass(frozen=True)
class Question:
    """The steps of a program, the names of what is asked for, and how the answer is made of it."""

    steps: list[Step]
    asked: list[str]
    answer: Any  # of the recording

    def assembled(self, numbers: Mapping[str, Any]) -> Any:
        """What the program answers where these names have these numbers; None: no gradient."""
        return _assembled(self.answer, numbers)


def question(case: Case) -> Question:
    """A case as a question. Raises NotData where its program or its answer is none."""
    recording = record(case.program)
    asked: list[str] = []
    for part in _parts(recording.answer):
        value = part.value if isinstance(part, Claim) else part
        value = value.of if isinstance(value, Shape) else value
        if isinstance(value, Value):
            asked.append(value.asked())
        elif recording.decides:
            raise NotData("decides in Python by the numbers what it answers")
    if not asked:
        raise NotData("answers with nothing that it computes")
    return Question(_needed(recording, set(asked)), list(dict.fromkeys(asked)), recording.answer)


_USES = ("of", "root", "seed", "on", "to", "gradient")


def _needed(recording: Recording, asked: set[str]) -> list[Step]:
    """Without the copies of numbers that nothing uses."""
    wanted, steps = set(asked), []
    for step in reversed(recording.steps):
        if step["do"] == "leaf" and "of" in step and step["name"] not in wanted:
            continue
        wanted |= {step[key] for key in _USES if key in step}
        wanted |= {name for name in step.get("inputs", ()) if isinstance(name, str)}
        steps.append(step)
    return steps[::-1]


def _parts(answer: Any) -> Iterator[Any]:
    if isinstance(answer, list | tuple) and not isinstance(answer, Shape):
        for part in answer:
            yield from _parts(part)
    else:
        yield answer


def _assembled(answer: Any, numbers: Mapping[str, Any]) -> Any:
    if isinstance(answer, Shape):
        return _shape(numbers[answer.of.asked()])
    if isinstance(answer, list | tuple):
        return [_assembled(part, numbers) for part in answer]
    if isinstance(answer, Claim):
        value, bound = numbers[answer.value.asked()], as_plain(answer.bound)
        return value is not None and claimed(answer.kind, value, bound)
    return numbers[answer.asked()] if isinstance(answer, Value) else answer


def _shape(numbers: Any) -> list[int]:
    if not isinstance(numbers, list):
        return []
    return [len(numbers), *(_shape(numbers[0]) if numbers else [])]


def checks(case: Case, asked: Question) -> list[dict[str, Any]]:
    """What each asked name has to be. Raises NotData where the case claims anything else."""
    return list(_checks(asked.answer, case.expect, case))


def _checks(answer: Any, expect: Any, case: Case) -> Iterator[dict[str, Any]]:
    if isinstance(answer, Shape):
        yield {"value": answer.of.name, "shape": list(expect)}
    elif isinstance(answer, list | tuple):
        if not isinstance(expect, list | tuple) or len(answer) != len(expect):
            raise NotData("is a claim of another form than its answer")
        for part, one in zip(answer, expect):
            yield from _checks(part, one, case)
    elif isinstance(answer, Claim):
        if expect is not True:
            raise NotData("claims that a comparison is false")
        if answer.kind == "is" and any(tolerance(case)):
            raise NotData("compares in Python what has a tolerance")
        yield {"value": answer.value.name, answer.kind: to_data(as_plain(answer.bound))}
    elif isinstance(answer, Value):
        yield {"value": answer.name, "is": to_data(_floats(as_plain(expect)))}
    elif answer != expect:
        raise NotData("answers in Python what it does not claim")


def _floats(expect: Any) -> Any:
    if isinstance(expect, list):
        return [_floats(one) for one in expect]
    return expect if expect is None else float(expect)


def from_data(x: Any) -> Any:
    """What `to_data` has written, and what an engine answers with. Raises ValueError."""
    if isinstance(x, list):
        return [from_data(one) for one in x]
    if isinstance(x, str) and _HEX.fullmatch(x.lower()):
        return float.fromhex(x)
    if x is None or (isinstance(x, int | float) and not isinstance(x, bool)):
        return x
    raise ValueError(f"{x!r} is no number; those are JSON's, texts as 0x1.8p+1, inf, -inf and nan")


_HEX = re.compile(r"[-+]?(0x[0-9a-f]+\.?[0-9a-f]*(p[-+]?\d+)?|inf|infinity|nan)")


def wrong(check: Mapping[str, Any], numbers: Any, tolerances: tuple[float, float, int]) -> str:
    """In one line, in what an asked value is not what a check says; nothing where it is."""
    name = check["value"]
    if "shape" in check:
        found = _shape(numbers)
        return "" if found == check["shape"] else f"{name} has the shape {found}"
    ((kind, data),) = [(key, data) for key, data in check.items() if key != "value"]
    bound = from_data(data)
    if kind != "is":
        right = isinstance(numbers, float) and claimed(kind, numbers, bound)
        return "" if right else f"{name} is {numbers!r}, and not {kind} {bound!r}"
    for place, expected, got in compare(bound, numbers, tolerances):
        return f"{name}{place} is {got!r}, expected {expected!r}"
    return ""


def as_data(case: Case) -> dict[str, Any]:
    """A case for the file, but for its id. Raises NotData."""
    asked = question(case)
    rel, abs_, ulps = tolerance(case)
    return {
        "statement": case.statement,
        "level": case.level,
        "chapter": case.chapter,
        "group": case.group,
        "source": case.source,
        "steps": asked.steps,
        "asked": asked.asked,
        "checks": checks(case, asked),
        "tolerance": {"rel": rel.hex(), "abs": abs_.hex(), "ulps": ulps},
    }
