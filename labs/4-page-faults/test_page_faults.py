"""Lab 4: the tests.

A page fault leaves three traces that no kernel can forge: a line in QEMU's trap log, with the address that was
touched; a page in the table that the MMU uses; a frame that is gone.  The tests compare all three with what
programs did.  Probes test the parts from inside, as in lab 3.

The cost of a test is noted where it is more than the 70 ms of a boot.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

import pytest

from grader import build, check, symbols
from grader.plugin import Machine
from grader.probing import BUDGET as PROBE_BUDGET
from grader.probing import complaint_of, outcome_of, probe, probe_random
from grader.programs import EXIT_42, RETURN, RW, RX, R, Segment, access, elf, unusual
from grader.run import STACK_TOP, SV39_END, TRAMPOLINE, USER_END, Run
from grader.view import PAGE, Checkpoint

MIB = 1 << 20
STACK_SIZE, STACK_MAX, STACK_GAP = 64 << 10, 8 * MIB, MIB
EFAULT, ENOMEM = -14, -12
CAUSES = {"fetch": 12, "read": 13, "write": 15}
KINDS = {number: kind for kind, number in CAUSES.items()}


def faults(run: Run, start: int = 0, end: int = 1 << 64) -> List[Tuple[str, int]]:
    """The page faults at addresses of [start, end) in QEMU's trap log, in order: how, and where."""
    return [
        (KINDS[trap.cause], trap.tval)
        for trap in run.traps
        if trap.cause in KINDS and not trap.interrupt and start <= trap.tval < end
    ]


def shown(found: Sequence[Tuple[str, int]]) -> str:
    """Accesses for people."""
    return "\n".join(f"{kind} at {address:#x}" for kind, address in found) or "none"


def run_lazily(
    machine: Machine, jobs: Sequence[str], files: Optional[Dict[str, bytes]] = None
) -> Run:
    """Run programs of which no page is there until it is touched, whatever task 4.2 does."""
    run = machine.run(jobs, files, probe="lazily", budget=PROBE_BUDGET)
    run.expect_power_off()
    return run


def place(name: str) -> int:
    """Where the program `touch` has this variable."""
    return symbols.facts(build.program("touch")).symbols[name]


def end_of_touch() -> int:
    """The first page behind the program `touch`: where its heap begins."""
    return symbols.facts(build.program("touch")).end


def looked_at(machine: Machine, actions: str, arguments: str = "") -> Tuple[Run, Checkpoint]:
    """`touch` with these actions, and what its space looks like at its checkpoint, the last of them."""
    run = machine.run([f"touch {actions} checkpoint"], arguments=arguments, checkpoints=True)
    run.expect_ends(["exited with 0"], f"`touch {actions}` runs to its end")
    check.true(
        len(run.checkpoints) == 1,
        "the program comes to its checkpoint, in user mode",
        "once",
        f"{len(run.checkpoints)} times; {run.explanation}",
        outcome_of(run),
    )
    return run, run.checkpoints[0]


def expect_answers(run: Run, wanted: Sequence[str]) -> None:
    """Demand that `touch` has printed these lines ("action: answer"), each behind whatever it wrote."""
    printed = run.printed.replace(b"\r", b"")
    missing = [line for line in wanted if f"{line}\n".encode() not in printed]
    answers: List[str] = []
    for line in missing[:6]:
        action = line.rpartition(": ")[0]
        found = re.search(re.escape(action.encode()) + rb": [^\n]*", printed)
        answers.append(check.readable(found[0]) if found else f"no answer to {action}")
    check.true(not missing, "what `touch` is told", "\n".join(missing[:6]), "\n".join(answers))


# ---- 4.1 the page fault ------------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Which area does task->user.stval lie in? If it permits the access: area->backend->fill(), once, for the"
    " page that stval lies in, and return true. sepc stays as it is."
)
def test_origin_gets_the_page_that_it_pushes_to(machine: Machine) -> None:
    """Otherwise no program gets further than its first page."""
    run = run_lazily(machine, ["origin"])
    push = symbols.facts(build.program("origin")).symbols["origin_push"]
    run.expect_ends(["exited with 42"], "`origin` pushes 42, and pops it")
    stores = [(t.epc, t.tval & -PAGE) for t in run.traps if t.cause == CAUSES["write"]]
    check.true(
        len(stores) == 1
        and stores[0][0] == push
        and stores[0][1] in (STACK_TOP - 2 * PAGE, STACK_TOP - 3 * PAGE),
        "one page fault of `origin` is a store: its push",
        f"one store page fault at pc {push:#x}, just below the page of the arguments",
        "\n".join(f"pc {pc:#x}, page {page:#x}" for pc, page in stores) or "none",
    )
    run.expect_linked_calls({0: 1})
    run = machine.run(["origin"], arguments="populate=1")
    run.expect_ends(
        ["exited with 42"], "`origin` runs where all pages are there from the beginning, too"
    )
    check.equal(shown(faults(run)), "none", "page faults of `origin` with populate=1")


@pytest.mark.basic
@pytest.mark.task("4.1")
@pytest.mark.points(4)
@pytest.mark.hint(
    "One page, the one that was touched, page aligned for fill(). Nothing happens to a page that is there"
    " and permits the access. What came is counted in space->minor_faults."
)
def test_a_fault_brings_in_one_page(machine: Machine) -> None:
    """Otherwise memory that nobody has touched is used up."""
    probe(
        machine,
        "fault-fill",
        "17 of 40 pages are touched, in any order, to write and to read",
        checks=750,
    )


@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "The area decides, not the page: PROT_USER, and the bit of the access. PROT_WRITE is enough for reading."
    " A page that is there, and forbids what the area permits, must not be tried again and again."
)
def test_the_area_says_what_is_permitted(machine: Machine) -> None:
    """Otherwise a program can change its constants, by touching them first."""
    probe(
        machine,
        "fault-permissions",
        "areas with all permissions, and all accesses to them",
        checks=210,
    )


@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "An area has [start, end): end is not in it. area_find() takes any address, but USER_END and all behind it"
    " is nobody's. What lies in no area may be the stack's: stack_grow()."
)
def test_areas_begin_and_end_at_their_bounds(machine: Machine) -> None:
    """Otherwise the page behind an array is another array."""
    probe(
        machine,
        "fault-edges",
        "the first and the last byte of areas, their neighbours, and nobody's addresses",
        checks=250,
    )


@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.hint("Play the sequence on paper: which area, what does it permit, is the page there?")
def test_random_faults(machine: Machine) -> None:
    """Otherwise it works for the programs that somebody tried.  (60 ms.)"""
    probe_random(
        machine, "fault-random", "areas come and go, and are touched at random", checks=30_000
    )


@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.requires("a_fault_brings_in_one_page")
@pytest.mark.hint(
    "0: true. -ENOMEM, after reclaim_frames() has been asked once: oom_kill(). -EIO: SIGBUS, with trap_report_fault()"
    " and task_exit(). These have been dealt with: true. Everything else is false, and lab 1's handler ends the program."
)
def test_what_cannot_be_brought_in_ends_the_program(machine: Machine) -> None:
    """Otherwise the same instruction is tried for ever."""
    what = "what becomes of the program, by cause and by what fill() says"
    run = probe(machine, "fault-trap", what, checks=27)
    check.equal(
        "\n".join(fault.signal for fault in run.faults) or "none",
        "\n".join(["SIGSEGV"] * 5 + ["SIGBUS"] * 3),
        "reports of faults, as lab 1 makes them: one for each program that ends so, with its signal; none of programs"
        " that go on, or that oom_kill() has ended",
    )


@pytest.mark.basic
@pytest.mark.task("4.1")
@pytest.mark.points(3)
@pytest.mark.requires("origin_gets_the_page_that_it_pushes_to")
@pytest.mark.hint(
    "What lies in no area, or is not permitted, is the end of the program: SIGSEGV, by returning false. The report"
    " shows area and page for the address."
)
def test_wrong_accesses_end_their_program_only(machine: Machine) -> None:
    """Otherwise a wild pointer gets a page of its own, or the kernel ends with the program.  (100 ms.)"""
    link = symbols.facts(build.program("fault"))
    outside = [0, 8, link.start - 8, link.end, link.end + 5 * PAGE, 0x10000000, 0x80000000]
    outside += [
        machine.symbol("kernel_start"),
        machine.symbol("frame_table"),
        STACK_TOP,
        USER_END - 8,
    ]
    outside += [TRAMPOLINE, USER_END, -8 & (1 << 64) - 1, SV39_END, 1 << 39, 1 << 62]
    outside += [(1 << 63) + link.symbols["main"]]
    words_of = {"fetch": "fetch", "load": "read", "store": "write"}
    jobs = [f"fault {machine.random.choice(list(words_of))} {a:#x}" for a in outside]
    jobs += [f"fault store {link.symbols[name]:#x}" for name in ("main", "kinds", "_start")]
    jobs += [f"fault load {(1 << 39) + STACK_TOP - 8:#x}"]  # the stack's, but for a bit too many
    jobs += [
        f"fault fetch {a:#x}" for a in (link.symbols["kinds"], link.end - 8, STACK_TOP - 5 * PAGE)
    ]
    machine.random.shuffle(jobs)
    run = run_lazily(machine, [*jobs, "exit 5"])
    run.expect_ends(
        ["killed by SIGSEGV"] * len(jobs) + ["exited with 5"],
        "each wrong access ends its program, and no other",
    )
    seen = faults(run)
    for job in jobs:
        _, kind, address = job.split()
        check.true(
            (words_of[kind], int(address, 16)) in seen,
            f"the MMU stops `{job}`",
            f"a {kind} page fault at {address} in QEMU's trap log",
            "none",
            "no evidence of user mode",
        )


@pytest.mark.task("4.1")
@pytest.mark.points(2)
@pytest.mark.requires("origin_gets_the_page_that_it_pushes_to")
@pytest.mark.hint(
    "space_fault->fault() is what the copies of lab 3 call: the same as for a program's fault, for the access that"
    " it is told."
)
def test_system_calls_bring_pages_in(machine: Machine) -> None:
    """Otherwise a buffer must be touched before it is used."""
    array, filled, fixed, end = (
        place("array"),
        place("filled"),
        place("fixed"),
        end_of_touch(),
    )
    actions: Dict[str, str] = {
        f"clock={array + 5 * PAGE:x}": "0",
        f"clock={array + 8 * PAGE - 8:x}": "0",
        f"write={array + 20 * PAGE:x},3": "3",
        f"write={filled:x},1": "1",
        f"clock={fixed + PAGE:x}": str(EFAULT),
        f"clock={array + 9 * PAGE:x}": "0",
        f"clock={end - 8:x}": str(EFAULT),
        f"clock={end:x}": str(EFAULT),
        f"write={end:x},4": str(EFAULT),
        f"write={fixed + 3 * PAGE:x},1": "1",
        f"write={fixed + 2 * PAGE + 1:x},{PAGE:x}": str(PAGE),
    }
    run = run_lazily(machine, ["touch " + " ".join(actions)])
    run.expect_ends(["exited with 0"], "`touch` runs to its end")
    pages = [array // PAGE + n for n in (5, 7, 8, 9, 20)]
    early = [each for each in faults(run) if each[1] // PAGE in pages]
    check.equal(
        shown(early), "none", "page faults of the program, where it has only called the kernel"
    )
    expect_answers(run, [f"{name}: {answer}" for name, answer in actions.items()])


@pytest.mark.task("4.1")
@pytest.mark.points(2)
@pytest.mark.requires("system_calls_bring_pages_in")
@pytest.mark.hint(
    "space->minor_faults counts each page that fault() or the handler has brought in: once, and nothing else."
)
def test_getrusage_counts_what_came(machine: Machine) -> None:
    """Otherwise nobody sees what paging costs."""
    array, low = place("array"), STACK_TOP - STACK_SIZE
    pages = machine.random.sample(range(12), 7)
    actions = [f"w={array + n * PAGE:x}" for n in machine.random.sample(range(60), 5)]
    actions += [f"{kind}={low + n * PAGE:x}" for kind, n in zip("rwrw", pages)]
    copies = [f"clock={low + n * PAGE:x}" for n in pages[4:]]
    mixed = machine.random.sample([*actions, *copies], len(actions) + len(copies))
    run = run_lazily(machine, [f"touch faults faults {' '.join(mixed)} faults"])
    run.expect_ends(["exited with 0"], "`touch` runs to its end")
    counts = [int(number) for number in re.findall(rb"faults: (\d{1,9})\n", run.printed)]
    call = place("getrusage")
    calls = [n for n, t in enumerate(run.traps) if t.cause == 8 and call <= t.epc < call + 64]
    check.true(
        len(counts) == 3 and len(calls) == 3,
        "getrusage() answers",
        "three calls in QEMU's trap log, three answers",
        f"{len(calls)} calls; {check.readable(run.printed)}",
    )
    logged = sum(
        trap.cause in KINDS and not trap.interrupt for trap in run.traps[calls[1] : calls[2]]
    )
    check.equal(
        counts[2] - counts[1],
        logged + len(copies),
        f"minor faults between two calls of getrusage(): QEMU's trap log has {logged}, and the kernel has written to"
        f" {len(copies)} pages that nobody had touched",
    )


# ---- 4.2 areas that wait -----------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("4.2")
@pytest.mark.points(4)
@pytest.mark.hint(
    "An area that is mapped without populate has no pages. Which areas may wait? Those for user mode whose backend is"
    " spaces->anonymous: the stack is one."
)
def test_pages_come_in_the_order_in_which_they_are_touched(machine: Machine) -> None:
    """Otherwise programs take memory that they never use."""
    pages = machine.random.sample(range(14), 6)
    low = STACK_TOP - STACK_SIZE
    touched = [
        (
            machine.random.choice(("read", "write")),
            low + page * PAGE + machine.random.randrange(PAGE),
        )
        for page in pages
    ]
    run, seen = looked_at(machine, " ".join(f"{kind[0]}={at:x}" for kind, at in touched))
    end = low + 14 * PAGE
    check.equal(
        shown(faults(run, low, end)),
        shown(touched),
        "page faults in the stack's first 14 pages, of 16, in their order",
    )
    there = sorted(address for address in seen.user.pages(low, end))
    wanted = sorted(low + page * PAGE for page in pages)
    check.equal(
        "\n".join(map(hex, there)) or "none",
        "\n".join(map(hex, wanted)),
        "pages that the MMU has of them at the end",
    )
    wrong = [
        row for row in seen.user.rows if low <= row.start < end and row.prot not in ("rw-u", "r--u")
    ]
    check.equal(
        "\n".join(map(str, wrong)) or "none", "none", "pages of the stack that are not rw-u"
    )


@pytest.mark.task("4.2")
@pytest.mark.points(3)
@pytest.mark.requires("pages_come_in_the_order_in_which_they_are_touched")
@pytest.mark.hint("With populate_all every wish goes on to lab 3's map() as it is.")
def test_populate_brings_everything_in_at_once(machine: Machine) -> None:
    """Otherwise nobody can tell a bug of paging from another."""
    jobs = ["hello", "layout 1 5", "origin"]
    run = machine.run(jobs, arguments="populate=1", checkpoints=True)
    run.expect_ends(
        ["exited with 0", "exited with 0", "exited with 42"], "programs run with populate=1"
    )
    check.equal(shown(faults(run)), "none", "page faults with populate=1")
    seen = [each for each in run.checkpoints if each.name == "layout"]
    check.true(len(seen) == 1, "`layout` comes to its checkpoint", "once", f"{len(seen)} times")
    missing = [
        f"{area.start:#x}-{area.end:#x} {area.prot}"
        for area in seen[0].areas
        if len(seen[0].user.pages(area.start, area.end)) != (area.end - area.start) // PAGE
    ]
    check.equal(
        "\n".join(missing) or "none", "none", "areas of which a page is missing with populate=1"
    )


@pytest.mark.task("4.2")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Change a copy of *wanted, and only if it has PROT_USER. An area with a file needs segment_backend() to wait:"
    " lab 3's own backend may want all pages at once. What lab 3's map() returns, you return."
)
def test_only_what_can_wait_waits(machine: Machine) -> None:
    """Otherwise the page that the kernel is entered through is missing."""
    probe(machine, "lazy-wishes", "areas of all kinds, one after the other", checks=50)


@pytest.mark.task("4.2")
@pytest.mark.points(2)
@pytest.mark.hint(
    "drop() must not ask about every page that there could be: space_next_page() leads from one that is there to the"
    " next. lazy_areas has to name your backend as .anonymous, or lab 3's goes on."
)
def test_a_large_area_costs_what_it_has(machine: Machine) -> None:
    """Otherwise a program that asks for much takes for ever to end."""
    probe(
        machine,
        "lazy-large",
        "an area of 20 GiB is mapped, touched at four places, and unmapped",
        checks=7,
    )


@pytest.mark.task("4.2")
@pytest.mark.points(2)
@pytest.mark.requires("pages_come_in_the_order_in_which_they_are_touched")
@pytest.mark.hint("Programs cannot tell when their pages came: what they compute is the same.")
def test_programs_do_not_notice(machine: Machine) -> None:
    """Otherwise nothing that ran before runs now."""
    exponent = machine.random.randrange(2, 1 << 32)
    deck = {
        "hello": "Hello, world!\n",
        f"power 7 {exponent} 999983": f"7^{exponent} mod 999983 = {pow(7, exponent, 999983)}\n",
        "survive 200": "all registers survived 200 calls\n",
        "keep 12345 1": "kept everything\n",
        "big": "touched 5 MiB\n",
        "straddle": "clock_gettime: right\ngettimeofday: right\nnanosleep: right\nrefused: right\n",
        "layout 2 5": "",
        "auxv one 2": "",
    }
    run = machine.run([*deck, "nap 12000", "fault stack"], shift=5, budget=4.0)
    run.expect_ends(
        ["exited with 0"] * 9 + ["killed by SIGSEGV"], "programs of the first labs run to their end"
    )
    run.expect_lines(
        [line for text in deck.values() for line in text.splitlines()], "what they print"
    )
    run.expect_linked_calls({0: 2, 1: 2, 2: 200})


# ---- 4.3 a program page by page ----------------------------------------------------------------


def jumps(targets: Sequence[int], size: int, data: int) -> bytes:
    """A program whose text and data have `size` bytes each, which calls these places in its text (a page's
    beginning each), reads a byte of its data as often, a page apart, and exits with 42."""
    base = 0x10000
    code = b"".join(
        access("fetch", target) + access("read", data + n * 64 * PAGE)
        for n, target in enumerate(targets)
    )
    text = bytearray(size)
    text[: len(code + EXIT_42)] = code + EXIT_42
    for target in targets:
        text[target - base : target - base + 4] = RETURN
    return elf([(base, bytes(text), None, RX), (data, bytes(size), None, RW)], base)


@pytest.mark.basic
@pytest.mark.task("4.3")
@pytest.mark.points(4)
@pytest.mark.hint(
    "fill() brings in the page at va; some neighbours of it are allowed, all of the area is not. segment_backend()"
    " must be your backend, or task 4.2 goes on with lab 3's."
)
def test_a_large_program_brings_in_what_it_uses(machine: Machine) -> None:
    """Otherwise a program of 4 MiB that does next to nothing takes 4 MiB of memory, and long to start.  (140 ms.)"""
    size, data = 2 * MIB, 0x400000
    targets = [0x10000 + page * PAGE for page in machine.random.sample(range(64, 512, 64), 5)]
    files = {"bin/large": jumps(targets, size, data)}
    run = machine.run(["large"], files)
    run.expect_ends(["exited with 42"], "`large`, with 2 MiB of text and 2 MiB of data")
    fetched = [each for each in faults(run, 0x10000 + 32 * PAGE, data) if each[0] == "fetch"]
    check.equal(
        shown(fetched),
        shown([("fetch", target) for target in targets]),
        "page faults where it jumps to, in their order",
    )
    # A table or kernel stack more or less, or up to 16 pages around each fault: everything would be 1,030.
    probe(
        machine,
        "peak:220",
        "`large` runs, which touches 11 of its 1,024 pages",
        files=files,
        jobs=["large"],
    )


@pytest.mark.task("4.3")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Page number n of the area shows the file from area->offset + n * PAGE_SIZE on, but nothing from area->file_size on,"
    " counted from the area's start. A frame from frame_alloc() is zero already."
)
def test_pages_show_what_the_file_says(machine: Machine) -> None:
    """Otherwise programs start with wrong values in their variables."""
    probe(
        machine,
        "file-content",
        "areas on different parts of a file, page by page, in any order",
        checks=300_000,
    )


@pytest.mark.task("4.3")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Read first, map last. Fewer bytes than asked for is as bad as an error: -EIO. On every way out that is not"
    " success the frame goes back."
)
def test_a_page_that_cannot_be_read_does_not_come(machine: Machine) -> None:
    """Otherwise a broken disk is a page of zeros."""
    probe(
        machine,
        "file-errors",
        "a file that cannot be read, and frames that cannot be had",
        checks=22,
    )


SEGMENT = 0x200000


def segment_programs() -> Dict[str, Tuple[bytes, str]]:
    """Programs whose first access to a segment is of each kind, for segments with all flags, and their ends:
    `fetch-5` fetches, flags 5 (r-x)."""
    flags = {"read": 4 | 2, "write": 2, "fetch": 1}  # that permit it: PF_R 4, PF_W 2, PF_X 1
    found: Dict[str, Tuple[bytes, str]] = {}
    for mask in range(8):
        for kind in CAUSES:
            code = access(kind, SEGMENT + 5 * PAGE) + EXIT_42
            content = bytes(5 * PAGE) + RETURN + bytes(3 * PAGE - 4)
            segments: List[Segment] = [(0x10000, code, None, RX), (SEGMENT, content, None, mask)]
            end = "exited with 42" if mask & flags[kind] else "killed by SIGSEGV"
            found[f"{kind}-{mask}"] = (elf(segments, 0x10000), end)
    return found


@pytest.mark.basic
@pytest.mark.task("4.3")
@pytest.mark.points(3)
@pytest.mark.requires("pages_show_what_the_file_says")
@pytest.mark.hint(
    "area->prot is what the page gets, as in lab 3, and what task 4.1 has checked before."
)
def test_segments_permit_what_their_flags_say(machine: Machine) -> None:
    """Otherwise the first touch opens what should stay shut.  (100 ms.)"""
    at, made = SEGMENT, segment_programs()
    files = {f"bin/{name}": content for name, (content, _) in made.items()}
    run = machine.run([*made, "exit 5"], files, shift=5, budget=4.0)
    run.expect_ends(
        [*(end for _, end in made.values()), "exited with 5"],
        "programs whose first access to a segment (`fetch-5` fetches, flags 5: r-x) is permitted, or not",
    )
    seen = faults(run, at, at + 8 * PAGE)
    check.true(
        all(seen.count((kind, at + 5 * PAGE)) >= 8 for kind in CAUSES),
        "the MMU sees the first access of each kind",
        "8 page faults of each kind in the segment",
        shown(sorted(set(seen))),
        "no evidence of user mode",
    )


@pytest.mark.task("4.3")
@pytest.mark.points(2)
@pytest.mark.requires("pages_show_what_the_file_says")
@pytest.mark.hint(
    "Segments that begin in the middle of a page, or have nothing in the file, are segments too."
)
def test_unusual_program_files_run(machine: Machine) -> None:
    """Otherwise only our own linker's programs run."""
    files = {f"bin/{name}": content for name, content in unusual(machine.random).items()}
    jobs = [name[len("bin/") :] for name in files]
    run = machine.run(jobs, files, memory=machine.random.choice((16, 64, 1024)))
    run.expect_ends(
        ["exited with 42"] * len(jobs), "each program finds its data, and zero in its bss"
    )


# ---- 4.4 the heap ------------------------------------------------------------------------------

GROW_AND_SHRINK = (
    # A heap of three and a half pages, of which two are touched.
    ("brk=heap+3800", "heap+3800"),
    ("w=heap+0,a1", None),
    ("w=heap+2fff,a2", None),
    ("r=heap+37ff", "0"),
    ("w=heap+37ff,a3", None),
    # Less: what is left stays, the rest of its last page as well.
    ("brk=heap+2001", "heap+2001"),
    ("r=heap+2fff", str(0xA2)),
    ("r=heap+0", str(0xA1)),
    # More: what comes again is zero.
    ("brk=heap+5000", "heap+5000"),
    ("r=heap+37ff", "0"),
    ("r=heap+1fff", "0"),
    ("w=heap+4fff,a4", None),
    # Nothing, and something again.
    ("brk=heap+0", "heap+0"),
    ("brk=heap+1", "heap+1"),
    ("r=heap+0", "0"),
)
BRK_ANSWERS = (
    ("brk=0", "heap+0"),
    ("brk=heap+123", "heap+123"),
    ("brk=1", "heap+123"),
    ("brk=fff", "heap+123"),
    ("brk=ffffffffffffffff", "heap+123"),
    ("brk=8000000000000000", "heap+123"),
    ("brk=fffffffffffff000", "heap+123"),
    ("brk=4000000000", "heap+123"),
    ("brk=heap+1000", "heap+1000"),
    ("brk=heap+1001", "heap+1001"),
    ("w=heap+1fff", None),
    ("brk=heap+fff", "heap+fff"),
    ("w=heap+fff", None),
    ("brk=heap+100000", "heap+100000"),
)


def script(actions: Sequence[Tuple[str, Optional[str]]]) -> Tuple[str, List[str]]:
    """`touch` with these actions, and what it is to print."""
    job = " ".join(["touch", *(action for action, _ in actions)])
    return job, [f"{action}: {answer}" for action, answer in actions if answer is not None]


@pytest.mark.basic
@pytest.mark.task("4.4")
@pytest.mark.points(4)
@pytest.mark.hint(
    "space_resize() drops what the heap loses. Whole pages: the heap's last page stays as long as a byte of it is"
    " the heap's."
)
def test_the_heap_grows_and_shrinks(machine: Machine) -> None:
    """Otherwise malloc() has nothing to give out."""
    job, wanted = script(GROW_AND_SHRINK)
    run = machine.run([job])
    run.expect_ends(["exited with 0"], "`touch` runs to its end")
    check.equal(
        check.readable(run.printed.replace(b"\r", b"")), "\n".join(wanted) + "\n", "what it is told"
    )


@pytest.mark.task("4.4")
@pytest.mark.points(3)
@pytest.mark.requires("the_heap_grows_and_shrinks")
@pytest.mark.hint(
    "The answer is always where the heap ends: there, or, if that cannot be, where it ended before. Sums may wrap:"
    " look at the limit before you round up."
)
def test_brk_answers_where_the_heap_ends(machine: Machine) -> None:
    """Otherwise a C library believes that it has memory, or that it has none."""
    job, wanted = script(BRK_ANSWERS)
    top = STACK_TOP - STACK_MAX - STACK_GAP
    far = script(
        [
            (f"brk={top + 1:x}", "heap+0"),
            (f"brk={STACK_TOP - PAGE:x}", "heap+0"),
            ("brk=heap+1", "heap+1"),
        ]
    )
    most = f"brk={top:x}"
    # The largest heap has two pages, far apart: to take it away must not take longer for that.
    run = machine.run([job, far[0], f"touch {most} w={top - PAGE:x} w=heap+0"])
    run.expect_ends(["exited with 0"] * 3, "`touch` runs to its end")
    start = end_of_touch()
    expect_answers(run, [*wanted, *far[1], f"{most}: heap+{top - start:x}"])


@pytest.mark.task("4.4")
@pytest.mark.points(4)
@pytest.mark.hint(
    "heap_end is any address, the area's bounds are pages: round up. An empty heap has no area. When less is"
    " wanted, pages behind the new end go."
)
def test_random_heaps(machine: Machine) -> None:
    """Otherwise it works for the sizes that somebody tried.  (200 ms.)"""
    probe_random(
        machine, "heap-random", "brk() and touches at random", jobs=["exit"], checks=2_000_000
    )


@pytest.mark.task("4.4")
@pytest.mark.points(4)
@pytest.mark.hint(
    "Untouched, the heap costs nothing. What it loses goes back to the frames. Behind the heap a page stays free"
    " before the next area. After an error of space_resize() or spaces->map() nothing has changed."
)
def test_the_heap_takes_what_is_touched(machine: Machine) -> None:
    """Otherwise memory goes, and does not come back."""
    probe(
        machine,
        "heap-memory",
        "frames that the heap takes, and gives back",
        jobs=["exit"],
        checks=26,
    )


@pytest.mark.task("4.4")
@pytest.mark.points(2)
@pytest.mark.requires("the_heap_grows_and_shrinks")
@pytest.mark.hint(
    "Behind the last page of the heap nothing is the program's, and before its first byte neither."
)
def test_behind_the_heap_is_nothing(machine: Machine) -> None:
    """Otherwise an array that is too short goes unnoticed."""
    size = machine.random.randrange(1, 5) * PAGE - machine.random.randrange(1, PAGE)
    behind = (size + PAGE - 1) // PAGE * PAGE
    jobs = [
        f"touch brk=heap+{size:x} w=heap+{behind - 1:x}",
        f"touch brk=heap+{size:x} w=heap+{behind:x}",
        "touch r=heap+0",
        f"touch brk=heap+{size:x} w=heap+0 brk=heap+0 r=heap+0",
    ]
    run = machine.run(jobs)
    run.expect_ends(
        ["exited with 0"] + ["killed by SIGSEGV"] * 3,
        f"a heap of {size:#x} bytes, and its neighbours",
    )


# ---- 4.5 the stack grows -----------------------------------------------------------------------


@pytest.mark.basic
@pytest.mark.task("4.5")
@pytest.mark.points(4)
@pytest.mark.hint(
    "The stack is the area that ends at USER_STACK_TOP: let it begin with the page that va lies in. The pages"
    " between are the stack's too, and wait."
)
def test_the_stack_grows_as_it_is_used(machine: Machine) -> None:
    """Otherwise a deep recursion ends the program, or every program has a stack of 8 MiB."""
    depth = machine.random.randrange(60, 120)
    size = machine.random.randrange(700, 1900) << 10
    run, seen = looked_at(machine, f"deep={depth:x} frame={size:x}")
    low = STACK_TOP - STACK_SIZE
    grown = faults(run, STACK_TOP - STACK_MAX, low)
    check.true(
        len(grown) >= depth - STACK_SIZE // PAGE and STACK_TOP - grown[-1][1] > size,
        f"{depth} calls of a page each, and then one with {size:#x} bytes of variables",
        "page faults below the first 64 KiB, one after the other, and then far below",
        shown(grown[-6:]),
    )
    odd = [f"{a.start:#x}-{a.end:#x}" for a in seen.areas if a.start % PAGE or a.end % PAGE]
    check.equal("\n".join(odd) or "none", "none", "areas that do not begin and end with a page")
    there = seen.user.pages(STACK_TOP - STACK_MAX, low)
    wanted = {address & -PAGE for _, address in grown}
    check.equal(
        "\n".join(map(hex, sorted(set(there) ^ wanted)[:6])) or "none",
        "none",
        "pages of the grown stack that were touched and are not there, or the other way round",
    )


@pytest.mark.task("4.5")
@pytest.mark.points(3)
@pytest.mark.requires("the_stack_grows_as_it_is_used")
@pytest.mark.hint("It may begin at USER_STACK_TOP - USER_STACK_MAX, and at no page below.")
def test_the_stack_has_a_limit(machine: Machine) -> None:
    """Otherwise a recursion without end takes all memory, and every program with it."""
    limit = STACK_TOP - STACK_MAX
    inside, below = limit + machine.random.randrange(PAGE), limit - machine.random.randrange(
        1, PAGE
    )
    jobs = [
        f"touch w={limit:x} w={inside:x}",
        f"touch w={below:x}",
        f"touch w={inside:x} w={below:x}",
        f"touch r={limit - STACK_GAP // 2:x}",
        f"touch w={STACK_TOP:x}",
        "fault stack",
    ]
    run = machine.run(jobs, shift=5, budget=4.0)
    run.expect_ends(
        ["exited with 0"] + ["killed by SIGSEGV"] * 5,
        f"a stack down to its limit, {limit:#x}, and beyond it",
    )
    probe(
        machine,
        "stack-growth",
        "what stack_grow() answers, at every bound of the stack",
        checks=1000,
    )


@pytest.mark.task("4.5")
@pytest.mark.points(3)
@pytest.mark.requires("the_stack_grows_as_it_is_used")
@pytest.mark.hint(
    "From USER_STACK_GAP bytes below the new beginning on, the first area must be the stack. And the gap is not the"
    " stack's: there nothing comes."
)
def test_the_stack_keeps_its_distance(machine: Machine) -> None:
    """Otherwise a stack that grows too far writes into what lies below, and nobody notices."""
    end = STACK_TOP - machine.random.randrange(700, 1500) * PAGE  # of a segment in the stack's way
    lowest = end + STACK_GAP
    wanted: Dict[str, str] = {}
    files: Dict[str, bytes] = {}
    for name, address, result in (
        ("at-the-distance", lowest, "exited with 42"),
        ("too-near", lowest - 1, "killed by SIGSEGV"),
        ("in-the-gap", end + STACK_GAP // 2, "killed by SIGSEGV"),
        ("beside-the-segment", end, "killed by SIGSEGV"),
        ("in-the-segment", end - 1, "exited with 42"),
    ):
        code = access("write", address) + EXIT_42
        files[f"bin/{name}"] = elf(
            [(0x10000, code, None, RX), (end - PAGE, b"", PAGE, RW)], 0x10000
        )
        wanted[name] = result
    run = machine.run(list(wanted), files)
    run.expect_ends(
        list(wanted.values()), f"programs with a segment that ends at {end:#x}, below the stack"
    )


@pytest.mark.task("4.5")
@pytest.mark.points(2)
@pytest.mark.requires("the_stack_grows_as_it_is_used")
@pytest.mark.hint(
    "The copies of lab 3 come to stack_grow() by space_fault->fault(), as a program's fault does."
)
def test_system_calls_let_the_stack_grow(machine: Machine) -> None:
    """Otherwise a buffer on the stack is refused when the kernel is the first to touch it."""
    low, limit = STACK_TOP - STACK_SIZE, STACK_TOP - STACK_MAX
    at = machine.random.randrange(limit // 16, low // 16) * 16
    actions = {
        f"clock={low - 8:x}": "0",
        f"clock={at:x}": "0",
        f"clock={limit:x}": "0",
        f"clock={limit - 8:x}": str(EFAULT),
    }
    run = machine.run(["touch " + " ".join(actions)])
    run.expect_ends(["exited with 0"], "`touch` runs to its end")
    expect_answers(run, [f"{action}: {answer}" for action, answer in actions.items()])


# ---- 4.6 no frame left -------------------------------------------------------------------------

SMALL = 20  # MiB of a machine whose memory is soon used up


@pytest.mark.basic
@pytest.mark.task("4.6")
@pytest.mark.points(4)
@pytest.mark.hint(
    "oom_kill(): trap_report_fault() with SIGKILL, and task_exit() with its status. Nobody else's page goes."
)
def test_a_program_without_memory_ends_alone(machine: Machine) -> None:
    """Otherwise one greedy program takes the machine down.  (200 ms.)"""
    jobs = ["hog 100000", "layout 3 7", "keep 12345 1", "nap 400000", "exit 5"]
    run = machine.run(jobs, memory=SMALL, budget=2.0)
    run.expect_ends(
        ["killed by SIGKILL", "exited with 0", "exited with 0", "exited with 0", "exited with 5"],
        f"`hog` wants more memory than a machine of {SMALL} MiB has, the others do not",
    )
    check.true(
        [fault.signal for fault in run.faults] == ["SIGKILL"],
        "a program that ends for want of memory is reported, as lab 1 reports faults",
        "a report on `hog` that says SIGKILL, by trap_report_fault()",
        ", ".join(fault.signal for fault in run.faults) or "none",
    )
    used = len(faults(run, symbols.facts(build.program("hog")).end, STACK_TOP - STACK_MAX))
    check.true(
        used > 2500,
        "before that the machine's memory has been given out",
        "some 4,000 page faults in the heap of `hog`",
        str(used),
    )


@pytest.mark.task("4.6")
@pytest.mark.points(4)
@pytest.mark.requires("a_program_without_memory_ends_alone")
@pytest.mark.hint(
    "Whoever has taken a frame, and cannot go on, gives it back: in fill(), in brk(), in stack_grow(). And it says -ENOMEM,"
    " which becomes SIGKILL, or the answer of the system call."
)
def test_every_allocation_can_fail(machine: Machine) -> None:
    """Otherwise a frame is lost, or the machine, each time that memory is short.  (800 ms.)"""
    array, filled, fixed = place("array"), place("filled"), place("fixed")
    drawn = [f"w={array:x}", f"r={fixed:x}", f"w={filled:x}", f"clock={array + 9 * PAGE:x}"]
    drawn += [f"write={fixed + PAGE:x},5", f"r={array + 30 * PAGE:x}", "deep=20", "frame=15000"]
    heap = ["brk=heap+9000", "w=heap+8000", "clock=heap+3ff8", "brk=heap+1000"]  # in this order
    count = len(drawn) + len(heap)
    places = machine.random.sample(range(count), len(heap))
    machine.random.shuffle(drawn)
    actions = [(heap if n in places else drawn).pop(0) for n in range(count)]
    # Where pages are there at once it is brk() that fails, and what follows must not use what it did not get.
    eager = [action for action in actions if not re.match("(w|clock)=heap", action)]
    for deck, name, arguments, when in (
        (actions, "shortage-sweep", "", "come when they are touched"),
        (eager, "shortage-sweep:1", "populate=1", "are there at once"),
    ):
        probe(
            machine,
            name,
            "programs start, fault, call and end, while each frame in turn cannot be had"
            f" (pages {when})",
            jobs=["touch " + " ".join(deck), "exit 1"],
            arguments=arguments,
            checks=330,
        )


@pytest.mark.task("4.6")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Of all spaces but the one that asks: areas with a file, without PROT_WRITE, by their backend's drop(). Is there a"
    " frame now? frame_alloc() tells; put it back."
)
def test_what_can_be_read_again_makes_room(machine: Machine) -> None:
    """Otherwise a page that is in a file anyway stands in the way, or one is lost that was nowhere else."""
    probe(
        machine,
        "shortage-parts",
        "reclaim_frames() and oom_kill(), with two programs in memory",
        jobs=["hello", "tenant"],
        checks=1600,
    )


@pytest.mark.task("4.6")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_without_memory_ends_alone", "what_can_be_read_again_makes_room")
@pytest.mark.hint(
    "`tenant` sleeps, and has 128 pages of constants in memory: they can go, and come back when it wakes."
)
def test_sleepers_make_room(machine: Machine) -> None:
    """Otherwise memory is full of what nobody uses just now.  (500 ms.)"""
    most: List[int] = []
    # Both archives have the same size.
    files = {"bin/tenant": build.program("tenant").read_bytes()}
    for jobs in (["hog 100000 10"], ["hog 100000 10", "tenant 600000"]):
        run = machine.run(jobs, files, memory=SMALL, budget=3.0)
        run.expect_ends(
            ["killed by SIGKILL", "exited with 0"][: len(jobs)],
            "`hog` takes what there is, `tenant` sleeps",
        )
        counts = re.findall(rb"(\d{1,9}) pages\n", run.printed)
        check.true(
            bool(counts),
            "`hog` counts its pages",
            "a line for every tenth page",
            check.readable(run.printed),
        )
        most.append(int(counts[-1]))
    sums = re.findall(rb"sum (\d{1,10})\n", run.printed)
    check.true(
        len(sums) == 2 and sums[0] == sums[1] == str(tenant_sum()).encode(),
        "`tenant` adds up its constants, before and after its sleep",
        f"twice {tenant_sum()}",
        check.readable(b", ".join(sums)),
    )
    check.true(
        most[0] - most[1] < 80,
        "`hog` gets the pages of a sleeper that can be read again",
        f"alone {most[0]} pages; beside `tenant`, which has 128 such pages, and some 20 others, at least {most[0] - 79}",
        f"{most[1]}",
    )


def tenant_sum() -> int:
    """What the program `tenant` adds up (user/programs/tenant.c)."""
    total = 0
    for n in range(128):
        base, place_in_four = n - n % 4, n % 4
        total = total * 3 + base % (100 - 10 * place_in_four) + 1 + place_in_four
    return total & 0xFFFFFFFF


@pytest.mark.task("4.6")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_without_memory_ends_alone")
@pytest.mark.hint(
    "When programs have ended, however they did, each frame is free again, and the kernel's own memory."
)
def test_every_frame_comes_back(machine: Machine) -> None:
    """Otherwise the machine gets smaller with each program that it runs.  (550 ms: 2 boots.)"""
    jobs = [
        "hog 100000",
        "fault stack",
        "touch brk=heap+9000 w=heap+8000 deep=20",
        "tenant 1000",
        "fault load 0x10",
    ]
    for memory in (SMALL, 64):
        if memory == 64:
            jobs[0] = "hog 300"
        probe(
            machine,
            "shortage-deck",
            f"programs on a machine of {memory} MiB",
            memory,
            jobs=jobs,
            checks=2200,
        )


# ---- 4.7 advice (a challenge) ------------------------------------------------------------------

EINVAL = -22
ADVICE = (
    # What is given back is zero when it is touched again, page by page; what is not, stays.
    ("brk=heap+6000", "heap+6000"),
    ("w=heap+0,a1", None),
    ("w=heap+1000,a2", None),
    ("w=heap+2000,a3", None),
    ("advise=heap+1000,1001,4", "0"),
    ("r=heap+0", str(0xA1)),
    ("r=heap+1000", "0"),
    ("r=heap+2000", "0"),
    ("advise=heap+1000,0,4", "0"),
    ("advise=heap+1001,1000,4", str(EINVAL)),
    ("advise=heap+1000,1000,63", str(EINVAL)),
    ("advise=heap+1000,1000,0", "0"),
    ("advise=heap+1000,ffffffffffffffff,4", str(EINVAL)),
)


@pytest.mark.task("4.7")
@pytest.mark.points(3)
@pytest.mark.hint(
    "DONTNEED is the backend's drop(), for each area of the range; the length is rounded up. Pages of a file come from"
    " the file again."
)
def test_what_is_not_needed_is_given_back(machine: Machine) -> None:
    """Otherwise free() cannot give memory back.  As on Linux: madvise(2)."""
    job, wanted = script(ADVICE)
    filled = place("filled") + PAGE
    again, more = script(
        [
            (f"w={filled:x},63", None),
            (f"advise={filled:x},1000,4", "0"),
            (f"r={filled:x}", "11"),
        ]
    )
    run = machine.run([job, again])
    run.expect_ends(["exited with 0"] * 2, "`touch` runs to its end")
    expect_answers(run, [*wanted, *more])
    probe(machine, "advice-not-needed", "frames that madvise() gives back", jobs=["exit"], checks=5)


@pytest.mark.task("4.7")
@pytest.mark.points(2)
@pytest.mark.requires("what_is_not_needed_is_given_back")
@pytest.mark.hint(
    "WILLNEED fills what is missing: later there is no fault. It is advice: without a frame it is still 0."
)
def test_what_will_be_needed_comes_before(machine: Machine) -> None:
    """Otherwise whoever knows what comes has to wait all the same."""
    heap = end_of_touch()
    actions = "brk=heap+9000 w=heap+1000 advise=heap+0,4000,3 w=heap+0 w=heap+3000 w=heap+5000"
    run = machine.run([f"touch {actions}"])
    run.expect_ends(["exited with 0"], "`touch` runs to its end")
    check.equal(
        shown(faults(run, heap, heap + 9 * PAGE)),
        shown([("write", heap + PAGE), ("write", heap + 5 * PAGE)]),
        "page faults of a heap of which the second page is there when its first four are said to be needed",
    )
    probe(machine, "advice-needed", "frames that madvise() takes", jobs=["exit"], checks=2)


CORE = (
    ("brk=heap+5000", "heap+5000"),
    ("core=heap+0,5000", "0 00000"),
    ("w=heap+1000", None),
    ("w=heap+3000", None),
    ("core=heap+0,5000", "0 01010"),
    ("core=heap+1000,1", "0 1"),
    ("core=heap+0,1001", "0 01"),
    ("core=heap+0,fffffffffffff001", f"{ENOMEM} "),
    ("core=heap+1,1000", f"{EINVAL} "),
    ("core=heap+4000,2000", f"{ENOMEM} "),
    ("core=heap+10000,1000", f"{ENOMEM} "),
)


@pytest.mark.task("4.7")
@pytest.mark.points(2)
@pytest.mark.hint(
    "A byte for each page, from user_memory->out(): its bit 0 says whether page_table->find() knows it. What follows"
    " the vector in memory is the program's, and stays as it is."
)
def test_mincore_says_what_is_there(machine: Machine) -> None:
    """Otherwise a program cannot see what it costs.  As on Linux: mincore(2)."""
    job, wanted = script(CORE)
    vector = place("array")
    large, more = script(
        [
            ("brk=heap+300000", "heap+300000"),
            ("w=heap+2ff000", None),
            ("w=heap+1000", None),
            (f"w={vector + 0x300:x},4d", None),
            (f"vector=heap+0,300000,{vector:x}", "0"),
            (f"r={vector:x}", "0"),
            (f"r={vector + 1:x}", "1"),
            (f"r={vector + 0x2FE:x}", "0"),
            (f"r={vector + 0x2FF:x}", "1"),
            (f"r={vector + 0x300:x}", str(0x4D)),  # no page's: the range has 0x300 pages
        ]
    )
    run = machine.run([job, large])
    run.expect_ends(["exited with 0"] * 2, "`touch` runs to its end")
    expect_answers(run, [*wanted, *more])


@pytest.mark.task("4.7")
@pytest.mark.points(2)
@pytest.mark.requires("what_is_not_needed_is_given_back", "mincore_says_what_is_there")
@pytest.mark.hint(
    "Where no area is: -ENOMEM, at the end, after the rest of the range has been dealt with. The trampoline and"
    " whatever else is not for user mode is no area of the program's."
)
def test_advice_on_what_is_not_the_programs_is_refused(machine: Machine) -> None:
    """Otherwise a program gives the kernel's pages back."""
    actions, wanted = ["brk=heap+2000", "w=heap+1000,77"], []
    ranges = ["heap+1000,3000", f"{TRAMPOLINE:x},1000", f"{USER_END:x},1000"]
    for where in (*ranges, f"{SV39_END:x},1000"):
        actions += [f"advise={where},3", f"advise={where},4", f"core={where}"]
        wanted += [
            f"advise={where},3: {ENOMEM}",
            f"advise={where},4: {ENOMEM}",
            f"core={where}: {ENOMEM} ",
        ]
    actions.append("r=heap+1000")
    wanted += ["r=heap+1000: 0", f"vector=heap+0,2000,10: {EFAULT}"]
    run = machine.run(["touch " + " ".join(actions), "touch brk=heap+2000 vector=heap+0,2000,10"])
    run.expect_ends(["exited with 0"] * 2, "`touch` runs to its end")
    expect_answers(run, wanted)
    # A hole in the middle: from the heap to the lowest pages of the stack.
    heap = end_of_touch()
    low = STACK_TOP - STACK_SIZE
    advice = f"advise={heap:x},{low + 4 * PAGE - heap:x},3"
    run = machine.run(
        [f"touch brk=heap+1000 {advice} w=heap+0 w={low + PAGE:x} w={low + 8 * PAGE:x}"]
    )
    expect_answers(run, [f"{advice}: {ENOMEM}"])
    check.equal(
        shown(faults(run, heap, low + 9 * PAGE)),
        shown([("write", low + 8 * PAGE)]),
        "page faults after MADV_WILLNEED for a range that begins in the heap and ends in the stack, with nothing"
        " between",
    )
