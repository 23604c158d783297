"""The series that users compute with and the oracle of the random programs, which share no code.

One knows recurrences for its coefficients, the other composes with known derivatives.
"""

import numpy as np
import pytest

from dezero_harness.model import taylor
from dezero_shared import series

ORDERS = 6
POINTS = np.linspace(-0.8, 0.8, 5)

FUNCTIONS = {
    "sin": lambda m, x: m.sin(x),
    "cos": lambda m, x: m.cos(x),
    "tanh": lambda m, x: m.tanh(x),
    "exp": lambda m, x: m.exp(x),
    "log": lambda m, x: m.log(x * x + 0.5),
    "real power": lambda m, x: (x * x + 0.5) ** 1.7,
    "negative power": lambda m, x: (x - 2.0) ** -3,
    "whole power": lambda m, x: (x - 0.3) ** 5,
    "quotient": lambda m, x: (x * x - 1.0) / (x * x * x + 5.0),
    "constant by": lambda m, x: 2.0 / (3.0 - x),
    "constant": lambda m, x: 0.7 * x**0,
    "constant times": lambda m, x: (0.5 * x**0 - 1.5) * x,
}


@pytest.mark.parametrize("inner", FUNCTIONS)
@pytest.mark.parametrize("outer", FUNCTIONS)
def test_they_agree_on_a_function_of_a_function(outer, inner):
    def f(m, x):  # tanh keeps the inner one to where every outer one is smooth
        return FUNCTIONS[outer](m, m.tanh(FUNCTIONS[inner](m, x)))

    got = series.derivatives(lambda x: f(series, x), POINTS, ORDERS)
    (t,) = taylor.variables(ORDERS, POINTS)
    with np.errstate(all="ignore"):  # its bounds of the error, which are not needed here, overflow
        oracle = f(taylor, t)
    expected = np.array([oracle.partial(*[0] * k) for k in range(ORDERS + 1)])
    # Where a derivative is small, terms of the size of those before it have cancelled.
    size = np.maximum.accumulate(1 + abs(expected))
    assert (abs(got - expected) <= 1e-11 * size).all()
