"""Three walks: a learner who makes classic mistakes, and the headline that each must get.

A walk goes from the start of a lab to its end. At a mistake the first failure has to be the one to
learn from, with a sentence where the mistake is a classic one; and no right step makes a bar fall.
"""

import re
from dataclasses import dataclass, replace

import pytest

from conftest import replace_by_stage
from dezero_harness.labs import chapter as chapter_module


@dataclass(frozen=True)
class Mistake:
    """A line of the solution that the learner writes otherwise at first, and what is then said.

    about: what the first step of a hint names, where it is one definition.
    """

    name: str
    file: str
    right: str
    wrong: str
    headline: str
    likely: str = ""
    about: str = ""


WALKS = {
    32: [
        Mistake(
            "the walk takes arrays for gradients still",
            "core.py",
            "f.backward(*gys), Variable)",
            "f.backward(*gys), Array)",
            "?",
            "returned a Variable where an array is due",
            "Variable.backward",
        ),
        Mistake(
            "the walk starts from an array",
            "core.py",
            "constant(arrays.ones_like(self._data))",
            "arrays.ones_like(self._data)",
            "?",
            "returned an array where a Variable is due",
            "Variable.backward",
        ),
        Mistake(
            "create_graph is taken and forgotten",
            "core.py",
            'using_config("enable_backprop", create_graph)',
            "no_grad()",
            "?",
            "walks under no_grad() all the same",
            "Variable.backward",
        ),
        Mistake(
            ".data is left in Mul",
            "core.py",
            "gx0 = gy * x1 if x0.requires_grad else None\n"
            "        gx1 = gy * x0 if x1.requires_grad else None",
            "gx0 = gy * x1.data if x0.requires_grad else None\n"
            "        gx1 = gy * x0.data if x1.requires_grad else None",
            "?",
            "Mul.backward computes with `x1.data`",
            "Mul.backward",
        ),
        Mistake(
            "the sign of a quotient's second gradient",
            "core.py",
            "gx1 = -gx0 * y",
            "gx1 = gx0 * y",
            "?",
            "the opposite sign",
            "Div.backward",
        ),
        Mistake(
            "the exponent is forgotten",
            "core.py",
            "gy * (x ** arrays.lowered(self.c) * self.c)",
            "gy * x ** arrays.lowered(self.c)",
            "?",
            "times the right one",
            "Pow.backward",
        ),
    ],
    34: [
        Mistake(
            "a forgotten return",
            "functions.py",
            "return gy * cos(x)",
            "gy * cos(x)",
            "?",
            "Sin.backward computes something and returns nothing",
            "Sin",
        ),
        Mistake(
            "NumPy's cosine of a Variable",
            "functions.py",
            "return gy * cos(x)",
            "return gy * __import__('numpy').cos(x)",
            "?",
            "NumPy's cos got a Variable",
            "Sin",
        ),
        Mistake(
            "NumPy's cosine of the array",
            "functions.py",
            "return gy * cos(x)",
            "return gy * get_array_module(x.data).cos(x.data)",
            "?",
            "Sin.backward computes with `x.data`",
            "Sin",
        ),
        Mistake(
            "gy is forgotten",
            "functions.py",
            "return gy * cos(x)",
            "return cos(x)",
            "?",
            "",
            "Sin",
        ),
        Mistake(
            "the sign of the cosine's derivative",
            "functions.py",
            "return gy * -sin(x)",
            "return gy * sin(x)",
            "?",
            "the opposite sign",
            "Cos",
        ),
    ],
    36: [
        Mistake(
            "what was repeated is not summed",
            "core.py",
            "return sum_to(gy, x.shape)",
            "return gy",
            "?",
            "what broadcasting repeated has to be summed",
            "BroadcastTo",
        ),
        Mistake(
            "the walk does not sum",
            "core.py",
            "f.backward(*gys), Variable, sum_to)",
            "f.backward(*gys), Variable)",
            "?",
            "what broadcasting repeated has to be summed",
            "Variable.backward",
        ),
        Mistake(
            "the array of an output",
            "functions.py",
            "return gy * y\n",
            "return gy * y.data\n",
            "?",
            "Exp.backward computes with `y.data`",
            "Exp",
        ),
        Mistake(
            "the same axes again",
            "functions.py",
            "inverse = sorted(range(gy.ndim), key=self.axes.__getitem__)",
            "inverse = self.axes",
            "?",
            "",
            "Transpose",
        ),
        Mistake(
            "a transpose too few",
            "functions.py",
            "matmul(flip(x0), gy)",
            "matmul(x0, gy)",
            "?",
            "",
            "MatMul",
        ),
    ],
}


@pytest.fixture
def some(monkeypatch):
    """Each tenth of the earlier cases, for a walk checks many times."""
    whole = chapter_module.load_chapter

    def load(root, number):
        chapter = whole(root, number)
        return replace(chapter, earlier=chapter.earlier[::10])

    monkeypatch.setattr("dezero_harness.labs.lab.load_chapter", load)


def bars(said):
    """The two counts of a check: the right ones of this chapter, and of all before it."""
    return [int(n) for n in re.findall(r"^(?:this chapter|all before it) .*?  (\d+) of", said, re.M)]


def headline(said):
    return re.search(r"^First failure: (.*)$", said, re.M)[1]


@pytest.mark.parametrize("number", WALKS)
def test_a_walk_of_classic_mistakes(lab, root, some, number):
    lab("start", number)
    folder = root / f"labs/step{number}"
    before = bars(lab("check", number)[1])
    replace_by_stage(folder, root / f"stages/step{number}")
    for mistake in WALKS[number]:
        file = folder / "dezero" / mistake.file
        right = file.read_text("utf-8")
        assert right.count(mistake.right) == 1, mistake.name
        file.write_text(right.replace(mistake.right, mistake.wrong), "utf-8")
        status, said = lab("check", number)
        print("\n##", number, mistake.name, "|", headline(said), "|", re.findall("likely .*", said))
        hint = lab("hint", number)[1]
        print("   ", re.findall("It is about.*|It takes.*", hint))
        file.write_text(right, "utf-8")
