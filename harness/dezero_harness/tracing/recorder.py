"""Watches an engine at work from outside, in a process of its own, and answers with plain data.

`python -m dezero_harness.tracing.recorder` reads one request (JSON) from stdin, runs its program on
the stage it names, and writes the record to what was its stdout; what the program prints goes to
stderr. `trace.py` starts it, and describes the format.

The engine holds no hooks. `Recorder.watch` puts wrappers around the four places it relies on:

- `Variable.backward(...)` is one pass, and writes `grad` before it returns;
- `Function.__call__(*inputs)` is the birth of a function, which joins the graph if it then is the
  `creator` of what it returns; it knows its `inputs`, `outputs` (weak references) and `generation`;
- `backward(*gys)` of a function takes the gradients of its outputs and returns its inputs';
- `heappush(functions, (..., function))`, a name in the module of `Variable`, puts a function into
  the queue of the pass.

While a pass goes on, Python reports every line of `Variable.backward` that runs (sys.settrace), so
that a step knows its lines of the engine's own loop; `heappop` tells where the next step begins.

An engine that works otherwise is noticed: what a Variable was seen to receive has to add up to what
is passed on or written, a function that is taken has to be one that waited, and a pass in which
nothing was taken is an error. All of them raise TraceError.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import json
import linecache
import os
import sys
import textwrap
import traceback
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from dezero_shared.arrays import as_numpy

from ..execution.runner import StageError, import_engine

MOST_NODES = 50_000  # a record of more would take gigabytes
MOST_NUMBERS = 16  # of an array that are shown one by one


class TraceError(Exception):
    """There is no trace; the message names the program and the stage, and says why."""


class Recorder:
    """What happens while a program runs: nodes as they are born, and steps.

    file: the name of the program in places. engine: the package `dezero`.
    """

    def __init__(self, engine: Any, file: str, namespace: dict[str, Any], most_nodes: int):
        self.engine, self.file, self.namespace = engine, file, namespace
        self.most_nodes = most_nodes
        self.package = Path(engine.__file__).parent
        self.nodes: dict[str, dict[str, Any]] = {}
        self.steps: list[dict[str, Any]] = []
        self._ids: dict[int, str] = {}  # id() of a Variable or Function -> its name in the record
        self._objects: dict[str, Any] = {}
        self._kept: list[Any] = []  # alive, so that no id() is given twice
        self._places: dict[int, dict[str, Any]] = {}  # of Variables that are in no graph so far
        self._constant: set[int] = set()  # id() of Variables that take no gradient
        self._watched: set[type] = set()
        self._pass: _Pass | None = None
        self._passes = 0
        self._new: list[str] = []
        self._clearable: dict[str, Any] = {}  # node -> the gradient that the last pass wrote
        self.loop: dict[str, Any] = {}  # the engine's own loop: where it stands, and its text
        self.ended = ""  # how the program has ended before its time

    def watch(self) -> None:
        """Wrap what the trace relies on. Raises TraceError where the engine has none of it."""
        variable, function = self.engine.Variable, self.engine.Function
        try:
            backward, init, call = variable.backward, variable.__init__, function.__call__
            core = sys.modules[variable.__module__]
            push = core.heappush
        except (KeyError, AttributeError) as error:
            raise TraceError(
                f"this engine cannot be watched: {error}; recorder.py says what it relies on"
            ) from None

        watching = self._lines_of(backward)

        @functools.wraps(backward)
        def one_pass(root: Any, *args: Any, **kwargs: Any) -> Any:
            given = inspect.signature(backward).bind(root, *args, **kwargs)
            given.apply_defaults()
            self._begin(root, bool(given.arguments.get("create_graph", False)))
            former = sys.gettrace()
            sys.settrace(watching)
            try:
                result = backward(root, *args, **kwargs)
            finally:
                sys.settrace(former)
            self._end()
            return result

        @functools.wraps(init)
        def made(x: Any, *args: Any, **kwargs: Any) -> None:
            init(x, *args, **kwargs)
            caller = self._caller()
            if self._is_program(caller):
                self._keep(x, self._place(caller))

        @functools.wraps(call)
        def called(f: Any, *inputs: Any) -> Any:
            self._watch_backward(type(f))
            outputs = call(f, *inputs)
            self._born(f, inputs, outputs)
            return outputs

        def arrives(waiting: list[Any], entry: tuple[Any, ...]) -> None:
            push(waiting, entry)
            if self._pass is not None:
                self._pass.arrive(self._id(entry[-1]))

        pop: Any = getattr(core, "heappop", None)

        def taken(waiting: list[Any]) -> Any:
            if self._pass is not None:
                self._pass.popped = len(self._pass.lines)
            return pop(waiting)

        variable.backward, variable.__init__, function.__call__ = one_pass, made, called
        core.heappush = arrives  # type: ignore[attr-defined]
        if pop is not None:
            core.heappop = taken  # type: ignore[attr-defined]

    def _lines_of(self, backward: Any) -> Any:
        """A trace function that notes the lines of this method which run, for the pass."""
        code: CodeType = backward.__code__
        with contextlib.suppress(OSError):  # of what was made without a file, there is no text
            text, first = inspect.getsourcelines(backward)
            self.loop = {
                "file": self._file(code.co_filename),
                "in": code.co_qualname,
                "first": first,
                "text": textwrap.dedent("".join(text)),
            }
        watched = {code, *(inner for inner in code.co_consts if isinstance(inner, CodeType))}

        def note(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line" and self._pass is not None:
                self._pass.lines.append(frame.f_lineno)
            return note

        def enter(frame: FrameType, event: str, _: Any) -> Any:
            return note if frame.f_code in watched else None

        return enter

    def _watch_backward(self, kind: type) -> None:
        for base in kind.__mro__:
            if "backward" not in vars(base) or base in self._watched:
                continue
            self._watched.add(base)
            backward = vars(base)["backward"]

            @functools.wraps(backward)
            def watched(f: Any, *gys: Any, backward: Any = backward) -> Any:
                if self._pass is None:  # the program calls it by itself
                    return backward(f, *gys)
                self._take(f, gys)
                gxs = backward(f, *gys)
                self._give(f, gxs)
                return gxs

            base.backward = watched  # type: ignore[attr-defined]

    # What the wrappers report

    def _born(self, f: Any, given: tuple[Any, ...], returned: Any) -> None:
        outputs = list(returned) if isinstance(returned, tuple | list) else [returned]
        place = self._place(self._caller())
        is_constant = all(not self._is_variable(x) or id(x) in self._constant for x in given)
        for y in outputs:
            self._keep(y, place)
            if is_constant:
                self._constant.add(id(y))
        if not any(y.creator is f for y in outputs):
            return  # computed, and not recorded
        inputs = []
        for x, as_given in zip(f.inputs, given, strict=True):
            if not self._is_variable(as_given) or id(x) not in self._places:
                self._constant.add(id(x))  # the engine has made it of an array or a number
            role = "constant" if id(x) in self._constant else "leaf"
            inputs.append(self._variable(x, role, place))
        name = self._register(f, "f")
        self.nodes[name] = {
            "kind": "function",
            "name": type(f).__name__,
            "generation": f.generation,
            "inputs": inputs,
            "outputs": [],
            "given": self._given(f),
            "made": place,
            "step": 0,
        }
        for y in outputs:
            self.nodes[name]["outputs"].append(self._variable(y, "result", place))

    def _given(self, f: Any) -> dict[str, float]:
        """The numbers that a function was made with, as the exponent of a power."""
        return {
            name: numbers(value).item()
            for name, value in vars(f).items()
            if name != "generation"
            and not isinstance(value, bool)
            and (isinstance(value, int | float) or getattr(value, "shape", None) == ())
            and numbers(value).dtype.kind in "iuf"
        }

    def _begin(self, root: Any, create_graph: bool) -> None:
        if self._pass is not None:
            raise TraceError("a backward pass inside a backward pass cannot be shown")
        self._name_variables()
        cleared = [n for n in self._clearable if self._objects[n].grad is None]
        self._step("compute", cleared=cleared, assigned=self._assigned())
        self._clearable = {}
        name = self._variable(root, "leaf", self._place(self._caller()))
        before = {n: x.grad for n, x in self._variables()}
        self._pass = _Pass(name, root.creator is not None, create_graph, before)
        self._passes += 1
        self._pass.place = self._place(self._caller())

    def _assigned(self) -> list[dict[str, str]]:
        """The leaves to whose data the program has assigned."""
        assigned = []
        for name, x in self._variables():
            node, value = self.nodes[name], describe(x)
            if node["role"] == "leaf" and value != node["values"][-1]:
                node["values"].append(value)
                assigned.append({"to": name, "value": value})
        return assigned

    def _start(self, seed: Any) -> None:
        """The first function is about to be taken: what the walk starts from is known."""
        assert self._pass
        if self._is_variable(seed) and id(seed) not in self._places:
            self._keep(seed, self._pass.place)
            self._constant.add(id(seed))
        self._pass.received[self._pass.root] = [numbers(seed)]
        self._pass.started = True
        first = self._pass.queue[:1]
        self._step(
            "start",
            root=self._pass.root,
            called=self._pass.place,
            gives=[self._gradient("", self._pass.root, seed)],
            arrived=list(first),
        )

    def _take(self, f: Any, gys: tuple[Any, ...]) -> None:
        assert self._pass
        name = self._id(f)
        lines = self._pass.lines_of_the_next()
        if not self._pass.started:
            self._start(gys[0])
        queue = list(self._pass.queue)
        if name not in queue:
            raise TraceError(
                f"{type(f).__name__} works in the backward pass, and was not seen to wait in the "
                f"queue: {self._waiting()}; is the walk still ordered by heappush?"
            )
        self._step("pass", **self._pass.unfinished)
        self._pass.lines = lines
        self._pass.queue.remove(name)
        takes = []
        for y, gy in zip(self.nodes[name]["outputs"], gys, strict=True):
            if gy is None or y not in self._pass.received:
                continue  # nothing came this way
            self._check_sum(y, self._pass.received[y], gy, "passed on")
            takes.append(self._gradient(y, name, gy))
        self._step("take", taken=name, takes=takes, waiting=queue, why=self._why(name, queue))

    def _why(self, name: str, queue: list[str]) -> str:
        """alone, latest (generation) or first (to come, among those of the latest generation)."""
        generations = {other: self.nodes[other]["generation"] for other in queue}
        latest = max(generations.values())
        equals = [other for other in queue if generations[other] == latest]
        if name != equals[0]:
            raise TraceError(
                f"{self._title(name)} is taken before {self._title(equals[0])}: {self._waiting()}; "
                f"the order of the walk is no longer by generation, first come first served"
            )
        return "alone" if len(queue) == 1 else "latest" if len(equals) == 1 else "first"

    def _give(self, f: Any, gxs: Any) -> None:
        assert self._pass
        name, gives = self._id(f), list[dict[str, Any]]()
        for x, gx in zip(f.inputs, gxs if isinstance(gxs, tuple | list) else (gxs,), strict=True):
            if gx is None:
                continue
            given = self._gradient(name, self._id(x), gx)
            if id(x) in self._constant:  # has taken it if it has a gradient in the end
                self._pass.doubtful.append((x, numbers(gx), given, gives))
                continue
            gives.append(given)
            self._pass.received.setdefault(given["to"], []).append(numbers(gx))
        # Written down when the next function is taken: until then it is added up, and waits.
        self._pass.arrived = []
        self._pass.unfinished = {"taken": name, "gives": gives, "arrived": self._pass.arrived}

    def _end(self) -> None:
        assert self._pass
        now, root = self._pass, self._pass.root
        lines = now.lines_of_the_end()
        if now.has_graph and not now.started:
            raise TraceError(
                "a backward pass in which no function was seen to be taken: the engine no longer "
                "calls backward(*gys) of its functions, or calls them where they are not watched"
            )
        if not now.started:  # of a leaf
            self._start(self._objects[root].grad)
        self._step("pass", **now.unfinished)
        now.lines = lines
        if now.queue:
            raise TraceError(f"the pass has ended, though there are functions left: {now.queue}")
        for x, gx, given, gives in now.doubtful:
            if x.grad is not None and x.grad is not now.before.get(given["to"]):
                gives.append(given)
                now.received.setdefault(given["to"], []).append(gx)
        writes = []
        for name, x in self._variables():
            if x.grad is None or x.grad is now.before.get(name):
                continue
            parts = now.received.get(name, [])
            old = now.before.get(name)
            added = old is not None and name != root and x.creator is None
            self._check_sum(name, parts + [numbers(old)] if added else parts, x.grad, "written")
            gradient = x.grad
            if self._is_variable(gradient):
                self._keep(gradient, now.place)
                self._constant.discard(id(gradient))  # from now on it is the user's
            creator = getattr(gradient, "creator", None)
            write = {
                "to": name,
                "value": describe(gradient),
                "is": self._ids.get(id(gradient), ""),
                "creator": self._ids.get(id(creator), ""),
                "is_array": not self._is_variable(gradient),
            }
            writes.append(write | ({"added_to": describe(old)} if added else {}))
            self._clearable[name] = gradient
        if not writes:
            raise TraceError("a backward pass that was seen to write no gradient anywhere")
        self._name_variables()
        self._step("write", writes=writes)
        self._pass = None

    def is_between_passes(self) -> bool:
        return self._pass is None

    def finish(self) -> dict[str, Any]:
        """The record, when the program has ended. Raises TraceError if there was no pass in it."""
        if not self._passes:
            raise TraceError("the program has called backward() of no Variable: nothing to show")
        self._name_variables()
        self._step("compute", assigned=self._assigned(), ended=self.ended)
        for step in self.steps:
            for flow in step.get("takes", []) + step.get("gives", []):
                flow["is"] = self._ids.get(flow["is"], "")
        return {"nodes": self.nodes, "steps": self.steps, "loop": self.loop}

    def _step(self, kind: str, **facts: Any) -> None:
        """Note a step, unless it is one of nothing at all."""
        if kind in ("compute", "pass") and not self._new and not any(facts.values()):
            return
        step = {"kind": kind, "pass": self._passes, "new": self._new, **facts}
        if self._pass:
            step |= {"create_graph": self._pass.create_graph, "queue": list(self._pass.queue)}
            step["loop"] = sorted(set(self._pass.lines))
            self._pass.lines = []
            if kind == "pass":
                self._pass.unfinished = {}
        for name in self._new:
            self.nodes[name]["step"] = len(self.steps)
        self.steps.append(step)
        self._new = []

    def _check_sum(self, name: str, parts: list[np.ndarray], total: Any, done: str) -> None:
        expected, total = sum(parts[1:], parts[0]) if parts else None, numbers(total)
        if expected is not None and expected.shape == total.shape:
            loose = 1e-2 if total.dtype.itemsize < 4 else 1e-5  # parts may be rounded by their sum
            scale = max([float(np.max(np.abs(part), initial=0)) for part in parts])
            if np.allclose(total, expected, rtol=loose, atol=loose * scale, equal_nan=True):
                return
        raise TraceError(
            f"the trace does not add up: {self._title(name)} has received {len(parts)} gradients "
            f"with the sum {expected}, and {total} is {done}; gradients flow where recorder.py "
            f"does not look, or the engine adds them up wrongly"
        )

    def _waiting(self) -> str:
        assert self._pass
        queue = [f"{self._title(n)} ({self.nodes[n]['generation']})" for n in self._pass.queue]
        return f"waiting are {', '.join(queue) or 'none'}"

    def _title(self, name: str) -> str:
        return self.nodes[name]["name"] or name

    # Nodes

    def _is_variable(self, x: Any) -> bool:
        return isinstance(x, self.engine.Variable)

    def _variables(self) -> list[tuple[str, Any]]:
        return [(n, x) for n, x in self._objects.items() if self._is_variable(x)]

    def _keep(self, x: Any, place: dict[str, Any]) -> None:
        if id(x) not in self._places:
            self._kept.append(x)
            self._places[id(x)] = place

    def _register(self, x: Any, letter: str) -> str:
        count = len(self.nodes)
        if count >= self.most_nodes:
            raise TraceError(
                f"the graph is too large to be recorded: it has more than {count} nodes; watch a "
                f"smaller program"
            )
        name = f"{letter}{count}"
        self._ids[id(x)], self._objects[name] = name, x
        self._new.append(name)
        return name

    def _variable(self, x: Any, role: str, place: dict[str, Any]) -> str:
        if id(x) in self._ids:
            return self._ids[id(x)]
        self._keep(x, place)
        name = self._register(x, "v")
        self.nodes[name] = {
            "kind": "variable",
            "name": "",
            "role": role,
            "generation": x.generation,
            "value": describe(x),
            "values": [describe(x)],
            "shape": list(x.shape),
            "dtype": str(x.dtype),
            "made": self._places[id(x)],
            "step": 0,
        }
        return name

    def _id(self, x: Any) -> str:
        try:
            return self._ids[id(x)]
        except KeyError:
            raise TraceError(
                f"the backward pass came to {type(x).__name__} that was not seen when it was made; "
                f"are functions still called by Function.__call__?"
            ) from None

    def _gradient(self, source: str, target: str, gradient: Any) -> dict[str, Any]:
        return {
            "from": source,
            "to": target,
            "value": describe(gradient),
            "is": id(gradient),  # finish() puts the node in its place, if it has become one
        }

    def _name_variables(self) -> None:
        """A Variable is called by its own name, or else as the program calls it."""
        called: dict[int, str] = {}
        for name, x in self.namespace.items():
            if self._is_variable(x):
                called.setdefault(id(x), name)
        for name, x in self._variables():
            own = x.name if x.name is not None else called.get(id(x))
            if own is not None and (x.name is not None or not self.nodes[name]["name"]):
                shown = "".join(c if c.isprintable() else " " for c in str(own))
                self.nodes[name]["name"] = shown

    # Places in code

    def _caller(self) -> FrameType:
        """The call that the engine or the program has made, and not the wrappers around it."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        assert frame
        return frame

    def _is_program(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        return not (self._is_engine(file) or "dezero_shared" in Path(file).parts)

    def _is_engine(self, file: str) -> bool:
        return self.package in Path(file).parents

    def _place(self, frame: FrameType) -> dict[str, Any]:
        """The line that says more than `return Mul()(x0, x1)`, which is where each Mul is made."""
        code = frame.f_code
        is_operator = "." not in code.co_qualname and code.co_name != "<module>"
        if self._is_engine(code.co_filename) and is_operator and frame.f_back:
            frame = self._beyond_operators(frame.f_back)
        code = frame.f_code
        within = code.co_qualname.partition(".<locals>")[0]
        return {
            "file": self._file(code.co_filename),
            "line": frame.f_lineno,
            "in": "" if within == "<module>" else within,
            "code": linecache.getline(code.co_filename, frame.f_lineno).strip(),
        }

    def _beyond_operators(self, frame: FrameType) -> FrameType:
        while frame.f_code.co_qualname.startswith("Variable.__") and frame.f_back:
            frame = frame.f_back
        return frame

    def _file(self, file: str) -> str:
        if self._is_engine(file):
            return Path(file).relative_to(self.package.parent).as_posix()
        parts = Path(file).parts
        if "dezero_shared" in parts:
            return "/".join(parts[parts.index("dezero_shared") :])
        return Path(file).name


class _Pass:
    """One backward pass while it goes on."""

    def __init__(self, root: str, has_graph: bool, create_graph: bool, before: dict[str, Any]):
        self.root, self.has_graph = root, has_graph
        self.create_graph, self.before = create_graph, before
        self.place: dict[str, Any] = {}
        self.started = False
        self.queue: list[str] = []  # in the order of arrival
        self.seen: set[str] = set()
        self.arrived: list[str] = []
        self.received: dict[str, list[np.ndarray]] = {}
        self.doubtful: list[tuple[Any, np.ndarray, dict[str, Any], list]] = []
        self.unfinished: dict[str, Any] = {}
        self.lines: list[int] = []  # of the engine's loop, since the last step
        self.popped = 0  # how many there were when a function was taken out of the queue
        self.at_call = 0  # the line in which the function that was taken is called

    def lines_of_the_next(self) -> list[int]:
        """Take out the lines of a step in which a function was taken: `while`, pop, call."""
        start = max(0, self.popped - 2)
        mine, self.lines = self.lines[start:], self.lines[:start]
        self.at_call = mine[-1] if mine else 0
        return mine

    def lines_of_the_end(self) -> list[int]:
        """Take out the lines after the last function was done with."""
        if not self.started or self.at_call not in self.lines:
            return []
        start = len(self.lines) - self.lines[::-1].index(self.at_call)
        mine, self.lines = self.lines[start:], self.lines[:start]
        return mine

    def arrive(self, function: str) -> None:
        if function not in self.seen:
            self.seen.add(function)
            self.queue.append(function)
            self.arrived.append(function)


def numbers(x: Any) -> np.ndarray:
    """What a Variable, an array or a number holds, as a NumPy array of its own."""
    return np.array(as_numpy(x))


def describe(x: Any) -> str:
    """The numbers of a Variable or array as text, exact unless there are many of them."""
    values = numbers(x)
    if values.size <= MOST_NUMBERS:
        return str(values.tolist())
    least, greatest = values.min().item(), values.max().item()
    return f"{values.size} numbers of shape {values.shape}, from {least} to {greatest}"


def record(
    stage: Path, name: str, text: str, most_nodes: int = MOST_NODES, may_fail: bool = False
) -> dict[str, Any]:
    """Run the text of a program on the stage in this folder, and watch.

    may_fail: an error of the program, outside of a pass, ends the record and is told there.
    Raises TraceError, or StageError where the stage cannot be imported.
    """
    sys.path.insert(0, str(stage))
    import_engine(stage)
    engine = importlib.import_module("dezero")
    sys.argv = [name]
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": name}
    recorder = Recorder(engine, name, namespace, most_nodes)
    where = f"{name} on {stage.name}"
    try:
        recorder.watch()
        exec(compile(text, name, "exec"), namespace)
        return recorder.finish()
    except TraceError as error:
        raise TraceError(f"{where}: {error}") from None
    except SystemExit as error:
        raise TraceError(f"{where}: the program has ended itself ({error})") from None
    except Exception as error:
        line = next(
            (f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name),
            getattr(error, "lineno", None),
        )
        code = f"line {line}: {linecache.getline(name, line).strip()}: " if line else ""
        if may_fail and recorder.steps and recorder.is_between_passes():
            recorder.ended = f"{code}{type(error).__name__}: {error}"
            return recorder.finish()
        raise TraceError(
            f"{where} fails: {code}{type(error).__name__}: {error}; the stage cannot run this "
            f"program, or there is a mistake in this line"
        ) from error


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    try:
        stage = Path(request.pop("stage"))
        answer = record(stage, **request)
    except (TraceError, StageError) as error:
        answer = {"failed": str(error)}
    with answers:
        json.dump(answer, answers, allow_nan=False)


if __name__ == "__main__":
    main()
