"""One run of the bench: the engines take turns, each in a process of its own.

An engine answers before it is timed: a wrong answer is reported by name and gets no time. One
sample at a time, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..execution.pipes import Worker, WorkerError
from . import cluster, worker
from .jobs import OF_THE_TREE, ArrayJob, Job, make

SAMPLE = 0.02  # seconds of a sample, at least; as many calls as that takes
ROUNDS = (5, 15)  # samples of each engine
BUDGET = 2.0  # seconds for all samples of a job, if the least number of rounds allows
PATIENCE = 300.0  # seconds without an answer, after which a worker is given up

#: Kinds that run what is written for another.
SAME = {"book": "dezero", "bare": "dezero", "jax.jit": "jax", "jet.jit": "jet"}
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

#: The numbers of the example on a cluster, the workers, and how often each is measured.
CLUSTER_SIZE = 10**8
CLUSTER_WORKERS = (0, 1, 2)
CLUSTER_ROUNDS = 3

GROWTH_SIZES = (10**3, 10**4, 10**5, 10**6)
#: Where an engine's growth is not followed to the end, since it would take minutes.
GROWTH_LIMITS = {
    ("book", "chain"): 10**5,
    ("book", "tree"): 10**4,
    ("autograd", "chain"): 10**4,
    ("autograd", "tree"): 10**4,
}
GROWTH_KINDS = ("dezero", "book", "autograd", "torch")
#: Samples, where four would take minutes and one is an average over as many operations anyway.
GROWTH_TURNS = {10**5: 1, 10**6: 1}
NODES = 2 * 10**5


class BenchError(Exception):
    """The bench cannot run, or an engine did not do its part; the message says why."""


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
    jobs: str = "dezero_harness.bench.jobs"  # the module whose `make` makes the jobs
    env: Mapping[str, str] = field(default_factory=lambda: THREADS)
    patience: float = PATIENCE

    @property
    def is_stage(self) -> bool:
        return self.kind == "dezero"

    def why_not(self, job: Job) -> str | None:
        """Why this engine takes no part in the job; None if it does, "" if that needs no words."""
        method = SAME.get(self.kind, self.kind)
        if not hasattr(job, method) or self.kind in job.silent:
            return ""
        if self.kind in job.excluded:
            return job.excluded[self.kind]
        if self.capabilities is not None:
            lacking = [need for need in job.needs if need not in self.capabilities]
            if lacking:
                return ""
        return None

    def start(self) -> None:
        command = [sys.executable, "-I", "-S", "-u", str(worker.__file__)]
        self.worker = Worker(command, os.environ | self.env)
        path = [str(Path(worker.__file__).parents[2]), *filter(None, sys.path)]
        settings = {"kind": self.kind, "folder": self.folder, "path": path, "jobs": self.jobs}
        answer = self._exchange(settings)
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
        return self._exchange({"do": do, **request})

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.worker
        self.worker.send(request)
        try:
            answer = self.worker.receive(self.patience)
        except WorkerError as error:
            last = self.worker.printed().strip().splitlines()[-1:]
            self.stop()
            raise BenchError("; ".join([f"{self.name}: {error}", *last])) from None
        if "error" in answer:
            raise BenchError(f"{self.name}: {answer['error']}")
        return answer

    def stop(self) -> None:
        if self.worker is not None:
            self.worker.kill()
            self.worker = None


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


class Bench:
    """A run: the engines, and what was measured."""

    def __init__(self, subjects: Sequence[Subject], quick: bool):
        self.subjects, self.quick = subjects, quick
        self.rows: list[Row] = []
        self.growth: list[dict[str, Any]] = []
        self.nodes: dict[str, float] = {}
        self.cluster: list[dict[str, Any]] = []
        self.without_cluster = ""  # why it was not measured
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
            if reason is None and self.quick and subject.kind in job.slow:
                reason = "not in a quick run: its first call takes many seconds"
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
        if self.quick:  # the call that was checked is the only one
            row.times = {s.name: [row.first[s.name] / job.per] for s in taking_part}
            bar.update(1)
        else:
            self._take_turns(taking_part, calls, job, row, bar)
        if isinstance(job, ArrayJob):
            for subject in taking_part:
                if subject.kind in ON_NUMPY:
                    row.peaks[subject.name] = subject.ask("peak", key="")["bytes"]
        for subject in taking_part:
            subject.ask("release")
        return row

    def _take_turns(
        self,
        subjects: list[Subject],
        calls: dict[str, tuple[int, float]],
        job: Job,
        row: Row,
        bar: Any,
    ) -> None:
        least, most = ROUNDS
        whole = sum(seconds for _, seconds in calls.values())
        rounds = max(least, min(most, int(BUDGET / whole))) if whole else 0
        for _ in range(rounds):
            for subject in subjects:
                n = calls[subject.name][0]
                seconds = subject.ask("time", key="", calls=n, value=False)["seconds"]
                row.times.setdefault(subject.name, []).append(seconds / n / job.per)
            bar.update(1 / rounds)

    def _prepare(self, subject: Subject, job: Job, expected: Any, row: Row) -> tuple[int, float]:
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
        sizes = (100, 1000) if self.quick else GROWTH_SIZES
        for shape in shapes:
            for create_graph in (False, True):
                bar.set_description(f"growth {shape}{' graph' if create_graph else ''}")
                self._grow(shape, create_graph, sizes, bar)
        for shape in OF_THE_TREE if "tree" in shapes else ():
            bar.set_description(shape)
            self._grow(shape, False, sizes, bar)

    def _grow(self, shape: str, create_graph: bool, sizes: Sequence[int], bar: Any) -> None:
        runs = []
        for n in sizes:
            job = make(shape, n, create_graph)
            for subject in self.present():
                fits = subject.kind in GROWTH_KINDS and subject.why_not(job) is None
                if (subject.is_stage or shape in OF_THE_TREE) and subject is not self.ours:
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
        rounds = 1 if self.quick else 4
        for turn in range(rounds):
            for subject, n, job, samples in runs:
                if turn >= GROWTH_TURNS.get(n, rounds):
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

    def run_cluster(self, bar: Any) -> None:
        """The last stage's example on Dask, alone and on processes of this machine, in turns."""
        size = 10**6 if self.quick else CLUSTER_SIZE
        rounds = 1 if self.quick else CLUSTER_ROUNDS
        bar.set_description("cluster")
        path = os.pathsep.join(filter(None, sys.path))
        for _ in range(rounds):
            for workers in CLUSTER_WORKERS:
                command = [sys.executable, cluster.__file__, self.ours.folder, str(size)]
                done = subprocess.run(
                    [*command, str(workers)],
                    capture_output=True,
                    text=True,
                    env=os.environ | THREADS | {"PYTHONPATH": path},
                    timeout=PATIENCE,
                )
                last = done.stderr.strip().splitlines()[-1:]
                if done.returncode:
                    if "ModuleNotFoundError" in done.stderr:
                        self.without_cluster = "".join(last)
                        return
                    self.failures.append(f"cluster of {workers}: {''.join(last)}")
                    return
                answer = json.loads(done.stdout)
                if not np.allclose(answer["means"], answer["expected"], rtol=1e-10, atol=0):
                    self.failures.append(f"cluster of {workers}: answers {answer['means']}")
                    return
                self.cluster.append(answer)
                bar.update(1 / rounds / len(CLUSTER_WORKERS))

    def stop(self) -> None:
        for subject in self.subjects:
            subject.stop()
