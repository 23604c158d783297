"""Functions beside the operators. Each backward is made of such functions, so any order follows."""

from dezero.core import Elementwise, Function, Variable, broadcast_to, constant, sum_to
from dezero_shared import arrays
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


class Exp(Elementwise):
    """y = e^x, dy/dx = y"""

    def forward(self, x):
        return get_array_module(x).exp(x)

    def backward(self, gy):
        y = self.outputs[0]()
        return gy * y


def exp(x):
    return Exp()(x)


class Log(Elementwise):
    """y = log x, dy/dx = 1 / x"""

    def forward(self, x):
        return get_array_module(x).log(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy / x


def log(x):
    return Log()(x)


def operand(x):
    return x if isinstance(x, Variable) else constant(x)


def sum(x, axis=None, keepdims=False):
    """The sum along some axes, all of them for None; it takes no rule of its own."""
    x = operand(x)
    kept, dropped = arrays.summed_shapes(x.shape, axis)
    y = sum_to(x, kept)
    return y if keepdims or dropped == kept else reshape(y, dropped)


class Reshape(Function):
    """The numbers of x in another shape; their gradients go back to where they came from."""

    def __init__(self, shape):
        self.shape = arrays.as_shape(shape)

    def forward(self, x):
        return get_array_module(x).reshape(x, self.shape)

    def backward(self, gy):
        (x,) = self.inputs
        return reshape(gy, x.shape)


def reshape(x, shape):
    return Reshape(shape)(x)


class Transpose(Function):
    """The axes of x in another order, and those of the gradient put back."""

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return arrays.permute_dims(x, self.axes)

    def backward(self, gy):
        inverse = sorted(range(gy.ndim), key=self.axes.__getitem__)
        return Transpose(inverse)(gy)


def transpose(x, axes=None, *others):
    """The axes in this order, as one tuple or number by number; for None the last first."""
    x = operand(x)
    return Transpose(arrays.axis_order(x.shape, (axes, *others) if others else axes))(x)


class MatMul(Function):
    """y = x0 x1, dL/dx0 = gy x1^T, dL/dx1 = x0^T gy, for matrices and stacks of matrices"""

    def forward(self, x0, x1):
        return x0 @ x1

    def backward(self, gy):
        x0, x1 = self.inputs
        gx0 = stacked(matmul(gy, flip(x1)), x0) if x0.requires_grad else None
        gx1 = stacked(matmul(flip(x0), gy), x1) if x1.requires_grad else None
        return gx0, gx1


def stacked(gx, x):
    """A gradient of x, summed over the stacks that x served."""
    return gx if gx.shape == x.shape else sum_to(gx, x.shape)


def flip(x):
    """x^T for a matrix, and for each of a stack of matrices."""
    return Transpose((*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))(x)


def matmul(x0, x1):
    """x0 x1, where a vector is a row on the left and a column on the right; the axis is dropped."""
    x0, x1 = operand(x0), operand(x1)
    if x0.ndim == 1:
        y = matmul(reshape(x0, (1, x0.size)), x1)
        return reshape(y, y.shape[:-1] if x1.ndim == 1 else y.shape[:-2] + y.shape[-1:])
    if x1.ndim == 1:
        y = matmul(x0, reshape(x1, (x1.size, 1)))
        return reshape(y, y.shape[:-1])
    return MatMul()(x0, x1)
