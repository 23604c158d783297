"""What a program needs of an engine: which functions it runs forward, and which backward.

Seen on the stage itself. So a fault in one operation can be told from one in another: a question
says nothing of a case that does not need all that the question does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..execution import runner
from ..execution.runner import Observed
from ..labs.chapter import depth
from ..model.case import Case
from .expressions import uses

#: Sums and products are in nearly all that is asked, gradients among it; casts are a stage's own.
EVERYWHERE = frozenset({"add.forward", "add.backward", "mul.forward", "mul.backward"})
_OF_A_STAGE = "cast."
_CLASSES = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "neg": "neg"}

#: Before the program, in a worker that keeps what it wrapped for the next one.
_WATCH = """
import importlib, importlib.util

if not hasattr(dezero, "_needs"):
    dezero._needs = set()

    def _watch(kind):
        for name in ("forward", "backward"):
            if name in vars(kind):
                def called(self, *xs, _f=vars(kind)[name], _name=f"{kind.__name__}.{name}"):
                    dezero._needs.add(_name)
                    return _f(self, *xs)
                setattr(kind, name, called)
        for below in kind.__subclasses__():
            _watch(below)

    if importlib.util.find_spec("dezero.functions"):
        importlib.import_module("dezero.functions")
    _watch(dezero.Function)
dezero._needs.clear()
"""


def needs_of(case: Case, ask: Callable[[Case], Observed]) -> frozenset[str]:
    """As {"mul.forward", "sin.backward"}, seen in a run; else what the program's text tells."""
    lines = case.program.rstrip().split("\n")
    answer = runner.compiled(case.program, "<needs>")[2] - 1
    watched = [*lines[:answer], "_answer = (", *lines[answer:], ")", "sorted(dezero._needs)"]
    observed = ask(dataclasses.replace(case, program=_WATCH + "\n".join(watched)))
    if observed.error or not isinstance(observed.value, list):
        return needs_as_written(case)
    found = {str(name).lower() for name in observed.value}
    return frozenset(name for name in found if not name.startswith(_OF_A_STAGE))


def needs_as_written(case: Case) -> frozenset[str]:
    """By the operators and functions that the program names, without a run."""
    names = {_CLASSES.get(word, word.replace("_", "")) for word in uses(case.program)}
    kinds = ("forward", "backward") if depth(case) else ("forward",)
    return frozenset(f"{name}.{kind}" for name in names for kind in kinds)
