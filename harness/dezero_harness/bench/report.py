"""What the bench has measured: ratios, goals, and tables in Markdown."""

from __future__ import annotations

import contextlib
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .jobs import ANY_ORDER, ARRAY, COMPILED, GROWTH, JOBS, SCALAR, Job
from .measure import Bench
from .worker import CLOCK

#: The engines beside the stages: kind, and the heading of its column.
PEERS = {
    "series": "Taylor series",
    "by_hand": "by hand",
    "same_steps": "same steps",
    "bare": "bare engine",
    "book": "book",
    "autograd": "autograd",
    "jax": "JAX",
    "jax.jit": "JAX jit",
    "compiled": "stage in jit",
    "torch": "PyTorch",
    "jet": "jet",
    "jet.jit": "jet in jit",
    "heyoka": "heyoka",
}
#: How a peer comes into the table that a session does not install by itself.
INSTALL = {"torch": "nox -s bench -- --torch", "book": "--book DIR"}
#: job, peer, and the most that our time may be of the peer's.
GOALS = (
    *((job, "torch", 0.9) for job in ("newton", "sin", "tanh2")),
    *((job, "torch", 1.0) for job in ("tanh4", "tanh6", "chain")),
    *(("tanh8", "torch", 1.1), ("tree", "torch", 0.65), ("double", "torch", 0.85)),
    *((job, "torch", 1.0) for job in ("array-poly1", "array-poly2")),
    *((job, "torch", 1.3) for job in ("array-tanh1", "array-tanh2")),
    *((job, "torch", 1.3) for job in ("hvp1000", "hvp1000000", "penalty")),
    *((job, "autograd", 1.0) for job in ("newton", "sin", "tanh2", "tanh4", "tanh6", "tanh8")),
    *((job, "autograd", 1.0) for job in ("chain", "tree")),
    *((job, "book", 0.48) for job in ("newton", "chain")),
    *(
        (f"array-{f}{order}", "same_steps", 1.05)
        for f in ("poly", "sin", "tanh")
        for order in (1, 2)
    ),
    *((f"jit{order}", "jax.jit", 1.05) for order in (1, 2, 3, 4)),
    *((job.name, "jet", 1.0) for job in ANY_ORDER),
)
#: Whose time is compared where it is not that of the last stage.
BASES = {"jax.jit": "compiled", "jet": "series"}

MEMORY_GOAL = 1.25  # of the peak on arrays, beside the same steps
FLAT = 1.2  # the cost of an operation among the most, beside that among the fewest


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
    jobs_here = [JOBS[row.job] for row in rows]
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


def compile_table(bench: Bench) -> list[str]:
    """The first call of what is compiled: tracing and compiling, and then one run."""
    names = [
        s.name for s in bench.subjects if s.kind in ("jax.jit", "compiled", "jet.jit", "heyoka")
    ]
    body = [
        [row.title, *(duration(row.first[n]) if n in row.first else "–" for n in names)]
        for row in bench.rows
        if any(n in row.first for n in names)
    ]
    return _table(["first call", *names], body) if body else []


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
        node = bench.nodes.get(key[2])
        body.append([*key, *cells, f"{change:.2f}", f"{node:.0f}" if node else "–"])
    head = ["shape", "backward", "engine", *(f"{n:,}" for n in sizes), "last / first", "bytes"]
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


def cluster_table(bench: Bench) -> list[str]:
    """Seconds on a cluster, and the part of its workers' time in which none computes."""
    runs: dict[int, list[dict[str, Any]]] = {}
    for run in bench.cluster:
        runs.setdefault(run["workers"], []).append(run)
    body = []
    for workers, some in runs.items():
        times = [run["seconds"] for run in some]
        lower, median, upper = quartiles(times)
        shares = [1 - run["computing"] / run["seconds"] / workers for run in some if workers]
        body.append(
            [
                f"{workers} worker{'s' * (workers > 1)}" if workers else "no cluster, one process",
                f"{duration(median)} ±{50 * (upper - lower) / median:.0f}%",
                f"{statistics.median(shares):.0%}" if shares else "–",
            ]
        )
    if not body:
        return []
    size = bench.cluster[0]["size"]
    title = f"out_of_core, means of sin and 4 derivatives, {size:.0e} numbers".replace("e+0", "e")
    head = [title, "by the clock", "of it scheduling, transfer, waiting"]
    return _table(head, body)


def goals(bench: Bench) -> list[tuple[str, str, float, float]]:
    """What is compared, with what, the ratio that was measured, and what it may be at most."""
    rows = {row.job: row for row in bench.rows}
    found = []
    for job, kind, most in GOALS:
        if job not in rows:
            continue
        row, peer = rows[job], PEERS[kind]
        base = PEERS[BASES[kind]] if kind in BASES else bench.ours.name
        measured = ratio(row.times, base, peer)
        if measured:
            found.append((job, peer, measured[1], most))
        if kind == "same_steps" and {base, peer} <= set(row.peaks):
            memory = row.peaks[base] / row.peaks[peer]
            found.append((f"{job}, memory", peer, memory, MEMORY_GOAL))
    for (shape, mode, engine), by_size in growth(bench).items():
        if engine == bench.ours.name and shape in GROWTH and len(by_size) > 1:
            first, last = by_size[min(by_size)], by_size[max(by_size)]
            found.append(
                (f"{shape}, {mode}, {max(by_size):,}", f"{min(by_size):,}", last / first, FLAT)
            )
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
        f"{machine()}, {date}; {versions(bench)}. One thread, float64, the garbage collector on."
        f" The column {ours} is a time,"
        f" the median of its samples; the others are multiples of it, within rounds in which all"
        f" take turns, so 2 takes twice as long as {ours}:"
        f" the median, and {'the quartiles' if full else 'half the distance of the quartiles'}.",
        "",
    ]
    lines += comparison(bench, SCALAR, ours, full)
    lines += comparison(bench, ARRAY, ours, full)
    lines += comparison(bench, COMPILED, PEERS["compiled"], full)
    lines += comparison(bench, ANY_ORDER, PEERS["series"], full)
    lines += cluster_table(bench)
    if bench.without_cluster:
        lines.append(f"out_of_core on a cluster: not measured, {bench.without_cluster}.\n")
    for peer in bench.subjects:
        if peer.absent:
            way = f"; for it: {INSTALL[peer.kind]}" if peer.kind in INSTALL else ""
            lines.append(f"{peer.name}: not installed ({peer.absent}){way}.\n")
    return "\n".join(lines)


def in_full(bench: Bench, date: str) -> str:
    lines = ["# The bench", ""]
    if bench.quick:
        lines += [
            "**A quick run: the answers are right, and no figure here is a measurement.**",
            "",
        ]
    lines.append(summary(bench, date, full=True))
    for heading, table in (
        ("Goals", goals_table(bench)),
        ("Every stage", by_stage(bench)),
        ("Compiling", compile_table(bench)),
        (
            "Growth: µs for each operation, forward and backward, by their number",
            growth_table(bench),
        ),
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
        "clock": CLOCK,
        "quick": bench.quick,
        "engines": [
            {"name": s.name, "kind": s.kind, "version": s.version, "absent": s.absent}
            for s in bench.subjects
        ],
        "ours": bench.ours.name,
        "rows": [vars(row) for row in bench.rows],
        "growth": bench.growth,
        "bytes per node": bench.nodes,
        "cluster": bench.cluster,
        "goals": [
            {"what": what, "beside": beside, "ratio": measured, "at most": most}
            for what, beside, measured, most in goals(bench)
        ],
        "failures": bench.failures,
    }
