"""Influence: what the model would predict, had it never seen one training point.

Without point i the weights that minimize the mean loss move, to first order, by H^-1 g_i / n, where
H is the second derivative of the mean loss and g_i the gradient of the loss of that point. So the
loss at a test point changes by g_test . H^-1 g_i / n. H is never there: conjugate gradients solve
H s = g_test by products with H, each the gradient of v . grad L. One solution serves all points.

Observe: what is predicted agrees with training anew without each point.
Source: Koh and Liang: Understanding Black-box Predictions via Influence Functions (2017).
"""

import numpy as np

import dezero.functions as F
from dezero import Variable

POINTS, RIDGE = 60, 0.01
rng = np.random.default_rng(0)
x = np.concatenate([rng.normal(size=(POINTS, 4)), np.ones((POINTS, 1))], axis=1)
sign = np.where(x @ [1.0, -2.0, 0.5, 0.0, 0.3] + rng.normal(size=POINTS) > 0, 1.0, -1.0)
test_x, test_sign = np.array([[0.5, 0.2, -0.3, 1.0, 1.0]]), np.array([1.0])


def losses(w, x, sign):
    """Of logistic regression, for each point: log(1 + e^(-sign x.w)), and the ridge."""
    return F.log(1 + F.exp(-(F.matmul(x, w) * sign))) + RIDGE * F.sum(w * w)


def gradient(y, w, create_graph=False):
    w.cleargrad()
    y.backward(create_graph=create_graph)
    g = w.grad
    w.cleargrad()
    return g


def hessian_products(w, x, sign):
    slope = gradient(F.sum(losses(w, x, sign)) / len(x), w, create_graph=True)
    return lambda v: gradient(F.sum(slope * v), w).data


def conjugate_gradients(product, g):
    s, r, p = np.zeros_like(g), g.copy(), g.copy()
    while np.linalg.norm(r) > 1e-10:
        hp = product(p)
        alpha = (r @ r) / (p @ hp)
        s, rest = s + alpha * p, r - alpha * hp
        r, p = rest, rest + (rest @ rest) / (r @ r) * p
    return s


def trained(x, sign):
    """The minimum, by Newton's method without the matrix."""
    w = Variable(np.zeros(x.shape[1]))
    for _ in range(12):
        g = gradient(F.sum(losses(w, x, sign)) / len(x), w).data
        w.data = w.data - conjugate_gradients(hessian_products(w, x, sign), g)
    return w


w = trained(x, sign)
s = conjugate_gradients(
    hessian_products(w, x, sign), gradient(losses(w, test_x, test_sign), w).data
)
before = losses(w, test_x, test_sign).data.item()
predicted, retrained = [], []
for i in range(POINTS):
    g = gradient(losses(w, x[i : i + 1], sign[i : i + 1]), w).data
    predicted.append(g @ s / POINTS)
    without = np.arange(POINTS) != i
    after = losses(trained(x[without], sign[without]), test_x, test_sign).data.item()
    retrained.append(after - before)
print(f"correlation with training anew: {np.corrcoef(predicted, retrained)[0, 1]:.4f}")
largest = int(np.argmax(np.abs(predicted)))
print(
    f"point {largest}: predicted {predicted[largest]:+.4f}, trained anew {retrained[largest]:+.4f}"
)
