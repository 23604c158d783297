"""Expressions drawn at random, as program text, with all their derivatives from Taylor series.

The oracle is `model.taylor`: polynomials in small steps, cut off, which walk no graph.
"""

from __future__ import annotations

import ast
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..model import taylor
from ..model.taylor import Taylor

FUNCTIONS = "dezero.functions"
OPERATORS = ("+", "-", "*", "/", "**", "neg")
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@"}
_LARGEST = 300.0  # of a number in an answer: beyond, rounding would be asked for as well
_TRIES = 3000

#: Functions of single numbers, and what they are on Taylor polynomials.
SCALAR = {"sin": taylor.sin, "cos": taylor.cos, "tanh": taylor.tanh}
SCALAR |= {"exp": taylor.exp, "log": taylor.log}


@cache
def uses(program: str) -> frozenset[str]:
    """The operators of a program, and the functions that it takes from dezero.functions."""
    return _uses(program)


def _uses(program: str) -> frozenset[str]:
    found: set[str] = set()
    modules = set()
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.BinOp | ast.AugAssign):
            found.add(_SIGNS.get(type(node.op), ""))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if not isinstance(node.operand, ast.Constant):
                found.add("neg")
        elif isinstance(node, ast.ImportFrom) and node.module == FUNCTIONS:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {a.asname for a in node.names if a.name == FUNCTIONS and a.asname}
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in modules:
            found.add(node.attr)
    return frozenset(found - {""})


@dataclass(frozen=True)
class Expression:
    """A formula in its leaves; each leaf has `shape` numbers, and the formula goes one by one."""

    text: str
    leaves: Mapping[str, np.ndarray]
    uses: frozenset[str]
    degree: int
    series: Taylor

    def partial(self, *names: str) -> np.ndarray:
        """The derivative by these leaves, one after the other; of none of them, the value."""
        places = list(self.leaves)
        return self.series.partial(*(places.index(name) for name in names))

    @property
    def imports(self) -> str:
        names = sorted(self.uses - set(OPERATORS))
        return f"from dezero.functions import {', '.join(names)}" if names else ""

    @property
    def given(self) -> list[str]:
        """The lines that make the leaves."""
        return [f"{name} = Variable(array({x.tolist()}))" for name, x in self.leaves.items()]


def number(rng: random.Random, low: float = 0.4, high: float = 1.9) -> float:
    return round(rng.uniform(low, high), 4)


def numbers(rng: random.Random, *shape: int) -> np.ndarray:
    """Numbers of either sign, none near zero."""
    found = [rng.choice([-1.0, 1.0]) * number(rng) for _ in range(math.prod(shape))]
    return np.array(found).reshape(shape)


def expression(
    rng: random.Random,
    using: Iterable[str],
    *,
    leaves: int = 2,
    count: int = 3,
    degree: int = 2,
    depth: int = 3,
    curved: bool = False,
) -> Expression:
    """A formula of just these operators and functions, in all of the leaves.

    count: numbers in each leaf, which are positive; 0 for a leaf of a single number. curved: the
    gradient by the first leaf depends on some leaf, so that it can be differentiated again.
    """
    allowed = sorted(using)
    for _ in range(_TRIES):
        names = rng.sample(["a", "b", "p", "u", "v", "w", "x", "x0", "x1"], leaves)
        shape = (count,) if count else ()
        points = {
            name: np.array([number(rng) for _ in range(count or 1)]).reshape(shape)
            for name in names
        }
        text = _Drawn(rng, allowed, names).any(depth)
        used = _uses(text) | {word for word in SCALAR if f"{word}(" in text}
        if used != set(allowed) or not all(name in _names(text) for name in names):
            continue
        variables = taylor.variables(degree, *points.values())
        space = dict(zip(names, variables, strict=True)) | SCALAR | {"array": np.array}
        with np.errstate(all="ignore"):
            series = eval(compile(text, "<formula>", "eval"), {"__builtins__": {}}, space)
        found = series.value
        sound = np.isfinite(found).all() and np.isfinite(series.size).all()
        if not sound or abs(found).max() > _LARGEST or series.size.max() > 100 * _LARGEST:
            continue
        drawn = Expression(text, points, used, degree, series)
        first = names[0]
        if curved and not any((abs(drawn.partial(first, by)) > 1e-3).all() for by in names):
            continue
        return drawn
    raise AssertionError(f"no formula of {allowed} in {_TRIES} tries")


def _names(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


class _Drawn:
    """Formulas as text; what divides, has a logarithm or a broken exponent is positive."""

    def __init__(self, rng: random.Random, allowed: list[str], names: list[str]):
        self.rng, self.allowed, self.names = rng, allowed, names

    def any(self, depth: int) -> str:
        rng = self.rng
        if depth <= 0:
            return rng.choice(self.names)
        kind, below = rng.choice(self.allowed), rng.randrange(depth)
        one, other = self.any(depth - 1), self.any(below)
        if kind == "neg":
            return f"(-({one} * {other}))" if "*" in self.allowed else f"(-{self._named(one)})"
        if kind == "**":
            forms = [f"({one}) ** 2", f"({one}) ** 3"]
            forms += [f"({self.positive(below)}) ** {c}" for c in (0.5, 1.5, -1)]
            return f"({rng.choice(forms)})"
        if kind == "/":
            top = rng.choice([one, str(number(rng))])
            return f"({top} / {self.positive(below)})"
        if kind in ("+", "-", "*"):
            left = rng.choice([one, one, str(number(rng))])
            return f"({left} {kind} {other})"
        return f"{kind}({self.positive(below) if kind == 'log' else one})"

    def _named(self, text: str) -> str:
        return text if text in self.names else f"({text})"

    def positive(self, depth: int) -> str:
        rng, name = self.rng, self.rng.choice(self.names)
        forms = [name]
        if "*" in self.allowed:
            forms += [f"({number(rng)} * {name})", f"({name} * {rng.choice(self.names)})"]
            if "+" in self.allowed and depth > 0:
                inner = self.any(depth - 1)
                forms.append(f"({number(rng)} + {inner} * {inner})")
        return rng.choice(forms)


# Formulas of arrays, whose every number is a variable of its own


@dataclass(frozen=True)
class ArrayExpression:
    """A formula in arrays of any shape."""

    text: str
    leaves: Mapping[str, np.ndarray]
    uses: frozenset[str]
    series: Taylor

    def gradient(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Of the sum of weights * formula, by each leaf."""
        return {
            name: np.array(
                [(weights * self.series.partial(k)).sum() for k in self._places(name)]
            ).reshape(x.shape)
            for name, x in self.leaves.items()
        }

    def second(self, weights: np.ndarray, by: str, seed: np.ndarray) -> dict[str, np.ndarray]:
        """Of the sum of seed * (that gradient by the leaf `by`), by each leaf."""
        pairs = list(zip(self._places(by), seed.ravel().tolist(), strict=True))
        return {
            name: np.array(
                [
                    sum(s * (weights * self.series.partial(j, k)).sum() for j, s in pairs)
                    for k in self._places(name)
                ]
            ).reshape(x.shape)
            for name, x in self.leaves.items()
        }

    def _places(self, name: str) -> range:
        start = 0
        for other, x in self.leaves.items():
            if other == name:
                return range(start, start + x.size)
            start += x.size
        raise KeyError(name)

    @property
    def imports(self) -> str:
        names = sorted(self.uses - set(OPERATORS) - {"broadcast"})
        return f"from dezero.functions import {', '.join(names)}" if names else ""

    @property
    def given(self) -> list[str]:
        return [f"{name} = Variable(array({x.tolist()}))" for name, x in self.leaves.items()]


def _each(degree: int, points: Mapping[str, np.ndarray]) -> dict[str, Taylor]:
    count = sum(x.size for x in points.values())
    total = len(taylor.monomials(degree, count))
    found, start = {}, 0
    for name, x in points.items():
        value = np.zeros((total, x.size))
        value[0] = x.ravel()
        for k in range(x.size):
            value[1 + start + k, k] = 1.0
        start += x.size
        value = value.reshape(total, *x.shape)
        found[name] = Taylor(degree, count, value, abs(value))
    return found


def _moved(t: Taylor, value: Any) -> Taylor:
    return Taylor(t.degree, t.variables, value, abs(value))


def _sum(t: Taylor, axis: Any = None, keepdims: bool = False) -> Taylor:
    rank = t.value.ndim - 1
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return _moved(t, t.value.sum(tuple(a % rank + 1 for a in axes), keepdims=keepdims))


def _sum_to(t: Taylor, shape: tuple[int, ...]) -> Taylor:
    value = t.value
    while value.ndim - 1 > len(shape):
        value = value.sum(1)
    axes = tuple(n + 1 for n, size in enumerate(shape) if value.shape[n + 1] != size)
    return _moved(t, value.sum(axes, keepdims=True) if axes else value)


def _broadcast_to(t: Taylor, shape: tuple[int, ...]) -> Taylor:
    gap = (1,) * (len(shape) + 1 - t.value.ndim)
    value = t.value.reshape(t.value.shape[:1] + gap + t.value.shape[1:])
    return _moved(t, np.broadcast_to(value, t.value.shape[:1] + shape))


def _reshape(t: Taylor, shape: tuple[int, ...]) -> Taylor:
    return _moved(t, t.value.reshape(t.value.shape[:1] + shape))


def _transpose(t: Taylor, axes: tuple[int, ...] | None = None) -> Taylor:
    rank = t.value.ndim - 1
    order = tuple(reversed(range(rank))) if axes is None else axes
    return _moved(t, t.value.transpose(0, *(axis + 1 for axis in order)))


def _matmul(a: Taylor, b: Taylor) -> Taylor:
    i, j, k = taylor._products(a.degree, a.variables)
    terms = np.stack([a.value[p] @ b.value[q] for p, q in zip(i, j, strict=True)])
    value = np.zeros((len(a.value), *terms.shape[1:]))
    np.add.at(value, k, terms)
    return _moved(a, value)


ARRAY = {
    "sum": _sum,
    "sum_to": _sum_to,
    "broadcast_to": _broadcast_to,
    "reshape": _reshape,
    "transpose": _transpose,
    "matmul": _matmul,
}


def array_expression(
    rng: random.Random, words: Iterable[str], functions: Iterable[str] = ()
) -> ArrayExpression:
    """A formula with these words (of ARRAY, or "broadcast") in an order that is drawn.

    functions: some of SCALAR, to be used on the way. Besides, there is multiplication alone.
    """
    order = [*words, *functions]
    rng.shuffle(order)
    while "matmul" in order and "sum" in order[: order.index("matmul")]:
        rng.shuffle(order)  # a sum may leave a single number, which is no matrix
    shape: tuple[int, ...] = rng.choice([(2, 3), (3, 2), (2, 2)])
    if "broadcast_to" in order:
        shape = rng.choice([(1, 3), (2, 1), (1, 2), (3, 1)])
    points = {"x": numbers(rng, *shape)}
    text = rng.choice(["(x * x)", f"({number(rng)} * x * x)"])
    for word in order:
        text, shape = _applied(rng, word, text, shape, points)
    text = rng.choice([text, f"({text}) * {number(rng)}"])
    space = _each(2, points)
    series = eval(
        compile(text, "<formula>", "eval"), {"__builtins__": {}}, {**space, **SCALAR, **ARRAY}
    )
    if not np.isfinite(series.value).all() or abs(series.size).max() > _LARGEST:
        return array_expression(rng, words, functions)
    return ArrayExpression(text, points, frozenset([*order, "*"]), series)


def _applied(
    rng: random.Random,
    word: str,
    text: str,
    shape: tuple[int, ...],
    points: dict[str, np.ndarray],
) -> tuple[str, tuple[int, ...]]:
    """The text and the shape of this word applied to a text of a shape."""
    rank = len(shape)
    if word == "log":
        return f"log({text} * {text} * 3.0)", shape
    if word in SCALAR:
        return f"{word}({text} * 0.4)", shape
    if word == "sum":
        axis = rng.choice([None, *range(rank)])
        keeps = rng.random() < 0.5
        given = "".join([f", axis={axis}" * (axis is not None), ", keepdims=True" * keeps])
        left = [n for n in range(rank) if axis is not None and n != axis]
        kept = tuple(1 if axis in (None, n) else shape[n] for n in range(rank))
        return f"sum({text}{given})", kept if keeps else tuple(shape[n] for n in left)
    if word == "sum_to":
        aim = tuple(rng.choice([1, size]) for size in shape)
        if aim == shape and rank:
            aim = (1, *aim[1:])
        return f"sum_to({text}, {aim})", aim
    if word == "broadcast_to":
        aim = tuple(size if size != 1 else rng.choice([2, 3]) for size in shape)
        if rng.random() < 0.4 or aim == shape:
            aim = (2, *aim)
        return f"broadcast_to({text}, {aim})", aim
    if word == "reshape":
        size = math.prod(shape)
        forms = [(size,), (1, size), (size, 1), tuple(reversed(shape))]
        aim = rng.choice([form for form in forms if form != shape])
        return f"reshape({text}, {aim})", aim
    if word == "transpose":
        axes = list(range(rank))
        rng.shuffle(axes)
        if axes == sorted(axes) or rank < 2:
            return f"transpose({text})", tuple(reversed(shape))
        return f"transpose({text}, {tuple(axes)})", tuple(shape[n] for n in axes)
    other = f"a{len(points)}"
    if word == "matmul":
        if not rank:  # a single number times a matrix is no matrix product
            return f"({text} * {text})", shape
        points[other] = numbers(rng, shape[-1], 2)
        return f"matmul({text}, {other})", (*shape[:-1], 2)
    assert word == "broadcast"
    beside = rng.choice([(2, *(1,) * rank), (1,) * rank, shape[1:]])
    if beside == shape:
        beside = (2, *shape)
    points[other] = numbers(rng, *beside)
    return f"({text} * {other})", tuple(np.broadcast_shapes(shape, beside))
