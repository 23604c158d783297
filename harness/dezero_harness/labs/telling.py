"""What a check says: how far an engine is, the first failure at length, and the rest in a list."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from ..diffs.difference import stages_of
from ..execution.isolated import Limits
from .attempt import Review, Unit
from .chapter import Chapter, Failure, Outcome, Progress, explain
from .pages import title_of
from .sentences import likely
from .words import say

COMMAND = "nox -s lab --"
_SHOWN = 8  # of a list of cases; `--list` shows all
_PRINTED = 12  # lines of what a program has printed
_BAR = 28  # characters


def show_header(console: Console, chapter: Chapter, folder: Path) -> None:
    """The lab's title, and whose files are run."""
    title = say("Lab {number}: {title}", number=chapter.number, title=title_of(chapter))
    console.print(Text(title, "bold"))
    console.print(Text(say("your files: {folder}", folder=folder)), soft_wrap=True)


def show(found: Progress, review: Review | None, console: Console, root: Path) -> None:
    """How far an engine is, the failure to learn from, and the rest in a list."""
    number = found.chapter.number
    versions = f"{found.arrays.module} {found.arrays.version}, Python {platform.python_version()}"
    console.print(Text(say("run with:   {versions}", versions=versions) + "\n"))
    _show_bars(found, review, console)
    if found.done:
        _show_done(found, console, root)
        return
    if review is not None:
        statement = review.first.case.statement
        first = Text(say("First failure:") + " ")
        console.print(first.append(statement, "bold red"), soft_wrap=True)
        console.print(_explanation(explain(review.first, found), likely(review)), soft_wrap=True)
        _show_more(found, review, console)
    _show_waiting(found, console)
    left = found.due("not run")
    if left:
        text = say(
            "Not run ({count}): two cases took longer than {seconds} s, so the others were left. A"
            " loop that does not end?",
            count=len(left),
            seconds=f"{Limits().seconds:g}",
        )
        console.print(Text(f"\n{text}"))
    console.print()
    for what, command in [(say("To try it with your files:"), "run"), (say("A hint:"), "hint")]:
        console.print(Text(f"{padded(what, 28)}{COMMAND} {command} {number}"))


def padded(text: str, width: int) -> str:
    """The text and blanks, as wide as so many letters; one of Hangul is as wide as two of others.

    At least a blank, where the text is wide already.
    """
    return text + " " * max(1, width - cell_len(text))


def _show_bars(found: Progress, review: Review | None, console: Console) -> None:
    wrong = {one.case.id for one in review.wrong} if review else set()
    parts = (say("this chapter"), found.own), (say("all before it"), found.earlier)
    for name, outcomes in parts:
        part = found.asked(outcomes)
        passed = sum(one.status == "passed" for one in part)
        # What was right before, and will be again: a step in the right direction is none back.
        again = sum(one.failed and one.case.id not in wrong for one in part)
        again = again if outcomes is found.earlier else 0
        whole = max(1, len(part))
        filled, rest = _BAR * passed // whole, _BAR * (passed + again) // whole
        color = "green" if passed == len(part) else "yellow"
        bar = (
            Text(padded(name, 14)).append("#" * filled, color).append("=" * (rest - filled), color)
        )
        bar.append("." * (_BAR - rest), "dim")
        counted = say("{count} of {all}", count=passed + again, all=len(part))
        bar.append(f"  {counted}", "bold")
        if again:
            bar.append(
                say(", {count} of them (=) once the rest of this chapter is there", count=again)
            )
        console.print(bar, soft_wrap=True)
    console.print()


def _explanation(failure: Failure, likely: str) -> Group:
    rows = [Text("")]
    rows += [Text(f"    {line}".rstrip(), "cyan") for line in failure.program.splitlines()]
    rows.append(Text(""))
    facts = [
        (say("expected"), failure.expected),
        ("", failure.source),
        (say("got"), failure.got),
    ]
    facts += [("", line) for line in failure.why if line != failure.source]
    if failure.printed:
        lines = failure.printed.splitlines()
        before = len(lines) - _PRINTED
        more = [say("... {count} lines before ...", count=before)] if before > 0 else []
        shown = [*more, *lines[-_PRINTED:]]
        facts += [(say("printed") if n == 0 else "", line) for n, line in enumerate(shown)]
    if failure.at:
        facts.append((say("at"), failure.at))
    if likely:
        facts.append((say("likely"), likely))
    facts.append((say("read"), failure.read))
    rows += [Text(f"  {padded(name, 10)}", "bold").append(text, "not bold") for name, text in facts]
    return Group(*rows)


def _show_more(found: Progress, review: Review, console: Console) -> None:
    own = {one.case.id for one in found.own}
    wrong = [one for one in review.wrong if one is not review.first]
    if wrong:
        as_well = review.first in review.wrong
        heading = say("Failing as well") if as_well else say("Wrong in what is written")
        console.print(Text(f"\n{heading} ({len(wrong)}):"))
        _show_cases(wrong, own, console, found.chapter.number)
    unwritten = [one for one in review.unwritten if one is not review.first]
    if unwritten:
        left = named(review.attempt.left)
        what = f": {left}" if review.attempt.written and left else ""
        heading = say("Failing for what is not written yet")
        console.print(Text(f"\n{heading} ({len(unwritten)}){what}"))
        mine = [one for one in unwritten if one.case.id in own]
        if not review.wrong:
            _show_cases(mine, own, console, found.chapter.number)


def named(units: Sequence[Unit]) -> str:
    """The definitions, and the files where what is outside of them changes."""
    names = [unit.name.rstrip(".") or unit.path.as_posix() for unit in units]
    return ", ".join(dict.fromkeys(names))


def _show_cases(outcomes: Sequence[Outcome], own: set[str], console: Console, number: int) -> None:
    for one in outcomes[:_SHOWN]:
        older = say("(chapter {number}, was right before)", number=one.case.chapter)
        note = "" if one.case.id in own else f" {older}"
        console.print(Text(f"  - {one.case.statement}{note}"))
    if outcomes[_SHOWN:]:
        more = say(
            "and {count} more; all: {command}",
            count=len(outcomes) - _SHOWN,
            command=f"{COMMAND} check {number} --list",
        )
        console.print(Text(f"  {more}"))


def _show_waiting(found: Progress, console: Console) -> None:
    waiting = found.due("waits")
    if not waiting:
        return
    text = say("Waiting ({count}), as they build on what fails:", count=len(waiting))
    console.print(Text(f"\n{text}"))
    awaited = Counter(one.waits_for.statement for one in waiting if one.waits_for)
    for statement, n in awaited.most_common():
        text = say('{count} for "{statement}"', count=n, statement=statement)
        console.print(Text(f"  - {text}"))


def _show_done(found: Progress, console: Console, root: Path) -> None:
    number = found.chapter.number
    text = say("Step {number} is done: every case of the book passes.", number=number)
    console.print(Text(text, "bold green"))
    beyond = [one for one in (*found.own, *found.earlier) if one.case.id in found.chapter.beyond]
    passed = sum(one.status == "passed" for one in beyond)
    if passed < len(beyond):
        text = say(
            "Beyond the book, for those who like: {count} of {all} hold; {command} names the"
            " others, and why the book has not them.",
            count=passed,
            all=len(beyond),
            command=f"{COMMAND} check {number} --list",
        )
        console.print(Text(text))
    following = [n for n in sorted(stages_of(root)) if n > number]
    if following:
        go_on = say("Go on with:")
        console.print(f"{go_on} {COMMAND} start {following[0]} --from labs/step{number}")
    else:
        console.print(say("That was the last one. You have written the whole engine."))
    compare_with(found.chapter.after.relative_to(root), console)


def compare_with(stage: Path, console: Console) -> None:
    """Where the solution is, now that it is not needed."""
    console.print(say("Compare yours with ours: {place}", place=f"{stage.as_posix()}/dezero"))


def show_list(found: Progress, console: Console) -> None:
    """Every case, and what became of it."""
    marks = {
        "passed": say("ok"),
        "failed": say("FAILS"),
        "waits": say("waits"),
        "not run": say("not run"),
    }
    beyond = found.chapter.beyond
    rest = [one for one in (*found.own, *found.earlier) if one.case.id in beyond]
    parts = (
        (say("This chapter"), found.own),
        (say("All before it"), found.earlier),
        (say("Beyond the book"), rest),
    )
    for name, outcomes in parts:
        part = rest if outcomes is rest else found.asked(outcomes)
        console.print(Text(f"\n{name}:"))
        for one in part:
            style = "red" if one.failed else "not bold"
            console.print(Text(f"  {padded(marks[one.status], 8)}{one.case.statement}", style))
            if one.status == "failed" and one.case.id in beyond:
                console.print(Text(f"          ({beyond[one.case.id]})", "dim"), soft_wrap=True)
