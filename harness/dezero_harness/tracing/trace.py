"""What an engine does in a backward pass, step by step: recorded from a real run, told in words.

    python -m dezero_harness.tracing --stage stages/step33 second_derivative

prints the steps; a PROGRAM is one of PROGRAMS, or the path of a script. `--json FOLDER` writes each
trace as data, `--html FILE` a page to step through them.

A trace is a dict of plain data (JSON):

- `name`, `title`, `stage`, `text`: the program, and the stage that ran it;
- `results`: what the passes have to write, by mathematics: `{"pass": 1, "to": "x", "value": 24.0}`;
- `nodes`: by name (`v0`, `f1`), in the order of their birth. Every node has a `kind`
  (variable or function), a `label` that no other node has, the index `step` of the step in which
  it appears, and the place where it was `made`: `file`, `line`, `code`, and `in`, the function. A
  variable has `name`, `value` (text; exact if there are few numbers), `values` (also those that the
  program assigned later), `shape`, `dtype`, `generation` and a `role`: leaf, constant (takes no
  gradient) or result. A function has `name`, `generation`,
  `inputs` and `outputs` (nodes), and `given`, the numbers that it was made with, by name;
- `loop`: the engine's own walk: `file`, `in`, the line where it is `first`, and its `text`;
- `steps`: each with its `kind`, the number of the backward `pass`, the `new` nodes, `create_graph`,
  the `queue` after it (functions, in the order of arrival), a `text`, and in a pass the lines of
  the `loop` that ran in it. The kinds:
  `compute`: the program has computed, `cleared` gradients or `assigned` data, or has `ended` in an
    error;
  `start`: a pass starts at `root`, `called` in a line; `gives` is the gradient it starts from;
  `take`: of the functions `waiting`, one is `taken`, with the gradients that it `takes`;
    `why` is alone, latest (generation) or first (to come, among those of the latest generation);
  `pass`: the function `taken` `gives` gradients to its inputs, and their creators have `arrived`;
  `write`: the pass ends, and `writes` gradients: `to`, `value`, `creator`, `is_array`, and
    `added_to` where a gradient of an earlier pass was there.
  What is taken, given and written has a `value`, and in `is` the node that it becomes, if any.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..execution import stage as stages
from .recorder import MOST_NODES, TraceError

TIME_LIMIT = 120.0  # seconds for one program

Trace = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program to watch.

    chapters: the stages on whose pages it stands. results: what each of its passes writes to the
    Variable of this name, by mathematics; a record with other numbers is an error. may_fail: it may
    end in an error, which is told.
    """

    name: str
    title: str
    text: str
    chapters: tuple[int, ...] = ()
    results: tuple[tuple[str, float], ...] = ()
    source: str = ""
    tolerance: float = 1e-13  # relative, of the results
    may_fail: bool = False


FIRST = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(2.0), "x")
y = x**4 - 2 * x**2
y.backward()
"""

SECOND = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(2.0), "x")
y = x**4 - 2 * x**2
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
gx.backward()
"""

DOUBLE = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(2.0), "x")
y = x**2
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
z = gx**3 + y
z.backward()
"""


NEWTON = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(2.0), "x")
for i in range(2):
    y = x**4 - 2 * x**2
    x.cleargrad()
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    gx.backward()
    x.data = x.data - gx.data / x.grad.data
"""


def newton_gradients(steps: int, start: float = 2.0) -> tuple[float, ...]:
    """f' and f'' of x^4 - 2x^2 at the start and after each step but the last."""
    found, x = list[float](), start
    for _ in range(steps):
        first, second = 4 * x**3 - 4 * x, 12 * x**2 - 4
        found += [first, second]
        x -= first / second
    return tuple(found)


def repeated(function: str, order: int, recorded: bool = False) -> str:
    """A program for this derivative of a function of dezero.functions at 1, by as many passes.

    recorded: with create_graph in the last pass, too.
    """
    lines = [
        "import numpy as np",
        f"from dezero.functions import {function}",
        "from dezero import Variable",
        "",
        'x = Variable(np.array(1.0), "x")',
        f"y = {function}(x)",
        'y.name = "y"',
    ]
    root = "y"
    for i in range(1, order + 1):
        if i > 1:
            lines.append("x.cleargrad()")
        flag = "create_graph=True" if i < order or recorded else ""
        lines += [f"{root}.backward({flag})", f"gx{i} = x.grad"]
        if flag:
            lines.append(f'gx{i}.name = "gx{i}"')
        root = f"gx{i}"
    return "\n".join([*lines, ""])


def tanh_derivatives(order: int, at: float = 1.0) -> tuple[float, ...]:
    """The first derivatives of tanh at a point: d/dx p(t) = p'(t) (1 - t^2) for a polynomial p."""
    t = math.tanh(at)
    polynomial = {1: 1}  # exponent of t -> coefficient, a whole number
    derivatives = []
    for _ in range(order):
        following: Counter[int] = Counter()
        for n, c in polynomial.items():
            if n:
                following[n - 1] += n * c
                following[n + 1] -= n * c
        polynomial = dict(following)
        derivatives.append(math.fsum(c * t**n for n, c in polynomial.items()))
    return tuple(derivatives)


PROGRAMS = {
    program.name: program
    for program in (
        Program(
            name="first_derivative",
            title="y = x**4 - 2 * x**2: one pass, with gradients that are arrays",
            text=FIRST,
            chapters=(31,),
            results=(("x", 24.0),),
            source="calculus: 4x^3 - 4x at 2",
        ),
        Program(
            name="second_derivative",
            title="y = x**4 - 2 * x**2: a first pass that builds a graph, a second that walks it",
            text=SECOND,
            chapters=(32,),
            results=(("x", 24.0), ("x", 44.0)),
            source="calculus: 4x^3 - 4x, then 12x^2 - 4, at 2",
        ),
        Program(
            name="newton",
            title="Newton's method: two steps, each of two passes",
            text=NEWTON,
            chapters=(33,),
            results=tuple(("x", value) for value in newton_gradients(2)),
            source="calculus: 4x^3 - 4x and 12x^2 - 4, at 2 and at 2 - 24/44",
        ),
        Program(
            name="sin",
            title="sin, to its third derivative",
            text=repeated("sin", 3),
            chapters=(34,),
            results=(("x", math.cos(1)), ("x", -math.sin(1)), ("x", -math.cos(1))),
            source="calculus: cos, -sin, -cos at 1",
        ),
        Program(
            name="tanh",
            title="tanh, to its second derivative",
            text=repeated("tanh", 2),
            chapters=(35,),
            results=tuple(("x", value) for value in tanh_derivatives(2)),
            source="calculus: 1 - t^2, then -2t (1 - t^2), with t = tanh 1",
        ),
        Program(
            name="double_backprop",
            title="Double backprop: a gradient inside a formula that is differentiated again",
            text=DOUBLE,
            chapters=(36,),
            results=(("x", 4.0), ("x", 100.0)),
            source="calculus: 2x, then with z = 8x^3 + x^2 dz/dx = 24x^2 + 2x, at 2",
        ),
    )
}


def without_graphs(program: Program) -> Program:
    """The same program with create_graph off in every pass."""
    text = program.text.replace("create_graph=True", "create_graph=False")
    return replace(program, name=f"{program.name}_off", text=text, results=(), may_fail=True)


def find_program(name: str) -> Program:
    """A program by its name, or a script by its path. Raises TraceError where there is neither."""
    if name in PROGRAMS:
        return PROGRAMS[name]
    path = Path(name)
    if path.suffix != ".py" or not path.is_file():
        raise TraceError(
            f"{name} is neither a program ({', '.join(PROGRAMS)}) nor the path of a script that is "
            f"there (.py)"
        )
    return Program(name=path.stem, title=path.name, text=path.read_text("utf-8"))


def record(
    folder: str | Path,
    program: Program,
    time_limit: float = TIME_LIMIT,
    most_nodes: int = MOST_NODES,
) -> Trace:
    """Run a program on the stage in this folder, in a process of its own, and return its trace.

    Raises StageError for a folder without a stage that works, and TraceError where the program
    fails, takes too long or has too large a graph, where there was nothing to see, and where a pass
    has written other numbers than the program's `results`.
    """
    stage = stages.read(folder)
    where = f"{program.name} on {stage.name}"
    request = {
        "stage": str(stage.path),
        "name": f"{program.name}.py",
        "text": program.text,
        "most_nodes": most_nodes,
        "may_fail": program.may_fail,
    }
    answer = ask("dezero_harness.tracing.recorder", request, where, time_limit)
    trace = trace_of(program, stage.name, answer)
    _check_results(trace, where, program.tolerance)
    return trace


def ask(module: str, request: dict[str, Any], where: str, time_limit: float) -> Any:
    """What this module answers to a request, in a process of its own. Raises TraceError."""
    # This harness and what it stands on, also where they are not installed.
    path = os.pathsep.join(entry for entry in sys.path if entry)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            input=json.dumps(request),
            capture_output=True,
            encoding="utf-8",
            timeout=time_limit,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except subprocess.TimeoutExpired:
        raise TraceError(
            f"{where}: after {time_limit:.0f} s the program was still running, and was stopped; "
            f"watch a smaller one"
        ) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise TraceError(
            f"{where}: the process that ran the program has ended with status {done.returncode} "
            f"and no trace; it said: {done.stderr.strip()[-500:] or 'nothing'}"
        ) from None
    if "failed" in answer:
        raise TraceError(answer["failed"])
    return answer


def trace_of(program: Program, stage: str, answer: dict[str, Any]) -> Trace:
    """A record as a trace: its nodes with labels, and its steps in words."""
    trace = {
        "name": program.name,
        "title": program.title,
        "stage": stage,
        "text": program.text,
        "results": [
            {"pass": i, "to": name, "value": value}
            for i, (name, value) in enumerate(program.results, start=1)
        ],
        **answer,
    }
    _put_labels(trace["nodes"])
    narrator = Narrator(trace)
    for step in trace["steps"]:
        step["text"] = narrator.step(step)
    return trace


def _check_results(trace: Trace, where: str, tolerance: float) -> None:
    for result in trace["results"]:
        written = written_in(trace, result["pass"])
        value = written.get(result["to"], "nothing")
        known = result["value"]
        if value == "nothing" or not math.isclose(float(value), known, rel_tol=tolerance):
            raise TraceError(
                f"{where}: pass {result['pass']} has written {value} to {result['to']}.grad, and "
                f"mathematics says {known}"
            )


def written_in(trace: Trace, number: int) -> dict[str, str]:
    """What this pass (from 1) has written: the label of each Variable, and the numbers as text."""
    return {
        trace["nodes"][write["to"]]["label"]: write["value"]
        for step in trace["steps"]
        if step["kind"] == "write" and step["pass"] == number
        for write in step["writes"]
    }


# Words


def short(value: str) -> str:
    """A number in at most six characters or four digits; any other text unchanged."""
    try:
        return value if len(value) <= 6 else f"{float(value):.4g}"
    except ValueError:
        return value


def listed(things: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(things[:-1]), *things[-1:]]))


def counted(number: int, thing: str) -> str:
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def _put_labels(nodes: dict[str, dict[str, Any]]) -> None:
    """Give every node a label of its own: `Mul 2`, `x`, `result of Mul 2`, `constant 2`."""
    kinds = Counter(node["name"] for node in nodes.values() if node["kind"] == "function")
    count: Counter[str] = Counter()
    creators = {}
    for node in nodes.values():
        if node["kind"] == "function":
            count[node["name"]] += 1
            several = kinds[node["name"]] > 1
            node["label"] = f"{node['name']} {count[node['name']]}" if several else node["name"]
            outputs = node["outputs"]
            for i, output in enumerate(outputs, start=1):
                which = f"output {i}" if len(outputs) > 1 else "result"
                creators[output] = f"{which} of {node['label']}"
    taken: Counter[str] = Counter()
    for name, node in nodes.items():
        if node["kind"] == "function":
            continue
        value = short(node["value"])
        label = node["name"] or creators.get(name)
        if label is None:
            label = f"{node['role']} {value}"
        taken[label] += 1
        node["label"] = label if taken[label] == 1 else f"{label} ({taken[label]})"


class Narrator:
    """The steps of a trace in words."""

    def __init__(self, trace: Trace):
        self.nodes = trace["nodes"]
        self.received: set[str] = set()  # the Variables that have a gradient in this pass

    def step(self, step: dict[str, Any]) -> str:
        return getattr(self, f"_{step['kind']}")(step)

    def _label(self, name: str) -> str:
        return self.nodes[name]["label"]

    def _the(self, name: str) -> str:
        label = self._label(name)
        return label if self.nodes[name]["name"] else f"the {label}"

    def _labels(self, names: list[str]) -> str:
        return listed([self._label(name) for name in names])

    def _functions(self, names: list[str]) -> list[str]:
        return [name for name in names if self.nodes[name]["kind"] == "function"]

    def _compute(self, step: dict[str, Any]) -> str:
        cleared = listed([f"{self._label(name)}.grad" for name in step.get("cleared", [])])
        says = [f"The program clears {cleared}."] if cleared else []
        for assigned in step.get("assigned", []):
            target = f"{self._label(assigned['to'])}.data"
            says.append(f"The program assigns {short(assigned['value'])} to {target}.")
        functions = self._functions(step["new"])
        if functions:
            last = self.nodes[functions[-1]]["outputs"][-1]
            says.append(
                f"The program computes {self._the(last)} = {short(self.nodes[last]['value'])} by "
                f"{counted(len(functions), 'function')}: {self._labels(functions)}."
            )
            if step["pass"] == 0:
                says.append("A function remembers its inputs, and a result its creator.")
        if step.get("ended"):
            says.append(f"The program ends here, in {step['ended']}.")
        return " ".join(says)

    def _start(self, step: dict[str, Any]) -> str:
        root = self._the(step["root"])
        (gives,) = step["gives"]
        self.received = {step["root"]}
        flag = "create_graph=True" if step["create_graph"] else ""
        begin = (
            f"Pass {step['pass']}: {self._label(step['root'])}.backward({flag}) starts at {root} "
            f"with the gradient {short(gives['value'])}."
        )
        if not step["arrived"]:
            return f"{begin} It has no creator, so there is nothing to walk through."
        (first,) = step["arrived"]
        generation = self.nodes[first]["generation"]
        return f"{begin} Its creator {self._label(first)} (generation {generation}) waits."

    def _take(self, step: dict[str, Any]) -> str:
        taken = self._label(step["taken"])
        generation = self.nodes[step["taken"]]["generation"]
        others = [name for name in step["waiting"] if name != step["taken"]]
        equals = [name for name in others if self.nodes[name]["generation"] == generation]
        why = {
            "alone": "it is the only one that waits",
            "latest": f"its generation {generation} is the latest of all that wait",
            "first": f"{generation} is the latest generation that waits, and it came before "
            f"{self._labels(equals)}",
        }[step["why"]]
        gradients = [
            f"{short(t['value'])}, the gradient of {self._the(t['from'])}" for t in step["takes"]
        ]
        return f"{taken} is taken: {why}. It is given {listed(gradients)}."

    def _pass(self, step: dict[str, Any]) -> str:
        taken = self._label(step["taken"]) if "taken" in step else "The walk"
        gives = [self._given(gradient) for gradient in step.get("gives", [])]
        says = [f"{taken} passes {listed(gives)}." if gives else f"{taken} passes nothing on."]
        if step.get("arrived"):
            verb = "joins" if len(step["arrived"]) == 1 else "join"
            waiting = [
                f"{self._label(name)} (generation {self.nodes[name]['generation']})"
                for name in step["arrived"]
            ]
            says.append(f"{listed(waiting)} {verb} the queue.")
        says.append(self._recorded(step))
        return " ".join(filter(None, says))

    def _given(self, gradient: dict[str, Any]) -> str:
        target = gradient["to"]
        again = ", where it is added to what was there" if target in self.received else ""
        self.received.add(target)
        return f"{short(gradient['value'])} to {self._the(target)}{again}"

    def _recorded(self, step: dict[str, Any]) -> str:
        functions = self._functions(step["new"])
        if not functions:
            return ""
        new = self._labels(functions)
        return f"create_graph is on, so what was computed for this is recorded: new are {new}."

    def _write(self, step: dict[str, Any]) -> str:
        says = ["Nothing waits any more: the pass ends."]
        for write in step["writes"]:
            target = f"{self._label(write['to'])}.grad"
            if "added_to" in write:
                says.append(f"{target} was {write['added_to']}, and that is added to.")
            says.append(f"{target} is {write['value']};")
            if write["is_array"]:
                says.append("it is an array, which has no creator: there is nothing behind it.")
            elif write["creator"]:
                creator = self._label(write["creator"])
                says.append(f"its creator is {creator}, so it can be differentiated in turn.")
            else:
                constant = "it is a constant" if step["create_graph"] else "nothing was recorded"
                says.append(f"it has no creator, for {constant}.")
        says.append(self._recorded(step))
        return " ".join(filter(None, says))
