"""The site in a real browser: every page, the search, the figures, the comparison."""

import html
import re

import checks
import pytest
from checks import everything, watched
from fontTools.ttLib import TTFont

from conftest import HTML


def test_a_page_is_whole(name, page, server):
    assert everything(page, f"{server}/{name}") == []


@pytest.fixture(params=["http", "file"])
def root(request):
    return request.getfixturevalue("server") if request.param == "http" else HTML.as_uri()


def test_search_finds_create_graph(root, page):
    with watched(page) as found:
        page.goto(f"{root}/index.html")
        box = page.locator(".sidebar-search").first
        box.fill("create_graph")
        box.press("Enter")
        page.wait_for_selector("#search-results li a")
        page.wait_for_function(
            "!document.querySelector('#search-progress')?.textContent.includes('...')"
        )
        links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("step32/index.html" in link for link in links), links
    assert found == []
    page.goto(next(link for link in links if "step32/index.html" in link))
    assert "create_graph" in page.locator("article").inner_text()


def test_pages_open_from_a_folder_as_well(page):
    with watched(page) as found:
        for name in ("index.html", "step32/index.html", "compare/31-36.html"):
            page.goto((HTML / name).as_uri())
    assert found == []


def test_two_stages_can_be_chosen(root, page):
    page.goto(f"{root}/compare/index.html")
    form = page.locator("form.compare")
    form.get_by_label("From stage").select_option("36")
    form.get_by_label("to stage").select_option("33")
    form.get_by_role("button").click()
    page.wait_for_url("**/33-36.html")
    assert page.locator("h1").inner_text().startswith("From stage 33 to stage 36")


def test_the_same_stage_twice_is_refused(server, page):
    page.goto(f"{server}/compare/index.html")
    form = page.locator("form.compare")
    form.get_by_label("to stage").select_option("31")
    form.get_by_role("button").click()
    assert "does not differ from itself" in form.get_by_role("status").inner_text()
    assert page.url.endswith("compare/index.html")


@pytest.mark.parametrize(("width", "sides"), [(1280, 2), (375, 1)])
def test_the_difference_stands_side_by_side_or_stacked(width, sides, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/step32/index.html")
    changed = page.locator(".difference .pair:has(.removed):has(.added)").first
    old = changed.locator(".old").bounding_box()
    new = changed.locator(".new").bounding_box()
    if sides == 2:
        assert old["y"] == pytest.approx(new["y"], abs=2)
        assert new["x"] >= old["x"] + old["width"] - 2
    else:
        assert new["y"] >= old["y"] + old["height"] - 2


def test_whatever_has_the_focus_is_seen_to_have_it(server, page):
    """All the way through a chapter by Tab; a node of a graph has a test of its own."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server}/step33/index.html")
    unseen, stops = [], 0
    while stops < 300:
        page.keyboard.press("Tab")
        name, seen = page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one);
                const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                return [one === document.body ? "" : `${one.tagName} ${one.getAttribute("class")}`,
                        one.matches(".dz-node") || (ring && style.opacity > 0.9)];
            }"""
        )
        if not name:
            break
        stops += 1
        unseen += [] if seen else [name]
    assert 30 < stops < 300
    assert unseen == []


def test_nothing_moves_for_those_who_want_no_motion(server, page):
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{server}/step33/index.html")
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(e => {
            const style = getComputedStyle(e);
            return style.scrollBehavior === "smooth" || parseFloat(style.animationDuration) > 0
                || style.transitionDuration.split(",").some(time => parseFloat(time) > 0);
        }).map(e => e.tagName)"""
    )
    assert moving == []


def test_all_cases_open_and_close(server, page):
    page.goto(f"{server}/step33/cases.html")
    button = page.get_by_role("button", name="Open all")
    button.click()
    cases = page.locator("details.case")
    assert page.locator("details.case[open]").count() == cases.count() > 50
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.case[open]").count() == 0


#: KB, uncompressed. 600 is the aim; the figures of 35 and 36 are still heavier.
MOST = {"step35/index.html": 1200, "step36/index.html": 800}
MEASURE = """() => new Promise(resolve => {
    let shift = 0;
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
    const size = (sum, entry) => sum + entry.encodedBodySize;
    const all = ["navigation", "resource"].flatMap(type => performance.getEntriesByType(type));
    setTimeout(() => resolve([shift, all.reduce(size, 0) / 1000]), 1000);
})"""


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("where", ["index.html", *(f"step{n}/index.html" for n in range(31, 37))])
def test_nothing_jumps_and_little_is_loaded(where, width, server, chromium):
    context = chromium.new_context(viewport={"width": width, "height": 812})
    page = context.new_page()
    page.goto(f"{server}/{where}", wait_until="load")
    shift, size = page.evaluate(MEASURE)
    context.close()
    assert shift <= 0.05
    assert size <= MOST.get(where, 600)


@pytest.mark.parametrize("width", [820, 1024, 1366, 1600])
def test_no_page_scrolls_sideways(width, page, server):
    page.set_viewport_size({"width": width, "height": 900})
    wide = []
    for file in sorted(HTML.rglob("*.html")):
        page.goto(f"{server}/{file.relative_to(HTML).as_posix()}")
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        wide += [f"{file.name}: {line}" for line in checks.width(page)]
    assert wide == []


def test_the_font_of_the_formulas_has_what_they_are_written_with():
    """A single letter is set in italics, which are other characters."""
    with TTFont(HTML / "_static/fonts/math.woff") as font:
        there = set(font.getBestCmap())
    used = set()
    for file in HTML.rglob("*.html"):
        for formula in re.findall(r"<math.*?</math>", file.read_text("utf-8"), re.DOTALL):
            used |= set(html.unescape(re.sub(r"<[^>]+>", "", formula)))
    italics = {0x1D434 + i for i in range(52)} - {0x1D455} | {0x210E}
    assert {chr(n) for n in {*map(ord, used), *italics} - there if not chr(n).isspace()} == set()
