"""The papers of the last stage: short runs, interrupted ones, and what cannot be done."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dezero_harness.diffs.budget import lines_of_code

ROOT = Path(__file__).resolve().parents[2]
PAPERS = ROOT / "stages/step36/papers"
SCRIPTS = {
    "maml": ("--steps", "4"),
    "wgan_gp": ("--steps", "3", "--width", "8"),
    "trpo": ("--steps", "1", "--env", "Pendulum-v1"),
}


def environment(*folders):
    path = [*folders, ROOT / "stages/step36", ROOT / "shared"]
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path)), **single}


def run(folder, script, *args, path=()):
    command = [sys.executable, str(PAPERS / f"{script}.py"), *args]
    return subprocess.run(
        command, cwd=folder, env=environment(*path), capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def papers(monkeypatch):
    """The scripts can be imported, as can the stage."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(ROOT / "stages/step36")
    monkeypatch.syspath_prepend(PAPERS)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] in {"dezero", *(file.stem for file in PAPERS.glob("*.py"))}:
            del sys.modules[name]  # by monkeypatch it would be put back


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_paper_runs_and_writes_what_it_has_measured(script, tmp_path):
    files = ["--out", "it.png", "--json", "it.json", "--checkpoint", "it.npz"]
    done = run(tmp_path, script, *SCRIPTS[script], *files)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["it.json", "it.npz", "it.png"]
    (result,) = json.loads((tmp_path / "it.json").read_text("utf-8"))
    assert (result["paper"], result["seed"]) == (script, 0)
    assert {"versions", "machine", "date", "steps"} <= set(result)


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_goes_on_from_a_checkpoint_comes_to_the_same(script, tmp_path):
    options = [*SCRIPTS[script], "--out", "it.png", "--steps"]
    steps = {"maml": (3, 6), "wgan_gp": (2, 4), "trpo": (1, 2)}[script]
    whole = run(tmp_path, script, *options, str(steps[1]), "--json", "whole.json")
    for n in steps:
        parts = ["--checkpoint", "it.npz", "--json", "parts.json"]
        done = run(tmp_path, script, *options, str(n), *parts)
        assert done.returncode == 0, done.stderr
    a, b = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("whole", "parts"))
    a[0].pop("minutes"), b[0].pop("minutes")
    assert a == b
    assert whole.stdout == done.stdout


def test_an_interrupted_training_keeps_its_last_step(tmp_path):
    command = [sys.executable, str(PAPERS / "maml.py"), "--checkpoint", "it.npz"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    time.sleep(0.1)
    while "loss=" not in process.stderr.read(200):  # the training has begun
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the same command goes on from it.npz" in said
    assert "Traceback" not in said
    with np.load(tmp_path / "it.npz") as kept:
        assert json.loads(str(kept["meta"]))["step"] == len(kept["history.loss"]) > 0


@pytest.mark.parametrize(
    ("script", "args", "said"),
    [
        ("maml", ["--steps", "0"], "'0' is no whole number from 1 on"),
        ("maml", ["--seed", "-1"], "'-1' is no whole number from 0 on"),
        ("wgan_gp", ["--out", "no/such/folder.png"], "cannot be written: No such file"),
        ("wgan_gp", ["--out", "it.jpg"], "has to end in .png, .svg or .pdf"),
        ("wgan_gp", ["--json", "."], "'.' cannot be written: Is a directory"),
        ("wgan_gp", ["--data", "9gaussians"], "invalid choice: '9gaussians'"),
        ("trpo", ["--env", "CartPole-v9"], "gymnasium cannot make 'CartPole-v9'"),
        ("trpo", ["--env", "nonsense"], "gymnasium cannot make 'nonsense'"),
    ],
)
def test_what_cannot_be_done_is_told_before_the_training(script, args, said, tmp_path):
    done = run(tmp_path, script, *args)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "it/s" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "args", "said"),
    [
        ("maml", ["--seed", "1"], "a checkpoint with seed 0, and this is seed 1"),
        ("maml", ["--steps", "2"], "has come to step 4, and --steps asks for 2"),
        ("wgan_gp", [], "a checkpoint with paper maml, and this is paper wgan_gp"),
        ("trpo", [], "a checkpoint with paper maml, and this is paper trpo"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_kept(script, args, said, tmp_path):
    assert run(tmp_path, "maml", *SCRIPTS["maml"], "--checkpoint", "it.npz").returncode == 0
    before = (tmp_path / "it.npz").read_bytes()
    done = run(tmp_path, script, *SCRIPTS[script], *args, "--checkpoint", "it.npz")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "it.npz").read_bytes() == before


def test_a_checkpoint_of_another_version_is_refused_and_kept(tmp_path):
    file = tmp_path / "it.npz"
    assert run(tmp_path, "maml", *SCRIPTS["maml"], "--checkpoint", "it.npz").returncode == 0
    with np.load(file) as kept:
        arrays = dict(kept)
    arrays["meta"] = np.array(json.dumps(json.loads(str(arrays["meta"])) | {"format": 1}))
    np.savez(file, **arrays)
    before = file.read_bytes()
    done = run(tmp_path, "maml", *SCRIPTS["maml"], "--checkpoint", "it.npz")
    assert done.returncode == 1
    assert "a checkpoint of another version of the papers (format 1, and this is 2)" in done.stderr
    assert file.read_bytes() == before


def test_what_is_no_checkpoint_is_refused_and_kept(tmp_path):
    (tmp_path / "it.npz").write_text("a letter")
    done = run(tmp_path, "maml", "--checkpoint", "it.npz")
    assert (done.returncode, "it.npz is no checkpoint" in done.stderr) == (1, True)
    assert (tmp_path / "it.npz").read_text() == "a letter"


def test_without_gymnasium_a_paper_says_what_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['gymnasium'] = None\n")
    done = run(tmp_path, "trpo", path=[tmp_path])
    assert done.returncode == 1
    assert "needs gymnasium" in done.stderr
    assert "pip install gymnasium" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_pytorch_the_comparison_says_what_to_install(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['torch'] = None\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "harness/tests/papers/ratio.py")],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == "this comparison needs PyTorch: python -m pip install torch\n"


def test_a_loss_that_is_no_number_ends_the_training_and_tells_of_the_checkpoint(tmp_path):
    assert run(tmp_path, "maml", *SCRIPTS["maml"], "--checkpoint", "it.npz").returncode == 0
    before = (tmp_path / "it.npz").read_bytes()
    arguments = ["maml.py", "--steps", "9", "--checkpoint", "it.npz"]
    program = f"import sys, maml; sys.argv = {arguments}; maml.INNER = float('inf'); maml.main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(PAPERS),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "the loss of maml is nan at step 5, seed 0" in done.stderr
    assert "the last checkpoint is it.npz, step 4" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "it.npz").read_bytes() == before


# The mathematics.


def test_a_fisher_vector_product_is_that_of_the_whole_matrix(papers):
    import trpo

    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 3))

    class Space:
        n, shape = 3, (2,)

    for kind in (trpo.Categorical(Space), trpo.Gaussian(Space)):
        trpo.HIDDEN = 4
        theta = trpo.initial(rng, kind, 3)
        for p in theta:
            p.data = p.data + rng.normal(0, 0.3, p.shape)
        size = sum(p.size for p in theta)
        matrix = trpo.DAMPING * np.eye(size)
        for row in x:  # the mean of E[score score^T], by its definition
            y = [y.data for y in trpo.policy(kind, theta, row[None])]
            for share, action in outcomes(kind, *y):
                new = trpo.policy(kind, theta, row[None])
                log = kind.log_probability(action, *new)
                score = trpo.flat([g.data for g in trpo.gradient(log, theta)])
                matrix += share * np.outer(score, score) / len(x)
        product = trpo.fisher_products(kind, theta, x)
        columns = np.stack([product(v) for v in np.eye(size)], axis=1)
        assert np.allclose(columns, matrix, rtol=1e-9, atol=1e-12)
        g = rng.normal(size=size)
        trpo.SMALL, trpo.ITERATIONS = 1e-20, 200
        s = trpo.conjugate_gradients(product, g)
        assert np.allclose(s, np.linalg.solve(matrix, g), rtol=1e-6, atol=1e-8)


def outcomes(kind, *y):
    """Shares and actions by which an expectation over the policy's actions is exact."""
    if len(y) == 1:
        return [(float(np.exp(y[0][0, a])), np.array([a])) for a in range(kind.outputs)]
    # Gauss and Hermite: exact for the polynomials of degree 4 that the squares of scores are.
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()
    deviation = np.exp(y[1])
    return [
        (wa * wb, y[0] + deviation * np.array([[a, b]]))
        for a, wa in zip(nodes, weights)
        for b, wb in zip(nodes, weights)
    ]


def test_the_gradient_of_maml_is_a_difference_quotient(papers):
    import maml

    rng = np.random.default_rng(0)
    theta = [maml.Parameter(rng.normal(0, 0.5, w.shape)) for w in maml.initial(rng, float)]
    x, y = maml.sinusoids(rng, 4, 2 * maml.POINTS, float)
    way = [rng.normal(size=p.shape) for p in theta]

    def at(h, second_order):
        moved = [maml.Parameter(p.data + h * w) for p, w in zip(theta, way)]
        return maml.meta_gradient(moved, x, y, second_order)

    quotient = (at(1e-6, True)[0] - at(-1e-6, True)[0]) / 2e-6
    for second_order in (True, False):
        along = sum((g * w).sum() for g, w in zip(at(0.0, second_order)[1], way))
        assert bool(abs(along / quotient - 1) < 1e-6) is second_order


def test_a_descent_that_diverges_spoils_no_median(papers):
    import maml

    rng = np.random.default_rng(0)
    theta = [maml.Parameter(rng.normal(0, 0.5, w.shape)) for w in maml.initial(rng, float)]
    tasks = maml.sinusoids(rng, 4, maml.POINTS + maml.TEST_POINTS, float)
    with np.errstate(all="ignore"):
        errors = maml.test_errors(theta, tasks, 5, rate=100.0)
    assert errors[0].max() < 1000
    assert errors[-1].tolist() == [maml.DIVERGED] * 4


def test_the_penalty_of_wgan_gp_is_a_difference_quotient(papers):
    import wgan_gp

    rng = np.random.default_rng(0)
    critic = wgan_gp.critic_weights(rng, 2, 8, float)
    real, fake, between = (rng.normal(size=(5, 2)) for _ in range(3))
    way = [rng.normal(size=p.shape) for p in critic]

    def loss(h):
        moved = [wgan_gp.Parameter(p.data + h * w) for p, w in zip(critic, way)]
        return wgan_gp.critic_loss(moved, real, fake, between)[0].data

    wgan_gp.critic_loss(critic, real, fake, between)[0].backward()
    # The bias of the last layer and, with relu, others have no part in the loss.
    along = sum((p.grad.data * w).sum() for p, w in zip(critic, way) if p.grad is not None)
    assert along == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-6)


# Further than the papers.


def numbers(text):
    words = text.replace(":", " ").replace(",", " ").split()
    return [float(word) for word in words if word.lstrip("+-")[:1].isdigit()]


@pytest.mark.parametrize(
    ("script", "holds"),
    [
        ("influence", lambda found: found[0] > 0.99),
        ("physics_informed", lambda found: found[-1] < 1e-3),
        ("hessian_eigenvalue", lambda found: found[-1] < 1e-10),
    ],
)
def test_further_than_the_papers(script, holds, tmp_path):
    done = run(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert holds(numbers(done.stdout)), done.stdout


# What is said of them.


def test_the_scripts_are_short():
    for script in SCRIPTS:
        assert lines_of_code(PAPERS / f"{script}.py") <= 150
    for page in ("influence", "physics_informed", "hessian_eigenvalue"):
        assert lines_of_code(PAPERS / f"{page}.py") <= 60


def test_the_results_are_numbers_that_every_reader_of_json_knows():
    def refuse(text):
        raise AssertionError(f"{text} is no JSON")

    for file in (PAPERS / "results").glob("*.json"):
        json.loads(file.read_text("utf-8"), parse_constant=refuse)


def test_the_tables_are_those_of_the_results(papers):
    import measure

    for readme in (PAPERS / "README.md", ROOT / "README.md"):
        assert measure.with_tables(readme.read_text("utf-8")) == readme.read_text("utf-8")
