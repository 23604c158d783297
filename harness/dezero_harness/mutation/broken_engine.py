"""The process in which a broken engine runs the cases: `detection.py` starts one for each.

`python -m dezero_harness.mutation.broken_engine STAGE FILE` does the same for one stage, for a
mutation tester: it ends with status 1 where a case is red. FILE holds the statements that have
noticed, the last first.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import cases
from ..execution import judge, runner
from ..execution import stage as stages
from ..model import arrays
from ..model.case import Case

try:
    import resource
except ImportError:  # Windows has no such limits; how long a process may be silent holds there too
    resource = None  # type: ignore[assignment]

MEMORY = 4 * 2**30  # bytes that a broken engine may take
LIMIT = 10.0  # seconds of processor time for a case

Say = Callable[[dict[str, str]], object]


def work_in_a_process(
    stage: str, order: int, of: str, every: bool, first: Sequence[str], limit: float, sender: Any
) -> None:
    """As `work` does, saying it in JSON by `sender`; what the engine prints is nobody's."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(stage).parents[1] / "shared"))

    def say(line: dict[str, str]) -> None:
        sender.send_bytes(json.dumps(line).encode())

    try:
        work(stage, order, of, every, first, limit, say)
    except BaseException as error:
        say({"end": f"{type(error).__name__}: {error}"})


def work(
    stage: str, order: int, of: str, every: bool, first: Sequence[str], limit: float, say: Say
) -> bool:
    """Run the cases, and say which one starts and which is red. True: none was.

    `first` holds statements: a hint where to begin. With `every` the order is the catalogue's.
    """
    limit_memory()
    limit_time(limit)
    prelude = arrays.array_kind("numpy").prelude
    loaded = stages.load(stage)
    import dezero_shared

    assert Path(stage).resolve().parents[1] in Path(str(dezero_shared.__file__)).parents, (
        "another shared"
    )

    found = []

    def red(case: Case) -> bool:
        say({"started": case.statement})
        limit_time(limit)
        observed = runner.run(case.program, prelude, case.id, warns=case.warns).observed
        unexpected = judge.judge(case, observed, loaded.capabilities).outcome == "unexpected"
        found.extend([case] * unexpected)
        return unexpected

    if order:
        say({"end": wrong_order(cases.ALL, order, of, red, say)})
        return not found
    place = {} if every else {statement: number for number, statement in enumerate(first)}
    for case in sorted(cases.ALL, key=lambda case: place.get(case.statement, len(place))):
        if red(case):
            say({"red": case.statement})
            if not every:
                break
    say({"end": ""})
    return not found


def wrong_order(catalogue: Sequence[Case], order: int, of: str, red: Any, say: Say) -> str:
    """Is a wrong derivative reported at its order and operation, and at none below?"""
    known = {case.statement: case for case in catalogue}
    for lower in range(1, order):
        if red(known[f"derivative {lower} of {of} is right"]):
            return f"derivative {lower} of {of} is red already"
    case = known[f"derivative {order} of {of} is right"]
    if red(case):
        say({"red": case.statement})
    return ""


def limit_memory() -> None:
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_time(seconds: float) -> None:
    """From now on the process may take this many more seconds (rounded up) of processor time."""
    if resource is not None:
        most = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 1, most))


def main(stage: str, file: str) -> int:
    noticed = Path(file).read_text("utf-8").splitlines() if Path(file).exists() else []

    def say(line: dict[str, str]) -> None:
        if red := line.get("red"):
            Path(file).write_text("\n".join(dict.fromkeys([red, *noticed])) + "\n", "utf-8")

    return 0 if work(stage, 0, "", False, noticed, LIMIT, say) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
