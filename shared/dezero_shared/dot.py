"""Pictures of a graph: its text in the DOT language, and what Graphviz draws of that.

A Variable is known by what it has (creator, data, name), and so is a Function (inputs, outputs):
this module draws the graph of any stage and imports none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections import deque
from importlib import import_module
from pathlib import Path
from typing import Any

from dezero_shared.arrays import format_array
from dezero_shared.checked import describe

BITMAPS = ("png", "jpg", "jpeg", "gif", "webp")
FORMATS = ("svg", "pdf", "ps", "eps", *BITMAPS)
# Neither XML 1.0 nor the eye takes these: controls but tab and newline, surrogates, noncharacters.
_UNSHOWABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
LARGE = 500  # nodes from which on a layout takes seconds, and a bitmap cannot be read

_INSTALL = (
    "install it with `python -m pip install graphviz graphviz-pure`, or, where the system brings "
    "Graphviz itself, with `python -m pip install graphviz`"
)


_SYSTEM = (
    "install Graphviz itself, which draws all the others too (Debian: apt-get install graphviz; "
    "macOS: brew install graphviz; Windows: winget install graphviz)"
)


class NoPicture(RuntimeError):
    """Graphviz has drawn nothing. `dot` is the text that it was to draw."""

    def __init__(self, message: str, dot: str):
        super().__init__(message)
        self.dot = dot


def walk(output: Any) -> list[Any]:
    """The Variables and Functions that a Variable was computed from, each once, from it back.

    The order depends on the graph alone. An output of a Function that nobody holds is not there.
    Raises TypeError for anything but a Variable.
    """
    if not hasattr(output, "creator"):
        raise TypeError(
            f"only a Variable has a graph behind it, not {describe(output)}; where gradients are "
            f"arrays, nothing has recorded how they were computed"
        )
    met = {output: None}  # a dict for its order
    functions = deque([output.creator])
    while functions:
        f = functions.popleft()
        if f is None or f in met:
            continue
        met[f] = None
        for x in (*_living_outputs(f), *f.inputs):
            met[x] = None
            functions.append(x.creator)
    return list(met)


def get_dot_graph(output: Any, verbose: bool = True) -> str:
    """The graph behind a Variable, as text in the DOT language of Graphviz.

    Orange ovals are Variables, light blue boxes are Functions; they are numbered by the walk, so
    equal graphs give equal text. A constant that is a single number is shown by its value.

    verbose: label each Variable with its `name: shape dtype`, not with its name alone.
    """
    numbers = {node: number for number, node in enumerate(walk(output))}
    lines = []
    for node, number in numbers.items():
        if hasattr(node, "creator"):
            label = _escape(_label(node, verbose))
            lines.append(f'{number} [label="{label}", color=orange, style=filled]')
        else:
            label = _escape(type(node).__name__)
            lines.append(f'{number} [label="{label}", color=lightblue, style=filled, shape=box]')
            lines += [f"{numbers[x]} -> {number}" for x in node.inputs]
            lines += [f"{number} -> {numbers[y]}" for y in _living_outputs(node)]
    return "\n".join(["digraph g {", *lines, "}", ""])


def plot_dot_graph(output: Any, verbose: bool = True, to_file: str | Path = "graph.png") -> Any:
    """Draw the graph behind a Variable into a file, whose ending says the format.

    Returns what a notebook shows inline; elsewhere, the path of the picture.
    See get_dot_graph for the picture, draw for large graphs and for what is raised.
    """
    picture = draw(get_dot_graph(output, verbose), to_file)
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return picture
    ending = picture.suffix[1:].lower()
    if ending == "svg":
        return ipython.display.SVG(filename=picture)
    return ipython.display.Image(filename=picture) if ending in BITMAPS else picture


def draw(dot: str, to_file: str | Path, time_limit: float = 60.0) -> Path:
    """Draw DOT text into a file, whose ending says the format, and return the path of the picture.

    A graph of 500 nodes or more warns; where a bitmap was asked for it becomes an SVG as well,
    which can be enlarged until it is readable, and the path is that of the SVG.

    time_limit: seconds. Raises ValueError for an ending that is no picture's, FileNotFoundError
    where there is no such folder, and NoPicture where there is no program to draw with, or it
    draws no such format, fails, or takes too long: the DOT text is then in the error, and saved
    beside. (graphviz-pure draws .svg, .png and .jpg.)
    """
    path = Path(to_file)
    ending = path.suffix[1:].lower()
    if ending not in FORMATS:
        known = ", ".join("." + format for format in FORMATS)
        raise ValueError(f"{str(path)!r} has to end in one of {known}: that says what to draw")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r} for {path.name}; make it")
    nodes = dot.count("[label=")
    svg = path.with_suffix(".svg") if nodes >= LARGE and ending in BITMAPS else None
    if nodes >= LARGE:
        also = f"; it is written to {svg}, too" if svg else ""
        warnings.warn(
            f"this graph has {nodes} nodes: to draw it can take up to {time_limit:.0f} s, and to "
            f"be read it has to be enlarged, as only an SVG can be" + also,
            stacklevel=3,
        )
    try:
        picture = _graphviz(dot, ending, time_limit, _layout(nodes), svg)
    except NoPicture as error:
        saved = path.with_name(path.name + ".dot")
        saved.write_text(dot, encoding="utf-8")
        error.add_note(f"the DOT text is in {saved}, and in this error as its attribute `dot`")
        raise
    path.write_bytes(picture)
    return svg or path


def _layout(nodes: int) -> list[str]:
    """Options of Graphviz: what a layout of so many nodes goes without, to end within a minute.

    A full layout of 700 nodes takes 2 s, one of 1900 nodes over a minute. Most of that goes into
    the search for short edges, which grows with the square of the nodes, and then into curves.
    """
    if nodes < 2 * LARGE:
        return []
    return [f"-Gnslimit={8e6 / nodes**2:.2g}", "-Gnslimit1=1", "-Gmclimit=0.1", "-Gsplines=line"]


def _graphviz(
    dot: str, format: str, time_limit: float, options: list[str], svg: Path | None
) -> bytes:
    """The picture in this format. The same layout goes into the file `svg`, if there is one."""
    try:
        backend = import_module("graphviz.backend")
    except ImportError as error:
        raise NoPicture(f"to draw a graph takes the package graphviz: {_INSTALL}", dot) from error
    program = _program()
    if program is None:
        raise NoPicture(f"to draw a graph takes Graphviz's program `dot`: {_INSTALL}", dot)
    if svg is not None:  # the bitmap is kept within 50 inches: in full size it takes gigabytes
        options = ["-Tsvg", f"-o{svg.absolute()}", "-Gsize=50,50", *options]
    command = [program, *options, *backend.dot_command.command("dot", format)[1:]]
    try:
        # Graphviz may list the fonts it finds, by default in the user's home.
        with tempfile.TemporaryDirectory() as cache:
            return backend.execute.run_check(
                command,
                input=dot.encode(),
                capture_output=True,
                quiet=True,
                timeout=time_limit,
                env=os.environ | {"XDG_CACHE_HOME": cache},
            ).stdout
    except subprocess.TimeoutExpired:
        raise NoPicture(
            f"after {time_limit:.0f} s there was no picture yet: the graph is too large or too "
            f"entangled; draw a smaller one, or give its DOT text to another program",
            dot,
        ) from None
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error).encode()).decode(errors="replace")
        writes = re.search(r"not recognized. Use one of: *(.*)", said)
        if writes:  # it was built without the part that draws this
            endings = ", ".join(f".{known}" for known in FORMATS if known in writes[1].split())
            raise NoPicture(
                f"{Path(program).name} draws no .{format}; take a file that ends in one of "
                f"{endings}, or {_SYSTEM}",
                dot,
            ) from error
        raise NoPicture(f"{program} has drawn no {format}: {said.strip()}", dot) from error


def _program() -> str | None:
    """Graphviz's `dot` where the system has one, else that of the package graphviz-pure."""
    return (
        shutil.which("dot")
        or shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
        or shutil.which("graphviz-pure")
    )


def _living_outputs(function: Any) -> list[Any]:
    # One that the program has dropped is not drawn, though a backward could have it made anew.
    references = [getattr(output, "living", output) for output in function.outputs]
    return [y for y in (reference() for reference in references) if y is not None]


def _label(variable: Any, verbose: bool) -> str:
    name = "" if variable.name is None else str(variable.name)
    data = variable.data
    if data is None:
        return name
    is_number = not hasattr(data, "dtype")
    if verbose and not is_number:
        # A dtype may be printed with its module: array_api_strict.float64
        content = f"{tuple(data.shape)} {str(data.dtype).rpartition('.')[-1]}"
    elif verbose or (not name and (is_number or _is_constant(variable))):
        content = format_array(data)
    else:
        return name
    return f"{name}: {content}" if name else content


def _is_constant(variable: Any) -> bool:
    """True for a single number without a gradient: its value says more than an empty oval."""
    return not getattr(variable, "requires_grad", True) and not getattr(variable.data, "shape", ())


def _escape(text: str) -> str:
    """Text as it stands between the quotes of a DOT label, for it to be shown as it is.

    What no SVG can hold (control characters, halves of characters) is shown as Python writes it.
    """
    text = _UNSHOWABLE.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))
    for character, written in (
        ("\\", "\\\\"),
        ("\n", "\\n"),
        ('"', '\\"'),
        ("&", "&amp;"),  # Graphviz reads HTML's names of characters, like &lt;
        ("<", "&lt;"),
        (">", "&gt;"),
    ):
        text = text.replace(character, written)
    return text
