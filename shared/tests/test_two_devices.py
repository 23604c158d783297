"""Arrays on two devices, and a dtype that a device lacks: one message, which says what to do.

array-api-strict has several devices, one of them without float64 as that of a Mac; PyTorch's
"meta" is a second device on every machine.
"""

import operator
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

STAGES = Path(__file__).parents[2] / "stages"


@pytest.fixture
def dezero(monkeypatch):
    """The last stage."""
    monkeypatch.syspath_prepend(STAGES / "step36")
    import dezero

    yield dezero
    for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
        del sys.modules[name]  # not by monkeypatch, which would put it back


def strict(name, dtype="float64"):
    xp = pytest.importorskip("array_api_strict")
    return xp.asarray([1.0, 2.0], dtype=getattr(xp, dtype), device=xp.Device(name))


def torch(name, dtype="float64"):
    module = pytest.importorskip("torch")
    return module.tensor([1.0, 2.0], dtype=getattr(module, dtype), device=name)


PAIRS = [(strict, "device1", "device2"), (strict, "CPU_DEVICE", "device1"), (torch, "cpu", "meta")]


def message_of(error):
    return "".join(traceback.format_exception_only(error))


@pytest.mark.parametrize(("make", "one", "other"), PAIRS)
@pytest.mark.parametrize("apply", [operator.add, operator.mul, operator.truediv])
def test_two_devices_in_one_operation_are_named_with_what_to_do(dezero, make, one, other, apply):
    a, b = dezero.Variable(make(one)), dezero.Variable(make(other))
    with pytest.raises((RuntimeError, ValueError)) as caught:
        apply(a, b)
    said = message_of(caught.value)
    assert "the inputs are on several devices: " in said
    assert "make all the arrays on one of them" in said
    assert one in said
    assert other in said
    assert "inputs: Variable (2,)" in said


def test_so_is_a_seed_from_another_device_and_nothing_is_lost(dezero):
    x = dezero.Variable(strict("device1"))
    y = x * x
    y.grad = dezero.Variable(strict("device2"))
    with pytest.raises(ValueError, match="device") as caught:
        y.backward()
    assert "several devices: " in message_of(caught.value)
    y.grad = None
    y.backward()
    assert np.from_dlpack(x.grad.data).tolist() == [2.0, 4.0]


def test_one_device_is_nothing_to_speak_of(dezero):
    a, b = (dezero.Variable(np.ones(n)) for n in (2, 3))
    with pytest.raises(ValueError, match="shapes") as caught:
        a + b
    assert "devices" not in message_of(caught.value)


@pytest.mark.parametrize("given", [np.ones(2), np.float64(2.0), np.array(2.0)])
def test_numpys_float64_on_a_device_without_it_is_told_what_to_take(dezero, given):
    x = dezero.Variable(strict("no_float64", "float32"))
    with pytest.raises(ValueError, match="does not support dtype") as caught:
        x * given
    said = message_of(caught.value)
    assert "in bringing NumPy's float64 to " in said
    assert "no_float64" in said
    assert "x.astype('float32')" in said
    assert (x * given.astype("float32")).dtype == x.dtype
    assert (x * 2.0).dtype == x.dtype  # Python's numbers are of any precision


def test_a_number_of_a_derived_class_is_as_weak_as_the_number(dezero):
    class Metres(float):
        pass

    x = dezero.Variable(strict("no_float64", "float32"))
    assert (Metres(3.0) * x).dtype == x.dtype
