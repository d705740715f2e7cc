"""Whatever a submission, its tools or the host do: a verdict in time, or one line that says why there is none."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

import jsonschema
import pytest

from grader import bounded, build, grade as grading, machine, plugin, results, run
from grader.labs import Lab, find_lab
from grader.machine import Boot, Outcome
from grader.paths import ROOT, GraderCrashed, GraderError, GraderGaveUp
from grader.plugin import Machine
from grader.tests.conftest import Grade, Graded
from grader.trap_log import HEAD_MAX, LOOP, TAIL_MAX, TrapLog

MEMORY = 2 << 30  # bytes of address space for the grader, and for all that it starts
SECONDS = (
    120  # far more than any of these take on a busy machine; once they took minutes or had no end
)
REPORT_KIB = 64  # of what a verdict takes in results.json beyond what it takes anyway

needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks into /proc")


def graded(
    solutions: object,
    out: Path,
    *options: str,
    limits: "Dict[int, int]" = {},
    shell: str = "",
    environment: "Dict[str, str]" = {},
    lab: str = "batch",
) -> "Tuple[Graded, str]":
    """Grade in a process of its own under limits, by a shell's command line; and what was said on stderr."""

    def apply() -> None:
        for kind, value in limits.items():
            resource.setrlimit(kind, (value, value))

    command = [sys.executable, "-m", "grader", "grade", "--solutions", str(solutions)]
    command += ["--lab", lab, "--out", str(out), *options]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *command],
        cwd=ROOT,
        env={**os.environ, "RUNG_WORKERS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=apply,
        timeout=SECONDS,
        check=False,
    )
    kept = out / "results.json"
    found = json.loads(kept.read_bytes()) if kept.is_file() else None
    said = done.stderr.decode(errors="replace")
    return Graded(done.returncode, done.stdout.decode(errors="replace"), found), said


def assembly(text: str) -> bytes:
    """C whose assembly holds these lines."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'__asm__("{escaped}");\n'.encode()


# ---- what compiler, assembler and linker say and make

FLOODS = {
    "a message of many words that are the compiler's name": (
        b'_Static_assert(0, "' + b"gcc " * 20_000 + b'");\n'
    ),
    "errors": b"int nobody = missing;\n" * 20_000,
    "errors of a nested macro": b"".join(
        [b"#define M0 nobody_has_this\n"]
        + [b"#define M%d M%d M%d\n" % (n, n - 1, n - 1) for n in range(1, 12)]
        + [b"int x = M11;\n"]
    ),
    "an include of itself": b"#include __FILE__\n",
    "an error with odd bytes": b"#error a\0b\xff\xfe\x1b[31m :bug: [red]\\\n",
    "a line number of 5,000 digits": assembly(f'.linefile {"9" * 5000} "x.c"\nsdd'),
    "a message in another file's name": b'#line 2147483647 "/usr/bin/ld: gcc -c :1:2: error: x"\nint int;\n',
    "labels": assembly(".macro m\nlabel\\@:\n.endm\n.rept 800000\nm\n.endr"),
    "sections": assembly('.macro m\n.section .s\\@,"a"\n.word 1\n.endm\n.rept 30000\nm\n.endr'),
    "symbols with long names": assembly(
        ".macro m n\n" + "long" * 500 + "\\@:\n.endm\n.rept 3000\nm\n.endr"
    ),
    "a macro without end": assembly(".macro m\nm\nm\n.endm\nm"),
    "names that are defined nowhere": b"".join(
        b"extern int u%d; int *p%d = &u%d;\n" % (n, n, n) for n in range(2000)
    ),
    "a section beyond all memory": assembly(".pushsection .bss\n.skip 0x100000000000\n.popsection"),
    "errors of the assembler": assembly(".rept 100000\nsdd\n.endr"),
}


@pytest.mark.parametrize("name", FLOODS)
def test_what_tools_say_and_make_is_bounded(
    solutions: Path, lab: Lab, tmp_path: Path, name: str
) -> None:
    """Else a submission costs minutes, or all memory, and there is no verdict at all."""
    part = solutions / lab.folder / "fault.c"
    part.write_bytes(part.read_bytes() + FLOODS[name])
    seen, said = graded(
        solutions, tmp_path / "out", "--test", "1.5", limits={resource.RLIMIT_AS: MEMORY}
    )
    assert (seen.status, seen.score, said) == (0, 0, ""), seen.output
    assert seen.results and seen.results["labs"][0]["failure"]
    assert len(seen.output) < 16 << 10
    assert len(json.dumps(seen.results)) < REPORT_KIB << 10


@pytest.mark.parametrize(
    "text",
    [
        assembly('.rept 400000\n.print "a line of the assembler\'s"\n.endr'),
        b"".join(b'#warning "number %d"\n' % n for n in range(20_000)),
        b"".join(b'#pragma message "number %d"\n' % n for n in range(20_000)),
    ],
    ids=["print", "warnings", "messages"],
)
def test_messages_without_an_error_cost_a_right_kernel_nothing(
    solutions: Path, lab: Lab, tmp_path: Path, text: bytes
) -> None:
    part = solutions / lab.folder / "fault.c"
    part.write_bytes(part.read_bytes() + text)
    seen, _ = graded(
        solutions, tmp_path / "out", "--test", "empty_deck*", limits={resource.RLIMIT_AS: MEMORY}
    )
    assert (seen.status, seen.score) == (0, 1), seen.output
    kept = list((ROOT / "build" / "kernels").glob("*/objects/1-batch/fault.o.said"))
    assert kept and all(path.stat().st_size <= build.SAID_BYTES_MAX for path in kept)


@pytest.mark.parametrize(
    "line, found",
    [
        ("a/b.c:7:3: error: no", ("a/b.c", 7, "no")),
        ("a b.c:7: Error: no", ("a b.c", 7, "no")),
        ("C:x.c:7:3: fatal error: no", ("C:x.c", 7, "no")),
        ("x.c:" + "9" * 5000 + ":1: error: no", ("x.c", 0, "no")),
        ("x.c:1:2: error: y.c:3:4: error: no", ("x.c", 1, "y.c:3:4: error: no")),
        ("   12 | x.c:1:2: error: no", None),
        ("collect2: error: ld returned 1", None),
        (": error: no", None),
        ("x.c:\u0661:2: error: another script's", ("x.c:\u0661", 2, "another script's")),
        ("", None),
    ],
)
def test_a_complaint_is_read(line: str, found: "Optional[Tuple[str, int, str]]") -> None:
    seen = build._complaint(line, build._COMPLAINTS)
    assert (seen and (seen.file, seen.line, seen.message)) == found


# ---- what a kernel does to QEMU and to those who read its output


def with_extra(lab_name: str, code: str, tmp_path: Path) -> Machine:
    """The reference's kernel of a lab, with this C besides."""
    extra = tmp_path / "extra.c"
    extra.write_text(code)
    chosen = grading.configuration(
        find_lab(lab_name), grading.Options(solutions=None), extra=[extra]
    )
    return Machine(build.build(chosen), 1, "hardening")


def test_a_long_report_is_cut(solutions: Path, lab: Lab, tmp_path: Path) -> None:
    """Half a megabyte without a space once took a pattern minutes to read."""
    part = solutions / lab.folder / "batch.c"
    more = (
        '#include "print.h"\n#include "slot.h"\nstatic char giant[640 << 10];\n'
        "static void talk(void)\n{\n    memset(giant, 'a', sizeof(giant) - 1);\n"
        '    report("dump: %s", giant);\n}\nINITCALL(1, talk);\n'
    )
    part.write_text(part.read_text() + more)
    seen, _ = graded(solutions, tmp_path / "out", "--test", "empty_deck*")
    assert (seen.status, seen.score) == (0, 1), seen.output


VIRTIO = """
#include <stdint.h>
#include "slot.h"

#define REGISTER(at, n) (*(volatile uint32_t *)((at) + (n)))

/* The queue's ring has a descriptor of no bytes, which QEMU complains of each time. */
static struct {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
} descriptors[8] __attribute__((aligned(4096)));
static uint16_t available[16] __attribute__((aligned(4096)));
static uint16_t used[64] __attribute__((aligned(4096)));

static void offend(uint64_t at)
{
    REGISTER(at, 0x70) = 0;
    REGISTER(at, 0x70) = 3;
    REGISTER(at, 0x24) = 1;
    REGISTER(at, 0x20) = 1;
    REGISTER(at, 0x24) = 0;
    REGISTER(at, 0x20) = 0;
    REGISTER(at, 0x70) = 11;
    REGISTER(at, 0x30) = 0;
    REGISTER(at, 0x38) = 8;
    REGISTER(at, 0x80) = (uint64_t)descriptors;
    REGISTER(at, 0x90) = (uint64_t)available;
    REGISTER(at, 0xa0) = (uint64_t)used;
    REGISTER(at, 0x44) = 1;
    REGISTER(at, 0x70) = 15;
    available[1] = 1;
    __asm__ volatile("fence" ::: "memory");
    REGISTER(at, 0x50) = 0;
}

static void offend_often(void)
{
    for (uint64_t at = 0x10001000; at <= 0x10008000; at += 0x1000)
        for (int n = 0; REGISTER(at, 8) == 2 && n < 4000; n++)
            offend(at);
    *(volatile uint32_t *)0x100000 = 0x5555;
}

INITCALL(0, offend_often);
"""


def test_what_qemu_complains_of_is_taken_away(tmp_path: Path) -> None:
    """QEMU waits for whoever does not read its complaints: the machine stood still until the grader gave up."""
    kernel = with_extra("batch", VIRTIO, tmp_path)
    ran = kernel.run(["hello"], disk={"a": b"b"}, budget=10.0)
    assert ran.outcome is Outcome.EARLY_OFF, ran.explanation


@pytest.mark.parametrize("code", [0x5555, 0x3333, 0x13333, 0xFF3333, 0x7777])
def test_a_machine_that_goes_off_before_the_first_report_is_judged(
    tmp_path: Path, code: int
) -> None:
    """The guest chooses QEMU's exit status: that is no reason to give up."""
    kernel = tmp_path / "kernel.elf"
    # lui a0, 0x100; lui a1, …; addi a1, a1, …; sw a1, 0(a0); j .
    low = (code & 0xFFF) - ((code & 0x800) << 1)
    words = [0x00100537, (code - low) & 0xFFFFF000 | 0x5B7, (low & 0xFFF) << 20 | 0x58593]
    ours = machine._control_kernel().read_bytes()
    packed = b"".join(word.to_bytes(4, "little") for word in [*words, 0x00B52023, 0x6F])
    kernel.write_bytes(ours[: -len(packed)] + packed)
    archive = tmp_path / "archive"
    archive.write_bytes(bytes(512))
    record = machine.run(Boot(kernel, archive, "", budget=0.2))
    seen = run.read(record, "@mark@", kernel, [], {}, 0.2)
    assert seen.outcome in (Outcome.SILENT, Outcome.RESET), seen.explanation


def test_a_kernel_that_qemu_does_not_load_is_judged(tmp_path: Path) -> None:
    """It lies where the firmware does."""
    archive, kernel = tmp_path / "archive", tmp_path / "kernel.elf"
    archive.write_bytes(bytes(512))
    ours, theirs = ((at).to_bytes(8, "little") for at in (0x80200000, 0x80000000))
    kernel.write_bytes(machine._control_kernel().read_bytes().replace(ours, theirs))
    record = machine.run(Boot(kernel, archive, "", budget=0.2))
    seen = run.read(record, "@mark@", kernel, [], {}, 0.2)
    assert seen.outcome is Outcome.SILENT
    assert "QEMU does not start with this kernel: " in seen.explanation


def test_a_qemu_that_cannot_run_costs_nobody_a_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where even a kernel of ours does not get to its end, the host is at fault."""
    monkeypatch.setattr(machine, "need", lambda name: "/bin/false")
    archive = tmp_path / "archive"
    archive.write_bytes(bytes(512))
    with pytest.raises(GraderGaveUp, match="QEMU does not run on this host"):
        machine.run(Boot(machine._control_kernel(), archive, ""))


def test_a_giant_array_is_named(solutions: Path, lab: Lab, tmp_path: Path) -> None:
    part = solutions / lab.folder / "fault.c"
    part.write_text(part.read_text() + "char giant[90 << 20];\n")
    seen, _ = graded(solutions, tmp_path / "out", "--test", "program_runs*")
    failed = seen.test("program_runs_in_user_mode")
    assert (seen.status, failed["outcome"]) == (0, "never started")
    assert "larger than the memory before the archive, by" in failed["actual"]


def test_other_labs_keep_their_verdicts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lab: Lab
) -> None:
    """One lab's grade ends in a crash of the grader: that is said, and the next lab is graded."""

    def grade_lab(lab: Lab, *_: object, **__: object) -> "Tuple[results.LabResult, bool]":
        if lab.number == 1:
            raise ZeroDivisionError("by zero")
        return results.LabResult(lab.name, lab.number, lab.title, 7, 100, []), False

    monkeypatch.setattr(grading, "grade_lab", grade_lab)
    found = grading.grade([lab, find_lab("multitasking")], grading.Options(solutions=None))
    assert [each.lab for each in found.not_graded] == [lab.name] and found.score == 7
    assert (
        "the grader failed, no points lost: ZeroDivisionError: by zero" in found.labs[0].not_graded
    )
    assert "build/trace.txt" in found.labs[0].not_graded
    assert {test.status for test in found.labs[0].tests} == {results.NOT_RUN}
    results.write(found, tmp_path)
    data = json.loads((tmp_path / "results.json").read_text())
    jsonschema.validate(data, json.loads((ROOT / "docs" / "results.schema.json").read_text()))
    assert data["not_graded"] == ["batch"]
    assert 'errors="1"' in (tmp_path / "junit.xml").read_text()


# ---- what the host lacks


@pytest.mark.parametrize(
    "error, kind",
    [
        (OSError(24, "Too many open files"), GraderGaveUp),
        (MemoryError(), GraderGaveUp),
        (RuntimeError("can't start new thread"), GraderGaveUp),
        (GraderGaveUp("QEMU"), GraderGaveUp),
        (KeyError("x"), GraderCrashed),
        (RecursionError("deep"), GraderCrashed),
        (GraderError("bad option"), GraderError),
    ],
)
def test_whose_fault_an_error_is(error: Exception, kind: type) -> None:
    assert type(plugin.trouble_of(error)) is kind


def test_a_full_disk_in_a_test_is_no_failed_test(
    monkeypatch: pytest.MonkeyPatch, lab: Lab, tmp_path: Path
) -> None:
    """The archive cannot be written: the reference lost all its points."""

    def write(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    kernel = build.build(grading.configuration(lab, grading.Options(solutions=None)))
    monkeypatch.setattr(bounded, "write", write)
    monkeypatch.setattr(plugin, "ARCHIVES", tmp_path / "archives")
    with pytest.raises(GraderGaveUp, match="No space left on device"):
        grading.run_tests(
            lab, grading.Options(solutions=None, pattern="empty_deck*"), lambda _: kernel
        )


def test_few_descriptors_are_no_failed_test(lab: Lab, tmp_path: Path) -> None:
    seen, said = graded("reference", tmp_path / "out", limits={resource.RLIMIT_NOFILE: 24})
    assert seen.status == 2
    assert len(said.strip().splitlines()) == 1 and said.startswith("rung: "), said
    for each in (seen.results or {"labs": []})["labs"]:
        assert each["not_graded"] and not [t for t in each["tests"] if t["status"] != "not run"]


def test_small_files_are_no_failed_build(solutions: Path, lab: Lab, tmp_path: Path) -> None:
    """`ulimit -f`: the compiler's files are too large for the shell that we were started by, not for us."""
    part = solutions / lab.folder / "fault.c"
    part.write_text(part.read_text() + "/* not built before */\n")
    seen, said = graded(solutions, tmp_path / "out", limits={resource.RLIMIT_FSIZE: 20 << 10})
    assert seen.status == 2 and len(said.strip().splitlines()) == 1, said
    assert not seen.results or seen.results["labs"][0]["not_graded"]


def test_words_of_a_shortage_in_an_error_are_no_shortage(
    grade: Grade, solutions: Path, lab: Lab
) -> None:
    part = solutions / lab.folder / "fault.c"
    words = "\n".join(f'#line 1 "cc1"\n#error : {each}' for each in build._SHORTAGES)
    part.write_text(part.read_text() + words + "\n")
    seen = grade(solutions, "--test", "1.5")
    assert (seen.status, seen.score) == (0, 0) and "does not build" in seen.output


# ---- files of a submission


@needs_proc
@pytest.mark.parametrize(
    "make, said",
    [
        (lambda path: path.symlink_to("/dev/zero"), "is a link that leads out of"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.symlink_to(path.name), "cannot be read|leads in a circle|is a link"),
        (lambda path: path.open("wb").truncate(6 << 30), "has more than 1024 KiB"),
        (lambda path: path.mkdir(), "is not a regular file"),
    ],
    ids=["device", "fifo", "circle", "sparse", "directory"],
)
def test_a_part_is_looked_at_before_it_is_read(
    grade: Grade, solutions: Path, lab: Lab, make: "Callable[[Path], object]", said: str
) -> None:
    """Such files were compared with the starter's first, which took all memory, or had no end."""
    part = solutions / lab.folder / "batch.c"
    part.unlink()
    make(part)
    with pytest.raises(bounded.NotUsable, match=said):
        bounded.read_file(part, build.PART_BYTES_MAX, inside=solutions)
    assert "1.6" not in grading.untouched_tasks(lab, solutions)
    seen = grade(solutions, "--test", "1.6")
    assert (seen.status, seen.score) == (0, 0) and "1-batch/batch.c" in seen.output


def test_a_link_inside_is_followed(solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "batch.c"
    text = part.read_bytes()
    part.rename(part.with_name("mine.c"))
    part.symlink_to("mine.c")
    assert bounded.read_file(part, build.PART_BYTES_MAX, inside=solutions) == text


def test_stray_files_make_few_notes_of_one_line(grade: Grade, solutions: Path, lab: Lab) -> None:
    names = [b"a\nb.c", b"\x1b[31m.c", b"\xff\xfe.c", b"[bold]:bug:.c", b"c" * 240 + b".c"]
    for name in names + [b"stray%d.c" % n for n in range(3000)]:
        with open(os.fsencode(solutions / lab.folder) + b"/" + name, "wb"):
            pass
    seen = grade(solutions, "--test", "empty_deck*")
    assert (seen.status, seen.score) == (0, 1)
    assert seen.results
    notes = seen.results["labs"][0]["notes"]
    assert len(notes) == grading.UNKNOWN_FILES_SHOWN + 1
    assert all("\n" not in note and len(note) < 1000 and note.isprintable() for note in notes)
    assert f"{3005 - grading.UNKNOWN_FILES_SHOWN:,} more files" in notes[-1]
    assert all(note in seen.output for note in notes)


# ---- how the grader was started


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "gbk"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["gbk", "ascii", "C"],
)
def test_an_encoding_without_our_characters_costs_nothing(
    tmp_path: Path, environment: "Dict[str, str]"
) -> None:
    seen, said = graded(
        "reference", tmp_path / "out", "--test", "empty_deck*", environment=environment
    )
    assert (seen.status, seen.score, said) == (0, 1, ""), said
    assert (tmp_path / "out" / "junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", [">&-", ">/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_report_that_cannot_be_written_is_one_line_and_status_2(
    tmp_path: Path, shell: str
) -> None:
    seen, said = graded("reference", tmp_path / "out", "--test", "empty_deck*", shell=shell)
    assert seen.status == 2 and seen.score == 1, "the verdict is kept"
    assert len(said.splitlines()) == (0 if "2>" in shell else 1), said
    assert not said or said.startswith("rung: ")


@pytest.mark.parametrize("shell", ["2>&-", "2>/dev/full", "<&-"])
def test_a_grade_needs_neither_stdin_nor_stderr(tmp_path: Path, shell: str) -> None:
    seen, _ = graded("reference", tmp_path / "out", "--test", "empty_deck*", shell=shell)
    assert (seen.status, seen.score) == (0, 1)


@pytest.mark.parametrize("workers", ["0", "-1", "many", "1000000000", "9" * 5000, "1.5", "\u0663"])
def test_a_number_of_workers_that_cannot_be(tmp_path: Path, workers: str) -> None:
    seen, said = graded("reference", tmp_path / "out", environment={"RUNG_WORKERS": workers})
    assert seen.status == 2 and len(said.splitlines()) == 1 and len(said) < 400
    assert "it has to be a number from 1 to" in said


def test_a_path_that_is_no_text(solutions: Path, lab: Lab, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\"[red]\\ :bug:'s"))
    solutions.rename(odd)
    seen, said = graded(odd, tmp_path / "out", "--test", "empty_deck*")
    assert (seen.status, seen.score) == (0, 1), said
    part = odd / lab.folder / "fault.c"
    part.write_text(part.read_text() + "int int;\n")
    seen, said = graded(odd, tmp_path / "out", "--test", "1.5")
    assert (seen.status, seen.score) == (0, 0) and "Traceback" not in said
    assert seen.results and len(seen.results["labs"][0]["diagnostics"]) > 0
    assert ":bug:" in seen.output


def test_an_unexpected_error_is_one_line_status_2_and_a_trace(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom grader import cli\n"
        "cli.command_start = None\n"
        "def broken(arguments): raise KeyError('a\\nb')\n"
        "parser = cli._parser\n"
        "cli.command_start = broken\n"
        "sys.exit(cli.main(['start']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "RUNG_BUILD": str(tmp_path / "build")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "the grader failed, no points lost: KeyError" in done.stderr
    trace = tmp_path / "build" / "trace.txt"
    assert str(trace) in done.stderr and "in broken" in trace.read_text()


@pytest.mark.parametrize(
    "options", [["--set", "none"], ["--lab", "nonesuch"], ["--with", "x"], ["--seed", "x"]]
)
def test_no_results_of_an_earlier_grade_stay(tmp_path: Path, options: List[str]) -> None:
    """The last student's points were taken for those of the next one, whose grade had failed."""
    out = tmp_path / "out"
    graded("reference", out, "--test", "empty_deck*")
    assert (out / "results.json").is_file() and (out / "junit.xml").is_file()
    seen, _ = graded("reference", out, *options)
    assert seen.status == 2 and not list(out.iterdir())
    graded("reference", out, "--test", "empty_deck*")
    seen, _ = graded("/no/such/place", out)
    assert seen.status == 2 and not list(out.iterdir())


# ---- traps


def trap(cause: int, epc: int, tval: int = 0, interrupt: int = 0) -> bytes:
    return (
        f"riscv_cpu_do_interrupt: hart:0, async:{interrupt}, cause:{cause:016x}, epc:0x{epc:016x},"
        f" tval:0x{tval:016x}, desc=x\n"
    ).encode()


CALL, FAULT = trap(8, 0x10000), trap(15, 0x10010, 0x20000)
TICK = trap(7, 0x10004, 0, 1) + trap(5, 0x10004, 0, 1) + trap(9, 0x80201000)


@pytest.mark.parametrize(
    "cycle, looping",
    [
        ([CALL], False),  # for (;;) getpid();
        ([CALL, FAULT], False),
        ([TICK], False),  # for (;;);
        ([FAULT], True),
        ([FAULT, TICK], True),
        ([FAULT, trap(15, 0x10010, 0x21000)], False),
        ([trap(15, 0x80201000, 8)], True),  # the kernel's own
        ([trap(9, 0x80201000)], True),
        ([trap(2, 0x80000500)], False),  # the firmware tries what the CPU has
        ([b"a line of another kind\n"], False),
    ],
)
def test_a_trap_loop_is_one_exception_again_and_again(cycle: List[bytes], looping: bool) -> None:
    log = TrapLog()
    piece = b"".join(cycle)
    for _ in range(LOOP + 10):
        log.feed(piece)
    assert log.looping == looping
    if looping:
        assert log.content().count(b"async:0") <= 2 * LOOP, "it ends where the loop was noticed"


def test_a_loop_is_noticed_at_the_same_trap_however_the_log_comes() -> None:
    text = CALL + FAULT * (LOOP + 5000)
    contents = set()
    for size in (1 << 10, 1 << 16, 1 << 24):
        log = TrapLog()
        for at in range(0, len(text), size):
            log.feed(text[at : at + size])
        contents.add(log.content())
    assert contents == {CALL + FAULT * LOOP}


def test_a_long_log_keeps_how_it_begins_and_ends() -> None:
    log = TrapLog()
    first, last = trap(8, 0x11111), trap(8, 0x22222)
    log.feed(first)
    for _ in range(3 * (HEAD_MAX + TAIL_MAX) // len(CALL * 100)):
        log.feed(CALL * 100)
    log.feed(last)
    content = log.content()
    assert content.startswith(first) and content.endswith(last)
    assert len(content) <= HEAD_MAX + TAIL_MAX + 2 * len(CALL) * 100


def test_a_program_that_makes_very_many_calls_is_no_trap_loop(lab: Lab) -> None:
    """Its log has more than the grader keeps, and it comes to its end."""
    kernel = build.build(grading.configuration(lab, grading.Options(solutions=None)))
    ran = Machine(kernel, 1, "calls").run(["survive direct 100000"], budget=20.0)
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert ran.printed == b"all registers survived 100000 calls\n"
    assert len(ran.record.traps) > HEAD_MAX


@pytest.mark.parametrize(
    "error, verdict",
    [
        (IndexError("list index out of range"), "unreadable"),
        (ValueError("Exceeds the limit for integer string conversion"), "unreadable"),
        (OSError(28, "No space left on device"), "not graded"),
        (MemoryError(), "not graded"),
        (TypeError("a mistake of the test's"), "not graded"),
    ],
)
def test_an_error_in_a_labs_test(lab: Lab, tmp_path: Path, error: Exception, verdict: str) -> None:
    """A test that can make nothing of what a machine left is lost; what else goes wrong costs no point."""
    directory = tmp_path / lab.folder
    directory.mkdir()
    (directory / "test_x.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.task('1.1')\n@pytest.mark.points(1)\n"
        "def test_x(machine):\n"
        "    machine.run(['hello a'])\n"
        f"    raise {error!r}\n"
    )
    kernel = build.build(grading.configuration(lab, grading.Options(solutions=None)))
    odd = dataclasses.replace(lab, directory=directory)
    options = grading.Options(solutions=None, workers=1)
    if verdict == "unreadable":
        tests, _ = grading.run_tests(odd, options, lambda _: kernel)
        assert [(test.status, test.outcome) for test in tests] == [("failed", "unreadable")]
    else:
        with pytest.raises((GraderGaveUp, GraderCrashed)):
            grading.run_tests(odd, options, lambda _: kernel)
