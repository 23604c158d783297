"""Mutation testing: does a case notice each small change that Cosmic Ray makes to the last engine?

`python -m dezero_harness.mutation.mutants` changes step36, and of `shared` gradients.py, what the
walk hands on.
`mutants.toml` lists the survivors that are equivalent, with the reason; any other survivor fails
the run, and so does a listed one that is noticed or no longer there. A run that was interrupted
goes on where it was, in `reports/mutants`, if neither the engine nor the harness has changed.

Cosmic Ray says what to change. The cases run as they do on planted faults: in a process forked off
one that has imported all but the engine, and those first that have noticed the most before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .detection import detect, unsound
from .fault import FRESH, Fault

STAGE = 36
#: What is changed, by the name it has in a Fault.
FILES = {
    "core.py": "stages/step36/dezero/core.py",
    "functions.py": "stages/step36/dezero/functions.py",
    "shared/gradients.py": "shared/dezero_shared/gradients.py",
}
PARTS = ("shared/dezero_shared", "stages/step36")
#: What of the harness decides whether a mutant is noticed.
JUDGES = (
    "cases",
    "execution/judge.py",
    "execution/runner.py",
    "execution/stage.py",
    "model/arrays.py",
    "model/case.py",
    "mutation/broken_engine.py",
)
WORK = Path("reports/mutants")
LIMIT = 4.0  # seconds of processor time for a case; the longest takes a fifth of that
# Not worth the minutes: in annotations nothing is computed, and floats have no bits.
SETTINGS = """
[cosmic-ray]
module-path = {files}
timeout = 600.0
excluded-modules = []
test-command = ""

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/ReplaceBinaryOperator_.*_(LShift|RShift|BitOr|BitXor|BitAnd)",
]
"""

_START = re.compile(r"(?:class|def) (\w+)")  # of a class or a function of the module


@dataclass(frozen=True)
class Mutant:
    """One change: what mutants.toml calls it, and the whole file with it."""

    file: str
    where: str
    line: str
    operator: str
    fault: Fault

    @property
    def name(self) -> tuple[str, str, str, str]:
        """The file, the class or function, the line as it is, and Cosmic Ray's name for it."""
        return Path(self.file).name, self.where, self.line, self.operator


def changes(root: Path) -> list[Mutant]:
    """All changes that Cosmic Ray makes to FILES, each once."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    by_path = {str(path): name for name, path in FILES.items()}
    mutants: dict[str, Mutant] = {}
    for job in _jobs(root):
        (mutation,) = job["mutations"]
        path = Path(mutation["module_path"])
        source = (root / path).read_text("utf-8")
        operator = mutation["operator_name"]
        change = get_operator(operator)(**mutation["operator_args"])
        changed = mutate_code(source, change, mutation["occurrence"])
        if changed is None:
            raise ValueError(f"Cosmic Ray says that {mutation} changes {path}, and it does not")
        file = by_path[path.as_posix()]
        *before, line = source.splitlines()[: mutation["start_pos"][0]]
        starts = [found[1] for one in (*before, line) if (found := _START.match(one))]
        where = starts[-1] if starts else ""
        operator = operator.removeprefix("core/")
        name = f"{file}, {operator} {mutation['occurrence']}"
        fault = Fault(name, file, source, changed, since=STAGE, until=STAGE)
        mutant = Mutant(file, where, line.strip(), operator, fault)
        mutants.setdefault(file + changed, mutant)
    return list(mutants.values())


def _jobs(root: Path) -> Iterator[dict[str, Any]]:
    """What Cosmic Ray would do, without what its filter leaves out."""
    with tempfile.TemporaryDirectory() as folder:
        settings, session = Path(folder, "settings.toml"), Path(folder, "session.sqlite")
        settings.write_text(SETTINGS.format(files=json.dumps(list(FILES.values()))), "utf-8")

        def cosmic_ray(*words: str | Path) -> str:
            run = [str(Path(sys.executable).with_name(str(words[0]))), *map(str, words[1:])]
            return subprocess.run(
                run, cwd=root, stdout=subprocess.PIPE, text=True, check=True
            ).stdout

        cosmic_ray("cosmic-ray", "init", settings, session)
        cosmic_ray("cr-filter-operators", session, settings)
        for line in cosmic_ray("cosmic-ray", "dump", session).splitlines():
            job, result = json.loads(line)
            if result is None:  # not left out
                yield job


class Results:
    """What became of each mutant so far, in files of the folder WORK."""

    def __init__(self, folder: Path, digest: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.digest, self.lock = digest, threading.Lock()
        self.file, self.hints = folder / "results.json", folder / "noticed.json"
        content = _read(self.file)
        self.how: dict[str, str] = content["how"] if content.get("digest") == digest else {}
        self.noticed = Counter(_read(self.hints))

    def add(self, name: str, how: str, case: str) -> None:
        with self.lock:
            self.how[name] = how
            self.noticed.update([case] if how == "case" else [])
            self.file.write_text(json.dumps({"digest": self.digest, "how": self.how}), "utf-8")
            self.hints.write_text(json.dumps(self.noticed), "utf-8")

    def first(self) -> list[str]:
        """The statements that have noticed something, the most frequent first."""
        with self.lock:
            return [statement for statement, _ in self.noticed.most_common()]


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def run(found: list[Mutant], root: Path, results: Results, jobs: int) -> None:
    """Run the cases on each mutant that has no result yet."""
    from tqdm import tqdm

    waiting = [mutant for mutant in found if mutant.fault.name not in results.how]
    if len(waiting) < len(found):
        print(
            f"going on with a run that was begun: {len(found) - len(waiting)} are done", flush=True
        )

    def judge(mutant: Mutant) -> None:
        caught = detect(mutant.fault, STAGE, root, LIMIT, every=False, first=results.first())
        results.add(mutant.fault.name, caught.how, *caught.cases[:1] or ("",))

    pool = ThreadPoolExecutor(jobs)
    try:
        tasks = [pool.submit(judge, mutant) for mutant in waiting]
        for task in tqdm(as_completed(tasks), total=len(tasks), unit="mutant", file=sys.stderr):
            task.result()
    finally:
        pool.shutdown(cancel_futures=True)


def digest(root: Path) -> str:
    """What a run depends on, in one word."""
    found = hashlib.sha256(repr((sys.version, version("numpy"))).encode())
    here = Path(__file__).parents[1]
    for part in [*(root / part for part in PARTS), *(here / name for name in JUDGES)]:
        for file in sorted(part.rglob("*.py")) if part.is_dir() else [part]:
            found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


def equivalents() -> Mapping[tuple[str, str, str, str], str]:
    """Why each change is equivalent, by the file, the class or function, the line, the operator."""
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["equivalent"]
    return {
        (one["file"], where, one["line"], operator): one["why"]
        for one in listed
        for where in one["where"]
        for operator in one["operators"]
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="nox -s mutants --", description=__doc__)
    parser.add_argument("-k", default="", metavar="TEXT", help="only of lines that hold this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # for the processes to come
    with tempfile.TemporaryDirectory() as folder:
        # Someone may go on working in the tree: what is changed and judged here stays as it is now.
        root = Path(folder)
        for part in PARTS:
            shutil.copytree(part, root / part, ignore=FRESH)
        print("running the cases once as they are, and listing the changes", flush=True)
        for one in unsound([STAGE], root, 1, LIMIT):
            print(f"Red without any change; make it green first: {one.cases} {one.says}")
            return 2
        results = Results(WORK, f"{digest(root)} {version('cosmic-ray')}")
        found = [mutant for mutant in changes(root) if options.k in mutant.line]
        if not found:
            parser.error(f"no line that is changed has {options.k!r} in it")
        run(found, root, results, options.jobs)
    reasons = {key: why for key, why in equivalents().items() if options.k in key[2]}
    alive = {one.name for one in found if results.how[one.fault.name] == "survives"}
    for name in sorted(alive):
        print("survives:", *name, "|", reasons.get(name, "NO CASE NOTICES IT"))
    for name in sorted(reasons.keys() - alive):
        print("is noticed, or is no more, so take it off the list:", *name)
    counts = Counter(results.how[mutant.fault.name] for mutant in found)
    print(f"{len(found)} mutants: " + ", ".join(f"{n} {how}" for how, n in counts.most_common()))
    print(f"{len(alive)} kinds survive, {len(alive & reasons.keys())} of them equivalent")
    return 1 if alive != reasons.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
