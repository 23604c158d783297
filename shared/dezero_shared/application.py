"""What happens when a function is called: it computes, and leaves a trail for the way back.

No stage changes this. What the stages change is what the walk along the trail computes with.
It is written for speed, since it runs once for every operation: one loop over the inputs, no call
that could be left out.
"""

from __future__ import annotations

import weakref
from typing import Any

from numpy import ndarray

from dezero_shared import checked
from dezero_shared.arrays import NUMPY, Array, as_array
from dezero_shared.holder import clock, constant, new
from dezero_shared.modes import recording


class Application:
    """One application of a function; the base of every stage's Function.

    A result remembers its `creator`, and the creator its `inputs`: that is the trail. There is one
    if recording is on (`Config.enable_backprop`) and an input is no constant.

    variable: the class of the results; a stage sets it to its Variable.
    elementwise: True where forward computes number by number. It may then be given a NumPy scalar
    in place of a 0-d array, which computes ten times as fast, and operands of different shapes.
    inputs, outputs: the Variables that went in; weak references to those that came out.
    generation: the latest of the inputs'; a result is one generation later.
    called: when, by the clock that also tells when a Variable's data was assigned: a backward pass
    cannot use what has changed since.
    """

    variable: Any
    elementwise = False
    outputs: list[weakref.ref] | None = None  # None until it is called, which happens once
    inputs: list[Any]
    generation: int
    called: int

    def __call__(self, *inputs: Any) -> Any:
        """The Variable that forward computes from these, or a list of several.

        Raises RuntimeError when it is called again, TypeError for an operand that is neither a
        Variable nor an array nor a number, and whatever forward raises.
        """
        if self.outputs is not None:
            raise checked.called_before(self)
        variable = self.variable
        variables: list[Any] = []
        operands: list[Any] = []
        requires_grad = False
        generation = 0
        for x in inputs:
            if not isinstance(x, variable):
                x = constant(variable, x, inputs)
            variables.append(x)
            data = x._data
            if type(data) is ndarray and not data.ndim:
                data = data[()]  # its number; read at every call, since the array may change
            operands.append(data)
            if x.requires_grad:
                requires_grad = True
                if x.generation > generation:  # that of a constant is 0
                    generation = x.generation

        if not self.elementwise:
            operands = [x.data for x in variables]

        others: list[Array] = []
        try:
            y = self.forward(*operands)  # type: ignore[attr-defined]
            if type(y) not in NUMPY:
                if isinstance(y, tuple):
                    y, *others = checked.several(self, y)
                else:
                    y = as_array(y)
        except Exception as error:
            checked.explain(error, self, variables)
            raise

        result = new(variable)
        result._data = y
        result.requires_grad = requires_grad  # of constants: a constant
        result._grad = result.seed = result.name = result.assigned = None
        if requires_grad and recording():
            self.inputs = variables
            self.called = next(clock)
            self.generation = generation
            result.creator = self
            result.generation = generation + 1
            # Weak, since a result refers to its creator: a cycle would outlive its last user.
            self.outputs = [weakref.ref(result)]
        else:
            result.creator, result.generation = None, 0
            self.outputs = []
        return with_others(result, others) if others else result


def with_others(result: Any, ys: list[Array]) -> Any:
    """The result of a call and these, its other outputs.

    Not in __call__: a comprehension there that uses `result` would make each call slower.
    """
    results = [result]
    for y in ys:
        other = constant(type(result), y)
        other.requires_grad = result.requires_grad
        other.creator, other.generation = result.creator, result.generation
        if other.creator is not None:
            other.creator.outputs.append(weakref.ref(other))
        results.append(other)
    return results
