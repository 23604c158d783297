"""A step of each paper inside jax.jit, as it stands: the numbers of JAX's own derivatives."""

import compiled
import jax
import numpy as np
import pytest


@pytest.mark.parametrize("paper", compiled.STEPS)
def test_compiled(paper):
    stage, alone, arrays = compiled.STEPS[paper]()
    ours, theirs = jax.jit(stage)(*arrays), jax.jit(alone)(*arrays)
    for a, b in zip(ours, theirs):
        assert np.allclose(a, b, rtol=1e-9, atol=1e-12)
