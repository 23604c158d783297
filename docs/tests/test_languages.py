"""The site in other languages: the way between them, lines, fonts, and the search in Korean."""

import pytest
from checks import WIDTHS, watched

from conftest import HTML

PAGES = [
    "index",
    *(f"step{n}/index" for n in range(31, 37)),
    *(f"lab{n}" for n in range(32, 37)),
    "stages",
    "departures",
    "learn",
]


def test_each_page_leads_to_itself_in_the_other_language_and_back(server, page):
    with watched(page) as found:
        for path in [*PAGES, "step34/cases", "compare/31-36", "search"]:
            page.goto(f"{server}/{path}.html")
            assert page.locator("html").get_attribute("lang") == "en"
            page.locator("nav.languages a[lang=ko]").click()
            page.wait_for_url(f"**/ko/{path}.html")
            assert page.locator("html").get_attribute("lang") == "ko"
            page.locator("nav.languages a[lang=en]").click()
            page.wait_for_url(f"{server}/{path}.html")
    assert found == []


@pytest.mark.parametrize("path", ["index", "step33/index"])
def test_search_engines_are_told_of_both(path, server, page):
    page.goto(f"{server}/ko/{path}.html")
    there = page.eval_on_selector_all(
        "link[rel=alternate][hreflang]", "all => all.map(one => [one.hreflang, one.href])"
    )
    english, korean = f"{server}/{path}.html", f"{server}/ko/{path}.html"
    assert there == [["en", english], ["ko", korean], ["x-default", english]]


@pytest.mark.parametrize("path", PAGES)
def test_a_translated_page_is_in_korean(path, server, page):
    page.goto(f"{server}/ko/{path}.html")
    assert page.locator(".untranslated").count() == 0
    mostly_english = page.evaluate(
        """() => [...document.querySelectorAll("article p, article li, article h2, article h3")]
            .filter(one => one.checkVisibility() && !one.closest("pre, details, table, .dz-now"))
            .map(one => { const copy = one.cloneNode(true);
                for (const code of copy.querySelectorAll("code, math, a")) code.remove();
                return copy.textContent; })
            .filter(text => !/[가-힣]/.test(text) && /[a-z]{3,} [a-z]{3,} [a-z]{3,}/.test(text))"""
    )
    assert mostly_english == []


def test_a_page_that_is_not_translated_says_so(server, page):
    page.goto(f"{server}/ko/step34/cases.html")
    assert "한국어" in page.locator(".untranslated").inner_text()
    assert page.locator("article [lang=en] h1").count() == 1


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["index", "step32/index", "departures", "learn"])
def test_lines_break_between_words_and_nothing_is_clipped(path, width, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/ko/{path}.html")
    wrong = page.evaluate(
        """() => {
            const wrong = [];
            for (const text of document.querySelectorAll("article p, article li, article h1")) {
                if (!text.checkVisibility() || text.closest("pre, svg")) continue;
                if (getComputedStyle(text).wordBreak !== "keep-all") wrong.push("no keep-all");
                const node = document.createTreeWalker(text, NodeFilter.SHOW_TEXT).nextNode();
                for (const word of node?.data.matchAll(/[가-힣]+/g) ?? []) {
                    const range = document.createRange();
                    range.setStart(node, word.index);
                    range.setEnd(node, word.index + word[0].length);
                    if (range.getClientRects().length > 1) wrong.push(`broken: ${word[0]}`);
                }
                for (const one of text.querySelectorAll(":scope > code, :scope math")) {
                    const after = one.nextSibling;
                    const particle = after?.data?.match(/^\\u2060?[가-힣]/);
                    if (!particle) continue;
                    const range = document.createRange();
                    range.setStart(after, particle[0].length - 1);
                    range.setEnd(after, particle[0].length);
                    const ends = [...one.getClientRects()].at(-1).bottom;
                    if (range.getBoundingClientRect().top > ends)
                        wrong.push(`a particle alone: ${one.textContent}`);
                }
                for (let box = text; box.tagName !== "ARTICLE"; box = box.parentElement) {
                    const style = getComputedStyle(box);
                    if (style.overflowX === "hidden" && box.scrollWidth > box.clientWidth + 1)
                        wrong.push(`clipped: ${text.textContent.slice(0, 40)}`);
                }
            }
            return [...new Set(wrong)];
        }"""
    )
    assert wrong == []


@pytest.mark.parametrize("words", ["뉴턴", "뉴턴은", "뉴턴의", "뉴턴 방법을"])
@pytest.mark.parametrize("root", ["http", "file"])
def test_search_finds_a_word_with_and_without_particles(words, root, page, server):
    with watched(page) as found:
        page.goto(f"{server if root == 'http' else HTML.as_uri()}/ko/index.html")
        box = page.locator(".sidebar-search").first
        box.fill(words)
        box.press("Enter")
        page.wait_for_selector("#search-results li a")
        page.wait_for_function(
            "!document.querySelector('#search-progress')?.textContent.includes('...')"
        )
        links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("ko/step33/index.html" in link for link in links), links
    assert found == []


def test_search_finds_names_before_particles(server, page):
    page.goto(f"{server}/ko/search.html?q=create_graph를")
    page.wait_for_selector("#search-results li a")
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("ko/step32/index.html" in link for link in links), links
