"""Build the site: `python -m dezero_harness.site`, or `nox -s site`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dezero_shared.dot import NoPicture

from ..execution.runner import StageError
from ..tracing import stepper
from ..tracing.recorder import TraceError
from . import api, examples, fonts, pages, touch
from .text import raw

ROOT = Path(__file__).parents[3]


def write_sources(root: Path, source: Path, jobs: int, repository: str) -> None:
    """All the pages as Sphinx reads them: those of docs/, and those made of the repository."""
    docs = root / "docs"
    source.mkdir(parents=True)
    print("recording what can be dragged", flush=True)
    with ThreadPoolExecutor(jobs) as pool:
        found = pages.chapters(root)
        dragged = dict(
            zip(
                [chapter.number for chapter in found],
                pool.map(lambda chapter: touch.chapter(chapter.number, chapter.folder), found),
            )
        )
    for page in sorted(docs.glob("*.md")):
        text = pages.linked(page.read_text("utf-8"), f"docs/{page.name}")
        text = pages.filled(text, root)
        if page.name == "index.md":
            text = text.replace("{{ drag }}", raw(touch.landing(dragged[32], repository)))
        (source / page.name).write_text(text, "utf-8")
    shutil.copy(docs / "conf.py", source)
    shutil.copytree(docs / "_static", source / "_static")
    shutil.copytree(docs / "pictures", source / "pictures")
    results = "stages/step36/papers/results"
    shutil.copytree(root / results, source / results, ignore=shutil.ignore_patterns("*.json"))
    fonts.write(source / "_static/fonts")

    print("running the examples", flush=True)
    done = examples.run_all(root, source, jobs)
    for chapter in found:
        folder = source / f"step{chapter.number}"
        folder.mkdir(exist_ok=True)
        print(f"writing chapter {chapter.number}", flush=True)
        shown = [dragged[chapter.number], *stepper.chapter(chapter.number, chapter.folder)]
        figures = "\n\n".join(map(raw, shown))
        (folder / "index.md").write_text(pages.chapter_page(chapter, done, figures), "utf-8")
        (folder / "cases.md").write_text(pages.cases_page(chapter), "utf-8")
        (folder / "api.md").write_text(api.page(root, chapter.number, chapter.folder), "utf-8")
    (source / "compare").mkdir()
    for name, text in pages.compare_pages(root):
        (source / f"compare/{name}.md").write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="nox -s site --", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/_build", help="where it goes")
    parser.add_argument(
        "--repository",
        default=None,
        metavar="URL",
        help="where the page says the repository is; by default that of the remote, if on the web",
    )
    options = parser.parse_args(arguments)
    repository = options.repository
    if repository is None:
        repository = touch.repository_of(ROOT)
    start = time.monotonic()
    source, out = options.out / "source", options.out / "html"
    for folder in (source, out):
        shutil.rmtree(folder, ignore_errors=True)
    jobs = min(2, os.cpu_count() or 1)
    try:
        write_sources(ROOT, source, jobs, repository)
    except (examples.BrokenExample, pages.BrokenPage, StageError, TraceError, NoPicture) as error:
        print(f"\nthe site was not built: {error}", file=sys.stderr)
        return 1
    from sphinx.cmd.build import main as sphinx_build

    strict = ["-W", "--keep-going", "-q", "-j", str(jobs)]
    doctrees = ["-d", str(options.out / "doctrees")]
    status = sphinx_build(["-b", "html", *strict, *doctrees, str(source), str(out)])
    if status:
        print("\nthe site was not built: Sphinx has warned, see above", file=sys.stderr)
        return status
    took = time.monotonic() - start
    print(f"built in {took:.0f} s: open {os.path.relpath(out / 'index.html')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
