"""The page on what a stage offers. griffe reads its files: all stages are called dezero, and none
has to be imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import griffe

from .text import code, escaped, raw

#: How an operator is written, for the method behind it.
_WRITTEN = {
    "__add__": "x + y",
    "__radd__": "1 + x",
    "__sub__": "x - y",
    "__rsub__": "1 - x",
    "__mul__": "x * y",
    "__rmul__": "2 * x",
    "__truediv__": "x / y",
    "__rtruediv__": "1 / x",
    "__neg__": "-x",
    "__pow__": "x ** c",
}
_SHOWN = ("__call__", "__len__", "__repr__")  # of the names that begin with _

Thing = Any  # one of griffe's objects, or an alias of one


def page(root: Path, number: int, stage: Path) -> str:
    """The modules of this stage, from its own docstrings, as MyST Markdown."""
    loader = griffe.GriffeLoader(search_paths=[stage, root / "shared"], allow_inspection=False)
    package = loader.load("dezero")
    loader.load("dezero_shared")
    loader.resolve_aliases()

    given = ", ".join(f"`{name}`" for name in package.members if name not in package.modules)
    body = [
        f"# The API of stage {number}",
        "From its docstrings. What all stages share stands at the end.",
        "## `dezero`",
        f"{_doc(package)} `from dezero import ...` gives {given}.",
    ]
    shared: dict[str, Thing] = {}
    for module in [package, *sorted(package.modules.values(), key=lambda m: m.path)]:
        own, foreign = _things(module)
        shared |= foreign
        if own:
            body += [f"## `{module.path}`", _doc(module)]
            body += [line for thing in own for line in _thing(thing)]
        elif module is not package:
            names = ", ".join(f"`{name}`" for name in foreign)
            body += [f"## `{module.path}`", f"{_doc(module)} It holds {names}."]
    body.append("## Shared by all stages")
    body += [line for thing in shared.values() for line in _thing(thing)]
    return "\n\n".join(body) + "\n"


def _things(module: Thing) -> tuple[list[Thing], dict[str, Thing]]:
    """The public classes and functions of a module: its own, and those from dezero_shared."""
    own, shared = [], {}
    for name, thing in module.members.items():
        with suppress(griffe.AliasResolutionError):  # it comes from the standard library
            if not name.startswith("_") and (thing.is_class or thing.is_function):
                if not thing.is_alias:
                    own.append(thing)
                elif thing.canonical_path.startswith("dezero_shared."):
                    shared[name] = thing
    return own, shared


def _thing(thing: Thing) -> Iterator[str]:
    yield f"### `{thing.name}`"
    if thing.is_class:
        made = thing.all_members.get("__init__")
        yield code(f"class {made.signature(name=thing.name) if made else thing.name}")
    else:
        yield code(f"def {thing.signature(return_type=True)}")
    if thing.is_class and thing.bases:
        yield "A subclass of " + ", ".join(f"`{base}`" for base in thing.bases) + "."
    yield from _described(thing)
    if thing.is_class:
        operators = ", ".join(_operators(thing))
        if operators:
            yield f"Its operators: {operators}."
        members = [member for member in thing.members.values() if _is_shown(member)]
        if any(member.docstring for member in members):
            yield "\n".join(map(_member, members))
    where = f", in {thing.canonical_path.rpartition('.')[0]}" if thing.is_alias else ""
    yield raw(f"<details><summary>The source{where}</summary>")
    yield code(thing.source)
    yield raw("</details>")


def _operators(cls: Thing) -> Iterator[str]:
    """What each operator calls: its module assigns `Variable.__add__ = add`, and the like."""
    for node in ast.walk(ast.parse(cls.module.source)):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            several = [getattr(part, "elts", [part]) for part in (target, node.value)]
            for method, function in zip(*several):
                owner, _, name = ast.unparse(method).partition(".")
                if owner == cls.name and name in _WRITTEN:
                    yield f"`{_WRITTEN[name]}` calls `{ast.unparse(function)}`"


def _is_shown(member: Thing) -> bool:
    public = not member.name.startswith("_") or member.name in _SHOWN
    return public and (member.is_function or "property" in member.labels)


def _member(member: Thing) -> str:
    if member.is_function:
        form = member.signature(return_type=True)
    else:
        form = member.name + (f": {member.annotation}" if member.annotation else "")
    indented = [paragraph.replace("\n", "\n  ") for paragraph in _described(member)]
    return f"- `{form}`" + "".join(f"\n\n  {paragraph}" for paragraph in indented) + "\n"


def _doc(thing: Thing) -> str:
    return escaped(thing.docstring.value) if thing.docstring else ""


def _described(thing: Thing) -> list[str]:
    """The paragraphs of a docstring; what it says of an argument, or raises, on its own line."""
    new_line = re.compile(r"\n(?=[a-z_]\w*(?:, \w+)*: |Raises )")
    return [new_line.sub("\\\\\n", part) for part in _doc(thing).split("\n\n") if part]
