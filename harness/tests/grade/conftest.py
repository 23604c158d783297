"""Classes to grade: folders of submissions, made of the stages."""

import csv
import shutil
from pathlib import Path

import pytest

from dezero_harness.execution.sandbox import why_unusable
from dezero_harness.grading import grade

ROOT = Path(__file__).parents[3]


def pytest_configure(config):
    if reason := why_unusable():
        raise pytest.UsageError(f"hostile submissions need a sandbox: {reason}")


def package(number):
    """The files of a stage's package, by their paths."""
    folder = ROOT / "stages" / f"step{number}"
    return {
        str(file.relative_to(folder)): file.read_text("utf-8")
        for file in sorted((folder / "dezero").glob("*.py"))
    }


def hand_in(folder, files):
    """Write a submission."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def rows(out):
    """Student -> the row of grades.csv."""
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture
def short(monkeypatch):
    """Few of the cases, for tests that are not about them."""
    load = grade.load_chapter

    def shortened(root, number):
        chapter = load(root, number)
        object.__setattr__(chapter, "earlier", chapter.earlier[:30])
        object.__setattr__(chapter, "own", chapter.own[:20])
        return chapter

    monkeypatch.setattr(grade, "load_chapter", shortened)


@pytest.fixture
def classroom(tmp_path, monkeypatch, capfd):
    """A folder of submissions, and a way to grade it: returns the status and what was said."""

    class Classroom:
        submissions = tmp_path / "submissions"
        out = tmp_path / "grades"

        def hand_in(self, name, files):
            hand_in(self.submissions / name, files)

        def grade(self, *options, stage=34):
            capfd.readouterr()
            arguments = [self.submissions, "--stage", stage, "--out", self.out, *options]
            status = grade.main([str(one) for one in arguments])
            said = capfd.readouterr()
            return status, said.out + said.err

        def rows(self):
            return rows(self.out)

    monkeypatch.chdir(ROOT)
    Classroom.submissions.mkdir()
    yield Classroom()
    shutil.rmtree(tmp_path, ignore_errors=True)
