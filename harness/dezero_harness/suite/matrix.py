"""Every stage on every kind of array: `python -m dezero_harness.suite.matrix`, or `nox -s matrix`.

The stages run in worker processes, in parallel. `matrix.json` and `matrix.md` tell of each case; a
summary by chapter stands in the README, beside what a run of one stage prints, and the matrix fails
where these are no longer true.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import cases
from ..execution.isolated import Isolated, Limits, no_answer
from ..execution.judge import OUTCOMES, counts, judge, result_of
from ..execution.runner import StageError
from ..execution.stage import read
from ..model.arrays import ArrayKind, Unusable, array_kind
from ..prose.generated import renew
from .report import by_chapter

#: The kinds that the summary counts. It is the same on every machine, so no device is among them,
#: and no library that takes minutes.
EVERYWHERE = {"numpy": "NumPy", "strict": "array-api-strict"}
#: The other kinds, in the reports where they are at hand; the summary says why not in it.
ELSEWHERE = {
    "jax": ("JAX", "for it needs an extra; `nox -t jax` runs it, under `jax.jit` too"),
    "dask": ("Dask", "for it needs an extra; `nox -t dask` runs it"),
    "torch": ("PyTorch", "for it is large; `nox -t torch` runs it, on the best device there is"),
    "cupy": ("CuPy", "needs an NVIDIA GPU; `nox -t gpu` runs it there"),
}

#: What the README shows of a run of one stage: the table, and the line that it ends with.
_PRINTED = re.compile(
    r"chapter   passed .*?(\n\nThe report is in reports/stage(\d+)-numpy\.json\n=+ ).*?(?= in \d)",
    re.DOTALL,
)
_REFRESH = "nox -s matrix -- --write"

Results = list[dict[str, Any]]


def results_of(isolated: Isolated) -> Iterator[dict[str, Any]]:
    """The result of each case on one stage, in its worker, as they come."""
    folder, arrays = isolated.stage, isolated.arrays
    unreadable, capabilities = "", frozenset[str]()
    try:
        capabilities = read(folder).capabilities
    except StageError as error:
        unreadable = str(error)
    for case in cases.ALL:
        if unreadable:
            observed = no_answer(unreadable)
        else:
            observed = isolated.observe(case.program, case.id, warns=case.warns)
        where = {"stage": folder.name, "array": arrays.name}
        yield where | result_of(case, judge(case, observed, capabilities, arrays))


def run_all(folders: Sequence[Path], kinds: Sequence[ArrayKind], jobs: int) -> Results:
    """The results of all these stages on all these arrays, `jobs` workers at a time."""
    from tqdm import tqdm

    pairs = [(folder, kind) for folder in folders for kind in kinds]
    size = len(pairs) * len(cases.ALL)
    bar = tqdm(total=size, unit=" cases", mininterval=0.5, file=sys.stderr)
    with bar, ThreadPoolExecutor(jobs) as pool:

        def run(pair: tuple[Path, ArrayKind]) -> Results:
            folder, kind = pair
            results = []
            with Isolated(folder.resolve(), kind, Limits()) as isolated:
                for result in results_of(isolated):
                    results.append(result)
                    bar.update()
            return results

        return [result for results in pool.map(run, pairs) for result in results]


def summary(results: Results) -> str:
    """Stages x chapters as a Markdown table; nothing in it depends on the machine or the day."""
    chapters = sorted({result["chapter"] for result in results})
    lines = [
        f"In each cell: {' / '.join(OUTCOMES.values())}.",
        "",
        _row("stage", "arrays", *(f"chapter {chapter}" for chapter in chapters), "all"),
        _row(*["---"] * (len(chapters) + 3)),
    ]
    for stage in dict.fromkeys(result["stage"] for result in results):
        for kind, name in EVERYWHERE.items():
            here = [
                result for result in results if (result["stage"], result["array"]) == (stage, kind)
            ]
            if here:
                by_chapter = [[c for c in here if c["chapter"] == number] for number in chapters]
                lines.append(_row(stage, name, *map(_counted, [*by_chapter, here])))
    run = {result["array"] for result in results}
    never = [(name, "is not installed") for kind, name in EVERYWHERE.items() if kind not in run]
    never += ELSEWHERE.values()
    lines += ["", *(f"{name}: never run here, {reason}." for name, reason in never)]
    return "\n".join(lines) + "\n"


def in_full(results: Results, absent: dict[str, str]) -> str:
    """Stages x cases as Markdown, with what is unexpected above it."""
    columns = list(dict.fromkeys((result["stage"], result["array"]) for result in results))
    found = {(result["stage"], result["array"], result["id"]): result for result in results}
    red = [result for result in results if result["outcome"] == "unexpected"]
    lines = ["# The matrix", "", summary(results)]
    lines += [f"{kind} was not run: {reason}\n" for kind, reason in absent.items()]
    lines += [f"## Unexpected: {len(red)} of {len(results)}", ""]
    for one in red:
        lines.append(f"- {one['stage']}, {one['array']}: **{one['statement']}**: {_why(one)}")
    heads = [f"{stage} {kind}" for stage, kind in columns]
    lines += ["", "## All cases", "", _row("chapter", "case", *heads)]
    lines.append(_row(*["---"] * (len(heads) + 2)))
    for case in cases.ALL:
        outcomes = [found[(*column, case.id)]["outcome"] for column in columns]
        lines.append(_row(str(case.chapter), case.statement.replace("|", "\\|"), *outcomes))
    return "\n".join(lines) + "\n"


def _row(*texts: str) -> str:
    return f"| {' | '.join(texts)} |"


def _counted(results: Results) -> str:
    return " / ".join(map(str, counts(results).values()))


def _why(result: dict[str, Any]) -> str:
    reason = "; ".join(result["differences"] or [result["reason"]])
    return f"expected {result['expected']}, got {result['got']} ({reason})"


def check(readme: Path, new: str, write: bool, results: Results) -> str:
    """Compare what this file shows of the results with them, or write it; returns what is wrong."""
    wrong = [renew(readme, "matrix", new, command=_REFRESH, write=write)]
    text = readme.read_text("utf-8") if readme.is_file() else ""
    if run := _PRINTED.search(text):
        right = _printed(run, results)
        wrong.append(renew(readme, _PRINTED, right, command=_REFRESH, write=write))
    return "\n".join(filter(None, wrong))


def _printed(run: re.Match[str], results: Results) -> str:
    """The same piece of a run's output, with the figures that are."""
    where = f"step{run[2]}", "numpy"
    here = [result for result in results if (result["stage"], result["array"]) == where]
    if not here:
        return run[0]
    total = [f"{n} {OUTCOMES[outcome]}" for outcome, n in counts(here).items() if n]
    return "\n".join(by_chapter(here)) + run[1] + ", ".join(total)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix, write the reports, check the README. Returns 1 where anything is wrong."""
    parser = argparse.ArgumentParser(prog="nox -s matrix --", description=__doc__)
    parser.add_argument("stages", nargs="*", type=Path, help="folders (default: stages/step*)")
    parser.add_argument("--write", action="store_true", help="write the summary into the README")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    folders = options.stages or sorted(Path("stages").glob("step*"))
    if not folders:
        parser.error("there are no stages here; name their folders, or start in the repository")

    kinds: list[ArrayKind] = []
    absent: dict[str, str] = {}
    for name in (*EVERYWHERE, *ELSEWHERE):
        try:
            kinds.append(array_kind(name))
        except Unusable as error:
            absent[name] = str(error)
    results = run_all(folders, kinds, options.jobs)

    new = summary(results)
    content = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "arrays": {
            kind.name: {"module": kind.module, "version": kind.version, "device": kind.device}
            for kind in kinds
        },
        "never run here": absent,
        "summary": counts(results),
        "results": results,
    }
    options.reports.mkdir(parents=True, exist_ok=True)
    json_file, full_file = options.reports / "matrix.json", options.reports / "matrix.md"
    json_file.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    full_file.write_text(in_full(results, absent), "utf-8")

    print(new)
    red = [result for result in results if result["outcome"] == "unexpected"]
    for one in red[:10]:
        print(f"UNEXPECTED  {one['stage']} {one['array']} {one['id']}: {_why(one)}")
    if len(red) > 10:
        print(f"and {len(red) - 10} more that are unexpected")
    wrong = check(options.readme, new, options.write, results)
    print(*filter(None, [wrong, f"The reports are in {json_file} and {full_file}"]), sep="\n")
    return 1 if red or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
