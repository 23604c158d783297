"""Pages to step through a trace: HTML made of recorded data, laid out by Graphviz.

`fragment(trace)` is a figure with the graph, the queue, and every step in words; several fit on one
page. It needs `stepper.css` and `stepper.js` of docs/_static on that page; without JavaScript it
shows the finished graph and the steps as a list. `growth(graphs)` is a figure with a slider.

`python -m dezero_harness.tracing.stepper FILE.html` writes a page with all of them.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dezero_shared.dot import NoPicture, draw

from ..execution.runner import StageError
from .formulas import MINUS, formulas
from .recorder import TraceError
from .trace import (
    PROGRAMS,
    Program,
    Trace,
    counted,
    record,
    repeated,
    short,
    tanh_derivatives,
    without_graphs,
)

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "docs" / "_static"
DRAWABLE = 300  # nodes: the text of a larger picture cannot be read on a page
LISTED = 300  # nodes of a graph that are listed one by one
ORDERS = 8  # of the derivatives whose graphs are compared
LONGEST = 8  # characters of a formula that stands in a node; a longer one is in its tip

Nodes = dict[str, dict[str, Any]]


def _caption(title: str) -> str:
    """The title, and the formula that it may begin with as code."""
    formula, colon, rest = title.partition(":")
    if "**" not in formula:
        return escape(title)
    return f"<code>{escape(formula)}</code>{colon}{escape(rest)}"


def fragment(trace: Trace, prefix: str = "", other: str = "") -> str:
    """A figure to step through this trace.

    prefix: of the ids in it, which no other figure of the page may have; by default from the
    stage and the program. A graph of more than 300 nodes is not drawn, and the figure says so.
    other: the prefix of the figure of the same walk with create_graph the other way, see `walks`.
    Raises NoPicture where Graphviz cannot draw.
    """
    prefix = prefix or _prefix(trace)
    nodes, steps = trace["nodes"], trace["steps"]
    known = formulas(nodes)
    frames = _frames(trace)
    if len(nodes) <= DRAWABLE:
        labels = {name: _picture_label(node, known.get(name, "")) for name, node in nodes.items()}
        for frame in frames:
            for name, text in frame["values"].items():
                labels[name] = max(labels[name], text, key=len)
        for frame in frames:
            for name, text in frame["grads"].items():
                first, _, longest = labels[name].partition("\n")
                labels[name] = f"{first}\n{max(longest, text, key=len)}"
        graph = _box(drawing(nodes, labels, prefix, known=known))
    else:
        graph = f'<p class="dz-why">{_why_not_drawn(len(nodes))}</p>'
    results = "".join(
        f'<li data-step="{index}" data-pass="{step["pass"]}">pass {step["pass"]}: '
        f"<span>{escape(nodes[write['to']]['label'])}.grad</span> = "
        f"<b>{escape(typeset(write['value']))}</b></li>"
        for index, step in enumerate(steps)
        if step["kind"] == "write"
        for write in step["writes"]
    )
    sentences = "".join(f"<li>{escape(typeset(step['text']))}</li>" for step in steps)
    on = any(step.get("create_graph") for step in steps)
    switch = (
        f'<label class="dz-switch"><input type="checkbox" data-other="{other}"'
        f"{' checked' if on else ''}> create_graph</label>"
        if other
        else ""
    )
    return f"""\
<figure class="dz dz-stepper" id="{prefix}" data-stage="{escape(trace["stage"])}" \
data-steps="{len(steps)}" data-expect="{escape(json.dumps(trace["results"]))}">
<figcaption id="{prefix}-title">{_caption(trace["title"])}</figcaption>
<div class="dz-walk">
<div class="dz-top">
<div class="dz-controls" role="group" aria-label="step through the backward pass" hidden>
<button type="button" data-go="first" aria-label="first step" title="first step (Home)">|◀</button>
<button type="button" data-go="back" aria-label="one step back" title="back (←)">◀</button>
<button type="button" data-go="on" aria-label="one step on" title="on (→)">▶</button>
<button type="button" data-go="last" aria-label="last step" title="last step (End)">▶|</button>
<button type="button" class="dz-play">Play</button>
<select class="dz-speed" aria-label="speed"><option value="3000">slow</option>
<option value="1500" selected>even</option><option value="600">fast</option></select>
{switch}
<span class="dz-count"></span>
</div>
<p class="dz-sentence" role="status" hidden></p>
<div class="dz-now" hidden>
<div class="dz-queue"><b id="{prefix}-queue">Queue</b>
<ol aria-labelledby="{prefix}-queue"></ol></div>
<div class="dz-results"><b id="{prefix}-results">Written</b>
<ul aria-labelledby="{prefix}-results" data-empty="nothing yet">{results}</ul></div>
</div>
</div>
<div class="dz-picture">
{graph}
{_LEGEND}
</div>
<div class="dz-codes">
<div class="dz-program"><pre tabindex="0" aria-label="the program">{_numbered(trace["text"])}</pre>
</div>
{_loop(trace)}
</div>
</div>
<details class="dz-text"{"" if len(nodes) <= DRAWABLE else " open"}>
<summary>All {len(steps)} steps, and all nodes, as text</summary>
<ol class="dz-steps">{sentences}</ol>
{_listing(nodes, known)}
</details>
<script type="application/json" class="dz-data">{_json(frames)}</script>
</figure>
"""


def walks(trace: Trace, off: Trace) -> str:
    """A figure with a switch: this trace, and the same program with create_graph off."""
    one, two = _prefix(trace), f"{_prefix(trace)}-off"
    hidden = fragment(off, two, one).replace("<figure ", "<figure hidden ", 1)
    return f"{fragment(trace, one, two)}\n{hidden}"


def _prefix(trace: Trace) -> str:
    return f"dz-{trace['stage']}-{trace['name']}"


def typeset(text: str) -> str:
    """The text with a minus sign before a number, where a program would have a hyphen."""
    return re.sub(r"(?<![\w)\]])-(?=[\d.]|inf)", MINUS, text)


def _numbered(text: str, first: int = 1) -> str:
    return "".join(
        f'<span data-line="{number}">{escape(line)}\n</span>'
        for number, line in enumerate(text.splitlines(), start=first)
    )


def _loop(trace: Trace) -> str:
    """The engine's own walk, without its docstring; its lines have their numbers in the file."""
    loop = trace["loop"]
    if not loop:
        return ""
    lines, first = loop["text"].splitlines(), loop["first"]
    (method,) = ast.parse(loop["text"]).body
    assert isinstance(method, ast.FunctionDef)
    body = method.body[1:] if ast.get_docstring(method) else method.body
    start = body[0].lineno
    head = "\n".join(lines[: method.body[0].lineno - 1])
    code = _numbered(head, first) + _numbered("\n".join(lines[start - 1 :]), first + start - 1)
    place = f"{loop['file']}, line {first}: {loop['in']}"
    return (
        f'<div class="dz-loop"><b>The engine: {escape(place)}</b>'
        f'<pre tabindex="0" aria-label="the walk of the engine">{code}</pre></div>'
    )


_LEGEND = """\
<p class="dz-legend" hidden>
<span class="dz-key-take">taken</span>
<span class="dz-key-wait">waits</span>
<span class="dz-key-flow">a gradient flows, against the arrow</span>
<span class="dz-key-new">new</span></p>"""


def _frames(trace: Trace) -> list[dict[str, Any]]:
    """What the page shows at each step: marks on nodes and edges, gradients, the queue."""
    nodes, frames = trace["nodes"], []
    parts: dict[str, list[str]] = {}  # of the gradients in the walk
    grads: dict[str, str] = {}  # written to the Variables
    values: dict[str, str] = {}  # of the Variables to which the program assigns
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
        for name in step["new"]:
            if len(nodes[name].get("values", [])) > 1:
                values[name] = _named_value(nodes[name], nodes[name]["values"][0])
        for assigned in step.get("assigned", []):
            values[assigned["to"]] = _named_value(nodes[assigned["to"]], assigned["value"])
        order = sorted(waiting, key=lambda name: -nodes[name]["generation"])
        frames.append(
            {
                "take": step.get("taken", ""),
                "wait": waiting,
                "flow": flows,
                "to": targets,
                "new": step["new"],
                "lines": [line] if step["kind"] != "compute" else _lines(step, trace),
                "loop": step.get("loop", []),
                "values": dict(values),
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


def _picture_label(node: dict[str, Any], formula: str = "") -> str:
    """What stands in the picture: `Mul 2`, `x = 2.0`, `4x³ = 32.0`, `w (3, 2)`."""
    if node["kind"] == "function":
        return node["label"]
    if len(formula) <= LONGEST and not node["name"]:
        return _named_value(node, node["value"], formula)
    return _named_value(node, node["value"])


def _named_value(node: dict[str, Any], value: str, formula: str = "") -> str:
    value = str(tuple(node["shape"])) if node["shape"] else typeset(short(value))
    joint = " " if node["shape"] else " = "
    name = node["name"] or formula
    return f"{name}{joint}{value}" if name else value


def about(node: dict[str, Any], formula: str = "") -> list[str]:
    """What a node is, in lines: its name, its value or generation, its place, the code there."""
    made = node["made"]
    if node["kind"] == "function":
        first = f"{node['label']}, a function of generation {node['generation']}"
    else:
        values = ", then ".join(node["values"])
        says_it = node["label"] == f"{node['role']} {values}"
        middle = f" = {formula}" if formula else ""
        first = typeset(node["label"] if says_it else f"{node['label']}{middle} = {values}")
        if node["shape"]:
            first += f", shape {tuple(node['shape'])}"
    within = f", in {made['in']}" if made["in"] else ""
    return [first, f"made in {made['file']}, line {made['line']}{within}", made["code"]]


def drawing(
    nodes: Nodes,
    labels: dict[str, str],
    prefix: str,
    shown: dict[str, str] | None = None,
    known: dict[str, str] | None = None,
) -> str:
    """An SVG of these nodes, laid out by Graphviz, with an id for each node and edge.

    A second line of a label is room for a gradient, and left empty. shown: what stands in the nodes
    in place of the labels, which are then the room for it; such a picture is packed densely, and
    is described as a whole, not node by node. known: formulas, for the descriptions.
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
        return _slim(ET.parse(file).getroot(), nodes, prefix, shown, known or {})


_SVG = "{http://www.w3.org/2000/svg}"


def _slim(
    svg: ET.Element,
    nodes: Nodes,
    prefix: str,
    shown: dict[str, str] | None,
    known: dict[str, str],
) -> str:
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
            formula = known.get(name, "")
            drawn.append(_slim_node(group, name, nodes[name], prefix, text, formula))
    if len(drawn) != len(nodes):
        raise TraceError(f"Graphviz has drawn {len(drawn)} of {len(nodes)} nodes of {prefix}")
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="{"group" if shown is None else "img"}" aria-labelledby="{prefix}-title">'
        f'<g transform="translate({shift})">{"".join(edges)}{"".join(drawn)}</g></svg>'
    )


def _slim_node(
    group: ET.Element,
    name: str,
    node: dict[str, Any],
    prefix: str,
    shown: str | None,
    formula: str,
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
    label = escape("\n".join(about(node, formula))).replace("\n", "&#10;")
    return (
        f'<g class="{kind}" id="{prefix}-{name}" data-step="{node["step"]}" role="img" '
        f'tabindex="-1" aria-label="{label}">{outline}{lines}</g>'
    )


def _box(svg: str) -> str:
    # One node can be reached by Tab, also without JavaScript: a box that scrolls has to be.
    svg = svg.replace('tabindex="-1"', 'tabindex="0"', 1)
    return (
        f'<div class="dz-graph">{svg}</div><div class="dz-about" hidden><p class="dz-hint">Point at'
        " a node, or go to one with Tab, then ↑ and ↓: its value, and the line that made it.</p>"
        '<div class="dz-tip" role="tooltip" hidden></div></div>'
    )


def _why_not_drawn(count: int) -> str:
    return (
        f"This graph has {count} nodes. A picture of more than {DRAWABLE} is too large to be read "
        f"on a page, so it is not drawn; below it stands as text."
    )


def _listing(nodes: Nodes, known: dict[str, str] | None = None) -> str:
    listed = [about(node, (known or {}).get(n, "")) for n, node in list(nodes.items())[:LISTED]]
    items = "".join(
        f"<li>{escape(first)}; {escape(place)}: <code>{escape(code)}</code></li>"
        for first, place, code in listed
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


def growth(traces: Sequence[Trace], prefix: str = "dz-growth", pictures: str = "") -> str:
    """A figure of these traces of tanh, whose orders are 1, 2, ...: a miniature and a bar for each.

    pictures: the folder, as a link, with what `full_pictures` makes; "" for none.
    """
    graphs = [behind(trace, f"gx{order}") for order, trace in enumerate(traces, start=1)]
    most = max(map(len, graphs))
    items, bars = [], []
    for order, (nodes, trace) in enumerate(zip(graphs, traces, strict=True), start=1):
        links = "".join(
            f'<a href="{pictures}{_picture_name(order)}.{kind}" aria-label="{name} of order '
            f'{order}">{name}</a> '
            for kind, name in (("svg", "picture"), ("txt", "text"))
            if pictures
        )
        functions = sum(node["kind"] == "function" for node in nodes.values())
        expect = trace["results"][-1]["value"]
        items.append(
            f'<li class="dz-order" data-order="{order}" data-nodes="{len(nodes)}" '
            f'data-functions="{functions}" data-expect="{expect!r}"><b>{order}</b>'
            f"{_shown_small(order, nodes, pictures)}"
            f'<p class="dz-says">{escape(_says(order, nodes))}</p>{links}</li>'
        )
        share = 100 * len(nodes) / most
        bars.append(
            f'<li data-order="{order}"><span>{order}</span><i style="width: {share:.2f}%"></i>'
            f"<span>{len(nodes)}</span></li>"
        )
    return f"""\
<figure class="dz dz-growth" id="{prefix}">
<figcaption id="{prefix}-title">The graph of the n-th derivative of tanh at 1</figcaption>
<div class="dz-controls" hidden>
<label for="{prefix}-order">Order</label>
<input type="range" id="{prefix}-order" min="1" max="{len(traces)}" value="1" step="1">
</div>
<p class="dz-sentence" role="status" hidden></p>
<p class="dz-legend">Nodes of the graph, Variables and functions:</p>
<ol class="dz-bars" aria-label="nodes of each order">{"".join(bars)}</ol>
<ol class="dz-orders" aria-label="the graph of each order">{"".join(items)}</ol>
<p class="dz-legend">In a miniature each row is a generation, the last at the top, and each dot a
node.</p>
</figure>
"""


def _shown_small(order: int, nodes: Nodes, pictures: str) -> str:
    """The miniature; a large one is a file, which stepper.js gets when the figure is in sight."""
    if not pictures or len(nodes) <= DRAWABLE:
        return miniature(nodes)
    source = f"{pictures}{_picture_name(order)}-small.svg"
    about = f'alt="the graph of order {order} as dots and lines" width="400" height="280"'
    return (
        f'<img class="dz-mini" {about} data-src="{source}" hidden>'
        f'<noscript><img class="dz-mini" {about} src="{source}"></noscript>'
    )


def _says(order: int, nodes: Nodes) -> str:
    functions = Counter(node["name"] for node in nodes.values() if node["kind"] == "function")
    value = next(node for node in nodes.values() if node["label"] == f"gx{order}")["value"]
    kinds = ", ".join(f"{count} {name}" for name, count in functions.most_common())
    return (
        f"Order {order}: gx{order} = {typeset(value)}. Its graph has "
        f"{counted(len(nodes), 'node')}: {len(nodes) - functions.total()} Variables and "
        f"{counted(functions.total(), 'function')} ({kinds})."
    )


def _picture_name(order: int) -> str:
    return f"tanh-order-{order}"


def full_pictures(traces: Sequence[Trace]) -> dict[str, str]:
    """The graphs of these traces of tanh at full size, as files: pictures (SVG), and as text.

    A graph of more than 300 nodes is drawn row by row, as in its miniature, without names; its
    miniature is a file as well.
    """
    files = {}
    for order, trace in enumerate(traces, start=1):
        nodes = behind(trace, f"gx{order}")
        name = _picture_name(order)
        files[f"{name}.svg"] = _full_picture(nodes, name, _says(order, nodes))
        if len(nodes) > DRAWABLE:
            small = miniature(nodes).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
            files[f"{name}-small.svg"] = small.replace(">", f"><style>{_SMALL}</style>", 1)
        lines = ["; ".join(about(node)) for node in nodes.values()]
        files[f"{name}.txt"] = "\n".join([_says(order, nodes), "", *lines, ""])
    return files


#: Colours of a miniature in a file: they are seen on light ground and on dark.
_SMALL = (
    "path{fill:none;stroke-linecap:round}.dz-edges{stroke:#808a95;opacity:.6}"
    ".dz-dots{stroke:#b9741c}.dz-boxes{stroke:#3d84c0;stroke-linecap:square}"
)


def _full_picture(nodes: Nodes, name: str, says: str) -> str:
    style = (
        "svg{background:#fff;font:12px Helvetica,Arial,sans-serif}text{text-anchor:middle}"
        "ellipse{fill:#ffe0b3;stroke:#a35c00}polygon{fill:#d3e9fb;stroke:#2a6fa8}"
        ".dz-constant ellipse{fill:#f1f1f1;stroke:#6b7580}.dz-edge path,.dz-edges{fill:none;"
        "stroke:#6b7580}.dz-edge polygon{fill:#6b7580}.dz-dots{stroke:#a35c00;stroke-linecap:round}"
        ".dz-boxes{stroke:#2a6fa8;stroke-linecap:square}"
    )
    if len(nodes) <= DRAWABLE:
        labels = {
            n: node["name"]
            if node["kind"] == "function"  # its number would only widen the picture
            else node["name"] or (short(node["value"]) if node["role"] == "constant" else "")
            for n, node in nodes.items()
        }
        svg = drawing(nodes, labels, name).replace(f'aria-labelledby="{name}-title"', "", 1)
    else:
        rows = _rows(nodes)
        svg = _by_rows(rows, nodes, 12 * max(map(len, rows)), 60 * len(rows), 8)
    head, end, rest = svg.partition(">")
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}{end}<title>{escape(says)}</title><style>{style}</style>{rest}\n"


def miniature(nodes: Nodes) -> str:
    """A graph as dots and lines, however large it is: a row for each generation."""
    rows = _rows(nodes)
    room = min(400 / max(map(len, rows)), 280 / len(rows))
    svg = _by_rows(rows, nodes, 400, 280, max(2, min(14, round(0.6 * room))))
    return svg.replace("<svg", '<svg class="dz-mini" aria-hidden="true"', 1)


def _rows(nodes: Nodes) -> list[list[str]]:
    """The nodes by generation, the first row first, ordered so that fewer edges cross.

    Each node comes near the middle of its neighbours in the row before, to and fro (Sugiyama's
    barycentres).
    """
    rows: dict[int, list[str]] = {}
    near: dict[str, list[str]] = {name: [] for name in nodes}
    for name, node in nodes.items():
        rows.setdefault(2 * node["generation"] + (node["kind"] == "function"), []).append(name)
        for other in (*node.get("inputs", ()), *node.get("outputs", ())):
            if other in nodes:
                near[name].append(other)
                near[other].append(name)
    found = [rows[generation] for generation in sorted(rows)]
    place = {name: (i + 0.5) / len(row) for row in found for i, name in enumerate(row)}
    for sweep in (found, found[::-1], found, found[::-1]):
        for row in sweep:
            middle = {n: sum(map(place.get, near[n])) / max(1, len(near[n])) for n in row}  # type: ignore[arg-type]
            row.sort(key=lambda n, middle=middle: middle[n])  # type: ignore[misc]
            place |= {name: (i + 0.5) / len(row) for i, name in enumerate(row)}
    return found


def _by_rows(rows: list[list[str]], nodes: Nodes, width: int, height: int, dot: int) -> str:
    """An SVG with a dot for each node and a line for each edge, the first row at the bottom."""
    edge = 2 * dot
    place = {
        name: (
            edge + round((i + 0.5) / len(row) * (width - 2 * edge)),
            height - edge - round(r / max(1, len(rows) - 1) * (height - 2 * edge)),
        )
        for r, row in enumerate(rows)
        for i, name in enumerate(row)
    }
    lines: dict[str, None] = {}  # each once, in the order of the nodes
    dots = {"variable": "", "function": ""}
    for name, node in nodes.items():
        x, y = place[name]
        dots[node["kind"]] += f"M{x} {y}h0"
        for other in (*node.get("inputs", ()), *node.get("outputs", ())):
            if other in place:
                lines[f"M{x} {y}l{place[other][0] - x} {place[other][1] - y}"] = None
    thin = max(0.4, dot / 8)
    return (
        f'<svg viewBox="0 0 {width} {height}"><path class="dz-edges" stroke-width="{thin:g}" '
        f'd="{"".join(lines)}"/><path class="dz-dots" stroke-width="{dot}" d="{dots["variable"]}"/>'
        f'<path class="dz-boxes" stroke-width="{dot}" d="{dots["function"]}"/></svg>'
    )


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


def chapter(number: int, folder: Path | None = None) -> list[str]:
    """The figures for the page of a stage: a stepper for each of its programs."""
    folder = folder or ROOT / "stages" / f"step{number}"
    figures = []
    for program in PROGRAMS.values():
        if number in program.chapters:
            trace = record(folder, program)
            off = without_graphs(program)
            same = off.text == program.text  # there is no create_graph in it
            figures.append(fragment(trace) if same else walks(trace, record(folder, off)))
    return figures


def orders(folder: Path, count: int = ORDERS) -> list[Trace]:
    """The traces of the derivatives of tanh, up to this order."""
    return [record(folder, tanh_program(order)) for order in range(1, count + 1)]


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
        if 35 in (args.stage or known):
            figures.append(growth(orders(ROOT / "stages/step35")))
    except (TraceError, StageError, NoPicture) as error:
        sys.exit(str(error))
    args.page.write_text(page(figures), "utf-8")


if __name__ == "__main__":
    main()
