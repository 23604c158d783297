"""Markdown as data: headings, sections, blocks, code. markdown-it finds them, as the lines that
they stand in, so that what is passed on is the text as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARK = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")


@dataclass(frozen=True)
class Heading:
    """line: its number, from 0. level: 1 for the title."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Block:
    """A paragraph, an item of a list without its mark, or code: "paragraph", "item", "fence"..."""

    kind: str
    text: str


@dataclass(frozen=True)
class Program:
    """A block of Python, and what the block of text right behind it says that it prints.

    start, stop: the lines of both, from 0.
    """

    source: str
    prints: str
    start: int
    stop: int


@lru_cache(maxsize=64)
def _tokens(text: str) -> tuple[Token, ...]:
    return tuple(MarkdownIt().parse(text))


def _lines(token: Token) -> tuple[int, int]:
    return (token.map[0], token.map[1]) if token.map else (0, 0)


def headings(text: str) -> list[Heading]:
    return [
        Heading(_lines(token)[0], int(token.tag[1:]), following.content)
        for token, following in pairwise(_tokens(text))
        if token.type == "heading_open"
    ]


def title(text: str) -> str:
    """The first heading of the first level; "" where there is none."""
    return next((heading.text for heading in headings(text) if heading.level == 1), "")


def sections(text: str, deepest: int = 2) -> dict[str, str]:
    """What stands below each heading from the second level down to `deepest`, by the heading.

    What comes before the first of them, but for the title, is called "".
    """
    lines = text.splitlines()
    found, name, start = {}, "", 0
    for heading in headings(text):
        if heading.level == 1 and not name:
            start = heading.line + 1
        elif 1 < heading.level <= deepest:
            found[name] = "\n".join(lines[start : heading.line]).strip("\n")
            name, start = heading.text, heading.line + 1
    return found | {name: "\n".join(lines[start:]).strip("\n")}


def blocks(text: str) -> list[Block]:
    """The blocks of a text, each as it stands; of a list, its items."""
    lines = text.splitlines()
    found = []
    for token in _tokens(text):
        start, stop = _lines(token)
        if token.type == "list_item_open" and token.level == 1:
            mark = _MARK.match(lines[start])
            width = mark.end() if mark else 0
            margin = re.compile(rf"^ {{0,{width}}}", re.MULTILINE)
            item = [
                lines[start][width:],
                *(margin.sub("", line) for line in lines[start + 1 : stop]),
            ]
            found.append(Block("item", "\n".join(item).rstrip()))
        elif token.level == 0 and token.nesting >= 0 and token.map and "_list_" not in token.type:
            kind = token.type.removesuffix("_open")
            found.append(Block(kind, "\n".join(lines[start:stop]).rstrip()))
    return found


def items(text: str) -> list[str]:
    """The items of the lists in a text, without their marks."""
    return [block.text for block in blocks(text) if block.kind == "item"]


def code_spans(text: str) -> list[str]:
    """What stands between backticks, in order; not what is in blocks of code."""
    return [
        child.content
        for token in _tokens(text)
        for child in token.children or ()
        if child.type == "code_inline"
    ]


def programs(text: str) -> list[Program]:
    """The blocks of Python of a text, with what they print."""
    found: list[Program] = []
    fences = [token for token in _tokens(text) if token.level == 0 and token.nesting >= 0]
    for place, token in enumerate(fences):
        if token.type != "fence" or token.info != "python":
            continue
        start, stop = _lines(token)
        prints = ""
        following = fences[place + 1] if place + 1 < len(fences) else token
        if following.type == "fence" and following.info == "text":
            prints, stop = following.content, _lines(following)[1]
        found.append(Program(token.content, prints, start, stop))
    return found
