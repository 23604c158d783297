"""What a check says: how far an engine is, the first failure at length, and the rest in a list."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.text import Text

from ..diffs.difference import stages_of
from ..execution.isolated import Limits
from .attempt import Review, Unit
from .chapter import Chapter, Failure, Outcome, Progress, explain
from .pages import title_of
from .sentences import likely

COMMAND = "nox -s lab --"
_SHOWN = 8  # of a list of cases; `--list` shows all
_PRINTED = 12  # lines of what a program has printed
_BAR = 28  # characters


def show_header(console: Console, chapter: Chapter, folder: Path) -> None:
    """The lab's title, and whose files are run."""
    console.print(Text(f"Lab {chapter.number}: {title_of(chapter)}", "bold"))
    console.print(Text(f"your files: {folder}"), soft_wrap=True)


def show(found: Progress, review: Review | None, console: Console, root: Path) -> None:
    """How far an engine is, the failure to learn from, and the rest in a list."""
    number = found.chapter.number
    versions = f"{found.arrays.module} {found.arrays.version}, Python {platform.python_version()}"
    console.print(Text(f"run with:   {versions}\n"))
    _show_bars(found, review, console)
    if found.done:
        _show_done(found, console, root)
        return
    if review is not None:
        statement = review.first.case.statement
        console.print(Text("First failure: ").append(statement, "bold red"), soft_wrap=True)
        console.print(_explanation(explain(review.first, found), likely(review)), soft_wrap=True)
        _show_more(found, review, console)
    _show_waiting(found, console)
    left = found.due("not run")
    if left:
        console.print(
            Text(
                f"\nNot run ({len(left)}): two cases took longer than {Limits().seconds:g} s, so"
                f" the others were left. A loop that does not end?"
            )
        )
    console.print()
    for what, command in [("To try it with your files", "run"), ("A hint", "hint")]:
        console.print(Text(f"{what + ':':28}{COMMAND} {command} {number}"))


def _show_bars(found: Progress, review: Review | None, console: Console) -> None:
    wrong = {one.case.id for one in review.wrong} if review else set()
    for name, outcomes in (("this chapter", found.own), ("all before it", found.earlier)):
        part = found.asked(outcomes)
        passed = sum(one.status == "passed" for one in part)
        # What was right before, and will be again: a step in the right direction is none back.
        again = sum(one.failed and one.case.id not in wrong for one in part)
        again = again if outcomes is found.earlier else 0
        whole = max(1, len(part))
        filled, rest = _BAR * passed // whole, _BAR * (passed + again) // whole
        color = "green" if passed == len(part) else "yellow"
        bar = Text(f"{name:14}").append("#" * filled, color).append("=" * (rest - filled), color)
        bar.append("." * (_BAR - rest), "dim").append(f"  {passed + again} of {len(part)}", "bold")
        if again:
            bar.append(f", {again} of them (=) once the rest of this chapter is there")
        console.print(bar, soft_wrap=True)
    console.print()


def _explanation(failure: Failure, likely: str) -> Group:
    rows = [Text("")]
    rows += [Text(f"    {line}".rstrip(), "cyan") for line in failure.program.splitlines()]
    rows.append(Text(""))
    facts = [("expected", failure.expected), ("", failure.source), ("got", failure.got)]
    facts += [("", line) for line in failure.why if line != failure.source]
    if failure.printed:
        lines = failure.printed.splitlines()
        more = [f"... {len(lines) - _PRINTED} lines before ..."] if lines[_PRINTED:] else []
        shown = [*more, *lines[-_PRINTED:]]
        facts += [("printed" if n == 0 else "", line) for n, line in enumerate(shown)]
    if failure.at:
        facts.append(("at", failure.at))
    if likely:
        facts.append(("likely", likely))
    facts.append(("read", failure.read))
    rows += [Text(f"  {name:8}  ", "bold").append(text, "not bold") for name, text in facts]
    return Group(*rows)


def _show_more(found: Progress, review: Review, console: Console) -> None:
    own = {one.case.id for one in found.own}
    wrong = [one for one in review.wrong if one is not review.first]
    if wrong:
        heading = "Failing as well" if review.first in review.wrong else "Wrong in what is written"
        console.print(Text(f"\n{heading} ({len(wrong)}):"))
        _show_cases(wrong, own, console, found.chapter.number)
    unwritten = [one for one in review.unwritten if one is not review.first]
    if unwritten:
        left = named(review.attempt.left)
        what = f": {left}" if review.attempt.written and left else ""
        console.print(Text(f"\nFailing for what is not written yet ({len(unwritten)}){what}"))
        mine = [one for one in unwritten if one.case.id in own]
        if not review.wrong:
            _show_cases(mine, own, console, found.chapter.number)


def named(units: Sequence[Unit]) -> str:
    """The definitions, and the files where what is outside of them changes."""
    names = [unit.name.rstrip(".") or unit.path.as_posix() for unit in units]
    return ", ".join(dict.fromkeys(names))


def _show_cases(outcomes: Sequence[Outcome], own: set[str], console: Console, number: int) -> None:
    for one in outcomes[:_SHOWN]:
        older = f" (chapter {one.case.chapter}, was right before)"
        console.print(Text(f"  - {one.case.statement}{'' if one.case.id in own else older}"))
    if outcomes[_SHOWN:]:
        more = len(outcomes) - _SHOWN
        console.print(Text(f"  and {more} more; all: {COMMAND} check {number} --list"))


def _show_waiting(found: Progress, console: Console) -> None:
    waiting = found.due("waits")
    if not waiting:
        return
    console.print(Text(f"\nWaiting ({len(waiting)}), as they build on what fails:"))
    awaited = Counter(one.waits_for.statement for one in waiting if one.waits_for)
    for statement, n in awaited.most_common():
        console.print(Text(f'  - {n} for "{statement}"'))


def _show_done(found: Progress, console: Console, root: Path) -> None:
    number = found.chapter.number
    console.print(Text(f"Step {number} is done: every case of the book passes.", "bold green"))
    beyond = [one for one in (*found.own, *found.earlier) if one.case.id in found.chapter.beyond]
    passed = sum(one.status == "passed" for one in beyond)
    if passed < len(beyond):
        console.print(
            Text(
                f"Beyond the book, for those who like: {passed} of {len(beyond)} hold;"
                f" {COMMAND} check {number} --list names the others, and why the book has not them."
            )
        )
    following = [n for n in sorted(stages_of(root)) if n > number]
    if following:
        console.print(f"Go on with: {COMMAND} start {following[0]} --from labs/step{number}")
    else:
        console.print("That was the last one. You have written the whole engine.")
    console.print(f"Compare yours with ours: {found.chapter.after.relative_to(root)}/dezero")


def show_list(found: Progress, console: Console) -> None:
    """Every case, and what became of it."""
    marks = {"passed": "ok", "failed": "FAILS", "waits": "waits", "not run": "not run"}
    beyond = found.chapter.beyond
    rest = [one for one in (*found.own, *found.earlier) if one.case.id in beyond]
    parts = ("This chapter", found.own), ("All before it", found.earlier), ("Beyond the book", rest)
    for name, outcomes in parts:
        part = rest if outcomes is rest else found.asked(outcomes)
        console.print(Text(f"\n{name}:"))
        for one in part:
            style = "red" if one.failed else "not bold"
            console.print(Text(f"  {marks[one.status]:8}{one.case.statement}", style))
            if one.status == "failed" and one.case.id in beyond:
                console.print(Text(f"          ({beyond[one.case.id]})", "dim"), soft_wrap=True)
