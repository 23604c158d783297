"""Pictures of graphs, on graphs of the plainest Variables and Functions there can be."""

import random
import re
import subprocess
import sys
import types
import weakref
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import array_api_strict
import numpy as np
import pytest

from dezero_shared import dot
from dezero_shared.dot import NoPicture, draw, get_dot_graph, plot_dot_graph, walk


class Variable:
    def __init__(self, data, name=None, creator=None):
        self.data, self.name, self.creator = data, name, creator


@cache
def function_class(name):
    return type(name, (), {})


def apply(name, *inputs, outputs=1):
    """The outputs of a Function of this name on these inputs."""
    function = function_class(name)()
    ys = [Variable(np.array(1.0), creator=function) for _ in range(outputs)]
    function.inputs, function.outputs = inputs, [weakref.ref(y) for y in ys]
    return ys[0] if outputs == 1 else ys


def square():
    x = Variable(np.array(2.0), "x")
    y = apply("Mul", x, x)
    y.name = "y"
    return y


def chain(length):
    y = Variable(np.array(2.0), "x")
    for _ in range(length):
        y = apply("Neg", y)
    return y


def names(file):
    """The labels that an SVG shows."""
    shown = ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in shown]


def test_the_text_of_a_square():
    assert get_dot_graph(square(), verbose=False) == (
        "digraph g {\n"
        '0 [label="y", color=orange, style=filled]\n'
        '1 [label="Mul", color=lightblue, style=filled, shape=box]\n'
        "2 -> 1\n"
        "2 -> 1\n"
        "1 -> 0\n"
        '2 [label="x", color=orange, style=filled]\n'
        "}\n"
    )


def test_a_leaf_is_one_node():
    assert len(walk(Variable(np.array(2.0)))) == 1


def test_equal_graphs_give_equal_text():
    assert get_dot_graph(square()) == get_dot_graph(square())


def test_each_node_is_declared_once_though_it_is_used_often():
    x = Variable(np.array(2.0))
    a = apply("Mul", x, x)
    text = get_dot_graph(apply("Add", apply("Mul", a, x), apply("Mul", x, a)))
    declared = re.findall(r"^(\d+) \[", text, re.MULTILINE)
    used = re.findall(r"\d+", "\n".join(re.findall(r"^\d+ -> \d+$", text, re.MULTILINE)))
    assert len(declared) == len(set(declared)) == 9
    assert set(used) <= set(declared)


def test_an_output_that_is_gone_is_not_drawn():
    first, second = apply("Split", Variable(np.array(2.0)), outputs=2)
    assert len(walk(first)) == 4
    del second
    assert len(walk(first)) == 3
    assert get_dot_graph(first).count("->") == 2


@pytest.mark.parametrize(
    ("data", "name", "short", "verbose"),
    [
        (np.zeros((2, 3), "float32"), "w", "w", "w: (2, 3) float32"),
        (np.array(1.0), None, "", "() float64"),
        (None, "x", "x", "x"),
        (None, None, "", ""),
        (3.5, None, "3.5", "3.5"),
        (3.5, "c", "c", "c: 3.5"),
    ],
)
def test_labels_of_variables(data, name, short, verbose):
    variable = Variable(data, name)
    assert f'0 [label="{short}",' in get_dot_graph(variable, verbose=False)
    assert f'0 [label="{verbose}",' in get_dot_graph(variable)


def test_a_constant_shows_its_value_where_it_has_no_name():
    constant, leaf = Variable(np.array(-1.0)), Variable(np.array(-1.0))
    constant.requires_grad, leaf.requires_grad = False, True
    assert '0 [label="-1.0",' in get_dot_graph(constant, verbose=False)
    assert '0 [label="",' in get_dot_graph(leaf, verbose=False)


def test_a_dtype_is_named_without_its_module():
    data = array_api_strict.zeros(2, dtype=array_api_strict.float32)
    assert '0 [label="(2,) float32",' in get_dot_graph(Variable(data))


@pytest.mark.parametrize(
    "name", ['a "b" c', "back\\slash \\N", "<b>bold</b>", "&lt;", "\\", '\\"', "a -> b; }"]
)
def test_a_name_is_shown_as_it_is(name, tmp_path):
    y = square()
    y.name = name
    assert name in names(plot_dot_graph(y, verbose=False, to_file=tmp_path / "graph.svg"))


def test_a_name_of_two_lines_is_two_lines(tmp_path):
    y = square()
    y.name = "one\r\ntwo"
    shown = names(plot_dot_graph(y, verbose=False, to_file=tmp_path / "graph.svg"))
    assert shown.count("one") == shown.count("two") == 1


def test_every_character_can_be_in_a_name(tmp_path):
    edges = [0x7F, 0xA0, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 0xFDD0, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF]
    codes = [*range(0xA1), 0xAD, *edges, 0x10000, 0x1F600, 0x1FFFF, 0x10FFFF, 0x2028, 0x202E]
    inputs = [Variable(np.array(1.0), f"<{chr(code)}>") for code in codes if chr(code) != "\n"]
    file = plot_dot_graph(apply("Many", *inputs), verbose=False, to_file=tmp_path / "graph.svg")
    expected = [x.name for x in inputs if x.name[1].isprintable() or x.name[1] in "\t\xa0\xad"]
    assert len(expected) > 100
    shown = names(file)
    assert set(expected) <= set(shown)
    assert {r"<\x00>", r"<\r>", r"<\x1b>", r"<\x7f>", r"<\x9f>", r"<\ud800>", r"<\uffff>"} <= set(
        shown
    )
    assert len(shown) == len(inputs) + 1


def test_any_text_is_a_name(tmp_path):
    draw = random.Random(13)
    pool = "ab\\\"'<>&;{}[]|\t\0\x1b\r\ud800\uffff\u00e9#-=%Nn "
    texts = ["".join(draw.choices(pool, k=draw.randrange(1, 12))) for _ in range(60)]
    inputs = [Variable(np.array(1.0), f"[{text}]") for text in texts]
    file = plot_dot_graph(apply("Many", *inputs), verbose=False, to_file=tmp_path / "graph.svg")

    def written(text):
        odd = "\0\x1b\r\ud800\uffff"
        return "".join(ascii(c)[1:-1] if c in odd else c for c in text)

    shown = sorted(re.sub(r"\s+", " ", text) for text in names(file) if text != "Many")
    assert shown == sorted(re.sub(r"\s+", " ", written(x.name)) for x in inputs if x.name)


def test_a_name_may_be_anything_that_prints():
    assert '[label="3",' in get_dot_graph(Variable(np.array(1.0), 3), verbose=False)


def test_a_long_graph_does_not_recurse():
    assert len(walk(chain(100_000))) == 200_001


@pytest.mark.parametrize("given", [np.array(1.0), None, "y", [square()]])
def test_what_is_no_variable_has_no_graph(given):
    with pytest.raises(TypeError, match="only a Variable has a graph behind it, not"):
        get_dot_graph(given)


def test_the_picture_is_written_where_asked_and_nothing_else(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    file = tmp_path / "graph.png"
    assert plot_dot_graph(square(), to_file=str(file)) == file
    assert file.read_bytes().startswith(b"\x89PNG")
    assert sorted(tmp_path.rglob("*")) == [file, home]


def test_the_default_is_graph_png_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plot_dot_graph(square()) == Path("graph.png")
    assert (tmp_path / "graph.png").exists()


def test_a_notebook_shows_the_picture(tmp_path, monkeypatch):
    display = types.SimpleNamespace(
        SVG=lambda filename: ("SVG", filename), Image=lambda filename: ("Image", filename)
    )
    notebook = types.SimpleNamespace(get_ipython=object, display=display)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    svg, png = tmp_path / "graph.svg", tmp_path / "graph.png"
    assert plot_dot_graph(square(), to_file=svg) == ("SVG", svg)
    assert plot_dot_graph(square(), to_file=png) == ("Image", png)


@pytest.mark.parametrize("name", ["graph", "graph.txt", "graph.", ".svg"])
def test_an_unknown_ending_is_an_error_that_lists_the_known_ones(name, tmp_path):
    with pytest.raises(ValueError, match=r"has to end in one of \.svg, \.pdf, .*\.png"):
        plot_dot_graph(square(), to_file=tmp_path / name)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        plot_dot_graph(square(), to_file=tmp_path / "missing" / "graph.svg")


def no_picture(tmp_path, message):
    """Checks that there is an error instead of a picture, and that it hands over the DOT text."""
    y, file = square(), tmp_path / "graph.svg"
    with pytest.raises(NoPicture, match=message) as raised:
        plot_dot_graph(y, to_file=file)
    assert raised.value.dot == get_dot_graph(y)
    assert (tmp_path / "graph.svg.dot").read_text("utf-8") == get_dot_graph(y)
    assert str(tmp_path / "graph.svg.dot") in raised.value.__notes__[0]
    assert not file.exists()


def test_without_the_package_the_text_is_handed_over(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.setitem(sys.modules, "graphviz.backend", None)
    no_picture(tmp_path, "takes the package graphviz: install it with `python -m pip install")


def test_without_the_program_the_text_is_handed_over(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dot.sysconfig, "get_path", lambda name: str(tmp_path))
    no_picture(tmp_path, "program `dot`: install it with `python -m pip install")


def test_a_program_that_does_not_start_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(dot, "_program", lambda: str(tmp_path / "missing"))
    no_picture(tmp_path, "missing has drawn no svg: ")


def test_after_the_time_limit_the_text_is_handed_over(tmp_path):
    text = get_dot_graph(square())
    with pytest.raises(NoPicture, match=r"after 0 s there was no picture yet") as raised:
        draw(text, tmp_path / "graph.svg", time_limit=1e-4)
    assert raised.value.dot == text


def test_what_the_program_says_is_in_the_error(tmp_path):
    with pytest.raises(NoPicture, match=r"has drawn no svg: .*syntax error"):
        draw("digraph g {", tmp_path / "graph.svg")


@pytest.mark.parametrize("ending", ["pdf", "eps", "webp"])
def test_an_ending_that_the_program_does_not_draw_is_an_error_that_says_which_it_does(
    ending, tmp_path, monkeypatch
):
    pure = dot.shutil.which("graphviz-pure", path=dot.sysconfig.get_path("scripts"))
    monkeypatch.setattr(dot, "_program", lambda: pure)
    file = tmp_path / f"graph.{ending}"
    with pytest.raises(
        NoPicture, match=rf"graphviz-pure draws no \.{ending}; take a file"
    ) as raised:
        plot_dot_graph(square(), to_file=file)
    message = str(raised.value)
    assert ".svg, .png, .jpg, .jpeg, or install Graphviz itself" in message
    assert (tmp_path / f"graph.{ending}.dot").exists()
    assert not file.exists()
    for known in ("svg", "png", "jpg", "jpeg"):
        plot_dot_graph(square(), to_file=tmp_path / f"graph.{known}")


def test_a_graph_of_500_nodes_warns_and_is_drawn_as_an_svg_too(tmp_path):
    file = tmp_path / "graph.png"
    with pytest.warns(UserWarning, match=r"this graph has 501 nodes.*graph\.svg, too") as warned:
        assert plot_dot_graph(chain(250), to_file=file) == tmp_path / "graph.svg"
    assert warned[0].filename == __file__
    assert file.read_bytes().startswith(b"\x89PNG")
    assert names(tmp_path / "graph.svg").count("Neg") == 250


def test_a_graph_of_1000_nodes_is_drawn_with_less_care(tmp_path):
    with pytest.warns(UserWarning, match="this graph has 1201 nodes"):
        picture = plot_dot_graph(chain(600), to_file=tmp_path / "graph.svg")
    assert names(picture).count("Neg") == 600


def test_a_smaller_graph_does_not_warn(tmp_path, recwarn):
    plot_dot_graph(chain(20), to_file=tmp_path / "graph.svg")
    assert not recwarn.list


def test_what_draws_is_imported_only_to_draw():
    program = (
        "import sys, dezero_shared.dot, dezero_shared.plots\n"
        "print([m for m in ('graphviz', 'matplotlib', 'tqdm', 'IPython') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr
