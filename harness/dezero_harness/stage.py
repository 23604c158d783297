"""A stage, loaded by its directory: which engine runs, and what it says it can do."""

from __future__ import annotations

import importlib
import sys
import tomllib
import traceback
import warnings
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from .case import PRESUPPOSED, REFUSALS


class StageError(Exception):
    """There is nothing to test; the message says why, and what to do."""


@dataclass(frozen=True)
class Stage:
    """An engine that was imported from `path`, and the capabilities that it states."""

    name: str
    path: Path
    capabilities: frozenset[str]


def load(folder: str | Path) -> Stage:
    """Import the package `dezero` of this folder, and no other.

    Raises StageError for a folder that is missing, holds no `dezero`, cannot be imported or states
    what the harness does not know, and where the import gives another `dezero` than the folder's.
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
    project, capabilities = _stated(path)
    _refuse_bad_syntax(package)
    _refuse_installed(path, project)
    _import(path)
    return Stage(path.name, path, capabilities)


def _hint(path: Path) -> str:
    folders = path.parent.glob("*/dezero/__init__.py")
    stages = ", ".join(sorted(file.parent.parent.name for file in folders))
    return f"; the stages in {path.parent} are {stages}" if stages else ""


def _stated(path: Path) -> tuple[str, frozenset[str]]:
    """The project's name and its capabilities; someone else's engine, without a table, has all."""
    file = path / "pyproject.toml"
    try:
        settings = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise StageError(f"{file} is not valid TOML: {error}") from None
    project = settings.get("project", {}).get("name", "")
    table = settings.get("tool", {}).get("dezero")
    if table is None:
        return project, frozenset(REFUSALS)
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
    return project, frozenset(stated)


def _refuse_bad_syntax(package: Path) -> None:
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


def _refuse_installed(path: Path, project: str) -> None:
    """Two engines in one environment both answer to `import dezero`: which one would be tested?"""
    for found in distributions():
        name = (found.name or "").lower().replace("_", "-")
        is_engine = name == "dezero" or name.startswith("dezero-step")
        place = Path(str(found.locate_file(""))).resolve()
        if is_engine and name != project and place != path:
            raise StageError(
                f"--stage {path}: this environment has another engine, {name} {found.version} in"
                f" {place}; take it out (python -m pip uninstall {name}), or use one environment"
                f" for each stage, as nox does"
            )


def _import(path: Path) -> None:
    if sys.path[0] != str(path):
        sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    try:
        engine = importlib.import_module("dezero")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise StageError(_failed_import(path, error)) from error
    file = Path(engine.__file__ or "nowhere").resolve()
    if path not in file.parents:
        raise StageError(
            f"--stage {path}: `import dezero` gives {file}, which is another engine; start pytest"
            f" anew, with nothing that imports dezero before the harness does"
        )
    if not hasattr(engine, "Variable"):
        raise StageError(f"{file} has no Variable, and without one there is nothing to test")


def _failed_import(path: Path, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if path in Path(frame.filename).parents]
    where = f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else str(path)
    lacking = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0]
    advice = "correct this line and run again"
    if lacking not in (False, "dezero"):
        advice = f"install {lacking} in this environment, or correct this line"
    return f"`import dezero` fails: {where}: {type(error).__name__}: {error}; {advice}"
