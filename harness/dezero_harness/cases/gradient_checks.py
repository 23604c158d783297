"""`dezero.utils` checks derivatives by differences: of the engine's functions, of a user's own.

That the engine's functions pass says as much of the check as of them, so there are functions with
one mistake each, and the check has to name its order, its element, and what to look at.
"""

import math
from dataclasses import replace
from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises
from .array_functions import LINEAR
from .first_order import ARRAY_FUNCTIONS, FORMS, OPERATIONS, TANH, draw

RECORDED = ("create_graph",)
ORDER = Raises("TypeError", "order [23] needs backward.create_graph=True.*the stage step32 brings")
SOURCE = "each derivative is what the differences of the one below it are"
TIGHT = "rtol=1e-8, atol=1e-8"  # differences are good to some 1e-11 of f and its derivatives

case = partial(Case, group="checks", level="dezero", chapter=31, source=SOURCE, expect=True)


def third(**parts):
    """A case that asks for three orders, where the stage may have one."""
    return case(
        without={"create_graph": ORDER} if "create_graph" in parts["needs"] else {}, **parts
    )


def checked(f, *data, order=3, imports=""):
    """A program that checks f to this order, at these numbers."""
    xs = ", ".join(f"array({numbers})" for numbers in data[:1])
    xs += "".join(f", Variable(array({numbers}))" for numbers in data[1:])
    lines = [imports, "from dezero.utils import gradient_check", ""]
    return "\n".join([*lines, f"gradient_check({f}, {xs}, order={order}, {TIGHT})"])


CASES = []
for form in FORMS:
    for order in (1, 3):
        CASES.append(
            third(
                statement=f"gradient_check, order {order}: {form.words}",
                program=checked(
                    f"lambda x: {form.code}",
                    draw((2,), form.signed),
                    order=order,
                    imports=form.imports,
                ),
                needs=(*form.needs, *(RECORDED if order > 1 else ())),
                chapter=max(form.chapter, 32 if order > 1 else 31),
            )
        )
for operation in OPERATIONS:
    for order in (1, 3):
        CASES.append(
            third(
                statement=f"gradient_check, order {order}: a {operation.words} b",
                program=checked(
                    f"lambda a, b: a {operation.sign} b", draw((2,)), draw((2,)), order=order
                ),
                needs=RECORDED if order > 1 else (),
                chapter=32 if order > 1 else 31,
            )
        )
    for words, a, b in [("a row", (2, 2), (2,)), ("a column", (2, 1), (2, 2))]:
        CASES.append(
            third(
                statement=f"gradient_check, order 2: a {operation.words} b, {words} repeated",
                program=checked(f"lambda a, b: a {operation.sign} b", draw(a), draw(b), order=2),
                needs=(*RECORDED, "broadcast"),
                chapter=36,
            )
        )
for words, imports, code, _ in LINEAR:
    CASES.append(
        third(
            statement=f"gradient_check, order 2: the square of {words}",
            program=checked(
                f"lambda x: ({code}) * ({code})",
                draw((2, 3)),
                order=2,
                imports=f"from dezero.functions import {imports}",
            ),
            needs=ARRAY_FUNCTIONS,
            chapter=36,
        )
    )
for words, left, right in [
    ("two matrices", (3, 2), (2, 3)),
    ("a column and a row", (4, 1), (1, 3)),
    ("a matrix and a vector", (2, 3), (3,)),
    ("two vectors", (3,), (3,)),
    ("a stack and a matrix", (2, 1, 2), (2, 2)),
]:
    CASES.append(
        third(
            statement=f"gradient_check, order 2: matmul of {words}",
            program=checked(
                "matmul",
                draw(left),
                draw(right),
                order=2,
                imports="from dezero.functions import matmul",
            ),
            needs=ARRAY_FUNCTIONS,
            chapter=36,
        )
    )

# --- the answers of the other functions ---

CASES += [
    case(
        statement="array_equal compares shapes and elements, of arrays and Variables",
        program="""
            from dezero.utils import array_equal

            x, y = array([1.0, 2.0]), Variable(array([1.0, 2.0]))
            [
                array_equal(x, y), array_equal(y, y), array_equal(y, x * 1.0),
                array_equal(x, array([1.0, 2.5])), array_equal(y, array([[1.0, 2.0]])),
                array_equal(Variable(array(3.0)), 3), array_equal(array([3.0]), 3.0),
            ]
        """,
        expect=[True, True, True, False, False, True, False],
        source="as numpy.array_equal: the same shape and the same elements",
    ),
    case(
        statement="array_allclose allows 1e-5 and 1e-4 of the second operand",
        program="""
            from dezero.utils import array_allclose

            x = Variable(array([1.0, 100.0]))
            [
                array_allclose(x, array([1.0001, 100.009])),
                array_allclose(x, array([1.0002, 100.0])),
                array_allclose(x, array([1.0, 100.02])),
                array_allclose(array([0.0]), array([0.9e-5])),
                array_allclose(array([0.0]), array([1.1e-5])),
                array_allclose(x, array([1.105, 110.5]), rtol=0.1),
                array_allclose(array([1.105, 110.5]), x, rtol=0.1),
                array_allclose(x, array([1.1, 100.0]), rtol=0.0, atol=0.2),
            ]
        """,
        expect=[True, False, False, True, False, True, False, True],
        source="|a - b| <= atol + rtol |b|, the defaults those of the book",
    ),
    case(
        statement="numerical_grad is the gradient of the sum, of an array's kind",
        program="""
            from dezero.utils import numerical_grad

            found = []
            for x in (array([[1.0, -2.0], [0.5, 3.0]]), Variable(array([[1.0, -2.0], [0.5, 3.0]]))):
                gx = numerical_grad(lambda x, n: x ** n, x, n=3)
                found.append([gx, kind(gx), dtype_name(gx), x])
            found
        """,
        expect=[[[[3.0, 12.0], [0.75, 27.0]], "array", "float64", [[1.0, -2.0], [0.5, 3.0]]]] * 2,
        source="3 x^2; x is as it was",
        rel=1e-9,
    ),
    case(
        statement="numerical_grad of float32 numbers has float64's digits",
        program="""
            from dezero.utils import numerical_grad

            gx = numerical_grad(lambda x: x ** 3, Variable(array([0.5, -2.0], "float32")))
            gx, dtype_name(gx)
        """,
        expect=[[0.75, 12.0], "float64"],
        source="3 x^2; differences of float32 have three digits at best",
        rel=1e-9,
    ),
    case(
        statement="numerical_grad calls a function of arrays with arrays",
        program="""
            from dezero.utils import numerical_grad

            numerical_grad(lambda x: x * x / 4.0, array([1.0, 2.0]))
        """,
        expect=[0.5, 1.0],
        source="x / 2",
        rel=1e-9,
    ),
]

# --- what the check is given ---

SCALE = """\
from dezero.utils import gradient_check

class Cube(dezero.Function):
    def __init__(self, c=1.0):
        self.c = c

    def forward(self, x):
        return self.c * x ** 3

    def backward(self, gy):
        (x,) = self.inputs
        if not getattr(dezero, "is_simple_core", False):
            return gy * 3.0 * self.c * x ** 2
        return gy * 3.0 * self.c * x.data ** 2

"""


def own(text, functions=SCALE):
    return functions + dedent(text).lstrip()


CASES += [
    case(
        statement="gradient_check takes a Function's class, an instance, or a call",
        program=own("""
            x = array([1.0, -2.0])
            [
                gradient_check(Cube, x), gradient_check(Cube(2.0), x),
                gradient_check(lambda x: Cube(3.0)(x), x),
            ]
        """),
        expect=[True, True, True],
        source="one instance is one application, so each call takes a new one",
    ),
    third(
        statement="gradient_check takes a Function of the user's to order 3",
        program=own("gradient_check(Cube(2.0), array([[1.0, -2.0]]), order=3, rtol=1e-9)"),
        needs=RECORDED,
        chapter=32,
    ),
    case(
        statement="gradient_check takes numbers, float32, and f's keywords",
        program="""
            from dezero.utils import gradient_check

            def power(x, n=2, negative=False):
                return -(x ** n) if negative else x ** n

            [
                gradient_check(power, 1.5),
                gradient_check(power, Variable(array([0.5, 2.0], "float32")), rtol=1e-9),
                gradient_check(power, array([0.5, 2.0]), 3, negative=True, rtol=1e-9),
            ]
        """,
        expect=[True, True, True],
    ),
    case(
        statement="gradient_check takes a function of several results",
        program="""
            from dezero.utils import gradient_check

            gradient_check(lambda x, w: (x * w, x / w, w), array([2.0]), Variable(array([3.0])))
        """,
    ),
    third(
        statement="gradient_check, order 3: all partial derivatives of two arguments",
        program=checked("lambda x, w: x ** 3 * w ** 2 / (x * w + 5.0)", [0.5, -1.5], [2.0, -0.75]),
        needs=RECORDED,
        chapter=32,
    ),
    case(
        statement="gradient_check leaves all Variables as they were",
        program="""
            from dezero.utils import gradient_check

            x, w, c = Variable(array(2.0)), Variable(array(3.0)), Variable(array(4.0))
            y = x * w
            y.backward()
            gx, gw = x.grad, w.grad
            gradient_check(lambda x, w: x * w * c, x, w)
            [x, w, c], x.grad is gx, w.grad is gw, c.grad, dezero.Config.enable_backprop
        """,
        expect=[[2.0, 3.0, 4.0], True, True, None, True],
        source="a check answers a question, and changes nothing",
    ),
    case(
        statement="gradient_check works inside no_grad",
        program="""
            from dezero.utils import gradient_check

            with dezero.no_grad():
                right = gradient_check(lambda x: x * x, array(2.0))
                off = dezero.Config.enable_backprop
            right, off
        """,
        expect=[True, False],
        source="what it is asked for is a derivative, so it records",
    ),
    case(
        statement="gradient_check takes what is no floating Variable as a constant",
        program="""
            from dezero.utils import gradient_check

            counts = Variable(host([1, 2], "int64"))
            def f(x, c, n, factor):
                return x ** n * c * float(counts.data[0]) * factor

            gradient_check(f, array([1.5, -0.5]), array([2.0, 3.0]), 3, 2.0)
        """,
    ),
]

# --- what it finds ---

MISTAKES = """\
from dezero.utils import gradient_check

simple = getattr(dezero, "is_simple_core", False)

def data(x):
    return x.data if simple else x

class Product(dezero.Function):  # the sign of the second gradient is wrong
    def forward(self, x, w):
        return x * w

    def backward(self, gy):
        x, w = map(data, self.inputs)
        return gy * w, -gy * x

class Shift(dezero.Function):  # the gradient goes back in the wrong order
    def forward(self, x):
        return 1.0 * x[::-1]

    def backward(self, gy):
        return gy * 1.0

class Lost(dezero.Function):  # computes its gradient with arrays: there is no graph of it
    def forward(self, x):
        return x ** 3

    def backward(self, gy):
        (x,) = self.inputs
        return gy * (3.0 * x.data ** 2)

class Third(dezero.Function):  # right to the second order, and wrong in the third
    def forward(self, x):
        return x ** 4

    def backward(self, gy):
        (x,) = self.inputs
        return gy * (2.0 * x * x * x + 2.0 * Lost()(x))

class Shifted(dezero.Function):  # wrong in the first order; the others follow from it
    def forward(self, x):
        return x ** 2

    def backward(self, gy):
        (x,) = self.inputs
        return gy * (2.0 * x + 1.0)

class Nearly(dezero.Function):  # wrong in the fifth digit
    def forward(self, x):
        return x * 1.0

    def backward(self, gy):
        return gy * 1.00005

class Of(dezero.Function):  # right where x is positive
    def forward(self, x):
        return x ** 2

    def backward(self, gy):
        (x,) = self.inputs
        return gy * 2.0 * (data(x) * data(x)) ** 0.5

"""


def finds(statement, call, *words, error="AssertionError", **others):
    return case(
        statement=f"gradient_check {statement}",
        program=MISTAKES + call,
        expect=Raises(error, "(?s)" + ".*".join(words)),
        **others,
    )


two = partial(
    finds,
    needs=RECORDED,
    chapter=32,
    without={"create_graph": Raises("TypeError", r"order \d needs.*step32 brings")},
)
CASES += [
    finds(
        "finds a wrong sign in the second argument",
        "gradient_check(Product, array(2.0), Variable(array(3.0)))",
        r"derivative 1 of f by args\[0\] is wrong",
        r"expected 2.*differences of f",
        r"got -2",
        "Look at the backward of these functions: Product",
    ),
    finds(
        "finds a gradient in the wrong place",
        "gradient_check(Shift, array([1.0, 2.0, 3.0]))",
        r"derivative 1 of f by x\[0\] is wrong",
        "2 of 3 elements",
        "Shift",
        needs=("negative steps",),
    ),
    finds(
        "names the first element that is wrong",
        "gradient_check(Of, array([[1.0, 2.0], [3.0, -4.0], [-5.0, 6.0]]))",
        r"derivative 1 of f by x\[1, 1\] is wrong",
        "2 of 6 elements",
    ),
    finds(
        "is as strict as it is asked to be",
        "gradient_check(Nearly, array(2.0)) and gradient_check(Nearly, array(2.0), rtol=1e-5)",
        "derivative 1 of f by x is wrong",
        "expected 1 |expected 0.9999",
        "got 1.00005",
        "rtol 1e-05",
    ),
    finds(
        "finds x that leaves the graph in f",
        "gradient_check(lambda x: Variable(x.data * 1.0) * 3.0, array([2.0]))",
        r"derivative 1 of f by x\[0\] is wrong",
        "expected 3|expected 2.99999",
        "got no gradient at all",
        r"look for \.data or NumPy in f",
        "Mul",
    ),
    two(
        "finds that a derivative has no graph",
        "gradient_check(Lost, array([0.5, 2.0]), order=2)",
        r"derivative 2 of f by x\[0\] is wrong",
        "got no gradient at all",
        r"a backward that computes with arrays \(\.data, NumPy\)",
        "Functions: Lost",
    ),
    two(
        "finds what is wrong in the third order alone",
        "gradient_check(Third, array(2.0), order=2) and gradient_check(Third, array(2.0), order=3)",
        "derivative 3 of f by x is wrong",
        "expected 48|expected 47.9999",
        "got 24",
        "The derivatives below are right",
        "Functions: Third",
    ),
    two(
        "names the first order that is wrong",
        "gradient_check(Shifted, array(2.0), order=3)",
        "derivative 1 of f by x is wrong",
        "got 5",
    ),
    finds(
        "finds a function that is not finite",
        "gradient_check(lambda x: (x - x) / (x - x), array(1.0))",
        "f is not finite near this x",
        warns=True,
    ),
    finds(
        "finds a function that answers otherwise each time",
        "made = []\ngradient_check(lambda x: made.append(x) or x * float(len(made)), array(1.0))",
        "f answers otherwise when it is called again",
    ),
]

# --- what it refuses ---

refuses = partial(case, source="contract: an error says what was given and what to do")
for statement, call, error in [
    ("whole numbers", "(f, host([1, 2], 'int64'))", Raises("TypeError", r"int64.*floating dtype")),
    ("a whole number", "(f, 2)", Raises("TypeError", "write 1.0 for 1")),
    (
        "complex numbers",
        "(f, host([1j], 'complex64'))",
        Raises("TypeError", "complex64.*floating dtype"),
    ),
    ("a list", "(f, [1.0])", Raises("TypeError", r"expected an array, got \[1.0\]")),
    ("no numbers", "(f, host([[]] * 2))", Raises("ValueError", r"no elements.*\(2, 0\)")),
    ("the order 0", "(f, host(1.0), order=0)", Raises("ValueError", "1 or more, got 0")),
    ("the order 1.5", "(f, host(1.0), order=1.5)", Raises("TypeError", "whole number.*1.5")),
    ("the order True", "(f, host(1.0), order=True)", Raises("TypeError", "whole number.*True")),
    ("an array from f", "(lambda x: x.data, host(1.0))", Raises("TypeError", "returned ndarray")),
    ("None from f", "(lambda x: None, host(1.0))", Raises("TypeError", "returned None")),
    ("no results", "(lambda x: [], host(1.0))", Raises("TypeError", "has to return a Variable")),
    ("f(x) in place of f", "(f(x), x)", Raises("TypeError", "the function f itself, not Variable")),
    (
        "an f without x",
        "(lambda y: x * x, x)",
        Raises("ValueError", "does not depend on x.*has to be an argument"),
    ),
]:
    CASES.append(
        refuses(
            statement=f"gradient_check refuses {statement}",
            program=f"""
                from dezero.utils import gradient_check

                x = Variable(host(2.0))
                f = lambda x: x * x
                gradient_check{call}
            """,
            expect=error,
        )
    )

# --- the book's own unit tests, in other words ---

case = partial(Case, group="checks", level="dezero", source="the book's unit tests, in other words")
A = [[0.7, -1.2, 2.0], [1.5, 0.4, -0.6]]


def unit_test(words, f, data, expect, *slopes, imports="", chapter=31, needs=()):
    """A value, that it is no scalar of the array library, and derivatives of forms of f."""
    checks = "".join(f"gradient_check({g}, array({at})), " for g, at in slopes)
    return case(
        statement=f"as the book tests {words}",
        program=f"""
            {f"from dezero.functions import {imports}" if imports else ""}
            from dezero.utils import array_allclose, array_equal, gradient_check

            y = ({f})(Variable(array({data})))
            array_allclose(y, array({expect})), kind(y.data), {checks}
        """,
        expect=[True, "array", *[True] * len(slopes)],
        chapter=chapter,
        needs=needs,
    )


whole = partial(unit_test, chapter=36, needs=ARRAY_FUNCTIONS)
wide = partial(unit_test, chapter=36, needs=(*ARRAY_FUNCTIONS, "broadcast"))
CASES += [
    unit_test(
        "add",
        "lambda x: x + array([1.0, 2.0, 3.0])",
        [1.0, 2.0, 3.0],
        [2.0, 4.0, 6.0],
        (f"lambda x: x + array({A})", A),
        (f"lambda x: host({A}) + x", A),
    ),
    unit_test(
        "mul",
        "lambda x: x * array([1.0, 2.0, 3.0])",
        [1.0, 2.0, 3.0],
        [1.0, 4.0, 9.0],
        (f"lambda x: x * array({A})", A),
        ("lambda x: x * x", A),
    ),
    unit_test(
        "sub",
        "lambda x: host([1.0, 2.0, 3.0]) - x",
        [3.0, 2.0, 1.0],
        [-2.0, 0.0, 2.0],
        (f"lambda x: x - array({A})", A),
        ("lambda x: 1.0 - x", A),
    ),
    unit_test(
        "div",
        "lambda x: host([1.0, 2.0, 3.0]) / x",
        [2.0, 4.0, 8.0],
        [0.5, 0.5, 0.375],
        (f"lambda x: x / array({A})", A),
        (f"lambda x: host({A}) / x", A),
    ),
    unit_test("neg", "lambda x: -x", [1.0, -2.0], [-1.0, 2.0], ("lambda x: -x", A)),
    unit_test(
        "pow",
        "lambda x: x ** 3",
        [1.0, -2.0],
        [1.0, -8.0],
        ("lambda x: x ** 3", A),
        ("lambda x: x ** -1", A),
    ),
    unit_test(
        "a chain of operators",
        "lambda x: x ** 4 - 2 * x ** 2",
        2.0,
        8.0,
        ("lambda x: x ** 4 - 2 * x ** 2", A),
    ),
    unit_test(
        "sin and cos",
        "lambda x: sin(x) ** 2 + cos(x) ** 2",
        A,
        [[1.0] * 3] * 2,
        ("sin", A),
        ("cos", A),
        imports="cos, sin",
        chapter=34,
        needs=("functions",),
    ),
    unit_test(
        "tanh",
        "tanh",
        [[0.0, 1.0], [-2.0, 20.0]],
        [[0.0, math.tanh(1)], [-math.tanh(2), 1.0]],
        ("tanh", A),
        ("tanh", [30.0, -40.0]),
        imports="tanh",
        chapter=35,
        needs=TANH,
    ),
    whole(
        "exp and log",
        "lambda x: log(exp(x) * exp(x))",
        [1.0, 2.0],
        [2.0, 4.0],
        ("exp", A),
        ("log", [0.5, 2.0]),
        imports="exp, log",
    ),
    whole(
        "sum",
        "lambda x: sum(x, axis=0)",
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        [5.0, 7.0, 9.0],
        ("sum", 2.0),
        ("sum", A),
        ("lambda x: sum(x, axis=1)", A),
        ("lambda x: sum(x, axis=(0, 1), keepdims=True)", A),
        imports="sum",
    ),
    whole(
        "sum_to",
        "lambda x: sum_to(x, (2, 1))",
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        [[6.0], [15.0]],
        ("lambda x: sum_to(x, (1, 3))", A),
        ("lambda x: sum_to(x, (2, 3))", A),
        ("lambda x: sum_to(x, (1,))", [1.0, 2.0]),
        imports="sum_to",
    ),
    whole(
        "broadcast_to",
        "lambda x: broadcast_to(x, (2, 3))",
        [1.0, 2.0, 3.0],
        [[1.0, 2.0, 3.0]] * 2,
        ("lambda x: broadcast_to(x, (2, 3))", [1.0, 2.0, 3.0]),
        ("lambda x: broadcast_to(x, (2, 3))", [[1.0], [2.0]]),
        ("lambda x: broadcast_to(x, (2, 3))", A),
        imports="broadcast_to",
    ),
    whole(
        "reshape and transpose",
        "lambda x: reshape(transpose(x), (6,))",
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0],
        ("lambda x: reshape(x, (6,))", A),
        ("transpose", A),
        ("transpose", [1.0, 2.0]),
        imports="reshape, transpose",
    ),
    whole(
        "matmul",
        "lambda x: matmul(x, x)",
        [[1.0, 2.0], [3.0, 4.0]],
        [[7.0, 10.0], [15.0, 22.0]],
        (f"lambda x: matmul(x, array({A}))", [[1.0, 2.0], [0.5, -1.0]]),
        (f"lambda x: matmul(array({A}), x)", [[1.0], [0.5], [-1.0]]),
        (f"lambda x: matmul(array({A}), x)", [1.0, 0.5, -1.0]),
        imports="matmul",
    ),
    *[
        wide(
            f"{word} of shapes that broadcast",
            f"lambda x: x {sign} array([[2.0], [4.0]])",
            [8.0, 4.0],
            expect,
            (f"lambda x: x {sign} array({A})", [1.0, -2.0, 0.5]),
            (f"lambda x: host({A}) {sign} x", [[1.0], [-2.0]]),
            (f"lambda x: x {sign} array({A})", [[2.0]]),
            imports="sum",
        )
        for word, sign, expect in [
            ("add", "+", [[10.0, 6.0], [12.0, 8.0]]),
            ("sub", "-", [[6.0, 2.0], [4.0, 0.0]]),
            ("mul", "*", [[16.0, 8.0], [32.0, 16.0]]),
            ("div", "/", [[4.0, 2.0], [2.0, 1.0]]),
        ]
    ],
]


def in_float64(case):
    """Differences are taken in float64, wherever the check comes to calling f."""
    checks = "gradient_check(" in case.program or "numerical_grad(" in case.program
    refused = isinstance(case.expect, Raises) and case.expect.type in ("TypeError", "ValueError")
    return replace(case, needs=(*case.needs, "float64")) if checks and not refused else case


CASES = [in_float64(case) for case in CASES]
