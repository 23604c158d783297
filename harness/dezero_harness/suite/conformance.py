"""The catalogue as pytest items, one for each case: `pytest conformance.py --stage DIR`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from _pytest._code.code import ExceptionInfo, TerminalRepr
from _pytest._io import TerminalWriter

from .. import cases
from ..execution.judge import Verdict, judge, result_of
from ..execution.runner import Observed, run
from ..execution.shell import shell_lines
from ..export.command import Command, request_of
from ..model.case import Case
from .catalogue_check import mistakes
from .expected_failures import compared
from .setup import SETUP, Setup

_LINE = 1500  # characters of a question that are shown


class Catalogue(pytest.File):
    """All cases; takes the place of this module when pytest collects it."""

    def collect(self) -> Iterator[CaseItem]:
        wrong = mistakes(cases.ALL)
        if wrong:
            raise self.CollectError("The catalogue has mistakes:\n  " + "\n  ".join(wrong))
        shared = {"hooks": self.ihook, "file": self.session._node_location_to_relpath(self.path)}
        for case in self.config.stash[SETUP].asked(cases.ALL):
            yield CaseItem.from_parent(self, name=case.id, case=case, **shared)


class CaseItem(pytest.Item):
    """One case on the stage of the session; `-k` also knows its group, chapter and spine name."""

    def __init__(self, *, case: Case, hooks: Any, file: str, **kwargs: Any):
        super().__init__(**kwargs)
        # The same for all cases, as they are in one file; pytest asks each of them several times.
        self.case, self.hooks, self.location = case, hooks, (file, None, case.statement)
        self.extra_keyword_matches |= {f"group-{case.group}", f"chapter{case.chapter}"}
        self.extra_keyword_matches |= {"spine", case.spine} if case.spine else set()

    @property
    def ihook(self) -> Any:
        return self.hooks

    def runtest(self) -> None:
        setup, case = self.config.stash[SETUP], self.case
        finished = None
        if setup.command:
            observed = setup.command.observe(case)
            print(setup.command.printed, end="")
        elif setup.isolated:
            observed = setup.isolated.observe(
                case.program, case.id, warns=case.warns, quiet=case.quiet
            )
            print(setup.isolated.printed, end="")
        else:
            finished = run(
                case.program,
                setup.arrays.prelude,
                case.id,
                warns=case.warns,
                seed=setup.seed,
                lenient=not (setup.stage.ours or case.quiet),
            )
            observed = finished.observed
        verdict = judge(case, observed, setup.stage.capabilities, setup.arrays)
        if observed.error == "NotStated" and (setup.command or setup.manner.adapter):
            reason = "" if setup.command else "the adapter states no "
            reason += observed.message
            verdict = replace(verdict, outcome="not applicable", reason=reason)
        known = setup.known.get(case.id)
        if known:
            verdict = compared(verdict, known)
        notes = {"notes": observed.notes} if observed.notes else {}
        self.user_properties.append(("result", result_of(case, verdict) | notes))
        if verdict.outcome == "known":
            pytest.xfail(verdict.reason)
        if verdict.outcome != "unexpected":
            return
        failure = Unexpected(case, verdict, observed)
        if finished:
            finished.fail(failure)
        raise failure

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, Unexpected):
            return super().repr_failure(excinfo, style)
        return Explanation(*excinfo.value.explain(self.config.stash[SETUP]))


class Unexpected(Exception):
    """A case did not answer what is predicted."""

    def __init__(self, case: Case, verdict: Verdict, observed: Observed):
        super().__init__(f"expected {verdict.expected}, got {verdict.got}")
        self.case, self.verdict, self.observed = case, verdict, observed

    def explain(self, setup: Setup) -> tuple[str, str]:
        """In one line, and at length."""
        case, verdict = self.case, self.verdict
        spine = f", {case.spine} of the spine" if case.spine else ""
        python = setup.isolated.python if setup.isolated else ""
        where = f"in a shell of {python}" if python else "in a Python shell"
        prelude, adapter = setup.arrays.prelude, setup.manner.adapter
        if setup.command:
            where, lines = "in Python", case.program.splitlines()
        else:
            lines = shell_lines(setup.stage.path, prelude, case.program, adapter)
        text = [
            f"chapter {case.chapter}, group {case.group}{spine}; {where}:",
            "",
            *(f"    {line}".rstrip() for line in lines),
            "",
            *(_as_a_line(case, setup.command) if setup.command else ()),
            f"expected  {verdict.expected}",
            f"source    {case.source}",
            f"got       {verdict.got}",
            *(f"          {line}" for line in verdict.differences or [verdict.reason]),
        ]
        if self.observed.trace:
            text += ["", *(f"    {line}" for line in self.observed.trace.splitlines())]
        return str(self), "\n".join(text)


def _as_a_line(case: Case, command: Command) -> list[str]:
    """How the same is asked of a command."""
    request = request_of(case)
    if len(request) > _LINE:
        return [f"and asked in a line of {len(request)} characters, as nox -s export writes it", ""]
    return ["and asked in a terminal:", "", f"    {shlex.join(command.words)} <<< '{request}'", ""]


@dataclass(eq=False)
class Explanation(TerminalRepr):
    """What the terminal shows of a failure; pytest's summary takes one line from `reprcrash`."""

    message: str
    text: str

    @property
    def reprcrash(self) -> Explanation:
        return self

    def toterminal(self, tw: TerminalWriter) -> None:
        for line in self.text.splitlines():
            tw.line(line)
