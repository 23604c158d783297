"""The labs: write the next stage yourself. `nox -s lab -- start 34`, then `check 34`.

Everything about a lab is derived from stages/ and the cases, and how far a learner has come from
the files in labs/: there is no other state.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..diffs.difference import stages_of
from ..execution.isolated import Limits
from ..execution.runner import StageError
from ..prose.catalogs import ENGLISH, UnknownLanguage, labs_in, languages
from .attempt import culprits, named, review
from .chapter import Chapter, Progress, run_chapter
from .hints import Hint, hints, is_about, is_there, question
from .loading import load_chapter
from .pages import edited_stages, language_of, notebook, settings, task_page, title_of
from .prompt import open_prompt
from .starter import start_files
from .telling import COMMAND, compare_with, padded, show, show_header, show_list
from .words import first_there, of_environment, say, speaking


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns 0, 1 where a case fails, 2 where nothing was done."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        root = find_root(Path.cwd())
        with _speaking(root, options):
            return options.run(root, options, console)
    except StageError as error:
        Console(stderr=True, highlight=False).print(Text(f"lab: {error}"), soft_wrap=True)
    except PermissionError as error:
        print(f"lab: {error.filename} cannot be written: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.partition("\n")[0])
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(name: str, run: Callable[..., int], text: str) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        one.add_argument("--language", metavar="L", help="as ko; default: the lab's, or yours")
        return one

    for name, run, text in [
        ("start", start, "make labs/stepN, to begin with"),
        ("reset", reset, "begin again; what is in labs/stepN is kept beside it"),
    ]:
        one = action(name, run, text)
        one.add_argument("number", metavar="N", help="the stage to write, as in 34")
        one.add_argument("--guided", action="store_true", help="the stage, with gaps to fill in")
        one.add_argument("--from", dest="base", metavar="DIR", help="carry on your own package")
    for name, run, text in [
        ("check", check, "run the cases, and explain the first failure"),
        ("watch", watch, "check, and check again at every save"),
    ]:
        one = action(name, run, text)
        one.add_argument("number", metavar="N")
        one.add_argument("--list", action="store_true", help="every case, and what became of it")
        one.add_argument("--pdb", action="store_true", help="then debug the first failure")
    one = action("run", try_out, "a Python prompt on your files, with the first failure at hand")
    one.add_argument("number", metavar="N")
    one.add_argument("words", nargs="*", metavar="WORDS", help="of another case's statement")
    one.add_argument("--pdb", action="store_true", help="debug it where it goes wrong")
    one = action("hint", hint, "a question on the failure at hand; then the piece of difference")
    one.add_argument("number", metavar="N")
    one.add_argument("piece", nargs="?", type=int, help="this piece, by its number")
    one.add_argument("--show", action="store_true", help="the piece that the question is about")
    action("solution", solution, "all pieces that are left").add_argument("number", metavar="N")
    action("progress", progress, "how far each lab is, from what is on the disk")
    action("notebook", make_notebook, "write labs/stepN/stepN.ipynb").add_argument(
        "number", metavar="N"
    )
    return parser


def _speaking(root: Path, options: argparse.Namespace) -> AbstractContextManager[None]:
    """The language of this call: by its option, as the lab was started, or the environment's."""
    there = languages(root)
    asked = options.language or _remembered(root, options)
    if asked and asked not in (ENGLISH, *there):
        raise StageError(str(UnknownLanguage(asked, there)))
    language = asked or first_there(of_environment(os.environ), there, ENGLISH)
    return speaking(language, labs_in(root, language) if language != ENGLISH else {})


def _remembered(root: Path, options: argparse.Namespace) -> str:
    """The language that this lab was started in by name, or the package it carries on, or any."""
    number = getattr(options, "number", "*").removeprefix("step")
    carried = getattr(options, "base", None)
    folders = [*sorted(root.glob(f"labs/step{number}")), *([Path(carried)] if carried else [])]
    return next(filter(None, map(language_of, folders)), "")


def find_root(here: Path) -> Path:
    """The repository: the folder, here or above, that holds the stages."""
    for folder in (here, *here.parents):
        if len(stages_of(folder)) > 1:
            return folder
    raise StageError(f"{here} is in no copy of the repository: no folder above it holds stages/")


def folder_of(root: Path, number: int) -> Path:
    """Where a lab of this number is, or would be."""
    return root / "labs" / f"step{number}"


def _chapter(root: Path, text: str) -> Chapter:
    number = text.removeprefix("step")
    if not number.isdecimal():
        raise StageError(f"{text!r} is not the number of a lab; write it as in: {COMMAND} check 34")
    return load_chapter(root, int(number))


def _started(root: Path, number: int) -> Path:
    folder = folder_of(root, number)
    if not folder.is_dir():
        raise StageError(
            f"there is no {_nearby(folder, root)} yet; make it with: {COMMAND} start {number}"
        )
    return folder


def _nearby(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


# Start and reset


def start(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Make the folder of a lab. One that is there already is never touched."""
    chapter = _chapter(root, options.number)
    folder = folder_of(root, chapter.number)
    if os.path.lexists(folder):
        raise StageError(
            f"{_nearby(folder, root)} is already there, and was left as it is. Go on with it:"
            f" {COMMAND} check {chapter.number}. To begin again, with a backup of it:"
            f" {COMMAND} reset {chapter.number}"
        )
    with _prepared(root, chapter, options) as prepared:
        prepared.rename(folder)
    _say_started(console, root, chapter, options)
    return 0


def reset(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Make the folder of a lab anew, and keep the one that was there under another name."""
    chapter = _chapter(root, options.number)
    folder = _started(root, chapter.number)
    with _prepared(root, chapter, options) as prepared:  # before anything is moved
        backup = _backup_of(folder)
        folder.rename(backup)
        prepared.rename(folder)
    text = say("What was there is now {place}.", place=_nearby(backup, root))
    console.print(text, markup=False)
    _say_started(console, root, chapter, options)
    return 0


def _backup_of(folder: Path) -> Path:
    number = 1
    while os.path.lexists(backup := folder.with_name(f"{folder.name}-backup-{number}")):
        number += 1
    return backup


class _prepared:
    """A new folder beside the labs, with all files of a start; gone again where it is not used."""

    def __init__(self, root: Path, chapter: Chapter, options: argparse.Namespace):
        base = Path(options.base).resolve() if options.base else chapter.before
        guided = options.guided
        self.files = dict(start_files(chapter.before, chapter.after, base, guided))
        carried = options.base or ""
        self.files[Path("TASK.md")] = task_page(chapter, guided=guided, carried=carried)
        language = options.language or _remembered(root, options)
        self.files[Path("pyproject.toml")] = settings(chapter, language)
        self.labs = root / "labs"
        self.place: Path | None = None

    def __enter__(self) -> Path:
        try:
            self.labs.mkdir(exist_ok=True)
            self.place = Path(tempfile.mkdtemp(prefix=".new-", dir=self.labs))
            self.place.chmod(0o755)
            for path, text in self.files.items():
                file = self.place / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
        except OSError as error:
            self.__exit__()
            raise StageError(
                f"{self.labs} cannot be written to ({error.strerror}), and that is where labs are;"
                f" make it a folder of your own"
            ) from None
        return self.place

    def __exit__(self, *exception: object) -> None:
        if self.place is not None:
            shutil.rmtree(self.place, ignore_errors=True)


def _say_started(
    console: Console, root: Path, chapter: Chapter, options: argparse.Namespace
) -> None:
    number = chapter.number
    folder = _nearby(folder_of(root, number), root)
    whose = (
        say("your own package from `{folder}`", folder=options.base)
        if options.base
        else say("the package of step {number}", number=_before(chapter))
    )
    if options.guided:
        whose = say("{package}, with gaps that you fill in", package=whose)
    text = say("{folder} is ready: {package}.", folder=folder, package=whose)
    console.print(Text(f"{text}\n"))
    for what, command in [
        (say("the task"), f"{folder}/TASK.md"),
        (say("how far you are"), f"{COMMAND} check {number}"),
        (say("the same at every save"), f"{COMMAND} watch {number}"),
        (say("one piece of the difference"), f"{COMMAND} hint {number}"),
    ]:
        console.print(Text(f"  {padded(what, 29)}{command}"))


def _before(chapter: Chapter) -> str:
    return chapter.before.name.removeprefix("step")


# Check, watch and progress


def check(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Run the cases of a lab on the learner's files, and say how far they are."""
    chapter = _chapter(root, options.number)
    folder = _started(root, chapter.number)
    show_header(console, chapter, folder)
    _say_edited(root, chapter, folder, console)
    found = _run(chapter, folder, console)
    reviewed = review(found, jobs=_jobs())
    show(found, reviewed, console, root)
    _say_stops(folder, root, chapter, console)
    if options.list:
        show_list(found, console)
    if options.pdb and reviewed:
        console.print()
        open_prompt(reviewed.first.case, folder, debugger=True)
    return 0 if found.done else 1


def _run(chapter: Chapter, folder: Path, console: Console) -> Progress:
    size = len(chapter.own) + len(chapter.earlier)
    with (
        console.status(say("{count} cases ...", count=size))
        if console.is_terminal
        else nullcontext()
    ):
        return run_chapter(chapter, folder, limits=Limits(), jobs=_jobs())


def _jobs() -> int:
    return min(4, os.cpu_count() or 1)


def _say_edited(root: Path, chapter: Chapter, folder: Path, console: Console) -> None:
    """Tell a learner who has edited the stages in place of the lab."""
    edited = edited_stages(root, folder)
    if edited:
        files = ", ".join(_nearby(file, root) for file in edited)
        text = say(
            "{files}: not as when this lab was started. Your files are those in {folder}; what is"
            " edited in stages/ counts for nothing here, and hints come from there. If that was a"
            " mistake, copy it over to your files, and then: git restore {restored}. If you have"
            " updated the repository, begin anew with a backup: {command}",
            files=files,
            folder=_nearby(folder, root),
            restored=files.replace(", ", " "),
            command=f"{COMMAND} reset {chapter.number}",
        )
        console.print(Text(f"\n{text}\n", "yellow"), soft_wrap=True)


def _say_stops(folder: Path, root: Path, chapter: Chapter, console: Console) -> None:
    """Tell of calls of breakpoint(), which a check passes over."""
    for file in sorted((folder / "dezero").rglob("*.py")):
        for n, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
            if line.strip().startswith("breakpoint("):
                text = say(
                    "A check passes over the breakpoint() in {place}; to stop there: {command}",
                    place=f"{_nearby(file, root)}:{n}",
                    command=f"{COMMAND} run {chapter.number}",
                )
                console.print(Text(text), soft_wrap=True)


# Run


def try_out(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Open a Python prompt on the learner's files, in the case at hand or one that is named."""
    chapter = _chapter(root, options.number)
    folder = _started(root, chapter.number)
    if options.words:
        words = " ".join(options.words).lower()
        asked = [*chapter.own, *chapter.earlier]
        asked = [case for case in asked if words in (case.statement.lower(), case.id)] or [
            case for case in asked if words in case.statement.lower()
        ]
        if not asked:
            raise StageError(
                f"no case of lab {chapter.number} has {words!r} in its statement; all of them:"
                f" {COMMAND} check {chapter.number} --list"
            )
        return open_prompt(min(asked, key=lambda case: chapter.rank[case.id]), folder, options.pdb)
    found = _run(chapter, folder, console)
    reviewed = review(found, jobs=_jobs())
    first = reviewed.first.case if reviewed else chapter.own[0]
    return open_prompt(first, folder, options.pdb)


def watch(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Check whenever a Python file of the lab is saved, until Ctrl-C."""
    import watchfiles

    chapter = _chapter(root, options.number)
    package = _started(root, chapter.number) / "dezero"
    if not package.is_dir():
        raise StageError(f"{package} is not there, so there is nothing to watch")
    saves = watchfiles.watch(
        package,
        watch_filter=watchfiles.PythonFilter(),
        rust_timeout=100,  # ms
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    try:
        next(saves)  # from here on no save is missed, also not one while the cases are running
        _check_again(root, options, console)
        for changed in saves:
            if changed:
                _check_again(root, options, console)
            if not package.is_dir():
                raise StageError(f"{package} is gone, so there is nothing to watch any more")
    except KeyboardInterrupt:
        pass
    console.print(f"\n{say('No longer watching.')}")
    return 0


def _check_again(root: Path, options: argparse.Namespace, console: Console) -> None:
    if console.is_terminal:
        console.clear()
    else:
        console.rule(characters="=")
    try:
        check(root, options, console)
    except StageError as error:  # as in the middle of a change: wait for the next
        console.print(Text(f"\n{error}", "red"), soft_wrap=True)
    text = say("Watching; save a file to check again, Ctrl-C to stop.")
    console.print(Text(f"\n{text}", "dim"))


def progress(root: Path, options: argparse.Namespace, console: Console) -> int:
    """A line for each lab, from what is in labs/ now."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in (say("lab"), say("its cases"), say("all before"), ""):
        table.add_column(heading, justify="left", no_wrap=heading != "")
    for number in sorted(stages_of(root))[1:]:
        chapter = load_chapter(root, number)
        folder = folder_of(root, number)
        if not folder.is_dir():
            note = say("not started: {title}", title=title_of(chapter))
            table.add_row(str(number), _of("-", chapter.due), "", note)
            continue
        try:
            found = _run(chapter, folder, console)
        except StageError as error:
            table.add_row(str(number), _of("?", chapter.due), "", Text(str(error), "red"))
            continue
        counted = [
            _of(sum(one.status == "passed" for one in part), part)
            for part in map(found.asked, (found.own, found.earlier))
        ]
        failed = sorted(found.due("failed"), key=lambda one: chapter.rank[one.case.id])
        note = say("done")
        if not found.done:
            note = say("first failure: {statement}", statement=failed[0].case.statement)
        table.add_row(str(number), *counted, Text(note, "green" if found.done else "yellow"))
    console.print(table)
    return 0


def _of(count: int | str, part: Sequence[object]) -> str:
    return say("{count} of {all}", count=count, all=len(part))


# Hints and the notebook


def hint(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Ask a question about the failure at hand; with --show, or a number, show a piece."""
    chapter = _chapter(root, options.number)
    folder = _started(root, chapter.number)
    pieces = hints(chapter.before, chapter.after)
    _say_edited(root, chapter, folder, console)
    if options.piece is not None:
        if not 1 <= options.piece <= len(pieces):
            raise StageError(
                f"there is no hint {options.piece}: those of lab {chapter.number} are 1 to"
                f" {len(pieces)}"
            )
        _show_piece(console, pieces[options.piece - 1], _number(options.piece, pieces))
        return 0
    found = _run(chapter, folder, console)
    reviewed = review(found, jobs=_jobs())
    if reviewed is None:
        _say_all_right(console, chapter, root)
        return 0
    statement = reviewed.first.case.statement
    at_hand = Text(say("The failure at hand:") + " ")
    console.print(at_hand.append(statement, "bold"), soft_wrap=True)
    units = culprits(reviewed)
    if not units and reviewed.first in reviewed.wrong:
        text = say(
            "It takes more than one change to put it right, in what you have written:"
            " {written}. To see where it goes wrong: the line `at` of a check, print in a"
            " backward, and `run`.",
            written=named(reviewed.attempt.written),
        )
        console.print(Text(f"\n{text}"))
        return 0
    about = [(n, one) for n, one in enumerate(pieces, 1) if is_about(one, units)]
    if not about:  # it is in what the chapter leaves as it is
        for unit in units:
            text = say(
                "It is about {name} in {file}, which this chapter leaves as it is, and yours is"
                " another. What does the chapter before say of it? stages/{stage}/{file} has it.",
                name=unit.name,
                file=unit.path,
                stage=chapter.before.name,
            )
            console.print(Text(f"\n{text}"))
        return 0
    if not options.show:
        place = about[0][1]
        what = f"{place.path}, {place.where}" if place.where else str(place.path)
        text = say("It is about {what}.", what=what)
        console.print(Text(f"{text}\n"))
        console.print(Text(question(chapter.number, place)))
        command = f"{COMMAND} hint {chapter.number} --show"
        console.print(Text(f"\n{say('The piece itself:')} {command}", "dim"))
        return 0
    console.print()
    for n, piece in about:
        _show_piece(console, piece, _number(n, pieces))
    return 0


def _number(n: int, pieces: Sequence[Hint]) -> str:
    return say("Hint {number} of {all}", number=n, all=len(pieces))


def _say_all_right(console: Console, chapter: Chapter, root: Path) -> None:
    console.print(say("There is nothing to hint at: every case passes."))
    compare_with(chapter.after.relative_to(root), console)


def solution(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Show all pieces of the chapter's difference that the files do not have yet."""
    chapter = _chapter(root, options.number)
    pieces = hints(chapter.before, chapter.after)
    left = _left(root, chapter, pieces)
    for place in left:
        _show_piece(console, pieces[place - 1], _of(place, pieces))
    if not left:
        _say_nothing_left(console, chapter)
    else:
        whole = f"{_nearby(chapter.after, root)}/dezero"
        text = say(
            "{count} of {all} pieces were left. The whole: {place}",
            count=len(left),
            all=len(pieces),
            place=whole,
        )
        console.print(text)
    return 0


def _left(root: Path, chapter: Chapter, pieces: list[Hint]) -> list[int]:
    folder = _started(root, chapter.number)
    return [n for n, one in enumerate(pieces, 1) if not is_there(one, folder, chapter.after)]


def _say_nothing_left(console: Console, chapter: Chapter) -> None:
    console.print(
        say("There is nothing left to show: your files have every piece of this chapter.")
    )
    again = say("If a case fails all the same:")
    console.print(f"{again} {COMMAND} check {chapter.number}")


def _show_piece(console: Console, piece: Hint, heading: str) -> None:
    place = f"{piece.path}, {piece.where}" if piece.where else str(piece.path)
    console.print(Text(f"{heading}: {place}", "bold"))
    if piece.about:
        console.print(Text(f"({piece.about})"))
    if piece.rows:
        console.print()
    colors = {"+": "green", "-": "red", " ": "not bold"}
    for row in piece.rows:
        line = f"  {row.mark} {row.text}".rstrip()
        console.print(Text(line, colors[row.mark]), soft_wrap=True)
    console.print()
    for comment in piece.comments:
        console.print(Text(comment))
        console.print()


def make_notebook(root: Path, options: argparse.Namespace, console: Console) -> int:
    """Write the notebook form of a lab that was started, from its files as they are."""
    chapter = _chapter(root, options.number)
    folder = _started(root, chapter.number)
    file = folder / f"{folder.name}.ipynb"
    if file.exists():
        raise StageError(
            f"{_nearby(file, root)} is already there, and was left as it is; move it away to have"
            f" a new one"
        )
    file.write_text(notebook(chapter, folder), "utf-8")
    text = say("{file} is ready. To open it, in an environment of yours:", file=_nearby(file, root))
    console.print(text)
    console.print("\n    python -m pip install notebook && jupyter notebook " + _nearby(file, root))
    return 0
