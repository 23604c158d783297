"""What a Variable does not do, and the words that say what to write instead.

Python and NumPy would go on with a Variable in their own way: NumPy would take it apart into an
array of objects, and a wrong value would follow much later, without a word.
"""

from __future__ import annotations

import importlib
import sys
from types import TracebackType
from typing import Any, NoReturn

from dezero_shared.arrays import NO_GRADIENT

#: What NumPy calls the operators, and the methods of the operand on the left and on the right.
_OPERATORS = {
    "add": ("__add__", "__radd__"),
    "subtract": ("__sub__", "__rsub__"),
    "multiply": ("__mul__", "__rmul__"),
    "divide": ("__truediv__", "__rtruediv__"),
    "power": ("__pow__", "__rpow__"),
    "negative": ("__neg__", ""),
}

#: What other engines' Variables have, and the book's in later chapters: what to write here.
_INSTEAD = {
    "sum": "dezero.functions.sum(x), from step36 on",
    "mean": "dezero.functions.sum(x) / x.size, from step36 on",
    "reshape": "dezero.functions.reshape(x, shape), from step36 on",
    "transpose": "dezero.functions.transpose(x), from step36 on",
    "T": "dezero.functions.transpose(x), from step36 on",
    "dot": "dezero.functions.matmul(x, y), from step36 on",
    "max": "x.data.max() for the number",
    "min": "x.data.min() for the number",
    "item": "x.data.item()",
    "numpy": "x.data",
    "detach": "Variable(x.data)",
    "astype": "Variable(x.data.astype(dtype))",
    "zero_grad": "x.cleargrad()",
    "copy": "Variable(x.data.copy())",
    "grad_fn": "x.creator",
    "sin": "dezero.functions.sin(x), from step34 on",
    "cos": "dezero.functions.cos(x), from step34 on",
    "tanh": "dezero.functions.tanh(x), from step35 on",
    "exp": "dezero.functions.exp(x), from step36 on",
    "log": "dezero.functions.log(x), from step36 on",
    "sqrt": "x ** 0.5",
    "flatten": "dezero.functions.reshape(x, x.size), from step36 on",
}

#: What Python asks of a number or a list: its method, how it is written, and what to write here.
_UNDEFINED = {
    "__pos__": ("+x", "x"),
    "__floordiv__": ("x // y", "x.data // y for numbers without a derivative"),
    "__rfloordiv__": ("y // x", "y // x.data for numbers without a derivative"),
    "__mod__": ("x % y", "x.data % y for numbers without a derivative"),
    "__rmod__": ("y % x", "y % x.data for numbers without a derivative"),
    "__divmod__": ("divmod(x, y)", "divmod(x.data, y) for numbers without a derivative"),
    "__round__": ("round(x)", "round(float(x.data)) for the number in it"),
    "__trunc__": ("trunc(x)", "int(x.data) for the number in it"),
    "__contains__": ("y in x", "y in x.data"),
    "__setitem__": (
        "x[...] = y",
        "x.data = ..., a new array, before it is used",
    ),
}


class Refusals:
    """The base of every stage's Variable: an error that says what to write, in each place where a
    Variable would be taken for a number, a list or an array."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """`np.array(2.0) * x` and np.multiply are the operator; of all else it is a TypeError."""
        left = isinstance(inputs[0], Refusals)
        operand, others = (inputs[0], inputs[1:]) if left else (inputs[-1], inputs[:1])
        names = _OPERATORS.get(ufunc.__name__)
        if names is None or method != "__call__" or options:
            raise _taken_apart(ufunc.__name__, options)
        return getattr(operand, names[0 if left else 1])(*others)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> NoReturn:
        raise _taken_apart(function.__name__, module=function.__module__)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        raise _taken_apart("array")

    def __float__(self) -> NoReturn:
        raise TypeError("a Variable is no number; write float(x.data) for the number in it")

    def __int__(self) -> NoReturn:
        raise TypeError("a Variable is no number; write int(x.data) for the number in it")

    def __complex__(self) -> NoReturn:
        raise TypeError("a Variable is no number; write complex(x.data) for the number in it")

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a Variable is neither true nor false; write `x.grad is not None` to ask whether there "
            "is a gradient, and bool(x.data) for the number in it"
        )

    def __lt__(self, other: Any) -> NoReturn:
        raise TypeError("Variables have no order; compare their numbers, as in x.data > 0")

    __le__ = __gt__ = __ge__ = __lt__

    def __abs__(self) -> NoReturn:
        raise TypeError(
            "abs(x) is not defined; write x if x.data >= 0 else -x for a single number, "
            "and abs(x.data) for numbers without a derivative"
        )

    def __getitem__(self, index: Any) -> NoReturn:
        raise TypeError(
            "x[...] is not defined; write x.data[...] for numbers without a derivative, or a "
            "Function of your own whose backward puts the gradient back in its place"
        )

    def __format__(self, how: str) -> str:
        if how:
            raise TypeError(
                f"a Variable is no number; write {{float(x.data):{how}}} for the one in it"
            )
        return str(self)

    def __iter__(self) -> NoReturn:
        raise TypeError("a Variable is no list; go through x.data, its array")

    def __matmul__(self, other: Any) -> NoReturn:
        raise TypeError("x @ y is not defined; write dezero.functions.matmul(x, y), from step36 on")

    __rmatmul__ = __matmul__

    def __rpow__(self, c: Any) -> NoReturn:
        raise TypeError(
            f"{c!r} ** Variable is not defined; write exp(x * log(c)), with exp from step36 on"
        )


def _missing(name: str, instead: str) -> property:
    # No __getattr__: with one, Python reads every attribute of a Variable more slowly.
    def refuse(x: Any) -> NoReturn:
        raise AttributeError(f"a {type(x).__name__} has no {name!r}; write {instead}")

    return property(refuse)


def _undefined(written: str, instead: str) -> Any:
    def refuse(*operands: Any) -> NoReturn:
        raise TypeError(f"{written} is not defined; write {instead}")

    return refuse


for _name, _instead in _INSTEAD.items():
    setattr(Refusals, _name, _missing(_name, _instead))
for _name, (_written, _instead) in _UNDEFINED.items():
    setattr(Refusals, _name, _undefined(_written, _instead))


def _taken_apart(name: str, options: Any = (), module: str = "numpy") -> TypeError:
    """The error for NumPy's function of this name, which does not know what a Variable is."""
    if "out" in options:
        return TypeError(
            f"numpy.{name} cannot put a Variable into an array; take its array, "
            f"as in x.data -= 0.1 * x.grad.data"
        )
    try:
        functions = importlib.import_module("dezero.functions")
    except ImportError:  # the stages before step34
        functions = None
    its_name = {"dot": "matmul"}.get(name, name)
    ours = f"dezero.functions.{its_name}" if hasattr(functions, its_name) else "the operators"
    return TypeError(
        f"{module}.{name} would take a Variable apart, and its derivative would be lost; write "
        f"x.data for its array, and {ours} where the result has to have a derivative"
    )


def _explain_none(error: BaseException) -> None:
    of_none = isinstance(error, AttributeError) and error.obj is None
    if of_none or (isinstance(error, TypeError) and "'NoneType'" in str(error)):
        error.add_note(f"If this None was a gradient: {NO_GRADIENT}.")


def _at_the_prompt(kind: type, error: BaseException, traceback: TracebackType | None) -> None:
    """Show an error that has ended a program, and of None where a gradient was meant, why."""
    _explain_none(error)
    _show(kind, error, traceback)


def _in_ipython(shell: Any, kind: type, error: Any, traceback: Any, tb_offset: Any = None) -> None:
    """The same for IPython, and so for notebooks, which show errors themselves."""
    _explain_none(error)
    shell.showtraceback((kind, error, traceback), tb_offset)


# A gradient is None where there is none, as in the book, so that `x.grad is None` can be asked.
# What is then wrong in `x.grad.data` only Python sees; so a note is added where Python shows it.
_show, sys.excepthook = sys.excepthook, _at_the_prompt
if "IPython" in sys.modules and (_shell := sys.modules["IPython"].get_ipython()) is not None:
    _shell.set_custom_exc((AttributeError, TypeError), _in_ipython)
