"""A pytest run on a small engine: what it prints, writes and returns."""

import json
import subprocess
import sys
import types

import pytest

import dezero_shared.gpu
from conftest import ROOT, a_case
from dezero_harness import plugin  # noqa: F401  (before pytester's snapshot of modules)
from dezero_harness.model.case import Raises
from dezero_harness.suite import conformance  # noqa: F401  (before pytester's snapshot of modules)

pytest_plugins = ["pytester"]

GREEN = a_case(spine="24 and 44")
REFUSED = a_case(
    statement="the engine has sin",
    program="from dezero.functions import sin\nsin(Variable(array(0.0)))",
    expect=0.0,
    needs=("functions",),
    chapter=34,
    group="F",
    spine="sin cycle",
)
RED = a_case(statement="twice 2 is 5", expect=5.0, source="a mistake")
CRASH = a_case(statement="failing fails", program="x = Variable(array(1.0))\nx.fail()", expect=1.0)


def test_the_header_says_what_is_tested(stage, conform):
    folder = stage()
    result = conform(folder, "--seed=7", catalogue=[GREEN])
    assert result.ret == pytest.ExitCode.OK
    lines = [f"stage: small, {folder}", "arrays: numpy * on cpu", "Python: 3.*", "seed: 7"]
    result.stdout.fnmatch_lines(lines)


def test_the_report_ends_with_the_spine_and_a_table_by_chapter(stage, conform):
    result = conform(stage(), catalogue=[GREEN, REFUSED, RED])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*= small on numpy =*",
            "24 and 44 * passed",
            "Newton * not run",
            "sin cycle * refused as predicted: the stage has no functions",
            "double backprop * not run",
            "",
            "chapter   passed   refused as predicted   unexpected",
            "     31        1                      0            1",
            "     34        0                      1            0",
            "    all        1                      1            1",
            "",
            "The report is in reports/small-numpy.json",
            "*1 failed, 1 passed, 1 refused as predicted in *",
        ],
        consecutive=True,
    )


def test_the_report_is_written_as_json(stage, conform, tmp_path):
    file = tmp_path / "new" / "report.json"
    conform(stage(), f"--report={file}", "--seed=7", catalogue=[GREEN, REFUSED, RED])
    report = json.loads(file.read_text("utf-8"))
    assert report["stage"] == "small"
    assert report["capabilities"] == []
    assert report["array"]["kind"] == "numpy"
    assert report["array"]["device"] == "cpu"
    assert report["seed"] == 7
    assert report["summary"] == {"passed": 1, "refused": 1, "unexpected": 1}
    assert report["chapters"]["34"] == {"passed": 0, "refused": 1, "unexpected": 0}
    assert report["spine"]["24 and 44"] == {"passed": 1, "refused": 0, "unexpected": 0}
    green, refused, red = report["results"]
    assert (green["id"], green["outcome"]) == ("twice-2-is-4", "passed")
    assert refused["outcome"] == "refused"
    assert refused["reason"] == "the stage has no functions"
    assert refused["got"] == "ModuleNotFoundError: No module named 'dezero.functions'"
    assert (red["expected"], red["got"]) == ("5.0", "4.0")
    assert "off by 1" in red["explanation"]
    assert all(result["seconds"] >= 0 for result in report["results"])


def test_a_failing_case_prints_all_that_is_needed_to_repeat_it(stage, conform):
    folder = stage()
    result = conform(folder, catalogue=[RED])
    result.stdout.fnmatch_lines(
        [
            "*_ twice 2 is 5 _*",
            "chapter 31, group A; in a Python shell:",
            "",
            "    import sys",
            f"    sys.path.insert(0, '{folder}')",
            "    import numpy as np",
            "    from dezero import Variable",
            '    def array(values, dtype="float64"):',
            "        return np.array(values, dtype=dtype)",
            "",
            "    x = Variable(array(2.0))",
            "    x.twice()",
            "",
            "expected  5.0",
            "source    a mistake",
            "got       4.0",
            "          off by 1 = 1.126e+15 ulps",
            "*short test summary info*",
        ],
        consecutive=True,
    )
    result.stdout.fnmatch_lines(["FAILED *::twice-2-is-5 - expected 5.0, got 4.0"])
    assert "runtest" not in result.stdout.str()


def test_an_exception_of_the_engine_is_shown_with_the_way_to_it(stage, conform):
    result = conform(stage(), catalogue=[CRASH])
    result.stdout.fnmatch_lines(
        [
            "expected  1.0",
            "source    2 * 2 = 4",
            "got       RuntimeError: the engine has failed",
            "          an exception in place of an answer",
            "",
            "    program, line 2: x.fail()",
            '    */small/dezero/__init__.py:10: raise RuntimeError("the engine has failed")',
        ],
        consecutive=True,
    )
    assert "runtest" not in result.stdout.str()


@pytest.mark.parametrize(
    ("case", "question", "answer"),
    [(RED, "x.data", "array(2.)"), (CRASH, "type(self).__name__", "'Variable'")],
    ids=["program", "engine"],
)
def test_the_debugger_opens_where_it_happened(stage, tmp_path, case, question, answer):
    script = (
        "import sys, pytest\n"
        "from dezero_harness import cases\n"
        "from dezero_harness.model.case import Case\n"
        f"cases.ALL[:] = [{case!r}]\n"
        f"sys.exit(pytest.main(['-p', 'dezero_harness.plugin', '--stage={stage()}', '--pdb']))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        input=f"p 'answer', {question}\nq\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert f"('answer', {answer})" in run.stdout


def test_what_a_stage_lacks_and_does_not_claim_to_have_is_green(stage, conform):
    result = conform(stage(), "-v", catalogue=[REFUSED])
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*::the-engine-has-sin REFUSED*"])
    assert "passed" not in result.stdout.lines[-1]


def test_a_stage_that_claims_what_it_lacks_is_red(stage, conform):
    result = conform(stage(capabilities=["functions"]), catalogue=[REFUSED])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*this one states that it has functions"])


def test_a_stage_that_has_what_it_does_not_state_is_red(stage, conform):
    folder = stage()
    (folder / "dezero" / "functions.py").write_text("def sin(x): return x\n", "utf-8")
    result = conform(folder, catalogue=[REFUSED])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*too early: the stage does not state functions*"])


def test_another_refusal_than_the_predicted_one_is_red(stage, conform):
    folder = stage()
    (folder / "dezero" / "functions.py").write_text("raise ImportError('not yet')\n", "utf-8")
    result = conform(folder, catalogue=[REFUSED])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["got       ImportError: not yet", "*another exception"])


def test_the_right_refusal_with_another_message_is_red(stage, conform):
    case = a_case(program="Variable(array(1.0)).fail()", expect=Raises("RuntimeError", "too early"))
    result = conform(stage(), catalogue=[case])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*with another message"])


def test_a_mistake_in_the_catalogue_ends_the_run(stage, conform):
    result = conform(stage(), catalogue=[GREEN, a_case(statement="???"), GREEN])
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["The catalogue has mistakes:", "*'???': a case without an id*", "*2 cases have the id*"]
    )
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("options", [[], ["--isolated"]], ids=["here", "isolated"])
def test_every_mistake_of_the_catalogue_is_named_before_anything_runs(
    stage, conform, pytester, options
):
    never = Raises("ZeroDivision", "by zero")
    catalogue = [
        *[GREEN, GREEN],
        a_case(statement="x" * 71),
        a_case(statement="it never fits", expect=never),
        a_case(statement="nobody asks", without={"tanh": 1.0}),
    ]
    result = conform(stage(), *options, catalogue=catalogue)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "The catalogue has mistakes:",
            f"  '{'x' * 71}': the statement has 71 characters, more than 70",
            "  'it never fits': no exception is called 'ZeroDivision': it never fits",
            "  'nobody asks': `without` answers for 'tanh', which the case does not need: so never",
            "  2 cases have the id 'twice-2-is-4'; a statement is unique",
        ],
        consecutive=True,
    )
    assert not (pytester.path / "reports").exists()


def test_cases_are_chosen_as_in_any_pytest_run(stage, conform):
    folder, catalogue = stage(), [GREEN, REFUSED, RED]
    conform(folder, "-k", "twice-2-is-4", catalogue=catalogue).assert_outcomes(
        passed=1, deselected=2
    )
    refused = {"refused": 1, "deselected": 2}
    assert conform(folder, "-k", "chapter34").parseoutcomes() == refused
    assert conform(folder, "-k", "group-F").parseoutcomes() == refused
    both = {"passed": 1, "refused": 1, "deselected": 1}
    assert conform(folder, "-k", "spine").parseoutcomes() == both
    conform(folder, "-x", catalogue=[RED, GREEN]).assert_outcomes(failed=1)
    suite = ROOT / "harness" / "dezero_harness" / "suite" / "conformance.py"
    conform(folder, suite).assert_outcomes(passed=1, failed=1)
    result = conform(folder, f"{suite}::twice-2-is-4")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 of 2 cases were run."])


def test_a_choice_of_nothing_is_told_and_is_no_success(stage, conform):
    result = conform(stage(), "-k", "nothing-like-it", catalogue=[GREEN])
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["No case was selected, so nothing was tested.*"])
    assert "The report is in" not in result.stdout.str()


def test_cases_are_listed_without_a_report(stage, conform, pytester):
    result = conform(stage(), "--collect-only", "-q", catalogue=[GREEN, RED])
    result.stdout.fnmatch_lines(["*::twice-2-is-4", "*::twice-2-is-5"])
    assert not (pytester.path / "reports").exists()


def test_the_same_seed_gives_the_same_random_numbers(stage, conform, pytester):
    case = a_case(program="import random\nrandom.random()", expect=-1.0)
    folder = stage()

    def got(seed):
        conform(folder, f"--seed={seed}", catalogue=[case])
        report = json.loads((pytester.path / "reports" / "small-numpy.json").read_text("utf-8"))
        return report["results"][0]["got"]

    assert got(1) == got(1) != got(2)


def test_cases_run_in_an_order_of_the_seed(stage, conform, pytester):
    catalogue = [a_case(statement=f"case {i}") for i in range(9)]
    folder = stage()

    def order(seed):
        conform(folder, "--shuffle", f"--seed={seed}", catalogue=catalogue)
        report = json.loads((pytester.path / "reports" / "small-numpy.json").read_text("utf-8"))
        return [result["id"] for result in report["results"]]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == [case.id for case in catalogue]


def test_data_lives_in_the_array_kind_of_the_session(stage, conform):
    program = "x = Variable(array([1.0, 2.0]))\n(x.twice(), kind(x.data), dtype_name(x.data))"
    case = a_case(program=program, expect=[[2.0, 4.0], "array", "float64"])
    where = a_case(statement="where the data is", program="str(array(0.0).device)", expect="?")
    result = conform(stage(), "--array=strict", catalogue=[case, where])
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["arrays: array_api_strict * on device1", "    import array_api_strict as xp", "*device1*"]
    )


def one_message(result, text):
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{text}*"])
    assert "Traceback" not in result.stderr.str() + result.stdout.str()
    assert len(result.stderr.str().strip().splitlines()) == 1


def test_a_stage_that_cannot_be_loaded_ends_in_one_message(stage, conform, tmp_path):
    one_message(conform(tmp_path / "step99"), "there is no such folder")
    one_message(conform(tmp_path), "there is no engine in this folder")
    one_message(conform(stage("def f(:\n", name="bad")), "__init__.py, line 1: invalid syntax")
    one_message(conform(stage("import no_such", name="worse")), "No module named 'no_such'")


def test_arrays_that_are_not_there_end_in_one_message(stage, conform, monkeypatch):
    folder = stage()
    monkeypatch.setattr(dezero_shared.gpu, "why_unusable", lambda: "there is no driver; get one")
    one_message(conform(folder, "--array=cupy"), "needs CuPy and an NVIDIA GPU: there is no driver")
    monkeypatch.setitem(sys.modules, "array_api_strict", None)
    one_message(conform(folder, "--array=strict"), "python -m pip install array-api-strict")
    monkeypatch.setitem(sys.modules, "jax", None)
    one_message(conform(folder, "--array=jax"), 'needs jax *python -m pip install "./shared?jax?"')
    monkeypatch.setitem(sys.modules, "dask", None)
    one_message(conform(folder, "--array=dask"), 'needs dask *pip install "./shared?dask?"')
    for name in ("dask", "dask.array"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "array_api_compat", None)
    one_message(conform(folder, "--array=dask"), 'needs array-api-compat *"./shared?dask?"')


def test_a_report_that_cannot_be_written_ends_in_one_message(stage, conform, tmp_path):
    one_message(conform(stage(), f"--report={tmp_path}"), "is a folder; name a file in it")
