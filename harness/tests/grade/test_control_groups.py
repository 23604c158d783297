"""Bounds of the kernel's own for all processes of a sandbox, where this machine lends them."""

import dataclasses
import subprocess

import pytest

from dezero_harness.execution import control_groups, sandbox
from dezero_harness.execution.sandbox import Bounds, Sandbox
from dezero_harness.grading.judging import judge_submission
from dezero_harness.grading.planning import make_plan
from dezero_harness.model.arrays import array_kind

from .conftest import ROOT
from .hostile import BREAKS_OUT
from .test_hostile import INIT, RIGHT, filled

STAGE = ROOT / "stages" / "step34"


@pytest.fixture
def groups():
    if reason := control_groups.why_none():
        pytest.skip(f"NOT RUN: no control groups here ({reason})")


def passed(code, **bounds):
    """How many of three cases pass, and what is said of the first."""
    plan = make_plan(ROOT, 34, "a seed of the control groups")
    some = {"own": plan.own[:3], "earlier": (), "unseen": (), "twins": {}, "restarts": 2}
    plan = dataclasses.replace(plan, **some, bounds=Bounds(wall=60, **bounds))
    files = RIGHT | {INIT: f"{filled(code, {})}\n{RIGHT[INIT]}"}
    found = judge_submission(plan, {name: text.encode() for name, text in files.items()})
    return sum(one["status"] == "passed" for one in found["cases"].values()), found["stopped"]


def test_an_honest_submission_passes_in_a_group(groups):
    assert passed("") == (3, "")


def test_memory_that_no_process_shows_is_counted(groups, monkeypatch):
    """Files of memory belong to nobody's resident memory; without the filter they can be made."""
    monkeypatch.setattr(sandbox, "filters", lambda: ())
    count, reason = passed(BREAKS_OUT["keeps memory in files of memory"], memory=256)
    assert count == 0, reason


def test_without_a_group_nobody_counts_it(groups, monkeypatch):
    monkeypatch.setattr(sandbox, "filters", lambda: ())
    monkeypatch.setattr(control_groups, "group", lambda memory, processes: None)
    small = BREAKS_OUT["keeps memory in files of memory"].replace("range(5)", "range(1)")
    assert passed(small, memory=256) == (3, "")


def test_so_many_processes_and_no_more_and_none_that_outlives_it(groups):
    group = control_groups.group(64, 4)
    many = "for n in $(seq 40); do sleep 2719 >/dev/null 2>&1 & done"
    command = [*group.within, "sh", "-c", many]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "fork" in done.stderr  # as the shell says that it cannot
    asleep = ["pgrep", "-f", "^sleep 2719$"]
    assert subprocess.run(asleep, capture_output=True).returncode == 0
    subprocess.run(group.after, capture_output=True, check=False)
    assert subprocess.run(asleep, capture_output=True).returncode == 1


# What is written, on any machine


def test_a_sandbox_starts_in_the_group_and_what_is_left_ends_with_it(monkeypatch):
    made = []

    def group(memory, processes):
        made.append((memory, processes))
        return control_groups.Group(("within",), ("after",), lambda: "too much", ("LANG", "NONE"))

    monkeypatch.setattr(control_groups, "group", group)
    monkeypatch.setenv("LANG", "C.UTF-8")
    launch = Sandbox(Bounds(memory=300, processes=7)).launch(STAGE, array_kind("numpy"))
    for file in launch.files:
        file.close()
    assert made == [(300, 7)]
    assert launch.command[:2] == ("within", "bwrap")
    assert launch.after == ("after",)
    assert launch.why() == "too much"
    assert launch.env == {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def test_a_group_gets_its_bounds_and_tells_who_was_ended_for_its_memory(tmp_path):
    (tmp_path / "cgroup.subtree_control").write_text("memory")
    group = control_groups.in_folder(tmp_path, 300, 32)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written["memory.max"] == str(300 * 2**20)
    assert written["memory.swap.max"] == "0"
    assert written["memory.oom.group"] == "1"
    assert written["pids.max"] == "32"
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+pids"
    assert group.within[-1] == str(folder)
    assert group.why() == ""
    (folder / "memory.events").write_text("low 0\nmax 12\noom 1\noom_kill 0\n")
    assert group.why() == ""
    (folder / "memory.events").write_text("low 0\nmax 12\noom 1\noom_kill 3\n")
    assert group.why() == "its processes took more than 300 MiB of memory"


MOUNTS = """\
24 1 0:22 / /proc rw,relatime - proc proc rw
31 24 0:27 / {root} rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
"""


@pytest.mark.parametrize(
    ("group", "controllers", "found"),
    [
        ("0::/user.slice/x.scope", "cpu memory pids", True),
        ("9:memory:/elsewhere\n0::/user.slice/x.scope", "cpu memory pids", True),
        ("0::/user.slice/x.scope", "cpu pids", False),  # nobody counts memory
        ("9:memory:/user.slice/x.scope", "cpu memory pids", False),  # of version 1 alone
        ("0::/../x.scope", "cpu memory pids", False),  # out of sight of this container
    ],
)
def test_our_own_group_is_where_the_kernel_says(tmp_path, group, controllers, found):
    folder = tmp_path / "cgroup/user.slice/x.scope"
    folder.mkdir(parents=True)
    (folder / "cgroup.controllers").write_text(controllers)
    (tmp_path / "self").write_text(group + "\n")
    (tmp_path / "mountinfo").write_text(MOUNTS.format(root=tmp_path / "cgroup"))
    own = control_groups.own(tmp_path / "self", tmp_path / "mountinfo")
    assert own == (folder if found else None)
