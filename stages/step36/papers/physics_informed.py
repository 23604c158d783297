"""A physics-informed network: u'' + u = 0, u(0) = 0, u'(0) = 1, whose solution is sin x.

The network is u(x) = x + x^2 N(x), which starts as it has to for whatever weights. Its loss is the
mean square of u'' + u at points of [0, 6]: two derivatives of the network by x stand in the loss,
and training differentiates those by the weights, which makes three. It is trained by Gauss-Newton
steps of Levenberg and Marquardt, for which one more walk gives each row of the Jacobian.

Observe: the error falls to some 1e-4 of the solution, which the network has never been shown.
Source: Raissi, Perdikaris, Karniadakis: Physics-informed neural networks (2019).
"""

import numpy as np

import dezero.functions as F
from dezero import Parameter, Variable

HIDDEN, POINTS, END = 20, 40, 6.0
rng = np.random.default_rng(0)
theta = [Parameter(rng.normal(size=shape)) for shape in ((1, HIDDEN), (1, HIDDEN), (HIDDEN, 1))]
points = np.linspace(0.0, END, POINTS)[:, None]


def solution(x):
    w, b, v = theta
    return x + x**2 * F.matmul(F.tanh(F.matmul(x / END, w) + b), v)


def slope(y, x):
    """dy/dx at each point, as a Variable: it can be differentiated again."""
    y.backward(create_graph=True)
    gx = x.grad
    for p in (x, *theta):
        p.cleargrad()
    return gx


def residuals():
    x = Variable(points)
    u = solution(x)
    return slope(slope(u, x), x) + u


def jacobian(y):
    """The derivative of each residual by all the weights: a row for each."""
    rows = []
    for one in np.eye(POINTS):
        F.sum(y * one[:, None]).backward()
        rows.append(np.concatenate([p.grad.data.reshape(-1) for p in theta]))
        for p in theta:
            p.cleargrad()
    return np.stack(rows)


def move(step):
    ends = np.cumsum([p.size for p in theta])[:-1]
    for p, change in zip(theta, np.split(step, ends)):
        p.data = p.data + change.reshape(p.shape)


damping, y = 1.0, residuals()
for _ in range(100):
    j, r = jacobian(y), y.data[:, 0]
    step = -np.linalg.solve(j.T @ j + damping * np.eye(j.shape[1]), j.T @ r)
    move(step)
    y = residuals()
    if (y.data**2).sum() < (r**2).sum():
        damping /= 3
    else:
        move(-step)
        damping, y = damping * 4, residuals()
error = np.abs(solution(Variable(points)).data - np.sin(points)).max()
print(f"mean square of u'' + u: {(y.data**2).mean():.1e}")
print(f"largest distance from sin x: {error:.1e}")
