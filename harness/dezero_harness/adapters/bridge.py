"""A package `dezero` made of an adapter, in the process that runs the cases.

The worker loads this file alone, in the engine's own interpreter, Python 3.8 or later. `Variable`
computes by the adapter's operations and owns the gradients: adding up, clearing, seeds.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import operator
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Sequence  # noqa: UP035  (for Python 3.8)

import numpy as np

#: Capability of an adapter -> what it is.
CAN = {
    "create_graph": "a gradient can be differentiated",
    "arrays": "data has axes",
    "broadcast": "operands of different shapes",
}
#: Operation -> what a program writes as a sign.
SIGNS: dict[str, Callable] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": operator.pow,
}


class NotStated(Exception):
    """The adapter does not state what the program needs: the case is not applicable."""


class AdapterError(Exception):
    """The adapter is none; the message says what it lacks."""


def load(name: str) -> ModuleType:
    """The adapter in this file, or the module of this name. Raises AdapterError."""
    try:
        if name.endswith(".py"):
            spec = importlib.util.spec_from_file_location("conformance_adapter", name)
            if spec is None or spec.loader is None or not Path(name).is_file():
                raise AdapterError(f"--engine {name}: there is no such file")
            adapter = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(adapter)
        else:
            adapter = importlib.import_module(name)
    except AdapterError:
        raise
    except Exception as error:
        raise AdapterError(
            f"--engine {name}: the adapter cannot be imported, {type(error).__name__}: {error};"
            f" this is {sys.executable}, and --python names another"
        ) from None
    needed = ["leaf", "numpy", "OPERATIONS"]
    lacking = [part for part in needed if not hasattr(adapter, part)]
    if not (hasattr(adapter, "grad") or hasattr(adapter, "vjp")):
        lacking.append("grad (or vjp)")
    unknown = set(getattr(adapter, "CAPABILITIES", CAN)) - set(CAN)
    if lacking:
        raise AdapterError(f"--engine {name}: the adapter has no {', '.join(lacking)}")
    if unknown:
        raise AdapterError(
            f"--engine {name}: {', '.join(sorted(unknown))} in CAPABILITIES is none of"
            f" {', '.join(CAN)}"
        )
    return adapter


def install(adapter: Any) -> str:
    """Make `import dezero` give a package that computes with this adapter.

    Returns the engine's name and version, as far as the adapter tells.
    """
    getattr(adapter, "warm_up", lambda: None)()
    package, functions = ModuleType("dezero"), ModuleType("dezero.functions")
    variable, defined = book_like(adapter)
    package.__path__ = []  # a package, of modules that are here
    vars(package).update(Variable=variable, functions=functions, __adapter__=adapter)
    vars(functions).update(defined)
    sys.modules.update({"dezero": package, "dezero.functions": functions})
    name = getattr(adapter, "ENGINE", "")
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return f"{name} {importlib.metadata.version(name)}" if name else ""
    return name


class Tape:
    """An engine that remembers what it computed. A value is a tensor of the engine's."""

    def __init__(self, adapter: Any):
        self.adapter = adapter

    def leaf(self, array: np.ndarray) -> Any:
        return self.adapter.leaf(array)

    def numpy(self, value: Any) -> np.ndarray:
        return np.asarray(self.adapter.numpy(value))

    def apply(self, operation: Callable, *values: Any) -> Any:
        return operation(*values)

    def grad(self, y: Any, leaves: Sequence[Any], seed: Any, create_graph: bool) -> Sequence[Any]:
        return self.adapter.grad(y, leaves, seed, create_graph)


class Functional:
    """An engine that differentiates functions: what was computed is remembered here.

    A value is a Node. A gradient is a node as well, whose operation is a vjp: to differentiate it
    is to differentiate the function that calls vjp.
    """

    def __init__(self, adapter: Any):
        self.adapter = adapter

    def leaf(self, array: np.ndarray) -> Node:
        return Node(self.adapter.leaf(array))

    def numpy(self, value: Node) -> np.ndarray:
        return np.asarray(self.adapter.numpy(value.content))

    def apply(self, operation: Callable, *values: Any) -> Node:
        contents = [value.content if isinstance(value, Node) else value for value in values]
        return Node(operation(*contents), operation, values)

    def grad(
        self, y: Node, leaves: Sequence[Node], seed: Node, create_graph: bool
    ) -> Sequence[Node]:
        f = _function(y, leaves)
        _, pullback = self.adapter.vjp(f, *(leaf.content for leaf in leaves))
        gradients = pullback(seed.content)
        if not create_graph:
            return [Node(gradient) for gradient in gradients]

        def gradient(i: int) -> Callable:
            return lambda *xs: self.adapter.vjp(f, *xs[:-1])[1](xs[-1])[i]

        inputs = (*leaves, seed)
        return [Node(value, gradient(i), inputs) for i, value in enumerate(gradients)]


class Node:
    """What an operation gave, the operation, and what it was given: nodes and numbers."""

    def __init__(self, content: Any, operation: Callable | None = None, inputs: Any = ()):
        self.content, self.operation, self.inputs = content, operation, inputs


def _function(y: Node, leaves: Sequence[Node]) -> Callable:
    """y as a function of the contents of these leaves; all other leaves are constants of it."""
    order = in_order(y, lambda node: [i for i in node.inputs if isinstance(i, Node)])

    def f(*contents: Any) -> Any:
        known = {id(leaf): content for leaf, content in zip(leaves, contents)}
        for node in order:
            if id(node) in known:
                continue
            if node.operation is None:
                known[id(node)] = node.content
            else:
                given = [known[id(i)] if isinstance(i, Node) else i for i in node.inputs]
                known[id(node)] = node.operation(*given)
        return known[id(y)]

    return f


def in_order(root: Any, inputs: Callable[[Any], Sequence[Any]]) -> list[Any]:
    """All that `root` was made from, and itself; each after its inputs. Nothing recurses."""
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((one, False) for one in inputs(node))
    return order


def book_like(adapter: Any) -> tuple[Any, dict[str, Callable]]:
    """The class Variable, and the functions that `dezero.functions` has, on this adapter."""
    engine = Tape(adapter) if hasattr(adapter, "grad") else Functional(adapter)
    capabilities, operations = getattr(adapter, "CAPABILITIES", CAN), adapter.OPERATIONS

    def need(capability: str, needed: bool = True) -> None:
        if needed and capability not in capabilities:
            raise NotStated(capability)

    class Variable:
        """A value of the engine's, its gradient, and the Variables it was computed from."""

        __array_priority__ = 200.0
        __array_ufunc__ = None  # NumPy leaves its operands to the methods here
        name: Any
        grad: Any
        value: Any  # the engine's
        array: Any  # its numbers, once they were asked for
        parents: tuple[Any, ...]

        def __init__(self, data: Any, name: Any = None):
            self.name, self.grad = name, None
            self._assign(data)

        @classmethod
        def of(cls, value: Any, parents: Any) -> Any:
            self = cls.__new__(cls)
            self.name, self.grad = None, None
            self.value, self.parents, self.array = value, parents, None
            return self

        def _numbers(self) -> np.ndarray:
            if self.array is None:
                self.array = engine.numpy(self.value)
            return self.array

        def _assign(self, data: Any) -> None:
            data = np.asarray(data)
            need("arrays", data.ndim > 0)
            self.value, self.array, self.parents = engine.leaf(data), data, ()

        data = property(_numbers, _assign)
        shape = property(lambda self: tuple(self.data.shape))
        ndim = property(lambda self: self.data.ndim)
        size = property(lambda self: self.data.size)
        dtype = property(lambda self: self.data.dtype)

        def __len__(self) -> int:
            return len(self.data)

        def __repr__(self) -> str:
            return f"variable({self.data})"

        def cleargrad(self) -> None:
            self.grad = None

        def backward(self, retain_grad: bool = False, create_graph: bool = False) -> None:
            if retain_grad:
                raise NotStated("retain_grad")
            need("create_graph", create_graph)
            order = in_order(self, lambda variable: variable.parents)
            leaves = [variable for variable in order if not variable.parents]
            seed, parents = self.grad, tuple(leaves)
            if seed is None or not self.parents:
                seed = Variable(np.ones_like(self.data))
            else:
                self.grad, parents = None, (*leaves, seed)
            given = [leaf.value for leaf in leaves]
            gradients = engine.grad(self.value, given, seed.value, create_graph)
            for leaf, gradient in zip(leaves, gradients):
                if gradient is not None:
                    new = Variable.of(gradient, parents if create_graph else ())
                    added = new if leaf.grad is None or leaf is self else leaf.grad + new
                    leaf.grad = added if create_graph else Variable(np.array(added.data))

    def operation(name: str, broadcasts: bool = False) -> Callable:
        def apply(*given: Any, more: tuple[Any, ...] = ()) -> Any:
            if name not in operations:
                raise NotStated(name)
            operands = [Variable(x) if isinstance(x, np.ndarray) else x for x in given]
            variables = [x for x in operands if isinstance(x, Variable)]
            shapes = {x.shape for x in variables} if broadcasts else set()
            need("broadcast", len(shapes) > 1)
            values = [x.value if isinstance(x, Variable) else x for x in operands]
            value = engine.apply(lambda *xs: operations[name](*xs, *more), *values)
            return Variable.of(value, tuple(variables))

        return apply

    def reflected(f: Callable) -> Callable:
        return lambda x, other: f(other, x)

    def _number(x: Any) -> Any:  # NumPy's scalars are numbers here
        return x.item() if isinstance(x, np.generic) else x

    for name in ("add", "sub", "mul", "div"):
        sign, binary = SIGNS[name].__name__, operation(name, broadcasts=True)
        plain = lambda a, b, binary=binary: binary(_number(a), _number(b))  # noqa: E731
        setattr(Variable, f"__{sign}__", plain)
        setattr(Variable, f"__r{sign}__", reflected(plain))
    power = operation("pow")
    unary = {"neg": operation("neg"), "pow": lambda x, c: power(x, more=(_number(c),))}
    for name, method in unary.items():
        setattr(Variable, f"__{name}__", method)

    def shaped(name: str) -> Callable:
        apply = operation(name)
        return lambda x, shape: apply(x, more=(tuple(np.atleast_1d(shape).tolist()),))

    def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axis = axis if axis is None else tuple(np.atleast_1d(axis).tolist())
        return operation("sum")(x, more=(axis, keepdims))

    def sum_to(x: Any, shape: Any) -> Any:
        lead = x.ndim - len(shape)
        kept = [lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1]
        axes = (*range(lead), *kept)
        return shaped("reshape")(total(x, axes) if axes else x, shape)

    def transpose(x: Any, axes: Any = None) -> Any:
        axes = tuple(axes) if axes is not None else tuple(reversed(range(x.ndim)))
        return operation("transpose")(x, more=(axes,))

    functions = {name: operation(name) for name in ("sin", "cos", "tanh", "exp", "log")}
    functions.update(
        sum=total,
        sum_to=sum_to,
        transpose=transpose,
        matmul=operation("matmul"),
        reshape=shaped("reshape"),
        broadcast_to=shaped("broadcast_to"),
    )
    return Variable, functions
