"""The second derivative of y = x**4 - 2*x**2 at 2, by two backward passes: 44.

Observe: without x.cleargrad() in between, the second pass adds to the gradient of the first, and
prints 24 + 44 = 68.
"""

import numpy as np

from dezero import Variable


def f(x):
    return x**4 - 2 * x**2


print("without cleargrad")
x = Variable(np.array(2.0))
y = f(x)
y.backward(create_graph=True)
print(x.grad)

gx = x.grad
gx.backward()
print(x.grad)

print("with cleargrad")
x = Variable(np.array(2.0))
y = f(x)
y.backward(create_graph=True)
print(x.grad)

gx = x.grad
x.cleargrad()
gx.backward()
print(x.grad)
