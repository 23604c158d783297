"""What is asked of every page. Each check returns what is wrong, in lines; none, if all is well."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
WIDTHS = (1280, 375)  # a laptop and a phone, which are looked at in every respect
ALL_WIDTHS = (1600, 1366, 1280, 1024, 820, 375)  # at which no page is wider than the window


@contextmanager
def watched(page):
    """Collect, while pages are opened, errors on the console and requests that leave or fail."""
    found = []

    def on_request(request):
        here = request.url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:"))
        if not here:
            found.append(f"request off the machine: {request.url}")

    def on_failure(request):
        if request.failure != "net::ERR_ABORTED":  # that is: the page was left before it came
            found.append(f"request failed: {request.url}")

    page.on(
        "console", lambda m: m.type in ("error", "warning") and found.append(f"console: {m.text}")
    )
    page.on("pageerror", lambda error: found.append(f"script error: {error}"))
    page.on("requestfailed", on_failure)
    page.on("response", lambda r: r.status >= 400 and found.append(f"status {r.status}: {r.url}"))
    page.on("request", on_request)
    yield found


def found_by_search(page):
    """The links of a search, all of them: the page shows one after the other."""
    page.wait_for_selector("#search-results li a")
    page.wait_for_function(
        """() => {
            const before = self.seen;
            self.seen = document.querySelectorAll("#search-results li").length;
            return self.seen === before;
        }""",
        polling=500,
    )
    return page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")


def pictures(page):
    """Pictures that are not there, or have nothing to say to those who do not see them."""
    return page.evaluate(
        """async () => {
            const images = [...document.images];
            for (const image of images) {
                image.loading = "eager";
                if (image.dataset.src) image.src = image.dataset.src; // else when it is in sight
            }
            await Promise.all(images.map(image => image.decode().catch(() => {})));
            return images.flatMap(image =>
                image.naturalWidth === 0 ? [`picture not loaded: ${image.src}`]
                : image.alt.trim() === "" ? [`picture without alt: ${image.src}`] : []);
        }"""
    )


def formulas(page):
    """Formulas that are not drawn: of no size, in another font, or left as LaTeX."""
    return page.evaluate(
        """() => {
            const wrong = [];
            const all = [...document.querySelectorAll("math")];
            for (const math of all) {
                const box = math.getBoundingClientRect();
                const hidden = !math.checkVisibility();
                if (!hidden && (box.width < 4 || box.height < 4))
                    wrong.push(`formula of no size: ${math.textContent}`);
            }
            if (all.length && !document.fonts.check("16px BookMath"))
                wrong.push("the font of the formulas was not loaded");
            const text = document.querySelector("article")?.innerText ?? "";
            const left = text.match(/\\\\(frac|lVert|nabla|sin|cos|left)\\b/);
            if (left) wrong.push(`LaTeX left as text: ${left[0]}`);
            return wrong;
        }"""
    )


def width(page):
    """Whether the page is wider than the window, and which element makes it so."""
    return page.evaluate(
        """() => {
            const window_ = document.documentElement.clientWidth;
            // The theme lets what is around the article scroll, so that the window would not.
            const around = [document.documentElement];
            for (let e = document.querySelector("article"); e; e = e.parentElement)
                if (getComputedStyle(e).overflowX !== "visible") around.push(e);
            if (around.every(e => e.scrollWidth <= e.clientWidth)) return [];
            const wide = [...document.querySelectorAll("article *, footer *")].filter(e =>
                e.getBoundingClientRect().right > window_ + 1);
            const which = wide.slice(0, 3).map(e => `${e.tagName}.${e.className}`).join(", ");
            const most = Math.max(...around.map(e => e.scrollWidth));
            return [`${most} wide at ${window_}: ${which}`];
        }"""
    )


def accessibility(page, within="html", **options):
    """Violations, by axe-core. within: a selector of what to look at."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE)
    # Without preload, which fetches the style sheets again: a browser refuses that for file://.
    violations = page.evaluate(
        """async ([within, options]) => (await axe.run(within, options)).violations
            .map(v => `${v.id}: ${v.nodes.length} times, as in ${v.nodes[0].html.slice(0, 160)}`
                + (v.nodes[0].any[0] ? ` (${v.nodes[0].any[0].message})` : ""))""",
        [within, {"resultTypes": ["violations"], "preload": False} | options],
    )
    return [f"accessibility: {violation}" for violation in violations]


def thin(page, selector, most):
    """Take out, of things with the same tags, classes and styles around them, all but the first.

    A page has up to 450 programs and thousands of words of code, all alike, and axe-core looks at
    each: it would need minutes. selector: what may be taken out.
    """
    page.evaluate(
        """([selector, most]) => {
            const met = {};
            const sign = e => `${e.tagName} ${e.getAttribute("class")} ${e.getAttribute("style")}`;
            const walk = (parent, path) => {
                for (const one of [...parent.children]) {
                    const key = `${path} > ${sign(one)}`;
                    if (one.isContentEditable) continue; // an editor minds what is taken out of it
                    if (one.matches(selector)) met[key] = (met[key] ?? 0) + 1;
                    if (met[key] > most) one.remove();
                    else walk(one, key);
                }
            };
            const article = document.querySelector("article");
            if (article) walk(article, "");
        }""",
        [selector, most],
    )


def everything(page, url):
    """All that is wrong with one page, in wide and in narrow windows, in light and in dark."""
    with watched(page) as found:
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(url, wait_until="load")
        page.evaluate("document.fonts.ready")
        found += pictures(page)
        found += formulas(page)
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        for size in ALL_WIDTHS:
            page.set_viewport_size({"width": size, "height": 900})
            found += width(page)
        thin(page, "details, .highlight *, .difference *", 5)
        found += accessibility(page, rules={"color-contrast": {"enabled": False}})
        thin(page, "*", 5)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            colours = accessibility(page, runOnly=["color-contrast"])
            found += [f"{scheme}: {line}" for line in colours]
    return found
