"""The end of the deck: when all jobs have ended, what they have left behind is killed, and the machine powers off.

The kernel is lab 6's reference, and deck_selftest.c beside it plays the deck twice: after the second time every frame
and every byte of the kernel's memory must have come back.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

import pytest

from grader import build, grade
from grader.labs import find_lab
from grader.machine import Outcome
from grader.plugin import Machine
from grader.run import Run

SELFTEST = Path(__file__).parent / "deck_selftest.c"
LEFT = re.compile(
    r"deck: all jobs have ended; killed what they left behind: (\S+), pid \d+(, and others)?"
)
BUDGET = 20.0
MEMORY = 64  # MiB: so that nobody is short of it

# What a job, a shell, leaves behind.  Each would be there for ever.
ORPHANS: Dict[str, str] = {
    "that sleeps": "nap 100000s &",
    "that computes": "forever &",
    "that reads a pipe which nobody writes": "nap 100000s | cat &",
    "that writes to a full pipe": "chant 100000 x | nap 100000s &",
    "that waits for its children": "sh -c 'sh -c \"nap 100000s; echo\"; echo' &",
    "that nobody has waited for": "mapper fork exit=3 end nap=fffffff0 &",
    "that ignores signals": "mapper fork fork spin=ffffffffffff end wait=any end wait=any &",
    "that has children without end": "sh /again & sh /again &",
    "that writes to the disk": "sh /writing &",
    "that makes and removes files": "sh /making &",
    "that starts programs from the disk": "sh /starting &",
    "several": "nap 100000s & forever & cat < /dev/null | nap 100000s & sh -c 'forever &'",
}
SCRIPTS = {
    "again": b"nap 3000\nsh /again &\nsh /again &\n",
    "writing": b"mapper open=/disk/log,rwca map=0,2000,rw,pa fill=a+0,2000,61 repeat=A,a+0,1801,100\nsh /writing\n",
    "making": b"mkdir /disk/d\nsh -c 'echo text > /disk/d/f'\nrm /disk/d/f\nrm -d /disk/d\nsh /making\n",
    "starting": b"/disk/prog\n/disk/prog\nsh /starting\n",
}
PROGRAMS = (
    "cat",
    "chant",
    "echo",
    "exit",
    "forever",
    "hello",
    "mapper",
    "mkdir",
    "nap",
    "rm",
    "sh",
)


@pytest.fixture(scope="module")
def machine() -> Machine:
    lab = find_lab("processes")
    options = grade.Options(solutions=None)
    kernel = build.build(grade.configuration(lab, options, extra=[SELFTEST]))
    return Machine(kernel, lab.seed, "deck")


def play(machine: Machine, jobs: List[str], scripts: Dict[str, bytes]) -> Run:
    files = {f"bin/{name}": build.program(name).read_bytes() for name in PROGRAMS}
    on_disk = {"text": b"text", "prog": build.program("hello").read_bytes()}
    ran = machine.run(
        jobs, {**files, **SCRIPTS, **scripts}, disk=on_disk, budget=BUDGET, memory=MEMORY
    )
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert [line for line in ran.reports if line.startswith("decktest:")] == ["decktest: ok"]
    ran.expect_disk_in_order()
    return ran


def left(ran: Run) -> List[str]:
    """The first of those that were killed, each time."""
    found = [LEFT.fullmatch(line) for line in ran.reports]
    return [each[1] for each in found if each]


@pytest.mark.parametrize("what", ORPHANS)
def test_an_orphan_is_killed(machine: Machine, what: str) -> None:
    """The machine would never power off."""
    script = f"{ORPHANS[what]}\nnap 20000\nexit 5\n"
    ran = play(machine, ["sh /script"], {"script": script.encode()})
    assert [job.end for job in ran.jobs] == ["exited with 5"] * 2
    assert len(left(ran)) >= 2, ran.reports


def test_orphans_live_as_long_as_there_are_jobs(machine: Machine) -> None:
    """They are processes like others."""
    files = {"script": b"sh /later &\n", "later": b"nap 50000; echo done\n"}
    ran = play(machine, ["sh /script", "nap 200000"], files)
    assert ran.printed.count(b"done\n") == 2
    assert left(ran) == []


def test_what_an_orphan_has_written_is_on_the_disk(machine: Machine) -> None:
    """A file is written back when the last process that has it open is killed."""
    files = {
        "script": b"mapper open=/disk/new,rwc map=0,1000,rw,pa fill=a+0,1000,62 write=A,a+0,1000 nap=fffffff0 &\nnap 100000\n"
    }
    ran = play(machine, ["sh /script"], files)
    assert ran.disk_files()["new"] == b"b" * 4096
    assert left(ran) == ["mapper"] * 2


def test_a_deck_without_orphans_says_nothing(machine: Machine) -> None:
    ran = play(machine, ["hello", "sh /script"], {"script": b"hello | cat\nhello &\nwait\n"})
    assert left(ran) == []
