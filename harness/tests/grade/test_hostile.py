"""Hostile submissions, graded as one class: none earns anything, and none harms anybody."""

import dataclasses
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import zipfile

import psutil
import pytest

from dezero_harness.execution.sandbox import Bounds
from dezero_harness.grading import grade

from .cheats import table
from .conftest import ROOT, hand_in, package, rows
from .hostile import BREAKS_OUT, LIES

RIGHT, START = package(34), package(33)
INIT = "dezero/__init__.py"
OWN = 20  # cases of the chapter: see `shortened`

NAMES = {  # of folders with the right engine
    "a new\nline": "a new\\nline",
    "quotes \"and\" 'more', and a comma": "quotes \"and\" 'more', and a comma",
    '=HYPERLINK("x")': '\'=HYPERLINK("x")',
    "+1-1": "'+1-1",
    "@SUM(A1)": "'@SUM(A1)",
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    "\x1b[31mred": "\\x1b[31mred",
    "turned \u202egnp": "turned \\u202egnp",
    "CON": "CON",
    "Ünïcode 学生": "Ünïcode 学生",
    "-rf": "'-rf",
    "..zip": "..zip",
    "x" * 200: "x" * 200,
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """All of them and two honest students, graded once."""
    folder = tmp_path_factory.mktemp("class")
    submissions, out = folder / "submissions", folder / "grades"
    submissions.mkdir()
    hand_in(submissions / "honest", RIGHT)
    hand_in(submissions / "zz honest too", RIGHT)
    hand_in(submissions / "began", START)
    for name in NAMES:
        hand_in(submissions / name, RIGHT)

    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=[server], daemon=True).start()
    decoy = "a-decoy-of-the-class"
    nobody = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)", decoy],
        env={"KEY": "a-secret-of-the-class"},
    )
    words = {
        "$ROOT": ROOT,
        "$SUBMISSIONS": submissions,
        "$GRADES": out,
        "$PORT": server.getsockname()[1],
        "$DECOY": decoy,
        "$BASE": sys.base_prefix,
        "$PREFIX": sys.prefix,
        "$START": START[INIT],
    }
    for name, code in BREAKS_OUT.items():
        code = filled(code, words)
        hand_in(submissions / name, RIGHT | {INIT: f"{code}\n{RIGHT[INIT]}"})
        if "earlier run" in name:
            hand_in(submissions / f"{name}, again", RIGHT | {INIT: f"{code}\n{RIGHT[INIT]}"})
    for name, code in LIES.items():
        hand_in(submissions / name, START | {INIT: filled(code, words)})
    claims = "[tool.dezero]\nstage = 31\ncapabilities = []\n"
    hand_in(submissions / "claims to be step 31", package(31) | {"pyproject.toml": claims})
    _archives(submissions, folder)

    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.chdir(ROOT)
        make = grade.plan_of

        def shortened(options, *former):
            plan = make(options, *former)
            own = plan.own[:OWN]
            return dataclasses.replace(
                plan,
                own=own,
                twins={case.id: plan.twins[case.id] for case in own if case.id in plan.twins},
                earlier=plan.earlier[:20],
                limits=dataclasses.replace(plan.limits, seconds=3.0, start=30.0),
                bounds=Bounds(memory=768, wall=120),
                restarts=5,
            )

        patched.setattr(grade, "plan_of", shortened)
        plan = shortened(
            grade._parser().parse_args([str(submissions), "--stage=34", "--seed=ours"])
        )
        known = table((*plan.own, *plan.earlier)) + START[INIT]
        hand_in(submissions / "knows all published answers", START | {INIT: known})
        before = _state(submissions)
        arguments = [str(submissions), "--stage=34", "--seed=ours", f"--out={out}"]
        arguments += ["--jobs=4"]  # many only wait
        status = grade.main(arguments)

    class Graded:
        unharmed = before == _state(submissions) and not (folder / "climbed.py").exists()
        decoy_lives = nobody.poll() is None

    Graded.status, Graded.rows = status, rows(out)
    Graded.out, Graded.folder, Graded.submissions = out, folder, submissions
    yield Graded
    subprocess.run(["rm", "-rf", submissions / "folders without end"], check=True)
    nobody.kill()
    nobody.wait()
    server.close()


def filled(code, words):
    code = textwrap.dedent(code).strip()
    for word, value in words.items():
        code = code.replace(word, str(value))
    return code


def serve(server):
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.sendall(b"right")


def _state(folder):
    """What is below a folder, down to a depth, and in it."""
    found = {}
    for path in sorted(path for depth in range(1, 8) for path in folder.glob("*/" * depth + "*")):
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[path] = hashlib.sha256(content).hexdigest()
    return found


def _archives(submissions, folder):
    """Zips and folders that are traps when they are unpacked or followed."""
    good = RIGHT.items()

    def archive(name, *members, compress=zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(submissions / name, "w", compress) as file:
            for member, content in members:
                file.writestr(member, content)

    archive("an honest zip.zip", *((f"labs/step34/{name}", text) for name, text in good))
    archive("climbs.zip", *good, ("../../climbed.py", "x"))
    archive("climbs from the root.zip", *good, (f"{folder}/climbed.py", "x"))
    archive("climbs as on Windows.zip", *good, ("..\\..\\climbed.py", "x"))
    link = zipfile.ZipInfo("dezero/functions.py")
    link.external_attr = 0o120777 << 16
    archive("a link in a zip.zip", (link, "/etc/passwd"), *list(good)[:2])
    device = zipfile.ZipInfo("dezero/disk")
    device.external_attr = 0o060666 << 16
    archive("a device in a zip.zip", *good, (device, ""))
    hand_in(submissions / "a pipe in a folder", RIGHT)
    os.mkfifo(submissions / "a pipe in a folder" / "dezero" / "pipe")
    archive("a hundred thousand files.zip", *good, *((f"f/{n}", "") for n in range(100_000)))
    archive("a bomb.zip", *good, ("dezero/data.bin", bytes(64 * 2**20)))
    archive("no zip at all.zip")
    (submissions / "no zip at all.zip").write_text("hello")
    archive("a bomb that lies.zip", *good, ("dezero/data.bin", bytes(64 * 2**20)))
    _lie_about_the_size(submissions / "a bomb that lies.zip", 64 * 2**20)
    archive("a file in a file.zip", *good, ("dezero/data", "x"), ("dezero/data/more.py", "x"))
    archive("a name that is too long.zip", *good, (f"dezero/{'x' * 300}", "x"))
    name = "an unknown kind of compression.zip"
    archive(name, *good, compress=zipfile.ZIP_LZMA)
    _spoil_lzma(submissions / name)
    _nest(submissions / "folders without end")
    hand_in(submissions / "a link to etc", {"notes.txt": "x"})
    (submissions / "a link to etc" / "dezero").symlink_to("/etc")
    hand_in(submissions / "a link to the solution", START)
    solution = ROOT / "stages" / "step34" / "dezero" / "functions.py"
    (submissions / "a link to the solution" / "dezero" / "functions.py").symlink_to(solution)
    (submissions / "a link to the honest").symlink_to(submissions / "honest")
    (submissions / "a file.txt").write_text("my homework")
    hand_in(submissions / "two packages", {f"{n}/{name}": t for n in "ab" for name, t in good})


def _lie_about_the_size(file, size):
    content = file.read_bytes()
    assert content.count(struct.pack("<I", size)) == 2  # beside the data, and in the directory
    file.write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", 1000)))


def _spoil_lzma(file):
    """Settings of LZMA that there are not: its error is like no other of a zip."""
    with zipfile.ZipFile(file) as archive:
        places = [info.header_offset + 30 + len(info.filename) for info in archive.infolist()]
    content = bytearray(file.read_bytes())
    for place in places:
        content[place + 4 : place + 9] = b"\xff" * 5
    file.write_bytes(content)


def _nest(folder):
    """Folders in each other, deeper than Python calls itself, and than a path may be long."""
    hand_in(folder, RIGHT)
    handle = os.open(folder / "dezero", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("a", dir_fd=handle)
        inner = os.open("a", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)


TRAPS = {
    "a file in a file": "a file in the zip that lies in another file (dezero/data/more.py)",
    "a name that is too long": "a path in the zip that leads out of it, or nowhere",
    "an unknown kind of compression": "it cannot be read: LZMAError",
    "folders without end": "more than 8 folders in each other",
    "climbs": "a path in the zip that leads out of it",
    "climbs from the root": "a path in the zip that leads out of it",
    "climbs as on Windows": "a path in the zip that leads out of it",
    "a device in a zip": "a device, a pipe or a socket in it (dezero/disk)",
    "a pipe in a folder": "a device, a pipe or a socket in it (dezero/pipe)",
    "a link in a zip": "a link or no file in the zip",
    "a hundred thousand files": "more than 10000 are not unpacked",
    "a bomb": "64 MiB unpacked, and 4 MiB is the most",
    "a bomb that lies": "a damaged zip",
    "no zip at all": "a damaged zip",
    "a link to etc": "a link in it (dezero)",
    "a link to the solution": "a link in it (dezero/functions.py)",
    "a link to the honest": "a link, which is not followed",
    "a file.txt": "neither a folder nor a zip",
    "two packages": "2 packages dezero in it (a, b)",
}

AGAIN = "finds what an earlier run has left, again"


@pytest.mark.parametrize("name", [*BREAKS_OUT, AGAIN])
def test_who_breaks_out_earns_nothing(graded, name):
    row = graded.rows[name]
    assert row["points"] in ("", "0"), row["reason"]
    assert row["passed"] in ("", "0"), row["reason"]


@pytest.mark.parametrize("name", [*LIES, "claims to be step 31", "knows all published answers"])
def test_who_lies_earns_nothing(graded, name):
    assert graded.rows[name]["points"] in ("", "0"), graded.rows[name]["reason"]
    assert graded.rows[name]["reason"]


@pytest.mark.parametrize("name", TRAPS)
def test_who_sets_a_trap_earns_nothing_and_is_told_why(graded, name):
    row = graded.rows[name]
    assert (row["points"], row["status"], row["passed"]) == ("", "no submission", "")
    assert TRAPS[name] in row["reason"]


def test_the_table_of_answers_passes_what_is_published_and_earns_nothing(graded):
    row = graded.rows["knows all published answers"]
    assert int(row["passed"]) >= OWN
    assert "do not count in full, as these fail: the same with other numbers" in row["reason"]


HONEST = ["honest", "zz honest too", "an honest zip", *NAMES.values()]


@pytest.mark.parametrize("name", HONEST)
def test_who_is_honest_has_all_points_whatever_others_do_and_the_name_is(graded, name):
    row = graded.rows[name]
    assert (row["points"], row["failed"], row["reason"]) == ("100", "0", "")


def test_who_only_began_earns_nothing(graded):
    row = graded.rows["began"]
    assert (row["points"], row["passed"]) == ("0", "20")


def test_nobody_was_harmed(graded):
    assert graded.status == 0
    assert graded.unharmed
    assert graded.decoy_lives


def test_nothing_runs_on(graded):
    def line(process):
        try:
            return " ".join(process.cmdline())
        except psutil.Error:
            return ""

    ours = psutil.Process().children(recursive=True)
    assert [line(one) for one in ours if "/harness/worker.py" in line(one)] == []


def test_there_is_one_result_for_each_and_no_file_elsewhere(graded):
    number = len(list(graded.submissions.iterdir()))
    assert len(graded.rows) == number
    for kind in ("results/*.json", "reports/*.json", "reports/*.html"):
        assert len(list(graded.out.glob(kind))) == number, kind
    kept = {"plan.json", "grades.csv", "grades.json", "overview.html"}
    kept |= {"results", "reports", "exports"}
    assert {path.name for path in graded.out.iterdir()} == kept
    assert {path.name for path in graded.folder.iterdir()} == {"submissions", "grades"}


def test_the_pages_hold_no_element_of_a_name(graded):
    for page in [graded.out / "overview.html", *(graded.out / "reports").glob("*.html")]:
        text = page.read_text("utf-8")
        assert "<img" not in text
        assert text.count("<script") == (page.name == "overview.html")
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in (graded.out / "overview.html").read_text("utf-8")


def test_the_csv_has_a_line_for_each_student(graded):
    lines = (graded.out / "grades.csv").read_text("utf-8-sig").splitlines()
    assert lines[0] == "student,id,points,status,late,passed,failed,not run,reason"
    assert len(lines) == 1 + len(graded.rows)


def test_a_report_is_plain_data(graded):
    for file in (graded.out / "reports").glob("*.json"):
        assert json.loads(file.read_text("utf-8"))["stage"] == 34
