"""Where the pictures of the examples go."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dezero_shared import plots

GRAPH = 'digraph g {\n0 [label="x"]\n}\n'


@pytest.fixture(autouse=True)
def without_display():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """Pretends that there is a display; the figures that were shown on it, as arrays."""
    figures = []

    def show():
        plt.gcf().canvas.draw()
        figures.append(np.asarray(plt.gcf().canvas.buffer_rgba()))

    monkeypatch.setattr(plt, "get_backend", lambda: "TkAgg")
    monkeypatch.setattr(plt, "show", show)
    return figures


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf"])
def test_out_is_where_a_figure_goes(name, tmp_path, capsys):
    args = plots.arguments("").parse_args(["--out", str(tmp_path / name)])
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1])
    plots.finish(figure, args.out)
    assert (tmp_path / name).stat().st_size > 1000
    assert capsys.readouterr().err == f"The picture is in {tmp_path / name}\n"


def test_out_is_where_a_graph_goes(tmp_path, capsys):
    plots.finish_graph(GRAPH, tmp_path / "a.svg")
    assert capsys.readouterr().err == f"The picture is in {tmp_path / 'a.svg'}\n"
    assert ">x</text>" in (tmp_path / "a.svg").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.txt", "has to end in .png, .svg or .pdf"), ("missing/a.png", "there is no folder")],
)
def test_a_wrong_out_is_told_before_the_work(name, message, tmp_path, capsys):
    with pytest.raises(SystemExit):
        plots.arguments("").parse_args(["--out", str(tmp_path / name)])
    assert message in capsys.readouterr().err


def test_without_display_a_message_tells_of_out(capsys):
    plots.finish(plt.figure(), None)
    plots.finish_graph(GRAPH, None)
    assert capsys.readouterr().err.count("there is no display to show the picture on: --out") == 2


def test_with_a_display_a_figure_is_shown(shown):
    plots.finish(plt.figure(), None)
    assert len(shown) == 1


def test_with_a_display_a_graph_is_shown(shown):
    plots.finish_graph(GRAPH, None)
    assert shown[0].min() < 50  # something black is on the white


def test_a_graph_that_cannot_be_drawn_ends_the_program_with_the_reason(tmp_path):
    with pytest.raises(SystemExit, match=r"syntax error(.|\n)*the DOT text is in .*a\.svg\.dot"):
        plots.finish_graph("digraph g {", tmp_path / "a.svg")


def test_progress_goes_to_stderr(capsys):
    assert list(plots.progress(range(3), "counting")) == [0, 1, 2]
    said = capsys.readouterr()
    assert said.out == ""
    assert "counting: 100%" in said.err


def test_matplotlib_is_imported_only_to_plot():
    assert "matplotlib" in sys.modules
    assert not hasattr(plots, "plt")
