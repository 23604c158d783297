"""Gradients in a new computation, differentiated again: Hessian products, penalties, Newton."""

import math
from functools import partial

import numpy as np

from ..model import exact
from ..model.case import Case

RNG = np.random.default_rng(36)
case = partial(Case, chapter=36, group="G", needs=("create_graph",), level="core")
SUM = ("functions", "array_functions", "create_graph")

DOUBLE = """\
x = Variable(array({at}))
y = x ** 2
y.backward(create_graph=True)
gx = x.grad
{clear}
z = gx ** 3 + y
z.backward()
"""

CASES = [
    case(
        statement="z = y'^3 + y with y = x^2 is 68 at 2, and its derivative 100",
        program=DOUBLE.format(at=2.0, clear="x.cleargrad()") + "z, x.grad",
        expect=[68.0, 100.0],
        source="z = 8 x^3 + x^2 = 68, z' = 24 x^2 + 2 x = 100 at 2",
        spine="double backprop",
    ),
    case(
        statement="without cleargrad the first gradient is added to double backprop's",
        program=DOUBLE.format(at=2.0, clear="") + "z, x.grad",
        expect=[68.0, 104.0],
        source="2 x + 24 x^2 + 2 x = 104 at 2: gradients add up until they are cleared",
    ),
    case(
        statement="double backprop is right for each number of an array",
        program=DOUBLE.format(at=[-1.5, 0.0, 0.25], clear="x.cleargrad()") + "z, x.grad",
        expect=[
            [8 * x**3 + x**2 for x in (-1.5, 0.0, 0.25)],
            [24 * x**2 + 2 * x for x in (-1.5, 0.0, 0.25)],
        ],
        source="z = 8 x^3 + x^2, z' = 24 x^2 + 2 x",
        rel=1e-15,
    ),
    case(
        statement="a gradient taken without a graph is a constant in double backprop",
        program="""
            x = Variable(array(2.0))
            y = x ** 2
            y.backward()
            gx = x.grad if kind(x.grad) == "Variable" else Variable(x.grad)
            x.cleargrad()
            z = gx ** 3 + y
            z.backward()
            z, x.grad
        """,
        expect=[68.0, 4.0],
        source="only y = x^2 is left to differentiate: 2 x = 4",
        needs=(),
        chapter=31,
        level="book",
    ),
    case(
        statement="double backprop of a gradient that is used twice",
        program="""
            x = Variable(array(-0.75))
            y = x ** 4
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            z = gx * gx + gx * x + y / gx
            z.backward()
            x.grad
        """,
        expect=96 * (-0.75) ** 5 + 16 * (-0.75) ** 3 + 0.25,
        source="gx = 4 x^3: z = 16 x^6 + 4 x^4 + x / 4, z' = 96 x^5 + 16 x^3 + 1 / 4",
        rel=1e-14,
    ),
    case(
        statement="a third backward pass goes through the second",
        program="""
            x = Variable(array(0.5))
            y = x ** 3
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            z = gx ** 2 + y
            z.backward(create_graph=True)
            gz = x.grad
            x.cleargrad()
            w = gz ** 2
            w.backward()
            gz, x.grad
        """,
        expect=[5.25, 2 * 5.25 * 30.0],
        source="z = 9 x^4 + x^3; z' = 36 x^3 + 3 x^2 = 5.25, z'' = 108 x^2 + 6 x = 30 at 1/2",
        rel=1e-14,
    ),
]

# --- Hessians ---

ROSENBROCK = """\
x0, x1 = Variable(array(-1.2)), Variable(array(1.0))
y = 100 * (x1 - x0 ** 2) ** 2 + (1 - x0) ** 2
y.backward(create_graph=True)
g0, g1 = x0.grad, x1.grad
"""
CLEAR = "x0.cleargrad()\nx1.cleargrad()\n"
FORMULA = "g = (-400 x0 (x1 - x0^2) - 2 (1 - x0), 200 (x1 - x0^2)); H by its derivatives"

CASES += [
    case(
        statement="the recorded gradient of the Rosenbrock function is right",
        program=ROSENBROCK + "g0, g1",
        expect=[-215.6, -88.0],
        source=FORMULA,
        rel=1e-13,
    ),
    *[
        case(
            statement=f"row {i} of the Hessian of the Rosenbrock function is right",
            program=ROSENBROCK + CLEAR + f"g{i}.backward()\nx0.grad, x1.grad",
            expect=row,
            source=FORMULA,
            rel=1e-13,
        )
        for i, row in enumerate([[1330.0, 480.0], [480.0, 200.0]])
    ],
    *[
        case(
            statement=f"the Rosenbrock function's Hessian times {v} takes one pass",
            program=ROSENBROCK
            + CLEAR
            + f"z = {v[0]} * g0 + {v[1]} * g1\nz.backward()\nx0.grad, x1.grad",
            expect=product,
            source="H = ((1330, 480), (480, 200)) at (-1.2, 1)",
            rel=1e-13,
        )
        for v, product in [((1, 2), [2290.0, 880.0]), ((3, -1), [3510.0, 1240.0])]
    ],
    case(
        statement="the Hessian of a sum of squares times (4, 5) is (8, 10)",
        program="""
            from dezero.functions import sum

            x = Variable(array([1.0, 2.0]))
            v = array([4.0, 5.0])
            y = sum(x ** 2)
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            z = sum(gx * v)
            z.backward()
            gx, x.grad
        """,
        expect=[[2.0, 4.0], [8.0, 10.0]],
        source="H = 2 I",
        needs=SUM,
    ),
]

A = np.round(RNG.uniform(-1.0, 1.0, (4, 3)), 2)
P, U, V = np.round(RNG.uniform(-1.5, 1.5, (3, 3)), 2)
PRODUCT = f"""\
from dezero.functions import tanh, matmul, sum

A = array({A.tolist()})


def gradient(p, create_graph=False):
    x = Variable(array(p))
    sum(tanh(matmul(A, x)) * array([1.0, -2.0, 0.5, 3.0])).backward(create_graph=create_graph)
    return x, x.grad


def hessian_times(v, p={P.tolist()}):
    x, gx = gradient(p, create_graph=True)
    x.cleargrad()
    sum(gx * array(v)).backward()
    return x.grad.data


u, v = {U.tolist()}, {V.tolist()}
"""
T = exact.tanh(A @ P)
H = A.T @ np.diag(np.array([1.0, -2.0, 0.5, 3.0]) * -2 * T * (1 - T**2)) @ A

vector = partial(case, group="H", needs=("functions", "tanh", "array_functions", "create_graph"))
CASES += [
    vector(
        statement="the Hessian of a layer of tanh times a vector is right",
        program=PRODUCT + "hessian_times(u), hessian_times(v)",
        expect=[(H @ U).tolist(), (H @ V).tolist()],
        source="f = c . tanh(A x): H = A^T diag(c tanh'') A in closed form",
        rel=1e-11,
        abs=1e-13,
    ),
    vector(
        statement="a Hessian is symmetric: u.Hv = v.Hu",
        program=PRODUCT
        + "values(sum(hessian_times(v) * array(u))) - values(sum(hessian_times(u) * array(v)))",
        expect=0.0,
        source="second derivatives are equal in both orders",
        abs=1e-12,
    ),
    vector(
        statement="a Hessian is linear: H(2u - 3v) = 2 Hu - 3 Hv",
        program=PRODUCT
        + """\
w = [2.0 * a - 3.0 * b for a, b in zip(u, v)]
hessian_times(w) - (2.0 * hessian_times(u) - 3.0 * hessian_times(v))
""",
        expect=[0.0, 0.0, 0.0],
        source="z = w . g is linear in w",
        abs=1e-12,
    ),
    vector(
        statement="a Hessian times v is the slope of the gradient along v",
        program=PRODUCT
        + f"""\
p, h = {P.tolist()}, 1e-5
_, ahead = gradient([a + h * b for a, b in zip(p, v)])
_, behind = gradient([a - h * b for a, b in zip(p, v)])
hessian_times(v) - (ahead.data - behind.data) / (2 * h)
""",
        expect=[0.0, 0.0, 0.0],
        source="central difference of the exact gradient",
        abs=1e-7,
    ),
]

# --- a penalty on the norm of a gradient ---

CRITIC = """\
from dezero.functions import tanh

x0, x1 = Variable(array(0.3)), Variable(array(0.7))
w0, w1, b = Variable(array(0.5)), Variable(array(-1.5)), Variable(array(0.1))
D = tanh(w0 * x0 + w1 * x1 + b)
D.backward(create_graph=True)
g0, g1 = x0.grad, x1.grad
for leaf in (x0, x1, w0, w1, b):
    leaf.cleargrad()
n = (g0 ** 2 + g1 ** 2) ** 0.5
L = 10 * (n - 1) ** 2
"""
penalty = partial(
    case,
    group="I",
    needs=("functions", "tanh", "create_graph"),
    source="D = tanh(w.x + b), L = 10 (|grad_x D| - 1)^2, symbolically with 40 digits",
    rel=1e-12,
)
CASES += [
    penalty(
        statement="the norm of a critic's gradient and its penalty are right",
        program=CRITIC + "n, L",
        expect=[0.88394383386068065, 0.13469033698957292],
    ),
    penalty(
        statement="a gradient penalty is differentiable by the weights",
        program=CRITIC + "L.backward()\nw0.grad, w1.grad, b.grad",
        expect=[-1.2278080669223053, -0.67635999742432185, -2.7248651238695234],
    ),
    penalty(
        statement="a gradient penalty is differentiable by the point it is taken at",
        program=CRITIC + "L.backward()\nx0.grad, x1.grad",
        expect=[-1.3624325619347617, 4.0872976858042849],
    ),
    penalty(
        statement="a critic's loss with its penalty is differentiable by the weights",
        program=CRITIC + "(-D + L).backward()\nw0.grad, w1.grad, b.grad",
        expect=[-1.3955246172419784, -1.0676986148368928, -3.2839202916017673],
    ),
    case(
        statement="the derivative of a norm at zero is nan",
        program="""
            x0, x1 = Variable(array(0.0)), Variable(array(0.0))
            n = (x0 ** 2 + x1 ** 2) ** 0.5
            n.backward()
            n, x0.grad, x1.grad
        """,
        expect=[0.0, math.nan, math.nan],
        source="contract: it is nan and said to be: 1 / (2 * 0) * 0",
        group="I",
        needs=(),
        chapter=31,
        warns=True,
    ),
    case(
        statement="the square of a norm has the derivative zero at zero",
        program="""
            x0, x1 = Variable(array(0.0)), Variable(array(0.0))
            (x0 ** 2 + x1 ** 2).backward()
            x0.grad, x1.grad
        """,
        expect=[0.0, 0.0],
        source="2 x: what to penalise instead",
        group="I",
        needs=(),
        chapter=31,
    ),
]

# --- Newton's method for vectors ---

NEWTON = """\
def step(p):
    xs = [Variable(array(v)) for v in p]
    y = 100 * (xs[1] - xs[0] ** 2) ** 2 + (1 - xs[0]) ** 2
    y.backward(create_graph=True)
    gs = [x.grad for x in xs]
    rows = []
    for g in gs:
        for x in xs:
            x.cleargrad()
        g.backward()
        rows.append([values(x.grad) for x in xs])
    (a, b), (c, d) = rows
    g0, g1 = map(values, gs)
    det = a * d - b * c
    return p[0] - (d * g0 - b * g1) / det, p[1] - (a * g1 - c * g0) / det

p = (-1.2, 1.0)
"""
CASES += [
    case(
        statement="Newton for vectors: the first step from (-1.2, 1)",
        program=NEWTON + "step(p)",
        expect=[-1.1752808988764045, 1.3806741573033706],
        source="p - H^-1 g for the Rosenbrock function",
        rel=1e-12,
        group="J",
    ),
    case(
        statement="Newton for vectors finds (1, 1) within seven steps",
        program=NEWTON + "for _ in range(7):\n    p = step(p)\np",
        expect=[1.0, 1.0],
        source="the minimum of the Rosenbrock function",
        rel=1e-12,
        group="J",
    ),
]
