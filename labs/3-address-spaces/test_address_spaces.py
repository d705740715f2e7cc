"""Lab 3: the tests.

Three kinds of evidence.  *The MMU's view*: a program comes to its checkpoint, the machine stops there, and
QEMU says which pages it has under the page table in satp, and then the kernel.  *Programs*: what they
reach, what stops them, what system calls return.  *The parts themselves*: probes/ tests them from inside
the kernel, against models; when a random sequence of operations fails, the report shows a shortest one.

The cost of a test is noted where it is more than the 70 ms of a boot.
"""

from __future__ import annotations

import re
import struct
from typing import Dict, List, Optional, Sequence, Tuple

import pytest

from grader import build, check, symbols
from grader.machine import Outcome
from grader.plugin import Machine
from grader.probing import BUDGET as PROBE_BUDGET
from grader.probing import complaint_of, outcome_of, probe, probe_random
from grader.programs import EXIT_42, RW, RX, Segment, elf, large_text, unusual, words
from grader.run import CAUSE_USER_ECALL, KMALLOC_SIZE, Run
from grader.run import STACK_TOP, SV39_END, TRAMPOLINE, USER_END
from grader.view import PAGE, Checkpoint, Row, View

MIB = 1 << 20
KERNEL_STACKS, STACK_SIZE = 0xFFFFFFFFC0000000, 64 << 10
EFAULT, EINVAL = -14, -22
PAGE_FAULTS = {"fetch": 12, "load": 13, "store": 15}
KERNEL_MEMORY = 160  # MiB of the machine whose kernel is looked at: not what is usual


# ---- what the MMU has --------------------------------------------------------------------------


def shown(rows: Sequence[Row], at_most: int = 6) -> str:
    """Rows of pages for people."""
    lines = [f"{row.start:#x}-{row.end:#x} {row.prot} frame {row.frame:#x}" for row in rows]
    more = [f"… and {len(lines) - at_most} more"] if len(lines) > at_most else []
    return "\n".join([*lines[:at_most], *more]) or "none"


def looked_at(run: Run, wanted: int) -> List[Checkpoint]:
    """The checkpoints of a run; demand that there are so many, each with an ecall from user mode."""
    seen = run.checkpoints
    here = symbols.address(run.programs["layout"], "checkpoint_reached")
    ecalls = sum(
        trap.cause == CAUSE_USER_ECALL and not trap.interrupt and trap.epc == here
        for trap in run.traps
    )
    check.true(
        len(seen) >= wanted and ecalls >= wanted,
        "programs run in user mode at the addresses that they are linked for",
        f"{wanted} times a program at its checkpoint, {here:#x}, and its ecall in QEMU's trap log",
        f"{len(seen)} times, {ecalls} ecalls; {run.explanation}\n"
        + "\n".join(f"job {job.index} ({job.name}): {job.end}" for job in run.jobs[:6]),
        outcome_of(run),
    )
    return seen


def spaces_of(
    machine: Machine, jobs: Sequence[str] = ("layout 1 5", "layout 1 9")
) -> List[Checkpoint]:
    """Programs at their checkpoints, each once: what they and the kernel can reach."""
    run = machine.run(jobs, checkpoints=True)
    seen = looked_at(run, len(jobs))
    run.expect_power_off()
    return seen


def kernel_views(machine: Machine) -> Tuple[View, Optional[View], List[int]]:
    """The kernel's pages with four kernel stacks, and, if it comes so far, with none; and where the four
    are."""
    run = machine.run(
        [],
        probe="kernel-space",
        kernel_stops=["probe_point"],
        memory=KERNEL_MEMORY,
        shift=1,
        budget=PROBE_BUDGET,
    )
    if not run.views:
        complaint = complaint_of(run) or run.explanation
        outcome = outcome_of(run)
        check.fail("kernel stacks can be allocated and given back", "they can", complaint, outcome)
    stacks: List[int] = []
    for report in run.reports:
        match = re.match(r"probe: (stack|freed) 0x([0-9a-f]{1,16})$", report)
        stack = int(match[2], 16) if match else 0
        if match and match[1] == "stack":
            stacks.append(stack)
        elif match and len(stacks) == 4:
            break  # the second time: all four go
        elif stack in stacks:
            stacks.remove(stack)
    return run.views[0], run.views[1] if len(run.views) > 1 else None, stacks


def expect_paged(view: View, who: str) -> None:
    """Demand that Sv39 is on."""
    check.true(
        view.paged,
        f"{who} runs with paging on",
        "mode 8 (Sv39) in satp",
        f"satp = {view.satp:#x}",
    )


def wrong_pages(view: View, start: int, end: int, prot: str, frame: Optional[int]) -> List[str]:
    """Where [start, end) is not mapped with these permissions (to frames from frame on)."""
    pages = view.pages(start & -PAGE, end)
    wrong: List[str] = []
    for address in range(start & -PAGE, end, PAGE):
        found = pages.get(address)
        if found is None:
            wrong.append(f"{address:#x} is not mapped")
        elif found[1] != prot:
            wrong.append(f"{address:#x} is {found[1]}, not {prot}")
        elif frame is not None and found[0] != frame + address - (start & -PAGE):
            wrong.append(f"{address:#x} is frame {found[0]:#x}")
    return wrong


def expect_pages(
    view: View, start: int, end: int, prot: str, what: str, frame: Optional[int] = None
) -> None:
    """Demand that [start, end) is mapped with these permissions (to frames from frame on)."""
    wrong = wrong_pages(view, start, end, prot, frame)
    more = f"\n… and {len(wrong) - 4} more pages" if len(wrong) > 4 else ""
    check.true(
        not wrong,
        what,
        f"{start:#x}-{end:#x} is {prot}" + (f", frame {frame:#x} on" if frame is not None else ""),
        "\n".join(wrong[:4]) + more,
    )


# ---- 3.1 the frame allocator -------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.1")
@pytest.mark.points(4)
@pytest.mark.hint(
    "First hand out what has never been used, region after region; then what has come back. Zero each"
    " frame before you hand it out: its last user has left something in it. And no search through all"
    " frames for one: that takes seconds."
)
def test_all_of_memory_is_given_out_as_pages_of_zeros(machine: Machine) -> None:
    """Otherwise memory is lost, or a program finds another's secrets in its own.  (100 ms.)"""
    probe(
        machine,
        "frames-all",
        "every frame of a machine of 16 MiB, three times over: page aligned, zero, and never the same",
        memory=16,
        checks=50_000,
    )


@pytest.mark.task("3.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "frame_get() adds a reference, frame_put() takes one away, and only with the last one the frame is"
    " free. frame_of(frame)->references is the place to count."
)
def test_a_shared_frame_stays_until_its_last_reference(machine: Machine) -> None:
    """Otherwise memory that is still in use becomes another's."""
    probe(machine, "frames-shared", "frames with 1, 3 and 5 references", checks=2300)


@pytest.mark.task("3.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "After each operation a frame is in exactly one place: given out, or waiting to be given out. Play"
    " the sequence on paper."
)
def test_random_frame_operations(machine: Machine) -> None:
    """Otherwise it works until frames come back in an order that nobody thought of.  (100 ms.)"""
    probe_random(
        machine,
        "frames-random",
        "frame_alloc(), frame_get() and frame_put() in any order",
        checks=220_000,
    )


@pytest.mark.task("3.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "A frame in use has a reference, is page aligned and lies in memory: whatever else you are given,"
    " panic() with the address in the message."
)
def test_what_is_no_frame_in_use_is_a_panic(machine: Machine) -> None:
    """Otherwise a frame given back twice is given out twice, much later.  (500 ms: 8 boots.)"""
    for case in range(len(MISUSES)):
        run = machine.run([], probe=f"frames-misuse:{case}")
        asked = re.search(
            r"^probe: misuse: (frame_\w{3}) (0x\w{1,16})$", "\n".join(run.reports), re.M
        )
        call, address = (asked[1], asked[2]) if asked else ("frame_put", "the address")
        check.true(
            run.outcome is Outcome.PANIC
            and address in run.explanation
            and "itself trapped" not in run.explanation
            and run.probed[0] > 0,
            f"{call}({address}), which is {MISUSES[case]}, is a panic",
            f"a kernel panic that names {address}",
            complaint_of(run) or "nothing happened",
            outcome_of(run),
        )


MISUSES = [
    "a frame that has been given back",
    "a frame that has been given back",
    "the kernel's text",
    "not the address of a page",
    "behind the end of memory",
    "behind memory, by 4 GiB",
    "a frame that was never given out",
    "no address at all",
]


@pytest.mark.task("3.1")
@pytest.mark.points(2)
@pytest.mark.requires("all_of_memory_is_given_out_as_pages_of_zeros")
@pytest.mark.hint(
    "How many frames there are is not known when you compile: frame_table has room for all of them."
    " Either region may be empty."
)
def test_memories_of_16_mib_to_1_gib(machine: Machine) -> None:
    """Otherwise the kernel runs on the machine it was written on.  (600 ms: 3 boots.)"""
    probe(machine, "frames-many:70000", "270 MiB of a machine of 1 GiB", memory=1024, checks=95_000)
    # So large an archive that behind it there is only what QEMU needs for its device tree.
    filler = machine.random.randbytes(64) * ((5 * MIB + 400 * 1024) // 64)
    probe(
        machine,
        "frames-all:1",
        "a machine of 17 MiB, with its archive at the end of memory",
        memory=17,
        files={"filler": filler},
        checks=27_000,
    )
    probe(machine, "frames-shared:1", "a machine of 64 MiB", memory=64, checks=5000)


# ---- 3.2 page tables ---------------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.2")
@pytest.mark.points(4)
@pytest.mark.requires("all_of_memory_is_given_out_as_pages_of_zeros")
@pytest.mark.hint(
    "An entry is frame / 4096 << 10, and below it the bits of page_table.h: prot << 1 gives R, W, X and"
    " U. What leads to a table has V and nothing else."
)
def test_entries_say_what_was_asked_for(machine: Machine) -> None:
    """Otherwise the MMU permits what nobody asked for, or forbids what was."""
    probe(
        machine,
        "table-permissions",
        "map() and protect() with all 16 combinations of permissions",
        checks=1300,
    )


@pytest.mark.basic
@pytest.mark.task("3.2")
@pytest.mark.points(3)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "Three indices of 9 bits: va >> 30, va >> 21, va >> 12, each & 511. find() is asked about any"
    " address: bits 63 to 39 must repeat bit 38."
)
def test_every_canonical_address_has_its_place(machine: Machine) -> None:
    """Otherwise two addresses share an entry, and one program's page is another's."""
    probe(
        machine,
        "table-addresses",
        "pages in all corners of the address space, each on its own",
        checks=350,
    )


@pytest.mark.task("3.2")
@pytest.mark.points(4)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "map() refuses what is mapped (-EEXIST), PROT_NONE pages included; protect() what is not (-ENOENT);"
    " unmap() returns what was there. None touches a neighbour."
)
def test_random_page_table_operations(machine: Machine) -> None:
    """Otherwise mapping works, as long as nothing is ever unmapped.  (200 ms.)"""
    probe_random(
        machine, "table-random", "map(), unmap(), protect() and find() in any order", checks=220_000
    )


@pytest.mark.task("3.2")
@pytest.mark.points(3)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "Every frame that became a table has to be found again by destroy(): by walking all tables, or"
    " along a list that frame_of(frame)->link can hold."
)
def test_tables_are_given_back(machine: Machine) -> None:
    """Otherwise each program that ends takes some memory with it for ever."""
    probe(
        machine,
        "table-memory",
        "frames of tables, also when there is none for the next table",
        checks=46,
    )


@pytest.mark.task("3.2")
@pytest.mark.points(3)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "The CPU keeps copies of entries that it has used. Whoever changes or removes one calls"
    " tlb_flush_page() for its address."
)
def test_changes_count_at_once(machine: Machine) -> None:
    """Otherwise the kernel goes on using a page that it has given away."""
    probe(
        machine, "table-flush", "map(), unmap() and protect() on the table that is in use", checks=2
    )


# ---- 3.3 the kernel's own space ----------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.3")
@pytest.mark.points(4)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "page_table->create(), the mappings that the comment lists, then csr_write(satp,"
    " page_table_satp(…)) and tlb_flush(). What the kernel touches next must be mapped, first of all"
    " the next instruction."
)
def test_the_kernel_runs_in_a_space_of_its_own(machine: Machine) -> None:
    """Otherwise nothing keeps a bug of the kernel from writing anywhere."""
    view, _, _ = kernel_views(machine)
    expect_paged(view, "the kernel")
    expect_pages(view, 0x10000000, 0x10001000, "rw--", "the serial port is mapped", 0x10000000)
    end = 0x80000000 + KERNEL_MEMORY * MIB
    start = machine.symbol("boot_stack", probe=True)
    expect_pages(view, start, end, "rw--", "memory is mapped to its own addresses", start)
    page = machine.symbol("trampoline_start", probe=True)
    expect_pages(view, TRAMPOLINE, TRAMPOLINE + PAGE, "r-x-", "the trampoline is mapped", page)


@pytest.mark.basic
@pytest.mark.task("3.3")
@pytest.mark.points(4)
@pytest.mark.requires("the_kernel_runs_in_a_space_of_its_own")
@pytest.mark.hint(
    "Text is R-X, rodata R--, the rest RW-, none with PROT_USER; kernel.ld begins each on a new page, so"
    " no page need have the rights of two."
)
def test_kernel_pages_are_either_writable_or_executable(machine: Machine) -> None:
    """Otherwise whoever can make the kernel write one wrong word can make it run anything."""
    view, _, _ = kernel_views(machine)
    both = [row for row in view.rows if "w" in row.prot and "x" in row.prot]
    check.equal(shown(both), "none", "pages of the kernel that can be written and executed")
    users = [row for row in view.rows if "u" in row.prot]
    check.equal(shown(users), "none", "pages of the kernel's table that user mode may use")
    at = {n: machine.symbol(n, probe=True) for n in ("kernel_start", "text_end", "rodata_end")}
    start, text, rodata = at["kernel_start"], at["text_end"], at["rodata_end"]
    expect_pages(view, start, text, "r-x-", "the kernel's text", start)
    expect_pages(view, text, rodata, "r---", "the kernel's constants", text)
    data = (rodata + PAGE - 1) & -PAGE
    firmware = [row for row in view.rows if row.start < start and row.end > 0x80000000]
    check.equal(shown(firmware), "none", "pages of the firmware, which are none of the kernel's")
    guard = machine.symbol("boot_stack", probe=True) - PAGE
    expect_pages(view, data, guard, "rw--", "the kernel's data", data)


@pytest.mark.task("3.3")
@pytest.mark.points(4)
@pytest.mark.requires("the_kernel_runs_in_a_space_of_its_own")
@pytest.mark.hint(
    "Stack number n has its own piece of KERNEL_STACK_STRIDE bytes, of which the lowest page stays"
    " unmapped. And the page below boot_stack is not mapped either."
)
def test_every_kernel_stack_has_a_guard_page(machine: Machine) -> None:
    """Otherwise a stack that is too small destroys what lies below it, without a word."""
    with_stacks, without, stacks = kernel_views(machine)
    check.true(
        len(set(stacks)) == 4 and all(KERNEL_STACKS < each < (1 << 64) - PAGE for each in stacks),
        "four kernel stacks lie where memory.h says",
        f"from KERNEL_STACKS, {KERNEL_STACKS:#x}, on",
        ", ".join(map(hex, stacks)) or "none",
    )
    boot = machine.symbol("boot_stack", probe=True)
    for stack in [*stacks, boot]:
        expect_pages(
            with_stacks, stack, stack + (16 << 10), "rw--", f"the kernel stack at {stack:#x}"
        )
        guard = with_stacks.at(stack - 1)
        check.true(
            guard is None,
            f"nobody can touch the page below the kernel stack at {stack:#x}",
            "not mapped",
            shown([guard]) if guard else "",
        )
    left = [row for stack in stacks for row in [without.at(stack)] if row] if without else []
    check.equal(shown(left), "none", "pages of kernel stacks that were given back")


@pytest.mark.task("3.3")
@pytest.mark.points(2)
@pytest.mark.requires("the_kernel_runs_in_a_space_of_its_own")
@pytest.mark.hint(
    "stack_free() unmaps each page and puts its frame; stack_alloc(), when one frame is not to be had,"
    " gives back those it has, and returns NULL."
)
def test_kernel_stacks_come_and_go(machine: Machine) -> None:
    """Otherwise each task that ends leaves its kernel stack behind.  (150 ms.)"""
    probe(
        machine,
        "kernel-space:1000",
        "kernel stacks are allocated and given back, 1,000 times",
        checks=9_000,
    )


@pytest.mark.task("3.3")
@pytest.mark.points(2)
@pytest.mark.requires("the_kernel_runs_in_a_space_of_its_own")
@pytest.mark.hint("The page below boot_stack must not be mapped: leave it out of what you map.")
def test_a_stack_overflow_is_stopped(machine: Machine) -> None:
    """Otherwise a recursion that is too deep turns into a mystery somewhere else."""
    run = machine.run([], probe="kernel-overflow")
    check.true(
        run.outcome is Outcome.PANIC and "kernel stack" in run.explanation and run.probed[0] > 0,
        "a recursion without end in the kernel",
        "a kernel panic that says so: the guard page has been hit",
        run.explanation,
        "wrong result" if run.outcome is Outcome.PANIC else run.outcome.value,
    )


# ---- 3.4 areas become pages --------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.4")
@pytest.mark.points(4)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "map(): a copy of the area, into the set, and fill() for each page if populate is set. fill(): a"
    " frame, mapped at va with area->prot. drop(): unmap each page, put its frame."
)
def test_anonymous_areas_are_pages_of_zeros(machine: Machine) -> None:
    """Otherwise programs have no memory, or somebody else's."""
    probe(
        machine,
        "areas-anonymous",
        "areas of 5 pages with all permissions, mapped and unmapped",
        checks=6500,
    )


@pytest.mark.task("3.4")
@pytest.mark.points(3)
@pytest.mark.requires("entries_say_what_was_asked_for")
@pytest.mark.hint(
    "The page at va is the frame area->physical + (va - area->start). It is not yours: drop() unmaps it"
    " and puts nothing."
)
def test_linear_areas_show_memory_of_others(machine: Machine) -> None:
    """Otherwise the trampoline is somewhere else, or given away when a program ends."""
    probe(machine, "areas-linear", "a linear area of 6 pages, mapped and unmapped", checks=47)


@pytest.mark.task("3.4")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("anonymous_areas_are_pages_of_zeros")
@pytest.mark.hint(
    "area_insert() says -EEXIST: then free your copy, and touch neither page nor file. An area in the"
    " space has a reference to its file."
)
def test_overlapping_areas_are_refused(machine: Machine) -> None:
    """Otherwise a second area takes pages from the first."""
    probe(machine, "areas-overlap", "areas around an area that is there", checks=29)


@pytest.mark.task("3.4")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("anonymous_areas_are_pages_of_zeros")
@pytest.mark.hint("unmap() takes away the area's pages, all of them and no others.")
def test_random_areas(machine: Machine) -> None:
    """Otherwise one area's end is another's beginning.  (100 ms.)"""
    probe_random(machine, "areas-random", "areas mapped and unmapped in any order", checks=22_000)


@pytest.mark.task("3.4")
@pytest.mark.points(2)
@pytest.mark.requires("anonymous_areas_are_pages_of_zeros")
@pytest.mark.hint(
    "When fill() fails for a page, those before it go back, the area leaves the set, its reference to"
    " the file and its memory go: what unmap() does. A fill() that cannot map puts its frame."
)
def test_mapping_without_memory_leaves_nothing_behind(machine: Machine) -> None:
    """Otherwise the first time that memory is short, some of it is gone for good.  (60 ms.)"""
    probe(
        machine,
        "areas-memory",
        "an area of 20 pages, where each frame in turn cannot be had",
        checks=5,  # where pages come when they are touched, few frames can be refused
    )


# ---- 3.5 a program in a space of its own -------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.5")
@pytest.mark.points(4)
@pytest.mark.requires("the_kernel_runs_in_a_space_of_its_own", "anonymous_areas_are_pages_of_zeros")
@pytest.mark.hint(
    "space_create(), an area for each loadable segment, one for the stack, sepc and sp. The report on"
    " the job says with which error load() returned."
)
def test_each_program_has_a_space_of_its_own(machine: Machine) -> None:
    """Otherwise programs can be told apart by nothing but good manners."""
    seen = spaces_of(machine, ["layout 1 5", "layout 1 9", "layout 1 13"])
    for each in seen:
        expect_paged(each.user, f"process {each.pid}")
        expect_paged(each.kernel, "the kernel")
    roots = {each.pid: each.user.satp for each in seen}
    kernels = {each.kernel.satp for each in seen}
    check.true(
        len(set(roots.values())) == 3 and len(kernels) == 1 and not kernels & set(roots.values()),
        "three programs and the kernel: each has a page table of its own",
        "four values of satp",
        "\n".join([f"process {pid}: {satp:#x}" for pid, satp in sorted(roots.items())])
        + "".join(f"\nkernel: {satp:#x}" for satp in sorted(kernels)),
    )


@pytest.mark.basic
@pytest.mark.task("3.5")
@pytest.mark.points(3)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "segment->flags has ELF_READ, ELF_WRITE, ELF_EXECUTE; area->prot wants PROT_READ, PROT_WRITE,"
    " PROT_EXEC, and PROT_USER. The numbers differ."
)
def test_pages_have_the_permissions_of_their_segment(machine: Machine) -> None:
    """Otherwise a wild pointer changes the program's own code."""
    link = symbols.facts(build.program("layout"))
    text, rodata = link.symbols["_start"] & -PAGE, link.symbols["constants"] & -PAGE
    data = link.symbols["data"] & -PAGE
    for each in spaces_of(machine):
        view = each.user
        expect_pages(view, text, rodata, "r-xu", f"text of process {each.pid}")
        expect_pages(view, rodata, data, "r--u", f"constants of process {each.pid}")
        expect_pages(view, data, link.end, "rw-u", f"data and bss of process {each.pid}")
        low = STACK_TOP - STACK_SIZE
        expect_pages(view, low, STACK_TOP, "rw-u", f"the stack of process {each.pid}")
        known = [(link.start, link.end), (low, STACK_TOP)]
        others = [
            row
            for row in view.rows
            if "u" in row.prot and not any(s <= row.start and row.end <= e for s, e in known)
        ]
        check.equal(
            shown(others), "none", "pages for user mode beside segments and stack (0 and guards)"
        )


@pytest.mark.task("3.5")
@pytest.mark.points(3)
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "Only what belongs to the program has PROT_USER: not the trampoline, not the user context. The"
    " given space_create() maps both by your linear backend, with area->prot as it is."
)
def test_no_page_of_the_kernel_is_the_programs(machine: Machine) -> None:
    """Otherwise a program reads the kernel's memory, or writes it, without asking."""
    kernel = range(machine.symbol("kernel_start"), machine.symbol("kernel_end") + KMALLOC_SIZE)
    for each in spaces_of(machine):
        owned = [row for row in each.user.rows if "u" in row.prot]
        check.equal(
            shown(
                [
                    row
                    for row in owned
                    if row.frame < kernel.stop and row.frame + row.size > kernel.start
                ]
            ),
            "none",
            f"pages of the kernel's memory that process {each.pid} may use",
        )
        both = [row for row in each.user.rows if "w" in row.prot and "x" in row.prot]
        check.equal(shown(both), "none", "pages that can be written and executed, in any space")
        page = machine.symbol("trampoline_start")
        for view in (each.user, each.kernel):
            expect_pages(
                view,
                TRAMPOLINE,
                TRAMPOLINE + PAGE,
                "r-x-",
                "the trampoline, the same for all",
                page,
            )


@pytest.mark.task("3.5")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint("Every page that can be written needs a frame that nobody else has.")
def test_programs_share_no_page_that_can_be_written(machine: Machine) -> None:
    """Otherwise what one program computes appears in another."""
    owner: Dict[int, Tuple[int, int]] = {}
    shared: List[str] = []
    for each in spaces_of(machine, ["layout 1 5", "layout 1 9", "layout 1 13"]):
        for address, (frame, prot) in each.user.pages().items():
            if "u" not in prot or "w" not in prot:
                continue
            pid, where = owner.setdefault(frame, (each.pid, address))
            if (pid, where) != (each.pid, address):
                shared.append(
                    f"frame {frame:#x}: {where:#x} of process {pid}, {address:#x} of {each.pid}"
                )
    check.equal("\n".join(shared[:6]) or "none", "none", "writable frames in two places")


@pytest.mark.task("3.5")
@pytest.mark.points(2)
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "file_size bytes come from the file, memory_size are there: the rest is zero, also behind the data"
    " in its last page. An area begins at a page, and so does what it takes from the file."
)
def test_data_is_as_in_the_file_and_bss_zero(machine: Machine) -> None:
    """Otherwise programs start with wrong values in their variables."""
    deck = ["layout 2 5", "layout 1 9"]
    files: Dict[str, bytes] = {}
    for name, program in unusual(machine.random).items():
        files[f"bin/{name}"] = program
        deck.append(name)
    run = machine.run(deck, files, memory=machine.random.choice((16, 64, 1024)))
    wanted = ["exited with 0"] * 2 + ["exited with 42"] * len(files)
    run.expect_ends(
        wanted,
        "each program finds its data, and zero in its bss (`layout` exits with 1 when data is not as in"
        " the file, 2 when bss is not zero, 3 when something has changed)",
    )


@pytest.mark.task("3.5")
@pytest.mark.points(2)
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "arguments_build() makes the image, space_store() puts it at USER_STACK_TOP - size, and that is sp."
    " AT_PHDR is the address of the file's byte segments_at, when a segment has it."
)
def test_arguments_and_auxiliary_vector_are_on_the_stack(machine: Machine) -> None:
    """Otherwise no program of a C library comes as far as main()."""
    base = machine.random.randrange(0x100, 0x8000) * PAGE
    data: Segment = (base + MIB, b"data", None, RW)
    code: Segment = (base, HEADERS_AT_PHDR, None, RX)
    headers = elf([data, code], base + 64 + 2 * 56, headers_in=1)
    run = machine.run(["auxv one 2", "phdr"], {"bin/phdr": headers})
    run.expect_ends(["exited with 0", "killed by SIGSEGV"], "`auxv` finds what it looks for")
    stores = [trap.tval for trap in run.traps if trap.cause == PAGE_FAULTS["store"]]
    check.equal(
        ", ".join(map(hex, stores)), hex(base + 64), "AT_PHDR, to which the program `phdr` writes"
    )


@pytest.mark.basic
@pytest.mark.task("3.5")
@pytest.mark.points(3)
@pytest.mark.own_kernel("the stack does not grow")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "What no area of the program covers must not be mapped for user mode, and what one covers must not"
    " be mapped with more than it says. The report shows area and page for the address."
)
def test_programs_cannot_leave_their_space(machine: Machine) -> None:
    """Otherwise a program can do to others, and to the kernel, whatever it likes.  (100 ms.)"""
    link = symbols.facts(build.program("fault"))
    kernel = machine.symbol("kernel_start")
    outside = [0, 8, link.start - 8, link.end, link.end + 5 * PAGE, 0x10000000, 0x80000000, kernel]
    outside += [machine.symbol("kernel_end") + PAGE, machine.symbol("program_memory")]
    outside += [STACK_TOP, STACK_TOP - STACK_SIZE - 8, USER_END - 8, USER_END]
    outside += [TRAMPOLINE, TRAMPOLINE - PAGE, SV39_END - 8, KERNEL_STACKS, -8 & (1 << 64) - 1]
    not_sv39 = [SV39_END, 1 << 39, 1 << 62, (1 << 63) + link.symbols["main"]]
    jobs = [f"fault {machine.random.choice(list(PAGE_FAULTS))} {a:#x}" for a in outside + not_sv39]
    jobs += [f"fault {kind} 0x80201000" for kind in PAGE_FAULTS]
    jobs += [f"fault store {link.symbols[name]:#x}" for name in ("main", "kinds", "_start")]
    jobs += [f"fault fetch {a:#x}" for a in (link.symbols["kinds"], link.end - 8, STACK_TOP - 4096)]
    jobs += ["fault stack"]
    machine.random.shuffle(jobs)
    run = machine.run([*jobs, "exit 5"], shift=5, budget=4.0)
    run.expect_ends(
        ["killed by SIGSEGV"] * len(jobs) + ["exited with 5"],
        "each fault ends its program only",
    )
    seen = {(trap.cause, trap.tval) for trap in run.traps if not trap.interrupt}
    for job in jobs:
        _, kind, *address = job.split()
        if address:
            check.true(
                (PAGE_FAULTS[kind], int(address[0], 16)) in seen,
                f"the MMU stops `{job}`",
                f"a {kind} page fault at {address[0]} in QEMU's trap log",
                "none",
                "no evidence of user mode",
            )


@pytest.mark.task("3.5")
@pytest.mark.points(2)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "elf_open() and elf_segment() say what they do not like. You check where a segment lies: below"
    " USER_END, and on pages that no other has. After an error the space goes away again."
)
def test_bad_program_files_are_refused(machine: Machine) -> None:
    """Otherwise a broken file takes the kernel down.  (150 ms.)"""
    bad = bad_programs(machine)
    files = {f"bin/{name}": data for name, (data, _) in bad.items()}
    run = machine.run([*bad, "exit 7"], files, memory=32)  # some want it all
    wanted: List["str | Tuple[str, ...]"] = [ends for _, ends in bad.values()]
    run.expect_ends([*wanted, "exited with 7"], "each file is refused, or runs as it should")


@pytest.mark.task("3.5")
@pytest.mark.points(3)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "When a program ends, and when one cannot be loaded: all areas with their frames, all tables, the"
    " struct space, the file. space_destroy() does most of it, if load() calls it on every way out."
)
def test_every_frame_comes_back(machine: Machine) -> None:
    """Otherwise the machine gets smaller with each program that it runs.  (400 ms: 3 boots.)"""
    bad = bad_programs(machine)
    jobs = ["exit 3", *bad, "nosuch", "layout 1 5", "fault stack", "fault illegal", "exit 0"]
    files = {f"bin/{name}": data for name, (data, _) in bad.items()}
    probe(
        machine,
        "programs",
        "programs that exit, crash, and cannot be loaded",
        32,
        files,
        jobs,
        checks=4400,
    )
    probe(
        machine,
        "programs",
        "programs too large for 18 MiB",
        18,
        {},
        ["big"] * 7,
        checks=2000,
    )
    # Each allocation that loading a program makes fails once.
    probe(
        machine,
        "programs-refused",
        "a program, where each frame, piece of kernel memory and page of the file in turn cannot be had",
        jobs=["layout 1 5"],
        checks=200,
    )


@pytest.mark.task("3.5")
@pytest.mark.points(1)
@pytest.mark.own_kernel("all pages are there from the beginning")
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint("Out of memory is -ENOMEM from load(), and a report on this one job.")
def test_a_program_larger_than_memory_is_refused(machine: Machine) -> None:
    """Otherwise one program too large stops all the others."""
    huge = elf([(0x10000, EXIT_42, None, RX), (0x40000000, b"", 3 << 30, RW)], 0x10000)
    run = machine.run(["exit 1", "huge", "exit 2"], {"bin/huge": huge}, memory=32)
    wanted = ["exited with 1", "not started: ENOMEM", "exited with 2"]
    run.expect_ends(wanted, "a program with 3 GiB of bss, between two others")


# ---- 3.6 reaching a program's memory -----------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("3.6")
@pytest.mark.points(3)
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "The program's address leads to a frame by page_table->find(); the kernel reaches the frame at its"
    " physical address. Do not forget the offset in the page."
)
def test_programs_of_the_first_labs_run_unchanged(machine: Machine) -> None:
    """Otherwise nothing that ran before runs now.  (100 ms.)"""
    exponent = machine.random.randrange(2, 1 << 32)
    deck: Dict[str, str] = {
        "hello": "Hello, world!\n",
        f"power 7 {exponent} 999983": f"7^{exponent} mod 999983 = {pow(7, exponent, 999983)}\n",
        "survive 200": "all registers survived 200 calls\n",
        "keep 12345 1": "kept everything\n",
        "tracer bytes": f"read: {0xFE}\nwrite: 0\nread: {0xA5}\nmemory: 11 a5 33\n",
        "clocks agree 10": "clocks agree with rdtime\n",
        "chant x 5 2": "xxxxx\nxxxxx\n",
        "big": "touched 5 MiB\n",
    }
    run = machine.run([*deck, "nap 12000"], shift=5, budget=4.0)
    run.expect_ends(["exited with 0"] * 9, "each program runs to its end")
    wanted = sorted("".join(deck.values()).splitlines())
    seen = check.readable(run.printed).splitlines()
    naps = [line for line in seen if line.startswith("slept 12000: 0,")]
    check.equal(
        "\n".join(sorted(line for line in seen if line not in naps)),
        "\n".join(wanted),
        "what they print, in any order",
    )
    check.equal(len(naps), 1, "lines of `nap 12000`")
    run.expect_linked_calls({i: 2 for i in range(9)})


@pytest.mark.task("3.6")
@pytest.mark.points(3)
@pytest.mark.requires("programs_of_the_first_labs_run_unchanged")
@pytest.mark.hint(
    "The page behind is on another frame: copy up to the page's end, then look up the next one. Write"
    " access needs W, not only U."
)
def test_copies_cross_the_boundary_of_pages(machine: Machine) -> None:
    """Otherwise a struct that lies on two pages is torn apart."""
    run = machine.run(["straddle", "writes large 30000"], shift=5, budget=4.0)
    run.expect_power_off()
    run.expect_lines(STRADDLE.splitlines(), "what `straddle` prints")
    run.expect_ends(["exited with 0"] * 2, "both programs run to their end")
    large = large_text(30000)
    check.true(
        large in run.printed.replace(b"\r", b""),
        "`writes large 30000` prints 30,000 bytes from eight pages",
        "the text whole, in one piece",
        "a piece is missing or wrong",
    )


STRADDLE = (
    "a text that begins on one page and ends on the next\nwrite: 51\n"
    "clock_gettime: right\ngettimeofday: right\nnanosleep: right\nrefused: right\n"
)


@pytest.mark.basic
@pytest.mark.task("3.6")
@pytest.mark.points(3)
@pytest.mark.own_kernel("the stack does not grow")
@pytest.mark.requires("programs_of_the_first_labs_run_unchanged")
@pytest.mark.hint(
    "Every page that the range touches has to be looked at, with the right access. Addresses from"
    " USER_END on are nobody's, whatever find() says; a sum of address and length may wrap."
)
def test_bad_pointers_are_efault(machine: Machine) -> None:
    """Otherwise a program has the kernel read and write for it what it may not itself.  (100 ms.)"""
    kernel = machine.symbol("kernel_start")
    candidates = [8, 0x8000, 0x10000000, 0x80000000, kernel, machine.symbol("kernel_end"), SV39_END]
    candidates += [1 << 39, 1 << 62, STACK_TOP - STACK_SIZE - 4096, USER_END - 8]
    always = [0, TRAMPOLINE, USER_END, (1 << 64) - 8, (1 << 63) + 0x11000]
    drawn = [f"{a:#x}" for a in [*always, *machine.random.sample(candidates, 4)]]
    text = f"{symbols.facts(build.program('clocks')).start:#x}"  # can be read, and not written
    end = symbols.facts(build.program("writes")).end
    deck = [
        f"writes badbuf {' '.join(drawn)}",
        "writes overflow",
        f"clocks bad {' '.join(drawn)} {text}",
        f"badnap {' '.join(drawn)}",
        f"writes partial {end:#x} 9 5 1",
        f"tracer bad {' '.join(drawn)}",
    ]
    run = machine.run(deck, shift=5, budget=4.0)
    run.expect_ends(["exited with 0"] * 6, "each program runs to its end")
    wanted = [f"{a}: {EFAULT}" for a in drawn]
    wanted += [
        "length 2^64-1: -14",
        "length 2^64-8: -14",
        "length 2^63: -14",
        "address 2^64-8: -14",
    ]
    for address in [*drawn, text]:
        wanted.append(f"clock_gettime to {address}: {EFAULT}")
        wanted += [f"gettimeofday to {address}: {EFAULT}"] if int(address, 16) else []
    wanted += [f"at {address}: {EFAULT}" for address in drawn]
    for address in drawn:
        wanted += [f"read {address}: {EFAULT}", f"write {address}: {EFAULT}"]
    run.expect_lines(wanted, "each call with a bad pointer is refused")
    seen = check.readable(run.printed).splitlines()
    for behind in (9, 5, 1):
        answers = [s for s in seen if s.startswith(f"{behind} behind: ")]
        check.true(
            answers in ([f"{behind} behind: {EFAULT}"], [f"{behind} behind: {10 - behind}"]),
            f"write() of 10 bytes of which {behind} lie behind the program's last page",
            f"{behind} behind: {EFAULT}, or the length of what is the program's: {10 - behind}",
            "\n".join(answers) or "nothing",
        )


@pytest.mark.task("3.6")
@pytest.mark.points(3)
@pytest.mark.requires("each_program_has_a_space_of_its_own")
@pytest.mark.hint(
    "-EFAULT as soon as one byte is on a page that has not U and R, or W. string() ends at the NUL, and"
    " looks at no page behind it."
)
def test_random_copies(machine: Machine) -> None:
    """Otherwise a copy is right as long as its length is one that somebody tried.  (150 ms.)"""
    probe_random(
        machine,
        "memory-random",
        "in(), out() and string() on pages with all permissions",
        checks=6000,
    )


@pytest.mark.task("3.6")
@pytest.mark.points(2)
@pytest.mark.requires("random_copies")
@pytest.mark.hint(
    "Ask space_fault->fault(space, va, access) once for a page that is missing or forbids the access."
    " If it returns 0, look again; if nothing has changed, -EFAULT."
)
def test_missing_pages_are_asked_for(machine: Machine) -> None:
    """Otherwise lab 4, where pages come when they are touched, cannot work."""
    probe(machine, "memory-faults", "copies over pages that are missing, or read-only", checks=25)


# ---- program files of our own ------------------------------------------------------------------

# Find AT_PHDR in the auxiliary vector, and write to where it points, which must not be possible:
#     mv t0, sp;  1: ld t1, 0(t0); addi t0, t0, 8; bnez t1, 1b          behind argv's NULL
#     2: ld t1, 0(t0); addi t0, t0, 8; bnez t1, 2b                       behind envp's NULL
#     3: ld t1, 0(t0); ld a0, 8(t0); addi t0, t0, 16; li t2, 3; bne t1, t2, 3b;  sd zero, 0(a0)
HEADERS_AT_PHDR = words(
    0x00010293,
    *(0x0002B303, 0x00828293, 0xFE031CE3),
    *(0x0002B303, 0x00828293, 0xFE031CE3),
    *(0x0002B303, 0x0082B503, 0x01028293, 0x00300393, 0xFE7318E3),
    0x00053023,
)


REFUSED = ("not started: ENOEXEC",)


def bad_programs(machine: Machine) -> Dict[str, Tuple[bytes, Tuple[str, ...]]]:
    """Program files that are wrong, with the ends that a job of each may have."""
    code: Segment = (0x10000, EXIT_42, None, RX)
    good = elf([code], 0x10000)
    cut = machine.random.randrange(65, 64 + 56)
    no_memory = ("not started: ENOEXEC", "not started: ENOMEM")
    runs = ("not started: ENOEXEC", "exited with 42")
    crashes = ("not started: ENOEXEC", "killed by SIGSEGV", "killed by SIGILL")
    top = (1 << 64) - PAGE
    return {
        "empty": (b"", REFUSED),
        "text": (b"#!/bin/sh\necho no\n" * 9, REFUSED),
        "cut-header": (good[:40], REFUSED),
        "cut-segments": (good[:cut], REFUSED),
        "cut-content": (good[:-4], REFUSED),
        "32-bit": (elf([code], 0x10000, klass=1), REFUSED),
        "big-endian": (elf([code], 0x10000, data=2), REFUSED),
        "x86": (elf([code], 0x10000, machine=62), REFUSED),
        "object": (elf([code], 0x10000, type=1), REFUSED),
        "odd-entries": (elf([code], 0x10000, entsize=32), REFUSED),
        "too-many": (elf([code], 0x10000, count=60000), REFUSED),
        "none": (elf([], 0x10000), crashes),
        "less-in-memory": (elf([code, (0x20000, b"x" * 100, 50, RW)], 0x10000), REFUSED),
        "wraps": (elf([code, (top, b"", 2 * PAGE, RW)], 0x10000), REFUSED),
        "at-the-top": (elf([code, (top - PAGE, b"", PAGE, RW)], 0x10000), REFUSED),
        "kernel-half": (elf([code, (0xFFFFFFC000000000, b"x", PAGE, RW)], 0x10000), REFUSED),
        "over-the-end": (elf([code, (USER_END - PAGE, b"x", 2 * PAGE, RW)], 0x10000), REFUSED),
        "beyond-the-end": (elf([code, (USER_END, b"x", PAGE, RW)], 0x10000), REFUSED),
        "huge": (elf([code, (0x20000, b"x", (1 << 62) + 5, RW)], 0x10000), no_memory),
        "4-gib-more": (elf([code, (0x40000, b"x", (1 << 32) + PAGE, RW)], 0x10000), no_memory),
        "large": (elf([code, (0x40000, b"x", 1 << 30, RW)], 0x10000), no_memory),
        "overlap": (elf([code, (0x10000, b"x", 2 * PAGE, RW)], 0x10000), REFUSED),
        "same-page": (elf([code, (0x10800, b"x", 64, RW)], 0x10000), runs),
        "over-the-stack": (
            elf([code, (STACK_TOP - PAGE, b"x", PAGE, RW)], 0x10000),
            no_memory + ("exited with 42",),
        ),
        "incongruent": (elf([(0x10000, EXIT_42, None, RX)], 0x10000, congruent=False), runs),
        "entry-outside": (elf([code], 0x90000), crashes),
        "entry-in-data": (elf([code, (0x20000, EXIT_42, None, RW)], 0x20000), crashes),
    }
