"""Build the site: `python -m dezero_harness.site`, or `nox -s site`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dezero_shared.dot import NoPicture

from ..execution.runner import StageError
from ..prose.catalogs import ENGLISH, UnknownLanguage, chosen
from ..tracing import stepper
from ..tracing.recorder import TraceError
from . import api, card, differences, examples, fonts, labs, languages, pages, pieces, touch
from . import text as text_
from .kept import Kept, copy, write
from .remote import remote_of
from .text import raw

ROOT = Path(__file__).parents[3]
BROKEN = (
    examples.BrokenExample,
    languages.Untranslated,
    pages.BrokenPage,
    pieces.NoPieces,
    StageError,
    TraceError,
    NoPicture,
)


def write_sources(
    root: Path, source: Path, kept: Kept, jobs: int, repository: str, others: Sequence[str]
) -> dict[str, str]:
    """All the pages as Sphinx reads them: those of docs/, and those made of the repository.

    What stands there already is left as it is, and what is no longer made is removed.
    """
    docs, chapters = root / "docs", pages.chapters(root)
    dragged, stepped = figures(root, source, chapters, kept, jobs)
    made: dict[str, str] = {}  # the pages
    for page in sorted(docs.glob("*.md")):
        text = pages.linked(page.read_text("utf-8"), f"docs/{page.name}")
        text = pages.filled(text, root)
        if page.name == "index.md":
            text = text.replace("{{ drag }}", raw(touch.landing(dragged[32], repository)))
        if page.name == "engines.md":
            text = pages.with_cases(text)
        made[page.name] = text
    results = "stages/step36/papers/results"
    for file in [docs / "conf.py", *docs.glob("_static/*"), *docs.glob("pictures/*")]:
        copy(file, source / file.relative_to(docs))
    for file in root.glob(f"{results}/*.png"):
        copy(file, source / results / file.name)
    kept.get("fonts", [Path(fonts.__file__)], partial(fonts.write, source / "_static/fonts"))

    harness = root / "harness/dezero_harness"
    writing: list[Path | str] = [harness / "diffs", harness / "prose", Path(pages.__file__)]
    writing += [Path(differences.__file__), Path(text_.__file__)]
    asking = [harness / "cases", harness / "model"]
    print("running the examples", flush=True)
    done = examples.run_all(root, source, jobs, kept)
    for chapter in chapters:
        folder = f"step{chapter.number}"
        shown = dragged[chapter.number], stepped[chapter.number]
        made[f"{folder}/index.md"] = pages.chapter_page(chapter, done, *shown)
        made[f"{folder}/cases.md"] = kept.get(
            f"{folder}-cases", [*writing, *asking], partial(pages.cases_page, chapter)
        )
        engine = [chapter.folder / "dezero", root / "shared/dezero_shared"]
        of: list[Path | str] = [*engine, Path(api.__file__)]
        made[f"{folder}/api.md"] = kept.get(
            f"{folder}-api", of, partial(api.page, root, chapter.number, chapter.folder)
        )
    made |= lab_pages(root, source, chapters[1:], kept, others)
    keep = lambda name, of, make: kept.get(name, [*writing, *of], make)  # noqa: E731
    made |= {f"compare/{name}.md": text for name, text in pages.compare_pages(root, keep)}
    for name, text in made.items():
        write(source / name, text)
    for file in source.rglob("*.md"):
        if file.relative_to(source).as_posix() not in made:
            file.unlink()
    return made


def lab_pages(
    root: Path, source: Path, chapters: Sequence[pages.Chapter], kept: Kept, others: Sequence[str]
) -> dict[str, str]:
    """The page of each lab. What it is given of its chapter is written beside the other scripts.

    others: the languages, beside English, in which its checks speak.
    """
    harness = root / "harness/dezero_harness"
    rooms = ("cases", "diffs", "execution", "labs", "model", "prose", "suite")
    made = {}
    for chapter in chapters:
        of: list[Path | str] = [harness / room for room in rooms]
        of += [harness / "labs/texts.toml", Path(labs.__file__), Path(pages.__file__)]
        of += [chapter.before or "", chapter.folder, chapter.folder / "README.md"]
        for language in others:
            folder = root / "docs/locale" / language / "LC_MESSAGES"
            of += [folder / f"{name}.po" for name in ("labs", f"step{chapter.number}")]
        make = partial(labs.pages, root, chapter.number, others)
        for name, text in kept.get(f"lab{chapter.number}", of, make).items():
            if name.endswith(".md"):
                made[name] = text
            else:
                write(source / "_static" / name, text)
    return made


def figures(
    root: Path, source: Path, chapters: Sequence[pages.Chapter], kept: Kept, jobs: int
) -> tuple[dict[int, str], dict[int, list[str]]]:
    """What can be dragged, and what can be stepped through, on the page of each chapter."""
    harness = root / "harness/dezero_harness"
    watching: list[Path | str] = [root / "shared/dezero_shared", harness / "tracing"]

    def drag(chapter: pages.Chapter) -> str:
        of = [*watching, chapter.folder / "dezero", harness / "site/touch.py"]
        make = partial(touch.chapter, chapter.number, chapter.folder)
        return kept.get(f"step{chapter.number}-drag", of, make)

    def step(chapter: pages.Chapter) -> list[str]:
        of = [*watching, chapter.folder / "dezero"]
        make = partial(stepper.chapter, chapter.number, chapter.folder)
        figures = kept.get(f"step{chapter.number}-steps", of, make)
        if chapter.number == 35:
            grown = kept.get("step35-growth", of, partial(grow, chapter.folder))
            for name, text in grown["pictures"].items():
                write(source / "_static/pictures" / name, text)
            figures = [*figures, grown["figure"]]
        return figures

    print("watching the engines", flush=True)
    numbers = [chapter.number for chapter in chapters]
    with ThreadPoolExecutor(jobs) as pool:
        dragged, stepped = pool.map(drag, chapters), pool.map(step, chapters)
        return dict(zip(numbers, dragged)), dict(zip(numbers, stepped))


def grow(folder: Path) -> dict[str, Any]:
    """How the graph of a derivative of tanh grows: the figure, and full pictures by file name."""
    traces = stepper.orders(folder)
    figure = stepper.growth(traces, pictures="../_static/pictures/")
    return {"figure": figure, "pictures": stepper.full_pictures(traces)}


def on_the_web(text: str) -> str:
    """An address, with a slash at its end."""
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address of a site; write it as https://name.github.io/repository/"
        )
    return text.rstrip("/") + "/"


def editor_pieces(there: Path, needed: bool) -> Path | None:
    """The folder with the editor's pieces. None, and a line, where they cannot be had.

    Raises NoPieces where they are needed.
    """
    try:
        pieces.fetch(there, pieces.EDITOR)
    except pieces.NoPieces as error:
        if needed:
            raise
        print(f"the labs are built without an editor and without zips: {error}", flush=True)
        return None
    return there


def folder_of_source(out: Path, language: str) -> Path:
    return out / ("source" if language == ENGLISH else f"source-{language}")


def speak(made: Mapping[str, str], out: Path, language: str) -> None:
    """Write the sources of the site in this language."""
    english, spoken = (folder_of_source(out, one) for one in (ENGLISH, language))
    languages.write_source(ROOT, language, made, english, spoken)


def sphinx(
    strict: Sequence[str], out: Path, others: Sequence[str], address: str | None, language: str
) -> int:
    """Make the pages of this language from its sources; what Sphinx returns."""
    from sphinx.cmd.build import main as sphinx_build
    from sphinx.locale import translators

    translators.clear()  # else the words of a former language in this process come first

    written = folder_of_source(out, language)
    folder = "" if language == ENGLISH else f"{language}/"
    there, doctrees = out / "html" / folder, out / "doctrees" / language
    settings = ["-d", str(doctrees), *languages.options(ROOT, others, language)]
    if address:
        settings += ["-D", f"html_baseurl={address}{folder}"]
    status = sphinx_build(["-b", "html", *strict, *settings, str(written), str(there)])
    if status:
        # Else the next build would be silent on the pages that have not changed since.
        shutil.rmtree(doctrees, ignore_errors=True)
        return status
    for page in there.rglob("*.html"):
        name = page.relative_to(there)
        if name.parts[0] in others:
            continue  # a site of its own
        if (
            name.name not in ("search.html", "genindex.html")
            and not (written / name.with_suffix(".md")).is_file()
        ):
            page.unlink()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="nox -s site --", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/_build", help="where it goes")
    parser.add_argument(
        "--repository",
        default=None,
        metavar="URL",
        help="where the page says the repository is; by default that of the remote, if on the web",
    )
    parser.add_argument(
        "--address",
        type=on_the_web,
        metavar="URL",
        help="where the site will be: links to it in messages then have a picture",
    )
    parser.add_argument(
        "--python-base",
        default="",
        metavar="URL/",
        help="where a page gets Python from when Run is pressed; by default the official places",
    )
    parser.add_argument(
        "--offline-python",
        action="store_true",
        help="put Python into the site, so that a page needs nothing from elsewhere (needs npm)",
    )
    parser.add_argument(
        "--language",
        action="append",
        default=[],
        help="with these languages beside English; by default all that have catalogs",
    )
    parser.add_argument("--fresh", action="store_true", help="make everything anew")
    options = parser.parse_args(arguments)
    repository = remote_of(ROOT) if options.repository is None else options.repository
    try:
        others = chosen(ROOT, [one for one in options.language if one != ENGLISH])
        if options.language == [ENGLISH]:
            others = []
    except UnknownLanguage as error:
        parser.error(str(error))
    start = time.monotonic()
    source, out = folder_of_source(options.out, ENGLISH), options.out / "html"
    if options.fresh:
        for folder in ("source", "html", "doctrees", "kept", *map("source-{}".format, others)):
            shutil.rmtree(options.out / folder, ignore_errors=True)
    jobs = min(2, os.cpu_count() or 1)
    kept = Kept(options.out / "kept")
    offline = options.out / "pieces" if options.offline_python else None
    try:
        if offline:
            pieces.fetch(offline)  # first, since it may fail at once: where there is no npm
        if options.address:
            card.write(source / "_static" / card.NAME)
        made = write_sources(ROOT, source, kept, jobs, repository or "", others)
        pieces.put(source / "_static", ROOT, options.python_base, offline)
        pieces.editor(
            source / "_static", editor_pieces(options.out / "pieces", offline is not None)
        )
        with ProcessPoolExecutor(jobs) as pool:
            spoken = pool.map(partial(speak, made, options.out), others)
            list(spoken)  # raises, if a language lacks words
        looks = [ROOT / "docs/conf.py", *sorted((ROOT / "docs/_static").iterdir())]
        before = kept.made
        kept.get("looks", looks, lambda: True)
    except BROKEN as error:
        print(f"\nthe site was not built: {error}", file=sys.stderr)
        if isinstance(error, languages.Untranslated):
            print("The English pages alone: nox -s site -- --language en", file=sys.stderr)
        return 1
    strict = ["-W", "--keep-going", "-q", "-j", str(jobs)]
    if kept.made > before:  # Sphinx does not see that conf.py makes other pages of the same text
        strict.append("-a")
    render = partial(sphinx, strict, options.out, others, options.address)
    with ProcessPoolExecutor(jobs) as pool:
        if status := max(pool.map(render, [ENGLISH, *others])):
            print("\nthe site was not built: Sphinx has warned, see above", file=sys.stderr)
            return status
    took = time.monotonic() - start
    print(f"built in {took:.0f} s: open {os.path.relpath(out / 'index.html')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
