"""The teacher's desk: who handed in what and when, and tables for platforms."""

import csv
import io
import json
import os

import pytest

from dezero_harness.execution.runner import StageError
from dezero_harness.grading import desk, exports

from .conftest import ROOT, package

RIGHT = package(34)
ROSTER = "\ufeffID,Name,Aliases\n4711,Anna Müller,annam;muellera\n4712,Ben Okoye,\n4713,李小龙,\n"


@pytest.fixture
def roster(tmp_path):
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER, "utf-8")
    return file


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "submissions"
    place.mkdir()
    return place


def there(folder, *names, at=1_700_000_000):
    for name in names:
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (at, at))


def hands(folder, ids="auto", roster=None, deadline=None):
    return desk.hands(folder, ids, roster, deadline)


def test_names_of_canvas_tell_who_it_is_which_is_newest_and_what_is_late(folder):
    there(
        folder,
        "muelleranna_4711_900_step34.zip",
        "muelleranna_4711_901_step34-1.zip",
        "okoyeben_LATE_4712_950_my_step34.zip",
    )
    found = {hand.id: hand for hand in hands(folder)}
    assert set(found) == {"4711", "4712"}
    assert found["4711"].entry.place.name == "muelleranna_4711_901_step34-1.zip"
    assert found["4711"].older == ("muelleranna_4711_900_step34.zip",)
    assert (found["4711"].late, found["4712"].late) == (False, True)


def test_names_of_moodle_and_of_github_classroom(folder, roster):
    there(folder, "Anna Müller_4711_assignsubmission_file_step34.zip")
    (folder / "Ben Okoye_4712_assignsubmission_file_").mkdir()
    found = {hand.id: hand.student for hand in hands(folder)}
    assert found == {"4711": "Anna Müller", "4712": "Ben Okoye"}
    for path in folder.iterdir():
        path.rmdir() if path.is_dir() else path.unlink()
    there(folder, "step-34-annam.zip", "step-34-okoye-b.zip")
    assert [hand.id for hand in hands(folder, "github")] == ["annam", "okoye-b"]
    by_roster = {hand.student for hand in hands(folder, "github", roster)}
    assert by_roster == {"Anna Müller", "okoye-b", "Ben Okoye", "李小龙"}


def test_a_roster_names_students_by_id_name_or_alias_and_lists_who_is_missing(folder, roster):
    there(folder, "muellera.zip", "ben_okoye.zip", "nobody.zip")
    found = {hand.student: hand for hand in hands(folder, roster=roster)}
    assert set(found) == {"Anna Müller", "Ben Okoye", "nobody", "李小龙"}
    assert found["李小龙"].entry is None
    assert (found["nobody"].known, found["Anna Müller"].known) == (False, True)
    assert found["Anna Müller"].entry.key.startswith("Anna-Müller-4711.")


def test_the_newest_of_several_is_taken_and_a_deadline_makes_late(folder, roster):
    there(folder, "annam.zip", at=1_700_000_000)
    there(folder, "muellera.zip", at=1_700_090_000)
    there(folder, "4712.zip", at=1_699_000_000)
    found = {hand.id: hand for hand in hands(folder, roster=roster, deadline="2023-11-15T00:00")}
    assert found["4711"].entry.place.name == "muellera.zip"
    assert (found["4711"].late, found["4712"].late) == (True, False)


def test_a_pattern_of_one_s_own(folder):
    there(folder, "w7-4711-x.zip", "w7-4712-y.zip")
    found = [hand.id for hand in hands(folder, r"w\d-(?P<id>\d+)-.*")]
    assert found == ["4711", "4712"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nx\n", "names no column id"),
        ("id,name\n1,a\n1,b\n", "line 3: the id 1 a second time"),
        ("id,name\n,b\n", "line 2: a student without an id"),
        ("id,name\n", "there is no student in it"),
    ],
)
def test_a_broken_roster_is_refused_with_the_line(folder, tmp_path, text, said):
    file = tmp_path / "roster.csv"
    file.write_text(text, "utf-8")
    with pytest.raises(StageError, match=said):
        hands(folder, roster=file)


def test_other_bad_words_are_refused(folder, tmp_path):
    there(folder, "anna.zip")
    for words, said in [
        ({"ids": "("}, "is no pattern"),
        ({"ids": r"\d+"}, "neither canvas, moodle nor github"),
        ({"deadline": "tomorrow"}, "is no time; write it as"),
        ({"roster": tmp_path / "none.csv"}, "cannot be read"),
    ]:
        with pytest.raises(StageError, match=said):
            hands(folder, **words)


def test_the_tables_are_those_of_the_platforms(short, classroom, roster):
    classroom.hand_in("annam", RIGHT)
    (classroom.submissions / "ben okoye.zip").write_text("no zip")
    classroom.grade("--roster", roster, "--deadline", "2001-01-01")
    rows = classroom.rows()
    assert list(rows) == ["Anna Müller", "Ben Okoye", "李小龙"]
    assert (rows["Anna Müller"]["points"], rows["Anna Müller"]["late"]) == ("100", "late")
    assert (rows["Ben Okoye"]["points"], rows["Ben Okoye"]["status"]) == ("", "no submission")
    assert rows["李小龙"]["status"] == "nothing handed in"
    assert (classroom.out / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")

    canvas = list(csv.reader(io.StringIO((classroom.out / "exports/canvas.csv").read_text())))
    assert canvas[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Step 34"]
    assert canvas[1] == ["    Points Possible", "", "", "", "", "100"]
    assert canvas[2] == ["Anna Müller", "4711", "", "", "", "100"]
    assert canvas[3][-1] == ""
    moodle = list(csv.DictReader(io.StringIO((classroom.out / "exports/moodle.csv").read_text())))
    assert moodle[0]["Identifier"] == "Participant 4711"
    assert (moodle[0]["Grade"], moodle[0]["Maximum grade"]) == ("100", "100")
    everything = json.loads((classroom.out / "grades.json").read_text("utf-8"))
    assert [one["points"] for one in everything["students"]] == [100, None, None]
    page = (classroom.out / "overview.html").read_text("utf-8")
    assert page.index("<h2>Submissions</h2>") < page.index("<h2>Without points</h2>")
    assert page.index("<h2>Without points</h2>") < page.index("<h2>What the class failed, by topic")
    assert "it is the published step 34, but for comments" in page


#: What Gradescope documents of results.json: names, and what they may be.
RESULT = {"score": (int, float), "output": str, "output_format": str, "visibility": str}
RESULT |= {"stdout_visibility": str, "tests": list, "execution_time": (int, float)}
TEST = {"score": (int, float), "max_score": (int, float), "status": str, "name": str}
TEST |= {"output": str, "output_format": str, "tags": list, "visibility": str, "number": str}


def test_one_submission_is_graded_as_an_autograder_of_gradescope_does(
    short, classroom, tmp_path, monkeypatch
):
    wrong = RIGHT["dezero/functions.py"].replace("gy * -sin(x)", "gy * sin(x)")
    classroom.hand_in("anna", RIGHT | {"dezero/functions.py": wrong})
    classroom.submissions = classroom.submissions / "anna"
    results = tmp_path / "results.json"
    status, _ = classroom.grade("--one", "--results", results)
    assert status == 0
    found = json.loads(results.read_text("utf-8"))
    assert 0 < found["score"] < 100
    assert sum(test.get("score", 0) for test in found["tests"]) == pytest.approx(
        found["score"], abs=0.1
    )
    for table, known in [(found, RESULT), *((test, TEST) for test in found["tests"])]:
        for name, value in table.items():
            assert isinstance(value, known[name]), name
    assert {test["status"] for test in found["tests"]} == {"passed", "failed"}
    assert any("expected" in test.get("output", "") for test in found["tests"])


def test_text_that_a_spreadsheet_would_compute_is_text():
    assert exports.csv_text('=HYPERLINK("x")') == '\'=HYPERLINK("x")'
    assert exports.csv_text("anna") == "anna"
    assert ROOT.is_dir()
