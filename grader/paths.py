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
BUILD = Path(os.environ.get("RUNG_BUILD") or ROOT / "build").absolute()


class GraderError(Exception):
    """Grading is not possible.  The message is one line: what is wrong, and how to mend it."""


def shown(path: Path) -> str:
    """A path as people type it: relative to where the tree is, when it lies inside."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
