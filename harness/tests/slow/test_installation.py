"""Stages that are installed by pip: one takes the place of another, whole."""

import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from hatchling.build import build_editable, build_wheel

from conftest import ROOT

NUMBERS = (33, 36)


def test_all_stages_are_versions_of_one_distribution():
    for folder in ROOT.glob("stages/step*"):
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        number = folder.name.removeprefix("step")
        assert (project["name"], project["version"]) == ("dezero-stage", number)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A wheel and an editable wheel of an early stage and of a late one."""
    found = {}
    before = Path.cwd()
    for number in NUMBERS:
        for how, build in (("copied", build_wheel), ("editable", build_editable)):
            folder = tmp_path_factory.mktemp(f"{how}{number}")
            os.chdir(ROOT / f"stages/step{number}")
            found[number, how] = folder / build(str(folder))
    os.chdir(before)
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / Path(sys.executable).name


def pip(environment, *words):
    options = ["--isolated", "--disable-pip-version-check", "--quiet"]
    command = [environment, "-m", "pip", *options, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def modules(environment):
    """Of the package dezero that one gets: its modules, and its folder's parent."""
    program = (
        "import pathlib, importlib.util\n"
        "package = pathlib.Path(importlib.util.find_spec('dezero').origin).parent\n"
        "print(package.parent.name, *sorted(file.name for file in package.glob('*.py')))"
    )
    run = subprocess.run([environment, "-c", program], capture_output=True, text=True, check=True)
    place, *names = run.stdout.split()
    return place, names


def test_a_stage_replaces_another(environment, wheels):
    order = [(36, "copied"), (33, "copied"), (36, "editable"), (33, "editable"), (36, "copied")]
    for number, how in order:
        done = pip(environment, "install", "--no-index", "--no-deps", wheels[number, how])
        assert done.returncode == 0, done.stderr
        place, names = modules(environment)
        package = ROOT / f"stages/step{number}/dezero"
        assert names == sorted(file.name for file in package.glob("*.py"))
        assert place == (f"step{number}" if how == "editable" else "site-packages")


def test_two_stages_at_once_are_refused(environment, wheels):
    both = [wheels[number, "copied"] for number in NUMBERS]
    done = pip(environment, "install", "--no-index", "--no-deps", *both)
    assert done.returncode != 0
    assert "dezero-stage" in done.stderr
