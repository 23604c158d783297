"""What is timed on a GPU: each job, written for each engine as its users would write it.

A job is a class, whose inputs are NumPy's and go to the device before anything is timed:

    stage     on Variables of these arrays: the same lines for CuPy and PyTorch, and inside jax.jit
    by_hand   CuPy, with the derivative worked out on paper
    torch     PyTorch's own autograd, eager
    jax       JAX's own, to be compiled by jax.jit

A program ends when some of its numbers are in main memory, which waits for the device; they are
what is checked, beside what calculus says of them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..bench.jobs import tanh_derivative

#: Engine -> what it is called. Those of one library stand together: it lives on the same device.
ENGINES = {
    "stage_cupy": "step36 on CuPy",
    "hand_cupy": "CuPy by hand",
    "stage_torch": "step36 on PyTorch",
    "eager_torch": "PyTorch",
    "stage_jax": "step36 in jax.jit",
    "jit_jax": "JAX in jax.jit",
}
SAMPLE = 1000  # numbers of an answer that are looked at


class GpuJob:
    """name: as given to --rows; title: as in the table, with {} for how many numbers.

    wanted: how many numbers; each: bytes that the most hungry engine takes for each of them.
    moved: how many numbers are read and written for each at the least, inputs and answer.
    """

    name: str
    title: str
    wanted = 10**8
    each = 0
    moved = 2
    tolerance = 1e-11
    engines = tuple(ENGINES)

    def __init__(self, n: int = 0, device: str = ""):
        self.n, self.device = n or self.wanted, device

    def inputs(self) -> list[np.ndarray]:
        return [np.linspace(-2.0, 2.0, self.n)]

    def expected(self) -> Any:
        raise NotImplementedError

    def stage(self, *arrays: Any) -> Any:
        raise NotImplementedError

    def by_hand(self, xp: Any, *arrays: Any) -> Any:
        raise NotImplementedError

    def torch(self, *tensors: Any) -> Any:
        raise NotImplementedError

    def jax(self, *arrays: Any) -> Any:
        raise NotImplementedError

    def sample(self, y: Any) -> Any:
        """Some of the numbers of an answer, of any kind of array, still where that is."""
        return y[:: max(1, self.n // SAMPLE)]

    # The engines.

    def stage_cupy(self) -> Callable:
        return self._on_cupy(self.stage)

    def hand_cupy(self) -> Callable:
        import cupy

        return self._on_cupy(functools.partial(self.by_hand, cupy))

    def stage_torch(self) -> Callable:
        return self._on_torch(self.stage)

    def eager_torch(self) -> Callable:
        return self._on_torch(self.torch)

    def stage_jax(self) -> Callable:
        return self._in_jax(self.stage)

    def jit_jax(self) -> Callable:
        return self._in_jax(self.jax)

    def _on_cupy(self, f: Callable) -> Callable:
        import cupy

        arrays = [cupy.asarray(x) for x in self.inputs()]
        return lambda: cupy.asnumpy(self.sample(f(*arrays)))

    def _on_torch(self, f: Callable) -> Callable:
        import torch

        tensors = [torch.tensor(x, device=self.device or "cpu") for x in self.inputs()]
        return lambda: self.sample(f(*tensors)).cpu()

    def _in_jax(self, f: Callable) -> Callable:
        import jax

        jax.config.update("jax_enable_x64", True)
        where = jax.devices(self.device or None)[0]
        arrays = [jax.numpy.asarray(x, device=where) for x in self.inputs()]
        compiled = jax.jit(f)
        return lambda: np.asarray(self.sample(compiled(*arrays)))


class Copy(GpuJob):
    """What the memory can do, beside which the others are seen; nothing of ours takes part."""

    name = "copy"
    title = "a copy of {} numbers"
    each = 20
    engines = ("hand_cupy", "eager_torch", "jit_jax")

    def expected(self):
        return self.sample(*self.inputs())

    def by_hand(self, xp, x):
        return x.copy()

    def torch(self, x):
        return x.clone()

    def jax(self, x):
        import jax.numpy as jnp

        return jnp.copy(x)


class Newton(GpuJob):
    """Newton's method on x^4 - 2 x^2 from n starting points, which all go to the minimum at 1."""

    name = "newton"
    title = "Newton, 10 iterations from {} starting points"
    wanted = 10**7
    each = 200
    steps = 10

    def inputs(self):
        return [np.linspace(0.8, 3.0, self.n)]

    def expected(self):
        return np.ones_like(self.sample(*self.inputs()))

    def stage(self, data):
        from dezero import Variable

        x = Variable(data)
        for _ in range(self.steps):
            y = x**4 - 2 * x**2
            x.cleargrad()
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.data = x.data - gx.data / x.grad.data
        return x.data

    def by_hand(self, xp, x):
        for _ in range(self.steps):
            x = x - (4 * x**3 - 4 * x) / (12 * x**2 - 4)
        return x

    def torch(self, x):
        import torch
        from torch.autograd import grad

        ones = torch.ones_like(x)
        for _ in range(self.steps):
            x = x.detach().requires_grad_()
            y = x**4 - 2 * x**2
            (gx,) = grad(y, x, ones, create_graph=True)
            (ggx,) = grad(gx, x, ones)
            x = x.detach() - gx.detach() / ggx
        return x

    def jax(self, x):
        import jax

        gradient = jax.grad(lambda x: (x**4 - 2 * x**2).sum())
        curvature = jax.grad(lambda x: gradient(x).sum())
        for _ in range(self.steps):
            x = x - gradient(x) / curvature(x)
        return x


class FourthDerivative(GpuJob):
    """The fourth derivative of one function of n numbers, by four passes through the graph."""

    function: str
    order = 4

    def stage(self, data):
        import dezero.functions as F
        from dezero import Variable

        x = Variable(data)
        y = getattr(F, self.function)(x)
        for order in range(self.order):
            x.cleargrad()
            y.backward(create_graph=order + 1 < self.order)
            y = x.grad
        return y.data

    def torch(self, x):
        import torch
        from torch.autograd import grad

        x = x.detach().requires_grad_()
        ones, y = torch.ones_like(x), getattr(torch, self.function)(x)
        for order in range(self.order):
            (y,) = grad(y, x, ones, create_graph=order + 1 < self.order)
        return y

    def jax(self, x):
        import jax
        import jax.numpy as jnp

        f = getattr(jnp, self.function)
        for _ in range(self.order):
            f = jax.grad(lambda x, former=f: former(x).sum())
        return f(x)


class Sin(FourthDerivative):
    name = function = "sin"
    title = "sin, 4th derivative at {} numbers"
    each = 180

    def expected(self):
        return np.sin(self.sample(*self.inputs()))

    def by_hand(self, xp, x):
        return xp.sin(x)


class Tanh(FourthDerivative):
    name = function = "tanh"
    title = "tanh, 4th derivative at {} numbers"
    each = 480

    def expected(self):
        t = np.tanh(self.sample(*self.inputs()).astype(np.longdouble))
        return tanh_derivative(self.order, t).astype(np.float64)

    def by_hand(self, xp, x):
        return tanh_derivative(self.order, xp.tanh(x))


class Penalty(GpuJob):
    """The gradient of WGAN-GP's penalty by a critic's weights; the bench of the host has it small.

    D(x) = tanh(x W0 + b) W1 with 32 hidden units, at n points.
    """

    name = "penalty"
    title = "gradient penalty of a critic, {} points"
    wanted = 10**6
    hidden = 32
    each = 32 * 200
    tolerance = 1e-9  # of sums over all points

    def inputs(self):
        rng = np.random.default_rng(0)
        return [
            rng.normal(size=(self.n, 2)),
            rng.normal(size=(2, self.hidden)),
            rng.normal(size=self.hidden),
            rng.normal(size=(self.hidden, 1)),
        ]

    def sample(self, y):
        return y  # the gradient of the first weights, which are few

    def expected(self):
        return self.by_hand(np, *self.inputs())

    def by_hand(self, xp, x, w0, b, w1):
        """By the chain rule, as in dezero_harness.bench.jobs; its test holds that to differences.

        h is tanh(x W0 + b), s its slope times W1, g = s W0^T is grad D.
        """
        h = xp.tanh(x @ w0 + b)
        slope = 1 - h * h
        s = slope * w1[:, 0]
        g = s @ w0.T
        norm = xp.sqrt(xp.sum(g * g, axis=1, keepdims=True))
        dg = 2 / len(x) * (norm - 1) / norm * g
        ds = dg @ w0
        dz = ds * w1[:, 0] * -2 * h * slope
        return dg.T @ s + x.T @ dz

    def stage(self, *arrays):
        import dezero.functions as F
        from dezero import Variable

        x, w0, b, w1 = map(Variable, arrays)
        score = F.matmul(F.tanh(F.matmul(x, w0) + b), w1)
        score.backward(create_graph=True)  # from ones: the gradient of the sum
        gx = x.grad
        for p in (x, w0, b, w1):
            p.cleargrad()
        norm = F.sum(gx**2, axis=1) ** 0.5
        penalty = F.sum((norm - 1) ** 2) / self.n
        penalty.backward()
        return w0.grad.data

    def torch(self, *tensors):
        import torch
        from torch.autograd import grad

        x, w0, b, w1 = [t.detach().requires_grad_() for t in tensors]
        score = torch.tanh(x @ w0 + b) @ w1
        (gx,) = grad(score.sum(), x, create_graph=True)
        norm = (gx**2).sum(dim=1) ** 0.5
        penalty = ((norm - 1) ** 2).mean()
        return grad(penalty, [w0, b, w1])[0]

    def jax(self, x, *weights):
        import jax
        import jax.numpy as jnp

        def total(x, w0, b, w1):
            return jnp.sum(jnp.tanh(x @ w0 + b) @ w1)

        def penalty(weights):
            gx = jax.grad(total)(x, *weights)
            norm = jnp.sum(gx**2, axis=1) ** 0.5
            return jnp.mean((norm - 1) ** 2)

        return jax.grad(penalty)(weights)[0]


class HessianVector(GpuJob):
    """Hv for f(x) = (x . x)^2, whose Hessian 8 x x^T + 4 (x . x) I has no zeros."""

    name = "hvp"
    title = "Hessian-vector product, n = {}"
    each = 150
    moved = 3
    tolerance = 1e-9  # of the two sums over n products

    def inputs(self):
        return [np.linspace(-1.0, 1.0, self.n), np.linspace(1.0, 2.0, self.n)]

    def expected(self):
        return self.sample(self.by_hand(np, *self.inputs()))

    def by_hand(self, xp, x, v):
        return 8 * x * xp.sum(x * v) + 4 * xp.sum(x * x) * v

    def stage(self, data, v):
        import dezero.functions as F
        from dezero import Variable

        x = Variable(data)
        y = F.sum(x * x) ** 2
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.grad = Variable(v)  # what the second walk starts from, as grad(gx, x, v) in PyTorch
        gx.backward()
        return x.grad.data

    def torch(self, x, v):
        import torch
        from torch.autograd import grad

        x = x.detach().requires_grad_()
        y = torch.sum(x * x) ** 2
        (gx,) = grad(y, x, create_graph=True)
        return grad(gx, x, v)[0]

    def jax(self, x, v):
        import jax
        import jax.numpy as jnp

        return jax.jvp(jax.grad(lambda x: jnp.sum(x * x) ** 2), (x,), (v,))[1]


JOBS: dict[str, type[GpuJob]] = {
    job.name: job for job in (Copy, Newton, Sin, Tanh, Penalty, HessianVector)
}


def make(name: str, n: int = 0, device: str = "") -> GpuJob:
    return JOBS[name](n, device)


def fitting(job: type[GpuJob], free: int | None, most: int | None) -> int:
    """How many numbers a job takes: as many as it wants, if they fit into this many free bytes."""
    room = math.inf if free is None else 0.8 * free / job.each
    return int(min(job.wanted, room, most or math.inf))
