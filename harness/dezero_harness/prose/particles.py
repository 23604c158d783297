"""The particles of Korean: which of two goes with the sound before it."""

from __future__ import annotations

import re

#: How numbers and names that end so are read: with 1, another consonant than ㄹ; with 8, ㄹ.
_FINAL = {"0": 1, "1": 8, "3": 1, "6": 1, "7": 8, "8": 8, "l": 8, "m": 1, "n": 1}


def with_particles(text: str) -> str:
    """The text with each `[을/를]` made the one or the other; numbers and names are read out."""
    return re.sub(r"(\S)\[(\w+)/(\w+)\]", _particle, text)


def _particle(found: re.Match[str]) -> str:
    before = found.string[: found.end(1)]
    last = re.sub(r"[\W_]+$", "", before)[-1:]
    hangul = "가" <= last <= "힣"
    final = (ord(last) - ord("가")) % 28 if hangul else _FINAL.get(last, 0)
    rieul = final == 8 and found[2] == "으로"
    return found[1] + (found[2] if final and not rieul else found[3])
