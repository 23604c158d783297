"""The pytest plugin: the options, the header, the report. `pytest --stage DIR` tests a stage."""

from __future__ import annotations

import gc
import json
import platform
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from .arrays import KINDS, ArrayKind, Unusable, array_kind
from .case import ABSENT
from .isolated import Isolated, Limits
from .judge import OUTCOMES, counts
from .lint import SPINE
from .stage import Stage, StageError, load, read

SUITE = Path(__file__).with_name("conformance.py")


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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dezero", "conformance of a stage")
    group.addoption("--stage", metavar="DIR", help="the stage: a folder holding a package dezero")
    group.addoption(
        "--array",
        default="numpy",
        choices=KINDS,
        help="what data lives in: numpy (default), strict (array-api-strict on device1), jax,"
        " dask, cupy",
    )
    group.addoption("--report", metavar="FILE", help="JSON (default: reports/STAGE-ARRAY.json)")
    group.addoption("--seed", type=int, metavar="N", help="random numbers as in a run with seed N")
    group.addoption("--shuffle", action="store_true", help="cases in random order, by the seed")
    group.addoption(
        "--isolated",
        action="store_true",
        help="run the stage in a worker process; if it dies or hangs, the run goes on",
    )
    group.addoption(
        "--python",
        metavar="FILE",
        help="with --isolated, which it implies: the interpreter of the stage's own environment",
    )
    limits = Limits()
    group.addoption(
        "--time-limit",
        type=float,
        default=limits.seconds,
        metavar="S",
        help="with --isolated: seconds of processor time for a case, and ten times as many by the"
        " clock (default: %(default)g)",
    )
    group.addoption(
        "--memory-limit",
        type=int,
        default=limits.memory,
        metavar="MIB",
        help="with --isolated, on Linux: memory for a case (default: %(default)s; 0: no limit)",
    )


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    if option.stage is None:
        if any(_is_suite(Path(arg.partition("::")[0])) for arg in config.args):
            raise pytest.UsageError("which stage? Add a folder, as in --stage stages/step33")
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(SUITE)]
    if option.seed is None:  # kept in the options, which pytest-xdist hands on to its workers
        option.seed = random.SystemRandom().randrange(10**6)
    option.isolated = option.isolated or option.python is not None
    if option.isolated and (option.usepdb or option.trace):
        raise pytest.UsageError(
            "a debugger cannot enter the worker process of --isolated; leave --isolated out"
            " (and --python), and the same cases run in this process"
        )
    isolated, python = None, platform.python_version()
    try:
        kind = array_kind(option.array)
        if option.isolated:
            stage = read(option.stage, option.python or "")
            limits = Limits(option.time_limit, option.memory_limit)
            isolated = Isolated(stage.path, kind, limits, option.seed, option.python or "")
            config.add_cleanup(isolated.stop)
            where = isolated.start()
            kind, python = replace(kind, version=where.version), where.python
            if option.python:
                absent = {name: ABSENT[name] for name in where.lacks}
                kind = replace(kind, lacks={**kind.lacks, **absent})
        else:
            stage = load(option.stage)
    except (StageError, Unusable) as error:
        raise pytest.UsageError(str(error)) from None
    report = Path(option.report or f"reports/{stage.name}-{kind.name}.json").absolute()
    if report.is_dir():
        raise pytest.UsageError(f"--report {report} is a folder; name a file in it")
    config.add_cleanup(gc.unfreeze)  # the cleanup that comes last, after pytest's own collection
    config.stash[SETUP] = Setup(stage, kind, option.seed, report, isolated, python)
    config.pluginmanager.register(Report(config, config.stash[SETUP]), "dezero-report")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Any:
    """Without the garbage collector: of the thousands of cases none is garbage.

    It is not to look at them later either, when a case asks for it or its garbage does.
    """
    if session.config.option.stage is None or not gc.isenabled():
        return (yield)
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.shuffle:
        random.Random(config.option.seed).shuffle(items)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Any:
    if not _is_suite(module_path):
        return None
    from .conformance import Catalogue

    if module_path.is_relative_to(parent.config.rootpath):
        return Catalogue.from_parent(parent, path=module_path)
    # From outside the root directory pytest's own node ids would not name the file.
    return Catalogue.from_parent(parent, path=module_path, nodeid=str(module_path))


def _is_suite(path: Path) -> bool:
    return (path.parent.name, path.name) == (SUITE.parent.name, SUITE.name)


class Report:
    """What a session says of a stage: the header, the table at the end, and the JSON file."""

    def __init__(self, config: pytest.Config, setup: Setup):
        self.config, self.setup = config, setup
        self.cells: list[dict[str, Any]] = []

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
        cell = _cell(report)
        if cell and cell["outcome"] == "refused" and report.when == "call":
            return "passed", "r", "REFUSED"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cell = _cell(report)
        if report.when == "call" and cell:
            explained = {"explanation": report.longreprtext} if report.failed else {}
            self.cells.append({**cell, "seconds": round(report.duration, 6), **explained})

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> Any:
        yield  # pytest's own summary comes first: what it ends with is what a person sees
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            terminalreporter.write_line(
                "No case was selected, so nothing was tested. All cases are listed by:"
                f" python -m pytest --stage {self.config.option.stage} --collect-only -q"
            )
        if self.cells:
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
            "summary": counts(self.cells),
            "chapters": {key: counts(cells) for key, cells in sorted(self.by("chapter").items())},
            "spine": {name: counts(cells) for name, cells in self.by("spine").items() if name},
        }
        # A line for each cell: to be searched and compared, and json is slow where it indents.
        head = json.dumps(content, indent=1).removesuffix("\n}")
        cells = ",\n  ".join(map(json.dumps, self.cells))
        self.setup.report.parent.mkdir(parents=True, exist_ok=True)
        self.setup.report.write_text(f'{head},\n "cells": [\n  {cells}\n ]\n}}\n', "utf-8")

    def write_table(self, terminal: Any) -> None:
        terminal.write_sep("=", f"{self.setup.stage.name} on {self.setup.arrays.module}")
        spine = self.by("spine")
        width = max(map(len, SPINE))
        for name in SPINE:
            outcome, color = _in_words(spine.get(name, []))
            terminal.write_line(f"{name:{width}}  {outcome}", **{color: True})
        terminal.write_line("")
        terminal.write_line("   ".join(["chapter", *OUTCOMES.values()]), bold=True)
        rows = [*sorted(self.by("chapter").items()), ("all", self.cells)]
        for chapter, cells in rows:
            found = counts(cells)
            row = [f"{found[key]:{len(title)}}" for key, title in OUTCOMES.items()]
            line = "   ".join([f"{chapter:>7}", *row])
            terminal.write_line(line, red=bool(found["unexpected"]))
        terminal.write_line("")
        if len(self.cells) < _catalogue_size():
            terminal.write_line(f"{len(self.cells)} of {_catalogue_size()} cases were run.")
        terminal.write_line(f"The report is in {_nearby(self.setup.report)}")

    def by(self, key: str) -> dict[Any, list[dict[str, Any]]]:
        values = dict.fromkeys(cell[key] for cell in self.cells)
        return {value: [cell for cell in self.cells if cell[key] == value] for value in values}


def _cell(report: Any) -> Any:
    return dict(getattr(report, "user_properties", ())).get("cell")


def _in_words(cells: list[dict[str, Any]]) -> tuple[str, str]:
    """The outcome of a spine case, and its color. Where it is several cases, the worst decides."""
    if not cells:
        return "not run", "yellow"
    worst = max(cells, key=lambda cell: list(OUTCOMES).index(cell["outcome"]))
    outcome = worst["outcome"]
    why = f": {worst['reason']}" if outcome != "passed" else ""
    return OUTCOMES[outcome] + why, "red" if outcome == "unexpected" else "green"


def _catalogue_size() -> int:
    from . import cases  # not above: a session without a stage needs no cases

    return len(cases.ALL)


def _nearby(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)
