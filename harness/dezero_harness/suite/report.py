"""What a session says of a stage: the header, the table at the end, and the JSON file."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from ..execution.judge import OUTCOMES, counts
from .catalogue_check import SPINE
from .setup import Setup


class Report:
    """What a session says of a stage: the header, the table at the end, and the JSON file."""

    def __init__(self, config: pytest.Config, setup: Setup):
        self.config, self.setup = config, setup
        self.results: list[dict[str, Any]] = []

    def pytest_report_header(self) -> list[str]:
        stage, arrays, isolated = self.setup.stage, self.setup.arrays, self.setup.isolated
        lines = [
            f"stage: {stage.name}, {stage.path}",
            f"arrays: {arrays.module} {arrays.version} on {arrays.device}",
            f"Python: {self.setup.python}{f', {by}' if (by := self.config.option.python) else ''}",
            f"seed: {self.setup.seed}",
        ]
        return [*lines, f"isolated: {isolated.limits}"] if isolated else lines

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        result = _result(report)
        if result and result["outcome"] == "refused" and report.when == "call":
            # Under its own name also in the line that the run ends with, which else would count
            # 1346 passed under a table that says 811.
            return OUTCOMES["refused"], "r", "REFUSED"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        result = _result(report)
        if report.when == "call" and result:
            explained = {"explanation": report.longreprtext} if report.failed else {}
            self.results.append({**result, "seconds": round(report.duration, 6), **explained})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> Any:
        yield  # pytest's own summary comes first: what it ends with is what a person sees
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            terminalreporter.write_line(
                "No case was selected, so nothing was tested. All cases are listed by:"
                f" python -m pytest --stage {self.config.option.stage} --collect-only -q"
            )
        if self.results:
            self.write_json()
            self.write_table(terminalreporter)

    def write_json(self) -> None:
        stage, arrays = self.setup.stage, self.setup.arrays
        content = {
            "stage": stage.name,
            "path": str(stage.path),
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
            "isolated": self.setup.isolated is not None,
            "catalogue": _catalogue_size(),
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
        terminal.write_line("   ".join(["chapter", *OUTCOMES.values()]), bold=True)
        rows = [*sorted(self.by("chapter").items()), ("all", self.results)]
        for chapter, results in rows:
            found = counts(results)
            row = [f"{found[key]:{len(title)}}" for key, title in OUTCOMES.items()]
            line = "   ".join([f"{chapter:>7}", *row])
            terminal.write_line(line, red=bool(found["unexpected"]))
        terminal.write_line("")
        if len(self.results) < _catalogue_size():
            terminal.write_line(f"{len(self.results)} of {_catalogue_size()} cases were run.")
        terminal.write_line(f"The report is in {_nearby(self.setup.report)}")

    def by(self, key: str) -> dict[Any, list[dict[str, Any]]]:
        values = dict.fromkeys(result[key] for result in self.results)
        return {
            value: [result for result in self.results if result[key] == value] for value in values
        }


def _result(report: Any) -> Any:
    return dict(getattr(report, "user_properties", ())).get("result")


def _in_words(results: list[dict[str, Any]]) -> tuple[str, str]:
    """The outcome of a spine case, and its color. Where it is several cases, the worst decides."""
    if not results:
        return "not run", "yellow"
    worst = max(results, key=lambda result: list(OUTCOMES).index(result["outcome"]))
    outcome = worst["outcome"]
    why = f": {worst['reason']}" if outcome != "passed" else ""
    return OUTCOMES[outcome] + why, "red" if outcome == "unexpected" else "green"


def _catalogue_size() -> int:
    from .. import cases  # not above: a session without a stage needs no cases

    return len(cases.ALL)


def _nearby(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
