"""Whether a GPU can be used, with stand-ins for the driver and for CuPy: any machine will do."""

import subprocess
import sys
import types

import numpy as np
import pytest

from dezero_shared import gpu


@pytest.fixture
def machine(monkeypatch):
    """Makes gpu believe in a driver, or in the reason why there is none, and in this CuPy."""

    def believe(no_device=None, cupy=None):
        monkeypatch.setattr(gpu, "why_no_device", lambda: no_device)
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        gpu.why_unusable.cache_clear()

    yield believe
    gpu.why_unusable.cache_clear()


def stand_in(available=True, arange=np.arange):
    """A CuPy whose arrays are of NumPy; its own class of arrays is none of them."""
    return types.SimpleNamespace(
        cuda=types.SimpleNamespace(is_available=lambda: available),
        arange=arange,
        ndarray=type("ndarray", (), {}),
        asarray=lambda x: ("on the device", x),
    )


def fail(*args):
    raise RuntimeError("no kernel image")


def test_a_usable_device(machine):
    machine(cupy=stand_in())
    assert gpu.why_unusable() is None
    assert gpu.gpu_enable is True
    where, data = gpu.as_cupy(2.0)
    assert where == "on the device"
    assert data == np.array(2.0)


def test_a_variable_goes_to_the_device_as_its_data(machine):
    machine(cupy=stand_in())
    x = types.SimpleNamespace(data=np.array([1.0, 2.0]), creator=None)
    assert gpu.as_cupy(x)[1] is x.data


@pytest.mark.parametrize(
    ("no_device", "cupy", "reason"),
    [
        ("there is no driver", stand_in(), "there is no driver"),
        (None, None, "CuPy cannot be imported .*pip install"),
        (None, stand_in(available=False), "CuPy finds no CUDA device"),
        (
            None,
            stand_in(arange=fail),
            r"a computation by CuPy failed \(RuntimeError: no kernel image\); .*pip install",
        ),
        (None, stand_in(arange=lambda stop: np.ones(4)), "CuPy computes wrong numbers here"),
    ],
)
def test_the_reason_is_kept_and_told(machine, no_device, cupy, reason):
    machine(no_device, cupy)
    assert gpu.gpu_enable is False
    with pytest.raises(RuntimeError, match="as_cupy needs a GPU, and " + reason):
        gpu.as_cupy(np.array(1.0))


def test_no_other_name_is_made_up():
    with pytest.raises(AttributeError, match="no attribute 'gpu_enabled'"):
        _ = gpu.gpu_enabled


def test_importing_tries_nothing():
    program = (
        "import sys, dezero_shared.driver as d\n"
        "d.why_no_device = lambda: sys.exit('tried')\n"
        "import dezero_shared.gpu; print('cupy' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "False\n", run.stderr


def test_the_driver_answers_with_a_reason_or_none():
    reason = gpu.why_no_device()
    assert reason is None or "; " in reason  # what is wrong; what to do
