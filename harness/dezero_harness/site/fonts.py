"""The fonts of the site, cut down to the characters that its language and formulas use."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from fontTools import subset

#: Latin letters, punctuation, arrows.
_TEXT = "U+20-7E,U+A0-17F,U+2010-2027,U+2032,U+2033,U+2190-2193,U+2212,U+2260,U+2264,U+2265"
#: What the formulas are written with: a browser sets a single letter in italics, U+1D434 and after.
#: The whole font has 400 KB; docs/tests/test_site.py notices a formula that needs more than this.
_MATH = (
    "U+20-7E,U+B1,U+B7,U+D7,U+3B1-3C9,U+210E,U+2016,U+2026,U+2032-2034,U+2057,U+2061,U+2190,U+2192,"
)
_MATH += (
    "U+2202,U+2207,U+2211,U+2212,U+221E,U+2225,U+2248,U+2260,U+2264,U+2265,U+22A4,U+22C5,U+22EF,"
)
_MATH += "U+1D434-1D467,U+1D6FC-1D714"

#: Of the text faces: what sets running text and columns of numbers, no small capitals and swashes.
_FEATURES = "kern,liga,calt,ccmp,locl,mark,mkmk,tnum,pnum,lnum,onum"

#: Its name on the site -> the package that ships it, its file there, and what it is used for.
FONTS = {
    "book": ("font_source_serif_pro", "files/SourceSerifPro-Regular.otf", _TEXT),
    "book-italic": ("font_source_serif_pro", "files/SourceSerifPro-It.otf", _TEXT),
    "book-semibold": ("font_source_serif_pro", "files/SourceSerifPro-Semibold.otf", _TEXT),
    "math": ("ziamath", "fonts/STIXTwoMath-Regular.ttf", _MATH),
}


def write(folder: Path) -> None:
    """Write the fonts into this folder, as NAME.woff2."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, file, characters) in FONTS.items():
        with importlib.resources.as_file(importlib.resources.files(package) / file) as path:
            features = "*" if name == "math" else _FEATURES
            options = [
                f"--unicodes={characters}",
                "--flavor=woff2",
                f"--layout-features={features}",
            ]
            subset.main([str(path), *options, f"--output-file={folder / name}.woff2"])
