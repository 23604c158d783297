"""Holes made on purpose: each cheat earns points where what stops it is taken away."""

import dataclasses
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dezero_harness.execution import sandbox
from dezero_harness.execution.sandbox import Bounds
from dezero_harness.grading.judging import judge_submission
from dezero_harness.grading.planning import make_plan

from .cheats import table
from .conftest import ROOT, hand_in
from .hostile import BREAKS_OUT
from .test_hostile import INIT, RIGHT, START, filled, serve

WITHOUT_A_SANDBOX = [
    "is root",
    "reads the stages",
    "reads the cases",
    "reads the passwords of the system",
    "reads what other processes were started with",
    "imports what is installed",
    "writes into another submission",
    "writes into the grades",
    "writes into itself",
    "asks a server",
    "ends other processes",
]
KERNEL_MEMORY = [
    "keeps memory in files of memory",
    "keeps memory in segments of System V",
    "keeps memory in semaphores",
    "keeps memory in queues of messages",
    "keeps memory in the buffers of sockets",
    "talks to the machine that runs this one",
    "makes pipes that hold much",
]
ROOMY = Bounds(memory=4096, address_space=8192, folder=256, processes=500, files=10**6)


@pytest.fixture
def earned(tmp_path, monkeypatch):
    """What a cheat earns; `unsafe` takes the sandbox away, and `bounds` widens it."""
    monkeypatch.chdir(ROOT)
    hand_in(tmp_path / "submissions" / "honest", RIGHT)
    (tmp_path / "grades" / "results").mkdir(parents=True)
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=[server], daemon=True).start()
    decoy = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "a-decoy-of-the-holes"],
        env={"KEY": "a-secret-of-the-class"},
    )
    words = {
        "$ROOT": ROOT,
        "$SUBMISSIONS": tmp_path / "submissions",
        "$GRADES": tmp_path / "grades",
        "$PORT": server.getsockname()[1],
        "$DECOY": "a-decoy-of-the-holes",
        "$BASE": sys.base_prefix,
        "$PREFIX": sys.prefix,
    }

    def run(code, *, engine=RIGHT, **changes):
        """How many of three cases pass, and why the others were not run."""
        plan = make_plan(ROOT, 34, "a seed of the holes")
        some = {"own": plan.own[:3], "earlier": (), "unseen": (), "twins": {}}
        plan = dataclasses.replace(plan, **some | changes)
        init = code if engine is START else f"{filled(code, words)}\n{RIGHT[INIT]}"
        files = {name: text.encode() for name, text in (engine | {INIT: init}).items()}
        found = judge_submission(plan, files)
        passed = sum(one["status"] == "passed" for one in found["cases"].values())
        return passed, found["stopped"]

    yield run
    decoy.kill()
    decoy.wait()
    server.close()


@pytest.mark.parametrize("name", WITHOUT_A_SANDBOX)
def test_without_a_sandbox_it_breaks_out(earned, name):
    points, _ = earned(BREAKS_OUT[name], unsafe=True)
    only_root = name == "is root" and os.geteuid() != 0  # who is not cannot become it anyway
    assert points == (0 if only_root else 3)


@pytest.mark.parametrize(
    "name",
    [
        "forks without end",
        "starts threads without end",
        "eats memory",
        "eats memory in many processes",
        "fills the disk",
        "makes empty files without end",
        "makes empty files behind a process that has ended",
    ],
)
def test_with_wide_bounds_it_gets_what_it_wants(earned, name):
    assert earned(BREAKS_OUT[name], bounds=ROOMY) == (3, "")


def test_with_namespaces_of_its_own_and_all_system_calls_it_mounts_memory(earned, monkeypatch):
    monkeypatch.setattr(sandbox, "filters", lambda: ())
    users = sandbox._own_users()
    monkeypatch.setattr(
        sandbox, "_own_users", lambda: [word for word in users if word != "--disable-userns"]
    )
    assert earned(BREAKS_OUT["mounts memory without bounds"]) == (3, "")


@pytest.mark.parametrize("name", KERNEL_MEMORY)
def test_with_all_system_calls_it_keeps_memory_that_nobody_counts(earned, monkeypatch, name):
    if "the machine that runs" in name and not vsock():
        pytest.xfail("this kernel has no AF_VSOCK, so there is nothing to refuse")
    monkeypatch.setattr(sandbox, "filters", lambda: ())
    assert earned(BREAKS_OUT[name]) == (3, "")


def vsock():
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def test_with_the_harness_in_sight_it_finds_it(earned, monkeypatch):
    around = sandbox.Sandbox._around
    harness = {Path("/libraries/harness"): ROOT / "harness"}
    monkeypatch.setattr(
        sandbox.Sandbox, "_around", lambda self, shown, calls: around(self, shown | harness, calls)
    )
    assert earned(BREAKS_OUT["looks for the harness in all that there is"]) == (3, "")


def test_without_what_is_unseen_a_table_of_answers_passes_all(earned):
    plan = make_plan(ROOT, 34, "a seed of the holes")
    assert earned(table(plan.own[:3]) + START[INIT], engine=START)[0] == 3
