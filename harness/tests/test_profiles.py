"""Levels and profiles: what another engine is asked, and how a run on one bears what it does."""

import pytest

from conftest import ROOT, a_case
from dezero_harness import cases, plugin  # noqa: F401  (before pytester's snapshot of modules)
from dezero_harness.model.case import LEVELS, Raises
from dezero_harness.suite import catalogue_check, causes, conformance, profiles  # noqa: F401

pytest_plugins = ["pytester"]

# --- the catalogue ---


def test_the_levels_cover_the_catalogue():
    number = {level: sum(case.level == level for case in cases.ALL) for level in LEVELS}
    assert sum(number.values()) == len(cases.ALL)
    assert number["core"] > 800
    assert all(number.values())


def test_core_is_mathematics():
    assert catalogue_check.mistakes([case for case in cases.ALL if case.level == "core"]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"program": "x = Variable(array(2.0))\nx.twice().dtype", "expect": 4.0},
        {"program": "dtype_name(Variable(array(2.0)))", "expect": 4.0},
        {"program": "Variable(array(2.0, 'float32'))", "expect": 2.0},
        {"program": "(Variable(array(2.0)) * 2.0).creator.generation"},
        {"program": "type(Variable(array(2.0))).__name__"},
        {"program": "x = Variable(array(2.0), 'x')\nx.name"},
        {"program": "from dezero import Parameter\nParameter(array(4.0))"},
        {"program": "class F(dezero.Function):\n    pass\n4.0"},
        {"program": "import dezero_shared.series\n4.0"},
        {"program": "dezero.Config.train"},
        {"expect": "four"},
        {"expect": [4.0, "four"]},
        {"expect": Raises("TypeError", "float")},
    ],
)
def test_what_is_no_mathematics_is_no_core_case(changes):
    assert catalogue_check.mistakes([a_case(level="book", **changes)]) == []
    (mistake,) = catalogue_check.mistakes([a_case(level="core", **changes)])
    assert "level core" in mistake


def test_a_case_without_a_level_is_a_mistake():
    (mistake,) = catalogue_check.mistakes([a_case(level="")])
    assert "the level '' is none of core, book, dtype, hygiene, dezero" in mistake


def test_what_is_beyond_the_book_has_a_reason():
    assert profiles.mistakes(cases.ALL) == []


def test_a_departure_is_a_sentence_of_the_list_of_departures():
    text = (ROOT / "stages/README.md").read_text("utf-8").partition("## Departures")[2]
    text = " ".join(text.split())
    listed = {reason.departure for reason in profiles.reasons() if reason.departure}
    assert [words for words in listed if f"- *{words}" not in text] == []


# --- what a profile asks ---

CORE = a_case(level="core")
BOOK = a_case(statement="twice 3 is 6", program="Variable(array(3.0)).twice()", expect=6.0)
OURS = a_case(statement="it has no name", program="Variable(array(3.0)).name", level="dezero")
LATER = a_case(
    statement="sum adds up",
    program="from dezero.functions import sum\nsum(Variable(array([1.0, 3.0])))",
    needs=("functions", "array_functions"),
    chapter=36,
    level="core",
)
ALL = [CORE, BOOK, OURS, LATER]


@pytest.fixture
def foreign(tmp_path):
    """Makes a folder of an engine that knows nothing of stages."""

    def make(more="", files=None, name="theirs"):
        folder = tmp_path / name
        (folder / "dezero").mkdir(parents=True)
        text = ENGINE + more
        for file, content in {"dezero/__init__.py": text, **(files or {})}.items():
            (folder / file).write_text(content, "utf-8")
        return folder

    return make


ENGINE = """
import warnings

class Variable:
    def __init__(self, data):
        self.data, self.grad, self.parts = data, None, ()

    def twice(self):
        return Variable(self.data * 2)

    def __mul__(self, other):
        result = Variable(self.data * other.data)
        if Recording.on:
            result.parts = ((self, other), (other, self))
        return result

    def backward(self):
        for x, other in self.parts:
            x.grad = Variable(other.data + (x.grad.data if x.grad else 0.0))

    def warn(self):
        warnings.warn("this engine is old", UserWarning)
        return self

class Recording:
    on = True
"""


@pytest.mark.parametrize(
    ("options", "passed", "failed"),
    [
        ([], 2, 0),  # book: what comes later in the book is asked of those who have it
        (["--profile=book"], 2, 0),
        (["--profile=core"], 1, 1),
        (["--profile=full"], 2, 2),
    ],
)
def test_a_profile_asks_its_levels(foreign, conform, monkeypatch, options, passed, failed):
    result = conform(foreign(), *options, catalogue=ALL)
    result.assert_outcomes(passed=passed, failed=failed)
    asked = f"{passed + failed} of {len(ALL)} cases"
    result.stdout.fnmatch_lines([f"profile: *: {asked}"])


def test_a_stage_is_asked_everything(stage, conform):
    conform(stage(), catalogue=[CORE, OURS]).assert_outcomes(passed=1, failed=1)


def test_what_the_book_brings_later_is_asked_of_an_engine_that_has_it(foreign, conform):
    functions = "def sum(x):\n    return type(x)(x.data.sum())\n"
    folder = foreign(files={"dezero/functions.py": functions})
    conform(folder, catalogue=ALL).assert_outcomes(passed=3)


def test_the_report_says_at_its_end_what_is_left_to_try(foreign, conform):
    result = conform(foreign(), catalogue=ALL)
    result.stdout.fnmatch_lines(
        [
            "profile book: 2 questions are left to try",
            "    1  that the book leaves open, or answers otherwise: --profile full",
            "    1  on what the book brings after step 36: *sum*",
        ],
        consecutive=True,
    )


def test_a_profile_that_there_is_not_is_told(foreign, conform):
    result = conform(foreign(), "--profile=books", catalogue=ALL)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--profile*invalid choice: 'books'*core*book*full*"])


# --- what a run bears ---


def harmless(n, program, expect=4.0):
    return a_case(statement=f"case {n}", program=program, expect=expect)


TWICE = "Variable(array(2.0)).twice()"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("dezero.Recording.on = False\n" + TWICE, "*does not record what it computes any more*"),
        ("def f():\n    f()\n\nf()", "*RecursionError*"),
        ("import os\nos._exit(3)", "*the worker has ended, with exit status 3*"),
    ],
    ids=["recording left off", "recursion", "a dead worker"],
)
def test_a_bad_case_costs_itself_and_no_other(foreign, conform, bad, said):
    square = "x = Variable(array(2.0))\n(x * x).backward()\nx.grad"
    catalogue = [harmless(1, square), harmless(2, bad), harmless(3, square), harmless(4, TWICE)]
    result = conform(foreign(), catalogue=catalogue)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines([said])


def test_what_an_engine_warns_of_is_told_and_fails_what_is_about_warnings(foreign, conform):
    catalogue = [
        harmless(1, "Variable(array(4.0)).warn()"),
        a_case(statement="quiet", program="Variable(array(4.0)).warn()", quiet=True),
    ]
    result = conform(foreign(), catalogue=catalogue)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["got       UserWarning: this engine is old", "*1  UserWarning: this engine is old"]
    )


def test_what_a_library_sets_up_when_first_used_is_told_and_no_fault(foreign, conform):
    program = (
        "import threading, time, warnings\n"
        "threading.Thread(target=time.sleep, args=(3,), daemon=True, name='pool').start()\n"
        "warnings.filterwarnings('ignore', category=ImportWarning)\n" + TWICE
    )
    result = conform(foreign(), catalogue=[harmless(1, program)])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*1  a thread that runs on (pool)"])
    strict = conform(
        foreign("", {"pyproject.toml": STAGE}, "ours"), catalogue=[harmless(1, program)]
    )
    strict.assert_outcomes(failed=1)


STAGE = "[tool.dezero]\nstage = 31\ncapabilities = []\n"


@pytest.mark.parametrize("options", [[], ["--profile=full"]])
def test_a_syntax_warning_of_a_file_that_a_case_imports_refuses_nothing(foreign, conform, options):
    folder = foreign(files={"dezero/odd.py": "PATTERN = '\\d'\nfour = 4.0\n"})
    case = harmless(1, "from dezero.odd import four\nVariable(array(four))")
    conform(folder, *options, catalogue=[case]).assert_outcomes(passed=1)


# --- names ---

CLEAR = "x = Variable(array(2.0))\n(x * x).backward()\nx.cleargrad()\nx.grad"


def test_a_missing_name_costs_the_case_about_that_name(foreign, conform):
    (named,) = [case for case in cases.ALL if case.id == "a-variable-has-the-method-cleargrad"]
    result = conform(foreign(), catalogue=[harmless(1, CLEAR, None), named])
    result.assert_outcomes(passed=1, failed=1)


def test_a_name_can_be_stated(foreign, conform):
    more = "    pass\n\nVariable.zero = lambda self: setattr(self, 'grad', None)\n"
    table = (
        '[tool.dezero.aliases]\n"Variable.cleargrad" = "zero"\n"Variable.value" = "data"\n'
        '"functions.double" = "Variable.twice"\n"no_grad" = "ops.paused"\n'
    )
    files = {"pyproject.toml": table, "dezero/ops.py": "def paused():\n    return 4.0\n"}
    (named,) = [case for case in cases.ALL if case.id == "a-variable-has-the-method-cleargrad"]
    catalogue = [
        harmless(1, CLEAR, None),
        named,
        harmless(2, "Variable(array(4.0)).value"),
        harmless(3, "from dezero.functions import double\ndouble(Variable(array(2.0)))"),
        harmless(4, "from dezero import no_grad\nno_grad()"),
    ]
    conform(foreign(more, files), catalogue=catalogue).assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            '[tool.dezero.aliases]\n"no_grad" = "ops.paused"\n',
            "no_grad = 'ops.paused' does not fit",
        ),
        (
            "[tool.dezero]\naliases = ['no_grad']\n",
            "gives the book's name, in quotes, the engine's",
        ),
    ],
)
def test_a_name_that_does_not_fit_is_told(foreign, conform, table, said):
    result = conform(foreign(files={"pyproject.toml": table}), catalogue=[CORE])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


# --- many failures ---


def test_a_red_run_leads_with_mathematics_and_stays_short(foreign, conform):
    wrong = [
        a_case(statement=f"text {n}", program="Variable(array(2.0)).named()", level="book")
        for n in range(150)
    ]
    wrong += [a_case(statement=f"number {n}", expect=n + 5.0, level="core") for n in range(150)]
    result = conform(foreign(), catalogue=wrong)
    assert len(result.stdout.lines) < 200
    result.stdout.fnmatch_lines(
        [
            "the first mathematical failure: number 0",
            "expected  5.0",
            "all 300 failures, by cause:",
            "  150  another number, chapter 31",
            "  150  AttributeError: 'Variable' object has no attribute 'named'",
        ]
    )
    assert len(conform(foreign(name="more"), "-v", catalogue=wrong).stdout.lines) > 1000
