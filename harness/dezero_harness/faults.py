"""Planted faults: is every broken engine caught, and by which case?

`python -m dezero_harness.faults` copies `stages` and `shared`, plants one fault of `planted.py` and
`planted.toml` at a time, in every stage that it concerns, and runs the cases on the broken copy in
a process of its own. A fault that no case notices fails the run, and so does one that no longer
applies.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .case import Case

try:
    import resource
except ImportError:  # Windows has no such limits; how long a process may be silent holds there too
    resource = None  # type: ignore[assignment]

PARTS = ("stages", "shared/dezero_shared")
NEEDED = ("arrays", "cases", "faults", "judge", "runner", "stage")  # by a process that hunts
OUT_OF_TIME = getattr(signal, "SIGXCPU", 0)
MEMORY = 4 * 2**30  # bytes that a broken engine may take
FRESH = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, as a replacement in one file, in the stages from `since` to `until`.

    file: in a stage's package or, as `shared/NAME.py`, in what the stages share; `core.py` means
    `core_simple.py` in a stage that has no other. The old text has to be there `count` times.
    order, of: in a wrong derivative, the first order that is wrong, and the operation's words in
    the statements `derivative N of WORDS is right`: the cases of lower orders have to stay green.
    """

    name: str
    file: str
    old: str
    new: str
    since: int = 31
    until: int = 36
    count: int = 1
    order: int = 0
    of: str = ""

    def path(self, root: Path, stage: int) -> Path:
        if self.file.startswith("shared/"):
            return root / "shared" / "dezero_shared" / self.file.removeprefix("shared/")
        package = root / "stages" / f"step{stage}" / "dezero"
        simple = self.file == "core.py" and not (package / self.file).exists()
        return package / ("core_simple.py" if simple else self.file)

    @property
    def stages(self) -> range:
        return range(self.since, self.until + 1)

    def misfit(self, root: Path) -> str:
        """Why this fault cannot be planted as it says, or nothing."""
        for stage in self.stages:
            file = self.path(root, stage)
            found = file.read_text("utf-8").count(self.old) if file.exists() else 0
            if found != self.count:
                return (
                    f"step{stage}: {self.old!r} is {found} times in {self.file}, not {self.count}"
                )
        return ""

    def plant(self, root: Path, stage: int, folder: Path) -> Path:
        """Copy what a stage needs into `folder`, break it, and return the broken stage."""
        for part in ("shared/dezero_shared", f"stages/step{stage}/dezero"):
            shutil.copytree(root / part, folder / part, ignore=FRESH)
        broken = folder / "stages" / f"step{stage}"
        shutil.copy(root / "stages" / broken.name / "pyproject.toml", broken)
        file = self.path(folder, stage)
        file.write_text(file.read_text("utf-8").replace(self.old, self.new), "utf-8")
        return broken


@dataclass(frozen=True)
class Caught:
    """What became of one fault in one stage.

    cases: the statements that told; without --all the first alone.
    """

    fault: str
    stage: int
    how: str  # "case", "hangs", "survives", "error"
    cases: tuple[str, ...]
    says: str


Say = Callable[[dict[str, str]], object]


@cache
def processes() -> Any:
    """Where a process starts in milliseconds: forked off one that has all but the engine imported.

    That one is left alone by who edits the harness meanwhile. On Windows processes start anew.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.{name}" for name in NEEDED])
    return context


def hunt(
    fault: Fault, stage: int, root: Path, limit: float, every: bool, first: Sequence[str] = ()
) -> Caught:
    """Run the cases on one broken copy, in a process of its own; those of `first` come first.

    A case is given `limit` seconds of processor time, and its process four times as long to say
    anything at all.
    """
    with tempfile.TemporaryDirectory() as folder:
        broken = fault.plant(root, stage, Path(folder))
        receiver, sender = processes().Pipe(duplex=False)
        task = (str(broken), fault.order, fault.of, every, tuple(first), limit)
        process = processes().Process(target=_work_in_a_process, args=(*task, sender), daemon=True)
        process.start()
        sender.close()
        lines: list[dict[str, str]] = []
        silent = False
        with receiver, contextlib.suppress(EOFError):
            while not (lines and "end" in lines[-1]):
                if silent := not receiver.poll(4 * limit):
                    break
                lines.append(json.loads(receiver.recv_bytes()))
        if not lines or "end" not in lines[-1]:
            process.join(0 if silent else 4 * limit)
        status = process.exitcode
        process.kill()
        process.join()
    red = tuple(line["red"] for line in lines if "red" in line)
    if silent or status == -OUT_OF_TIME:
        at = next((line["started"] for line in reversed(lines) if "started" in line), "the import")
        return Caught(fault.name, stage, "hangs", (at,), f"still in this case after {limit:.0f} s")
    if not lines or "end" not in lines[-1]:
        return Caught(fault.name, stage, "error", red, f"the process ended, status {status}")
    if early := lines[-1]["end"]:
        return Caught(fault.name, stage, "error", red, early)
    return Caught(fault.name, stage, "case" if red else "survives", red, "")


def _work_in_a_process(
    stage: str, order: int, of: str, every: bool, first: Sequence[str], limit: float, sender: Any
) -> None:
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
    """In the worker: run the cases, and say which one starts and which is red. True: none was.

    `first` holds statements: a hint where to begin. With `every` the order is the catalogue's.
    """
    limit_memory()
    from . import arrays, cases, judge, runner
    from . import stage as stages

    prelude = arrays.array_kind("numpy").prelude
    limit_time(limit)
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


def results(
    faults: Sequence[Fault],
    stages: Sequence[int],
    root: Path,
    jobs: int,
    limit: float,
    every: bool,
    hints: Mapping[str, Sequence[str]],
) -> Iterator[Caught]:
    """What became of each fault in each stage; the case that told in one is tried first in the next.

    `hints` are the statements that have told of a fault, by its name, in an earlier run.
    """
    from tqdm import tqdm

    planted = {fault: [stage for stage in fault.stages if stage in stages] for fault in faults}
    total = sum(map(len, planted.values()))
    with (
        tqdm(total=total, unit="engine", file=sys.stderr) as bar,
        ThreadPoolExecutor(jobs) as pool,
    ):

        def run(fault: Fault) -> list[Caught]:
            found: list[Caught] = []
            told = dict.fromkeys(hints.get(fault.name, ()))
            for stage in planted[fault]:
                found.append(hunt(fault, stage, root, limit, every, list(told)))
                if found[-1].how == "case":
                    told = dict.fromkeys([*found[-1].cases, *told])
                bar.update()
            return found

        for task in as_completed([pool.submit(run, fault) for fault in planted]):
            yield from task.result()


def told_before(report: Path) -> dict[str, list[str]]:
    """The statements that told of each fault when this report was written; nothing without one."""
    hints: dict[str, list[str]] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for engine in json.loads(report.read_text("utf-8"))["engines"]:
            if engine["how"] == "case":
                hints.setdefault(engine["fault"], []).extend(engine["cases"][:1])
    return hints


def table(faults: Sequence[Fault], caught: Sequence[Caught]) -> Iterator[str]:
    """A paragraph for each fault: where it was planted, and what told."""
    for number, fault in enumerate(faults, 1):
        mine = [one for one in caught if one.fault == fault.name]
        where = f"{fault.since}" if fault.since == fault.until else f"{fault.since}-{fault.until}"
        yield f"{number:>4}  {fault.name}  [{fault.file}, step {where}]"
        ways: dict[tuple[str, ...], list[int]] = {}
        for one in mine:
            more = f" and {len(one.cases) - 1} more" if len(one.cases) > 1 else ""
            way = (one.how, (one.cases[0] if one.cases else "") + more, one.says)
            ways.setdefault(way, []).append(one.stage)
        for (how, case, says), stages in sorted(ways.items(), key=lambda item: item[1]):
            text = ": ".join(part for part in ("" if how == "case" else how, case, says) if part)
            yield f"      {','.join(map(str, sorted(stages)))}: {text}"


def work_in_this_process(stage: str, first: Path, limit: float) -> int:
    """What a mutation tester starts: 1 where a case is red. It is written to `first`, line one."""
    told = first.read_text("utf-8").splitlines() if first.exists() else []

    def say(line: dict[str, str]) -> None:
        if red := line.get("red"):
            first.write_text("\n".join(dict.fromkeys([red, *told])) + "\n", "utf-8")
        elif line.get("end"):
            print(line["end"], file=sys.stderr)

    return 0 if work(stage, 0, "", False, told, limit, say) else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s faults --", description=__doc__)
    parser.add_argument("-k", default="", metavar="TEXT", help="only faults whose name has this")
    parser.add_argument("--stage", type=int, nargs="*", metavar="N", help="in these stages only")
    parser.add_argument("--all", action="store_true", help="run every case: count all that tell")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--limit", type=float, default=10.0, help="processor seconds for a case")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="holds stages and shared")
    parser.add_argument("--report", type=Path, default=Path("reports/faults.json"))
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work_in_this_process(options.worker, options.first, options.limit)
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # for the processes to come

    from .planted import FAULTS

    misfits = [f"{fault.name}: {why}" for fault in FAULTS if (why := fault.misfit(options.root))]
    if misfits:
        print("These faults no longer apply:", *misfits, sep="\n  ", file=sys.stderr)
        return 2
    chosen = [fault for fault in FAULTS if options.k in fault.name]
    if not chosen:
        parser.error(f"no fault has {options.k!r} in its name")
    stages = options.stage or range(31, 37)
    with tempfile.TemporaryDirectory() as folder:
        # Someone may go on working in the tree: what is broken and judged here stays as it is now.
        for part in PARTS:
            shutil.copytree(options.root / part, Path(folder) / part, ignore=FRESH)
        how = (options.jobs, options.limit, options.all, told_before(options.report))
        found = results(chosen, stages, Path(folder), *how)
        caught = sorted(found, key=lambda one: (one.fault, one.stage))
    options.report.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "faults": [asdict(fault) for fault in chosen],
        "engines": [asdict(one) for one in caught],
        "summary": Counter(one.how for one in caught),
    }
    options.report.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(*table(chosen, caught), sep="\n")
    loose = [one for one in caught if one.how in ("survives", "error")]
    counts = Counter(one.how for one in caught)
    words = ", ".join(f"{counts[how]} {how}" for how in ("case", "hangs", "survives", "error"))
    print(f"\n{len(chosen)} faults, {len(caught)} broken engines: {words}")
    for one in loose:
        print(
            f"NOT CAUGHT  step{one.stage}: {one.fault} ({one.how}{': ' * bool(one.says)}{one.says})"
        )
    print(f"The report is in {options.report}")
    return 1 if loose else 0


if __name__ == "__main__":
    from dezero_harness.faults import main as the_module_that_processes_import

    sys.exit(the_module_that_processes_import())
