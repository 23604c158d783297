"""The three papers once more in PyTorch, step by step beside the stage's scripts.

For each paper two generators: `dezero` runs the script's own functions, `torch` the same algorithm
as a user of PyTorch would write it. Both start from the same weights and draw the same random
numbers, and yield after every step what can be compared: losses, penalties, all the weights.
"""

from __future__ import annotations

import maml
import numpy as np
import tasks
import torch
import trpo
import wgan_gp
from training import Adam

from dezero import no_grad


def tensors(parameters, dtype=None):
    """PyTorch's leaves with the numbers of these Parameters, or arrays."""
    arrays = [getattr(p, "data", p) if hasattr(p, "cleargrad") else p for p in parameters]
    return [torch.tensor(np.array(a, dtype or a.dtype), requires_grad=True) for a in arrays]


def numbers(weights):
    """All the weights as one vector."""
    arrays = [w.detach().numpy() if torch.is_tensor(w) else w.data for w in weights]
    return np.concatenate([a.reshape(-1) for a in arrays])


# --- WGAN-GP ---


class Points:
    """The random numbers of WGAN-GP, in the order in which the script draws them."""

    def __init__(self, rng, dtype, data):
        self.rng, self.dtype, self.data = rng, dtype, data

    def noise(self):
        return self.rng.normal(size=(wgan_gp.BATCH, 2)).astype(self.dtype)

    def real(self):
        return wgan_gp.real_points(self.data, self.rng, dtype=self.dtype)

    def share(self):
        return self.rng.uniform(size=(wgan_gp.BATCH, 1)).astype(self.dtype)


def wgan_start(seed, dtype, width, data="25gaussians"):
    rng = np.random.default_rng(seed)
    generator = wgan_gp.perceptron(rng, 3, width, 2, dtype)
    critic = wgan_gp.critic_weights(rng, 3, width, dtype)
    return generator, critic, Points(rng, dtype, data)


def wgan_dezero(seed=0, dtype=np.float64, width=64):
    generator, critic, points = wgan_start(seed, dtype, width)
    adams = [Adam(theta, 0.0001, 0.5, 0.9) for theta in (critic, generator)]
    while True:
        for _ in range(wgan_gp.CRITIC_STEPS):
            real, share = points.real(), points.share()
            with no_grad():
                fake = wgan_gp.network(points.noise(), generator).data
            loss, norm = wgan_gp.critic_step(critic, adams[0], real, fake, share)
        cost = wgan_gp.generator_step(generator, adams[1], critic, points.noise())
        yield (
            {"critic": float(loss), "norm": float(norm), "generator": float(cost)},
            [
                *critic,
                *generator,
            ],
        )


def wgan_network(x, theta):
    for i in range(0, len(theta) - 2, 2):
        x = torch.relu(x @ theta[i] + theta[i + 1])
    return x @ theta[-2] + theta[-1]


def wgan_score(x, critic):
    return wgan_network(torch.sin(x @ critic[0] + critic[1]), critic[2:])


def wgan_torch(seed=0, dtype=np.float64, width=64, data="25gaussians"):
    *nets, points = wgan_start(seed, dtype, width, data)
    generator, critic = map(tensors, nets)
    options = {"lr": 0.0001, "betas": (0.5, 0.9), "foreach": False}
    adams = [torch.optim.Adam(theta, **options) for theta in (critic, generator)]
    while True:
        for _ in range(wgan_gp.CRITIC_STEPS):
            real, share = torch.from_numpy(points.real()), torch.from_numpy(points.share())
            with torch.no_grad():
                fake = wgan_network(torch.from_numpy(points.noise()), generator)
            x = (share * real + (1 - share) * fake).requires_grad_()
            (gx,) = torch.autograd.grad(wgan_score(x, critic).sum(), x, create_graph=True)
            norms = ((gx**2).sum(dim=1) + 1e-12) ** 0.5
            loss = (wgan_score(fake, critic) - wgan_score(real, critic)).mean()
            loss = loss + wgan_gp.PENALTY / len(real) * ((norms - 1) ** 2).sum()
            adams[0].zero_grad()
            loss.backward()
            adams[0].step()
        z = torch.from_numpy(points.noise())
        constants = [p.detach() for p in critic]
        cost = -wgan_score(wgan_network(z, generator), constants).mean()
        adams[1].zero_grad()
        cost.backward()
        adams[1].step()
        yield (
            {"critic": loss.item(), "norm": norms.mean().item(), "generator": cost.item()},
            [*critic, *generator],
        )


# --- MAML ---


def maml_dezero(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    theta = [maml.Parameter(w) for w in maml.initial(rng, dtype)]
    adam = Adam(theta, maml.OUTER)
    while True:
        x, y = maml.sinusoids(rng, maml.TASKS, 2 * maml.POINTS, dtype)
        loss, gradients = maml.meta_gradient(theta, x, y, second_order=True)
        adam.step(gradients)
        yield {"loss": float(loss)}, theta


def maml_network(x, theta):
    w1, b1, w2, b2, w3, b3 = theta
    x = torch.relu(x @ w1 + b1)
    x = torch.relu(x @ w2 + b2)
    return x @ w3 + b3


def maml_torch(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    theta = tensors(maml.initial(rng, dtype))
    adam = torch.optim.Adam(theta, lr=maml.OUTER, foreach=False)
    k = maml.POINTS
    while True:
        x, y = map(torch.from_numpy, maml.sinusoids(rng, maml.TASKS, 2 * k, dtype))
        stack = [p.expand(maml.TASKS, *p.shape) for p in theta]
        inner = ((maml_network(x[:, :k], stack) - y[:, :k]) ** 2).sum() / k
        gradients = torch.autograd.grad(inner, stack, create_graph=True)
        adapted = [w - maml.INNER * g for w, g in zip(stack, gradients)]
        loss = ((maml_network(x[:, k:], adapted) - y[:, k:]) ** 2).sum() / k / maml.TASKS
        adam.zero_grad()
        loss.backward()
        adam.step()
        yield {"loss": loss.item()}, theta


# --- TRPO ---


def trpo_dezero(seed=0, env="CartPole-v1", environments=5, length=200):
    """Yields the batch of each step as well: the policy in PyTorch learns from the same."""
    rng = np.random.default_rng(seed)
    envs, scale = tasks.make(env, environments)
    kind = (trpo.Gaussian if tasks.is_continuous(envs[0]) else trpo.Categorical)(
        envs[0].action_space
    )
    theta = trpo.initial(rng, kind, len(scale))
    baseline = np.zeros(trpo.features(np.zeros(len(scale)), np.zeros(())).shape)

    def choose(x):
        with no_grad():
            return kind.sample(rng, *[y.data for y in trpo.policy(kind, theta, x)])

    while True:
        x, actions, *rest, _ = tasks.act(envs, choose, rng, length, scale)
        a, baseline = trpo.estimated_advantages(baseline, x, *rest)
        a = (a - a.mean()) / (a.std() + 1e-8)
        batch = [y.reshape(-1, *y.shape[2:]) for y in (x, actions, a)]
        gain, divergence = trpo.trpo_step(kind, theta, *batch)
        yield {"gain": gain, "divergence": divergence}, theta, batch


class TorchPolicy:
    """A policy of trpo.py in PyTorch, with its update."""

    def __init__(self, theta, continuous):
        self.theta, self.continuous = tensors(theta), continuous

    def distribution(self, x):
        w1, b1, w2, b2, w3, b3, *extra = self.theta
        y = torch.tanh(torch.tanh(x @ w1 + b1) @ w2 + b2) @ w3 + b3
        return (y, extra[0].expand_as(y)) if self.continuous else (torch.log_softmax(y, dim=1),)

    def log_probability(self, actions, new):
        if self.continuous:
            mean, log_deviation = new
            return (-0.5 * ((actions - mean) / log_deviation.exp()) ** 2 - log_deviation).sum(dim=1)
        return new[0].gather(1, actions[:, None])[:, 0]

    def divergence(self, old, new):
        if self.continuous:
            variance = (2 * old[1]).exp() + (old[0] - new[0]) ** 2
            terms = new[1] - old[1] + 0.5 * variance * (-2 * new[1]).exp() - 0.5
        else:
            terms = old[0].exp() * (old[0] - new[0])
        return terms.sum(dim=1).mean()

    def step(self, x, actions, advantages):
        x, actions, advantages = map(torch.from_numpy, (x, actions, advantages))
        theta = self.theta
        with torch.no_grad():
            old = self.distribution(x)
            logs = self.log_probability(actions, old)

        def surrogate(new):
            return ((self.log_probability(actions, new) - logs).exp() * advantages).mean()

        g = flat(torch.autograd.grad(surrogate(self.distribution(x)), theta))
        divergence = self.divergence(old, self.distribution(x))
        slopes = flat(torch.autograd.grad(divergence, theta, create_graph=True))

        def product(v):
            return flat(torch.autograd.grad(slopes @ v, theta, retain_graph=True)) + (
                trpo.DAMPING * v
            )

        s = trpo_cg(product, g)
        step = (2 * trpo.BOUND / (s @ product(s))) ** 0.5 * s
        start = flat(theta).detach()
        with torch.no_grad():
            for trial in range(trpo.TRIALS):
                self.assign(start + trpo.SHRINK**trial * step)
                new = self.distribution(x)
                gain = (surrogate(new) - advantages.mean()).item()
                moved = self.divergence(old, new).item()
                if gain > 0 and moved <= trpo.BOUND:
                    return {"gain": gain, "divergence": moved}
            self.assign(start)
        return {"gain": 0.0, "divergence": 0.0}

    def assign(self, vector):
        torch.nn.utils.vector_to_parameters(vector, self.theta)


def trpo_to_the_end(seed=0, updates=30):
    """The mean return of 100 episodes of CartPole, by a policy that PyTorch alone has trained."""
    rng = np.random.default_rng(seed)
    envs, scale = tasks.make("CartPole-v1", trpo.ENVIRONMENTS)
    kind = trpo.Categorical(envs[0].action_space)
    policy = TorchPolicy(trpo.initial(rng, kind, len(scale)), continuous=False)
    baseline = np.zeros(trpo.features(np.zeros(len(scale)), np.zeros(())).shape)

    def choose(x):
        with torch.no_grad():
            return kind.sample(rng, *(y.numpy() for y in policy.distribution(torch.from_numpy(x))))

    for _ in range(updates):
        x, actions, *rest, _ = tasks.act(envs, choose, rng, trpo.LENGTH, scale)
        a, baseline = trpo.estimated_advantages(baseline, x, *rest)
        a = (a - a.mean()) / (a.std() + 1e-8)
        policy.step(*(y.reshape(-1, *y.shape[2:]) for y in (x, actions, a)))
    rng = np.random.default_rng([seed, 1])
    *_, returns = tasks.act(tasks.make("CartPole-v1", 100)[0], choose, rng, 500, scale)
    return np.mean(list(dict(reversed(returns)).values()))


def flat(tensors):
    return torch.cat([t.reshape(-1) for t in tensors])


def trpo_cg(product, g):
    s, r, p = torch.zeros_like(g), g.clone(), g.clone()
    rr = r @ r
    for _ in range(trpo.ITERATIONS):
        if rr < trpo.SMALL * (g @ g):
            break
        fp = product(p)
        alpha = rr / (p @ fp)
        s, r = s + alpha * p, r - alpha * fp
        rr, former = r @ r, rr
        p = r + rr / former * p
    return s
