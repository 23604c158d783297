"""Pages to step through a trace: HTML made of recorded data, laid out by Graphviz.

`fragment(trace)` is a figure with the graph, the queue, and every step in words; several fit on one
page. It needs `stepper.css` and `stepper.js` of docs/_static on that page; without JavaScript it
shows the finished graph and the steps as a list. `growth(graphs)` is a figure with a slider.

`python -m dezero_harness.tracing.stepper FILE.html` writes a page with all of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from dezero_shared.dot import NoPicture, draw

from ..execution.runner import StageError
from .recorder import TraceError
from .trace import PROGRAMS, Program, Trace, counted, record, repeated, short, tanh_derivatives

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "docs" / "_static"
DRAWABLE = 300  # nodes: the text of a larger picture cannot be read on a page
LISTED = 300  # nodes of a graph that are listed one by one
MINUS = "\N{MINUS SIGN}"

Nodes = dict[str, dict[str, Any]]


def _caption(title: str) -> str:
    """The title, and the formula that it may begin with as code."""
    formula, colon, rest = title.partition(":")
    if "**" not in formula:
        return escape(title)
    return f"<code>{escape(formula)}</code>{colon}{escape(rest)}"


def fragment(trace: Trace, prefix: str = "") -> str:
    """A figure to step through this trace.

    prefix: of the ids in it, which no other figure of the page may have; by default from the
    stage and the program. A graph of more than 300 nodes is not drawn, and the figure says so.
    Raises NoPicture where Graphviz cannot draw.
    """
    prefix = prefix or f"dz-{trace['stage']}-{trace['name']}"
    nodes, steps = trace["nodes"], trace["steps"]
    frames = _frames(trace)
    if len(nodes) <= DRAWABLE:
        labels = {name: _picture_label(node) for name, node in nodes.items()}
        for frame in frames:
            for name, text in frame["grads"].items():
                first, _, longest = labels[name].partition("\n")
                labels[name] = f"{first}\n{max(longest, text, key=len)}"
        graph = _box(drawing(nodes, labels, prefix))
    else:
        graph = f'<p class="dz-why">{_why_not_drawn(len(nodes))}</p>'
    results = "".join(
        f'<li data-step="{index}" data-pass="{step["pass"]}">pass {step["pass"]}: '
        f"<span>{escape(nodes[write['to']]['label'])}.grad</span> = <b>{escape(write['value'])}</b>"
        "</li>"
        for index, step in enumerate(steps)
        if step["kind"] == "write"
        for write in step["writes"]
    )
    sentences = "".join(f"<li>{escape(step['text'])}</li>" for step in steps)
    code = "".join(
        f'<span data-line="{number}">{escape(line)}\n</span>'
        for number, line in enumerate(trace["text"].splitlines(), start=1)
    )
    return f"""\
<figure class="dz dz-stepper" id="{prefix}" data-stage="{escape(trace["stage"])}" \
data-steps="{len(steps)}" data-expect="{escape(json.dumps(trace["results"]))}">
<figcaption id="{prefix}-title">{_caption(trace["title"])}</figcaption>
<div class="dz-program"><pre tabindex="0" aria-label="the program">{code}</pre></div>
<div class="dz-controls" role="group" aria-label="step through the backward pass" hidden>
<button type="button" data-go="first" aria-label="first step" title="first step (Home)">|◀</button>
<button type="button" data-go="back" aria-label="one step back" title="back (←)">◀</button>
<button type="button" data-go="on" aria-label="one step on" title="on (→)">▶</button>
<button type="button" data-go="last" aria-label="last step" title="last step (End)">▶|</button>
<span class="dz-count"></span>
</div>
<p class="dz-sentence" role="status" hidden></p>
<div class="dz-now" hidden>
<div class="dz-queue"><b id="{prefix}-queue">Queue</b>
<ol aria-labelledby="{prefix}-queue"></ol></div>
<div class="dz-results"><b id="{prefix}-results">Written</b>
<ul aria-labelledby="{prefix}-results">{results}</ul></div>
</div>
{graph}
{_LEGEND}
<details class="dz-text"{"" if len(nodes) <= DRAWABLE else " open"}>
<summary>All {len(steps)} steps, and all nodes, as text</summary>
<ol class="dz-steps">{sentences}</ol>
{_listing(nodes)}
</details>
<script type="application/json" class="dz-data">{_json(frames)}</script>
</figure>
"""


_LEGEND = """\
<p class="dz-legend" hidden>
<span class="dz-key-take">taken</span>
<span class="dz-key-wait">waits</span>
<span class="dz-key-flow">a gradient flows, against the arrow</span>
<span class="dz-key-new">new</span>
Point at a node, or go to one with Tab, then ↑ and ↓: its value, and the line that made it.</p>"""


def _frames(trace: Trace) -> list[dict[str, Any]]:
    """What the page shows at each step: marks on nodes and edges, gradients, the queue."""
    nodes, frames = trace["nodes"], []
    parts: dict[str, list[str]] = {}  # of the gradients in the walk
    grads: dict[str, str] = {}  # written to the Variables
    line = 0  # in which the program has called backward()
    for step in trace["steps"]:
        line = step.get("called", {}).get("line", line)
        waiting = step.get("waiting", step.get("queue", []))
        flows, targets = [], []
        for flow in step.get("gives", []):
            old = [grads.pop(flow["to"])] if step["kind"] == "pass" and flow["to"] in grads else []
            parts.setdefault(flow["to"], old).append(short(flow["value"]))
            targets.append(flow["to"])
            if flow["from"]:
                inputs = nodes[flow["from"]]["inputs"]
                flows += [f"{flow['from']}i{i}" for i, x in enumerate(inputs) if x == flow["to"]]
        for flow in step.get("takes", []):
            parts[flow["from"]] = [short(flow["value"])]
            outputs = nodes[flow["to"]]["outputs"]
            flows.append(f"{flow['to']}o{outputs.index(flow['from'])}")
        if step["kind"] == "pass" and "taken" in step:
            for y in nodes[step["taken"]]["outputs"]:
                parts.pop(y, None)  # handed on, and needed no more
        if step["kind"] == "write":
            parts = {}
            for write in step["writes"]:
                grads[write["to"]] = short(write["value"])
                targets.append(write["to"])
        for name in step.get("cleared", []):
            grads.pop(name, None)
        order = sorted(waiting, key=lambda name: -nodes[name]["generation"])
        frames.append(
            {
                "take": step.get("taken", ""),
                "wait": waiting,
                "flow": flows,
                "to": targets,
                "new": step["new"],
                "lines": [line] if step["kind"] != "compute" else _lines(step, trace),
                "queue": [
                    [nodes[n]["label"], f"generation {nodes[n]['generation']}"] for n in order
                ],
                "taken": order.index(step["taken"]) if step["kind"] == "take" else -1,
                "grads": {name: f"grad {_added([value])}" for name, value in grads.items()}
                | {name: f"grad {_added(values)}" for name, values in parts.items()},
            }
        )
    return frames


def _lines(step: dict[str, Any], trace: Trace) -> list[int]:
    """The lines of the program that have made the new nodes of a step."""
    made = [trace["nodes"][name]["made"] for name in step["new"]]
    return sorted({place["line"] for place in made if place["file"] == f"{trace['name']}.py"})


def _added(parts: list[str]) -> str:
    if len(parts) > 2:
        return f"of {len(parts)} parts"
    if any(part.startswith("[") for part in parts):
        return "+ ".join("array " for _ in parts).strip()
    return " + ".join(parts).replace("+ -", "- ").replace("-", MINUS)


def _picture_label(node: dict[str, Any]) -> str:
    """What stands in the picture: `Mul 2`, `x = 2.0`, `16.0`, `w (3, 2)`."""
    if node["kind"] == "function":
        return node["label"]
    value = str(tuple(node["shape"])) if node["shape"] else short(node["value"]).replace("-", MINUS)
    if len(node["values"]) > 1:  # the program has assigned others in between
        return node["name"] or "leaf"
    joint = " " if node["shape"] else " = "
    return f"{node['name']}{joint}{value}" if node["name"] else value


def about(node: dict[str, Any]) -> list[str]:
    """What a node is, in lines: its name, its value or generation, its place, the code there."""
    made = node["made"]
    if node["kind"] == "function":
        first = f"{node['label']}, a function of generation {node['generation']}"
    else:
        values = ", then ".join(node["values"])
        says_it = node["label"] == f"{node['role']} {values}"
        first = node["label"] if says_it else f"{node['label']} = {values}"
        if node["shape"]:
            first += f", shape {tuple(node['shape'])}"
    within = f", in {made['in']}" if made["in"] else ""
    return [first, f"made in {made['file']}, line {made['line']}{within}", made["code"]]


def drawing(
    nodes: Nodes, labels: dict[str, str], prefix: str, shown: dict[str, str] | None = None
) -> str:
    """An SVG of these nodes, laid out by Graphviz, with an id for each node and edge.

    A second line of a label is room for a gradient, and left empty. shown: what stands in the nodes
    in place of the labels, which are then the room for it; such a picture is packed densely, and
    is described as a whole, not node by node.
    """
    ranks, margin, height = ("0.35 nodesep=0.2", "0.09,0.05", "0.35")
    if shown is not None:
        ranks, margin, height = ("0.22 nodesep=0.08", "0.03,0.02", "0.3")
    dot = ["digraph g {", f"ranksep={ranks}"]
    dot.append(f'node [fontname="Helvetica,Arial,sans-serif", fontsize=12, margin="{margin}"]')
    for name, node in nodes.items():
        shape = "box" if node["kind"] == "function" else "ellipse"
        shape += f", height={height}"
        label = labels[name].replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
        label = label.replace("\n", "\\n")
        dot.append(f'{name} [label="{label}", id={name}, width=0.4, shape={shape}]')
        if node["kind"] == "function":
            for i, x in enumerate(node["inputs"]):
                dot.append(f"{x} -> {name} [id={name}i{i}]")
            for i, y in enumerate(node["outputs"]):
                if y in nodes:
                    dot.append(f"{name} -> {y} [id={name}o{i}]")
    dot.append("}")
    with tempfile.TemporaryDirectory() as folder:
        file = draw("\n".join(dot), Path(folder, "graph.svg"))
        return _slim(ET.parse(file).getroot(), nodes, prefix, shown)


_SVG = "{http://www.w3.org/2000/svg}"


def _slim(svg: ET.Element, nodes: Nodes, prefix: str, shown: dict[str, str] | None = None) -> str:
    """The geometry of Graphviz's SVG alone; colours are the style sheet's."""
    graph = svg.find(f"{_SVG}g")
    assert graph is not None
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    shift = graph.attrib["transform"].partition("translate(")[2].partition(")")[0]
    edges, drawn = [], []
    for group in graph.iter(f"{_SVG}g"):
        name = group.get("id", "")
        if "edge" in group.get("class", "").split():
            path = group.find(f"{_SVG}path")
            head = group.find(f"{_SVG}polygon")
            assert path is not None
            assert head is not None
            function = name.partition("i")[0].partition("o")[0]
            edges.append(
                f'<g class="dz-edge" id="{prefix}-{name}" data-step="{nodes[function]["step"]}">'
                f'<path d="{path.attrib["d"]}"/><polygon points="{head.attrib["points"]}"/></g>'
            )
        elif name in nodes:
            text = shown.get(name) if shown is not None else None
            drawn.append(_slim_node(group, name, nodes[name], prefix, text))
    if len(drawn) != len(nodes):
        raise TraceError(f"Graphviz has drawn {len(drawn)} of {len(nodes)} nodes of {prefix}")
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="{"group" if shown is None else "img"}" aria-labelledby="{prefix}-title">'
        f'<g transform="translate({shift})">{"".join(edges)}{"".join(drawn)}</g></svg>'
    )


def _slim_node(
    group: ET.Element, name: str, node: dict[str, Any], prefix: str, shown: str | None = None
) -> str:
    shape = group.find(f"{_SVG}ellipse")
    if shape is not None:
        a = shape.attrib
        outline = f'<ellipse cx="{a["cx"]}" cy="{a["cy"]}" rx="{a["rx"]}" ry="{a["ry"]}"/>'
    else:
        shape = group.find(f"{_SVG}polygon")
        assert shape is not None
        outline = f'<polygon points="{shape.attrib["points"]}"/>'
    first, *second = group.findall(f"{_SVG}text") or [ET.Element("text", x="0", y="0")]
    says, _, grad = (first.text or "", "", "") if shown is None else shown.partition("\n")
    lines = f'<text x="{first.attrib["x"]}" y="{first.attrib["y"]}">{escape(says)}</text>'
    kind = f"dz-node dz-{node.get('role', 'function')}"
    for text in second:
        kind += " dz-two dz-graded" if grad else " dz-two"
        place = f'x="{text.attrib["x"]}" y="{text.attrib["y"]}"'
        lines += f'<text class="dz-grad" {place}>{escape(grad)}</text>'
    if shown is not None:
        return f'<g class="{kind}" id="{prefix}-{name}">{outline}{lines}</g>'
    label = escape("\n".join(about(node))).replace("\n", "&#10;")
    return (
        f'<g class="{kind}" id="{prefix}-{name}" data-step="{node["step"]}" role="img" '
        f'tabindex="-1" aria-label="{label}">{outline}{lines}</g>'
    )


def _box(svg: str) -> str:
    # One node can be reached by Tab, also without JavaScript: a box that scrolls has to be.
    svg = svg.replace('tabindex="-1"', 'tabindex="0"', 1)
    return f'<div class="dz-graph">{svg}</div><div class="dz-tip" role="tooltip" hidden></div>'


def _why_not_drawn(count: int) -> str:
    return (
        f"This graph has {count} nodes. A picture of more than {DRAWABLE} is too large to be read "
        f"on a page, so it is not drawn; below it stands as text."
    )


def _listing(nodes: Nodes) -> str:
    items = "".join(
        f"<li>{escape(first)}; {escape(place)}: <code>{escape(code)}</code></li>"
        for first, place, code in map(about, list(nodes.values())[:LISTED])
    )
    more = len(nodes) - LISTED
    rest = f"<p>… and {more} nodes more.</p>" if more > 0 else ""
    return f"<p>The {len(nodes)} nodes, in the order of their birth:</p><ul>{items}</ul>{rest}"


def _json(data: Any) -> str:
    """Data for a script element, which a `</` would end."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


# The graph of the n-th derivative


def behind(trace: Trace, label: str) -> Nodes:
    """The nodes that the Variable with this label was computed from, and itself."""
    nodes = trace["nodes"]
    creators = {
        y: name
        for name, node in nodes.items()
        if node["kind"] == "function"
        for y in node["outputs"]
    }
    found, ahead = set(), [n for n, node in nodes.items() if node["label"] == label]
    if not ahead:
        raise TraceError(f"there is no {label} in the trace of {trace['name']}")
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        node = nodes[name]
        ahead += (
            node["inputs"] if node["kind"] == "function" else filter(None, [creators.get(name)])
        )
    return {name: node for name, node in nodes.items() if name in found}


def tanh_program(order: int) -> Program:
    """The program for a derivative of tanh at 1, which leaves its graph."""
    return Program(
        name=f"tanh_order_{order}",
        title=f"tanh, derivative of order {order}",
        text=repeated("tanh", order, recorded=True),
        results=tuple(("x", value) for value in tanh_derivatives(order)),
        source="calculus: d/dx p(t) = p'(t) (1 - t^2), t = tanh 1",
        tolerance=1e-9,
    )


def growth(traces: list[Trace], prefix: str = "dz-growth") -> str:
    """A figure with a slider through these traces of tanh, whose orders are 1, 2, ...

    A graph of more than 300 nodes is not drawn: its page says why, counts and lists it.
    """
    pages = "".join(_growth_page(i, trace, prefix) for i, trace in enumerate(traces, start=1))
    last = len(traces)
    return f"""\
<figure class="dz dz-growth" id="{prefix}">
<figcaption id="{prefix}-title">The graph of the n-th derivative of tanh at 1</figcaption>
<div class="dz-controls" hidden>
<label for="{prefix}-order">Order</label>
<input type="range" id="{prefix}-order" min="1" max="{last}" value="1" step="1">
<span class="dz-count"></span>
</div>
<p class="dz-sentence" role="status" hidden></p>
{pages}
</figure>
"""


def _growth_page(order: int, trace: Trace, prefix: str) -> str:
    nodes = behind(trace, f"gx{order}")
    functions = Counter(node["name"] for node in nodes.values() if node["kind"] == "function")
    value = next(node for node in nodes.values() if node["label"] == f"gx{order}")["value"]
    kinds = ", ".join(f"{count} {name}" for name, count in functions.most_common())
    says = (
        f"Order {order}: gx{order} = {value}. Its graph has {counted(len(nodes), 'node')}: "
        f"{len(nodes) - functions.total()} Variables and {counted(functions.total(), 'function')} "
        f"({kinds})."
    )
    if len(nodes) <= DRAWABLE:
        labels = {
            name: node["label"]
            if node["kind"] == "function"
            else node["name"] or (short(node["value"]) if node["role"] == "constant" else "")
            for name, node in nodes.items()
        }
        # The number of a function would only widen the picture.
        labels |= {n: node["name"] for n, node in nodes.items() if node["kind"] == "function"}
        svg = drawing(nodes, labels, f"{prefix}-{order}")
        svg = svg.replace(f"{prefix}-{order}-title", f"{prefix}-{order}-says")
        graph = _box(svg)
    else:
        graph = f'<p class="dz-why">{_why_not_drawn(len(nodes))}</p>'
    expect = trace["results"][-1]["value"]
    return f"""\
<div class="dz-order" data-order="{order}" data-nodes="{len(nodes)}" \
data-functions="{functions.total()}" data-expect="{expect!r}">
<p class="dz-says" id="{prefix}-{order}-says">{escape(says)}</p>
{graph}
<details class="dz-text"><summary>The graph of order {order} as text</summary>
{_listing(nodes)}</details>
</div>
"""


# A page of its own


def page(fragments: Iterable[str], title: str = "See the engine work") -> str:
    """A page with these figures that needs no other file."""
    style = (STATIC / "stepper.css").read_text("utf-8")
    script = (STATIC / "stepper.js").read_text("utf-8")
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }}
{style}
</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{"".join(fragments)}
</main>
<script>
{script}
</script>
</body>
</html>
"""


def chapter(number: int, folder: Path | None = None, orders: int = 8) -> list[str]:
    """The figures for the page of a stage: a stepper for each of its programs, and its slider."""
    folder = folder or ROOT / "stages" / f"step{number}"
    figures = [
        fragment(record(folder, program))
        for program in PROGRAMS.values()
        if number in program.chapters
    ]
    if number == 35:
        figures.append(growth([record(folder, tanh_program(n)) for n in range(1, orders + 1)]))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dezero_harness.tracing.stepper",
        description="Write a page to step through the backward passes of all stages.",
    )
    parser.add_argument("page", type=Path, metavar="FILE", help="the page to write (.html)")
    parser.add_argument("--stage", type=int, action="append", metavar="N", help="only this one")
    args = parser.parse_args()
    if not args.page.parent.is_dir():
        parser.error(f"there is no folder {str(args.page.parent)!r}; make it first")
    known = sorted({number for program in PROGRAMS.values() for number in program.chapters})
    unknown = [number for number in args.stage or [] if number not in known]
    if unknown:
        parser.error(f"no program is shown on stage {unknown[0]}; the stages are {known}")
    try:
        figures = [figure for number in args.stage or known for figure in chapter(number)]
    except (TraceError, StageError, NoPicture) as error:
        sys.exit(str(error))
    args.page.write_text(page(figures), "utf-8")


if __name__ == "__main__":
    main()
