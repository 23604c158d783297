"""A process that answers lines of JSON with lines of JSON, from the side of the one who asks."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

_GRACE = 2.0  # seconds more than its limit, in which a worker can say itself where it hangs
_LINES = 4  # answers that are read before anyone asks for them; a case has two
SHOWN = 2000  # characters of what a program prints


class WorkerError(Exception):
    """A worker did not do its part; the message says how."""


class Worker:
    """One process, the pipes to and from it, and a thread that reads its lines.

    files: open ones that the command reads; they are closed here once it is started. longest: bytes
    of an answer, or -1. Raises OSError where the process cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        files: Sequence[IO[bytes]] = (),
        longest: int = -1,
    ):
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process is)
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.output,
                env=env,
                start_new_session=True,  # so that its children end with it
                pass_fds=[file.fileno() for file in files],
            )
        except OSError:
            self.output.close()
            raise
        finally:
            for file in files:
                file.close()
        # Of a few lines only: a worker that floods the pipe waits, and fills no memory here.
        self.lines: queue.Queue[bytes] = queue.Queue(_LINES)
        self.reader = threading.Thread(target=self._read, args=[longest], daemon=True)
        self.reader.start()

    def _read(self, longest: int) -> None:
        assert self.process.stdout
        with self.process.stdout as pipe:
            line = b"\n"
            while line.endswith(b"\n"):
                line = pipe.readline(longest)
                self.lines.put(line)

    def send(self, request: Mapping[str, Any]) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):  # if it has ended, that is what is received
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next answer. Raises WorkerError where none comes in this time, or anything else."""
        started = time.monotonic()
        line = b""
        with contextlib.suppress(queue.Empty):
            line = self.lines.get(timeout=seconds + _GRACE)
        if not line:
            if time.monotonic() - started >= seconds:
                raise WorkerError(f"no answer within {seconds:g} s by the clock")
            try:
                raise WorkerError(self.ended(self.process.wait(_GRACE)))
            except subprocess.TimeoutExpired:
                raise WorkerError("the worker has closed its pipe") from None
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise WorkerError(f"rubbish in place of an answer: {shown(line)}")
        return answer

    def ended(self, status: int) -> str:
        """What a process that ended with this status has done."""
        if status >= 0:
            return f"the worker has ended, with exit status {status}"
        return f"the worker was ended by signal {-status} ({signal.strsignal(-status)})"

    def printed(self) -> str:
        """The end of what the process has printed since the output was last cut."""
        self.output.seek(max(0, self.output.seek(0, os.SEEK_END) - SHOWN))
        return self.output.read().decode(errors="replace")

    def kill(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + _GRACE  # a child that has left the group may hold the pipe
        while self.reader.is_alive() and time.monotonic() < until:
            with contextlib.suppress(queue.Empty):
                self.lines.get_nowait()
            self.reader.join(0.01)
        with contextlib.suppress(queue.Full):  # the end may be among what was thrown away, and be
            self.lines.put_nowait(b"")  # what another thread waits for
        self.output.close()
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()


def shown(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= 80 else text[:76] + " ..."
