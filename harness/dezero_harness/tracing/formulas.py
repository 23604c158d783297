"""What the Variables of a trace are as formulas: `4x³` beside the number 32.

A formula is known where a Variable is a polynomial, with few terms, in leaves that have a name and
in sin, cos or tanh of one of them. It is worked out from the functions of the trace alone, and kept
only if its value is that of the Variable.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

MINUS = "\N{MINUS SIGN}"
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_TERMS = 6
CLOSE = 1e-9  # relative

Nodes = dict[str, dict[str, Any]]
#: The atoms of a product with their exponents, sorted; () for 1.
Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, float]

_KNOWN = {"Sin": math.sin, "Cos": math.cos, "Tanh": math.tanh}


def formulas(nodes: Nodes) -> dict[str, str]:
    """The formula of each Variable of which one is known, by the name of its node."""
    found: dict[str, Polynomial] = {}
    leaves: dict[str, list[float]] = {}  # the numbers that a leaf has had, by its name
    atoms: dict[str, tuple[str, str]] = {}  # an atom that is a function -> its name, its leaf
    for name, node in nodes.items():
        if node["kind"] == "function":
            made = _result(node, [found.get(x) for x in node["inputs"]], nodes, atoms)
            if made is not None and len(made) <= MOST_TERMS and len(node["outputs"]) == 1:
                found[node["outputs"][0]] = made
        elif name not in found and node["role"] != "result" and not node["shape"]:
            if node["role"] == "leaf" and node["name"].isidentifier():
                found[name] = {((node["name"], 1),): 1.0}
                leaves[node["name"]] = [float(value) for value in node["values"]]
            elif node["role"] == "constant":
                found[name] = _sum({(): float(node["value"])})
    return {
        name: text(found[name])
        for name, node in nodes.items()
        if name in found
        and node.get("role") == "result"
        and any(found[name])  # more than a number
        and _agrees(found[name], float(node["value"]), leaves, atoms)
    }


def text(formula: Polynomial) -> str:
    """As it is written: `x⁴ + 2x²`. The highest powers first, but for one with a minus sign."""
    said = ""
    order = sorted(formula, key=lambda m: (-sum(e for _, e in m), m))
    positive = [monomial for monomial in order if formula[monomial] > 0]
    order.sort(key=lambda monomial: monomial != positive[0] if positive else 0)
    for monomial in order:
        factor = formula[monomial]
        sign = MINUS if factor < 0 else "+"
        size = f"{abs(factor):g}"
        product = " ".join(_power(atom, exponent) for atom, exponent in monomial)
        term = product if size == "1" and product else size + product
        said += f" {sign} {term}" if said else (MINUS if factor < 0 else "") + term
    return said or "0"


def _power(atom: str, exponent: int) -> str:
    raised = str(exponent).translate(RAISED) if exponent != 1 else ""
    function, space, argument = atom.partition(" ")
    return f"{function}{raised}{space}{argument}"


def _result(
    node: dict[str, Any],
    inputs: list[Polynomial | None],
    nodes: Nodes,
    atoms: dict[str, tuple[str, str]],
) -> Polynomial | None:
    """What this function makes of these; None where that is not known."""
    known = [x for x in inputs if x is not None]
    if len(known) < len(inputs):
        return None
    a, b = known[0], known[-1]
    kind, given = node["name"], node["given"]
    if kind == "Add":
        return _sum(a, b)
    if kind == "Sub":
        return _sum(a, _times(b, {(): -1.0}))
    if kind == "Neg":
        return _times(a, {(): -1.0})
    if kind == "Mul":
        return _times(a, b)
    if kind == "Pow" and given.get("c") in range(13):
        made: Polynomial = {(): 1.0}
        for _ in range(int(given["c"])):
            made = _times(made, a)
            if len(made) > MOST_TERMS:
                return None
        return made
    if kind in _KNOWN and list(a.values()) == [1.0] and len(next(iter(a))) == 1:
        ((leaf, exponent),) = next(iter(a))
        if exponent != 1 or leaf in atoms:
            return None
        own = nodes[node["outputs"][0]]["name"]
        atom = own if kind == "Tanh" and own else f"{kind.lower()} {leaf}"
        atoms[atom] = (kind, leaf)
        return {((atom, 1),): 1.0}
    return None


def _sum(*polynomials: Polynomial) -> Polynomial:
    made: Polynomial = {}
    for monomial, factor in itertools.chain.from_iterable(p.items() for p in polynomials):
        made[monomial] = made.get(monomial, 0.0) + factor
    return {monomial: factor for monomial, factor in made.items() if factor}


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    parts = []
    for (one, x), (other, y) in itertools.product(a.items(), b.items()):
        exponents = dict(one)
        for atom, exponent in other:
            exponents[atom] = exponents.get(atom, 0) + exponent
        parts.append({tuple(sorted(exponents.items())): x * y})
    return _sum(*parts)


def _agrees(
    formula: Polynomial,
    value: float,
    leaves: dict[str, list[float]],
    atoms: dict[str, tuple[str, str]],
) -> bool:
    """Whether the formula has this value, at one of the numbers that each leaf has had."""
    for at in _places(leaves):
        total = size = 0.0
        for monomial, factor in formula.items():
            term = factor
            for atom, exponent in monomial:
                kind, leaf = atoms.get(atom, ("", atom))
                number = _KNOWN[kind](at[leaf]) if kind else at[leaf]
                term *= number**exponent
            total, size = total + term, max(size, abs(term))
        if math.isclose(total, value, rel_tol=CLOSE, abs_tol=CLOSE * size):
            return True
    return False


def _places(leaves: dict[str, list[float]]) -> Iterator[dict[str, float]]:
    names = list(leaves)
    for numbers in itertools.product(*leaves.values()):
        yield dict(zip(names, numbers, strict=True))
