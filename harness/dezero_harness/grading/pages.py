"""What teacher and students read: a page and a JSON for each submission, and the overview."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..execution.shell import shell_lines
from ..model.case import Case
from .graded import Graded
from .judging import Plan
from .review import same_as_others
from .scoring import NEW, Scheme, topics_of

_BINS = 10  # of the histogram of points
_ANSWERS = 3  # of the commonest wrong ones that are shown
_SHORT = 110  # characters of a wrong answer in the overview

#: Sorts a table by the column whose heading is pressed; the only program of these pages.
SORT = """
for (const table of document.querySelectorAll("table.sorted")) {
  const heads = [...table.querySelectorAll("th")];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
    const compare = head.classList.contains("n")
      ? (a, b) => Number(a) - Number(b)
      : (a, b) => a.localeCompare(b, undefined, {numeric: true});
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(key(a), key(b)) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  });
}
"""


def write_pages(
    out: Path,
    plan: Plan,
    scheme: Scheme,
    graded: Sequence[Graded],
    versions: str,
    write: Callable[[Path, str], None],
) -> None:
    """reports/NAME.html and .json for each, and overview.html; `write(file, text)` writes."""
    # Every text is escaped: names and answers are the submission's.
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    common = {"plan": plan, "most": scheme.most(plan), "scheme": scheme, "versions": versions}
    page = pages.get_template("report.html")
    for one in graded:
        if one.hand.entry and not one.former:
            report = report_of(plan, scheme, one)
            key = one.hand.entry.key
            write(out / "reports" / f"{key}.json", json.dumps(report, indent=1) + "\n")
            write(out / "reports" / f"{key}.html", page.render(report=report, **common))
    page = pages.get_template("overview.html")
    rows = [(one, f"reports/{one.hand.entry.key}.html" if one.hand.entry else "") for one in graded]
    points = [one.grade.points for one in graded if one.grade.points is not None]
    text = page.render(
        rows=[row for row in rows if row[0].grade.points is not None],
        apart=[row for row in rows if row[0].grade.points is None],
        histogram=histogram(points, scheme.most(plan)),
        topics=failures(plan, graded),
        review=review(graded),
        script=SORT,
        script_hash=base64.b64encode(hashlib.sha256(SORT.encode()).digest()).decode(),
        **common,
    )
    write(out / "overview.html", text)


def report_of(plan: Plan, scheme: Scheme, one: Graded) -> dict[str, Any]:
    """What a student may see: of hidden cases the number, of unseen ones what they are about."""
    grade, found = one.grade, one.result.get("cases", {})

    def status(key: str) -> str:
        return found.get(key, {}).get("status", "not run")

    topic_of = {case.id: name for name, cases in topics_of(plan).items() for case in cases}
    own = []
    for case in plan.own:
        described = _described(plan, case, found.get(case.id, {}), status(case.id))
        share = round(grade.shares.get(case.id, 0.0), 3)
        own.append(described | {"topic": topic_of[case.id], "counts": share})
    broken = [
        _described(plan, case, found.get(case.id, {}), status(case.id))
        for case in plan.earlier
        if status(case.id) != "passed"
    ]
    return {
        "student": one.hand.student,
        "stage": plan.number,
        "points": grade.points,
        "of": scheme.most(plan),
        "status": grade.status,
        "late": one.hand.late,
        "passed": grade.passed,
        "failed": grade.failed,
        "not run": grade.not_run,
        "reason": grade.reason,
        "notes": one.result.get("notes", []),
        "topics": [
            {
                "topic": topic.name,
                "share": round(topic.share, 3),
                "points": round(topic.points, 2),
                "of": round(topic.of, 2),
            }
            for topic in grade.topics
        ],
        "chapter": own,
        "earlier": {"cases": len(plan.earlier), "failing now": broken},
        "hidden": {
            "cases": len(plan.hidden),
            "passed": sum(status(case.id) == "passed" for case in plan.hidden),
        },
        "unseen": [{"about": about, **counts} for about, counts in _unseen(plan, status).items()],
    }


def _unseen(plan: Plan, status: Callable[[str], str]) -> dict[str, dict[str, int]]:
    """What unseen cases are about -> how many pass, fail, and were not run."""
    found: dict[str, Counter[str]] = {}
    for n, one in enumerate(plan.unseen):
        found.setdefault(one.about, Counter())[status(f"unseen {n}")] += 1
    kinds = ("passed", "failed", "not run")
    return {about: {kind: count[kind] for kind in kinds} for about, count in found.items()}


def _described(plan: Plan, case: Case, found: dict[str, Any], status: str) -> dict[str, Any]:
    about = {"id": case.id, "statement": case.statement, "status": status}
    if status != "failed":
        return about | ({"why": [found["reason"]]} if found.get("reason") else {})
    facts = {name: found.get(name, "") for name in ("expected", "got", "why")}
    program = _to_paste(plan.arrays.prelude, case.program)
    return about | {"program": program, "source": case.source, **facts}


@cache  # the same for all who fail it
def _to_paste(prelude: str, program: str) -> str:
    """For a Python shell that is started in the folder that holds the package."""
    return "\n".join(shell_lines(Path(), prelude, program)[2:])


def histogram(points: Sequence[float], most: float) -> list[tuple[str, int, float]]:
    """(from - to, how many, share of the fullest) for each tenth of the points."""
    step = most / _BINS or 1.0
    counts = Counter(min(_BINS - 1, int(one / step)) for one in points)
    top = max(counts.values(), default=1)
    return [
        (f"{n * step:.3g} - {(n + 1) * step:.3g}", counts[n], 100 * counts[n] / top)
        for n in range(_BINS)
    ]


def failures(plan: Plan, graded: Sequence[Graded]) -> list[dict[str, Any]]:
    """Topic by topic the cases that somebody failed, those that most did first, with answers."""
    ran = [one.result.get("cases", {}) for one in graded if one.grade.points is not None]
    parts = [(name, cases) for name, cases in topics_of(plan).items() if name != NEW]
    parts += [("hidden cases", list(plan.hidden)), ("what was right before", list(plan.earlier))]
    found = []
    for name, cases in parts:
        rows = [_failure(case, ran) for case in cases]
        rows = sorted((row for row in rows if row["failed"]), key=lambda row: -row["failed"])
        not_run = sum(
            cases_of.get(case.id, {}).get("status", "not run") == "not run"
            for cases_of in ran
            for case in cases
        )
        if rows or not_run:
            each = max(1, len(ran) * len(cases))
            share = 100 * sum(row["failed"] for row in rows) / each
            about = {"name": name, "rows": rows, "share": share, "not_run": 100 * not_run / each}
            found.append(about)
    return found


def _failure(case: Case, ran: Sequence[dict[str, Any]]) -> dict[str, Any]:
    failed = [one[case.id] for one in ran if one.get(case.id, {}).get("status") == "failed"]
    answers = Counter(_cut(one.get("got", "")) for one in failed)
    expected = _cut(failed[0].get("expected", "")) if failed else ""
    return {
        "statement": case.statement,
        "failed": len(failed),
        "total": max(1, len(ran)),
        "expected": expected,
        "answers": answers.most_common(_ANSWERS),
    }


def _cut(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[:_SHORT]} ..."


def review(graded: Sequence[Graded]) -> list[tuple[str, list[str]]]:
    """Student -> what a teacher should look at."""
    same = same_as_others({one.hand.student: one.flags for one in graded})
    found = []
    for one in graded:
        said = [flag for flag in one.flags if not flag.startswith("alike ")]
        others = same.get(one.hand.student, [])
        if others:
            shown = ", ".join(others[:5]) + ", ..." * (len(others) > 5)
            said.append(f"it is the same, but for comments, as that of {shown}")
        if not one.hand.known:
            said.append("no name or id of it is on the roster")
        if one.hand.older:
            said.append(f"older ones were left aside: {', '.join(one.hand.older)}")
        if said:
            found.append((one.hand.student, said))
    return found
