"""Time and memory of a step of each paper, as multiples of PyTorch's, measured in one run.

    python harness/tests/papers/ratio.py                 a table, on one thread
    python harness/tests/papers/ratio.py --json FILE     the same as JSON

The two engines take turns, a step each, in one process: what disturbs the machine disturbs both.
Of the ratios of the turns it is the median, and half the distance of the quartiles. Memory is
measured in processes of their own: by how much ten more steps exceed what one has left there. It
needs Linux and glibc.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", JAX_PLATFORMS="cpu")
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ["shared", "stages/step36", "stages/step36/papers", "harness/tests/papers"]
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

try:
    import torch
except ImportError:
    sys.exit("this comparison needs PyTorch: python -m pip install torch")
import numpy as np  # noqa: E402
import twins  # noqa: E402  (by the path above)

TITLES = {
    "wgan_gp": "WGAN-GP, five critic steps and one of the generator, width 128, float32",
    "maml": "MAML, second order, 25 tasks, float32",
    "trpo": "TRPO, one update from 5000 states of CartPole, float64",
}


def programs(paper):
    """A step in each engine, as two functions."""
    if paper == "wgan_gp":
        pair = [f(dtype=np.float32, width=128) for f in (twins.wgan_dezero, twins.wgan_torch)]
    elif paper == "maml":
        pair = [f(dtype=np.float32) for f in (twins.maml_dezero, twins.maml_torch)]
    else:  # the update alone, always of the same policy: acting takes both the same time
        return trpo_updates()
    return [lambda steps=steps: next(steps) for steps in pair]


def trpo_updates():
    *_, batch = next(twins.trpo_dezero(environments=10, length=500))
    envs, scale = twins.tasks.make("CartPole-v1", 1)
    kind = twins.trpo.Categorical(envs[0].action_space)
    theta = twins.trpo.initial(np.random.default_rng(0), kind, len(scale))
    policy = twins.TorchPolicy(theta, continuous=False)
    start, there = [p.data for p in theta], twins.flat(policy.theta).detach().clone()

    def ours():
        for p, data in zip(theta, start):
            p.data = data
        twins.trpo.trpo_step(kind, theta, *batch)

    def theirs():
        with torch.no_grad():
            policy.assign(there)
        policy.step(*batch)

    return [ours, theirs]


def seconds(program):
    start = time.perf_counter()
    program()
    return time.perf_counter() - start


def memory(paper, engine):
    """Megabytes by which ten steps exceed what one has left, in a process of its own."""
    command = [sys.executable, __file__, "--peak", paper, engine]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def peak(paper, engine):
    program = programs(paper)[int(engine)]
    torch.ones(2, requires_grad=True).sum().backward()  # what PyTorch loads when it is first used
    program()
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free goes back, so that it counts again
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew
    before = kilobytes("VmRSS")
    for _ in range(10):
        program()
    print((kilobytes("VmHWM") - before) / 1024)


def kilobytes(name):
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def compare(paper, turns):
    ours, theirs = programs(paper)
    for program in (ours, theirs, ours, theirs):
        program()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(turns)]
    ratios = [a / b for a, b in pairs]
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "paper": paper,
        "milliseconds": round(1e3 * statistics.median(a for a, _ in pairs), 2),
        "time_ratio": round(statistics.median(ratios), 2),
        "half_quartiles": round((quartiles[2] - quartiles[0]) / 2, 2),
        **inside_jit(paper, turns),
        "megabytes": round(memory(paper, "0"), 1),
        "megabytes_torch": round(memory(paper, "1"), 1),
    }


def inside_jit(paper, turns):
    """Milliseconds of what is compiled of the step, and that as a multiple of JAX's own."""
    import compiled
    import jax

    stage, alone, arrays = compiled.STEPS[paper]()
    ours, theirs = (jax.jit(f) for f in (stage, alone))
    pairs = [
        [seconds(lambda f=f: jax.block_until_ready(f(*arrays))) for f in (ours, theirs)]
        for _ in range(turns + 3)
    ][3:]
    return {
        "milliseconds_in_jit": round(1e3 * statistics.median(a for a, _ in pairs), 2),
        "ratio_in_jit": round(statistics.median(a / b for a, b in pairs), 2),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.peak:
        return peak(*args.peak)
    found = [compare(paper, args.turns) for paper in TITLES]
    for row in found:
        print(f"{TITLES[row['paper']]}: {row['milliseconds']} ms, {row['time_ratio']} of PyTorch's")
        print(f"    in jax.jit {row['milliseconds_in_jit']} ms, {row['ratio_in_jit']} of JAX's own")
        print(f"    memory: {row['megabytes']} MB, PyTorch {row['megabytes_torch']} MB")
    if args.json:
        about = {
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "torch": torch.__version__,
                "jax": version("jax"),
            },
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": f"{processor()}, {platform.system()}",
        }
        args.json.write_text(json.dumps({**about, "rows": found}, indent=1) + "\n", "utf-8")
    return None


def processor():
    from training import processor

    return processor()


if __name__ == "__main__":
    main()
