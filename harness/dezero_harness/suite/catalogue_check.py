"""Mistakes in the catalogue that can be seen without running a case."""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..execution.runner import compiled
from ..model.case import ARRAY_CAPABILITIES, ENVIRONMENT, LEVELS, REFUSALS, Case, Raises, Says

SPINE = ("24 and 44", "Newton", "sin cycle", "double backprop")
_LONGEST = 70
#: What a program of level core may not mention: dtypes, names of ours, how the graph is kept.
_BEYOND_MATHEMATICS = re.compile(
    r"\w*dtype\w*|\b(?:u?int|float|complex)\d+|\.name\b|__\w+__|\.creator|\.generation"
    r"|\b(?:repr|str|print|kind|id)\(|\bretain_grad|\bno_grad|\busing_config|\btest_mode"
    r"|\b(?:Config|Function|Parameter|Series)\b|\bdezero_shared|\bdezero\.(?!functions\b)\w+"
)
_AS_GRAD = 'getattr(dezero, "is_simple_core", False)'  # asks whether gradients are arrays


def mistakes(cases: Sequence[Case]) -> list[str]:
    """A line for each mistake, naming the case: what is wrong, and what is right."""
    found = [f"{case.statement!r}: {mistake}" for case in cases for mistake in _mistakes(case)]
    ids = Counter(case.id for case in cases)
    found += [
        f"{n} cases have the id {id!r}; a statement is unique" for id, n in ids.items() if n > 1
    ]
    return found


def _mistakes(case: Case) -> Iterator[str]:
    yield from _in_statement(case)
    yield from _in_program(case.program, f"<{case.id}>")
    if not case.source.strip():
        yield "the source is empty: say why this is the answer"
    if case.chapter not in range(31, 37):
        yield f"chapter {case.chapter} is none of 31 to 36"
    if not case.group.strip():
        yield "the group is empty"
    if case.spine and case.spine not in SPINE:
        yield f"the spine has no {case.spine!r}; it has {', '.join(SPINE)}"
    if case.level not in LEVELS:
        yield f"the level {case.level!r} is none of {', '.join(LEVELS)}"
    if case.level == "core":
        yield from _beyond_mathematics(case)
    if case.rel < 0 or case.abs < 0:
        yield "a tolerance is negative"
    for capability in case.needs:
        known = [*REFUSALS, *ARRAY_CAPABILITIES, *ENVIRONMENT]
        if capability not in known:
            yield f"needs {capability!r}, which is none of {', '.join(known)}"
    for capability, answer in case.without.items():
        if capability not in case.needs:
            yield f"`without` answers for {capability!r}, which the case does not need: so never"
        yield from _in_answer(answer, case.program)
    yield from _in_answer(case.expect, case.program)


def _in_statement(case: Case) -> Iterator[str]:
    if not case.id:
        yield "a case without an id: the statement has no letters"
    if len(case.statement) > _LONGEST:
        yield f"the statement has {len(case.statement)} characters, more than {_LONGEST}"
    if re.search(r"\bshould\b", case.statement, re.IGNORECASE):
        yield "a statement says what is, not what should be"
    if case.statement != case.statement.strip().rstrip("."):
        yield "the statement ends in a period, or has blanks around it"


def _beyond_mathematics(case: Case) -> Iterator[str]:
    found = _BEYOND_MATHEMATICS.search(case.program.replace(_AS_GRAD, ""))
    if found:
        yield f"level core, and the program mentions {found[0]}: that is no mathematics"
    if _has_text(case.expect):
        yield f"level core, and the answer is no number: {case.expect!r}"


def _has_text(answer: Any) -> bool:
    if isinstance(answer, list | tuple):
        return any(map(_has_text, answer))
    return isinstance(answer, str | dict | Raises | Says)


def _in_program(program: str, file: str) -> Iterator[str]:
    try:
        compiled(program, file)
    except SyntaxError as error:
        if error.lineno:
            yield f"the program does not parse: line {error.lineno}, {error.msg}"
            return
        yield "the last line of the program is not an expression, its answer"
    named = re.search(r"\b(numpy|np|cupy|cp|array_api_strict|jax|jnp|dask)\b", program)
    if named:
        yield f"the program names {named[0]}; data comes from array() and host()"


def _in_answer(answer: Any, program: str) -> Iterator[str]:
    if isinstance(answer, Raises):
        # AxisError and the like are NumPy's; a program may also define an exception of its own.
        homes = (builtins, np.exceptions)
        known = any(hasattr(home, answer.type) for home in homes)
        if not known and f"class {answer.type}(" not in program:
            yield f"no exception is called {answer.type!r}: it never fits"
        if not answer.match:
            yield f"{answer.type} without a message to match fits for any reason"
        try:
            re.compile(answer.match)
        except re.error as error:
            yield f"{answer.match!r} is not a regular expression: {error}"
    elif not _is_plain(answer):
        yield f"{answer!r} is not plain data (numbers, strings, None, and lists of them)"


def _is_plain(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(map(_is_plain, x))
    if isinstance(x, dict):
        return all(map(_is_plain, [*x, *x.values()]))
    return x is None or isinstance(x, bool | int | float | complex | str)
