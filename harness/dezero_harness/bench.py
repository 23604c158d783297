"""How fast the stages are beside other engines: `python -m dezero_harness.bench`, `nox -s bench`.

Each engine runs in a process of its own, in one thread, and answers before it is timed: a wrong
answer is reported by name and gets no time. Then the engines take turns, one sample at a time, so
that whatever else the machine does hits all alike. A ratio is taken within each turn; reported are
its median and its quartiles.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from dezero_shared.driver import why_no_device

from . import bench_jobs, bench_plots, bench_worker
from .bench_jobs import Job
from .runner import StageError
from .stage import read

SAMPLE = 0.02  # seconds of a sample, at least; as many calls as that takes
ROUNDS = (5, 15)  # samples of each engine
BUDGET = 4.0  # seconds for all samples of a job, if the least number of rounds allows
PATIENCE = 300.0  # seconds without an answer, after which a worker is given up

#: The engines beside the stages: kind, and the heading of its column.
PEERS = {
    "series": "Taylor series",
    "by_hand": "by hand",
    "same_steps": "same steps",
    "book": "book",
    "autograd": "autograd",
    "jax": "JAX",
    "jax.jit": "JAX jit",
    "compiled": "stage in jit",
    "torch": "PyTorch",
}
#: To be installed with: what a table says of a peer that is missing.
INSTALL = {"torch": "nox -s bench -- --torch"}
#: Kinds whose memory tracemalloc sees.
ON_NUMPY = ("dezero", "by_hand", "same_steps", "book", "autograd")

THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
    "PYTHONHASHSEED": "0",
}

GROWTH_SIZES = (10**3, 10**4, 10**5, 10**6)
#: Where an engine's growth is not followed to the end, since it would take minutes.
GROWTH_LIMITS = {
    ("book", "chain"): 10**5,
    ("book", "tree"): 10**4,
    ("autograd", "chain"): 10**5,
    ("autograd", "tree"): 10**5,
}
GROWTH_KINDS = ("dezero", "book", "autograd", "torch")
NODES = 2 * 10**5

#: job, peer, and the most that our time may be of the peer's.
GOALS = (
    *((job, "torch", 0.9) for job in ("newton", "sin", "chain", "tree")),
    *((job, "torch", 1.3) for job in ("tanh4", "tanh8")),
    *((job, "autograd", 1.0) for job in ("newton", "sin", "tanh2", "tanh4", "tanh6", "tanh8")),
    *((job, "autograd", 1.0) for job in ("chain", "tree")),
    *((job, "book", 0.45) for job in ("newton", "sin", "tanh2", "tanh4", "tanh6", "tanh8")),
    *((job, "book", 0.45) for job in ("chain", "tree")),
    *((f"array-{f}{order}", "same_steps", 1.25) for f in ("poly", "sin", "tanh") for order in (1, 2)),
    *((f"jit{order}", "jax.jit", 1.05) for order in (1, 2, 3, 4)),
)

MEMORY_GOAL = 1.25  # of the peak on arrays, beside the same steps
FLAT = 1.2  # the cost of an operation among the most, beside that among the fewest

NOT_ON_A_DEVICE = (
    "Newton on 10⁷ starting points",
    "sin to order 4 on 10⁸ numbers",
    "tanh to order 4 on 10⁸ numbers",
)


class BenchError(Exception):
    """The bench cannot run, or an engine did not do its part; the message says why."""


@dataclass
class Subject:
    """An engine that takes part: a stage (kind "dezero") or a peer, in a process of its own."""

    name: str
    kind: str
    folder: str = ""
    capabilities: frozenset[str] | None = None  # of a stage; None for a peer
    version: str = ""
    absent: str = ""  # why it does not run here
    worker: Worker | None = None

    @property
    def is_stage(self) -> bool:
        return self.kind == "dezero"

    def why_not(self, job: Job) -> str | None:
        """Why this engine takes no part in the job; None if it does, "" if that needs no words."""
        method = {"book": "dezero", "jax.jit": "jax"}.get(self.kind, self.kind)
        if getattr(job, method, None) is None:
            return ""
        if self.kind in job.excluded:
            return job.excluded[self.kind]
        if self.capabilities is not None:
            lacking = [need for need in job.needs if need not in self.capabilities]
            if lacking:
                return ""
        return None

    def start(self) -> None:
        self.worker = Worker(self)
        answer = self.worker.receive()
        self.absent = answer.get("absent", "")
        if self.is_stage and self.absent:
            raise BenchError(f"{self.name}: {self.absent}")
        self.version = answer.get("version", "")
        if self.kind == "book":
            found = [file.name for file in Path(self.folder).glob("dezero-*.dist-info")]
            self.version = found[0].removesuffix(".dist-info").replace("-", " ") if found else ""
        if self.absent:
            self.stop()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Raises BenchError, naming this engine, where its worker fails."""
        if self.worker is None:
            self.start()
        assert self.worker
        self.worker.send({"do": do, **request})
        return self.worker.receive()

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.stop()
            self.worker = None


class Worker:
    """The process of one engine, and the pipes to and from it."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process is)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-u", str(bench_worker.__file__)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.output,
            env=os.environ | THREADS,
        )
        path = [str(Path(bench_worker.__file__).parents[1]), *filter(None, sys.path)]
        self.send({"kind": subject.kind, "folder": subject.folder, "path": path})

    def send(self, request: dict[str, Any]) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):  # if it has ended, that is what is received
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        try:
            line = self.process.stdout.readline()
        finally:
            patience.cancel()
        if not line:
            self.output.seek(0)
            said = self.output.read().decode(errors="replace").strip().splitlines()
            reason = said[-1] if said else f"exit status {self.process.wait()}"
            self.subject.worker = None
            raise BenchError(f"{self.subject.name}: the worker has ended: {reason}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self.subject.name}: {answer['error']}")
        return answer

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.output.close()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            with contextlib.suppress(OSError):
                pipe.close()


def check(value: Iterable[dict[str, Any]], expected: Any, tolerance: float) -> str:
    """What is wrong with this answer; empty where it is the expected one, in float64.

    tolerance: the largest error, as a part of the largest number that is expected.
    """
    expected = [np.asarray(x) for x in (expected if isinstance(expected, list) else [expected])]
    got = []
    for array in value:
        if array["dtype"] != "float64":
            return f"answers in {array['dtype']}, not in float64"
        data = np.frombuffer(base64.b64decode(array["base64"]), np.float64)
        got.append(data.reshape(array["shape"]))
    if len(got) > 1 and len(expected) == 1:
        got = [np.stack(got)]
    if [x.shape for x in got] != [x.shape for x in expected]:
        return f"answers shapes {[x.shape for x in got]}, not {[x.shape for x in expected]}"
    for x, e in zip(got, expected):
        error = np.abs(x - e)
        if not np.all(error <= tolerance * np.max(np.abs(e))):  # a nan is wrong as well
            at = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
            return f"answers {x[at]!s} where {e[at]!s} is right"
    return ""


@dataclass
class Row:
    """What became of one job: the samples of each engine, seconds for one operation."""

    job: str
    title: str
    times: dict[str, list[float]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)  # seconds for the first call
    peaks: dict[str, int] = field(default_factory=dict)  # bytes
    wrong: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The median between the lower and the upper quartile: (lower, median, upper)."""
    if len(values) == 1:
        return (values[0],) * 3
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper


def ratio(times: dict[str, list[float]], of: str, to: str) -> tuple[float, float, float] | None:
    """Quartiles of the ratio of two engines' times, taken within each round; None if not timed."""
    pairs = list(zip(times.get(of, ()), times.get(to, ())))
    return quartiles([a / b for a, b in pairs]) if pairs else None


class Bench:
    """A run: the engines, and what was measured."""

    def __init__(self, subjects: Sequence[Subject], quick: bool):
        self.subjects, self.quick = subjects, quick
        self.rows: list[Row] = []
        self.growth: list[dict[str, Any]] = []
        self.nodes: dict[str, float] = {}
        self.failures: list[str] = []

    @property
    def stages(self) -> list[Subject]:
        return [subject for subject in self.subjects if subject.is_stage]

    @property
    def ours(self) -> Subject:
        """The stage that all others are compared with: the last one that was named."""
        return self.stages[-1]

    def present(self) -> list[Subject]:
        return [subject for subject in self.subjects if not subject.absent]

    def run(self, jobs: Sequence[Job], bar: Any) -> None:
        for job in jobs:
            bar.set_description(f"{job.name:<12}")
            self.rows.append(self._row(job, bar))

    def _row(self, job: Job, bar: Any) -> Row:
        row = Row(job.name, job.title)
        taking_part = []
        for subject in self.present():
            reason = subject.why_not(job)
            if reason is None:
                taking_part.append(subject)
            elif reason:
                row.left_out[subject.name] = reason
        calls = {}
        expected = job.expected()
        for subject in list(taking_part):
            try:
                calls[subject.name] = self._prepare(subject, job, expected, row)
            except BenchError as error:
                taking_part.remove(subject)
                row.wrong[subject.name] = str(error)
                self.failures.append(f"{job.name}: {error}")
        spent = sum(calls[s.name][1] for s in taking_part) or 1.0
        least, most = (1, 1) if self.quick else ROUNDS
        rounds = max(least, min(most, int(BUDGET / spent)))
        for _ in range(rounds):
            for subject in taking_part:
                n = calls[subject.name][0]
                seconds = subject.ask("time", key="", calls=n, value=False)["seconds"]
                row.times.setdefault(subject.name, []).append(seconds / n / job.per)
            bar.update(1 / rounds)
        if isinstance(job, bench_jobs.ArrayJob):
            for subject in taking_part:
                if subject.kind in ON_NUMPY:
                    row.peaks[subject.name] = subject.ask("peak", key="")["bytes"]
        for subject in taking_part:
            subject.ask("release")
        return row

    def _prepare(
        self, subject: Subject, job: Job, expected: Any, row: Row
    ) -> tuple[int, float]:
        """Have the job ready and its answer checked; returns the calls of a sample, and its time.

        Raises BenchError, naming the engine, for a wrong answer.
        """
        seconds = subject.ask("prepare", key="", job=[job.name])["seconds"]
        answer = subject.ask("time", key="", calls=1, value=True)
        wrong = check(answer["value"], expected, job.tolerance)
        if wrong:
            raise BenchError(f"{subject.name} {wrong}")
        row.first[subject.name] = seconds + answer["seconds"]
        calls = 1
        while not self.quick:
            seconds = subject.ask("time", key="", calls=calls, value=False)["seconds"]
            if seconds > SAMPLE / 2:
                break
            calls = max(calls + 1, min(10 * calls, int(calls * SAMPLE / max(seconds, 1e-9))))
        return (1, 0.0) if self.quick else (calls, seconds)

    def run_growth(self, shapes: Sequence[str], bar: Any) -> None:
        """Cost of an operation by their number, for each shape, with and without a graph."""
        for subject in self.present() if shapes else ():
            if subject is self.ours or subject.kind in ("torch", "book"):
                subject.stop()  # in a fresh process no freed memory is used again
                n = NODES // 100 if self.quick else NODES
                self.nodes[subject.name] = subject.ask("node", n=n)["bytes"]
        sizes = GROWTH_SIZES[:2] if self.quick else GROWTH_SIZES
        for shape in shapes:
            for create_graph in (False, True):
                bar.set_description(f"growth {shape}{' graph' if create_graph else ''}")
                self._grow(shape, create_graph, sizes, bar)

    def _grow(self, shape: str, create_graph: bool, sizes: Sequence[int], bar: Any) -> None:
        runs = []
        for n in sizes:
            job = bench_jobs.make(shape, n, create_graph)
            for subject in self.present():
                fits = subject.kind in GROWTH_KINDS and subject.why_not(job) is None
                if subject.is_stage and subject is not self.ours:
                    fits = False
                if create_graph and subject.kind == "autograd":
                    fits = False  # it has no such choice
                if not fits or n > GROWTH_LIMITS.get((subject.kind, shape), n):
                    continue
                try:
                    subject.ask("prepare", key=str(n), job=[shape, n, create_graph])
                except BenchError as error:
                    self.failures.append(f"growth of {job.title}: {error}")
                    continue
                samples: list[float] = []
                runs.append((subject, n, job, samples))
                self.growth.append(
                    {
                        "shape": shape,
                        "create_graph": create_graph,
                        "n": n,
                        "engine": subject.name,
                        "times": samples,
                    }
                )
        rounds = 1 if self.quick else 5
        for turn in range(rounds):
            for subject, n, job, samples in runs:
                if turn >= 3 and n == max(GROWTH_SIZES):
                    continue
                calls = max(1, 10**4 // n)
                try:
                    answer = subject.ask("time", key=str(n), calls=calls, value=True)
                except BenchError as error:
                    self.failures.append(f"growth of {job.title}: {error}")
                    continue
                wrong = check(answer["value"], job.expected(), job.tolerance)
                if wrong:
                    self.failures.append(f"growth of {job.title}: {subject.name} {wrong}")
                    continue
                samples.append(answer["seconds"] / calls / n)
            bar.update(1 / rounds)
        for subject in {id(run[0]): run[0] for run in runs}.values():
            with contextlib.suppress(BenchError):
                subject.ask("release")

    def stop(self) -> None:
        for subject in self.subjects:
            subject.stop()


# What was measured, as text


def duration(seconds: float) -> str:
    """Three digits, in the unit that suits them: 895 us, 21.0 ms."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            break
    return f"{_digits(seconds * factor)} {unit}"


def _digits(x: float) -> str:
    if x >= 100:
        return f"{x:.0f}"
    if x >= 10:
        return f"{x:.1f}"
    return f"{x:.2f}" if x >= 0.1 else f"{x:.1g}"


def spread(found: tuple[float, float, float], full: bool) -> str:
    """A median with its quartiles, or in short with half their distance: 1.42 ±2%."""
    lower, median, upper = found
    if full:
        return f"**{_digits(median)}** ({_digits(lower)}–{_digits(upper)})"
    return f"{_digits(median)} ±{50 * (upper - lower) / median:.0f}%"


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, body), ""]


def comparison(bench: Bench, jobs: Iterable[Job], base: str, full: bool) -> list[str]:
    """A table: the base's own time, and those of the peers as multiples of it."""
    wanted = {job.name for job in jobs}
    rows = [row for row in bench.rows if row.job in wanted]
    if not rows:
        return []
    jobs_here = [bench_jobs.JOBS[row.job] for row in rows]
    peers = [
        subject
        for subject in bench.subjects
        if not subject.is_stage
        and subject.name != base
        and any(subject.why_not(job) is None for job in jobs_here)
    ]
    notes: list[str] = []
    body = []
    for row in rows:
        own = row.times.get(base)
        first = duration(statistics.median(own)) if own else "wrong" if base in row.wrong else "–"
        cells = [row.title, first]
        for peer in peers:
            found = ratio(row.times, peer.name, base)
            if found:
                cells.append(spread(found, full))
            elif peer.absent:
                cells.append("not installed")
            elif peer.name in row.wrong:
                cells.append("wrong")
            elif peer.name in row.left_out:
                note = f"{peer.name}, {row.title}: {row.left_out[peer.name]}"
                if note not in notes:
                    notes.append(note)
                cells.append(f"not run [{notes.index(note) + 1}]")
            elif peer.name in row.times:
                cells.append(duration(statistics.median(row.times[peer.name])))
            else:
                cells.append("–")
        body.append(cells)
    lines = _table(["job", base, *(peer.name for peer in peers)], body)
    for number, note in enumerate(notes, 1):
        lines.append(f"[{number}] {note}.  ")
    return [*lines, ""] if notes else lines


def by_stage(bench: Bench) -> list[str]:
    """Times of every stage, absolute."""
    body = []
    for row in bench.rows:
        times = [row.times.get(stage.name) for stage in bench.stages]
        if any(times):
            cells = [duration(statistics.median(t)) if t else "–" for t in times]
            body.append([row.title, *cells])
    return _table(["job", *(stage.name for stage in bench.stages)], body) if body else []


def growth(bench: Bench) -> dict[tuple[str, str, str], dict[int, float]]:
    """Seconds for an operation by their number, of each shape, mode and engine."""
    found: dict[tuple[str, str, str], dict[int, float]] = {}
    for g in bench.growth:
        if g["times"]:
            mode = "create_graph" if g["create_graph"] else "plain"
            by_size = found.setdefault((g["shape"], mode, g["engine"]), {})
            by_size[g["n"]] = statistics.median(g["times"])
    return found


def growth_table(bench: Bench) -> list[str]:
    """Microseconds for an operation by their number."""
    sizes = sorted({g["n"] for g in bench.growth})
    body = []
    for key, by_size in growth(bench).items():
        cells = [_digits(1e6 * by_size[n]) if n in by_size else "–" for n in sizes]
        change = by_size[max(by_size)] / by_size[min(by_size)]
        body.append([*key, *cells, f"{change:.2f}"])
    head = ["shape", "backward", "engine", *(f"{n:,}" for n in sizes), "last / first"]
    return _table(head, body) if body else []


def memory_table(bench: Bench) -> list[str]:
    rows = [row for row in bench.rows if row.peaks]
    names = [s.name for s in bench.subjects if any(s.name in row.peaks for row in rows)]
    if not rows:
        return []
    shown = [n for n in names if n not in {s.name for s in bench.stages[:-1]}]
    body = [
        [row.title, *(f"{row.peaks[n] / 2**20:.1f}" if n in row.peaks else "–" for n in shown)]
        for row in rows
    ]
    return _table(["MiB at the peak", *shown], body)


def goals(bench: Bench) -> list[tuple[str, str, float, float]]:
    """What is compared, with what, the ratio that was measured, and what it may be at most."""
    rows = {row.job: row for row in bench.rows}
    found = []
    for job, kind, most in GOALS:
        if job not in rows:
            continue
        row, peer = rows[job], PEERS[kind]
        base = PEERS["compiled"] if kind == "jax.jit" else bench.ours.name
        measured = ratio(row.times, base, peer)
        if measured:
            found.append((job, peer, measured[1], most))
        if kind == "same_steps" and {base, peer} <= set(row.peaks):
            memory = row.peaks[base] / row.peaks[peer]
            found.append((f"{job}, memory", peer, memory, MEMORY_GOAL))
    for (shape, mode, engine), by_size in growth(bench).items():
        if engine == bench.ours.name and len(by_size) > 1:
            first, last = by_size[min(by_size)], by_size[max(by_size)]
            found.append((f"{shape}, {mode}, {max(by_size):,}", f"{min(by_size):,}", last / first, FLAT))
    return found


def goals_table(bench: Bench) -> list[str]:
    body = [
        [what, beside, f"{measured:.2f}", f"{most:.2f}", "yes" if measured <= most else "**no**"]
        for what, beside, measured, most in goals(bench)
    ]
    return _table(["what", "beside", "ratio", "at most", "met"], body) if body else []


def machine() -> str:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        name = found[1] if found else name
    return f"{name}, {platform.system()}, Python {platform.python_version()}"


def versions(bench: Bench) -> str:
    return ", ".join(dict.fromkeys(s.version for s in bench.subjects if s.version))


def summary(bench: Bench, date: str, full: bool = False) -> str:
    """The tables for the README; in full, with quartiles."""
    ours = bench.ours.name
    lines = [
        f"{machine()}, {date}; {versions(bench)}. One thread, float64. The column {ours} is a time,"
        f" the median of its samples; the others are multiples of it, within rounds in which all"
        f" take turns, so 2 takes twice as long as {ours}:"
        f" the median, and {'the quartiles' if full else 'half the distance of the quartiles'}.",
        "",
    ]
    lines += comparison(bench, bench_jobs.SCALAR, ours, full)
    lines += comparison(bench, bench_jobs.ARRAY, ours, full)
    lines += comparison(bench, bench_jobs.COMPILED, PEERS["compiled"], full)
    lines += _table(["on a GPU", ""], [[what, "not run"] for what in NOT_ON_A_DEVICE])
    absent = [f"{s.name}: not installed ({s.absent})." for s in bench.subjects if s.absent]
    lines += [f"{line}\n" for line in [*absent, f"GPU: not run, {why_not_on_a_device()}."]]
    return "\n".join(lines)


def why_not_on_a_device() -> str:
    return why_no_device() or "the bench has no jobs for one yet"


def in_full(bench: Bench, date: str) -> str:
    lines = ["# The bench", "", summary(bench, date, full=True)]
    for heading, table in (
        ("Goals", goals_table(bench)),
        ("Every stage", by_stage(bench)),
        ("Growth: µs for each operation, forward and backward, by their number", growth_table(bench)),
        ("Memory", memory_table(bench)),
    ):
        if table:
            lines += [f"## {heading}", "", *table]
    if bench.nodes:
        lines += _table(
            ["engine", "bytes for each addition while its graph is alive"],
            [[name, f"{size:.0f}"] for name, size in bench.nodes.items()],
        )
    if bench.failures:
        lines += ["## Failures", "", *(f"- {failure}" for failure in bench.failures), ""]
    return "\n".join(lines)


def as_json(bench: Bench, date: str) -> dict[str, Any]:
    return {
        "date": date,
        "machine": machine(),
        "clock": bench_worker.CLOCK,
        "quick": bench.quick,
        "engines": [
            {"name": s.name, "kind": s.kind, "version": s.version, "absent": s.absent}
            for s in bench.subjects
        ],
        "ours": bench.ours.name,
        "rows": [vars(row) for row in bench.rows],
        "growth": bench.growth,
        "bytes per node": bench.nodes,
        "goals": [
            {"what": what, "beside": beside, "ratio": measured, "at most": most}
            for what, beside, measured, most in goals(bench)
        ],
        "on a GPU": {what: f"not run: {why_not_on_a_device()}" for what in NOT_ON_A_DEVICE},
        "failures": bench.failures,
    }


# The command


def chosen_jobs(only: str) -> tuple[list[Job], list[str]]:
    """The jobs of these names or beginnings of names, and the shapes whose growth is wanted."""
    everything = [*bench_jobs.JOBS.values()]
    if not only:
        return everything, list(bench_jobs.GROWTH)
    jobs: list[Job] = []
    shapes: list[str] = []
    for name in filter(None, only.split(",")):
        if name == "growth":
            shapes = list(bench_jobs.GROWTH)
            continue
        found = [job for job in everything if job.name == name] or [
            job for job in everything if job.name.startswith(name)
        ]
        if not found:
            raise BenchError(
                f"--only: there is no job {name!r}; there are {', '.join(bench_jobs.JOBS)} and"
                " growth (the beginning of a name stands for all that begin so)"
            )
        jobs += [job for job in found if job not in jobs]
    return jobs, shapes


def chosen_stages(names: str) -> list[Subject]:
    """The stages of these numbers or folders; without any, all that are in stages/."""
    known = {p.name.removeprefix("step"): p for p in sorted(Path("stages").glob("step*"))}
    wanted = names.split(",") if names else list(known)
    subjects: list[Subject] = []
    for name in wanted:
        folder = known.get(name.removeprefix("step"), Path(name))
        if not folder.is_dir():
            raise BenchError(
                f"--stages: {name!r} is no stage and no folder; the stages are"
                f" {', '.join(known) or 'not here: start in the repository'}"
            )
        try:
            stage = read(folder)
        except StageError as error:
            raise BenchError(str(error)) from None
        taken = any(subject.name == stage.name for subject in subjects)
        name = str(folder) if taken else stage.name
        subjects.append(Subject(name, "dezero", str(stage.path), stage.capabilities))
    if not subjects:
        raise BenchError("there are no stages here; name their folders, or start in the repository")
    return subjects


def chosen_peers(names: str | None, book: Path | None, ours: Subject) -> list[Subject]:
    """The engines beside the stages, as named; without names all of them."""
    wanted = list(PEERS) if names is None else [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in PEERS]
    if unknown:
        raise BenchError(f"--peers: there is no {unknown[0]!r}; there are {', '.join(PEERS)}")
    peers = []
    for kind in wanted:
        peer = Subject(PEERS[kind], kind)
        if kind in ("series", "compiled"):
            peer.folder, peer.capabilities = ours.folder, ours.capabilities
        if kind == "book":
            if book:
                peer.folder = str(book.resolve())
                if not (book / "dezero").is_dir():
                    raise BenchError(f"--book {book}: there is no package dezero in this folder")
            else:
                peer.absent = "name the folder it is in: --book"
        peers.append(peer)
    return peers


def place(folder: Path) -> None:
    """See that files can be written into this folder. Raises BenchError if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BenchError(
            f"--reports {folder}: cannot be written ({error}); name another folder"
        ) from None


_MARKED = re.compile(r"(?<=<!-- bench -->\n).*?(?=<!-- /bench -->)", re.DOTALL)


def marked(readme: Path) -> tuple[str, re.Match[str]]:
    """The text of this file, and where in it the tables stand. Raises BenchError if nowhere."""
    text = readme.read_text("utf-8") if readme.is_file() else ""
    found = _MARKED.search(text)
    if not found:
        raise BenchError(
            f"--write: {readme} has no place for the tables; put the lines <!-- bench --> and"
            " <!-- /bench --> where they shall stand"
        )
    return text, found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nox -s bench --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", metavar="JOBS", help="e.g. newton,chain,growth")
    parser.add_argument("--stages", default="", metavar="N", help="e.g. 33,36, or folders")
    parser.add_argument("--peers", metavar="NAMES", help="e.g. torch,by_hand; '' for none")
    parser.add_argument("--book", type=Path, metavar="DIR", help="where the book's dezero is")
    parser.add_argument("--torch", action="store_true", help="PyTorch too (nox installs it)")
    parser.add_argument("--quick", action="store_true", help="check all answers, time nothing")
    parser.add_argument("--write", action="store_true", help="write the tables into the README")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench and write the reports. Returns 1 where an engine failed, 2 for bad input."""
    options = parse(arguments)
    try:
        jobs, shapes = chosen_jobs(options.only)
        stages = chosen_stages(options.stages)
        subjects = [*stages, *chosen_peers(options.peers, options.book, stages[-1])]
        place(options.reports)
        if options.write:
            marked(options.readme)
        bench = Bench(subjects, options.quick)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    can = [job for job in jobs if any(stage.why_not(job) is None for stage in stages)]
    cannot = [job.name for job in jobs if job not in can]
    try:
        for subject in subjects:
            if not subject.absent:
                subject.start()
        total = len(can) + 2 * len(shapes)
        with tqdm(total=total, bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}") as bar:
            bench.run(can, bar)
            bench.run_growth(shapes, bar)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        bench.stop()

    date = datetime.date.today().isoformat()
    text = in_full(bench, date)
    json_file, full_file = options.reports / "bench.json", options.reports / "bench.md"
    json_file.write_text(json.dumps(as_json(bench, date), indent=1) + "\n", "utf-8")
    full_file.write_text(text, "utf-8")
    drawn = bench_plots.draw(bench, options.reports)
    print(text)
    if cannot:
        print(f"No stage that was named can do: {', '.join(cannot)}")
    if options.write:
        readme, found = marked(options.readme)
        new = readme[: found.start()] + summary(bench, date) + readme[found.end() :]
        options.readme.write_text(new, "utf-8")
    print("The reports are in", ", ".join(map(str, [json_file, full_file, *drawn])))
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
