"""Outputs that a program has dropped and a backward asks for, and gradients that were found, not
made: a seed, or what was there before the walk."""

from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises
from .memory_and_copies import FREED, without_collector

case = partial(Case, chapter=31, group="several-outputs", level="dezero")
graph = partial(case, chapter=32, needs=("create_graph",))

# x^2 and x^3; the backward counts on both of its outputs.
POWERS = """
class Powers(dezero.Function):
    def forward(self, x):
        return x * x, x * x * x

    def backward(self, gy0, gy1):
        square, cube = [y() for y in self.outputs]
        seen.append([square, cube])
        x = self.inputs[0]
        if not isinstance(gy0, Variable):
            square, cube, x = square.data, cube.data, x.data
        return gy0 * 2.0 * cube / square + gy1 * 3.0 * square

seen = []
"""

CASES = [
    *[
        case(
            statement=f"of {words} dropped, a backward finds the output as it was",
            program=POWERS
            + dedent(f"""
                x = Variable(array([2.0, -3.0]))
                outputs = Powers()(x * 1.0)
                y = outputs.pop({kept})
                f = y.creator
                del outputs
                y.backward()
                [v.creator is f for v in seen[0]], [v.generation for v in seen[0]], seen[0], x.grad
            """),
            expect=[[True, True], [2, 2], [[4.0, 9.0], [8.0, -27.0]], gradient],
            source="x^2, x^3, and their derivatives 2 x and 3 x^2",
        )
        for words, kept, gradient in [
            ("the second output", 0, [4.0, -6.0]),
            ("the first output", 1, [12.0, 27.0]),
        ]
    ],
    case(
        statement="a graph is freed where an output was dropped and asked for",
        program=without_collector(
            POWERS
            + dedent("""
                x = Variable(array([1.0, 2.0]))
                square, cube = Powers()(x)
                del square
                y = cube * cube
                y.backward()
                seen.clear()
                refs = [weakref.ref(v) for v in (cube, cube.creator, y)]
                del cube, y
            """),
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source=FREED,
    ),
    case(
        statement="an output that was dropped, and asked for, dies with its last user",
        program=without_collector(
            POWERS
            + dedent("""
                import weakref

                x = Variable(array([1.0, 2.0]))
                square, cube = Powers()(x)
                del square
                cube.backward()
                square = seen.pop()[0]
                alive, ref = square.shape, weakref.ref(square)
                del square
            """),
            "alive, ref() is None",
        ),
        expect=[[2], True],
        source="outputs are held by who uses them alone",
    ),
    case(
        statement="an output that was dropped is one Variable to all that ask for it",
        program=POWERS
        + dedent("""
            x = Variable(array([1.0, 2.0]))
            square, cube = Powers()(x)
            del square
            cube.backward()
            first, f = seen[0][0], cube.creator
            first is f.outputs[0](), first is f.outputs[0]()
        """),
        expect=[True, True],
        source="an output is one Variable: a gradient for it has one place",
    ),
    graph(
        statement="an output of a Parameter that was dropped is a Variable again",
        program="from dezero import Parameter\n"
        + POWERS
        + dedent("""
            p = Parameter(array([1.0, 2.0]))
            square, cube = Powers()(p)
            del square
            cube.backward(create_graph=True)
            type(seen[0][0]) is Variable, p.grad
        """),
        expect=[True, [3.0, 12.0]],
        source="what is computed is no parameter; (p^3)' = 3 p^2",
        needs=("parameter", "create_graph"),
    ),
    graph(
        statement="a dropped output takes part in the second and third derivative",
        program=POWERS
        + dedent("""
            x = Variable(array([1.0, 2.0]))
            square, cube = Powers()(x)
            del square
            values, y = [], cube
            for _ in range(3):
                y.backward(create_graph=True)
                y = x.grad
                x.cleargrad()
                values.append(y)
            values
        """),
        expect=[[3.0, 12.0], [6.0, 12.0], [6.0, 6.0]],
        source="x^3: 3 x^2, 6 x, 6",
    ),
    graph(
        statement="the zeros for an unused output are constants",
        program="""
            class Powers(dezero.Function):
                def forward(self, x):
                    return x * x, x * x * x

                def backward(self, gy0, gy1):
                    x = self.inputs[0]
                    return gy0 * 2.0 * x + gy1 * 3.0 * x * x

            def functions(y):
                found, waiting = set(), [y.creator]
                while waiting:
                    f = waiting.pop()
                    if f is not None and f not in found:
                        found.add(f)
                        waiting += [v.creator for v in f.inputs]
                return sorted(type(f).__name__ for f in found)

            x = Variable(array([1.0, 2.0]))
            square, cube = Powers()(x)
            square.backward(create_graph=True)
            functions(x.grad), x.grad
        """,
        expect=[["Add", "Mul", "Mul", "Mul"], [2.0, 4.0]],
        source="2 x and 0 3 x x, added: gy0 2 and gy1 3 are constants and are not recorded",
    ),
    case(
        statement="a function of a number alone computes on an array",
        program="""
            class Shape(dezero.Function):
                def forward(self, x):
                    kinds.append((kind(x), x.shape))
                    return x * 2.0

            kinds = []
            y = Shape()(2.0)
            kinds == [("ndarray", ())] or kinds == [("array", ())], y.shape, y
        """,
        expect=[True, [], 4.0],
        source="forward is for arrays; a number is a 0-d one, of NumPy where no other says whose",
    ),
]

# --- seeds that are results, and what else the walk has found ---

# In the first stage a gradient is an array, and a seed too.
seeded = partial(
    graph, without={"create_graph": Raises("TypeError", "an array of its shape, not Variable")}
)
CASES += [
    seeded(
        statement=f"a {root} seeded with a result, {words}, has a copy",
        program=f"""
            x, a, b = Variable(array([3.0])), Variable(array([2.0])), Variable(array([5.0]))
            {line}
            s = a * b
            y.grad = s
            y.backward(create_graph={recorded})
            y.grad is s, y.grad
        """,
        expect=[False, [10.0]],
        source="contract: no two Variables share a gradient; dy/dy times the seed",
    )
    for root, line in [
        ("leaf", "y = x"),
        ("result of no_grad", "y = dezero.no_grad()(lambda: x * x)()"),
    ]
    for words, recorded in [("recorded", True), ("not recorded", False)]
]
CASES += [
    seeded(
        statement=f"a seed that is {words} is no leaf's gradient",
        program=f"""
            x, w = Variable(array([3.0])), Variable(array([4.0]))
            a, b = Variable(array([2.0])), Variable(array([5.0]))
            y = x + w
            {seed}
            y.grad = s
            y.backward(create_graph={recorded})
            x.grad is s, w.grad is s, x.grad is w.grad, x.grad, w.grad
        """,
        expect=[False, False, False, [10.0], [10.0]],
        source="contract: no two Variables share a gradient; the derivative of a sum is the seed",
    )
    for words, seed, recorded in [
        ("a result", "s = a * b", True),
        ("a result, not recorded on,", "s = a * b", False),
        ("a result of no_grad", "s = dezero.no_grad()(lambda: a * b)()", False),
        ("a result of no_grad, recorded on,", "s = dezero.no_grad()(lambda: a * b)()", True),
    ]
]
CASES += [
    graph(
        statement="a recorded backward that returns an earlier result hands out a copy",
        program="""
            class Product(dezero.Function):
                def forward(self, x, w):
                    return x * w

                def backward(self, gy):
                    return self.inputs[1], None

            x, v = Variable(array([2.0])), Variable(array([5.0]))
            w = v * 1.0
            y = Product()(x, w)
            y.backward(create_graph=True)
            x.grad is w, x.grad
        """,
        expect=[False, [5.0]],
        source="contract: no two Variables share a gradient, nor one its data with another",
    ),
]
CASES += [
    graph(
        statement="a gradient that is a computed constant is no operand of another's",
        program="""
            a, b, c = (Variable(array([v])) for v in (3.0, 4.0, 5.0))
            y = (a + b * c) * 2.0
            y.backward(create_graph=True)
            g = b.grad
            c.cleargrad()
            a.grad.data = array([9.0])
            g.backward()
            a.grad, c.grad
        """,
        expect=[[9.0], [2.0]],
        source="g = dy/db = 2 c, so dg/dc = 2, whatever becomes of a.grad",
    ),
]
