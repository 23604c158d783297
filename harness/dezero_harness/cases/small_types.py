"""float16, and data that is read-only: neither is hidden by what the engine makes of it."""

import math
from functools import partial
from textwrap import dedent

import numpy as np

from ..model.case import Case
from .first_order import FORMS, added

CASES = []

# --- float16 ---

HALF = """\
def half(values):
    try:
        return array(values, "float16")
    except AttributeError:  # these arrays have no float16: NumPy's then
        return host(values, "float16")

"""


def with_half(form_imports, text):
    return f"{form_imports}\n\n{HALF}{dedent(text).lstrip()}"


case = partial(
    Case,
    chapter=31,
    group="float16",
    source="contract: a Python scalar takes the Variable's dtype; a gradient its leaf's",
    level="dtype",
)
for form in FORMS:
    CASES += [
        case(
            statement=f"float16 stays float16 in {form.words} and its slope",
            program=with_half(
                form.imports,
                f"""
                dtypes = []
                for data in (0.75, [0.75, 1.5, 0.25]):
                    x = Variable(half(data))
                    y = {form.code}
                    y.backward()
                    dtypes += [dtype_name(y), dtype_name(x.grad)]
                dtypes
                """,
            ),
            expect=["float16"] * 4,
            needs=form.needs,
            chapter=form.chapter,
        ),
        case(
            statement=f"float16 stays float16 at the second order of {form.words}",
            program=with_half(
                form.imports,
                f"""
                dtypes = []
                for data in (0.75, [0.75, 1.5, 0.25]):
                    x = Variable(half(data))
                    y = {form.code}
                    y.backward(create_graph=True)
                    z = x.grad * x
                    x.cleargrad()
                    z.backward()
                    dtypes += [dtype_name(z), dtype_name(x.grad)]
                dtypes
                """,
            ),
            expect=["float16"] * 4,
            needs=(*form.needs, "create_graph"),
            chapter=max(form.chapter, 32),
        ),
    ]

for words, functions, code, data, expect, formula in [
    (
        "a cube",
        "",
        "x ** 3",
        [3.0, -2.0],
        [[27.0, -8.0], [27.0, 12.0], [18.0, -12.0]],
        "x^3, 3 x^2 and 6 x, all below 2048",
    ),
    (
        "a quotient",
        "",
        "1 / x",
        [0.5, -2.0],
        [[2.0, -0.5], [-4.0, -0.25], [16.0, -0.25]],
        "1 / x, -1 / x^2 and 2 / x^3, powers of 2",
    ),
    (
        "a sum of squares",
        "sum",
        "sum(x * x)",
        [3.0, -2.0],
        [13.0, [6.0, -4.0], [2.0, 2.0]],
        "sum(x^2), 2 x and 2",
    ),
    (
        "a matrix product",
        "matmul, transpose",
        "matmul(x, transpose(x))",
        [[3.0, -2.0]],
        [[[13.0]], [[6.0, -4.0]], [[2.0, 2.0]]],
        "x x^T, 2 x and 2",
    ),
]:
    CASES.append(
        case(
            statement=f"float16 is exact for whole numbers: {words}, two orders",
            program=with_half(
                f"from dezero.functions import {functions}" if functions else "",
                f"""
                x = Variable(half({data}))
                y = {code}
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                gx.backward()
                [y, gx, x.grad], dtype_name(x.grad)
                """,
            ),
            expect=[expect, "float16"],
            source=formula,
            needs=(*(("functions", "array_functions") if functions else ()), "create_graph"),
            chapter=36 if functions else 32,
        )
    )

CASES += [
    case(
        statement="a float16 leaf of a float32 graph has a float16 gradient",
        program="""
            x, w = Variable(host([1.5, -2.0], "float16")), Variable(host([3.0, 4.0], "float32"))
            y = x * w
            y.backward()
            dtype_name(y), dtype_name(x.grad), dtype_name(w.grad), x.grad, w.grad
        """,
        expect=["float32", "float16", "float32", [3.0, 4.0], [1.5, -2.0]],
    ),
    case(
        statement="a float16 number used three times has a float16 gradient, summed",
        program=with_half(
            "",
            """
            s, x = Variable(half(2.0)), Variable(half([1.0, 2.0, 4.0]))
            y = s * x * x
            y.backward()
            dtype_name(s.grad), s.grad, dtype_name(x.grad), x.grad
            """,
        ),
        expect=["float16", 21.0, "float16", [4.0, 8.0, 16.0]],
        source="sum(x^2) = 21 and 2 s x; a gradient has its leaf's dtype",
        needs=("broadcast",),
        chapter=36,
    ),
    case(
        statement="what overflows float16 is infinite, and its gradient is right",
        program=with_half(
            "",
            """
            x = Variable(half([300.0, -1.0]))
            y = x * x
            y.backward()
            y, x.grad
            """,
        ),
        expect=[[math.inf, 1.0], [600.0, -2.0]],
        source="300^2 > 65504, and 2 x = 600",
        warns=True,
    ),
    case(
        statement="float16 rounds to eleven bits, and its gradient with it",
        program=with_half(
            "",
            """
            x = Variable(half([0.1, 0.3]))
            y = x * 3.0
            y.backward()
            y, x.grad
            """,
        ),
        expect=[(np.array([0.1, 0.3], "float16") * np.float16(3.0)).tolist(), [3.0, 3.0]],
        source="the same product in float16 on the host",
    ),
]

# --- read-only data ---

READ_ONLY = """\
def read_only(values):
    data = host(values)
    data.flags.writeable = False
    return data

"""
RNG = np.random.default_rng(3601)
case = partial(Case, chapter=32, group="read-only", rel=1e-13, abs=1e-14, level="hygiene")
for form in FORMS:
    size = np.round(RNG.uniform(0.5, 2.0, 3), 3)
    x = size * RNG.choice([-1.0, 1.0], 3) if form.signed else size
    CASES.append(
        case(
            statement=f"read-only data goes through {form.words}, at two orders",
            program=f"{form.imports}\n\n{READ_ONLY}"
            + dedent(f"""
            x = Variable(read_only({x.tolist()}))
            y = ({form.code}) * x
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            gx, x.grad
            """),
            expect=[
                added(form.closed_form(1, x) * x, form.closed_form(0, x)).tolist(),
                added(form.closed_form(2, x) * x, 2 * form.closed_form(1, x)).tolist(),
            ],
            source="(x f)' = x f' + f, (x f)'' = x f'' + 2 f' in closed form",
            needs=(*form.needs, "create_graph"),
            chapter=max(form.chapter, 32),
        )
    )

case = partial(Case, chapter=31, group="read-only", level="hygiene")
CASES += [
    case(
        statement=f"read-only data: {words}",
        program=READ_ONLY + dedent(text),
        expect=expect,
        source=source,
        needs=needs,
        chapter=chapter,
    )
    for words, text, expect, source, needs, chapter in [
        (
            "its gradient can be written into",
            """
            x, w = Variable(read_only([1.0, 2.0])), Variable(read_only([3.0, 4.0]))
            y = x + w
            y.backward()
            grad = raw(x.grad)
            grad[...] = 7.0
            x.grad, w.grad, x
            """,
            [[7.0, 7.0], [1.0, 1.0], [1.0, 2.0]],
            "contract: a gradient is an array of its own",
            (),
            31,
        ),
        (
            "as a seed",
            """
            x = Variable(read_only([1.0, -2.0]))
            seed = read_only([5.0, 3.0])
            y = x * x
            y.grad = seed if getattr(dezero, "is_simple_core", False) else Variable(seed)
            y.backward()
            x.grad
            """,
            [10.0, -12.0],
            "s 2 x",
            (),
            31,
        ),
        (
            "two passes add up",
            """
            x = Variable(read_only([1.0, -2.0]))
            y = x * x
            y.backward()
            y.backward()
            x.grad
            """,
            [4.0, -8.0],
            "2 x, twice",
            (),
            31,
        ),
        (
            "a constant operand on either side",
            """
            x, c = Variable(host([1.0, -2.0])), read_only([4.0, 8.0])
            y = c / x - x * c
            y.backward()
            x.grad, c.flags.writeable
            """,
            [[-8.0, -10.0], False],
            "-c / x^2 - c",
            (),
            31,
        ),
        (
            "a step that makes new data",
            """
            x = Variable(read_only([1.0, -2.0]))
            (x * x).backward()
            grad = raw(x.grad)
            x.data = x.data - 0.5 * grad
            x
            """,
            [0.0, 0.0],
            "x - 2 x / 2",
            (),
            31,
        ),
        (
            "a repeated row, which is a view of itself",
            """
            from dezero.functions import broadcast_to, sum

            row = broadcast_to(Variable(read_only([1.0, -2.0])), (3, 2)).data
            x = Variable(row)
            y = sum(x ** 3)
            y.backward()
            x.grad
            """,
            [[3.0, 12.0]] * 3,
            "3 x^2 for each of the six numbers",
            ("functions", "array_functions"),
            36,
        ),
        (
            "through matmul, transpose, reshape and sum",
            """
            from dezero.functions import matmul, reshape, sum, transpose

            x = Variable(read_only([[1.0, -2.0], [0.5, 3.0]]))
            y = sum(matmul(transpose(x), reshape(x, (2, 2))))
            y.backward()
            x.grad
            """,
            [[-2.0, -2.0], [7.0, 7.0]],
            "sum(x^T x) is the sum of the squares of the rows' sums: 2 (x_i0 + x_i1)",
            ("functions", "array_functions"),
            36,
        ),
    ]
]
