"""Markdown in another language: its sentences by a catalog, everything else as it stands.

A message is what a heading, a paragraph, an item, a cell, a caption or a comment behind a command
says, with its white space made single blanks, so that a paragraph which is only set anew keeps its
translation. Programs, what they print and figures in generated tables are no messages, and so they
are the same in every language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt

#: Says a message in the other language; None where it has no words for it.
Say = Callable[[str], str | None]


@dataclass(frozen=True)
class Message:
    """A message, and where it stands: (line, column) of its begin and of its end, from 0.

    measured: it is generated and holds figures, so that no catalog can have it as it stands.
    """

    text: str
    start: tuple[int, int]
    stop: tuple[int, int]
    measured: bool = False


_MARK = re.compile(r"<!-- (/?)(\w+) -->$")
_CELL = re.compile(r"(?<!\\)\|")
_COMMENT = re.compile(r"(?<=\s# )\S.*$")
_COMMAND = re.compile(r"\s*(?:python|nox|git) ")
_CAPTION = re.compile(r'(?:(?<=^:alt: )|(?<=^:caption: )|(?<= alt="))[^"\n]+')
_NUMBER = re.compile(r'<span class="number"[^>]*>\d+</span> ')
_CODE, _FORMULA, _LINK = re.compile(r"`[^`]+`"), re.compile(r"\$\$?[^$]+\$\$?"), r"\]\(([^)\s]+)\)"
_LINKS = re.compile(_LINK)


def one_line(text: str) -> str:
    return " ".join(text.split())


def messages(text: str) -> list[Message]:
    """What there is to say in another language, in order. Above the title stand links alone."""
    lines = text.splitlines()
    generated = set(_generated(lines))
    found: list[Message] = []
    tokens = MarkdownIt().enable("table").parse("\n".join(_without_directives(lines)))
    table, above = False, any(token.type == "heading_open" for token in tokens)
    for token in tokens:
        first, last = token.map or (0, 0)
        if token.type in ("table_open", "table_close"):
            table = token.type == "table_open"
            found += _cells(lines, range(first, last), generated)
        elif token.type == "heading_open":
            above = False
        elif token.type == "inline" and not table and not above:
            if first in generated:
                found += _generated_lines(lines, first, last)
                continue
            begin = _NUMBER.match(token.content)
            said = token.content[begin.end() if begin else 0 :]
            column = lines[first].find(said.split("\n")[0])
            found.append(Message(one_line(said), (first, column), (last - 1, len(lines[last - 1]))))
        elif token.type in ("code_block", "html_block", "fence"):
            directive = token.info.startswith(("{image}", "{toctree}"))
            if token.type == "fence" and not directive:
                continue
            for number in range(first, last):
                line = lines[number]
                pattern = _COMMENT if token.type == "code_block" else _CAPTION
                part = pattern.search(line)
                if part and (pattern is _CAPTION or _COMMAND.match(line)):
                    found.append(Message(part[0], (number, part.start()), (number, part.end())))
    return [one for one in found if _says_something(one.text)]


def translated(text: str, say: Say) -> str:
    """The text, with each message that `say` has words for in these words."""
    lines = text.splitlines()
    for message in sorted(messages(text), key=lambda one: one.start, reverse=True):
        new = say(message.text)
        if new is not None:
            (first, begin), (last, end) = message.start, message.stop
            lines[first : last + 1] = [lines[first][:begin] + new + lines[last][end:]]
    return "\n".join(lines) + ("\n" if text.endswith("\n") else "")


def _without_directives(lines: Sequence[str]) -> list[str]:
    """The lines with those left empty that are no Markdown: front matter, and fences of colons."""
    shown = ["" if line.startswith(":::") else line for line in lines]
    if shown[:1] == ["---"]:
        stop = shown.index("---", 1) + 1
        shown[:stop] = [""] * stop
    return shown


def _generated(lines: Sequence[str]) -> Iterator[int]:
    name = ""
    for number, line in enumerate(lines):
        if mark := _MARK.match(line):
            name = "" if mark[1] else mark[2]
        elif name:
            yield number


def _generated_lines(lines: Sequence[str], first: int, last: int) -> Iterator[Message]:
    """The messages of a generated paragraph: one ends where a line ends with a full stop."""
    start = first
    for number in range(first, last):
        end = len(lines[number].rstrip())
        if lines[number][:end].endswith(".") or number == last - 1:
            text = one_line(" ".join(lines[start : number + 1]))
            measured = bool(re.search(r"\d", _CODE.sub("", text)))
            yield Message(text, (start, 0), (number, end), measured)
            start = number + 1


def _cells(lines: Sequence[str], rows: range, generated: set[int]) -> Iterator[Message]:
    """The cells of a table; of a generated one, those beside the first column are figures."""
    for number in rows:
        line = lines[number]
        if number == rows.start + 1 or "|" not in line:
            continue  # the rule below the head
        edges = [found.start() for found in _CELL.finditer(line)]
        for column, (begin, end) in enumerate(pairwise(edges)):
            said = line[begin + 1 : end]
            if number in generated and re.fullmatch(r"[^\s']*[A-Z\d][^\s']*", said.strip()):
                continue  # a name
            start = begin + 1 + len(said) - len(said.lstrip())
            stop = begin + 1 + len(said.rstrip())
            measured = number in generated and column > 0 and number > rows.start
            yield Message(one_line(said), (number, start), (number, stop), measured)


def _says_something(text: str) -> bool:
    """Whether there are words beside code, formulas and places to be filled."""
    rest = re.sub(r"\{\{.*?\}\}", "", _CODE.sub("", text))
    words = " ".join(re.findall(r"\\text\{([^}]*)\}", rest)) + _FORMULA.sub("", rest)
    return bool(re.search(r"[^\W\d_]{2}", _LINKS.sub("]", words)))


# --- what has to be the same in both languages ---

_WORDS = {
    word: number
    for number, words in {
        "0": "zero zeros nothing vanishes",
        "1": "one ones first once single quarter",
        "2": "two second twice both pair half double two-fifths",
        "3": "three third",
        "4": "four fourth quarter",
        "5": "five fifth fifths",
        "6": "six sixth",
        "7": "seven",
        "8": "eight eighth",
        "9": "nine",
        "10": "ten",
        "12": "twelve twelfth",
        "20": "twenty",
        "80": "eighty",
        "90": "ninety",
        "100": "hundred hundredth",
        "1000": "thousand",
    }.items()
    for word in words.split()
}


def differs(message: str, other: str) -> Iterator[str]:
    """What the words of another language say otherwise, in a line each."""
    for what, pattern in {"code": _CODE, "formula": _FORMULA, "link": _LINKS}.items():
        mine, theirs = (Counter(_found(pattern, text)) for text in (message, other))
        if pattern is not _LINKS:  # a name may stand where English has "it"
            mine, theirs = Counter(set(mine)), Counter(set(theirs))
        for one in mine - theirs:
            yield f"lacks the {what} {one}"
        for one in theirs - mine:
            yield f"has another {what}: {one}"
    mine, theirs = (Counter(_numbers(text)) for text in (message, other))
    for one in mine - theirs:
        yield f"lacks the number {one}"
    spelled = {_WORDS[word] for word in re.findall(r"[a-z]+", message.lower()) if word in _WORDS}
    for one in theirs - mine:
        if one not in spelled:
            yield f"has another number: {one}"
    for what in ("strong", "em"):
        counts = [_marks(text, what) for text in (message, other)]
        if counts[0] != counts[1]:
            yield f"has {counts[1]} times the mark <{what}>, in place of {counts[0]}"


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    if pattern is not _CODE:
        text = _CODE.sub("", text)
    found = [one.group(one.lastindex or 0) for one in pattern.finditer(text)]
    return [one_line(re.sub(r"\\text\{[^}]*\}", "", one)) for one in found]


#: A number in a circle, as in the title of the book: ゼロから作るDeep Learning ❸.
_WRITTEN_OTHERWISE = {ord("\N{MINUS SIGN}"): "-", ord("❸"): "3"}


def _numbers(text: str) -> list[str]:
    for pattern in (_CODE, _FORMULA, _LINKS):
        text = pattern.sub(" ", text)
    return re.findall(r"-?\d+(?:[.,]\d+)*(?:e-?\d+)?", text.translate(_WRITTEN_OTHERWISE))


def _marks(text: str, what: str) -> int:
    inline = MarkdownIt().parseInline(_FORMULA.sub("x", text))[0]
    return sum(child.type == f"{what}_open" for child in inline.children or ())
