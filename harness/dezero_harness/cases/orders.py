"""Derivatives to order 8 of quotients, powers and compositions, in the smallest shapes and (2, 3).

What is expected is a Taylor series: recurrences for its coefficients, in decimal numbers with 50
digits. No graph is built, and nothing is passed backwards.
"""

import math
import re
from decimal import Context, Decimal, localcontext
from functools import cache, partial, reduce
from operator import add, mul, neg

import numpy as np

from ..model.case import Case
from .nth_derivatives import derivatives

DIGITS = Context(prec=40)


class Series:
    """The coefficients c_0, c_1, ... of a Taylor series, as decimal numbers, cut off somewhere.

    An operand that is a number stands for the series c_0 = number, and is never written out.
    """

    def __init__(self, coefficients):
        self.c = list(map(Decimal, coefficients))

    def __add__(self, other):
        if isinstance(other, Series):
            return Series(map(add, self.c, other.c))
        return Series([self.c[0] + Decimal(other), *self.c[1:]])

    def __neg__(self):
        return Series(map(neg, self.c))

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        if isinstance(other, Series):
            n, b = len(self.c), other.c[::-1]  # reversed: a_0 b_k + ... + a_k b_0 for each k
            return Series([sum(map(mul, self.c, b[n - 1 - k :])) for k in range(n)])
        factor = Decimal(other)
        return Series([a * factor for a in self.c])

    def __truediv__(self, other):
        return self * (1 / (other if isinstance(other, Series) else Decimal(other)))

    def __rtruediv__(self, other):
        inverse = [1 / self.c[0]]
        for n in range(1, len(self.c)):
            inverse.append(-sum(map(mul, self.c[n:0:-1], inverse)) * inverse[0])
        return Series(inverse) * other

    def __pow__(self, exponent):
        if exponent == int(exponent):
            power = reduce(mul, [self] * abs(int(exponent)))
            return power if exponent >= 0 else 1 / power
        return exp(exponent * log(self))

    __radd__, __rmul__ = __add__, __mul__


def integrated(first, slope, inner):
    """The series that starts with `first` and has the derivative slope(the series so far) u'.

    slope: gives the coefficients of g'(u) as far as those of g(u), its argument, are known.
    """
    u, c = inner.c, [first]
    for n in range(1, len(u)):
        g = slope(c)
        c.append(sum(k * u[k] * g[n - k] for k in range(1, n + 1)) / n)
    return Series(c)


@cache  # many series start at the same point, and only their slopes differ
def exp_at(x):
    return x.exp()


@cache
def sin_cos_at(x):
    terms = [Decimal(1)]
    while abs(terms[-1]) > Decimal("1e-50"):
        terms.append(terms[-1] * x / len(terms))
    return sum(terms[1::4]) - sum(terms[3::4]), sum(terms[0::4]) - sum(terms[2::4])


def exp(u):
    return integrated(exp_at(u.c[0]), lambda c: c, u)


def log(u):
    slope = (1 / u).c
    return integrated(u.c[0].ln(), lambda c: slope, u)


def tanh(u):
    e = exp_at(2 * u.c[0])
    return integrated((e - 1) / (e + 1), lambda c: (1 - Series(c) * Series(c)).c, u)


def sin_cos(u):
    """Both at once, since each is the derivative of the other."""
    s, c = ([first] for first in sin_cos_at(u.c[0]))
    for n in range(1, len(u.c)):
        slopes = [sum(k * u.c[k] * g[n - k] for k in range(1, n + 1)) / n for g in (c, s)]
        s.append(slopes[0])
        c.append(-slopes[1])
    return Series(s), Series(c)


def sin(u):
    return sin_cos(u)[0]


def cos(u):
    return sin_cos(u)[1]


KNOWN = {"exp": exp, "log": log, "tanh": tanh, "sin": sin, "cos": cos}


def expected(code, x, orders):
    """f, f', f'', ... at the number x for the program text of f."""
    with localcontext(DIGITS):
        taylor = eval(code, KNOWN, {"x": Series([x, 1] + [0] * (orders - 1))})
        return [float(math.factorial(n) * c) for n, c in enumerate(taylor.c)]


def imports(code):
    """The functions that the program text calls, as an import names them."""
    return ", ".join(sorted(set(re.findall(r"[a-z]{2,}", code))))


def needs(code):
    names = imports(code)
    lacking = {  # the import names exp and log before tanh
        "functions": bool(names),
        "array_functions": "exp" in names or "log" in names,
        "tanh": "tanh" in names,
        "create_graph": True,
    }
    return tuple(capability for capability, is_needed in lacking.items() if is_needed)


def chapter(code):
    brought = {"array_functions": 36, "tanh": 35, "functions": 34, "create_graph": 33}
    return max(brought[capability] for capability in needs(code))


def small_shapes(code, x):
    """The program that lists f, f', f'' and the third in the shapes (), (1,), (0,), and these."""
    import_line = f"from dezero.functions import {imports(code)}" if imports(code) else ""
    return f"""
        {import_line}
        answers, shapes = [], []
        xs = [Variable(array(data)) for data in ({x}, [{x}], [])]
        ys = [{code} for x in xs]
        for order in range(4):
            answers.append(ys)
            shapes.append([y.shape for y in ys])
            for x, y in zip(xs, ys):
                x.cleargrad()
                y.backward(create_graph=True)
            ys = [x.grad for x in xs]
        answers, shapes
    """


SIGNED = [[0.3, -0.8, 1.25], [-1.6, 2.1, 0.55]]
POSITIVE = [[0.4, 0.8, 1.25], [2.0, 3.1, 0.55]]
SMALL = [[0.3, -0.8, 1.25], [-0.45, 0.9, 0.1]]
FAR = [[2.5, -3.0, 4.1], [-5.2, 3.6, 2.9]]  # the quotient rule cancels digits of sin x / x near 0
# words, program text, points, order: as high as the size of the graph allows in a fraction of 0.1 s
FUNCTIONS = [
    ("x^5 - 3 x^2 + 1", "x ** 5 - 3 * x ** 2 + 1", SIGNED, 8),
    ("(2 x - 1)^8", "(2 * x - 1) ** 8", SIGNED, 8),
    ("x to the power of minus 3", "x ** -3", SIGNED, 8),
    ("x to the power of 3.5", "x ** 3.5", POSITIVE, 8),
    ("a third of 1 / x", "1 / (3 * x)", SIGNED, 7),
    ("1 / (1 - x)", "1 / (1 - x)", FAR, 5),
    ("x / (1 + x^2)", "x / (1 + x ** 2)", SIGNED, 5),
    ("(x^2 + 1) / (x - 3)", "(x * x + 1) / (x - 3)", SIGNED, 5),
    ("the root of 1 + x^2", "(1 + x ** 2) ** 0.5", SIGNED, 5),
    ("(1 + x^2)^-1.5", "(1 + x ** 2) ** -1.5", SIGNED, 6),
    ("sin(3 x + 1)", "sin(3 * x + 1)", SIGNED, 8),
    ("cos(1 - 2 x)", "cos(1 - 2 * x)", SIGNED, 8),
    ("sin(x^2)", "sin(x ** 2)", SIGNED, 6),
    ("sin x cos x", "sin(x) * cos(x)", SIGNED, 5),
    ("x^2 cos x", "x ** 2 * cos(x)", SIGNED, 5),
    ("sin(cos x)", "sin(cos(x))", SIGNED, 5),
    ("sin(1 / x)", "sin(1 / x)", POSITIVE, 5),
    ("1 / (2 + sin x)", "1 / (2 + sin(x))", SIGNED, 5),
    ("sin x over x far out", "sin(x) / x", FAR, 6),
    ("tanh(3 x - 1/2)", "tanh(3 * x - 0.5)", SMALL, 8),
    ("tanh x squared", "tanh(x) ** 2", SIGNED, 5),
    ("x tanh x", "x * tanh(x)", SIGNED, 6),
    ("tanh(sin x)", "tanh(sin(x))", SIGNED, 5),
    ("exp(-x^2)", "exp(-x * x)", SIGNED, 8),
    ("log of 2 x", "log(2 * x)", POSITIVE, 7),
    ("exp(sin x)", "exp(sin(x))", SIGNED, 6),
    ("log(1 + x^2)", "log(1 + x ** 2)", SIGNED, 6),
    ("x to the power of x", "exp(x * log(x))", POSITIVE, 5),
    ("the logistic function", "1 / (1 + exp(-x))", SIGNED, 5),
    ("log(1 + exp x)", "log(1 + exp(x))", SIGNED, 5),
    ("log x over x", "log(x) / x", POSITIVE, 5),
    ("exp(1 / x)", "exp(1 / x)", POSITIVE, 5),
    ("log cos x", "log(cos(x))", SMALL, 5),
    ("tanh(exp x)", "tanh(exp(x))", SMALL, 5),
    ("exp(-x) sin(3 x)", "exp(-x) * sin(3 * x)", SIGNED, 5),
]

case = partial(
    Case,
    group="orders",
    source="the Taylor series around each point, by recurrences, with 40 digits",
    level="core",
)
CASES = []
for words, code, points, order in FUNCTIONS:
    at_each = np.array([expected(code, x, order) for row in points for x in row])
    at_each = at_each.T.reshape(order + 1, 2, 3)
    # Where f^(n) passes through zero at one of the points, its size at the others counts.
    size = float(abs(at_each).max(axis=(1, 2)).min())
    about = partial(case, needs=needs(code), chapter=chapter(code), rel=1e-11, abs=1e-12 * size)
    CASES += [
        about(
            statement=f"{words}: to order {order} for six numbers",
            program=derivatives(code, points, order, imports(code)),
            expect=at_each.tolist(),
        ),
        about(
            statement=f"{words}: three orders for one number and for none",
            program=small_shapes(code, points[0][0]),
            expect=[
                [[value, [value], []] for value in expected(code, points[0][0], 3)],
                [[[], [1], [0]]] * 4,
            ],
        ),
    ]
