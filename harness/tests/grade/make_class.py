"""Make a class to grade: `python harness/tests/grade/make_class.py submissions/ --count 500`.

Of every ten submissions of a stage, six are right, one is the guided start, one the open one, and
two are broken: a gradient with the wrong sign, a file that is no Python, or, one in fifty, a
function that does not end. No two have the same files; every other one is a zip. They are the same
whenever they are made. Then, with the throughput told at the end:

    nox -s grade -- submissions/ --stage 34 --out grades/
"""

import argparse
import sys
import zipfile
from pathlib import Path

from dezero_harness.labs.starter import package, start_files

ROOT = Path(__file__).parents[3]
FUNCTIONS = Path("dezero/functions.py")
INIT = Path("dezero/__init__.py")


def submissions(stage, count):
    """(name, path -> text) of each."""
    before, after = (ROOT / "stages" / f"step{n}" for n in (stage - 1, stage))
    right = package(after)
    guided = start_files(before, after, before, guided=True)
    for n in range(count):
        files = dict(package(before) if n % 10 == 7 else guided if n % 10 == 8 else right)
        if n % 50 == 6:
            files[FUNCTIONS] += "\n\ndef sin(x):\n    while True:\n        pass\n"
        elif n % 10 == 6:
            files[INIT] += "\nclass (:\n"
        elif n % 10 == 9:
            files[FUNCTIONS] = files[FUNCTIONS].replace("gy * -sin(x)", "gy * sin(x)")
            assert files[FUNCTIONS] != right[FUNCTIONS]
        files[INIT] += f"\n# written by student {n}\n"
        yield f"student-{n:04}", files


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where they go; it must not be there yet")
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    try:
        options.folder.mkdir(parents=True)
    except OSError as error:
        sys.exit(f"{options.folder} cannot be made: {error.strerror}; name a folder that is new")
    for n, (name, files) in enumerate(submissions(34, options.count)):
        place = options.folder / name
        if n % 2:
            with zipfile.ZipFile(place.with_suffix(".zip"), "w") as archive:
                for path, text in files.items():
                    archive.writestr(str(path), text)
        else:
            for path, text in files.items():
                file = place / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")
    print(f"{options.count} submissions of step 34 are in {options.folder}")


if __name__ == "__main__":
    main()
