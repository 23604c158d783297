"""The page of engines: what each passes, level by level, and what is known of where it fails.

`python -m dezero_harness.suite.scoreboard REPORT ... --out docs/engines.md` makes the page of the
reports of runs, and a badge for each engine (SVG) beside it, in `pictures/`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .. import adapters, cases
from ..export import ids
from ..model.case import LEVELS
from .expected_failures import Defect, read

_INTRODUCTION = """\
What other engines answer to the cases of this repository. An engine that knows nothing of the
book's names stands behind an adapter (`harness/dezero_harness/adapters/`), and is asked the
mathematics. In each cell: passed / known to fail / not applicable, that is, the adapter does not
state what the case needs. An engine's name leads to its known failures, with a judgement, and with
the smallest program of its own that shows each. `nox -s engines` runs all of them and writes this
page. The page on [testing your engine](test-your-engine.md) says how to run one more.
""".splitlines()

Result = Mapping[str, Any]
CHAPTERS = range(31, 37)
BOOK = Path(__file__).with_name("book.toml")


@dataclass(frozen=True)
class Engine:
    """The results of one engine, of one report or of several with other profiles."""

    name: str
    title: str  # with its version
    results: Sequence[Result]
    known: Sequence[Defect]
    machine: str  # the system, and the version of Python
    core: int  # how many cases of this level there are


def engines(reports: Iterable[Mapping[str, Any]]) -> list[Engine]:
    """The engines of these reports, in the order in which they come."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for report in reports:
        found.setdefault(report["stage"], []).append(report)
    result = []
    core = sum(case.level == "core" for case in cases.ALL)
    for name, group in found.items():
        results = {r["id"]: r for report in group for r in report["results"]}
        title = group[0]["engine"] or name.replace("dezero-", "dezero ")
        file = known_file(name)
        known = read(file) if file else []
        system = group[0]["platform"].partition("-")[0]
        machine = f"{system}, Python {group[0]['python']}"
        all_ = list(results.values())
        result.append(Engine(name, title, all_, known, machine, core))
    return result


def known_file(name: str) -> Path | None:
    """Where the known failures of an engine stand, if there is such a list."""
    file = BOOK if name.startswith("dezero-0") else adapters.known(name)
    return file if file.is_file() else None


def page(found: Sequence[Engine], day: date) -> str:
    """The whole page, in Markdown."""
    lines = [
        "# Engines",
        "",
        *_INTRODUCTION,
        "",
        f"Run on {day.isoformat()}, suite {ids.published().suite}, {found[0].machine}.",
        "",
        _row("engine", "level", *(f"chapter {n}" for n in CHAPTERS), "all", "unexpected"),
        _row(*["---"] * (len(CHAPTERS) + 4)),
    ]
    for engine in found:
        for level in LEVELS:
            asked = [r for r in engine.results if r["level"] == level]
            if asked:
                by_chapter = [[r for r in asked if r["chapter"] == n] for n in CHAPTERS]
                red = sum(r["outcome"] == "unexpected" for r in asked)
                link = f"[{engine.title}](#{_slug(engine.title)})"
                lines.append(_row(link, level, *map(_cell, [*by_chapter, asked]), str(red)))
    for engine in found:
        lines += ["", *_section(engine)]
    return "\n".join(lines) + "\n"


def _section(engine: Engine) -> list[str]:
    lines = [
        f"## {engine.title}",
        "",
        f'<p><img src="{_badge_file(engine)}" alt="{", ".join(_said(engine))}"></p>',
        "",
    ]
    core = sum(r["level"] == "core" for r in engine.results)
    if core < engine.core:
        lines += [f"{core} of the {engine.core} cases of level core were run.", ""]
    failing = {r["id"] for r in engine.results if r["outcome"] == "known"}
    unexpected = [r["id"] for r in engine.results if r["outcome"] == "unexpected"]
    if unexpected:
        shown = ", ".join(f"`{case}`" for case in unexpected)
        lines += [f"**Unexpected, without a judgement**: {shown}.", ""]
    unstated = Counter(r["reason"] for r in engine.results if r["outcome"] == "not applicable")
    if unstated:
        said = ", ".join(f"{why.rpartition(' ')[2]} ({n})" for why, n in unstated.most_common())
        lines += [f"Not applicable, for the adapter does not state it: {said}.", ""]
    if not failing:
        return lines[:-1] if unexpected else [*lines, "It fails in none."]
    for defect in engine.known:
        ids = [case for case in defect.cases if case in failing]
        if not ids:
            continue
        judgement = f" Judgement: {defect.judgement}." if defect.judgement else ""
        lines += [f"**{len(ids)} cases**: {defect.why}.{judgement}", ""]
        if defect.program:
            lines += ["```python", defect.program.strip(), "```", ""]
        shown = ", ".join(f"`{case}`" for case in ids)
        lines += ["<details><summary>The cases</summary>", "", shown, "", "</details>", ""]
    return lines[:-1]


def _slug(heading: str) -> str:
    """What GitHub and the site call the place of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _anchor(engine: Engine) -> str:
    return "engine-" + re.sub(r"[^a-z0-9]+", "-", engine.name.lower())


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(results: Sequence[Result]) -> str:
    found = Counter(r["outcome"] for r in results)
    return f"{found['passed']} / {found['known']} / {found['not applicable']}"


def _badge_file(engine: Engine) -> str:
    return f"pictures/{_anchor(engine)}.svg"


def _said(engine: Engine) -> tuple[str, str]:
    """The two fields of a badge, `mathematics` and `818 passed, 12 known`."""
    found = Counter(r["outcome"] for r in engine.results if r["level"] == "core")
    right = f"{found['passed']} passed"
    right += f", {found['known']} known" if found["known"] else ""
    right += f", {found['unexpected']} unexpected" if found["unexpected"] else ""
    return "mathematics", right


def badge(engine: Engine) -> str:
    """A picture of two fields, what was asked and what came of it."""
    left, right = _said(engine)
    found = Counter(r["outcome"] for r in engine.results if r["level"] == "core")
    widths = [7 * len(text) + 12 for text in (left, right)]
    color = "#b33a3a" if found["unexpected"] else "#8a6d00" if found["known"] else "#2c7a3f"
    total = sum(widths)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20"'
        f' viewBox="0 0 {total} 20" role="img"'
        f' aria-label="{engine.title}, {left}: {right}">'
        f'<rect width="{widths[0]}" height="20" fill="#444"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{color}"/>'
        '<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{widths[0] / 2:g}" y="14">{left}</text>'
        f'<text x="{widths[0] + widths[1] / 2:g}" y="14">{right}</text></g></svg>\n'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and the badges. 2 for a report that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m dezero_harness.suite.scoreboard")
    parser.add_argument("reports", nargs="+", type=Path, help="JSON files that runs have written")
    parser.add_argument("--out", type=Path, default=Path("docs/engines.md"))
    options = parser.parse_args(arguments)
    try:
        found = engines([json.loads(file.read_text("utf-8")) for file in options.reports])
    except (OSError, ValueError, KeyError) as error:
        print(f"this is no report of a run: {error}", file=sys.stderr)
        return 2
    for engine in found:
        file = options.out.parent / _badge_file(engine)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(badge(engine), "utf-8")
    options.out.write_text(page(found, date.today()), "utf-8")
    print(f"{len(found)} engines are in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
