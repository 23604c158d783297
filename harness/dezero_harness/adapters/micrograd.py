"""micrograd: numbers, no arrays, and first derivatives. It has no function that a case asks for."""

from micrograd.engine import Value

ENGINE, TESTED = "micrograd", "0.1.0"
CAPABILITIES = ()

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "pow": lambda x, c: x**c,
}


def leaf(array):
    return Value(float(array))


def numpy(x):
    return x.data


def grad(y, leaves, seed, create_graph):
    y.backward()  # it starts from 1 and adds up, in all Values that y was made from
    gradients, stack = [Value(leaf.grad * seed.data) for leaf in leaves], [y]
    while stack:  # so that the next pass starts from nothing
        value = stack.pop()
        value.grad = 0.0
        stack.extend(value._prev)
    return gradients
