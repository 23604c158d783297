"""The least that an engine of this kind can do: what the bench calls bare.

As in the stages there are a Variable, a Function and a weak reference for each operation, and a
walk by generations that builds a graph. There is no check of anything, no error with a reason, no
name, no dtype, no gradient in memory of its own, no mode for each thread, and no array but NumPy's.
What a stage takes beyond this is the price of those.
"""

import weakref

import numpy as np

recording = True


class Variable:
    __slots__ = ("__weakref__", "constant", "creator", "data", "generation", "grad")

    def __init__(self, data, constant=False):
        self.data = data[()] if type(data) is np.ndarray else data
        self.constant = constant
        self.creator = self.grad = None
        self.generation = 0

    def cleargrad(self):
        self.grad = None

    def backward(self, create_graph=False):
        global recording
        recording, before = create_graph, recording
        grads = {self: Variable(np.ones_like(self.data), True)}
        waiting = [None] * self.creator.generation + [{self.creator: None}]
        while waiting:
            for f in waiting[-1] or ():
                for x, gx in zip(f.inputs, f.backward(grads.pop(f.output()))):
                    if x.constant:
                        continue
                    if x in grads:
                        grads[x] = grads[x] + gx
                    else:
                        grads[x] = gx
                        creator = x.creator
                        if creator is not None:
                            table = waiting[creator.generation]
                            if table is None:
                                waiting[creator.generation] = {creator: None}
                            else:
                                table[creator] = None
            waiting.pop()
        for x, gx in grads.items():
            x.grad = gx if x.grad is None else x.grad + gx
        recording = before

    def __add__(self, other):
        return Add()(self, other)

    def __mul__(self, other):
        return Mul()(self, other)

    def __sub__(self, other):
        return Sub()(self, other)

    def __rsub__(self, other):
        return Sub()(other, self)

    def __neg__(self):
        return Neg()(self)

    def __pow__(self, c):
        return Pow(c)(self)

    __radd__, __rmul__ = __add__, __mul__


class Function:
    def __call__(self, *inputs):
        variables, data, generation, constant = [], [], 0, True
        for x in inputs:
            if type(x) is not Variable:
                x = Variable(x, True)
            variables.append(x)
            data.append(x.data)
            if not x.constant:
                constant = False
                if x.generation > generation:
                    generation = x.generation
        y = Variable(self.forward(*data), constant)
        if recording and not constant:
            self.inputs, self.generation = variables, generation
            self.output = weakref.ref(y)
            y.creator, y.generation = self, generation + 1
        return y


class Add(Function):
    def forward(self, x0, x1):
        return x0 + x1

    def backward(self, gy):
        return gy, gy


class Mul(Function):
    def forward(self, x0, x1):
        return x0 * x1

    def backward(self, gy):
        x0, x1 = self.inputs
        gx0 = None if x0.constant else gy * x1
        if x0 is x1:
            return gx0, gx0
        return gx0, None if x1.constant else gy * x0


class Neg(Function):
    def forward(self, x):
        return -x

    def backward(self, gy):
        return (-gy,)


class Sub(Function):
    def forward(self, x0, x1):
        return x0 - x1

    def backward(self, gy):
        return gy, None if self.inputs[1].constant else -gy


class Pow(Function):
    def __init__(self, c):
        self.c = c

    def forward(self, x):
        return x**self.c

    def backward(self, gy):
        (x,) = self.inputs
        return (gy * (self.c * x ** (self.c - 1)),)


class Sin(Function):
    def forward(self, x):
        return np.sin(x)

    def backward(self, gy):
        return (gy * Cos()(*self.inputs),)


class Cos(Function):
    def forward(self, x):
        return np.cos(x)

    def backward(self, gy):
        return (gy * -Sin()(*self.inputs),)


class Tanh(Function):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, gy):
        y = self.output()
        return (gy * (1 - y * y),)
