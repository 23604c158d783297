"""What a chapter says of its difference: its remarks, and whether the code they name is there."""

from __future__ import annotations

import ast
import io
import keyword
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..prose.markdown import blocks, code_spans, items, sections
from .difference import FileDifference

#: The section whose items are the remarks; and the one of the first chapter, which has no earlier
#: stage to be compared with.
ON_THE_DIFFERENCE = "What to look at in the difference"
TO_READ = "What to read"
#: How the paragraph of that section begins that names the examples.
ON_EXAMPLES = re.compile(r"Examples?: ")

_NAME = re.compile(r"(?<!\w)[A-Za-z_]\w*")
_FILE = re.compile(r"[\w./-]*\w\.(?:py|md|toml|svg|png)|(?:\w+/)+")
_COMMAND = re.compile(r"(?:nox|git|python|examples/\S+) ")


@dataclass(frozen=True)
class Remark:
    """What a chapter says of a change: its number in the chapter, from 1, and its Markdown."""

    number: int
    text: str

    @property
    def lead(self) -> list[str]:
        """The code in its first sentence, which says what it is about."""
        return code_spans(re.split(r"(?<=[^.]\.)\s", self.text)[0])

    @property
    def plain(self) -> str:
        """Its text on one line, without bold letters."""
        return " ".join(self.text.replace("**", "").split())


def remarks(stage: Path) -> list[Remark]:
    """The items of the chapter's list on its difference."""
    found = items(on_the_difference(stage))
    return [Remark(number, item) for number, item in enumerate(found, start=1)]


def on_the_difference(stage: Path) -> str:
    """The section of the chapter on this stage that is about the difference; "" for none."""
    readme = stage / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    return sections(text).get(ON_THE_DIFFERENCE, "")


@dataclass
class _Code:
    """The names in the code of some files: not those in comments and docstrings."""

    names: set[str] = field(default_factory=set)
    #: Those inside of a class, or of one that it is made from, by its name.
    inside: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: By the lines of the file that was added last.
    lines: dict[int, set[str]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.lines = _names_by_line(text)
        for names in self.lines.values():
            self.names |= names
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    self.inside[node.name] |= self.lines.get(line, set())
                for base in node.bases:
                    if isinstance(base, ast.Name) and base.id in self.inside:
                        self.inside[node.name] |= self.inside[base.id]

    def lacks(self, span: str) -> list[str]:
        """The names in this piece of code that are nowhere here."""
        wanted = [name for name in _NAME.findall(span) if not keyword.iskeyword(name)]
        lacking = [name for name in wanted if name not in self.names]
        for owner, name in re.findall(r"(?<![\w.])(\w+)\.(\w+)", span):
            if owner in self.inside and name in self.names and name not in self.inside[owner]:
                lacking.append(f"{owner}.{name}")
        return lacking


def _names_by_line(text: str) -> dict[int, set[str]]:
    """The names in a text, and the words in its strings, without comments and docstrings."""
    docstrings = {
        (node.lineno, node.col_offset)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found: dict[int, set[str]] = defaultdict(set)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT and token.start not in docstrings:
            for number in range(token.start[0], token.end[0] + 1):
                found[number].update(_NAME.findall(token.string))
    return found


def wrong_names(
    old: Path | None, new: Path, files: Sequence[FileDifference], readme: str
) -> Iterator[str]:
    """What the chapter on this stage names in its section on the code, and is not there.

    What begins a remark, up to its first colon, semicolon or full stop, has to be in the changed
    lines, or in the three around them; what follows, in the files that change, before or after, or
    in a file that the remark names. Without an earlier stage (None) that is the whole package.
    """
    engine = [file for file in files if file.kind == "engine"] if old else []
    whole, near = _Code(), _Code()
    modules = sorted(new.glob("dezero/*.py"))
    if not old:
        for module in modules:
            whole.add(module.read_text("utf-8"))
    for file in engine:
        lines = []
        for folder, path in ((old, file.old), (new, file.new)):
            if folder and path:
                whole.add((folder / path).read_text("utf-8"))
                lines.append(whole.lines)
        for hunk in file.hunks:
            near.names.update(_NAME.findall(hunk.heading))
            for row in hunk.rows:
                number = row.old if row.mark == "-" else row.new
                near.names |= lines[0 if row.mark == "-" else -1].get(number or 0, set())
    near.inside = whole.inside
    for code in (whole, near):  # modules are named as well
        code.names |= {"dezero", *(module.stem for module in modules)}

    section = ON_THE_DIFFERENCE if old else TO_READ
    for block in blocks(sections(readme).get(section, "")):
        spans = code_spans(block.text)
        code = _Code(set(whole.names), whole.inside)
        named = [span for span in spans if _FILE.fullmatch(span)]
        for name in named:
            found = _find(name, old, new)
            if found is None:
                yield f"names the file `{name}`, and there is none"
            elif found.suffix == ".py":
                code.add(found.read_text("utf-8"))
        lead = ""
        if block.kind == "item" and old and not named:
            lead = re.split(r"[:;](?=\s)|\.(?=\s)", block.text)[0]
        for span in spans:
            if _FILE.fullmatch(span) or _COMMAND.match(span):
                continue
            for name in code.lacks(span):
                yield f"names `{span}`, and no code that it speaks of has `{name}`"
            if span in code_spans(lead) and not code.lacks(span):
                for name in near.lacks(span):
                    yield f"begins a remark with `{span}`, and no changed line has `{name}`"


def _find(name: str, old: Path | None, new: Path) -> Path | None:
    """A file or folder that a chapter names: of its stage, the one before, or the repository."""
    places = [new, new / "dezero", new / "examples", new.parent.parent, Path()]
    places += [old, old / "dezero"] if old else []
    return next((place / name for place in places if (place / name).exists()), None)
