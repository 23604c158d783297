"""The largest eigenvalue of a network's Hessian, by power iteration: the matrix is never there.

v <- Hv / |Hv| turns towards the eigenvector whose eigenvalue has the largest absolute value, and
Hv is the gradient of v . grad L. The network is small, so that NumPy can have the whole matrix as
well, one column for each unit vector.

Observe: the two agree to ten digits.
"""

import numpy as np

import dezero.functions as F
from dezero import Variable

rng = np.random.default_rng(0)
x = rng.normal(size=(50, 3))
y = np.sin(x.sum(axis=1, keepdims=True))
theta = [Variable(rng.normal(0, 0.7, shape)) for shape in ((3, 6), (1, 6), (6, 1))]
ends = np.cumsum([p.size for p in theta])


def gradient(z, create_graph=False):
    z.backward(create_graph=create_graph)
    gradients = [p.grad for p in theta]
    for p in theta:
        p.cleargrad()
    return gradients


w, b, u = theta
loss = F.sum((F.matmul(F.tanh(F.matmul(x, w) + b), u) - y) ** 2) / len(x)
slopes = gradient(loss, create_graph=True)


def hessian_times(v):
    parts = [part.reshape(p.shape) for part, p in zip(np.split(v, ends[:-1]), theta)]
    along = sum(F.sum(g * part) for g, part in zip(slopes, parts))
    return np.concatenate([g.data.reshape(-1) for g in gradient(along)])


v = rng.normal(size=ends[-1])
for products in range(1, 1000):  # noqa: B007  (told of below)
    v = v / np.linalg.norm(v)
    hv = hessian_times(v)
    value = v @ hv
    if np.linalg.norm(hv - value * v) < 1e-7 * abs(value):
        break
    v = hv
hessian = np.stack([hessian_times(column) for column in np.eye(ends[-1])], axis=1)
values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
exact = max(values, key=abs)
print(f"after {products} products: {value:.10f}")
print(f"NumPy, of the whole matrix of {ends[-1]} x {ends[-1]}: {exact:.10f}")
print(f"relative difference: {abs(value / exact - 1):.0e}")
