"""What a step may change, and the figures that are told of it: `nox -s budget`.

Every chapter names the files of the package that it changes, and changes no others; what it says of
the code, the code has; the engine and its difference stay within their budgets; nothing changes in
white space alone. The figures in the prose are generated: --write renews them.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

from ..prose.generated import Place, renew
from ..prose.markdown import code_spans
from .definitions import definitions, top
from .difference import FileDifference, Row, difference, stages_of
from .remarks import wrong_names

#: Lines of the engine, added plus removed, that a step may change.
BUDGET = 40
#: The steps whose new functions count apart, for they bring many.
APART = {36}
#: Lines of code that a package may have, a core, and what a reader has to have in view at once.
PACKAGE = 345
CORE = 215
IN_VIEW = {"Variable.backward": 36, "Function.__call__": 20}
#: The package's list of names is no engine code.
NAMES = Path("dezero/__init__.py")
#: The folders beside the package.
BESIDE = {"examples", "papers"}
#: What every chapter changes, and so none has to name.
ALWAYS = {Path("README.md"), Path("pyproject.toml")}

_REFRESH = "nox -s budget -- --write"
_NAMED = re.compile(r"^Files? of this chapter:(.*?)\.(?=\s)", re.DOTALL | re.MULTILINE)
#: Sentences that quote the lines of the first step's engine, by the file they stand in.
_QUOTED = {
    "README.md": re.compile(r"(?<=one change of )\d+(?=\slines)"),
    "CONTRIBUTING.md": re.compile(r"(?<=the one to 32 changes )\d+(?=,)"),
    "stages/README.md": re.compile(r"(?<=the heart of all this, )\d+(?= lines long)"),
}
#: The sentence that quotes the lines of code of the smallest engine and of the largest.
_SIZES = re.compile(r"(?<=six engines of )\d+ to \d+(?= lines of code)")


def lines_of_code(path: Path) -> int:
    """The number of lines without blank ones, comments and docstrings."""
    return len(_code_lines(path.read_text("utf-8")))


def _code_lines(text: str) -> set[int]:
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docstrings.update(range(value.lineno, (value.end_lineno or 0) + 1))
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in layout | {tokenize.ENDMARKER}:
            code.update(range(token.start[0], token.end[0] + 1))
    return code - docstrings


def budgeted(
    number: int, files: Sequence[FileDifference], old: Path, new: Path
) -> tuple[list[FileDifference], list[FileDifference]]:
    """The files as far as their changed lines count against the budget of the step to this stage,
    and as far as they are new functions, which count apart.

    A file that goes as a whole leaves no line to study.
    """
    counted, apart = [], []
    for file in files:
        if file.kind != "engine" or not file.new or file.new == NAMES:
            continue
        functions = 0
        if number in APART and file.old:
            known = definitions((old / file.old).read_text("utf-8")).values()
            here = definitions((new / file.new).read_text("utf-8"))
            lines = {line for line, name in here.items() if top(name) not in known}
            functions = sum(_among(block, lines) for block in _blocks(file))
        counted.append(replace(file, added=file.added - functions))
        apart.append(replace(file, added=functions, removed=0))
    return counted, apart


def _among(block: Sequence[Row], lines: Set[int]) -> int:
    """How many added rows of a block are among these lines of the new file.

    A blank one between definitions goes with the next of them, and at the end with the last.
    """
    count = blank = 0
    inside = False
    for row in block:
        if row.mark != "+":
            continue
        if not row.text.strip() and row.new not in lines:
            blank += 1
            continue
        inside = row.new in lines
        count += inside * (1 + blank)
        blank = 0
    return count + inside * blank


def changed(files: Sequence[FileDifference]) -> int:
    """The lines added and removed in these files together."""
    return sum(file.added + file.removed for file in files)


def violations(number: int, old: Path, new: Path, files: Sequence[FileDifference]) -> Iterator[str]:
    """What is wrong with the step to the stage with this number: these files differ."""
    step = f"{old.name} -> {new.name}"
    readme = new / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    named = _NAMED.search(text)
    if named is None:
        yield f"{new.name}/README.md has no sentence `Files of this chapter: ...`; write it"
    else:
        names = {Path(name) for name in code_spans(named[1])}
        to_name = [
            file for file in files if file.path not in ALWAYS and file.path.parts[0] not in BESIDE
        ]
        for file in to_name:
            if file.path not in names:
                yield (
                    f"{step}: {file.path.as_posix()} changed, and {new.name}/README.md does not"
                    f" name it; name it after `Files of this chapter:`, or leave it as it was"
                )
        # A renamed file may be named by its old name too.
        known = {path for file in to_name for path in (file.old, file.new) if path}
        for name in sorted(names - known):
            yield (
                f"{step}: {new.name}/README.md names {name.as_posix()}, which did not change;"
                f" take the name out"
            )
    for example in sorted(new.glob("examples/*.py")):
        if example.name not in text:
            yield f"{step}: {new.name}/README.md does not name its example {example.name}"

    for wrong in wrong_names(old, new, files, text):
        yield f"{step}: {new.name}/README.md {wrong}"

    counted, _ = budgeted(number, files, old, new)
    if changed(counted) > BUDGET:
        most = ", ".join(f"{file.path.as_posix()} {changed([file])}" for file in counted)
        yield (
            f"{step}: {changed(counted)} lines of the engine change, {BUDGET} may ({most});"
            f" shape {old.name} for it, or find a smaller change"
        )
    for file in files:
        if file.path.suffix == ".py":
            yield from _noise(step, file, old, new)


def _noise(step: str, file: FileDifference, old: Path, new: Path) -> Iterator[str]:
    """The changes of white space that change nothing, blank lines among them."""
    path = file.path.as_posix()
    respaced = []
    if file.old and file.new and file.respaced:
        # A line that came into a block, or out of one: its new indentation has a meaning.
        depths = _depths(old / file.old), _depths(new / file.new)
        respaced = [j for i, j in file.respaced if depths[0].get(i) == depths[1].get(j)]
    if respaced:
        lines = ", ".join(f"line {n}" if n else "the line endings" for n in respaced[:5])
        yield f"{step}: {path} differs in white space alone, {lines}; put it back as it was"
    if file.old and file.new:
        for block in _blocks(file):
            if not any(row.text.strip() for row in block):
                where = ", ".join(f"{row.mark}{row.new or row.old}" for row in block)
                yield f"{step}: {path} has a change of blank lines alone ({where}); undo it"


def _blocks(file: FileDifference) -> Iterator[list[Row]]:
    """The rows that changed, those without a kept row between them together."""
    for hunk in file.hunks:
        for kept, rows in groupby(hunk.rows, key=lambda row: row.mark == " "):
            if not kept:
                yield list(rows)


def _depths(path: Path) -> dict[int, int]:
    """In how many blocks each line of code lies; a comment belongs to the code below it."""
    text = path.read_text("utf-8")
    depth = 0
    depths: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        if token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT):
            for line in range(token.start[0], token.end[0] + 1):
                depths.setdefault(line, depth)
    for line in range(len(text.splitlines()), 0, -1):
        depths.setdefault(line, depths.get(line + 1, 0))
    return depths


def differences(stages: dict[int, Path]) -> dict[int, list[FileDifference]]:
    """For each stage but the first, what its step changes."""
    return {new: difference(stages[old], stages[new]) for old, new in pairwise(sorted(stages))}


def all_violations(stages: dict[int, Path], steps: dict[int, list[FileDifference]]) -> list[str]:
    """What is wrong with these stages and steps."""
    first = stages[min(stages)]
    readme = first / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    found = [f"{first.name}: its README.md {wrong}" for wrong in wrong_names(None, first, [], text)]
    for stage in stages.values():
        found += _too_long(stage)
    for old, new in pairwise(sorted(stages)):
        found += violations(new, stages[old], stages[new], steps[new])
    return found


def engine_size(stage: Path) -> int:
    """The lines of code of a stage's package; of two cores the new one alone."""
    core = stage / "dezero/core.py"
    return sum(
        lines_of_code(file)
        for file in stage.glob("dezero/*.py")
        if not (file.name == "core_simple.py" and core.is_file())
    )


def _too_long(stage: Path) -> Iterator[str]:
    """What of a stage is longer than can be read in one sitting, or be in view at once."""
    sizes = {"its engine": (engine_size(stage), PACKAGE)}
    for file in sorted(stage.glob("dezero/core*.py")):
        text = file.read_text("utf-8")
        code = _code_lines(text)
        sizes[file.name] = (len(code), CORE)
        places = definitions(text)
        for name, most in IN_VIEW.items():
            lines = {n for n in code if f"{places.get(n, '')}.".startswith(f"{name}.")}
            sizes[f"{name} in {file.name}"] = (len(lines), most)
    for what, (size, most) in sizes.items():
        if size > most:
            yield f"{stage.name}: {what} has {size} lines of code, {most} may be; find what can go"


def figures(stages: dict[int, Path], steps: dict[int, list[FileDifference]]) -> str:
    """The table of the stages' sizes and of their differences, in Markdown."""
    rows = [
        ["stage", "lines of code", "engine", "`__init__.py`", "functions, apart", "of the budget"],
        ["---", *["---:"] * 5],
    ]
    before: Path | None = None
    for number, folder in sorted(stages.items()):
        row = [str(number), str(engine_size(folder))]
        if number in steps and before:
            counted, apart = budgeted(number, steps[number], before, folder)
            names = [file for file in steps[number] if file.path == NAMES]
            row += [*map(_lines, (counted, names, apart)), f"{changed(counted)} of {BUDGET}"]
        else:
            row += [""] * 4
        rows.append(row)
        before = folder
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _lines(files: Sequence[FileDifference]) -> str:
    if not changed(files):
        return "0"
    return f"{sum(file.added for file in files)} / {sum(file.removed for file in files)}"


def check(
    root: Path,
    stages: dict[int, Path],
    steps: dict[int, list[FileDifference]],
    write: bool = False,
) -> list[str]:
    """Compare the figures in the prose with those that are, or write them; what is wrong."""
    first = min(steps)
    counted, _ = budgeted(first, steps[first], stages[min(stages)], stages[first])
    first_step = str(changed(counted))
    sizes = sorted(map(engine_size, stages.values()))
    places: list[tuple[str, Place, str]] = [
        ("README.md", _SIZES, f"{sizes[0]} to {sizes[-1]}"),
        *((name, sentence, first_step) for name, sentence in _QUOTED.items()),
        ("stages/README.md", "figures", figures(stages, steps)),
    ]
    found = [
        renew(root / name, place, new, command=_REFRESH, write=write) for name, place, new in places
    ]
    return list(filter(None, found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures and what is wrong. Returns 1 where anything is."""
    parser = argparse.ArgumentParser(prog="nox -s budget --", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the figures into the prose")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    stages = stages_of(options.root)
    if len(stages) < 2:
        parser.error(
            f"there are no two stages in {options.root / 'stages'}; start in the repository"
        )
    steps = differences(stages)
    wrong = all_violations(stages, steps) + check(options.root, stages, steps, options.write)
    print(figures(stages, steps))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
