"""The difference of two stages in the terminal: `nox -s diff -- 32 33`.

33 alone is its step from the stage before; 31..36 is every step on the way. Engine code is shown,
prose and examples are listed; --all shows them too. Git compares, word by word; above what it shows
stands what the chapter says of it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ..execution.runner import StageError
from ..prose.markdown import blocks, title
from .changes import Change, changes, remarked
from .difference import (
    KINDS,
    FileDifference,
    difference,
    git_diff,
    stages_of,
    steps,
    without_blank_ends,
)
from .remarks import ON_EXAMPLES, Remark, on_the_difference

_PLURALS = {"engine": "engine", "example": "examples", "prose": "prose", "other": "settings"}
_WORDS = "--word-diff-regex=[A-Za-z0-9_]+|[^[:space:]]"
_WIDTH = 100  # characters of prose in a line, at most

BOLD, DIM, ITALIC, CYAN = "1", "2", "3", "36"
_STYLES = {"-": "31", "+": "32", " ": ""}


def command(file: FileDifference, old: Path, new: Path) -> str:
    """The git command that shows the difference of this file, for the folders as given."""
    return shlex.join(["git", "diff", "--no-index", "-w", *_sides(file, old, new)])


def _sides(file: FileDifference, old: Path, new: Path) -> tuple[str, str]:
    sides = ((old, file.old), (new, file.new))
    one, other = ((folder / path).as_posix() if path else "/dev/null" for folder, path in sides)
    return one, other


def counted(files: Sequence[FileDifference]) -> str:
    """How many lines these files gained and lost, in words."""
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    lines = "line" if added == 1 else "lines"
    return f"{added} {lines} added, {removed} removed"


class Screen:
    """Where the difference is printed: a terminal with colours and a width, or plain text."""

    def __init__(self) -> None:
        wanted = os.environ.get("FORCE_COLOR") or sys.stdout.isatty()
        self.color = bool(wanted) and not os.environ.get("NO_COLOR")
        self.shown: set[Remark] = set()
        self.width = min(_WIDTH, shutil.get_terminal_size((_WIDTH, 24)).columns)

    def print(self, text: str = "", style: str = "") -> None:
        line = text.lstrip("\n")
        colored = f"\x1b[{style}m{line}\x1b[m" if style and line and self.color else line
        print("\n" * (len(text) - len(line)) + colored)

    def prose(self, text: str, mark: str = "") -> None:
        """A paragraph behind a mark, broken into lines between words."""
        for line in textwrap.wrap(
            mark + text.replace("**", ""),
            self.width,
            subsequent_indent=" " * len(mark),
            break_long_words=False,
            break_on_hyphens=False,
        ):
            self.print(line, ITALIC)

    def remarks(self, pieces: Sequence[Change]) -> None:
        """What the chapter says of these pieces; what was shown above is only named."""
        found = dict.fromkeys(r for piece in pieces for r in (*piece.remarks, *piece.also))
        for remark in [remark for remark in found if remark not in self.shown]:
            self.prose(remark.text, f"  [{remark.number}] ")
        again = [f"[{remark.number}]" for remark in found if remark in self.shown]
        if again:
            self.print(f"  See {', '.join(again)} above.", ITALIC)
        self.shown.update(found)


def show(old: Path, new: Path, screen: Screen, everything: bool, neighbours: bool) -> None:
    """Print the difference of the stages in these two folders; of neighbours, with the remarks."""
    files = difference(old, new)
    screen.print(f"{old.name} -> {new.name}: {_idea(new)}", BOLD)
    whole: list[Remark] = []
    pieces = changes(files, old, new)
    if neighbours:
        pieces, whole = remarked(files, old, new)
        for block in blocks(on_the_difference(new)):
            if block.kind == "paragraph" and not ON_EXAMPLES.match(block.text):
                screen.print()
                screen.prose(block.text)
        screen.print()
        screen.print(f"The remarks [1], [2], ... are those of {new.as_posix()}/README.md.", DIM)
    for remark in whole:
        screen.prose(remark.text, f"  [{remark.number}] ")
    shown = [file for file in files if everything or file.kind == "engine"]
    for kind in KINDS:
        for number, file in enumerate(file for file in shown if file.kind == kind):
            if everything and not number:
                screen.print(f"\n==== {_PLURALS[kind]} ====", BOLD)
            screen.print(f"\n{_name(file)}", BOLD)
            if file.about:
                screen.print(file.about)
            screen.print(command(file, old, new), DIM)
            if file.new is None and not everything:
                screen.print("(what it held is shown with --all)", DIM)
            else:
                _show_hunks(file, [p for p in pieces if p.file is file], old, new, screen)
    if rest := [file for file in files if file not in shown]:
        screen.print("\nAlso different, and shown with --all:", BOLD)
        for file in rest:
            screen.print(f"  {_name(file)}: {file.about}")
    screen.print(f"\nIn all, {old.name} -> {new.name}:", BOLD)
    for kind in KINDS:
        of_kind = [file for file in files if file.kind == kind]
        if of_kind:
            noun = "file " if len(of_kind) == 1 else "files"
            screen.print(f"  {_PLURALS[kind]:<8} {len(of_kind):>2} {noun}  {counted(of_kind)}")
    if not files:
        screen.print("  no file differs")


def _idea(stage: Path) -> str:
    """The heading of the stage's chapter, without its number."""
    readme = stage / "README.md"
    heading = title(readme.read_text("utf-8")) if readme.is_file() else ""
    return heading.partition(": ")[2] or heading


def _name(file: FileDifference) -> str:
    """What became of which file, and by how many lines."""
    path, lines = file.path.as_posix(), counted([file])
    if file.old is None:
        path, lines = f"{path}, new", f"{file.added} lines"
    elif file.new is None:
        path, lines = f"{path}, removed", f"{file.removed} lines"
    elif file.renamed:
        path = f"{file.old.as_posix()} -> {path}"
        path += ", a copy with changes" if file.copied else ", renamed"
    return f"{path}  ({lines})"


def _show_hunks(
    file: FileDifference, pieces: Sequence[Change], old: Path, new: Path, screen: Screen
) -> None:
    """The changes of a file, each hunk below its place and the remarks on it.

    Where lines became others git tells them apart by words. What was only added, or only removed,
    are whole lines, and the remarks stand right above those they speak of.
    """
    how = ["--color=always", "--word-diff=color"] if screen.color else ["--word-diff=plain"]
    by_words = [lines for _, _, lines in git_diff(*_sides(file, old, new), _WORDS, *how)]
    starts = [number for number, piece in enumerate(pieces) if piece.new_hunk]
    if len(by_words) != len(starts):  # as of a picture, which is no text to git
        by_words = [[]] * len(starts)
    for start, stop, words in zip(starts, [*starts[1:], len(pieces)], by_words):
        hunk = pieces[start:stop]
        parts = [piece for piece in hunk if not piece.kept]
        rows = [row for piece in hunk for row in piece.rows]
        first = parts[0].rows[0]
        heading = hunk[0].heading if file.old and file.new else ""
        where = f", in {heading}" if heading else ""
        screen.print(f"\nline {first.new or first.old}{where}", CYAN)
        mixed = words and {row.mark for row in rows} >= {"-", "+"}
        if mixed or len(parts) == 1:
            screen.remarks(parts)
        screen.print()
        if mixed:
            print("\n".join(f"  {line}".rstrip() for line in words).strip("\n"))
            continue
        shown = without_blank_ends(rows)
        for piece in hunk:
            if len(parts) > 1 and (piece.remarks or piece.also):
                screen.print()
                screen.remarks([piece])
            for row in piece.rows:
                if row in shown:
                    screen.print(f"{row.mark} {row.text}".rstrip(), _STYLES[row.mark])
    if file.respaced:
        lines = "1 line" if len(file.respaced) == 1 else f"{len(file.respaced)} lines"
        screen.print(f"\n(white space alone changed in {lines} more)", DIM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what the arguments ask for. Returns 2 where they cannot be understood."""
    parser = argparse.ArgumentParser(prog="nox -s diff --", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="32 33, or 33, or 31..36")
    parser.add_argument(
        "--all", action="store_true", help="show prose, examples and settings as well"
    )
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    stages = stages_of(options.root)
    screen = Screen()
    known = sorted(stages)
    try:
        pairs = steps(options.stages, stages)
        for number, (old, new) in enumerate(pairs):
            if number:
                screen.print("\n")
            show(stages[old], stages[new], screen, options.all, (old, new) in pairwise(known))
    except StageError as error:
        print(error, file=sys.stderr)
        return 2
    first, last = pairs[0][0], pairs[-1][1]
    if len(pairs) > 1:
        screen.print(f"\nThe whole way as one difference: nox -s diff -- {first} {last}")
    elif first < last and (first, last) not in pairwise(known):
        screen.print(f"\nStep by step, with what the chapters say: nox -s diff -- {first}..{last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
