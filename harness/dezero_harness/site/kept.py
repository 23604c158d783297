"""What was made once is kept, and made anew when something that it was made of has changed.

Recording a figure or running an example takes seconds, and most changes concern one chapter.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any


class Kept:
    """Results in a folder, each with a digest of what it was made of.

    sources: what everything depends on, files or folders of Python files.
    """

    def __init__(self, folder: Path, sources: Iterable[Path] = ()):
        self.folder = folder
        self.sources = tuple(sources)
        self.made = 0  # how many were not there
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, name: str, of: Iterable[Path | str], make: Callable[[], Any]) -> Any:
        """Plain data (JSON) of this name; `make` is called if it was made of something else.

        of: files, folders of Python files, and texts.
        """
        digest = digest_of([*self.sources, *of])
        file = self.folder / f"{name}.json"
        if file.is_file():
            found = json.loads(file.read_text("utf-8"))
            if found["digest"] == digest:
                return found["result"]
        result = make()
        self.made += 1
        file.write_text(json.dumps({"digest": digest, "result": result}), "utf-8")
        return result


def digest_of(sources: Iterable[Path | str]) -> str:
    """Of the names and contents of these files, and of Python, NumPy and what draws."""
    found = hashlib.sha256(platform.python_version().encode())
    for package in ("numpy", "matplotlib", "graphviz-pure"):
        found.update(version(package).encode())
    for source in sources:
        if isinstance(source, str):
            found.update(source.encode())
            continue
        files = sorted(source.rglob("*.py")) if source.is_dir() else [source]
        for file in files:
            found.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def write(file: Path, text: str) -> None:
    """Write a text, unless it stands there: Sphinx reads what is newer than its last build."""
    if not file.is_file() or file.read_text("utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def copy(source: Path, target: Path) -> None:
    """Copy a file, unless it stands there."""
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
