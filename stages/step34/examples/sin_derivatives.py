"""The second, third and fourth derivative of sin at 1, each by one more backward pass.

Observe the cycle: cos came first, and is not printed; then -sin, -cos, sin.
"""

import numpy as np

import dezero.functions as F
from dezero import Variable

x = Variable(np.array(1.0))
y = F.sin(x)
y.backward(create_graph=True)

for _ in range(3):
    gx = x.grad
    x.cleargrad()
    gx.backward(create_graph=True)
    print(x.grad)
