"""`make bench`: what the reference costs, beside what is recorded and what must be reached.

Guest figures are instructions, counted by QEMU with -icount shift=0: the same on every machine.  Host
figures are seconds of this machine, the median of RUNS runs; they are shown and never judged.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

from grader import build, disk, grade
from grader.labs import Lab, all_labs, find_lab
from grader.paths import ROOT, GraderError, shown
from grader.plugin import Machine

RUNS = 5
TOLERANCE = 0.10
CALLS, YIELDS, SWITCHES, FAULTS, FORKS = 1000, 100, 4, 100, 50
PAGE, SEQUENTIAL = 4096, 16 << 20


@dataclass(frozen=True)
class Figure:
    """A guest figure.  limit: what it may be at most, 0 for none; xv6: what the same costs in xv6-riscv, and, where
    that differs, in the solution of its lab on copy-on-write; measured likewise."""

    name: str
    value: int
    limit: int
    xv6: Sequence[int] = ()


def _batch(machine: Machine) -> List[Figure]:
    ran = machine.run([f"bench {CALLS}"], shift=0, budget=2.0)
    ran.expect_power_off()
    output = ran.job(0).output.decode()
    boot = re.search(r"instret (\d+)", ran.reports[0])
    numbers = dict(re.findall(r"(.+): (\d+)\n", output))
    if boot is None or len(numbers) != 2:
        raise GraderError(f"the program bench printed something unexpected: {output!r}")
    at_main = int(numbers["instret at main"])
    return [
        Figure("null system call, ecall to next instruction", int(numbers["null call"]), 200),
        Figure("boot, kernel entry to main() of the program", at_main - int(boot[1]), 0),
        Figure("boot, power-on to main() of the program", at_main, 0),
    ]


def _numbers(pattern: str, output: bytes, count: int) -> List[int]:
    """All numbers that a pattern finds; GraderError when there are not so many."""
    found = [int(number) for number in re.findall(pattern, output.decode())]
    if len(found) != count:
        raise GraderError(f"the program bench printed something unexpected: {output!r}")
    return found


def _yield(machine: Machine, tasks: int) -> int:
    """Instructions from a yield to the next task's instruction behind its own, among so many."""
    ran = machine.run([f"bench yields {YIELDS}"] * tasks, shift=0, budget=4.0)
    ran.expect_power_off()
    times = _numbers(r"yields: (\d+)\n", ran.printed, tasks)
    return round(statistics.median(times) / (YIELDS * tasks))


def _timer_switch(machine: Machine) -> int:
    """Instructions from the last one of an interrupted task to the first of the next."""
    job = f"bench switches {SWITCHES}"
    ran = machine.run([job, job], shift=0, budget=4.0)
    ran.expect_power_off()
    lost = _numbers(r"lost at (\d+)", ran.printed, 2 * SWITCHES)
    back = sorted(_numbers(r"back at (\d+)", ran.printed, 2 * SWITCHES))
    gaps = [min((b - each for b in back if b > each), default=0) for each in lost]
    return round(statistics.median(gap for gap in gaps if gap))


def _multitasking(machine: Machine) -> List[Figure]:
    two, many = _yield(machine, 2), _yield(machine, 64)
    return [
        Figure("yield, to the next task's instruction, 2 tasks", two, 420),
        Figure("yield, to the next task's instruction, 64 tasks", many, two * 11 // 10),
        Figure("timer interrupt that switches, program to program", _timer_switch(machine), 450),
    ]


def _probed(machine: Machine) -> Dict[str, int]:
    """What the lab's probe "figures" reports, by name."""
    ran = machine.run([], probe="figures", shift=0, budget=2.0)
    ran.expect_power_off()
    return {
        match[1]: int(match[2])
        for match in (re.match(r"probe: (.+): (\d+)$", report) for report in ran.reports)
        if match
    }


def _address_spaces(machine: Machine) -> List[Figure]:
    null_call = _batch(machine)[0].value
    found = _probed(machine)
    return [
        Figure("null system call, with paging", null_call, 220),
        Figure("frame_alloc() and frame_put(), without zeroing", found["alloc and put"], 60),
        Figure("zeroing a page", found["zeroing"], 700),
        Figure("mapping a page, of 1,024 in a row, without allocation", found["mapping"], 80),
        Figure("copying 64 KiB from a program", found["copying"], 65536 * 35 // 100),
        Figure("finding an area among 10,000", found["finding"], 400),
    ]


def _page_faults(machine: Machine) -> List[Figure]:
    ran = machine.run([f"bench faults {FAULTS}"], shift=0, budget=2.0)
    ran.expect_power_off()
    fault = _numbers(r"fault: (\d+)\n", ran.printed, 1)[0]
    found = _probed(machine)
    few, many = found["fault among 3"], found["fault among 10000"]
    return [
        Figure("lazy zero-fill fault, store to next instruction", fault, 1200),
        Figure("of it beyond zeroing the page", fault - found["zeroing"], 600),
        Figure("space_fault->fault() of a page among 3 areas", few, 0),
        Figure("space_fault->fault() of a page among 10,000 areas", many, few * 115 // 100),
    ]


def _mmap(machine: Machine) -> List[Figure]:
    found = _probed(machine)
    few, many = found["map and unmap among 3"], found["map and unmap among 10000"]
    # In a program, each of the two is a system call.
    call = _batch(machine)[0].value
    data = bytes(range(256)) * (SEQUENTIAL >> 8)
    files = {"data": data, "few": data[: FAULTS * PAGE]}
    ran = machine.run(
        [f"bench mapped /disk/few {FAULTS}", "bench read /disk/data"],
        disk=disk.image(files, 32),
        shift=0,
        budget=10.0,
    )
    ran.expect_power_off()
    fault = _numbers(r"mapped: (\d+)\n", ran.printed, 1)[0]
    read, copied = _numbers(r"(?:read|copied): (\d+)\n", ran.printed, 2)
    return [
        Figure("mmap() and munmap() of an untouched page among 3 areas", few + 2 * call, 2000),
        Figure(
            "mmap() and munmap() among 10,000 areas", many + 2 * call, (few + 2 * call) * 13 // 10
        ),
        Figure("fault of a file's page that is cached, load to next instruction", fault, 3000),
        Figure(
            "reading 16 MiB from the disk in order, thousands", read // 1000, 2 * copied // 1000
        ),
        Figure("copying 16 MiB to a program, thousands", copied // 1000, 0),
    ]


def _processes(machine: Machine) -> List[Figure]:
    files = {"bin/exit": build.program("exit").read_bytes()}

    def one(job: str) -> int:
        ran = machine.run([f"bench {job}"], files, shift=0, budget=10.0)
        ran.expect_power_off()
        return _numbers(r"(?:wait|copy|ping-pong): (\d+)\n", ran.printed, 1)[0]

    found = _probed(machine)
    few, many = found["turn among 2"], found["turn among 1000"]
    return [
        Figure("null system call", _batch(machine)[0].value, 220),
        Figure(
            "fork, exit and wait of a small process",
            one(f"forks {FORKS} 0"),
            16000,
            (470471, 290348),
        ),
        Figure(
            "the same with 1 MiB of heap that was touched",
            one(f"forks {FORKS} 256"),
            30000,
            (12200000, 459584),
        ),
        Figure("fork, exec, exit and wait", one(f"execs {FORKS} /bin/exit"), 60000, (1490148,)),
        Figure(
            "a byte to another process by a pipe, and back", one(f"pipes {CALLS}"), 4500, (90304,)
        ),
        Figure("copy of a page, store to next instruction", one("copies 100"), 1800, (34175,)),
        Figure("scheduler's choice of the next of 2 tasks", few, 0),
        # At most with the logarithm: that of 1,000 is ten times that of 2.
        Figure("scheduler's choice of the next of 1,000 tasks", many, 10 * few),
    ]


FIGURES = {
    "batch": _batch,
    "multitasking": _multitasking,
    "address-spaces": _address_spaces,
    "page-faults": _page_faults,
    "mmap": _mmap,
    "processes": _processes,
}


def recorded(lab: Lab) -> Dict[str, int]:
    """The figures that were recorded for a lab, by name."""
    path = lab.directory / "bench.json"
    found: Dict[str, int] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def measure(lab: Lab) -> List[Figure]:
    """The guest figures of the reference, measured now."""
    options = grade.Options(solutions=None)
    kernel = build.build(grade.configuration(lab, options))
    return FIGURES[lab.name](Machine(kernel, lab.seed, "bench"))


def alarms(lab: Lab, figures: List[Figure]) -> List[str]:
    """What is over its limit, or more than 10 % away from what was recorded."""
    before = recorded(lab)
    found = []
    for figure in figures:
        if figure.limit and figure.value > figure.limit:
            found.append(f"{figure.name}: {figure.value} is more than {figure.limit}")
        old = before.get(figure.name)
        if old is None:
            found.append(f"{figure.name}: {figure.value} is not recorded in bench.json")
        elif abs(figure.value - old) > TOLERANCE * old:
            found.append(f"{figure.name}: {figure.value}, recorded was {old}")
    return found


def _seconds(lab: Lab) -> Dict[str, float]:
    """Wall time of `make grade` for the reference's sources as a student's: warm, after one touched
    file, and from nothing built."""
    with tempfile.TemporaryDirectory() as scratch:
        solutions = Path(scratch) / "solutions"
        for each in all_labs():
            if each.number <= lab.number:
                shutil.copytree(each.directory / "solution", solutions / each.folder)
        touched = solutions / lab.folder / lab.tasks[-1].file
        environment = {**os.environ, "RUNG_BUILD": str(Path(scratch) / "build")}
        environment["RUNG_STORE"] = "off"
        command = [sys.executable, "-m", "grader", "grade", "--quiet", "--lab", lab.name]
        command += ["--solutions", str(solutions)]

        def once() -> float:
            started = time.monotonic()
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
            return time.monotonic() - started

        def after_touch(n: int) -> float:
            touched.write_text(touched.read_text() + f"/* {n} */\n")
            return once()

        def from_nothing() -> float:
            shutil.rmtree(environment["RUNG_BUILD"], ignore_errors=True)
            return once()

        return {
            "from nothing built": statistics.median(from_nothing() for _ in range(RUNS)),
            "after one changed file": statistics.median(after_touch(n) for n in range(RUNS)),
            "warm": statistics.median(once() for _ in range(RUNS)),
        }


def _show(lab: Lab) -> List[str]:
    """Print a lab's figures; what is wrong with them."""
    figures = measure(lab)
    before = recorded(lab)
    print(f"Lab {lab.number}, {lab.title}: guest instructions of the reference")
    for figure in figures:
        limit = f"  at most {figure.limit}" if figure.limit else ""
        peers = f"  [xv6: {', with copy-on-write '.join(f'{n:,}' for n in figure.xv6)}]"
        print(
            f"  {figure.value:>10,}  {figure.name}{limit}  (recorded: {before.get(figure.name)})"
            + (peers if figure.xv6 else "")
        )
    print(
        f"make grade LAB={lab.name}, seconds on this machine (median of {RUNS}; shown, not judged)"
    )
    for name, seconds in _seconds(lab).items():
        print(f"  {seconds:>10.2f}  {name}")
    path = shown(lab.directory / "bench.json")
    return [f"{problem}; if it is meant, change {path}" for problem in alarms(lab, figures)]


def command(lab_name: str) -> int:
    """Print all figures of a lab, or of all labs; 1 when one is over its limit or far from what was
    recorded."""
    labs = [find_lab(lab_name)] if lab_name else all_labs()
    problems = [problem for lab in labs for problem in _show(lab)]
    for problem in problems:
        print(f"alarm: {problem}")
    return 1 if problems else 0
