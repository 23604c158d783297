"""Markdown as data: sections, lists and links of the chapters; directives for the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A heading of the second level and what follows it, up to the next."""

    title: str
    body: str


def sections(text: str) -> tuple[str, str, list[Section]]:
    """The title of a Markdown text, what stands before its first section, and its sections."""
    parts: list[list[str]] = [[]]
    in_code = False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        if line.startswith("## ") and not in_code:
            parts.append([])
        parts[-1].append(line)
    head, *rest = parts
    title = next((line.removeprefix("# ") for line in head if line.startswith("# ")), "")
    intro = "\n".join(line for line in head if line != f"# {title}").strip("\n")
    found = [Section(p[0].removeprefix("## ").strip(), "\n".join(p[1:]).strip("\n")) for p in rest]
    return title, intro, found


def blocks(text: str) -> list[str]:
    """The paragraphs, code blocks and items of a list, each as it stands."""
    found: list[list[str]] = []
    in_code = False
    for line in text.splitlines():
        starts_item = line.startswith(("- ", "1. ", "2. ", "3. ")) and not in_code
        if not found or starts_item or (not line.strip() and not in_code):
            found.append([])
        in_code ^= line.startswith("```")
        if line.strip() or in_code:
            found[-1].append(line)
    return ["\n".join(block) for block in found if block]


def without_code(text: str) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", text)


def code_spans(text: str) -> list[str]:
    """What stands between backticks, in order."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", without_code(text))]


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
