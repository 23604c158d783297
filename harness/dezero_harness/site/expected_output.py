"""What every example of the stages prints and draws.

The numbers come from calculus, from published tables and from the notes on the chapters, as those
of the cases do: never from the engine.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

NUMBER = r"(-?\d+\.?\d*(?:e[+-]?\d+)?|-?inf|nan)"
Value = float | tuple[float, float]  # a number, or the least and the greatest that it may be


@dataclass(frozen=True, kw_only=True)
class Example:
    """One run of a script.

    args: what follows it on the command line.
    prints: its output, line by line: texts, and lines with numbers that may be a little off.
    draws: the ending of the picture that it writes to --out; "" where it draws none.
    shows: what can be read in that picture, if it is an SVG.
    warns: what the warning says that it gives; "" where it gives none.
    extra: the extra of dezero-shared that it needs; `nox -s extras` runs it, not `nox -s examples`.
    """

    stage: int
    script: str
    args: tuple[str, ...] = ()
    prints: tuple[str | Numbers, ...] = ()
    draws: str = ""
    shows: tuple[str, ...] = ()
    warns: str = ""
    extra: str = ""

    def misfit(self, printed: str) -> str:
        """The first line of this output that is not what it has to be, and why; "" for none."""
        for expected, line in itertools.zip_longest(self.prints, printed.splitlines()):
            if line is None:
                return f"not printed: {expected}"
            if expected is None:
                return f"printed besides: {line}"
            if not (expected.fit(line) if isinstance(expected, Numbers) else line == expected):
                return f"printed:  {line}\nexpected: {expected}"
        return ""


@dataclass(frozen=True)
class Numbers:
    """A printed line that has a number wherever `text` has `{}`; a space is any number of spaces.

    tolerance: how far a number may be off, relative to it or to 1, whichever allows more.
    """

    text: str
    values: tuple[Value, ...]
    tolerance: float = 2e-14

    def fit(self, line: str) -> bool:
        pattern = re.escape(self.text).replace(r"\{\}", NUMBER).replace(r"\ ", " *")
        found = re.fullmatch(pattern, line.strip())
        return found is not None and all(
            self._fits(float(number), value)
            for number, value in zip(found.groups(), self.values, strict=True)
        )

    def _fits(self, number: float, value: Value) -> bool:
        if isinstance(value, tuple):
            return value[0] <= number <= value[1]
        return math.isclose(number, value, rel_tol=self.tolerance, abs_tol=self.tolerance)


def rosenbrock_path(x: float, y: float, steps: int) -> list[tuple[float, float]]:
    """Newton's steps on 100 (y - x^2)^2 + (x - 1)^2, with its derivatives by hand."""
    path = [(x, y)]
    for _ in range(steps):
        gx, gy = -400 * x * (y - x**2) + 2 * (x - 1), 200 * (y - x**2)
        hxx, hxy, hyy = 1200 * x**2 - 400 * y + 2, -400 * x, 200.0
        determinant = hxx * hyy - hxy**2
        x -= (hyy * gx - hxy * gy) / determinant
        y -= (hxx * gy - hxy * gx) / determinant
        path.append((x, y))
    return path


# Newton's method on x^4 - 2x^2 from 2, as the notes on chapter 33 print it.
NEWTON = (
    2.0,
    1.4545454545454546,
    1.1510467893775467,
    1.0253259289766978,
    1.0009084519430513,
    1.0000012353089454,
    1.000000000002289,
    1.0,
    1.0,
    1.0,
)

# The derivatives of tanh at 1, from order 1 on, computed symbolically with 40 digits.
TANH = (
    0.41997434161402608,
    -0.63970000844922448,
    0.62162668077129624,
    0.66509104475050163,
    -5.5568935584737202,
    13.624075441312105,
)

TANH_20 = -6387661006919.0677  # the 20th, from its polynomial in tanh(1), with 60 digits

# At most so many functions are in the graph of each of the first derivatives of tanh. The first one
# takes tanh, the square, the difference and the product.
TANH_FUNCTIONS = (4, 12, 30, 75, 190, 475)


def tanh_graph(order: int, draws: str, warns: str = "") -> Example:
    """The run of tanh_graph.py for a derivative of this order."""
    functions = (4, TANH_FUNCTIONS[order - 1])
    line = f"gx{order} = variable({{}}), from {{}} functions"
    return Example(
        stage=35,
        script="tanh_graph.py",
        args=(str(order),),
        prints=(Numbers(line, (TANH[order - 1], functions), tolerance=1e-12),),
        draws=draws,
        shows=(">x<", ">y<", f">gx{order}<", ">Tanh<", ">Mul<"),
        warns=warns,
    )


def out_of_core(*args: str) -> Example:
    """A run of out_of_core.py on numbers that fit, in seven chunks.

    The means of sin and cos from 0 to 1 are 1 - cos(1) and sin(1) but for 1/n; those of the rows
    are (10 v + 110) times the mean of t^2, 1/3 but for 1/n, with v from 1 to 10.
    """
    cycle = (1 - math.cos(1), math.sin(1), math.cos(1) - 1, -math.sin(1), 1 - math.cos(1))
    return Example(
        stage=36,
        script="out_of_core.py",
        args=("--size", "200000", "--chunk", "30000", *args),
        prints=(
            Numbers(
                "100000 numbers, in chunks or by NumPy: the largest difference is {}",
                ((0.0, 1e-14),),
            ),
            "sin and its derivatives at 200000 numbers from 0 to 1:",
            *(
                Numbers(f"order {i}: mean {{}}, by the formula {{}}", (mean, mean), tolerance=1e-5)
                for i, mean in enumerate(cycle)
            ),
            "a Hessian-vector product of 20000 rows of 10 numbers:",
            Numbers("its means: {} to {}, off by {} at most", (40.0, 70.0, (0.0, 1e-12)), 1e-4),
        ),
        extra="dask",
    )


EXAMPLES = [
    Example(
        stage=31,
        script="no_graph_behind_grad.py",
        prints=(
            Numbers("x.grad = {} of type ndarray", (math.cos(1),)),
            Numbers("cos(1) = {}", (math.cos(1),)),
            "y has a creator: True Sin",
            "x.grad has a creator: False",
        ),
        draws="svg",
        shows=(">x<", ">Sin<", ">y<", ">cos<", ">gy<", ">*<", ">gx<", "not recorded"),
    ),
    Example(
        stage=32,
        script="backward_builds_a_graph.py",
        prints=(
            Numbers("gx = variable({})", (math.cos(1),)),
            "gx has the creator Mul",
            Numbers("the derivative of gx = variable({})", (-math.sin(1),)),
            Numbers("-sin(1) = {}", (-math.sin(1),)),
        ),
        draws="svg",
        shows=(">x<", ">Cos<", ">gy<", ">Mul<", ">gx<"),
    ),
    Example(
        stage=33,
        script="second_derivative.py",
        prints=(
            "without cleargrad",
            "variable(24.0)",
            "variable(68.0)",
            "with cleargrad",
            "variable(24.0)",
            "variable(44.0)",
        ),
    ),
    Example(
        stage=33,
        script="newton.py",
        prints=tuple(Numbers(f"{i} variable({{}})", (x,)) for i, x in enumerate(NEWTON)),
        draws="png",
    ),
    Example(
        stage=34,
        script="sin_derivatives.py",
        prints=tuple(
            Numbers("variable({})", (value,), tolerance=1e-15)
            for value in (-math.sin(1), -math.cos(1), math.sin(1))
        ),
    ),
    Example(stage=34, script="plot_sin.py", draws="png"),
    Example(
        stage=34,
        script="plot_sin.py",
        draws="svg",
        shows=("y=sin(x)", "y'", "y''", "y'''", "sin and its derivatives"),
    ),
    tanh_graph(1, "svg"),
    tanh_graph(2, "png"),
    tanh_graph(5, "png"),
    tanh_graph(6, "svg"),
    Example(
        stage=35,
        script="tanh_growth.py",
        args=("5",),
        prints=(
            "       backward passes    series",
            "order   nodes       ms        ms      derivative",
            # Beside each function there is its result, and at most one constant or leaf.
            *(
                Numbers(
                    "{} {} {} {} {}",
                    (n, (2 * n, 3 * functions), (0.0, 1e4), (0.0, 1e4), TANH[n - 1]),
                    tolerance=1e-9,  # as many digits are printed
                )
                for n, functions in enumerate(TANH_FUNCTIONS[:5], start=1)
            ),
            Numbers("20 {} {}", ((0.0, 1e4), TANH_20), tolerance=1e-9),
            Numbers("The two agree to {}.", ((0.0, 1e-11),)),
        ),
        draws="png",
    ),
    Example(stage=36, script="double_backprop.py", prints=("variable(100.0)",)),
    Example(
        stage=36,
        script="hessian_vector_product.py",
        prints=(
            "variable([ 8. 10.])",
            "the Hessian of Rosenbrock's function at (-1.2, 1):",
            "[[1330.  480.]",
            " [ 480.  200.]]",
            "v = [1. 2.]: Hv = [2290.  880.], from the full Hessian [2290.  880.]",
            "v = [ 3. -1.]: Hv = [3510. 1240.], from the full Hessian [3510. 1240.]",
        ),
    ),
    Example(
        stage=36,
        script="newton_vector.py",
        prints=tuple(
            Numbers("{} [ {} {} ]", (i, x, y), tolerance=1e-8)
            for i, (x, y) in enumerate(rosenbrock_path(-1.2, 1.0, steps=7))
        ),
        draws="png",
    ),
    Example(
        stage=36,
        script="gradient_penalty.py",
        prints=(
            Numbers(
                "mean gradient norm: {} at the start, {} at the end", ((0.0, 0.6), (0.9, 1.15))
            ),
            # The ring has radius 2, and the cloud a mean radius of 0.5 sqrt(pi / 2) = 0.63: a
            # critic of slope 1 tells them apart by 1.4.
            Numbers("critic loss: {} at the start, {} at the end", ((0.0, 20.0), (-1.7, -1.2))),
        ),
        draws="png",
    ),
    Example(
        stage=36,
        script="compiled.py",
        args=("--size", "10000", "--repeats", "1"),
        prints=(
            "function    order  difference  dezero ms  jax.grad ms  ratio",
            *(
                Numbers(
                    f"{name} {{}} {{}} {{}} {{}} {{}}", (order, (0.0, 1e-14), *[(0.0, 1e5)] * 3)
                )
                for name in ("tanh", "sin", "x^4 - 2x^2")
                for order in (1, 2, 3, 4)
            ),
        ),
        extra="jax",
    ),
    out_of_core(),
]
