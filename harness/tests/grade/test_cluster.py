"""Grading on a Dask cluster: the same grades as here, also where a machine is lost half-way."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from dezero_harness.grading import grade
from dezero_harness.grading.judges import run_submission

from .conftest import package
from .test_grade import WRONG_COS

pytestmark = pytest.mark.cluster
RIGHT, START = package(34), package(33)


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and two workers of one thread each, in processes of their own."""
    file = tmp_path / "scheduler.json"
    running = []

    def start(*arguments):
        command = [sys.executable, "-m", *map(str, arguments), "--host", "127.0.0.1"]
        with open(tmp_path / f"{len(running)}.log", "w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=tmp_path)
        running.append(process)
        return process

    start("distributed.cli.dask_scheduler", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    options = ["--scheduler-file", file, "--nthreads", 1, "--no-dashboard", "--no-nanny"]
    workers = [start("distributed.cli.dask_worker", *options) for _ in range(2)]
    until = time.monotonic() + 60
    while not (file.exists() and file.read_text().endswith("}")):  # it is made, then written
        assert time.monotonic() < until
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"], workers
    for process in running:
        process.kill()
        process.wait()


def test_one_of_two_machines_is_killed_half_way_and_nothing_is_lost(classroom, cluster, short):
    address, workers = cluster
    for n in range(8):
        classroom.hand_in(
            f"s{n}", [RIGHT, START, WRONG_COS, {"dezero/__init__.py": "1 / 0"}][n % 4]
        )
    (classroom.submissions / "notes.txt").write_text("sorry")
    classroom.grade("--seed", "ours")
    here = (classroom.out / "grades.csv").read_bytes()
    results = {file.name: file.read_bytes() for file in classroom.out.glob("results/*")}

    classroom.out = classroom.out.with_name("elsewhere")
    killed = []
    keep = grade.Results.keep

    def keep_and_kill(self, entry, submission, flags, result):
        keep(self, entry, submission, flags, result)
        if submission and len(list(self.folder.iterdir())) == 4 and not killed:
            killed.append(busy(workers))
            os.kill(killed[0].pid, signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade.Results, "keep", keep_and_kill)
        status, _ = classroom.grade("--scheduler", address, "--seed", "ours")
    assert status == 0
    assert killed[0].wait(10) == -signal.SIGKILL
    assert (classroom.out / "grades.csv").read_bytes() == here
    assert {f.name: f.read_bytes() for f in classroom.out.glob("results/*")} == results


def busy(workers):
    """A worker in the middle of a submission: it has a sandbox running."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for worker in workers:
            inside = psutil.Process(worker.pid).children(recursive=True)
            if any("bwrap" in one.name() for one in inside):
                return worker
        time.sleep(0.02)
    raise AssertionError("no worker is busy")


def test_a_machine_with_another_harness_refuses(short):
    plan = grade.plan_of(grade._parser().parse_args(["x", "--stage=34"]))
    with pytest.raises(RuntimeError, match="another version of the harness"):
        run_submission(plan, {}, "another")


def test_a_scheduler_that_does_not_answer_is_told(classroom, monkeypatch):
    monkeypatch.setattr(grade, "_CONNECT", 1)
    classroom.hand_in("anna", RIGHT)
    status, said = classroom.grade("--scheduler", "127.0.0.1:9")
    assert status == 2
    assert "--scheduler 127.0.0.1:9 does not answer" in said
