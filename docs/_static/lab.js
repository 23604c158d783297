// A lab in the page: the files of a package in an editor, and the cases of a chapter run on them in the
// worker of run.js, by the code that runs them in a terminal (dezero_harness/labs/in_page.py). What is
// written stays in this browser, and goes out and comes in as a zip.
"use strict";

(() => {
  const HERE = new URL(".", document.currentScript.src).href;
  const box = document.querySelector("[data-lab]");
  const LAB = self.DEZERO_LAB;
  if (!box || !LAB) return;
  const find = (kind) => box.querySelector(`.lab-${kind}`);
  const KEY = `dezero-lab-${LAB.number}`;
  const OLDER = `${KEY}-older`; // what was there of an older version, until somebody has decided
  const LANGUAGE = document.documentElement.lang;
  const SPOKEN = LANGUAGE === "en" ? "" : `-${LANGUAGE}`; // of the files in which a check speaks
  const SILENCE = 40_000; // ms without a word of Python, after which it is ended

  function add(parent, tag, kind = "", text = "") {
    const made = parent.appendChild(document.createElement(tag));
    if (kind) made.className = kind;
    made.textContent = text;
    return made;
  }

  function button(parent, text, press) {
    const made = add(parent, "button", "", text);
    made.type = "button";
    made.addEventListener("click", press);
    return made;
  }

  // --- the work: files by their paths, and what they were begun with ---

  const startOf = (form) => {
    const files = { ...LAB.files.open, ...(form === "guided" ? LAB.files.guided : {}) };
    return Object.fromEntries(Object.entries(files).sort());
  };
  const fresh = (form) => ({ form, version: LAB.version[form], files: startOf(form), base: LAB.digests[form] });
  const changed = ({ form, files }) => {
    const start = startOf(form);
    return [...new Set([...Object.keys(start), ...Object.keys(files)])].filter((path) => files[path] !== start[path]);
  };

  const keeps = {
    read(key) {
      try {
        return localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write(key, text) {
      try {
        if (text === null) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
        return true;
      } catch {
        return false; // a browser that keeps nothing, or that is full
      }
    },
  };

  /* What was kept, if this page can read it. */
  function parsed(text) {
    try {
      const found = JSON.parse(text);
      const texts = Object.values(found.files);
      const whole = found.format === LAB.format && found.form in LAB.version && Array.isArray(found.mine);
      return whole && texts.length && texts.every((one) => typeof one === "string") ? { base: {}, ...found } : null;
    } catch {
      return null;
    }
  }

  let work = fresh("open");
  let shown = ""; // the path of the file in the editor
  let checked = null; // the files of the last check, as JSON

  function keep() {
    const text = JSON.stringify({ format: LAB.format, number: LAB.number, ...work, mine: changed(work) });
    if (!keeps.write(KEY, text)) {
      find("kept").textContent = "This browser keeps nothing: save your work as a zip before you leave.";
    }
  }
  let waiting = 0;
  function keepSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300);
  }
  addEventListener("pagehide", () => changed(work).length && keep());
  addEventListener("storage", ({ key }) => {
    if (key === KEY) find("kept").textContent = "Another tab has this lab open as well; what is saved last stays.";
  });

  // --- the editor: CodeMirror, and a plain field until it is there, or where it is not ---

  let editor = plainField(find("editor"));

  function plainField(place) {
    const area = add(place, "textarea", "lab-area");
    area.spellcheck = false;
    area.wrap = "off";
    area.addEventListener("input", () => wrote(area.value));
    area.addEventListener("keydown", checkKey);
    return {
      open(path, text) {
        area.value = text;
        area.setAttribute("aria-label", path);
      },
      go(line) {
        const before = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1);
        area.focus();
        area.setSelectionRange(before, before);
        area.scrollTop = (line - 4) * parseFloat(getComputedStyle(area).lineHeight);
      },
      forget() {},
    };
  }

  function checkKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    check();
  }

  async function codeMirror(place) {
    if (!self.DEZERO_EDITOR) await self.DEZERO_PAGE.script("lab-editor.js");
    const modules = { ...self.DEZERO_EDITOR };
    delete modules.zip;
    if (!Object.keys(modules).length || location.protocol === "file:") return null;
    const map = document.createElement("script");
    map.type = "importmap";
    for (const name in modules) modules[name] = HERE + modules[name];
    map.textContent = JSON.stringify({ imports: modules });
    document.head.append(map);
    for (const href of Object.values(modules)) {
      document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href }));
    }
    const names = ["state", "view", "language", "commands", "lang-python"].map((name) => `@codemirror/${name}`);
    const [state, view, language, commands, python, highlight] = await Promise.all(
      [...names, "@lezer/highlight"].map((name) => import(name)));
    const extensions = (path) => [
      view.lineNumbers(), commands.history(), language.indentUnit.of("    "), language.bracketMatching(),
      state.EditorState.tabSize.of(4), python.python(), view.highlightActiveLine(),
      language.syntaxHighlighting(highlight.classHighlighter),
      view.keymap.of([
        { key: "Mod-Enter", run: () => (check(), true) },
        ...commands.defaultKeymap.filter(({ key }) => key !== "Mod-Enter"), ...commands.historyKeymap, commands.indentWithTab,
      ]),
      view.EditorView.contentAttributes.of({ "aria-label": path, tabindex: "0" }),
      view.EditorView.updateListener.of((update) => update.docChanged && wrote(update.state.doc.toString())),
    ];
    const states = {}; // of the files that were shown, with what can be undone
    const made = new view.EditorView({ parent: place });
    let here = "";
    return {
      open(path, text) {
        if (here) states[here] = made.state;
        here = path;
        const same = states[path]?.doc.toString() === text && states[path];
        made.setState(same || state.EditorState.create({ doc: text, extensions: extensions(path) }));
      },
      go(line) {
        const at = made.state.doc.line(Math.min(line, made.state.doc.lines)).from;
        made.dispatch({ selection: { anchor: at }, effects: view.EditorView.scrollIntoView(at, { y: "center" }) });
        made.focus();
      },
      forget() {
        for (const path in states) delete states[path];
        here = "";
      },
    };
  }

  function wrote(text) {
    if (!(shown in work.files) || work.files[shown] === text) return;
    work.files[shown] = text;
    keepSoon();
    tabs();
  }

  // --- the files as tabs ---

  function tabs() {
    const list = find("tabs"), start = startOf(work.form);
    const paths = Object.keys(work.files).sort();
    const had = [...list.children].map((tab) => tab.dataset.path).join() === paths.join();
    if (!had) list.replaceChildren(...paths.map(tab));
    for (const one of list.children) {
      const { path } = one.dataset, mine = work.files[path] !== start[path];
      one.setAttribute("aria-selected", path === shown);
      one.tabIndex = path === shown ? 0 : -1;
      one.dataset.mine = mine;
      one.title = mine ? "changed by you" : "";
    }
    find("delete").disabled = paths.length < 2;
  }

  function tab(path) {
    const made = document.createElement("button");
    made.type = "button";
    made.setAttribute("role", "tab");
    made.id = `lab-tab-${path.replace(/\W/g, "-")}`;
    made.dataset.path = path;
    made.textContent = path.replace(/^dezero\//, "");
    made.setAttribute("aria-controls", "lab-panel");
    made.addEventListener("click", () => open(path));
    made.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const all = [...find("tabs").children];
      const next = all[(all.indexOf(made) + step + all.length) % all.length];
      open(next.dataset.path);
      next.focus();
    });
    return made;
  }

  function open(path) {
    shown = path in work.files ? path : Object.keys(work.files).sort()[0];
    editor.open(shown, work.files[shown]);
    tabs();
    find("editor").setAttribute("aria-labelledby", `lab-tab-${shown.replace(/\W/g, "-")}`);
  }

  function begin(with_) {
    work = with_;
    editor.forget();
    checked = null;
    open(work.files[shown] === undefined ? LAB.first : shown);
    find("result").replaceChildren();
  }

  // --- asking ---

  /* A dialog with these buttons; what is done where one of them is pressed. */
  function ask(text, choices, fill = () => {}) {
    const dialog = add(document.body, "dialog", "lab-dialog");
    add(dialog, "p", "", text).id = "lab-dialog-text";
    dialog.setAttribute("aria-labelledby", "lab-dialog-text");
    const form = add(dialog, "form");
    fill(form);
    const status = add(form, "p", "lab-dialog-status");
    status.setAttribute("role", "status");
    const row = add(form, "div", "lab-dialog-buttons");
    for (const [words, act] of choices) {
      const press = () => {
        const wrong = act?.();
        if (wrong) status.textContent = wrong;
        else dialog.close();
      };
      const made = button(row, words, press);
      if (act && choices.length === 2) form.addEventListener("submit", (event) => (event.preventDefault(), made.click()));
    }
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  }

  find("new").addEventListener("click", () => {
    let name, from;
    ask("A new file of the package", [["Add it", () => {
      const path = `dezero/${name.value.trim().replace(/^dezero\//, "")}`;
      if (!/^dezero\/[A-Za-z_]\w*\.py$/.test(path)) return "A file is called as in functions.py: letters, digits and _, and .py at the end.";
      if (path in work.files) return "There is a file of that name already.";
      work.files[path] = work.files[from.value] ?? "";
      keep();
      open(path);
      return "";
    }], ["Cancel"]], (form) => {
      const first = add(form, "label", "", "Its name ");
      name = add(first, "input");
      name.placeholder = "functions.py";
      const second = add(form, "label", "", "It begins ");
      from = add(second, "select");
      add(from, "option", "", "with nothing in it").value = "";
      for (const path of Object.keys(work.files).sort()) {
        add(from, "option", "", `as a copy of ${path.replace("dezero/", "")}`).value = path;
      }
    });
  });

  find("delete").addEventListener("click", () => {
    ask(`Delete ${shown}? What is in it is gone then.`, [["Delete it", () => {
      delete work.files[shown];
      keep();
      editor.forget();
      open(LAB.first);
    }], ["Cancel"]]);
  });

  find("reset").addEventListener("click", () => {
    let form;
    ask("Begin anew? What you have written here is gone then, unless you have saved it as a zip.", [["Begin anew", () => {
      begin(fresh(form.value));
      keep();
      find("kept").textContent = "Begun anew.";
    }], ["Cancel"]], (fields) => {
      const label = add(fields, "label", "", "With ");
      form = add(label, "select");
      for (const [value, words] of [["open", "the package of the step before"], ["guided", "the same, with gaps to fill in"]]) {
        add(form, "option", "", words).value = value;
      }
      form.value = work.form;
    });
  });

  // --- zips ---

  async function zips() {
    if (!self.DEZERO_EDITOR) await self.DEZERO_PAGE.script("lab-editor.js");
    if (!self.DEZERO_EDITOR.zip) throw new Error("This site was built without what makes zips. Copy your files one by one.");
    if (!self.fflate) await self.DEZERO_PAGE.script(self.DEZERO_EDITOR.zip);
    return self.fflate;
  }

  function download(data, name, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([data], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  /* Files, and what they were begun with, as a zip that the grader takes, and that this page opens again. */
  async function zip({ files, form, version, base }, name) {
    const { zipSync, strToU8 } = await zips();
    const folder = `step${LAB.number}`;
    const facts = { format: LAB.format, number: LAB.number, form, version, base };
    const all = { [`${folder}/lab.json`]: strToU8(JSON.stringify(facts)) };
    for (const [path, text] of Object.entries(files)) all[`${folder}/${path}`] = strToU8(text);
    download(zipSync(all), name, "application/zip");
  }

  const saying = (what) => async (...given) => {
    try {
      await what(...given);
    } catch (error) {
      find("kept").textContent = error.message;
    }
  };

  find("save").addEventListener("click", saying(async () => {
    const name = `lab${LAB.number}.zip`;
    await zip(work, name);
    find("kept").textContent = `Saved as ${name}`;
  }));
  find("load").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", saying(async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    if (!file) return;
    const found = await unzipped(new Uint8Array(await file.arrayBuffer()));
    const take = () => {
      const { number, ...facts } = found;
      begin(facts.version === LAB.version[facts.form] ? facts : merged(facts)[0]);
      keep();
      find("kept").textContent = number === LAB.number ? "Opened." : `These are the files of lab ${number}; this lab goes on with them.`;
    };
    if (changed(work).length) ask("The files here are replaced by those of the zip.", [["Open it", take], ["Cancel"]]);
    else take();
  }));

  const MOST = 4 * 2 ** 20; // bytes of a file; the grader takes no more of a whole package

  async function unzipped(bytes) {
    const { unzipSync, strFromU8 } = await zips();
    let all;
    try {
      all = unzipSync(bytes, { filter: ({ name, originalSize }) => /\.(py|json)$/.test(name) && originalSize < MOST });
    } catch {
      throw new Error("This is no zip that can be read; your files are as they were.");
    }
    const inits = Object.keys(all).filter((name) => /(^|\/)dezero\/__init__\.py$/.test(name) && !name.includes("__MACOSX"));
    const init = inits.sort((one, other) => one.length - other.length)[0];
    if (!init) throw new Error("There is no package dezero (dezero/__init__.py) in this zip; your files are as they were.");
    const folder = init.slice(0, -"dezero/__init__.py".length);
    const files = {};
    for (const [name, data] of Object.entries(all)) {
      if (name.startsWith(`${folder}dezero/`) && name.endsWith(".py")) files[name.slice(folder.length)] = strFromU8(data);
    }
    let facts = {};
    try {
      facts = JSON.parse(strFromU8(all[`${folder}lab.json`]));
    } catch {
      // a zip of another making: its files alone
    }
    const number = Number(facts.number ?? LAB.number);
    const own = number === LAB.number && facts.format === LAB.format && facts.form in LAB.version;
    const form = own ? facts.form : "open";
    return { number, files, form, version: own ? facts.version : LAB.version[form], base: own ? facts.base : LAB.digests[form] };
  }

  // --- what was kept of an older version ---

  /* Older work on this version's start: its files where they were changed, else the new ones. And what to look at. */
  function merged({ form, files, base, mine }) {
    const start = startOf(form), now = LAB.digests[form];
    const own = mine ?? Object.keys(files);
    const result = { ...fresh(form), files: { ...start } };
    for (const path of own) {
      if (path in files) result.files[path] = files[path];
      else delete result.files[path];
    }
    return [result, own.filter((path) => path in now && base[path] !== now[path])];
  }

  function notice(text, choices) {
    const place = find("notice");
    place.replaceChildren();
    add(place, "p", "", text);
    for (const [words, act] of choices) button(place, words, act);
    place.hidden = false;
  }

  function settled(words) {
    keeps.write(OLDER, null);
    find("notice").hidden = true;
    find("kept").textContent = words;
  }

  function older(text) {
    const found = parsed(text);
    const leave = ["Leave it for good", () => settled("")];
    if (!found) {
      return notice("What this browser has kept of this lab is of another version of the page, which this one cannot read.", [
        ["Download it", () => download(text, `lab${LAB.number}-older.json`, "application/json")], leave]);
    }
    return notice("What you had written here was begun with an older version of this lab. It is kept. The files below are those of the new version.", [
      ["Go on with mine", () => {
        const [result, conflicts] = merged(found);
        begin(result);
        keep();
        settled(conflicts.length ? `Yours are back. The lab begins with another text now in ${conflicts.join(", ")}.` : "Yours are back.");
      }],
      ["Download mine", saying(() => zip(found, `lab${LAB.number}-older.zip`))], leave]);
  }

  // --- the check ---

  async function python(message) {
    const { python: load, ask: tell, script, loading, worker } = self.DEZERO_PAGE;
    const status = find("status");
    await load(loading(status));
    if (!self.DEZERO_LAB_FILES) await script("lab-files.js");
    if (!self.DEZERO_CASES) await script(`lab${LAB.number}-cases${SPOKEN}.js`);
    const opens = openedIn === worker() ? {} : { files: self.DEZERO_LAB_FILES, data: self.DEZERO_CASES };
    let silence = 0, silent = false;
    const watch = () => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        silent = true;
        self.DEZERO_PAGE.stop();
      }, SILENCE);
    };
    watch();
    try {
      const answer = await tell({ kind: "lab", ...opens, ...message }, (kind, { count }) => {
        watch();
        status.textContent = count <= LAB.cases ? `${count} of ${LAB.cases} cases` : "looks for what it comes from";
      });
      openedIn = worker();
      status.textContent = "";
      return answer;
    } catch (error) {
      self.DEZERO_PAGE.stop(); // the next begins with a Python that nothing has happened to
      if (silent) throw new Error("Python had not answered for 40 s, and was ended. A loop that catches every exception?");
      throw error;
    } finally {
      clearTimeout(silence);
    }
  }
  let openedIn = null;

  async function busy(what) {
    if (box.dataset.state === "runs") return;
    box.dataset.state = "runs";
    const focused = document.activeElement;
    for (const kind of ["check", "hint"]) find(kind).disabled = true;
    find("stop").hidden = false;
    if (focused?.matches(".lab-check, .lab-hint")) find("stop").focus();
    try {
      await what();
      box.dataset.state = "done";
    } catch (error) {
      find("status").textContent = error.message;
      box.dataset.state = "failed";
    }
    const wasHere = document.activeElement === find("stop");
    for (const kind of ["check", "hint"]) find(kind).disabled = false;
    find("stop").hidden = true;
    if (wasHere || document.activeElement === document.body) (focused?.isConnected ? focused : find("check")).focus({ preventScroll: true });
  }

  async function checkNow() {
    if (changed(work).length) keep();
    const texts = JSON.stringify(work.files);
    const told = await python({ call: "check", texts });
    checked = texts;
    show(told);
  }
  const check = () => busy(checkNow);

  find("check").addEventListener("click", check);
  find("stop").addEventListener("click", () => self.DEZERO_PAGE.stop());
  find("hint").addEventListener("click", () => busy(async () => {
    if (checked !== JSON.stringify(work.files)) await checkNow();
    if (box.querySelector(".lab-first")) hint(await python({ call: "hint" }));
    else if (!box.querySelector(".lab-refused")) find("status").textContent = "There is nothing to hint at: every case passes.";
  }));

  function show(told) {
    const place = find("result");
    place.replaceChildren();
    if (told.refused !== undefined) {
      const text = add(place, "p", "lab-refused", told.refused);
      jump(text, told.refused);
      return;
    }
    const bars = add(place, "div", "lab-bars");
    for (const one of told.bars) bar(bars, one);
    if (told.done) done(place, told);
    if (told.first) first(place, told.first);
    for (const { heading, statements } of told.also) list(place, heading, statements);
    if (told.left) add(place, "p", "", told.left);
  }

  function bar(parent, { name, passed, again, of }) {
    const row = add(parent, "div", "lab-bar");
    add(row, "span", "lab-name", name);
    const meter = add(row, "div", "lab-meter");
    meter.setAttribute("aria-hidden", "true");
    const whole = Math.max(1, of);
    add(meter, "i").style.width = `${(100 * passed) / whole}%`;
    add(meter, "i", "lab-again").style.width = `${(100 * again) / whole}%`;
    row.dataset.whole = passed === of;
    add(row, "b", "", `${passed + again} of ${of}`);
    if (again) add(row, "small", "", `${again} of them once the rest of this chapter is there`);
  }

  function done(parent, { beyond: [held, of] }) {
    const place = add(parent, "div", "lab-done");
    add(place, "p", "", `Step ${LAB.number} is done: every case of the book passes.`);
    if (held < of) add(place, "p", "", `Beyond the book, for those who like: ${held} of ${of} hold.`);
    const next = document.querySelector(`a[href$="lab${LAB.number + 1}.html"]`);
    if (!next) {
      add(place, "p", "", "That was the last one. You have written the whole engine.");
      return;
    }
    button(place, "Go on with these files in the next lab", () => {
      const key = `dezero-lab-${LAB.number + 1}`;
      const carried = { format: LAB.format, number: LAB.number + 1, form: "open", version: null, files: work.files, mine: [] };
      if (keeps.read(key) === null) keeps.write(key, JSON.stringify(carried));
      location.href = next.href;
    });
  }

  function first(parent, { statement, program, facts }) {
    const place = add(parent, "div", "lab-first");
    const head = add(place, "h3", "", "First failure:");
    head.append(" ");
    add(head, "span", "lab-statement", statement).lang = "en";
    const code = add(place, "pre", "", program);
    code.tabIndex = 0;
    const table = add(place, "dl");
    for (const [name, text] of facts) {
      if (name) add(table, "dt", "lab-name", name);
      const fact = add(table, "dd");
      if (/^stages\/step\d+\/README\.md/.test(text)) fact.append(chapterLink(text));
      else fact.textContent = text;
      jump(fact, text);
    }
  }

  function chapterLink(text) {
    const link = document.createElement("a");
    const [, number, title] = text.match(/step(\d+)\/README\.md(?:, "(.*)")?/);
    const anchor = (title ?? "").toLowerCase().replace(/[^\w\s-]/g, "").replace(/\s/g, "-");
    link.href = `step${number}/index.html${LANGUAGE === "en" && anchor ? `#${anchor}` : ""}`;
    link.textContent = text;
    return link;
  }

  /* Behind a text that names a line of a file: a button that leads there. */
  function jump(parent, text) {
    const [, path, line] = text.match(/labs\/step\d+\/(dezero\/[\w/]+\.py)(?::|, line )(\d+)/) ?? [];
    if (!path || !(path in work.files)) return;
    parent.append(" ");
    button(parent, "Go to this line", () => {
      open(path);
      editor.go(Number(line));
    });
  }

  function list(parent, heading, statements) {
    if (!statements.length) {
      add(parent, "p", "", heading);
      return;
    }
    const place = add(parent, "details");
    add(place, "summary", "", heading);
    const items = add(place, "ul");
    for (const one of statements) add(items, "li", "", one).lang = "en";
  }

  /* A paragraph in which what stands between backticks is code. */
  function prose(parent, text) {
    const made = add(parent, "p");
    text.split("`").forEach((part, i) => (i % 2 ? add(made, "code", "", part) : made.append(part)));
  }

  function hint({ pieces, several, alone }) {
    box.querySelector(".lab-hints")?.remove();
    const place = document.createElement("div");
    place.className = "lab-hints";
    find("first").append(place);
    add(place, "h4", "", "A hint");
    if (several) {
      add(place, "p", "", "It takes more than one change to put it right, in what you have written:");
      add(place, "p", "", several);
    } else if (alone) {
      add(place, "p", "", "It is about something that this chapter leaves as it is, and yours is another:");
      add(place, "p", "", alone);
    } else if (pieces.length) {
      const [one] = pieces;
      add(place, "p", "", `It is about ${one.place}.`);
      prose(place, one.question);
      const more = button(place, "Show the piece itself", () => {
        more.remove();
        for (const piece of pieces) part(place, piece);
        place.querySelector("h5")?.focus();
      });
    } else add(place, "p", "", "There is no hint for this.");
    place.tabIndex = -1;
    place.focus();
  }

  function part(parent, { place, about, rows, comments }) {
    add(parent, "h5", "", place).tabIndex = -1;
    if (about) prose(parent, about);
    if (rows.length) {
      const code = add(parent, "pre", "lab-rows");
      code.tabIndex = 0;
      for (const [mark, text] of rows) {
        const kind = { "+": "lab-added", "-": "lab-removed" }[mark] ?? "";
        add(code, "span", kind, `${mark} ${text}`.trimEnd() || " ");
      }
    }
    for (const comment of comments) prose(parent, comment);
  }

  // --- the beginning ---

  const kept = keeps.read(KEY), left = keeps.read(OLDER);
  const found = kept === null ? null : parsed(kept);
  if (kept !== null && (!found || (found.version !== null && found.version !== LAB.version[found.form]))) {
    keeps.write(OLDER, kept);
    keeps.write(KEY, null);
    older(kept);
  } else {
    if (found) {
      const { form, files, version } = found;
      work = { ...fresh(form), files: { ...files }, version: version ?? LAB.version[form] };
    }
    if (left !== null) older(left);
  }
  open(LAB.first);
  find("stop").hidden = true;
  box.dataset.state = "ready";
  const place = document.createElement("div");
  codeMirror(place)
    .then((made) => {
      if (!made) return;
      const focused = find("editor").contains(document.activeElement);
      find("editor").replaceChildren(place);
      editor = made;
      open(shown);
      if (focused) editor.go(1);
      find("keys").hidden = false;
    })
    .catch(() => {
      find("kept").textContent = "The editor could not be loaded; a plain field serves.";
    })
    .finally(() => (box.dataset.editor = editor.constructor === Object && find("keys").hidden ? "field" : "codemirror"));
})();
