"""Each step changes what its chapter says it does; every way to break that is noticed."""

import re
import shutil

import pytest

from conftest import ROOT
from dezero_harness.diffs import budget
from dezero_harness.diffs.difference import difference, stages_of

STAGES = stages_of(ROOT)


def violations(number, old, new):
    return list(budget.violations(number, old, new, difference(old, new)))


def test_every_step_changes_what_its_chapter_names_and_the_figures_are_those_that_are():
    steps = budget.differences(STAGES)
    assert len(steps) == 5
    assert budget.all_violations(STAGES, steps) == []
    assert budget.check(ROOT, STAGES, steps) == []


@pytest.fixture
def step(copied):
    """Copies two neighbours, with a text replaced in the later one; returns what is wrong."""

    def wrong(number, file="", old="", new=""):
        return violations(number, copied(number - 1), copied(number, file, old, new))

    return wrong


UTILS = "dezero/utils.py"
CORE = "dezero/core.py"
README = "README.md"


@pytest.mark.parametrize(
    ("number", "file", "old", "new", "said"),
    [
        (
            34,
            CORE,
            "Add(Elementwise)",
            "Add( Elementwise )",
            "core.py changed, and step34/README.md",
        ),
        (34, UTILS, "from", "import os\nfrom", "utils.py changed, and step34/README.md does not"),
        (34, README, "`dezero/functions.py`, which", "`dezero/core.py`, which", "functions.py ch"),
        (34, README, "`dezero/functions.py`, which", "`dezero/core.py`, which", "which did not c"),
        (33, README, ", and `dezero/core_simple.py`, which is deleted", "", "core_simple.py chan"),
        (35, README, "Files of this chapter", "These", "no sentence `Files of this chapter: ...`"),
        (35, README, "tanh_growth.py", "tanh.py", "does not name its example tanh_growth.py"),
        (32, CORE, "\n\n\ndef ", "\n\n\nx = 1\n\n\ndef ", "lines of the engine change, 40 may"),
        (36, CORE, "gy * x1", "gy  * x1", "core.py differs in white space alone, line"),
        (
            36,
            CORE,
            "        retain_grad: leave",
            "         retain_grad: leave",
            "in white space al",
        ),
        (36, CORE, "\nclass Neg(", "\n\nclass Neg(", "a change of blank lines alone (+"),
        (36, CORE, "x1, y = self.inputs[1]", "x1,  y = self.inputs[1]", "in white space alone"),
        (
            32,
            README,
            "`constant(...)`",
            "`operand(...)`",
            "no code that it speaks of has `operand`",
        ),
        (32, README, "`Function.__call__` is", "`Variable.__call__` is", "has `Variable.__call__`"),
        (
            32,
            README,
            "**`cast`** calls",
            "**`Neg`** calls",
            "begins a remark with `Neg`, and no ch",
        ),
        (
            34,
            "dezero/functions.py",
            "get_array_module",
            "module_of",
            "speaks of has `get_array_mod",
        ),
        (
            34,
            README,
            "from `core.py`, `Neg`",
            "`Neg`",
            "names `Neg`, and no code that it speaks of",
        ),
        (
            35,
            README,
            "shared/gradients.py",
            "shared/order.py",
            "shared/order.py`, and there is none",
        ),
        (36, README, "`flip` transposes", "`flipped` transposes", "speaks of has `flipped`"),
        (36, README, "`MatMul.backward`", "`MatMul.reverse`", "has `reverse`"),
    ],
)
def test_what_breaks_a_step_is_named(step, number, file, old, new, said):
    wrong = step(number, file, old, new)
    assert any(said in line for line in wrong), wrong
    assert all(line.startswith((f"step{number}", f"step{number - 1} -> ")) for line in wrong)


def test_a_new_file_has_to_be_named(copied):
    earlier, later = copied(34), copied(35)
    (later / "dezero/extra.py").write_text('"""New."""\n', "utf-8")
    (wrong,) = violations(35, earlier, later)
    assert "dezero/extra.py changed, and step35/README.md does not name it" in wrong


def test_the_names_of_the_first_chapter_are_those_of_its_core(repository):
    stages = stages_of(repository)
    readme = stages[31] / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(text.replace("lie in a heap, `functions`", "lie in `ByGeneration`"), "utf-8")
    (wrong,) = budget.all_violations(stages, budget.differences(stages))
    assert "step31: its README.md names `ByGeneration`, and no code that it speaks of" in wrong


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "step36/dezero/core.py",
            "\n\ndef neg(x):",
            "\n\nx = [\n1,\n1,\n]\n\n\ndef neg(x):",
            "core.py has",
        ),
        (
            "step31/dezero/core_simple.py",
            "        add(self.creator)\n",
            "        add(self.creator)\n" * 20,
            "Variable.backward in core_simple.py has",
        ),
        (
            "step34/dezero/core.py",
            "        recorded = ",
            "        x = 1\n        recorded = ",
            "step34: Function.__call__ in core.py has 21 lines of code, 20 may be",
        ),
        (
            "step36/dezero/functions.py",
            "\n\ndef log(x):",
            "\n\nx = 1" * 40 + "\n\n\ndef log(x):",
            "step36: its engine has",
        ),
    ],
)
def test_what_grows_too_long_is_told(repository, file, old, new, said):
    path = repository / "stages" / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    stages = stages_of(repository)
    wrong = budget.all_violations(stages, budget.differences(stages))
    assert any(said in line for line in wrong), wrong


def test_new_functions_of_step_36_count_apart_in_whichever_file_they_are():
    files = difference(STAGES[35], STAGES[36])
    counted, apart = budget.budgeted(36, files, STAGES[35], STAGES[36])
    assert [file.path.name for file in apart if file.added] == ["core.py", "functions.py"]
    assert budget.changed(counted) + budget.changed(apart) == budget.changed(
        [file for file in files if file.kind == "engine"]
    )


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_are_white_space(copied, ending):
    earlier, later = copied(35), copied(36)
    text = (later / CORE).read_bytes()
    (later / CORE).write_bytes(text.replace(b"\n", ending.encode()))
    (wrong,) = violations(36, earlier, later)
    assert "core.py differs in white space alone, the line endings" in wrong


def test_the_last_line_end_is_white_space(copied):
    earlier, later = copied(33), copied(34)
    (later / CORE).write_bytes((later / CORE).read_bytes().rstrip(b"\n"))
    wrong = violations(34, earlier, later)
    assert any("core.py differs in white space alone, the line endings" in line for line in wrong)


def test_a_line_that_enters_a_block_is_no_noise(copied):
    earlier, later = copied(35), copied(36)
    for folder, text in ((earlier, "x = 1\n"), (later, "if True:\n    # why\n    x = 1\n")):
        with (folder / CORE).open("a", encoding="utf-8") as core:
            core.write(text)
    assert violations(36, earlier, later) == []


@pytest.fixture
def repository(tmp_path):
    """A copy of what the figures are made from and stand in."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=ignore)
    for name in ("README.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


STALE = [
    ("stages/README.md", r"\| 33 \| \d+ ", "| 33 | 1 "),
    ("stages/README.md", r"all this, \d+ lines", "all this, 7 lines"),
    ("README.md", r"one change of \d+", "one change of 7"),
    ("README.md", r"engines of \d+ to", "engines of 7 to"),
    ("CONTRIBUTING.md", r"to 32 changes \d+", "to 32 changes 7"),
]


def test_stale_figures_are_named_and_renewed(repository, capsys):
    names = {name for name, _, _ in STALE}
    right = {name: (repository / name).read_text("utf-8") for name in names}
    for name, pattern, stale in STALE:
        text = (repository / name).read_text("utf-8")
        assert re.search(pattern, text)
        (repository / name).write_text(re.sub(pattern, stale, text), "utf-8")
    root = f"--root={repository}"
    assert budget.main([root]) == 1
    said = capsys.readouterr().err
    advice = "is stale; refresh it with: nox -s budget -- --write"
    assert [said.count(f"{repository / name} {advice}") for name in names] == [
        sum(name == stale for stale, _, _ in STALE) for name in names
    ]
    assert budget.main([root, "--write"]) == 0
    assert {name: (repository / name).read_text("utf-8") for name in names} == right


def test_a_changed_stage_makes_the_figures_stale(repository, capsys):
    with (repository / "stages/step36/dezero/functions.py").open("a", encoding="utf-8") as file:
        file.write("\n\nlast = 1\n")
    size = sum(budget.lines_of_code(file) for file in STAGES[36].glob("dezero/*.py"))
    assert budget.main([f"--root={repository}"]) == 1
    assert f"| 36 | {size + 1} |" in capsys.readouterr().err


def test_prose_without_a_place_for_the_figures_is_an_error(repository, capsys):
    (repository / "stages/README.md").write_text("nothing\n", "utf-8")
    assert budget.main([f"--root={repository}", "--write"]) == 1
    assert capsys.readouterr().err.count("has no place for what nox -s budget -- --write") == 2


def test_a_folder_without_stages(tmp_path, capsys):
    with pytest.raises(SystemExit):
        budget.main([f"--root={tmp_path}"])
    assert "there are no two stages" in capsys.readouterr().err
