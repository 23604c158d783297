"""Are the derivatives right? Each order is held against differences of the order below it.

Differences of differences soon lose all their digits. Differences of an exact derivative do not:
to check order n, the exact derivative of order n - 1 is differenced once, and that is good to some
eleven digits at any order. So each order is checked before the next one relies on it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from inspect import signature
from typing import Any

import numpy as np

from dezero_shared import arrays
from dezero_shared.arrays import Array, as_numpy, get_array_module
from dezero_shared.checked import describe
from dezero_shared.dot import walk
from dezero_shared.modes import using_config

STEP = 1e-4  # how far an element is moved, once and twice, to both sides


def array_equal(a: Any, b: Any) -> bool:
    """Whether two arrays, Variables or numbers have the same shape and the same elements."""
    return np.array_equal(as_numpy(a), as_numpy(b))


def array_allclose(a: Any, b: Any, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Whether two arrays, Variables or numbers are equal up to atol + rtol |b|; they broadcast."""
    return np.allclose(as_numpy(a), as_numpy(b), rtol=rtol, atol=atol)


def numerical_grad(f: Callable, x: Any, *args: Any, **kwargs: Any) -> Array:
    """The gradient of f(x, *args, **kwargs) by x, of the sum where f(x) is an array.

    By central differences, in float64: of x's shape, and in its array module. x: an array, a number
    or a Variable, of a real floating dtype, which f is then given moved in one element at a time.
    f returns an array or a Variable.

    Raises TypeError for other data, and for an f that returns something else.
    """
    point, like = _point(x, "x"), x.data if hasattr(x, "creator") else x

    def values(moved: np.ndarray) -> list[np.ndarray]:
        data = _array(moved, like)
        y = _own(f)(type(x)(data) if hasattr(x, "creator") else data, *args, **kwargs)
        return [as_numpy(y)]

    return _array(_differences(values, point, [np.ones(())]), like)


def gradient_check_for(variable: Any) -> Callable[..., bool]:
    """gradient_check for the engine whose class of Variables this is."""

    def gradient_check(
        f: Callable,
        x: Any,
        *args: Any,
        rtol: float = 1e-4,
        atol: float = 1e-5,
        order: int = 1,
        **kwargs: Any,
    ) -> bool:
        """True if the derivatives of f(x, *args, **kwargs) are right, up to this order.

        Each is compared with differences of the one below, in float64 and for each element, and is
        right up to atol + rtol |difference|. An order above 1 needs backward(create_graph=True).

        f: a function that makes a Variable, or several, of any shapes; or a Function, its class or
        an instance, of which each call takes a new one. x: an array, a number or a Variable, of a
        real floating dtype. args: those that are floating Variables are checked as well, all others
        are constants. Each Variable is replaced by a new one with a copy of its data.

        What is differentiated is f(x) or, where it is more than one number, the sum of its elements
        times fixed weights between 1 and 2: what is added to the wrong element shows. In the same
        way the gradients of one order make up what the next order differentiates.

        Raises AssertionError for the first derivative that is wrong, with its element; ValueError
        for an order below 1, an x without elements, and an f that does not depend on x; TypeError
        for other arguments, and for what f returns if it is no Variable.
        """
        chain = _Chain(variable, f, (x, *args), kwargs)
        _check_order(order, chain.records)
        with using_config("enable_backprop", True):
            chain.foreign = chain.foreign_leaves()
            before = [leaf.grad for leaf in chain.foreign]
            try:
                for n in range(1, order + 1):
                    _compare(chain, n, rtol, atol)
            finally:
                for leaf, grad in zip(chain.foreign, before):
                    leaf.grad = grad
        return True

    return gradient_check


class _Chain:
    """A function with its derivatives, each of them a gradient of all elements of the one before.

    points: the place of each argument that is differentiated, and its numbers.
    records: whether a gradient is a Variable, which can be differentiated again.
    foreign: the leaves that f takes from elsewhere, and whose gradients nobody has asked for.
    """

    foreign: list[Any]

    def __init__(self, variable: Any, f: Callable, arguments: tuple, kwargs: dict[str, Any]):
        if not callable(f):
            raise TypeError(
                f"gradient_check(f, x) needs the function f itself, not {describe(f)}: it calls f "
                f"at x and near it"
            )
        self.variable, self.f, self.arguments, self.kwargs = variable, _own(f), arguments, kwargs
        self.records = "create_graph" in signature(variable.backward).parameters
        self.points = {0: _point(arguments[0], "x")}
        for place, x in enumerate(arguments[1:], 1):
            if isinstance(x, variable) and x.data is not None and arrays.is_floating(x.data):
                self.points[place] = _point(x, self.name(place))

    @staticmethod
    def name(place: int) -> str:
        return f"args[{place - 1}]" if place else "x"

    def apply(self, points: dict[int, np.ndarray]) -> tuple[list, list]:
        """New leaves at these points, and the Variables that f makes of them."""
        inputs, leaves = list(self.arguments), []
        for place, point in points.items():
            like = inputs[place].data if hasattr(inputs[place], "creator") else inputs[place]
            inputs[place] = self.variable(_array(point, like))
            leaves.append(inputs[place])
        result = self.f(*inputs, **self.kwargs)
        ys = list(result) if isinstance(result, (list, tuple)) else [result]
        for y in ys or [result]:
            if not isinstance(y, self.variable):
                raise TypeError(
                    f"f has to return a {self.variable.__name__}, or several, made from the x that "
                    f"it is given, and returned {describe(y)}; does it compute with NumPy?"
                )
        # What is a leaf, such as x itself, would take its seed for its whole gradient.
        return leaves, [y * 1.0 if y.creator is None else y for y in ys]

    def derivative(self, order: int, points: dict[int, np.ndarray]) -> list[np.ndarray | None]:
        """The values of f for the order 0; else the gradients, None where none has arrived."""
        leaves, ys = self.apply(points)
        for n in range(1, order + 1):
            for leaf in (*leaves, *self.foreign):
                leaf.cleargrad()
            for y, weights in zip(ys, _weights(ys)):
                if y is not None:
                    seed = arrays.astype(_array(weights, y.data), y.dtype)
                    if self.records:
                        y.grad = self.variable(seed)
                        y.backward(create_graph=n < order)
                    else:
                        y.grad = seed
                        y.backward()
            ys = [leaf.grad for leaf in leaves]
        return [None if y is None else as_numpy(y) for y in ys]

    def foreign_leaves(self) -> list[Any]:
        leaves, ys = self.apply(self.points)
        nodes = {id(node): node for y in ys for node in walk(y)}
        for leaf in leaves:
            nodes.pop(id(leaf), None)
        return [x for x in nodes.values() if getattr(x, "creator", x) is None]

    def functions(self) -> str:
        """The functions that f consists of, by name."""
        _, ys = self.apply(self.points)
        nodes = [node for y in ys for node in walk(y) if not hasattr(node, "creator")]
        return ", ".join(sorted({type(node).__name__ for node in nodes})) or "none"


def _compare(chain: _Chain, order: int, rtol: float, atol: float) -> None:
    """Raises AssertionError where this derivative is not what the differences are."""
    gradients = chain.derivative(order, chain.points)
    weights = _weights(chain.derivative(order - 1, chain.points))
    depends = False
    for (place, point), gradient in zip(chain.points.items(), gradients):

        def below(moved: np.ndarray, place: int = place) -> list[np.ndarray]:
            found = chain.derivative(order - 1, chain.points | {place: moved})
            return [np.zeros(()) if y is None else y for y in found]

        expected = _differences(below, point, weights)
        got = np.zeros(point.shape) if gradient is None else gradient
        off = ~np.isclose(got, expected, rtol=rtol, atol=atol)
        if off.any():
            index = tuple(map(int, np.argwhere(off)[0]))
            element = f"[{', '.join(map(str, index))}]" if index else ""
            shown = "no gradient at all" if gradient is None else f"{got[index]:.8g}"
            source = f"derivative {order - 1}" if order > 1 else "f"
            if sum(w.size for w in weights) > 1:
                source += ", its elements times weights"
            raise AssertionError(
                f"derivative {order} of f by {chain.name(place)}{element} is wrong: "
                f"expected {expected[index]:.8g} (from differences of {source}), "
                f"got {shown} from backward(). "
                f"{int(off.sum())} of {off.size} elements are off by more than rtol {rtol:g} and "
                f"atol {atol:g}. "
                + _advice(chain, order, expected[index], got[index], gradient is None)
            )
        depends = depends or gradient is not None or bool(np.any(expected != 0))
    if order == 1 and not depends:
        raise ValueError(
            "f(x) does not depend on x, so there is nothing to check; a Variable that f takes from "
            "elsewhere has to be an argument: gradient_check(lambda x, w: ..., x, w)"
        )


def _advice(chain: _Chain, order: int, expected: float, got: float, is_lost: bool) -> str:
    """Where to look for what is wrong."""
    if not np.isfinite([expected, got]).all():
        return "f is not finite near this x: check it at another one"
    first, again = (chain.derivative(0, chain.points) for _ in range(2))
    if any(np.any(a != b) for a, b in zip(first, again)):
        return "f answers otherwise when it is called again with the same x: keep what it draws"
    functions = chain.functions()
    if is_lost and order > 1:
        return (
            f"The graph of derivative {order - 1} does not lead back there: look for a backward "
            f"that computes with arrays (.data, NumPy) and not with Variables. Functions: "
            f"{functions}"
        )
    if is_lost:
        return (
            f"The graph of f does not lead back there: look for .data or NumPy in f, and for None "
            f"from a backward. Functions: {functions}"
        )
    if order > 1:
        return (
            f"The derivatives below are right: look at what the backward of these functions is "
            f"made of, and for .data there. Functions: {functions}"
        )
    return f"Look at the backward of these functions: {functions}"


def _differences(
    values: Callable[[np.ndarray], list[np.ndarray]], x: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    """The derivative of the sum of weights * values by each element of x.

    (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12 h, whose error is h^4 f^(5) / 30:
    Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 25.3.6.
    """

    def at(index: tuple[int, ...], steps: int) -> list[np.ndarray]:
        moved = x.copy()
        moved[index] += steps * STEP
        return values(moved)

    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        four = zip(weights, *(at(index, steps) for steps in (1, -1, 2, -2)))
        for w, one, minus_one, two, minus_two in four:  # what has not changed leaves no rounding
            gradient[index] += np.sum(w * (8 * (one - minus_one) - (two - minus_two)))
    return gradient / (12 * STEP)


def _weights(ys: list) -> list[np.ndarray]:
    """The weights of these in their sum: 1 for a single number, others for each element."""
    shapes = [() if y is None else y.shape for y in ys]
    if sum(y.size for y in ys if y is not None) == 1:
        return [np.ones(shape) for shape in shapes]
    return [np.random.default_rng(i).uniform(1.0, 2.0, shape) for i, shape in enumerate(shapes)]


def _point(x: Any, name: str) -> np.ndarray:
    """The numbers of an argument in float64. Raises TypeError where there is no derivative."""
    data = arrays.as_array(x.data if hasattr(x, "creator") else x)
    if not arrays.is_floating(data):
        raise TypeError(
            f"{name} has to be of a real floating dtype, for its elements are moved by a little; "
            f"got {describe(x)}: write 1.0 for 1, and give an array a floating dtype"
        )
    if not data.shape or 0 not in data.shape:
        return np.array(as_numpy(data), dtype="float64")
    raise ValueError(f"{name} has no elements, so there is nothing to check: {describe(x)}")


def _array(numbers: np.ndarray, like: Any) -> Array:
    """These numbers in the module and on the device of the other array."""
    if not arrays.is_array(like) or get_array_module(like) is np:
        return np.asarray(numbers)
    return arrays._on_device_of(like, "asarray", numbers)


def _own(f: Any) -> Any:
    """f or, for a Function or its class, what makes a new one of each call."""
    if not (hasattr(f, "forward") and hasattr(f, "backward")):
        return f
    if isinstance(f, type):
        return lambda *xs: f()(*xs)
    return lambda *xs: copy(f)(*xs)


def _check_order(order: Any, records: bool) -> None:
    if not isinstance(order, int) or isinstance(order, bool):
        raise TypeError(f"the order is a whole number, got {describe(order)}")
    if order < 1:
        raise ValueError(f"the order is 1 or more, got {order}")
    if order > 1 and not records:
        raise TypeError(
            f"order {order} needs backward(create_graph=True), which the stage step32 brings: here "
            f"a gradient is an array, with nothing behind it to differentiate"
        )
