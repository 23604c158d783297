"""The gradient of sin is right, and nothing is behind it: an array has no creator.

Observe: y knows the function that made it. x.grad, which the backward pass computed from cos(x), is
a bare array. To differentiate it once more there would have to be a graph, and there is none.
The picture shows both: what the forward pass recorded, and, dashed, what went unrecorded.
"""

import numpy as np

from dezero import Function, Variable
from dezero.utils import get_dot_graph
from dezero_shared.plots import arguments, finish_graph


class Sin(Function):
    def forward(self, x):
        return np.sin(x)

    def backward(self, gy):
        x = self.inputs[0].data
        return gy * np.cos(x)  # arrays: nothing takes note of this product


def sin(x):
    return Sin()(x)


NOT_RECORDED = r"""
subgraph cluster_backward {
label="y.backward(): computed\nwith arrays, not recorded"
style=dashed
node [style=dashed]
edge [style=dashed]
"x again" [label="x"]
"cos" [shape=box]
"cos(x)" [label=""]
"*" [shape=box]
"x again" -> "cos" -> "cos(x)" -> "*"
"gy" -> "*" -> "gx"
}
"""

args = arguments(__doc__).parse_args()

x = Variable(np.array(1.0), name="x")
y = sin(x)
y.name = "y"
y.backward()

print("x.grad =", x.grad, "of type", type(x.grad).__name__)
print("cos(1) =", np.cos(1.0))
print("y has a creator:", hasattr(y, "creator"), type(y.creator).__name__)
print("x.grad has a creator:", hasattr(x.grad, "creator"))

recorded = get_dot_graph(y, verbose=False).replace("digraph g {", "subgraph cluster_forward {")
label = 'label="y = sin(x): recorded\\nby the forward pass"\n'
finish_graph(
    "digraph g {\n" + recorded.replace("}", label + "}") + NOT_RECORDED + "}\n",
    args.out,
)
