"""What a check has to say, as data: the terminal and the page of a lab say the same of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..execution.isolated import Limits
from .attempt import Review, named
from .chapter import Outcome, Progress, explain
from .sentences import likely
from .words import say

PRINTED = 12  # lines of what a program has printed


@dataclass(frozen=True)
class Bar:
    """How many of the cases of a part are right.

    passed: now. again: of those that fail now, how many only wait for the rest of the chapter: they
    were right before, and will be. So a step in the right direction is none back.
    """

    name: str
    passed: int
    again: int
    of: int


@dataclass(frozen=True)
class First:
    """The failure to learn from: its statement, its program, and what there is to know of it.

    facts: pairs of a name and a line; a line without a name goes on with the one before.
    """

    statement: str
    program: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Also:
    """Other cases under a heading: what they state, and the chapter where it is another."""

    heading: str
    statements: tuple[str, ...]


def bars(found: Progress, review: Review | None) -> list[Bar]:
    """One for this chapter, one for all before it."""
    wrong = {one.case.id for one in review.wrong} if review else set()
    both = []
    for name, outcomes in (
        (say("this chapter"), found.own),
        (say("all before it"), found.earlier),
    ):
        part = found.asked(outcomes)
        again = sum(one.failed and one.case.id not in wrong for one in part)
        again = again if outcomes is found.earlier else 0
        both.append(Bar(name, sum(one.status == "passed" for one in part), again, len(part)))
    return both


def first(found: Progress, review: Review, read: str) -> First:
    """read: where the chapter speaks of it."""
    failure = explain(review.first, found)
    facts = [
        (say("expected"), failure.expected),
        ("", failure.source),
        (say("got"), failure.got),
    ]
    facts += [("", line) for line in failure.why if line != failure.source]
    if failure.printed:
        lines = failure.printed.splitlines()
        before = len(lines) - PRINTED
        more = [say("... {count} lines before ...", count=before)] if before > 0 else []
        shown = [*more, *lines[-PRINTED:]]
        facts += [(say("printed") if n == 0 else "", line) for n, line in enumerate(shown)]
    if failure.at:
        facts.append((say("at"), failure.at))
    if sentence := likely(review):
        facts.append((say("likely"), sentence))
    facts.append((say("read"), read))
    return First(failure.statement, failure.program, tuple(facts))


def also(found: Progress, review: Review) -> list[Also]:
    """What fails beside the first failure: for what is written, and for what is not yet."""
    own = {one.case.id for one in found.own}
    said: list[Also] = []
    wrong = [one for one in review.wrong if one is not review.first]
    if wrong:
        as_well = review.first in review.wrong
        heading = say("Failing as well") if as_well else say("Wrong in what is written")
        said.append(Also(f"{heading} ({len(wrong)}):", _statements(wrong, own)))
    unwritten = [one for one in review.unwritten if one is not review.first]
    if unwritten:
        left = named(review.attempt.left)
        what = f": {left}" if review.attempt.written and left else ""
        heading = say("Failing for what is not written yet")
        mine = [one for one in unwritten if one.case.id in own and not review.wrong]
        said.append(Also(f"{heading} ({len(unwritten)}){what}", _statements(mine, own)))
    return said


def _statements(outcomes: Sequence[Outcome], own: set[str]) -> tuple[str, ...]:
    def note(one: Outcome) -> str:
        return say("(chapter {number}, was right before)", number=one.case.chapter)

    return tuple(
        one.case.statement if one.case.id in own else f"{one.case.statement} {note(one)}"
        for one in outcomes
    )


def waiting(found: Progress) -> Also | None:
    """How many wait, for which cases; those most waited for first. None where none waits."""
    waits = found.due("waits")
    awaited = Counter(one.waits_for.statement for one in waits if one.waits_for)
    if not awaited:
        return None
    return Also(
        say("Waiting ({count}), as they build on what fails:", count=len(waits)),
        tuple(
            say('{count} for "{statement}"', count=n, statement=statement)
            for statement, n in awaited.most_common()
        ),
    )


def not_run(found: Progress, limits: Limits) -> str:
    """How many cases were left, as others did not end; nothing where all were run."""
    left = found.due("not run")
    if not left:
        return ""
    return say(
        "Not run ({count}): two cases took longer than {seconds} s, so the others were left. A"
        " loop that does not end?",
        count=len(left),
        seconds=f"{limits.seconds:g}",
    )


def beyond(found: Progress) -> tuple[int, int]:
    """How many hold of the cases that the book leaves open, and how many there are."""
    every = (*found.own, *found.earlier)
    those = [one for one in every if one.case.id in found.chapter.beyond]
    return sum(one.status == "passed" for one in those), len(those)
