"""The mutants of the last engine: what is listed is there, and a run goes on where it was."""

from pathlib import Path

from dezero_harness.mutation.fault import Fault
from dezero_harness.mutation.mutants import FILES, Mutant, Results, digest, equivalents, run

ROOT = Path(__file__).parents[3]
CORE = (ROOT / FILES["core.py"]).read_text("utf-8")


def mutant(name, old, new):
    assert CORE.count(old) == 1
    fault = Fault(name, "core.py", CORE, CORE.replace(old, new), since=36, until=36)
    return Mutant("core.py", "Mul", old, name, fault)


def test_what_is_listed_as_equivalent_is_a_line_of_its_file_with_a_reason():
    lines = {
        Path(file).name: {line.strip() for line in (ROOT / file).read_text("utf-8").splitlines()}
        for file in FILES.values()
    }
    assert [
        key for key, why in equivalents().items() if key[2] not in lines[key[0]] or not why
    ] == []


def test_a_run_goes_on_where_it_was_until_something_changes(tmp_path):
    results = Results(tmp_path / "work", "one")
    results.add("first", "case", "statement a")
    results.add("second", "case", "statement b")
    results.add("third", "case", "statement b")
    results.add("fourth", "survives", "")
    again = Results(tmp_path / "work", "one")
    assert again.how == results.how
    assert again.first() == ["statement b", "statement a"]
    assert Results(tmp_path / "work", "two").how == {}
    assert Results(tmp_path / "work", "two").first() == ["statement b", "statement a"]


def test_a_mutant_is_noticed_or_survives(tmp_path, capsys):
    wrong = mutant("wrong", "gx0 = gy * x1", "gx0 = gy + x1")
    same = mutant("same", "gx0 = gy * x1", "gx0 = (gy * x1)")
    results = Results(tmp_path, "one")
    results.add("wrong, before", "case", "24 and 44: the statement of no case")  # a hint, no more
    run([wrong, same], ROOT, results, 2)
    assert (results.how["wrong"], results.how["same"]) == ("case", "survives")
    noticed = results.first()
    run([wrong, same], ROOT, results, 2)  # nothing is left to do
    assert results.first() == noticed
    assert "going on with a run that was begun: 2 are done" in capsys.readouterr().out


def test_what_a_run_depends_on_is_in_its_digest(tmp_path):
    for file in FILES.values():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x = 1\n", "utf-8")
    found = {digest(tmp_path)}
    for file in FILES.values():
        (tmp_path / file).write_text("x = 2\n", "utf-8")
        found.add(digest(tmp_path))
    assert len(found) == len(FILES) + 1
