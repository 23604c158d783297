"""What the examples share: where a picture goes, and how far long work has come."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from dezero_shared.dot import NoPicture, draw


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser for the command line of an example, which can say where its picture goes: --out."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=_picture, metavar="FILE", help="write the picture here, rather than show it"
    )
    return parser


def _picture(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise argparse.ArgumentTypeError(f"{text!r} has to end in .png, .svg or .pdf")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}; make it first")
    return path


def finish(figure: Any, out: Path | None) -> None:
    """Write a Matplotlib figure to the file `out`, or, without one, show it in a window."""
    import matplotlib.pyplot as plt

    figure.tight_layout()
    if out:
        figure.savefig(out, dpi=150)
        _say_where(out)
    elif _has_display():
        plt.show()


def finish_graph(dot: str, out: Path | None) -> None:
    """The same for the picture of a graph, given as DOT text.

    Where Graphviz cannot draw it, the program ends with the reason.
    """
    try:
        if out:
            draw(dot, out)
            _say_where(out)
        elif _has_display():
            _show(dot)
    except NoPicture as error:
        sys.exit("\n".join([str(error), *error.__notes__]))


def _say_where(out: Path) -> None:
    """On stderr, so that what the program prints is the same with a picture and without."""
    print(f"The picture is in {out}", file=sys.stderr)


def _show(dot: str) -> None:
    import matplotlib.pyplot as plt

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # for a large graph: that there is an SVG of it as well
        file = Path(folder, "graph.png")
        draw(dot, file)
        picture = plt.imread(file)
    height, width = picture.shape[:2]
    inches = min(1 / 100, 9 / max(height, width))
    figure = plt.figure(figsize=(width * inches, height * inches))
    figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[]).imshow(picture)
    plt.show()


def _has_display() -> bool:
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry

    without_window = backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)
    if plt.get_backend().lower() not in without_window:
        return True
    print(
        "there is no display to show the picture on: --out FILE.png (or .svg) writes it to a file",
        file=sys.stderr,
    )
    return False


def progress(steps: Iterable[Any], what: str) -> Iterable[Any]:
    """The steps of long work, with a bar on stderr that says how far it has come."""
    return import_module("tqdm").tqdm(steps, desc=what)
