"""Derivatives of any order: the backward pass computes with Variables, and that builds a graph."""

from __future__ import annotations

import weakref
from heapq import heappop, heappush

from dezero_shared import arrays, checked, gradients
from dezero_shared.arrays import Array, as_array
from dezero_shared.modes import Config, no_grad, recording, test_mode, using_config
from dezero_shared.refused import Refusals


class Variable(Refusals):
    """An array that remembers which function it came from."""

    __slots__ = ("__weakref__", "_data", "_grad", "creator", "generation", "given", "name")
    __slots__ += ("requires_grad", "seed")

    def __init__(self, data: Array | None, name: str | None = None):
        self._data, self.name = checked.data(data), name
        self._grad = self.seed = self.creator = None
        self.generation = 0
        self.given = checked.now()  # when the data was given: a graph made before cannot be used
        self.requires_grad = True  # False for constants alone

    @property
    def data(self) -> Array:
        if type(self._data) in arrays.SCALARS:  # NumPy's result for 0-d arrays; it computes faster
            self._data = as_array(self._data)
        return self._data

    @data.setter
    def data(self, data):
        self._data, self.given = checked.assigned_data(self, data), checked.now()

    @property
    def grad(self) -> Variable | None:
        """What backward() has added up here, or what a user put here for it to start from."""
        return self._grad

    @grad.setter
    def grad(self, grad):
        self._grad = self.seed = checked.validate_grad(self, grad, Variable)

    def cleargrad(self):
        self.grad = None

    @property
    def shape(self):
        return tuple(as_array(self._data).shape)

    @property
    def ndim(self):
        return as_array(self._data).ndim

    @property
    def size(self):
        return arrays.size(self._data)

    @property
    def dtype(self):
        return as_array(self._data).dtype

    def __len__(self):
        return checked.length(self)

    def __repr__(self):
        return "variable(" + arrays.format_array(self._data).replace("\n", "\n" + " " * 9) + ")"

    def __getstate__(self):
        return checked.state(self, super().__getstate__())

    def backward(self, retain_grad: bool = False, create_graph: bool = False):
        """Add this Variable's derivative to the gradient of every leaf it was computed from.

        The walk starts from the gradient that the user has put in `grad`, else from ones. It takes
        the functions from the latest generation to the earliest, so that a gradient is complete
        before it is passed on, and writes no gradient before it has come to its end.

        create_graph: record the walk, so that the gradients can be differentiated in turn.
        retain_grad: leave this walk's gradients on the results in between as well.
        Raises TypeError for integer, boolean and complex data, which have no derivative.
        """
        checked.can_start(self, retain_grad, create_graph)
        grads = {self: constant(arrays.ones_like(self._data)) if self.seed is None else self.seed}
        take = grads.get if retain_grad else grads.pop  # what has been passed on is needed no more
        functions, seen = [], set()  # a heap of those to come, and all that ever came into it

        def add(f):
            if f is not None and f not in seen:  # None is the creator of a leaf
                seen.add(f)
                heappush(functions, (-f.generation, len(seen), f))

        add(self.creator)
        with using_config("enable_backprop", create_graph):
            while functions:
                f = heappop(functions)[-1]  # of the latest generation, the first that came
                gys = gradients.of_outputs(f, take)
                for x, gx in gradients.of_inputs(f, f.backward(*gys), Variable):
                    if x in grads:
                        grads[x] = grads[x] + gx
                    else:
                        grads[x] = gx
                        add(x.creator)

            for x, gx in grads.items():
                if x.creator is None and x._grad is not None and x is not self:
                    grads[x] = x._grad + gx
            # No two Variables share a gradient's array: Add hands one gradient to both its inputs.
            grads = gradients.unshared(grads, self, cast)

        self._grad = self.seed = None  # a seed is used once
        for x, gx in grads.items():
            x._grad, x.seed = gx, None


class Parameter(Variable):
    """A Variable that training adjusts."""


class Function:
    """One application of a function; a subclass defines its forward and backward."""

    outputs = None  # until it is called, which happens once
    elementwise = False  # see Elementwise

    def __call__(self, *inputs):
        """Compute forward, and leave a trail: results know their creator, and that its inputs."""
        variables, requires_grad, generation = [], False, 0
        for x in inputs:
            if not isinstance(x, Variable):
                x = constant(x, inputs)
            variables.append(x)
            requires_grad = requires_grad or x.requires_grad
            if x.generation > generation:
                generation = x.generation

        recorded = requires_grad and recording()
        results, references = [], []
        for data in checked.forward(self, variables):
            y = result(data, requires_grad)
            results.append(y)
            if recorded:
                y.creator, y.generation = self, generation + 1
                references.append(weakref.ref(y))  # weak: the result already holds this Function
        if recorded:
            self.inputs, self.outputs, self.generation = variables, references, generation
        return results if len(results) > 1 else y

    def forward(self, *xs: Array) -> Array | tuple[Array, ...]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, *xs)")

    def backward(self, *gys: Variable) -> Variable | tuple[Variable | None, ...]:
        raise NotImplementedError(f"{type(self).__name__} defines no backward(self, *gys)")


class Elementwise(Function):
    """A function that computes number by number.

    Its forward may be given the number in a 0-d array, which computes ten times as fast.
    """

    elementwise = True


def result(data, requires_grad) -> Variable:
    """A Variable as the engine makes it: what it has computed itself needs no check."""
    y = object.__new__(Variable)
    y._data, y.requires_grad = data, requires_grad  # of constants alone: a constant
    y._grad = y.seed = y.name = y.given = y.creator = None
    y.generation = 0
    return y


def constant(x, others=()) -> Variable:
    """An array or a number among other operands: it is drawn in the graph, and has no gradient."""
    y = result(arrays.as_operand(x, others), False)
    y.given = 0
    return y


def as_variable(x) -> Variable:
    return x if isinstance(x, Variable) else Variable(x)


class Cast(Elementwise):
    """y = x in memory of its own and in this dtype, dy/dx = 1"""

    def __init__(self, dtype):
        self.dtype = dtype

    def forward(self, x):
        return arrays.astype(x, self.dtype)

    def backward(self, gy):
        return gy


def cast(gx, dtype):
    return Cast(dtype)(gx)


class Add(Elementwise):
    """y = x0 + x1, dy/dx0 = dy/dx1 = 1"""

    def forward(self, x0, x1):
        return x0 + x1

    def backward(self, gy):
        return gy, gy


def add(x0, x1):
    return Add()(x0, x1)


class Mul(Elementwise):
    """y = x0 x1, dy/dx0 = x1, dy/dx1 = x0"""

    def forward(self, x0, x1):
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.inputs
        gx0 = gy * x1 if x0.requires_grad else None
        gx1 = gy * x0 if x1.requires_grad else None
        return gx0, gx1


def mul(x0, x1):
    return Mul()(x0, x1)


class Neg(Elementwise):
    """y = -x, dy/dx = -1"""

    def forward(self, x):
        return -x

    def backward(self, gy):
        return -gy


def neg(x):
    return Neg()(x)


class Sub(Elementwise):
    """y = x0 - x1, dy/dx0 = 1, dy/dx1 = -1"""

    def forward(self, x0, x1):
        return x0 - x1

    def backward(self, gy):
        return gy, -gy if self.inputs[1].requires_grad else None


def sub(x0, x1):
    return Sub()(x0, x1)


def rsub(x0, x1):
    return Sub()(x1, x0)


class Div(Elementwise):
    """y = x0 / x1, dy/dx0 = 1 / x1, dy/dx1 = -y / x1 (-x0 / x1^2 could overflow on the way)"""

    def forward(self, x0, x1):
        return x0 / x1

    def backward(self, gy):
        x1, y = self.inputs[1], self.outputs[0]()
        gx0 = gy / x1
        gx1 = -gx0 * y if x1.requires_grad else None
        return gx0, gx1


def div(x0, x1):
    return Div()(x0, x1)


def rdiv(x0, x1):
    return Div()(x1, x0)


class Pow(Elementwise):
    """y = x^c, dy/dx = c x^(c-1), for a constant c: a number, or an array of them"""

    def __init__(self, c):
        self.c = checked.exponent(c)

    def forward(self, x):
        self.c = arrays.moved(self.c, x)
        return arrays.power(x, self.c)

    def backward(self, gy):
        (x,) = self.inputs
        # Of x^0 the derivative is 0 x^0, not 0 x^(-1), which would be nan at 0.
        return gy * (x ** arrays.lowered(self.c) * self.c)


def pow(x, c):
    return Pow(c)(x)


def setup_variable():
    """Give Variable its operators."""
    Variable.__add__ = Variable.__radd__ = add
    Variable.__mul__ = Variable.__rmul__ = mul
    Variable.__sub__, Variable.__rsub__ = sub, rsub
    Variable.__truediv__, Variable.__rtruediv__ = div, rdiv
    Variable.__neg__, Variable.__pow__ = neg, pow
