"""TRPO: the largest step that changes the policy by no more than a given divergence.

A policy of weights theta acts; the advantage A tells how much better an action was than expected.
The surrogate L = mean(A pi(a|s) / pi_old(a|s)) is to grow, while the mean Kullback-Leibler
divergence KL of pi_old and pi stays below 0.01. With g the gradient of L and F the second
derivative of KL, which is the Fisher matrix, the step is along the natural gradient s, the solution
of F s = g, and as long as KL allows:

    theta' = theta + sqrt(2 0.01 / s.Fs) s,  or 0.8 of it, 0.64, ... until L grows

Conjugate gradients solve F s = g by products with F alone, and Fv is the gradient of v . grad KL:
a gradient is differentiated again, and the matrix is never there.

Observe: CartPole's pole stands for all of 500 steps after some 20 updates.
Source: Schulman and others: Trust Region Policy Optimization (2015), section 6 and appendix C.
"""

from itertools import pairwise

import figures
import numpy as np
import tasks
from training import Run, arguments, flat, log_softmax, shaped

import dezero.functions as F
from dezero import Parameter, no_grad

BOUND, DAMPING, ITERATIONS, SMALL = 0.01, 0.1, 10, 1e-6
SHRINK, TRIALS = 0.8, 15  # of the line search
DISCOUNT, TRACE = 0.99, 0.97  # of rewards; and of the advantages (GAE)
ENVIRONMENTS, LENGTH, HIDDEN = 10, 500, 32


class Categorical:
    """A policy that picks one of n actions: a network for the logarithms of their probabilities."""

    def __init__(self, space):
        self.outputs, self.extra = int(space.n), []

    def of(self, y, theta):
        return (log_softmax(y),)

    def sample(self, rng, logs):
        return (np.exp(logs).cumsum(axis=1) < rng.uniform(size=(len(logs), 1))).sum(axis=1)

    def log_probability(self, actions, logs):
        return F.sum(logs * np.eye(self.outputs)[actions], axis=1)

    def divergence(self, old, new):
        return F.sum(F.exp(old[0]) * (old[0] - new[0]), axis=1)


class Gaussian:
    """A policy for d numbers: a network for their means, and a deviation apart from the state."""

    def __init__(self, space):
        self.outputs, self.extra = space.shape[0], [np.zeros((1, space.shape[0]))]

    def of(self, y, theta):
        return y, F.broadcast_to(theta[-1], y.shape)

    def sample(self, rng, mean, log_deviation):
        return mean + np.exp(log_deviation) * rng.normal(size=mean.shape)

    def log_probability(self, actions, mean, log_deviation):
        return F.sum(-0.5 * ((actions - mean) / F.exp(log_deviation)) ** 2 - log_deviation, axis=1)

    def divergence(self, old, new):
        variance = F.exp(2 * old[1]) + (old[0] - new[0]) ** 2
        return F.sum(new[1] - old[1] + 0.5 * variance * F.exp(-2 * new[1]) - 0.5, axis=1)


def initial(rng, kind, inputs):
    """Two hidden layers; the last weights are small, so that at first all actions are alike."""
    sizes = [inputs, HIDDEN, HIDDEN, kind.outputs]
    weights = [rng.normal(0, m**-0.5, (m, n)) for m, n in pairwise(sizes)]
    weights[-1] *= 0.01
    biases = [np.zeros((1, n)) for n in sizes[1:]]
    return [Parameter(p) for p in [*sum(zip(weights, biases), ()), *kind.extra]]


def policy(kind, theta, x):
    """What describes the distribution of actions in each state: log-probabilities, or moments."""
    w1, b1, w2, b2, w3, b3 = theta[:6]
    hidden = F.tanh(F.matmul(F.tanh(F.matmul(x, w1) + b1), w2) + b2)
    return kind.of(F.matmul(hidden, w3) + b3, theta)


def gradient(y, theta, create_graph=False):
    """The gradient of y, one Variable for each of theta."""
    y.backward(create_graph=create_graph)
    gradients = [p.grad for p in theta]
    for p in theta:
        p.cleargrad()
    return gradients


def fisher_products(kind, theta, x):
    """The function v -> F v, by a second derivative of the divergence from the policy as it is."""
    new = policy(kind, theta, x)
    old = [y.data for y in new]
    divergence = F.sum(kind.divergence(old, new)) / len(x)
    slopes = gradient(divergence, theta, create_graph=True)  # zeros: but their slope is F

    def product(v):
        along = sum(F.sum(g * u) for g, u in zip(slopes, shaped(v, theta)))
        return flat([g.data for g in gradient(along, theta)]) + DAMPING * v

    return product


def conjugate_gradients(product, g):
    """The solution s of F s = g, from products with F alone."""
    s, r, p = np.zeros_like(g), g.copy(), g.copy()
    rr = r @ r
    for _ in range(ITERATIONS):
        if rr < SMALL * (g @ g):
            break
        fp = product(p)
        alpha = rr / (p @ fp)
        s, r = s + alpha * p, r - alpha * fp
        rr, former = r @ r, rr
        p = r + rr / former * p
    return s


def trpo_step(kind, theta, x, actions, advantages):
    """One update of theta. Returns the surrogate and the divergence that it has come to."""
    with no_grad():
        old = [y.data for y in policy(kind, theta, x)]
        logs = kind.log_probability(actions, *old).data

    def surrogate(new):
        return F.sum(F.exp(kind.log_probability(actions, *new) - logs) * advantages) / len(x)

    g = flat([g.data for g in gradient(surrogate(policy(kind, theta, x)), theta)])
    product = fisher_products(kind, theta, x)
    s = conjugate_gradients(product, g)
    step = np.sqrt(2 * BOUND / (s @ product(s))) * s
    start = [p.data for p in theta]
    for trial in range(TRIALS):
        for p, before, change in zip(theta, start, shaped(SHRINK**trial * step, theta)):
            p.data = before + change
        with no_grad():
            new = policy(kind, theta, x)
            gain = float(surrogate(new).data - advantages.mean())
            divergence = float(F.sum(kind.divergence(old, new)).data / len(x))
        if gain > 0 and divergence <= BOUND:
            return gain, divergence
    for p, before in zip(theta, start):
        p.data = before
    return 0.0, 0.0


def features(x, time):
    """What the baseline is linear in: the state, its products, powers of the time."""
    t = time[..., None] / 100
    products = [x[..., i:] * x[..., i : i + 1] for i in range(x.shape[-1])]
    return np.concatenate([x, *products, t, t**2, t**3, np.ones_like(t)], axis=-1)


def estimated_advantages(baseline, x, reward, after, terminal, ended, time):
    """Generalized advantage estimates, and the baseline that is fitted to the returns they tell."""
    now, then = features(x, time), features(after, time + 1)
    values = now @ baseline
    surprise = reward + DISCOUNT * (1 - terminal) * (then @ baseline) - values
    advantages, following = np.zeros_like(surprise), 0.0
    for t in reversed(range(len(surprise))):
        following = surprise[t] + DISCOUNT * TRACE * (1 - ended[t]) * following
        advantages[t] = following
    a = now.reshape(-1, now.shape[-1])
    targets = a.T @ (advantages + values).reshape(-1)
    return advantages, np.linalg.solve(a.T @ a + 1e-5 * len(a) * np.eye(a.shape[1]), targets)


def train(args):
    """Train a policy. Returns what was measured in 100 episodes of the policy that came of it."""
    rng = np.random.default_rng(args.seed)
    envs, scale = tasks.make(args.env, ENVIRONMENTS)
    kind = (Gaussian if tasks.is_continuous(envs[0]) else Categorical)(envs[0].action_space)
    theta = initial(rng, kind, len(scale))
    baseline = Parameter(np.zeros(features(np.zeros(len(scale)), np.zeros(())).shape))
    parts = [rng, *theta, baseline]
    run = Run(args, "trpo", parts, env=args.env, hidden=HIDDEN, damping=DAMPING)

    def choose(x):
        with no_grad():
            return kind.sample(rng, *[y.data for y in policy(kind, theta, x)])

    for _ in run.steps():
        x, actions, *rest, returns = tasks.act(envs, choose, rng, LENGTH, scale)
        a, baseline.data = estimated_advantages(baseline.data, x, *rest)
        a = (a - a.mean()) / (a.std() + 1e-8)
        flattened = [y.reshape(-1, *y.shape[2:]) for y in (x, actions, a)]
        gain, divergence = trpo_step(kind, theta, *flattened)
        score = np.mean([total for _, total in returns]) if returns else np.nan
        run.record(loss=-gain, kl=divergence, score=score)
    rng = np.random.default_rng([args.seed, 1])
    envs, _ = tasks.make(args.env, 100)
    *_, returns = tasks.act(envs, choose, rng, envs[0].spec.max_episode_steps or 1000, scale)
    scores = [None if np.isnan(score) else round(score, 1) for score in run.history["score"]]
    tested = list(dict(reversed(returns)).values())  # the first episode of each environment
    tested = [float(np.mean(tested)), float(np.std(tested)), len(tested)]
    return run.results(["gymnasium"], tested=tested, scores=scores, kl=max(run.history["kl"]))


def parser():
    parser = arguments(__doc__, steps=100)
    parser.add_argument("--env", default="CartPole-v1", metavar="NAME", help="(CartPole-v1)")
    return parser


def main():
    args = parser().parse_args()
    result = train(args)
    mean, deviation, n = result["tested"]
    print(f"return in {n} episodes: {mean:.1f}, standard deviation {deviation:.1f}")
    print(f"largest divergence of an update: {result['kl']:.4f}")
    figures.trpo({args.env: [result]}, args.out)


if __name__ == "__main__":
    main()
