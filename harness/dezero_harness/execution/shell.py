"""A program as a person repeats it: lines for a Python shell."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


def shell_lines(stage: Path, prelude: str, program: str, adapter: str = "") -> list[str]:
    """What to paste into a Python shell: the stage's path, the helpers in use, the program.

    adapter: of an engine behind one, in place of the path.
    """
    path = ["import sys", f"sys.path.insert(0, {str(stage)!r})"]
    if adapter:
        path = [
            "from dezero_harness.adapters import bridge",
            f"bridge.install(bridge.load({adapter!r}))",
        ]
    return [*path, *_pasteable(_used(prelude, program)), *_pasteable(program)]


def _used(prelude: str, program: str) -> str:
    """The statements of the prelude that define what the program names, or what these name."""
    shown: list[str] = []
    wanted = _names(ast.parse(program))
    for defined, names, source in reversed(_helpers(prelude)):
        if defined & wanted:
            shown.insert(0, source)
            wanted |= names
    return "\n".join(shown)


@cache  # one for all cases
def _helpers(prelude: str) -> list[tuple[set[str], set[str], str]]:
    """Of each statement of the prelude what it defines, what it names, and its text."""
    return [
        (_defined(statement), _names(statement), ast.get_source_segment(prelude, statement) or "")
        for statement in ast.parse(prelude).body
    ]


def _pasteable(source: str) -> list[str]:
    """A shell ends a block at an empty line: one after each block, none within."""
    lines = source.splitlines()
    pasteable: list[str] = []
    done = 0
    for statement in ast.parse(source).body:
        end = statement.end_lineno or done
        pasteable += [line for line in lines[done:end] if line.strip()]
        if end > done and hasattr(statement, "body"):
            pasteable.append("")
        done = end
    return pasteable


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Expr):  # a setting of a module that the program uses
        return _names(statement)
    return {statement.name} if isinstance(statement, ast.FunctionDef) else set()
