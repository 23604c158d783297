"""A function of an array that differentiates with Variables inside, and gives an array back.

`compiled` hands such a function to the compiler of the array library, where it has one (JAX): the
engine then runs on tracers, once, and what is left of it are the operations on arrays. On all other
arrays the function is called as it is.
"""

from functools import partial

import numpy as np

from ..model.case import Case
from .first_order import FORMS, added
from .nth_derivatives import sin_cycle

RNG = np.random.default_rng(3605)
case = partial(Case, chapter=31, group="compiled", rel=1e-13, abs=1e-14, level="core")
graph = partial(case, chapter=32, needs=("create_graph",))

SLOPE = """\
def slope(data):
    x = Variable(data)
    y = {code}
    y.backward()
    return raw(x.grad)

"""
DERIVATIVE = """\
def derivative(data):
    x = Variable(data)
    y = {code}
    for _ in range({order}):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
    return y.data

"""
CASES = []
for form in FORMS:
    slope = np.round(RNG.uniform(0.5, 2.0, (2, 3)), 3)
    xs = slope * RNG.choice([-1.0, 1.0], (2, 3)) if form.signed else slope
    CASES += [
        case(
            statement=f"compiled, the slope of {form.words} is right",
            program=f"{form.imports}\n\n"
            + SLOPE.format(code=form.code)
            + f"compiled(slope)(array({xs.tolist()}))",
            expect=form.closed_form(1, xs).tolist(),
            source="f' in closed form",
            needs=form.needs,
            chapter=form.chapter,
        ),
        case(
            statement=f"compiled, the curvature of {form.words} times x is right",
            program=f"{form.imports}\n\n"
            + DERIVATIVE.format(code=f"({form.code}) * x", order=2)
            + f"compiled(derivative)(array({xs.tolist()}))",
            expect=added(2 * form.closed_form(1, xs), xs * form.closed_form(2, xs)).tolist(),
            source="(x f)'' = 2 f' + x f''",
            needs=(*form.needs, "create_graph"),
            chapter=max(32, form.chapter),
        ),
    ]

POINTS = np.round(RNG.uniform(-3.0, 3.0, 5), 3)
CASES += [
    *[
        graph(
            statement=f"compiled, derivative {n} of sin is {name}",
            program="from dezero.functions import sin\n\n"
            + DERIVATIVE.format(code="sin(x)", order=n)
            + f"compiled(derivative)(array({POINTS.tolist()}))",
            expect=sin_cycle(POINTS)[n % 4].tolist(),
            source="sin, cos, -sin, -cos, and so on",
            needs=("functions", "create_graph"),
            chapter=34,
        )
        for n, name in [(1, "cos"), (2, "minus sin"), (3, "minus cos"), (4, "sin")]
    ],
    graph(
        statement="compiled once, a derivative is right at every number it is given",
        program=DERIVATIVE.format(code="x ** 4 - 2 * x ** 2", order=2)
        + "f = compiled(derivative)\n"
        + "[f(array(2.0)), f(array(1.0)), f(array(0.0)), f(array([2.0, -1.0]))]",
        expect=[44.0, 8.0, -4.0, [44.0, 8.0]],
        source="12 x^2 - 4; a number that is traced is no constant of the program",
        rel=0.0,
        abs=0.0,
    ),
    graph(
        statement="ten compiled Newton steps on x^4 - 2 x^2 lead from 2 to 1",
        program="""
            def newton(data):
                x = Variable(data)
                for _ in range(10):
                    y = x ** 4 - 2 * x ** 2
                    x.cleargrad()
                    y.backward(create_graph=True)
                    gx = x.grad
                    x.cleargrad()
                    gx.backward()
                    x.data = x.data - gx.data / x.grad.data
                return x.data

            compiled(newton)(array(2.0))
        """,
        expect=1.0,
        source="calculus: 1 is the minimum",
    ),
    graph(
        statement="compiled double backprop: z = (y')^3 + y has the slope 100",
        program="""
            def slope(data):
                x = Variable(data)
                y = x ** 2
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                z = gx ** 3 + y
                z.backward()
                return x.grad.data

            compiled(slope)(array(2.0))
        """,
        expect=100.0,
        source="z = 8 x^3 + x^2, z' = 24 x^2 + 2 x",
        chapter=36,
        rel=0.0,
        abs=0.0,
    ),
    graph(
        statement="a compiled Hessian-vector product of Rosenbrock's function",
        program="""
            from dezero.functions import sum

            e0, e1 = array([1.0, 0.0]), array([0.0, 1.0])

            def product(data, v):
                x = Variable(data)
                x0, x1 = sum(x * e0), sum(x * e1)
                y = 100 * (x1 - x0 ** 2) ** 2 + (1 - x0) ** 2
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                sum(gx * v).backward()
                return x.grad.data

            compiled(product)(array([-1.2, 1.0]), array([1.0, 2.0]))
        """,
        expect=[2290.0, 880.0],
        source="H = [[1330, 480], [480, 200]] at (-1.2, 1)",
        needs=("functions", "array_functions", "create_graph"),
        chapter=36,
    ),
    graph(
        statement="a compiled layer of tanh has the gradients of its formula",
        program="""
            from dezero.functions import tanh, matmul, sum

            def gradients(data, weight, bias):
                w, b = Variable(weight), Variable(bias)
                sum(tanh(matmul(data, w) + b)).backward()
                return w.grad.data, b.grad.data

            compiled(gradients)(
                array([[1.0, 2.0], [0.5, -1.0]]), array([[0.0], [0.0]]), array([0.0])
            )
        """,
        expect=[[[1.5], [1.0]], [2.0]],
        source="at w = 0, b = 0 the slope of tanh is 1: the sums of the columns, and 2",
        needs=("functions", "tanh", "array_functions"),
        chapter=36,
        rel=0.0,
        abs=0.0,
    ),
    case(
        statement="compiled, a float32 function has a float32 derivative",
        program="""
            def slope(data):
                x = Variable(data)
                y = 0.1 * x ** 3 / 7.0 - 2 * x
                y.backward()
                return raw(x.grad)

            dtype_name(compiled(slope)(array([1.0, 2.0], dtype="float32")))
        """,
        expect="float32",
        source="contract: Python scalars are weak, and a gradient has its leaf's dtype",
        level="dtype",
    ),
    case(
        statement="compiled, the modes are after a backward what they were before",
        program="""
            modes = []

            def slope(data):
                x = Variable(data)
                with dezero.no_grad():
                    (x * x).backward()
                    modes.append(dezero.Config.enable_backprop)
                y = x * x
                y.backward()
                modes.append(dezero.Config.enable_backprop)
                return raw(x.grad)

            compiled(slope)(array(3.0)), modes
        """,
        expect=[6.0, [False, True]],
        source="contract: modes are scoped; 2 x at 3",
        rel=0.0,
        abs=0.0,
        level="dezero",
    ),
    case(
        statement="compiled, integer data is refused with its dtype, as it is otherwise",
        program="""
            def slope(data):
                x = Variable(data)
                (x * x).backward()
                return x.grad

            try:
                said = compiled(slope)(array([1, 2], dtype="int64"))
            except TypeError as error:
                said = str(error)
            "only real floating-point data has a derivative" in said, "int64" in said
        """,
        expect=[True, True],
        source="contract: integer data is a TypeError at backward(), saying so",
        level="dtype",
    ),
]
