"""The overview of a graded class, as a teacher has it (`nox -s browser -- -k overview`)."""

from types import SimpleNamespace

import pytest
from checks import accessibility, watched

from dezero_harness.grading.desk import Hand
from dezero_harness.grading.graded import Graded
from dezero_harness.grading.pages import write_pages
from dezero_harness.grading.scoring import Grade, Scheme
from dezero_harness.grading.submissions import Entry

NOTHING = {"own": (), "earlier": (), "hidden": (), "unseen": (), "twins": {}, "words": {}}
PLAN = SimpleNamespace(
    number=34, limits=SimpleNamespace(seconds=6.0), bounds="", unsafe=False, **NOTHING
)
CLASS = {
    "student 10": (100.0, 0),
    "student 9": (97.25, 1),
    "Ömer": (9.0, 12),
    "<img src=x onerror=document.title='taken'>": (97.5, 0),
}


@pytest.fixture
def overview(page, tmp_path):
    """The page, opened from the disk, and what it complained of."""
    rows = [
        Graded(
            Hand(name, "", Entry(name, f"s{n}", tmp_path)),
            Grade(points, "graded", 5, 0, not_run, ""),
            {"cases": {}},
        )
        for n, (name, (points, not_run)) in enumerate(CLASS.items())
    ]
    rows.append(
        Graded(Hand("Nobody"), Grade(None, "nothing handed in", 0, 0, 0, ""), {"cases": {}})
    )
    (tmp_path / "reports").mkdir()
    write_pages(
        tmp_path, PLAN, Scheme(), rows, "", lambda file, text: file.write_text(text, "utf-8")
    )
    with watched(page) as complaints:
        page.goto((tmp_path / "overview.html").as_uri())
        yield page
    assert complaints == []
    assert page.title() == "Step 34: the class"


def students(page):
    return page.locator("table.sorted tbody tr td:first-child").all_text_contents()


def press(page, heading):
    page.get_by_role("columnheader", name=heading, exact=True).get_by_role("button").press("Enter")


def test_a_heading_sorts_by_its_column_up_and_down(overview):
    names = list(CLASS)
    assert students(overview) == names
    press(overview, "points")
    assert students(overview) == ["Ömer", "student 9", names[3], "student 10"]
    head = overview.get_by_role("columnheader", name="points")
    assert head.get_attribute("aria-sort") == "ascending"
    press(overview, "points")
    assert students(overview) == ["student 10", names[3], "student 9", "Ömer"]
    assert head.get_attribute("aria-sort") == "descending"
    press(overview, "not run")
    assert students(overview)[-2:] == ["student 9", "Ömer"]
    assert head.get_attribute("aria-sort") is None
    press(overview, "student")
    assert students(overview) == [names[3], "Ömer", "student 9", "student 10"]
    assert "Nobody" not in students(overview)
    assert overview.get_by_role("cell", name="nothing handed in").is_visible()


def test_the_overview_can_be_used_by_anyone(overview):
    assert accessibility(overview) == []
