"""sin and its first three derivatives on [-7, 7], 200 points at a time.

Observe: each derivative is the curve before it, moved to the left by a quarter of a period.
"""

import matplotlib.pyplot as plt
import numpy as np

import dezero.functions as F
from dezero import Variable
from dezero_shared.plots import arguments, finish

args = arguments(__doc__).parse_args()

x = Variable(np.linspace(-7, 7, 200))
y = F.sin(x)
y.backward(create_graph=True)

logs = [y.data]
for _ in range(3):
    logs.append(x.grad.data)
    gx = x.grad
    x.cleargrad()
    gx.backward(create_graph=True)

figure, axes = plt.subplots()
axes.set_title("sin and its derivatives")
axes.set_xlabel("x")
axes.set_ylabel("value")
for values, label in zip(logs, ["y=sin(x)", "y'", "y''", "y'''"], strict=True):
    axes.plot(x.data, values, label=label)
axes.set_ylim(-1.35, 1.1)
axes.legend(loc="lower right", ncols=4)
finish(figure, args.out)
