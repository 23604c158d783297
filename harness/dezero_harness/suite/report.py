"""What a session says of a stage: the header, the table at the end, and the JSON file."""

from __future__ import annotations

import json
import platform
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ..execution.judge import OUTCOMES, counts
from ..model.case import Case
from .catalogue_check import SPINE
from .causes import FEW, cause, condensed
from .expected_failures import written
from .profiles import PROFILES, left_to_try
from .setup import Setup

_WORSE = ["passed", "not applicable", "refused", "known", "unexpected"]
_SHOWN = {
    "refused": (OUTCOMES["refused"], "r", "REFUSED"),
    "not applicable": ("not applicable", "n", "NOT APPLICABLE"),
    "known": ("known to fail", "k", "KNOWN"),
}
_NOTES = 5  # of what is told, that the terminal shows


class Report:
    """What a session says of a stage: the header, the table at the end, and the JSON file."""

    def __init__(self, config: pytest.Config, setup: Setup):
        self.config, self.setup = config, setup
        self.results: list[dict[str, Any]] = []

    def pytest_report_header(self) -> list[str]:
        stage, arrays, isolated = self.setup.stage, self.setup.arrays, self.setup.isolated
        asked, all_ = len(self.setup.asked(catalogue())), len(catalogue())
        name = self.setup.profile.name
        lines = [
            f"engine: {stage.engine}" if stage.engine else f"stage: {stage.name}, {stage.path}",
            f"profile: {name}, {PROFILES[name]}: {asked} of {all_} cases",
            f"arrays: {arrays.module} {arrays.version} on {arrays.device}",
            f"Python: {self.setup.python}{f', {by}' if (by := self.config.option.python) else ''}",
            f"seed: {self.setup.seed}",
        ]
        return [*lines, f"isolated: {isolated.limits}"] if isolated else lines

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        result = _result(report)
        if result and report.when == "call" and result["outcome"] in _SHOWN:
            # Under its own name also in the line that the run ends with, which else would count
            # 1346 passed under a table that says 811.
            return _SHOWN[result["outcome"]]
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = _result(report)
        if report.when == "call" and result:
            explained = {"explanation": report.longreprtext} if report.failed else {}
            self.results.append({**result, "seconds": round(report.duration, 6), **explained})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> Any:
        self.condense(terminalreporter)
        yield  # pytest's own summary comes first: what it ends with is what a person sees
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            terminalreporter.write_line(
                "No case was selected, so nothing was tested. All cases are listed by:"
                f" python -m pytest --stage {self.config.option.stage} --collect-only -q"
            )
        if self.results:
            self.write_json()
            self.write_table(terminalreporter)
            if self.config.option.write_known:
                self.write_known(Path(self.config.option.write_known))
                terminalreporter.write_line(
                    f"The failures are in {self.config.option.write_known}; say there why they are,"
                    f" and give it to the next run: --known {self.config.option.write_known}"
                )

    def condense(self, terminal: Any) -> None:
        """Many failures in few lines, in place of pytest's own; not where more is asked for."""
        failures = [result for result in self.results if result["outcome"] == "unexpected"]
        option = self.config.option
        if len(failures) <= FEW or option.verbose > 0 or option.tbstyle != "auto":
            return
        option.tbstyle, terminal.reportchars = "no", ""
        terminal.write_sep("=", "FAILURES")
        for line in condensed(failures):
            terminal.write_line(line)

    def write_known(self, file: Path) -> None:
        """A list of what failed, for the next run's --known."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written(self.results, cause), "utf-8")

    def write_json(self) -> None:
        stage, arrays = self.setup.stage, self.setup.arrays
        content = {
            "stage": stage.name,
            "path": str(stage.path),
            "engine": stage.engine,
            "capabilities": sorted(stage.capabilities),
            "array": {
                "kind": arrays.name,
                "module": arrays.module,
                "version": arrays.version,
                "device": arrays.device,
            },
            "python": self.setup.python,
            "platform": platform.platform(),
            "seed": self.setup.seed,
            "profile": self.setup.profile.name,
            "isolated": self.setup.isolated is not None,
            "catalogue": len(catalogue()),
            "summary": counts(self.results),
            "chapters": {
                key: counts(results) for key, results in sorted(self.by("chapter").items())
            },
            "spine": {name: counts(results) for name, results in self.by("spine").items() if name},
        }
        # A line for each result: to be searched and compared, and json is slow where it indents.
        head = json.dumps(content, indent=1).removesuffix("\n}")
        results = ",\n  ".join(map(json.dumps, self.results))
        self.setup.report.parent.mkdir(parents=True, exist_ok=True)
        self.setup.report.write_text(f'{head},\n "results": [\n  {results}\n ]\n}}\n', "utf-8")

    def write_table(self, terminal: Any) -> None:
        terminal.write_sep("=", f"{self.setup.stage.name} on {self.setup.arrays.module}")
        spine = self.by("spine")
        width = max(map(len, SPINE))
        for name in SPINE:
            outcome, color = _in_words(spine.get(name, []))
            terminal.write_line(f"{name:{width}}  {outcome}", **{color: True})
        terminal.write_line("")
        head, *lines = by_chapter(self.results)
        terminal.write_line(head, bold=True)
        for line in lines:
            terminal.write_line(line, red=not line.endswith(" 0"))
        terminal.write_line("")
        stated = Counter(c["reason"] for c in self.results if c["outcome"] == "not applicable")
        for why, n in stated.most_common():
            terminal.write_line(f"{n:>5}  not applicable: {why}")
        known = Counter(c["reason"] for c in self.results if c["outcome"] == "known")
        for why, n in known.items():
            terminal.write_line(f"{n:>5}  known to fail: {why}")
        notes = Counter(line for c in self.results for line in c.get("notes", "").splitlines())
        if notes:
            terminal.write_line("told by the engine or its libraries, and counted against nobody:")
        for note, n in notes.most_common(_NOTES):
            terminal.write_line(f"{n:>5}  {note[:100]}")
        if len(notes) > _NOTES:
            terminal.write_line(f"{sum(notes.values()):>5}  of {len(notes)} kinds; see the report")
        asked = self.setup.asked(catalogue())
        if len(self.results) < len(asked):
            terminal.write_line(f"{len(self.results)} of {len(asked)} cases were run.")
        for line in left_to_try(self.setup.profile, catalogue()):
            terminal.write_line(line)
        terminal.write_line(f"The report is in {_nearby(self.setup.report)}")

    def by(self, key: str) -> dict[Any, list[dict[str, Any]]]:
        return _by(key, self.results)


def by_chapter(results: list[dict[str, Any]]) -> list[str]:
    """The table of a run, line by line: how many cases of each chapter had which outcome."""
    lines = ["   ".join(["chapter", *OUTCOMES.values()])]
    for chapter, some in [*sorted(_by("chapter", results).items()), ("all", results)]:
        found = counts(some)
        row = [f"{found[key]:{len(title)}}" for key, title in OUTCOMES.items()]
        lines.append("   ".join([f"{chapter:>7}", *row]))
    return lines


def _by(key: str, results: list[dict[str, Any]]) -> dict[Any, list[dict[str, Any]]]:
    values = dict.fromkeys(result[key] for result in results)
    return {value: [result for result in results if result[key] == value] for value in values}


def _result(report: Any) -> Any:
    return dict(getattr(report, "user_properties", ())).get("result")


def _in_words(results: list[dict[str, Any]]) -> tuple[str, str]:
    """The outcome of a spine case, and its color. Where it is several cases, the worst decides."""
    if not results:
        return "not run", "yellow"
    worst = max(results, key=lambda result: _WORSE.index(result["outcome"]))
    outcome = worst["outcome"]
    why = f": {worst['reason']}" if outcome != "passed" else ""
    return OUTCOMES.get(outcome, outcome) + why, "red" if outcome == "unexpected" else "green"


def catalogue() -> list[Case]:
    """All cases; a session without a stage needs none."""
    from .. import cases

    return cases.ALL


def _nearby(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
