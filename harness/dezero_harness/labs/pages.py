"""The pages of a lab, derived from its chapter and its cases: the task, and the notebook."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..diffs.remarks import ON_THE_DIFFERENCE
from ..execution.shell import shell_lines
from ..model.arrays import array_kind
from ..model.case import Case
from ..prose.markdown import blocks, title
from ..prose.translation import one_line
from .chapter import Chapter
from .hints import texts
from .starter import FileChange, changes
from .words import ENGLISH, in_both, language_spoken, say, words_for

_SHOWN = 6  # cases of a kind that the task names


def title_of(chapter: Chapter) -> str:
    """The title of the chapter, without the number."""
    heading = words_for(title(_readme(chapter))) or chapter.after.name
    return heading.partition(": ")[2] or heading


def settings(chapter: Chapter, language: str = "") -> str:
    """The pyproject.toml of a lab: what the harness may expect of it when it is done.

    Also what the files of its stages were at the start, so that an edit of theirs is noticed, and
    the language that was asked for by name, which then is that of the lab.
    """
    names = "".join(f'    "{name}",\n' for name in sorted(chapter.capabilities))
    said = f'language = "{language}"\n' if language else ""
    root = chapter.after.parents[1]
    files = "".join(
        f'"{file.relative_to(root).as_posix()}" = "{_digest(file)}"\n'
        for stage in (chapter.before, chapter.after)
        for file in sorted(stage.glob("dezero/**/*.py"))
    )
    return (
        f"# What the harness may expect of your engine once this lab is done.\n"
        f"[tool.dezero]\nstage = {chapter.number}\ncapabilities = [\n{names}]\n{said}\n"
        f"# The stages when it was started.\n[tool.dezero.started-from]\n{files}"
    )


def edited_stages(root: Path, folder: Path) -> list[Path]:
    """The files of the stages that are not what they were when the lab in `folder` was started."""
    then = _settings_of(folder).get("started-from", {})
    if not isinstance(then, dict):
        return []
    return [root / name for name, digest in then.items() if _digest(root / name) != digest]


def language_of(folder: Path) -> str:
    """The language that the lab in this folder was started in by name; "" for none."""
    language = _settings_of(folder).get("language", "")
    return language if isinstance(language, str) else ""


def _settings_of(folder: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["dezero"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the learner's own file by now
    return found if isinstance(found, dict) else {}


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else "none"


def task_page(chapter: Chapter, *, guided: bool, carried: str = "") -> str:
    """TASK.md: the goal, what changes, what to read, the cases to satisfy."""
    number, before = chapter.number, chapter.before.name.removeprefix("step")
    whose = (
        say("your own package from `{folder}`", folder=carried)
        if carried
        else say("the package of step {number}", number=before)
    )
    goal = say(
        "Turn step {before} into step {number}. `dezero/` in this folder is {package}; change it"
        " until every case passes.",
        before=before,
        number=number,
        package=say("{package}, with gaps that you fill in", package=whose) if guided else whose,
    )
    parts = [
        f"# {say('Lab {number}: {title}', number=number, title=title_of(chapter))}",
        goal,
        _quoted(first_paragraph(chapter)),
        f"## {say('What changes')}",
        "\n".join(_change(change) for change in changes(chapter.before, chapter.after)),
    ]
    if guided:
        parts.append(_on_gaps(chapter))
    notes = texts(number).get("notes", [])
    if notes:
        parts += [
            f"## {say('What the book does not say')}",
            "\n".join(f"- {words_for(note)}" for note in notes),
        ]
    parts += [
        f"## {say('What to read')}",
        say(
            "[The chapter]({file}). Its programs work at the prompt of the *finished* stage,"
            " `nox -s run -- {number}`; your own files are at the prompt of `nox -s lab -- run"
            " {number}`. Stop before {section}: that section and `stages/{stage}/dezero` tell the"
            " solution.",
            file=f"../../stages/{chapter.after.name}/README.md",
            number=number,
            section=in_both(f"*{ON_THE_DIFFERENCE}*", ON_THE_DIFFERENCE),
            stage=chapter.after.name,
        ),
        say(
            "In this language the chapter is on the site: `nox -s site`, then open"
            " `docs/_build/html/{language}/{stage}/index.html`.",
            language=language_spoken(),
            stage=chapter.after.name,
        )
        if language_spoken() != ENGLISH
        else "",
        f"## {say('How to go on')}",
        _commands(number),
        f"## {say('The cases to satisfy')}",
        say(
            "{due} that step {before} cannot answer, the one to learn from first; and {kept} that"
            " it can, which have to stay right. The book's own answers do; what goes beyond them is"
            " not asked. All: `nox -s lab -- check {number} --list`.",
            due=len(chapter.due),
            before=before,
            kept=len(chapter.kept),
            number=number,
        ),
        "\n\n".join(_case_lists(chapter)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commands(number: int) -> str:
    rows = [
        ("check", say("how far you are, and the first failure explained")),
        ("watch", say("the same at every save")),
        ("run", say("a Python prompt on your files, in that failure")),
        ("hint", say("a question about it; --show: the piece itself")),
        ("solution", say("all that is left of it")),
        ("reset", say("begin again; a backup is kept")),
    ]
    return "\n".join(f"    nox -s lab -- {f'{name} {number}':15}{text}" for name, text in rows)


def _readme(chapter: Chapter) -> str:
    file = chapter.after / "README.md"
    return file.read_text("utf-8") if file.is_file() else ""


def first_paragraph(chapter: Chapter) -> str:
    """What the chapter begins with."""
    paragraphs = (block.text for block in blocks(_readme(chapter)) if block.kind == "paragraph")
    text = next(paragraphs, "")
    words = words_for(one_line(text))
    return text if words == one_line(text) else words


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def _change(change: FileChange) -> str:
    """A line on a file: what is new in it, and what changes."""
    if change.gone:
        return say("- `{file}` goes.", file=change.path)
    facts = []
    if change.copied:
        facts.append(say("a new file, made from `{former}`", former=change.copied))
    elif change.is_new:
        facts.append(say("a new file"))
    if change.new:
        facts.append(f"{say('new')}: {_listed(change.new)}")
    if change.changed:
        facts.append(f"{say('changed')}: {_listed(change.changed)}")
    if change.outside and not change.new and not change.changed:
        facts.append(say("the statements outside of functions change"))
        for what, names in (
            (say("new"), change.come),
            (say("another value"), change.other),
            (say("gone"), change.go),
        ):
            if names:
                facts.append(f"{what}: {_listed(names)}")
    return f"- `{change.path}`: {'; '.join(facts)}."


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _on_gaps(chapter: Chapter) -> str:
    found = changes(chapter.before, chapter.after)
    label = chapter.after.name
    texts = []
    if any(change.new for change in found):
        gap = f'raise NotImplementedError("{label}: ...")'
        texts.append(say("A gap is a body that reads `{gap}`: write it.", gap=gap))
    if any(change.changed for change in found):
        texts.append(
            say(
                "A body that works but has to do more begins with a comment `# {label}: ...`, and"
                " has more of them where it changes.",
                label=label,
            )
        )
    if any(change.outside and not change.new and not change.changed for change in found):
        texts.append(say("What is outside of functions has no gap: change it where it stands."))
    return " ".join(texts)


def kinds(chapter: Chapter) -> dict[str, list[Case]]:
    """The cases to satisfy, by the one new function or capability that each is about."""
    found: dict[str, list[Case]] = {}
    for case in chapter.due:
        words = chapter.words[case.id]
        kind = next(iter(words)) if len(words) == 1 else say("several together")
        found.setdefault(kind, []).append(case)
    return found


def _case_lists(chapter: Chapter) -> Iterator[str]:
    for kind, found in kinds(chapter).items():
        lines = [f"**{kind}** ({len(found)})", ""]
        lines += [f"- {case.statement}" for case in found[:_SHOWN]]
        if found[_SHOWN:]:
            lines.append(f"- {say('and {count} more', count=len(found) - _SHOWN)}")
        yield "\n".join(lines)


def notebook(chapter: Chapter, folder: Path) -> str:
    """The lab in `folder` as a notebook: the task, its files as cells that write them, a check.

    It belongs into that folder: a cell with a file of the package writes it there.
    """
    number = chapter.number
    task = (folder / "TASK.md").read_text("utf-8") if (folder / "TASK.md").is_file() else ""
    before_commands = task.partition("\n    nox -s lab --")[0].rpartition("\n## ")[0]
    cells = [_markdown(before_commands or f"# Lab {number}")]
    cells.append(
        _code(
            "import sys\n"
            "from importlib.util import find_spec\n\n"
            'if not (find_spec("dezero_harness") and find_spec("rich")):  # here, without nox\n'
            '    %pip install --quiet ../../shared "../../harness[lab]"'
        )
    )
    for change in changes(chapter.before, chapter.after):
        file = folder / change.path
        if change.gone:
            text = say(
                "`{file}` goes. When nothing needs it any more, take away the # and run:",
                file=change.path,
            )
            removal = f"import os; os.remove('{change.path.as_posix()}')"
            cells += [_markdown(text), _code(f'# !{{sys.executable}} -c "{removal}"')]
            continue
        cells.append(_markdown(f"## `{change.path}`\n\n{_change(change)[2:]}"))
        empty = f"# {change.path} is yours to write"
        source = file.read_text("utf-8").rstrip("\n") if file.is_file() else empty
        cells.append(_code(f"%%writefile {change.path}\n{source}"))
    heading = f"## {say('How far you are')}"
    cells.append(
        _markdown(
            f"{heading}\n\n"
            + say(
                "The cells above write the files of the engine: edit them here, or the files, but"
                " not both. Run them after each change, and then this one. `hint {number}` in place"
                " of `check {number}` shows one piece of the difference.",
                number=number,
            )
        )
    )
    cells.append(_code(f"!{{sys.executable}} -m dezero_harness.labs check {number}"))
    first = chapter.own[0]
    heading = f"## {say('To try things out')}"
    text = say("The first case, for a start: {statement}.", statement=first.statement)
    cells.append(_markdown(f"{heading}\n\n{text}"))
    cells.append(_code(_trial(first)))
    for place, cell in enumerate(cells):
        cell["id"] = f"lab{number}-{place}"
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text,
    }


def _trial(case: Case) -> str:
    """A cell that runs a case in a new process, so that it sees what was written last."""
    lines = shell_lines(Path("."), array_kind("numpy").prelude, case.program)
    *_, answer = ast.parse(case.program).body
    shown = f"print({ast.unparse(answer)})"
    before = "\n".join(lines[: -((answer.end_lineno or 0) - answer.lineno + 1)])
    return f"%%script --no-raise-error {{sys.executable}}\n{before}\n{shown}"
