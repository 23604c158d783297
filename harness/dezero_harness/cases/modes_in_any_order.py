"""Modes that are left in any order, by anyone, and functions whose bodies pause.

The answers are those of a model: each thread has a list of what it has entered, leaving takes one's
own entry out wherever it is, and what holds is the last entry that is left, else the default.
"""

import random
from functools import partial
from itertools import permutations
from textwrap import dedent

from ..model.case import Case, Raises

SOURCE = "contract: modes are restored in whatever order they were entered and left"
case = partial(Case, chapter=31, group="any-order", level="hygiene", source=SOURCE)
CASES = []

# --- every order ---


def orders(count):
    """Every order in which so many blocks can be entered and left: +1 enters block 1, -1 leaves."""
    steps = [sign * (i + 1) for i in range(count) for sign in (1, -1)]
    return [
        list(order)
        for order in sorted(set(permutations(steps)))
        if all(order.index(i + 1) < order.index(-i - 1) for i in range(count))
    ]


def modelled(script, values, entering, leaving, threads):
    """What each thread sees after each step, and the script with the thread that takes each step.

    Block i has this value, is entered by one thread and left by another, or the same.
    """
    entered: list[list[int]] = [[] for _ in range(threads)]
    seen, placed = [], []
    for step in script:
        i = abs(step) - 1
        if step > 0:
            entered[entering[i]].append(i)
        else:
            entered[entering[i]].remove(i)
        placed.append((entering[i] if step > 0 else leaving[i], step))
        seen.append([values[own[-1]] if own else True for own in entered])
    return placed, seen


# The first thread is the one that runs the case: others have to be waited for, which takes most of
# the time of all this.
RUN = """\
def run(scripts, values, threads, objects):
    from concurrent.futures import ThreadPoolExecutor

    pools = [ThreadPoolExecutor(1) for _ in range(threads - 1)]

    def sees(thread, step=lambda: None):
        def look():
            step()
            return dezero.Config.enable_backprop

        return pools[thread - 1].submit(look).result(10) if thread else look()

    answers = []
    for script in scripts:
        made = [dezero.using_config("enable_backprop", value) for value in values]
        blocks = [made[i] for i in objects]
        seen = []
        for thread, step in script:
            block = blocks[abs(step) - 1]
            step = block.__enter__ if step > 0 else lambda: block.__exit__(None, None, None)
            mine = sees(thread, step)
            seen.append([mine if other == thread else sees(other) for other in range(threads)])
        answers.append(seen)
    for pool in pools:
        pool.shutdown()
    return answers

"""


def in_all_orders(statement, scripts, values, who, objects=None):
    """who: for each script the threads that enter each block, and those that leave each."""
    threads = 1 + max(thread for pair in who for some in pair for thread in some)
    found = [
        modelled(script, values, entering, leaving, threads)
        for script, (entering, leaving) in zip(scripts, who)
    ]
    objects = list(range(len(values))) if objects is None else objects
    return case(
        statement=statement,
        program=RUN + f"run({[placed for placed, _ in found]}, {values}, {threads}, {objects})",
        expect=[seen for _, seen in found],
    )


RNG = random.Random(13)
THREE = orders(3)
ALONE = ((0, 0, 0), (0, 0, 0))


def who(threads, back):
    """For each of THREE who enters each block; who leaves it is another or, not `back`, anyone."""
    for _ in THREE:
        entering = [RNG.randrange(threads) for _ in range(3)]
        leaving = entering if back else [RNG.randrange(threads) for _ in range(3)]
        yield entering, leaving


for values in ([False, True, False], [True, False, True], [False, False, True]):
    words = ", ".join("on" if value else "off" for value in values)
    CASES += [
        in_all_orders(f"modes ({words}) end in any order", THREE, values, [ALONE] * len(THREE)),
        in_all_orders(
            f"modes ({words}) of two threads end in any order", THREE, values, list(who(2, True))
        ),
        in_all_orders(
            f"modes ({words}) end in any order, by any thread", THREE, values, list(who(2, False))
        ),
    ]
CASES += [
    in_all_orders(
        "one mode is entered three times, and ends in any order",
        THREE,
        [False, False, False],
        [ALONE] * len(THREE),
        [0, 0, 0],
    ),
    in_all_orders(
        "one mode, of two threads at once, ends in any order",
        THREE,
        [False, False, False],
        list(who(2, True)),
        [0, 0, 0],
    ),
]

MORE = """\
def on():
    return dezero.Config.enable_backprop

quiet = dezero.no_grad()

"""


def program(text):
    return MORE + dedent(text).lstrip()


CASES += [
    case(
        statement="one no_grad may be entered within itself",
        program=program("""
            seen = []
            with quiet:
                with dezero.using_config("enable_backprop", True):
                    with quiet:
                        seen.append(on())
                    seen.append(on())
                seen.append(on())
            [*seen, on()]
        """),
        expect=[False, True, False, True],
    ),
    case(
        statement="a mode that is assigned in a block ends with the block",
        program=program("""
            seen = []
            with quiet:
                dezero.Config.enable_backprop = True
                seen.append(on())
                with quiet:
                    dezero.Config.enable_backprop = True
                    dezero.Config.enable_backprop = False
                    dezero.Config.enable_backprop = True
                    seen.append(on())
                seen.append(on())
            seen.append(on())
            dezero.Config.enable_backprop = False
            with dezero.using_config("enable_backprop", False):
                seen.append(on())
                dezero.Config.enable_backprop = True
                seen.append(on())
            seen.append(on())
            dezero.Config.enable_backprop = True
            [*seen, on()]
        """),
        expect=[True, True, True, True, False, True, False, True],
    ),
    case(
        statement="a mode that was never entered cannot be left",
        program=program("quiet.__exit__(None, None, None)"),
        expect=Raises("RuntimeError", "left more often than it was entered"),
    ),
    case(
        statement="a mode is True or False, and nothing else",
        program=program("dezero.using_config('enable_backprop', 'no')"),
        expect=Raises("TypeError", "a mode is True or False, not 'no'"),
    ),
    case(
        statement="a mode in a generator ends though another thread ends that",
        program=program("""
            from concurrent.futures import ThreadPoolExecutor

            def squares(numbers):
                with dezero.no_grad():
                    for x in numbers:
                        yield x * x

            generator = squares([Variable(array(2.0)), Variable(array(3.0))])
            found = [next(generator), on()]
            with ThreadPoolExecutor(1) as pool:
                found.append(pool.submit(list, generator).result(10))
                found.append(pool.submit(on).result(10))
            [*found, on()]
        """),
        expect=[4.0, False, [9.0], True, True],
    ),
    case(
        statement="modes in two generators end in the order in which those do",
        program=program("""
            def quietly(value):
                with dezero.using_config("enable_backprop", value):
                    yield

            found = []
            for first, second in ((0, 1), (1, 0)):
                both = [quietly(False), quietly(True)]
                for generator in both:
                    next(generator)
                    found.append(on())
                both[first].close()
                found.append(on())
                both[second].close()
                found.append(on())
            found
        """),
        expect=[False, True, True, True, False, True, False, True],
    ),
    case(
        statement="a mode in a generator ends though a task of this one's ends that",
        program=program("""
            import asyncio

            def quietly():
                with dezero.no_grad():
                    yield on()

            async def main():
                generator = quietly()
                found = [next(generator), on()]
                await asyncio.to_thread(generator.close)
                found.append(on())
                generator = quietly()
                next(generator)

                async def end():
                    generator.close()
                    return on()

                return [*found, await asyncio.create_task(end()), on()]

            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(main())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
            answer
        """),
        expect=[False, False, True, True, True],
    ),
    case(
        statement="a task that was made in no_grad stays in it",
        program=program("""
            import asyncio

            async def look(left):
                await left.wait()
                return on()

            async def main():
                left = asyncio.Event()
                with dezero.no_grad():
                    task = asyncio.create_task(look(left))
                    await asyncio.sleep(0)
                left.set()
                return await task, on()

            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(main())
            loop.close()
            answer
        """),
        expect=[False, True],
        source="contextvars: a task starts with a copy of its maker's context",
    ),
]

# --- functions that pause ---

pauses = partial(
    case, source="contract: a decorator holds while the body runs, and the caller has its own mode"
)
CASES += [
    pauses(
        statement="no_grad decorates a generator, and holds in its body alone",
        program=program("""
            @dezero.no_grad()
            def squares(numbers):
                for x in numbers:
                    yield x * x, on()

            found = []
            for y, inside in squares([Variable(array(2.0)), Variable(array(3.0))]):
                found.append([y, y.creator, inside, on(), (y * y).creator is None])
            [*found, on()]
        """),
        expect=[[4.0, None, False, True, False], [9.0, None, False, True, False], True],
    ),
    pauses(
        statement="what is sent to and returned by a decorated generator arrives",
        program=program("""
            @dezero.no_grad()
            def total(start=0):
                while True:
                    number = yield start, on()
                    if number is None:
                        return start, on()
                    start += number

            def delegating():
                return (yield from total(start=1))

            adding = delegating()
            found = [next(adding), on(), adding.send(2), on(), adding.send(3), on()]
            try:
                adding.send(None)
            except StopIteration as stop:
                found.append(stop.value)
            [*found, on()]
        """),
        expect=[[1, False], True, [3, False], True, [6, False], True, [6, False], True],
    ),
    pauses(
        statement="what is thrown into a decorated generator arrives in its body",
        program=program("""
            seen = []

            @dezero.no_grad()
            def steps():
                try:
                    yield "first"
                except KeyError as error:
                    seen.append([str(error), on()])
                try:
                    yield "second"
                finally:
                    seen.append(["end", on()])

            one = steps()
            found = [next(one), one.throw(KeyError("thrown")), on()]
            try:
                one.throw(ZeroDivisionError("raised"))
            except ZeroDivisionError as error:
                found.append([str(error), on()])
            try:
                next(one)
            except StopIteration as stop:
                found.append(stop.value)
            found, seen
        """),
        expect=[
            ["first", "second", True, ["raised", True], None],
            [["'thrown'", False], ["end", False]],
        ],
    ),
    pauses(
        statement="a decorated generator is closed within its mode",
        program=program("""
            seen = []

            @dezero.no_grad()
            def steps():
                try:
                    yield 1
                finally:
                    seen.append(on())

            one, other, never = steps(), steps(), steps()
            next(one), next(other)
            one.close()
            del other
            import gc

            gc.collect()
            never.close()
            seen, list(one), on()
        """),
        expect=[[False, False], [], True],
    ),
    pauses(
        statement="a decorated generator's own blocks stay its own",
        program=program("""
            @dezero.no_grad()
            def steps():
                yield on()
                with dezero.using_config("enable_backprop", True):
                    yield on()
                    with dezero.no_grad():
                        yield on()
                    yield on()
                yield on()

            one, other = steps(), steps()
            found = []
            for inside in one:
                found.append([inside, on(), next(other)])
                with dezero.no_grad():
                    found[-1].append(on())
            [*found, on()]
        """),
        expect=[
            [False, True, False, False],
            [True, True, True, False],
            [False, True, False, False],
            [True, True, True, False],
            [False, True, False, False],
            True,
        ],
    ),
    pauses(
        statement="a decorated generator may go on in any thread",
        program=program("""
            from concurrent.futures import ThreadPoolExecutor

            @dezero.no_grad()
            def steps():
                with dezero.using_config("enable_backprop", True):
                    yield on()
                    yield on()
                yield on()
                yield on()

            one = steps()
            with ThreadPoolExecutor(1) as pool, ThreadPoolExecutor(1) as other:
                found = [
                    next(one), *(p.submit(next, one).result(10) for p in (pool, other, pool)),
                    pool.submit(on).result(10), other.submit(on).result(10), on(),
                ]
            found
        """),
        expect=[True, True, False, False, True, True, True],
    ),
    pauses(
        statement="a decorated generator sees the other modes of its caller",
        program=program("""
            @dezero.no_grad()
            def steps():
                while True:
                    yield on(), dezero.Config.train

            one = steps()
            found = [next(one)]
            with dezero.using_config("train", False):
                found.append(next(one))
            [*found, next(one)]
        """),
        expect=[[False, True], [False, False], [False, True]],
    ),
    pauses(
        statement="no_grad decorates methods and partial functions that are generators",
        program=program("""
            from functools import partial

            class Steps:
                @dezero.no_grad()
                def numbers(self, *numbers):
                    for number in numbers:
                        yield number, on()

                def __call__(self):
                    yield on()

            steps = Steps()
            called = dezero.no_grad()(steps)
            part = dezero.no_grad()(partial(Steps.__call__, steps))
            list(steps.numbers(1, 2)), [(x, on()) for x in called()], [(x, on()) for x in part()]
        """),
        expect=[[[1, False], [2, False]], [[False, True]], [[False, True]]],
    ),
    pauses(
        statement="what no_grad decorates stays the kind of function that it was",
        program=program("""
            import inspect

            def function():
                pass

            def generator():
                yield

            async def coroutine():
                pass

            async def both():
                yield

            decorated = [dezero.no_grad()(f) for f in (function, generator, coroutine, both)]
            tests = [inspect.isgeneratorfunction, inspect.iscoroutinefunction,
                     inspect.isasyncgenfunction]
            [[f.__name__, *(test(f) for test in tests)] for f in decorated]
        """),
        expect=[
            ["function", False, False, False],
            ["generator", True, False, False],
            ["coroutine", False, True, False],
            ["both", False, False, True],
        ],
    ),
    pauses(
        statement="no_grad decorates a coroutine, and holds while its body runs",
        program=program("""
            from types import coroutine

            @coroutine
            def pause(value):
                return (yield value)

            @dezero.no_grad()
            async def steps(x):
                y = x * x
                answer = await pause([y.creator, on()])
                try:
                    await pause([answer, on()])
                except KeyError as error:
                    return [str(error), on(), (x * y).creator]

            running = steps(Variable(array(2.0)))
            found = [running.send(None), on(), running.send("sent"), on()]
            try:
                running.throw(KeyError("thrown"))
            except StopIteration as stop:
                found.append(stop.value)
            [*found, on()]
        """),
        expect=[[None, False], True, ["sent", False], True, ["'thrown'", False, None], True],
    ),
    pauses(
        statement="decorated coroutines take turns, each with its mode",
        program=program("""
            import asyncio

            seen = []

            async def steps(name, wanted):
                for _ in range(3):
                    seen.append(on() is wanted)
                    await asyncio.sleep(0)
                return name, on()

            quietly = dezero.no_grad()(steps)
            loudly = dezero.using_config("enable_backprop", True)(steps)

            async def main():
                both = asyncio.gather(
                    quietly("quiet", False), steps("plain", True), loudly("loud", True),
                    quietly("again", False),
                )
                with dezero.no_grad():
                    inside = await loudly("awaited", True), on()
                return await both, inside, await quietly("last", False), on()

            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(main())
            loop.close()
            answer, all(seen), len(seen)
        """),
        expect=[
            [
                [["quiet", False], ["plain", True], ["loud", True], ["again", False]],
                [["awaited", True], False],
                ["last", False],
                True,
            ],
            True,
            18,
        ],
    ),
    pauses(
        statement="a decorated coroutine that is cancelled ends within its mode",
        program=program("""
            import asyncio

            seen = []

            @dezero.no_grad()
            async def steps():
                try:
                    await asyncio.sleep(10)
                finally:
                    seen.append(on())

            async def main():
                task = asyncio.create_task(steps())
                await asyncio.sleep(0)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    seen.append(on())

            loop = asyncio.new_event_loop()
            loop.run_until_complete(main())
            loop.close()
            seen
        """),
        expect=[False, True],
    ),
    pauses(
        statement="no_grad decorates an asynchronous generator",
        program=program("""
            import asyncio

            seen = []

            @dezero.no_grad()
            async def steps(start):
                try:
                    while True:
                        await asyncio.sleep(0)
                        try:
                            sent = yield start, on()
                        except KeyError as error:
                            sent = yield str(error), on()
                        start += sent or 1
                finally:
                    await asyncio.sleep(0)
                    seen.append(on())

            async def other():
                for _ in range(6):
                    seen.append(on())
                    await asyncio.sleep(0)

            async def main():
                task = asyncio.create_task(other())
                one = steps(1)
                found = [
                    await anext(one), on(), await one.asend(5), on(),
                    await one.athrow(KeyError("thrown")), on(), await anext(one), on(),
                ]
                await one.aclose()
                await task
                async for number, inside in steps(8):
                    found.append([number, inside, on()])
                    if number == 9:
                        break
                return found

            loop = asyncio.new_event_loop()
            found = loop.run_until_complete(main())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            found, sorted(seen), on()
        """),
        expect=[
            [
                *([1, False], True, [6, False], True),
                *(["'thrown'", False], True, [7, False], True),
                *([8, False, True], [9, False, True]),
            ],
            [False, False, True, True, True, True, True, True],
            True,
        ],
    ),
    pauses(
        statement="a decorated asynchronous generator ends, and what it raises arrives",
        program=program("""
            import asyncio

            @dezero.no_grad()
            async def steps(count):
                for number in range(count):
                    yield number, on()
                if count == 1:
                    raise KeyError("raised")

            async def main():
                found = [x async for x in steps(2)]
                try:
                    async for x in steps(1):
                        found.append([x, on()])
                except KeyError as error:
                    found.append([str(error), on()])
                return found

            loop = asyncio.new_event_loop()
            found = loop.run_until_complete(main())
            loop.close()
            found
        """),
        expect=[[0, False], [1, False], [[0, False], True], ["'raised'", True]],
    ),
]
