"""Mutation testing: does a case notice each small change that Cosmic Ray makes to the last engine?

`python -m dezero_harness.mutants` mutates a copy of step36 and of `shared`'s application.py, what a
call does. `mutants.toml` lists the survivors that are equivalent, with the reason; any other
survivor fails the run, and so does a listed one that is noticed or no longer there. A run that was
interrupted goes on where it was, in `reports/mutants`, if neither the engine nor the harness has
changed.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from .faults import FRESH

FILES = (
    "stages/step36/dezero/core.py",
    "stages/step36/dezero/functions.py",
    "shared/dezero_shared/application.py",
)
PARTS = ("shared/dezero_shared", "harness/dezero_harness", "stages/step36/dezero")
WORK = Path("reports/mutants")
# The worker itself ends a case that hangs, by processor time: a busy machine is no mutant's end.
# Not worth the minutes: in annotations nothing is computed, and floats have no bits.
SETTINGS = """
[cosmic-ray]
module-path = {files}
timeout = 600.0
excluded-modules = []
test-command = {command}

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/ReplaceBinaryOperator_.*_(LShift|RShift|BitOr|BitXor|BitAnd)",
]
"""


def survivors(folder: Path, root: Path) -> Iterator[tuple[str, str, str]]:
    """Mutate a copy in `folder`; the file, the line as it was and the operator of each survivor."""
    lines = {Path(file).name: (root / file).read_text("utf-8").splitlines() for file in FILES}
    # What noticed one mutant is tried first on the next.
    command = f"{sys.executable} -m dezero_harness.hunted stages/step36 {folder / 'told'}"
    settings = SETTINGS.format(files=json.dumps(FILES), command=json.dumps(command))
    (folder / "settings.toml").write_text(settings, "utf-8")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(folder / part) for part in ("shared", "harness")]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def cosmic_ray(*words: str, quiet: bool = True) -> str:
        scripts = Path(sys.executable).parent
        run = [str(scripts / words[0]), *words[1:]]
        out = subprocess.PIPE if quiet else None
        done = subprocess.run(run, cwd=folder, env=environment, stdout=out, text=True, check=True)
        return done.stdout

    begun, of = folder / "begun", digest(root)
    # A run that was ended may have left its mutation in the copy: the copy is always a new one.
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
        shutil.copytree(root / part, folder / part, ignore=FRESH)
    shutil.copy(root / "stages/step36/pyproject.toml", folder / "stages/step36")
    for part in ("shared", "harness"):  # once, and not for each mutant
        compileall.compile_dir(folder / part, quiet=1)
    if begun.exists() and begun.read_text("utf-8") == of:
        print("going on with the run that was begun", flush=True)
    else:
        begun.unlink(missing_ok=True)
        (folder / "session.sqlite").unlink(missing_ok=True)
        cosmic_ray("cosmic-ray", "init", "settings.toml", "session.sqlite")
        cosmic_ray("cr-filter-operators", "session.sqlite", "settings.toml")
        cosmic_ray("cosmic-ray", "baseline", "settings.toml")
        begun.write_text(of, "utf-8")
    cosmic_ray(
        "cosmic-ray", "--verbosity=INFO", "exec", "settings.toml", "session.sqlite", quiet=False
    )
    for line in cosmic_ray("cosmic-ray", "dump", "session.sqlite").splitlines():
        job, result = json.loads(line)
        if result and result["test_outcome"] == "survived":
            (mutation,) = job["mutations"]
            file = Path(mutation["module_path"]).name
            operator = mutation["operator_name"].removeprefix("core/")
            yield file, lines[file][mutation["start_pos"][0] - 1].strip(), operator


def digest(root: Path) -> str:
    """What a run depends on, in one word."""
    found = hashlib.sha256(repr((sys.version, version("numpy"), version("cosmic-ray"))).encode())
    for part in PARTS:
        for file in sorted((root / part).rglob("*")):
            if file.suffix in (".py", ".toml"):
                found.update(str(file.relative_to(root)).encode() + file.read_bytes())
    return found.hexdigest()


def main() -> int:
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["equivalent"]
    reasons = {
        (one["file"], one["line"], operator): one["why"]
        for one in listed
        for operator in one["operators"]
    }
    WORK.mkdir(parents=True, exist_ok=True)
    found = set(survivors(WORK.absolute(), Path.cwd()))
    for mutant in sorted(found):
        print("survives:", *mutant, "|", reasons.get(mutant, "NO CASE NOTICES IT"))
    gone = reasons.keys() - found
    for mutant in sorted(gone):
        print("is noticed, or is no more, so take it off the list:", *mutant)
    print(f"{len(found)} survivors, {len(found & reasons.keys())} of them equivalent")
    if found != reasons.keys():
        return 1
    shutil.rmtree(WORK)
    return 0


if __name__ == "__main__":
    sys.exit(main())
