"""The examples, run as a reader would run them: what they print, draw and take."""

from __future__ import annotations

import ast
import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .expected_output import EXAMPLES, Example
from .kept import Kept, write

TIME_LIMIT = 120.0  # seconds


class BrokenExample(Exception):
    """An example that does not run, or prints or draws something else than it has to."""


@dataclass(frozen=True)
class Done:
    """An example that ran: its output, and its picture, if it draws one.

    printed: None for one that was not run, since it needs an extra that is large.
    """

    example: Example
    source: str
    printed: str | None
    picture: Path | None

    @property
    def about(self) -> list[str]:
        """What it says of itself, in paragraphs."""
        text = ast.get_docstring(ast.parse(self.source)) or ""
        return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


def shown() -> list[Example]:
    """Each script once with the same arguments, and every picture as an SVG."""
    runs: dict[tuple[int, str, tuple[str, ...]], Example] = {}
    for example in EXAMPLES:
        if example.draws:
            example = dataclasses.replace(example, draws="svg")
        runs.setdefault((example.stage, example.script, example.args), example)
    return list(runs.values())


def run_all(root: Path, out: Path, jobs: int, kept: Kept) -> list[Done]:
    """Run the examples, pictures into out/stepNN. Raises BrokenExample with its name."""

    def run_or_find(example: Example) -> Done:
        stage = root / f"stages/step{example.stage}"
        script = stage / "examples" / example.script
        name = "-".join([stage.name, script.stem, *example.args])
        engine = [stage / "dezero", root / "shared/dezero_shared"]
        of: list[Path | str] = [*engine, script, repr(example)]
        found = kept.get(name, of, lambda: _as_data(run(root, example, out)))
        picture = out / stage.name / found["name"] if found["name"] else None
        if picture:
            write(picture, found["drawn"])
        return Done(example, script.read_text("utf-8"), found["printed"], picture)

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run_or_find, shown()))


def _as_data(done: Done) -> dict[str, str | None]:
    name, drawn = None, None
    if done.picture:
        name, drawn = done.picture.name, done.picture.read_text("utf-8")
    return {"printed": done.printed, "name": name, "drawn": drawn}


def run(root: Path, example: Example, out: Path) -> Done:
    """Run one example, with its stage and no other on the path."""
    stage = root / f"stages/step{example.stage}"
    script = stage / "examples" / example.script
    if example.extra:
        return Done(example, script.read_text("utf-8"), None, None)
    folder = out / f"step{example.stage}"
    folder.mkdir(parents=True, exist_ok=True)
    args = list(example.args)
    picture = None
    if example.draws:
        stem = "_".join([example.script.removesuffix(".py"), *example.args])
        picture = folder / f"{stem}.{example.draws}"
        args += ["--out", str(picture)]
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(stage), str(root / "shared")]),
        "MPLBACKEND": "Agg",
    }
    name = " ".join([str(script.relative_to(root)), *example.args])
    try:
        done = subprocess.run(
            [sys.executable, str(script), *args],
            env=env,
            capture_output=True,
            encoding="utf-8",
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise BrokenExample(f"{name} took more than {TIME_LIMIT:.0f} s") from None
    if done.returncode:
        raise BrokenExample(f"{name} ended with status {done.returncode}:\n{done.stderr.strip()}")
    if wrong := example.misfit(done.stdout):
        raise BrokenExample(f"{name} does not print what it has to:\n{wrong}")
    if picture and not picture.is_file():
        raise BrokenExample(f"{name} has not drawn {picture.name}")
    return Done(example, script.read_text("utf-8"), done.stdout, picture)
