"""The checks see what they are there for: each page here is broken in one way."""

import pytest
from checks import everything, watched

WHOLE = """<!DOCTYPE html><html lang="en"><head><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body><main><article><h1>A page</h1>{}</article></main></body></html>"""

BROKEN = {
    "console: on purpose": "<script>console.error('on purpose')</script>",
    "script error: on purpose": "<script>throw new Error('on purpose')</script>",
    "request off the machine: http://example.org/a.js": "<script src='http://example.org/a.js'></script>",
    "picture not loaded": "<p><img src='missing.png' alt='a picture'></p>",
    "picture without alt": (
        "<p><img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' "
        "width='9' height='9'/>\"></p>"
    ),
    "LaTeX left as text": r"<p>$\frac{1}{2}$</p>",
    "formula of no size": "<p><math></math></p>",
    "wide at 375": "<div style='width: 900px'>wide</div>",
    "wide at 1280": "<div style='width: 1900px'>wide</div>",
    "wide at 1024": (
        "<style>@media (min-width: 1030px) { div { max-width: 900px } }</style>"
        "<div style='width: 1100px'>wide</div>"
    ),
    "1500 wide at 375": (
        "<style>main { overflow-x: auto }</style><div style='width: 1500px'>wide</div>"
    ),
    "light: accessibility: color-contrast": "<p style='color: #ccc; background: #fff'>pale</p>",
    "color-contrast: 1 times": "<p>good</p>" * 50 + "<p class='pale'>pale</p>"
    "<style>.pale { color: #ccc; background: #fff }</style>",
    "accessibility: link-name": "<p>good <a href='#a'>a</a></p>" * 50 + "<p><a href='#b'></a></p>",
    "accessibility: image-alt": "<p><img src='data:,' width='9' height='9'></p>",
    "dark: accessibility: color-contrast": (
        "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #222 } }</style>"
        "<p>dark on dark</p>"
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_page_is_noticed(what, page, folder_server):
    folder, url = folder_server
    (folder / "page.html").write_text(WHOLE.format(BROKEN[what]), "utf-8")
    page.route("http://example.org/**", lambda route: route.abort())
    found = everything(page, f"{url}/page.html")
    assert any(what in line for line in found), found


def test_a_whole_page_is_whole(page, folder_server):
    folder, url = folder_server
    (folder / "page.html").write_text(WHOLE.format("<p>All is well.</p>"), "utf-8")
    assert everything(page, f"{url}/page.html") == []


def test_a_missing_script_is_noticed(page, folder_server):
    folder, url = folder_server
    (folder / "page.html").write_text(WHOLE.format("<script src='no.js'></script>"), "utf-8")
    with watched(page) as found:
        page.goto(f"{url}/page.html")
    assert any("status 404" in line for line in found), found
