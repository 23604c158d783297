"""What Sphinx adds to the pages for readers of several languages; docs/conf.py names it.

The way from each page to the same one in the other languages, and a search that knows particles.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx.search import SearchLanguage

from ..prose.catalogs import ENGLISH, Phrases, name_of
from .languages import THEME


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
    if not context.get("body"):
        context["theme_announcement"] = switch  # the page to search
        return
    body = context["body"]
    if here != ENGLISH and 'class="untranslated"' in body:
        body = f'<div lang="{ENGLISH}">{body}</div>'
    elif here != ENGLISH:
        # No line breaks before a particle: code may end in a bracket, and a formula is a box.
        body = re.sub(r"</code>(?=[가-힣])", "</code>&#8288;", body)
        with_particle = r"(<math(?:(?!</math>).)*</math>)([가-힣]{1,3}(?!\w)|[).,])"
        body = re.sub(with_particle, r'<span class="whole">\1\2</span>', body, flags=re.DOTALL)
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


def with_the_theme_in_the_language(app) -> None:
    """What the theme says around the pages, a text or a label by itself, in their language."""
    phrases = _phrases(app.config.site_root, app.config.language or ENGLISH)
    texts = "|".join(re.escape(text).replace(r"\{\}", '[^"<]+') for text in THEME)
    pattern = re.compile(rf'(>\s*|(?:label|title)=")({texts})(?=\s*<|")')
    render = app.builder.templates.render

    @cache
    def words(text: str) -> str:
        return html.escape(phrases.say(html.unescape(text)) or "") or text

    def said(template, context):
        page = render(template, context)
        return pattern.sub(lambda found: found[1] + words(found[2]), page)

    app.builder.templates.render = said


def mark_english(app, doctree) -> None:
    """Say of the paragraphs that are in English which language that is, on a page that is in part.

    So they are set, read aloud and broken into lines as English; and of a list the items are.
    """
    if not any('class="in-part"' in node.astext() for node in doctree.findall(nodes.raw)):
        return
    for node in doctree.findall(lambda one: isinstance(one, nodes.title | nodes.paragraph)):
        words = "".join(part.astext() for part in node.findall(nodes.Text))
        if re.search("[a-z]{2}", words) and not re.search("[ぁ-ヿ가-힣一-鿿]", words):
            item = isinstance(node.parent, nodes.list_item)
            (node.parent if item else node)["classes"].append(f"language-{ENGLISH}")


class SearchJapanese(SearchLanguage):
    """Japanese words without a dictionary: those of Katakana and of Latin letters as they stand,
    and of Chinese characters each two that stand together. 高階微分 is found by 微分.

    Hiragana holds the words together, and is not looked for.
    """

    lang = "ja"
    language_name = "Japanese"
    RUNS = "[a-z0-9_]+|[ァ-ヺー]+|[一-鿿々]+"

    js_stemmer_code = f"""
{SearchLanguage.js_stemmer_code}
var splitQuery = (query) => (query.match(/{RUNS}/gi) ?? []).flatMap((run) =>
  /[一-鿿]/.test(run)
    ? Array.from({{ length: Math.max(1, run.length - 1) }}, (_, at) => run.slice(at, at + 2))
    : [run]);
"""

    def split(self, input: str) -> list[str]:
        found = []
        for run in re.findall(self.RUNS, input, re.IGNORECASE):
            pairs = [run[at : at + 2] for at in range(max(1, len(run) - 1))]
            found += pairs if "一" <= run[0] <= "鿿" else [run]
        return found

    def word_filter(self, word: str) -> bool:
        return True  # 24 and 44 are looked for as well


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
    def js_stemmer_code(self) -> str:
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

    def word_filter(self, word: str) -> bool:
        return True  # 24 and 44 are looked for as well

    def stem(self, word: str) -> str:
        word = word.lower()
        for ending in self.ENDINGS:
            stem = word.removesuffix(ending)
            if stem != word and (len(stem) > 1 or re.match(r"[a-z0-9_]", stem)):
                return stem
        return word


def setup(app) -> dict[str, bool]:
    app.add_config_value("site_languages", [], "html", list)
    app.add_config_value("site_root", "", "html", str)
    app.add_search_language(SearchKorean)
    app.add_search_language(SearchJapanese)
    app.connect("doctree-read", mark_english)
    app.connect("builder-inited", with_the_theme_in_the_language, priority=900)  # after conf.py
    app.connect("html-page-context", with_languages, priority=950)
    app.connect("html-page-context", with_description, priority=960)
    app.add_css_file("languages.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
