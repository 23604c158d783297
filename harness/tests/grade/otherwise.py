"""An honest engine that is written otherwise, much as the book has it, for step 34.

It keeps what the cases call the contract only in part, so not every case passes; but what passes
has been computed, and has to count.
"""

INIT = """
from dezero.core import (
    Config, Function, Parameter, Variable, as_array, as_variable, no_grad, setup_variable,
    test_mode, using_config,
)
setup_variable()
"""

CORE = '''
import contextlib
import weakref
import numpy as np


class Config:
    enable_backprop = True
    train = True


@contextlib.contextmanager
def using_config(name, value):
    old_value = getattr(Config, name)
    setattr(Config, name, value)
    try:
        yield
    finally:
        setattr(Config, name, old_value)


def no_grad():
    return using_config("enable_backprop", False)


def test_mode():
    return using_config("train", False)


class Variable:
    __array_priority__ = 200

    def __init__(self, data, name=None):
        if data is not None and not isinstance(data, np.ndarray):
            raise TypeError(f"{type(data)} is not supported")
        self.data, self.name, self.grad, self.creator, self.generation = data, name, None, None, 0

    @property
    def shape(self):
        return self.data.shape

    @property
    def ndim(self):
        return self.data.ndim

    @property
    def size(self):
        return self.data.size

    @property
    def dtype(self):
        return self.data.dtype

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        return "variable(" + str(self.data).replace("\\n", "\\n" + " " * 9) + ")"

    def cleargrad(self):
        self.grad = None

    def backward(self, retain_grad=False, create_graph=False):
        if self.grad is None:
            self.grad = Variable(np.ones_like(self.data))
        funcs, seen = [], set()

        def add_func(f):
            if f is not None and f not in seen:
                funcs.append(f)
                seen.add(f)
                funcs.sort(key=lambda f: f.generation)

        add_func(self.creator)
        while funcs:
            f = funcs.pop()
            gys = [output().grad for output in f.outputs]
            with using_config("enable_backprop", create_graph):
                gxs = f.backward(*gys)
                if not isinstance(gxs, tuple):
                    gxs = (gxs,)
                for x, gx in zip(f.inputs, gxs):
                    x.grad = gx if x.grad is None else x.grad + gx
                    add_func(x.creator)
            if not retain_grad:
                for y in f.outputs:
                    y().grad = None


class Parameter(Variable):
    pass


def as_array(x):
    return np.array(x) if np.isscalar(x) else x


def as_variable(x):
    return x if isinstance(x, Variable) else Variable(x)


class Function:
    def __call__(self, *inputs):
        inputs = [as_variable(as_array(x)) for x in inputs]
        ys = self.forward(*[x.data for x in inputs])
        if not isinstance(ys, tuple):
            ys = (ys,)
        outputs = [Variable(as_array(y)) for y in ys]
        if Config.enable_backprop:
            self.generation = max([x.generation for x in inputs])
            for output in outputs:
                output.creator, output.generation = self, self.generation + 1
            self.inputs = inputs
            self.outputs = [weakref.ref(output) for output in outputs]
        return outputs if len(outputs) > 1 else outputs[0]


def made(forward, backward):
    """A function from two plain ones; this engine has no class for each operation."""

    class Made(Function):
        def forward(self, *xs):
            return forward(*xs)

        def backward(self, gy):
            return backward(gy, *self.inputs)

    return lambda *xs: Made()(*xs)


add = made(lambda a, b: a + b, lambda g, a, b: (g * 1.0, g * 1.0))
mul = made(lambda a, b: a * b, lambda g, a, b: (g * b, g * a))
neg = made(lambda a: -a, lambda g, a: g * -1.0)
sub = made(lambda a, b: a - b, lambda g, a, b: (g * 1.0, -g))
div = made(lambda a, b: a / b, lambda g, a, b: (g / b, -g * a / (b * b)))


def pow(x, c):
    if c == 0:
        return x * 0.0 + 1.0
    return made(lambda a: a**c, lambda g, a: c * g * pow(a, c - 1))(x)


def setup_variable():
    Variable.__add__ = Variable.__radd__ = lambda a, b: add(a, b)
    Variable.__mul__ = Variable.__rmul__ = lambda a, b: mul(a, b)
    Variable.__neg__ = lambda a: neg(a)
    Variable.__sub__, Variable.__rsub__ = (lambda a, b: sub(a, b)), (lambda a, b: sub(b, a))
    Variable.__truediv__ = lambda a, b: div(a, b)
    Variable.__rtruediv__ = lambda a, b: div(b, a)
    Variable.__pow__ = pow
'''

FUNCTIONS = """
import numpy as np
from dezero.core import made

sin = made(np.sin, lambda g, x: cos(x) * g)
cos = made(np.cos, lambda g, x: -(sin(x) * g))
"""

#: The package, by its files.
OTHERWISE = {"dezero/__init__.py": INIT, "dezero/core.py": CORE, "dezero/functions.py": FUNCTIONS}
