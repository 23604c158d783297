// Predict, then reveal: what a program prints is hidden behind a field that takes a guess. And ticks of
// what was done. Both stay in this browser.
"use strict";

(() => {
  const stored = (name) => {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      return null; // a browser that keeps nothing, or something that is not ours
    }
  };
  const store = (name, value) => {
    try {
      localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // then it is forgotten with the page
    }
  };

  const chapter = document.querySelector("[data-run-chapter]")?.dataset.runChapter;
  const done = { ...stored("dezero-done") }; // chapter -> what was done there -> how
  const counts = { ...stored("dezero-counts") }; // chapter -> how many things there are to do

  function add(parent, tag, kind, text = "") {
    const made = parent.appendChild(document.createElement(tag));
    made.className = kind;
    made.textContent = text;
    return made;
  }

  // --- ticks ---

  function tick(what, how) {
    done[chapter] = { ...done[chapter] };
    if (how) done[chapter][what] = how;
    else delete done[chapter][what];
    store("dezero-done", done);
    show(what);
  }

  const WORDS = { ran: "run here", guessed: "predicted", shown: "looked at", done: "done" };

  function show(what) {
    const how = done[chapter]?.[what];
    const place = document.querySelector(`[data-tick="${what}"]`);
    if (place) place.textContent = how && how !== "shown" ? `✓ ${WORDS[how]}` : how ? WORDS[how] : "";
    inTheList();
  }

  /* Beside each chapter in the list of pages: how much of it was done. */
  function inTheList() {
    for (const link of document.querySelectorAll(".sidebar-tree a.reference")) {
      const number = link.href.match(/step(\d+)\/index\.html/)?.[1] ?? (link.matches(".current") && chapter);
      const things = number && Object.values(done[number] ?? {}).filter((how) => how !== "shown").length;
      if (!things || !counts[number] || !/tep \d/.test(link.textContent)) continue;
      const place = link.querySelector(".done-count") ?? add(link, "span", "done-count");
      place.textContent = ` ${things}/${counts[number]}`;
      place.title = `${things} of ${counts[number]} programs and exercises done in this browser`;
    }
  }

  // --- predictions ---

  const NUMBER = /(?<![\w.])[-−]?(?:\d+\.?\d*(?:e[-+]?\d+)?|inf\b|nan\b)/gi;
  const numbersOf = (text) => (text.match(NUMBER) ?? []).map((one) => {
    const plain = one.replace("−", "-").toLowerCase();
    return plain.endsWith("inf") ? (plain[0] === "-" ? -Infinity : Infinity) : Number(plain); // nan is NaN
  });
  const CLOSE = 0.005; // of the number: three digits will do

  function same(guess, right) {
    if (Number.isNaN(right) || !Number.isFinite(right)) return Object.is(guess, right);
    return Math.abs(guess - right) <= CLOSE * Math.abs(right);
  }

  /* What to say of a guess, and whether it is right. Numbers are compared as numbers, texts as words. */
  function judge(guess, says) {
    if (!guess.trim()) return ["Write down what you expect: numbers as 24 or 1.5e-3, in their order.", false];
    const [mine, right] = [numbersOf(guess), numbersOf(says)];
    if (!right.length) {
      const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean).join(" ");
      const found = words(says).includes(words(guess)) && words(guess).length > 2;
      return [found ? "Yes." : "No: it prints words, and not these.", found];
    }
    if (!mine.length) return [`It prints ${right.length === 1 ? "a number" : `${right.length} numbers`}; there is none in this.`, false];
    const hits = right.filter((number, i) => i < mine.length && same(mine[i], number)).length;
    if (hits === right.length && mine.length === right.length) return ["Right.", true];
    const all = right.length === 1 ? "the number" : `${right.length} numbers`;
    if (right.length === 1) return ["Not that.", false];
    return [`${hits} of ${all} right${mine.length === right.length ? "" : `; there are ${mine.length} in this`}.`, false];
  }

  const programs = [...document.querySelectorAll(".run[data-index]")].map((box) => {
    const before = box.previousElementSibling;
    return { box, what: `p${box.dataset.index}`, output: before?.matches(".highlight-text") ? before : null };
  });
  const exercises = [...document.querySelectorAll("details.answer")];

  function hide(program) {
    const { output } = program;
    if (!output || program.form || done[chapter]?.[program.what]) return;
    output.classList.add("predict-hidden");
    const form = document.createElement("form");
    form.className = "predict";
    output.after(form);
    program.form = form;
    const label = add(form, "label", "", "What does it print? ");
    const field = add(label, "input", "");
    field.autocomplete = "off";
    field.spellcheck = false;
    add(form, "button", "", "Compare");
    const give = add(form, "button", "", "Show");
    give.type = "button";
    const status = add(form, "span", "predict-status");
    status.setAttribute("role", "status");
    give.addEventListener("click", () => reveal(program, "shown"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [words, right] = judge(field.value, output.querySelector("pre").textContent);
      status.textContent = words;
      if (right) reveal(program, "guessed");
    });
  }

  function reveal(program, how) {
    program.output?.classList.remove("predict-hidden");
    if (program.form?.contains(document.activeElement)) program.box.querySelector("button")?.focus({ preventScroll: true });
    program.form?.remove();
    program.form = null;
    const before = done[chapter]?.[program.what];
    if (how && (!before || before === "shown")) tick(program.what, how);
  }

  function begin() {
    const first = programs.find((program) => program.output);
    if (first) {
      const bar = document.createElement("p");
      bar.className = "predict-bar";
      const label = add(bar, "label", "");
      const choice = add(label, "input", "");
      choice.type = "checkbox";
      choice.checked = stored("dezero-predict") === true;
      label.append(" Predict first: what the programs print is hidden until you have made a guess.");
      first.output.previousElementSibling.before(bar);
      const follow = () => programs.forEach((program) => (choice.checked ? hide(program) : reveal(program, "")));
      choice.addEventListener("change", () => {
        store("dezero-predict", choice.checked);
        follow();
      });
      if (choice.checked) follow();
    }
    for (const program of programs) {
      const place = document.createElement("span");
      place.className = "tick";
      place.dataset.tick = program.what;
      program.box.querySelector(".run-status").before(place);
      program.box.addEventListener("ran", () => reveal(program, "ran"));
      show(program.what);
    }
    exercises.forEach((answer, i) => {
      const label = document.createElement("label");
      label.className = "exercise-done";
      const choice = add(label, "input", "");
      choice.type = "checkbox";
      choice.checked = done[chapter]?.[`e${i}`] === "done";
      label.append(` I have done exercise ${i + 1}`);
      choice.addEventListener("change", () => tick(`e${i}`, choice.checked ? "done" : ""));
      answer.append(label);
    });
    if (chapter) {
      counts[chapter] = programs.length + exercises.length;
      store("dezero-counts", counts);
    }
    inTheList();
  }
  begin();
})();
