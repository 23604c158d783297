"""The order of a backward pass."""

from types import SimpleNamespace

from dezero_shared.order import ByGeneration


class Function:
    def __init__(self, name, generation):
        self.name, self.generation = name, generation


def names(functions):
    return "".join(f.name for f in functions)


def test_from_the_latest_generation_to_the_earliest():
    functions = ByGeneration(Function("d", 5))
    for name, generation in [("b", 1), ("a", 0), ("c", 3)]:
        functions.add(Function(name, generation))
    assert names(functions) == "dcba"


def test_first_in_first_out_among_equals():
    functions = ByGeneration(Function("a", 5))
    for name in "bcdefgh":
        functions.add(Function(name, 5))
    assert names(functions) == "abcdefgh"


def test_each_once():
    f = Function("f", 0)
    functions = ByGeneration(f)
    functions.add(f)
    taken = []
    for function in functions:
        taken.append(function)
        functions.add(f)
    assert taken == [f]


def test_more_may_come_while_they_are_taken():
    functions = ByGeneration(Function("c", 2))
    functions.add(Function("a", 0))
    taken = []
    for f in functions:
        taken.append(f.name)
        if f.name == "c":
            functions.add(Function("b", 1))
    assert taken == ["c", "b", "a"]


def test_a_leaf_has_no_creator_to_add():
    assert list(ByGeneration(None)) == []


def test_functions_need_no_order_of_their_own():
    f, g = Function("f", 1), Function("g", 1)
    f.inputs = g.inputs = SimpleNamespace()
    functions = ByGeneration(f)
    functions.add(g)
    assert list(functions) == [f, g]
