"""The difference of two stages in pieces, and beside which of them a remark of the chapter stands.

A remark is an item of the list in the chapter's section on the difference. It goes to the change
whose code it names: `Mul.backward` to the change in that method, `take(...)` to the lines that hold
it. One that names nothing in the difference is for the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..prose.markdown import code_spans
from .definitions import definitions, top
from .difference import FileDifference, Row
from .remarks import Remark, remarks


@dataclass
class Change:
    """A run of rows of one hunk that are all kept, or that changed together.

    new_hunk: the first of its hunk. remarks: those shown here; also: those that name it as well.
    """

    file: FileDifference
    rows: list[Row]
    heading: str
    new_hunk: bool
    names: frozenset[str]
    remarks: list[Remark] = field(default_factory=list)
    also: list[Remark] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        return self.rows[0].mark == " "

    @cached_property
    def text(self) -> str:
        """Its changed lines on one, without what a fold of lines would change."""
        return " ".join(" ".join(row.text for row in self.rows).split())

    def fit(self, code: str) -> int:
        """How surely this piece of code is what the change is about; 0: not at all."""
        if self.kept:
            return 0
        plain = re.sub(r"\((\.\.\.)?\)$", "", code)
        if "." in plain and plain in self.names:
            return 4
        if any(name.split(".")[-1] == plain for name in self.names):
            return 3
        return 2 if re.search(rf"(?<![\w.]){re.escape(plain)}(?!\w)", self.text) else 0

    def fit_of(self, codes: Sequence[str]) -> float:
        """The same of all the code in a remark: what comes first counts most."""
        return sum(self.fit(code) / (1 + i) for i, code in enumerate(codes))

    def is_about(self, code: str, home: Change) -> bool:
        """Whether it changes this class or function, or another place in the method of `home`."""
        same = self.names & home.names if home.file is self.file else frozenset()
        return any(
            code in (name, top(name)) or (name in same and name.endswith("." + code))
            for name in self.names
        )


def remarked(
    files: Sequence[FileDifference], old: Path, new: Path
) -> tuple[list[Change], list[Remark]]:
    """What differs between two neighbours, with the remarks of the chapter on `new` beside it.

    Second come the remarks that are for the whole. They are about the engine, and no prose.
    """
    found = changes(files, old, new)
    return found, place(remarks(new), [one for one in found if one.file.kind == "engine"])


def changes(files: Sequence[FileDifference], old: Path, new: Path) -> list[Change]:
    """What differs, cut into the pieces that a remark can stand beside."""
    found = []
    for file in files:
        names = [
            definitions((folder / path).read_text("utf-8")) if path and path.suffix == ".py" else {}
            for folder, path in ((old, file.old), (new, file.new))
        ]
        for hunk in file.hunks:
            for number, rows in enumerate(_runs(hunk.rows)):
                inside = {
                    names[row.mark == "+"].get(row.new or row.old or 0, "")
                    for row in rows
                    if row.mark != " "
                }
                there = frozenset(filter(None, inside))
                found.append(Change(file, rows, hunk.heading, not number, there))
    return found


def place(remarks: Sequence[Remark], found: Sequence[Change]) -> list[Remark]:
    """Put each remark beside the change it names; the rest is returned, to be shown in front."""
    in_front = []
    homes: list[tuple[Remark, Change]] = []
    for remark in remarks:
        codes = code_spans(remark.text)
        best = max(found, key=lambda change: change.fit_of(codes), default=None)
        if best and best.fit_of(codes):
            best.remarks.append(remark)
            homes.append((remark, best))
        else:
            in_front.append(remark)
    for remark, home in homes:
        for change in found:
            if not change.remarks and any(change.is_about(code, home) for code in remark.lead):
                change.also.append(remark)
    return in_front


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows that are kept, and rows that changed; a long new text is cut before each definition."""
    run: list[Row] = []
    for row in rows:
        changed = row.mark != " "
        if run and changed != (run[0].mark != " "):
            yield run
            run = []
        elif run and changed and row.text.startswith(("class ", "def ", "@")):
            one_sided = row.mark == run[0].mark and not any(r.counterpart for r in [*run, row])
            begun = any(r.text.strip() for r in run)
            if begun and one_sided and not run[-1].text.startswith("@"):
                yield run
                run = []
        run.append(row)
    if run:
        yield run
