"""The site in other languages: its pages by the catalogs, and what a reader of one needs.

Every page is there in every language, under the name of the language; one without a catalog is in
English, and says so.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..prose.catalogs import (
    ENGLISH,
    PAGES,
    Phrases,
    in_part,
    pages_in,
    readme,
    sentences,
    sometimes,
)
from ..prose.translation import Say, messages, one_line, translated
from . import pages
from .kept import copy, write
from .text import escaped, raw

#: Pages that are made of more than their own catalog, which has the name of the page or its folder.
MADE_OF = {
    "departures": ["stages"],
    "learn": ["learn", "index"],
    **{f"lab{n}": [f"step{n}"] for n in range(32, 37)},
}

#: What the theme puts around each page, and no catalog of Sphinx has.
THEME = (
    "all pages",
    "this page",
    "Back to top",
    "Home",
    "Link to this heading",
    "Next",
    "On this page",
    "Previous",
    "Search",
    "Skip to content",
    "Toggle navigation of {}",
    "Toggle Light / Dark / Auto color theme",
    "Toggle site navigation sidebar",
    "Toggle table of contents sidebar",
)
IN_ENGLISH = "This page has not been translated yet."
IN_PART = "Of this page the title, the introduction and the figures are translated."


class Untranslated(Exception):
    """A page of a language that would be in that language in part alone."""


class Words:
    """What a language has for the pages."""

    def __init__(self, root: Path, language: str) -> None:
        self.language = language
        self.phrases = Phrases(root, language)
        self.parts = in_part(root, language)
        self.pages: dict[str, dict[str, str]] = {}
        for page in pages_in(root, language):
            found = self.pages[page] = {}
            for message, words in sentences(root, language, page).items():
                for file in PAGES[page]:
                    both = _on_the_site(message, file), _on_the_site(words, file)
                    found |= {one: other for one, other in _pieces(*both) if one not in found}

    def of(self, page: str) -> Say | None:
        """What says the messages of this page, such as step33/index; None for one in English."""
        name = page.removesuffix("/index")
        if page.startswith("compare/"):  # made of phrases, and of remarks of any chapter
            catalogs = [] if self.parts else list(self.pages.values())
        else:
            catalogs = [self.pages.get(one, {}) for one in MADE_OF.get(name, [name])]
        if not all(catalogs or [{}]):
            return None

        def say(message: str) -> str | None:
            found = next(filter(None, (catalog.get(message) for catalog in catalogs)), None)
            chapter = re.match(r"\*[^*]+:\* (?=.)", message)
            if not found and chapter and (words := say(message[chapter.end() :])):
                return f"{self.phrases.say(chapter[0].strip()) or chapter[0].strip()} {words}"
            return found or self._phrase(message)

        return say

    def unmet(self, root: Path) -> list[str]:
        """The phrases that are nowhere: not on the pages that were said, nor where else they go.

        Those with the comment `not always` in the catalog may be on no page: they depend on what
        was measured, or on what is known when the site is built.
        """
        readme(root, self.language, self.phrases)
        settings = (root / "docs/conf.py").read_text("utf-8")
        parts = re.findall(r'"([^"\n]+)"', settings)  # a long text stands there in several
        may_be_missing = {*sometimes(root, self.language), *parts, *THEME}
        return [
            phrase
            for phrase in self.phrases.words.keys() - self.phrases.used - may_be_missing
            if not any(part in phrase for part in parts if len(part) > 40)
        ]

    def _phrase(self, message: str) -> str | None:
        """What a program has put there, which may be text whose marks were escaped."""
        plain = re.sub(r"\\([^\s\w]|_)", r"\1", message)
        words = self.phrases.say(plain)
        return words if words is None or plain == message else escaped(words)


def _pieces(message: str, words: str) -> Iterator[tuple[str, str]]:
    """A message and its words; and the parts of them that a page may show apart.

    A line in bold letters as a heading, and of an exercise the task, and how to check the answer.
    """
    yield message, words
    bold = re.compile(r"\*\*([^*]+)\*\*")
    if (one := bold.fullmatch(message)) and (other := bold.fullmatch(words)):
        yield one[1], other[1]
    mark = re.compile(r"(?<= )\*[^*:]+:\* ")
    parts, others = mark.split(message), mark.split(words)
    if len(parts) == len(others) == 2:
        yield from zip(map(str.strip, parts), map(str.strip, others))


def _on_the_site(text: str, file: str) -> str:
    return one_line(pages.linked(text, file))


def write_source(
    root: Path, language: str, made: Mapping[str, str], english: Path, source: Path
) -> None:
    """All the pages in a language, as Sphinx reads them. made: those in English, by their names.

    english: the folder of the English ones, whose other files are taken as they are. Raises
    Untranslated for a page that has a catalog, and says something that no catalog has.
    """
    words = Words(root, language)
    lacking: list[str] = []
    for name, text in made.items():
        page = name.removesuffix(".md")
        say = words.of(page)
        if say is None:
            text = _with_anchors(text, made, words)
            write(source / name, _with_note(text, IN_ENGLISH, "untranslated", words))
            continue
        part = page.removesuffix("/index") in words.parts
        lacking += [
            f"{page}: {message.text}"
            for message in messages(text)
            if not message.measured and not part and say(message.text) is None
        ]
        text = _pieces_of_html(translated(text, say), words.phrases)
        text = _with_anchors(text, made, words)
        write(source / name, _with_note(text, IN_PART, "in-part", words) if part else text)
    _scripts_and_pictures(root, english, source, words.phrases)
    if lacking := [*lacking, *words.phrases.lacking]:
        raise Untranslated(
            f"docs/locale/{language} has no words for this; what a program puts on the page belongs"
            f" into site.po:\n" + "\n".join(sorted(set(lacking)))
        )
    if unmet := words.unmet(root):
        raise Untranslated(
            f"docs/locale/{language}/LC_MESSAGES/site.po has phrases that no page says any more;"
            f" take them out, or change them as the page has changed:\n" + "\n".join(unmet)
        )
    for file in source.rglob("*.md"):
        if file.relative_to(source).as_posix() not in made:
            file.unlink()


def _with_note(text: str, note: str, kind: str, words: Words) -> str:
    """The page with a note below its title, if it begins with one: what of it is translated."""
    said = html.escape(words.phrases.say(note) or note)
    shown = raw(f'<p class="{kind}" lang="{words.language}">{said}</p>')
    return text.replace("\n", f"\n\n{shown}\n", 1) if text.startswith("# ") else text


def _scripts_and_pictures(root: Path, english: Path, source: Path, phrases: Phrases) -> None:
    """Our own scripts in the language; what else there is, Python for the page too, as it is."""
    own = {file.name for file in root.glob("docs/_static/*.js")}
    for file in english.rglob("*"):
        if not file.is_file() or file.suffix == ".md":
            continue
        target = source / file.relative_to(english)
        if file.name in own:
            write(target, _literals(file.read_text("utf-8"), phrases))
        else:
            copy(file, target)


# --- HTML and scripts ---


def _pieces_of_html(text: str, phrases: Phrases) -> str:
    """The Markdown with the blocks of HTML in it translated."""
    block = r"^( *`{3,})\{raw\} html\n(.*?)^\1$"
    return re.sub(
        block,
        lambda found: f"{found[1]}{{raw}} html\n{in_html(found[2], phrases)}{found[1]}",
        text,
        flags=re.DOTALL | re.MULTILINE,
    )


def in_html(text: str, phrases: Phrases) -> str:
    """HTML whose texts and labels are those of the phrases, where there is one."""
    whole = r"(<(pre|code|style)\b.*?</\2>|<script\b.*?</script>|<[^>]*>)"
    made = []
    for index, part in enumerate(re.split(whole, text, flags=re.DOTALL)):
        if index % 3 == 2:
            continue
        if index % 3 == 0:
            made.append(_said(part, phrases))
        elif part.startswith("<script"):
            made.append(_literals(part, phrases))
        else:
            label = r'(?<= aria-label=")[^"]+|(?<= title=")[^"]+|(?<= data-empty=")[^"]+'
            made.append(re.sub(label, lambda found: _said(found[0], phrases), part))
    return "".join(made)


def _said(text: str, phrases: Phrases) -> str:
    """A text of HTML, or each line of a label, in the words of the phrases."""
    if "&#10;" in text:
        return "&#10;".join(_said(line, phrases) for line in text.split("&#10;"))
    words = phrases.say(one_line(html.unescape(text))) if re.search(r"[a-z]", text) else None
    if words is None:
        return text
    begin, end = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return begin + html.escape(words) + end


def _literals(script: str, phrases: Phrases) -> str:
    """A script, or data, whose texts in quotation marks are those of the phrases.

    One word in small letters is a name, of a key or an event.
    """

    def quoted(found: re.Match[str]) -> str:
        text = found[1].strip()
        words = phrases.say(text) if re.match("[A-Z]|.* ", text) else None
        if words is None:
            return found[0]
        return json.dumps(found[1].replace(text, words), ensure_ascii=False)

    def template(found: re.Match[str]) -> str:
        holes = re.findall(r"\$\{[^}]*\}", found[1])
        text = re.sub(r"\$\{[^}]*\}", "${}", found[1])
        words = phrases.template(text.strip())
        if words is None:
            return found[0]
        said = text.replace(text.strip(), words)
        return "`" + re.sub(r"\$\{\}", lambda _: holes.pop(0), said) + "`"

    script = re.sub(r'"((?:[^"\\\n]|\\.)*)"', quoted, script)
    return script if script.startswith("<") else re.sub(r"`([^`\n]*)`", template, script)


def _with_anchors(text: str, made: Mapping[str, str], words: Words) -> str:
    """The text with its links to a heading of another page led to that heading's words there."""

    def link(found: re.Match[str]) -> str:
        from myst_parser.slugs import SLUG_PRESETS

        slug = SLUG_PRESETS["github"]
        page, anchor = found.groups()
        say = words.of(page)
        if f"{page}.md" in made and say:
            for message in messages(made[f"{page}.md"]):
                if slug(message.text) == anchor:
                    anchor = slug(say(message.text) or message.text)
        return f"](/{page}.md#{anchor})"

    return re.sub(r"\]\(/([\w/]+)\.md#([\w-]+)\)", link, text)


def options(root: Path, languages: Iterable[str], language: str) -> list[str]:
    """What Sphinx is told for the site in this language, one of these."""
    others = ",".join(languages)
    given = [*[f"site_languages={others}"] * bool(others), f"site_root={root}"]
    if language != ENGLISH:
        say = Phrases(root, language).say
        given += [f"language={language}"]
        given += [f"html_title={say('Six small engines') or 'Six small engines'}"]
        title = "Six small engines that learn to differentiate again"
        given += [f"project={Words(root, language).pages.get('index', {}).get(title, title)}"]
    return [argument for one in given for argument in ("-D", one)]
