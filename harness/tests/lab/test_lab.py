"""The command as a learner meets it: what it says, what it keeps, what it refuses."""

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import ROOT, replace_by_stage
from dezero_harness.execution.isolated import Limits
from dezero_harness.labs.chapter import run_chapter
from dezero_harness.labs.lab import main
from dezero_harness.labs.loading import load_chapter
from dezero_harness.labs.starter import start_files


@pytest.fixture
def few(monkeypatch):
    """Only some of the earlier cases, where a test is not about them."""
    whole = load_chapter

    def load(root, number):
        chapter = whole(root, number)
        return replace(chapter, earlier=chapter.kept[:20])

    monkeypatch.setattr("dezero_harness.labs.lab.load_chapter", load)


def own(number):
    """How many cases of the chapter have to pass; that they are right shows test_proof.py."""
    return len(load_chapter(ROOT, number).due)


def edit(file, old, new):
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_a_check_explains_the_first_failure_and_lists_the_rest(lab, root, few):
    lab("start", 34)
    status, said = lab("check", 34)
    assert status == 1
    assert f"your files: {root}/labs/step34\n" in said
    assert re.search(rf"this chapter  \.{{28}}  0 of {own(34)}\n", said)
    assert re.search(r"all before it #{28}  20 of 20\n", said)
    assert "First failure: sin 1 is 0.8414709848078965" in said
    assert "    from dezero.functions import sin\n" in said
    assert "got       ModuleNotFoundError: No module named 'dezero.functions'" in said
    assert 'read      stages/step34/README.md, "What can be observed"' in said
    assert "\n  - sin x has the value of its formula" in said
    assert 'for "sin 1 is 0.8414709848078965"' in said
    failing, waiting = (int(re.search(rf"{w} \((\d+)\)", said)[1]) for w in ("yet", "Waiting"))
    assert 1 + failing + waiting == own(34)


def test_what_a_program_prints_stands_under_the_first_failure(lab, root, few):
    solve_but(root, "return gy * cos(x)", "print('gy is', gy)\n        return gy * sin(x)")
    said = lab("check", 34)[1]
    assert "First failure: the slope of sin at 1 is cos 1" in said
    assert re.search(r"got .*\n(?:.*\n)*?  printed   gy is variable\(1.0\)\n", said)


def test_a_check_passes_over_breakpoints_and_says_so(lab, root, few):
    solve_but(root, "return gy * cos(x)", "breakpoint()\n        return gy * sin(x)")
    said = lab("check", 34)[1]
    assert "BdbQuit" not in said
    assert "passes over the breakpoint() in labs/step34/dezero/functions.py:15; to stop" in said


def test_a_debugger_that_asks_nobody_is_told(lab, root, few):
    solve_but(root, "return gy * cos(x)", "import pdb; pdb.set_trace(); return gy * cos(x)")
    assert "To stop in it: nox -s lab -- run 34" in lab("check", 34)[1]


def test_the_place_is_the_innermost_line_of_the_learners_own(lab, root, few):
    solve_but(root, "return gy * cos(x)", "return gy * cos(np.cos(x))")
    core = root / "labs/step34/dezero/functions.py"
    edit(core, "from dezero.core import", "import numpy as np\nfrom dezero.core import")
    said = lab("check", 34)[1]
    assert "  at        labs/step34/dezero/functions.py:16: return gy * cos(np.cos(x))" in said


def solve_but(root, right, wrong):
    """Lab 34 as it is done, but for one line of functions.py."""
    main(["start", "34"])
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    edit(root / "labs/step34/dezero/functions.py", right, wrong)


def at_the_prompt(root, typed, *options):
    """What `run 34` prints, and what the prompt answers to what is typed."""
    done = subprocess.run(
        [sys.executable, "-m", "dezero_harness.labs", "run", "34", *options],
        input=typed,
        capture_output=True,
        text=True,
        cwd=root,
        timeout=300,
    )
    return done.stdout + done.stderr


def test_run_opens_a_prompt_on_ones_own_files_in_the_case_at_hand(lab, root):
    solve_but(root, "return gy * cos(x)", "print('gy is', gy)\n        return gy * sin(x)")
    file = root / "labs/step34/dezero/functions.py"
    typed = f"""
import dezero.functions
print("of", dezero.functions.__file__)
print("x is", x, "with", x.grad)
text = open({str(file)!r}).read()
print(open({str(file)!r}, "w").write(text.replace("gy * sin(x)", "gy * cos(x)")) > 0)
again()
"""
    said = at_the_prompt(root, typed)
    before, _, after = said.partition("Ctrl-D leaves.")
    assert "The case: the slope of sin at 1 is cos 1" in before
    assert "gy is variable(1.0)" in before
    assert "expected  0.5403023058681398\n" in before
    assert f"of {file}\n" in after
    assert "x is variable(1.0) with variable(0.8414709848078965)" in after
    assert "That is right." in after.partition("True")[2]
    assert "That is right." not in before


def test_breakpoint_stops_at_the_prompt_and_pdb_goes_to_ones_own_line(lab, root):
    wrong = "breakpoint()\n        return gy * cos(x, 2)"
    solve_but(root, "return gy * cos(x)", wrong)
    typed = "p 'stopped', gy\nc\np 'there', x\nq\n"
    said = at_the_prompt(root, typed, "slope", "of", "sin", "at", "1", "--pdb")
    assert "('stopped', variable(1.0))" in said
    assert "functions.py(16)backward()" in said.partition("  got ")[2]
    assert "('there', variable(1.0))" in said
    assert said.index("('stopped'") < said.index("('there'")


def test_run_knows_other_cases_by_their_words(lab, root):
    lab("start", 34)
    assert lab("run", 34, "no", "such", "words")[0] == 2


def test_half_a_lab_is_half_done(lab, root, few):
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    edit(root / "labs/step34/dezero/functions.py", "return gy * -sin(x)", "return gy * sin(x)")
    status, said = lab("check", 34)
    assert status == 1
    assert "First failure: the slope of cos at 1 is -sin 1" in said
    assert 10 < int(re.search(rf"(\d+) of {own(34)}", said)[1]) < own(34)
    status, said = lab("check", 34, "--list")
    assert "  ok      sin x has the value of its formula\n" in said
    assert "  FAILS   the slope of cos at 1 is -sin 1\n" in said
    assert re.search(r"  waits   .*cos", said)


def test_what_was_right_before_is_named_when_it_breaks(lab, root):
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    edit(root / "labs/step34/dezero/core.py", "return x0 - x1", "return x1 - x0")
    status, said = lab("check", 34, "--list")
    assert status == 1
    right, earlier = map(int, re.search(r"all before it .* (\d+) of (\d+)", said).groups())
    assert 200 < right < earlier
    assert "  FAILS   " in said.partition("\nAll before it:\n")[2]


def test_a_lab_that_is_done_says_what_comes_next(lab, root, few):
    lab("start", 35)
    replace_by_stage(root / "labs/step35", root / "stages/step35")
    status, said = lab("check", 35)
    assert status == 0
    assert f"{own(35)} of {own(35)}" in said
    assert "Go on with: nox -s lab -- start 36 --from labs/step35" in said


def test_starting_twice_changes_nothing(lab, root):
    lab("start", 34)
    mine = root / "labs/step34/dezero/functions.py"
    mine.write_text("# my work\n", "utf-8")
    for again in (
        ["start", 34],
        ["start", 34, "--guided"],
        ["start", 34, "--from", "stages/step33"],
    ):
        status, said = lab(*again)
        assert status == 2
        assert "was left as it is" in said
        assert "nox -s lab -- reset 34" in said
        assert mine.read_text("utf-8") == "# my work\n"
    assert os.listdir(root / "labs") == ["step34"]


def test_an_empty_folder_or_a_broken_link_is_also_left_alone(lab, root):
    (root / "labs").mkdir()
    (root / "labs/step34").mkdir()
    (root / "labs/step35").symlink_to("nowhere")
    assert lab("start", 34)[0] == lab("start", 35)[0] == 2


def test_reset_keeps_every_backup(lab, root):
    lab("start", 34)
    for number in (1, 2, 3):
        (root / "labs/step34/notes.txt").write_text(f"work {number}", "utf-8")
        status, said = lab("reset", 34)
        assert status == 0
        assert f"What was there is now labs/step34-backup-{number}." in said
        assert not (root / "labs/step34/notes.txt").exists()
    kept = [root / f"labs/step34-backup-{number}/notes.txt" for number in (1, 2, 3)]
    assert [file.read_text("utf-8") for file in kept] == ["work 1", "work 2", "work 3"]


def test_a_reset_that_cannot_start_moves_nothing(lab, root):
    lab("start", 34)
    status, said = lab("reset", 34, "--from", "labs/step33")
    assert status == 2
    assert "labs/step33 holds no package dezero" in said
    assert os.listdir(root / "labs") == ["step34"]


def test_ones_own_work_is_carried_on(lab, root):
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    own = root / "labs/step34/dezero/functions.py"
    edit(own, "class Cos(", "# my own remark\nclass Cos(")
    edit(own, "def cos(x):", "def hypot(x):\n    return x\n\n\ndef cos(x):")
    mine = own.read_text("utf-8")
    assert lab("start", 35, "--from", "labs/step34")[0] == 0
    assert (root / "labs/step35/dezero/functions.py").read_text("utf-8") == mine
    assert lab("reset", 35, "--guided", "--from", "labs/step34")[0] == 0
    text = (root / "labs/step35/dezero/functions.py").read_text("utf-8")
    assert text.startswith(mine.rstrip("\n"))
    assert 'raise NotImplementedError("step35: write the body of Tanh.backward")' in text
    assert "`labs/step34`" in (root / "labs/step35/TASK.md").read_text("utf-8")


def test_what_the_learner_has_already_written_stays(lab, root):
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    own = root / "labs/step34/dezero/functions.py"
    own.write_text(own.read_text("utf-8") + "\n\ndef tanh(x):\n    return x\n", "utf-8")
    lab("start", 35, "--guided", "--from", "labs/step34")
    text = (root / "labs/step35/dezero/functions.py").read_text("utf-8")
    assert "def tanh(x):\n    return x\n" in text
    assert text.count("def tanh") == 1
    assert "class Tanh" in text


def test_gaps_that_have_no_place_are_refused(lab, root):
    lab("start", 35)
    core = root / "labs/step35/dezero/core.py"
    edit(core, "def backward(self, retain_grad", "def walk(self, retain_grad")
    status, said = lab("start", 36, "--guided", "--from", "labs/step35")
    assert status == 2
    assert "your dezero/core.py has no Variable.backward" in said
    assert "without --guided" in said
    edit(core, "def walk(self, retain_grad", "def backward(self, retain_grad")
    edit(core, "def constant(", "def my_constant(")
    status, said = lab("start", 36, "--guided", "--from", "labs/step35")
    assert status == 2
    assert "constant of dezero/core.py" in said
    assert not (root / "labs/step36").exists()


def test_a_gap_is_a_body_and_nothing_else(tmp_path):
    """Signatures on several lines, decorators, one-liners, comments, async, nested functions."""
    old = '"""Old."""\n\n\ndef kept(x):\n    # a remark\n    return x\n'
    new = '''"""New."""

import math


def kept(x):
    return x  # the same, though the remark is gone


def over(
    a: dict[str, int] = {"a": 1},
    *b,
) -> list[int]:  # why
    """What it does.

    And more.
    """
    # secret remark
    def inner():
        return secret

    return inner()
    # last secret


class One:
    """A class."""

    size = 3

    @property
    def it(self):
        return secret

    @it.setter
    def it(self, x):
        """Docstring."""
        self.secret = x

    def short(self): return secret


async def later(): await secret
'''
    for name, text in (("step1", old), ("step2", new)):
        (tmp_path / name / "dezero").mkdir(parents=True)
        (tmp_path / name / "dezero/__init__.py").write_text("", "utf-8")
        (tmp_path / name / "dezero/m.py").write_text(text, "utf-8")
    before, after = tmp_path / "step1", tmp_path / "step2"
    merged = next(
        text
        for path, text in start_files(before, after, before, guided=True).items()
        if path.name == "m.py"
    )
    (before / "dezero/m.py").unlink()
    fresh = next(
        text
        for path, text in start_files(before, after, before, guided=True).items()
        if path.name == "m.py"
    )
    for text in (merged, fresh):
        assert "secret" not in text
        compile(text, "m.py", "exec")
        assert ') -> list[int]:  # why\n    """What it does.' in text
        assert 'step2: write the body of over")' in text
        assert "size = 3" in text
        assert text.count("write the body of One.it") == 2
        assert "def short(self):\n        raise NotImpl" in text
        assert "async def later():\n    raise NotImpl" in text
        assert "import math" in text
    assert "# a remark" in merged
    assert "kept" in fresh


def test_a_hint_is_about_the_failure_at_hand_in_two_steps(lab, root, few):
    lab("start", 34)
    file = root / "labs/step34/dezero/functions.py"
    right = (root / "stages/step34/dezero/functions.py").read_text("utf-8")
    file.write_text(right.replace("gy * -sin(x)", "gy * sin(x)"), "utf-8")
    status, said = lab("hint", 34)
    assert status == 0
    assert "The failure at hand: the slope of cos at 1 is -sin 1\n" in said
    assert "It is about dezero/functions.py, Cos.\n" in said
    assert "What is the derivative of the cosine, with its sign?" in said
    assert "return gy *" not in said
    said = lab("hint", 34, "--show")[1]
    assert "Hint 4 of 5: dezero/functions.py, Cos\n" in said
    assert "+         return gy * -sin(x)" in said
    file.write_text(right.partition("class Cos")[0], "utf-8")
    assert "It is about dezero/functions.py, Cos.\n" in lab("hint", 34)[1]
    file.write_text(right, "utf-8")
    assert "nothing to hint at: every case passes" in lab("hint", 34)[1]


def test_a_file_that_is_not_written_yet_is_nothing_that_was_taken_out(lab, few):
    lab("start", 32)
    assert "It is about dezero/__init__.py.\n" in lab("hint", 32)[1]


def test_a_hint_by_its_number_and_what_is_left(lab, root):
    lab("start", 34, "--guided")
    assert "Hint 3 of 5: dezero/functions.py, sin\n" in lab("hint", 34, 3)[1]
    own = root / "labs/step34/dezero/functions.py"
    right = (root / "stages/step34/dezero/functions.py").read_text("utf-8")
    edit(own, own.read_text("utf-8"), right.partition("class Cos")[0])
    said = lab("solution", 34)[1]
    assert "2 of 5 pieces were left" in said
    assert "class Sin" not in said
    for wrong in (0, 6, -1):
        status, said = lab("hint", 34, wrong)
        assert status == 2
        assert "1 to 5" in said


def test_an_edit_of_the_stages_is_noticed(lab, root, few):
    lab("start", 34)
    assert "not as when" not in lab("check", 34)[1]
    edit(root / "stages/step34/dezero/functions.py", "gy * cos(x)", "gy * sin(x)")
    for action in ("check", "hint"):
        said = lab(action, 34)[1]
        assert "stages/step34/dezero/functions.py: not as when this lab was started" in said
        assert "git restore stages/step34/dezero/functions.py" in said


def test_a_guided_body_that_exists_is_kept_with_its_places_marked(lab, root):
    lab("start", 32, "--guided")
    text = (root / "labs/step32/dezero/core.py").read_text("utf-8")
    walk = text.partition("    def backward(self, retain")[2].partition("\n\nclass")[0]
    assert "raise NotImplementedError" not in walk
    assert "# step32: this chapter changes Variable.backward, its first line too.\n" in walk
    assert "# step32: something changes here\n        with no_grad():\n" in walk
    assert walk.count("# step32: something") == 3


def test_progress_is_read_from_the_files(lab, root, few):
    lab("start", 33)
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    lab("start", 35)
    (root / "labs/step35/dezero/core.py").write_text("def f(:\n", "utf-8")
    (root / "labs/step36").mkdir()
    status, said = lab("progress")
    assert status == 0
    lines = {line[:2]: line for line in said.splitlines()}
    assert f"- of {own(32)}" in lines["32"]
    assert f"0 of {own(33)}  " in lines["33"]
    assert "the switch between two" in lines["33"]
    assert f"{own(34)} of {own(34)}" in lines["34"]
    assert lines["34"].rstrip().endswith("done")
    assert f"? of {own(35)}" in lines["35"]
    assert "line 1" in said
    assert f"? of {own(36)}" in lines["36"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["start", "31"], "there is no lab 31. The labs are 32, 33, 34, 35, 36"),
        (["check", "99"], "there is no lab 99"),
        (["check", "sin"], "'sin' is not the number of a lab"),
        (["check", "34"], "there is no labs/step34 yet; make it with: nox -s lab -- start 34"),
        (["watch", "34"], "there is no labs/step34 yet"),
        (["hint", "34"], "there is no labs/step34 yet"),
        (["solution", "34"], "there is no labs/step34 yet"),
        (["reset", "34"], "there is no labs/step34 yet"),
        (["notebook", "34"], "there is no labs/step34 yet"),
        (["start", "34", "--from", "nowhere"], "nowhere holds no package dezero"),
    ],
)
def test_what_does_not_exist_is_told(lab, root, arguments, reason):
    status, said = lab(*arguments)
    assert status == 2
    assert reason in said
    assert not (root / "labs").exists()


def test_outside_of_the_repository_there_are_no_labs(lab, root, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    status, said = lab("start", 34)
    assert status == 2
    assert "is in no copy of the repository" in said


def test_a_subfolder_will_do(lab, root, monkeypatch):
    monkeypatch.chdir(root / "stages/step34")
    assert lab("start", 34)[0] == 0
    assert (root / "labs/step34/TASK.md").is_file()


def test_a_labs_folder_that_cannot_be_written_is_told(lab, root):
    (root / "labs").write_text("a file", "utf-8")
    status, said = lab("start", 34)
    assert status == 2
    assert f"{root}/labs cannot be written to" in said


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("dezero/functions.py", "def f(:\n", "dezero/functions.py, line 1: invalid syntax"),
        ("dezero/core.py", "import nothing_of_that_name\n", "core.py, line 1: ModuleNotFoundError"),
        ("dezero/__init__.py", "x = 1\nraise SystemExit\n", "__init__.py, line 2: SystemExit"),
        ("dezero/__init__.py", "x = 1\n", "has no Variable"),
    ],
)
def test_files_that_cannot_be_imported_are_shown_with_their_line(lab, root, file, text, reason):
    lab("start", 34)
    (root / "labs/step34" / file).write_text(text, "utf-8")
    status, said = lab("check", 34)
    assert status == 2
    assert reason in said
    status, said = lab("start", 35, "--from", "labs/step34")
    assert (status == 2) == ("(:" in text)


def test_a_package_that_is_gone_is_told(lab, root):
    lab("start", 34)
    os.rename(root / "labs/step34/dezero", root / "labs/step34/my_engine")
    status, said = lab("check", 34)
    assert status == 2
    assert "labs/step34 holds no package dezero" in said
    assert lab("watch", 34)[0] == 2


def test_an_import_from_elsewhere_is_an_error(lab, root, few):
    lab("start", 34)
    stage = root / "stages/step34/dezero"
    init = root / "labs/step34/dezero/__init__.py"
    init.write_text(init.read_text("utf-8") + f"\n__path__.append({str(stage)!r})\n", "utf-8")
    status, said = lab("check", 34)
    assert status == 2
    assert f"dezero.functions was imported from {stage}/functions.py, and not from" in said
    init.unlink()
    init.symlink_to(root / "stages/step34/dezero/__init__.py")
    status, said = lab("check", 34)
    assert status == 2
    assert "another engine" in said


def test_a_lab_that_hangs_ends(lab, root):
    lab("start", 34)
    replace_by_stage(root / "labs/step34", root / "stages/step34")
    edit(root / "labs/step34/dezero/functions.py", "    return Sin()(x)", "    while True: pass")
    chapter = load_chapter(root, 34)
    found = run_chapter(chapter, root / "labs/step34", limits=Limits(seconds=0.5))
    assert "no answer within 0.5 s of computing" in found.of("failed")[0].verdict.reason
    assert len(found.of("failed")) <= 3
    assert found.of("not run")
    assert not found.done


def test_the_task_is_short_and_names_cases_and_files(lab, root):
    for number in (32, 33, 34, 35, 36):
        lab("start", number, "--guided")
        text = (root / f"labs/step{number}/TASK.md").read_text("utf-8")
        chapter = load_chapter(root, number)
        assert len(text.splitlines()) < 160
        assert f"{len(chapter.due)} that step {number - 1} cannot answer" in text
        named = [case for case in chapter.due if f"- {case.statement}\n" in text + "\n"]
        assert len(named) >= min(6, len(chapter.due))
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (root / f"labs/step{number}" / link).is_file()


@pytest.mark.parametrize("number", [33, 34])
def test_the_notebook_runs_and_so_does_its_solution(lab, root, number):
    lab("start", number)
    assert lab("notebook", number)[0] == 0
    file = root / f"labs/step{number}/step{number}.ipynb"
    assert lab("notebook", number)[0] == 2  # it is somebody's work by now
    book = nbformat.read(file, as_version=4)
    nbformat.validate(book)
    assert not [cell for cell in book.cells if cell.get("outputs")]
    size = len(load_chapter(root, number).due)
    assert f"0 of {size}" in printed(execute(book, file))

    stage = root / f"stages/step{number}"
    for cell in book.cells:
        if cell.source.startswith("%%writefile "):
            name = cell.source.splitlines()[0].split()[1]
            cell.source = f"%%writefile {name}\n{(stage / name).read_text('utf-8')}"
        elif cell.source.startswith("# !"):
            cell.source = cell.source.removeprefix("# ")
    said = printed(execute(book, file))
    assert f"{size} of {size}" in said
    assert "every case of the book passes" in said


def execute(book, file):
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(file.parent)}})
    return client.execute()


def printed(book):
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("number", [32, 35, 36])
def test_every_lab_has_a_notebook(lab, root, number):
    lab("start", number, "--guided")
    lab("notebook", number)
    book = json.loads((root / f"labs/step{number}/step{number}.ipynb").read_text("utf-8"))
    nbformat.validate(nbformat.from_dict(book))
    sources = "".join(cell["source"] for cell in book["cells"])
    assert f'NotImplementedError("step{number}: ' in sources
    assert f"check {number}" in sources


def test_a_save_is_seen(lab, root):
    """`watch` in a process of its own, without a terminal: it ends when it is interrupted."""
    lab("start", 33)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "dezero_harness.labs", "watch", "33"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
    )
    patience = threading.Timer(300, process.kill)
    patience.start()
    try:
        seen = until(process, "Watching; save a file")
        assert f"0 of {own(33)}" in seen
        (root / "labs/step33/dezero/__init__.py").write_text("def f(:\n", "utf-8")
        assert "__init__.py, line 1: invalid syntax" in until(process, "Watching; save a file")
        stage = root / "stages/step33/dezero/__init__.py"
        (root / "labs/step33/dezero/core_simple.py").unlink()
        (root / "labs/step33/dezero/__init__.py").write_text(stage.read_text("utf-8"), "utf-8")
        assert "every case of the book passes" in until(process, "every case of the book passes")
        process.send_signal(2)
        assert process.wait(60) in (0, -2)
    finally:
        patience.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def until(process, text):
    """What the process prints up to a line with this text."""
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"the process has ended without {text!r}: {seen}")
