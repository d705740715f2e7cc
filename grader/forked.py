"""Commands of the grader in processes of their own, forked from one that has loaded the grader: for those that run
hundreds of them.  An interpreter and its imports would cost a third of a second each time."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from grader.paths import ROOT
from grader.submission import reference_objects

LOADED = ["pytest", "grader.cli", "grader.grade", "grader.plugin", "grader.launcher"]
# The interpreter or the grader reads these when it starts, so a fork would not heed them.
AT_START = ("PYTHON", "LANG", "LC_", "RUNG_BUILD")

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(LOADED)
_loaded_with: List[Dict[str, str]] = []  # of these variables; empty until the first fork


def _command(arguments: List[str], environment: Dict[str, str], output: str) -> None:
    """In the forked process: be `python -m grader` with these arguments."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(output, os.O_WRONLY | os.O_APPEND)
    for old, new in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(old, new)
    # Nothing that was captured of the process that forks.
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    sys.argv = ["grader", *arguments]
    runpy.run_module("grader", run_name="__main__", alter_sys=True)


def _at_start(environment: Mapping[str, str]) -> Dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


def grading_environment() -> Dict[str, str]:
    """Of a grade that is one of many: on one core, with the reference's parts compiled before."""
    objects = str(reference_objects())
    return {**os.environ, "RUNG_WORKERS": "1", "RUNG_REFERENCE_OBJECTS": objects}


def command(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float
) -> Tuple[int, str]:
    """Run `python -m grader` with these arguments in the tree's directory.

    Returns its exit status, -n for signal n, and what it printed on stdout and stderr.
    Raises subprocess.TimeoutExpired after so many seconds of the host's clock.
    """
    loaded_with = _loaded_with[0] if _loaded_with else _at_start(os.environ)
    with tempfile.TemporaryDirectory(prefix="rung-") as directory:
        output = Path(directory) / "output"
        output.touch()
        if _at_start(environment) != loaded_with:
            with output.open("ab") as file:
                started = subprocess.run(
                    [sys.executable, "-m", "grader", *arguments],
                    cwd=ROOT,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    timeout=seconds,
                    check=False,
                )
            return started.returncode, output.read_text(errors="replace")
        forked = _forks.Process(
            target=_command, args=(list(arguments), dict(environment), str(output))
        )
        _loaded_with[:] = [loaded_with]
        forked.start()
        forked.join(seconds)
        if forked.exitcode is None:
            forked.kill()
            forked.join()
            raise subprocess.TimeoutExpired(list(arguments), seconds)
        return forked.exitcode, output.read_text(errors="replace")
