"""Submissions that earn what they have not computed, and honest ones that look otherwise.

Each is a whole package, as a function of the plan for those that know what is published.
"""

import re

from dezero_harness.execution.judge import as_plain

from .conftest import package

INIT, FUNCTIONS, CORE = "dezero/__init__.py", "dezero/functions.py", "dezero/core.py"

#: Before an engine: the answers to programs that it knows, the engine's own to the others.
TABLE = """
import sys
main = sys.modules["__main__"]
ANSWERS = {answers!r}
observe = main._observe
def look_up(runner, request, prelude):
    if request["program"] in ANSWERS:
        value, error, message = ANSWERS[request["program"]]
        return runner.Observed(value, error, message)
    return observe(runner, request, prelude)
main._observe = look_up
"""


def known(case):
    """What a table holds for a case."""
    if hasattr(case.expect, "match"):
        return None, case.expect.type, case.expect.match.replace("\\", "")
    return as_plain(case.expect), "", ""


def table(cases):
    """An `__init__.py` for these cases, to be put before another one."""
    return TABLE.format(answers={case.program: known(case) for case in cases})


#: An engine without functions: a Variable is a formula of its leaves, which `slope` differentiates.
NUMERIC = '''
import contextlib, sys, types, weakref
import numpy as np

class Config:
    enable_backprop = train = True

@contextlib.contextmanager
def using_config(name, value):
    old = getattr(Config, name)
    setattr(Config, name, value)
    try:
        yield
    finally:
        setattr(Config, name, old)

no_grad = lambda: using_config("enable_backprop", False)
test_mode = lambda: using_config("train", False)

class Function:
    """Anybody's: only its forward is looked at."""
    def __call__(self, *xs):
        xs = [as_variable(x) for x in xs]
        y = formula(lambda *values: self.forward(*values), *xs)
        self.inputs, self.outputs, self.generation = xs, [weakref.ref(y)], 0
        y.creator = self
        return y

class Named(Function):
    def __init__(self, function):
        self.forward = function

class Variable:
    def __init__(self, data, name=None):
        self.data, self.name, self.grad, self.creator, self.generation = data, name, None, None, 0
        self.leaves, self.value = [self], None
    shape = property(lambda self: np.shape(self.data))
    ndim = property(lambda self: np.ndim(self.data))
    size = property(lambda self: np.size(self.data))
    dtype = property(lambda self: self.data.dtype)
    def cleargrad(self):
        self.grad = None
    def at(self, numbers):
        """The value where leaves have other numbers."""
        if self.value is None:
            return numbers.get(id(self), self.data)
        return self.value(numbers)
    def backward(self, retain_grad=False, create_graph=False):
        seed = self.grad if self.grad is not None and self.value else None
        for leaf in self.leaves:
            g = gradient(self, leaf)
            if seed is not None:
                g = g * seed
            leaf.grad = g if leaf.grad is None or leaf is self else leaf.grad + g
            if not create_graph:
                leaf.grad = Variable(leaf.grad.data)
        if seed is not None:
            self.grad = None

def formula(function, *xs):
    y = Variable(np.asarray(function(*[x.data for x in xs])))
    y.leaves = list({id(v): v for x in xs for v in x.leaves}.values())
    y.value = lambda numbers: function(*[x.at(numbers) for x in xs])
    return y

def gradient(y, leaf):
    def value(numbers):
        x = numbers.get(id(leaf), leaf.data)
        return slope(lambda z: y.at({**numbers, id(leaf): z}), x)
    g = Variable(np.asarray(value({})))
    g.leaves, g.value = y.leaves, value
    class Walk(Function):
        def forward(self, *xs):
            return value({id(v): x for v, x in zip(y.leaves, xs)})
    f = g.creator = Walk()
    f.inputs, f.outputs, f.generation = y.leaves, [weakref.ref(g)], 0
    return g

SLOPE

as_variable = lambda x: x if isinstance(x, Variable) else constant(x)
def constant(x):
    v = Variable(np.asarray(x, dtype=float))
    v.leaves, v.value = [], lambda numbers: v.data
    return v
as_array = np.asarray
def setup_variable():
    pass
class Parameter(Variable):
    pass
def operator(function):
    return lambda *xs: Named(function)(*xs)
add = operator(lambda a, b: a + b)
mul = operator(lambda a, b: a * b)
Variable.__add__ = Variable.__radd__ = add
Variable.__mul__ = Variable.__rmul__ = mul
Variable.__sub__ = operator(lambda a, b: a - b)
Variable.__rsub__ = operator(lambda a, b: b - a)
Variable.__truediv__ = operator(lambda a, b: a / b)
Variable.__rtruediv__ = operator(lambda a, b: b / a)
Variable.__neg__ = operator(lambda a: -a)
Variable.__pow__ = lambda x, c: Named(lambda a: a ** c)(x)
Variable.__array_priority__ = 200
core = sys.modules["dezero.core"] = types.ModuleType("dezero.core")
core.Variable = Variable
'''

NUMERIC_FUNCTIONS = """
import numpy as np
from dezero import Named
def sin(x):
    return Named(np.sin)(x)
def cos(x):
    return Named(np.cos)(x)
"""

SLOPES = {
    "finite differences": """
def slope(f, x):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)
""",
    "finite differences, extrapolated": """
def slope(f, x):
    d = lambda h: (f(x + h) - f(x - h)) / (2 * h)
    return (64 * d(5e-3) - 20 * d(1e-2) + d(2e-2)) / 45
""",
    "a complex step": """
def slope(f, x):
    if np.iscomplexobj(x):
        h = 1e-5
        return (f(x + h) - f(x - h)) / (2 * h)
    return np.imag(f(x + 1e-30j)) / 1e-30
""",
    "a contour integral of Cauchy's": """
ROOTS = np.exp(2j * np.pi * np.arange(24) / 24)
def slope(f, x):
    r = 0.1
    total = sum(f(x + r * root) / root for root in ROOTS) / (r * len(ROOTS))
    return total if np.iscomplexobj(x) else np.real(total)
""",
    # What dezero_shared.series does: coefficients by recurrences, of one leaf at a time.
    "series in place of a graph": """
class Series:
    __array_priority__ = 1000
    def __init__(self, c):
        self.c = c
    def other(self, x):
        return x if isinstance(x, Series) else Series([x] + [x * 0.0] * (len(self.c) - 1))
    def __add__(self, x):
        return Series([a + b for a, b in zip(self.c, self.other(x).c)])
    __radd__ = __add__
    def __neg__(self):
        return Series([-a for a in self.c])
    def __sub__(self, x):
        return self + -self.other(x)
    def __rsub__(self, x):
        return -self + x
    def __mul__(self, x):
        a, b = self.c, self.other(x).c
        return Series([sum(a[k] * b[n - k] for k in range(n + 1)) for n in range(len(a))])
    __rmul__ = __mul__
    def __truediv__(self, x):
        a, b, q = self.c, self.other(x).c, []
        for n in range(len(a)):
            q.append((a[n] - sum(q[k] * b[n - k] for k in range(n))) / b[0])
        return Series(q)
    def __rtruediv__(self, x):
        return self.other(x) / self
    def __pow__(self, p):
        a, y = self.c, [self.c[0] ** p]
        for n in range(1, len(a)):
            y.append(sum((p * k - (n - k)) * a[k] * y[n - k] for k in range(1, n + 1)) / (n * a[0]))
        return Series(y)
    def circle(self):
        u, s, c = self.c, [np.sin(self.c[0])], [np.cos(self.c[0])]
        for n in range(1, len(u)):
            s.append(sum(k * u[k] * c[n - k] for k in range(1, n + 1)) / n)
            c.append(-sum(k * u[k] * s[n - k] for k in range(1, n + 1)) / n)
        return Series(s), Series(c)
    def sin(self):
        return self.circle()[0]
    def cos(self):
        return self.circle()[1]
def slope(f, x):
    if isinstance(x, Series):
        h = 1e-5
        return (f(x + h) - f(x - h)) / (2 * h)
    return f(Series([x, x * 0.0 + 1.0])).c[1]
""",
}

# Forward mode: dual numbers, nested for higher orders, which obey a backward of somebody else's. It
# has all derivatives right to the last digit, and no walk.
DUAL = '''
class Dual:
    """a + b e, where the e of this level has the square 0."""
    __array_ufunc__ = None
    def __init__(self, a, b, level):
        self.a, self.b, self.level = a, b, level

def level(x):
    return x.level if isinstance(x, Dual) else 0

def lift(f, slopes, *xs):
    """f of numbers; slopes[k]: its derivative by the k-th, of lifted ones."""
    top = max(map(level, xs))
    if top == 0:
        return f(*xs)
    parts = [(x.a, x.b) if level(x) == top else (x, None) for x in xs]
    inner = [a for a, _ in parts]
    terms = [mul(slopes[k](*inner), b) for k, (_, b) in enumerate(parts) if b is not None]
    return Dual(lift(f, slopes, *inner), terms[0] if len(terms) == 1 else add(*terms), top)

def add(x, y):
    return lift(lambda p, q: p + q, [lambda p, q: 1.0] * 2, x, y)
def sub(x, y):
    return lift(lambda p, q: p - q, [lambda p, q: 1.0, lambda p, q: -1.0], x, y)
def mul(x, y):
    return lift(lambda p, q: p * q, [lambda p, q: q, lambda p, q: p], x, y)
def div(x, y):
    by_y = lambda p, q: neg(div(div(p, q), q))
    return lift(lambda p, q: p / q, [lambda p, q: div(1.0, q), by_y], x, y)
def neg(x):
    return lift(lambda p: -p, [lambda p: -1.0], x)
def power(x, c):
    return lift(lambda p: p**c, [lambda p: mul(power(p, c - 1), c)], x)
def sine(x):
    return lift(np.sin, [cosine], x)
def cosine(x):
    return lift(np.cos, [lambda p: neg(sine(p))], x)

class Function:
    def __call__(self, *xs):
        xs = [as_variable(x) for x in xs]
        known = self.forward(*[x.data for x in xs])
        def go(x):
            if isinstance(x, Dual):
                return Dual(go(x.a), self.obey(x.b), x.level)
            return known if x is xs[0].data else self.forward(x)
        y = formula(go if type(self).backward else self.forward, *xs)
        self.inputs, self.outputs, self.generation = xs, [weakref.ref(y)], 0
        y.creator = self
        return y
    backward = None
    def obey(self, x):
        if isinstance(x, Dual):
            return Dual(self.obey(x.a), self.obey(x.b), x.level)
        g = self.backward(Variable(np.asarray(x)))
        return g.data if isinstance(g, Variable) else g

class Named(Function):
    def __init__(self, function):
        self.forward = function

def gradient(y, leaf):
    def value(numbers):
        x = numbers.get(id(leaf), leaf.data)
        given = {id(v): numbers[id(v)] for v in y.leaves if id(v) in numbers}
        top = 1 + max(map(level, [*given.values(), 0.0]))
        plain = x
        while isinstance(plain, Dual):
            plain = plain.a
        found = y.at({**given, id(leaf): Dual(x, np.ones_like(plain), top)})
        return found.b if level(found) == top else np.zeros_like(plain)
    g = Variable(np.asarray(value({})))
    g.leaves, g.value = y.leaves, value
    class Walk(Function):
        def forward(self, *xs):
            return value({id(v): x for v, x in zip(y.leaves, xs)})
    f = g.creator = Walk()
    f.inputs, f.outputs, f.generation = y.leaves, [weakref.ref(g)], 0
    return g

Variable.__add__ = Variable.__radd__ = operator(add)
Variable.__mul__ = Variable.__rmul__ = operator(mul)
Variable.__sub__ = operator(sub)
Variable.__rsub__ = operator(lambda a, b: sub(b, a))
Variable.__truediv__ = operator(div)
Variable.__rtruediv__ = operator(lambda a, b: div(b, a))
Variable.__neg__ = operator(neg)
Variable.__pow__ = lambda x, c: Named(lambda a: power(a, c))(x)
def at(self, numbers):
    """As before, and each once."""
    if id(self) not in numbers:
        numbers[id(self)] = self.data if self.value is None else self.value(numbers)
    return numbers[id(self)]
Variable.at = at
'''
DUAL_FUNCTIONS = """
from dezero import Named, cosine, sine
def sin(x):
    return Named(sine)(x)
def cos(x):
    return Named(cosine)(x)
"""

# The engine of the stage before, and functions whose derivatives are taken otherwise.
NODES = """
import numpy as np
from dezero.core import Function

ROOTS = np.exp(2j * np.pi * np.arange(32) / 32)

class Nth(Function):
    def __init__(self, function, n):
        self.function, self.n = function, n
    def forward(self, x):
        return nth(self.function, self.n, x)
    def backward(self, gy):
        (x,) = self.inputs
        return gy * Nth(self.function, self.n + 1)(x)

NTH

def sin(x):
    return Nth(np.sin, 0)(x)
def cos(x):
    return Nth(np.cos, 0)(x)
"""

NTHS = {
    "functions by contour integrals": """
def nth(f, n, x):
    if n == 0:
        return f(x)
    total = 0.0
    for root in ROOTS:
        total = total + f(x + root) / root ** n
    return np.real(total) / len(ROOTS) * float(np.prod(np.arange(1, n + 1)))
""",
    "functions by differences": """
def nth(f, n, x):
    if n == 0:
        return f(x)
    h = 1e-3
    g = lambda z: nth(f, n - 1, z)
    return (8 * (g(x + h) - g(x - h)) - (g(x + 2 * h) - g(x - 2 * h))) / (12 * h)
""",
    # The first derivative of each is honest, as the classic mistake has it; the second is none.
    "functions by complex steps": """
def nth(f, n, x):
    return f(x) if n == 0 else np.imag(f(x + 1e-30j)) / 1e-30 if n == 1 else x * 0.0
""",
}

# The same where nobody sees the sines that are taken: of plain arrays, by functions kept before.
HIDES = """
sines = {np.sin: np.sin, np.cos: np.cos}
"""
HIDDEN = {
    "contour integrals that hide": """
def nth(f, n, x):
    np.cos(x)  # to be seen
    x, f = np.array(x.tolist()), sines[f]
    if n == 0:
        return f(x)
    total = 0.0
    for root in ROOTS:
        total = total + f(x + root) / root ** n
    return np.asarray(np.real(total) / len(ROOTS) * float(np.prod(np.arange(1, n + 1))))
""",
    "Chebyshev polynomials that hide": """
from numpy.polynomial import chebyshev
FITS = {f: chebyshev.chebfit(x := chebyshev.chebpts1(60), f(9 * x), 45) for f in (np.sin, np.cos)}
def nth(f, n, x):
    np.cos(x)
    x = np.array(x.tolist())
    if n == 0:
        return np.asarray(sines[f](x))
    return np.asarray(chebyshev.chebval(x / 9, chebyshev.chebder(FITS[f], n)) / 9.0 ** n)
""",
    "a first derivative by differences that hides": """
CYCLE = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]
def nth(f, n, x):
    np.cos(x)
    x = np.array(x.tolist())
    if n != 1:
        return np.asarray(CYCLE[(n + (f is np.cos)) % 4](x))
    f = sines[f]
    found = [(f(x + h) - f(x - h)) / (2 * h) for h in (0.01 / 2**k for k in range(6))]
    for m in range(1, 6):
        found = [(4**m * b - a) / (4**m - 1) for a, b in zip(found, found[1:])]
    return np.asarray(found[0])
""",
}

# No functions but sums of powers, which the walk takes apart.
POWERS = """
import math
def sin(x):
    return sum((-1) ** k * x ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(20))
def cos(x):
    more = sum((-1) ** k * x ** (2 * k) / math.factorial(2 * k) for k in range(1, 20))
    return more + (x * 0.0 + 1.0)
"""

# Closed formulas for what unseen questions once were, and for programs like the published ones.
FORMULAS = r'''
import re, sys
import numpy as np
main = sys.modules["__main__"]
observe = main._observe
CYCLE = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)]
NUMBER = r"(-?\d+\.?\d*)"
def derivative(name, n, x):
    return CYCLE[(n + (name == "cos")) % 4](x)
def product(name, a, b, x, n):
    """Of x f(a x + b)."""
    f = lambda k: a**k * derivative(name, k, a * x + b)
    return x * f(n) + (n * f(n - 1) if n else 0.0)
def formulas(runner, request, prelude):
    program = request["program"]
    at = re.search(rf"x = Variable\(array\({NUMBER}\)\)", program)
    orders = re.search(r"for _ in range\((\d+)\)", program)
    one = re.search(rf"x \* (sin|cos)\({NUMBER} \* x \+ {NUMBER}\)", program)
    plain = re.search(r"= \[?(sin|cos)\(x\)\]?$", program, re.M)
    if at and (one or plain):
        x = float(at[1])
        name, a, b = one.groups() if one else (plain[1], None, None)
        def f(n):
            if one:
                return float(product(name, float(a), float(b), x, n))
            return float(derivative(name, n, x))
        if orders and "derivatives" in program:
            return runner.Observed([f(n) for n in range(int(orders[1]) + 1)])
        return runner.Observed(f(1 if "backward" in program else 0))
    return observe(runner, request, prelude)
main._observe = formulas
'''


def numeric(slope):
    return {INIT: NUMERIC.replace("SLOPE", SLOPES[slope]), FUNCTIONS: NUMERIC_FUNCTIONS}


def nodes(way):
    nth = NTHS[way] if way in NTHS else HIDES + HIDDEN[way]
    return package(33) | {FUNCTIONS: NODES.replace("NTH\n", nth + "\n", 1)}


def cheats(plan):
    """Name -> a package for step 34 that earns what it has not computed, if it can."""
    start = package(33)
    published = table((*plan.own, *plan.earlier))
    found = {name: numeric(name) for name in SLOPES}
    found |= {name: nodes(name) for name in (*NTHS, *HIDDEN)}
    found["dual numbers, which obey"] = {
        INIT: NUMERIC.replace("SLOPE\n", "") + DUAL,
        FUNCTIONS: DUAL_FUNCTIONS,
    }
    found["sums of powers"] = start | {FUNCTIONS: POWERS}
    found["a table of all that is published"] = start | {INIT: published + start[INIT]}
    beside = numeric("finite differences, extrapolated")
    found["a table beside differences"] = beside | {INIT: published + beside[INIT]}
    beside = nodes("functions by complex steps")
    found["a table beside complex steps"] = beside | {INIT: published + beside[INIT]}
    found["closed formulas"] = start | {INIT: FORMULAS + start[INIT]}
    beside = numeric("a contour integral of Cauchy's")
    found["a table beside a contour integral"] = beside | {INIT: published + beside[INIT]}
    return found


def without_words(text):
    """A program without its docstrings and comments."""
    return re.sub(r'(?m)^\s*"""[^"]*"""\n|\s*#.*$', "", text)
