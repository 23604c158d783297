"""For `python -m pytest` in this repository: a message where it cannot do what was meant."""

# This file has to be understood by older Pythons, to tell them.
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This project needs Python 3.11 or later; this is Python {}.{}. "
        "With a newer one: python3.11 -m pip install nox; nox -s stage33".format(*sys.version_info)
    )

import pytest


def pytest_addoption(pluginmanager):
    if not pluginmanager.has_plugin("dezero_harness.plugin"):
        raise pytest.UsageError(
            "the harness is not installed in this environment. To test a stage, write: "
            "nox -s stage33 (after: python -m pip install nox). To have the harness here: "
            "python -m pip install -e ./shared -e ./harness; or, without installing anything: "
            "PYTHONPATH=shared:harness python -m pytest -p dezero_harness.plugin"
        )


def pytest_configure(config):
    option = config.option
    engine = option.stage or option.engine or option.engine_command is not None
    if not engine and config.args_source is not config.ArgsSource.ARGS:
        raise pytest.UsageError("which stage? " + _advice(config))


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not config.option.stage:
        terminalreporter.write_line("There is nothing to test here. " + _advice(config))


def _advice(config):
    stage = config.rootpath / "stages" / "step33"
    return f"To test a stage, write: nox -s stage33, or: python -m pytest --stage {stage}"
