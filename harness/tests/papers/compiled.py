"""A step of each paper as a function of arrays, for jax.jit: by the stage, and by JAX alone.

Adam, the line search and conjugate gradients are left out: they decide by numbers, or assign.
"""

import jax
import jax.numpy as jnp
import maml
import numpy as np
import trpo
import wgan_gp

from dezero import Parameter

jax.config.update("jax_enable_x64", True)


def on_jax(arrays):
    return [jnp.asarray(getattr(a, "data", a) if hasattr(a, "cleargrad") else a) for a in arrays]


def network(x, theta, between=jax.nn.relu):
    for i in range(0, len(theta) - 2, 2):
        x = between(x @ theta[i] + theta[i + 1])
    return x @ theta[-2] + theta[-1]


def maml_step():
    rng = np.random.default_rng(0)
    theta, (x, y) = (
        maml.initial(rng, float),
        maml.sinusoids(rng, maml.TASKS, 2 * maml.POINTS, float),
    )
    k = maml.POINTS

    def stage(theta, x, y):
        return maml.meta_gradient([Parameter(w) for w in theta], x, y, second_order=True)[1]

    def error(theta, x, y):
        return ((network(x, theta) - y) ** 2).sum() / k

    def task(theta, x, y):
        slopes = jax.grad(error)(theta, x[:k], y[:k])
        return error([w - maml.INNER * g for w, g in zip(theta, slopes)], x[k:], y[k:])

    def alone(theta, x, y):
        return jax.vmap(task, (None, 0, 0))(theta, x, y).mean()

    return stage, jax.grad(alone), (on_jax(theta), jnp.asarray(x), jnp.asarray(y))


def wgan_gp_step():
    """The gradient of the critic's loss."""
    rng = np.random.default_rng(0)
    critic = wgan_gp.critic_weights(rng, 3, 128, float)
    points = [rng.normal(size=(wgan_gp.BATCH, 2)) for _ in range(3)]

    def stage(critic, real, fake, between):
        theta = [Parameter(w) for w in critic]
        wgan_gp.critic_loss(theta, real, fake, between)[0].backward()
        return [p.grad.data for p in theta if p.grad is not None]

    def score(x, critic):
        return network(jnp.sin(x @ critic[0] + critic[1]), critic[2:])

    def alone(critic, real, fake, between):
        gx = jax.grad(lambda x: score(x, critic).sum())(between)
        norms = jnp.sqrt((gx**2).sum(axis=1) + 1e-12)
        penalty = wgan_gp.PENALTY * ((norms - 1) ** 2).mean()
        return (score(fake, critic) - score(real, critic)).mean() + penalty

    return stage, jax.grad(alone), (on_jax(critic), *on_jax(points))


def trpo_step():
    """A product with the Fisher matrix."""
    rng = np.random.default_rng(0)

    class Space:
        n = 2

    kind = trpo.Categorical(Space)
    theta, x = trpo.initial(rng, kind, 4), rng.normal(size=(5000, 4))
    v = rng.normal(size=sum(p.size for p in theta))

    def stage(theta, x, v):
        return [trpo.fisher_products(kind, [Parameter(p) for p in theta], x)(v)]

    def alone(theta, x, v):
        old = jax.nn.log_softmax(network(x, theta, jnp.tanh))

        def divergence(theta):
            new = jax.nn.log_softmax(network(x, theta, jnp.tanh))
            return (jnp.exp(old) * (old - new)).sum(axis=1).mean()

        def along(theta):
            return sum(
                (g * u).sum() for g, u in zip(jax.grad(divergence)(theta), trpo.shaped(v, theta))
            )

        return [trpo.flat(jax.grad(along)(theta)) + trpo.DAMPING * v]

    return stage, alone, (on_jax(theta), jnp.asarray(x), jnp.asarray(v))


STEPS = {"wgan_gp": wgan_gp_step, "maml": maml_step, "trpo": trpo_step}
