"""Every combination of create_graph, retain_grad and the mode that a backward pass begins in.

What is recorded, what is kept and what has a creator afterwards follows from a few sentences, which
are the model here; each combination is asked, for each function and operation.

- The walk records if and only if create_graph says so; the mode around it has no say in that,
  and is afterwards what it was.
- A gradient has a creator if and only if the walk records and the gradient depends on a leaf.
- Results keep their gradients, the root's too, if and only if retain_grad says so. A leaf always
  has its own, added to an earlier one.
- What was recorded before the walk is there after it, and can be walked again.
"""

import textwrap
from functools import partial
from itertools import product

import numpy as np

from ..model.case import Case
from .array_functions import LINEAR
from .array_functions import needs as needs_of
from .every_dtype import SAME, UNITS, eighths, plain, powers, summed
from .first_order import ARRAY_FUNCTIONS, FORMS, OPERATIONS, Form

SOURCE = "contract: create_graph records, retain_grad keeps, and the mode around has no say"

#: Walks back from y in a mode, and says of x, of the result `inner` and of y what there is.
WALK = """\
def recorded(x):
    return getattr(x, "creator", None) is not None

simple = getattr(dezero, "is_simple_core", False)

def walk(y, results, leaves, retain, record, mode, seed=None):
    if seed is not None:
        y.grad = array(seed) if simple else Variable(array(seed))
    flags = {"create_graph": True} if record else {}
    with dezero.using_config("enable_backprop", mode):
        y.backward(retain_grad=retain, **flags)
        after = dezero.Config.enable_backprop
    return [
        after is mode and dezero.Config.enable_backprop,
        [[v.grad is not None, recorded(v.grad)] for v in results],
        [[v.grad, recorded(v.grad)] for v in leaves],
        [recorded(v) for v in (*results, *leaves)],
    ]

"""


def combinations(record):
    """retain_grad, create_graph, the mode, and whether the user has put a seed there."""
    each = product((False, True), (record,), (True, False), (False, True))
    return list(each)


def expected(slopes, results, retain, record, seeded):
    """What `walk` answers for y and so many other results. slopes: each leaf's gradient.

    The gradient of y is its seed: it depends on a leaf if that is the user's, which is a leaf.
    """
    kept = [[retain, retain and record and depends] for depends in (seeded, *[True] * results)]
    found = [[plain(slope), record] for slope in slopes]
    return [True, kept, found, [True] * (1 + results) + [False] * len(slopes)]


def case(
    words,
    record,
    setup,
    names,
    slopes,
    s,
    needs=(),
    chapter=31,
    imports="",
    results=("inner",),
    rel=1e-13,
):
    """A case of the walks that record, or of those that do not.

    setup: makes the leaves, of these names, the results in between and y. slopes(s): the gradients
    of the leaves by the seed s, the root's gradient.
    """
    what = "recorded" if record else "unrecorded"
    return Case(
        statement=f"every {what} walk through {words}",
        program=f"""\
{imports}
{WALK}
answers = []
for retain, record, mode, seeded in {combinations(record)}:
{textwrap.indent(setup, "    ")}
    seed = {plain(s)} if seeded else None
    answers.append(walk(y, [{", ".join(("y", *results))}], [{names}], retain, record, mode, seed))
answers
""",
        expect=[
            expected(slopes(s if seeded else np.ones_like(s)), len(results), retain, record, seeded)
            for retain, record, _, seeded in combinations(record)
        ],
        source=SOURCE,
        chapter=max(chapter, 32) if record else chapter,
        group="walks",
        level="hygiene",
        needs=tuple(sorted((*needs, *["create_graph"] * record), key="broadcast".__eq__)),
        rel=rel,
        abs=1e-14,
    )


ARRAY_POWER = Form(
    "x to the power of an array", "x ** array([2.0, 3.0, -0.5])", powers, signed=False
)
EVERY = [*FORMS, *SAME, ARRAY_POWER]
CASES = []
for form, record in product(EVERY, (False, True)):
    x, s = eighths((3,), form.signed), eighths((3,))
    slope = form.closed_form(0, x) + x * form.closed_form(1, x)
    CASES.append(
        case(
            form.words,
            record,
            f"x = Variable(array({plain(x)}))\ninner = {form.code}\ny = inner * x",
            "x",
            lambda s, slope=slope: [s * slope],
            s,
            needs=form.needs,
            chapter=form.chapter,
            imports=form.imports,
        )
    )


def leaves(a, b):
    return f"a, b = Variable(array({plain(a)})), Variable(array({plain(b)}))\n"


for op, record in product(OPERATIONS, (False, True)):
    a, b, s = eighths((3,)), eighths((3,)), eighths((3,))
    y, y_a, y_b, *_ = op.closed_form(a, b)
    by_a, by_b = b * (y + a * y_a), a * (y + b * y_b)
    CASES.append(
        case(
            f"a {op.words} b",
            record,
            leaves(a, b) + f"inner = a {op.sign} b\ny = inner * (a * b)",
            "a, b",
            lambda s, by_a=by_a, by_b=by_b: [s * by_a, s * by_b],
            s,
        )
    )
for (words, names, code, linear), record in product(LINEAR, (False, True)):
    x = eighths((2, 3))
    y = linear(x)

    def by_x(s, f=linear, y=y):
        return [np.array([(f(unit) * 2 * s * y).sum() for unit in UNITS]).reshape(2, 3)]

    CASES.append(
        case(
            words,
            record,
            f"x = Variable(array({plain(x)}))\ninner = {code}\ny = inner * inner",
            "x",
            by_x,
            eighths(y.shape),
            needs=needs_of(words),
            chapter=36,
            imports=f"from dezero.functions import {names}",
        )
    )
for record in (False, True):
    a, b = eighths((2, 3)), eighths((3, 2))
    CASES.append(
        case(
            "matmul",
            record,
            leaves(a, b) + "inner = matmul(a, b)\ny = inner * inner",
            "a, b",
            lambda s, a=a, b=b: [2 * (s * (a @ b)) @ b.T, 2 * a.T @ (s * (a @ b))],
            eighths((2, 2)),
            needs=ARRAY_FUNCTIONS,
            chapter=36,
            imports="from dezero.functions import matmul",
        )
    )
    a, b = eighths((3,)), eighths((2, 3))
    CASES.append(
        case(
            "operands that are repeated",
            record,
            leaves(a, b) + "inner = a * b\ny = inner * a",
            "a, b",
            lambda s, a=a, b=b: [(2 * s * a * b).sum(axis=0), s * a * a],
            eighths((2, 3)),
            needs=("broadcast",),
            chapter=36,
        )
    )

# --- nothing between the function and the leaf: what its backward returns is the gradient ---

straight = partial(case, results=())
for form, record in product(EVERY, (False, True)):
    x, s = eighths((3,), form.signed), eighths((3,))
    if record and not np.any(form.closed_form(2, x)):
        continue  # whether a gradient that does not vary has a creator is the engine's choice
    slope = form.closed_form(1, x)
    CASES.append(
        straight(
            f"{form.words} alone",
            record,
            f"x = Variable(array({plain(x)}))\ny = {form.code}",
            "x",
            lambda s, slope=slope: [s * slope],
            s,
            needs=form.needs,
            chapter=form.chapter,
            imports=form.imports,
        )
    )
for op in OPERATIONS:
    a, b, s = eighths((3,)), eighths((3,)), eighths((3,))
    _, y_a, y_b, *_ = op.closed_form(a, b)
    CASES.append(
        straight(
            f"a {op.words} b alone",
            False,
            leaves(a, b) + f"y = a {op.sign} b",
            "a, b",
            lambda s, y_a=y_a, y_b=y_b: [s * y_a, s * y_b],
            s,
        )
    )
    for words, left, right in [("numbers", (), (3,)), ("rows and columns", (3,), (2, 1))]:
        a, b, s = eighths(left), eighths(right), eighths(np.broadcast_shapes(left, right))
        _, y_a, y_b, *_ = op.closed_form(a, b)
        CASES.append(
            straight(
                f"a {op.words} b alone, {words}",
                False,
                leaves(a, b) + f"y = a {op.sign} b",
                "a, b",
                lambda s, y_a=y_a, y_b=y_b, left=left, right=right: [
                    summed(s * y_a, left),
                    summed(s * y_b, right),
                ],
                s,
                needs=("broadcast",),
                chapter=36,
            )
        )
for words, names, code, linear in LINEAR:
    x = eighths((2, 3))

    def by_units(s, f=linear):
        return [np.array([(f(unit) * s).sum() for unit in UNITS]).reshape(2, 3)]

    CASES.append(
        straight(
            f"{words} alone",
            False,
            f"x = Variable(array({plain(x)}))\ny = {code}",
            "x",
            by_units,
            eighths(linear(x).shape),
            needs=needs_of(words),
            chapter=36,
            imports=f"from dezero.functions import {names}",
        )
    )
for record in (False, True):
    a, b = eighths((2, 3)), eighths((3, 2))
    CASES.append(
        straight(
            "matmul alone",
            record,
            leaves(a, b) + "y = matmul(a, b)",
            "a, b",
            lambda s, a=a, b=b: [s @ b.T, a.T @ s],
            eighths((2, 2)),
            needs=ARRAY_FUNCTIONS,
            chapter=36,
            imports="from dezero.functions import matmul",
        )
    )

# --- what a walk hands on: a function between the leaf and the one asked sees it ---

#: Before a leaf is given its gradient, a copy takes the place of what has a creator by mistake.
HANDED_ON = """\
seen = []

class Between(dezero.Function):
    def forward(self, x):
        return x * 1.0

    def backward(self, gy):
        seen.append(getattr(gy, "creator", None) is not None)
        return gy

def between(data):
    return Between()(Variable(array(data)))

"""


def handed_on(words, setup, count=1, needs=(), chapter=31, imports=""):
    """A case of an unrecorded walk, in which no gradient handed on has a creator.

    setup: makes y of so many results of `between`.
    """
    return Case(
        statement=f"nothing recorded is handed on by {words}",
        program=f"""\
{imports}
{HANDED_ON}
{setup}
for mode in (True, False):
    with dezero.using_config("enable_backprop", mode):
        y.backward()
seen
""",
        expect=[False] * (2 * count),
        source=SOURCE,
        chapter=chapter,
        group="walks",
        level="hygiene",
        needs=needs,
    )


for form in EVERY:
    x = plain(eighths((3,), form.signed))
    setup = f"x = between({x})\ny = {form.code}"
    CASES.append(handed_on(form.words, setup, 1, form.needs, form.chapter, form.imports))
for op in OPERATIONS:
    for words, left, right, needs, chapter in [
        ("", (3,), (3,), (), 31),
        (", rows and columns", (3,), (2, 1), ("broadcast",), 36),
    ]:
        setup = f"a, b = between({plain(eighths(left))}), between({plain(eighths(right))})\n"
        setup += f"y = a {op.sign} b"
        CASES.append(handed_on(f"a {op.words} b{words}", setup, 2, needs, chapter))
for words, names, code, _ in LINEAR:
    setup = f"x = between({plain(eighths((2, 3)))})\ny = {code}"
    imports = f"from dezero.functions import {names}"
    CASES.append(handed_on(words, setup, 1, needs_of(words), 36, imports))
setup = f"a, b = between({plain(eighths((2, 3)))}), between({plain(eighths((3, 2)))})\n"
CASES.append(
    handed_on(
        "matmul",
        setup + "y = matmul(a, b)",
        2,
        ARRAY_FUNCTIONS,
        36,
        "from dezero.functions import matmul",
    )
)

# --- several walks, and several outputs ---

#: x^5 from two products, and what came before.
FIFTH = """\
inner = x * x
other = inner * x
y = other * inner
"""
BOTH = """\
class Both(dezero.Function):
    def forward(self, x):
        return x * x, x * x * x

    def backward(self, g0, g1):
        x = self.inputs[0].data if simple else self.inputs[0]
        return g0 * 2.0 * x + g1 * 3.0 * x * x

"""
for record in (False, True):
    x, s = eighths((3,)), eighths((3,))
    leaf = f"x = Variable(array({plain(x)}))\n"
    results, recording = ("other", "inner"), ("create_graph",)
    one = partial(case, record=record, names="x", s=s)
    CASES += [
        one(
            "the fifth power",
            setup=leaf + FIFTH,
            slopes=lambda s, x=x: [5 * s * x**4],
            results=results,
        ),
        one(
            "the same graph a second time",
            setup=leaf + FIFTH + "y.backward()\n",
            slopes=lambda s, x=x: [(1 + s) * 5 * x**4],
            results=results,
        ),
        one(
            "the same graph after a recorded walk",
            setup=leaf + FIFTH + "y.backward(create_graph=True)\n",
            slopes=lambda s, x=x: [(1 + s) * 5 * x**4],
            results=results,
            needs=recording,
        ),
        one(
            "a leaf that has another graph's gradient",
            setup=leaf + FIFTH + "(x * x * x).backward(create_graph=True)\n",
            slopes=lambda s, x=x: [3 * x**2 + s * 5 * x**4],
            results=results,
            needs=recording,
        ),
        one(
            "the gradient of a gradient",
            setup=leaf + FIFTH + "y.backward(create_graph=True)\ny = x.grad\nx.cleargrad()\n",
            slopes=lambda s, x=x: [20 * s * x**3],
            results=results,
            needs=recording,
        ),
        one(
            "the gradient of a kept gradient",
            setup=leaf
            + FIFTH
            + "y.backward(retain_grad=True, create_graph=True)\n"
            + "y = inner.grad * x\n"
            + "for v in (x, inner, other):\n    v.cleargrad()\n",
            slopes=lambda s, x=x: [s * 8 * x**3],  # 2 x^3 x
            results=results,
            needs=recording,
        ),
        one(
            "both outputs of a function",
            setup=BOTH + leaf + "inner, other = Both()(x)\ny = inner * other\n",
            slopes=lambda s, x=x: [5 * s * x**4],
            results=results,
        ),
        one(
            "one output of a function of two",
            setup=BOTH + leaf + "inner, other = Both()(x)\ny = other * other\n",
            slopes=lambda s, x=x: [6 * s * x**5],
            results=("other",),
        ),
    ]
