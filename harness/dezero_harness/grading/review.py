"""What a teacher should look at: it proves nothing, and no points hang on it."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

_LOOKS = re.compile(
    r"_getframe|f_back|\binspect\b|__main__|settrace|setprofile|get_objects|get_referrers"
    r"|conformance_runner|sys\s*\.\s*modules|linecache|\bctypes\b"
)
_COMPILED = (".pyc", ".pyo", ".so", ".pyd", ".dll", ".dylib", ".o", ".a", ".exe", ".wasm")


def flags_of(files: Mapping[str, bytes], root: Path, number: int) -> tuple[str, ...]:
    """In words; the last one begins with "alike " and is the same for the same programs."""
    found = []
    for name, content in sorted(files.items()):
        text = content.decode("utf-8", "replace")
        if name.endswith(_COMPILED) or b"\0" in content:
            found.append(f"{name} is compiled, so that nobody can read it")
        elif looked := _LOOKS.search(text):
            line = text.count("\n", 0, looked.start()) + 1
            found.append(f"{name}, line {line} looks at the one who runs it: {looked[0]}")
    likeness = alike(files)
    stages = _stages(root)
    if likeness == stages.get(number):
        found.append(f"it is the published step {number}, but for comments")
    elif likeness not in stages.values():
        found.append(f"alike {likeness}")
    return tuple(found)


def notes_of(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """What a student is told of what is otherwise where it is graded."""
    texts = {name: content.decode("utf-8", "replace") for name, content in files.items()}
    found = []
    for name, text in sorted(texts.items()):
        if re.search(r"^[ \t]*(import|from)[ \t]+matplotlib\b", text, re.MULTILINE):
            found.append(f"{name} imports matplotlib: there is none here, and nothing is drawn")
        if re.search(r"\binput\(", text):
            found.append(f"{name} calls input(): nobody can type here, and it gets an empty text")
    return tuple(found)


def alike(files: Mapping[str, bytes]) -> str:
    """The same for programs that differ in comments, texts that document, and blanks alone."""
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        if name.endswith(".py"):
            found.update(name.encode("utf-8", "replace") + b"\0" + _read(content).encode())
    return found.hexdigest()[:16]


_PARSED = 2**18  # bytes of a file whose syntax tree is made: a tree takes a hundred times as much


def _read(content: bytes) -> str:
    if len(content) > _PARSED:
        return hashlib.sha256(content).hexdigest()
    try:
        tree = ast.parse(content)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            first = body[0] if isinstance(body, list) and body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = body[1:]  # type: ignore[attr-defined, index]
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return hashlib.sha256(content).hexdigest()


@cache
def _stages(root: Path) -> dict[int, str]:
    """Stage -> the likeness of its package."""
    found = {}
    for folder in root.glob("stages/step*"):
        files = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.glob("dezero/**/*.py")
        }
        found[int(folder.name.removeprefix("step"))] = alike(files)
    return found


def same_as_others(flags: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Student -> those whose program is the same."""
    groups: dict[str, list[str]] = {}
    for student, said in flags.items():
        for flag in said:
            if flag.startswith("alike "):
                groups.setdefault(flag, []).append(student)
    return {
        student: [other for other in group if other != student]
        for group in groups.values()
        if len(group) > 1
        for student in group
    }
