"""Grading in containers: the second isolation, behind the same interface as the first."""

import dataclasses
import subprocess
import threading

import pytest

from dezero_harness.execution import containers
from dezero_harness.execution.isolated import Isolated, Limits
from dezero_harness.execution.runner import StageError
from dezero_harness.execution.sandbox import Bounds
from dezero_harness.grading import grade
from dezero_harness.grading.judging import judge_submission
from dezero_harness.grading.planning import make_plan
from dezero_harness.model.arrays import array_kind

from .conftest import ROOT
from .hostile import BREAKS_OUT
from .test_hostile import INIT, RIGHT, filled

STAGE = ROOT / "stages" / "step34"


@pytest.fixture(scope="module")
def engine():
    """The one that runs here; without one these tests fail, and say what is to be done."""
    if reason := containers.why_unusable():
        pytest.fail(reason)
    return containers.found()


@pytest.fixture
def passed(engine, tmp_path):
    """How many of three cases pass in a container, and why the others were not run."""

    def run(code="", **changes):
        plan = make_plan(ROOT, 34, "a seed of the containers")
        some = {"own": plan.own[:3], "earlier": (), "unseen": (), "twins": {}}
        plan = dataclasses.replace(plan, isolation="container", **some | changes)
        words = {"$ROOT": ROOT, "$SUBMISSIONS": tmp_path, "$GRADES": tmp_path, "$PORT": 1}
        words |= {"$DECOY": "a-decoy", "$BASE": "/nowhere", "$PREFIX": "/nowhere"}
        init = f"{filled(code, words)}\n{RIGHT[INIT]}"
        files = {name: text.encode() for name, text in (RIGHT | {INIT: init}).items()}
        found = judge_submission(plan, files)
        count = sum(one["status"] == "passed" for one in found["cases"].values())
        return count, found["stopped"]

    return run


def running(engine):
    command = [*engine.command, "ps", "--all", "--format", "{{.Names}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.container
def test_the_right_engine_passes_in_a_container(passed):
    assert passed() == (3, "")


@pytest.mark.container
@pytest.mark.parametrize(
    "name",
    [
        "forks without end",
        "eats memory",
        "keeps memory in files of memory",
        "keeps memory in segments of System V",
        "keeps memory in semaphores",
        "keeps memory in queues of messages",
        "talks to the machine that runs this one",
        "fills the disk",
        "mounts memory without bounds",
        "is root",
        "reads the stages",
        "reads the cases",
        "imports what is installed",
        "writes into itself",
        "asks a server",
        "ends other processes",
    ],
)
def test_who_breaks_out_finds_the_same_bounds(passed, engine, name):
    count, reason = passed(BREAKS_OUT[name], bounds=Bounds(memory=768, wall=120), restarts=2)
    assert count == 0, reason
    assert not [one for one in running(engine) if one.startswith("submission-")]


@pytest.mark.container
def test_what_hangs_in_a_container_is_ended_with_it(engine):
    limits = Limits(seconds=1.0, wall=5.0)
    launch = containers.Container().launch
    with Isolated(STAGE, array_kind("numpy"), limits, launch=launch) as isolated:
        isolated.start()
        assert isolated.observe("while True: pass\n0", "case").fault
        assert isolated.observe("1 + 1", "case").value == 2
    assert not [one for one in running(engine) if one.startswith("submission-")]
    assert threading.active_count() < 20


def test_where_there_is_no_engine_it_is_said_in_words(monkeypatch):
    for function in (containers.found, containers.why_unusable, containers._why_not):
        function.cache_clear()
    try:
        monkeypatch.setattr(containers.shutil, "which", lambda name: None)
        assert containers.why_unusable() == "neither Podman nor Docker is installed"
        with pytest.raises(StageError, match="neither Podman nor Docker is installed"):
            grade.isolation("container")
        monkeypatch.setattr(
            containers.shutil, "which", lambda name: "/bin/false" if name == "docker" else None
        )
        containers.found.cache_clear()
        containers.why_unusable.cache_clear()
        assert "an image is made by: printf 'FROM python:3." in containers.why_unusable()
    finally:
        for function in (containers.found, containers.why_unusable, containers._why_not):
            function.cache_clear()


def test_bubblewrap_is_taken_where_it_works_and_containers_where_it_does_not(monkeypatch):
    monkeypatch.setattr(grade, "why_no_container", lambda: "")
    assert grade.isolation("auto") == "bubblewrap"

    def refuses():
        raise StageError("bubblewrap is not installed")

    monkeypatch.setattr(grade, "refuse_without_sandbox", refuses)
    assert grade.isolation("auto") == "container"
    with pytest.raises(StageError, match="bubblewrap is not installed"):
        grade.isolation("bubblewrap")
    monkeypatch.setattr(grade, "why_no_container", lambda: "no container runs here")
    with pytest.raises(StageError, match=r"not installed.*no container runs here"):
        grade.isolation("auto")
