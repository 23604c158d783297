"""First derivatives: the backward pass computes with arrays, and nothing records it."""

from __future__ import annotations

from dezero_shared import arrays, checked
from dezero_shared.application import Application, constant
from dezero_shared.arrays import Array, as_array
from dezero_shared.holder import ArrayHolder
from dezero_shared.modes import Config, no_grad, using_config
from dezero_shared.order import ByGeneration


class Variable(ArrayHolder):
    """An array that remembers which function it came from."""

    __slots__ = ("_grad", "creator", "generation", "requires_grad", "seed")

    def __init__(self, data: Array | None, name: str | None = None):
        self._data, self.name = arrays.array_or_none(data), name
        self._grad = self.seed = self.assigned = self.creator = None
        self.generation = 0
        self.requires_grad = True  # False for constants alone

    @property
    def grad(self) -> Array | None:
        """What backward() has added up here, or what a user put here for it to start from."""
        return self._grad

    @grad.setter
    def grad(self, grad):
        checked.gradient(self, grad, Array)
        self._grad = self.seed = grad

    def cleargrad(self):
        self.grad = None

    def backward(self, retain_grad: bool = False):
        """Add this Variable's derivative to the gradient of every leaf it was computed from.

        The walk starts from the gradient that the user has put in `grad`, else from ones. It takes
        the functions from the latest generation to the earliest, so that a gradient is complete
        before it is passed on, and writes no gradient before it has come to its end.

        retain_grad: leave this walk's gradients on the results in between as well.
        Raises TypeError for integer, boolean and complex data, which have no derivative.
        """
        checked.differentiable(self)
        # The walk writes _grad alone: where grad is the seed, it is the user who has put it there.
        seed = self.seed if self.seed is self._grad else None
        grads = {self: arrays.ones_like(self.data) if seed is None else seed}
        take = grads.get if retain_grad else grads.pop  # what has been passed on is needed no more
        functions = ByGeneration(self.creator)
        with no_grad():
            for f in functions:
                gys = checked.complete(f, take)
                for x, gx in checked.gradients(f, f.backward(*gys), Array):
                    if x in grads:
                        grads[x] = grads[x] + gx
                    else:
                        grads[x] = gx
                        functions.add(x.creator)
            for x, gx in grads.items():
                if x.creator is None and x._grad is not None and x is not self:
                    grads[x] = x._grad + gx
            # Two Variables never share the array of a gradient: Add hands one to both its inputs.
            grads = checked.separate(grads, seed, cast)

        self._grad = self.seed = None  # a seed is used once
        for x, gx in grads.items():
            x._grad = gx


class Function(Application):
    """One application of a function; a subclass defines its forward and backward."""

    variable = Variable  # what it makes

    def forward(self, *xs: Array) -> Array | tuple[Array, ...]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward(self, *xs)")

    def backward(self, *gys: Array) -> Array | tuple[Array | None, ...]:
        raise NotImplementedError(f"{type(self).__name__} defines no backward(self, *gys)")


def as_variable(x) -> Variable:
    return x if isinstance(x, Variable) else Variable(x)


def operand(x, others=()) -> Variable:
    """A Variable as it is; an array or a number as a constant, drawn but without a gradient."""
    return x if isinstance(x, Variable) else constant(Variable, x, others)


class Cast(Function):
    """y = x in memory of its own and in this dtype, dy/dx = 1"""

    # Number by number: NumPy's scalars will do for 0-d arrays, and compute ten times as fast.
    elementwise = True

    def __init__(self, dtype):
        self.dtype = dtype

    def forward(self, x):
        return arrays.astype(x, self.dtype)

    def backward(self, gy):
        return gy


def cast(gx, dtype):
    return Cast(dtype).forward(gx)


class Add(Function):
    """y = x0 + x1, dy/dx0 = dy/dx1 = 1"""

    elementwise = True

    def forward(self, x0, x1):
        return x0 + x1

    def backward(self, gy):
        return gy, gy


def add(x0, x1):
    return Add()(x0, x1)


class Mul(Function):
    """y = x0 x1, dy/dx0 = x1, dy/dx1 = x0"""

    elementwise = True

    def forward(self, x0, x1):
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.inputs
        gx0 = gy * x1.data if x0.requires_grad else None
        if x0 is x1:  # a square: one product serves both, and every order after it is smaller
            return gx0, gx0
        gx1 = gy * x0.data if x1.requires_grad else None
        return gx0, gx1


def mul(x0, x1):
    return Mul()(x0, x1)


class Neg(Function):
    """y = -x, dy/dx = -1"""

    elementwise = True

    def forward(self, x):
        return -x

    def backward(self, gy):
        return -gy


def neg(x):
    return Neg()(x)


class Sub(Function):
    """y = x0 - x1, dy/dx0 = 1, dy/dx1 = -1"""

    elementwise = True

    def forward(self, x0, x1):
        return x0 - x1

    def backward(self, gy):
        return gy, -gy if self.inputs[1].requires_grad else None


def sub(x0, x1):
    return Sub()(x0, x1)


def rsub(x0, x1):
    return Sub()(x1, x0)


class Div(Function):
    """y = x0 / x1, dy/dx0 = 1 / x1, dy/dx1 = -y / x1 (-x0 / x1^2 could overflow on the way)"""

    elementwise = True

    def forward(self, x0, x1):
        return x0 / x1

    def backward(self, gy):
        x1, y = self.inputs[1], self.outputs[0]()
        gx0 = gy / x1.data
        gx1 = -gx0 * y.data if x1.requires_grad else None
        return gx0, gx1


def div(x0, x1):
    return Div()(x0, x1)


def rdiv(x0, x1):
    return Div()(x1, x0)


class Pow(Function):
    """y = x^c, dy/dx = c x^(c-1), for a number c"""

    elementwise = True

    def __init__(self, c: float):
        self.c = checked.exponent(c)

    def forward(self, x):
        return x**self.c

    def backward(self, gy):
        (x,) = self.inputs
        if self.c == 0:
            return gy * 0.0  # 0 x^(-1) would be nan at 0
        return gy * (self.c * x.data ** (self.c - 1))


def pow(x, c: float):
    return Pow(c)(x)


def setup_variable():
    """Give Variable its operators."""
    Variable.__add__ = Variable.__radd__ = add
    Variable.__mul__ = Variable.__rmul__ = mul
    Variable.__sub__, Variable.__rsub__ = sub, rsub
    Variable.__truediv__, Variable.__rtruediv__ = div, rdiv
    Variable.__neg__, Variable.__pow__, Variable.__rpow__ = neg, pow, checked.no_exponential
