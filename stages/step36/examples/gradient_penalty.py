"""A penalty on the gradient of a critic, trained by double backprop: the third term of WGAN-GP.

A critic D scores points of the plane, high for real samples (a ring of eight clusters) and low for
generated ones (here a fixed cloud in the middle). Its loss is

    mean D(generated) - mean D(real) + 10 mean (|grad D(between)| - 1)^2

at random points between the two kinds: there the norm of D's gradient is to be 1. A gradient inside
the loss is differentiated again, with respect to the weights of D.

Observe: the mean norm starts at a third and ends near 1: a little above, since a steeper critic
gains in the first two terms. The picture shows D, and the norm in the course of the training.
Source: Gulrajani et al., Improved Training of Wasserstein GANs (2017), equation 3.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

import dezero.functions as F
from dezero import Parameter, Variable, no_grad
from dezero_shared.plots import arguments, finish, progress

args = arguments(__doc__).parse_args()
rng = np.random.default_rng(0)
BATCH = 128


def real_samples():
    angles = rng.integers(8, size=BATCH) * np.pi / 4
    return 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(0, 0.1, (BATCH, 2))


def generated_samples():
    return rng.normal(0, 0.5, (BATCH, 2))


sizes = [2, 32, 32, 1]
weights = [Parameter(rng.normal(0, m**-0.5, (m, n))) for m, n in pairwise(sizes)]
biases = [Parameter(np.zeros(n)) for n in sizes[1:]]
parameters = weights + biases


def critic(x):
    """Scores of shape (n, 1) for n points, x of shape (n, 2)."""
    for w, b in zip(weights[:-1], biases[:-1], strict=True):
        x = F.tanh(F.matmul(x, w) + b)
    return F.matmul(x, weights[-1]) + biases[-1]


def gradient_norms(x):
    """The norm of the critic's gradient at each point, as a Variable that can be differentiated."""
    F.sum(critic(x)).backward(create_graph=True)
    gx = x.grad
    for p in (x, *parameters):
        p.cleargrad()
    return (F.sum(gx**2, axis=1) + 1e-12) ** 0.5  # the root of 0 has no derivative


norms, losses = [], []
moments = [(np.zeros(p.shape), np.zeros(p.shape)) for p in parameters]
for step in progress(range(1, 501), "training"):
    real, generated = real_samples(), generated_samples()
    share = rng.uniform(size=(BATCH, 1))
    norm = gradient_norms(Variable(share * real + (1 - share) * generated))
    penalty = 10 / BATCH * F.sum((norm - 1) ** 2)
    loss = F.sum(critic(generated) - critic(real)) / BATCH + penalty
    loss.backward()
    norms.append(norm.data.mean())
    losses.append(float(loss.data))

    for p, (mean, square) in zip(parameters, moments, strict=True):  # Adam
        g = p.grad.data
        mean += 0.3 * (g - mean)
        square += 0.05 * (g**2 - square)
        scale = np.sqrt(square / (1 - 0.95**step)) + 1e-8
        rate = 0.01 * min(1, (501 - step) / 250)
        p.data = p.data - rate * mean / (1 - 0.7**step) / scale
        p.cleargrad()

print(f"mean gradient norm: {norms[0]:.2f} at the start, {np.mean(norms[-50:]):.2f} at the end")
print(f"critic loss: {losses[0]:.2f} at the start, {np.mean(losses[-50:]):.2f} at the end")

figure, (left, right) = plt.subplots(ncols=2, figsize=(11, 4.5))
left.set_title("The critic and what it tells apart")
left.set_xlabel("$x_0$")
left.set_ylabel("$x_1$")
grid = np.meshgrid(np.linspace(-3, 3, 100), np.linspace(-3, 3, 100))
with no_grad():
    scores = critic(np.stack(grid, axis=-1).reshape(-1, 2)).data.reshape(100, 100)
figure.colorbar(left.contourf(*grid, scores, levels=20), label="D(x)")
left.plot(*real_samples().T, ".", color="white", label="real")
left.plot(*generated_samples().T, ".", color="red", label="generated")
left.legend(loc="upper right", facecolor="grey")
right.set_title("Its gradient between the two kinds")
right.set_xlabel("training step")
right.set_ylabel("norm of the gradient")
right.plot(norms, label="mean norm")
right.axhline(1, color="grey", linestyle="--", label="target of the penalty")
right.legend(loc="lower right")
finish(figure, args.out)
