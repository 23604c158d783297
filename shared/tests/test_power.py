"""Powers, beside exact rational arithmetic: what they are off by, in units in the last place."""

from fractions import Fraction

import array_api_strict as strict
import numpy as np
import pytest

from dezero_shared.arrays import power

DTYPES = ("float16", "float32", "float64")
WHOLE = [c for c in range(-64, 65) if c]


def off_by(got, x, c):
    """The error of a finite `got` for x ** c, as a multiple of what its last digit is worth."""
    exact = Fraction(float(x)) ** c
    kind = np.finfo(got.dtype)
    above = abs(exact.numerator).bit_length() - exact.denominator.bit_length()
    exponent = above if abs(exact) >= Fraction(2) ** above else above - 1
    if exponent >= kind.maxexp:  # no number of this dtype is as large
        return 0 if np.isinf(got) and (got > 0) == (exact > 0) else np.inf
    unit = Fraction(2) ** (max(exponent, kind.minexp) - kind.nmant)
    return abs(Fraction(float(got)) - exact) / unit if np.isfinite(got) else np.inf


def bases(dtype, c, n=24):
    """Numbers of both signs: of every size whose power is there, near 1, and subnormal ones."""
    kind, rng = np.finfo(dtype), np.random.default_rng(abs(c))
    least = kind.minexp - kind.nmant
    ends = sorted([(kind.maxexp - 1) / c, least / c])
    sizes = rng.uniform(max(ends[0], least), min(ends[1], kind.maxexp - 1), n)
    tiny = np.array([1, 3, 1000]) * float(kind.smallest_subnormal)
    x = np.concatenate([2.0**sizes, rng.uniform(0.5, 2, n), tiny, [1.0]]).astype(dtype)
    return np.concatenate([x, -x])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", WHOLE)
def test_a_whole_power_is_within_2_ulp_of_the_exact_one(dtype, c):
    x = bases(dtype, c)
    with np.errstate(all="ignore"):
        y = power(x, c)
    assert y.dtype == dtype
    assert max(off_by(got, number, c) for got, number in zip(y, x)) <= 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("c", [*WHOLE, 0])
def test_zeros_infinities_and_nan_have_the_powers_of_ieee_754(dtype, c):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        y = power(x, c)
    zero, infinite = (0.0, np.inf) if c > 0 else (np.inf, 0.0)
    sign = -1.0 if c % 2 else 1.0
    expected = [zero, sign * zero, infinite, sign * infinite, np.nan] if c else [1.0] * 5
    np.testing.assert_array_equal(y, np.array(expected, dtype))
    np.testing.assert_array_equal(np.signbit(y[:4]), np.signbit(expected[:4]))


SOME = pytest.mark.parametrize("c", [-7, 3, 4, 5, 64])


@SOME
def test_array_api_stricts_powers_are_the_same(c):
    x = np.linspace(-2.0, 2.0, 8)
    on_device = strict.asarray(x, device=strict.Device("device1"))
    y = power(on_device, c)
    assert y.device == on_device.device
    assert np.from_dlpack(y).tolist() == power(x, c).tolist()


@SOME
def test_dasks_powers_are_the_same(c):
    array = pytest.importorskip("dask.array")
    x = np.linspace(-2.0, 2.0, 8)
    assert power(array.from_array(x, chunks=3), c).compute().tolist() == power(x, c).tolist()


@pytest.mark.parametrize(
    ("x", "c"),
    [
        (np.float64(-1.1), 5),  # a number
        (np.array(-1.1), 5),
        (np.array([-3, 2, 70000]), 4),  # integers, which wrap around
        (np.array([-3, 2]), 3.0),
        (np.array([True, False]), 3),
        (np.array([1.5, -1.5], "float32"), np.float64(3.0)),  # whose dtype is the larger one's
        (np.array([1.5, 2.5]), 0.5),
        (np.array([1.5, 2.5]), float("inf")),
        (np.array([-1.5, 2.5]), np.array([3.0, 0.5])),
        (np.array([-1.5, 2.5]), np.array(3.0)),
        (np.array([1j, 2.0]), 3),
    ],
)
def test_all_other_powers_are_the_librarys(x, c):
    y = power(x, c)
    assert type(y) is type(x**c)
    assert y.dtype == (x**c).dtype
    np.testing.assert_array_equal(y, x**c)


def test_the_data_of_the_base_stays_as_it_is():
    for c in (3, 4, 5, 6):
        x = np.array([-1.5, 2.0])
        assert not np.shares_memory(power(x, c), x)
        assert x.tolist() == [-1.5, 2.0]
