"""Grade a class: `nox -s grade -- SUBMISSIONS --stage 34 --out grades/`.

Each submission runs in a sandbox, on all cases of its lab; the verdict is reached outside. There is
one file for each that is finished (results/), and all else is derived from these files.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..execution.containers import why_unusable as why_no_container
from ..execution.runner import StageError
from ..execution.sandbox import GIVEN_UP, refuse_without_sandbox
from ..labs.lab import find_root
from ..labs.loading import load_chapter
from . import desk, exports
from .desk import Hand
from .graded import Graded
from .judges import close_judges, run_submission
from .judging import Plan, Result
from .pages import write_pages
from .planning import EARLIER, hidden_cases, make_plan
from .reading import Handed, read_hand_in
from .scoring import Grade, Scheme, grade_of, read_scheme, topics_of
from .submissions import Entry, NoSubmission, digest_of

COMMAND = "nox -s grade --"
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
        resumed = options.resume or options.regrade
        again = shlex.join([*given, *["--resume"] * (not resumed)])
        text = f"stopped; what was finished is kept, go on with: {COMMAND} {again}"
        print(text, file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.partition("\n")[0])
    parser.add_argument("submissions", type=Path, nargs="?", help="a folder or a zip per student")
    parser.add_argument("--stage", required=True, metavar="N", help="the lab, as in 34")
    parser.add_argument("--out", type=Path, default=Path("grades"), help="default: grades")
    parser.add_argument("--points", type=Path, metavar="TOML", help="weights of topics and cases")
    parser.add_argument("--cases", type=Path, metavar="DIR", help="hidden cases, in modules")
    parser.add_argument("--seed", default="", help="of the unseen cases; by default drawn")
    parser.add_argument(
        "--earlier",
        type=int,
        metavar="N",
        help=f"cases of earlier chapters that are drawn; default: {EARLIER}",
    )
    parser.add_argument("--resume", action="store_true", help="go on; what is finished stays")
    parser.add_argument(
        "--regrade", action="store_true", help="go on with another plan: run all of it again"
    )
    parser.add_argument("--list", action="store_true", help="print topics, and ids of cases")
    parser.add_argument("--roster", type=Path, metavar="CSV", help="columns id, name, aliases")
    parser.add_argument(
        "--ids",
        default="auto",
        metavar="KIND",
        help="how names of files tell who it is: canvas, moodle, github, or a pattern with"
        " (?P<id>...) or (?P<name>...) in it; default: as it looks",
    )
    parser.add_argument("--deadline", metavar="TIME", help="as in 2026-11-30T23:59; later is late")
    parser.add_argument("--one", action="store_true", help="SUBMISSIONS is one submission")
    parser.add_argument("--results", type=Path, metavar="JSON", help="with --one: for Gradescope")
    parser.add_argument(
        "--classroom", type=Path, metavar="JSON", help="with --one: for GitHub Classroom"
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="without a sandbox; read what is said"
    )
    parser.add_argument(
        "--isolation",
        choices=("auto", "bubblewrap", "container"),
        default="auto",
        help="what submissions run in; by default bubblewrap, else Podman or Docker",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster to grade on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    return parser


def run(options: argparse.Namespace) -> int:
    """What the command line asks for. Raises StageError before anything is graded."""
    options.resume = options.resume or options.regrade
    former = Former.read(options.out) if options.resume else Former()
    plan = plan_of(options, former)
    if options.list:
        _list(plan)
        return 0
    scheme = read_scheme(options.points, plan) if options.points else former.scheme(plan)
    former.refuse_another(options, plan)
    hands = _found(options)
    found = [hand.entry for hand in hands if hand.entry]
    results = Results(prepare(options, plan, scheme), plan, scheme)
    if options.unsafe:
        print(GIVEN_UP, file=sys.stderr)
    elif not options.scheduler:
        plan = replace(plan, isolation=isolation(options.isolation))
    todo = [entry for entry in found if not results.kept(entry)]
    if todo:
        rehearse(options, plan)
    if options.resume:
        print(f"{len(found) - len(todo)} of {len(found)} were finished before", file=sys.stderr)
    started = time.monotonic()
    try:
        _grade_all(options, plan, todo, results)
    finally:
        close_judges()
        graded = results.grades(hands)
        write_all(options, plan, scheme, graded)
    minutes = (time.monotonic() - started) / 60
    print(f"{len(todo)} in {minutes:.1f} minutes, {len(todo) / minutes:.0f} a minute")
    return _summary(options, plan, scheme, graded)


def isolation(asked: str) -> str:
    """What submissions run in: "bubblewrap", or "container" where that is asked for or works alone.

    Raises StageError where there is neither.
    """
    if asked != "container":
        try:
            refuse_without_sandbox()
            return "bubblewrap"
        except StageError as error:
            if asked == "bubblewrap" or why_no_container():
                also = "" if asked == "bubblewrap" else f" And {why_no_container()}."
                raise StageError(f"{error}.{also}") from None
    if why_no_container():
        raise StageError(f"--isolation container: {why_no_container()}")
    print("submissions run in containers", file=sys.stderr)
    return "container"


def _list(plan: Plan) -> None:
    for topic, found in topics_of(plan).items():
        print(f"# {topic}")
        for case in found:
            print(case.id)
    print(*(case.id for case in plan.hidden), sep="\n")


def rehearse(options: argparse.Namespace, plan: Plan) -> None:
    """Grade the stage itself. Raises StageError where it fails: then students would, unjustly."""
    small = replace(plan, earlier=())
    place = find_root(Path.cwd()) / "stages" / f"step{plan.number}"
    files = files_of(place, plan.number)
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


def plan_of(options: argparse.Namespace, former: Former | None = None) -> Plan:
    """The cases that decide. Raises StageError for a stage that is no lab, and for bad cases.

    Without a seed or hidden cases on the command line, those of the former run go on; without one,
    the seed is drawn.
    """
    former = former or Former()
    number = str(options.stage).removeprefix("step")
    if not number.isdecimal():
        raise StageError(f"--stage {options.stage} is not the number of a lab; write --stage 34")
    root = find_root(Path.cwd())
    if former.known and former.known["stage"] != int(number):
        raise StageError(
            f"{options.out} holds grades of step {former.known['stage']}; name another --out"
        )
    options.cases = options.cases or former.cases()
    options.seed = options.seed or former.known.get("seed") or secrets.token_hex(16)
    if options.earlier is None:
        options.earlier = len(former.known.get("earlier", [])) if former.known else EARLIER
    if options.earlier < 0:
        raise StageError(f"--earlier {options.earlier}: give a number of cases, 0 for none")
    hidden = hidden_cases(options.cases) if options.cases else ()
    folders = [root, options.submissions, options.out, options.cases]
    return make_plan(
        root,
        int(number),
        options.seed,
        hidden,
        chapter=load_chapter(root, int(number)),
        earlier=options.earlier,
        unsafe=options.unsafe,
        out_of_sight=tuple(folder.resolve() for folder in folders if folder),
    )


@dataclass(frozen=True)
class Former:
    """The plan of an earlier run, as plan.json has it; nothing where there was none."""

    known: dict[str, Any] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", self.known or {})

    @classmethod
    def read(cls, out: Path) -> Former:
        file = out / "plan.json"
        try:
            known = json.loads(file.read_text("utf-8"))
            if not isinstance(known, dict) or "digest" not in known:
                raise ValueError("it has no digest")
            return cls(known)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise StageError(
                f"{file} cannot be read ({error}), so the seed of these grades is not known; put"
                f" it back from a copy, or name another --out"
            ) from None

    def cases(self) -> Path | None:
        folder = self.known.get("cases folder")
        return Path(folder) if folder else None

    def scheme(self, plan: Plan) -> Scheme:
        """The points of the former run."""
        return Scheme(**self.known["points"]) if self.known.get("points") else Scheme()

    def refuse_another(self, options: argparse.Namespace, plan: Plan) -> None:
        if not self.known or options.regrade or self.known["digest"] == plan.digest:
            return
        what = "the harness, the cases or the limits"
        if self.known.get("seed") != options.seed:
            what = "the seed"
        elif self.known.get("hidden") != [case.id for case in plan.hidden]:
            what = "the hidden cases"
        elif len(self.known.get("earlier", [])) != len(plan.earlier):
            what = "the number of cases of earlier chapters"
        raise StageError(
            f"{what} changed since {options.out} was graded, so every submission would be run"
            f" again: --regrade does that, and the old grades stay until the new ones are there"
        )


def _found(options: argparse.Namespace) -> list[Hand]:
    folder = options.submissions
    if folder is None:
        raise StageError("which submissions? name the folder that holds one for each student")
    if options.one:
        return desk.one(folder)
    if not folder.is_dir():
        raise StageError(f"{folder}: there is no such folder of submissions")
    out = options.out.resolve()
    if out == folder.resolve() or folder.resolve() in out.parents:
        raise StageError(f"--out {options.out} lies among the submissions; put it elsewhere")
    return desk.hands(folder, options.ids, options.roster, options.deadline)


def prepare(options: argparse.Namespace, plan: Plan, scheme: Scheme) -> Path:
    """Make the output folder. Raises StageError where it cannot be written, or holds grades."""
    out = options.out
    try:
        for folder in (out, out / "results", out / "reports"):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        if next((out / "results").glob("*.json"), None) and not options.resume:
            raise StageError(
                f"{out} holds grades already: --resume goes on with them (what was handed in anew"
                f" is graded anew), or name another --out"
            )
        plan_file = {
            "stage": plan.number,
            "seed": options.seed,
            "cases folder": str(options.cases.resolve()) if options.cases else "",
            "points": asdict(scheme),
            "topics": {name: [c.id for c in found] for name, found in topics_of(plan).items()},
            "hidden": [case.id for case in plan.hidden],
            "earlier": [case.id for case in plan.earlier],
            "twins": list(plan.twins),
            "unseen": [one.case.statement for one in plan.unseen],
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
    beside = file.with_name(f".{file.name[:80]}.{os.getpid()}.{threading.get_ident()}")
    beside.write_text(text, "utf-8", errors="backslashreplace", newline="\n")
    beside.replace(file)


@dataclass
class Results:
    """The results on the disk: a file for each submission that is finished."""

    folder: Path
    plan: Plan
    scheme: Scheme

    def __post_init__(self) -> None:
        self.digest = self.plan.digest

    def _file(self, entry: Entry) -> Path:
        return self.folder / f"{entry.key}.json"

    def read(self, entry: Entry) -> Result | None:
        try:
            return json.loads(self._file(entry).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def files(self, entry: Entry) -> dict[str, bytes]:
        """What is run. Raises NoSubmission where there is nothing."""
        return files_of(entry.place, self.plan.number)

    def kept(self, entry: Entry) -> bool:
        """Whether there is a result for the same files, by the same plan."""
        result = self.read(entry)
        if result is None or result.get("plan") != self.digest or result.get("error"):
            return False
        try:
            return digest_of(self.files(entry)) == result["submission"]
        except NoSubmission as error:
            return result["submission"] == "" and result.get("reason") == str(error)

    def keep(self, entry: Entry, submission: str, flags: Sequence[str], result: Result) -> None:
        grade = grade_of(self.plan, self.scheme, result)
        row = {k: v for k, v in asdict(grade).items() if k not in ("topics", "shares")}
        whole: Result = {"student": entry.student, "submission": submission, "plan": self.digest}
        whole |= {"flags": list(flags), "row": row, **result}
        write(self._file(entry), json.dumps(whole, indent=1) + "\n")

    def grades(self, hands: Iterable[Hand]) -> list[Graded]:
        """The finished ones, in the order of their names, and those who handed in nothing."""
        graded = []
        for hand in hands:
            if hand.entry is None:
                grade = Grade(None, "nothing handed in", 0, 0, 0, "on the roster alone")
                graded.append(Graded(hand, grade, {"cases": {}}))
                continue
            result = self.read(hand.entry)
            if result is None:
                continue
            flags = tuple(result.get("flags", ()))
            if result.get("plan") == self.digest:
                grade = grade_of(self.plan, self.scheme, result)
                graded.append(Graded(hand, grade, result, flags))
            elif "row" in result:  # until it has been run again
                row = result["row"]
                row["reason"] = f"by a former plan, and to be run again; {row['reason']}"
                graded.append(Graded(hand, Grade(**row), {"cases": {}}, flags, former=True))
        return graded


def _grade_all(
    options: argparse.Namespace, plan: Plan, todo: Sequence[Entry], results: Results
) -> None:
    with tqdm(total=len(todo), unit=" submissions", file=sys.stderr) as bar:
        ready: list[tuple[Entry, str]] = []
        flags: dict[str, tuple[str, ...]] = {}
        notes: dict[str, tuple[str, ...]] = {}
        for entry in todo:  # what is no submission takes no time: it is done at once
            try:
                found = handed(entry.place, plan.number)
            except NoSubmission as error:
                results.keep(entry, "", (), {"reason": str(error), "cases": {}})
                bar.update()
            else:
                ready.append((entry, digest_of(found.files)))
                flags[entry.key], notes[entry.key] = found.flags, found.notes
                del found
        how = on_cluster if options.scheduler else here
        for entry, submission, result in how(options, plan, ready):
            result["notes"] = list(notes[entry.key])
            results.keep(entry, submission, flags[entry.key], result)
            bar.update()


def files_of(place: Path, number: int) -> dict[str, bytes]:
    """The files that are run of what was handed in at this place for this lab."""
    return handed(place, number, look=False).files


def handed(place: Path, number: int, look: bool = True) -> Handed:
    """What was handed in at this place for this lab. Raises NoSubmission."""
    return read_hand_in(find_root(Path.cwd()), place, number, look)


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
        return run_submission(plan, files_of(entry.place, plan.number), stop=stop)

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
                files_of(entry.place, plan.number),
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
    options: argparse.Namespace, plan: Plan, scheme: Scheme, graded: Sequence[Graded]
) -> None:
    """The tables, and the pages, of the results there are."""
    versions = f"Python {platform.python_version()}, NumPy {plan.arrays.version}"
    exports.write_tables(options.out, plan, scheme, graded, write)
    write_pages(options.out, plan, scheme, graded, versions, write)
    for file, export in [
        (options.results, exports.gradescope),
        (options.classroom, exports.classroom),
    ]:
        for found in (export(plan, scheme, one) for one in graded) if file else ():
            if found:
                write(file, json.dumps(found, indent=1) + "\n")


def _summary(
    options: argparse.Namespace, plan: Plan, scheme: Scheme, graded: Sequence[Graded]
) -> int:
    most = scheme.most(plan)
    points = [one for one in graded if one.grade.points is not None]
    print(f"{len(points)} submissions graded, step {plan.number}, of {most:g} points")
    if len(points) < len(graded):
        print(f"{len(graded) - len(points)} have no points: see the column status")
    for name in ("grades.csv", "overview.html"):
        print(f"  {options.out / name}")
    print(f"  {options.out / 'reports'}, a page and a JSON for each student")
    errors = [one for one in graded if one.result.get("error")]
    for one in errors:
        print(f"NOT GRADED  {one.hand.student}: {one.result['error']}", file=sys.stderr)
    if errors:
        print("an error of the grader, not theirs; --resume tries these again", file=sys.stderr)
    return 1 if errors else 0
