"""Figures to take hold of: x is dragged, and the graph, the curves and the program follow.

What they show was recorded while the site was built, by the engine of a stage, at each value that
the slider can take (`tracing/sweep.py`); the page looks it up and computes nothing in between.
They need `touch.css` and `touch.js` of docs/_static, and `stepper.css`, whose colours they share;
without JavaScript they show the run that the program itself names.

`python -m dezero_harness.site.touch FILE.html` writes a page with all of them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from ..tracing.stepper import MINUS, Nodes, behind, drawing
from ..tracing.sweep import Sweep, number_of, sweep
from ..tracing.trace import PROGRAMS, Program, repeated, tanh_derivatives

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "docs" / "_static"
ROOM = 6  # characters for a number in a node
DRAWN = 40  # nodes: a larger graph has no room beside the curve
SHORT = 12  # lines of a program that needs no folding
GRAD = "x.grad"  # the column of what the last pass has written; the others are Variables


@dataclass(frozen=True)
class Curve:
    """A recorded column, called y′ and the like, and what it is by calculus."""

    column: str
    name: str
    formula: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A program of a stage at these values of x, and how it is shown.

    truth: what the passes write, see `sweep`. window: x0, x1, y0, y1 of the plot. drawn: the
    columns that are drawn as curves. slope, curvature: the columns of the tangent and the parabola
    on the first of them. notes: the column that stands behind a line of the program, by how the
    line begins. graphs: the Variables whose graphs are shown, by default all in one.
    """

    name: str
    title: str
    hint: str
    program: Program
    values: Sequence[float]
    truth: Callable[[float], Sequence[float]]
    window: tuple[float, float, float, float]
    columns: Sequence[Curve]
    drawn: Sequence[str]
    notes: dict[str, str]
    slope: str = ""
    curvature: str = ""
    graphs: Sequence[str] = ()


def grid(end: float, parts: int) -> list[float]:
    """The multiples of 1/parts from -end to end, each the number nearest to it."""
    return [k / parts for k in range(-round(end * parts), round(end * parts) + 1)]


NEWTON_TEXT = """\
import numpy as np
from dezero import Variable

x = Variable(np.array(2.0), "x")
for i in range(10):
    y = x**4 - 2 * x**2
    x.cleargrad()
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    gx.backward()
    x.data = x.data - gx.data / x.grad.data
"""

SLOPE = Figure(
    name="slope",
    title="One pass, and the slope is there: drag x",
    hint="The gradient is an array, a mere number: the graph holds no trace of how it came about.",
    program=PROGRAMS["first_derivative"],
    values=grid(2.3, 20),
    truth=lambda x: (4 * x**3 - 4 * x,),
    window=(-2.4, 2.4, -4, 10),
    columns=[Curve("y", "y", "x⁴ − 2x²"), Curve(GRAD, "y′", "4x³ − 4x")],
    drawn=["y"],
    notes={"y = ": "y", "y.backward": GRAD},
    slope=GRAD,
)
CURVE = Figure(
    name="curve",
    title="Two backward passes: drag x",
    hint="The first pass has left the right half of the graph behind. The second walks it, from gx"
    " back to x: hence the parabola, which has the curve's value, slope and curvature.",
    program=PROGRAMS["second_derivative"],
    values=grid(2.3, 20),
    truth=lambda x: (4 * x**3 - 4 * x, 12 * x * x - 4),
    window=(-2.4, 2.4, -4, 10),
    columns=[
        Curve("y", "y", "x⁴ − 2x²"),
        Curve("gx", "y′", "4x³ − 4x"),
        Curve(GRAD, "y″", "12x² − 4"),
    ],
    drawn=["y"],
    notes={"y = ": "y", "gx = ": "gx", "gx.backward": GRAD},
    slope="gx",
    curvature=GRAD,
)
SIN = Figure(
    name="sin",
    title="sin and three derivatives, each by a pass through the graph of the one before: drag x",
    hint="Each curve is the slope of the one before it; the fourth would be sin again.",
    program=PROGRAMS["sin"],
    values=grid(7.0, 10),
    truth=lambda x: (math.cos(x), -math.sin(x), -math.cos(x)),
    window=(-7.2, 7.2, -1.25, 1.25),
    columns=[
        Curve("y", "y", "sin x"),
        Curve("gx1", "y′", "cos x"),
        Curve("gx2", "y″", "−sin x"),
        Curve(GRAD, "y‴", "−cos x"),
    ],
    drawn=["y", "gx1", "gx2", GRAD],
    notes={"y = ": "y", "gx1 = ": "gx1", "gx2 = ": "gx2", "gx3 = ": GRAD},
)
TANH = Figure(
    name="tanh",
    title="tanh, order by order: choose the order, drag x",
    hint="Each order is a pass through the graph of the one before, and its own graph is larger.",
    program=Program(
        name="tanh_orders", title="", text=repeated("tanh", 4, recorded=True), tolerance=1e-9
    ),
    values=grid(3.0, 20),
    truth=lambda x: tanh_derivatives(4, at=x),
    window=(-3.1, 3.1, -4.6, 4.6),
    columns=[
        Curve("y", "y", "tanh x"),
        Curve("gx1", "y′", "1 − y²"),
        Curve("gx2", "y″", "−2y(1 − y²)"),
        Curve("gx3", "y‴", "(6y² − 2)(1 − y²)"),
        Curve("gx4", "y⁗", "(16y − 24y³)(1 − y²)"),
    ],
    drawn=["y", "gx1", "gx2", "gx3", "gx4"],
    notes={"y = ": "y", **{f"gx{n} = ": f"gx{n}" for n in range(1, 5)}},
    graphs=["gx1", "gx2", "gx3", "gx4"],
)
DOUBLE = Figure(
    name="double",
    title="A gradient inside a formula: drag x",
    hint="z is made of y and of the slope of y; its own slope needs the graph that the first pass"
    " has left.",
    program=PROGRAMS["double_backprop"],
    values=grid(2.3, 20),
    truth=lambda x: (2 * x, 24 * x * x + 2 * x),
    window=(-2.4, 2.4, -90, 90),
    columns=[
        Curve("y", "y", "x²"),
        Curve("gx", "y′", "2x"),
        Curve("z", "z", "y′³ + y = 8x³ + x²"),
        Curve(GRAD, "z′", "24x² + 2x"),
    ],
    drawn=["z"],
    notes={"y = ": "y", "gx = ": "gx", "z = ": "z", "z.backward": GRAD},
    slope=GRAD,
)

#: The figures of a chapter that can be dragged. Newton's is drawn by `newton`.
FIGURES = {31: SLOPE, 32: CURVE, 34: SIN, 35: TANH, 36: DOUBLE}


def fitted(number: str) -> str:
    """A number in at most ROOM characters, with as many digits as fit; the text where it fits."""
    if len(number) <= ROOM:
        return number
    texts = (f"{float(number):.{digits}g}" for digits in range(ROOM, 0, -1))
    return next((text for text in texts if len(text) <= ROOM), f"{float(number):.0e}")


def typeset(number: str) -> str:
    return number.replace("-", MINUS)


# --- the figure with a slider for x ---


def figure(spec: Figure, stage: Path) -> str:
    """The figure as HTML, recorded now. Raises TraceError, StageError, NoPicture."""
    found = sweep(stage, spec.program, spec.values, spec.truth)
    columns = {"x": [repr(x) for x in found.values], GRAD: found.written[-1]}
    columns |= {c.column: found.column(c.column) for c in spec.columns if c.column != GRAD}
    prefix = f"touch-{spec.name}"
    data = {
        "start": found.start,
        "columns": {name: " ".join(texts) for name, texts in columns.items()},
        "nodes": _node_texts(found),
        "names": {c.column: c.name for c in spec.columns},
        "drawn": spec.drawn,
        "slope": spec.slope,
        "curvature": spec.curvature,
    }
    graphs = _graphs(spec, found, prefix)
    return f"""\
<figure class="dz touch" id="{prefix}" data-window="{" ".join(map(str, spec.window))}">
<figcaption id="{prefix}-title">{escape(spec.title)}</figcaption>
<div class="touch-left">
{plot(spec.window, [(name, columns[name]) for name in spec.drawn], columns["x"], found.start)}
{_slider(prefix, "x", len(found.values), found.start, typeset(columns["x"][found.start]))}
{_orders(prefix, len(spec.graphs))}
{_values(spec, columns, found.start)}
<p class="touch-hint">{escape(spec.hint)}</p>
</div>
<div class="touch-right">
{graphs}
</div>
{_program(found.trace["text"], spec.notes, columns, found.start)}
<script type="application/json" class="touch-data">{_json(data)}</script>
</figure>
"""


def _node_texts(found: Sweep) -> dict[str, str]:
    """What stands in the nodes whose value depends on x: a text for each run, between blanks."""
    changing = {name: texts for name, texts in found.nodes.items() if len(set(texts)) > 1}
    changing["grad"] = found.written[-1]
    return {n: " ".join(typeset(fitted(text)) for text in texts) for n, texts in changing.items()}


def _graphs(spec: Figure, found: Sweep, prefix: str) -> str:
    """The graph of all, or one for each of `graphs`; of one that is too large, how large it is."""
    if not spec.graphs:
        return _graph(found, found.trace["nodes"], prefix, prefix)
    shown = []
    for order, label in enumerate(spec.graphs, start=1):
        nodes = behind(found.trace, label)
        if len(nodes) <= DRAWN:
            inside = _graph(found, nodes, f"{prefix}-{order}", prefix)
        else:
            inside = (
                f'<p class="touch-large">The graph of order {order} has <b>{len(nodes)} nodes</b>, '
                "too many to stand here.</p>"
            )
        hidden = "" if order == 1 else " hidden"
        shown.append(f'<div class="touch-order" data-order="{order}"{hidden}>{inside}</div>')
    return "\n".join(shown)


def _graph(found: Sweep, nodes: Nodes, prefix: str, figure: str) -> str:
    """The graph of these nodes, with room in each for the longest of its numbers."""
    room, shown = {}, {}
    for name, node in nodes.items():
        if node["kind"] == "function":
            room[name] = shown[name] = node["name"]
            continue
        texts = [typeset(fitted(text)) for text in found.nodes[name]]
        label = f"{node['name']} = " if node["name"] else ""
        room[name] = label + max(texts, key=len)
        shown[name] = label + texts[found.start]
        if node["name"] == "x" and nodes is found.trace["nodes"]:
            grads = [f"grad {typeset(fitted(text))}" for text in found.written[-1]]
            room[name] += "\n" + max(grads, key=len)
            shown[name] += "\n" + grads[found.start]
    svg = drawing(nodes, room, prefix, shown).replace(f"{prefix}-title", f"{figure}-title", 1)
    left = [n for n, node in nodes.items() if found.trace["steps"][node["step"]]["kind"] == "pass"]
    for name in left:
        svg = svg.replace(f'id="{prefix}-{name}"', f'data-left="" id="{prefix}-{name}"')
    key = '<p class="touch-keys"><span>computed by the program</span>'
    key += "<span data-left>left behind by a backward pass</span></p>" if left else "</p>"
    return f'<div class="touch-graph">{svg}{key}</div>'


def _slider(prefix: str, name: str, count: int, start: int, text: str) -> str:
    return f"""\
<div class="touch-slider">
<label for="{prefix}-{name}">{name}</label>
<input type="range" id="{prefix}-{name}" min="0" max="{count - 1}" step="1" value="{start}"
 disabled>
<span class="touch-at" aria-hidden="true">{text}</span>
</div>"""


def _orders(prefix: str, count: int) -> str:
    if not count:
        return ""
    buttons = "".join(
        f'<label><input type="radio" name="{prefix}-order" value="{n}"'
        f"{' checked' if n == 1 else ''} disabled><span>{n}</span></label>"
        for n in range(1, count + 1)
    )
    return f'<fieldset class="touch-orders"><legend>Order</legend>{buttons}</fieldset>'


def _values(spec: Figure, columns: dict[str, list[str]], at: int) -> str:
    rows = "".join(
        f'<div data-column="{c.column}"><dt>{_key(spec, c.column)}{c.name} = {c.formula}</dt>'
        f"<dd>{typeset(columns[c.column][at])}</dd></div>"
        for c in spec.columns
    )
    return f'<dl class="touch-values">{rows}</dl>'


def _key(spec: Figure, column: str) -> str:
    """The line by which a column is drawn: a curve, the tangent, the parabola."""
    kind = (
        f"touch-curve-{spec.drawn.index(column)}"
        if column in spec.drawn
        else "touch-tangent"
        if column == spec.slope
        else "touch-parabola"
        if column == spec.curvature
        else ""
    )
    line = f'<path class="{kind}" d="M0 6H22"/>' if kind else ""
    return f'<svg class="touch-key" viewBox="0 0 22 12" aria-hidden="true">{line}</svg>'


def _program(text: str, notes: dict[str, str], columns: dict[str, list[str]], at: int) -> str:
    """The program; behind its lines, as comments, what they computed at this x."""
    lines = []
    own = f"np.array({number_of(text)!r})"
    for line in text.splitlines():
        shown = escape(line)
        number = f'np.array(<b data-shows="x">{columns["x"][at]}</b>)'
        shown = shown.replace(own, number)
        for begin, column in notes.items():
            if line.startswith(begin):
                what = "" if " = " in line else f"{GRAD} is "
                shown += f'  <i># {what}<b data-shows="{column}">{columns[column][at]}</b></i>'
        lines.append(shown)
    code = "\n".join(lines)
    unfolded = " open" if len(lines) <= SHORT else ""
    return (
        f'<details class="touch-program"{unfolded}><summary>The program at this x</summary>'
        f'<pre tabindex="0" aria-label="the program">{code}</pre></details>'
    )


def _json(data: object) -> str:
    """Data for a script element, which a `</` would end."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


# --- the plot ---

WIDTH, HEIGHT = 440, 300
EDGE = 8


def place(window: tuple[float, float, float, float], x: float, y: float) -> tuple[float, float]:
    """Where a point is in the plot. touch.js does the same."""
    x0, x1, y0, y1 = window
    return (x - x0) / (x1 - x0) * WIDTH, (y1 - y) / (y1 - y0) * HEIGHT


def plot(
    window: tuple[float, float, float, float],
    curves: Sequence[tuple[str, list[str]]],
    xs: list[str],
    at: int,
) -> str:
    """Axes, and each curve through what was recorded; a point on each; room for what moves."""
    x0, x1, y0, y1 = window
    grid_, labels = [], []
    for x in _ticks(x0, x1):
        left, _ = place(window, x, 0)
        grid_.append(f'<path d="M{left:.1f} 0V{HEIGHT}"{_axis(x)}/>')
        if x and EDGE < left < WIDTH - EDGE:
            labels.append(f'<text x="{left:.1f}" y="{HEIGHT - EDGE}">{typeset(f"{x:g}")}</text>')
    for y in _ticks(y0, y1):
        _, top = place(window, 0, y)
        grid_.append(f'<path d="M0 {top:.1f}H{WIDTH}"{_axis(y)}/>')
        if y and EDGE < top < HEIGHT - 3 * EDGE:
            labels.append(
                f'<text class="touch-up" x="{EDGE}" y="{top + 4:.1f}">{typeset(f"{y:g}")}</text>'
            )
    lines, points = [], []
    for number, (name, ys) in enumerate(curves):
        there = [place(window, float(x), float(y)) for x, y in zip(xs, ys)]
        path = "L".join(f"{left:.1f} {top:.1f}" for left, top in there if abs(top) < 9 * HEIGHT)
        kind = f'class="touch-curve-{number}" data-column="{name}"'
        lines.append(f'<path {kind} d="M{path}"/>')
        left, top = there[at]
        points.append(
            f'<circle {kind} cx="{left:.1f}" cy="{top:.1f}" r="{9 if number == 0 else 6}"/>'
        )
    return f"""\
<svg class="touch-plot" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">
<g class="touch-grid">{"".join(grid_)}{"".join(labels)}</g>
<g class="touch-moves"></g>
<g class="touch-lines">{"".join(lines)}</g>
<g class="touch-points">{"".join(points)}</g>
</svg>"""


def _axis(value: float) -> str:
    return "" if value else ' class="touch-axis"'


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between the two, some five of them, 0 among them."""
    raw = (high - low) / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw)
    return [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


# --- Newton's method ---


def newton_truth(x: float) -> list[float]:
    """f′ and f″ at each of the ten iterates from x."""
    found = []
    for _ in range(10):
        first, second = 4 * x**3 - 4 * x, 12 * x * x - 4
        found += [first, second]
        x -= first / second
    return found


NEWTON = Program(name="newton", title="Newton's method", text=NEWTON_TEXT)


def iterates(answer: dict[str, Any]) -> tuple[list[str], list[str]]:
    """x and y at the start of every other pass: those of y, where those of gx lie between."""
    nodes = answer["nodes"]
    x = next(node["values"][0] for node in nodes.values() if node["name"] == "x")
    xs, ys = [], []
    for step in answer["steps"]:
        for assigned in step.get("assigned", []):
            x = assigned["value"]
        if step["kind"] == "start" and step["pass"] % 2:
            xs.append(x)
            ys.append(nodes[step["root"]]["value"])
    return xs, ys


def newton(stage: Path) -> str:
    """Newton's method from any start: the iterates, and the parabola that leads to the next."""
    prefix, window = "touch-newton", (-2.4, 2.4, -2.5, 9.0)
    found = sweep(stage, NEWTON, grid(2.2, 10), newton_truth)
    walks = []
    for number, answer in enumerate(found.answers):
        xs, ys = iterates(answer)
        wrote = [column[number] for column in found.written]
        numbers = [f"{float(text):.7g}" for text in (*ys, *wrote[::2], *wrote[1::2])]
        walks.append(" ".join([*xs, *numbers]))
    curve = [walk.split()[10] for walk in walks]  # y at each start
    data = {"start": found.start, "walks": walks}
    items = "".join(f"<li>{typeset(x)}</li>" for x in walks[found.start].split()[:10])
    xs = [repr(x) for x in found.values]
    return f"""\
<figure class="dz touch touch-newton" id="{prefix}" data-window="{" ".join(map(str, window))}">
<figcaption id="{prefix}-title">Newton's method: drag the start, then walk</figcaption>
<div class="touch-left">
{plot(window, [("y", curve)], xs, found.start)}
{_slider(prefix, "start", len(xs), found.start, typeset(xs[found.start]))}
{_slider(prefix, "step", 10, 0, "0")}
<div class="touch-play"><button type="button" disabled>Walk</button>
<p class="touch-says" role="status"></p></div>
</div>
<div class="touch-right">
<b id="{prefix}-list">The iterates</b>
<ol class="touch-iterates" start="0" aria-labelledby="{prefix}-list">{items}</ol>
<p class="touch-hint">Bold are the digits of the number where the walk ends. Each step goes to
where the parabola is flat, be that a minimum or a maximum: start between −0.55 and 0.55, and then
near 0.6, where the parabola is almost a line.</p>
</div>
{_program(NEWTON_TEXT, {}, {"x": xs}, found.start)}
<script type="application/json" class="touch-data">{_json(data)}</script>
</figure>
"""


# --- pages ---


def chapter(number: int, stage: Path | None = None) -> str:
    """The figure of a chapter that can be dragged."""
    stage = stage or ROOT / "stages" / f"step{number}"
    return newton(stage) if number == 33 else figure(FIGURES[number], stage)


LEAD = (
    "Six automatic-differentiation engines of a few hundred lines of Python, one idea apart: the"
    " backward pass leaves a graph behind, a second pass walks it, and so they take derivatives of"
    " derivatives."
)


def landing(shown: str, repository: str) -> str:
    """What stands first on the first page: a sentence, where to begin, and this figure.

    repository: its address, or "" where none is known.
    """
    place = (
        f'<a href="{escape(repository)}">The repository</a>'
        if repository
        else "<span>The repository is the folder that this page was built in.</span>"
    )
    return (
        f'<p class="landing">{LEAD}</p>\n<p class="landing-begin">'
        f'<a class="landing-button" href="step31/index.html">Begin with step 31</a> {place}</p>\n'
        f"{shown}"
    )


def page(figures: Iterable[str]) -> str:
    """A page with these figures that needs no other file."""
    names = ("stepper.css", "touch.css")
    style = "\n".join((STATIC / name).read_text("utf-8") for name in names)
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drag x</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }}
{style}
</style>
</head>
<body>
<main>
<h1>Drag x</h1>
{"".join(figures)}
</main>
<script>
{(STATIC / "touch.js").read_text("utf-8")}
</script>
</body>
</html>
"""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(map(chapter, [31, 32, 33, 34, 35, 36])), "utf-8")
