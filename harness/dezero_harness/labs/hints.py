"""The difference of a chapter in pieces that can be shown one at a time, with their comments."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..diffs.changes import Change, remarked
from ..diffs.definitions import definitions, top
from ..diffs.difference import CONTEXT, FileDifference, Hunk, Row, difference, without_blank_ends
from ..prose.translation import one_line
from .attempt import Unit, is_in
from .words import say, words_for

_TEXTS = Path(__file__).with_name("texts.toml")


@dataclass(frozen=True)
class Hint:
    """A piece of a hunk: what the chapter does to one definition, or to one place outside of any.

    path: the file, in the folder of a stage. where: the definition, or "". rows: as in a hunk; none
    where the whole file goes. about: a line on a file that is new, made from another, or gone.
    comments: what the chapter says of it.
    """

    path: Path
    where: str
    rows: tuple[Row, ...]
    about: str = ""
    comments: tuple[str, ...] = ()


def hints(before: Path, after: Path) -> list[Hint]:
    """The whole change of a chapter in the order of the files; `__init__` and deletions at last.

    A change of a module's docstring is none.
    """
    files = [file for file in difference(before, after) if file.kind == "engine"]
    files.sort(key=lambda file: (file.new is None, file.path.name == "__init__.py"))
    pieces = [piece for file in files for piece in _pieces(file, before, after)]
    found, _ = remarked(files, before, after)
    return [replace(one, comments=tuple(_comments(one, found))) for one in pieces]


def is_there(hint: Hint, folder: Path, after: Path) -> bool:
    """Whether the files in this folder have the piece, line for line; comments do not count.

    Lines are found where they belong: a line that also stands elsewhere does not pass for it.
    """
    file = folder / hint.path
    if not hint.rows:
        return not file.exists()
    have = file.read_text("utf-8", errors="replace") if file.is_file() else ""
    matched, left = _matched(have, (after / hint.path).read_text("utf-8"))
    added = [row for row in hint.rows if row.mark == "+" and _counts(row.text)]
    if added:
        return all((row.new or 0) - 1 in matched for row in added)
    removed = {row.text.strip() for row in hint.rows if row.mark == "-" and _counts(row.text)}
    return removed.isdisjoint(left)


def is_about(hint: Hint, units: Sequence[Unit]) -> bool:
    """Whether a piece is a part of one of these definitions, or has it in it."""
    return is_in(hint.path, hint.where, units)


def question(number: int, hint: Hint) -> str:
    """What to ask oneself before a piece of lab `number` is shown."""
    asked = texts(number).get("questions", {})
    for name in (hint.where, top(hint.where) if hint.where else "", hint.path.as_posix()):
        if name in asked:
            return words_for(asked[name])
    return say(
        "What does the task say of this place, and what does it have to do that it does not?"
    )


def texts(number: int) -> dict[str, Any]:
    """What is written by hand for the lab of this number."""
    found: dict[str, Any] = tomllib.loads(_TEXTS.read_text("utf-8")).get(str(number), {})
    return found


@lru_cache(maxsize=32)
def _matched(have: str, want: str) -> tuple[set[int], set[str]]:
    """Which lines of `want`, from 0, are in `have`, in order; and what else `have` holds."""
    mine, theirs = ([line.strip() for line in text.splitlines()] for text in (have, want))
    matched: set[int] = set()
    left = set(range(len(mine)))
    for i, j, size in SequenceMatcher(None, mine, theirs, False).get_matching_blocks():
        matched.update(range(j, j + size))
        left.difference_update(range(i, i + size))
    return matched, {mine[i] for i in left}


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.strip().startswith("#")


def _comments(hint: Hint, found: Sequence[Change]) -> Iterator[str]:
    """The remarks that stand beside a change in this piece."""
    rows = {row for row in hint.rows if row.mark != " "}
    for change in found:
        if change.file.path == hint.path and not rows.isdisjoint(change.rows):
            for remark in (*change.remarks, *change.also):
                yield replace(remark, text=words_for(one_line(remark.text))).plain


def _pieces(file: FileDifference, before: Path, after: Path) -> Iterator[Hint]:
    if file.new is None:
        about = say("{file} is not needed any more: delete it", file=file.path)
        yield Hint(file.path, "", (), about)
        return
    about = ""
    if file.old is None:
        about = say("{file} is a new file", file=file.new)
    elif file.renamed:
        about = say("{file} is new: begin with a copy of {former}", file=file.new, former=file.old)
    old = _Places((before / file.old).read_text("utf-8") if file.old else "")
    new = _Places((after / file.new).read_text("utf-8"), old.top)
    for hunk in file.hunks:
        for where, rows in _split(hunk, old, new):
            yield Hint(file.path, where, rows, about)


class _Places:
    """For each line of a module the definition to which a change of it belongs."""

    def __init__(self, text: str, known: set[str] | None = None):
        names = definitions(text)
        self.top = set(map(top, names.values()))
        docstring = ast.parse(text).body[:1] if ast.get_docstring(ast.parse(text)) else []
        self.docstring = {n for one in docstring for n in range(1, (one.end_lineno or 1) + 1)}
        # A class that is new is one piece.
        self.names = {
            line: ".".join(name.split(".")[:2])
            if known is None or top(name) in known
            else top(name)
            for line, name in names.items()
        }


def _split(hunk: Hunk, old: _Places, new: _Places) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """The rows of a hunk by the definitions they belong to, each with its context."""
    labels: list[str | None] = []
    for row in hunk.rows:
        places, number = (new, row.new) if row.mark == "+" else (old, row.old)
        if row.mark == " " or number in places.docstring:
            labels.append(None)
        else:
            labels.append(places.names.get(number or 0, ""))
    for i in reversed(range(len(labels) - 1)):  # an empty line goes with what follows it
        if labels[i] == "" and not hunk.rows[i].text.strip() and labels[i + 1] is not None:
            labels[i] = labels[i + 1]
    changed = [i for i, label in enumerate(labels) if label is not None]
    groups: list[list[int]] = []
    for i in changed:
        near = groups and labels[groups[-1][-1]] == labels[i]
        groups[-1].append(i) if near else groups.append([i])
    for group in groups:
        first, last = group[0], group[-1]
        while first and first > group[0] - CONTEXT and hunk.rows[first - 1].mark == " ":
            first -= 1
        while last + 1 < len(hunk.rows) and last < group[-1] + CONTEXT:
            if hunk.rows[last + 1].mark != " ":
                break
            last += 1
        rows = hunk.rows[first : last + 1]
        if any(row.text.strip() for row in rows if row.mark != " "):
            yield labels[group[0]] or "", without_blank_ends(rows)
