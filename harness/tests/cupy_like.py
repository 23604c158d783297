"""A stand-in for CuPy on a machine without a GPU: what CuPy forbids is forbidden here as well.

Its arrays compute with NumPy and behave as CuPy 14's do where that differs from what the array API
standard asks for: no `__array_namespace__`; a NumPy array beside one of them, or made of one
without `.get()`, is a TypeError; a ufunc of NumPy on one of them stays on the device; results of
reductions and indexing are 0-d arrays, never scalars; nothing warns; the device is entered.
It proves nothing about kernels, or about the last digits that they compute.
"""

import operator
import sys
import types

import numpy as np

_SCALARS = (bool, int, float, complex, np.generic)


class Device:
    """The one device; creating an array on it is done inside a `with`."""

    id = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass


class ndarray:
    __array_priority__ = 100
    __hash__ = None
    device = Device()

    def __init__(self, numbers):
        assert type(numbers) is np.ndarray
        self._numbers = numbers

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return _wrapped(getattr(self._numbers, name))

    def __array__(self, *args, **kwargs):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return _call(getattr(ufunc, method), *inputs, **kwargs)

    def __dlpack__(self, *args, **kwargs):
        raise NotImplementedError("there is no device memory to hand over")

    def get(self):
        return self._numbers.copy()

    def tolist(self):
        return self._numbers.tolist()

    def item(self):
        return self._numbers.item()

    def __getitem__(self, key):
        return _call(operator.getitem, self, key)

    def __setitem__(self, key, value):
        _call(operator.setitem, self, key, value)

    def __len__(self):
        return len(self._numbers)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return repr(self._numbers)

    def __str__(self):
        return str(self._numbers)

    def __reduce__(self):
        return ndarray, (self._numbers,)


def _unwrapped(x):
    if isinstance(x, ndarray):
        return x._numbers
    if isinstance(x, (tuple, list)):
        return type(x)(map(_unwrapped, x))
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x


def _wrapped(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return ndarray(np.asarray(x))
    if isinstance(x, (tuple, list)):
        return type(x)(map(_wrapped, x))
    return _on_the_device(x) if callable(x) and not isinstance(x, type) else x


def _call(function, *args, **kwargs):
    with np.errstate(all="ignore"):
        out = kwargs.get("out")
        result = function(
            *map(_unwrapped, args), **{key: _unwrapped(each) for key, each in kwargs.items()}
        )
    return (out[0] if isinstance(out, tuple) else out) if out is not None else _wrapped(result)


def _on_the_device(function):
    def call(*args, **kwargs):
        return _call(function, *args, **kwargs)

    return call


def _operator(name, function, swapped):
    def operate(self, other):
        rank = getattr(other, "__array_priority__", 0)
        if not isinstance(other, (ndarray, np.ndarray, *_SCALARS)):
            if rank > self.__array_priority__:
                return NotImplemented  # as CuPy does for what says that it comes first
            raise TypeError(f"Unsupported type {type(other)}")
        return _call(function, other, self) if swapped else _call(function, self, other)

    operate.__name__ = name
    setattr(ndarray, name, operate)


for _name in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"]:
    _operator(f"__{_name}__", getattr(operator, _name), swapped=False)
    _operator(f"__r{_name}__", getattr(operator, _name), swapped=True)
for _name in ["lt", "le", "eq", "ne", "gt", "ge"]:
    _operator(f"__{_name}__", getattr(operator, _name), swapped=False)


def _in_place(function):
    def operate(self, other):
        _call(function, self, other)
        return self

    return operate


def _of_one(function):
    return lambda self: _call(function, self)


for _name in ["iadd", "isub", "imul", "itruediv"]:
    setattr(ndarray, f"__{_name}__", _in_place(getattr(operator, _name)))
for _name in ["neg", "pos", "abs"]:
    setattr(ndarray, f"__{_name}__", _of_one(getattr(operator, _name)))
for _type in (float, int, bool, complex):
    setattr(ndarray, f"__{_type.__name__}__", lambda self, _t=_type: _t(self._numbers))


def array(x, dtype=None):
    """An array on the device of numbers from anywhere: the one way there for a NumPy array."""
    x = x._numbers if isinstance(x, ndarray) else x
    return ndarray(np.array(x, dtype=dtype))


def module():
    """The stand-in, to be put into `sys.modules` as `cupy`."""
    cupy = types.ModuleType("cupy")
    cupy.__version__ = "14 (a stand-in)"
    cupy.ndarray, cupy.array = ndarray, array
    cupy.asarray = lambda x, dtype=None: (
        x if isinstance(x, ndarray) and dtype in (None, x.dtype) else array(x, dtype)
    )
    cupy.asnumpy = lambda x: x.get() if isinstance(x, ndarray) else np.asarray(x)
    cupy.get_array_module = lambda *xs: (
        cupy if any(isinstance(x, ndarray) for x in xs) else sys.modules["numpy"]
    )
    properties = {"name": b"no device: NumPy in disguise"}
    cupy.cuda = types.SimpleNamespace(
        Device=Device,
        is_available=lambda: True,
        runtime=types.SimpleNamespace(
            getDeviceProperties=lambda number: properties,
            memGetInfo=lambda: (2**30, 2**30),
        ),
    )
    pool = types.SimpleNamespace(free_all_blocks=lambda: None)
    cupy.get_default_memory_pool = lambda: pool

    def from_numpy(name):
        found = getattr(np, name)
        plain = isinstance(found, (type, float, int)) or found is None
        return found if plain else _on_the_device(found)

    cupy.__getattr__ = from_numpy
    return cupy
