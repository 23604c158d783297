"""What a program of a case does, as a list of steps on named values.

The program runs as it is, on a package `dezero` that computes by the small engine and writes down
each step: loops are unrolled, functions of the program are followed. What a step may be is said in
`schema.json`. Numbers that a program takes out of a Variable stay names; where it decides something
by them, the path of the right numbers is what is recorded.
"""

from __future__ import annotations

import contextlib
import math
import operator
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from .. import adapters
from ..adapters import bridge
from ..execution.runner import compiled

Step = dict[str, Any]


class NotData(Exception):
    """The program is no list of steps; the message says what it does instead."""


@dataclass
class Recording:
    """The steps of a program, and its answer: a Value, a Claim, a Shape, None or lists of them."""

    steps: list[Step] = field(default_factory=list)
    answer: Any = None
    decides: bool = False  # whether the program asks which of two numbers is greater
    zeros: bool = False  # whether a gradient that there is not counts as zeros
    names: int = 0

    def step(self, do: str, **content: Any) -> None:
        self.steps.append({"do": do, **content})

    def named(self, do: str, **content: Any) -> str:
        """The new name of what this step makes."""
        self.names += 1
        name = f"v{self.names}"
        self.step(do, name=name, **content)
        return name


class Shape(tuple):
    """The shape of a value, which an answer may hold."""

    of: Value


class Value:
    """Numbers with a name: of an array here, of a Variable in the class below.

    inner: a Variable of the small engine's; None for a gradient that there is not.
    name: the name in the steps; "" for numbers that the program states, until they are used.
    """

    __array_ufunc__ = None  # NumPy leaves its operands to the methods here
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recording: Recording, inner: Any, name: str = ""):
        self.recording, self.inner, self.name = recording, inner, name

    @property
    def numbers(self) -> np.ndarray:
        if self.inner is None:
            raise NotData("computes with a gradient that there is not")
        return self.inner.data

    @property
    def shape(self) -> Shape:
        shape = Shape(self.numbers.shape)
        shape.of = self
        return shape

    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> Value:
        if self.name:
            raise NotData("takes a number out of an array")
        return Value(self.recording, _leaf(self.numbers[index]))

    def __iter__(self) -> Iterator[Value]:
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Value:
        return _apply("transpose", self, axes=tuple(reversed(range(self.ndim))))

    def __abs__(self) -> Value:
        return Decided(self.recording, _leaf(abs(self.numbers)))

    def __float__(self) -> float:
        raise NotData("makes a number of Python's of a value")

    def __lt__(self, bound: Any) -> Claim:
        return Claim(self, "below", bound)

    def __gt__(self, bound: Any) -> Claim:
        return Claim(self, "above", bound)

    def __eq__(self, bound: Any) -> Claim:  # type: ignore[override]
        return Claim(self, "is", bound)

    def asked(self) -> str:
        """The name of the value, which has one from now on."""
        if not self.name:
            self.name = self.recording.named("leaf", data=to_data(self.numbers))
        return self.name


class Decided(Value):
    """A number by which the program decides, and that no step knows."""

    def asked(self) -> str:
        raise NotData("computes an absolute value in Python")


class Claim:
    """What a program says of numbers, by a comparison."""

    def __init__(self, value: Value, kind: str, bound: Any):
        self.value, self.kind, self.bound = value, kind, bound

    def __bool__(self) -> bool:
        """The program goes on by what is true of the right numbers."""
        bound = self.bound.numbers if isinstance(self.bound, Value) else self.bound
        self.value.recording.decides = True
        return claimed(self.kind, self.value.numbers.tolist(), bound)

    def __radd__(self, other: Any) -> Any:
        raise NotData("counts in Python how many comparisons are true")


def claimed(kind: str, numbers: Any, bound: Any) -> bool:
    """Whether numbers are "below" a bound, "above" it, or "is" it."""
    compare = {"below": operator.lt, "above": operator.gt, "is": operator.eq}[kind]
    return bool(compare(numbers, bound))


class Variable(Value):
    """Numbers to be differentiated by, or computed from some."""

    seed: Variable | None = None
    found: tuple[Any, Variable] | None = None  # what `grad` gave last

    @property
    def data(self) -> Value:
        name = self.recording.named("leaf", of=self.name)
        return Value(self.recording, _leaf(self.numbers), name)

    @data.setter
    def data(self, numbers: Value) -> None:
        self.recording.step("assign", to=self.name, of=numbers.asked())
        self.inner.data = np.array(numbers.numbers)

    @property
    def grad(self) -> Any:
        if self.seed is not None:
            return self.seed
        inner = self.inner.grad
        if self.found is None or self.found[0] is not inner:
            otherwise = {"otherwise": "zeros"} if self.recording.zeros else {}
            name = self.recording.named("gradient", of=self.name, **otherwise)
            zeros = inner is None and self.recording.zeros
            given = _leaf(np.zeros_like(self.numbers)) if zeros else inner
            self.found = inner, Variable(self.recording, given, name)
        return self.found[1]

    @grad.setter
    def grad(self, gradient: Variable | None) -> None:
        if gradient is None:
            self.cleargrad()
        elif self.inner.parents:
            self.seed = gradient
        else:
            self.recording.step("put", on=self.name, gradient=gradient.name)
            self.inner.grad = gradient.inner

    def cleargrad(self) -> None:
        self.seed = None
        if not self.inner.parents:
            self.recording.step("clear", of=self.name)
        self.inner.cleargrad()

    def backward(self, retain_grad: bool = False, create_graph: bool = False) -> None:
        if retain_grad:
            raise NotData("keeps the gradients of results in between")
        self.numbers  # noqa: B018  (there has to be something to walk from)
        seeded, self.seed = self.seed, None
        if seeded is not None:
            self.inner.grad = seeded.inner
        with_seed = {} if seeded is None else {"seed": seeded.name}
        self.recording.step("walk", root=self.name, create_graph=create_graph, **with_seed)
        self.inner.backward(create_graph=create_graph)


@cache
def _small() -> tuple[Any, dict[str, Any]]:
    return bridge.book_like(bridge.load(adapters.find("small")))


def _leaf(numbers: Any) -> Any:
    return _small()[0](np.array(numbers, dtype=float))


def _apply(operation: str, *operands: Any, **more: Any) -> Value:
    """The result of an operation on values and numbers, as a Variable where an operand is one."""
    recording = next(x.recording for x in operands if isinstance(x, Value))
    inputs = [x.asked() if isinstance(x, Value) else {"number": to_data(x)} for x in operands]
    inner = [x.inner if isinstance(x, Value) else x for x in operands]
    if any(x is None for x in inner):
        raise NotData("computes with a gradient that there is not")
    if operation in bridge.SIGNS:
        result = bridge.SIGNS[operation](*inner)
    else:
        result = _small()[1][operation](*inner, *more.values())
    if "shape" in more:  # where the program says -1, what that is
        more["shape"] = result.data.shape
    name = recording.named("apply", operation=operation, inputs=inputs, **to_data(more))
    if any(isinstance(x, Variable) for x in operands):
        return Variable(recording, result, name)
    return Value(recording, _leaf(result.data), name)


def _operators() -> None:
    def method(operation: str, reflected: bool) -> Any:
        if operation == "neg":
            return lambda x: _apply("neg", x)
        if reflected:
            return lambda x, other: _apply(operation, other, x)
        return lambda x, other: _apply(operation, x, other)

    for operation, f in bridge.SIGNS.items():
        setattr(Value, f"__{f.__name__}__", method(operation, False))
        if operation not in ("neg", "pow"):
            setattr(Value, f"__r{f.__name__}__", method(operation, True))


_operators()


def _sum(x: Value, axis: Any = None, keepdims: bool = False) -> Value:
    axis = axis if axis is None else tuple(np.atleast_1d(axis).tolist())
    return _apply("sum", x, axis=axis, keepdims=keepdims)


def _shaped(operation: str) -> Any:
    return lambda x, shape: _apply(operation, x, shape=tuple(np.atleast_1d(shape).tolist()))


def _sum_to(x: Value, shape: Any) -> Value:
    lead = x.ndim - len(shape)
    kept = [lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1]
    axes = (*range(lead), *kept)
    return _shaped("reshape")(_sum(x, axes) if axes else x, shape)


def _transpose(x: Value, axes: Any = None) -> Value:
    return _apply("transpose", x, axes=tuple(axes if axes is not None else range(x.ndim)[::-1]))


_FUNCTIONS = {
    "sum": _sum,
    "sum_to": _sum_to,
    "reshape": _shaped("reshape"),
    "broadcast_to": _shaped("broadcast_to"),
    "transpose": _transpose,
    "matmul": lambda x, w: _apply("matmul", x, w),
    **{name: lambda x, name=name: _apply(name, x) for name in ("sin", "cos", "tanh", "exp", "log")},
}


def record(program: str) -> Recording:
    """The steps of a program, and its answer. Raises NotData."""
    recording = Recording(zeros=re.search(r"\bis (not )?None\b", program) is not None)

    def array(values: Any) -> Value:
        if isinstance(values, Value):
            return values
        try:
            return Value(recording, _leaf(values))
        except (TypeError, ValueError):
            raise NotData("makes an array of numbers that were computed") from None

    def variable(data: Value, name: Any = None) -> Variable:
        made = {"of": data.name} if data.name else {"data": to_data(data.numbers)}
        return Variable(recording, _leaf(data.numbers), recording.named("leaf", **made))

    def raw(x: Value) -> Value:
        return x.data if isinstance(x, Variable) else x

    package, functions = ModuleType("dezero"), ModuleType("dezero.functions")
    package.__path__ = []  # a package, of modules that are here
    vars(package).update(Variable=variable, functions=functions)
    vars(functions).update(_FUNCTIONS)
    namespace = {"__name__": "case", "math": math, "dezero": package, "Variable": variable}
    namespace |= {"array": array, "host": array, "raw": raw, "values": raw}
    namespace |= {"compiled": lambda f: f, "chain_length": lambda: 5_000}
    statements, question, _ = compiled(program, "<program>")
    with _instead({"dezero": package, "dezero.functions": functions}), np.errstate(all="ignore"):
        try:
            exec(statements, namespace)
            recording.answer = eval(question, namespace)
        except NotData:
            raise
        except Exception as error:
            raise NotData(f"does what no step is ({type(error).__name__}: {error})") from None
    return recording


@contextlib.contextmanager
def _instead(modules: dict[str, ModuleType]) -> Iterator[None]:
    """Imports find these modules, and afterwards what they found before."""
    former = {name: module for name, module in sys.modules.items() if name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(former)


def to_data(x: Any) -> Any:
    """Numbers and lists of them for JSON, to the last bit: floats as hexadecimal text."""
    if isinstance(x, dict):
        return {key: to_data(value) for key, value in x.items()}
    if isinstance(x, np.ndarray):
        return to_data(x.tolist())
    if isinstance(x, list | tuple):
        return list(map(to_data, x))
    return x.hex() if isinstance(x, float) else x  # inf, -inf and nan are called so
