"""The catalogue: every module of this package defines CASES, and ALL holds them all.

The simplest come first, chapter by chapter, for they say best what is wrong with a broken engine.
"""

from importlib import import_module
from pkgutil import iter_modules

from ..model.case import Case

ALL: list[Case] = [
    case
    for module in sorted(found.name for found in iter_modules(__path__))
    for case in import_module(f"{__name__}.{module}").CASES
]
ALL.sort(key=lambda case: (case.chapter, case.group))
