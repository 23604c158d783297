"""One sentence for a classic mistake, read from what was expected, what came, and the code.

It says what the numbers, the error or the code show, and no more: where nothing is sure, nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import isclose

from ..execution.judge import Verdict, differences
from ..model.case import Raises
from .attempt import Review, Unit
from .chapter import Outcome, depth
from .words import say

_SIMPLE = 12  # a factor that one number shows: a whole one up to this, or its inverse

_UNFIT = re.compile(
    r"(\w+)\.backward must return a gradient for each input.*?inputs: (.*?); returned: (.*?)"
    r"(?:\. |$)",
    re.DOTALL,
)
_TAKEN_APART = re.compile(r"numpy\.(\w+) would take a Variable apart")


def likely(review: Review) -> str:
    """What the first failure of a review most likely comes from; empty where it is any guess."""
    outcome = review.first
    assert outcome.verdict
    assert outcome.observed
    if outcome.observed.error:
        return _of_error(outcome, review) or _of_code(review)
    return _of_code(review) or _of_numbers(outcome, outcome.verdict)


# What an error says


def _of_error(outcome: Outcome, review: Review) -> str:
    assert outcome.observed
    error, message = outcome.observed.error, outcome.observed.message
    if error == "BdbQuit":
        return say(
            "your files stop in a debugger, and nobody can be asked there. To stop in it:"
            " {command}",
            command=f"nox -s lab -- run {review.attempt.chapter.number}",
        )
    found = _TAKEN_APART.search(message)
    if found:
        return say(
            "NumPy's {name} got a Variable, and NumPy knows arrays alone. forward is given arrays;"
            " a backward computes with Variables, so it calls the engine's own functions.",
            name=found[1],
        )
    found = _UNFIT.search(message)
    if found:
        return _of_gradients(found[1], found[2], found[3], review)
    if "a Variable's array is its .data" in message and error == "TypeError":
        return say(
            "a Variable, or a list of them, came where an array is due. forward computes with"
            " arrays and returns arrays; self.inputs is a list, even of a single input:"
            " (x,) = self.inputs"
        )
    return ""


def _of_gradients(name: str, inputs: str, returned: str, review: Review) -> str:
    kinds = [kind.split(" ")[0] for kind in re.split(r", (?=[A-Za-z])", returned)]
    wanted = re.split(r", (?=[A-Za-z])", inputs)
    if returned == "None" and len(wanted) > 1:
        return say(
            "{name}.backward gives back None, once for all inputs: is its return forgotten?",
            name=name,
        )
    if len(kinds) != len(wanted):
        return say(
            "{name} has {inputs}, and its backward returned {gradients}: it owes one to each"
            " input, in their order.",
            name=name,
            inputs=say("1 input") if len(wanted) == 1 else say("{count} inputs", count=len(wanted)),
            gradients=say("1 gradient")
            if len(kinds) == 1
            else say("{count} gradients", count=len(kinds)),
        )
    walk = any(unit.name == "Variable.backward" for unit in review.blamed)
    if {"ndarray", "float64", "float32", "float16", "float", "int"}.intersection(kinds):
        if walk:
            return say(
                "{name}.backward returned an array where a Variable is due, for it was given one:"
                " the walk in Variable.backward starts from an array.",
                name=name,
            )
        return say(
            "{name}.backward returned an array where a Variable is due: on its way the gradient"
            " lost its graph, by .data or by a function of NumPy.",
            name=name,
        )
    have, want = _shapes(returned), _shapes(inputs)
    if have == want and "Variable" in kinds:
        return say(
            "{name}.backward returned a Variable where an array is due: the walk in"
            " Variable.backward still takes arrays for gradients.",
            name=name,
        )
    if len(have) == len(want) and all(map(_repeats, want, have)):
        return say(
            "a gradient of {name} has another shape than its operand: what broadcasting repeated"
            " has to be summed again, and nobody did.",
            name=name,
        )
    if have != want:
        return say(
            "a gradient that {name}.backward returned has another shape than its input.", name=name
        )
    return ""


def _repeats(shape: str, other: str) -> bool:
    """Whether an array of a shape, as text, can be repeated until it has the other."""
    small, large = ([int(n) for n in re.findall(r"\d+", text)] for text in (shape, other))
    pairs = zip(reversed(small), reversed(large), strict=False)
    return len(small) <= len(large) and all(n in (1, m) for n, m in pairs)


def _shapes(described: str) -> list[str]:
    return re.findall(r"\w+ (\([\d, ]*\))", described)


# What the code says


def _of_code(review: Review) -> str:
    """Of the definitions that may be wrong, what is plain to see without running them."""
    attempt = review.attempt
    for unit in review.blamed or _still_as_before(review):
        mine, right = (
            _definition(files, unit) for files in (attempt.files, attempt.repaired(unit))
        )
        if mine is None or right is None:
            continue
        for one, name in _functions(mine, unit):
            other = {key: one for one, key in _functions(right, unit)}.get(name)
            text = other is not None and _of_function(one, other, name, review)
            if text:
                return text
    return ""


def _still_as_before(review: Review) -> Sequence[Unit]:
    """What was not written, where all the rest was: then one line of it was overlooked."""
    few = len(review.attempt.left) <= 2 and review.first in review.unwritten
    return review.attempt.left if few else ()


def _of_function(mine: ast.FunctionDef, right: ast.FunctionDef, name: str, review: Review) -> str:
    if _returns(right) and not _returns(mine) and not _raises(mine):
        return say(
            "{name} computes something and returns nothing: its return is forgotten.", name=name
        )
    passed = [one.arg for one in mine.args.args[1:]]
    unused = [one for one in passed if not any(_is_name(node, one) for node in ast.walk(mine))]
    if mine.name == "backward" and name != "Variable.backward" and unused:
        return say(
            "{name} never uses {gradient}, the gradient that comes from above: by the chain rule"
            " it is a factor of what is passed on.",
            name=name,
            gradient=unused[0],
        )
    if mine.name == "backward" and name == "Variable.backward":
        inside = [node for one in _withs(mine) for node in ast.walk(one)]
        if "create_graph" not in passed:
            return say(
                "{name} takes no create_graph: a program asks for it, and nobody listens.",
                name=name,
            )
        if any(isinstance(node, ast.Call) and _is_name(node.func, "no_grad") for node in inside):
            return say(
                "{name} takes create_graph, and walks under no_grad() all the same.", name=name
            )
        if not any(_is_name(node, "create_graph") for node in inside):
            return say(
                "{name} takes create_graph, and the walk never asks it whether to record.",
                name=name,
            )
    if mine.name == "backward" and depth(review.first.case) == 2:
        taken = _taken_out(mine)
        if taken and not _taken_out(right):
            return say(
                "{name} computes with `{taken}`, an array: to the engine that is a constant, so"
                " the first derivative is right and the next one does not see it.",
                name=name,
                taken=taken,
            )
    return ""


def _taken_out(function: ast.FunctionDef) -> str:
    """The first array that a backward takes out of a Variable."""
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in ("data", "_data"):
            return ast.unparse(node)
    return ""


def _definition(files: dict, unit: Unit) -> ast.AST | None:
    tree: ast.AST = ast.parse(files.get(unit.path, ""))
    for part in unit.name.rstrip(".").split(".") if unit.name else ():
        body = getattr(tree, "body", [])
        found = [node for node in body if getattr(node, "name", None) == part]
        if not found:
            return None
        tree = found[-1]
    return tree


def _functions(node: ast.AST, unit: Unit) -> Iterator[tuple[ast.FunctionDef, str]]:
    if isinstance(node, ast.FunctionDef):
        yield node, unit.name
    elif isinstance(node, ast.ClassDef):
        for one in node.body:
            if isinstance(one, ast.FunctionDef):
                yield one, f"{node.name}.{one.name}"


def _returns(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Return) and node.value for node in ast.walk(function))


def _raises(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Raise) for node in function.body)


def _withs(function: ast.FunctionDef) -> list[ast.expr]:
    found = [node for node in ast.walk(function) if isinstance(node, ast.With)]
    return [item.context_expr for node in found for item in node.items]


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


# What the numbers say


def _of_numbers(outcome: Outcome, verdict: Verdict) -> str:
    case, observed = outcome.case, outcome.observed
    assert observed
    if isinstance(case.expect, Raises):
        return ""
    found = list(differences(case, case.expect, observed.value))
    if not found:
        return ""
    if all(got is None for _, _, got in found):
        return say(
            "None where a derivative is due: the walk did not come to x. Something on the way is a"
            " constant to the engine, an array or what was computed without recording."
        )
    if not all(_is_number(one) and _is_number(got) for _, one, got in found):
        return ""
    in_part = verdict.expected.count(",") + 1 != len(found)
    numbers = [(float(one), float(got)) for _, one, got in found]
    if any(not one or not got for one, got in numbers):
        return ""
    ratios = [got / one for one, got in numbers]
    if not all(isclose(ratio, ratios[0], rel_tol=1e-9) for ratio in ratios):
        return ""
    if isclose(ratios[0], -1.0, rel_tol=1e-9):
        if in_part:
            return say(
                "your result has the opposite sign where it is wrong, and is right but for that: a"
                " minus is missing, or there is one too many."
            )
        return say(
            "your result has the opposite sign, and is right but for that: a minus is missing, or"
            " there is one too many."
        )
    simple = Fraction(ratios[0]).limit_denominator(_SIMPLE)
    is_simple = isclose(simple, ratios[0], rel_tol=1e-9) and (
        (simple.denominator == 1 and abs(simple) <= _SIMPLE) or abs(simple.numerator) == 1
    )
    if is_simple or len(ratios) > 2:
        times = simple if is_simple else f"{ratios[0]:.6g}"
        if in_part:
            return say(
                "your result is {times} times the right one where it is wrong: a factor is"
                " missing, or too many.",
                times=times,
            )
        return say(
            "your result is {times} times the right one: a factor is missing, or too many.",
            times=times,
        )
    return ""


def _is_number(x: object) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)
