"""The faults that `faults.py` plants: wrong derivatives by order, and those of planted.toml."""

import tomllib
from pathlib import Path

from .fault import Fault

CORE, FUNCTIONS = "core.py", "functions.py"

# True from the second time on that a walk comes through the same function: what is detached then
# leaves the first and the second derivative right, and the third wrong.
AGAIN = 'len(self.__dict__.setdefault("walks", []).append(1) or self.walks) == 2'


def wrong(of, file, old, since, *news):
    """Wrong derivatives of one operation: the first text is wrong from order 1 on, and so on."""
    return [
        Fault(
            f"derivative {order} of {of} is wrong",
            file,
            old,
            new,
            since=max(since, 31 if order == 1 else 32),
            order=order,
            of=of,
        )
        for order, new in enumerate(news, 1)
        if new
    ]


def detached(gradient):
    return f"constant({gradient}.data)"


def detached_later(gradient):
    return f"(constant({gradient}.data) if {AGAIN} else {gradient})"


def inner(base, source, factor, call):
    """A function of its own in a backward, itself right, whose derivative is no graph any more."""
    return (
        f"{source}class Inner({base}):\n            def backward(self, gy):\n"
        f"                return {factor}\n\n        {call}"
    )


WRONG_DERIVATIVES = [
    *wrong("x plus w", CORE, "gy, gy", 31, "gy * 2.0, gy", "constant(gy.data), gy"),
    *wrong("x plus w", CORE, "gy, gy", 31, "", "", f"{detached_later('gy')}, gy"),
    *wrong("w plus x", CORE, "gy, gy", 31, "gy, -gy", "gy, constant(gy.data)"),
    *wrong("w plus x", CORE, "gy, gy", 31, "", "", f"gy, {detached_later('gy')}"),
    *wrong("x minus w", CORE, "gy, -gy if", 31, "-gy, -gy if", "constant(gy.data), -gy if"),
    *wrong("x minus w", CORE, "gy, -gy if", 31, "", "", f"{detached_later('gy')}, -gy if"),
    *wrong("w minus x", CORE, "gy, -gy if", 31, "gy, gy if", "gy, constant(-gy.data) if"),
    *wrong("w minus x", CORE, "gy, -gy if", 31, "", "", f"gy, -{detached_later('gy')} if"),
    *wrong("minus x", CORE, "return -gy", 31, "return gy", f"return -{detached('gy')}"),
    *wrong("minus x", CORE, "return -gy", 31, "", "", f"return -{detached_later('gy')}"),
    *wrong("x times x", CORE, "gx0 = gy * x1", 31, "gx0 = gy * x0", "gx0 = gy * x1.data"),
    *wrong(
        "x times x",
        CORE,
        "        gx0 = gy * x1 if x0.requires_grad else None",
        32,
        "",
        "",
        inner(
            "Mul",
            "        ",
            "gy * self.inputs[1].data, gy * self.inputs[0].data",
            "gx0 = Inner()(gy, x1) if x0.requires_grad else None",
        ),
    ),
    *wrong("x over x plus w", CORE, "gx0 = gy / x1", 31, "gx0 = gy * x1", "gx0 = gy / x1.data"),
    *wrong(
        "x over x plus w",
        CORE,
        "        gx0 = gy / x1\n",
        32,
        "",
        "",
        inner(
            "Div",
            "        ",
            "gy / self.inputs[1].data, -gy * (self.inputs[0] / self.inputs[1] ** 2).data",
            "gx0 = Inner()(gy, x1)\n",
        ),
    ),
    *wrong("one over x", CORE, "-gx0 * y", 31, "gx0 * y", "-gx0 * y.data"),
    *wrong("one over x", CORE, "-gx0 * y if", 32, "", "", f"-gx0 * (y.data if {AGAIN} else y) if"),
    *wrong("a power of x", CORE, "* self.c)", 31, "* 1)"),
    *wrong(
        "a negative power of x",
        CORE,
        "x ** arrays.lowered(self.c)",
        32,
        "",
        "(x ** arrays.lowered(self.c)).data",
    ),
    *wrong(
        "a power of x",
        CORE,
        "        return gy * (x ** arrays.lowered(self.c) * self.c)",
        32,
        "",
        "",
        inner(
            "Pow",
            "        ",
            "gy * (self.inputs[0] ** arrays.lowered(self.c) * self.c).data",
            "return gy * (Inner(arrays.lowered(self.c))(x) * self.c)",
        ),
    ),
    *wrong("sin x", FUNCTIONS, "gy * cos(x)", 34, "gy * sin(x)", "gy * cos(x).data"),
    *wrong(
        "sin x",
        FUNCTIONS,
        "        return gy * cos(x)",
        34,
        "",
        "",
        inner("Cos", "        ", "gy * -sin(*self.inputs).data", "return gy * Inner()(x)"),
    ),
    *wrong("cos x", FUNCTIONS, "gy * -sin(x)", 34, "gy * sin(x)", "gy * -sin(x).data"),
    *wrong(
        "cos x",
        FUNCTIONS,
        "        return gy * -sin(x)",
        34,
        "",
        "",
        inner("Sin", "        ", "gy * cos(*self.inputs).data", "return gy * -Inner()(x)"),
    ),
    *wrong(
        "tanh x",
        FUNCTIONS,
        "(1 - y * y)",
        35,
        "(1 - y)",
        "(1 - y * y).data",
        f"((1 - y * y).data if {AGAIN} else 1 - y * y)",
    ),
    *wrong(
        "exp x",
        FUNCTIONS,
        "return gy * y",
        36,
        "return gy * y * y",
        "return gy * y.data",
        f"return gy * (y.data if {AGAIN} else y)",
    ),
    *wrong("log x", FUNCTIONS, "return gy / x", 36, "return gy * x", "return gy / x.data"),
    *wrong(
        "log x",
        FUNCTIONS,
        "        return gy / x",
        36,
        "",
        "",
        inner(
            "Pow",
            "        from dezero.core import Pow\n\n        ",
            "gy * (-(self.inputs[0] ** -2.0)).data",
            "return gy * Inner(-1)(x)",
        ),
    ),
    *[
        fault
        for of, file, call in [
            ("sum", CORE, "return broadcast_to({}, x.shape)"),
            ("sum_to", CORE, "return broadcast_to({}, x.shape)"),
            ("broadcast_to", CORE, "return sum_to({}, x.shape)"),
            ("reshape", FUNCTIONS, "return reshape({}, x.shape)"),
            ("transpose", FUNCTIONS, "return Transpose(inverse)({})"),
            ("matmul", FUNCTIONS, "matmul({}, flip(x1))"),
        ]
        for fault in wrong(
            of,
            file,
            call.format("gy"),
            36,
            call.format("gy * 2.0"),
            call.format("gy.data"),
            call.format(f"(gy.data if {AGAIN} else gy)"),
        )
    ],
]

LISTED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
FAULTS = WRONG_DERIVATIVES + [Fault(**fault) for group in LISTED.values() for fault in group]
