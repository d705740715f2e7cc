"""What a run shows: programs' output, the kernel's reports, the traps; and how it ended.

The kernel marks its report lines with a word that only this run knows (bootargs report=…), so that
no program can print one.  Everything between two reports is what programs printed.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Dict,
    FrozenSet,
    Iterator,
    List,
    NamedTuple,
    NoReturn,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from grader import check, disk, probe_log, symbols, trace, view
from grader.build import cross
from grader.machine import CONSOLE_MAX, TICKS_PER_SECOND, Outcome, Record
from grader.trap_log import TRAP

FIRMWARE = range(0x80000000, 0x80200000)
STACK_SIZE = 64 << 10  # of a program under the flat loader: kernel/mm/flat.c
KMALLOC_SIZE = 4 << 20  # kernel/include/memory.h
PAGE = 4096
SV39_END = 1 << 38  # of its lower half; from here to the stack: kernel/include/space.h
TRAMPOLINE = SV39_END - PAGE
USER_END = TRAMPOLINE - 2 * PAGE
STACK_TOP = USER_END - PAGE
LOST_TICKS = TICKS_PER_SECOND // 10  # without a timer interrupt while tasks wait for one
JOB_SHOWN = 40  # characters of a job in a sentence

CAUSE_ILLEGAL_INSTRUCTION = 2
CAUSE_BREAKPOINT = 3
CAUSE_USER_ECALL = 8
CAUSE_FIRMWARE_CALL = 9
PROBE_RESULT = "probe_result"  # uint64_t [2], in the probes of a lab
# What the firmware never does: a fetch that fails (1, 12; the epc is where the program jumped to), and
# an ecall from user mode (8).
NEVER_FIRMWARE = {1, 8, 12}
CAUSE_TIMER = 5  # of an interrupt
# What exceptions are called: The RISC-V Instruction Set Manual, Volume II, "Supervisor Cause Register".
CAUSES = {
    1: "instruction access fault",
    2: "illegal instruction",
    3: "breakpoint",
    4: "load address misaligned",
    5: "load access fault",
    6: "store address misaligned",
    7: "store access fault",
    8: "system call",
    9: "call of the firmware",
    12: "instruction page fault",
    13: "load page fault",
    15: "store page fault",
}

# What looks like a report and is none is ignored: it is no evidence of anything, and numbers that
# do not fit a register are not the kernel's.
_JOB = re.compile(
    r"^job ([0-9]{1,9}): (\S*): (?:exited with ([0-9]{1,9})|killed by (\S+) \([0-9]{1,9}\)),"
    r" after ([0-9]{1,20}) us$"
)
_NOT_STARTED = re.compile(r"^job ([0-9]{1,9}): (\S*): not started: (\S+) \([0-9]{1,9}\)$")
_FAULT = re.compile(
    r"^fault: (?P<name>\S*): (?P<cause>[a-z ]+) \(cause (?P<number>[0-9]{1,9})\)"
    r"(?:, (?P<access>\w+) at 0x(?P<address>[0-9a-f]{1,16}))?, pc 0x(?P<pc>[0-9a-f]{1,16}):"
    r" (?P<signal>\S+)$"
)
_BACKTRACE = re.compile(r"^backtrace:((?: 0x[0-9a-f]{1,16})*)$")
_OFF = re.compile(r"^off: time ([0-9]{1,18})$")
# What OpenSBI 1.6 prints about an instruction that is illegal where it stands (sret in user mode, mret in the kernel),
# before it passes the trap on to the kernel: lib/sbi/sbi_illegal_insn.c.  OpenSBI 1.4 and older say nothing.
_FIRMWARE_REMARK = re.compile(
    rb"system_opcode_insn: Invalid opcode for CSR read/write instruction(?:\r?\n)?"
)
CALLS_SHOWN = 32  # of a backtrace
MARK_SIZE = 64  # bytes, and more than probe_mark() has
REPORT_MAX = 1000  # bytes of a report that are read: the kernel's own are shorter
_REGISTER = re.compile(r"\b(\w{1,8}) {1,8}0x([0-9a-f]{1,16})\b")
COMPLAINTS_SHOWN = 8  # of a file system


class Trap(NamedTuple):
    """One line of QEMU's trap log."""

    interrupt: bool
    cause: int
    epc: int
    tval: int


@dataclass(frozen=True)
class Fault:
    """A report about a faulting program (trap_report_fault() in the kernel)."""

    name: str
    cause: int
    access: Optional[str]
    address: Optional[int]
    pc: int
    signal: str


@dataclass(frozen=True)
class Job:
    """What became of a job.  end: "exited with 0", "killed by SIGSEGV", "not started: ENOENT"."""

    index: int
    name: str
    output: bytes
    end: str
    microseconds: int


@dataclass
class Run:
    """A finished run, read."""

    record: Record
    kernel: Path
    jobs_wanted: List[str]
    programs: Dict[str, Path]
    outcome: Outcome = Outcome.SILENT
    explanation: str = ""
    jobs: List[Job] = field(default_factory=list)
    reports: List[str] = field(default_factory=list)
    faults: List[Fault] = field(default_factory=list)
    loose: bytes = b""  # what was printed after the last job's report
    klog: List[str] = field(default_factory=list)
    unproved: str = ""  # why a probe's result in memory does not count: see probe_log.py
    _traps: Optional[List[Trap]] = None
    _events: Optional[List[trace.Event]] = None
    _files: Optional[Dict[str, bytes]] = None

    # -- reading

    @property
    def events(self) -> List[trace.Event]:
        """What the scheduler did: the kernel's trace ring as it was at the end."""
        if self._events is None:
            self._events = trace.parse(self.record.kept[0]) if self.record.kept else []
        return self._events

    @property
    def probed(self) -> Tuple[int, int]:
        """The two words of a probe's result, read from memory; zeros unless QEMU's log agrees that the probe ran."""
        return (0, 0) if self.unproved else self._probe_words()

    def _probe_words(self) -> Tuple[int, int]:
        found = self.record.kept[1] if len(self.record.kept) > 1 else bytes(16)
        first, second = struct.unpack("<QQ", found)
        return first, second

    def judge_probe(self, probe: str) -> None:
        """Hold a probe's result against QEMU's log."""
        count, ended = self._probe_words()
        exceptions = [(trap.cause, trap.epc) for trap in self.traps if not trap.interrupt]
        in_order = self.outcome is Outcome.POWER_OFF and ended != 0
        self.unproved = probe_log.objection(
            self.kernel, probe, self.record.traps, exceptions, count, in_order
        )

    @property
    def checkpoints(self) -> List[view.Checkpoint]:
        """What was seen at programs' checkpoints, in the order in which they came there."""
        return self.record.checkpoints

    @property
    def views(self) -> List[view.View]:
        """What was seen where the kernel was to stop."""
        return self.record.views

    def disk_files(self) -> Dict[str, bytes]:
        """What is on the disk at the end: path -> content; the test fails when that cannot be read."""
        if self._files is None:
            try:
                self._files = disk.listing(self.record.disk)
            except disk.Damaged as error:
                check.fail("the disk can be read", "a FAT file system that is in order", str(error))
        return self._files

    @property
    def printed(self) -> bytes:
        """All that programs printed, whether their job was reported or not."""
        return b"".join(job.output for job in self.jobs) + self.loose

    def pid(self, index: int) -> int:
        """The process id of job number index, by the trace ring; -1 when it was never started."""
        for event in self.events:
            if event.kind is trace.Kind.START and event.value == index:
                return event.pid
        return -1

    def region(self, index: int) -> range:
        """The memory of job number index when the flat loader has placed all jobs, one behind the
        other, in the deck's order; or, where programs have spaces, its image in its own."""
        if self.has_spaces:
            facts = symbols.facts(self.programs[self.jobs_wanted[index].split()[0]])
            return range(facts.start, facts.end)
        start = self.program_memory
        for i, job in enumerate(self.jobs_wanted):
            path = self.programs.get(job.split()[0])
            if path is None:
                continue
            facts = symbols.facts(path)
            end = start + facts.end - facts.start + STACK_SIZE
            if i == index:
                return range(start, end)
            start = end
        raise ValueError(f"job {index} is not among {self.jobs_wanted}")

    @property
    def traps(self) -> List[Trap]:
        """Every trap of the run, in order, the firmware's own left out."""
        if self._traps is None:
            found = (
                Trap(match[1] == b"1", int(match[2], 16), int(match[3], 16), int(match[4], 16))
                for match in TRAP.finditer(self.record.traps)
            )
            self._traps = [
                trap
                for trap in found
                if trap.epc not in FIRMWARE or (trap.cause in NEVER_FIRMWARE and not trap.interrupt)
            ]
        return self._traps

    def in_program(self, pc: int) -> bool:
        """Is this an address of programs: where the flat loader puts them, or where they are linked?"""
        return pc < FIRMWARE.start or self.program_memory <= pc < USER_END

    @property
    def program_memory(self) -> int:
        """Where the flat loader puts a program when no other is loaded."""
        end = symbols.address(self.kernel, "kernel_end") + KMALLOC_SIZE
        return (end + PAGE - 1) & -PAGE

    @property
    def has_spaces(self) -> bool:
        """Does each program have a space of its own, and lie where it is linked?  So it is from lab 3's loader on."""
        return has_spaces(self.kernel)

    def loaded_at(self, program: str, link_address: int) -> int:
        """Where something of a program lies when it is loaded alone, or in its own space."""
        if self.has_spaces:
            return link_address
        return link_address - symbols.facts(self.programs[program]).start + self.program_memory

    def label(self, program: str, name: str) -> int:
        """The address of a program's symbol when it is loaded alone."""
        return self.loaded_at(program, symbols.address(self.programs[program], name))

    # -- demands

    def _blame(self, what: str, expected: str) -> NoReturn:
        check.fail(what, expected, self.explanation, self.outcome.value)

    def expect_power_off(self, what: str = "the machine powers off when its jobs are done") -> None:
        """Demand that the kernel came to its orderly end, within the budget of guest time."""
        if self.outcome is not Outcome.POWER_OFF:
            self._blame(what, "all jobs run, then power-off")

    def job(self, index: int) -> Job:
        """What became of job number index; the test fails when the kernel never reported it."""
        for job in self.jobs:
            if job.index == index:
                return job
        name = self.jobs_wanted[index] if index < len(self.jobs_wanted) else "?"
        name = name if len(name) <= JOB_SHOWN else name[:JOB_SHOWN] + "…"
        if self.outcome is not Outcome.POWER_OFF:
            self._blame(f"job {index} ({name}) runs to its end", f"a report on job {index}")
        seen = ", ".join(f"{job.index} ({job.name})" for job in self.jobs) or "none"
        check.fail(
            f"job {index} ({name}) runs to its end",
            f"a report on job {index}",
            f"reports on jobs: {seen}",
        )

    def expect_user_mode(self, calls: Dict[int, int]) -> None:
        """Demand evidence that jobs ran in user mode: QEMU's own trap log, not the kernel's word.

        calls: job index -> how many system calls its program makes at least.  Their ecalls must
        stand in the trap log, in the jobs' order, each at an ecall instruction of its program; where programs have
        spaces they run side by side, and nothing is said of an order.
        """
        if self.has_spaces:
            self.expect_linked_calls(calls)
            return
        traps = iter(self.traps)
        for index in sorted(calls):
            name = self.jobs_wanted[index].split()[0]
            # The loader moves programs by whole pages.
            sites = {site % PAGE for site in symbols.facts(self.programs[name]).ecalls}
            missing = calls[index]
            for trap in traps:
                is_call = trap.cause == CAUSE_USER_ECALL and not trap.interrupt
                if is_call and trap.epc >= self.program_memory and trap.epc % PAGE in sites:
                    missing -= 1
                    if missing == 0:
                        break
            if missing > 0:
                seen = sum(trap.cause == CAUSE_USER_ECALL for trap in self.traps)
                check.fail(
                    f"{name} (job {index}) runs in user mode and makes its own system calls",
                    f"at least {calls[index]} ecalls from user mode at {name}'s own instructions",
                    f"{calls[index] - missing} of them in QEMU's trap log"
                    f" (ecalls from user mode in the whole run: {seen})",
                    "no evidence of user mode",
                )

    def expect_calls(self, calls: Dict[int, int]) -> None:
        """Demand evidence that jobs ran side by side in user mode: QEMU's own trap log.

        calls: job index -> how many system calls its program makes at least, each at an ecall
        instruction of its program, in its own memory (see region()), unless they have spaces.
        """
        if self.has_spaces:
            self.expect_linked_calls(calls)
            return
        for index in sorted(calls):
            name = self.jobs_wanted[index].split()[0]
            facts, region = symbols.facts(self.programs[name]), self.region(index)
            sites = {site - facts.start + region.start for site in facts.ecalls}
            seen = sum(
                trap.cause == CAUSE_USER_ECALL and not trap.interrupt and trap.epc in sites
                for trap in self.traps
            )
            check.true(
                seen >= calls[index],
                f"job {index} ({name}) runs in user mode and makes its own system calls",
                f"at least {calls[index]} ecalls from user mode at {name}'s own instructions,"
                f" in its memory from {region.start:#x} on",
                f"{seen} of them in QEMU's trap log",
                "no evidence of user mode",
            )

    def expect_ends(self, wanted: Sequence[Union[str, Tuple[str, ...]]], what: str) -> None:
        """Demand that each job is reported once, with this end or one of these, and then power-off."""
        self.expect_power_off()
        seen = sorted(job.index for job in self.jobs)
        check.equal(seen, list(range(len(wanted))), "each job is reported once, by its number")
        ends = {job.index: job.end for job in self.jobs}
        choices = [(end,) if isinstance(end, str) else end for end in wanted]
        wrong = [i for i, choice in enumerate(choices) if ends[i] not in choice]
        check.true(
            not wrong,
            what,
            "\n".join(
                f"job {i} ({self.jobs_wanted[i]}): {' or '.join(choices[i])}" for i in wrong[:6]
            ),
            "\n".join(
                f"job {i} ({self.jobs_wanted[i]}): {ends[i]}{self.why(i)}" for i in wrong[:6]
            ),
        )

    def why(self, index: int) -> str:
        """What the kernel has reported about the fault that ended a job: indented lines, or nothing."""
        job = self.job(index)
        killed = [j.index for j in self.jobs if j.name == job.name and j.end.startswith("killed")]
        stories: List[str] = []
        for n, report in enumerate(self.reports):
            if report.startswith(f"fault: {job.name}: "):
                place = self.reports[n + 1 : n + 2]
                more = [line for line in place if " lies in " in line]
                stories.append("".join(f"\n  {line.split(': ', 1)[1]}" for line in [report, *more]))
        at = killed.index(index) if index in killed else len(stories)
        return stories[at] if at < len(stories) else ""

    def expect_lines(self, wanted: Sequence[str], what: str) -> None:
        """Demand these lines ("subject: answer") among what programs printed, in any order."""
        seen = check.readable(self.printed).splitlines()
        missing = [line for line in wanted if line not in seen]
        answers: List[str] = []
        for line in missing[:8]:
            subject = line.rpartition(": ")[0]
            others = [s for s in seen if subject and s.startswith(f"{subject}: ")]
            answers += others or [f"no line that begins with {subject or line}"]
        check.true(not missing, what, "\n".join(missing[:8]), "\n".join(answers))

    def expect_linked_calls(self, calls: Dict[int, int]) -> None:
        """Demand evidence that programs ran in user mode, each at the addresses it is linked for: their
        ecalls in QEMU's trap log.  calls: job index -> how many system calls it makes at least."""
        needed: Dict[str, int] = {}
        for index, count in calls.items():
            name = self.jobs_wanted[index].split()[0]
            needed[name] = needed.get(name, 0) + count
        made = [t.epc for t in self.traps if t.cause == CAUSE_USER_ECALL and not t.interrupt]
        sites: Dict[str, FrozenSet[int]] = {
            name: frozenset(symbols.facts(self.programs[name]).ecalls) for name in needed
        }
        for name, count in needed.items():
            seen = sum(epc in sites[name] for epc in made)
            check.true(
                seen >= count,
                f"{name} runs in user mode and makes its own system calls",
                f"at least {count} ecalls from user mode at its own instructions",
                f"{seen} of them in QEMU's trap log",
                "no evidence of user mode",
            )
        union: Set[int] = set().union(*sites.values())
        check.true(
            sum(epc in union for epc in made) >= sum(needed.values()),
            "all programs run in user mode and make their own system calls",
            f"at least {sum(needed.values())} ecalls from user mode",
            f"{sum(epc in union for epc in made)} of them in QEMU's trap log",
            "no evidence of user mode",
        )

    def expect_disk_in_order(
        self,
        what: str = "the file system on the disk is in order when the machine is off",
        lost_clusters: bool = False,
    ) -> None:
        """Demand that fsck.fat has no complaint; or, where the power went at a moment when that is all
        right, none but of lost clusters."""
        complaints = disk.check(self.record.disk)
        if not (lost_clusters and disk.lost_only(complaints)):
            check.true(
                not complaints,
                what,
                "fsck.fat finds nothing to complain of",
                "\n".join(complaints[:COMPLAINTS_SHOWN])
                + (f"\n… ({len(complaints)} in all)" if len(complaints) > COMPLAINTS_SHOWN else ""),
            )

    def interruptions(self, index: int) -> int:
        """How many timer interrupts hit job number index in user mode: QEMU's own trap log.  Where programs have
        spaces: hit any job of the same program."""
        region = self.region(index)
        return sum(
            trap.interrupt and trap.cause == CAUSE_TIMER and trap.epc in region
            for trap in self.traps
        )

    def user_faults(self, cause: int) -> List[Trap]:
        """Exceptions with this cause in the trap log whose pc or address a program chose."""
        return [trap for trap in self.traps if trap.cause == cause and not trap.interrupt]

    def dump_registers(self) -> Dict[str, int]:
        """The registers (and epc, stval, sstatus) that the kernel's dump shows; empty without."""
        found: Dict[str, int] = {}
        for line in self.reports:
            if line.startswith("dump:"):
                for name, value in _REGISTER.findall(line):
                    found[name] = int(value, 16)
        return found


def has_spaces(kernel: Path) -> bool:
    """Does each program have a space of its own under this kernel?"""
    return "loader_level_3" in symbols.facts(kernel).symbols


def _split(console: bytes, mark: bytes) -> Iterator[Tuple[bytes, str]]:
    """(what was printed before, the report) for each report, then ("rest", "").

    A student's kernel can print reports, so they are made safe to show here, once for all.
    """
    start = at = 0
    while (found := console.find(mark + b" ", at)) >= 0:
        end = console.find(b"\n", found)
        if end < 0:
            break
        report = console[found + len(mark) + 1 : min(end, found + len(mark) + 1 + REPORT_MAX)]
        yield console[start:found], check.readable(report.rstrip(b"\r"))
        start = at = end + 1
    yield console[start:], ""


def without_remarks(console: bytes, illegal_instructions: int) -> bytes:
    """What kernel and programs wrote: the console without the firmware's remarks, of which there is at most one for
    each illegal instruction.  A program may print the same words; those stay."""
    if illegal_instructions <= 0:
        return console
    return _FIRMWARE_REMARK.sub(b"", console, count=illegal_instructions)


def read(
    record: Record,
    mark: str,
    kernel: Path,
    jobs: Sequence[str],
    programs: Dict[str, Path],
    budget: float,
    clock: int = 0,
) -> Run:
    """Make sense of a record.  mark: the run's report mark; budget: guest seconds; clock: ticks at power-on."""
    run = Run(record, kernel, list(jobs), programs)
    booted = False
    printed: List[bytes] = []
    panic = unhandled = ""
    off: Optional[int] = None  # the guest time at power_off()
    backtrace: List[int] = []
    console = record.console
    if _FIRMWARE_REMARK.search(console):  # to read the trap log takes time
        console = without_remarks(console, len(run.user_faults(CAUSE_ILLEGAL_INSTRUCTION)))
    for before, report in _split(console, mark.encode()):
        if booted and before:
            printed.append(before)
        if report:
            run.reports.append(report)
        kind = report.split(":")[0]
        job = _JOB.match(report)
        failed = _NOT_STARTED.match(report)
        fault = _FAULT.match(report)
        calls = _BACKTRACE.match(report)
        time = _OFF.match(report)
        if kind == "boot":
            booted = True
        elif job:
            end = f"exited with {job[3]}" if job[3] is not None else f"killed by {job[4]}"
            run.jobs.append(Job(int(job[1]), job[2], b"".join(printed), end, int(job[5])))
            printed = []
        elif failed:
            output = b"".join(printed)
            run.jobs.append(Job(int(failed[1]), failed[2], output, f"not started: {failed[3]}", 0))
            printed = []
        elif fault:
            run.faults.append(
                Fault(
                    fault["name"],
                    int(fault["number"]),
                    fault["access"],
                    int(fault["address"], 16) if fault["address"] else None,
                    int(fault["pc"], 16),
                    fault["signal"],
                )
            )
        elif kind == "panic":
            panic = panic or report[len("panic: ") :]
        elif calls:
            backtrace = [int(word, 16) for word in calls[1].split()[:CALLS_SHOWN]]
        elif kind == "klog":
            run.klog.append(report[len("klog: ") :])
        elif report.startswith("dump:") and "no handler" in report:
            unhandled = report[len("dump: ") :]
        elif time:
            off = int(time[1]) - clock
    run.loose = b"".join(printed)
    _classify(run, booted, panic, backtrace, unhandled, off, budget)
    return run


def _place(run: Run, pc: int) -> str:
    """Where a pc is, for people."""
    tool, file, at = cross() + "addr2line", run.kernel, pc
    if run.in_program(pc):
        if pc >= FIRMWARE.start or len(run.programs) != 1:
            return f"pc {pc:#x}, in the program's memory"
        ((name, file),) = run.programs.items()
        inside = symbols.function_at(file, pc)
        return f"pc {pc:#x}, {inside} of the program {name}"
    elif TRAMPOLINE <= pc < TRAMPOLINE + PAGE:
        at = pc - TRAMPOLINE + symbols.address(run.kernel, "trampoline_start")
    found = symbols.lines_of(file, [at], tool)
    return f"pc {pc:#x}, {found[0]}" if found else f"pc {pc:#x}"


def _classify(
    run: Run,
    booted: bool,
    panic: str,
    backtrace: List[int],
    unhandled: str,
    off: Optional[int],
    budget: float,
) -> None:
    """Decide how the run ended and say it in words."""
    record = run.record
    reset = any(
        event.get("event") == "SHUTDOWN" and event.get("data", {}).get("reason") == "guest-reset"
        for event in record.events
    )
    if panic:
        run.outcome = Outcome.PANIC
        calls = symbols.lines_of(run.kernel, backtrace, cross() + "addr2line")
        run.explanation = "kernel panic: " + check.readable(panic)
        run.explanation += "".join(f"\n  at {call}" for call in calls)
    elif record.failure:
        run.outcome = Outcome.OVERTIME if record.exceeded == "cpu" else Outcome.SILENT
        if booted and run.outcome is Outcome.SILENT:
            run.outcome = Outcome.EARLY_OFF
        run.explanation = check.readable(record.failure)
    elif record.exceeded == "reply":
        run.outcome = Outcome.OVERTIME
        run.explanation = "the page table in satp has more pages than QEMU can list"
    elif record.exceeded == "console":
        run.outcome = Outcome.FLOOD
        run.explanation = (
            f"more than {CONSOLE_MAX >> 10} KiB of output; it begins:\n"
            + check.readable(run.loose[:200] or record.console[-200:])
        )
    elif record.exceeded == "traps":
        _classify_trap_loop(run)
    elif record.exceeded == "time":
        _classify_hang(run, booted, budget)
    elif reset:
        run.outcome = Outcome.RESET
        run.explanation = "the machine was reset instead of powered off: it would boot for ever"
    elif not booted:
        run.outcome = Outcome.SILENT
        run.explanation = "the machine ended without the kernel's first report"
    elif unhandled:
        run.outcome = Outcome.NO_HANDLER
        run.explanation = check.readable(unhandled)
        dump = [line for line in run.reports if line.startswith("dump: epc")]
        run.explanation += "".join(f"\n  {line[len('dump: '):]}" for line in dump)
    elif off is None:
        run.outcome = Outcome.EARLY_OFF
        run.explanation = "the machine went off without power_off(): not all jobs were done"
    elif off > budget * TICKS_PER_SECOND:
        run.outcome = Outcome.OVERTIME
        run.explanation = f"took more than {budget:g} s of guest time"
    else:
        run.outcome = Outcome.POWER_OFF
        run.explanation = (
            f"powered off in order, with reports on {len(run.jobs)} of {len(run.jobs_wanted)} jobs"
        )
        if len(run.jobs) < len(run.jobs_wanted):
            run.explanation += ": look first at what runs the jobs (the slot runner)"


def _classify_trap_loop(run: Run) -> None:
    run.outcome = Outcome.TRAP_LOOP
    last = run.traps[-1] if run.traps else None
    run.explanation = "the same traps over and over"
    if last:
        kind = "interrupt" if last.interrupt else "cause"
        names = {CAUSE_TIMER: "timer"} if last.interrupt else CAUSES
        named = f" ({names[last.cause]})" if last.cause in names else ""
        run.explanation += f": {kind} {last.cause}{named} at {_place(run, last.epc)}"


def _waiting_tasks(run: Run) -> Tuple[List[int], List[int]]:
    """The pids of the tasks that sleep, and of those that could run and do not, at the end."""
    state: Dict[int, trace.Kind] = {}
    running = 0
    for event in run.events:
        if event.kind in (trace.Kind.WAIT, trace.Kind.WAKE, trace.Kind.START):
            state[event.pid] = event.kind
        elif event.kind is trace.Kind.RUN:
            state.setdefault(event.pid, trace.Kind.START)
            running = event.pid
        elif event.kind is trace.Kind.END:
            state.pop(event.pid, None)
    asleep = [
        pid for pid, kind in state.items() if kind is trace.Kind.WAIT and pid != trace.KERNEL_PID
    ]
    ready = [
        pid
        for pid, kind in state.items()
        if kind is not trace.Kind.WAIT and pid not in (trace.KERNEL_PID, running)
    ]
    return asleep, ready


def _lost_timer(run: Run, pc: int, after: str) -> bool:
    """Did tasks wait for an interrupt of the timer that did not come?  Then say so."""
    asleep, ready = _waiting_tasks(run)
    rings = [event.time for event in run.events if event.kind is trace.Kind.TIMER]
    started = any(event.kind is trace.Kind.START for event in run.events)
    if not started or not (asleep if run.record.halted else ready and run.in_program(pc)):
        return False
    if rings and run.record.ticks - rings[-1] < LOST_TICKS:
        return False
    run.outcome = Outcome.LOST_TIMER
    last = "there never was one"
    if rings:
        last = f"the last was {rings[-1] * 1000 // TICKS_PER_SECOND} ms after power-on"
    run.explanation = (
        f"{len(asleep)} tasks sleep, {len(ready)} wait for their turn, and no timer interrupt comes:"
        f" {last}; given up {after}"
    )
    return True


def _classify_hang(run: Run, booted: bool, budget: float) -> None:
    match = re.search(r"\bpc\s+([0-9a-f]+)", run.record.registers)
    pc = int(match[1], 16) if match else 0
    after = f"after {budget:g} s of guest time"
    # A probe's marks are traps that it makes itself.
    mark = symbols.facts(run.kernel).symbols.get(probe_log.MARK, -1)
    recent = [trap for trap in run.traps[-32:] if not 0 <= trap.epc - mark < MARK_SIZE][-8:]
    faults = [trap for trap in recent if not trap.interrupt and trap.cause not in (8, 9)]
    # The kernel's own, or one and the same of a program: what it has been given did not help.
    looping = [trap for trap in faults if not run.in_program(trap.epc) or faults.count(trap) >= 6]
    if len(looping) >= 6:
        _classify_trap_loop(run)
        first = next(t for t in run.traps if t.epc == looping[-1].epc)
        run.explanation += f"\n  first at {_place(run, first.epc)}"
    elif not booted:
        run.outcome = Outcome.SILENT
        run.explanation = f"no report from the kernel {after}; {_place(run, pc)}"
    elif _lost_timer(run, pc, after):
        pass
    elif run.record.halted:
        run.outcome = Outcome.DEADLOCK
        why = "nothing will wake one"
        if any(event.kind is trace.Kind.TIMER for event in run.events):
            why = "the timer rings, and wakes nobody"
        run.explanation = f"idle for ever: no task can run and {why}, {after}; {_place(run, pc)}"
    else:
        run.outcome = Outcome.LIVELOCK
        run.explanation = f"still running {after}; {_place(run, pc)}"
    if run.loose:
        run.explanation += "\nprinted last:\n" + check.readable(run.loose[-200:])
