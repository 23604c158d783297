"""The random programs and actions: what they find in broken engines, and how a run is repeated."""

import json
import re

import pytest

from dezero_harness.suite import properties  # before pytester's snapshot of modules

pytest_plugins = ["pytester"]

CORE = "dezero/core.py"
PARTIALS = "test_partial_derivatives_to_the_third_order"
ACTIONS = "test_any_sequence_of_actions"


@pytest.fixture
def check(conform):
    """Runs some properties on a stage folder, always with the same seed."""

    def run(folder, name, *options):
        suite = f"{properties.__file__}::{name}"
        return conform(folder, "-q", "--tb=short", "--seed=36", suite, *options)

    return run


@pytest.mark.parametrize("number", [31, 36])
def test_a_copy_as_it_is_is_green(copied, check, number):
    check(copied(number), "test_gradients_of_arrays").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("(-f.generation, len(seen), f)", "(len(seen), f)", PARTIALS),  # as they come
        ("gx0 = gy * x1 if", "gx0 = gy * x1.data if", PARTIALS),
        ("grads.get if retain_grad else grads.pop", "grads.pop", ACTIONS),
        ("self.seed is None else self.seed}", "self._grad is None else self._grad}", ACTIONS),
    ],
    ids=["order of the walk", "detached", "retain", "stale seed"],
)
def test_a_broken_engine_is_found(copied, check, old, new, name):
    check(copied(36, CORE, old, new), name).assert_outcomes(failed=1)


def test_a_failure_is_repeated_by_its_seed(copied, check):
    broken = copied(33, CORE, "return gy, -gy", "return gy, gy")
    shown = [str(check(broken, PARTIALS, "-v").stdout) for _ in range(2)]
    drawn = [re.findall(r"Draw .*", output) for output in shown]
    assert drawn[0] == drawn[1] != []
    assert "seed: 36" in shown[0]


def test_seeds_that_once_failed_run_first(copied, check, monkeypatch, tmp_path):
    past = [
        {"property": PARTIALS, "seed": 7, "because": "of the test"},
        {"property": ACTIONS, "seed": 8, "because": "of another"},
    ]
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps(past), "utf-8")
    monkeypatch.setattr(properties, "PAST", file)
    result = check(copied(31), PARTIALS, "-v", "-v")
    result.assert_outcomes(passed=2)
    assert re.findall(r"::test_\w+\[(\w+)\]", str(result.stdout)) == ["past7", "now"]


def test_the_kept_seeds_name_properties_that_exist():
    for row in json.loads(properties.PAST.read_text("utf-8")):
        assert hasattr(properties, row["property"])
        assert isinstance(row["seed"], int)
        assert row["because"]


def test_without_a_stage_the_message_says_what_to_add(pytester):
    plugin = ["-p", "dezero_harness.plugin", "-p", "no:cacheprovider"]
    result = pytester.runpytest_inprocess(*plugin, properties.__file__)
    assert "which stage? Add a folder, as in --stage stages/step33" in str(result.stdout)
