"""A Python prompt on a learner's engine, in one of the cases: `nox -s lab -- run 34`.

Here print, breakpoint() and the debugger work, which have nobody to talk to in a check: there the
cases run in worker processes. This file is also what the prompt's own process starts with.
"""

from __future__ import annotations

import pdb
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from dezero_harness.cases import ALL
from dezero_harness.execution.judge import judge
from dezero_harness.execution.runner import Run, StageError, import_engine, run
from dezero_harness.execution.stage import read
from dezero_harness.labs.chapter import without_ulps
from dezero_harness.labs.telling import padded
from dezero_harness.labs.words import language_spoken, say, speaking
from dezero_harness.model.arrays import array_kind
from dezero_harness.model.case import Case
from dezero_harness.prose.catalogs import labs_in


def open_prompt(case: Case, folder: Path, debugger: bool = False) -> int:
    """Open the prompt, in a process of its own, and wait for its end. Returns 0."""
    here = [str(folder), case.id, language_spoken()]
    command = [sys.executable, "-q", "-i", "-m", __spec__.name, *here]
    former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the prompt's
    try:
        subprocess.run([*command, *["--pdb"] * debugger], check=False)
    finally:
        signal.signal(signal.SIGINT, former)
    return 0


class AtHand:
    """A case on the engine in a folder, as the prompt has it."""

    def __init__(self, folder: Path, case: Case):
        self.folder, self.case = folder.resolve(), case
        self.arrays = array_kind("numpy")
        self.right = False  # the last answer

    def show(self) -> None:
        """Print what the case says, and its program."""
        text = say(
            "Your files: {folder}, imported as dezero. The case: {statement}",
            folder=self.folder,
            statement=self.case.statement,
        )
        print(f"{text}\n")
        print("\n".join(f"    {line}".rstrip() for line in self.case.program.splitlines()), "\n")

    def run(self) -> Run | None:
        """Import the files as they are now, run the program, and print what came of it."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
            del sys.modules[name]
        try:
            stage = read(self.folder)
            import_engine(stage.path)
            done = run(self.case.program, self.arrays.prelude, "program", warns=self.case.warns)
        except StageError as error:
            print(error)
            return None
        verdict = judge(self.case, done.observed, stage.capabilities)
        print(f"  {padded(say('expected'), 10)}{verdict.expected}")
        print(f"  {padded(say('got'), 10)}{verdict.got}")
        if verdict.outcome == "passed":
            print(f"            {say('That is right.')}")
        self.right = verdict.outcome == "passed"
        for line in without_ulps(verdict.differences):
            print(f"            {line}")
        frame = self.innermost(done.exception)
        if frame:
            print(f"  {padded(say('at'), 10)}{frame}")
        print()
        return done

    def innermost(self, error: BaseException | None) -> str:
        """The innermost line of the engine's own that an exception came through."""
        found, trace = "", error.__traceback__ if error else None
        while trace:
            if self.is_mine(trace.tb_frame):
                code = trace.tb_frame.f_code
                found = f"{code.co_filename}:{trace.tb_lineno}, in {code.co_qualname}"
            trace = trace.tb_next
        return found

    def is_mine(self, frame: FrameType) -> bool:
        """Whether a frame is in a file of the folder."""
        return self.folder in Path(frame.f_code.co_filename).parents

    def debug(self, done: Run) -> None:
        """Open the debugger where the exception left the learner's files, or at the answer."""
        try:
            done.fail(AssertionError("the answer is not the expected one"))
        except Exception as error:
            debugger = _Debugger(self)
            debugger.reset()
            debugger.interaction(None, error.__traceback__)


class _Debugger(pdb.Pdb):
    """A debugger that begins in the innermost call of the learner's own, not in what it called."""

    def __init__(self, at_hand: AtHand):
        super().__init__()
        self.at_hand = at_hand

    def get_stack(self, f: FrameType | None, t: TracebackType | None) -> Any:
        """As pdb's, with another place to begin."""
        stack, place = super().get_stack(f, t)
        files = [frame.f_code.co_filename for frame, _ in stack]
        mine = [n for n, (frame, _) in enumerate(stack) if self.at_hand.is_mine(frame)]
        program = [n for n, file in enumerate(files) if file == "<program>"]
        return stack, (mine or program or [place])[-1]


def again() -> None:
    """Run the case anew, with the files as they are now; its names are those of the prompt."""
    done = _at_hand.run()
    if done is not None:
        names = {name: x for name, x in done.namespace.items() if not name.startswith("__")}
        globals().update(names)


if __name__ == "__main__":
    _folder, _id, _language, *_options = sys.argv[1:]
    _spoken = speaking(_language, labs_in(Path(_folder).resolve().parents[1], _language))
    _spoken.__enter__()  # as long as the prompt is open
    _at_hand = AtHand(Path(_folder), next(case for case in ALL if case.id == _id))
    _at_hand.show()
    _done = _at_hand.run()
    if _done is not None:
        globals().update({n: x for n, x in _done.namespace.items() if not n.startswith("__")})
        if _options and not _at_hand.right:
            _at_hand.debug(_done)
    print(
        say("The program's names are here. again() runs it anew, with your files as they are then;")
    )
    print(say("print and breakpoint() in your files work. Ctrl-D leaves."))
