"""Lab 5: the tests.

What a program is told is compared with what the MMU has, what QEMU's trap log shows, and what is on the disk
afterwards: its image is read by the host, and fsck.fat looks at it after each test that writes.  Probes test the
parts from inside, most of them with a file that counts what is done with it; the scripts of `mapper` are run on
Linux, too (grader/tests/test_oracle.py).

When a request of the disk is done depends on the host.  So no verdict of a test with a disk depends on guest
time, on the order of traps or on their number, and none is in the digest.

The cost of a test is noted where it is more than the 70 ms of a boot.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple

import pytest

from grader import build, check, symbols
from grader.plugin import Machine
from grader.probing import outcome_of, probe, probe_random
from grader.programs import RETURN
from grader.run import Run
from grader.view import PAGE, Checkpoint

MMAP_BASE = 1 << 36
BUDGET = 2.0  # guest seconds of a run with a disk: it takes 0.1 of them

Script = Sequence[Tuple[str, Optional[str]]]

ENOENT, EBADF, ENOMEM, EACCES, EFAULT = -2, -9, -12, -13, -14
EEXIST, ENODEV, EINVAL = -17, -19, -22


def pattern(size: int, salt: int = 0) -> bytes:
    """Bytes that say where they stand, as letters."""
    return bytes(97 + (n * 7 + n // 113 + salt) % 26 for n in range(size))


# The files that the scripts use, on the disk; under Linux in a directory called "disk".
TEXT = pattern(2 * PAGE + 700)
FILES = {"text": TEXT, "page": pattern(PAGE, 5), "empty": b"", "short": b"short"}


def script(actions: Script) -> Tuple[str, List[str]]:
    """`mapper` with these actions, and what it is to print."""
    job = " ".join(["mapper", *(action for action, _ in actions)])
    return job, [f"{action}: {answer}" for action, answer in actions if answer is not None]


def expect_answers(run: Run, wanted: Sequence[str]) -> None:
    """Demand that `mapper` has printed these lines, in this order."""
    seen = check.readable(run.printed).splitlines()
    at = 0
    for line in wanted:
        action = line.rpartition(": ")[0]
        if line not in seen[at:]:
            others = [each for each in seen if each.startswith(f"{action}: ")]
            answers = "\n".join(others) or f"no answer to {action}"
            answers += "".join(f"\n`mapper` {job.end}{run.why(job.index)}" for job in run.jobs)
            check.fail(
                "what `mapper` is told", line, f"{answers}\n{run.explanation}", outcome_of(run)
            )
        at = seen.index(line, at) + 1


def play(machine: Machine, actions: Script, files: Optional[Dict[str, bytes]] = None) -> Run:
    """Run a script with a disk, to its end, and demand its answers; the file system is in order then."""
    job, wanted = script(actions)
    run = machine.run([job], disk=FILES if files is None else files, budget=BUDGET)
    expect_answers(run, wanted)
    run.expect_ends(["exited with 0"], "`mapper` runs to its end")
    run.expect_linked_calls({0: len(wanted)})
    run.expect_disk_in_order()
    return run


def expect_file(run: Run, name: str, wanted: bytes, what: str) -> None:
    """Demand that a file on the disk, as the host reads it, has this content."""
    found = run.disk_files().get(name)
    if found is None:
        check.fail(what, f"a file '{name}' of {len(wanted)} bytes", "no such file")
    if found == wanted:
        return
    at = next(
        (n for n, (a, b) in enumerate(zip(found, wanted)) if a != b), min(len(found), len(wanted))
    )
    check.fail(
        what,
        f"{len(wanted)} bytes, from {at:#x} on {check.readable(wanted[at:at + 24])}",
        f"{len(found)} bytes, from {at:#x} on {check.readable(found[at:at + 24])}",
    )


def ends(machine: Machine, wanted: Dict[str, str], what: str) -> Run:
    """Run scripts of which each has the end that stands behind it, side by side, with a disk."""
    jobs = [f"mapper {actions}" for actions in wanted]
    run = machine.run(jobs, disk=FILES, budget=BUDGET)
    run.expect_ends(list(wanted.values()), what)
    run.expect_disk_in_order()
    return run


def looked_at(machine: Machine, actions: str) -> Checkpoint:
    """`mapper` with these actions, and what its space looks like behind them."""
    run = machine.run([f"mapper {actions} checkpoint"], checkpoints=True)
    run.expect_ends(["exited with 0"], f"`mapper {actions}` runs to its end")
    check.true(
        len(run.checkpoints) == 1,
        "the program comes to its checkpoint, in user mode",
        "once",
        f"{len(run.checkpoints)} times; {run.explanation}",
        outcome_of(run),
    )
    return run.checkpoints[0]


def pages(seen: Checkpoint, start: int, count: int) -> str:
    """The permissions of pages, as the MMU has them: "rw-u" each, "-" for one that is missing."""
    found = seen.user.pages(start, start + count * PAGE)
    return " ".join(found.get(start + n * PAGE, (0, "-"))[1] for n in range(count))


# ---- 5.1 what can be asked, and where there is room ----------------------------------------------


@pytest.mark.basic
@pytest.mark.task("5.1")
@pytest.mark.points(4)
@pytest.mark.hint(
    "Each rule alone, in mmap_check(): alignment, length, the two kinds, the file and how it was opened. Numbers may wrap:"
    " compare without adding. And nothing may change."
)
def test_what_cannot_be_mapped_is_refused(machine: Machine) -> None:
    """Otherwise a program is told that it has what it has not."""
    probe(
        machine,
        "rules-errors",
        "mmap_check() with arguments of which each breaks one rule, or none",
        checks=100,
    )


@pytest.mark.task("5.1")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Length in whole pages; of prot the three bits, PROT_USER, and PROT_READ with PROT_WRITE; file and offset only"
    " without MAP_ANONYMOUS. prot, flags and fd are 32 bits wide, all else 64."
)
def test_what_is_asked_is_passed_on(machine: Machine) -> None:
    """Otherwise the right mapping is made of the wrong thing."""
    probe(machine, "rules-request", "the request that mmap_check() makes of arguments", checks=34)


@pytest.mark.task("5.1")
@pytest.mark.points(4)
@pytest.mark.hint(
    "From the hint, rounded up, if it lies in [MMAP_BASE, MMAP_END), and when there is nothing up to MMAP_END, or no"
    " hint: from MMAP_BASE."
)
def test_a_mapping_lies_as_low_as_it_can(machine: Machine) -> None:
    """Otherwise the heap or the stack has no room to grow, or there is room that nobody gets."""
    probe(
        machine,
        "place-find",
        "find_unmapped_area() among areas with gaps, with hints of all sorts",
        checks=17,
    )


@pytest.mark.task("5.1")
@pytest.mark.points(4)
@pytest.mark.hint("Play the sequence on paper: which is the first gap that is large enough?")
def test_random_places(machine: Machine) -> None:
    """Otherwise it works for the layouts that somebody tried.  (60 ms.)"""
    probe_random(
        machine, "place-random", "areas come and go, and places are looked for", checks=1500
    )


# ---- 5.2 memory on request ------------------------------------------------------------------------

MEMORY: Script = (
    ("map=0,3000,rw,pa", "a"),
    ("r=a+0", "0"),
    ("r=a+2fff", "0"),
    ("w=a+10,5a", None),
    ("r=a+10", str(0x5A)),
    ("map=0,1,r,pa", "b"),
    ("r=b+fff", "0"),
    ("fill=a+0,3000,41", None),
    ("text=a+2ff8,8", "AAAAAAAA"),
    ("r=b+0", "0"),
    ("map=0,0,r,pa", str(EINVAL)),
    ("map=0,1000,r,a", str(EINVAL)),
    ("map=0,1000,r,psa", str(EINVAL)),
    ("map=0,1000,r,p,9,0", str(EBADF)),
    ("map=a+1,1000,r,paf", str(EINVAL)),
    ("map=0,8000000000000000,r,pa", str(ENOMEM)),
    ("map=a+1000,1000,r,pan", str(EEXIST)),
    ("map=0,4000,rw,pal", "c"),
    ("sum=c+0,4000", "9f780001"),
    ("write=1,b+0,0", "0"),
    ("write=1,a+2000,3", "3"),
)


@pytest.mark.basic
@pytest.mark.task("5.2")
@pytest.mark.points(4)
@pytest.mark.hint(
    "mmap_check(), a backend, a place, slot_below(spaces, 4)->map(): in this order, and what it returns is the address, or"
    " the error."
)
def test_programs_get_memory(machine: Machine) -> None:
    """Otherwise malloc() of C libraries has nothing to give out.  As on Linux: mmap(2).  (100 ms.)"""
    job, wanted = script([a for a in MEMORY if not a[0].startswith("write=")])
    run = machine.run([job])
    expect_answers(run, wanted)
    run.expect_ends(["exited with 0"], "`mapper` runs to its end")
    run.expect_linked_calls({0: len(wanted)})
    a, b = MMAP_BASE, MMAP_BASE + 5 * PAGE
    seen = looked_at(
        machine, "map=0,5000,rw,pa map=0,3000,r,pa w=a+1000,1 w=a+4000,1 r=b+2000 map=0,2000,rw,pal"
    )
    check.equal(
        f"{pages(seen, a, 5)} | {pages(seen, b, 3)} | {pages(seen, b + 3 * PAGE, 2)}",
        "- rw-u - - rw-u | - - r--u | rw-u rw-u",
        "pages that the MMU has, of three mappings: two touched in the first, one in the second, the third with"
        " MAP_POPULATE",
    )


@pytest.mark.task("5.2")
@pytest.mark.points(4)
@pytest.mark.hint(
    "An area waits: no page until it is touched. MAP_FIXED_NOREPLACE looks whether an area is in the way: of any of its"
    " pages."
)
def test_memory_is_where_mmap_says(machine: Machine) -> None:
    """Otherwise memory is used up by asking for it, or two mappings share a page."""
    probe(
        machine,
        "mmap-anonymous",
        "mappings of memory: their areas, their pages, what they cost",
        checks=1100,
    )


@pytest.mark.task("5.2")
@pytest.mark.points(2)
@pytest.mark.hint(
    "After map(): fill() page by page, with MAP_POPULATE or populate_all, until it says that there is no more. That"
    " is no error."
)
def test_populate_brings_pages_in(machine: Machine) -> None:
    """Otherwise a program that must not wait later waits later."""
    probe(
        machine,
        "mmap-populate",
        "MAP_POPULATE and populate_all, with and without enough frames",
        checks=450,
    )


@pytest.mark.task("5.2")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Private: spaces->anonymous, or with a file private_file_backend(). Shared: shared_file_backend(), with a file"
    " made by memory_file_create() if there is none; area->shared says so. NULL is -ENODEV. References: map() takes"
    " its own. What unmap_range() and find_unmapped_area() cannot do is told, and nothing is kept."
)
def test_each_kind_gets_its_pages(machine: Machine) -> None:
    """Otherwise what should be private is seen by all, or a file is closed while it is mapped."""
    probe(
        machine,
        "mmap-kinds",
        "the backend, the file, and the references of each kind of mapping",
        checks=41,
    )


@pytest.mark.task("5.2")
@pytest.mark.points(3)
@pytest.mark.requires("each_kind_gets_its_pages")
@pytest.mark.hint(
    "Whoever has taken a reference, and cannot go on, gives it back: also of the file without a name."
)
def test_without_memory_nothing_is_lost(machine: Machine) -> None:
    """Otherwise each mmap() that fails makes the next one more likely to."""
    probe(machine, "mmap-memory", "mmap() until there is no memory for areas", checks=360)


# ---- 5.3 a file as memory -------------------------------------------------------------------------

FILE: Script = (
    ("open=disk/text,r", None),
    ("map=0,2bc0,r,p,A,0", "a"),
    ("text=a+0,20", TEXT[:32].decode()),
    ("text=a+ff0,20", TEXT[0xFF0:0x1010].decode()),
    ("text=a+22b0,18", TEXT[0x22B0:].decode() + "." * 12),
    ("r=a+2fff", "0"),
    ("map=0,1000,rw,p,A,1000", "b"),
    ("text=b+0,8", TEXT[0x1000:0x1008].decode()),
    ("fill=b+0,4,58", None),
    ("text=b+0,8", "XXXX" + TEXT[0x1004:0x1008].decode()),
    ("text=a+1000,8", TEXT[0x1000:0x1008].decode()),
    ("map=0,1000,r,p,A,1000", "c"),
    ("text=c+0,8", TEXT[0x1000:0x1008].decode()),
    ("pread=A,b+100,6,1000", "6"),
    ("text=b+100,6", TEXT[0x1000:0x1006].decode()),
    ("map=0,3000,r,p,A,0", "d"),
    ("read=A,b+100,6", "6"),
    ("text=b+100,6", TEXT[:6].decode()),
    ("close=A", "0"),
    ("text=a+1ff8,10", TEXT[0x1FF8:0x2008].decode()),
    ("text=d+1000,8", TEXT[0x1000:0x1008].decode()),
    ("map=0,1000,r,p,A,0", str(EBADF)),
    ("map=0,1000,r,p,1,0", None),
    ("open=disk/text,w", None),
    ("map=0,1000,r,p,B,0", str(EACCES)),
    ("open=disk/none,r", str(ENOENT)),
)


@pytest.mark.basic
@pytest.mark.task("5.3")
@pytest.mark.points(4)
@pytest.mark.hint(
    "The page at va shows the file from area->offset + (va - area->start) on: read_at(), as much as there is. The rest"
    " of the frame is zero already."
)
def test_a_file_shows_in_memory(machine: Machine) -> None:
    """Otherwise a program reads another's bytes, or none.  As on Linux: mmap(2)."""
    run = play(machine, FILE)
    expect_file(run, "text", TEXT, "the file, of which private mappings were written to")


@pytest.mark.task("5.3")
@pytest.mark.points(3)
@pytest.mark.hint(
    "How far the file goes, file->ops->size() says, each time. One page at a time, when it is touched, a frame of its"
    " own. Files, areas and offsets may have more than 4 GiB."
)
def test_pages_are_copies_of_the_file(machine: Machine) -> None:
    """Otherwise what one program changes, another reads."""
    probe(
        machine, "mapped-content", "pages of mappings that begin anywhere in a file", checks=52_000
    )


BEHIND_ENDS = {
    "open=disk/text,r map=0,4000,r,p,A,0 r=a+2fff r=a+3000": "killed by SIGBUS",
    "open=disk/page,r map=0,2000,rw,p,A,0 w=a+fff,1 w=a+1000,1": "killed by SIGBUS",
    "open=disk/empty,r map=0,1000,r,p,A,0 r=a+0": "killed by SIGBUS",
    "open=disk/short,r map=0,1000,r,p,A,0 r=a+fff r=a+1000": "killed by SIGSEGV",
    "open=disk/text,r map=0,1000,r,p,A,1000 r=a+0 w=a+0,1": "killed by SIGSEGV",
    "open=disk/text,r map=0,1000,r,p,A,5000 r=a+0": "killed by SIGBUS",
}
BEHIND: Script = (
    ("open=disk/page,r", None),
    ("map=0,3000,rw,p,A,0", "a"),
    ("write=1,a+1000,8", str(EFAULT)),
    ("pread=A,a+2000,10,0", str(EFAULT)),
    ("write=1,a+0,0", "0"),
)


@pytest.mark.task("5.3")
@pytest.mark.points(3)
@pytest.mark.requires("a_file_shows_in_memory")
@pytest.mark.hint(
    "A page that begins behind the file's end is -EIO: lab 4's handler makes SIGBUS of that, and a system call -EFAULT."
)
def test_behind_the_file_is_sigbus(machine: Machine) -> None:
    """Otherwise a program goes on with zeros that were never in the file.  As on Linux: mmap(2)."""
    ends(machine, BEHIND_ENDS, "accesses to mappings of files, up to their end and behind it")
    play(machine, BEHIND)


@pytest.mark.task("5.3")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Less than the file should have, or an error: -EIO, and the frame goes back. Without a frame, or a table for it:"
    " -ENOMEM."
)
def test_what_cannot_be_read_does_not_come(machine: Machine) -> None:
    """Otherwise a disk that fails is a file full of zeros."""
    probe(
        machine,
        "mapped-errors",
        "files that cannot be read, and frames that cannot be had",
        checks=36,
    )


@pytest.mark.task("5.3")
@pytest.mark.points(2)
@pytest.mark.requires("pages_are_copies_of_the_file")
@pytest.mark.hint(
    "MAP_POPULATE asks fill() for page after page, until it says -EIO: that is behind the file."
)
def test_populate_goes_as_far_as_the_file(machine: Machine) -> None:
    """Otherwise a file cannot be mapped in one go."""
    probe(machine, "mapped-populate", "MAP_POPULATE of more than a file has", checks=14_000)


# ---- 5.4 giving back --------------------------------------------------------------------------------

UNMAP: Script = (
    ("map=0,6000,rw,pa", "a"),
    ("fill=a+0,6000,61", None),
    ("unmap=a+2000,1000", "0"),
    ("unmap=a+2000,1000", "0"),
    ("text=a+1ff8,8", "aaaaaaaa"),
    ("text=a+3000,8", "aaaaaaaa"),
    ("write=1,a+2000,1", str(EFAULT)),
    ("unmap=a+5000,800", "0"),
    ("write=1,a+5800,1", str(EFAULT)),
    ("unmap=a+1001,1000", str(EINVAL)),
    ("unmap=a+1000,0", str(EINVAL)),
    ("map=a+3000,2000,rw,paf", "b"),
    ("r=b+0", "0"),
    ("r=a+4fff", "0"),
    ("text=a+1ff8,8", "aaaaaaaa"),
    ("open=disk/text,r", None),
    ("map=a+0,1000,r,pf,A,1000", "c"),
    ("text=a+0,8", TEXT[0x1000:0x1008].decode()),
    ("text=a+1000,4", "aaaa"),
    ("map=a+0,1000,r,f,A,0", str(EINVAL)),
    ("text=c+0,8", TEXT[0x1000:0x1008].decode()),
    ("unmap=a+0,6000", "0"),
    ("write=1,c+0,1", str(EFAULT)),
)
UNMAP_ENDS = {
    "map=0,3000,rw,pa fill=a+0,3000,1 unmap=a+1000,1000 r=a+0 r=a+2000 r=a+1000": "killed by SIGSEGV",
    "map=0,3000,rw,pa fill=a+0,3000,1 unmap=a+0,1000 r=a+1000 w=a+fff,1": "killed by SIGSEGV",
    "map=0,3000,rw,pa fill=a+0,3000,1 unmap=a+2000,1000 r=a+1fff r=a+2000": "killed by SIGSEGV",
    "map=0,2000,rw,pa map=0,2000,r,pa w=a+1000,1 r=b+0 unmap=a+1000,2000 r=b+1000 r=b+0": "killed by SIGSEGV",
}


@pytest.mark.basic
@pytest.mark.task("5.4")
@pytest.mark.points(4)
@pytest.mark.hint(
    "What lies in no area any more must be in no page table either, nor in what the CPU remembers of one:"
    " spaces->unmap() does that, for whole areas."
)
def test_what_is_given_back_is_gone(machine: Machine) -> None:
    """Otherwise a program uses memory that somebody else has by now.  As on Linux: munmap(2).  (150 ms.)"""
    play(machine, UNMAP)
    run = ends(
        machine, UNMAP_ENDS, "accesses to what has just been unmapped, after those to what has not"
    )
    stopped = [t.tval for t in run.traps if t.cause in (13, 15) and not t.interrupt]
    for address in (0x1000, 0xFFF, 0x2000):
        check.true(
            MMAP_BASE + address in stopped,
            "the MMU stops an access to what has been unmapped",
            f"a page fault at {MMAP_BASE + address:#x} in QEMU's trap log",
            "none",
            "no evidence of user mode",
        )


@pytest.mark.task("5.4")
@pytest.mark.points(4)
@pytest.mark.hint(
    "area_split() at start, and at end, where an area lies across; then whole areas go. The rest keeps its place in its"
    " file."
)
def test_a_mapping_can_be_cut(machine: Machine) -> None:
    """Otherwise the rest of a mapping goes too, or shows another part of its file."""
    probe(
        machine,
        "unmap-cuts",
        "munmap() of the front, the back, the middle, across mappings, of nothing",
        checks=1200,
    )


@pytest.mark.task("5.4")
@pytest.mark.points(3)
@pytest.mark.hint(
    "With MAP_FIXED unmap_range() makes room, after everything else that can go wrong. What is not in the way stays."
)
def test_fixed_replaces_what_is_there(machine: Machine) -> None:
    """Otherwise a program loads over itself, or loses what it had by a call that fails."""
    probe(
        machine,
        "unmap-fixed",
        "MAP_FIXED over the middle, over neighbours and holes; and what is refused",
        checks=360,
    )


@pytest.mark.task("5.4")
@pytest.mark.points(3)
@pytest.mark.hint(
    "All areas of the range, however many. When area_split() has no memory: -ENOMEM, and not one page is gone."
)
def test_ten_thousand_areas(machine: Machine) -> None:
    """Otherwise a large program is slow, or leaves something behind.  (200 ms.)"""
    probe(
        machine,
        "unmap-many",
        "10,000 areas, made by munmap() of every second page, and unmapped",
        checks=7000,
    )


@pytest.mark.task("5.4")
@pytest.mark.points(4)
@pytest.mark.hint("The sequence shows what was mapped when. Which page is wrong first?")
def test_random_mappings(machine: Machine) -> None:
    """Otherwise it works for the mappings that somebody tried.  (200 ms: 2,000 operations.)"""
    probe_random(
        machine,
        "mappings-random",
        "mmap() and munmap() at random, against a model of each page",
        checks=650_000,
    )


# ---- 5.5 memory that is shared ----------------------------------------------------------------------

SHARED: Script = (
    ("open=disk/text,rw", None),
    ("map=0,3000,rw,s,A,0", "a"),
    ("map=0,3000,r,s,A,0", "b"),
    ("map=0,1000,rw,p,A,0", "c"),
    ("r=c+0", str(TEXT[0])),
    ("w=c+1,2b", None),
    ("fill=a+0,4,2d", None),
    ("text=b+0,8", "----" + TEXT[4:8].decode()),
    ("r=c+1", str(0x2B)),
    ("pread=A,c+100,8,0", "8"),
    ("text=c+100,8", "----" + TEXT[4:8].decode()),
    ("seek=A,1000,0", str(0x1000)),
    ("write=A,a+0,4", "4"),
    ("text=b+1000,8", "----" + TEXT[0x1004:0x1008].decode()),
    ("pread=A,a+2000,8,1000", "8"),
    ("text=b+2000,8", "----" + TEXT[0x1004:0x1008].decode()),
    ("sync=a+0,3000,4", "0"),
    ("sync=a+1,1000,4", str(EINVAL)),
    ("sync=a+0,1000,5", str(EINVAL)),
    ("size=A", str(len(TEXT))),
    ("w=a+22bb,21", None),
    ("w=a+22bc,21", None),
    ("unmap=a+0,3000", "0"),
    ("size=A", str(len(TEXT))),
    ("text=b+22b8,4", TEXT[0x22B8:0x22BB].decode() + "!"),
    ("open=disk/text,r", None),
    ("map=0,1000,rw,s,B,0", str(EACCES)),
    ("map=0,1000,r,s,B,0", "d"),
    ("text=d+0,4", "----"),
    ("map=0,2000,rw,sa", "e"),
    ("r=e+1fff", "0"),
    ("w=e+1fff,7", None),
    ("r=e+1fff", "7"),
)


def changed(content: bytes, *changes: Tuple[int, bytes]) -> bytes:
    """The bytes with others at these places."""
    result = bytearray(content)
    for at, new in changes:
        result[at : at + len(new)] = new
    return bytes(result)


@pytest.mark.basic
@pytest.mark.task("5.5")
@pytest.mark.points(3)
@pytest.mark.hint(
    "The frame is the file's: file->ops->page(). Without PROT_WRITE at first; on_store() gives it, when the area has it."
)
def test_everybody_sees_a_store(machine: Machine) -> None:
    """Otherwise two programs that share memory talk past each other.  As on Linux: mmap(2), msync(2)."""
    run = play(machine, SHARED)
    head = b"----" + TEXT[0x1004:0x1008]
    wanted = changed(TEXT, (0, b"----"), (0x1000, b"----"), (0x2000, head), (0x22BB, b"!"))
    expect_file(run, "text", wanted, "the file on the disk, read by the host")


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.hint(
    "page() gives a reference to the frame, drop() puts it back. A store to an area without PROT_WRITE is lab 1's"
    " business."
)
def test_shared_pages_are_the_files_own(machine: Machine) -> None:
    """Otherwise there are as many copies as mappings."""
    probe(
        machine,
        "shared-frames",
        "the frames of shared mappings, and the references to them",
        checks=155,
    )


@pytest.mark.task("5.5")
@pytest.mark.points(3)
@pytest.mark.hint(
    "write_at() for pages that can be written, in write_back_pages() and drop(): from the page's offset, as many bytes as the"
    " file has there, of which there may be more than 4 GiB. write_back_pages() takes PROT_WRITE away again, first."
)
def test_only_what_was_written_is_written(machine: Machine) -> None:
    """Otherwise a file grows by being looked at, and the disk is busy for nothing."""
    probe(
        machine,
        "shared-writes",
        "which pages are written to the file, and how much of them",
        checks=8800,
    )


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.hint(
    "space_fault->fault() for ACCESS_WRITE must leave the page there and writable: it is asked once. And it counts as"
    " a store."
)
def test_the_kernel_writes_to_shared_pages(machine: Machine) -> None:
    """Otherwise read() into a mapping is refused, or forgotten."""
    probe(
        machine,
        "shared-copies",
        "user_memory->out() to shared pages: missing, read, written back",
        checks=70,
    )


@pytest.mark.task("5.5")
@pytest.mark.points(3)
@pytest.mark.requires("everybody_sees_a_store")
@pytest.mark.hint(
    "msync(), munmap(), the end of the program, and its death: whoever gives up a page that was written, writes it."
    " Pages of private mappings are nobody's."
)
def test_what_was_written_comes_to_the_disk(machine: Machine) -> None:
    """Otherwise work is lost when a program ends.  (150 ms.)"""
    at = machine.random.randrange(0, 0x2200)
    how = {
        "synced": "sync=a+0,3000,4 spin=100",
        "unmapped": "unmap=a+0,3000",
        "piece": f"unmap=a+{at & -PAGE:x},1000",
        "fixed": "map=a+0,3000,r,paf",
        "ended": "",
        "killed": "r=0",
        "private": "",
        "untouched": f"r=a+{at:x}",
    }
    files = {name: pattern(len(TEXT), n) for n, name in enumerate(how)}
    jobs = []
    for name, action in how.items():
        kind = "p" if name == "private" else "s"
        stores = "" if name == "untouched" else f" w=a+{at:x},21 w=a+{at + 1:x},3f"
        jobs.append(f"mapper open=disk/{name},rw map=0,3000,rw,{kind},A,0{stores} {action}".strip())
    run = machine.run(jobs, disk=files, budget=BUDGET)
    run.expect_ends(
        ["killed by SIGSEGV" if name == "killed" else "exited with 0" for name in how],
        "programs that write to mappings of files",
    )
    run.expect_disk_in_order()
    for name, before in files.items():
        wanted = before
        if name not in ("private", "untouched"):
            wanted = changed(before, (at, b"!?"))
        expect_file(
            run,
            name,
            wanted,
            f"the file '{name}' on the disk, read by the host, after {how[name].split('=')[0] or 'its end'}",
        )


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.requires("everybody_sees_a_store")
@pytest.mark.hint(
    "The mapping has its own reference to the file, name or no name. What the file has lost must not be written: size()"
    " says how far it goes."
)
def test_a_file_can_go_while_it_is_mapped(machine: Machine) -> None:
    """Otherwise a file that somebody removes takes the program with it, or comes back.  As on Linux.  (150 ms.)"""
    run = play(machine, GOING)
    check.true(
        "page" not in run.disk_files(),
        "a file that was removed while it was mapped",
        "gone",
        "there",
    )
    expect_file(
        run,
        "text",
        changed(TEXT[:0x800], (0x10, b"!")) + bytes(0x1800 - 0x800),
        "a file that became shorter, then longer, while it was mapped and written to",
    )
    ends(machine, GOING_ENDS, "accesses to what a file has lost since it was mapped")


GOING_ENDS = {
    "open=disk/text,rw map=0,3000,rw,s,A,0 w=a+1000,1 truncate=A,1000 r=a+fff r=a+1000": "killed by SIGBUS",
    "open=disk/page,rw map=0,1000,rw,s,A,0 w=a+0,1 truncate=A,0 w=a+0,2": "killed by SIGBUS",
    "open=disk/short,rw map=0,1000,r,p,A,0 r=a+0 truncate=A,0 r=a+0": "killed by SIGBUS",
}
GOING: Script = (
    ("open=disk/page,rw", None),
    ("map=0,1000,rw,s,A,0", "a"),
    ("w=a+0,21", None),
    ("unlink=disk/page", "0"),
    ("close=A", "0"),
    ("open=disk/page,r", str(ENOENT)),
    ("w=a+1,21", None),
    ("text=a+0,4", "!!" + pattern(PAGE, 5)[2:4].decode()),
    ("sync=a+0,1000,4", "0"),
    ("open=disk/text,rw", None),
    ("map=0,3000,rw,s,C,0", "b"),
    ("w=b+10,21", None),
    ("w=b+900,21", None),
    ("w=b+2000,21", None),
    ("truncate=C,800", "0"),
    ("size=C", str(0x800)),
    ("r=b+900", "0"),
    ("r=b+10", str(0x21)),
    ("truncate=C,1800", "0"),
    ("r=b+1700", "0"),
    ("unmap=b+0,3000", "0"),
    ("size=C", str(0x1800)),
)


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.requires("each_kind_gets_its_pages")
@pytest.mark.hint(
    "It is a file without a name: nothing is new. A page that nobody has asked for has no frame; what was written stays"
    " as long as somebody has it mapped."
)
def test_shared_memory_needs_no_file(machine: Machine) -> None:
    """Otherwise parent and child can only share what is on a disk."""
    probe(machine, "shared-anonymous", "memory that is shared, in two mappings", checks=110)


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.hint(
    "A range with holes: what is mapped is dealt with, and -ENOMEM told at the end. With MS_SYNC file->ops->sync(), and"
    " only then."
    " The end of a space is drop() for each of its areas."
)
def test_msync_and_the_end_write_back(machine: Machine) -> None:
    """Otherwise a database believes what is not so.  (150 ms: 2 boots.)"""
    probe(machine, "shared-msync", "what msync() is asked, and what it answers", checks=390)
    probe(machine, "shared-end", "spaces with shared pages, written to, that end", checks=50)


@pytest.mark.task("5.5")
@pytest.mark.points(2)
@pytest.mark.requires("random_mappings")
@pytest.mark.hint(
    "The sequence shows what was mapped, written and synced when. Which page is wrong first?"
)
def test_random_sharing(machine: Machine) -> None:
    """Otherwise it works for the mappings that somebody tried.  (200 ms: 2,000 operations.)"""
    probe_random(
        machine,
        "mappings-random:1",
        "mappings, shared ones too, at random, against a model of each page",
        checks=650_000,
    )


# ---- 5.6 other permissions ---------------------------------------------------------------------------

PROTECT: Script = (
    ("map=0,5000,rw,pa", "a"),
    ("fill=a+0,5000,61", None),
    ("protect=a+1000,1000,r", "0"),
    ("text=a+1000,4", "aaaa"),
    ("protect=a+2000,1000,-", "0"),
    ("write=1,a+2000,1", str(EFAULT)),
    ("open=disk/text,r", None),
    ("pread=A,a+1000,4,0", str(EFAULT)),
    ("pread=A,a+4000,4,0", "4"),
    ("protect=a+1000,2000,rw", "0"),
    ("text=a+2000,4", "aaaa"),
    ("pread=A,a+1000,4,0", "4"),
    ("text=a+1000,8", TEXT[:4].decode() + "aaaa"),
    ("protect=a+1,1000,r", str(EINVAL)),
    ("protect=a+0,0,r", "0"),
    ("protect=a+0,6000,r", str(ENOMEM)),
    ("map=0,1000,r,s,A,0", "b"),
    ("protect=b+0,1000,rw", str(EACCES)),
    ("map=0,1000,r,p,A,0", "c"),
    ("protect=c+0,1000,rw", "0"),
    ("w=c+0,2b", None),
    ("protect=c+0,1000,r", "0"),
    ("r=c+0", str(0x2B)),
    ("text=b+0,2", TEXT[:2].decode()),
)
BARE_PROTECT: Script = (("map=0,6000,rw,pa", "a"), ("unmap=a+5000,1000", "0"))
PUT_RETURN = " ".join(f"w=a+{n:x},{byte:x}" for n, byte in enumerate(RETURN))
PROTECT_ENDS = {
    "map=0,3000,rw,pa fill=a+0,3000,1 protect=a+1000,1000,r r=a+1000 w=a+2000,1 w=a+1000,1": "killed by SIGSEGV",
    "map=0,3000,rw,pa fill=a+0,3000,1 protect=a+1000,1000,- r=a+0 r=a+1000": "killed by SIGSEGV",
    "map=0,1000,r,pa r=a+0 protect=a+0,1000,rw w=a+0,1": "exited with 0",
    "map=0,1000,-,pa protect=a+0,1000,w w=a+0,1 r=a+0": "exited with 0",
    f"map=0,1000,rw,pa {PUT_RETURN} protect=a+0,1000,rx x=a+0": "exited with 0",
    f"map=0,1000,rw,pa {PUT_RETURN} x=a+0": "killed by SIGSEGV",
    f"map=0,1000,rw,pa {PUT_RETURN} protect=a+0,1000,rx x=a+0 w=a+0,1": "killed by SIGSEGV",
}


@pytest.mark.basic
@pytest.mark.task("5.6")
@pytest.mark.points(3)
@pytest.mark.hint(
    "The area, and each page of it that is there: page_table->protect() tells the CPU, too. PROT_NONE keeps what the"
    " page holds."
)
def test_permissions_are_the_mmus(machine: Machine) -> None:
    """Otherwise mprotect() only says that it has protected something.  As on Linux: mprotect(2).  (200 ms.)"""
    play(machine, [*BARE_PROTECT, *PROTECT[1:]])

    ends(machine, PROTECT_ENDS, "accesses before and after mprotect()")
    seen = looked_at(
        machine,
        "map=0,6000,rw,pa fill=a+0,6000,1 protect=a+1000,1000,r protect=a+2000,2000,rx protect=a+4000,1000,-",
    )
    check.equal(
        pages(seen, MMAP_BASE, 6),
        "rw-u r--u r-xu r-xu - rw-u",
        "pages that the MMU has, of a mapping of which each but the first and last has been protected",
    )


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.hint(
    "backend->protect() where there is one, else page_table->protect() for each page that is there. What is missing"
    " comes with the area's. A page of a shared mapping that is lost here: shared_protect(), in shared.c."
)
def test_areas_and_pages_change(machine: Machine) -> None:
    """Otherwise what has not been touched yet can still be written."""
    probe(
        machine,
        "protect-pages",
        "from all permissions to all, for pages that are there and that are not",
        checks=1600,
    )


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Cut at the start, cut at the end; the piece between them changes. One area after the other."
)
def test_the_rest_of_an_area_stays(machine: Machine) -> None:
    """Otherwise a guard page protects its neighbours, too."""
    probe(machine, "protect-cuts", "mprotect() of a part of an area, and across areas", checks=550)


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Alignment, then a length of 0, then a range that wraps, then the bits of prot, then page by page: a hole is"
    " -ENOMEM, PROT_WRITE for a shared file that was not opened for it -EACCES."
)
def test_what_cannot_be_protected_is_refused(machine: Machine) -> None:
    """Otherwise a file that was opened for reading is written."""
    probe(machine, "protect-errors", "what mprotect() is asked, and what it answers", checks=39)


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.hint(
    "area->modified: it was for writing. Then its pages are not what the file has, and lab 4's relieve() keeps them."
)
def test_what_was_written_survives_shortage(machine: Machine) -> None:
    """Otherwise a program's data is replaced by the file's, one day when memory is short."""
    probe(
        machine,
        "protect-shortage",
        "relieve(), with private pages that were written",
        jobs=["exit"],
        checks=50,
    )


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.requires("random_mappings", "random_sharing")
@pytest.mark.hint(
    "The sequence shows what was mapped and protected when. Which page is wrong first?"
)
def test_random_permissions(machine: Machine) -> None:
    """Otherwise it works for the calls that somebody tried.  (200 ms: 2,000 operations.)"""
    probe_random(
        machine,
        "mappings-random:2",
        "mappings and mprotect() at random, against a model of each page",
        checks=650_000,
    )


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.hint(
    "Whoever has taken a frame, and cannot go on, gives it back, and says -ENOMEM: in fill(), in mmap(), in munmap(),"
    " in mprotect()."
)
def test_every_frame_can_be_missing(machine: Machine) -> None:
    """Otherwise memory is lost each time that there is little.  (100 ms.)"""
    probe(
        machine,
        "mmap-sweep",
        "mappings of all kinds, while each frame in turn cannot be had",
        checks=500,
    )


@pytest.mark.task("5.6")
@pytest.mark.points(2)
@pytest.mark.requires("everybody_sees_a_store", "what_is_given_back_is_gone")
@pytest.mark.hint(
    "When programs have ended, however they did: each frame, each file, each page of a file is given back."
)
def test_everything_comes_back(machine: Machine) -> None:
    """Otherwise the machine gets smaller with each program that it runs."""
    jobs = [
        "mapper open=disk/text,rw map=0,3000,rw,s,A,0 w=a+0,21 w=a+2000,21",
        "mapper open=disk/text,r map=0,3000,rw,p,A,0 fill=a+0,2000,21 unmap=a+1000,1000 r=0",
        "mapper map=0,100000,rw,sa fill=a+0,80000,1 protect=a+1000,3000,r",
        "mapper open=disk/page,rw map=0,1000,rw,s,A,0 w=a+0,1 unlink=disk/page",
        "mapper map=0,100000,rw,pal map=0,1000,r,pa unmap=a+5000,3000",
        "mapper open=disk/new,crw write=A,10000,2000 map=0,2000,rw,s,A,0 w=a+1800,2a",
    ]
    run = probe(
        machine,
        "mmap-deck",
        "programs that map files and memory",
        jobs=jobs,
        disk=FILES,
        checks=4500,
    )
    run.expect_disk_in_order()


# ---- 5.7 larger and elsewhere (a challenge) ------------------------------------------------------------

REMAP: Script = (
    ("map=0,3000,rw,pa", "a"),
    ("fill=a+0,3000,61", None),
    ("map=a+3000,1000,r,pan", "b"),
    ("remap=a+0,3000,5000,0", str(ENOMEM)),
    ("remap=a+0,3000,5000,1", "c"),
    ("text=c+2ffc,4", "aaaa"),
    ("r=c+4fff", "0"),
    ("write=1,a+0,1", str(EFAULT)),
    ("remap=c+0,5000,2000,0", "d"),
    ("write=1,c+2000,1", str(EFAULT)),
    ("text=d+0,4", "aaaa"),
    ("remap=a+0,1000,2000,1", str(EFAULT)),
    ("remap=c+0,1000,0,1", str(EINVAL)),
    ("remap=c+1,1000,1000,1", str(EINVAL)),
    ("open=disk/text,rw", None),
    ("map=0,10000,-,pa", "e"),
    ("map=e+1000,1000,rw,sf,A,1000", "f"),
    ("w=f+0,21", None),
    ("remap=f+0,1000,2000,0", str(ENOMEM)),
    ("unmap=e+2000,1000", "0"),
    ("remap=f+0,1000,2000,0", "g"),
    ("text=g+1000,4", TEXT[0x2000:0x2004].decode()),
    ("remap=f+0,2000,3000,1", "h"),
    ("write=1,f+0,1", str(EFAULT)),
    ("text=h+0,4", "!" + TEXT[0x1001:0x1004].decode()),
    ("text=h+1000,4", TEXT[0x2000:0x2004].decode()),
)


@pytest.mark.task("5.7")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Shrink: unmap_range(). Grow: space_resize(), if there is room. Else a new area, the pages of the old one moved entry by"
    " entry, and the old one unmapped, which has none left."
)
def test_programs_get_larger_pieces(machine: Machine) -> None:
    """Otherwise realloc() of a large piece copies it.  As on Linux: mremap(2)."""
    run = play(machine, REMAP)
    expect_file(
        run, "text", changed(TEXT, (0x1000, b"!")), "a file whose mapping was written, then moved"
    )


@pytest.mark.task("5.7")
@pytest.mark.points(3)
@pytest.mark.hint("Frames move with their pages: none is copied, and none is read again.")
def test_pages_move_with_their_frames(machine: Machine) -> None:
    """Otherwise moving costs as much as copying."""
    probe(
        machine,
        "remap-moves",
        "mremap() to smaller and larger sizes, and to other places",
        checks=290,
    )


@pytest.mark.task("5.7")
@pytest.mark.points(2)
@pytest.mark.requires("pages_move_with_their_frames")
@pytest.mark.hint(
    "A table for the new place may be missing in the middle of it: then all goes back."
)
def test_a_move_that_fails_moves_nothing(machine: Machine) -> None:
    """Otherwise half of a mapping is lost."""
    probe(machine, "remap-memory", "mremap(), while each frame in turn cannot be had", checks=300)
