"""What all cases of a session have in common."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ..execution.isolated import OURS, Isolated, Manner
from ..execution.stage import Stage
from ..export.command import Command
from ..model.arrays import ArrayKind
from ..model.case import Case
from .expected_failures import Defect
from .profiles import FULL, Profile


@dataclass(frozen=True)
class Setup:
    """What all cases of a session have in common."""

    stage: Stage
    arrays: ArrayKind
    seed: int
    report: Path
    isolated: Isolated | None  # where the stage runs, if not in this process
    python: str = platform.python_version()  # that the stage runs in
    profile: Profile = FULL
    manner: Manner = OURS
    known: Mapping[str, Defect] = field(default_factory=dict)  # by the id of the case
    command: Command | None = None  # what is asked in place of a stage

    def asked(self, cases: Iterable[Case]) -> list[Case]:
        """Those of the cases that this engine is asked."""
        return [case for case in cases if not self.profile.why_not(case)]


SETUP = pytest.StashKey[Setup]()
