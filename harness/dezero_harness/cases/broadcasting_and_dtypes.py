"""Operands of different shapes, and which dtype numbers and gradients have."""

import math
from functools import partial

import numpy as np

from ..model.case import Case, Raises
from .first_order import FORMS, OPERATIONS, draw

# --- broadcasting ---

case = partial(Case, chapter=36, group="K", needs=("broadcast",), level="core")
CASES = []


def summed(values, shape):
    """`values` summed back to a shape that broadcasts to theirs, as a nested list."""
    values = np.asarray(values)
    lead = values.ndim - len(shape)
    values = values.sum(axis=tuple(range(lead)))
    axes = tuple(i for i, n in enumerate(shape) if n == 1)
    return values.sum(axis=axes, keepdims=True).tolist()


ONE_TO_THREE = np.array([1.0, 2.0, 3.0])
for op in OPERATIONS:
    for left, code, (_, fa, fb, *_) in [
        ("left", f"s {op.sign} x", op.closed_form(2.0, ONE_TO_THREE)),
        ("right", f"x {op.sign} s", op.closed_form(ONE_TO_THREE, 2.0)),
    ]:
        slope = fa if left == "left" else fb
        CASES.append(
            case(
                statement=f"a 0-d Variable on the {left} of {op.words} has a 0-d gradient",
                program=f"""
                    s, x = Variable(array(2.0)), Variable(array([1.0, 2.0, 3.0]))
                    y = {code}
                    y.backward()
                    s.grad.shape, s.grad
                """,
                expect=[[], float(slope.sum())],
                source="the number is used three times, so its three gradients add up",
                rel=1e-14,
            )
        )

PAIRS = [
    ("3 by 1 and 1 by 4", (3, 1), (1, 4)),
    ("nothing and 2 by 3", (), (2, 3)),
    ("3 and 2 by 3", (3,), (2, 3)),
    ("2 by 3 and 2 by 1", (2, 3), (2, 1)),
    ("1 and 2 by 1 by 2", (1,), (2, 1, 2)),
]
for op in OPERATIONS:
    for words, shape0, shape1 in PAIRS:
        shape = np.broadcast_shapes(shape0, shape1)
        a, b, s = draw(shape0), draw(shape1), draw(shape)
        u, v = draw(shape0), draw(shape1)
        _, fa, fb, faa, fab, fbb = op.closed_form(a, b)
        s_, u_, v_ = map(np.array, (s, u, v))
        CASES += [
            case(
                statement=f"shapes {words}, {op.words}: gradients in their operands' shapes",
                program=f"""
                    x0 = Variable(array({a}))
                    x1 = Variable(array({b}))
                    s = array({s})
                    y = (x0 {op.sign} x1) * s
                    y.backward()
                    x0.grad, x1.grad
                """,
                expect=[summed(s_ * fa, shape0), summed(s_ * fb, shape1)],
                source="the closed form, summed where the operand was repeated",
                rel=1e-13,
                abs=1e-14,
            ),
            case(
                statement=f"shapes {words}, {op.words}: second derivatives in their shapes",
                program=f"""
                    x0 = Variable(array({a}))
                    x1 = Variable(array({b}))
                    seed = {s}
                    s = Variable(array(seed))
                    y = x0 {op.sign} x1
                    y.grad = s
                    y.backward(create_graph=True)
                    z0 = x0.grad * array({u})
                    z1 = x1.grad * array({v})
                    for x in (x0, x1, s):
                        x.cleargrad()
                    z0.backward()
                    z1.backward()
                    [x * 0.0 if x.grad is None else x.grad for x in (x0, x1, s)]
                """,
                expect=[
                    summed(s_ * (u_ * faa + v_ * fab), shape0),
                    summed(s_ * (u_ * fab + v_ * fbb), shape1),
                    (u_ * fa + v_ * fb).tolist(),
                ],
                source="sum(u gx0) + sum(v gx1) in closed form, summed to each shape; None is zero",
                rel=1e-12,
                abs=1e-14,
                needs=("create_graph", "broadcast"),
                without={"create_graph": Raises("TypeError", "grad of .* is None or an array")},
            ),
        ]

CASES += [
    case(
        statement="an error of broadcasting names both shapes and a way out",
        program="""
            s, x = Variable(array([[2.0], [3.0]])), Variable(array([1.0, 2.0, 3.0]))
            y = s * x
            y.backward()
            s.grad
        """,
        expect=[[6.0], [6.0]],
        source="contract: until step36 an error at backward() that names both shapes and step36",
        without={"broadcast": Raises("ValueError", r"\(2, 1\).*\(3,\).*step36")},
    ),
    case(
        statement="forward broadcasts from the start",
        program="""
            s, x = Variable(array(2.0)), Variable(array([1.0, 2.0, 3.0]))
            s * x
        """,
        expect=[2.0, 4.0, 6.0],
        source="contract: broadcasting is an error at backward(), not before",
        needs=(),
        chapter=31,
    ),
    case(
        statement="a constant of fewer axes needs no broadcasting of gradients",
        program="""
            x = Variable(array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
            y = x * array([2.0, -1.0, 0.5]) * array(3.0) - array(1.0) + array([[1.0], [2.0]])
            y.backward()
            x.grad
        """,
        expect=[[6.0, -3.0, 1.5]] * 2,
        source="contract: a constant gets no gradient; x has the shape of y",
        needs=(),
        chapter=31,
    ),
    case(
        statement="broadcasting through a chain sums once",
        program="""
            s = Variable(array(0.5))
            x = Variable(array([1.0, 2.0, 3.0]))
            y = (s * x - s) * (s + x)
            y.backward()
            s.grad, x.grad
        """,
        expect=[
            sum((v - 1) * (2 * 0.5 + v) for v in (1.0, 2.0, 3.0)),
            [0.5 * (0.5 + v) + 0.5 * v - 0.5 for v in (1.0, 2.0, 3.0)],
        ],
        source="y = (s x - s)(s + x): y_s = (x - 1)(2 s + x), y_x = s (s + x) + s x - s",
        rel=1e-14,
    ),
]

# --- dtypes ---

case = partial(
    Case, chapter=31, group="L", source="contract: a gradient has its leaf's dtype", level="dtype"
)
for form in FORMS:
    typed = partial(
        case,
        needs=form.needs,
        chapter=form.chapter,
        source="contract: a Python scalar takes the Variable's dtype; a gradient its leaf's",
    )
    CASES += [
        typed(
            statement=f"float32 stays float32 in {form.words} and its slope",
            program=f"""
                {form.imports}
                dtypes = []
                for data in (0.75, [0.75, 1.5, 0.25]):
                    x = Variable(array(data, "float32"))
                    y = {form.code}
                    y.backward()
                    dtypes += [dtype_name(y), dtype_name(x.grad)]
                dtypes
            """,
            expect=["float32"] * 4,
        ),
        typed(
            statement=f"float32 stays float32 at the second order of {form.words}",
            program=f"""
                {form.imports}
                dtypes = []
                for data in (0.75, [0.75, 1.5, 0.25]):
                    x = Variable(array(data, "float32"))
                    y = {form.code}
                    y.backward(create_graph=True)
                    z = x.grad * x
                    x.cleargrad()
                    z.backward()
                    dtypes += [dtype_name(z), dtype_name(x.grad)]
                dtypes
            """,
            expect=["float32"] * 4,
            needs=(*form.needs, "create_graph"),
            chapter=max(form.chapter, 32),
        ),
    ]

MIXED = """\
x, w = Variable(array([1.0, 2.0], "float32")), Variable(array([3.0, 4.0], "float64"))
y = x * w + x
"""
CASES += [
    case(
        statement="float32 times float64 is float64",
        program=MIXED + "dtype_name(y)",
        expect="float64",
        source="contract: arrays are strong in dtype promotion",
        needs=("float64",),
    ),
    case(
        statement="a float32 leaf of a float64 graph has a float32 gradient",
        program=MIXED + "y.backward()\ndtype_name(x.grad), dtype_name(w.grad), x.grad, w.grad",
        expect=["float32", "float64", [4.0, 5.0], [1.0, 2.0]],
        needs=("float64",),
    ),
    case(
        statement="a float32 leaf of a float64 graph keeps float32 in the second pass",
        program=MIXED.replace("x * w", "x * x * w")
        + """\
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
gx.backward()
dtype_name(gx), dtype_name(x.grad), x.grad
""",
        expect=["float32", "float32", [6.0, 8.0]],
        needs=("float64", "create_graph"),
        chapter=32,
    ),
    case(
        statement="gradients of two passes of different dtype add up in the leaf's",
        program=MIXED + "y.backward()\n(x * 2.0).backward()\ndtype_name(x.grad), x.grad",
        expect=["float32", [6.0, 7.0]],
        needs=("float64",),
    ),
    *[
        case(
            statement=f"the gradient of a {shape} root is seeded in float32",
            program=f"""
                seeds = []

                class Twice(dezero.Function):
                    def forward(self, x):
                        return x + x

                    def backward(self, gy):
                        seeds.append(dtype_name(gy))
                        return gy + gy

                Twice()(Variable(array({values}, "float32"))).backward()
                seeds
            """,
            expect=["float32"],
            source="contract: the seed takes the root's dtype",
        )
        for shape, values in [("float32", [1.0, 2.0]), ("0-d float32", 1.0)]
    ],
    case(
        statement="a gradient has the array module of its leaf",
        program="""
            x = Variable(array([1.0, 2.0]))
            y = host([3.0, 4.0]) * x + 1.0
            y.backward()
            kind(raw(x.grad))
        """,
        expect="array",
        source="contract: a raw operand takes the Variable's array module",
        level="book",
    ),
    *[
        case(
            statement=f"backward of {words} data is a TypeError that says so",
            program=f"x = Variable(array([1, 2], '{dtype}'))\n{code}.backward()",
            expect=Raises("TypeError", rf"floating.*{dtype}"),
            source="contract: differentiating integer, boolean or complex data is a TypeError",
        )
        for words, dtype, code in [
            ("integer", "int64", "(x ** 2)"),
            ("boolean", "bool", "x"),
            ("complex", "complex64", "(x * x)"),
        ]
    ],
    case(
        statement="integer data computes as long as nothing is differentiated",
        program="x = Variable(array([3, 4], 'int64'))\ny = x * x + 1\ny, dtype_name(y)",
        expect=[[10, 17], "int64"],
        source="contract: it is a TypeError at backward(), not before",
    ),
    *[
        case(
            statement=f"{words} pass through without an error",
            program=program,
            expect=expect,
            source="IEEE 754: the engine neither hides nor makes a nan",
            warns=True,
            level="core",
        )
        for words, program, expect in [
            (
                "nan in the data",
                "x = Variable(array(math.nan))\ny = x * 2\ny.backward()\ny, x.grad",
                [math.nan, 2.0],
            ),
            (
                "infinities",
                "x = Variable(array(math.inf))\ny = 1 / x\ny.backward()\ny, x.grad",
                [0.0, 0.0],
            ),
        ]
    ],
    case(
        statement="one nan stays in its place",
        program="x = Variable(array([1.0, math.nan, 3.0]))\n(x * x).backward()\nx.grad",
        expect=[2.0, math.nan, 6.0],
        source="IEEE 754; 2 x element by element",
        level="core",
    ),
    case(
        statement="sin times cos of float32 is float32 at the second order, and right",
        program="""
            from dezero.functions import cos, sin

            x = Variable(array(2.0, "float32"))
            y = sin(x) * cos(x)
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.grad if dtype_name(x.grad) == "float32" else dtype_name(x.grad)
        """,
        expect=-2 * math.sin(4.0),
        source="(sin x cos x)'' = -2 sin 2x",
        rel=1e-5,
        needs=("functions", "create_graph"),
        chapter=34,
    ),
]

# --- shapes and memory layouts of data ---

case = partial(Case, chapter=31, group="L", level="core")
CASES += [
    case(
        statement="empty data keeps its shape in the gradient",
        program="""
            x = Variable(array([[], []]))
            y = 2.0 * x * x
            y.backward()
            y.shape, x.grad.shape
        """,
        expect=[[2, 0], [2, 0]],
        source="no numbers, no derivatives, no error",
    ),
    case(
        statement="transposed data is differentiated where it stands",
        program="""
            x = Variable(array([[0.5, -1.0], [2.0, 3.0], [1.5, 0.25]]).T)
            y = x * x * x
            y.backward()
            x.grad
        """,
        expect=[[0.75, 12.0, 6.75], [3.0, 27.0, 0.1875]],
        source="3 x^2 element by element, whatever the order in memory",
    ),
    case(
        statement="every second number of an array is differentiated where it stands",
        program="""
            x = Variable(array([0.5, 9.0, -1.0, 9.0, 2.0])[::2])
            y = x * x
            y.backward()
            x.grad
        """,
        expect=[1.0, -2.0, 4.0],
        source="2 x element by element",
    ),
    case(
        statement="the second derivative of transposed data is right",
        program="""
            from dezero.functions import sin

            x = Variable(array([[0.5, -1.0], [2.0, 3.0]]).T)
            y = x * sin(x)
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.grad
        """,
        expect=[
            [2 * math.cos(a) - a * math.sin(a) for a in row] for row in ((0.5, 2.0), (-1.0, 3.0))
        ],
        source="(x sin x)'' = 2 cos x - x sin x",
        rel=1e-14,
        needs=("functions", "create_graph"),
        chapter=34,
    ),
]
