"""Derivatives of any order n, at a cost that grows with the square of n: arrays of Taylor series.

A Series takes the place of an array. Each of its elements is a polynomial in a number t,

    c_0 + c_1 t + ... + c_n t^n,    cut off after t^n.

The engine asks an array for the module that computes on it, and a Series answers with this file,
so the stages' functions compute with series unchanged. From x + t they make f(x + t), and its
coefficients are the derivatives of f at x, divided by factorials:

    from dezero_shared.series import derivatives
    derivatives(F.tanh, 1.0, 8)         # tanh(1), tanh'(1), ... to the eighth derivative

A backward pass over series computes series as well: the gradients of the coefficients.

The rules are those of Griewank and Walther, Evaluating Derivatives (2nd edition, 2008), chapter 13:
say what the derivative of the result is, and compare the coefficients of t^(k-1). (The harness
tests with Taylor series of its own, dezero_harness.model.taylor, for an oracle must share no code
with what it judges.)
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from operator import add, matmul, mul, sub
from types import ModuleType
from typing import Any

import numpy as np

from dezero_shared import arrays
from dezero_shared.arrays import Array, get_array_module, is_array

Coefficients = list[Array]  # c_0, c_1, ...; those that are zero for certain may be left out


def derivatives(f: Callable, x: Any, n: int, direction: Any = None) -> Array:
    """f(x) and its first n derivatives: an array of shape (n + 1, *f(x).shape).

    x: a number, an array or a Variable, of a real floating dtype, which the result has too, and of
    any shape. f is called once, with a Series in place of the array: in a Variable if x is one (f
    needs that to call backward), else by itself, which records no graph. It returns a Variable, an
    array or a number.

    Where f takes each element by itself, entry k is the k-th derivative of each. In general it is
    the k-th derivative of f(x + t direction) by t, at t = 0; without a direction, of f(x + t).

    Raises ValueError for an n below 0, or with an n! that the dtype cannot hold (n > 170 for
    float64, 34 for float32, 8 for float16); TypeError for data that has no derivative, and for an
    f that returns something else.
    """
    u = line(x.data if hasattr(x, "creator") else x, n, direction)
    result = f(type(x)(u) if hasattr(x, "creator") else u)
    y = result.data if hasattr(result, "creator") else result
    if isinstance(y, (int, float, np.generic)):  # a number: what does not depend on x
        weak = str(u.dtype).rpartition(".")[-1]  # printed with its module: array_api_strict.float64
        y = np.asarray(y, None if isinstance(y, np.generic) else weak)
    if not is_array(y):
        raise TypeError(
            f"f has to return a Variable or an array, made from what it is given, and returned "
            f"something of type {type(y).__name__}"
        )
    # What is no Series was made of constants alone.
    return (y if isinstance(y, Series) else asarray(y, device=u)).derivatives()


def line(x: Any, n: int, direction: Any = None) -> Series:
    """x + t direction, as a Series to the order n; without a direction, x + t.

    x: a number or an array, of a real floating dtype. direction: what broadcasts to its shape.
    Raises TypeError or ValueError for an x, an n or a direction that is none.
    """
    if isinstance(x, Series):
        raise TypeError("x is a Series already, and series do not nest: ask for a higher order")
    x = arrays.as_array(x)
    check_floating(x)
    if not hasattr(n, "__index__"):
        raise TypeError(f"the order is a whole number, got {n!r} of type {type(n).__name__}")
    largest = float(get_array_module(x).finfo(x.dtype).max)
    if n < 0 or math.lgamma(n + 1) > math.log(largest):
        raise ValueError(
            f"the order is 0 or more, and its factorial at most {largest:.2g}, the largest number "
            f"of {x.dtype}; got the order {n}"
        )
    slope = arrays.ones_like(x)
    if direction is not None:
        slope = arrays.astype(arrays.as_array(slope * direction), x.dtype)
        if slope.shape != x.shape:
            raise ValueError(f"the direction has to broadcast to {x.shape}, not to {slope.shape}")
    return Series([x, slope][: n + 1], n)


def check_floating(x: Array) -> None:
    if not arrays.is_floating(x):
        raise TypeError(
            f"derivatives need real floating-point numbers, not {x.dtype}: write 1.0 for 1, and "
            f"give an array a floating dtype"
        )


class Series:
    """An array whose elements are Taylor series to the same order. It is not changed in place.

    coefficients: the arrays c_0, c_1, ..., of one module, shape and real floating dtype, which are
    those of the Series; what is left out up to c_order is zero. Raises TypeError for another dtype,
    ValueError for none, or for more than there are up to the order.
    """

    __slots__ = ("coefficients", "order")
    __array_ufunc__ = None  # np.array(2.0) * x: NumPy leaves the product to the right operand

    def __init__(self, coefficients: Sequence[Array], order: int):
        if not 1 <= len(coefficients) <= order + 1:
            raise ValueError(
                f"a Series to the order {order} has 1 to {order + 1} coefficients, "
                f"not {len(coefficients)}"
            )
        check_floating(coefficients[0])
        # Of a 0-d NumPy array this makes a scalar, which computes several times as fast.
        self.coefficients: Coefficients = [c if c.ndim else c[()] for c in coefficients]
        self.order = order

    def derivatives(self) -> Array:
        """k! c_k for k = 0 .. order, the derivatives by t at 0; of shape (order + 1, *shape)."""
        xp, first = get_array_module(self.coefficients[0]), arrays.as_array(self.coefficients[0])
        scaled = [
            c * float(math.factorial(k)) if k > 1 else c for k, c in enumerate(self.coefficients)
        ]
        rest = self.order + 1 - len(scaled)
        return xp.stack(scaled + [arrays.zeros(first.shape, first.dtype, first)] * rest)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.coefficients[0].shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.coefficients[0].dtype

    @property
    def device(self) -> Series:
        """What zeros() and asarray() need to know of where a Series lives: a Series from there."""
        return self

    def __array_namespace__(self, api_version: str | None = None) -> ModuleType:
        return sys.modules[__name__]

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a Series is no array of numbers: take its .coefficients or .derivatives()")

    def __getitem__(self, key: Any) -> Series:
        return each(self, lambda c: c[key])

    def __repr__(self) -> str:
        shown = ", ".join(arrays.format_array(c) for c in self.coefficients)
        return f"Series([{shown}], order={self.order})"

    def __neg__(self) -> Series:
        return each(self, lambda c: -c)

    def __add__(self, other: Any) -> Series:
        return combined(total, self, other)

    def __sub__(self, other: Any) -> Series:
        return combined(difference, self, other)

    def __rsub__(self, other: Any) -> Series:
        return combined(difference, other, self)

    def __mul__(self, other: Any) -> Series:
        return combined(product, self, other)

    def __truediv__(self, other: Any) -> Series:
        return combined(quotient, self, other)

    def __rtruediv__(self, other: Any) -> Series:
        return combined(quotient, other, self)

    def __matmul__(self, other: Any) -> Series:
        return combined(matrix_product, self, other)

    def __rmatmul__(self, other: Any) -> Series:
        return combined(matrix_product, other, self)

    def __pow__(self, c: Any) -> Series:
        if not isinstance(c, (int, float)):
            return NotImplemented
        return Series(power(self.coefficients, c, self.order), self.order)

    __radd__, __rmul__ = __add__, __mul__


def each(x: Series, function: Callable) -> Series:
    """The same linear function of each coefficient."""
    return Series([function(c) for c in x.coefficients], x.order)


def combined(rule: Callable, a: Any, b: Any) -> Any:
    """What a rule makes of two operands, of which one may be a constant, an array or a number.

    Anything else may have an answer of its own. Raises ValueError for series to different orders.
    """
    orders = {x.order for x in (a, b) if isinstance(x, Series)}
    if len(orders) > 1:
        raise ValueError(
            f"series to different orders do not mix: got {a.order} and {b.order}; "
            f"begin both with line(x, n) of the same n"
        )
    operands = []
    for x in (a, b):
        if not (isinstance(x, (Series, int, float, np.generic)) or is_array(x)):
            return NotImplemented
        operands.append(x.coefficients if isinstance(x, Series) else [x])
    (order,) = orders
    return Series(rule(*operands, order), order)


# The rules, from the coefficients of u, a and b to those of y, as far as y_n.


def total(a: Coefficients, b: Coefficients, n: int, plus: Callable = add) -> Coefficients:
    """y = a + b: y_k = a_k + b_k"""
    first = arrays.as_array(plus(a[0], b[0]))
    # The zeros have the shape and dtype that a constant may have brought, so all coefficients do.
    zero = None if len(a) == len(b) else arrays.zeros(first.shape, first.dtype, first)
    return [first] + [plus(*pair) for pair in zip_longest(a[1:], b[1:], fillvalue=zero)]


def difference(a: Coefficients, b: Coefficients, n: int) -> Coefficients:
    return total(a, b, n, sub)


def product(a: Coefficients, b: Coefficients, n: int, times: Callable = mul) -> Coefficients:
    """y = a b: y_k = a_0 b_k + a_1 b_(k-1) + ... + a_k b_0"""
    if len(b) == 1:
        return [times(c, b[0]) for c in a]
    y = []
    for k in range(min(n + 1, len(a) + len(b) - 1)):
        first, last = max(0, k + 1 - len(b)), min(k + 1, len(a))
        y.append(add_up(map(times, a[first:last], b[k - first :: -1])))
    return y


def matrix_product(a: Coefficients, b: Coefficients, n: int) -> Coefficients:
    return product(a, b, n, matmul)


def quotient(a: Coefficients, b: Coefficients, n: int) -> Coefficients:
    """y = a / b, so y b = a: b_0 y_k = a_k - (b_1 y_(k-1) + ... + b_k y_0)"""
    if len(b) == 1:
        return [c / b[0] for c in a]
    y = [a[0] / b[0]]
    for k in range(1, n + 1):
        rest = -dot(b[1:], y)
        y.append((a[k] + rest if k < len(a) else rest) / b[0])
    return y


def power(u: Coefficients, c: float, n: int) -> Coefficients:
    """y = u^c, so u y' = c u' y: k u_0 y_k = sum of (c j - (k - j)) u_j y_(k-j) over j = 1 .. k

    (Also Knuth, The Art of Computer Programming, volume 2, section 4.7.) A whole c that is not
    negative is multiplied out, which is right where u_0 is zero. For any other c, y_k is zero or
    infinite there, as (c over k) u_1^k u_0^(c-k) is: the term that counts as u_0 tends to zero.
    """
    if c >= 0 and float(c).is_integer():
        return whole_power(u, int(c), n)
    if len(u) == 1:
        return [u[0] ** float(c)]
    xp = get_array_module(u[0])
    is_zero, one, sign = u[0] == 0, xp.ones_like(u[0]), xp.sign(u[1])
    u_0, zero_or_one = xp.where(is_zero, one, u[0]), xp.where(is_zero, u[0], one)
    y, at_zero, binomial = [u_0 ** float(c)], [zero_or_one ** float(c)], 1.0
    for k in range(1, n + 1):
        weighted = [(c * j - (k - j)) * u[j] for j in range(1, min(k + 1, len(u)))]
        y.append(dot(weighted, y) / (k * u_0))
        binomial *= (c - k + 1) / k
        at_zero.append(binomial * sign**k * zero_or_one ** (c - k))
    return [xp.where(is_zero, *pair) for pair in zip(at_zero, y)]


def whole_power(u: Coefficients, c: int, n: int) -> Coefficients:
    """y = u^c for c = 0, 1, 2, ...: by squares of squares"""
    if c < 2:
        return u if c else [get_array_module(u[0]).ones_like(u[0])]
    y = whole_power(product(u, u, n), c // 2, n)
    return product(y, u, n) if c % 2 else y


def exponential(u: Coefficients, n: int) -> Coefficients:
    """y = e^u, so y' = u' y: k y_k = sum of j u_j y_(k-j) over j = 1 .. k, and so below"""
    y, slope = [get_array_module(u[0]).exp(u[0])], slope_of(u)
    for k in range(1, n + 1):
        y.append(divided(dot(slope, y), k))
    return y


def logarithm(u: Coefficients, n: int) -> Coefficients:
    """y = log u, so y' = u' / u"""
    xp = get_array_module(u[0])
    y, slope = [xp.log(u[0])], slope_of(u)
    # Where there is no logarithm, there is no derivative of it.
    ratio = quotient(slope, [xp.where(u[0] < 0, y[0], u[0]), *u[1:]], n - 1) if slope else []
    return y + [c / k for k, c in enumerate(ratio, 1)]


def sine_and_cosine(u: Coefficients, n: int) -> tuple[Coefficients, Coefficients]:
    """s = sin u and c = cos u, so s' = u' c and c' = -u' s"""
    xp, slope = get_array_module(u[0]), slope_of(u)
    s, c = [xp.sin(u[0])], [xp.cos(u[0])]
    for k in range(1, n + 1):
        s_k, c_k = divided(dot(slope, c), k), divided(dot(slope, s), -k)
        s.append(s_k)
        c.append(c_k)
    return s, c


def hyperbolic_tangent(u: Coefficients, n: int) -> Coefficients:
    """y = tanh u, so y' = u' g with g = 1 - y^2"""
    xp, slope = get_array_module(u[0]), slope_of(u)
    e = xp.exp(-2.0 * xp.abs(u[0]))
    y = [xp.tanh(u[0])]
    g = [4.0 * e / ((1.0 + e) * (1.0 + e))]  # 1 - y_0^2 would lose its digits near y_0 = 1
    for k in range(1, n + 1):
        y.append(divided(dot(slope, g), k))
        g.append(minus_square(y))
    return y


def slope_of(u: Coefficients) -> Coefficients:
    """u' = u_1 + 2 u_2 t + 3 u_3 t^2 + ..."""
    return [k * c for k, c in enumerate(u[1:], 1)]


def dot(a: Coefficients, b: Coefficients) -> Array:
    """a_0 b_m + a_1 b_(m-1) + ... + a_m b_0, for the last b_m; what a does not have is zero"""
    return add_up(map(mul, a, reversed(b)))


def minus_square(y: Coefficients) -> Array:
    """-(y_0 y_m + y_1 y_(m-1) + ... + y_m y_0) for the last y_m: most products come twice."""
    n = len(y)
    total = add_up(map(mul, y[: n // 2], reversed(y)))
    total *= -2.0
    if n % 2:
        total -= y[n // 2] * y[n // 2]
    return total


def divided(total: Array, k: int) -> Array:
    """A sum of products by k, in its own memory."""
    total /= k
    return total


def add_up(products: Iterable[Array]) -> Array:
    """Their sum, in the memory of the first: they are made for it, and there are many of them."""
    products = iter(products)
    total = next(products)
    for one in products:
        total += one
    return total


# The array module that a Series names: those functions of the standard that an engine calls.


def exp(x: Series) -> Series:
    return Series(exponential(x.coefficients, reach(x)), x.order)


def log(x: Series) -> Series:
    return Series(logarithm(x.coefficients, reach(x)), x.order)


def sin(x: Series) -> Series:
    return Series(sine_and_cosine(x.coefficients, reach(x))[0], x.order)


def cos(x: Series) -> Series:
    return Series(sine_and_cosine(x.coefficients, reach(x))[1], x.order)


def tanh(x: Series) -> Series:
    return Series(hyperbolic_tangent(x.coefficients, reach(x)), x.order)


def reach(x: Series) -> int:
    """How far to compute a function of x: to its order, but for a constant, such as x^0, to y_0."""
    return x.order if len(x.coefficients) > 1 else 0


def asarray(x: Array, *, device: Series) -> Series:
    """The constant x, to the order of the other Series, and in its module and on its device."""
    like = device.coefficients[0]
    if isinstance(x, np.ndarray) and is_array(like) and not isinstance(like, np.ndarray):
        x = arrays._on_device_of(like, "asarray", x)
    return Series([x], device.order)


def zeros(shape: tuple[int, ...], *, dtype: Any, device: Series) -> Series:
    like = arrays.as_array(device.coefficients[0])
    return Series([arrays.zeros(shape, dtype, like)], device.order)


def ones_like(x: Series) -> Series:
    first = x.coefficients[0]
    return Series([get_array_module(first).ones_like(first)], x.order)


def astype(x: Series, dtype: Any) -> Series:
    return each(x, lambda c: arrays.astype(arrays.as_array(c), dtype))


def isdtype(dtype: Any, kind: str) -> bool:
    """Whether the dtype of a Series is of this kind; it is always a real floating one."""
    return kind == "real floating"


def sum(x: Series, *, axis: Any = None, keepdims: bool = False) -> Series:
    xp = get_array_module(x.coefficients[0])
    return each(x, lambda c: xp.sum(c, axis=axis, keepdims=keepdims))


def reshape(x: Series, shape: Sequence[int]) -> Series:
    xp = get_array_module(x.coefficients[0])
    return each(x, lambda c: xp.reshape(c, tuple(shape)))


def broadcast_to(x: Series, shape: Sequence[int]) -> Series:
    xp = get_array_module(x.coefficients[0])
    return each(x, lambda c: xp.broadcast_to(c, tuple(shape)))


def permute_dims(x: Series, axes: Sequence[int]) -> Series:
    return each(x, lambda c: arrays.permute_dims(c, tuple(axes)))
