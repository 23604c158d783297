"""Gradients in a new computation, on whole arrays: penalties on a critic, Hessians times arrays."""

from functools import partial

import numpy as np

from ..model import exact
from ..model.case import Case

RNG = np.random.default_rng(3602)
ARRAYS = ("functions", "array_functions")
case = partial(Case, chapter=36, rel=1e-11, abs=1e-12, level="core")
CASES = []


def array(values):
    """An array as a program writes it."""
    return f"array({values.tolist()})"


def draw(*shape):
    return np.round(RNG.uniform(-1.2, 1.2, shape), 2)


# --- a penalty on the gradient of a critic with one hidden layer, for a batch of points ---

X, W, B, C = draw(4, 3), draw(3, 5), draw(5), draw(5)
CRITIC = f"""\
from dezero.functions import matmul, sum, tanh

X = Variable({array(X)})
W = Variable({array(W)})
b = Variable({array(B)})
c = Variable({array(C)})
D = matmul(tanh(matmul(X, W) + b), c)
D.backward(create_graph=True)
G = X.grad
for leaf in (X, W, b, c):
    leaf.cleargrad()
"""
T = exact.tanh(X @ W + B)
S = 1 - T**2
G = (C * S) @ W.T
NORM = np.sqrt((G**2).sum(axis=1))


def through_g(p):
    """The gradients by X, W, b and c of a function of G whose gradient by G is p."""
    pw = p @ W
    z = pw * C * -2 * T * S  # by X W + b
    return [z @ W.T, X.T @ z + p.T @ (C * S), z.sum(axis=0), (pw * S).sum(axis=0)]


def through_d(s):
    """The same for a function of D."""
    z = np.outer(s, C) * S
    return [z @ W.T, X.T @ z, z.sum(axis=0), T.T @ s]


GRADIENTS = "[leaf.grad for leaf in (X, W, b, c)]"
LEAVES = "G = (c tanh'(X W + b)) W^T, and its derivatives by X, W, b and c by hand"
penalty = partial(
    case,
    group="I",
    needs=("functions", "array_functions", "tanh", "create_graph", "broadcast"),
    source=LEAVES,
)
CASES.append(
    penalty(
        statement="a critic of a batch has a gradient at each point",
        program=CRITIC + "D, G",
        expect=[(T @ C).tolist(), G.tolist()],
    )
)
# words, program text, the gradient by G over G for each point
for words, code, factor in [
    ("(|G| - 1)^2", "sum((sum(G * G, axis=1) ** 0.5 - 1) ** 2)", 2 * (NORM - 1) / NORM),
    (
        "the mean of 10 (|G| - 1)^2",
        "10 * sum((sum(G * G, axis=1) ** 0.5 - 1) ** 2) / 4",
        5 * (NORM - 1) / NORM,
    ),
    ("|G|^2", "sum(G ** 2)", np.full(4, 2.0)),
    ("|G|", "sum(sum(G * G, axis=1) ** 0.5)", 1 / NORM),
    ("|G|^3, a number for each point", "sum(G * G, axis=1) ** 1.5", 3 * NORM),
]:
    CASES.append(
        penalty(
            statement=f"the penalty {words} has all its gradients",
            program=f"{CRITIC}L = {code}\nL.backward()\n{GRADIENTS}",
            expect=[g.tolist() for g in through_g(factor[:, None] * G)],
        )
    )
R = draw(4)
CASES += [
    penalty(
        statement="a penalty that is seeded with other numbers than one",
        program=CRITIC
        + "L = sum(G * G, axis=1)\n"
        + f"L.grad = Variable({array(R)})\nL.backward()\n{GRADIENTS}",
        expect=[g.tolist() for g in through_g(2 * R[:, None] * G)],
    ),
    penalty(
        statement="a critic's loss and its penalty together have all their gradients",
        program=f"{CRITIC}L = sum(D * {array(R)}) + 0.5 * sum(G * G)\n"
        + f"L.backward()\n{GRADIENTS}",
        expect=[(d + g).tolist() for d, g in zip(through_d(R), through_g(G))],
    ),
]

# --- Hessians times arrays ---

A, V, M, N = draw(2, 3), draw(2, 3), draw(4, 2), draw(3, 2)
K = draw(4, 2)
P, U = draw(4), draw(4)
Q, D, Y = draw(4, 4), draw(6, 4), np.where(draw(6) < 0, -1.0, 1.0)


def softmax(z):
    e = exact.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def softmax_slope(z, v):
    """The derivative of softmax along v: p v - p (p . v), row by row."""
    p = softmax(z)
    return p * v - p * (p * v).sum(axis=-1, keepdims=True)


T = exact.tanh(M @ A @ N)
LAYER = M.T @ (K * (1 - T**2)) @ N.T, M.T @ (K * -2 * T * (1 - T**2) * (M @ V @ N)) @ N.T
SIGMA = 1 / (1 + exact.exp(Y * (D @ P)))
LENGTH = np.sqrt(P @ P)
# words, imports, f(x), x, v, gradient, Hessian times v, formula
FUNCTIONS = [
    (
        "a layer of tanh of a matrix",
        "matmul, sum, tanh",
        f"sum(tanh(matmul(matmul({array(M)}, x), {array(N)})) * {array(K)})",
        A,
        V,
        *LAYER,
        "M^T (K tanh'(M X N)) N^T, and M^T (K tanh'' (M V N)) N^T",
    ),
    (
        "the logistic loss",
        "exp, log, matmul, sum",
        f"sum(log(1 + exp(matmul({array(D)}, x) * {array(-Y)})))",
        P,
        U,
        -D.T @ (Y * SIGMA),
        D.T @ (SIGMA * (1 - SIGMA) * (D @ U)),
        "-D^T (y s) and D^T (s (1 - s) D v) with s = 1 / (1 + exp(y D x))",
    ),
    (
        "a quadratic form",
        "matmul, sum",
        f"matmul(matmul(x, {array(Q)}), x)",
        P,
        U,
        (Q + Q.T) @ P,
        (Q + Q.T) @ U,
        "(Q + Q^T) x and (Q + Q^T) v",
    ),
    (
        "a sum of squared errors",
        "matmul, sum",
        f"sum((matmul({array(D)}, x) - {array(Y)}) ** 2)",
        P,
        U,
        2 * D.T @ (D @ P - Y),
        2 * D.T @ D @ U,
        "2 D^T (D x - y) and 2 D^T D v",
    ),
    (
        "log-sum-exp",
        "exp, log, sum",
        "log(sum(exp(x)))",
        P,
        U,
        softmax(P),
        softmax_slope(P, U),
        "p = softmax(x), and p v - p (p . v)",
    ),
    (
        "log-sum-exp of each row",
        "exp, log, sum",
        "sum(log(sum(exp(x), axis=1, keepdims=True)))",
        A,
        V,
        softmax(A),
        softmax_slope(A, V),
        "p = softmax(x) and p v - p (p . v), row by row",
    ),
    (
        "softmax, weighted",
        "exp, sum",
        f"sum(exp(x) / sum(exp(x)) * {array(R)})",
        P,
        U,
        softmax_slope(P, R),
        softmax_slope(P, U) * (R - softmax(P) @ R) - softmax(P) * (softmax_slope(P, U) @ R),
        "g = p (r - p . r), and dp (r - p . r) - p (dp . r) with dp = p v - p (p . v)",
    ),
    (
        "the length of a vector",
        "sum",
        "sum(x ** 2) ** 0.5",
        P,
        U,
        P / LENGTH,
        (U - P * (P @ U) / LENGTH**2) / LENGTH,
        "x / n, and (v - x (x . v) / n^2) / n",
    ),
    (
        "the variance",
        "sum",
        "sum((x - sum(x) / 4) ** 2) / 4",
        P,
        U,
        (P - P.mean()) / 2,
        (U - U.mean()) / 2,
        "2 / n of what exceeds the mean: of x, and of v",
    ),
    (
        "a Gram matrix squared",
        "matmul, sum, transpose",
        "sum(matmul(x, transpose(x)) ** 2)",
        A,
        V,
        4 * A @ A.T @ A,
        4 * (V @ A.T @ A + A @ V.T @ A + A @ A.T @ V),
        "4 X X^T X, and 4 (V X^T X + X V^T X + X X^T V)",
    ),
    (
        "a matrix times itself reshaped",
        "matmul, reshape, sum",
        "sum(matmul(x, reshape(x, (3, 2))) ** 2) / 2",
        A,
        V,
        (A @ A.reshape(3, 2)) @ A.reshape(3, 2).T + (A.T @ A @ A.reshape(3, 2)).reshape(2, 3),
        (V @ A.reshape(3, 2) + A @ V.reshape(3, 2)) @ A.reshape(3, 2).T
        + A @ A.reshape(3, 2) @ V.reshape(3, 2).T
        + (V.T @ A @ A.reshape(3, 2)).reshape(2, 3)
        + (A.T @ (V @ A.reshape(3, 2) + A @ V.reshape(3, 2))).reshape(2, 3),
        "F = X S with S = X reshaped: F S^T + (X^T F) reshaped back, and its product rule",
    ),
    (
        "quotients of neighbours",
        "matmul, sum",
        f"sum(x / matmul(x, {array(np.eye(3)[[1, 2, 0]])}))",
        A + 3,
        V,
        1 / np.roll(A + 3, 1, 1) - np.roll(A + 3, -1, 1) / (A + 3) ** 2,
        -np.roll(V, 1, 1) / np.roll(A + 3, 1, 1) ** 2
        - np.roll(V, -1, 1) / (A + 3) ** 2
        + 2 * np.roll(A + 3, -1, 1) * V / (A + 3) ** 3,
        "sum of x_i / x_(i-1): 1 / x_(i-1) - x_(i+1) / x_i^2, and its derivative along v",
    ),
]
PRODUCT = """\
from dezero.functions import {imports}

x = Variable({x})
y = {code}
y.backward(create_graph=True)
gx = x.grad
x.cleargrad()
"""
for words, imports, code, x, v, gradient, product, formula in FUNCTIONS:
    hessian = partial(
        case,
        group="H",
        needs=(
            *ARRAYS,
            *(["tanh"] if "tanh" in imports else []),
            *(["uneven reshape"] if words.endswith("reshaped") else []),
            "create_graph",
            "broadcast",
        ),
        source=formula,
    )
    begin = PRODUCT.format(imports=imports, x=array(x), code=code)
    CASES += [
        hessian(
            statement=f"{words}: gradient, and the derivative of v . g",
            program=f"{begin}z = sum(gx * {array(v)})\nz.backward()\ngx, x.grad",
            expect=[gradient.tolist(), product.tolist()],
        ),
        hessian(
            statement=f"{words}: the gradient seeded with v",
            program=f"{begin}gx.grad = Variable({array(v)})\ngx.backward()\nx.grad",
            expect=product.tolist(),
        ),
    ]

hessian = partial(case, group="H", needs=(*ARRAYS, "create_graph", "broadcast"))
CASES += [
    hessian(
        statement="log-sum-exp: the whole Hessian, a pass for each row",
        program=PRODUCT.format(imports="exp, log, sum", x=array(P), code="log(sum(exp(x)))")
        + """\
rows = []
for i in range(4):
    x.cleargrad()
    gx.grad = Variable(array([float(j == i) for j in range(4)]))
    gx.backward()
    rows.append(x.grad)
rows
""",
        expect=[softmax_slope(P, e).tolist() for e in np.eye(4)],
        source="diag(p) - p p^T",
    ),
    hessian(
        statement="a sum of exponentials: the third derivative along v twice",
        program=PRODUCT.format(
            imports="exp, matmul, sum", x=array(P), code=f"sum(exp(matmul({array(D)}, x)))"
        )
        + f"""\
v = {array(U)}
sum(gx * v).backward(create_graph=True)
hv = x.grad
x.cleargrad()
sum(hv * v).backward()
gx, hv, x.grad
""",
        expect=[(D.T @ (exact.exp(D @ P) * (D @ U) ** k)).tolist() for k in range(3)],
        source="D^T (e^(D x) (D v)^k), k = 0, 1, 2",
    ),
    hessian(
        statement="a gradient's square is differentiated through its Hessian",
        program=PRODUCT.format(imports="exp, log, sum", x=array(P), code="log(sum(exp(x)))")
        + "z = sum(gx ** 2)\nz.backward()\nz, x.grad",
        expect=[float(softmax(P) @ softmax(P)), (2 * softmax_slope(P, softmax(P))).tolist()],
        source="z = |p|^2: 2 H p with H = diag(p) - p p^T",
    ),
]
