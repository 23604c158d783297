"""The difference of two stages: as git sees it, by words, with renames followed, and to read."""

import re
import subprocess
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import ROOT
from dezero_harness.diffs import difference as module
from dezero_harness.diffs import terminal as diff
from dezero_harness.diffs.difference import hunks, stages_of, steps
from dezero_harness.diffs.remarks import remarks
from dezero_harness.execution.runner import StageError

STAGES = stages_of(ROOT)
difference = cache(module.difference)  # the tests look at the same stages again and again
PAIRS = [*pairwise(STAGES), *pairwise(reversed(STAGES)), (31, 33), (31, 36), (36, 31)]


def git(command, options=()):
    """What this printed git command prints, run as it stands."""
    words = command.split()
    run = subprocess.run(
        [*words[:2], *options, *words[2:]], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert run.returncode in (0, 1), run.stderr
    return run.stdout


def relative(number):
    return STAGES[number].relative_to(ROOT)


def rebuilt(file, old_folder):
    """The new file's lines, white space aside, made from the old file and the hunks alone."""
    lines = (old_folder / file.old).read_text("utf-8").splitlines() if file.old else []
    result, at = [], 0
    for hunk in file.hunks:
        for row in hunk.rows:
            if row.old is not None:
                result += lines[at : row.old - 1]
                at = row.old
            if row.mark != "-":
                assert row.new == len(result) + 1
                result.append(row.text)
            else:
                assert lines[row.old - 1] == row.text
    return ["".join(line.split()) for line in [*result, *lines[at:]]]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_old_file_and_the_hunks_give_the_new_file(old, new):
    for file in difference(STAGES[old], STAGES[new]):
        if file.path.suffix == ".png":  # no text; that it differs is all that is told of it
            continue
        text = (STAGES[new] / file.new).read_text("utf-8") if file.new else ""
        assert rebuilt(file, STAGES[old]) == ["".join(line.split()) for line in text.splitlines()]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_the_printed_command_of_an_engine_file_shows_the_same_lines(old, new):
    files = [f for f in difference(STAGES[old], STAGES[new]) if f.kind == "engine"]
    assert files
    for file in files:
        command = diff.command(file, relative(old), relative(new))
        numbers = git(command, ["--numstat"]).split()[:2]
        assert numbers == [str(file.added), str(file.removed)], command
        body = git(command).partition("\n@@")[2].splitlines()[1:]
        for mark in "-+":
            ours = sorted(r.text.strip() for h in file.hunks for r in h.rows if r.mark == mark)
            assert sorted(line[1:].strip() for line in body if line[:1] == mark) == ours, command


@pytest.mark.parametrize(("old", "new"), list(pairwise(STAGES)))
def test_every_file_that_is_not_the_same_bytes_is_listed(old, new):
    def files(folder):
        found = (path for path in folder.rglob("*") if path.is_file())
        return {p.relative_to(folder): p.read_bytes() for p in found if p.suffix != ".pyc"}

    before, after = files(STAGES[old]), files(STAGES[new])
    differing = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert differing == {file.path for file in difference(STAGES[old], STAGES[new])}


def found(old, new, path):
    return next(f for f in difference(STAGES[old], STAGES[new]) if f.path == Path(path))


def test_the_new_core_is_a_change_of_the_old_one():
    core = found(31, 32, "dezero/core.py")
    assert (core.old, core.renamed, core.copied) == (Path("dezero/core_simple.py"), True, True)
    assert core.added + core.removed <= 40
    gone = found(32, 33, "dezero/core_simple.py")
    assert (gone.new, gone.added) == (None, 0)


@pytest.mark.parametrize("new", [33, 36])
def test_a_rename_over_several_stages_is_followed(new):
    core = found(31, new, "dezero/core.py")
    assert (core.old, core.renamed, core.copied) == (Path("dezero/core_simple.py"), True, False)
    assert all(f.path.name != "core_simple.py" for f in difference(STAGES[31], STAGES[new]))
    back = found(new, 31, "dezero/core_simple.py")
    assert back.old == Path("dezero/core.py")


def test_a_file_that_is_gone_is_the_likelier_origin(tmp_path):
    """Of two old files that are as like the new one, the one that stays was not renamed."""
    text = "".join(f"line_{n} = {n}\n" for n in range(9))
    for name in ("old/dezero/a.py", "old/dezero/z.py", "new/dezero/z.py", "new/dezero/b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (file,) = difference(tmp_path / "old", tmp_path / "new")
    assert (file.old, file.new) == (Path("dezero/a.py"), Path("dezero/b.py"))
    assert (file.renamed, file.copied, file.hunks) == (True, False, ())


def test_an_example_is_no_rename_of_another():
    assert found(33, 34, "examples/plot_sin.py").old is None


def test_kinds_come_in_order_and_each_file_says_what_it_is():
    files = difference(STAGES[33], STAGES[34])
    kinds = [file.kind for file in files]
    assert kinds == sorted(kinds, key=["engine", "example", "prose", "other"].index)
    assert set(kinds) == {"engine", "example", "prose", "other"}
    assert all(file.about for file in files)
    assert found(33, 34, "README.md").about.startswith("Step 34: ")


def rows(old, new, suffix=".py"):
    return [
        (row.mark, row.text, [row.text[a:b] for a, b in row.changed])
        for hunk in hunks(old, new, suffix)
        for row in hunk.rows
    ]


def test_words_are_marked_within_lines_that_became_others():
    old = "def f(x, y):\n    a = x.data\n    return a * y.data\n"
    new = "def f(x, y):\n    a = x\n    b = 2\n    return a * y\n"
    assert rows(old, new) == [
        (" ", "def f(x, y):", []),
        ("-", "    a = x.data", [".data"]),
        ("-", "    return a * y.data", [".data"]),
        ("+", "    a = x", []),
        ("+", "    b = 2", []),
        ("+", "    return a * y", []),
    ]
    (hunk,) = hunks(old, new)
    assert [row.counterpart for row in hunk.rows] == [None, 2, 4, 2, None, 3]
    assert hunk.heading == "f"


def test_words_side_by_side_are_one_span():
    removed, added = rows("the pass records nothing now\n", "the pass builds a graph now\n")
    assert removed[2] == ["records nothing"]
    assert added[2] == ["builds a graph"]


def test_white_space_is_no_change():
    assert hunks("a = 1\nb = 2\n", "a  =  1\nb = 2   \n") == ()


def test_an_added_function_begins_with_its_def():
    old = "def f():\n    return 1\n\n\ndef h():\n    return 1\n"
    new = "def f():\n    return 1\n\n\ndef g():\n    return 1\n\n\ndef h():\n    return 1\n"
    added = [text for mark, text, _ in rows(old, new) if mark == "+"]
    assert added == ["def g():", "    return 1", "", ""]
    removed = [text for mark, text, _ in rows(new, old) if mark == "-"]
    assert removed == added


def test_far_changes_are_hunks_of_their_own_with_headings():
    body = "".join(f"    x{n} = {n}\n" for n in range(20))
    old = f"class A:\n    def f(self):\n        return 1\n\n\nclass B:\n{body}"
    new = old.replace("return 1", "return 2").replace("x19 = 19", "x19 = 0")
    assert [hunk.heading for hunk in hunks(old, new)] == ["A.f", "B"]
    assert [len(hunk.rows) for hunk in hunks(old, new)] == [7, 5]


def test_a_markdown_heading_and_unfinished_python():
    assert hunks("# T\n\n## A\n\none\n", "# T\n\n## A\n\ntwo\n", ".md")[0].heading == "A"
    assert hunks("def f(:\n    1\n", "def f(:\n    2\n")[0].heading == ""


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        (["32", "33"], [(32, 33)]),
        (["33"], [(32, 33)]),
        (["36", "31"], [(36, 31)]),
        (["31..34"], [(31, 32), (32, 33), (33, 34)]),
    ],
)
def test_what_stages_are_meant(words, pairs):
    assert steps(words, STAGES) == pairs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "No stage given. Write two stages"),
        (["99"], "There is no stage 99"),
        (["32", "x"], "There is no stage x"),
        (["31.."], "There is no stage (nothing)"),
        (["33", "33"], "Stage 33 was given twice"),
        (["33..33"], "Stage 33 was given twice"),
        (["31"], "Stage 31 is the first"),
        (["36..31"], "Write 31..36"),
        (["31", "32", "33"], "3 stages were given: 31 32 33"),
    ],
)
def test_words_that_mean_no_stages(words, message, capsys):
    with pytest.raises(StageError, match=re.escape(message)):
        steps(words, STAGES)
    assert diff.main([*words, f"--root={ROOT}"]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_a_folder_that_is_none():
    with pytest.raises(StageError, match="there is no such folder"):
        difference(STAGES[31], ROOT / "stages/step99")


@pytest.fixture
def shown(monkeypatch, capsys):
    """What `nox -s diff` prints in an environment with these variables."""

    def run(*words, **variables):
        monkeypatch.chdir(ROOT)
        for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert diff.main(words) == 0
        return capsys.readouterr().out

    return run


TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}


def test_outside_a_terminal_it_is_plain_text_with_whole_lines(shown):
    text = shown("31", "32")
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "          gx0 = gy * x1[-.data-] if x0.requires_grad else None\n" in text
    assert ", in Mul.backward\n" in text
    assert "dezero/core_simple.py -> dezero/core.py, a copy with changes" in text
    file = found(31, 32, "dezero/core.py")
    assert diff.command(file, relative(31), relative(32)) in text
    assert f"({file.added} lines added, {file.removed} removed)" in text


@pytest.mark.parametrize(("old", "new"), list(pairwise(STAGES)))
def test_every_remark_of_the_chapter_is_shown_once_in_full(shown, old, new):
    together = " ".join(shown(str(old), str(new), "--all").split())
    for remark in remarks(STAGES[new]):
        assert together.count(f"[{remark.number}] {remark.plain}") == 1


def test_a_remark_stands_right_above_what_it_speaks_of(shown):
    text = shown("32")
    place = text.index(", in Function.backward\n")
    remark = text.index("] `Function.backward`", place)
    assert place < remark < text.index("def backward(self, *gys: [-Array-]{+Variable+}", remark)
    assert text.count("] `Variable.backward`") <= 1
    lines = shown("36").splitlines()
    at = lines.index("+ class MatMul(Function):")
    assert "`MatMul.backward`" in " ".join(lines[at - 3 : at])


def test_lines_that_only_came_are_whole_lines(shown):
    text = shown("34")
    assert "+ class Sin(Elementwise):\n" in text
    assert "{+" not in text.partition("dezero/functions.py, new")[2]


def test_stages_that_are_no_neighbours_have_no_remarks(shown):
    text = shown("31", "33")
    assert "  [1] " not in text
    assert text.endswith("Step by step, with what the chapters say: nox -s diff -- 31..33\n")
    assert "Step by step" not in shown("33", "31")


def test_prose_and_examples_are_listed_and_shown_with_all(shown):
    text, everything = shown("33"), shown("33", "--all")
    assert "examples/newton.py, new  (54 lines): Newton's method on y" in text
    for line in ("+ def f(x):", "{+Step 33: Newton's method", "is_simple_core = False"):
        assert (line in text) is ("simple" in line)
        assert line.replace("{+", "") in everything.replace("{+", "").replace("+}", "")
    assert "(what it held is shown with --all)" in text
    kinds = re.findall("^==== (.*) ====$", everything, re.MULTILINE)
    assert kinds == ["engine", "examples", "prose", "settings"]


def test_in_a_terminal_words_are_coloured_struck_out_and_bold(shown):
    text = shown("31", "32", **TERMINAL)
    assert re.search(r"\x1b\[9;31m\.data\x1b\[m", text)
    assert re.search(r"\x1b\[1;32mVariable\x1b\[m", text)
    assert "[-.data-]" not in text
    assert "\x1b[32m+ class Parameter(Variable):\x1b[m" in text


def test_without_colour_the_words_are_still_marked(shown):
    assert shown("31", "32", NO_COLOR="1", **TERMINAL) == shown("31", "32")


def test_remarks_are_broken_for_a_narrow_terminal(shown):
    text = shown("31", "32", COLUMNS="40")
    start = text.index("] `Function.backward`")
    lines = text[start : text.index("\n\n", start)].splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40


def test_without_git_it_says_so(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    assert diff.main(["32", f"--root={ROOT}"]) == 2
    assert "install it" in capsys.readouterr().err


def test_a_whole_way_is_every_step(shown):
    text = shown("31..36")
    for old, new in pairwise(range(31, 37)):
        assert f"step{old} -> step{new}: " in text
    assert text.endswith("The whole way as one difference: nox -s diff -- 31 36\n")
