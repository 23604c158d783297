"""What a conformance case is, which capabilities exist, and what a stage without one answers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Raises:
    """The program ends in an exception: its class name, exactly, and a regex its message holds."""

    type: str
    match: str


@dataclass(frozen=True)
class Says:
    """The program answers with a text that matches this regex as a whole."""

    match: str


#: Capability -> what a stage without it does, in the order in which the stages bring them.
REFUSALS: Mapping[str, Raises] = {
    "create_graph": Raises("TypeError", "unexpected keyword argument 'create_graph'"),
    "parameter": Raises("ImportError", "cannot import name 'Parameter' from 'dezero'"),
    "test_mode": Raises("ImportError", "cannot import name 'test_mode' from 'dezero'"),
    "one_core": Raises("AssertionError", "is_simple_core still chooses"),
    "functions": Raises("ModuleNotFoundError", r"No module named 'dezero\.functions'"),
    "tanh": Raises("ImportError", r"cannot import name 'tanh' from 'dezero\.functions'"),
    "array_functions": Raises(
        "ImportError", r"cannot import name '(\w+)' from 'dezero\.functions'"
    ),
    "broadcast": Raises("ValueError", "the stage step36 brings"),
}

#: Capability of arrays -> what it is. A case needs it as it needs those of a stage; which arrays
#: lack it, and what a program then runs into, is said by their kind (`ArrayKind.lacks`).
ARRAY_CAPABILITIES: Mapping[str, str] = {
    "mutability": "the numbers of an array can be written into: x[0] = 1.0",
    "numbers": "the numbers of an array are there, not still to be computed, and it shows them",
    "uneven reshape": "an axis can be cut up, and each part joined with another axis",
    "negative steps": "a view can run backwards: x[::-1]",
    "float64": "the device computes in float64, and not in float32 at the most",
    "shape errors": "shapes that do not fit are a ValueError, which names them",
}

#: Capability of the environment that an engine runs in -> the module that brings it. With
#: `--python` it is somebody else's, and a case that needs what it lacks refuses as ABSENT says.
ENVIRONMENT: Mapping[str, str] = {"series": "dezero_shared.series"}
ABSENT: Mapping[str, Raises] = {
    name: Raises("ModuleNotFoundError", rf"No module named '{module.partition('.')[0]}\b")
    for name, module in ENVIRONMENT.items()
}

#: What a case is about. Another engine is asked the levels of a profile (suite/profiles.py).
LEVELS: Mapping[str, str] = {
    "core": "values, derivatives of every order, seeds, accumulation, broadcasting: mathematics",
    "book": "what the book promises beyond mathematics",
    "dtype": "which dtypes come out, and which data has a derivative",
    "hygiene": "shared memory, threads, what is freed, errors that leave things usable",
    "dezero": "names, texts, pictures, and where these engines depart from the book",
}

#: How far off sin, tanh and so on may be: NumPy promises less than 4 ulps where it computes them
#: with AVX-512; other processors and versions give other numbers within that.
FUNCTION_ULPS = 4

#: Capability -> another that it cannot be observed without.
PRESUPPOSED: Mapping[str, str] = {"tanh": "functions", "array_functions": "functions"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One claim about an engine: a program, and the answer that mathematics or the contract gives.

    The last line of `program` is an expression, the answer; `expect` is plain data (numbers,
    strings, None, nested lists, tuples and dicts of them) or `Raises`. A stage that lacks one of
    `needs` answers `without[capability]` instead or, where nothing is given, refuses as REFUSALS
    says; arrays that lack one refuse as their kind says, environments as ABSENT says. `level` is
    one of LEVELS. `rel`, of the expected number, and `abs` are tolerances; with both 0 the answer
    is exact. `warns`: NumPy may warn of numbers; `quiet`: the case is about nobody warning.
    """

    statement: str
    program: str
    expect: Any
    source: str
    chapter: int
    group: str
    level: str = ""
    needs: tuple[str, ...] = ()
    without: Mapping[str, Any] = field(default_factory=dict)
    rel: float = 0.0
    abs: float = 0.0
    warns: bool = False
    quiet: bool = False
    spine: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "program", textwrap.dedent(self.program).strip() + "\n")

    @cached_property
    def id(self) -> str:
        """The statement as a slug: what `-k` and a node id name."""
        return re.sub(r"[^a-z0-9]+", "-", self.statement.lower()).strip("-")
