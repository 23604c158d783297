"""Pictures of the graph, and checks of derivatives; the same in every stage."""

from dezero import Variable
from dezero_shared.dot import get_dot_graph, plot_dot_graph
from dezero_shared.numerical import array_allclose, array_equal, gradient_check_for, numerical_grad

gradient_check = gradient_check_for(Variable)
