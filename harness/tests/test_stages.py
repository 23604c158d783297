"""What holds of the stages as texts: small packages, and nothing written twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dezero_harness.diffs.budget import PACKAGE, engine_size

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted(ROOT.glob("stages/step*"))
NUMBERS = [int(stage.name.removeprefix("step")) for stage in STAGES]


def test_there_are_six_stages():
    assert NUMBERS == [31, 32, 33, 34, 35, 36]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_is_read_in_one_sitting(stage):
    files = sorted(stage.glob("dezero/*.py"))
    assert len([file for file in files if file.name != "__init__.py"]) <= 4
    assert engine_size(stage) <= PACKAGE


def test_two_chapters_only_use_the_engine():
    cores = {(ROOT / f"stages/step{n}/dezero/core.py").read_bytes() for n in (32, 33, 34)}
    assert len(cores) == 1


def test_step32_keeps_the_old_core_as_it_was():
    old, kept = (ROOT / f"stages/step{n}/dezero/core_simple.py" for n in (31, 32))
    assert old.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("number", NUMBERS[2:])
def test_the_old_core_and_the_switch_are_gone_from_step33_on(number):
    package = ROOT / f"stages/step{number}/dezero"
    assert not (package / "core_simple.py").exists()
    assert "is_simple_core" not in (package / "__init__.py").read_text("utf-8")


@pytest.mark.parametrize("name", ["utils.py", "cuda.py"])
def test_what_no_chapter_changes_is_the_same_everywhere(name):
    assert len({(stage / "dezero" / name).read_bytes() for stage in STAGES}) == 1


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_importing_a_stage_draws_nothing(stage):
    program = (
        "import sys, dezero, dezero.utils, dezero.cuda\n"
        "print(*{'matplotlib', 'graphviz', 'cupy', 'dezero_harness'}.intersection(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(stage), str(ROOT / "shared")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == ""


@pytest.mark.parametrize("start", [["-c"], ["-m", "IPython", "--colors=NoColor", "-c"]])
def test_a_gradient_that_is_none_says_why_where_the_error_is_shown(start, tmp_path):
    program = (
        "import numpy as np\n"
        "from dezero import Variable\n"
        "x, y = Variable(np.array(2.0)), Variable(np.array(3.0))\n"
        "(y * y).backward()\n"
        "print(x.grad.data)\n"
    )
    paths = [str(STAGES[-1]), str(ROOT / "shared")]
    run = subprocess.run(
        [sys.executable, *start, program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    last = (run.stdout + run.stderr).rstrip().splitlines()[-2:]
    assert last[0] == "AttributeError: 'NoneType' object has no attribute 'data'"
    assert "the last one did not reach x, the derivative by x is zero" in last[1]
