"""The labs in the page: what is written there is checked as in the terminal, kept, and saved."""

import io
import json
import shutil
import zipfile

import pytest
from checks import accessibility, width

from conftest import PATIENCE
from dezero_harness.grading.submissions import read_package
from dezero_harness.labs import account
from dezero_harness.labs.attempt import review
from dezero_harness.labs.chapter import run_chapter
from dezero_harness.labs.loading import load_chapter, where_to_read
from dezero_harness.labs.package import package
from dezero_harness.site.__main__ import ROOT


@pytest.fixture
def lab(visit):
    """Open the page of a lab; its box, once the editor is there."""

    def open_lab(number, prepare=None, language="", **options):
        page = visit(f"{language}lab{number}.html", prepare, **options)
        page.locator("[data-lab][data-editor]").wait_for()
        return page.locator("[data-lab]")

    return open_lab


def stage(number):
    files = package(ROOT / f"stages/step{number}")
    return {path.as_posix(): text for path, text in files.items()}


def zipped(files, **facts):
    """A zip as the page makes it, or, without facts, as anything else does."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"step/{name}", text)
        if facts:
            archive.writestr("step/lab.json", json.dumps(facts))
    return data.getvalue()


def give(box, data):
    """Open this zip in the page."""
    file = {"name": "lab.zip", "mimeType": "application/zip", "buffer": data}
    box.locator(".lab-file").set_input_files(file)
    dialog = box.page.get_by_role("dialog")
    said = box.locator(".lab-kept:not(:empty)")
    dialog.or_(said).first.wait_for()
    if dialog.count():
        dialog.get_by_role("button", name="Open it").click()


def end(box):
    """Wait until the check has ended; what the page says then."""
    box.page.wait_for_function(
        "box => ['done', 'failed'].includes(box.dataset.state)",
        arg=box.element_handle(),
        timeout=PATIENCE,
    )
    return box.locator(".lab-result"), box.locator(".lab-status").inner_text()


def check(box):
    box.get_by_role("button", name="Check").click()
    return end(box)


def write(box, text):
    """Put a text into the file that is open, by the keyboard."""
    box.get_by_role("textbox").focus()
    box.page.keyboard.press("Control+A")
    box.page.keyboard.insert_text(text)


def right_ones(result):
    return [int(text.split()[0]) for text in result.locator(".lab-bar b").all_inner_texts()]


MISTAKES = [
    (32, "core.py", "gy * x1 if x0", "gy * x1.data if x0"),
    (34, "functions.py", "return gy * cos(x)", "gy * cos(x)"),
    (35, "functions.py", "1 - y * y", "1 + y * y"),
    (36, "core.py", "f.backward(*gys), Variable, sum_to)", "f.backward(*gys), Variable)"),
]


@pytest.mark.parametrize(("number", "file", "right", "wrong"), MISTAKES)
def test_the_page_says_what_the_terminal_says(number, file, right, wrong, lab, tmp_path):
    folder = tmp_path / f"labs/step{number}"
    shutil.copytree(ROOT / f"stages/step{number}/dezero", folder / "dezero")
    text = (folder / "dezero" / file).read_text("utf-8")
    assert right in text
    (folder / "dezero" / file).write_text(text.replace(right, wrong, 1), "utf-8")
    chapter = load_chapter(ROOT, number)
    found = run_chapter(chapter, folder)
    reviewed = review(found)
    expected = account.first(found, reviewed, where_to_read(chapter, reviewed.first.case))

    box = lab(number)
    give(box, zipped({path.as_posix(): text for path, text in package(folder).items()}))
    result, _ = check(box)
    assert result.locator(".lab-statement").inner_text() == expected.statement
    assert result.locator(".lab-first > pre").text_content() == expected.program
    facts = result.locator("dd").evaluate_all(
        "all => all.map(one => [...one.childNodes].filter(part => !part.matches?.('button'))"
        ".map(part => part.textContent).join('').trimEnd())"
    )
    # A line of the learner's own is named by its file, from the folder with the labs.
    assert facts == [line[max(0, line.find("labs/")) :] for _, line in expected.facts]
    bars = account.bars(found, reviewed)
    counted = [f"{bar.passed + bar.again} of {bar.of}" for bar in bars]
    assert result.locator(".lab-bar b").all_inner_texts() == counted


def test_a_lab_is_written_in_the_page_kept_and_saved(lab, tmp_path):
    box = lab(34)
    reached = right_ones(check(box)[0])
    assert reached[0] == 0
    box.get_by_role("button", name="New file").click()
    dialog = box.page.get_by_role("dialog")
    name = dialog.get_by_label("Its name")
    for wrong, says in (
        ("functions", "A file is called as in"),
        ("core.py", "of that name already"),
    ):
        name.fill(wrong)
        dialog.get_by_role("button", name="Add it").click()
        assert says in dialog.get_by_role("status").inner_text()
    name.fill("functions.py")
    name.press("Enter")
    whole = stage(34)["dezero/functions.py"]
    half = whole.partition("class Cos")[0].replace("gy * cos(x)", "gy")
    for text in (half, whole.replace("gy * -sin(x)", "None"), whole):
        write(box, text)
        result, status = check(box)
        assert status == ""
        now = right_ones(result)
        assert now[0] > reached[0]
        assert now[1] == reached[1]
        reached = now
    assert "Step 34 is done" in result.inner_text()

    box.page.reload()
    box.locator("[data-mine=true]", has_text="functions.py").click()
    with box.page.expect_download() as download:
        box.get_by_role("button", name="Save as zip").click()
    download.value.save_as(tmp_path / "ann.zip")
    handed_in = read_package(tmp_path / "ann.zip", 34)
    assert {name: data.decode() for name, data in handed_in.items()} == stage(33) | {
        "dezero/functions.py": whole
    }

    box.get_by_role("button", name="Begin anew").click()
    dialog.get_by_role("button", name="Begin anew").click()
    assert box.get_by_role("tab", name="functions.py").count() == 0
    give(box, (tmp_path / "ann.zip").read_bytes())
    box.get_by_role("tab", name="functions.py").click()
    assert "class Cos" in box.get_by_role("textbox").inner_text()


def test_a_hint_is_a_question_and_then_the_piece(lab):
    box = lab(34)
    give(box, zipped(stage(34) | {"dezero/functions.py": "def sin(x):\n    return x\n"}))
    box.get_by_role("button", name="Hint").click()
    end(box)
    hints = box.locator(".lab-hints")
    assert "What does a call of sin make" in hints.inner_text()
    assert hints.locator("pre").count() == 0
    hints.get_by_role("button", name="Show the piece").click()
    assert "return Sin()(x)" in hints.locator("pre .lab-added").last.inner_text()


ENDLESS = "    def backward(self, gy):\n        while True:\n            pass\n"


def with_endless_sine():
    text = stage(34)["dezero/functions.py"]
    return stage(34) | {
        "dezero/functions.py": text.replace("    def backward(self, gy):\n", ENDLESS, 1)
    }


def test_an_endless_loop_has_a_limit_and_can_be_stopped(lab):
    box = lab(34)
    give(box, zipped(with_endless_sine()))
    result, _ = check(box)
    assert "no answer within 4 s of computing" in result.inner_text()
    assert "two cases took longer than 4 s" in result.inner_text()
    box.get_by_role("button", name="Check").click()
    box.locator(".lab-status:has-text('cases')").wait_for()
    box.get_by_role("button", name="Stop").click()
    assert end(box)[1] == "Stopped."
    give(box, zipped(stage(34)))
    assert "Step 34 is done" in check(box)[0].inner_text()


def test_python_that_says_nothing_any_more_is_ended(lab):
    """A loop that catches the exception which is to end it. The page waits 40 s, here 15."""

    def impatient(page):
        def shorter(route):
            text = route.fetch().text()
            assert text.count("40_000") == 1
            route.fulfill(body=text.replace("40_000", "15_000"), content_type="text/javascript")

        page.route("**/lab.js*", shorter)

    box = lab(34, impatient)
    loop = (
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass\n"
    )
    give(box, zipped(stage(34) | {"dezero/__init__.py": loop}))
    _, status = check(box)
    assert "Python had not answered" in status
    give(box, zipped(stage(34)))
    assert "Step 34 is done" in check(box)[0].inner_text()


def test_a_syntax_error_is_named_with_its_line(lab):
    box = lab(34)
    give(box, zipped(stage(34) | {"dezero/functions.py": "x = 1\n\ny = = 2\n"}))
    result, _ = check(box)
    text = result.inner_text()
    assert "labs/step34/dezero/functions.py, line 3: invalid syntax in `y = = 2`" in text
    result.get_by_role("button", name="Go to this line").click()
    box.page.keyboard.insert_text("# here ")
    assert "# here y = = 2" in box.get_by_role("textbox").inner_text()


def stored(number, /, **facts):
    """A script that puts work into the browser, as another version of the page has left it."""
    value = json.dumps(facts or "no work at all")
    script = f"localStorage['dezero-lab-{number}'] ??= {json.dumps(value)}"
    return lambda page: page.add_init_script(script)


def test_work_of_an_older_version_is_kept_and_can_go_on(lab):
    files = stage(33) | {"dezero/core.py": "mine = 1\n", "dezero/functions.py": "mine = 2\n"}
    files["dezero/cuda.py"] = "older = 3\n"  # as the lab began then, and not touched
    mine = ["dezero/core.py", "dezero/functions.py"]
    older = {"format": 1, "number": 34, "form": "open", "version": "older", "files": files}
    box = lab(34, stored(34, **older, mine=mine, base={"dezero/core.py": "other"}))
    notice = box.get_by_role("alert")
    assert "begun with an older version of this lab" in notice.inner_text()
    assert box.get_by_role("tab", name="functions.py").count() == 0
    with box.page.expect_download() as download:
        notice.get_by_role("button", name="Download mine").click()
    assert download.value.suggested_filename == "lab34-older.zip"
    notice.get_by_role("button", name="Go on with mine").click()
    assert "another text now in dezero/core.py" in box.locator(".lab-kept").inner_text()
    box.page.reload()
    assert not box.get_by_role("alert").is_visible()
    texts = box.page.evaluate("JSON.parse(localStorage['dezero-lab-34']).files")
    assert texts["dezero/functions.py"] == "mine = 2\n"
    assert texts["dezero/cuda.py"] == stage(33)["dezero/cuda.py"]


def test_work_that_cannot_be_read_is_not_lost(lab):
    box = lab(34, stored(34))
    notice = box.get_by_role("alert")
    assert "this one cannot read" in notice.inner_text()
    with box.page.expect_download() as download:
        notice.get_by_role("button", name="Download it").click()
    assert "no work at all" in download.value.path().read_text("utf-8")
    notice.get_by_role("button", name="Leave it").click()
    assert not notice.is_visible()
    assert check(box)[1] == ""


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"no zip", "This is no zip that can be read"),
        (zipped({"a.py": ""}), "There is no package dezero"),
        (zipped(stage(33), number=33), "These are the files of lab 33"),
    ],
)
def test_what_a_zip_is_worth_is_said(data, says, lab):
    box = lab(34)
    give(box, data)
    box.locator(f".lab-kept:has-text('{says}')").wait_for()


LACKING = {
    "This browser has no WebAssembly": lambda page: page.add_init_script("delete self.WebAssembly"),
    "This browser has no workers": lambda page: page.add_init_script("delete self.Worker"),
    "there was no answer": lambda page: page.context.route(
        "**/pyodide.asm.wasm", lambda route: route.abort()
    ),
    "another SHA-256 than it must have": lambda page: page.context.route(
        "**/pyodide.asm.wasm", lambda route: route.fulfill(status=200, body=b"other")
    ),
}


@pytest.mark.parametrize("says", LACKING)
def test_where_python_cannot_run_the_page_says_so_and_goes_on(says, lab):
    box = lab(34, LACKING[says])
    _, status = check(box)
    assert says in status
    if "This browser" in says:
        assert "nox -s lab -- start 34" in status
    write(box, "x = 1\n")
    with box.page.expect_download() as download:
        box.get_by_role("button", name="Save as zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.read("step34/dezero/core.py") == b"x = 1\n"


def test_where_the_editor_does_not_come_a_plain_field_serves(lab):
    box = lab(34, lambda page: page.context.route("**/codemirror-view.js*", lambda r: r.abort()))
    assert "a plain field serves" in box.locator(".lab-kept").inner_text()
    box.locator("textarea").fill("x = = 1")
    assert "line 1: invalid syntax" in check(box)[0].inner_text()


def test_the_editor_is_left_by_keyboard_and_the_rest_reached(lab):
    box = lab(34)
    keyboard = box.page.keyboard
    box.get_by_role("tab", name="core.py").focus()
    keyboard.press("ArrowLeft")
    assert box.get_by_role("tab", selected=True).inner_text() == "__init__.py"
    box.get_by_role("textbox").focus()
    keyboard.press("Control+A")
    keyboard.insert_text("if True:\n")
    keyboard.press("Tab")
    keyboard.insert_text("x = 1")
    assert "    x = 1" in box.get_by_role("textbox").inner_text()
    keyboard.press("Escape")
    keyboard.press("Tab")
    assert box.page.evaluate("document.activeElement.className") == "lab-check"
    keyboard.press("Enter")
    assert "holds no" in end(box)[0].inner_text() or end(box)[0].locator(".lab-refused").count()
    assert box.page.evaluate("document.activeElement.className") == "lab-check"


@pytest.mark.parametrize("language", ["", "ko/"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_check_says_is_for_everybody(scheme, language, lab):
    box = lab(34, color_scheme=scheme, language=language)
    give_mine = zipped(stage(34) | {"dezero/functions.py": "def sin(x):\n    return x\n"})
    file = {"name": "lab.zip", "mimeType": "application/zip", "buffer": give_mine}
    box.locator(".lab-file").set_input_files(file)
    box.locator(".lab-tabs [data-mine=true]").wait_for()
    box.locator(".lab-hint").click()
    result, _ = end(box)
    box.locator(".lab-hints button").click()
    box.page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert accessibility(box.page, within="[data-lab]") == []
    for size in (375, 820, 1280, 1600):
        box.page.set_viewport_size({"width": size, "height": 900})
        assert width(box.page) == []
    if language:
        assert "첫 실패:" in result.inner_text()
    box.locator(".lab-new").click()
    assert accessibility(box.page, within="dialog") == []
