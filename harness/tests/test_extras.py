"""What needs JAX or Dask: their array kinds, the compiler, the examples, a cluster of processes."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_examples import check_example, name_of
from test_examples import run as run_example

from dezero_harness.execution.runner import run
from dezero_harness.execution.shell import shell_lines
from dezero_harness.model.arrays import array_kind
from dezero_harness.site.expected_output import EXAMPLES, out_of_core

ROOT = Path(__file__).parents[2]
EXTRA = [example for example in EXAMPLES if example.extra]


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """The last stage, as `dezero`."""
    monkeypatch.syspath_prepend(ROOT / "stages" / "step36")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "dezero"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("example", EXTRA, ids=name_of)
def test_example(example, tmp_path):
    check_example(example, tmp_path)


def test_each_extra_has_an_example():
    assert {example.extra for example in EXTRA} == {"jax", "dask"}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["polynomial", "sin", "tanh"])
def test_what_is_compiled_does_no_more_work_than_jax_grad(name, order):
    """By XLA's own count of what it compiled, the same on every machine, unlike a time."""
    import jax
    import jax.numpy as jnp

    from dezero import Variable
    from dezero import functions as F

    def polynomial(x):
        return x**4 - 2 * x**2

    f, reference = {
        "polynomial": (polynomial, polynomial),
        "sin": (F.sin, jnp.sin),
        "tanh": (F.tanh, jnp.tanh),
    }[name]

    def stage(data):
        x = Variable(data)
        y = f(x)
        for _ in range(order):
            x.cleargrad()
            y.backward(create_graph=True)
            y = x.grad
        return y.data

    for _ in range(order):
        reference = jax.grad(lambda data, former=reference: former(data).sum())

    data = jnp.linspace(0.1, 2.0, 1000)
    ours, theirs = (jax.jit(g).lower(data).compile() for g in (stage, reference))
    assert jnp.allclose(ours(data), theirs(data), rtol=1e-5, atol=1e-5)
    work, allowed = ours.cost_analysis(), theirs.cost_analysis()
    for count in ("bytes accessed", "transcendentals"):
        assert work.get(count) == allowed.get(count)
    spare = 2 * data.size if name == "sin" else 0  # two signs, where JAX sees that they cancel
    assert work.get("flops", 0) <= allowed.get("flops", 0) + spare


# Arrays.


def observe(kind, program):
    return run(program, array_kind(kind).prelude, "a test").observed


@pytest.mark.parametrize("kind", ["jax", "dask"])
def test_a_program_has_the_arrays_of_its_kind(kind):
    observed = observe(kind, "x = array([0.5, 2.0, 4.0])\ntype(x).__module__, kind(x), x")
    module, word, numbers = observed.value
    assert module.startswith("jax" if kind == "jax" else "dask.array")
    assert (word, numbers) == ("array", [0.5, 2.0, 4.0])


def test_a_dask_array_of_a_case_is_in_several_chunks():
    program = "array([[1.0, 2.0, 3.0]] * 2).numblocks, array(1.0).numblocks, array([]).numblocks"
    assert observe("dask", program).value == [[2, 2], [], [1]]


def test_what_is_compiled_on_jax_is_traced_once_and_without_numbers():
    program = """
seen = []

def slope(data):
    seen.append(type(data).__name__)
    x = Variable(data)
    (x * x).backward()
    return x.grad.data

f = compiled(slope)
f(array(1.0)), f(array(3.0)), seen
"""
    first, second, seen = observe("jax", program).value
    assert (first, second) == (2.0, 6.0)
    assert len(seen) == 1
    assert "Tracer" in seen[0]
    assert observe("dask", program).value[2] == ["Array", "Array"]


@pytest.mark.parametrize("kind", ["jax", "dask"])
def test_the_lines_for_a_shell_compute_in_float64(kind):
    program = "x = Variable(array(0.1))\n(x * x).backward()\nrepr(x.grad.dtype)\n"
    lines = shell_lines(ROOT / "stages/step36", array_kind(kind).prelude, program)
    shell = subprocess.run(
        [sys.executable, "-i", "-q"], input="\n".join([*lines, ""]), capture_output=True, text=True
    )
    assert "float64" in shell.stdout, shell.stderr


# A cluster.


@pytest.fixture
def machines(tmp_path):
    """The address of a scheduler, and its two workers, which are processes without an engine."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = [sys.executable, "-m", "distributed.cli.dask_{}"]
    file = tmp_path / "scheduler.json"
    options = {"cwd": tmp_path, "env": env, "stderr": subprocess.DEVNULL}
    started = []

    def start(what, *arguments):
        parts = [part.format(what) for part in command]
        started.append(subprocess.Popen([*parts, *arguments], **options))

    try:
        start(
            "scheduler",
            "--host=127.0.0.1",
            "--port=0",
            "--no-dashboard",
            f"--scheduler-file={file}",
        )
        # The scheduler makes the file first, and then writes it.
        wait_for(lambda: file.exists() and file.read_text("utf-8").endswith("}"), started)
        address = json.loads(file.read_text("utf-8"))["address"]
        for _ in range(2):
            options_of_one = ["--nthreads=1", "--no-nanny", "--no-dashboard", "--host=127.0.0.1"]
            start("worker", address, *options_of_one)
        yield address, started[1:]
    finally:
        for process in reversed(started):
            process.kill()  # on a busy machine a worker that is asked to end may take a minute
        for process in started:
            process.wait()


def wait_for(condition, processes):
    until = time.monotonic() + 180
    while not condition():
        assert all(process.poll() is None for process in processes), "a process has ended"
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_same_script_runs_on_a_cluster(machines, tmp_path):
    cluster, _ = machines
    folder = tmp_path / "here"
    folder.mkdir()
    check_example(out_of_core("--scheduler", cluster), folder)
    from distributed import Client

    def engines():  # in here, so that it travels to the workers, who know nothing of this file
        return [name for name in sys.modules if name.partition(".")[0] == "dezero"]

    with Client(cluster) as client:
        assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2
        assert not any(client.run(engines).values()), "a worker has imported the engine"
        done = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)
        assert done > 100, "the workers have had next to nothing to do"


def test_a_worker_is_killed_half_way_and_the_numbers_are_the_same(machines, tmp_path):
    """Dask computes again what was lost with it; the sums are of the same parts, in one order."""
    from distributed import Client

    address, workers = machines
    script = ROOT / "stages/step36/examples/out_of_core.py"
    command = [sys.executable, str(script), "--size=2e6", "--chunk=2e4", f"--scheduler={address}"]
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'stages/step36'}{os.pathsep}{ROOT / 'shared'}"}
    undisturbed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert undisturbed.returncode == 0, undisturbed.stderr

    def progress(dask_scheduler):
        counted = [group.states["memory"] for group in dask_scheduler.task_groups.values()]
        total = sum(sum(group.states.values()) for group in dask_scheduler.task_groups.values())
        return sum(counted), total

    with Client(address) as client:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        disturbed = subprocess.Popen(command, env=env, **pipes)
        seen = {}

        def half_way():
            assert disturbed.poll() is None, "it has ended before a worker was killed"
            seen["memory"], seen["total"] = client.run_on_scheduler(progress)
            return seen["total"] > 100 and seen["memory"] > 10

        wait_for(half_way, workers)
        workers[0].kill()
        workers[0].wait(10)
        out, err = disturbed.communicate(timeout=300)
        alive = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.workers))
    assert disturbed.returncode == 0, err
    assert alive == 1
    assert out == undisturbed.stdout


# What cannot be done.


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers at tcp://127.0.0.1:9"),
        (["--scheduler", "nowhere://"], "no scheduler answers at nowhere://"),
        (["--size", "3"], "--size is 20 or more"),
        (["--size", "1.5"], "'1.5' is no whole number"),
        (["--chunk", "-1"], "'-1' is no whole number"),
        (["--chunk", "many"], "--chunk"),
    ],
)
def test_what_is_no_size_and_no_scheduler_is_refused(args, said, tmp_path):
    done = run_example(tmp_path, 36, "out_of_core.py", *args)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("script", "module"), [("compiled.py", "jax"), ("out_of_core.py", "dask")])
def test_without_the_library_an_example_says_what_to_install(script, module, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(f"import sys; sys.modules[{module!r}] = None\n")
    file = ROOT / "stages/step36/examples" / script
    done = subprocess.run(
        [sys.executable, file],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert re.search(rf'needs {module}.*pip install "\./shared\[{module}\]"', done.stderr, re.I)
    assert "Traceback" not in done.stderr
