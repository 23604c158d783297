"""The matrix on small engines: the reports, and the summary in a README."""

import json
import os
import re

import pytest

from conftest import ENGINE, ROOT, a_case
from dezero_harness import cases
from dezero_harness.suite.matrix import ELSEWHERE, main

GREEN = a_case()
LATER = a_case(statement="the engine has flown", needs=("tanh",), without={"tanh": 4.0}, chapter=35)
README = "# Title\n\n<!-- matrix -->\n<!-- /matrix -->\n\nThe end.\n"


@pytest.fixture
def matrix(tmp_path, monkeypatch, capsys):
    """Runs the matrix on these folders; returns its status and what it printed."""
    monkeypatch.setattr(cases, "ALL", [GREEN, LATER])
    monkeypatch.chdir(tmp_path)
    for extra in ("jax", "dask", "torch"):  # so that it does not matter what is installed here
        monkeypatch.delitem(ELSEWHERE, extra)

    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr()

    return run


def test_the_reports_and_the_summary_are_written(matrix, stage, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(README, "utf-8")
    folders = [stage(), stage(name="other", capabilities=["functions", "tanh"])]
    status, said = matrix(*folders, "--write")
    assert status == 0
    assert "8/8" in said.err
    text = readme.read_text("utf-8")
    assert text.startswith("# Title\n\n<!-- matrix -->\nIn each cell: passed / refused as")
    assert text.endswith("<!-- /matrix -->\n\nThe end.\n")
    assert "| small | NumPy | 1 / 0 / 0 | 0 / 1 / 0 | 1 / 1 / 0 |" in text
    assert "| other | array-api-strict | 1 / 0 / 0 | 1 / 0 / 0 | 2 / 0 / 0 |" in text
    assert "CuPy: never run here, needs an NVIDIA GPU" in text

    report = json.loads((tmp_path / "reports" / "matrix.json").read_text("utf-8"))
    assert report["summary"] == {"passed": 6, "refused": 2, "unexpected": 0}
    assert len(report["results"]) == 8
    assert {"stage", "array", "id", "outcome", "reason"} <= set(report["results"][0])
    full = (tmp_path / "reports" / "matrix.md").read_text("utf-8")
    assert "| 35 | the engine has flown | refused | refused | passed | passed |" in full

    assert matrix(*folders)[0] == 0  # what was written is up to date
    readme.write_text(text.replace("1 / 1 / 0", "2 / 0 / 0"), "utf-8")
    status, said = matrix(*folders)
    assert status == 1
    assert "-| small | NumPy | 1 / 0 / 0 | 0 / 1 / 0 | 2 / 0 / 0 |" in said.out
    assert "is stale; refresh it with: nox -s matrix -- --write" in said.out


def test_what_is_unexpected_is_named_and_loses_no_other_result(matrix, stage, tmp_path):
    (tmp_path / "README.md").write_text(README, "utf-8")
    folders = [
        stage(),
        stage(ENGINE.replace("* 2", "* 3"), name="wrong"),
        stage("import os; os._exit(3)", name="exits"),
        stage("def f(:", name="unreadable"),
    ]
    status, said = matrix(*folders, "--write")
    assert status == 1
    assert "UNEXPECTED  wrong numpy twice-2-is-4: expected 4.0, got 6.0 (off by 2" in said.out
    assert "| small | NumPy | 1 / 0 / 0 | 0 / 1 / 0 | 1 / 1 / 0 |" in said.out
    for name in ("wrong", "exits", "unreadable"):
        assert f"| {name} | NumPy | 0 / 0 / 1 | 0 / 0 / 1 | 0 / 0 / 2 |" in said.out
    full = (tmp_path / "reports" / "matrix.md").read_text("utf-8")
    assert "## Unexpected: 12 of 16" in full
    assert "exit status 3" in full
    assert "line 1: invalid syntax" in full


RUN = """\
chapter   passed   refused as predicted   unexpected
     31        7                      0            0
    all        7                      0            0

The report is in reports/stage33-numpy.json
=== 7 passed in 5.32s ===
"""


def test_what_the_readme_shows_of_a_run_is_held_to_the_results(matrix, stage, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(RUN + README, "utf-8")
    folder = stage(name="step33")
    assert matrix(folder, "--write")[0] == 0
    text = readme.read_text("utf-8")
    assert "    all        1                      1            0\n\nThe report is in" in text
    assert "=== 1 passed, 1 refused as predicted in 5.32s ===\n# Title" in text
    assert matrix(folder)[0] == 0
    readme.write_text(text.replace("=== 1 passed, ", "=== 2 passed, "), "utf-8")
    status, said = matrix(folder)
    assert status == 1
    assert "+=== 1 passed, 1 refused as predicted in 5.32s ===" in said.out


def test_there_have_to_be_stages(matrix):
    with pytest.raises(SystemExit) as caught:
        matrix()
    assert caught.value.code == 2


def test_the_summary_is_the_same_on_any_number_of_workers(matrix, stage, tmp_path):
    folders = [stage(), stage(name="other")]
    runs = [matrix(*folders, "--jobs", jobs)[1].out for jobs in (1, 3, os.cpu_count())]
    assert len(set(runs)) == 1
    assert not re.search(r"\d\.\d", runs[0].partition("CuPy")[0])  # no version, no time


def test_a_stale_summary_fails_where_changes_are_tested():
    (workflow,) = (ROOT / ".github" / "workflows").glob("test.yml")
    sessions = re.findall(r"nox -s (.*)", workflow.read_text("utf-8"))
    assert "matrix" in " ".join(sessions).split()
