"""Planted faults: is every broken engine caught, and by which case?

`python -m dezero_harness.mutation.faults` copies `stages` and `shared`, plants one fault of
`planted.py` and `planted.toml` at a time, in every stage that it concerns, and runs the cases on
the broken copy in a process of its own. A fault that no case notices fails the run, and so does one
that no longer applies. First the cases run on the stages as they are: one that is red there would
catch anything.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from .broken_engine import LIMIT
from .detection import Caught, detect, unsound
from .fault import FRESH, Fault
from .planted import FAULTS

PARTS = ("stages", "shared/dezero_shared")


def results(
    faults: Sequence[Fault],
    stages: Sequence[int],
    root: Path,
    jobs: int,
    limit: float,
    every: bool,
    hints: Mapping[str, Sequence[str]],
) -> Iterator[Caught]:
    """What became of each fault in each stage; the case that notices it is the next one's first.

    `hints` are the statements that have noticed a fault, by its name, in an earlier run.
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
            noticed = dict.fromkeys(hints.get(fault.name, ()))
            for stage in planted[fault]:
                found.append(detect(fault, stage, root, limit, every, list(noticed)))
                if found[-1].how == "case":
                    noticed = dict.fromkeys([*found[-1].cases, *noticed])
                bar.update()
            return found

        for task in as_completed([pool.submit(run, fault) for fault in planted]):
            yield from task.result()


def noticed_before(report: Path) -> dict[str, list[str]]:
    """The statements that noticed each fault when this report was written; nothing without one."""
    hints: dict[str, list[str]] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        for engine in json.loads(report.read_text("utf-8"))["engines"]:
            if engine["how"] == "case":
                hints.setdefault(engine["fault"], []).extend(engine["cases"][:1])
    return hints


def table(faults: Sequence[Fault], caught: Sequence[Caught]) -> Iterator[str]:
    """A paragraph for each fault: where it was planted, and what noticed it."""
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
    parser.add_argument("--all", action="store_true", help="run every case: count all that notice")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--limit", type=float, default=LIMIT, help="processor seconds for a case")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="holds stages and shared")
    parser.add_argument("--report", type=Path, default=Path("reports/faults.json"))
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # for the processes to come

    misfits = [f"{fault.name}: {why}" for fault in FAULTS if (why := fault.misfit(options.root))]
    if misfits:
        print("These faults no longer apply:", *misfits, sep="\n  ", file=sys.stderr)
        return 2
    chosen = [fault for fault in FAULTS if options.k in fault.name]
    if not chosen:
        parser.error(f"no fault has {options.k!r} in its name")
    stages = options.stage or range(31, 37)
    concerned = [stage for stage in stages if any(stage in fault.stages for fault in chosen)]
    with tempfile.TemporaryDirectory() as folder:
        # Someone may go on working in the tree: what is broken and judged here stays as it is now.
        for part in PARTS:
            shutil.copytree(options.root / part, Path(folder) / part, ignore=FRESH)
        red = unsound(concerned, Path(folder), options.jobs, options.limit)
        if red:
            print(
                "No fault is planted yet, and this is red; it would seem to catch every fault:",
                *(
                    f"  step{one.stage}: {': '.join(filter(None, [case, one.says]))}"
                    for one in red
                    for case in one.cases or ("",)
                ),
                "Make it green first: nox -s stage" + str(red[0].stage),
                sep="\n",
                file=sys.stderr,
            )
            return 2
        how = (options.jobs, options.limit, options.all, noticed_before(options.report))
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
    sys.exit(main())
