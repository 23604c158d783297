"""Modes: what one thread or task sets, it alone sees, and only for a while."""

import asyncio
import threading

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
