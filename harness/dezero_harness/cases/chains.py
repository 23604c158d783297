"""Second-order chain rules: through every function of step 36, and every way to broadcast.

All data is signed and random, no gradient from above is one, and what is expected are closed forms.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..model import exact
from ..model.case import Case, Raises
from .array_functions import LINEAR, MATMUL, X, needs
from .broadcasting_and_dtypes import summed
from .first_order import OPERATIONS

RNG = np.random.default_rng(3600)
case = partial(Case, chapter=36, group="chains", rel=1e-11, abs=1e-12, level="core")
GRAD_IS_AN_ARRAY = {"create_graph": Raises("TypeError", "grad of .* is None or an array")}
CASES = []


def draw(*shape):
    """Numbers of size 0.4 to 1.6 and any sign, with three decimals, as an array."""
    return np.round(RNG.uniform(0.4, 1.6, shape), 3) * RNG.choice([-1.0, 1.0], shape)


def text(array):
    """An array as a program writes it."""
    return np.asarray(array).tolist()


def unit_arrays(x):
    """For each number of an array one of its shape that is 1 there and 0 elsewhere."""
    return np.eye(x.size).reshape(x.size, *x.shape)


# --- a cube of an operation whose operands have different shapes ---

PAIRS = [
    ("3 and nothing", (3,), ()),
    ("2 by 3 and 3", (2, 3), (3,)),
    ("2 by 1 and 1 by 3", (2, 1), (1, 3)),
    ("1 and 2 by 3", (1,), (2, 3)),
    ("1 and nothing", (1,), ()),
    ("0 and nothing", (0,), ()),
    ("0 and 1", (0,), (1,)),
    ("2 by 1 by 3 and 4 by 1", (2, 1, 3), (4, 1)),
]
for op in OPERATIONS:
    for words, *shapes in PAIRS:
        for order, (shape0, shape1) in [("", shapes), (", the other way", shapes[::-1])]:
            a, b, u, v = draw(*shape0), draw(*shape1), draw(*shape0), draw(*shape1)
            s = draw(*np.broadcast_shapes(shape0, shape1))
            q, qa, qb, qaa, qab, qbb = op.closed_form(a, b)
            # y = q^3: y_i = 3 q^2 q_i and y_ij = 6 q q_i q_j + 3 q^2 q_ij
            ya, yb = 3 * q**2 * qa, 3 * q**2 * qb
            yaa, yab, ybb = (
                6 * q * qi * qj + 3 * q**2 * qij
                for qi, qj, qij in [(qa, qa, qaa), (qa, qb, qab), (qb, qb, qbb)]
            )
            CASES.append(
                case(
                    statement=f"the cube of {words}, {op.words}{order}: two orders",
                    program=f"""
                        a, b = Variable(array({text(a)})), Variable(array({text(b)}))
                        y = (a {op.sign} b) ** 3 * array({text(s)})
                        y.backward(create_graph=True)
                        ga, gb = a.grad, b.grad
                        a.cleargrad()
                        b.cleargrad()
                        (ga * array({text(u)})).backward()
                        (gb * array({text(v)})).backward()
                        [ga.shape, gb.shape], [ga, gb], [a.grad, b.grad]
                    """,
                    expect=[
                        [list(shape0), list(shape1)],
                        [summed(s * ya, shape0), summed(s * yb, shape1)],
                        [
                            summed(s * (u * yaa + v * yab), shape0),
                            summed(s * (u * yab + v * ybb), shape1),
                        ],
                    ],
                    source="y_i = 3 q^2 q_i, y_ij = 6 q q_i q_j + 3 q^2 q_ij, summed to each shape",
                    needs=("create_graph", "broadcast"),
                )
            )

# --- seeds that are Variables, both operand orders ---

for op in OPERATIONS:
    for order, left, right in [("x with c", "x", "c"), ("c with x", "c", "x")]:
        x, c, s, u = draw(3), draw(2, 1), draw(2, 3), draw(3)
        _, *partials = op.closed_form(*((x, c) if left == "x" else (c, x)))
        slope, curvature = (partials[0], partials[2]) if left == "x" else (partials[1], partials[4])
        CASES.append(
            case(
                statement=f"{op.words}, {order}: a seed of its own and by that seed",
                program=f"""
                    x, s = Variable(array({text(x)})), Variable(array({text(s)}))
                    c = host({text(c)})
                    y = {left} {op.sign} {right}
                    y.grad = s
                    y.backward(create_graph=True)
                    gx = x.grad
                    x.cleargrad()
                    z = gx * array({text(u)})
                    z.grad = Variable(array([-2.0, 0.5, 3.0]))
                    s.cleargrad()
                    z.backward()
                    gx, 0.0 * x if x.grad is None else x.grad, s.grad
                """,
                expect=[
                    summed(s * slope, (3,)),
                    summed(s * curvature * u * [-2.0, 0.5, 3.0], (3,)),
                    (slope * u * [-2.0, 0.5, 3.0]).tolist(),
                ],
                source="z = u sum(s f_x): by x u sum(s f_xx), by s u f_x, times z's seed",
                needs=("create_graph", "broadcast"),
                without=GRAD_IS_AN_ARRAY,
            )
        )

# --- a function of a linear function of a function ---

# name, f, f', f''
OUTER: dict[str, tuple[Callable, ...]] = {
    "sin": (exact.sin, exact.cos, lambda q: -exact.sin(q)),
    "cos": (exact.cos, lambda q: -exact.sin(q), lambda q: -exact.cos(q)),
    "tanh": (
        exact.tanh,
        lambda q: 1 - exact.tanh(q) ** 2,
        lambda q: -2 * exact.tanh(q) * (1 - exact.tanh(q) ** 2),
    ),
    "exp": (exact.exp, exact.exp, exact.exp),
}
names = list(OUTER)
for number, (words, imported, code, linear) in enumerate(LINEAR):
    name = names[number % len(names)]
    _, slope, curvature = OUTER[name]
    q = linear(X**3 / 4)
    s, u = draw(*q.shape), draw(*X.shape)
    columns = [linear(unit) for unit in unit_arrays(X)]

    def transposed(g, columns=columns):
        return np.reshape([(column * g).sum() for column in columns], X.shape)

    inner, bent = 3 * X**2 / 4, 3 * X / 2
    gx = inner * transposed(s * slope(q))
    product = bent * u * transposed(s * slope(q)) + inner * transposed(
        s * curvature(q) * linear(inner * u)
    )
    CASES.append(
        case(
            statement=f"{name} of {words} of a cube: two orders",
            program=f"""
                from dezero.functions import {", ".join(sorted({*imported.split(", "), name}))}

                leaf = Variable(array({text(X)}))
                x = leaf ** 3 / 4
                y = {name}({code}) * array({text(s)})
                y.backward(create_graph=True)
                gx = leaf.grad
                leaf.cleargrad()
                (gx * array({text(u)})).backward()
                gx, leaf.grad
            """,
            expect=[gx.tolist(), product.tolist()],
            source="f(M g(x)): g' M^T (s f'), and g'' u M^T (s f') + g' M^T (s f'' M (g' u))",
            needs=(*needs(words), "create_graph"),
        )
    )

# --- matmul, which is linear in each operand ---

for words, shape0, shape1 in MATMUL:
    a, b, u, v = draw(*shape0), draw(*shape1), draw(*shape0), draw(*shape1)
    q, along = a @ b, u @ b + a @ v
    s = draw(*q.shape)
    moves_a = [(e @ b, e @ v) for e in unit_arrays(a)]
    moves_b = [(a @ e, u @ e) for e in unit_arrays(b)]
    answers = []
    for data, moves in [(a, moves_a), (b, moves_b)]:
        first = [(s * 3 * q**2 * by).sum() for by, _ in moves]
        second = [(s * (6 * q * along * by + 3 * q**2 * twice)).sum() for by, twice in moves]
        answers += [np.reshape(first, data.shape), np.reshape(second, data.shape)]
    CASES.append(
        case(
            statement=f"the cube of matmul of {words}: two orders in both",
            program=f"""
                from dezero.functions import matmul, sum

                a, b = Variable(array({text(a)})), Variable(array({text(b)}))
                y = matmul(a, b) ** 3 * array({text(s)})
                y.backward(create_graph=True)
                ga, gb = a.grad, b.grad
                a.cleargrad()
                b.cleargrad()
                z = sum(ga * array({text(u)})) + sum(gb * array({text(v)}))
                z.backward()
                ga, a.grad, gb, b.grad
            """,
            expect=[answer.tolist() for answer in answers],
            source="q = a b: 3 q^2 dq, and 6 q dq(u, v) dq + 3 q^2 d^2q, from unit arrays",
            needs=("functions", "array_functions", "create_graph"),
        )
    )

# --- functions of broadcast sums and products ---

for name, (f, slope, curvature) in OUTER.items():
    a, b, u, s = draw(2, 1), draw(1, 3), draw(2, 1), draw(2, 3)
    q = a * b + a
    qa = b + 1
    is_exp, is_tanh = name == "exp", name == "tanh"
    CASES.append(
        case(
            statement=f"{name} of a b + a in two shapes: a's gradient, by a and by b",
            program=f"""
                from dezero.functions import {name}

                a, b = Variable(array({text(a)})), Variable(array({text(b)}))
                y = {name}(a * b + a) * array({text(s)})
                y.backward(create_graph=True)
                ga = a.grad
                a.cleargrad()
                b.cleargrad()
                (ga * array({text(u)})).backward()
                y, ga, a.grad, b.grad
            """,
            expect=[
                (s * f(q)).tolist(),
                summed(s * slope(q) * qa, (2, 1)),
                summed(s * curvature(q) * qa * qa * u, (2, 1)),
                summed(s * (curvature(q) * qa * a + slope(q)) * u, (1, 3)),
            ],
            source="q_a = b + 1: f' q_a; f'' q_a^2; f'' q_a a + f'",
            needs=(
                "functions",
                *(["tanh"] if is_tanh else ["array_functions"] if is_exp else []),
                "create_graph",
                "broadcast",
            ),
        )
    )
a, b, u, s = abs(draw(2, 1)), abs(draw(1, 3)), draw(2, 1), draw(2, 3)
CASES.append(
    case(
        statement="log of a b + a in two shapes: a's gradient, by a and by b",
        program=f"""
            from dezero.functions import log

            a, b = Variable(array({text(a)})), Variable(array({text(b)}))
            y = log(a * b + a) * array({text(s)})
            y.backward(create_graph=True)
            ga = a.grad
            a.cleargrad()
            b.cleargrad()
            (ga * array({text(u)})).backward()
            y, ga, a.grad, 0.0 * b if b.grad is None else b.grad
        """,
        expect=[
            (s * exact.log(a * b + a)).tolist(),
            summed(s / a, (2, 1)),
            summed(-s / a**2 * u, (2, 1)),
            [[0.0] * 3],
        ],
        source="log a + log(b + 1): 1 / a, -1 / a^2 and 0",
        needs=("functions", "array_functions", "create_graph", "broadcast"),
    )
)
