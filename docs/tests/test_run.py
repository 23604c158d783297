"""Python in the page: programs of the chapters run there, and print what the page says.

The site has to hold Python itself (`nox -s site -- --offline-python`), for no request leaves the
machine here.
"""

import json

import pytest
from checks import accessibility, thin, width

from conftest import HTML, PATIENCE

STAGES = range(31, 37)


def run(page, box, *stages):
    """Press Run under a program, and wait: what was printed on each stage, and how it ended."""
    if stages:
        box.locator(".run-stages").evaluate("details => details.open = true")
        for stage in STAGES:
            box.get_by_label(str(stage), exact=True).set_checked(stage in stages)
    box.get_by_role("button", name="Run").click()
    page.wait_for_function(
        "box => ['done', 'failed'].includes(box.dataset.state)",
        arg=box.element_handle(),
        timeout=PATIENCE,
    )
    printed = [
        (part.locator(".run-printed").text_content(), part.locator(".run-note").text_content())
        for part in box.locator(".run-part").all()
    ]
    return printed, box.locator(".run-status").text_content()


def program_of(box):
    return box.evaluate(
        """box => {
            let block = box.previousElementSibling, says = "";
            if (block.matches(".highlight-text")) {
                says = block.querySelector("pre").textContent;
                block = block.previousElementSibling;
            }
            return [block.querySelector("pre").textContent, says];
        }"""
    )


@pytest.mark.each
@pytest.mark.parametrize("stage", STAGES)
def test_every_program_of_a_chapter_prints_in_the_page_what_the_page_says(stage, visit):
    page = visit(f"step{stage}/index.html")
    assert not [r for r in page.evaluate(LOADED) if "python/" in r or "run-files" in r]
    wrong, boxes = [], page.locator(".run[data-index]").all()
    for box in boxes:
        text, says = program_of(box)
        printed, status = run(page, box)
        if [p for p, _ in printed] != [says]:
            wrong.append((text, says, printed, status))
    assert wrong == []
    assert len(boxes) >= 2


LOADED = "() => performance.getEntriesByType('resource').map(entry => entry.name)"


def test_the_same_program_on_several_stages(visit):
    """Chapter 36's program, but for the import of functions, which the first stages do not have."""
    page = visit("step36/index.html")
    box = first_box(page)
    edit(box, program_of(box)[0].replace("import dezero.functions as F\n", ""))
    printed, _ = run(page, box, 31, 32, 36)
    first, second, last = (text for text, _ in printed)
    assert first.startswith("TypeError")
    assert second == last == "variable(68.0) variable(100.0)\n"
    assert box.locator(".run-part b").all_inner_texts() == ["step 31", "step 32", "step 36"]


def edit(box, text):
    box.get_by_role("button", name="Edit").click()
    area = box.page.get_by_role("textbox", name="the program, to be edited")
    area.fill(text)
    return area


def first_box(page):
    return page.locator(".run[data-index]").first


def test_an_edited_program_runs_and_later_ones_build_on_it(visit):
    page = visit("step33/index.html")
    boxes = page.locator(".run[data-index]")
    text, _ = program_of(boxes.nth(0))
    area = edit(boxes.nth(0), text.replace("np.array(2.0)", "np.array(3.0)"))
    area.press("Control+Enter")
    boxes.nth(0).locator(".run-part .run-note:has-text('NumPy')").wait_for()
    assert "variable(96.0)" in boxes.nth(0).locator(".run-printed").text_content()
    printed, _ = run(page, boxes.nth(1))
    assert printed[0][0] == "variable(96.0) variable(104.0)\n"
    boxes.nth(0).get_by_role("button", name="As on the page").click()
    printed, _ = run(page, boxes.nth(1))
    assert printed[0][0] == "variable(24.0) variable(44.0)\n"
    assert "what the page says" in printed[0][1]


def test_an_endless_program_is_stopped_and_the_page_goes_on(visit):
    page = visit("step33/index.html")
    box = first_box(page)
    edit(box, "print('begun')\nwhile True:\n    pass\n")
    box.get_by_role("button", name="Run").click()
    box.locator(".run-printed:has-text('begun')").wait_for()
    assert page.evaluate("1 + 1") == 2  # the page itself does not wait
    box.get_by_role("button", name="Stop").click()
    assert box.locator(".run-note").text_content() == "Stopped."
    box.get_by_role("button", name="As on the page").click()
    printed, _ = run(page, box)
    assert printed[0][0] == program_of(box)[1]


@pytest.mark.parametrize(
    ("program", "prints", "note"),
    [
        ("x = = 2\n", "SyntaxError: invalid syntax", "ended in line 1"),
        ("x = 1\n\nraise ValueError('on purpose')\n", "ValueError: on purpose\n", "in line 3"),
        ("while True:\n    print('word' * 100)\n", "wordword", "more than 50,000 characters"),
        ("import sys\nsys.exit(3)\n", "", "It ended itself: SystemExit 3"),
        ("def f(): return f()\nf()\n", "RecursionError", "ended in line 2"),
        ("\n[0] * (2 * 10**9)\n", "MemoryError", "ended in line 2"),
        ("pass\n", "", "It printed nothing."),
        ("import urllib.request as u\nu.urlopen('http://example.org')\n", "Error", "ended in"),
    ],
)
def test_a_program_that_goes_wrong_says_so(program, prints, note, visit):
    page = visit("step33/index.html")
    box = first_box(page)
    edit(box, program)
    printed, _ = run(page, box)
    assert prints in printed[0][0]
    assert note in printed[0][1]
    box.get_by_role("button", name="As on the page").click()
    assert "what the page says" in run(page, box)[0][0][1]


def answer(status, body=b""):
    return lambda route: route.fulfill(status=status, body=body)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (answer(404), "pyodide.asm.wasm could not be loaded from 127.0.0.1"),
        (answer(200, b"something else"), "another SHA-256 than it must have"),
        (lambda route: route.abort(), "there was no answer"),
    ],
)
def test_a_piece_that_does_not_come_or_is_another_is_named(how, says, visit):
    page = visit("step33/index.html", lambda page: page.context.route("**/pyodide.asm.wasm", how))
    box = first_box(page)
    _, status = run(page, box)
    assert says in status
    page.context.unroute("**/pyodide.asm.wasm")
    printed, _ = run(page, box)  # pressed again, it goes
    assert printed[0][0] == program_of(box)[1]


@pytest.mark.parametrize("lacks", ["WebAssembly", "Worker"])
def test_a_browser_that_cannot_run_python_says_what_to_do(lacks, visit):
    page = visit("step33/index.html", lambda page: page.add_init_script(f"delete self.{lacks}"))
    _, status = run(page, first_box(page))
    assert "This browser has no" in status
    assert "nox -s run -- 33" in status


def test_opened_from_a_folder_it_says_what_to_do(page):
    page.goto((HTML / "step33/index.html").as_uri())
    _, status = run(page, first_box(page))
    assert "Let a server show it: python -m http.server" in status


def test_without_javascript_there_is_nothing_to_press(visit):
    page = visit("step33/index.html", java_script_enabled=False)
    assert page.locator(".run-go:visible").count() == 0


def test_run_is_reached_by_keyboard_and_stands_in_nobodys_way(visit):
    for scheme in ("light", "dark"):
        page = visit("step33/index.html", color_scheme=scheme)
        page.set_viewport_size({"width": 375, "height": 812})
        box = first_box(page)
        box.get_by_role("button", name="Run").press("Enter")
        box.locator(".run-note:has-text('NumPy')").wait_for()
        box.get_by_role("button", name="Edit").press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
        assert width(page) == []
        thin(page, "*", 5)
        assert accessibility(page, within=".run[data-index]") == []


def test_the_default_addresses_are_official_and_every_piece_has_a_hash():
    text = (HTML / "_static/run-pieces.js").read_text("utf-8")
    data = json.loads(text.partition("= ")[2].rstrip(";\n"))
    assert all(piece["integrity"].startswith("sha256-") for piece in data["pieces"].values())
    for piece in data["pieces"].values():
        assert (HTML / "_static" / piece["url"]).stat().st_size == piece["size"]


# --- the figures to step through ---


def record(page, figure, text):
    """Edit the program of a figure and record it; the figure that is there then."""
    figure.get_by_role("button", name="Edit").click()
    figure.get_by_role("textbox").fill(text)
    figure.get_by_role("button", name="Record").click()
    figure.locator(".run[data-state=runs]").wait_for(state="detached")


CUBE = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(3.0), "x")
y = x * x * x
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
gx.backward()
"""


def test_an_edited_program_is_recorded_and_drawn_in_the_page(visit):
    page = visit("step33/index.html", reduced_motion="reduce")
    figure = page.locator(".dz-stepper:visible")
    before = figure.get_attribute("id")
    record(page, figure, CUBE)
    assert figure.get_attribute("id") != before
    steps = int(figure.get_attribute("data-steps"))
    figure.locator("[data-go=last]").click()
    written = figure.locator(".dz-results li:not([hidden])").all_text_contents()
    assert [one.split(" = ")[1] for one in written] == ["27.0", "18.0"]
    assert figure.locator(".dz-steps > li").count() == steps
    names = figure.locator(".dz-node text:first-of-type").all_text_contents()
    assert {"x = 3.0", "y = 27.0", "gx = 27.0", "Mul 1"} <= set(names)
    assert figure.locator(".dz-node").count() == len(names) > 10
    figure.get_by_role("button", name="The figure of the page").click()
    assert figure.get_attribute("id") == before


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("x = = 2\n", "SyntaxError"),
        ("x = 2\n", "has called backward() of no Variable"),
        (CUBE.replace("x * x * x", "x\nfor _ in range(5000): y = y + x"), "too large"),
    ],
)
def test_what_cannot_be_recorded_is_said(program, says, visit):
    page = visit("step33/index.html")
    figure = page.locator(".dz-stepper:visible")
    before = figure.get_attribute("id")
    record(page, figure, program)
    assert says in figure.locator(".run-status").inner_text()
    assert figure.get_attribute("id") == before
    figure.get_by_role("textbox").fill(CUBE)
    figure.get_by_role("button", name="Record").click()
    page.locator(".dz-stepper [data-go=on]:focus").wait_for()
    assert figure.get_attribute("id") != before


def test_an_endless_program_is_not_recorded_for_ever(visit):
    page = visit("step33/index.html")
    figure = page.locator(".dz-stepper:visible")
    figure.get_by_role("button", name="Edit").click()
    figure.get_by_role("textbox").fill("while True: pass\n")
    figure.get_by_role("button", name="Record").click()
    figure.locator(".run-status:has-text('records')").wait_for()
    figure.get_by_role("button", name="Stop").click()
    assert figure.locator(".run-status:has-text('Stopped')").inner_text() == "Stopped."
