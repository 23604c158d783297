"""The mathematics as data: steps, checks, ids that stay, and engines that are commands."""

import json
import os
import re
import sys

import pytest

from conftest import ROOT, a_case
from dezero_harness import adapters, cases, plugin  # noqa: F401  (before pytester's snapshot)
from dezero_harness.adapters import bridge
from dezero_harness.export import ids, questions, recording, replay
from dezero_harness.export.__main__ import as_json, exported, main
from dezero_harness.suite import conformance  # noqa: F401  (before pytester's snapshot)

pytest_plugins = ["pytester"]

CORE = [case for case in cases.ALL if case.level == "core"]
FEW = CORE[7::40]


@pytest.fixture(scope="module")
def everything():
    return exported("1.0.0", {case.id: case for case in CORE})


def engine(file=""):
    return replay.Engine(*bridge.book_like(bridge.load(str(file) or adapters.find("small"))))


SMALL = adapters.find("small")


# --- what is in the file ---


def test_of_the_mathematics_at_least_95_percent_is_data_and_the_rest_says_why(everything):
    content, left_out = everything
    assert len(content["cases"]) + len(left_out) == len(CORE)
    assert len(content["cases"]) > 0.95 * len(CORE)
    assert all(why.startswith("its program ") for why in left_out.values())


def test_the_file_alone_tells_that_the_small_engine_is_right(everything):
    text = as_json(everything[0])
    read = json.loads(text)
    assert read == everything[0]
    small = engine()
    verdicts = {case["id"]: replay.verdict(small, case) for case in read["cases"]}
    assert {name: why for name, why in verdicts.items() if why != ("passed", "")} == {}


def test_every_case_asks_something_that_a_wrong_engine_gets_wrong(everything):
    for case in everything[0]["cases"]:
        assert {check["value"] for check in case["checks"]} == set(case["asked"])
        for check in case["checks"]:
            assert questions.wrong(check, [[[[[[7.5]]]]]], (0.1, 0.1, 4))


def test_an_exact_number_stays_what_it_is():
    numbers = [0.1, -0.0, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), 3]
    data = json.loads(json.dumps(recording.to_data(numbers)))
    assert data[0] == "0x1.999999999999ap-4"
    assert list(map(repr, questions.from_data(data))) == list(map(repr, numbers))
    assert str(questions.from_data(recording.to_data(float("nan")))) == "nan"


@pytest.mark.parametrize("text", ["1.5", "", "0x", "one", True, {}])
def test_what_is_no_number_is_told(text):
    with pytest.raises(ValueError, match="is no number"):
        questions.from_data([text])


# --- from a program to steps ---


def steps(program, **changes):
    return questions.as_data(a_case(program=program, **changes))


def test_a_program_is_its_steps():
    data = steps(
        """
        x = Variable(array([2.0, -1.0]))
        y = 3 * x ** 2.0
        y.grad = Variable(array([1.0, 0.5]))
        y.backward(create_graph=True)
        x.grad, y.shape
        """,
        expect=([12.0, -3.0], (2,)),
    )
    assert data["steps"] == [
        {"do": "leaf", "name": "v1", "data": ["0x1.0000000000000p+1", "-0x1.0000000000000p+0"]},
        {
            "do": "apply",
            "name": "v2",
            "operation": "pow",
            "inputs": ["v1", {"number": "0x1.0000000000000p+1"}],
        },
        {"do": "apply", "name": "v3", "operation": "mul", "inputs": [{"number": 3}, "v2"]},
        {"do": "leaf", "name": "v4", "data": ["0x1.0000000000000p+0", "0x1.0000000000000p-1"]},
        {"do": "walk", "root": "v3", "create_graph": True, "seed": "v4"},
        {"do": "gradient", "name": "v5", "of": "v1"},
    ]
    assert data["asked"] == ["v5", "v3"]
    assert data["checks"] == [
        {"value": "v5", "is": ["0x1.8000000000000p+3", "-0x1.8000000000000p+1"]},
        {"value": "v3", "shape": [2]},
    ]


def test_numbers_taken_out_of_a_variable_are_computed_with_by_steps():
    data = steps(
        """
        x = Variable(array(2.0))
        for _ in range(2):
            x.cleargrad()
            (x * x).backward()
            x.data = x.data - x.grad.data / 4
        values(x)
        """,
        expect=0.5,
    )
    kinds = [step["do"] for step in data["steps"]]
    assert kinds.count("assign") == kinds.count("clear") == kinds.count("walk") == 2
    assert replay.verdict(engine(), data) == ("passed", "")


def test_where_no_gradient_counts_as_zeros_the_step_says_so():
    program = """
        x, w = Variable(array(2.0)), Variable(array(1.0))
        (x * x).backward()
        {answer}
        """
    nothing = steps(program.format(answer="w.grad"), expect=None)
    assert nothing["checks"] == [{"value": "v4", "is": None}]
    zeros = steps(program.format(answer="0.0 * w if w.grad is None else w.grad"), expect=0.0)
    assert zeros["steps"][-1] == {
        "do": "gradient",
        "name": "v4",
        "of": "v2",
        "otherwise": "zeros",
    }


def test_a_comparison_is_a_check():
    program = "x = Variable(array(3.0))\n[values(x) > 2.0, values(x) == 3.0]"
    data = steps(program, expect=[True, True])
    assert data["checks"] == [
        {"value": "v2", "above": "0x1.0000000000000p+1"},
        {"value": "v3", "is": "0x1.8000000000000p+1"},
    ]
    assert questions.wrong(data["checks"][0], 2.0, (0.0, 0.0, 0))
    assert not questions.wrong(data["checks"][0], 2.5, (0.0, 0.0, 0))


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("x = Variable(array(2.0))\nfloat(x.data)", "makes a number of Python's"),
        ("x = Variable(array(2.0))\nx, 1.0 if values(x) > 1.0 else 2.0", "decides in Python"),
        ("x = Variable(array(2.0))\nsum([values(x) > 1.0])", "counts in Python"),
        ("x = Variable(array([2.0]))\nx.data[0]", "takes a number out of an array"),
        ("Variable(array(2.0)).creator", "does what no step is (AttributeError"),
        ("from dezero.functions import sinh\n1.0", "does what no step is (ImportError"),
        ("4.0", "answers with nothing that it computes"),
        ("x = Variable(array(2.0))\nx.grad * 2.0", "computes with a gradient that there is not"),
    ],
)
def test_what_is_no_list_of_steps_says_why(program, why):
    with pytest.raises(recording.NotData) as told:
        questions.question(a_case(program=program))
    assert why in str(told.value)


def test_what_was_imported_before_is_there_after():
    before = sys.modules.get("dezero")
    recording.record("Variable(array(2.0))")
    assert sys.modules.get("dezero") is before


# --- ids and versions ---

ONE, TWO = a_case(), a_case(statement="twice 3 is 6", program="Variable(array(3.0)).twice()")


def version(*catalogue, former=None):
    """The next version, and what has changed."""
    former = former or ids.Published()
    named = ids.named(catalogue, former)
    found = ids.changes(named, former)
    suite = ids.next_version(former.suite, found)
    return ids.Published(**json.loads(ids.written(named, former, suite))), named, found


def test_an_id_survives_a_rewording_and_then_a_change():
    first, named, found = version(ONE, TWO)
    assert (first.suite, list(named)) == ("1.0.0", ["twice-2-is-4", "twice-3-is-6"])
    reworded = a_case(statement="two times 2 is 4")
    second, named, found = version(reworded, TWO, former=first)
    assert (second.suite, named["twice-2-is-4"]) == ("1.0.1", reworded)
    assert vars(found) == {
        "added": [],
        "changed": [],
        "reworded": ["twice-2-is-4"],
        "withdrawn": [],
    }
    changed = a_case(statement="two times 2 is 4", expect=5.0)
    third, named, found = version(changed, TWO, former=second)
    assert (third.suite, found.changed) == ("2.0.0", ["twice-2-is-4"])


def test_an_id_that_was_withdrawn_is_given_to_no_other_case():
    first, _, _ = version(ONE, TWO)
    second, _, found = version(TWO, former=first)
    assert (second.suite, found.withdrawn) == ("2.0.0", ["twice-2-is-4"])
    other = a_case(expect=7.0)
    third, named, found = version(TWO, other, former=second)
    assert (third.suite, found.added) == ("2.1.0", ["twice-2-is-4-2"])
    assert named["twice-2-is-4-2"] is other


def test_nothing_changed_is_the_same_version():
    first, _, _ = version(ONE, TWO)
    second, _, found = version(ONE, TWO, former=first)
    assert second == first
    assert not found.any()


def test_a_release_writes_ids_and_changelog(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ids, "FILE", tmp_path / "ids.json")
    monkeypatch.setattr("dezero_harness.export.__main__.CHANGES", tmp_path / "CHANGELOG.md")
    out = f"--out={tmp_path / 'suite'}"
    for catalogue in ([FEW[0]], FEW[:2]):
        monkeypatch.setattr(cases, "ALL", catalogue)
        assert main([out, "--release"]) == 0
    text = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    assert text.startswith("# The suite, version by version\n")
    assert text.index("## 1.1.0") < text.index("## 1.0.0")
    assert f"- 1 cases added: `{FEW[1].id}`." in text
    monkeypatch.setattr(cases, "ALL", FEW[:3])
    assert main([out]) == 0
    assert "suite 1.2.0.dev: 3 of 3 cases (100.0%)" in capsys.readouterr().out
    assert (tmp_path / "suite/cases-1.2.0.dev.json").is_file()


def test_the_last_version_is_readable_and_what_is_not_is_told(tmp_path, monkeypatch, capsys):
    assert ids.published().suite
    (tmp_path / "ids.json").write_text("{", "utf-8")
    monkeypatch.setattr(ids, "FILE", tmp_path / "ids.json")
    assert main([f"--out={tmp_path}"]) == 2
    assert "is no list of ids" in capsys.readouterr().err


# --- the same verdicts as the run in this process ---


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs these cases with these options; the outcomes by id, and what was printed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "200")
    path = os.pathsep.join(map(str, [ROOT / "harness", ROOT / "shared"]))
    monkeypatch.setenv("PYTHONPATH", path)  # for a command, whether the harness is installed or not

    def run(*options, catalogue=FEW):
        monkeypatch.setattr(cases, "ALL", catalogue)
        harness = ["-p", "dezero_harness.plugin", "-p", "no:cacheprovider", "--report=here.json"]
        result = pytester.runpytest_inprocess(*harness, *options)
        report = pytester.path / "here.json"
        content = json.loads(report.read_text("utf-8")) if report.is_file() else {"results": []}
        report.unlink(missing_ok=True)
        return {one["id"]: one["outcome"] for one in content["results"]}, result

    return run


@pytest.fixture
def broken(tmp_path):
    """Makes a file of the small engine with a text replaced."""

    def make(old, new):
        text = (ROOT / "harness/dezero_harness/adapters/small.py").read_text("utf-8")
        assert old in text
        file = tmp_path / "broken.py"
        file.write_text(text.replace(old, new), "utf-8")
        return file

    return make


OUTCOMES = {
    "passed": "passed",
    "wrong": "unexpected",
    "error": "unexpected",
    "skipped": "not applicable",
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('OPERATIONS["cos"](x)', "sin(x)"),
        ("add(gradients[id(one)], g) if id(one) in gradients else g", "g"),
        ('    "matmul": matmul,\n', ""),
        ("leaf = Tensor", "leaf = Tensor\nCAPABILITIES = {'arrays', 'broadcast'}"),
        ('"log": log', '"log": lambda x: log'),
    ],
)
def test_a_replay_gives_the_verdicts_of_the_run_here(run, broken, old, new):
    file = broken(old, new)
    here, _ = run(f"--engine={file}")
    assert len(here) == len(FEW)
    adapted = engine(file)
    there = {}
    for case in FEW:
        try:
            there[case.id] = OUTCOMES[replay.verdict(adapted, questions.as_data(case))[0]]
        except recording.NotData:
            del here[case.id]
    assert there == here


@pytest.mark.parametrize("name", ["small", "broken"])
def test_a_command_gives_the_verdicts_of_the_run_here(run, broken, name):
    file = broken('OPERATIONS["cos"](x)', "sin(x)") if name == "broken" else SMALL
    here, _ = run(f"--engine={file}")
    python = f"{sys.executable} -m dezero_harness.export.replay --engine {file}"
    there, result = run(f"--engine-command={python}")
    assert {case: there[case] for case in here} == here
    assert ("unexpected" in there.values()) == (name == "broken")
    result.stdout.fnmatch_lines([f"engine: *{file}", f"profile: core*{len(FEW)} of {len(FEW)}*"])


# --- commands that do not do their part ---

SPEAKER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    reply = {"id": asked["id"], "engine": "mine 1"}
    if not asked["steps"]:
        reply["values"] = {}
    else:
        ANSWER
    print(json.dumps(reply), flush=True)
"""
SQUARE = a_case(
    statement="the square of 3 is 9",
    program="x = Variable(array(3.0))\nx * x",
    expect=9.0,
    level="core",
)


@pytest.fixture
def speaker(tmp_path):
    def make(answer="reply['values'] = {name: 9.0 for name in asked['asked']}", whole=""):
        file = tmp_path / "speaker.py"
        file.write_text(whole or SPEAKER.replace("ANSWER", answer), "utf-8")
        return f"--engine-command={sys.executable} {file}"

    return make


def test_a_command_answers_line_by_line(run, speaker):
    outcomes, result = run(speaker(), catalogue=[SQUARE, NO_DATA])
    assert outcomes == {SQUARE.id: "passed", NO_DATA.id: "not applicable"}
    result.stdout.fnmatch_lines(
        ["engine: mine 1", "*1  not applicable: this is no list of steps: it makes a number*"]
    )


NO_DATA = a_case(statement="no data", program="float(Variable(array(3.0)).data)", level="core")


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        ("reply['values'] = {'v2': '0x1.2p+3'}", "passed", "*1 passed*"),
        ("reply['values'] = {'v2': 10}", "unexpected", "expected  9.0"),
        ("reply['values'] = {'v2': [9.0]}", "unexpected", "got       [[]9.0]"),
        ("reply['values'] = {'v2': None}", "unexpected", "got       None"),
        ("reply['skipped'] = 'no mul'", "not applicable", "*1  not applicable: *skips it: no mul"),
        ("reply['error'] = 'out of luck'", "unexpected", "got       error: out of luck"),
        ("reply['values'] = {'v2': '9.0'}", "unexpected", "*its values are none: '9.0' is no num*"),
        ("reply['values'] = {}", "unexpected", "*v2 is asked for, and not among its values"),
        ("reply['value'] = 9.0", "unexpected", "*neither values, skipped nor error*"),
        ("reply['id'] = 'another'", "unexpected", "*it answers out of turn: the id of the que*"),
        ("print('hello', flush=True)", "unexpected", "*rubbish in place of an answer: b'hello*"),
        ("sys.exit(3)", "unexpected", "*the worker has ended, with exit status 3"),
        ("import time; time.sleep(60)", "unexpected", "*no answer within 0.2 s by the clock"),
    ],
)
def test_what_a_command_answers_is_told_apart(run, speaker, answer, outcome, said):
    outcomes, result = run(speaker(answer), "--time-limit=0.2", catalogue=[SQUARE])
    assert outcomes == {SQUARE.id: outcome}
    result.stdout.fnmatch_lines([said])
    assert "Traceback" not in result.stdout.str()


def test_a_command_that_fails_costs_the_case_that_it_was_in(run, speaker):
    another = a_case(statement="3 and 6 are 9", program=SQUARE.program.replace("x * x", "x + 6.0"))
    third = a_case(statement="three", program=SQUARE.program, expect=9.0, level="core")
    answer = "'add' in line and sys.exit(3)\n        reply['values'] = {'v2': 9.0}"
    catalogue = [SQUARE, a_case(**{**vars(another), "level": "core", "expect": 9.0}), third]
    outcomes, _ = run(speaker(answer), catalogue=catalogue)
    assert list(outcomes.values()) == ["passed", "unexpected", "passed"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-engine", "it cannot be started: No such file"),
        ("", "--engine-command is empty"),
        ("node 'engine.js", "--engine-command node 'engine.js: No closing quotation"),
        (f"{sys.executable} -c 1", "the worker has ended, with exit status 0"),
        (f"{sys.executable} -c print(1)", "rubbish in place of an answer"),
        (f"{sys.executable} -c raise(SystemExit('no,luck'))", "no,luck"),
    ],
)
def test_a_command_that_is_no_engine_is_told_in_one_line(run, command, said):
    _, result = run(f"--engine-command={command}", catalogue=[SQUARE])
    text = result.stderr.str().strip()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine=small"], "--engine and --engine-command: give the one or the other"),
        (["--profile=book"], "is asked the mathematics"),
        (["--python=python3"], "say it in --engine-command"),
        (["--pdb"], "a debugger cannot enter"),
    ],
)
def test_what_makes_no_sense_with_a_command_is_told(run, speaker, options, said):
    _, result = run(speaker(), *options, catalogue=[SQUARE])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        ("[]", "is no file that nox -s export has written"),
        ("{", "is no fi"),
    ],
)
def test_a_file_that_is_no_export_is_told(tmp_path, capsys, content, said):
    file = tmp_path / "cases.json"
    if content is not None:
        file.write_text(content, "utf-8")
    assert replay.main([str(file)]) == 2
    assert said in capsys.readouterr().err


# --- the page ---


def test_the_dialogue_on_the_page_is_the_one_that_is_spoken():
    text = (ROOT / "docs/test-your-engine.md").read_text("utf-8")
    question, *answers = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert engine().answers(question["steps"], question["asked"]) == answers[0]["values"]
    assert [set(answer) - {"id"} for answer in answers] == [{"values"}, {"skipped"}, {"error"}]
    assert {answer["id"] for answer in answers} == {question["id"]}


def test_the_page_names_every_step_and_every_operation():
    text = (ROOT / "docs/test-your-engine.md").read_text("utf-8")
    schema = json.loads((ROOT / "harness/dezero_harness/export/schema.json").read_text("utf-8"))
    steps = {
        branch["properties"]["do"]["const"]: branch["properties"]
        for branch in schema["$defs"]["step"]["oneOf"]
    }
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert rows.keys() == steps.keys()
    operations = steps["apply"]["operation"]["enum"]
    assert [name for name in operations if not re.search(rf"\b{name}\b", rows["apply"])] == []
    assert f"{'seven'} steps, and {'sixteen'} operations" in text
    assert (len(steps), len(operations)) == (7, 16)
