"""The trace of a backward pass: against mathematics, and against engines that work otherwise."""

import dataclasses
import json
import math
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import pytest

from conftest import ROOT
from dezero_harness.execution.runner import StageError
from dezero_harness.site.expected_output import TANH
from dezero_harness.tracing import formulas, stepper, trace
from dezero_harness.tracing.recorder import TraceError
from dezero_harness.tracing.trace import PROGRAMS, Program, record
from dezero_shared import dot

STAGES = ROOT / "stages"
SHOWN = [(n, program.name) for program in PROGRAMS.values() for n in program.chapters]

_recorded = {}


def recorded(number, name):
    """The trace of a known program on a stage, recorded once."""
    if (number, name) not in _recorded:
        _recorded[number, name] = record(STAGES / f"step{number}", PROGRAMS[name])
    return _recorded[number, name]


def watch(number, text, **options):
    program = Program(name="program", title="a program", text=text)
    return record(STAGES / f"step{number}", program, **options)


def steps(found, kind, number=None):
    return [
        step
        for step in found["steps"]
        if step["kind"] == kind and (number is None or step["pass"] == number)
    ]


def functions(found, names):
    return [found["nodes"][name]["name"] for name in names]


def value(found, name):
    return float(found["nodes"][name]["value"])


def value_before(found, name, step):
    """The value of a Variable when this step begins: the program may have assigned another."""
    past = found["steps"][: found["steps"].index(step)]
    assigned = [a for one in past for a in one.get("assigned", ()) if a["to"] == name]
    return float(found["nodes"][name]["values"][len(assigned)])


# What is written


def test_the_second_derivative_writes_24_and_44():
    found = recorded(33, "second_derivative")
    assert trace.written_in(found, 1) == {"x": "24.0"}
    assert trace.written_in(found, 2) == {"x": "44.0"}


def test_without_cleargrad_the_second_pass_writes_68():
    text = PROGRAMS["second_derivative"].text.replace("x.cleargrad()\n", "")
    found = watch(33, text)
    (write,) = steps(found, "write", 2)[0]["writes"]
    assert (write["value"], write["added_to"]) == ("68.0", "24.0")


def test_sin_goes_through_its_cycle():
    found = recorded(34, "sin")
    written = [float(trace.written_in(found, n)["x"]) for n in (1, 2, 3)]
    assert written == pytest.approx([math.cos(1), -math.sin(1), -math.cos(1)], rel=1e-15)


def test_double_backprop_writes_100():
    assert trace.written_in(recorded(36, "double_backprop"), 2) == {"x": "100.0"}


def test_the_derivatives_of_tanh_that_pages_expect_are_the_published_ones():
    assert trace.tanh_derivatives(6) == pytest.approx(TANH, rel=1e-13)


def test_on_step31_the_gradient_is_an_array_and_nothing_new_appears():
    found = recorded(31, "first_derivative")
    (write,) = steps(found, "write")[0]["writes"]
    assert (write["value"], write["is_array"], write["creator"]) == ("24.0", True, "")
    assert [step["new"] for step in found["steps"][1:]] == [[]] * (len(found["steps"]) - 1)


# The way there


def test_the_first_pass_of_the_polynomial_is_known_by_hand():
    # y = a - b, a = x^4, b = 2 c, c = x^2: 1 to a and -1 to b, -2 to c, 4x^3 = 32 and -2 2x = -8.
    found = recorded(33, "second_derivative")
    assert functions(found, [step["taken"] for step in steps(found, "take", 1)]) == [
        "Sub",
        "Mul",
        "Pow",
        "Pow",
    ]
    assert [step["why"] for step in steps(found, "take", 1)] == [
        "alone",
        "latest",  # Mul's generation is 1, that of x**4 is 0
        "first",  # x**4 came to the queue before x**2 did
        "alone",
    ]
    given = [[float(g["value"]) for g in step["gives"]] for step in steps(found, "pass", 1)]
    assert given == [[1.0, -1.0], [-2.0], [32.0], [-8.0]]


LOCAL = {  # (values of the inputs, value of the output, gradient) -> the gradients of the inputs
    "Add": lambda x, y, g: [g, g],
    "Sub": lambda x, y, g: [g, -g],
    "Mul": lambda x, y, g: [g * x[1], g * x[0]],
    "Neg": lambda x, y, g: [-g],
    "Sin": lambda x, y, g: [g * math.cos(x[0])],
    "Cos": lambda x, y, g: [-g * math.sin(x[0])],
    "Tanh": lambda x, y, g: [g * (1 - math.tanh(x[0]) ** 2)],
    # x^c with the whole number c = log y / log x: c x^(c-1) = c y / x
    "Pow": lambda x, y, g: [g * round(math.log(y) / math.log(x[0])) * y / x[0]],
}


@pytest.mark.parametrize(("number", "name"), SHOWN)
def test_each_gradient_is_the_local_derivative_times_what_was_given(number, name):
    found = recorded(number, name)
    taken = 0
    for take, give in zip(steps(found, "take"), steps(found, "pass"), strict=True):
        taken += 1
        node = found["nodes"][take["taken"]]
        assert give["taken"] == take["taken"]
        (gradient,) = [float(t["value"]) for t in take["takes"]]
        x = [value_before(found, n, take) for n in node["inputs"]]
        known = LOCAL[node["name"]](x, value(found, node["outputs"][0]), gradient)
        expected = {}
        for target, gx in zip(node["inputs"], known, strict=True):
            if found["nodes"][target]["role"] != "constant":
                expected.setdefault(target, []).append(gx)
        got = {}
        for given in give["gives"]:
            got.setdefault(given["to"], []).append(float(given["value"]))
        assert got.keys() == expected.keys()
        for target, gradients in expected.items():
            assert got[target] == pytest.approx(gradients, rel=1e-14)
    assert taken >= 3 or name != "second_derivative"


VALUES = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Neg": lambda a: -a,
    "Sin": math.sin,
    "Cos": math.cos,
    "Tanh": math.tanh,
}


@pytest.mark.parametrize(("number", "name"), SHOWN)
def test_each_node_has_the_value_of_its_function(number, name):
    found = recorded(number, name)
    for node in found["nodes"].values():
        if node["kind"] == "function" and node["name"] != "Pow":
            x = [value(found, n) for n in node["inputs"]]
            known = VALUES[node["name"]](*x)
            assert value(found, node["outputs"][0]) == pytest.approx(known, rel=1e-15)


@pytest.mark.parametrize(("number", "name"), SHOWN)
def test_a_function_is_taken_when_its_gradient_is_complete(number, name):
    found = recorded(number, name)
    complete = None
    for step in found["steps"]:
        if step["kind"] == "start":
            complete = set()
        elif step["kind"] == "take":
            node = found["nodes"][step["taken"]]
            latest = max(found["nodes"][n]["generation"] for n in step["waiting"])
            assert node["generation"] == latest
            complete |= set(node["outputs"])
        elif step["kind"] == "pass":
            assert not complete & {given["to"] for given in step["gives"]}


@pytest.mark.parametrize(("number", "name"), SHOWN)
def test_new_nodes_appear_where_create_graph_is_on_and_only_there(number, name):
    found = recorded(number, name)
    new = {
        (step["pass"], step["create_graph"]): 0
        for step in found["steps"]
        if step["kind"] == "start"
    }
    for step in steps(found, "pass"):
        new[step["pass"], step["create_graph"]] += len(step["new"])
    assert new
    for (_, create_graph), count in new.items():
        assert (count > 0) == create_graph
    last = steps(found, "write")[-1]
    assert not last["create_graph"]


def test_a_node_knows_the_line_that_made_it():
    found = recorded(33, "second_derivative")
    core = (STAGES / "step33" / "dezero" / "core.py").read_text("utf-8").splitlines()
    program = found["text"].splitlines()
    places = {node["name"]: node["made"] for node in found["nodes"].values()}
    assert places["x"]["code"] == 'x = Variable(np.array(2.0), "x")'
    assert places["y"]["code"] == "y = x**4 - 2 * x**2"
    assert places["Pow"]["in"] == "Pow.backward"
    assert places["Add"]["in"] == "Variable.backward"  # two gradients of x are added by the walk
    for made in places.values():
        lines = program if made["file"] == "second_derivative.py" else core
        assert made["file"] in ("second_derivative.py", "dezero/core.py")
        assert made["code"] == lines[made["line"] - 1].strip()


def test_the_trace_is_plain_data_and_its_labels_are_unique():
    found = recorded(34, "sin")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    labels = [node["label"] for node in found["nodes"].values()]
    assert len(set(labels)) == len(labels)


def test_arrays_several_outputs_and_own_functions_are_watched():
    found = watch(
        36,
        """
import numpy as np
import dezero.functions as F
from dezero import Function, Variable

class Both(Function):
    def forward(self, x):
        return 2 * x, 3 * x

    def backward(self, g0, g1):
        return 2 * g0 + 3 * g1

W = Variable(np.ones((3, 2)), "W")
a, b = Both()(F.matmul(np.ones((4, 3)), W))
y = F.sum(a) + F.sum(b * b)
y.backward(retain_grad=True)
""",
    )
    # Each of the 4 x 2 products is p = 3: dy/dp = 2 + 3 * 2 * 9 = 56, and 4 of them meet in W.
    assert trace.written_in(found, 1)["W"] == str([[224.0, 224.0]] * 3)
    roles = {node["role"] for node in found["nodes"].values() if node.get("shape") == [4, 3]}
    assert roles == {"constant"}


# Where there is no trace


def no_trace(text, number=33, **options):
    with pytest.raises(TraceError) as refused:
        watch(number, text, **options)
    assert f"step{number}" in str(refused.value)
    assert "program" in str(refused.value)
    return str(refused.value)


def test_a_stage_that_cannot_run_the_program_is_named_with_the_line():
    with pytest.raises(TraceError, match=r"sin.py on step33 fails: line 2: from dezero.functions"):
        record(STAGES / "step33", PROGRAMS["sin"])


def test_a_program_that_fails_is_named_with_the_line():
    assert "line 2: 1 / 0: ZeroDivisionError" in no_trace("x = 1\n1 / 0")


def test_a_program_without_a_backward_pass_is_an_error():
    assert "called backward() of no Variable" in no_trace("x = 1")


def test_a_program_that_does_not_end_is_stopped():
    assert "still running" in no_trace("while True: pass", time_limit=2.0)


def test_a_program_that_ends_the_process_is_an_error():
    assert "ended with status 3" in no_trace("import os; os._exit(3)")
    assert "ended itself" in no_trace("import sys; sys.exit()")


def test_too_large_a_graph_is_an_error():
    text = PROGRAMS["second_derivative"].text
    assert "more than 12 nodes" in no_trace(text, most_nodes=12)


def test_a_folder_without_a_stage_is_an_error(tmp_path):
    with pytest.raises(StageError, match="no package dezero"):
        record(tmp_path, PROGRAMS["tanh"])


def test_a_program_that_is_not_there_is_an_error():
    with pytest.raises(TraceError, match=r"neither a program .* nor the path"):
        trace.find_program("second")


WRONG_ENGINES = {
    "a wrong derivative": (
        "mathematics says 24.0",
        """
right = dezero.core.Pow.backward
dezero.core.Pow.backward = lambda self, gy: 2 * right(self, gy)
""",
    ),
    "a gradient that is written and not the sum": (
        "does not add up",
        """
def backward(self, *args, right=Variable.backward, **kwargs):
    right(self, *args, **kwargs)
    x = self
    while x.creator is not None:
        x = x.creator.inputs[0]
    x.grad = Variable(dezero.as_array(x.grad.data * 2))
Variable.backward = backward
""",
    ),
    "a walk that calls no backward": (
        "no function was seen to be taken",
        """
def backward(self, *args, **kwargs):
    x = self
    while x.creator is not None:
        x = x.creator.inputs[0]
    x.grad = Variable(dezero.as_array(x.data * 12.0))
Variable.backward = backward
""",
    ),
    "a walk with a queue of its own": (
        "not seen to wait",
        """
import inspect
import textwrap
text = textwrap.dedent(inspect.getsource(Variable.backward))
walk = vars(dezero.core) | {"put": dezero.core.heappush}
exec(text.replace("heappush", "put"), walk)
Variable.backward = walk["backward"]
""",
    ),
    "a walk in another order": (
        "no longer by generation",
        """
dezero.core.heappush = list.append
dezero.core.heappop = lambda functions: functions.pop(0)
""",
    ),
}


@pytest.mark.parametrize("name", WRONG_ENGINES)
def test_an_engine_that_works_otherwise_is_noticed(name, copied):
    message, change = WRONG_ENGINES[name]
    folder = copied(33)
    init = folder / "dezero" / "__init__.py"
    init.write_text(init.read_text("utf-8") + "\nimport dezero.core\n" + change, "utf-8")
    with pytest.raises(TraceError, match=re.escape(message)):
        record(folder, PROGRAMS["second_derivative"])


# The page


class Ids(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.ids, self.tags = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.ids += [content for name, content in attributes if name == "id"]


def test_two_figures_on_a_page_share_no_id():
    pages = [stepper.fragment(recorded(n, "second_derivative")) for n in (32, 33)]
    ids = Ids("".join(pages)).ids
    assert len(ids) > 100
    assert len(set(ids)) == len(ids)


def test_a_figure_has_an_element_for_each_node_and_edge_that_it_marks():
    found = recorded(36, "double_backprop")
    html = stepper.fragment(found, "here")
    ids = set(Ids(html).ids)
    data = re.search(r'class="dz-data">(.*?)</script>', html)[1]
    frames = json.loads(data)
    assert len(frames) == len(found["steps"])
    marked = {
        name
        for frame in frames
        for kind in ("wait", "flow", "to", "new")
        for name in [*frame[kind], *filter(None, [frame["take"]])]
    }
    assert {f"here-{name}" for name in marked | found["nodes"].keys()} <= ids
    assert frames[-1]["grads"] == {"v0": "grad 100.0"}


def test_a_figure_says_what_mathematics_expects():
    html = stepper.fragment(recorded(33, "second_derivative"))
    expect = re.search(r'data-expect="(.*?)"', html)[1].replace("&quot;", '"')
    assert [result["value"] for result in json.loads(expect)] == [24.0, 44.0]


def test_names_with_any_characters_stay_text():
    name = '<b>"&\\ü\n</script>'
    text = PROGRAMS["first_derivative"].text.replace('"x"', repr(name))
    page = stepper.fragment(watch(33, text))
    drawn = [unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", page)]
    assert f"{name} = 2.0".replace("\n", " ") in drawn
    assert page.count("</script>") == 1
    assert Ids(page).tags.count("b") == 4  # the headings, and the number that is written


def test_a_graph_too_large_to_draw_is_told_in_text(monkeypatch):
    monkeypatch.setattr(stepper, "DRAWABLE", 10)
    html = stepper.fragment(recorded(34, "sin"))
    tags = Ids(html).tags
    assert "svg" not in tags
    assert "This graph has 15 nodes. A picture of more than 10" in html
    assert html.count("<li>Pass ") == 3


def test_without_graphviz_the_build_fails_and_says_so(monkeypatch):
    monkeypatch.setattr(dot, "_program", lambda: None)
    with pytest.raises(dot.NoPicture, match="Graphviz"):
        stepper.fragment(recorded(34, "sin"))


@pytest.fixture(scope="module")
def growth():
    traces = [record(STAGES / "step35", stepper.tanh_program(n)) for n in (1, 2, 3, 6)]
    return traces, stepper.growth(traces[:3])


def test_every_order_has_a_miniature_and_a_full_picture(growth, monkeypatch):
    traces, figure = growth
    assert Ids(figure).tags.count("svg") == 3
    assert "Order 3: gx3 = 0.62162668077" in figure
    assert "Its graph has 37 nodes" in figure
    assert "href" not in figure  # alone, it has no files beside it
    monkeypatch.setattr(stepper, "DRAWABLE", 20)
    files = stepper.full_pictures(traces[:3])
    names = [f"tanh-order-{n}.{kind}" for n in (1, 2, 3) for kind in ("svg", "txt")]
    assert sorted(files) == sorted([*names, "tanh-order-3-small.svg"])
    assert files["tanh-order-3-small.svg"].count("h0") == 37
    assert files["tanh-order-2.svg"].count('class="dz-node') == 15
    assert files["tanh-order-3.svg"].count("h0") == 37  # by rows, without names
    assert files["tanh-order-3.txt"].count("; made in ") == 37


def test_a_miniature_has_a_row_for_each_generation_and_every_edge(growth):
    nodes = stepper.behind(growth[0][3], "gx6")
    rows = stepper._rows(nodes)
    assert sorted(name for row in rows for name in row) == sorted(nodes)
    for row in rows:
        kinds = {(nodes[name]["kind"], nodes[name]["generation"]) for name in row}
        assert len(kinds) == 1
    drawn = stepper._by_rows(rows, nodes, 10_000, 7_000, 8)  # so large that no two edges are one
    edges = drawn.partition('dz-edges"')[2].partition("/>")[0].count("l")
    pairs = {
        (name, other)
        for name, node in nodes.items()
        if node["kind"] == "function"
        for other in (*node["inputs"], *node["outputs"])
        if other in nodes
    }
    assert edges == len(pairs)


def test_the_graph_on_the_slider_is_the_one_that_the_example_draws(growth):
    traces, _ = growth
    script = STAGES / "step35" / "examples" / "tanh_graph.py"
    done = subprocess.run(
        [sys.executable, script, "3", "--dot"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{STAGES / 'step35'}:{ROOT / 'shared'}"},
    )
    nodes = stepper.behind(traces[2], "gx3")
    assert done.stdout.count("[label=") == len(nodes)
    arrows = sum(
        len(node["inputs"]) + len(node["outputs"])
        for node in nodes.values()
        if node["kind"] == "function"
    )
    assert done.stdout.count(" -> ") == arrows


def test_the_command_prints_the_steps_and_writes_the_data(tmp_path):
    command = [sys.executable, "-m", "dezero_harness.tracing", "--stage", str(STAGES / "step33")]
    printed = subprocess.run([*command, "second_derivative"], capture_output=True, text=True)
    assert printed.returncode == 0
    assert "Pow 2 passes -8.0 to x, where it is added to what was there." in printed.stdout
    assert "x.grad is 44.0" in printed.stdout
    subprocess.run([*command, "--json", tmp_path, "second_derivative"], check=True)
    written = json.loads((tmp_path / "second_derivative.json").read_text("utf-8"))
    assert written == recorded(33, "second_derivative")
    failed = subprocess.run([*command, "tanh"], capture_output=True, text=True)
    assert failed.returncode == 1
    assert "tanh.py on step33 fails" in failed.stderr


# Formulas


def formulas_of(found):
    known = formulas.formulas(found["nodes"])
    return {found["nodes"][name]["label"]: text for name, text in known.items()}


def test_formulas_of_polynomials():
    known = formulas_of(recorded(32, "second_derivative"))
    assert known["y"] == "x⁴ − 2x²"
    assert known["gx"] == "4x³ − 4x"
    assert known["result of Mul 3"] == "4x³"
    assert known["result of Mul 5"] == "−4x"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("y = (x + 1) * (x - 1)", "x² − 1"),
        ("y = 1 - x", "1 − x"),
        ("y = -x * 0.5", "−0.5x"),
        ("y = x / 2", None),  # no rule for it, so nothing is said
        ("y = x - x", None),  # a number
        ("y = sin(x) * cos(x)", "cos x sin x"),
        ("t = tanh(x)\ny = 1 - t * t", "1 − t²"),
        ("y = sin(x * 2)", None),
    ],
)
def test_formulas_of_functions(lines, says):
    text = (
        "import numpy as np\nfrom dezero import Variable\n"
        "from dezero.functions import cos, sin, tanh\n"
        f"x = Variable(np.array(2.0), 'x')\n{lines}\ny.backward()\n"
    )
    found = watch(36, text)
    assert formulas_of(found).get("y") == says


def test_a_formula_with_another_value_is_not_shown():
    nodes = recorded(32, "second_derivative")["nodes"]
    changed = {name: dict(node) for name, node in nodes.items()}
    wrong = next(name for name, node in nodes.items() if node["label"] == "gx")
    changed[wrong]["value"] = "24.1"
    assert wrong in formulas.formulas(nodes)
    assert wrong not in formulas.formulas(changed)


# The engine's own loop


def test_every_step_of_a_pass_knows_its_lines_of_the_loop():
    for number, name in SHOWN:
        found = recorded(number, name)
        loop = found["loop"]
        text = loop["text"].splitlines()
        for step in found["steps"]:
            if step["kind"] == "compute":
                assert "loop" not in step
                continue
            ran = "\n".join(text[line - loop["first"]] for line in step["loop"])
            wanted = {
                "start": "add(self.creator)",
                "take": "f = heappop(functions)",
                "pass": "grads[x] = ",
                "write": "x._grad, x.seed = gx, None",
            }[step["kind"]]
            others = {"f = heappop(functions)", "grads[x] = gx\n"} - {wanted}
            if step["kind"] != "pass" or step["gives"]:
                assert wanted in ran, (name, step["text"])
            if step["kind"] == "take":
                assert not any(other in ran for other in others)


def test_with_create_graph_off_the_second_pass_finds_nothing():
    off = trace.without_graphs(PROGRAMS["newton"])
    found = record(STAGES / "step33", off)
    last = found["steps"][-1]
    assert "line 12: x.data = x.data - gx.data / x.grad.data: AttributeError" in last["ended"]
    assert last["text"].startswith("The program ends here, in line 12")
    assert not any(step.get("create_graph") for step in found["steps"])
    with pytest.raises(TraceError, match="AttributeError"):
        record(STAGES / "step33", dataclasses.replace(off, may_fail=False))
