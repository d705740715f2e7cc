"""Random system calls against the finished kernel: it neither stops, nor hangs, nor loses anything.

grader/fuzz.py plays and judges, grader/tests/fuzz/ draws and watches; `make fuzz CALLS=1000000` does it at length.
What finds nothing has to show that it could: below are kernels with bugs, each of which it has to find.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict, Optional, Sequence

import pytest

from grader import fuzz, mutants
from grader.fuzz import Count, Played, Setting
from grader.labs import all_labs
from grader.submission import reference_objects

COUNTED = (1, 2, 5, 6, 8)  # with disks; and with frames that are refused
SEEDS = (3, 4, 7)
MORE_SEEDS = range(9, 21)
# Seeds that a bug has to be found in.  They have no disk: so what they draw, and find, is the same each time.
SEARCHED = [seed for seed in range(1, 40) if not Setting.of(seed).has_disk]
ON_DISK = [seed for seed in range(1, 9) if Setting.of(seed).has_disk]
NEVER_WORKS = {"readlinkat", "settimeofday"}  # nothing is a link; the clock cannot be set

# In 25,000 calls.  The rarest comes 50 times; and mkdirat(), which works least often, has worked 11 times then.
TIMES_MIN, WORKED_MIN = 15, 1


@pytest.fixture(autouse=True)
def parts_built_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the many kernels here nearly all parts are the reference's."""
    monkeypatch.setenv("RUNG_REFERENCE_OBJECTS", str(reference_objects()))


@pytest.fixture(scope="module")
def kernel() -> Path:
    return fuzz.kernel_of()


def play(kernel: Path, seed: int) -> Played:
    """A seed without a complaint."""
    played = fuzz.play(kernel, Setting.of(seed))
    if played.complaint:
        pytest.fail(fuzz.shrink(kernel, played), pytrace=False)
    assert played.calls >= fuzz.CALLS
    return played


@pytest.mark.parametrize(
    "seed", [*SEEDS, *(pytest.param(seed, marks=pytest.mark.deep) for seed in MORE_SEEDS)]
)
def test_nothing_is_lost_and_nobody_hangs(kernel: Path, seed: int) -> None:
    """What programs ask for, however wrong, is theirs to suffer from; the next programs find all as it was."""
    play(kernel, seed)


def test_nothing_is_lost_and_every_call_is_reached(kernel: Path) -> None:
    """Calls that are always refused at once would show nothing."""
    total: Dict[int, Count] = {}
    unknown = refused = 0
    for seed in COUNTED:
        played = play(kernel, seed)
        fuzz.add_counts(total, played.counts)
        unknown, refused = unknown + played.unknown, refused + played.refused
    said = "\n".join(fuzz.table(total))
    for number, name in fuzz.call_names().items():
        count = total.get(number, Count())
        assert count.calls >= TIMES_MIN, f"{name}\n{said}"
        assert count.successes >= WORKED_MIN or name in NEVER_WORKS, f"{name}\n{said}"
    errors = frozenset().union(*(count.errnos for count in total.values()))
    wanted = "EFAULT EBADF EINVAL ENOMEM ENOENT EMFILE EAGAIN E2BIG ECHILD ENOTDIR EISDIR".split()
    assert {fuzz.errno_names()[n] for n in errors} >= set(wanted), said
    assert unknown > 500 and refused > 20


def test_the_monitor_knows_every_call(kernel: Path) -> None:
    """It says so itself when a call of the kernel's is missing; and here, when one is missing in the program."""
    rows = (fuzz.SOURCES / "program.c").read_text()
    for name in fuzz.call_names().values():
        assert f"{{SYS_{name}," in rows


def test_without_a_disk_a_seed_is_the_same_to_the_last_bit(kernel: Path) -> None:
    setting = Setting.of(3)
    assert not setting.has_disk
    runs = [fuzz.play(kernel, setting, calls=1500) for _ in range(2)]
    consoles = {played.ran.record.console for played in runs if played.ran}
    assert len(consoles) == 1 and runs[0].last == runs[1].last


# ---- kernels with bugs -----------------------------------------------------------------------------

# Given parts of the kernel with a bug: system calls that take the place of others.
PLANTED = {
    "descriptors-unchecked": (
        "FSTAT",
        """
        struct file *file = task->process->files[(int)args[0]];
        return file ? stat_out(task, args[1], file) : -EBADF;
        """,
        "kernel panic",
    ),
    "lost-when-descriptors-run-out": (
        "PIPE2",
        """
        struct file *ends[2];
        long result = served(task, args);
        if (result == -EMFILE)
            pipe_create(0, ends);
        return result;
        """,
        "bytes of the kernel's memory",
    ),
    "lost-with-a-bad-address": (
        "FSTAT",
        """
        struct file *file = file_get(task, args[0]);
        long result = served(task, args);
        if (result == -EFAULT)
            file->references++;
        return result;
        """,
        "",
    ),
    "pointer-trusted": (
        "CLOCK_GETTIME",
        """
        if (args[1] > USER_END)
            *(volatile uint64_t *)args[1] = 0;
        return served(task, args);
        """,
        "kernel",
    ),
    "pointer-wraps": (
        "GETRANDOM",
        "(void)task; return args[0] + args[1] > USER_END ? -EFAULT : (long)(args[1] & 0xff);",
        "argument 0",
    ),
    "sleeps-for-good": (
        "NANOSLEEP",
        """
        static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
        long result = served(task, args);
        if (result == -EINTR)
            wait_uninterruptible(&queue);
        return result;
        """,
        "has not ended",
    ),
    "lock-kept": (
        "FSYNC",
        """
        long result = served(task, args);
        if (result == -EINVAL)
            fs_lock();
        return result;
        """,
        "has not ended",
    ),
    "error-that-is-none": ("GETPPID", "(void)task, (void)args; return -1000;", "returned -1000"),
    "disk-not-in-order": (
        "UNLINKAT",
        """
        struct file *file;
        long result = served(task, args);
        if (result == 0 && file_open_with("/disk/text", O_RDWR, &file) == 0) {
            file->inode->size += 100000; /* and no clusters for it */
            file->inode->ops->sync(file->inode);
            file_put(file);
        }
        return result;
        """,
        "",
    ),
}

SOURCE = """
#include "errno.h"
#include "file.h"
#include "inode.h"
#include "pipe.h"
#include "slot.h"
#include "space.h"
#include "syscall.h"
#include "task.h"
#include "user_memory.h"
#include "wait.h"

static long (*served)(struct task *task, const uint64_t args[6]);

static long planted(struct task *task, const uint64_t args[6])
{
BODY
}

static void plant(void)
{
    served = syscall_table[SYS_NUMBER];
    syscall_table[SYS_NUMBER] = planted;
}
INITCALL(8, plant);
"""


def find(kernel: Path, seeds: Sequence[int] = SEARCHED) -> Optional[Played]:
    """The first seed that fails."""
    for seed in seeds:
        played = fuzz.play(kernel, Setting.of(seed))
        if played.complaint:
            return played
    return None


def planted(name: str, directory: Path) -> Path:
    """A kernel with this bug."""
    number, body, _ = PLANTED[name]
    source = directory / f"{name}.c"
    source.write_text(SOURCE.replace("NUMBER", number).replace("BODY", body))
    return fuzz.kernel_of(extra=[source])


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str, tmp_path: Path) -> None:
    found = find(planted(name, tmp_path), ON_DISK if "disk" in name else SEARCHED)
    assert found and PLANTED[name][2] in found.complaint, found


def test_what_fails_is_shown_by_few_calls(tmp_path: Path) -> None:
    kernel = planted("lost-with-a-bad-address", tmp_path)
    found = find(kernel)
    assert found
    said = fuzz.shrink(kernel, found)
    assert f"SEED={found.setting.seed}" in said
    calls = [line for line in said.splitlines() if line.startswith("  ")]
    assert any("fstat(" in line and line.endswith("= -EFAULT") for line in calls), said
    assert len(calls) < 10, said


# Bugs of labs that a few thousand calls bring to light; of all others many can be seen by answers alone.
MUTANTS = [
    "null-entry-called",
    "table-index-unchecked",
    "counter-index-unchecked",
    "file-is-not-put-back",
    "memory-file-leaked",
    "memory-file-lost-without-an-area",
    "child-still-writes",
    "parent-still-writes",
    "failed-child-stays",
    "failed-process-stays",
    "old-space-stays",
    "old-space-not-put-back",
    "vector-kept-after-an-error",
    "vector-without-end",
]
# Found, but after many seeds.
RARE_MUTANTS = ["sleeper-stays-listed", "frame-lost-without-a-table"]


def mutant(name: str) -> mutants.Subject:
    """The first lab's mutant of this name."""
    subjects = [subject for lab in all_labs() for subject in mutants.subjects(lab)]
    return next(each for each in subjects if each.kind == "mutant" and each.name == name)


@pytest.mark.parametrize(
    "name", [*MUTANTS, *(pytest.param(name, marks=pytest.mark.deep) for name in RARE_MUTANTS)]
)
def test_a_bug_of_a_lab_is_found(name: str, tmp_path: Path) -> None:
    subject = mutant(name)
    solutions = mutants.stage(subject, tmp_path / "staged") / "solutions"
    for lab in all_labs():
        if lab.number > subject.lab.number:
            shutil.copytree(lab.directory / "solution", solutions / lab.folder)
    assert find(fuzz.kernel_of(solutions)), subject.header["belief"]
