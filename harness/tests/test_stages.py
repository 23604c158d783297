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
