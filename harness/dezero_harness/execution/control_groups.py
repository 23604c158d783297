"""Bounds that the kernel keeps for all processes of a sandbox together: a control group.

Of version 2, which counts what no limit of a single process does: the memory that the kernel holds
for a process, as buffers of pipes and sockets. A sandbox has one where this machine lets us have
it: from systemd, or in a folder below our own group that we may write to. Elsewhere its bounds are
those of each process, and the looks of the Watchdog.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

_OURS = 8  # processes of the sandbox itself, which count in its group
_SECONDS = 20  # for a group to be made
_NEEDED = ("memory", "pids")
_JOIN = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
_LEAVE = (
    'echo 1 > "$0/cgroup.kill"; n=0;'
    ' until rmdir "$0" 2>/dev/null || [ $n -ge 200 ]; do n=$((n+1)); sleep 0.01; done'
)


@dataclass(frozen=True)
class Group:
    """A group that waits for a command: `within` comes before it, and `after` ends what is left.

    why: after the end of the command, whether the kernel ended it for its memory, in words.
    passed_on: the variables of the environment that `within` needs.
    """

    within: tuple[str, ...]
    after: tuple[str, ...]
    why: Callable[[], str] | None = None
    passed_on: tuple[str, ...] = ()


def group(memory: int, processes: int) -> Group | None:
    """One of so many MiB and processes; None where there are none here."""
    make = _way()
    return make(memory, processes + _OURS) if make else None


@cache
def why_none() -> str:
    """Why sandboxes have no control groups on this machine, or nothing."""
    if _way():
        return ""
    reasons = "; ".join(reason for _, reason in _tried())
    return reasons or "there is neither systemd nor a cgroup2 that counts memory and processes"


def in_folder(parent: Path, memory: int, processes: int) -> Group:
    """A group below this one, as a folder. Raises OSError where that is not allowed."""
    _give(parent)
    folder = parent / f"submission-{secrets.token_hex(8)}"
    folder.mkdir()
    try:
        (folder / "memory.max").write_text(str(memory * 2**20))
        (folder / "pids.max").write_text(str(processes))
        (folder / "memory.oom.group").write_text("1")  # all of it ends, or nothing
        with suppress(OSError):  # a kernel that does not count what is swapped
            (folder / "memory.swap.max").write_text("0")
    except OSError:
        folder.rmdir()
        raise

    def why() -> str:
        with suppress(OSError):
            for line in (folder / "memory.events").read_text().splitlines():
                if line.startswith("oom_kill ") and line != "oom_kill 0":
                    return f"its processes took more than {memory} MiB of memory"
        return ""

    within = ("sh", "-c", _JOIN, str(folder))
    return Group(within, ("sh", "-c", _LEAVE, str(folder)), why)


def _give(parent: Path) -> None:
    """Have the kernel count memory and processes of the groups in this one."""
    given = (parent / "cgroup.subtree_control").read_text().split()
    for controller in _NEEDED:
        if controller not in given:
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")


def of_systemd(memory: int, processes: int) -> Group:
    """A scope of systemd's: the system's for root, else the user's own."""
    user = () if os.geteuid() == 0 else ("--user",)
    unit = f"submission-{secrets.token_hex(8)}.scope"
    bounds = {"MemoryMax": f"{memory}M", "MemorySwapMax": "0", "TasksMax": str(processes)}
    within = ["systemd-run", *user, "--scope", "--quiet", "--collect", f"--unit={unit}"]
    within += [f"--property={name}={bound}" for name, bound in bounds.items()]
    after = ("systemctl", *user, "kill", "--signal=KILL", unit)
    return Group((*within, "--"), after, passed_on=("XDG_RUNTIME_DIR",))


Way = Callable[[int, int], Group]


@cache
def _way() -> Way | None:
    """The first way in which a command comes to be in a group with these bounds."""
    return next((way for way, reason in _tried() if not reason), None)


@cache
def _tried() -> list[tuple[Way, str]]:
    """Each way there is here, and why a command does not come to be in such a group, or nothing."""
    ways: list[Way] = []
    if Path("/run/systemd/system").is_dir() and shutil.which("systemd-run"):
        ways.append(of_systemd)
    if sys.platform == "linux":
        parent = own(Path("/proc/self/cgroup"), Path("/proc/self/mountinfo"))
        if parent:
            ways.append(partial(in_folder, parent))
    return [(way, _refused(way)) for way in ways]


def own(of_process: Path, mounts: Path) -> Path | None:
    """The folder of the group that a process is in, if it can have groups with all we need."""
    root = None
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            root = Path(before.split()[4])
    for line in of_process.read_text().splitlines():
        if root is not None and line.startswith("0::"):
            folder = root / line.removeprefix("0::").lstrip("/")
            with suppress(OSError):
                there = (folder / "cgroup.controllers").read_text().split()
                if set(_NEEDED) <= set(there):
                    return folder
    return None


def _refused(way: Way) -> str:
    """Why a command does not come to be in a group of this kind, or nothing."""
    try:
        tried = way(64, 4 + _OURS)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    command = [*tried.within, "cat", "/proc/self/cgroup"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        if "/submission-" in done.stdout:
            return ""
        return (done.stderr.strip() or f"it ended with {done.returncode}").splitlines()[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    finally:
        subprocess.run(tried.after, capture_output=True, check=False)
