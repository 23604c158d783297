"""Is there a CUDA device? The driver itself is asked, which needs no package."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

LIBRARY = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


@cache
def why_no_device() -> str | None:
    """The reason why this machine offers no CUDA device, or None if it does."""
    try:
        driver = ctypes.CDLL(LIBRARY)
    except OSError:
        return (
            f"there is no CUDA driver on this machine ({LIBRARY} is not found); use a machine with "
            f"an NVIDIA GPU, and install its driver"
        )
    count = ctypes.c_int()
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status:
        text = ctypes.c_char_p()
        driver.cuGetErrorString(status, ctypes.byref(text))
        said = (text.value or b"unknown error").decode()
        return (
            f"the CUDA driver cannot be used: {said} (error {status}); see whether nvidia-smi "
            f"lists a GPU"
        )
    if count.value == 0:
        return "the CUDA driver offers no device; see what CUDA_VISIBLE_DEVICES says"
    return None


def cuda_version() -> int:
    """The major version of CUDA that the driver supports; it decides which CuPy fits."""
    version = ctypes.c_int()
    ctypes.CDLL(LIBRARY).cuDriverGetVersion(ctypes.byref(version))
    return version.value // 1000
