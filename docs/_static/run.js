// Python in the page. When Run is pressed for the first time a worker loads CPython and NumPy (see
// dezero_harness/site/pieces.py: from where, and with which hashes) and the files of the stages; then it
// runs the programs of the chapter, as they stand or as they were edited (site/in_page.py).
"use strict";

(() => {
  const HERE = new URL(".", document.currentScript.src).href;

  /* The worker. It is made of the text of this function, so that it may not use what is around it. */
  function inWorker() {
    const NEW_TRY = "Press Run to try again.";
    let python, page;
    const fetchPiece = self.fetch; // later a program's own fetch is refused

    const host = (url) => new URL(url).host || "the folder of this page";
    async function piece({ url, integrity }) {
      try {
        const response = await fetchPiece(url, { integrity, credentials: "omit" });
        if (response.ok) return await response.arrayBuffer();
        throw new Error(`the answer was ${response.status}`);
      } catch (error) {
        const again = await fetchPiece(url, { credentials: "omit" }).catch(() => null);
        const name = url.split("/").pop();
        if (again?.ok) {
          throw new Error(
            `${name} came from ${host(url)} with another SHA-256 than it must have. It is not what this page ` +
              "was made for, so nothing of it was run.");
        }
        const why = again ? `the answer was ${again.status}` : "there was no answer";
        throw new Error(`${name} could not be loaded from ${host(url)}: ${why}. ${NEW_TRY}`);
      }
    }

    function script(bytes) {
      const url = URL.createObjectURL(new Blob([bytes], { type: "text/javascript" }));
      importScripts(url);
      URL.revokeObjectURL(url);
    }

    async function load({ pieces, files, page: source, version }) {
      let loaded = 0;
      const wanted = ["loader", "runtime", "wasm", "library", "numpy"];
      const bytes = {};
      const count = () => postMessage({ kind: "loading", loaded, of: wanted.length });
      count();
      await Promise.all(wanted.map(async (role) => {
        bytes[role] = await piece(pieces[role]);
        loaded++;
        count();
      }));
      script(bytes.loader);
      script(bytes.runtime);
      // What Python asks for now has been loaded and checked; it gets nothing else.
      const info = { version, abi_version: "2024_0", arch: "wasm32", platform: "emscripten_3_1_58", python: "3.12.7" };
      const known = {
        "pyodide.asm.wasm": [bytes.wasm, "application/wasm"],
        "python_stdlib.zip": [bytes.library, "application/zip"],
        "pyodide-lock.json": [JSON.stringify({ info, packages: {} }), "application/json"],
      };
      self.fetch = async (url) => {
        const [body, type] = known[String(url).split("/").pop()] ?? [];
        if (!type) throw new Error(`${url} is not loaded: a program here has no network`);
        return new Response(body, { headers: { "Content-Type": type } });
      };
      python = await self.loadPyodide({ indexURL: "https://pieces.invalid/" });
      python.unpackArchive(bytes.numpy, "wheel");
      python.FS.writeFile("/home/pyodide/in_page.py", source);
      page = python.pyimport("in_page");
      page.unpack("/clone", python.toPy(files));
      const about = "import platform, numpy; f'CPython {platform.python_version()}, NumPy {numpy.__version__}'";
      postMessage({ kind: "ready", about: python.runPython(about) });
    }

    function run({ stage, programs }) {
      const say = (text) => postMessage({ kind: "prints", text });
      const start = performance.now();
      const answer = page.run("/clone", stage, python.toPy(programs), say);
      const facts = answer.toJs({ dict_converter: Object.fromEntries });
      postMessage({ kind: "done", seconds: (performance.now() - start) / 1000, ...facts });
    }

    let layout = null;
    async function record({ stage, name, text, piece: viz }) {
      if (!layout) {
        script(await piece(viz));
        const graphviz = await self.Viz.instance();
        layout = (dot) => graphviz.renderString(dot, { format: "svg" });
      }
      try {
        postMessage({ kind: "done", html: page.record("/clone", stage, name, text, layout) });
      } catch (error) {
        // A traceback ends in what went wrong: the words of a TraceError, or of the program's error.
        const last = error.message.trimEnd().split("\n").at(-1);
        postMessage({ kind: "done", why: last.replace(/^[\w.]*(TraceError|StageError): /, "") });
      }
    }

    /* The lab of a page: with `files` and `data` it is opened first. texts: the learner's files, as JSON. */
    let opened = null, until = Infinity;
    function lab({ files, data, call, texts }) {
      if (files) {
        page.unpack("/clone", python.toPy(files));
        // Python asks now and then whether it was interrupted. It is, when a case has had its time.
        python.setInterruptBuffer({
          get 0() {
            if (performance.now() < until) return 0;
            until = performance.now() + 1000;
            return 2;
          },
          set 0(_) {},
        });
        opened = page.OneLab("/clone", data, (seconds) => {
          until = seconds ? performance.now() + 1000 * seconds : Infinity;
        });
      }
      const say = (count) => postMessage({ kind: "counts", count });
      const answer = call === "check" ? opened.check(texts, say) : opened.hint();
      postMessage({ kind: "done", ...JSON.parse(answer) });
    }

    self.onmessage = async ({ data }) => {
      try {
        await { load, run, record, lab }[data.kind](data);
      } catch (error) {
        postMessage({ kind: "failed", why: error.message });
      }
    };
  }

  // --- one Python for the page ---

  const script = (name) => new Promise((resolve, reject) => {
    const element = document.head.appendChild(document.createElement("script"));
    element.src = HERE + name;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${name} of this site could not be loaded.`));
  });

  let worker = null, about = "", listener = null, begun = null;

  /* Send this to the worker and wait for its end; `hear` is given what comes before. */
  function ask(message, hear) {
    return new Promise((resolve, reject) => {
      listener = ({ kind, ...facts }) => {
        if (kind === "failed") reject(new Error(facts.why));
        else if (kind === "ready" || kind === "done") resolve(facts);
        else hear(kind, facts);
      };
      stopped = () => reject(new Error("Stopped."));
      worker.postMessage(message);
    });
  }
  let stopped = () => {};

  function stop() {
    worker?.terminate();
    worker = begun = null;
    stopped();
  }

  async function begin(hear) {
    if (!self.WebAssembly) throw new Error(`This browser has no WebAssembly, so it cannot run Python. ${INSTEAD}`);
    if (!self.Worker) throw new Error(`This browser has no workers, so it cannot run Python beside the page. ${INSTEAD}`);
    if (!self.DEZERO_PYTHON) await script("run-pieces.js");
    if (!self.DEZERO_FILES) await script("run-files.js");
    const pieces = structuredClone(self.DEZERO_PYTHON.pieces);
    for (const one of Object.values(pieces)) one.url = new URL(one.url, HERE).href;
    if (pieces.loader.url.startsWith("file:")) {
      throw new Error(
        "A page opened from a folder may not load Python from that folder. Let a server show it: " +
          "python -m http.server -d docs/_build/html");
    }
    const url = URL.createObjectURL(new Blob([`(${inWorker})()`], { type: "text/javascript" }));
    worker = new Worker(url);
    worker.onmessage = ({ data }) => listener?.(data);
    worker.onerror = (event) => listener?.({ kind: "failed", why: `The worker ended: ${event.message}` });
    const { files, page } = self.DEZERO_FILES;
    ({ about } = await ask({ kind: "load", pieces, files, page, version: self.DEZERO_PYTHON.pyodide }, hear));
  }

  /* Python is loaded when it is first needed, and after a stop. */
  async function python(hear) {
    begun ??= begin(hear);
    try {
      await begun;
    } catch (error) {
      stop();
      throw error;
    }
  }

  // --- the programs of a chapter ---

  const chapter = Number(document.querySelector("[data-run-chapter]")?.dataset.runChapter);
  const lab = document.querySelector("[data-lab]")?.dataset.lab;
  const INSTEAD = lab
    ? `On your own machine it goes so: nox -s lab -- start ${lab}`
    : `On your own machine it runs with: nox -s run -- ${chapter}`;

  function element(parent, tag, kind, text = "") {
    const made = parent.appendChild(document.createElement(tag));
    made.className = kind;
    made.textContent = text;
    return made;
  }

  const boxes = [...document.querySelectorAll(".run")].sort((a, b) => a.dataset.index - b.dataset.index);
  const programs = boxes.map((box) => {
    let block = box.previousElementSibling, says = null;
    if (block?.matches(".highlight-text")) [says, block] = [block, block.previousElementSibling];
    const text = block.querySelector("pre").textContent;
    return { box, block, text, area: null, says: says?.querySelector("pre").textContent ?? "" };
  });
  const textOf = (program) => program.area?.value ?? program.text;

  const loading = (status) => (kind, { loaded, of }) => {
    status.textContent = `loads Python and NumPy, 17 MB, once: ${loaded} of ${of} pieces`;
  };
  let queue = Promise.resolve(); // one program at a time

  function outcome(program, stage, facts, printed) {
    const took = `${about}, ${facts.seconds.toFixed(2)} s`;
    if (facts.ended) return [`${facts.ended} (${took})`, "run-bad"];
    const own = stage === chapter && textOf(program) === program.text;
    const where = facts.line ? `It ended in line ${facts.line}. ` : printed ? "" : "It printed nothing. ";
    if (own && printed === program.says) return [`${where}This is what the page says (${took}).`, "run-good"];
    return [`${where}(${took})`, ""];
  }

  async function runOn(program, index, stage, result) {
    const part = element(result, "div", "run-part");
    element(part, "b", "", `step ${stage}`);
    const out = element(part, "pre", "run-printed");
    out.tabIndex = 0;
    out.setAttribute("aria-label", `printed by step ${stage}`);
    const note = element(part, "p", "run-note", "runs …");
    let printed = "";
    try {
      const hear = (kind, { text }) => kind === "prints" && (out.textContent = printed += text);
      const texts = programs.slice(0, index + 1).map(textOf);
      const facts = await ask({ kind: "run", stage, programs: texts }, hear);
      [note.textContent, part.dataset.outcome] = outcome(program, stage, facts, printed);
    } catch (error) {
      note.textContent = error.message;
      part.dataset.outcome = "run-bad";
      stop();
      throw error;
    }
  }

  async function runAll(program, index, stages) {
    const { box } = program;
    const [status, result] = [box.querySelector(".run-status"), box.querySelector(".run-result")];
    result.replaceChildren();
    box.dataset.state = "runs";
    const [go, halt] = [box.querySelector(".run-go"), box.querySelector(".run-stop")];
    const focused = document.activeElement === go;
    [go.hidden, halt.hidden] = [true, false];
    if (focused) halt.focus();
    status.textContent = "waits for the program before it";
    const turn = queue.then(async () => {
      status.textContent = "";
      try {
        await python(loading(status));
        status.textContent = "";
        for (const stage of stages) await runOn(program, index, stage, result);
        box.dataset.state = "done";
        box.dispatchEvent(new Event("ran"));
      } catch (error) {
        if (!result.lastChild) status.textContent = error.message;
        box.dataset.state = "failed";
      }
      const wasHere = document.activeElement === halt;
      [go.hidden, halt.hidden] = [false, true];
      if (wasHere) go.focus();
    });
    queue = turn;
    return turn;
  }

  /* The program becomes a field; what is typed there is run in its place, by later programs too. */
  function edit(program, button) {
    const pre = program.block.querySelector("pre");
    if (program.area) {
      program.area.remove();
      program.area = null;
      pre.hidden = false;
      button.textContent = "Edit";
      return;
    }
    program.area = element(pre.parentElement, "textarea", "run-area");
    program.area.value = program.text.trimEnd();
    program.area.spellcheck = false;
    program.area.setAttribute("aria-label", "the program, to be edited; Ctrl+Enter runs it");
    program.area.rows = program.text.trimEnd().split("\n").length + 1;
    pre.hidden = true;
    program.area.addEventListener("input", () => {
      program.area.rows = program.area.value.split("\n").length + 1;
    });
    program.area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      program.box.querySelector(".run-go").click();
    });
    button.textContent = "As on the page";
    program.area.focus();
  }

  // --- the programs of the figures to step through ---

  let recorded = 0;

  /* Under the program of a figure: edit it, record it, and step through the new figure. */
  function recordable(figure) {
    const at = figure.querySelector(".dz-program");
    const pre = at.querySelector("pre");
    const box = element(at, "div", "run");
    box.dataset.state = "ready";
    const button = (kind, text, press) => {
      const made = element(box, "button", kind, text);
      made.type = "button";
      made.addEventListener("click", press);
      return made;
    };
    const program = { block: at, box, text: pre.textContent, area: null };
    const go = button("run-go", "Record", () => record(figure, program));
    const halt = button("run-stop", "Stop", stop);
    const change = button("run-edit", "Edit", () => {
      edit(program, change);
      go.hidden = !program.area;
    });
    element(box, "span", "run-status").setAttribute("role", "status");
    go.hidden = halt.hidden = true;
    const original = figure.dzOriginal;
    if (original) button("run-back", "The figure of the page", () => {
      figure.replaceWith(original);
      original.querySelector(".run-edit").focus();
    });
  }

  function record(figure, program) {
    const { box } = program;
    const [go, halt, status] = [".run-go", ".run-stop", ".run-status"].map((one) => box.querySelector(one));
    [go.hidden, halt.hidden, box.dataset.state] = [true, false, "runs"];
    halt.focus();
    queue = queue.then(async () => {
      try {
        await python(loading(status));
        status.textContent = "records …";
        const piece = { ...self.DEZERO_PYTHON.pieces.layout };
        piece.url = new URL(piece.url, HERE).href;
        const stage = Number(figure.dataset.stage.replace("step", ""));
        const facts = await ask({ kind: "record", stage, name: `edited_${++recorded}`, text: textOf(program), piece }, () => {});
        if (facts.why) throw new Error(facts.why);
        show(figure, facts.html);
        box.dataset.state = "done";
        status.textContent = "";
      } catch (error) {
        if (error.message === "Stopped.") stop();
        status.textContent = error.message;
        box.dataset.state = "failed";
      }
      [go.hidden, halt.hidden] = [false, true];
    });
  }

  function show(figure, html) {
    const place = document.createElement("div");
    place.innerHTML = html;
    const made = place.firstElementChild;
    made.dzOriginal = figure.dzOriginal ?? figure;
    figure.replaceWith(made);
    self.DEZERO_STEPPER(made);
    recordable(made);
    made.querySelector("[data-go=on]").focus({ preventScroll: true });
  }

  for (const figure of document.querySelectorAll(".dz-stepper")) recordable(figure);

  self.DEZERO_PAGE = { python, ask, stop, script, loading, worker: () => worker }; // for lab.js

  programs.forEach((program, index) => {
    const { box } = program;
    const find = (selector) => box.querySelector(selector);
    find(".run-go").addEventListener("click", () => {
      const chosen = [...box.querySelectorAll(".run-stages input:checked")].map((one) => Number(one.value));
      runAll(program, index, chosen.length ? chosen : [chapter]);
    });
    find(".run-stop").addEventListener("click", stop);
    find(".run-edit").addEventListener("click", (event) => edit(program, event.target));
    box.dataset.state = "ready";
  });
})();
