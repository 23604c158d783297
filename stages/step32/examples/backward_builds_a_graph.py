"""The same gradient of sin, with Variables in the backward pass: now there is a graph behind it.

Observe: gx = gy * cos(x) is computed with Variables, so x.grad knows its creator, and can be
differentiated in turn. What that gives is -sin(x).
The picture is the graph that y.backward(create_graph=True) built.
"""

import numpy as np

from dezero import Function, Variable
from dezero.utils import get_dot_graph
from dezero_shared.plots import arguments, finish_graph


class Sin(Function):
    def forward(self, x):
        return np.sin(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * cos(x)  # Variables: this product is recorded


class Cos(Function):
    def forward(self, x):
        return np.cos(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * -sin(x)


def sin(x):
    return Sin()(x)


def cos(x):
    return Cos()(x)


args = arguments(__doc__).parse_args()

x = Variable(np.array(1.0), name="x")
y = sin(x)
y.grad = Variable(np.array(1.0), name="gy")  # what backward() starts from; ones, unless we say so
y.backward(create_graph=True)

gx = x.grad
gx.name = "gx"
print("gx =", gx)
print("gx has the creator", type(gx.creator).__name__)

x.cleargrad()
gx.backward()
print("the derivative of gx =", x.grad)
print("-sin(1) =", -np.sin(1.0))

finish_graph(get_dot_graph(gx, verbose=False), args.out)
