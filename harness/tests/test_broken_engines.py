"""The whole catalogue on copies of stages: green as they are, red when they are broken or lie."""

import json

import pytest

from dezero_harness import plugin  # noqa: F401  (before pytester's snapshot of modules)
from dezero_harness.suite import conformance  # noqa: F401  (before pytester's snapshot of modules)

pytest_plugins = ["pytester"]

CORE = "dezero/core.py"
SIMPLE = "dezero/core_simple.py"
FUNCTIONS = "dezero/functions.py"


@pytest.fixture
def unexpected(conform, pytester):
    """The results of a stage that are not as predicted."""

    def find(folder, *choice):
        result = conform(folder, "-q", "--tb=no", *choice)
        assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        report = json.loads(next(pytester.path.glob("reports/*.json")).read_text("utf-8"))
        results = [result for result in report["results"] if result["outcome"] == "unexpected"]
        assert result.ret == (pytest.ExitCode.TESTS_FAILED if results else pytest.ExitCode.OK)
        assert choice or len(report["results"]) == report["catalogue"]
        return results

    return find


def test_a_copy_as_it_is_is_green(copied, unexpected):
    assert unexpected(copied(34)) == []


@pytest.mark.parametrize(
    ("number", "file", "old", "new", "spine"),
    [
        (33, CORE, "gx0 = gy * x1", "gx0 = gy * x0", "24 and 44"),
        (33, CORE, "arrays.lowered(self.c) * self.c", "arrays.lowered(self.c)", "Newton"),
        (33, CORE, "grads[x] = grads[x] + gx", "grads[x] = gx", "24 and 44"),
        (33, CORE, '"enable_backprop", create_graph', '"enable_backprop", False', "24 and 44"),
        (34, FUNCTIONS, "gy * -sin(x)", "gy * sin(x)", "sin cycle"),
        (33, CORE, "return gy, -gy", "return gy, gy", "24 and 44"),
    ],
    ids=["mul", "pow", "overwriting", "no-graph", "cos", "sub"],
)
def test_a_broken_engine_is_red_in_a_case_of_the_spine(
    copied, unexpected, number, file, old, new, spine
):
    results = unexpected(copied(number, file, old, new), "-k", "spine")
    assert spine in {result["spine"] for result in results}


def test_a_broken_first_derivative_is_red_in_the_first_stage(copied, unexpected):
    results = unexpected(copied(31, SIMPLE, "return gy, -gy", "return gy, gy"))
    assert {result["chapter"] for result in results} == {31}


def test_a_stage_that_claims_a_capability_it_lacks_is_red(copied, unexpected):
    results = unexpected(
        copied(33, "pyproject.toml", '"create_graph", ', '"create_graph", "functions", '),
        "-k",
        "spine",
    )
    assert "sin cycle" in {result["spine"] for result in results}


def test_a_stage_that_has_a_capability_it_does_not_state_is_red(copied, unexpected):
    results = unexpected(copied(33, "pyproject.toml", '"create_graph", ', ""), "-k", "spine")
    early = [result for result in results if "too early" in result["reason"]]
    assert "24 and 44" in {result["spine"] for result in early}


def test_step32_with_its_switch_flipped_behaves_as_step31(copied, unexpected):
    flipped = copied(32, "dezero/__init__.py", "is_simple_core = False", "is_simple_core = True")
    stated = (copied(31) / "pyproject.toml").read_text("utf-8")
    (flipped / "pyproject.toml").write_text(stated, "utf-8")
    assert unexpected(flipped) == []
