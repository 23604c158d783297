"""Arrays on the GPU, by CuPy, and whether that works on this machine.

CuPy installs and imports without a GPU, and fails at the first array. So *usable* is found out by
using it, and the reason why it is not is kept for whoever asks. Nothing is tried before.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from dezero_shared.arrays import Array, as_numpy, get_array_module
from dezero_shared.driver import why_no_device

__all__ = ["as_cupy", "as_numpy", "get_array_module", "gpu_enable", "why_no_device", "why_unusable"]

gpu_enable: bool  # True where as_cupy works: __getattr__ finds out when it is first read


def __getattr__(name: str) -> bool:
    if name == "gpu_enable":
        return why_unusable() is None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def why_unusable() -> str | None:
    """The reason why CuPy cannot compute on a CUDA device here, or None if it can."""
    reason = why_no_device()
    if reason is not None:
        return reason
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        return f'CuPy cannot be imported ({error}); python -m pip install "cupy-cuda12x[ctk]"'
    try:
        if not cupy.cuda.is_available():
            return "CuPy finds no CUDA device, though the driver does; a newer driver may help"
        total = float((cupy.arange(4.0) * 2.0).sum())
    except Exception as error:  # whatever a broken installation raises is the reason
        return (
            f"a computation by CuPy failed ({type(error).__name__}: {error}); "
            f'python -m pip install "cupy-cuda12x[ctk]" brings the CUDA libraries that it needs'
        )
    return None if total == 12.0 else f"CuPy computes wrong numbers here: 0 + 2 + 4 + 6 = {total}"


def as_cupy(x: Any) -> Array:
    """The numbers of an array, of a Variable or of a number, as a CuPy array on the current device.

    Raises RuntimeError, with the reason, where no device can be used.
    """
    reason = why_unusable()
    if reason is not None:
        raise RuntimeError(f"as_cupy needs a GPU, and {reason}")
    cupy = import_module("cupy")
    if hasattr(x, "creator"):  # a Variable
        x = x.data
    return cupy.asarray(x if isinstance(x, cupy.ndarray) else as_numpy(x))
