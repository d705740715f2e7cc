"""Real programs: Linux's, with its C library, unmodified: on the kernel of lab 6 they do as under Linux.

Those in linux/ are compiled for riscv64 by the cross compiler for Linux and linked with glibc, statically; the same
file then runs on our reference kernel, from the archive or from the disk, and under qemu-riscv64 (or, built for it, on
the host).  What they print
and how they end must be the same.  None prints what depends on time, addresses or pids.

The slowest takes a second.  `make test-linux` does the same with dash and Lua (grader/tests/large_programs.py).
"""

from __future__ import annotations

from typing import Dict

import pytest

from grader import build, grade
from grader.labs import find_lab
from grader.plugin import Machine
from grader.tests import linux_programs
from grader.tests.linux_programs import SOURCES, difference

FILES = {"text": b"some text\n", "dir/inner": b""}
SHELL = ("cat", "echo", "sh")  # what a program finds in /bin

JOBS = {
    "arguments": ["arguments", "arguments -v one --size=10 -c --colour=red -sx two -- -v"],
    "heap": ["heap", "heap 12345"],
}
# For brk() qemu-riscv64 keeps a heap of its own, and it does not know MAP_SHARED_VALIDATE: these ask the host.
NATIVE = ["areas", "odd"]
FROM_DISK = ["/disk/arguments a b", "/disk/sorting", "/disk/processes echo"]


@pytest.fixture(scope="module")
def machine() -> Machine:
    lab = find_lab("processes")
    configuration = grade.configuration(lab, grade.Options(solutions=None))
    return Machine(build.build(configuration), lab.seed, "linux")


def same_as_linux(
    machine: Machine, job: str, archive: Dict[str, bytes], disk: Dict[str, bytes]
) -> str:
    """Run a job on both; returns what it printed."""
    if job in NATIVE:
        linux = linux_programs.native(job, FILES)
    else:
        linux = linux_programs.emulated(job, FILES)
    ran = machine.run([job], archive, disk={**FILES, **disk}, budget=60.0)
    kernels = linux_programs.answer(ran)
    assert kernels == linux, difference(linux, kernels)
    ran.expect_disk_in_order()
    return linux.printed


def test_there_are_programs_and_all_are_run() -> None:
    assert len(SOURCES) >= 10
    assert set(JOBS) <= set(SOURCES)


@pytest.mark.parametrize("job", [job for name in SOURCES for job in JOBS.get(name, [name])])
def test_a_program_does_as_under_linux(machine: Machine, job: str) -> None:
    name = job.split()[0]
    archive = {f"bin/{each}": build.program(each).read_bytes() for each in SHELL}
    archive[f"bin/{name}"] = linux_programs.built(name).read_bytes()
    assert same_as_linux(machine, job, archive, {}).count("\n") > 1


@pytest.mark.parametrize("job", FROM_DISK)
def test_a_program_runs_from_the_disk(machine: Machine, job: str) -> None:
    name = job.split()[0].rpartition("/")[2]
    same_as_linux(machine, job, {}, {name: linux_programs.built(name).read_bytes()})


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(AssertionError, match="not installed: `make test` installs it"):
        linux_programs.built("stdio")


def test_a_difference_is_shown() -> None:
    """Else nobody knows what to mend."""
    linux = linux_programs.Answer("one\ntwo\nthree\n", "exited with 0")
    kernels = linux_programs.Answer("one\n2\nthree\n", "killed by SIGSEGV")
    shown = difference(linux, kernels).splitlines()
    assert {"-two", "+2", "-exited with 0", "+killed by SIGSEGV"} <= set(shown)
