"""Functions beside the operators. Each backward is made of such functions, so any order follows."""

from dezero.core import Elementwise
from dezero_shared.arrays import get_array_module


class Sin(Elementwise):
    """y = sin x, dy/dx = cos x"""

    def forward(self, x):
        return get_array_module(x).sin(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * cos(x)


def sin(x):
    return Sin()(x)


class Cos(Elementwise):
    """y = cos x, dy/dx = -sin x"""

    def forward(self, x):
        return get_array_module(x).cos(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * -sin(x)


def cos(x):
    return Cos()(x)


class Tanh(Elementwise):
    """y = tanh x, dy/dx = 1 - y^2"""

    def forward(self, x):
        return get_array_module(x).tanh(x)

    def backward(self, gy):
        y = self.outputs[0]()
        return gy * (1 - y * y)


def tanh(x):
    return Tanh()(x)
