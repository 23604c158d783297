"""Engines behind adapters: `--engine`. The small engine of the adapters' folder is one of them."""

import ast
import sys
from pathlib import Path

import pytest

from conftest import ROOT, a_case
from dezero_harness import adapters, cases, plugin  # noqa: F401  (before pytester's snapshot)
from dezero_harness.adapters import bridge
from dezero_harness.suite import conformance, expected_failures  # noqa: F401

pytest_plugins = ["pytester"]

SQUARE = a_case(
    statement="the square has two derivatives",
    program="""
        x = Variable(array(3.0))
        y = x * x
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        y, gx, x.grad
    """,
    expect=[9.0, 6.0, 2.0],
    level="core",
)
SUM = a_case(
    statement="the sum hands its gradient back",
    program="""
        from dezero.functions import sum

        x = Variable(array([1.0, 2.0]))
        sum(x * x).backward()
        x.grad
    """,
    expect=[2.0, 4.0],
    level="core",
)
NAMED = a_case(statement="it has a name", program="Variable(array(2.0), 'x').name", level="dezero")

# The small engine again, as one that differentiates functions.
FUNCTIONAL = """
import importlib.util

spec = importlib.util.spec_from_file_location("small", {small!r})
small = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small)
leaf, numpy, OPERATIONS = small.leaf, small.numpy, small.OPERATIONS

def vjp(f, *xs):
    traced = [small.reshape(x, x.shape) for x in xs]  # of their own, as a tracer is
    y = f(*traced)

    def pullback(seed):
        found = small.grad(y, traced, seed, True)
        return [g if g is not None else small.mul(x, 0.0) for g, x in zip(found, traced)]

    return y, pullback
"""


@pytest.fixture
def adapter(tmp_path):
    """Makes a file of an adapter, of this text or of a shipped one with a text replaced in it."""

    def make(text="", name="small", old="", new=""):
        if not text:
            text = (ROOT / f"harness/dezero_harness/adapters/{name}.py").read_text("utf-8")
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "theirs.py"
        file.write_text(text, "utf-8")
        return file

    return make


@pytest.fixture
def conform_to(pytester, monkeypatch):
    """Runs these cases on an engine behind an adapter."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def run(engine, *options, catalogue=None):
        if catalogue is not None:
            monkeypatch.setattr(cases, "ALL", catalogue)
        harness = ["-p", "dezero_harness.plugin", "-p", "no:cacheprovider"]
        return pytester.runpytest_inprocess(*harness, f"--engine={engine}", *options)

    return run


def test_an_engine_behind_an_adapter_is_asked_the_mathematics(conform_to):
    result = conform_to("small", catalogue=[SQUARE, SUM, NAMED])
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["profile: core, all of the mathematics: 2 of 3 cases"])


def test_the_small_engine_is_right_in_all_of_the_mathematics(conform_to):
    core = [case for case in cases.ALL if case.level == "core"]
    conform_to("small").assert_outcomes(passed=len(core))


def test_an_engine_that_differentiates_functions_gives_the_same_verdicts(conform_to, adapter):
    small = str(adapters.find("small"))
    file = adapter(FUNCTIONAL.format(small=small))
    core = [case for case in cases.ALL if case.level == "core" and case.chapter in (31, 32, 36)]
    few = [*core[::12], SQUARE, SUM]
    conform_to(file, catalogue=few).assert_outcomes(passed=len(few))


def test_a_wrong_rule_is_red_and_can_be_repeated(conform_to, adapter):
    file = adapter(old='OPERATIONS["cos"](x)', new="sin(x)")
    slope = [case for case in cases.ALL if case.id == "derivative-1-of-sin-x-is-right"]
    result = conform_to(file, catalogue=[*slope, SQUARE])
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([f"    bridge.install(bridge.load('{file}'))", "expected  *"])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('    "sum": total,\n', "", "sum"),
        ("leaf = Tensor", "leaf = Tensor\nCAPABILITIES = {'create_graph'}", "arrays"),
    ],
)
def test_what_an_adapter_does_not_state_it_is_not_asked(conform_to, adapter, old, new, why):
    result = conform_to(adapter(old=old, new=new), "-v", catalogue=[SQUARE, SUM])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*::the-sum-hands-its-gradient-back NOT APPLICABLE*"], consecutive=False
    )
    result.stdout.fnmatch_lines([f"    1  not applicable: the adapter states no {why}"])


def test_without_create_graph_first_derivatives_are_asked(conform_to, adapter):
    new = "leaf = Tensor\nCAPABILITIES = {'arrays', 'broadcast'}"
    result = conform_to(adapter(old="leaf = Tensor", new=new), catalogue=[SQUARE, SUM])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*1  not applicable: the adapter states no create_graph"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("raise ImportError('no such engine')", "the adapter cannot be imported, ImportError"),
        ("import engine_of_nobody", "No module named 'engine_of_nobody'; this is "),
        ("x = 1", "the adapter has no leaf, numpy, OPERATIONS, grad (or vjp)"),
        ("leaf = numpy = OPERATIONS = grad = vjp = 1\nCAPABILITIES = ['fast']", "fast in CAPABILI"),
        ("def (", "SyntaxError"),
    ],
)
def test_an_adapter_that_is_none_is_told_in_one_line(conform_to, adapter, text, said):
    refused(conform_to(adapter(text), catalogue=[SQUARE]), said)


def refused(result, said):
    text = result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--profile=full"], "an engine behind an adapter, or a command, is asked the mathem"),
        (["--array=strict"], "an adapter makes its own tensors"),
        (["--stage=somewhere"], "give the one or the other"),
        (["--pdb"], "a debugger cannot enter the worker process"),
    ],
)
def test_what_makes_no_sense_with_an_adapter_is_told(conform_to, options, said):
    refused(conform_to("small", *options, catalogue=[SQUARE]), said)


def test_an_engine_that_there_is_not_is_told(conform_to):
    refused(conform_to("no_engine", catalogue=[SQUARE]), "No module named 'no_engine'")
    refused(conform_to("no/engine.py", catalogue=[SQUARE]), "there is no such file")


@pytest.mark.parametrize("name", adapters.SHIPPED)
def test_a_shipped_adapter_is_short_and_its_known_failures_are_cases(name):
    file = ROOT / f"harness/dezero_harness/adapters/{name}.py"
    if name != "small":  # which is an engine as well
        assert len(file.read_text("utf-8").splitlines()) <= 40
    if adapters.known(name).is_file():
        ids = {case.id: case.level for case in cases.ALL}
        known = expected_failures.by_case(adapters.known(name), ids)
        assert {ids[case] for case in known} == {"core"}
        assert all(defect.judgement and defect.program for defect in known.values())


def test_the_bridge_is_read_by_an_old_python():
    for file in [adapters.BRIDGE, *map(adapters.find, adapters.SHIPPED)]:
        ast.parse(Path(file).read_text("utf-8"), feature_version=(3, 8))


def test_a_gradient_that_is_a_constant_is_there_to_compute_with():
    bridge.install(bridge.load(adapters.find("small")))
    variable = sys.modules.pop("dezero").Variable
    del sys.modules["dezero.functions"]
    x = variable(3.0)
    (x + x).backward(create_graph=True)
    (x.grad * x).backward()
    assert float(x.grad.data) == 4.0
