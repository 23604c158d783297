// Steps through recorded backward passes; nothing is computed here. See dezero_harness/tracing/stepper.py.
"use strict";

(() => {
  const KEYS = { ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last" };
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function put(parent, tag, text, kind) {
    const element = parent.appendChild(document.createElement(tag));
    element.textContent = text;
    if (kind) element.className = kind;
    return element;
  }

  /* What a node is, beside it, while the pointer or the focus is on it. */
  function tips(figure, box, tip) {
    let leaving, shown;
    function show(node) {
      clearTimeout(leaving);
      shown = node;
      const [what, where, code] = node.getAttribute("aria-label").split("\n");
      tip.replaceChildren();
      put(tip, "b", what);
      put(tip, "span", where);
      put(tip, "code", code);
      place();
    }
    function place() {
      const frame = box.getBoundingClientRect();
      const around = figure.getBoundingClientRect();
      const beside = shown.getBoundingClientRect();
      tip.hidden = false;
      const left = beside.left + beside.width / 2 - tip.offsetWidth / 2 - around.left;
      tip.style.left = `${Math.max(0, Math.min(left, around.width - tip.offsetWidth))}px`;
      tip.style.top = `${beside.bottom - around.top + 4}px`;
      tip.hidden = beside.bottom < frame.top || beside.top > frame.bottom; // scrolled out of sight
    }
    function hide() {
      clearTimeout(leaving);
      shown = null;
      tip.hidden = true;
    }
    const later = () => (leaving = setTimeout(hide, 200)); // time to go over to the tip
    const nodeOf = (event) => event.target.closest(".dz-node:not(.dz-unborn)");
    box.addEventListener("pointerover", (event) => nodeOf(event) && show(nodeOf(event)));
    box.addEventListener("pointerout", (event) => nodeOf(event) && later());
    box.addEventListener("focusin", (event) => nodeOf(event) && show(nodeOf(event)));
    box.addEventListener("focusout", hide);
    box.addEventListener("click", (event) => nodeOf(event) && reach(box, nodeOf(event)));
    box.addEventListener("scroll", () => shown && place());
    tip.addEventListener("pointerenter", () => clearTimeout(leaving));
    tip.addEventListener("pointerleave", later);
    figure.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    return hide;
  }

  /* Tab reaches one node of a graph, the arrow keys go on from there. */
  function reach(box, node) {
    for (const other of box.querySelectorAll('.dz-node[tabindex="0"]')) other.tabIndex = -1;
    node.tabIndex = 0;
    node.focus();
  }

  function walk(box, keys) {
    box.addEventListener("keydown", (event) => {
      const by = keys[event.key];
      if (!by || !event.target.closest(".dz-node") || event.altKey || event.ctrlKey) return;
      const nodes = [...box.querySelectorAll(".dz-node:not(.dz-unborn)")];
      const next = nodes[nodes.indexOf(event.target) + by];
      if (next) reach(box, next);
      event.preventDefault();
    });
  }

  function stepper(figure) {
    const frames = JSON.parse(figure.querySelector(".dz-data").textContent);
    const find = (selector) => [...figure.querySelectorAll(selector)];
    const byName = (name) => document.getElementById(`${figure.id}-${name}`);
    const box = figure.querySelector(".dz-graph");
    const sentence = figure.querySelector(".dz-sentence");
    const queue = figure.querySelector(".dz-queue ol");
    const sentences = find(".dz-steps > li");
    const parts = find(".dz-node, .dz-edge");
    const results = find(".dz-results li");
    const lines = find(".dz-program [data-line]");
    const buttons = Object.fromEntries(find("[data-go]").map((b) => [b.dataset.go, b]));
    const hideTip = box ? tips(figure, box, figure.querySelector(".dz-tip")) : () => {};
    let at = 0;

    function mark(kind, names) {
      for (const part of parts) part.classList.remove(kind);
      for (const name of names) byName(name)?.classList.add(kind);
    }

    function show(step) {
      at = Math.max(0, Math.min(step, frames.length - 1));
      const frame = frames[at];
      figure.dataset.step = at;
      sentence.textContent = sentences[at].textContent;
      figure.querySelector(".dz-count").textContent = `step ${at + 1} of ${frames.length}`;
      sentences.forEach((li, i) =>
        i === at ? li.setAttribute("aria-current", "step") : li.removeAttribute("aria-current"));
      for (const part of parts) {
        const unborn = Number(part.dataset.step) > at;
        part.classList.toggle("dz-unborn", unborn);
        if (part.matches(".dz-node")) part.setAttribute("aria-hidden", unborn);
        const grad = part.querySelector(".dz-grad");
        if (!grad) continue;
        grad.textContent = frame.grads[part.id.slice(figure.id.length + 1)] ?? "";
        part.classList.toggle("dz-graded", grad.textContent !== "");
      }
      mark("dz-take", frame.take ? [frame.take] : []);
      mark("dz-wait", frame.wait);
      mark("dz-flow", frame.flow);
      mark("dz-to", frame.to);
      mark("dz-new", frame.new);
      for (const li of results) li.hidden = Number(li.dataset.step) > at;
      for (const line of lines) {
        line.classList.toggle("dz-line", frame.lines.includes(Number(line.dataset.line)));
      }
      queue.replaceChildren();
      frame.queue.forEach(([name, generation], i) => {
        const item = put(queue, "li", `${name} `, i === frame.taken ? "dz-taken" : "");
        put(item, "small", i === frame.taken ? `${generation}, taken` : generation);
      });
      if (!frame.queue.length) put(queue, "li", "nothing waits", "dz-none");
      for (const [go, end] of [["first", 0], ["back", 0], ["on", -1], ["last", -1]]) {
        buttons[go].setAttribute("aria-disabled", at === (end ? frames.length - 1 : 0));
      }
      if (document.activeElement?.matches?.(".dz-unborn")) reach(box, parts.find(isThere));
      hideTip();
      look(frame);
    }
    const isThere = (part) => part.matches(".dz-node:not(.dz-unborn)");

    /* Bring what happens into the middle of the box; the page itself stays where it is. */
    function look(frame) {
      const nodes = [frame.take, ...frame.to, ...(frame.take ? [] : frame.new)]
        .map(byName).filter(Boolean);
      if (!box || !nodes.length) return;
      const around = box.getBoundingClientRect();
      const places = nodes.map((node) => node.getBoundingClientRect());
      const middle = (low, high) =>
        (Math.min(...places.map((p) => p[low])) + Math.max(...places.map((p) => p[high]))) / 2;
      box.scrollBy({
        left: middle("left", "right") - (around.left + around.right) / 2,
        top: middle("top", "bottom") - (around.top + around.bottom) / 2,
        behavior: calm() ? "instant" : "smooth",
      });
    }

    const go = {
      first: () => show(0),
      back: () => show(at - 1),
      on: () => show(at + 1),
      last: () => show(frames.length - 1),
    };
    for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", go[name]);
    figure.addEventListener("keydown", (event) => {
      const name = KEYS[event.key];
      if (!name || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.target.closest("pre, summary, input, select")) return; // have a use for these keys
      event.preventDefault();
      go[name]();
    });
    for (const part of find(".dz-controls, .dz-sentence, .dz-now, .dz-legend")) part.hidden = false;
    if (!box) figure.querySelector(".dz-legend").hidden = true;
    else walk(box, { ArrowUp: -1, ArrowDown: 1 });
    show(0);
  }

  function growth(figure) {
    const pages = [...figure.querySelectorAll(".dz-order")];
    const slider = figure.querySelector("input");
    const sentence = figure.querySelector(".dz-sentence");
    for (const page of pages) {
      page.querySelector(".dz-says").hidden = true;
      const box = page.querySelector(".dz-graph");
      if (!box) continue;
      tips(figure, box, page.querySelector(".dz-tip"));
      walk(box, { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 });
    }
    function show() {
      for (const page of pages) {
        page.hidden = page.dataset.order !== slider.value;
        if (page.hidden) continue;
        sentence.textContent = page.querySelector(".dz-says").textContent;
        figure.querySelector(".dz-count").textContent = `${slider.value} of ${slider.max}`;
        const box = page.querySelector(".dz-graph");
        if (!box) continue;
        const [frame, leaf] = [box, box.querySelector(".dz-node")].map((e) => e.getBoundingClientRect());
        box.scrollLeft += leaf.left + leaf.width / 2 - frame.left - frame.width / 2;
      }
    }
    slider.addEventListener("input", show);
    figure.querySelector(".dz-controls").hidden = sentence.hidden = false;
    show();
  }

  self.DEZERO_STEPPER = stepper; // for figures that are made in the page: run.js

  function begin() {
    document.querySelectorAll(".dz-stepper").forEach(stepper);
    document.querySelectorAll(".dz-growth").forEach(growth);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
