"""Pictures of the graph; the same in every stage."""

from dezero_shared.dot import get_dot_graph, plot_dot_graph
