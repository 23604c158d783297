"""A program is run, and its answer observed as plain data. Nothing here knows what is expected.

Nothing here is imported from the harness either: the worker process of `--isolated` loads this file
alone, with `--python` in a Python as old as 3.8.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import importlib
import linecache
import os
import random
import sys
import threading
import time
import traceback
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

import numpy as np

_FRAMES = 8  # of a traceback that are shown
_PATIENCE = 0.5  # seconds that a thread may take to end after its case

#: Types whose values are plain as they are. Not int: there is a bound on those.
_PLAIN = frozenset([float, str, bool, type(None), complex])

# A subclass may call itself equal to everything; these give the number or text that is in it.
_EXACT: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    complex: complex.__pos__,  # __complex__ is there from Python 3.11 on
    str: str.__str__,
}


class StageError(Exception):
    """There is nothing to test; the message says why, and what to do."""


@dataclass(frozen=True)
class Observed:
    """What a program answered, or the exception it ended in; plain data and text only."""

    value: Any = None
    error: str = ""  # the exception's class name; empty where there is an answer
    message: str = ""
    trace: str = ""  # a line for each call, from the program's to the one that raised
    fault: str = ""  # what is wrong with the run itself, so that no answer can be right
    notes: str = ""  # what happened beside the answer and is nobody's fault, a line each


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


def run(
    program: str,
    prelude: str,
    name: str,
    *,
    warns: bool = False,
    seed: int = 0,
    lenient: bool = False,
) -> Run:
    """Run the prelude and then the program in a new namespace; the last line is the answer.

    Warnings are errors; with `warns`, RuntimeWarnings are none. The modes of the engine, NumPy's
    error state, the warning filters, the garbage collector and the threads have to be afterwards
    what they were: what the program leaves behind is undone where it can be, and told as `fault`.
    With `lenient`, for someone else's engine, warnings are only told, as `notes`, and so is what a
    library sets up when it is first used (filters, threads); but the engine has to record what it
    computes, if it did so before. Random numbers follow from `seed` and `name`.
    """
    _end_what_pauses(program)
    file = f"<{name}>"
    for source, text in ((file, program), ("<prelude>", prelude)):
        linecache.cache[source] = (len(text), None, text.splitlines(keepends=True), source)
    namespace: dict[str, Any] = {"__name__": "case"}
    value, exception, left, notes = None, None, [], []
    last_line = program.count("\n")
    random.seed(f"{seed} {name}")
    np.random.seed(zlib.crc32(f"{seed} {name}".encode()))
    try:
        statements, question, last_line = compiled(program, file)

        def execute() -> Any:
            exec(_whole(prelude), namespace)
            reader = _reader(**namespace)
            before = _State(namespace, lenient)
            try:
                exec(statements, namespace)
                return reader(eval(question, namespace))
            finally:
                faults, told = before.restore()
                left.extend(faults)
                notes.extend(told)

        with warnings.catch_warnings(record=lenient) as warned:
            warnings.simplefilter("always" if lenient else "error")
            warnings.simplefilter("ignore", SyntaxWarning)  # of a file that is compiled now
            if warns:
                warnings.simplefilter("ignore", RuntimeWarning)
            try:
                value = contextvars.copy_context().run(execute)
            finally:
                notes.extend(f"{w.category.__name__}: {w.message}" for w in warned or ())
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        exception = error
    fault = "the case leaves behind: " + ", ".join(left) if left else ""
    told = "\n".join(dict.fromkeys(notes))
    if exception is None:
        observed = Observed(value, fault=fault, notes=told)
    else:
        name = as_plain(type(exception).__name__)
        observed = Observed(None, name, _message(exception), _trace(exception, file), fault, told)
    return Run(observed, namespace, file, last_line, exception)


_may_pause = False


def _end_what_pauses(program: str) -> None:
    """Collect the generators and coroutines that the last program may have left behind.

    Ending one changes its mode. Up to Python 3.11 the collector may run, and end it, in the middle
    of another change of the same context, and that is then freed memory: the interpreter crashes.
    """
    global _may_pause
    if _may_pause:
        gc.collect()
    _may_pause = "yield" in program or "async " in program


@cache  # the check of the catalogue has compiled what is run after it
def compiled(program: str, file: str) -> tuple[CodeType, CodeType, int]:
    """The statements of a program, the expression in its last line, and this line's number.

    Raises SyntaxError, with a line number unless it is the answer that is missing.
    """
    # Not through ast: that would be nearly half of the time of most cases. Where the lines before
    # are whole statements, and those from here on one expression, it is the last statement.
    lines = program.rstrip().split("\n")
    for n in reversed(range(len(lines))):
        if not lines[n][:1].isspace():
            head, tail = "\n".join(lines[:n]), "\n" * n + "\n".join(lines[n:])
            with contextlib.suppress(SyntaxError):
                return compile(head, file, "exec"), compile(tail, file, "eval"), n + 1
    compile(program, file, "exec")
    raise SyntaxError("the last line of a program is an expression, its answer")


@cache  # the same for all cases, and a tenth of the time of most
def _whole(prelude: str) -> CodeType:
    return compile(prelude, "<prelude>", "exec")


class _State:
    """What a program has to leave as it found it."""

    def __init__(self, namespace: dict[str, Any], lenient: bool):
        self.namespace, self.lenient = namespace, lenient
        config = getattr(namespace.get("dezero"), "Config", None)
        modes = [name for name in ("enable_backprop", "train") if hasattr(config, name)]
        self.config, self.modes = config, {name: getattr(config, name) for name in modes}
        self.errors, self.filters = np.geterr(), list(warnings.filters)
        self.collecting, self.threads = gc.isenabled(), set(threading.enumerate())
        self.recorded = lenient and _records(**namespace)

    def restore(self) -> tuple[list[str], list[str]]:
        """Undo what has changed, and say what that was: faults, and what is no fault."""
        left: list[str] = []
        notes: list[str] = []
        set_up = notes if self.lenient else left  # what a library sets up when it is first used
        for mode, value in self.modes.items():
            now = getattr(self.config, mode)
            if now is not value:
                left.append(f"Config.{mode} = {as_plain(now)}")
                setattr(self.config, mode, value)
        if np.geterr() != self.errors:
            left.append("another floating point error state")
            np.seterr(**self.errors)
        if warnings.filters != self.filters:  # run() itself restores them
            set_up.append("other warning filters")
        if gc.isenabled() != self.collecting:
            left.append(f"the garbage collector {'off' if self.collecting else 'on'}")
            (gc.enable if self.collecting else gc.disable)()
        until = time.monotonic() + (0.0 if self.lenient else _PATIENCE)
        for thread in set(threading.enumerate()) - self.threads:
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                set_up.append(f"a thread that runs on ({thread.name})")
        if self.recorded and not _records(**self.namespace):
            left.append("an engine that does not record what it computes any more")
        return left, notes


def _records(*, Variable: type, array: Callable, **others: Any) -> bool:
    """Whether a leaf gets its gradient, as it does unless recording is off or something broke."""
    try:
        x = Variable(array(1.0))
        (x * x).backward()
        return x.grad is not None
    except Exception:
        return False


def _reader(*, Variable: type, array: Callable, on_host: Callable, **others: Any) -> Callable:
    """The function that makes plain data of an answer, by these helpers of the prelude."""
    array_type = type(array(0.0))

    def plain(x: Any) -> Any:
        if isinstance(x, Variable):
            return plain(x.data)  # type: ignore[attr-defined]
        if isinstance(x, array_type) and not isinstance(x, np.ndarray):
            return as_plain(on_host(x))
        return as_plain(x, plain)

    return plain


def as_plain(x: Any, element: Callable[[Any], Any] | None = None) -> Any:
    """Numbers, strings, None, and lists and dicts of them; of anything else the type's name.

    The numbers and strings are of Python's own types, whose comparisons nobody has redefined.
    """
    if type(x) in _PLAIN:  # as most are
        return x
    element = element or as_plain
    for array in (np.ndarray, np.generic):
        if isinstance(x, array):
            x = array.tolist(x)  # type: ignore[arg-type]
    if x is None or x is True or x is False:
        return x
    for base, exact in _EXACT.items():
        if isinstance(x, base):
            x = exact(x)
            # Beyond the largest float it would fail to compare with one, and soon also to print.
            return f"<int {x:#x}>" if base is int and x.bit_length() > 1024 else x
    if isinstance(x, (list, tuple)):
        return [element(item) for item in x]
    if isinstance(x, dict):
        return {as_plain(key): element(value) for key, value in x.items()}
    return f"<{type(x).__module__}.{type(x).__qualname__} object>"


def import_engine(path: Path, aliases: dict[str, str] | None = None) -> None:
    """Import the package `dezero` of this folder, and no other. Raises StageError if that fails.

    aliases: what the engine calls otherwise than the book does, as `adopt` takes it.
    """
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
    importlib.invalidate_caches()
    try:
        engine = importlib.import_module("dezero")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise StageError(_failed_import(path, error)) from error
    file = Path(engine.__file__ or "nowhere").resolve()
    if path not in file.parents:
        raise StageError(
            f"--stage {path}: `import dezero` gives {file}, which is another engine; start pytest"
            f" anew, with nothing that imports dezero before the harness does"
        )
    adopt(engine, aliases or {})
    if not hasattr(engine, "Variable"):
        raise StageError(f"{file} has no Variable, and without one there is nothing to test")


def adopt(engine: Any, aliases: dict[str, str]) -> None:
    """Give an engine the book's names for what it calls otherwise. Raises StageError.

    aliases: the book's name within `dezero` -> the engine's, as in {"functions.sin": "ops.sine",
    "Variable.cleargrad": "zero_grad"}; of a Variable's member the name alone.

    What the book keeps in dezero.core is taken from there. A Variable without cleargrad gets one,
    so that its lack costs the case about that name and not all that use it. What stands in for
    something is named in `__stand_ins__` of the package.
    """
    for name in sorted(aliases, key=lambda name: name != "Variable"):
        try:
            _alias(engine, name, aliases[name])
        except (AttributeError, ImportError) as error:
            raise StageError(
                f"[tool.dezero.aliases]: {name} = {aliases[name]!r} does not fit the engine:"
                f" {error}; on the right stands what the engine has"
            ) from None
    stand_ins = []
    variable = getattr(engine, "Variable", None)
    home = sys.modules.get(getattr(variable, "__module__", ""))
    if not hasattr(engine, "Config") and hasattr(home, "Config"):
        engine.Config = home.Config  # type: ignore[union-attr]
        stand_ins.append("Config")
    if variable is not None and not hasattr(variable, "cleargrad"):
        with contextlib.suppress(AttributeError, TypeError):  # a class that takes no attributes
            variable.cleargrad = lambda self: setattr(self, "grad", None)
            stand_ins.append("Variable.cleargrad")
    if stand_ins:
        engine.__stand_ins__ = stand_ins


def _alias(engine: Any, name: str, meant: str) -> None:
    if name.startswith("Variable."):
        member = name.partition(".")[2]
        found = getattr(engine.Variable, meant, None)
        if found is None:  # an attribute of each Variable, not of the class
            found = property(
                lambda self: getattr(self, meant),
                lambda self, value: setattr(self, meant, value),
            )
        return setattr(engine.Variable, member, found)
    found, module = engine, engine.__name__
    for part in meant.split("."):
        module += f".{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(module)
    home, _, last = f"{engine.__name__}.{name}".rpartition(".")
    if home not in sys.modules:
        try:
            importlib.import_module(home)
        except ImportError:
            sys.modules[home] = ModuleType(home)
            setattr(engine, home.rpartition(".")[2], sys.modules[home])
    setattr(sys.modules[home], last, found)
    if isinstance(found, ModuleType):
        sys.modules[f"{home}.{last}"] = found
    return None


def missing(names: list[str], prelude: str) -> list[str]:
    """Which of these the engine lacks: names within `dezero`, and "broadcast", which is tried."""
    namespace: dict[str, Any] = {"__name__": "names"}
    exec(_whole(prelude), namespace)
    return [name for name in names if not _has(name, **namespace)]


def _has(name: str, *, dezero: Any, Variable: type, array: Callable, **others: Any) -> bool:
    try:
        if name == "broadcast":
            x, y = Variable(array([1.0])), Variable(array([1.0, 2.0]))
            (x * y).backward()
            return tuple(x.grad.shape) == (1,)
        home, _, last = f"dezero.{name}".rpartition(".")
        module = importlib.import_module(home)
        return hasattr(module, last) or bool(importlib.import_module(f"{home}.{last}"))
    except Exception:
        return False


def _failed_import(path: Path, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if path in Path(frame.filename).parents]
    where = f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else str(path)
    lacking = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0]
    advice = "correct this line and run again"
    if lacking not in (False, "dezero"):
        advice = f"install {lacking} in this environment, or correct this line"
    return f"`import dezero` fails: {where}: {type(error).__name__}: {error}; {advice}"


def _message(error: BaseException) -> str:
    try:
        return "\n".join(map(as_plain, [str(error), *getattr(error, "__notes__", [])]))
    except Exception as another:
        return f"(the exception has no text: {type(another).__name__})"


def _trace(error: BaseException, file: str) -> str:
    calls = [(frame.f_code.co_filename, n) for frame, n in traceback.walk_tb(error.__traceback__)]
    while calls and calls[0][0] != file:
        del calls[0]
    lines = [f"{_place(name, n, file)}: {linecache.getline(name, n).strip()}" for name, n in calls]
    if len(lines) > _FRAMES:
        # The engine's own last line is shown also where what it called went deeper.
        home = os.path.dirname(getattr(sys.modules.get("dezero"), "__file__", None) or file)
        mine = [k for k, (name, _) in enumerate(calls) if name.startswith(home + os.sep)][-1:]
        kept = [lines[k] for k in mine if 2 <= k < len(lines) + 2 - _FRAMES]
        lines[2 : 2 - _FRAMES] = [f"... {len(lines) - _FRAMES - len(kept)} more calls ...", *kept]
    return "\n".join(lines)


def _place(name: str, line: int, file: str) -> str:
    if name == file:
        return f"program, line {line}"
    nearby = os.path.relpath(name)
    return f"{name if nearby.startswith('..') else nearby}:{line}"
