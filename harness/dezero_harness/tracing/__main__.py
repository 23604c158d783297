"""Watch a stage in a backward pass: `python -m dezero_harness.tracing --stage DIR PROGRAM`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..execution.runner import StageError
from . import stepper
from .recorder import TraceError
from .trace import PROGRAMS, find_program, record


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dezero_harness.tracing",
        description="Watch a stage in a backward pass, and tell every step.",
    )
    parser.add_argument("--stage", required=True, metavar="FOLDER", help="the stage to watch")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write the traces here")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page to step through")
    parser.add_argument(
        "programs",
        nargs="+",
        metavar="PROGRAM",
        help=f"one of {', '.join(PROGRAMS)}, or the path of a script",
    )
    args = parser.parse_args()
    for target in (args.json, args.html and args.html.parent):
        if target and not target.is_dir():
            parser.error(f"there is no folder {str(target)!r}; make it first")
    try:
        traces = [record(args.stage, find_program(name)) for name in args.programs]
        if args.html:
            args.html.write_text(stepper.page(map(stepper.fragment, traces)), "utf-8")
    except (TraceError, StageError) as error:
        sys.exit(str(error))
    for trace in traces:
        if args.json:
            file = args.json / f"{trace['name']}.json"
            file.write_text(json.dumps(trace, indent=1), "utf-8")
        if not args.json and not args.html:
            print(f"{trace['title']} ({trace['stage']})")
            for number, step in enumerate(trace["steps"], start=1):
                print(f"{number:3} {step['text']}")


if __name__ == "__main__":
    main()
