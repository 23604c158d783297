"""The chapters as notebooks: `nox -s notebooks` writes and runs docs/_build/notebooks/*.ipynb.

Text and programs come from the chapter's README, the examples from the stage's folder. The first
cell installs that one stage; each run does so too, into a folder of its own. What is printed has to
be what the chapter and the harness say.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import os
import posixpath
import re
import sys
import sysconfig
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

from ..diffs.difference import stages_of
from ..prose.markdown import headings, programs
from .expected_output import EXAMPLES, Numbers
from .remote import remote_of
from .text import map_links

_ERROR = re.compile(r"^\w+(Error|Exception|Warning)\b", re.MULTILINE)
_ONE_CELL = 300.0  # seconds


@dataclass(frozen=True)
class Cell:
    """Markdown or code of a notebook, and the file it comes from.

    prints: what a program of the chapter prints, or None where the chapter does not say.
    raises: whether it ends in an exception, whose last line is then what it "prints".
    """

    source: str
    origin: str
    code: bool = False
    prints: str | None = None
    raises: bool = False


def cells(root: Path, stage: Path) -> list[Cell]:
    """The chapter of this stage, with its examples before the exercises."""
    readme = stage / "README.md"
    lines = readme.read_text("utf-8").splitlines()
    exercises = [h.line for h in headings("\n".join(lines)) if h.text == "Exercises"]
    until = min(exercises, default=len(lines))
    origin = readme.relative_to(root).as_posix()
    found = [*_chapter(lines[:until], origin), Cell("## Examples", origin)]
    for script in sorted(stage.glob("examples/*.py")):
        found += _example(script, script.relative_to(root).as_posix())
    return [*found, *_chapter(lines[until:], origin)]


def _chapter(lines: Sequence[str], origin: str) -> Iterator[Cell]:
    at = 0
    for program in programs("\n".join(lines)):
        yield from _markdown(lines[at : program.start], origin)
        raises = bool(_ERROR.search(program.prints))
        yield Cell(program.source.strip("\n"), origin, True, program.prints, raises)
        at = program.stop
    yield from _markdown(lines[at:], origin)


def _markdown(lines: Sequence[str], origin: str) -> Iterator[Cell]:
    """One cell for each section, so that a notebook can fold them."""
    starts = [0, *(h.line for h in headings("\n".join(lines)) if h.level > 1), len(lines)]
    for start, stop in itertools.pairwise(starts):
        section = "\n".join(lines[start:stop]).strip()
        if section:
            yield Cell(section, origin)


def _example(script: Path, origin: str) -> Iterator[Cell]:
    """A script as a heading, its docstring, and a cell for each paragraph of code."""
    text = script.read_text("utf-8")
    tree = ast.parse(text)
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    heading = f"### {script.name}\n\n{_as_markdown(ast.get_docstring(tree) or '')}".strip()
    if any(example.extra for example in EXAMPLES if example.script == script.name):
        # The first cell installs the stage, and pictures; not a library of hundreds of megabytes.
        run = f"nox -s run -- {script.parents[1].name.removeprefix('step')} {script.stem}"
        yield Cell(f"{heading}\n\nIt is run in a clone: `{run}`", origin)
        return
    yield Cell(heading, origin)
    for paragraph in _paragraphs(text, body):
        # In a notebook sys.argv is the kernel's, so the options are written down.
        options = 'parse_args([])  # the options; ["--help"] lists them'
        yield Cell(paragraph.replace("parse_args()", options), origin, True)


def _as_markdown(docstring: str) -> str:
    """Plain text, with what Markdown would take for its own marks escaped; x**4 is no bold 4."""
    return "\n".join(
        line if line.startswith("    ") else re.sub(r"([\\`*_<>|$#])", r"\\\1", line)
        for line in docstring.splitlines()
    )


def _paragraphs(text: str, body: Sequence[ast.stmt]) -> list[str]:
    """The code as the blank lines between statements divide it; imports are one, a plot is one."""
    lines = text.splitlines()
    starts: list[int] = []
    for node in body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        while start > 1 and lines[start - 2].startswith("#"):
            start -= 1
        if not starts or not lines[start - 2].strip():
            starts.append(start)
    parts = [
        "\n".join(lines[a - 1 : b - 1]).strip("\n")
        for a, b in itertools.pairwise([*starts, len(lines) + 1])
    ]
    merged: list[str] = []
    for part in parts:
        imports = [bool(re.match("import |from ", p)) for p in (*merged[-1:], part)]
        # A notebook shows a figure at the end of the cell that has made it.
        if merged and (imports == [True, True] or "plt.subplots(" in merged[-1]):
            merged[-1] += "\n\n" + part
        else:
            merged.append(part)
    return merged


def install_cell(root: Path, stage: Path, requirement: str) -> str:
    """The code that installs this stage, and what the examples' pictures need."""
    shared = tomllib.loads((root / "shared/pyproject.toml").read_text("utf-8"))["project"]
    extras = shared["optional-dependencies"]
    wanted = " ".join(f'"{name}"' for name in (requirement, *extras["plots"], *extras["pictures"]))
    return (
        f"# This installs {stage.name} and what its pictures need. All stages are imported as\n"
        "# dezero: where another one was installed before, restart the kernel after this cell.\n"
        f"%pip install --quiet {wanted}"
    )


def notebook(root: Path, stage: Path, requirement: str, repository: str) -> nbformat.NotebookNode:
    """The notebook of a stage, which installs it as `requirement` says; nothing was run.

    repository: where its links lead, an address or a folder.
    """
    v4 = nbformat.v4
    made = [v4.new_code_cell(install_cell(root, stage, requirement))]
    for cell in cells(root, stage):
        if cell.code:
            made.append(v4.new_code_cell(cell.source))
        else:
            made.append(v4.new_markdown_cell(leading_to(cell.source, stage.name, repository)))
        if cell.raises:
            made[-1].metadata.tags = ["raises-exception"]
    for number, cell in enumerate(made):
        cell.id = f"{stage.name}-{number}"  # the same in every build
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=made, metadata={"kernelspec": kernel})


def leading_to(text: str, stage: str, repository: str) -> str:
    """A chapter's Markdown whose links lead into the repository from where the notebook lies."""

    def target(link: str) -> str:
        path, mark, anchor = link.partition("#")
        return f"{repository}/{posixpath.normpath(f'stages/{stage}/{path}')}{mark}{anchor}"

    return map_links(text, target)


def run(book: nbformat.NotebookNode, root: Path, stage: Path, folder: Path) -> list[str]:
    """Run a notebook in `folder`, as its first cell installs the stage; returns what is wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        packages = Path(sysconfig.get_path("purelib", vars={"base": scratch}))
        packages.mkdir(parents=True)
        env = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
        env |= {
            # pip takes what is here already, builds with it, and installs into the new folder.
            "PIP_PREFIX": scratch,
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # so pip spells that there is none
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONPATH": str(packages),
            "IPYTHONDIR": scratch,  # and not the user's home
        }
        files: dict[str, object] = {"connection_file": str(Path(scratch, "kernel.json"))}
        if os.name == "posix":
            files["transport"] = "ipc"  # other users of this machine cannot connect to that
        client = NotebookClient(
            book,
            timeout=_ONE_CELL,
            kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
            config=Config(KernelManager=files),
        )
        failed = ""
        try:
            client.execute(env=env)
        except CellExecutionError as error:
            failed = f"{error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            failed = str(error).partition("\n")[0]
        _forget(book, packages)
        if not (packages / "dezero/__init__.py").is_file():
            return [f"{stage.name}: its first cell did not install it:\n{_printed(book.cells[0])}"]
    origins = cells(root, stage)
    if failed:
        done = [n for n, cell in enumerate(book.cells) if cell.get("execution_count")]
        at = done[-1]
        origin = origins[at - 1].origin if at else stage.name
        return [f"{origin}: {failed}, in this cell:\n{_set_in(book.cells[at].source)}"]
    return [*_unlike_the_chapter(book, origins), *_unlike_the_examples(book, origins, stage)]


def _forget(book: nbformat.NotebookNode, packages: Path) -> None:
    """Take the temporary folder out of what was printed: it is another one each time."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            for name in ("text", "evalue"):
                if name in output:
                    output[name] = output[name].replace(f"{packages}{os.sep}", "")
            if "traceback" in output:
                output.traceback = [
                    line.replace(f"{packages}{os.sep}", "") for line in output.traceback
                ]


def _unlike_the_chapter(book: nbformat.NotebookNode, origins: Sequence[Cell]) -> Iterator[str]:
    for made, cell in zip(book.cells[1:], origins, strict=True):
        if cell.prints is not None:
            printed = _printed(made)
            # A chapter says where a module lies in the repository; here it is installed.
            if printed != re.sub(r"stages/step\d+/(?=dezero/)", "", cell.prints):
                yield (
                    f"{cell.origin}: this program\n{_set_in(cell.source)}\nprints\n"
                    f"{_set_in(printed)}\nwhere the chapter says\n{_set_in(cell.prints)}"
                )


def _unlike_the_examples(
    book: nbformat.NotebookNode, origins: Sequence[Cell], stage: Path
) -> Iterator[str]:
    made = list(zip(book.cells[1:], origins, strict=True))
    for example in EXAMPLES:
        if f"step{example.stage}" != stage.name or example.extra:
            continue
        ending = f"{stage.name}/examples/{example.script}"
        own = [cell for cell, part in made if part.origin.endswith(ending) and part.code]
        shown = {kind for cell in own for out in cell.outputs for kind in out.get("data", {})}
        if example.draws and not {"image/png", "image/svg+xml"} & shown:
            yield f"stages/{ending}: no picture is shown in the notebook"
        lines = "".join(map(_printed, own)).splitlines()
        if not example.args:  # the notebook gives no options
            for expected, line in itertools.zip_longest(example.prints, lines, fillvalue=""):
                fits = expected.fit(line) if isinstance(expected, Numbers) else line == expected
                if not fits:
                    yield f"stages/{ending}: printed {line!r}, expected {expected}"


def _printed(cell: nbformat.NotebookNode) -> str:
    """What a cell wrote to its standard output, and the last line of the exception it ended in."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}\n")
    return "".join(texts)


def _set_in(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def build(root: Path, stages: Sequence[Path], out: Path, execute: bool = True) -> list[str]:
    """Write the notebooks of these stages into `out`; returns what is wrong with them."""
    out.mkdir(parents=True, exist_ok=True)
    url = remote_of(root)
    wrong = []
    for stage in stages:
        start = time.monotonic()
        here = _relative(stage, out)
        public = f"dezero-stage @ git+{url}#subdirectory=stages/{stage.name}" if url else here
        # git's HEAD is whatever branch is published.
        repository = f"{url.removesuffix('.git')}/blob/HEAD" if url else _relative(root, out)
        book = notebook(root, stage, here, repository)
        if execute:
            wrong += run(book, root, stage, out)
        # The run has installed this clone; a reader elsewhere gets it from where it is published.
        book.cells[0] = notebook(root, stage, public, repository).cells[0]
        file = out / f"{stage.name}.ipynb"
        nbformat.validate(book)
        nbformat.write(book, file)
        took = f", run in {time.monotonic() - start:.0f} s" if execute else ", not run"
        print(f"{file}: {len(book.cells)} cells{took}", flush=True)
    print(f"Their first cell installs from {url or 'this clone: it has no public remote'}")
    return wrong


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write and run the notebooks. Returns 1 where one of them fails."""
    parser = argparse.ArgumentParser(prog="nox -s notebooks --", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="33 34 (default: all)")
    parser.add_argument("--out", type=Path, default=Path("docs/_build/notebooks"), metavar="DIR")
    parser.add_argument("--no-run", action="store_true", help="write them without output")
    parser.add_argument("--root", type=Path, default=Path(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    stages = stages_of(options.root)
    for number in options.stages:
        if number not in map(str, stages):
            parser.error(
                f"there is no stage {number}; the stages are {', '.join(map(str, stages))}"
            )
        if options.stages.count(number) > 1:
            parser.error(f"stage {number} was given twice; once is enough")
    chosen = [stages[int(number)] for number in options.stages] or list(stages.values())
    wrong = build(options.root, chosen, options.out, execute=not options.no_run)
    print(*wrong, sep="\n\n", end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
