"""The notebooks: what they are made of, and that whatever is wrong with them is named."""

import json
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from dezero_harness.diffs.difference import stages_of
from dezero_harness.site import notebooks
from dezero_harness.site.notebooks import cells, main, notebook
from dezero_harness.site.remote import address, remote_of

STAGES = stages_of(ROOT)


def words(text):
    """The code without blank lines, and with the options left open."""
    text = re.sub(r"parse_args\(.*", "parse_args()", text)
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_a_notebook_holds_the_chapter_and_its_examples(stage):
    made = cells(ROOT, stage)
    readme = (stage / "README.md").read_text("utf-8")
    programs = [cell for cell in made if cell.origin.endswith("README.md") and cell.code]
    assert [cell.source + "\n" for cell in programs] == re.findall(
        "```python\n(.*?)```", readme, re.DOTALL
    )
    prose = " ".join("\n".join(cell.source for cell in made if not cell.code).split())
    for heading in re.findall("^#+ .*", readme, re.MULTILINE):
        assert heading in prose
    examples = sorted(stage.glob("examples/*.py"))
    assert examples
    for script in examples:
        own = [cell for cell in made if cell.origin.endswith(script.name)]
        assert own[0].source.startswith(f"### {script.name}\n\n")
        if script.stem in ("compiled", "out_of_core"):  # they need JAX and Dask
            assert [cell.code for cell in own] == [False]
            assert own[0].source.endswith(f"run in a clone: `nox -s run -- 36 {script.stem}`")
            continue
        code = script.read_text("utf-8").split('"""', 2)[2]
        assert words("\n".join(cell.source for cell in own if cell.code)) == words(code)
        assert len(own) > 2, "one cell for each paragraph"


def test_formulas_in_a_docstring_are_no_markup():
    (text,) = [c.source for c in cells(ROOT, STAGES[33]) if c.source.startswith("### second")]
    assert r"y = x\*\*4 - 2\*x\*\*2 at 2" in text


@pytest.mark.parametrize("number", STAGES)
def test_the_first_cell_installs_that_one_stage(number):
    first = notebook(ROOT, STAGES[number], "dezero-stage @ somewhere", "..").cells[0]
    assert first.cell_type == "code"
    installs = [line for line in first.source.splitlines() if not line.startswith("#")]
    assert len(installs) == 1
    assert installs[0].startswith('%pip install --quiet "dezero-stage @ somewhere" "matplo')
    assert "graphviz-pure" in installs[0]


@pytest.mark.parametrize(
    ("remote", "public"),
    [
        ("https://example.org/someone/six.git", "https://example.org/someone/six.git"),
        ("https://someone:secret@example.org:8443/six", "https://example.org:8443/six"),
        ("git@example.org:someone/six.git", "https://example.org/someone/six.git"),
        ("ssh://git@example.org:22/someone/six.git", "https://example.org/someone/six.git"),
        ("file:///srv/six.git", None),
        ("/srv/six.git", None),
        ("../six", None),
        (r"C:\six", None),
        ("C:/six", None),
    ],
)
def test_the_address_that_others_can_reach(remote, public):
    assert address(remote) == public


def git(folder, *arguments):
    run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    return run.stdout


def test_the_remote_of_a_clone(tmp_path):
    git(tmp_path, "init")
    assert remote_of(tmp_path) is None
    git(tmp_path, "remote", "add", "upstream", "https://example.org/theirs")
    assert remote_of(tmp_path) == "https://example.org/theirs"
    git(tmp_path, "remote", "add", "origin", "git@example.org:someone/six.git")
    assert remote_of(tmp_path) == "https://example.org/someone/six.git"


def test_a_folder_that_is_no_clone(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert remote_of(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert remote_of(tmp_path) is None


def test_git_keeps_no_notebook():
    assert git(ROOT, "check-ignore", "docs/_build/notebooks/step33.ipynb")
    assert git(ROOT, "ls-files", "*.ipynb") == ""


@pytest.fixture
def build(tmp_path, capsys):
    """Builds the notebook of stage 33 in a copy where texts were replaced: {file: (old, new)}."""

    def run(changes, *options):
        ignore = shutil.ignore_patterns("__pycache__")
        for part in ("shared", "stages/step33"):
            shutil.copytree(ROOT / part, tmp_path / part, ignore=ignore)
        for name, (old, new) in changes.items():
            file = tmp_path / "stages/step33" / name
            text = file.read_text("utf-8")
            assert old in text
            file.write_text(text.replace(old, new, 1), "utf-8")
        status = main([f"--root={tmp_path}", f"--out={tmp_path / 'out'}", *options])
        return status, capsys.readouterr()

    return run


def test_a_broken_example_is_named(build):
    change = {"examples/second_derivative.py": ("grad\nx.cleargrad()", "grad\nx.clear_grad()")}
    status, said = build(change)
    assert status == 1
    assert "stages/step33/examples/second_derivative.py: AttributeError: " in said.err
    assert "in this cell:\n    gx = x.grad\n    x.clear_grad()\n" in said.err


def test_what_is_printed_or_drawn_otherwise_is_named(build):
    status, said = build(
        {
            "README.md": ("variable(68.0)", "variable(44.0)"),
            "examples/second_derivative.py": ("    return x**4", "    return x**3"),
            "examples/newton.py": ("finish(figure, args.out)", "plt.close(figure)"),
        }
    )
    assert status == 1
    assert "stages/step33/README.md: this program\n" in said.err
    assert "    variable(68.0)\nwhere the chapter says\n" in said.err
    assert "second_derivative.py: printed 'variable(" in said.err
    assert "newton.py: no picture is shown in the notebook" in said.err


def test_a_stage_that_cannot_be_installed_is_named(build):
    status, said = build({"pyproject.toml": ("[project]", "[projekt]")})
    assert status == 1
    assert "step33: its first cell did not install it:\n" in said.err
    assert "project" in said.err.partition("did not install it:\n")[2]


def test_notebooks_can_be_written_and_not_run(build, tmp_path):
    status, said = build({}, "--no-run", "33")
    assert status == 0
    assert "not run" in said.out
    text = (tmp_path / "out/step33.ipynb").read_text("utf-8")
    assert str(tmp_path) not in text
    assert "../stages/step33" in text
    assert '"outputs": []' in text
    assert '"output_type"' not in text


@pytest.mark.parametrize(
    ("remote", "leads"),
    [("", "../"), ("https://host.example/a/b.git", "https://host.example/a/b/blob/HEAD/")],
)
def test_links_of_a_notebook_lead_into_the_repository(remote, leads, build, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "remote_of", lambda root: remote or None)
    build({}, "--no-run", "33")
    book = json.loads((tmp_path / "out/step33.ipynb").read_text("utf-8"))
    text = "".join("".join(cell["source"]) for cell in book["cells"])
    links = re.findall(r"\]\((?![a-z]+:[^/]|#)([^)]+)\)", text)
    assert f"{leads}docs/learn.md" in links
    for link in links:
        path = link.removeprefix(leads).partition("#")[0]
        assert (ROOT / path).exists(), link


@pytest.mark.parametrize(
    ("stages", "message"),
    [(["99"], "there is no stage 99; the stages are 31, 3"), (["33", "33"], "was given twice")],
)
def test_stages_that_are_none(stages, message, capsys):
    with pytest.raises(SystemExit):
        main([*stages, f"--root={ROOT}"])
    assert message in capsys.readouterr().err
