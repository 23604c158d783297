"""The command for a machine with a GPU, up to the device: on a stand-in for CuPy, and refused."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import dezero_shared.gpu
from conftest import ROOT
from dezero_harness.execution.runner import import_engine
from dezero_harness.gpu import __main__ as command
from dezero_harness.gpu import jobs, report
from dezero_harness.prose.generated import between

HERE = Path(__file__).parent

#: What makes CuPy's stand-in CuPy, and the driver one that has a device, in any process.
CUPY = """
import sys, cupy_like
stand_in = cupy_like.module()
stand_in.__spec__ = __spec__
sys.modules["cupy"] = stand_in
"""
DRIVER = "import dezero_shared.driver as d\nd.why_no_device = lambda: None\n"


@pytest.fixture
def machine(tmp_path):
    """Runs the command where a stand-in is CuPy; returns the process, and where its reports are."""
    packages = tmp_path / "packages"
    (packages / "cupy").mkdir(parents=True)
    shutil.copy(HERE.parent / "cupy_like.py", packages)
    (packages / "cupy" / "__init__.py").write_text(CUPY)
    (packages / "sitecustomize.py").write_text(DRIVER)
    path = [packages, ROOT / "shared", ROOT / "harness"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    out = tmp_path / "out"

    def start(*arguments, arrays="cupy"):
        line = [sys.executable, "-m", "dezero_harness.gpu", f"--out={out}", f"--arrays={arrays}"]
        options = {"cwd": ROOT, "env": env, "text": True}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*line, *arguments], **options, **pipes), out

    return start


def seen_in(out):
    (file,) = out.glob("*.json")
    return json.loads(file.read_text("utf-8"))


def test_every_cell_and_row_is_run_on_what_passes_for_a_gpu(machine):
    process, out = machine("--stages=31,36", "--numbers=2000", arrays="cupy,jax,torch")
    said, errors = process.communicate(timeout=300)
    seen = seen_in(out)
    assert process.returncode == 0, said + errors
    assert seen["device"] == "no device: NumPy in disguise"
    cells = {(cell["stage"], cell["array"]): cell for cell in seen["cells"]}
    assert set(cells) == {("step31", "cupy"), ("step36", "cupy")}
    for cell in cells.values():
        assert sum(cell["counts"].values()) == cell["cases"] > 2000
        assert cell["unexpected"] == []
    assert cells["step36", "cupy"]["counts"]["refused"] == 0
    for row in seen["rows"]:
        engines = {"hand_cupy"} if row["job"] == "copy" else {"stage_cupy", "hand_cupy"}
        assert (set(row["times"]), row["failed"]) == (engines, {})
    assert [row["job"] for row in seen["rows"]] == [*jobs.JOBS]
    assert seen["bandwidth"] > 0
    assert seen["stopped"] == ""
    assert set(seen["absent"]) == {"jax", "torch"}
    page = (out / "no-device-numpy-in-disguise.md").read_text("utf-8")
    assert "| step36 | 2" in page
    assert "GB/s" in page


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_what_there_is_is_written_however_it_is_stopped(machine, by):
    process, out = machine("--stages=31,36", "--numbers=2000", "--jobs=1")
    until = time.monotonic() + 120
    while not (list(out.glob("*.json")) and seen_in(out)["cells"]):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(by)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (-signal.SIGKILL if by == signal.SIGKILL else 130), errors
    seen = seen_in(out)
    done = sum(sum(cell["counts"].values()) for cell in seen["cells"])
    assert 0 <= done < 2 * seen["cells"][0]["cases"]
    assert seen["rows"] == []
    assert "The run was " in seen["stopped"]
    # The case that it was in is not counted.
    assert [cell["unexpected"] for cell in seen["cells"]] == [[]] * len(seen["cells"])
    assert "What is missing below was not run" in report.page(seen)


def test_it_ends_in_time_and_says_what_was_left(machine):
    started = time.monotonic()
    process, out = machine("--stages=36", "--numbers=2000", "--minutes=0.3")
    process.communicate(timeout=60)
    assert time.monotonic() - started < 25
    seen = seen_in(out)
    assert seen["stopped"].startswith("The time was over before ")
    assert "not run" in report.page(seen)


def test_what_goes_wrong_in_one_row_is_told_and_loses_no_other(machine, tmp_path):
    broken = tmp_path / "packages" / "cupy_like.py"
    process, out = machine("--stages=31", "--numbers=2000", "--rows=sin,newton")
    old = "cupy.asarray ="
    text = broken.read_text()
    assert old in text
    broken.write_text(text.replace(old, "cupy.sin = _on_the_device(np.cos)\n    cupy.asarray ="))
    process.communicate(timeout=120)
    assert process.returncode == 1
    rows = {row["job"]: row for row in seen_in(out)["rows"]}
    assert rows["sin"]["failed"]["hand_cupy"].startswith("hand_cupy answers ")
    assert set(rows["newton"]["times"]) == {"stage_cupy", "hand_cupy"}
    assert "not timed [1]" in next(out.glob("*.md")).read_text("utf-8")


# What cannot be run is told at once


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(dezero_shared.gpu, "why_unusable", lambda: "there is no CUDA driver")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arrays=cupy"], "there is no GPU array here:\n--array cupy needs .* no CUDA driver"),
        (["--arrays=mlx"], "--arrays: there is no 'mlx'; there are cupy, torch, jax"),
        (["--stages=37"], "--stages: there is no '37'; there are 31, 32, 33, 34, 35, 36"),
        (["--rows=fourier"], "--rows: there is no 'fourier'; there are copy, newton"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    no_driver, monkeypatch, capsys, tmp_path, arguments, said
):
    monkeypatch.chdir(ROOT)
    out = tmp_path / "out"
    assert command.main([*arguments, f"--out={out}"]) == 2
    assert re.search(said, capsys.readouterr().err)
    assert not out.exists()


def test_outside_of_the_repository_it_says_where_to_start(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert command.main([]) == 2
    assert "start in the root of the repository" in capsys.readouterr().err


# The jobs: right by calculus, and no hungrier than they say


@pytest.fixture
def engine(monkeypatch):
    """The last stage, and none of it afterwards: other tests import engines of their own."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    import_engine(ROOT / "stages" / "step36")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", jobs.JOBS)
def test_by_hand_and_by_the_stage_on_numpy_it_is_what_calculus_says(engine, name):
    job = jobs.make(name, 1000)
    inputs = job.inputs()
    answers = [job.by_hand(np, *inputs)]
    if "stage_cupy" in job.engines:
        answers.append(job.stage(*inputs))
    for answer in answers:
        expected = job.expected()
        allowed = job.tolerance * np.max(np.abs(expected))
        np.testing.assert_allclose(job.sample(answer), expected, rtol=0, atol=allowed)


@pytest.mark.parametrize("name", jobs.JOBS)
def test_a_job_takes_no_more_memory_than_it_says(engine, name):
    job = jobs.make(name, 20_000)
    inputs = job.inputs()
    program = job.stage if "stage_cupy" in job.engines else lambda x: job.by_hand(np, x)
    program(*inputs)
    tracemalloc.start()
    try:
        program(*inputs)
        peak = tracemalloc.get_traced_memory()[1] + sum(x.nbytes for x in inputs)
    finally:
        tracemalloc.stop()
    assert job.each / 3 < peak / job.n < job.each


def test_a_row_has_as_many_numbers_as_fit():
    assert jobs.fitting(jobs.Sin, None, None) == 10**8
    assert jobs.fitting(jobs.Sin, None, 500) == 500
    assert jobs.fitting(jobs.Sin, jobs.Sin.each * 1000, None) == 800


# The README


def test_the_readme_tells_of_every_device_that_was_seen_or_of_none():
    text = (ROOT / "README.md").read_text("utf-8")
    assert between(text, "gpu") == report.block(ROOT / report.FOLDER)


def test_a_device_that_was_seen_is_in_the_readmes_part(tmp_path):
    assert "Never run on a GPU" in report.block(tmp_path)
    row = {"job": "sin", "title": "sin", "n": 10, "bytes": 160, "failed": {"stage_cupy": "why"}}
    seen = {
        "device": "A Card",
        "machine": "Linux",
        "date": "2000-01-01",
        "versions": ["cupy 14"],
        "absent": {"jax": "no reason"},
        "stopped": "",
        "cells": [
            {
                "stage": "step36",
                "array": "cupy",
                "cases": 5,
                "counts": {"passed": 3, "refused": 0, "unexpected": 1},
                "unexpected": [],
            }
        ],
        "rows": [{**row, "times": {"hand_cupy": 1e-9}}],
        "bandwidth": 320e9,
    }
    (tmp_path / "a-card.json").write_text(json.dumps(seen))
    text = report.block(tmp_path)
    assert "Never" not in text
    assert "A Card, Linux, 2000-01-01; cupy 14." in text
    assert "JAX: not run, no reason." in text
    assert "| step36 | 3 / 0 / 1, 1 not run |" in text
    assert "| sin | not timed [1] | 0.001 µs (50%) |" in text
    assert "[1] step36 on CuPy, sin: why." in text


@pytest.mark.parametrize(
    ("n", "text"), [(10**8, "10⁸"), (10**3, "10³"), (2000, "2,000"), (100, "100")]
)
def test_numbers_are_typeset(n, text):
    assert report.number(n) == text
