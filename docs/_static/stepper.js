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

  /* What scrolls can be reached by keyboard. */
  function reachable(element) {
    if (element.scrollHeight > element.clientHeight) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }

  /* What a node is, in a strip of its own that covers nothing, while the pointer or the focus is on it. */
  function tips(figure, box, tip) {
    const hint = tip.parentElement.querySelector(".dz-hint");
    let leaving;
    function show(node) {
      clearTimeout(leaving);
      const [what, where, code] = node.getAttribute("aria-label").split("\n");
      tip.replaceChildren();
      put(tip, "b", what);
      put(tip, "span", where);
      put(tip, "code", code);
      [tip.hidden, hint.hidden] = [false, true];
      reachable(tip.parentElement);
    }
    function hide() {
      clearTimeout(leaving);
      [tip.hidden, hint.hidden] = [true, false];
    }
    const nodeOf = (event) => event.target.closest(".dz-node:not(.dz-unborn)");
    box.addEventListener("pointerover", (event) => nodeOf(event) && show(nodeOf(event)));
    box.addEventListener("pointerout", (event) => nodeOf(event) && (leaving = setTimeout(hide, 200)));
    box.addEventListener("focusin", (event) => nodeOf(event) && show(nodeOf(event)));
    box.addEventListener("focusout", hide);
    box.addEventListener("click", (event) => nodeOf(event) && reach(box, nodeOf(event)));
    figure.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    hide();
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

  const SMALLEST = 0.7; // of its size; a graph that would have to be smaller is scrolled

  /* A graph that nearly fits its box is drawn so that it fits. */
  function fit(box, svg) {
    const { width, height } = svg.viewBox.baseVal;
    const room = Math.min(1, (box.clientWidth - 2) / width, (box.clientHeight - 2) / height);
    const scale = room < SMALLEST || !box.clientHeight ? 1 : room;
    svg.style.width = `${width * scale}px`;
  }

  /* The step that the address names, from 0; -1 for none. */
  const asked = () => Number(location.hash.match(/^#step=(\d+)$/)?.[1] ?? 0) - 1;

  function stepper(figure) {
    const frames = JSON.parse(figure.querySelector(".dz-data").textContent);
    const find = (selector) => [...figure.querySelectorAll(selector)];
    const byName = (name) => document.getElementById(`${figure.id}-${name}`);
    const box = figure.querySelector(".dz-graph");
    const whole = figure.querySelector(".dz-walk");
    const sentence = figure.querySelector(".dz-sentence");
    const queue = figure.querySelector(".dz-queue ol");
    const sentences = find(".dz-steps > li");
    const parts = find(".dz-node, .dz-edge");
    const results = find(".dz-results li");
    const codes = [[".dz-program", "lines"], [".dz-loop", "loop"]]
      .map(([where, key]) => [figure.querySelector(`${where} pre`), find(`${where} [data-line]`), key])
      .filter(([pre]) => pre);
    const buttons = Object.fromEntries(find("[data-go]").map((b) => [b.dataset.go, b]));
    const hideTip = box ? tips(figure, box, figure.querySelector(".dz-tip")) : () => {};
    const [play, speed] = [".dz-play", ".dz-speed"].map((one) => figure.querySelector(one));
    let at = 0, playing = 0;

    function mark(kind, names) {
      for (const part of parts) part.classList.remove(kind);
      for (const name of names) byName(name)?.classList.add(kind);
    }

    function show(step) {
      at = Math.max(0, Math.min(step, frames.length - 1));
      const frame = frames[at];
      figure.dataset.step = at;
      sentence.textContent = sentences[at].textContent;
      sentence.scrollTop = 0;
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
      for (const [name, text] of Object.entries(frame.values)) {
        const says = byName(name)?.querySelector("text");
        if (says) says.textContent = text;
      }
      mark("dz-take", frame.take ? [frame.take] : []);
      mark("dz-wait", frame.wait);
      mark("dz-flow", frame.flow);
      mark("dz-to", frame.to);
      mark("dz-new", frame.new);
      for (const li of results) li.hidden = Number(li.dataset.step) > at;
      for (const [pre, lines, key] of codes) {
        for (const line of lines) line.classList.toggle("dz-line", frame[key].includes(Number(line.dataset.line)));
        const ran = lines.filter((line) => line.matches(".dz-line"));
        if (ran.length) scrollTo(pre, ran[0].offsetTop, ran.at(-1).offsetTop + ran.at(-1).offsetHeight);
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
      find(".dz-sentence, .dz-now").forEach(reachable);
      look(frame);
    }
    const isThere = (part) => part.matches(".dz-node:not(.dz-unborn)");

    /* The lines that ran in the middle of their box, or the first of them at its top. */
    function scrollTo(pre, top, bottom) {
      const start = pre.querySelector("[data-line]").offsetTop;
      const space = Math.max(0, pre.clientHeight - (bottom - top)) / 2;
      pre.scrollTop = top - start - space;
    }

    /* Bring what happens into the middle of the box, or, where that is too much, what it leads to. */
    function look(frame) {
      if (!box) return;
      const around = box.getBoundingClientRect();
      const all = [[frame.take, ...frame.to, ...(frame.take ? [] : frame.new)], frame.to, frame.to.slice(0, 1), [frame.take]];
      for (const names of all) {
        const places = names.map(byName).filter(Boolean).map((node) => node.getBoundingClientRect());
        if (!places.length) continue;
        const ends = (low, high) => [Math.min(...places.map((p) => p[low])), Math.max(...places.map((p) => p[high]))];
        const [[left, right], [top, bottom]] = [ends("left", "right"), ends("top", "bottom")];
        const fits = right - left <= around.width && bottom - top <= around.height;
        if (!fits && names.length > 1) continue;
        box.scrollBy({
          left: (left + right - around.left - around.right) / 2,
          top: (top + bottom - around.top - around.bottom) / 2,
          behavior: calm() ? "instant" : "smooth",
        });
        return;
      }
    }

    /* A step that the reader has asked for: all of the figure is in the window, and the address names it. */
    function step(to) {
      show(to);
      whole.scrollIntoView({ block: "nearest", behavior: "instant" });
      const main = document.querySelector(".dz-stepper:not([hidden])") === figure;
      if (main) history.replaceState(history.state, "", `#step=${at + 1}`);
    }

    function stop() {
      clearInterval(playing);
      playing = 0;
      play.textContent = "Play";
    }

    function start() {
      clearInterval(playing);
      playing = setInterval(() => {
        step(at + 1);
        if (at === frames.length - 1) stop();
      }, Number(speed.value));
      play.textContent = "Pause";
    }

    play.addEventListener("click", () => {
      if (playing) return stop();
      if (at === frames.length - 1) step(0);
      return start();
    });
    speed.addEventListener("change", () => playing && start());

    const go = {
      first: () => step(0),
      back: () => step(at - 1),
      on: () => step(at + 1),
      last: () => step(frames.length - 1),
    };
    for (const [name, button] of Object.entries(buttons)) {
      button.addEventListener("click", () => (stop(), go[name]()));
    }
    figure.addEventListener("keydown", (event) => {
      const name = KEYS[event.key];
      if (!name || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.target.closest("pre, summary, input, select, textarea")) return; // have a use for these keys
      event.preventDefault();
      stop();
      go[name]();
    });
    const choice = figure.querySelector(".dz-switch input");
    choice?.addEventListener("change", () => {
      stop();
      const other = document.getElementById(choice.dataset.other);
      choice.checked = !choice.checked; // each figure keeps its own
      [figure.hidden, other.hidden] = [true, false];
      other.dzShow(at);
      other.querySelector(".dz-switch input").focus({ preventScroll: true });
    });
    for (const part of find(".dz-controls, .dz-sentence, .dz-now, .dz-legend, .dz-about")) part.hidden = false;
    const svg = box?.querySelector("svg");
    if (!box) figure.querySelector(".dz-legend").hidden = true;
    else {
      walk(box, { ArrowUp: -1, ArrowDown: 1 });
      new ResizeObserver(() => (fit(box, svg), look(frames[at]))).observe(box);
    }
    figure.dzShow = show;
    const onPaper = matchMedia("print");
    let before = 0;
    onPaper.addEventListener("change", () => {
      if (onPaper.matches) before = at;
      show(onPaper.matches ? frames.length - 1 : before);
    });
    show(0);
  }

  /* The orders of a derivative: a bar and a miniature for each, in the light up to the one that is chosen. */
  function growth(figure) {
    const slider = figure.querySelector("input");
    const sentence = figure.querySelector(".dz-sentence");
    const orders = [...figure.querySelectorAll("[data-order]")];
    function show() {
      const order = Number(slider.value);
      figure.dataset.at = order;
      for (const part of orders) {
        const its = Number(part.dataset.order);
        part.classList.toggle("dz-later", its > order);
        part.classList.toggle("dz-chosen", its === order);
      }
      const chosen = figure.querySelector(`.dz-order[data-order="${order}"]`);
      sentence.textContent = chosen.querySelector(".dz-says").textContent;
      slider.setAttribute("aria-valuetext", `order ${order}, ${chosen.dataset.nodes} nodes`);
    }
    slider.addEventListener("input", show);
    for (const one of figure.querySelectorAll(".dz-order")) {
      one.addEventListener("pointerenter", () => {
        slider.value = one.dataset.order;
        show();
      });
    }
    // A large miniature is a file, which is fetched when the figure comes into view.
    const near = new IntersectionObserver((seen) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      for (const image of figure.querySelectorAll("img[data-src]")) image.src = image.dataset.src;
      near.disconnect();
    });
    near.observe(figure);
    for (const image of figure.querySelectorAll("img[data-src]")) image.hidden = false;
    figure.querySelector(".dz-controls").hidden = sentence.hidden = false;
    show();
  }

  self.DEZERO_STEPPER = stepper; // for figures that are made in the page: run.js

  function begin() {
    document.querySelectorAll(".dz-stepper").forEach(stepper);
    document.querySelectorAll(".dz-growth").forEach(growth);
    goToStep();
    addEventListener("hashchange", goToStep);
  }

  /* An address with #step=14 leads to that step of the page's first figure. */
  function goToStep() {
    const figure = document.querySelector(".dz-stepper:not([hidden])");
    if (asked() < 0 || !figure) return;
    figure.dzShow(asked());
    figure.querySelector(".dz-walk").scrollIntoView({ block: "nearest", behavior: "instant" });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
