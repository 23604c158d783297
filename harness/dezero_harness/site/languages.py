"""The site in other languages: its pages by the catalogs, and what a reader of one needs.

Every page is there in every language, under the name of the language; one without a catalog is in
English, and says so. This file is an extension of Sphinx as well, named in docs/conf.py: it adds to
each page the way to the same page in the other languages, and a search that knows particles.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from sphinx.search import SearchLanguage

from ..prose.catalogs import ENGLISH, PAGES, Phrases, name_of, pages_in, sentences
from ..prose.translation import Say, messages, one_line, translated
from . import pages
from .kept import copy, write
from .text import escaped, raw

#: Pages that are made of more than their own catalog, which has the name of the page or its folder.
MADE_OF = {"departures": ["stages"], "learn": ["learn", "index"]}

IN_ENGLISH = "This page has not been translated yet."


class Untranslated(Exception):
    """A page of a language that would be in that language in part alone."""


class Words:
    """What a language has for the pages."""

    def __init__(self, root: Path, language: str) -> None:
        self.language = language
        self.phrases = Phrases(root, language)
        self.pages: dict[str, dict[str, str]] = {}
        for page in pages_in(root, language):
            found = self.pages[page] = {}
            for message, words in sentences(root, language, page).items():
                for file in PAGES[page]:
                    found[_on_the_site(message, file)] = _on_the_site(words, file)

    def of(self, page: str) -> Say | None:
        """What says the messages of this page, such as step33/index; None for one in English."""
        name = page.removesuffix("/index")
        catalogs = [self.pages.get(one, {}) for one in MADE_OF.get(name, [name])]
        if not all(catalogs):
            return None

        def say(message: str) -> str | None:
            found = (catalog.get(message) for catalog in catalogs)
            return next(filter(None, found), None) or self._phrase(message)

        return say

    def _phrase(self, message: str) -> str | None:
        """What a program has put there, which may be text whose marks were escaped."""
        plain = re.sub(r"\\([^\s\w]|_)", r"\1", message)
        words = self.phrases.say(plain)
        return words if words is None or plain == message else escaped(words)


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
            note = words.phrases.say(IN_ENGLISH) or IN_ENGLISH
            shown = raw(f'<p class="untranslated" lang="{language}">{html.escape(note)}</p>')
            text = text.replace("\n", f"\n\n{shown}\n", 1) if text.startswith("# ") else text
            write(source / name, text)
            continue
        lacking += [
            f"{page}: {message.text}"
            for message in messages(text)
            if not message.measured and say(message.text) is None
        ]
        text = _pieces_of_html(translated(text, say), words.phrases)
        write(source / name, _with_anchors(text, made, words))
    if lacking:
        raise Untranslated(
            f"docs/locale/{language} has no words for this; what a program puts on the page belongs"
            f" into site.po:\n" + "\n".join(sorted(set(lacking)))
        )
    for file in english.rglob("*"):
        if not file.is_file() or file.suffix == ".md":
            continue
        target = source / file.relative_to(english)
        if file.suffix == ".js":
            write(target, _literals(file.read_text("utf-8"), words.phrases))
        else:
            copy(file, target)
    for file in source.rglob("*.md"):
        if file.relative_to(source).as_posix() not in made:
            file.unlink()


# --- HTML and scripts ---


def _pieces_of_html(text: str, phrases: Phrases) -> str:
    """The Markdown with the blocks of HTML in it translated."""
    block = r"^(`{3,})\{raw\} html\n(.*?)^\1$"
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
            label = r'(?<= aria-label=")[^"]+|(?<= title=")[^"]+'
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
        is_text = re.match("[A-Z]|.* ", found[1])
        words = phrases.say(found[1]) if is_text else None
        return found[0] if words is None else json.dumps(words, ensure_ascii=False)

    def template(found: re.Match[str]) -> str:
        holes = re.findall(r"\$\{[^}]*\}", found[1])
        phrase = re.sub(r"\$\{[^}]*\}", "{}", found[1])
        words = phrases.words.get(phrase) or phrases.words.get(f"~ {phrase}")
        if words is None:
            return found[0]
        phrases.used |= {phrase, f"~ {phrase}"}
        return "`" + re.sub(r"\{\}", lambda _: holes.pop(0), words) + "`"

    script = re.sub(r'"((?:[^"\\\n]|\\.)*)"', quoted, script)
    return script if script.startswith("<") else re.sub(r"`([^`\n]*)`", template, script)


def _with_anchors(text: str, made: Mapping[str, str], words: Words) -> str:
    """The text with its links to a heading of another page led to that heading's words there."""
    from myst_parser.slugs import SLUG_PRESETS

    slug = SLUG_PRESETS["github"]

    def link(found: re.Match[str]) -> str:
        page, anchor = found.groups()
        say = words.of(page)
        if f"{page}.md" in made and say:
            for message in messages(made[f"{page}.md"]):
                if slug(message.text) == anchor:
                    anchor = slug(say(message.text) or message.text)
        return f"](/{page}.md#{anchor})"

    return re.sub(r"\]\(/([\w/]+)\.md#([\w-]+)\)", link, text)


# --- what Sphinx adds to each page ---


def with_languages(app, page, template, context, doctree) -> None:
    """The way to this page in the other languages, for readers and for search engines."""
    here = app.config.language or ENGLISH
    languages = [ENGLISH, *app.config.site_languages]
    if len(languages) < 2:
        return
    up = "../" * (page.count("/") + (here != ENGLISH))
    links = {one: f"{up}{'' if one == ENGLISH else one + '/'}{page}.html" for one in languages}
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<link rel="alternate" hreflang="{one}" href="{href}">'
        for one, href in {**links, "x-default": links[ENGLISH]}.items()
    )
    shown = " ".join(
        f'<span lang="{one}" aria-current="true">{name_of(one)}</span>'
        if one == here
        else f'<a lang="{one}" hreflang="{one}" href="{href}">{name_of(one)}</a>'
        for one, href in links.items()
    )
    say = _phrases(app.config.site_root, here).say
    label = html.escape(say("Language") or "Language")
    switch = f'<nav class="languages" aria-label="{label}">{shown}</nav>'
    if "body" not in context:
        context["theme_announcement"] = switch  # the page to search
        return
    body = context["body"]
    if here != ENGLISH and 'class="untranslated"' in body:
        body = f'<div lang="{ENGLISH}">{body}</div>'
    context["body"] = switch + body


@cache
def _phrases(root: str, language: str) -> Phrases:
    return Phrases(Path(root), language)


def with_description(app, page, template, context, doctree) -> None:
    """What a search engine shows of a page, in the language of the page."""
    say = _phrases(app.config.site_root, app.config.language or ENGLISH).say
    context["metatags"] = re.sub(
        r'(?<= content=")[^"]+',
        lambda found: html.escape(say(html.unescape(found[0])) or "") or found[0],
        context.get("metatags", ""),
    )


class SearchKorean(SearchLanguage):
    """Korean words without the particles and endings behind them: 뉴턴은 and 뉴턴의 are 뉴턴.

    The same is done to the words of the pages and to those that are looked for, so it has to be the
    same for both rather than right for each.
    """

    lang = "ko"
    language_name = "Korean"

    PARTICLES = """
        은 는 이 가 을 를 의 에 에서 에게 에는 에도 에서는 에서도 으로 로 으로는 로는 으로도 로도
        과 와 과의 와의 과는 와는 도 만 만을 만으로 까지 까지의 까지도 부터 부터는 보다 처럼 마다
        이나 나 이라 라 이라고 라고 이라는 라는 이다 다 이며 며 이고 고 이므로 므로 이면 면 인 일
        들 들은 들을 들의 들이 들로 하다 한다 하고 하는 하면 하여 해 해서 했다 할 한 하지 하기
        하므로 해야 하자 된다 되는 되고 되면 된 되어 되지 될
    """
    ENDINGS = sorted(PARTICLES.split(), key=len, reverse=True)  # the longest first

    @property
    def js_stemmer_code(self) -> str:  # type: ignore[override]
        endings = json.dumps(self.ENDINGS, ensure_ascii=False)
        return f"""
const ENDINGS = {endings};
var Stemmer = function () {{
  this.stemWord = (word) => {{
    word = word.toLowerCase();
    for (const ending of ENDINGS) {{
      const stem = word.slice(0, word.length - ending.length);
      if (word.endsWith(ending) && (stem.length > 1 || /^\\w/.test(stem))) return stem;
    }}
    return word;
  }};
}};
"""

    def stem(self, word: str) -> str:
        word = word.lower()
        for ending in self.ENDINGS:
            stem = word.removesuffix(ending)
            if stem != word and (len(stem) > 1 or re.match(r"[a-z0-9_]", stem)):
                return stem
        return word


def options(root: Path, languages: Iterable[str], language: str) -> list[str]:
    """What Sphinx is told for the site in this language, one of these."""
    given = [f"site_languages={','.join(languages)}", f"site_root={root}"]
    if language != ENGLISH:
        say = Phrases(root, language).say
        given += [f"language={language}"]
        given += [f"html_title={say('Six small engines') or 'Six small engines'}"]
        title = "Six small engines that learn to differentiate again"
        given += [f"project={Words(root, language).pages.get('index', {}).get(title, title)}"]
    return [argument for one in given for argument in ("-D", one)]


def setup(app) -> dict[str, bool]:
    app.add_config_value("site_languages", [], "html", list)
    app.add_config_value("site_root", "", "html", str)
    app.add_search_language(SearchKorean)
    app.connect("html-page-context", with_languages, priority=950)
    app.connect("html-page-context", with_description, priority=960)
    app.add_css_file("languages.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
