"""Settings of the study site. `nox -s site` puts its pages together and calls Sphinx."""

from docutils.nodes import SkipNode, literal_block
from math_core import LatexToMathML

project = "Six small engines that learn to differentiate again"
html_title = "Six small engines"
author = "the authors of this repository"
extensions = ["myst_parser", "sphinx_copybutton"]
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


def formula(self, node):
    self.body.append(_to_mathml.convert_with_local_state(node.astext(), displaystyle=False))
    raise SkipNode


def display(self, node):
    mathml = _to_mathml.convert_with_local_state(node.astext(), displaystyle=True)
    self.body.append(f'<div class="formula">{mathml}</div>')
    raise SkipNode


def with_levels(app, page, template, context, doctree):
    """The captions beside the text are headings; the theme does not say of which level."""
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )


def mark_long(app, doctree):
    """What was printed in long lines, such as an error, is to be wrapped; a table is not."""
    for block in doctree.findall(literal_block):
        lines = block.astext().splitlines()
        if block.get("language") == "text" and len(lines) < 3 and max(map(len, lines)) > 80:
            block["classes"].append("long")


def setup(app):
    app.connect("doctree-read", mark_long)
    app.add_html_math_renderer("mathml", (formula, None), (display, None))
    app.connect("html-page-context", with_levels, priority=900)  # after the theme


html_math_renderer = "mathml"
