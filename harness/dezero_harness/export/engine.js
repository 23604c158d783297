// A whole engine in JavaScript, and below it the dialogue by which the suite asks it.
"use strict";

// A tensor: its numbers in a row, its shape, and for each tensor that it was made from how a
// gradient goes there: by operations, so that a gradient has a graph as well.
const tensor = (data, shape, ways = []) => ({ data, shape, ways, grad: null });
const lift = (x) => (typeof x === "number" ? tensor([x], []) : x);
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const range = (n) => Array.from({ length: n }, (_, i) => i);

// A change of shape is a table: of which number each number of the result is a copy (gather), or
// to which number of the result each is added (scatter). Each is the other's way back.
const gather = (x, table, shape) =>
  tensor(table.map((i) => x.data[i]), shape, [[x, (g) => scatter(g, table, x.shape)]]);
function scatter(x, table, shape) {
  const data = Array(size(shape)).fill(0);
  table.forEach((i, k) => (data[i] += x.data[k]));
  return tensor(data, shape, [[x, (g) => gather(g, table, x.shape)]]);
}
const strides = (shape) => shape.map((_, axis) => size(shape.slice(axis + 1)));
const table = (shape, steps) =>
  shape.reduce((found, n, axis) => found.flatMap((at) => range(n).map((i) => at + i * steps[axis])), [0]);
function spread(from, to) {
  const steps = strides(from).map((step, axis) => (from[axis] === 1 ? 0 : step));
  return table(to, [...Array(to.length - from.length).fill(0), ...steps]);
}
const reshape = (x, shape) => gather(x, range(x.data.length), shape);
const broadcast = (x, shape) => gather(x, spread(x.shape, shape), shape);
const transpose = (x, axes) =>
  gather(x, table(axes.map((a) => x.shape[a]), axes.map((a) => strides(x.shape)[a])), axes.map((a) => x.shape[a]));
function sum(x, axes, keepdims) {
  const gone = axes ? axes.map((a) => (a + x.shape.length) % x.shape.length) : range(x.shape.length);
  const kept = x.shape.map((n, axis) => (gone.includes(axis) ? 1 : n));
  return scatter(x, spread(kept, x.shape), keepdims ? kept : x.shape.filter((_, axis) => !gone.includes(axis)));
}
function together(a, b) {
  const [one, other] = a.length < b.length ? [b, a] : [a, b];
  const lead = one.length - other.length;
  return one.map((n, i) => (i < lead || other[i - lead] === 1 ? n : other[i - lead]));
}
const binary = (f, ways) => (a, b) => {
  const shape = together(lift(a).shape, lift(b).shape);
  [a, b] = [a, b].map((x) => broadcast(lift(x), shape));
  const y = tensor(a.data.map((v, i) => f(v, b.data[i])), shape);
  y.ways = ways(a, b, y).map((way, i) => [[a, b][i], way]);
  return y;
};
const unary = (f, slope) => (x) => {
  const y = tensor(x.data.map(f), x.shape);
  y.ways = [[x, (g) => mul(g, slope(x, y))]];
  return y;
};
const add = binary((v, w) => v + w, () => [(g) => g, (g) => g]);
const mul = binary((v, w) => v * w, (a, b) => [(g) => mul(g, b), (g) => mul(g, a)]);
const div = binary((v, w) => v / w, (a, b, y) => [(g) => div(g, b), (g) => mul(div(neg(g), b), y)]);
const neg = (x) => mul(x, -1);
const power = (x, c) => unary((v) => v ** c, () => (c ? mul(c, power(x, c - 1)) : 0))(x);
const sin = unary(Math.sin, (x) => cos(x));
const cos = unary(Math.cos, (x) => neg(sin(x)));
const tanh = unary(Math.tanh, (x, y) => add(1, neg(mul(y, y))));
const exp = unary(Math.exp, (x, y) => y);
const log = unary(Math.log, (x) => div(1, x));
function matmul(a, b) {
  const [rows, columns] = [a.shape.length > 1, b.shape.length > 1];
  const [left, right] = [rows ? a.shape : [1, ...a.shape], columns ? b.shape : [...b.shape, 1]];
  const products = mul(reshape(a, [...left, 1]), reshape(b, [...right.slice(0, -2), 1, ...right.slice(-2)]));
  const y = sum(products, [-2], false);
  const lead = y.shape.slice(0, -2);
  return reshape(y, [...lead, ...(rows ? left.slice(-2, -1) : []), ...(columns ? right.slice(-1) : [])]);
}

// From the root, each tensor after those made from it; nothing calls itself, however deep a graph.
function walk(root, seed, createGraph) {
  const [order, seen, stack] = [[], new Set(), [[root, false]]];
  while (stack.length) {
    const [node, done] = stack.pop();
    if (done) order.push(node);
    else if (!seen.has(node)) {
      seen.add(node);
      stack.push([node, true], ...node.ways.map(([x]) => [x, false]));
    }
  }
  const gradients = new Map([[root, reshape(seed, seed.shape)]]);
  for (const node of order.reverse()) {
    const g = gradients.get(node);
    for (const [x, way] of node.ways)
      gradients.set(x, gradients.has(x) ? add(gradients.get(x), way(g)) : way(g));
    if (node.ways.length) continue;
    const total = node.grad && node !== root ? add(node.grad, g) : g;
    node.grad = createGraph ? total : tensor(total.data, total.shape);
  }
}

// ---- what follows is no engine: steps as the suite writes them, and the dialogue ----

const OPERATIONS = {
  add, mul, div, neg, sin, cos, tanh, exp, log, matmul, pow: power,
  sub: (a, b) => add(a, neg(lift(b))),
  sum: (x, step) => sum(x, step.axis, step.keepdims),
  reshape: (x, step) => reshape(x, step.shape),
  broadcast_to: (x, step) => broadcast(x, step.shape),
  transpose: (x, step) => transpose(x, step.axes),
};
const copy = (x) => tensor([...x.data], x.shape);
const filled = (x, number) => tensor(x.data.map(() => number), x.shape);

// A number as data: whole as it is, others exactly, as 0x1.8p+1, inf or nan.
function number(text) {
  const hex = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text);
  if (!hex) return typeof text === "number" ? text : { inf: Infinity, "-inf": -Infinity, nan: NaN }[text];
  const [, sign, whole, digits, exponent] = hex;
  return (sign ? -1 : 1) * parseInt(whole + digits, 16) * 2 ** (exponent - 4 * digits.length);
}
function leaf(data) {
  const shape = [];
  for (let part = data; Array.isArray(part); part = part[0]) shape.push(part.length);
  return tensor([data].flat(Infinity).map(number), shape);
}
function nested(x) {
  const flat = x.data.map((v) => (Number.isFinite(v) ? v : String(v)));
  const part = (shape, at) =>
    shape.length ? range(shape[0]).map((i) => part(shape.slice(1), at + i * size(shape.slice(1)))) : flat[at];
  return part(x.shape, 0);
}

const STEPS = {
  leaf: (step, named) => (step.of ? copy(named[step.of]) : leaf(step.data)),
  apply(step, named) {
    if (!OPERATIONS[step.operation]) throw { skipped: `no operation ${step.operation}` };
    return OPERATIONS[step.operation](
      ...step.inputs.map((x) => (typeof x === "string" ? named[x] : number(x.number))), step);
  },
  walk(step, named) {
    const root = named[step.root];
    walk(root, step.seed ? named[step.seed] : filled(root, 1), step.create_graph);
  },
  gradient: ({ of, otherwise }, named) => named[of].grad || (otherwise ? filled(named[of], 0) : null),
  clear: (step, named) => void (named[step.of].grad = null),
  put: (step, named) => void (named[step.on].grad = named[step.gradient]),
  assign: (step, named) => void Object.assign(named[step.to], { ...copy(named[step.of]), grad: named[step.to].grad }),
};

// The numbers of what is asked for, after these steps.
function answers(steps, asked) {
  const named = {};
  for (const step of steps) {
    if (!STEPS[step.do]) throw { skipped: `no step ${step.do}` };
    named[step.name] = STEPS[step.do](step, named);
  }
  return Object.fromEntries(asked.map((name) => [name, named[name] && nested(named[name])]));
}

// A line for each line: what was asked for, or why not.
function reply(line) {
  const { id, steps, asked } = JSON.parse(line);
  try {
    return { id, engine: "engine.js", values: answers(steps, asked) };
  } catch (why) {
    return why.skipped ? { id, skipped: why.skipped } : { id, error: String(why) };
  }
}

if (require.main === module)
  require("readline").createInterface({ input: process.stdin })
    .on("line", (line) => console.log(JSON.stringify(reply(line))));
module.exports = { answers, number };
