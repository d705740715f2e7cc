"""Lab 1: the tests.

Each boots the student's kernel with a deck of jobs and judges what programs printed, how they ended,
and what QEMU's trap log shows.  The tests of a task need no later task: until write() exists,
programs print straight to the UART; until the batch loop exists, a deck has one job.
"""

from __future__ import annotations

import re
import struct
from typing import Dict

import pytest

from grader import build, check
from grader.machine import TICKS_PER_SECOND, Outcome
from grader.plugin import Machine
from grader.programs import large_text
from grader.run import CAUSE_BREAKPOINT, CAUSE_FIRMWARE_CALL, CAUSE_USER_ECALL, Run

SSTATUS_SPP = 1 << 8
SSTATUS_FS = 3 << 13
ENOSYS = -38
ORDERLY = (Outcome.POWER_OFF, Outcome.NO_HANDLER)
REGISTERS = (
    "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7"
    " s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
).split()


# ---- 1.1 RESTORE_USER --------------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("1.1")
@pytest.mark.points(5)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.hint(
    "sret goes to the address in the CSR sepc, in the mode that sstatus.SPP says. Both values are in"
    " the context (CONTEXT_SEPC, CONTEXT_SSTATUS), a0 points to it, and csrw writes a CSR."
)
def test_program_runs_in_user_mode(machine: Machine) -> None:
    """Otherwise nothing of a program runs, or it runs with the kernel's power."""
    run = machine.run(["first"])
    start, end = machine.program_region("first")
    inside = [trap for trap in run.traps if start <= trap.epc < end]
    calls = [trap for trap in inside if trap.cause == CAUSE_USER_ECALL]
    others = [trap for trap in run.traps if trap.cause != CAUSE_FIRMWARE_CALL]
    seen = ", ".join(f"cause {t.cause} at pc {t.epc:#x}" for t in others[:3]) or "none"
    check.true(
        bool(calls),
        "the program `first` executes in user mode",
        "an `ecall` from user mode in QEMU's trap log, at an address of the program",
        f"{run.explanation}\ntraps in QEMU's log: {seen}",
        "wrong result" if run.outcome in ORDERLY else run.outcome.value,
    )


@pytest.mark.basic
@pytest.mark.task("1.1")
@pytest.mark.points(5)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("program_runs_in_user_mode")
@pytest.mark.hint(
    "All 31 registers come from the context, and a0 last: until then it is your base. The context of"
    " a new program is zero but for sp, so a register that is not is one you did not load."
)
def test_first_words_with_clean_registers(machine: Machine) -> None:
    """Otherwise programs see what the kernel left in registers: garbage, and secrets.  (Two boots.)"""
    run = machine.run(["first"])
    check.output(
        run.printed,
        "Hello from user mode\n",
        "`first` finds every register but sp zero, and prints to the UART",
    )
    first = {"bin/first": build.program("first").read_bytes()}
    run = machine.run([], first, probe="registers")
    check.output(
        run.printed,
        "Hello from user mode\n",
        "the same when the kernel had something in each of them (probes/registers.c)",
    )


# ---- 1.2 SAVE_USER -----------------------------------------------------------------------------

REGDUMP_BASE = 0xC0DE000000000000


def dump_at_ecall(machine: Machine, base: int) -> Dict[str, int]:
    """Run `regdump` with registers drawn from a base, and return what the kernel's dump shows of
    them; demand that the program's ecall stands in the trap log, for a dump is only words."""
    given, drawn = struct.pack("<Q", REGDUMP_BASE), struct.pack("<Q", base)
    program = build.program("regdump").read_bytes()
    assert program.count(given) == 1
    files = {"bin/regdump": program.replace(given, drawn)}
    run = machine.run(["regdump"], files, arguments="handlers=none")
    here = run.label("regdump", "regdump_ecall")
    made = [trap for trap in run.traps if (trap.cause, trap.epc) == (CAUSE_USER_ECALL, here)]
    if not made or run.outcome is not Outcome.NO_HANDLER:
        check.fail(
            "`regdump` makes its system call, and the kernel shows its registers",
            f"an ecall from user mode at {here:#x} in QEMU's trap log, then a dump",
            f"{len(made) or 'no'} such ecalls; {run.explanation}",
            "wrong result" if run.outcome in ORDERLY else run.outcome.value,
        )
    return run.dump_registers()


@pytest.mark.basic
@pytest.mark.task("1.2")
@pytest.mark.points(6)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("first_words_with_clean_registers")
@pytest.mark.hint(
    "Store x1 to x31 at CONTEXT_X(n)(a0) before you use any of them. The program's a0 is not in a0"
    " but in the CSR sscratch."
)
def test_every_register_is_saved(machine: Machine) -> None:
    """Otherwise a program's variables change whenever it calls the kernel."""
    base = machine.random.randrange(1 << 62, 1 << 63)
    dump = dump_at_ecall(machine, base)
    wanted = {name: base + 0x0101 * n for n, name in enumerate(REGISTERS) if n > 0}
    wrong = [name for name in wanted if dump.get(name) != wanted[name]]
    check.true(
        not wrong,
        "the context holds every register of the program as it was at its ecall",
        "\n".join(f"{name:4} {wanted[name]:#018x}" for name in wrong[:8]),
        "\n".join(f"{name:4} {dump.get(name, 0):#018x}" for name in wrong[:8]),
    )


@pytest.mark.task("1.2")
@pytest.mark.points(4)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("first_words_with_clean_registers")
@pytest.mark.hint("csrr reads a CSR into a register; do it when that register has been stored.")
def test_sepc_and_sstatus_are_saved(machine: Machine) -> None:
    """Otherwise the program goes on at the wrong place, or in the wrong mode."""
    dump = dump_at_ecall(machine, machine.random.randrange(1 << 62, 1 << 63))
    assert machine.last
    here = machine.last.label("regdump", "regdump_ecall")
    check.equal(hex(dump.get("epc", 0)), hex(here), "sepc is the address of the program's ecall")
    status = dump.get("sstatus", 0)
    check.true(
        status & SSTATUS_SPP == 0 and status & SSTATUS_FS == SSTATUS_FS,
        "sstatus is the program's: from user mode (SPP 0), and it has written to f0 (FS 3: dirty)",
        "SPP = 0, FS = 3",
        f"sstatus = {status:#x}: SPP = {status >> 8 & 1}, FS = {status >> 13 & 3}",
    )


# ---- 1.3 system calls --------------------------------------------------------------------------


def first_lines(run: Run, count: int) -> bytes:
    """What a `direct` program printed until its ebreak: what comes of that is task 1.5's."""
    return b"".join(run.printed.splitlines(keepends=True)[:count])


@pytest.mark.basic
@pytest.mark.task("1.3")
@pytest.mark.points(4)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("every_register_is_saved", "sepc_and_sstatus_are_saved")
@pytest.mark.hint(
    "sepc holds the address of the ecall itself; the next instruction is 4 bytes further. Return true"
    " when the trap has been dealt with. `unknown` prints through the UART and ends with ebreak."
)
def test_call_returns_behind_its_ecall(machine: Machine) -> None:
    """Otherwise a program makes the same call for ever."""
    run = machine.run(["unknown direct 1000"])
    causes = [t.cause for t in run.traps if t.cause in (CAUSE_USER_ECALL, CAUSE_BREAKPOINT)]
    calls = causes.count(CAUSE_USER_ECALL)
    # What the kernel makes of the ebreak is not this test's business.
    check.true(
        causes[:2] == [CAUSE_USER_ECALL, CAUSE_BREAKPOINT],
        "the program's only system call returns, once, and the program reaches its end (ebreak)",
        "1 ecall, then an ebreak",
        f"{calls} ecalls, {len(causes) - calls} ebreaks; {run.explanation}",
        "wrong result" if run.outcome in ORDERLY else run.outcome.value,
    )


@pytest.mark.task("1.3")
@pytest.mark.points(4)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "Numbers are 64 bits and may be anything: compare with SYSCALL_LIMIT as unsigned before you"
    " index. An entry of the table may be NULL. Both mean -ENOSYS, in the context's a0."
)
def test_unknown_calls_are_enosys(machine: Machine) -> None:
    """Otherwise a program that asks for a call of a newer system takes this one down."""
    hostile = [511, 512, 4095, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1, (1 << 64) - 64]
    # The numbers of calls that exist, with something in the upper half.
    hostile += [1 << 32 | 64, 1 << 32 | 93, machine.random.randrange(1, 1 << 31) << 32 | 64]
    drawn = [machine.random.randrange(1000, 1 << 64) for _ in range(2)]
    numbers = [1000, *hostile, *drawn]
    run = machine.run(["unknown direct " + " ".join(hex(n) for n in numbers)])
    wanted = "".join(f"call {n:#x}: {ENOSYS}\n" for n in numbers)
    what = "every unknown number gives -ENOSYS (-38) in a0"
    said = first_lines(run, len(numbers))
    if said != wanted.encode() and run.outcome not in ORDERLY:
        check.fail(what, wanted, run.explanation, run.outcome.value)
    check.output(said, wanted, what)


@pytest.mark.task("1.3")
@pytest.mark.points(2)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "Each argument is what the program had in a register of 64 bits, a0 to a5, and so is the result."
    " No variable on the way may be an int."
)
def test_arguments_and_results_have_64_bits(machine: Machine) -> None:
    """Otherwise addresses, times and sizes arrive as something else."""
    weights, calls = (1, 3, 5, 7, 11, 13), []
    for _ in range(4):
        given = [machine.random.randrange(1 << 64) for _ in weights]
        answer = sum(map(int.__mul__, weights, given)) % (1 << 64)
        call = ",".join(["509", *map(hex, given)])
        calls.append((call, answer - (answer >> 63 << 64)))
    run = machine.run(["unknown direct " + " ".join(call for call, _ in calls)], probe="call")
    wanted = "".join(f"call {call}: {answer}\n" for call, answer in calls)
    what = "a system call that adds up its six arguments, with weights (probes/call.c)"
    said = first_lines(run, len(calls))
    if said != wanted.encode() and run.outcome not in ORDERLY:
        check.fail(what, wanted, run.explanation, run.outcome.value)
    check.output(said, wanted, what)


@pytest.mark.task("1.3")
@pytest.mark.points(4)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "The program named the register that changed: look for its line in RESTORE_USER and SAVE_USER,"
    " and at what the handler writes besides a0."
)
def test_registers_survive_10000_calls(machine: Machine) -> None:
    """Otherwise programs fail at random, far from the call that broke them."""
    run = machine.run(["survive direct 10000"])
    if not run.printed:
        check.fail(
            "`survive` makes 10,000 system calls", "its report", run.explanation, run.outcome.value
        )
    # Its first line: on a kernel that steps over the ebreak it says so again.
    said = run.printed.splitlines(keepends=True)[0]
    check.output(said, "all registers survived 10000 calls\n", "only a0 changes over a system call")
    calls = sum(trap.cause == CAUSE_USER_ECALL for trap in run.traps)
    check.true(
        calls >= 10000,
        "the calls were made from user mode",
        "at least 10000 ecalls in QEMU's trap log",
        str(calls),
        "no evidence of user mode",
    )


@pytest.mark.task("1.3")
@pytest.mark.points(3)
@pytest.mark.own_kernel("programs reach the UART by themselves, which ends with spaces")
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "Only an exception with cause 8 (CAUSE_USER_ECALL) is a system call. Everything else belongs to"
    " another handler: do not touch sepc for it, and do not say that it was dealt with."
)
def test_a_fault_is_no_system_call(machine: Machine) -> None:
    """Otherwise a program that crashes goes on with garbage instead."""
    run = machine.run(["unknown direct"])
    mine = [trap for trap in run.traps if trap.epc >= run.program_memory]
    # It may come again, for a handler that has been told of it and does not end the program (1.5).
    told = run.outcome is Outcome.NO_HANDLER or bool(run.jobs) or bool(run.faults)
    check.true(
        told and {(trap.cause, trap.epc) for trap in mine} == {(CAUSE_BREAKPOINT, mine[0].epc)},
        "a program's ebreak is left to another handler: the kernel does not step over it",
        "an ebreak in the trap log, no other trap of the program, and a handler that was told, or a"
        " dump",
        f"causes of the program's traps: {[trap.cause for trap in mine[:8]]}; {run.explanation}",
    )


# ---- 1.4 write and exit ------------------------------------------------------------------------

# What the program `writes` prints in each of its cases on Linux.
EBADF, EFAULT, ENOSPC = -9, -14, -28
BAD_DESCRIPTORS = (0, 3, 4, 100, -1, 0x7FFFFFFF, 1 << 20, 0x101, 0x10001, 1 - (1 << 31))
WRITES_BADFD = "".join(f"fd {fd}: {EBADF}\n" for fd in BAD_DESCRIPTORS)
COPIES_ENDED = 8  # probes/copies.c: no bit of a function that went wrong
WRITES_OUT = "to fd 2\nfd 2: 8\n"
WRITES_WIDE = f"wide\nfd 1: 5\nfd 77: {EBADF}\n"
WRITES_ZERO = f"zero valid: 0\nzero invalid: 0\nzero closed: {EBADF}\nzero read-only: {EBADF}\n"
WRITES_NUL = b"a\0b\0c\nnul: 6\n"
WRITES_OVERFLOW = "".join(
    f"{case}: {EFAULT}\n"
    for case in (
        *("length 2^64-1", "length 2^64-8", "length 2^63", "address 2^64-8"),
        *("length 2^32 nowhere", "length 2^63 nowhere"),
    )
)


def writes_digits(size: int) -> str:
    """What `writes length` and `writes until` write."""
    return "".join(str(i % 10) for i in range(size))


def writes_length(size: int) -> str:
    """`writes length SIZE`: the digits 0123456789… and what write() returned."""
    return f"{writes_digits(size)}\nlength: {size}\n"


def writes_large(size: int) -> bytes:
    """`writes large SIZE`."""
    return large_text(size) + f"\nreturned: {size}\n".encode()


def writes_badbuf(address: int) -> str:
    """`writes badbuf ADDRESS`, for one address."""
    return f"{address:#x}: {EFAULT}\n"


def writes(machine: Machine, case: str, exits: int = 1) -> bytes:
    """Run one case of the program `writes`, demand an orderly end, and return what it printed."""
    run = machine.run([f"writes {case}".strip()])
    job = run.job(0)
    check.equal(job.end, "exited with 0", f"`writes {case}` ends by itself")
    run.expect_power_off()
    run.expect_user_mode({0: 1 + exits})
    return job.output


@pytest.mark.basic
@pytest.mark.task("1.4")
@pytest.mark.points(4)
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "write's arguments are args[0] (descriptor), args[1] (address), args[2] (length). file_get()"
    " gives the open file, whose ops->write prints; the result is the number of bytes."
)
def test_write_prints_and_returns_the_length(machine: Machine) -> None:
    """Otherwise programs cannot be heard, or believe that they were not."""
    length = machine.random.randrange(20, 200)
    output = writes(machine, f"length {length}")
    expected = writes_length(length)
    check.output(output, expected, f"write() of {length} bytes prints them and returns {length}")


@pytest.mark.basic
@pytest.mark.task("1.4")
@pytest.mark.points(4)
@pytest.mark.requires("call_returns_behind_its_ecall")
@pytest.mark.hint(
    "task_exit() wants a status word: signal.h has status_exited(). Only the low 8 bits of the code"
    " count, as on Linux."
)
def test_exit_ends_with_the_code(machine: Machine) -> None:
    """Otherwise nobody can tell whether a program succeeded."""
    code = machine.random.choice([-1, 1]) * machine.random.randrange(1, 99) * 256
    code += machine.random.randrange(128, 256)
    run = machine.run([f"exit {code}"])
    check.equal(run.job(0).end, f"exited with {code & 0xFF}", f"exit({code}) ends the program")
    run.expect_power_off()
    run.expect_user_mode({0: 1})


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "file_get() returns NULL for a descriptor that is not open: that is -EBADF (-9). Descriptor 0 is"
    " open for reading only: its own write says so, and its error is yours."
)
def test_bad_descriptors_are_ebadf(machine: Machine) -> None:
    """Otherwise a program's mistake ends as output where it does not belong, or as a panic.  (Three boots.)"""
    output = writes(machine, "badfd")
    check.output(
        output, WRITES_BADFD, "write() to a descriptor that cannot be written gives -EBADF"
    )
    check.output(
        writes(machine, "out"), WRITES_OUT, "descriptor 2, standard error, is open and can be"
    )
    check.output(
        writes(machine, "wide"),
        WRITES_WIDE,
        "a descriptor is an int: the low 32 bits of its register",
    )


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint("No bytes are inside any memory, so nothing is wrong with the address of none.")
def test_write_of_nothing_is_zero(machine: Machine) -> None:
    """Linux returns 0 without a look at the buffer, and libraries lean on that."""
    check.output(writes(machine, "zero"), WRITES_ZERO, "write() of length 0")


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint("The length says where the data ends, not a NUL byte: it is no string.")
def test_write_is_binary(machine: Machine) -> None:
    """Otherwise everything but plain text is cut short."""
    check.output(writes(machine, "nul"), WRITES_NUL, "write() of bytes that contain NUL")


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "Copy piece by piece through a buffer of fixed size, until all of it is written; and each piece by"
    " user_memory->in(), which another lab will serve."
)
def test_large_write_arrives_whole(machine: Machine) -> None:
    """Otherwise long output is cut at the size of somebody's buffer.  (Three boots.)"""
    size = machine.random.randrange(1 << 16, 80000)
    output = writes(machine, f"large {size}")
    check.output(output, writes_large(size), f"one write() of {size} bytes")
    run = machine.run([f"writes large {size}"], probe="user-memory")
    copied, _ = run.probed
    check.true(
        copied >= size,
        "the same, where the kernel counts what is copied by user_memory->in() (probes/user_memory.c)",
        f"{size} bytes and more",
        f"{copied} bytes; {run.explanation}",
    )
    refused = machine.random.randrange(size // 4, size // 2)
    run = machine.run([f"writes large {size}"], arguments=f"refuse={refused}", probe="user-memory")
    shown, _, returned = run.job(0).output.partition(b"\nreturned: ")
    right = {f"{len(shown)}\n".encode()} if shown else {f"{EFAULT}\n".encode()}
    check.true(
        returned in right and large_text(size).startswith(shown) and len(shown) <= refused,
        f"the same, where user_memory->in() refuses what comes after {refused} bytes (probes/user_memory.c)",
        f"what stands before it is written, and its length returned; or nothing, and {EFAULT}",
        f"{len(shown)} bytes are written, and write() returned {check.readable(returned)}",
    )


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("large_write_arrives_whole")
@pytest.mark.hint(
    "file->ops->write may take fewer bytes than it is given, and fail with the next piece. The result is how many"
    " bytes the file has taken, and its error only when it has taken none."
)
def test_write_counts_what_a_full_file_has_taken(machine: Machine) -> None:
    """Otherwise a program writes twice what is there already, or takes for written what is lost.  (Two boots.)"""
    for room in (machine.random.randrange(1030, 3000), 1):
        size = room + machine.random.randrange(600, 2000)
        run = machine.run([f"writes until 3 {size}"], arguments=f"room={room}", probe="full-file")
        check.output(
            run.job(0).output,
            f"{writes_digits(room)}\ntaken: {room}\nthen: {ENOSPC}\n",
            f"a program writes {size} bytes, in as many calls as it takes, to a file with room for {room}"
            " (probes/full_file.c)",
        )
        run.expect_power_off()


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "A program's pointer may be anything. Ask whether [address, address + size) lies in"
    " task->process->memory before you touch a byte of it."
)
def test_bad_buffers_are_efault(machine: Machine) -> None:
    """Otherwise a wrong pointer in a program is the end of the machine."""
    start, end = machine.program_region("writes")
    firmware, device, nowhere = 0x80000000, 0x10000000, 0x4000000000
    bad = [0, 8, firmware, device, nowhere, start - 4096, start - 16, end, end + 4096]
    bad += [1 << 63, (1 << 64) - 16, machine.random.randrange(1 << 40, 1 << 62)]
    output = writes(machine, "badbuf " + " ".join(f"{address:#x}" for address in bad))
    expected = "".join(writes_badbuf(address) for address in bad)
    check.output(output, expected, "write() from memory that is not the program's gives -EFAULT")


@pytest.mark.task("1.4")
@pytest.mark.points(3)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "The kernel can read all of memory, and a program that names a kernel address asks it to. Check"
    " the range, and check it in the kernel: the program cannot be trusted to."
)
def test_kernel_memory_stays_secret(machine: Machine) -> None:
    """Otherwise any program prints any secret that the kernel or another program holds."""
    secret = machine.secret("planted")
    # bootargs lie in the kernel's struct platform: look at all of it, in overlapping pieces.
    addresses = [machine.symbol("platform") + 40 + 4 * n for n in range(12)]
    case = "badbuf " + " ".join(f"{address:#x}" for address in addresses)
    run = machine.run([f"writes {case}"], arguments=f"secret={secret}")
    check.true(
        secret.encode() not in run.record.console,
        "what the kernel holds does not come out through write()",
        "-EFAULT, and nothing printed",
        f"the secret word {secret}, planted in the kernel's memory, stood on the console",
    )
    run.expect_power_off()
    expected = "".join(writes_badbuf(address) for address in addresses)
    check.output(run.job(0).output, expected, "write() from the kernel's memory gives -EFAULT")


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "address + size can be more than 64 bits hold, and then it is small. Compare size with what is"
    " left behind address instead of adding. And ask about the whole buffer before the first piece."
)
def test_overflowing_lengths_are_efault(machine: Machine) -> None:
    """Otherwise a length near 2^64 walks through every check."""
    check.output(writes(machine, "overflow"), WRITES_OVERFLOW, "write() of impossible lengths")


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.own_kernel("programs lie where the flat loader puts them")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "flat_in(), flat_out() and flat_string() each ask is_users() before they touch a byte, with all 64 bits"
    " of address and size. A string ends with its NUL: what lies behind it need not be the program's."
)
def test_copies_stay_inside_the_programs_memory(machine: Machine) -> None:
    """Otherwise each system call to come is a way to read, or to change, the kernel's memory."""
    hello = {"bin/hello": build.program("hello").read_bytes()}
    run = machine.run([], hello, probe="copies")
    calls, wrong = run.probed
    names = [name for bit, name in enumerate(("in()", "out()", "string()")) if wrong >> bit & 1]
    check.true(
        run.outcome is Outcome.POWER_OFF and calls >= 100 and wrong == COPIES_ENDED,
        "user_memory's in(), out() and string() do what user_memory.h says (probes/copies.c)",
        "right results, and every byte in its place, also where addresses and sizes are impossible",
        f"{calls} calls; wrong ones of: {', '.join(names) or 'none'}; {run.unproved or run.explanation}",
        "wrong result" if run.outcome is Outcome.POWER_OFF else run.outcome.value,
    )


@pytest.mark.task("1.4")
@pytest.mark.points(2)
@pytest.mark.own_kernel("programs lie where the flat loader puts them")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint("The last byte counts as much as the first: the range ends where memory ends.")
def test_partly_valid_buffer(machine: Machine) -> None:
    """Otherwise what lies behind a program's memory can be read from its last bytes."""
    _, end = machine.program_region("writes")
    rest, text = writes(machine, f"partial {end:#x} 0 1 5"), b"ten bytes\n"
    for behind in (0, 1, 5):
        valid = len(text) - behind
        # Linux may write a valid beginning and say so, or refuse all: both are right.
        allowed = [b"%d behind: -14\n" % behind] + [
            text[:n] + b"\n%d behind: %d\n" % (behind, n) for n in range(1, valid + 1)
        ]
        if behind == 0:
            allowed = [text + b"0 behind: 10\n"]
        said = next((answer for answer in allowed if rest.startswith(answer)), b"")
        check.true(
            bool(said),
            f"write() of 10 bytes, of which {behind} lie behind the program's memory",
            "0 behind: 10"
            if behind == 0
            else f"{behind} behind: -14, or 1 to {valid} bytes and their number",
            check.readable(rest),
        )
        rest = rest[len(said) :]


# ---- 1.5 faults --------------------------------------------------------------------------------


def fault(
    machine: Machine, kind: str, causes: Dict[int, str], signal: str, address: int = -1
) -> None:
    """Run a program that faults; judge its end, the report, and QEMU's trap log.

    causes: the cause that is reported, and with it the access ("" for none); more than one where
    machines differ.
    """
    target = f" {address:#x}" if address >= 0 else ""
    run = machine.run([f"fault {kind}{target}"])
    job = run.job(0)
    check.equal(
        job.end, f"killed by {signal}", f"a program that does `{kind}` ends, and why is told"
    )
    run.expect_power_off()
    check.output(job.output, f"before {kind}\n", "what the program printed before stays")
    pc = address if kind == "fetch" else run.label("fault", f"fault_{kind}")
    check.equal(len(run.faults), 1, "there is one report about the fault (trap_report_fault())")
    report = run.faults[0]
    cause = report.cause if report.cause in causes else next(iter(causes))
    check.equal(
        (report.cause, report.signal, hex(report.pc)),
        (cause, signal, hex(pc)),
        "the report's cause, signal and pc",
    )
    if causes[cause]:
        check.equal(
            (report.access, report.address),
            (causes[cause], address),
            "the report's access and address",
        )
    run.expect_user_mode({0: 1})


FAULT_HINT = (
    "Register for TRAP_ANY_FAULT, choose the signal by the cause, report, then task_exit() with"
    " status_killed(). Return true, and leave sepc alone: the program does not go on."
)


@pytest.mark.basic
@pytest.mark.task("1.5")
@pytest.mark.points(2)
@pytest.mark.own_kernel("a bad address is an access fault, until there is paging")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_bad_load_ends_its_program(machine: Machine) -> None:
    """Otherwise the machine goes down with the first null pointer."""
    address = machine.random.choice([0, 8, 0x40, 0x100])
    fault(machine, "load", {5: "read"}, "SIGSEGV", address)


@pytest.mark.task("1.5")
@pytest.mark.points(1)
@pytest.mark.own_kernel("a bad address is an access fault, until there is paging")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_bad_store_ends_its_program(machine: Machine) -> None:
    """The firmware's memory is protected even without paging."""
    address = 0x80000000 + machine.random.randrange(0, 0x1000) * 8
    fault(machine, "store", {7: "write"}, "SIGSEGV", address)


@pytest.mark.task("1.5")
@pytest.mark.points(1)
@pytest.mark.own_kernel("a bad address is an access fault, until there is paging")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_bad_fetch_ends_its_program(machine: Machine) -> None:
    """A call through a wild function pointer: the pc itself is the bad address."""
    address = machine.random.choice([0, 2, 0x40, 0x300])
    fault(machine, "fetch", {1: "execute"}, "SIGSEGV", address)


@pytest.mark.task("1.5")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_illegal_instruction_ends_its_program(machine: Machine) -> None:
    """Data executed as code must not be skipped over."""
    fault(machine, "illegal", {2: ""}, "SIGILL")


@pytest.mark.task("1.5")
@pytest.mark.points(1)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_privileged_csr_ends_its_program(machine: Machine) -> None:
    """A program that reads the kernel's CSRs has no business there."""
    fault(machine, "csr", {2: ""}, "SIGILL")


@pytest.mark.task("1.5")
@pytest.mark.points(1)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_sret_ends_its_program(machine: Machine) -> None:
    """sret from user mode is the simplest attempt to become the kernel."""
    fault(machine, "sret", {2: ""}, "SIGILL")


@pytest.mark.task("1.5")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_misaligned_access_ends_its_program(machine: Machine) -> None:
    """An address that exists and does not suit the instruction is SIGBUS, not SIGSEGV."""
    _, end = machine.program_region("fault")
    # Across 16 bytes, which no processor does at once; in the stack, far below what is in use.
    address = end - 16 * machine.random.randrange(1000, 2000) - machine.random.randrange(1, 4)
    # By the manual it is a write (cause 6); QEMU 7 calls it a read (cause 4).
    fault(machine, "misaligned", {6: "write", 4: "read"}, "SIGBUS", address)


@pytest.mark.task("1.5")
@pytest.mark.points(2)
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(FAULT_HINT)
def test_breakpoint_ends_its_program(machine: Machine) -> None:
    """Without a debugger attached, ebreak is the end: SIGTRAP."""
    fault(machine, "ebreak", {3: ""}, "SIGTRAP")


# By cause, what the table of task 1.5 does not call "everything else".
SIGNALS = {0: "SIGBUS", 2: "SIGILL", 3: "SIGTRAP", 4: "SIGBUS", 6: "SIGBUS"}


@pytest.mark.task("1.5")
@pytest.mark.points(2)
@pytest.mark.own_kernel("a bad address is an access fault, until there is paging")
@pytest.mark.requires("bad_load_ends_its_program")
@pytest.mark.hint(
    "Faults that no program raises in this lab are faults too: page faults, a misaligned fetch. What is not"
    ' in the table by name is "everything else".'
)
def test_any_fault_ends_its_program(machine: Machine) -> None:
    """Otherwise the next processor, or the next lab, takes the machine down."""
    run = machine.run([], probe="faults")
    _, ended = run.probed
    causes = [*range(8), 12, 13, 15]
    told = {fault.cause: fault.signal for fault in run.faults}
    wanted = {cause: SIGNALS.get(cause, "SIGSEGV") for cause in causes}
    wrong = [c for c in causes if not ended >> c & 1 or told.get(c) != wanted[c]]
    check.true(
        not wrong,
        "an exception of any cause that there is ends a program by its signal, and is reported (probes/faults.c)",
        "\n".join(f"cause {cause}: {wanted[cause]}" for cause in wrong[:8]),
        "\n".join(
            f"cause {c}: reported as {told.get(c, 'nothing')}, {'' if ended >> c & 1 else 'not '}ended so"
            for c in wrong[:8]
        )
        + f"\n{run.explanation}",
        "wrong result" if run.outcome is Outcome.POWER_OFF else run.outcome.value,
    )
    check.equal(len(run.faults), len(causes), "there is one report about each")


# ---- 1.6 the batch loop ------------------------------------------------------------------------


BIG = "touched 5 MiB\n"


def power_job(machine: Machine) -> "tuple[str, str]":
    """A job of the program `power` with drawn numbers, and what it must print."""
    base, exponent, modulus = machine.random.sample(range(2, 10**6), 3)
    return (
        f"power {base} {exponent} {modulus}",
        f"{base}^{exponent} mod {modulus} = {pow(base, exponent, modulus)}\n",
    )


def drawn_jobs(machine: Machine, count: int) -> "list[tuple[str, str, str]]":
    """Jobs in drawn order: (job, what it prints, how it ends)."""
    jobs = []
    for n in range(count):
        kind = machine.random.choice(["power", "exit", "hello"]) if n else "power"
        if kind == "power":
            job, output = power_job(machine)
            jobs.append((job, output, "exited with 0"))
        elif kind == "exit":
            code = machine.random.randrange(256)
            jobs.append((f"exit {code} loud", f"exiting with {code}\n", f"exited with {code}"))
        else:
            name = machine.secret(f"hello{n}", 6)
            jobs.append((f"hello {name}", f"Hello, {name}!\n", "exited with 0"))
    return jobs


def run_deck(machine: Machine, count: int, missing: int = 0) -> None:
    """Run a drawn deck; judge every job's output and end, their order, and the trap log.  missing: how many
    jobs more there are whose program is missing, somewhere among the others."""
    jobs = drawn_jobs(machine, count)
    for n in range(missing):
        at = machine.random.randrange(len(jobs))
        jobs.insert(at, (f"missing{n}", "", "not started: ENOENT"))
    ran_at = [n for n, (job, _, _) in enumerate(jobs) if not job.startswith("missing")]
    count = len(jobs)
    run = machine.run([job for job, _, _ in jobs])
    for n, (job, output, end) in enumerate(jobs):
        ran = run.job(n)
        check.equal(ran.end, end, f"job {n} (`{job}`) of {count} ends as it should")
        check.output(ran.output, output, f"job {n} (`{job}`) of {count} prints what it should")
    order = [job.index for job in run.jobs]
    check.equal(order, list(range(count)), "each job runs once, in the deck's order")
    check.output(run.loose, b"", "nothing is printed after the last job")
    run.expect_power_off()
    run.expect_user_mode({n: 2 for n in ran_at})


@pytest.mark.basic
@pytest.mark.task("1.6")
@pytest.mark.points(4)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("write_prints_and_returns_the_length", "exit_ends_with_the_code")
@pytest.mark.hint(
    "For each index below job_count(): process_create(), loader->load(), task_run(), job_report(),"
    " process_destroy(). When run_batch() returns, the machine powers off."
)
def test_jobs_run_in_the_decks_order(machine: Machine) -> None:
    """A batch system that skips, repeats or reorders jobs is of no use."""
    run_deck(machine, 16)


@pytest.mark.task("1.6")
@pytest.mark.points(2)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint("Is the last job run, and only once? Is everything given back between two jobs?")
def test_decks_of_1_2_and_300_jobs(machine: Machine) -> None:
    """Loops go wrong at their ends, and resources run out only in the long run.  (200 ms.)"""
    for count in (1, 2):
        run_deck(machine, count)
    # Most of them cost nothing: they have no program.
    run_deck(machine, 40, missing=260)


@pytest.mark.task("1.6")
@pytest.mark.points(1)
@pytest.mark.own_kernel("all programs lie in memory at once", on=["multitasking"])
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint(
    "What create and load took for a job, process_destroy() gives back when it has ended."
)
def test_big_programs_one_after_the_other(machine: Machine) -> None:
    """Otherwise a batch stops in the middle of the night, out of memory."""
    run = machine.run(["big"] * 3, memory=32)
    for n in range(3):
        check.equal(
            run.job(n).end, "exited with 0", f"job {n} of 3, each of 5 MiB, fits into 11 MiB"
        )
    run.expect_power_off()


@pytest.mark.task("1.6")
@pytest.mark.points(1)
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint("job_count() may be 0.")
def test_empty_deck_powers_off(machine: Machine) -> None:
    """An operator who has nothing to run must not find a crashed machine."""
    run = machine.run([])
    run.expect_power_off()
    check.equal(len(run.jobs), 0, "there is nothing to report")


@pytest.mark.basic
@pytest.mark.task("1.6")
@pytest.mark.points(2)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("jobs_run_in_the_decks_order", "bad_load_ends_its_program")
@pytest.mark.hint("A job that a signal ended is a job that has ended: report it, and go on.")
def test_a_crash_does_not_stop_the_batch(machine: Machine) -> None:
    """The reason for user mode: one program's bug is nobody else's trouble."""
    job, output = power_job(machine)
    kinds = ["load 0x10", "illegal", "ebreak", "store 0x80000000"]
    machine.random.shuffle(kinds)
    deck = []
    for kind in kinds:
        deck += [f"fault {kind}", job]
    run = machine.run(deck)
    for n in range(1, len(deck), 2):
        check.true(
            run.job(n - 1).end.startswith("killed by"),
            f"job {n - 1} (`{deck[n - 1]}`) is ended by a signal",
            "killed by …",
            run.job(n - 1).end,
        )
        check.output(run.job(n).output, output, f"job {n}, after `{deck[n - 1]}`, runs as ever")
        check.equal(run.job(n).end, "exited with 0", f"job {n}, after `{deck[n - 1]}`")
    run.expect_power_off()


@pytest.mark.task("1.6")
@pytest.mark.points(2)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint(
    "When load() returns an error: job_report_failure(), process_destroy(), next job."
)
def test_unloadable_jobs_are_reported(machine: Machine) -> None:
    """A typing error in the deck must not cost the jobs behind it."""
    noise = bytes(machine.random.randrange(256) for _ in range(200))
    hello = "hello"
    run = machine.run(
        ["nosuch", hello, "noise", hello, "empty", hello],
        files={"bin/noise": noise, "bin/empty": b""},
    )
    ends = {n: run.job(n).end for n in (0, 2, 4)}
    wanted = {0: "not started: ENOENT", 2: "not started: ENOEXEC", 4: "not started: ENOEXEC"}
    check.equal(ends, wanted, "jobs whose program is missing or no program are reported so")
    for n in (1, 3, 5):
        check.output(
            run.job(n).output, "Hello, world!\n", f"job {n}, behind an unloadable one, runs"
        )
    run.expect_power_off()


@pytest.mark.task("1.6")
@pytest.mark.points(1)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("unloadable_jobs_are_reported")
@pytest.mark.hint(
    "process_create() returns NULL when the kernel has no memory left: that job fails with -ENOMEM. What a"
    " job that cannot be loaded has taken, process_destroy() gives back."
)
def test_jobs_without_memory_are_reported(machine: Machine) -> None:
    """Otherwise the machine goes down because there were too many jobs before.  (Two boots.)"""
    run = machine.run(["hello"] * 3, probe="shortage", arguments="leave=1000")
    seen = {job.index: job.end for job in run.jobs}
    what = "three jobs, when there is no memory for a process (probes/shortage.c)"
    if run.outcome is not Outcome.POWER_OFF:
        check.fail(what, "all reported, then power-off", run.explanation, run.outcome.value)
    check.equal(seen, dict.fromkeys(range(3), "not started: ENOMEM"), what)
    # Room for a few processes at a time: one that is kept for each missing program uses it up.
    count = 20
    run = machine.run(["nosuch"] * count + ["hello"], probe="shortage", arguments="leave=40000")
    run.expect_power_off()
    ends = [run.job(n).end for n in range(count + 1)]
    check.equal(
        ends,
        ["not started: ENOENT"] * count + ["exited with 0"],
        f"{count} jobs whose program is missing, then one, when there is memory for a few processes",
    )


@pytest.mark.basic
@pytest.mark.task("1.6")
@pytest.mark.points(3)
@pytest.mark.own_kernel("programs lie where the flat loader puts them")
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint(
    "Between two programs, all of process->memory has to be zeroed: image, bss and stack. The loader"
    " copies what the file holds and clears nothing."
)
def test_memory_of_the_last_program_is_gone(machine: Machine) -> None:
    """Otherwise programs start with another's data: wrong results, and secrets."""
    run = machine.run(["stale", "stale", "hello", "stale", "big", "big"])
    for n in (0, 1, 3):
        check.output(run.job(n).output, "clean\n", f"job {n} finds its bss and stack zeroed")
    for n in (4, 5):
        check.output(run.job(n).output, BIG, f"job {n} finds its bss of 5 MiB zeroed")
    run.expect_power_off()


@pytest.mark.task("1.6")
@pytest.mark.points(2)
@pytest.mark.own_kernel("one job runs after the other")
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint(
    "float_clear() in task.h: the kernel uses no floating point, so nobody else does it."
)
def test_float_registers_start_at_zero(machine: Machine) -> None:
    """The same for the 32 floating-point registers and the rounding mode."""
    run = machine.run(["fp", "fp", "fp"])
    for n in range(3):
        check.output(
            run.job(n).output,
            "fp registers start at zero\nsum = 1643934 (millionths)\n"
            "fp registers survived a system call\n",
            f"job {n} finds zeroes in f0-f31 and fcsr, and calculates",
        )
    run.expect_power_off()


@pytest.mark.task("1.6")
@pytest.mark.points(1)
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint("load() wants the job's argv, and a vector of its own for the empty environment.")
def test_arguments_and_a_fresh_stack(machine: Machine) -> None:
    """Every program starts as Linux would start it: aligned stack, argc, argv, envp."""
    words = [machine.secret(f"word{n}", n + 1) for n in range(4)]
    for argv in (["startup"], ["startup"] + words):
        # Another program has been there before, and prints nothing: on later kernels both run side by side.
        run = machine.run(["exit 0 with arguments of its own", " ".join(argv)])
        lines = ["sp is 16-byte aligned", f"argc = {len(argv)}"]
        lines += [f"argv[{i}] = {word}" for i, word in enumerate(argv)]
        lines += ["argv[argc] is null", "envp has 0 strings"]
        run.expect_power_off()
        check.output(run.printed, "\n".join(lines) + "\n", f"{argv[0]} starts with its arguments")


@pytest.mark.task("1.6")
@pytest.mark.points(1)
@pytest.mark.own_kernel("a program runs without interruption")
@pytest.mark.requires("jobs_run_in_the_decks_order")
@pytest.mark.hint(
    "Read time_now() right before task_run() and right after it, for each job anew. Loading and"
    " clearing are the machine's time, not the program's."
)
def test_time_is_accounted_to_the_job(machine: Machine) -> None:
    """Machine time was what a batch job was billed for."""
    spins = [machine.random.randrange(500, 6000) for _ in range(3)]
    # The machine has been on for a century: the time of day takes more than 32 bits, in seconds too.
    century = (1 << 32) * TICKS_PER_SECOND + machine.random.randrange(1 << 32)
    run = machine.run([f"spin {us}" for us in spins], clock=century)
    for n, us in enumerate(spins):
        took = run.job(n).microseconds
        check.true(
            us <= took <= us + 200,
            f"job {n} spins for {us} us of guest time, and is billed for that",
            f"{us} to {us + 200} us",
            f"{took} us",
        )
    run.expect_power_off()
