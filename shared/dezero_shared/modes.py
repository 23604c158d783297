"""Modes: switches that hold for one thread and one task at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any


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


class using:
    """In a `with` block or a decorated function the mode has this value; afterwards its former one.

    Raises ValueError for a name that is not a mode of `modes`.
    """

    __slots__ = ("_arguments", "_before", "_mode", "_value")

    def __init__(self, modes: object, name: str, value: bool):
        mode = vars(type(modes)).get(name)
        if not isinstance(mode, Mode):
            known = vars(type(modes)).items()
            names = ", ".join(key for key, mode in known if isinstance(mode, Mode))
            raise ValueError(f"there is no mode named {name!r}; the modes are: {names}")
        self._mode, self._value = mode, value
        self._arguments = (modes, name, value)

    def __enter__(self) -> None:
        self._before = self._mode.current.set(self._value)

    def __exit__(self, *exception: object) -> None:
        self._mode.current.reset(self._before)

    def __call__(self, function: Callable) -> Callable:
        """The function, with the mode set anew for each call."""

        @wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            with using(*self._arguments):
                return function(*args, **kwargs)

        return inner


class Modes:
    """The modes of an engine, for this thread and task. `using_config` sets them for a while."""

    __slots__ = ()

    enable_backprop = Mode(True)  # record what is computed, so that backward() can go through it
    train = Mode(True)  # train a model, as opposed to use it: some functions differ then


Config = Modes()

#: Is Config.enable_backprop on? Every operation asks, so this asks the context variable directly.
recording: Callable[[], bool] = vars(Modes)["enable_backprop"].current.get


def using_config(name: str, value: bool):
    """`using` the modes of Config: `with using_config("enable_backprop", False): ...`"""
    return using(Config, name, value)


def no_grad():
    """Record nothing: what is computed has no creator and takes no memory for a backward pass."""
    return using_config("enable_backprop", False)


def test_mode():
    """Use a model rather than train it."""
    return using_config("train", False)
