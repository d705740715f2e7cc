"""What the tests of Rung itself share."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import pytest

from grader import forked, proved
from grader.labs import Lab, all_labs, find_lab
from grader.paths import ROOT
from grader.submission import reference_objects
from grader.tests.once import Once, ToldToWorkers


@dataclass
class Graded:
    """A grade that was made in a process of its own, as `make grade` would."""

    status: int
    output: str
    results: Optional[Dict[str, Any]]

    @property
    def score(self) -> int:
        assert self.results is not None, self.output
        return int(self.results["score"])

    def test(self, name: str) -> Dict[str, Any]:
        assert self.results is not None, self.output
        found = [t for lab in self.results["labs"] for t in lab["tests"] if t["id"] == name]
        assert found, f"{name} is not among the results"
        return dict(found[0])


Grade = Callable[..., Graded]


def heed_control_c() -> None:
    """For preexec_fn: a shell starts what is in the background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--once", action="store_true", help="leave out what has passed on this tree")


def pytest_configure(config: pytest.Config) -> None:
    """Build what all configurations share once, before xdist's workers start.  What is proved here is proved of machines
    that boot, unless the store itself is asked for."""
    if hasattr(config, "workerinput"):
        names = frozenset(config.workerinput.get("proved", ()))
        config.pluginmanager.register(Once(None, names))
        return
    before = proved.here() if config.getoption("--once") else proved.Proved("")
    config.pluginmanager.register(Once(before, before.names))
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(ToldToWorkers(before.names))
    os.environ.setdefault("RUNG_STORE", "off")
    reference_objects()


@pytest.fixture
def lab() -> Lab:
    """The lab that a test is about: the first, where it does not matter which."""
    return find_lab("batch")


@pytest.fixture
def grade(tmp_path: Path, lab: Lab) -> Grade:
    """grade(solutions, "--option", "value", …): grade in a process of its own, on one core; the
    test's lab, unless the options name another."""

    def run(solutions: object, *options: str, **environment: str) -> Graded:
        out = tmp_path / "out"
        if "--lab" not in options:
            options = ("--lab", lab.name, *options)
        command = ["grade", "--solutions", str(solutions), "--out", str(out), *options]
        status, said = forked.command(command, {**forked.grading_environment(), **environment}, 300)
        kept = out / "results.json"
        results = json.loads(kept.read_text()) if kept.is_file() else None
        return Graded(status, said, results)

    return run


@pytest.fixture
def solutions(tmp_path: Path, lab: Lab) -> Path:
    """A student's solutions directory that holds the reference, for the test's lab and those before
    it: to be changed by the test."""
    directory = tmp_path / "solutions"
    for each in all_labs():
        if each.number <= lab.number:
            shutil.copytree(each.directory / "solution", directory / each.folder)
    return directory
