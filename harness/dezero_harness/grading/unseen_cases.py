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

from ..cases.nth_derivatives import derivatives
from ..model import taylor
from ..model.case import Case

LEVELS = ("the value", "the first derivative", "higher derivatives")
_EACH = 2  # of a kind
_SCALAR = {"sin": taylor.sin, "cos": taylor.cos, "tanh": taylor.tanh}
_SCALAR |= {"exp": taylor.exp, "log": taylor.log}


#: (capability, level) -> what its spot checks are about; of a function, it is one of LEVELS.
_ABOUT = {
    ("create_graph", 1): "gradients that are Variables",
    ("create_graph", 2): "derivatives of derivatives",
    ("parameter", 0): "results of a Parameter",
    ("parameter", 1): "gradients of a Parameter",
    ("test_mode", 0): "test_mode among other modes",
    ("one_core", 0): "the one core that computes",
}


@dataclass(frozen=True)
class SpotCheck:
    """A case for one function or capability, and how far back it goes: 0, 1 or 2."""

    word: str
    level: int
    case: Case

    @property
    def about(self) -> str:
        return about(self.word, self.level)


def about(word: str, level: int) -> str:
    """What a spot check is about, in words."""
    return _ABOUT.get((word, level), f"{LEVELS[level]} of {word}")


def spot_checks_for(words: set[str], seed: str, chapter: int) -> list[SpotCheck]:
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
                        statement=f"spot check {number + 1} of {about(word, level)}",
                        program=textwrap.dedent(program),
                        expect=expect,
                        source="a Taylor series, or a closed formula",
                        chapter=chapter,
                        group="S",
                        rel=1e-9,
                        abs=1e-9,
                    )
                    found.append(SpotCheck(word, level, case))
    return found


def _spot(word: str, level: int, rng: random.Random) -> tuple[str, object] | None:
    if word in _SCALAR:
        return _scalar(word, level, rng)
    if (word, level) in _CAPABILITIES:
        return _CAPABILITIES[word, level](rng)
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


def _second_derivatives(rng: random.Random) -> tuple[str, object]:
    a, b, at = _drawn(rng, 0.5, 2.0), _drawn(rng, -2.0, 2.0), _drawn(rng, 0.5, 2.0)
    text = f"{a} * x ** 4 + {b} * x ** 2"
    expect = [
        a * at**4 + b * at**2,
        4 * a * at**3 + 2 * b * at,
        12 * a * at**2 + 2 * b,
        24 * a * at,
    ]
    return derivatives(text, at, 3), expect


def _gradients(rng: random.Random) -> tuple[str, object]:
    a, b, at = _drawn(rng, 0.5, 2.0), _drawn(rng, -2.0, 2.0), _drawn(rng, 0.5, 2.0)
    lines = [
        f"x = Variable(array({at}))",
        f"y = {a} * x ** 3 + x * {b}",
        "y.backward()",
        "isinstance(x.grad, Variable), x.grad",
    ]
    return "\n".join(lines), [True, 3 * a * at**2 + b]


def _parameter(level: int, rng: random.Random) -> tuple[str, object]:
    a, b, c = _drawn(rng, 0.5, 2.0), _drawn(rng, -2.0, 2.0), _drawn(rng, 0.5, 2.0)
    name = f"w{rng.randrange(10**6)}"
    lines = [
        "from dezero import Parameter\n",
        f"w = Parameter(array({a}), {name!r})",
        f"x = Variable(array({b}))",
        f"y = w * x + {c} * w ** 2",
    ]
    if level == 0:
        lines.append("isinstance(w, Variable), type(x) is type(w), type(y) is Variable, w.name, y")
        return "\n".join(lines), [True, False, True, name, a * b + c * a**2]
    lines += ["y.backward()", "w.name, w.grad, x.grad"]
    return "\n".join(lines), [name, b + 2 * c * a, a]


def _modes(rng: random.Random) -> tuple[str, object]:
    """Modes within each other in an order that is drawn; what they are, on the way in and out."""
    train, recording = True, True
    lines = ["from dezero import Config, no_grad, test_mode, using_config\n", "seen = []"]
    expect: list[list[bool]] = []
    modes = ["test_mode()", *rng.choices(["no_grad()", "using_config('train', True)"], k=3)]
    rng.shuffle(modes)
    after: list[list[bool]] = []
    look = "seen.append([Config.train, Config.enable_backprop])"
    for depth, mode in enumerate(modes):
        after.insert(0, [train, recording])
        train = mode != "test_mode()" and (train or mode.startswith("using"))
        recording = recording and mode != "no_grad()"
        expect.append([train, recording])
        lines += [f"{'    ' * depth}with {mode}:", f"{'    ' * (depth + 1)}{look}"]
    lines += [f"{'    ' * depth}{look}" for depth in reversed(range(len(modes)))]
    return "\n".join([*lines, "seen"]), expect + after


def _one_core(rng: random.Random) -> tuple[str, object]:
    a, at, other = _drawn(rng, 0.5, 2.0), _drawn(rng, 0.5, 2.0), f"core_{rng.randrange(10**6)}"
    found = {"core": True, "core_simple": False, other: False}
    names = rng.sample(sorted(found), k=len(found))
    lines = [
        "from importlib.util import find_spec\n",
        f"x = Variable(array({at}))",
        f"y = {a} * x ** 2",
        f"found = [find_spec('dezero.' + name) is not None for name in {names}]",
        "found, hasattr(dezero, 'is_simple_core'), type(y).__module__, y",
    ]
    return "\n".join(lines), [[found[name] for name in names], False, "dezero.core", a * at**2]


_CAPABILITIES: dict[tuple[str, int], Callable[[random.Random], tuple[str, object]]] = {
    ("create_graph", 1): _gradients,
    ("create_graph", 2): _second_derivatives,
    ("parameter", 0): partial(_parameter, 0),
    ("parameter", 1): partial(_parameter, 1),
    ("test_mode", 0): _modes,
    ("one_core", 0): _one_core,
}

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
