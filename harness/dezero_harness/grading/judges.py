"""Processes that run and judge submissions, each within bounds: `python -m ...grading.judges`.

What a submission answers is read and compared in such a process, not in the one that keeps the
grades. It may take so much memory and so much time; when it takes more, it is ended, the submission
is said not to be graded, and the others go on.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..execution.runner import StageError
from .judging import Plan, Result, judge_submission
from .pipe import LOOK, line_of

MEMORY = 2 * 2**30  # bytes of address space
SLACK = 90.0  # seconds beyond those of the submission
_LONGEST = 2**26  # bytes of a result
_OURS = ("StageError",)


def run_submission(
    plan: Plan,
    files: Mapping[str, bytes],
    digest: str = "",
    stop: threading.Event | None = None,
) -> Result:
    """As `judge_submission` does, in a process within bounds; it stays for the next one.

    digest: the plan's where it was made; another one here means that this machine has another
    version of the harness, and is a RuntimeError, as is a process that took too much.
    """
    own = plan.digest
    if digest and own != digest:
        raise RuntimeError("this machine has another version of the harness; install the same one")
    judge = _taken(own) or Judge(plan)
    try:
        result = judge.judge(files, stop or threading.Event())
    except BaseException:
        judge.close()
        raise
    with _LOCK:
        _IDLE.setdefault(own, []).append(judge)
    return result


class Judge:
    """A process that has a plan, and judges one submission after another."""

    def __init__(self, plan: Plan):
        self.seconds = plan.bounds.wall + plan.limits.start + plan.limits.clock + SLACK
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the one who waits
            env=os.environ
            | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},  # it imports what is here
        )
        self._send(plan)

    def _send(self, what: Any) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):  # if it has ended, that is what is seen next
            pickle.dump(what, self.process.stdin)
            self.process.stdin.flush()

    def judge(self, files: Mapping[str, bytes], stop: threading.Event) -> Result:
        """Raises StageError as `judge_submission` does, RuntimeError where the process fails."""
        self._send(dict(files))
        assert self.process.stdout
        until = time.monotonic() + self.seconds
        line = line_of(self.process.stdout, until, stop, _LONGEST)
        if stop.is_set():
            self.close()
            return {"cases": {}, "stopped": "it was stopped from outside"}
        try:
            result = json.loads(line)
        except ValueError:
            self.close()
            status = self.process.returncode
            raise RuntimeError(
                f"whoever compares its answers took too much time or memory, and was ended"
                f" (status {status}); look at this submission yourself"
            ) from None
        if "failed" in result:
            kind = StageError if result["kind"] in _OURS else RuntimeError
            raise kind(result["failed"])
        return result

    def close(self) -> None:
        """End it, and the sandbox with it."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            with contextlib.suppress(OSError):
                pipe.close()


_IDLE: dict[str, list[Judge]] = {}
_LOCK = threading.Lock()


def _taken(digest: str) -> Judge | None:
    with _LOCK:
        found = _IDLE.get(digest) or []
        while found:
            judge = found.pop()
            if judge.process.poll() is None:
                return judge
            judge.close()
    return None


@atexit.register
def close_judges() -> None:
    """End all that wait for a submission."""
    with _LOCK:
        for found in _IDLE.values():
            for judge in found:
                judge.close()
        _IDLE.clear()


# In the process


def main() -> None:
    """Read a plan, and then files of submissions; write a line for each."""
    _bound()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what is printed is no answer
        plan = pickle.load(requests)
        stop = _once_alone()
        while True:
            try:
                files = pickle.load(requests)
            except EOFError:
                return
            try:
                result = judge_submission(plan, files, stop)
            except Exception as error:
                result = {"failed": str(error) or type(error).__name__}
                result |= {"kind": type(error).__name__}
                if result["kind"] not in _OURS:
                    result["failed"] = f"{type(error).__name__}: {error}"
            answers.write(json.dumps(result).encode() + b"\n")
            answers.flush()


def _bound() -> None:
    """For this process; those in the sandbox have bounds of their own."""
    if sys.platform == "win32":
        return
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def _once_alone() -> threading.Event:
    """Set when whoever started this process has ended."""
    stop, parent = threading.Event(), os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        stop.set()

    threading.Thread(target=look, daemon=True).start()
    return stop


if __name__ == "__main__":
    main()
