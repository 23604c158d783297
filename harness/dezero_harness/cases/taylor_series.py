"""Arrays of Taylor series as the data of Variables: all orders from one pass.

The engine asks the array what to compute with, so an array type that it has never heard of has to
work in it as NumPy's does, forward and backward. The coefficients live in arrays of the kind that
is tested. A series stands to the left of an array here: one of array-api-strict, on the left of an
array that it does not know, raises TypeError and never asks the right operand (NumPy's does, and
shared/tests/test_series.py tries it).
"""

import math

from ..model.case import Case, Raises

#: A gradient is an array in step31 and a Variable after it.
GRADIENT = """
def gradient(x):
    g = x.grad.data if isinstance(x.grad, Variable) else x.grad
    return g.derivatives()
"""

S1, C1 = math.sin(1), math.cos(1)


def case(statement, program, expect, source, *, group="F", chapter=31, imports="line", **others):
    program = f"from dezero_shared.series import {imports}\n{program.strip()}"
    needs = ("series", *others.pop("needs", ()))
    return Case(
        statement=statement,
        program=program,
        expect=expect,
        source=source,
        chapter=chapter,
        group=group,
        needs=needs,
        level="dezero",
        **others,
    )


def forward(statement, f, x, n, expect, source, **others):
    """A case in which one forward pass computes the derivatives of f at x to the order n."""
    program = f"derivatives(lambda x: {f}, Variable(array({x!r})), {n})"
    if "needs" in others:
        name = f.partition("(")[0]
        program = f"from dezero.functions import {name}\n{program}"
    return case(statement, program, expect, source, imports="derivatives", **others)


def backward(statement, program, expect, source, **others):
    return case(statement, GRADIENT.strip() + "\n" + program.strip(), expect, source, **others)


CASES = [
    forward(
        "one forward pass over series takes x^4 - 2x^2 to order 5",
        "x ** 4 - 2 * x ** 2",
        2.0,
        5,
        [8.0, 24.0, 44.0, 48.0, 24.0, 0.0],
        "calculus: 4x^3 - 4x, 12x^2 - 4, 24x, 24",
    ),
    forward(
        "one forward pass over series takes 1 / (1 + x^2) to order 7",
        "1 / (1 + x ** 2)",
        0.5,
        7,
        # (-1)^n n! Im(z^(n+1)), z = 1 / (x - i), in exact fractions
        [0.8, -0.64, -0.256, 3.6864, -9.33888, -21.62688, 327.942144, -1109.8128384],
        "partial fractions: 1 / (1 + x^2) = Im(1 / (x - i))",
        rel=1e-13,
    ),
    forward(
        "over series, x cubed at 0 has one derivative that is not zero",
        "x ** 3",
        0.0,
        5,
        [0.0, 0.0, 0.0, 6.0, 0.0, 0.0],
        "calculus: (x^3)''' = 6",
    ),
    forward(
        "over series, the square root of a vector has 4 derivatives",
        "x ** 0.5",
        [4.0, 1.0],
        4,
        [
            [2.0, 1.0],
            [0.25, 0.5],
            [-0.03125, -0.25],
            [0.01171875, 0.375],
            [-0.00732421875, -0.9375],
        ],
        "calculus: (1/2) (-1/2) (-3/2) (-5/2) x^(-7/2)",
        rel=1e-15,
    ),
    forward(
        "over series, the derivatives of sin go round in fours to order 12",
        "sin(x)",
        1.0,
        12,
        ([S1, C1, -S1, -C1] * 4)[:13],
        "calculus: sin' = cos, cos' = -sin",
        chapter=34,
        needs=("functions",),
        rel=1e-14,
    ),
    forward(
        "over series, tanh at 0 has the tangent numbers",
        "tanh(x)",
        0.0,
        9,
        [0.0, 1.0, 0.0, -2.0, 0.0, 16.0, 0.0, -272.0, 0.0, 7936.0],
        "the tangent numbers 1, 2, 16, 272, 7936 (OEIS A000182), with alternating signs",
        chapter=35,
        needs=("functions", "tanh"),
        rel=1e-15,
    ),
    forward(
        "one forward pass over series takes tanh at 1 to order 9",
        "tanh(x)",
        1.0,
        9,
        [
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
        "computed symbolically with 40 digits",
        chapter=35,
        needs=("functions", "tanh"),
        rel=1e-12,
    ),
    case(
        "data of integers has no series",
        "derivatives(lambda x: x ** 2, Variable(array(2, 'int64')), 3)",
        Raises("TypeError", "derivatives need real floating-point numbers, not .*int64"),
        "only differentiable data has derivatives",
        group="A",
        imports="derivatives",
    ),
    backward(
        "a backward pass over a series gives the derivatives of the gradient",
        """
x = Variable(line(array(2.0), 4))
y = x ** 4 - 2 * x ** 2
y.backward()
gradient(x)
""",
        [24.0, 44.0, 48.0, 24.0, 0.0],
        "calculus: 4x^3 - 4x and its derivatives 12x^2 - 4, 24x, 24",
        group="C",
    ),
    backward(
        "a weight gets the gradients of the Taylor coefficients",
        """
w = Variable(array(3.0))
x = Variable(line(array(2.0), 4))
y = x ** 3 * w ** 2
y.backward()
gradient(w)
""",
        [48.0, 72.0, 72.0, 36.0, 0.0],
        "calculus: d/dw of w^2 x^3, 3 w^2 x^2, 6 w^2 x, 6 w^2",
        group="C",
    ),
    backward(
        "a seed of t gives the gradients of the coefficients one order up",
        """
x = Variable(line(array(2.0), 3))
y = x ** 3
seed = line(array(0.0), 3)
y.grad = Variable(seed) if hasattr(dezero, "Parameter") else seed
y.backward()
gradient(x)
""",
        [0.0, 12.0, 24.0, 18.0],
        "calculus: t 3 (2 + t)^2 = 12 t + 12 t^2 + 3 t^3, times the factorials",
        group="C",
    ),
    backward(
        "over series, an output that nothing uses contributes nothing",
        """
class Both(dezero.Function):
    def forward(self, x):
        return x * 2.0, x * 3.0
    def backward(self, gy0, gy1):
        return gy0 * 2.0 + gy1 * 3.0

x = Variable(line(array(3.0), 2))
y, unused = Both()(x)
z = y * y
z.backward()
gradient(x)
""",
        [24.0, 8.0, 0.0],
        "calculus: (4x^2)' = 8x",
        group="A",
    ),
    backward(
        "over series, float32 stays float32 forward and backward",
        """
x = Variable(line(array(2.0, "float32"), 3))
y = 1.5 * x ** 3 / (x + 1)
y.backward()
[dtype_name(y.data.derivatives()), dtype_name(gradient(x))]
""",
        ["float32", "float32"],
        "a Python number takes the dtype of the array it meets",
        group="L",
    ),
    backward(
        "over series, a raw array and a Variable of one are constants",
        """
x = Variable(line(array([2.0, 3.0]), 2))
y = x * host([1.0, 10.0]) + x * Variable(array([5.0, 7.0]))
y.backward()
gradient(x)
""",
        [[6.0, 17.0], [0.0, 0.0], [0.0, 0.0]],
        "calculus: (a + b) x has the derivative a + b",
        group="L",
    ),
    backward(
        "one backward pass along a line gives a Hessian-vector product",
        """
x = Variable(line(array(-1.2), 1, 1.0))
y = Variable(line(array(1.0), 1, 2.0))
f = 100.0 * (y - x ** 2) ** 2 + (x - 1.0) ** 2
f.backward()
[gradient(x), gradient(y)]
""",
        [[-215.6, 2290.0], [-88.0, 880.0]],
        "Rosenbrock's Hessian [[1330, 480], [480, 200]] times (1, 2)",
        group="H",
        rel=1e-14,
    ),
    backward(
        "over series, double backprop of z = gx^3 + y has derivatives too",
        """
x = Variable(line(array(2.0), 3))
y = x ** 2
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
z = gx ** 3 + y
z.backward()
gradient(x)
""",
        [100.0, 98.0, 48.0, 0.0],
        "calculus: (8x^3 + x^2)' = 24x^2 + 2x, then 48x + 2, 48",
        group="G",
        chapter=36,
        needs=("create_graph",),
    ),
    backward(
        "two backward passes over a series of tanh give its second derivative",
        """
from dezero.functions import tanh
x = Variable(line(array(1.0), 3))
tanh(x).backward(create_graph=True)
gx = x.grad
x.cleargrad()
gx.backward()
gradient(x)
""",
        [-0.63970000844922448, 0.62162668077129624, 0.66509104475050163, -5.5568935584737202],
        "tanh'' to tanh^(5) at 1, computed symbolically with 40 digits",
        group="F",
        chapter=35,
        needs=("functions", "tanh"),
        rel=1e-12,
    ),
    backward(
        "the array functions work on series, forward and backward",
        """
from dezero.functions import broadcast_to, exp, log, matmul, reshape, sum, transpose
x = Variable(line(array([1.0, 2.0]), 3))
a = broadcast_to(reshape(log(exp(x)), (1, 2)), (3, 2))
y = sum(matmul(a, transpose(a)), axis=0)
sum(y).backward()
[values(y.data.derivatives()), values(gradient(x))]
""",
        [
            [[15.0] * 3, [18.0] * 3, [12.0] * 3, [0.0] * 3],
            [[18.0, 36.0], [18.0, 18.0], [0.0, 0.0], [0.0, 0.0]],
        ],
        "calculus: 3 ((1 + t)^2 + (2 + t)^2) three times; their sum's gradient is 18 x",
        group="K",
        chapter=36,
        needs=("functions", "array_functions"),
        rel=1e-14,
        abs=1e-13,
    ),
    backward(
        "a broadcast weight gets gradients of Taylor coefficients, summed",
        """
w = Variable(array(2.0))
x = Variable(line(array([1.0, 2.0, 3.0]), 3))
y = x ** 2 * w
y.backward()
gradient(w)
""",
        [14.0, 12.0, 6.0, 0.0],
        "calculus: the sums of x^2, 2x and 2 over 1, 2, 3",
        group="K",
        chapter=36,
        needs=("broadcast",),
    ),
    *[
        forward(
            f"over series, {name} of the constant x^0 has derivatives of zero",
            f"{name}(x ** 0) + x",
            0.75,
            3,
            [getattr(math, name)(1.0) + 0.75, 1.0, 0.0, 0.0],
            f"calculus: {name}(1) + x",
            chapter=chapter,
            needs=needs,
            rel=1e-15,
        )
        for name, chapter, needs in [
            ("sin", 34, ("functions",)),
            ("cos", 34, ("functions",)),
            ("tanh", 35, ("functions", "tanh")),
            ("exp", 36, ("functions", "array_functions")),
            ("log", 36, ("functions", "array_functions")),
        ]
    ],
    case(
        "over series, what does not depend on x may be a number",
        "c = Variable(array(2.0))\n"
        "[derivatives(f, Variable(array(0.5)), 2)"
        " for f in (lambda x: 3.0, lambda x: c * 2.0, lambda x: c.data * 2.0)]",
        [[3.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 0.0]],
        "a constant has derivatives of zero",
        imports="derivatives",
    ),
]
