"""What reads a submission's answers is bounded, and so is what a submission may take."""

import subprocess
import sys
import threading
import time

import pytest

from dezero_harness.execution import system_calls
from dezero_harness.execution.isolated import Isolated, Limits
from dezero_harness.execution.runner import Observed
from dezero_harness.execution.sandbox import Bounds, Sandbox, Watchdog
from dezero_harness.grading import judges
from dezero_harness.grading.judging import judged
from dezero_harness.grading.planning import make_plan
from dezero_harness.model.arrays import array_kind
from dezero_harness.model.case import Case, Raises

from .conftest import ROOT, package
from .test_hostile import INIT, RIGHT

STAGE = ROOT / "stages" / "step34"
#: As some in the catalogue; in the message each part of it stands where it may go on or wait.
PATTERN = r"one.*two.*three.*four.*five.*six.*seven"
MESSAGE = "one two three four five six " * 70


@pytest.fixture(scope="module")
def plan():
    return make_plan(ROOT, 34, "a seed of the bounds")


@pytest.fixture
def ask():
    with Isolated(STAGE, array_kind("numpy"), Limits(), launch=Sandbox().launch) as isolated:
        yield lambda program: isolated.observe(program, "case")


def case(expect):
    return Case(statement="x", program="0", expect=expect, source="", chapter=31, group="A")


def test_a_message_that_a_pattern_could_go_back_over_for_ever_is_read_at_once(plan):
    assert len(MESSAGE) < 2000
    started = time.monotonic()
    found = judged(plan, case(Raises("E", PATTERN)), Observed(error="E", message=MESSAGE))
    assert found["status"] == "failed"
    assert time.monotonic() - started < 2


def test_python_s_own_patterns_do_go_back_over_it_for_ever():
    """Else the test before says nothing."""
    program = f"import re; re.search({PATTERN!r}, {MESSAGE!r})"
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", program], timeout=6, check=False)


def test_a_longer_message_is_not_read(plan):
    for observed in (Observed(error="E", message="x" * 3000), Observed(value="x" * 3000)):
        found = judged(plan, case(Raises("E", PATTERN)), observed)
        assert "characters; more than 2000 are not read" in found["why"][0]


def test_an_answer_of_more_than_256_kib_is_none(ask):
    assert ask("'x' * 200_000").fault == ""
    assert "rubbish in place of an answer" in ask("'x' * 300_000").fault


def test_keys_are_text(ask):
    assert ask("{'a': 1}").value == {"a": 1}
    assert "a key of a dict that is no text" in ask("{1: 1}").fault


def test_who_compares_for_too_long_is_ended_and_the_next_one_goes_on(plan):
    files = {name: text.encode() for name, text in RIGHT.items()}
    slow = files | {INIT: b"import time\ntime.sleep(15)\n" + files[INIT]}
    one = judges.Judge(plan)
    one.seconds = 8.0
    with pytest.raises(RuntimeError, match="took too much time or memory, and was ended"):
        one.judge(slow, threading.Event())
    assert one.process.poll() is not None


def test_the_process_that_compares_has_a_bound_on_its_memory(plan):
    one = judges.Judge(plan)
    try:
        with open(f"/proc/{one.process.pid}/limits") as limits:
            (line,) = [line for line in limits if line.startswith("Max address space")]
        until = time.monotonic() + 60
        while str(judges.MEMORY) not in line and time.monotonic() < until:
            time.sleep(0.2)
            with open(f"/proc/{one.process.pid}/limits") as limits:
                (line,) = [line for line in limits if line.startswith("Max address space")]
        assert str(judges.MEMORY) in line
    finally:
        one.close()


def test_processor_time_is_bounded_from_outside_where_the_signal_is_ignored():
    limits = Limits(seconds=1.0, wall=60.0)
    program = "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True: pass\n0"
    with (
        Isolated(STAGE, array_kind("numpy"), limits, launch=Sandbox().launch) as isolated,
        Watchdog(isolated, Bounds(), threading.Event()) as watchdog,
    ):
        isolated.start()
        started = time.monotonic()
        observed = isolated.observe(program, "case")
        assert observed.fault
        assert watchdog.took_too_long()
        assert not watchdog.took_too_long()
        assert time.monotonic() - started < 50
        assert isolated.observe("1 + 1", "case").value == 2
        assert not watchdog.took_too_long()


def test_no_process_inside_shows_a_path_of_the_teacher_s(ask):
    program = """
import glob
texts = []
for file in glob.glob("/proc/[0-9]*/cmdline"):
    texts.append(open(file).read())
" ".join(texts)
"""
    seen = ask(program).value
    assert "bwrap" in seen
    for path in (str(ROOT), sys.prefix, "/tmp/"):
        assert path not in seen, path


def test_asyncio_and_threads_and_processes_still_work_in_the_sandbox(ask):
    program = """
import asyncio, subprocess, threading
thread = threading.Thread(target=print)
thread.start()
thread.join()
async def later():
    await asyncio.sleep(0)
    return 1
[asyncio.run(later()), subprocess.run(["true"]).returncode]
"""
    assert ask(program).value == [1, 0]


@pytest.mark.parametrize("machine", system_calls.MACHINES)
def test_the_filter_has_jumps_that_stay_in_it(machine):
    program = system_calls.filter_of(machine)
    count = len(program) // 8
    refused = {"x86_64": (41, 64, 68, 29, 319, 272, 165, 101), "aarch64": (198, 190, 186, 194, 279)}
    allowed = set(system_calls.numbers(machine).values())
    assert not allowed.intersection(refused[machine])
    for n in range(count):
        code, true, false = program[8 * n], program[8 * n + 2], program[8 * n + 3]
        if code != 0x06:
            assert n + 1 + max(true, false) < count


def test_input_is_an_empty_text_and_matplotlib_draws_nothing(plan):
    """What students leave at the top of a file costs nothing, and is told."""
    from dezero_harness.grading.review import notes_of
    from dezero_harness.grading.submissions import with_stand_ins

    text = package(34)[INIT]
    init = (
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nname = input('who? ')\n" + text
    )
    files = {name: text.encode() for name, text in (RIGHT | {INIT: init}).items()}
    assert len(notes_of(files)) == 2
    few = __import__("dataclasses").replace(plan, own=plan.own[:2], earlier=(), unseen=(), twins={})
    found = judges.run_submission(few, with_stand_ins(files))
    judges.close_judges()
    assert {one["status"] for one in found["cases"].values()} == {"passed"}
