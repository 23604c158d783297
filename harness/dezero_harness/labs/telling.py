"""What a check says: how far an engine is, the first failure at length, and the rest in a list."""

from __future__ import annotations

import platform
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, Group
from rich.text import Text

from ..diffs.difference import stages_of
from ..execution.isolated import Limits
from .account import First, also, bars, first, not_run, waiting
from .attempt import Review
from .chapter import Chapter, Progress
from .loading import where_to_read
from .pages import title_of
from .words import say

COMMAND = "nox -s lab --"
_SHOWN = 8  # of a list of cases; `--list` shows all
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
        failure = first(found, review, where_to_read(found.chapter, review.first.case))
        headline = Text(say("First failure:") + " ")
        console.print(headline.append(failure.statement, "bold red"), soft_wrap=True)
        console.print(_explanation(failure), soft_wrap=True)
        _show_more(found, review, console)
    _show_waiting(found, console)
    if text := not_run(found, Limits()):
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
    for one in bars(found, review):
        whole = max(1, one.of)
        filled, rest = _BAR * one.passed // whole, _BAR * (one.passed + one.again) // whole
        color = "green" if one.passed == one.of else "yellow"
        bar = Text(padded(one.name, 14)).append("#" * filled, color)
        bar.append("=" * (rest - filled), color).append("." * (_BAR - rest), "dim")
        counted = say("{count} of {all}", count=one.passed + one.again, all=one.of)
        bar.append(f"  {counted}", "bold")
        if one.again:
            bar.append(
                say(", {count} of them (=) once the rest of this chapter is there", count=one.again)
            )
        console.print(bar, soft_wrap=True)
    console.print()


def _explanation(failure: First) -> Group:
    rows = [Text("")]
    rows += [Text(f"    {line}".rstrip(), "cyan") for line in failure.program.splitlines()]
    rows.append(Text(""))
    rows += [
        Text(f"  {padded(name, 10)}", "bold").append(text, "not bold")
        for name, text in failure.facts
    ]
    return Group(*rows)


def _show_more(found: Progress, review: Review, console: Console) -> None:
    for part in also(found, review):
        console.print(Text(f"\n{part.heading}"))
        for statement in part.statements[:_SHOWN]:
            console.print(Text(f"  - {statement}"))
        if part.statements[_SHOWN:]:
            more = say(
                "and {count} more; all: {command}",
                count=len(part.statements) - _SHOWN,
                command=f"{COMMAND} check {found.chapter.number} --list",
            )
            console.print(Text(f"  {more}"))


def _show_waiting(found: Progress, console: Console) -> None:
    part = waiting(found)
    if part is None:
        return
    console.print(Text(f"\n{part.heading}"))
    for statement in part.statements:
        console.print(Text(f"  - {statement}"))


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
