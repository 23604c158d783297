"""A program is run, and its answer observed as plain data. Nothing here knows what is expected."""

from __future__ import annotations

import ast
import contextvars
import gc
import linecache
import os
import random
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

_FRAMES = 8  # of a traceback that are shown


@dataclass(frozen=True)
class Observed:
    """What a program answered, or the exception it ended in; plain data and text only."""

    value: Any = None
    error: str = ""  # the exception's class name; empty where there is an answer
    message: str = ""
    trace: str = ""  # a line for each call, from the program's to the one that raised


@dataclass(frozen=True)
class Run:
    """A finished program, with what a debugger needs to go back into it."""

    observed: Observed
    namespace: dict[str, Any]
    file: str
    last_line: int
    exception: BaseException | None = None

    def fail(self, failure: Exception) -> NoReturn:
        """Raise `failure` where the engine's exception came from, else at the last line."""
        if self.exception is not None:
            raise failure.with_traceback(self.exception.__traceback__)
        self.namespace["__failure__"] = failure
        source = "\n" * (self.last_line - 1) + "raise __failure__"
        exec(compile(source, self.file, "exec"), self.namespace)
        raise AssertionError


def run(program: str, prelude: str, name: str, *, warns: bool = False, seed: int = 0) -> Run:
    """Run the prelude and then the program in a new namespace; the last line is the answer.

    RuntimeWarnings are errors unless `warns`. Modes, NumPy's error state and the state of the
    garbage collector are afterwards what they were. Random numbers follow from `seed` and `name`.
    """
    file = f"<{name}>"
    for source, text in ((file, program), ("<prelude>", prelude)):
        linecache.cache[source] = (len(text), None, text.splitlines(keepends=True), source)
    namespace: dict[str, Any] = {"__name__": "case"}
    answer, exception = None, None
    last_line = program.count("\n")
    collecting = gc.isenabled()
    random.seed(f"{seed} {name}")
    try:
        *statements, last = ast.parse(program, file).body
        last_line = last.lineno
        if not isinstance(last, ast.Expr):
            raise SyntaxError("the last line of a program is an expression, its answer")
        code = compile(ast.Module(statements, []), file, "exec")
        question = compile(ast.Expression(last.value), file, "eval")

        def execute() -> tuple[Any, Callable[[Any], Any]]:
            exec(compile(prelude, "<prelude>", "exec"), namespace)
            reader = _reader(**namespace)
            exec(code, namespace)
            return eval(question, namespace), reader

        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if warns else "error", RuntimeWarning)
            answer, reader = contextvars.copy_context().run(execute)
            observed = Observed(reader(answer))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        exception = error
        message = "\n".join([str(error), *getattr(error, "__notes__", [])])
        observed = Observed(None, type(error).__name__, message, _trace(error, file))
    finally:
        (gc.enable if collecting else gc.disable)()
    return Run(observed, namespace, file, last_line, exception)


def _reader(*, Variable: type, array: Callable, on_host: Callable, **others: Any) -> Callable:
    """The function that makes plain data of an answer, by these helpers of the prelude."""
    array_type = type(array(0.0))

    def plain(x: Any) -> Any:
        if isinstance(x, Variable):
            return plain(x.data)  # type: ignore[attr-defined]
        if isinstance(x, array_type) and not isinstance(x, np.ndarray):
            return on_host(x).tolist()
        return as_plain(x, plain)

    return plain


def as_plain(x: Any, element: Callable[[Any], Any] | None = None) -> Any:
    """Numbers, strings, None, and lists and dicts of them; of anything else the type's name."""
    element = element or as_plain
    if isinstance(x, np.ndarray | np.generic):
        return x.tolist()
    if x is None or isinstance(x, bool | int | float | complex | str):
        return x
    if isinstance(x, list | tuple):
        return [element(item) for item in x]
    if isinstance(x, dict):
        return {key: element(value) for key, value in x.items()}
    return f"<{type(x).__module__}.{type(x).__qualname__} object>"


def _trace(error: BaseException, file: str) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    while frames and frames[0].filename != file:
        del frames[0]
    lines = [f"{_place(frame, file)}: {frame.line}" for frame in frames]
    if len(lines) > _FRAMES:
        lines[2 : 2 - _FRAMES] = [f"... {len(lines) - _FRAMES} more calls ..."]
    return "\n".join(lines)


def _place(frame: traceback.FrameSummary, file: str) -> str:
    if frame.filename == file:
        return f"program, line {frame.lineno}"
    nearby = os.path.relpath(frame.filename)
    return f"{frame.filename if nearby.startswith('..') else nearby}:{frame.lineno}"
