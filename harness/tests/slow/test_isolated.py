"""Stages in a worker process: the same verdicts as in this one, and hostile engines."""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from conftest import ENGINE, ROOT, a_case
from dezero_harness import (
    cases,
    plugin,  # noqa: F401  (before pytester's snapshot of modules)
)
from dezero_harness.execution import isolated as isolating
from dezero_harness.execution.isolated import Isolated, Limits
from dezero_harness.execution.judge import judge
from dezero_harness.execution.pipes import Worker, WorkerError
from dezero_harness.execution.stage import StageError
from dezero_harness.execution.worker import from_json, to_json
from dezero_harness.model.arrays import array_kind
from dezero_harness.suite import (
    conformance,  # noqa: F401  (before pytester's snapshot of modules)
    matrix,
)

pytest_plugins = ["pytester"]

BEFORE = a_case()
AFTER = a_case(statement="twice 3 is 6", program="Variable(array(3.0)).twice()", expect=6.0)
HOSTILE = a_case(statement="the hostile one", program="Variable(array(2.0)).hostile()", expect=4.0)


@pytest.fixture
def worker(stage):
    """Starts workers on stages of the small engine, with this body of `hostile`."""
    with contextlib.ExitStack() as stack:

        def start(body="return self.twice()", engine=ENGINE, **limits):
            lines = "".join(f"        {line}\n" for line in body.splitlines())
            folder = stage(f"{engine}\n    def hostile(self):\n{lines}")
            limits = Limits(**({"seconds": 5.0} | limits))
            return stack.enter_context(Isolated(folder, array_kind("numpy"), limits))

        yield start


def verdict(worker, case):
    observed = worker.observe(case.program, case.id, warns=case.warns)
    return judge(case, observed, frozenset())


HOW = {
    "exits": ("import os; os._exit(3)", "the worker has ended, with exit status 3"),
    "raises SystemExit": ("raise SystemExit(3)", "an exception in place of an answer"),
    "interrupts": ("raise KeyboardInterrupt", "an exception in place of an answer"),
    "loops": ("while True: pass", "no answer within 0.5 s of computing"),
    "sleeps": ("import time; time.sleep(60)", "no answer within 2 s by the clock"),
    "waits for what never comes": (
        "import threading; threading.Event().wait()",
        "no answer within 2 s by the clock",
    ),
    "loops and heeds no signal": (
        "import signal; signal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True: pass",
        "no answer within 2 s by the clock",
    ),
    "loops as nobody can tell": (
        "import faulthandler; faulthandler.cancel_dump_traceback_later()\n"
        "import signal; signal.setitimer(signal.ITIMER_PROF, 0)\nwhile True: pass",
        "no answer within 2 s by the clock",
    ),
    "kills itself": ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "the worker "),
    "writes rubbish to every file descriptor": (
        "import os\n"
        "for fd in range(64):\n"
        "    try: os.write(fd, b'\\xff rubbish\\n')\n"
        "    except OSError: pass\n"
        "return self.twice()",
        "rubbish in place of an answer",
    ),
    "writes JSON that is no answer": (
        "import os\n"
        "for fd in range(3, 64):\n"
        "    try: os.write(fd, b'[4.0]\\n')\n"
        "    except OSError: pass\n"
        "return self.twice()",
        "rubbish in place of an answer",
    ),
    "answers for another request": (
        "import os\n"
        "for fd in range(3, 64):\n"
        """    try: os.write(fd, b'{"id": "1", "value": {"float": "0x1p2"}}\\n')\n"""
        "    except OSError: pass\n"
        "return self.twice()",
        "the worker answers for another request",
    ),
    "answers twice": (
        "import sys\n"
        "frame = sys._getframe()\n"
        "while 'answer' not in frame.f_locals: frame = frame.f_back\n"
        "found = frame.f_locals\n"
        "value = {'float': '0x1p2'}\n"
        "texts = dict.fromkeys(['error', 'message', 'trace', 'fault'], '')\n"
        "found['answer'](id=found['request']['id'], value=value, **texts)\n"
        "return self.twice()",
        "the worker has answered more than once",
    ),
    "answers too little": (
        "import sys\n"
        "frame = sys._getframe()\n"
        "while 'answer' not in frame.f_locals: frame = frame.f_back\n"
        "found = frame.f_locals\n"
        "found['answer'](id=found['request']['id'], value={'float': '0x1p2'})\n"
        "found['answer'](id=found['request']['id'])\n"
        "return self.twice()",
        "error, fault, message, notes, trace is missing",
    ),
    "closes all": ("import os; os.closerange(0, 64); return self.twice()", "the worker has "),
    "is equal to everything": (
        "class Equal:\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = None\n"
        "return Equal()",
        "another answer",
    ),
    "is a number equal to everything": (
        "class Equal(float):\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = None\n"
        "return [Equal(5.0)]",
        "another answer",
    ),
    "prints a report": (
        "print('1 passed', flush=True); print('{\"outcome\": \"passed\"}'); return 5.0",
        "another answer",
    ),
    "leaves a thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=[60], name='sleeper').start()\n"
        "return self.twice()",
        "the case leaves behind: a thread that runs on (sleeper)",
    ),
}
if sys.platform == "linux":  # others do not hold a process to a limit, or raise an exception
    HOW["reads a null pointer"] = ("import ctypes; ctypes.string_at(0)", "the worker was ended by")
    HOW["eats memory"] = ("return len(bytes(2**30))", "an exception in place of an answer")


@pytest.mark.parametrize("how", HOW)
def test_a_hostile_case_is_red_with_a_reason_and_the_others_have_their_verdicts(worker, how):
    body, reason = HOW[how]
    limits = {"memory": 512}
    if "no answer" in reason:  # on a busy machine half a second of computing may take long
        limits = {"seconds": 0.5, "wall": 60.0 if "computing" in reason else 2.0}
    run = worker(body, **limits)
    red = [verdict(run, case) for case in (BEFORE, HOSTILE, AFTER)]
    assert [each.outcome for each in red] == ["passed", "unexpected", "passed"]
    assert reason in red[1].reason


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(60)"])
def test_where_a_program_hangs_is_printed(worker, body):
    run = worker(body, seconds=0.5, wall=2.0)
    verdict(run, HOSTILE)
    assert re.search(r"__init__\.py\", line \d+ in hostile", run.printed)
    verdict(run, BEFORE)
    assert run.printed == ""


def test_a_case_that_waits_takes_no_processor_time(worker):
    """As it is on a busy machine, where a case waits for its turn."""
    run = worker("import time; time.sleep(1.0)\nreturn self.twice()", seconds=0.5)
    assert verdict(run, HOSTILE).outcome == "passed"


def test_each_case_has_its_own_processor_time(worker):
    body = "import time; end = time.process_time() + 0.6\n"
    run = worker(body + "while time.process_time() < end: pass\nreturn self.twice()", seconds=1.0)
    assert [verdict(run, HOSTILE).outcome for _ in range(3)] == ["passed"] * 3


def test_a_worker_that_is_killed_from_outside_is_told_and_replaced(worker):
    run = worker()
    assert verdict(run, BEFORE).outcome == "passed"
    run.worker.process.kill()
    killed = verdict(run, HOSTILE)
    assert killed.outcome == "unexpected"
    assert killed.reason.startswith("the worker ")
    assert killed.got == "no answer"
    assert verdict(run, AFTER).outcome == "passed"


@pytest.mark.skipif(os.name != "posix", reason="a process has ended by a signal")
def test_whoever_waits_for_a_worker_that_another_thread_ends_is_told():
    class Lingering(Worker):
        def _read(self, longest):
            super()._read(longest)
            time.sleep(0.2)  # as long as it is there, kill throws away what it has read

    worker = Lingering([sys.executable, "-c", "input()"], os.environ)
    worker.kill()
    with pytest.raises(WorkerError, match="ended by signal 9"):
        worker.receive(5)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(3)", "the worker has ended, with exit status 3"),
        ("raise SystemExit(3)", "line 2: SystemExit: 3"),
        ("1 / 0", "line 2: ZeroDivisionError: division by zero"),
    ],
)
def test_a_stage_that_cannot_be_imported_is_told_for_each_case(worker, code, reason):
    run = worker(engine=f"a = 1\n{code}\n{ENGINE}")
    for case in (BEFORE, AFTER):
        found = verdict(run, case)
        assert found.outcome == "unexpected"
        assert "`import dezero` fails" in found.reason
        assert reason in found.reason


def test_a_stage_that_cannot_be_started_is_tried_three_times(worker, monkeypatch):
    run = worker(engine=f"raise SystemExit\n{ENGINE}")
    for _ in range(3):
        with pytest.raises(StageError):
            run.start()
    monkeypatch.setattr(isolating, "_Worker", None)
    assert "SystemExit" in verdict(run, BEFORE).reason


@pytest.mark.parametrize("installed", [False, True], ids=["beside", "among-the-libraries"])
def test_the_harness_cannot_be_imported_in_a_worker(worker, monkeypatch, installed):
    if installed:  # as it is where it was not installed in editable form
        found = [*isolating.libraries("numpy"), str(ROOT / "harness")]
        monkeypatch.setattr(isolating, "libraries", lambda module: found)
    observed = worker().observe("import dezero_harness.cases\n1", "a-case")
    assert observed.error == "ModuleNotFoundError"
    assert "dezero_harness" in observed.message


def test_the_path_of_a_worker_is_the_stage_and_its_libraries(worker):
    run = worker()
    places = run.observe("import sys\nsys.path", "a-case").value
    libraries = isolating.libraries("numpy")
    assert places[: len(libraries) + 1] == [str(run.stage), *libraries]
    assert str(ROOT / "harness") not in places
    assert os.getcwd() not in places


@pytest.mark.parametrize(
    "x",
    [
        None,
        True,
        "a\n\udcff",
        2**1023,
        -7,
        0.1,
        -0.0,
        5e-324,
        float("inf"),
        complex(0.1, -0.0),
        [1, [2.5, "x"], []],
        {"a": 1, "b": [0.5]},
    ],
    ids=lambda x: type(x).__name__,
)
def test_an_answer_keeps_every_bit_and_type(x):
    back = from_json(json.loads(json.dumps(to_json(x))))
    assert (back, type(back), str(back)) == (x, type(x), str(x))


def test_a_key_that_is_no_text_is_no_answer():
    """Numbers can be chosen so that all of them collide, and reading them would take for ever."""
    with pytest.raises(ValueError, match="a key of a dict that is no text"):
        from_json(json.loads(json.dumps(to_json({1: 2}))))


def test_the_same_cases_are_red_in_a_session(stage, conform, pytester):
    hang = a_case(statement="it hangs", program="print('so far')\nwhile True: pass\n1", expect=1)
    options = ["--isolated", "--time-limit=0.5", "--memory-limit=1000"]
    result = conform(stage(), *options, catalogue=[BEFORE, hang, AFTER])
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "isolated: 0.5 s of computing (5 s by the clock) and 1000 MiB for a case",
            "*no answer within 0.5 s of computing*",
            "so far",
        ]
    )
    report = json.loads((pytester.path / "reports" / "small-numpy.json").read_text("utf-8"))
    assert report["isolated"] is True
    assert report["summary"] == {"passed": 2, "refused": 0, "unexpected": 1}


@pytest.fixture
def killer(tmp_path):
    """A case whose worker is killed from outside, as by a system out of memory."""
    file = tmp_path / "pid"

    def kill():
        until = time.monotonic() + 60
        while not (file.exists() and file.read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(int(file.read_text()), signal.SIGKILL)

    program = f"""
        import os, time
        with open({str(file)!r} + "-", "w") as new:
            new.write(str(os.getpid()))
        os.rename({str(file)!r} + "-", {str(file)!r})
        time.sleep(60)
        4.0
    """
    thread = threading.Thread(target=kill)
    thread.start()
    yield a_case(statement="it is killed", program=program)
    thread.join()


KILLED = "the worker was ended by signal 9 (Killed)"


def test_a_worker_killed_from_outside_costs_a_session_one_case(stage, conform, pytester, killer):
    result = conform(stage(), "--isolated", catalogue=[BEFORE, killer, AFTER])
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines([f"          {KILLED}"])
    (file,) = pytester.path.glob("reports/*.json")
    results = json.loads(file.read_text("utf-8"))["results"]
    assert [result["outcome"] for result in results] == ["passed", "unexpected", "passed"]
    assert (results[1]["got"], results[1]["reason"]) == ("no answer", KILLED)


def test_a_worker_killed_from_outside_costs_the_matrix_one_result(stage, monkeypatch, killer):
    monkeypatch.setattr(cases, "ALL", [BEFORE, killer, AFTER])
    results = matrix.run_all([stage()], [array_kind("numpy")], 1)
    assert [result["outcome"] for result in results] == ["passed", "unexpected", "passed"]
    assert results[1]["reason"] == KILLED


@pytest.mark.parametrize("option", ["--pdb", "--trace"])
def test_a_debugger_and_a_worker_exclude_each_other(stage, conform, option):
    result = conform(stage(), "--isolated", option, catalogue=[BEFORE])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: a debugger cannot enter the worker*leave --isolated out*"])


def test_a_stage_that_exits_at_import_ends_a_session_in_one_message(stage, conform):
    result = conform(stage("import os; os._exit(7)"), "--isolated", catalogue=[BEFORE])
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "fails in a worker process" in result.stderr.str()
    assert "exit status 7" in result.stderr.str()


# The whole catalogue.


IN_PROCESS = """
import json, sys
from dezero_harness.model import arrays
from dezero_harness import cases
from dezero_harness.execution import judge
from dezero_harness.execution import runner
from dezero_harness.execution import stage
folder, array = sys.argv[1:]
loaded, prelude = stage.load(folder), arrays.array_kind(array).prelude
results = []
for case in cases.ALL:
    run = runner.run(case.program, prelude, case.id, warns=case.warns)
    results.append(judge.result_of(case, judge.judge(case, run.observed, loaded.capabilities)))
print(json.dumps(results))
"""


def without_workers(number, array):
    """The results of a stage that runs where the harness does; each stage needs another process."""
    command = [sys.executable, "-c", IN_PROCESS, str(ROOT / "stages" / f"step{number}"), array]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def verdicts(results):
    """What was decided on each case, without what is by chance: `<object at 0x7f>`."""
    parts = ("outcome", "expected", "got", "reason", "differences")
    texts = {result["id"]: json.dumps([result[part] for part in parts]) for result in results}
    return {key: re.sub(r"\b0x\w+", "0x", text) for key, text in sorted(texts.items())}


def by_many_pytests(number, array, folder):
    """The results of a stage whose cases two processes of pytest share out, in random order."""
    command = [sys.executable, "-m", "pytest", "-p", "dezero_harness.plugin", "-p", "xdist"]
    command += [f"--stage={ROOT / 'stages' / f'step{number}'}", f"--array={array}", "-n2"]
    command += ["--shuffle", "--seed=3", f"--report={folder / 'report.json'}"]
    settings = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=folder, env=settings, capture_output=True, check=True)
    return json.loads((folder / "report.json").read_text("utf-8"))["results"]


@pytest.mark.parametrize(("number", "array"), [(31, "numpy"), (36, "strict")])
def test_verdicts_are_the_same_three_times_in_any_order_and_in_parallel(
    number, array, monkeypatch, tmp_path
):
    here = verdicts(without_workers(number, array))
    assert len(here) == len(cases.ALL)
    monkeypatch.setattr(cases, "ALL", random.Random(1).sample(cases.ALL, len(cases.ALL)))
    folder = ROOT / "stages" / f"step{number}"
    assert verdicts(matrix.run_all([folder], [array_kind(array)], 1)) == here
    assert verdicts(by_many_pytests(number, array, tmp_path)) == here
