"""One program at many values of one number in it: the same graph each time, other numbers in it.

`sweep(stage, program, values)` runs the program once for each value, all in one process, and
returns the trace at one of them and, in columns, what every run has computed and written. Nothing
is computed in between: a figure that shows a sweep goes in steps.

As a process (`python -m dezero_harness.tracing.sweep`) it reads a request from stdin, as
`recorder.py` does, with `texts` in place of one `text`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..execution import stage as stages
from ..execution.runner import StageError
from .recorder import MOST_NODES, TraceError, record
from .trace import TIME_LIMIT, Program, Trace, ask, trace_of


@dataclass(frozen=True)
class Sweep:
    """The runs of one program at these values, in order; `trace` is the run at `values[start]`.

    nodes: the value of each Variable of the graph, by its name in the trace, as text.
    written: for each pass, what it has written to the swept Variable's `grad`, as text.
    answers: the records themselves.
    """

    values: tuple[float, ...]
    start: int
    trace: Trace
    nodes: dict[str, list[str]]
    written: list[list[str]]
    answers: list[dict[str, Any]]

    def column(self, label: str) -> list[str]:
        """The values of the Variable with this label."""
        found = [n for n, node in self.trace["nodes"].items() if node["label"] == label]
        if not found:
            raise TraceError(f"there is no {label} in the sweep of {self.trace['name']}")
        return self.nodes[found[0]]


def sweep(
    folder: str | Path,
    program: Program,
    values: Sequence[float],
    truth: Callable[[float], Sequence[float]],
) -> Sweep:
    """Run a program at these values of its first number, `np.array(NUMBER)`.

    truth: what the passes write to x, by mathematics, at a value; a record with other numbers is
    an error, as are graphs of different shapes. The program's own number is one of the values.
    """
    stage = stages.read(folder)
    where = f"{program.name} on {stage.name}, swept"
    own = number_of(program.text)
    if own not in values:
        raise TraceError(f"{where}: its own number {own} is not one of the values")
    request = {
        "stage": str(stage.path),
        "name": f"{program.name}.py",
        "texts": [at(program.text, value) for value in values],
        "most_nodes": MOST_NODES,
    }
    answers = ask("dezero_harness.tracing.sweep", request, where, TIME_LIMIT)["records"]
    start = list(values).index(own)
    for value, answer in zip(values, answers, strict=True):
        if shape(answer) != shape(answers[start]):
            raise TraceError(f"{where}: at {value} the graph has another shape than at {own}")
    written = [
        [write["value"] for step in answer["steps"] for write in step.get("writes", [])]
        for answer in answers
    ]
    for value, wrote in zip(values, written, strict=True):
        _check(where, value, wrote, truth(value))
    variables = [n for n, node in answers[start]["nodes"].items() if node["kind"] == "variable"]
    return Sweep(
        values=tuple(values),
        start=start,
        trace=trace_of(program, stage.name, answers[start]),
        nodes={n: [answer["nodes"][n]["value"] for answer in answers] for n in variables},
        written=[list(column) for column in zip(*written, strict=True)],
        answers=answers,
    )


def number_of(text: str) -> float:
    """The number of the first `np.array(NUMBER)` of a program."""
    return float(text.partition("np.array(")[2].partition(")")[0])


def at(text: str, value: float) -> str:
    """The program with this value in place of its number."""
    before, call, rest = text.partition("np.array(")
    return f"{before}{call}{value!r}){rest.partition(')')[2]}"


def shape(answer: dict[str, Any]) -> list[Any]:
    """What has to be the same in two records: the graph and the order of the walk, no numbers.

    A step in which the program only assigns is left out: there is none where it assigns what is
    there.
    """
    nodes = [
        (n, node["name"], node.get("role"), node.get("inputs"), node.get("outputs"))
        for n, node in answer["nodes"].items()
    ]
    steps = [
        (step["kind"], step["new"], step.get("taken"))
        for step in answer["steps"]
        if step["kind"] != "compute" or step["new"]
    ]
    return [nodes, steps]


def _check(where: str, value: float, wrote: Sequence[str], known: Sequence[float]) -> None:
    for number, (got, right) in enumerate(zip(wrote, known, strict=True), start=1):
        if not math.isclose(float(got), right, rel_tol=1e-9, abs_tol=1e-9):
            raise TraceError(
                f"{where}: at {value} pass {number} has written {got}, and mathematics says {right}"
            )


def _forget_engine() -> None:
    """The next import is of an engine that nobody watches yet."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
        del sys.modules[name]


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    stage, texts = Path(request.pop("stage")), request.pop("texts")
    try:
        records = []
        for text in texts:
            _forget_engine()
            records.append(record(stage, text=text, **request))
        answer: dict[str, Any] = {"records": records}
    except (TraceError, StageError) as error:
        answer = {"failed": str(error)}
    with answers:
        json.dump(answer, answers, allow_nan=False)


if __name__ == "__main__":
    main()
