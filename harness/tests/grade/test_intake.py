"""What students really hand in is read; what cannot be is told why."""

import io
import json
import os
import tarfile
import zipfile

import pytest

from dezero_harness.grading.review import alike, flags_of, same_as_others
from dezero_harness.grading.submissions import NoSubmission, entries, read_package

from .conftest import ROOT, hand_in, package

RIGHT, START = package(34), package(33)
FUNCTIONS = "dezero/functions.py"
START_BYTES = {name: text.encode() for name, text in START.items()}


def zipped(file, files):
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file


def bytes_of(files):
    return {name: text.encode() for name, text in files.items()}


def test_backslashes_in_the_names_of_a_zip_are_folders(tmp_path):
    file = tmp_path / "anna.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in RIGHT.items():
            info = zipfile.ZipInfo("x")
            info.filename = "labs\\step34\\" + name.replace("/", "\\")
            archive.writestr(info, text)
    assert read_package(file, 34) == bytes_of(RIGHT)


def test_a_zip_in_a_folder_and_a_zip_in_a_zip_are_opened_once(tmp_path):
    (tmp_path / "anna").mkdir()
    zipped(tmp_path / "anna" / "work.zip", RIGHT)
    assert read_package(tmp_path / "anna", 34) == bytes_of(RIGHT)
    inner = (tmp_path / "anna" / "work.zip").read_bytes()
    zipped(tmp_path / "ben.zip", {"work.zip": inner})
    assert read_package(tmp_path / "ben.zip", 34) == bytes_of(RIGHT)
    zipped(tmp_path / "deep.zip", {"more.zip": (tmp_path / "ben.zip").read_bytes()})
    with pytest.raises(NoSubmission, match="no package dezero"):
        read_package(tmp_path / "deep.zip", 34)


def test_of_the_whole_repository_the_lab_of_that_number_is_taken(tmp_path):
    for number in (33, 34, 35):
        hand_in(tmp_path / "anna" / "stages" / f"step{number}", package(number))
    hand_in(tmp_path / "anna" / "labs" / "step33", START)
    hand_in(tmp_path / "anna" / "labs" / "step34", RIGHT | {FUNCTIONS: "# mine\n"})
    assert read_package(tmp_path / "anna", 34)[FUNCTIONS] == b"# mine\n"


def test_a_tar_gz_is_read_and_its_devices_are_refused(tmp_path):
    def packed(name, *others):
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            for file, text in RIGHT.items():
                info = tarfile.TarInfo(f"./homework/{file}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
            for info in others:
                archive.addfile(info)
        return tmp_path / name

    assert read_package(packed("anna.tar.gz"), 34) == bytes_of(RIGHT)
    disk = tarfile.TarInfo("homework/dezero/disk")
    disk.type = tarfile.BLKTYPE
    with pytest.raises(NoSubmission, match="a device, a pipe or a socket in it"):
        read_package(packed("ben.tgz", disk), 34)
    link = tarfile.TarInfo("homework/dezero/core.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(NoSubmission, match="a link in it"):
        read_package(packed("carla.tgz", link), 34)
    climbs = tarfile.TarInfo("../../climbed.py")
    with pytest.raises(NoSubmission, match="leads out of it"):
        read_package(packed("dora.tgz", climbs), 34)


def test_a_7z_is_read(tmp_path):
    import py7zr

    hand_in(tmp_path / "anna", RIGHT)
    with py7zr.SevenZipFile(tmp_path / "anna.7z", "w") as archive:
        archive.writeall(tmp_path / "anna" / "dezero", "dezero")
    assert read_package(tmp_path / "anna.7z", 34) == bytes_of(RIGHT)
    (tmp_path / "ben.7z").write_bytes(b"7z\xbc\xaf\x27\x1c and more")
    with pytest.raises(NoSubmission, match="a 7z that cannot be read"):
        read_package(tmp_path / "ben.7z", 34)


def test_a_lone_functions_py_is_put_into_what_the_lab_starts_from(tmp_path):
    (tmp_path / "functions.py").write_text(RIGHT[FUNCTIONS])
    hand_in(tmp_path / "anna", {"functions.py": RIGHT[FUNCTIONS]})
    for place in (tmp_path / "functions.py", tmp_path / "anna"):
        found = read_package(place, 34, START_BYTES)
        assert found == START_BYTES | {FUNCTIONS: RIGHT[FUNCTIONS].encode()}


def test_a_notebook_of_the_lab_is_what_its_cells_write(tmp_path):
    def code(source):
        return {"cell_type": "code", "source": source.splitlines(keepends=True)}

    cells = [
        {"cell_type": "markdown", "source": ["# Lab"]},
        code("import numpy"),
        code(f"%%writefile dezero/functions.py\n{RIGHT[FUNCTIONS]}"),
        code("%%writefile ../../etc/passwd\nx"),
    ]
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "step34.ipynb").write_text(json.dumps({"cells": cells}))
    found = read_package(tmp_path / "anna", 34, START_BYTES)
    assert found[FUNCTIONS].decode().strip() == RIGHT[FUNCTIONS].strip()
    assert set(found) == set(START) | {FUNCTIONS}


def test_modules_beside_the_package_come_along_where_it_imports_them(tmp_path):
    functions = "from helpers import more\n" + RIGHT[FUNCTIONS]
    others = {"helpers.py": "more = 1", "unused.py": "", "numpy.py": "1 / 0", "conftest.py": ""}
    hand_in(tmp_path / "anna", RIGHT | {FUNCTIONS: functions} | others)
    found = read_package(tmp_path / "anna", 34)
    assert set(found) == set(RIGHT) | {"helpers.py"}


def test_what_systems_leave_in_folders_is_no_student(tmp_path):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._anna.zip"):
        (tmp_path / name).write_text("x")
    hand_in(tmp_path / "anna", RIGHT)
    assert [entry.student for entry in entries(tmp_path)] == ["anna"]


@pytest.mark.skipif(os.name != "posix", reason="pipes and sockets in folders are of POSIX")
def test_a_pipe_or_a_device_in_a_folder_is_refused(tmp_path):
    hand_in(tmp_path / "anna", RIGHT)
    os.mkfifo(tmp_path / "anna" / "notes")
    with pytest.raises(NoSubmission, match=r"a device, a pipe or a socket in it \(notes\)"):
        read_package(tmp_path / "anna", 34)


def test_what_looks_at_the_grader_ships_compiled_files_or_is_copied_is_told():
    peeks = RIGHT | {"dezero/utils.py": "import sys\n\nsys._getframe(1)\n"}
    said = flags_of(bytes_of(peeks) | {"dezero/x.so": b"\0"}, ROOT, 34)
    assert "dezero/utils.py, line 3 looks at the one who runs it: _getframe" in said
    assert "dezero/x.so is compiled, so that nobody can read it" in said
    assert flags_of(bytes_of(RIGHT), ROOT, 34) == ("it is the published step 34, but for comments",)
    assert flags_of(bytes_of(START), ROOT, 34) == ()


def test_two_with_the_same_program_but_for_comments_are_found():
    one = RIGHT | {FUNCTIONS: RIGHT[FUNCTIONS] + "\nmine = 1\n"}
    two = RIGHT | {FUNCTIONS: "# by me alone\n" + RIGHT[FUNCTIONS] + "\nmine    =    1\n"}
    assert alike(bytes_of(one)) == alike(bytes_of(two)) != alike(bytes_of(RIGHT))
    flags = {name: flags_of(bytes_of(f), ROOT, 34) for name, f in [("anna", one), ("ben", two)]}
    flags["carla"] = flags_of(bytes_of(RIGHT | {FUNCTIONS: "x = 2"}), ROOT, 34)
    assert same_as_others(flags) == {"anna": ["ben"], "ben": ["anna"]}
