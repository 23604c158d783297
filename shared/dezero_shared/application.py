"""What happens when a function is called: it computes, and leaves a trail for the way back.

No stage changes this. What the stages change is what the walk along the trail computes with.
It is written for speed, since it runs once for every operation: one loop over the inputs, no call
that could be left out.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

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
        variables, xs, generation, requires_grad = [], [], 0, False
        for x in inputs:
            if not isinstance(x, variable):
                x = constant(variable, x, inputs)
            variables.append(x)
            xs.append(x._data if elementwise else x.data)
            if x.generation > generation:
                generation = x.generation
            if x.requires_grad:
                requires_grad = True

        try:
            ys = self.forward(*xs)  # type: ignore[attr-defined]
            if isinstance(ys, tuple):
                ys = checked.several(self, ys)
            else:
                ys = [ys if type(ys) in SCALARS else as_array(ys)]
        except Exception as error:
            checked.explain(error, self, variables)
            raise

        recorded = requires_grad and recording()
        if recorded:
            self.inputs, self.xs, self.generation = variables, xs, generation
        self.outputs, results = [], []
        for y in ys:
            result = new(variable)
            result._data, result.requires_grad = y, requires_grad  # of constants: a constant
            result._grad = result.seed = result.name = None
            if recorded:
                result.creator, result.generation = self, generation + 1
                # Weak, since a result refers to its creator: a cycle would outlive its last user.
                self.outputs.append(weakref.ref(result))
            else:
                result.creator, result.generation = None, 0
            results.append(result)
        return results if len(results) > 1 else results[0]


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
