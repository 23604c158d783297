"""Programs run in this process, where there is no other, with the manners of a worker process."""

import contextlib
import signal
import sys

import pytest

from dezero_harness.execution.here import Here, Late
from dezero_harness.execution.isolated import Limits
from dezero_harness.execution.runner import StageError
from dezero_harness.model.arrays import array_kind

ENGINE = """
class Variable:
    count = 0

    def __init__(self, data):
        self.data = data
        Variable.count += 1
"""


@contextlib.contextmanager
def timer(seconds):
    """As the clock of a page does, through a signal."""

    def late(*_):
        raise Late

    former = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


@pytest.fixture
def here(tmp_path):
    """Make it for an engine of this text."""
    made = []
    engines = [name for name in sys.modules if name.partition(".")[0] == "dezero"]
    others = {name: sys.modules.pop(name) for name in engines}  # of other tests

    def start(text=ENGINE, **options):
        folder = tmp_path / f"engine{len(made)}"
        (folder / "dezero").mkdir(parents=True)
        (folder / "dezero/__init__.py").write_text(text, "utf-8")
        made.append(Here(folder, array_kind("numpy"), Limits(seconds=0.3, start=0.3), **options))
        return made[-1]

    path, bytecode = list(sys.path), sys.dont_write_bytecode
    yield start
    for one in made:
        one.stop()
    assert "dezero" not in sys.modules
    assert sys.path == path
    sys.dont_write_bytecode = bytecode
    sys.modules.update(others)


def test_programs_share_an_engine_until_one_leaves_something_behind(here):
    worker = here()
    for count in (1, 2):
        assert worker.observe("Variable(1.0)\nVariable.count", "counts").value == count
    left = worker.observe("np.seterr(all='ignore')\n1", "leaves")
    assert "floating point error state" in left.fault
    assert worker.observe("Variable(1.0)\nVariable.count", "counts").value == 1


def test_two_engines_are_kept_apart(here):
    one, other = here(), here(ENGINE.replace("count = 0", "count = 10"))
    assert one.observe("Variable.count", "counts").value == 0
    one.stop()
    assert other.observe("Variable.count", "counts").value == 10


def test_what_does_not_end_is_ended(here):
    worker = here(timer=timer)
    for program in ("while True: pass\n1", "while True:\n try: 1\n except Exception: pass\n1"):
        assert worker.observe(program, "loop").fault == "no answer within 0.3 s of computing"
    assert worker.observe("1 + 1", "sum").value == 2
    with pytest.raises(StageError, match="line 1: Late: it does not end"):
        here("while True: pass", timer=timer).start()


def test_what_is_printed_is_kept_and_nobody_is_asked(here):
    worker = here(ENGINE + "\nprint('from the engine')\n")
    observed = worker.observe("print('hello')\nbreakpoint()\ninput()", "prints")
    assert observed.value == ""
    assert worker.printed.endswith("hello\n")


def test_a_line_of_an_error_is_that_of_the_file_as_it_is(here):
    worker = here()
    file = worker.stage / "dezero/__init__.py"
    for line in ("raise ValueError('one')", "raise ValueError('two')"):
        file.write_text(f"{ENGINE}\ndef f():\n    {line}\n", "utf-8")
        worker.stop()
        assert worker.observe("dezero.f()", "fails").trace.endswith(line)
