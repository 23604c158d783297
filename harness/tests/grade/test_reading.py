"""Whoever reads what was handed in comes to an end, whatever it is made of."""

import contextlib
import io
import json
import os
import signal
import struct
import tarfile
import time
import zipfile

import pytest

from dezero_harness.grading.reading import Reader
from dezero_harness.grading.submissions import NoSubmission

from .conftest import ROOT, hand_in, package

RIGHT = package(34)
FUNCTIONS = "dezero/functions.py"


@pytest.fixture(scope="module")
def reader():
    reader = Reader()
    yield reader
    reader.close()


def right(folder):
    hand_in(folder / "right", RIGHT)
    return folder / "right"


def cell(source):
    return json.dumps({"cells": [{"cell_type": "code", "source": source}]})


def tar_of_no_end(folder):
    """A member whose size is negative: older readers go back to where they were, for ever."""
    info = tarfile.TarInfo("dezero/__init__.py")
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + struct.pack(">h", -512)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    (folder / "endless.tar").write_bytes(bytes(block[:512]) * 3)
    return folder / "endless.tar"


def zip_of_much_memory(folder):
    """An entry whose reader needs a dictionary of 4 GiB, as it says."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("dezero/__init__.py", "x" * 1000)
    content = bytearray(file.getvalue())
    at = 30 + len("dezero/__init__.py") + 4  # behind the header: two bytes of version, two of size
    content[at + 1 : at + 5] = b"\xff" * 4
    (folder / "memory.zip").write_bytes(content)
    return folder / "memory.zip"


def blank_lines(folder):
    hand_in(folder / "blank", RIGHT | {FUNCTIONS: RIGHT[FUNCTIONS] + "\n" * 2_000_000})
    return folder / "blank"


def blanks_in_a_notebook(folder):
    hand_in(folder / "notebook", {"lab.ipynb": cell("%%writefile" + " " * 2_000_000 + "x y")})
    return folder / "notebook"


def deep_program(folder):
    hand_in(folder / "deep", RIGHT | {"dezero/deep.py": "x = " + "-" * 200_000 + "1"})
    return folder / "deep"


def deep_notebook(folder):
    hand_in(folder / "deep", {"lab.ipynb": '{"cells": ' + "[" * 100_000 + "]" * 100_000 + "}"})
    return folder / "deep"


def many_modules_beside(folder):
    """Each of them is looked for in each file of the package."""
    lines = "import a\n" * 400_000
    more = {f"m{n}.py": "" for n in range(2000)}
    hand_in(folder / "many", {"dezero/__init__.py": lines, **more})
    return folder / "many"


@pytest.mark.parametrize(
    "made",
    [
        tar_of_no_end,
        zip_of_much_memory,
        blank_lines,
        blanks_in_a_notebook,
        deep_program,
        deep_notebook,
        many_modules_beside,
    ],
)
def test_it_is_read_or_refused_in_seconds_and_the_next_one_is_read(tmp_path, reader, made):
    place = made(tmp_path)
    started = time.monotonic()
    with contextlib.suppress(NoSubmission):
        assert "dezero/__init__.py" in reader.read(ROOT, place, 34).files
    assert time.monotonic() - started < 60
    found = reader.read(ROOT, right(tmp_path), 34)
    assert found.files == {name: text.encode() for name, text in RIGHT.items()}
    assert found.flags == ("it is the published step 34, but for comments",)


def test_what_takes_too_long_to_read_is_refused_and_the_next_one_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for n in range(100_000):
            archive.writestr(f"f/{n}", "")
    brief = Reader(seconds=0.2)
    try:
        for _ in range(2):
            with pytest.raises(NoSubmission, match=r"reading it took more than 0\.2 s of comput"):
                brief.read(ROOT, tmp_path / "many.zip", 34)
        assert brief.read(ROOT, right(tmp_path), 34).files
    finally:
        brief.close()


def test_a_reader_that_crashes_takes_one_hand_in_with_it(tmp_path, reader):
    reader.read(ROOT, right(tmp_path), 34)
    os.kill(reader.process.pid, signal.SIGSEGV)
    with pytest.raises(NoSubmission, match="reading it took more than"):
        reader.read(ROOT, tmp_path / "right", 34)
    assert reader.read(ROOT, tmp_path / "right", 34).files
