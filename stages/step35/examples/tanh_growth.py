"""What the n-th derivative of tanh costs: by repeated backward passes, and by a Taylor series.

Observe: from the third on, each order takes 2.3 to 2.6 times the nodes of the one before, since
every product in the graph turns into a sum of two more, and the time follows. A series goes through
the same tanh, and computes all orders up to n at once: twice the order takes at most four times as
long.
"""

from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

import dezero.functions as F
from dezero import Variable
from dezero_shared.dot import walk
from dezero_shared.plots import arguments, finish, progress
from dezero_shared.series import derivatives

parser = arguments(__doc__)
parser.add_argument("order", nargs="?", type=int, default=8, help="the last order (default: 8)")
args = parser.parse_args()
if args.order < 1:
    parser.error("the order is 1 or more")

orders = range(1, args.order + 1)
x = Variable(np.array(1.0))
y = F.tanh(x)
by_graph, nodes, times = [], [], []


def differentiate():
    x.cleargrad()
    y.backward(create_graph=True)


for _ in progress(orders, "orders"):
    times.append(min(repeat(differentiate, number=1)))
    y = x.grad
    by_graph.append(float(y.data))
    nodes.append(len(walk(y)))
ms = 1e3 * np.cumsum(times)  # the n-th derivative takes all the passes up to it

further = range(1, max(args.order, 20) + 1)
by_series = derivatives(F.tanh, 1.0, further[-1])
series_ms = [
    1e3 * min(repeat(lambda n=n: derivatives(F.tanh, 1.0, n), number=5, repeat=20)) / 5
    for n in further
]

print("       backward passes    series")
print("order   nodes       ms        ms      derivative")
for n, count, graph_ms, one_ms in zip(orders, nodes, ms, series_ms):
    print(f"{n:5} {count:7} {graph_ms:8.3f}  {one_ms:8.3f} {by_series[n]:15.10g}")
if further[-1] > args.order:
    print(f"{further[-1]:5} {series_ms[-1]:26.3f} {by_series[-1]:15.10g}")
differences = np.abs(by_graph / by_series[1 : args.order + 1] - 1)
print(f"The two agree to {differences.max():.0e}.")

figure, (left, right) = plt.subplots(ncols=2, figsize=(9, 4))
figure.suptitle("The n-th derivative of tanh")
left.semilogy(orders, nodes, "o-", label="nodes in its graph")
left.set_ylabel("nodes")
left.set_xticks(orders)
right.semilogy(orders, ms, "o-", color="C1", label="repeated backward passes")
right.semilogy(further, series_ms, ".-", color="C2", label="a Taylor series")
right.set_ylabel("milliseconds for the orders up to n")
right.set_xticks(further[3::4])
for axes in (left, right):
    axes.set_xlabel("order n")
    axes.legend()
finish(figure, args.out)
