"""The pytest plugin: the options, the start of a session. `pytest --stage DIR` tests a stage."""

from __future__ import annotations

import gc
import platform
import random
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .. import adapters
from ..execution.isolated import OURS, Isolated, Limits, Manner
from ..execution.runner import missing
from ..execution.stage import Stage, StageError, load, read
from ..export.command import Command
from ..model.arrays import KINDS, Unusable, array_kind
from ..model.case import ABSENT, REFUSALS
from .expected_failures import BadList, by_case
from .profiles import LATER, PROFILES, Profile
from .report import Report, catalogue
from .setup import SETUP, Setup

SUITE = Path(__file__).with_name("conformance.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("dezero", "conformance of a stage")
    group.addoption("--stage", metavar="DIR", help="the stage: a folder holding a package dezero")
    group.addoption(
        "--engine",
        metavar="NAME",
        help=f"in place of a stage, an engine behind an adapter: {', '.join(adapters.SHIPPED)}; or"
        " a module or a file of your own",
    )
    group.addoption(
        "--engine-command",
        metavar="COMMAND",
        help="an engine in any language: a command that answers lines of JSON on stdin with lines"
        ' of JSON on stdout, as in --engine-command "node engine.js"',
    )
    group.addoption(
        "--array",
        default="numpy",
        choices=KINDS,
        help="what data lives in: numpy (default), strict (array-api-strict on device1), jax,"
        " dask, torch, cupy",
    )
    group.addoption(
        "--device",
        default="",
        metavar="DEVICE",
        help="where the arrays of torch live (cuda, xpu, mps, cpu), of jax (gpu, tpu, cpu) or of"
        " strict (device1, no_float64);"
        " cuda:1 for a second one (default: the best that is there)",
    )
    group.addoption(
        "--profile",
        choices=PROFILES,
        help="which cases are asked. "
        + ". ".join(f"{name}: {what}" for name, what in PROFILES.items())
        + " (default: full for a stage, book for any other engine)",
    )
    group.addoption(
        "--known",
        metavar="FILE",
        help="cases that are known to fail, in TOML; one that passes, or fails otherwise, is red"
        " (default for an engine that is shipped: what is known of it)",
    )
    group.addoption(
        "--write-known", metavar="FILE", help="write such a list of this run's failures"
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
    if option.stage is option.engine is option.engine_command is None:
        if any(_is_suite(Path(arg.partition("::")[0]).absolute()) for arg in config.args):
            raise pytest.UsageError("which stage? Add a folder, as in --stage stages/step33")
        return
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(SUITE)]
    if option.seed is None:  # kept in the options, which pytest-xdist hands on to its workers
        option.seed = random.SystemRandom().randrange(10**6)
    apart = (option.python, option.engine, option.engine_command)
    option.isolated = option.isolated or apart != (None, None, None)
    debugger = option.usepdb or option.trace
    if option.isolated and debugger:
        raise pytest.UsageError(
            "a debugger cannot enter the worker process of --isolated; leave --isolated out (and"
            " --python, --engine, --engine-command), and the same cases run in this process"
        )
    isolated, command, python = None, None, platform.python_version()
    try:
        kind = array_kind(option.array, option.device)
        interpreter = option.python or ""
        manner = OURS
        if option.engine_command is not None:
            stage, profile = behind_adapter(option), "core"
            command = Command(
                words_of(option.engine_command), Limits(option.time_limit, option.memory_limit)
            )
            config.add_cleanup(command.stop)
            stage = replace(stage, engine=command.start() or stage.name)
        elif option.engine:
            stage, profile = behind_adapter(option), "core"
            manner = Manner(True, adapter=adapters.find(option.engine), bridge=str(adapters.BRIDGE))
            interpreter = interpreter or sys.executable
        else:
            stage = read(option.stage, interpreter)
            profile = option.profile or ("full" if stage.ours else "book")
            names = tuple(LATER) if profile == "book" else ()
            manner = Manner(not stage.ours, stage.aliases, names)
        lacking: tuple[str, ...] = ()
        if command:
            pass  # it has been asked already whether it is there
        elif option.isolated or not (stage.ours or debugger):
            limits = Limits(option.time_limit, option.memory_limit)
            isolated = Isolated(stage.path, kind, limits, option.seed, interpreter, manner=manner)
            config.add_cleanup(isolated.stop)
            where = isolated.start()
            lacking, stage = where.missing, replace(stage, engine=where.engine)
            kind, python = replace(kind, version=where.version), where.python
            if option.python:
                absent = {name: ABSENT[name] for name in where.lacks}
                kind = replace(kind, lacks={**kind.lacks, **absent})
        else:
            stage = load(option.stage)
            lacking = tuple(missing(list(manner.names), kind.prelude))
        shipped = adapters.known(option.engine or "")
        file = Path(option.known) if option.known else shipped
        given = option.known or (option.engine in adapters.SHIPPED and shipped.is_file())
        known = by_case(file, [case.id for case in catalogue()]) if given else {}
    except (StageError, Unusable, BadList) as error:
        raise pytest.UsageError(str(error)) from None
    report = Path(option.report or f"reports/{stage.name}-{kind.name}.json").absolute()
    if report.is_dir():
        raise pytest.UsageError(f"--report {report} is a folder; name a file in it")
    config.add_cleanup(gc.unfreeze)  # the cleanup that comes last, after pytest's own collection
    asked = Profile(profile, stage.capabilities, frozenset(lacking))
    config.stash[SETUP] = Setup(
        stage, kind, option.seed, report, isolated, python, asked, manner, known, command
    )
    config.pluginmanager.register(Report(config, config.stash[SETUP]), "dezero-report")


def behind_adapter(option: Any) -> Stage:
    """What stands for an engine behind an adapter, or a command; it is asked the mathematics."""
    given = {"--stage": option.stage, "--engine": option.engine}
    given["--engine-command"] = option.engine_command
    both = [name for name, value in given.items() if value is not None]
    if len(both) > 1:
        raise StageError(f"{' and '.join(both)}: give the one or the other")
    if option.profile not in (None, "core"):
        raise StageError(
            f"--profile {option.profile}: an engine behind an adapter, or a command, is asked the"
            f" mathematics, --profile core; of anything else it knows nothing"
        )
    if option.array != "numpy":
        raise StageError(f"--array {option.array}: an adapter makes its own tensors, of NumPy's")
    if option.engine is None:
        words = words_of(option.engine_command)
        if option.python is not None:
            raise StageError("--python is for engines in Python; say it in --engine-command")
        name = Path(words[-1]).stem or "command"
    else:
        name = Path(option.engine).stem if option.engine.endswith(".py") else option.engine
    return Stage(name, Path.cwd(), frozenset(REFUSALS), ours=False)


def words_of(command: str) -> list[str]:
    """The words of a command, as a shell takes it apart."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise StageError(f"--engine-command {command}: {error}") from None
    if not words:
        raise StageError("--engine-command is empty: give one, as in 'node engine.js'")
    return words


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Any:
    """Without the garbage collector: of the thousands of cases none is garbage.

    It is not to look at them later either, when a case asks for it or its garbage does.
    """
    if SETUP not in session.config.stash or not gc.isenabled():
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
    return path.parts[-3:] == SUITE.parts[-3:]  # in a clone, or where it is installed
