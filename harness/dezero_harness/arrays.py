"""What the data of a session lives in: the array kinds, and the helpers that programs may use.

A kind is Python source, the prelude, that is executed before each program. A failing case shows the
part of it that its program uses, so what a person pastes into a shell is what the harness ran.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass


class Unusable(Exception):
    """This kind of array does not work here; the message says why, and what to do."""


@dataclass(frozen=True)
class ArrayKind:
    """A module and a device, and the prelude that gives programs their `array`."""

    name: str
    module: str
    version: str
    device: str
    prelude: str


_NUMPY = """
def array(values, dtype="float64"):
    return np.array(values, dtype=dtype)

def on_host(x):
    return np.asarray(x)
"""

_STRICT = """
import array_api_strict as xp

def array(values, dtype="float64"):
    return xp.asarray(values, dtype=getattr(xp, dtype), device=xp.Device("device1"))

def on_host(x):
    return np.from_dlpack(x)
"""

_CUPY = """
import cupy

def array(values, dtype="float64"):
    return cupy.array(values, dtype=dtype)

def on_host(x):
    return cupy.asnumpy(x)
"""

_BEFORE = """
import math
import numpy as np
import dezero
from dezero import Variable
"""

_AFTER = """
def host(values, dtype="float64"):
    return np.array(values, dtype=dtype)

def numpy_scalar(value):
    return np.float64(value)

def dtype_name(x):
    return str(x.dtype).split(".")[-1]

def kind(x):
    if isinstance(x, Variable):
        return "Variable"
    return "array" if isinstance(x, type(array(0.0))) else type(x).__name__

def values(x):
    return on_host(x.data if isinstance(x, Variable) else x).tolist()
"""


def array_kind(name: str) -> ArrayKind:
    """The kind "numpy", "strict" (array-api-strict on its second device) or "cupy".

    Raises Unusable where the module or the device is not there.
    """
    if name == "cupy":
        from dezero_shared.gpu import why_unusable

        reason = why_unusable()
        if reason is not None:
            raise Unusable(f"--array cupy needs CuPy and an NVIDIA GPU: {reason}")
        cupy = importlib.import_module("cupy")
        number = cupy.cuda.Device().id
        device = cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()
        return _kind(name, "cupy", device, _CUPY)
    if name == "strict":
        try:
            return _kind(name, "array_api_strict", "device1", _STRICT)
        except ImportError as error:
            raise Unusable(
                f"--array strict needs array-api-strict ({error}): "
                f"python -m pip install array-api-strict"
            ) from None
    return _kind("numpy", "numpy", "cpu", _NUMPY)


def _kind(name: str, module: str, device: str, prelude: str) -> ArrayKind:
    version = importlib.import_module(module).__version__
    return ArrayKind(name, module, version, device, _BEFORE + prelude + _AFTER)
