"""Where others can get this repository, as its own clone says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit


def address(remote: str) -> str | None:
    """Where anyone can get the repository whose remote git names so; None for a local folder."""
    scp = re.fullmatch(r"(?:[^@/:]+@)?([^@/:]{2,}):(?!//)(.+)", remote)
    if scp:
        return f"https://{scp[1]}/{scp[2]}"
    url = urlsplit(remote)
    if url.scheme not in ("http", "https", "ssh", "git") or not url.hostname:
        return None
    port = f":{url.port}" if url.port and url.scheme in ("http", "https") else ""
    scheme = "http" if url.scheme == "http" else "https"
    # Without the user or the token that may stand in it.
    return f"{scheme}://{url.hostname}{port}{url.path}"


def remote_of(root: Path) -> str | None:
    """The public address of this clone, from its remote; None where it has none."""
    try:
        names = _git(root, "remote").split()
        name = "origin" if "origin" in names else (names or [""])[0]
        return address(_git(root, "remote", "get-url", name).strip()) if name else None
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
