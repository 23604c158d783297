"""Planted faults: is every broken engine caught, and by which case?

`python -m dezero_harness.faults` copies `stages` and `shared`, plants one fault of `planted.py` and
`planted.toml` at a time, in every stage that it concerns, and runs the cases on the broken copy in
a process of its own. A fault that no case notices fails the run, and so does one that no longer
applies.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .case import Case

PARTS = ("stages", "shared/dezero_shared", "harness/dezero_harness")
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

    cases: the statements that told, in the order of the catalogue; without --all the first alone.
    """

    fault: str
    stage: int
    how: str  # "case", "hangs", "survives", "error"
    cases: tuple[str, ...]
    says: str


def hunt(fault: Fault, stage: int, root: Path, limit: float, every: bool) -> Caught:
    """Run the cases on one broken copy, in a process that is given `limit` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        broken = fault.plant(root, stage, Path(folder))
        worker = [sys.executable, "-m", "dezero_harness.faults", "--worker", str(broken)]
        worker += ["--order", str(fault.order), "--of", fault.of] + ["--all"] * every
        paths = [str(Path(folder) / "shared"), str(root / "harness")]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        hung = False
        try:
            done = subprocess.run(
                worker, capture_output=True, timeout=limit, env=environment, cwd=folder
            )
            out, said = done.stdout, done.stderr.decode(errors="replace").strip()
        except subprocess.TimeoutExpired as late:
            out, said, hung = late.stdout or b"", "", True
    lines = [json.loads(line) for line in out.decode().splitlines() if line.endswith("}")]
    red = tuple(line["red"] for line in lines if "red" in line)
    started = [line["started"] for line in lines if "started" in line]
    if hung:
        at = started[-1] if started else "the import"
        return Caught(fault.name, stage, "hangs", (at,), f"still in this case after {limit:.0f} s")
    if not lines or "end" not in lines[-1]:
        return Caught(fault.name, stage, "error", red, said.splitlines()[-1] if said else "died")
    if early := lines[-1]["end"]:
        return Caught(fault.name, stage, "error", red, early)
    return Caught(fault.name, stage, "case" if red else "survives", red, "")


def work(stage: str, order: int, of: str, every: bool) -> bool:
    """In the worker: run the cases, and say in lines of JSON which one starts and which is red.

    True where none was red.
    """
    limit_memory()
    from . import arrays, cases, judge, runner
    from . import stage as stages

    prelude = arrays.array_kind("numpy").prelude
    loaded = stages.load(stage)
    import dezero_shared

    assert Path(stage).resolve().parents[1] in Path(str(dezero_shared.__file__)).parents, (
        "another shared"
    )

    found = []

    def red(case: Case) -> bool:
        say(started=case.statement)
        observed = runner.run(case.program, prelude, case.id, warns=case.warns).observed
        unexpected = judge.judge(case, observed, loaded.capabilities).outcome == "unexpected"
        found.extend([case] * unexpected)
        return unexpected

    if order:
        say(end=wrong_order(cases.ALL, order, of, red))
        return not found
    for case in cases.ALL:
        if red(case):
            say(red=case.statement)
            if not every:
                break
    say(end="")
    return not found


def wrong_order(catalogue: Sequence[Case], order: int, of: str, red: Any) -> str:
    """Is a wrong derivative reported at its order and operation, and at none below?"""
    known = {case.statement: case for case in catalogue}
    for lower in range(1, order):
        if red(known[f"derivative {lower} of {of} is right"]):
            return f"derivative {lower} of {of} is red already"
    case = known[f"derivative {order} of {of} is right"]
    if red(case):
        say(red=case.statement)
    return ""


def say(**line: str) -> None:
    print(json.dumps(line), flush=True)


def limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the time limit holds there too
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def results(
    faults: Sequence[Fault], stages: Sequence[int], root: Path, jobs: int, limit: float, every: bool
) -> Iterator[Caught]:
    from tqdm import tqdm

    pairs = [(fault, stage) for fault in faults for stage in fault.stages if stage in stages]
    with ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(hunt, *pair, root, limit, every) for pair in pairs]
        for run in tqdm(as_completed(runs), total=len(runs), unit="engine", file=sys.stderr):
            yield run.result()


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s faults --", description=__doc__)
    parser.add_argument("-k", default="", metavar="TEXT", help="only faults whose name has this")
    parser.add_argument("--stage", type=int, nargs="*", metavar="N", help="in these stages only")
    parser.add_argument("--all", action="store_true", help="run every case: count all that tell")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for one broken engine")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="holds stages and shared")
    parser.add_argument("--report", type=Path, default=Path("reports/faults.json"))
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--order", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--of", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return 0 if work(options.worker, options.order, options.of, options.all) else 1

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
        found = results(chosen, stages, Path(folder), options.jobs, options.limit, options.all)
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
    sys.exit(main())
