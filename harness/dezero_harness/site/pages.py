"""The pages, as MyST Markdown: a chapter with all that belongs to it, cases, comparisons."""

from __future__ import annotations

import html
import itertools
import os
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .. import cases
from ..diffs.changes import changes, place, remarked
from ..diffs.difference import FileDifference, difference, stages_of
from ..diffs.remarks import ON_EXAMPLES, ON_THE_DIFFERENCE, TO_READ, Remark, remarks
from ..execution.judge import as_plain
from ..model.case import ABSENT, ARRAY_CAPABILITIES, REFUSALS, Case, Raises, Says
from ..prose.generated import between
from ..prose.markdown import blocks, programs, sections, title
from . import differences, examples
from .text import (
    code,
    escaped,
    fenced,
    first_sentence,
    map_links,
    raw,
)

#: Sections of a chapter that get a place of their own on its page.
EXERCISES = "Exercises"

#: Where a link into the repository leads on the site; files that are no page lose their link.
PAGES = {
    "stages/README.md": "/stages.md",
    "README.md": "/index.md",
    **{f"stages/step{n}/README.md": f"/step{n}/index.md" for n in range(31, 37)},
    "stages/step36/papers/README.md": "/papers.md",
}


class BrokenPage(Exception):
    """A source of the site that is not as the site needs it."""


@dataclass(frozen=True)
class Chapter:
    """A stage, its README as sections, and the step that leads to it."""

    number: int
    folder: Path
    before: Path | None

    @cached_property
    def readme(self) -> str:
        return (self.folder / "README.md").read_text("utf-8")

    @property
    def files(self) -> list[FileDifference]:
        """What differs in the package from the stage before."""
        return engine_files(self.before, self.folder) if self.before else []


def chapters(root: Path) -> list[Chapter]:
    found = stages_of(root)
    numbers = sorted(found)
    before = [None, *(found[n] for n in numbers[:-1])]
    return [Chapter(n, found[n], old) for n, old in zip(numbers, before, strict=True)]


def stage_numbers(stages: Path) -> list[int]:
    return sorted(int(folder.name.removeprefix("step")) for folder in stages.glob("step[0-9]*"))


def engine_files(old: Path, new: Path) -> list[FileDifference]:
    return [file for file in difference(old, new) if file.kind == "engine"]


def linked(text: str, file: str) -> str:
    """The Markdown of a file of the repository, its links to other files led to their pages."""
    folder = os.path.dirname(file)

    def target(link: str) -> str:
        path, _, anchor = link.partition("#")
        path = os.path.normpath(os.path.join(folder, path)).replace(os.sep, "/")
        page = PAGES.get(path)
        if path.startswith("docs/") and path.endswith(".md"):
            page = path.removeprefix("docs")
        if page is None:
            return f"#not-a-page:{path}"
        return page + (f"#{anchor}" if anchor else "")

    text = map_links(_pictures(text, folder), target)
    return re.sub(r"\[([^\]]*)\]\(#not-a-page:[^)]*\)", r"\1", text)


def _pictures(text: str, folder: str) -> str:
    """HTML that shows a picture as an image of the site, where those of docs/ are at the top."""

    def image(found: re.Match[str]) -> str:
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', found[0]))
        path = os.path.normpath(os.path.join(folder, attributes["src"]))
        alt = " ".join(attributes["alt"].split())
        options = f":alt: {alt}\n:class: picture\n"
        return fenced(f"{{image}} /{path.removeprefix('docs' + os.sep)}", options)

    return re.sub(r"<p[^>]*>\s*<img [^>]*>\s*</p>", image, text)


# --- a chapter ---


def chapter_page(
    chapter: Chapter, done: Sequence[examples.Done], dragged: str, stepped: Sequence[str]
) -> str:
    """The whole page of a stage: idea, figures, difference, programs, exercises, cases.

    dragged: the figure whose x is dragged; stepped: those of the engine at work, as HTML.
    """
    found = sections(chapter.readme)
    source = f"stages/step{chapter.number}/README.md"
    if EXERCISES not in found:
        raise BrokenPage(f"{source} has no section {EXERCISES!r}")
    idea = found.pop("")
    exercises = found.pop(EXERCISES)
    found = runnable(found, stage_numbers(chapter.folder.parent))
    body = [f"# {title(chapter.readme)}", idea, raw(dragged)]
    body += [f"## See the engine work\n\n{_AT_WORK}", *map(raw, stepped)]
    reading = ""
    if ON_THE_DIFFERENCE in found:
        text = found.pop(ON_THE_DIFFERENCE)
        body.append(
            "Before you read how it is done, write it yourself:"
            f" [lab {chapter.number}, in the page](/lab{chapter.number}.md)."
        )
        body.append(f"## The difference, line by line\n\n{_difference(chapter, text)}")
        reading = _on_examples(text)
    elif TO_READ in found:  # of the first chapter, which has nothing to differ from
        body.append(f"## {TO_READ}\n\n{found.pop(TO_READ)}")
    for name, text in found.items():
        if paragraph := _on_examples(text):
            reading = paragraph
            text = text.replace(reading, "")
        body.append(f"## {name}\n\n{text}")
    body.append(f"## The examples, run\n\n{reading}\n")
    here = [one for one in done if one.example.stage == chapter.number]
    body += [_example(list(runs)) for _, runs in groupby(here, lambda one: one.example.script)]
    body.append(f"## {EXERCISES}\n\n{_with_answers(exercises)}")
    body.append(f"## The cases of this chapter\n\n{_cases_in_short(chapter)}")
    body.append(raw(f'<div data-run-chapter="{chapter.number}" hidden></div>'))
    body.append("```{toctree}\n:hidden:\n\ncases\napi\n```")
    return linked("\n\n".join(body) + "\n", source)


def _with_answers(exercises: str) -> str:
    """The exercises, each with what its answer has to be folded away: `*Check:* ...`."""
    made = []
    for item in re.split(r"^(?=\d+\. )", exercises, flags=re.MULTILINE):
        question, mark, answer = item.partition("*Check:*")
        if mark:
            head = raw('<details class="answer"><summary>Check your answer</summary>')
            parts = [head, answer.strip(), raw("</details>")]
            item = f"{question.rstrip()}\n\n" + "\n\n".join(
                "\n".join(f"   {line.strip()}" for line in part.splitlines()) for part in parts
            )
        made.append(item)
    return "\n".join(part.rstrip() + "\n" for part in made)


def runnable(found: Mapping[str, str], stages: Sequence[int]) -> dict[str, str]:
    """The sections of a chapter, with what it takes to run a program under each of its programs.

    The programs are numbered as they follow each other in the chapter, since they build on one
    another.
    """
    count = itertools.count()
    made = {}
    for name, text in found.items():
        lines = text.splitlines()
        for program in programs(text):
            lines[program.stop - 1] += f"\n\n{raw(_run_box(next(count), stages))}"
        made[name] = "\n".join(lines)
    return made


def _run_box(index: int, stages: Sequence[int]) -> str:
    boxes = "".join(
        f'<label><input type="checkbox" value="{stage}"> {stage}</label>' for stage in stages
    )
    return (
        f'<div class="run" data-index="{index}" role="group" aria-label="program {index + 1}">'
        '<button type="button" class="run-go">Run</button>'
        '<button type="button" class="run-stop" hidden>Stop</button>'
        '<button type="button" class="run-edit">Edit</button>'
        f'<details class="run-stages"><summary>On stages</summary><span>{boxes}</span></details>'
        '<span class="run-status" role="status"></span><div class="run-result"></div></div>'
    )


_AT_WORK = (
    "The engine of this stage was watched while the site was built. Go on by button, or with the"
    " arrow keys where the figure has the focus; every step is also there as text."
)


def _on_examples(text: str) -> str:
    """The paragraph that names the examples."""
    paragraphs = (block.text for block in blocks(text))
    return next((text for text in paragraphs if ON_EXAMPLES.match(text)), "")


def _difference(chapter: Chapter, text: str) -> str:
    if not chapter.before:
        raise BrokenPage(f"chapter {chapter.number} is the first, and has {ON_THE_DIFFERENCE!r}")
    files = chapter.files
    found, in_front = remarked(files, chapter.before, chapter.folder)
    reading = _on_examples(text)
    prose = [b.text for b in blocks(text) if b.kind != "item" and b.text != reading]
    body = ["\n\n".join(prose)]
    body += [f"{differences.number(r)} {r.text}" for r in in_front]
    body.append(
        f"To read it in a terminal: `nox -s diff -- {chapter.number}`. Any two stages:"
        f" [compare them](/compare/{chapter.number - 1}-{chapter.number}.md)."
    )

    def weight(file: FileDifference) -> int:
        return -sum(len(change.remarks) for change in found if change.file is file)

    for file in sorted(files, key=weight):
        here = [change for change in found if change.file is file]
        pieces = differences.in_markdown(here, chapter.before, chapter.folder)
        body.append(f"### {_file_title(file)}\n\n{_file_line(file)}\n\n{_folded(file, pieces)}")
    return "\n\n".join(body)


def _file_title(file: FileDifference) -> str:
    return f"`{file.path.as_posix()}`"


def _file_line(file: FileDifference) -> str:
    """What became of a file, in a sentence."""
    figures = f"{_lines(file.added)} added, {file.removed} removed."
    if file.new is None:
        return f"Deleted: {_lines(file.removed)}."
    if file.old is None:
        return f"New: {_lines(file.added)}."
    if file.copied:
        return f"New, and compared with `{file.old.as_posix()}`, which stays: {figures}"
    if file.renamed:
        return f"Was `{file.old.as_posix()}`: {figures}"
    return figures


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _folded(file: FileDifference, body: str) -> str:
    """A file that is gone is there to be looked at, but not in the way."""
    if file.new is not None:
        return body
    head = raw("<details><summary>Show the deleted lines</summary>")
    return f"{head}\n{body}\n{raw('</details>')}"


def _example(runs: Sequence[examples.Done]) -> str:
    """One script: what it is about, what it printed and drew in each of its runs, its source."""
    script = runs[0].example.script
    what, *more = runs[0].about
    observe = [text for text in more if text.startswith("Observe")] or more
    parts = [f"### `{script.removesuffix('.py')}`", *map(escaped, [what, *observe])]
    for run in runs:
        parts += _run(run, what)
    summary = f"<details><summary>The program, examples/{html.escape(script)}</summary>"
    parts += [raw(summary), code(runs[0].source), raw("</details>")]
    return "\n\n".join(parts)


def _run(done: examples.Done, what: str) -> Iterator[str]:
    example = done.example
    name = example.script.removesuffix(".py")
    if done.printed is None:
        yield (
            f"It needs {example.extra}, which is large, so it was not run for this page:"
            f" `nox -s run -- {example.stage} {name}` installs {example.extra} and runs it."
        )
        return
    command = " ".join([name, *example.args])
    yield f"`nox -s run -- {example.stage} {command}`" + (" prints" if done.printed else " draws")
    if done.printed:
        yield code(done.printed, "text")
    if done.picture:
        alt = f"Picture: {' '.join(what.split())}"
        options = f":alt: {alt}\n:class: picture\n"
        yield fenced(f"{{image}} {done.picture.name}", options)


# --- cases ---


def cases_of(number: int) -> dict[str, list[Case]]:
    """The cases of a chapter, by what their module says it is about."""
    found: dict[str, list[Case]] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(cases.__path__)):
        loaded = import_module(f"{cases.__name__}.{module}")
        here = [case for case in loaded.CASES if case.chapter == number]
        if here:
            found[first_sentence(loaded.__doc__ or module)] = here
    return found


def _cases_in_short(chapter: Chapter) -> str:
    groups = cases_of(chapter.number)
    spine = [case for here in groups.values() for case in here if case.spine]
    count = sum(len(here) for here in groups.values())
    lines = [
        f"The harness makes {count} claims about this chapter; `nox -s stage{chapter.number}`"
        " tries them all."
        f" [Each with its program and its answer](/step{chapter.number}/cases.md):",
        "",
        *(f"- {escaped(title.rstrip('.'))}: {len(here)}" for title, here in groups.items()),
    ]
    if spine:
        lines += ["", "The ones on which the rest stands:", "", raw(_case_list(spine))]
    return "\n".join(lines)


def cases_page(chapter: Chapter) -> str:
    """All cases of a chapter: statement, program, answer, source."""
    groups = cases_of(chapter.number)
    body = [
        f"# The cases of chapter {chapter.number}",
        "A case is a claim about an engine. Its program ends in an expression, the answer; what the"
        " answer has to be comes from mathematics or from the contract of the engine, never from"
        " running one. `array(...)` makes data of the kind that is being tested. A stage that"
        " comes before the chapter refuses in a stated way. Open a statement to see its program."
        f" `nox -s stage{chapter.number} -- -k WORDS` runs those with these words.",
        raw('<p><button type="button" class="unfold">Open all</button></p>'),
    ]
    for about, here in groups.items():
        body += [f"## {escaped(about.rstrip('.'))}", raw(_case_list(here))]
    return "\n\n".join(body) + "\n"


def with_cases(text: str) -> str:
    """The text with a link from each id of a case to its statement and program."""

    def link(found: re.Match[str]) -> str:
        if found[1] not in where:
            return found[0]
        page = f"step{where[found[1]]}/cases.html"
        return f'<a href="{page}#{found[1]}"><code>{found[1]}</code></a>'

    where = {case.id: case.chapter for case in cases.ALL}
    return re.sub(r"`([a-z0-9-]+)`", link, text)


def _case_list(found: Sequence[Case]) -> str:
    return "".join(_case(case) for case in found)


def _case(case: Case) -> str:
    spine = f' <span class="spine">{html.escape(case.spine)}</span>' if case.spine else ""
    facts = {"answer": _answer(case), "source": html.escape(case.source)}
    if case.needs:
        facts["needs"] = ", ".join(f"<code>{html.escape(need)}</code>" for need in case.needs)
        facts["without"] = "; ".join(_refusal(case, need) for need in case.needs)
    rows = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    program = highlight(case.program, PythonLexer(), HtmlFormatter(cssclass="highlight"))
    # Names, punctuation and white space have the colour of the text; a page has 40000 of them.
    program = re.sub(r'<span class="[npw]">(.*?)</span>', r"\1", program, flags=re.DOTALL)
    return (
        f'<details class="case" id="{case.id}"><summary>{html.escape(case.statement)}{spine}'
        f"</summary>{program}<dl>{rows}</dl></details>"
    )


def _answer(case: Case) -> str:
    if isinstance(case.expect, Raises | Says):
        return _outcome(case.expect)
    tolerance = " or ".join(
        f"{value:g} {how}"
        for value, how in ((case.rel, "of the number"), (case.abs, "in all"))
        if value
    )
    off = f"; may be off by {tolerance}" if tolerance else ""
    return f"<code>{html.escape(repr(as_plain(case.expect)))}</code>{off}"


def _raised(expected: Raises) -> str:
    match = html.escape(expected.match)
    return f"raises <code>{expected.type}</code>, its message matching <code>{match}</code>"


def _refusal(case: Case, need: str) -> str:
    name = f"<code>{html.escape(need)}</code>"
    if need in ARRAY_CAPABILITIES and need not in case.without:
        return f"{name} (of arrays: {html.escape(ARRAY_CAPABILITIES[need])}): as the arrays refuse"
    instead = case.without.get(need, {**REFUSALS, **ABSENT}.get(need))
    return f"{name}: {_outcome(instead)}"


def _outcome(expected: Any) -> str:
    if isinstance(expected, Raises):
        return _raised(expected)
    if isinstance(expected, Says):
        return f"answers a text that matches <code>{html.escape(expected.match)}</code>"
    return f"answers <code>{html.escape(repr(as_plain(expected)))}</code>"


# --- comparisons ---


def compare_pages(
    root: Path, keep: Callable[..., str] = lambda name, of, make: make()
) -> Iterator[tuple[str, str]]:
    """A page for each pair of stages, and one that leads to them, by name.

    keep(name, of, make): see `Kept.get`; by default every page is made.
    """
    found = stages_of(root)
    pairs = list(combinations(sorted(found), 2))
    for old, new in pairs:
        engines = [found[old] / "dezero", found[new] / "dezero"]
        between = [found[n] / "README.md" for n in range(old + 1, new + 1)]
        make = partial(_compare_page, found, old, new)
        yield f"{old}-{new}", keep(f"compare-{old}-{new}", [*engines, *between], make)
    links = "\n".join(
        f"- [From stage {old} to stage {new}](/compare/{old}-{new}.md)" for old, new in pairs
    )
    tree = "\n".join(f"{old}-{new}" for old, new in pairs)
    yield (
        "index",
        f"# Compare any two stages\n\n{raw(_chooser(sorted(found), 31, 36))}\n\n{links}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n",
    )


def _remarks_between(stages: Mapping[int, Path], old: int, new: int) -> list[Remark]:
    """What the chapters say of the steps from one stage to another, numbered through."""
    told = [
        (f"*Chapter {n}:* " if new > old + 1 else "", remark, f"stages/step{n}/README.md")
        for n in range(old + 1, new + 1)
        for remark in remarks(stages[n])
    ]
    return [
        Remark(number, head + linked(remark.text, file))
        for number, (head, remark, file) in enumerate(told, start=1)
    ]


def _compare_page(stages: Mapping[int, Path], old: int, new: int) -> str:
    both = stages[old], stages[new]
    every = difference(*both)
    files = [file for file in every if file.kind == "engine"]
    found = changes(files, *both)
    told = _remarks_between(stages, old, new)
    in_front = place(told, found)
    added, removed = sum(f.added for f in files), sum(f.removed for f in files)
    body = [
        f"# From stage {old} to stage {new}",
        raw(_chooser(sorted(stages), old, new)),
        f"The package: {_lines(added)} added, {removed} removed, white space aside. In a terminal:"
        f" `nox -s diff -- {old} {new}`; with chapters and examples: `nox -s diff -- {old} {new}"
        " --all`.",
    ]
    if new == old + 1:
        body += [f"{differences.number(r)} {r.text}" for r in in_front]
    for file in files:
        pieces = differences.in_markdown([one for one in found if one.file is file], *both)
        about = escaped(file.about)
        shown = _folded(file, pieces)
        body += [f"## {_file_title(file)}", f"{about}\n\n{_file_line(file)}", shown]
    return "\n\n".join(body) + "\n"


def _chooser(numbers: Sequence[int], old: int, new: int) -> str:
    """Two lists to choose from; site.js leads to the page of the pair."""

    def choices(name: str, label: str, chosen: int) -> str:
        options = "".join(
            f"<option{' selected' if n == chosen else ''}>{n}</option>" for n in numbers
        )
        return f'<label>{label} <select name="{name}">{options}</select></label>'

    return (
        '<form class="compare" hidden>'
        f"{choices('old', 'From stage', old)} {choices('new', 'to stage', new)}"
        ' <button type="submit">Compare</button> <span role="status"></span></form>'
    )


# --- what the pages by hand take from the repository ---


def filled(text: str, root: Path) -> str:
    """A page by hand, with each line `{{ FILE: SECTION }}` replaced by that section of that file.

    `{{ FILE: SECTION from "..." up to "..." }}` takes a part of it, and "(start)" is what stands
    before the first section. `{{ FILE <!-- NAME --> }}` is replaced by what stands there between
    these markers, or by a line that says so where the file has none. Raises BrokenPage for a file
    or section that is not there.
    """

    def section(found: re.Match[str]) -> str:
        file, title, _, start, stop = found.groups()
        everything = sections(_read(root, file))
        everything["(start)"] = everything.pop("")
        if title not in everything:
            raise BrokenPage(f"docs: {file} has no section {title!r}; it has {list(everything)}")
        body = everything[title]
        for edge in filter(None, (start, stop)):
            if edge not in body:
                raise BrokenPage(f"docs: the section {title!r} of {file} has no text {edge!r}")
        begin = body.index(start) if start else 0
        body = re.sub(r"^\*\*([^*\n]+)\*\*$", r"## \1", body, flags=re.MULTILINE)
        return linked(body[begin : body.index(stop, begin) if stop else None], file)

    def marked(found: re.Match[str]) -> str:
        shown = between(_read(root, found[1]), found[2])
        return linked(shown or f"*{found[1]} has no figures for this yet.*", found[1])

    if "{{ matrix }}" in text:
        text = text.replace("{{ matrix }}", matrix_table(_read(root, "README.md")))
    edges = r'( from "([^"]+)")?(?: up to "([^"]+)")?'
    text = re.sub(rf"^\{{\{{ (\S+): (.+?){edges} \}}\}}$", section, text, flags=re.MULTILINE)
    return re.sub(r"^\{\{ (\S+) <!-- (\w+) --> \}\}$", marked, text, flags=re.MULTILINE)


def _read(root: Path, file: str) -> str:
    try:
        return (root / file).read_text("utf-8")
    except OSError as error:
        raise BrokenPage(f"docs: {file} cannot be read: {error.strerror}") from None


def matrix_table(readme: str) -> str:
    """The README's matrix as a table of cells that are coloured by what was found."""
    matrix = between(readme, "matrix") or ""
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split("|")]
        for line in matrix.splitlines()
        if line.startswith("|")
    ]
    if len(rows) < 3:
        raise BrokenPage("README.md has no table between <!-- matrix --> and <!-- /matrix -->")
    head, _, *body = rows
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    lines = []
    for stage, arrays, *cells in body:
        number = re.sub(r"\D", "", stage)
        link = f'<a href="step{number}/index.html">{stage}</a>'
        shown = "".join(_matrix_cell(cell) for cell in cells)
        lines.append(f'<tr><th scope="row">{link}</th><td>{html.escape(arrays)}</td>{shown}</tr>')
    never = [
        line for line in matrix.splitlines() if line and not line.startswith(("|", "In each cell"))
    ]
    table = (
        '<div class="scroll" tabindex="0" role="region" aria-label="The matrix">'
        f'<table class="matrix"><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody>'
        "</table></div>"
    )
    key = (
        "In each cell: passed, *refused as predicted*, and, if there were any, what was unexpected."
    )
    return f"{key}\n\n{raw(table)}\n\n" + "\n\n".join(never)


def _matrix_cell(cell: str) -> str:
    passed, refused, unexpected = (int(part) for part in cell.split("/"))
    kind = "unexpected" if unexpected else "passed" if not refused else "refused"
    if passed and refused and not unexpected:
        kind = "partly"
    parts = [str(passed)] if passed else []
    parts += [f'<i title="refused as predicted">{refused}</i>'] if refused else []
    parts += [f"<b>{unexpected} unexpected</b>"] if unexpected else []
    return f'<td class="{kind}">{" · ".join(parts) or "0"}</td>'
