"""The graph of the n-th derivative of tanh.

Observe how it grows: the first derivative takes 4 functions, the eighth about 1500. From order 6 on
a bitmap cannot be read any more: write an SVG, and enlarge it.
"""

import sys

import numpy as np

import dezero.functions as F
from dezero import Variable
from dezero.utils import get_dot_graph
from dezero_shared.plots import arguments, finish_graph

parser = arguments(__doc__)
parser.add_argument("order", nargs="?", type=int, default=2, help="of the derivative (default: 2)")
parser.add_argument("--dot", action="store_true", help="print the graph as DOT text, draw nothing")
args = parser.parse_args()
if args.order < 1:
    parser.error("the order is 1 or more")

x = Variable(np.array(1.0))
y = F.tanh(x)
x.name = "x"
y.name = "y"
y.backward(create_graph=True)

for i in range(1, args.order):
    gx = x.grad
    gx.name = f"gx{i}"
    x.cleargrad()
    gx.backward(create_graph=True)

gx = x.grad
gx.name = f"gx{args.order}"
dot = get_dot_graph(gx, verbose=False)
if args.dot:
    print(dot, end="")
    sys.exit()
print(f"{gx.name} = {gx}, from {dot.count('shape=box')} functions")
finish_graph(dot, args.out)
