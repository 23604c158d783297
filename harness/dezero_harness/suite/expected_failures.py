"""The known defects of an engine: does a run fail in the cases of a list, and in no others?

`python -m dezero_harness.suite.expected_failures REPORT LIST` compares the report of a run with a
TOML file, whose entries `[[defect]]` say `why` these `cases` fail and, if they like, what each
answer has to match. Any difference is an error, for a list that is not true any more says nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import cases
from ..execution.judge import Verdict


@dataclass(frozen=True)
class Defect:
    """Why these cases fail, and the regular expression that what they answer has to match."""

    why: str
    cases: tuple[str, ...]
    got: str = ""


class BadList(Exception):
    """The list of known defects is no such list; the message says where."""


def read(file: Path) -> list[Defect]:
    """The entries of a list. Raises BadList."""
    try:
        entries = tomllib.loads(file.read_text("utf-8"))["defect"]
        defects = [Defect(**entry | {"cases": tuple(entry["cases"])}) for entry in entries]
        for defect in defects:
            re.compile(defect.got)
    except OSError as error:
        raise BadList(f"{file}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadList(f"{file} is not valid TOML: {error}") from None
    except (KeyError, TypeError) as error:
        raise BadList(
            f"{file}: an entry is [[defect]] with `why`, `cases` and, if you like, `got`: {error}"
        ) from None
    except re.error as error:
        raise BadList(f"{file}: a `got` is no regular expression: {error}") from None
    return defects


def by_case(file: Path, ids: Iterable[str]) -> dict[str, Defect]:
    """The entries of a list by the case they are about. Raises BadList, also for its mistakes."""
    defects = read(file)
    wrong = mistakes(defects, ids)
    if wrong:
        raise BadList("\n  ".join([f"{file} has mistakes:", *wrong]))
    return {case: defect for defect in defects for case in defect.cases}


def compared(verdict: Verdict, known: Defect) -> Verdict:
    """The verdict on a case that is known to fail: "known" where it does, as the entry says."""
    if verdict.outcome != "unexpected":
        reason = f"it is known to fail ({known.why}), and it is {verdict.outcome}: take it off"
        return replace(verdict, outcome="unexpected", reason=reason, differences=())
    if not re.search(known.got, verdict.got):
        reason = f"it is known to fail with what matches {known.got!r}, and it fails otherwise"
        return replace(verdict, reason=reason, differences=())
    return replace(verdict, outcome="known", reason=known.why)


def written(results: Iterable[Mapping[str, Any]], cause: Callable[[Mapping[str, Any]], str]) -> str:
    """A list to begin with: an entry for each cause, which is still to be given its reason."""
    causes: dict[str, list[str]] = {}
    for result in results:
        if result["outcome"] == "unexpected":
            causes.setdefault(cause(result), []).append(result["id"])
    lines = [
        "# Cases that fail. Say why each entry's do: the list is worth what its reasons are.",
        "",
    ]
    for why, ids in causes.items():
        lines += ["[[defect]]", f"why = {json.dumps('to be explained: ' + why)}", "cases = ["]
        lines += [*(f"    {json.dumps(case)}," for case in ids), "]", ""]
    return "\n".join(lines if causes else [*lines, "defect = []", ""])


def mistakes(defects: Sequence[Defect], known: Iterable[str]) -> list[str]:
    """What is wrong with a list, whatever a run says: `known` are the ids of the catalogue."""
    ids = set(known)
    times = Counter(case for defect in defects for case in defect.cases)
    found = [f"{case}: there is no such case" for case in times if case not in ids]
    found += [f"{case}: listed {n} times" for case, n in times.items() if n > 1]
    found += [f"{defect.why!r}: an entry without cases" for defect in defects if not defect.cases]
    return found + [f"{defect.cases}: an entry says why" for defect in defects if not defect.why]


def differences(defects: Sequence[Defect], results: Sequence[dict[str, Any]]) -> list[str]:
    """Where a run and a list disagree, case by case; of cases that were not run, nothing."""
    of = {case: defect for defect in defects for case in defect.cases}
    found = []
    for result in results:
        defect = of.get(result["id"])
        if result["outcome"] != "unexpected":
            if defect:
                found.append(f"{result['id']}: it is {result['outcome']}, so take it off the list")
        elif defect is None:
            found.append(f"{result['id']}: it fails and is not on the list; got {result['got']}")
        elif not re.search(defect.got, result["got"]):
            found.append(
                f"{result['id']}: it fails for another reason; got {result['got']}, which does not"
                f" match {defect.got!r}"
            )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is known, and every difference. 1 where there is one, 2 for a list that is bad."""
    name = "python -m dezero_harness.suite.expected_failures"
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    parser.add_argument("report", type=Path, help="the JSON file that a run has written")
    parser.add_argument("list", type=Path, help="the TOML file of the known defects")
    options = parser.parse_args(arguments)
    try:
        defects = read(options.list)
        report = json.loads(options.report.read_text("utf-8"))
    except (BadList, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    wrong = mistakes(defects, [case.id for case in cases.ALL])
    if wrong:
        print(f"{options.list} has mistakes:", *wrong, sep="\n  ", file=sys.stderr)
        return 2
    results = report["results"]
    red = {result["id"] for result in results if result["outcome"] == "unexpected"}
    print(f"known defects of {report['stage']}:")
    for defect in defects:
        print(f"{len(red & set(defect.cases)):>5}  {defect.why}")
    if len(results) < report["catalogue"]:
        print(
            f"{len(results)} of {report['catalogue']} cases were run; the others say nothing here"
        )
    wrong = differences(defects, results)
    if wrong:
        print(f"{options.list} is not true of this run:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    print(f"{len(red)} cases fail, and these are the known ones")
    return 0


if __name__ == "__main__":
    sys.exit(main())
