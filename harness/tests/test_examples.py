"""Every example of every stage runs as it stands, and prints and draws what it has to."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import pytest

from dezero_harness.site.expected_output import EXAMPLES, NEWTON, Numbers, rosenbrock_path

ROOT = Path(__file__).resolve().parents[2]


def run(folder, stage, script, *args, warnings="error,ignore::DeprecationWarning"):
    """A script of a stage, run in this folder as a user would, without a display."""
    step = ROOT / f"stages/step{stage}"
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(step), str(ROOT / "shared")]),
        "PYTHONWARNINGS": warnings,
        "MPLBACKEND": "Agg",
    }
    command = [sys.executable, str(step / "examples" / script), *args]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", timeout=120
    )


def name_of(example):
    return "-".join([f"step{example.stage}", example.script, *example.args, example.draws])


PLAIN = [example for example in EXAMPLES if not example.extra]  # test_extras.py runs the others


@pytest.mark.parametrize("example", PLAIN, ids=name_of)
def test_example(example, tmp_path):
    check_example(example, tmp_path)


def check_example(example, tmp_path):
    args = [*example.args]
    if example.draws:
        args += ["--out", f"picture.{example.draws}"]
    options = {"warnings": "default"} if example.warns else {}
    done = run(tmp_path, example.stage, example.script, *args, **options)
    assert done.returncode == 0, done.stderr
    assert example.warns in done.stderr
    assert example.misfit(done.stdout) == ""
    pictures = [f"picture.{example.draws}"] if example.draws else []
    assert [file.name for file in tmp_path.iterdir()] == pictures
    for picture in pictures:
        assert f"The picture is in {picture}" in done.stderr
        look_at(tmp_path / picture, example.shows)


def look_at(picture, shows):
    """Something is drawn there, in several colours, and it can be read."""
    if picture.suffix == ".png":
        pixels = matplotlib.image.imread(picture)[:, :, :3]
        assert min(pixels.shape[:2]) > 100
        drawn = pixels[pixels.min(axis=2) < 0.95]
        assert len(drawn) > 0.005 * pixels.shape[0] * pixels.shape[1]
        assert (drawn.max(axis=1) - drawn.min(axis=1)).max() > 0.3, "there is no colour"
    else:
        shapes = {"path", "ellipse", "polygon"}
        tags = [node.tag.rpartition("}")[-1] for node in ElementTree.parse(picture).iter()]
        assert sum(tag in shapes for tag in tags) >= 8
        text = picture.read_text("utf-8")
        assert [word for word in shows if word not in text] == []


def test_every_example_is_run():
    files = {(file.parts[-3], file.name) for file in ROOT.glob("stages/step*/examples/*.py")}
    assert {(f"step{example.stage}", example.script) for example in EXAMPLES} == files


def test_the_graph_of_a_high_order_can_be_had_as_text(tmp_path):
    done = run(tmp_path, 35, "tanh_graph.py", "8", "--dot")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("digraph g {", "}")
    for name in ("gx8", "x", "y"):
        assert sum(f'label="{name}"' in line for line in lines) == 1
    assert 1000 < done.stdout.count("shape=box") < 5000


@pytest.mark.parametrize(("stage", "script"), [(31, "no_graph_behind_grad.py"), (33, "newton.py")])
def test_without_out_and_display_it_says_what_to_do(stage, script, tmp_path):
    done = run(tmp_path, stage, script)
    assert done.returncode == 0, done.stderr
    assert "--out FILE.png" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_order_that_is_none_is_refused(tmp_path):
    done = run(tmp_path, 35, "tanh_graph.py", "0")
    assert done.returncode == 2
    assert "the order is 1 or more" in done.stderr


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("1 [ 2.5 -3. ]", True),
        ("1 [2.5  -3.]", True),
        ("1 [2.5 3.]", False),
        ("1 [2.4 -3.]", False),
        ("2 [2.5 -3.]", False),
        ("1 [2.5 -3.]!", False),
        ("1 [2.5]", False),
    ],
)
def test_a_line_with_numbers_fits_or_not(line, fits):
    assert Numbers("{} [ {} {} ]", (1, 2.5, (-4.0, -3.0))).fit(line) is fits


def test_the_expected_paths_are_newtons():
    x = 2.0
    for expected in NEWTON:
        assert x == pytest.approx(expected, rel=1e-14)
        x -= (4 * x**3 - 4 * x) / (12 * x**2 - 4)
    path = rosenbrock_path(-1.2, 1.0, steps=7)
    assert path[1] == pytest.approx((-1.1752808988764045, 1.3806741573033706), rel=1e-14)
    assert path[-1] == pytest.approx((1.0, 1.0), abs=1e-12)
