"""What goes into a Variable and a function, and what comes out, checked."""

from types import SimpleNamespace

import numpy as np
import pytest

from dezero_shared import arrays, checked


def variable(data, creator=None, **more):
    return SimpleNamespace(
        _data=data, data=data, creator=creator, shape=np.shape(data), dtype=data.dtype, **more
    )


class Triple:
    outputs, elementwise = None, True

    def forward(self, x):
        self.given = x
        return x * 3.0


class TripleOfArrays(Triple):
    elementwise = False


class Answers(Triple):
    def __init__(self, answer):
        self.answer = answer

    def forward(self, x):
        return self.answer


def test_the_clock_goes_on_whenever_it_is_read():
    assert checked.now() < checked.now() < checked.now()


@pytest.mark.parametrize("slots", [{"given": 5, "name": "x"}, {"given": None, "name": "x"}])
def test_a_copy_keeps_no_time_of_this_process(slots):
    """In another process the clock starts anew, and its functions would all seem too old."""
    state = checked.state(variable(np.array(1.0)), (None, dict(slots)))
    assert state == (None, {"given": 0, "name": "x"})


def test_the_state_of_a_result_is_not_to_be_had():
    with pytest.raises(TypeError, match=r"made by Triple cannot be copied .* Variable\(y\.data"):
        checked.state(variable(np.array(1.0), Triple()), (None, {"given": None}))


def test_a_forward_gets_the_number_in_a_0d_array_if_it_computes_number_by_number():
    f, g = Triple(), TripleOfArrays()
    x = variable(np.array(2.0))
    assert checked.forward(f, [x]) == (6.0,)
    assert checked.forward(g, [x]) == (6.0,)
    assert type(f.given) is np.float64
    assert g.given is x.data


@pytest.mark.parametrize("data", [np.ones(1), np.ones((2, 3)), np.float64(2.0), 2.0])
def test_a_forward_gets_all_else_as_it_is(data):
    f = Triple()
    checked.forward(f, [SimpleNamespace(_data=data)])
    assert f.given is data


def test_a_call_is_noted_with_its_time_and_is_the_only_one():
    f, before = Triple(), checked.now()
    checked.forward(f, [variable(np.ones(2))])
    assert before < f.called < checked.now()
    assert f.outputs == ()
    with pytest.raises(RuntimeError, match=r"this Triple was called before.*Triple\(\.\.\.\)\(x\)"):
        checked.forward(f, [variable(np.ones(2))])


def test_a_call_that_failed_is_none():
    f = Triple()
    with pytest.raises(TypeError) as caught:
        checked.forward(f, [SimpleNamespace(_data=None, data=None)])
    assert f.outputs is None
    assert "in Triple.forward; inputs: " in caught.value.__notes__[0]
    assert "assign its .data first" in caught.value.__notes__[1]
    assert checked.forward(f, [variable(np.ones(1))])[0] == [3.0]


def test_what_forward_returns_is_arrays():
    x = [variable(np.ones(2))]
    (y,) = checked.forward(Answers(2.0), x)
    assert (type(y), y) == (np.ndarray, 2.0)
    f = Answers((2.0, np.float32(3.0), np.ones(2)))
    ys = checked.forward(f, x)
    assert [type(y) for y in ys] == [np.ndarray] * 3
    assert f.output_data is ys
    for wrong, said in [((), r"one output or more"), (None, "NoneType"), ([1.0], "list")]:
        with pytest.raises(TypeError, match=said):
            checked.forward(Answers(wrong), x)


@pytest.mark.parametrize(
    ("c", "number"),
    [
        (2, 2),
        (0.5, 0.5),
        (True, True),
        (np.float64(2.0), 2.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array(2.0), 2.0),
        (np.array(3), 3),
    ],
)
def test_a_number_is_an_exponent_and_a_0d_array_is_its_number(c, number):
    exponent = checked.exponent(c)
    assert exponent == number
    assert type(exponent) is type(number)


def test_an_array_is_an_exponent_as_it_is():
    c = np.array([1.0, 2.0])
    assert checked.exponent(c) is c


@pytest.mark.parametrize(
    "c",
    [
        None,
        "2",
        [1.0, 2.0],
        2j,
        np.complex64(2j),
        np.array([1j]),
        np.ones(2).view(np.ma.MaskedArray),
        variable(np.ones(2)),
    ],
    ids=lambda c: type(c).__name__,
)
def test_all_else_is_no_exponent(c):
    with pytest.raises(TypeError, match=r"x \*\* c needs a real number c, or an array of them"):
        checked.exponent(c)


def test_a_gradient_has_its_variables_shape_and_real_numbers():
    x = variable(np.ones(2))
    grad = np.zeros(2, "float32")
    assert checked.validate_grad(x, None, arrays.Array) is None
    assert checked.validate_grad(x, grad, arrays.Array) is grad
    for wrong, error, said in [
        (np.zeros(3), ValueError, r"None or an array of its shape, not ndarray \(3,\)"),
        (np.array([1j, 2j]), TypeError, r"real numbers.*complex128"),
        (variable(np.ones(2)), TypeError, "not SimpleNamespace"),
        ([1.0, 2.0], TypeError, "not list"),
    ]:
        with pytest.raises(error, match=said):
            checked.validate_grad(x, wrong, arrays.Array)


@pytest.mark.parametrize("flag", [None, 0, 1, np.True_, "yes", variable(np.ones(1))])
def test_a_flag_is_a_bool(flag):
    x = variable(np.ones(1))
    with pytest.raises(TypeError, match=r"retain_grad is True or False, .* y\.grad = seed"):
        checked.can_start(x, flag)
    with pytest.raises(TypeError, match=r"create_graph is True or False, .* y\.grad = seed"):
        checked.can_start(x, False, flag)
    checked.can_start(x, True, False)
