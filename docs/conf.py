"""Settings of the study site. `nox -s site` puts its pages together and calls Sphinx."""

import json
import re
import struct
from html import escape
from pathlib import Path

from docutils.nodes import SkipNode, literal_block
from math_core import LatexToMathML
from sphinx.search.en import SearchEnglish

project = "Six small engines that learn to differentiate again"
html_title = "Six small engines"
author = "the authors of this repository"
extensions = ["myst_parser", "sphinx_copybutton", "dezero_harness.site.reader"]
myst_enable_extensions = ["colon_fence", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a chapter's sections are moved about

html_theme = "furo"
html_static_path = ["_static"]
templates_path = []
html_favicon = "_static/favicon.svg"
html_css_files = ["book.css", "stepper.css", "touch.css", "run.css"]
html_js_files = ["site.js", "stepper.js", "touch.js", "run.js", "done.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would fetch pages, which a browser refuses for file://
html_domain_indices = html_use_index = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": False}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_selector = "div.highlight-python pre, div.highlight-none pre"

# Formulas become MathML here, so a page needs no script for them; LaTeX that cannot be
# converted ends the build.
_to_mathml = LatexToMathML()


def mathml_of(node, displaystyle):
    """The formula as MathML. A prime stands beside its letter: an exponent would float too high."""
    mathml = _to_mathml.convert_with_local_state(node.astext(), displaystyle=displaystyle)
    prime = '<mo lspace="0" rspace="0">\\2</mo>'
    primes, letter = "<mo>([\u2032-\u2034\u2057]+)</mo>", "<msup>(<mi>[^<]*</mi>)"
    mathml = re.sub(f"{letter}{primes}</msup>", rf"<mrow>\1{prime}</mrow>", mathml)
    powered = rf"{letter}<mrow>{primes}(<m[in]>[^<]*</m[in]>)</mrow></msup>"
    return re.sub(powered, rf"<mrow>\1<msup>{prime}\3</msup></mrow>", mathml)


def formula(self, node):
    self.body.append(mathml_of(node, displaystyle=False))
    raise SkipNode


def display(self, node):
    mathml = mathml_of(node, displaystyle=True)
    self.body.append(f'<div class="formula">{mathml}</div>')
    raise SkipNode


def with_levels(app, page, template, context, doctree):
    """The captions beside the text are headings; the theme does not say of which level."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


DESCRIPTION = (
    "Six automatic-differentiation engines of a few hundred lines of Python, one idea apart:"
    " drag x, step through a backward pass, run and change the programs in the page."
)


#: By a script, for a page that was opened from a folder may not preload, and would say so.
PRELOAD = """\
if (location.protocol !== "file:") for (const href of FONTS) {
  const link = document.createElement("link");
  document.head.append(Object.assign(link, { rel: "preload", as: "font", crossOrigin: "", href }));
}"""


def with_head(app, page, template, context, doctree):
    """What a search engine and a link in a message show, and the fonts of the first line at once.

    Without the preload the text is first set in another font, and all of it jumps.
    """
    title = escape(f"{context.get('title', '')} - {html_title}")
    facts = {"og:title": title, "og:description": DESCRIPTION, "og:type": "website"}
    tags = f'<meta name="description" content="{DESCRIPTION}">'
    kind = "summary"
    if app.config.html_baseurl:  # a picture is found by its whole address alone
        facts["og:url"] = f"{app.config.html_baseurl}{page}.html"
        facts["og:image"] = f"{app.config.html_baseurl}_static/card.png"
        kind = "summary_large_image"
    tags += "".join(f'<meta property="{name}" content="{text}">' for name, text in facts.items())
    tags += f'<meta name="twitter:card" content="{kind}">'
    fonts = [
        context["pathto"](f"_static/fonts/{name}.woff2", 1)
        for name in ("book", "book-semibold", "book-italic")
    ]
    tags += f"<script>{PRELOAD.replace('FONTS', json.dumps(fonts))}</script>"
    context["metatags"] = context.get("metatags", "") + tags


def with_next(app, page, template, context, doctree):
    """From a chapter on to the next; its cases and its API hang below it."""
    found = re.fullmatch(r"step(\d+)/(\w+)", page)
    if not found:
        return
    chapters = sorted(name for name in app.env.all_docs if re.fullmatch(r"step\d+/index", name))
    here = chapters.index(f"step{found[1]}/index")

    def link(target):
        title = escape(app.env.titles[target].astext())
        return {"link": app.builder.get_relative_uri(page, target), "title": title}

    if found[2] != "index":
        context["prev"] = link(chapters[here])
    elif here:
        context["prev"] = link(chapters[here - 1])
    context["next"] = link(chapters[here + 1] if here + 1 < len(chapters) else "papers")


def with_lab(app, page, template, context, doctree):
    """The page of a lab has its editor beside all else, after what runs Python (run.js)."""
    if re.fullmatch(r"lab\d+", page):
        app.add_css_file("lab.css", priority=810)
        app.add_js_file(f"{page}-start.js", priority=810)
        app.add_js_file("lab.js", priority=820)


HIGHEST = 540  # pixels of a picture


def with_sizes(app, page, template, context, doctree):
    """A picture is fetched when it is nearly in view, and has its room before. Code takes less."""
    files = {Path(file).name: file for file in app.env.images}

    def sized(tag):
        file = next((f for f in files if app.env.images[files[f]][1] == Path(tag[2]).name), None)
        width, height = size_of(Path(app.srcdir, files[file]))
        shown = round(width * min(1, HIGHEST / height))
        style = f"width: {shown}px; aspect-ratio: {width:g} / {height:g}"
        return f'<img loading="lazy" style="{style}"{tag[1]} src="{tag[2]}"'

    # Names, punctuation and white space have the colour of the text, and are half of all spans.
    body = re.sub(r'<span class="[npw]">([^<]*)</span>', r"\1", context.get("body", ""))
    picture = r'<img([^>]*) src="([^":]*_images/[^":]+)"'
    context["body"] = re.sub(picture, sized, body)


def size_of(file):
    """Width and height of an SVG or PNG, in pixels."""
    data = file.read_bytes()
    if file.suffix == ".png":
        return struct.unpack(">II", data[16:24])
    found = re.search(rb'<svg[^>]*?viewBox="([^"]+)"', data) or [b"", b"0 0 640 480"]
    return tuple(map(float, found[1].split()[2:]))


def with_landmarks(app):
    """What the theme's templates leave out: names of what stands beside the text, a title."""
    render = app.builder.templates.render

    def labelled(template, context):
        page = render(template, context)
        for kind, name in (("sidebar-drawer", "all pages"), ("toc-drawer", "this page")):
            page = page.replace(
                f'<aside class="{kind}', f'<aside aria-label="{name}" class="{kind}'
            )
        return page.replace('<div id="search-results">', '<h1>Search</h1><div id="search-results">')

    app.builder.templates.render = labelled


class SearchNumbers(SearchEnglish):
    """Finds 24 and 44 as well; site.js lets the page ask for them."""

    LONGEST = 4  # digits: those after a decimal point are no words

    def word_filter(self, word):
        return super().word_filter(word) or (word.isdigit() and len(word) <= self.LONGEST)


def mark_long(app, doctree):
    """What was printed in long lines, such as an error, is to be wrapped; a table is not."""
    for block in doctree.findall(literal_block):
        lines = block.astext().splitlines()
        if block.get("language") == "text" and len(lines) < 3 and max(map(len, lines)) > 80:
            block["classes"].append("long")


def setup(app):
    app.connect("doctree-read", mark_long)
    app.connect("builder-inited", with_landmarks)
    app.add_search_language(SearchNumbers)
    app.add_html_math_renderer("mathml", (formula, None), (display, None))
    for change in (with_head, with_levels, with_next, with_lab, with_sizes):
        app.connect("html-page-context", change, priority=900)  # after the theme


html_math_renderer = "mathml"
