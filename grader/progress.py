"""A line that counts tests while they run; only where a person looks on."""

from __future__ import annotations

import sys

from grader.labs import Lab
from grader.results import TestResult


class Progress:
    """Called with each result as it comes; clear() takes the line away again."""

    def __init__(self) -> None:
        self._on = sys.stdout.isatty() and sys.stderr.isatty()

    def __call__(self, lab: Lab, result: TestResult, done: int, total: int) -> None:
        if self._on:
            sys.stderr.write(f"\r{lab.name}: {done}/{total} tests ")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._on:
            sys.stderr.write("\r" + " " * 40 + "\r")
            sys.stderr.flush()
