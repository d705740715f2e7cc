"""A probe's result counts only when the probe ran: submissions that know all addresses of the kernel with the probes.

Each attack stands in a part of lab 1, whose INITCALL runs before any probe; the lab that is graded has the starter
files. What is lost are the attacker's doubts: the addresses come from `nm` of the very kernel that is attacked.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from grader import build, plugin, probe_log, symbols
from grader import grade as grading
from grader.labs import Lab, all_labs
from grader.paths import TEMPLATE, GraderError
from grader.tests.conftest import Grade

PROBED = [lab for lab in all_labs() if (lab.directory / "probes" / "list.c").is_file()]
SECRET_SEED = "731642"

# %(name)s: the address of a symbol of the kernel with the probes.
COMMON = """
#include "panic.h"
#include "platform.h"
#include "runner.h"
#include "slot.h"
#include "string.h"
static const volatile uint64_t where[] = {%(probe_result)s, %(probe_came_to_its_end)s, %(probe_fail)s,
    %(probe_list)s, %(probe_bss_start)s, %(probe_bss_end)s, %(probe_mark)s, %(run_probe)s};
enum { RESULT, END, FAIL, LIST, VARIABLES, VARIABLES_END, MARK, RUN };
struct listed { const char *name; uintptr_t function; uintptr_t early; };
static void prepare(void)
{
    uint64_t *result = (uint64_t *)where[RESULT];
    result[0] = 1 << 20;
    result[1] = 1;
}
static void attack(void);
static void attack_probes(void)
{
    char name[40];
    if (platform_option("probe", name, sizeof(name)))
        attack();
}
INITCALL(1, attack_probes);
"""

ATTACKS = {
    "result-written": """
static void attack(void)
{
    prepare();
    report("probe: depth 1");
    power_off();
}
""",
    "end-called": """
static void attack(void)
{
    prepare();
    ((void (*)(void))where[END])();
}
""",
    "entered-left-and-counted": """
#include "frame.h"
#include "page_table.h"
#include "space.h"
static void *kept[5];
static const struct listed *asked;
static void leave(void)
{
    __builtin_longjmp(kept, 1);
}
static void attack(void)
{
    static const void *all[16];
    char name[40];
    platform_option("probe", name, sizeof(name));
    for (int i = 0; i < 16; i++)
        all[i] = (const void *)(uintptr_t)leave;
    frames = (const struct frames_ops *)all;
    page_table = (const struct page_table_ops *)all;
    spaces = (const struct spaces_ops *)all;
    for (asked = (const struct listed *)where[LIST]; strcmp(asked->name, name) != 0; asked++)
        ;
    if (__builtin_setjmp(kept) == 0)
        ((void (*)(unsigned long))asked->function)(0);
    uint64_t *result = (uint64_t *)where[RESULT];
    for (result[0] = 64; result[0] < 100000; result[0] += result[0] < 1024 ? result[0] : 1024)
        ((void (*)(void))where[MARK])();
    ((void (*)(void))where[END])();
}
""",
    "fail-returns": """
static void attack(void)
{
    *(volatile uint16_t *)where[FAIL] = 0x8082;
    __asm__ volatile("fence.i" ::: "memory");
}
""",
    "probes-return-at-once": """
static void attack(void)
{
    for (const struct listed *each = (const struct listed *)where[LIST]; each->name; each++)
        *(volatile uint16_t *)each->function = 0x8082;
    __asm__ volatile("fence.i" ::: "memory");
    prepare();
}
""",
    "list-rewritten": """
static void nothing(unsigned long argument)
{
    (void)argument;
    prepare();
}
static void attack(void)
{
    for (struct listed *each = (struct listed *)where[LIST]; each->name; each++)
        each->function = (uintptr_t)nothing;
}
""",
    "runner-replaced": """
static void run_nothing(void)
{
    prepare();
    power_off();
}
static const struct runner_ops replaced = {.run = run_nothing};
static void attack(void)
{
    runner = &replaced;
}
""",
    "variables-preset": """
static void attack(void)
{
    memset((void *)where[VARIABLES], 0x11, where[VARIABLES_END] - where[VARIABLES]);
    prepare();
}
""",
    "check-of-memory-patched": """
static void attack(void)
{
    static const uint16_t always_equal[] = {0x4501, 0x8082}; /* li a0, 0; ret */
    memcpy((void *)(uintptr_t)memcmp, always_equal, sizeof(always_equal));
    memcpy((void *)(uintptr_t)strcmp, always_equal, sizeof(always_equal));
    __asm__ volatile("fence.i" ::: "memory");
}
""",
    "trapped-in-each-block": """
extern char caught[];
static uint64_t kept[32];
static void attack(void)
{
    /* Jump to each place of the probes with registers at which nothing is: it traps, and we go on. */
    for (uint64_t at = ((struct listed *)where[LIST])->function & -4096UL; at < where[RUN]; at += 2)
        __asm__ volatile("la t1, kept_here\\n sd sp, 0(t1)\\n sd s0, 8(t1)\\n sd s1, 16(t1)\\n"
            "sd ra, 24(t1)\\n la t0, 1f\\n csrw stvec, t0\\n li sp, 0x1000\\n li s0, 0x1000\\n"
            "la ra, 1f\\n jr %0\\n .balign 4\\n 1: la t1, kept_here\\n ld sp, 0(t1)\\n ld s0, 8(t1)\\n"
            "ld s1, 16(t1)\\n ld ra, 24(t1)\\n"
            ".pushsection .data\\n .balign 8\\n kept_here: .zero 32\\n .popsection"
            :: "r"(at) : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4",
            "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    (void)kept;
    prepare();
    ((void (*)(void))where[END])();
}
""",
}
ADDRESSES = (
    "probe_result probe_came_to_its_end probe_fail probe_list probe_bss_start probe_bss_end probe_mark run_probe"
).split()


def submission(lab: Lab, directory: Path, attack: str) -> Path:
    """The reference before a lab, its starter files, and an attack with the right addresses in lab 1."""
    for each in all_labs():
        if each.number < lab.number:
            shutil.copytree(each.directory / "solution", directory / each.folder)
        elif each.number == lab.number:
            shutil.copytree(TEMPLATE / each.folder, directory / each.folder)
    part = directory / "1-batch" / "batch.c"
    text = part.read_text()
    addresses = dict.fromkeys(ADDRESSES, 0)
    for _ in range(
        2
    ):  # the first build tells them: numbers in a table do not move what lies behind
        known: Dict[str, str] = {name: f"{at:#x}" for name, at in addresses.items()}
        part.write_text(text + COMMON % known + ATTACKS[attack])
        kernel = build.build(grading.configuration(lab, grading.Options(solutions=directory)))
        addresses = {n: symbols.address(kernel.with_name(build.PROBE), n) for n in ADDRESSES}
    return directory


def cases() -> List[Any]:
    """Every attack in the first lab with probes, the plainest in all of them."""
    found: List[Any] = []
    for lab in PROBED:
        for attack in ATTACKS:
            if lab == PROBED[0] or attack in ("result-written", "probes-return-at-once"):
                found.append(pytest.param(lab, attack, id=f"{lab.name}-{attack}"))
    return found


@pytest.mark.parametrize("lab, attack", cases())
def test_knowing_all_addresses_of_the_probes_gains_nothing(
    grade: Grade, tmp_path: Path, lab: Lab, attack: str
) -> None:
    directory = submission(lab, tmp_path / "attack", attack)
    seeds: List[Tuple[str, ...]] = [(), ("--seed", SECRET_SEED)]
    for seed in seeds:
        graded = grade(directory, *seed)
        assert graded.results and not graded.results["labs"][0]["failure"], graded.output
        assert graded.score <= lab.starter_score, graded.output


def test_the_reference_is_believed_and_a_shortened_log_is_not() -> None:
    """Each demand of probe_log.py, on the log of a run that is right."""
    lab = PROBED[0]
    kernel = build.build(grading.configuration(lab, grading.Options(solutions=None)))
    machine = plugin.Machine(kernel, 7, "evidence")
    run = machine.run([], probe="table-permissions", shift=1, budget=3.0)
    count, ended = run.probed
    assert count > 64 and ended == 1 and run.unproved == ""
    probe, log = kernel.with_name(build.PROBE), run.record.traps
    traps = [(trap.cause, trap.epc) for trap in run.traps if not trap.interrupt]

    def objection(
        log: bytes = log, traps: List[Tuple[int, int]] = traps, count: int = count
    ) -> str:
        return probe_log.objection(probe, "table-permissions", log, traps, count, True)

    assert objection() == ""
    function = probe_log.function_of(probe_log.flow(probe), "table-permissions")
    assert function and len(function.needed) > 3
    for at in function.needed[1:]:
        line = re.search(rb"^0x0*%x: .*\n" % at, log, re.M)
        assert line
        assert "left before its end" in objection(log.replace(line[0], b""))
        assert "in order" in objection(line[0] + log)
        assert "not what was linked" in objection(
            re.sub(rb"(0x0*%x:\s+)\w\w" % at, rb"\g<1>ff", log)
        )
    begin = re.search(rb"^0x0*%x: .*\n" % function.start, log, re.M)
    assert begin and objection(log.replace(begin[0], b"")) == "the probe never ran"
    failed = symbols.address(probe, "probe_fail")
    text = symbols.code(probe, failed, 2)[::-1].hex()
    assert "found something" in objection(log + f"0x{failed:016x}:  {text}  add\n".encode())
    assert "in the probe's own code" in objection(traps=[*traps, (13, function.start + 8)])
    assert "is not its own" in objection(count=count + 2000)
    assert "is not its own" in objection(traps=[each for each in traps if each[0] != 3])
    with pytest.raises(GraderError, match="has a form that is not known"):
        objection(b"")


def test_marks_come_at_the_counts_that_probe_h_names() -> None:
    for count, marks in ((63, 0), (64, 1), (127, 1), (128, 2), (1023, 4), (1024, 5), (2048, 6)):
        assert probe_log.marks_of(count) == marks
    assert probe_log.marks_of(638_087) == 5 + 638_087 // 1024 - 1
