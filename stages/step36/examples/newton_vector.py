"""Newton's method for two variables on Rosenbrock's function, from (-1.2, 1) to the minimum (1, 1).

Observe: the Hessian comes row by row, from one backward pass for each component of the gradient.
A linear solve then gives the step. After six steps it is there to all digits: the second one leaps
over the side of the valley.
"""

import matplotlib.pyplot as plt
import numpy as np

from dezero import Variable
from dezero_shared.plots import arguments, finish


def f(x0, x1):
    return 100 * (x1 - x0**2) ** 2 + (x0 - 1) ** 2


def backward(y, xs, create_graph=False):
    """The gradient of y with respect to each of xs."""
    for x in xs:
        x.cleargrad()
    y.backward(create_graph=create_graph)
    return [x.grad for x in xs]


args = arguments(__doc__).parse_args()

xs = [Variable(np.array(-1.2)), Variable(np.array(1.0))]
path = []
for i in range(8):
    point = np.array([x.data for x in xs])
    path.append(point)
    print(i, point)

    gradient = backward(f(*xs), xs, create_graph=True)
    hessian = np.array([[g.data for g in backward(gx, xs)] for gx in gradient])
    step = np.linalg.solve(hessian, [gx.data for gx in gradient])
    for x, dx in zip(xs, step, strict=True):
        x.data = x.data - dx

figure, axes = plt.subplots()
axes.set_title("Newton's method on Rosenbrock's function")
axes.set_xlabel("$x_0$")
axes.set_ylabel("$x_1$")
grid = np.meshgrid(np.linspace(-1.8, 1.6, 300), np.linspace(-3.5, 2.2, 300))
axes.contour(*grid, f(*grid), levels=np.logspace(-1, 3.5, 12), colors="lightgrey", linewidths=1)
axes.plot(*np.transpose(path), "o-", color="red", label="steps")
for i, point in enumerate(path[:4]):
    axes.annotate(str(i), point, xytext=(-15, -4), textcoords="offset points")
axes.plot(1, 1, "*", color="gold", markersize=8, label="minimum", zorder=3)
axes.legend(loc="lower left")
finish(figure, args.out)
