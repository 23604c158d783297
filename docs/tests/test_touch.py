"""The figures whose x is dragged: what they show is what calculus says, wherever the slider is."""

import math
import re

import pytest
from checks import accessibility, thin, watched, width

from conftest import HTML, PATIENCE
from dezero_harness.site import touch

MINUS = touch.MINUS


def number(text):
    return float(text.replace(MINUS, "-"))


@pytest.fixture
def visit(chromium, server):
    """Opens a page; afterwards, nothing may have gone wrong on it."""
    contexts, problems = [], []

    def open_page(name, size=(1280, 800), root=server, stopped=False, **options):
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        if stopped:  # the time of the page goes on by page.clock alone, however slow the machine is
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        with watched(page) as found:  # it goes on collecting
            problems.append(found)
            page.goto(f"{root}/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for found in problems for problem in found] == []


STATE = """figure => {
    const text = element => element.textContent;
    const all = selector => [...figure.querySelectorAll(selector)];
    return {
        x: text(figure.querySelector(".touch-at")),
        values: all(".touch-values dd").map(text),
        nodes: all(".touch-graph .dz-node text").map(text).filter(Boolean),
        program: text(figure.querySelector("pre")),
        spoken: figure.querySelector("input").getAttribute("aria-valuetext"),
        points: all(".touch-points circle").map(c => [c.getAttribute("cx"), c.getAttribute("cy")]),
        tangent: figure.querySelector(".touch-moves .touch-tangent")?.getAttribute("d"),
        parabola: figure.querySelector(".touch-moves .touch-parabola")?.getAttribute("d"),
    };
}"""

#: What each row of values is, by calculus. The first is y.
TRUTH = {
    31: [lambda x: x**4 - 2 * x**2, lambda x: 4 * x**3 - 4 * x],
    32: [lambda x: x**4 - 2 * x**2, lambda x: 4 * x**3 - 4 * x, lambda x: 12 * x**2 - 4],
    34: [math.sin, math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x)],
    35: [math.tanh, *(lambda x, n=n: touch.tanh_derivatives(4, at=x)[n] for n in range(4))],
    36: [
        lambda x: x**2,
        lambda x: 2 * x,
        lambda x: 8 * x**3 + x**2,
        lambda x: 24 * x**2 + 2 * x,
    ],
}


def check(chapter, figure):
    """The figure at the x where it is."""
    spec, state = touch.FIGURES[chapter], figure.evaluate(STATE)
    x = number(state["x"])
    assert x in spec.values
    shown = [number(text) for text in state["values"]]
    known = [f(x) for f in TRUTH[chapter]]
    assert shown == pytest.approx(known, rel=1e-9, abs=1e-9)
    assert f"np.array({x!r})" in state["program"]
    for column, value in zip(spec.columns, state["values"]):
        assert f"{column.name} = {value}" in state["spoken"]
        if column.column in spec.notes.values():
            assert f"{value.replace(MINUS, '-')}" in state["program"]
        named = [node for node in state["nodes"] if node.startswith(f"{column.column} = ")]
        for node in named:
            assert number(node.partition(" = ")[2]) == pytest.approx(number(value), 6e-3, 1e-3)
    assert f"x = {touch.typeset(touch.fitted(repr(x)))}" in state["nodes"]
    for column, (left, top) in zip(spec.drawn, state["points"]):
        at = [c.column for c in spec.columns].index(column)
        place = touch.place(spec.window, x, shown[at])
        assert (float(left), float(top)) == pytest.approx(place, abs=0.1)
    check_lines(spec, state, x, known)


def check_lines(spec, state, x, known):
    """The tangent has the slope, and the parabola the curvature as well."""
    columns = [column.column for column in spec.columns]
    y = known[columns.index(spec.drawn[0])]
    for line, of in (("tangent", spec.slope), ("parabola", spec.curvature)):
        if not of:
            continue
        (ax, ay), (bx, by), (cx, cy) = points_of(spec.window, state[line])
        slope = known[columns.index(spec.slope)]
        bend = known[columns.index(of)] if line == "parabola" else 0.0
        for px, py in ((ax, ay), (cx, cy)):
            here = y + slope * (px - x) + bend / 2 * (px - x) ** 2
            assert py == pytest.approx(here, rel=1e-6, abs=1e-6)
        # A Bézier curve's middle point: where the tangents at the ends meet.
        assert bx == pytest.approx((ax + cx) / 2)
        meet = ay + (slope + bend * (ax - x)) * (bx - ax)
        assert by == pytest.approx(meet, rel=1e-6, abs=1e-6)


def points_of(window, path):
    x0, x1, y0, y1 = window
    numbers = list(map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", path)))
    return [
        (x0 + left / touch.WIDTH * (x1 - x0), y1 - top / touch.HEIGHT * (y1 - y0))
        for left, top in zip(numbers[::2], numbers[1::2])
    ]


@pytest.mark.parametrize("chapter", TRUTH)
def test_at_every_x_a_figure_shows_what_calculus_says(chapter, visit):
    figure = visit(f"step{chapter}/index.html").locator(".touch")
    slider = figure.get_by_role("slider")
    assert number(figure.locator(".touch-at").inner_text()) == touch.number_of(
        touch.FIGURES[chapter].program.text
    )
    check(chapter, figure)
    slider.press("Home")
    for _ in touch.FIGURES[chapter].values[1:]:
        check(chapter, figure)
        slider.press("ArrowRight")
    check(chapter, figure)
    assert number(figure.locator(".touch-at").inner_text()) == touch.FIGURES[chapter].values[-1]


@pytest.mark.parametrize("root", ["server", "file"])
def test_the_point_is_dragged_and_steps_from_record_to_record(root, visit, request):
    root = HTML.as_uri() if root == "file" else request.getfixturevalue("server")
    page = visit("index.html", root=root)
    figure = page.locator(".touch")
    box = figure.locator(".touch-plot").bounding_box()
    met = set()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in range(90, 9, -1):
        page.mouse.move(box["x"] + share / 100 * box["width"], box["y"] + box["height"] / 2)
        check(32, figure)
        met.add(number(figure.locator(".touch-at").inner_text()))
    page.mouse.up()
    assert met <= set(touch.CURVE.values)
    assert len(met) > 50
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert number(figure.locator(".touch-at").inner_text()) == min(met)
    assert page.evaluate("document.activeElement.type") == "range"  # the arrow keys go on from here


@pytest.mark.parametrize("size", [(1280, 800), (375, 812), (820, 1180), (1600, 900)])
def test_the_first_page_says_what_this_is_and_where_to_begin(size, visit):
    page = visit("index.html", size)
    assert width(page) == []
    begin = page.get_by_role("link", name="Begin with step 31")
    figure = page.locator(".touch")
    for thing in (
        page.locator("h1"),
        page.locator(".landing"),
        begin,
        page.locator(".landing-begin").get_by_text("epository"),
        figure.locator(".touch-plot"),
        figure.get_by_role("slider"),
        figure.locator(".touch-values"),
    ):
        box = thing.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1], thing
    assert page.locator(".landing").inner_text().count(".") == 1
    begin.click()
    assert page.url.endswith("step31/index.html")


def test_newton_walks_from_any_start(visit):
    page = visit("step33/index.html", stopped=True)
    figure = page.locator(".touch-newton")
    start, step = figure.get_by_role("slider").all()
    for _ in range(12):
        check_walk(figure)
        start.press("ArrowLeft")
    for at in range(10):
        assert step.get_attribute("aria-valuetext").startswith(f"step {at}: x = ")
        check_walk(figure, at)
        step.press("ArrowRight")
    figure.get_by_role("button", name="Walk").click()
    page.clock.run_for(900)
    assert figure.get_attribute("data-step") == "1"
    figure.get_by_role("button", name="Stop").click()
    page.clock.run_for(2000)
    assert figure.get_attribute("data-step") == "1"
    figure.get_by_role("button", name="Walk").click()
    page.clock.run_for(9000)
    assert figure.get_attribute("data-step") == "9"
    assert figure.get_by_role("button", name="Walk").is_visible()
    box = figure.locator(".touch-plot").bounding_box()
    page.mouse.click(box["x"] + (0.6 + 2.4) / 4.8 * box["width"], box["y"] + 20)
    step.press("Home")
    step.press("ArrowRight")
    assert number(figure.locator(".touch-at").first.inner_text()) == 0.6
    assert "It has left the picture" in figure.locator(".touch-says").inner_text()
    check_walk(figure, 1)


def check_walk(figure, step=0):
    shown = [number(text) for text in figure.locator("li").all_inner_texts()]
    x = number(figure.locator(".touch-at").first.inner_text())
    assert f"np.array({x!r})" in figure.locator("pre").text_content()
    walk = [x]
    for _ in range(9):
        x -= (4 * x**3 - 4 * x) / (12 * x**2 - 4)
        walk.append(x)
    assert shown == pytest.approx(walk, rel=1e-9, abs=1e-9)
    says = figure.locator(".touch-says").inner_text()
    said = re.findall(r" = (-?[\d.e+-]*\d)", says.replace(MINUS, "-"))
    first, second = map(float, said[1:])
    x = walk[step]
    assert (first, second) == pytest.approx((4 * x**3 - 4 * x, 12 * x**2 - 4), rel=1e-5, abs=1e-6)
    past = figure.locator(".touch-points .touch-past").count()
    assert past == step == int(figure.get_attribute("data-step"))


def test_tanh_shows_the_order_that_was_chosen(visit):
    figure = visit("step35/index.html").locator(".touch")
    for order in range(1, 5):
        figure.get_by_role("radio", name=str(order)).press("Space")
        shown = figure.locator(".touch-order:visible")
        assert shown.get_attribute("data-order") == str(order)
        chosen = figure.locator(".touch-values .touch-chosen").inner_text()
        assert chosen.startswith("y" + ["′", "″", "‴", "⁗"][order - 1])
        if not shown.locator("svg").count():
            assert re.search(r"has\s+\d+ nodes", shown.inner_text())
        else:
            assert f"gx{order} = " in shown.text_content()


def test_without_javascript_it_shows_the_run_of_the_program_itself(visit):
    page = visit("index.html", java_script_enabled=False)
    figure = page.locator(".touch")
    assert figure.get_by_role("slider").is_disabled()
    assert figure.locator(".touch-values dd").all_inner_texts() == ["8.0", "24.0", "44.0"]
    nodes = figure.locator(".dz-node text").all_text_contents()
    assert {"x = 2.0", "grad 44.0", "y = 8.0", "gx = 24.0"} <= set(nodes)
    assert width(page) == []


@pytest.mark.parametrize("where", ["index.html", "step33/index.html", "step35/index.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_dragging(where, scheme, visit):
    page = visit(where, (375, 812), color_scheme=scheme)
    figure = page.locator(".touch")
    figure.get_by_role("slider").first.press("ArrowLeft")
    assert width(page) == []
    thin(page, ".dz-node, .dz-edge", 3)
    assert accessibility(page, within=".touch") == []


def test_a_page_may_be_dragged_by_touch(visit):
    page = visit("step34/index.html", (375, 812), has_touch=True)
    figure = page.locator(".touch")
    plot = figure.locator(".touch-plot")
    plot.scroll_into_view_if_needed()
    plot.tap(position={"x": 30, "y": 40})
    assert number(figure.locator(".touch-at").inner_text()) < -5
    check(34, figure)
