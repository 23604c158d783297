"""Markdown as it is written for the pages: links, code, directives of MyST."""

from __future__ import annotations

import re
from collections.abc import Callable


def map_links(text: str, target: Callable[[str], str]) -> str:
    """The text with `target(...)` of each link that leads into the repository."""

    def replace(found: re.Match[str]) -> str:
        words, link = found["words"], found["link"]
        if not words or re.match(r"[a-z]+:|#|/", link):
            return found[0]
        return f"{words}({target(link)})"

    block, span = r"^```.*?^```$", r"`[^`\n]+`"
    a_link = r"(?P<words>\[(?:`[^`\n]+`|[^\]`])*\])\((?P<link>[^)\s]+)\)"
    return re.sub(f"{block}|{a_link}|{span}", replace, text, flags=re.DOTALL | re.MULTILINE)


def escaped(text: str) -> str:
    """Plain text as Markdown that shows it as it is; backticks stay marks of code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_\[\]<>$#|~^{}])", r"\\\1", part)
        for part in parts
    )


def raw(html: str) -> str:
    """HTML as it stands."""
    return fenced("{raw} html", html)


def code(text: str, language: str = "python") -> str:
    """A block of code."""
    return fenced(language, text)


def fenced(info: str, body: str) -> str:
    """A fenced block whose fence is longer than any in its body."""
    longest = max((len(run) for run in re.findall(r"^`{3,}", body, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{body.rstrip()}\n{fence}\n"


def container(classes: str, body: str, depth: int = 1) -> str:
    """A <div> of these classes; `depth`: 1 for the innermost, more around it."""
    colons = ":" * (2 + depth)
    return f"{colons}{{container}} {classes}\n{body.strip()}\n{colons}\n"


def first_sentence(text: str) -> str:
    """The first paragraph on one line, up to its full stop."""
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    return re.split(r"(?<=[a-z)\d]\.)\s", paragraph)[0]
