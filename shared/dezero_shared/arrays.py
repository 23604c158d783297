"""Which module computes on this array?

The stages never name an array library; they ask here. An array answers through the Python array
API standard (`__array_namespace__`); CuPy's and PyTorch's arrays, which do not, are known by their
class, and those of other libraries (Dask) by array-api-compat where it is installed.
NumPy is the only library that has to be there.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

Array = Any  # an array of any module: typing has no name for what the array API standard describes

# The question comes several times in every operation, so each type is asked once.
_modules: dict[type, ModuleType | None] = {np.ndarray: np}

#: Subclasses whose operators mean something else: `*` multiplies matrices, or leaves numbers out.
_OTHER_OPERATORS = (np.matrix, np.ma.MaskedArray)

# Memory that an array has left serves the next one only if malloc keeps it; memory fresh from the
# system costs more than most computations on it (the second derivative of x^4 - 2x^2 for 10^6
# numbers: 37 ms, and 12 where it is kept). So malloc is told to take blocks of up to 32 MiB, the
# most it allows, out of the memory that it keeps, and to keep 256 MiB of what is free. That is for
# the whole process; whoever has set malloc (MALLOC_...) has the word, and no answer depends on it.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
if sys.platform == "linux" and not any(name.startswith("MALLOC_") for name in os.environ):
    _mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other mallocs have none
    if _mallopt is not None:
        _mallopt(_MMAP_THRESHOLD, 2**25)
        _mallopt(_TRIM_THRESHOLD, 2**28)

#: What NumPy makes of a 0-d result. It computes ten times as fast as a 0-d array.
SCALARS = frozenset(np.sctypeDict.values())
#: The types of NumPy's results.
NUMPY = SCALARS | {np.ndarray}
_NUMPYS = (np.ndarray, np.generic)
_PYTHON = {bool, int, float, complex}
_NUMBERS = SCALARS | _PYTHON


def is_array(x: Any) -> bool:
    """True for an array of any module; a number is none, not even NumPy's own, np.float64(1)."""
    try:
        return _modules[type(x)] is not None
    except KeyError:
        module = _modules[type(x)] = _find_module(x)
        return module is not None


def _find_module(x: Any) -> ModuleType | None:
    if isinstance(x, (np.generic, type, *_OTHER_OPERATORS)):
        return None
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    for name, kind in (("cupy", "ndarray"), ("torch", "Tensor")):
        module = sys.modules.get(name)  # who holds a CuPy array has imported CuPy
        if module is not None and isinstance(x, getattr(module, kind)):
            return module
    try:
        import array_api_compat
    except ImportError:
        return None
    return array_api_compat.array_namespace(x) if array_api_compat.is_array_api_obj(x) else None


def get_array_module(*operands: Any) -> ModuleType:
    """The module that computes on these arrays, Variables or numbers: the first array's, or NumPy.

    Raises TypeError, naming the type, for an operand that is none of these.
    """
    for x in operands:
        module = _modules.get(type(x))
        if module is not None:
            return module
        if type(x) in _NUMBERS:
            continue
        if hasattr(x, "creator"):  # a Variable: what it holds decides
            x = x.data
        if is_array(x):
            return _modules[type(x)]  # type: ignore[return-value]
        if not _is_number(x):
            raise not_an_array(x)
    return np


def as_array(x: Any) -> Array:
    """`x` itself when it is an array, a 0-d NumPy array when it is a number.

    Raises TypeError, naming the type, for anything else (a list, a string, None).
    """
    if type(x) in _NUMBERS:  # first, since NumPy makes a scalar of every 0-d result
        return np.asarray(x)
    if _modules.get(type(x)) or is_array(x):
        return x
    if _is_number(x):
        return np.asarray(x)
    raise not_an_array(x)


def array_or_none(x: Any) -> Array | None:
    """`x`, if it is an array or None. Raises TypeError, naming the type, for anything else."""
    if _modules.get(type(x)) or x is None or is_array(x):
        return x
    raise not_an_array(x)


def as_operand(x: Any, others: Sequence[Any] = ()) -> Any:
    """A raw operand in the form in which it computes with the other operands.

    A Python number that meets others stays a number: in every array module it takes the dtype of
    the array it meets.
    A NumPy array or scalar moves to the module and device of the first Variable among the others;
    any other array stays as it is.

    Raises TypeError, naming the type, for anything that is neither an array nor a number.
    """
    if type(x) in _PYTHON:
        return x if len(others) > 1 else np.asarray(x)[()]
    if type(x) not in NUMPY:
        for kind in (int, float, complex):
            if isinstance(x, kind):  # of a class derived from it: that counts as a number as well
                return as_operand(kind(x), others)  # type: ignore[arg-type]
        x = as_array(x)
        if not isinstance(x, np.ndarray):
            return x
    for other in others:
        if hasattr(other, "creator"):
            x = moved(x, other.data)
            break
    return x if type(x) is not np.ndarray or x.ndim else x[()]  # of a 0-d array its number


def moved(x: Any, to: Any) -> Any:
    """NumPy's array or scalar in the module and on the device of `to`; all else as it is."""
    if isinstance(to, np.ndarray) or not is_array(to) or not isinstance(x, _NUMPYS):
        return x
    try:
        return _on_device_of(to, "asarray", x)
    except (TypeError, ValueError) as error:  # of the library: its device lacks the dtype
        error.add_note(
            f"in bringing NumPy's {x.dtype} to {device_of(to)}, where the Variable is; give it a "
            f"dtype that is known there, as in x.astype('float32')"
        )
        raise


def device_of(x: Any) -> str:
    """The device of an array in a word or two; "" where the library has none."""
    return str(getattr(x, "device", ""))


def ones_like(x: Array) -> Array:
    """Ones of the shape, dtype, module and device of `x`, not to be written to."""
    if type(x) in SCALARS:
        return type(x)(1)
    if type(x) is not np.ndarray:
        return get_array_module(x).ones_like(x)
    if x.size > 1000:  # one number, repeated, takes no memory
        return np.broadcast_to(np.ones((), x.dtype), x.shape)
    ones = np.empty_like(x)
    ones.fill(1)  # np.ones_like takes three times as long
    return ones


def zeros(shape: tuple[int, ...], dtype: Any, *like: Any) -> Array:
    """Zeros of this shape and dtype, in the module and on the device of like's first array."""
    return _on_device_of(next(x for x in like if is_array(x)), "zeros", shape, dtype=dtype)


def _on_device_of(like: Array, function: str, *args: Any, **kwargs: Any) -> Array:
    create = getattr(get_array_module(like), function)
    device = getattr(like, "device", None)
    if device is None:  # the library has no devices: Dask
        return create(*args, **kwargs)
    if hasattr(device, "__enter__"):  # the library wants its device entered: CuPy
        with device:
            return create(*args, **kwargs)
    return create(*args, device=device, **kwargs)


def as_shape(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple; as in NumPy, an int stands for one axis of this length."""
    if isinstance(shape, (int, np.integer)):
        return (int(shape),)
    if isinstance(shape, (tuple, list)):
        return tuple(shape)
    raise TypeError(f"a shape is an int or a tuple of ints, not {shape!r}")


def size(x: Array) -> int:
    """How many numbers there are in `x`; PyTorch's own `size` is something else."""
    return math.prod(as_array(x).shape)


def astype(x: Array, dtype: Any) -> Array:
    """A copy of `x`, in memory of its own, with this dtype."""
    if type(x) in SCALARS:  # a number cannot be written to: it serves as its own copy
        return x if x.dtype == dtype else x.astype(dtype)
    xp = get_array_module(x)
    if hasattr(xp, "astype"):
        return xp.astype(x, dtype)
    # The standard's function is missing: Dask and CuPy before 14 have only the method.
    return x.astype(dtype) if hasattr(x, "astype") else x.to(dtype, copy=True)  # PyTorch


def is_floating(x: Array) -> bool:
    """True where derivatives exist: the dtype is a real floating one."""
    if getattr(x.dtype, "kind", "") == "f":  # isdtype takes as long as three additions
        return True
    if hasattr(x.dtype, "is_floating_point"):  # PyTorch's
        return x.dtype.is_floating_point
    xp = get_array_module(x)
    return hasattr(xp, "isdtype") and xp.isdtype(x.dtype, "real floating")


def is_complex(x: Any) -> bool:
    """True for an array, or a NumPy scalar, of complex numbers."""
    kind = getattr(x.dtype, "kind", None)  # NumPy's dtypes, and those of most libraries, have one
    return kind == "c" if kind else "complex" in str(x.dtype)


def owns_memory(x: Array) -> bool:
    """False for a view, whose memory is another array's too; what cannot tell counts as no view."""
    if type(x) not in NUMPY:
        x = getattr(x, "_array", x)  # array-api-strict hides the NumPy array that could tell
        if hasattr(x, "_is_view"):  # PyTorch
            return not x._is_view()
    return getattr(x, "base", None) is None


def as_numpy(x: Any) -> np.ndarray:
    """The numbers of an array, of a Variable or of a number, as a NumPy array in main memory."""
    if hasattr(x, "creator"):
        x = x.data
    if isinstance(x, np.ndarray) or not is_array(x):
        return as_array(x)
    if hasattr(x, "get"):  # CuPy refuses the implicit ways
        return x.get()
    try:
        return np.asarray(x)
    except (RuntimeError, TypeError, ValueError):  # a device that NumPy may not read directly
        return np.from_dlpack(x)


def format_array(x: Any) -> str:
    """What NumPy prints of these numbers; what the array prints of itself if it has none yet."""
    if not is_array(x) or isinstance(x, np.ndarray) or not hasattr(x, "__dlpack__"):
        return str(x)
    try:
        return str(as_numpy(x))
    except Exception:  # a tracer of a compiler, which stands for numbers to come
        return str(x)


def power(x: Array, c: Any) -> Array:
    """x ** c, for a number c or an array of them, of any module.

    Whole powers on NumPy are computed here: of negative numbers it takes twenty times as long.
    """
    if type(x) in SCALARS:
        return x**c
    if isinstance(c, np.ndarray):
        return x ** moved(c, x)
    numbers = getattr(x, "_meta", getattr(x, "_array", x))  # a Dask or array-api-strict array's
    dtype = numbers.dtype if isinstance(numbers, np.ndarray) and x.shape else None
    # NumPy itself is fast at -1, 0, 1 and 2. An exponent that is strong would change the dtype.
    if dtype is None or dtype.kind != "f" or is_array(c) or c % 1 != 0 or c in (-1, 0, 1, 2):
        return x**c
    return _whole_power(x, c, dtype) if getattr(c, "dtype", dtype) == dtype else x**c


def _whole_power(x: Array, c: Any, dtype: Any) -> Array:
    """Within 2 ulp of x ** c, as a product where two multiplications do, else as a power of |x|.

    Repeated squaring would be as fast, but off by 3 ulp at x ** 5 and by 40 at x ** 64.
    """
    if dtype == np.float16:  # the processor computes in float32 anyway
        return astype(_whole_power(astype(x, np.float32), c, np.float32), dtype)
    if c in (3, 4):
        y = x * x
        y *= x if c == 3 else y
        return y
    y = abs(x)
    y **= c
    return get_array_module(x).copysign(y, x) if c % 2 else y


def lowered(c: Any) -> Any:
    """The exponent of the derivative of x ** c: c - 1, but 0 for 0, since that is 0 x^0."""
    if not is_array(c):
        return c - 1 if c else 0
    return get_array_module(c).where(c == 0, c, c - 1)


def permute_dims(x: Array, axes: tuple[int, ...]) -> Array:
    """The axes of `x` in this order."""
    if type(x) is np.ndarray:
        return x.transpose(axes)  # np.permute_dims takes twice as long to come to it
    xp = get_array_module(x)
    # The standard's permute_dims is PyTorch's permute; CuPy before 14 has NumPy's name of old.
    for name in ("permute_dims", "permute"):
        if hasattr(xp, name):
            return getattr(xp, name)(x, axes)
    return xp.transpose(x, axes)


def axis_order(shape: tuple[int, ...], axes: int | Sequence[int] | None) -> tuple[int, ...]:
    """A permutation of the axes of this shape, counted from 0; from the last to the first for None.

    Raises ValueError, or NumPy's AxisError, for axes that are no permutation.
    """
    ndim = len(shape)
    if axes is None:
        return tuple(reversed(range(ndim)))
    order = normalize_axis_tuple(axes, ndim)
    if len(order) != ndim:
        raise ValueError(
            f"axes has to order all {ndim} axes of the shape {tuple(shape)}, got {axes}"
        )
    return order


def summed_shapes(
    shape: tuple[int, ...], axis: int | Sequence[int] | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shape after a sum along `axis`, with the summed axes kept at length 1, and without them.

    Raises NumPy's AxisError for an axis that the shape does not have.
    """
    axes = range(len(shape)) if axis is None else normalize_axis_tuple(axis, len(shape))
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return kept, tuple(n for i, n in enumerate(shape) if i not in axes)


def sum_along(x: Array, axes: tuple[int, ...]) -> Array:
    """The sum along these axes; without any, a copy, where PyTorch's own would sum all of them."""
    if not axes:
        return astype(x, x.dtype)
    if type(x) is np.ndarray:
        return np.add.reduce(x, axis=axes)  # np.sum takes twice as long to come to it
    return get_array_module(x).sum(x, axis=axes)


def stretched_axes(small: tuple[int, ...], large: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of `large` along which an array of shape `small` is repeated to get there.

    Raises ValueError where broadcasting does not lead from `small` to `large`.
    """
    lead = len(large) - len(small)
    if lead < 0 or any([n not in (1, large[i]) for i, n in enumerate(small, lead)]):
        raise ValueError(
            f"shape {tuple(large)} cannot be summed to {small}: {small} does not broadcast to it"
        )
    return tuple([i for i, n in enumerate(large) if i < lead or n != small[i - lead]])


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex, np.generic))


#: What a gradient that is None says.
NO_GRADIENT = (
    "x.grad is None until a backward() reaches x; where the last one did not reach x, "
    "the derivative by x is zero"
)


def not_an_array(x: Any) -> TypeError:
    """The error for what was given in place of an array."""
    shown = repr(x) if len(repr(x)) <= 40 else repr(x)[:37] + "..."
    advice = "make an array of it first, for example with np.array(...)"
    inside = x if isinstance(x, (list, tuple)) else [x]
    if any(hasattr(y, "creator") for y in inside):
        advice = "a Variable's array is its .data"
    elif x is None:
        advice = f"if it is a gradient: {NO_GRADIENT}"
    elif isinstance(x, np.ndarray):
        advice = "its operators mean something else; make an array of it with np.array(...)"
    return TypeError(f"expected an array, got {shown} of type {type(x).__name__}; {advice}")
