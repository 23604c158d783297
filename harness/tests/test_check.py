"""`python -m dezero_harness.check`: a function of mine, on a stage or behind an adapter."""

import subprocess
import sys

import pytest

from conftest import ROOT

MINE = """
import dezero
from dezero.functions import sin

def f(x, w):
    return sin(x) * w ** 2 / x

def number(x):
    return 3.0

class Wrong(dezero.Function if hasattr(dezero, "Function") else object):
    '''Cubes, and says that the derivative of x ** 3 is 3 x ** 2 + a quarter of x, to order 2.'''

    def forward(self, x):
        return x ** 3

    def backward(self, gy):
        (x,) = self.inputs
        x = getattr(x, "data", x)
        return gy * (3.0 * x ** 2)  # computes with arrays: the second derivative is lost

def lost(x):
    return Wrong()(x)
"""


@pytest.fixture
def check(tmp_path):
    (tmp_path / "mine.py").write_text(MINE, "utf-8")

    def run(*arguments):
        command = [sys.executable, "-m", "dezero_harness.check", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return run


STAGE = ["--stage", ROOT / "stages/step36"]


@pytest.mark.parametrize("engine", [STAGE, ["--engine", "small"]])
def test_a_right_function_is_right_to_order_3(check, engine):
    result = check("mine:f", *engine, "--order", 3, "--at", "[0.5, -1.25]", "--at", "[2.0, 3.0]")
    assert (result.returncode, result.stderr) == (0, "")
    assert "f is right: the derivatives of order 1 to 3, in each element" in result.stdout
    assert "argument 0: [0.5, -1.25]" in result.stdout


def test_what_is_wrong_is_told_with_order_element_expected_and_got(check):
    result = check("mine.py:lost", *STAGE, "--at", "[2.0, 3.0]")
    assert result.returncode == 1
    assert "lost is wrong: order 2, argument 0, element [0], at 2: expected " in result.stdout
    assert "got no gradient at all" in result.stdout


def test_a_wrong_rule_of_an_engine_is_found(check, tmp_path):
    text = (ROOT / "harness/dezero_harness/adapters/small.py").read_text("utf-8")
    file = tmp_path / "broken.py"
    file.write_text(text.replace("lambda x, y: neg(sin(x))", "lambda x, y: sin(x)"), "utf-8")
    result = check("mine:f", "--engine", file, "--order", 3)
    assert result.returncode == 1
    assert "f is wrong: order 2, argument 0, element [0]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine", *STAGE], "write the module and the function, as in my_module:f"),
        (["mine:g", *STAGE], "mine has no function g; it has sin, f, number, lost"),
        (["yours:f", *STAGE], "import yours: ModuleNotFoundError: No module named 'yours'"),
        (["yours.py:f", *STAGE], "yours.py: there is no such file"),
        (["mine:number", *STAGE], "f has to return a Variable, and returned a float: 3.0"),
        (["mine:f", *STAGE, "--order", 0], "--order 0: the first derivative is order 1"),
        (["mine:f", *STAGE, "--at", "[1.0]"], "f takes 2 arguments (x, w): --at for each"),
        (["mine:f", *STAGE, "--at", "x", "--at", "1"], "--at takes a number or a list of them"),
        (["mine:f", "--stage", "nowhere"], "--stage nowhere: there is no such folder"),
        (["mine:f", "--engine", "nobody"], "--engine nobody: the adapter cannot be imported"),
    ],
)
def test_bad_input_is_one_readable_message(check, arguments, said):
    result = check(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
