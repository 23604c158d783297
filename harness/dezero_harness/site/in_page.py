"""Runs programs inside the page: CPython in WebAssembly calls this, in a worker of the browser.

The clone is unpacked there at /clone. Each run is of one stage, all of whose modules are imported
anew, in a namespace of its own.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import re
import signal
import sys
import time
import traceback
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

MOST_PRINTED = 50_000  # characters
MOST_NODES = 2_000  # of a graph that is recorded here
OFTEN = 0.1  # seconds between two messages to the page


class TooMuchPrinted(BaseException):
    """Not an Exception: `except Exception` in a program is not to catch it."""


class Printed(io.TextIOBase):
    """What a program prints, said to the page from time to time."""

    def __init__(self, say: Callable[[str], Any]):
        self.say, self.waiting, self.count, self.last = say, list[str](), 0, 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = MOST_PRINTED - self.count
        self.waiting.append(text[:room])
        self.count += len(text)
        if len(text) > room:
            raise TooMuchPrinted
        if time.monotonic() - self.last > OFTEN:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self.waiting:
            self.say("".join(self.waiting))
        self.waiting, self.last = [], time.monotonic()


def run(
    clone: str, stage: int, programs: Sequence[str], say: Callable[[str], Any]
) -> dict[str, Any]:
    """Run these programs of a chapter one after the other; say what the last of them prints.

    They share a namespace, as at a prompt, and an exception ends the one that raised it alone.
    Returns `line`, of the last program, in which an exception left it, or 0; and `ended`, in words,
    where it was ended from outside.
    """
    enter(clone, stage)
    names: dict[str, Any] = {"__name__": "__main__"}
    for program in programs[:-1]:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            exec(compile(program, "<earlier>", "exec"), names)
    file, text = "<program>", programs[-1]
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    printed = Printed(lambda text: say(text.replace(f"{clone}/", "")))
    answer: dict[str, Any] = {"line": 0, "ended": ""}
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            try:
                exec(compile(text, file, "exec"), names)
            except Exception as error:
                answer["line"] = line_of(error, file)
                print("".join(traceback.format_exception_only(error)), end="")
        except TooMuchPrinted:
            answer["ended"] = f"It had printed more than {MOST_PRINTED:,} characters."
        except (SystemExit, KeyboardInterrupt) as error:
            answer["ended"] = f"It ended itself: {type(error).__name__} {error}".rstrip()
    printed.flush()
    return answer


def record(clone: str, stage: int, name: str, text: str, layout: Callable[[str], str]) -> str:
    """The figure to step through this program, recorded now.

    It is recorded and made into HTML by the code that makes the figures of the site; only the
    places of the nodes come from elsewhere: layout turns DOT into SVG. Raises TraceError.
    """
    enter(clone, stage)
    sys.path.insert(0, f"{clone}/harness")
    from dezero_harness.tracing import recorder, stepper, trace

    def draw(dot: str, file: Path) -> Path:
        file.write_text(layout(dot), "utf-8")
        return file

    stepper.draw = draw  # type: ignore[assignment]
    program = trace.Program(name=name, title="Your program", text=text)
    folder = Path(clone, "stages", f"step{stage}")
    with contextlib.redirect_stdout(io.StringIO()):
        answer = recorder.record(folder, f"{name}.py", text, MOST_NODES)
    return stepper.fragment(trace.trace_of(program, folder.name, answer), f"dz-{name}")


class OneLab:
    """The lab of a page. allow: says that the next may take so many seconds, 0 for no end of it."""

    def __init__(self, clone: str, data: str, allow: Callable[[float], Any]):
        sys.path[:0] = [f"{clone}/harness", f"{clone}/shared"]
        os.chdir(clone)
        from dezero_harness.execution.here import Late
        from dezero_harness.labs import in_page

        def late(*_: object) -> None:
            raise Late

        @contextlib.contextmanager
        def timer(seconds: float) -> Iterator[None]:
            allow(seconds)
            try:
                yield
            finally:
                allow(0)

        signal.signal(signal.SIGINT, late)
        packed = in_page.unpack(zlib.decompress(b64decode(data)))
        self.lab = in_page.Lab(packed, timer, self._told)
        self.clone = clone
        self.say: Callable[[int], Any] = lambda count: None
        self.last = 0.0

    def check(self, files: str, say: Callable[[int], Any]) -> str:
        """What is to be said of these files (JSON), as JSON. say: given the cases so far."""
        self.say = say
        try:
            told = self.lab.check(json.loads(files))
        except Exception as error:
            if type(error).__name__ != "StageError":
                raise
            told = {"refused": str(error)}
        return json.dumps(told).replace(f"{self.clone}/", "")

    def hint(self) -> str:
        """What the failure of the last check is about, as JSON."""
        return json.dumps(self.lab.hint())

    def _told(self, count: int) -> None:
        if time.monotonic() - self.last > OFTEN:
            self.last = time.monotonic()
            self.say(count)


def line_of(error: BaseException, file: str) -> int:
    """The line of this file in which an exception left it; 0 if it was never there."""
    if isinstance(error, SyntaxError):
        return error.lineno or 0
    there = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return (there[0] if there else 0) or 0


def enter(clone: str, stage: int) -> None:
    """The next `import dezero` is of this stage, and nothing of another is left."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("dezero", "dezero_shared", "dezero_harness"):
            del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if not re.match(rf"{clone}/(stages|shared)/", entry)]
    sys.path[:0] = [f"{clone}/stages/step{stage}", f"{clone}/shared"]
    os.chdir(clone)


def unpack(clone: str, files: dict[str, str]) -> None:
    """Write the files of the clone; a text that begins with @ names the file that it is as."""
    for name, text in files.items():
        path = Path(clone, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[text[1:]] if text.startswith("@") else text, "utf-8")
