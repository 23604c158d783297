"""The picture of a graph as text: every node once, every edge once, in the right direction."""

from functools import partial

from ..model.case import Case, Raises

case = partial(Case, chapter=31, group="P", level="dezero")

READ = """\
import re
from dezero.utils import get_dot_graph


def read(text):
    boxes = set(re.findall(r'(?m)^ *(\\w+) *\\[.*shape=box', text))
    labels = dict(re.findall(r'(?m)^ *(\\w+) *\\[label="((?:[^"\\\\]|\\\\.)*)"', text))
    edges = re.findall(r'(?m)^ *(\\w+) *-> *(\\w+)', text)
    return labels, sorted(boxes), edges

"""


def picture(program):
    return READ + program


SQUARE = """\
x = Variable(array(2.0), "x")
y = x * x
y.name = "y"
text = get_dot_graph(y, verbose=False)
labels, boxes, edges = read(text)
"""

CASES = [
    case(
        statement="the picture of x times x has x, y and one function",
        program=picture(SQUARE + "sorted(labels.values())"),
        expect=["Mul", "x", "y"],
        source="nodes x, Mul, y",
    ),
    case(
        statement="edges go from x to the function to y",
        program=picture(SQUARE + "sorted({(labels[a], labels[b]) for a, b in edges})"),
        expect=[["Mul", "y"], ["x", "Mul"]],
        source="edges in the direction of the computation",
    ),
    case(
        statement="Variables are orange ovals and functions light blue boxes",
        program=picture(
            SQUARE + "[labels[n] for n in boxes], text.count('orange'), text.count('lightblue')"
        ),
        expect=[["Mul"], 2, 1],
        source="contract of the pictures: two Variables, one function",
    ),
    case(
        statement="the picture of a leaf is one node",
        program=picture(
            "x = Variable(array(2.0), 'x')\n"
            "labels, boxes, edges = read(get_dot_graph(x, verbose=False))\n"
            "list(labels.values()), boxes, edges"
        ),
        expect=[["x"], [], []],
        source="a leaf has no graph behind it",
    ),
    case(
        statement="the picture goes back to the leaves, through every function",
        program=picture("""\
x = Variable(array(2.0), "x")
y = -(x * x + x) / 2.0
labels, boxes, edges = read(get_dot_graph(y, verbose=False))
sorted(labels[n] for n in boxes)
"""),
        expect=["Add", "Div", "Mul", "Neg"],
        source="one box for each operation",
    ),
    case(
        statement="a function that two ways lead to is drawn once",
        program=picture("""\
x = Variable(array(2.0), "x")
a = x * x
y = (a + 1.0) * (a - 1.0)
text = get_dot_graph(y)
declared = re.findall(r"(?m)^ *(\\w+) *\\[", text)
len(declared) - len(set(declared)), len(read(text)[1])
"""),
        expect=[0, 4],
        source="each node is declared once; Mul, Add, Sub, Mul",
    ),
    case(
        statement="no edge of a picture dangles where an output is gone",
        program=picture("""\
class Split(dezero.Function):
    def forward(self, x):
        return x * 2.0, x * 3.0

    def backward(self, gy0, gy1):
        return gy0 * 2.0 + gy1 * 3.0

a, b = Split()(Variable(array(1.0)))
y = a * a
del b
labels, _, edges = read(get_dot_graph(y))
sum(a not in labels or b not in labels for a, b in edges), len(labels)
"""),
        expect=[0, 5],
        source="x, Split, a, Mul, y: what is gone is not drawn",
    ),
    case(
        statement="an output that is gone is not drawn, nor made to be drawn",
        program=picture("""\
class Powers(dezero.Function):
    def forward(self, x):
        return x * x, x * x * x

    def backward(self, gy0, gy1):
        square = self.outputs[0]()
        square = square if isinstance(gy1, Variable) else square.data
        return gy1 * 3.0 * square

a, b = Powers()(Variable(array(2.0)))
del a
b.backward()
labels, _, edges = read(get_dot_graph(b))
sum(a not in labels or b not in labels for a, b in edges), len(labels)
"""),
        expect=[0, 3],
        source="x, Powers, b: the backward has asked for what is gone, and is done with it",
    ),
    case(
        statement="an output that is held is drawn though the root does not use it",
        program=picture("""\
class Split(dezero.Function):
    def forward(self, x):
        return x * 2.0, x * 3.0

    def backward(self, gy0, gy1):
        return gy0 * 2.0 + gy1 * 3.0

a, b = Split()(Variable(array(1.0)))
labels, _, edges = read(get_dot_graph(a))
len(labels), len(edges)
"""),
        expect=[4, 3],
        source="x, Split, a, b with x -> Split, Split -> a, Split -> b",
    ),
    case(
        statement="a label with a quote, a backslash and a new line is valid DOT",
        program=picture("""\
x = Variable(array(2.0), 'a "b" \\\\ c\\nd')
text = get_dot_graph(x, verbose=False)
len(read(text)[0]), [line.count("label") for line in text.splitlines()]
"""),
        expect=[1, [0, 1, 0]],
        source="quotes and backslashes are escaped, a new line is no new line of the text",
    ),
    case(
        statement="verbose adds shape and dtype to the name",
        program=picture("""\
x = Variable(array([[1.0, 2.0, 3.0]], "float32"), "x")
list(read(get_dot_graph(x, verbose=True))[0].values())
"""),
        expect=["x: (1, 3) float32"],
        source="contract of the pictures: name: shape dtype",
    ),
    case(
        statement="a constant is drawn",
        program=picture("""\
x = Variable(array(2.0), "x")
labels, boxes, edges = read(get_dot_graph(x * 3.5))
len(labels), len(edges), any("3.5" in label for label in labels.values())
"""),
        expect=[4, 3, True],
        source="contract: a constant is drawn in the graph; x, 3.5, Mul and the result",
    ),
    case(
        statement="equal graphs have equal pictures",
        program=picture("""\
def text():
    x, w = Variable(array(2.0), "x"), Variable(array(3.0), "w")
    return get_dot_graph((x * w + x) / (w - x))

text() == text()
"""),
        expect=True,
        source="nodes are numbered by the walk, not by where they lie in memory",
    ),
    case(
        statement="a picture of what is no Variable is a TypeError that names it",
        program="from dezero.utils import get_dot_graph\nget_dot_graph('x')",
        expect=Raises("TypeError", "str"),
        source="contract: a message says what was given and its type",
    ),
    case(
        statement="the picture of tanh's gradient has Mul, Mul, Sub and Tanh",
        program="from dezero.functions import tanh\n"
        + picture("""\
x = Variable(array(1.0), "x")
y = tanh(x)
y.grad = Variable(array(2.0), "gy")
y.backward(create_graph=True)
labels, boxes, edges = read(get_dot_graph(x.grad, verbose=False))
sorted(labels[n] for n in boxes), sum(a not in labels or b not in labels for a, b in edges)
"""),
        expect=[["Mul", "Mul", "Sub", "Tanh"], 0],
        source="gx = gy (1 - y y) and y = tanh x, with no edge that dangles",
        needs=("functions", "tanh", "create_graph"),
        chapter=35,
    ),
    case(
        statement="the picture of a gradient leads back to x",
        program=picture("""\
x = Variable(array(2.0), "x")
(x ** 3).backward(create_graph=True)
labels, boxes, edges = read(get_dot_graph(x.grad, verbose=False))
"x" in labels.values(), len(boxes) > 0
"""),
        expect=[True, True],
        source="gx = 3 x^2 is a function of x",
        needs=("create_graph",),
        chapter=32,
    ),
    *[
        case(
            statement=f"{words} in a name is drawn as text",
            program=picture(
                f"x = Variable(array(2.0), {name})\n"
                "text = get_dot_graph(x, verbose=False)\n"
                "list(read(text)[0].values()), len(text.encode().splitlines()), text.isprintable()"
            ),
            expect=[[shown], 3, False],
            source="DOT: a backslash and a quote stand after a backslash; and text is UTF-8",
        )
        for words, name, shown in [
            ("a control character", r"'a\x07b\x00'", r"a\\x07b\\x00"),
            ("a character of the C1 block", r"'\x9b1m\x7f'", r"\\x9b1m\\x7f"),
            ("half a character", r"'half \ud83d'", r"half \\ud83d"),
            ("no character", r"'\ufffe\uffff'", r"\\ufffe\\uffff"),
            ("a carriage return", r"'a\rb\r\nc'", r"a\\rb\nc"),
            ("a quote after a backslash", r"'\\\"; } '", r"\\\"; } "),
            ("an entity", "'&lt;<&#7;'", "&amp;lt;&lt;&amp;#7;"),
        ]
    ],
]
