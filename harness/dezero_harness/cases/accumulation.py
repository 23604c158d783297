"""What is added up, what is set back, and whose memory a gradient is."""

from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="D", level="core")
graph = partial(case, chapter=32, needs=("create_graph",))

AS_GRAD = """\
def as_grad(data):
    return data if getattr(dezero, "is_simple_core", False) else Variable(data)

"""


def seeded(program, **fields):
    """A case whose program puts an array into `grad`, as its stage wants it: by as_grad(array)."""
    return case(program=AS_GRAD + dedent(program).lstrip("\n"), **fields)


QUARTIC = """\
x = Variable(array(2.0))
y = x ** 4 - 2 * x ** 2
y.backward(create_graph=True)
first = x.grad
"""

CASES = [
    case(
        statement="a second backward adds to the gradient of a leaf",
        program="x = Variable(array(3.0))\ny = x * x\ny.backward()\ny.backward()\nx.grad",
        expect=12.0,
        source="2 x = 6 at 3, twice",
    ),
    case(
        statement="gradients of different roots add up",
        program="""
            x = Variable(array([1.0, -2.0]))
            (x * x).backward()
            (x * 5.0).backward()
            x.grad
        """,
        expect=[7.0, 1.0],
        source="2 x + 5",
    ),
    case(
        statement="cleargrad leaves None, not zeros",
        program="x = Variable(array(3.0))\n(x * x).backward()\nx.cleargrad()\nx.grad",
        expect=None,
        source="None means: no root has reached it",
    ),
    case(
        statement="after cleargrad a backward starts afresh",
        program="""
            x = Variable(array(3.0))
            (x * x).backward()
            x.cleargrad()
            (x + x).backward()
            x.grad
        """,
        expect=2.0,
        source="(x + x)' = 2",
    ),
    graph(
        statement="without cleargrad the second derivative is added: 24, then 68",
        program=QUARTIC + "first.backward()\nfirst, x.grad",
        expect=[24.0, 68.0],
        source="4 x^3 - 4 x = 24 and 12 x^2 - 4 = 44 at 2; 24 + 44 = 68",
        chapter=33,
    ),
    graph(
        statement="with cleargrad the second derivative stands alone: 24, then 44",
        program=QUARTIC + "x.cleargrad()\nfirst.backward()\nfirst, x.grad",
        expect=[24.0, 44.0],
        source="4 x^3 - 4 x = 24 and 12 x^2 - 4 = 44 at 2",
        chapter=33,
    ),
    graph(
        statement="x^4 - 2 x^2 has 24 and 44 at 2, and 68 where nothing is cleared",
        program=QUARTIC
        + """\
first.backward()
not_cleared = x.grad
x.cleargrad()
first.backward()
first, not_cleared, x.grad
""",
        expect=[24.0, 68.0, 44.0],
        source="4 x^3 - 4 x = 24 and 12 x^2 - 4 = 44 at 2; 24 + 44 = 68",
        chapter=33,
        spine="24 and 44",
    ),
    case(
        statement="results in between keep no gradient",
        program="""
            x = Variable(array(1.5))
            h = 2.0 * x
            y = 3.0 * h
            y.backward()
            h.grad, y.grad, x.grad
        """,
        expect=[None, None, 6.0],
        source="contract: gradients are left on leaves; y = 6 x",
        level="book",
    ),
    case(
        statement="retain_grad keeps the gradients in between",
        program="""
            x = Variable(array(1.5))
            h = 2.0 * x
            y = 3.0 * h
            y.backward(retain_grad=True)
            h.grad, y.grad, x.grad
        """,
        expect=[3.0, 1.0, 6.0],
        source="dy/dh = 3, dy/dy = 1",
        level="book",
    ),
    case(
        statement="retain_grad keeps this pass's gradients, not a sum over passes",
        program="""
            x = Variable(array(1.5))
            h = 2.0 * x
            y = 3.0 * h
            y.backward(retain_grad=True)
            y.backward(retain_grad=True)
            h.grad, y.grad, x.grad
        """,
        expect=[3.0, 1.0, 12.0],
        source="contract: retain_grad=True keeps the gradients of this pass only; leaves add up",
        level="dezero",
    ),
    case(
        statement="a retained gradient does not seed a later pass from there",
        program="""
            x = Variable(array(1.5))
            h = 2.0 * x
            y = 3.0 * h
            y.backward(retain_grad=True)
            x.cleargrad()
            h.backward()
            x.grad
        """,
        expect=2.0,
        source="contract: no stale gradient ever enters a later pass; dh/dx = 2",
        level="dezero",
    ),
    seeded(
        statement="a root's retained gradient does not seed its next pass",
        program="""
            x = Variable(array(3.0))
            y = x * x
            y.grad = as_grad(array(5.0))
            y.backward(retain_grad=True)
            x.cleargrad()
            y.backward()
            x.grad
        """,
        expect=6.0,
        source="contract: no stale gradient ever enters a later pass; 2 x = 6 at 3",
        level="dezero",
    ),
    case(
        statement="a pass from a result in between leaves the next pass alone",
        program="""
            x = Variable(array(2.0))
            h = x * x
            h.backward()
            first = x.grad
            x.cleargrad()
            (h * h).backward()
            first, x.grad
        """,
        expect=[4.0, 32.0],
        source="2 x = 4, then (x^4)' = 4 x^3 = 32 at 2",
    ),
    graph(
        statement="double backprop with retain_grad takes up no stale gradient",
        program="""
            x = Variable(array(2.0))
            y = x ** 2
            y.backward(retain_grad=True, create_graph=True)
            gx = x.grad
            x.cleargrad()
            z = gx ** 3 + y
            z.backward(retain_grad=True)
            x.grad
        """,
        expect=100.0,
        source="contract: with retain_grad=True it gives 100, not 104; 24 x^2 + 2 x at 2",
        chapter=36,
        level="dezero",
    ),
    case(
        statement="cleargrad of a leaf leaves other gradients alone",
        program="""
            a, b = Variable(array(3.0)), Variable(array(4.0))
            (a * b).backward()
            a.cleargrad()
            a.grad, b.grad
        """,
        expect=[None, 3.0],
        source="d(ab)/db = a",
    ),
]

# --- seeds ---

CASES += [
    seeded(
        statement="a root's own gradient seeds the walk",
        program="""
            x = Variable(array(3.0))
            y = x ** 2
            y.grad = as_grad(array(5.0))
            y.backward()
            x.grad
        """,
        expect=30.0,
        source="5 * 2 x = 30 at 3",
    ),
    case(
        statement="a root of any shape is seeded with ones",
        program="""
            x = Variable(array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]))
            (x * x).backward()
            x.grad
        """,
        expect=[[2.0, -4.0, 6.0], [1.0, 8.0, -2.0]],
        source="contract: the root of any shape is seeded with ones, so this is 2 x",
    ),
    seeded(
        statement="a seed of the root's shape weighs its numbers",
        program="""
            x = Variable(array([1.0, -2.0, 3.0]))
            y = x * x
            seed = array([1.0, 10.0, -100.0])
            y.grad = as_grad(seed)
            y.backward()
            x.grad
        """,
        expect=[2.0, -40.0, -600.0],
        source="v_i 2 x_i",
    ),
    seeded(
        statement="a seed is used once",
        program="""
            x = Variable(array(3.0))
            y = x * x
            y.grad = as_grad(array(5.0))
            y.backward()
            y.backward()
            x.grad
        """,
        expect=36.0,
        source="contract: no stale gradient enters a later pass: 5 * 6, then 6",
    ),
    seeded(
        statement="a seed set again is used again",
        program="""
            x = Variable(array(3.0))
            y = x * x
            for value in (5.0, -2.0):
                y.grad = as_grad(array(value))
                y.backward()
            x.grad
        """,
        expect=18.0,
        source="(5 - 2) * 2 x = 18 at 3",
    ),
    seeded(
        statement="a gradient put on a leaf is added to",
        program="""
            x = Variable(array(3.0))
            x.grad = as_grad(array(100.0))
            (x * x).backward()
            x.grad
        """,
        expect=106.0,
        source="a leaf's gradient adds up: 100 + 2 x",
    ),
    seeded(
        statement="a leaf as the root keeps the gradient it was given",
        program="""
            x = Variable(array([3.0, 4.0]))
            seed = array([5.0, -1.0])
            x.grad = as_grad(seed)
            x.backward()
            x.grad
        """,
        expect=[5.0, -1.0],
        source="contract: seeded with the gradient the user has put there",
        level="dezero",
    ),
    case(
        statement="None as a gradient means a seed of ones",
        program="x = Variable(array(3.0))\ny = x * x\ny.grad = None\ny.backward()\nx.grad",
        expect=6.0,
        source="None is what a fresh Variable has",
    ),
    graph(
        statement="a seed is a Variable whose own gradient can be asked for",
        program="""
            x, s = Variable(array(3.0)), Variable(array(5.0))
            y = x ** 2
            y.grad = s
            y.backward(create_graph=True)
            gx = x.grad
            gx.backward()
            s.grad
        """,
        expect=6.0,
        source="gx = s 2 x, dgx/ds = 2 x = 6 at 3",
        without={"create_graph": Raises("TypeError", "is None or an array")},
    ),
    graph(
        statement="an array as a gradient is a TypeError where Variables are due",
        program="x = Variable(array(3.0))\nx.grad = array(5.0)\nx.grad",
        expect=Raises("TypeError", r"Variable of its shape, not .*\(\)"),
        source="contract: the gradient must be a Variable, an array in step31",
        without={"create_graph": 5.0},
        level="dezero",
    ),
    *[
        case(
            statement=f"{what} as a gradient is a TypeError",
            program=f"x = Variable(array(3.0))\ny = x * x\ny.grad = {given}\ny.backward()\nx.grad",
            expect=Raises("TypeError", rf"\(\) \S*float\d\d.* not {named}"),
            source="contract: the message says what was given and what to do",
            level="dezero",
        )
        for what, given, named in [
            ("a float", "5.0", r"float 5\.0"),
            ("a list", "[1.0]", r"list \[1\.0\]"),
            ("a string", "'a'", "str 'a'"),
        ]
    ],
    *[
        seeded(
            statement=f"a seed of shape {seed_words} on a root of shape {root_words} is an error",
            program=f"""
                x = Variable(array({root}))
                y = x * x
                seed = array({seed})
                y.grad = as_grad(seed)
                y.backward()
                x.grad
            """,
            expect=Raises("ValueError", match),
            source="contract: the seed has the root's shape; the message names both",
            level="dezero",
        )
        for root_words, root, seed_words, seed, match in [
            ("2", "[1.0, 2.0]", "nought", "1.0", r"\(2,\).*\(\)"),
            ("nought", "1.0", "1", "[1.0]", r"\(\).*\(1,\)"),
            ("2", "[1.0, 2.0]", "3", "[1.0, 2.0, 3.0]", r"\(2,\).*\(3,\)"),
        ]
    ],
]

# --- whose memory a gradient is ---

OVERWRITE = """\
def overwrite(grad, value):
    data = raw(grad)
    data[...] = value

"""
CASES += [
    seeded(
        statement=f"writing into one gradient leaves others alone: {what}",
        program=OVERWRITE + program,
        expect=expect,
        needs=("mutability",),
        source="contract: changing one Variable's gradient array never changes another's",
        level="hygiene",
    )
    for what, program, expect in [
        (
            "a sum",
            """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a + b).backward()
overwrite(a.grad, 100.0)
b.grad
""",
            1.0,
        ),
        (
            "a sum the other way",
            """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a + b).backward()
overwrite(b.grad, 100.0)
a.grad
""",
            1.0,
        ),
        (
            "a long sum",
            """\
a, b, c = [Variable(array([2.0, 3.0])) for _ in range(3)]
(a + b + c).backward()
overwrite(a.grad, 100.0)
overwrite(b.grad, 200.0)
a.grad, b.grad, c.grad
""",
            [[100.0, 100.0], [200.0, 200.0], [1.0, 1.0]],
        ),
        (
            "a difference",
            """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a - b).backward()
overwrite(a.grad, 100.0)
b.grad
""",
            -1.0,
        ),
        (
            "retained ones",
            """\
a, b = Variable(array(2.0)), Variable(array(3.0))
h = a + b
y = h + 1.0
y.backward(retain_grad=True)
overwrite(y.grad, 100.0)
overwrite(h.grad, 200.0)
a.grad, b.grad
""",
            [1.0, 1.0],
        ),
        (
            "the seed",
            """\
x = Variable(array(2.0))
seed = array(5.0)
y = x + 1.0
y.grad = as_grad(seed)
y.backward()
overwrite(x.grad, 100.0)
seed
""",
            5.0,
        ),
        (
            "the seed of a leaf",
            """\
x = Variable(array(2.0))
seed = array(5.0)
x.grad = as_grad(seed)
x.backward()
overwrite(x.grad, 100.0)
seed
""",
            5.0,
        ),
        (
            "a later pass",
            """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a + b).backward()
(a + b).backward()
overwrite(a.grad, 100.0)
b.grad
""",
            2.0,
        ),
    ]
]
CASES += [
    case(
        statement="a gradient taken earlier does not change in a later pass",
        program="""
            x = Variable(array(3.0))
            (x * x).backward()
            first = x.grad
            (x * x).backward()
            first, x.grad
        """,
        expect=[6.0, 12.0],
        source="adding makes a new array: the earlier one may still be in use",
    ),
    case(
        statement="one leaf's later pass leaves another's gradient alone",
        program="""
            a, b = Variable(array(2.0)), Variable(array(3.0))
            (a + b).backward()
            (a * 4.0).backward()
            a.grad, b.grad
        """,
        expect=[5.0, 1.0],
        source="1 + 4, and 1",
    ),
    case(
        statement="a gradient is no part of the data it was computed from",
        program=OVERWRITE
        + """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a * b).backward()
overwrite(a.grad, 100.0)
a, b
""",
        expect=[2.0, 3.0],
        source="contract: a user changes one array, and nothing else changes",
        needs=("mutability",),
        level="hygiene",
    ),
    graph(
        statement="a second pass without cleargrad leaves the first gradient as it was",
        program="""
            x = Variable(array(2.0))
            (x ** 3).backward(create_graph=True)
            g = x.grad
            g.backward()
            g, x.grad, x.grad is g
        """,
        expect=[12.0, 24.0, False],
        source="g = 3 x^2 = 12; 12 + 6 x = 24 is a new object",
        level="hygiene",
    ),
    graph(
        statement="recorded gradients of a sum share no memory either",
        program=OVERWRITE
        + """\
a, b = Variable(array(2.0)), Variable(array(3.0))
(a + b).backward(create_graph=True)
overwrite(a.grad, 100.0)
b.grad
""",
        expect=1.0,
        source="contract: changing one Variable's gradient array never changes another's",
        needs=("create_graph", "mutability"),
        level="hygiene",
    ),
    *[
        graph(
            statement=f"writing into a gradient leaves the graph alone: {words}",
            program=OVERWRITE
            + f"""\
a, b, c = Variable(array(2.0)), Variable(array(3.0)), Variable(array(4.0))
y = {form}
y.backward({retain}create_graph=True)
gb = b.grad
overwrite({changed}.grad, 7.0)
c.cleargrad()
gb.backward()
gb, c.grad
""",
            expect=[4.0, 1.0],
            source="b.grad is gy c, where gy is 1, and so is a.grad: d(b.grad)/dc = gy = 1",
            needs=("create_graph", "mutability"),
            level="hygiene",
        )
        for words, form, retain, changed in [
            ("a term, a product", "a + b * c", "", "a"),
            ("a product, a term", "b * c + a", "", "a"),
            ("the root's own", "b * c - a", "retain_grad=True, ", "y"),
        ]
    ],
    graph(
        statement="recorded gradients that are no constants share no memory",
        program=OVERWRITE
        + """\
a, b, c = Variable(array(2.0)), Variable(array(3.0)), Variable(array(4.0))
h = a + b
(h * c).backward(retain_grad=True, create_graph=True)
overwrite(a.grad, 7.0)
overwrite(h.grad, 8.0)
a.grad, b.grad, h.grad
""",
        expect=[7.0, 4.0, 8.0],
        source="all three are c = 4 to begin with, each in an array of its own",
        needs=("create_graph", "mutability"),
        level="hygiene",
    ),
    graph(
        statement="a recorded gradient is no view of another's memory",
        program=OVERWRITE
        + """\
class Flip(dezero.Function):
    def forward(self, x):
        return x[::-1]

    def backward(self, gy):
        return Flip()(gy)

x, w = Variable(array([1.0, 2.0])), Variable(array([3.0, 5.0]))
h = Flip()(x)
(h * w).backward(retain_grad=True, create_graph=True)
before = values(x.grad)
overwrite(x.grad, 7.0)
before, h.grad
""",
        expect=[[5.0, 3.0], [3.0, 5.0]],
        source="h.grad is w and x.grad is w from behind, each in an array of its own",
        needs=("negative steps", "create_graph", "mutability"),
        without={"create_graph": Raises("TypeError", "keyword argument 'create_graph'")},
        level="hygiene",
    ),
    graph(
        statement="a recorded gradient is not the seed it was computed from",
        program=OVERWRITE
        + """\
t, x = Variable(array(2.0)), Variable(array(3.0))
seed = t * 5.0
y = x + 1.0
y.grad = seed
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
gx.backward()
overwrite(gx, 7.0)
seed, t.grad
""",
        expect=[10.0, 5.0],
        source="gx = seed = 5 t: a number of its own, and its derivative by t is 5",
        needs=("create_graph", "mutability"),
        without={"create_graph": Raises("TypeError", "is None or an array")},
        level="hygiene",
    ),
    graph(
        statement="a recorded gradient comes from the function that computed it",
        program="""
            x = Variable(array(2.0))
            (x ** 3).backward(create_graph=True)
            type(x.grad.creator).__name__
        """,
        expect="Mul",
        source="gx = gy (3 x^2) is a product; nothing else has it, so no copy is made",
        level="book",
    ),
    graph(
        statement="a gradient that is constant has no creator with create_graph",
        program="""
            x, w = Variable(array(2.0)), Variable(array(3.0))
            (x + w * 2.0).backward(create_graph=True)
            x.grad, x.grad.creator, w.grad, w.grad.creator
        """,
        expect=[1.0, None, 2.0, None],
        source="contract: what comes from constants alone is not recorded; it has no derivative",
        level="dezero",
    ),
    graph(
        statement="a name given to one gradient is not on another",
        program="""
            a, b = Variable(array(2.0)), Variable(array(3.0))
            y = a + b
            y.backward(retain_grad=True, create_graph=False)
            a.grad.name = "da"
            b.grad.name, y.grad.name
        """,
        expect=[None, None],
        source="gradients are Variables of their own",
        group="Q",
        level="dezero",
    ),
]

CASES += [
    seeded(
        statement="a seed that another walk has added to is no seed any more",
        program="""
            x = Variable(array(3.0))
            x.grad = as_grad(array(5.0))
            (x * 2.0).backward()
            total = x.grad
            x.backward()
            total, x.grad
        """,
        expect=[7.0, 1.0],
        source="5 + 2; then dx/dx = 1, from ones, for 7 is not what the user has put there",
        level="dezero",
    ),
]
