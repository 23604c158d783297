"""Programs run on a stage in a worker process; whatever becomes of it, each has an observation."""

from __future__ import annotations

import base64
import functools
import importlib.util
import marshal
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Any

from ..model.arrays import ArrayKind
from ..model.case import ENVIRONMENT
from . import runner, worker
from .pipes import Worker, WorkerError, shown
from .runner import Observed, StageError

_STARTS = 3  # failures to start one after another, after which nobody tries again
_OUT_OF_TIME = (-worker.OUT_OF_TIME, 128 + worker.OUT_OF_TIME) if worker.OUT_OF_TIME else ()
_FIELDS = {field.name for field in fields(Observed)}


@dataclass(frozen=True)
class Limits:
    """What a case may take: seconds, and MiB of memory beyond the imports (Linux); 0 for no end.

    seconds: of processor time, so that a busy machine fails nobody (on Windows, by the clock).
    wall: seconds by the clock, for a case that waits and computes nothing; 0 for ten times as many.
    start: seconds by the clock for a worker to start, and to import the stage.
    """

    seconds: float = 10.0
    memory: int = 4096
    start: float = 60.0
    wall: float = 0.0

    @property
    def clock(self) -> float:
        """Seconds by the clock for a case."""
        return self.wall or 10 * self.seconds

    def __str__(self) -> str:
        memory = f" and {self.memory} MiB" if self.memory else ""
        return f"{self.seconds:g} s of computing ({self.clock:g} s by the clock){memory} for a case"


@dataclass(frozen=True)
class Launch:
    """How a worker is started, and where it finds the stage, what it imports, and the runner.

    files: open ones that the command reads; they are closed here once it is started.
    longest: bytes of an answer; what is longer is none. after: a command that ends what the end of
    the command leaves running, as a container. tells: it says where it hangs by the clock, for
    which it starts a thread for each case; else whoever waits for it ends it alone. why: once it
    has ended, what is known of that, or nothing.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    stage: str
    libraries: tuple[str, ...]
    runner: str
    files: tuple[IO[bytes], ...] = ()
    longest: int = 2**24
    after: tuple[str, ...] = ()
    tells: bool = True
    why: Callable[[], str] | None = None


def plainly(stage: Path, arrays: ArrayKind, python: str = "") -> Launch:
    """A worker beside this process, with the same rights; in another environment with `python`."""
    # In the harness's own environment -S keeps all away that libraries() does not name.
    interpreter = (python, "-I") if python else (sys.executable, "-I", "-S")
    return Launch(
        (*interpreter, "-u", str(worker.__file__)),
        os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        str(stage),
        () if python else tuple(libraries(arrays.module)),
        str(runner.__file__),
    )


def no_answer(reason: str) -> Observed:
    """What is observed where a program had no chance to answer."""
    return Observed(error="no answer", fault=reason)


@dataclass(frozen=True)
class Where:
    """What a worker runs with: the versions of Python and of the array module.

    lacks: which capabilities of ENVIRONMENT are not there.
    missing: which of the names that were asked for (Manner.names) the engine does not have.
    engine: the name and version of an engine behind an adapter.
    """

    python: str
    version: str
    engine: str = ""
    lacks: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manner:
    """How an engine is treated: `lenient` and `aliases` as runner.run and runner.adopt take them.

    names: those that it is asked for at the start, as runner.missing takes them.
    adapter, bridge: in place of a package `dezero`, an adapter (a file or the name of a module),
        and the file that makes such a package of it.
    """

    lenient: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    adapter: str = ""
    bridge: str = ""


OURS = Manner()


class Isolated:
    """A worker process for the stage in this folder, which is replaced when it fails.

    `launch` says how it is started; with `python`, it is another interpreter with an environment
    of its own. With `compiles`, programs are compiled here, once for all workers that come to be,
    which are of the same interpreter. `printed` is the end of what the last program, and the stage,
    have printed.
    """

    def __init__(
        self,
        stage: Path,
        arrays: ArrayKind,
        limits: Limits,
        seed: int = 0,
        python: str = "",
        launch: Callable[[Path, ArrayKind], Launch] | None = None,
        compiles: bool = False,
        manner: Manner = OURS,
    ):
        self.stage, self.arrays, self.limits, self.seed = stage, arrays, limits, seed
        self.python, self.compiles, self.manner = python, compiles, manner
        self.launch = launch or functools.partial(plainly, python=python)
        self.worker: _Worker | None = None
        self.failures, self.failure = 0, ""
        self.where = Where("", "")
        self.printed = ""
        self.asked = 0  # programs so far
        #: Program -> an answer to it as it came, and what it says: the same need not be read again.
        self.known: dict[str, tuple[Any, ...]] = {}
        self.came: Any = None  # the last answer, as it came

    def __enter__(self) -> Isolated:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> Where:
        """Have a worker that has imported the stage. Raises StageError where that fails."""
        if self.worker is not None:
            return self.where
        if self.failures == _STARTS:
            raise StageError(self.failure)
        try:
            self.worker = _Worker(self.launch(self.stage, self.arrays))
            self.where = self.worker.start(self.arrays, self.limits, self.manner)
            self.failures = 0
            return self.where
        except (WorkerError, StageError) as error:
            self.failure = str(error)
            if isinstance(error, WorkerError):
                by = f" of {self.python}" if self.python else ""
                last = (self.worker.printed().strip() if self.worker else "").splitlines()[-1:]
                said = "; ".join([str(error), *last])
                self.failure = (
                    f"`import dezero` fails in a worker process{by}, {self.stage}: {said}"
                )
            self.stop()
            self.failures += 1
            raise StageError(self.failure) from None

    def stop(self) -> None:
        """End the worker, if there is one."""
        # Taken out first: another thread may end it as well, or have started the next one.
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.kill()
            if worker.launch.after:
                subprocess.run(worker.launch.after, capture_output=True, check=False)

    def observe(
        self, program: str, name: str, *, warns: bool = False, quiet: bool = False
    ) -> Observed:
        """As runner.run does, in the worker; its failure is the `fault` of the observation.

        quiet: the program is about warnings, so no engine is treated leniently.
        """
        try:
            self.start()
        except StageError as error:
            return no_answer(str(error))
        worker = self.worker  # which another thread may end meanwhile
        assert worker
        self.asked += 1
        code = _compiled(program, f"<{name}>") if self.compiles else ""
        request = {"program": program, "name": name, "warns": warns, "seed": self.seed}
        request |= {"code": code, "lenient": self.manner.lenient and not quiet}
        try:
            known = self.known.get(program)
            observed, self.came = worker.ask(request, self.limits, known)
        except WorkerError as error:
            observed = no_answer(str(error))
        self.printed = worker.printed()
        if observed.fault:  # what it left behind is no concern of the next case
            self.stop()
        return observed


@functools.cache
def _compiled(program: str, file: str) -> str:
    """What the worker need not compile; nothing where it is no program, as the worker tells."""
    try:
        return base64.b64encode(marshal.dumps(runner.compiled(program, file))).decode()
    except SyntaxError:
        return ""


class _Worker(Worker):
    """A worker that runs cases."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.seconds = 0.0  # of processor time that a case has
        try:
            super().__init__(launch.command, launch.env, launch.files, launch.longest)
        except OSError as error:
            raise StageError(
                f"--python {launch.command[0]}: it cannot be started ({error.strerror}); give the"
                f" file of a Python interpreter, as in --python path/to/environment/bin/python"
            ) from None

    def start(self, arrays: ArrayKind, limits: Limits, manner: Manner) -> Where:
        settings = {
            "stage": self.launch.stage,
            "path": [self.launch.stage, *self.launch.libraries],
            "module": arrays.module,
            "runner": self.launch.runner,
            # What GPUs and compilers reserve for themselves is no memory of a case.
            "memory": 0 if arrays.maps or manner.adapter else limits.memory * 2**20,
            "prelude": arrays.prelude,
            "environment": dict(ENVIRONMENT),
            "aliases": dict(manner.aliases),
            "names": list(manner.names),
            "adapter": manner.adapter,
            "bridge": manner.bridge,
        }
        answer = self._exchange(settings, limits.start)
        failed = answer.get("failed")
        if failed and isinstance(failed, str):
            raise StageError(failed)
        where = {key: answer.pop(key, None) for key in ("python", "version", "engine")}
        texts = all(isinstance(text, str) for text in where.values())
        lacks = answer.pop("lacks", None)
        known = isinstance(lacks, list) and all(name in list(ENVIRONMENT) for name in lacks)
        missing = answer.pop("missing", None)
        known &= isinstance(missing, list) and all(name in manner.names for name in missing)
        if set(answer) != {"id", "failed"} or failed != "" or not (texts and known):
            raise WorkerError(f"the worker answers {shown(answer | where)} to the start")
        return Where(**where, lacks=tuple(lacks), missing=tuple(missing))

    def ask(
        self, request: dict[str, Any], limits: Limits, known: tuple[Any, ...] | None
    ) -> tuple[Observed, Any]:
        """What is observed, and its value as it came."""
        self.output.seek(0)  # the process writes at the same position
        self.output.truncate()
        self.seconds = limits.seconds
        clock = limits.clock if self.launch.tells else 0
        request = request | {"seconds": limits.seconds, "clock": clock}
        answer = self._exchange(request, limits.clock)
        end = self.receive(limits.clock)
        if set(end) != {"id"} or end["id"] != answer["id"]:
            raise WorkerError(f"the worker has answered more than once, with {shown(end)}")
        if set(answer) != _FIELDS | {"id"}:
            lacking = ", ".join(sorted(_FIELDS - set(answer))) or "nothing"
            raise WorkerError(f"the worker answers {shown(answer)}, and {lacking} is missing")
        del answer["id"]
        try:
            came = answer["value"]
            value = known[1] if known and known[0] == came else worker.from_json(came)
            observed = Observed(**answer | {"value": value})
        except Exception as error:
            raise WorkerError(f"the worker answers {shown(answer)}, no data: {error}") from None
        texts = vars(observed) | {"value": ""}
        if not all(isinstance(text, str) for text in texts.values()):
            raise WorkerError(f"the worker answers {shown(answer)}, which is not all text")
        return observed, came

    def _exchange(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request; its id cannot be guessed, so no earlier answer can pass for it.

        Raises WorkerError for a worker that ends, takes too long, or answers anything else.
        """
        key = secrets.token_hex(8)
        self.send(request | {"id": key})
        answer = self.receive(seconds)
        if answer.get("id") != key:
            raise WorkerError(f"the worker answers for another request: {shown(answer)}")
        return answer

    def ended(self, status: int) -> str:
        # A sandbox hands on the signal that ended its worker as a shell does, with 128 added to it.
        if status in _OUT_OF_TIME:
            return f"no answer within {self.seconds:g} s of computing"
        known = self.launch.why() if self.launch.why else ""
        return known or super().ended(status)


def libraries(module: str) -> list[str]:
    """The folders of what a stage may import: this array module, NumPy, and dezero_shared."""
    found = [importlib.util.find_spec(name) for name in (module, "numpy", "dezero_shared")]
    places = [str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin]
    return list(dict.fromkeys(places))
