"""Newton's method, `x <- x - f'(x) / f''(x)`: every iterate, since the end alone proves nothing."""

from functools import partial

from ..model.case import Case

case = partial(Case, chapter=33, group="E", needs=("create_graph",), level="core")

ITERATES = [
    2.0,
    1.4545454545454546,
    1.1510467893775467,
    1.0253259289766981,
    1.0009084519430513,
    1.0000012353089454,
    1.0000000000022891,
    1.0,
    1.0,
    1.0,
]
FORGOTTEN = [2.0, 1.6470588235294117, 1.3638028099592825, 1.1599305745198412, 1.0433507221837524]
SOURCE = "x - (4 x^3 - 4 x) / (12 x^2 - 4), with 40 digits and rounded"


def newton(start, steps, clear="x.cleargrad()", update="x.data = x.data - gx.data / gx2.data"):
    """The program that logs the iterates of x^4 - 2 x^2, the start first."""
    return f"""
        x = Variable(array({start}))
        iterates = [values(x)]
        for _ in range({steps}):
            y = x ** 4 - 2 * x ** 2
            x.cleargrad()
            y.backward(create_graph=True)
            gx = x.grad
            {clear}
            gx.backward()
            gx2 = x.grad
            {update}
            iterates.append(values(x))
        iterates
    """


CASES = [
    case(
        statement="Newton's iterates from 2 go to 1 without a derivative by hand",
        program=newton(2.0, 9),
        expect=ITERATES,
        source=SOURCE,
        rel=2e-14,
        spine="Newton",
    ),
    case(
        statement="Newton's iterates are the same with a change in place",
        program=newton(2.0, 9, update="x.data -= gx.data / gx2.data"),
        expect=ITERATES,
        source=SOURCE,
        rel=2e-14,
    ),
    case(
        statement="Newton's iterates from minus 2 are those from 2 mirrored",
        program=newton(-2.0, 9),
        expect=[-x for x in ITERATES],
        source=SOURCE + "; f is even",
        rel=2e-14,
    ),
    case(
        statement="Newton's first step from 0.1 goes beyond the maximum at 0",
        program=newton(0.1, 1),
        expect=[0.1, -0.0020618556701030928],
        source="0.1 - (0.004 - 0.4) / (0.12 - 4) = -0.008 / 3.88",
        rel=1e-13,
    ),
    case(
        statement="Newton's iterates from 0.1 end at 0, a maximum",
        program=newton(0.1, 5).replace("iterates\n    ", "iterates[-1]\n    "),
        expect=0.0,
        source="f'(0) = 0 and f''(0) = -4: the method finds stationary points",
        abs=1e-15,
    ),
    case(
        statement="Newton with a forgotten cleargrad takes other steps",
        program=newton(2.0, 4, clear="pass"),
        expect=FORGOTTEN,
        source="x - f' / (f' + f''): it ends at 1 as well, so only the iterates tell",
        rel=2e-14,
    ),
    case(
        statement="Newton with the second derivative by hand takes the same steps",
        program="""
            x = Variable(array(2.0))
            iterates = [values(x)]
            for _ in range(9):
                y = x ** 4 - 2 * x ** 2
                x.cleargrad()
                y.backward()
                gx = raw(x.grad)
                x.data = x.data - gx / (12 * x.data ** 2 - 4)
                iterates.append(values(x))
            iterates
        """,
        expect=ITERATES,
        source=SOURCE,
        rel=2e-14,
        needs=(),
        chapter=31,
    ),
    case(
        statement="Newton's method finds the minimum of a quadratic in one step",
        program="""
            x = Variable(array([-7.0, 0.5, 100.0]))
            y = 3 * x ** 2 - 12 * x + 5
            y.backward(create_graph=True)
            gx = x.grad
            x.cleargrad()
            gx.backward()
            x.data - gx.data / x.grad.data
        """,
        expect=[2.0, 2.0, 2.0],
        source="f' = 6 x - 12, f'' = 6",
        rel=1e-13,
    ),
    case(
        statement="Newton's method in the book's idiom does not grow in memory",
        program="""
            import gc

            x = Variable(array(2.0))
            alive = []
            enabled = gc.isenabled()
            gc.disable()
            try:
                for i in range(60):
                    y = x ** 4 - 2 * x ** 2
                    x.cleargrad()
                    y.backward(create_graph=True)
                    gx = x.grad
                    x.cleargrad()
                    gx.backward()
                    gx2 = x.grad
                    x.data -= gx.data / gx2.data
                    if i in (9, 59):
                        alive.append(sum(type(o) is Variable for o in gc.get_objects()))
            finally:
                if enabled:
                    gc.enable()
            alive[1] - alive[0]
        """,
        expect=0,
        source="contract: Newton in the book's idiom does not grow in memory",
        group="N",
        level="hygiene",
    ),
]
