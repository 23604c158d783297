"""The page of engines, made of reports."""

import json
import re
from datetime import date

import pytest

from conftest import ROOT
from dezero_harness import adapters
from dezero_harness.suite import expected_failures, scoreboard

DIVISION = "1e-200-over-1e-200-has-finite-gradients"


def report(name="autograd", engine="autograd 1.9.1", **outcomes):
    results = [
        {"id": case, "level": "core", "chapter": 31 + n % 6, "outcome": said[0], "reason": said[1]}
        for n, (case, said) in enumerate(outcomes.items())
    ]
    where = {"platform": "Linux-6.18-x86_64", "python": "3.11.7", "catalogue": 2000}
    return {"stage": name, "engine": engine, "results": results, **where}


@pytest.fixture
def page(tmp_path):
    def make(*reports):
        files = [tmp_path / f"{n}.json" for n in range(len(reports))]
        for file, content in zip(files, reports):
            file.write_text(json.dumps(content), "utf-8")
        out = tmp_path / "docs/engines.md"
        assert scoreboard.main([*map(str, files), f"--out={out}"]) == 0
        return out.read_text("utf-8"), out.parent

    return make


FOUR = {
    "a": ("passed", "calculus"),
    DIVISION: ("known", "squares the divisor"),
    "c": ("not applicable", "the adapter states no sum"),
    "d": ("unexpected", "another answer"),
}


def test_a_cell_counts_passed_known_and_not_applicable(page):
    text, _ = page(report(**FOUR))
    row = next(line for line in text.splitlines() if line.startswith("| [autograd 1.9.1]"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        "core",
        *("1 / 0 / 0", "0 / 1 / 0", "0 / 0 / 1", "0 / 0 / 0", "0 / 0 / 0", "0 / 0 / 0"),
        "1 / 1 / 1",
        "1",
    ]
    assert f"Run on {date.today().isoformat()}, suite " in text
    assert "Linux, Python 3.11.7" in text
    assert re.search(r"^4 of the \d{3} cases of level core were run\.$", text, re.MULTILINE)


def test_a_failure_is_one_click_from_its_program_and_a_judgement(page):
    text, _ = page(report(**FOUR))
    link = re.search(r"\[autograd 1\.9\.1\]\(#(.*?)\)", text)
    assert link[1] == "autograd-191"
    section = text.partition("\n## autograd 1.9.1\n")[2]
    known = expected_failures.read(adapters.known("autograd"))
    defect = next(one for one in known if DIVISION in one.cases)
    assert defect.program.strip() in section
    assert f"{defect.why}. Judgement: {defect.judgement}." in section
    assert f"`{DIVISION}`" in section
    assert "Unexpected, without a judgement**: `d`." in section
    assert "Not applicable, for the adapter does not state it: sum (1)." in section


def test_several_reports_of_an_engine_are_one_row(page):
    one, other = report("dezero-0.0.13", "", a=FOUR["a"]), report("dezero-0.0.13", "", b=FOUR["a"])
    other["results"][0]["level"] = "book"
    text, _ = page(one, other)
    rows = [line for line in text.splitlines() if line.startswith("| [dezero 0.0.13]")]
    assert [row.split("|")[2].strip() for row in rows] == ["core", "book"]


@pytest.mark.parametrize(
    ("outcomes", "said", "color"),
    [
        ({"a": FOUR["a"]}, "1 passed", "#2c7a3f"),
        ({"a": FOUR["a"], DIVISION: FOUR[DIVISION]}, "1 passed, 1 known", "#8a6d00"),
        (FOUR, "1 passed, 1 known, 1 unexpected", "#b33a3a"),
    ],
)
def test_a_badge_says_how_much_of_the_mathematics_is_right(page, outcomes, said, color):
    text, folder = page(report(**outcomes))
    (file,) = folder.glob("pictures/*.svg")
    picture = file.read_text("utf-8")
    assert f">{said}</text>" in picture
    assert color in picture
    assert re.search(r'width="(\d+)" height="20" viewBox="0 0 \1 20"', picture)
    assert f'<img src="pictures/{file.name}" alt="mathematics, {said}">' in text


@pytest.mark.parametrize("content", ["{", "{}", None])
def test_what_is_no_report_is_told(tmp_path, capsys, content):
    file = tmp_path / "report.json"
    if content is not None:
        file.write_text(content, "utf-8")
    assert scoreboard.main([str(file), f"--out={tmp_path / 'page.md'}"]) == 2
    assert "this is no report of a run" in capsys.readouterr().err


def test_the_page_in_the_repository_has_every_engine_and_a_judgement_on_every_failure():
    text = (ROOT / "docs/engines.md").read_text("utf-8")
    for name in ("torch", "jax", "autograd", "mygrad", "tinygrad", "chainer", "micrograd"):
        assert re.search(rf"^## {name} \d", text, re.MULTILINE)
        assert (ROOT / f"docs/pictures/engine-{name}.svg").is_file()
    assert "Unexpected, without a judgement" not in text
    assert len(re.findall(r"^\*\*\d+ cases\*\*:", text, re.MULTILINE)) == text.count("Judgement: ")
