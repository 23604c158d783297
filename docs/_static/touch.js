// Figures whose x is dragged. Every number is looked up in what was recorded; the lines of the
// tangent and the parabola are drawn from them. See dezero_harness/site/touch.py.
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const typeset = (text) => text.replaceAll("-", "−");

  function draw(parent, tag, kind, attributes) {
    const element = parent.appendChild(document.createElementNS(SVG, tag));
    element.setAttribute("class", kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  /* Where a point is in the plot, and which x is under the pointer. */
  function scale(figure) {
    const [x0, x1, y0, y1] = figure.dataset.window.split(" ").map(Number);
    const plot = figure.querySelector(".touch-plot");
    const { width, height } = plot.viewBox.baseVal;
    const left = (x) => ((x - x0) / (x1 - x0)) * width;
    const top = (y) => ((y1 - y) / (y1 - y0)) * height;
    const x = (event) => {
      const box = plot.getBoundingClientRect();
      return x0 + ((event.clientX - box.left) / box.width) * (x1 - x0);
    };
    return { x0, x1, plot, left, top, x };
  }

  /* y + slope (t - x) + curvature/2 (t - x)², over the window: one Bézier curve. */
  function parabola({ x0, x1, left, top }, x, y, slope, curvature) {
    const at = (t) => y + slope * (t - x) + (curvature / 2) * (t - x) ** 2;
    const bend = at(x0) + ((slope + curvature * (x0 - x)) * (x1 - x0)) / 2;
    return `M${left(x0)} ${top(at(x0))}Q${left((x0 + x1) / 2)} ${top(bend)} ${left(x1)} ${top(at(x1))}`;
  }

  /* The plot can be dragged: `go` is given the x under the pointer. */
  function drag({ plot, x }, slider, go) {
    plot.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      plot.setPointerCapture(event.pointerId);
      plot.classList.add("touch-held");
      go(x(event));
      slider.focus({ preventScroll: true });
      event.preventDefault();
    });
    plot.addEventListener("pointermove", (event) => plot.classList.contains("touch-held") && go(x(event)));
    for (const end of ["pointerup", "pointercancel"]) {
      plot.addEventListener(end, () => plot.classList.remove("touch-held"));
    }
  }

  const nearest = (xs, x) =>
    xs.reduce((best, other, i) => (Math.abs(other - x) < Math.abs(xs[best] - x) ? i : best), 0);

  function touch(figure) {
    const data = JSON.parse(figure.querySelector(".touch-data").textContent);
    const split = (texts) => Object.fromEntries(Object.entries(texts).map(([n, t]) => [n, t.split(" ")]));
    const [columns, nodes] = [split(data.columns), split(data.nodes)];
    const numbers = Object.fromEntries(Object.entries(columns).map(([n, t]) => [n, t.map(Number)]));
    const find = (selector) => [...figure.querySelectorAll(selector)];
    const slider = figure.querySelector("input[type=range]");
    const output = figure.querySelector(".touch-at");
    const to = scale(figure);
    const moves = figure.querySelector(".touch-moves");
    const line = data.slope && draw(moves, "path", "touch-tangent", {});
    const bow = data.curvature && draw(moves, "path", "touch-parabola", {});
    const points = find(".touch-points circle");
    const shows = find("[data-shows]");
    const values = find(".touch-values [data-column]");
    const texts = find(".touch-graph .dz-node").flatMap((node) => {
      const name = node.id.slice(node.id.lastIndexOf("-") + 1);
      if (!nodes[name]) return [];
      const [says, grad] = node.querySelectorAll("text");
      return [{ says, grad, label: says.textContent.match(/^.* = /)?.[0] ?? "", texts: nodes[name] }];
    });
    const grads = nodes.grad;

    function show(at) {
      const x = numbers.x[at];
      figure.dataset.at = at;
      slider.value = at;
      output.textContent = typeset(columns.x[at]);
      slider.setAttribute("aria-valuetext", [`x = ${columns.x[at]}`, ...Object.entries(data.names)
        .map(([column, name]) => `${name} = ${columns[column][at]}`)].map(typeset).join(", "));
      for (const { says, grad, label, texts: column } of texts) {
        says.textContent = label + column[at];
        if (grad && grads) grad.textContent = `grad ${grads[at]}`;
      }
      points.forEach((point) => {
        point.setAttribute("cx", to.left(x));
        point.setAttribute("cy", to.top(numbers[point.dataset.column][at]));
      });
      const y = numbers[data.drawn[0]][at];
      const slope = data.slope && numbers[data.slope][at];
      if (line) line.setAttribute("d", parabola(to, x, y, slope, 0));
      if (bow) bow.setAttribute("d", parabola(to, x, y, slope, numbers[data.curvature][at]));
      for (const one of shows) one.textContent = columns[one.dataset.shows][at];
      for (const row of values) row.querySelector("dd").textContent = typeset(columns[row.dataset.column][at]);
    }

    function order(n) {
      for (const page of find(".touch-order")) page.hidden = page.dataset.order !== n;
      for (const part of find(".touch-plot [data-column], .touch-values [data-column]")) {
        part.classList.toggle("touch-chosen", part.dataset.column === `gx${n}`);
      }
    }

    slider.addEventListener("input", () => show(Number(slider.value)));
    drag(to, slider, (x) => show(nearest(numbers.x, x)));
    for (const choice of find(".touch-orders input")) {
      choice.addEventListener("change", () => order(choice.value));
      if (choice.checked) order(choice.value);
    }
    for (const input of find("input")) input.disabled = false;
    show(data.start);
  }

  function newton(figure) {
    const data = JSON.parse(figure.querySelector(".touch-data").textContent);
    const walks = data.walks.map((walk) => walk.split(" "));
    const starts = walks.map((walk) => Number(walk[0]));
    const [start, step] = figure.querySelectorAll("input[type=range]");
    const [startSays, stepSays] = figure.querySelectorAll(".touch-at");
    const button = figure.querySelector("button");
    const says = figure.querySelector(".touch-says");
    const list = [...figure.querySelectorAll(".touch-iterates li")];
    const shows = [...figure.querySelectorAll("[data-shows]")];
    const to = scale(figure);
    const moves = figure.querySelector(".touch-moves");
    const points = figure.querySelector(".touch-points");
    let walking = 0;

    function show(at, k) {
      const walk = walks[at];
      const [xs, ys, slopes, bends] = [0, 10, 20, 30].map((i) => walk.slice(i, i + 10));
      start.value = at;
      step.value = k;
      figure.dataset.at = at;
      figure.dataset.step = k;
      startSays.textContent = typeset(xs[0]);
      stepSays.textContent = k;
      start.setAttribute("aria-valuetext", typeset(`start at ${xs[0]}, after nine steps at ${xs[9]}`));
      step.setAttribute("aria-valuetext", typeset(`step ${k}: x = ${xs[k]}`));
      for (const one of shows) one.textContent = xs[0];
      list.forEach((item, i) => {
        iterate(item, xs[i], xs[9]);
        item.classList.toggle("touch-ahead", i > k);
        if (i === k) item.setAttribute("aria-current", "step");
        else item.removeAttribute("aria-current");
      });
      moves.replaceChildren();
      points.replaceChildren();
      const [x, y, slope, bend] = [xs, ys, slopes, bends].map((column) => Number(column[k]));
      draw(moves, "path", "touch-parabola", { d: parabola(to, x, y, slope, bend) });
      if (k < 9) {
        const [next, low] = [Number(xs[k + 1]), y - slope ** 2 / (2 * bend)];
        const d = `M${to.left(next)} ${to.top(low)}V${to.top(Number(ys[k + 1]))}`;
        draw(moves, "path", "touch-drop", { d });
        draw(points, "circle", "touch-next", { cx: to.left(next), cy: to.top(Number(ys[k + 1])), r: 5 });
      }
      for (let i = 0; i <= k; i++) {
        const [cx, cy] = [to.left(Number(xs[i])), to.top(Number(ys[i]))];
        draw(points, "circle", i === k ? "touch-curve-0" : "touch-past", { cx, cy, r: i === k ? 9 : 4 });
      }
      const away = x < to.x0 || x > to.x1 ? " It has left the picture." : "";
      says.textContent = typeset(`x = ${xs[k]}, y′ = ${slopes[k]}, y″ = ${bends[k]}.`) + away;
    }

    /* The digits that the walk has in common with where it ends are bold: they are right. */
    function iterate(item, text, end) {
      let same = 0;
      const right = end.padEnd(text.length, "0"); // 1.0 is 1.0000
      while (same < text.length && text[same] === right[same]) same++;
      const bold = document.createElement("b");
      bold.textContent = typeset(text.slice(0, same));
      item.replaceChildren(bold, typeset(text.slice(same)));
    }

    function stop() {
      clearInterval(walking);
      walking = 0;
      button.textContent = "Walk";
    }

    function go() {
      const at = Number(step.value);
      if (at >= 9) return stop();
      show(Number(start.value), at + 1);
      return at + 1 >= 9 && stop();
    }

    start.addEventListener("input", () => show(Number(start.value), Number(step.value)));
    step.addEventListener("input", () => (stop(), show(Number(start.value), Number(step.value))));
    drag(to, start, (x) => show(nearest(starts, x), Number(step.value)));
    button.addEventListener("click", () => {
      if (walking) return stop();
      if (Number(step.value) >= 9) show(Number(start.value), 0);
      walking = setInterval(go, 800);
      button.textContent = "Stop";
    });
    for (const control of [start, step, button]) control.disabled = false;
    show(data.start, 0);
  }

  function begin() {
    for (const figure of document.querySelectorAll(".touch")) {
      (figure.matches(".touch-newton") ? newton : touch)(figure);
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
