"""sin, cos, tanh, cosh, exp and log, rounded correctly: what a case expects of them.

NumPy's own depend on its version and on the processor, by up to 4 ulps where it has AVX-512; an
expectation that came from them would be right on one machine only. These are computed in decimal
numbers of 50 digits, so they are the same everywhere, and take the microseconds that they take.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, Overflow, localcontext
from functools import cache
from typing import Any

import numpy as np

_DIGITS = 50
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def _elementwise(f: Callable[[Decimal], Decimal], otherwise: Callable[[float], float]) -> Callable:
    """f for each number of an array; `otherwise` for infinities, nan, and numbers f is not for."""

    @cache
    def one(x: float) -> float:
        if not math.isfinite(x):
            return otherwise(x)
        with localcontext() as context:
            context.prec, context.traps[Overflow] = _DIGITS, False
            return float(f(Decimal(x)))

    every = np.vectorize(one, otypes=[float])

    def of(x: Any) -> Any:
        return every(np.asarray(x, dtype=float))[()]

    return of


def _sin(x: Decimal) -> Decimal:
    """By its series, after all whole turns are taken away."""
    with localcontext() as context:
        context.prec = len(_PI.as_tuple().digits)
        x = x.remainder_near(2 * _PI)
    term, total, n = x, x, 1
    while abs(term) > abs(total).scaleb(-_DIGITS):
        n += 2
        term *= -x * x / (n * (n - 1))
        total += term
    return total


def _tanh(x: Decimal) -> Decimal:
    if abs(x) < Decimal("1e-15"):  # it is x - x^3/3 + ..., and the quotient would lose digits
        return x * (1 - x * x / 3)
    e = (-2 * abs(x)).exp()
    return ((1 - e) / (1 + e)).copy_sign(x)


def _log(x: Decimal) -> Decimal:
    return x.ln() if x > 0 else Decimal("nan")


def _numpy(name: str) -> Callable[[float], float]:
    def function(x: float) -> float:
        with np.errstate(all="ignore"):
            return float(getattr(np, name)(x))

    return function


sin = _elementwise(_sin, _numpy("sin"))
cos = _elementwise(lambda x: _sin(x + _PI / 2), _numpy("cos"))
tanh = _elementwise(_tanh, _numpy("tanh"))
cosh = _elementwise(lambda x: (x.exp() + (-x).exp()) / 2, _numpy("cosh"))
exp = _elementwise(Decimal.exp, _numpy("exp"))
log = _elementwise(_log, _numpy("log"))
