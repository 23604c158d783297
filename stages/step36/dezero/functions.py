"""Functions beside the operators. Each backward is made of such functions, so any order follows."""

from dezero.core import Function, operand
from dezero_shared import arrays
from dezero_shared.arrays import get_array_module


class Sin(Function):
    """y = sin x, dy/dx = cos x"""

    elementwise = True

    def forward(self, x):
        return get_array_module(x).sin(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * cos(x)


def sin(x):
    return Sin()(x)


class Cos(Function):
    """y = cos x, dy/dx = -sin x"""

    elementwise = True

    def forward(self, x):
        return get_array_module(x).cos(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy * -sin(x)


def cos(x):
    return Cos()(x)


class Tanh(Function):
    """y = tanh x, dy/dx = 1 - y^2"""

    elementwise = True

    def forward(self, x):
        return get_array_module(x).tanh(x)

    def backward(self, gy):
        y = self.outputs[0]()
        return gy * (1 - y * y)


def tanh(x):
    return Tanh()(x)


class Exp(Function):
    """y = e^x, dy/dx = y"""

    elementwise = True

    def forward(self, x):
        return get_array_module(x).exp(x)

    def backward(self, gy):
        y = self.outputs[0]()
        return gy * y


def exp(x):
    return Exp()(x)


class Log(Function):
    """y = log x, dy/dx = 1 / x"""

    elementwise = True

    def forward(self, x):
        return get_array_module(x).log(x)

    def backward(self, gy):
        (x,) = self.inputs
        return gy / x


def log(x):
    return Log()(x)


class BroadcastTo(Function):
    """x repeated until it has this shape; what is used several times adds up its gradients."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return get_array_module(x).broadcast_to(x, self.shape)

    def backward(self, gy):
        (x,) = self.inputs
        return sum_to(gy, x.shape)


def broadcast_to(x, shape):
    x, shape = operand(x), tuple(shape)
    return x if x.shape == shape else BroadcastTo(shape)(x)


class SumTo(Function):
    """x summed until it has this shape, which broadcasts to x's: broadcast_to, read backwards."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        xp = get_array_module(x)
        axes = arrays.stretched_axes(self.shape, x.shape)
        return xp.reshape(xp.sum(x, axis=axes), self.shape)

    def backward(self, gy):
        (x,) = self.inputs
        return broadcast_to(gy, x.shape)


def sum_to(x, shape):
    x, shape = operand(x), tuple(shape)
    return x if x.shape == shape else SumTo(shape)(x)


def sum(x, axis=None, keepdims=False):
    """The sum along some axes, all of them for None; it takes no rule of its own."""
    x = operand(x)
    kept, dropped = arrays.summed_shapes(x.shape, axis)
    y = sum_to(x, kept)
    return y if keepdims else reshape(y, dropped)


class Reshape(Function):
    """The numbers of x in another shape; their gradients go back to where they came from."""

    def __init__(self, shape):
        self.shape = shape

    def forward(self, x):
        return get_array_module(x).reshape(x, self.shape)

    def backward(self, gy):
        (x,) = self.inputs
        return reshape(gy, x.shape)


def reshape(x, shape):
    x, shape = operand(x), tuple(shape)
    return x if x.shape == shape else Reshape(shape)(x)


class Transpose(Function):
    """The axes of x in another order, and those of the gradient put back."""

    def __init__(self, axes):
        self.axes = axes

    def forward(self, x):
        return arrays.permute_dims(x, self.axes)

    def backward(self, gy):
        inverse = sorted(range(gy.ndim), key=self.axes.__getitem__)
        return transpose(gy, inverse)


def transpose(x, axes=None):
    """The axes in this order; for None the last first."""
    x = operand(x)
    return Transpose(arrays.axis_order(x.shape, axes))(x)


class MatMul(Function):
    """y = x0 x1, dL/dx0 = gy x1^T, dL/dx1 = x0^T gy, for matrices and stacks of matrices"""

    def forward(self, x0, x1):
        return x0 @ x1

    def backward(self, gy):
        x0, x1 = self.inputs
        gx0 = sum_to(matmul(gy, flip(x1)), x0.shape) if x0.requires_grad else None
        gx1 = sum_to(matmul(flip(x0), gy), x1.shape) if x1.requires_grad else None
        return gx0, gx1


def flip(x):
    """x^T for a matrix, and for each of a stack of matrices."""
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


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
