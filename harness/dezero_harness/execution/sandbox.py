"""A worker in a sandbox, for an engine that may mean harm: bubblewrap, and limits of the system.

Inside there are an interpreter, NumPy, dezero_shared, the engine, and the two files of the harness
that run programs; all can be read only. There is no network, no other process, no stage and no
case. What may be written is a small folder in memory that ends with the worker.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from ..model.arrays import ArrayKind
from . import control_groups, runner, system_calls, worker
from .isolated import Isolated, Launch
from .runner import StageError

NOBODY = "65534"
ANSWER = 2**18  # bytes
_LOOK = 0.5  # seconds between two looks at the memory of all processes of a sandbox
_PASSED_ON = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # which arithmetic OpenBLAS uses
_TOOLS = ("prlimit", "setpriv", "setarch")  # of util-linux

GIVEN_UP = """\
--unsafe: the submissions run WITHOUT a sandbox, with your own rights. Each of them can
  - read your files, these among them: the stages, the cases, other submissions, your keys;
  - change or delete your files, other submissions and the grades too;
  - use the network;
  - fill the disk and the memory, and leave programs running.
The verdict is still reached outside, and time and memory of a case are limited. Use this only for
submissions of people whom you would let sit at your keyboard."""


@dataclass(frozen=True)
class Bounds:
    """What a sandbox may take: MiB, processes (threads count), and seconds."""

    memory: int = 2048  # resident, of all processes together
    address_space: int = 1536  # of each process
    processes: int = 24
    cpu: int = 60  # of each process
    wall: int = 180  # for a whole submission
    folder: int = 16  # what /tmp holds, and /dev/shm
    files: int = 10_000  # in these folders: each takes memory, an empty one too
    file: int = 8
    open_files: int = 64

    def __str__(self) -> str:
        return (
            f"{self.memory} MiB, {self.processes} processes, {self.cpu} s of CPU each,"
            f" {self.wall} s in all, {self.folder} MiB of files"
        )


@dataclass(frozen=True)
class Sandbox:
    """Starts workers in a sandbox. `hidden` are folders that must not be seen inside."""

    bounds: Bounds = Bounds()
    hidden: tuple[Path, ...] = ()

    def launch(self, stage: Path, arrays: ArrayKind) -> Launch:
        """For `Isolated`: the package `dezero` of this folder is the submission."""
        places = {name: package(name) for name in dict.fromkeys(("numpy", "dezero_shared"))}
        shown = {Path("/libraries", name): place for name, place in places.items()}
        wheel = places["numpy"].with_name("numpy.libs")  # the libraries that its wheel brings
        if wheel.is_dir():
            shown[Path("/libraries", wheel.name)] = wheel
        shown[Path("/submission/dezero")] = stage / "dezero"
        beside = [*stage.glob("*.py"), *stage.glob("matplotlib")]  # what a submission brings along
        shown |= {Path("/submission", place.name): place for place in beside}
        files = {"/harness/worker.py": worker.__file__, "/harness/runner.py": runner.__file__}
        shown |= {Path(inside): Path(str(file)) for inside, file in files.items()}
        program = (interpreter(), "-s", "-S", "-P", "-u", "/harness/worker.py")
        calls = filters()
        command, file = _unseen([*self._around(shown, calls), *program])
        environment = {"PATH": "/usr/bin:/bin"}  # of bwrap itself: what it has might be read
        group = control_groups.group(self.bounds.memory, self.bounds.processes)
        if group:
            command = (*group.within, *command)
            environment |= {n: os.environ[n] for n in group.passed_on if n in os.environ}
        return Launch(
            command,
            environment,
            "/submission",
            ("/libraries",),
            "/harness/runner.py",
            (*calls, file),
            ANSWER,
            tells=False,
            after=group.after if group else (),
            why=group.why if group else None,
        )

    def _around(self, shown: dict[Path, Path], calls: tuple[IO[bytes], ...] = ()) -> list[str]:
        """The command that starts another one in the sandbox, with this filter of system calls."""
        filtered = [word for file in calls for word in ("--seccomp", str(file.fileno()))]
        as_root = os.geteuid() == 0
        command = ["bwrap", "--die-with-parent", "--new-session"]
        command += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        command += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
        if as_root:  # to become somebody else, once everything is in its place
            for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
                command += ["--cap-add", capability]
        else:
            command += _own_users()
        command += ["--hostname", "sandbox", "--clearenv", *variables()]
        command += self.system()
        for folder in dict.fromkeys([Path("/etc"), *(place.parents[-2] for place in shown)]):
            command += ["--perms", "0755", "--dir", str(folder)]
        for inside, place in shown.items():
            command += ["--ro-bind", str(place), str(inside)]
        command += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
        command += ["--proc", "/proc", "--dev", "/dev"]
        size = str(self.bounds.folder * 2**20)
        for folder in (Path("/dev/shm"), Path("/tmp")):
            command += ["--size", size, "--perms", "1777", "--tmpfs", str(folder)]
        # bwrap makes / and /dev of memory without bounds, which may be written to.
        command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/submission"]
        command += ["--"] if as_root else [*filtered, "--"]
        if as_root:
            # An ordinary user, as the limit on processes is none for root; and then, as anyone
            # else, without a way to make namespaces, in which one could mount memory to fill.
            command += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            command += ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
            command += ["bwrap", "--die-with-parent", "--cap-drop", "ALL", *_own_users()]
            command += ["--dev-bind", "/", "/", *filtered, "--"]
        return [*command, *self._limits(), *_same_addresses()]

    def system(self) -> Iterator[str]:
        """/usr and the interpreter, without the packages that are installed there."""
        base = Path(sys.base_prefix).resolve()
        trees = {Path("/usr"): Path("/usr")}
        if not base.is_relative_to("/usr"):
            trees[base] = Path("/python")
        for tree, inside in trees.items():
            yield from ("--ro-bind", str(tree), str(inside))
        for name in ("/bin", "/lib", "/lib32", "/lib64"):
            if os.path.islink(name):
                yield from ("--symlink", os.readlink(name), name)
            elif os.path.isdir(name):
                yield from ("--ro-bind", name, name)
        covered = {*_installed(base), *_installed(Path("/usr")), *_installed(Path("/usr/local"))}
        for folder in sorted({*covered, *(path.resolve() for path in self.hidden)}):
            for tree, inside in trees.items():
                if folder.is_relative_to(tree) and folder != tree:
                    place = str(inside / folder.relative_to(tree))
                    yield from ("--tmpfs", place, "--remount-ro", place)

    def _limits(self) -> list[str]:
        bounds = self.bounds
        return [
            "prlimit",
            f"--nproc={bounds.processes}",
            f"--as={bounds.address_space * 2**20}",
            f"--cpu={bounds.cpu}",
            f"--fsize={bounds.file * 2**20}",
            f"--nofile={bounds.open_files}",
            "--core=0",
        ]


def filters() -> tuple[IO[bytes], ...]:
    """A file with the filter of system calls for bwrap.

    Nothing for a machine whose calls have other numbers.
    """
    if platform.machine() not in system_calls.MACHINES:
        return ()
    return (_file(system_calls.filter_of(platform.machine())),)


def _file(content: bytes) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed where it has been handed on)
    file.write(content)
    file.seek(0)
    return file


def _unseen(command: list[str]) -> tuple[tuple[str, ...], IO[bytes]]:
    """The same command with bwrap's arguments in a file: `ps` in the sandbox would show them."""
    options = command[1 : command.index("--")]
    file = _file(b"".join(word.encode() + b"\0" for word in options))
    rest = command[command.index("--") :]
    return (command[0], "--args", str(file.fileno()), *rest), file


def _own_users() -> list[str]:
    return ["--unshare-user", "--disable-userns", "--uid", NOBODY, "--gid", NOBODY]


def variables() -> Iterator[str]:
    """What is in the environment inside, as words for bwrap: --setenv, a name, a value."""
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
    variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    variables |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}  # the same order of sets
    variables |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    for name, value in variables.items():
        yield from ("--setenv", name, value)


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def interpreter() -> str:
    """The interpreter behind this environment, by its path inside."""
    base = Path(sys.base_prefix).resolve()
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if base.is_relative_to("/usr") or not program.is_relative_to(base):
        return str(program)
    return str(Path("/python") / program.relative_to(base))


def _installed(prefix: Path) -> Iterable[Path]:
    """The folders of installed packages below this prefix."""
    for kind in ("site-packages", "dist-packages"):
        yield from (path.resolve() for path in prefix.glob(f"lib*/python3*/{kind}"))


@cache
def _same_addresses() -> tuple[str, ...]:
    """Objects at the same addresses in every run, where the system lets us: sets of them depend."""
    command = ("setarch", "-R")
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if done.returncode == 0 else ()


@cache
def why_unusable() -> str:
    """The reason why there is no sandbox on this machine, or nothing."""
    if sys.platform != "linux":
        return f"bubblewrap works on Linux, and this is {sys.platform}"
    lacking = [name for name in ("bwrap", *_TOOLS) if shutil.which(name) is None]
    if "bwrap" in lacking:
        return "bubblewrap is not installed; on Debian and Ubuntu: apt-get install bubblewrap"
    if lacking:
        return f"{', '.join(lacking)} of util-linux cannot be found"
    here = {Path("/submission/worker.py"): Path(worker.__file__)}
    calls = filters()
    wanted = [*Sandbox()._around(here, calls), interpreter(), "-S", "-c", "print(6 * 7)"]
    command, arguments = _unseen(wanted)
    calls = (*calls, arguments)
    files = [file.fileno() for file in calls]
    try:
        done = subprocess.run(
            command, pass_fds=files, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not work here: {error}"
    finally:
        for file in calls:
            file.close()
    if done.stdout != "42\n":
        return f"bubblewrap does not work here: {done.stderr.strip() or done.stdout}"
    return ""


def refuse_without_sandbox() -> None:
    """Raise a StageError that names the way out, where there is no sandbox."""
    if reason := why_unusable():
        raise StageError(
            f"{reason}. Submissions run in a sandbox only; --unsafe runs them without one, and says"
            f" what that gives up"
        )


class Watchdog:
    """Ends the workers of a submission that takes too much in all, or too long, or at `stop`.

    A worker also ends itself where a case computes for too long, by a signal that a submission may
    ignore: so the processor time of a case is looked at from here as well.
    """

    def __init__(self, isolated: Isolated, bounds: Bounds, stop: threading.Event):
        self.isolated, self.bounds, self.stop, self.reason = isolated, bounds, stop, ""
        self.over = threading.Event()
        self.late = False  # of the case that was ended for its processor time
        self.case, self.computed = -1, 0.0  # the one that was seen last, and the time before it
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watchdog:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.over.set()
        self.thread.join()

    def took_too_long(self) -> bool:
        """Whether the last case was ended here for its processor time; asked once for each case."""
        late, self.late = self.late, False
        return late

    def _watch(self) -> None:
        looks = 0
        while not self.over.wait(_LOOK):
            looks += 1
            current = self.isolated.worker
            if current is None:
                continue
            pid = current.process.pid
            family = _family(pid)
            if self.stop.is_set():
                self.reason = "it was stopped from outside"
            elif looks * _LOOK > self.bounds.wall:
                self.reason = f"it took longer than {self.bounds.wall} s in all"
            elif _resident(family) > self.bounds.memory * 2**20:
                self.reason = f"its processes took more than {self.bounds.memory} MiB of memory"
            elif _files(family) > self.bounds.files:
                self.reason = f"it made more than {self.bounds.files} files"
            elif self._computes_on(family):
                self.late = True
            else:
                continue
            _kill(pid)

    def _computes_on(self, family: list[int]) -> bool:
        """Whether the case that runs has taken more processor time than it may, and a second."""
        asked, spent = self.isolated.asked, _computed(family)
        if asked != self.case or spent < self.computed:
            self.case, self.computed = asked, spent
        return spent - self.computed > self.isolated.limits.seconds + 1.0


def _family(pid: int) -> list[int]:
    """A process and all below it, as Linux tells; elsewhere the process alone."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _resident(family: Iterable[int]) -> int:
    """Bytes; what processes share counts for each of them."""
    total = 0
    for one in family:
        with suppress(OSError, ValueError, IndexError):
            pages = int(Path(f"/proc/{one}/statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def _computed(family: Iterable[int]) -> float:
    """Seconds of processor time of these processes, and of those that they have waited for."""
    ticks = 0
    for one in family:
        with suppress(OSError, ValueError, IndexError):
            after_the_name = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, after_the_name[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _files(family: Iterable[int]) -> int:
    """How many files there are in the folders of a sandbox that may be written to.

    As each of its processes sees them: one that has ended, and is still listed, sees none.
    """
    found: dict[int, int] = {}
    for one in family:
        for folder in ("tmp", "dev/shm"):
            with suppress(OSError):
                place = Path("/proc", str(one), "root", folder)
                device = place.stat().st_dev
                # As long as it is being made, and without one, these are folders of the machine.
                if device != Path("/", folder).stat().st_dev:
                    known = os.statvfs(place)
                    found[device] = known.f_files - known.f_ffree
    return sum(found.values())


def _kill(pid: int) -> None:
    for one in _family(pid):
        with suppress(OSError):
            os.kill(one, signal.SIGKILL)
