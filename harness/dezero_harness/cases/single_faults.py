"""What no other case tells: each of these is the only one, or the only named one, for some fault.

The first families say of every operation which order of its derivative is right.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import permutations
from textwrap import dedent

import numpy as np

from ..model import exact
from ..model.case import Case, Raises

CASES = []
FUNCTIONS, ARRAY_FUNCTIONS = ("functions",), ("functions", "array_functions")


def falling(n, k):
    """n (n-1) ... (n-k+1): the factor of x^(n-k) in the k-th derivative of x^n."""
    return math.prod(n - i for i in range(k))


# --- derivative 1, 2, 3 of each operation of one Variable, at points of both signs ---

X = np.array([0.5, -1.5, 2.0])
W = np.array([-2.0, 0.25, 1.5])


def tanh_derivative(k, x):
    y = exact.tanh(x)
    return [1 - y**2, -2 * y * (1 - y**2), (1 - y**2) * (6 * y**2 - 2)][k - 1]


# words, code, the k-th derivative in words and as a formula, chapter, needs
ELEMENTWISE = [
    (
        "x plus w",
        "(x + w) ** 4",
        "4!/(4-k)! u^(4-k)",
        lambda k, x: falling(4, k) * (x + W) ** (4 - k),
    ),
    (
        "w plus x",
        "(w + x) ** 4",
        "4!/(4-k)! u^(4-k)",
        lambda k, x: falling(4, k) * (W + x) ** (4 - k),
    ),
    (
        "x minus w",
        "(x - w) ** 4",
        "4!/(4-k)! u^(4-k)",
        lambda k, x: falling(4, k) * (x - W) ** (4 - k),
    ),
    (
        "w minus x",
        "(w - x) ** 4",
        "(-1)^k 4!/(4-k)! u^(4-k)",
        lambda k, x: (-1) ** k * falling(4, k) * (W - x) ** (4 - k),
    ),
    ("minus x", "(-x) ** 5", "-5!/(5-k)! x^(5-k)", lambda k, x: -falling(5, k) * x ** (5 - k)),
    ("x times x", "x * x * x * x", "4!/(4-k)! x^(4-k)", lambda k, x: falling(4, k) * x ** (4 - k)),
    (
        "x over x plus w",
        "x / (x + w)",
        "y = 1 - w / (x + w): -(-1)^k k! w (x + w)^(-1-k)",
        lambda k, x: -((-1) ** k) * math.factorial(k) * W * (x + W) ** (-1.0 - k),
    ),
    (
        "one over x",
        "1 / x",
        "(-1)^k k! x^(-1-k)",
        lambda k, x: (-1) ** k * math.factorial(k) * x ** (-1.0 - k),
    ),
    ("a power of x", "x ** 5", "5!/(5-k)! x^(5-k)", lambda k, x: falling(5, k) * x ** (5 - k)),
    (
        "a negative power of x",
        "x ** -3",
        "(-3)(-4)... x^(-3-k)",
        lambda k, x: falling(-3, k) * x ** (-3.0 - k),
    ),
    (
        "sin x",
        "sin(x)",
        "sin(x + k pi/2)",
        lambda k, x: [exact.cos(x), -exact.sin(x), -exact.cos(x)][k - 1],
    ),
    (
        "cos x",
        "cos(x)",
        "cos(x + k pi/2)",
        lambda k, x: [-exact.sin(x), -exact.cos(x), exact.sin(x)][k - 1],
    ),
    ("tanh x", "tanh(x)", "1 - y^2, -2 y y', (6 y^2 - 2) y'", tanh_derivative),
    ("exp x", "exp(x)", "e^x", lambda k, x: exact.exp(x)),
    (
        "log x",
        "log(x * x)",
        "2 log |x|: -2 (-1)^k (k-1)! x^(-k)",
        lambda k, x: -2 * (-1) ** k * math.factorial(k - 1) * x ** (-1.0 * k),
    ),
]
CHAPTERS = {
    "sin": (34, FUNCTIONS),
    "cos": (34, FUNCTIONS),
    "tanh": (35, ("functions", "tanh")),
    "exp": (36, ARRAY_FUNCTIONS),
    "log": (36, ARRAY_FUNCTIONS),
}


def steps(k, again):
    """Lines that differentiate k - 1 times with a graph, and once more without."""
    return ["y.backward(create_graph=True)", again, "x.cleargrad()"] * (k - 1) + ["y.backward()"]


for words, code, formula, derivative in ELEMENTWISE:
    function = code.partition("(")[0]
    chapter, needs = CHAPTERS.get(function, (31, ()))
    imports = [f"from dezero.functions import {function}"] if needs else []
    CASES += [
        Case(
            statement=f"derivative {k} of {words} is right",
            program="\n".join(
                [
                    *imports,
                    f"x, w = Variable(array({X.tolist()})), Variable(array({W.tolist()}))",
                    f"y = {code}",
                    *steps(k, "y = x.grad"),
                    "x.grad",
                ]
            ),
            expect=derivative(k, X).tolist(),
            source=f"y = {code}, k = {k}: {formula}",
            chapter=max(chapter, 32 if k > 1 else 31),
            group="order",
            needs=(*needs, "create_graph") if k > 1 else needs,
            rel=1e-13,
            abs=1e-14,
            level="core",
        )
        for k in (1, 2, 3)
    ]

# --- and of each function of arrays, along a direction, where all numbers are whole ---

DATA = np.array([[1.0, 2.0, -1.0], [3.0, 1.0, 2.0]])
ALONG = np.array([[1.0, -1.0, 2.0], [2.0, 1.0, -2.0]])
MATRIX, TURN = DATA[:, :2], ALONG[:, 1:]


def weights(shape):
    return np.arange(1.0, math.prod(shape) + 1).reshape(shape)


def of_fourth_power(linear, k):
    """The k-th derivative of sum(w (F(x + t v))^4) by t at 0 for a linear F."""
    there = linear(DATA)
    return float(
        np.sum(weights(there.shape) * falling(4, k) * there ** (4 - k) * linear(ALONG) ** k)
    )


def of_product(k):
    """The k-th derivative of sum(w (x + t v)^4), matrix products, by t at 0: the product rule."""
    factors = [TURN] * k + [MATRIX] * (4 - k)
    products = [np.linalg.multi_dot(order) for order in permutations(factors)]
    return float(np.sum(weights((2, 2)) * sum(products))) / math.factorial(4 - k)


ARRAYWISE: list[tuple[str, str, Callable[..., np.ndarray] | None]] = [
    ("sum", "sum(x, axis=0) ** 4", lambda x: np.sum(x, axis=0)),
    ("sum_to", "sum_to(x, (2, 1)) ** 4", lambda x: np.sum(x, axis=1, keepdims=True)),
    (
        "broadcast_to",
        "broadcast_to(x, (2, 2, 3)) ** 4",
        lambda x: np.broadcast_to(x, (2, 2, 3)),
    ),
    ("reshape", "reshape(x, (3, 2)) ** 4", lambda x: np.reshape(x, (3, 2))),
    ("transpose", "transpose(x) ** 4", np.transpose),
    ("matmul", "matmul(x, matmul(x, matmul(x, x)))", None),
]
for function, code, linear in ARRAYWISE:
    data, along = (DATA, ALONG) if linear else (MATRIX, TURN)
    shape = linear(data).shape if linear else data.shape
    CASES += [
        Case(
            statement=f"derivative {k} of {function} is right",
            program="\n".join(
                [
                    "from dezero.functions import " + ", ".join(sorted({function, "sum"})),
                    f"x, v = Variable(array({data.tolist()})), array({along.tolist()})",
                    f"y = sum({code} * array({weights(shape).tolist()}))",
                    *steps(k, "y = sum(x.grad * v)"),
                    "sum(x.grad * v)",
                ]
            ),
            expect=of_fourth_power(linear, k) if linear else of_product(k),
            source=f"derivative {k} by t at 0 of the weighted sum of {code}, at x + t v: "
            + ("4!/(4-k)! F(x)^(4-k) F(v)^k" if linear else "v in k of the four places"),
            chapter=36,
            group="order",
            needs=(
                *ARRAY_FUNCTIONS,
                *(["uneven reshape"] if function == "reshape" else []),
                *(["create_graph"] if k > 1 else []),
            ),
            level="core",
        )
        for k in (1, 2, 3)
    ]

# --- the walk ---


def ladder(pairs):
    """How many ways lead from the last of these sums to the leaf, by counting."""
    ways = [1]
    for i, j in pairs:
        ways.append(ways[i] + ways[j])
    return sum(ways[1:])


# Each sum takes an early and a late one, so that short and long ways alternate.
PAIRS = [(i, (7 * i * i + 3 * i) % (i + 1)) for i in range(24)]
case = partial(Case, chapter=31, group="single-faults", level="dezero")
CASES += [
    case(
        statement="a graph of crossing sums has one gradient for each way through it",
        program=f"""
            x = Variable(array(1.0))
            sums = [x]
            for i, j in {PAIRS}:
                sums.append(sums[j] + sums[i])
            y = sums[1]
            for term in sums[2:]:
                y = term + y
            y.backward()
            x.grad
        """,
        expect=float(ladder(PAIRS)),
        source="the derivative of x + x by x along each way is 1; the ways are counted forwards",
        level="core",
    ),
    case(
        statement="a generation comes from the latest input, left or right",
        program="""
            x = Variable(array(2.0))
            h = x * x * x
            [y.generation for y in (x + h, h + x, x * h, h * x, x - h, h / x)]
        """,
        expect=[3] * 6,
        source="h has generation 2, and a result one more than the largest of its inputs",
        level="book",
    ),
    case(
        statement="a backward without create_graph runs with recording off",
        program="""
            class Watching(dezero.Function):
                def forward(self, x):
                    return x * 1.0

                def backward(self, gy):
                    modes.append(dezero.Config.enable_backprop)
                    return gy

            modes = []
            Watching()(Variable(array(2.0))).backward()
            modes, dezero.Config.enable_backprop
        """,
        expect=[[False], True],
        source="contract: without create_graph nothing is recorded, and the mode comes back",
        level="book",
    ),
    case(
        statement="a mode that is assigned holds until it is assigned again",
        program="""
            x = Variable(array(2.0))
            dezero.Config.enable_backprop = False
            y = x * x
            dezero.Config.enable_backprop = True
            z = x * x
            y.creator is None, z.creator is None
        """,
        expect=[True, False],
        source="the modes are attributes of Config; the book's engine is switched so, too",
        level="book",
    ),
    case(
        statement="a gradient that is a view of another's memory is copied",
        program="""
            class Both(dezero.Function):
                def forward(self, x0, x1):
                    return x0[::-1] + x1

                def backward(self, gy):
                    if isinstance(gy, Variable):
                        return Variable(gy.data[::-1]), gy
                    return gy[::-1], gy

            x0, x1 = Variable(array([1.0, 2.0])), Variable(array([3.0, 4.0]))
            y = Both()(x0, x1)
            y.backward(retain_grad=True)
            gradient = raw(x0.grad)
            gradient[0] = 99.0
            x0.grad, x1.grad, y.grad
        """,
        expect=[[99.0, 1.0], [1.0, 1.0], [1.0, 1.0]],
        source="contract: changing one Variable's gradient array never changes another's",
        needs=("mutability", "negative steps"),
        level="hygiene",
    ),
    case(
        statement="a gradient that is a constant is an ordinary Variable to compute with",
        program="""
            x = Variable(array(2.0))
            y = 3.0 * x
            y.backward(create_graph=True)
            g = x.grad
            z = g * g
            z.backward()
            z, g.grad
        """,
        expect=[9.0, 6.0],
        source="z = g^2 with g = 3: 9, and 2 g = 6",
        chapter=32,
        needs=("create_graph",),
    ),
]

# --- constants ---

TWICE = """
class Twice(dezero.Function):
    def forward(self, x):
        return x * 2.0

    def backward(self, gy):
        return gy * 2.0

"""
CASES += [
    case(
        statement="what a function gives for a constant has no creator",
        program=TWICE + "y = Twice()(array(2.0))\ny, y.creator, y.generation",
        expect=[4.0, None, 0],
        source="contract: a raw array is a constant, and costs nothing that could be left out",
    ),
    case(
        statement="what a function gives for a constant gets no gradient",
        program=TWICE
        + "x, c = Variable(array(5.0)), Twice()(array(2.0))\n"
        + "(x * c).backward()\nx.grad, c.grad",
        expect=[4.0, None],
        source="contract: a constant gets no gradient; d(4 x)/dx = 4",
        level="book",
    ),
    case(
        statement="a constant times x of the same value is not the square of x",
        program=TWICE
        + "x, c = Variable(array(2.0)), Twice()(array(1.0))\n"
        + "(c * x).backward()\nx.grad",
        expect=2.0,
        source="c x at c = x = 2 has the derivative c = 2, where x^2 has 2 x = 4",
        level="book",
    ),
    case(
        statement="an integer NumPy scalar is a number as an exponent",
        program="""
            x = Variable(array(2.0))
            y = x ** host(3, "int64")[()]
            y.backward()
            y, x.grad
        """,
        expect=[8.0, 12.0],
        source="x^3 and 3 x^2 at 2",
        level="dtype",
    ),
]

# --- errors that say what to do ---

NEVER_FLOATING = """
class Positive(dezero.Function):
    def forward(self, x0, x1):
        return {forward}

    def backward(self, gy):
        return gy, gy

"""
CASES += [
    case(
        statement="an error in a forward names the function and its inputs",
        program="""
            try:
                said = Variable(array([[1.0], [2.0]])) + Variable(array([[1.0], [2.0], [3.0]]))
            except (RuntimeError, TypeError, ValueError) as error:  # as the array library likes
                said = "; ".join(getattr(error, "__notes__", []))
            name = str(array(0.0).dtype)
            f"in Add.forward; inputs: Variable (2, 1) {name}, Variable (3, 1) {name}" in said
        """,
        expect=True,
        source="contract: an error says what was given: function, type, shape, dtype",
        level="dezero",
    ),
    case(
        statement="a forward without an output is an error that says so",
        program="""
            class Nothing(dezero.Function):
                def forward(self, x):
                    return ()

            Nothing()(Variable(array(2.0)))
        """,
        expect=Raises("TypeError", r"one output or more[\s\S]*in Nothing\.forward"),
        source="contract: no message says only what is wrong: it says what to do",
    ),
    case(
        statement="computing with a Variable without data says to assign it",
        program="Variable(None) * Variable(array(2.0))",
        expect=Raises("TypeError", r"no data to compute with: assign its \.data first"),
        source="contract: no message says only what is wrong: it says what to do",
    ),
    case(
        statement="backward of a Variable without data says to assign it",
        program="Variable(None).backward()",
        expect=Raises("TypeError", r"no data to differentiate: assign its \.data first"),
        source="contract: no message says only what is wrong: it says what to do",
    ),
    case(
        statement="a boolean result of floating data is not differentiated",
        program=NEVER_FLOATING.format(forward="x0 > x1")
        + "x0, x1 = Variable(array(2.0)), Variable(array(1.0))\nPositive()(x0, x1).backward()",
        expect=Raises("TypeError", r"only real floating-point data .* \(\) \S*bool"),
        source="contract: differentiating boolean data is a TypeError at backward()",
        level="dtype",
    ),
    case(
        statement="an integer leaf of a floating result gets no gradient",
        program=NEVER_FLOATING.format(forward="x0 * 1.0")
        + "x0, x1 = Variable(array(2.0)), Variable(array(1, dtype='int64'))\n"
        + "Positive()(x0, x1).backward()",
        expect=Raises("TypeError", r"only real floating-point data .* \(\) \S*int64"),
        source="contract: differentiating integer data is a TypeError at backward()",
        level="dtype",
    ),
    *[
        case(
            statement=f"{words} of a Variable without data is a TypeError",
            program=code.format("Variable(None)"),
            expect=Raises("TypeError", "expected an array, got None"),
            source="contract: no user error ends in a bare AttributeError",
        )
        for words, code in [
            ("the dtype", "{}.dtype"),
            ("the size", "{}.size"),
            ("the number of axes", "{}.ndim"),
            ("the length", "len({})"),
        ]
    ],
    case(
        statement="the number of axes is not the length of the first",
        program="[Variable(array(v)).ndim for v in ([1.0, 2.0, 3.0], [[1.0]], [[[1.0], [2.0]]])]",
        expect=[1, 2, 3],
        source="the shapes are (3,), (1, 1) and (1, 2, 1)",
        level="book",
    ),
    case(
        statement="a transpose that leaves an axis out says how many it orders",
        program="""
            from dezero.functions import transpose

            transpose(Variable(array([[1.0, 2.0], [3.0, 4.0]])), (0,))
        """,
        expect=Raises("ValueError", r"axes has to order all 2 axes of the shape \(2, 2\)"),
        source="contract: an error says what was given and what to do",
        chapter=36,
        needs=ARRAY_FUNCTIONS,
    ),
    *[
        case(
            statement=f"matmul with a number {side} is an error that names MatMul",
            program=f"""
                from dezero.functions import matmul

                number, vector = Variable(array(2.0)), Variable(array([1.0]))
                matmul({operands})
            """,
            expect=Raises("ValueError", r"in MatMul\.forward; inputs: .*Variable \(\)"),
            source="a matrix product takes operands of one axis or more, in NumPy and the standard",
            chapter=36,
            needs=(*ARRAY_FUNCTIONS, "shape errors"),
        )
        for side, operands in [
            ("on the left", "number, vector"),
            ("on the right", "vector, number"),
        ]
    ],
]

# --- matmul beyond matrices, and shapes that stay ---

LEFT = np.arange(12.0).reshape(2, 1, 2, 3)
RIGHT = np.arange(12.0).reshape(2, 1, 3, 2) - 5.0
COLUMN = np.array([2.0, -1.0, 3.0])
SEED = np.array([[[[1.0, -2.0], [3.0, 0.5]]], [[[2.0, 1.0], [-1.0, 4.0]]]])
CASES += [
    case(
        statement=f"matmul of {words} has the value and both gradients",
        program=f"""
            from dezero.functions import matmul

            x0, x1 = Variable(array({x0.tolist()})), Variable(array({x1.tolist()}))
            y = matmul(x0, x1)
            (y * array({seed.tolist()})).backward()
            y, x0.grad, x1.grad
        """,
        expect=[(x0 @ x1).tolist(), gx0.tolist(), gx1.tolist()],
        source="y = x0 x1, gy x1^T and x0^T gy for each matrix of the stack",
        chapter=36,
        needs=ARRAY_FUNCTIONS,
        level="core",
    )
    for words, x0, x1, seed, gx0, gx1 in [
        (
            "two stacks of stacks",
            LEFT,
            RIGHT,
            SEED,
            SEED @ np.swapaxes(RIGHT, 2, 3),
            np.swapaxes(LEFT, 2, 3) @ SEED,
        ),
        (
            "a stack and a vector",
            LEFT[:, 0],
            COLUMN,
            SEED[:, 0, 0],
            SEED[:, 0, 0, :, None] * COLUMN,
            np.einsum("bij,bi->j", LEFT[:, 0], SEED[:, 0, 0]),
        ),
    ]
]

# Each of these has nothing to do. A result that were the leaf itself would be overwritten by its
# backward, as a root is, and named and seeded in the leaf's place.
NOTHING_TO_DO = """\
from dezero.functions import broadcast_to, reshape, sum, sum_to, transpose

w, m = Variable(array(3.0)), Variable(array([[3.0]]))
results = [f(v, v.shape) for f in (broadcast_to, reshape, sum_to) for v in (w, m)]
results += [sum(w), sum(w, ()), sum(w, keepdims=True), sum(m, 0, True), sum(m, ())]
results += [transpose(w), transpose(m, 0, 1)]
leaves = [y.creator.inputs[0] for y in results]
"""
CASES += [
    case(
        statement=statement,
        program=NOTHING_TO_DO + dedent(program),
        expect=expect,
        source="contract: a function's result is always a new Variable",
        chapter=36,
        needs=ARRAY_FUNCTIONS,
    )
    for statement, program, expect in [
        (
            "a result is a new Variable also where there is nothing to do",
            "[y is w or y is m for y in results], [y.ndim for y in results]",
            [[False] * 13, [0, 2] * 3 + [0, 0, 0, 2, 2, 0, 2]],
        ),
        (
            "backward of a result that equals its operand adds up in the operand",
            """
                grads = []
                for y, x in zip(results, leaves):
                    x.cleargrad()
                    (x ** 2).backward()
                    y.backward()
                    grads.append(float(on_host(x.grad.data).ravel()[0]))
                grads
            """,
            [7.0] * 13,
        ),
        (
            "naming a result that equals its operand does not rename the operand",
            """
                for y in results:
                    y.name = "y"
                w.name, m.name
            """,
            [None, None],
        ),
        (
            "seeding a result that equals its operand does not seed the operand",
            """
                for y in results:
                    y.grad = Variable((y * 0.0 + 5.0).data)
                before = w.grad, m.grad
                for y in results:
                    y.backward()
                before, w.grad, m.grad
            """,
            [[None, None], 35.0, [[30.0]]],
        ),
    ]
]
