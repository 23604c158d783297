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
