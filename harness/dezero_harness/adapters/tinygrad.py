"""tinygrad: a graph of lazy operations, differentiated as a graph."""

from tinygrad import Tensor

ENGINE, TESTED = "tinygrad", "0.14.0"

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "pow": lambda x, c: x**c,
    "sum": lambda x, axis, keepdims: x.sum(axis, keepdim=keepdims),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.permute(axes),
    "broadcast_to": lambda x, shape: x.expand(shape),
    "matmul": lambda x, w: x @ w,
    **{name: getattr(Tensor, name) for name in ("sin", "cos", "tanh", "exp", "log")},
}


def leaf(array):
    return Tensor(array)


def numpy(t):
    return t.numpy()


def grad(y, leaves, seed, create_graph):
    return y.gradient(*leaves, gradient=seed)


def warm_up():
    try:
        Tensor([0.0]).numpy()
    except RuntimeError as error:
        raise RuntimeError(f"tinygrad: {error}; on a processor it needs clang") from None
