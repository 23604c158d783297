"""Tasks of gymnasium, and how a policy acts in several of them at once."""

import sys

import numpy as np

try:
    import gymnasium
    from gymnasium.spaces import Box, Discrete
except ImportError:
    sys.exit("this paper needs gymnasium, for its tasks: python -m pip install gymnasium")


def make(name, n):
    """n environments, and what their states are divided by: their bounds where there are any."""
    try:
        envs = [gymnasium.make(name, disable_env_checker=True) for _ in range(n)]
    except (gymnasium.error.Error, ImportError) as error:
        text = " ".join(str(error).split())
        sys.exit(f"gymnasium cannot make {name!r} ({text}); CartPole-v1 is one that it has")
    states, actions = envs[0].observation_space, envs[0].action_space
    vectors = isinstance(states, Box) and len(states.shape) == 1
    discrete = isinstance(actions, Discrete) and actions.start == 0
    if not vectors or not (discrete or (isinstance(actions, Box) and len(actions.shape) == 1)):
        sys.exit(
            f"{name} has states of {states} and actions of {actions}; this program needs vectors "
            f"as states, and as actions vectors or one of n"
        )
    return envs, np.where(states.high < 1e3, states.high, 1.0).astype(float)


def is_continuous(env):
    return isinstance(env.action_space, Box)


def act(envs, choose, rng, length, scale):
    """Let a policy act for `length` steps in each environment; choose(states): its actions.

    Returns states, actions, rewards, the states that followed, whether these were terminal, whether
    an episode ended there, times within it (all of shape (length, environments, ...)); and for each
    episode that ended its environment and its return.
    """
    x = np.stack([env.reset(seed=int(rng.integers(2**31)))[0] for env in envs]) / scale
    time, total, returns, steps = np.zeros(len(envs)), np.zeros(len(envs)), [], []
    for _ in range(length):
        actions = choose(x)
        answers = [env.step(allowed(env.action_space, a)) for env, a in zip(envs, actions)]
        after = np.stack([answer[0] for answer in answers]) / scale
        reward, terminal, cut = (np.array([a[i] for a in answers], float) for i in (1, 2, 3))
        ended = np.maximum(terminal, cut)
        steps.append((x, actions, reward, after, terminal, ended, time.copy()))
        x, total, time = after.copy(), total + reward, time + 1
        for i in np.flatnonzero(ended):
            returns.append((i, total[i]))
            x[i], total[i], time[i] = envs[i].reset()[0] / scale, 0, 0
    return *map(np.stack, zip(*steps)), returns


def allowed(space, action):
    return np.clip(action, space.low, space.high) if isinstance(space, Box) else int(action)
