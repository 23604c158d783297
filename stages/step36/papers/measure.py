"""All three papers: short, or as they are measured; their results, figures and tables.

    python measure.py           a short run of each, under a minute, and what that has to show
    python measure.py --full    every run of the results, for hours; a run that was interrupted, and
                                one that is complete, goes on from its checkpoint
    python measure.py --tables  write the tables into the READMEs again, from the results

--full writes results/*.json, the figures beside them, and the tables. In the repository's root,
`nox -s papers` does the same.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # in vain where NumPy has been imported

import figures
import maml
import trpo
import wgan_gp
from training import as_json

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SEEDS = {"maml": range(5), "wgan_gp": range(1), "trpo": range(5)}
ENVIRONMENTS = {"CartPole-v1": 60, "Pendulum-v1": 150}  # and the updates


def args_of(module, checkpoint, *options):
    if checkpoint:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        options += ("--checkpoint", str(checkpoint))
    return module.parser().parse_args(options)


def check(what, holds):
    print(("true:  " if holds else "FALSE: ") + what, flush=True)
    return holds


def short():
    """What a short run of each can show; False if one does not show it."""
    start, held = time.monotonic(), []
    curves = maml.train(args_of(maml, None, "--steps", "2500"))["curves"]
    ours, pretrained = curves["MAML, K = 10"], curves["pretrained, K = 10"]
    said = f"MAML falls from {ours[0]:.2f} to {ours[1]:.2f} in one step, what was pretrained to"
    held.append(check(f"{said} {pretrained[1]:.2f}", ours[1] < 0.8 * pretrained[1]))
    trained = wgan_gp.train(args_of(wgan_gp, None, "--steps", "150", "--width", "64"))
    result, _ = wgan_gp.measured(*trained)
    norm = result["gradient_norm"]
    held.append(
        check(f"the penalty holds the critic's gradient at {norm:.2f}", abs(norm - 1) < 0.2)
    )
    clipped = result["norms_by_layer"]["clipped at 0.01, 12 layers"][0]
    held.append(check(f"clipped weights let it vanish: {clipped:.0e}", clipped < 1e-6))
    result = trpo.train(args_of(trpo, None, "--steps", "8"))
    mean, first = result["tested"][0], result["scores"][0]
    held.append(check(f"the return grows from {first:.0f} to {mean:.0f}", mean > 2 * first))
    held.append(
        check(f"no update moves the policy by more than {result['kl']:.4f}", result["kl"] <= 0.01)
    )
    print(f"{sum(held)} of {len(held)} hold; {time.monotonic() - start:.0f} s")
    return all(held)


def full(folder):
    """Every run of the results; checkpoints in this folder."""
    RESULTS.mkdir(exist_ok=True)
    results = {"maml": [], "wgan_gp": [], "trpo": []}
    for seed in SEEDS["maml"]:
        args = args_of(maml, folder / f"maml-{seed}.npz", "--seed", str(seed))
        results["maml"].append(maml.train(args))
    figures.maml(results["maml"], RESULTS / "maml.png")
    shown = {}
    for data in wgan_gp.DATA:
        for seed in SEEDS["wgan_gp"]:
            checkpoint = folder / f"wgan_gp-{data}-{seed}.npz"
            args = args_of(wgan_gp, checkpoint, "--data", data, "--seed", str(seed))
            result, arrays = wgan_gp.measured(*wgan_gp.train(args))
            results["wgan_gp"].append(result)
            shown.setdefault(data, arrays)
    figures.wgan_gp(shown, RESULTS / "wgan_gp.png")
    runs = {}
    for env, steps in ENVIRONMENTS.items():
        for seed in SEEDS["trpo"]:
            checkpoint = folder / f"trpo-{env}-{seed}.npz"
            options = ("--env", env, "--steps", str(steps), "--seed", str(seed))
            runs.setdefault(env, []).append(trpo.train(args_of(trpo, checkpoint, *options)))
    results["trpo"] = [run for those in runs.values() for run in those]
    figures.trpo(runs, RESULTS / "trpo.png")
    for name, entries in results.items():
        (RESULTS / f"{name}.json").write_text(as_json(entries), "utf-8")


def load(name):
    return json.loads((RESULTS / f"{name}.json").read_text("utf-8"))


def spread(values, digits=2):
    """The mean of some runs, and the range."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table_of_maml():
    runs = load("maml")
    lines = ["| points | learner | before | after 1 step | after 10 | median task after 10 |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for key in runs[0]["curves"]:
        name, points = key.split(", K = ")
        curves = np.array([run["curves"][key] for run in runs])
        medians = [run["medians"][key][-1] for run in runs]
        cells = [spread(curves[:, i]) for i in (0, 1)]
        cells += [f"{np.median(curves[:, -1]):.2f}", spread(medians)]
        lines.append(" | ".join([f"| {points}", name, *cells]) + " |")
    return lines, runs


def table_of_wgan_gp():
    runs = load("wgan_gp")
    lines = ["| data | modes hit | near the data | mean gradient norm | generator steps |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for run in runs:
        total = {"8gaussians": "8", "25gaussians": "25"}.get(run["data"])
        modes = f"{run['modes']} of {total}" if total else "no modes"
        cells = [run["data"], modes, f"{run['share']:.0%}", f"{run['gradient_norm']:.3f}"]
        lines.append(f"| {' | '.join(cells)} | {run['steps']} |")
    return lines, runs


def table_of_trpo():
    runs = load("trpo")
    lines = ["| task | mean return of 100 episodes, by seed | updates of 5000 steps | largest KL |"]
    lines.append("| --- | --- | --- | --- |")
    for env in dict.fromkeys(run["env"] for run in runs):
        these = [run for run in runs if run["env"] == env]
        means = ", ".join(f"{run['tested'][0]:.0f}" for run in these)
        kl = max(run["kl"] for run in these)
        lines.append(f"| {env} | {means} | {these[0]['steps']} | {kl:.4f} |")
    return lines, runs


def tables():
    """The tables of the results, by the names of their places in the READMEs."""
    found = {}
    for name, table in (
        ("maml", table_of_maml),
        ("wgan_gp", table_of_wgan_gp),
        ("trpo", table_of_trpo),
    ):
        lines, runs = table()
        seeds = len({run["seed"] for run in runs})
        about = (
            f"{seeds} {'seed' if seeds == 1 else 'seeds'}; {runs[0]['machine']}, one thread; "
            + ", ".join(f"{key} {value}" for key, value in runs[0]["versions"].items())
            + f"; {max(run['date'] for run in runs)}."
        )
        found[name] = "\n".join([*lines, "", about])
    return found


def with_tables(text):
    """A README with these tables in their places, each between <!-- NAME --> and <!-- /NAME -->."""
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        if begin in text:
            before, rest = text.split(begin)
            text = f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def write_tables():
    for readme in (HERE / "README.md", HERE.parents[2] / "README.md"):
        readme.write_text(with_tables(readme.read_text("utf-8")), "utf-8")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="as measured, for hours")
    parser.add_argument("--tables", action="store_true", help="write the READMEs' tables, and end")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("reports/papers"), metavar="FOLDER"
    )
    args = parser.parse_args()
    if args.full:
        full(args.checkpoints)
    if args.full or args.tables:
        write_tables()
    elif not short():
        sys.exit("a short run does not show what it has to")


if __name__ == "__main__":
    main()
