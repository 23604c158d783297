"""The difference of two stages as HTML, with a chapter's remarks beside the lines they speak of."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path

from pygments.lexers import MarkdownLexer, PythonLexer, TOMLLexer
from pygments.token import STANDARD_TYPES

from ..diffs.changes import Change
from ..diffs.difference import Row, Spans
from ..diffs.remarks import Remark
from .text import container, raw

_LEXERS = {".py": PythonLexer, ".md": MarkdownLexer, ".toml": TOMLLexer}


def in_markdown(found: Sequence[Change], old: Path, new: Path) -> str:
    """The changes of one file, as Markdown with HTML in it and the remarks beside their lines.

    The places that have a remark come first, and those that change imports alone are folded.
    """
    if not found:
        return ""
    file = found[0].file
    hunks: list[list[Change]] = []
    for change in found:
        if change.new_hunk:
            hunks.append([])
        hunks[-1].append(change)
    beside = [_imports(old, file.old), _imports(new, file.new)]
    told = [hunk for hunk in hunks if any(change.remarks for change in hunk)]
    rest = [hunk for hunk in hunks if hunk not in told]
    folded = [hunk for hunk in rest if _only_in(hunk, *beside)]
    shown = told + [hunk for hunk in rest if hunk not in folded]
    tokens = _highlighted(old, file.old), _highlighted(new, file.new)
    parts = _parts(shown, *tokens)
    if folded and shown:
        head = '<details class="folded"><summary>Imports, and what the file says it is</summary>'
        parts += [(True, head), *_parts(folded, *tokens), (True, "</details>")]
    elif folded:
        parts = _parts(folded, *tokens)
    body = []
    for is_html, together in groupby(parts, key=itemgetter(0)):
        texts = [text for _, text in together]
        body += [raw("".join(texts))] if is_html else texts
    return container("difference highlight", "\n".join(body), depth=3)


def _imports(folder: Path, path: Path | None) -> set[int]:
    """The lines of a file's imports and of its docstring, with the blank ones between them."""
    if path is None or path.suffix != ".py":
        return set()
    text = (folder / path).read_text("utf-8")
    module = ast.parse(text)
    lines: set[int] = set()
    for number, node in enumerate(module.body):
        is_docstring = not number and ast.get_docstring(module) is not None
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    blank = {n for n, line in enumerate(text.splitlines(), start=1) if not line.strip()}
    return lines | blank


def _only_in(hunk: Sequence[Change], olds: set[int], news: set[int]) -> bool:
    """Whether all that changes in this hunk is in these lines."""
    rows = [row for change in hunk for row in change.rows if row.mark != " "]
    return all((row.old in olds) if row.mark == "-" else (row.new in news) for row in rows)


def _parts(
    hunks: Sequence[Sequence[Change]], before: dict[int, list], after: dict[int, list]
) -> list[tuple[bool, str]]:
    """For each piece, whether it is HTML, and what it is."""
    parts: list[tuple[bool, str]] = []
    for change in (change for hunk in hunks for change in hunk):
        if change.new_hunk:
            parts.append((True, _hunk_head(change)))
        pair = _pair(change.rows, before, after) + "".join(
            f'<p class="see"><a href="#remark-{r.number}">see remark {r.number}</a></p>'
            for r in change.also
        )
        if change.remarks:
            notes = [container("remark", f"{raw(number(r))}\n{r.text}") for r in change.remarks]
            beside = "\n".join([*notes, raw(f'<div class="lines">{pair}</div>')])
            parts.append((False, container("change", beside, depth=2)))
        else:
            parts.append((True, pair))
    return parts


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
    text = re.sub(r'^((?:<span class="\w+">)?)( +)', r'\1<span class="indent">\2</span>', text)
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


def _highlighted(folder: Path, path: Path | None) -> dict[int, list[tuple[str, str]]]:
    """The lines of a file by number, each as (class, text) of its tokens."""
    if path is None:
        return {}
    lexer = _LEXERS[path.suffix](ensurenl=False, stripnl=False) if path.suffix in _LEXERS else None
    text = (folder / path).read_text("utf-8")
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
