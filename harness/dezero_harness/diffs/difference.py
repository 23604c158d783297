"""The difference of two stages as data: files, hunks, rows, and the words that changed in a row.

White space does not count, as under `git diff -w`. A file that got a new name is compared with the
old one, not taken for one deletion and one addition. The lines that changed are as git tells them,
so that the command we print shows the same. Nothing here prints: the terminal, the site and the
labs all build on it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256
from itertools import accumulate, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from ..execution.runner import StageError
from ..prose.markdown import headings, title
from .definitions import definitions

#: Rows of context around a change, as in git.
CONTEXT = 3
_GIT = ["git", "--no-pager", "-c", "color.diff.old=red strike", "-c", "color.diff.new=green bold"]
_GIT += [
    "diff",
    "--no-index",
    "-w",
    "--no-ext-diff",
    "--diff-algorithm=myers",
    "--indent-heuristic",
]
# Hunks that are nearer are one: to tell that a line or two are left out would take as much room.
_GIT += [f"-U{CONTEXT}", "--inter-hunk-context=2"]
_HUNK = re.compile(r"^(?:\x1b\[\d*m)*@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@", re.MULTILINE)
#: The kinds of files, in the order in which one reads them.
KINDS = ("engine", "example", "prose", "other")
#: From this share of equal lines on, a file without a namesake is the other one, changed (as in
#: git); and from this share of equal words on, a line is another one, changed.
ALIKE = 0.5

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Row:
    """A line: kept (mark " "), removed ("-") or added ("+").

    old, new: its number, from 1, in the old file and in the new one; None where it is not there.
    text: the line; where it was kept, as it stands in the new file.
    changed: for a line that became another, the spans (start, end) of `text` that differ.
    counterpart: the number, in the other file, of the line it became or came from.
    """

    mark: str
    old: int | None
    new: int | None
    text: str
    changed: Spans = ()
    counterpart: int | None = None


@dataclass(frozen=True)
class Hunk:
    """Changes that are near each other, with three rows of context; in a block, "-" before "+".

    heading: where its first change is: the class and function of a Python file
    ("Variable.backward"), the heading of a Markdown file, else "".
    """

    rows: tuple[Row, ...]
    heading: str = ""


@dataclass(frozen=True)
class FileDifference:
    """A file that differs between two stages.

    old, new: its path in the stage's folder; None where there is none.
    kind: one of KINDS. about: a line on what the file is, in its own words.
    added, removed: the changed lines. Blank lines count, changes of white space do not.
    copied: the old file is still in the new stage, under its old name.
    respaced: the lines that differ in white space alone, as their numbers in the old file and in
    the new one; (0, 0) stands for the line endings.
    """

    old: Path | None
    new: Path | None
    kind: str
    about: str
    hunks: tuple[Hunk, ...]
    added: int
    removed: int
    copied: bool = False
    respaced: tuple[tuple[int, int], ...] = ()

    @property
    def path(self) -> Path:
        """Its path in the new stage, or the old one's where it was removed."""
        path = self.new or self.old
        assert path
        return path

    @property
    def renamed(self) -> bool:
        """Whether it has another name than the file it is compared with."""
        return self.old is not None and self.new is not None and self.old != self.new


def stages_of(root: Path) -> dict[int, Path]:
    """The stages of a repository by their numbers: {31: root/stages/step31, ...}."""
    return {
        int(folder.name.removeprefix("step")): folder
        for folder in sorted(root.glob("stages/step[0-9]*"))
        if folder.is_dir() and folder.name.removeprefix("step").isdigit()
    }


def steps(words: Sequence[str], stages: dict[int, Path]) -> list[tuple[int, int]]:
    """The pairs of stages that `32 33`, `33` (its step from 32) or `31..36` (each step) ask for.

    Raises StageError for a stage that does not exist, the same one twice, the first one, which has
    no step before it, and words of another form.
    """
    known = sorted(stages)
    there_are = f"The stages are {', '.join(map(str, known))}."
    usage = "Write two stages (32 33), one for its step from the one before (33), or 31..36."
    if not 1 <= len(words) <= 2:
        given = f"{len(words)} stages were given: {' '.join(words)}" if words else "No stage given"
        raise StageError(f"{given}. {usage} {there_are}")
    whole_way = len(words) == 1 and ".." in words[0]
    numbers = [
        _number(word, known, f"{usage} {there_are}")
        for word in (words[0].split("..", 1) if whole_way else words)
    ]
    if len(numbers) == 1:
        place = known.index(numbers[0])
        if place == 0:
            raise StageError(f"Stage {numbers[0]} is the first: no step leads to it. {usage}")
        return [(known[place - 1], numbers[0])]
    first, last = numbers
    if first == last:
        raise StageError(f"Stage {first} was given twice: it does not differ from itself. {usage}")
    if not whole_way:
        return [(first, last)]
    if first > last:
        raise StageError(
            f"{words[0]} leads backwards. Write {last}..{first}; or {first} {last}, to compare"
            f" these two"
        )
    way = known[known.index(first) : known.index(last) + 1]
    return list(pairwise(way))


def _number(word: str, known: list[int], what_to_do: str) -> int:
    if not re.fullmatch("[0-9]+", word) or int(word) not in known:
        raise StageError(f"There is no stage {word or '(nothing)'}. {what_to_do}")
    return int(word)


def difference(old: Path, new: Path) -> list[FileDifference]:
    """The files in which the stage in folder `new` differs from that in `old`, engine first.

    A file that is new is compared with the old one of its kind that it is most like: with one that
    is gone (renamed), or else with one that stays (copied). Raises StageError for a folder that
    is not there.
    """
    before, after = _texts(old), _texts(new)
    made = _origins(before, after, KINDS)
    gone = before.keys() - after.keys() - set(made.values())
    found = [_compared(origin, path, before, after) for path, origin in made.items()]
    found += [_compared(path, path, before, after) for path in before.keys() & after.keys()]
    found += [_compared(path, None, before, after) for path in gone]
    differing = [
        file
        for file in found
        if not (file.old and file.new) or before[file.old] != after[file.new] or file.renamed
    ]
    return sorted(differing, key=lambda file: (KINDS.index(file.kind), file.path))


def origins(old: Path, new: Path) -> dict[Path, Path | None]:
    """The files of the engine that are new, and the old ones that `difference` compares them with.

    Nothing is compared for this line by line, so it takes no git.
    """
    return _origins(_texts(old), _texts(new), ("engine",))


def _origins(
    before: dict[Path, str], after: dict[Path, str], kinds: Sequence[str]
) -> dict[Path, Path | None]:
    gone = before.keys() - after.keys()
    found: dict[Path, Path | None] = {}
    for path in sorted(after.keys() - before.keys()):
        if kind_of(path) in kinds:
            origin = found[path] = _origin(path, after[path], before, gone)
            if origin:
                gone.discard(origin)
    return found


def hunks(old: str, new: str, suffix: str = ".py") -> tuple[Hunk, ...]:
    """The changes between two texts; `suffix` says in which language their headings are."""
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return ()
    headings = _headings(old, suffix), _headings(new, suffix)
    found = []
    with TemporaryDirectory() as folder:
        files = Path(folder, "old"), Path(folder, "new")
        for file, lines in zip(files, (before, after)):
            file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        for i, j, lines in git_diff(*map(str, files)):
            marks = "".join(line[0] for line in lines)
            rows = tuple(_rows(i, j, marks, before, after))
            found.append(Hunk(rows, _heading(rows, *headings)))
    return tuple(found)


def git_diff(old: str, new: str, *options: str) -> Iterator[tuple[int, int, list[str]]]:
    """The hunks of `git diff -w`: how many lines of each file are before it, and its own lines.

    Raises StageError where there is no git.
    """
    command = [*_GIT, *options, old, new]
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise StageError("git compares the files, and there is none here: install it") from None
    if run.returncode not in (0, 1):
        raise StageError(f"git cannot compare {old} and {new}: {run.stderr.strip()}")
    _, *parts = _HUNK.split(run.stdout)
    for i, old_size, j, new_size, text in zip(*(parts[n::5] for n in range(5))):
        # Of a side without lines git names the line before.
        before = int(i) - (old_size != ",0"), int(j) - (new_size != ",0")
        yield *before, text.partition("\n")[2].splitlines()


def without_blank_ends(rows: Sequence[Row]) -> tuple[Row, ...]:
    """These rows from the first to the last that is not blank."""
    filled = [number for number, row in enumerate(rows) if row.text.strip()]
    return tuple(rows[filled[0] : filled[-1] + 1]) if filled else ()


def kind_of(path: Path) -> str:
    """The kind of this file of a stage, by its path in the stage's folder."""
    if path.suffix == ".md":
        return "prose"
    if path.parts[0] == "dezero" and path.suffix == ".py":
        return "engine"
    return "example" if path.parts[0] in ("examples", "papers") else "other"


def about(path: Path, text: str) -> str:
    """What a file says of itself: the first line of its docstring, its heading or description."""
    if path.suffix == ".py":
        try:
            return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        except SyntaxError:
            return ""
    if path.suffix == ".toml":
        try:
            return str(tomllib.loads(text).get("project", {}).get("description", ""))
        except tomllib.TOMLDecodeError:
            return ""
    return title(text) if path.suffix == ".md" else ""


def _texts(folder: Path) -> dict[Path, str]:
    """The files of a stage, without what tools leave there; a picture is a line that tells it."""
    if not folder.is_dir():
        raise StageError(f"{folder}: there is no such folder; give that of a stage")
    texts = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        left_behind = any(
            part.startswith(".") or part in ("__pycache__", "build", "dist") or "egg-info" in part
            for part in path.parts
        )
        if file.is_file() and not left_behind:
            content = file.read_bytes()
            texts[path] = content.decode("utf-8", errors="replace")
            if b"\0" in content:  # a picture, as git tells it from a text
                texts[path] = f"{len(content)} bytes, {sha256(content).hexdigest()}\n"
    return texts


def _origin(path: Path, text: str, before: dict[Path, str], gone: set[Path]) -> Path | None:
    """The old file that the new one at `path` was made from, or None."""
    lines = _keys(text.splitlines())

    def likeness(candidate: Path) -> float:
        return SequenceMatcher(None, _keys(before[candidate].splitlines()), lines, False).ratio()

    alike = [
        (candidate in gone, likeness(candidate), candidate)
        for candidate in before
        if kind_of(candidate) == kind_of(path) and candidate.suffix == path.suffix
    ]
    alike = [found for found in alike if found[1] >= ALIKE]
    return max(alike)[-1] if alike else None


def _compared(
    old: Path | None, new: Path | None, before: dict[Path, str], after: dict[Path, str]
) -> FileDifference:
    old_text, new_text = before[old] if old else "", after[new] if new else ""
    path = new or old
    assert path
    changes = hunks(old_text, new_text, path.suffix)
    rows = [row for hunk in changes for row in hunk.rows if row.mark != " "]
    added = sum(row.mark == "+" for row in rows)
    return FileDifference(
        old,
        new,
        kind_of(path),
        about(path, new_text if new else old_text),
        changes,
        added=added,
        removed=len(rows) - added,
        copied=old is not None and old != new and old in after,
        respaced=_respaced(old_text, new_text, rows),
    )


def _line_endings(text: str) -> tuple[bool, bool, bool]:
    return "\r\n" in text, "\r" in text, text.endswith(("\r", "\n"))


def _respaced(old: str, new: str, rows: Sequence[Row]) -> tuple[tuple[int, int], ...]:
    before, after = old.splitlines(), new.splitlines()
    removed, added = {row.old for row in rows}, {row.new for row in rows}
    olds = (n for n in range(1, len(before) + 1) if n not in removed)
    news = (n for n in range(1, len(after) + 1) if n not in added)
    found = [(i, j) for i, j in zip(olds, news) if before[i - 1] != after[j - 1]]
    if old and new and _line_endings(old) != _line_endings(new):
        found.append((0, 0))
    return tuple(found)


def _keys(lines: list[str]) -> list[str]:
    """What is compared of the lines: all but the white space."""
    return ["".join(line.split()) for line in lines]


def _rows(i: int, j: int, marks: str, before: list[str], after: list[str]) -> Iterator[Row]:
    """The rows of a hunk with these marks, before which there are i and j lines."""
    for kept, removed, added in re.findall(r"( +)|(-*)(\+*)", marks):
        for _ in kept:
            i, j = i + 1, j + 1
            yield Row(" ", i, j, after[j - 1])
        olds, news = before[i : i + len(removed)], after[j : j + len(added)]
        pairs = _pairs(olds, news)
        became, came_from = dict(pairs), {b: a for a, b in pairs}
        for a, line in enumerate(olds):
            new = became.get(a)
            spans = _spans(line, news[new])[0] if new is not None else ()
            yield Row("-", i + a + 1, None, line, spans, None if new is None else j + new + 1)
        for b, line in enumerate(news):
            old = came_from.get(b)
            spans = _spans(olds[old], line)[1] if old is not None else ()
            yield Row("+", None, j + b + 1, line, spans, None if old is None else i + old + 1)
        i, j = i + len(removed), j + len(added)


def _pairs(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Which of these lines became which, in order, so that the pairs are most alike together."""
    best: list[list[tuple[float, list[tuple[int, int]]]]]
    best = [[(0.0, [])] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, old_line in enumerate(old):
        for j, new_line in enumerate(new):
            options = [best[i][j + 1], best[i + 1][j]]
            likeness = _likeness(old_line, new_line)
            if likeness >= ALIKE:
                total, pairs = best[i][j]
                options.append((total + likeness, [*pairs, (i, j)]))
            best[i + 1][j + 1] = max(options, key=lambda option: option[0])
    return best[-1][-1][1]


def _likeness(old: str, new: str) -> float:
    words = [word for word in _words(old) if word.strip()], [w for w in _words(new) if w.strip()]
    return SequenceMatcher(None, *words, autojunk=False).ratio() if all(words) else 0.0


def _words(line: str) -> list[str]:
    return re.findall(r"\w+|\s+|[^\w\s]", line)


def _spans(old: str, new: str) -> tuple[Spans, Spans]:
    """Where two lines differ, in the one and in the other, by words."""
    matcher = SequenceMatcher(None, _words(old), _words(new), autojunk=False)
    changes = [opcode[1:] for opcode in matcher.get_opcodes() if opcode[0] != "equal"]
    return (
        _joined(old, [(i0, i1) for i0, i1, _, _ in changes]),
        _joined(new, [(j0, j1) for _, _, j0, j1 in changes]),
    )


def _joined(line: str, words: list[tuple[int, int]]) -> Spans:
    """Ranges of words as spans of the line, without white space around, but with that between."""
    starts = [0, *accumulate(map(len, _words(line)))]
    spans: list[tuple[int, int]] = []
    for first, last in words:
        text = line[starts[first] : starts[last]]
        start = starts[first] + len(text) - len(text.lstrip())
        if text.strip() and spans and not line[spans[-1][1] : start].strip():
            spans[-1] = (spans[-1][0], start + len(text.strip()))
        elif text.strip():
            spans.append((start, start + len(text.strip())))
    return tuple(spans)


def _headings(text: str, suffix: str) -> dict[int, str]:
    """For each line that has one: the class and function, or the heading, that it lies in."""
    if suffix == ".py":
        return definitions(text)
    places: dict[int, str] = {}
    for heading in headings(text) if suffix == ".md" else ():
        lines = range(heading.line + 1, len(text.splitlines()) + 1)
        places.update(dict.fromkeys(lines, heading.text))
    return places


def _heading(rows: Sequence[Row], old: dict[int, str], new: dict[int, str]) -> str:
    for row in rows:
        if row.mark != " " and row.text.strip():
            return new.get(row.new or 0, "") if row.mark == "+" else old.get(row.old or 0, "")
    return ""
