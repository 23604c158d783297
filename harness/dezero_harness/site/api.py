"""What a stage offers, as JSON on standard output: names, signatures, docstrings, sources.

Run as a program, with the stage on the path: all stages are called dezero, so each is looked at in
a process of its own. It imports nothing but the standard library and the stage.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from types import ModuleType
from typing import Any


def describe(name: str, thing: Any) -> dict[str, Any]:
    """A class or a function: what a reader of its page is shown."""
    kind = "class" if inspect.isclass(thing) else "function"
    found: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "signature": signature(thing),
        "doc": own_doc(thing),
        "source": inspect.getsource(thing),
        "members": [],
        "bases": [],
        "operators": {},
    }
    if kind == "class":
        found["bases"] = [base.__name__ for base in thing.__bases__ if base is not object]
        found["members"] = members(thing)
        found["operators"] = {
            key: value.__name__
            for key, value in vars(thing).items()
            if key.startswith("__") and inspect.isfunction(value) and value.__name__ != key
        }
    return found


def members(cls: type) -> list[dict[str, Any]]:
    """The methods and properties that it defines, and those it has from a base class of ours."""
    found: dict[str, dict[str, Any]] = {}
    for owner in cls.__mro__:
        if not owner.__module__.startswith("dezero"):
            continue
        if owner is not cls and owner.__module__ == cls.__module__:
            continue  # it has a section of its own on the same page
        for name, thing in vars(owner).items():
            public = not name.startswith("_") or name in ("__call__", "__len__", "__repr__")
            is_property = isinstance(thing, property)
            if name in found or not public or not (is_property or inspect.isfunction(thing)):
                continue
            found[name] = {
                "name": name,
                "kind": "property" if is_property else "method",
                "signature": returned(thing.fget) if is_property else signature(thing),
                "doc": own_doc(thing),
                "from": "" if owner is cls else owner.__name__,
            }
    return list(found.values())


def signature(thing: Any) -> str:
    try:
        return str(inspect.signature(thing)).replace("'", "")
    except (TypeError, ValueError):
        return "(...)"


def returned(getter: Any) -> str:
    annotation = inspect.signature(getter).return_annotation
    return "" if annotation is inspect.Signature.empty else f": {annotation}".replace("'", "")


def own_doc(thing: Any) -> str:
    """Its docstring, but not one that it would inherit."""
    doc = thing.__doc__ if isinstance(thing.__doc__, str) else ""
    return inspect.cleandoc(doc)


def look_at(module: ModuleType) -> dict[str, Any]:
    own, shared = [], []
    for name, thing in vars(module).items():
        if name.startswith("_") or not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        if thing.__module__ == module.__name__:
            own.append(describe(name, thing))
        elif thing.__module__.startswith("dezero_shared"):
            shared.append(describe(name, thing) | {"module": thing.__module__})
    own.sort(key=lambda found: line_of(module, found["name"]))
    modules = [n for n, thing in vars(module).items() if inspect.ismodule(thing)]
    names = [n for n in vars(module) if not n.startswith("_") and n not in modules]
    return {
        "name": module.__name__,
        "doc": own_doc(module),
        "names": names,
        "own": own,
        "shared": shared,
    }


def line_of(module: ModuleType, name: str) -> int:
    return inspect.getsourcelines(getattr(module, name))[1]


def main() -> None:
    package = importlib.import_module("dezero")
    names = [f"dezero.{found.name}" for found in pkgutil.iter_modules(package.__path__)]
    modules = [look_at(importlib.import_module(name)) for name in ["dezero", *names]]
    print(json.dumps({"file": package.__file__, "modules": modules}))


if __name__ == "__main__":
    main()
