"""Newton's method on y = x**4 - 2*x**2, with both derivatives from backward passes.

Observe: from 2 it takes seven steps to the minimum at 1. Each step goes to the lowest point of the
parabola that has the value, the slope and the curvature of f where it stands; the picture shows
the parabolas of the first three.
"""

import matplotlib.pyplot as plt
import numpy as np

from dezero import Variable
from dezero_shared.plots import arguments, finish


def f(x):
    return x**4 - 2 * x**2


args = arguments(__doc__).parse_args()

x = Variable(np.array(2.0))
iters = 10
steps = []

for i in range(iters):
    print(i, x)

    y = f(x)
    x.cleargrad()
    y.backward(create_graph=True)

    gx = x.grad
    x.cleargrad()
    gx.backward()
    gx2 = x.grad

    steps.append([float(v.data) for v in (x, y, gx, gx2)])
    x.data -= gx.data / gx2.data

figure, axes = plt.subplots()
axes.set_title("Newton's method: from 2 to the minimum at 1")
axes.set_xlabel("x")
axes.set_ylabel("y")
xs = np.linspace(0.5, 2.1, 200)
axes.plot(xs, f(xs), color="black", label="$y = x^4 - 2x^2$")
for i, (x0, y0, slope, curvature) in enumerate(steps[:3]):
    parabola = y0 + slope * (xs - x0) + curvature * (xs - x0) ** 2 / 2
    axes.plot(xs, parabola, "--", linewidth=1.5, color=f"C{i}", label=f"parabola at step {i}")
axes.plot([x0 for x0, *_ in steps], [y0 for _, y0, *_ in steps], "o", color="red", label="steps")
for i, offset in enumerate([(-14, 2), (-14, 2), (-3, -16), (-3, -16)]):
    axes.annotate(str(i), steps[i][:2], xytext=offset, textcoords="offset points")
axes.set_ylim(-2, 9)
axes.legend()
finish(figure, args.out)
