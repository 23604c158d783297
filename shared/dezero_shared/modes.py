"""Modes: switches that hold for one thread and one task at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar, Token
from functools import wraps
from types import coroutine
from typing import Any


class Mode:
    """A switch, declared in a class and read from its instance: `Config.enable_backprop`.

    Each thread and each asyncio task sees its own value: what one turns off stays on for the
    others. A new thread starts with the default, a new task with what holds where it is made.
    """

    def __init__(self, default: bool):
        self.default = _block(default)

    def __set_name__(self, owner: type, name: str) -> None:
        self.current: ContextVar[_Block] = ContextVar(name, default=self.default)

    def __get__(self, modes: object | None, owner: type) -> bool:
        return bool(self.current.get())

    def __set__(self, modes: object, value: bool) -> None:
        block = _living(self.current.get())
        if block.owner is None and block.outer is not None:  # was assigned: it takes its place
            block = block.outer
        self.current.set(_block(_flag(value), block))


class _Block(list):
    """A value of a mode while someone is in a block: empty for off. They are linked outwards.

    A list, since of all that can be changed it is the fastest to ask whether it is true.

    outer: what holds around it. owner: the `using` that was entered, None for an assigned value.
    """

    __slots__ = ("outer", "owner", "token")
    outer: _Block | None
    owner: using | None
    token: Token


def _block(value: bool, outer: _Block | None = None, owner: using | None = None) -> _Block:
    block = _Block((True,) if value else ())  # not in __init__, which would take twice as long
    block.outer, block.owner = outer, owner
    return block


class _Left(_Block):
    """A block that was left while someone is in it: from within another, or by another thread.

    For them, too, what is around it holds from then on, whatever that will be.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(_living(self))


def _living(block: Any) -> _Block:
    """This block or, where it was left, the next one around it that was not."""
    while type(block) is _Left:
        block = block.outer
    return block


def _flag(value: bool) -> bool:
    if value is not True and value is not False:
        raise TypeError(f"a mode is True or False, not {value!r}")
    return value


class using:
    """In a `with` block or a decorated function the mode has this value; afterwards its former one.

    Blocks may be left in any order, and by another thread or task than has entered them, as the end
    of a generator may be: the innermost block that was not left says what holds. One object may be
    used again and again, also within itself, and by several threads at once.

    As a decorator it holds while the body of the function runs. Where the body of a generator or a
    coroutine pauses, its caller goes on with the mode that the caller has. One that is given up
    inside is best closed: up to Python 3.11 the garbage collector may end it in the middle of a
    change of another mode, which crashes the interpreter.

    Raises ValueError for a name that is not a mode of `modes`, TypeError for a value that is
    neither True nor False.
    """

    __slots__ = ("_entered", "_mode", "_value")

    def __init__(self, modes: object, name: str, value: bool):
        mode = vars(type(modes)).get(name)
        if not isinstance(mode, Mode):
            known = vars(type(modes)).items()
            names = ", ".join(key for key, mode in known if isinstance(mode, Mode))
            raise ValueError(f"there is no mode named {name!r}; the modes are: {names}")
        self._mode, self._value = mode, _flag(value)
        self._entered: dict[int, _Block] = {}  # by id; threads may share it

    def __enter__(self) -> None:
        current = self._mode.current
        block = _block(self._value, _living(current.get()), self)
        self._entered[id(block)] = block
        block.token = current.set(block)

    def __exit__(self, *exception: object) -> None:
        current = self._mode.current
        block: _Block | None = current.get()
        is_innermost = True
        while block is not None and block.owner is not self:
            is_innermost = is_innermost and block.owner is None
            block = block.outer
        if block is None:  # someone else has entered it
            if not self._entered:
                raise RuntimeError("the mode was left more often than it was entered")
            block, is_innermost = next(reversed(self._entered.values())), False
        self._entered.pop(id(block), None)
        if is_innermost:
            try:
                current.reset(block.token)
                return
            except ValueError:  # whoever made this task or thread has entered it, and is in it
                pass
        block.owner = None
        block.__class__ = _Left

    def __call__(self, function: Callable) -> Callable:
        """The function, with the mode set anew for each call."""
        mode, value = self._mode, self._value
        inner: Callable

        if _is(inspect.isgeneratorfunction, function):

            def inner(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
                return (yield from _resumed(function(*args, **kwargs), mode, value))

        elif _is(inspect.iscoroutinefunction, function):

            async def inner(*args: Any, **kwargs: Any) -> Any:
                return await _awaited(function(*args, **kwargs), mode, value)

        elif _is(inspect.isasyncgenfunction, function):

            async def inner(*args: Any, **kwargs: Any) -> Any:
                generator = function(*args, **kwargs)
                step = generator.__anext__()
                while True:
                    try:
                        item = await _awaited(step, mode, value)
                    except StopAsyncIteration:
                        return
                    try:
                        step = generator.asend((yield item))
                    except BaseException as error:
                        step = generator.athrow(error)

        else:

            def inner(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        return wraps(function)(inner)


def _is(kind: Callable[[Any], bool], function: Any) -> bool:
    """Whether a function, or an object that is called like one, is of this kind."""
    return kind(function) or kind(getattr(function, "__call__", None))  # noqa: B004


def _resumed(body: Any, mode: Mode, value: bool) -> Generator[Any, Any, Any]:
    """Run a generator with a mode of its own, which its caller does not see where it pauses.

    All else passes through: what is sent and thrown in, what is yielded, returned and raised.
    """
    current, inside = mode.current, _block(value)
    resume, argument = body.send, None
    while True:
        outside = current.set(inside)
        try:
            item = resume(argument)
        except StopIteration as stop:
            return stop.value
        finally:
            inside = current.get()
            current.reset(outside)
            argument = None  # an exception would refer to this frame, and the frame to it
        try:
            resume, argument = body.send, (yield item)
        except BaseException as error:
            resume, argument = body.throw, error


@coroutine
def _awaited(body: Any, mode: Mode, value: bool) -> Generator[Any, Any, Any]:
    """The same for a coroutine, and what else can be awaited step by step."""
    return (yield from _resumed(body, mode, value))


class Modes:
    """The modes of an engine, for this thread and task. `using_config` sets them for a while."""

    __slots__ = ()

    enable_backprop = Mode(True)  # record what is computed, so that backward() can go through it
    train = Mode(True)  # train a model, as opposed to use it: some functions differ then


Config = Modes()

#: Is Config.enable_backprop on? Every operation asks, so this asks the context variable directly,
#: and what it answers is true or false, if not True or False.
recording: Callable[[], Any] = vars(Modes)["enable_backprop"].current.get


def using_config(name: str, value: bool):
    """`using` the modes of Config: `with using_config("enable_backprop", False): ...`"""
    return using(Config, name, value)


def no_grad():
    """Record nothing: what is computed has no creator and takes no memory for a backward pass."""
    return using_config("enable_backprop", False)


def test_mode():
    """Use a model rather than train it."""
    return using_config("train", False)
