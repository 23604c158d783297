"""What all cases of a session have in common."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..execution.isolated import Isolated
from ..execution.stage import Stage
from ..model.arrays import ArrayKind


@dataclass(frozen=True)
class Setup:
    """What all cases of a session have in common."""

    stage: Stage
    arrays: ArrayKind
    seed: int
    report: Path
    isolated: Isolated | None  # where the stage runs, if not in this process
    python: str = platform.python_version()  # that the stage runs in


SETUP = pytest.StashKey[Setup]()
