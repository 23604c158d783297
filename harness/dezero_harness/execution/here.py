"""Programs run on a stage in this process, where there is no other: in the worker of a browser.

What a worker process keeps apart is taken apart here: before each program that follows one that
left something behind, and for each other engine, all modules of the engine are imported anew.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..model.arrays import ArrayKind
from . import runner, worker
from .isolated import Limits, no_answer
from .pipes import SHOWN
from .runner import Observed

#: Lets a block take so many seconds, and then raises Late in it, again and again.
Timer = Callable[[float], contextlib.AbstractContextManager[None]]


class Late(BaseException):
    """A program has had its time. Not an Exception: the program is not to catch it."""

    def __str__(self) -> str:
        return "it does not end"


class _Last(io.TextIOBase):
    """The end of what is printed."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-SHOWN:]
        return len(text)


class Here:
    """The stage in this folder, in this process; with the manners of `Isolated`.

    timer: what ends a program that takes too long; by default nothing does. told: called before
    each program.
    """

    def __init__(
        self,
        stage: Path,
        arrays: ArrayKind,
        limits: Limits,
        timer: Timer = lambda seconds: contextlib.nullcontext(),
        told: Callable[[], Any] = lambda: None,
    ):
        self.stage, self.arrays, self.limits = stage, arrays, limits
        self.timer, self.told = timer, told
        self.printed = ""
        self.running = False

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Import the stage, and nothing of another. Raises StageError where that fails."""
        if self.running:
            return
        forget()
        sys.dont_write_bytecode = True  # it would be as old as the file, by the second
        with self._as_in_a_worker():
            with self.timer(self.limits.start):
                runner.import_engine(self.stage)
            exec(compile(self.arrays.prelude, "<prelude>", "exec"), {})
        gc.collect()
        gc.freeze()  # as in a worker: it would be most of the time of many a case
        self.running = True

    def stop(self) -> None:
        """Forget the stage."""
        self.running = False
        forget()
        sys.path[:] = [place for place in sys.path if place != str(self.stage)]

    def observe(self, program: str, name: str, *, warns: bool = False) -> Observed:
        """As runner.run does. What takes too long, or leaves something behind, is a `fault`."""
        self.told()
        try:
            self.start()
        except runner.StageError as error:
            return no_answer(str(error))
        seconds = self.limits.seconds
        with self._as_in_a_worker() as printed:
            try:
                with self.timer(seconds):
                    observed = runner.run(program, self.arrays.prelude, name, warns=warns).observed
                if observed.error == Late.__name__:
                    raise Late
            except Late:
                observed = no_answer(f"no answer within {seconds:g} s of computing")
            except KeyboardInterrupt as error:  # raised by the stage: nobody can press keys here
                observed = Observed(error=type(error).__name__, message=str(error))
        self.printed = printed.text
        # As from another process: with it nothing of the engine is kept.
        value = worker.from_json(worker.to_json(observed.value))
        observed = replace(observed, value=value)
        if observed.fault:
            self.running = False
        return observed

    @contextlib.contextmanager
    def _as_in_a_worker(self) -> Iterator[_Last]:
        """Nobody types anything, breakpoint() is passed over, and what is printed is kept."""
        printed, typed = _Last(), builtins.input
        hook, sys.breakpointhook = sys.breakpointhook, lambda *_, **__: None
        builtins.input = worker.nobody_types
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield printed
        finally:
            sys.breakpointhook, builtins.input = hook, typed


def forget() -> None:
    """Take all modules of an engine out; the next `import dezero` reads its files anew."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "dezero":
            del sys.modules[name]
    linecache.clearcache()
    gc.unfreeze()
    gc.collect()
