"""The worker process of `--isolated`: it runs programs on a stage, and answers with plain data.

It is started as a file, without the harness: `python -I -S -u worker.py`. Requests and answers are
lines of JSON on the pipes that were its stdin and stdout; what the stage prints goes to stderr. It
keeps honest mistakes apart; it is no sandbox for programs that mean harm.

With `--python` this file and `runner.py` run in an interpreter that someone else's engine needs:
they have to be understood by Python 3.8, and to work with a NumPy as old.
"""

from __future__ import annotations

import base64
import builtins
import faulthandler
import gc
import importlib
import importlib.util
import json
import marshal
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# What ends a case that computes for too long; its number, or 0 where the system has no such clock.
OUT_OF_TIME = int(getattr(signal, "SIGPROF", 0))
FILE_SIZE = 2**28  # bytes that a stage may write to a file, so that it cannot fill the disk


def to_json(x: Any) -> Any:
    """Plain data so that JSON keeps every bit of it: numbers become exact text, with their type."""
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, int):
        return {"int": hex(x)}
    if isinstance(x, float):
        return {"float": x.hex()}  # nan, inf and -inf are called so
    if isinstance(x, complex):
        return {"complex": [x.real.hex(), x.imag.hex()]}
    if isinstance(x, list):
        return list(map(to_json, x))
    return {"dict": [[to_json(key), to_json(value)] for key, value in x.items()]}


def from_json(x: Any) -> Any:
    """The data that `to_json` has written. Raises an exception for anything else."""
    if x is None or isinstance(x, (bool, str)):
        return x
    if isinstance(x, list):
        return list(map(from_json, x))
    ((kind, content),) = x.items()
    if kind == "int":
        return int(content, 16)
    if kind == "float":
        return float.fromhex(content)
    if kind == "complex":
        return complex(*map(float.fromhex, content))
    if kind == "dict":
        if not all(isinstance(key, str) for key, _ in content):
            # Numbers can be chosen so that they collide, all of them, in a dict.
            raise ValueError("a key of a dict that is no text")
        return {key: from_json(value) for key, value in content}
    raise ValueError(f"there is no kind of data called {kind!r}")


class Pipes:
    """The pipes that were stdin and stdout; what is printed from now on goes to stderr."""

    def __init__(self) -> None:
        self.requests = os.fdopen(os.dup(0), "rb")
        self.answers = os.fdopen(os.dup(1), "wb")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)

    def __iter__(self) -> Iterator[Any]:
        return map(json.loads, self.requests)

    def answer(self, last: bool = True, **content: Any) -> None:
        self.answers.write(json.dumps(content).encode() + b"\n")
        if last:
            self.answers.flush()


def nobody_types(*prompt: object) -> str:
    """In place of input(): an empty text, and to a debugger the end, for it would ask for ever."""
    if sys._getframe(1).f_globals.get("__name__") == "cmd":
        raise EOFError
    return ""


def main() -> None:
    pipes = Pipes()
    requests, answer = iter(pipes), pipes.answer
    settings = next(requests)
    # An environment's own folder, which holds more than the engine, keeps its place on the path.
    sys.path[:0] = [place for place in settings["path"] if place not in sys.path]
    sys.modules["dezero_harness"] = None  # type: ignore[assignment]  # whoever imports it is refused
    prelude = settings["prelude"]
    builtins.input = nobody_types
    try:
        runner = _load(settings["runner"], "conformance_runner")
        _limit(settings["memory"])
        engine = ""
        if settings["adapter"]:
            bridge = _load(settings["bridge"], "conformance_bridge")
            engine = bridge.install(bridge.load(settings["adapter"]))
        else:
            runner.import_engine(Path(settings["stage"]), settings["aliases"])
        exec(compile(prelude, "<prelude>", "exec"), {})  # what it imports, no case brings
        missing = runner.missing(settings["names"], prelude)
        version = str(importlib.import_module(settings["module"]).__version__)
    except Exception as error:
        failed = str(error)
        if type(error).__name__ not in ("StageError", "AdapterError"):
            failed = f"{type(error).__name__}: {error}; this is {sys.executable}"
        return answer(id=settings["id"], failed=failed)
    python = sys.version.split()[0]
    lacks = [name for name, module in settings["environment"].items() if not _is_there(module)]
    answer(
        id=settings["id"],
        failed="",
        python=python,
        version=version,
        engine=engine,
        lacks=lacks,
        missing=missing,
    )

    # What is there by now stays: a collection need not look at it, which would be most of the time
    # of many a case.
    gc.collect()
    gc.freeze()
    for request in requests:
        _end_after(request["seconds"], request["clock"])
        observed = _observe(runner, request, prelude)
        _end_after(0, 0)
        content = {**vars(observed), "value": to_json(observed.value)}
        answer(last=False, id=request["id"], **content)
        answer(id=request["id"])  # the case is over: an answer that comes now is one too many
    return None


def _observe(runner: Any, request: Any, prelude: str) -> Any:
    compiled = runner.compiled
    if request["code"]:  # whoever asks has compiled it
        code = marshal.loads(base64.b64decode(request["code"]))
        runner.compiled = lambda program, file: code
    try:
        return runner.run(
            request["program"],
            prelude,
            request["name"],
            warns=request["warns"],
            seed=request["seed"],
            lenient=request["lenient"],
        ).observed
    except KeyboardInterrupt as error:  # the stage has raised it: nobody can press keys here
        return runner.Observed(error=type(error).__name__, message=str(error))
    finally:
        runner.compiled = compiled


def _end_after(seconds: float, clock: float) -> None:
    """End this process, saying where it is, after `seconds` of processor time or by the clock.

    0 is never. Where the system cannot tell the processor time, `seconds` are of the clock as well.
    """
    if OUT_OF_TIME:
        # chain: what comes after the traceback is what the signal does by itself, the end.
        faulthandler.register(OUT_OF_TIME, file=2, chain=True)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    else:
        clock = seconds
    if clock:
        faulthandler.dump_traceback_later(clock, exit=True, file=2)
    else:
        faulthandler.cancel_dump_traceback_later()


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # of the package it is in
        return False


def _load(file: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _limit(memory: int) -> None:
    """Allow this many more bytes than there are now, where the system can hold a process to it."""
    if sys.platform == "win32":
        return
    import resource

    def lower(kind: int, limit: int) -> None:
        most = resource.getrlimit(kind)[1]
        limit = limit if most == resource.RLIM_INFINITY else min(most, limit)
        resource.setrlimit(kind, (limit, limit))

    lower(resource.RLIMIT_FSIZE, FILE_SIZE)
    if memory and sys.platform == "linux":
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        lower(resource.RLIMIT_AS, now + memory)


if __name__ == "__main__":
    main()
