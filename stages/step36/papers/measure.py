"""All three papers: short, or as they are measured; their results, figures and tables.

    python measure.py                   a short run of each, and what that has to show
    python measure.py --full            every run of the results, for hours; one that was
                                        interrupted goes on from its checkpoint
    python measure.py --as-they-are     the results of what the checkpoints have come to
    python measure.py --full --only 'maml-[34]'     these runs; of the others the results stay
    python measure.py --tables          write the tables into the READMEs again, from the results

--full writes results/*.json, the figures beside them, and the tables. In the repository's root,
`nox -s papers` does the same, on one thread (OPENBLAS_NUM_THREADS=1): the matrices are small.
"""

import argparse
import json
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import figures
import maml
import numpy as np
import trpo
import wgan_gp
from PIL import Image  # Matplotlib brings it
from training import as_json

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SEEDS = range(5)  # of MAML and TRPO
ALONE = ("--fixed", "0")  # without the critics against a fixed generator
WGAN_GP = [  # data, seed, and other options
    ("8gaussians", 0, ()),
    ("8gaussians", 1, ALONE),
    ("25gaussians", 0, ()),
    ("25gaussians", 1, ALONE),
    ("swissroll", 0, ()),
]
ENVIRONMENTS = {"CartPole-v1": 60, "Pendulum-v1": 150}  # and the updates


def args_of(module, checkpoint, *options, as_it_is=False):
    """The command line of a script; as_it_is: with the steps that the checkpoint has come to."""
    if checkpoint:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        options += ("--checkpoint", str(checkpoint))
    if as_it_is:
        with np.load(checkpoint) as kept:
            options += ("--steps", str(json.loads(str(kept["meta"]))["step"]))
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


def runs():
    """What is run in full: for each a script, a name, and its options."""
    for seed in SEEDS:
        yield maml, f"maml-{seed}", ("--seed", str(seed))
    for data, seed, also in WGAN_GP:
        name = "".join(["wgan_gp-", data, f"-{seed}", *also])
        yield wgan_gp, name, ("--data", data, "--seed", str(seed), *also)
    for env, steps in ENVIRONMENTS.items():
        for seed in SEEDS:
            options = ("--env", env, "--steps", str(steps), "--seed", str(seed))
            yield trpo, f"trpo-{env}-{seed}", options


def full(folder, as_they_are, only="*"):
    """The runs of the results, each in the place of its former one; checkpoints in this folder.

    as_they_are: train no more, and leave out what has not begun. only: a pattern of their names.
    """
    RESULTS.mkdir(exist_ok=True)
    shown = {}
    for script, name, options in runs():
        checkpoint = folder / f"{name}.npz"
        if not fnmatch(name, only) or (as_they_are and not checkpoint.exists()):
            print(f"{name}: not run")
            continue
        args = args_of(script, checkpoint, *options, as_it_is=as_they_are)
        result = script.train(args)
        if script is wgan_gp:
            result, arrays = wgan_gp.measured(*result)
            shown.setdefault(args.data, arrays)
        keep(script.__name__, result)
    figures.maml(load("maml"), RESULTS / "maml.png")
    if set(shown) == set(wgan_gp.DATA):  # it is drawn from the networks, which no result holds
        figures.wgan_gp(shown, RESULTS / "wgan_gp.png")
        in_few_colours(RESULTS / "wgan_gp.png")  # a quarter of its size, for it has many lines
    by_task = {env: [r for r in load("trpo") if r["env"] == env] for env in ENVIRONMENTS}
    figures.trpo({env: these for env, these in by_task.items() if these}, RESULTS / "trpo.png")


def in_few_colours(picture):
    image = Image.open(picture).convert("RGB")
    image.quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def keep(name, result):
    """Put a result into its file, in the place of the one with the same settings."""

    def settings(one):
        return [one.get(key) for key in ("data", "env", "penalty", "critic_steps", "seed")]

    kept = {str(settings(one)): one for one in [*load(name), result]}
    (RESULTS / f"{name}.json").write_text(as_json([*kept.values()]), "utf-8")


def load(name):
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.exists() else []


def spread(values, digits=2):
    """The mean of some runs, and the range if there is one."""
    low, mean, high = (f"{f(values):.{digits}f}" for f in (min, np.mean, max))
    return mean if low == high else f"{mean} ({low} to {high})"


def table_of_maml():
    runs = load("maml")
    lines = ["| points | learner | before | after 1 step | after 10 | after 10, median task |"]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for key in runs[0]["trimmed"]:
        name, points = key.split(", K = ")
        cells = [spread([run["trimmed"][key][i] for run in runs]) for i in (0, 1, 10)]
        cells.append(spread([run["medians"][key][10] for run in runs]))
        lines.append(" | ".join([f"| {points}", name, *cells]) + " |")
    worst = max(max(run["curves"][key]) for run in runs for key in run["curves"] if "MAML" in key)
    lines += [
        "",
        f"With the six worst tasks MAML's mean goes up to {worst:.3g} in one of the runs.",
    ]
    return lines, runs


def table_of_wgan_gp():
    runs = load("wgan_gp")
    heads = ["data", "modes hit", "near the data", "gradient norm", "generator's steps"]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for run in runs:
        has_modes = run["modes"] is not None
        cells = [
            run["data"] + f", seed {run['seed']}" * (run["seed"] > 0),
            f"{run['modes']} of {of_modes(run)}" if has_modes else "no modes",
            f"{run['share']:.0%}",
            f"{run['gradient_norm']:.3f}",
        ]
        lines.append(f"| {' | '.join(cells)} | {run['steps']} |")
    return lines, runs


def of_modes(run):
    """How many the data have, by their name."""
    return int(run["data"].removesuffix("gaussians"))


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
    found["ratio"] = table_of_ratio()
    found["torch"] = table_of_torch()
    found["papers"] = summary()
    return found


def table_of_ratio():
    about = load("ratio")
    titles = {
        "wgan_gp": "WGAN-GP: five steps of the critic, one of the generator",
        "maml": "MAML: one step of 25 tasks, second order",
        "trpo": "TRPO: one update from 5000 states",
    }
    heads = [
        "step",
        "time",
        "of PyTorch's",
        "memory, MB",
        "PyTorch's",
        "in jax.jit",
        "of JAX's own",
    ]
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    for row in about["rows"]:
        cells = [
            titles[row["paper"]],
            f"{row['milliseconds']:.1f} ms",
            f"{row['time_ratio']:.2f} ±{row['half_quartiles']:.2f}",
            f"{row['megabytes']:.1f}",
            f"{row['megabytes_torch']:.1f}",
            f"{row['milliseconds_in_jit']:.1f} ms",
            f"{row['ratio_in_jit']:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    versions = ", ".join(f"{key} {value}" for key, value in about["versions"].items())
    return "\n".join([*lines, "", f"{about['machine']}; {versions}; {about['date']}."])


def table_of_torch():
    """What PyTorch's trainings come to, beside the stage's with the same settings."""
    theirs = load("torch")
    of_maml, of_wgan_gp = ([r for r in theirs if r["paper"] == p] for p in ("maml", "wgan_gp"))
    rows = [["measure", "stage", "PyTorch"], ["---"] * 3]
    for points in (5, 10):
        for step, what in ((1, "1 step"), (10, "10 steps")):
            errors = [
                spread([run["trimmed"][f"MAML, K = {points}"][step] for run in runs])
                for runs in (load("maml"), of_maml)
            ]
            rows.append([f"MAML, {points} points: error after {what}", *errors])
    names = {"modes": "modes hit", "share": "share near the data", "gradient_norm": "gradient norm"}
    seeds = [f"{len(load('maml'))} and {len(of_maml)} seeds of MAML"]
    for data in dict.fromkeys(run["data"] for run in of_wgan_gp):
        pair = [
            [run for run in runs if run["data"] == data] for runs in (load("wgan_gp"), of_wgan_gp)
        ]
        title = f"WGAN-GP, {of_modes(pair[0][0])} Gaussians"
        for key, what in names.items():
            cells = (spread([run[key] for run in runs], 2 * (key != "modes")) for runs in pair)
            rows.append([f"{title}: {what}", *cells])
        seeds.append(f"{len(pair[0])} and {len(pair[1])} of {title}")
    used = " and ".join(dict.fromkeys(run["versions"]["torch"] for run in theirs))
    about = f"{', '.join(seeds)}; {theirs[-1]['machine']}; torch {used}; {theirs[-1]['date']}."
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", about])


def summary():
    """What the first README says of the papers."""
    maml_runs, wgan_runs, trpo_runs = load("maml"), load("wgan_gp"), load("trpo")
    hit = {}
    for run in wgan_runs:
        if run["modes"] is not None:
            hit.setdefault(of_modes(run), set()).add(run["modes"])
    modes = [f"{' or '.join(map(str, sorted(n)))} of {total} modes" for total, n in hit.items()]
    norms = spread([run["gradient_norm"] for run in wgan_runs])
    ours, pretrained = (
        np.mean([run["trimmed"][f"{name}, K = 10"][1] for run in maml_runs])
        for name in ("MAML", "pretrained")
    )
    returns = [
        f"{env} {np.mean([run['tested'][0] for run in trpo_runs if run['env'] == env]):.0f}"
        for env in ENVIRONMENTS
    ]
    rows = [
        f"| WGAN-GP | {', '.join(modes)} ({len({run['seed'] for run in wgan_runs})} seeds); "
        f"mean gradient norm {norms} | `papers/wgan_gp` |",
        f"| MAML | error after one step on 10 points {ours:.2f}; pretrained {pretrained:.2f} "
        f"| `papers/maml` |",
        f"| TRPO | mean return: {', '.join(returns)} | `papers/trpo` |",
    ]
    return "\n".join(
        ["| paper | measured | run with `nox -s run -- 36` |", "| --- | --- | --- |", *rows]
    )


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
    parser.add_argument("--as-they-are", action="store_true", help="--full, without more training")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="of --full's runs, by name")
    parser.add_argument("--tables", action="store_true", help="write the READMEs' tables, and end")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("reports/papers"), metavar="FOLDER"
    )
    args = parser.parse_args()
    if args.full or args.as_they_are:
        full(args.checkpoints, args.as_they_are, args.only)
    if args.full or args.as_they_are or args.tables:
        write_tables()
    elif not short():
        sys.exit("a short run does not show what it has to")


if __name__ == "__main__":
    main()
