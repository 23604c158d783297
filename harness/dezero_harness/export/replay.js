// Judge an engine in JavaScript by the exported cases: node replay.js FILE [engine.js]
"use strict";
const fs = require("fs");
const path = require("path");

const [file, engine = path.join(__dirname, "engine.js")] = process.argv.slice(2);
if (!file) {
  console.error("node replay.js FILE [ENGINE]: FILE is what nox -s export writes, ENGINE a module with answers()");
  process.exit(2);
}
const { answers } = require(path.resolve(engine));
const { number } = require(path.join(__dirname, "engine.js"));
const { suite, cases } = JSON.parse(fs.readFileSync(file, "utf8"));

function ulp(x) {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x))) || -1022);
  for (const e of [exponent + 1, exponent, exponent - 1]) if (2 ** e <= Math.abs(x)) return 2 ** (e - 52);
  return 2 ** -1074;
}
const shape = (x) => (Array.isArray(x) ? [x.length, ...(x.length ? shape(x[0]) : [])] : []);

// In what an answer is not the expected one; null where it is.
function wrong(expected, got, tolerance) {
  if (Array.isArray(expected)) {
    if (!Array.isArray(got) || got.length !== expected.length) return "another shape";
    return expected.map((e, i) => wrong(e, got[i], tolerance)).find((w) => w) || null;
  }
  if (expected === null || got === null || Array.isArray(got) || got === undefined)
    return expected === got ? null : `${JSON.stringify(got)} for ${expected}`;
  const [e, g] = [number(expected), Number(got)];
  if (e === g || (Number.isNaN(e) && Number.isNaN(g))) return null;
  const { rel, abs, ulps } = tolerance;
  const allowed = Math.max(number(abs), number(rel) * Math.abs(e), ulps && ulps * ulp(e));
  return Number.isFinite(e) && Math.abs(g - e) <= allowed ? null : `${g} for ${e}`;
}

function verdict({ steps, asked, checks, tolerance }) {
  let values;
  try {
    values = answers(steps, asked);
  } catch (why) {
    return why.skipped ? ["skipped", why.skipped] : ["error", String(why)];
  }
  for (const check of checks) {
    const got = values[check.value];
    const found =
      "shape" in check ? wrong(check.shape, shape(got), { rel: 0, abs: 0, ulps: 0 })
      : "above" in check ? !(got > number(check.above)) && `${got} is not above`
      : "below" in check ? !(got < number(check.below)) && `${got} is not below`
      : wrong(check.is, got, tolerance);
    if (found) return ["wrong", `${check.value}: ${found}`];
  }
  return ["passed", ""];
}

const found = {};
for (const one of cases) {
  const [outcome, why] = verdict(one);
  (found[outcome] ||= []).push(one.id);
  if (outcome !== "passed") console.log(`${outcome}: ${one.id}: ${why}`);
}
const counts = Object.entries(found).map(([outcome, ids]) => `${ids.length} ${outcome}`);
console.log(`suite ${suite}, ${cases.length} cases: ${counts.join(", ")}`);
process.exit(found.wrong || found.error ? 1 : 0);
