"""Ids that survive a rewording, the version of the suite, and what has changed since it.

`ids.json` holds them for the last version. A case whose statement is reworded keeps its id as long
as its program and its answer are what they were; one whose program is changed keeps it as long as
its statement is. Ids of cases that were withdrawn are not given again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..model.case import Case

FILE = Path(__file__).with_name("ids.json")
_MANY = 500  # cases that no changelog lists
_DIGITS = 9  # of an expected number: the rest may depend on the machine that computes it


@dataclass(frozen=True)
class Published:
    """A version of the suite: what each id stood for."""

    suite: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    slugs: Mapping[str, str] = field(default_factory=dict)  # where the statement is another by now
    withdrawn: Sequence[str] = ()


@dataclass(frozen=True)
class Changes:
    """What has changed since a version: ids."""

    added: list[str]
    changed: list[str]
    reworded: list[str]
    withdrawn: list[str]

    def any(self) -> bool:
        return bool(self.added or self.changed or self.reworded or self.withdrawn)


def published() -> Published:
    """The last version. Raises ValueError for a file that is none."""
    file = FILE
    if not file.is_file():
        return Published()
    try:
        return Published(**json.loads(file.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file} is no list of ids: {error}") from None


def digest(case: Case) -> str:
    """Of what a case asks and expects, whatever it is called."""
    content = [case.program, case.rel, case.abs, _rounded(case.expect)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def _rounded(x: Any) -> Any:
    if isinstance(x, list | tuple):
        return [_rounded(one) for one in x]
    return f"{x:.{_DIGITS}g}" if isinstance(x, float) else repr(x)


def named(cases: Iterable[Case], former: Published) -> dict[str, Case]:
    """The cases by their ids."""
    cases = list(cases)
    by_slug = {former.slugs.get(name, name): name for name in former.digests}
    found = {case.id: by_slug[case.id] for case in cases if case.id in by_slug}
    by_digest = {
        value: name for name, value in former.digests.items() if name not in found.values()
    }
    taken = {*former.digests, *former.withdrawn}
    for case in cases:
        if case.id not in found and digest(case) in by_digest:
            found[case.id] = by_digest.pop(digest(case))
    for case in cases:
        name, n = case.id, 2
        while case.id not in found and name in taken:
            name, n = f"{case.id}-{n}", n + 1
        found.setdefault(case.id, name)
        taken.add(found[case.id])
    return {found[case.id]: case for case in cases}


def changes(cases: Mapping[str, Case], former: Published) -> Changes:
    """What has changed since a version. cases: by their ids."""
    common = [name for name in cases if name in former.digests]
    return Changes(
        added=[name for name in cases if name not in former.digests],
        changed=[name for name in common if digest(cases[name]) != former.digests[name]],
        reworded=[name for name in common if cases[name].id != former.slugs.get(name, name)],
        withdrawn=[name for name in former.digests if name not in cases],
    )


def next_version(former: str, found: Changes) -> str:
    """The first number counts versions that an engine may fail which passed the one before."""
    if not former:
        return "1.0.0"
    first, second, third = map(int, former.split("."))
    if found.changed or found.withdrawn:
        return f"{first + 1}.0.0"
    if found.added:
        return f"{first}.{second + 1}.0"
    return f"{first}.{second}.{third + 1}" if found.any() else former


def written(cases: Mapping[str, Case], former: Published, suite: str) -> str:
    """The text of ids.json for a new version."""
    gone = [name for name in former.digests if name not in cases]
    content = {
        "suite": suite,
        "withdrawn": sorted({*former.withdrawn, *gone}),
        "slugs": {name: case.id for name, case in cases.items() if case.id != name},
        "digests": {name: digest(case) for name, case in cases.items()},
    }
    return json.dumps(content, indent=1) + "\n"


def entry(found: Changes, suite: str, day: str) -> str:
    """What the changelog says of a version."""
    lines = [f"## {suite} ({day})", ""]
    for word, ids in vars(found).items():
        if ids:
            shown = "" if len(ids) > _MANY else ": " + ", ".join(f"`{name}`" for name in ids)
            lines += [f"- {len(ids)} cases {word}{shown}."]
    return "\n".join([*lines, ""])
