"""A repository for each test: the stages, and a labs folder of its own."""

import shutil
from pathlib import Path

import pytest

from dezero_harness.labs.lab import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with a copy of the stages, and the working directory; the language is English."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=ignored)
    shutil.copytree(ROOT / "docs/locale", tmp_path / "docs/locale")
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def lab(root, capsys):
    """Runs the command; returns its status and what it printed."""

    def run(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def replace_by_stage(folder, stage):
    """Make the package of a lab that of the stage."""
    shutil.rmtree(folder / "dezero")
    shutil.copytree(stage / "dezero", folder / "dezero")
