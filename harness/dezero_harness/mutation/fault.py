"""One fault: what is wrong in which file of which stages, and how it is planted in a copy."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

FRESH = shutil.ignore_patterns("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, as a replacement in one file, in the stages from `since` to `until`.

    file: in a stage's package or, as `shared/NAME.py`, in what the stages share; `core.py` means
    `core_simple.py` in a stage that has no other. The old text has to be there `count` times.
    order, of: in a wrong derivative, the first order that is wrong, and the operation's words in
    the statements `derivative N of WORDS is right`: the cases of lower orders have to stay green.
    """

    name: str
    file: str
    old: str
    new: str
    since: int = 31
    until: int = 36
    count: int = 1
    order: int = 0
    of: str = ""

    def path(self, root: Path, stage: int) -> Path:
        if self.file.startswith("shared/"):
            return root / "shared" / "dezero_shared" / self.file.removeprefix("shared/")
        package = root / "stages" / f"step{stage}" / "dezero"
        simple = self.file == "core.py" and not (package / self.file).exists()
        return package / ("core_simple.py" if simple else self.file)

    @property
    def stages(self) -> range:
        return range(self.since, self.until + 1)

    def misfit(self, root: Path) -> str:
        """Why this fault cannot be planted as it says, or nothing."""
        for stage in self.stages:
            file = self.path(root, stage)
            found = file.read_text("utf-8").count(self.old) if file.exists() else 0
            if found != self.count:
                return (
                    f"step{stage}: {self.old!r} is {found} times in {self.file}, not {self.count}"
                )
        return ""

    def plant(self, root: Path, stage: int, folder: Path) -> Path:
        """Copy what a stage needs into `folder`, break it, and return the broken stage."""
        for part in ("shared/dezero_shared", f"stages/step{stage}/dezero"):
            shutil.copytree(root / part, folder / part, ignore=FRESH)
        broken = folder / "stages" / f"step{stage}"
        shutil.copy(root / "stages" / broken.name / "pyproject.toml", broken)
        file = self.path(folder, stage)
        file.write_text(file.read_text("utf-8").replace(self.old, self.new), "utf-8")
        return broken


#: No fault at all.
SOUND = Fault("no fault", "core.py", "", "", count=0)
