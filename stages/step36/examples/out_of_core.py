"""More numbers than fit into memory, and more machines than one: Variables that hold Dask arrays.

A Dask array is a plan: chunks, and what to compute of each. The engine works on it as on any other
array, and what backward() leaves in `grad` is a plan as well; when it is carried out, a few chunks
are in memory at a time, on all cores. A billion numbers take 8 GB; this program takes less than 2.

    python out_of_core.py                                  a billion numbers on this machine
    python out_of_core.py --scheduler tcp://host:8786      on a cluster, which `dask scheduler`
                                                           and `dask worker` have started

The workers of a cluster need Dask and NumPy only: what they get is arithmetic, and no engine.

Observe: means of derivatives over the whole, beside what a closed formula says of them.
Needs Dask: `python -m pip install "./shared[dask]"` in a clone of this repository.
"""

import argparse
import sys
from math import cos, sin

import numpy as np

try:
    import array_api_compat  # noqa: F401  (by which the engine finds Dask's functions)
    import dask
    import dask.array as da
    from dask.diagnostics import ProgressBar
    from dask.distributed import Client
except ImportError as error:
    sys.exit(f'this example needs Dask ({error}); in a clone: pip install "./shared[dask]"')

import dezero.functions as F
from dezero import Variable

COLUMNS = 10


def whole(text):
    """A positive whole number, also written as 1e9."""
    number = float(text)
    if number < 1 or number != int(number):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(number)


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--size", type=whole, default=10**9, metavar="N", help="how many numbers (1e9)")
parser.add_argument("--chunk", type=whole, default=10**6, metavar="N", help="of a chunk (1e6)")
parser.add_argument("--scheduler", metavar="ADDRESS", help="of a cluster, as tcp://host:8786")


def sin_cycle(data):
    """sin and its first four derivatives, at these numbers."""
    x = Variable(data)
    y = F.sin(x)
    cycle = [y.data]
    for _ in range(4):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        cycle.append(y.data)
    return cycle


def hessian_vector_product(data, v):
    """H v for f = sum of (|row|^2)^2 / 4, whose Hessian is |row|^2 I + 2 row row^T in each row."""
    x = Variable(data)
    y = F.sum(x**2, axis=1) ** 2 / 4
    # backward() of many numbers starts from ones, as that of their sum would. But here the ones are
    # in chunks like y, while a sum would repeat its single gradient in one chunk, of all numbers.
    y.backward(create_graph=True)
    gx = x.grad
    x.cleargrad()
    z = gx * v
    z.backward()
    return x.grad.data


def line(module, n, **chunks):
    """n numbers from 0 to 1."""
    return module.linspace(0.0, 1.0, n, **chunks)


def rows(module, n, **chunks):
    """n rows of COLUMNS equal numbers each, from 0 to 1."""
    return module.broadcast_to(line(module, n, **chunks)[:, None], (n, COLUMNS))


def means_of_cycle(n):
    """The means of sin and its derivatives at n numbers from 0 to 1: sums of sin(k h), cos(k h)."""
    h = 1 / (n - 1)
    common = sin(n * h / 2) / sin(h / 2) / n
    s, c = sin((n - 1) * h / 2) * common, cos((n - 1) * h / 2) * common
    return [s, c, -s, -c, s]


def compute(plans, client):
    """Carry out these plans together, so that a chunk that several need is computed once."""
    if client:
        # Dask's own bar for a cluster waits for ever if the futures are done when it begins.
        print(f"how far it is: {client.dashboard_link}", file=sys.stderr)
        return client.gather(client.compute(plans))
    with ProgressBar(out=sys.stderr):
        return dask.compute(*plans)


def main():
    args = parser.parse_args()
    if args.size < 2 * COLUMNS:
        parser.error(f"--size is {2 * COLUMNS} or more")
    try:
        client = Client(args.scheduler, timeout=10) if args.scheduler else None
    except (OSError, ValueError) as error:
        sys.exit(
            f"no scheduler answers at {args.scheduler} ({error}); start one with `dask scheduler`,"
            f" and workers with `dask worker ADDRESS`"
        )
    n, v = args.size // COLUMNS, np.arange(1.0, COLUMNS + 1)

    few = min(args.size, 10**5)
    here = [line(np, few), rows(np, few // COLUMNS)]
    chunked = [
        da.from_array(numbers, chunks=(len(numbers) // 3, -1)[: numbers.ndim]) for numbers in here
    ]
    answers = [
        [*sin_cycle(numbers), hessian_vector_product(table, v)]
        for numbers, table in (here, chunked)
    ]
    off = max(float(abs(a - b.compute()).max()) for a, b in zip(*answers, strict=True))
    print(f"{few} numbers, in chunks or by NumPy: the largest difference is {off:.0e}")

    print(f"sin and its derivatives at {args.size} numbers from 0 to 1:")
    cycle = sin_cycle(line(da, args.size, chunks=args.chunk))
    means = compute([y.mean() for y in cycle], client)
    for order, (mean, exact) in enumerate(zip(means, means_of_cycle(args.size), strict=True)):
        print(f"order {order}: mean {mean:.12f}, by the formula {exact:.12f}")

    print(f"a Hessian-vector product of {n} rows of {COLUMNS} numbers:")
    data = rows(da, n, chunks=max(1, args.chunk // COLUMNS))
    (columns,) = compute([hessian_vector_product(data, v).mean(axis=0)], client)
    # (|row|^2 v + 2 row (row . v))_j = t^2 (10 v_j + 110), and t^2 has this mean:
    square = (2 * n - 1) / (6 * (n - 1))
    off = float(max(abs(columns / (square * (10 * v + 110)) - 1)))
    print(f"its means: {columns[0]:.9f} to {columns[-1]:.9f}, off by {off:.0e} at most")
    if client:
        client.close()


if __name__ == "__main__":
    main()
