"""The exported cases on PyTorch: the verdicts of the run in its process, in all of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT
from dezero_harness.adapters import find
from dezero_harness.export.__main__ import main
from dezero_harness.suite.conformance import __file__ as suite

OUTCOMES = {
    "passed": "passed",
    "wrong": "unexpected",
    "error": "unexpected",
    "skipped": "not applicable",
}


def verdicts(tmp_path, file, engine):
    out = tmp_path / "verdicts.json"
    command = [sys.executable, "-m", "dezero_harness.export.replay", file, "--engine", engine]
    subprocess.run([*map(str, command), f"--report={out}"], capture_output=True, check=False)
    return {case: OUTCOMES[said[0]] for case, said in json.loads(out.read_text("utf-8")).items()}


def here(tmp_path, engine):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "dezero_harness.plugin", suite]
    more = [f"--engine={engine}", f"--report={report}", "--time-limit=120"]
    subprocess.run([*command, *more], capture_output=True, check=False, cwd=ROOT, env=os.environ)
    results = json.loads(report.read_text("utf-8"))["results"]
    return {one["id"]: one["outcome"] for one in results}


def compared(tmp_path, engine):
    assert main([f"--out={tmp_path}"]) == 0
    (file,) = tmp_path.glob("cases-*.json")
    there = verdicts(tmp_path, file, engine)
    assert len(there) > 750
    run = here(tmp_path, engine)
    assert there == {case: outcome for case, outcome in run.items() if case in there}
    return set(there.values())


def test_pytorch_has_the_verdicts_of_its_run(tmp_path):
    assert compared(tmp_path, "torch") == {"passed"}


def test_a_pytorch_with_a_wrong_sine_has_the_verdicts_of_its_run(tmp_path):
    text = Path(find("torch")).read_text("utf-8")
    text = text.replace('"sin": torch.sin', '"sin": torch.cos')
    (tmp_path / "wrong.py").write_text(text, "utf-8")
    assert compared(tmp_path, str(tmp_path / "wrong.py")) == {"passed", "unexpected"}
