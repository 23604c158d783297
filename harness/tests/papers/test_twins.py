"""Each paper step by step beside the same algorithm in PyTorch: the same numbers, in float64."""

import numpy as np
import pytest
import twins

STEPS, TOLERANCE = 20, 1e-9


def compare(ours, theirs):
    for (values, weights), (expected, others) in zip(ours, theirs):
        for name, value in values.items():
            assert value == pytest.approx(expected[name], rel=TOLERANCE), name
        a, b = twins.numbers(weights), twins.numbers(others)
        assert np.linalg.norm(a - b) < TOLERANCE * np.linalg.norm(b)


def first(steps):
    return (step for step, _ in zip(steps, range(STEPS)))


def test_wgan_gp():
    compare(first(twins.wgan_dezero()), first(twins.wgan_torch()))


def test_maml():
    compare(first(twins.maml_dezero()), first(twins.maml_torch()))


@pytest.mark.parametrize("env", ["CartPole-v1", "Pendulum-v1"])
def test_trpo(env):
    ours = twins.trpo_dezero(env=env)
    rng = np.random.default_rng(0)
    envs, scale = twins.tasks.make(env, 1)
    continuous = twins.tasks.is_continuous(envs[0])
    kind = (twins.trpo.Gaussian if continuous else twins.trpo.Categorical)(envs[0].action_space)
    policy = twins.TorchPolicy(twins.trpo.initial(rng, kind, len(scale)), continuous)
    for values, theta, batch in first(ours):
        compare([(values, theta)], [(policy.step(*batch), policy.theta)])


def test_trpo_by_pytorch_alone_comes_to_the_same_end():
    assert twins.trpo_to_the_end() >= 475  # as every seed of the stage's results
