"""Every function and operation in every floating dtype: values, first and second derivatives.

The answers are the closed forms, in more digits than the dtype has. All numbers that go in are
exact in float16 (eighths), so that what is off in an answer has come about on the way, and the
tolerance is a multiple of the dtype's own rounding.
"""

from functools import partial

import numpy as np

from ..model.case import Case
from .array_functions import LINEAR
from .array_functions import needs as needs_of
from .first_order import ARRAY_FUNCTIONS, FORMS, OPERATIONS, Form
from .gradient_graph import GRAD_IS_AN_ARRAY

RNG = np.random.default_rng(1316)
#: In this order a program runs into what is not there: what it imports, the numbers, a seed that is
#: a Variable, the walk which sums to an operand's shape.
COMES = (
    *("functions", "tanh", "array_functions"),
    *("float64", "uneven reshape", "create_graph", "broadcast"),
)
DTYPES = ("float16", "float32", "float64")
ROUNDINGS = 12  # that add up in an answer, at most: three times as many as were ever seen
SHAPES = [(), (3,)]
EXACT = np.longdouble

#: Data of a dtype that the arrays of the session may not have: NumPy's then.
DATA = """\
def data(values, dtype):
    try:
        return array(values, dtype)
    except AttributeError:
        return host(values, dtype)

def exponents(x):
    return data([2.0, 3.0, -0.5] if x.ndim else 2.5, dtype_name(x))

def zero(x):
    return (x.data if isinstance(x, Variable) else x) * 0

"""

SAME = [
    Form("x plus x", "x + x", lambda x: (2 * x, 2, 0)),
    Form("x minus x", "x - x", lambda x: (0, 0, 0)),
    Form("x times x", "x * x", lambda x: (x * x, 2 * x, 2)),
    Form("x over x", "x / x", lambda x: (1, 0, 0)),
    Form("x to the power of 1", "x ** 1", lambda x: (x, 1, 0)),
    Form("x to the power of 0", "x ** 0", lambda x: (1, 0, 0)),
    Form("x to the power of 4", "x ** 4", lambda x: (x**4, 4 * x**3, 12 * x**2)),
    Form("x to the power of minus 1", "x ** -1", lambda x: (1 / x, -1 / x**2, 2 / x**3)),
    Form("x to the power of minus a half", "x ** -0.5",
         lambda x: (x**-0.5, -0.5 * x**-1.5, 0.75 * x**-2.5), signed=False),
]  # fmt: skip


def powers(x):
    """Those of an array of exponents, or of a single one: what `exponents` is in the programs."""
    c = np.array([2.0, 3.0, -0.5] if np.ndim(x) else 2.5)
    return x**c, c * x ** (c - 1), c * (c - 1) * x ** (c - 2)


ARRAY_POWER = Form("x to the power of an array", "x ** exponents(x)", powers, signed=False)


def eighths(shape, signed=True):
    """Numbers of size 0.5 to 2.5 that float16 holds."""
    size = RNG.integers(4, 21, shape) / 8
    return np.asarray(size * RNG.choice([-1.0, 1.0], shape) if signed else size, EXACT)


def plain(x):
    return np.asarray(x, float).tolist()


def summed(x, shape):
    """x, in the shape of an operand that was repeated."""
    x = np.asarray(x)
    lead = x.ndim - len(shape)
    x = x.sum(axis=tuple(range(lead)))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1)
    return x.sum(axis=stretched, keepdims=True)


def case(words, dtype, order, program, expect, needs, chapter, imports=""):
    rounding = float(np.finfo(dtype).eps)
    needs = {*needs, *["create_graph"] * (order - 1), *[dtype] * (dtype == "float64")}
    derivative = {1: "value and slope", 2: "second derivative"}[order]
    return Case(
        statement=f"{dtype}: {derivative} of {words}",
        program=f"{imports}\n{DATA}{program}",
        expect=[expect, [dtype]],
        source=f"the closed form; each rounding is {rounding:.2g} of a number at most",
        chapter=chapter if order == 1 else max(chapter, 32),
        group="dtypes",
        level="dtype",
        needs=tuple(sorted(needs, key=COMES.index)),
        without=GRAD_IS_AN_ARRAY if order == 2 else {},
        rel=ROUNDINGS * rounding,
        abs=ROUNDINGS * rounding,  # where terms of size 1 cancel
    )


FIRST = """\
answers, dtypes = [], set()
for {names}, slope in {data}:
    {names} = [Variable(data(numbers, "{dtype}")) for numbers in {bracketed}]
    y = {code}
    value = y
    y = y * data(slope, "{dtype}")
    y.backward()
    grads = [v.grad for v in {bracketed}]
    answers.append([value, *grads])
    dtypes |= {{dtype_name(v) for v in (value, *grads)}}
answers, sorted(dtypes)
"""

SECOND = """\
answers, dtypes = [], set()
for {names}, seeds, slope in {data}:
    {names} = [Variable(data(numbers, "{dtype}")) for numbers in {bracketed}]
    y = {code}
    y.grad = Variable(data(slope, "{dtype}"))
    y.backward(create_graph=True)
    slopes = [v.grad for v in {bracketed}]
    for v in {bracketed}:
        v.cleargrad()
    for gx, seed in zip(slopes, seeds):
        gx.grad = Variable(data(seed, "{dtype}"))
        gx.backward()
    grads = [zero(v) if v.grad is None else v.grad for v in {bracketed}]
    answers.append(grads)
    dtypes |= {{dtype_name(v) for v in (y, *slopes, *grads)}}
answers, sorted(dtypes)
"""


def program(text, names, code, dtype, rows):
    bracketed = f"[{', '.join(names)}]"
    return text.format(
        names=bracketed, bracketed=bracketed, code=code, dtype=dtype, data=repr(rows)
    )


CASES = []
for form in [*FORMS, *SAME, ARRAY_POWER]:
    for dtype in DTYPES:
        xs = [eighths(shape, form.signed) for shape in SHAPES]
        slopes, seeds = [eighths(shape) for shape in SHAPES], [eighths(shape) for shape in SHAPES]
        one = partial(
            case,
            form.words,
            dtype,
            needs=form.needs,
            chapter=form.chapter,
            imports=form.imports,
        )
        f = form.closed_form
        CASES += [
            one(
                order=1,
                program=program(
                    FIRST,
                    ["x"],
                    form.code,
                    dtype,
                    [([plain(x)], plain(s)) for x, s in zip(xs, slopes)],
                ),
                expect=[[plain(f(0, x)), plain(s * f(1, x))] for x, s in zip(xs, slopes)],
            ),
            one(
                order=2,
                # x f, so that a linear f has a second derivative: x f'' + 2 f'
                program=program(
                    SECOND,
                    ["x"],
                    f"({form.code}) * x",
                    dtype,
                    [([plain(x)], [plain(u)], plain(s)) for x, u, s in zip(xs, seeds, slopes)],
                ),
                expect=[
                    [plain(u * s * (x * f(2, x) + 2 * f(1, x)))]
                    for x, u, s in zip(xs, seeds, slopes)
                ],
            ),
        ]


def operation_cases(op, dtype, shapes, words, needs=(), chapter=31):
    """Both gradients of a op b, and both of the gradients of (a op b) a."""
    firsts, seconds, rows, more = [], [], [], []
    for left, right in shapes:
        a, b = eighths(left), eighths(right)
        u, v, s = eighths(left), eighths(right), eighths(np.broadcast_shapes(left, right))
        y, y_a, y_b, y_aa, y_ab, y_bb = op.closed_form(a, b)
        firsts.append([plain(y), plain(summed(s * y_a, left)), plain(summed(s * y_b, right))])
        rows.append(([plain(a), plain(b)], plain(s)))
        z_aa, z_ab, z_bb = 2 * y_a + a * y_aa, y_b + a * y_ab, a * y_bb
        seconds.append(
            [
                plain(summed(s * (u * z_aa + v * z_ab), left)),
                plain(summed(s * (u * z_ab + v * z_bb), right)),
            ]
        )
        more.append(([plain(a), plain(b)], [plain(u), plain(v)], plain(s)))
    one = partial(case, words, dtype, needs=needs, chapter=chapter)
    return [
        one(
            order=1,
            program=program(FIRST, ["a", "b"], f"a {op.sign} b", dtype, rows),
            expect=firsts,
        ),
        one(
            order=2,
            program=program(SECOND, ["a", "b"], f"(a {op.sign} b) * a", dtype, more),
            expect=seconds,
        ),
    ]


for op in OPERATIONS:
    for dtype in DTYPES:
        CASES += operation_cases(op, dtype, [(shape, shape) for shape in SHAPES], f"a {op.words} b")
        CASES += operation_cases(
            op,
            dtype,
            [((2, 3), (3,)), ((), (3,)), ((2, 1), (1, 3)), ((3,), ())],
            f"a {op.words} b, repeated",
            needs=("broadcast",),
            chapter=36,
        )

# --- functions of arrays ---

X = (2, 3)
UNITS = np.eye(6, dtype=EXACT).reshape(6, *X)
for words, names, code, linear in LINEAR:
    for dtype in DTYPES:
        x, u = eighths(X), eighths(X)
        s = eighths(linear(x).shape)

        def transposed(g, f=linear):
            """f^T g: each unit array says what a number of x adds to f."""
            return np.array([(f(unit) * g).sum() for unit in UNITS]).reshape(X)

        one = partial(
            case,
            words,
            dtype,
            needs=needs_of(words),
            chapter=36,
            imports=f"from dezero.functions import {names}",
        )
        rows = [([plain(x)], plain(s))]
        more = [([plain(x)], [plain(u)], plain(s))]
        CASES += [
            one(
                order=1,
                program=program(FIRST, ["x"], code, dtype, rows),
                expect=[[plain(linear(x)), plain(transposed(s))]],
            ),
            one(
                order=2,
                program=program(SECOND, ["x"], f"({code}) * ({code})", dtype, more),
                expect=[[plain(2 * transposed(s * linear(u)))]],
            ),
        ]

for words, left, right in [
    ("two matrices", (3, 2), (2, 3)),
    ("a matrix and a vector", (2, 3), (3,)),
    ("a vector and a matrix", (2,), (2, 3)),
    ("two vectors", (3,), (3,)),
    ("a stack of matrices and one", (2, 1, 2), (2, 2)),
]:
    for dtype in DTYPES:
        a, b = eighths(left), eighths(right)
        u, v, s = eighths(left), eighths(right), eighths(np.matmul(a, b).shape)

        def by_left(b, s=s, left=left):
            units = np.eye(int(np.prod(left)), dtype=EXACT).reshape(-1, *left)
            return np.array([(np.matmul(unit, b) * s).sum() for unit in units]).reshape(left)

        def by_right(a, s=s, right=right):
            units = np.eye(int(np.prod(right)), dtype=EXACT).reshape(-1, *right)
            return np.array([(np.matmul(a, unit) * s).sum() for unit in units]).reshape(right)

        one = partial(
            case,
            f"matmul of {words}",
            dtype,
            needs=ARRAY_FUNCTIONS,
            chapter=36,
            imports="from dezero.functions import matmul",
        )
        CASES += [
            one(
                order=1,
                program=program(
                    FIRST, ["a", "b"], "matmul(a, b)", dtype, [([plain(a), plain(b)], plain(s))]
                ),
                expect=[[plain(np.matmul(a, b)), plain(by_left(b)), plain(by_right(a))]],
            ),
            one(
                order=2,
                program=program(
                    SECOND,
                    ["a", "b"],
                    "matmul(a, b)",
                    dtype,
                    [([plain(a), plain(b)], [plain(u), plain(v)], plain(s))],
                ),
                expect=[[plain(by_left(v)), plain(by_right(u))]],
            ),
        ]

# --- two dtypes in one operation ---


def mixed(op):
    pairs = [(a, b) for a in DTYPES for b in DTYPES]
    return Case(
        statement=f"each two dtypes, a {op.words} b: the larger one's, and their own",
        program=f"""
            answers = []
            for left, right in {pairs}:
                for shape in ((), (2,)):
                    a = Variable(host([1.5, 2.5] if shape else 1.5, left))
                    b = Variable(host([0.5, -2.0] if shape else -0.5, right))
                    y = a {op.sign} b
                    y.backward()
                    answers.append([dtype_name(v) for v in (y, a.grad, b.grad)])
            answers
        """,
        expect=[
            [str(np.promote_types(left, right)), left, right] for left, right in pairs for _ in "ab"
        ],
        source="NumPy's promotion of two arrays; a gradient has its leaf's dtype",
        chapter=31,
        group="dtypes",
        level="dtype",
    )


CASES += [mixed(op) for op in OPERATIONS]
