"""A chapter put together, from the two stages of a lab, their READMEs, and the catalogue."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from .. import cases
from ..diffs.difference import origins, stages_of
from ..execution.judge import predict
from ..execution.runner import StageError
from ..execution.stage import read
from ..model.case import REFUSALS, Case, Raises
from ..prose.markdown import sections
from ..suite.profiles import beyond_the_book
from .chapter import Chapter, depth
from .words import in_both

_FUNCTIONS = "dezero.functions"
_SIMPLEST = 3  # cases on a function that the others may wait for: one alone could be an odd one


def load_chapter(root: Path, number: int) -> Chapter:
    """The lab of this number, in the repository at `root`. Raises StageError for no lab's."""
    stages = stages_of(root)
    labs = sorted(stages)[1:]
    if number not in labs:
        first = f"; stage {min(stages)} is where the first of them starts" if stages else ""
        raise StageError(
            f"there is no lab {number}. The labs are {', '.join(map(str, labs))}{first}"
        )
    before = stages[max(n for n in stages if n < number)]
    after = stages[number]
    had, has = read(before).capabilities, read(after).capabilities
    # Those of dezero.utils and of the words for NumPy ask about what no learner writes.
    asked = [case for case in cases.ALL if case.group not in ("checks", "names-ours")]
    answered = [case for case in asked if not predict(case, has)[1]]
    # A list, since nan in it is equal to itself.
    earlier = [case for case in answered if [predict(case, had)[0]] == [case.expect]]
    lacked = [word for word in REFUSALS if word not in had]  # what arrays may lack is no matter
    known = _public_names(before)
    new_names = [name for name in _public_names(after) if name not in known]
    own = [case for case in answered if [predict(case, had)[0]] != [case.expect]]
    words = {
        case.id: frozenset(
            {word for word in case.needs if word in lacked and not _of_functions(word)}
            | _read(case.program)[0].intersection(new_names)
        )
        for case in own
    }

    def difficulty(case: Case) -> tuple[int, ...]:
        return _difficulty(case, words.get(case.id, frozenset()), new_names)

    own.sort(key=difficulty)
    beyond = {case.id: str(beyond_the_book(case)) for case in answered if beyond_the_book(case)}
    if all(case.id in beyond for case in own):  # a chapter that only tidies up: it is what is asked
        beyond = {name: reason for name, reason in beyond.items() if name not in words}
    rank = {case.id: n for n, case in enumerate(sorted(answered, key=difficulty))}
    gates: dict[tuple[str, int], tuple[Case, ...]] = {}
    for case in own:
        for word in sorted(words[case.id]):
            group = gates.get((word, depth(case)), ())
            simple = not isinstance(case.expect, Raises) and case.id not in beyond
            if len(group) < _SIMPLEST and simple:
                gates[word, depth(case)] = (*group, case)
    chapter = Chapter(number, before, after, has, tuple(own), tuple(earlier), words, gates)
    return replace(chapter, beyond=beyond, rank=rank, origins=origins(before, after))


def _of_functions(capability: str) -> bool:
    """Whether a capability is that dezero.functions holds some function; its name says more."""
    return _FUNCTIONS in REFUSALS[capability].match.replace("\\", "")


def _difficulty(case: Case, words: frozenset[str], order: list[str]) -> tuple[int, ...]:
    """The chapter's idea before its edges, forward before backward, plain numbers before others.

    The idea is mathematics (level core), what the book promises beside it comes next, and what it
    leaves open last. By the file's order where all is equal.
    """
    _, lists, size = _read(case.program)
    edge = 2 if beyond_the_book(case) else case.level != "core"
    refusal = isinstance(case.expect, Raises)
    last = max([order.index(word) for word in words if word in order], default=0)
    kind = depth(case), refusal, not _is_numeric(case.expect), len(words), last
    return edge, *kind, not case.spine, case.chapter, lists, _odd(case.program), size


@cache
def _odd(program: str) -> int:
    """How many numbers as odd as 0.622 a program has."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?", program)
    return sum(len(number.replace(".", "").strip("0")) > 2 for number in numbers)


def _is_numeric(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(map(_is_numeric, x))
    return isinstance(x, int | float) and not isinstance(x, bool)


@cache  # a walk through all programs of a chapter is a tenth of a second
def _read(program: str) -> tuple[frozenset[str], int, int]:
    """The names that a program takes from dezero.functions, its lists, the size of its tree."""
    names, modules, lists, size = set(), set(), 0, 0
    for node in ast.walk(ast.parse(program)):
        size += 1
        lists += isinstance(node, ast.List)
        if isinstance(node, ast.ImportFrom) and node.module == _FUNCTIONS:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {a.asname for a in node.names if a.name == _FUNCTIONS and a.asname}
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in modules:
            names.add(node.attr)
    return frozenset(names), lists, size


def _public_names(stage: Path) -> list[str]:
    """The functions of dezero.functions, in the order of the file; some come from the core."""
    file = stage.joinpath(*_FUNCTIONS.split(".")).with_suffix(".py")
    body = ast.parse(file.read_text("utf-8")).body if file.is_file() else []
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    core = [node.names for node in imports if node.module == "dezero.core"]
    from_core = [alias.name for names in core for alias in names if alias.name.islower()]
    return [*from_core, *(node.name for node in body if isinstance(node, ast.FunctionDef))]


def where_to_read(chapter: Chapter, case: Case) -> str:
    """The chapter, and the section of it, that speaks of what the case is about.

    For a case of this chapter that is the first section that names its new functions and
    capabilities at least half as often as any; an earlier case has a chapter of its own. The
    section on the difference is left out: it tells the solution.
    """
    stages = chapter.after.parent
    readme = stages / f"step{case.chapter}" / "README.md"
    words = chapter.words.get(case.id, frozenset())
    if words or not readme.is_file():
        readme = chapter.after / "README.md"
    place = f"{stages.name}/{readme.parent.name}/README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    named = {
        title: sum(len(re.findall(rf"\b{re.escape(word)}", body)) for word in words)
        for title, body in sections(text, deepest=6).items()
        if title and not title.startswith(("What to look at", "Exercises", "What still fails"))
    }
    enough = max(named.values(), default=0) / 2
    title = next((title for title, n in named.items() if n >= enough), "")
    return in_both(f'{place}, "{title}"', title) if title else place
