"""What goes into a function's forward and backward, and what comes out, checked.

An error then names the function, what it was given (type, shape, dtype), and what to do; without
the checks it would come later, elsewhere and without a reason. What needs no thought in between is
done here as well: 0-d results become arrays, missing gradients zeros, shared gradients copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dezero_shared import arrays
from dezero_shared.arrays import (
    Array,
    as_array,
    is_array,
    is_floating,
    owns_memory,
    zeros,
)
from dezero_shared.holder import constant
from dezero_shared.modes import recording


def several(function: Any, ys: tuple) -> list[Array]:
    """The outputs of a function that has several, as arrays. Raises TypeError for none."""
    if not ys:
        raise TypeError("forward returned (), and a function has one output or more")
    outputs = [as_array(y) for y in ys]
    # An output that is gone by the time of the backward pass still needs a gradient of its shape.
    function.output_kinds = [(y.shape, y.dtype) for y in outputs]
    return outputs


def explain(error: Exception, function: Any, inputs: list) -> None:
    """Notes on what forward has raised, that name the function and its inputs."""
    error.add_note(f"in {_name(function)}.forward; inputs: {describe(*inputs)}")
    if any(x._data is None for x in inputs):
        error.add_note("variable(None) has no data to compute with: assign its .data first")


def complete(function: Any, take: Callable[[Any, None], Any]) -> list:
    """The gradients of the outputs of a function, arrays or Variables, with zeros in place of None.

    take(output, None): its gradient, or None where nothing used the output, or it is gone: it
    contributes nothing.
    """
    outputs = function.outputs
    if len(outputs) == 1:  # the walk has come here through this output
        return [take(outputs[0](), None)]
    gys = [take(y(), None) for y in outputs]
    known = next(gy for gy in gys if gy is not None)
    for i, kind in enumerate(function.output_kinds):
        if gys[i] is None:
            gys[i] = zeros(*kind, *[x.data for x in function.inputs])
            if hasattr(known, "creator"):
                gys[i] = type(known)(gys[i])
                gys[i].requires_grad = False  # nothing comes of it
    return gys


def gradients(
    function: Any, gxs: Any, kind: Any, sum_to: Callable | None = None
) -> Iterator[tuple[Any, Any]]:
    """Pairs of an input and its gradient, without constants and None.

    gxs: what the function's backward returned; a tuple, a list, or the one gradient of the one
    input. None means that an input has none. kind: what a gradient is, Array or the class of
    Variables. sum_to(gradient, shape): for elementwise functions, which repeat an operand of a
    smaller shape; its gradient comes in the shape of the output.

    Raises RuntimeError where an input's data was assigned after forward, TypeError for a wrong
    number or type of gradients, ValueError for a gradient that has not its input's shape.
    """
    inputs = function.inputs
    if not isinstance(gxs, (tuple, list)):
        gxs = (gxs,)
    if len(gxs) != len(inputs):
        raise TypeError(_unfit(function, gxs))
    for x, gx in zip(inputs, gxs):
        if x.assigned is not None and x.assigned > function.called:
            raise RuntimeError(
                f"the data of an input of {_name(function)} ({describe(x)}) was assigned after the "
                f"forward pass that used it, so its derivative is no longer known; compute the "
                f"result again before backward()"
            )
        if gx is None or not x.requires_grad:
            continue
        if type(gx) is not kind and not is_gradient(gx, kind):
            raise TypeError(_unfit(function, gxs))
        shape = x._data.shape
        if (gx if kind is Array else gx._data).shape != shape:
            if sum_to is None or not function.elementwise:
                raise ValueError(
                    f"{_unfit(function, gxs)}. Where an operand was broadcast, its gradient has to "
                    f"be summed back to its shape by sum_to, which the stage step36 brings"
                )
            gx = sum_to(gx, shape)
        yield x, gx


def differentiable(x: Any) -> None:
    """Raises TypeError for a Variable whose data has no derivative."""
    if x._data is None:
        raise TypeError("variable(None) has no data to differentiate: assign its .data first")
    if not is_floating(x._data):
        raise TypeError(
            f"only real floating-point data has a derivative, not {describe(x)}; give it a "
            f"floating dtype, or keep it out of the graph by using the raw array as an operand"
        )


def gradient(x: Any, grad: Any, kind: Any) -> None:
    """Raises TypeError or ValueError unless `grad` is None or a `kind` of x's shape.

    kind: Array, or the class of Variables.
    """
    if grad is None:
        return
    fits = is_gradient(grad, kind)
    if fits and grad.shape == x.shape:
        return
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


def _unfit(function: Any, gxs: Any) -> str:
    return (
        f"{_name(function)}.backward must return a gradient for each input, of the input's shape, "
        f"or None for one without; inputs: {describe(*function.inputs)}; "
        f"returned: {describe(*gxs)}"
    )


def is_gradient(gx: Any, kind: Any) -> bool:
    if kind is Array:  # or a NumPy scalar, which NumPy makes of a 0-d result
        return hasattr(gx, "dtype") and not hasattr(gx, "creator")
    return isinstance(gx, kind)


def _name(function: Any) -> str:
    return type(function).__name__


def called_before(function: Any) -> RuntimeError:
    """The error for calling an instance again: it has its place in a graph."""
    return RuntimeError(
        f"this {_name(function)} was called before, and one instance is one application of the "
        f"function; make a new one for each call, as in {_name(function)}(...)(x)"
    )


def separate(grads: dict, seed: Any, astype: Callable[[Any, Any], Any]) -> dict:
    """The gradients of a walk, each with its Variable's dtype and in memory of its own.

    Where a function hands on the gradient that it was given (Add does, to both its inputs) or a
    view of it (a transpose), two Variables would share an array, and changing one gradient would
    change the other. So would a constant one, the seed, that is an operand in the graph of another:
    after `(a + b * c).backward(create_graph=True)` it is a.grad and a factor of b.grad.
    astype(gradient, dtype) makes the copies where they are recorded, and of arrays.

    Raises TypeError for a Variable whose data has no derivative.
    """
    taken, own, recorded = {id(seed)}, {}, recording()
    for x, gx in grads.items():
        differentiable(x)
        dtype = x._data.dtype
        is_variable = hasattr(gx, "creator")
        if not is_variable:
            gx = as_array(gx)
        data = gx._data if is_variable else gx
        operand = recorded and gx.creator is None
        if operand or id(gx) in taken or data.dtype != dtype or not owns_memory(data):
            if recorded or not is_variable:
                gx = astype(gx, dtype)
            else:
                gx = constant(type(gx), arrays.astype(data, dtype))
        taken.add(id(gx))
        if is_variable:
            gx.requires_grad = True  # the user gets an ordinary Variable, even where it is constant
        own[x] = gx
    return own


def exponent(c: Any) -> float:
    """A number as the exponent of `x ** c`. Raises TypeError, with what to write, for others."""
    if hasattr(c, "dtype") and not is_array(c) and not hasattr(c, "creator"):
        c = c.item()  # a NumPy scalar
    if isinstance(c, (int, float)):
        return c
    raise TypeError(
        f"x ** c needs a real number c, not {describe(c)}; write x ** float(c) for a single number "
        f"in an array, and exp(c * log(x)) for a Variable or several numbers"
    )


def no_exponential(x: Any, c: Any) -> Any:
    """For `c ** x`, which is not one of the engine's functions. Raises TypeError."""
    raise TypeError(
        f"{describe(c)} ** Variable is not defined; write exp(x * log(c)), with exp from step36 on"
    )
