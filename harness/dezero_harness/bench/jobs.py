"""What the bench measures: each job, written for each engine as its users would write it.

A job is a class; its methods are the same computation for different engines, to be read beside each
other. A method prepares what is not to be timed (imports, inputs) and returns the program that is:

    dezero      the stages, the book's own package, and the bare engine beside this file: one of the
                stages' shape that checks nothing, the floor of the rows where arrays are small
    autograd    HIPS autograd
    jax         returns a function and its arguments; they run as they are, and under `jax.jit`
    torch       PyTorch, eager
    by_hand     NumPy, with the derivative worked out on paper: what no engine has to do is left out
    same_steps  NumPy, each array operation of reverse mode written down: no engine, its arithmetic.
                It keeps what a graph keeps, and lets go of a gradient when that is passed on
    series      a stage on truncated Taylor series (dezero_shared.series): no backward pass
    compiled    a stage inside `jax.jit`; like `jax`, it returns a function and its arguments
    jet         jax.experimental.jet, Taylor series as well; as it is, and under `jax.jit`
    heyoka      heyoka's Taylor series, which LLVM has compiled for the function and the order

An engine without a method does not take part. `expected` is the answer, from calculus. Every
program is asked for the last derivative alone, so that no engine computes what others need not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np

ON_PAPER = ("by_hand", "same_steps")

Program = Callable[[], Any]
Traceable = tuple[Any, ...]  # a function, and its arguments


class Job:
    """name: as given to --only; title: as in the table; per: operations that a time is divided by.

    needs: the capabilities that a stage has to have; tolerance: of the largest number expected.
    """

    name: str
    title: str
    per = 1
    needs: tuple[str, ...] = ("create_graph",)
    tolerance = 1e-12
    excluded: dict[str, str] = {}  # engines that could, and why they do not
    silent: tuple[str, ...] = ()  # engines that have a method and no place in this row
    slow: tuple[str, ...] = ()  # engines that a quick run leaves out

    def expected(self) -> Any:
        raise NotImplementedError


class Newton(Job):
    """Newton's method with the derivatives of reverse mode, from 2 towards the minimum at 1."""

    name = "newton"
    title = "Newton, 10 iterations on x⁴ − 2x²"

    def expected(self):
        with localcontext(prec=50):
            x = Decimal(2)
            for _ in range(10):
                x -= (4 * x**3 - 4 * x) / (12 * x**2 - 4)
        return float(x)

    def dezero(self):
        from dezero import Variable

        def program():
            x = Variable(np.array(2.0))
            for _ in range(10):
                y = x**4 - 2 * x**2
                x.cleargrad()
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                gx.backward()
                x.data -= gx.data / x.grad.data
            return x

        return program

    def autograd(self):
        from autograd import grad

        gradient = grad(lambda x: x**4 - 2 * x**2)
        curvature = grad(gradient)

        def program():
            x = 2.0
            for _ in range(10):
                x = x - gradient(x) / curvature(x)
            return x

        return program

    def jax(self):
        from jax import grad

        gradient = grad(lambda x: x**4 - 2 * x**2)
        curvature = grad(gradient)

        def program(x):
            for _ in range(10):
                x = x - gradient(x) / curvature(x)
            return x

        return program, 2.0

    def torch(self):
        import torch
        from torch.autograd import grad

        def program():
            x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
            for _ in range(10):
                y = x**4 - 2 * x**2
                (gx,) = grad(y, x, create_graph=True)
                (ggx,) = grad(gx, x)
                with torch.no_grad():
                    x -= gx / ggx
            return x

        return program

    def by_hand(self):
        def program():
            x = np.array(2.0)
            for _ in range(10):
                x = x - (4 * x**3 - 4 * x) / (12 * x**2 - 4)
            return x

        return program


class NthDerivative(Job):
    """The n-th derivative of one function of one array, by n passes through the graph."""

    function = "tanh"

    def __init__(self, order: int):
        self.order = order

    @property
    def x(self) -> np.ndarray:
        return np.array(1.0)

    def dezero(self):
        import dezero.functions as F
        from dezero import Variable

        f, x, last = getattr(F, self.function), Variable(self.x), self.order - 1

        def program():
            x.cleargrad()
            f(x).backward(create_graph=last > 0)
            for order in range(1, self.order):
                gx = x.grad
                x.cleargrad()
                gx.backward(create_graph=order < last)
            return x.grad

        return program

    def autograd(self):
        import autograd.numpy
        from autograd import elementwise_grad

        f, x = getattr(autograd.numpy, self.function), self.x
        for _ in range(self.order):
            f = elementwise_grad(f)
        return lambda: f(x)

    def jax(self):
        import jax
        import jax.numpy as jnp

        def derivative(f):
            return jax.grad(lambda x: jnp.sum(f(x)))

        f = getattr(jnp, self.function)
        for _ in range(self.order):
            f = derivative(f)
        return f, jnp.asarray(self.x)

    def torch(self):
        import torch
        from torch.autograd import grad

        f, x = getattr(torch, self.function), torch.tensor(self.x, requires_grad=True)
        ones = torch.ones_like(x)
        last = self.order - 1

        def program():
            y = f(x)
            for order in range(self.order):
                (y,) = grad(y, x, ones, create_graph=order < last)
            return y

        return program

    def series(self):
        import dezero.functions as F
        from dezero_shared.series import derivatives

        f, x = getattr(F, self.function), self.x
        return lambda: derivatives(f, x, self.order)[-1]

    def compiled(self):
        import jax.numpy as jnp

        import dezero.functions as F
        from dezero import Variable

        f, last = getattr(F, self.function), self.order - 1

        def derivative(data):
            x = Variable(data)
            f(x).backward(create_graph=last > 0)
            for order in range(1, self.order):
                gx = x.grad
                x.cleargrad()
                gx.backward(create_graph=order < last)
            return x.grad.data

        return derivative, jnp.asarray(self.x)


class SinCycle(NthDerivative):
    name = "sin"
    title = "sin, 4th derivative at 200 points"
    function = "sin"
    needs = ("create_graph", "functions")

    def __init__(self):
        super().__init__(4)

    @property
    def x(self):
        return np.linspace(-7.0, 7.0, 200)

    def expected(self):
        return np.sin(self.x)

    def by_hand(self):
        x = self.x
        return lambda: np.sin(x)


class Tanh(NthDerivative):
    """tanh at 1: the graph of each derivative is two to three times that of the one before."""

    needs = ("create_graph", "tanh")
    tolerance = 1e-10  # the terms of the eighth derivative cancel
    excluded = {}

    def __init__(self, order: int):
        super().__init__(order)
        self.name = f"tanh{order}"
        self.title = f"tanh, derivative of order {order}"
        if order > 6:
            self.excluded = {"jax": "each call traces the function anew, for seconds"}

    def expected(self):
        with localcontext(prec=50):
            t = 1 - 2 / (Decimal(2).exp() + 1)
            return float(tanh_derivative(self.order, t))

    def by_hand(self):
        x, polynomial = self.x, [float(c) for c in tanh_polynomial(self.order)[::-1]]

        def program():
            t = np.tanh(x)
            y = 0.0
            for coefficient in polynomial:
                y = y * t + coefficient
            return y

        return program


def tanh_polynomial(order: int) -> list[int]:
    """Coefficients, lowest first, of tanh's derivative in t = tanh x: p -> p' (1 - t^2)."""
    p = [0, 1]
    for _ in range(order):
        slope = [k * c for k, c in enumerate(p)][1:]
        p = [a - b for a, b in zip([*slope, 0, 0], [0, 0, *slope])]
    return p


def tanh_derivative(order: int, t: Any) -> Any:
    """The derivative of this order where tanh is t, in t's arithmetic."""
    y = t * 0
    for coefficient in tanh_polynomial(order)[::-1]:
        y = y * t + coefficient
    return y


class Chain(Job):
    """y = x + x + ... + x: forward and backward through n additions, one after another."""

    needs: tuple[str, ...] = ()

    def __init__(self, n: int, create_graph: bool = False):
        self.n = self.per = n
        self.create_graph = create_graph
        self.name = "chain"
        self.title = f"chain of {n} additions, each"
        if create_graph:
            self.needs = ("create_graph",)

    def expected(self):
        return float(self.n + 1)

    def dezero(self):
        from dezero import Variable

        x, n = Variable(np.array(1.0)), self.n
        options = {"create_graph": True} if self.create_graph else {}

        def program():
            x.cleargrad()
            y = x
            for _ in range(n):
                y = y + x
            y.backward(**options)
            return x.grad

        return program

    def autograd(self):
        from autograd import grad

        def f(x):
            y = x
            for _ in range(self.n):
                y = y + x
            return y

        gradient = grad(f)
        return lambda: gradient(1.0)

    def jax(self):
        from jax import grad

        def f(x):
            y = x
            for _ in range(self.n):
                y = y + x
            return y

        return grad(f), 1.0

    def torch(self):
        import torch
        from torch.autograd import grad

        x, n = torch.tensor(1.0, dtype=torch.float64, requires_grad=True), self.n

        def program():
            y = x
            for _ in range(n):
                y = y + x
            return grad(y, x, create_graph=self.create_graph)[0]

        return program


class Tree(Chain):
    """The sum of n leaves, in pairs, then pairs of pairs: n - 1 additions of log n generations."""

    excluded = {
        "autograd": "the gradient of a list takes time that grows as the square of its length",
        "jax": "each call traces the function anew, for seconds",
        "jax.jit": "compiling a function of 4000 arguments takes minutes",
    }

    def __init__(self, n: int, create_graph: bool = False):
        super().__init__(n, create_graph)
        self.name = "tree"
        self.title = f"tree of {n} leaves, each addition"

    def expected(self):
        return np.ones(2)

    def dezero(self):
        from dezero import Variable

        leaves = [Variable(np.array(float(i))) for i in range(self.n)]
        options = {"create_graph": True} if self.create_graph else {}

        def program():
            for x in leaves:
                x.cleargrad()
            pairwise_sum(leaves).backward(**options)
            return [leaves[0].grad, leaves[-1].grad]

        return program

    def torch(self):
        import torch
        from torch.autograd import grad

        leaves = [
            torch.tensor(float(i), dtype=torch.float64, requires_grad=True) for i in range(self.n)
        ]

        def program():
            gradients = grad(pairwise_sum(leaves), leaves, create_graph=self.create_graph)
            return [gradients[0], gradients[-1]]

        return program


def pairwise_sum(xs: Any) -> Any:
    xs = list(xs)
    while len(xs) > 1:
        sums = [a + b for a, b in zip(xs[::2], xs[1::2])]
        xs = sums + xs[len(sums) * 2 :]
    return xs[0]


class ArrayJob(NthDerivative):
    """The first or second derivative on 10^6 numbers, where the arithmetic is what takes time."""

    n = 10**6
    silent: tuple[str, ...] = ("series", "compiled", "bare")

    def __init__(self, order: int):
        super().__init__(order)
        self.name = f"array-{self.function}{order}"
        self.title = f"10⁶ numbers: {self.function}, {('1st', '2nd')[order - 1]} derivative"
        self.needs = ("create_graph",) * (order > 1) + self.needs

    @property
    def x(self):
        return np.linspace(-2.0, 2.0, self.n)

    def by_hand(self):
        derivative, x = getattr(self, f"order{self.order}"), self.x
        return lambda: derivative(x)

    def same_steps(self):
        steps, x = getattr(self, f"steps{self.order}"), self.x
        return lambda: steps(x)


class ArraySin(ArrayJob):
    function = "sin"
    needs = ("functions",)

    def expected(self):
        return np.cos(self.x) if self.order == 1 else -np.sin(self.x)

    def order1(self, x):
        return np.cos(x)

    def order2(self, x):
        return -np.sin(x)

    def steps1(self, x):
        y = np.sin(x)
        gy = np.ones_like(y)
        return gy * np.cos(x)

    def steps2(self, x):
        y = np.sin(x)
        gy = np.ones_like(y)
        cos_x = np.cos(x)
        gx = gy * cos_x
        g_cos = np.ones_like(gx) * gy
        return g_cos * -np.sin(x)


class ArrayTanh(ArrayJob):
    function = "tanh"
    needs: tuple[str, ...] = ("tanh",)

    def expected(self):
        t = np.tanh(self.x.astype(np.longdouble))
        return tanh_derivative(self.order, t).astype(np.float64)

    def order1(self, x):
        t = np.tanh(x)
        return 1 - t * t

    def order2(self, x):
        t = np.tanh(x)
        return 2 * t * (t * t - 1)

    def steps1(self, x):
        y = np.tanh(x)
        gy = np.ones_like(y)
        return gy * (1 - y * y)

    def steps2(self, x):
        y = np.tanh(x)
        gy = np.ones_like(y)
        yy = y * y
        slope = 1 - yy
        gx = gy * slope
        g_slope = np.ones_like(gx) * gy
        g_yy = -g_slope
        del g_slope
        g_y = g_yy * y
        g_y = g_y + g_yy * y
        del g_yy
        return g_y * (1 - y * y)


class ArrayPolynomial(ArrayJob):
    function = "x⁴ − 2x²"
    needs = ()

    def __init__(self, order: int):
        super().__init__(order)
        self.name = f"array-poly{order}"

    def expected(self):
        x = self.x
        return 4 * x**3 - 4 * x if self.order == 1 else 12 * x**2 - 4

    def order1(self, x):
        return 4 * x**3 - 4 * x

    def order2(self, x):
        return 12 * x**2 - 4

    def steps1(self, x):
        a, b = x**4, x**2
        c = 2 * b
        y = a - c
        gy = np.ones_like(y)
        gb = -gy * 2
        ga = gy * (4 * x**3)
        del gy
        return ga + gb * (2 * x)

    def steps2(self, x):
        a, b = x**4, x**2
        c = 2 * b
        y = a - c
        gy = np.ones_like(y)
        gc = -gy
        gb = gc * 2
        cube = x**3
        slope_a, slope_b = 4 * cube, 2 * x
        part_a, part_b = gy * slope_a, gb * slope_b
        gx = part_a + part_b
        ggx = np.ones_like(gx)
        g_slope_b = ggx * gb
        g_cube = ggx * gy * 4
        del ggx
        ggx = g_cube * (3 * x**2)
        del g_cube
        return ggx + g_slope_b * 2

    def dezero(self):
        from dezero import Variable

        x = Variable(self.x)
        options = {"create_graph": True} if self.order == 2 else {}

        def program():
            x.cleargrad()
            y = x**4 - 2 * x**2
            y.backward(**options)
            if self.order == 2:
                gx = x.grad
                x.cleargrad()
                gx.backward()
            return x.grad

        return program

    def autograd(self):
        from autograd import elementwise_grad

        def f(x):
            return x**4 - 2 * x**2

        x = self.x
        for _ in range(self.order):
            f = elementwise_grad(f)
        return lambda: f(x)

    def jax(self):
        import jax
        import jax.numpy as jnp

        def f(x):
            return x**4 - 2 * x**2

        def derivative(f):
            return jax.grad(lambda x: jnp.sum(f(x)))

        for _ in range(self.order):
            f = derivative(f)
        return f, jnp.asarray(self.x)

    def torch(self):
        import torch
        from torch.autograd import grad

        x = torch.tensor(self.x, requires_grad=True)
        ones = torch.ones_like(x)

        def program():
            y = x**4 - 2 * x**2
            for order in range(self.order):
                (y,) = grad(y, x, ones, create_graph=order + 1 < self.order)
            return y

        return program


class DoubleBackprop(Job):
    """z = (dy/dx)^3 + y for y = x^2: the derivative of an expression that holds a derivative."""

    name = "double"
    title = "double backprop, z = (dy/dx)³ + y"

    def expected(self):
        return 100.0  # 24 x^2 + 2 x at 2

    def dezero(self):
        from dezero import Variable

        x = Variable(np.array(2.0))

        def program():
            x.cleargrad()
            y = x**2
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            z = gx**3 + y
            z.backward()
            return x.grad

        return program

    def autograd(self):
        from autograd import grad

        def y(x):
            return x**2

        gradient = grad(lambda x: grad(y)(x) ** 3 + y(x))
        return lambda: gradient(2.0)

    def jax(self):
        from jax import grad

        def y(x):
            return x**2

        return grad(lambda x: grad(y)(x) ** 3 + y(x)), 2.0

    def torch(self):
        import torch
        from torch.autograd import grad

        x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

        def program():
            y = x**2
            (gx,) = grad(y, x, create_graph=True)
            z = gx**3 + y
            return grad(z, x)[0]

        return program

    def by_hand(self):
        x = np.array(2.0)
        return lambda: 24 * x**2 + 2 * x


class HessianVector(Job):
    """Hv for f(x) = (x . x)^2, whose Hessian 8 x x^T + 4 (x . x) I has no zeros."""

    needs = ("create_graph", "array_functions")
    silent = ("bare",)
    tolerance = 1e-9  # of the two sums over n products

    def __init__(self, n: int):
        self.n = n
        self.name = f"hvp{n}"
        self.title = f"Hessian-vector product, n = 10{'³' if n == 1000 else '⁶'}"

    @property
    def inputs(self):
        return np.linspace(-1.0, 1.0, self.n), np.linspace(1.0, 2.0, self.n)

    def expected(self):
        x, v = self.inputs
        return 8 * x * np.sum(x * v) + 4 * np.sum(x * x) * v

    def dezero(self):
        import dezero.functions as F
        from dezero import Variable

        x, v = map(Variable, self.inputs)

        def program():
            x.cleargrad()
            y = F.sum(x * x) ** 2
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.grad = v  # what the second walk starts from, as grad(gx, x, v) in PyTorch
            gx.backward()
            return x.grad

        return program

    def autograd(self):
        import autograd.numpy as anp
        from autograd import hessian_vector_product

        x, v = self.inputs
        product = hessian_vector_product(lambda x: anp.sum(x * x) ** 2)
        return lambda: product(x, v)

    def jax(self):
        import jax
        import jax.numpy as jnp

        def product(x, v):
            return jax.jvp(jax.grad(lambda x: jnp.sum(x * x) ** 2), (x,), (v,))[1]

        x, v = map(jnp.asarray, self.inputs)
        return product, x, v

    def torch(self):
        import torch
        from torch.autograd import grad

        x, v = map(torch.tensor, self.inputs)
        x.requires_grad_()

        def program():
            y = torch.sum(x * x) ** 2
            (gx,) = grad(y, x, create_graph=True)
            return grad(gx, x, v)[0]

        return program

    def by_hand(self):
        x, v = self.inputs
        return lambda: 8 * x * np.sum(x * v) + 4 * np.sum(x * x) * v


class GradientPenalty(Job):
    """The gradient of WGAN-GP's penalty by a critic's weights: mean (|grad D| - 1)^2, 256 points.

    D(x) = tanh(x W0 + b) W1 with 32 hidden units.
    """

    name = "penalty"
    title = "gradient penalty of a critic, 256 points"
    needs = ("create_graph", "array_functions", "broadcast", "tanh")
    silent = ("bare",)
    batch, hidden = 256, 32

    @property
    def inputs(self):
        rng = np.random.default_rng(0)
        return (
            rng.normal(size=(self.batch, 2)),
            rng.normal(size=(2, self.hidden)),
            rng.normal(size=self.hidden),
            rng.normal(size=(self.hidden, 1)),
        )

    def expected(self):
        return self.by_hand()()

    def by_hand(self):
        """By the chain rule; h is tanh(x W0 + b), s its slope times W1, g = s W0^T is grad D."""
        x, w0, b, w1 = self.inputs

        def program():
            h = np.tanh(x @ w0 + b)
            slope = 1 - h * h
            s = slope * w1[:, 0]
            g = s @ w0.T
            norm = np.sqrt(np.sum(g * g, axis=1, keepdims=True))
            dg = 2 / len(x) * (norm - 1) / norm * g
            ds = dg @ w0
            dz = ds * w1[:, 0] * -2 * h * slope
            dw1 = np.sum(ds * slope, axis=0)
            return [dg.T @ s + x.T @ dz, np.sum(dz, axis=0), dw1[:, None]]

        return program

    def dezero(self):
        import dezero.functions as F
        from dezero import Variable

        leaves = x, w0, b, w1 = [Variable(a) for a in self.inputs]

        def program():
            for leaf in leaves:
                leaf.cleargrad()
            score = F.matmul(F.tanh(F.matmul(x, w0) + b), w1)
            score.backward(create_graph=True)  # from ones: the gradient of the sum
            gx = x.grad
            for leaf in leaves:
                leaf.cleargrad()
            norm = F.sum(gx**2, axis=1) ** 0.5
            penalty = F.sum((norm - 1) ** 2) / self.batch
            penalty.backward()
            return [w0.grad, b.grad, w1.grad]

        return program

    def autograd(self):
        import autograd.numpy as anp
        from autograd import grad

        x, *weights = self.inputs

        def total(x, w0, b, w1):
            return anp.sum(anp.tanh(x @ w0 + b) @ w1)

        def penalty(weights):
            gx = grad(total)(x, *weights)
            norm = anp.sum(gx**2, axis=1) ** 0.5
            return anp.mean((norm - 1) ** 2)

        gradient = grad(penalty)
        return lambda: gradient(weights)

    def jax(self):
        import jax
        import jax.numpy as jnp

        def total(x, w0, b, w1):
            return jnp.sum(jnp.tanh(x @ w0 + b) @ w1)

        def penalty(weights, x):
            gx = jax.grad(total)(x, *weights)
            norm = jnp.sum(gx**2, axis=1) ** 0.5
            return jnp.mean((norm - 1) ** 2)

        x, *weights = map(jnp.asarray, self.inputs)
        return jax.grad(penalty), weights, x

    def torch(self):
        import torch
        from torch.autograd import grad

        x, *weights = [torch.tensor(a, requires_grad=True) for a in self.inputs]
        w0, b, w1 = weights

        def program():
            score = torch.tanh(x @ w0 + b) @ w1
            (gx,) = grad(score.sum(), x, create_graph=True)
            norm = (gx**2).sum(dim=1) ** 0.5
            penalty = ((norm - 1) ** 2).mean()
            return grad(penalty, weights)

        return program


class Compiled(ArrayTanh):
    """A stage inside jax.jit beside jax.grad inside jax.jit, on 10^6 numbers."""

    needs = ("create_graph", "tanh")
    silent = ("dezero", "book", "bare", "series", "autograd", "jax", "torch", *ON_PAPER)

    def __init__(self, order: int):
        NthDerivative.__init__(self, order)
        self.name = f"jit{order}"
        self.title = f"10⁶ numbers inside jax.jit: tanh, order {order}"


class AnyOrder(Job):
    """A function and all its derivatives to one order, beside those that do nothing else."""

    needs = ("create_graph", "tanh", "array_functions")
    tolerance = 1e-10
    function: str
    formula: str

    def __init__(self, order: int, n: int = 1):
        self.order, self.n = order, n
        self.name = f"any-{self.function}{order}" + ("-many" if n > 1 else "")
        numbers = "10⁶ numbers" if n > 1 else "one number"
        self.title = f"{self.formula} to order {order}, {numbers}"
        if order > 8:
            self.slow = ("jet", "jet.jit")
        if order > 20:
            self.excluded = {"jet.jit": "compiling it takes a minute"}
        if order > 20 and n > 1 and self.function == "tanh":
            self.excluded |= {"jet": "it gives no answer in five minutes"}

    @property
    def x(self) -> np.ndarray:
        return np.array(0.7) if self.n == 1 else np.linspace(-2.0, 2.0, self.n)

    def sample(self, y: Any) -> list[Any]:
        """Of an array for each order some numbers of each, to be checked."""
        return [c[:: self.n // 10] if self.n > 1 else c for c in y]

    def expected(self):
        (points,) = self.sample([self.x])
        rows = [self.exact(float(x)) for x in np.atleast_1d(points)]
        return [np.array(column).reshape(np.shape(points)) for column in zip(*rows)]

    def exact(self, x: float) -> list[float]:
        """The derivatives at x, by a recurrence in 80 digits."""
        with localcontext(prec=80):
            coefficients, factorial, found = self.coefficients(Decimal(x)), Decimal(1), []
            for k, c in enumerate(coefficients):
                factorial *= max(k, 1)
                found.append(float(factorial * c))
            return found

    def coefficients(self, x: Decimal) -> list[Decimal]:
        """Those of the Taylor series at x."""
        raise NotImplementedError

    def evaluated(self, x: Any, sin: Callable, exp: Callable, tanh: Callable) -> Any:
        """The function of x, by these functions."""
        raise NotImplementedError

    def series(self):
        import dezero.functions as F
        from dezero_shared.series import derivatives

        def f(x):
            return self.evaluated(x, F.sin, F.exp, F.tanh)

        x = self.x
        return lambda: self.sample(derivatives(f, x, self.order))

    def jet(self):
        import jax.numpy as jnp
        from jax.experimental.jet import jet

        def f(x):
            return self.evaluated(x, jnp.sin, jnp.exp, jnp.tanh)

        def all_derivatives(x):
            zero = jnp.zeros_like(x)
            series = [jnp.ones_like(x), *[zero] * (self.order - 1)]
            y, terms = jet(f, (x,), (series,))
            return [y, *terms]

        return all_derivatives, jnp.asarray(self.x)

    def heyoka(self):
        """From the solution of x' = 1, z' = f(x): its series, of which LLVM compiles the code.

        heyoka chooses the order by a tolerance, ceil(1 - ln(tolerance) / 2), so that is turned
        round; of many numbers it takes some together, in the registers of the processor.
        """
        import heyoka

        x, z = heyoka.make_vars("x", "z")
        f = self.evaluated(x, heyoka.sin, heyoka.exp, heyoka.tanh)
        system = [(x, heyoka.expression(1.0)), (z, f)]
        tolerance = float(np.exp(-2.0 * self.order + 1))
        together, numbers = min(self.n, 32), np.atleast_1d(self.x)
        kind = heyoka.taylor_adaptive_batch
        integrator = kind(system, state=np.zeros((2, together)), tol=tolerance)
        assert integrator.order == self.order + 1
        factors = np.cumprod(np.arange(1.0, self.order + 2))[:, None]  # (k + 1) k!
        derivatives = np.empty((self.order + 1, self.n))
        state, coefficients = integrator.state, integrator.tc

        def program():
            for at in range(0, self.n, together):
                state[0], state[1] = numbers[at : at + together], 0.0
                integrator.step(write_tc=True)
                derivatives[:, at : at + together] = coefficients[1, 1:]
            np.multiply(derivatives, factors, out=derivatives)
            return self.sample(derivatives if self.n > 1 else derivatives[:, 0])

        return program


class AnyTanh(AnyOrder):
    function = formula = "tanh"

    def coefficients(self, x):
        """From y' = 1 - y^2."""
        y = [1 - 2 / ((2 * x).exp() + 1)]
        for k in range(self.order):
            squared = sum(y[j] * y[k - j] for j in range(k + 1))
            y.append(((k == 0) - squared) / (k + 1))
        return y

    def evaluated(self, x, sin, exp, tanh):
        return tanh(x)


class AnyWave(AnyOrder):
    function, formula = "wave", "x sin x exp(−x²)"

    def coefficients(self, x):
        """The product of three series: x + t; sin by the angle sum; e' = -2 (x + t) e."""
        n, sin, cos = self.order, decimal_sin(x), decimal_sin(x + decimal_pi() / 2)
        s, factorial = [], Decimal(1)
        for k in range(n + 1):
            factorial *= max(k, 1)
            s.append([sin, cos, -sin, -cos][k % 4] / factorial)
        e = [(-x * x).exp()]
        for k in range(1, n + 1):
            e.append(-2 * (x * e[k - 1] + (e[k - 2] if k > 1 else 0)) / k)
        both = [sum(s[j] * e[k - j] for j in range(k + 1)) for k in range(n + 1)]
        return [x * c + (both[k - 1] if k else 0) for k, c in enumerate(both)]

    def evaluated(self, x, sin, exp, tanh):
        return x * sin(x) * exp(-(x * x))


def decimal_sin(x: Decimal) -> Decimal:
    """By its Taylor series at 0; for small x, in the digits of the context."""
    total = term = x
    k = 1
    while abs(term) > Decimal("1e-90"):
        term *= -x * x / ((k + 1) * (k + 2))
        total, k = total + term, k + 2
    return total


def decimal_pi() -> Decimal:
    """By Machin's formula, pi/4 = 4 arctan 1/5 - arctan 1/239."""

    def arctan_of_one_over(m):
        total = power = Decimal(1) / m
        k = 1
        while abs(power) > Decimal("1e-90"):
            power /= -m * m
            k += 2
            total += power / k
        return total

    return 4 * (4 * arctan_of_one_over(5) - arctan_of_one_over(239))


class QuietTree(Tree):
    """The tree without Python's cyclic collector: what that costs is the difference."""

    def dezero(self):
        import gc

        program = super().dezero()

        def quiet():
            gc.disable()
            try:
                return program()
            finally:
                gc.enable()

        return quiet


class Walk(Tree):
    """What the backward pass of the tree touches, and nothing else: what caches and memory cost.

    Every function is taken in the order of the pass, and what it holds is looked at: its inputs
    and their arrays. (To take a reference to an object is to write into it, so it is fetched.)
    """

    shuffled = False

    def expected(self):
        return 2.0 * (self.n - 1)

    def dezero(self):
        from dezero import Variable

        root = pairwise_sum([Variable(np.array(float(i))) for i in range(self.n)])
        functions = [root.creator]
        for f in functions:  # it grows
            functions += [x.creator for x in f.inputs if x.creator is not None]
        functions.sort(key=lambda f: -f.generation)
        if self.shuffled:
            random.Random(0).shuffle(functions)

        def program(root=root):  # the weak references of the graph need it
            inputs = 0
            for f in functions:
                f.generation  # noqa: B018
                for x in f.inputs:
                    x._data  # noqa: B018
                    inputs += 1
            return float(inputs)

        return program


class ShuffledWalk(Walk):
    """The same in an order that no cache and no prefetch can guess."""

    shuffled = True


SCALAR = [Newton(), SinCycle(), *map(Tanh, (2, 4, 6, 8)), Chain(1000), Tree(4000), DoubleBackprop()]
ARRAY = [
    *(kind(order) for kind in (ArrayPolynomial, ArraySin, ArrayTanh) for order in (1, 2)),
    HessianVector(10**3),
    HessianVector(10**6),
    GradientPenalty(),
]
COMPILED = [Compiled(order) for order in (1, 2, 3, 4)]
ANY_ORDER = [
    kind(order, n) for kind in (AnyTanh, AnyWave) for n in (1, 10**6) for order in (8, 20, 40)
]
JOBS: dict[str, Job] = {job.name: job for job in (*SCALAR, *ARRAY, *COMPILED, *ANY_ORDER)}
#: Jobs of any size, for the growth with the number of operations.
GROWTH: dict[str, type[Chain]] = {"chain": Chain, "tree": Tree}
#: And what the growth of the tree is made of.
OF_THE_TREE: dict[str, type[Chain]] = {
    "tree, no collector": QuietTree,
    "walk": Walk,
    "walk, shuffled": ShuffledWalk,
}


def make(name: str, n: int = 0, create_graph: bool = False) -> Job:
    """The job of this name; with n, the chain or the tree of this size."""
    return {**GROWTH, **OF_THE_TREE}[name](n, create_graph) if n else JOBS[name]
