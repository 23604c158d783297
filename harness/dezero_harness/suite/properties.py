"""What holds for every program, on programs drawn at random: `pytest properties.py --stage DIR`.

The header names the seed of a run, and `--seed N` (or `--hypothesis-seed=N`) repeats it. Seeds that
once failed are kept in harness/failing-seeds/seeds.json, and run first:
    {"property": "test_...", "seed": N, "because": "what was wrong"}
"""

from __future__ import annotations

import importlib
import json
import operator
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from dezero_shared import series

from ..model import taylor
from ..model.case import REFUSALS
from .setup import SETUP, Setup

PAST = Path(__file__).parents[2] / "failing-seeds" / "seeds.json"

# All is decided by the seed: nothing is remembered, and a slow machine is no failure.
SETTINGS = settings(
    max_examples=80,
    derandomize=False,
    database=None,
    deadline=None,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    setup = metafunc.config.stash.get(SETUP, None)
    if setup is None:
        raise pytest.UsageError("which stage? Add a folder, as in --stage stages/step33")
    name = metafunc.function.__name__
    past = json.loads(PAST.read_text("utf-8")) if PAST.exists() else []  # not where it is installed
    seeds = {f"past{row['seed']}": row["seed"] for row in past if row["property"] == name}
    given_seed = metafunc.config.getoption("--hypothesis-seed", None)
    seeds["now"] = setup.seed if given_seed is None else int(given_seed)
    metafunc.parametrize("seed", seeds.values(), ids=seeds.keys(), indirect=True)


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> int:
    if hypothesis.is_hypothesis_test(request.function):
        hypothesis.seed(request.param)(request.function)
    return request.param


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Engine:
    return Engine(pytestconfig.stash[SETUP])


class Engine:
    """The stage of the session: what it can do, and its data as NumPy arrays."""

    def __init__(self, setup: Setup):
        helpers: dict[str, Any] = {}
        exec(setup.arrays.prelude, helpers)
        self.dezero: Any = importlib.import_module("dezero")
        self.array, self.on_host = helpers["array"], helpers["on_host"]
        self.has = setup.stage.capabilities
        self.orders = 3 if "create_graph" in self.has else 1
        names = ["sin", "cos"] * ("functions" in self.has) + ["tanh"] * ("tanh" in self.has)
        names += ["exp", "log"] * ("array_functions" in self.has)
        self.functions = {
            name: getattr(importlib.import_module("dezero.functions"), name) for name in names
        }

    def leaf(self, values: Any) -> Any:
        return self.dezero.Variable(self.array(values))

    def leaves(self, *values: Any) -> list[Any]:
        return [self.leaf(value) for value in values]

    def gradient(self, values: Any) -> Any:
        """What can be assigned to `grad`: a Variable or, where no graph is made of it, an array."""
        return self.leaf(values) if self.orders > 1 else self.array(values)

    def read(self, x: Any) -> np.ndarray:
        return self.on_host(x.data if isinstance(x, self.dezero.Variable) else x)

    def gradients(self, y: Any, xs: list[Any], start: Any = None) -> list[Any]:
        """The gradients of y in the xs, which may be None, ready to be differentiated again."""
        for x in xs:
            x.cleargrad()
        if start is not None:
            y.grad = start
        y.backward(**({"create_graph": True} if self.orders > 1 else {}))
        return [x.grad for x in xs]

    def partials(
        self, y: Any, xs: list[Any], orders: int, axes: tuple[int, ...] = ()
    ) -> Iterator[tuple[tuple[int, ...], float]]:
        """Each derivative by the 0-d xs up to this order: (0, 1) is first by xs[0], then xs[1]."""
        if orders:
            for i, gx in enumerate(self.gradients(y, xs)):
                yield (*axes, i), 0.0 if gx is None else float(self.read(gx))
                if gx is not None:
                    yield from self.partials(gx, xs, orders - 1, (*axes, i))

    def refuses_second_order(self, y: Any) -> bool:
        """True where second derivatives are not to be had; the refusal is tested, too."""
        if self.orders > 1:
            return False
        with pytest.raises(TypeError, match=REFUSALS["create_graph"].match):
            y.backward(create_graph=True)
        return True


# --- random programs -----------------------------------------------------------------------------

# A program is a list of steps (name, operand, ...). Its slots hold the variables first, and then
# the result of each step; an int as operand is a slot, so results are used more than once.
Program = list[tuple[Any, ...]]

BINARY: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
POWERS = [2, 3, 1, 0, -1, -2, 0.5, 2.5, 4]
NUMBERS = st.floats(-3.0, 3.0, allow_subnormal=False)
ORACLE = {name: getattr(taylor, name) for name in ("sin", "cos", "tanh", "exp", "log")}
TOLERANCE = 256 * np.finfo(float).eps  # of the sum of the sizes that make up a number
UNDERFLOW = 1e-200  # numbers as small as this have come out of others that were too small


@st.composite
def programs(draw: st.DrawFn, engine: Engine, variables: int, steps: int = 7) -> Program:
    program: Program = []
    for last in range(variables - 1, variables - 1 + draw(st.integers(1, steps))):
        slot = st.sampled_from(range(last, -1, -1))  # the latest result is the simplest
        name = draw(st.sampled_from([*BINARY, "neg", "pow", *engine.functions]))
        if name in BINARY:
            a, b = draw(slot), draw(st.one_of(slot, slot, NUMBERS))
            program.append((name, a, b) if draw(st.booleans()) else (name, b, a))
        elif name == "pow":
            program.append((name, draw(slot), draw(st.sampled_from(POWERS))))
        else:
            program.append((name, draw(slot)))
    return program


def run(program: Program, xs: list[Any], functions: dict[str, Callable]) -> Any:
    return slots(program, xs, functions)[-1]


def slots(program: Program, xs: list[Any], functions: dict[str, Callable]) -> list[Any]:
    found = list(xs)
    for name, *operands in program:
        if name == "pow":
            found.append(found[operands[0]] ** operands[1])
            continue
        call = functions.get(name) or BINARY.get(name) or operator.neg
        found.append(call(*[found[x] if isinstance(x, int) else x for x in operands]))
    return found


def expected(program: Program, points: list[Any], degree: int) -> taylor.Taylor:
    """The oracle's answer; programs that are not smooth here, or too steep to judge, are left."""
    return judged(program, taylor.variables(degree, *points))


def judged(program: Program, xs: list[taylor.Taylor]) -> taylor.Taylor:
    with np.errstate(all="ignore"):
        found = slots(program, xs, ORACLE)
    assume(all(np.all(x.size < 1e8) for x in found))  # nan is not, either
    return found[-1]


def assert_near(got: Any, want: Any, size: Any) -> None:
    excess = np.abs(np.asarray(got) - want) - TOLERANCE * np.asarray(size)
    assert np.all(excess <= UNDERFLOW), f"got {got}, expected {want}"


@st.composite
def points(draw: st.DrawFn, at_most: int = 3) -> list[float]:
    return draw(st.lists(NUMBERS, min_size=1, max_size=at_most))


@settings(SETTINGS, max_examples=250)
@given(data=st.data())
def test_partial_derivatives_to_the_third_order(engine: Engine, data: st.DataObject) -> None:
    at = data.draw(points(2), "at")
    program = data.draw(programs(engine, len(at)), "program")
    want = expected(program, at, engine.orders)
    xs = engine.leaves(*at)
    y = run(program, xs, engine.functions)
    assert_near(engine.read(y), want.partial(), want.uncertainty())
    for axes, got in engine.partials(y, xs, engine.orders):
        assert_near(got, want.partial(*axes), want.uncertainty(*axes))


@SETTINGS
@given(data=st.data())
def test_a_gradient_is_linear(engine: Engine, data: st.DataObject) -> None:
    """The gradient of a f + b g, seeded with s, is s a times that of f plus s b times that of g."""
    at = data.draw(points(), "at")
    f = data.draw(programs(engine, len(at)), "f")
    g = data.draw(programs(engine, len(at)), "g")
    a, b, s = data.draw(st.tuples(NUMBERS, NUMBERS, NUMBERS), "a, b, s")
    sizes = [expected(program, at, 1) for program in (f, g)]
    xs = engine.leaves(*at)
    y, z = (run(program, xs, engine.functions) for program in (f, g))
    df, dg = numbers(engine, engine.gradients(y, xs)), numbers(engine, engine.gradients(z, xs))
    both = numbers(engine, engine.gradients(a * y + b * z, xs, engine.gradient(s)))
    for i in range(len(at)):
        size = abs(s * a) * sizes[0].uncertainty(i) + abs(s * b) * sizes[1].uncertainty(i)
        assert_near(both[i], s * (a * df[i] + b * dg[i]), size)


@SETTINGS
@given(data=st.data())
def test_the_product_rule(engine: Engine, data: st.DataObject) -> None:
    at = data.draw(points(), "at")
    f = data.draw(programs(engine, len(at)), "f")
    g = data.draw(programs(engine, len(at)), "g")
    sizes = expected(f, at, 1) * expected(g, at, 1)
    xs = engine.leaves(*at)
    y, z = (run(program, xs, engine.functions) for program in (f, g))
    df, dg = numbers(engine, engine.gradients(y, xs)), numbers(engine, engine.gradients(z, xs))
    both = numbers(engine, engine.gradients(y * z, xs))
    for i in range(len(at)):
        product = df[i] * engine.read(z) + engine.read(y) * dg[i]
        assert_near(both[i], product, sizes.uncertainty(i))


def numbers(engine: Engine, gradients: list[Any]) -> list[Any]:
    return [0.0 if gx is None else engine.read(gx) for gx in gradients]


@SETTINGS
@given(data=st.data())
def test_the_order_of_differentiation_makes_no_difference(
    engine: Engine, data: st.DataObject
) -> None:
    """Mixed partials are equal, and so the rows of a Hessian make a symmetric matrix."""
    at = data.draw(st.lists(NUMBERS, min_size=2, max_size=3), "at")
    program = data.draw(programs(engine, len(at), steps=5), "program")
    size = expected(program, at, 3)
    xs = engine.leaves(*at)
    y = run(program, xs, engine.functions)
    if engine.refuses_second_order(y):
        return
    found = dict(engine.partials(y, xs, 3))
    for axes, value in found.items():
        reordered = found.get(tuple(sorted(axes)), 0.0)  # not there where a gradient is None
        assert_near(value, reordered, 2 * size.uncertainty(*axes))


@SETTINGS
@given(data=st.data())
def test_gradients_of_arrays(engine: Engine, data: st.DataObject) -> None:
    """Seeded with w, and the gradients seeded with u again: in shapes that broadcast, if they may.

    Per element a program is a function of numbers, whose gradients the oracle knows; an operand
    that was repeated has the sum of its elements' gradients.
    """
    count = data.draw(st.integers(1, 3), "variables")
    shapes = mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3, min_side=0)
    drawn = data.draw(shapes, "shapes").input_shapes
    if "broadcast" not in engine.has:
        drawn = drawn[:1] * count
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), "numbers"))
    at = [random.uniform(-2.0, 2.0, shape) for shape in drawn]
    us = [random.uniform(-2.0, 2.0, shape) for shape in drawn]
    program = data.draw(programs(engine, count), "program")
    want = expected(program, at, min(engine.orders, 2))
    xs = engine.leaves(*at)
    y = run(program, xs, engine.functions)
    w = random.uniform(-2.0, 2.0, y.shape)

    gxs = engine.gradients(y, xs, engine.gradient(w))
    for i, gx in enumerate(gxs):
        assert_sums(engine, gx, at[i].shape, w * want.partial(i), abs(w) * want.uncertainty(i))
    if engine.refuses_second_order(y):
        return
    for x in xs:
        x.cleargrad()
    used = [j for j, gx in enumerate(gxs) if gx is not None]
    for j in used:
        gxs[j].grad = engine.gradient(us[j])
        gxs[j].backward()
    for i, x in enumerate(xs):
        change = sum(w * us[j] * want.partial(i, j) for j in used)
        size = sum(abs(w * us[j]) * want.uncertainty(i, j) for j in used)
        assert_sums(engine, x.grad, at[i].shape, change, size)


def assert_sums(engine: Engine, gx: Any, shape: tuple[int, ...], elements: Any, sizes: Any) -> None:
    if gx is None:
        assert_near(0.0, elements, sizes)
        return
    assert gx.shape == shape
    assert_near(engine.read(gx), summed(elements, shape), summed(sizes, shape))


def summed(elements: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    padded = (1,) * (elements.ndim - len(shape)) + shape
    axes = tuple(i for i, n in enumerate(padded) if n == 1 and elements.shape[i] != 1)
    return elements.sum(axis=axes, keepdims=True).reshape(shape)


@SETTINGS
@given(data=st.data())
def test_hessians_of_vectors(engine: Engine, data: st.DataObject) -> None:
    """Each H v, of f(A x, x) summed, as the oracle has it: as one vector, and number by number."""
    ways = ["numbers", *["vector"] * ("array_functions" in engine.has)]
    way = data.draw(st.sampled_from(ways), "way")
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), "numbers"))
    matrix, (at, v) = random.uniform(-1.0, 1.0, (3, 3)), random.uniform(-1.5, 1.5, (2, 3))
    program = data.draw(programs(engine, 2, steps=5), "program")

    def mixed(row: list[float], xs: list[Any]) -> Any:
        return sum(a * x for a, x in zip(row, xs))

    rows = matrix.tolist()
    ts = taylor.variables(2, *at)
    want: Any = sum(judged(program, [mixed(row, ts), t]) for row, t in zip(rows, ts))
    if way == "vector":
        library = importlib.import_module("dezero.functions")
        xs = engine.leaves(at)
        mixture = library.matmul(engine.array(rows), *xs)
        y = library.sum(run(program, [mixture, *xs], engine.functions))
    else:
        xs = engine.leaves(*at)
        terms = [run(program, [mixed(row, xs), x], engine.functions) for row, x in zip(rows, xs)]
        y = sum(terms)
    if engine.refuses_second_order(y):
        return
    gxs = engine.gradients(y, xs)
    for x in xs:
        x.cleargrad()
    for gx, u in zip(gxs, v if way == "numbers" else [v]):
        if gx is not None:
            gx.grad = engine.gradient(u)
            gx.backward()
    product = np.zeros(3) + np.hstack(numbers(engine, [x.grad for x in xs]))
    for i in range(3):
        row = sum(want.partial(i, j) * v[j] for j in range(3))
        size = sum(want.uncertainty(i, j) * abs(v[j]) for j in range(3))
        assert_near(product[i], row, size)


@SETTINGS
@given(data=st.data())
def test_higher_derivatives(engine: Engine, data: st.DataObject) -> None:
    """To the sixth order: f(a x + b), for the functions of the stage and for powers."""
    name = data.draw(st.sampled_from(["pow", *engine.functions]), "name")
    program: Program = [("*", 0, data.draw(NUMBERS)), ("+", data.draw(NUMBERS), 1)]
    program.append(("pow", 2, data.draw(st.sampled_from(POWERS))) if name == "pow" else (name, 2))
    at = data.draw(NUMBERS, "at")
    orders = 6 if engine.orders > 1 else 1
    want = expected(program, [at], orders)
    xs = engine.leaves(at)
    for axes, got in engine.partials(run(program, xs, engine.functions), xs, orders):
        assert_near(got, want.partial(*axes), want.uncertainty(*axes))


@SETTINGS
@given(data=st.data())
def test_arrays_of_taylor_series(engine: Engine, data: st.DataObject) -> None:
    """All orders from one pass, of programs in which some numbers, results too, are constants."""
    at = data.draw(st.lists(NUMBERS, min_size=2, max_size=3), "at")
    program = data.draw(programs(engine, len(at)), "program")
    want = expected(program, at, 5)
    constants = [data.draw(st.sampled_from([engine.leaf, engine.array]), "kind")(c) for c in at[1:]]

    def f(x: Any) -> Any:
        return run(program, [x, *constants], engine.functions)

    got = series.derivatives(f, engine.leaf(at[0]), 5)
    for k, value in enumerate(engine.on_host(got)):
        assert_near(value, want.partial(*[0] * k), want.uncertainty(*[0] * k))


# --- random sequences of actions -----------------------------------------------------------------


class Unfit(Exception):
    """A number of the model that is not exact in floating point, or too much work."""


class Node:
    """What the model knows of a Variable: a fraction, how it was computed, and its gradient.

    All numbers are fractions with a power of two below, so the engine has to hit them exactly.
    """

    def __init__(self, value: Fraction, rule: str = "", operands: tuple[Any, ...] = ()):
        self.value, self.rule = checked(value), rule
        self.operands = operands  # empty for a leaf
        self.grad: Node | None = None
        self.seeded = False  # the user has put the gradient there
        self.taken = False  # the gradient has got a name, or came from one
        self.made = False  # by a backward that records
        self.vague = False  # whether there is no gradient, or zeros, is the engine's choice
        nodes = [x for x in operands if isinstance(x, Node)]
        self.through: bool = any(x.through for x in nodes)  # comes from a gradient
        self.ways: int = 1 + sum(x.ways for x in nodes)

    def __add__(self, other: Any) -> Node:
        return compute("+", self, other)

    def __mul__(self, other: Any) -> Node:
        return compute("*", self, other)

    def __rmul__(self, other: Any) -> Node:
        return compute("*", other, self)

    def __truediv__(self, other: Any) -> Node:
        return compute("/", self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return compute("/", other, self)

    def __neg__(self) -> Node:
        return compute("neg", self)

    def __pow__(self, c: int) -> Node:
        return compute("pow", self, c)

    __radd__ = __add__


def checked(value: Fraction) -> Fraction:
    if abs(value.numerator) > 2**24 or value.denominator > 2**24:
        raise Unfit
    return value


def compute(rule: str, *operands: Any) -> Node:
    """A number from numbers, of which some are Nodes."""
    values = [plain(x) for x in operands]
    divisor = values[1] if rule == "/" else values[0] if rule == "pow" and operands[1] < 0 else 1
    if divisor == 0 or abs(divisor) != Fraction(2) ** log2(divisor):
        raise Unfit
    call = CALLS[rule]
    return Node(Fraction(call(*values)), rule, operands)


def log2(x: Any) -> int:
    return abs(Fraction(x).numerator).bit_length() - Fraction(x).denominator.bit_length()


def plain(x: Any) -> Any:
    return x.value if isinstance(x, Node) else x


ONE = Fraction(1)
CALLS = BINARY | {"neg": operator.neg, "pow": operator.pow}

#: dy/dx for each operand x of a rule, as a number or as a Node, according to the operands.
PARTIALS: dict[str, list[Callable[..., Any]]] = {
    "+": [lambda a, b: ONE, lambda a, b: ONE],
    "-": [lambda a, b: ONE, lambda a, b: -ONE],
    "*": [lambda a, b: b, lambda a, b: a],
    "/": [lambda a, b: ONE / b, lambda a, b: -(a / (b * b))],
    "neg": [lambda a: -ONE],
    "pow": [lambda a, c: c * a ** (c - 1) if c else Fraction(0)],
}


def spread(node: Node, gradient: Any, record: bool, found: dict[Node, Any]) -> None:
    """Add the gradient to each node that one can walk to, once for every way there is."""
    checked(plain(gradient))
    found[node] = found[node] + gradient if node in found else gradient
    operands = node.operands if record else [plain(x) for x in node.operands]
    for x, partial in zip(node.operands, PARTIALS.get(node.rule, [])):
        if isinstance(x, Node):
            slope = partial(*operands)
            spread(x, gradient * slope, record, found)


def varies(node: Node) -> bool:
    """Whether its derivative by some leaf is another number than zero."""
    if node.ways > 100:
        return False  # too much work to know
    found: dict[Node, Any] = {}
    try:
        spread(node, ONE, False, found)
    except Unfit:
        return False
    return any(slope for x, slope in found.items() if x is not node and not x.operands)


class Actions(RuleBasedStateMachine):
    """Whatever a user may do with 0-d Variables, beside a model that does it the naive way."""

    names = Bundle("names")

    def __init__(self, engine: Engine):
        super().__init__()
        self.engine = engine
        self.pairs: dict[int, tuple[Any, Node]] = {}
        self.count = 0
        self.mode: Any = None

    def named(self, x: Any, node: Node) -> int:
        self.count += 1
        self.pairs[self.count] = x, node
        return self.count

    @initialize(target=names, value=st.integers(-3, 3))
    def first(self, value: int) -> Any:
        return self.leaf(Fraction(value))

    @rule(target=names, value=st.sampled_from([Fraction(n, 2) for n in (2, 4, -6, 1, -1, 0, 3)]))
    def new(self, value: Fraction) -> Any:
        return self.leaf(value)

    def leaf(self, value: Fraction) -> int:
        return self.named(self.engine.leaf(float(value)), Node(value))

    @rule(target=names, name=st.sampled_from([*BINARY]), a=names, b=names)
    def operate(self, name: str, a: int, b: int) -> Any:
        (x, m), (y, n) = self.pairs[a], self.pairs[b]
        return self.result(name, (x, y), (m, n))

    @rule(
        target=names,
        name=st.sampled_from([*BINARY]),
        a=names,
        c=st.sampled_from([2, -1, 0.5, 3.0, 0]),
        left=st.booleans(),
        raw=st.booleans(),
    )
    def with_constant(self, name: str, a: int, c: float, left: bool, raw: bool) -> Any:
        x, node = self.pairs[a]
        constant = np.array(float(c)) if raw else c  # which goes to where the Variable is
        if left:
            return self.result(name, (constant, x), (Fraction(c), node))
        return self.result(name, (x, constant), (node, Fraction(c)))

    @rule(target=names, a=names, c=st.sampled_from([2, 3, 1, 0, -1, None]))
    def unary(self, a: int, c: int | None) -> Any:
        x, node = self.pairs[a]
        if c is None:
            return self.result("neg", (x,), (node,))
        return self.result("pow", (x, c), (node, c))

    @rule(
        target=names,
        a=names,
        b=names,
        steps=st.lists(
            st.tuples(st.sampled_from("+*-"), st.integers(0, 5), st.integers(0, 5)),
            min_size=2,
            max_size=5,
        ),
    )
    def combine(self, a: int, b: int, steps: list[tuple[str, int, int]]) -> Any:
        """Several operations at once, whose results in between have no names."""
        slots = [self.pairs[a], self.pairs[b]]
        last: Any = a
        for name, i, j in steps:
            (x, m), (y, n) = slots[-1 - i % len(slots)], slots[-1 - j % len(slots)]
            last = self.result(name, (x, y), (m, n))
            if not isinstance(last, int):
                return last
            slots.append(self.pairs.pop(last))
        self.pairs[last] = slots[-1]
        return last

    def result(self, name: str, operands: tuple, nodes: tuple) -> Any:
        try:
            node = compute(name, *nodes)
        except Unfit:
            return multiple()
        if self.mode is not None:
            node = Node(node.value)
        call = CALLS[name]
        return self.named(call(*operands), node)

    @rule(a=names, retain=st.booleans(), record=st.booleans())
    def backward(self, a: int, retain: bool, record: bool) -> None:
        y, root = self.pairs[a]
        record = record and self.engine.orders > 1
        start: Any = root.grad if root.seeded else ONE
        found: dict[Node, Any] = {}
        try:
            if root.ways > 300:
                raise Unfit
            spread(root, start if record else plain(start), record, found)
            written = self.written(root, found, retain, record)
        except Unfit:
            return
        flags = {"retain_grad": True} if retain else {}
        y.backward(**flags, **({"create_graph": True} if record else {}))
        root.grad, root.seeded = None, False
        for node, gradient in written.items():
            node.grad, node.seeded = gradient, False
            node.vague = node.vague or root.through
        if root.through:
            self.forget_what_depends_on_formulas(retain)

    def written(self, root: Node, found: dict[Node, Any], retain: bool, record: bool) -> dict:
        gradients = {}
        for node, gradient in found.items():
            if node.operands and not retain:
                continue
            if not node.operands and node.grad is not None and node is not root:
                gradient = gradient + (node.grad if record else node.grad.value)
            if not record or not isinstance(gradient, Node):
                gradient = Node(plain(gradient))
            elif gradient is root.grad:  # not the seed, but a gradient that equals it
                gradient = gradient * ONE
            gradient.made = gradient.through = record
            gradients[node] = gradient
        return gradients

    def forget_what_depends_on_formulas(self, retain: bool) -> None:
        """Whether the slope -a / b^2 of a quotient leads to the quotient is the engine's choice.

        So after a gradient's gradient it is open whether a zero is None, and what is retained.
        """
        for x, node in self.pairs.values():
            node.vague = node.vague or not node.operands
            if retain and node.operands:
                x.cleargrad()
                node.grad, node.seeded = None, False

    @rule(a=names, value=st.sampled_from([Fraction(3), Fraction(-1, 2)]))
    def put_gradient(self, a: int, value: Fraction) -> None:
        x, node = self.pairs[a]
        x.grad = self.engine.gradient(float(value))
        node.grad, node.seeded = Node(value), True

    @rule(a=names, b=names)
    def put_variable_as_gradient(self, a: int, b: int) -> None:
        (x, node), (gradient, its_node) = self.pairs[a], self.pairs[b]
        if x is not gradient:
            x.grad = gradient if self.engine.orders > 1 else gradient.data
            node.grad = its_node if self.engine.orders > 1 else Node(its_node.value)
            node.seeded = node.grad.taken = True

    @rule(target=names, a=names)
    def take_gradient(self, a: int) -> Any:
        x, node = self.pairs[a]
        if node.made or node.grad is None or x.grad is None:
            return multiple()
        if self.engine.orders == 1:
            return self.leaf(node.grad.value)
        node.grad.taken = True
        return self.named(x.grad, node.grad)

    @rule(a=names)
    def change_gradient(self, a: int) -> None:
        """In place, which no other gradient may notice."""
        x, node = self.pairs[a]
        grad = node.grad
        if (
            grad
            and x.grad is not None
            and not (node.made or node.seeded or grad.made or grad.taken)
        ):
            array = x.grad.data if self.engine.orders > 1 else x.grad
            array[...] = array + 1.0
            grad.value += 1

    @rule(a=names)
    def clear(self, a: int) -> None:
        x, node = self.pairs[a]
        x.cleargrad()
        node.grad, node.seeded, node.vague = None, False, False

    @rule(a=consumes(names))
    def delete(self, a: int) -> None:
        del self.pairs[a]
        if not self.pairs:
            self.leave_no_grad()

    @rule(often=st.integers(1, 4))
    def enter_no_grad(self, often: int) -> None:
        if self.mode is None and often == 4:  # what is not recorded has little to show
            self.mode = self.engine.dezero.no_grad()
            self.mode.__enter__()

    @rule()
    def leave_no_grad(self) -> None:
        if self.mode is not None:
            self.mode.__exit__(None, None, None)
            self.mode = None

    def teardown(self) -> None:
        self.leave_no_grad()

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        assert self.engine.dezero.Config.enable_backprop == (self.mode is None)
        for name, (x, node) in self.pairs.items():
            where = f"names_{name - 1} = {x}"
            assert self.number(x) == node.value, where
            if node.made:
                continue  # which of its factors a gradient shares is the engine's choice
            assert (x.creator is not None) == bool(node.operands), where
            self.compare_gradient(x.grad, node, where)

    def compare_gradient(self, grad: Any, node: Node, where: str) -> None:
        want = 0 if node.grad is None else node.grad.value
        if grad is None or node.grad is None:
            alike = grad is None and node.grad is None
            got = 0 if grad is None else self.number(grad)
            assert alike or (node.vague and got == want == 0), (
                f"{where}: gradient {grad}, not {want}"
            )
            return
        assert self.number(grad) == want, f"{where}: gradient {grad}, not {want}"
        if self.engine.orders > 1 and not node.grad.made:
            assert (grad.creator is not None) == bool(node.grad.operands), where
        elif node.grad.made and varies(node.grad):
            assert grad.creator is not None, f"{where}: its gradient is not recorded"

    def number(self, x: Any) -> Fraction:
        value = self.engine.read(x)
        assert value.shape == ()
        return Fraction(value.item())


def test_any_sequence_of_actions(engine: Engine, seed: int) -> None:
    machine: Any = hypothesis.seed(seed)(lambda: Actions(engine))
    budget = settings(SETTINGS, max_examples=250, stateful_step_count=40)
    run_state_machine_as_test(machine, settings=budget)
