"""What teacher and students read: a page and a JSON for each submission, and the overview."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..execution.shell import shell_lines
from ..model.case import Case

if TYPE_CHECKING:
    from .scoring import Grade, Plan, Result, Scheme
    from .submissions import Entry

    Graded = Sequence[tuple[Entry, Grade, Result]]

_BINS = 10  # of the histogram of points
_STATUS = {"passed": "passes", "failed": "fails", "not run": "not run"}


def write_pages(
    out: Path,
    plan: Plan,
    scheme: Scheme,
    graded: Graded,
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
    for entry, grade, result in graded:
        report = report_of(plan, scheme, entry, grade, result)
        write(out / "reports" / f"{entry.key}.json", json.dumps(report, indent=1) + "\n")
        write(out / "reports" / f"{entry.key}.html", page.render(report=report, **common))
    page = pages.get_template("overview.html")
    text = page.render(
        rows=[(entry, grade, f"reports/{entry.key}.html") for entry, grade, _ in graded],
        histogram=histogram([grade.points for _, grade, _ in graded], scheme.most(plan)),
        bars=bars(plan, graded),
        **common,
    )
    write(out / "overview.html", text)


def report_of(
    plan: Plan, scheme: Scheme, entry: Entry, grade: Grade, result: Result
) -> dict[str, Any]:
    """What a student may see: of hidden cases the number, of spot checks what they are about."""
    found = result.get("cases", {})

    def status(key: str) -> str:
        return found.get(key, {}).get("status", "not run")

    own = []
    for case in plan.own:
        one = _described(plan, case, found.get(case.id, {}), status(case.id))
        earns = scheme.worth(case, "own")
        counts = status(case.id) == "passed" and case.id not in grade.unearned
        own.append(one | {"points": earns if counts else 0.0, "of": earns})
    broken = [
        _described(plan, case, found.get(case.id, {}), status(case.id))
        for case in plan.earlier
        if status(case.id) != "passed"
    ]
    return {
        "student": entry.student,
        "stage": plan.number,
        "points": grade.points,
        "of": scheme.most(plan),
        "passed": grade.passed,
        "failed": grade.failed,
        "reason": grade.reason,
        "chapter": own,
        "earlier": {"cases": len(plan.earlier), "failing now": broken},
        "hidden": {
            "cases": len(plan.hidden),
            "passed": sum(status(case.id) == "passed" for case in plan.hidden),
        },
        "spot checks": [
            {"about": check.about, "status": status(f"spot check {n}")}
            for n, check in enumerate(plan.spot_checks)
        ],
    }


def _described(plan: Plan, case: Case, found: dict[str, Any], status: str) -> dict[str, Any]:
    about = {"id": case.id, "statement": case.statement, "status": status}
    if status != "failed":
        return about
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


def bars(plan: Plan, graded: Graded) -> list[dict[str, Any]]:
    """The cases that somebody failed, those that most did first."""
    rows = []
    for kind, part in (("chapter", plan.own), ("hidden", plan.hidden), ("earlier", plan.earlier)):
        for case in part:
            ran = [result["cases"].get(case.id, {}).get("status") for _, _, result in graded]
            failed, not_run = ran.count("failed"), len(ran) - ran.count("failed")
            not_run -= ran.count("passed")
            if failed or (kind != "earlier" and not_run):
                rows.append(
                    {
                        "kind": kind,
                        "statement": case.statement,
                        "failed": failed,
                        "not_run": not_run,
                        "total": max(1, len(ran)),
                    }
                )
    return sorted(rows, key=lambda row: -row["failed"])
