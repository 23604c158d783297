"""The Hessian of f times a vector v, without the Hessian: Hv is the gradient of v . grad f.

Observe: one more backward pass gives Hv for any v. The full Hessian, one row by each pass, agrees,
and takes as many passes as there are variables.
"""

import numpy as np

import dezero.functions as F
from dezero import Variable


def f(x):
    return F.sum(x**2)


def rosenbrock(x):
    x0, x1 = F.sum(x * np.array([1.0, 0.0])), F.sum(x * np.array([0.0, 1.0]))
    return 100 * (x1 - x0**2) ** 2 + (x0 - 1) ** 2


def hessian_times(v, f, x):
    x.cleargrad()
    y = f(x)
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()

    z = F.matmul(v, gx)
    z.backward()
    return x.grad


x = Variable(np.array([1.0, 2.0]))
v = np.array([4.0, 5.0])
print(hessian_times(v, f, x))

x = Variable(np.array([-1.2, 1.0]))
hessian = np.stack([hessian_times(row, rosenbrock, x).data for row in np.eye(2)])
print("the Hessian of Rosenbrock's function at (-1.2, 1):")
print(hessian)
for v in np.array([[1.0, 2.0], [3.0, -1.0]]):
    product = hessian_times(v, rosenbrock, x).data
    print(f"v = {v}: Hv = {product}, from the full Hessian {hessian @ v}")
