"""The bench: its answers are checked, its ratios are right, its tables leave nobody out.

No test here depends on how long anything takes.
"""

import base64
import json

import numpy as np
import pytest

from conftest import ROOT
from dezero_harness.bench import cluster
from dezero_harness.bench import jobs as bench_jobs
from dezero_harness.bench import report as bench_report
from dezero_harness.bench.__main__ import main
from dezero_harness.bench.measure import Bench, Row, Subject, check
from dezero_harness.bench.report import PEERS, comparison, duration, quartiles, ratio
from dezero_harness.model import taylor


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the bench from the repository; returns its status, what it said, and its reports."""
    monkeypatch.chdir(ROOT)

    def start(*arguments):
        reports = tmp_path / "reports"
        status = main([*arguments, "--quick", f"--reports={reports}"])
        file = reports / "bench.json"
        content = json.loads(file.read_text("utf-8")) if file.is_file() else None
        return status, capsys.readouterr(), content

    return start


def as_answer(*arrays, dtype="float64"):
    """What a worker answers with these arrays."""
    return [
        {
            "dtype": dtype,
            "shape": np.shape(a),
            "base64": base64.b64encode(np.asarray(a, np.float64).tobytes()).decode(),
        }
        for a in arrays
    ]


# What is expected comes from calculus, and is not taken from any engine


def test_what_is_expected_is_known_from_elsewhere():
    expected = {name: job.expected() for name, job in bench_jobs.JOBS.items()}
    assert expected["any-tanh8"][1] == pytest.approx(1 / np.cosh(0.7) ** 2, rel=1e-14)
    wave = [0.7 * np.sin(0.7), np.sin(0.7) * (1 - 2 * 0.7**2) + 0.7 * np.cos(0.7)]
    for k in (0, 1):
        assert expected["any-wave8"][k] == pytest.approx(wave[k] * np.exp(-0.49), rel=1e-14)
    assert expected["newton"] == 1.0
    assert expected["double"] == 100.0
    assert expected["tanh2"] == pytest.approx(-0.6397000084492246, rel=1e-14)  # -2 t (1 - t^2)
    assert bench_jobs.tanh_polynomial(3) == [-2, 0, 8, 0, -6]  # DLMF 4.34: sech^2 (4 - 6 sech^2)
    x = np.linspace(-2.0, 2.0, 10**6)
    np.testing.assert_allclose(expected["array-poly1"], 4 * x * (x - 1) * (x + 1), atol=1e-13)


@pytest.mark.parametrize("name", [n for n, j in bench_jobs.JOBS.items() if n.startswith("array")])
def test_the_derivatives_by_hand_are_those_of_calculus(name):
    job = bench_jobs.JOBS[name]
    for program in (job.by_hand(), job.same_steps()):
        np.testing.assert_allclose(program(), job.expected(), rtol=0, atol=1e-13 * 44)


def test_the_gradient_penalty_by_hand_agrees_with_finite_differences():
    job = bench_jobs.GradientPenalty()
    x, *weights = job.inputs

    def penalty(w0, b, w1):
        slope = 1 - np.tanh(x @ w0 + b) ** 2
        gradient = (slope * w1[:, 0]) @ w0.T
        return np.mean((np.sqrt(np.sum(gradient**2, axis=1)) - 1) ** 2)

    for i, gradient in enumerate(job.expected()):
        assert gradient.shape == weights[i].shape
        for at in np.ndindex(gradient.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [w.copy() for w in weights]
                moved[i][at] += step
                ends.append(penalty(*moved))
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[at], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("job", bench_jobs.ANY_ORDER[:6:3] + bench_jobs.ANY_ORDER[6:9:2])
def test_derivatives_of_any_order_are_those_of_an_oracle_that_shares_no_code(job):
    """By Taylor polynomials of the harness; to order 12, where their doubles are still good."""
    (x,) = taylor.variables(12, 0.7)
    y = job.evaluated(x, taylor.sin, taylor.exp, taylor.tanh)
    for k, exact in enumerate(job.exact(0.7)[:13]):
        assert exact == pytest.approx(float(y.partial(*[0] * k)), rel=1e-9)


def test_series_take_part_in_a_quick_run_to_every_order(run):
    status, said, report = run("--only=any-tanh40,any-wave20", "--stages=36", "--peers=series,jet")
    assert status == 0, said.out
    assert [set(row["times"]) for row in report["rows"]] == [{"Taylor series"}] * 2
    for row in report["rows"]:  # where JAX is installed
        assert row["left_out"].get("jet", "not in a quick run").startswith("not in a quick run")


def test_a_walk_touches_the_whole_graph_and_nothing_else(run):
    for shape in bench_jobs.OF_THE_TREE:
        job = bench_jobs.make(shape, 100)
        assert np.all(job.expected() == (1.0 if shape.startswith("tree") else 198.0))


def test_the_table_of_the_cluster_says_what_is_scheduling():
    made = measured()
    made.cluster = [
        {"workers": n, "size": 10**8, "seconds": seconds, "computing": computing}
        for n, seconds, computing in [(0, 8.0, 8.0), (1, 10.0, 7.5), (2, 6.0, 9.0), (2, 6.0, 9.0)]
    ]
    text = bench_report.in_full(made, "")
    assert "means of sin and 4 derivatives, 1e8 numbers" in text
    assert "| no cluster, one process | 8.00 s ±0% | – |" in text  # noqa: RUF001
    assert "| 1 worker | 10.0 s ±0% | 25% |" in text
    assert "| 2 workers | 6.00 s ±0% | 25% |" in text


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("ModuleNotFoundError: No module named 'dask'", "on a cluster: not measured, Module"),
        ("ValueError: what", "cluster of 0: ValueError: what"),
    ],
)
def test_a_cluster_that_cannot_be_had_is_told(run, monkeypatch, tmp_path, last, said):
    script = tmp_path / "cluster.py"
    kind, _, message = last.partition(": ")
    script.write_text(f"raise {kind}({message!r})")
    monkeypatch.setattr(cluster, "__file__", str(script))
    status, output, _ = run("--only=cluster", "--stages=36", "--peers=")
    assert said in output.out
    assert status == ("Value" in last)


# An answer is checked before anything is timed


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (as_answer([1.0, 2.0]), ""),
        (as_answer(1.0, 2.0), ""),  # as several arrays
        (as_answer([1.0, 2.0 + 1e-11]), "answers 2.00000000001 where 2.0 is right"),
        (as_answer([float("nan"), 2.0]), "answers nan where 1.0 is right"),
        (as_answer([1.0]), "answers shapes [(1,)], not [(2,)]"),
        (as_answer([1.0, 2.0], dtype="float32"), "answers in float32, not in float64"),
        ([], "answers shapes [], not [(2,)]"),
    ],
)
def test_only_the_expected_answer_is_right(answer, said):
    assert check(answer, np.array([1.0, 2.0]), 1e-12) == said


def test_an_engine_that_answers_wrongly_is_named_and_gets_no_time(run, copied):
    broken = copied(36, "dezero/functions.py", "def sin(x):", "def sin(x):\n    x = x + 1.0")
    status, said, report = run("--only=sin,newton", f"--stages=34,{broken}", "--peers=by_hand")
    assert status == 1
    sin, newton = sorted(report["rows"], key=lambda row: row["job"] == "newton")
    assert set(sin["times"]) == {"step34", "by hand"}
    assert set(newton["times"]) == {"step34", "step36", "by hand"}
    assert sin["wrong"]["step36"].startswith("step36 answers ")
    assert f"sin: {sin['wrong']['step36']}" in said.out.partition("## Failures")[2]
    assert "| sin, 4th derivative at 200 points | wrong |" in said.out


def test_an_engine_that_raises_or_ends_loses_no_other_result(run, copied):
    raises = copied(
        34, "dezero/functions.py", "def sin(x):", "def sin(x):\n    raise ValueError('no')"
    )
    ends = copied(
        35, "dezero/functions.py", "def sin(x):", "def sin(x):\n    import os; os._exit(3)"
    )
    status, _, report = run("--only=sin", f"--stages={raises},{ends},36", "--peers=")
    assert status == 1
    (row,) = report["rows"]
    assert set(row["times"]) == {"step36"}
    assert row["wrong"] == {
        "step34": "step34: ValueError: no",
        "step35": "step35: the worker has ended, with exit status 3",
    }


def test_engines_are_timed_with_the_garbage_collector_on_and_their_imports_frozen(run, copied):
    collected = """def sin(x):
    import gc
    if not gc.isenabled() or gc.get_freeze_count() < 1000:
        raise ValueError("not as users have it")
"""
    engine = copied(36, "dezero/functions.py", "def sin(x):\n", collected)
    status, said, _ = run("--only=sin", f"--stages={engine}", "--peers=")
    assert status == 0, said.out


# Ratios and tables


def test_a_ratio_is_taken_within_each_round():
    times = {"a": [2.0, 20.0, 2.0], "b": [1.0, 10.0, 4.0]}  # the second round was disturbed
    assert ratio(times, "a", "b") == (1.25, 2.0, 2.0)
    assert ratio(times, "b", "a") == (0.5, 0.5, 1.25)
    assert ratio(times, "a", "c") is None


def test_quartiles_and_durations():
    assert quartiles([3.0]) == (3.0, 3.0, 3.0)
    assert quartiles([5.0, 1.0, 2.0, 4.0, 3.0]) == (2.0, 3.0, 4.0)
    texts = [duration(x) for x in (8.95e-4, 0.021, 4.5e-6, 3e-8, 2.0)]
    assert texts == ["895 µs", "21.0 ms", "4.50 µs", "0.03 µs", "2.00 s"]


def measured():
    """A bench with figures that somebody made up."""
    stage = Subject("step36", "dezero", capabilities=frozenset({"create_graph"}))
    peers = [Subject(PEERS[kind], kind) for kind in ("by_hand", "book", "jax", "torch")]
    peers[2].absent = "ModuleNotFoundError: No module named 'jax'"
    made = Bench([stage, *peers], quick=False)
    times = {"step36": [1e-3, 2e-3, 1e-3], "PyTorch": [2e-3, 4e-3, 2e-3], "by hand": [1e-5] * 3}
    wrong = {"book": "book answers 2.0 where 1.0 is right"}
    made.rows = [Row("newton", "Newton", times, wrong=wrong)]
    made.nodes = {"step36": 579.2}
    made.growth = [
        {"shape": "chain", "create_graph": False, "n": n, "engine": "step36", "times": [t, t]}
        for n, t in ((1000, 4e-6), (10**6, 5e-6))
    ]
    return made


def test_the_table_leaves_nobody_out():
    head, _, row, _ = comparison(measured(), bench_jobs.SCALAR, "step36", full=False)
    assert head == "| job | step36 | by hand | book | JAX | PyTorch |"
    assert row == "| Newton | 1.00 ms | 0.01 ±13% | wrong | not installed | 2.00 ±0% |"
    *_, row, _ = comparison(measured(), bench_jobs.SCALAR, "step36", full=True)
    assert "| **2.00** (2.00–2.00) |" in row  # noqa: RUF001


def test_an_engine_that_is_left_out_is_so_for_a_stated_reason():
    made = measured()
    made.rows[0].left_out["PyTorch"] = "it was tired"
    del made.rows[0].times["PyTorch"]
    lines = comparison(made, bench_jobs.SCALAR, "step36", full=False)
    assert lines[2].endswith("| not run [1] |")
    assert "[1] PyTorch, Newton: it was tired.  " in lines


def test_the_report_says_which_goals_are_met_and_what_was_never_run():
    made = measured()
    made.growth += [
        {"shape": "walk", "create_graph": False, "n": n, "engine": "step36", "times": [t]}
        for n, t in ((1000, 2e-7), (10**6, 1.8e-6))
    ]
    text = bench_report.in_full(made, "2000-01-01")
    assert "| walk | plain | step36 | 0.20 | 1.80 | 9.00 | 579 |" in text
    assert "| newton | PyTorch | 0.50 | 0.90 | yes |" in text
    assert "| chain, plain, 1,000,000 | 1,000 | 1.25 | 1.20 | **no** |" in text
    assert "| chain | plain | step36 | 4.00 | 5.00 | 1.25 | 579 |" in text
    assert "JAX: not installed (ModuleNotFoundError: No module named 'jax')." in text
    goals = {(goal["what"], goal["beside"]) for goal in bench_report.as_json(made, "")["goals"]}
    assert goals == {("newton", "PyTorch"), ("chain, plain, 1,000,000", "1,000")}


# The command


def test_a_quick_run_checks_every_stage_and_writes_its_reports(run):
    status, said, report = run(
        "--only=newton,tanh2,array-tanh2,growth",
        "--peers=book,same_steps,by_hand",
    )
    assert status == 0, said.out + said.err
    ran = {row["job"]: set(row["times"]) for row in report["rows"]}
    stages = {f"step{n}" for n in range(31, 37)}
    assert stages & ran["newton"] == stages - {"step31"}
    assert stages & ran["tanh2"] == {"step35", "step36"}
    assert {"by hand", "same steps"} <= ran["array-tanh2"]
    shapes = [(shape, graph) for shape in bench_jobs.GROWTH for graph in (False, True)]
    shapes += [(shape, False) for shape in bench_jobs.OF_THE_TREE]
    assert {(g["shape"], g["create_graph"], g["n"]) for g in report["growth"]} == {
        (*shape, n) for shape in shapes for n in (100, 1000)
    }
    assert [engine["name"] for engine in report["engines"]][6:] == ["by hand", "same steps", "book"]
    assert "no figure here is a measurement" in said.out
    assert "book: not installed" in said.out


def test_the_tables_are_written_between_the_marks_of_a_readme(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bench -->\nstale\n<!-- /bench -->\nafter\n", "utf-8")
    places = [f"--readme={readme}", f"--reports={tmp_path}"]
    assert main(["--only=double", "--stages=36", "--peers=book", "--write", *places]) == 0
    text = readme.read_text("utf-8")
    assert text.startswith("before\n<!-- bench -->\n")
    assert text.endswith("<!-- /bench -->\nafter\n")
    assert "stale" not in text
    assert "| double backprop, z = (dy/dx)³ + y |" in text
    assert "book: not installed" in text


def test_a_stage_inside_the_compiler_is_a_stage(run):
    """No stage takes part in jit1 by itself; the stage in jit does, where JAX is installed."""
    _, said, _ = run("--only=jit1", "--stages=36", "--peers=compiled")
    assert "No stage that was named can do" not in said.out
    _, said, _ = run("--only=jit1", "--stages=34", "--peers=compiled")
    assert "No stage that was named can do: jit1" in said.out


def test_a_stage_is_asked_for_what_it_can_do_alone(run):
    status, said, report = run("--only=newton,chain", "--stages=31", "--peers=by_hand")
    assert status == 0
    assert [row["job"] for row in report["rows"]] == ["chain"]
    assert "No stage that was named can do: newton" in said.out


def test_the_bare_engine_takes_part_where_arrays_are_small_and_answers_rightly(run):
    small = "newton,sin,tanh2,tanh4,tanh6,tanh8,chain,tree,double"
    status, _, report = run(f"--only={small},array-sin1", "--stages=36", "--peers=bare")
    assert status == 0
    assert [row["job"] for row in report["rows"] if "bare engine" in row["times"]] == small.split(
        ","
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only=fourier"], "no job 'fourier'; there are newton, sin, tanh2"),
        (["--stages=37"], "'37' is no stage and no folder; the stages are 31, 32, 33, 34, 35, 36"),
        (["--stages=shared"], "no engine in this folder"),
        (["--peers=numpyro"], "no 'numpyro'; there are series, by_hand"),
        (["--book=docs"], "no package dezero in this folder"),
        (["--write", "--readme=LICENSE"], "put the lines <!-- bench --> and <!-- /bench -->"),
        (["--write", "--quick"], "--quick measures nothing that could be written"),
        (["--reports=LICENSE"], "--reports LICENSE: cannot be written"),
        (["--reports=LICENSE/sub"], "cannot be written"),
    ],
)
def test_bad_input_is_told_before_anything_runs(arguments, said, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(Subject, "start", lambda self: pytest.fail("it has started"))
    if not any(argument.startswith("--reports") for argument in arguments):
        arguments = [*arguments, f"--reports={tmp_path}"]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
