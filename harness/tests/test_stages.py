"""What holds of the stages as texts: small packages, small differences, nothing written twice."""

import ast
import difflib
import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGES = sorted(ROOT.glob("stages/step*"))
NUMBERS = [int(stage.name.removeprefix("step")) for stage in STAGES]


def lines_of_code(path):
    """The number of lines without blank ones, comments and docstrings."""
    text = path.read_text("utf-8")
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docstrings.update(range(value.lineno, value.end_lineno + 1))
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in layout | {tokenize.ENDMARKER}:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def changed_lines(old, new):
    """Lines added plus lines removed, white space ignored; a blank line counts."""
    old, new = (["".join(line.split()) for line in p.read_text().splitlines()] for p in (old, new))
    return sum(line[:1] in "+-" for line in difflib.ndiff(old, new))


def engine(number):
    return ROOT / f"stages/step{number}/dezero" / ("core_simple.py" if number == 31 else "core.py")


def test_there_are_six_stages():
    assert NUMBERS == [31, 32, 33, 34, 35, 36]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_is_read_in_one_sitting(stage):
    files = sorted(stage.glob("dezero/*.py"))
    assert len([file for file in files if file.name != "__init__.py"]) <= 4
    assert sum(map(lines_of_code, files)) <= 300


@pytest.mark.parametrize("number", NUMBERS[1:])
def test_the_engine_changes_by_one_idea(number):
    changed = changed_lines(engine(number - 1), engine(number))
    # What the difference is made of is in the chapter; zero where the chapter only uses the engine.
    assert changed <= (40 if number in (32, 36) else 0)


def test_step32_keeps_the_old_core_as_it_was():
    old, kept = (ROOT / f"stages/step{n}/dezero/core_simple.py" for n in (31, 32))
    assert old.read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("number", NUMBERS[2:])
def test_the_old_core_and_the_switch_are_gone_from_step33_on(number):
    package = ROOT / f"stages/step{number}/dezero"
    assert not (package / "core_simple.py").exists()
    assert "is_simple_core" not in (package / "__init__.py").read_text("utf-8")


@pytest.mark.parametrize("name", ["utils.py", "cuda.py"])
def test_what_no_chapter_changes_is_the_same_everywhere(name):
    assert len({(stage / "dezero" / name).read_bytes() for stage in STAGES}) == 1


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_importing_a_stage_draws_nothing(stage):
    program = (
        "import sys, dezero, dezero.utils, dezero.cuda\n"
        "print(*{'matplotlib', 'graphviz', 'cupy', 'dezero_harness'}.intersection(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(stage), str(ROOT / "shared")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == ""


def test_the_way_through_counts_the_lines_as_they_are():
    table = (ROOT / "stages/README.md").read_text("utf-8")
    for stage, number in zip(STAGES, NUMBERS):
        counted = re.search(rf"^\| \[{number}\].*?\| (\d+) \|", table, re.MULTILINE)
        assert int(counted[1]) == sum(map(lines_of_code, stage.glob("dezero/*.py")))
