"""Derivatives of any order at a cost that grows with its square: arrays of Taylor series.

A Series takes the place of an array: each of its elements is a polynomial in a number t,

    c_0 + c_1 t + ... + c_n t^n,    cut off after t^n.

The engine asks an array for the module that computes on it, and the answer of a Series is this
file, so the stages' functions compute with series unchanged. From x + t they make f(x + t), whose
coefficients are the derivatives of f at x, divided by factorials:

    from dezero_shared.series import derivatives
    derivatives(F.tanh, 1.0, 8)         # tanh(1), tanh'(1), ... to the eighth derivative

Nothing of it is symbolic, and no graph is needed. A backward pass over series computes a series
too: the gradients of the coefficients.

The rules for the coefficients are those of Griewank and Walther, Evaluating Derivatives (2nd ed.
2008), chapter 13: write down what the result's derivative is, and compare the coefficients of t^k.
They need arrays that can be assigned to, or that have JAX's `.at`. (The harness has Taylor series
of its own, dezero_harness.taylor, to test with: an oracle shares no code with what it judges.)
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from operator import index, matmul, mul, truediv
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from dezero_shared import arrays
from dezero_shared.arrays import Array, get_array_module, is_array


def derivatives(f: Callable, x: Any, n: int, direction: Any = None) -> Array:
    """f(x) and its first n derivatives: an array of shape (n + 1, *f(x).shape), of x's dtype.

    x: a number, an array or a Variable, of a real floating dtype and of any shape. f is called
    once, with a Series in place of the array: in a Variable if x is one (which f needs if it calls
    backward), by itself otherwise, which records no graph. It returns a Variable or an array.

    Where f takes each element by itself, the k-th entry is its k-th derivative, element by element.
    In general, it is the k-th derivative of f(x + t direction) by t at 0; direction, of a shape
    that broadcasts to x's, is all ones by default.

    Raises ValueError for a negative n, or one whose factorial x's dtype cannot hold (n > 170 for
    float64, 34 for float32); TypeError for data without derivatives and for what f must not return.
    """
    is_variable = hasattr(x, "creator")
    if n == 0:
        return derivatives(f, x, 1, direction)[:1]
    u = line(x.data if is_variable else x, n, direction)
    result = f(type(x)(u) if is_variable else u)
    y = result.data if hasattr(result, "creator") else result
    if not is_array(y):
        raise TypeError(
            f"f has to return a Variable or an array, computed from what it was given, "
            f"not {y!r} of type {type(y).__name__}"
        )
    if not isinstance(y, Series):  # made of constants alone
        y = asarray(y, device=u)
    return y.derivatives()


def line(x: Any, n: int, direction: Any = None) -> Series:
    """x + t direction as a Series to the order n; direction is all ones by default.

    x: a number or an array of a real floating dtype. direction: one that broadcasts to its shape.
    Raises TypeError for another dtype, ValueError for an order that is out of range.
    """
    x = arrays.as_array(x)
    c = begin(x, x, order_for(x, n))
    return Series(put(c, 1, 1.0 if direction is None else direction))


def order_for(x: Array, n: Any) -> int:
    """n, if x's dtype can hold n!. Raises TypeError or ValueError otherwise."""
    check_floating(x)
    if not hasattr(n, "__index__"):
        raise TypeError(f"the order is a whole number, got {n!r} of type {type(n).__name__}")
    largest = float(get_array_module(x).finfo(x.dtype).max)
    if n < 1 or math.lgamma(n + 1) > math.log(largest):
        raise ValueError(
            f"the order of a Series is 1 or more (of derivatives, 0 or more), and its factorial is "
            f"at most {largest:.2g}, the largest {x.dtype}; got {n}"
        )
    return index(n)


def check_floating(x: Array) -> None:
    if not arrays.is_floating(x):
        raise TypeError(
            f"derivatives need real floating-point numbers, not {x.dtype}: write 1.0 for 1, and "
            f"give arrays a floating dtype"
        )


# The rules. u, a, b and y are arrays of coefficients, u[k] that of t^k, of shape (n + 1, *shape).
# What is constant may also come as a tuple of one number or array.


def total(a: Any, b: Any) -> Array:
    """y = a + b: y_k = a_k + b_k"""
    if len(a) == len(b):
        return a + b
    long = a if len(a) > len(b) else b
    first = a[0] + b[0]
    return put(begin(first, long), slice(1, None), long[1:])


def difference(a: Any, b: Any) -> Array:
    return total(a, -b if len(b) > 1 else (-b[0],))


def product(a: Any, b: Any, times: Callable = mul) -> Array:
    """y = a b: y_k = a_0 b_k + a_1 b_(k-1) + ... + a_k b_0"""
    if len(a) == 1 or len(b) == 1:
        return times(a[0], b) if len(a) == 1 else times(a, b[0])
    if type(a) is type(b) is np.ndarray and a.ndim == b.ndim == 1:
        return np.convolve(a, b)[: len(a)]
    y = times(a[0], b)
    for j in range(1, len(a)):
        y = put(y, slice(j, None), y[j:] + times(a[j], b[:-j]))
    return y


def matrix_product(a: Any, b: Any) -> Array:
    return product(a, b, matmul)


def quotient(a: Any, b: Any) -> Array:
    """y = a / b, so y b = a: y_k = (a_k - b_1 y_(k-1) - ... - b_k y_0) / b_0"""
    if len(b) == 1:
        return truediv(a, b[0])
    y = begin(a[0] / b[0], b)
    for k in range(1, len(b)):
        known = dot(b[1 : k + 1], y[k - 1 :: -1])
        y = put(y, k, (a[k] - known if len(a) > 1 else -known) / b[0])
    return y


def power(u: Array, c: float) -> Array:
    """y = u^c, so u y' = c u' y: k u_0 y_k = sum of (c j - (k - j)) u_j y_(k-j) for j = 1 .. k

    (Knuth, The Art of Computer Programming, vol. 2, section 4.7.) A whole c >= 0 is multiplied out,
    for u_0 may then be zero.
    """
    if c >= 0 and float(c).is_integer():
        return whole_power(u, int(c))
    xp, steps = get_array_module(u), orders(u)
    zero = u[:1] == 0
    any_zero = bool(xp.any(zero))
    u_0 = xp.where(zero, xp.ones_like(u[:1]), u[:1])[0] if any_zero else u[0]
    y = begin(u[0] ** float(c), u)
    for k in range(1, len(u)):
        weights = c * steps[:k] - (k - steps[:k])
        y = put(y, k, dot(weights * u[1 : k + 1], y[k - 1 :: -1]) / (k * u_0))
    if any_zero:
        # The term that counts as u_0 tends to 0: (c over k) u_1^k u_0^(c-k), zero or infinite.
        base, binomial = arrays.astype(~zero, u.dtype), 1.0
        for k in range(1, len(u)):
            binomial *= (c - k + 1) / k
            term = binomial * u[1:2] ** float(k) * base ** (c - k)
            y = put(y, slice(k, k + 1), xp.where(zero, term, y[k : k + 1]))
    return y


def whole_power(u: Array, c: int) -> Array:
    """y = u^c for c = 0, 1, 2, ... by squaring"""
    y = None
    while c:
        if c % 2:
            y = u if y is None else product(y, u)
        c //= 2
        u = product(u, u) if c else u
    return begin(get_array_module(u).ones_like(u[0, ...]), u) if y is None else y


def exponential(u: Array) -> Array:
    """y = e^u, so y' = y u': k y_k = sum of j u_j y_(k-j) for j = 1 .. k"""
    y, slope = begin(get_array_module(u).exp(u[0]), u), u[1:] * orders(u)
    for k in range(1, len(u)):
        y = put(y, k, dot(slope[:k], y[k - 1 :: -1]) / k)
    return y


def logarithm(u: Array) -> Array:
    """y = log u, so y' = u' / u"""
    xp, steps = get_array_module(u), orders(u)
    y = begin(xp.log(u[0]), u)
    u = xp.where(u[:1] < 0, y[:1], u)  # where there is no logarithm, it has no derivatives either
    return put(y, slice(1, None), quotient(u[1:] * steps, u[:-1]) / steps)


def sine_and_cosine(u: Array) -> tuple[Array, Array]:
    """s = sin u and c = cos u, so s' = c u' and c' = -s u'"""
    xp, slope = get_array_module(u), u[1:] * orders(u)
    s, c = begin(xp.sin(u[0]), u), begin(xp.cos(u[0]), u)
    for k in range(1, len(u)):
        s, c = (
            put(s, k, dot(slope[:k], c[k - 1 :: -1]) / k),
            put(c, k, -dot(slope[:k], s[k - 1 :: -1]) / k),
        )
    return s, c


def hyperbolic_tangent(u: Array) -> Array:
    """y = tanh u, so y' = g u' with g = 1 - y^2"""
    xp, slope = get_array_module(u), u[1:] * orders(u)
    e = xp.exp(-2.0 * xp.abs(u[0]))
    y = begin(xp.tanh(u[0]), u)
    g = begin(
        4.0 * e / (1.0 + e) ** 2, u
    )  # 1 - y_0^2, with the digits that this loses at y_0 near 1
    for k in range(1, len(u)):
        y = put(y, k, dot(slope[:k], g[k - 1 :: -1]) / k)
        g = put(g, k, -dot(y[: k + 1], y[k::-1]))
    return y


def dot(a: Array, b: Array) -> Array:
    """a_0 b_0 + a_1 b_1 + ... for each element"""
    return a @ b if a.ndim == b.ndim == 1 else get_array_module(a).sum(a * b, axis=0)


def begin(first: Array, like: Array, n: int | None = None) -> Array:
    """Coefficients for what starts with `first`: zeros after it, as many as `like` has, or n."""
    length = len(like) if n is None else n + 1
    return put(arrays.zeros((length, *first.shape), first.dtype, like), 0, first)


def put(c: Array, k: int | slice, value: Any) -> Array:
    """The coefficients with this one in its place: the same array, where it can be changed."""
    if hasattr(c, "at"):  # JAX, whose arrays cannot
        return c.at[k].set(value)
    c[k] = value
    return c


def orders(u: Array) -> Array:
    """1, 2, ..., n along the axis of the coefficients: (c_1, c_2, ...) times it is the derivative"""
    steps = arrays._on_device_of(u, "arange", 1, len(u), dtype=u.dtype)
    return get_array_module(u).reshape(steps, (-1,) + (1,) * (u.ndim - 1))


def pair(x: Series, other: Any) -> tuple[Any, Any] | None:
    """The coefficients of both, such that their elements broadcast; None for what is no operand."""
    a = x.coefficients
    if isinstance(other, Series):
        b = other.coefficients
        if len(a) != len(b):
            raise ValueError(
                f"series to different orders do not mix: got {len(a) - 1} and {len(b) - 1}; "
                f"begin with line(x, n) of the same n"
            )
        return widened(a, b.ndim), widened(b, a.ndim)
    if is_array(other):
        return widened(a, other.ndim + 1), (other,)
    return (a, (other,)) if isinstance(other, (int, float, np.generic)) else None


def widened(c: Array, ndim: int) -> Array:
    """With axes of length 1 after that of the coefficients, so that there are ndim or more."""
    if c.ndim >= ndim:
        return c
    return get_array_module(c).reshape(c, (len(c), *(1,) * (ndim - c.ndim), *c.shape[1:]))


def operators(rule: Callable) -> tuple[Callable, Callable]:
    """`x + other` and `other + x` by the rule of +; a foreign operand may have its own answer."""

    def operator(x: Series, other: Any) -> Any:
        operands = pair(x, other)
        return Series(rule(*operands)) if operands else NotImplemented

    def reflected(x: Series, other: Any) -> Any:
        operands = pair(x, other)
        return Series(rule(*reversed(operands))) if operands else NotImplemented

    return operator, reflected


class Series:
    """An array whose elements are Taylor series, all to the same order.

    coefficients: an array of shape (order + 1, *shape) of any module, the axis of the powers of t
    first. shape, ndim, size and dtype are those of the array that a Series takes the place of.
    It is not changed in place. Raises TypeError for coefficients that are no floating numbers,
    ValueError for fewer than two: a constant is better left an array.
    """

    __slots__ = ("coefficients",)
    __array_ufunc__ = None  # np.array(2.0) * x: NumPy leaves the product to the right operand

    def __init__(self, coefficients: Array):
        check_floating(coefficients)
        if coefficients.ndim == 0 or len(coefficients) < 2:
            raise ValueError(
                f"a Series has an axis of two or more coefficients first; got the shape "
                f"{tuple(coefficients.shape)}"
            )
        self.coefficients = coefficients

    def derivatives(self) -> Array:
        """By t at 0, from order 0 on: k! times the k-th coefficient, in the same shape."""
        c = self.coefficients
        y = begin(c[0], c)
        for k in range(1, len(c)):
            y = put(y, k, c[k] * float(math.factorial(k)))
        return y

    @property
    def shape(self) -> tuple[int, ...]:
        return self.coefficients.shape[1:]

    @property
    def ndim(self) -> int:
        return self.coefficients.ndim - 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        return self.coefficients.dtype

    @property
    def device(self) -> Series:
        """What zeros() and asarray() need to know of where a Series lives: a Series from there."""
        return self

    def __array_namespace__(self, api_version: str | None = None) -> ModuleType:
        return sys.modules[__name__]

    def __getitem__(self, key: Any) -> Series:
        return Series(
            self.coefficients[(slice(None), *(key if isinstance(key, tuple) else (key,)))]
        )

    def __repr__(self) -> str:
        return f"Series({arrays.format_array(self.coefficients)})"

    __add__, __radd__ = operators(total)
    __sub__, __rsub__ = operators(difference)
    __mul__, __rmul__ = operators(product)
    __truediv__, __rtruediv__ = operators(quotient)
    __matmul__, __rmatmul__ = operators(matrix_product)

    def __neg__(self) -> Series:
        return Series(-self.coefficients)

    def __pow__(self, c: Any) -> Series:
        if isinstance(c, (int, float)):
            return Series(power(self.coefficients, c))
        return NotImplemented


# The array module that a Series names: those functions of the standard that an engine calls.


def exp(x: Series) -> Series:
    return Series(exponential(x.coefficients))


def log(x: Series) -> Series:
    return Series(logarithm(x.coefficients))


def sin(x: Series) -> Series:
    return Series(sine_and_cosine(x.coefficients)[0])


def cos(x: Series) -> Series:
    return Series(sine_and_cosine(x.coefficients)[1])


def tanh(x: Series) -> Series:
    return Series(hyperbolic_tangent(x.coefficients))


def asarray(x: Array, *, device: Series) -> Series:
    """The constant x as a Series to the order of `device`, in its module and on its device."""
    like = device.coefficients
    if isinstance(x, np.ndarray) and not isinstance(like, np.ndarray):
        x = arrays._on_device_of(like, "asarray", x)
    return Series(begin(x, like))


def ones_like(x: Series) -> Series:
    c = x.coefficients
    return Series(begin(get_array_module(c).ones_like(c[0, ...]), c))


def zeros(shape: tuple[int, ...], *, dtype: Any, device: Series) -> Series:
    like = device.coefficients
    return Series(arrays.zeros((len(like), *shape), dtype, like))


def astype(x: Series, dtype: Any) -> Series:
    return Series(arrays.astype(x.coefficients, dtype))


def isdtype(dtype: Any, kind: str) -> bool:
    """Whether the dtype of a Series is of this kind: a real floating one is the only kind it has."""
    return kind == "real floating"


def sum(x: Series, *, axis: int | Sequence[int] | None = None, keepdims: bool = False) -> Series:
    c = x.coefficients
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    xp = get_array_module(c)
    return Series(xp.sum(c, axis=tuple(i + 1 for i in axes), keepdims=keepdims))


def reshape(x: Series, shape: Sequence[int]) -> Series:
    c = x.coefficients
    return Series(get_array_module(c).reshape(c, (len(c), *shape)))


def broadcast_to(x: Series, shape: Sequence[int]) -> Series:
    c = widened(x.coefficients, len(shape) + 1)
    return Series(get_array_module(c).broadcast_to(c, (len(c), *shape)))


def permute_dims(x: Series, axes: Sequence[int]) -> Series:
    return Series(arrays.permute_dims(x.coefficients, (0, *(i + 1 for i in axes))))
