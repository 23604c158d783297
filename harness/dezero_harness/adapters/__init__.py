"""Engines that know nothing of the book's names: what an adapter gives, and adapters for some.

An adapter is a module (or a file) that gives what is below and nothing more. `bridge.py` makes a
package `dezero` of it, on which the mathematical cases run as they are: it owns `.grad`, adding up
and clearing, seeds and Variables, so an adapter says only what its engine can do. The reason is
that engines disagree on all of that (PyTorch adds up into `.grad`, JAX has none), and agree on
what a gradient is.

An engine with a tape, which remembers what was computed (PyTorch, Chainer, MyGrad, tinygrad):

    leaf(array)          a tensor of the engine's with these numbers, to be differentiated by
    numpy(t)             its numbers, as a NumPy array of the same shape
    OPERATIONS           a dict: name -> function of tensors and numbers, see below
    grad(y, leaves, seed, create_graph)
                         the gradients of y by each of these tensors, a list; None where y does not
                         depend on one. seed is a tensor of y's shape. With create_graph, what it
                         gives can be differentiated again; the graph of y is to stay as it is,
                         for it may be walked another time.

An engine that differentiates functions (JAX, autograd) gives, in place of `grad`:

    vjp(f, *xs)          f(*xs), and a function of a seed: the tuple of the gradients by each x.
                         f calls OPERATIONS. It may be nested: f may itself call vjp.

The operations, of which it gives those that it has: add, sub, mul, div (of two tensors, or of a
tensor and a number, in either order), neg(x), pow(x, c) with a number c, sin, cos, tanh, exp, log,
sum(x, axis, keepdims) with axis None or a tuple, reshape(x, shape), broadcast_to(x, shape),
transpose(x, axes), matmul(x, w).

What an engine does not state it is not asked, and a case that needs it is not applicable, whatever
the engine would have said. So an adapter may also give:

    CAPABILITIES         which of CAN it states; all of them where it says nothing
    ENGINE, TESTED       what `pip install` calls it, and the version the adapter was written for
    warm_up()            is called once, outside of any case's time: settings, imports, compilers
    BY_DESIGN            a dict: a regular expression of ids of cases -> why the engine answers
                         otherwise on purpose, for the table of engines
"""

from pathlib import Path

BRIDGE = Path(__file__).with_name("bridge.py")
#: The adapters of this folder, each as `--engine NAME`.
SHIPPED = ("torch", "jax", "autograd", "mygrad", "tinygrad", "chainer", "micrograd", "small")


def find(name: str) -> str:
    """The file of a shipped adapter; of any other what was given, a file or a module's name."""
    if name in SHIPPED:
        return str(BRIDGE.with_name(f"{name}.py"))
    return str(Path(name).absolute()) if name.endswith(".py") else name


def known(name: str) -> Path:
    """Where the known failures of a shipped engine stand, if it has any."""
    return BRIDGE.parent / "known" / f"{name}.toml"
