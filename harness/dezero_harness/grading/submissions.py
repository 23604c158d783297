"""What students hand in: a folder or a zip each, read without trust, and no further than needed.

Nothing is unpacked as it stands: the files of one package `dezero` are read, links are refused, and
everything has a bound.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ENTRIES = 10_000  # files and folders that may lie around the package
FILES = 200  # in the package
SIZE = 4 * 2**20  # bytes of the package, unpacked
ARCHIVE = 20 * 2**20  # bytes of a zip
DEPTH = 8  # folders above each other
_SHOWN = 80  # characters of a name
_NAME = 255  # bytes of a file's name, as the system has it
_IGNORED = {"__MACOSX", "__pycache__", ".git", ".nox", ".venv", "venv", "node_modules"}
_ENCRYPTED = 0x1  # in the flags of an entry of a zip


class NoSubmission(Exception):
    """There is nothing to grade here; the message says why, for the student and the teacher."""


@dataclass(frozen=True)
class Entry:
    """One thing in the folder of submissions. `key` is a file name for it that harms nobody."""

    student: str
    key: str
    place: Path


def entries(folder: Path) -> list[Entry]:
    """Everything in the folder, in the order of the names."""
    places = sorted(folder.iterdir(), key=lambda place: os.fsencode(place.name))
    names = [place.name for place in places]
    found = []
    for place in places:
        name = place.name
        stem = place.stem
        if name.lower().endswith(".zip") and place.is_file() and stem not in names:
            name = stem
        found.append(Entry(shown(name), key_of(name), place))
    return found


def key_of(name: str) -> str:
    """A file name for a student: letters, digits, - and _, made unique by a digest if need be."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40]
    if plain == name and name == name.lower():
        return name
    return f"{plain or 'x'}.{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def shown(text: str, width: int = 10_000) -> str:
    """The text without what moves the cursor, ends a line, turns the direction, or is no character.

    Such characters are shown by their numbers.
    """
    letters = [
        letter if letter == " " or unicodedata.category(letter)[0] not in "CZ" else _escaped(letter)
        for letter in text[: width + 1]
    ]
    return "".join(letters) if len(text) <= width else "".join(letters[:width]) + " ..."


def _escaped(letter: str) -> str:
    return (
        letter.encode("ascii", "backslashreplace").decode()
        if ord(letter) > 126
        else ({"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter) or f"\\x{ord(letter):02x}")
    )


def read_package(place: Path) -> dict[str, bytes]:
    """The files of the package, by their paths from `dezero/` on.

    Raises NoSubmission for anything that is no submission, and for what may not be in one.
    """
    try:
        mode = place.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise NoSubmission("a link, which is not followed; hand in the folder itself")
        if stat.S_ISDIR(mode):
            return _of_folder(place)
        if stat.S_ISREG(mode) and place.name.lower().endswith(".zip"):
            return _of_zip(place)
    except OSError as error:
        raise NoSubmission(f"it cannot be read: {error.strerror or error}") from None
    except NoSubmission:
        raise
    except Exception as error:  # whatever a crafted zip makes its readers raise: the others go on
        text = shown(f"{type(error).__name__}: {error}", _SHOWN)
        raise NoSubmission(f"it cannot be read: {text}") from None
    raise NoSubmission("neither a folder nor a zip")


def digest_of(files: Mapping[str, bytes]) -> str:
    """The same for the same files."""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(f"{len(os.fsencode(name))}:{len(content)}:".encode())
        found.update(os.fsencode(name) + content)
    return found.hexdigest()


def write_package(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files below this folder, which is empty, for anyone to read."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o644)
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)


def _the_package(inits: Iterable[PurePosixPath]) -> PurePosixPath:
    """The folder that holds the one package, of these `dezero/__init__.py`."""
    folders = sorted({init.parent.parent for init in inits})
    if not folders:
        raise NoSubmission("no package dezero (dezero/__init__.py) in it")
    if len(folders) > 1:
        names = ", ".join(shown(str(folder), _SHOWN) for folder in folders[:3])
        raise NoSubmission(f"{len(folders)} packages dezero in it ({names}); hand in one")
    return folders[0]


def _of_folder(place: Path) -> dict[str, bytes]:
    count = 0
    inits: list[PurePosixPath] = []

    def look(folder: Path, path: PurePosixPath) -> None:
        nonlocal count
        with os.scandir(folder) as found:
            for entry in found:
                count += 1
                if count > ENTRIES:
                    raise NoSubmission(f"more than {ENTRIES} files in it")
                if entry.is_symlink():
                    if entry.name == "dezero" or path.name == "dezero":
                        _refuse_link(path / entry.name)
                elif entry.is_dir():
                    if entry.name not in _IGNORED and len(path.parts) < DEPTH:
                        look(Path(entry.path), path / entry.name)
                elif entry.name == "__init__.py" and path.name == "dezero":
                    inits.append(path / entry.name)

    look(place, PurePosixPath())
    base = _the_package(inits)
    files: dict[str, bytes] = {}

    def take(folder: Path, path: PurePosixPath) -> None:
        with os.scandir(folder) as found:
            for entry in sorted(found, key=lambda one: os.fsencode(one.name)):
                if entry.is_symlink():
                    _refuse_link(path / entry.name)
                if entry.is_dir() and entry.name not in _IGNORED:
                    if len(path.parts) > DEPTH:
                        raise NoSubmission(f"more than {DEPTH} folders in each other in dezero")
                    take(Path(entry.path), path / entry.name)
                elif entry.is_file():
                    handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
                    with open(handle, "rb") as file:
                        _add(files, path / entry.name, file.read(SIZE + 1))

    take(place / base / "dezero", PurePosixPath("dezero"))
    return files


def _refuse_link(path: PurePosixPath) -> None:
    raise NoSubmission(f"a link in it ({shown(str(path), _SHOWN)}); hand in the file itself")


def _add(files: dict[str, bytes], path: PurePosixPath, content: bytes) -> None:
    files[str(path)] = content
    if len(files) > FILES:
        raise NoSubmission(f"more than {FILES} files in the package")
    if sum(map(len, files.values())) > SIZE:
        raise NoSubmission(f"a package of more than {SIZE // 2**20} MiB")


def _of_zip(place: Path) -> dict[str, bytes]:
    if place.stat().st_size > ARCHIVE:
        raise NoSubmission(f"a zip of more than {ARCHIVE // 2**20} MiB")
    try:
        with zipfile.ZipFile(place) as archive:
            return _of_archive(archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise NoSubmission(f"a damaged zip: {shown(str(error), _SHOWN)}") from None
    except (NotImplementedError, RuntimeError, ValueError, ImportError) as error:
        raise NoSubmission(f"a zip that cannot be read: {shown(str(error), _SHOWN)}") from None


def _of_archive(archive: zipfile.ZipFile) -> dict[str, bytes]:
    infos = archive.infolist()
    if len(infos) > ENTRIES:
        raise NoSubmission(f"a zip of {len(infos)} files; more than {ENTRIES} are not unpacked")
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in infos:
        path = _safe(info)
        if info.is_dir() or _IGNORED.intersection(path.parts):
            continue
        if path in members:
            raise NoSubmission(f"two files of one name in the zip ({shown(str(path), _SHOWN)})")
        members[path] = info
    inits = [path for path in members if path.parts[-2:] == ("dezero", "__init__.py")]
    base = _the_package(inits) / "dezero"
    chosen = {path: info for path, info in members.items() if path.is_relative_to(base)}
    for path in chosen:
        if not chosen.keys().isdisjoint(path.parents):
            name = shown(str(path), _SHOWN)
            raise NoSubmission(f"a file in the zip that lies in another file ({name})")
    size = sum(info.file_size for info in chosen.values())
    if size > SIZE:
        raise NoSubmission(
            f"a package of {size / 2**20:.0f} MiB unpacked, and {SIZE // 2**20} MiB is the most"
        )
    files: dict[str, bytes] = {}
    for path, info in chosen.items():
        with archive.open(info) as file:  # no further than the bound, whatever the header says
            _add(files, "dezero" / path.relative_to(base), file.read(SIZE + 1))
    return files


def _safe(info: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry, which stays where it is put. Raises NoSubmission where it does not."""
    name, path = info.orig_filename, PurePosixPath(info.filename)
    text = shown(name, _SHOWN)
    climbs = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    long = len(name) > 1000 or any(len(os.fsencode(part)) > _NAME for part in path.parts)
    if climbs or "\0" in name or len(path.parts) > 2 * DEPTH or long:
        raise NoSubmission(f"a path in the zip that leads out of it, or nowhere ({text})")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise NoSubmission(f"a link or no file in the zip ({text}); hand in the file itself")
    if info.flag_bits & _ENCRYPTED:
        raise NoSubmission("a zip with a password")
    return path
