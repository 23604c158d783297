"""Chainer 7: a tape over NumPy, and derivatives of any order. It needs a NumPy of its time."""

import chainer
import chainer.functions as F

ENGINE, TESTED = "chainer", "7.8.1"

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "pow": lambda x, c: x**c,
    "sum": lambda x, axis, keepdims: F.sum(x, axis, keepdims),
    "reshape": F.reshape,
    "transpose": F.transpose,
    "broadcast_to": F.broadcast_to,
    "matmul": F.matmul,
    "sin": F.sin,
    "cos": F.cos,
    "tanh": F.tanh,
    "exp": F.exp,
    "log": F.log,
}

leaf = chainer.Variable


def numpy(x):
    return x.array


def grad(y, leaves, seed, create_graph):
    return chainer.grad([y], leaves, [seed], enable_double_backprop=create_graph)
