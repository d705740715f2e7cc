"""Lab 2: the tests.

Each boots the student's kernel with a deck of jobs.  What programs print tells only half: that they
ran, side by side and interrupted, is read in QEMU's trap log, and who ran when in the kernel's trace
ring, which lies in the machine's memory.  Time is guest time: exact, and the same on every host.

The cost of a test is noted where it is more than the 50 ms of a boot.  An instruction takes 2^shift ns
of guest time, so that a second costs 125 million instructions at shift 3, and 8 million at shift 7.
"""

from __future__ import annotations

import re
from typing import Dict, List, Sequence, Tuple

import pytest

from grader import check, symbols
from grader.machine import TICKS_PER_SECOND, Outcome, boot_seconds
from grader.plugin import Machine
from grader.run import Run
from grader.trace import Kind

TICKS_PER_US = TICKS_PER_SECOND // 1_000_000
SLICE = TICKS_PER_SECOND // 100
EFAULT, EINVAL = -14, -22

NAMES = "ant bee cat dog elk fox gnu hen ibis jay kite lynx mole newt owl pig".split()


def lines(output: bytes) -> List[str]:
    """What was printed, line by line, in a form that can be shown."""
    return check.readable(output).splitlines()


def expect_lines(run: Run, wanted: Sequence[str], what: str, ordered: bool = False) -> None:
    """Demand these lines of all that programs print; in any order unless ordered."""
    seen = lines(run.printed)
    if not ordered:
        seen, wanted = sorted(seen), sorted(wanted)
    check.output("\n".join(seen).encode(), "\n".join(wanted), what)


# A machine that has been on for more than a century: ticks, microseconds and seconds since power-on all take
# more than 32 bits, and a product of ticks and a million takes more than 64.
CENTURY = (1 << 32) * TICKS_PER_SECOND


def ends(run: Run) -> Dict[int, str]:
    """How each reported job ended."""
    return {job.index: job.end for job in run.jobs}


def expect_ends(run: Run, wanted: Sequence[str], what: str) -> None:
    """Demand that each job of the deck is reported once, with this end, and then power-off."""
    run.expect_power_off()
    seen = sorted(job.index for job in run.jobs)
    check.equal(seen, list(range(len(wanted))), "each job is reported once, by its number")
    wrong = [i for i, end in enumerate(wanted) if ends(run)[i] != end]
    check.true(
        not wrong,
        what,
        "\n".join(f"job {i} ({run.jobs_wanted[i]}): {wanted[i]}" for i in wrong[:6]),
        "\n".join(f"job {i} ({run.jobs_wanted[i]}): {ends(run)[i]}" for i in wrong[:6]),
    )


def bad_addresses(machine: Machine) -> List[str]:
    """Addresses that are no program's: nothing, firmware, kernel, devices, wrapped."""
    kernel = machine.symbol("kernel_start")
    candidates = [0x8, 0x1000, 0x10000000, 0x80000000, kernel + 0x40, kernel + 0x6000]
    chosen = [0, *machine.random.sample(candidates, 3), (1 << 64) - 8, 1 << 62]
    return [f"{address:#x}" for address in chosen]


# ---- 2.1 multiprogramming ----------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("2.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Two loops, one behind the other: the first makes, loads and starts a process for each job, the"
    " second reports on each that task_wait() returns. Nothing may run before all are loaded."
)
def test_programs_are_in_memory_together(machine: Machine) -> None:
    """Otherwise there is nothing to switch to: the next program is not there yet."""
    words = machine.random.sample(NAMES, 5)
    run = machine.run([f"where {word}" for word in words])
    expect_ends(run, ["exited with 0"] * 5, "all five programs run to their end")
    link = symbols.facts(run.programs["where"])
    main = link.symbols["main"] - link.start
    wanted = [f"{w} at {run.region(i)[0] + main:#x}" for i, w in enumerate(words)]
    expect_lines(run, wanted, "each program lies behind the one before, in the deck's order")
    run.expect_calls({i: 2 for i in range(5)})


@pytest.mark.basic
@pytest.mark.task("2.1")
@pytest.mark.points(3)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "process->job says which job a task that has ended was for; a job that cannot be loaded is"
    " reported with job_report_failure(), its process destroyed, and the loop goes on."
)
def test_each_job_is_reported_with_its_end(machine: Machine) -> None:
    """Otherwise nobody knows which program crashed, and one that does takes the others with it.  (Two boots.)"""
    code = machine.random.randrange(2, 200)
    deck = [
        (f"exit {code}", f"exited with {code}"),
        ("fault load 0x18", "killed by SIGSEGV"),
        ("nosuch", "not started: ENOENT"),
        ("hello", "exited with 0"),
        ("notelf", "not started: ENOEXEC"),
        ("fault illegal", "killed by SIGILL"),
        ("hello again", "exited with 0"),
    ]
    machine.random.shuffle(deck)
    run = machine.run([job for job, _ in deck], files={"bin/notelf": b"#!nothing\n" * 20})
    expect_ends(run, [end for _, end in deck], "each report says how its own job ended")
    wanted = ["before load", "before illegal", "Hello, world!", "Hello, again!"]
    expect_lines(run, wanted, "what the programs print, in any order")
    # What a job that cannot be loaded keeps of the kernel's memory is missing in the end.
    many = machine.run([*["nosuch"] * 40, "hello"], probe="shortage", arguments="leave=80000")
    expect_ends(
        many,
        [*["not started: ENOENT"] * 40, "exited with 0"],
        "40 jobs fail, the last one runs, when there is memory for a few (probes/shortage.c)",
    )


@pytest.mark.task("2.1")
@pytest.mark.points(2)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "A deck may be empty, and it may have more jobs than you can count on your hands. A process that has been reported is"
    " yours to destroy."
)
def test_decks_of_no_job_and_of_300(machine: Machine) -> None:
    """Otherwise the system works for the three programs it was tried with."""
    empty = machine.run([])
    empty.expect_power_off("an empty deck powers off at once")
    check.equal(len(empty.jobs), 0, "reports of an empty deck")
    codes = [machine.random.randrange(256) for _ in range(130)]
    deck = [(f"exit {code}", f"exited with {code}") for code in codes]
    for n in range(170):
        deck.insert(machine.random.randrange(130), (f"missing{n}", "not started: ENOENT"))
    run = machine.run([job for job, _ in deck], probe="kept")
    expect_ends(run, [end for _, end in deck], "130 of 300 jobs have a program, and run")
    run.expect_calls({i: 1 for i, (job, _) in enumerate(deck) if job.startswith("exit")})
    counted, kept = run.probed
    check.true(
        counted == 1 and kept < 130 * 1000,
        "kernel memory that 300 jobs have taken and not given back (probes/kept.c)",
        "far less than the processes of 130 programs and their stacks had",
        f"{kept} bytes" if counted == 1 else "not counted",
    )


@pytest.mark.task("2.1")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all programs lie in memory before the first one runs")
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "load() returns -ENOMEM when there is no room. That is a report on this job and nothing more;"
    " process_destroy() gives back what the process has."
)
def test_what_does_not_fit_is_refused(machine: Machine) -> None:
    """Otherwise one program too many takes the whole system down."""
    run = machine.run(["big", "hello"] * 6, memory=32)
    run.expect_power_off()
    fits = [index for index in range(0, 12, 2) if ends(run).get(index) == "exited with 0"]
    wanted = ["exited with 0", "exited with 0"] * len(fits)
    wanted += ["not started: ENOMEM", "exited with 0"] * (6 - len(fits))
    expect_ends(run, wanted, "jobs of 5 MiB: the first ones fit, the rest is refused")
    check.true(
        0 < len(fits) < 4,
        "six jobs of 5 MiB, all in memory at the same time, in a machine of 32 MiB",
        "one to three of them fit",
        f"{len(fits)} of them ran",
    )


@pytest.mark.task("2.1")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all programs lie in memory before the first one runs")
@pytest.mark.requires("each_job_is_reported_with_its_end")
@pytest.mark.hint(
    "process_create() returns NULL, and task_start() an error, when the kernel has no memory left: report"
    " that job, give back its process if it has one, and go on."
)
def test_jobs_without_memory_are_reported(machine: Machine) -> None:
    """Otherwise one job too many is lost without a word, or takes the machine down.  (Three boots.)"""
    run = machine.run(["hello"] * 3, probe="shortage", arguments="leave=1000")
    what = "three jobs, and no memory for a process (probes/shortage.c)"
    expect_ends(run, ["not started: ENOMEM"] * 3, what)
    codes = [machine.random.randrange(256) for _ in range(12)]
    # A process and its stack take some 20,000 bytes: what is left is too little for one, or for the other.
    for leave in (110_000, 120_000):
        jobs = [f"exit {code}" for code in codes]
        run = machine.run(jobs, probe="shortage", arguments=f"leave={leave}")
        ran = {job.index for job in run.jobs if job.end.startswith("exited")}
        wanted = [
            f"exited with {c}" if i in ran else "not started: ENOMEM" for i, c in enumerate(codes)
        ]
        expect_ends(run, wanted, "twelve jobs, and memory for some: each runs, or is reported")
        check.true(
            0 < len(ran) < 12,
            f"twelve jobs, when the kernel has {leave} bytes for itself",
            "1 to 11 of them run",
            f"{len(ran)} of them ran",
        )


@pytest.mark.task("2.1")
@pytest.mark.points(2)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint("task->ran is the time for which this task had the CPU: that is what to report.")
def test_time_is_the_tasks_own(machine: Machine) -> None:
    """Otherwise a program pays for what the others did with the CPU."""
    long, short = machine.random.randrange(2000, 4000), machine.random.randrange(500, 1500)
    # At shift 0 all is over before the first time slice is: a program that spins has the CPU.
    run = machine.run([f"spin {long}", "hello", f"spin {short}"], shift=0)
    expect_ends(run, ["exited with 0"] * 3, "all three run to their end")
    for index, wanted in ((0, long), (2, short)):
        spent = run.job(index).microseconds
        check.true(
            wanted <= spent <= wanted + 300,
            f"the report on job {index} says what time it had the CPU for",
            f"{wanted} to {wanted + 300} us: it spins for {wanted} us, and prints a word",
            f"{spent} us",
        )


# ---- 2.2 the context switch --------------------------------------------------------------------


# The registers by their number in a probe's result: switch_turn.S.
REGISTERS = {**{n: f"s{n}" for n in range(12)}, 16: "fcsr", **{32 + n: f"f{n}" for n in range(32)}}


def probe(machine: Machine) -> List[str]:
    """What probes/switch.c finds: the names of the registers that a switch loses."""
    run = machine.run(["hello"], probe="switch")
    switches, lost = run.probed
    if switches != 100:
        check.fail(
            "100 switches back and forth between two stacks",
            "both sides come back each time (labs/2-multitasking/probes/switch.c)",
            run.explanation,
            run.outcome.value,
        )
    return [name for n, name in REGISTERS.items() if lost >> n & 1]


def kept(lost: Sequence[str], what: str) -> None:
    """Demand that no register was lost."""
    check.true(not lost, what, "none is lost", f"lost: {' '.join(lost)}")


@pytest.mark.basic
@pytest.mark.task("2.2")
@pytest.mark.points(6)
@pytest.mark.hint(
    "Store ra, sp and s0 to s11 at their places in *from (a0), then load all of them from *to (a1)."
    " `ret` then jumps to the ra that you loaded, and sp is the other's."
)
def test_callee_saved_registers_survive_a_switch(machine: Machine) -> None:
    """Otherwise the kernel computes with another task's variables when it goes on."""
    lost = [name for name in probe(machine) if name.startswith("s")]
    kept(lost, "callee-saved registers, ra and sp are as they were after 100 switches")


@pytest.mark.task("2.2")
@pytest.mark.points(5)
@pytest.mark.hint(
    "fsd and fld for f0 to f31, and fcsr through an integer register (frcsr, fscsr), but not t0 before you have looked at it. All 32,"
    " not the callee-saved ones only: the program did not call anybody."
)
def test_float_registers_survive_a_switch(machine: Machine) -> None:
    """Otherwise a program's results depend on who else computes."""
    lost = [name for name in probe(machine) if name.startswith("f")]
    kept(lost, "floating-point registers and fcsr are as they were after 100 switches")


@pytest.mark.basic
@pytest.mark.task("2.2")
@pytest.mark.points(4)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "The first switch to a task goes to task_begin, at the top of its stack: both are in *to, like"
    " the place of a task that has run before. No case needs to be told from another."
)
def test_tasks_begin_on_stacks_of_their_own(machine: Machine) -> None:
    """Otherwise the second task overwrites what the first one's kernel calls still need."""
    deck = ["fp", "exit 7", "fault illegal", "fp", "hello"]
    run = machine.run(deck)
    wanted = [
        "exited with 0",
        "exited with 7",
        "killed by SIGILL",
        "exited with 0",
        "exited with 0",
    ]
    expect_ends(run, wanted, "each program runs to its own end")
    begun = [event.pid for event in run.events if event.kind is Kind.BEGIN]
    missing = [job for i, job in enumerate(deck) if run.pid(i) not in begun]
    check.true(
        not missing,
        "each task begins on its own kernel stack",
        "the event BEGIN in the trace ring, for every one",
        f"none for: {', '.join(missing)}",
    )
    check.equal(
        lines(run.printed).count("fp registers start at zero"),
        2,
        "programs that found their floating-point registers zero (fp, fp)",
    )


# ---- 2.3 round robin ---------------------------------------------------------------------------


YIELD_HINT = (
    "pick() takes the first of the queue and puts it at the back; enqueue() puts a task at the back;"
    " sched_yield() is schedule()."
)


def interleaving(counts: Sequence[Tuple[str, int]]) -> str:
    """What `yields` programs print when each has one turn a round, in the deck's order."""
    rounds = range(1, max(count for _, count in counts) + 1)
    return "".join(f"{name} {i}\n" for i in rounds for name, count in counts if i <= count)


@pytest.mark.basic
@pytest.mark.task("2.3")
@pytest.mark.points(6)
@pytest.mark.own_kernel("turns follow the order of the deck")
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(YIELD_HINT)
def test_yielding_programs_take_turns(machine: Machine) -> None:
    """Otherwise a program that is polite enough to yield never gets the CPU back, or always."""
    names = machine.random.sample(NAMES, 5)
    counts = [(name, machine.random.randrange(3, 9)) for name in names]
    # At shift 0 all is over before the first time slice is.
    run = machine.run([f"yields {name} {count}" for name, count in counts], shift=0)
    expect_ends(run, ["exited with 0"] * 5, "all programs run to their end")
    check.output(run.printed, interleaving(counts), "one line a turn, in the order of creation")
    run.expect_calls({i: 2 * count + 1 for i, (_, count) in enumerate(counts)})


@pytest.mark.task("2.3")
@pytest.mark.points(3)
@pytest.mark.own_kernel("turns follow the order of the deck")
@pytest.mark.requires("yielding_programs_take_turns")
@pytest.mark.hint(YIELD_HINT + " The queue has no fixed size: the links lie in the tasks.")
def test_70_tasks_take_turns(machine: Machine) -> None:
    """Otherwise turns are fair as long as there are few tasks."""
    counts = [(f"task{i}", machine.random.randrange(1, 4)) for i in range(70)]
    run = machine.run([f"yields {name} {count}" for name, count in counts], shift=0)
    expect_ends(run, ["exited with 0"] * 70, "all 70 run to their end")
    check.output(run.printed, interleaving(counts), "one line a turn, in the order of creation")


@pytest.mark.task("2.3")
@pytest.mark.points(3)
@pytest.mark.own_kernel("turns follow the order of the deck")
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "dequeue() takes a task out of the queue wherever it stands, and nobody else. With one task left"
    " pick() names it again and again, with none it returns NULL."
)
def test_who_ends_leaves_the_others_turns_alone(machine: Machine) -> None:
    """Otherwise the end of one program stops, or starves, the next."""
    names = machine.random.sample(NAMES, 4)
    counts = [(name, machine.random.randrange(2, 9)) for name in names]
    deck = [f"yields {name} {count}" for name, count in counts]
    ending = ["exit 3", "fault load 0x10", "exit 4", "fault illegal"]
    mixed = [job for pair in zip(deck, ending) for job in pair]
    run = machine.run([*mixed, "yields last 12"], shift=0)
    wanted = [end for i in range(4) for end in ("exited with 0", "")]
    wanted[1::2] = ["exited with 3", "killed by SIGSEGV", "exited with 4", "killed by SIGILL"]
    expect_ends(run, [*wanted, "exited with 0"], "each program has its own end")
    rest = [line for line in lines(run.printed) if not line.startswith("before ")]
    text = interleaving([*counts, ("last", 12)]).splitlines()
    check.equal("\n".join(rest), "\n".join(text), "the yielding programs' lines")


@pytest.mark.task("2.3")
@pytest.mark.points(3)
@pytest.mark.requires("yielding_programs_take_turns")
@pytest.mark.hint(
    "Each program has registers of its own, all of them, whoever ran meanwhile: integer ones in"
    " task->user (lab 1), floating-point ones in the switch's context (task 2.2)."
)
def test_registers_survive_1000_yields(machine: Machine) -> None:
    """Otherwise giving up a turn costs a program its results.  (400 ms: 3 million instructions.)"""
    seeds = [machine.random.randrange(1, 1 << 30) for _ in range(3)]
    run = machine.run([f"keep {seed} 0 yield" for seed in seeds], shift=0, budget=3.0)
    run.expect_power_off()
    expect_lines(run, ["kept everything"] * 3, "three programs, yielding 1000 times")
    expect_ends(run, ["exited with 0"] * 3, "all three run to their end")
    run.expect_calls({i: 1000 for i in range(3)})


# ---- 2.4 preemption ----------------------------------------------------------------------------


TIMER_HINT = (
    "start_timer() sets SIE_STIE and asks for the first interrupt; on_timer() asks for the next one"
    " and, if scheduler->tick() says that the turn is over, sets need_resched."
)


def expect_interruptions(run: Run, index: int, least: int) -> None:
    """Demand evidence that a job was interrupted by the timer while it ran."""
    seen = run.interruptions(index)
    check.true(
        seen >= least,
        f"job {index} ({run.jobs_wanted[index]}) is interrupted by the timer in user mode",
        f"at least {least} timer interrupts at its instructions",
        f"{seen} of them in QEMU's trap log; {run.explanation}",
        "no evidence of preemption" if run.outcome is Outcome.POWER_OFF else run.outcome.value,
    )


def spinners(machine: Machine, count: int, seconds: float, shift: int) -> Tuple[Run, float]:
    """Run `turns` programs over a common window of so many guest seconds; its length in ticks."""
    begin = int(boot_seconds(shift) * 1000)
    end = begin + int(seconds * 1000)
    deck = [f"turns {begin} {end}"] * count
    run = machine.run(deck, shift=shift, budget=end / 1000 + 2.0)
    expect_ends(run, ["exited with 0"] * count, f"all {count} spinning programs run to their end")
    return run, (end - begin) * 1000 * TICKS_PER_US


@pytest.mark.basic
@pytest.mark.task("2.4")
@pytest.mark.points(5)
@pytest.mark.own_kernel("turns follow the order of the deck")
@pytest.mark.requires("yielding_programs_take_turns")
@pytest.mark.hint(TIMER_HINT)
def test_a_spinner_does_not_hold_up_others(machine: Machine) -> None:
    """Otherwise one endless loop is the end of everybody's work."""
    names = machine.random.sample(NAMES, 2)
    deck = ["spin 60000", f"yields {names[0]} 2", "spin 40000", f"hello {names[1]}"]
    run = machine.run(deck)
    expect_ends(run, ["exited with 0"] * 4, "all programs run to their end")
    wanted = [f"{names[0]} 1", f"Hello, {names[1]}!", f"{names[0]} 2", "spun", "spun"]
    what = "short programs are done before those that spin for 60 and 40 ms"
    expect_lines(run, wanted, what, ordered=True)
    expect_interruptions(run, 0, 1)
    # The same when the clock has more than 31, or 32, bits.
    for clock in ((1 << 32) - int(boot_seconds(3) * TICKS_PER_SECOND), CENTURY):
        run = machine.run(deck, clock=clock)
        expect_ends(run, ["exited with 0"] * 4, "the same, on a machine that has been on for long")
        expect_lines(run, wanted, f"{what}; the clock says {clock} at power-on", ordered=True)


@pytest.mark.task("2.4")
@pytest.mark.points(5)
@pytest.mark.requires("a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "A slice is 10 ms: platform.timebase ticks are a second. The next interrupt is asked for a slice"
    " from now, at every interrupt."
)
def test_slices_are_10_milliseconds(machine: Machine) -> None:
    """Otherwise programs wait longer for their turn than they were promised.  (60 ms: 1.5 s of guest
    time at shift 5.)"""
    run, _ = spinners(machine, 2, 1.1, shift=5)
    for index in (0, 1):
        turns = [int(word) for word in re.findall(rb"^turn (\d+)$", run.printed, re.M)]
        wrong = [turn for turn in turns if abs(turn - SLICE) > SLICE * 0.02]
        check.true(
            len(turns) >= 100 and not wrong,
            "the lengths of the turns of two spinning programs, as they see them",
            f"at least 100 turns, each of {SLICE} ticks (10 ms), give or take 2 %",
            f"{len(turns)} turns; wrong ones: {', '.join(map(str, wrong[:8])) or 'none'}",
        )
        expect_interruptions(run, index, 50)


@pytest.mark.task("2.4")
@pytest.mark.points(4)
@pytest.mark.requires("a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "Who has been interrupted goes to the back of the queue, and the one at its front is next: then"
    " all have the same number of turns."
)
def test_spinners_have_equal_shares(machine: Machine) -> None:
    """Otherwise some users wait while others work.  (400 ms: 14 s of guest time at shift 8.)"""
    for count in (2, 3, 9):
        run, window = spinners(machine, count, count * 1.0, shift=8)
        had = [int(word) for word in re.findall(rb"^had (\d+) of", run.printed, re.M)]
        check.true(
            len(had) == count and sum(had) >= 0.9 * window,
            f"{count} spinning programs over {count} s: the time that they had together, in ticks",
            f"at least 90 % of {window:.0f}",
            f"{sum(had)}",
        )
        wanted = sum(had) / count
        check.true(
            all(abs(each - wanted) <= 0.02 * wanted for each in had),
            f"{count} spinning programs over {count} s: the time that each had, in ticks",
            f"{wanted:.0f} each, give or take 2 %",
            ", ".join(map(str, had)),
        )
        for index in range(count):
            expect_interruptions(run, index, 90)


@pytest.mark.task("2.4")
@pytest.mark.points(4)
@pytest.mark.requires("a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "An interrupt comes between any two instructions, and the program must not notice. What a switch"
    " keeps is task 2.2's; what a trap keeps is lab 1's."
)
def test_registers_survive_1000_interruptions(machine: Machine) -> None:
    """Otherwise programs compute something else each time they run.  (400 ms: 1000 slices of half a
    millisecond.)"""
    seeds = [machine.random.randrange(1, 1 << 30) for _ in range(3)]
    interrupted = 0
    for run in machine.sweep([f"keep {seed} 380" for seed in seeds], rounds=2, budget=1.5):
        run.expect_power_off()
        expect_lines(run, ["kept everything"] * 3, "three programs, interrupted anywhere")
        expect_ends(run, ["exited with 0"] * 3, "all three run to their end")
        interrupted += sum(run.interruptions(i) for i in range(3))
    check.true(
        interrupted >= 1000,
        "the timer interrupts the programs at arbitrary instructions",
        "at least 1000 timer interrupts at their instructions",
        f"{interrupted} of them in QEMU's trap log",
    )


@pytest.mark.task("2.4")
@pytest.mark.points(2)
@pytest.mark.requires("a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "The kernel is not interrupted: sstatus.SIE stays clear. Who is interrupted in user mode gives up"
    " the CPU at his way back there (need_resched), not in the middle of a system call."
)
def test_a_write_is_not_torn(machine: Machine) -> None:
    """Otherwise the lines of different programs mix.  (250 ms.)"""
    letters = machine.random.sample("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4)
    lengths = [machine.random.randrange(500, 3000) for _ in letters]
    deck = [f"chant {letter} {length} 6 300" for letter, length in zip(letters, lengths)]
    for run in machine.sweep(deck, rounds=2, budget=1.5):
        expect_ends(run, ["exited with 0"] * 4, "all four programs run to their end")
        seen = sorted((line[:1], len(line), len(set(line))) for line in lines(run.printed))
        wanted = sorted([(letter, length, 1) for letter, length in zip(letters, lengths)] * 6)
        check.equal(seen, wanted, "(letter, length, different letters) of each line")


@pytest.mark.task("2.4")
@pytest.mark.points(3)
@pytest.mark.requires("a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "Look at what on_timer() does when the task it interrupted has ended meanwhile, or when nobody"
    " else can run."
)
def test_any_mix_ends_in_order_under_any_schedule(machine: Machine) -> None:
    """Otherwise the system works until somebody is interrupted at the wrong place.  (250 ms.)"""
    words = machine.random.sample(NAMES, 4)
    deck = [
        (f"yields {words[0]} 5", "exited with 0"),
        ("spin 3000", "exited with 0"),
        ("fault store 0x8", "killed by SIGSEGV"),
        (f"keep {machine.random.randrange(1000)} 4", "exited with 0"),
        ("exit 9", "exited with 9"),
        (f"yields {words[1]} 9", "exited with 0"),
        ("fault ebreak", "killed by SIGTRAP"),
        (f"hello {words[2]}", "exited with 0"),
        ("fp", "exited with 0"),
    ]
    machine.random.shuffle(deck)
    printed = [f"{words[0]} {i}" for i in range(1, 6)] + [f"{words[1]} {i}" for i in range(1, 10)]
    printed += ["spun", "before store", "kept everything", "before ebreak", f"Hello, {words[2]}!"]
    printed += ["fp registers start at zero", "sum = 1643934 (millionths)"]
    printed += ["fp registers survived a system call"]
    for run in machine.sweep([job for job, _ in deck], rounds=4):
        expect_ends(run, [end for _, end in deck], "each program has its own end")
        expect_lines(run, printed, "what the programs print, in any order")


# ---- 2.5 nanosleep -----------------------------------------------------------------------------


SLEEP_HINT = (
    "Keep until when each sleeper sleeps; at every timer interrupt wake those whose time has come."
    " Who wakes looks at the clock again, and goes back to sleep when it is too early."
)
NAP = re.compile(r"^slept (\d+)(s?): (-?\d+), (\d+) to (\d+)$")


def naps(run: Run, index: int) -> List[Tuple[int, int, int]]:
    """(ticks asked for, ticks before, ticks after) of each sleep of a `nap`; all must return 0."""
    found = []
    for line in lines(run.printed):
        match = NAP.match(line)
        if match and match[1] in run.jobs_wanted[index].split():
            check.equal(match[3], "0", f"what nanosleep() of {match[1]} us returns")
            found.append((int(match[1]) * TICKS_PER_US, int(match[4]), int(match[5])))
    check.equal(
        len(found),
        len(run.jobs_wanted[index].split()) - 1,
        f"how many sleeps job {index} ({run.jobs_wanted[index]}) reports",
    )
    return found


@pytest.mark.basic
@pytest.mark.task("2.5")
@pytest.mark.points(3)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(SLEEP_HINT)
def test_sleeps_last_at_least_as_long_as_asked(machine: Machine) -> None:
    """Otherwise programs do too early what was to happen later."""
    times = [machine.random.randrange(1, 90_000) for _ in range(6)] + [1, 9_999, 10_000, 10_001]
    machine.random.shuffle(times)
    run = machine.run([f"nap {' '.join(map(str, times))}"])
    expect_ends(run, ["exited with 0"], "the sleeping program runs to its end")
    for asked, before, after in naps(run, 0):
        check.true(
            after - before >= asked,
            f"nanosleep() of {asked // TICKS_PER_US} us",
            f"at least {asked} ticks",
            f"{after - before} ticks",
        )
    run.expect_calls({0: len(times) + 1})
    # A tick is 100 ns, and at shift 0 as many instructions.
    for asked, least in ((999, 15), (99, 1)):
        run = machine.run([f"nap {' '.join([f'{asked}n'] * 15)}"], shift=0)
        expect_ends(run, ["exited with 0"], "the sleeping program runs to its end")
        waits = sum(e.kind is Kind.WAIT and e.pid == run.pid(0) for e in run.events)
        check.true(
            waits >= least,
            f"nanosleep() of {asked} ns, rounded up to a tick of 100 ns: 15 sleeps",
            f"the program waits in {'all of them' if least > 1 else 'one or more of them'}",
            f"it waits in {waits}",
        )


@pytest.mark.task("2.5")
@pytest.mark.points(3)
@pytest.mark.requires("sleeps_last_at_least_as_long_as_asked")
@pytest.mark.hint(SLEEP_HINT)
def test_32_sleepers_wake_at_the_first_interrupt_after_their_time(machine: Machine) -> None:
    """Otherwise who sleeps for a moment loses a part of a second, and some never wake."""
    times = machine.random.sample(range(100, 200_000), 32)
    # 120 ms before 32 bits of ticks are over: some, or all, of the sleeps end behind that.
    clock = (1 << 32) - TICKS_PER_SECOND * 12 // 100
    run = machine.run([f"nap {time}" for time in times], clock=clock)
    expect_ends(run, ["exited with 0"] * 32, "all 32 sleepers run to their end")
    rings = [event.time for event in run.events if event.kind is Kind.TIMER]
    for index in range(32):
        ((asked, before, after),) = naps(run, index)
        check.true(
            after - before >= asked,
            f"nanosleep() of {times[index]} us, beside 31 others",
            f"at least {asked} ticks",
            f"{after - before} ticks",
        )
        # Its time is counted from its call, which the trace ring dates more exactly than itself.
        pid = run.pid(index)
        slept = [e for e in run.events if e.pid == pid and before <= e.time <= after]
        called = min((e.time for e in slept if e.kind is Kind.WAIT), default=before)
        woken = max((e.time for e in slept if e.kind is Kind.WAKE), default=after)
        due = [time for time in rings if time > called + asked]
        check.true(
            len(due) < 2 or woken < due[1],
            f"the sleeper of {times[index]} us is runnable by the first timer interrupt after its time",
            f"its time is over at {called + asked}, the next interrupt is at {(due or [0])[0]}",
            f"woken at {woken}",
        )
        check.true(
            not due or after <= due[0] + 20 * 1000 * TICKS_PER_US // 10,
            "who has been woken runs within a moment when nobody else wants the CPU",
            f"within 2 ms of {(due or [0])[0]}",
            f"at {after}",
        )


@pytest.mark.task("2.5")
@pytest.mark.points(3)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "Who sleeps must not be runnable: wait_on() takes the task off the scheduler. When pick() returns"
    " NULL the given schedule() waits in wfi; a loop of yours would burn the CPU."
)
def test_a_sleeping_system_idles(machine: Machine) -> None:
    """Otherwise the battery is empty in the morning.  (200 ms: QEMU counts instructions in its
    record mode.)"""
    budget = boot_seconds(3) + 1.0
    run = machine.run(["nap 100000s", "nap 200000s", "nap 300000s"], budget=budget, count=True)
    run.expect_calls({0: 1, 1: 1, 2: 1})
    record = run.record
    check.true(
        record.exceeded == "time" and record.instructions > 0,
        "three programs sleep for more than a day",
        f"still asleep after {budget:g} s of guest time",
        run.explanation,
        "wrong result" if run.outcome is Outcome.POWER_OFF else run.outcome.value,
    )
    seconds = record.ticks / TICKS_PER_SECOND
    busy = record.instructions * 2**3 / 1e9
    check.true(
        busy <= boot_seconds(3) + 0.05 * seconds,
        "the CPU is idle while all programs sleep",
        f"instructions for at most {boot_seconds(3):.1f} s of booting and 5 % of {seconds:.1f} s",
        f"{record.instructions:,} instructions, which take {busy:.1f} s; {run.explanation}",
    )
    waits = {event.pid for event in run.events if event.kind is Kind.WAIT}
    check.true(
        all(run.pid(i) in waits or len(run.events) > 16000 for i in range(3)),
        "the sleepers wait in a wait queue",
        "each in wait_on()",
        f"{len(waits)} tasks have been there",
    )


@pytest.mark.task("2.5")
@pytest.mark.points(2)
@pytest.mark.requires("sleeps_last_at_least_as_long_as_asked")
@pytest.mark.hint(
    "Everything comes from the program: take the struct with user_memory->in, and look at both numbers"
    " before you compute with them."
)
def test_bad_sleeps_are_refused(machine: Machine) -> None:
    """Otherwise a program's mistake hangs it, or reaches into the kernel's memory."""
    addresses = bad_addresses(machine)
    run = machine.run([f"badnap {' '.join(addresses)}"])
    expect_ends(run, ["exited with 0"], "the program runs to its end")
    check.output(run.printed, badnap(addresses), "what nanosleep() returns")
    run.expect_calls({0: 15})


@pytest.mark.task("2.5")
@pytest.mark.points(2)
@pytest.mark.requires("sleeps_last_at_least_as_long_as_asked")
@pytest.mark.hint(
    "2^63-1 seconds are more ticks than 64 bits hold: multiply and add with care. Such a sleeper never"
    " wakes, which is what it asked for."
)
def test_sleeping_for_ever_is_for_ever(machine: Machine) -> None:
    """Otherwise a program that waits for ever wakes at once, when a sum has wrapped."""
    # Times of which the ticks, cut to 64 bits, are less than half a second.
    turn = 1 << 64
    wraps = (
        -(-k * turn // TICKS_PER_SECOND)
        for k in iter(lambda: machine.random.randrange(1, 10**6), 0)
    )
    short = (t for t in wraps if t * TICKS_PER_SECOND % turn < TICKS_PER_SECOND // 4)
    times = [(1 << 63) - 1, turn // TICKS_PER_SECOND + 1, next(short), next(short), 40_000_000_000]
    # Nothing, or a moment, when 32 or 31 bits have the ticks, the seconds, or milli-, micro-, nanoseconds.
    times += [1 << bits for bits in (23, 24, 25, 26, 29, 31, 32)]
    times += [(1 << 32) + 1, machine.random.randrange(1, 1 << 30) << 32]
    # The same when 64 or 63 bits have them.
    times += [(1 << 63) // TICKS_PER_SECOND + 1, *(1 << bits for bits in (54, 55, 58, 61))]
    deck = [*(f"nap {time}s" for time in times), f"nap {(1 << 25) * 10**9 + 999_999_999}n"]
    # As many sleepers as no small table has.
    deck += [f"nap {machine.random.randrange(1 << 24, 1 << 40)}s" for _ in range(70 - len(deck))]
    deck += ["nap 30000", "hello"]
    run = machine.run(deck, budget=boot_seconds(3) + 0.3)
    ended = sorted(job.index for job in run.jobs)
    check.equal(ended, [70, 71], "jobs that end while 70 others sleep for months or for ever")
    check.equal(
        sorted(re.sub(r",.*", "", line) for line in lines(run.printed)),
        ["Hello", "slept 30000: 0"],
        "what is printed by those who do not sleep for ever",
    )
    run.expect_calls({i: 1 for i in range(72)})


@pytest.mark.task("2.5")
@pytest.mark.points(2)
@pytest.mark.own_kernel("other programs may run when the timer has rung three times")
@pytest.mark.requires("sleeping_for_ever_is_for_ever")
@pytest.mark.hint(
    "wait_on() returns an error when the task is dying: leave the loop then, take what lies on your stack"
    " out of every list, and return."
)
def test_a_sleeper_can_be_ended(machine: Machine) -> None:
    """Otherwise a program that sleeps cannot be killed in labs to come, or leaves its alarm behind."""
    first, second = machine.random.sample(range(60_000, 120_000), 2)
    deck = [
        "nap killed 100000s",
        f"nap {first}",
        "nap killed 100000s",
        f"nap {second}",
        "nap killed 90000",
    ]
    run = machine.run(deck, probe="kill")
    wanted = ["killed by SIGKILL" if "killed" in job else "exited with 0" for job in deck]
    expect_ends(run, wanted, "sleepers that are ended meanwhile end, and no other (probes/kill.c)")
    for index in (1, 3):
        ((asked, before, after),) = naps(run, index)
        check.true(
            asked <= after - before <= asked + 3 * SLICE,
            f"nanosleep() of {asked // TICKS_PER_US} us, while other sleepers are ended",
            f"{asked} to {asked + 3 * SLICE} ticks",
            f"{after - before} ticks",
        )


@pytest.mark.task("2.5")
@pytest.mark.points(3)
@pytest.mark.requires("sleeps_last_at_least_as_long_as_asked", "a_spinner_does_not_hold_up_others")
@pytest.mark.hint(
    "A sleeper leaves the queue of the scheduler in wait_on() and comes back to it in wake_task(), once:"
    " whatever you keep about it must be gone when its call ends."
)
def test_others_run_while_some_sleep(machine: Machine) -> None:
    """Otherwise one program that waits stops those that work, or is forgotten by them.  (300 ms.)"""
    early, late, other = machine.random.sample(range(2_000, 40_000), 3)
    seed = machine.random.randrange(1000)
    deck = [
        (f"nap {early} {late}", "exited with 0"),
        (f"keep {seed} 120", "exited with 0"),
        ("exit 5", "exited with 5"),
        (f"nap {other}", "exited with 0"),
        ("fault load 0x8", "killed by SIGSEGV"),
        ("hello", "exited with 0"),
    ]
    for run in machine.sweep([job for job, _ in deck], rounds=3):
        expect_ends(run, [end for _, end in deck], "each has its own end")
        for asked, before, after in naps(run, 0) + naps(run, 3):
            # Up to a slice until the timer rings, then at most everybody else's turn.
            latest = asked + (1 + len(deck)) * SLICE
            check.true(
                asked <= after - before <= latest,
                f"nanosleep() of {asked // TICKS_PER_US} us while others work",
                f"{asked} to {latest} ticks: a slice, and a turn of each of {len(deck)} tasks, later",
                f"{after - before} ticks",
            )


# ---- 2.6 clocks and counters -------------------------------------------------------------------


def badnap(addresses: Sequence[str]) -> str:
    """What `badnap ADDRESS...` prints on Linux."""
    text = "nothing: 0\n1 ns: 0\n"
    cases = ["-1 s", "-2^63 s", "-1 ns", "10^9 ns", "2^63-1 ns", "2^32 ns", "-1 s and 10^9-1 ns"]
    cases += ["-2^32 s", "-2^32+1 s", "-2^32 ns", "2^32+1 ns", "2^63-2^32 ns", "-2^63 ns"]
    text += "".join(f"{case}: {EINVAL}\n" for case in cases)
    return text + "".join(f"at {address}: {EFAULT}\n" for address in addresses)


def badclocks(addresses: Sequence[str]) -> str:
    """What `clocks bad ADDRESS...` prints on Linux."""
    text = f"clock 99: {EINVAL}\nclock 2^31-1: {EINVAL}\n"
    text += f"clock 2^32: 0\nclock 1-2^32: 0\nclock 2^32+99: {EINVAL}\n"
    text += "gettimeofday to nowhere: 0\n"
    for address in addresses:
        text += f"clock_gettime to {address}: {EFAULT}\n"
        text += f"gettimeofday to {address}: {EFAULT}\n" if int(address, 16) else ""
    return text


@pytest.mark.basic
@pytest.mark.task("2.6")
@pytest.mark.points(3)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "platform.timebase ticks are a second: the rest of the division, times 10^9 (or 10^6), divided by"
    " the timebase, is the fraction."
)
def test_clocks_agree_with_the_time_csr(machine: Machine) -> None:
    """Otherwise programs measure, and wait for, times that never were.  (70 ms.)"""
    deck = ["clocks agree 400 20"]
    run = machine.run(deck, shift=7, budget=boot_seconds(7) + 4.0, clock=CENTURY)
    what = "the three clocks, each 400 times, from 20 ms before the end of a second on"
    check.output(run.printed, "clocks agree with rdtime\n", what)
    expect_ends(run, ["exited with 0"], "the program runs to its end")
    run.expect_calls({0: 1200})


@pytest.mark.task("2.6")
@pytest.mark.points(3)
@pytest.mark.requires("clocks_agree_with_the_time_csr")
@pytest.mark.hint(
    "Only clocks 0 and 1 exist, and the result goes out through user_memory->out, which says what to"
    " return when it cannot."
)
def test_bad_clocks_and_pointers_are_refused(machine: Machine) -> None:
    """Otherwise a program can have the kernel write anywhere."""
    addresses = bad_addresses(machine)
    run = machine.run([f"clocks bad {' '.join(addresses)}"])
    expect_ends(run, ["exited with 0"], "the program runs to its end")
    check.output(run.printed, badclocks(addresses), "what the calls return")
    run.expect_calls({0: 13})


@pytest.mark.basic
@pytest.mark.task("2.6")
@pytest.mark.points(2)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint("A byte is unsigned, 0 to 255, and only the low 8 bits of data are written.")
def test_trace_reads_and_writes_bytes(machine: Machine) -> None:
    """Otherwise a tracer sees and does something else than it was asked for."""
    run = machine.run(["tracer bytes"])
    expect_ends(run, ["exited with 0"], "the program runs to its end")
    wanted = f"read: {0xFE}\nwrite: 0\nread: {0xA5}\nmemory: 11 a5 33\n"
    check.output(run.printed, wanted, "a byte is read, written and read again, and no other")
    run.expect_calls({0: 4})


@pytest.mark.task("2.6")
@pytest.mark.points(4)
@pytest.mark.requires("programs_are_in_memory_together")
@pytest.mark.hint(
    "Count in task->calls of the task that calls, for every system call and before it is done: your"
    " handler is asked before lab 1's, and returns false."
)
def test_trace_counts_each_tasks_calls(machine: Machine) -> None:
    """Otherwise a program is shown what the others did."""
    chosen = [(machine.random.randrange(1, 40), machine.random.randrange(1, 20)) for _ in range(2)]
    chosen.append((machine.random.randrange(256, 512), 1))
    for run in machine.sweep([f"tracer count {w} {y}" for w, y in chosen], rounds=2):
        expect_ends(run, ["exited with 0"] * 3, "all three run to their end")
        wanted = [f"write: {w}" for w, _ in chosen] + [f"sched_yield: {y}" for _, y in chosen]
        wanted += ["500: 3", "nanosleep: 0", "trace: 1 then 6"] * 3
        expect_lines(run, wanted, "the counts of the three programs")


@pytest.mark.task("2.6")
@pytest.mark.points(3)
@pytest.mark.requires("trace_reads_and_writes_bytes")
@pytest.mark.hint(
    "Any 64 bits may stand in a register: every number is compared with its limit, unsigned, before it"
    " is an index, and every address goes through user_memory."
)
def test_hostile_numbers_are_refused(machine: Machine) -> None:
    """Otherwise a program reads and writes the kernel through a counter's index."""
    addresses = bad_addresses(machine)
    wild = [machine.random.randrange(1 << 63, 1 << 64) for _ in range(4)]
    numbers = [512, 513, 4096, 1 << 32, (1 << 64) - 1, (1 << 64) - 700, *wild]
    run = machine.run(
        [f"unknown {' '.join(map(str, numbers))}", f"tracer bad {' '.join(addresses)}", "hello"]
    )
    expect_ends(run, ["exited with 0"] * 3, "all three run to their end")
    wanted = "".join(f"call {number}: -38\n" for number in numbers)
    for address in addresses:
        wanted += f"read {address}: {EFAULT}\nwrite {address}: {EFAULT}\n"
    requests = [3, 4, 410, 1000, *(1 << 32 | n for n in range(3)), 1 << 63 | 2, (1 << 64) - 1]
    wanted += "".join(f"request {request:#x}: {EINVAL}\n" for request in requests)
    bad = [512, 513, 1 << 32 | 64, 1 << 63, (1 << 64) - 1, (1 << 64) - 64]
    wanted += "".join(f"number {number:#x}: {EINVAL}\n" for number in bad)
    wanted += "number 0x1ff: 0\nHello, world!\n"
    expect_lines(run, wanted.splitlines(), "what the calls return")
    calls, changed = machine.run(["hello"], probe="count").probed
    check.equal(
        f"{calls} calls, {changed} of them change it",
        "64 calls, 0 of them change it",
        "memory after task->calls, and calls with the numbers 512 to 575 (probes/count.c)",
    )
