"""Which class or function the lines of a module are in."""

from __future__ import annotations

import ast
from contextlib import suppress


def definitions(text: str) -> dict[int, str]:
    """For each line that is in a class or function, the innermost, as in "Mul.backward".

    Its decorators are part of it. Without any where the text is no Python, as work in progress.
    """
    names: dict[int, str] = {}

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}.{child.name}".lstrip(".")
                start = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                names.update(dict.fromkeys(range(start, (child.end_lineno or start) + 1), name))
            walk(child, name)

    with suppress(SyntaxError):
        walk(ast.parse(text), "")
    return names


def top(name: str) -> str:
    """The class or function of a module that this one is, or is in."""
    return name.partition(".")[0]
