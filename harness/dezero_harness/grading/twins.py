"""Twins: a published case once more, with numbers that nobody has seen.

The program is the published one but for its numbers, so that nothing tells one from the other. A
module of cases that draws its numbers draws them anew, and its calculus gives the answer. In the
other cases the program's own numbers are moved a little, and the answer is that of the stage
itself, which the published cases prove: it decides on no case of the catalogue, only on whether
the published answer was computed. Where it hangs on the last digits, as after many steps of
Newton's method, there is no twin.
"""

from __future__ import annotations

import ast
import dataclasses
import math
import random
import re
import sys
import types
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from .. import cases
from ..execution.judge import differences, is_right
from ..execution.runner import Observed
from ..model.case import Case, Raises, Says

Ask = Callable[[Case], Observed]

_TRIES = 4
_NUDGE = 1e-13  # of a number: by this much, an answer that is worth asking for hardly moves
_SEED = re.compile(r"^(RNG = [\w.]+)\(\d+\)$", re.MULTILINE)
#: dtype in the text of a program -> how far off an answer may be
_ROUNDING = {"float16": 0.04, "float32": 1e-4}
_TOLERANCE = 1e-9


def twins_of(
    published: Iterable[Case], seed: str, ask: Ask, capabilities: frozenset[str]
) -> dict[str, Case]:
    """Case id -> its twin, where it has one. `ask` runs a case on the stage itself.

    A twin that the stage itself fails, for its numbers are such that rounding decides, is none.
    """
    again = drawn_again(seed)
    found = {}
    for case in published:
        drawn = again.get(case.statement)
        if drawn and (
            drawn.program == case.program or not is_right(drawn, ask(drawn), capabilities)
        ):
            drawn = None
        twin = drawn or moved(case, seed, ask, capabilities)
        if twin is not None:
            found[case.id] = dataclasses.replace(twin, statement=f"{case.statement}, a twin")
    return found


def drawn_again(seed: str) -> dict[str, Case]:
    """Statement -> the case with other numbers, of the modules that draw them."""
    found: dict[str, Case] = {}
    for file in sorted(Path(cases.__file__).parent.glob("*.py")):
        text = file.read_text("utf-8")
        number = random.Random(f"{seed} {file.name}").randrange(2**60)
        drawn, count = _SEED.subn(rf"\1({number})", text)
        if not count:
            continue
        name = f"{cases.__name__}.{file.stem}_again"
        module = types.ModuleType(name)
        module.__file__, module.__package__ = str(file), cases.__name__
        sys.modules[name] = module  # dataclasses look there
        try:
            exec(compile(drawn, str(file), "exec"), vars(module))
        finally:
            del sys.modules[name]
        found |= {case.statement: case for case in module.CASES}
    return found


def moved(case: Case, seed: str, ask: Ask, capabilities: frozenset[str]) -> Case | None:
    """The case with its numbers moved, and what the stage answers to that."""
    if isinstance(case.expect, Says):  # a text that shows the numbers
        return None
    places = _places(case.program)
    if not places:
        return None
    rounding = next((size for name, size in _ROUNDING.items() if name in case.program), _TOLERANCE)
    for attempt in range(_TRIES):
        rng = random.Random(f"{seed} {case.id} {attempt}")
        program = _written(case.program, places, partial(_other, rng))
        if isinstance(case.expect, Raises):
            twin = dataclasses.replace(case, program=program)
            if is_right(twin, ask(twin), capabilities):  # else the text shows the numbers
                return twin
            continue
        scale = max(1.0, _largest(case.expect))
        twin = dataclasses.replace(
            case,
            program=program,
            source="the stage itself, which the published cases prove",
            rel=max(case.rel, rounding),
            abs=max(case.abs, rounding * scale),
        )
        answer, nudged = ask(twin), _written(program, places, lambda x: x * (1.0 + _NUDGE))
        if answer.error or answer.fault or not _finite(answer.value):
            continue
        twin = dataclasses.replace(twin, expect=answer.value)
        beside = ask(dataclasses.replace(twin, program=nudged))
        steady = not (beside.error or beside.fault)
        if steady and not any(differences(twin, answer.value, beside.value)):
            return twin
    return None


Place = tuple[int, int, int]  # line, first and last column


def _places(program: str) -> list[Place]:
    """Where the program writes numbers with a point, but 0.0, in the order of the text."""
    found = set()
    for node in ast.walk(ast.parse(program)):
        if not isinstance(node, ast.Constant) or type(node.value) is not float or not node.value:
            continue
        if node.lineno == node.end_lineno and node.end_col_offset is not None:
            found.add((node.lineno - 1, node.col_offset, node.end_col_offset))
    return sorted(found)


def _written(program: str, places: list[Place], change: Callable[[float], float]) -> str:
    lines = program.split("\n")
    # The later one first, as what stands before it keeps its place. Columns are of ASCII: a
    # program with other letters in such a line would show as one that is no Python.
    numbers = [float(lines[line][start:end]) for line, start, end in _now(lines, places)]
    texts = [repr(change(x)) for x in numbers]
    for (line, start, end), text in reversed(list(zip(_now(lines, places), texts, strict=True))):
        lines[line] = lines[line][:start] + text + lines[line][end:]
    return "\n".join(lines)


def _now(lines: list[str], places: list[Place]) -> list[Place]:
    """The places in these lines, whose numbers may have other lengths by now."""
    found = _places("\n".join(lines))
    assert len(found) == len(places)
    return found


def _other(rng: random.Random, x: float) -> float:
    """A number beside this one, of the same sign, with as few digits as are usual in a program."""
    factor = 1.0 + rng.choice([-1, 1]) * rng.uniform(0.02, 0.12)
    digits = 3 - math.floor(math.log10(abs(x)))
    return round(x * factor, digits)


def _finite(x: Any) -> bool:
    if isinstance(x, list):
        return all(map(_finite, x))
    if isinstance(x, dict):
        return all(map(_finite, x.values()))
    return not isinstance(x, float) or math.isfinite(x)


def _largest(x: Any) -> float:
    if isinstance(x, list | tuple):
        return max(map(_largest, x), default=0.0)
    number = isinstance(x, int | float) and not isinstance(x, bool)
    return min(abs(x), 1e6) if number and math.isfinite(x) else 0.0
