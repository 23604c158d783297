"""Optimisation problems with published minima: values, gradients, Hessians, iterates of Newton.

The problems are sums of squares from J. J. Moré, B. S. Garbow and K. E. Hillstrom, Testing
unconstrained optimization software, ACM Transactions on Mathematical Software 7 (1981) 17-41,
with the starting points and the minima of their table. What is not in the table is computed here
in decimal numbers with 40 digits, from Taylor series along straight lines, without a graph.
"""

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..model.case import Case
from .orders import DIGITS, KNOWN, Series

# --- the oracle ---


def along(f, point, direction):
    """f(p + h d) = c_0 + c_1 h + c_2 h^2 + ..., as these three coefficients."""
    return f(*[Series([p, d, 0]) for p, d in zip(point, direction)]).c


def slopes(f, point):
    """The value, gradient and Hessian of f: H_ij from the curvature along e_i + e_j."""
    axes = range(len(point))
    unit = [[int(i == j) for j in axes] for i in axes]
    lines = [along(f, point, e) for e in unit]
    hessian = [[2 * lines[i][2] if i == j else Decimal(0) for j in axes] for i in axes]
    for i in axes:
        for j in range(i):
            both = along(f, point, [a + b for a, b in zip(unit[i], unit[j])])
            hessian[i][j] = hessian[j][i] = both[2] - lines[i][2] - lines[j][2]
    return lines[0][0], [line[1] for line in lines], hessian


def solved(a, b):
    """x of a x = b, by elimination."""
    rows = [[*row, v] for row, v in zip(a, b)]
    for i in range(len(rows)):
        best = max(range(i, len(rows)), key=lambda k: abs(rows[k][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for k, row in enumerate(rows):
            if k != i:
                rows[k] = [v - row[i] / rows[i][i] * w for v, w in zip(row, rows[i])]
    return [row[-1] / row[i] for i, row in enumerate(rows)]


def newton(f, point, steps):
    """The iterates of x <- x - H^-1 g, without the start."""
    iterates = []
    for _ in range(steps):
        _, g, h = slopes(f, point)
        point = [Decimal(p) - s for p, s in zip(point, solved(h, g))]
        iterates.append(point)
    return iterates


def floats(values):
    return [floats(v) for v in values] if isinstance(values, list) else float(values)


# --- the programs ---

GRADIENT = """\
xs = [Variable(array(v)) for v in {point}]
y = f(*xs)
y.backward()
"""
# None, where x is not reached, is a row's zero.
SLOPES = """\
def slopes(point):
    xs = [Variable(array(v)) for v in point]
    f(*xs).backward(create_graph=True)
    gradient = [x.grad for x in xs]
    hessian = []
    for g in gradient:
        for x in xs:
            x.cleargrad()
        g.backward()
        hessian.append([0.0 if x.grad is None else values(x.grad) for x in xs])
    return [values(g) for g in gradient], hessian

"""
NEWTON = """\
def step(point):
    gradient, hessian = slopes(point)
    n, rows = len(point), [[*h, g] for h, g in zip(hessian, gradient)]
    for i in range(n):  # Gauss and Jordan
        best = max(range(i, n), key=lambda k: abs(rows[k][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for k in range(n):
            factor = rows[k][i] / rows[i][i] if k != i else 0.0
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    return [p - rows[i][n] / rows[i][i] for i, p in enumerate(point)]

"""
PIVOTS = """\
def pivots(rows):
    if not rows:
        return []
    first, *others = rows
    rest = [[a - row[0] / first[0] * b for a, b in zip(row, first)][1:] for row in others]
    return [first[0], *pivots(rest)]

"""


@dataclass(frozen=True)
class Problem:
    """A sum of squares, as a program writes it; its start and its minimum, as the table has them.

    minimum: the published one, with the digits that the table leaves out.
    least: the published value there, with six digits.
    steps: how many of Newton's iterates from the start are compared, and how well.
    """

    name: str
    parameters: str
    residuals: str
    start: Sequence[float]
    minimum: Sequence[float]
    least: float
    steps: int = 3
    rel: float = 1e-9
    constants: str = ""

    @property
    def functions(self) -> list[str]:
        """The engine's functions that the residuals call; those of `math` are none of them."""
        return sorted(set(re.findall(r"(?<!math\.)\b(cos|exp|sin)\(", self.residuals)))

    @property
    def code(self) -> str:
        """The program's text of f."""
        names = ", ".join(self.functions)
        imports = f"from dezero.functions import {names}\n\n" if names else ""
        constants = textwrap.dedent(self.constants).strip()
        residuals = textwrap.indent(textwrap.dedent(self.residuals).strip(), " " * 8)
        return (
            f"{imports}{constants}\n\n\n"
            f"def f({self.parameters}):\n    residuals = [\n{residuals}\n    ]\n"
            f"    return sum(r ** 2 for r in residuals)\n\n"
        ).lstrip()

    @property
    def needs(self) -> tuple[str, ...]:
        return ("functions",) * bool(self.functions) + ("array_functions",) * (
            "exp" in self.functions
        )

    @property
    def chapter(self) -> int:
        return 36 if "array_functions" in self.needs else 34 if self.needs else 31

    @cached_property
    def f(self) -> Any:
        """The same text for the oracle, with its functions in the place of the engine's."""
        namespace: dict[str, Any] = {"math": math}
        exec("\n".join(line for line in self.code.split("\n") if "import" not in line), namespace)
        namespace.update(KNOWN)
        return namespace["f"]


PROBLEMS = [
    Problem(
        "Rosenbrock",
        "x1, x2",
        """
        10 * (x2 - x1 ** 2),
        1 - x1,
        """,
        start=(-1.2, 1.0),
        minimum=(1.0, 1.0),
        least=0.0,
        steps=5,
    ),
    Problem(
        "Freudenstein and Roth",
        "x1, x2",
        """
        -13 + x1 + ((5 - x2) * x2 - 2) * x2,
        -29 + x1 + ((x2 + 1) * x2 - 14) * x2,
        """,
        start=(0.5, -2.0),
        minimum=(11.412778986902094, -0.8968052532744765),
        least=48.9842,
    ),
    Problem(
        "Powell badly scaled",
        "x1, x2",
        """
        1e4 * x1 * x2 - 1,
        exp(-x1) + exp(-x2) - 1.0001,
        """,
        start=(0.0, 1.0),
        minimum=(1.0981593296998053e-05, 9.106146739866624),
        least=0.0,
        rel=1e-7,
    ),
    Problem(
        "Brown badly scaled",
        "x1, x2",
        """
        x1 - 1e6,
        x2 - 2e-6,
        x1 * x2 - 2,
        """,
        start=(1.0, 1.0),
        minimum=(1e6, 2e-6),
        least=0.0,
        rel=1e-6,
    ),
    Problem(
        "Beale",
        "x1, x2",
        """
        1.5 - x1 * (1 - x2),
        2.25 - x1 * (1 - x2 ** 2),
        2.625 - x1 * (1 - x2 ** 3),
        """,
        start=(1.0, 1.0),
        minimum=(3.0, 0.5),
        least=0.0,
        steps=1,
    ),
    Problem(
        "Jennrich and Sampson",
        "x1, x2",
        "*[2 + 2 * i - (exp(i * x1) + exp(i * x2)) for i in range(1, 11)],",
        start=(0.3, 0.4),
        minimum=(0.2578252136703641, 0.2578252136703641),
        least=124.362,
        steps=2,
    ),
    Problem(
        "Bard",
        "x1, x2, x3",
        """
        *[
            y - (x1 + u / ((16 - u) * x2 + min(u, 16 - u) * x3))
            for u, y in enumerate(Y, start=1)
        ],
        """,
        start=(1.0, 1.0, 1.0),
        minimum=(0.08241055974978899, 1.1330360920297224, 2.3436951786425366),
        least=8.21487e-3,
        steps=1,
        constants="""
        Y = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39]
        Y += [0.37, 0.58, 0.73, 0.96, 1.34, 2.1, 4.39]
        """,
    ),
    Problem(
        "Gaussian",
        "x1, x2, x3",
        "*[x1 * exp(x2 * (4.5 - 0.5 * i - x3) ** 2 / -2) - y for i, y in enumerate(Y, start=2)],",
        start=(0.4, 1.0, 0.0),
        minimum=(0.39895613783875666, 1.0000190844878056, 0.0),
        least=1.12793e-8,
        steps=1,
        constants="""
        Y = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]
        Y += Y[6::-1]
        """,
    ),
    Problem(
        "Box three-dimensional",
        "x1, x2, x3",
        "*[exp(-t * x1) - exp(-t * x2) - x3 * c for t, c in DATA],",
        start=(0.0, 10.0, 20.0),
        minimum=(1.0, 10.0, 1.0),
        least=0.0,
        steps=2,
        rel=1e-8,
        constants="""
        DATA = [(0.1 * i, math.exp(-0.1 * i) - math.exp(-i)) for i in range(1, 6)]
        """,
    ),
    Problem(
        "Powell singular",
        "x1, x2, x3, x4",
        """
        x1 + 10 * x2,
        5 ** 0.5 * (x3 - x4),
        (x2 - 2 * x3) ** 2,
        10 ** 0.5 * (x1 - x4) ** 2,
        """,
        start=(3.0, -1.0, 0.0, 1.0),
        minimum=(0.0, 0.0, 0.0, 0.0),
        least=0.0,
    ),
    Problem(
        "Wood",
        "x1, x2, x3, x4",
        """
        10 * (x2 - x1 ** 2),
        1 - x1,
        90 ** 0.5 * (x4 - x3 ** 2),
        1 - x3,
        10 ** 0.5 * (x2 + x4 - 2),
        10 ** -0.5 * (x2 - x4),
        """,
        start=(-3.0, -1.0, -3.0, -1.0),
        minimum=(1.0, 1.0, 1.0, 1.0),
        least=0.0,
    ),
    Problem(
        "Kowalik and Osborne",
        "x1, x2, x3, x4",
        "*[y - x1 * (u ** 2 + u * x2) / (u ** 2 + u * x3 + x4) for u, y in zip(U, Y)],",
        start=(0.25, 0.39, 0.415, 0.39),
        minimum=(
            0.1928069345790379,
            0.1912823287343668,
            0.12305650692632074,
            0.13606233068379475,
        ),
        least=3.07505e-4,
        steps=1,
        constants="""
        U = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]
        Y = [0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
        """,
    ),
    Problem(
        "Brown and Dennis",
        "x1, x2, x3, x4",
        """
        *[
            (x1 + t * x2 - math.exp(t)) ** 2 + (x3 + x4 * math.sin(t) - math.cos(t)) ** 2
            for t in T
        ],
        """,
        start=(25.0, 5.0, -5.0, -1.0),
        minimum=(
            -11.594439904762165,
            13.203630051207204,
            -0.4034394881768596,
            0.23677877445573636,
        ),
        least=85822.2,
        steps=1,
        constants="T = [0.2 * i for i in range(1, 21)]",
    ),
    Problem(
        "Biggs EXP6",
        "x1, x2, x3, x4, x5, x6",
        "*[x3 * exp(-t * x1) - x4 * exp(-t * x2) + x6 * exp(-t * x5) - y for t, y in DATA],",
        start=(1.0, 2.0, 1.0, 1.0, 1.0, 1.0),
        minimum=(1.0, 10.0, 1.0, 5.0, 4.0, 3.0),
        least=0.0,
        steps=0,
        constants="""
        DATA = [
            (t, math.exp(-t) - 5 * math.exp(-10 * t) + 3 * math.exp(-4 * t))
            for t in [0.1 * i for i in range(1, 8)]
        ]
        """,
    ),
    Problem(
        "Penalty I",
        "x1, x2, x3, x4",
        """
        *[1e-5 ** 0.5 * (x - 1) for x in (x1, x2, x3, x4)],
        x1 ** 2 + x2 ** 2 + x3 ** 2 + x4 ** 2 - 0.25,
        """,
        start=(1.0, 2.0, 3.0, 4.0),
        minimum=(0.2500074995875379,) * 4,
        least=2.24997e-5,
    ),
    Problem(
        "Variably dimensioned",
        "x1, x2, x3, x4",
        """
        *[x - 1 for x in (x1, x2, x3, x4)],
        x1 + 2 * x2 + 3 * x3 + 4 * x4 - 10,
        (x1 + 2 * x2 + 3 * x3 + 4 * x4 - 10) ** 2,
        """,
        start=(0.75, 0.5, 0.25, 0.0),
        minimum=(1.0, 1.0, 1.0, 1.0),
        least=0.0,
    ),
    Problem(
        "Trigonometric",
        "x1, x2, x3",
        """
        *[
            3 - cos(x1) - cos(x2) - cos(x3) + i * (1 - cos(x)) - sin(x)
            for i, x in enumerate((x1, x2, x3), start=1)
        ],
        """,
        start=(1 / 3, 1 / 3, 1 / 3),
        minimum=(0.0, 0.0, 0.0),
        least=0.0,
    ),
    Problem(
        "Brown almost-linear",
        "x1, x2, x3",
        """
        2 * x1 + x2 + x3 - 4,
        x1 + 2 * x2 + x3 - 4,
        x1 * x2 * x3 - 1,
        """,
        start=(0.5, 0.5, 0.5),
        minimum=(1.0, 1.0, 1.0),
        least=0.0,
    ),
    Problem(
        "Broyden tridiagonal",
        "x1, x2, x3",
        """
        (3 - 2 * x1) * x1 - 2 * x2 + 1,
        (3 - 2 * x2) * x2 - x1 - 2 * x3 + 1,
        (3 - 2 * x3) * x3 - x2 + 1,
        """,
        start=(-1.0, -1.0, -1.0),
        minimum=(-0.5267728494436550, -0.5676489090764701, -0.4103122228685842),
        least=0.0,
    ),
    Problem(
        "Chebyquad",
        "x1, x2",
        """
        (2 * x1 - 1 + 2 * x2 - 1) / 2,
        (2 * (2 * x1 - 1) ** 2 - 1 + 2 * (2 * x2 - 1) ** 2 - 1) / 2 + 1 / 3,
        """,
        start=(1 / 3, 2 / 3),
        minimum=((1 - 3**-0.5) / 2, (1 + 3**-0.5) / 2),
        least=0.0,
        steps=0,  # the Hessian at the start is singular
    ),
]


def largest(values):
    return max(largest(v) if isinstance(v, list) else abs(v) for v in values)


ORACLE = "the second-order Taylor series along straight lines, with 40 digits"
MGH = "Moré, Garbow and Hillstrom 1981, the table of problems"
CASES = []
for problem in PROBLEMS:
    with localcontext(DIGITS):
        value, gradient, hessian = map(floats, slopes(problem.f, problem.start))
        path = floats(newton(problem.f, problem.start, problem.steps))
        curvature = floats(slopes(problem.f, problem.minimum)[2])
    n, start, minimum = len(problem.start), list(problem.start), list(problem.minimum)
    # A gradient that is zero at the minimum is as large as this beside it, one rounding away.
    beside = max(sum(abs(h * x) for h, x in zip(row, minimum)) for row in curvature) * 2.0**-52
    of = partial(
        Case,
        chapter=36,
        group="optimisation",
        needs=(*problem.needs, "create_graph"),
        rel=1e-11,
        level="core",
    )
    CASES += [
        of(
            statement=f"{problem.name}: the value and the gradient at the start",
            program=problem.code + GRADIENT.format(point=start) + "y, [x.grad for x in xs]",
            expect=[value, gradient],
            source=ORACLE,
            abs=1e-13 * largest(gradient),
            needs=problem.needs,
            chapter=problem.chapter,
        ),
        of(
            statement=f"{problem.name}: the Hessian at the start",
            program=problem.code + SLOPES + f"slopes({start})[1]",
            expect=hessian,
            source=ORACLE,
            abs=1e-13 * largest(hessian),
        ),
        of(
            statement=f"{problem.name}: the published minimum, and no slope there",
            program=problem.code + GRADIENT.format(point=minimum) + "y, [x.grad for x in xs]",
            expect=[problem.least, [0.0] * n],
            source=MGH,
            rel=1e-5,
            abs=4 * beside,
            needs=problem.needs,
            chapter=problem.chapter,
        ),
    ]
    if problem.name != "Powell singular":
        CASES.append(
            of(
                statement=f"{problem.name}: the Hessian at the minimum is positive definite",
                program=problem.code
                + SLOPES
                + PIVOTS
                + f"[p > 0.0 for p in pivots(slopes({minimum})[1])]",
                expect=[True] * n,
                source="a minimum; as many eigenvalues as pivots are positive (Sylvester)",
            )
        )
    if problem.steps:
        CASES.append(
            of(
                statement=f"{problem.name}: Newton's first steps",
                program=problem.code
                + SLOPES
                + NEWTON
                + f"point, path = {start}, []\nfor _ in range({problem.steps}):\n"
                + "    point = step(point)\n    path.append(point)\npath",
                expect=path,
                source=f"x - H^-1 g; {ORACLE}",
                rel=problem.rel,
                abs=1e-12 * largest(path),
            )
        )

# --- where Newton's method goes, and what is there ---

BY_NAME = {problem.name: problem for problem in PROBLEMS}


def program(name, text, helpers=SLOPES + NEWTON + PIVOTS):
    return BY_NAME[name].code + helpers + textwrap.dedent(text).lstrip()


of = partial(Case, chapter=36, group="optimisation", needs=("create_graph",), level="core")
SADDLE = [-0.9679740249375931, 0.9471391408178418, -0.9695163103315911, 0.9512476657923253]
X2 = (2 - 22**0.5) / 3  # of Freudenstein and Roth
U, V, W = (3 - 4 * x for x in BY_NAME["Broyden tridiagonal"].minimum)
JACOBIAN = np.array([[U, -2, 0], [-1, V, -2], [0, -1, W]])
SHRINKING = [Fraction(100, 63), Fraction(-10, 63), Fraction(16, 63), Fraction(16, 63)]
CASES += [
    of(
        statement="Beale from (1, 1): one step of Newton to (0, 1), which is a saddle",
        program=program(
            "Beale",
            """
            point = step([1.0, 1.0])
            gradient, ((a, b), (_, d)) = slopes(point)
            point, gradient, a * d - b * b < 0.0
            """,
            SLOPES + NEWTON,
        ),
        expect=[[0.0, 1.0], [0.0, 0.0], True],
        source="there x1 = 0 and 1 - x2^i = 0: g = 0, H = ((0, 27.75), (27.75, 0))",
        abs=1e-15,
    ),
    of(
        statement="Rosenbrock: the values along Newton's steps go down, up and down",
        program=program(
            "Rosenbrock",
            """
            point, answers = [-1.2, 1.0], []
            for _ in range(5):
                point = step(point)
                answers.append(f(*[Variable(array(v)) for v in point]))
            answers
            """,
            SLOPES + NEWTON,
        ),
        expect=[
            4.731884325266609,
            1411.845179309918,
            0.055965516833874504,
            0.3131890761157185,
            1.8527397339294423e-11,
        ],
        source=f"f at the iterates; {ORACLE}",
        rel=1e-7,
    ),
    of(
        statement="Freudenstein and Roth: Newton ends at the minimum that is not zero",
        program=program(
            "Freudenstein and Roth",
            """
            point = [0.5, -2.0]
            for _ in range(8):
                point = step(point)
            point
            """,
            SLOPES + NEWTON,
        ),
        expect=[21 + 8 * X2 - 3 * X2**2, X2],
        source="g = 0 with r1 = -r2 and dr1/dx2 = dr2/dx2: 3 x2^2 - 4 x2 - 6 = 0",
        rel=1e-12,
    ),
    of(
        statement="Freudenstein and Roth: the minimum that is zero has no slope",
        program=program(
            "Freudenstein and Roth",
            GRADIENT.format(point=[5.0, 4.0]) + "y, [x.grad for x in xs]",
            "",
        ),
        expect=[0.0, [0.0, 0.0]],
        source=f"{MGH}: f = 0 at (5, 4)",
        needs=(),
        chapter=31,
    ),
    of(
        statement="Wood from the published start: Newton ends at a saddle",
        program=program(
            "Wood",
            """
            point = [-3.0, -1.0, -3.0, -1.0]
            for _ in range(16):
                point = step(point)
            gradient, hessian = slopes(point)
            point, gradient, sum(p < 0.0 for p in pivots(hessian))
            """,
        ),
        expect=[SADDLE, [0.0] * 4, 1],
        source="a stationary point near (-1, 1, -1, 1) with f = 7.877 and one negative eigenvalue",
        rel=1e-9,
        abs=1e-9,
    ),
    of(
        statement="Powell singular: each step of Newton keeps two thirds of the last",
        program=program(
            "Powell singular",
            """
            point, path = [3.0, -1.0, 0.0, 1.0], []
            for _ in range(6):
                point = step(point)
                path.append(point)
            path
            """,
            SLOPES + NEWTON,
        ),
        expect=[[float(x * Fraction(2, 3) ** k) for x in SHRINKING] for k in range(6)],
        source="(100, -10, 16, 16) / 63 after the first step; a quartic's root loses a third",
        rel=1e-10,
    ),
    of(
        statement="Powell singular: the Hessian at the minimum has rank 2",
        program=program("Powell singular", "slopes([0.0] * 4)[1]", SLOPES),
        expect=[
            [2.0, 20.0, 0.0, 0.0],
            [20.0, 200.0, 0.0, 0.0],
            [0.0, 0.0, 10.0, -10.0],
            [0.0, 0.0, -10.0, 10.0],
        ],
        source="the quartic terms vanish: 2 (1, 10) (1, 10)^T and 10 (1, -1) (1, -1)^T",
        rel=1e-14,
    ),
    of(
        statement="Brown badly scaled: Newton's first step is half of the way",
        program=program("Brown badly scaled", "step([1.0, 1.0])", SLOPES + NEWTON),
        expect=[500001.0, 1.000001],
        source="g = (-2e6, -4e-6) and H = 4 I at (1, 1)",
        rel=1e-15,
    ),
    of(
        statement="Box three-dimensional: a whole line of minima has no slope",
        program=program(
            "Box three-dimensional",
            """
            answers = []
            for v in (0.5, 1.0, 7.0):
                xs = [Variable(array(x)) for x in (v, v, 0.0)]
                y = f(*xs)
                y.backward()
                answers.append([y, *[x.grad for x in xs]])
            answers
            """,
            "",
        ),
        expect=[[0.0] * 4] * 3,
        source=f"{MGH}: f = 0 where x1 = x2 and x3 = 0",
        needs=BY_NAME["Box three-dimensional"].needs,
        chapter=36,
        abs=1e-15,
    ),
    of(
        statement="a least-squares Hessian at a zero is twice J^T J",
        program=program(
            "Broyden tridiagonal",
            f"slopes({list(BY_NAME['Broyden tridiagonal'].minimum)})[1]",
            SLOPES,
        ),
        expect=(2 * JACOBIAN.T @ JACOBIAN).tolist(),
        source="the residuals are zero there: what is left is 2 J^T J",
        rel=1e-11,
        abs=1e-12,
    ),
]

# --- a problem with a function that the engine does not have ---

HELICAL = """\
class Arctan(dezero.Function):
    def forward(self, x):
        return array(math.atan(values(x)))

    def backward(self, gy):
        (x,) = self.inputs
        return gy / (1 + x ** 2)


def f(x1, x2, x3):
    turns = Arctan()(x2 / x1) / (2 * math.pi) + (0.5 if values(x1) < 0 else 0.0)
    radius = (x1 ** 2 + x2 ** 2) ** 0.5
    return 100 * ((x3 - 10 * turns) ** 2 + (radius - 1) ** 2) + x3 ** 2

"""
TURN = 10 / (2 * math.pi)
CASES += [
    of(
        statement=f"Helical valley, with a function of a user: {what}",
        program=HELICAL + SLOPES + f"slopes({at})",
        expect=expect,
        source="u = x3 - 10 theta, theta' = (-x2, x1) / (2 pi r^2), r' = (x1, x2) / r, by hand",
        rel=1e-13,
        abs=1e-11,
        level="book",
    )
    for what, at, expect in [
        (
            "at the start",
            [-1.0, 0.0, 0.0],
            [
                [0.0, -1000 * TURN, -1000.0],
                [
                    [200.0, -1000 * TURN, 0.0],
                    [-1000 * TURN, 200 * TURN**2, 200 * TURN],
                    [0.0, 200 * TURN, 202.0],
                ],
            ],
        ),
        (
            "at the minimum",
            [1.0, 0.0, 0.0],
            [
                [0.0] * 3,
                [
                    [200.0, 0.0, 0.0],
                    [0.0, 200 * TURN**2, -200 * TURN],
                    [0.0, -200 * TURN, 202.0],
                ],
            ],
        ),
    ]
]
