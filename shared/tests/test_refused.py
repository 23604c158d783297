"""What a Variable does not do, and the words that say what to write instead.

The cases say it of every stage; here is what is hard to say there.
"""

import subprocess
import sys

import numpy as np
import pytest

from dezero_shared.refused import Refusals


class Variable(Refusals):
    shape = (2,)

    def __init__(self, calls):
        self.calls = calls

    def __getattr__(self, name):  # the operators, which a stage gives to its Variable
        raise AttributeError(name)


def logs(name):
    def operate(self, *others):
        self.calls.append((name, *others))
        return name

    return operate


for name in ["add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "neg"]:
    setattr(Variable, f"__{name}__", logs(name))


@pytest.mark.parametrize(
    ("ufunc", "left", "right"),
    [
        (np.add, "add", "radd"),
        (np.subtract, "sub", "rsub"),
        (np.multiply, "mul", "rmul"),
        (np.divide, "truediv", "rtruediv"),
        (np.true_divide, "truediv", "rtruediv"),
    ],
)
def test_numpys_operator_is_that_of_the_variable(ufunc, left, right):
    x, y, a = Variable([]), Variable([]), np.ones(2)
    assert (ufunc(x, a), ufunc(a, x), ufunc(x, 2.0), ufunc(2.0, x)) == (left, right, left, right)
    assert [logged[0] for logged in x.calls] == [left, right, left, right]
    assert [type(logged[1]) for logged in x.calls] == [np.ndarray, np.ndarray, float, float]
    assert ufunc(x, y) == left
    assert y.calls == []
    assert a * x == "rmul"
    assert np.float64(2.0) - x == "rsub"


def test_numpys_functions_of_one_number():
    x = Variable([])
    assert np.negative(x) == "neg"
    assert np.power(x, 2) == "pow"
    with pytest.raises(TypeError, match=r"2.0 \*\* Variable is not defined; write exp"):
        np.power(2.0, x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.multiply(x, 2.0, dtype="float32"),
        lambda x: np.add(x, 2.0, where=np.array([True, False])),
        lambda x: np.add.reduce(x),
        lambda x: np.multiply.outer(np.ones(2), x),
        lambda x: np.maximum(x, 2.0),
        lambda x: np.concatenate([x, x]),
        lambda x: np.linalg.norm(x),
        lambda x: np.asarray(x),
        lambda x: np.array([x, x]),
        lambda x: np.ones((2, 2)).dot(x),
        lambda x: np.ones(2) == x,
    ],
)
def test_all_else_is_refused(call):
    x = Variable([])
    with pytest.raises(TypeError, match=r"would take a Variable apart.*write x\.data for its arr"):
        call(x)
    assert x.calls == []


def test_what_is_put_into_an_array_is_refused_in_other_words():
    a = np.ones(2)
    with pytest.raises(TypeError, match=r"numpy.subtract cannot put .* x\.grad\.data"):
        a -= Variable([])
    with pytest.raises(TypeError, match=r"numpy.add cannot put"):
        np.add(a, Variable([]), out=a)
    assert a.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("sum", r"dezero\.functions\.sum\(x\), from step36 on"),
        ("T", r"dezero\.functions\.transpose\(x\), from step36 on"),
        ("numpy", r"x\.data$"),
        ("item", r"x\.data\.item\(\)$"),
    ],
)
def test_what_other_engines_have_is_named_with_what_to_write(name, instead):
    class Plain(Refusals):
        pass

    with pytest.raises(AttributeError, match=rf"a Plain has no '{name}'; write {instead}"):
        getattr(Plain(), name)
    assert not hasattr(Plain(), name)


def shown(program):
    """What Python shows of the error that ends this program."""
    run = [sys.executable, "-c", f"import dezero_shared.refused\n{program}"]
    return subprocess.run(run, capture_output=True, text=True).stderr


@pytest.mark.parametrize("program", ["None.data", "2.0 * None", "len(None)", "None[0]"])
def test_where_none_ends_a_program_python_says_why_a_gradient_is_none(program):
    text = shown(program)
    assert "NoneType" in text
    assert text.endswith("the derivative by x is zero.\n")
    assert "x.grad is None until a backward() reaches x" in text


@pytest.mark.parametrize("program", ["(1).data", "1 / 0", "[] + 1", "raise SystemExit('no data')"])
def test_of_other_errors_nothing_more_is_said(program):
    assert "x.grad" not in shown(program)
