"""Spot checks: does an engine compute, or does it know the answers of the published cases?

The cases are public, so their answers can be written into a submission. A spot check asks the same
kind of question with numbers that nobody has seen, drawn from a seed of the teacher's. Expected is
a Taylor series or a closed formula, never what an engine answers.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from . import taylor
from .case import Case
from .cases.nth_derivatives import derivatives

LEVELS = ("the value", "the first derivative", "higher derivatives")
_EACH = 2  # of a kind
_SCALAR = {"sin": taylor.sin, "cos": taylor.cos, "tanh": taylor.tanh}
_SCALAR |= {"exp": taylor.exp, "log": taylor.log}


@dataclass(frozen=True)
class Spot:
    """A case for one function or capability, and how far back it goes: 0, 1 or 2."""

    word: str
    level: int
    case: Case

    @property
    def about(self) -> str:
        return f"{LEVELS[self.level]} of {self.word}"


def spots_for(words: set[str], seed: str, chapter: int) -> list[Spot]:
    """The spot checks of these functions and capabilities; the same for the same seed."""
    found = []
    for word in sorted(words):
        for level in range(len(LEVELS)):
            for number in range(_EACH):
                rng = random.Random(f"{seed} {word} {level} {number}")
                made = _spot(word, level, rng)
                if made:
                    program, expect = made
                    case = Case(
                        statement=f"spot check {number + 1} of {LEVELS[level]} of {word}",
                        program=textwrap.dedent(program),
                        expect=expect,
                        source="a Taylor series, or a closed formula",
                        chapter=chapter,
                        group="S",
                        rel=1e-9,
                        abs=1e-9,
                    )
                    found.append(Spot(word, level, case))
    return found


def _spot(word: str, level: int, rng: random.Random) -> tuple[str, object] | None:
    if word in _SCALAR:
        return _scalar(word, level, rng)
    if word == "create_graph":
        return _polynomial(rng) if level == 2 else None
    if word in _ARRAY and (word, level) != ("broadcast", 0):  # forward, arrays have always done it
        return _array(word, level, rng)
    return None


def _drawn(rng: random.Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 4)


def _scalar(word: str, level: int, rng: random.Random) -> tuple[str, object]:
    a, b, at = _drawn(rng, 0.4, 1.6), _drawn(rng, 0.3, 1.2), _drawn(rng, 0.3, 1.8)
    text = f"x * {word}({a} * x + {b})"
    (x,) = taylor.variables(3, np.array(at))
    series = x * _SCALAR[word](a * x + b)
    values = [float(series.partial(*[0] * order)) for order in range(4)]
    if level == 2:
        return derivatives(text, at, 3, word), values
    back = "y" if level == 0 else "y.backward()\nx.grad"
    imports = f"from dezero.functions import {word}"
    return f"{imports}\n\nx = Variable(array({at}))\ny = {text}\n{back}", values[level]


def _polynomial(rng: random.Random) -> tuple[str, object]:
    a, b, at = _drawn(rng, 0.5, 2.0), _drawn(rng, -2.0, 2.0), _drawn(rng, 0.5, 2.0)
    text = f"{a} * x ** 4 + {b} * x ** 2"
    expect = [
        a * at**4 + b * at**2,
        4 * a * at**3 + 2 * b * at,
        12 * a * at**2 + 2 * b,
        24 * a * at,
    ]
    return derivatives(text, at, 3), expect


# Functions of arrays. Each is linear, f(x); asked are f(x * x), and the gradient of the sum of
# w * f(x * x), which is 2 * x * g for the g that f's transpose makes of w. Its own gradient, summed
# against v, is 2 * g * v.


Linear = Callable[[np.ndarray], np.ndarray]


def _numbers(rng: random.Random, *shape: int) -> np.ndarray:
    count = int(np.prod(shape))
    return np.array([_drawn(rng, -2.0, 2.0) for _ in range(count)]).reshape(shape)


def _of(text: str, inner: tuple[int, ...], outer: tuple[int, ...], f: Linear, g: Linear):
    return text, inner, outer, f, g


_ARRAY = {
    "sum": _of(
        "sum(x * x, axis=0)",
        (2, 3),
        (3,),
        lambda x: x.sum(0),
        lambda w: np.ones((2, 1)) * w,
    ),
    "sum_to": _of(
        "sum_to(x * x, (1, 3))",
        (2, 3),
        (1, 3),
        lambda x: x.sum(0, keepdims=True),
        lambda w: np.ones((2, 1)) * w,
    ),
    "broadcast_to": _of(
        "broadcast_to(x * x, (2, 3))",
        (1, 3),
        (2, 3),
        lambda x: np.ones((2, 1)) * x,
        lambda w: w.sum(0, keepdims=True),
    ),
    "reshape": _of(
        "reshape(x * x, (3, 2))",
        (2, 3),
        (3, 2),
        partial(np.reshape, shape=(3, 2)),
        partial(np.reshape, shape=(2, 3)),
    ),
    "transpose": _of("transpose(x * x)", (2, 3), (3, 2), np.transpose, np.transpose),
    "matmul": _of("matmul(x * x, a)", (2, 3), (2, 2), lambda x: x, lambda w: w),
    "broadcast": _of("a * (x * x)", (1, 3), (2, 3), lambda x: x, lambda w: w.sum(0, keepdims=True)),
}


def _array(word: str, level: int, rng: random.Random) -> tuple[str, object]:
    text, inner, outer, f, g = _ARRAY[word]
    x, w, v = _numbers(rng, *inner), _numbers(rng, *outer), _numbers(rng, *inner)
    lines = ["" if word == "broadcast" else f"from dezero.functions import {word}\n"]
    if word == "matmul":
        a = _numbers(rng, 3, 2)
        f, g = (lambda x: x @ a), (lambda w: w @ a.T)
        lines.append(f"a = Variable(array({a.tolist()}))")
    elif word == "broadcast":
        a = _numbers(rng, 2, 1)
        f, g = (lambda x: a * x), (lambda w: (a * w).sum(0, keepdims=True))
        lines.append(f"a = Variable(array({a.tolist()}))")
    lines.append(f"x = Variable(array({x.tolist()}))")
    lines.append(f"y = {text}")
    if level == 0:
        return "\n".join([*lines, "y"]), f(x * x).tolist()
    slope = g(w)
    lines.append(f"y.grad = Variable(array({w.tolist()}))")
    if level == 1:
        return "\n".join([*lines, "y.backward()", "x.grad"]), (2 * x * slope).tolist()
    lines += [
        "y.backward(create_graph=True)",
        "gx = x.grad",
        "x.cleargrad()",
        f"gx.grad = Variable(array({v.tolist()}))",
        "gx.backward()",
        "x.grad",
    ]
    return "\n".join(lines), (2 * slope * v).tolist()
