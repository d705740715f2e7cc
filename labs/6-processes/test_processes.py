"""Lab 6: the tests.

`mapper` does what scripts say, and has children that do so, too: each process tells its own story, in its own order,
whoever runs first.  The same scripts run on Linux (grader/tests/test_oracle.py).  What stories cannot tell, probes
look at from inside: frames and references, areas, families, the order in which tasks are picked.

The cost of a test is noted where it is more than the 70 ms of a boot.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Sequence, Tuple, Union

import pytest

from grader import build, check, symbols

from grader.machine import Outcome
from grader.plugin import Machine
from grader.probing import outcome_of, probe, probe_random
from grader.programs import RX, elf
from grader.programs import words as machine_code
from grader.run import Run
from grader.view import PAGE, Checkpoint

MMAP_BASE = 1 << 36
STORE_PAGE, USER_ECALL = 15, 8  # causes: a store page fault, a system call
BUDGET = 2.0  # guest seconds of a run with a disk: it takes 0.1 of them

ENOENT, E2BIG, ENOEXEC, EBADF, ECHILD, EFAULT = -2, -7, -8, -9, -10, -14
EACCES, EINVAL, ESRCH, EISDIR, ENOTDIR = -13, -22, -3, -21, -20


def pattern(size: int, salt: int = 0) -> bytes:
    """Bytes that say where they stand, as letters."""
    return bytes(97 + (n * 7 + n // 113 + salt) % 26 for n in range(size))


TEXT = pattern(2 * PAGE + 700)
FILES = {"text": TEXT, "page": pattern(PAGE, 5), "short": b"short"}


# ---- stories ---------------------------------------------------------------------------------------

# What a process does, each action with the answer that it is to get, None for one that has none; and children.
Story = Sequence[Union[Tuple[str, Optional[str]], "Child"]]


class Child:
    """A fork in a story, and what the child does.  number: what the parent is told, that of the child."""

    def __init__(self, number: int, *story: Union[Tuple[str, Optional[str]], "Child"]):
        self.number = number
        self.story: Story = story


def words(story: Story) -> List[str]:
    """The story as arguments of `mapper`."""
    found: List[str] = []
    for each in story:
        found += ["fork", *words(each.story), "end"] if isinstance(each, Child) else [each[0]]
    return found


def lines(story: Story, label: str = "") -> Dict[str, List[str]]:
    """Who prints what, in which order.  The first process has the label "", its child "1", that one's "1.1"."""
    start = f"{label}> " if label else ""
    found: Dict[str, List[str]] = {label: []}
    for each in story:
        if isinstance(each, Child):
            found[label].append(f"{start}fork: {each.number}")
            below = f"{label}.{each.number}" if label else str(each.number)
            found.update(lines(each.story, below))
        elif each[1] is not None:
            found[label].append(f"{start}{each[0]}: {each[1]}")
    return found


def told(printed: bytes) -> Dict[str, List[str]]:
    """What has been printed, by label."""
    found: Dict[str, List[str]] = {}
    for line in check.readable(printed).splitlines():
        head, arrow, _ = line.partition("> ")
        label = head if arrow and all(part.isdigit() for part in head.split(".")) else ""
        found.setdefault(label, []).append(line)
    return found


def expect_story(run: Run, story: Story, what: str) -> None:
    """Demand that each process has told its part of the story, in order; between its lines may stand those of
    another program that it has become, or started."""
    seen = told(run.printed)
    for label, wanted in lines(story).items():
        got, at = seen.get(label, []), 0
        who = f"child {label}" if label else "the first process"
        for line in wanted:
            if line in got[at:]:
                at = got.index(line, at) + 1
                continue
            action = line.rpartition(": ")[0]
            instead = [each for each in got[at:] if each.startswith(f"{action}: ")]
            ends = "".join(f"\n`mapper` {job.end}{run.why(job.index)}" for job in run.jobs)
            check.fail(
                what,
                f"{who}: {line}",
                "".join(
                    [
                        instead[0] if instead else f"{who} never says so",
                        f"; its last line is {got[-1]}" if got and not instead else "",
                        ends,
                        "\n",
                        run.explanation,
                    ]
                ),
                outcome_of(run),
            )


NUMBERED = re.compile(r"(w=.*,|fill=.*,|exit=)([0-9a-f]+)|((?:exec|spawn)=/bin/exit,)([0-9]+)")
TOLD = re.compile(r"([0-9]+ exited )?([0-9]+)")
SMALL = range(1, 64)  # what is a number in stories; all else is a letter, or means something


def drawn(machine: Machine, story: Story) -> Story:
    """The story with other numbers, by the seed, for what is written and read, and for how processes exit: nobody can
    know it by heart."""
    more = machine.random.randrange(1, 96)

    def other(number: str, base: int) -> str:
        value = int(number, base)
        return format(value + more, "x" if base == 16 else "d") if value in SMALL else number

    def changed(action: str, answer: Optional[str]) -> Tuple[str, Optional[str]]:
        if match := NUMBERED.fullmatch(action):
            start, number, base = (match[1], match[2], 16) if match[1] else (match[3], match[4], 10)
            action = start + other(number, base)
        match = TOLD.fullmatch(answer or "") if action.startswith(("r=", "wait=")) else None
        if match and (match[1] or action.startswith("r=")):
            answer = (match[1] or "") + other(match[2], 10)
        return action, answer

    def all_of(told_so: Story) -> Story:
        return [
            Child(each.number, *all_of(each.story)) if isinstance(each, Child) else changed(*each)
            for each in told_so
        ]

    return all_of(story)


def expect_programs(run: Run, story: Story) -> None:
    """Demand evidence that the programs ran that the story has `mapper` become, or start: calls of their own in QEMU's
    trap log, at addresses where `mapper` makes none."""
    wanted = [
        match[1]
        for word in words(story)
        for match in [re.match(r"(?:exec|spawn)=/bin/(\w+)", word)]
        if match and match[1] != "none"
    ]
    others = frozenset(symbols.facts(build.program("mapper")).ecalls)
    made = [t.epc for t in run.traps if t.cause == USER_ECALL and not t.interrupt]
    for name in sorted(set(wanted)):
        own = frozenset(symbols.facts(build.program(name)).ecalls) - others
        seen = sum(epc in own for epc in made)
        check.true(
            seen >= wanted.count(name),
            f"`{name}` runs in user mode and makes its own system calls",
            f"at least {wanted.count(name)} ecalls at its own instructions",
            f"{seen} of them in QEMU's trap log",
            "no evidence of user mode",
        )


def play(
    machine: Machine,
    story: Story,
    what: str,
    programs: Sequence[str] = (),
    files: Optional[Dict[str, bytes]] = None,
    end: str = "exited with 0",
    disk: bool = False,
) -> Run:
    """Run a story to its end, and demand what it tells.  programs: others of user/programs that it starts."""
    archive = {f"bin/{name}": build.program(name).read_bytes() for name in programs}
    archive.update(files or {})
    story = drawn(machine, story)
    job = " ".join(["mapper", *words(story)])
    run = machine.run([job], archive, budget=BUDGET, disk=FILES if disk else None)
    expect_story(run, story, what)
    run.expect_ends([end], "the first `mapper` runs to its end")
    run.expect_linked_calls({0: sum(map(len, lines(story).values()))})
    expect_programs(run, story)
    if disk:
        run.expect_disk_in_order()
    return run


def looked_at(machine: Machine, script: str) -> Dict[int, Checkpoint]:
    """`mapper` with this script, in which each process comes to one checkpoint: what each of them has there, by the
    order in which they were made."""
    run = machine.run([f"mapper {script}"], checkpoints=True, budget=BUDGET)
    run.expect_ends(["exited with 0"], f"`mapper {script}` runs to its end")
    pids = sorted({each.pid for each in run.checkpoints})
    wanted = script.split().count("checkpoint")
    check.true(
        len(run.checkpoints) == len(pids) == wanted,
        "each process comes to its checkpoint, in user mode",
        f"{wanted} processes, each once",
        f"{len(run.checkpoints)} times, {len(pids)} processes; {run.explanation}",
        outcome_of(run),
    )
    return {
        n: next(each for each in run.checkpoints if each.pid == pid) for n, pid in enumerate(pids)
    }


def programs() -> Dict[str, bytes]:
    """What probes look for: a program, half of one, and what is none."""
    program = build.program("exit").read_bytes()
    return {
        "bin/exit": program,
        "cut": program[: PAGE + 100],
        "text": b"no program",
    }


# ---- 6.1 a program becomes two ---------------------------------------------------------------------

TWO = (
    ("map=0,1000,rw,sa", "a"),
    Child(1, ("w=a+0,5", None), ("post=a+4", None), ("until=a+4,2", None), ("exit=3", None)),
    ("until=a+4,1", None),
    ("r=a+0", "5"),
    ("post=a+4", None),
    ("until=a+4,2", None),
)
GENERATIONS = (
    ("map=0,1000,rw,sa", "a"),
    Child(
        1,
        ("parent", "1"),
        Child(
            1, ("parent", "1"), Child(1, ("parent", "1"), ("post=a+0", None)), ("until=a+0,1", None)
        ),
        Child(2, ("parent", "1"), ("until=a+0,1", None), ("post=a+4", None)),
        ("until=a+4,1", None),
        ("post=a+8", None),
    ),
    Child(2, ("parent", "1"), ("until=a+8,1", None), ("post=a+c", None)),
    ("until=a+c,1", None),
)


@pytest.mark.basic
@pytest.mark.task("6.1")
@pytest.mark.points(3)
@pytest.mark.hint(
    "A process, a space, the areas, what process_inherit() hands down, the registers; then task_start(). The child's a0"
    " is 0, and it goes on behind the ecall: task->called_at + 4. If it worked before task 6.2: what is in the copy of"
    " unshare()?"
)
def test_a_program_becomes_two(machine: Machine) -> None:
    """Otherwise there is one program, or two that do the same.  As on Linux: fork(2)."""
    play(machine, TWO, "fork() returns twice, and both go on")


# Private memory of every kind, a letter for each: zeros, the stack, data, the heap, a file's pages, a part of one
# that was written, and what nobody has touched.
KINDS: Story = (
    ("map=0,3000,rw,pa", "a"),
    ("stack", "b"),
    ("data", "c"),
    ("heap=2f80", "d"),
    ("open=disk/text,r", "3"),
    ("map=0,3000,rw,p,A,0", "e"),
    ("map=0,2000,r,p,A,1000", "f"),
    ("w=a+0,11", None),
    ("w=b+0,12", None),
    ("w=c+1005,13", None),
    ("w=d+2f7f,14", None),
    ("w=e+3,15", None),
)
KEPT: Story = (
    ("r=a+0", "17"),
    ("r=b+0", "18"),
    ("r=c+1005", "19"),
    ("r=d+2f7f", "20"),
    ("r=e+3", "21"),
    ("r=a+2000", "0"),
    ("r=d+0", "0"),
    ("text=e+4,4", TEXT[4:8].decode()),
    ("text=e+1000,4", TEXT[0x1000:0x1004].decode()),
    ("text=f+0,4", TEXT[0x1000:0x1004].decode()),
    ("r=f+1fff", "0"),
)


@pytest.mark.basic
@pytest.mark.task("6.1")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "Every area with PROT_USER: a copy of it, made by slot_below(spaces, 4)->map(), and the pages that are there. What"
    " is missing stays so, and comes from where it would have come."
)
def test_a_child_has_what_its_parent_had(machine: Machine) -> None:
    """Otherwise a child begins with other data than it was made with."""
    play(
        machine,
        (*KINDS, Child(1, *KEPT), ("wait=any", "1 exited 0"), *KEPT),
        "memory of all kinds, in a child as it was before fork()",
        disk=True,
    )


APART: Story = (
    *KINDS,
    ("map=0,1000,rw,sa", "g"),
    Child(
        1,
        ("w=a+0,21", None),
        ("w=b+0,22", None),
        ("w=c+1005,23", None),
        ("w=d+2f7f,24", None),
        ("w=e+3,25", None),
        ("w=a+2000,26", None),
        ("post=g+0", None),
        ("until=g+0,2", None),
        ("r=a+0", "33"),
        ("r=b+0", "34"),
        ("r=c+1005", "35"),
        ("r=d+2f7f", "36"),
        ("r=e+3", "37"),
        ("r=a+1000", "0"),
        ("post=g+0", None),
    ),
    ("until=g+0,1", None),
    *KEPT,
    ("w=a+0,31", None),
    ("w=b+0,32", None),
    ("w=c+1005,33", None),
    ("w=d+2f7f,34", None),
    ("w=e+3,35", None),
    ("w=a+1000,36", None),
    ("post=g+0", None),
    ("until=g+0,3", None),
    ("r=a+0", "49"),
    ("r=e+3", "53"),
)


@pytest.mark.task("6.1")
@pytest.mark.points(3)
@pytest.mark.requires("a_child_has_what_its_parent_had")
@pytest.mark.hint(
    "Pages of an area that is not shared are copied: for each page that is there a frame of its own."
)
def test_both_go_their_own_way(machine: Machine) -> None:
    """Otherwise what one of them writes changes the other's memory behind its back."""
    play(machine, APART, "what one of two writes, the other does not see", disk=True)


TOGETHER: Story = (
    ("open=disk/text,rw", "3"),
    ("map=0,3000,rw,s,A,0", "a"),
    ("map=0,2000,rw,sa", "b"),
    ("stack", "c"),
    ("w=a+0,41", None),
    ("read=A,c+0,10", "16"),
    Child(
        1,
        ("text=a+0,2", "A" + TEXT[1:2].decode()),
        ("w=a+1,42", None),
        ("w=b+1000,7", None),
        ("read=A,c+0,10", "16"),
        ("text=c+0,10", TEXT[16:32].decode()),
        ("seek=A,100,0", "256"),
        ("close=A", "0"),
        ("post=b+0", None),
    ),
    ("until=b+0,1", None),
    ("text=a+0,3", "AB" + TEXT[2:3].decode()),
    ("r=b+1000", "7"),
    ("seek=A,0,1", "256"),
    ("text=c+0,10", ("A" + TEXT[1:16].decode())),
)


WRITTEN_BEFORE: Story = (
    ("open=disk/text,rw", "3"),
    ("map=0,1000,rw,s,A,0", "a"),
    ("w=a+0,41", None),
    Child(1, ("exit=1", None)),
    ("wait=1", "1 exited 1"),
)


@pytest.mark.task("6.1")
@pytest.mark.points(2)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "An area that is shared needs no pages: they are the file's, and come when they are touched. Open files are the same"
    " ones: process_inherit()."
)
def test_what_is_shared_stays_shared(machine: Machine) -> None:
    """Otherwise two programs that talk through memory, or through a file, do not hear each other."""
    play(machine, TOGETHER, "memory, a file and its position, shared by two", disk=True)
    run = play(
        machine, WRITTEN_BEFORE, "a shared mapping that was written before fork()", disk=True
    )
    found = run.disk_files().get("text", b"")
    check.equal(
        check.readable(found[:4]),
        "A" + TEXT[1:4].decode(),
        "the beginning of a file whose mapping was written to before a fork()",
    )


@pytest.mark.task("6.1")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "All of user.x[] but a0; and float_keep() for what is in f0 to f31, which nobody has saved anywhere yet."
)
def test_registers_go_along(machine: Machine) -> None:
    """Otherwise a child computes on with other numbers."""
    seeds = [str(int(machine.secret(f"registers {n}", 5), 16)) for n in range(3)]
    run = machine.run([f"twin {seed}" for seed in seeds])
    found = sorted(run.printed.decode(errors="replace").splitlines())
    wanted = ["child kept everything"] * 3 + ["parent kept everything"] * 3
    if found and run.outcome is Outcome.POWER_OFF:  # else its end says more
        check.equal("\n".join(found), "\n".join(wanted), "what both find in their registers")
    run.expect_ends(
        ["exited with 0"] * 3, "`twin` finds all registers in its child, and keeps its own"
    )
    check.equal("\n".join(found), "\n".join(wanted), "what both find in their registers")


@pytest.mark.task("6.1")
@pytest.mark.points(2)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "An area is more than its bounds: permissions, backend, file and offset, shared, modified, populate. map() takes the"
    " reference to the file. Pages without any permission are there, too."
)
def test_areas_are_inherited_as_they_are(machine: Machine) -> None:
    """Otherwise a child's memory behaves in another way, some day."""
    probe(machine, "fork-areas", "areas and pages of all kinds, in a child", checks=1200)
    probe(
        machine,
        "fork-areas:1",
        "the same without task 6.2, where pages are copied at once",
        checks=1200,
    )


@pytest.mark.task("6.1")
@pytest.mark.points(2)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "args[1] is the child's sp, if it is not 0; clone_for_libraries() knows the flags, and refuses those that make"
    " threads. It may set the child's tp, so all registers are set before. task->called_at is the address of the ecall,"
    " whatever sepc is meanwhile."
)
def test_clone_does_what_its_arguments_say(machine: Machine) -> None:
    """Otherwise C libraries cannot use it."""
    probe(
        machine,
        "fork-arguments",
        "clone() with flags and stacks, and a child's registers",
        checks=150,
    )


@pytest.mark.task("6.1")
@pytest.mark.points(3)
@pytest.mark.requires("areas_are_inherited_as_they_are")
@pytest.mark.hint(
    "process_destroy() gives back all that a child had got by then. Every function that returns an error may do so."
    " Nothing of the parent's may be lost: what was shared, and is not any more, comes back with the first store."
)
def test_a_fork_that_fails_leaves_nothing(machine: Machine) -> None:
    """Otherwise each fork() without memory makes the next one more likely to fail."""
    probe(machine, "fork-memory", "clone() while each frame in turn cannot be had", checks=300)
    what = "the same without task 6.2, where pages are copied at once"
    probe(machine, "fork-memory:1", what, checks=300)


# ---- 6.2 copies when somebody writes ---------------------------------------------------------------

SHARING = (
    "map=0,4000,rw,pa fill=a+0,4000,1 map=0,1000,rw,sa fork w=a+1000,5 r=a+0 checkpoint post=b+0 until=b+0,2 end"
    " until=b+0,1 w=a+2000,6 checkpoint post=b+0 wait=any"
)


def frames(seen: Checkpoint, start: int, count: int) -> List[int]:
    """The frames of so many pages, 0 for one that is missing."""
    found = seen.user.pages(start, start + count * PAGE)
    return [found.get(start + n * PAGE, (0, "-"))[0] for n in range(count)]


@pytest.mark.basic
@pytest.mark.task("6.2")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_becomes_two")
@pytest.mark.hint(
    "share_pages(): the child's entries have the parent's frames, each with a reference more, and nobody has PROT_WRITE."
    " unshare(): a copy of one page, for who has written."
)
def test_frames_are_shared_until_written(machine: Machine) -> None:
    """Otherwise a fork() costs as much as the program is large.  (250 ms.)"""
    seen = looked_at(machine, SHARING)
    first, child = (frames(seen[n], MMAP_BASE, 4) for n in (0, 1))
    same = " ".join("same" if mine == its else "other" for mine, its in zip(first, child))
    check.equal(
        same,
        "same other other same",
        "frames of 4 pages in a program and its child: the child has written to the second, the parent then to the third",
    )
    # And what is shared needs no memory: 7 MiB twice would not fit.
    job = (
        "mapper map=0,700000,rw,pa fill=a+0,700000,1 map=0,1000,rw,sa fork r=a+0 r=a+6fffff post=b+0 end"
        " until=b+0,1"
    )
    run = machine.run([job], memory=20)
    check.equal(
        "\n".join(told(run.printed).get("1", ["nothing"])),
        "1> r=a+0: 1\n1> r=a+6fffff: 1",
        "what the child reads of a program with 7 MiB, on a machine of 20 MiB",
    )
    run.expect_ends(["exited with 0"], "a program with 7 MiB, and its child, which only reads")


@pytest.mark.task("6.2")
@pytest.mark.points(3)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "One store, one fault, one copy: of the page that was written, and of no other. Who is left alone with a frame needs"
    " no copy, but a fault all the same."
)
def test_a_store_copies_its_page_alone(machine: Machine) -> None:
    """Otherwise sharing saves nothing, or each store costs a fault."""
    script = (
        "map=0,8000,rw,pa fill=a+0,8000,1 map=0,1000,rw,sa fork w=a+1000,5 w=a+1008,5 r=a+2000 w=a+5000,5 w=a+1fff,5"
        " sum=a+0,8000 post=b+0 until=b+0,2 end until=b+0,1 w=a+3000,6 w=a+3001,6 sum=a+0,8000 post=b+0 wait=any"
    )
    run = machine.run([f"mapper {script}"])
    run.expect_ends(["exited with 0"], "`mapper` runs to its end")
    stores = [t.tval for t in run.traps if not t.interrupt and t.cause == STORE_PAGE]
    inside = [(tval - MMAP_BASE) // PAGE for tval in stores if 0 <= tval - MMAP_BASE < 8 * PAGE]
    check.equal(
        " ".join(map(str, inside[:8])), "0 1 2 3 4 5 6 7", "pages that come when they are filled"
    )
    check.equal(
        " ".join(map(str, sorted(inside[8:]))),
        "1 3 5",
        "pages at which stores have faulted behind fork(): the child's, 1 and 5, and the parent's, 3",
    )


READ_ONLY = {
    "map=0,2000,rx,pa r=a+0 fork w=a+0,1 end wait=any": "1 killed 11",
    "map=0,2000,r,pa r=a+0 fork w=a+1000,1 end wait=any": "1 killed 11",
    "map=0,2000,rw,pa w=a+0,1 protect=a+0,1000,r fork w=a+0,2 end wait=any": "1 killed 11",
    "map=0,2000,rw,pa w=a+0,1 fork protect=a+0,1000,r w=a+0,2 end wait=any": "1 killed 11",
    "fork w=10000,1 end wait=any": "1 killed 11",
}


@pytest.mark.task("6.2")
@pytest.mark.points(2)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "The area says whether it may be written, not the page: PROT_WRITE in area->prot, and nothing else, makes a fault"
    " yours."
)
def test_what_cannot_be_written_stays_so(machine: Machine) -> None:
    """Otherwise a program can change its own code, once it has had a child.  (350 ms.)"""
    for script, end in READ_ONLY.items():
        run = machine.run([f"mapper {script}"])
        run.expect_ends(["exited with 0"], f"`mapper {script}` runs to its end")
        check.equal(
            told(run.printed).get("", ["nothing"])[-1],
            f"wait=any: {end}",
            f"the child's end: {script}",
        )


KERNEL_COPIES: Story = (
    ("open=disk/text,r", "3"),
    ("map=0,3000,rw,pa", "a"),
    ("map=0,1000,rw,sa", "b"),
    ("fill=a+0,3000,78", None),
    Child(
        1,
        ("pread=A,a+ff0,20,0", "32"),
        ("text=a+fe8,18", "xxxxxxxx" + TEXT[:16].decode()),
        ("text=a+1000,18", TEXT[16:32].decode() + "xxxxxxxx"),
        ("post=b+0", None),
        ("until=b+0,2", None),
        ("text=a+2000,4", "xxxx"),
    ),
    ("until=b+0,1", None),
    ("text=a+ff0,20", "x" * 32),
    ("pread=A,a+2000,4,8", "4"),
    ("text=a+2000,6", TEXT[8:12].decode() + "xx"),
    ("post=b+0", None),
    ("wait=any", "1 exited 0"),
)


@pytest.mark.task("6.2")
@pytest.mark.points(3)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "The copies of lab 3 ask space_fault->fault() for a page without PROT_WRITE: level 6 looks first, and passes on what"
    " is not its business."
)
def test_the_kernel_copies_too(machine: Machine) -> None:
    """Otherwise a read() of one program changes another's memory."""
    play(machine, KERNEL_COPIES, "read() into pages that two programs have", disk=True)


PROTECTED: Story = (
    ("map=0,3000,rw,pa", "a"),
    ("map=0,1000,rw,sa", "b"),
    ("fill=a+0,3000,1", None),
    Child(
        1,
        ("protect=a+0,2000,r", "0"),
        ("protect=a+0,3000,rw", "0"),
        ("w=a+0,2", None),
        ("w=a+2000,2", None),
        ("post=b+0", None),
        ("until=b+0,2", None),
        ("r=a+1000", "1"),
        ("r=a+0", "2"),
    ),
    ("until=b+0,1", None),
    ("r=a+0", "1"),
    ("r=a+2000", "1"),
    ("protect=a+1000,1000,-", "0"),
    ("protect=a+1000,1000,rw", "0"),
    ("w=a+1000,3", None),
    ("post=b+0", None),
    ("wait=any", "1 exited 0"),
    ("r=a+1000", "3"),
)


@pytest.mark.task("6.2")
@pytest.mark.points(3)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "mprotect() knows nothing of all this: protect() of level 6 is where it is told. A frame with more than one reference,"
    " in an area that is not shared: no PROT_WRITE yet."
)
def test_mprotect_does_not_undo_it(machine: Machine) -> None:
    """Otherwise two programs write to one page, though neither knows of the other."""
    play(machine, PROTECTED, "mprotect() of pages that two programs have")


DESCENDANTS: Story = (
    ("map=0,4000,rw,pa", "a"),
    ("map=0,1000,rw,sa", "b"),
    ("fill=a+0,4000,1", None),
    Child(
        1,
        ("w=a+0,2", None),
        Child(
            1,
            ("w=a+1000,3", None),
            Child(
                1,
                ("r=a+0", "2"),
                ("r=a+1000", "3"),
                ("w=a+2000,4", None),
                ("r=a+2000", "4"),
                ("r=a+3000", "1"),
            ),
            ("wait=any", "1 exited 0"),
            ("r=a+2000", "1"),
            ("w=a+0,5", None),
            ("r=a+0", "5"),
        ),
        Child(2, ("r=a+0", "2"), ("r=a+1000", "1"), ("w=a+3000,6", None)),
        ("wait=2", "2 exited 0"),
        ("wait=1", "1 exited 0"),
        ("r=a+0", "2"),
        ("r=a+1000", "1"),
        ("r=a+3000", "1"),
    ),
    ("wait=1", "1 exited 0"),
    ("r=a+0", "1"),
    ("w=a+0,7", None),
    ("r=a+0", "7"),
)


@pytest.mark.task("6.2")
@pytest.mark.points(2)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "A page that is shared already is shared again: one reference more, however many there are. A copy gives one back."
)
def test_generations_share(machine: Machine) -> None:
    """Otherwise a grandchild gets memory that was given back, or another's."""
    play(machine, DESCENDANTS, "four generations, each of which writes to its memory")


@pytest.mark.task("6.2")
@pytest.mark.points(2)
@pytest.mark.requires("frames_are_shared_until_written")
@pytest.mark.hint(
    "frame_get() for each page that is shared, frame_put() of the old frame with each copy. With one reference a frame is"
    " its page's alone. Your handler returns true for a trap that it has dealt with: the levels below are not asked then."
)
def test_references_are_counted(machine: Machine) -> None:
    """Otherwise a frame is given back while somebody has it, or never."""
    probe(
        machine, "copies-counted", "frames that two have, and that one is left with", checks=11_000
    )


@pytest.mark.task("6.2")
@pytest.mark.points(2)
@pytest.mark.requires("references_are_counted")
@pytest.mark.hint("The frame for the copy first; without one all is as it was, and it is -ENOMEM.")
def test_without_a_frame_nothing_is_copied(machine: Machine) -> None:
    """Otherwise a page is lost when memory is short, or the store is tried for ever.  (300 ms.)"""
    probe(
        machine,
        "copies-memory",
        "a store to a page that two have, without a frame for the copy",
        checks=70,
    )
    job = "mapper map=0,700000,rw,pa fill=a+0,700000,1 fork fill=a+0,700000,2 end wait=any r=a+0 r=a+6fffff"
    run = machine.run([job], memory=20)
    run.expect_ends(["exited with 0"], "a program whose child needs more memory than there is")
    check.equal(
        "\n".join(told(run.printed).get("", [])[-3:]),
        "wait=any: 1 killed 9\nr=a+0: 1\nr=a+6fffff: 1",
        "what it sees: 7 MiB, then a child that writes to all of them, on a machine of 20 MiB",
    )


@pytest.mark.task("6.2")
@pytest.mark.points(3)
@pytest.mark.requires("references_are_counted")
@pytest.mark.hint(
    "The sequence shows who has whom for a child, and who writes what. Whose page is wrong first?"
)
def test_random_families_have_their_memory(machine: Machine) -> None:
    """Otherwise it works for two, and the first time.  (100 ms: 2,000 operations.)"""
    probe_random(
        machine, "copies-random", "families at random, against a model of each page", checks=300_000
    )


# ---- 6.3 another program in the same process -------------------------------------------------------

REPLACED: Story = (
    ("stack", "a"),
    ("w=a+0,7", None),
    Child(1, ("exec=/bin/startup,one,two", None)),
    ("wait=any", "1 exited 0"),
    ("r=a+0", "7"),
    Child(2, ("exec=/bin/exit,42", None)),
    ("wait=any", "2 exited 42"),
    ("exec=/bin/echo,the,end", None),
)


@pytest.mark.basic
@pytest.mark.task("6.3")
@pytest.mark.points(3)
@pytest.mark.hint(
    "Copy path and vectors first; space_detach(), program_load(); then space_free() the old one, or space_attach() it"
    " again. task_renew() has the new one begin."
)
def test_another_program_runs(machine: Machine) -> None:
    """Otherwise a program can only ever run itself.  As on Linux: execve(2)."""
    run = play(
        machine,
        REPLACED,
        "execve() of programs that are there",
        programs=["startup", "exit", "echo"],
    )
    text = run.printed.decode(errors="replace")
    wanted = [
        "argc = 3",
        "argv[0] = startup",
        "argv[1] = one",
        "argv[2] = two",
        "envp has 0 strings",
    ]
    for line in [*wanted, "sp is 16-byte aligned", "argv[argc] is null", "the end"]:
        check.true(
            line in text.splitlines(),
            "what the new programs find, and print",
            line,
            text,
            outcome_of(run),
        )


BAD_PROGRAMS: Story = (
    ("map=0,2000,rw,pa", "a"),
    ("fill=a+0,1000,61", None),
    ("open=/text,r", "3"),
    ("exec=/bin/none", str(ENOENT)),
    ("exec=/text", str(ENOEXEC)),
    ("exec=/empty", str(ENOEXEC)),
    ("exec=/cut", str(ENOEXEC)),
    ("exec=/bin", str(EACCES)),
    ("exec=/dev/null", str(EACCES)),
    ("exec=", str(ENOENT)),
    ("text=a+0,4", "aaaa"),
    ("read=A,a+1000,4", "4"),
    ("unmap=a+1000,1000", "0"),
    ("r=a+fff", "97"),
)


@pytest.mark.task("6.3")
@pytest.mark.points(3)
@pytest.mark.requires("another_program_runs")
@pytest.mark.hint(
    "An error gives the old space back as it was; nothing of it may be gone before load() has worked."
)
def test_who_cannot_be_replaced_goes_on(machine: Machine) -> None:
    """Otherwise a wrong name costs a program its life."""
    program = build.program("exit").read_bytes()
    files = {"text": b"no program", "empty": b"", "cut": program[: PAGE + 100]}
    play(machine, BAD_PROGRAMS, "execve() of what is no program", files=files)


PIPED: Story = (
    ("pipe", "0"),
    Child(
        1,
        ("dup3=B,1,0", None),
        ("close=A", "0"),
        ("exec=/bin/echo,through,a,pipe", None),
    ),
    ("close=B", "0"),
    ("stack", "a"),
    ("wait=1", "1 exited 0"),
    ("read=A,a+0,40", "46"),
    ("text=a+1f,e", "through a pipe"),
    ("read=A,a+0,40", "0"),
)


@pytest.mark.task("6.3")
@pytest.mark.points(2)
@pytest.mark.requires("another_program_runs")
@pytest.mark.hint(
    "process_renew() closes what is not to be kept; all else a program has open stays open."
)
def test_files_stay_open(machine: Machine) -> None:
    """Otherwise a shell cannot say where a program's output goes."""
    run = machine.run(
        [" ".join(["mapper", *words(PIPED)])],
        {"bin/echo": build.program("echo").read_bytes()},
        budget=BUDGET,
    )
    seen = told(run.printed).get("", [])
    wanted = lines(PIPED)[""]
    check.equal(
        "\n".join(seen), "\n".join(wanted), "what comes through a pipe from another program"
    )
    expect_programs(run, PIPED)


@pytest.mark.task("6.3")
@pytest.mark.points(2)
@pytest.mark.requires("another_program_runs")
@pytest.mark.hint(
    "Strings and addresses together: ARGUMENTS_MAX bytes and no more, however they are divided. Whatever the program"
    " passes may be no address."
)
def test_arguments_have_limits(machine: Machine) -> None:
    """Otherwise a program that passes too much, or what is not there, is the kernel's problem."""
    probe(machine, "exec-vectors", "copy_vector() of all sorts of vectors", checks=250_000)


@pytest.mark.task("6.3")
@pytest.mark.points(3)
@pytest.mark.requires("who_cannot_be_replaced_goes_on")
@pytest.mark.hint(
    "Either all is the new program's, or nothing has changed: memory, files, name. space_free() for the one that goes."
)
def test_all_or_nothing_is_replaced(machine: Machine) -> None:
    """Otherwise memory of the old program stays, or some of it is gone and the program goes on."""
    probe(machine, "exec-programs", "execve(), also without frames", files=programs(), checks=9000)


@pytest.mark.task("6.3")
@pytest.mark.points(2)
@pytest.mark.requires("another_program_runs")
@pytest.mark.hint(
    "task_renew() empties all registers but sp, floating-point ones, too, when all else is done."
)
def test_a_program_begins_with_empty_registers(machine: Machine) -> None:
    """Otherwise a program sees what another computed; and Linux's begin with a0 as the address of a function."""
    story: Story = (
        Child(1, ("exec=/bin/blank", None)),
        ("wait=1", "1 exited 0"),
    )
    play(machine, story, "registers that are not 0 when a program begins", programs=["blank"])


# ---- 6.4 who has ended, and who waits ---------------------------------------------------------------

FORMS: Story = (
    ("wait=any", str(ECHILD)),
    ("map=0,1000,rw,sa", "a"),
    Child(1, ("until=a+0,1", None), ("exit=11", None)),
    Child(2, ("until=a+0,2", None), ("exit=12", None)),
    Child(3, ("until=a+0,3", None), ("exit=13", None)),
    ("wait=any,1", "0"),
    ("wait=2,1", "0"),
    ("wait=any,40", str(EINVAL)),
    ("post=a+0", None),
    ("wait=any", "1 exited 17"),
    ("wait=1", str(ECHILD)),
    ("wait=any,1", "0"),
    ("post=a+0", None),
    ("post=a+0", None),
    ("wait=3", "3 exited 19"),
    ("wait=2,2", "2 exited 18"),
    ("wait=any,1", str(ECHILD)),
    ("wait=any", str(ECHILD)),
)
# The one that is waited for is not the first to end.
OTHERS_FIRST: Story = (
    Child(1, ("nap=4e20", None), ("exit=1", None)),
    Child(2, ("exit=2", None)),
    ("wait=1", "1 exited 1"),
    ("wait=2", "2 exited 2"),
)


@pytest.mark.basic
@pytest.mark.task("6.4")
@pytest.mark.points(3)
@pytest.mark.hint(
    "An option that is not known is -EINVAL, before all else. Look among those that have ended for one that is meant (pid);"
    " if there is none, and no living one either: -ECHILD. Else wait_on() until one ends, and look again."
)
def test_a_parent_can_wait(machine: Machine) -> None:
    """Otherwise nobody knows what has become of a child.  As on Linux: wait4(2)."""
    play(machine, FORMS, "wait4() in all its forms")
    play(machine, OTHERS_FIRST, "wait4() of a child, while another ends")


STATUSES: Story = (
    Child(1, ("exit=0", None)),
    ("wait=any", "1 exited 0"),
    Child(2, ("exit=1ff", None)),
    ("wait=any", "2 exited 255"),
    Child(3, ("r=0", None)),
    ("wait=any", "3 killed 11"),
    Child(4, ("x=10002", None)),
    ("wait=4", "4 killed 4"),
    Child(5, ("nap=f4240", None)),
    ("kill=5,9", "0"),
    ("wait=5", "5 killed 9"),
    Child(6, ("spin=ffffffffffff", None)),
    ("kill=6,f", "0"),
    ("wait=6", "6 killed 15"),
    ("kill=6,f", str(ESRCH)),
    Child(7, ("kill=0,9", None)),
    ("wait=7", "7 killed 9"),
    Child(
        8,
        ("pipe", "0"),
        ("close=A", "0"),
        ("write=B,0,0", "0"),
        ("stack", "a"),
        ("write=B,a+0,1", None),
    ),
    ("wait=8", "8 killed 13"),
    Child(9, Child(1, ("nap=c350", None)), ("wait=any", None)),
    ("nap=2710", None),
    ("kill=9,9", "0"),
    ("wait=9", "9 killed 9"),
)


@pytest.mark.task("6.4")
@pytest.mark.points(3)
@pytest.mark.requires("a_parent_can_wait")
@pytest.mark.hint(
    "task->wait_status is the word already: it goes to the program as it is, 4 bytes of it."
)
def test_the_status_says_how(machine: Machine) -> None:
    """Otherwise a shell cannot tell a crash from success."""
    play(machine, STATUSES, "how children have ended")


ORPHANS: Story = (
    ("map=0,1000,rw,sa", "a"),
    Child(
        1,
        Child(
            1,
            ("parent", "1"),
            ("post=a+0", None),
            ("until=a+0,2", None),
            ("parent", "2"),
            ("post=a+4", None),
        ),
        Child(2, ("exit=5", None)),
        ("until=a+0,1", None),
        ("exit=7", None),
    ),
    ("wait=any", "1 exited 7"),
    ("post=a+0", None),
    ("until=a+4,1", None),
    ("wait=any", str(ECHILD)),
)
UNREAPED: Story = (
    ("map=0,1000,rw,sa", "a"),
    Child(
        1,
        Child(
            1,
            ("parent", "1"),
            ("post=a+0", None),
            ("until=a+8,1", None),
            ("parent", "2"),
            ("post=a+4", None),
        ),
        ("until=a+0,1", None),
        ("exit=7", None),
    ),
    ("until=a+0,1", None),
    ("nap=7530", None),
    ("post=a+8", None),
    ("until=a+4,1", None),
    ("wait=1", "1 exited 7"),
)


@pytest.mark.task("6.4")
@pytest.mark.points(3)
@pytest.mark.requires("a_parent_can_wait")
@pytest.mark.hint(
    "Who ends leaves its children to the first process at once, not when somebody asks for it; those that have ended,"
    " too: nobody else will."
)
def test_orphans_are_adopted(machine: Machine) -> None:
    """Otherwise a child's parent is somebody who is not there any more.  (400 ms.)"""
    play(machine, GENERATIONS, "who has whom for a parent, in four generations")
    play(machine, ORPHANS, "a child whose parent has ended, and was waited for")
    play(machine, UNREAPED, "a child whose parent has ended, and is still to be waited for")


@pytest.mark.task("6.4")
@pytest.mark.points(3)
@pytest.mark.requires("a_parent_can_wait")
@pytest.mark.hint(
    "What is left of a child that has ended is its struct process, until its parent has heard of it: then"
    " process_destroy()."
)
def test_nothing_is_left_of_the_dead(machine: Machine) -> None:
    """Otherwise the machine gets smaller with each process.  (300 ms: six hundred forks, and more.)"""
    jobs = ["forker 600", "forker 30 keep", "forker 10 orphans"]
    run = probe(
        machine, "families-deck", "programs that have children, and end", jobs=jobs, checks=7_500
    )
    run.expect_ends(
        ["exited with 0"] * 3, "`forker` has its children, one after the other or at a time"
    )


@pytest.mark.task("6.4")
@pytest.mark.points(2)
@pytest.mark.requires("a_parent_can_wait")
@pytest.mark.hint(
    "wait_on(&family->child_ended): who waits has no turns; the status may be no address of the program's, and has 4"
    " bytes. pid and options are ints. There may be any number of children."
)
def test_waiting_costs_nothing(machine: Machine) -> None:
    """Otherwise a shell uses up the time of the program that it waits for."""
    probe(
        machine,
        "families-wait",
        "wait4() with bad addresses, and of those that others wait for",
        checks=1100,
    )


# What is typed, and what the shell and its programs show behind the typed line before the next is typed.
Session = Sequence[Tuple[str, str]]
TOOLS = ("sh", "cat", "chant", "echo", "exit", "fault", "ls", "mkdir", "wc")
PROMPT, END, INTERRUPT = "$ ", "\x04", "\x03"
AWAITED_MAX = 24
PATIENCE = 30.0  # guest seconds until somebody who types gives up: time flies, and the host may be slow to bring a key


def session(machine: Machine, lines: Session, end: str) -> None:
    """Have somebody type lines to a shell, and demand what the console shows, to the letter."""
    shown, typed = PROMPT, []
    awaited = shown
    for text, answer in lines:
        typed.append((awaited[-AWAITED_MAX:].encode(), text.encode()))
        echo = "^C\n" if text == INTERRUPT else text.replace(END, "")
        shown += echo + answer
        awaited = echo + answer or awaited
    run = machine.run(
        ["sh"],
        {f"bin/{name}": build.program(name).read_bytes() for name in TOOLS},
        "console=terminal idle=polls",
        shift=6,
        budget=PATIENCE,
        typed=tuple(typed),
        disk=FILES,
    )
    check.equal(
        check.readable(run.printed), shown, "a session with a shell, what is typed and the answers"
    )
    run.expect_ends([end], "the shell ends with the status that it was told, or its last program's")
    run.expect_linked_calls({0: len(lines)})
    run.expect_disk_in_order()


@pytest.mark.task("6.4")
@pytest.mark.points(3)
@pytest.mark.requires("a_parent_can_wait", "files_stay_open")
@pytest.mark.hint(
    "fork(), execve(), wait4() and what is given between them: files that a child arranges stay open in its program, and"
    " the end of a pipe comes when its last writer has ended. Try it: make run LAB=processes"
)
def test_a_shell_can_be_lived_in(machine: Machine) -> None:
    """Otherwise there are processes, and nobody who could use them.  (400 ms.)"""
    one, two = (machine.secret(f"word {n}", 6 + n) for n in range(2))
    code = 1 + int(machine.secret("code", 2), 16) % 250
    long = machine.secret("long", 64) * 2  # the console takes it in pieces
    session(
        machine,
        [
            (f"echo {one} {two}\n", f"{one} {two}\n{PROMPT}"),
            (f"echo {one} {two} | cat | wc\n", f"1 2 {len(one) + len(two) + 2}\n{PROMPT}"),
            (f"echo {one} > /disk/file; echo {two} >> /disk/file\n", PROMPT),
            ("cat < /disk/file | cat\n", f"{one}\n{two}\n{PROMPT}"),
            (f"echo {long} | wc\n", f"1 1 {len(long) + 1}\n{PROMPT}"),
            (f"exit {code}; echo $?\n".replace("exit", "/bin/exit"), f"{code}\n{PROMPT}"),
            (
                f"/bin/exit 1 && echo {one} || echo {two}\n",
                f"{two}\n{PROMPT}",
            ),
            (f"{one}\n", f"sh: {one}: no such file or directory\n{PROMPT}"),
            ("echo $?\n", f"127\n{PROMPT}"),
            ("fault load 0x10\n", f"before load\nsh: killed by signal 11\n{PROMPT}"),
            ("cd /disk; mkdir d; cd d\n", PROMPT),
            (f"echo {two} > {one}; ls; cat /disk/d/{one}\n", f"{one}\n{two}\n{PROMPT}"),
            (f"exit {code}\n", ""),
        ],
        f"exited with {code}",
    )


@pytest.mark.task("6.4")
@pytest.mark.points(2)
@pytest.mark.requires("a_shell_can_be_lived_in")
@pytest.mark.hint(
    "The console sends SIGINT to all who do not ignore it; whether a child does, process_inherit() hands down. Who sleeps"
    " wakes and ends, also in wait4(): wait_on() says so. Its parent is told of signal 2."
)
def test_control_c_ends_what_runs(machine: Machine) -> None:
    """Otherwise one endless loop is the end of a session.  (300 ms.)"""
    word = machine.secret("word", 8)
    session(
        machine,
        [
            ("cat\n", ""),
            (f"{word}\n", f"{word}\n"),
            (INTERRUPT, PROMPT),
            ("echo $?\n", f"130\n{PROMPT}"),
            ("sh -c cat\n", ""),  # who waits for its child ends, too
            (f"{word}\n", f"{word}\n"),
            (INTERRUPT, PROMPT),
            ("chant x 5 1000 3000000\n", "xxxxx\n"),
            (INTERRUPT, PROMPT),
            ("cat | cat | wc\n", ""),
            (f"{word} {word}\n", ""),
            (END, f"1 2 {2 * len(word) + 2}\n{PROMPT}"),
            (f"echo {word}\n", f"{word}\n{PROMPT}"),
            (END, ""),
        ],
        "exited with 0",
    )


# ---- 6.5 a process with a program of its own --------------------------------------------------------

SPAWNED: Story = (
    ("spawn=/bin/exit,42", "1"),
    ("wait=any", "1 exited 42"),
    ("spawn=/bin/startup,one,two,three", "2"),
    ("wait=2", "2 exited 0"),
    ("spawn=/bin/exit,1", "3"),
    ("spawn=/bin/exit,2", "4"),
    ("wait=4", "4 exited 2"),
    ("wait=3", "3 exited 1"),
    ("wait=any", str(ECHILD)),
)


@pytest.mark.basic
@pytest.mark.task("6.5")
@pytest.mark.points(3)
@pytest.mark.hint(
    "process_create(), program_load(), process_inherit(), task_start(), process_set_parent()."
)
def test_a_program_starts_another(machine: Machine) -> None:
    """Otherwise each new program costs a copy of the old one."""
    run = play(machine, SPAWNED, "spawn()", programs=["exit", "startup"])
    text = run.printed.decode(errors="replace").splitlines()
    for line in ("argc = 4", "argv[0] = startup", "argv[3] = three"):
        check.true(
            line in text, "what a spawned program finds", line, "\n".join(text), outcome_of(run)
        )


NOT_SPAWNED: Story = (
    ("spawn=/bin/none", str(ENOENT)),
    ("spawn=/text", str(ENOEXEC)),
    ("spawn=/bin", str(EACCES)),
    ("spawn=/dev/null", str(EACCES)),
    ("spawn=", str(ENOENT)),
    ("wait=any", str(ECHILD)),
)


@pytest.mark.task("6.5")
@pytest.mark.points(3)
@pytest.mark.requires("a_program_starts_another")
@pytest.mark.hint(
    "An error is told to the caller, and there is no process: process_destroy() what has been made."
)
def test_what_cannot_be_spawned_is_nobody(machine: Machine) -> None:
    """Otherwise a parent waits for a child that never was."""
    play(machine, NOT_SPAWNED, "spawn() of what is no program", files={"text": b"no program"})


@pytest.mark.task("6.5")
@pytest.mark.points(2)
@pytest.mark.requires("a_program_starts_another")
@pytest.mark.hint(
    "process_inherit() and process_renew(); process_set_parent(). After an error nothing is left: process_destroy()."
)
def test_who_is_spawned_is_a_child(machine: Machine) -> None:
    """Otherwise spawn() is not what fork() and execve() are."""
    probe(machine, "spawn-programs", "spawn(), also without frames", files=programs(), checks=9500)
    story = (("spawn=/bin/blank", "1"), ("wait=1", "1 exited 0"))
    play(machine, story, "registers that are not 0 when a program begins", programs=["blank"])


# ---- 6.6 shares of the CPU --------------------------------------------------------------------------

SHARE_MS = 6900  # since power-on, of which the firmware takes two seconds at shift 7
TURNS_LEAST = 250  # of some 490 in that time
TICKS_PER_MS = 10_000
LOOPERS = 0x100000  # where the first of the programs lies


def looper(at: int, priority: int) -> bytes:
    """A program at an address of its own that sets its priority, and takes the CPU until its time has come."""
    end = SHARE_MS * TICKS_PER_MS >> 12
    text = machine_code(
        priority << 20 | 0x513,  # li a0, priority
        401 << 20 | 0x893,  # li a7, SYS_SET_PRIORITY
        0x00000073,  # ecall
        end << 12 | 0x337,  # lui t1, end
        *[0x00000013] * 250,  # 1: nop: looking at the clock costs QEMU more
        0xC01022F3,  # rdtime t0
        0xC062EAE3,  # bltu t0, t1, 1b
        0x00000513,  # li a0, 0
        0x05D00893,  # li a7, 93: exit
        0x00000073,  # ecall
    )
    return elf([(at, text, None, RX)], at)


def shares(machine: Machine, priorities: Sequence[int]) -> List[int]:
    """How many turns of programs with these priorities the timer has ended: where it hit them, QEMU's trap log says, and
    each has addresses of its own.  What they print, or the kernel says, could be what it wants to be true.
    """
    places = [LOOPERS + n * 16 * PAGE for n in range(len(priorities))]
    names = [f"looper-{priority}" for priority in priorities]
    files = {f"bin/{n}": looper(at, p) for n, at, p in zip(names, places, priorities)}
    run = machine.run(names, files, shift=7, budget=SHARE_MS / 1000 + 1)
    run.expect_ends(
        ["exited with 0"] * len(names), "programs that take what they get run to their end"
    )
    return [sum(t.interrupt and at <= t.epc < at + PAGE for t in run.traps) for at in places]


def expect_shares(priorities: Sequence[int], had: Sequence[int]) -> None:
    """Demand that each has had its part of the turns, within 3 % of all."""
    total = sum(had)
    check.true(
        total >= TURNS_LEAST,
        "programs run until their time has come, and the timer ends their turns",
        f"at least {TURNS_LEAST} timer interrupts in their code",
        f"{total} in QEMU's trap log",
        "no evidence of user mode",
    )
    for mine, priority in zip(had, priorities):
        part = priority / sum(priorities)
        check.true(
            abs(mine / total - part) <= 0.03,
            f"the part of the CPU that a program with priority {priority} has, beside others with"
            f" {', '.join(str(each) for each in priorities if each != priority)}",
            f"{part:.1%}, or 3 % more or less",
            f"{mine / total:.1%}: the timer has ended {mine} turns of its, of {total}",
        )


@pytest.mark.basic
@pytest.mark.task("6.6")
@pytest.mark.points(4)
@pytest.mark.hint(
    "pick() takes who has come least far, and takes him on by a stride: a number divided by his priority."
)
def test_shares_follow_priorities(machine: Machine) -> None:
    """Otherwise set_priority() is a word without meaning.  (300 ms: 5 s of guest time, twice.)"""
    for count in (
        2 + int(machine.secret("few", 2), 16) % 3,
        5 + int(machine.secret("many", 2), 16) % 4,
    ):
        priorities = sorted(
            {2 + int(machine.secret(f"priority {count} {n}", 3), 16) % 120 for n in range(count)}
        )
        expect_shares(priorities, shares(machine, priorities))


@pytest.mark.task("6.6")
@pytest.mark.points(2)
@pytest.mark.hint("From PRIORITY_MIN to PRIORITY_MAX; all 64 bits of the argument count.")
def test_priorities_have_limits(machine: Machine) -> None:
    """Otherwise a program divides the kernel by zero."""
    probe(machine, "stride-rules", "set_priority() with numbers of all sorts", checks=22)


@pytest.mark.task("6.6")
@pytest.mark.points(3)
@pytest.mark.requires("shares_follow_priorities")
@pytest.mark.hint(
    "After so many turns each has had its part of them, to one turn or two: whatever the priorities are."
)
def test_turns_are_dealt_out_exactly(machine: Machine) -> None:
    """Otherwise shares are right on the average, and somebody waits too long."""
    probe(
        machine,
        "stride-shares",
        "turns of 2 to 8 tasks, each with a priority of its own",
        checks=40_000,
    )


@pytest.mark.task("6.6")
@pytest.mark.points(3)
@pytest.mark.requires("shares_follow_priorities")
@pytest.mark.hint(
    "enqueue(): a pass that lies behind the present one becomes the present one. One that lies ahead stays: else"
    " sleeping pays."
)
def test_nobody_has_to_be_caught_up_with(machine: Machine) -> None:
    """Otherwise whoever is new, or has slept, has the CPU for himself, or not at all."""
    probe(
        machine,
        "stride-newcomers",
        "turns beside a task that comes late, or sleeps now and then",
        checks=28_000,
    )


@pytest.mark.task("6.6")
@pytest.mark.points(2)
@pytest.mark.requires("turns_are_dealt_out_exactly")
@pytest.mark.hint(
    "A pass wraps around some day. Which of two comes first, the sign of their difference says, in as many bits as a"
    " pass has."
)
def test_a_pass_may_wrap(machine: Machine) -> None:
    """Otherwise the machine stands still for one program, after some hours.  (300,000 turns.)"""
    probe(
        machine,
        "stride-wraps",
        "turns after so many that a pass of 32 bits has wrapped",
        checks=900_000,
    )
