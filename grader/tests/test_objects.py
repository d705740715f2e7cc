"""What a part may tell the linker: judged by its object file, however its source is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from grader import build, objects, submission
from grader.labs import Lab, all_labs, find_lab
from grader.paths import KERNEL
from grader.tests.conftest import Grade

HEADERS = '#include "slot.h"\n#include "frame.h"\n#include "runner.h"\n#include "trap.h"\n#include "task.h"\n'


def compiled(tmp_path: Path, text: str, suffix: str = ".c") -> Path:
    """An object of this source, as a part of lab 3 would be."""
    source, output = tmp_path / f"part{suffix}", tmp_path / "part.o"
    source.write_text(HEADERS + text if suffix == ".c" else text)
    command = [build.cross() + "gcc", *build.KERNEL_FLAGS.split(), "-w", f"-I{KERNEL / 'include'}"]
    subprocess.run([*command, "-c", source, "-o", output], check=True)
    return output


SLOT_BY_HAND = """
static const struct frames_ops mine;
extern const char {symbol};
const char {symbol} = 0;
static const struct slot_entry entry __attribute__((used, section(".slots.{slot}.{level}"))) = {{
    (const void **)&{winner}, &mine, "frames", "mine", "part.c", {says}, sizeof(mine)}};
"""


def by_hand(slot: str, level: int, winner: str, says: int, symbol: str) -> str:
    return SLOT_BY_HAND.format(slot=slot, level=level, winner=winner, says=says, symbol=symbol)


REFUSED = {
    "slot-above-the-probes": (
        by_hand("frames", 9, "frames", 9, "frames_level_3"),
        "serves at level 3",
    ),
    "slot-says-another-level": (
        by_hand("frames", 3, "frames", 9, "frames_level_3"),
        "serves at level 3",
    ),
    "slot-is-another": (
        by_hand("frames", 3, "runner", 3, "frames_level_3"),
        "not for the slot frames",
    ),
    "slot-without-its-symbol": (
        by_hand("frames", 3, "frames", 3, "mine_too"),
        "what PROVIDE() makes",
    ),
    "slot-with-a-longer-name": (
        by_hand("frames", 3, "frames", 3, "frames_level_3").replace('.3"', '.3x"'),
        "the section",
    ),
    "slot-of-a-few-bytes": (
        'static const int x __attribute__((used, section(".slots.frames.3"))) = 3;',
        "what PROVIDE() makes",
    ),
    "slot-by-macro": (
        "static const struct frames_ops mine;\nPROVIDE(frames, 8, mine);",
        "serves at level 3",
    ),
    "initcall-of-a-test": ("static void f(void) {}\nINITCALL(9, f);", "level 3"),
    "initcall-by-hand": (
        'static void f(void) {}\nstatic const struct initcall x __attribute__((used, section(".initcalls.7"))) = {f, "f"};',
        "level 3",
    ),
    "handler-of-a-later-lab": (
        "static bool f(struct task *t, uint64_t c) { return true; }\nTRAP_HANDLER(8, 6, f);",
        "level 3",
    ),
    "hook-of-a-later-lab": ("static void f(struct task *t) {}\nEXIT_HOOK(4, f);", "level 3"),
    "probes-result": (
        "extern unsigned long probe_result[2];\nvoid f(void) { probe_result[0] = 1; }",
        "probe_result",
    ),
    "probes-result-weak": (
        "extern unsigned long probe_result[2] __attribute__((weak));\nvoid f(void) { if (probe_result) probe_result[0] = 1; }",
        "probe_result",
    ),
    "probes-result-defined": ("unsigned long probe_result[2];", "probe_result"),
    "probes-result-static": (
        "static unsigned long probe_result[2] __attribute__((used));",
        "probe_result",
    ),
    "probes-result-renamed": (
        'extern unsigned long mine[2] __asm__("probe_result");\nvoid f(void) { mine[0] = 1; }',
        "probe_result",
    ),
    "probes-result-alias-of-mine": (
        'unsigned long mine[2];\nextern unsigned long other[2] __attribute__((alias("mine"))) ;\n__asm__(".globl probe_result\\n.set probe_result, mine");',
        "probe_result",
    ),
    "probes-result-set": (
        '__asm__(".set mine, probe_result\\n.globl mine\\n.pushsection .data\\n.dword mine\\n.popsection");',
        "probe_result",
    ),
    "probes-result-weakref": (
        '__asm__(".weakref mine, probe_result\\n.pushsection .data\\n.dword mine\\n.popsection");',
        "probe_result",
    ),
    "probes-result-symver": (
        '__asm__(".symver mine, probe_result@V\\n.pushsection .data\\n.dword mine\\n.popsection");',
        "probe_result",
    ),
    "probes-result-symver-default": (
        '__asm__(".globl mine\\n.data\\nmine: .dword 0\\n.symver mine, probe_result@@V\\n.text");',
        "probe_result",
    ),
    "any-version": (
        '__asm__(".globl mine\\n.data\\nmine: .dword 0\\n.symver mine, other@@V\\n.text");',
        "no versions",
    ),
    "probes-result-hidden": (
        'extern unsigned long probe_result[2] __attribute__((visibility("hidden")));\nvoid f(void) { probe_result[0] = 1; }',
        "probe_result",
    ),
    "probes-result-common": ('__asm__(".comm probe_result, 16, 8");', "probe_result"),
    "any-common": ('__asm__(".comm current_task, 8, 8");', "common symbol"),
    "global-number": (
        '__asm__(".globl here\\n.equ here, 0x80200000");',
        "global symbol that is a number",
    ),
    "indirect-function": (
        '__asm__(".globl here\\n.type here, @gnu_indirect_function\\nhere: ret");',
        "kind that C has not",
    ),
    "unique-symbol": (
        '__asm__(".type here, @gnu_unique_object\\n.data\\nhere: .dword 0\\n.text");',
        "kind that C has not",
    ),
    "thread-local": ("__thread int x = 3;\nint f(void) { return x; }", "kind that C has not"),
    "constructor": (
        "int x;\n__attribute__((constructor)) static void f(void) { x = 3; }",
        "the section .init_array",
    ),
    "initial-code": ('__asm__(".section .init, \\"ax\\"\\nnop\\n.text");', "the section .init"),
    "before-the-first-code": (
        '__attribute__((section(".text.start"))) void f(void) {}',
        "the section .text.start",
    ),
    "among-the-probes": (
        '__attribute__((section(".probe.text"))) void f(void) {}',
        "the section .probe.text",
    ),
    "not-zeroed": (
        'int x __attribute__((section(".noinit,\\"aw\\",@nobits#")));',
        "the section .noinit",
    ),
    "on-the-trampoline": (
        '__attribute__((section(".trampoline.save"))) void f(void) {}',
        "the section .trampoline.save",
    ),
    "section-of-its-own": ('int x __attribute__((section("mine"))) = 3;', "the section mine"),
    "group": (
        '__asm__(".section .text.g, \\"axG\\", @progbits, g, comdat\\nnop\\n.text");',
        "the section",
    ),
    "note": (
        '__asm__(".section .note.mine, \\"a\\", @note\\n.dword 0\\n.text");',
        "the section .note.mine",
    ),
    "warning": (
        '__asm__(".section .gnu.warning.panic\\n.string \\"x\\"\\n.text");',
        "the section .gnu.warning.panic",
    ),
    "not-loaded-slot": (
        '__asm__(".section .slots.frames.9, \\"\\"\\n.zero 56\\n.text");',
        "the section .slots.frames.9",
    ),
    "code-that-can-be-written": (
        '__asm__(".section .text.mine, \\"awx\\"\\nnop\\n.text");',
        "the section .text.mine",
    ),
    "code-among-data": (
        '__asm__(".section .data.mine, \\"awx\\"\\nnop\\n.text");',
        "the section .data.mine",
    ),
}

ALLOWED = {
    "plain": 'int x = 3, y;\nconst int z = 5;\nstatic const char *const text[] = {"a", "b"};\nconst char *f(int i) { return text[i]; }',
    "macros": "static const struct frames_ops mine;\nPROVIDE(frames, 3, mine);\nstatic void f(void) {}\nINITCALL(3, f);\nstatic void g(struct task *t) {}\nEXIT_HOOK(0, g);\nstatic bool h(struct task *t, uint64_t c) { return true; }\nTRAP_HANDLER(8, 3, h);",
    "weak-and-hidden": '__attribute__((weak)) int f(void) { return 1; }\n__attribute__((visibility("hidden"))) int g(void) { return f(); }',
    "sections-of-functions": '__attribute__((section(".text.mine"))) int f(void) { return 1; }\nint x __attribute__((section(".data.mine"))) = 3;',
    "cold-and-hot": "extern void gone(void) __attribute__((cold, noreturn));\nint f(int x) { if (x) gone(); return 1; }\n__attribute__((hot)) int g(void) { return 2; }\n__attribute__((cold)) int h(void) { return 3; }",
    "numbers-of-the-assembler": '__asm__(".equ SIZE, 16\\n.set OTHER, SIZE * 2\\n.pushsection .rodata\\n.dword OTHER\\n.popsection");',
    "loops-and-tables": "int f(int n) { switch (n) { case 0: return 5; case 1: return 7; case 2: return 1; case 3: return 9; case 4: return 4; case 5: return 8; } return 0; }",
}


@pytest.mark.parametrize("text, said", REFUSED.values(), ids=REFUSED)
def test_what_c_and_the_headers_cannot_say_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in objects.objection(compiled(tmp_path, text), 3)


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED)
def test_ordinary_code_is_allowed(tmp_path: Path, text: str) -> None:
    assert objects.objection(compiled(tmp_path, text), 3) == ""


STACKS = {"kernel_stack_alloc": "task 3.3 (kernel_space.c)"}


@pytest.mark.parametrize("attribute", ["", '__attribute__((weak, visibility("hidden"))) '])
def test_a_function_is_its_tasks_to_define(tmp_path: Path, attribute: str) -> None:
    """Defined by another task's file it would replace the given default, or the student's own definition."""
    part = compiled(tmp_path, f"{attribute}void *kernel_stack_alloc(void) {{ return 0; }}")
    said = objects.objection(part, 3, definers=STACKS, task="task 3.1 (frames.c)")
    assert said == "defines kernel_stack_alloc(), which task 3.3 (kernel_space.c) defines"


def test_a_function_by_another_symbol_is_found_too(tmp_path: Path) -> None:
    text = 'static int x(void) { return 0; }\nint y(void) __attribute__((alias("x")));'
    part = compiled(
        tmp_path, text + '\n__asm__(".globl kernel_stack_alloc\\nkernel_stack_alloc = y");'
    )
    assert "kernel_stack_alloc()" in objects.objection(part, 3, definers=STACKS, task="task 3.1")


def test_the_tasks_own_definition_is_allowed_and_replaces_the_given_one(tmp_path: Path) -> None:
    text = "void *kernel_stack_alloc(void) { return 0; }"
    own = STACKS["kernel_stack_alloc"]
    assert objects.objection(compiled(tmp_path, text), 3, definers=STACKS, task=own) == ""
    weak = compiled(tmp_path, f"__attribute__((weak)) {text}")
    assert "is weak" in objects.objection(weak, 3, definers=STACKS, task=own)
    local = compiled(tmp_path, f"static {text}\nvoid *f(void) {{ return kernel_stack_alloc(); }}")
    assert objects.objection(local, 3, definers=STACKS, task="task 3.1 (frames.c)") == ""


@pytest.fixture
def two_definitions(solutions: Path) -> Path:
    """Solutions in which lab 1's batch.c defines a function of task 3.3, too."""
    part = solutions / "1-batch" / "batch.c"
    text = '#include "kernel_stack.h"\n' + part.read_text()
    part.write_text(text + "\nvoid kernel_stack_free(uint64_t *stack) { (void)stack; }\n")
    return solutions


@pytest.mark.parametrize("lab_name", ["batch", "address-spaces"])
def test_a_definition_in_another_tasks_file_is_refused_by_name(
    grade: Grade, two_definitions: Path, lab_name: str
) -> None:
    """Alone, as in lab 1's kernel, it would replace the given default; beside the right one, it does not link."""
    graded = grade(two_definitions, "--lab", lab_name, "--set", "basic")
    said = " ".join(graded.output.split())
    assert "batch.c: defines kernel_stack_free(), which task 3.3 (kernel_space.c) defines" in said
    assert "kernel_space.c: " not in said


def test_two_definitions_do_not_link(two_definitions: Path) -> None:
    lab = find_lab("address-spaces")
    parts = [
        (
            build.find_part(each, task, two_definitions, given=False)
            if each.number == 1
            else build.reference_part(each, task, given=False)
        )
        for each in all_labs()
        if each.number <= lab.number
        for task in each.tasks
    ]
    with pytest.raises(build.BuildFailure) as caught:
        build.build(build.Configuration(lab, tuple(parts)))
    words = "kernel_stack_free() is defined in two files: only task 3.3 (kernel_space.c) defines it"
    assert words in str(caught.value)
    assert "1-batch/batch.c" in caught.value.details


def test_nonsense_is_no_object(tmp_path: Path) -> None:
    good = compiled(tmp_path, "int x = 3;").read_bytes()
    broken = tmp_path / "broken.o"
    for size in range(0, len(good), 97):
        broken.write_bytes(good[:size])
        assert objects.objection(broken, 3)


def test_a_refused_part_scores_nothing_and_is_named(
    grade: Grade, solutions: Path, lab: Lab
) -> None:
    part = solutions / lab.folder / "batch.c"
    entry = by_hand("runner", 9, "runner", 9, "mine_too").replace(
        "struct frames_ops", "struct runner_ops"
    )
    part.write_text(part.read_text() + entry)
    graded = grade(solutions, "--test", "1.6")
    assert graded.status == 0 and graded.score == 0
    assert f"{part}: PROVIDE(runner, 9, …): a part of lab 1 serves at level 1" in " ".join(
        graded.output.split()
    )


def test_limits_leave_room_for_code_that_is_longer_than_ours() -> None:
    """Of each part, and of all parts of the last lab's kernel."""
    sizes = [
        build.elf_size(submission.reference_objects() / lab.folder / task.object_name)
        for lab in all_labs()
        for task in lab.tasks
    ]
    for size, sections, symbols, names in sizes:
        assert size * 10 < build.OBJECT_BYTES_MAX and sections * 10 < build.SECTIONS_MAX
        assert symbols * 5 < build.SYMBOLS_MAX and names * 10 < build.SYMBOL_NAMES_MAX
    assert sum(symbols for _, _, symbols, _ in sizes) * 4 < build.SYMBOLS_TOGETHER_MAX
    assert sum(names for *_, names in sizes) * 10 < build.SYMBOL_NAMES_TOGETHER_MAX
