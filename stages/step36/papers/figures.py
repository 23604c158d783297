"""The figures of the papers, from what was measured."""

import matplotlib.pyplot as plt
import numpy as np

from dezero_shared.plots import finish

AXIS = np.linspace(-2.0, 2.0, 80, dtype=np.float32)
PLANE = np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2)  # where a critic is shown


def maml(results, out):
    """The curves at test time, of 99 tasks in 100: the mean over the runs, and their range."""
    figure, panels = plt.subplots(ncols=2, figsize=(10, 4), sharey=True)
    styles = {"MAML": "o-", "first order": "s--", "pretrained": "^:"}
    for axes, points in zip(panels, (5, 10)):
        axes.set_title(f"{points} points of each new sinusoid")
        axes.set_xlabel("gradient steps")
        for name, style in styles.items():
            curves = np.array([result["trimmed"][f"{name}, K = {points}"] for result in results])
            steps = range(curves.shape[1])
            axes.fill_between(steps, curves.min(axis=0), curves.max(axis=0), alpha=0.2)
            axes.plot(steps, curves.mean(axis=0), style, label=name)
        axes.set_ylim(0, 4.5)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("mean squared error of 99 tasks in 100")
    panels[1].legend()
    finish(figure, out)


def wgan_gp(shown, out):
    """For each kind of data: what was generated, value surfaces of critics, norms of gradients."""
    figure, panels = plt.subplots(len(shown), 4, figsize=(13.2, 3.3 * len(shown)), squeeze=False)
    titles = ["generated, and its critic", "gradient penalty", "weight clipping"]
    for row, (data, one) in zip(panels, shown.items()):
        for axes, title, scores in zip(row, titles, one["surfaces"].values()):
            surface(axes, title, scores, one["real"])
        generated(row[0], one)
        below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "ncols": 2}
        row[0].legend(**below, markerscale=5, fontsize="small", frameon=False)
        row[0].set_ylabel(data, fontsize="large")
        row[3].set_title("gradient at the input")
        for name, norms in one["norms"].items():
            steps = 10 * np.arange(len(norms))
            row[3].semilogy(steps, np.maximum(norms, 1e-40), label=name.split(",")[0])
        row[3].set_xlabel("training step, 12 hidden layers")
        row[3].grid(alpha=0.3)
        if one["norms"]:
            row[3].legend(fontsize="small", loc=(0.42, 0.42))  # between a full run's lines
    finish(figure, out)


def surface(axes, title, scores, real):
    """Level lines of a critic, and the real points."""
    axes.set_title(title)
    grid = np.asarray(scores).reshape(len(AXIS), len(AXIS))
    axes.contour(AXIS, AXIS, grid, levels=12, linewidths=0.8)
    axes.plot(*real.T, ".", color="darkorange", markersize=2, label="real")
    axes.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xticks=(), yticks=())


def generated(axes, one):
    axes.plot(*one["generated"][:1000].T, ".", color="green", markersize=2, label="generated")


def trpo(results, out):
    """For each task the mean return of an update's episodes: over the seeds, and their range."""
    figure, panels = plt.subplots(
        ncols=len(results), figsize=(5.5 * len(results), 4), squeeze=False
    )
    for axes, (env, runs) in zip(panels[0], results.items()):
        axes.set_title(env)
        axes.set_xlabel("updates, of 5000 steps each")
        axes.set_ylabel("mean return")
        curves = np.array([run["scores"] for run in runs], float)
        steps = np.arange(1, curves.shape[1] + 1)
        least, most = np.nanmin(curves, axis=0), np.nanmax(curves, axis=0)
        axes.fill_between(steps, least, most, color="tab:blue", alpha=0.2, label="all seeds")
        axes.plot(steps, np.nanmean(curves, axis=0), color="tab:blue", label="mean")
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
    finish(figure, out)
