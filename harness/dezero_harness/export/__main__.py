"""Write the mathematical cases as data: `python -m dezero_harness.export`, `nox -s export`.

Beside the file go its schema, an engine and a judge in JavaScript, and what is left out, with the
reason. `--release` gives the suite its next version, where cases have changed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from .. import cases
from . import ids
from .questions import as_data
from .recording import NotData

FORMAT = 1
HERE = Path(__file__).parent
CHANGES = HERE / "CHANGELOG.md"
_BESIDE = (HERE / "schema.json", HERE / "engine.js", HERE / "replay.js")


def exported(suite: str, named: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the file holds, and what is left out, by id, with the reason. named: cases by id."""
    content: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for name, case in named.items():
        try:
            content.append({"id": name, **as_data(case)})
        except NotData as why:
            left_out[name] = f"its program {why}"
    return {"format": FORMAT, "suite": suite, "cases": content}, left_out


def as_json(content: dict[str, Any]) -> str:
    """A line for each case: to be searched and compared."""
    head = json.dumps({key: value for key, value in content.items() if key != "cases"}, indent=1)
    lines = ",\n  ".join(json.dumps(case, separators=(",", ":")) for case in content["cases"])
    return f'{head[:-2]},\n "cases": [\n  {lines}\n ]\n}}\n'


def left_out_page(left_out: dict[str, str], number: int) -> str:
    """What is not in the file, and why, in Markdown."""
    levels = Counter(case.level for case in cases.ALL if case.level != "core")
    beyond = ", ".join(f"{level} ({n})" for level, n in levels.items())
    lines = [
        "# What is left out",
        "",
        f"{number - len(left_out)} of {number} cases of level core are in the file. Not there:",
        "",
        *(f"- `{name}`: {why}" for name, why in left_out.items()),
        "",
        f"The other levels are about Python and about the book's engine: {beyond}.",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 2 for a list of ids that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m dezero_harness.export")
    parser.add_argument("--out", type=Path, default=Path("reports/suite"), metavar="FOLDER")
    parser.add_argument("--release", action="store_true", help="the next version of the suite")
    options = parser.parse_args(arguments)
    core = [case for case in cases.ALL if case.level == "core"]
    try:
        former = ids.published()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    named = ids.named(core, former)
    changes = ids.changes(named, former)
    suite = ids.next_version(former.suite, changes)
    if options.release and changes.any():
        day = date.today().isoformat()
        text = CHANGES.read_text("utf-8") if CHANGES.is_file() else _TITLE
        head, mark, rest = text.partition("\n## ")
        CHANGES.write_text(
            f"{head.rstrip()}\n\n{ids.entry(changes, suite, day)}{mark}{rest}", "utf-8"
        )
        ids.FILE.write_text(ids.written(named, former, suite), "utf-8")
    elif changes.any():
        for word, found in vars(changes).items():
            if found:
                shown = ", ".join(found[:5]) + (" ..." if len(found) > 5 else "")
                print(f"{len(found)} cases {word} since {former.suite or 'ever'}: {shown}")
        suite += ".dev"
    content, left_out = exported(suite, named)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / f"cases-{suite}.json"
    file.write_text(as_json(content), "utf-8")
    (options.out / "left-out.md").write_text(left_out_page(left_out, len(core)), "utf-8")
    for beside in (*_BESIDE, CHANGES):
        shutil.copyfile(beside, options.out / beside.name)
    part = (len(core) - len(left_out)) / len(core)
    print(f"suite {suite}: {len(content['cases'])} of {len(core)} cases ({part:.1%}) are in {file}")
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    return 0


_TITLE = """\
# The suite, version by version

The mathematical cases have versions of their own. The first number grows where an engine that
passed may fail (a case was changed or withdrawn), the second with new cases, the third where a
statement was reworded. `nox -s export -- --release` writes an entry.
"""

if __name__ == "__main__":
    sys.exit(main())
