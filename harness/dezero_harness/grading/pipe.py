"""A line from a process that may never write one."""

from __future__ import annotations

import os
import select
import sys
import threading
import time
from typing import IO

LOOK = 0.2  # seconds between two looks at whether to stop


def line_of(pipe: IO[bytes], until: float, stop: threading.Event, longest: int) -> bytes:
    """A line, or as much of it as came until then, or in so many bytes."""
    found = b""
    while not found.endswith(b"\n") and time.monotonic() < until and not stop.is_set():
        if sys.platform != "win32" and not select.select([pipe], [], [], LOOK)[0]:
            continue
        more = os.read(pipe.fileno(), 2**16)
        found += more
        if not more or len(found) > longest:
            break
    return found
