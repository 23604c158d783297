"""Gradients on their way through a function, and to the Variables they are for.

The Variables here are the smallest that this takes; on the stages' own the cases speak.
"""

import gc
import weakref

import numpy as np
import pytest

from dezero_shared import checked, gradients
from dezero_shared.arrays import Array
from dezero_shared.modes import no_grad, using_config


class Variable:
    def __init__(self, data, requires_grad=True, creator=None):
        self._data = self.data = data
        self.requires_grad, self.creator = requires_grad, creator
        self.generation, self.seed = 0, None
        self.given = checked.now()

    shape = property(lambda self: self._data.shape)
    dtype = property(lambda self: self._data.dtype)

    def backward(self):
        """Remade finds the class of Variables by it."""


class Parameter(Variable):
    pass


class Function:
    elementwise = False

    def __init__(self, inputs, outputs):
        self.inputs, self.generation, self.called = inputs, 3, checked.now()
        for y in outputs:
            y.creator, y.generation, y.given = self, 4, None
        self.outputs = [weakref.ref(y) for y in outputs]
        self.output_data = tuple(y._data for y in outputs)


class Elementwise(Function):
    elementwise = True


def result(data, creator=None):
    y = Variable(data, creator=creator)
    y.given = None
    return y


def of_two(a=None, b=None, kind=Variable):
    x = kind(np.ones(2))
    a, b = a or Variable(np.ones(2)), b or Variable(np.ones((), "float32"))
    return Function([x], [a, b]), a, b


# --- of_outputs ---


def test_the_gradient_of_one_output_is_taken():
    y = Variable(np.ones(2))
    f, gy = Function([Variable(np.ones(2))], [y]), np.ones(2)
    grads = {y: gy}
    assert gradients.of_outputs(f, grads.pop) == (gy,)
    assert grads == {}


@pytest.mark.parametrize(("kind", "type_"), [(Function, np.ndarray), (Elementwise, np.float64)])
def test_a_number_is_an_array_to_a_function_of_arrays(kind, type_):
    y = Variable(np.ones(()))
    (gy,) = gradients.of_outputs(kind([], [y]), {y: np.float64(2.0)}.get)
    assert (type(gy), gy) == (type_, 2.0)


def test_an_unused_output_has_zeros_of_its_shape_and_dtype():
    f, a, b = of_two()
    ga = np.ones(2)
    gys = gradients.of_outputs(f, {a: ga}.get)
    assert gys[0] is ga
    assert (gys[1].shape, gys[1].dtype, gys[1]) == ((), np.float32, 0.0)
    gys = gradients.of_outputs(f, {b: np.ones((), "float32")}.get)
    assert (gys[0].shape, gys[0].dtype) == ((2,), np.float64)
    assert not gys[0].any()


def test_zeros_among_variables_are_constants():
    f, a, _ = of_two()
    ga = Variable(np.ones(2))
    gys = gradients.of_outputs(f, {a: ga}.get)
    assert gys[0] is ga
    assert type(gys[1]) is Variable
    assert not gys[1].requires_grad


# --- Remade ---


@pytest.mark.parametrize("kind", [Variable, Parameter])
def test_an_output_that_is_gone_is_made_anew_for_who_asks(kind):
    f, a, b = of_two(kind=kind)
    data = b._data
    del b
    gradients.of_outputs(f, {a: np.ones(2)}.get)
    again = f.outputs[1]()
    assert type(again) is Variable
    assert again._data is data
    assert (again.creator, again.generation, again.given) == (f, 4, None)
    assert f.outputs[1]() is again
    assert f.outputs[0]() is a


def test_the_gradient_of_an_output_made_anew_is_taken_from_it():
    f, a, b = of_two()
    del b
    gradients.of_outputs(f, {a: np.ones(2)}.get)
    again, gb = f.outputs[1](), np.full((), 5.0, "float32")
    assert gradients.of_outputs(f, {a: np.ones(2), again: gb}.get)[1] is gb


def test_what_was_made_anew_is_freed_without_the_collector():
    enabled = gc.isenabled()
    gc.disable()
    try:
        f, a, b = of_two()
        del b
        gradients.of_outputs(f, {a: np.ones(2)}.get)
        again = f.outputs[1]()
        assert f.outputs[1].living() is again
        refs = [weakref.ref(v) for v in (f, a, again)]
        del again
        assert refs[2]() is None
        assert f.outputs[1].living() is None
        del f, a
        assert [ref() for ref in refs] == [None] * 3
    finally:
        if enabled:
            gc.enable()


# --- of_inputs ---


def given_to(gxs, inputs, kind=Array, sum_to=None, function=Function):
    f = function(inputs, [Variable(np.ones(2))])
    return list(gradients.of_inputs(f, gxs, kind, sum_to))


def test_each_input_gets_its_gradient_and_constants_and_none_get_none():
    x, c, w, v = [Variable(np.ones(2)) for _ in range(4)]
    c.requires_grad = False
    gx, gv = np.full(2, 2.0), np.full(2, 3.0)
    assert given_to((gx, gx, None, gv), [x, c, w, v]) == [(x, gx), (v, gv)]
    assert given_to([gx, gx, None, gv], [x, c, w, v]) == [(x, gx), (v, gv)]
    assert given_to(gx, [x]) == [(x, gx)]


@pytest.mark.parametrize(
    ("gxs", "error", "said"),
    [
        ((), TypeError, "returned: nothing"),
        ((np.ones(2), np.ones(2)), TypeError, r"returned: ndarray \(2,\)"),
        ((2.0,), TypeError, "returned: float 2.0"),
        ((Variable(np.ones(2)),), TypeError, "returned: Variable"),
        ((np.ones(3),), ValueError, "sum_to, which the stage step36 brings"),
    ],
)
def test_a_wrong_answer_of_a_backward_is_an_error_that_names_it(gxs, error, said):
    with pytest.raises(error, match=rf"Function\.backward must return.*{said}"):
        given_to(gxs, [Variable(np.ones(2))])


def test_the_gradient_of_a_smaller_operand_is_summed_for_functions_number_by_number():
    x, asked = Variable(np.ones(())), []

    def sum_to(gx, shape):
        asked.append((gx, shape))
        return gx.sum()

    gx = np.ones(2)
    assert given_to(gx, [x], sum_to=sum_to, function=Elementwise) == [(x, 2.0)]
    assert asked == [(gx, ())]
    for function, summing in [(Elementwise, None), (Function, sum_to)]:
        with pytest.raises(ValueError, match="step36"):
            given_to(gx, [x], sum_to=summing, function=function)


def test_data_that_was_given_after_the_call_is_an_error():
    x, w = Variable(np.ones(2)), Variable(np.ones(2))
    f = Function([x, w], [Variable(np.ones(2))])
    w.given = checked.now()
    with pytest.raises(RuntimeError, match="the data of an input of Function"):
        list(gradients.of_inputs(f, (None, None), Array))
    w.given = None  # of a result
    assert list(gradients.of_inputs(f, (None, None), Array)) == []


# --- unshared ---


class Copies:
    """As the stages' cast does, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, gx, dtype):
        self.asked.append(gx)
        data = gx._data if isinstance(gx, Variable) else gx
        return result(data.astype(dtype)) if isinstance(gx, Variable) else data.astype(dtype)


@pytest.fixture
def walk():
    """A root whose function was called now, and a way to say what was made after that."""
    x = Variable(np.ones(2))
    root = result(np.ones(2))
    f = Function([x], [root])
    root.keep = f
    return x, root


def made(data, recorded=False):
    y = result(data)
    if recorded:
        y.keep = Function([], [y])
    return y


def own(root, grads, recorded=False):
    copies = Copies()
    mode = using_config("enable_backprop", True) if recorded else no_grad()
    with mode:
        found = gradients.unshared(grads, root, copies)
    return found, copies.asked


@pytest.mark.parametrize("recorded", [False, True])
def test_what_the_walk_has_made_is_handed_out_as_it_is(walk, recorded):
    x, root = walk
    gx = made(np.ones(2), recorded)
    gx.requires_grad = False
    assert own(root, {x: gx}, recorded) == ({x: gx}, [])
    assert gx.requires_grad


@pytest.mark.parametrize("recorded", [False, True])
def test_a_second_variable_gets_a_copy(walk, recorded):
    x, root = walk
    w, gx = Variable(np.ones(2)), made(np.ones(2), recorded)
    found, copied = own(root, {x: gx, w: gx}, recorded)
    assert copied == [gx]
    assert found[x] is gx
    assert found[w] is not gx


@pytest.mark.parametrize(
    "data", [np.ones(2, "float32"), np.ones((1, 2))[0], np.broadcast_to(np.ones(()), (2,))]
)
@pytest.mark.parametrize("recorded", [False, True])
def test_another_dtype_and_a_view_are_copied(walk, data, recorded):
    x, root = walk
    gx = made(data, recorded)
    found, copied = own(root, {x: gx}, recorded)
    assert copied == [gx]
    assert found[x]._data.dtype == x.dtype


def test_what_was_there_before_the_walk_is_copied(walk):
    x, root = walk
    before = Variable(np.ones(2))
    earlier = result(np.ones(2))
    old = Function([before], [earlier])
    old.called = root.creator.called - 1
    for recorded in (False, True):
        assert own(root, {x: before}, recorded)[1] == [before]
        assert own(root, {x: earlier}, recorded)[1] == [earlier]
    constant = result(np.ones(2))  # where others have a graph, it may be an operand in theirs
    assert own(root, {x: constant}, recorded=True)[1] == [constant]


@pytest.mark.parametrize("recorded", [False, True])
def test_the_seed_is_copied_and_a_leaf_has_no_creator_to_ask(recorded):
    leaf, seed = Variable(np.ones(2)), made(np.ones(2), recorded)
    leaf.seed = seed
    found, copied = own(leaf, {leaf: seed}, recorded)
    assert copied == [seed]
    assert found[leaf] is not seed


def test_an_array_is_copied_for_who_else_holds_it_is_unknown(walk):
    x, root = walk
    gx = np.ones(2)
    found, _ = own(root, {x: gx})
    assert found[x] is not gx
    found, _ = own(root, {Variable(np.ones(())): np.float64(2.0)})
    assert [type(gx) for gx in found.values()] == [np.ndarray]


def test_data_without_a_derivative_is_an_error(walk):
    _, root = walk
    with pytest.raises(TypeError, match="only real floating-point data"):
        own(root, {Variable(np.arange(2)): made(np.ones(2))})
