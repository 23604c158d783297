"""The files of an engine: texts by their paths in the folder of a stage."""

from __future__ import annotations

import ast
from pathlib import Path

from ..execution.runner import StageError

Files = dict[Path, str]


def package(folder: Path) -> Files:
    """The Python files of the package in this folder. Raises StageError where one is no Python."""
    if not (folder / "dezero" / "__init__.py").is_file():
        raise StageError(
            f"{folder} holds no package dezero (dezero/__init__.py); name a folder that does, as"
            f" in --from labs/step33"
        )
    files = {}
    for file in sorted(folder.glob("dezero/**/*.py")):
        path = file.relative_to(folder)
        try:
            text = file.read_text("utf-8")
            ast.parse(text)
        except SyntaxError as error:
            raise StageError(
                f"{file}, line {error.lineno}: {error.msg}; correct this line first"
            ) from None
        except ValueError as error:
            raise StageError(f"{file} is no valid Python: {error}") from None
        files[path] = text
    return files
