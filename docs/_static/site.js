// Small things: choosing two stages to compare, opening all cases of a page, numbers in the search, remarks.

for (const form of document.querySelectorAll("form.compare")) {
  form.hidden = false; // without this script the list of links does the same
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [a, b] = [form.elements.old.value, form.elements.new.value].map(Number);
    const status = form.querySelector("[role=status]");
    if (a === b) {
      status.textContent = `Stage ${a} does not differ from itself; choose two stages.`;
      return;
    }
    status.textContent = "";
    location.href = `${Math.min(a, b)}-${Math.max(a, b)}.html`;
  });
}

for (const button of document.querySelectorAll("button.unfold")) {
  button.addEventListener("click", () => {
    const cases = document.querySelectorAll("details.case");
    const open = ![...cases].every((one) => one.open);
    for (const one of cases) one.open = open;
    button.textContent = open ? "Close all" : "Open all";
  });
}

// Search finds numbers, too: Sphinx leaves them out of what is asked.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parse(query);
    for (const word of splitQuery(query.trim())) {
      if (/^\d{1,4}$/.test(word)) for (const words of [parsed[1], parsed[3]]) words.add(word);
    }
    return parsed;
  };
});

// A link to a case opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

// What scrolls on its own can be reached and scrolled from the keyboard.
function reachable() {
  for (const box of document.querySelectorAll("pre, .table-wrapper, .picture-box, .formula")) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("resize", reachable);
addEventListener("toggle", reachable, true);
reachable();

// A remark in the margin of a difference may be higher than its lines: it then reaches beside the
// following ones, instead of holding them apart, and pushes the next remark down.
function besideLines() {
  for (const difference of document.querySelectorAll(".difference")) {
    difference.classList.remove("floating");
    difference.style.minHeight = "";
    const remarks = [...difference.querySelectorAll(".change > .remark")];
    for (const remark of remarks) remark.style.top = "";
    const inMargin = remarks.some((remark) => {
      const lines = remark.parentElement.querySelector(".lines").getBoundingClientRect();
      return lines.width && remark.getBoundingClientRect().left >= lines.right - 1;
    });
    if (!inMargin) continue;
    difference.classList.add("floating");
    const start = difference.getBoundingClientRect().top;
    let low = start;
    for (const remark of remarks) {
      const top = remark.parentElement.getBoundingClientRect().top;
      remark.style.top = `${Math.max(low - top, 0)}px`;
      low = remark.getBoundingClientRect().bottom + 2;
    }
    difference.style.minHeight = `${low - start}px`;
  }
}
addEventListener("resize", besideLines);
addEventListener("toggle", besideLines, true);
addEventListener("load", besideLines);
besideLines();
