"""HIPS autograd: functions of NumPy's are differentiated."""

import autograd.numpy as np
from autograd.builtins import tuple as traced_tuple
from autograd.core import make_vjp

ENGINE, TESTED = "autograd", "1.9.1"

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "pow": lambda x, c: x**c,
    "sum": lambda x, axis, keepdims: np.sum(x, axis=axis, keepdims=keepdims),
    "reshape": np.reshape,
    "transpose": np.transpose,
    "broadcast_to": np.broadcast_to,
    "matmul": np.matmul,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
}


def leaf(array):
    return np.array(array, dtype=float)


def numpy(x):
    return x


def vjp(f, *xs):
    pullback, y = make_vjp(lambda xs: f(*xs), traced_tuple(xs))
    return y, pullback
