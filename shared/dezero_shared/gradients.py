"""Gradients on their way through a function, and to the Variables they are for.

The walk in `Variable.backward` asks here for what needs no thought at the first reading: zeros
where nothing used an output, and copies where two Variables would share an array.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from dezero_shared import arrays, checked
from dezero_shared.arrays import Array
from dezero_shared.modes import recording


def of_outputs(function: Any, take: Callable[[Any, None], Any]) -> tuple:
    """The gradients of a function's outputs, with zeros for one that is unused, or gone.

    take(output, None): the gradient of an output, or None if it has none.
    """
    outputs = function.outputs
    if len(outputs) == 1:  # the walk has come here through this output
        gy = take(outputs[0](), None)
        number = type(gy) in arrays.SCALARS and not function.elementwise
        return (arrays.as_array(gy) if number else gy,)
    living = next(y for y in (output() for output in outputs) if y is not None)
    for i, data in enumerate(function.output_data):
        if outputs[i]() is None:
            outputs[i] = Remade(function, data, type(living))
    gys = [take(y(), None) for y in outputs]
    known = next(gy for gy in gys if gy is not None)
    for i, data in enumerate(function.output_data):
        if gys[i] is None:
            gys[i] = arrays.zeros(data.shape, data.dtype, data)
            if hasattr(known, "creator"):
                gys[i] = type(known)(gys[i])
                gys[i].requires_grad = False  # nothing comes of it
    return tuple(gys)


class Remade:
    """A reference to one of several outputs, which is gone: it makes it anew for who asks.

    The function's backward may compute with all of its outputs, also with one that the program has
    dropped (sin and cos in one function, each the other's derivative). Like the weak reference in
    whose place it stands, it keeps neither the output nor the function alive.
    """

    def __init__(self, function: Any, data: Array, kind: type):
        self._function, self._data, self._kind = weakref.ref(function), data, kind
        #: The output if it has been made anew and is in use, else None.
        self.living: Callable[[], Any] = lambda: None

    def __call__(self) -> Any:
        y = self.living()
        if y is None:
            function: Any = self._function()
            y = self._kind(self._data)
            y.given, y.creator, y.generation = None, function, function.generation + 1
            self.living = weakref.ref(y)
        return y


def of_inputs(
    function: Any, gxs: Any, kind: Any, sum_to: Callable | None = None
) -> Iterator[tuple[Any, Any]]:
    """Pairs of an input and its gradient, without constants, and without None: no gradient.

    gxs: what the function's backward returned; a tuple, a list, or the one gradient of the one
    input. kind: what a gradient is, Array or the class of Variables. sum_to(gradient, shape): for
    elementwise functions, which repeat an operand of a smaller shape; its gradient comes in the
    shape of the output.

    Raises RuntimeError where an input's data was assigned after forward, TypeError for a wrong
    number or type of gradients, ValueError for a gradient that has not its input's shape.
    """
    inputs = function.inputs
    if not isinstance(gxs, (tuple, list)):
        gxs = (gxs,)
    if len(gxs) != len(inputs):
        raise TypeError(checked.unfit(function, gxs))
    for x, gx in zip(inputs, gxs):
        if x.given is not None and x.given > function.called:
            raise checked.assigned_since(function, x)
        if gx is None or not x.requires_grad:
            continue
        if type(gx) is not kind and not checked.is_gradient(gx, kind):
            raise TypeError(checked.unfit(function, gxs))
        shape = x._data.shape
        if (gx if kind is Array else gx._data).shape != shape:
            if sum_to is None or not function.elementwise:
                raise ValueError(checked.unsummed(function, gxs))
            gx = sum_to(gx, shape)
        yield x, gx


def unshared(grads: dict, root: Any, cast: Callable[[Any, Any], Any]) -> dict:
    """The gradients of a walk, each with its Variable's dtype and in memory of its own.

    Where a function hands on the gradient that it was given (Add does, to both its inputs) or a
    view of it (a transpose), two Variables would share an array, and changing one gradient would
    change the other. So would a constant one, the seed, that is an operand in the graph of another:
    after `(a + b * c).backward(create_graph=True)` it is a.grad and a factor of b.grad. And so
    would what was there before the walk, if a backward returned it: an input, say.

    root: the Variable that the walk started from. cast(gradient, dtype): a copy.
    Raises TypeError for a Variable whose data has no derivative.
    """
    taken, own = {id(root.seed)}, {}
    for x, gx in grads.items():
        checked.differentiable(x)
        is_variable = hasattr(gx, "creator")
        data = gx._data if is_variable else gx
        made_here = is_variable and _made_in_walk(gx, root)  # who else holds an array is unknown
        dtype = x._data.dtype
        if id(gx) in taken or data.dtype != dtype or not arrays.owns_memory(data) or not made_here:
            gx = cast(gx, dtype)
        taken.add(id(gx))
        if is_variable:
            gx.requires_grad = True  # the user gets an ordinary Variable, even where it is constant
        own[x] = gx if is_variable else arrays.as_array(gx)
    return own


def _made_in_walk(gx: Any, root: Any) -> bool:
    """False for a Variable that the walk has not made, but found, and for one with no graph where
    others have one: it may be an operand in theirs."""
    if gx.given is not None or root.creator is None:  # from a leaf nothing is made on the way
        return False
    if recording():
        return gx.creator is not None and gx.creator.called > root.creator.called
    return gx.creator is None
