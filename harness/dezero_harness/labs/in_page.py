"""The labs in a page: Python in a worker of the browser calls this, with the files of its editor.

What is run, in which order, what counts and what is said of it comes from the same code as in the
terminal. Two things differ, as there is no other process and no thread here: the cases run in this
one, and those that start a thread are not asked. The chapter was put together when the site was
built.
"""

from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..execution.here import Here, Timer
from ..execution.isolated import Limits
from ..model.arrays import ArrayKind
from ..model.case import Case
from . import account
from .attempt import Review, culprits, is_in, named, review
from .chapter import Chapter, Progress, run_chapter
from .words import ENGLISH, speaking

#: Of processor time, in WebAssembly, where the longest case takes less than half a second.
LIMITS = Limits(seconds=4, start=10)
_THREADS = re.compile(r"\bthreading\b|\bThreadPoolExecutor\b|\basyncio\b")


@dataclass(frozen=True)
class Packed:
    """What the page of a lab is given of its chapter.

    places: case id -> where the chapter speaks of it. pieces: the hints, in order, as `Piece`; both
    in this language already, and words: what there is in it for the rest.
    """

    chapter: Chapter
    places: Mapping[str, str]
    pieces: tuple[Piece, ...]
    language: str = ENGLISH
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """A hint as it is shown: the question, and then the rows, each with its mark.

    path, where: the file, and the definition or "". about: a line on the file, or "".
    """

    path: str
    where: str
    about: str
    question: str
    rows: tuple[tuple[str, str], ...]
    comments: tuple[str, ...]

    @property
    def place(self) -> str:
        """As in `dezero/core.py, Mul`."""
        return f"{self.path}, {self.where}" if self.where else self.path


def pack(packed: Packed) -> bytes:
    """Of the chapter what can be asked here; its paths as texts, for they are of another system."""
    chapter = packed.chapter

    def asked(cases: tuple[Case, ...]) -> tuple[Case, ...]:
        return tuple(case for case in cases if not _THREADS.search(case.program))

    gates = {key: asked(group) for key, group in chapter.gates.items()}
    chapter = replace(
        chapter,
        own=asked(chapter.own),
        earlier=asked(chapter.earlier),
        gates={key: group for key, group in gates.items() if group},
    )
    table = vars(chapter) | {
        "before": f"stages/{chapter.before.name}",
        "after": f"stages/{chapter.after.name}",
        "origins": {new.as_posix(): old and old.as_posix() for new, old in chapter.origins.items()},
    }
    rest = (dict(packed.places), packed.pieces, packed.language, dict(packed.words))
    return pickle.dumps((table, *rest))


def unpack(data: bytes) -> Packed:
    """The same, from what the site itself was built with."""
    table, *rest = pickle.loads(data)
    origins = {Path(new): old and Path(old) for new, old in table["origins"].items()}
    paths = {name: Path(table[name]) for name in ("before", "after")}
    return Packed(Chapter(**table | paths | {"origins": origins}), *rest)


class Lab:
    """A lab in the folder labs/stepN of the working directory, which holds the stages as well.

    timer: as Here takes it. told: called as the work goes on, with the cases so far.
    """

    def __init__(
        self,
        packed: Packed,
        timer: Timer | None = None,
        told: Callable[[int], Any] = lambda count: None,
    ):
        self.packed, self.timer, self.told = packed, timer, told
        self.chapter = packed.chapter
        self.folder = Path("labs", f"step{self.chapter.number}").resolve()
        self.reviewed: Review | None = None
        self.count = 0

    def check(self, files: Mapping[str, str]) -> dict[str, Any]:
        """Run the cases on these files. Raises StageError where there is nothing to run."""
        self.reviewed, self.count = None, 0
        shutil.rmtree(self.folder, ignore_errors=True)
        for name, text in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        found = run_chapter(self.chapter, self.folder, limits=LIMITS, jobs=1, make=self._make)
        self.reviewed = review(found, limits=LIMITS, jobs=1, make=self._make)
        with speaking(self.packed.language, self.packed.words):
            return self._told(found)

    def _make(self, folder: Path, arrays: ArrayKind, limits: Limits) -> Here:
        def told() -> None:
            self.count += 1
            self.told(self.count)

        timer = {"timer": self.timer} if self.timer else {}
        return Here(folder, arrays, limits, told=told, **timer)

    def _told(self, found: Progress) -> dict[str, Any]:
        reviewed = self.reviewed
        parts = account.also(found, reviewed) if reviewed else []
        parts += filter(None, [account.waiting(found)])
        told: dict[str, Any] = {
            "done": found.done,
            "bars": list(map(asdict, account.bars(found, reviewed))),
            "first": None,
            "also": list(map(asdict, parts)),
            "left": account.not_run(found, LIMITS),
            "beyond": account.beyond(found),
        }
        if reviewed:
            read = self.packed.places[reviewed.first.case.id]
            told["first"] = asdict(account.first(found, reviewed, read))
        return told

    def hint(self) -> dict[str, Any]:
        """What the last check's failure is about: pieces of the difference, or why there are none.

        several: the definitions of which more than one would have to be another. alone: one that
        this chapter leaves as it is.
        """
        reviewed = self.reviewed
        if reviewed is None:
            return {"pieces": [], "several": "", "alone": ""}
        units = culprits(reviewed, self._make)
        if not units and reviewed.first in reviewed.wrong:
            return {"pieces": [], "several": named(reviewed.attempt.written), "alone": ""}
        about = [p for p in self.packed.pieces if is_in(Path(p.path), p.where, units)]
        alone = "" if about or not units else f"{units[0].name} in {units[0].path.as_posix()}"
        pieces = [asdict(piece) | {"place": piece.place} for piece in about]
        return {"pieces": pieces, "several": "", "alone": alone}
