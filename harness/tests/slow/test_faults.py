"""The planted faults themselves: each still applies, and what became of it is said."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dezero_harness import cases
from dezero_harness.mutation.detection import detect, unsound
from dezero_harness.mutation.fault import FRESH, Fault
from dezero_harness.mutation.faults import PARTS, noticed_before, table
from dezero_harness.mutation.planted import FAULTS

ROOT = Path(__file__).parents[3]
SUB = Fault("Sub's sign", "core.py", "gy, -gy if", "gy, gy if")


def test_there_are_enough_faults_with_names_of_their_own():
    assert len(FAULTS) >= 80
    assert not [name for name, n in Counter(fault.name for fault in FAULTS).items() if n > 1]


def test_every_fault_applies_where_it_says():
    assert [fault.name for fault in FAULTS if fault.misfit(ROOT)] == []


def test_wrong_derivatives_of_each_order_have_a_case_of_that_name():
    statements = {case.statement for case in cases.ALL}
    wrong = [fault for fault in FAULTS if fault.order]
    assert {fault.order for fault in wrong} == {1, 2, 3}
    for fault in wrong:
        assert f"derivative {fault.order} of {fault.of} is right" in statements


def test_a_fault_that_no_longer_applies_is_told_from_one_that_does():
    assert SUB.misfit(ROOT) == ""
    gone = Fault("gone", "core.py", "no such text", "")
    assert gone.misfit(ROOT) == "step31: 'no such text' is 0 times in core.py, not 1"
    assert Fault("twice", "core.py", "return x0", "").misfit(ROOT).startswith("step31: 'return x0'")
    assert Fault("no file", "functions.py", "gy * cos(x)", "").misfit(ROOT).startswith("step31:")


@pytest.fixture(scope="module")
def complete():
    """What every case says of a wrong sign."""
    return detect(SUB, 31, ROOT, 60.0, every=True)


def test_a_broken_engine_is_caught_by_a_named_case(complete):
    caught = detect(SUB, 31, ROOT, 60.0, every=False)
    assert caught.how == "case"
    assert caught.cases == complete.cases[:1]
    assert set(complete.cases) <= {case.statement for case in cases.ALL}


def test_a_hint_is_tried_first_and_is_only_a_hint(complete):
    first = [complete.cases[-1], "there is no such case"]
    assert detect(SUB, 36, ROOT, 60.0, every=False, first=first).cases == complete.cases[-1:]
    innocent = next(case.statement for case in cases.ALL if case.statement not in complete.cases)
    assert detect(SUB, 31, ROOT, 60.0, every=False, first=[innocent]).cases == complete.cases[:1]


def test_the_hints_are_what_an_earlier_report_names(tmp_path):
    report = tmp_path / "faults.json"
    assert noticed_before(report) == {}
    report.write_text("{}", "utf-8")
    assert noticed_before(report) == {}
    engines = [
        {"fault": "a", "how": "case", "cases": ["first", "second"]},
        {"fault": "a", "how": "hangs", "cases": ["it hangs here"]},
    ]
    report.write_text(json.dumps({"engines": engines}), "utf-8")
    assert noticed_before(report) == {"a": ["first"]}


def test_every_case_that_notices_is_counted_on_request(complete):
    assert len(complete.cases) > 3
    assert f"{complete.cases[0]} and {len(complete.cases) - 1} more" in "\n".join(
        table([SUB], [complete])
    )


def test_what_changes_nothing_survives():
    fault = Fault("no change", "core.py", "return x0 + x1", "return (x0 + x1)")
    assert detect(fault, 31, ROOT, 60.0, every=False).how == "survives"


def test_what_changes_the_shared_package_is_noticed_there():
    fault = Fault("numbers", "shared/checked.py", "return as_array(data)", "return data")
    assert detect(fault, 33, ROOT, 60.0, every=False).how == "case"


def test_an_engine_that_hangs_is_told_with_its_case():
    fault = Fault("endless", "core.py", "return x0 + x1", "while True: pass")
    caught = detect(fault, 33, ROOT, 1.0, every=False)
    assert (caught.how, caught.says) == ("hangs", "still in this case after 1 s")
    assert caught.cases[0] in {case.statement for case in cases.ALL}


def test_an_engine_that_cannot_be_imported_is_an_error_and_not_caught():
    caught = detect(Fault("syntax", "core.py", "return x0 + x1", "return ("), 33, ROOT, 60.0, False)
    assert caught.how == "error"
    assert "SyntaxError" in caught.says or "no valid Python" in caught.says


def test_a_wrong_derivative_of_a_lower_order_than_stated_is_an_error():
    fault = Fault("tanh", "functions.py", "(1 - y * y)", "(1 - y)", 35, order=2, of="tanh x")
    caught = detect(fault, 35, ROOT, 60.0, every=False)
    assert (caught.how, caught.says) == ("error", "derivative 1 of tanh x is red already")


def test_nothing_is_planted_where_a_case_is_red_without_it(tmp_path):
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=FRESH)
    with (tmp_path / "stages/step33/dezero/__init__.py").open("a", encoding="utf-8") as file:
        file.write("\nVariable.cleargrad = lambda self: None\n")
    report = tmp_path / "faults.json"
    command = [sys.executable, "-m", "dezero_harness.mutation.faults", f"--root={tmp_path}"]
    command += [f"--report={report}", "--stage", "33", "-k"]
    done = subprocess.run([*command, "cleargrad leaves"], capture_output=True, text=True)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith("No fault is planted yet, and this is red")
    assert "  step33: cleargrad leaves None, not zeros" in lines
    assert lines[-1] == "Make it green first: nox -s stage33"
    assert not report.exists()
    assert unsound([31], tmp_path, 1, 60.0) == []


def test_the_command_writes_a_report_and_fails_for_what_is_not_known(tmp_path):
    report = tmp_path / "faults.json"
    command = [sys.executable, "-m", "dezero_harness.mutation.faults", f"--root={ROOT}"]
    command += [f"--report={report}", "--stage", "33", "-k"]
    done = subprocess.run([*command, "cleargrad"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "2 faults, 2 broken engines: 2 case" in done.stdout
    engines = json.loads(report.read_text("utf-8"))["engines"]
    assert {engine["how"] for engine in engines} == {"case"}
    assert subprocess.run([*command, "no such fault"], capture_output=True).returncode == 2
