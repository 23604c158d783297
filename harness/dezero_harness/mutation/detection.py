"""Is a fault noticed? The cases run on one broken copy of a stage, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import signal
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .broken_engine import work_in_a_process
from .fault import SOUND, Fault

OUT_OF_TIME = getattr(signal, "SIGXCPU", 0)


@dataclass(frozen=True)
class Caught:
    """What became of one fault in one stage.

    cases: the statements that noticed it; without --all the first alone.
    """

    fault: str
    stage: int
    how: str  # "case", "hangs", "survives", "error"
    cases: tuple[str, ...]
    says: str


@cache
def processes() -> Any:
    """Where a process starts in milliseconds: forked off one that has all but the engine imported.

    That one is left alone by who edits the harness meanwhile. On Windows processes start anew.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work_in_a_process.__module__])
    return context


def detect(
    fault: Fault, stage: int, root: Path, limit: float, every: bool, first: Sequence[str] = ()
) -> Caught:
    """Run the cases on one broken copy, in a process of its own; those of `first` come first.

    A case is given `limit` seconds of processor time, and its process four times as long to say
    anything at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        broken = fault.plant(root, stage, Path(folder))
        receiver, sender = processes().Pipe(duplex=False)
        task = (str(broken), fault.order, fault.of, every, tuple(first), limit)
        process = processes().Process(target=work_in_a_process, args=(*task, sender), daemon=True)
        process.start()
        sender.close()
        lines: list[dict[str, str]] = []
        silent = False
        with receiver, contextlib.suppress(EOFError):
            while not (lines and "end" in lines[-1]):
                if silent := not receiver.poll(4 * limit):
                    break
                lines.append(json.loads(receiver.recv_bytes()))
        if not lines or "end" not in lines[-1]:
            process.join(0 if silent else 4 * limit)
        status = process.exitcode
        process.kill()
        process.join()
    red = tuple(line["red"] for line in lines if "red" in line)
    if silent or status == -OUT_OF_TIME:
        at = next((line["started"] for line in reversed(lines) if "started" in line), "the import")
        return Caught(fault.name, stage, "hangs", (at,), f"still in this case after {limit:.0f} s")
    if not lines or "end" not in lines[-1]:
        return Caught(fault.name, stage, "error", red, f"the process ended, status {status}")
    if early := lines[-1]["end"]:
        return Caught(fault.name, stage, "error", red, early)
    return Caught(fault.name, stage, "case" if red else "survives", red, "")


def unsound(stages: Sequence[int], root: Path, jobs: int, limit: float) -> list[Caught]:
    """What is wrong with these stages as they are; nothing, where every case is green."""

    def run(stage: int) -> Caught:
        return detect(SOUND, stage, root, limit, every=True)

    with ThreadPoolExecutor(jobs) as pool:
        return [found for found in pool.map(run, stages) if found.how != "survives"]
