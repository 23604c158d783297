"""How the graph of the n-th derivative of tanh grows with n, and the time to compute it.

Observe: from the third on, each order takes 2.4 to 2.8 times the nodes of the one before, since
every product in the graph turns into a sum of two more. (A derivative of order 10 is better taken
by a power series.)
"""

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import dezero.functions as F
from dezero import Variable
from dezero_shared.dot import walk
from dezero_shared.plots import arguments, finish, progress

parser = arguments(__doc__)
parser.add_argument("order", nargs="?", type=int, default=8, help="the last order (default: 8)")
args = parser.parse_args()

orders = range(1, args.order + 1)
nodes, times = [], []
x = Variable(np.array(1.0))
y = F.tanh(x)


def differentiate():
    x.cleargrad()
    y.backward(create_graph=True)


for _ in progress(orders, "orders"):
    times.append(min(repeat(differentiate, number=1)))
    y = x.grad
    nodes.append(len(walk(y)))

print("order  nodes      ms")
for n, count, seconds in zip(orders, nodes, times, strict=True):
    print(f"{n:5} {count:6} {1000 * seconds:7.2f}")

figure, (left, right) = plt.subplots(ncols=2, figsize=(9, 4))
figure.suptitle("The n-th derivative of tanh")
left.semilogy(orders, nodes, "o-", label="nodes in its graph")
left.set_ylabel("nodes")
right.semilogy(orders, times, "o-", color="C1", label="time of its backward pass")
right.set_ylabel("seconds")
for axes in (left, right):
    axes.set_xlabel("order n")
    axes.set_xticks(orders)
    axes.legend()
finish(figure, args.out)
