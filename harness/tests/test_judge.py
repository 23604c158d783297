"""From a program to what was observed, and from that to the verdict."""

import codeop
import functools
import gc
import math
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest

from conftest import a_case
from dezero_harness import cases
from dezero_harness.execution.judge import judge, predict
from dezero_harness.execution.runner import Observed, run
from dezero_harness.execution.shell import shell_lines
from dezero_harness.model.arrays import ArrayKind, array_kind
from dezero_harness.model.case import REFUSALS, Raises, Says
from dezero_harness.suite.catalogue_check import SPINE, mistakes

PRELUDE = """
class Variable:
    def __init__(self, data):
        self.data = data
import numpy as np
def array(values):
    return np.array(values)
on_host = np.asarray
"""


def observe(program, **options):
    return run(program, PRELUDE, "a-case", **options).observed


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("1 + 1", 2),
        ("x = 3\nx", 3),
        ("Variable(array(2.0))", 2.0),
        ("Variable(array([[1.0, 2.0]]))", [[1.0, 2.0]]),
        ("(Variable(None), array([True]), array([1.5])[0])", [None, [True], 1.5]),
        ("{'a': (1, 2)}", {"a": [1, 2]}),
        ("object()", "<builtins.object object>"),
    ],
)
def test_the_answer_is_plain_data(program, value):
    observed = observe(program)
    assert (observed.value, type(observed.value), observed.error) == (value, type(value), "")


def test_an_exception_is_observed_with_its_notes_and_where_it_came_from():
    observed = observe(
        "def f():\n    e = ValueError('bad')\n    e.add_note('and why')\n    raise e\nf()"
    )
    assert (observed.error, observed.message) == ("ValueError", "bad\nand why")
    assert observed.trace == "program, line 5: f()\nprogram, line 4: raise e"


def test_the_last_line_has_to_be_an_expression():
    assert observe("x = 1").error == "SyntaxError"


def test_a_runtime_warning_is_an_error_unless_the_case_expects_it():
    program = "float((array([1.0]) / array([0.0]))[0])"
    assert observe(program).error == "RuntimeWarning"
    assert observe(program, warns=True).value == math.inf


def test_a_deprecation_is_an_error_even_where_a_runtime_warning_is_none():
    program = "import warnings\nwarnings.warn('old', DeprecationWarning)\n1"
    assert observe(program, warns=True).error == "DeprecationWarning"


MODES = """
class Config:
    enable_backprop = train = True
class dezero:
    Config = Config
"""


@pytest.mark.parametrize(
    ("program", "left"),
    [
        ("Config.enable_backprop = False", "Config.enable_backprop = False"),
        ("Config.train = False", "Config.train = False"),
        ("np.seterr(divide='raise')", "another floating point error state"),
        ("import warnings\nwarnings.simplefilter('ignore')", "other warning filters"),
        ("import gc\ngc.disable()", "the garbage collector off"),
        (
            "from threading import Event, Thread\nThread(target=stop.wait, name='T').start()",
            "a thread that runs on (T)",
        ),
    ],
)
@pytest.mark.parametrize("end", ["1", "1 / 0"])
def test_what_a_program_leaves_behind_is_told_and_undone(program, left, end):
    stop = threading.Event()
    before = warnings.filters.copy(), np.geterr(), gc.isenabled()
    prelude = PRELUDE + MODES
    sys.modules["stop"] = stop  # that a program can import it
    try:
        finished = run(f"import stop\n{program}\n{end}", prelude, "a-case")
        again = run("1", prelude, "a-case")
    finally:
        stop.set()
        del sys.modules["stop"]
    assert finished.observed.fault == f"the case leaves behind: {left}"
    assert finished.observed.error == ("" if end == "1" else "ZeroDivisionError")
    assert judge(a_case(expect=1), finished.observed, set()).outcome == "unexpected"
    assert again.observed.fault == ""
    assert (warnings.filters, np.geterr(), gc.isenabled()) == before
    config = finished.namespace["Config"]
    assert config.enable_backprop
    assert config.train


def test_a_thread_that_ends_by_itself_is_no_fault():
    program = "import threading, time\nthreading.Thread(target=time.sleep, args=[0.05]).start()\n1"
    assert observe(program).fault == ""


@pytest.mark.parametrize("base", ["float", "int", "str", "complex"])
def test_an_answer_is_compared_as_what_it_is(base):
    program = f"class Equal({base}):\n    __eq__ = lambda self, other: True\nEqual(5)"
    assert type(observe(program).value).__name__ == base
    assert type(observe(program.replace("Equal(5)", "[(Equal(5),)]")).value[0][0]).__name__ == base


def test_an_exception_that_cannot_be_shown_is_an_answer():
    program = "class E(Exception):\n    def __str__(self): return 1\nraise E\n1"
    observed = observe(program)
    assert (observed.error, observed.message) == ("E", "(the exception has no text: TypeError)")


def test_random_numbers_follow_from_the_seed_and_the_case():
    program = "import random\nrandom.random()"
    assert observe(program, seed=1) == observe(program, seed=1)
    assert observe(program, seed=1) != observe(program, seed=2)
    assert run(program, PRELUDE, "other", seed=1).observed != observe(program, seed=1)


@pytest.mark.parametrize(
    ("expect", "got", "tolerance"),
    [
        (1, 1.0, {}),
        (0.0, -0.0, {}),
        (math.nan, math.nan, {}),
        (math.inf, math.inf, {"rel": 1.0}),
        (1.0, 1.0 + 1e-13, {"rel": 1e-12}),
        (0.0, 1e-13, {"abs": 1e-12}),
        ((1.0, [2.0]), [1.0, [2.0]], {}),
        (None, None, {}),
        ("a", "a", {}),
        ({"a": 1}, {"a": 1.0}, {}),
    ],
)
def test_equal_answers(expect, got, tolerance):
    assert judge(a_case(expect=expect, **tolerance), Observed(got), set()).outcome == "passed"


@pytest.mark.parametrize(
    ("expect", "got", "tolerance"),
    [
        (1.0, 1.0 + 2**-52, {}),
        (1.0, 1.0 + 1e-11, {"rel": 1e-12}),
        (0.0, 1e-11, {"abs": 1e-12, "rel": 1.0}),
        (1.0, math.nan, {"rel": 1.0}),
        (math.nan, 1.0, {"rel": 1.0}),
        (1.0, math.inf, {"rel": 1.0}),
        (math.inf, 1e308, {"rel": 1.0}),
        (True, 1, {}),
        (0, False, {}),
        (0, None, {}),
        ([1.0], 1.0, {}),
        ([1.0], [1.0, 1.0], {}),
        ([], [1.0], {}),
        ([[1.0, 2.0]], [1.0, 2.0], {}),
        ({"a": 1}, {"b": 1}, {}),
        ("a", "b", {}),
        (1.0, "1.0", {}),
    ],
)
def test_different_answers(expect, got, tolerance):
    verdict = judge(a_case(expect=expect, **tolerance), Observed(got), set())
    assert verdict.outcome == "unexpected"
    assert verdict.differences


def test_a_difference_is_told_by_place_and_in_ulps():
    verdict = judge(a_case(expect=[[1.0], [2.0]]), Observed([[1.0], [2.0 + 2**-50]]), set())
    assert verdict.differences == (
        "at [1][0]: 2.000000000000001, expected 2.0, off by 8.9e-16 = 2 ulps",
    )


def test_of_many_differences_the_first_are_told():
    verdict = judge(a_case(expect=[0.0] * 9), Observed([1.0] * 9), set())
    assert verdict.differences[3:] == ("and 6 more",)


def test_the_prediction_is_that_of_the_first_capability_that_is_missing():
    case = a_case(needs=("functions", "tanh"), without={"tanh": 7})
    assert predict(case, {"functions", "tanh"}) == (4.0, "")
    assert predict(case, {"functions"}) == (7, "tanh")
    assert predict(case, {"tanh"}) == (REFUSALS["functions"], "functions")


FROZEN = ArrayKind(
    "ice", "icy", "1", "cpu", "", {"mutability": Raises("TypeError", "is frozen"), "numbers": None}
)
FROZEN_ERROR = Observed(error="TypeError", message="the array is frozen")


@pytest.mark.parametrize(
    ("observed", "capabilities", "outcome", "reason"),
    [
        (FROZEN_ERROR, {"create_graph"}, "refused", "arrays of icy have no mutability"),
        (Observed(4.0), {"create_graph"}, "unexpected", "stated that arrays of icy have no mut"),
        (Observed(5.0), {"create_graph"}, "unexpected", "an answer in place of an exception"),
        (FROZEN_ERROR, set(), "unexpected", "another message"),  # it has to fail earlier
    ],
)
def test_what_arrays_lack_is_predicted(observed, capabilities, outcome, reason):
    case = a_case(needs=("create_graph", "mutability"))
    verdict = judge(case, observed, capabilities, FROZEN)
    assert verdict.outcome == outcome
    assert reason in verdict.reason
    plain = judge(case, observed, {"create_graph"})  # arrays that lack nothing
    assert plain.outcome == ("passed" if observed.value == 4.0 else "unexpected")


def test_a_case_may_say_what_it_answers_where_arrays_lack_something():
    case = a_case(needs=("mutability", "numbers"), without={"mutability": 7})
    assert predict(case, set(), FROZEN.lacks) == (7, "mutability")
    assert predict(a_case(needs=("numbers",)), set(), FROZEN.lacks) == (None, "numbers")
    assert predict(case, set()) == (4.0, "")


def test_a_predicted_text_is_matched_as_a_whole():
    lazy = ArrayKind("lazy", "lazy", "1", "cpu", "", {"numbers": Says(r"lazy\(.*\)")})
    case = a_case(needs=("numbers",))
    outcomes = {
        "lazy(1)": "refused",
        "lazy(1) 2": "unexpected",
        None: "unexpected",
        4.0: "unexpected",
    }
    for value, outcome in outcomes.items():
        verdict = judge(case, Observed(value), set(), lazy)
        assert verdict.outcome == outcome
        assert verdict.expected == r"a text that matches 'lazy\\(.*\\)'"


@pytest.mark.parametrize(
    ("ulps_off", "changes", "outcome"),
    [
        (4, {"needs": ("functions",)}, "passed"),  # as NumPy itself on another processor
        (5, {"needs": ("functions",)}, "unexpected"),
        (1, {}, "unexpected"),  # exact on all arrays
        (2, {"rel": 1e-300}, "passed"),
        (3, {"rel": 1e-12}, "passed"),
    ],
)
def test_functions_may_be_some_ulps_off(ulps_off, changes, outcome):
    kind = ArrayKind("other", "other", "1", "cpu", "", ulps=2)
    observed = Observed(4.0 + ulps_off * math.ulp(4.0))
    assert judge(a_case(**changes), observed, {"functions"}, kind).outcome == outcome


@pytest.mark.parametrize(
    ("observed", "capabilities", "outcome", "reason"),
    [
        (Observed(4.0), {"create_graph"}, "passed", "2 * 2 = 4"),
        (
            Observed(
                error="TypeError", message="f() got an unexpected keyword argument 'create_graph'"
            ),
            set(),
            "refused",
            "the stage has no create_graph",
        ),
        (Observed(4.0), set(), "unexpected", "too early"),
        (
            Observed(
                error="TypeError", message="f() got an unexpected keyword argument 'create_graph'"
            ),
            {"create_graph"},
            "unexpected",
            "states that it has create_graph",
        ),
        (Observed(5.0), set(), "unexpected", "an answer in place of an exception"),
        (Observed(error="TypeError", message="no"), set(), "unexpected", "with another message"),
        (Observed(error="OSError", message="no"), set(), "unexpected", "another exception"),
        (
            Observed(error="OSError", message="no"),
            {"create_graph"},
            "unexpected",
            "an exception in place of an answer",
        ),
    ],
)
def test_each_end_has_its_verdict(observed, capabilities, outcome, reason):
    verdict = judge(a_case(needs=("create_graph",)), observed, capabilities)
    assert verdict.outcome == outcome
    assert reason in verdict.reason


def test_an_exception_matches_by_its_exact_class():
    case = a_case(expect=Raises("ImportError", "no"))
    assert judge(case, Observed(error="ImportError", message="no"), set()).outcome == "passed"
    lower = Observed(error="ModuleNotFoundError", message="no")
    assert judge(case, lower, set()).outcome == "unexpected"


# The catalogue.


def test_the_catalogue_has_no_mistakes():
    assert cases.ALL
    assert mistakes(cases.ALL) == []


def test_the_catalogue_has_the_four_cases_of_the_spine():
    assert {case.spine for case in cases.ALL} >= set(SPINE)


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"statement": "???"}, "without an id"),
        ({"statement": "x" * 71}, "71 characters"),
        ({"statement": "twice 2 should be 4"}, "not what should be"),
        ({"statement": "twice 2 is 4."}, "period"),
        ({"program": "x = ("}, "does not parse"),
        ({"program": ""}, "not an expression"),
        ({"program": "x = 1"}, "not an expression"),
        ({"program": "import numpy\n1"}, "names numpy"),
        ({"program": "np.ones(3)"}, "names np"),
        ({"source": " "}, "source is empty"),
        ({"chapter": 30}, "chapter 30"),
        ({"group": ""}, "group is empty"),
        ({"spine": "25/44"}, "no '25/44'"),
        ({"rel": -1.0}, "negative"),
        ({"needs": ("sin",)}, "needs 'sin'"),
        ({"without": {"tanh": 1}}, "answers for 'tanh'"),
        ({"expect": Raises("TypeEror", "x")}, "no exception is called 'TypeEror'"),
        ({"expect": Raises("TypeError", "")}, "for any reason"),
        ({"expect": Raises("TypeError", "(")}, "not a regular expression"),
        ({"expect": object()}, "not plain data"),
        ({"needs": ("tanh",), "without": {"tanh": Raises("Nothing", "x")}}, "called 'Nothing'"),
    ],
)
def test_a_mistake_in_a_case_is_named(changes, mistake):
    found = mistakes([a_case(**changes)])
    assert len(found) == 1
    assert mistake in found[0]


def test_two_cases_with_one_id_are_a_mistake():
    assert mistakes([a_case(), a_case(statement="Twice 2, is 4")]) == [
        "2 cases have the id 'twice-2-is-4'; a statement is unique"
    ]


# What is shown for a Python shell.


def test_a_program_is_shown_as_lines_that_a_python_shell_takes(stage):
    program = textwrap.dedent(
        """
        def f(x):
            y = x.twice()

            return y
        total = 0.0
        for value in (1.0, 2.0):
            if value > 1:
                total += f(Variable(array(value))).data
        values(Variable(array(total)))
        """
    )
    lines = shell_lines(stage(), array_kind("numpy").prelude, program)
    assert "import math" not in lines
    shell = subprocess.run(
        [sys.executable, "-i", "-q"],
        input="\n".join([*lines, ""]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shell.stdout.strip() == "4.0", shell.stderr
    assert "Error" not in shell.stderr


@pytest.mark.parametrize("kind", ["numpy", "strict"])
def test_a_python_shell_takes_the_lines_of_every_case(tmp_path, kind):
    prelude = array_kind(kind).prelude
    compiles = functools.cache(codeop.compile_command)  # most cases begin with the same lines
    for case in cases.ALL:
        pending: list[str] = []
        for line in shell_lines(tmp_path, prelude, case.program):
            pending.append(line)
            if compiles("\n".join(pending)):
                pending = []
        assert not pending, case.id
