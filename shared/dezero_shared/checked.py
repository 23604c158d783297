"""What goes into a Variable and a function, and what comes out, checked.

An error then names the function, what it was given (type, shape, dtype), and what to do; without
the checks it would come later, elsewhere and without a reason.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from numpy import ndarray

from dezero_shared import arrays
from dezero_shared.arrays import NUMPY, Array, as_array, is_array, is_floating

#: The time, by a clock that goes on whenever it is read: it tells of a call of a function and an
#: assignment of data which came first.
now = count(1).__next__


def data(data: Any) -> Array | None:
    """An array or None as it is. Raises TypeError for anything else."""
    return arrays.array_or_none(data)


def assigned_data(x: Any, data: Any) -> Array:
    """The new data of a leaf. Raises RuntimeError for a result, TypeError for no array."""
    if x.creator is not None:
        raise RuntimeError(
            f"the data of a result cannot be assigned: the backward pass of "
            f"{_name(x.creator)}, which computed it, counts on it; assign to the leaf it "
            f"comes from and compute it again, or make a new Variable"
        )
    return as_array(data)


def length(x: Any) -> int:
    """The length of the first axis. Raises TypeError for a 0-d array, which has none."""
    if not x.shape:
        raise TypeError(f"a 0-d {type(x).__name__} has no len(); its shape is ()")
    return x.shape[0]


def state(x: Any, slots: Any) -> Any:
    """For copy and pickle. Raises TypeError where a copy would need the whole graph copied."""
    if x.creator is not None:
        raise TypeError(
            f"a Variable made by {_name(x.creator)} cannot be copied without the graph "
            f"behind it; copy its numbers instead, as in Variable(y.data.copy()), or "
            f"if it is the gradient of what is copied, call cleargrad() on that first"
        )
    slots[1]["given"] = 0  # no function has used the copy; and another process has another clock
    return slots


def forward(function: Any, inputs: list) -> tuple[Array, ...]:
    """What the function's forward computes from the inputs' data: its outputs, one or several.

    An Elementwise function gets numbers in place of 0-d arrays, any other gets arrays.
    Raises RuntimeError for a second call, TypeError for no output, and whatever forward raises,
    with a note on the function and its inputs.
    """
    if function.outputs is not None:
        raise RuntimeError(
            f"this {_name(function)} was called before, and one instance is one application of the "
            f"function; make a new one for each call, as in {_name(function)}(...)(x)"
        )
    if function.elementwise:
        xs = []
        for x in inputs:
            data = x._data
            # Its number; read at every call, since the array may change.
            xs.append(data[()] if type(data) is ndarray and not data.ndim else data)
    else:
        xs = [x.data for x in inputs]
    try:
        y = function.forward(*xs)
        ys = (y,) if type(y) in NUMPY else _outputs(function, y)
    except Exception as error:
        error.add_note(f"in {_name(function)}.forward; inputs: {describe(*inputs)}")
        if any(x._data is None for x in inputs):
            error.add_note("variable(None) has no data to compute with: assign its .data first")
        devices = dict.fromkeys(arrays.device_of(x._data) for x in inputs if is_array(x._data))
        if len(devices) > 1:
            error.add_note(
                f"the inputs are on several devices: {', '.join(devices)}; make all the arrays on "
                f"one of them, before they go into Variables"
            )
        raise
    function.called, function.outputs = now(), ()
    return ys


def _outputs(function: Any, ys: Any) -> tuple[Array, ...]:
    if not isinstance(ys, tuple):
        return (as_array(ys),)
    if not ys:
        raise TypeError("forward returned (), and a function has one output or more")
    # Of an output that is gone by then, the backward pass needs the numbers and the shape.
    function.output_data = tuple(as_array(y) for y in ys)
    return function.output_data


def can_start(x: Any, retain_grad: Any, create_graph: Any = False) -> None:
    """Raises TypeError where backward() of x cannot start: no derivative, or no flags."""
    for name, flag in {"retain_grad": retain_grad, "create_graph": create_graph}.items():
        if type(flag) is not bool:
            raise TypeError(
                f"{name} is True or False, not {describe(flag)}; the gradient that backward() "
                f"starts from is put into grad before, as in y.grad = seed; y.backward()"
            )
    differentiable(x)


def assigned_since(function: Any, x: Any) -> RuntimeError:
    """The error for an input whose data was assigned after the function has used it."""
    return RuntimeError(
        f"the data of an input of {_name(function)} ({describe(x)}) was assigned after the "
        f"forward pass that used it, so its derivative is no longer known; compute the "
        f"result again before backward()"
    )


def differentiable(x: Any) -> None:
    """Raises TypeError for a Variable whose data has no derivative."""
    if x._data is None:
        raise TypeError("variable(None) has no data to differentiate: assign its .data first")
    if not is_floating(x._data):
        raise TypeError(
            f"only real floating-point data has a derivative, not {describe(x)}; give it a "
            f"floating dtype, or keep it out of the graph by using the raw array as an operand"
        )


def validate_grad(x: Any, grad: Any, kind: Any) -> Any:
    """`grad` as it is. Raises TypeError or ValueError unless it is None or a `kind` of x's shape.

    kind: Array, or the class of Variables.
    """
    if grad is None:
        return grad
    fits = is_gradient(grad, kind)
    if fits and arrays.is_complex(grad):
        raise TypeError(f"a gradient has real numbers, and this one has not: {describe(grad)}")
    if fits and grad.shape == x.shape:
        return grad
    needed = "an array" if kind is Array else f"a {kind.__name__}"
    raise (ValueError if fits else TypeError)(
        f"the grad of {describe(x)} is None or {needed} of its shape, not {describe(grad)}"
    )


def describe(*xs: Any) -> str:
    """Operands or gradients in a few words: `Variable (2, 3) float32, float 2.0, None`."""
    return ", ".join(_describe(x) for x in xs) or "nothing"


def _describe(x: Any) -> str:
    data = x.data if hasattr(x, "creator") else x
    if is_array(data):
        return f"{type(x).__name__} {tuple(data.shape)} {data.dtype}"
    if x is None:
        return "None"
    shown = repr(data)
    return f"{type(x).__name__} {shown if len(shown) <= 40 else shown[:37] + '...'}"


def unfit(function: Any, gxs: Any) -> str:
    """The text of the error for what a backward returned."""
    return (
        f"{_name(function)}.backward must return a gradient for each input, of the input's shape, "
        f"or None for one without; inputs: {describe(*function.inputs)}; "
        f"returned: {describe(*gxs)}"
    )


def unsummed(function: Any, gxs: Any) -> str:
    """The text of the error for a gradient that has not its input's shape."""
    return (
        f"{unfit(function, gxs)}. Where an operand was broadcast, its gradient has to "
        f"be summed back to its shape by sum_to, which the stage step36 brings"
    )


def is_gradient(gx: Any, kind: Any) -> bool:
    if kind is Array:  # or a NumPy scalar, which NumPy makes of a 0-d result
        return hasattr(gx, "dtype") and not hasattr(gx, "creator")
    return isinstance(gx, kind)


def _name(function: Any) -> str:
    return type(function).__name__


def exponent(c: Any) -> Any:
    """What stands in `x ** c`: a number, or an array of them. Raises TypeError for anything else.

    A 0-d array of NumPy, or a NumPy scalar, is its number.
    """
    if type(c) in NUMPY and not c.shape:
        c = c.item()
    if isinstance(c, (int, float)) or (is_array(c) and not arrays.is_complex(c)):
        return c
    raise TypeError(
        f"x ** c needs a real number c, or an array of them, not {describe(c)}; "
        f"for a Variable c write exp(c * log(x)), with exp and log from step36 on"
    )
