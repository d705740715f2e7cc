"""bubblewrap where it does not work: what is graded is graded all the same, and the report says so."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Dict, Tuple

import jsonschema
import pytest

from grader import launcher, report, sandbox
from grader.paths import ROOT
from grader.tests.conftest import Grade
from grader.tests.test_launcher import LIMITS, expect_none

REAL = shutil.which("bwrap") or "/bin/false"
PLACE = {"PATH": os.environ["PATH"]}


def refusing(option: str, words: str) -> str:
    """A bwrap that starts, but not with this option: as in a container, or under AppArmor."""
    return (
        f'case " $* " in *" {option} "*) echo "bwrap: {words}" >&2; exit 1;; esac\nexec {REAL} "$@"'
    )


# What stands for bwrap: its script, and what is said of the compiler and of the machine.
FAKES: Dict[str, Tuple[str, str, str]] = {
    "no proc": (refusing("--proc", "Can't mount proc"), "", "bwrap: Can't mount proc"),
    "no dev": (refusing("--dev", "Can't mount devpts"), "", "bwrap: Can't mount devpts"),
    "no tmpfs": (refusing("--tmpfs", "Can't mount tmpfs"), "bwrap: Can't mount tmpfs", ""),
    "no die-with-parent": (refusing("--die-with-parent", "Unknown option"), "Unknown option", ""),
    "no namespaces": (
        refusing("--unshare-all", "setting up uid map: Permission denied"),
        "bwrap: setting up uid map: Permission denied",
        "bwrap: setting up uid map: Permission denied",
    ),
    "true and nothing else": (
        f'case "$*" in *" true") exec {REAL} "$@";; esac\necho "bwrap: no" >&2; exit 1',
        "bwrap: no",
        "bwrap: no",
    ),
    "only talk": ("echo done; exit 0", "did not run its command (status 0)", "(status 0)"),
    "nothing": ("exit 0", "did not run its command (status 0)", "(status 0)"),
    "killed": ("kill -9 $$", "(status -9)", "(status -9)"),
    "control characters": ("printf 'bwrap: \\033[31mno\\n' >&2; exit 1", "?[31mno", "?[31mno"),
    "hangs": ("exec sleep 1000.25", "not done after 1 s", "no answer within 1 s"),
    "hangs in a child": ("sleep 1000.25", "not done after 1 s", "no answer within 1 s"),
}
works = pytest.mark.skipif(not sandbox.works(), reason="needs a bubblewrap that works")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Path":
    """A place for a bwrap that is found first."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "_how", {})
    monkeypatch.setattr(sandbox, "TRIAL_SECONDS", 1)
    return directory / "bwrap"


def put(target: Path, script: str) -> None:
    target.write_text(f"#!/bin/sh\n{script}\n")
    target.chmod(0o755)


@works
@pytest.mark.parametrize("name", FAKES)
def test_what_bwrap_cannot_do_is_done_without_it(name: str, fake: Path, tmp_path: Path) -> None:
    script, of_compiler, of_machine = FAKES[name]
    put(fake, script)
    if "hangs" not in name:
        sandbox.TRIAL_SECONDS = 20  # the fixture puts it back
    (tmp_path / "place").mkdir()
    prefix, environment = sandbox.wrap_compiler([], [], tmp_path / "place")
    assert bool(prefix) == (not of_compiler) and environment["PATH"]
    started = launcher.Launcher()
    reading, writing = os.pipe()
    shell = started.start(
        ["/bin/sh", "-c", "echo works"], [reading, writing, writing], PLACE, **LIMITS
    )
    assert shell.wait() == 0 and os.read(reading, 100) == b"works\n"
    os.close(reading)
    os.close(writing)
    how = sandbox.how()
    for use, reason in (("compiler", of_compiler), ("machine", of_machine)):
        assert how[use].startswith("none: ") == bool(reason) and reason in how[use]
        assert how[use].isprintable()
    expect_none("1000.25")


def test_a_file_that_is_no_program_is_no_sandbox(fake: Path, tmp_path: Path) -> None:
    fake.write_bytes(b"\x7fELF nonsense")
    fake.chmod(0o755)
    assert sandbox.wrap_compiler([], [], tmp_path)[0] == []
    launcher.Launcher()
    assert all(held.startswith("none: ") for held in sandbox.how().values())


@works
def test_one_process_without_bubblewrap_is_enough_to_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sandbox, "_how", {})
    for held in (sandbox.HOLDS, "none: because", sandbox.HOLDS):
        sandbox.merge({"machine": held})
    assert sandbox.how() == {"machine": "none: because"}


@pytest.mark.parametrize("name", ["no proc", "no namespaces", "only talk"])
def test_grading_goes_on_and_says_so(name: str, fake: Path, grade: Grade) -> None:
    script, of_compiler, of_machine = FAKES[name]
    put(fake, script)
    graded = grade("reference", "--test", "program_runs_in_user_mode")
    assert graded.score == 5, graded.output
    assert graded.results
    jsonschema.validate(
        graded.results, json.loads((ROOT / "docs" / "results.schema.json").read_text())
    )
    assert of_machine in graded.results["sandbox"]["machine"]
    who = "the compiler and the machine" if of_compiler else "the machine"
    assert f"note: {who} ran without bubblewrap (" in graded.output


@works
def test_nothing_is_said_where_bubblewrap_holds(grade: Grade) -> None:
    graded = grade("reference", "--test", "program_runs_in_user_mode")
    assert graded.results
    assert graded.results["sandbox"] == {"compiler": sandbox.HOLDS, "machine": sandbox.HOLDS}
    assert "bubblewrap" not in graded.output


def test_switched_off_is_said_as_well(grade: Grade) -> None:
    graded = grade("reference", "--test", "program_runs_in_user_mode", RUNG_SANDBOX="off")
    assert graded.results
    assert graded.results["sandbox"]["machine"] == "none: RUNG_SANDBOX=off"
    assert graded.output.count("without bubblewrap") == 1


def test_each_reason_is_told_once() -> None:
    assert report.unheld({"compiler": sandbox.HOLDS, "machine": sandbox.HOLDS}) == []
    assert len(report.unheld({"compiler": "none: a", "machine": "none: a"})) == 1
    assert len(report.unheld({"compiler": "none: a", "machine": "none: b"})) == 2
