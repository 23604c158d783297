"""Expressions drawn at random, against their Taylor series: an oracle that walks no graph."""

import math
import random
from functools import partial

import numpy as np

from ..model.case import Case
from .nth_derivatives import derivatives

ORDERS = 5
RNG = random.Random(36)


class Series:
    """A Taylor series around x, cut off after ORDERS: its coefficients, by recurrences."""

    def __init__(self, coefficients):
        self.c = np.array(coefficients, dtype=float)

    def __add__(self, other):
        return Series(self.c + series(other).c)

    def __neg__(self):
        return Series(-self.c)

    def __sub__(self, other):
        return self + -series(other)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        return Series(np.convolve(self.c, series(other).c)[: ORDERS + 1])

    def __truediv__(self, other):
        b: np.ndarray = series(other).c
        q: list[float] = []
        for n in range(ORDERS + 1):
            q.append((self.c[n] - sum(q[k] * b[n - k] for k in range(n))) / b[0])
        return Series(q)

    def __rtruediv__(self, other):
        return series(other) / self

    def __pow__(self, n):
        return math.prod([self] * n, start=series(1.0))

    __radd__, __rmul__ = __add__, __mul__


def series(value):
    return value if isinstance(value, Series) else Series([value] + [0.0] * ORDERS)


def sin_cos(u):
    s, c = [math.sin(u.c[0])], [math.cos(u.c[0])]
    for n in range(1, ORDERS + 1):
        s.append(sum(k * u.c[k] * c[n - k] for k in range(1, n + 1)) / n)
        c.append(-sum(k * u.c[k] * s[n - k] for k in range(1, n + 1)) / n)
    return Series(s), Series(c)


def tanh(u):
    t = [math.tanh(u.c[0])]
    for n in range(1, ORDERS + 1):
        slope = [
            1.0 - t[0] ** 2,
            *(-sum(t[i] * t[m - i] for i in range(m + 1)) for m in range(1, n)),
        ]
        t.append(sum(k * u.c[k] * slope[n - k] for k in range(1, n + 1)) / n)
    return Series(t)


KNOWN = {"sin": lambda u: sin_cos(u)[0], "cos": lambda u: sin_cos(u)[1], "tanh": tanh}


def expression(depth, functions):
    """An expression in x as program text; what divides stays away from zero."""
    if depth == 0:
        c = round(RNG.uniform(-2.0, 2.0), 2)
        return RNG.choice(["x", "x", f"({c} * x)", f"({c} - x)"])
    a, b = expression(depth - 1, functions), expression(depth - 1, functions)
    forms = [f"({a} + {b})", f"({a} - {b})", f"({a} * {b})", f"({a} / ({b} ** 2 + 1.5))", f"(-{a})"]
    forms += [f"(({a} - x) ** 3)"] + [f"{name}({a})" for name in functions] * 2
    return RNG.choice(forms)


case = partial(
    Case,
    group="R",
    source="the Taylor series around the same point, by recurrences for its coefficients",
    rel=1e-9,
    abs=1e-9,
    level="core",
)
CASES = []
for functions, needs, chapter in [
    ([], ("create_graph",), 33),
    (["cos", "sin"], ("functions", "create_graph"), 34),
    (["cos", "sin", "tanh"], ("functions", "tanh", "create_graph"), 35),
]:
    for number in range(1, 7):
        text = "x * " + expression(3, functions)
        while functions and f"{functions[-1]}(" not in text:  # for which the case needs this stage
            text = "x * " + expression(3, functions)
        at = round(RNG.uniform(-1.2, 1.2), 2)
        taylor = eval(text, KNOWN, {"x": Series([at, 1.0] + [0.0] * (ORDERS - 1))})
        CASES.append(
            case(
                statement=f"expression {number} of {', '.join(['operators', *functions])} is right",
                program=derivatives(text, at, ORDERS, ", ".join(functions)),
                expect=[float(math.factorial(n) * taylor.c[n]) for n in range(ORDERS + 1)],
                needs=needs,
                chapter=chapter,
            )
        )
