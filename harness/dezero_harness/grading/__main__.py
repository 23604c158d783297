"""`python -m dezero_harness.grading`, or `nox -s grade`."""

import sys

from .grade import main

if __name__ == "__main__":
    sys.exit(main())
