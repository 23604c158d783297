"""First derivatives against closed forms: signed data, gradients from above that are not one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..model import exact
from ..model.case import Case

RNG = np.random.default_rng(31)
SHAPES = [(), (3,), (2, 3)]
C = -2.25


def draw(shape, signed=True):
    """Numbers of size 0.5 to 2.5 with three decimals, as nested lists."""
    size = np.round(RNG.uniform(0.5, 2.5, shape), 3)
    return (size * RNG.choice([-1.0, 1.0], shape) if signed else size).tolist()


@dataclass(frozen=True)
class Form:
    """A function of one variable: in words, as a program writes it, and f, f', f'' at x."""

    words: str
    code: str
    derivatives: Callable
    chapter: int = 31
    needs: tuple[str, ...] = ()
    signed: bool = True

    @property
    def imports(self):
        """The line that brings the function, where it is not an operator."""
        return f"from dezero.functions import {self.code.partition('(')[0]}" if self.needs else ""

    def closed_form(self, order, x):
        x = np.asarray(x)
        return np.broadcast_to(self.derivatives(x)[order], x.shape)


def added(a, b):
    """a + b, and 0 where they cancel: an expectation holds no rounding errors."""
    return np.where(abs(a + b) <= 4 * np.spacing(abs(a)), 0.0, a + b)


FUNCTIONS, TANH = ("functions",), ("functions", "tanh")
ARRAY_FUNCTIONS = ("functions", "array_functions")
FORMS = [
    Form("a number plus x", f"{C} + x", lambda x: (C + x, 1, 0)),
    Form("x plus a number", f"x + {C}", lambda x: (x + C, 1, 0)),
    Form("a number minus x", f"{C} - x", lambda x: (C - x, -1, 0)),
    Form("x minus a number", f"x - {C}", lambda x: (x - C, 1, 0)),
    Form("a number times x", f"{C} * x", lambda x: (C * x, C, 0)),
    Form("x times a number", f"x * {C}", lambda x: (x * C, C, 0)),
    Form("a number over x", f"{C} / x", lambda x: (C / x, -C / x**2, 2 * C / x**3)),
    Form("x over a number", f"x / {C}", lambda x: (x / C, 1 / C, 0)),
    Form("minus x", "-x", lambda x: (-x, -1, 0)),
    Form("x to the power of 3", "x ** 3", lambda x: (x**3, 3 * x**2, 6 * x)),
    Form("x to the power of 2", "x ** 2", lambda x: (x**2, 2 * x, 2)),
    Form("x to the power of minus 2", "x ** -2", lambda x: (1 / x**2, -2 / x**3, 6 / x**4)),
    Form(
        "x to the power of a half",
        "x ** 0.5",
        lambda x: (np.sqrt(x), 1 / (2 * np.sqrt(x)), -1 / (4 * x * np.sqrt(x))),
        signed=False,
    ),
    Form(
        "x to the power of 2.5",
        "x ** 2.5",
        lambda x: (x**2 * np.sqrt(x), 2.5 * x * np.sqrt(x), 3.75 * np.sqrt(x)),
        signed=False,
    ),
    Form("sin x", "sin(x)", lambda x: (exact.sin(x), exact.cos(x), -exact.sin(x)), 34, FUNCTIONS),
    Form("cos x", "cos(x)", lambda x: (exact.cos(x), -exact.sin(x), -exact.cos(x)), 34, FUNCTIONS),
    Form(
        "tanh x",
        "tanh(x)",
        lambda x: (
            exact.tanh(x),
            exact.cosh(x) ** -2.0,
            -2 * exact.tanh(x) * exact.cosh(x) ** -2.0,
        ),
        35,
        TANH,
    ),
    Form("exp x", "exp(x)", lambda x: 3 * (exact.exp(x),), 36, ARRAY_FUNCTIONS),
    Form("log x", "log(x)", lambda x: (exact.log(x), 1 / x, -1 / x**2), 36, ARRAY_FUNCTIONS, False),
]


@dataclass(frozen=True)
class Operation:
    """An operation of two Variables with f, f_a, f_b, f_aa, f_ab and f_bb at (a, b)."""

    words: str
    sign: str
    derivatives: Callable

    def closed_form(self, a, b):
        a, b = np.asarray(a), np.asarray(b)
        shape = np.broadcast_shapes(a.shape, b.shape)
        return [np.broadcast_to(value, shape) for value in self.derivatives(a, b)]


OPERATIONS = [
    Operation("plus", "+", lambda a, b: (a + b, 1, 1, 0, 0, 0)),
    Operation("minus", "-", lambda a, b: (a - b, 1, -1, 0, 0, 0)),
    Operation("times", "*", lambda a, b: (a * b, b, a, 0, 1, 0)),
    Operation("over", "/", lambda a, b: (a / b, 1 / b, -a / b**2, 0, -1 / b**2, 2 * a / b**3)),
]

case = partial(Case, chapter=31, group="B", level="core")
CASES = []

for form in FORMS:
    xs = [draw(shape, form.signed) for shape in SHAPES]
    slopes = [draw(shape) for shape in SHAPES]
    form_case = partial(case, needs=form.needs, chapter=form.chapter)
    CASES += [
        form_case(
            statement=f"{form.words} has the value of its formula",
            program=f"""
                {form.imports}
                answers = []
                for data in {xs}:
                    x = Variable(array(data))
                    answers.append({form.code})
                answers
            """,
            expect=[form.closed_form(0, x).tolist() for x in xs],
            source="the same formula on host arrays",
            rel=1e-14,
        ),
        form_case(
            statement=f"{form.words} passes on its gradient times its derivative",
            program=f"""
                {form.imports}
                xs = {xs}
                slopes = {slopes}
                answers = []
                for data, slope in zip(xs, slopes):
                    x = Variable(array(data))
                    y = ({form.code}) * array(slope)
                    y.backward()
                    answers.append(x.grad)
                answers
            """,
            expect=[(s * form.closed_form(1, x)).tolist() for x, s in zip(xs, slopes)],
            source="chain rule: (s f(x))' = s f'(x), with f' in closed form",
            rel=1e-13,
        ),
    ]

for op in OPERATIONS:
    x0s, x1s, slopes = [[draw(shape) for shape in SHAPES] for _ in range(3)]
    answers = [(s, op.closed_form(a, b)) for a, b, s in zip(x0s, x1s, slopes)]
    CASES += [
        case(
            statement=f"a Variable {op.words} a Variable has the value of its formula",
            program=f"""
                x0s = {x0s}
                x1s = {x1s}
                answers = []
                for data0, data1 in zip(x0s, x1s):
                    x0, x1 = Variable(array(data0)), Variable(array(data1))
                    answers.append(x0 {op.sign} x1)
                answers
            """,
            expect=[value.tolist() for _, (value, *_) in answers],
            source="the same formula on host arrays",
            rel=1e-14,
        ),
        *[
            case(
                statement=f"x0 {op.words} x1 passes a gradient on to its {which} operand",
                program=f"""
                    x0s = {x0s}
                    x1s = {x1s}
                    slopes = {slopes}
                    answers = []
                    for data0, data1, slope in zip(x0s, x1s, slopes):
                        x0, x1 = Variable(array(data0)), Variable(array(data1))
                        y = (x0 {op.sign} x1) * array(slope)
                        y.backward()
                        answers.append({operand}.grad)
                    answers
                """,
                expect=[(s * partials[i]).tolist() for s, partials in answers],
                source="chain rule with the operation's partial derivative in closed form",
                rel=1e-13,
            )
            for i, which, operand in [(1, "left", "x0"), (2, "right", "x1")]
        ],
    ]

CASES += [
    case(
        statement=f"{words} at 3 has the derivative {slope:g}",
        program=f"x = Variable(array(3.0))\ny = {code}\ny.backward()\nx.grad",
        expect=slope,
        source=f"as a polynomial this is {formula}",
    )
    for words, code, formula, slope in [
        ("x plus x", "x + x", "2 x", 2.0),
        ("x times x", "x * x", "x^2", 6.0),
        ("x minus x", "x - x", "0", 0.0),
        ("x over x", "x / x", "1", 0.0),
        ("x plus x plus x", "x + x + x", "3 x", 3.0),
        ("x times x times x", "x * x * x", "x^3", 27.0),
    ]
]

GOLDSTEIN_PRICE = """\
a = 19 - 14 * x0 + 3 * x0 ** 2 - 14 * x1 + 6 * x0 * x1 + 3 * x1 ** 2
b = 18 - 32 * x0 + 12 * x0 ** 2 + 48 * x1 - 36 * x0 * x1 + 27 * x1 ** 2
y = (1 + (x0 + x1 + 1) ** 2 * a) * (30 + (2 * x0 - 3 * x1) ** 2 * b)"""
CASES += [
    case(
        statement=f"the gradient of {name} is right at {at}",
        program=f"x0, x1 = map(Variable, map(array, {at}))\n{code}\ny.backward()\nx0.grad, x1.grad",
        expect=list(gradient),
        source="the partial derivatives by hand; a published test function",
        rel=tolerance,
    )
    for name, at, code, gradient, tolerance in [
        ("the sphere function", (1.0, 1.0), "y = x0 ** 2 + x1 ** 2", (2.0, 2.0), 0.0),
        (
            "the Matyas function",
            (1.0, 1.0),
            "y = 0.26 * (x0 ** 2 + x1 ** 2) - 0.48 * x0 * x1",
            (0.04, 0.04),
            1e-13,
        ),
        ("Goldstein-Price", (1.0, 1.0), GOLDSTEIN_PRICE, (-5376.0, 8064.0), 0.0),
        (
            "the Rosenbrock function",
            (0.0, 2.0),
            "y = 100 * (x1 - x0 ** 2) ** 2 + (x0 - 1) ** 2",
            (-2.0, 400.0),
            0.0,
        ),
    ]
]
