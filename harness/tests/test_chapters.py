"""The programs in the prose print what it says they print; its exercises have these answers."""

import contextlib
import io
import json
import os
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from dezero_harness.prose.markdown import items, programs, sections

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [(n, f"stages/step{n}/README.md") for n in range(31, 37)] + [(33, "README.md")]


def run_blocks(programs):
    """What each program prints, run one after the other; an exception prints its last line."""
    names, printed = {"__name__": "__main__"}, []
    for program in programs:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            try:
                exec(compile(program, "<chapter>", "exec"), names)
            except Exception as error:
                print("".join(traceback.format_exception_only(error)), end="")
        printed.append(output.getvalue())
    return printed


def printed_by(stage, programs):
    folders = [ROOT / f"stages/step{stage}", ROOT / "shared", ROOT / "harness"]
    worker = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(programs),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert worker.returncode == 0, worker.stderr
    return [output.replace(str(ROOT) + os.sep, "") for output in json.loads(worker.stdout)]


@pytest.mark.parametrize(("stage", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_text_shows_what_its_programs_print(stage, text):
    found = programs((ROOT / text).read_text("utf-8"))
    printed = printed_by(stage, [program.source for program in found])
    assert printed == [program.prints for program in found]
    assert any(printed)


#: (stage, exercise) -> a solution, which prints what the exercise says to check against.
SOLUTIONS = {
    (31, 1): """
        x = Variable(np.array(2.0))
        a = x * x; b = a * x; c = b + x
        print([v.generation for v in (x, a, b, c)])
        assert b.creator.inputs == [a, x] and a.creator.outputs[0]() is a
    """,
    (31, 2): """
        from dezero import Function
        class Exp(Function):
            def forward(self, x):
                return np.exp(x)
            def backward(self, gy):
                return gy * self.outputs[0]().data
        x = Variable(np.array(0.5))
        Exp()(x * x).backward()
        print(x.grad)
    """,
    (31, 3): """
        def slope(x0):
            x = Variable(np.array(x0))
            (x ** 4 - 2 * x ** 2).backward()
            return x.grad
        print(round((slope(2.1) - slope(1.9)) / 0.2, 10))
    """,
    (32, 2): """
        x, s = Variable(np.array(2.0)), Variable(np.array(5.0))
        y = x ** 3
        y.grad = s
        y.backward(create_graph=True)
        gx = x.grad
        x.cleargrad()
        gx.backward()
        print(f"the gradient is $3sx^2 = {gx.data:g}$")
        print(f"$6sx = {x.grad.data:g}$")
        print(f"$3x^2 = {s.grad.data:g}$")
    """,
    (32, 3): """
        print("12, 12, 6" if derivatives(lambda x: x * x * x, 2.0, 3) == [12, 12, 6] else "")
        from dezero.core import Mul
        def backward(self, gy):
            x0, x1 = self.inputs
            return gy * x1.data, gy * x0
        Mul.backward = backward
        first, second, _ = derivatives(lambda x: x * x * x, 2.0, 3)
        assert first == 12 and second != 12
    """,
    (33, 1): """
        *found, last = derivatives(lambda x: x * x * x * x - 2 * (x * x), 2.0, 5)
        print(*found, sep=", ")
        print(f"and then `{last}`")
    """,
    (33, 2): """
        x = 0.4472135954999579
        f1, f2 = derivatives(f, x, 2)
        assert abs(x - f1 / f2 + x) < 1e-15
        print(x)
    """,
    (33, 3): """
        x = 2.0
        for step in range(4):
            f1, f2, f3 = derivatives(f, x, 3)
            x = x - 2 * f1 * f2 / (2 * f2 ** 2 - f1 * f3)
            if step < 2:
                print(x)
        assert x == 1.0
    """,
    (34, 1): """
        from dezero.functions import sin
        found = derivatives(sin, 1.0, 12)
        assert found[3] == found[7] == found[11] == np.sin(1.0)
        print("equal `np.sin(1.0)` exactly")
    """,
    (34, 2): """
        from dezero import Function
        from dezero.functions import sin
        class Exp(Function):
            def forward(self, x):
                return np.exp(x)
            def backward(self, gy):
                return gy * self.outputs[0]()
        print("1", *derivatives(lambda x: Exp()(sin(x)), 0.0, 8), sep=", ")
    """,
    (34, 3): """
        import math
        from dezero.functions import sin
        slopes = [0.0, *derivatives(sin, 0.0, 13)]
        for n in (3, 9, 13):
            terms = (slopes[k] / math.factorial(k) * 0.5 ** k for k in range(n + 1))
            error = sum(terms) - np.sin(0.5)
            print(f"{abs(error):.1e}".replace("e-0", "e-") + f" for $n = {n}$" if error else "")
    """,
    (35, 1): """
        from dezero.core import Elementwise
        from dezero_shared.dot import walk
        class Tanh(Elementwise):
            def forward(self, x):
                return np.tanh(x)
            def backward(self, gy):
                y = self.outputs[0]()
                return gy * (1 - y ** 2)
        x = Variable(np.array(1.0))
        y = Tanh()(x)
        counts = []
        for order in range(5):
            x.cleargrad()
            y.backward(create_graph=True)
            y = x.grad
            counts.append(sum(hasattr(node, "inputs") for node in walk(y)))
        print(*counts, sep=", ")
    """,
    (35, 2): """
        from dezero.functions import tanh
        found = derivatives(lambda x: (1 + tanh(x / 2)) / 2, 0.0, 5)
        print("0.5", *found, sep=", ")
    """,
    (36, 1): """
        import dezero.functions as F
        x = Variable(np.array([1.0, 2.0, 3.0]))
        y = x * F.sin(x)
        s = y.grad = Variable(np.zeros(3))
        y.backward(create_graph=True)
        x_grad = x.grad
        x.cleargrad()
        F.sum(x_grad * np.array([1.0, 0.0, 2.0])).backward()
        print("(" + ", ".join(f"{g:.9g}" for g in s.grad.data) + ")")
    """,
    (36, 2): """
        import dezero.functions as F
        e0, e1 = np.eye(2)
        def product(v):
            x.cleargrad()
            x0, x1 = F.sum(x * e0), F.sum(x * e1)
            (100 * (x1 - x0 ** 2) ** 2 + (1 - x0) ** 2).backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            F.sum(gx * v).backward()
            return gx.data, x.grad.data
        x = Variable(np.array([-1.2, 1.0]))
        p = np.zeros(2)
        r = d = -product(p)[0]
        for _ in range(2):
            hd = product(d)[1]
            step = r @ r / (d @ hd)
            p, former, r = p + step * d, r, r - step * hd
            d = r + r @ r / (former @ former) * d
        print("(" + ", ".join(f"{n:.8g}" for n in x.data + p) + ")")
    """,
    (36, 3): """
        from dezero.core import Function, Mul
        Mul.elementwise = Function.elementwise
        a, b = Variable(np.array(2.0)), Variable(np.array([1.0, 2.0, 3.0]))
        (b * 2.0).backward()
        try:
            (a * b).backward()
        except ValueError as error:
            assert all(word in str(error) for word in ("Mul", "()", "(3,)", "sum_to"))
            print("the error names `Mul`, both shapes, and `sum_to`")
    """,
}
BEFORE = """
import numpy as np
from dezero import Variable

def f(x):
    return x ** 4 - 2 * x ** 2

def derivatives(f, x0, orders):
    x = Variable(np.array(x0))
    y = f(x)
    found = []
    for _ in range(orders):
        x.cleargrad()
        y.backward(create_graph=True)
        y = x.grad
        if y is None:
            return [*found, None]
        value = float(y.data)
        found.append(int(value) if value == int(value) else value)
    return found
"""


@pytest.mark.parametrize(("stage", "number"), SOLUTIONS, ids=str)
def test_an_exercise_says_what_its_solution_finds(stage, number):
    text = (ROOT / f"stages/step{stage}/README.md").read_text("utf-8")
    said = " ".join(items(sections(text)["Exercises"])[number - 1].split())
    before, printed = printed_by(stage, [BEFORE, textwrap.dedent(SOLUTIONS[stage, number])])
    assert before == ""
    assert printed.strip()
    assert [line for line in printed.splitlines() if line not in said] == []


if __name__ == "__main__":
    json.dump(run_blocks(json.load(sys.stdin)), sys.stdout)
