"""Engines that this repository knows nothing of, in environments of their own: `--python`."""

import ast
import json
import os
import platform
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, a_case
from dezero_harness import (
    cases,
    plugin,  # noqa: F401  (before pytester's snapshot of modules)
)
from dezero_harness.execution.isolated import Isolated, Limits
from dezero_harness.model.arrays import array_kind
from dezero_harness.suite import (
    conformance,  # noqa: F401  (before pytester's snapshot of modules)
    expected_failures,
    profiles,
)

pytest_plugins = ["pytester"]

# Another design than the stages': closures, no Function, no functions module, and a bug.
ENGINE = """
import dezero_shared  # not ours
from contextlib import nullcontext as no_grad

assert dezero_shared.whose == "theirs"

class Variable:
    __array_priority__ = 200

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, None, parents

    def cleargrad(self):
        self.grad = None

    def backward(self, retain_grad=False, create_graph=False):
        order, seen = [], set()
        def visit(v):
            if v not in seen:
                seen.add(v)
                for parent, _ in v.parents:
                    visit(parent)
                order.append(v)
        visit(self)
        grads = {self: Variable(self.data * 0 + 1)}
        for v in reversed(order):
            g = grads.pop(v)
            for parent, slope in v.parents:
                gx = slope(g)
                grads[parent] = grads[parent] + gx if parent in grads else gx
            if not v.parents:
                v.grad = g if v.grad is None else v.grad + g

    def __add__(self, other):
        other = lift(other)
        return Variable(self.data + other.data, ((self, lambda g: g), (other, lambda g: g)))

    def __mul__(self, other):
        other = lift(other)
        parents = ((self, lambda g: g * other), (other, lambda g: g * self))
        return Variable(self.data * other.data, parents)

    def __pow__(self, c):
        slope = lambda g: g * (c * self ** (c - 1)) if c > 1 else g
        return Variable(self.data ** c, ((self, slope),))

    def __sub__(self, other):
        return self + lift(other) * -1.0

    def __neg__(self):
        return self  # the bug

    __rmul__, __radd__ = __mul__, __add__

def lift(x):
    return x if isinstance(x, Variable) else Variable(x)
"""
WORKS = a_case(
    statement="the second derivative of x^3 at 2 is 12",
    program="""
        x = Variable(array(2.0))
        (x ** 3).backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        x.grad
    """,
    expect=12.0,
)
BROKEN = a_case(
    statement="minus 2 is negative", program="-Variable(array(2.0))", expect=-2.0, spine="Newton"
)
LACKING = a_case(
    statement="the sine of 0 is 0",
    program="from dezero.functions import sin\nsin(Variable(array(0.0)))",
    expect=0.0,
    needs=("functions",),
)
SERIES = a_case(
    statement="a series is there",
    program="from dezero_shared.series import answer\nVariable(array(answer)) + 2.0",
    expect=44.0,
    needs=("series",),
)
WHERE = "import sys\n(sys.prefix, sys.path, dezero.dezero_shared.__file__, dezero.__file__)"


@pytest.fixture
def environment(tmp_path):
    """Makes an environment of another interpreter, with NumPy or without; its Python file."""

    def make(numpy=True):
        folder = tmp_path / "environment"
        venv.create(folder, symlinks=os.name == "posix")
        (packages,) = folder.glob("[Ll]ib/**/site-packages")
        (packages / "dezero_shared.py").write_text("whose = 'theirs'\n", "utf-8")
        if numpy:
            (packages / "numpy.pth").write_text(str(Path(np.__file__).parents[1]) + "\n", "utf-8")
        script = "Scripts/python.exe" if os.name == "nt" else "bin/python"
        return folder / script, packages

    return make


def checkout(folder):
    (folder / "dezero").mkdir(parents=True)
    (folder / "dezero" / "__init__.py").write_text(ENGINE, "utf-8")
    return folder


def test_a_foreign_engine_runs_in_its_own_environment(environment, conform, pytester, tmp_path):
    python, _ = environment()
    folder = checkout(tmp_path / "theirs")
    result = conform(folder, f"--python={python}", catalogue=[WORKS, BROKEN, LACKING])
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            f"Python: {platform.python_version()}, {python}",
            "*_ minus 2 is negative _*",
            f"chapter 31, group A, Newton of the spine; in a shell of {python}:",
            "expected  -2.0",
            "got       2.0",
            "FAILED *::minus-2-is-negative - expected -2.0, got 2.0",
            "FAILED *::the-sine-of-0-is-0 - expected 0.0, got ModuleNotFoundError*",
            "*= theirs on numpy =*",
            "Newton           unexpected: another answer",
        ],
    )
    (file,) = pytester.path.glob("reports/*.json")
    assert json.loads(file.read_text("utf-8"))["python"] == platform.python_version()


def test_what_a_foreign_engine_imports_is_its_environment_s(environment, tmp_path):
    python, packages = environment()
    folder = checkout(tmp_path / "theirs")
    with Isolated(folder, array_kind("numpy"), Limits(), python=str(python)) as isolated:
        prefix, path, shared, engine = isolated.observe(WHERE, "a-case").value
    assert Path(prefix) == python.parents[1]
    assert Path(shared).parent == packages
    assert Path(engine).parents[1] == folder
    assert path[0] == str(folder)
    assert not [place for place in path if Path(place) in (ROOT / "harness", ROOT / "shared")]


@pytest.mark.parametrize(
    ("module", "outcome", "reason"),
    [
        ("", "refused", "the engine's environment has no dezero_shared.series"),
        ("answer = 42.0", "passed", "2 * 2 = 4"),
        ("raise ModuleNotFoundError('no, not here')", "unexpected", "in place of an answer"),
    ],
)
def test_what_the_environment_lacks_is_predicted(
    environment, conform, pytester, tmp_path, module, outcome, reason
):
    python, packages = environment()
    if module:
        package = (packages / "dezero_shared.py").rename(packages / "theirs.py")
        (packages / "dezero_shared").mkdir()
        package.rename(packages / "dezero_shared/__init__.py")
        (packages / "dezero_shared/series.py").write_text(module, "utf-8")
    conform(checkout(tmp_path / "theirs"), f"--python={python}", catalogue=[SERIES, WORKS])
    (report,) = pytester.path.glob("reports/*.json")
    series, works = json.loads(report.read_text("utf-8"))["results"]
    assert (series["outcome"], works["outcome"]) == (outcome, "passed")
    assert reason in series["reason"]


def test_a_series_is_never_lacking_where_the_harness_is(stage, conform, pytester):
    """There an engine that has none of it would be broken, and not out of reach."""
    case = a_case(program="import dezero_shared.no_series\n1", needs=("series",))
    for option in ("--isolated", "--seed=1"):
        conform(stage(name=option.strip("-=1")), option, catalogue=[case]).assert_outcomes(failed=1)


@pytest.mark.parametrize("option", ["--seed=1", "--isolated"])
def test_a_checkout_of_another_engine_ends_in_the_ordinary_report(
    conform, pytester, tmp_path, option
):
    """As it stands: it knows nothing of stages, capabilities or of this harness."""
    own = ENGINE.replace("import dezero_shared", "").replace("assert dezero_shared", "# ")
    folder = checkout(tmp_path / "theirs")
    (folder / "dezero" / "__init__.py").write_text(own, "utf-8")
    (folder / "setup.py").write_text("raise SystemExit('nobody runs this')", "utf-8")
    result = conform(folder, option, "-k", "chapter33")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    asked = [case for case in cases.ALL if not profiles.Profile("book").why_not(case)]
    number = sum(case.chapter == 33 for case in asked)
    result.stdout.fnmatch_lines(
        [
            "*= theirs on numpy =*",
            "chapter   passed   refused as predicted   unexpected",
            "     33 *",
            f"{number} of * cases were run.",
        ]
    )
    (file,) = pytester.path.glob("reports/*.json")
    report = json.loads(file.read_text("utf-8"))
    assert len(report["results"]) == number
    assert (
        report["summary"]["passed"] > 10
    )  # it differentiates twice; it is the rest that is lacking
    assert report["summary"]["refused"] == 0
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sorted(path.name for path in files) == ["__init__.py", "setup.py"]


def test_an_installed_engine_is_named_and_hides_nothing(environment, conform, tmp_path):
    python, packages = environment()
    checkout(packages)
    (packages / "dezero-9.9.dist-info").mkdir()
    (packages / "colorsys.py").write_text("raise ImportError('not the standard one')", "utf-8")
    case = a_case(program="import colorsys\nVariable(array(2.0)) + 2.0")
    result = conform(packages, f"--python={python}", catalogue=[case])
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["stage: dezero-9.9, *", "*The report is in *dezero-9.9-numpy.json"]
    )


def refused(result, *texts):
    said = result.stderr.str()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    for text in texts:
        assert text in said


def test_a_python_that_is_none_is_told(conform, stage, tmp_path):
    refused(conform(stage(), f"--python={tmp_path}/python"), "cannot be started", "No such file")
    note = tmp_path / "note.txt"
    note.write_text("#!/bin/sh\necho I am no Python >&2; exit 3\n", "utf-8")
    note.chmod(0o755)
    found = conform(stage(name="another"), f"--python={note}")
    refused(found, "a worker process of", "exit status 3; I am no Python")


def test_a_python_without_numpy_is_told(conform, stage, environment):
    python, _ = environment(numpy=False)
    refused(conform(stage(), f"--python={python}"), "No module named 'numpy'", str(python))


def test_an_environment_with_another_numpy_needs_its_python(conform, stage):
    folder = stage()
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_text("__version__ = '1.0'\n", "utf-8")
    refused(conform(folder), "a NumPy of its own", "add --python")
    refused(conform(folder, "--isolated"), "a NumPy of its own", "add --python")


@pytest.mark.parametrize("name", ["worker.py", "runner.py"])
def test_what_runs_in_a_worker_is_read_by_an_old_python(name):
    ast.parse(
        (ROOT / "harness/dezero_harness/execution" / name).read_text("utf-8"),
        feature_version=(3, 8),
    )


# The list of known defects.


SIGN = "[[defect]]\nwhy = 'no sign'\ncases = ['minus-2-is-negative']\n"
SINE = "[[defect]]\nwhy = 'no sine'\ngot = 'No module'\ncases = ['the-sine-of-0-is-0']\n"
IT_WORKS = "[[defect]]\nwhy = 'no'\ncases = ['the-second-derivative-of-x-3-at-2-is-12']\n"


@pytest.fixture
def known_to(environment, conform, tmp_path):
    """Runs the foreign engine with a list of known failures."""
    python, _ = environment()

    def run(text, *options):
        folder = tmp_path / "theirs"
        if not folder.exists():
            checkout(folder)
        file = tmp_path / "known.toml"
        file.write_text(text, "utf-8")
        options = (f"--python={python}", f"--known={file}", *options)
        return conform(folder, *options, catalogue=[WORKS, BROKEN, LACKING])

    return run


def test_a_true_list_of_failures_is_green(known_to):
    result = known_to(SIGN + SINE)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*1 passed, 2 known to fail in *"])
    result.stdout.fnmatch_lines(["*1  known to fail: no sign", "*1  known to fail: no sine"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SIGN, "got       ModuleNotFoundError: No module named 'dezero.functions'"),
        (SIGN + SINE + IT_WORKS, "*it is known to fail (no), and it is passed: take it off"),
        (SIGN + SINE.replace("No module", "Syntax"), "*what matches 'Syntax', and it fails other*"),
    ],
    ids=["one missing", "one too many", "another answer"],
)
def test_a_list_that_is_not_true_is_red(known_to, text, said):
    result = known_to(text)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([said])


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (SIGN.replace("minus-2", "minus-3"), "minus-3-is-negative: there is no such case"),
        (SIGN + SIGN, "minus-2-is-negative: listed 2 times"),
        ("[[defect]]\nwhy = 'no'\ncases = []\n", "an entry without cases"),
        (SIGN.replace("no sign", ""), "an entry says why"),
        (SINE.replace("No module", "("), "no regular expression"),
        (SIGN.replace("why", "who"), "an entry is [[defect]] with `why`"),
        ("[[defect]", "not valid TOML"),
    ],
)
def test_a_list_with_a_mistake_is_told(known_to, text, mistake):
    result = known_to(text)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert mistake in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_list_to_begin_with_is_written_and_is_true(known_to, tmp_path):
    file = tmp_path / "first.toml"
    known_to("defect = []", f"--write-known={file}")
    text = file.read_text("utf-8")
    assert "to be explained: " in text
    known_to(text).assert_outcomes(passed=1)


def test_the_lists_for_the_published_engine_name_cases_that_there_are():
    ids = [case.id for case in cases.ALL]
    known = expected_failures.by_case(ROOT / "harness/dezero_harness/suite/book.toml", ids)
    assert len(known) > 50
    level = {case.id: case.level for case in cases.ALL}
    assert {level[case] for case in known} == {"core"}
    beyond = {case.id for case in cases.ALL if profiles.beyond_the_book(case)}
    assert set(known) <= beyond


def test_sys_executable_as_the_python_gives_the_same_verdict(stage, conform):
    result = conform(stage(), f"--python={sys.executable}", catalogue=[a_case()])
    result.assert_outcomes(passed=1)
