"""The sessions: `nox -l` lists them, `nox -s stage33` runs one, `nox` runs those that are quick.

Works with uv (`pip install "nox[uv]"`) and without (`pip install nox`); with uv it is faster.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This project needs Python 3.11 or later, and nox runs here under "
        "{}.{}. Install nox in a newer Python: python3.11 -m pip install nox".format(
            *sys.version_info
        )
    )

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tomllib
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"

ROOT = Path(__file__).parent
STAGES = {
    int(p.name.removeprefix("step")): p
    for p in sorted(ROOT.glob("stages/step[0-9]*"))
    if p.is_dir()
}

sys.path.insert(0, str(ROOT / "shared"))
from dezero_shared.driver import cuda_version, why_no_device  # noqa: E402  (needs no package)

NO_DEVICE = why_no_device()
SPHINX = ["sphinx>=8.2", "furo>=2025.7", "myst-parser>=4", "sphinx-copybutton>=0.5.2"]
SPHINX += ["math-core>=0.6", "font-source-serif-pro", "ziamath>=0.11"]  # formulas, and fonts


def refuse_unknown_stage():
    """nox would only say "not found"; say which stages there are."""
    options = sys.argv[: sys.argv.index("--")] if "--" in sys.argv else sys.argv
    for name in options:
        found = re.fullmatch(r"stage(\d+)(-\w+)?", name)
        if found and int(found[1]) not in STAGES:
            sys.exit(f"{name}: there is no stage {found[1]}. {list_of_stages()} See also: nox -l")


def list_of_stages():
    return f"The stages are {', '.join(map(str, STAGES))}."


refuse_unknown_stage()


def project_table(folder):
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]


def install(session, *projects, extras=(), also=()):
    """Install these folders in editable form, and what they require, in the tested versions.

    A session that was installed from the same project files is left as it is: that keeps it fast.
    """
    # Compiling all that is imported takes a second or two: whoever wants no compiled files beside
    # the sources (PYTHONDONTWRITEBYTECODE) has them here.
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        compiled = str(Path(session.virtualenv.location, "compiled"))
        session.env.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=compiled)
    wanted = {"hatchling", "editables", *also}
    for project in projects:
        table = project_table(ROOT / project)
        optional = table.get("optional-dependencies", {})
        for requirement in sum(
            (optional.get(extra, []) for extra in extras), table["dependencies"]
        ):
            if not requirement.startswith("dezero"):
                wanted.add(requirement)
    recipe = repr((sorted(wanted), projects, (ROOT / "constraints.txt").read_text("utf-8")))
    for project in projects:
        recipe += (ROOT / project / "pyproject.toml").read_text("utf-8")
    stamp = Path(session.virtualenv.location, "installed")
    digest = hashlib.sha256(recipe.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    session.install("--constraint", "constraints.txt", *sorted(wanted))
    # Without dependencies: a stage asks for the folder of dezero-shared, and pip does not see that
    # the editable one is the same.
    editable = [argument for project in projects for argument in ("--editable", project)]
    session.install("--no-deps", "--no-build-isolation", *editable)
    stamp.write_text(digest)


def conform(session, number, array, extras=(), also=()):
    stage = f"stages/step{number}"
    install(session, "shared", stage, "harness", extras=extras, also=also)
    report = f"reports/stage{number}-{array}.json"
    suite = "harness/dezero_harness/suite/conformance.py"
    options = ["--stage", stage, "--array", array, "--report", report]
    # No case needs these, and each would pay for them: assertions rewritten, log records and what
    # processes print captured (what Python prints is).
    options += ["--assert=plain", "--capture=sys"]
    if not any(argument.startswith("--log") for argument in session.posargs):
        options.append("-pno:logging")
    session.run("python", "-m", "pytest", suite, *options, *session.posargs)


for number, folder in STAGES.items():
    idea = project_table(folder)["description"].partition(": ")[2]

    def on_numpy(session, number=number):
        conform(session, number, "numpy")

    on_numpy.__doc__ = f"Test stage {number} ({idea}). What follows -- goes to pytest: -- -k newton"
    nox.session(on_numpy, name=f"stage{number}", tags=["cpu"])

for number in STAGES:

    def on_strict(session, number=number):
        conform(session, number, "strict", also=["array-api-strict>=2.4"])

    on_strict.__doc__ = (
        f"Test stage {number} on array-api-strict arrays: another device, and stricter rules."
    )
    nox.session(on_strict, name=f"stage{number}-strict", tags=["cpu", "strict"])

for number in STAGES:

    def on_jax(session, number=number):
        conform(session, number, "jax", extras=["jax"])

    on_jax.__doc__ = f"Test stage {number} on JAX arrays, and inside jax.jit. Takes minutes."
    nox.session(on_jax, name=f"stage{number}-jax", tags=["jax"], default=False)

for number in STAGES:

    def on_dask(session, number=number):
        conform(session, number, "dask", extras=["dask"])

    on_dask.__doc__ = f"Test stage {number} on Dask arrays in chunks. Takes minutes."
    nox.session(on_dask, name=f"stage{number}-dask", tags=["dask"], default=False)

for number in STAGES:

    def on_gpu(session, number=number):
        if NO_DEVICE:
            session.error(NO_DEVICE)
        conform(session, number, "cupy", also=[f"cupy-cuda{min(cuda_version(), 13)}x[ctk]>=14"])

    on_gpu.__doc__ = (
        f"Test stage {number} on CuPy arrays. Needs an NVIDIA GPU, and fails where there is none."
    )
    # Without a device there is nothing to install, and so no environment to make.
    backend = {"venv_backend": "none"} if NO_DEVICE else {}
    nox.session(on_gpu, name=f"stage{number}-gpu", tags=["gpu"], default=False, **backend)


def test_harness(session, *tests):
    install(
        session,
        "shared",
        "harness",
        extras=["pictures", "plots"],
        also=["array-api-strict>=2.4", "hypothesis", "psutil", "pytest-xdist>=3.6", "rich>=13"],
    )
    together = ["-n2", "--dist=worksteal"]  # -- -n0 for one after the other, and for --pdb
    session.run("python", "-m", "pytest", *tests, *together, *session.posargs)


@nox.session(tags=["cpu"])
def harness(session):
    """Test the harness up to its verdicts, and what the stages share. See also: harness-slow."""
    # These have sessions of their own.
    apart = ("test_examples.py", "test_extras.py", "test_notebooks.py")
    apart += ("slow", "lab", "grade")
    ignored = [f"--ignore=harness/tests/{name}" for name in apart]
    test_harness(session, "harness/tests", "shared/tests", *ignored)


@nox.session(name="harness-slow", default=False)
def harness_slow(session):
    """Test what the harness starts and makes: workers, differences, faults, traces, the bench..."""
    test_harness(session, "harness/tests/slow")


@nox.session(default=False)
def matrix(session):
    """Run every stage on every array kind; the README's summary has to agree (or: -- --write)."""
    install(session, "shared", "harness", also=["array-api-strict>=2.4", "tqdm>=4.66"])
    session.run("python", "-m", "dezero_harness.suite.matrix", *session.posargs)


@nox.session(tags=["cpu"])
def examples(session):
    """Run every example of every stage, and check what it prints and draws. See also: extras."""
    also = ["pytest-xdist>=3.6"]
    install(session, "shared", "harness", extras=["pictures", "plots"], also=also)
    tests = ["harness/tests/test_examples.py", "-n2", "--dist=worksteal"]
    session.run("python", "-m", "pytest", *tests, *session.posargs)


@nox.session(default=False)
def extras(session):
    """Run the examples that need JAX or Dask, on a cluster of local processes too."""
    install(session, "shared", "harness", extras=["jax", "dask", "pictures", "plots"])
    session.run("python", "-m", "pytest", "harness/tests/test_extras.py", *session.posargs)


@nox.session(name="static-checks", tags=["cpu"])
def static_checks(session):
    """Check style, format, types, and which room of the harness uses which."""
    install(
        session,
        "shared",
        "harness",
        extras=["pictures", "plots", "lab", "grade"],
        also=["hypothesis", "import-linter>=2.6", "ruff", "mypy"],
    )
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache", silent=True)


@nox.session(default=False)
def diff(session):
    """Show what a step changes: -- 32 33, or -- 33, or -- 31..36; with --all the prose as well."""
    install(session, "shared", "harness", also=["rich"])
    session.run("python", "-m", "dezero_harness.diffs.terminal", *session.posargs)


@nox.session(default=False)
def budget(session):
    """Hold each step to its chapter and its budget; -- --write renews the figures in the prose."""
    install(session, "shared", "harness")
    session.run("python", "-m", "dezero_harness.diffs.budget", *session.posargs)


@nox.session(default=False)
def notebooks(session):
    """Write the chapters as notebooks into docs/_build/notebooks and run them; -- 33 for one."""
    # Without shared: the first cell of a notebook installs the stage, and shared with it.
    drawing = project_table(ROOT / "shared")["optional-dependencies"]
    tools = ["pip", "ipykernel", "nbclient>=0.10", "nbformat>=5.10"]
    install(session, "harness", also=[*tools, *drawing["plots"], *drawing["pictures"]])
    session.run("python", "-m", "dezero_harness.site.notebooks", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "pytest", "harness/tests/test_notebooks.py")


@nox.session(default=False)
def site(session):
    """Build the study site into docs/_build/html: chapters, differences, examples as they ran."""
    install(session, "shared", "harness", extras=["pictures", "plots"], also=SPHINX)
    session.run("python", "-m", "dezero_harness.site")


CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome", "chrome"])), ""
)


# Without a browser there is nothing to build the site for, and no environment to make.
@nox.session(default=False, **({"requires": ["site"]} if CHROMIUM else {"venv_backend": "none"}))
def browser(session):
    """Open every page of the site in a headless Chromium; fails, and says so, where there is none.

    What follows -- goes to pytest: -- -k search.
    """
    if not CHROMIUM:
        session.error(
            "there is no Chromium on the path. Install one (Debian: apt-get install chromium), or"
            " say where it is: CHROMIUM=/path/to/chrome nox -s browser"
        )
    install(
        session,
        "shared",
        "harness",
        extras=["pictures"],
        also=["playwright>=1.49", "axe-playwright-python>=0.1.4", "pytest-xdist>=3.6"],
    )
    together = ["-n2", "--dist=worksteal"]  # a browser each; -- -n0 for one after the other
    tests = ["docs/tests", *together, *session.posargs]
    session.run("python", "-m", "pytest", *tests, env={"CHROMIUM": CHROMIUM})


@nox.session(default=False)
def lab(session):
    """Write a stage yourself: -- start 34, then -- check 34 (watch, hint, solution, progress)."""
    install(session, "shared", "harness", extras=["lab"])
    former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C ends `watch`, not nox
    try:
        session.run("python", "-m", "dezero_harness.labs", *session.posargs)
    finally:
        signal.signal(signal.SIGINT, former)


@nox.session(default=False)
def labs(session):
    """Prove every lab: the start fails the cases of its chapter alone, the solution none."""
    also = ["ipykernel", "nbclient", "nbformat", "pytest-xdist>=3.6"]
    install(session, "shared", "harness", extras=["lab"], also=also)
    together = ["-n2", "--dist=worksteal"]
    session.run("python", "-m", "pytest", "harness/tests/lab", *together, *session.posargs)


@nox.session(default=False)
def grade(session):
    """Grade a class: -- SUBMISSIONS --stage 34 --out grades/ (needs bubblewrap)."""
    install(session, "shared", "harness", extras=["lab", "grade"])
    former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C ends the grading, not nox
    try:
        session.run("python", "-m", "dezero_harness.grading", *session.posargs)
    finally:
        signal.signal(signal.SIGINT, former)


@nox.session(name="hostile-submissions", default=False)
def hostile_submissions(session):
    """Grade a class of hostile submissions: none earns anything or harms anybody."""
    install(session, "shared", "harness", extras=["lab", "grade"], also=["psutil"])
    session.run(
        "python", "-m", "pytest", "harness/tests/grade", "-m", "not cluster", *session.posargs
    )


@nox.session(default=False)
def cluster(session):
    """Grade on a Dask cluster of two workers, one of which is killed half-way: nothing is lost."""
    install(session, "shared", "harness", extras=["lab", "grade"], also=["psutil"])
    session.run("python", "-m", "pytest", "harness/tests/grade", "-m", "cluster", *session.posargs)


@nox.session(default=False)
def properties(session):
    """Random programs and random sequences of actions, in the first stage and in the last."""
    install(session, "shared", "harness", also=["hypothesis"])
    suite = "harness/dezero_harness/suite/properties.py"
    for number in (min(STAGES), max(STAGES)):
        stage = ["--stage", f"stages/step{number}"]
        session.run("python", "-m", "pytest", suite, *stage, *session.posargs)


@nox.session(default=False)
def faults(session):
    """Plant some 350 faults in the stages: a named case has to catch each. Takes minutes."""
    install(session, "shared", "harness", also=["tqdm"])
    session.run("python", "-m", "dezero_harness.mutation.faults", *session.posargs)


@nox.session(default=False)
def mutants(session):
    """Let Cosmic Ray change the last stage; each change is noticed, or listed. 12 to 17 minutes."""
    install(session, "shared", "harness", also=["cosmic-ray", "tqdm"])
    session.run("python", "-m", "dezero_harness.mutation.mutants", *session.posargs)


# What the published package was made for; it names no versions itself, and not matplotlib.
PUBLISHED = ["dezero==0.0.13", "numpy==1.23.5", "matplotlib==3.7.5"]


def python_for_published():
    """A Python that NumPy 1.23 has wheels for."""
    for minor in (11, 10, 9, 8):
        if sys.version_info[:2] == (3, minor):
            return sys.executable
        python = shutil.which(f"python3.{minor}")
        ask = [python, "-c", "import ensurepip, venv"]
        if python and subprocess.run(ask, capture_output=True).returncode == 0:
            return python
    return None


@nox.session(default=False)
def book(session):
    """Test the engine on PyPI, the book's own: it has its known defects and no others."""
    python = python_for_published()
    if python is None:
        session.error(
            f"dezero 0.0.13 needs NumPy 1.23, and that needs Python 3.8 to 3.11; none of them is"
            f" here (this is {sys.version.split()[0]}). Install one so that python3.11 starts it"
        )
    install(session, "shared", "harness")
    folder = Path(session.virtualenv.location, "published")
    python_there = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = folder / "installed"
    if not stamp.exists() or stamp.read_text() != repr((python, PUBLISHED)):
        session.run(python, "-m", "venv", "--clear", str(folder), external=True)
        pip = [str(python_there), "-m", "pip", "install", "--quiet", "--only-binary", "numpy"]
        session.run(*pip, *PUBLISHED, external=True)
        stamp.write_text(repr((python, PUBLISHED)))
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = session.run(str(python_there), "-c", where, external=True, silent=True).strip()
    suite, report = "harness/dezero_harness/suite/conformance.py", Path("reports/book.json")
    report.unlink(missing_ok=True)
    engine = ["--stage", place, "--python", str(python_there), "--report", str(report)]
    options = [*engine, "--tb=line", *session.posargs]
    session.run("python", "-m", "pytest", suite, *options, success_codes=[0, 1])
    known = "harness/dezero_harness/suite/book.toml"
    compare = ["dezero_harness.suite.expected_failures", str(report), known]
    session.run("python", "-m", *compare)


@nox.session(default=False, venv_backend="virtualenv")
def bench(session):
    """Time the stages beside other engines. -- --torch adds PyTorch, which is large; -- --help."""
    peers = ["autograd", "jax", *["torch"] * ("--torch" in session.posargs)]
    install(session, "shared", "harness", extras=["plots"], also=["tqdm", "psutil", *peers])
    # The book's own package is called dezero as well, so it stays in a folder of its own.
    book = Path(session.virtualenv.location, "book")
    if not (book / "dezero").is_dir():
        session.install("--no-deps", "--target", str(book), "dezero==0.0.13")
    session.run("python", "-m", "dezero_harness.bench", "--book", str(book), *session.posargs)


@nox.session(default=False)
def run(session):
    """Run an example of a stage (-- 33 newton), or open a Python prompt with the stage (-- 33)."""
    number, *arguments = session.posargs or ["(none given)"]
    if not number.isdigit() or int(number) not in STAGES:
        session.error(f"{number} is not a stage. {list_of_stages()} Write: nox -s run -- 33 newton")
    stage = STAGES[int(number)]
    scripts = {script.stem: script for script in sorted(stage.glob("examples/*.py"))}
    if arguments and arguments[0].removesuffix(".py") not in scripts:
        session.error(f"stage {number} has no example {arguments[0]}; it has: {', '.join(scripts)}")
    needs = {"compiled": ["jax"], "out_of_core": ["dask"]}
    extras = needs.get(arguments[0].removesuffix(".py"), []) if arguments else []
    install(session, "shared", "harness", extras=["pictures", "plots", *extras])
    # Every stage is imported as dezero, so the path decides which one this is.
    env = {"PYTHONPATH": str(stage)}
    if arguments:
        script, *options = arguments
        session.run("python", str(scripts[script.removesuffix(".py")]), *options, env=env)
    else:
        hello = (
            "import numpy as np, dezero; from dezero import *; print('This is', dezero.__file__)"
        )
        former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the prompt alone
        try:
            session.run("python", "-i", "-c", hello, env=env)
        finally:
            signal.signal(signal.SIGINT, former)


RENAMED = {
    "guard": "budget",
    "lint": "static-checks",
    "machinery": "harness-slow",
    "zoo": "hostile-submissions",
}
for former, name in RENAMED.items():

    def say_the_name(session, former=former, name=name):
        session.error(f"{former} has another name now: nox -s {name}")

    say_the_name.__doc__ = f"Renamed: {name}."
    nox.session(say_the_name, name=former, default=False, venv_backend="none")
