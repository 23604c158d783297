"""What students hand in, read without trust, and no further than needed.

A folder, a zip, a tar or a 7z; in it a package `dezero`, the whole repository, an archive of these,
a notebook that the lab wrote, or single files of the package. Nothing is unpacked as it stands: the
files of one package are read, links and devices are refused, and everything has a bound.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ENTRIES = 10_000  # files and folders that may lie around the package
FILES = 200  # in the package
SIZE = 4 * 2**20  # bytes of the package, unpacked
ARCHIVE = 20 * 2**20  # bytes of an archive
UNPACKED = 256 * 2**20  # bytes that are unpacked to find the package
DEPTH = 8  # folders above each other
_SHOWN = 80  # characters of a name
_NAME = 255  # bytes of a file's name, as the system has it
_SECONDS = 60  # to unpack a 7z
_IGNORED = {"__MACOSX", "__pycache__", ".git", ".nox", ".venv", "venv", "node_modules"}
_NO_STUDENTS = {".ds_store", "thumbs.db", "desktop.ini", "__macosx", ".gitkeep"}
_ENCRYPTED = 0x1  # in the flags of an entry of a zip
_ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar", ".7z")
_NOT_BESIDE = {"numpy", "dezero_shared", "setup", "conftest", "noxfile", *sys.stdlib_module_names}

#: A file in what was handed in, and how it is read.
Tree = dict[PurePosixPath, Callable[[], bytes]]


class NoSubmission(Exception):
    """There is nothing to grade here; the message says why, for the student and the teacher."""


@dataclass(frozen=True)
class Entry:
    """One thing in the folder of submissions. `key` is a file name for it that harms nobody."""

    student: str
    key: str
    place: Path


def entries(folder: Path) -> list[Entry]:
    """Everything in the folder that somebody has put there, in the order of the names."""
    places = sorted(folder.iterdir(), key=lambda place: os.fsencode(place.name))
    names = [place.name for place in places]
    found = []
    for place in places:
        name = place.name
        if name.lower() in _NO_STUDENTS or name.startswith("._"):
            continue
        stem = stem_of(name)
        if stem != name and place.is_file() and stem not in names:
            name = stem
        found.append(Entry(shown(name), key_of(name), place))
    return found


def stem_of(name: str) -> str:
    """The name of an archive without its ending."""
    for ending in _ARCHIVES:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def key_of(name: str) -> str:
    """A file name for a student: letters of any script, digits, - and _.

    Made unique by a digest where the name is another, or where a system takes it for another's.
    """
    plain = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", name)).strip("-")
    while len(plain.encode("utf-8", "replace")) > 120:
        plain = plain[:-1]
    if plain == name and name == name.casefold() and name not in _DEVICES:
        return name
    return f"{plain or 'x'}.{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789"),
}


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


def read_package(
    place: Path, number: int = 0, start: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """The files of the package, by their paths from `dezero/` on, and of modules beside it.

    number: of the lab, whose folder is taken where there are several. start: what a lab starts
    from, for who hands in single files of it. Raises NoSubmission for anything that is no
    submission, and for what may not be in one.
    """
    try:
        mode = place.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise NoSubmission("a link, which is not followed; hand in the folder itself")
        if stat.S_ISDIR(mode):
            return _chosen(_of_folder(place), number, start or {})
        if stat.S_ISREG(mode):
            tree = _of_file(place)
            if tree is not None:
                return _chosen(tree, number, start or {})
    except OSError as error:
        raise NoSubmission(f"it cannot be read: {error.strerror or error}") from None
    except NoSubmission:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:  # as it is read, file by file
        raise NoSubmission(f"a damaged zip: {shown(str(error), _SHOWN)}") from None
    except Exception as error:  # whatever a crafted zip makes its readers raise: the others go on
        text = shown(f"{type(error).__name__}: {error}", _SHOWN)
        raise NoSubmission(f"it cannot be read: {text}") from None
    raise NoSubmission("neither a folder nor a zip")


#: In place of matplotlib, which is not where submissions run.
_NOTHING = b'''"""Stands in for matplotlib: it takes every call, and draws nothing."""


class _Nothing:
    def __call__(self, *arguments, **options):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self):
        return iter((self, self))

    def __getitem__(self, key):
        return self

    def __setitem__(self, key, value):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None


_nothing = _Nothing()


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _nothing
'''
_MATPLOTLIB = re.compile(rb"(?m)^[ \t]*(import|from)[ \t]+matplotlib\b")


def with_stand_ins(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """With a matplotlib that draws nothing, for a submission that imports it."""
    if not any(map(_MATPLOTLIB.search, files.values())):
        return dict(files)
    stand_ins = {
        f"matplotlib/{name}.py": _NOTHING for name in ("__init__", "pyplot", "cm", "animation")
    }
    return stand_ins | dict(files)


def handed_in(place: Path) -> float:
    """When the newest file of it was written, in seconds since 1970."""
    newest, folders, count = place.lstat().st_mtime, [(str(place), 0)], 0
    if place.is_symlink() or not place.is_dir():
        return newest
    while folders:
        folder, depth = folders.pop()
        with os.scandir(folder) as found:
            for entry in found:
                count += 1
                if count > ENTRIES:
                    return newest
                if entry.is_dir(follow_symlinks=False):
                    if depth < 2 * DEPTH and entry.name not in _IGNORED:
                        folders.append((entry.path, depth + 1))
                elif entry.name.endswith(".py"):
                    newest = max(newest, entry.stat(follow_symlinks=False).st_mtime)
    return newest


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


# Which of the files are the submission


def _chosen(
    tree: Tree, number: int, start: Mapping[str, bytes], inside: bool = False
) -> dict[str, bytes]:
    inits = [path for path in tree if path.parts[-2:] == ("dezero", "__init__.py")]
    if inits:
        return _of_package(tree, _the_package(inits, number))
    archives = [path for path in tree if path.name.lower().endswith(_ARCHIVES)]
    if len(archives) == 1 and not inside:
        return _chosen(_unpacked(archives[0].name, tree[archives[0]]()), number, start, inside=True)
    single = _of_notebook(tree) or _single_files(tree, start)
    if single and start:
        return {**start, **single}
    raise NoSubmission("no package dezero (dezero/__init__.py) in it")


def _the_package(inits: Iterable[PurePosixPath], number: int) -> PurePosixPath:
    """The folder that holds the one package, of these `dezero/__init__.py`."""
    folders = sorted({init.parent.parent for init in inits})
    if len(folders) > 1:  # the whole repository: the lab is what was worked on
        labs = [folder for folder in folders if folder.parts[-2:] == ("labs", f"step{number}")]
        own = [folder for folder in folders if folder.parts[-2:-1] not in (("stages",), ("labs",))]
        for some in (labs, own):
            if len(some) == 1:
                return some[0]
        names = ", ".join(shown(str(folder), _SHOWN) for folder in folders[:3])
        raise NoSubmission(f"{len(folders)} packages dezero in it ({names}); hand in one")
    return folders[0]


def _of_package(tree: Tree, base: PurePosixPath) -> dict[str, bytes]:
    package = base / "dezero"
    files: dict[str, bytes] = {}
    for path in sorted(tree):
        if path.is_relative_to(package):
            if not tree.keys().isdisjoint(path.parents):
                name = shown(str(path), _SHOWN)
                raise NoSubmission(f"a file in the zip that lies in another file ({name})")
            if len(path.relative_to(package).parts) > DEPTH:
                raise NoSubmission(f"more than {DEPTH} folders in each other in dezero")
            _add(files, "dezero" / path.relative_to(package), tree[path]())
    beside = {
        path.stem: path
        for path in tree
        if path.parent == base and path.suffix == ".py" and path.stem not in _NOT_BESIDE
    }
    programs = list(files.values())
    for content in programs:  # and of what is found meanwhile
        for name in sorted(_imported(content) & beside.keys()):
            path = beside.pop(name)
            _add(files, PurePosixPath(path.name), tree[path]())
            programs.append(files[path.name])
    return files


_IMPORT = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]([^#\n]*)")


def _imported(content: bytes) -> set[str]:
    """The words in a program's lines of imports."""
    lines = _IMPORT.findall(content.decode("utf-8", "replace"))
    return {word for line in lines for word in re.findall(r"\w+", line)}


def _of_notebook(tree: Tree) -> dict[str, bytes]:
    """What the cells of a lab's notebook write: those that begin with %%writefile."""
    files: dict[str, bytes] = {}
    for path in sorted(tree):
        if path.suffix != ".ipynb":
            continue
        content = tree[path]()
        if len(content) > SIZE:
            raise NoSubmission(f"a notebook of more than {SIZE // 2**20} MiB")
        try:
            cells = json.loads(content)["cells"]
            sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise NoSubmission(f"a notebook that is none ({shown(path.name, _SHOWN)})") from None
        for source in sources:
            first, _, rest = source.lstrip().partition("\n")
            magic, *options = first.split() or [""]
            if magic != "%%writefile" or not options:
                continue
            parts = PurePosixPath(options[-1].strip("\"'")).parts
            if "dezero" in parts and ".." not in parts:
                name = "/".join(parts[parts.index("dezero") :])
                before = files.get(name, b"") if options[:-1] == ["-a"] else b""
                _add(files, PurePosixPath(name), before + rest.encode() + b"\n")
    return files


def _single_files(tree: Tree, start: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of the package without the package around them, as functions.py alone."""
    known = {PurePosixPath(name).name for name in start} | {"functions.py", "core.py"}
    known -= {"__init__.py"}
    found: dict[str, bytes] = {}
    for path in sorted(tree):
        if path.name in known:
            name = f"dezero/{path.name}"
            if name in found:
                raise NoSubmission(f"two files called {path.name} in it; hand in one")
            _add(found, PurePosixPath(name), tree[path]())
    return found


def _add(files: dict[str, bytes], path: PurePosixPath, content: bytes) -> None:
    files[str(path)] = content
    if len(files) > FILES:
        raise NoSubmission(f"more than {FILES} files in the package")
    if sum(map(len, files.values())) > SIZE:
        raise NoSubmission(f"a package of more than {SIZE // 2**20} MiB")


# Folders


def _of_folder(place: Path) -> Tree:
    tree: Tree = {}
    count = 0

    def look(folder: Path, path: PurePosixPath) -> None:
        nonlocal count
        with os.scandir(folder) as found:
            for entry in found:
                count += 1
                if count > ENTRIES:
                    raise NoSubmission(f"more than {ENTRIES} files in it")
                inside = "dezero" in path.parts
                if entry.is_symlink():
                    if entry.name == "dezero" or inside:
                        _refuse_link(path / entry.name)
                elif entry.is_dir():
                    if entry.name in _IGNORED:
                        continue
                    if len(path.parts) < DEPTH:
                        look(Path(entry.path), path / entry.name)
                    elif inside:
                        raise NoSubmission(f"more than {DEPTH} folders in each other in dezero")
                elif entry.is_file():
                    tree[path / entry.name] = _reader(entry.path)
                elif entry.name != ".gitkeep":
                    _refuse_device(path / entry.name)

    look(place, PurePosixPath())
    return tree


def _reader(file: str) -> Callable[[], bytes]:
    def read() -> bytes:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                _refuse_device(PurePosixPath(file).name)
            return opened.read(ARCHIVE + 1)

    return read


def _held(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _refuse_link(path: PurePosixPath) -> None:
    raise NoSubmission(f"a link in it ({shown(str(path), _SHOWN)}); hand in the file itself")


def _refuse_device(path: PurePosixPath | str) -> None:
    text = shown(str(path), _SHOWN)
    raise NoSubmission(f"a device, a pipe or a socket in it ({text}); hand in files alone")


# Archives


def _of_file(place: Path) -> Tree | None:
    name = place.name.lower()
    if name.endswith((".py", ".ipynb")):
        return {PurePosixPath(place.name): _reader(str(place))}
    if not name.endswith(_ARCHIVES):
        return None
    if place.stat().st_size > ARCHIVE:
        raise NoSubmission(f"a {_kind(name)} of more than {ARCHIVE // 2**20} MiB")
    return _unpacked(place.name, _reader(str(place))())


def _kind(name: str) -> str:
    return next(e for e in _ARCHIVES if name.lower().endswith(e)).lstrip(".")


def _unpacked(name: str, content: bytes) -> Tree:
    """The files of an archive. Raises NoSubmission for one that cannot be read, or means harm."""
    kind = _kind(name)
    if len(content) > ARCHIVE:
        raise NoSubmission(f"a {kind} of more than {ARCHIVE // 2**20} MiB")
    try:
        if kind == "zip":
            return _of_zip(zipfile.ZipFile(io.BytesIO(content)))
        if kind == "7z":
            return _of_7z(content)
        return _of_tar(content, packed=kind != "tar")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError) as error:
        raise NoSubmission(f"a damaged {kind}: {shown(str(error), _SHOWN)}") from None
    except tarfile.TarError as error:
        raise NoSubmission(f"a damaged {kind}: {shown(str(error), _SHOWN)}") from None
    except (NotImplementedError, RuntimeError, ValueError, ImportError) as error:
        raise NoSubmission(f"a {kind} that cannot be read: {shown(str(error), _SHOWN)}") from None


def _of_zip(archive: zipfile.ZipFile) -> Tree:
    infos = archive.infolist()
    if len(infos) > ENTRIES:
        raise NoSubmission(f"a zip of {len(infos)} files; more than {ENTRIES} are not unpacked")
    tree: Tree = {}
    sizes: dict[PurePosixPath, int] = {}
    for info in infos:
        path = _safe(info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            text = shown(str(path), _SHOWN)
            raise NoSubmission(f"a link or no file in the zip ({text}); hand in the file itself")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            _refuse_device(path)
        if info.flag_bits & _ENCRYPTED:
            raise NoSubmission("a zip with a password")
        if info.orig_filename.endswith(("/", "\\")) or _IGNORED.intersection(path.parts):
            continue
        if path in tree:
            raise NoSubmission(f"two files of one name in the zip ({shown(str(path), _SHOWN)})")
        sizes[path] = info.file_size

        def read(info: zipfile.ZipInfo = info) -> bytes:
            limit = ARCHIVE if info.filename.lower().endswith(_ARCHIVES) else SIZE
            with archive.open(info) as file:  # no further than that, whatever the header says
                return file.read(limit + 1)

        tree[path] = read
    inside = sum(size for path, size in sizes.items() if "dezero" in path.parts[:-1])
    many = sum(1 for path in sizes if path.parts[-2:] == ("dezero", "__init__.py")) > 1
    if inside > SIZE and not many:
        raise NoSubmission(
            f"a package of {inside / 2**20:.0f} MiB unpacked, and {SIZE // 2**20} MiB is the most"
        )
    return tree


class _Bounded(io.RawIOBase):
    """What is unpacked, up to a bound."""

    def __init__(self, file: io.BufferedIOBase):
        self.file, self.left = file, UNPACKED

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self.file.read(min(size, self.left + 1) if size >= 0 else self.left + 1)
        self.left -= len(found)
        if self.left < 0:
            raise NoSubmission(f"more than {UNPACKED // 2**20} MiB unpacked")
        return found


def _of_tar(content: bytes, packed: bool) -> Tree:
    import gzip

    raw = io.BytesIO(content)
    opened = gzip.GzipFile(fileobj=raw) if packed else raw
    tree: Tree = {}
    kept = 0
    with tarfile.open(fileobj=_Bounded(opened), mode="r|") as archive:
        for n, info in enumerate(archive):
            if n >= ENTRIES:
                raise NoSubmission(f"a tar of more than {ENTRIES} files")
            if info.name in (".", "./"):
                continue
            path = _safe(info.name)
            if _IGNORED.intersection(path.parts) or info.isdir():
                continue
            if info.issym() or info.islnk():
                if "dezero" in path.parts:
                    _refuse_link(path)
                continue
            if not info.isreg():
                _refuse_device(path)
            if path.suffix not in (".py", ".ipynb", ".toml") and "dezero" not in path.parts:
                continue
            file = archive.extractfile(info)
            data = file.read(SIZE + 1) if file else b""
            kept += len(data)
            if kept > ARCHIVE:
                raise NoSubmission(f"more than {ARCHIVE // 2**20} MiB of programs in it")
            tree[path] = _held(data)
    return tree


#: In a process of its own, within bounds, as its library takes what a file says it needs.
_UNPACK_7Z = """
import resource, sys
import py7zr

for kind, limit in ((resource.RLIMIT_AS, 2**30), (resource.RLIMIT_FSIZE, {size})):
    resource.setrlimit(kind, (limit, limit))
with py7zr.SevenZipFile(sys.argv[1]) as archive:
    if archive.needs_password():
        sys.exit("a 7z with a password")
    info = archive.archiveinfo()
    if info.uncompressed > {most} or len(archive.getnames()) > {entries}:
        sys.exit("a 7z of more than can be unpacked")
    archive.extractall(sys.argv[2])
"""


def _of_7z(content: bytes) -> Tree:
    folder = tempfile.TemporaryDirectory(prefix="unpacked-")
    with folder:
        file, out = Path(folder.name, "handed-in.7z"), Path(folder.name, "out")
        file.write_bytes(content)
        out.mkdir()
        code = _UNPACK_7Z.format(size=ARCHIVE, most=4 * ARCHIVE, entries=ENTRIES)
        try:
            done = subprocess.run(
                [sys.executable, "-c", code, str(file), str(out)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoSubmission(f"a 7z that takes more than {_SECONDS} s to unpack") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["it ended without a word"]
            raise NoSubmission(f"a 7z that cannot be read: {shown(lines[-1], _SHOWN)}")
        found: Tree = {}
        total = 0
        for path, read in _of_folder(out).items():
            data = read()
            total += len(data)
            if total > 4 * ARCHIVE:
                raise NoSubmission("a 7z of more than can be unpacked")
            found[path] = _held(data)
        return found


def _safe(name: str) -> PurePosixPath:
    """The path of an entry, which stays where it is put. Raises NoSubmission where it does not.

    Windows writes \\ between folders, whatever the standard says.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    text = shown(name, _SHOWN)
    climbs = path.is_absolute() or ".." in path.parts or ":" in name
    long = len(name) > 1000 or any(len(os.fsencode(part)) > _NAME for part in path.parts)
    if climbs or "\0" in name or len(path.parts) > 2 * DEPTH or long:
        raise NoSubmission(f"a path in the zip that leads out of it, or nowhere ({text})")
    return path
