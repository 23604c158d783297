"""The teacher's desk: who handed in what and when, and tables for platforms."""

import base64
import csv
import dataclasses
import io
import json
import os
from types import SimpleNamespace

import pytest

from dezero_harness.execution.runner import StageError
from dezero_harness.grading import desk, exports
from dezero_harness.grading.graded import Graded
from dezero_harness.grading.scoring import Grade, Scheme, Topic

from .conftest import package

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
    assert canvas[2:] == [["Anna Müller", "", "4711", "4711", "", "100"]]
    moodle = list(csv.DictReader(io.StringIO((classroom.out / "exports/moodle.csv").read_text())))
    assert (moodle[0]["Identifier"], moodle[0]["ID number"]) == ("", "4711")
    assert (moodle[0]["Grade"], moodle[0]["Maximum grade"]) == ("100", "100")
    everything = json.loads((classroom.out / "grades.json").read_text("utf-8"))
    assert [one["points"] for one in everything["students"]] == [100, None, None]
    page = (classroom.out / "overview.html").read_text("utf-8")
    assert page.index("<h2>Submissions</h2>") < page.index("<h2>Without points</h2>")
    assert page.index("<h2>Without points</h2>") < page.index("<h2>What the class failed, by topic")
    assert "it is the published step 34, but for comments" in page


# What platforms take, each as it is published, and read here as they read it.

PLAN = SimpleNamespace(number=34, hidden=(), own=())


def graded(student, points, **about):
    """A hand-in with these points, or none, as the tables have it."""
    status = "graded" if points is not None else "no submission"
    grade = Grade(points, status, 1, 0, 0, "a reason", (Topic("sin", 1.0, points or 0.0, 100.0),))
    return Graded(desk.Hand(student, **about), grade, {"cases": {}})


def written(rows):
    return exports._table(rows)


def as_canvas_imports(text, users):
    """User's number -> grade, and the points that are possible, as Canvas reads a gradebook.

    lib/gradebook_importer.rb of Canvas: the first columns say Student and ID, then SIS User ID and
    SIS Login ID if there are any, then Section; each other column is an assignment. A line with
    "Points Possible" in its first cell is no student. A student is found by ID, else by SIS User
    ID, else by SIS Login ID, else by the name. An empty cell where there is a grade is a change.
    """
    header, *rows = csv.reader(io.StringIO(text))
    assert "Student" in header[0]
    assert header[1:5] == ["ID", "SIS User ID", "SIS Login ID", "Section"]
    assert header[5:] == ["Step 34"]
    possible, grades = None, {}
    for row in rows:
        name, number, sis, login, _, grade = row
        if "Points Possible" in name:
            possible = float(grade)
            continue
        found = [n for n in users if str(n) == number]
        found += [n for n, user in users.items() if sis and user["sis"] == sis]
        found += [n for n, user in users.items() if login and user["login"] == login]
        found += [n for n, user in users.items() if user["name"] == name]
        grades[found[0]] = grade
    return grades, possible


USERS = {
    7: {"name": "Anna Müller", "sis": "4711", "login": "annam"},
    4711: {"name": "Ben Okoye", "sis": "7", "login": "okoyeb"},
    8: {"name": "李小龙", "sis": "4713", "login": "lix"},
}


@pytest.mark.parametrize(
    "about",
    [
        {"id": "7", "canvas": "7"},  # as the file's name tells, without a roster
        {"id": "4711", "canvas": "7"},  # and with one, which has the university's id
        {"id": "4711"},  # a folder that the teacher has named, on the roster
        {"id": "annam"},  # a roster of logins
        {},  # a name alone
    ],
)
def test_canvas_gives_the_points_to_whom_they_belong(about):
    """An id of the university's may be another student's number in Canvas."""
    rows = exports.canvas(PLAN, Scheme(), [graded("Anna Müller", 87.5, **about)])
    assert as_canvas_imports(written(rows), USERS) == ({7: "87.5"}, 100.0)


def test_canvas_keeps_the_grades_of_who_has_no_points_and_the_points_that_are_possible():
    some = [graded("Anna Müller", 50.0), graded("李小龙", None), graded("Points Possible", 0.0)]
    users = USERS | {9: {"name": "Points possible", "sis": "", "login": ""}}
    grades, possible = as_canvas_imports(written(exports.canvas(PLAN, Scheme(), some)), users)
    assert (grades, possible) == ({7: "50", 9: "0"}, 100.0)


def as_moodle_imports(text, participants, most=100.0):
    """User -> (grade, feedback), as Moodle reads a grading worksheet.

    mod/assign/feedback/offline of Moodle: without the columns Identifier, Grade and "Last modified
    (grade)" the file is refused. Behind the word Participant stands the number that an assignment
    has for a user, as in the names of the files; other lines are passed over. A grade that is empty
    or out of range is none; the feedback is the column "Feedback comments".
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(rows[0])
    found = {}
    for row in rows:
        user = participants.get(row["Identifier"].removeprefix("Participant").strip())
        if user:
            grade = float(row["Grade"]) if row["Grade"] else None
            assert grade is None or 0 <= grade <= most
            found[user] = grade, row["Feedback comments"]
    return found


def test_moodle_gives_the_points_to_whom_they_belong():
    some = [
        graded("Anna Müller", 87.5, id="4711", moodle="7"),
        graded("Ben Okoye", None, id="4712", moodle="8"),
        graded("李小龙", 10.0, id="7"),  # of the roster alone: no participant's number
    ]
    text = written(exports.moodle(PLAN, Scheme(), some))
    found = as_moodle_imports(text, {"7": "anna", "8": "ben"})
    assert found == {"anna": (87.5, "a reason"), "ben": (None, "a reason")}


def test_numbers_in_the_names_of_a_platform_s_files_are_no_ids_of_the_roster(folder, roster):
    there(folder, "Anna Müller_12_assignsubmission_file_x.zip")
    (hand,) = [hand for hand in hands(folder, roster=roster) if hand.entry]
    assert (hand.id, hand.moodle, hand.canvas) == ("4711", "12", "")
    (folder / "Anna Müller_12_assignsubmission_file_x.zip").unlink()
    there(folder, "annam_12_900_step34.zip")
    (hand,) = [hand for hand in hands(folder, roster=roster) if hand.entry]
    assert (hand.id, hand.moodle, hand.canvas) == ("4711", "", "12")


def as_classroom_reports(result):
    """(points, of, status), as GitHub Classroom's reporter reads what graders hand it.

    classroom-resources/autograding-grading-reporter: base64 of a JSON with max_score, the status
    pass, fail or error, and tests, whose scores are added up; a test has a name, a status, and a
    message where it does not pass.
    """
    text = base64.b64encode(json.dumps(result).encode())
    read = json.loads(base64.b64decode(text))
    assert read["status"] in ("pass", "fail", "error")
    for test in read["tests"]:
        assert isinstance(test["name"], str)
        assert test["status"] in ("pass", "fail", "error")
        assert isinstance(test["message"], str)
    return sum(test["score"] for test in read["tests"]), read["max_score"], read["status"]


@pytest.mark.parametrize("points", [100.0, 61.25, 0.0, None])
def test_github_classroom_adds_up_the_points(points):
    one = graded("Anna", points)
    lower = dataclasses.replace(one.grade, points=points and points - 20.0)  # for what broke
    for each in (one, dataclasses.replace(one, grade=lower)):
        found = as_classroom_reports(exports.classroom(PLAN, Scheme(), each))
        most = (each.grade.points or 0.0, 100.0, "pass" if each.grade.points == 100.0 else "fail")
        assert found == most


def test_a_grader_that_failed_says_nothing_that_would_be_a_grade():
    one = dataclasses.replace(graded("Anna", None), result={"cases": {}, "error": "out of memory"})
    for export in (exports.gradescope, exports.classroom):
        assert export(PLAN, Scheme(), one) == {}
    assert exports.gradescope(PLAN, Scheme(), graded("Anna", None))["score"] == 0


#: What Gradescope documents of results.json (its "Autograder Specifications"): names, and what
#: they may be. A score is needed at the top, or in each test.
RESULT = {"score": (int, float), "output": str, "output_format": str, "visibility": str}
RESULT |= {"stdout_visibility": str, "tests": list, "execution_time": (int, float)}
TEST = {"score": (int, float), "max_score": (int, float), "status": str, "name": str}
TEST |= {"output": str, "output_format": str, "tags": list, "visibility": str, "number": str}
WORDS = {
    "status": {"passed", "failed"},
    "output_format": {"text", "html", "simple_format", "md", "ansi"},
    "visibility": {"hidden", "after_due_date", "after_published", "visible"},
}
WORDS["stdout_visibility"] = WORDS["visibility"]


def test_one_submission_is_graded_as_an_autograder_of_gradescope_does(
    short, classroom, tmp_path, monkeypatch
):
    wrong = RIGHT["dezero/functions.py"].replace("gy * -sin(x)", "gy * sin(x)")
    classroom.hand_in("anna", RIGHT | {"dezero/functions.py": wrong})
    classroom.submissions = classroom.submissions / "anna"
    results = tmp_path / "results.json"
    reported = tmp_path / "classroom.json"
    status, _ = classroom.grade("--one", "--results", results, "--classroom", reported)
    assert status == 0
    points, most, said = as_classroom_reports(json.loads(reported.read_text("utf-8")))
    found = json.loads(results.read_text("utf-8"))
    assert 0 < found["score"] < 100
    assert (pytest.approx(found["score"]), 100, "fail") == (points, most, said)
    assert sum(test.get("score", 0) for test in found["tests"]) == pytest.approx(
        found["score"], abs=0.1
    )
    for table, known in [(found, RESULT), *((test, TEST) for test in found["tests"])]:
        for name, value in table.items():
            assert isinstance(value, known[name]), name
            assert name not in WORDS or value in WORDS[name]
    assert "score" in found
    # "If test cases are hidden, students will not be able to see their total score."
    assert {test["visibility"] for test in found["tests"]} == {"visible"}
    assert {test["status"] for test in found["tests"]} == {"passed", "failed"}
    assert any("expected" in test.get("output", "") for test in found["tests"])


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("x")', " '=1+1", "anna;=1+1", "anna; @SUM(A1)", 'anna;"=1', "a;;-2+3", "+1"],
)
def test_text_that_a_spreadsheet_would_compute_is_text(text):
    """Excel separates by ; where a comma is the decimal point, whatever the file does."""
    (line,) = exports._table([[exports.csv_text(text), "100"]]).splitlines()
    for separator in ",;":
        for cell in next(csv.reader([line], delimiter=separator)):
            assert cell.lstrip(' "')[:1] not in ("=", "+", "-", "@", "|", "%"), cell
    assert exports.csv_text("anna; b = 1") == "anna; b = 1"
