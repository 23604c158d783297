"""The difference of two stages in the terminal: `nox -s diff -- 32 33`.

33 alone is its step from the stage before; 31..36 is every step on the way. Engine code is shown,
prose and examples are listed; --all shows them too.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..execution.runner import StageError
from .difference import (
    KINDS,
    FileDifference,
    Row,
    Spans,
    difference,
    stages_of,
    steps,
)

_STYLES = {"-": "red", "+": "green", " ": ""}
# Underlined as well as coloured, for those who see no colour, or have it switched off (NO_COLOR).
_WORDS = {"-": "bold underline red", "+": "bold underline green"}
_PLURALS = {"engine": "engine", "example": "examples", "prose": "prose", "other": "settings"}


def command(file: FileDifference, old: Path, new: Path) -> str:
    """The git command that shows the difference of this file, for the folders as given."""
    sides = [
        (folder / path).as_posix() if path else "/dev/null"
        for folder, path in ((old, file.old), (new, file.new))
    ]
    return shlex.join(["git", "diff", "--no-index", "-w", *sides])


def counted(files: Sequence[FileDifference]) -> str:
    """How many lines these files gained and lost, in words."""
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    lines = "line" if added == 1 else "lines"
    return f"{added} {lines} added, {removed} removed"


def show(old: Path, new: Path, console: Console, everything: bool = False) -> None:
    """Print the difference of the stages in these two folders."""
    files = difference(old, new)
    console.print(Text(f"{old.name} -> {new.name}: {_idea(new)}", "bold"))
    shown = [file for file in files if everything or file.kind == "engine"]
    for kind in KINDS:
        for number, file in enumerate(file for file in shown if file.kind == kind):
            if everything and not number:
                console.print()
                console.print(Text(f"==== {_PLURALS[kind]} ====", "bold"))
            _show_file(file, old, new, console, everything)
    console.print()
    rest = [file for file in files if file not in shown]
    if rest:
        console.print(Text("Also different, and shown with --all:", "bold"))
        for file in rest:
            console.print(_indented(Text.assemble(_name(file), f": {file.about}"), 2, console))
        console.print()
    console.print(Text(f"In all, {old.name} -> {new.name}:", "bold"))
    for kind in KINDS:
        of_kind = [file for file in files if file.kind == kind]
        if of_kind:
            noun = "file " if len(of_kind) == 1 else "files"
            console.print(f"  {_PLURALS[kind]:<8} {len(of_kind):>2} {noun}  {counted(of_kind)}")
    if not files:
        console.print("  no file differs")


def _idea(stage: Path) -> str:
    """The heading of the stage's chapter, without its number."""
    readme = stage / "README.md"
    heading = readme.read_text("utf-8").partition("\n")[0] if readme.is_file() else ""
    return heading.partition(": ")[2] or heading.lstrip("# ")


def _name(file: FileDifference) -> Text:
    """What became of which file, and by how many lines."""
    path, lines = file.path.as_posix(), counted([file])
    if file.old is None:
        what, lines = f"{path}, new", f"{file.added} lines"
    elif file.new is None:
        what, lines = f"{path}, removed", f"{file.removed} lines"
    elif file.renamed:
        what = f"{file.old.as_posix()} -> {path}"
        what += ", a copy with changes" if file.copied else ", renamed"
    else:
        what = path
    return Text.assemble((what, "bold"), f"  ({lines})")


def _show_file(
    file: FileDifference, old: Path, new: Path, console: Console, everything: bool
) -> None:
    console.print()
    console.print(_name(file))
    if file.about:
        console.print(Text(file.about, "italic"))
    # Not broken into lines by us, so that it can be copied.
    console.print(Text(command(file, old, new), "dim"), soft_wrap=True)
    if file.new is None and not everything:
        console.print(Text("(what it held is shown with --all)", "dim"))
        return
    rows = [row for hunk in file.hunks for row in hunk.rows]
    width = len(str(max((max(row.old or 0, row.new or 0) for row in rows), default=0)))
    for hunk in file.hunks:
        console.print()
        if hunk.heading and file.old and file.new:
            console.print(Text(f"in {hunk.heading}", "cyan"))
        for row in hunk.rows:
            for line in _lines(row, width, console):
                console.print(line, soft_wrap=True)
    if file.respaced:
        lines = "1 line" if len(file.respaced) == 1 else f"{len(file.respaced)} lines"
        console.print(Text(f"\n(white space alone changed in {lines} more)", "dim"))


def _lines(row: Row, width: int, console: Console) -> Iterator[Text]:
    """A row: its numbers, its mark and its text, broken where the terminal is too narrow."""
    numbers = [f"{number or '':>{width}}" for number in (row.old, row.new)]
    gutter = Text(" ".join(numbers) + f" {row.mark} ", "dim" if row.mark == " " else "")
    gutter.stylize(_STYLES[row.mark], len(gutter) - 2)
    text = Text(row.text.expandtabs(4), _STYLES[row.mark])
    for start, end in row.changed:
        text.stylize(_WORDS[row.mark], start, end)
    if not console.is_terminal:
        yield Text((gutter.plain + text.plain).rstrip())
        if row.changed:
            yield Text(" " * (len(gutter) - 2) + "? " + _carets(row.changed))
        return
    room = max(console.width - len(gutter), 20)
    for number, part in enumerate(_broken(text, room)):
        part.rstrip()
        yield Text.assemble(gutter if number == 0 else " " * len(gutter), part)


def _broken(text: Text, room: int) -> list[Text]:
    """A text in parts of at most so many characters; what follows the first is set in."""
    if len(text) <= room:
        return [text]
    inset = len(text.plain) - len(text.plain.lstrip()) + 4
    if inset > room // 2:
        inset = 0
    parts = []
    while len(text) > room:
        space = text.plain.rfind(" ", inset + 1, room + 1)
        cut = space + 1 if text.plain[:space].strip() and space > inset else room
        part, text = text.divide([cut])
        parts.append(part)
        text = Text.assemble(" " * inset, text)
    return [*parts, text]


def _carets(spans: Spans) -> str:
    marks = [" "] * spans[-1][1]
    for start, end in spans:
        marks[start:end] = "^" * (end - start)
    return "".join(marks)


def _indented(text: Text, by: int, console: Console) -> Text:
    if not console.is_terminal:
        return Text.assemble(" " * by, text)
    lines = text.wrap(console, max(console.width - by, 20))
    return Text("\n").join(Text.assemble(" " * by, line) for line in lines)


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
    try:
        pairs = steps(options.stages, stages)
    except StageError as error:
        print(error, file=sys.stderr)
        return 2

    # Only a terminal has a width: elsewhere a line is a line.
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=10_000)
    for number, (old, new) in enumerate(pairs):
        if number:
            console.print("\n")
        show(stages[old], stages[new], console, options.all)
    if len(pairs) > 1:
        first, last = pairs[0][0], pairs[-1][1]
        console.print(f"\nThe whole way as one difference: nox -s diff -- {first} {last}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
