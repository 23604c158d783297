"""The figures to step through, on the pages of the stages (`nox -s browser -- -k stepper`)."""

import math

import pytest
from checks import accessibility, thin, watched, width

from conftest import PATIENCE
from dezero_harness.tracing import stepper
from dezero_harness.tracing.trace import PROGRAMS, tanh_derivatives

STAGES = range(31, 37)


def number(text):
    return float(text.replace(stepper.MINUS, "-"))


def check_figures(page):
    """Every figure of this page works, by keyboard and by button; with create_graph off as well."""
    figures = page.locator(".dz-stepper:visible")
    assert figures.count() == 1
    check_stepper(page, figures)
    check_tips(page, figures)
    switch = figures.get_by_role("checkbox", name="create_graph")
    if switch.count():
        assert switch.is_checked()
        whole = int(figures.get_attribute("data-steps"))
        switch.click()
        assert not figures.get_by_role("checkbox").is_checked()  # that of the other figure
        assert int(figures.get_attribute("data-steps")) < whole
        assert "create_graph=False" in figures.locator(".dz-program").text_content()
        check_stepper(page, figures)
        figures.get_by_role("checkbox").click()
        assert int(figures.get_attribute("data-steps")) == whole


def check_stepper(page, figure):
    """To the end and back, by arrow keys and buttons, and what is shown is what is expected."""
    last = int(figure.get_attribute("data-steps")) - 1
    sentences = figure.locator(".dz-steps > li").all_text_contents()
    assert len(sentences) == last + 1
    first = figure.get_by_role("button", name="first step")
    first.focus()
    page.keyboard.press("Home")
    check_step(figure, 0, sentences)
    for step in range(1, last + 1):
        page.keyboard.press("ArrowRight")
        check_step(figure, step, sentences)
    page.keyboard.press("ArrowRight")  # there is nothing beyond
    check_step(figure, last, sentences)
    check_results(figure)
    for step in range(last - 1, -1, -1):
        if step % 8:
            page.keyboard.press("ArrowLeft")
        else:
            figure.get_by_role("button", name="one step back").click()
        check_step(figure, step, sentences)
    assert figure.locator(".dz-results li:visible").count() == 0
    figure.get_by_role("button", name="one step on").click()
    check_step(figure, min(1, last), sentences)
    page.keyboard.press("ArrowLeft")
    check_step(figure, 0, sentences)
    page.keyboard.press("End")
    check_step(figure, last, sentences)
    first.click()
    check_step(figure, 0, sentences)
    figure.get_by_role("button", name="last step").click()
    check_step(figure, last, sentences)
    check_results(figure)


STATE = """(figure, step) => {
    const texts = selector => [...figure.querySelectorAll(selector)].map(e => e.textContent);
    return {
        step: Number(figure.dataset.step),
        count: texts(".dz-count"),
        says: texts(".dz-sentence"),
        current: texts(".dz-steps > li[aria-current=step]"),
        taken: texts(".dz-node.dz-take text:first-of-type"),
        queue: texts(".dz-queue li"),
        shownTooEarlyOrNot: [...figure.querySelectorAll(".dz-node")].filter(node =>
            (Number(node.dataset.step) > step) !== (Number(getComputedStyle(node).opacity) < 0.5)
        ).map(node => node.id),
    };
}"""


def check_step(figure, step, sentences):
    """The figure is at this step: its words, its nodes, and what waits."""
    sentence = sentences[step]
    state = figure.evaluate(STATE, step)  # in one go: a test asks some hundred times
    taken, queue = state.pop("taken"), state.pop("queue")
    assert state == {
        "step": step,
        "count": [f"step {step + 1} of {len(sentences)}"],
        "says": [sentence],
        "current": [sentence],
        "shownTooEarlyOrNot": [],
    }
    if " is taken: " in sentence:
        name = sentence.partition(" is taken: ")[0]
        assert taken == [name]
        (chosen,) = [entry for entry in queue if entry.endswith(", taken")]
        assert chosen.startswith(f"{name} generation ")
        generations = [int(entry.split("generation ")[1].split(",")[0]) for entry in queue]
        assert generations[0] == max(generations)
        assert queue[0] == chosen
    if "Nothing waits any more" in sentence:
        assert queue == ["nothing waits"]


def check_results(figure):
    """After the last pass, what calculus says was written, and stands in the graph."""
    if figure.get_attribute("data-expect") == "[]":  # with create_graph off
        return
    title = figure.locator("figcaption").text_content()
    (program,) = [program for program in PROGRAMS.values() if program.title == title]
    for which, (to, value) in enumerate(program.results, start=1):
        shown = figure.locator(f".dz-results li[data-pass='{which}']:not([hidden])")
        assert shown.locator("span").text_content() == f"{to}.grad"
        assert math.isclose(number(shown.locator("b").text_content()), value, rel_tol=1e-13)
    grads = figure.locator(".dz-graded .dz-grad").all_text_contents()
    shown = [number(text.removeprefix("grad ")) for text in grads]
    if figure.locator("svg").count():
        assert shown == [pytest.approx(program.results[-1][1], rel=1e-3)]


def check_tips(page, figure):
    """Pointing at a node, or going there by keyboard, shows its value and the line that made it."""
    if figure.locator("svg").count() == 0:
        return
    tip = figure.locator(".dz-tip")
    figure.locator("[data-go=last]").press("End")
    focused = page.locator(":focus")  # whatever that is by now
    for _ in range(9):
        page.keyboard.press("Tab")
        if "dz-node" in (focused.get_attribute("class") or ""):
            break
    assert "dz-node" in focused.get_attribute("class")
    check_tip(tip, focused)
    first = focused.get_attribute("id")
    page.keyboard.press("ArrowDown")
    assert focused.get_attribute("id") != first
    check_tip(tip, focused)
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    page.keyboard.press("Home")  # also from here
    assert figure.get_attribute("data-step") == "0"
    page.keyboard.press("End")
    node = figure.locator(".dz-node.dz-result").first
    node.hover()
    check_tip(tip, node)
    page.mouse.move(0, 0)
    tip.wait_for(state="hidden")


def check_tip(tip, node):
    tip.wait_for(state="visible")
    what, where, code = node.get_attribute("aria-label").split("\n")
    assert tip.locator("b").text_content() == what
    assert tip.locator("span").text_content() == where
    assert tip.locator("code").text_content() == code
    assert any(sign in what for sign in (" = ", "generation", "constant"))
    assert "line " in where
    assert code


@pytest.fixture
def visit(chromium, server):
    """Opens the page of a stage; afterwards, nothing may have gone wrong on it."""
    contexts, problems = [], []

    def open_stage(stage, width=1280, height=900, stopped=False, **options):
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        if stopped:  # the time of the page goes on by page.clock alone, however slow the machine is
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        with watched(page) as found:  # it goes on collecting
            problems.append(found)
            page.goto(f"{server}/step{stage}/index.html")
        return page

    yield open_stage
    for context in contexts:
        context.close()
    assert [problem for found in problems for problem in found] == []


@pytest.mark.each
@pytest.mark.parametrize("stage", STAGES)
def test_the_figures_work(stage, visit):
    check_figures(visit(stage))


def test_every_order_has_its_bar_its_miniature_and_its_picture(visit):
    page = visit(35)
    figure = page.locator(".dz-growth")
    slider = figure.get_by_role("slider")
    slider.press("Home")
    most = 0
    for order in range(1, stepper.ORDERS + 1):
        sentence = figure.locator(".dz-sentence").text_content()
        value = number(sentence.partition(" = ")[2].partition(". ")[0])
        assert math.isclose(value, tanh_derivatives(order)[-1], rel_tol=1e-9)
        chosen = figure.locator(".dz-order.dz-chosen")
        assert chosen.get_attribute("data-order") == str(order)
        nodes = int(chosen.get_attribute("data-nodes"))
        assert f"Its graph has {nodes} nodes" in sentence
        if nodes <= stepper.DRAWABLE:
            drawn = chosen.locator("svg").inner_html()
        else:
            image = chosen.locator("img")
            image.scroll_into_view_if_needed()
            image.evaluate("image => image.decode()")
            drawn = page.request.get(image.evaluate("image => image.src")).text()
        assert drawn.count("h0") == nodes > most
        most = nodes
        bars = figure.locator(".dz-bars li:not(.dz-later) i").evaluate_all(
            "all => all.map(bar => bar.getBoundingClientRect().width)"
        )
        assert bars == sorted(bars)
        assert len(bars) == order
        box = chosen.locator(".dz-mini").bounding_box()
        assert box["width"] < 400
        slider.press("ArrowRight")
    for order, link in enumerate(figure.get_by_role("link", name="picture").all(), start=1):
        drawn = page.request.get(page.evaluate("link => link.href", link.element_handle()))
        assert drawn.ok
        if order <= 5:
            assert drawn.text().count('class="dz-node') == int(
                figure.locator(f".dz-order[data-order='{order}']").get_attribute("data-nodes")
            )


ACTS = """figure => {
    const inside = (one, other) => one.left >= other.left - 1 && one.right <= other.right + 1
        && one.top >= other.top - 1 && one.bottom <= other.bottom + 1;
    const window_ = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
    const seen = (element, box) => {
        const place = element.getBoundingClientRect();
        return inside(place, window_) && (!box || inside(place, box.getBoundingClientRect()));
    };
    const box = figure.querySelector(".dz-graph");
    const acting = [...figure.querySelectorAll(".dz-node.dz-to")];
    if (!acting.length) acting.push(...figure.querySelectorAll(".dz-node.dz-take"));
    const wrong = [];
    if (acting.length && !acting.some(node => seen(node, box))) wrong.push("node");
    for (const kind of [".dz-sentence", ".dz-controls"])
        if (!seen(figure.querySelector(kind))) wrong.push(kind);
    for (const pre of figure.querySelectorAll(".dz-codes pre")) {
        const line = pre.querySelector(".dz-line");
        const place = line?.getBoundingClientRect(), around = pre.getBoundingClientRect();
        if (line && !(place.top >= around.top - 1 && place.bottom <= around.bottom + 1
                      && place.bottom <= innerHeight + 1))
            wrong.push(pre.getAttribute("aria-label"));
    }
    return wrong.map(what => `${figure.dataset.step}: ${what}`);
}"""


@pytest.mark.parametrize("size", [(1280, 800), (375, 812), (1024, 768)])
@pytest.mark.parametrize("stage", STAGES)
def test_no_step_acts_off_screen_and_nothing_moves(stage, size, visit):
    page = visit(stage, size[0], height=size[1])
    figure = page.locator(".dz-stepper:visible")
    button = figure.locator("[data-go=on]")
    button.press("Home")
    wrong, places = [], set()
    for _ in range(int(figure.get_attribute("data-steps"))):
        wrong += figure.evaluate(ACTS)
        parts = (".dz-graph", ".dz-sentence", ".dz-program", ".dz-loop", ".dz-text")
        places.add(tuple(tuple(figure.locator(one).bounding_box().items()) for one in parts))
        button.press("ArrowRight")
    assert wrong == []
    assert len(places) == 1  # whatever is said, all stays where it is


def test_the_lines_of_the_engine_that_run_are_marked(visit):
    page = visit(32)
    figure = page.locator(".dz-stepper:visible")
    button = figure.locator("[data-go=on]")
    marked = {}
    for _ in range(int(figure.get_attribute("data-steps"))):
        lines = figure.locator(".dz-loop .dz-line").all_text_contents()
        sentence = figure.locator(".dz-sentence").text_content()
        kind = next(
            (k for k in (" is taken: ", " passes ", "starts at", "Nothing waits") if k in sentence),
            "",
        )
        marked.setdefault(kind, []).append("".join(lines))
        button.press("ArrowRight")
    assert marked[""] == ["", ""]  # the program computes, or clears
    assert all(
        "heappop(functions)" in text and "f.backward(*gys)" in text
        for text in marked[" is taken: "]
    )
    assert all("grads[x] = " in text and "heappop" not in text for text in marked[" passes "])
    assert all("x._grad, x.seed = gx, None" in text for text in marked["Nothing waits"])
    assert all("checked.can_start" in text for text in marked["starts at"])


def test_the_address_names_the_step(visit, server):
    page = visit(32)
    figure = page.locator(".dz-stepper:visible")
    figure.locator("[data-go=on]").click()
    assert page.url.endswith("/step32/index.html#step=2")
    page.goto(f"{server}/step33/index.html#step=14")
    assert figure.get_attribute("data-step") == "13"
    assert figure.locator(".dz-sentence").evaluate(
        "e => e.getBoundingClientRect().top >= 0 && e.getBoundingClientRect().bottom <= innerHeight"
    )
    page.evaluate("location.hash = '#step=20'")
    page.wait_for_function("document.querySelector('.dz-stepper').dataset.step === '19'")
    page.evaluate("location.hash = '#step=9999'")
    last = int(figure.get_attribute("data-steps")) - 1
    page.wait_for_function(
        "last => document.querySelector('.dz-stepper').dataset.step == last", arg=last
    )


def test_it_plays_and_pauses(visit):
    page = visit(31, stopped=True)
    figure = page.locator(".dz-stepper:visible")
    figure.get_by_role("button", name="Play").click()
    page.clock.run_for(3100)
    assert figure.get_attribute("data-step") == "2"
    figure.get_by_role("combobox", name="speed").select_option("fast")
    page.clock.run_for(1300)
    assert figure.get_attribute("data-step") == "4"
    figure.get_by_role("button", name="Pause").click()
    page.clock.run_for(5000)
    assert figure.get_attribute("data-step") == "4"
    figure.get_by_role("button", name="Play").click()
    page.clock.run_for(20_000)
    assert int(figure.get_attribute("data-step")) == int(figure.get_attribute("data-steps")) - 1
    assert figure.get_by_role("button", name="Play").is_visible()


def test_formulas_stand_on_nodes(visit):
    page = visit(32)
    texts = page.locator(".dz-stepper:visible .dz-node text:first-of-type").all_text_contents()
    assert {"x⁴ = 16.0", "4x³ = 32.0", "2x² = 8.0", "−4x = −8.0"} <= set(texts)
    labels = page.locator(".dz-stepper:visible .dz-node").evaluate_all(
        "all => all.map(node => node.getAttribute('aria-label').split('\\n')[0])"
    )
    assert {"gx = 4x³ − 4x = 24.0", "y = x⁴ − 2x² = 8.0"} <= set(labels)
    assert not [text for text in texts + labels if "-" in text]


def test_chapter_33_shows_newton(visit):
    page = visit(33)
    figure = page.locator(".dz-stepper:visible")
    assert "Newton" in figure.locator("figcaption").text_content()
    figure.locator("[data-go=last]").press("End")
    leaf = figure.locator(".dz-node.dz-leaf text:first-of-type")
    assert number(leaf.text_content().removeprefix("x = ")) == pytest.approx(1.151, abs=1e-3)
    figure.get_by_role("checkbox").click()
    figure.locator("[data-go=last]").press("End")
    assert "AttributeError: 'NoneType'" in figure.locator(".dz-sentence").text_content()


def test_on_paper_there_is_the_whole_walk(visit):
    page = visit(32)
    page.emulate_media(media="print")
    figure = page.locator(".dz-stepper:visible")
    page.wait_for_function("document.querySelector('.dz-stepper').dataset.step === '27'")
    assert figure.locator(".dz-controls").is_hidden()
    faint = figure.locator(".dz-node").evaluate_all(
        "all => all.filter(node => Number(getComputedStyle(node).opacity) < 1).length"
    )
    assert faint == 0
    assert figure.locator(".dz-steps li").last.is_visible()
    for covering in (".skip-to-content", ".back-to-top", ".mobile-header"):
        assert page.locator(covering).is_hidden()
    page.emulate_media(media="screen")
    page.wait_for_function("document.querySelector('.dz-stepper').dataset.step === '0'")


def test_on_a_phone_they_work_too(visit):
    page = visit(33, 375, has_touch=True)
    figure = page.locator(".dz-stepper:visible")
    sentences = figure.locator(".dz-steps > li").all_text_contents()
    for step in range(1, len(sentences)):
        figure.locator("[data-go=on]").tap()
        check_step(figure, step, sentences)
    check_results(figure)
    wide = figure.locator(".dz-graph")
    assert wide.evaluate("box => box.scrollWidth > box.clientWidth")
    node = figure.locator(".dz-node").first
    node.tap()
    check_tip(figure.locator(".dz-tip"), node)
    assert width(page) == []


@pytest.mark.parametrize("stage", [33, 35])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_a_figure_in_use(stage, scheme, visit):
    page = visit(stage, 375, color_scheme=scheme)
    button = page.locator(".dz-stepper:visible [data-go=last]")
    for _ in range(6):
        button.press("ArrowRight")
    for slider in page.locator(".dz-growth input").all():
        slider.press("End")
    page.locator(".dz-stepper:visible details").evaluate("element => element.open = true")
    page.locator(".dz-stepper:visible .dz-node").first.focus()
    assert width(page) == []
    # The page around the figures has a test of its own.
    page.evaluate(
        "for (const s of document.querySelectorAll('section section')) "
        "if (!s.querySelector('.dz')) s.remove()"
    )
    thin(page, ".dz li, .dz-node, .dz-edge", 3)
    assert accessibility(page, within=".dz") == []


def test_the_theme_of_the_page_decides_over_that_of_the_system(visit):
    page = visit(33, color_scheme="dark")
    ground = "figure => getComputedStyle(figure).backgroundColor"
    figure = page.locator(".dz").first
    for theme, color in (("dark", "rgb(22, 25, 29)"), ("light", "rgb(255, 255, 255)")):
        page.evaluate("theme => { document.body.dataset.theme = theme }", theme)
        assert figure.evaluate(ground) == color


def test_without_javascript_there_are_the_graph_and_the_steps(visit):
    page = visit(32, java_script_enabled=False)
    figure = page.locator(".dz-stepper:visible")
    assert figure.locator(".dz-controls").is_hidden()
    assert figure.locator(".dz-node:visible").count() == figure.locator(".dz-node").count() > 20
    assert figure.locator(".dz-loop").is_visible()
    figure.locator("summary").click()
    assert figure.locator(".dz-steps li:visible").count() == 28
    assert "x.grad is 44.0" in figure.locator(".dz-steps li").last.text_content()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("size", [375, 1280])
def test_without_javascript_no_chapter_is_wider_than_the_window(stage, size, visit):
    page = visit(stage, size, java_script_enabled=False)
    assert page.locator("article").evaluate("e => e.scrollWidth") <= size
    boxes = [box.bounding_box() for box in page.locator("article > section > *, .dz").all()]
    assert max(box["x"] + box["width"] for box in boxes if box) <= size + 1
