"""Mutation testing: does a case notice each small change that Cosmic Ray makes to the last engine?

`python -m dezero_harness.mutants` mutates a copy of step36. `mutants.toml` lists the survivors that
are equivalent, with the reason; any other survivor fails the run, and so does a listed one that is
noticed or no longer there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .faults import FRESH

FILES = ("core.py", "functions.py")
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
    package = folder / "stages" / "step36" / "dezero"
    for part in ("shared/dezero_shared", "harness/dezero_harness", "stages/step36/dezero"):
        shutil.copytree(root / part, folder / part, ignore=FRESH)
    shutil.copy(root / "stages/step36/pyproject.toml", package.parent)
    lines = {file: (package / file).read_text("utf-8").splitlines() for file in FILES}
    paths = [f"stages/step36/dezero/{file}" for file in FILES]
    worker = f"{sys.executable} -m dezero_harness.faults --worker stages/step36"
    command = f"{worker} --first {folder / 'told'}"  # what noticed one mutant tries the next first
    settings = SETTINGS.format(files=json.dumps(paths), command=json.dumps(command))
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

    cosmic_ray("cosmic-ray", "init", "settings.toml", "session.sqlite")
    cosmic_ray("cr-filter-operators", "session.sqlite", "settings.toml")
    cosmic_ray("cosmic-ray", "baseline", "settings.toml")
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


def main() -> int:
    listed = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["equivalent"]
    reasons = {
        (one["file"], one["line"], operator): one["why"]
        for one in listed
        for operator in one["operators"]
    }
    with tempfile.TemporaryDirectory() as folder:
        found = set(survivors(Path(folder), Path.cwd()))
    for mutant in sorted(found):
        print("survives:", *mutant, "|", reasons.get(mutant, "NO CASE NOTICES IT"))
    gone = reasons.keys() - found
    for mutant in sorted(gone):
        print("is noticed, or is no more, so take it off the list:", *mutant)
    print(f"{len(found)} survivors, {len(found & reasons.keys())} of them equivalent")
    return 1 if found != reasons.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
