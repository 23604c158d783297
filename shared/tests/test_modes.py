"""Modes: what one thread or task sets, it alone sees, and only for a while."""

import asyncio
import contextlib
import contextvars
import gc
import random
import threading
import weakref

import pytest

from dezero_shared import modes
from dezero_shared.modes import Config, no_grad, using_config


def in_a_thread(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


def recording():
    return Config.enable_backprop


def test_the_defaults():
    assert Config.enable_backprop is True
    assert Config.train is True


def test_a_block_sets_one_mode_and_restores_it():
    with no_grad():
        assert Config.enable_backprop is False
        assert Config.train is True
    assert Config.enable_backprop is True
    with modes.test_mode():
        assert Config.train is False
        assert Config.enable_backprop is True
    assert Config.train is True


def test_what_is_restored_is_the_mode_before():
    with no_grad():
        with using_config("enable_backprop", True):
            assert Config.enable_backprop is True
        assert Config.enable_backprop is False


def test_an_exception_restores_the_mode():
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018
    assert Config.enable_backprop is True


def test_a_decorated_function_can_be_called_again():
    decorated = no_grad()(recording)
    assert decorated() is False
    assert recording() is True
    assert decorated() is False


def test_an_unknown_mode_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'training'.*enable_backprop, train"):
        using_config("training", True).__enter__()


def test_another_thread_has_its_own_mode():
    with no_grad():
        assert in_a_thread(recording) is True
    assert in_a_thread(no_grad()(recording)) is False
    assert recording() is True


def test_another_task_has_its_own_mode():
    seen = []

    async def quiet(entered, checked):
        with no_grad():
            entered.set()
            await checked.wait()
            seen.append(("quiet", recording()))

    async def watch(entered, checked):
        await entered.wait()
        seen.append(("watch", recording()))
        checked.set()

    async def main():
        entered, checked = asyncio.Event(), asyncio.Event()
        await asyncio.gather(quiet(entered, checked), watch(entered, checked))

    asyncio.run(main())
    assert seen == [("watch", True), ("quiet", False)]


def depth():
    """How many blocks this thread is in, counting those that are only kept."""
    block, count = vars(modes.Modes)["enable_backprop"].current.get(), 0
    while block.outer is not None:
        block, count = block.outer, count + 1
    return count


def test_blocks_that_are_left_out_of_turn_do_not_pile_up():
    one, two = no_grad(), using_config("enable_backprop", True)
    for _ in range(1000):
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        assert recording() is True
        two.__exit__(None, None, None)
    assert depth() <= 1
    with no_grad():
        assert depth() == 1
    assert recording() is True


def test_assigned_modes_do_not_pile_up():
    def count():
        for n in range(1000):
            Config.enable_backprop = n % 2 == 1
        return depth(), recording()

    assert contextvars.copy_context().run(count) == (1, True)


def test_many_generators_are_ended_by_another_thread_in_any_order():
    def within(value):
        with using_config("enable_backprop", value):
            yield

    for seed in range(20):
        values = [seed % 2 == 0, False, True, False]
        alive = [(within(value), value) for value in values]
        for generator, _ in alive:
            next(generator)
        random.Random(seed).shuffle(order := list(range(4)))
        ended = []
        for i in order:
            in_a_thread(alive[i][0].close)
            ended.append(i)
            left = [value for j, value in enumerate(values) if j not in ended]
            assert recording() is (left[-1] if left else True)
    assert depth() <= 4
    with no_grad():
        assert depth() == 1


def test_what_has_been_used_keeps_nothing():
    quiet = no_grad()
    with quiet, quiet:
        pass
    assert not quiet._entered


def test_a_decorated_generator_keeps_no_exception():
    class Thrown(Exception):
        pass

    @no_grad()
    def steps():
        while True:
            with contextlib.suppress(Thrown):
                yield

    running = steps()
    next(running)
    gc.collect()
    gc.disable()
    try:
        error = Thrown()
        kept = weakref.ref(error)
        running.throw(error)
        del error
        assert kept() is None
    finally:
        gc.enable()


def test_a_decorated_generator_is_as_free_of_warnings_as_its_body():
    @no_grad()
    async def never():
        pass

    with pytest.warns(RuntimeWarning, match=r"coroutine '.*never' was never awaited"):
        never()
