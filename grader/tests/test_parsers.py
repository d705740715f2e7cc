"""What the grader reads of others, at random: no exception, time in proportion to the input, output within bounds.

The examples are the same each time (derandomize): a verdict of these tests does not change from run to run.
"""

from __future__ import annotations

import functools
import json
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import Callable, List

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader import bounded, build, check, github, grade, gdbstub, probing, results, run
from grader import timeline, trace, trap_log, view
from grader.build import Configuration
from grader.labs import find_lab
from grader.machine import Record
from grader.paths import GraderError
from grader.tests.test_units import BOOT, MARK, OFF, job, sample

pytestmark = pytest.mark.fast

repeatable = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

CONFIGURATION = Configuration(find_lab("batch"), ())

# Pieces of which reports, messages and logs are made: most of what is drawn gets past the first word.
WORDS = [
    *("boot: ", "job ", "panic: ", "klog: ", "dump: ", "dump: epc", "fault: ", "off: time "),
    *("backtrace:", " 0x80200000", "probe: failed: ", "at operation ", "hello", ": ", " ", "\n"),
    *("exited with ", "killed by SIGSEGV (11)", ", after ", " us", "not started: ENOENT (2)"),
    *("load page fault (cause 13)", ", load at 0x", ", pc 0x", " lies in ", "0", "7", "9" * 30),
    *("error: ", "Error: ", "fatal error: ", "warning: ", "x.c:", "1:", "/usr/bin/ld: ", "gcc -c "),
    *("FAILED: ", "[1/2] ", "ninja: ", "multiple definition of `", "undefined reference to `", "'"),
    *(
        "loader_level_3",
        "syscall_64",
        "\0",
        "\x1b[31m",
        "\udcff",
        "\u2028",
        "\u0661",
        "é",
        MARK + " ",
    ),
    *(
        "async:0, cause:000000000000000",
        "d, epc:0x",
        "8, epc:0x",
        "0000000080",
        ", tval:0x",
        "a" * 40,
    ),
]
pieces = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), max_size=60).map("".join)


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@functools.lru_cache(maxsize=None)
def kernel() -> Path:
    return build.build(grade.configuration(find_lab("batch"), grade.Options(solutions=None)))


def read(console: bytes, traps: bytes = b"", exceeded: str = "", registers: str = "") -> run.Run:
    record = Record(console=console, traps=traps, exceeded=exceeded, registers=registers)
    record.kept = [bytes(trace.SIZE)]
    programs = {"hello": build.program("hello")}
    return run.read(record, MARK, kernel(), ["hello", "hello"], programs, 1.0)


@repeatable
@given(
    st.lists(pieces, max_size=20),
    pieces,
    st.sampled_from(["", "time", "console", "traps", "reply"]),
)
def test_any_console_and_trap_log_are_read(lines: List[str], traps: str, exceeded: str) -> None:
    text = "".join(f"{MARK} {line}\n" for line in lines)
    for console in (to_bytes(text), BOOT + to_bytes(text) + OFF, BOOT + job(0, to_bytes(text))):
        seen = read(console, to_bytes(traps), exceeded, traps)
        assert seen.explanation and seen.outcome
        assert all(len(report) <= 4 * run.REPORT_MAX for report in seen.reports)
        seen.dump_registers()
        for index in {each.index for each in seen.jobs}:
            seen.why(index)
        probing.complaint_of(seen)


@repeatable
@given(pieces)
def test_anything_that_tools_say_is_explained(said: str) -> None:
    failed = "FAILED: objects/1-batch/batch.o\n"
    failure = build._explain(CONFIGURATION, failed + said)
    assert failure.text.startswith("does not build: ")
    for text in (failure.text, *(each.message for each in failure.diagnostics)):
        assert len(text) < 4000 and text.isprintable(), text
    assert len(failure.diagnostics) <= build.DIAGNOSTICS_MAX
    assert all(0 <= each.line < 10**7 for each in failure.diagnostics)
    graded = sample()
    graded.labs[0].failure, graded.labs[0].diagnostics = failure.text, failure.diagnostics
    data = json.loads(graded.to_json())
    assert all("\n" not in line for line in github.error_lines(data))
    github.summary(data)


@repeatable
@given(pieces, st.lists(st.integers(1, 50), max_size=20))
def test_a_trap_log_is_the_same_however_it_comes(text: str, cuts: List[int]) -> None:
    log = to_bytes(text)
    whole, parts = trap_log.TrapLog(), trap_log.TrapLog()
    whole.feed(log)
    at = 0
    for cut in [*cuts, len(log)]:
        parts.feed(log[at : at + cut])
        at += cut
    assert (whole.content(), whole.looping) == (parts.content(), parts.looping)
    assert whole.content() == log


@repeatable
@given(pieces, pieces)
def test_any_text_of_the_monitor_is_a_view(registers: str, mem: str) -> None:
    seen = view.parse(registers, mem)
    assert len(seen.rows) <= view.ROWS_MAX


@repeatable
@given(st.binary(max_size=200))
@example(b"$" + b"a" * 100)
def test_any_answer_of_the_debugger_is_one_or_it_is_lost(answer: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        try:
            gdbstub.Stub(ours).stopped()
        except gdbstub.Lost:
            pass


@repeatable
@given(st.binary(max_size=400), st.integers(0, 1 << 64))
def test_any_trace_ring_is_events(data: bytes, count: int) -> None:
    ring = (count % (1 << 64)).to_bytes(8, "little") + (data * 200)[: trace.SIZE - 8]
    ring = ring.ljust(trace.SIZE, data[:1] or b"\0")
    events = trace.parse(ring)
    assert len(events) <= trace.EVENTS
    record = Record(console=BOOT + OFF, kept=[ring])
    seen = run.read(record, MARK, build.program("hello"), ["hello"], {}, 1.0)
    with tempfile.TemporaryDirectory() as directory:
        try:
            timeline.save(seen, Path(directory) / "x.svg", "title")
        except GraderError as error:
            assert "nothing was scheduled" in str(error)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["labs", "tests", "solutions", "id", "lab", "status", "not_graded"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


@repeatable
@given(json_values)
def test_any_earlier_results_are_read_or_ignored(data: object) -> None:
    assert isinstance(results.statuses(data, "solutions"), dict)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b"", b"{", b"9" * 100_000])
def test_an_earlier_file_that_is_none_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.json").write_bytes(content)
    assert results.previous(tmp_path / "results.json", "x") == {}


@repeatable
@given(st.one_of(pieces, st.text(max_size=40), st.from_regex(r"reference:[0-9]{1,3}(\.[0-9]+)?")))
def test_any_option_is_taken_or_refused(text: str) -> None:
    for parse in (
        grade.parse_with,
        lambda word: grade.choose_labs(word, grade.Options(solutions=None)),
        lambda word: grade.choose_kernel(word, "", grade.Options(solutions=None)),
        grade.parse_solutions,
    ):
        try:
            parse(text)
        except GraderError as error:
            assert str(error)


@repeatable
@given(st.text(max_size=60))
def test_one_line_is_one_and_can_be_shown(text: str) -> None:
    shown = bounded.one_line(text, 20)
    assert len(shown) <= 20 and shown.isprintable() and "\n" not in shown


@repeatable
@given(st.one_of(st.text(max_size=25), st.integers().map(str)))
def test_a_number_is_one_or_the_default(text: str) -> None:
    number = bounded.number(text, default=-1)
    assert number == -1 or (number == int(text) and re.fullmatch("[0-9]{1,18}", text))


# ---- time in proportion to the input

LONG = 200_000  # characters: with a pattern that is not linear one of these takes minutes
PARSERS: "dict[str, Callable[[str], object]]" = {
    "readable": check.readable,
    "shortened": check.shortened,
    "console": lambda text: read(BOOT + to_bytes(text) + OFF).dump_registers(),
    "reports": lambda text: read(BOOT + to_bytes(f"{MARK} {text}\n") + OFF).dump_registers(),
    "many reports": lambda text: read(
        BOOT
        + b"".join(to_bytes(f"x{MARK} {text[at:at + 900]}\n") for at in range(0, LONG, 900))
        + OFF
    ).dump_registers(),
    "tools": lambda text: build._explain(CONFIGURATION, f"FAILED: x\n{text}"),
    "traps": lambda text: trap_log.TrapLog().feed(to_bytes(text)),
    "view": lambda text: view.parse(text, text),
    "results": lambda text: results._xml_text(text),
    "with": lambda text: pytest.raises(GraderError, grade.parse_with, f"x{text}"),
}


@pytest.mark.parametrize("name", PARSERS)
def test_reading_takes_time_in_proportion(name: str) -> None:
    """Each alone takes far less than a second; the limit is for a busy host, and for patterns that take minutes."""
    units = ["gcc ", "a", "0", " ", ":", "dump:", "x.c:1:", "\x1b", "\\x00", "job 0: a", "0x", "'"]
    units += [
        ": error: ",
        "undefined reference to `",
        "async:0, cause:",
        f"{MARK} ",
        "\n",
        "/kernels/a",
    ]
    for unit in units:
        text = unit * (LONG // len(unit))
        started = time.process_time()
        PARSERS[name](text)
        assert time.process_time() - started < 10, unit
