"""What has been proved before: names of tests and of wrong kernels that were right on this very tree, with these very
tools.  `make test` does not prove them again.

A file in build/proved/ has a name a line.  Its own name is a hash of every file of the tree and of the tools, so whatever
changes, all is proved anew.  A line that is damaged is no name of a test, and costs a repetition.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Callable, FrozenSet, List

from grader import store
from grader.paths import BUILD, ROOT

PLACE = BUILD / "proved"
TREES_MAX = 8  # so many trees are remembered
WRITE_AFTER = 50  # names; what is lost by a kill
SECONDS_MAX = 120  # of git and doctor.sh, by the host's clock


def tree_identity(root: Path) -> str:
    """The hash of all files of a tree but those that git is to ignore; "" where git knows no tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(
            command, cwd=root, stdout=subprocess.PIPE, timeout=SECONDS_MAX, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    whole = hashlib.sha256()
    for name in sorted(set(done.stdout.split(b"\0")) - {b""}):
        path = root / os.fsdecode(name)
        if path.is_symlink():
            mode, content = "link", os.fsencode(os.readlink(path))
        elif path.is_file():
            mode, content = f"{path.stat().st_mode:o}", path.read_bytes()
        else:
            mode, content = "none", b""
        whole.update(b"%s\0%s\0%d\0" % (name, mode.encode(), len(content)) + content)
    return whole.hexdigest()


def tools_identity() -> str:
    """The hash of the tools' versions, as `make doctor` shows them, and of what else the tests run on."""
    doctor = ["bash", "-p", str(ROOT / "grader/setup/doctor.sh")]
    try:
        said = subprocess.run(doctor, stdout=subprocess.PIPE, timeout=SECONDS_MAX, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    machine = store.machine_identity()
    parts = (said.stdout, machine, sys.version, platform.platform(), os.geteuid())
    return hashlib.sha256(repr(parts).encode()).hexdigest() if machine else ""


class Proved:
    """The names that are proved for one identity of tree and tools.

    names: those that were there at the beginning.  An empty identity keeps nothing.  holds: is the tree still the one
    that is proved?"""

    def __init__(
        self, identity: str, place: Path = PLACE, holds: Callable[[], bool] = lambda: True
    ):
        self._path = place / identity if identity else None
        self._holds = holds
        self._new: List[str] = []
        self.names: FrozenSet[str] = frozenset()
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError):
            text = self._path.read_text("utf-8")
            self.names = frozenset(text[: text.rfind("\n") + 1].split("\n")) - {""}
            os.utime(self._path)

    def add(self, name: str) -> None:
        """A name is proved now; close() has to follow."""
        self._new.append(name)
        if len(self._new) >= WRITE_AFTER:
            self.close()

    def close(self) -> None:
        """Write down what was added, if it can be written and the tree has not changed meanwhile."""
        new, self._new = self._new, []
        if self._path is None or not new:
            return
        if not self._holds():
            self._path = None
            return
        with contextlib.suppress(OSError):
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._forget(TREES_MAX - 1)
            lines = "".join(f"{name}\n" for name in new if "\n" not in name)
            with self._path.open("ab", buffering=0) as file:
                file.write(lines.encode())

    def _forget(self, left: int) -> None:
        """Remove the files but for so many that were used last."""
        assert self._path
        known = sorted(self._path.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in known[: max(0, len(known) - left)]:
            path.unlink()


def here() -> Proved:
    """What is proved for the tree that this is a part of; nothing with STORE=off."""
    if not store.wanted():
        return Proved("")
    tree, tools = tree_identity(ROOT), tools_identity()
    both = hashlib.sha256(f"{tree} {tools}".encode()).hexdigest()
    return Proved(both if tree and tools else "", holds=lambda: tree_identity(ROOT) == tree)
