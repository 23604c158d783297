"""One number and one operation: what a learner's first function is tried on."""

import math
from functools import partial

from ..model.case import Case

case = partial(Case, group="B", level="core")

#: Function -> its value and its derivative at 1 in closed form, the chapter, what it needs.
FUNCTIONS = {
    "sin": (math.sin(1.0), math.cos(1.0), "cos 1", 34, ("functions",)),
    "cos": (math.cos(1.0), -math.sin(1.0), "-sin 1", 34, ("functions",)),
    "tanh": (math.tanh(1.0), 1 - math.tanh(1.0) ** 2, "1 - tanh^2 1", 35, ("functions", "tanh")),
    "exp": (math.e, math.e, "e", 36, ("functions", "array_functions")),
    "log": (0.0, 1.0, "1 / 1", 36, ("functions", "array_functions")),
}

#: What stands in a program, its first and second derivative at x = 3 (with w = 2).
OPERATIONS = {
    "x times x": ("x * x", 6.0, 2.0),
    "w over x": ("w / x", -2.0 / 9.0, 4.0 / 27.0),
    "x to the power of 3": ("x ** 3", 27.0, 18.0),
}

CASES = [
    *[
        case(
            statement=f"{name} 1 is {value}",
            program=f"from dezero.functions import {name}\n\n{name}(Variable(array(1.0)))",
            expect=value,
            source=f"the value of {name} at 1",
            chapter=chapter,
            needs=needs,
        )
        for name, (value, _, _, chapter, needs) in FUNCTIONS.items()
    ],
    *[
        case(
            statement=f"the slope of {name} at 1 is {words}",
            program=f"""
                from dezero.functions import {name}

                x = Variable(array(1.0))
                y = {name}(x)
                y.backward()
                x.grad
            """,
            expect=slope,
            source=f"calculus: {name}' at 1 is {words}",
            chapter=chapter,
            needs=needs,
        )
        for name, (_, slope, words, chapter, needs) in FUNCTIONS.items()
    ],
    *[
        case(
            statement=f"the second derivative of {words} at 3 is right",
            program=f"""
                w = Variable(array(2.0))
                x = Variable(array(3.0))
                y = {code}
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                gx.backward()
                x.grad
            """,
            expect=second,
            source="calculus",
            chapter=32,
            needs=("create_graph",),
            rel=1e-15,
        )
        for words, (code, _, second) in OPERATIONS.items()
    ],
    *[
        case(
            statement=f"the slope of {words} at 3 is right",
            program=f"""
                w = Variable(array(2.0))
                x = Variable(array(3.0))
                y = {code}
                y.backward()
                x.grad
            """,
            expect=first,
            source="calculus",
            chapter=31,
            rel=1e-15,
        )
        for words, (code, first, _) in OPERATIONS.items()
    ],
]
