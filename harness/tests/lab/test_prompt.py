"""`nox -s lab -- run 34` in a terminal, as a learner types into it."""

import sys

import pytest
from test_lab import solve_but

pexpect = pytest.importorskip(
    "pexpect", reason="NOT RUN: pexpect, and with it terminals, is not here"
)
PATIENCE = 300  # seconds, on a machine that does much else
PROMPT = r">>> $"


@pytest.fixture
def run(root):
    """Starts `run 34` in a terminal; what has been started is ended."""
    started = []

    def start(*options):
        words = ["-m", "dezero_harness.labs", "run", "34", *options]
        child = pexpect.spawn(
            sys.executable,
            words,
            cwd=str(root),
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(40, 200),
        )
        started.append(child)
        return child

    yield start
    for child in started:
        child.close(force=True)


def say(child, words, until=PROMPT):
    """Type a line; what the terminal shows up to the next prompt."""
    child.sendline(words)
    child.expect(until)
    return child.before


def left(child):
    """The status with which it ends."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_the_prompt_answers_survives_ctrl_c_and_runs_the_case_anew(root, run):
    solve_but(root, "return gy * cos(x)", "print('gy is', gy)\n        return gy * sin(x)")
    file = root / "labs/step34/dezero/functions.py"
    child = run()
    child.expect(PROMPT)
    assert "The case: the slope of sin at 1 is cos 1" in child.before
    assert "gy is variable(1.0)" in child.before
    assert "variable(0.8414709848078965)" in say(child, "x.grad")
    child.sendline("while True: pass")
    child.sendline("")
    child.expect(r"\.\.\. ")
    child.sendintr()
    child.expect("KeyboardInterrupt")
    child.expect(PROMPT)
    wrong = file.read_text("utf-8")
    file.write_text(wrong.replace("gy * sin(x)", "gy * cos(x)"), "utf-8")
    assert "That is right." in say(child, "again()")
    assert "variable(0.5403023058681398)" in say(child, "x.grad")
    child.sendeof()
    assert left(child) == 0


def test_breakpoint_and_the_debugger_take_what_is_typed(root, run):
    solve_but(root, "return gy * cos(x)", "breakpoint()\n        return gy * cos(x, 2)")
    child = run("slope", "of", "sin", "at", "1", "--pdb")
    debugger = r"\(Pdb\) $"
    child.expect(debugger)  # the learner's own breakpoint
    assert "functions.py(" in child.before
    assert "variable(1.0)" in say(child, "gy", debugger)
    said = say(child, "continue", debugger)  # on to what went wrong, in the learner's own line
    assert "TypeError" in said
    assert "gy * cos(x, 2)" in said
    assert "variable(1.0)" in say(child, "x", debugger)
    child.sendline("quit")
    child.expect(PROMPT)
    child.sendeof()
    assert left(child) == 0
