"""Every lab, in both forms: what its start fails, what its solution passes, what it gives away."""

import ast
import io
import tokenize
from dataclasses import replace

import pytest

from conftest import ROOT, replace_by_stage
from dezero_harness.diffs.difference import difference
from dezero_harness.labs.chapter import run_chapter
from dezero_harness.labs.hints import hints, is_there, texts
from dezero_harness.labs.loading import load_chapter
from dezero_harness.labs.starter import changes, package, start_files

LABS = [32, 33, 34, 35, 36]
FORMS = [[], ["--guided"]]
both_forms = pytest.mark.parametrize("form", FORMS, ids=["open", "guided"])
every_lab = pytest.mark.parametrize("number", LABS)


def ids(outcomes):
    return {outcome.case.id for outcome in outcomes}


def passes_all(chapter, folder):
    found = run_chapter(chapter, folder)
    assert [outcome.case.statement for outcome in found.of("failed")] == []
    assert found.done
    assert len(found.own) == len(chapter.own)


def test_every_stage_but_the_first_is_a_lab():
    assert [int(stage.name[4:]) for stage in sorted(ROOT.glob("stages/step*"))][1:] == LABS


@every_lab
@both_forms
def test_the_start_fails_exactly_the_cases_of_its_chapter(lab, root, number, form):
    assert lab("start", number, *form)[0] == 0
    chapter = load_chapter(root, number)
    found = run_chapter(chapter, root / f"labs/step{number}", waiting=False)
    assert len(found.own) + len(found.earlier) > 700
    assert ids(found.of("failed")) == {case.id for case in chapter.own} != set()
    assert ids(found.of("passed")) == {case.id for case in chapter.earlier}


@both_forms
def test_the_solutions_pass_all_carried_from_the_first_lab_to_the_last(lab, root, form):
    """Each lab starts from the solution of the one before, and as it would start from the stage.

    So what the test above says of its start holds of this one as well.
    """
    carried = []
    for number in LABS:
        before, after = (root / f"stages/step{n}" for n in (number - 1, number))
        assert lab("start", number, *form, *carried)[0] == 0
        folder = root / f"labs/step{number}"
        if not form:
            assert code(package(folder)) == code(package(before))
            replace_by_stage(folder, after)
        else:
            plain = start_files(before, after, before, guided=True)
            assert code(package(folder)) == code(plain)
            fill_gaps(folder, after)
            assert not [text for text in package(folder).values() if f"{after.name}: " in text]
        passes_all(load_chapter(root, number), folder)
        carried = ["--from", f"labs/step{number}"]


def code(files):
    """What is computed: the definitions of each module by their names, and its other statements."""
    parts = {}
    for path, text in files.items():
        tree = ast.parse(text)
        for node in ast.walk(tree):  # annotations compute nothing, and no gap asks for them
            if isinstance(node, ast.FunctionDef):
                node.returns = None
            if isinstance(node, ast.arg):
                node.annotation = None
        for node in tree.body:
            name = getattr(node, "name", None)
            if name or not isinstance(node, ast.Expr):
                parts.setdefault((path, name), set()).add(ast.unparse(node))
    return parts


def fill_gaps(folder, stage):
    """Solve a guided lab as a learner would: fill in bodies; then what is outside of functions."""
    for change in changes(stage.with_name(f"step{int(stage.name[4:]) - 1}"), stage):
        file = folder / change.path
        if change.gone:
            file.unlink()
            continue
        right = (stage / change.path).read_text("utf-8")
        if change.outside and not change.new and not change.changed:
            file.write_text(right, "utf-8")
            continue
        lines = file.read_text("utf-8").splitlines()
        gaps = [name for name, node in functions(ast.parse("\n".join(lines))).items()]
        assert gaps
        for name in gaps:
            node = functions(ast.parse("\n".join(lines)))[name]
            body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if f"# {stage.name}: " in body or f'NotImplementedError("{stage.name}: ' in body:
                new = functions(ast.parse(right))[name]
                lines[node.lineno - 1 : node.end_lineno] = right.splitlines()[
                    new.lineno - 1 : new.end_lineno
                ]
        file.write_text("\n".join(lines) + "\n", "utf-8")


def functions(tree, owner=""):
    """Name -> node; the setter of a property is told from its getter by its decorator."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found |= functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            found[owner + node.name, *map(ast.unparse, node.decorator_list)] = node
    return found


@every_lab
@both_forms
def test_what_waits_would_fail(lab, root, number, form):
    """At the start, that is: there the proof above shows that every case of the chapter fails."""
    lab("start", number, *form)
    chapter = replace(load_chapter(root, number), earlier=())
    found = run_chapter(chapter, root / f"labs/step{number}")
    failed = ids(found.of("failed"))
    assert failed | ids(found.of("waits")) == {case.id for case in chapter.own}
    assert failed
    for outcome in found.of("waits"):
        assert outcome.waits_for.id in failed


@every_lab
@both_forms
def test_nothing_of_the_solution_is_in_the_folder(lab, root, number, form):
    lab("start", number, *form)
    before, after = (root / f"stages/step{n}" for n in (number - 1, number))
    secrets = code_in_functions(after) - all_lines(before)
    assert secrets or number == 33  # whose chapter writes no function
    folder = root / f"labs/step{number}"
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} == {".py", ".md", ".toml"}
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            assert line.strip() not in secrets, f"{file}: {line}"
            assert not [s for s in secrets if len(s) > 20 and s in line], f"{file}: {line}"
    if not form:
        assert package(folder) == package(before)


def test_the_start_of_33_keeps_what_is_to_go(lab, root):
    for form in FORMS:
        lab("reset" if form else "start", 33, *form)
        assert package(root / "labs/step33") == package(root / "stages/step32")


def code_in_functions(stage):
    """The lines of the bodies of functions, without docstrings and comments."""
    lines = set()
    for text in package(stage).values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                for statement in node.body:
                    if isinstance(statement, ast.Expr) and isinstance(
                        statement.value, ast.Constant
                    ):
                        continue
                    source = text.splitlines()[statement.lineno - 1 : statement.end_lineno]
                    lines |= {line.strip() for line in source}
    return {line for line in lines if line and not line.startswith("#")}


def all_lines(stage):
    return {line.strip() for text in package(stage).values() for line in text.splitlines()}


@every_lab
def test_the_hints_are_the_whole_difference(root, number):
    before, after = (root / f"stages/step{n}" for n in (number - 1, number))
    pieces = hints(before, after)
    for file in difference(before, after):
        if file.kind != "engine":
            continue
        mine = [piece for piece in pieces if piece.path == file.path]
        if file.new is None:
            assert [piece.rows for piece in mine] == [()]
            continue
        text = (after / file.new).read_text("utf-8")
        for mark in "+-":
            there = rows_of(mark, (row for piece in mine for row in piece.rows))
            all_of_it = rows_of(mark, (row for hunk in file.hunks for row in hunk.rows))
            missing = [row for row in all_of_it if row not in there]
            assert all(row.text.strip() in docstring_of(text, before, file) for row in missing)
            assert set(there) <= set(all_of_it)
            assert len(there) == len(set(there))


def rows_of(mark, rows):
    return [row for row in rows if row.mark == mark and row.text.strip()]


def docstring_of(text, before, file):
    old = (before / file.old).read_text("utf-8") if file.old else ""
    first = [token.string for t in (text, old) for token in tokens(t)[:2]]
    return "\n".join(first)


def tokens(text):
    return [
        token
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.STRING
    ]


@every_lab
def test_each_piece_has_a_question_of_its_own(root, number):
    before, after = (root / f"stages/step{n}" for n in (number - 1, number))
    asked = texts(number)["questions"]
    used = set()
    for piece in hints(before, after):
        names = (piece.where, piece.where.partition(".")[0], piece.path.as_posix())
        used |= {next(name for name in names if name in asked)}
    assert used == set(asked)


@every_lab
def test_a_piece_is_there_in_the_solution_alone(lab, root, number):
    lab("start", number)
    before, after = (root / f"stages/step{n}" for n in (number - 1, number))
    pieces = hints(before, after)
    assert not any(is_there(piece, root / f"labs/step{number}", after) for piece in pieces)
    assert all(is_there(piece, after, after) for piece in pieces)
    replace_by_stage(root / f"labs/step{number}", after)
    assert "nothing left to show" in lab("solution", number)[1]
