"""Settings of the study site. `nox -s site` puts its pages together and calls Sphinx."""

import json
import re
import struct
from html import escape
from pathlib import Path

from docutils.nodes import SkipNode, literal_block
from math_core import LatexToMathML

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
html_js_files = ["site.js", "stepper.js", "touch.js", "run.js"]
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
    tags += "".join(f'<meta property="{name}" content="{text}">' for name, text in facts.items())
    tags += '<meta name="twitter:card" content="summary">'
    fonts = [
        context["pathto"](f"_static/fonts/{name}.woff", 1)
        for name in ("book", "book-semibold", "book-italic")
    ]
    tags += f"<script>{PRELOAD.replace('FONTS', json.dumps(fonts))}</script>"
    context["metatags"] = context.get("metatags", "") + tags


HIGHEST = 540  # pixels of a picture


def with_sizes(app, page, template, context, doctree):
    """A picture is fetched when it is nearly in view, and has its room before."""
    files = {Path(file).name: file for file in app.env.images}

    def sized(tag):
        file = next((f for f in files if app.env.images[files[f]][1] == Path(tag[2]).name), None)
        width, height = size_of(Path(app.srcdir, files[file]))
        shown = round(width * min(1, HIGHEST / height))
        style = f"width: {shown}px; aspect-ratio: {width:g} / {height:g}"
        return f'<img loading="lazy" style="{style}"{tag[1]} src="{tag[2]}"'

    picture = r'<img([^>]*) src="([^":]*_images/[^":]+)"'
    context["body"] = re.sub(picture, sized, context.get("body", ""))


def size_of(file):
    """Width and height of an SVG or PNG, in pixels."""
    data = file.read_bytes()
    if file.suffix == ".png":
        return struct.unpack(">II", data[16:24])
    found = re.search(rb'<svg[^>]*?viewBox="([^"]+)"', data) or [b"", b"0 0 640 480"]
    return tuple(map(float, found[1].split()[2:]))


def mark_long(app, doctree):
    """What was printed in long lines, such as an error, is to be wrapped; a table is not."""
    for block in doctree.findall(literal_block):
        lines = block.astext().splitlines()
        if block.get("language") == "text" and len(lines) < 3 and max(map(len, lines)) > 80:
            block["classes"].append("long")


def setup(app):
    app.connect("doctree-read", mark_long)
    app.add_html_math_renderer("mathml", (formula, None), (display, None))
    for change in (with_head, with_levels, with_sizes):
        app.connect("html-page-context", change, priority=900)  # after the theme


html_math_renderer = "mathml"
