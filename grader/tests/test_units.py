"""The grader's own parts, one by one."""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path
from typing import List
from xml.etree import ElementTree

import jsonschema
import pytest

from grader import (
    check,
    cpio,
    github,
    grade,
    run,
    symbols,
    template,
    timeline,
    trace,
)
from grader.build import Diagnostic, program
from grader.machine import Outcome, Record
from grader.paths import ROOT, GraderError
from grader.results import FAILED, NOT_RUN, PASSED, LabResult, Results, TestResult, previous, write

pytestmark = pytest.mark.fast

# ---- cpio


def test_archive_is_read_by_cpio(tmp_path: Path) -> None:
    """The format is cpio's, so a reader that is not ours has to understand it."""
    files = {"jobs": b"hello\n", "bin/hello": b"\x7fELF" + bytes(range(7)), "empty": b""}
    data = cpio.archive(files)
    names, at = {}, 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        if name == "TRAILER!!!":
            break
        start = (at + 110 + fields[11] + 3) & ~3
        names[name] = data[start : start + fields[6]]
        assert fields[1] & 0o170000 == 0o100000
        at = (start + fields[6] + 3) & ~3
    assert names == files
    assert cpio.archive(files) == data, "the same files make the same archive"


# ---- reading a run

MARK = "@0123@"


def read(
    console: bytes, traps: bytes = b"", exceeded: str = "", events: "List[object]" = []
) -> run.Run:
    record = Record(console=console, traps=traps, exceeded=exceeded, events=list(events))  # type: ignore[arg-type]
    programs = {"hello": program("hello")}
    kernel = next((ROOT / "build").glob("kernels/*/kernel.elf"), program("hello"))
    return run.read(record, MARK, kernel, ["hello", "hello"], programs, 1.0)


BOOT = f"firmware\n{MARK} boot: hart 0, 128 MiB, 2 jobs, instret 1\n".encode()
OFF = f"{MARK} off: time 900000\n".encode()


def job(n: int, output: bytes, end: str = "exited with 0") -> bytes:
    return output + f"{MARK} job {n}: hello: {end}, after 12 us\n".encode()


def test_output_is_split_at_reports() -> None:
    console = BOOT + job(0, b"one\n") + job(1, b"two, no newline", "killed by SIGSEGV (11)") + OFF
    seen = read(console)
    assert seen.outcome is Outcome.POWER_OFF
    assert [(j.output, j.end) for j in seen.jobs] == [
        (b"one\n", "exited with 0"),
        (b"two, no newline", "killed by SIGSEGV"),
    ]


def test_a_report_without_the_mark_is_output() -> None:
    forged = b"[rung] job 0: hello: exited with 0, after 12 us\n@9999@ job 0: hello: exited with 0, after 1 us\n"
    seen = read(BOOT + forged + OFF)
    assert seen.jobs == [] and seen.loose == forged


@pytest.mark.parametrize(
    "console, exceeded, events, outcome",
    [
        (b"firmware only", "", [], Outcome.SILENT),
        (BOOT + job(0, b""), "", [], Outcome.EARLY_OFF),
        (BOOT, "", [{"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}], Outcome.RESET),
        (
            BOOT + f"{MARK} panic: oops\n{MARK} backtrace: 0x80200000\n".encode() + OFF,
            "",
            [],
            Outcome.PANIC,
        ),
        (BOOT + b"x" * 1000, "console", [], Outcome.FLOOD),
        (BOOT, "traps", [], Outcome.TRAP_LOOP),
        (BOOT, "time", [], Outcome.LIVELOCK),
        (b"", "time", [], Outcome.SILENT),
        (BOOT + f"{MARK} off: time 10000001\n".encode(), "", [], Outcome.OVERTIME),
        (
            BOOT
            + f"{MARK} dump: hello: no handler for this trap: breakpoint (cause 3)\n".encode()
            + OFF,
            "",
            [],
            Outcome.NO_HANDLER,
        ),
    ],
)
def test_outcomes_are_told_apart(
    console: bytes, exceeded: str, events: "List[object]", outcome: Outcome
) -> None:
    seen = read(console, b"", exceeded, events)
    assert seen.outcome is outcome
    assert seen.explanation


def test_deadlock_is_a_halted_processor() -> None:
    record = Record(console=BOOT, exceeded="time", halted=True)
    kernel = next((ROOT / "build").glob("kernels/*/kernel.elf"))
    seen = run.read(record, MARK, kernel, [], {}, 1.0)
    assert seen.outcome is Outcome.DEADLOCK


def test_traps_are_read_and_the_firmwares_left_out() -> None:
    line = "riscv_cpu_do_interrupt: hart:0, async:{}, cause:{:016x}, epc:0x{:016x}, tval:0x{:016x}, desc=x\n"
    log = "".join(
        line.format(*values)
        for values in [
            (0, 2, 0x80000520, 0),
            (0, 8, 0x80613000, 0),
            (1, 5, 0x80200000, 0),
            (0, 1, 0, 0),
            (0, 13, 0x80000520, 0x10000),
            (0, 12, 0x80000000, 0x80000000),  # a program has jumped there
            (1, 1, 0x80000520, 0),
        ]
    )
    seen = read(BOOT + OFF, log.encode())
    assert [(t.interrupt, t.cause, t.epc) for t in seen.traps] == [
        (False, 8, 0x80613000),
        (True, 5, 0x80200000),
        (False, 1, 0),
        (False, 12, 0x80000000),
    ]


REMARK = b"system_opcode_insn: Invalid opcode for CSR read/write instruction"


def illegal(times: int) -> bytes:
    """A trap log with so many illegal instructions of programs."""
    line = "riscv_cpu_do_interrupt: hart:0, async:0, cause:{:016x}, epc:0x{:016x}, tval:0x{:016x}, desc=x\n"
    return line.format(2, 0x10124, 0x10200073).encode() * times


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_firmwares_remarks_are_not_a_programs_output(ending: bytes) -> None:
    """Firmware of other versions prints where a program runs sret; the kernel's report follows on the same line."""
    killed = job(0, b"before sret\n" + REMARK + ending, "killed by SIGILL (4)")
    seen = read(BOOT + killed + job(1, b"") + OFF, illegal(1))
    assert seen.outcome is Outcome.POWER_OFF
    assert [each.output for each in seen.jobs] == [b"before sret\n", b""]


def test_a_program_may_print_what_the_firmware_prints() -> None:
    """Without an illegal instruction there is no remark, and with one there is one."""
    own = REMARK + b"\n"
    assert read(BOOT + job(0, own) + OFF).jobs[0].output == own
    both = job(0, REMARK + own, "killed by SIGILL (4)")
    assert read(BOOT + both + OFF, illegal(1)).jobs[0].output == own


def test_a_panic_is_read_behind_a_remark_of_the_firmware() -> None:
    panic = REMARK + f"{MARK} panic: the kernel itself trapped\n".encode()
    seen = read(BOOT + panic + OFF, illegal(1))
    assert seen.outcome is Outcome.PANIC and seen.loose == b""


def test_a_fault_over_and_over_is_a_loop_and_faults_elsewhere_are_not() -> None:
    line = "riscv_cpu_do_interrupt: hart:0, async:0, cause:{:016x}, epc:0x{:016x}, tval:0x{:016x}, desc=x\n"
    same = "".join(line.format(15, 0x10124, 0x20000) for _ in range(8))
    assert read(BOOT, same.encode(), "time").outcome is Outcome.TRAP_LOOP
    onwards = "".join(line.format(15, 0x10124, 0x20000 + n * 4096) for n in range(8))
    assert read(BOOT, onwards.encode(), "time").outcome is Outcome.LIVELOCK


def test_a_place_in_a_program_or_on_the_trampoline_is_named() -> None:
    seen = read(BOOT + OFF)
    main = symbols.address(program("hello"), "main")
    assert run._place(seen, main) == f"pc {main:#x}, main of the program hello"
    kernel = [path for path in (ROOT / "build").glob("kernels/*/kernel.elf")][:1]
    if kernel:
        assert "(kernel/trap/user_run.S:" in run._place(seen, run.TRAMPOLINE)
        assert "in the program's memory" in run._place(seen, seen.program_memory)


def test_fault_reports_are_read() -> None:
    line = (
        f"{MARK} fault: fault: load access fault (cause 5), read at 0x10, pc 0x8061301c: SIGSEGV\n"
    )
    seen = read(BOOT + line.encode() + OFF)
    assert seen.faults == [run.Fault("fault", 5, "read", 0x10, 0x8061301C, "SIGSEGV")]


@pytest.mark.parametrize(
    "forged",
    [
        "off: nonsense",
        "off",
        "off: time " + "9" * 6000,
        "off: time ٣",
        "job 0: x: exited with 0, after " + "9" * 6000 + " us",
        "job " + "9" * 6000 + ": x: not started: ENOENT (2)",
        "backtrace: nonsense",
        "backtrace: 0x" + "f" * 6000,
        "fault: x: y (cause " + "9" * 6000 + "), pc 0x1: z",
        "fault: x: y (cause 1), pc 0x" + "f" * 6000 + ": z",
        "dump: no handler ra 0x" + "f" * 6000,
        "panic: x",
    ],
)
def test_nonsense_in_reports_is_no_evidence(forged: str) -> None:
    seen = read(BOOT + f"{MARK} {forged}\n".encode() * 3)
    assert (seen.jobs, seen.faults) == ([], []) and seen.dump_registers() == {}
    assert seen.outcome in (Outcome.EARLY_OFF, Outcome.PANIC, Outcome.NO_HANDLER)


def test_a_long_backtrace_is_cut() -> None:
    calls = " 0x80200000" * 50000
    seen = read(BOOT + f"{MARK} panic: x\n{MARK} backtrace:{calls}\n".encode())
    assert seen.outcome is Outcome.PANIC and len(seen.explanation.splitlines()) < 40


def test_reports_are_safe_to_show() -> None:
    line = f"{MARK} job 0: \x1b[2J: killed by \x1b]0;x\x07 (9), after 1 us\n"
    seen = read(BOOT + line.encode() + OFF)
    assert [(j.name, j.end) for j in seen.jobs] == [("\\x1b[2J", "killed by \\x1b]0;x\\x07")]


# ---- checks


def test_failures_are_safe_to_show() -> None:
    with pytest.raises(check.CheckFailed) as failure:
        check.fail("\x1bwhat", "a\nb", "\x1b[2J")
    assert (failure.value.what, failure.value.actual) == ("\\x1bwhat", "\\x1b[2J")
    assert failure.value.expected == "a\nb"


def test_long_outputs_show_the_first_difference() -> None:
    wanted = "".join(f"line {n}\n" for n in range(100))
    with pytest.raises(check.CheckFailed) as failure:
        check.output(wanted.replace("line 70", "lime 70").encode(), wanted, "x")
    assert "line 70" in failure.value.expected and "lime 70" in failure.value.actual
    assert len(failure.value.expected.splitlines()) < 12


def test_control_characters_are_made_visible() -> None:
    assert check.readable(b"a" + bytes(1000) + b"b") == "a\\x00 (x 1000)b"
    assert check.readable(b"\x1b[2J\x00\xff a\n\x7f") == "\\x1b[2J\\x00\\xff a\n\\x7f"


# ---- results


def sample() -> Results:
    tests = [
        TestResult("a", "1.1", "A", 5, 5, PASSED, "passed"),
        TestResult(
            "b", "1.1", "B", 0, 5, FAILED, "kernel panic", "what \x1b", "yes", "no\x00", "h", "make"
        ),
        TestResult("c", "1.2", "C", 0, 5, NOT_RUN, "blocked", "needs b"),
    ]
    lab = LabResult("batch", 1, "A batch system", 5, 15, tests, "", [Diagnostic("f.c", 1, "m")], [])
    return Results([lab], "solutions", 7, {"qemu": "7", "gcc": "12", "python": "3"})


def test_results_fit_their_schema() -> None:
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(json.loads(sample().to_json()), schema)


def test_junit_is_well_formed() -> None:
    root = ElementTree.fromstring(sample().to_junit())
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert suite[1].find("failure") is not None
    assert suite[0].find("properties")[0].get("value") == "5"  # type: ignore[index]


def test_github_annotations_are_escaped_and_few() -> None:
    results = json.loads(sample().to_json())
    results["labs"][0]["diagnostics"][0]["file"] = "a,b:c.c"
    lines = github.error_lines(results)
    assert lines[0] == "::error file=a%2Cb%3Ac.c,line=1,title=does not build::m"
    assert "\n" not in "".join(lines) and "%0Ahint: h%0Amake" in lines[1]
    results["labs"][0]["tests"] *= 20
    assert len(github.error_lines(results)) == 10
    assert "| ❌ | 1.1 | B | 0/5 | kernel panic |" in github.summary(results)


def test_github_takes_no_commands_from_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with github.commands_stopped():
        print("::error::forged")
    lines = capsys.readouterr().out.split()
    token = lines[0][len("::stop-commands::") :]
    assert lines == [f"::stop-commands::{token}", "::error::forged", f"::{token}::"]
    assert len(token) >= 32
    monkeypatch.delenv("GITHUB_ACTIONS")
    with github.commands_stopped():
        print("x")
    assert capsys.readouterr().out == "x\n"


def test_a_failure_in_the_summary_is_code() -> None:
    results = json.loads(sample().to_json())
    results["labs"][0]["failure"] = "a `b\n# c"
    assert "\n`a 'b # c`\n" in github.summary(results)


def test_digest_follows_verdicts_only() -> None:
    one, two = sample(), sample()
    two.labs[0].tests[1].actual = "another text"
    two.labs[0].tests[1].seconds = 9.0
    assert one.digest == two.digest
    two.labs[0].tests[1].outcome = "flood"
    assert one.digest != two.digest


def test_previous_results_are_optional(tmp_path: Path) -> None:
    assert previous(tmp_path / "results.json", "solutions") == {}
    write(sample(), tmp_path)
    assert previous(tmp_path / "results.json", "solutions") == {
        "batch/a": PASSED,
        "batch/b": FAILED,
        "batch/c": NOT_RUN,
    }
    assert previous(tmp_path / "results.json", "reference") == {}
    (tmp_path / "results.json").write_text("[1, 2")
    assert previous(tmp_path / "results.json", "solutions") == {}


# ---- options, templates, headers


def test_with_takes_labs_and_tasks() -> None:
    assert grade.parse_with("") == frozenset()
    assert grade.parse_with("reference:1.3, reference:1.1") == {"1.1", "1.3"}
    assert len(grade.parse_with("reference:1")) == 6


def test_starter_keeps_stubs_and_drops_solutions() -> None:
    text = "a\n    /* BEGIN SOLUTION 1.3 */\n    secret();\n    /* STUB\n    return 0;\n    */\n    /* END SOLUTION */\nb\n"
    assert template.starter(text, "x.c", "1.3") == "a\n    /* TODO(1.3) */\n    return 0;\nb\n"
    assert template.solution_lines(text) == ["secret();"]


@pytest.mark.parametrize(
    "text",
    [
        "no region\n",
        "/* BEGIN SOLUTION 1.3 */\n",
        "/* BEGIN SOLUTION 1.4 */\n/* END SOLUTION */\n",
        "/* END SOLUTION */\n",
    ],
)
def test_broken_marks_are_refused(text: str) -> None:
    with pytest.raises(GraderError):
        template.starter(text, "x.c", "1.3")


def test_make_alone_lists_the_commands() -> None:
    done = subprocess.run(["make"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    names = "setup start grade run debug test mutants template handout slots bench fuzz doctor format lint clean"
    for name in names.split():
        assert f"make {name} " in done.stdout


# ---- the trace ring and its picture --------------------------------------------------------------


def ring(events: "list[tuple[int, int, int, int]]", count: "int | None" = None) -> bytes:
    """A trace ring with these (time, pid, kind, value)."""
    body = bytearray(trace.SIZE)
    struct.pack_into("<Q", body, 0, len(events) if count is None else count)
    for n, event in enumerate(events):
        struct.pack_into("<QIHH", body, 8 + n % trace.EVENTS * 16, *event)
    return bytes(body)


def test_events_of_a_ring() -> None:
    events = trace.parse(ring([(10, 1, 1, 0), (20, 1, 3, 0), (30, 1, 77, 0), (40, 1, 9, 0)]))
    assert [event.time for event in events] == [10, 20, 40], "unknown kinds are left out"
    assert events[0].kind is trace.Kind.START and events[2].kind is trace.Kind.END


def test_a_full_ring_keeps_the_last_events() -> None:
    many = [(n, 1, 3, 0) for n in range(trace.EVENTS + 5)]
    events = trace.parse(ring(many))
    assert len(events) == trace.EVENTS
    assert (events[0].time, events[-1].time) == (5, trace.EVENTS + 4)


@pytest.mark.parametrize("count", [1 << 40, (1 << 64) - 1])
def test_an_impossible_count_is_no_events(count: int) -> None:
    assert trace.parse(ring([(1, 1, 3, 0)], count)) == []


def test_lanes_of_a_timeline() -> None:
    kind = trace.Kind
    events = [
        trace.Event(0, 1, kind.START, 0),
        trace.Event(10, 2, kind.START, 1),
        trace.Event(20, 1, kind.RUN, 0),
        trace.Event(50, 1, kind.WAIT, 0),
        trace.Event(50, 2, kind.RUN, 0),
        trace.Event(70, 1, kind.WAKE, 0),
        trace.Event(90, 2, kind.END, 0),
        trace.Event(90, 1, kind.RUN, 0),
        trace.Event(100, 1, kind.END, 0),
    ]
    picture = timeline.read(events, ["first", "second"])
    first, second = picture.lanes[1], picture.lanes[2]
    state = timeline.State
    assert first.name == "first" and first.spans == [
        (state.READY, 0, 20),
        (state.RUNNING, 20, 50),
        (state.ASLEEP, 50, 70),
        (state.READY, 70, 90),
        (state.RUNNING, 90, 100),
    ]
    assert second.total(state.RUNNING) == 40 and second.end == 90


def test_a_timeline_is_xml_whatever_the_jobs_are_called() -> None:
    events = [
        trace.Event(2**64 - 1, 1, trace.Kind.START, 0),
        trace.Event(5, 1, trace.Kind.RUN, 0),
    ]
    drawn = timeline.draw(timeline.read(events, ['<&>"']), "a & b")
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
