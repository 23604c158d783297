"""What happens when a function is called: it computes, and leaves a trail for the way back.

No stage changes this. What the stages change is what the walk along the trail computes with.
It is written for speed, since it runs once for every operation: one loop over the inputs, no call
that could be left out.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from numpy import ndarray

from dezero_shared import arrays, checked
from dezero_shared.arrays import SCALARS, Array, as_array
from dezero_shared.modes import recording

new = object.__new__  # without __init__, which checks what a user hands in


class Application:
    """One application of a function; the base of every stage's Function.

    A result remembers its `creator`, and the creator its `inputs`: that is the trail. There is one
    if recording is on (`Config.enable_backprop`) and an input is no constant.

    variable: the class of the results; a stage sets it to its Variable.
    elementwise: True where forward computes number by number. It may then be given a NumPy scalar
    in place of a 0-d array, which computes ten times as fast, and operands of different shapes.
    inputs, outputs: the Variables that went in; weak references to those that came out.
    xs: the arrays that went in, to notice in the backward pass that a user has assigned others.
    generation: the latest of the inputs'; a result is one generation later.
    """

    variable: Any
    elementwise = False
    outputs: list[weakref.ref] | None = None  # None until it is called, which happens once
    inputs: list[Any]
    xs: list[Array]
    generation: int

    def __call__(self, *inputs: Any) -> Any:
        """The Variable that forward computes from these, or a list of several.

        Raises RuntimeError when it is called again, TypeError for an operand that is neither a
        Variable nor an array nor a number, and whatever forward raises.
        """
        if self.outputs is not None:
            raise checked.called_before(self)
        variable, elementwise = self.variable, self.elementwise
        variables, xs, operands, generation, requires_grad = [], [], [], 0, False
        for x in inputs:
            if not isinstance(x, variable):
                x = constant(variable, x, inputs)
            variables.append(x)
            if elementwise:
                data = x._data
                # The number in a 0-d array, read at every call, since the array may change.
                operands.append(data[()] if type(data) is ndarray and not data.ndim else data)
            else:
                data = x.data
                operands.append(data)
            xs.append(data)
            if x.generation > generation:
                generation = x.generation
            if x.requires_grad:
                requires_grad = True

        others: list[Array] = []
        try:
            y = self.forward(*operands)  # type: ignore[attr-defined]
            if type(y) not in SCALARS:
                if isinstance(y, tuple):
                    y, *others = checked.several(self, y)
                else:
                    y = as_array(y)
        except Exception as error:
            checked.explain(error, self, variables)
            raise

        result = new(variable)
        result._data, result.requires_grad = y, requires_grad  # of constants: a constant
        result._grad = result.seed = result.name = None
        if requires_grad and recording():
            self.inputs, self.xs, self.generation = variables, xs, generation
            result.creator, result.generation = self, generation + 1
            # Weak, since a result refers to its creator: a cycle would outlive its last user.
            self.outputs = [weakref.ref(result)]
        else:
            result.creator, result.generation = None, 0
            self.outputs = []
        return [result, *(sibling(result, y) for y in others)] if others else result


def sibling(result: Any, y: Array) -> Any:
    """Another output of the call that `result` comes from."""
    other = constant(type(result), y)
    other.requires_grad = result.requires_grad
    other.creator, other.generation = result.creator, result.generation
    if other.creator is not None:
        other.creator.outputs.append(weakref.ref(other))
    return other


def constant(variable: Any, x: Any, others: Iterable[Any] = ()) -> Any:
    """An array or a number as a constant, drawn in the graph but without a gradient.

    variable: the class of the constant. others: the operands that it meets, as `as_operand` takes
    them. Raises TypeError for anything else.
    """
    result = new(variable)
    result._data, result.requires_grad = arrays.as_operand(x, others), False
    result._grad = result.seed = result.name = result.creator = None
    result.generation = 0
    return result
