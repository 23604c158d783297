"""Unseen questions: does an engine compute, or does it know what is published?

The cases are public, so their answers can be written into a submission, and so can a formula for
each of a few templates. Unseen questions are formulas drawn from the plan's seed, over all
operators and functions of a chapter, in the idioms that chapters use. Expected is a Taylor series
or a closed formula, never what an engine answers.

Some ask for *evidence*: what an engine has if it walked a graph, and differences, complex steps,
contour integrals and series have not. A function whose backward is no derivative of its forward is
obeyed by a walk alone; behind a gradient stand functions, which give the derivative at other
numbers as well when they are run anew, and none of which looks at more numbers than its own.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..cases.nth_derivatives import derivatives
from ..model.case import Case
from .expressions import (
    ARRAY,
    OPERATORS,
    SCALAR,
    ArrayExpression,
    Expression,
    array_expression,
    expression,
    number,
    numbers,
)

LEVELS = ("values", "first derivatives", "higher derivatives")
#: What evidence shows: a backward is obeyed, once and with what has come to it by then; sines are
#: taken of the numbers themselves; behind a gradient is a graph; a backward is obeyed in that, too.
EVIDENCE = ("obeyed", "watched", "graph", "obeyed twice")
_TOLERANCE = 1e-9
_MIXED = 3  # of each idiom, over everything that a chapter has

Asked = tuple[str, Any]


@dataclass(frozen=True)
class Unseen:
    """A question that nobody has seen.

    kind: "plain" and those of EVIDENCE vouch for the published cases that need all that it uses,
        and go as far back; "idiom" is a topic of its own.
    level: 0, 1 or 2, as it goes forward, back, or back through a gradient.
    """

    kind: str
    words: frozenset[str]  # operators, functions and capabilities that it uses
    level: int
    about: str
    case: Case


def unseen_for(words: set[str], known: set[str], seed: str, chapter: int) -> list[Unseen]:
    """The unseen questions about these functions and capabilities; the same for the same seed.

    known: functions that the chapter before has.
    """
    return [
        Unseen(
            kind,
            frozenset(uses),
            level,
            about,
            Case(
                statement=f"unseen {n + 1}: {about}",
                program=program,
                expect=expect,
                source="a Taylor series, or a closed formula",
                chapter=chapter,
                group="unseen",
                rel=_TOLERANCE,
                abs=_TOLERANCE,
            ),
        )
        for n, (kind, uses, level, about, (program, expect)) in enumerate(
            _drawn(words, known, seed)
        )
    ]


def _drawn(
    words: set[str], known: set[str], seed: str
) -> Iterator[tuple[str, set[str], int, str, Asked]]:
    count = 0

    def chance() -> random.Random:
        nonlocal count
        count += 1
        return random.Random(f"{seed} {count}")

    for word in sorted(words):
        for level in range(len(LEVELS)):
            if (word, level) in _CAPABILITIES:
                for _ in range(3):
                    about = _ABOUT[word, level]
                    yield "plain", {word}, level, about, _CAPABILITIES[word, level](chance())
    new = sorted(words & set(SCALAR))
    if "create_graph" in words:
        sets = [("*",), *(("*", sign) for sign in OPERATORS if sign != "*")]
        everything: list[str] = [*OPERATORS]
    else:
        sets = [(word, *signs) for word in new for signs in [("*",), ("*", "+")]]
        everything = [*new, *OPERATORS] if new else []
        older = sorted(known & set(SCALAR))
        sets += [(word, "*", other) for word in new for other in older if word != other]
        sets += [tuple(new[:2]) + ("*",)] if len(new) > 1 else []
    for using in sets:
        about = ", ".join(w for w in using if w in new) or f"'{using[-1]}'"
        yield from _of_numbers(using, about, chance)
    if everything:
        for _ in range(_MIXED):
            for idiom, ask in _IDIOMS.items():
                level = 1 if idiom in _FIRST else 2
                if level == 1 and not new:
                    continue
                yield "idiom", set(everything), level, idiom, ask(_mixed(everything, chance()))
    arrays = sorted(words & {*ARRAY, "broadcast"})
    for word in arrays:
        for level in range(len(LEVELS)):
            if (word, level) != ("broadcast", 0):  # forward, arrays have always done it
                for n in range(3):
                    rng = chance()
                    formula = array_expression(rng, [word] * (1 + (n == 2 and word != "matmul")))
                    about = f"{LEVELS[level]} of {word}"
                    yield "plain", {word, "*"}, level, about, _of_arrays(formula, level, rng)
    if arrays:
        for n in range(4 * _MIXED):
            rng = chance()
            several = rng.sample(arrays, 3)
            formula = array_expression(rng, several, rng.sample(new, 1))
            about = "several functions of arrays in one formula"
            yield "idiom", set(formula.uses), 1 + n % 2, about, _of_arrays(formula, 1 + n % 2, rng)


def _mixed(everything: list[str], rng: random.Random) -> tuple[Expression, random.Random]:
    functions = [word for word in everything if word in SCALAR]
    some = rng.sample(functions, min(len(functions), rng.choice([1, 2])))
    signs = rng.sample([sign for sign in OPERATORS if sign != "*"], 2 if len(some) < 2 else 1)
    using = [*some, "*", *signs]
    return expression(rng, using, degree=3, depth=4, curved=True), rng


def _of_numbers(
    using: tuple[str, ...], about: str, chance: Callable[[], random.Random]
) -> Iterator[tuple[str, set[str], int, str, Asked]]:
    """What vouches for the cases that use all of these."""
    words = set(using)
    if words & set(SCALAR):  # else forward and the first walk back are of an earlier chapter
        for count in (0, 3):
            formula = expression(chance(), using, count=count)
            yield "plain", words, 0, f"values of {about}", _value(formula)
        for count in (0, 3):
            rng = chance()
            formula = expression(rng, using, count=count)
            yield "plain", words, 1, f"first derivatives of {about}", _gradients((formula, rng))
        name = f"the walk back through {about}"
        for kind in ("obeyed", "obeyed", "watched", "watched"):
            rng = chance()
            yield kind, words, 1, name, _EVIDENCE[kind]((expression(rng, using), rng))
    for count in (0, 3, 2):
        rng = chance()
        formula = expression(rng, using, count=count, curved=True)
        yield "plain", words, 2, f"higher derivatives of {about}", _by_another_leaf((formula, rng))
    name = f"the graph behind the gradient of {about}"
    for kind in ("graph", "graph", "obeyed twice", "obeyed twice"):
        rng = chance()
        yield kind, words, 2, name, _EVIDENCE[kind]((expression(rng, using, curved=True), rng))


# Programs of formulas in numbers


def _lines(formula: Expression | ArrayExpression, *lines: str) -> str:
    start = [formula.imports] if formula.imports else []
    return "\n".join([*start, "", *formula.given, *lines])


def _or_zero(name: str) -> str:
    return f"0.0 * {name} if {name}.grad is None else {name}.grad"


def _list(found: Any) -> Any:
    return np.asarray(found).tolist()


def _value(formula: Expression) -> Asked:
    return _lines(formula, f"y = {formula.text}", "y"), _list(formula.partial())


Drawn = tuple[Expression, random.Random]


def _gradients(drawn: Drawn) -> Asked:
    formula, _ = drawn
    asked = ", ".join(f"{name}.grad" for name in formula.leaves)
    program = _lines(formula, f"y = {formula.text}", "y.backward()", f"y, {asked}")
    return program, [_list(formula.partial()), *(_list(formula.partial(n)) for n in formula.leaves)]


def _second_walk(drawn: Drawn, clear: bool) -> Asked:
    """Two formulas of the same leaves, one walk each; one leaf is cleared between, or none."""
    formula, rng = drawn
    first, *others = formula.leaves
    a, b = number(rng), number(rng)
    other = others[-1] if others else first
    lines = [
        f"y = {formula.text}",
        "y.backward()",
        *([f"{first}.cleargrad()"] if clear else []),
        f"t = {a} * {first} * {other} + {b} * {first}",
        "t.backward()",
        ", ".join(f"{name}.grad" for name in formula.leaves),
    ]
    slopes = {name: formula.partial(name) * 1.0 for name in formula.leaves}
    if clear:
        slopes[first] = slopes[first] * 0.0
    x, z = formula.leaves[first], formula.leaves[other]
    slopes[first] = slopes[first] + a * z + b
    slopes[other] = slopes[other] + a * x
    return _lines(formula, *lines), [_list(slopes[name]) for name in formula.leaves]


def _seeded(drawn: Drawn) -> Asked:
    """Seeds that are Variables: derivatives by the seed, and by the leaf."""
    formula, rng = drawn
    (x, *_), s = list(formula.leaves), numbers(rng, *formula.partial().shape)
    lines = [
        f"s = Variable(array({s.tolist()}))",
        f"y = {formula.text}",
        "y.grad = s",
        "y.backward(create_graph=True)",
        f"gx = {x}.grad",
        f"{x}.cleargrad()",
        "s.cleargrad()",
        "gx.backward()",
        f"gx, {_or_zero('s')}, {_or_zero(x)}",
    ]
    slope, curvature = formula.partial(x), formula.partial(x, x)
    return _lines(formula, *lines), [_list(s * slope), _list(slope), _list(s * curvature)]


def _by_another_leaf(drawn: Drawn) -> Asked:
    """The gradient of a gradient, by its own leaf and by another."""
    formula, _ = drawn
    x, w = list(formula.leaves)[:2]
    lines = [
        f"y = {formula.text}",
        "y.backward(create_graph=True)",
        f"gx = {x}.grad",
        f"{x}.cleargrad()",
        f"{w}.cleargrad()",
        "gx.backward()",
        f"gx, {_or_zero(x)}, {_or_zero(w)}",
    ]
    expect = [formula.partial(x), formula.partial(x, x), formula.partial(x, w)]
    return _lines(formula, *lines), [_list(one) for one in expect]


def _not_cleared(drawn: Drawn) -> Asked:
    """Without cleargrad the gradient of the gradient is added."""
    formula, _ = drawn
    x, w = list(formula.leaves)[:2]
    lines = [
        f"y = {formula.text}",
        "y.backward(create_graph=True)",
        f"gw = {w}.grad",
        "gw.backward()",
        f"{x}.grad, {w}.grad",
    ]
    expect = [formula.partial(x) + formula.partial(x, w), formula.partial(w)]
    expect[1] = expect[1] + formula.partial(w, w)
    return _lines(formula, *lines), [_list(one) for one in expect]


def _third(drawn: Drawn) -> Asked:
    """Three orders, by leaves in an order that is drawn."""
    formula, rng = drawn
    names = list(formula.leaves)
    path = [rng.choice(names) for _ in range(3)]
    lines = [f"y = {formula.text}", "found = []"]
    for name in path:
        lines += [f"{other}.cleargrad()" for other in names]
        lines += ["y.backward(create_graph=True)", f"y = {_or_zero(name)}", "found.append(y)"]
    lines.append("found")
    return _lines(formula, *lines), [_list(formula.partial(*path[: n + 1])) for n in range(3)]


def _in_a_formula(drawn: Drawn) -> Asked:
    """A gradient as an operand: z = a gx^2 + b y gx + c gx gw."""
    formula, rng = drawn
    x, w = list(formula.leaves)[:2]
    a, b, c = number(rng), number(rng), number(rng)
    lines = [
        f"y = {formula.text}",
        "y.backward(create_graph=True)",
        f"gx, gw = {x}.grad, {w}.grad",
        *(f"{name}.cleargrad()" for name in formula.leaves),
        f"z = {a} * gx ** 2 + {b} * y * gx + {c} * gx * gw",
        "z.backward()",
        f"z, {x}.grad, {w}.grad",
    ]
    y, gx, gw = formula.partial(), formula.partial(x), formula.partial(w)
    expect = [a * gx**2 + b * y * gx + c * gx * gw]
    for by in (x, w):
        gxx, gwx = formula.partial(x, by), formula.partial(w, by)
        slope = formula.partial(by)
        found = 2 * a * gx * gxx + b * (slope * gx + y * gxx) + c * (gxx * gw + gx * gwx)
        expect.append(found)
    return _lines(formula, *lines), [_list(one) for one in expect]


def _with_constants(drawn: Drawn) -> Asked:
    """Raw arrays and numbers beside Variables, and several outputs of one walk."""
    formula, rng = drawn
    k, m = numbers(rng, *formula.partial().shape), number(rng)
    x, w = list(formula.leaves)[:2]
    lines = [
        f"k = array({k.tolist()})",
        f"y = ({formula.text}) * k - {m} * {w}",
        "y.backward(create_graph=True)",
        f"gx, gw = {x}.grad, {w}.grad",
        *(f"{name}.cleargrad()" for name in formula.leaves),
        "(gx * k).backward()",
        f"y, gx, gw, {_or_zero(x)}",
    ]
    expect = [
        formula.partial() * k - m * formula.leaves[w],
        formula.partial(x) * k,
        formula.partial(w) * k - m,
        formula.partial(x, x) * k * k,
    ]
    return _lines(formula, *lines), [_list(one) for one in expect]


# Evidence

# Its backward is no derivative of its forward, so that whoever looks at the numbers is wrong. It
# tells who calls it, and with a gradient of which shape: a walk does so once, with the sum of all
# that has come to it, and latest first. Whoever goes forward calls it once for each leaf.
_SCALED = """
calls = []

class Scaled(dezero.Function):
    def __init__(self, name, c):
        self.name, self.c = name, c

    def forward(self, x):
        calls.append(f"forward {self.name}")
        return x * 1.0

    def backward(self, gy):
        calls.append(f"backward {self.name} {tuple(gy.shape)}")
        return gy * SELF

"""


def _scaled(
    formula: Expression, rng: random.Random, factor: str
) -> tuple[list[str], dict[str, float], float]:
    """Such functions behind each leaf and over the formula: lines, and the factors of all.

    factor: of the gradient, as in "gy * self.c"; that need not be linear.
    """
    *factors, root = (
        round(rng.uniform(1.5, 3.0), 3) * rng.choice([1, -1]) for _ in [*formula.leaves, "y"]
    )
    lines = _SCALED.replace("SELF", factor).strip("\n").split("\n")
    inner = formula.text
    for n, (name, c) in enumerate(zip(formula.leaves, factors, strict=True)):
        lines.append(f"s{n} = Scaled({name!r}, {c})({name})")
        inner = _renamed(inner, name, f"s{n}")
    lines.append(f"y = Scaled('y', {root})({inner})")
    return lines, dict(zip(formula.leaves, factors, strict=True)), root


def _renamed(text: str, name: str, other: str) -> str:
    import re

    return re.sub(rf"\b{name}\b", other, text)


def _obeyed(drawn: Drawn) -> Asked:
    """A backward that somebody else wrote is called, once, and obeyed, linear or not."""
    formula, rng = drawn
    lines, factors, root = _scaled(formula, rng, "gy * self.c")
    count = len(factors) + 1
    asked = ", ".join(f"{name}.grad" for name in formula.leaves)
    lines += ["y.backward()", f"y, {asked}, calls[:{count + 1}], sorted(calls[{count + 1}:])"]
    shape = formula.partial().shape
    came = {name: root * formula.partial(name) for name in formula.leaves}
    expect = [_list(formula.partial())]
    expect += [_list(c * came[name] ** 2) for name, c in factors.items()]
    expect.append([f"forward {name}" for name in (*factors, "y")] + [f"backward y {shape}"])
    expect.append(sorted(f"backward {name} {shape}" for name in factors))
    return _lines(formula, *lines), expect


def _obeyed_twice(drawn: Drawn) -> Asked:
    """And in the walk through the gradient again, where what lies over it is not called."""
    formula, rng = drawn
    lines, factors, root = _scaled(formula, rng, "self.c")
    x, w = list(formula.leaves)[:2]
    c, d = factors[x], factors[w]
    lines += [
        "y.backward(create_graph=True)",
        f"gx = {x}.grad",
        f"{x}.cleargrad()",
        f"{w}.cleargrad()",
        "gx.backward()",
        f"gx, {_or_zero(x)}, {_or_zero(w)}, sum(one.startswith('backward y') for one in calls)",
    ]
    expect = [
        root * c * formula.partial(x),
        root * c * c * formula.partial(x, x),
        root * c * d * formula.partial(x, w),
    ]
    return _lines(formula, *lines), [*map(_list, expect), 1]


# What is computed is seen by arrays that tell of it, and by the functions of NumPy and Python,
# which are replaced meanwhile. An engine takes a sine of its own numbers alone, or of a multiple of
# them: not of numbers beside them, of more of them, or of complex ones.
_WATCHED = """
import cmath

CURVED = "sin cos tan tanh sinh cosh exp expm1 log log1p exp2 log2".split()
seen = []

class Watched(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [np.asarray(x) for x in inputs]
        if ufunc.__name__ in CURVED:
            seen.append(plain[0])
        result = getattr(ufunc, method)(*plain, **options)
        return result.view(Watched) if isinstance(result, np.ndarray) else result

def telling(function):
    def called(x, *others, **options):
        if not isinstance(x, Watched):
            seen.append(np.asarray(x))
        return function(x, *others, **options)
    return called

def watch():
    before = [(m, n, getattr(m, n)) for m in (np, math, cmath) for n in CURVED if hasattr(m, n)]
    for module, name, function in before:
        setattr(module, name, telling(function))
    return before

def leave(before):
    for module, name, function in before:
        setattr(module, name, function)

def multiple(x, given):
    if np.shape(x) != np.shape(given):
        return False
    with np.errstate(all="ignore"):
        ratio = np.ravel(np.asarray(x) / np.asarray(given))
    return bool(np.ptp(ratio) <= 1e-9 * abs(ratio[0]))

def plainly(given):
    return all(np.isrealobj(x) and any(multiple(x, one) for one in given) for x in seen)

"""

# Behind a gradient stand functions; run anew from other numbers, they give the derivative there.
_BEHIND = """
def behind(v, found):
    if v.creator is not None and v.creator not in found:
        found.append(v.creator)
        for x in v.creator.inputs:
            behind(x, found)
    return found

def anew(v, known):
    if id(v) not in known:
        if v.creator is None:
            return v.data
        ys = v.creator.forward(*[anew(x, known) for x in v.creator.inputs])
        ys = ys if isinstance(ys, tuple) else (ys,)
        place = [y() is v for y in v.creator.outputs].index(True)
        known[id(v)] = np.asarray(ys[place])
    return known[id(v)]

def computes(f):
    given = [np.asarray(x.data) for x in f.inputs]
    seen.clear()
    f.forward(*[x.copy().view(Watched) for x in given])
    return plainly(given)

"""


def _graph_behind(drawn: Drawn) -> Asked:
    """Functions that give the derivative elsewhere too, and each looks at its own numbers."""
    formula, rng = drawn
    x = next(iter(formula.leaves))
    # The same formula elsewhere: its series gives what the functions behind the gradient have to.
    moved = {name: at + round(rng.uniform(0.05, 0.2), 3) for name, at in formula.leaves.items()}
    elsewhere = _at(formula, moved)
    known = ", ".join(f"id({n}): array({value.tolist()})" for n, value in moved.items())
    lines = [
        *(_WATCHED + _BEHIND).strip("\n").split("\n"),
        f"y = {formula.text}",
        "y.backward(create_graph=True)",
        f"gx = {x}.grad",
        "functions = behind(gx, [])",
        "again = anew(gx, {" + known + "})",
        f"leaves = [{', '.join(formula.leaves)}]",
        "reached = any(x is leaf for f in functions for x in f.inputs for leaf in leaves)",
        "before = watch()",
        "try:",
        "    fair = [computes(f) for f in functions]",
        "finally:",
        "    leave(before)",
        "gx, again, reached, all(fair)",
    ]
    near, zeros, slopes = _near_zeros(formula, 2, rng)
    lines[-1:] = [*near, f"gx, again, reached, all(fair), {zeros}"]
    expect = [_list(formula.partial(x)), _list(elsewhere.partial(x)), True, True, slopes]
    return _lines(formula, *lines), expect


def _watched_walk(drawn: Drawn) -> Asked:
    """The first derivative, and that it is taken of the numbers themselves."""
    formula, rng = drawn
    x = next(iter(formula.leaves))
    names = ", ".join(formula.leaves)
    curved = bool(formula.uses & {"sin", "cos"})
    near, zeros, slopes = _near_zeros(formula, 1, rng)
    lines = [
        *_WATCHED.strip("\n").split("\n"),
        *(f"{n} = Variable({n}.data.view(Watched))" for n in formula.leaves),
        "before = watch()",
        "try:",
        f"    y = {formula.text}",
        "    given = list(seen)",
        "    seen.clear()",
        "    y.backward()",
        "finally:",
        "    leave(before)",
        f"given += [np.asarray(v.data) for v in [{names}]]",
        *near,
        f"y, {x}.grad, plainly(given), {'bool(seen)' if curved else 'True'}, {zeros}",
    ]
    return _lines(formula, *lines), [
        _list(formula.partial()),
        _list(formula.partial(x)),
        True,
        True,
        slopes,
    ]


#: Where the first derivative of a function is 0, and the second, and what they are.
_ZEROS: dict[str, dict[int, tuple[float, Callable[[float], float]]]] = {
    "sin": {1: (math.pi / 2, math.cos), 2: (math.pi, lambda x: -math.sin(x))},
    "cos": {1: (math.pi, lambda x: -math.sin(x)), 2: (math.pi / 2, lambda x: -math.cos(x))},
}
_LARGE = 1e11  # so near are the numbers to these, and so much is what comes of it enlarged


def _near_zeros(
    formula: Expression, level: int, rng: random.Random
) -> tuple[list[str], str, list[float]]:
    """A derivative that is nearly 0, and nevertheless right in all its digits.

    Whoever takes it from numbers around has an error as large as these numbers are, wherever the
    sines were hidden. Returns lines, the question, and the answer.
    """
    lines, asked, expect = [], [], []
    for n, word in enumerate(sorted(formula.uses & _ZEROS.keys())):
        zero, slope = _ZEROS[word][level]
        at = zero + rng.uniform(1.0, 3.0) / _LARGE
        lines.append(f"z{n} = Variable(array({at!r}))")
        if level == 1:
            lines.append(f"{word}(z{n}).backward()")
        else:
            lines += [f"{word}(z{n}).backward(create_graph=True)", f"gz{n} = z{n}.grad"]
            lines += [f"z{n}.cleargrad()", f"gz{n}.backward()"]
        asked.append(f"z{n}.grad * {_LARGE}")
        expect.append(slope(at) * _LARGE)
    return lines, f"[{', '.join(asked)}]", expect


def _at(formula: Expression, points: dict[str, np.ndarray]) -> Expression:
    from ..model import taylor

    variables = taylor.variables(formula.degree, *points.values())
    space = dict(zip(points, variables, strict=True)) | SCALAR
    series = eval(compile(formula.text, "<formula>", "eval"), {"__builtins__": {}}, space)
    return Expression(formula.text, points, formula.uses, formula.degree, series)


_EVIDENCE = dict(zip(EVIDENCE, (_obeyed, _watched_walk, _graph_behind, _obeyed_twice), strict=True))
#: What idioms ask, over everything that a chapter has.
_IDIOMS: dict[str, Callable[[Drawn], Asked]] = {
    "a new formula, and its gradients": _gradients,
    "a second walk, added": partial(_second_walk, clear=False),
    "a second walk, after cleargrad": partial(_second_walk, clear=True),
    "a seed that is a Variable": _seeded,
    "a gradient's gradient by another leaf": _by_another_leaf,
    "a gradient's gradient, added": _not_cleared,
    "three orders, by leaves in any order": _third,
    "gradients inside a formula": _in_a_formula,
    "arrays and numbers beside Variables": _with_constants,
}
_FIRST = (
    "a new formula, and its gradients",
    "a second walk, added",
    "a second walk, after cleargrad",
)


# Programs of formulas in arrays


def _of_arrays(formula: ArrayExpression, level: int, rng: random.Random) -> Asked:
    value = formula.series.partial()
    if level == 0:
        return _lines(formula, f"y = {formula.text}", "y.shape, y"), [
            list(value.shape),
            _list(value),
        ]
    w = numbers(rng, *value.shape)
    lines = [f"y = {formula.text}", f"y.grad = Variable(array({w.tolist()}))"]
    slopes = formula.gradient(w)
    if level == 1:
        asked = ", ".join(f"{name}.grad" for name in formula.leaves)
        return _lines(formula, *lines, "y.backward()", asked + ","), list(
            map(_list, slopes.values())
        )
    x = next(iter(formula.leaves))
    v = numbers(rng, *slopes[x].shape)
    lines += [
        "y.backward(create_graph=True)",
        f"gx = {x}.grad",
        *(f"{name}.cleargrad()" for name in formula.leaves),
        f"gx.grad = Variable(array({v.tolist()}))",
        "gx.backward()",
        ", ".join(["gx", *map(_or_zero, formula.leaves)]),
    ]
    second = formula.second(w, x, v)
    return _lines(formula, *lines), [_list(slopes[x]), *map(_list, second.values())]


# Capabilities


def _second_derivatives(rng: random.Random) -> Asked:
    a, at = number(rng), number(rng)
    expect = [a * at**3, 3 * a * at**2, 6 * a * at]
    return derivatives(f"{a} * x * x * x", at, 2), expect


def _gradients_that_are_variables(rng: random.Random) -> Asked:
    a, at = number(rng), number(rng)
    lines = [
        f"x = Variable(array({at}))",
        f"y = {a} * x * x",
        "y.backward()",
        "isinstance(x.grad, Variable), x.grad",
    ]
    return "\n".join(lines), [True, 2 * a * at]


def _parameter(level: int, rng: random.Random) -> Asked:
    a, b, c = number(rng), number(rng), number(rng)
    name = f"w{rng.randrange(10**6)}"
    lines = [
        "from dezero import Parameter\n",
        f"w = Parameter(array({a}), {name!r})",
        f"x = Variable(array({b}))",
        f"y = w * x * {c}",
    ]
    if level == 0:
        lines.append("isinstance(w, Variable), type(x) is type(w), type(y) is Variable, w.name, y")
        return "\n".join(lines), [True, False, True, name, a * b * c]
    lines += ["y.backward()", "w.name, w.grad, x.grad"]
    return "\n".join(lines), [name, b * c, a * c]


def _modes(rng: random.Random) -> Asked:
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


def _one_core(rng: random.Random) -> Asked:
    a, at, other = number(rng), number(rng), f"core_{rng.randrange(10**6)}"
    found = {"core": True, "core_simple": False, other: False}
    names = rng.sample(sorted(found), k=len(found))
    lines = [
        "from importlib.util import find_spec\n",
        f"x = Variable(array({at}))",
        f"y = {a} * x * x",
        f"found = [find_spec('dezero.' + name) is not None for name in {names}]",
        "found, hasattr(dezero, 'is_simple_core'), type(y).__module__, y",
    ]
    return "\n".join(lines), [[found[name] for name in names], False, "dezero.core", a * at**2]


_CAPABILITIES: dict[tuple[str, int], Callable[[random.Random], Asked]] = {
    ("create_graph", 1): _gradients_that_are_variables,
    ("create_graph", 2): _second_derivatives,
    ("parameter", 0): partial(_parameter, 0),
    ("parameter", 1): partial(_parameter, 1),
    ("test_mode", 0): _modes,
    ("one_core", 0): _one_core,
}
_ABOUT = {
    ("create_graph", 1): "gradients that are Variables",
    ("create_graph", 2): "derivatives of derivatives",
    ("parameter", 0): "results of a Parameter",
    ("parameter", 1): "gradients of a Parameter",
    ("test_mode", 0): "test_mode among other modes",
    ("one_core", 0): "the one core that computes",
}
