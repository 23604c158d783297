"""What users' scripts write and other engines allow: right, or an error that says what to write.

Without the error the answer would be wrong without a word, or would come much later and elsewhere.
"""

from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="misuse", level="dezero")
FUNCTIONS, ARRAY_FUNCTIONS = ("functions",), ("functions", "array_functions")

CASES = []

# --- flags ---

CASES += [
    case(
        statement=f"backward({words}) is refused, and says how a seed is given",
        program=f"""
            x = Variable(array([1.0, 2.0]))
            y = x * x
            y.backward({given})
        """,
        expect=Raises("TypeError", r"is True or False, not .*y\.grad = seed"),
        source="contract: a flag is a bool; a seed is put into grad",
        needs=needs,
    )
    for words, given, needs in [
        ("seed", "Variable(array([1.0, 0.0]))", ()),
        ("1", "1", ()),
        ("retain_grad=None", "retain_grad=None", ()),
        ("create_graph=1", "create_graph=1", ("create_graph",)),
    ]
]
CASES += [
    case(
        statement="a backward that was refused a seed has changed nothing",
        program="""
            x = Variable(array([1.0, 2.0]))
            y = x * x
            try:
                y.backward(Variable(array([1.0, 0.0])))
            except TypeError:
                pass
            before = x.grad
            y.backward()
            before, x.grad
        """,
        expect=[None, [2.0, 4.0]],
        source="contract: bad input loses nothing; (x^2)' = 2 x",
        level="hygiene",
    ),
]

# --- a gradient that is None ---

CASES += [
    case(
        statement="computing with a gradient that is None says why it is None",
        program="""
            x, w = Variable(array(2.0)), Variable(array(3.0))
            (x * x).backward()
            w * w.grad
        """,
        expect=Raises("TypeError", "did not reach"),
        source="contract: the error says what to do",
    ),
]

# --- seeds of complex numbers ---

CASES += [
    case(
        statement="a complex seed is a TypeError",
        program="""
            x = Variable(array([1.0, 2.0]))
            y = x * x
            y.grad = Variable(array([1j, 2j], "complex64"))
            y.grad
        """,
        expect=Raises("TypeError", "real numbers.*complex"),
        source="contract: complex data has no derivative here, and a seed is data",
        chapter=32,
        needs=("create_graph",),
        without={"create_graph": Raises("TypeError", "an array of its shape")},
        level="dtype",
    ),
    case(
        statement="a complex array as a seed is a TypeError",
        program="""
            x = Variable(array([1.0, 2.0]))
            y = x * x
            y.grad = array([1j, 2j], "complex64")
            y.grad
        """,
        expect=Raises("TypeError", "real numbers.*complex|a Variable of its shape.*complex"),
        source="contract: complex data has no derivative here, and a seed is data",
        level="dtype",
    ),
]

# --- what NumPy does with what it does not know ---

NUMPY = dedent("""
    numpy_itself = host([1.0]).__array_namespace__()
    x = Variable(array([1.0, 2.0, 3.0]))
""")
CASES += [
    case(
        statement=f"{words} of a Variable is refused, in words that help",
        program=NUMPY + program,
        expect=Raises("TypeError", r"numpy\.\w+ would take a Variable apart.*write x\.data"),
        source="contract: NumPy never takes a Variable apart",
    )
    for words, program in [
        ("the method dot", "host([[1.0, 1.0, 1.0]]).dot(x)"),
        ("numpy.where", "numpy_itself.where(host([True, False, True]), x, x)"),
        ("numpy.stack", "numpy_itself.stack([x, x])"),
        ("numpy.array", "numpy_itself.array(x)"),
        ("numpy.asarray", "numpy_itself.asarray(x)"),
        ("numpy.array of a list", "numpy_itself.array([x, x])"),
        ("numpy.outer", "numpy_itself.outer(x, x)"),
        ("numpy.sum", "numpy_itself.sum(x)"),
        ("numpy.maximum", "numpy_itself.maximum(x, 0.0)"),
        ("numpy.add.reduce", "numpy_itself.add.reduce(x)"),
        ("numpy.float64", "numpy_itself.float64(x)"),
        ("numpy.add with a dtype", "numpy_itself.add(x, 1.0, dtype='float32')"),
        ("numpy.add with a where", "numpy_itself.add(x, 1.0, where=host([1, 0, 1], 'bool'))"),
        ("an array == x", "host([1.0, 1.0, 1.0]) == x"),
        ("an array below x", "host([1.0, 1.0, 1.0]) < x"),
    ]
]
CASES += [
    case(
        statement=f"numpy.{name} of a Variable names our {ours}, once it is there",
        group="names-ours",
        program=NUMPY
        + dedent(f"""
            import importlib
            import re

            try:
                numpy_itself.{name}({given})
            except TypeError as error:
                said = str(error)
            named = re.findall(r"dezero[.]functions[.](\\w+)", said)
            there = [importlib.import_module("dezero.functions") for _ in named]
            named, [functions.{ours}({given}).shape for functions in there], "the operators" in said
        """),
        expect=[[ours], [shape], False],
        source="contract: the error says what to write, and what it says can be written",
        chapter=chapter,
        needs=needs,
        without={capability: [[], [], True] for capability in needs},
    )
    for name, ours, given, shape, chapter, needs in [
        ("sin", "sin", "x", [3], 34, FUNCTIONS),
        ("cos", "cos", "x", [3], 34, FUNCTIONS),
        ("tanh", "tanh", "x", [3], 35, ("functions", "tanh")),
        ("exp", "exp", "x", [3], 36, ARRAY_FUNCTIONS),
        ("sum", "sum", "x", [], 36, ARRAY_FUNCTIONS),
        ("reshape", "reshape", "x, (3, 1)", [3, 1], 36, ARRAY_FUNCTIONS),
        ("dot", "matmul", "x, x", [], 36, ARRAY_FUNCTIONS),
        ("matmul", "matmul", "x, x", [], 36, ARRAY_FUNCTIONS),
    ]
]
CASES += [
    case(
        statement="a function of a module of NumPy is refused by its whole name",
        program=NUMPY + "numpy_itself.linalg.norm(x)",
        expect=Raises("TypeError", r"numpy\.linalg\.norm would take a Variable apart"),
        source="contract: an error says what was given",
    ),
    *[
        case(
            statement=f"{words} is refused: its operators differ",
            program=NUMPY + f"other = host([[1.0, 2.0, 3.0]]).view(numpy_itself.{name})\n{program}",
            expect=Raises("TypeError", match),
            source="contract: right, or an error that says what to write",
        )
        for words, name, program, match in [
            ("a matrix as data", "matrix", "Variable(other)", "operators mean something else"),
            ("a matrix as an operand", "matrix", "x * other", "operators mean something else"),
            ("a matrix as an exponent", "matrix", "x ** other", "an array of them, not matrix"),
            ("a masked array as data", "ma.MaskedArray", "Variable(other)", "something else"),
            ("a masked array as an operand", "ma.MaskedArray", "x * other", "something else"),
        ]
    ],
]
CASES += [
    case(
        statement=f"NumPy's {name} of an array and a Variable is the operator",
        program=NUMPY
        + dedent(f"""
            y = numpy_itself.{name}(host([2.0, 4.0, 8.0]), x)
            y.backward()
            y, x.grad
        """),
        expect=[value, gradient],
        source=formula,
        rel=1e-15,
    )
    for name, value, gradient, formula in [
        ("add", [3.0, 6.0, 11.0], [1.0, 1.0, 1.0], "a + x"),
        ("subtract", [1.0, 2.0, 5.0], [-1.0, -1.0, -1.0], "a - x"),
        ("multiply", [2.0, 8.0, 24.0], [2.0, 4.0, 8.0], "a x"),
        ("divide", [2.0, 2.0, 8.0 / 3.0], [-2.0, -1.0, -8.0 / 9.0], "a / x, by x: -a / x^2"),
    ]
]
CASES += [
    case(
        statement=f"{words} is the operator",
        program=NUMPY + f"y = numpy_itself.{program}\ny.backward()\ny, x.grad",
        expect=[value, gradient],
        source=formula,
    )
    for words, program, value, gradient, formula in [
        ("NumPy's negative", "negative(x)", [-1.0, -2.0, -3.0], [-1.0, -1.0, -1.0], "-x"),
        ("NumPy's power of a Variable", "power(x, 2)", [1.0, 4.0, 9.0], [2.0, 4.0, 6.0], "x^2"),
        (
            "NumPy's subtract with the Variable first",
            "subtract(x, host([2.0, 4.0, 8.0]))",
            [-1.0, -2.0, -5.0],
            [1.0, 1.0, 1.0],
            "x - a",
        ),
    ]
]
CASES += [
    case(
        statement="NumPy's power with a Variable as the exponent says what to write",
        program=NUMPY + "numpy_itself.power(2.0, x)",
        expect=Raises("TypeError", r"2\.0 \*\* Variable is not defined; write exp\("),
        source="contract: 2 ** x is a TypeError that says what to write instead",
    ),
]
CASES += [
    case(
        statement="data minus a Variable in place says to take its array",
        program="x = Variable(host([2.0]))\nx.data -= x\nx",
        expect=Raises("TypeError", r"numpy\.subtract cannot .*x\.data -= 0\.1 \* x\.grad\.data"),
        source="contract: the error says what to write",
    ),
    case(
        statement="data minus a gradient that is a Variable says to take its array",
        program="""
            x = Variable(host([2.0]))
            y = x * x
            y.backward(create_graph=True)
            x.data -= 0.1 * x.grad
            x
        """,
        expect=Raises("TypeError", r"numpy\.subtract cannot .*x\.data -= 0\.1 \* x\.grad\.data"),
        source="contract: the error says what to write",
        chapter=32,
        needs=("create_graph",),
    ),
    case(
        statement="a list of Variables is refused without the advice of NumPy",
        program="Variable([Variable(array(1.0))])",
        expect=Raises("TypeError", r"its \.data$"),
        source="contract: no advice leads into the next trap",
    ),
]

# --- what Python does with what it takes for a number, a list or a truth ---

CASES += [
    case(
        statement=f"{words} of a Variable says what to write",
        program=f"x = Variable(array(2.0))\n{program}",
        expect=Raises(kind, match),
        source="contract: right, or an error that says what to write",
    )
    for words, program, kind, match in [
        ("float", "float(x)", "TypeError", r"float\(x\.data\)"),
        ("int", "int(x)", "TypeError", r"int\(x\.data\)"),
        ("complex", "complex(x)", "TypeError", r"complex\(x\.data\)"),
        ("the truth", "bool(x)", "TypeError", "x.grad is not None"),
        ("an if", "1 if x else 2", "TypeError", "x.grad is not None"),
        ("greater", "x > 0", "TypeError", r"x\.data > 0"),
        ("less", "x < 0", "TypeError", r"x\.data > 0"),
        ("greater or equal", "x >= 0", "TypeError", r"x\.data > 0"),
        ("less or equal", "x <= 0", "TypeError", r"x\.data > 0"),
        ("the maximum", "max(x, x)", "TypeError", r"x\.data > 0"),
        ("abs", "abs(x)", "TypeError", r"abs\(x\.data\)"),
        ("an element", "x[0]", "TypeError", r"x\.data\[\.\.\.\]"),
        ("a list", "list(x)", "TypeError", r"no list; go through x\.data"),
        ("a loop", "[v for v in x]", "TypeError", r"no list; go through x\.data"),
        ("plus", "+x", "TypeError", r"\+x is not defined; write x$"),
        ("whole division", "x // 2", "TypeError", r"x\.data // y"),
        ("whole division by it", "2 // x", "TypeError", r"y // x\.data"),
        ("the remainder", "x % 2", "TypeError", r"x\.data % y"),
        ("the remainder by it", "2 % x", "TypeError", r"y % x\.data"),
        ("divmod", "divmod(x, 2)", "TypeError", r"divmod\(x\.data, y\)"),
        ("round", "round(x)", "TypeError", r"round\(float\(x\.data\)\)"),
        ("math.trunc", "import math\nmath.trunc(x)", "TypeError", r"int\(x\.data\)"),
        ("in", "2.0 in x", "TypeError", r"y in x\.data"),
        ("a new element", "x[0] = 1.0\nx", "TypeError", r"x\.data = \.\.\., a new array"),
        ("a format", "f'{x:.2f}'", "TypeError", r"\{float\(x\.data\):\.2f\}"),
        ("the operator @", "x @ x", "TypeError", r"dezero\.functions\.matmul"),
        ("the operator @ on the right", "2.0 @ x", "TypeError", r"dezero\.functions\.matmul"),
        ("the method sum", "x.sum()", "AttributeError", r"no 'sum'; write dezero\.functions\.sum"),
        ("the method reshape", "x.reshape(1)", "AttributeError", r"dezero\.functions\.reshape"),
        ("the attribute T", "x.T", "AttributeError", r"dezero\.functions\.transpose"),
        ("the method transpose", "x.transpose()", "AttributeError", r"functions\.transpose\(x\)"),
        ("the method mean", "x.mean()", "AttributeError", r"functions\.sum\(x\) / x\.size"),
        ("the method dot", "x.dot(x)", "AttributeError", r"dezero\.functions\.matmul\(x, y\)"),
        ("the method max", "x.max()", "AttributeError", r"x\.data\.max\(\)"),
        ("the method min", "x.min()", "AttributeError", r"x\.data\.min\(\)"),
        ("the method detach", "x.detach()", "AttributeError", r"Variable\(x\.data\)$"),
        ("the method astype", "x.astype('f4')", "AttributeError", r"x\.data\.astype\(dtype\)"),
        ("the method item", "x.item()", "AttributeError", r"x\.data\.item\(\)"),
        ("the method copy", "x.copy()", "AttributeError", r"Variable\(x\.data\.copy\(\)\)"),
        ("the attribute grad_fn", "x.grad_fn", "AttributeError", r"write x\.creator"),
        (
            "the method exp",
            "x.exp()",
            "AttributeError",
            r"dezero\.functions\.exp\(x\), from step36",
        ),
        ("the method sqrt", "x.sqrt()", "AttributeError", r"write x \*\* 0\.5"),
        ("the method zero_grad", "x.zero_grad()", "AttributeError", r"x\.cleargrad\(\)"),
    ]
]

# --- outputs that the program has dropped, and gradients that are not the walk's own ---

SIN_AND_COS = """\
class SinAndCos(dezero.Function):
    def forward(self, x):
        xp = dezero.cuda.get_array_module(x)
        return xp.sin(x), xp.cos(x)

    def backward(self, gs, gc):
        s, c = [y() for y in self.outputs]
        return gs * c - gc * s

import dezero.cuda
x = Variable(array(0.5))
"""
C5, S5 = 0.8775825618903728, 0.479425538604203  # cos 0.5, sin 0.5

CASES += [
    case(
        statement="an output that was dropped serves its function's backward",
        program="""
            class Squares(dezero.Function):
                def forward(self, x):
                    return x * x, x * x * x

                def backward(self, gy0, gy1):
                    square = self.outputs[0]()
                    square = square if isinstance(gy1, Variable) else square.data
                    x = self.inputs[0] if isinstance(gy1, Variable) else self.inputs[0].data
                    return gy0 * 2.0 * x + gy1 * 3.0 * square

            x = Variable(array(2.0))
            square, cube = Squares()(x)
            del square
            cube.backward()
            x.grad
        """,
        expect=12.0,
        source="(x^3)' = 3 x^2",
    ),
    case(
        statement="sin and cos in one function, the cosine dropped, four orders",
        program=SIN_AND_COS
        + dedent("""
            s, c = SinAndCos()(x)
            del c
            s.backward(create_graph=True)
            values = [x.grad]
            for _ in range(3):
                gx = x.grad
                x.cleargrad()
                gx.backward(create_graph=True)
                values.append(x.grad)
            values
        """),
        expect=[C5, -S5, -C5, S5],
        source="cos, -sin, -cos, sin",
        rel=1e-15,
        chapter=32,
        needs=("create_graph",),
    ),
]

RETURNED = """\
class Returned(dezero.Function):
    def forward(self, x, w):
        return x * w

    def backward(self, gy):
        w = self.inputs[1]
        return (w if isinstance(gy, Variable) else w.data), None

"""
CASES += [
    case(
        statement=f"a backward that returns {words} hands out a copy",
        program=RETURNED
        + dedent(f"""
            x, w = Variable(array([2.0])), {w}
            y = Returned()(x, w)
            y.backward()
            x.grad is w, x.grad is w.data, x.grad
        """),
        expect=[False, False, [5.0]],
        source="contract: no two Variables share a gradient, nor one its data with another",
        level="hygiene",
    )
    for words, w in [
        ("an input", "Variable(array([5.0]))"),
        ("a result", "Variable(array([5.0])) * 1.0"),
    ]
]
CASES += [
    case(
        statement=f"changing what a backward returned, {words}, leaves the gradient",
        program=RETURNED
        + dedent(f"""
            x, w = Variable(array([2.0])), {w}
            y = Returned()(x, w)
            y.backward({graph})
            {change}
            x.grad
        """),
        expect=[5.0],
        source="contract: gradients are not aliased, as Variables or as arrays",
        needs=needs,
        chapter=chapter,
        level="hygiene",
    )
    for words, w, graph, change, chapter, needs in [
        ("in place", "Variable(array([5.0]))", "", "w.data[0] = 7.0", 31, ("mutability",)),
        ("an array", "array([5.0])", "", "w[0] = 7.0", 31, ("mutability",)),
        ("assigned", "Variable(array([5.0]))", "", "w.data = array([7.0])", 31, ()),
        (
            "recorded",
            "Variable(array([5.0]))",
            "create_graph=True",
            "w.data = array([7.0])",
            32,
            ("create_graph",),
        ),
    ]
]

# --- shapes as NumPy takes them ---

CASES += [
    case(
        statement=f"{call} takes numbers as {words}",
        program=f"""
            from dezero.functions import {call.partition("(")[0]}
            x = Variable(array({x}))
            y = {call}
            y.backward()
            y, x.grad.shape
        """,
        expect=[y, shape],
        source=f"NumPy's own {call.partition('(')[0]} takes them as well",
        chapter=36,
        needs=(*ARRAY_FUNCTIONS, *more),
        level="book",
    )
    for call, words, x, y, shape, more in [
        (
            "reshape(x, 4)",
            "a shape",
            "[[1.0, 2.0], [3.0, 4.0]]",
            [1.0, 2.0, 3.0, 4.0],
            [2, 2],
            (),
        ),
        ("broadcast_to(x, 3)", "a shape", "[5.0]", [5.0, 5.0, 5.0], [1], ()),
        ("sum_to(x, 2)", "a shape", "[[1.0, 2.0], [3.0, 4.0]]", [4.0, 6.0], [2, 2], ()),
        ("transpose(x, 1, 0)", "axes", "[[1.0, 2.0, 3.0]]", [[1.0], [2.0], [3.0]], [1, 3], ()),
        (
            "reshape(x, host(4, 'int64')[()])",
            "a shape",
            "[[1.0, 2.0], [3.0, 4.0]]",
            [1.0, 2.0, 3.0, 4.0],
            [2, 2],
            (),
        ),
        ("transpose(x, 1, -2)", "axes", "[[1.0, 2.0, 3.0]]", [[1.0], [2.0], [3.0]], [1, 3], ()),
    ]
]
CASES += [
    case(
        statement=f"{call} is a {kind} that says what a shape is",
        program=f"""
            from dezero.functions import {call.partition("(")[0]}
            {call}
        """.replace("x,", "Variable(array([1.0, 2.0])),"),
        expect=Raises(kind, match),
        source="contract: an error says what was given and what to do",
        chapter=36,
        needs=ARRAY_FUNCTIONS,
    )
    for call, kind, match in [
        ("reshape(x, 2.0)", "TypeError", "int or a tuple of ints, not 2.0"),
        ("sum_to(x, 3)", "ValueError", r"\(2,\) cannot be summed to \(3,\)"),
        ("transpose(x, 0, 0)", "ValueError", "repeated|order all"),
    ]
]
