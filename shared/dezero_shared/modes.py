"""Modes: switches that hold for one thread and one task at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Mode:
    """A switch, declared in a class and read from its instance: `Config.enable_backprop`.

    Each thread and each asyncio task sees its own value: what one turns off stays on for the
    others. A new thread starts with the default.
    """

    def __init__(self, default: bool):
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.current = ContextVar(name, default=self.default)

    def __get__(self, modes: object | None, owner: type) -> bool:
        return self.current.get()

    def __set__(self, modes: object, value: bool) -> None:
        self.current.set(value)


@contextmanager
def using(modes: object, name: str, value: bool) -> Iterator[None]:
    """In a `with` block or a decorated function the mode has this value; afterwards its former one.

    Raises ValueError for a name that is not a mode of `modes`.
    """
    switches = {key: mode for key, mode in vars(type(modes)).items() if isinstance(mode, Mode)}
    if name not in switches:
        raise ValueError(f"there is no mode named {name!r}; the modes are: {', '.join(switches)}")
    mode = switches[name]
    token = mode.current.set(value)
    try:
        yield
    finally:
        mode.current.reset(token)


class Modes:
    """The modes of an engine, for this thread and task. `using_config` sets them for a while."""

    __slots__ = ()

    enable_backprop = Mode(True)  # record what is computed, so that backward() can go through it
    train = Mode(True)  # train a model, as opposed to use it: some functions differ then


Config = Modes()


def using_config(name: str, value: bool):
    """`using` the modes of Config: `with using_config("enable_backprop", False): ...`"""
    return using(Config, name, value)


def no_grad():
    """Record nothing: what is computed has no creator and takes no memory for a backward pass."""
    return using_config("enable_backprop", False)


def test_mode():
    """Use a model rather than train it."""
    return using_config("train", False)
