"""The picture that a message shows beside a link to the site."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

NAME = "card.png"
TITLE = "Six small engines that\nlearn to differentiate again"
SENTENCE = """\
Automatic differentiation of any
order, in a few hundred lines of
Python, one idea at a time."""
SIZE = (1200, 630)  # pixels, the proportions that messengers cut a picture to
_PAPER, _INK, _QUIET, _BROWN, _GREEN = "#fdfcf9", "#1f1d1a", "#5a554c", "#8a3b12", "#3f8f3a"


def write(file: Path) -> None:
    """Draw x^4 - 2 x^2 with its tangent and its osculating parabola at 2 into this PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(
        {
            "font.family": "DejaVu Serif",
            "mathtext.fontset": "dejavuserif",
            "font.size": 21,
            "text.color": _INK,
        }
    ):
        figure = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor=_PAPER)
        figure.text(0.06, 0.83, TITLE, size=29, weight="bold", va="top", linespacing=1.25)
        figure.text(0.06, 0.51, SENTENCE, color=_QUIET, va="top", linespacing=1.45)
        figure.text(0.06, 0.1, "first derivative 24", color=_BROWN)
        figure.text(0.335, 0.1, "second 44", color=_GREEN)
        axes = figure.add_axes((0.55, 0.09, 0.41, 0.82))
        x = np.linspace(1.05, 2.62, 300)
        axes.plot(x, x**4 - 2 * x**2, color=_INK, linewidth=4)
        axes.plot(x, 8 + 24 * (x - 2), color=_BROWN, linewidth=3)
        axes.plot(x, 8 + 24 * (x - 2) + 22 * (x - 2) ** 2, color=_GREEN, linewidth=3, dashes=(4, 2))
        axes.plot(2, 8, "o", color=_INK, markersize=15)
        axes.text(2.12, 6.6, "$x^4 - 2x^2$\nat $x = 2$", va="top", linespacing=1.4)
        axes.set(xlim=(1.05, 2.7), ylim=(-6, 27))
        axes.set_axis_off()
        figure.savefig(file, facecolor=_PAPER)
