"""What the bench has measured, as pictures."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from .measure import Bench
from .report import growth, ratio

#: Of each kind of engine: its colour and its mark. The palette is Okabe and Ito's.
LOOKS = {
    "dezero": ("#000000", "o"),
    "series": ("#009E73", "P"),
    "by_hand": ("#999999", "|"),
    "same_steps": ("#999999", "x"),
    "bare": ("#999999", "1"),
    "book": ("#E69F00", "s"),
    "autograd": ("#CC79A7", "D"),
    "jax": ("#0072B2", "^"),
    "jax.jit": ("#56B4E9", "v"),
    "compiled": ("#882255", "+"),
    "torch": ("#D55E00", "o"),
    "jet": ("#F0E442", "<"),
    "jet.jit": ("#F0E442", ">"),
    "heyoka": ("#AA4499", "*"),
}


def draw(bench: Bench, folder: Path) -> list[Path]:
    """Draw what there is to draw as PNG files in this folder; returns them."""
    drawn = []
    for name, there, picture in (
        ("bench-ratios", any(len(row.times) > 1 for row in bench.rows), ratios),
        ("bench-orders", any(row.job.startswith("tanh") for row in bench.rows), orders),
        ("bench-growth", growth(bench), growths),
    ):
        if there:
            file = folder / f"{name}.png"
            picture(bench).savefig(file, dpi=130)
            drawn.append(file)
    return drawn


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # without pyplot: no window, whatever the backend

    return Figure((width, height), layout="constrained")


def ratios(bench: Bench) -> Any:
    """Each engine's time beside ours, with its quartiles, job by job."""
    rows = [row for row in bench.rows if bench.ours.name in row.times][::-1]
    figure = _figure(10, 2 + 0.32 * len(rows))
    axes = figure.add_subplot()
    axes.axvline(1.0, color="black", label=bench.ours.name)
    for subject in bench.subjects:
        if subject.is_stage:
            continue
        found = [
            (at, ratio(row.times, subject.name, bench.ours.name)) for at, row in enumerate(rows)
        ]
        points = [(at, *quartiles) for at, quartiles in found if quartiles]
        if points:
            at, lower, median, upper = zip(*points)
            colour, mark = LOOKS[subject.kind]
            axes.plot(median, at, mark, color=colour, label=subject.name, markersize=7)
            axes.hlines(at, lower, upper, color=colour)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [row.title for row in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.grid(axis="both", alpha=0.3)
    axes.set_xlabel(f"time as a multiple of {bench.ours.name}'s (left of the line: faster)")
    axes.set_title("The same job on other engines")
    figure.legend(loc="outside right upper")
    return figure


def orders(bench: Bench) -> Any:
    """The time of tanh's derivative by its order."""
    rows = [(int(row.job[4:]), row) for row in bench.rows if row.job.startswith("tanh")]
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    for subject in bench.subjects:
        if subject.is_stage and subject is not bench.ours:
            continue
        points = [
            (order, 1e6 * statistics.median(row.times[subject.name]))
            for order, row in rows
            if subject.name in row.times
        ]
        if points:
            colour, mark = LOOKS[subject.kind]
            axes.plot(*zip(*points), marker=mark, color=colour, label=subject.name)
    axes.set_yscale("log")
    axes.set_xticks([order for order, _ in rows])
    axes.grid(alpha=0.3)
    axes.set_xlabel("order of the derivative")
    axes.set_ylabel("time in µs")
    axes.set_title("The derivatives of tanh at 1")
    figure.legend(loc="outside right upper")
    return figure


def growths(bench: Bench) -> Any:
    """The cost of an operation by their number: flat, if an engine is as it should be."""
    found = growth(bench)
    kinds = {subject.name: subject.kind for subject in bench.subjects}
    panels = list(dict.fromkeys((shape, mode) for shape, mode, _ in found))
    figure = _figure(10, 3.5 * ((len(panels) + 1) // 2))
    grid = figure.subplots((len(panels) + 1) // 2, 2, squeeze=False, sharex=True, sharey=True)
    labelled: dict[str, Any] = {}
    for axes, panel in zip(grid.flat, panels):
        for (shape, mode, engine), by_size in found.items():
            if (shape, mode) == panel:
                colour, mark = LOOKS[kinds[engine]]
                sizes = sorted(by_size)
                (line,) = axes.plot(
                    sizes, [1e6 * by_size[n] for n in sizes], marker=mark, color=colour
                )
                labelled.setdefault(engine, line)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.set_title(f"{panel[0]}, {panel[1]} backward")
        axes.set_xlabel("number of additions")
        axes.set_ylabel("µs for each")
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    figure.legend(labelled.values(), labelled.keys(), loc="outside right upper")
    figure.suptitle("Cost of an addition, forward and backward, by their number")
    return figure
