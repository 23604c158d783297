"""An engine that is a command: a line of JSON asks it, a line of JSON answers.

It reads {"id", "steps", "asked"} and writes {"id"} with `values` (a name -> its numbers, null for
no gradient), with `skipped` (what it has not) or with `error`. The first question has no steps: it
asks whether anybody is there, who may say in `engine` what it is called.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ..execution.isolated import Limits, no_answer
from ..execution.pipes import Worker, WorkerError, shown
from ..execution.runner import Observed, StageError
from ..model.case import Case
from .questions import Question, from_data, question
from .recording import NotData

_LINE = 2**24  # bytes of an answer
_OUTCOMES = ("values", "skipped", "error")


def request_of(case: Case) -> str:
    """The line that asks a case, with its name for an id. Raises NotData."""
    asked = question(case)
    return json.dumps({"id": case.id, "steps": asked.steps, "asked": asked.asked})


class Command:
    """A process that is asked; a new one is started after one that failed."""

    def __init__(self, words: Sequence[str], limits: Limits):
        self.words, self.limits, self.printed = list(words), limits, ""
        self.worker: Worker | None = None

    def start(self) -> str:
        """Have a process that answers; what it calls itself. Raises StageError."""
        try:
            self.worker = Worker(self.words, os.environ, longest=_LINE)
            answer = self._exchange({"steps": [], "asked": []}, self.limits.start)
            if "values" not in answer:
                raise WorkerError(f"it answers {shown(answer)} to no steps at all")
            return str(answer.get("engine", ""))
        except OSError as error:
            why = f"it cannot be started: {error.strerror}"
        except WorkerError as error:
            last = (self.worker.printed().strip() if self.worker else "").splitlines()[-1:]
            why = "; ".join([str(error), *last])
        self.stop()
        raise StageError(
            f"--engine-command {' '.join(self.words)}: {why}. An engine reads a line of JSON from"
            f" stdin and answers with one, as docs/test-your-engine.md says"
        ) from None

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.worker is not None:
            self.worker.kill()
            self.worker = None

    def observe(self, case: Case) -> Observed:
        """What the program of a case answers on this engine; the error NotStated where it cannot.

        One that ends, takes too long or answers out of turn is the `fault` of the observation.
        """
        try:
            asked = question(case)
        except NotData as why:
            return Observed(error="NotStated", message=f"this is no list of steps: it {why}")
        try:
            if self.worker is None:
                self.start()
            assert self.worker
            self.worker.output.seek(0)  # the process writes at the same position
            self.worker.output.truncate()
            request = {"steps": asked.steps, "asked": asked.asked}
            answer = self._exchange(request, self.limits.seconds)
            self.printed = self.worker.printed()
            return _observed(answer, asked)
        except (WorkerError, StageError) as error:
            if self.worker:
                self.printed = self.worker.printed()
            self.stop()
            return no_answer(str(error))

    def _exchange(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        assert self.worker
        key = secrets.token_hex(4)
        self.worker.send({"id": key, **request})
        answer = self.worker.receive(seconds)
        if answer.get("id") != key:
            raise WorkerError(
                f"it answers out of turn: the id of the question was {key}, and it says"
                f" {shown(answer)}"
            )
        if sum(outcome in answer for outcome in _OUTCOMES) != 1:
            raise WorkerError(f"it answers neither values, skipped nor error: {shown(answer)}")
        return answer


def _observed(answer: Mapping[str, Any], asked: Question) -> Observed:
    if "skipped" in answer:
        return Observed(error="NotStated", message=f"the engine skips it: {answer['skipped']}")
    if "error" in answer:
        return Observed(error="error", message=str(answer["error"]))
    values = answer["values"]
    lacking = [name for name in asked.asked if not isinstance(values, dict) or name not in values]
    if lacking:
        raise WorkerError(f"{', '.join(lacking)} is asked for, and not among its values")
    try:
        return Observed(asked.assembled({name: from_data(values[name]) for name in asked.asked}))
    except (ValueError, TypeError) as error:
        raise WorkerError(f"its values are none: {error}") from None
