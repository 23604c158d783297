"""Tables for a spreadsheet and for learning platforms, and one JSON with everything."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..labs.chapter import depth
from ..model.case import Case
from .graded import Graded
from .judging import Plan
from .scoring import Scheme

_ACTIVE = (*"=+-@|%", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # also = + - @ in full width
_BOM = "\ufeff"  # without it, Excel takes UTF-8 for something else
_POSSIBLE = "Points Possible"  # in the first cell of the line of a Canvas gradebook that says them
_SHOWN = 20  # failing cases that GitHub Classroom is told of: a step's output has a bound
#: What a grading worksheet of Moodle has to have; it looks for the columns by these names, as it
#: writes them in English. "ID number" is for its gradebook.
MOODLE: tuple[str, ...] = ("Identifier", "Full name", "ID number", "Grade", "Maximum grade")
MOODLE += ("Last modified (grade)", "Feedback comments")
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
        found = gradescope(plan, scheme, one)
        if one.hand.entry and found:
            text = json.dumps(found, indent=1) + "\n"
            write(out / "exports" / f"{one.hand.entry.key}.results.json", text)


def _table(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


#: Where a spreadsheet that takes ; for what separates cells would begin a new one with a formula.
_INSIDE = re.compile(rf"(;[ '\"]*)(?=[{re.escape(''.join(_ACTIVE))}])")


def csv_text(text: str) -> str:
    """For a spreadsheet: what would be taken for a formula is text."""
    text = _INSIDE.sub(r"\1'", text)
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
    """As Canvas imports a gradebook: a header, the points that are possible, and the students.

    Canvas knows a student by its own number, else by the id or the login of the university's
    system, else by the name. Who has no points is left out: an empty cell would take away a grade
    that is there.
    """
    title = f"Step {plan.number}"
    rows: list[tuple[str, ...]] = [
        ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", title)
    ]
    rows.append((f"    {_POSSIBLE}", "", "", "", "", f"{scheme.most(plan):g}"))
    for one in graded:
        if one.grade.points is None:
            continue
        # Whoever is called so would be taken for the line above.
        name = csv_text(one.hand.student).replace(_POSSIBLE, _POSSIBLE.capitalize())
        theirs = "" if one.hand.id == one.hand.canvas else csv_text(one.hand.id)
        rows.append((name, one.hand.canvas, theirs, theirs, "", _points(one)))
    return rows


def moodle(plan: Plan, scheme: Scheme, graded: Iterable[Graded]) -> list[tuple[str, ...]]:
    """As the grading worksheet of a Moodle assignment, which it takes back.

    A line without the number of a participant is passed over there; Moodle's gradebook, which
    imports such a file as well, knows a student by the ID number.
    """
    rows: list[tuple[str, ...]] = [MOODLE]
    for one in graded:
        hand = one.hand
        identifier = f"Participant {hand.moodle}" if hand.moodle else ""
        theirs = "" if hand.id == hand.moodle else csv_text(hand.id)
        most, said = f"{scheme.most(plan):g}", csv_text(one.grade.reason)
        about = (identifier, csv_text(hand.student), theirs)
        # A worksheet has a dash where nothing was graded yet.
        rows.append((*about, _points(one), most, "-", said))
    return rows


def gradescope(plan: Plan, scheme: Scheme, one: Graded) -> dict[str, Any]:
    """As an autograder of Gradescope says what it found, in results.json.

    Nothing where the grader failed: without the file Gradescope says that the autograder failed,
    and no student has 0 for it.
    """
    grade = one.grade
    if one.result.get("error"):
        return {}
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
    tests += [
        {
            "name": case.statement,
            "status": "failed",
            "output": said,
            "output_format": "text",
            "tags": [f"depth {depth(case)}"],
            "visibility": "visible",
        }
        for case, said in _failing(plan, one)
    ]
    return {
        "score": grade.points,
        "output": grade.reason or "Every case passes.",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def classroom(plan: Plan, scheme: Scheme, one: Graded) -> dict[str, Any]:
    """As a grader of GitHub Classroom hands its result to the reporter, which adds the scores up.

    Nothing where the grader failed.
    """
    grade = one.grade
    if one.result.get("error"):
        return {}
    points, most = grade.points or 0.0, scheme.most(plan)
    tests = [
        {
            "name": topic.name,
            "status": "pass" if topic.share == 1.0 else "fail",
            "score": round(topic.points, 2),
            "message": f"{topic.points:.2f} of {topic.of:.2f}",
        }
        for topic in grade.topics
    ]
    rest = round(points - sum(test["score"] for test in tests), 2)  # type: ignore[misc]
    if rest or not tests:
        name = "hidden cases, and what was right before" if tests else f"step {plan.number}"
        status = "pass" if rest > 0 else "fail"
        tests.append({"name": name, "status": status, "score": rest, "message": grade.reason})
    tests += [
        {"name": case.statement, "status": "fail", "score": 0, "message": said}
        for case, said in _failing(plan, one)[:_SHOWN]
    ]
    status = "pass" if points >= most else "fail"
    return {"version": 1, "status": status, "max_score": round(most, 2), "tests": tests}


def _failing(plan: Plan, one: Graded) -> list[tuple[Case, str]]:
    """The chapter's cases that fail, with the program, what was expected, and what came."""
    found = []
    for case in plan.own:
        ran = one.result.get("cases", {}).get(case.id, {})
        if ran.get("status") == "failed":
            lines = [case.program, f"expected {ran['expected']}", f"got {ran['got']}", *ran["why"]]
            found.append((case, "\n".join(lines)))
    return found
