"""The engine inside a compiler: derivatives of order 1 to 4 under jax.jit, beside jax.grad.

A function of an array that wraps it in a Variable, calls backward and returns `x.grad.data` is a
function of an array, and jax.jit compiles it. The engine, its graph and its Variables are at work
once, while JAX traces the function; what is compiled, and runs from then on, is arithmetic.

Observe: the derivatives agree with those of jax.grad to the last digits, in about the same time.
Needs JAX: `python -m pip install "./shared[jax]"` in a clone of this repository.
"""

import argparse
import statistics
import sys
import time

try:
    import jax
except ImportError:
    sys.exit('this example needs JAX; in a clone: python -m pip install "./shared[jax]"')

import dezero.functions as F
from dezero import Variable

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--size", type=int, default=10**6, metavar="N", help="numbers (default: 10^6)")
parser.add_argument("--repeats", type=int, default=20, metavar="N", help="timings of each")

FUNCTIONS = {
    "tanh": (F.tanh, jax.numpy.tanh),
    "sin": (F.sin, jax.numpy.sin),
    "x^4 - 2x^2": (lambda x: x**4 - 2 * x**2,) * 2,
}


def derivative(f, order):
    """The derivative of f as a function of an array, by `order` backward passes."""

    def compute(data):
        x = Variable(data)
        y = f(x)
        for _ in range(order):
            x.cleargrad()
            y.backward(create_graph=True)
            y = x.grad
        return y.data

    return compute


def derivative_by_jax(f, order):
    for _ in range(order):
        f = jax.grad(lambda x, f=f: f(x).sum())
    return f


def milliseconds(functions, x, repeats):
    """The median time of each of these functions, which take turns."""
    times = [[] for _ in functions]
    for _ in range(repeats):
        for f, taken in zip(functions, times, strict=True):
            start = time.perf_counter()
            f(x).block_until_ready()
            taken.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(taken) for taken in times]


def main():
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    x = jax.numpy.linspace(-2.0, 2.0, args.size)
    print("function    order  difference  dezero ms  jax.grad ms  ratio")
    for name, (ours, theirs) in FUNCTIONS.items():
        for order in (1, 2, 3, 4):
            pair = [jax.jit(derivative(ours, order)), jax.jit(derivative_by_jax(theirs, order))]
            a, b = [f(x) for f in pair]  # the first call compiles
            off = float(abs(a - b).max() / abs(b).max())
            t, u = milliseconds(pair, x, args.repeats)
            print(f"{name:10}  {order:5}  {off:10.1e}  {t:9.2f}  {u:11.2f}  {t / u:5.2f}")


if __name__ == "__main__":
    main()
