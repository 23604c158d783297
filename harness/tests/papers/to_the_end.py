"""WGAN-GP and MAML trained to the end by PyTorch, measured as the stage's own trainings are.

    python harness/tests/papers/to_the_end.py maml --seed 0 --json FILE
    python harness/tests/papers/to_the_end.py wgan_gp --seed 0 --data 8gaussians --json FILE

On one thread; an hour or less for each. Each run adds its results to FILE, or takes the place of an
older one with the same settings; results/torch.json has those of the papers' README. TRPO's is
short enough for a test (test_twins.py).
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ["shared", "stages/step36", "stages/step36/papers", "harness/tests/papers"]
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

import maml  # noqa: E402  (by the path above)
import numpy as np  # noqa: E402
import torch  # noqa: E402
import twins  # noqa: E402
import wgan_gp  # noqa: E402
from training import processor, whole, writable  # noqa: E402

from dezero_shared.plots import progress  # noqa: E402


def run_maml(args):
    """What the descent from PyTorch's weights comes to, on the test tasks of this seed.

    The test's gradient steps are the stage's: what is compared is the training.
    """
    trained = twins.maml_torch(args.seed, np.float32)
    for _ in progress(range(args.steps), "maml in PyTorch"):
        _, theta = next(trained)
    weights = [maml.Parameter(w.detach().numpy().copy()) for w in theta]
    return maml.test({"MAML": weights}, np.random.default_rng([args.seed, 1]))


def run_wgan_gp(args):
    """The same measures as wgan_gp.measured takes of the stage's generator."""
    trained = twins.wgan_torch(args.seed, np.float32, width=128, data=args.data)
    norms = []
    for _ in progress(range(args.steps), f"wgan_gp in PyTorch, {args.data}"):
        losses, weights = next(trained)
        norms.append(losses["norm"])
    generator = weights[len(weights) // 2 :]  # behind the critic's, which has as many
    z = np.random.default_rng([args.seed, 1]).normal(size=(2500, 2)).astype(np.float32)
    with torch.no_grad():
        generated = twins.wgan_network(torch.from_numpy(z), generator).numpy()
    modes, share = wgan_gp.quality(args.data, generated)
    norm = float(np.mean(norms[-100:]))
    return {"data": args.data, "modes": modes, "share": share, "gradient_norm": norm}


def add(result, file):
    """Put a result into this file, in the place of the one with the same settings."""

    def settings(one):
        return [one["paper"], one["seed"], one["steps"], one.get("data")]

    former = json.loads(file.read_text("utf-8")) if file.exists() else []
    kept = [one for one in former if settings(one) != settings(result)]
    file.write_text(json.dumps([*kept, result], indent=1) + "\n", "utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paper", choices=["maml", "wgan_gp"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=whole, help="(as the stage's: 70000, or 20000)")
    parser.add_argument("--data", choices=wgan_gp.DATA, default="8gaussians", help="of wgan_gp")
    parser.add_argument("--json", type=writable, metavar="FILE", help="add the results to it")
    args = parser.parse_args()
    args.steps = args.steps or {"maml": 70_000, "wgan_gp": 20_000}[args.paper]
    torch.set_num_threads(1)
    started = time.monotonic()
    measured = {"maml": run_maml, "wgan_gp": run_wgan_gp}[args.paper](args)
    result = {
        "paper": args.paper,
        "seed": args.seed,
        "steps": args.steps,
        **measured,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "versions": {"numpy": np.__version__, "torch": torch.__version__},
        "machine": f"{processor()}, one thread",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    if args.json:
        add(result, args.json)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
