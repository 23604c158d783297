"""The site in a real browser: every page, the search, the figures, the comparison."""

import html
import importlib.util
import re
import unicodedata
from types import SimpleNamespace

import pytest
from checks import everything, found_by_search, watched
from fontTools.ttLib import TTFont

from conftest import HTML, PATIENCE

#: How Unicode's names of characters begin that Korean and Japanese are written with.
OTHER_WRITING = ("HANGUL", "CJK", "HIRAGANA", "KATAKANA", "FULLWIDTH")


@pytest.mark.each
def test_a_page_is_whole(name, page, server):
    assert everything(page, f"{server}/{name}") == []


@pytest.fixture(params=["http", "file"])
def root(request):
    return request.getfixturevalue("server") if request.param == "http" else HTML.as_uri()


@pytest.mark.parametrize("word", ["create_graph", "24", "44", "24 44"])
def test_search_finds_words_and_numbers(word, root, page):
    with watched(page) as found:
        page.goto(f"{root}/index.html")
        box = page.locator(".sidebar-search").first
        box.fill(word)
        box.press("Enter")
        links = found_by_search(page)
    assert any("step32/index.html" in link for link in links), links
    assert found == []
    page.goto(next(link for link in links if "step32/index.html" in link))
    assert word.split()[0] in page.locator("article").inner_text()


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


@pytest.mark.parametrize(("width", "sides"), [(1920, 2), (1280, 1), (375, 1)])
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


MOST = 600  # KB, uncompressed, before Run
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
    assert size <= MOST


def test_the_font_of_the_formulas_has_what_they_are_written_with():
    """A single letter is set in italics, which are other characters."""
    with TTFont(HTML / "_static/fonts/math.woff2") as font:
        there = set(font.getBestCmap())
    used = set()
    for file in HTML.rglob("*.html"):
        for formula in re.findall(r"<math.*?</math>", file.read_text("utf-8"), re.DOTALL):
            used |= set(html.unescape(re.sub(r"<[^>]+>", "", formula)))
    # Words of a language that is not written in Latin letters are set in a font of the reader's.
    used = {c for c in used if not unicodedata.name(c, "").startswith(OTHER_WRITING)}
    italics = {0x1D434 + i for i in range(52)} - {0x1D455} | {0x210E}
    assert {chr(n) for n in {*map(ord, used), *italics} - there if not chr(n).isspace()} == set()


COLUMNS = """() => {
    const lefts = [...document.querySelectorAll(".difference")].map(difference => {
        const news = [...difference.querySelectorAll(".pair > .new")];
        const there = news.filter(e => e.checkVisibility());
        return new Set(there.map(e => Math.round(e.getBoundingClientRect().left))).size;
    });
    const lines = [...document.querySelectorAll(".difference .line:not(.blank)")].filter(
        e => e.checkVisibility());
    const high = parseFloat(getComputedStyle(lines[0]).lineHeight);
    const wrapped = lines.filter(e => e.getBoundingClientRect().height > 1.5 * high).length;
    return [Math.max(...lefts), wrapped / lines.length];
}"""


@pytest.mark.parametrize("width", [1024, 1280, 1366, 1600, 1920])
@pytest.mark.parametrize("where", ["step32/index.html", "step36/index.html", "compare/31-36.html"])
def test_the_columns_of_a_difference_stand_under_one_another(where, width, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/{where}")
    places, wrapped = page.evaluate(COLUMNS)
    assert places == 1
    if width >= 1280:
        assert wrapped < 0.2


@pytest.mark.parametrize(
    ("where", "width"), [("compare/31-32.html", 1280), ("step32/index.html", 1366)]
)
def test_remarks_stand_in_the_margin_where_there_is_room(where, width, server, page):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{server}/{where}")
    page.wait_for_selector(".difference.floating")
    low = page.locator(".difference").first.bounding_box()["y"]
    for change in page.locator(".difference").first.locator(".change").all():
        lines = change.locator(".lines").bounding_box()
        # A high remark holds no lines apart, and none covers another.
        assert change.bounding_box()["height"] == pytest.approx(lines["height"], abs=1)
        for remark in change.locator(".remark").all():
            box = remark.bounding_box()
            assert box["x"] >= lines["x"] + lines["width"] - 1
            assert box["y"] >= max(low, lines["y"]) - 1
            low = box["y"] + box["height"]
    whole = page.locator(".difference").first.bounding_box()
    assert low <= whole["y"] + whole["height"] + 1


def test_plots_are_dark_in_the_dark(server, page):
    """The corner of a plot, as it is seen: a picture of the page, of its first pixels."""
    for scheme, dark in (("light", False), ("dark", True)):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{server}/step33/index.html")
        picture = page.locator("img.picture").first
        picture.scroll_into_view_if_needed()
        picture.evaluate("image => image.decode()")
        shot = picture.screenshot(type="png")
        pixel = page.evaluate(
            """async bytes => {
                const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
                const canvas = new OffscreenCanvas(image.width, image.height);
                const drawing = canvas.getContext("2d");
                drawing.drawImage(image, 0, 0);
                return [...drawing.getImageData(12, 12, 1, 1).data.slice(0, 3)];
            }""",
            list(shot),
        )
        assert (max(pixel) < 60) == dark
        assert (min(pixel) > 200) == (not dark)


def test_from_a_chapter_on_to_the_next_and_back(server, page):
    page.goto(f"{server}/step31/index.html")
    for number in range(32, 37):
        page.locator(".next-page").click()
        page.wait_for_url(f"**/step{number}/index.html")
    page.locator(".next-page").click()
    page.wait_for_url("**/papers.html")
    for name in ("cases", "api"):
        page.goto(f"{server}/step33/{name}.html")
        assert page.locator(".prev-page").get_attribute("href").endswith("index.html")
        assert "step34" in page.locator(".next-page").get_attribute("href")


def test_answers_of_exercises_open(server, page):
    page.goto(f"{server}/step33/index.html")
    answers = page.locator("details.answer")
    assert answers.count() == 3
    last = page.get_by_text("1.0102782412417342")
    assert not last.is_visible()
    answers.last.locator("summary").click()
    assert last.is_visible()


def test_departures_has_headings(server, page):
    page.goto(f"{server}/departures.html")
    heads = page.locator("article h2").all_inner_texts()
    assert [head.strip("#¶ ") for head in heads][:2] == [
        "Constants and dtypes",
        "The backward pass",
    ]


def test_on_a_phone_nothing_lies_on_the_buttons_and_commands_are_whole(server, page):
    page.set_viewport_size({"width": 375, "height": 812})
    page.goto(f"{server}/index.html")
    cut = page.evaluate(
        """() => [...document.querySelectorAll("table code")].filter(code => {
            const box = code.closest(".table-wrapper").getBoundingClientRect();
            return code.getBoundingClientRect().right > box.right + 1;
        }).map(code => code.textContent)"""
    )
    assert cut == []
    page.goto(f"{server}/step32/index.html")
    page.mouse.wheel(0, 2000)
    page.wait_for_function("scrollY > 500")
    page.mouse.wheel(0, -300)  # the theme shows the pill when one scrolls up
    page.wait_for_function("document.documentElement.classList.contains('show-back-to-top')")
    assert page.locator(".back-to-top").is_hidden()


@pytest.mark.parametrize("where", ["index.html", "step32/index.html", "step35/index.html"])
def test_what_is_said_of_a_page_in_a_search_or_a_message(where, server, page):
    page.goto(f"{server}/{where}")
    for attribute in ("name=description", "property='og:title'", "property='og:description'"):
        content = page.locator(f"meta[{attribute}]").get_attribute("content")
        assert len(content) > 20


def test_a_link_has_a_picture_where_the_address_is_known():
    spec = importlib.util.spec_from_file_location("conf", HTML.parents[1] / "conf.py")
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    for address, kind in (("https://example.org/book/ko/", "summary_large_image"), ("", "summary")):
        app = SimpleNamespace(config=SimpleNamespace(html_baseurl=address))
        context = {"title": "Step 32", "pathto": lambda name, _: name}
        conf.with_head(app, "step32/index", "page.html", context, None)
        tags = context["metatags"]
        assert f'<meta name="twitter:card" content="{kind}">' in tags
        picture = (
            '<meta property="og:image" content="https://example.org/book/ko/_static/card.png">'
        )
        assert (picture in tags) is bool(address)
        assert ('content="https://example.org/book/ko/step32/index.html"' in tags) is bool(address)


# --- predictions and ticks ---


@pytest.fixture
def reader(chromium, server):
    """A page of chapter 33 of somebody who has been nowhere yet."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{server}/step33/index.html")
    yield page
    context.close()


def test_outputs_are_hidden_until_they_are_predicted(reader):
    boxes = reader.locator(".run[data-index]")
    outputs = reader.locator(".highlight-text:has(+ .run), .highlight-text:has(+ .predict)")
    seen = outputs.filter(visible=True).count()
    assert seen == boxes.count()
    choice = reader.get_by_role("checkbox", name="Predict first")
    choice.check()
    assert outputs.filter(visible=True).count() == 0
    form = reader.locator("form.predict").first
    field, status = form.get_by_role("textbox"), form.get_by_role("status")
    for guess, says in (
        ("", "Write down what you expect"),
        ("no idea", "there is none in this"),
        ("24, 44", "1 of 2 numbers right"),
        ("24", "there are 1 in this"),
    ):
        field.fill(guess)
        field.press("Enter")
        assert says in status.inner_text()
    assert outputs.first.is_hidden()
    field.fill("24 and 68.0")
    field.press("Enter")
    assert outputs.first.is_visible()
    assert boxes.first.locator(".tick").inner_text() == "✓ predicted"
    reader.locator("form.predict").first.get_by_role("button", name="Show").click()
    assert outputs.filter(visible=True).count() == 2
    assert boxes.nth(1).locator(".tick").inner_text() == "looked at"


def test_what_was_done_stays_in_the_browser(reader):
    reader.get_by_role("checkbox", name="Predict first").check()
    reader.locator("form.predict").first.get_by_role("textbox").fill("24 68")
    reader.locator("form.predict").first.get_by_role("button", name="Compare").click()
    reader.locator("details.answer summary").first.click()
    reader.get_by_role("checkbox", name="I have done exercise 1").check()
    reader.reload()
    assert reader.locator(".tick").first.inner_text() == "✓ predicted"
    assert reader.locator(".highlight-text").first.is_visible()
    assert reader.locator("form.predict").count() == reader.locator(".run[data-index]").count() - 1
    reader.locator("details.answer summary").first.click()
    assert reader.get_by_role("checkbox", name="I have done exercise 1").is_checked()
    total = reader.locator(".run[data-index]").count() + 3
    assert reader.locator(".done-count").inner_text().strip() == f"2/{total}"
    reader.get_by_role("checkbox", name="Predict first").uncheck()
    assert reader.locator("form.predict").count() == 0


def test_on_paper_nothing_is_hidden(reader):
    reader.get_by_role("checkbox", name="Predict first").check()
    reader.emulate_media(media="print")
    assert reader.locator(".highlight-text.predict-hidden").first.is_visible()
    assert reader.locator("form.predict").first.is_hidden()
