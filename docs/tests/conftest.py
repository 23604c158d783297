"""A browser, and the built site behind a server and as files."""

import os
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from checks import watched
from playwright.sync_api import sync_playwright

PATIENCE = 120_000  # milliseconds that a machine under load may take for what takes a few seconds
HTML = Path(__file__).parents[1] / "_build/html"


def pytest_addoption(parser):
    help_ = "of a test that is made several times, as for several windows, run the first alone"
    parser.addoption("--brief", action="store_true", help=help_)


def pytest_collection_modifyitems(config, items):
    """With --brief each test is run, and one that is marked `each` with all that it is made for."""
    if not config.getoption("--brief"):
        return
    kept, left, seen = [], [], set()
    for item in items:
        test = item.nodeid.partition("[")[0]
        again = test in seen and not item.get_closest_marker("each")
        (left if again else kept).append(item)
        seen.add(test)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        names = sorted(file.relative_to(HTML).as_posix() for file in HTML.rglob("*.html"))
        if metafunc.config.getoption("--brief"):  # English ones; of what is made alike the largest
            left = re.compile(r"(ko|ja)/|compare/3(?!1-36)|step3[1-5]/cases")
            names = [name for name in names if not left.match(name)]
        # Of another language only what is in it: the other pages are the English ones once more.
        names = [
            name for name in names if 'class="untranslated"' not in (HTML / name).read_text("utf-8")
        ]
        if not names:
            raise pytest.UsageError(f"there is no site in {HTML}; build it first: nox -s site")
        metafunc.parametrize("name", names)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(folder):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture(scope="session")
def chromium():
    program = os.environ.get("CHROMIUM")
    if not program:
        pytest.exit("no browser was given; run: nox -s browser", returncode=2)
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if as_root else []
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(chromium):
    """One for all tests, so that style sheets and fonts are fetched once."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture(scope="session")
def server():
    running = serve(HTML)
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@pytest.fixture
def folder_server(tmp_path):
    running = serve(tmp_path)
    yield tmp_path, f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


@pytest.fixture(scope="session")
def pieces():
    """Python in the site, for no request leaves the machine here."""
    if not (HTML / "_static/python").is_dir():
        pytest.fail("the site holds no Python; build it so: nox -s site -- --offline-python")


@pytest.fixture
def visit(chromium, server, pieces):
    """Open a page in a browser that has been nowhere, and may ask nothing of the network."""
    contexts, problems = [], []

    def open_page(name, prepare=None, **options):
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, **options)
        context.set_default_timeout(PATIENCE)
        here = f"{server}/"
        context.route(
            lambda url: not url.startswith((here, "blob:", "data:")), lambda route: route.abort()
        )
        contexts.append(context)
        page = context.new_page()
        if prepare:
            prepare(page)
        with watched(page) as found:
            problems.append(found)
            page.goto(f"{here}{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    left = [one for found in problems for one in found if "off the machine" in one]
    assert left == []
