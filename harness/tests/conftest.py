"""Small engines and copies of stages for the tests, and a way to run a catalogue on them."""

import shutil
from pathlib import Path

import pytest

from dezero_harness import cases
from dezero_harness.model.case import Case

ROOT = Path(__file__).parents[2]

ENGINE = """
class Variable:
    def __init__(self, data):
        self.data = data

    def twice(self):
        return Variable(self.data * 2)

    def fail(self):
        raise RuntimeError("the engine has failed")
"""


def a_case(**changes):
    """A case that the small engine passes."""
    parts = {
        "statement": "twice 2 is 4",
        "program": "x = Variable(array(2.0))\nx.twice()",
        "expect": 4.0,
        "source": "2 * 2 = 4",
        "chapter": 31,
        "group": "A",
        "level": "book",
    }
    return Case(**(parts | changes))


@pytest.fixture
def stage(tmp_path):
    """Makes a stage folder of a small engine, which states these capabilities, or none of them."""

    def make(engine=ENGINE, capabilities=(), name="small"):
        folder = tmp_path / name
        (folder / "dezero").mkdir(parents=True)
        (folder / "dezero" / "__init__.py").write_text(engine, "utf-8")
        table = f"[tool.dezero]\nstage = 31\ncapabilities = {list(capabilities)}\n"
        (folder / "pyproject.toml").write_text(table, "utf-8")
        return folder

    return make


@pytest.fixture
def copied(tmp_path):
    """Copies a stage of the repository, with a text replaced in one of its files."""

    def copy(number, file="", old="", new=""):
        folder = tmp_path / f"step{number}"
        source = ROOT / "stages" / folder.name
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
        if file:
            text = (folder / file).read_text("utf-8")
            assert old in text, f"{file} of step{number} has no {old!r} to break"
            (folder / file).write_text(text.replace(old, new), "utf-8")
        return folder

    return copy


@pytest.fixture
def conform(pytester, monkeypatch):
    """Runs pytest on a stage folder, with these cases or with the whole catalogue."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # it costs a second for each run
    monkeypatch.setenv("COLUMNS", "200")

    def run(folder, *options, catalogue=None):
        if catalogue is not None:
            monkeypatch.setattr(cases, "ALL", catalogue)
        plugin = ["-p", "dezero_harness.plugin", "-p", "no:cacheprovider"]
        return pytester.runpytest_inprocess(*plugin, f"--stage={folder}", *options)

    return run
