"""Which module computes on an array, and the few functions that differ between modules."""

import os
import platform
import subprocess
import sys
import types

import array_api_strict as strict
import numpy as np
import pytest

from dezero_shared import arrays

DEVICE = strict.Device("device1")
TEXTS = pytest.mark.parametrize("given", ["a", [1.0], (1.0,), {}, None, object(), np.float64])
MODULES = pytest.mark.parametrize("xp", [np, strict], ids=["numpy", "strict"])


def variable(data):
    return types.SimpleNamespace(data=data, creator=None)


@pytest.fixture
def on_device():
    return strict.asarray([1.0, 2.0], device=DEVICE)


def test_arrays_are_told_from_numbers(on_device):
    assert arrays.is_array(np.array(1.0))
    assert arrays.is_array(on_device)
    for other in (1.0, 1, True, 1j, np.float64(1.0), np.int32(1), "a", [1.0], None, np.ndarray):
        assert not arrays.is_array(other)


def test_the_first_array_names_the_module(on_device):
    assert arrays.get_array_module(np.ones(2)) is np
    assert arrays.get_array_module(on_device).__name__ == "array_api_strict"
    assert arrays.get_array_module(2.0, on_device).__name__ == "array_api_strict"
    assert arrays.get_array_module(variable(on_device)).__name__ == "array_api_strict"
    assert arrays.get_array_module(variable(2.0), variable(np.ones(2))) is np


def test_numbers_are_numpys():
    assert arrays.get_array_module() is np
    assert arrays.get_array_module(2.0, np.float32(1.0)) is np


def test_cupys_arrays_are_known_by_their_class(monkeypatch):
    cupy = types.ModuleType("cupy")
    cupy.ndarray = type("ndarray", (), {})
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert arrays.get_array_module(cupy.ndarray()) is cupy


def test_an_array_of_a_class_of_ones_own_is_asked():
    class Own:
        def __array_namespace__(self):
            return strict

    assert arrays.get_array_module(Own()) is strict


@TEXTS
def test_what_has_no_module_is_a_type_error_that_names_the_type(given):
    advice = "make an array of it" if given is not None else "if it is a gradient: x.grad is None"
    with pytest.raises(TypeError, match=f"of type {type(given).__name__}; {advice}"):
        arrays.get_array_module(given)
    with pytest.raises(TypeError, match=f"of type {type(given).__name__}; {advice}"):
        arrays.as_array(given)
    with pytest.raises(TypeError, match=f"of type {type(given).__name__}; {advice}"):
        arrays.as_operand(given)


def test_an_error_shortens_what_it_shows():
    with pytest.raises(TypeError) as raised:
        arrays.as_array("a" * 10_000)
    assert len(str(raised.value)) < 200


def test_as_array_keeps_arrays_and_makes_arrays_of_numbers(on_device):
    x = np.ones(2)
    assert arrays.as_array(x) is x
    assert arrays.as_array(on_device) is on_device
    for number in (2.0, 2, True, np.float32(2.0)):
        y = arrays.as_array(number)
        assert isinstance(y, np.ndarray)
        assert y.shape == ()
        assert y == number
    assert arrays.as_array(np.float32(2.0)).dtype == np.float32


def test_a_python_number_stays_one_as_an_operand():
    for number in (2.0, 2, True, 1j):
        assert arrays.as_operand(number, [number, variable(np.ones(2))]) is number


def test_a_python_number_alone_is_numpys_as_an_operand():
    for number, dtype in [(2.0, "float64"), (2, "int64"), (True, "bool"), (1j, "complex128")]:
        alone = arrays.as_operand(number, [number])
        assert (alone, alone.shape, alone.dtype) == (number, (), dtype)


def test_a_numpy_operand_moves_to_the_variables_device(on_device):
    y = arrays.as_operand(np.array([3.0, 4.0]), [variable(on_device)])
    assert y.device == DEVICE
    np.testing.assert_array_equal(arrays.as_numpy(y), [3.0, 4.0])
    y = arrays.as_operand(np.float32(3.0), [2.0, variable(on_device)])
    assert y.device == DEVICE
    assert y.dtype == strict.float32


def test_other_operands_stay_where_they_are(on_device):
    x = np.ones(2)
    assert arrays.as_operand(x, [variable(np.ones(2))]) is x
    assert arrays.as_operand(x) is x
    assert arrays.as_operand(on_device, [variable(np.ones(2))]) is on_device


@MODULES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0)])
def test_ones_and_zeros_are_like_an_array(xp, dtype, shape):
    x = xp.asarray(np.full(shape, 7.0, dtype))
    for y, value in [
        (arrays.ones_like(x), 1.0),
        (arrays.zeros(x.shape, x.dtype, 2.0, x), 0.0),
    ]:
        assert arrays.get_array_module(y).__name__ == xp.__name__
        assert (y.shape, y.dtype) == (shape, x.dtype)
        assert (arrays.as_numpy(y) == value).all()


def test_zeros_are_made_on_the_device(on_device):
    assert arrays.zeros((2,), strict.float32, on_device).device == DEVICE
    assert arrays.ones_like(on_device).device == DEVICE


@MODULES
def test_astype_is_a_copy(xp):
    x = xp.asarray([1.0, 2.0], dtype=xp.float32)
    y = arrays.astype(x, xp.float32)
    y[0] = 5.0
    assert float(x[0]) == 1.0
    assert arrays.astype(x, xp.float64).dtype == xp.float64


@MODULES
def test_derivatives_exist_for_real_floating_data_alone(xp):
    for dtype in (xp.float32, xp.float64):
        assert arrays.is_floating(xp.zeros(2, dtype=dtype))
    for dtype in (xp.int64, xp.uint8, xp.bool, xp.complex128):
        assert not arrays.is_floating(xp.zeros(2, dtype=dtype))
    assert arrays.is_floating(np.zeros(2, "float16"))


def test_a_view_owns_no_memory(on_device):
    x = np.ones((2, 3))
    assert arrays.owns_memory(x)
    assert not arrays.owns_memory(x.T)
    assert arrays.owns_memory(on_device)


def test_as_numpy_brings_the_numbers_to_main_memory(on_device):
    x = np.ones(2)
    assert arrays.as_numpy(x) is x
    assert arrays.as_numpy(variable(x)) is x
    assert isinstance(arrays.as_numpy(2.0), np.ndarray)
    np.testing.assert_array_equal(arrays.as_numpy(on_device), [1.0, 2.0])
    assert isinstance(arrays.as_numpy(on_device), np.ndarray)
    with pytest.raises(TypeError, match="expected an array"):
        arrays.as_numpy([1.0])


def test_as_numpy_asks_cupys_arrays_for_their_copy(monkeypatch):
    cupy = types.ModuleType("cupy")
    cupy.ndarray = type("ndarray", (), {"get": lambda self: np.ones(2)})
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    np.testing.assert_array_equal(arrays.as_numpy(cupy.ndarray()), [1.0, 1.0])


def test_arrays_print_as_numpys(on_device):
    assert arrays.format_array(np.array([1.0, 2.0])) == "[1. 2.]"
    assert arrays.format_array(on_device) == "[1. 2.]"
    assert arrays.format_array(2.0) == "2.0"
    assert arrays.format_array(None) == "None"


@MODULES
def test_axes_are_put_in_order(xp):
    x = xp.asarray(np.arange(6.0).reshape(1, 2, 3))
    y = arrays.permute_dims(x, (2, 0, 1))
    np.testing.assert_array_equal(
        arrays.as_numpy(y), np.arange(6.0).reshape(1, 2, 3).transpose(2, 0, 1)
    )


def test_the_order_of_axes():
    assert arrays.axis_order((2, 3, 4), None) == (2, 1, 0)
    assert arrays.axis_order((2, 3, 4), (-1, 0, 1)) == (2, 0, 1)
    assert arrays.axis_order((), None) == ()


@pytest.mark.parametrize("axes", [(0,), (0, 0, 1), (0, 1, 3), (0, 1, 2, 2)])
def test_axes_that_are_no_permutation_are_an_error(axes):
    with pytest.raises(ValueError, match="ax"):
        arrays.axis_order((2, 3, 4), axes)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (), (1, -3)])
def test_the_shapes_of_a_sum_are_numpys(axis):
    x = np.ones((2, 3, 4))
    kept, dropped = arrays.summed_shapes(x.shape, axis)
    assert kept == x.sum(axis=axis, keepdims=True).shape
    assert dropped == np.shape(x.sum(axis=axis))


def test_a_sum_along_an_axis_that_is_not_there_is_an_error():
    with pytest.raises(np.exceptions.AxisError):
        arrays.summed_shapes((2, 3), 2)


@pytest.mark.parametrize(
    ("small", "large", "axes"),
    [
        ((), (), ()),
        ((), (2, 3), (0, 1)),
        ((3,), (2, 3), (0,)),
        ((2, 1), (2, 3), (1,)),
        ((1, 3), (2, 3), (0,)),
        ((2, 3), (2, 3), ()),
        ((1, 1), (1, 3), (1,)),
        ((1,), (4, 1), (0,)),
        ((1, 0), (3, 0), (0,)),
    ],
)
def test_the_axes_along_which_an_array_was_repeated(small, large, axes):
    assert arrays.stretched_axes(small, large) == axes
    repeated = np.broadcast_to(np.ones(small), large)
    assert repeated.sum(axis=axes, keepdims=True).size == np.ones(small).size


@pytest.mark.parametrize(("small", "large"), [((2,), (3,)), ((2, 3), (3,)), ((3, 1), (1, 4))])
def test_a_shape_that_does_not_broadcast_there_is_an_error(small, large):
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        arrays.stretched_axes(small, large)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ),
    reason="another malloc, or one with settings",
)
def test_large_arrays_are_computed_in_the_memory_that_others_have_left():
    program = (
        "import resource, numpy, dezero_shared.arrays\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(3):\n"
        "    before = faults()\n"
        "    arrays = [numpy.ones(10**6) for _ in range(20)]\n"
        "    del arrays\n"
        "print(faults() - before)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(run.stdout) < 100, run.stderr  # pages; twenty arrays have 40,000


def test_numpy_is_the_only_import():
    program = (
        "import sys, numpy\n"
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "import dezero_shared.gradients, dezero_shared.modes, dezero_shared.refused\n"
        "after = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(after - before - sys.stdlib_module_names))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "['dezero_shared']\n", run.stderr


@pytest.mark.parametrize("shape", [(), (3,), (40, 50)])
def test_ones_are_of_the_arrays_kind_whatever_their_number(shape):
    ones = arrays.ones_like(np.zeros(shape, "float32"))
    assert (ones.shape, ones.dtype) == (shape, np.float32)
    assert ones.tolist() == np.full(shape, 1.0).tolist()


def test_many_ones_take_no_memory_and_a_copy_can_be_written_into():
    x, y = np.zeros((40, 50)), arrays.ones_like(np.zeros((40, 50)))
    assert not arrays.owns_memory(y)
    y = arrays.astype(y, x.dtype)
    y[0, 0] = 2.0
    assert (y.sum(), arrays.owns_memory(y)) == (2001.0, True)


@pytest.mark.parametrize("c", [3, 0.5, -1])
def test_the_exponent_of_a_derivative_is_one_less(c):
    assert arrays.lowered(c) == c - 1


@MODULES
def test_the_exponent_of_a_derivative_stays_nought(xp):
    assert arrays.lowered(0) == 0
    assert arrays.lowered(0.0) == 0
    lowered = arrays.lowered(xp.asarray([0.0, 1.0, 2.0, -0.5]))
    assert arrays.as_numpy(lowered).tolist() == [0.0, 0.0, 1.0, -1.5]


@pytest.mark.parametrize("x", [np.ones(2), np.float64(2.0), np.array(2.0)])
def test_what_is_numpys_moves_to_an_array_of_another_module(x, on_device):
    moved = arrays.moved(x, on_device)
    assert arrays.get_array_module(moved) is arrays.get_array_module(on_device)
    assert moved.device == on_device.device
    assert arrays.as_numpy(moved).tolist() == x.tolist()
    assert arrays.moved(x, np.ones(2)) is x
    assert arrays.moved(x, np.float64(2.0)) is x


def test_a_number_and_an_array_of_another_module_stay_where_they_are(on_device):
    assert arrays.moved(2.0, on_device) == 2.0
    assert type(arrays.moved(2.0, on_device)) is float
    assert arrays.moved(on_device, on_device) is on_device
    assert arrays.moved(on_device, np.ones(2)) is on_device


@pytest.mark.parametrize("shape", [4, np.int64(4), (4,), [4]])
def test_an_int_is_a_shape(shape):
    assert arrays.as_shape(shape) == (4,)
    assert type(arrays.as_shape(shape)[0]) is int or shape is not np.int64


@pytest.mark.parametrize("shape", [2.0, None, "4", np.ones(2)])
def test_what_is_no_shape_is_an_error(shape):
    with pytest.raises(TypeError, match="a shape is an int or a tuple of ints"):
        arrays.as_shape(shape)


@MODULES
def test_which_numbers_are_complex(xp):
    assert arrays.is_complex(xp.asarray([1.0], dtype=xp.complex64))
    assert not arrays.is_complex(xp.asarray([1.0]))
    assert not arrays.is_complex(xp.asarray([1]))


@pytest.mark.parametrize("kind", [np.matrix, np.ma.MaskedArray])
def test_subclasses_with_operators_of_their_own_are_no_arrays(kind):
    x = np.ones((1, 2)).view(kind)
    assert not arrays.is_array(x)
    with pytest.raises(TypeError, match="its operators mean something else"):
        arrays.as_array(x)
