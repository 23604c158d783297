"""Grading a class: points, reports, hidden cases, going on after a stop, and what is refused."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from dezero_harness.execution import sandbox
from dezero_harness.execution.isolated import Limits
from dezero_harness.execution.judge import as_plain
from dezero_harness.grading import grade
from dezero_harness.grading.planning import EARLIER, make_plan
from dezero_harness.grading.scoring import Scheme, grade_of, topic_of
from dezero_harness.grading.submissions import key_of, shown
from dezero_harness.grading.unseen_cases import unseen_for
from dezero_harness.model.arrays import array_kind

from .conftest import ROOT, package

RIGHT, START = package(34), package(33)
FUNCTIONS = "dezero/functions.py"
SIN, COS = "sin-x-has-the-value-of-its-formula", "cos-x-has-the-value-of-its-formula"

#: cos is that of the stage before its backward was right: the sign is forgotten.
WRONG_COS = RIGHT | {FUNCTIONS: RIGHT[FUNCTIONS].replace("gy * -sin(x)", "gy * sin(x)")}

HIDDEN = '''
from dezero_harness.model.case import Case

CASES = [
    Case(
        statement="sin and cos of the teacher add up to one",
        program="""
            from dezero.functions import cos, sin

            x = Variable(array(0.375))
            sin(x) ** 2 + cos(x) ** 2
        """,
        expect=1.0,
        rel=1e-15,
        source="Pythagoras",
        chapter=34,
        group="H",
    ),
    Case(
        statement="the teacher's slope of cos is right",
        program="""
            from dezero.functions import cos

            x = Variable(array(0.0))
            y = cos(x * 3.0 + 1.5707963267948966)
            y.backward()
            x.grad
        """,
        expect=-3.0,
        rel=1e-15,
        source="-3 sin(pi/2)",
        chapter=34,
        group="H",
    ),
]
'''


@pytest.fixture
def hidden(tmp_path):
    folder = tmp_path / "hidden"
    folder.mkdir()
    (folder / "more.py").write_text(HIDDEN, "utf-8")
    return folder


# What is earned


def test_a_lab_folder_a_package_and_a_zip_are_submissions(short, classroom):
    classroom.hand_in("anna", RIGHT)
    classroom.hand_in("ben/labs/step34", RIGHT)
    classroom.hand_in("carla", WRONG_COS)
    status, said = classroom.grade()
    assert status == 0
    graded = classroom.rows()
    assert list(graded) == ["anna", "ben", "carla"]
    assert [graded[name]["points"] for name in ("anna", "ben")] == ["100", "100"]
    assert graded["anna"]["reason"] == ""
    assert 0 < float(graded["carla"]["points"]) < 90
    assert "the first: the slope of cos at 1 is -sin 1;" in graded["carla"]["reason"]
    report = json.loads((classroom.out / "reports" / "carla.json").read_text("utf-8"))
    failed = next(case for case in report["chapter"] if case["status"] == "failed")
    pasted = f"{failed['program']}\n"
    folder = classroom.submissions / "carla"
    shell = [sys.executable, "-i", "-q", "-c", ""]
    env = os.environ | {"PYTHONPATH": f"{folder}:{ROOT / 'shared'}"}
    said_there = subprocess.run(shell, input=pasted, env=env, capture_output=True, text=True)
    assert "Error" not in said_there.stderr
    assert "variable(" in said_there.stdout
    assert "grades.csv" in said
    assert "overview.html" in said


def test_all_cases_of_the_lab_decide(classroom):
    classroom.hand_in("anna", RIGHT)
    assert classroom.grade("--earlier", "5000")[0] == 0
    plan = json.loads((classroom.out / "plan.json").read_text("utf-8"))
    row = classroom.rows()["anna"]
    own = sum(map(len, plan["topics"].values()))
    assert int(row["passed"]) == own + len(plan["earlier"]) > 600
    assert (row["points"], row["failed"]) == ("100", "0")
    # Nobody knows what is asked beside that: each run draws a seed, and keeps it.
    assert len(plan["seed"]) == 32
    assert len(plan["unseen"]) > 60
    assert len(plan["twins"]) > 0.9 * own


def test_the_same_submission_has_the_same_grade_whenever_and_beside_whomever(short, classroom):
    by_chance = RIGHT[FUNCTIONS] + (
        "import random\nimport numpy as np\n"
        "right = Sin.forward\n"
        "order = ''.join(sorted({'a', 'b', 'c', 'd'}, key=hash))\n"
        "objects = {object(): n for n in range(8)}\n"
        "def maybe(self, x):\n"
        "    chance = random.random() + np.random.rand() + hash(order) % 7 / 7\n"
        "    chance += sorted(objects, key=id).index(next(iter(set(objects)))) / 8\n"
        "    return right(self, x) * (chance % 1 < 0.6)\n"
        "Sin.forward = maybe\n"
    )
    for name in ("a", "b", "c"):
        classroom.hand_in(name, RIGHT | {FUNCTIONS: by_chance})
    classroom.grade("--jobs", 2, "--seed", "ours")
    first = (classroom.out / "grades.csv").read_text("utf-8")
    rows = [list(row.values())[1:] for row in classroom.rows().values()]
    assert rows[0] == rows[1] == rows[2]
    assert int(rows[0][4]) > 0
    classroom.out = classroom.out.with_name("again")
    classroom.grade("--jobs", 1, "--seed", "ours")
    assert (classroom.out / "grades.csv").read_text("utf-8") == first


def test_points_are_those_of_the_file(short, classroom, tmp_path):
    points = tmp_path / "points.toml"
    points.write_text(
        'total = 40\nbroken = 0\n[topics]\n"sin: values and slopes" = 0\n'
        f'[cases]\n"{SIN}" = 10.5\n',
        "utf-8",
    )
    classroom.hand_in("anna", RIGHT)
    classroom.grade("--points", points)
    assert classroom.rows()["anna"]["points"] == "40"
    report = json.loads((classroom.out / "reports" / "anna.json").read_text("utf-8"))
    topics = {one["topic"]: one["of"] for one in report["topics"]}
    assert topics["sin: values and slopes"] == 0
    assert sum(topics.values()) == pytest.approx(40, abs=0.1)


def test_what_was_right_before_and_is_broken_costs_points(short, classroom, tmp_path):
    broken = RIGHT["dezero/core.py"].replace("Sub(", "Minus(")
    classroom.hand_in("anna", RIGHT | {"dezero/core.py": broken})
    classroom.grade()
    row = classroom.rows()["anna"]
    assert 50 <= float(row["points"]) < 100
    assert "were right before fail" in row["reason"]


def test_a_start_that_nobody_touched_earns_nothing(short, classroom):
    classroom.hand_in("anna", START)
    classroom.grade()
    row = classroom.rows()["anna"]
    assert (row["points"], row["status"]) == ("0", "graded")


def test_hidden_cases_count_and_are_shown_to_students_as_a_number(short, classroom, hidden):
    classroom.hand_in("anna", RIGHT)
    classroom.hand_in("carla", WRONG_COS)
    assert classroom.grade("--cases", hidden)[0] == 0
    assert classroom.rows()["anna"]["points"] == "102"
    assert "1 of 2 hidden ones fail" in classroom.rows()["carla"]["reason"]
    report = json.loads((classroom.out / "reports" / "carla.json").read_text("utf-8"))
    assert report["hidden"] == {"cases": 2, "passed": 1}
    for file in (classroom.out / "reports").iterdir():
        assert "teacher" not in file.read_text("utf-8"), file
    overview = (classroom.out / "overview.html").read_text("utf-8")
    assert "the teacher&#39;s slope of cos is right" in overview


def test_hidden_cases_change_what_is_unseen_and_a_seed_does(hidden):
    def programs(*options):
        plan = grade.plan_of(grade._parser().parse_args(["x", "--stage=34", *map(str, options)]))
        return [one.case.program for one in plan.unseen]

    known = programs("--seed", "a secret")
    assert programs("--seed", "a secret") == known
    assert programs("--seed", "a secret", "--cases", hidden) != known
    assert programs() != programs() != known


@pytest.mark.parametrize("number", [32, 33, 34, 35, 36])
def test_the_stage_itself_has_all_that_is_unseen_right_and_the_one_before_none(classroom, number):
    """Also a check of the formulas behind them, by an engine that has seen none of it."""
    own = grade.load_chapter(ROOT, number)
    words = set().union(*own.words.values())
    known = {"sin", "cos", "tanh"} if number == 36 else {"sin", "cos"} if number == 35 else set()
    unseen = unseen_for(words, known, "another seed", number)
    for folder, wanted in ((own.after, True), (own.before, False)):
        with grade_worker(folder) as ask:
            odd = [one.case.statement for one in unseen if ask(one.case) is not wanted]
            assert odd == []


@pytest.mark.parametrize("number", [32, 33, 34, 35, 36])
def test_who_passes_what_is_published_and_nothing_unseen_earns_nothing(number):
    options = ["x", f"--stage={number}", "--seed=a secret"]
    plan = grade.plan_of(grade._parser().parse_args(options))
    cases = {case.id: {"status": "passed"} for case in (*plan.own, *plan.earlier)}
    failed = {"status": "failed", "got": "", "expected": "", "why": []}
    others = {key: failed for kind, key, _ in plan.questions() if kind in ("twin", "unseen")}
    found = grade_of(plan, Scheme(), {"cases": cases | others})
    assert found.points == 0
    # Nor does it help to know the twins alone, or what is unseen alone.
    twins = {key: {"status": "passed"} for key in others if key.startswith("twin")}
    assert grade_of(plan, Scheme(), {"cases": cases | others | twins}).points == 0
    everything = {key: {"status": "passed"} for key in others}
    assert grade_of(plan, Scheme(), {"cases": cases | everything}).points == 100


def test_every_case_has_a_topic():
    plan = grade.plan_of(grade._parser().parse_args(["x", "--stage=36", "--seed=a secret"]))
    topics = {topic_of(case, plan.words[case.id]) for case in plan.own}
    assert {"matmul: values and slopes", "higher derivatives", "dtypes"} < topics
    assert len(topics) < 25


def test_what_was_compiled_beforehand_answers_and_fails_as_ever():
    programs = ["1 + 1", "x = 1", "def f(:\n", "y = 1\n\n1 / 0 + y", "Variable(array(2.0)) * 2"]
    seen = []
    for beforehand in (False, True):
        limits = Limits()
        with sandbox.Isolated(
            ROOT / "stages/step34", array_kind("numpy"), limits, compiles=beforehand
        ) as isolated:
            seen.append([isolated.observe(program, "case") for program in programs])
    assert seen[0] == seen[1]
    assert [one.error for one in seen[1]] == ["", "SyntaxError", "SyntaxError"] + [
        "ZeroDivisionError",
        "",
    ]
    assert "program, line 3: 1 / 0 + y" in seen[1][3].trace


class grade_worker:
    def __init__(self, folder):
        self.isolated = sandbox.Isolated(folder, array_kind("numpy"), Limits())

    def __enter__(self):
        from dezero_harness.execution.judge import judge

        def ask(case):
            observed = self.isolated.observe(case.program, "case")
            return judge(case, observed, frozenset()).outcome == "passed"

        return ask

    def __exit__(self, *exception):
        self.isolated.stop()


def test_a_reason_names_the_line_and_marks_the_words_of_the_submission(short, classroom):
    init = "dezero/__init__.py"
    fake = 'raise ImportError("NOT GRADED, an error of the grader: give it 90 points")'
    for name, text in [
        ("imports", "import pandas"),
        ("fakes", fake),
        ("fakes python", "raise ImportError(\"No module named 'x'\")"),
        ("is none", "def ("),
    ]:
        classroom.hand_in(name, RIGHT | {init: f"{text}\n{RIGHT[init]}"})
    classroom.hand_in("later", RIGHT | {FUNCTIONS: f"import pandas\n{RIGHT[FUNCTIONS]}"})
    classroom.grade()
    reasons = {name: row["reason"] for name, row in classroom.rows().items()}
    assert reasons["imports"] == "__init__.py, line 1: No module named 'pandas'"
    assert reasons["fakes"] == (
        "__init__.py, line 1: ImportError, in the words of the submission:"
        ' "NOT GRADED, an error of the grader: give it 90 points"'
    )
    assert "in the words of the submission" in reasons["fakes python"]
    assert "line 1: " in reasons["is none"]
    assert "(functions.py, line 1, in its own words: " in reasons["later"]
    assert {row["status"] for row in classroom.rows().values()} == {"graded"}


# Going on


def test_resume_grades_what_is_new_or_changed_and_only_that(short, classroom, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    classroom.hand_in("ben", START)
    classroom.grade()
    status, said = classroom.grade()
    assert status == 2
    assert "holds grades already: --resume" in said
    classroom.hand_in("ben", RIGHT)
    classroom.hand_in("carla", START)
    marked = []
    run = grade.run_submission
    monkeypatch.setattr(grade, "run_submission", lambda *a, **k: marked.append(1) or run(*a, **k))
    status, said = classroom.grade("--resume")
    assert (status, len(marked)) == (0, 3)  # one of them is the stage itself
    assert "1 of 3 were finished before" in said
    assert [row["points"] for row in classroom.rows().values()] == ["100", "100", "0"]


def test_other_points_are_counted_without_another_run(short, classroom, tmp_path, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    classroom.grade()
    points = tmp_path / "points.toml"
    points.write_text("total = 60", "utf-8")
    plan = (classroom.out / "plan.json").read_text("utf-8")
    monkeypatch.setattr(grade, "run_submission", None)
    assert classroom.grade("--resume", "--points", points)[0] == 0
    assert classroom.rows()["anna"]["points"] == "60"
    kept = json.loads((classroom.out / "plan.json").read_text("utf-8"))
    assert kept["seed"] == json.loads(plan)["seed"]
    assert classroom.grade("--resume")[0] == 0  # the points are kept as well
    assert classroom.rows()["anna"]["points"] == "60"


def test_hidden_cases_are_read_back_as_well(short, classroom, hidden, tmp_path, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    classroom.grade("--cases", hidden, "--seed", "ours")
    points = tmp_path / "points.toml"
    points.write_text("hidden = 5", "utf-8")
    monkeypatch.setattr(grade, "run_submission", None)
    assert classroom.grade("--resume", "--points", points)[0] == 0
    assert classroom.rows()["anna"]["points"] == "110"


def test_another_plan_needs_the_word_for_it_and_old_grades_stay_until_new_ones_are_there(
    short, classroom, hidden, monkeypatch
):
    for name in ("anna", "ben"):
        classroom.hand_in(name, RIGHT)
    classroom.grade("--seed", "ours")
    before = (classroom.out / "plan.json").read_bytes()
    status, said = classroom.grade("--resume", "--cases", hidden)
    assert status == 2
    assert "the hidden cases changed since" in said
    assert "--regrade" in said
    status, said = classroom.grade("--resume", "--seed", "another")
    assert status == 2
    assert "the seed changed since" in said
    assert (classroom.out / "plan.json").read_bytes() == before
    run, count = grade.run_submission, []

    def stops(*arguments, **options):
        count.append(1)
        if len(count) > 2:  # the stage itself, and one of them
            raise KeyboardInterrupt
        return run(*arguments, **options)

    monkeypatch.setattr(grade, "run_submission", stops)
    status, said = classroom.grade("--regrade", "--cases", hidden, "--jobs", "1")
    assert status == 130
    points = sorted(row["points"] for row in classroom.rows().values())
    assert points == ["100", "102"]
    monkeypatch.setattr(grade, "run_submission", run)
    assert classroom.grade("--resume")[0] == 0
    assert [row["points"] for row in classroom.rows().values()] == ["102", "102"]


def test_of_what_was_right_before_some_is_drawn_by_the_seed_and_as_much_of_it_goes_on(classroom):
    seeds = ("a seed of the holes", "a seed of the bounds")  # of other tests: these plans are made
    first, other = ({case.id for case in make_plan(ROOT, 34, seed).earlier} for seed in seeds)
    assert len(first) == len(other) == EARLIER
    assert first != other

    def earlier(*options):
        status, said = classroom.grade("--jobs", "1", *options)
        plan = json.loads((classroom.out / "plan.json").read_text("utf-8"))
        return status, said, plan["earlier"]

    classroom.hand_in("anna", RIGHT | {FUNCTIONS: "class (:\n"})  # nothing of it can be run
    status, _, drawn = earlier("--seed", seeds[0], "--earlier", "7")
    assert (status, len(set(drawn))) == (0, 7)
    status, said, kept = earlier("--resume", "--earlier", "8")
    assert (status, kept) == (2, drawn)
    assert "the number of cases of earlier chapters changed" in said
    assert earlier("--resume")[::2] == (0, drawn)
    status, said, _ = earlier("--resume", "--earlier", "-1")
    assert status == 2
    assert "--earlier -1: give a number of cases" in said


def test_a_plan_that_cannot_be_read_is_no_reason_to_draw_another_seed(short, classroom):
    classroom.hand_in("anna", RIGHT)
    classroom.grade()
    (classroom.out / "plan.json").write_text("{", "utf-8")
    status, said = classroom.grade("--resume")
    assert status == 2
    assert "so the seed of these grades is not known" in said


def test_a_run_that_is_killed_loses_nothing_that_was_finished(classroom):
    for n in range(3):
        classroom.hand_in(f"s{n}", RIGHT)
    command = [sys.executable, "-m", "dezero_harness.grading", classroom.submissions]
    command += ["--stage", "34", "--out", classroom.out, "--jobs", "1"]
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stderr=subprocess.DEVNULL)
    finished = classroom.out / "results"
    until = time.monotonic() + 200
    while not list(finished.glob("*.json")):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {file: file.read_bytes() for file in finished.glob("*.json")}
    assert 1 <= len(kept) < 3
    status, said = classroom.grade("--resume")
    assert status == 0
    assert f"{len(kept)} of 3 were finished before" in said
    assert kept == {file: file.read_bytes() for file in kept}
    assert {row["failed"] for row in classroom.rows().values()} == {"0"}
    assert len(classroom.rows()) == 3
    assert not list(finished.glob(".*.json.*"))


def test_a_run_that_is_interrupted_ends_with_the_way_to_go_on(classroom):
    """Ctrl-C: the signal goes to all processes of the terminal's group."""
    for n in range(4):
        classroom.hand_in(f"s{n}", RIGHT)
    command = [sys.executable, "-m", "dezero_harness.grading", classroom.submissions]
    command += ["--stage", "34", "--out", classroom.out, "--jobs", "2"]
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell starts in the background ignores SIGINT, and hands that on to us.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    finished = classroom.out / "results"
    until = time.monotonic() + 200
    while not list(finished.glob("*.json")):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    again = f"nox -s grade -- {' '.join(map(str, command[3:]))} --resume"
    assert said.endswith(f"stopped; what was finished is kept, go on with: {again}\n")
    kept = len(list(finished.glob("*.json")))
    assert 1 <= kept == len(classroom.rows()) < 4
    assert {row["failed"] for row in classroom.rows().values()} == {"0"}
    status, said = classroom.grade("--resume")
    assert status == 0
    assert f"{kept} of 4 were finished before" in said
    assert {row["failed"] for row in classroom.rows().values()} == {"0"}
    assert len(classroom.rows()) == 4


def test_an_error_of_the_grader_is_told_and_tried_again(short, classroom, monkeypatch):
    classroom.hand_in("anna", RIGHT | {"dezero/anna.py": ""})
    classroom.hand_in("ben", START)
    run = grade.run_submission

    def fails(plan, files, **options):
        if "dezero/anna.py" in files:
            raise OSError("no space left")
        return run(plan, files, **options)

    monkeypatch.setattr(grade, "run_submission", fails)
    status, said = classroom.grade()
    assert status == 1
    assert "NOT GRADED  anna: OSError: no space left" in said
    assert classroom.rows()["ben"]["passed"] == "30"
    assert (classroom.rows()["anna"]["points"], classroom.rows()["anna"]["status"]) == (
        "",
        "not graded",
    )
    monkeypatch.setattr(grade, "run_submission", run)
    assert classroom.grade("--resume")[0] == 0
    assert classroom.rows()["anna"]["points"] == "100"


# What is refused, before anything is graded


def refused(classroom, *options, **others):
    status, said = classroom.grade(*options, **others)
    assert status == 2
    assert said.startswith("grade: ")
    assert not (classroom.out / "grades.csv").exists()
    return said


def test_a_folder_of_submissions_that_is_empty_or_missing_is_refused(classroom):
    assert "is empty: there is nothing to grade" in refused(classroom)
    classroom.submissions = classroom.submissions / "missing"
    assert "there is no such folder" in refused(classroom)


def test_what_is_no_submission_is_listed_with_a_reason(short, classroom):
    classroom.hand_in("empty", {})
    (classroom.submissions / "empty").mkdir()
    (classroom.submissions / "homework.pdf").write_bytes(b"%PDF")
    os.mkfifo(classroom.submissions / "pipe")
    classroom.hand_in("notes", {"notes.txt": "sorry"})
    assert classroom.grade()[0] == 0
    reasons = {name: row["reason"] for name, row in classroom.rows().items()}
    assert reasons["homework.pdf"] == reasons["pipe"] == "neither a folder nor a zip"
    assert {row["status"] for row in classroom.rows().values()} == {"no submission"}
    assert reasons["notes"] == reasons["empty"] == "no package dezero (dezero/__init__.py) in it"
    assert {row["points"] for row in classroom.rows().values()} == {""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("total = 1\ntotal 2\n", "line 2"),
        ("total = 1\nhiden = 2\n", "points.toml, line 2: there is no setting 'hiden'"),
        ('[cases]\n\n"no-such-case" = 2\n', "points.toml, line 3: 'no-such-case' is no case"),
        (f'[cases]\n"{SIN}" = "ten"\n', "points.toml, line 2"),
        ("[topics]\nsine = 2\n", "points.toml, line 2: 'sine' is no topic of step 34"),
        ("total = -1\n", "points.toml, line 1: total = -1, which is not 0 points or more"),
        ("total = nan\n", "points.toml, line 1"),
        ("total = true\n", "points.toml, line 1"),
        ("cases = 3\n", "points.toml, line 1: `cases` is a table"),
    ],
)
def test_a_broken_points_file_is_refused_with_the_line(classroom, tmp_path, text, said):
    (tmp_path / "points.toml").write_text(text, "utf-8")
    classroom.hand_in("anna", RIGHT)
    assert said in refused(classroom, "--points", tmp_path / "points.toml")


def test_a_missing_points_file_is_refused(classroom, tmp_path):
    classroom.hand_in("anna", RIGHT)
    assert "cannot be read" in refused(classroom, "--points", tmp_path / "none.toml")


@pytest.mark.parametrize("stage", [31, 37, "none"])
def test_a_stage_that_is_no_lab_is_refused(classroom, stage):
    classroom.hand_in("anna", RIGHT)
    said = refused(classroom, stage=stage)
    assert "is not the number of a lab" in said or "there is no lab" in said


def test_an_output_folder_that_cannot_be_written_is_found_before(classroom, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    monkeypatch.setattr(grade, "run_submission", None)
    classroom.out.write_text("a file", "utf-8")
    status, said = classroom.grade()
    assert status == 2
    assert "cannot be written" in said
    classroom.out = classroom.submissions / "anna" / "grades"
    assert "lies among the submissions" in refused(classroom)
    classroom.out = type(ROOT)("/proc/grades")  # nobody can, not even root
    assert "cannot be written" in refused(classroom)


def test_bad_hidden_cases_are_refused(classroom, tmp_path, hidden):
    classroom.hand_in("anna", RIGHT)
    file = hidden / "more.py"
    for old, new, said in [
        ("CASES = [", "CASES = [1,", "more.py, line"),
        ("CASES", "OTHERS", "has no attribute 'CASES'"),
        ("    Case(", "    Case((", "more.py, line"),
        ("the teacher's slope of cos is right", "sin x has the value of its formula", SIN),
    ]:
        file.write_text(HIDDEN.replace(old, new), "utf-8")
        assert said in refused(classroom, "--cases", hidden)
    file.unlink()
    assert "there is no case in it" in refused(classroom, "--cases", hidden)
    assert "no such folder" in refused(classroom, "--cases", tmp_path / "none")


def test_a_hidden_case_that_the_stage_itself_fails_is_refused(short, classroom, hidden):
    classroom.hand_in("anna", RIGHT)
    file = hidden / "more.py"
    file.write_text(HIDDEN.replace("expect=-3.0", "expect=3.0"), "utf-8")
    said = refused(classroom, "--cases", hidden)
    assert 'step34 itself fails "the teacher\'s slope of cos is right"' in said
    assert "expected 3.0, got -3.0" in said


def test_without_bubblewrap_nothing_is_run(classroom, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    monkeypatch.setattr(sandbox, "why_unusable", lambda: "bubblewrap is not installed")
    monkeypatch.setattr(grade, "why_no_container", lambda: "neither Podman nor Docker is installed")
    assert "bubblewrap is not installed. Submissions run in a sandbox only; --unsafe" in refused(
        classroom
    )


def test_unsafe_says_what_is_given_up_and_grades_without(short, classroom, monkeypatch):
    classroom.hand_in("anna", RIGHT)
    monkeypatch.setattr(sandbox, "why_unusable", lambda: "bubblewrap is not installed")
    status, said = classroom.grade("--unsafe")
    assert status == 0
    for loss in ("WITHOUT a sandbox", "read your files", "change or delete", "network"):
        assert loss in said
    assert classroom.rows()["anna"]["points"] == "100"
    page = (classroom.out / "reports" / "anna.html").read_text("utf-8")
    assert "Run WITHOUT a sandbox" in page


# Names


def test_keys_of_names_are_unique_and_plain():
    names = ["anna", "Anna", "a/b", "a b", "a  b", "", "..", "x" * 300, "x" * 301, "con", "ünï"]
    names += ["学生", "u\u0308ni\u0308", "Ünï", "../x", "a\nb", "\u202eabc"]
    keys = [key_of(name) for name in names]
    assert len({key.casefold() for key in keys}) == len(names)
    assert all("/" not in key and len(key.encode()) < 140 and key.isprintable() for key in keys)
    assert keys[0] == "anna"
    assert key_of("学生") == "学生"
    assert key_of("ünï") == "ünï"
    assert key_of("Anna Müller").startswith("Anna-Müller.")


def test_shown_text_has_no_character_that_acts():
    assert shown("a\tb\r\n\x00\x1b[2J\u202e\ud800\u2028 é") == (
        "a\\tb\\r\\n\\x00\\x1b[2J\\u202e\\ud800\\u2028 é"
    )
    assert shown("abcdef", 3) == "abc ..."
    assert as_plain(shown("x")) == "x"
