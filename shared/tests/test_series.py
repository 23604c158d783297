"""Arrays of Taylor series, against exact numbers: integers, fractions, decimals of 60 digits."""

import math
import subprocess
import sys
import warnings
from decimal import Decimal, localcontext
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest

from dezero_shared import series
from dezero_shared.series import Series, derivatives, line


class Held:
    """As much of a Variable as `derivatives` sees."""

    creator = None

    def __init__(self, data):
        self.data = data


def factorials(n):
    return [math.factorial(k) for k in range(n + 1)]


def falling(c, k):
    """c (c - 1) ... (c - k + 1)"""
    return math.prod((c - j for j in range(k)), start=Fraction(1))


def tanh_polynomials(n):
    """The derivatives of tanh as polynomials in it, with whole coefficients: p -> p' (1 - t^2)."""
    p = [0, 1]
    for _ in range(n + 1):
        yield p
        slope = [k * c for k, c in enumerate(p)][1:]
        p = [a - b for a, b in zip(slope + [0, 0], [0, 0] + slope)]


def tanh_derivatives(x, n):
    """With 60 digits."""
    with localcontext(prec=60):
        e = (2 * Decimal(x)).exp()
        t = (e - 1) / (e + 1)
        return [float(sum(c * t**k for k, c in enumerate(p) if c)) for p in tanh_polynomials(n)]


def bell(n):
    """The derivatives of exp(e^x - 1) at 0 (OEIS A000110)."""
    numbers = [1]
    for m in range(n):
        numbers.append(sum(math.comb(m, k) * numbers[k] for k in range(m + 1)))
    return numbers


def euler(n):
    """The derivatives of 1 / cos at 0: 1, 0, 1, 0, 5, 0, 61 (OEIS A000364), from sec * cos = 1."""
    numbers = []
    for m in range(n + 1):
        cos = [(1, 0, -1, 0)[k % 4] for k in range(m + 1)]
        rest = sum(math.comb(m, k) * numbers[k] * cos[m - k] for k in range(m))
        numbers.append((m == 0) - rest)
    return numbers


def fibonacci(n):
    """The derivatives of x / (1 - x - x^2) at 0: k! times the k-th Fibonacci number."""
    numbers = [0, 1]
    while len(numbers) <= n:
        numbers.append(numbers[-1] + numbers[-2])
    return [f * k for f, k in zip(numbers, factorials(n))]


def close(got, expected, rel):
    """Each to `rel` of itself, so that 0 is exactly 0."""
    np.testing.assert_allclose(got, np.array([float(x) for x in expected]), rtol=rel, atol=0.0)


S1, C1 = math.sin(1.0), math.cos(1.0)
N = 24


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (series.exp, 1.0, [math.e] * (N + 1)),
        (lambda x: series.exp(-2.0 * x), 0.0, [(-2) ** k for k in range(N + 1)]),
        (lambda x: series.exp(series.exp(x) - 1.0), 0.0, bell(N)),
        (lambda x: series.exp(x * x), 0.0, [falling(k, k // 2) * (k % 2 == 0) for k in range(25)]),
        (series.sin, 1.0, ([S1, C1, -S1, -C1] * 7)[: N + 1]),
        (series.cos, 1.0, ([C1, -S1, -C1, S1] * 7)[: N + 1]),
        (lambda x: series.cos(2.0 * x), 0.0, [((-4) ** (k // 2), 0)[k % 2] for k in range(25)]),
        (lambda x: 1.0 / series.cos(x), 0.0, euler(N)),
        (lambda x: series.sin(x) / series.cos(x), 0.0, [abs(p[0]) for p in tanh_polynomials(N)]),
        (series.tanh, 0.0, [p[0] for p in tanh_polynomials(N)]),
        (series.log, 2.0,
         [math.log(2)] + [-math.factorial(k - 1) / (-2.0) ** k for k in range(1, 25)]),
        (lambda x: series.log(1.0 - x), 0.0, [0] + [-math.factorial(k - 1) for k in range(1, 25)]),
        (lambda x: series.log(1.0 + x * x), 0.0, [0, 0, 2, 0, -12, 0, 240, 0, -10080]),
        (lambda x: 1.0 / x, 2.0, [falling(-1, k) / 2 ** (k + 1) for k in range(N + 1)]),
        (lambda x: 1.0 / x, -0.5, [falling(-1, k) * (-2) ** (k + 1) for k in range(N + 1)]),
        (lambda x: x / (1.0 - x - x**2), 0.0, fibonacci(N)),
        (lambda x: x / x, 3.0, [1] + [0] * N),
        (lambda x: x**0, 0.0, [1] + [0] * N),
        (lambda x: x**1, 0.0, [0, 1] + [0] * N),
        (lambda x: x**3, 0.0, [0, 0, 0, 6] + [0] * N),
        (lambda x: x**7, -2.0, [falling(7, k) * Fraction(-2) ** (7 - k) for k in range(8)] + [0]),
        (lambda x: x**3.0, -2.0, [-8, 12, -12, 6, 0, 0]),
        (lambda x: x**30, 1.0, [falling(30, k) for k in range(N + 1)]),
        (lambda x: (x * x + x) ** 2, 0.0, [0, 0, 2, 12, 24, 0]),
        (lambda x: x**-2, -2.0, [falling(-2, k) * Fraction(-2) ** (-2 - k) for k in range(N + 1)]),
        (lambda x: x**0.5, 4.0, [falling(Fraction(1, 2), k) * 2 / 4**k for k in range(N + 1)]),
        (lambda x: (1.0 - 4.0 * x) ** 0.5, 0.0,
         [1] + [-2 * math.comb(2 * k - 2, k - 1) * math.factorial(k) // k for k in range(1, 25)]),
        (lambda x: (1.0 + x + x * x) ** -1, 0.0,
         [(1, -1, 0)[k % 3] * math.factorial(k) for k in range(N + 1)]),
        (lambda x: 3.0 - x, 1.0, [2, -1, 0]),
        (lambda x: x - 3.0, 1.0, [-2, 1, 0]),
        (lambda x: -x + x * x - x, 1.0, [-1, 0, 2, 0]),
    ],
)  # fmt: skip
def test_exact_derivatives(f, x, expected):
    close(derivatives(f, x, len(expected) - 1), expected, rel=1e-13)


@pytest.mark.parametrize("x", [1.0, 0.5, -2.0, 20.0])
def test_tanh_to_order_30(x):
    # Near the zeros of a derivative what is right is relative to the terms that cancel there.
    got, expected = derivatives(series.tanh, x, 30), tanh_derivatives(x, 30)
    scale = np.maximum.accumulate(np.abs(expected)) if abs(x) < 3 else np.abs(expected)
    np.testing.assert_array_less(np.abs(got - expected), 1e-13 * scale + 1e-300)


def test_the_published_digits_of_tanh_at_1():
    expected = [
        0.76159415595576485, 0.41997434161402608, -0.63970000844922448, 0.62162668077129624,
        0.66509104475050163, -5.5568935584737202, 13.624075441312105, 12.288367894320364,
        -277.06213560303098, 1183.4218675111372,
    ]  # fmt: skip
    close(derivatives(series.tanh, 1.0, 9), expected, 1e-13)


def test_derivatives_overflow_late():
    # 1/170! and 170! are both numbers, if only just.
    close(derivatives(series.exp, 0.0, 170), [1] * 171, 1e-13)
    got = derivatives(lambda x: 1.0 / x, 1.0, 170)
    close(got, [(-1) ** k * math.factorial(k) for k in range(171)], 1e-13)
    close(derivatives(lambda x: x**2, 1e150, 170), [1e300, 2e150, 2] + [0] * 168, 1e-13)


def test_what_has_overflowed_is_infinite_at_every_order():
    with pytest.warns(RuntimeWarning, match="overflow"):
        got = derivatives(series.exp, 1000.0, 5)
    assert got.tolist() == [math.inf] * 6
    assert derivatives(series.tanh, 1000.0, 5).tolist() == [1, 0, 0, 0, 0, 0]
    assert derivatives(series.tanh, -1000.0, 2).tolist() == [-1, 0, 0]


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x**0.5, [0, INF, -INF, INF, -INF]),
        (lambda x: x**2.5, [0, 0, 0, INF, -INF]),
        (lambda x: (-x) ** 0.5, [0, -INF, -INF, -INF, -INF]),
        (lambda x: x**-1, [INF, -INF, INF, -INF, INF]),
        (lambda x: 1.0 / x, [INF, -INF, INF, -INF, INF]),
        (lambda x: (x + x * x) ** 0.5, [0, INF, -INF, INF, -INF]),
        (series.log, [-INF, INF, -INF, INF, -INF]),
    ],
)
def test_at_zero_what_is_infinite_is_so_with_a_warning(f, expected):
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert derivatives(f, 0.0, 4).tolist() == expected


@pytest.mark.parametrize("f", [series.log, lambda x: x**0.5, lambda x: x**-1.5])
def test_of_a_negative_number_it_is_nan_with_numpys_warning(f):
    with pytest.warns(RuntimeWarning, match="invalid value"):
        assert np.isnan(derivatives(f, -1.0, 4)).all()


def test_each_element_is_by_itself():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = derivatives(lambda x: x**0.5, np.array([[4.0, 0.0], [-1.0, 1.0]]), 2)
    expected = [[[2, 0], [NAN, 1]], [[0.25, INF], [NAN, 0.5]], [[-1 / 32, -INF], [NAN, -0.25]]]
    np.testing.assert_array_equal(got, expected)


def test_no_warning_where_nothing_is_wrong():
    for f in (lambda x: x**0.5, lambda x: x**-2, series.log, series.tanh, lambda x: 1.0 / x):
        assert np.isfinite(derivatives(f, np.array([0.5, 2.0]), 20)).all()  # warnings are errors


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize(
    "f",
    [
        series.sin, series.cos, series.tanh, series.exp, series.log,
        lambda x: 1.5 * x**3 / (2 + x) - 1, lambda x: x**0.5, lambda x: 2 - x**-1.5,
    ],
)  # fmt: skip
def test_shapes_and_dtypes_are_kept(f, shape, dtype):
    x = np.linspace(0.5, 2.0, math.prod(shape), dtype=dtype).reshape(shape)
    got = derivatives(f, x, 5)
    assert isinstance(got, np.ndarray)
    assert (got.shape, got.dtype) == ((6, *shape), np.dtype(dtype))
    reference = derivatives(f, x.astype("float64"), 5)
    np.testing.assert_allclose(got, reference, rtol=300 * np.finfo(dtype).eps, atol=0)


def test_the_order_0_is_the_value():
    assert derivatives(series.tanh, 0.0, 0).tolist() == [0.0]
    assert derivatives(series.log, 1.0, 0).tolist() == [0.0]
    assert derivatives(lambda x: x**0.5 / x - 1.0, np.ones(2), 0).tolist() == [[0.0, 0.0]]


def test_a_function_gets_what_it_was_called_with():
    seen = []

    def f(x):
        seen.append(x)
        return x

    assert derivatives(f, Held(np.array(2.0)), 2).tolist() == [2, 1, 0]
    assert derivatives(f, 2.0, 2).tolist() == [2, 1, 0]
    assert [type(x) for x in seen] == [Held, Series]
    assert isinstance(seen[0].data, Series)


def test_what_does_not_depend_on_x_has_no_slope():
    got = derivatives(lambda x: np.array([3.0, 4.0]), 1.0, 2)
    assert got.tolist() == [[3, 4], [0, 0], [0, 0]]
    assert derivatives(lambda x: series.ones_like(x), 5.0, 2).tolist() == [1, 0, 0]


def test_a_direction():
    # f = x y^2 along (1, 2) from (3, 5): (3 + t) (5 + 2 t)^2 = 75 + 85 t + 32 t^2 + 4 t^3
    def f(v):
        return v[0] * v[1] ** 2

    got = derivatives(f, np.array([3.0, 5.0]), 3, direction=np.array([1.0, 2.0]))
    assert got.tolist() == [75, 85, 64, 24]
    assert derivatives(lambda x: x**2, 3.0, 2, 2.0).tolist() == [9, 12, 8]
    assert derivatives(lambda x: x, np.ones(2, "float32"), 1, np.ones(2)).dtype == np.float32


@pytest.mark.parametrize("left", [np.array([2.0, 3.0]), np.array([[2.0], [3.0]]), np.float64(2), 2])
def test_constants_on_both_sides_and_of_larger_shapes(left):
    x = np.array([5.0, 7.0])
    for f, g in [
        (lambda x: left + x, lambda x: x + left),
        (lambda x: left * x, lambda x: x * left),
        (lambda x: left - x, lambda x: -(x - left)),
        (lambda x: left / x, lambda x: (x / left) ** -1),
    ]:
        got = derivatives(f, x, 3)
        np.testing.assert_allclose(got, derivatives(g, x, 3), rtol=1e-15)
        np.testing.assert_array_equal(got[0], f(x))
        assert got.shape == (4, *f(x).shape)
    assert derivatives(lambda x: left + x, x, 2)[1:].tolist() == [
        np.broadcast_to(n, (left + x).shape).tolist() for n in (1.0, 0.0)
    ]


def test_series_of_different_shapes_and_lengths():
    a, b = line(np.array([1.0, 2.0]), 3), line(np.array([[3.0], [4.0]]), 3)
    for y in (a + b * b, b * b + a):
        assert y.shape == (2, 2)
        expected = [[[10, 11], [17, 18]], [[7, 7], [9, 9]], [[2, 2], [2, 2]], [[0, 0], [0, 0]]]
        assert y.derivatives().tolist() == expected


def test_the_array_functions():
    x = line(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 2) ** 2
    d = x.derivatives()
    cases = [
        (series.sum(x), d.sum(axis=(1, 2))),
        (series.sum(x, axis=0), d.sum(axis=1)),
        (series.sum(x, axis=(-1,), keepdims=True), d.sum(axis=2, keepdims=True)),
        (series.reshape(x, (3, 2)), d.reshape(3, 3, 2)),
        (series.permute_dims(x, (1, 0)), d.transpose(0, 2, 1)),
        (series.broadcast_to(x, (4, 2, 3)), np.broadcast_to(d[:, None], (3, 4, 2, 3))),
        (series.ones_like(x), np.stack([np.ones((2, 3)), *np.zeros((2, 2, 3))])),
        (series.zeros((2,), dtype=x.dtype, device=x.device), np.zeros((3, 2))),
        (series.asarray(np.ones(2), device=x.device), np.array([[1.0, 1.0], [0, 0], [0, 0]])),
        (x[1], d[:, 1]),
        (x[...], d),
        (x[0, 1:], d[:, 0, 1:]),
    ]
    for got, expected in cases:
        np.testing.assert_array_equal(got.derivatives(), expected)
        assert (got.shape, got.ndim, got.size) == (
            expected.shape[1:], expected.ndim - 1, expected[0].size,
        )  # fmt: skip
    assert series.astype(x, np.dtype("float32")).derivatives().dtype == np.float32
    assert series.isdtype(x.dtype, "real floating")
    assert not series.isdtype(x.dtype, "integral")


def test_matrix_products():
    a = np.arange(6.0).reshape(2, 3)
    b = np.arange(12.0).reshape(3, 4)
    x, y = line(a, 2), line(b, 2, 2.0)
    one, two = np.ones((2, 3)), 2 * np.ones((3, 4))
    expected = [a @ b, one @ b + a @ two, 2 * (one @ two)]
    np.testing.assert_array_equal((x @ y).derivatives(), expected)
    np.testing.assert_array_equal((a @ y).derivatives(), [a @ b, a @ two, 0 * (a @ b)])
    np.testing.assert_array_equal((x @ b).derivatives(), [a @ b, one @ b, 0 * (a @ b)])


@pytest.mark.parametrize(
    "f",
    [
        series.sin, series.cos, series.tanh, series.exp, series.log,
        lambda x: 1.5 * x**3 / (2 + x) - 1, lambda x: x**0.5, lambda x: 2 - x**-1.5,
        lambda x: series.sum(x * x) + x @ x, lambda x: x * np.array([1.0, 2.0]).tolist()[0],
        lambda x: x / series.asarray(np.array([1.0, 2.0]), device=x.device),
    ],
)  # fmt: skip
def test_on_another_module_and_device(f):
    device = array_api_strict.Device("device1")
    x = array_api_strict.asarray([0.5, 2.0], device=device)
    got = derivatives(f, x, 6)
    assert (type(got), got.device) == (type(x), device)
    expected = derivatives(f, np.array([0.5, 2.0]), 6)
    np.testing.assert_allclose(np.from_dlpack(got), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: derivatives(series.exp, 1.0, -1), ValueError, "the order is 0 or more"),
        (lambda: derivatives(series.exp, 1.0, 171), ValueError, r"at most 1.8e\+308.*171"),
        (lambda: derivatives(series.exp, np.float32(1), 35), ValueError, "of float32"),
        (lambda: derivatives(series.exp, 1.0, 2.5), TypeError, "a whole number, got 2.5"),
        (lambda: derivatives(series.exp, 1, 2), TypeError, "not int64: write 1.0 for 1"),
        (lambda: derivatives(series.exp, 1j, 2), TypeError, "not complex128"),
        (lambda: derivatives(series.exp, [1.0], 2), TypeError, "expected an array, got"),
        (lambda: derivatives(series.exp, None, 2), TypeError, "expected an array, got None"),
        (lambda: derivatives(lambda x: None, 1.0, 2), TypeError, "returned something.*NoneType"),
        (lambda: derivatives(lambda x: [x], 1.0, 2), TypeError, "f has to return.*list"),
        (lambda: derivatives(np.sin, 1.0, 2), TypeError, "Series"),
        (lambda: derivatives(series.exp, line(1.0, 2), 2), TypeError, "series do not nest"),
        (lambda: line(np.ones(2), 2, np.ones((3, 1))), ValueError, r"broadcast to \(2,\), not to"),
        (lambda: line(1.0, 2) + line(1.0, 3), ValueError, "different orders.* 2 and 3"),
        (lambda: line(1.0, 2) ** line(1.0, 2), TypeError, "unsupported operand"),
        (lambda: line(1.0, 2) + "a", TypeError, "unsupported operand"),
        (lambda: None / line(1.0, 2), TypeError, "unsupported operand"),
        (lambda: Series([], 2), ValueError, "1 to 3 coefficients, not 0"),
        (lambda: Series([np.ones(2)] * 4, 2), ValueError, "1 to 3 coefficients, not 4"),
        (lambda: Series([np.arange(2)], 2), TypeError, "not int64"),
        (lambda: np.asarray(line(1.0, 2)), TypeError, r"take its \.coefficients"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_it_shows_its_coefficients():
    assert repr(line(2.0, 3) ** 2) == "Series([4.0, 4.0, 1.0], order=3)"


def test_nothing_that_a_stage_imports_imports_it():
    modules = "arrays, checked, dot, gpu, gradients, modes, plots, refused"
    program = f"import sys\nfrom dezero_shared import {modules}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "dezero_shared.arrays" in done.stdout.split()
    assert "dezero_shared.series" not in done.stdout.split()
