"""The pages of the labs: the task beside an editor, and what the page is given of its chapter."""

from __future__ import annotations

import html
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..labs.chapter import Chapter
from ..labs.hints import hints, question, texts
from ..labs.in_page import Packed, Piece, pack
from ..labs.loading import load_chapter, where_to_read
from ..labs.pages import first_paragraph, kinds, title_of
from ..labs.starter import FileChange, changes, start_files
from ..labs.words import speaking
from ..prose.catalogs import ENGLISH, LABS, labs_in, sentences
from .pages import linked
from .text import raw

#: How what a page keeps in the browser is written; another number is an older page's.
FORMAT = 1


def pages(root: Path, number: int, others: Sequence[str] = ()) -> dict[str, str]:
    """The page of a lab, and the scripts of its starts and of its cases, by their names.

    others: the languages, beside English, in which a check is to speak.
    """
    chapter = load_chapter(root, number)
    made = {
        f"lab{number}.md": page(chapter),
        f"lab{number}-start.js": f"self.DEZERO_LAB = {json.dumps(start(chapter))};\n",
    }
    for language in (ENGLISH, *others):
        end = "" if language == ENGLISH else f"-{language}"
        said = f'self.DEZERO_CASES = "{cases(root, chapter, language)}";\n'
        made[f"lab{number}-cases{end}.js"] = said
    return made


def cases(root: Path, chapter: Chapter, language: str) -> str:
    """The chapter as text for `in_page.OneLab`, in this language."""
    english = language == ENGLISH
    with speaking(language, {} if english else labs_in(root, language)):
        told = packed(chapter)
    words = {} if english else sentences(root, language, LABS)
    told = replace(told, language=language, words=words)
    return b64encode(zlib.compress(pack(told), 9)).decode()


def packed(chapter: Chapter) -> Packed:
    """All that the page needs to know of a chapter, for its cases and hints."""
    pieces = tuple(
        Piece(
            one.path.as_posix(),
            one.where,
            one.about,
            question(chapter.number, one),
            tuple((row.mark, row.text) for row in one.rows),
            one.comments,
        )
        for one in hints(chapter.before, chapter.after)
    )
    asked = (*chapter.own, *chapter.earlier)
    return Packed(chapter, {case.id: where_to_read(chapter, case) for case in asked}, pieces)


def start(chapter: Chapter) -> dict[str, Any]:
    """What the page begins with: both starts, and of each file a digest, by which it knows them.

    Of the start with gaps it holds the files that are another than in the open one.
    """
    before, after = chapter.before, chapter.after
    both = {
        form: {
            path.as_posix(): text
            for path, text in start_files(before, after, before, form == "guided").items()
        }
        for form in ("open", "guided")
    }
    plain = both["open"]
    digests = {
        form: {name: _digest(text) for name, text in files.items()} for form, files in both.items()
    }
    return {
        "format": FORMAT,
        "number": chapter.number,
        "cases": len(chapter.own) + len(chapter.earlier),
        "files": {
            "open": plain,
            "guided": {name: t for name, t in both["guided"].items() if plain.get(name) != t},
        },
        "digests": digests,
        "version": {form: _digest(json.dumps(found)) for form, found in digests.items()},
        "first": next(_first(changes(before, after), plain), "dezero/core.py"),
    }


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _first(found: Sequence[FileChange], files: dict[str, str]) -> Iterator[str]:
    """The files to show first: those that change, or what a new one is made from."""
    for change in found:
        for path in (change.path, change.copied):
            if path and path.as_posix() in files and path.name != "__init__.py":
                yield path.as_posix()


def page(chapter: Chapter) -> str:
    """The page: the task, in the words of TASK.md, beside the box in which it is done."""
    number, before = chapter.number, chapter.before.name.removeprefix("step")
    source = f"stages/{chapter.after.name}/README.md"
    quoted = "\n".join(f"> {line}" for line in first_paragraph(chapter).splitlines())
    listed = "".join(map(_change, changes(chapter.before, chapter.after)))
    notes = texts(number).get("notes", [])
    parts = [
        f"---\nhide-toc: true\n---\n\n# Lab {number}: {title_of(chapter)}",
        raw(
            '<p class="lab-skip"><a href="#your-files">To the editor</a></p>'
            '<div class="lab-page"><div class="lab-task">'
        ),
        f"Turn step {before} into step {number}: change the files until every case passes. Nothing"
        " is installed, and what you write stays in this browser.",
        linked(quoted, source),
        raw(f"<h2>What changes</h2><ul>{listed}</ul>"),
    ]
    if notes:
        parts.append(raw("<h2>What the book does not say</h2>"))
        parts.append("\n".join(f"- {note}" for note in notes))
    parts += [
        raw("<h2>What to read</h2>"),
        f"[The chapter](/step{number}/index.md), where its programs run as well. Stop before the"
        " difference, line by line: that tells the solution.",
        raw("<h2>The cases to satisfy</h2>"),
        f"{len(chapter.due)} that step {before} cannot answer, the one to learn from first; and"
        f" {len(chapter.kept)} that it can, which have to stay right. The book's own answers do.",
        raw("".join(_case_lists(chapter))),
        raw("<h2>Elsewhere</h2>"),
        f"The same lab with an editor of your own: `nox -s lab -- start {number}`.",
        raw(f"</div>{_box(number)}</div>"),
    ]
    return "\n\n".join(parts) + "\n"


def _change(change: FileChange) -> str:
    """An item on a file: what is new in it, and what changes."""
    facts: list[str] = []

    def fact(words: str, names: Sequence[str]) -> None:
        if names:
            facts.append(f"<li>{words} {', '.join(map(_code, names))}</li>")

    if change.gone:
        facts.append("<li>goes</li>")
    elif change.copied:
        fact("a new file, made from", [change.copied.as_posix()])
    elif change.is_new:
        facts.append("<li>a new file</li>")
    fact("new:", change.new)
    fact("changed:", change.changed)
    if change.outside and not change.new and not change.changed:
        facts.append("<li>the statements outside of functions change</li>")
        fact("new:", change.come)
        fact("another value:", change.other)
        fact("gone:", change.go)
    return f"<li>{_code(change.path.as_posix())}<ul>{''.join(facts)}</ul></li>"


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _case_lists(chapter: Chapter) -> Iterator[str]:
    for kind, found in kinds(chapter).items():
        items = "".join(f"<li>{html.escape(case.statement)}</li>" for case in found)
        yield (
            f'<details lang="en"><summary>{html.escape(kind)} ({len(found)})</summary>'
            f"<ul>{items}</ul></details>"
        )


def _box(number: int) -> str:
    """The editor and its buttons; lab.js makes them work, and without it there is a sentence."""
    button = '<button type="button" class="lab-{}">{}</button>'.format
    return f"""\
<section class="lab" id="your-files" data-lab="{number}" aria-label="Your files">
<noscript><p>The editor needs JavaScript.</p></noscript>
<div class="lab-notice" role="alert" hidden></div>
<div class="lab-files"><div class="lab-tabs" role="tablist" aria-label="Files"></div>
<div class="lab-file-buttons">{button("new", "New file")}
{button("delete", "Delete file")}</div></div>
<div class="lab-editor" role="tabpanel" id="lab-panel"></div>
<p class="lab-keys" hidden>Tab indents. To leave the editor by keyboard: Escape, then Tab.</p>
<div class="lab-actions">{button("check", "Check")} {button("stop", "Stop")}
{button("hint", "Hint")} <span class="lab-status" role="status"></span></div>
<div class="lab-result" role="region" aria-label="What the check has found" tabindex="-1"></div>
<div class="lab-keep">{button("save", "Save as zip")} {button("load", "Open a zip")}
{button("reset", "Begin anew")}
<input type="file" class="lab-file" accept=".zip" hidden aria-label="The zip to open">
<span class="lab-kept" role="status"></span></div>
</section>"""
