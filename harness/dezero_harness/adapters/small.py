"""A whole engine in one small file, over NumPy: what an implementer in any language has to write.

`replay.js`, beside the export, is the same in JavaScript. A tensor knows its numbers, and for each
tensor it was made from how a gradient goes there: by operations, so that a gradient has a graph.
"""

from collections.abc import Callable

import numpy as np

ENGINE, TESTED = "", ""


class Tensor:
    def __init__(self, numbers, ways=()):
        self.numbers, self.ways = np.asarray(numbers, dtype=float), ways

    @property
    def shape(self):
        return self.numbers.shape


def tensor(x):
    return x if isinstance(x, Tensor) else Tensor(x)


def add(a, b):
    a, b = tensor(a), tensor(b)
    ways = ((a, lambda g: sum_to(g, a.shape)), (b, lambda g: sum_to(g, b.shape)))
    return Tensor(a.numbers + b.numbers, ways)


def mul(a, b):
    a, b = tensor(a), tensor(b)
    ways = (
        (a, lambda g: sum_to(mul(g, b), a.shape)),
        (b, lambda g: sum_to(mul(g, a), b.shape)),
    )
    return Tensor(a.numbers * b.numbers, ways)


def div(a, b):
    a, b = tensor(a), tensor(b)
    y = Tensor(a.numbers / b.numbers)
    y.ways = (
        (a, lambda g: sum_to(div(g, b), a.shape)),
        (b, lambda g: sum_to(mul(div(neg(g), b), y), b.shape)),
    )
    return y


def neg(x):
    return mul(x, -1.0)


def power(x, c):
    def slope():  # 0 for c = 0, also at 0, where x ** -1 is infinite
        return mul(c, power(x, c - 1)) if c else mul(0.0, x)

    return Tensor(x.numbers**c, ((x, lambda g: mul(g, slope())),))


def function(f, slope) -> Callable:
    """f of numbers; slope(x, y) is f' by operations."""

    def apply(x):
        y = Tensor(f(x.numbers))
        y.ways = ((x, lambda g: mul(g, slope(x, y))),)
        return y

    return apply


sin = function(np.sin, lambda x, y: OPERATIONS["cos"](x))
cos = function(np.cos, lambda x, y: neg(sin(x)))
tanh = function(np.tanh, lambda x, y: add(1.0, neg(mul(y, y))))
exp = function(np.exp, lambda x, y: y)
log = function(np.log, lambda x, y: div(1.0, x))


def total(x, axis, keepdims):
    kept = x.numbers.sum(axis, keepdims=True).shape
    ways = ((x, lambda g: broadcast_to(reshape(g, kept), x.shape)),)
    return Tensor(x.numbers.sum(axis, keepdims=keepdims), ways)


def broadcast_to(x, shape):
    return Tensor(np.broadcast_to(x.numbers, shape), ((x, lambda g: sum_to(g, x.shape)),))


def sum_to(x, shape):
    lead = len(x.shape) - len(shape)
    axes = (*range(lead), *(lead + i for i, n in enumerate(shape) if n != x.shape[lead + i]))
    return reshape(total(x, axes, False), shape) if axes else x


def reshape(x, shape):
    return Tensor(x.numbers.reshape(shape), ((x, lambda g: reshape(g, x.shape)),))


def transpose(x, axes):
    ways = ((x, lambda g: transpose(g, tuple(np.argsort(axes)))),)
    return Tensor(x.numbers.transpose(axes), ways)


def matmul(a, b):
    """Of matrices and stacks of them; a vector is a row on the left, a column on the right."""
    shape = np.matmul(a.numbers, b.numbers).shape
    a2 = a if len(a.shape) > 1 else reshape(a, (1, *a.shape))
    b2 = b if len(b.shape) > 1 else reshape(b, (*b.shape, 1))

    def flipped(x):
        n = len(x.shape)
        return transpose(x, (*range(n - 2), n - 1, n - 2))

    ways = (
        (a2, lambda g: sum_to(matmul(g, flipped(b2)), a2.shape)),
        (b2, lambda g: sum_to(matmul(flipped(a2), g), b2.shape)),
    )
    return reshape(Tensor(np.matmul(a2.numbers, b2.numbers), ways), shape)


OPERATIONS: dict = {
    "add": add,
    "sub": lambda a, b: add(a, neg(tensor(b))),
    "mul": mul,
    "div": div,
    "neg": neg,
    "pow": power,
    "sum": total,
    "reshape": reshape,
    "transpose": transpose,
    "broadcast_to": broadcast_to,
    "matmul": matmul,
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "exp": exp,
    "log": log,
}
leaf = Tensor


def numpy(x):
    return x.numbers


def grad(y, leaves, seed, create_graph):
    order, seen, stack = [], set(), [(y, False)]
    while stack:  # each tensor after those that it was made from
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((one, False) for one, _ in node.ways)
    gradients = {id(y): seed}
    for node in reversed(order):
        for one, way in node.ways if id(node) in gradients else ():
            g = way(gradients[id(node)])
            gradients[id(one)] = add(gradients[id(one)], g) if id(one) in gradients else g
    found = [gradients.get(id(leaf)) for leaf in leaves]
    return [g if g is None or create_graph else Tensor(g.numbers) for g in found]
