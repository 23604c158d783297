"""The contract of the engine: what a Variable is, what the walk does, and how errors read."""

import math
from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="A", level="book")

# Functions of a user, with a backward that is right for arrays and for Variables.
TRIPLE = """\
class Triple(dezero.Function):
    def forward(self, x):
        return x * 3.0

    def backward(self, gy):
        return gy * 3.0

"""
SPLIT = """\
class Split(dezero.Function):
    def forward(self, x):
        return x * 2.0, x * 3.0

    def backward(self, gy0, gy1):
        return gy0 * 2.0 + gy1 * 3.0

x = Variable(array(1.0))
"""
LEFT_OUT = """\
class LeftOut(dezero.Function):
    def forward(self, x0, x1):
        return x0 * 2.0 + x1 * 3.0

    def backward(self, gy):
        return {returned}

x = Variable(array(1.0))
"""

# --- what a Variable is made of ---

CASES = [
    case(
        statement=f"Variable of {named} is a TypeError that names the type",
        program=f"Variable({given})",
        expect=Raises("TypeError", rf"\b{kind}\b"),
        source="contract: a message says what was given, with its type, and what to do",
    )
    for named, given, kind in [
        ("a float", "1.0", "float"),
        ("a list", "[1.0]", "list"),
        ("a NumPy scalar", "numpy_scalar(1.0)", r"float\d\d"),
        ("a string", "'a'", "str"),
        ("a Variable", "Variable(array(1.0))", "Variable"),
    ]
]

CASES += [
    case(
        statement="a Variable of None has no gradient, no creator and generation 0",
        program="""
            x = Variable(None)
            x.data, x.grad, x.creator, x.generation, repr(x)
        """,
        expect=[None, None, None, 0, "variable(None)"],
        source="contract: Variable(None) is a Variable without data",
    ),
    case(
        statement="a Variable holds the array it is given, not a copy",
        program="data = array([1.0, 2.0])\nVariable(data).data is data",
        expect=True,
        source="contract: data is the array; the graph sees an assignment, not a change inside",
    ),
    case(
        statement="generations count the longest way from a leaf",
        program="""
            x = Variable(array(2.0))
            a = x * x
            b = a * x
            c = b + x
            x.generation, a.generation, b.generation, c.generation, b.creator.generation
        """,
        expect=[0, 1, 2, 3, 1],
        source="a function has its inputs' largest generation, its outputs one more",
    ),
    case(
        statement="a creator knows its inputs, in order, and its output",
        program="""
            x, w = Variable(array(2.0)), Variable(array(3.0))
            y = x * w
            f = y.creator
            f.inputs[0] is x, f.inputs[1] is w, len(f.inputs), f.outputs[0]() is y
        """,
        expect=[True, True, 2, True],
        source="the graph is made of creators, inputs and weak references to outputs",
    ),
    case(
        statement="the same Variable twice is two inputs",
        program="""
            x = Variable(array(2.0))
            [v is x for v in (x * x).creator.inputs]
        """,
        expect=[True, True],
        source="x * x is a function of two operands that happen to be one Variable",
    ),
    case(
        statement="a constant operand has no creator and generation 0",
        program="""
            x = Variable(array(2.0))
            c = (x * x * 5.0).creator.inputs[1]
            c.creator, c.generation
        """,
        expect=[None, 0],
        source="contract: a raw operand is a constant, a Variable in the graph without a creator",
    ),
    case(
        statement="a constant that is a number has the shape of a 0-d array",
        program="""
            x = Variable(array([2.0]))
            c = (x * 5.0).creator.inputs[1]
            c.shape, c.ndim, c.size, dtype_name(c)
        """,
        expect=[[], 0, 1, "float64"],
        source="contract: a number is a Variable in the graph, and one can ask it what any can",
    ),
    case(
        statement="a constant operand has no name and no gradient",
        program="""
            x = Variable(array(2.0), "x")
            y = x * 5.0
            y.backward()
            c = y.creator.inputs[1]
            c, c.name, c.grad
        """,
        expect=[5.0, None, None],
        source="contract: a constant gets no gradient; a name is what a user gives",
        level="dezero",
    ),
]

CASES += [
    case(
        statement=f"the creator of {words} is a {name}",
        program=f"a = b = Variable(array(3.0))\ntype(({form}).creator).__name__",
        expect=name,
        source="one class per operation; a picture of the graph shows its name",
        level="dezero",
    )
    for words, form, name in [
        ("a sum", "a + b", "Add"),
        ("a difference", "a - b", "Sub"),
        ("a number minus x", "2.0 - a", "Sub"),
        ("a product", "a * b", "Mul"),
        ("a quotient", "a / b", "Div"),
        ("a number over x", "2.0 / a", "Div"),
        ("minus x", "-a", "Neg"),
        ("a power", "a ** 3", "Pow"),
    ]
]

# --- 0-d results ---

ZERO_D = [
    ("a + b", "a + b", 31, ()),
    ("a - b", "a - b", 31, ()),
    ("a * b", "a * b", 31, ()),
    ("a / b", "a / b", 31, ()),
    ("-a", "-a", 31, ()),
    ("a ** 2", "a ** 2", 31, ()),
    ("c + a", "1.0 + a", 31, ()),
    ("c - a", "1.0 - a", 31, ()),
    ("c * a", "3.0 * a", 31, ()),
    ("c / a", "1.0 / a", 31, ()),
    ("sin a", "sin(a)", 34, ("functions",)),
    ("cos a", "cos(a)", 34, ("functions",)),
    ("tanh a", "tanh(a)", 35, ("functions", "tanh")),
    ("exp a", "exp(a)", 36, ("functions", "array_functions")),
    ("log a", "log(a)", 36, ("functions", "array_functions")),
]
SIGNS = {"+": "plus", "-": "minus", "**": "to the power of", "*": "times", "/": "over"}


def in_words(form):
    """`form` with its signs spelled out: an id of a case has letters and digits only."""
    for sign, word in SIGNS.items():
        form = form.replace(f"{sign}", f" {word} ")
    return " ".join(form.replace("(", " of ").replace(")", "").split())


for form, code, chapter, needs in ZERO_D:
    zero_d = partial(
        case,
        chapter=chapter,
        needs=needs,
        source="contract: results on 0-d data are 0-d arrays, and so are gradients",
    )
    leaves = "a, b = Variable(array(3.0)), Variable(array(2.0))\n"
    if needs:
        leaves = f"from dezero.functions import {form.split()[0]}\n" + leaves
    CASES += [
        zero_d(
            statement=f"{in_words(form)} holds a 0-d array where its operands do",
            program=leaves + f"y = {code}\nkind(y.data), y.shape",
            expect=["array", []],
        ),
        zero_d(
            statement=f"{in_words(form)} of 0-d data has a 0-d gradient",
            program=leaves
            + dedent(f"""
                y = {code}
                y.backward()
                kind(raw(a.grad)), a.grad.shape
            """),
            expect=["array", []],
        ),
    ]

# --- order of the walk ---

CASES += [
    case(
        statement="a Variable used twice gets both gradients before it passes them on",
        program="""
            x = Variable(array(2.0))
            a = x ** 2
            y = a ** 2 + a ** 2
            y.backward()
            y, x.grad
        """,
        expect=[32.0, 64.0],
        source="y = 2 x^4 = 32, y' = 8 x^3 = 64 at 2",
        level="core",
    ),
    *[
        case(
            statement=f"unequal branches meet in order: {in_words(form)}",
            program=f"""
                x = Variable(array(2.0))
                a = x * x
                b = a * 1.0 * 1.0 * 1.0
                y = {form}
                y.backward()
                x.grad
            """,
            expect=answer,
            source=f"b = a = x^2, so y = {polynomial}, whose derivative at 2 is {answer:g}",
            level="core",
        )
        for form, polynomial, answer in [
            ("a * b", "x^4", 32.0),
            ("b * a", "x^4", 32.0),
            ("a * b + x", "x^4 + x", 33.0),
            ("x + b * a", "x^4 + x", 33.0),
            ("b + x * x * a", "x^2 + x^4", 36.0),
        ]
    ],
    case(
        statement="60 doublings take 60 steps of the walk",
        program="""
            x = Variable(array(1.0))
            y = x
            for _ in range(60):
                y = y + y
            y.backward()
            x.grad
        """,
        expect=2.0**60,
        source="y = 2^60 x; a walk along every path would never end",
        level="core",
    ),
    case(
        statement="a function's backward runs once however many paths lead to it",
        program=dedent("""
            calls = []

            class Triple(dezero.Function):
                def forward(self, x):
                    return x * 3.0

                def backward(self, gy):
                    calls.append(1)
                    return gy * 3.0

            x = Variable(array(1.0))
            a = Triple()(x)
            y = a * 1.0 + a * a + (a + a)
            y.backward()
            len(calls), x.grad
        """),
        expect=[1, 27.0],
        source="y = a^2 + 3a with a = 3x: dy/dx = 3 (2a + 3) = 27 at 1",
    ),
    *[
        case(
            statement=f"a function's backward waits for the longest way to it: {in_words(form)}",
            program=dedent(f"""
                given = []

                class Triple(dezero.Function):
                    def forward(self, x):
                        return x * 3.0

                    def backward(self, gy):
                        given.extend(values(gy))
                        return gy * 3.0

                x = Variable(array([1.0]))
                a = Triple()(x)
                b = a * 2.0 * 2.0 * 2.0
                y = {form}
                y.backward(retain_grad=True)
                given, a.grad, x.grad
            """),
            expect=[[slope], [slope], [3.0 * slope]],
            source=f"b = 8 a and a = 3, so dy/da = {slope:g}, given once; dy/dx is its triple",
        )
        for form, slope in [("a * b", 48.0), ("b * a", 48.0), ("a + b", 9.0), ("b + a", 9.0)]
    ],
    case(
        statement="functions of one generation are walked first in, first out",
        program="""
            order = []

            class Named(dezero.Function):
                def __init__(self, name):
                    self.name = name

                def forward(self, x):
                    return x * 1.0

                def backward(self, gy):
                    order.append(self.name)
                    return gy * 1.0

            x = Variable(array(1.0))
            a, b, c, d = [Named(name)(x) for name in "abcd"]
            ((a + b) + (c + d)).backward()
            "".join(order)
        """,
        expect="abcd",
        source="contract: by generation, in a table for each, first in first out among equals",
        level="dezero",
    ),
    case(
        statement="a chain of thousands of functions is walked without recursion",
        program="""
            x = Variable(array(3.0))
            y = x
            for _ in range(chain_length()):
                y = y + 0.0
            y.backward()
            del y
            x.grad
        """,
        expect=1.0,
        source="contract: nothing recurses; the derivative of x + 0 + ... + 0 is 1",
        level="core",
    ),
    *[
        case(
            statement=f"a tree of {n} leaves gives each leaf its gradient",
            program=f"""
                leaves = [Variable(array(1.0)) for _ in range({n})]
                level = leaves
                while len(level) > 1:
                    odd = level[len(level) // 2 * 2 :]
                    level = [a + b for a, b in zip(level[::2], level[1::2])] + odd
                (level[0] * 3.0).backward()
                level[0], all(values(x.grad) == 3.0 for x in leaves)
            """,
            expect=[float(n), True],
            source="y = 3 (x1 + ... + xn): every derivative is 3",
            level="core",
        )
        for n in (500, 4000)
    ],
]

# --- operands ---

OPERATORS = [
    ("+", lambda a, b: a + b, lambda a, b: 1.0, lambda a, b: 1.0),
    ("-", lambda a, b: a - b, lambda a, b: 1.0, lambda a, b: -1.0),
    ("*", lambda a, b: a * b, lambda a, b: b, lambda a, b: a),
    ("/", lambda a, b: a / b, lambda a, b: 1.0 / b, lambda a, b: -a / b**2),
]
X, SCALAR, ROW = [2.0, -0.5], [6.0, 6.0], [6.0, -3.0]

for sign, value, slope0, slope1 in OPERATORS:
    operands = partial(
        case,
        source="contract: a raw operand is a constant and takes the Variable's array module",
        rel=1e-15,
    )
    CASES += [
        operands(
            statement=f"{shown} {SIGNS[sign]} a Variable is a Variable",
            program=f"""
                x = Variable(array({X}))
                y = {left} {sign} x
                y.backward()
                kind(y), kind(y.data), y, x.grad
            """,
            expect=[
                "Variable",
                "array",
                [value(a, b) for a, b in zip(c, X)],
                [slope1(a, b) for a, b in zip(c, X)],
            ],
        )
        for shown, left, c in [
            ("a NumPy array", "host([6.0, -3.0])", ROW),
            ("a NumPy scalar", "numpy_scalar(6.0)", SCALAR),
            ("a float", "6.0", SCALAR),
            ("an int", "6", SCALAR),
        ]
    ]
    CASES += [
        operands(
            statement=f"a Variable {SIGNS[sign]} {shown} is a Variable",
            program=f"""
                x = Variable(array({X}))
                y = x {sign} {right}
                y.backward()
                kind(y), kind(y.data), y, x.grad
            """,
            expect=[
                "Variable",
                "array",
                [value(a, b) for a, b in zip(X, c)],
                [slope0(a, b) for a, b in zip(X, c)],
            ],
        )
        for shown, right, c in [
            ("an array", "array([6.0, -3.0])", ROW),
            ("a NumPy array", "host([6.0, -3.0])", ROW),
            ("a NumPy scalar", "numpy_scalar(6.0)", SCALAR),
            ("a float", "6.0", SCALAR),
            ("an int", "6", SCALAR),
        ]
    ]

CASES += [
    case(
        statement=f"{words} is a TypeError that names its type",
        program=f"x = Variable(array([2.0]))\n{form}",
        expect=Raises("TypeError", named),
        source="contract: a message says what was given, with its type, and what to do",
        level="dezero",
    )
    for words, form, named in [
        ("x plus None", "x + None", "NoneType"),
        ("None minus x", "None - x", "NoneType"),
        ("x times a string", "x * 'a'", "str"),
        ("a string times x", "'a' * x", "str"),
        ("x plus a list", "x + [1.0]", "list"),
        ("a list over x", "[1.0] / x", "list"),
        ("x minus a dict", "x - {}", "dict"),
        ("x over an object", "x / object()", "object"),
    ]
]

CASES += [
    case(
        statement="x to the power of a Variable is a TypeError that says what to write",
        program="x = Variable(array(2.0))\nx ** x",
        expect=Raises("TypeError", r"exp\("),
        source="contract: x ** Variable is a TypeError that says what to write instead",
        level="dezero",
    ),
    case(
        statement="a number to the power of x is a TypeError that says what to write",
        program="x = Variable(array(2.0))\n2 ** x",
        expect=Raises("TypeError", r"exp\("),
        source="contract: 2 ** x is a TypeError that says what to write instead",
        level="dezero",
    ),
    *[
        case(
            statement=f"no gradient is computed for a constant {sign} x",
            program=f"""
                x = Variable(array(1e200, "float64"))
                y = ({form} - 1e200) * 1e200
                y.backward()
                x.grad
            """,
            expect=1e200,
            source="contract: a constant costs no gradient arithmetic; here it overflows and warns",
            needs=("float64",),
            quiet=True,
            level="dezero",
        )
        for sign, form in [("times", "1.0 * x"), ("that divides", "x / 1.0")]
    ],
    case(
        statement="a number of a class derived from float is a number",
        program="""
            class Metres(float):
                pass

            x = Variable(array(2.0))
            y = Metres(3.0) * x
            y.backward()
            kind(y.data), y, x.grad
        """,
        expect=["array", 6.0, 3.0],
        source="what a float can do, a class derived from it can: y = 3 x",
    ),
    case(
        statement="a NumPy scalar is a number as an exponent",
        program="x = Variable(array(-3.0))\ny = x ** numpy_scalar(2.0)\ny.backward()\ny, x.grad",
        expect=[9.0, -6.0],
        source="x^2 at -3",
    ),
    case(
        statement="shapes that do not fit are a ValueError of the operation",
        program="""
            x = Variable(array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
            w = Variable(array([1.0, 2.0, 3.0, 4.0]))
            x + w
        """,
        expect=Raises("ValueError", r"\(2, ?3\).*\(4,\)"),
        source="(2, 3) and (4,) do not broadcast",
        group="K",
        needs=("shape errors",),
    ),
    case(
        statement="an operation on a Variable without data is a TypeError",
        program="Variable(None) + 1.0",
        expect=Raises("TypeError", "None"),
        source="contract: no user error ends in a bare AttributeError",
        level="dezero",
    ),
    case(
        statement="backward of a Variable without data is a TypeError",
        program="Variable(None).backward()",
        expect=Raises("TypeError", "None"),
        source="contract: no user error ends in a bare AttributeError",
        level="dezero",
    ),
    case(
        statement="the shape of a Variable without data is a TypeError",
        program="Variable(None).shape",
        expect=Raises("TypeError", "None"),
        source="contract: no user error ends in a bare AttributeError",
        level="dezero",
    ),
    case(
        statement="data that is no array cannot be assigned",
        program="x = Variable(array(1.0))\nx.data = [1.0, 2.0]\nx",
        expect=Raises("TypeError", "list"),
        source="contract: data is an array; the message names the type",
        level="dezero",
    ),
]

# --- exponents that are arrays ---

# Each of these to the power of each of those: nought, too, on either side.
BASES = [x for x in (0.0, 2.0, -3.0) for _ in range(5)]
EXPONENTS = [0.0, 1.0, 2.0, 3.0, 4.0] * 3


def of_powers(order, bases=BASES, exponents=EXPONENTS):
    """The derivative of x^c of this order, number by number: c (c-1) ... x^(c-order)."""
    return [
        math.perm(int(c), order) * x ** (c - order) if c >= order else 0.0
        for x, c in zip(bases, exponents)
    ]


array_exponent = partial(case, source="c is a constant: (x^c)' = c x^(c-1), and 0 for c = 0")
CASES += [
    array_exponent(
        statement="x to the power of an array has its value and its gradient",
        program=f"""
            x = Variable(array({BASES}))
            y = x ** array({EXPONENTS})
            y.backward()
            y, x.grad
        """,
        expect=[of_powers(0), of_powers(1)],
    ),
    *[
        array_exponent(
            statement=f"derivative {order} of x to the power of an array, nought included",
            program=f"""
                x = Variable(array({BASES}))
                y = x ** array({EXPONENTS})
                for _ in range({order - 1}):
                    y.backward(create_graph=True)
                    y = x.grad
                    x.cleargrad()
                y.backward()
                x.grad
            """,
            expect=of_powers(order),
            chapter=32,
            needs=("create_graph",),
        )
        for order in (2, 3, 4)
    ],
    array_exponent(
        statement="x to the power of fractions and negative numbers in an array",
        program="""
            x = Variable(array([4.0, 2.0, 4.0]))
            y = x ** array([0.5, -1.0, -1.5])
            y.backward()
            y, x.grad
        """,
        expect=[[2.0, 0.5, 0.125], [0.25, -0.25, -1.5 / 32.0]],
        rel=1e-15,
    ),
    array_exponent(
        statement="a negative number has no power that is not whole",
        program="x = Variable(array([-2.0, 4.0]))\nx ** 0.5, x ** -1.5, x ** 2.0",
        expect=[[math.nan, 2.0], [math.nan, 0.125], [4.0, 16.0]],
        source="among the real numbers; IEEE 754 has nan for it",
        warns=True,
    ),
    array_exponent(
        statement="an array of NumPy is an exponent for arrays of any kind",
        program="""
            x = Variable(array([2.0, 0.0, -3.0]))
            y = x ** host([2.0, 1.0, 0.0])
            y.backward()
            kind(y.data), y, x.grad
        """,
        expect=["array", [4.0, 0.0, 1.0], [4.0, 1.0, 0.0]],
    ),
    array_exponent(
        statement="an array of exponents takes the shapes that broadcast to it",
        program="""
            x = Variable(array(3.0))
            y = x ** array([[0.0, 1.0], [2.0, 3.0]])
            y.backward()
            y, x.grad
        """,
        expect=[[[1.0, 3.0], [9.0, 27.0]], 34.0],
        source="1, x, x^2, x^3 at 3, and the sum of their derivatives: 0 + 1 + 6 + 27",
        chapter=36,
        needs=("broadcast",),
    ),
    array_exponent(
        statement="each row to its own power",
        program="""
            x = Variable(array([[1.0, 2.0], [3.0, 0.0]]))
            y = x ** array([[2.0], [1.0]])
            y.backward()
            y, x.grad
        """,
        expect=[[[1.0, 4.0], [3.0, 0.0]], [[2.0, 4.0], [1.0, 1.0]]],
    ),
    *[
        array_exponent(
            statement=f"{words} is a number as an exponent, for float32 too",
            program=f"""
                x, w = Variable(array([-3.0, 0.0])), Variable(array([-3.0, 0.0], "float32"))
                y, z = x ** {c}, w ** {c}
                y.backward()
                z.backward()
                y, x.grad, dtype_name(z), w.grad, dtype_name(w.grad)
            """,
            expect=[[9.0, 0.0], [-6.0, 0.0], "float32", [-6.0, 0.0], "float32"],
            level="dtype",
            source="x^2 at -3 and 0; a number takes the Variable's dtype",
        )
        for words, c in [
            ("a 0-d host array", "host(2.0)"),
            ("a 0-d integer array", "host(2, 'int64')"),
            ("a scalar", "numpy_scalar(2.0)"),
        ]
    ],
    array_exponent(
        statement="a 0-d array is a constant exponent, and the third derivative is 0 at 0",
        program="""
            x = Variable(array(0.0))
            y = x ** array(2.0)
            values = [y.data]
            for _ in range(3):
                y.backward(create_graph=True)
                y = x.grad
                x.cleargrad()
                values.append(y.data)
            values
        """,
        expect=[0.0, 0.0, 2.0, 0.0],
        source="x^2, 2 x, 2, 0 at 0",
        chapter=32,
        needs=("create_graph",),
    ),
    *[
        case(
            statement=f"x to the power of {words} is a TypeError that shows it",
            program=f"x = Variable(array(2.0))\nx ** {c}",
            expect=Raises("TypeError", shown),
            level="dezero",
            source="contract: a message says what was given, and what to do",
        )
        for words, c, shown in [
            ("a list", "[1.0, 2.0]", r"an array of them, not list \[1\.0, 2\.0\]"),
            ("None", "None", "an array of them, not None"),
            ("a complex number", "2j", "an array of them, not complex 2j"),
            (
                "complex numbers",
                "array([1j, 2j], 'complex64')",
                r"an array of them, not \w+ \(2,\) \S*complex64",
            ),
            (
                "a Variable of numbers",
                "Variable(array([1.0, 2.0]))",
                r"not Variable \(2,\) .* write exp\(c \* log\(x\)\)",
            ),
        ]
    ],
]

# --- leaves as roots ---

CASES += [
    case(
        statement="backward of a leaf sets its own gradient to ones",
        program="x = Variable(array([3.0, -4.0]))\nx.backward()\nx.grad",
        expect=[1.0, 1.0],
        source="contract: backward() of a leaf sets its own gradient to ones",
        level="core",
    ),
    case(
        statement="backward of a leaf twice still gives ones",
        program="x = Variable(array([3.0, -4.0]))\nx.backward()\nx.backward()\nx.grad",
        expect=[1.0, 1.0],
        source="contract: it sets the gradient; the root's gradient is not added up",
        level="core",
    ),
    case(
        statement="backward of a result made under no_grad is that of a leaf",
        program="""
            x = Variable(array(3.0))
            with dezero.no_grad():
                y = x * x
            y.backward()
            y.grad, x.grad
        """,
        expect=[1.0, None],
        source="contract: not a crash; what was not recorded has no creator, as a leaf has none",
        level="dezero",
    ),
    case(
        statement="backward of what constants alone gave is no crash",
        program="""
            x = Variable(array(2.0))
            y = (x * 3.0).creator.inputs[1] * 2.0
            y.backward()
            x.grad
        """,
        expect=None,
        source="contract: a constant gets no gradient and gives none",
    ),
    case(
        statement="a leaf that the root does not reach keeps None",
        program="""
            x, w = Variable(array(3.0)), Variable(array(4.0))
            y, z = x * x, w * w
            y.backward()
            w.grad, z.grad
        """,
        expect=[None, None],
        source="contract: a leaf the root does not reach keeps None",
        level="core",
    ),
]

# --- functions of a user ---

CASES += [
    case(
        statement="a function of a user takes part in the graph",
        program=TRIPLE
        + dedent("""
            x = Variable(array([1.0, -2.0]))
            y = Triple()(x) * x
            y.backward()
            x.grad
        """),
        expect=[6.0, -12.0],
        source="y = 3 x^2, y' = 6 x",
    ),
    case(
        statement="one Function instance is one application",
        program=TRIPLE + "f = Triple()\nf(Variable(array(1.0)))\nf(Variable(array(2.0)))",
        expect=Raises("RuntimeError", "Triple.*(one application|new one)"),
        source="contract: calling it a second time is a clear error",
        level="dezero",
    ),
    case(
        statement="one instance is one application under no_grad as well",
        program=TRIPLE
        + dedent("""
            f = Triple()
            with dezero.no_grad():
                f(Variable(array(1.0)))
            f(Variable(array(2.0)))
        """),
        expect=Raises("RuntimeError", "Triple.*(one application|new one)"),
        source="contract: calling it a second time is a clear error",
        level="dezero",
    ),
    case(
        statement="a Function without forward is a NotImplementedError",
        program="dezero.Function()(Variable(array(1.0)))",
        expect=Raises("NotImplementedError", "forward"),
        source="forward is for the subclass to define; the message says so",
        level="dezero",
    ),
    case(
        statement="a Function without backward is a NotImplementedError",
        program="""
            class Same(dezero.Function):
                def forward(self, x):
                    return x * 1.0

            Same()(Variable(array(1.0))).backward()
        """,
        expect=Raises("NotImplementedError", "Same.*backward"),
        source="backward is for the subclass to define; the message names the function",
        level="dezero",
    ),
    *[
        case(
            statement=f"a forward that returns {what} is a TypeError",
            program=f"""
                class Bad(dezero.Function):
                    def forward(self, x):
                        return {returned}

                Bad()(Variable(array(1.0)))
            """,
            expect=Raises("TypeError", named),
            source="contract: a message says what was given and its type",
            level="dezero",
        )
        for what, returned, named in [
            ("None", "None", "NoneType"),
            ("a string", "'a'", "str"),
        ]
    ],
    *[
        case(
            statement=f"a backward with {what} names function, inputs, gradients",
            program=f"""
                class Bad(dezero.Function):
                    def forward(self, x0, x1):
                        return x0 + x1

                    def backward(self, gy):
                        return {returned}

                x0 = Variable(array([[1.0, 2.0, 3.0]], "float32"))
                x1 = Variable(array([[4.0], [5.0]], "float32"))
                y = Bad()(x0, x1)
                y.backward()
            """,
            expect=Raises(
                error,
                r"Bad\.backward.*\(1, 3\) \S*float32.*\(2, 1\) \S*float32.*returned.*" + shown,
            ),
            source="contract: the error names the function, its inputs, and what was returned",
            level="dezero",
        )
        for what, returned, error, shown in [
            ("too few gradients", "gy", "TypeError", r"\(2, 3\) \S*float32"),
            ("too many gradients", "(gy, gy, gy)", "TypeError", r"(\(2, 3\) \S*float32.*){3}"),
            ("no gradients", "()", "TypeError", "nothing"),
            ("a float", "(2.5, None)", "TypeError", "float 2.5, None"),
            ("a string", "(None, 'abc')", "TypeError", "None, str 'abc'"),
            ("a wrong shape", "(None, gy)", "ValueError", r"None, \w+ \(2, 3\) \S*float32"),
        ]
    ],
    case(
        statement="a backward may return its gradients as a list",
        program="""
            class Times(dezero.Function):
                def forward(self, x0, x1):
                    return x0 * 3.0 + x1 * 2.0

                def backward(self, gy):
                    return [gy * 3.0, gy * 2.0]

            x0, x1 = Variable(array(1.0)), Variable(array(1.0))
            Times()(x0, x1).backward()
            x0.grad, x1.grad
        """,
        expect=[3.0, 2.0],
        source="contract: what counts is a gradient for each input",
        level="dezero",
    ),
    case(
        statement="a function of 300 inputs hands each its gradient",
        program="""
            class Sum(dezero.Function):
                def forward(self, *xs):
                    return sum(xs)

                def backward(self, gy):
                    return (gy,) * 300

            xs = [Variable(array(float(n))) for n in range(300)]
            Sum()(*xs).backward()
            xs[0].grad, xs[299].grad
        """,
        expect=[1.0, 1.0],
        source="the derivative of a sum by each of its terms is 1",
        level="book",
    ),
    case(
        statement="a gradient of float32 becomes float64 where its Variable is",
        program="""
            class Coarser(dezero.Function):
                def forward(self, x0, x1):
                    return x1 * 2.0

                def backward(self, gy):
                    return gy * 2.0, gy * 2.0

            x = [Variable(array([1.0, 1.0], dtype)) for dtype in ("float64", "float32")]
            y = Coarser()(*x)
            y.backward()
            dtype_name(y), [(x.grad, dtype_name(x.grad)) for x in x]
        """,
        expect=["float32", [[[2.0, 2.0], "float64"], [[2.0, 2.0], "float32"]]],
        source="contract: a gradient has its Variable's dtype",
        level="dtype",
    ),
    case(
        statement="a Parameter is a gradient as any other Variable is",
        program="""
            class Twice(dezero.Function):
                def forward(self, x):
                    return x * 2.0

                def backward(self, gy):
                    return dezero.Parameter(array(2.0))

            x = Variable(array(1.0))
            Twice()(x).backward()
            x.grad
        """,
        expect=2.0,
        source="contract: a subclass of Variable is a Variable; (2 x)' = 2",
        needs=("create_graph",),
        without={"create_graph": Raises("AttributeError", "Parameter")},
        chapter=32,
        level="dezero",
    ),
    case(
        statement="a backward that returns the result itself does not give it away",
        program="""
            class Square(dezero.Function):
                def forward(self, x):
                    return x * x

                def backward(self, gy):
                    return self.outputs[0]()  # right where x is 2, and gy 1

            x = Variable(array([2.0, 2.0]))
            y = Square()(x)
            y.backward(create_graph=True)
            x.grad is y, x.grad
        """,
        expect=[False, [4.0, 4.0]],
        source="contract: no two Variables share a gradient; (x^2)' = 2 x, which is x^2 at 2",
        needs=("create_graph",),
        chapter=32,
        level="hygiene",
    ),
    case(
        statement="a raw array as a gradient is a TypeError where Variables are due",
        program="""
            class Raw(dezero.Function):
                def forward(self, x):
                    return x * 3.0

                def backward(self, gy):
                    return array(3.0)

            x = Variable(array(1.0))
            Raw()(x).backward()
            x.grad
        """,
        expect=Raises("TypeError", r"Raw\.backward.*Variable \(\) .*returned: [^V].*\(\) "),
        source="contract: backward takes and returns arrays in step31 and Variables from step32 on",
        needs=("create_graph",),
        without={"create_graph": 3.0},
        chapter=32,
        level="dezero",
    ),
    case(
        statement="a Variable as a gradient is a TypeError where arrays are due",
        program="""
            class Wrapped(dezero.Function):
                def forward(self, x):
                    return x * 3.0

                def backward(self, gy):
                    return Variable(array(3.0))

            x = Variable(array(1.0))
            Wrapped()(x).backward()
            x.grad
        """,
        expect=3.0,
        source="contract: backward takes and returns arrays in step31 and Variables from step32 on",
        needs=("create_graph",),
        without={"create_graph": Raises("TypeError", r"Wrapped\.backward.*returned: Variable")},
    ),
    case(
        statement="backward is given Variables",
        program="""
            given = []

            class Same(dezero.Function):
                def forward(self, x):
                    given.append(kind(x))
                    return x * 1.0

                def backward(self, gy):
                    given.append(kind(gy))
                    return gy * 1.0

            Same()(Variable(array(1.0))).backward()
            given
        """,
        expect=["array", "Variable"],
        source="contract: forward takes arrays; backward takes arrays in step31, Variables later",
        needs=("create_graph",),
        without={"create_graph": ["array", "array"]},
        chapter=32,
    ),
]

# --- several outputs, None for a gradient ---

CASES += [
    *[
        case(
            statement=f"of two outputs, {used} can be used",
            program=SPLIT + f"a, b = Split()(x)\ny = {form}\ny.backward()\nx.grad",
            expect=answer,
            source=f"a = 2 x and b = 3 x: {formula}",
        )
        for used, form, formula, answer in [
            ("the first", "a + 0.0", "a' = 2", 2.0),
            ("the second", "b + 0.0", "b' = 3", 3.0),
            ("both", "a * b", "(6 x^2)' = 12 at 1", 12.0),
            ("the first as the root itself", "a", "a' = 2", 2.0),
            ("the second as the root itself", "b", "b' = 3", 3.0),
        ]
    ],
    *[
        case(
            statement=f"an output that is dropped contributes nothing: {kept} stays",
            program=SPLIT + f"{kept} = Split()(x)[{i}]\n({kept} * {kept}).backward()\nx.grad",
            expect=answer,
            source=f"{kept} = {i + 2} x: ({kept}^2)' = {answer:g} at 1",
            level="dezero",
        )
        for i, kept, answer in [(0, "a", 8.0), (1, "b", 18.0)]
    ],
    case(
        statement="an output that is deleted later contributes nothing",
        program=SPLIT + "a, b = Split()(x)\ny = a * a\ndel b\ny.backward()\nx.grad",
        expect=8.0,
        source="contract: an output that is unused, or already dropped, contributes nothing",
        level="dezero",
    ),
    case(
        statement="several outputs come as a list of Variables with one creator",
        program=SPLIT + "ys = Split()(x)\nkind(ys), len(ys), ys[0].creator is ys[1].creator",
        expect=["list", 2, True],
        source="contract: several outputs are returned as a list",
        level="dezero",
    ),
    case(
        statement="several outputs of 0-d data are 0-d arrays",
        program=SPLIT + "[(kind(y.data), y.shape) for y in Split()(x)]",
        expect=[["array", []], ["array", []]],
        source="contract: results on 0-d data are 0-d arrays, and so are gradients",
    ),
    case(
        statement="an unused output of another dtype gets zeros of its dtype",
        program="""
            class Both(dezero.Function):
                def forward(self, x0, x1):
                    return x0 * 1.0, x1 * 1.0

                def backward(self, gy0, gy1):
                    dtypes.append((dtype_name(gy0), dtype_name(gy1)))
                    return None, None

            dtypes = []
            x0, x1 = array(1.0, "float32"), array(2.0, "float64")
            single, double = Both()(Variable(x0), Variable(x1))
            single.backward()
            dtypes
        """,
        expect=[["float32", "float64"]],
        source="contract: an unused output contributes nothing, that is a gradient of zeros",
        needs=("float64",),
        level="dtype",
    ),
    case(
        statement="an unused output of another shape gets zeros of its shape",
        program="""
            class Ends(dezero.Function):
                def forward(self, x):
                    return x[:2] * 1.0, x[2:] * 1.0

                def backward(self, gy0, gy1):
                    shapes.append((gy0.shape, gy1.shape, dtype_name(gy1)))
                    return None

            shapes = []
            x = Variable(array([1.0, 2.0, 3.0, 4.0, 5.0], "float32"))
            head, tail = Ends()(x)
            (head * 2.0).backward()
            shapes
        """,
        expect=[[[2], [3], "float32"]],
        source="contract: an unused output contributes nothing, that is a gradient of zeros",
        level="dtype",
    ),
    *[
        case(
            statement=f"None beside a gradient contributes nothing: {what}",
            program=LEFT_OUT.format(returned=returned) + f"{y}.backward()\nx.grad",
            expect=answer,
            source="None says that there is no gradient; the other operand's is left alone",
        )
        for what, returned, y, answer in [
            ("None first", "None, gy * 3.0", "LeftOut()(x, x)", 3.0),
            ("None second", "gy * 3.0, None", "LeftOut()(x, x)", 3.0),
            ("beyond a product", "None, gy * 3.0", "LeftOut()(x * 5.0, x)", 3.0),
            ("beside a product", "gy * 3.0, None", "LeftOut()(x, x * 5.0)", 3.0),
            ("for the only way", "None, gy * 3.0", "LeftOut()(x, Variable(array(1.0)))", None),
        ]
    ],
    case(
        statement="a gradient that a backward gives for a number is left out",
        program=LEFT_OUT.format(returned="gy * 2.0, gy * 3.0")
        + "LeftOut()(x, 5.0).backward()\nx.grad",
        expect=2.0,
        source="contract: a constant gets no gradient",
        level="dezero",
    ),
    case(
        statement="a gradient that a backward gives for an array is left out",
        program=LEFT_OUT.format(returned="gy * 2.0, gy * 3.0")
        + """\
y = LeftOut()(x, array(5.0))
y.backward(retain_grad=True)
x.grad, y.creator.inputs[1].grad
""",
        expect=[2.0, None],
        source="contract: a constant gets no gradient",
        level="dezero",
    ),
]

# --- x ** c and a / b at the edges ---

CASES += [
    *[
        case(
            statement=f"x to the power of {c!r} has the derivative {slope:g} at 0",
            program=f"x = Variable(array(0.0))\ny = x ** {c}\ny.backward()\nx.grad",
            expect=slope,
            source="c x^(c-1), which is 1 for c = 1 and 0 for c = 0, 2, 3",
            group="B",
            level="core",
        )
        for c, slope in [(0, 0.0), (1, 1.0), (2, 0.0), (3, 0.0), (0.0, 0.0), (1.0, 1.0)]
    ],
    *[
        case(
            statement=f"{a:g} over {b:g} has finite gradients",
            program=f"""
                a, b = Variable(array({a})), Variable(array({b}))
                (a / b).backward()
                a.grad, b.grad
            """,
            expect=[da, db],
            source="d(a/b)/da = 1/b and d(a/b)/db = -(a/b)/b, all of them finite",
            needs=("float64",),
            without={"float64": Raises("OverflowError", "float32 has no such number")},
            rel=1e-14,
            group="B",
            level="core",
        )
        for a, b, da, db in [
            (1e-200, 1e-200, 1e200, -1e200),
            (1e250, 1e200, 1e-200, -1e-150),
            (-3e-180, 2e-170, 5e169, 7.5e159),
        ]
    ],
]

# --- 0-d results, which NumPy makes scalars of ---

CASES += [
    case(
        statement="the data of a 0-d result is one array, however often it is read",
        program="""
            y = Variable(array(2.0)) * 3.0 + 1.0
            y.data is y.data, kind(y.data)
        """,
        expect=[True, "array"],
        source="contract: results of arithmetic on 0-d data are 0-d arrays",
    ),
    case(
        statement="what is written into the data of a 0-d result stays there",
        program="""
            y = Variable(array(2.0)) * 3.0 + 1.0
            y.data[...] = 5.0
            y
        """,
        expect=5.0,
        needs=("mutability",),
        source="contract: .data is the array",
    ),
    case(
        statement="a user's forward gets arrays, also in the middle of a 0-d program",
        program="""
            class Same(dezero.Function):
                def forward(self, x):
                    seen.append(kind(x))
                    return x * 1.0

                def backward(self, gy):
                    return gy * 1.0

            seen = []
            x = Variable(array(2.0))
            (Same()(x * 3.0 + 1.0) * 2.0).backward()
            seen, x.grad
        """,
        expect=[["array"], 6.0],
        source="contract: forward takes and returns arrays; (2 (3 x + 1))' = 6",
    ),
    case(
        statement="a user's forward may answer with a number",
        program="""
            class Half(dezero.Function):
                def forward(self, x):
                    return 0.5

            y = Half()(Variable(array(2.0)))
            float(y.data), tuple(y.data.shape)
        """,
        expect=[0.5, []],
        source="contract: results are arrays, never numbers",
        level="dezero",
    ),
    case(
        statement="a user's forward may answer with several numbers",
        program="""
            class Halves(dezero.Function):
                def forward(self, x):
                    return 0.5, 1.5

            y0, y1 = Halves()(Variable(array(2.0)))
            float(y0.data), float(y1.data), tuple(y1.data.shape)
        """,
        expect=[0.5, 1.5, []],
        source="contract: results are arrays, never numbers",
        level="dezero",
    ),
    *[
        case(
            statement=f"reading the data of a 0-d leaf made by no_grad is no assignment: {words}",
            program=f"""
                with dezero.no_grad():
                    h = Variable(array({value})) * 3.0
                y = h * h
                h.data
                y.backward()
                h.grad
            """,
            expect=expect,
            source="d(h h)/dh = 2 h",
        )
        for words, value, expect in [("6", "2.0", 12.0), ("nan", "math.nan", float("nan"))]
    ],
    case(
        statement="assigning another number to a 0-d leaf made by no_grad is noticed",
        program="""
            with dezero.no_grad():
                h = Variable(array(2.0)) * 3.0
            y = h * h
            h.data = array(7.0)
            y.backward()
        """,
        expect=Raises("RuntimeError", "was assigned after"),
        source="contract: assigning between a forward and its backward is an error",
        level="dezero",
    ),
]
