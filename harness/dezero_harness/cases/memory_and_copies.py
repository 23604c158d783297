"""Who keeps what alive, what a copy is, and what happens when data changes."""

from functools import partial
from textwrap import dedent, indent

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="N", level="hygiene")
graph = partial(case, chapter=32, needs=("create_graph",))


def without_collector(body, answer):
    """A program that runs `body` with no garbage collector, so that only counting frees."""
    return (
        "import gc\nimport weakref\n\nenabled = gc.isenabled()\ngc.disable()\ntry:\n"
        + indent(dedent(body).strip("\n"), "    ")
        + f"\n    answer = {answer}\nfinally:\n    if enabled:\n        gc.enable()\nanswer\n"
    )


FREED = "contract: the graph is freed by reference counting alone"
CASES = [
    case(
        statement="a forward graph is freed when its names go",
        program=without_collector(
            """
            x = Variable(array([1.0, 2.0]))
            h = x * x
            y = h + x
            refs = [weakref.ref(h), weakref.ref(y), weakref.ref(y.creator)]
            del h, y
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source=FREED,
    ),
    case(
        statement="a graph is freed after a backward pass when its names go",
        program=without_collector(
            """
            x = Variable(array([1.0, 2.0]))
            h = x / 3.0 * x
            y = -h ** 2
            y.backward()
            refs = [weakref.ref(h), weakref.ref(y), weakref.ref(y.creator)]
            del h, y
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source=FREED,
    ),
    case(
        statement="a graph of retained gradients is freed when its names go",
        program=without_collector(
            """
            x = Variable(array([1.0, 2.0]))
            h = x * x
            y = h * 3.0
            y.backward(retain_grad=True)
            refs = [weakref.ref(h), weakref.ref(y)]
            del h, y
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True],
        source=FREED,
    ),
    case(
        statement="a graph of two outputs is freed when its names go",
        program=without_collector(
            """
            class Split(dezero.Function):
                def forward(self, x):
                    return x * 2.0, x * 3.0

                def backward(self, gy0, gy1):
                    return gy0 * 2.0 + gy1 * 3.0

            x = Variable(array(1.0))
            a, b = Split()(x)
            y = a * a
            y.backward()
            refs = [weakref.ref(v) for v in (a, b, y)]
            del a, b, y
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source=FREED,
    ),
    case(
        statement="results in between live as long as the result needs them",
        program="""
            import weakref

            x = Variable(array(3.0))
            h = x * x
            ref = weakref.ref(h)
            y = h * h
            del h
            alive = ref() is not None
            y.backward()
            alive, x.grad
        """,
        expect=[True, 108.0],
        source="inputs are held, outputs are not: y = x^4, 4 x^3 = 108 at 3",
    ),
    case(
        statement="under no_grad nothing in between is kept",
        program=without_collector(
            """
            x = Variable(array([1.0, 2.0]))
            with dezero.no_grad():
                h = x * x
                y = h + x
            ref = weakref.ref(h)
            del h
            """,
            "ref() is None, y",
        ),
        expect=[True, [2.0, 6.0]],
        source="contract: nothing is recorded, so nothing holds h",
    ),
    case(
        statement="a function that was called under no_grad keeps no input",
        program=without_collector(
            """
            class Same(dezero.Function):
                def forward(self, x):
                    return x * 1.0

            x, f = Variable(array([1.0, 2.0])), Same()
            with dezero.no_grad():
                h = x * x
                y = f(h)
            ref = weakref.ref(h)
            del h
            """,
            "ref() is None, y",
        ),
        expect=[True, [1.0, 4.0]],
        source="contract: nothing is recorded, so nothing holds h",
    ),
    case(
        statement="what constants alone give keeps nothing",
        program=without_collector(
            """
            w = Variable(array(2.0))
            with dezero.no_grad():
                c = w * 3.0
            x = Variable(array(1.0))
            y = x * c.data
            ref = weakref.ref(c)
            del c
            """,
            "ref() is None, y",
        ),
        expect=[True, 6.0],
        source="data is an array and knows no Variable",
    ),
    graph(
        statement="a recorded gradient's graph is freed once it is cleared",
        program=without_collector(
            """
            x = Variable(array(2.0))
            y = x ** 3 + x * x
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            refs = [weakref.ref(y), weakref.ref(gx), weakref.ref(gx.creator)]
            x.cleargrad()
            del y, gx
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source="contract: where a cycle is inherent, cleargrad() is the way without one",
    ),
    graph(
        statement="the recorded graph of a quotient is freed once it is cleared",
        program=without_collector(
            """
            x, w = Variable(array(2.0)), Variable(array(3.0))
            y = x / w
            y.backward(create_graph=True)
            gx, gw = x.grad, w.grad
            x.cleargrad()
            w.cleargrad()
            refs = [weakref.ref(v) for v in (y, gx, gw)]
            del y, gx, gw
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True, True],
        source="contract: a backward that uses its output makes no cycle with it",
    ),
    graph(
        statement="the recorded graph of tanh is freed once it is cleared",
        program="from dezero.functions import tanh\n\n"
        + without_collector(
            """
            x = Variable(array(0.5))
            y = tanh(x)
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.cleargrad()
            refs = [weakref.ref(y), weakref.ref(gx)]
            del y, gx
            """,
            "[ref() is None for ref in refs]",
        ),
        expect=[True, True],
        source="contract: a backward that uses its output makes no cycle with it",
        needs=("functions", "tanh", "create_graph"),
        chapter=35,
    ),
    graph(
        statement="the collector frees a gradient graph that was not cleared",
        program="""
            import gc
            import weakref

            x = Variable(array(2.0))
            y = x ** 3
            y.backward(create_graph=True)
            refs = [weakref.ref(x), weakref.ref(y), weakref.ref(x.grad)]
            del x, y
            gc.collect()
            [ref() is None for ref in refs]
        """,
        expect=[True, True, True],
        source="a cycle of x, its gradient and the graph between is garbage like any other",
    ),
    graph(
        statement="create_graph=False keeps nothing of the walk",
        program=without_collector(
            """
            x = Variable(array(2.0))
            h = x * x
            y = h ** 3
            y.backward(create_graph=False)
            refs = [weakref.ref(h), weakref.ref(y)]
            del h, y
            """,
            "[ref() is None for ref in refs], x.grad.creator",
        ),
        expect=[[True, True], None],
        source="contract: without create_graph nothing is recorded",
    ),
]

# --- copies ---

case = partial(case, group="O")
CASES += [
    case(
        statement=f"{words} of a leaf keeps data, name and gradient",
        program=f"""
            import copy
            import pickle

            x = Variable(array(3.0), "x")
            (x * x).backward()
            c = {code}
            c is x, c, c.name, c.grad, c.creator
        """,
        expect=[False, 3.0, "x", 6.0, None],
        source="a leaf is its data, its name and its gradient",
    )
    for words, code in [
        ("a deep copy", "copy.deepcopy(x)"),
        ("a copy", "copy.copy(x)"),
        ("pickling", "pickle.loads(pickle.dumps(x))"),
    ]
]
CASES += [
    case(
        statement="a deep copy of a leaf lives a life of its own",
        program="""
            import copy

            x = Variable(array(3.0), "x")
            c = copy.deepcopy(x)
            (c * c).backward()
            c.data = c.data + 1.0
            x, x.grad, c.grad
        """,
        expect=[3.0, None, 6.0],
        source="no array, no gradient and no graph is shared",
    ),
    *[
        case(
            statement=f"{words} of a result is refused with a reason",
            program=f"""
                import copy
                import pickle

                x = Variable(array(3.0))
                y = x * x
                {code}
            """,
            expect=Raises("TypeError", "Mul.*graph"),
            source="contract: copying a Variable that is not a leaf is refused with a reason",
            level="dezero",
        )
        for words, code in [
            ("a deep copy", "copy.deepcopy(y)"),
            ("a copy", "copy.copy(y)"),
            ("pickling", "pickle.dumps(y)"),
        ]
    ],
]

# --- changed data ---

CASES += [
    case(
        statement=f"assigning to an input before backward is an error: {words}",
        program=f"""
            x = Variable(array(2.0))
            y = x * x
            {change}
            y.backward()
        """,
        expect=Raises("RuntimeError", r"Mul.*\(\) \S*float\d\d.*(again|forward)"),
        source="contract: assigning to .data between a forward and its backward is an error",
        level="dezero",
    )
    for words, change in [
        ("a new array", "x.data = array(3.0)"),
        ("in place", "x.data += 1.0"),
        ("itself", "x.data = x.data"),
    ]
]
CASES += [
    case(
        statement="assigning to a result between forward and backward is an error",
        program="""
            a, b = Variable(array(6.0)), Variable(array(2.0))
            y = a / b
            y.data = array(100.0)
            y.backward()
            b.grad
        """,
        expect=Raises("RuntimeError", "Div"),
        source="contract: assigning to .data between a forward and its backward is an error",
        level="dezero",
    ),
    case(
        statement="a new forward after an assignment is differentiated at the new data",
        program="""
            x = Variable(array(2.0))
            (x * x).backward()
            x.data = array(5.0)
            x.cleargrad()
            (x * x).backward()
            x.grad
        """,
        expect=10.0,
        source="2 x at 5",
        level="core",
    ),
    case(
        statement="assigning to the second of two operands before backward is an error",
        program="""
            a, b = Variable(array(6.0)), Variable(array(2.0))
            y = a * b
            b.data = array(3.0)
            y.backward()
        """,
        expect=Raises("RuntimeError", "Mul.*assigned after the forward"),
        source="contract: assigning to .data between a forward and its backward is an error",
        level="dezero",
    ),
    case(
        statement="operands that were both assigned before the forward pass are fine",
        program="""
            a, b = Variable(array(1.0)), Variable(array(1.0))
            a.data = array(6.0)
            b.data = array(2.0)
            (a / b).backward()
            a.grad, b.grad
        """,
        expect=[0.5, -1.5],
        source="1 / b and -a / b^2 at 6 and 2",
        level="core",
    ),
    case(
        statement="an old graph does not come back to life with a new one",
        program="""
            x = Variable(array(2.0))
            old = x + x
            x.data = array(5.0)
            (x * x).backward()
            old.backward()
        """,
        expect=Raises("RuntimeError", "Add.*assigned after the forward"),
        source="contract: assigning to .data between a forward and its backward is an error",
        level="dezero",
    ),
    case(
        statement="assigned data is the data from then on",
        program="x = Variable(array([1.0]))\nx.data = array([[2.0, 3.0]])\nx, x.shape",
        expect=[[[2.0, 3.0]], [1, 2]],
        source="contract: data can be assigned",
        level="core",
    ),
    case(
        statement="assigning after a backward pass leaves the gradient as it was",
        program="x = Variable(array(2.0))\n(x * x).backward()\nx.data = array(5.0)\nx.grad",
        expect=4.0,
        source="2 x at 2, where it was computed",
        level="core",
    ),
]
