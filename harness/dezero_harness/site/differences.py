"""The difference of two stages as HTML, with a chapter's remarks beside the lines they speak of.

A remark is an item of the list in the chapter's section on the difference. It goes to the change
whose code it names: `Mul.backward` to the change in that method, `take(...)` to the lines that hold
it. One that names nothing in the difference is shown in front.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from pygments.lexers import MarkdownLexer, PythonLexer, TOMLLexer
from pygments.token import STANDARD_TYPES

from ..diffs.difference import FileDifference, Row, Spans
from .text import code_spans, container, raw

_LEXERS = {".py": PythonLexer, ".md": MarkdownLexer, ".toml": TOMLLexer}


@dataclass(frozen=True)
class Remark:
    """What a chapter says of a change: its number in the chapter, from 1, and its Markdown."""

    number: int
    text: str

    @property
    def lead(self) -> list[str]:
        """The code in its first sentence, which says what it is about."""
        return code_spans(re.split(r"(?<=[^.]\.)\s", self.text)[0])


@dataclass
class Change:
    """A run of rows of one hunk that are all kept, or that changed together.

    new_hunk: the first of its hunk. remarks: those shown here; also: those that name it as well.
    """

    file: FileDifference
    rows: list[Row]
    heading: str
    new_hunk: bool
    names: frozenset[str]
    remarks: list[Remark] = field(default_factory=list)
    also: list[Remark] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return self.rows[0].mark == " "

    @cached_property
    def text(self) -> str:
        """Its changed lines on one, without what a fold of lines would change."""
        return " ".join(" ".join(row.text for row in self.rows).split())

    def fit(self, code: str) -> int:
        """How surely this piece of code is what the change is about; 0: not at all."""
        plain = re.sub(r"\((\.\.\.)?\)$", "", code)
        if not self.kept and "." in plain and plain in self.names:
            return 4
        if not self.kept and any(name.split(".")[-1] == plain for name in self.names):
            return 3
        word = rf"(?<![\w.]){re.escape(plain)}(?!\w)"
        return 0 if self.kept or not re.search(word, self.text) else 2

    def is_about(self, code: str, home: Change) -> bool:
        """Whether it changes this class or function, or another place in the method of `home`."""
        same = self.names & home.names if home.file is self.file else frozenset()
        return any(
            code in (name, name.partition(".")[0]) or (name in same and name.endswith("." + code))
            for name in self.names
        )


def changes(files: Sequence[FileDifference], old: Path, new: Path) -> list[Change]:
    """What differs, cut into the pieces that a remark can stand beside."""
    found = []
    for file in files:
        names = [_names(old / file.old if file.old else None), _names(_path(new, file.new))]
        for hunk in file.hunks:
            first = True
            for rows in _runs(hunk.rows):
                inside = {names[row.mark == "+"].get((row.new or row.old) or 0, "") for row in rows}
                there = frozenset(filter(None, inside)) if rows[0].mark != " " else frozenset()
                found.append(Change(file, rows, hunk.heading, first, there))
                first = False
    return found


def _path(folder: Path, path: Path | None) -> Path | None:
    return folder / path if path else None


def place(remarks: Sequence[Remark], found: Sequence[Change]) -> list[Remark]:
    """Put each remark beside the change it names; the rest is returned, to be shown in front."""
    in_front = []
    for remark in remarks:
        codes = code_spans(remark.text)
        totals = [
            sum(change.fit(code) / (1 + i) for i, code in enumerate(codes)) for change in found
        ]
        best = max(totals, default=0)
        if not best:
            in_front.append(remark)
            continue
        home = found[totals.index(best)]
        home.remarks.append(remark)
    homes = {remark.number: change for change in found for remark in change.remarks}
    for remark in remarks:
        if its := homes.get(remark.number):
            for change in found:
                if not change.remarks and any(change.is_about(c, its) for c in remark.lead):
                    change.also.append(remark)
    return in_front


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that are kept, and rows that changed; a long new text is cut before each definition."""
    run: list[Row] = []
    for row in rows:
        changed = row.mark != " "
        if run and changed != (run[0].mark != " "):
            yield run
            run = []
        elif run and changed and row.text.startswith(("class ", "def ", "@")):
            one_sided = row.mark == run[0].mark and not any(r.counterpart for r in [*run, row])
            if one_sided and not run[-1].text.startswith("@"):
                yield run
                run = []
        run.append(row)
    if run:
        yield run


def _names(file: Path | None) -> dict[int, str]:
    """For each line of a Python file, the class and function that it is in: "Mul.backward"."""
    if file is None or file.suffix != ".py":
        return {}
    names: dict[int, str] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = f"{prefix}.{child.name}" if prefix else child.name
                for line in range(child.lineno, (child.end_lineno or child.lineno) + 1):
                    names[line] = name
                walk(child, name)

    walk(ast.parse(file.read_text("utf-8")), "")
    return names


# --- as HTML ---


def in_markdown(found: Sequence[Change], old: Path, new: Path) -> str:
    """The changes of one file, as Markdown with HTML in it and the remarks beside their lines."""
    if not found:
        return ""
    file = found[0].file
    before = _highlighted(_path(old, file.old))
    after = _highlighted(_path(new, file.new))
    parts = []
    for change in found:
        piece = []
        if change.new_hunk:
            piece.append(_hunk_head(change))
        piece.append(_pair(change.rows, before, after))
        see = "".join(
            f'<p class="see"><a href="#remark-{r.number}">see remark {r.number}</a></p>'
            for r in change.also
        )
        if not change.remarks:
            parts.append(raw("".join(piece) + see))
            continue
        notes = [
            container("remark", f"{raw(number(r))}\n{r.text}", depth=1) for r in change.remarks
        ]
        head = [raw(piece.pop(0))] if change.new_hunk else []
        pair = raw(f'<div class="lines">{piece[-1]}{see}</div>')
        parts += [*head, container("change", "\n".join([*notes, pair]), depth=2)]
    return container("difference highlight", "\n".join(_joined(parts)), depth=3)


def _joined(parts: Sequence[str]) -> Iterator[str]:
    """Neighbouring pieces of raw HTML as one."""
    html_ = ""
    opening, closing = "```{raw} html\n", "\n```\n"
    for part in parts:
        if part.startswith(opening):
            html_ += part[len(opening) : -len(closing)]
            continue
        if html_:
            yield raw(html_)
        html_ = ""
        yield part
    if html_:
        yield raw(html_)


def as_html(file: FileDifference, old: Path, new: Path) -> str:
    """The changes of one file, without remarks."""
    before, after = _highlighted(_path(old, file.old)), _highlighted(_path(new, file.new))
    pieces = []
    for change in changes([file], old, new):
        pieces.append(_hunk_head(change) if change.new_hunk else "")
        pieces.append(_pair(change.rows, before, after))
    return f'<div class="difference highlight">{"".join(pieces)}</div>'


def number(remark: Remark) -> str:
    return f'<span class="number" id="remark-{remark.number}">{remark.number}</span>'


def _hunk_head(change: Change) -> str:
    first = next(r for r in change.rows)
    line = first.new or first.old
    where = f" in <code>{html.escape(change.heading)}</code>" if change.heading else ""
    return f'<p class="hunk">line {line}{where}</p>'


def _pair(rows: Sequence[Row], before: dict[int, list], after: dict[int, list]) -> str:
    if rows[0].mark == " ":
        olds = [_line(row.old, "", before, row) for row in rows]
        news = [_line(row.new, "", after, row) for row in rows]
        return f'<div class="pair kept">{_side("old", olds)}{_side("new", news)}</div>'
    removed = [row for row in rows if row.mark == "-"]
    added = [row for row in rows if row.mark == "+"]
    olds = [_line(row.old, "removed", before, row) for row in removed]
    news = [_line(row.new, "added", after, row) for row in added]
    # Lines that became each other stand at the same height.
    left, right = _levelled(removed, added, olds, news)
    return f'<div class="pair">{_side("old", left)}{_side("new", right)}</div>'


def _levelled(
    removed: Sequence[Row], added: Sequence[Row], olds: list[str], news: list[str]
) -> tuple[list[str], list[str]]:
    left: list[str] = []
    right: list[str] = []
    i = j = 0
    partner = {row.counterpart: place for place, row in enumerate(added) if row.counterpart}
    for place, row in enumerate(removed):
        if (other := partner.get(row.old or 0)) is not None:
            left += olds[i:place]
            right += news[j:other]
            missing = len(right) - len(left)
            left += ['<span class="line blank"></span>'] * missing
            right += ['<span class="line blank"></span>'] * -missing
            left.append(olds[place])
            right.append(news[other])
            i, j = place + 1, other + 1
    return left + olds[i:], right + news[j:]


def _side(which: str, lines: Sequence[str]) -> str:
    return (
        f'<pre class="{which}">{"".join(lines)}</pre>'
        if lines
        else f'<pre class="{which} none"></pre>'
    )


def _line(number: int | None, kind: str, tokens: dict[int, list], row: Row) -> str:
    word = f'<span class="word">{kind}: </span>' if kind else ""
    text = _spans(tokens.get(number or 0, [("", row.text)]), row.changed if kind else ())
    return f'<span class="line {kind}" data-line="{number}">{word}{text}\n</span>'


def _spans(tokens: Sequence[tuple[str, str]], changed: Spans) -> str:
    """The tokens of a line, with what changed in it marked."""
    cuts = sorted({edge for span in changed for edge in span})
    out, start, marked = [], 0, False
    for css, text in tokens:
        end = start + len(text)
        edges = [start, *(c for c in cuts if start < c < end), end]
        for a, b in pairwise(edges):
            inside = any(s <= a and b <= e for s, e in changed)
            if inside != marked:
                out.append("<mark>" if inside else "</mark>")
                marked = inside
            piece = html.escape(text[a - start : b - start], quote=False)
            out.append(f'<span class="{css}">{piece}</span>' if css else piece)
        start = end
    return "".join(out) + ("</mark>" if marked else "")


def _highlighted(file: Path | None) -> dict[int, list[tuple[str, str]]]:
    """The lines of a file by number, each as (class, text) of its tokens."""
    if file is None:
        return {}
    lexer = _LEXERS[file.suffix](ensurenl=False, stripnl=False) if file.suffix in _LEXERS else None
    text = file.read_text("utf-8")
    lines: dict[int, list[tuple[str, str]]] = {1: []}
    number = 1
    for kind, value in lexer.get_tokens(text) if lexer else [(None, text)]:
        css = _css(kind) if kind is not None else ""
        for i, part in enumerate(value.split("\n")):
            if i:
                number += 1
                lines[number] = []
            if part:
                lines[number].append((css, part))
    return lines


def _css(kind) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES[kind]
