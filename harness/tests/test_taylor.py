"""The oracle of the random programs, against derivatives worked out by hand."""

import math

import numpy as np
import pytest

from dezero_harness.model import taylor

EPS = np.finfo(float).eps


def derivatives(f, x, orders=3):
    (t,) = taylor.variables(orders, x)
    y = f(t)
    return [float(y.partial(*[0] * n)) for n in range(orders + 1)]


E, LN2 = math.e, math.log(2.0)
S, C, T = math.sin(0.7), math.cos(0.7), math.tanh(0.7)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x + 3.0, 2.0, [5, 1, 0, 0]),
        (lambda x: 3.0 - x, 2.0, [1, -1, 0, 0]),
        (lambda x: x - 3.0, 2.0, [-1, 1, 0, 0]),
        (lambda x: -x, 2.0, [-2, -1, 0, 0]),
        (lambda x: 3.0 * x * x, 2.0, [12, 12, 6, 0]),
        (lambda x: x / 4.0, 2.0, [0.5, 0.25, 0, 0]),
        (lambda x: 1.0 / x, 2.0, [0.5, -0.25, 0.25, -0.375]),
        (lambda x: x / x, 2.0, [1, 0, 0, 0]),
        (lambda x: x**4 - 2.0 * x**2, 2.0, [8, 24, 44, 48]),
        (lambda x: x**0, 2.0, [1, 0, 0, 0]),
        (lambda x: x**2, 0.0, [0, 0, 2, 0]),
        (lambda x: x**3, -2.0, [-8, 12, -12, 6]),
        (lambda x: x**-2, 2.0, [0.25, -0.25, 0.375, -0.75]),
        (lambda x: x**0.5, 4.0, [2, 0.25, -0.03125, 0.01171875]),
        (taylor.sin, 0.7, [S, C, -S, -C]),
        (taylor.cos, 0.7, [C, -S, -C, S]),
        (taylor.exp, 1.0, [E, E, E, E]),
        (taylor.log, 2.0, [LN2, 0.5, -0.25, 0.25]),
        (
            taylor.tanh,
            0.7,
            [T, 1 - T**2, -2 * T * (1 - T**2), (6 * T**2 - 2) * (1 - T**2)],
        ),
        (lambda x: taylor.exp(taylor.sin(x)), 0.0, [1, 1, 1, 0]),
        (lambda x: taylor.log(taylor.exp(x)), 0.7, [0.7, 1, 0, 0]),
        (lambda x: taylor.sin(x) ** 2 + taylor.cos(x) ** 2, 0.7, [1, 0, 0, 0]),
        (lambda x: taylor.sin(x * x), 0.0, [0, 0, 2, 0]),
    ],
)
def test_three_derivatives(f, x, expected):
    assert derivatives(f, x) == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_the_first_polynomials_of_tanh():
    assert taylor.tanh_polynomial(1) == (1, 0, -1)
    assert taylor.tanh_polynomial(3) == (-2, 0, 8, 0, -6)


def test_tanh_at_zero_to_order_nine():
    # The tangent numbers with alternating signs.
    assert derivatives(taylor.tanh, 0.0, 9) == [0, 1, 0, -2, 0, 16, 0, -272, 0, 7936]


def test_mixed_partials_of_a_monomial_in_three_variables():
    x, y, z = taylor.variables(3, 2.0, 3.0, 5.0)
    f = x**3 * y**2 * z
    assert f.partial() == 8 * 9 * 5
    assert f.partial(0) == 12 * 9 * 5
    assert f.partial(0, 1) == f.partial(1, 0) == 12 * 6 * 5
    assert f.partial(0, 0, 2) == f.partial(2, 0, 0) == 12 * 9
    assert f.partial(0, 1, 2) == f.partial(2, 1, 0) == 12 * 6
    assert f.partial(1, 1, 1) == 0


def test_rosenbrock():
    x, y = taylor.variables(2, -1.2, 1.0)
    f = 100.0 * (y - x**2) ** 2 + (x - 1.0) ** 2
    assert [float(f.partial(i)) for i in (0, 1)] == pytest.approx([-215.6, -88], rel=1e-13)
    hessian = [float(f.partial(i, j)) for i in (0, 1) for j in (0, 1)]
    assert hessian == pytest.approx([1330, 480, 480, 200], rel=1e-13)


def test_arrays_broadcast():
    x, y = taylor.variables(2, np.array([[1.0], [2.0]]), np.array([3.0, 4.0, 5.0]))
    f = taylor.exp(x) * y**2
    e = np.exp([[1.0], [2.0]])
    np.testing.assert_allclose(f.partial(0), e * np.array([9.0, 16.0, 25.0]), rtol=1e-14)
    np.testing.assert_allclose(f.partial(0, 1), e * np.array([6.0, 8.0, 10.0]), rtol=1e-14)
    np.testing.assert_allclose(f.partial(1, 1), e * np.array([2.0, 2.0, 2.0]), rtol=1e-14)


def test_the_uncertainty_shows_cancellation():
    # y = 10^8 + x - 10^8 has lost eight digits of x, and knows.
    (x,) = taylor.variables(1, 0.1)
    y = (x + 1e8) - 1e8
    assert abs(y.partial() - 0.1) > 1e-9
    assert abs(y.partial() - 0.1) < EPS * y.uncertainty()
    # so has what is computed from it
    z = taylor.sin(y * 3.0)
    assert abs(z.partial(0) - 3 * math.cos(0.3)) < EPS * z.uncertainty(0)
