"""A stage, loaded by its directory: which engine runs, and what it says it can do."""

from __future__ import annotations

import sys
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from ..model.case import PRESUPPOSED, REFUSALS
from .runner import StageError, import_engine


@dataclass(frozen=True)
class Stage:
    """An engine in the folder `path`, and the capabilities that it states.

    ours: whether it is a stage, or made from one, as its table [tool.dezero] says with `stage`.
    aliases: what it calls otherwise than the book does, as runner.adopt takes it.
    engine: the name and version of an engine behind an adapter.
    """

    name: str
    path: Path
    capabilities: frozenset[str]
    project: str = ""  # name and version of its distribution
    ours: bool = True
    aliases: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""


def load(folder: str | Path) -> Stage:
    """Import the package `dezero` of this folder, and no other.

    Raises StageError as `read` does, for an engine that cannot be imported, and where the import
    gives another `dezero` than the folder's.
    """
    stage = read(folder)
    _refuse_installed(stage.path, stage.project)
    if sys.path[0] != str(stage.path):
        sys.path.insert(0, str(stage.path))
    import_engine(stage.path, dict(stage.aliases))
    return stage


def read(folder: str | Path, python: str = "") -> Stage:
    """What can be known of the stage in this folder without importing it.

    Raises StageError for a folder that is missing, holds no `dezero`, or states what the harness
    does not know; and, unless it is for another interpreter `python`, for one with no valid Python
    or with a NumPy of its own.
    """
    path = Path(folder).resolve()
    package = path / "dezero"
    if not path.is_dir():
        raise StageError(f"--stage {folder}: there is no such folder{_hint(path)}")
    if not (package / "__init__.py").is_file():
        raise StageError(
            f"--stage {folder}: there is no engine in this folder, that is, no package dezero"
            f" (dezero/__init__.py){_hint(path)}"
        )
    project, table = _stated(path)
    capabilities = _capabilities(path / "pyproject.toml", table)
    aliases = _aliases(path / "pyproject.toml", table)
    if not python:
        refuse_bad_syntax(package)
        _refuse_other_numpy(path)
    return Stage(_name(path), path, capabilities, project, "stage" in table, aliases)


def _name(path: Path) -> str:
    """The folder's name or, among installed packages, the name and version of the engine's."""
    if path.name in ("site-packages", "dist-packages"):
        for record in path.glob("dezero-*.dist-info"):
            return record.name.removesuffix(".dist-info")
    return path.name


def _hint(path: Path) -> str:
    folders = path.parent.glob("*/dezero/__init__.py")
    stages = ", ".join(sorted(file.parent.parent.name for file in folders))
    return f"; the stages in {path.parent} are {stages}" if stages else ""


def _stated(path: Path) -> tuple[str, dict[str, Any]]:
    """What it is installed as, and its table [tool.dezero]."""
    file = path / "pyproject.toml"
    try:
        settings = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise StageError(f"{file} is not valid TOML: {error}") from None
    project = settings.get("project", {})
    name = f"{project.get('name', '')} {project.get('version', '')}".strip()
    return name, settings.get("tool", {}).get("dezero", {})


def _aliases(file: Path, table: dict[str, Any]) -> dict[str, str]:
    aliases = table.get("aliases", {})
    if not (isinstance(aliases, dict) and all(isinstance(v, str) for v in aliases.values())):
        raise StageError(
            f"{file}: [tool.dezero.aliases] gives the book's name, in quotes, the engine's, as in"
            f' "Variable.cleargrad" = "zero_grad"'
        )
    return aliases


def _capabilities(file: Path, table: dict[str, Any]) -> frozenset[str]:
    """Those stated; someone else's engine, which states none, has all."""
    if "stage" not in table and "capabilities" not in table:
        return frozenset(REFUSALS)
    stated = table.get("capabilities")
    if not isinstance(stated, list):
        raise StageError(f"{file}: [tool.dezero] needs a list `capabilities`, which may be empty")
    unknown = [name for name in stated if name not in REFUSALS]
    if unknown:
        raise StageError(
            f"{file}: {', '.join(map(repr, unknown))} in capabilities of [tool.dezero] is not a"
            f" capability; the harness knows {', '.join(REFUSALS)}"
        )
    for name in stated:
        if PRESUPPOSED.get(name, name) not in stated:
            raise StageError(
                f"{file}: [tool.dezero] states {name} without {PRESUPPOSED[name]}, which it is a"
                f" part of; state both or neither"
            )
    return frozenset(stated)


def refuse_bad_syntax(package: Path) -> None:
    """Raise a StageError that names the file and the line, where one is no valid Python."""
    for file in sorted(package.rglob("*.py")):
        try:
            with warnings.catch_warnings(action="ignore"):
                compile(file.read_bytes(), file, "exec")
        except SyntaxError as error:
            code = f" in `{error.text.strip()}`" if error.text else ""
            raise StageError(
                f"the engine is no valid Python: {file}, line {error.lineno}: {error.msg}{code};"
                f" correct this line and run again"
            ) from None
        except ValueError as error:  # a null byte
            raise StageError(f"the engine is no valid Python: {file}: {error}") from None


def _refuse_other_numpy(path: Path) -> None:
    """In the folder of an environment, the engine's, lies what must not mix with the harness's."""
    found = path / "numpy" / "__init__.py"
    if found.is_file() and found.resolve() != Path(np.__file__).resolve():
        raise StageError(
            f"--stage {path}: this folder is an environment with a NumPy of its own; let the"
            f" engine run there: add --python with the interpreter of that environment"
        )


def _refuse_installed(path: Path, project: str) -> None:
    """Two engines in one environment both answer to `import dezero`: which one would be tested?"""
    for found in distributions():
        name = (found.name or "").lower().replace("_", "-")
        is_engine = name in ("dezero", "dezero-stage") or name.startswith("dezero-step")
        place = Path(str(found.locate_file(""))).resolve()
        if is_engine and f"{name} {found.version}" != project and place != path:
            raise StageError(
                f"--stage {path}: this environment has another engine, {name} {found.version} in"
                f" {place}; take it out (python -m pip uninstall {name}), or use one environment"
                f" for each stage, as nox does"
            )
