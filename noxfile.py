"""The sessions: `nox -l` lists them, `nox -s stage33` runs one, `nox` runs all that need no GPU.

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
import re
import signal
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


def conform(session, number, array, also=()):
    stage = f"stages/step{number}"
    install(session, "shared", stage, "harness", also=also)
    report = f"reports/stage{number}-{array}.json"
    suite = "harness/dezero_harness/conformance.py"
    options = ["--stage", stage, "--array", array, "--report", report]
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


@nox.session(tags=["cpu"])
def harness(session):
    """Test the harness itself and what the stages share."""
    install(
        session,
        "shared",
        "harness",
        extras=["pictures", "plots"],
        also=["array-api-strict>=2.4", "hypothesis"],
    )
    others = ("test_examples.py", "lab", "grade")  # they have sessions of their own
    elsewhere = [f"--ignore=harness/tests/{name}" for name in others]
    tests = ["harness/tests", "shared/tests", *elsewhere]
    session.run("python", "-m", "pytest", *tests, *session.posargs)


@nox.session(tags=["cpu"])
def matrix(session):
    """Run every stage on every array kind; the README's summary has to agree (or: -- --write)."""
    install(session, "shared", "harness", also=["array-api-strict>=2.4", "tqdm>=4.66"])
    session.run("python", "-m", "dezero_harness.matrix", *session.posargs)


@nox.session(tags=["cpu"])
def examples(session):
    """Run every example of every stage, and check what it prints and draws."""
    install(session, "shared", "harness", extras=["pictures", "plots"])
    session.run("python", "-m", "pytest", "harness/tests/test_examples.py", *session.posargs)


@nox.session(tags=["cpu"])
def lint(session):
    """Check style, format and types."""
    install(
        session,
        "shared",
        "harness",
        extras=["pictures", "plots", "lab", "grade"],
        also=["hypothesis", "ruff", "mypy"],
    )
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(default=False)
def lab(session):
    """Write a stage yourself: -- start 34, then -- check 34 (watch, hint, solution, progress)."""
    install(session, "shared", "harness", extras=["lab"])
    former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C ends `watch`, not nox
    try:
        session.run("python", "-m", "dezero_harness.lab", *session.posargs)
    finally:
        signal.signal(signal.SIGINT, former)


@nox.session(default=False)
def labs(session):
    """Prove every lab: the start fails the cases of its chapter alone, the solution none."""
    install(
        session, "shared", "harness", extras=["lab"], also=["ipykernel", "nbclient", "nbformat"]
    )
    session.run("python", "-m", "pytest", "harness/tests/lab", *session.posargs)


@nox.session(default=False)
def grade(session):
    """Grade a class: -- SUBMISSIONS --stage 34 --out grades/ (needs bubblewrap)."""
    install(session, "shared", "harness", extras=["lab", "grade"])
    former = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C ends the grading, not nox
    try:
        session.run("python", "-m", "dezero_harness.grade", *session.posargs)
    finally:
        signal.signal(signal.SIGINT, former)


@nox.session(default=False)
def zoo(session):
    """Let loose a zoo of hostile submissions: none earns anything or harms anybody."""
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
    suite = "harness/dezero_harness/properties.py"
    for number in (min(STAGES), max(STAGES)):
        stage = ["--stage", f"stages/step{number}"]
        session.run("python", "-m", "pytest", suite, *stage, *session.posargs)


@nox.session(default=False)
def faults(session):
    """Plant some 300 faults in the stages: a named case has to catch each. Takes 15 minutes."""
    install(session, "shared", "harness", also=["tqdm"])
    session.run("python", "-m", "dezero_harness.faults", *session.posargs)


@nox.session(default=False)
def mutants(session):
    """Let Cosmic Ray change the last stage: each change is noticed, or listed with why not."""
    install(session, "shared", "harness", also=["cosmic-ray"])
    session.run("python", "-m", "dezero_harness.mutants")


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
    install(session, "shared", "harness", extras=["pictures", "plots"])
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
