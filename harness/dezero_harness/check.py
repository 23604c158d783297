"""Are the derivatives of a function of mine right, on this engine?

`python -m dezero_harness.check my_module:f --stage stages/step36 --order 3` checks each order by
differences of the exact derivative below it, element by element; `--engine torch` does so on an
engine behind an adapter. f takes Variables and returns one, and imports what it needs from
`dezero` and `dezero.functions`. The first derivative that is wrong is told, with its order, its
element, what was expected and what came.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import adapters
from .adapters import bridge
from .execution.stage import StageError, load

STEP = 1e-4  # how far an element is moved, once and twice, to both sides


class CannotCheck(Exception):
    """There is nothing to check; the message says why, and what to do."""


def derivative(
    f: Callable, variable: Any, points: Sequence[np.ndarray], order: int
) -> list[np.ndarray | None]:
    """f at these points for the order 0, else the gradients by each argument; None for no gradient.

    Each order differentiates the sum of all elements of the one below, times fixed weights between
    1 and 2: so a gradient in the wrong place shows. Raises CannotCheck for an f that gives no
    Variable.
    """
    leaves = [variable(np.array(point)) for point in points]
    y = f(*leaves)
    if not isinstance(y, variable):
        raise CannotCheck(f"f has to return a Variable, and returned a {type(y).__name__}: {y!r}")
    ys: list[Any] = [y]
    for n in range(1, order + 1):
        for leaf in leaves:
            leaf.cleargrad()
        for y, w in zip(ys, weights(ys)):
            if y is not None:
                (y * w).backward(**({"create_graph": True} if n < order else {}))
        ys = [leaf.grad for leaf in leaves]
    return [None if y is None else np.array(y.data if isinstance(y, variable) else y) for y in ys]


def weights(ys: Sequence[Any]) -> list[np.ndarray]:
    """Numbers between 1 and 2 in the shapes of these; 1 for None."""
    shapes = [() if y is None else y.shape for y in ys]
    return [np.random.default_rng(i).uniform(1.0, 2.0, shape) for i, shape in enumerate(shapes)]


def first_wrong(
    f: Callable, variable: Any, points: Sequence[np.ndarray], order: int, rtol: float, atol: float
) -> str:
    """In one line, what is wrong in the derivatives up to this order; nothing where all are right.

    The differences are (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12 h: Abramowitz and
    Stegun, Handbook of Mathematical Functions (1964), 25.3.6.
    """
    for n in range(1, order + 1):
        gradients = derivative(f, variable, points, n)
        ws = weights(derivative(f, variable, points, n - 1))
        for place, (point, gradient) in enumerate(zip(points, gradients)):

            def below(index: tuple[int, ...], h: float, n: int = n, at: Any = (place, ws)) -> float:
                moved = [np.array(p) for p in points]
                moved[at[0]][index] += h
                values = derivative(f, variable, moved, n - 1)
                return sum(float(np.sum(w * v)) for w, v in zip(at[1], values) if v is not None)

            got = np.zeros(point.shape) if gradient is None else gradient
            if got.shape != point.shape:
                return (
                    f"order {n}, argument {place}: the gradient has the shape {got.shape}, and the"
                    f" argument {point.shape}"
                )
            for index in np.ndindex(point.shape):
                one = below(index, STEP) - below(index, -STEP)
                two = below(index, 2 * STEP) - below(index, -2 * STEP)
                expected = (8 * one - two) / (12 * STEP)
                if not np.isclose(got[index], expected, rtol=rtol, atol=atol, equal_nan=True):
                    element = f", element {list(index)}" if index else ""
                    came = "no gradient at all" if gradient is None else f"{got[index]:.10g}"
                    return (
                        f"order {n}, argument {place}{element}, at {point[index]:.10g}:"
                        f" expected {expected:.10g}, got {came}"
                    )
    return ""


def find(target: str) -> Callable:
    """The function `module:f`, or `file.py:f`. Raises CannotCheck."""
    home, _, name = target.rpartition(":")
    if not home or not name:
        raise CannotCheck(f"{target}: write the module and the function, as in my_module:f")
    try:
        if home.endswith(".py"):
            spec = importlib.util.spec_from_file_location(Path(home).stem, home)
            if spec is None or spec.loader is None or not Path(home).is_file():
                raise CannotCheck(f"{home}: there is no such file")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            sys.path.insert(0, str(Path.cwd()))
            module = importlib.import_module(home)
    except CannotCheck:
        raise
    except Exception as error:
        raise CannotCheck(f"import {home}: {type(error).__name__}: {error}") from None
    f = getattr(module, name, None)
    if not callable(f):
        functions = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise CannotCheck(f"{home} has no function {name}; it has {', '.join(functions) or 'none'}")
    return f


def points_for(f: Callable, given: Sequence[str], shape: Sequence[int], seed: int) -> list:
    """The numbers of each argument: those that are given, in JSON, else drawn by the seed."""
    parameters = inspect.signature(f).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind in _POSITIONAL]
    if not given:
        draw = np.random.default_rng(seed)
        size = [draw.uniform(0.5, 2.0, shape) for _ in needed]
        return [np.round(x * draw.choice([-1.0, 1.0], shape), 3) for x in size]
    try:
        points = [np.asarray(json.loads(text), dtype=float) for text in given]
    except (ValueError, TypeError) as error:
        raise CannotCheck(
            f"--at takes a number or a list of them, as in [1.0, 2.0]: {error}"
        ) from None
    if len(points) != len(needed):
        raise CannotCheck(f"f takes {len(needed)} arguments ({', '.join(needed)}): --at for each")
    return points


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all is right, 1 where something is wrong, 2 where there is nothing to check."""
    parser = argparse.ArgumentParser(prog="python -m dezero_harness.check", description=__doc__)
    parser.add_argument("target", help="my_module:f, or my_file.py:f")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stage", metavar="DIR", help="a folder holding a package dezero")
    where.add_argument("--engine", metavar="NAME", help="an engine behind an adapter")
    parser.add_argument("--order", type=int, default=2, help="the highest (default: %(default)s)")
    parser.add_argument("--at", action="append", default=[], metavar="X", help="one per argument")
    parser.add_argument("--shape", type=int, nargs="*", default=[3], help="of what is drawn")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
    parser.add_argument("--rtol", type=float, default=1e-5)
    parser.add_argument("--atol", type=float, default=1e-6)
    options = parser.parse_args(arguments)
    try:
        if options.order < 1:
            raise CannotCheck(f"--order {options.order}: the first derivative is order 1")
        if options.stage:
            load(options.stage)
        else:
            bridge.install(bridge.load(adapters.find(options.engine)))
        variable = importlib.import_module("dezero").Variable
        f = find(options.target)
        points = points_for(f, options.at, options.shape, options.seed)
        try:
            with np.errstate(all="ignore"):
                wrong = first_wrong(f, variable, points, options.order, options.rtol, options.atol)
        except bridge.NotStated as error:
            raise CannotCheck(f"the adapter states no {error}") from None
    except (CannotCheck, StageError, bridge.AdapterError) as error:
        print(error, file=sys.stderr)
        return 2
    name = options.target.rpartition(":")[2]
    for place, point in enumerate(points):
        print(f"argument {place}: {json.dumps(point.tolist())}")
    if wrong:
        print(f"{name} is wrong: {wrong}")
        return 1
    print(f"{name} is right: the derivatives of order 1 to {options.order}, in each element")
    return 0


if __name__ == "__main__":
    sys.exit(main())
