"""Verdicts that need not be reached again: the key of a test on a kernel, and its verdict as bytes, for the store (store.py).

A verdict depends on the kernels' bytes, the test and what it boots, the seed, the grader's code and QEMU.  Host time decides
nothing, so this holds for runs with a disk, too.  Only a test that has passed is kept: one that fails is run again,
for its report.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import Optional

from grader import build, store
from grader.labs import Lab
from grader.results import PASSED, TestResult


@functools.lru_cache(maxsize=None)
def _inputs(directory: Path) -> str:
    """The hash of what a lab's tests are made of: their files, and all user programs."""
    files = [*sorted(directory.glob("*.py")), directory / "lab.toml"]
    files += [build.program(name) for name in sorted(build.program_sources())]
    parts = [(path.name, store.file_hash(path)) for path in files]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def key(lab: Lab, test: str, seed: int, kernel: Path) -> Optional[str]:
    """The hash of everything that a test's verdict depends on; None when nothing is to be kept."""
    identity = store.identity()
    if identity is None:
        return None
    try:
        probe = kernel.with_name(build.PROBE)
        kernels = [store.file_hash(each) for each in (kernel, probe) if each.is_file()]
        parts = ("verdict", identity, _inputs(lab.directory), lab.name, test, seed, kernels)
    except OSError:  # the test will report it
        return None
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def find(wanted: Optional[str], blank: TestResult) -> Optional[TestResult]:
    """The verdict that is kept under a key, if there is one.  blank: the test's result before it runs."""
    data = store.get(wanted) if wanted else None
    if data is None:
        return None
    try:
        found = json.loads(data)
        booted, verdict = int(found["runs"]), dict(found["verdict"])
        result = dataclasses.replace(blank, **verdict)
    except (ValueError, LookupError, TypeError):
        return None
    store.merge({"kept": booted})
    return result


def keep(wanted: Optional[str], result: TestResult, runs: int) -> None:
    """Keep a verdict under its key, if the test has passed.  runs: how many runs it took."""
    if wanted and result.status == PASSED:
        verdict = {
            name: getattr(result, name) for name in ("status", "points", "outcome", "ran", "klog")
        }
        store.put(wanted, json.dumps({"runs": runs, "verdict": verdict}).encode())
