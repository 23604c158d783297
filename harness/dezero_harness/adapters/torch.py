"""PyTorch: a tape, and derivatives of any order."""

import torch

ENGINE, TESTED = "torch", "2.13.0"

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
    "broadcast_to": torch.broadcast_to,
    "matmul": torch.matmul,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "exp": torch.exp,
    "log": torch.log,
}


def leaf(array):
    return torch.tensor(array, requires_grad=True)


def numpy(t):
    return t.detach().numpy()


def grad(y, leaves, seed, create_graph):
    if not y.requires_grad:  # as the derivative of a linear function, which is a constant
        return [None for _ in leaves]
    options = {"create_graph": create_graph, "retain_graph": True, "allow_unused": True}
    return torch.autograd.grad(y, leaves, seed, **options)
