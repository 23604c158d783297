"""The known failures of an engine, `--known FILE`: it fails in these cases, and in no others.

The file is TOML. Its entries `[[defect]]` say `why` these `cases` fail and, if they like, what each
answer has to match. Any difference is red, for a list that is not true any more says nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..execution.judge import Verdict


@dataclass(frozen=True)
class Defect:
    """Why these cases fail, and the regular expression that what they answer has to match.

    judgement, program: for the table of engines, whether it is by design or a defect, and the
    smallest program that shows it, in the engine's own words.
    """

    why: str
    cases: tuple[str, ...]
    got: str = ""
    judgement: str = ""
    program: str = ""


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
