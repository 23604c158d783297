"""`python -m dezero_harness.labs`, or `nox -s lab`."""

import sys

from .lab import main

if __name__ == "__main__":
    sys.exit(main())
