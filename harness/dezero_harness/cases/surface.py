"""The public surface: names, attributes, how a Variable looks."""

from functools import partial

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="Q", level="book")

CASES = [
    *[
        case(
            statement=f"a Variable shows itself: {words}",
            program=f"repr(Variable({data}))",
            expect=text,
            source="contract: variable(24.0), rows of an array aligned",
            needs=() if text == "variable(None)" else ("numbers",),
            level="dezero",
        )
        for words, data, text in [
            ("a number", "array(24.0)", "variable(24.0)"),
            ("a row", "array([1.0, -2.5])", "variable([ 1.  -2.5])"),
            (
                "a table",
                "array([[1.0, 2.0], [3.0, 4.0]])",
                "variable([[1. 2.]\n          [3. 4.]])",
            ),
            (
                "a stack",
                "array([[[1.0]], [[2.0]]])",
                "variable([[[1.]]\n         \n          [[2.]]])",
            ),
            ("integers", "array([1, 2], 'int64')", "variable([1 2])"),
            ("nothing", "None", "variable(None)"),
        ]
    ],
    case(
        statement="print shows what repr shows",
        program="x = Variable(array(24.0))\nstr(x) == repr(x)",
        expect=True,
        source="contract: repr as variable(24.0)",
        level="dezero",
    ),
    *[
        case(
            statement=f"a Variable has {name}",
            program=f"x = Variable(array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))\n{code}",
            expect=expect,
            source="contract: the attributes of a Variable are those of its array",
        )
        for name, code, expect in [
            ("a shape", "x.shape", [2, 3]),
            ("a number of axes", "x.ndim", 2),
            ("a size", "x.size", 6),
            ("a dtype", "dtype_name(x)[:5], x.dtype == x.data.dtype", ["float", True]),
            ("the length of its first axis", "len(x)", 2),
        ]
    ],
    case(
        statement="a 0-d Variable has shape (), no axes and size 1",
        program="x = Variable(array(2.0))\nx.shape, x.ndim, x.size",
        expect=[[], 0, 1],
        source="a 0-d array is one number",
    ),
    case(
        statement="a 0-d Variable has no length",
        program="len(Variable(array(2.0)))",
        expect=Raises("TypeError", r"0-d|unsized"),
        source="a 0-d array has no first axis",
    ),
    case(
        statement="a Variable has the name it is given",
        program="Variable(array(1.0), 'weight').name, Variable(array(1.0)).name",
        expect=["weight", None],
        source="contract: name is an attribute; None unless given",
    ),
    case(
        statement="as_array leaves an array as it is",
        program="a = array([1.0])\ndezero.as_array(a) is a",
        expect=True,
        source="contract: public names",
    ),
    case(
        statement="as_array makes a 0-d array of a number",
        program="""
            arrays = [dezero.as_array(2.5), dezero.as_array(numpy_scalar(2.5))]
            [(a.shape, float(a)) for a in arrays]
        """,
        expect=[[[], 2.5], [[], 2.5]],
        source="contract: public names",
    ),
    case(
        statement="as_array makes a 0-d array of a number of a class of its own",
        program="""
            class Metres(float):
                pass

            a = dezero.as_array(Metres(2.5))
            a.shape, float(a)
        """,
        expect=[[], 2.5],
        source="a subclass of float is a float",
    ),
    case(
        statement="as_variable leaves a Variable as it is",
        program="x = Variable(array([1.0]))\ndezero.as_variable(x) is x",
        expect=True,
        source="contract: public names",
    ),
    case(
        statement="as_variable makes a Variable of an array",
        program="a = array([1.0])\nx = dezero.as_variable(a)\nkind(x), x.data is a",
        expect=["Variable", True],
        source="contract: public names",
    ),
    case(
        statement="as_variable of a list is a TypeError that names the type",
        program="dezero.as_variable([1.0])",
        expect=Raises("TypeError", "list"),
        source="contract: a message says what was given",
    ),
    case(
        statement="a Variable has the method cleargrad",
        program="""
            stand_ins = getattr(dezero, "__stand_ins__", [])  # what the harness had to put there
            callable(Variable.cleargrad) and "Variable.cleargrad" not in stand_ins
        """,
        expect=True,
        source="contract: public names; the book's engines clear a gradient by it",
    ),
    *[
        case(
            statement=f"the package has the public name {name}",
            program=f"from dezero import {name}\n"
            f'{name} is dezero.{name} and "{name}" not in getattr(dezero, "__stand_ins__", [])',
            expect=True,
            source="contract: public names from the first stage on",
            level="dezero" if name == "Config" else "book",  # the book has it in dezero.core
        )
        for name in [
            "Variable",
            "Function",
            "using_config",
            "no_grad",
            "as_array",
            "as_variable",
            "setup_variable",
            "Config",
        ]
    ],
    case(
        statement="the modes are on to begin with",
        program="dezero.Config.enable_backprop, dezero.Config.train",
        expect=[True, True],
        level="dezero",
        source="contract: Config.enable_backprop and Config.train can be read",
    ),
    case(
        statement="setup_variable can be called again",
        program="""
            dezero.setup_variable()
            x = Variable(array(3.0))
            y = 2.0 - x * x
            y.backward()
            y, x.grad
        """,
        expect=[-7.0, -6.0],
        source="it gives Variable its operators, the same ones",
    ),
    case(
        statement="a Parameter is a Variable",
        program="""
            from dezero import Parameter

            w = Parameter(array(3.0), "w")
            (w * w).backward()
            isinstance(w, Variable), w.name, w.grad
        """,
        expect=[True, "w", 6.0],
        source="contract: Parameter from step32 on",
        needs=("parameter",),
        chapter=32,
    ),
    case(
        statement="a result of a Parameter is a plain Variable",
        program="from dezero import Parameter\ntype(Parameter(array(3.0)) * 2.0) is Variable",
        expect=True,
        source="a Parameter is what training adjusts; what is computed from it is not",
        needs=("parameter",),
        chapter=32,
    ),
    case(
        statement="is_simple_core says which core computes",
        program="getattr(dezero, 'is_simple_core', False)",
        expect=False,
        source="contract: True in step31, the switch in step32, gone after",
        needs=("create_graph",),
        without={"create_graph": True},
        chapter=32,
    ),
    case(
        statement="the switch between two cores is gone",
        program="""
            chosen = hasattr(dezero, "is_simple_core")
            assert not chosen, "dezero.is_simple_core still chooses between two cores"
            Variable.__module__
        """,
        expect="dezero.core",
        source="contract: is_simple_core is gone after step32",
        needs=("one_core",),
        chapter=33,
        level="dezero",
    ),
    case(
        statement="the old core cannot be imported any more",
        program="import dezero.core_simple\ndezero.core_simple.Variable.__name__",
        expect=Raises("ModuleNotFoundError", r"No module named 'dezero\.core_simple'"),
        source="contract: core_simple.py is gone from step33 on",
        needs=("one_core",),
        without={"one_core": "Variable"},
        chapter=33,
        level="dezero",
    ),
    case(
        statement="the switch agrees with the core",
        program="""
            core = "core_simple" if getattr(dezero, "is_simple_core", False) else "core"
            Variable.__module__ == f"dezero.{core}"
        """,
        expect=True,
        source="contract: modules dezero.core_simple and dezero.core",
    ),
    case(
        statement="get_array_module finds what computes on an array",
        program="""
            from dezero.cuda import get_array_module

            a = array([1.0, 4.0])
            xp = get_array_module(a)
            kind(xp.sqrt(a)), xp.sqrt(a), get_array_module(Variable(a)) is xp
        """,
        expect=["array", [1.0, 2.0], True],
        source="contract: dezero.cuda has get_array_module; it takes Variables too",
    ),
    case(
        statement="get_array_module of what is no array names the type",
        program="from dezero.cuda import get_array_module\nget_array_module(['a'])",
        expect=Raises("TypeError", "list"),
        source="contract: else a TypeError naming the type",
        level="dezero",
    ),
    case(
        statement="as_numpy brings numbers to main memory",
        program="""
            from dezero.cuda import as_numpy

            numbers = [as_numpy(a) for a in (array([1.0, 2.0]), Variable(array([3.0])), 4.0)]
            [type(a) is type(host([1.0])) for a in numbers], [a.tolist() for a in numbers]
        """,
        expect=[[True, True, True], [[1.0, 2.0], [3.0], 4.0]],
        source="contract: dezero.cuda has as_numpy",
    ),
    case(
        statement="a function of something that is no array names the type",
        program="from dezero.functions import sin\nsin('a')",
        expect=Raises("TypeError", "str"),
        source="contract: a message says what was given, with its type",
        needs=("functions",),
        chapter=34,
    ),
    case(
        statement="a function of an array is a constant without a graph",
        program="from dezero.functions import sin\ny = sin(array(0.0))\nkind(y), y, y.creator",
        expect=["Variable", 0.0, None],
        source="contract: a raw array is a constant",
        needs=("functions",),
        chapter=34,
        level="dezero",
    ),
    case(
        statement="one core only: functions and operators make the same Variables",
        program="""
            import dezero.functions as F

            type(F.sin(Variable(array(1.0)))) is Variable
        """,
        expect=True,
        source="contract: functions stand beside the operators",
        needs=("functions",),
        chapter=34,
    ),
]
