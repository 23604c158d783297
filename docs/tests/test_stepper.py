"""The figures to step through, on the pages of the stages (`nox -s browser -- -k stepper`)."""

import math

import pytest
from checks import accessibility, thin, watched, width

from conftest import PATIENCE
from dezero_harness.tracing import stepper
from dezero_harness.tracing.trace import PROGRAMS, tanh_derivatives

STAGES = range(31, 37)


def check_figures(page):
    """Every figure of this page works, by keyboard and by button."""
    figures = page.locator(".dz-stepper")
    for i in range(figures.count()):
        check_stepper(page, figures.nth(i))
        check_tips(page, figures.nth(i))
    sliders = page.locator(".dz-growth")
    for i in range(sliders.count()):
        check_slider(page, sliders.nth(i))
    assert figures.count() + sliders.count() > 0


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
    title = figure.locator("figcaption").text_content()
    (program,) = [program for program in PROGRAMS.values() if program.title == title]
    for number, (to, value) in enumerate(program.results, start=1):
        shown = figure.locator(f".dz-results li[data-pass='{number}']:visible")
        assert shown.locator("span").text_content() == f"{to}.grad"
        assert math.isclose(float(shown.locator("b").text_content()), value, rel_tol=1e-13)
    grads = figure.locator(".dz-graded .dz-grad").all_text_contents()
    shown = [float(text.removeprefix("grad ").replace(stepper.MINUS, "-")) for text in grads]
    if figure.locator("svg").count():
        assert shown == [pytest.approx(program.results[-1][1], rel=1e-3)]


def check_tips(page, figure):
    """Pointing at a node, or going there by keyboard, shows its value and the line that made it."""
    if figure.locator("svg").count() == 0:
        return
    tip = figure.locator(".dz-tip")
    figure.locator("[data-go=last]").press("End")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")  # whatever that is by now
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


def check_slider(page, figure):
    """Through all orders by keyboard: the value of each, and its graph or why there is none."""
    slider = figure.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    for order in range(1, int(slider.get_attribute("max")) + 1):
        shown = figure.locator(".dz-order:visible")
        assert shown.get_attribute("data-order") == str(order)
        sentence = figure.locator(".dz-sentence").text_content()
        number = float(sentence.partition(" = ")[2].partition(". ")[0])
        assert math.isclose(number, tanh_derivatives(order)[-1], rel_tol=1e-9)
        nodes = int(shown.get_attribute("data-nodes"))
        assert f"Its graph has {nodes} nodes" in sentence
        if nodes <= stepper.DRAWABLE:
            assert shown.locator(".dz-node").count() == nodes
        else:
            assert "too large to be read" in shown.locator(".dz-why").text_content()
            assert shown.locator("details li").count() > 100
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    check_tip(figure.locator(".dz-order:visible .dz-tip"), page.locator(":focus"))


@pytest.fixture
def visit(chromium, server):
    """Opens the page of a stage; afterwards, nothing may have gone wrong on it."""
    contexts, problems = [], []

    def open_stage(stage, width=1280, **options):
        size = {"width": width, "height": 900}
        context = chromium.new_context(viewport=size, reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        with watched(page) as found:  # it goes on collecting
            problems.append(found)
            page.goto(f"{server}/step{stage}/index.html")
        return page

    yield open_stage
    for context in contexts:
        context.close()
    assert [problem for found in problems for problem in found] == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_figures_work(stage, visit):
    check_figures(visit(stage))


def test_the_slider_draws_what_can_be_read(visit):
    page = visit(35)
    drawn = page.locator(".dz-order:has(svg)").evaluate_all("all => all.map(p => p.dataset.order)")
    sentences = page.locator(".dz-order:has(.dz-why)").evaluate_all("all => all.length")
    assert drawn[:5] == ["1", "2", "3", "4", "5"]
    assert len(drawn) + sentences == 8 > len(drawn)


def test_on_a_phone_they_work_too(visit):
    page = visit(33, 375, has_touch=True)
    figure = page.locator(".dz-stepper")
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
    button = page.locator("[data-go=last]")
    for _ in range(6):
        button.press("ArrowRight")
    for slider in page.locator(".dz-growth input").all():
        slider.press("End")
    page.locator(".dz-stepper details").evaluate("element => element.open = true")
    page.locator(".dz-stepper .dz-node").first.focus()
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
    page = visit(33, java_script_enabled=False)
    figure = page.locator(".dz-stepper")
    assert figure.locator(".dz-controls").is_hidden()
    assert figure.locator(".dz-node:visible").count() == figure.locator(".dz-node").count() > 20
    figure.locator("summary").click()
    assert figure.locator(".dz-steps li:visible").count() == 28
    assert "x.grad is 44.0" in figure.locator(".dz-steps li").last.text_content()
