"""What was seen on a GPU: as data, as a page, and as the part of the README that tells of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ..bench.report import duration
from ..execution.judge import OUTCOMES
from .jobs import ENGINES, JOBS

#: Where what was seen is kept, one JSON and one Markdown file for each device.
FOLDER = Path("docs/gpu")
KINDS = {"cupy": "CuPy", "torch": "PyTorch", "jax": "JAX"}
_SHOWN = 20  # unexpected cells on the page; all are in the JSON


def slug(device: str) -> str:
    """The name of a device as the name of a file: nvidia-h200."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def page(seen: dict[str, Any]) -> str:
    """Everything that was seen on one device, as Markdown."""
    lines = [f"# {seen['device']}", "", *tables(seen)]
    red = [cell for cell in seen["cells"] if cell["unexpected"]]
    if red:
        lines += ["## Unexpected", ""]
        unexpected = [(cell, one) for cell in red for one in cell["unexpected"]]
        for cell, one in unexpected[:_SHOWN]:
            where = f"{cell['stage']}, {KINDS[cell['array']]}"
            lines.append(
                f"- {where}: **{one['statement']}**: expected {one['expected']}, got {one['got']}"
                f" ({one['reason']})"
            )
        if len(unexpected) > _SHOWN:
            lines.append(f"- and {len(unexpected) - _SHOWN} more, which are in the JSON file")
        lines.append("")
    return "\n".join(lines)


def tables(seen: dict[str, Any]) -> list[str]:
    """The lines that the README takes: which device, the cases, the rows of the bench."""
    lines = [
        f"{seen['device']}, {seen['machine']}, {seen['date']}; {', '.join(seen['versions'])}.",
        "",
    ]
    if seen["stopped"]:
        lines += [f"**{seen['stopped']}** What is missing below was not run.", ""]
    lines += [f"{KINDS[kind]}: not run, {why}.\n" for kind, why in seen["absent"].items()]
    if seen["cells"]:
        lines += [
            f"In each cell: {' / '.join(OUTCOMES.values())}.",
            "",
            *_table(["stage", *(KINDS[kind] for kind in _kinds(seen))], _by_stage(seen)),
        ]
    return [*lines, *_rows(seen)]


def _kinds(seen: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(cell["array"] for cell in seen["cells"]))


def _by_stage(seen: dict[str, Any]) -> list[list[str]]:
    found = {(cell["stage"], cell["array"]): cell for cell in seen["cells"]}
    body = []
    for stage in sorted({stage for stage, _ in found}):
        row = [stage]
        for kind in _kinds(seen):
            cell = found.get((stage, kind))
            row.append(_cell(cell) if cell else "not run")
        body.append(row)
    return body


def _cell(cell: dict[str, Any]) -> str:
    left = cell["cases"] - sum(cell["counts"].values())
    counted = " / ".join(str(cell["counts"][outcome]) for outcome in OUTCOMES)
    return f"{counted}, {left} not run" if left else counted


def _rows(seen: dict[str, Any]) -> list[str]:
    if not seen["rows"]:
        return []
    bandwidth = seen["bandwidth"]
    engines = [e for e in ENGINES if any(e in row["times"] | row["failed"] for row in seen["rows"])]
    notes: list[str] = []
    body = []
    for row in seen["rows"]:
        cells = [row["title"]]
        for engine in engines:
            seconds, why = row["times"].get(engine), row["failed"].get(engine)
            if seconds:
                share = f" ({row['bytes'] / seconds / bandwidth:.0%})" if bandwidth else ""
                cells.append(f"{duration(seconds)}{share}")
            elif why:
                notes.append(f"{ENGINES[engine]}, {row['title']}: {why}")
                cells.append(f"not timed [{len(notes)}]")
            else:
                cells.append("–")
        body.append(cells)
    lines = _table(["job", *(ENGINES[engine] for engine in engines)], body)
    if bandwidth:
        lines += [
            f"Times by the clock, float64, medians, until the numbers are in main memory. A copy"
            f" reaches {bandwidth / 1e9:.0f} GB/s; in brackets, of that, what reading each input"
            f" and writing the answer once takes: what one pass over the numbers would reach.",
            "",
        ]
    return [*lines, *(f"[{i}] {note}.  " for i, note in enumerate(notes, 1)), *[""] * bool(notes)]


def _table(head: list[str], body: list[list[str]]) -> list[str]:
    rows = [head, ["---"] * len(head), *body]
    return [*(f"| {' | '.join(row)} |" for row in rows), ""]


def number(n: int) -> str:
    """10⁸ for a power of ten, with digits in groups for any other."""
    text = str(n)
    if n >= 1000 and text.strip("0") == "1":
        return "10" + str(len(text) - 1).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{n:,}"


def block(folder: Path) -> str:
    """The README's part on GPUs: the devices that were seen, or plainly what was never run."""
    files = sorted(folder.glob("*.json"))
    if not files:
        rows = "; ".join(job.title.format(number(job.wanted)) for job in JOBS.values())
        return (
            "**Never run on a GPU for this version:** no case of any stage, on CuPy, PyTorch or"
            " JAX; and of the\n"
            f"bench: {rows}. The machines that this version was made on have none. What comes up to"
            " the device was run, on stand-ins.\n"
        )
    lines = []
    for file in files:
        lines += tables(json.loads(file.read_text("utf-8")))
    return "\n".join(lines) + "\n"
