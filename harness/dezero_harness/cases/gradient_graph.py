"""The backward pass as a graph: when it is recorded, and gradients of gradients."""

from functools import partial

import numpy as np

from ..model.case import Case, Raises
from .first_order import FORMS, OPERATIONS, SHAPES, draw

case = partial(Case, chapter=32, group="C", needs=("create_graph",), level="core")
GRAD_IS_AN_ARRAY = {"create_graph": Raises("TypeError", "grad of .* is None or an array")}
CASES = []

# --- second derivatives and derivatives by the seed ---

for form in FORMS:
    xs = [draw(shape, form.signed) for shape in SHAPES]
    seeds, slopes = [draw(shape) for shape in SHAPES], [draw(shape) for shape in SHAPES]
    arrays = [tuple(map(np.array, three)) for three in zip(xs, seeds, slopes)]
    CASES += [
        case(
            statement=f"the slope of {form.words} is differentiable {by}",
            program=f"""
                {form.imports}
                xs = {xs}
                seeds = {seeds}
                slopes = {slopes}
                answers = []
                for data, seed, slope in zip(xs, seeds, slopes):
                    x, s = Variable(array(data)), Variable(array(seed))
                    y = {form.code}
                    y.grad = s
                    y.backward(create_graph=True)
                    gx = x.grad
                    x.cleargrad()
                    gx.grad = Variable(array(slope))
                    gx.backward()
                    answers.append({leaf}.grad if {leaf}.grad is not None else array(data) * 0.0)
                answers
            """,
            expect=expect,
            source=f"gx = s f'(x), seeded with u: {formula} in closed form; None is zero",
            rel=1e-13,
            without=GRAD_IS_AN_ARRAY,
            needs=(*form.needs, "create_graph"),
            chapter=max(form.chapter, 32),
        )
        for by, leaf, formula, expect in [
            (
                "by x",
                "x",
                "u s f''(x)",
                [(u * s * form.closed_form(2, x)).tolist() for x, s, u in arrays],
            ),
            (
                "by its seed",
                "s",
                "u f'(x)",
                [(u * form.closed_form(1, x)).tolist() for x, s, u in arrays],
            ),
        ]
    ]

for op in OPERATIONS:
    draws = [[draw(shape) for shape in SHAPES] for _ in range(5)]
    expect: dict[str, list] = {"x0": [], "x1": [], "s": []}
    for a, b, s, u, v in (map(np.array, five) for five in zip(*draws)):
        _, fa, fb, faa, fab, fbb = op.closed_form(a, b)
        expect["x0"].append((s * (u * faa + v * fab)).tolist())
        expect["x1"].append((s * (u * fab + v * fbb)).tolist())
        expect["s"].append((u * fa + v * fb).tolist())
    CASES += [
        case(
            statement=f"the gradients of x0 {op.words} x1 are differentiable by {leaf}",
            program=f"""
                x0s = {draws[0]}
                x1s = {draws[1]}
                seeds = {draws[2]}
                us = {draws[3]}
                vs = {draws[4]}
                answers = []
                for data0, data1, seed, u, v in zip(x0s, x1s, seeds, us, vs):
                    x0, x1, s = [Variable(array(data)) for data in (data0, data1, seed)]
                    y = x0 {op.sign} x1
                    y.grad = s
                    y.backward(create_graph=True)
                    z = x0.grad * array(u) + x1.grad * array(v)
                    for x in (x0, x1, s):
                        x.cleargrad()
                    z.backward()
                    answers.append({leaf}.grad if {leaf}.grad is not None else array(seed) * 0.0)
                answers
            """,
            expect=expect[leaf],
            source=f"z = u s f_a + v s f_b: {formula} in closed form; None is zero",
            rel=1e-13,
            without=GRAD_IS_AN_ARRAY,
        )
        for leaf, formula in [
            ("x0", "s (u f_aa + v f_ab)"),
            ("x1", "s (u f_ab + v f_bb)"),
            ("s", "u f_a + v f_b"),
        ]
    ]

# --- when a gradient has a creator ---

CASES += [
    case(
        statement="a gradient is a Variable",
        program="x = Variable(array(2.0))\n(x ** 3).backward()\nkind(x.grad), x.grad",
        expect=["Variable", 12.0],
        source="the idea of the chapter: gradients are Variables; 3 x^2 = 12 at 2",
        without={"create_graph": ["array", 12.0]},
        level="book",
    ),
    *[
        case(
            statement=f"without create_graph the gradient of {words} has no creator",
            program=f"""
                x, w = Variable(array(2.0)), Variable(array(3.0))
                y = {code}
                y.backward()
                getattr(x.grad, "creator", "an array"), x.grad
            """,
            expect=[None, slope],
            source="contract: without create_graph no gradient has a creator",
            without={"create_graph": ["an array", slope]},
            level="book",
        )
        for words, code, slope in [
            ("a power", "x ** 3", 12.0),
            ("a sum with x twice", "x ** 3 + x * x", 16.0),
            ("two products of x", "x * w + x * x", 7.0),
            ("a linear function", "x + w", 1.0),
            ("a quotient", "w / x", -0.75),
        ]
    ],
    case(
        statement="added to an earlier gradient, one without create_graph has no creator",
        program="""
            x = Variable(array(2.0))
            (x ** 3).backward(create_graph=True)
            (x ** 3).backward()
            x.grad.creator, x.grad
        """,
        expect=[None, 24.0],
        source="contract: without create_graph nothing is recorded, also not what is added",
        level="book",
    ),
    case(
        statement="a seed with a creator gives gradients without one unless told so",
        program="""
            x, w = Variable(array(2.0)), Variable(array(3.0))
            y = x + 1.0
            y.grad = w * w
            y.backward()
            x.grad.creator, x.grad
        """,
        expect=[None, 9.0],
        source="contract: without create_graph no gradient has a creator",
        without=GRAD_IS_AN_ARRAY,
        level="dezero",
    ),
    *[
        case(
            statement=f"with create_graph the gradient of {words} has a creator",
            program=f"""
                x, w = Variable(array(2.0)), Variable(array(3.0))
                y = {code}
                y.backward(create_graph=True)
                x.grad.creator is not None, x.grad
            """,
            expect=[True, slope],
            source="the idea of the chapter: the backward pass is recorded",
            level="book",
        )
        for words, code, slope in [
            ("a power", "x ** 3", 12.0),
            ("a sum with x twice", "x ** 3 + x * x", 16.0),
            ("two products of x", "x * w + x * x", 7.0),
            ("a quotient", "w / x", -0.75),
        ]
    ],
    case(
        statement="a sum of two recorded gradients is recorded",
        program="""
            x = Variable(array(2.0))
            (x ** 3).backward(create_graph=True)
            (x ** 2).backward(create_graph=True)
            g = x.grad
            x.cleargrad()
            g.backward()
            g, x.grad
        """,
        expect=[16.0, 14.0],
        source="g = 3 x^2 + 2 x = 16, g' = 6 x + 2 = 14 at 2",
    ),
    case(
        statement="a leaf that two gradients reach gets the derivative of their sum",
        program="""
            x = Variable(array(2.0))
            y = x * x
            z = y * y + x * x * x
            z.backward(create_graph=True)
            g = x.grad
            x.cleargrad()
            g.backward()
            g, x.grad
        """,
        expect=[44.0, 60.0],
        source="z = x^4 + x^3: z' = 32 + 12, z'' = 12 x^2 + 6 x = 60 at 2",
    ),
    case(
        statement="the gradient graph leads back to the leaf",
        program="""
            x = Variable(array(2.0))
            (x ** 3).backward(create_graph=True)
            leaves, todo = set(), [x.grad]
            while todo:
                v = todo.pop()
                if v.creator is None:
                    leaves.add(v)
                else:
                    todo += v.creator.inputs
            x in leaves
        """,
        expect=True,
        source="gx = 3 x^2 is a function of the same x",
        level="book",
    ),
    case(
        statement="functions of a gradient graph have their inputs' largest generation",
        program="""
            x = Variable(array(0.5))
            y = (x * x * x + 1.0 / x) * x + x
            y.backward(create_graph=True)
            wrong, todo = 0, [x.grad]
            while todo:
                f = todo.pop().creator
                if f is not None:
                    todo += f.inputs
                    wrong += f.generation != max(v.generation for v in f.inputs)
                    outputs = [v() for v in f.outputs if v() is not None]
                    wrong += any(v.generation != f.generation + 1 for v in outputs)
            wrong
        """,
        expect=0,
        source="f.generation = max over its inputs, its outputs' is one more",
        level="book",
    ),
    case(
        statement="generations hold in the gradient graph of tanh",
        program="""
            from dezero.functions import tanh

            x = Variable(array(0.5))
            y = tanh(x * x) + x
            y.backward(create_graph=True)
            wrong, todo = 0, [x.grad]
            while todo:
                f = todo.pop().creator
                if f is not None:
                    todo += f.inputs
                    wrong += f.generation != max(v.generation for v in f.inputs)
            wrong, x.grad.generation > y.generation
        """,
        expect=[0, True],
        source="f.generation = max over its inputs; gx is computed from y, and so comes after it",
        needs=("functions", "tanh", "create_graph"),
        chapter=35,
        level="book",
    ),
    *[
        case(
            statement=f"{words} can be differentiated twice",
            program=f"""
                x, w = Variable(array([2.0, -3.0])), Variable(array([4.0, 0.5]))
                y = {code}
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                gx.backward()
                gx, x.grad is None or values(x.grad) == [0.0, 0.0]
            """,
            expect=[slope, True],
            source="contract: a linear function's second derivative is None or zero, no exception",
        )
        for words, code, slope in [
            ("twice x", "2 * x", [2.0, 2.0]),
            ("x plus one", "x + 1", [1.0, 1.0]),
            ("one minus x", "1 - x", [-1.0, -1.0]),
            ("a quarter of x", "x / 4", [0.25, 0.25]),
            ("minus x itself", "-x", [-1.0, -1.0]),
            ("x plus another Variable", "x + w", [1.0, 1.0]),
            ("x times another Variable", "x * w", [4.0, 0.5]),
            ("x to the first power", "x ** 1", [1.0, 1.0]),
            ("x to the power of nought", "x ** 0", [0.0, 0.0]),
            ("x alone", "x", [1.0, 1.0]),
        ]
    ],
    case(
        statement="create_graph inside no_grad records: the explicit word wins",
        program="""
            x = Variable(array(2.0))
            y = x ** 3
            with dezero.no_grad():
                y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.grad
        """,
        expect=12.0,
        source="contract: create_graph=True inside no_grad records; 6 x = 12 at 2",
        level="book",
    ),
    *[
        case(
            statement=f"{enter} and create_graph {create_graph} end in the outer mode {after}",
            program=f"""
                class Broken(dezero.Function):
                    def forward(self, x):
                        return x * 1.0

                    def backward(self, gy):
                        raise KeyError

                x = Variable(array(2.0))
                y = {function}
                with dezero.using_config("enable_backprop", {mode}):
                    try:
                        y.backward(create_graph={create_graph})
                    except KeyError:
                        pass
                    within = dezero.Config.enable_backprop
                within, dezero.Config.enable_backprop
            """,
            expect=[mode, True],
            source="contract: modes are restored, also when a backward raises",
            group="M",
            level="hygiene",
        )
        for enter, mode in [("recording", True), ("no_grad", False)]
        for create_graph in (True, False)
        for after, function in [("after success", "x * x"), ("after a raise", "Broken()(x * x)")]
    ],
    case(
        statement="x times x times x has three derivatives and then none",
        program="""
            x = Variable(array(2.0))
            g = x * x * x
            answers = []
            for _ in range(3):
                x.cleargrad()
                g.backward(create_graph=True)
                g = x.grad
                answers.append(g)
            answers
        """,
        expect=[12.0, 12.0, 6.0],
        source="3 x^2, 6 x, 6 at 2",
    ),
    case(
        statement="unequal branches meet in order in the second pass too",
        program="""
            x = Variable(array(2.0))
            a = x * x
            y = a * (a * 1.0 * 1.0 * 1.0)
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            gx, x.grad
        """,
        expect=[32.0, 48.0],
        source="y = x^4: 4 x^3 = 32, 12 x^2 = 48 at 2",
    ),
    case(
        statement="mixed partial derivatives are equal in both orders",
        program="""
            answers = []
            for first, second in [(0, 1), (1, 0)]:
                xs = [Variable(array(-1.5)), Variable(array(0.75))]
                y = xs[0] ** 3 * xs[1] ** 2 + xs[0] / xs[1]
                y.backward(create_graph=True)
                g = xs[first].grad
                for x in xs:
                    x.cleargrad()
                g.backward()
                answers.append(xs[second].grad)
            answers
        """,
        expect=[6 * 2.25 * 0.75 - 1 / 0.75**2] * 2,
        source="f = a^3 b^2 + a / b: f_ab = 6 a^2 b - 1 / b^2",
        rel=1e-14,
    ),
    case(
        statement="a function of a user is differentiable twice if its backward is",
        program="""
            class Cube(dezero.Function):
                def forward(self, x):
                    return x * x * x

                def backward(self, gy):
                    (x,) = self.inputs
                    return gy * 3.0 * x * x

            x = Variable(array([2.0, -1.0]))
            Cube()(x).backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            gx, x.grad
        """,
        expect=[[12.0, 3.0], [12.0, -6.0]],
        source="3 x^2 and 6 x: backward computes with Variables, so its graph is there",
        level="book",
    ),
    *[
        case(
            statement=f"the backward pass of {words} computes {named}",
            program=f"""
                called, original = [], dezero.Function.__call__

                def counting(function, *inputs):
                    called.append(type(function).__name__)
                    return original(function, *inputs)

                x = Variable(array(2.0))
                y = {code}
                dezero.Function.__call__ = counting
                try:
                    y.backward()
                finally:
                    dezero.Function.__call__ = original
                [name for name in called if name != "Cast"]
            """,
            expect=expect,
            source="contract: a constant costs no gradient arithmetic; a copy is no arithmetic",
            without={"create_graph": []},
            level="dezero",
        )
        for words, code, named, expect in [
            ("c times x", "3.0 * x", "one product", ["Mul"]),
            ("x times c", "x * 3.0", "one product", ["Mul"]),
            ("c plus x", "3.0 + x", "nothing", []),
            ("x minus c", "x - 3.0", "nothing", []),
            ("c minus x", "3.0 - x", "one change of sign", ["Neg"]),
            ("x over c", "x / 3.0", "one quotient", ["Div"]),
        ]
    ],
]
