"""Derivatives of high order, one by one: each is the gradient of the one before."""

import math
from functools import partial
from textwrap import dedent

import numpy as np

from ..model import exact
from ..model.case import Case

RNG = np.random.default_rng(34)
case = partial(Case, chapter=33, group="F", level="core")

POLYNOMIAL, TRIG = ("create_graph",), ("functions", "create_graph")
TANH, EXP = ("functions", "tanh", "create_graph"), ("functions", "array_functions", "create_graph")

# None, where x is not reached, is the derivative of a constant.
DERIVATIVES = """\
x = Variable(array({data}))
derivatives = [{code}]
for _ in range({orders}):
    x.cleargrad()
    derivatives[-1].backward(create_graph=True)
    derivatives.append(0.0 * x if x.grad is None else x.grad)
derivatives
"""


def derivatives(code, data, orders, imports=""):
    """The program that lists f, f', f'', ... at `data`, `orders` of them after f."""
    imports = f"from dezero.functions import {imports}\n\n" if imports else ""
    return imports + DERIVATIVES.format(code=code, data=data, orders=orders)


# --- sin and cos ---


def sin_cycle(x):
    return [exact.sin(x), exact.cos(x), -exact.sin(x), -exact.cos(x)]


POINTS = [1.0, 0.0, -2.5, *np.round(RNG.uniform(-6.0, 6.0, 2), 3).tolist()]
trig = partial(case, chapter=34, needs=TRIG, source="sin, cos, -sin, -cos, and so on")
CASES = [
    trig(
        statement="the derivatives of sin at 1 go sin, cos, minus sin, minus cos",
        program=derivatives("sin(x)", 1.0, 3, "sin"),
        expect=[0.8414709848078965, 0.5403023058681398, -0.8414709848078965, -0.5403023058681398],
        spine="sin cycle",
    ),
    *[
        trig(
            statement=f"the cycle of {name} at {x} is exact to order 12",
            program=derivatives(f"{name}(x)", x, 12, name),
            expect=[float(sin_cycle(x)[(n + first) % 4]) for n in range(13)],
        )
        for first, name in enumerate(("sin", "cos"))
        for x in POINTS
    ],
    *[
        trig(
            statement=f"derivative {n} of sin over -7 to 7 is {name}",
            program=dedent(f"""
                from dezero.functions import sin

                x = Variable(array([-7.0 + 14.0 * i / 199 for i in range(200)]))
                y = sin(x)
                for _ in range({n}):
                    x.cleargrad()
                    y.backward(create_graph=True)
                    y = x.grad
                y
            """),
            expect=sin_cycle(np.array([-7.0 + 14.0 * i / 199 for i in range(200)]))[n % 4].tolist(),
            abs=1e-15,
        )
        for n, name in [(1, "cos"), (2, "minus sin"), (3, "minus cos"), (4, "sin")]
    ],
    trig(
        statement="a frequency comes out once per order",
        program=derivatives("sin(3.0 * x) * 0.5", -0.4, 4, "sin"),
        expect=[
            0.5 * 3**n * [math.sin, math.cos][n % 2](-1.2) * (-1) ** (n // 2) for n in range(5)
        ],
        source="(sin(3x) / 2)^(n) = 3^n / 2 sin(3x + n pi / 2)",
        rel=1e-12,
    ),
    trig(
        statement="sin squared plus cos squared has no derivative left",
        program=derivatives("sin(x) * sin(x) + cos(x) * cos(x)", 0.7, 4, "cos, sin"),
        expect=[1.0, 0.0, 0.0, 0.0, 0.0],
        source="it is 1",
        rel=1e-15,
        abs=1e-14,
    ),
    trig(
        statement="sin x over x has the derivatives of its series at 1",
        program=derivatives("sin(x) / x", 1.0, 5, "sin"),
        expect=[
            sum(
                (-1) ** k / math.factorial(2 * k + 1) * math.perm(2 * k, n)
                for k in range(12)
                if 2 * k >= n
            )
            for n in range(6)
        ],
        source="sin x / x = sum of (-1)^k x^(2k) / (2k+1)!, differentiated term by term",
        rel=1e-10,
    ),
    trig(
        statement="x sin x has the derivatives of the product rule",
        program=derivatives("x * sin(x)", 1.3, 4, "sin"),
        expect=[
            1.3 * math.sin(1.3),
            math.sin(1.3) + 1.3 * math.cos(1.3),
            2 * math.cos(1.3) - 1.3 * math.sin(1.3),
            -3 * math.sin(1.3) - 1.3 * math.cos(1.3),
            -4 * math.cos(1.3) + 1.3 * math.sin(1.3),
        ],
        source="(x sin x)^(n) = x sin^(n) x + n sin^(n-1) x",
        rel=1e-13,
    ),
]

# --- tanh ---


def tanh_derivatives(x, orders):
    """tanh and its derivatives, from p_(n+1)(t) = p_n'(t) (1 - t^2) with t = tanh x."""
    p, t = np.polynomial.Polynomial([0, 1]), math.tanh(x)
    values = []
    for _ in range(orders + 1):
        values.append(float(p(t)))
        p = p.deriv() * np.polynomial.Polynomial([1, 0, -1])
    return values


def saturated(x):
    """The first three derivatives of tanh by sech^2 x, where 1 - tanh^2 x would be 0."""
    t, sech2 = math.tanh(x), (1 / math.cosh(x)) ** 2
    return [sech2, -2 * t * sech2, (4 * t * t - 2 * sech2) * sech2]


tanh = partial(case, chapter=35, needs=TANH)
CASES += [
    tanh(
        statement="the derivatives of tanh at 0 are whole numbers to order 9",
        program=derivatives("tanh(x)", 0.0, 9, "tanh"),
        expect=[0.0, 1.0, 0.0, -2.0, 0.0, 16.0, 0.0, -272.0, 0.0, 7936.0],
        source="the tangent numbers with alternating sign",
    ),
    tanh(
        statement="the derivatives of tanh at 1 are right to order 9",
        program=derivatives("tanh(x)", 1.0, 9, "tanh"),
        expect=[
            0.76159415595576485,
            0.41997434161402608,
            -0.63970000844922448,
            0.62162668077129624,
            0.66509104475050163,
            -5.5568935584737202,
            13.624075441312105,
            12.288367894320364,
            -277.06213560303098,
            1183.4218675111372,
        ],
        source="symbolic derivatives with 40 digits",
        rel=1e-12,
    ),
    tanh(
        statement="the derivatives of tanh at a half are right to order 7",
        program=derivatives("tanh(x)", 0.5, 7, "tanh"),
        expect=[
            0.46211715726000974,
            0.7864477329659274,
            -0.72686198138358726,
            -0.56520928825977035,
            3.9522195637245829,
            -3.2666864719713926,
            -36.279540291791626,
            144.15204759284634,
        ],
        source="symbolic derivatives with 40 digits",
        rel=1e-12,
    ),
    tanh(
        statement="the derivatives of tanh are right for each number of an array",
        program=derivatives("tanh(x)", [-0.75, 0.25, 1.5], 5, "tanh"),
        expect=np.transpose([tanh_derivatives(x, 5) for x in (-0.75, 0.25, 1.5)]).tolist(),
        source="polynomials in t = tanh x: p_(n+1)(t) = p_n'(t) (1 - t^2)",
        rel=1e-12,
    ),
    *[
        tanh(
            statement=f"far out at {name} the derivatives of tanh vanish without noise",
            program=derivatives("tanh(x)", x, 3, "tanh").rstrip() + "[1:]",
            expect=saturated(x),
            source="sech^2 x, -2 t sech^2 x, (4 t^2 - 2 sech^2 x) sech^2 x, to 8 ulp of 1",
            abs=8 * 2.0**-52,
        )
        for name, x in [
            ("10", 10.0),
            ("20", 20.0),
            ("minus 20", -20.0),
            ("400", 400.0),
            ("minus 400", -400.0),
        ]
    ],
    *[
        tanh(
            statement=f"the graph of tanh's derivative {n} has at most {bound} functions",
            program=derivatives("tanh(x)", 1.0, n, "tanh")
            + dedent(f"""
                functions, todo = set(), derivatives[-1:]
                while todo:
                    f = todo.pop().creator
                    if f is not None and f not in functions:
                        functions.add(f)
                        todo += f.inputs
                max(len(functions), {bound})
            """).lstrip(),
            expect=bound,
            source="tanh' = 1 - y^2 differentiated n - 1 times, nothing computed for constants",
            level="dezero",
        )
        for n, bound in enumerate((6, 12, 30, 75, 190), start=1)
    ],
]

# --- polynomials and quotients ---


def falling_power(x, c, orders):
    """x^c and its derivatives: c (c-1) ... (c-n+1) x^(c-n)."""
    return [math.prod(c - k for k in range(n)) * x ** (c - n) for n in range(orders + 1)]


graph = partial(case, needs=POLYNOMIAL)
CASES += [
    graph(
        statement=f"all derivatives of {words} at {x:g} are exact",
        program=derivatives(code, x, len(expect) - 1),
        expect=expect,
        source=f"the polynomial {words} differentiated by hand",
    )
    for words, code, x, expect in [
        ("x^4 - 2 x^2", "x ** 4 - 2 * x ** 2", 2.0, [8.0, 24.0, 44.0, 48.0, 24.0, 0.0, 0.0]),
        (
            "x^4 - 2 x^2 as products",
            "x * x * (x * x - 2.0)",
            2.0,
            [8.0, 24.0, 44.0, 48.0, 24.0, 0.0],
        ),
        ("minus the cube of minus x", "-((-x) ** 3)", 1.5, [3.375, 6.75, 9.0, 6.0, 0.0]),
        ("1 + x + x^2 + x^3", "1 + x + x * x + x * x * x", 0.0, [1.0, 1.0, 2.0, 6.0, 0.0]),
        ("x cubed", "x ** 3", -2.0, [-8.0, 12.0, -12.0, 6.0, 0.0]),
        ("(2 x - 3)^3", "(2 * x - 3) ** 3", 1.0, [-1.0, 6.0, -24.0, 48.0, 0.0]),
        ("(1 - x)^2 / 4", "(1 - x) ** 2 / 4", -3.0, [4.0, -2.0, 0.5, 0.0]),
    ]
]
CASES += [
    graph(
        statement=f"x to the power of {c!r} at 0 has all its derivatives",
        program=derivatives(f"x ** {c!r}", 0.0, int(c) + 2),
        expect=[float(math.factorial(int(c))) if n == c else 0.0 for n in range(int(c) + 3)],
        source="c! at order c, else 0; no nan and no warning",
    )
    for c in (0, 1, 2, 3, 4, 2.0, 3.0)
]
CASES += [
    graph(
        statement=f"the derivatives of {words} at {x:g} are right to order {len(expect) - 1}",
        program=derivatives(code, x, len(expect) - 1),
        expect=expect,
        source=formula,
        rel=1e-11,
    )
    for words, code, x, expect, formula in [
        (
            "the reciprocal of x",
            "1 / x",
            2.0,
            [0.5, -0.25, 0.25, -0.375, 0.75, -1.875, 5.625, -19.6875],
            "(-1)^n n! / x^(n+1)",
        ),
        (
            "the reciprocal of x",
            "1 / x",
            -0.5,
            falling_power(-0.5, -1, 5),
            "(-1)^n n! / x^(n+1)",
        ),
        (
            "x to the power of minus 2",
            "x ** -2",
            2.0,
            [0.25, -0.25, 0.375, -0.75, 1.875, -5.625],
            "(-1)^n (n+1)! / x^(n+2)",
        ),
        (
            "x to the power of a half",
            "x ** 0.5",
            4.0,
            [2.0, 0.25, -0.03125, 0.01171875, -0.00732421875],
            "c (c-1) ... (c-n+1) x^(c-n)",
        ),
        (
            "x to the power of 2.5",
            "x ** 2.5",
            1.69,
            falling_power(1.69, 2.5, 5),
            "c (c-1) ... (c-n+1) x^(c-n)",
        ),
        (
            "1 / (1 + x^2)",
            "1 / (1 + x ** 2)",
            0.5,
            [0.8, -0.64, -0.256, 3.6864, -9.33888, -21.62688, 327.942144],
            "the quotient rule, symbolically",
        ),
        (
            "(x - 1) / (x + 1)",
            "(x - 1) / (x + 1)",
            3.0,
            [0.5, *[-2.0 * falling_power(4.0, -1, 4)[n] for n in range(1, 5)]],
            "1 - 2 / (x + 1)",
        ),
    ]
]
CASES += [
    graph(
        statement="the derivatives of an array's powers are right for each number",
        program=derivatives("x ** 3 - 2 / x", [[1.5, -0.5], [-2.0, 0.25]], 4),
        expect=[
            (np.array(cube) - 2 * np.array(reciprocal)).tolist()
            for cube, reciprocal in zip(
                *(
                    np.transpose([falling_power(x, c, 4) for x in (1.5, -0.5, -2.0, 0.25)])
                    .reshape(5, 2, 2)
                    .tolist()
                    for c in (3, -1)
                )
            )
        ],
        source="c (c-1) ... (c-n+1) x^(c-n), element by element",
        rel=1e-11,
    ),
    case(
        chapter=36,
        needs=EXP,
        statement="exp is its own derivative at every order",
        program=derivatives("exp(-0.5 * x)", 1.5, 6, "exp"),
        expect=[(-0.5) ** n * math.exp(-0.75) for n in range(7)],
        source="(e^(ax))^(n) = a^n e^(ax)",
        rel=1e-13,
    ),
    case(
        chapter=36,
        needs=EXP,
        statement="the derivatives of log are those of the reciprocal",
        program=derivatives("log(x)", 2.0, 6, "log"),
        expect=[math.log(2.0), *falling_power(2.0, -1, 5)],
        source="log' x = 1 / x",
        rel=1e-12,
    ),
]
