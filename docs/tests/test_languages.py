"""The site in other languages: the way between them, lines, fonts, and the search."""

import pytest
from checks import WIDTHS, found_by_search, watched
from docutils import nodes
from docutils.utils import new_document

from conftest import HTML
from dezero_harness.site.reader import mark_english

PAGES = [
    "index",
    *(f"step{n}/index" for n in range(31, 37)),
    *(f"lab{n}" for n in range(32, 37)),
    "stages",
    "departures",
    "learn",
]
LANGUAGES = ["ja", "ko"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_leads_to_itself_in_the_other_languages_and_back(language, server, page):
    (other,) = set(LANGUAGES) - {language}
    with watched(page) as found:
        for path in [*PAGES, "step34/cases", "compare/31-36", "search"]:
            page.goto(f"{server}/{path}.html")
            assert page.locator("html").get_attribute("lang") == "en"
            page.locator(f"nav.languages a[lang={language}]").click()
            page.wait_for_url(f"**/{language}/{path}.html")
            assert page.locator("html").get_attribute("lang") == language
            href = page.locator(f"nav.languages a[lang={other}]").evaluate("one => one.href")
            assert href == f"{server}/{other}/{path}.html"
            page.locator("nav.languages a[lang=en]").click()
            page.wait_for_url(f"{server}/{path}.html")
    assert found == []


@pytest.mark.each
@pytest.mark.parametrize(("folder", "word"), [("", "Search"), ("ja/", "検索"), ("ko/", "검색")])
def test_what_the_theme_says_is_in_the_language_of_the_page(folder, word, server, page):
    page.goto(f"{server}/{folder}index.html")
    assert page.locator(".sidebar-search").get_attribute("placeholder") == word
    assert page.locator("link[rel=search]").get_attribute("title") == word


@pytest.mark.parametrize("path", ["index", "step33/index"])
def test_search_engines_are_told_of_all(path, server, page):
    page.goto(f"{server}/ko/{path}.html")
    there = page.eval_on_selector_all(
        "link[rel=alternate][hreflang]", "all => all.map(one => [one.hreflang, one.href])"
    )
    english = f"{server}/{path}.html"
    others = [[one, f"{server}/{one}/{path}.html"] for one in LANGUAGES]
    assert there == [["en", english], *others, ["x-default", english]]


IN_KOREAN = [("ko", "가-힣", path) for path in PAGES]
IN_JAPANESE = [("ja", "ぁ-ヿ一-鿿", path) for path in [*PAGES, "compare/31-36"]]


@pytest.mark.parametrize(("language", "letters", "path"), [*IN_KOREAN, *IN_JAPANESE])
def test_a_translated_page_is_in_its_language(language, letters, path, server, page):
    page.goto(f"{server}/{language}/{path}.html")
    assert page.locator(".untranslated, .in-part").count() == 0
    mostly_english = page.evaluate(
        """letters => [...document.querySelectorAll("article :is(p, li, h2, h3)")]
            .filter(one => one.checkVisibility() && !one.closest("pre, details, table, .dz-now"))
            .map(one => { const copy = one.cloneNode(true);
                for (const code of copy.querySelectorAll("code, math, a")) code.remove();
                return copy.textContent; })
            .filter(text => !new RegExp(`[${letters}]`).test(text)
                && /[a-z]{3,} [a-z]{3,} [a-z]{3,}/.test(text))""",
        letters,
    )
    assert mostly_english == []


@pytest.mark.parametrize(("language", "next_page"), [("ko", "다음"), ("ja", "次")])
def test_what_the_theme_says_is_in_the_language(language, next_page, server, page):
    page.goto(f"{server}/{language}/step33/index.html")
    assert page.locator(".related-pages .next-page").inner_text().startswith(next_page)
    english = ["Skip to content", "Back to top", "On this page", "Home", "Next", "Previous"]
    for text in english:
        assert page.get_by_text(text, exact=True).count() == 0, text
    labels = page.eval_on_selector_all(
        "[aria-label], [title]", "all => all.map(one => one.ariaLabel ?? one.title)"
    )
    assert not [label for label in labels if label.startswith(("Toggle", "Link to", "all "))]


def test_a_page_that_is_not_translated_says_so(server, page):
    for path, language in (("ko/step34/cases", "한국어"), ("ja/papers", "日本語")):
        page.goto(f"{server}/{path}.html")
        assert language in page.locator(".untranslated").inner_text()
        assert page.locator("article [lang=en] h1").count() == 1


@pytest.mark.parametrize("note", ['<p class="in-part">', '<p class="other">'])
def test_on_a_page_in_part_the_english_paragraphs_are_marked(note):
    page = new_document("page")
    item = nodes.list_item("", nodes.paragraph("", "An item of a list"))
    texts = ["ニュートン法", "In English.", "`x` は Variable です", "24", "24 and 44"]
    page += nodes.raw("", note, format="html")
    page += [nodes.paragraph("", text) for text in texts]
    page += nodes.bullet_list("", item)
    mark_english(None, page)
    marked = [one.astext() for one in page.findall(nodes.Element) if one.get("classes")]
    there = ["In English.", "24 and 44", "An item of a list"]
    assert marked == (there if "in-part" in note else [])
    assert "language-en" in item["classes"] or "in-part" not in note


#: A function of the page: what the boxes around a text hide of it.
CLIPPED = """
const clipped = text => {
    const found = [];
    for (let box = text; box.tagName !== "ARTICLE"; box = box.parentElement) {
        const style = getComputedStyle(box);
        if (style.overflowX === "hidden" && box.scrollWidth > box.clientWidth + 1)
            found.push(`clipped: ${text.textContent.slice(0, 40)}`);
    }
    return found;
};
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_japanese_fits_and_nothing_is_clipped(path, width, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/ja/{path}.html")
    wrong = page.evaluate(
        "() => {"
        + CLIPPED
        + """
            const wrong = [];
            if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is wide");
            for (const text of document.querySelectorAll(
                    "article :is(p, li, h1, h2, figcaption, button, legend, label)")) {
                if (!text.checkVisibility() || text.closest("pre, svg, .table-wrapper")) continue;
                const { left, right } = text.getBoundingClientRect();
                if (left < 0 || right > innerWidth + 1) wrong.push(text.textContent.slice(0, 40));
                wrong.push(...clipped(text));
            }
            return [...new Set(wrong)];
        }"""
    )
    assert wrong == []


WORDS = ["ニュートン法", "ニュートン", "2階微分", "微分", "最小値", "create_graph"]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("root", ["http", "file"])
def test_search_finds_japanese_words_inside_of_others(words, root, page, server):
    with watched(page) as found:
        page.goto(f"{server if root == 'http' else HTML.as_uri()}/ja/index.html")
        links = found_for(words, page)
    assert any("ja/step33/index.html" in link for link in links), links
    assert found == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", ["index", "step32/index", "departures", "learn"])
def test_lines_break_between_words_and_nothing_is_clipped(path, width, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/ko/{path}.html")
    wrong = page.evaluate(
        "() => {"
        + CLIPPED
        + """
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
                wrong.push(...clipped(text));
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
        links = found_for(words, page)
    assert any("ko/step33/index.html" in link for link in links), links
    assert found == []


def found_for(words, page):
    """The links that the search leads to."""
    box = page.locator(".sidebar-search").first
    box.fill(words)
    box.press("Enter")
    return found_by_search(page)


def test_search_finds_names_before_particles(server, page):
    page.goto(f"{server}/ko/search.html?q=create_graph를")
    links = found_by_search(page)
    assert any("ko/step32/index.html" in link for link in links), links
