"""What was handed in, read by a process within bounds: `python -m dezero_harness.grading.reading`.

An archive or a program may be made so that whoever reads it never comes to an end, takes all memory
or crashes. So it is read here, not in the process that keeps the grades; when that takes too much,
there is no submission, and the others go on.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .pipe import line_of
from .review import flags_of, notes_of
from .submissions import NoSubmission, read_package, with_stand_ins

SECONDS = 10.0  # of computing for one hand-in; most take milliseconds
CLOCK = 100.0  # seconds by the clock: a 7z has a minute
MEMORY = 2**30  # bytes of address space
_LONGEST = 2**25  # bytes of an answer; a package has 4 MiB at most


@dataclass(frozen=True)
class Handed:
    """The files that are run, what a teacher should look at, and what the student is told."""

    files: dict[str, bytes]
    flags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Reader:
    """A process that reads one hand-in after another."""

    def __init__(self, seconds: float = SECONDS, clock: float = CLOCK):
        self.seconds, self.clock = seconds, clock
        self.process: subprocess.Popen[bytes] | None = None
        self.lock = threading.Lock()

    def read(self, root: Path, place: Path, number: int, look: bool = True) -> Handed:
        """Raises NoSubmission as `read_package` does, and where reading it takes too much.

        look: for flags and notes as well, which takes longer than to read the files.
        """
        request = {"root": str(root), "place": os.fspath(place.absolute()), "number": number}
        with self.lock:
            answer = self._ask(request | {"look": look, "seconds": self.seconds})
        if not answer:
            raise NoSubmission(
                f"reading it took more than {self.seconds:g} s of computing,"
                f" {self.clock:g} s by the clock or {MEMORY // 2**20} MiB of memory"
            )
        if "reason" in answer:
            raise NoSubmission(answer["reason"])
        files = {name: base64.b64decode(text) for name, text in answer["files"].items()}
        return Handed(files, tuple(answer["flags"]), tuple(answer["notes"]))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer, or nothing."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the one who waits
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(OSError):  # if it has ended, that is what is seen next
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        until = time.monotonic() + self.clock
        line = line_of(self.process.stdout, until, threading.Event(), _LONGEST)
        try:
            return json.loads(line)
        except ValueError:
            self.close()
            return {}

    def close(self) -> None:
        """End the process, and what it has started."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe
            with contextlib.suppress(OSError):
                pipe.close()


_READER = Reader()
atexit.register(_READER.close)


def read_hand_in(root: Path, place: Path, number: int, look: bool = True) -> Handed:
    """What was handed in at this place for this lab. Raises NoSubmission."""
    return _READER.read(root, place, number, look)


# In the process


def main() -> None:
    """Read requests, a line each, and write a line for each."""
    if sys.platform != "win32":
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what is printed is no answer
        for line in sys.stdin.buffer:
            request = json.loads(line)
            _end_after(request["seconds"])
            root, place = Path(request["root"]), Path(request["place"])
            answer = _answer(root, place, request["number"], request["look"])
            _end_after(0)
            answers.write(json.dumps(answer).encode() + b"\n")
            answers.flush()


def _end_after(seconds: float) -> None:
    """End this process after so much processor time; where the system cannot, the clock does."""
    if hasattr(signal, "ITIMER_PROF"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _answer(root: Path, place: Path, number: int, look: bool) -> dict[str, Any]:
    try:
        files = with_stand_ins(read_package(place, number, _start(root, number)))
    except NoSubmission as error:
        return {"reason": str(error)}
    return {
        "files": {name: base64.b64encode(content).decode() for name, content in files.items()},
        "flags": flags_of(files, root, number) if look else (),
        "notes": notes_of(files) if look else (),
    }


@cache
def _start(root: Path, number: int) -> dict[str, bytes]:
    """What a lab starts from: the stage before it."""
    before = root / "stages" / f"step{number - 1}"
    return {
        str(file.relative_to(before)): file.read_bytes()
        for file in sorted(before.glob("dezero/**/*.py"))
    }


if __name__ == "__main__":
    main()
