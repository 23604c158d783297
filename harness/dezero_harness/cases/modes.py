"""Exceptions in a walk, and modes: per block, per thread, per task, and given back."""

from functools import partial
from textwrap import dedent

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="A", level="book")

FAILS_ONCE = """\
class FailsOnce(dezero.Function):
    failed = False

    def forward(self, x):
        return x * 1.0

    def backward(self, gy):
        if not self.failed:
            self.failed = True
            raise KeyError("once")
        return gy * 1.0

x = Variable(array(3.0))
y = FailsOnce()(x * x) * x
try:
    y.backward()
except KeyError:
    pass
"""

mode = partial(case, group="M")
CASES = [
    case(
        statement="a backward that raised leaves the graph usable",
        program=FAILS_ONCE + "y.backward()\nx.grad",
        expect=27.0,
        source="contract; y = x^3, y' = 27 at 3: nothing of the failed walk is added",
        level="hygiene",
    ),
    case(
        statement="a backward that raises has written no gradient",
        program=FAILS_ONCE + "x.grad, y.grad",
        expect=[None, None],
        source="contract: a backward that raised leaves the graph usable, so nothing is half done",
        level="hygiene",
    ),
    mode(
        statement="a backward that raises gives the mode back",
        program=FAILS_ONCE + "dezero.Config.enable_backprop, (x * x).creator is not None",
        expect=[True, True],
        source="contract: modes are restored when a backward raises",
        level="hygiene",
    ),
    mode(
        statement="inside no_grad a backward that raises leaves no_grad in force",
        program=FAILS_ONCE.replace(
            "try:\n    y.backward()\nexcept KeyError:\n    pass\n",
            dedent("""\
                with dezero.no_grad():
                    try:
                        y.backward()
                    except KeyError:
                        off = dezero.Config.enable_backprop
            """),
        )
        + "off, dezero.Config.enable_backprop",
        expect=[False, True],
        source="contract: the mode is the outer one afterwards",
        level="hygiene",
    ),
    mode(
        statement="under no_grad a result has no creator and generation 0",
        program="""
            x = Variable(array(3.0))
            with dezero.no_grad():
                y = x * x + x
            y, y.creator, y.generation
        """,
        expect=[12.0, None, 0],
        source="contract: nothing is recorded",
    ),
    mode(
        statement="no_grad ends with its block",
        program="""
            x = Variable(array(3.0))
            with dezero.no_grad():
                pass
            dezero.Config.enable_backprop, (x * x).creator is not None
        """,
        expect=[True, True],
        source="contract: a mode holds within its block",
    ),
    mode(
        statement="no_grad ends with an exception",
        program="""
            try:
                with dezero.no_grad():
                    raise KeyError
            except KeyError:
                pass
            dezero.Config.enable_backprop
        """,
        expect=True,
        source="contract: modes are restored",
    ),
    mode(
        statement="a nested mode gives back the value before it, not the default",
        program="""
            with dezero.no_grad():
                with dezero.using_config("enable_backprop", True):
                    inner = dezero.Config.enable_backprop
                with dezero.no_grad():
                    pass
                outer = dezero.Config.enable_backprop
            inner, outer, dezero.Config.enable_backprop
        """,
        expect=[True, False, True],
        source="contract: nesting restores the previous value",
    ),
    mode(
        statement="using_config refuses a name that is no mode",
        program="""
            with dezero.using_config("enable_backpropagation", False):
                pass
            dezero.Config.enable_backprop
        """,
        expect=Raises("ValueError", "enable_backpropagation.*enable_backprop"),
        source="contract: an unknown key is an error; the message names the modes there are",
        level="dezero",
    ),
    mode(
        statement="using_config refuses an attribute that is no mode",
        program="""
            with dezero.using_config("__doc__", False):
                pass
            dezero.Config.enable_backprop
        """,
        expect=Raises("ValueError", "__doc__.*enable_backprop"),
        source="contract: an unknown key is an error; the message names the modes there are",
        level="dezero",
    ),
    mode(
        statement="no_grad decorates a function, call after call",
        program="""
            @dezero.no_grad()
            def square(x):
                return x * x

            x = Variable(array(3.0))
            square(x).creator, square(x).creator, dezero.Config.enable_backprop
        """,
        expect=[None, None, True],
        source="contract: no creator, and the mode is back",
    ),
    mode(
        statement="a function that no_grad decorates may call itself",
        program="""
            @dezero.no_grad()
            def power(x, n):
                return x if n == 1 else power(x, n - 1) * x

            y = power(Variable(array(3.0)), 4)
            y, y.creator, dezero.Config.enable_backprop
        """,
        expect=[81.0, None, True],
        source="contract: each call sets the mode anew and gives back what it found; 3^4 = 81",
    ),
    mode(
        statement="a decorator sets the mode in calls, not when it decorates",
        program="""
            @dezero.no_grad()
            def square(x):
                return x * x

            x = Variable(array(3.0))
            (x * x).creator is None, square(x).creator is None
        """,
        expect=[False, True],
        source="contract: a mode holds within the block, here the function's body",
    ),
    mode(
        statement="a decorated function keeps its name and takes keywords",
        program="""
            @dezero.no_grad()
            def power(x, n=2):
                "x to the power of n"
                return x ** n

            power.__name__, power.__doc__, power(Variable(array(2.0)), n=3)
        """,
        expect=["power", "x to the power of n", 8.0],
        source="what functools.wraps keeps, as contextlib.ContextDecorator does; 2^3 = 8",
    ),
    mode(
        statement="two threads in one decorated function leave in any order",
        program="""
            from threading import Event, Thread

            entered, leave = Event(), Event()

            @dezero.no_grad()
            def recording(go_first):
                if go_first:
                    thread.start()
                    entered.wait(10)
                else:
                    entered.set()
                    leave.wait(10)
                return dezero.Config.enable_backprop

            thread = Thread(target=recording, args=(False,))
            try:
                inside = recording(True)
            finally:
                leave.set()
                thread.join()
            inside, dezero.Config.enable_backprop
        """,
        expect=[False, True],
        source="contract: modes are per thread, so no thread gives back what another has set",
        level="hygiene",
    ),
    mode(
        statement="another thread in no_grad leaves this one recording",
        program="""
            from threading import Event, Thread

            entered, leave = Event(), Event()

            def other():
                with dezero.no_grad():
                    entered.set()
                    leave.wait(10)

            thread = Thread(target=other)
            thread.start()
            entered.wait(10)
            x = Variable(array(3.0))
            y = x * x
            leave.set()
            thread.join()
            y.creator is not None
        """,
        expect=True,
        source="contract: modes are per thread",
        level="hygiene",
    ),
    mode(
        statement="a thread started inside a backward pass leaves this one recording",
        program="""
            from threading import Event, Thread

            class Slow(dezero.Function):
                def forward(self, x):
                    return x * 3.0

                def backward(self, gy):
                    entered.set()
                    leave.wait(10)
                    return gy * 3.0

            entered, leave = Event(), Event()
            x = Variable(array(2.0))
            thread = Thread(target=Slow()(x).backward)
            thread.start()
            entered.wait(10)
            w = Variable(array(3.0))
            y = w * w
            leave.set()
            thread.join()
            y.creator is not None, x.grad
        """,
        expect=[True, 3.0],
        source="contract: modes are per thread, also while another walks back",
        level="hygiene",
    ),
    mode(
        statement="another asyncio task in no_grad leaves this one recording",
        program="""
            import asyncio

            async def off(entered, leave):
                with dezero.no_grad():
                    entered.set()
                    await leave.wait()

            async def main():
                entered, leave = asyncio.Event(), asyncio.Event()
                task = asyncio.create_task(off(entered, leave))
                await asyncio.wait_for(entered.wait(), 10)
                x = Variable(array(3.0))
                y = x * x
                leave.set()
                await task
                return y.creator is not None, dezero.Config.enable_backprop

            loop = asyncio.new_event_loop()
            answer = loop.run_until_complete(main())
            loop.close()
            answer
        """,
        expect=[True, True],
        source="contract: modes are per task",
        level="hygiene",
    ),
    mode(
        statement="a forward that raises leaves the mode and the operands alone",
        program="""
            x = Variable(array(3.0))
            try:
                x + None
            except TypeError:
                pass
            y = x * x
            y.backward()
            dezero.Config.enable_backprop, x.grad
        """,
        expect=[True, 6.0],
        source="contract: an error costs nothing but the operation that met it",
        level="hygiene",
    ),
    mode(
        statement="backward inside no_grad still gives the gradient",
        program="""
            x = Variable(array(3.0))
            y = x * x
            with dezero.no_grad():
                y.backward()
            x.grad
        """,
        expect=6.0,
        source="y = x^2, y' = 6 at 3; the graph was recorded before",
    ),
    mode(
        statement="test_mode turns train off, and on again after it",
        program="""
            from dezero import test_mode

            with test_mode():
                inside = dezero.Config.train
            inside, dezero.Config.train
        """,
        expect=[False, True],
        source="contract: test_mode and Config.train are there from step32 on",
        needs=("test_mode",),
        chapter=32,
    ),
    mode(
        statement="test_mode leaves recording on",
        program="""
            from dezero import test_mode

            x = Variable(array(3.0))
            with test_mode():
                y = x * x
            y.creator is not None
        """,
        expect=True,
        source="train and enable_backprop are two modes",
        needs=("test_mode",),
        chapter=32,
    ),
]
