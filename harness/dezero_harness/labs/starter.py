"""What a lab starts from: the stage before it, or that with the gaps that its chapter fills.

Everything follows from two neighbouring stages by way of their syntax trees; nothing is written by
hand for a lab. Files are texts by their paths in the folder of a stage.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from ..diffs.difference import FileDifference, difference
from ..execution.runner import StageError
from .package import Files, package

#: A function is found by its name ("Mul.backward") and its decorators, as a setter has the name of
#: its property.
Key = tuple[str, tuple[str, ...]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class FileChange:
    """What a chapter does to a file: definitions that are new, bodies that it changes, the rest.

    copied: the file of the stage before that a new one was made from. outside: it also changes
    statements that are in no function; come, go, other: the names that these then define newly,
    no longer, or in another way. gone: it takes the file away.
    """

    path: Path
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    copied: Path | None = None
    outside: bool = False
    come: tuple[str, ...] = ()
    go: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    gone: bool = False
    is_new: bool = False


def start_files(before: Path, after: Path, base: Path, guided: bool) -> Files:
    """The package with which a learner begins to turn stage `before` into stage `after`.

    base: the folder whose package is carried on, `before` itself or the learner's own. It is the
    start as it is or, if guided, with gaps put in: each new function raises NotImplementedError,
    also those of a file that is new. A body that exists and has to change keeps what it does, also
    in a file that is made from another, and has comments where it changes: the engine goes on
    working, and only what is new is missing.
    Statements outside of functions are the learner's to change, and so are files to delete.

    Raises StageError where the base does not hold what the gaps need.
    """
    files = package(base)
    if not guided:
        return files
    label, texts = after.name, package(after)
    for file in _of_engine(before, after):
        if file.new is None:
            continue
        text = texts[file.new]
        old = (before / file.old).read_text("utf-8") if file.old else ""
        there = files.get(file.new) or (files.get(file.old) if file.old else None)
        if there is None:
            files[file.new] = blanked(text, old, label)
        else:
            files[file.new] = _Merge(there, old, text, file.new, label).result()
    for path, text in files.items():
        if text != texts.get(path):
            _refuse_missing_imports(path, text, files, base)
    return files


def changes(before: Path, after: Path) -> list[FileChange]:
    """What the chapter between two stages does, file by file; a new docstring alone is nothing."""
    found = []
    for file in _of_engine(before, after):
        if file.new is None:
            found.append(FileChange(file.path, gone=True))
            continue
        old = ast.parse((before / file.old).read_text("utf-8") if file.old else "")
        new = ast.parse((after / file.new).read_text("utf-8"))
        known = {node.name for node in _definitions(old)}
        fresh = [node.name for node in _definitions(new) if node.name not in known]
        bodies = _bodies(old)
        changed = []
        for key, body in _bodies(new).items():
            if key[0].split(".")[0] not in fresh and bodies.get(key) != body:
                changed.append(key[0])
        change = FileChange(
            file.new,
            tuple(fresh),
            tuple(changed),
            copied=file.old if file.old != file.new else None,
            outside=_outside(old) != _outside(new),
            come=_sorted(_names(new) - _names(old)),
            go=_sorted(_names(old) - _names(new)),
            other=_sorted(
                name
                for name, value in _assigned(new).items()
                if _assigned(old).get(name, value) != value
            ),
            is_new=file.old != file.new,
        )
        if change.is_new or change.new or change.changed or change.outside:
            found.append(change)
    return found


def _of_engine(before: Path, after: Path) -> list[FileDifference]:
    return [file for file in difference(before, after) if file.kind == "engine"]


def blanked(text: str, old: str, label: str) -> str:
    """The text with each function whose body is not one of `old` raising NotImplementedError."""
    known = _bodies(ast.parse(old))
    tree, lines = ast.parse(text), text.splitlines()
    gaps = [
        (name, node)
        for name, node in _functions(tree)
        if known.get(_key(name, node)) != _body(node)
    ]
    for name, node in reversed(gaps):
        first, last = _span_of_body(node, lines)
        gap = f'raise NotImplementedError("{label}: write the body of {name}")'
        lines[first:last] = [" " * (node.col_offset + 4) + gap]
        header = first - 1
        if node.body[0].lineno == header + 1 and not _docstring(node):  # def f(): return 1
            lines[header] = lines[header][: node.body[0].col_offset].rstrip()
    return "\n".join(lines) + "\n"


class _Merge:
    """The gaps of a chapter put into a text that somebody else may have written."""

    def __init__(self, base: str, old: str, new: str, path: Path, label: str):
        self.path, self.label = path, label
        self.lines = base.splitlines()
        self.base, self.old = ast.parse(base), ast.parse(old)
        self.texts = base, new
        self.source = blanked(new, old, label)
        self.new = ast.parse(self.source)
        # Before which line, in which order, what; applied from the end.
        self.insertions: list[tuple[int, int, list[str]]] = []
        self.replacements: list[tuple[int, int, str]] = []

    def result(self) -> str:
        self._definitions(self.new, self.old, self.base, "")
        if self.insertions:
            self._imports()
        self._markers()
        edits = [(at, at, order, text) for at, order, text in self.insertions]
        edits += [(start, stop, 0, [text]) for start, stop, text in self.replacements]
        for start, stop, _, text in sorted(edits, key=lambda edit: edit[::2], reverse=True):
            self.lines[start:stop] = text
        return "\n".join(self.lines) + "\n"

    def _definitions(self, new: ast.AST, old: ast.AST, base: ast.AST, owner: str) -> None:
        known = {node.name: node for node in _definitions(old)}
        present = {node.name: node for node in _definitions(base)}
        top = not owner
        anchor = self._after_imports() if top else self._first_line(base)
        for node in _definitions(new):
            here = present.get(node.name)
            if here is not None:
                anchor = here.end_lineno or here.lineno
            if node.name in known:
                if isinstance(node, ast.ClassDef):
                    self._methods(node, known[node.name], here)
            elif here is None:
                segment = _source(node, self.source.splitlines())
                gap = [""] * (2 if top else 1)
                self.insertions.append((anchor, len(self.insertions), [*gap, *segment]))

    def _methods(self, new: ast.ClassDef, old: ast.AST, base: ast.AST | None) -> None:
        known = {node.name for node in _definitions(old)}
        if base is not None:
            self._definitions(new, old, base, f"{new.name}.")
        elif any(node.name not in known for node in _definitions(new)):
            raise self._lacks(f"class {new.name}")

    def _imports(self) -> None:
        """What the new functions import."""
        known = set(map(ast.dump, _imports(self.old))) | set(map(ast.dump, _imports(self.base)))
        more: dict[str, list[ast.alias]] = {}  # of a module of which something is imported already
        for statement in _imports(self.new):
            module = _module(statement)
            if ast.dump(statement) in known:
                continue
            if module and any(_module(one) == module for one in _imports(self.base)):
                more.setdefault(module, []).extend(statement.names)
            else:
                self.insertions.append((self._after_imports(), -1, [ast.unparse(statement)]))
        for module, names in more.items():
            there = [one for one in _imports(self.base) if _module(one) == module][-1]
            together = dict.fromkeys(map(ast.unparse, [*names, *there.names]))
            whole = ast.ImportFrom(module, [ast.alias(name) for name in together], 0)
            end = there.end_lineno or there.lineno
            self.replacements.append((there.lineno - 1, end, ast.unparse(whole)))

    def _markers(self) -> None:
        here = {_key(name, node): node for name, node in _functions(self.base)}
        known = _bodies(self.old)
        for name, node in _functions(self.new):
            key = _key(name, node)
            if key not in known or known[key] == _body(node):
                continue
            if key not in here:
                raise self._lacks(name)
            first = _statements(here[key])[0]
            places = self._places(key, here[key]) if _body(here[key]) == known[key] else {}
            header = any(place < first.lineno for place in places)
            comment = f"this chapter changes {name}{', its first line too' if header else ''}."
            self._mark(first.lineno, 0, comment)
            for place, what in places.items():
                if place >= first.lineno and len(_statements(here[key])) > 1:
                    self._mark(place, 1, what)

    def _mark(self, line: int, order: int, text: str) -> None:
        """Put a comment before a line, from 1, with its indent."""
        below = self.lines[line - 1]
        indent = below[: len(below) - len(below.lstrip())]
        self.insertions.append((line - 1, order, [f"{indent}# {self.label}: {text}"]))

    def _places(self, key: Key, node: Function) -> dict[int, str]:
        """The lines, from 1, of a function before which the chapter does something, and what."""
        base, new = self.texts
        other = {_key(name, one): one for name, one in _functions(ast.parse(new))}[key]
        mine = [(n, base.splitlines()[n - 1].strip()) for n in _code_lines(node)]
        theirs = [new.splitlines()[n - 1].strip() for n in _code_lines(other)]
        matched = SequenceMatcher(None, [text for _, text in mine], theirs, False)
        first = _statements(node)[0].lineno
        places: dict[int, str] = {}
        for mark, start, stop, *_ in matched.get_opcodes():
            if mark == "equal":
                continue
            lines = [n for n, _ in mine[start:stop]] or [mine[min(start, len(mine) - 1)][0]]
            what = "comes in" if mark == "insert" else "changes"
            for part in ([n for n in lines if n < first], [n for n in lines if n >= first]):
                if part:  # the header apart
                    places[part[0]] = f"something {what} here"
        return places

    def _after_imports(self) -> int:
        ends = [node.end_lineno or 0 for node in _imports(self.base)]
        if not ends and ast.get_docstring(self.base):
            ends = [self.base.body[0].end_lineno or 0]
        return max(ends, default=0)

    def _first_line(self, node: ast.AST) -> int:
        assert isinstance(node, ast.ClassDef)
        return node.end_lineno or node.lineno

    def _lacks(self, what: str) -> StageError:
        return StageError(
            f"your {self.path} has no {what}, and {self.label} changes it: there is no place for"
            f" the gaps of the guided form. Start in the open form (without --guided)"
        )


def _refuse_missing_imports(path: Path, text: str, files: Files, base: Path) -> None:
    for statement in _imports(ast.parse(text)):
        module = _module(statement)
        if not module.startswith("dezero."):
            continue
        origin = Path(*module.split(".")).with_suffix(".py")
        names = _names(ast.parse(files.get(origin, "")))
        for alias in statement.names:
            if alias.name not in names and alias.name != "*":
                raise StageError(
                    f"the guided start needs {alias.name} of {origin} (in {path}), and {base} has"
                    f" none there. Start in the open form (without --guided)"
                )


def _functions(tree: ast.AST, owner: str = "") -> Iterator[tuple[str, Function]]:
    """The functions of a module and the methods of its classes, with their names."""
    for node in _definitions(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{owner}{node.name}.")
        else:
            yield owner + node.name, node


def _definitions(tree: ast.AST) -> Iterator[Function | ast.ClassDef]:
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _imports(tree: ast.Module) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


def _module(statement: ast.Import | ast.ImportFrom) -> str:
    return (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""


def _names(tree: ast.Module) -> set[str]:
    """What can be imported from a module."""
    names = {node.name for node in _definitions(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _assigned(tree: ast.Module) -> dict[str, str]:
    """What the statements of a module assign to a name, as text."""
    return {
        target.id: ast.dump(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _key(name: str, node: Function) -> Key:
    return name, tuple(map(ast.unparse, node.decorator_list))


def _bodies(tree: ast.AST) -> Mapping[Key, str]:
    return {_key(name, node): _body(node) for name, node in _functions(tree)}


def _body(node: Function) -> str:
    return "\n".join(map(ast.dump, _statements(node)))


def _docstring(node: ast.AST) -> ast.stmt | None:
    body = getattr(node, "body", [])
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first if isinstance(first.value.value, str) else None
    return None


def _statements(node: Function) -> list[ast.stmt]:
    """The body without the docstring; where there is nothing else, the docstring."""
    return node.body[1:] or node.body if _docstring(node) else node.body


def _outside(tree: ast.Module) -> list[str]:
    """The statements of a module that are no definition, and those of its classes."""
    found = []
    for node in tree.body[1:] if _docstring(tree) else tree.body:
        if isinstance(node, ast.ClassDef):
            inner = node.body[1:] if _docstring(node) else node.body
            found += [f"{node.name}: {ast.dump(s)}" for s in inner if not isinstance(s, Function)]
        elif not isinstance(node, Function):
            found.append(ast.dump(node))
    return found


def _span_of_body(node: Function, lines: list[str]) -> tuple[int, int]:
    """The lines, from 0, that the body takes after its docstring, comments among them."""
    docstring = _docstring(node)
    first = docstring.end_lineno if docstring else _end_of_header(node, lines)
    last = node.end_lineno or node.lineno
    while last < len(lines):  # a comment at the end of a body is no part of the syntax tree
        line = lines[last]
        indent = len(line) - len(line.lstrip())
        if not line.strip().startswith("#") or indent <= node.col_offset:
            break
        last += 1
    return first or 0, last


def _code_lines(node: Function) -> list[int]:
    """The lines, from 1, of a function without its docstring."""
    docstring = _docstring(node)
    left_out = range(docstring.lineno, (docstring.end_lineno or 0) + 1) if docstring else ()
    return [n for n in range(node.lineno, (node.end_lineno or 0) + 1) if n not in left_out]


def _end_of_header(node: Function, lines: list[str]) -> int:
    """How many lines there are up to the colon that ends `def f(...) -> ...:`."""
    text = "\n".join(lines[node.lineno - 1 : node.body[-1].end_lineno])
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text + "\n").readline):
        depth += (token.string in "([{") - (token.string in ")]}") if token.string else 0
        if token.string == ":" and depth == 0:
            return node.lineno + token.start[0] - 1
    raise AssertionError("a function without a colon")


def _source(node: Function | ast.ClassDef, lines: list[str]) -> list[str]:
    """The lines of a definition, with its decorators and the comments right above it."""
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
    while first and lines[first - 1].strip().startswith("#"):
        first -= 1
    return lines[first : node.end_lineno]
