"""The parts of a text that are generated: between <!-- name --> and <!-- /name -->, or a figure in
a sentence."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

Place = str | re.Pattern[str]


def between(text: str, name: str) -> str | None:
    """What stands between the markers of this name; None where there are none."""
    found = _pattern(name).search(text)
    return found[0] if found else None


def no_place(file: Path, place: Place, command: str) -> str:
    """What this file lacks to have something written there; "" for nothing.

    place: the name of its markers, or a pattern that matches the part alone. command: what writes.
    """
    text = file.read_text("utf-8") if file.is_file() else ""
    if _pattern(place).search(text):
        return ""
    how = f"put the lines <!-- {place} --> and <!-- /{place} --> where it shall stand"
    if isinstance(place, re.Pattern):
        how = f"nothing there matches {place.pattern}"
    lacks = "has no place for" if file.is_file() else "is no file: it cannot take"
    return f"{file} {lacks} what {command} writes; {how}"


def renew(file: Path, place: Place, new: str, *, command: str, write: bool = False) -> str:
    """Compare a generated part of this file with what it has to be, or write it; what is wrong."""
    if wrong := no_place(file, place, command):
        return wrong
    text = file.read_text("utf-8")
    right = _pattern(place).sub(lambda _: new, text, count=1)
    if right == text:
        return ""
    if write:
        file.write_text(right, "utf-8")
        return ""
    both = text.splitlines(), right.splitlines()
    changes = difflib.unified_diff(*both, "stands", "is", n=0, lineterm="")
    return "\n".join([*changes, f"{file} is stale; refresh it with: {command}"])


def _pattern(place: Place) -> re.Pattern[str]:
    if isinstance(place, re.Pattern):
        return place
    return re.compile(rf"(?<=<!-- {place} -->\n).*?(?=<!-- /{place} -->)", re.DOTALL)
