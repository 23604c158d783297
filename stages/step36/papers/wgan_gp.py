"""WGAN-GP: a generator learns a distribution from a critic whose slope is kept at 1.

The critic D scores points of the plane, high for real ones x and low for generated ones G(z). Its
loss, of which the generator minimizes the part that it has a hand in, -mean D(G(z)), is

    mean D(G(z)) - mean D(x) + 10 mean (|grad D(m)| - 1)^2

at random points m between the two. A gradient stands in the loss, so training the critic
differentiates that gradient by the critic's weights. Weight clipping, which the penalty is to
replace, bounds the weights themselves and needs no gradient in the loss.

Observe: the generator finds all clusters, and moves from one to another to the end. Critics
against a generator that is held fixed (the real points and noise of variance 1): with the penalty
the surface follows the data, with clipped weights it hardly has more than a slope. In critics of
twelve hidden layers the gradient vanishes or explodes when weights are clipped.
Source: Gulrajani and others: Improved Training of Wasserstein GANs (2017), algorithm 1, figure 1.
"""

from itertools import chain, pairwise

import figures
import numpy as np
from training import Adam, Run, arguments, relu, whole

import dezero.functions as F
from dezero import Parameter, Variable, no_grad

BATCH, CRITIC_STEPS, PENALTY, WAVES = 256, 5, 10, 3  # radians to a unit
SETTINGS = ("data", "width", "penalty", "critic_steps")
EIGHT = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
GRID = np.stack(np.meshgrid(*[np.arange(-2.0, 3.0)] * 2), axis=-1).reshape(-1, 2)
DATA = {  # centres and their standard deviation; the roll's is that of its noise
    "8gaussians": (EIGHT * 2**0.5, 0.02 / 2**0.5),
    "25gaussians": (GRID / 2**0.5, 0.05 / 8**0.5),
    "swissroll": (None, 0.25 / 7.5),
}
# Critics against a fixed generator: the number of hidden layers, and the bound of their weights.
FIXED = {"penalty": (3, None), "clipping": (3, 0.01), "penalty, 12 layers": (12, None)}
FIXED |= {f"clipped at {bound}, 12 layers": (12, bound) for bound in (0.1, 0.01, 0.001)}


def roll(t):
    return np.stack([t * np.cos(t), t * np.sin(t)], axis=1) / 7.5


def real_points(data, rng, n=BATCH, dtype=np.float32):
    centres, deviation = DATA[data]
    noise = deviation * rng.normal(size=(n, 2))
    if data == "swissroll":
        return (roll(1.5 * np.pi * (1 + 2 * rng.uniform(size=n))) + noise).astype(dtype)
    return (centres[rng.integers(len(centres), size=n)] + noise).astype(dtype)


def perceptron(rng, hidden, width, outputs, dtype=np.float32):
    """Weights and biases in turn, for two inputs."""
    theta = []
    for m, n in pairwise([2, *[width] * hidden, outputs]):
        theta.append(Parameter(((2 / m) ** 0.5 * rng.normal(size=(m, n))).astype(dtype)))
        theta.append(Parameter(np.zeros((1, n), dtype)))
    return theta


def critic_weights(rng, hidden, width, dtype=np.float32):
    """As a perceptron's, but the first layer's are for waves of any phase, some two units long."""
    theta = perceptron(rng, hidden, width, 1, dtype)
    theta[0].data *= WAVES
    theta[1].data += rng.uniform(-np.pi, np.pi, size=(1, width)).astype(dtype)
    return theta


def layers(x, theta):
    """The output of each layer of a perceptron."""
    outputs = []
    for w, b in zip(theta[::2], theta[1::2]):
        x = F.matmul(relu(x) if outputs else x, w) + b
        outputs.append(x)
    return outputs


def network(x, theta):
    return layers(x, theta)[-1]


def waves(x, critic):
    """The first hidden layer of a critic, of sines.

    With relu all kinks would begin on lines through the origin, and at a penalty of 10 the critic
    would lag behind the generator: README.md has the figures.
    """
    return F.sin(F.matmul(x, critic[0]) + critic[1])


def score(x, critic):
    return network(waves(x, critic), critic[2:])


def gradient_norms(points, critic):
    """The norm of the critic's gradient at each point, which can be differentiated in turn."""
    x = Variable(points)
    score(x, critic).backward(create_graph=True)
    gx = x.grad
    for p in (x, *critic):
        p.cleargrad()
    return (F.sum(gx**2, axis=1) + 1e-12) ** 0.5  # the root of 0 has no derivative


def critic_loss(critic, real, fake, between, penalty=PENALTY):
    """The loss of a critic and the mean norm of its gradient; no penalty if `between` is None."""
    loss = F.sum(score(fake, critic) - score(real, critic)) / len(real)
    if between is None:
        return loss, None
    norms = gradient_norms(between, critic)
    return loss + penalty / len(real) * F.sum((norms - 1) ** 2), norms.data.mean()


def critic_step(critic, adam, real, fake, share, bound=None, penalty=PENALTY):
    between = None if bound else share * real + (1 - share) * fake
    loss, norm = critic_loss(critic, real, fake, between, penalty)
    loss.backward()  # with the penalty, through the gradient that stands in it
    adam.step()
    if bound:
        for p in critic:
            p.data = np.clip(p.data, -bound, bound)
    return loss.data, norm


def generator_step(generator, adam, critic, z):
    # The critic's weights are given as arrays, and those are constants.
    loss = -F.sum(score(network(z, generator), [p.data for p in critic])) / len(z)
    loss.backward()
    adam.step()
    return loss.data


def generate(generator, rng, n=BATCH):
    with no_grad():
        return network(rng.normal(size=(n, 2)).astype(generator[0].dtype), generator).data


def norms_by_layer(critic, points):
    """The mean norm of the gradient of D by its input, and by the output of each layer."""
    x = Variable(points)
    outputs = [x, *layers(waves(x, critic), critic[2:])]
    outputs[-1].backward(retain_grad=True)
    gradients = [y.grad.data.astype(np.float64) for y in outputs]  # float32 has no 1e-25 squared
    norms = [float(np.sqrt((g**2).sum(axis=1)).mean()) for g in gradients]
    for p in critic:
        p.cleargrad()
    return norms


def quality(data, points):
    """How many modes are hit, and the share of points within three standard deviations of one."""
    centres, deviation = DATA[data]
    if centres is None:
        centres = roll(np.linspace(1.5, 4.5, 2000) * np.pi)  # near the roll: no modes to count
    distances = np.sqrt(((points[:, None] - centres) ** 2).sum(axis=2))
    near = distances.min(axis=1) < 3 * deviation
    hit = len(np.unique(distances.argmin(axis=1)[near])) if data != "swissroll" else None
    return hit, float(near.mean())


def train(args):
    rng = np.random.default_rng(args.seed)
    generator = perceptron(rng, 3, args.width, 2)
    critic = critic_weights(rng, 3, args.width)
    adams = [Adam(theta, 0.0001, 0.5, 0.9) for theta in (critic, generator)]
    fixed, optimizers = {}, {}
    for name, (hidden, bound) in FIXED.items():
        fixed[name] = critic_weights(rng, hidden, args.width)
        rate, beta1 = (0.0001, 0.5) if bound is None else (0.00005, 0.0)  # without mean: RMSProp
        optimizers[name] = Adam(fixed[name], rate, beta1, 0.9)
    parts = [rng, *critic, *generator, *chain(*fixed.values()), *adams, *optimizers.values()]
    run = Run(args, "wgan_gp", parts, **{key: getattr(args, key) for key in SETTINGS})
    for step in run.steps():
        for _ in range(args.critic_steps):
            real, share = real_points(args.data, rng), rng.uniform(size=(BATCH, 1))
            fake, share = generate(generator, rng), share.astype(real.dtype)
            loss, norm = critic_step(critic, adams[0], real, fake, share, None, args.penalty)
        z = rng.normal(size=(BATCH, 2)).astype(real.dtype)
        run.record(loss=loss, norm=norm, generator=generator_step(generator, adams[1], critic, z))
        if step < args.fixed:
            noisy = real + rng.normal(size=real.shape).astype(real.dtype)
            for name, theta in fixed.items():
                critic_step(theta, optimizers[name], real, noisy, share, FIXED[name][1])
                if step % 10 == 0 and "12" in name:
                    run.record(**{name: norms_by_layer(theta, real)[0]})
    return run, generator, critic, fixed


def measured(run, generator, critic, fixed):
    """The results, and the arrays for the figure."""
    data, rng = run.identity["data"], np.random.default_rng([run.identity["seed"], 1])
    generated, real = generate(generator, rng, 2500), real_points(data, rng, 1000)
    modes, share = quality(data, generated)
    norms = {name: run.history[name] for name in FIXED if name in run.history}
    norm = float(np.mean(run.history["norm"][-100:]))
    by_layer = {name: norms_by_layer(fixed[name], real) for name in FIXED if norms}
    results = run.results(modes=modes, share=share, gradient_norm=norm, norms_by_layer=by_layer)
    critics = {"": critic} | {name: fixed[name] for name in ("penalty", "clipping") if norms}
    with no_grad():
        surfaces = {name: score(figures.PLANE, theta).data for name, theta in critics.items()}
    return results, {"real": real, "generated": generated, "surfaces": surfaces, "norms": norms}


def parser():
    parser = arguments(__doc__, steps=20_000)
    parser.add_argument("--data", choices=DATA, default="8gaussians", help="(8gaussians)")
    parser.add_argument("--penalty", type=float, default=PENALTY, metavar="N", help="(10)")
    parser.add_argument("--critic-steps", type=whole, default=CRITIC_STEPS, metavar="N", help="(5)")
    parser.add_argument("--fixed", type=int, default=2000, metavar="N", help="of the others (2000)")
    parser.add_argument("--width", type=whole, default=128, metavar="N", help="of a layer (128)")
    return parser


def main():
    args = parser().parse_args()
    results, shown = measured(*train(args))
    modes = f"modes hit: {results['modes']}; " if results["modes"] is not None else ""
    print(f"{modes}near the data: {results['share']:.0%} of the points that are generated")
    print(f"mean norm of the critic's gradient: {results['gradient_norm']:.3f}")
    figures.wgan_gp({args.data: shown}, args.out)


if __name__ == "__main__":
    main()
