"""Everything there is to run on a GPU: `python -m dezero_harness.gpu`, or `nox -s gpu`.

Every stage on every array of a GPU that is at hand (CuPy, PyTorch, JAX), each in a process of its
own; then the rows of the bench that are for a GPU, one engine after another. NumPy, pytest and one
of these libraries are all it needs; in the root of a clone:

    PYTHONPATH=shared:harness python -m dezero_harness.gpu

It ends within --minutes, and writes what it has whenever it is stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib
import json
import math
import os
import platform
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from .. import cases
from ..bench.measure import BenchError, Subject, check
from ..execution.isolated import Isolated, Limits
from ..execution.judge import OUTCOMES
from ..model.arrays import DEVICES, ArrayKind, Unusable, array_kind, has_device
from ..prose.generated import no_place, renew
from ..suite.matrix import results_of
from . import jobs
from .report import FOLDER, KINDS, block, number, page, slug

RESERVE = 10.0  # seconds before the end in which nothing new is begun
PART_OF_CASES = 0.65  # of the time, at the most; the rows get the rest
SAVED_EVERY = 5.0  # seconds, so that even a machine that is taken away leaves what there was
COMMAND = "nox -s gpu -- --write"
SAMPLES, LONG = 5, 3.0  # of a row, at the most; and seconds after which no other is taken

NO_ROWS = "The rows of the bench are in float64, which this device has not."

#: JAX takes most of the memory of a device at once, unless it is told not to.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class Stopped(Exception):
    """Somebody has asked the run to end; the message says who."""


def kinds_at_hand(names: Sequence[str], device: str) -> tuple[list[ArrayKind], dict[str, str]]:
    """The arrays of these libraries on a GPU, and for the others the reason why not."""
    kinds, absent = [], {}
    for name in names:
        try:
            kind = array_kind(name, {"torch": device, "jax": "gpu"}.get(name, ""))
            if not kind.maps:
                raise Unusable(f"--array {name} finds no GPU here, and computes on {kind.device}")
            kinds.append(kind)
        except Unusable as error:
            absent[name] = str(error)
    return kinds, absent


def free_memory(kinds: Sequence[ArrayKind]) -> int | None:
    """Bytes of the device that are free; None where no library tells."""
    asks: dict[str, Callable[[Any], int]] = {
        "cupy": lambda cupy: cupy.cuda.runtime.memGetInfo()[0],
        "torch": lambda torch: torch.cuda.mem_get_info()[0],
        "jax": lambda jax: jax.devices("gpu")[0].memory_stats()["bytes_limit"],
    }
    for kind in kinds:
        with contextlib.suppress(Exception):  # of whatever kind: then the next one is asked
            return asks[kind.name](importlib.import_module(kind.module))
    return None


class Run:
    """What was seen so far, and where it is kept."""

    def __init__(self, kinds: Sequence[ArrayKind], absent: dict[str, str], folder: Path):
        self.kinds, self.folder = kinds, folder
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.saved = 0.0
        self.workers: list[Isolated] = []
        self.seen: dict[str, Any] = {
            "device": kinds[0].device,
            "machine": f"{platform.system()}, Python {platform.python_version()}",
            "date": datetime.date.today().isoformat(),
            "versions": [f"{kind.module} {kind.version}" for kind in kinds],
            "absent": absent,
            "stopped": "The run was ended from outside.",  # unless it comes to its end
            "seconds": 0.0,
            "cells": [],
            "rows": [],
            "bandwidth": 0.0,
        }
        self.started = time.monotonic()

    def save(self) -> None:
        """Write both files, each at once, so that a reader never finds half of one."""
        with self.lock:
            self.seen["seconds"] = round(time.monotonic() - self.started, 1)
            texts = {
                ".json": json.dumps(self.seen, indent=1, ensure_ascii=False) + "\n",
                ".md": page(self.seen),
            }
        for end, text in texts.items():
            file = self.folder / (slug(self.seen["device"]) + end)
            begun = file.with_suffix(end + ".part")
            begun.write_text(text, "utf-8")
            begun.replace(file)
        self.saved = time.monotonic()

    # The cases.

    def run_cases(self, folders: Sequence[Path], until: float, jobs_at_once: int) -> None:
        """All stages on all these arrays, the last stage first: it has the most to show."""
        with ThreadPoolExecutor(jobs_at_once) as pool:
            pairs = [(folder, kind) for folder in reversed(folders) for kind in self.kinds]
            futures = [pool.submit(self.run_stage, *pair) for pair in pairs]
            try:
                while time.monotonic() < until and wait(futures, timeout=0.5).not_done:
                    if time.monotonic() > self.saved + SAVED_EVERY:
                        self.save()
                        self.tell()
            finally:
                self.stop.set()
                for isolated in self.workers:  # not even a case that hangs is waited for
                    isolated.stop()
                pool.shutdown(cancel_futures=True)
        for future in futures:
            if not future.cancelled():
                future.result()

    def run_stage(self, folder: Path, kind: ArrayKind) -> None:
        cell: dict[str, Any] = {
            "stage": folder.name,
            "array": kind.name,
            "cases": len(cases.ALL),
            "counts": dict.fromkeys(OUTCOMES, 0),
            "unexpected": [],
        }
        isolated = Isolated(folder.resolve(), kind, Limits())
        with self.lock:
            self.seen["cells"].append(cell)
            self.workers.append(isolated)
        with isolated:
            try:
                for result in results_of(isolated):
                    if self.stop.is_set():  # then this is of a worker that was ended
                        return
                    with self.lock:
                        cell["counts"][result["outcome"]] += 1
                        if result["outcome"] == "unexpected":
                            cell["unexpected"].append(result)
            except Exception:
                if not self.stop.is_set():
                    raise

    def tell(self) -> None:
        done = sum(sum(cell["counts"].values()) for cell in self.seen["cells"])
        red = sum(cell["counts"]["unexpected"] for cell in self.seen["cells"])
        print(f"{done} cases, {red} unexpected", file=sys.stderr, flush=True)

    # The rows of the bench.

    def run_rows(
        self, names: Sequence[str], stage: Path, device: str, most: int | None, until: float
    ) -> None:
        """One engine after another, so that each has the memory of the device for itself."""
        free = free_memory(self.kinds)
        sized = [jobs.make(name, jobs.fitting(jobs.JOBS[name], free, most)) for name in names]
        for job in sized:
            self.seen["rows"].append(
                {
                    "job": job.name,
                    "title": job.title.format(number(job.n)),
                    "n": job.n,
                    "bytes": 8 * job.moved * job.n,
                    "times": {},
                    "samples": {},
                    "failed": {},
                }
            )
        expected = {job.name: job.expected() for job in sized}
        here = {kind.name for kind in self.kinds}
        for engine in jobs.ENGINES:
            library = engine.partition("_")[2]
            if library not in here:
                continue
            where = {"torch": device or best_of_torch(), "jax": "gpu"}.get(library, "")
            subject = Subject(engine, engine, str(stage) if engine.startswith("stage") else "")
            subject.jobs, subject.env = jobs.__name__, ENVIRONMENT
            try:
                for job, row in zip(sized, self.seen["rows"], strict=True):
                    if engine not in job.engines:
                        continue
                    if time.monotonic() > until - RESERVE:
                        return
                    subject.patience = until - time.monotonic()
                    print(f"{row['title']}, {jobs.ENGINES[engine]}", file=sys.stderr, flush=True)
                    try:
                        samples = timed(subject, job, where, expected[job.name])
                        row["samples"][engine] = samples
                        row["times"][engine] = statistics.median(samples)
                    except BenchError as error:
                        row["failed"][engine] = str(error)[:300]
                        subject.stop()  # whatever it left on the device goes with it
                    self.bandwidth()
                    self.save()
            finally:
                subject.stop()

    def bandwidth(self) -> None:
        """Bytes a second that a copy moves, by the library that does it best."""
        for row in self.seen["rows"]:
            if row["job"] == "copy" and row["times"]:
                self.seen["bandwidth"] = row["bytes"] / min(row["times"].values())


def best_of_torch() -> str:
    """The device that array_kind chooses for PyTorch, where it is there."""
    torch = sys.modules.get("torch")  # array_kind has imported it
    return next((each for each in DEVICES["torch"] if torch and has_device(torch, each)), "")


def timed(subject: Subject, job: jobs.GpuJob, device: str, expected: Any) -> list[float]:
    """Seconds of each sample. Raises BenchError, naming the engine, for a wrong answer or none."""
    subject.ask("prepare", key="", job=[job.name, job.n, device])
    answer = subject.ask("time", key="", calls=1, value=True)
    wrong = check(answer["value"], expected, job.tolerance)
    if wrong:
        raise BenchError(f"{subject.name} {wrong}")
    samples: list[float] = []
    while len(samples) < SAMPLES and math.fsum(samples) < LONG:
        request = {"key": "", "calls": 1, "value": False, "clock": "perf_counter"}
        samples.append(subject.ask("time", **request)["seconds"])
    subject.ask("release")
    return samples


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dezero_harness.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--arrays", default=",".join(KINDS), metavar="NAMES", help="%(default)s")
    parser.add_argument("--device", default="", metavar="DEVICE", help="of PyTorch: cuda, xpu")
    parser.add_argument("--stages", default="", metavar="N", help="e.g. 33,36 (default: all)")
    parser.add_argument("--rows", default=",".join(jobs.JOBS), metavar="JOBS", help="%(default)s")
    parser.add_argument("--numbers", type=int, metavar="N", help="in a row, at the most")
    parser.add_argument("--minutes", type=float, default=8.0, metavar="M", help="%(default)g")
    parser.add_argument("--jobs", type=int, default=min(8, os.cpu_count() or 1), metavar="N")
    parser.add_argument("--out", type=Path, metavar="DIR", help="reports, or with --write docs/gpu")
    parser.add_argument("--write", action="store_true", help="write the tables into the README")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    return parser.parse_args(arguments)


def chosen(names: str, known: Sequence[str], option: str) -> list[str]:
    """These names, in their own order. Raises Unusable for one that is not known."""
    wanted = [name for name in names.split(",") if name]
    for name in wanted:
        if name not in known:
            raise Unusable(f"{option}: there is no {name!r}; there are {', '.join(known)}")
    return wanted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all that there is. Returns 1 where a cell or a row is red, 2 where nothing can be run."""
    options = parse(arguments)
    options.out = options.out or (FOLDER if options.write else Path("reports"))
    os.environ.update(ENVIRONMENT)
    stages = {p.name.removeprefix("step"): p for p in sorted(Path("stages").glob("step[0-9]*"))}
    try:
        if not stages:
            raise Unusable("there are no stages here; start in the root of the repository")
        folders = [stages[n] for n in chosen(options.stages, [*stages], "--stages")]
        rows = chosen(options.rows, [*jobs.JOBS], "--rows")
        kinds, absent = kinds_at_hand(chosen(options.arrays, [*KINDS], "--arrays"), options.device)
        if not kinds:
            raise Unusable("\n".join(["there is no GPU array here:", *absent.values()]))
        if options.write and (lacking := no_place(options.readme, "gpu", "--write")):
            raise Unusable(lacking)
        options.out.mkdir(parents=True, exist_ok=True)
    except (Unusable, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    coarse = any("float64" in kind.lacks for kind in kinds)
    rows = [] if coarse else rows
    run = Run(kinds, absent, options.out)
    run.save()
    until = run.started + 60 * options.minutes - RESERVE
    status = 0
    # Ctrl-C as well: a shell that starts a command in the background has it ignored there.
    former = {s: signal.signal(s, _stopped) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        until_cases = run.started + PART_OF_CASES * 60 * options.minutes if rows else until
        run.run_cases(folders or [*stages.values()], until_cases, options.jobs)
        last = [*stages.values()][-1]
        run.run_rows(rows, last.resolve(), options.device, options.numbers, until)
        run.seen["stopped"] = missing(run.seen) or NO_ROWS * coarse
    except Stopped as error:
        run.seen["stopped"] = f"The run was stopped ({error})."
        status = 130
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        run.save()
    print(page(run.seen))
    print(f"In {run.seen['seconds']:.0f} s; the reports are in {options.out}")
    if options.write:
        renew(options.readme, "gpu", block(options.out), command=COMMAND, write=True)
    red = any(cell["unexpected"] for cell in run.seen["cells"])
    red |= any(row["failed"] for row in run.seen["rows"])
    return status or int(red)


def missing(seen: dict[str, Any]) -> str:
    """What there was no time for, in a sentence; "" for nothing."""
    left = sum(cell["cases"] - sum(cell["counts"].values()) for cell in seen["cells"])
    here = {name.partition(" ")[0] for name in seen["versions"]}
    untimed = [
        row["title"]
        for row in seen["rows"]
        for engine in jobs.JOBS[row["job"]].engines
        if engine.partition("_")[2] in here and engine not in {**row["times"], **row["failed"]}
    ]
    parts = [f"{left} cases"] * bool(left) + [f"{len(untimed)} figures"] * bool(untimed)
    return f"The time was over before {' and '.join(parts)}." if parts else ""


def _stopped(number: int, _: Any) -> None:
    raise Stopped("from the keyboard" if number == signal.SIGINT else "asked to end from outside")


if __name__ == "__main__":
    sys.exit(main())
