"""Who handed in what: names of files that learning platforms write, a roster, and a deadline."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ..execution.runner import StageError
from .submissions import Entry, entries, handed_in, key_of, shown, stem_of

#: How platforms name what they let a teacher download; (?P<id>...) is theirs, and so is `when`.
PATTERNS = {
    # lastfirst_LATE_4711_123456_step34-2.zip: a user, then a submission, which grows with time
    "canvas": r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<when>\d+)_.*?(-(?P<again>\d+))?",
    # Anna Müller_4711_assignsubmission_file_step34.zip, or a folder of that name
    "moodle": r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_.*",
    # step34-annamueller: what all names begin with is the assignment's
    "github": r"(?P<id>.+)",
}
_NUMBERED = ("canvas", "moodle")  # platforms that take a grade back under the id in the name


@dataclass(frozen=True)
class Hand:
    """A student, and what they handed in last; `entry` is None for nothing.

    canvas, moodle: the numbers of the user and of the participant in the names of these platforms'
        files. They are no id of a roster: the same number may be somebody else's there.
    """

    student: str
    id: str = ""
    entry: Entry | None = None
    when: datetime | None = None
    late: bool = False
    older: tuple[str, ...] = ()  # names of what they handed in before
    known: bool = True  # on the roster, where there is one
    canvas: str = ""
    moodle: str = ""


@dataclass(frozen=True)
class Student:
    """A line of the roster."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


def one(place: Path) -> list[Hand]:
    """A submission by itself."""
    if not place.exists():
        raise StageError(f"{place}: there is no such submission")
    name = stem_of(place.resolve().name)
    return [Hand(shown(name), "", Entry(shown(name), key_of(name), place), _time(place))]


def hands(folder: Path, ids: str, roster: Path | None, deadline: str | None) -> list[Hand]:
    """One for each student, in the order of the names. Raises StageError where nothing is there."""
    until = _deadline(deadline)
    students = read_roster(roster) if roster else []
    try:
        found = entries(folder)
    except OSError as error:
        raise StageError(f"{folder} cannot be read: {error.strerror}") from None
    if not found and not students:
        raise StageError(f"{folder} is empty: there is nothing to grade")
    matched = _matched(found, ids)
    by_student: dict[str, list[Hand]] = {}
    for entry, told in zip(found, matched, strict=True):
        when = _time(entry.place)
        late = bool(until and when > until) or bool(told.get("late"))
        hand = Hand(entry.student, told.get("id", ""), entry, when, late)
        hand = replace(hand, canvas=told.get("canvas", ""), moodle=told.get("moodle", ""))
        student = _on_roster(students, entry, told)
        if student:
            hand = replace(hand, student=student.name or student.id, id=student.id)
        elif told:
            hand = replace(hand, student=shown(told.get("name") or told["id"]))
        hand = replace(hand, known=student is not None or not students)
        own = bool(student or told.get("id"))
        key = f"id {hand.id}" if own else f"entry {entry.key}"
        by_student.setdefault(key, []).append(hand)
    order = {entry.key: _order(told) for entry, told in zip(found, matched, strict=True)}
    chosen = [_newest(some, order) for some in by_student.values()]
    there = {hand.id for hand in chosen if hand.known}
    chosen += [
        Hand(student.name or student.id, student.id)
        for student in students
        if student.id not in there
    ]
    return chosen


def _newest(some: list[Hand], order: dict[str, tuple[int, ...]]) -> Hand:
    """What they handed in last, under a key that stays the same when they do so again."""

    def age(hand: Hand) -> tuple[object, ...]:
        assert hand.entry
        return (*order[hand.entry.key], hand.when, hand.entry.key)

    *older, last = sorted(some, key=age)
    assert last.entry
    if last.id:
        entry = replace(last.entry, student=last.student, key=key_of(f"{last.student} {last.id}"))
        last = replace(last, entry=entry)
    return replace(last, older=tuple(hand.entry.place.name for hand in older if hand.entry))


def _order(told: dict[str, str]) -> tuple[int, ...]:
    return int(told.get("when") or 0), int(told.get("again") or 0)


def _matched(found: list[Entry], ids: str) -> list[dict[str, str]]:
    """What the names of these tell, by the pattern of a platform, or a teacher's own."""
    names = [stem_of(entry.place.name) for entry in found]
    if ids == "auto":
        for kind in ("canvas", "moodle"):
            matches = [re.fullmatch(PATTERNS[kind], name) for name in names]
            if names and sum(map(bool, matches)) * 2 > len(names):
                return [_told(match, kind) for match in matches]
        return [{} for _ in found]
    if ids == "github":
        first, last = min(names, default=""), max(names, default="")
        same = [a == b for a, b in zip(first, last, strict=False)]
        prefix = first[: (*same, False).index(False)] if len(names) > 1 else ""
        prefix = prefix[: prefix.rfind("-") + 1]
        return [{"id": name.removeprefix(prefix)} for name in names]
    try:
        pattern = re.compile(PATTERNS.get(ids, ids))
    except re.error as error:
        raise StageError(f"--ids {ids} is no pattern: {error}") from None
    if not {"id", "name"} & pattern.groupindex.keys():
        raise StageError(
            f"--ids {ids}: neither canvas, moodle nor github, and no pattern with (?P<id>...) or"
            f" (?P<name>...) in it"
        )
    return [_told(pattern.fullmatch(name), ids) for name in names]


def _told(match: re.Match[str] | None, kind: str) -> dict[str, str]:
    told = {name: text for name, text in match.groupdict().items() if text} if match else {}
    if told and "id" not in told:
        told["id"] = told["name"]
    if told and kind in _NUMBERED:
        told[kind] = told["id"]
    return told


def read_roster(file: Path) -> list[Student]:
    """A CSV with the columns id and name, and, if there are any, aliases, with ; between them."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StageError(f"--roster {file} cannot be read as UTF-8: {error}") from None
    delimiter = (
        ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    )
    rows = csv.DictReader(text.splitlines(), delimiter=delimiter)
    names = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    if "id" not in names:
        raise StageError(
            f"--roster {file}: its first line names no column id; it is a CSV with the columns id,"
            f" name and aliases"
        )
    found, seen = [], set()
    for number, row in enumerate(rows, 2):
        cells = {name: (row.get(column) or "").strip() for name, column in names.items()}
        if not cells["id"]:
            if any(cells.values()):
                raise StageError(f"--roster {file}, line {number}: a student without an id")
            continue
        if cells["id"] in seen:
            raise StageError(f"--roster {file}, line {number}: the id {cells['id']} a second time")
        seen.add(cells["id"])
        aliases = tuple(filter(None, map(str.strip, cells.get("aliases", "").split(";"))))
        found.append(Student(cells["id"], cells.get("name", ""), aliases))
    if not found:
        raise StageError(f"--roster {file}: there is no student in it")
    return found


def _on_roster(students: Iterable[Student], entry: Entry, told: dict[str, str]) -> Student | None:
    """The student whose id, name or alias is in the name of a file, as a whole."""
    names = {
        _plain(text)
        for text in (stem_of(entry.place.name), told.get("id"), told.get("name"))
        if text
    }
    for student in students:
        if names & {_plain(text) for text in (student.id, student.name, *student.aliases) if text}:
            return student
    return None


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _time(place: Path) -> datetime:
    return datetime.fromtimestamp(int(handed_in(place)))


def _deadline(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
    except ValueError:
        raise StageError(f"--deadline {text} is no time; write it as 2026-11-30T23:59") from None
