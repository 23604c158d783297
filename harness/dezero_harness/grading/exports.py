"""Tables for a spreadsheet and for learning platforms, and one JSON with everything."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..labs.chapter import depth
from .graded import Graded
from .judging import Plan
from .scoring import Scheme

_ACTIVE = (*"=+-@|%", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also = + - @ in full width
_BOM = "\ufeff"  # without it, Excel takes UTF-8 for something else
COLUMNS = ("student", "id", "points", "status", "late", "passed", "failed", "not run", "reason")


def write_tables(
    out: Path,
    plan: Plan,
    scheme: Scheme,
    graded: Sequence[Graded],
    write: Callable[[Path, str], None],
) -> None:
    """grades.csv for a spreadsheet, grades.json, and exports/ for platforms."""
    write(out / "grades.csv", _BOM + _table([COLUMNS, *map(_row, graded)]))
    everything = {
        "stage": plan.number,
        "of": scheme.most(plan),
        "students": [_everything(one) for one in graded],
    }
    write(out / "grades.json", json.dumps(everything, indent=1, ensure_ascii=False) + "\n")
    (out / "exports").mkdir(exist_ok=True)
    write(out / "exports" / "canvas.csv", _table(canvas(plan, scheme, graded)))
    write(out / "exports" / "moodle.csv", _table(moodle(plan, scheme, graded)))
    for one in graded:
        if one.hand.entry:
            text = json.dumps(gradescope(plan, scheme, one), indent=1) + "\n"
            write(out / "exports" / f"{one.hand.entry.key}.results.json", text)


def _table(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def csv_text(text: str) -> str:
    """For a spreadsheet: what would be taken for a formula is text."""
    return f"'{text}" if text.lstrip(" '\"")[:1] in _ACTIVE else text


def _points(one: Graded) -> str:
    return "" if one.grade.points is None else f"{one.grade.points:g}"


def _row(one: Graded) -> tuple[str, ...]:
    grade = one.grade
    counts = ("", "", "")
    if grade.points is not None:
        counts = (str(grade.passed), str(grade.failed), str(grade.not_run))
    late = "late" if one.hand.late else ""
    about = (csv_text(one.hand.student), csv_text(one.hand.id))
    return (*about, _points(one), grade.status, late, *counts, csv_text(grade.reason))


def _everything(one: Graded) -> dict[str, Any]:
    grade, hand = one.grade, one.hand
    return {
        "student": hand.student,
        "id": hand.id,
        "handed in": hand.when.isoformat() if hand.when else None,
        "late": hand.late,
        "older": list(hand.older),
        "on the roster": hand.known,
        "points": grade.points,
        "status": grade.status,
        "passed": grade.passed,
        "failed": grade.failed,
        "not run": grade.not_run,
        "reason": grade.reason,
        "topics": [vars(topic) for topic in grade.topics],
        "review": list(one.flags),
        "report": f"reports/{hand.entry.key}.html" if hand.entry else None,
    }


def canvas(plan: Plan, scheme: Scheme, graded: Iterable[Graded]) -> list[tuple[str, ...]]:
    """As Canvas imports a gradebook: a header, the points that are possible, and the students."""
    title = f"Step {plan.number}"
    rows: list[tuple[str, ...]] = [
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", title)
    ]
    rows.append(("    Points Possible", "", "", "", "", f"{scheme.most(plan):g}"))
    for one in graded:
        rows.append((csv_text(one.hand.student), csv_text(one.hand.id), "", "", "", _points(one)))
    return rows


def moodle(plan: Plan, scheme: Scheme, graded: Iterable[Graded]) -> list[tuple[str, ...]]:
    """As the grading worksheet of a Moodle assignment, which it takes back."""
    rows: list[tuple[str, ...]] = [
        ("Identifier", "Full name", "Grade", "Maximum grade", "Feedback comments")
    ]
    for one in graded:
        identifier = f"Participant {one.hand.id}" if one.hand.id else ""
        most, said = f"{scheme.most(plan):g}", csv_text(one.grade.reason)
        rows.append((identifier, csv_text(one.hand.student), _points(one), most, said))
    return rows


def gradescope(plan: Plan, scheme: Scheme, one: Graded) -> dict[str, Any]:
    """As an autograder of Gradescope says what it found, in results.json."""
    grade = one.grade
    if grade.points is None:
        return {"score": 0, "output": grade.reason, "output_format": "text", "tests": []}
    tests: list[dict[str, Any]] = [
        {
            "name": topic.name,
            "score": round(topic.points, 2),
            "max_score": round(topic.of, 2),
            "status": "passed" if topic.share == 1.0 else "failed",
            "visibility": "visible",
        }
        for topic in grade.topics
    ]
    for case in plan.own:
        found = one.result.get("cases", {}).get(case.id, {})
        if found.get("status") == "failed":
            said = [f"expected {found['expected']}", f"got {found['got']}", *found["why"]]
            tests.append(
                {
                    "name": case.statement,
                    "status": "failed",
                    "output": "\n".join([case.program, *said]),
                    "output_format": "text",
                    "tags": [f"depth {depth(case)}"],
                    "visibility": "visible",
                }
            )
    return {
        "score": grade.points,
        "output": grade.reason or "Every case passes.",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
