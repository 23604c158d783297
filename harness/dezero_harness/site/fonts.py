"""The fonts of the site, cut down to the characters that its language and formulas use."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from fontTools import subset

#: Latin letters, punctuation, arrows; for formulas Greek, operators and mathematical letters too.
_TEXT = "U+20-7E,U+A0-17F,U+2010-2027,U+2032,U+2033,U+2190-2193,U+2212,U+2260,U+2264,U+2265"
_MATH = _TEXT + ",U+370-3FF,U+2016,U+2032-2037,U+2061-2064,U+2190-21FF,U+2200-22FF,U+2308-230B,"
_MATH += "U+27E8,U+27E9,U+1D400-1D7FF"

#: Its name on the site -> the package that ships it, its file there, and what it is used for.
FONTS = {
    "book": ("font_source_serif_pro", "files/SourceSerifPro-Regular.otf", _TEXT),
    "book-italic": ("font_source_serif_pro", "files/SourceSerifPro-It.otf", _TEXT),
    "book-semibold": ("font_source_serif_pro", "files/SourceSerifPro-Semibold.otf", _TEXT),
    "math": ("ziamath", "fonts/STIXTwoMath-Regular.ttf", _MATH),
}


def write(folder: Path) -> None:
    """Write the fonts into this folder, as NAME.woff."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, file, characters) in FONTS.items():
        with importlib.resources.as_file(importlib.resources.files(package) / file) as path:
            options = [f"--unicodes={characters}", "--flavor=woff", "--layout-features=*"]
            subset.main([str(path), *options, f"--output-file={folder / name}.woff"])
