"""Where things are in the tree, and the one kind of error that people see."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LABS = ROOT / "labs"
KERNEL = ROOT / "kernel"
USER = ROOT / "user"
TEMPLATE = ROOT / "solutions-template"
SOLUTIONS = ROOT / "solutions"
TRACE_MAX = 64 << 10
BUILD = Path(os.environ.get("RUNG_BUILD") or ROOT / "build").absolute()


class GraderError(Exception):
    """Grading is not possible.  The message is one line: what is wrong, and how to mend it."""


class GraderGaveUp(Exception):
    """The host, not the submission, is at fault: nothing can be said of it, and no point is lost."""


class GraderCrashed(Exception):
    """A bug of the grader's own: nothing can be said of the submission, and no point is lost.  trace: where it is."""

    def __init__(self, what: str, trace: str = ""):
        super().__init__(what, trace)
        self.what, self.trace = what, trace

    def __str__(self) -> str:
        return self.what


def keep_trace(trace: str) -> str:
    """Keep the trace of a crash for whoever mends it.  Returns where, for a sentence; nothing if that fails."""
    path = BUILD / "trace.txt"
    try:
        BUILD.mkdir(parents=True, exist_ok=True)
        path.write_text(trace[-TRACE_MAX:], encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
    return f"; the trace is in {shown(path)}"


def shown(path: Path) -> str:
    """A path as people type it: relative to where the tree is, when it lies inside."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
