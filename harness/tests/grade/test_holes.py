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
from dezero_harness.execution.runner import Observed
from dezero_harness.execution.sandbox import Bounds
from dezero_harness.grading import grade, scoring
from dezero_harness.grading.scoring import Scheme, grade_of, run_submission
from dezero_harness.model.case import Case, Raises

from .conftest import ROOT, hand_in
from .hostile import BREAKS_OUT
from .test_hostile import INIT, RIGHT, START, TABLE, filled, known, serve

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
        plan = grade.plan_of(grade._parser().parse_args(["submissions", "--stage=34"]))
        plan = dataclasses.replace(plan, own=plan.own[:3], earlier=(), **changes)
        init = code if engine is START else f"{filled(code, words)}\n{RIGHT[INIT]}"
        files = {name: text.encode() for name, text in (engine | {INIT: init}).items()}
        found = grade_of(plan, Scheme(), run_submission(plan, files))
        return found.points, found.reason

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
    ],
)
def test_with_wide_bounds_it_gets_what_it_wants(earned, name):
    assert earned(BREAKS_OUT[name], bounds=ROOMY) == (3, "")


def test_with_namespaces_of_its_own_it_mounts_memory(earned, monkeypatch):
    users = sandbox._own_users()
    monkeypatch.setattr(
        sandbox, "_own_users", lambda: [word for word in users if word != "--disable-userns"]
    )
    assert earned(BREAKS_OUT["mounts memory without bounds"]) == (3, "")


@pytest.mark.parametrize(
    "name", ["keeps memory in files of memory", "keeps memory in segments of System V"]
)
def test_with_all_system_calls_it_keeps_memory_that_nobody_counts(earned, monkeypatch, name):
    monkeypatch.setattr(sandbox, "system_calls", lambda: ())
    assert earned(BREAKS_OUT[name]) == (3, "")


def test_with_the_harness_in_sight_it_finds_it(earned, monkeypatch):
    around = sandbox.Sandbox._around
    harness = {Path("/libraries/harness"): ROOT / "harness"}
    monkeypatch.setattr(
        sandbox.Sandbox, "_around", lambda self, shown, calls: around(self, shown | harness, calls)
    )
    assert earned(BREAKS_OUT["looks for the harness in all that there is"]) == (3, "")


def test_a_message_that_would_be_searched_for_ever_is_not_read():
    """Each part of it stands where the pattern may go on or wait: years of tries in the judge."""
    pattern = r"Bad.*\(1, 3\).*\(2, 1\).*returned.*(\(2, 3\).*){3}"
    parts = ("(1, 3) ", "(2, 1) ", "returned ")
    message = "Bad " + "".join(part * 3000 for part in parts) + "(2, 3) " * 2
    case = Case(
        statement="x", program="0", expect=Raises("E", pattern), source="", chapter=31, group="A"
    )
    plan = grade.plan_of(grade._parser().parse_args(["submissions", "--stage=34"]))
    for observed in (Observed(error="E", message=message), Observed(value=message)):
        found = scoring._judged(plan, case, observed)
        assert found["status"] == "failed"
        assert "characters; more than 2000 are not read" in found["why"][0]


def test_without_spot_checks_a_table_of_answers_earns_all(earned):
    plan = grade.plan_of(grade._parser().parse_args(["submissions", "--stage=34"]))
    table = TABLE.format(answers={case.program: known(case) for case in plan.own[:3]})
    assert earned(table + START[INIT], engine=START, spot_checks=())[0] == 3
    assert earned(table + START[INIT], engine=START)[0] == 0
