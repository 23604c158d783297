"""What the data of a session lives in: the array kinds, and the helpers that programs may use.

A kind is Python source, the prelude, that is executed before each program. A failing case shows the
part of it that its program uses, so what a person pastes into a shell is what the harness ran.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .case import Raises, Says


class Unusable(Exception):
    """This kind of array does not work here; the message says why, and what to do."""


@dataclass(frozen=True)
class ArrayKind:
    """A module and a device, and the prelude that gives programs their `array`.

    lacks: which of ARRAY_CAPABILITIES these arrays lack, or of ENVIRONMENT the engine's, and what a
        program that needs it answers instead, unless the case itself says that in `without`.
    ulps: how far off sin, tanh, powers and so on may be where NumPy's are right: the least
        tolerance of a case that computes functions, or that has a tolerance. Others stay exact.
    coarser: how many times farther apart than those of float64 its numbers are, where it has none:
        every tolerance is that much larger, and nothing is held to be exact.
    maps: true of a GPU, whose driver maps more addresses than there is memory, so that a limit of
        those would mean nothing.
    """

    name: str
    module: str
    version: str
    device: str
    prelude: str
    lacks: Mapping[str, Any] = field(default_factory=dict)
    ulps: int = 0
    coarser: float = 1.0
    maps: bool = False


_NUMPY = """
def array(values, dtype="float64"):
    return np.array(values, dtype=dtype)

def on_host(x):
    return np.asarray(x)
"""

_STRICT = """
import array_api_strict as xp

def array(values, dtype="float64"):
    return xp.asarray(values, dtype=getattr(xp, dtype), device=xp.Device(DEVICE))

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

_JAX = """
import jax

jax.config.update("jax_enable_x64", True)

def array(values, dtype="float64"):
    return jax.numpy.asarray(values, dtype=dtype, device=DEVICE)

def on_host(x):
    return np.asarray(x)

def compiled(f):
    return jax.jit(f)
"""

_TORCH = """
import torch

def array(values, dtype="float64"):
    return torch.tensor(values, dtype=getattr(torch, dtype), device=DEVICE)

def on_host(x):
    return x.cpu().numpy()
"""

# Every axis of more than one number is in two chunks.
_DASK = """
import dask.array

dask.config.set(scheduler="synchronous")

def array(values, dtype="float64"):
    numbers = np.array(values, dtype=dtype)
    return dask.array.from_array(numbers, chunks=[max(1, (n + 1) // 2) for n in numbers.shape])

def on_host(x):
    return np.asarray(x.compute())

def chain_length():
    return 1_500
"""

_BEFORE = """
import math
import numpy as np
import dezero
from dezero import Variable
"""

# What a kind does not say itself. A chain of functions is five times as long as Python can recurse;
# a Dask array holds the graph of all that it came from, so there a chain takes memory for n^2.
_UNLESS_SAID = {
    "compiled": """
def compiled(f):
    return f
""",
    "chain_length": """
def chain_length():
    return 5_000
""",
}

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

def raw(x):
    return x.data if isinstance(x, Variable) else x

def values(x):
    return on_host(raw(x)).tolist()
"""

# Of a device without float64, after every "float64" above has become a "float32": numbers that
# nobody has asked to be of another type are refused where they would become 0 or inf.
_IN_FLOAT32 = """
_array = array

def array(values, dtype="float32"):
    if dtype == "float32":
        wide = np.asarray(values, dtype="float64")
        with np.errstate(all="ignore"):
            narrow = wide.astype("float32")
        if ((narrow == 0) != (wide == 0)).any() or (np.isinf(narrow) != np.isinf(wide)).any():
            raise OverflowError(f"float32 has no such number: {values}")
    return _array(values, dtype)
"""

#: The names that `array_kind` knows.
KINDS = ("numpy", "strict", "jax", "dask", "torch", "cupy")
#: Those whose arrays live on a device of choice: what `--device` may name, the best first.
DEVICES = {
    "torch": ("cuda", "xpu", "mps", "cpu"),
    "jax": ("gpu", "tpu", "cpu"),
    "strict": ("device1", "no_float64"),
}
#: Devices without float64; there the cases compute in float32. The second is like the first.
WITHOUT_FLOAT64 = ("mps", "no_float64")

_CLONE = "in a clone of the repository: python -m pip install"


def array_kind(name: str, device: str = "") -> ArrayKind:
    """The kind of this name, one of KINDS. "strict" is array-api-strict on its second device.

    device: one of DEVICES[name], "cuda:1" for the second of its kind; else the best that is there.
    Raises Unusable where the module or the device is not there.
    """
    if device and device.partition(":")[0] not in DEVICES.get(name, ()):
        known = "; ".join(f"--array {kind}: {', '.join(each)}" for kind, each in DEVICES.items())
        raise Unusable(f"--device {device} does not go with --array {name}; what goes: {known}")
    if name == "strict":
        advice = "python -m pip install array-api-strict"
        module = _needed(name, advice, "array_api_strict")
        device = device or "device1"
        lacks: dict[str, Any] = {}
        if device in WITHOUT_FLOAT64:
            lacks["float64"] = Raises("ValueError", "does not support dtype=.*float64")
        return _kind(name, module, device, _STRICT, chosen=repr(device), lacks=lacks)
    if name == "jax":
        return _on_jax(device)
    if name == "dask":
        advice = f'{_CLONE} "./shared[dask]", or: nox -s stage33-dask'
        module = _needed(name, advice, "dask", "dask.array", "array_api_compat")
        lacks = {
            "numbers": Says(r"variable\(dask\.array<.*>\)"),
            "uneven reshape": Raises("NotImplementedError", "merge or split existing dimensions"),
        }
        return _kind(name, module, "cpu, in chunks", _DASK, lacks=lacks)
    if name == "torch":
        return _on_torch(device)
    if name == "cupy":
        from dezero_shared.gpu import why_unusable

        reason = why_unusable()
        if reason is not None:
            raise Unusable(f"--array cupy needs CuPy and an NVIDIA GPU: {reason}")
        cupy = importlib.import_module("cupy")
        number = cupy.cuda.Device().id
        device = cupy.cuda.runtime.getDeviceProperties(number)["name"].decode()
        return _kind(name, "cupy", device, _CUPY, ulps=2, maps=True)
    return _kind("numpy", "numpy", "cpu", _NUMPY)


def _on_jax(device: str) -> ArrayKind:
    jax = importlib.import_module(
        _needed("jax", f'{_CLONE} "./shared[jax]", or: nox -s stage33-jax', "jax")
    )
    platform, _, number = device.partition(":")
    try:
        found = jax.devices(platform or None)[int(number or 0)]
        jax.numpy.zeros(1, device=found)
    except (RuntimeError, IndexError, ValueError) as error:
        raise Unusable(f"--array jax --device {device or 'of its own choice'}: {error}") from None
    chosen = f"jax.devices({platform or None!r})[{number or 0}]"
    lacks = {"mutability": Raises("TypeError", "JAX arrays are immutable")}
    on_gpu = found.platform != "cpu"
    return _kind(
        "jax", "jax", found.device_kind, _JAX, chosen=chosen, lacks=lacks, ulps=2, maps=on_gpu
    )


def _on_torch(device: str) -> ArrayKind:
    torch = importlib.import_module(
        _needed("torch", f'{_CLONE} "./shared[torch]", or: nox -s stage33-torch', "torch")
    )
    kind = device.partition(":")[0]
    there = [each for each in DEVICES["torch"] if has_device(torch, each)]
    if kind and kind not in there:
        raise Unusable(
            f"--array torch --device {device}: PyTorch {torch.__version__} finds no such device on "
            f"this machine; what it finds: {', '.join(there)}"
        )
    device = device or there[0]
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # whatever a broken driver raises is the reason
        raise Unusable(f"--array torch --device {device}: {error}") from None
    name = device
    if kind in ("cuda", "xpu") or device in ("cuda", "xpu"):
        name = getattr(torch, device.partition(":")[0]).get_device_name(device)
    lacks = {
        "negative steps": Raises("ValueError", "step must be greater than zero"),
        "shape errors": Raises("RuntimeError", "must match the size of tensor|at least 1D"),
    }
    if device.partition(":")[0] in WITHOUT_FLOAT64:
        lacks["float64"] = Raises("TypeError", "doesn't support float64")
    on_gpu = device != "cpu"
    return _kind(
        "torch", "torch", name, _TORCH, chosen=repr(device), lacks=lacks, ulps=2, maps=on_gpu
    )


def has_device(torch: Any, device: str) -> bool:
    """Whether this PyTorch can use a device of this kind, one of DEVICES["torch"]."""
    part = torch.backends.mps if device == "mps" else getattr(torch, device, None)
    return device == "cpu" or (part is not None and part.is_available())


def _needed(name: str, advice: str, *modules: str) -> str:
    """The first of these modules, when all of them can be imported."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            package = modules[0] if module.startswith(modules[0]) else module
            raise Unusable(
                f"--array {name} needs {package.replace('_', '-')} ({error}): {advice}"
            ) from None
    return modules[0]


def _kind(
    name: str,
    module: str,
    device: str,
    prelude: str,
    chosen: str = "",
    lacks: Mapping[str, Any] | None = None,
    ulps: int = 0,
    maps: bool = False,
) -> ArrayKind:
    """chosen: what stands for DEVICE in the prelude."""
    version = importlib.import_module(module).__version__
    for helper, source in _UNLESS_SAID.items():
        if f"def {helper}(" not in prelude:
            prelude += source
    whole, coarser = _BEFORE + prelude + _AFTER, 1.0
    if lacks and "float64" in lacks:
        whole = whole.replace("float64", "float32") + _IN_FLOAT32
        coarser, ulps = 2.0**29, max(ulps, 16)
    whole = whole.replace("DEVICE", chosen)
    return ArrayKind(name, module, version, device, whole, lacks or {}, ulps, coarser, maps)
