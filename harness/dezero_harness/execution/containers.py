"""A worker in a container, with the bounds of a sandbox: where there is no bubblewrap.

Podman on Linux runs from a root folder that shows this machine's /usr and interpreter, without an
image and without a daemon. Elsewhere, and with Docker, an image has the interpreter and NumPy; it
is made once, by the command that `why_unusable` names.
"""

from __future__ import annotations

import atexit
import json
import os
import platform
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from ..model.arrays import ArrayKind
from . import runner, system_calls, worker
from .isolated import Launch
from .sandbox import ANSWER, NOBODY, Bounds, Sandbox, interpreter, package, variables

_SECONDS = 120  # for a container to say 42
_FOLDERS = "usr proc sys dev tmp etc run var python libraries submission harness"
_NOT_MUCH = () if sys.platform == "win32" else ("sh", "-c", 'ulimit -f 16384; exec "$@"', "sh")
_LINKS = ("bin", "lib", "lib32", "lib64", "sbin")


@dataclass(frozen=True)
class Engine:
    """How containers are run here: the program with its options, and from which image, if any."""

    command: tuple[str, ...]
    image: str = ""

    @property
    def name(self) -> str:
        return f"{self.command[0]}, {'an image' if self.image else 'a root folder'}"


@dataclass(frozen=True)
class Container:
    """Starts workers in containers; the interface is that of `Sandbox`."""

    bounds: Bounds = field(default_factory=Bounds)
    hidden: tuple[Path, ...] = ()
    engine: Engine | None = None  # by default the one that works here

    def launch(self, stage: Path, arrays: ArrayKind) -> Launch:
        """For `Isolated`: the package `dezero` of this folder is the submission."""
        engine = self.engine or found()
        assert engine, "whoever asks for a container has asked why_unusable() before"
        name = f"submission-{secrets.token_hex(8)}"
        shown = dict(_submission(stage))
        shown[Path("/libraries/dezero_shared")] = package("dezero_shared")
        libraries = ["/libraries"]
        if engine.image:
            program = ["python3"]
            libraries.append(_site_packages())
        else:
            program = [interpreter()]
            shown[Path("/libraries/numpy")] = package("numpy")
            wheel = package("numpy").with_name("numpy.libs")
            if wheel.is_dir():
                shown[Path("/libraries/numpy.libs")] = wheel
        program += ["-s", "-S", "-P", "-u", "/harness/worker.py"]
        return Launch(
            (*_around(engine, name, self.bounds, shown, self.hidden), *program),
            dict(os.environ),  # of the engine; a container is given its own
            "/submission",
            tuple(libraries),
            "/harness/runner.py",
            longest=ANSWER,
            tells=False,
            after=(*engine.command, "rm", "--force", name),
        )


def _submission(stage: Path) -> Iterator[tuple[Path, Path]]:
    for place in (stage / "dezero", *stage.glob("*.py"), *stage.glob("matplotlib")):
        yield Path("/submission", place.name), place
    yield Path("/harness/worker.py"), Path(str(worker.__file__))
    yield Path("/harness/runner.py"), Path(str(runner.__file__))


def _around(
    engine: Engine, name: str, bounds: Bounds, shown: dict[Path, Path], hidden: tuple[Path, ...]
) -> list[str]:
    """The command that runs another one in a container of this name."""
    size = f"size={bounds.folder}m,mode=1777"
    # What it prints is written by the engine's own process, and kept by none.
    command = [*_NOT_MUCH, *engine.command, "run", "--rm", "--interactive", f"--name={name}"]
    command += ["--log-driver=none"]
    command += ["--network=none", "--read-only", "--cap-drop=ALL", f"--user={NOBODY}:{NOBODY}"]
    command += ["--security-opt=no-new-privileges", f"--security-opt=seccomp={_profile()}"]
    command += [f"--pids-limit={bounds.processes}", f"--memory={bounds.memory}m"]
    command += [f"--memory-swap={bounds.memory}m", "--hostname=sandbox", "--workdir=/submission"]
    limits = {"nofile": bounds.open_files, "cpu": bounds.cpu, "core": 0}
    limits |= {"fsize": bounds.file * 2**20, "nproc": 8 * bounds.processes}  # of one user in all
    command += [f"--ulimit={kind}={limit}:{limit}" for kind, limit in limits.items()]
    command += [f"--tmpfs=/tmp:rw,{size}", f"--shm-size={bounds.folder}m"]
    words = list(variables())
    command += [f"--env={n}={value}" for n, value in zip(words[1::3], words[2::3], strict=True)]
    for inside, place in shown.items():
        command.append(f"--volume={place}:{inside}:ro")
    if engine.image:
        return [*command, engine.image]
    for kind, *places in _system(hidden):
        if kind == "--ro-bind":
            command.append(f"--volume={places[0]}:{places[1]}:ro")
        elif kind == "--tmpfs":
            command.append(f"--tmpfs={places[0]}:ro,size=4k,mode=0555,notmpcopyup")
    return [*command, "--rootfs", str(_root())]


def _system(hidden: tuple[Path, ...]) -> Iterator[tuple[str, ...]]:
    """As a sandbox shows /usr and the interpreter: --ro-bind, what, where, or --tmpfs, where."""
    words = iter(Sandbox(hidden=hidden).system())
    for word in words:
        count = {"--ro-bind": 2, "--symlink": 2, "--tmpfs": 1, "--remount-ro": 1}[word]
        yield (word, *(next(words) for _ in range(count)))


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="containers-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _root() -> Path:
    """A root folder with places to mount at, and nothing else."""
    root = _scratch() / "root"
    root.mkdir()
    for name in _FOLDERS.split():
        (root / name).mkdir()
    for name in _LINKS:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
        elif Path("/", name).is_dir():
            (root / name).mkdir()
    return root


@cache
def _profile() -> str:
    """The file with the system calls that are allowed; an engine's own would allow more."""
    if platform.machine() not in system_calls.MACHINES and platform.system() == "Linux":
        return "unconfined"
    file = _scratch() / "system-calls.json"
    file.write_text(json.dumps(system_calls.profile()))
    return str(file)


def _site_packages() -> str:
    return f"/usr/local/lib/python3.{sys.version_info.minor}/site-packages"


def _candidates() -> Iterator[Engine]:
    """Podman from a root folder, in the ways that machines need, then images."""
    if shutil.which("podman") and sys.platform == "linux":
        yield Engine(("podman",))
        if shutil.which("runc"):  # crun refuses cgroups of both versions at once
            yield Engine(("podman", "--runtime=runc", "--cgroup-manager=cgroupfs"))
    for name in ("docker", "podman"):
        if shutil.which(name):
            yield Engine((name,), image())


def image() -> str:
    """The name of an image with the interpreter and the NumPy of this environment."""
    return f"dezero-grading:{sys.version_info.major}.{sys.version_info.minor}-{np.__version__}"


@cache
def found() -> Engine | None:
    """The first engine that runs a container with all bounds here."""
    return next((engine for engine in _candidates() if not _why_not(engine)), None)


@cache
def why_unusable() -> str:
    """Why no container runs on this machine, or nothing."""
    if found():
        return ""
    tried = [f"{engine.name}: {_why_not(engine)}" for engine in _candidates()]
    if not tried:
        return "neither Podman nor Docker is installed"
    python, numpy = f"{sys.version_info.major}.{sys.version_info.minor}", np.__version__
    made = (
        f"printf 'FROM python:{python}-slim\\nRUN pip install numpy=={numpy}\\n' | docker build"
        f" -t {image()} -"
    )
    return f"no container runs here ({'; '.join(tried)}); an image is made by: {made}"


@cache
def _why_not(engine: Engine) -> str:
    name = f"probe-{secrets.token_hex(8)}"
    shown = {Path("/harness/worker.py"): Path(str(worker.__file__))}
    program = ["python3" if engine.image else interpreter(), "-S", "-c", "print(6 * 7)"]
    try:
        done = subprocess.run(
            [*_around(engine, name, Bounds(), shown, ()), *program],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.stdout == "42\n":
        return ""
    return (done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1]
