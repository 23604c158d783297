"""The functions on arrays: sum, sum_to, broadcast_to, reshape, transpose, matmul, at two orders."""

from functools import partial

import numpy as np

from ..model.case import Case, Raises
from .first_order import draw

case = partial(
    Case,
    chapter=36,
    group="arrays",
    needs=("functions", "array_functions"),
    rel=1e-13,
    abs=1e-14,
    level="core",
)

X = np.array(draw((2, 3)))
# name, program text of y in x, y of a NumPy array
LINEAR = [
    ("the sum", "sum", "sum(x)", lambda x: x.sum()),
    ("the sum along axis 0", "sum", "sum(x, axis=0)", lambda x: x.sum(axis=0)),
    ("the sum along the last axis", "sum", "sum(x, axis=-1)", lambda x: x.sum(axis=-1)),
    ("the sum along both axes", "sum", "sum(x, axis=(0, 1))", lambda x: x.sum()),
    (
        "the sum with kept axes",
        "sum",
        "sum(x, axis=1, keepdims=True)",
        lambda x: x.sum(axis=1, keepdims=True),
    ),
    (
        "the whole sum, axes kept",
        "sum",
        "sum(x, keepdims=True)",
        lambda x: x.sum(keepdims=True),
    ),
    ("sum_to a row", "sum_to", "sum_to(x, (1, 3))", lambda x: x.sum(axis=0, keepdims=True)),
    ("sum_to fewer axes", "sum_to", "sum_to(x, (3,))", lambda x: x.sum(axis=0)),
    ("sum_to a number", "sum_to", "sum_to(x, ())", lambda x: x.sum()),
    ("sum_to its own shape", "sum_to", "sum_to(x, (2, 3))", lambda x: x),
    (
        "broadcast_to more axes",
        "broadcast_to",
        "broadcast_to(x, (4, 2, 3))",
        lambda x: np.broadcast_to(x, (4, 2, 3)),
    ),
    ("reshape to 3 by 2", "reshape", "reshape(x, (3, 2))", lambda x: x.reshape(3, 2)),
    ("reshape to one axis", "reshape", "reshape(x, (-1,))", lambda x: x.reshape(-1)),
    (
        "reshape to four axes",
        "reshape",
        "reshape(x, (1, 3, 1, 2))",
        lambda x: x.reshape(1, 3, 1, 2),
    ),
    ("transpose", "transpose", "transpose(x)", lambda x: x.T),
    ("transpose with axes", "transpose", "transpose(x, (1, 0))", lambda x: x.T),
    (
        "transpose of three axes",
        "reshape, transpose",
        "transpose(reshape(x, (1, 2, 3)), (2, 0, 1))",
        lambda x: x.reshape(1, 2, 3).transpose(2, 0, 1),
    ),
]


def needs(words):
    """What one of LINEAR runs into: a reshape that divides axes unevenly is not for all arrays."""
    uneven = words in ("reshape to 3 by 2", "reshape to four axes")
    return ("functions", "array_functions", *(["uneven reshape"] if uneven else []))


CASES = []
for words, imports, code, f in LINEAR:
    y = f(X)
    s = np.array(draw(y.shape))
    # A linear f has the gradient f^T s, which f of each unit array tells.
    units = np.eye(X.size).reshape(X.size, *X.shape)
    gradient = np.array([(f(unit) * s).sum() for unit in units]).reshape(X.shape)
    # y^2 s has the gradient f^T (2 y s), and that dotted with u once more 2 f^T (s f(u)).
    u = np.array(draw(X.shape))
    second = np.array([(f(unit) * 2 * s * f(u)).sum() for unit in units]).reshape(X.shape)
    CASES += [
        case(
            statement=f"{words} has the value NumPy gives it",
            program=f"""
                from dezero.functions import {imports}

                x = Variable(array({X.tolist()}))
                y = {code}
                y.shape, y
            """,
            expect=[list(y.shape), y.tolist()],
            source="the same on a host array",
            needs=needs(words),
        ),
        case(
            statement=f"{words} hands each number's gradient back",
            program=f"""
                from dezero.functions import {imports}

                x = Variable(array({X.tolist()}))
                s = array({s.tolist()})
                y = {code} * s
                y.backward()
                x.grad
            """,
            expect=gradient.tolist(),
            source="a linear map's gradient is its transpose, built from unit arrays",
            needs=needs(words),
        ),
        case(
            statement=f"the square of {words} is right at the second order",
            program=f"""
                from dezero.functions import {imports}

                x = Variable(array({X.tolist()}))
                s = array({s.tolist()})
                y = {code} ** 2 * s
                y.backward(create_graph=True)
                gx = x.grad
                x.cleargrad()
                z = gx * array({u.tolist()})
                z.backward()
                x.grad
            """,
            expect=second.tolist(),
            source="H u = 2 F^T diag(s) F u for y = s (F x)^2",
            needs=(*needs(words), "create_graph"),
        ),
    ]

MATMUL = [
    ("2 by 3 and 3 by 4", (2, 3), (3, 4)),
    ("a matrix and a vector", (2, 3), (3,)),
    ("a vector and a matrix", (3,), (3, 2)),
    ("two vectors", (3,), (3,)),
    ("two stacks", (2, 2, 3), (2, 3, 1)),
    ("a stack and a matrix", (2, 2, 3), (3, 2)),
    ("a vector and a stack", (3,), (2, 3, 2)),
]
for words, shape0, shape1 in MATMUL:
    a, b = np.array(draw(shape0)), np.array(draw(shape1))
    y = a @ b
    s = np.array(draw(y.shape))
    units0 = np.eye(a.size).reshape(a.size, *shape0)
    units1 = np.eye(b.size).reshape(b.size, *shape1)
    u = np.array(draw(shape0))
    ga = np.array([((e @ b) * s).sum() for e in units0]).reshape(shape0)
    gb = np.array([((a @ e) * s).sum() for e in units1]).reshape(shape1)
    mixed = np.array([((u @ e) * s).sum() for e in units1]).reshape(shape1)
    gs = u @ b
    operands = f"""
                from dezero.functions import matmul

                a = Variable(array({a.tolist()}))
                b = Variable(array({b.tolist()}))
                s = Variable(array({s.tolist()}))
                y = matmul(a, b)
    """.rstrip()
    CASES += [
        case(
            statement=f"matmul of {words} has the value NumPy gives it",
            program=operands + "\n                y.shape, y\n",
            expect=[list(y.shape), y.tolist()],
            source="the same on host arrays",
        ),
        case(
            statement=f"matmul of {words} has both gradients",
            program=operands
            + """
                (y * s).backward()
                a.grad, b.grad
            """,
            expect=[ga.tolist(), gb.tolist()],
            source="it is linear in each operand: the gradient built from unit arrays",
        ),
        case(
            statement=f"the gradient of matmul of {words} is differentiable",
            program=operands
            + f"""
                y.grad = s
                y.backward(create_graph=True)
                z = a.grad * array({u.tolist()})
                for x in (a, b, s):
                    x.cleargrad()
                z.backward()
                b.grad, s.grad
            """,
            expect=[mixed.tolist(), gs.tolist()],
            source="z = s . (u b): linear in b and in s",
            needs=("functions", "array_functions", "create_graph"),
        ),
    ]

CASES += [
    case(
        statement="the graph of a product's gradient has two functions",
        program="""
            from dezero.functions import matmul

            a = Variable(array([[1.0, 2.0], [3.0, 4.0]]))
            b = Variable(array([[5.0], [6.0]]))
            matmul(a, b).backward(create_graph=True)
            functions, todo = set(), [a.grad]
            while todo:
                f = todo.pop().creator
                if f is not None and f not in functions:
                    functions.add(f)
                    todo += f.inputs
            a.grad, len(functions)
        """,
        expect=[[[5.0, 6.0], [5.0, 6.0]], 2],
        source="the gradient of a b by a is gy b^T: a transpose and a product, and nothing to sum",
        needs=("functions", "array_functions", "create_graph"),
        level="dezero",
    ),
    case(
        statement="the sum of an array is seeded by one number",
        program="""
            from dezero.functions import sum

            x = Variable(array([1.0, 2.0, 3.0]))
            y = sum(x * x)
            y.backward()
            y.shape, x.grad
        """,
        expect=[[], [2.0, 4.0, 6.0]],
        source="2 x",
    ),
    case(
        statement="the sum of nothing is zero",
        program="""
            from dezero.functions import sum

            x = Variable(array([[], []]))
            y = sum(x, axis=1)
            y.backward()
            y, x.grad.shape
        """,
        expect=[[0.0, 0.0], [2, 0]],
        source="an empty sum",
    ),
    case(
        statement="reshape to another size is an error that names the shapes",
        program="""
            from dezero.functions import reshape

            try:
                said = reshape(Variable(array([[1.0, 2.0]])), (3,))
            except (RuntimeError, TypeError, ValueError) as error:  # as the array library likes
                said = "; ".join([str(error), *getattr(error, "__notes__", [])])
            "3" in said or "size" in said, "Reshape.forward; inputs: Variable (1, 2)" in said
        """,
        expect=[True, True],
        source="contract: a message says what was given",
        level="dezero",
    ),
    *[
        case(
            statement=f"{words} is an error that names the shapes",
            program=f"""
                from dezero.functions import {name}

                x = Variable(array([[1.0, 2.0]]))
                {code}
            """,
            expect=Raises(error, match),
            source="contract: a message says what was given",
            level="dezero",
        )
        for words, name, code, error, match in [
            ("sum_to a larger shape", "sum_to", "sum_to(x, (3, 2))", "ValueError", r"\(3, 2\)"),
            ("a sum along an axis too many", "sum", "sum(x, axis=2)", "AxisError", "axis 2"),
            (
                "a transpose of one axis of two",
                "transpose",
                "transpose(x, (0,))",
                "ValueError",
                "2",
            ),
        ]
    ],
    *[
        case(
            statement=f"writing into one gradient leaves another alone: {words}",
            program=f"""
                from dezero.functions import {name}

                x, w = Variable(array([[1.0, 2.0], [3.0, 4.0]])), Variable(array({w}))
                y = {code} + w
                y.backward()
                x.grad.data[...] = 100.0
                w.grad
            """,
            expect=np.ones_like(np.array(w)).tolist(),
            source="contract: changing one Variable's gradient array never changes another's",
            needs=("functions", "array_functions", "mutability"),
            level="hygiene",
        )
        for words, name, code, w in [
            ("reshape", "reshape", "reshape(x, (4,))", [1.0, 2.0, 3.0, 4.0]),
            ("transpose", "transpose", "transpose(x)", [[1.0, 2.0], [3.0, 4.0]]),
            ("sum_to", "sum_to", "sum_to(x, (1, 2))", [[1.0, 2.0]]),
        ]
    ],
    *[
        case(
            statement=f"a gradient through {words} is written into by the number",
            program=f"""
                from dezero.functions import {name}

                x = Variable(array([[1.0, 2.0], [3.0, 4.0]]))
                y = {code}
                y.backward()
                x.grad.data[0, 0] = 100.0
                x.grad
            """,
            expect=[[100.0, 1.0], [1.0, 1.0]],
            source="contract: gradients are arrays of their own, not repeated views",
            needs=("functions", "array_functions", "mutability"),
            level="hygiene",
        )
        for words, name, code in [
            ("a sum", "sum", "sum(x)"),
            ("a sum along an axis", "sum", "sum(x, axis=0)"),
            ("a reshape", "reshape", "reshape(x, (4,))"),
        ]
    ],
]
