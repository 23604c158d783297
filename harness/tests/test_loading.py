"""A stage that cannot be tested, and a pytest run that cannot do what was meant."""

import ast
import importlib.metadata
import os
import subprocess
import sys
import types

import pytest

from conftest import ENGINE, ROOT
from dezero_harness.execution import stage as loading
from dezero_harness.execution.stage import StageError, load
from dezero_harness.model.case import REFUSALS


@pytest.fixture(autouse=True)
def no_engine(monkeypatch):
    """The engines that a test imports are gone after it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("dezero", None)


def test_a_stage_is_imported_from_its_folder(stage):
    folder = stage(capabilities=["create_graph"])
    loaded = load(folder)
    assert (loaded.name, loaded.path, loaded.capabilities) == ("small", folder, {"create_graph"})
    assert sys.modules["dezero"].__file__ == str(folder / "dezero" / "__init__.py")


def test_an_engine_without_a_table_has_all_capabilities(stage):
    folder = stage()
    (folder / "pyproject.toml").unlink()
    assert load(folder).capabilities == set(REFUSALS)


def test_every_stage_of_the_repository_can_be_read():
    folders = sorted(ROOT.glob("stages/step*"))
    read = [loading.read(folder) for folder in folders]
    numbers = [folder.name.removeprefix("step") for folder in folders]
    assert [stage.project for stage in read] == [f"dezero-stage {number}" for number in numbers]
    assert read[0].capabilities < read[-1].capabilities == set(REFUSALS)
    assert all(stage.ours for stage in read)


def refusal(folder):
    with pytest.raises(StageError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_folder_is_told_with_the_stages_beside_it(stage):
    folder = stage()
    assert "no such folder; the stages in " in refusal(folder.with_name("step99"))
    assert "are small" in refusal(folder.with_name("step99"))


def test_an_empty_folder_is_told(tmp_path):
    assert "there is no engine in this folder" in refusal(tmp_path)


def test_a_syntax_error_is_told_with_its_line_wherever_it_is(stage):
    folder = stage()
    (folder / "dezero" / "functions.py").write_text("a = 1\ndef f(:\n", "utf-8")
    message = refusal(folder)
    assert f"{folder}/dezero/functions.py, line 2: invalid syntax in `def f(:`" in message


def test_a_null_byte_is_told(stage):
    folder = stage()
    (folder / "dezero" / "core.py").write_bytes(b"a = 1\0")
    assert "core.py" in refusal(folder)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library", "No module named 'no_such_library'; install no_such_library"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_failing_import_is_told_with_its_line_and_reason(stage, code, reason):
    folder = stage(f"a = 1\n{code}\n{ENGINE}")
    message = refusal(folder)
    assert f"`import dezero` fails: {folder}/dezero/__init__.py, line 2: " in message
    assert reason in message


def test_an_engine_without_a_variable_is_told(stage):
    assert "has no Variable" in refusal(stage("x = 1"))


def test_another_engine_that_was_imported_before_is_refused(stage, monkeypatch):
    other = types.ModuleType("dezero")
    other.__file__ = "/elsewhere/dezero/__init__.py"
    monkeypatch.setitem(sys.modules, "dezero", other)
    assert "gives /elsewhere/dezero/__init__.py, which is another engine" in refusal(stage())


@pytest.mark.parametrize(
    "name", ["dezero", "dezero-stage", "Dezero_Stage", "dezero-step34", "Dezero_Step34"]
)
def test_another_engine_that_is_installed_is_refused(stage, tmp_path, monkeypatch, name):
    record = tmp_path / "site" / f"{name.replace('-', '_')}-0.0.13.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.0.13\n")
    found = [importlib.metadata.PathDistribution(record)]
    monkeypatch.setattr(loading, "distributions", lambda: found)
    message = refusal(stage())
    assert f"has another engine, {name.lower().replace('_', '-')} 0.0.13" in message
    assert "pip uninstall" in message


def test_the_stage_itself_may_be_installed(stage, tmp_path, monkeypatch):
    folder = stage()
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[project]\nname = "dezero-stage"\nversion = "31"\n')
    installed(tmp_path, monkeypatch, "31")
    assert load(folder).path == folder


def test_another_stage_that_is_installed_is_refused(stage, tmp_path, monkeypatch):
    folder = stage()
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[project]\nname = "dezero-stage"\nversion = "31"\n')
    installed(tmp_path, monkeypatch, "33")
    assert "has another engine, dezero-stage 33" in refusal(folder)


def installed(tmp_path, monkeypatch, version):
    record = tmp_path / "site" / f"dezero_stage-{version}.dist-info"
    record.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: dezero-stage\nVersion: {version}\n"
    (record / "METADATA").write_text(metadata)
    found = [importlib.metadata.PathDistribution(record)]
    monkeypatch.setattr(loading, "distributions", lambda: found)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("[tool.dezero]\ncapabilities = ['tanh', 'flying']", "'flying' in capabilities"),
        ("[tool.dezero]\ncapabilities = ['tanh']", "states tanh without functions"),
        ("[tool.dezero]\nstage = 31", "needs a list `capabilities`"),
        ("[tool.dezero]\ncapabilities = 'tanh'", "needs a list `capabilities`"),
        ("[tool.dezero", "not valid TOML"),
    ],
)
def test_a_wrong_statement_of_capabilities_is_told(stage, table, reason):
    folder = stage()
    (folder / "pyproject.toml").write_text(table, "utf-8")
    assert reason in refusal(folder)


# The conftest.py of the repository.


def run_pytest(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", *arguments],
        cwd=folder,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("folder", [".", "stages/step33", "harness/tests"])
def test_pytest_without_a_stage_says_what_to_write(folder):
    run = run_pytest(ROOT / folder, "-p", "dezero_harness.plugin")
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "which stage? To test a stage, write: nox -s stage33" in run.stderr
    assert "Traceback" not in run.stderr + run.stdout


def test_pytest_on_a_folder_without_tests_says_what_to_write():
    run = run_pytest(ROOT, "-p", "dezero_harness.plugin", "stages/step33")
    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "There is nothing to test here. To test a stage, write: nox -s stage33" in run.stdout


@pytest.mark.parametrize("arguments", [[], ["--stage", "stages/step33"], ["harness/tests"]])
def test_pytest_without_the_harness_says_how_to_get_it(arguments):
    run = run_pytest(ROOT, "-p", "no:dezero_harness.plugin", *arguments)
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "the harness is not installed in this environment" in run.stderr
    assert "Traceback" not in run.stderr + run.stdout


def test_the_suite_as_a_path_without_a_stage_says_what_to_add(tmp_path):
    suite = ROOT / "harness" / "dezero_harness" / "suite" / "conformance.py"
    run = run_pytest(tmp_path, "-p", "dezero_harness.plugin", str(suite))
    assert run.returncode == pytest.ExitCode.USAGE_ERROR
    assert "which stage? Add a folder" in run.stderr


def test_an_old_python_is_told_so(monkeypatch):
    source = (ROOT / "conftest.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 8))
    monkeypatch.setattr(sys, "version_info", (3, 8, 10, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or later; this is Python 3\.8\."):
        exec(source, {"__name__": "conftest"})
