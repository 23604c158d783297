"""Three walks: a learner who makes classic mistakes and mends them, each lab in one folder.

After each mistake the first failure has to be the one to learn from, with a sentence where the
mistake is a classic one; and on the way from the start to the end no right step makes a bar fall.
"""

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dezero_harness.labs import lab as lab_module
from dezero_harness.labs.attempt import tried
from dezero_harness.labs.in_page import Lab, pack, unpack
from dezero_harness.labs.loading import load_chapter
from dezero_harness.labs.starter import package
from dezero_harness.labs.telling import padded
from dezero_harness.site.labs import packed


@dataclass(frozen=True)
class Mistake:
    """A line of the solution that the learner writes otherwise at first, and what is then said."""

    name: str
    file: str
    right: str
    wrong: str
    headline: str
    likely: str = ""


@dataclass(frozen=True)
class Step:
    """What is written next: names of definitions, "" for the statements outside of them in a file.

    The mistakes are made one after the other in what is there by now, and mended.
    """

    writes: list[str]
    mistakes: list[Mistake] = field(default_factory=list)


WALKS = {
    32: [
        Step(["core.py:"]),
        Step(["core.py:Mul.backward", "core.py:Parameter"]),
        Step(["__init__.py:"]),
        Step(
            ["core.py:Variable.backward"],
            [
                Mistake(
                    "the walk takes arrays for gradients still",
                    "core.py",
                    "f.backward(*gys), Variable)",
                    "f.backward(*gys), Array)",
                    "x to the power of 1 has the derivative 1 at 0",
                    "returned a Variable where an array is due",
                ),
                Mistake(
                    "the walk starts from an array",
                    "core.py",
                    "constant(arrays.ones_like(self._data))",
                    "arrays.ones_like(self._data)",
                    "x plus x at 3 has the derivative 2",
                    "returned an array where a Variable is due",
                ),
            ],
        ),
        Step(
            ["core.py:Pow.backward"],
            [
                Mistake(
                    "the exponent is forgotten",
                    "core.py",
                    "gy * (x ** arrays.lowered(self.c) * self.c)",
                    "gy * x ** arrays.lowered(self.c)",
                    "the slope of x to the power of 3 at 3 is right",
                    "times the right one",
                ),
            ],
        ),
        Step(["core.py:cast"]),
        Step(
            ["core.py:Variable.grad", "core.py:Div.backward"],
            [
                Mistake(
                    ".data is left in Mul",
                    "core.py",
                    "gx0 = gy * x1 if x0.requires_grad else None\n"
                    "        gx1 = gy * x0 if x1.requires_grad else None",
                    "gx0 = gy * x1.data if x0.requires_grad else None\n"
                    "        gx1 = gy * x0.data if x1.requires_grad else None",
                    "the second derivative of x times x at 3 is right",
                    "Mul.backward computes with `x1.data`",
                ),
                Mistake(
                    "create_graph is taken and forgotten",
                    "core.py",
                    'using_config("enable_backprop", create_graph)',
                    "no_grad()",
                    "x^4 - 2 x^2 has 24 and 44 at 2, and 68 where nothing is cleared",
                    "walks under no_grad() all the same",
                ),
                Mistake(
                    "the sign of a quotient's second gradient",
                    "core.py",
                    "gx1 = -gx0 * y",
                    "gx1 = gx0 * y",
                    "x over x at 3 has the derivative 0",
                    "",
                ),
            ],
        ),
    ],
    34: [
        Step(
            ["functions.py:", "functions.py:Sin", "functions.py:sin"],
            [
                Mistake(
                    "NumPy's cosine of a Variable",
                    "functions.py",
                    "return gy * cos(x)",
                    "return gy * __import__('numpy').cos(x)",
                    "the slope of sin at 1 is cos 1",
                    "NumPy's cos got a Variable",
                ),
                Mistake(
                    "NumPy's cosine of the array",
                    "functions.py",
                    "return gy * cos(x)",
                    "return gy * get_array_module(x.data).cos(x.data)",
                    "the derivatives of sin at 1 go sin, cos, minus sin, minus cos",
                    "Sin.backward computes with `x.data`",
                ),
            ],
        ),
        Step(
            ["functions.py:Cos", "functions.py:cos"],
            [
                Mistake(
                    "a forgotten return",
                    "functions.py",
                    "return gy * cos(x)",
                    "gy * cos(x)",
                    "the slope of sin at 1 is cos 1",
                    "Sin.backward computes something and returns nothing",
                ),
                Mistake(
                    "gy is forgotten",
                    "functions.py",
                    "return gy * cos(x)",
                    "return cos(x)",
                    "sin x passes on its gradient times its derivative",
                    "Sin.backward never uses gy",
                ),
                Mistake(
                    "the sign of the cosine's derivative",
                    "functions.py",
                    "return gy * -sin(x)",
                    "return gy * sin(x)",
                    "the slope of cos at 1 is -sin 1",
                    "the opposite sign",
                ),
            ],
        ),
    ],
    36: [
        Step(["core.py:"]),
        Step(["core.py:BroadcastTo", "core.py:SumTo", "core.py:broadcast_to"]),
        Step(["core.py:sum_to"]),
        Step(["functions.py:", "functions.py:Log", "functions.py:log", "functions.py:MatMul"]),
        Step(
            ["functions.py:Exp", "functions.py:exp", "functions.py:sum", "functions.py:operand"],
            [
                Mistake(
                    "what was repeated is not summed",
                    "core.py",
                    "return sum_to(gy, x.shape)",
                    "return gy",
                    "broadcast_to more axes hands each number's gradient back",
                    "what broadcasting repeated has to be summed",
                ),
                Mistake(
                    "the array of an output",
                    "functions.py",
                    "return gy * y\n",
                    "return gy * y.data\n",
                    "exp is its own derivative at every order",
                    "Exp.backward computes with `y.data`",
                ),
            ],
        ),
        Step(
            [
                "functions.py:Reshape",
                "functions.py:reshape",
                "functions.py:Transpose",
                "functions.py:transpose",
            ],
            [
                Mistake(
                    "the same axes again",
                    "functions.py",
                    "inverse = sorted(range(gy.ndim), key=self.axes.__getitem__)",
                    "inverse = self.axes",
                    "transpose of three axes hands each number's gradient back",
                    "has another shape than its input",
                ),
            ],
        ),
        Step(
            [
                "functions.py:stacked",
                "functions.py:flip",
                "functions.py:matmul",
                "core.py:Variable.backward",
            ],
            [
                Mistake(
                    "a transpose too few",
                    "functions.py",
                    "matmul(flip(x0), gy)",
                    "matmul(x0, gy)",
                    "matmul of two vectors has both gradients",
                    "",
                ),
                Mistake(
                    "the walk does not sum",
                    "core.py",
                    "f.backward(*gys), Variable, sum_to)",
                    "f.backward(*gys), Variable)",
                    "a 0-d Variable on the left of plus has a 0-d gradient",
                    "what broadcasting repeated has to be summed",
                ),
            ],
        ),
    ],
}


@pytest.fixture
def some(monkeypatch):
    """The plainest of the earlier cases, for a walk checks many times."""
    whole = load_chapter

    def load(root, number):
        chapter = whole(root, number)
        plainest = sorted(chapter.kept, key=lambda case: chapter.rank[case.id])[:60]
        return replace(chapter, earlier=tuple(plainest))

    monkeypatch.setattr("dezero_harness.labs.lab.load_chapter", load)


def bars(said):
    """The two counts of a check: the right ones of this chapter, and of all before it."""
    return [
        int(n) for n in re.findall(r"^(?:this chapter|all before it) .*?  (\d+) of", said, re.M)
    ]


def first(said):
    return re.search(r"^First failure: (.*)$", said, re.M)[1]


def assert_the_page_says_the_same(chapter, folder, said):
    """Of the same files, run in this process, as in the worker of a browser."""
    files = {path.as_posix(): text for path, text in package(folder).items()}
    told = Lab(unpack(pack(packed(chapter)))).check(files)
    assert f"First failure: {told['first']['statement']}\n" in said
    rows = [f"  {padded(name, 10)}{text}\n" for name, text in told["first"]["facts"]]
    assert "".join(rows) in said
    assert [bar["passed"] + bar["again"] for bar in told["bars"]] == bars(said)
    headings = [part["heading"] for part in told["also"]]
    assert len(headings) == len(re.findall(r"^(?:Failing|Wrong|Waiting) ", said, re.M))
    assert all(heading in " ".join(said.split()) for heading in headings)  # a terminal wraps
    assert "dezero" not in sys.modules


@pytest.mark.parametrize("number", [32, 33, 34, 35, 36])
def test_what_a_page_cannot_ask_does_not_count(root, number):
    """A browser starts no threads. If a case about them has to pass, the page must say so."""
    chapter = load_chapter(root, number)
    asked = unpack(pack(packed(chapter))).chapter
    for part in ("due", "kept"):
        there, here = ([case.id for case in getattr(one, part)] for one in (chapter, asked))
        assert here == there
    assert asked.gates.keys() == chapter.gates.keys()
    assert len(asked.earlier) < len(chapter.earlier)


@pytest.mark.parametrize("number", WALKS)
def test_a_learner_walks_a_lab_and_learns_from_each_mistake(lab, root, some, number):
    lab("start", number)
    chapter = load_chapter(root, number)
    folder = root / f"labs/step{number}"
    start = package(folder)
    if number == 32:
        start[Path("dezero/core.py")] = start[Path("dezero/core_simple.py")]
    left = {f"{unit.path.name}:{unit.name}": unit for unit in tried(chapter, start).left}
    last = [Step([name]) for name in left if name not in written(WALKS[number])]
    reached, seen = [0, 0], []
    for step in [Step([]), *WALKS[number], *last]:
        for name in step.writes:
            left.pop(name, None)
        files = tried(chapter, start, kept=left.values()).completed
        for mistake in step.mistakes:
            make(mistake, folder, files)
            status, said = lab("check", number)
            likely = re.findall("^  likely    (.*)$", said, re.M)
            assert (status, first(said)) == (1, mistake.headline), mistake.name
            assert mistake.likely in likely[0] if mistake.likely else likely == [], mistake.name
            assert_the_page_says_the_same(lab_module.load_chapter(root, number), folder, said)
        for path, text in files.items():
            (folder / path).write_text(text, "utf-8")
        said = lab("check", number)[1]
        now = bars(said)
        assert now[1] == 60
        assert now[0] >= reached[0], (step.writes, seen, said)
        reached = now
        seen.append((step.writes, now))
    assert "every case of the book passes" in said


def written(walk):
    return {name for step in walk for name in step.writes}


def make(mistake, folder, files):
    """The learner's files with this line written otherwise."""
    for path, text in files.items():
        if path.name == mistake.file:
            # As Python writes what it has read: with these quotes.
            right, wrong = (words.replace('"', "'") for words in (mistake.right, mistake.wrong))
            assert text.count(right) == 1, mistake.name
            text = text.replace(right, wrong)
        (folder / path).write_text(text, "utf-8")


def test_there_are_fifteen_mistakes_at_least():
    assert sum(len(step.mistakes) for walk in WALKS.values() for step in walk) >= 15
