"""The programs in the prose print what the prose says they print."""

import contextlib
import io
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from dezero_harness.prose.markdown import programs

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [(n, f"stages/step{n}/README.md") for n in range(31, 37)] + [(33, "README.md")]


def run_blocks(programs):
    """What each program prints, run one after the other; an exception prints its last line."""
    names, printed = {"__name__": "__main__"}, []
    for program in programs:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            try:
                exec(compile(program, "<chapter>", "exec"), names)
            except Exception as error:
                print("".join(traceback.format_exception_only(error)), end="")
        printed.append(output.getvalue())
    return printed


@pytest.mark.parametrize(("stage", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_text_shows_what_its_programs_print(stage, text):
    pairs = [(p.source, p.prints) for p in programs((ROOT / text).read_text("utf-8"))]
    folders = [ROOT / f"stages/step{stage}", ROOT / "shared"]
    worker = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([program for program, _ in pairs]),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert worker.returncode == 0, worker.stderr
    printed = [output.replace(str(ROOT) + os.sep, "") for output in json.loads(worker.stdout)]
    assert printed == [shown for _, shown in pairs]
    assert any(printed)


if __name__ == "__main__":
    json.dump(run_blocks(json.load(sys.stdin)), sys.stdout)
