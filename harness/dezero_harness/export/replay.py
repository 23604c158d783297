"""The exported cases on an engine behind an adapter: what an implementer in Python would write.

`python -m dezero_harness.export.replay FILE --engine torch` judges the engine by the file alone;
without FILE it answers on stdout what is asked on stdin, as `--engine-command` does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import adapters
from ..adapters import bridge
from .questions import from_data, wrong
from .recording import Step, to_data


class Engine:
    """The steps, on a class Variable and functions that are called as the book calls them."""

    def __init__(self, variable: Any, functions: Mapping[str, Any]):
        self.variable, self.functions = variable, functions

    def answers(self, steps: Sequence[Step], asked: Iterable[str]) -> dict[str, Any]:
        """The numbers of what is asked for, after these steps. Raises NotStated."""
        named: dict[str, Any] = {}
        for step in steps:
            made = getattr(self, step["do"])(step, named)
            if "name" in step:
                named[step["name"]] = made
        return {name: None if named[name] is None else named[name].data for name in asked}

    def leaf(self, step: Step, named: Mapping[str, Any]) -> Any:
        numbers = named[step["of"]].data if "of" in step else from_data(step["data"])
        return self.variable(np.array(numbers, dtype=float))

    def apply(self, step: Step, named: Mapping[str, Any]) -> Any:
        inputs = [
            named[x] if isinstance(x, str) else from_data(x["number"]) for x in step["inputs"]
        ]
        name = step["operation"]
        if name in bridge.SIGNS:
            return bridge.SIGNS[name](*inputs)
        given = [step[key] for key in ("axis", "keepdims", "shape", "axes") if key in step]
        return self.functions[name](*inputs, *given)

    def walk(self, step: Step, named: Mapping[str, Any]) -> None:
        root = named[step["root"]]
        if "seed" in step:
            root.grad = named[step["seed"]]
        root.backward(create_graph=step["create_graph"])

    def gradient(self, step: Step, named: Mapping[str, Any]) -> Any:
        x = named[step["of"]]
        if x.grad is None and "otherwise" in step:
            return self.variable(np.zeros_like(x.data))
        return x.grad

    def clear(self, step: Step, named: Mapping[str, Any]) -> None:
        named[step["of"]].cleargrad()

    def put(self, step: Step, named: Mapping[str, Any]) -> None:
        named[step["on"]].grad = named[step["gradient"]]

    def assign(self, step: Step, named: Mapping[str, Any]) -> None:
        named[step["to"]].data = np.array(named[step["of"]].data)


def verdict(engine: Engine, case: Mapping[str, Any]) -> tuple[str, str]:
    """passed, wrong, skipped or error, and why."""
    tolerance = case["tolerance"]
    limits = (from_data(tolerance["rel"]), from_data(tolerance["abs"]), tolerance["ulps"])
    try:
        with np.errstate(all="ignore"):
            values = engine.answers(case["steps"], case["asked"])
    except bridge.NotStated as why:
        return "skipped", f"the adapter states no {why}"
    except Exception as error:
        return "error", f"{type(error).__name__}: {error}"
    for check in case["checks"]:
        got = values[check["value"]]
        found = wrong(check, got if got is None else np.asarray(got).tolist(), limits)
        if found:
            return "wrong", found
    return "passed", ""


def converse(engine: Engine, name: str) -> None:
    """A line of JSON for each line of JSON, until there are no more."""
    for line in sys.stdin:
        request = json.loads(line)
        reply: dict[str, Any] = {"id": request["id"], "engine": name}
        try:
            with np.errstate(all="ignore"):
                values = engine.answers(request["steps"], request["asked"])
            reply["values"] = {
                key: value if value is None else to_data(np.asarray(value))
                for key, value in values.items()
            }
        except bridge.NotStated as why:
            reply["skipped"] = f"no {why}"
        except Exception as error:
            reply["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(reply), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where nothing is wrong, 1 where something is, 2 where there is nothing to judge."""
    parser = argparse.ArgumentParser(prog="python -m dezero_harness.export.replay")
    parser.add_argument("file", nargs="?", type=Path, help="what nox -s export has written")
    parser.add_argument("--engine", default="small", help="as pytest's option takes it")
    parser.add_argument("--report", type=Path, help="the verdicts, in JSON")
    options = parser.parse_args(arguments)
    try:
        adapter = bridge.load(adapters.find(options.engine))
        getattr(adapter, "warm_up", lambda: None)()
        engine = Engine(*bridge.book_like(adapter))
        if options.file is None:
            converse(engine, options.engine)
            return 0
        content = json.loads(options.file.read_text("utf-8"))
        suite, cases = content["suite"], content["cases"]
    except (bridge.AdapterError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ValueError, KeyError, TypeError):
        print(f"{options.file} is no file that nox -s export has written", file=sys.stderr)
        return 2
    verdicts = {case["id"]: verdict(engine, case) for case in cases}
    for case, (outcome, why) in verdicts.items():
        if outcome != "passed":
            print(f"{outcome}: {case}: {why}")
    if options.report:
        options.report.write_text(json.dumps(verdicts, indent=1), "utf-8")
    found = Counter(outcome for outcome, _ in verdicts.values())
    counts = ", ".join(f"{n} {outcome}" for outcome, n in found.most_common())
    print(f"suite {suite}, {len(cases)} cases: {counts}")
    return 1 if found["wrong"] + found["error"] else 0


if __name__ == "__main__":
    sys.exit(main())
