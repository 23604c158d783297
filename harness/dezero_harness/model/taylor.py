"""Derivatives forward: polynomials in small steps h_1 .. h_n, cut off after a total degree.

f(x + h) for numbers x is such a polynomial, and its coefficients are the partial derivatives of f
divided by factorials. Sums and products of polynomials are all it takes: there is no graph, and
nothing is passed backwards. (Griewank and Walther, Evaluating Derivatives, chapter 13.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from . import exact

Derivative = Callable[[np.ndarray, int], Any]


class Taylor:
    """A polynomial in h; `value[k]` is the coefficient of the monomial `monomials(...)[k]`.

    value: shape (number of monomials, *shape), one polynomial for each element of an array.
    size: of the same shape, the sum of the sizes of all that was added up to the coefficient, and
    of what an error in the argument of a function would add. With u the unit roundoff of what is
    compared, a coefficient is as uncertain as a small multiple of u * size.
    """

    __array_ufunc__ = None  # NumPy leaves its left operands to the methods here

    def __init__(self, degree: int, variables: int, value: Any, size: Any):
        self.degree, self.variables = degree, variables
        self.value, self.size = np.asarray(value), np.asarray(size)

    def _like(self, value: Any, size: Any) -> Taylor:
        return Taylor(self.degree, self.variables, value, size)

    def _lift(self, other: Any) -> Taylor:
        if isinstance(other, Taylor):
            return other
        value = np.zeros((len(self.value), *np.shape(other)))
        value[0] = other
        return self._like(value, abs(value))

    def __add__(self, other: Any) -> Taylor:
        a, b = _same_rank(self, self._lift(other))
        return self._like(a.value + b.value, a.size + b.size)

    def __neg__(self) -> Taylor:
        return self._like(-self.value, self.size)

    def __sub__(self, other: Any) -> Taylor:
        return self + -self._lift(other)

    def __rsub__(self, other: Any) -> Taylor:
        return -self + other

    def __mul__(self, other: Any) -> Taylor:
        a, b = _same_rank(self, self._lift(other))
        table = _products(self.degree, self.variables)
        return self._like(_product(a.value, b.value, table), _product(a.size, b.size, table))

    def __truediv__(self, other: Any) -> Taylor:
        return self * self._lift(other) ** -1

    def __rtruediv__(self, other: Any) -> Taylor:
        return self**-1 * other

    def __pow__(self, c: float) -> Taylor:
        def derivative(x: np.ndarray, order: int) -> np.ndarray:
            factor = math.prod(c - k for k in range(order))
            return factor * x ** float(c - order) if factor else np.zeros_like(x)

        return self.composed(derivative)

    __radd__, __rmul__ = __add__, __mul__

    def composed(self, derivative: Derivative, derivative_size: Derivative | None = None) -> Taylor:
        """g(self), where derivative(x, k) is the k-th derivative of g: g(x) + g'(x) h + ...

        derivative_size: where a derivative is itself a sum, the sum of its terms' sizes.
        """
        x, rest = self.value[0], self.value.copy()
        rest[0] = 0.0
        step, power = self._like(rest, self.size), self._lift(np.ones_like(x))
        result = self._lift(np.zeros_like(x))
        for k in range(self.degree + 2):  # one more than counts: the size of an error in x
            term = self._lift(np.asarray(derivative(x, k)) / math.factorial(k))
            if derivative_size:
                term.size[0] = derivative_size(x, k) / math.factorial(k)
            result = result + power * term
            power = power * step
        return result

    def partial(self, *axes: int) -> np.ndarray:
        """The derivative by h_i for each i of the axes, in any order: partial(0, 0, 1) is f_001."""
        return self.value[self._index(axes)] * _factorials(axes)

    def uncertainty(self, *axes: int) -> np.ndarray:
        """The size that belongs to `partial`."""
        return self.size[self._index(axes)] * _factorials(axes)

    def _index(self, axes: tuple[int, ...]) -> int:
        return monomials(self.degree, self.variables).index(tuple(sorted(axes)))


def variables(degree: int, *points: Any) -> list[Taylor]:
    """x_i + h_i for each of these numbers or arrays, to compute with."""
    result = []
    for i, point in enumerate(points):
        value = np.zeros((len(monomials(degree, len(points))), *np.shape(point)))
        value[0], value[i + 1] = point, 1.0
        result.append(Taylor(degree, len(points), value, abs(value)))
    return result


def sin(x: Taylor) -> Taylor:
    return x.composed(
        lambda v, k: (exact.sin(v), exact.cos(v), -exact.sin(v), -exact.cos(v))[k % 4]
    )


def cos(x: Taylor) -> Taylor:
    return x.composed(
        lambda v, k: (exact.cos(v), -exact.sin(v), -exact.cos(v), exact.sin(v))[k % 4]
    )


def exp(x: Taylor) -> Taylor:
    return x.composed(lambda v, k: exact.exp(v))


def log(x: Taylor) -> Taylor:
    return x.composed(
        lambda v, k: (-1.0) ** (k - 1) * math.factorial(k - 1) / v**k if k else exact.log(v)
    )


def tanh(x: Taylor) -> Taylor:
    def derivative(v: np.ndarray, order: int) -> Any:
        return np.polynomial.Polynomial(tanh_polynomial(order))(exact.tanh(v))

    def size(v: np.ndarray, order: int) -> Any:  # 1 - t^2 loses digits where t is near 1
        return np.polynomial.Polynomial(tanh_polynomial(order, sign=1.0))(abs(exact.tanh(v)))

    return x.composed(derivative, size)


@cache
def tanh_polynomial(order: int, sign: float = -1.0) -> tuple[float, ...]:
    """The coefficients of a derivative of tanh, a polynomial in t = tanh as t' = 1 - t^2.

    With sign=1.0, t' is 1 + t^2: that adds up what tanh's own polynomial subtracts.
    """
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(order):
        p = p.deriv() * np.polynomial.Polynomial([1.0, 0.0, sign])
    return tuple(p.coef.tolist())


@cache
def monomials(degree: int, variables: int) -> list[tuple[int, ...]]:
    """Each as the indices of its factors, (0, 0, 1) for h_0^2 h_1; by degree, so () comes first"""
    return [
        axes
        for d in range(degree + 1)
        for axes in combinations_with_replacement(range(variables), d)
    ]


@cache
def _products(degree: int, variables: int) -> tuple[np.ndarray, ...]:
    """Three arrays of indices: monomial i times monomial j is monomial k."""
    known = monomials(degree, variables)
    place = {axes: k for k, axes in enumerate(known)}
    table = [
        (i, j, place[tuple(sorted(a + b))])
        for i, a in enumerate(known)
        for j, b in enumerate(known)
        if len(a + b) <= degree
    ]
    return tuple(np.array(table).T)


def _product(a: np.ndarray, b: np.ndarray, table: tuple[np.ndarray, ...]) -> np.ndarray:
    i, j, k = table
    terms = a[i] * b[j]
    result = np.zeros((len(a), *terms.shape[1:]))
    np.add.at(result, k, terms)
    return result


def _same_rank(*ts: Taylor) -> list[Taylor]:
    """With axes of length 1 put in after that of the coefficients, so that the shapes broadcast."""
    rank = max(t.value.ndim for t in ts)

    def widened(x: np.ndarray) -> np.ndarray:
        return x.reshape(x.shape[:1] + (1,) * (rank - x.ndim) + x.shape[1:])

    return [t._like(widened(t.value), widened(t.size)) for t in ts]


def _factorials(axes: tuple[int, ...]) -> int:
    return math.prod(math.factorial(axes.count(axis)) for axis in set(axes))
