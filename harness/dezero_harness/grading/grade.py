"""Grade a class: `nox -s grade -- SUBMISSIONS --stage 34 --out grades/`.

Each submission runs in a sandbox, on all cases of its lab; the verdict is reached outside. There is
one file for each that is finished (results/), and all else is derived from these files.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import json
import os
import platform
import shlex
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from .. import cases
from ..execution.isolated import Limits
from ..execution.runner import StageError
from ..execution.sandbox import GIVEN_UP, Bounds, refuse_without_sandbox
from ..labs.chapter import load_chapter
from ..labs.lab import find_root
from ..model.arrays import array_kind
from ..model.case import Case
from .pages import write_pages
from .scoring import (
    Grade,
    Plan,
    Result,
    Scheme,
    grade_of,
    make_plan,
    read_scheme,
    run_submission,
)
from .submissions import Entry, NoSubmission, digest_of, entries, read_package
from .unseen_cases import spot_checks_for

COMMAND = "nox -s grade --"
_ACTIVE = (*"=+-@|%", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also = + - @ in full width
_START = 20  # seconds in which a submission has to be imported
_CLOCK = 30  # seconds by the clock for a case, if it waits and computes nothing
_CONNECT = 15  # seconds until a scheduler answers
_RETRIES = 2  # on other machines, for a submission whose machine was lost

Job = Callable[[], Result]


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade. Returns 0, 1 where a submission could not be graded, 2 where nothing was done."""
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except StageError as error:
        print(f"grade: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        given = list(sys.argv[1:] if arguments is None else arguments)
        again = shlex.join([*given, *["--resume"] * (not options.resume)])
        text = f"stopped; what was finished is kept, go on with: {COMMAND} {again}"
        print(text, file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.partition("\n")[0])
    parser.add_argument("submissions", type=Path, nargs="?", help="a folder or a zip per student")
    parser.add_argument("--stage", required=True, metavar="N", help="the lab, as in 34")
    parser.add_argument("--out", type=Path, default=Path("grades"), help="default: grades")
    parser.add_argument("--points", type=Path, metavar="TOML", help="points per case")
    parser.add_argument("--cases", type=Path, metavar="DIR", help="hidden cases, in modules")
    parser.add_argument("--seed", default="", help="of the spot checks; a secret of yours")
    parser.add_argument("--resume", action="store_true", help="go on; what is finished stays")
    parser.add_argument("--list", action="store_true", help="print the ids of the lab's cases")
    parser.add_argument(
        "--unsafe", action="store_true", help="without a sandbox; read what is said"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster to grade on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    return parser


def run(options: argparse.Namespace) -> int:
    """What the command line asks for. Raises StageError before anything is graded."""
    plan = plan_of(options)
    if options.list:
        print("\n".join(case.id for case in (*plan.own, *plan.hidden)))
        return 0
    scheme = read_scheme(options.points, plan) if options.points else Scheme()
    found = _found(options)
    results = Results(prepare(options, plan), plan)
    if options.unsafe:
        print(GIVEN_UP, file=sys.stderr)
    elif not options.scheduler:
        refuse_without_sandbox()
    todo = [entry for entry in found if not results.kept(entry)]
    if todo:
        rehearse(options, plan)
    if options.resume:
        print(f"{len(found) - len(todo)} of {len(found)} were finished before", file=sys.stderr)
    started = time.monotonic()
    try:
        _grade_all(options, plan, todo, results)
    finally:
        graded = results.grades(found, scheme)
        write_all(options.out, plan, scheme, graded)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(todo)} in {minutes:.1f} minutes, {len(todo) / minutes:.0f} a minute")
    return _summary(options, plan, scheme, graded)


def rehearse(options: argparse.Namespace, plan: Plan) -> None:
    """Grade the stage itself. Raises StageError where it fails: then students would, unjustly."""
    small = replace(plan, earlier=())
    place = find_root(Path.cwd()) / "stages" / f"step{plan.number}"
    files = read_package(place)
    how = on_cluster if options.scheduler else here
    ((_, _, result),) = how(options, small, [(Entry(place.name, "", place), digest_of(files))])
    if result.get("error") or result["stopped"]:
        reason = result.get("error") or result["stopped"]
        raise StageError(f"not even {place.name} itself can be graded here: {reason}")
    for _, key, case in small.questions():
        found = result["cases"][key]
        if found["status"] != "passed":
            raise StageError(
                f"{place.name} itself fails {case.statement!r}, so nobody was graded: expected"
                f" {found['expected']}, got {found['got']}; {'; '.join(found['why'])}"
            )


def plan_of(options: argparse.Namespace) -> Plan:
    """The cases that decide. Raises StageError for a stage that is no lab, and for bad cases."""
    number = str(options.stage).removeprefix("step")
    if not number.isdecimal():
        raise StageError(f"--stage {options.stage} is not the number of a lab; write --stage 34")
    root = find_root(Path.cwd())
    chapter = load_chapter(root, int(number))
    hidden = hidden_cases(options.cases) if options.cases else ()
    # With hidden cases, the numbers of the spot checks are as little known as these are.
    seed = f"{options.seed} {hashlib.sha256(repr(hidden).encode()).hexdigest() if hidden else ''}"
    words = set().union(*chapter.words.values())
    folders = [root, options.submissions, options.out, options.cases]
    return make_plan(
        chapter,
        hidden=hidden,
        spot_checks=tuple(spot_checks_for(words, seed, chapter.number)),
        arrays=array_kind("numpy"),
        limits=Limits(start=_START, wall=_CLOCK),
        bounds=Bounds(),
        unsafe=options.unsafe,
        out_of_sight=tuple(folder.resolve() for folder in folders if folder),
    )


def hidden_cases(folder: Path) -> tuple[Case, ...]:
    """The cases of all modules in this folder, in the order of their names."""
    if not folder.is_dir():
        raise StageError(f"--cases {folder}: there is no such folder")
    found: list[Case] = []
    for file in sorted(folder.glob("*.py")):
        if file.name == "__init__.py":
            continue
        spec = importlib.util.spec_from_file_location(f"hidden_cases_{file.stem}", file)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            found += [_checked(case) for case in module.CASES]
        except Exception as error:
            lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.name != "run"]
            line = getattr(error, "lineno", None) or lines[-1]
            raise StageError(
                f"{file}, line {line}: {type(error).__name__}: {error}; a module of cases has a"
                f" list CASES, as those in harness/dezero_harness/cases"
            ) from None
    if not found:
        raise StageError(f"--cases {folder}: there is no case in it (a module with a list CASES)")
    ids = [case.id for case in (*cases.ALL, *found)]
    for case in found:
        if ids.count(case.id) > 1:
            raise StageError(f"--cases {folder}: two cases have the id {case.id}; rename one")
    return tuple(found)


def _checked(case: object) -> Case:
    if not isinstance(case, Case):
        raise TypeError(f"{case!r} in CASES is no Case")
    compile(case.program, f"<{case.id}>", "exec")
    return case


def _found(options: argparse.Namespace) -> list[Entry]:
    folder = options.submissions
    if folder is None:
        raise StageError("which submissions? name the folder that holds one for each student")
    if not folder.is_dir():
        raise StageError(f"{folder}: there is no such folder of submissions")
    try:
        found = entries(folder)
    except OSError as error:
        raise StageError(f"{folder} cannot be read: {error.strerror}") from None
    if not found:
        raise StageError(f"{folder} is empty: there is nothing to grade")
    out = options.out.resolve()
    if out == folder.resolve() or folder.resolve() in out.parents:
        raise StageError(f"--out {options.out} lies among the submissions; put it elsewhere")
    return found


def prepare(options: argparse.Namespace, plan: Plan) -> Path:
    """Make the output folder. Raises StageError where it cannot be written, or holds grades."""
    out = options.out
    try:
        for folder in (out, out / "results", out / "reports"):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        if next((out / "results").glob("*.json"), None) and not options.resume:
            raise StageError(
                f"{out} holds grades already: --resume goes on with them (what was handed in anew,"
                f" or is to be run with other cases, is graded anew), or name another --out"
            )
        plan_file = {
            "stage": plan.number,
            "cases": [case.id for case in plan.own],
            "hidden": [case.id for case in plan.hidden],
            "earlier": [case.id for case in plan.earlier],
            "spot checks": [check.case.statement for check in plan.spot_checks],
            "seed": options.seed,
            "limits": f"{plan.limits}; {plan.bounds}",
            "sandbox": not plan.unsafe,
            "digest": plan.digest,
        }
        write(out / "plan.json", json.dumps(plan_file, indent=1) + "\n")
    except OSError as error:
        raise StageError(f"--out {out} cannot be written: {error.strerror}") from None
    return out / "results"


def write(file: Path, text: str) -> None:
    """All of the text or nothing, also where the process is killed half-way."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    beside.write_text(text, "utf-8", errors="backslashreplace", newline="\n")
    beside.replace(file)


@dataclass
class Results:
    """The results on the disk: a file for each submission that is finished."""

    folder: Path
    plan: Plan

    def __post_init__(self) -> None:
        self.digest = self.plan.digest

    def _file(self, entry: Entry) -> Path:
        return self.folder / f"{entry.key}.json"

    def read(self, entry: Entry) -> Result | None:
        try:
            return json.loads(self._file(entry).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def kept(self, entry: Entry) -> bool:
        """Whether there is a result for the same files, by the same plan."""
        result = self.read(entry)
        if result is None or result.get("plan") != self.digest or result.get("error"):
            return False
        try:
            return digest_of(read_package(entry.place)) == result["submission"]
        except NoSubmission as error:
            return result["submission"] == "" and result.get("reason") == str(error)

    def keep(self, entry: Entry, submission: str, result: Result) -> None:
        whole = {"student": entry.student, "submission": submission, "plan": self.digest, **result}
        write(self._file(entry), json.dumps(whole, indent=1) + "\n")

    def grades(self, found: Iterable[Entry], scheme: Scheme) -> list[tuple[Entry, Grade, Result]]:
        """The finished ones, in the order of their names."""
        graded = []
        for entry in found:
            result = self.read(entry)
            if result is not None and result.get("plan") == self.digest:
                graded.append((entry, grade_of(self.plan, scheme, result), result))
        return graded


def _grade_all(
    options: argparse.Namespace, plan: Plan, todo: Sequence[Entry], results: Results
) -> None:
    with tqdm(total=len(todo), unit=" submissions", file=sys.stderr) as bar:
        ready = []
        for entry in todo:  # what is no submission takes no time: it is done at once
            try:
                files = read_package(entry.place)
            except NoSubmission as error:
                results.keep(entry, "", {"reason": str(error), "cases": {}})
                bar.update()
            else:
                ready.append((entry, digest_of(files)))
                del files
        how = on_cluster if options.scheduler else here
        for entry, submission, result in how(options, plan, ready):
            results.keep(entry, submission, result)
            bar.update()


Ready = Sequence[tuple[Entry, str]]
Finished = Iterator[tuple[Entry, str, Result]]


def _failure(error: BaseException) -> Result:
    """Of the grader, not of the submission: nobody is to be marked down for it unseen."""
    text = f"{type(error).__name__}: {error}"
    return {"error": text, "reason": f"NOT GRADED, an error of the grader: {text}", "cases": {}}


def here(options: argparse.Namespace, plan: Plan, ready: Ready) -> Finished:
    """Grade on this machine, `--jobs` at a time, as they finish.

    Where this is stopped, what is running is ended at once.
    """
    stop = threading.Event()

    def one(entry: Entry) -> Result:
        return run_submission(plan, read_package(entry.place), stop=stop)

    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        running = {pool.submit(one, entry): (entry, digest) for entry, digest in ready}
        try:
            for done in as_completed(running):
                try:
                    result = done.result()
                except Exception as error:
                    result = _failure(error)
                yield *running.pop(done), result
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def on_cluster(options: argparse.Namespace, plan: Plan, ready: Ready) -> Finished:
    """Grade on a Dask cluster; what a machine was at when it was lost, another one does."""
    try:
        from distributed import Client
        from distributed import as_completed as as_they_come
    except ImportError:
        raise StageError(
            "--scheduler needs Dask: python -m pip install distributed, or use nox -s grade"
        ) from None
    try:
        client = Client(options.scheduler, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise StageError(f"--scheduler {options.scheduler} does not answer: {error}") from None
    with client:
        # A task, not data that was sent: where the machine that holds it is lost, it is made anew.
        shared = client.submit(_itself, plan, pure=False)
        digest = plan.digest
        running = {}
        for entry, submission in ready:
            task = client.submit(
                run_submission,
                shared,
                read_package(entry.place),
                digest,
                pure=False,
                retries=_RETRIES,
            )
            running[task.key] = (entry, submission, task)
        tasks = [task for _, _, task in running.values()]
        for task in as_they_come(tasks, loop=client.loop):
            entry, submission, _ = running.pop(task.key)
            try:
                result = task.result()
            except Exception as error:
                result = _failure(error)
            yield entry, submission, result


def _itself(plan: Plan) -> Plan:
    return plan


# What is derived


def write_all(
    out: Path, plan: Plan, scheme: Scheme, graded: Sequence[tuple[Entry, Grade, Result]]
) -> None:
    """grades.csv, and the pages, of the results there are."""
    rows = [("student", "points", "passed", "failed", "reason")]
    for entry, grade, _ in graded:
        counts = (f"{grade.points:g}", str(grade.passed), str(grade.failed))
        rows.append((csv_text(entry.student), *counts, csv_text(grade.reason)))
    beside = out / f".grades.csv.{os.getpid()}"
    with open(beside, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    beside.replace(out / "grades.csv")
    versions = f"Python {platform.python_version()}, NumPy {plan.arrays.version}"
    write_pages(out, plan, scheme, graded, versions, write)


def csv_text(text: str) -> str:
    """For a spreadsheet: what would be taken for a formula is text."""
    return f"'{text}" if text.lstrip(" '\"")[:1] in _ACTIVE else text


def _summary(
    options: argparse.Namespace,
    plan: Plan,
    scheme: Scheme,
    graded: Sequence[tuple[Entry, Grade, Result]],
) -> int:
    errors = [(entry, result["error"]) for entry, _, result in graded if result.get("error")]
    most = scheme.most(plan)
    print(f"{len(graded)} submissions graded, step {plan.number}, of {most:g} points")
    for name in ("grades.csv", "overview.html"):
        print(f"  {options.out / name}")
    print(f"  {options.out / 'reports'}, a page and a JSON for each student")
    for entry, text in errors:
        print(f"NOT GRADED  {entry.student}: {text}", file=sys.stderr)
    if errors:
        print("an error of the grader, not theirs; --resume tries these again", file=sys.stderr)
    return 1 if errors else 0
