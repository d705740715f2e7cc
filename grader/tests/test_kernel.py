"""The given kernel: its parts tested from inside, its ways to end, and composition at link time."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from grader import build, grade, objects, submission, view
from grader.labs import Lab, all_labs, definers, find_lab
from grader.machine import Outcome
from grader.paths import ROOT
from grader.plugin import Machine

SELFTEST = Path(__file__).parent / "kernel_selftest.c"
LAB_NAMES = [each.name for each in all_labs()]
CHECKS = "areas stack_image program_file heaps page_runs print string kmalloc_random device_tree archive processes waiting tasks handlers".split()


@pytest.fixture
def reference(lab: Lab) -> Machine:
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=None)))
    return Machine(kernel, lab.seed, "kernel")


@pytest.fixture
def selftest(lab: Lab) -> Machine:
    options = grade.Options(solutions=None)
    kernel = build.build(grade.configuration(lab, options, extra=[SELFTEST]))
    return Machine(kernel, lab.seed, "selftest")


def test_parts_of_the_kernel(selftest: Machine) -> None:
    ran = selftest.run(["hello"], files={"text": b"12345"}, arguments="word=abcdefgh", budget=4.0)
    lines = [line for line in ran.reports if line.startswith("selftest:")]
    assert lines == [f"selftest: {name}: ok" for name in CHECKS], ran.explanation
    assert ran.outcome is Outcome.POWER_OFF


def test_panic_has_a_backtrace_of_functions_and_lines(selftest: Machine) -> None:
    ran = selftest.run(
        [], files={"bin/hello": b"", "text": b"12345"}, arguments="word=abcdefgh", budget=4.0
    )
    # An empty deck is asked for by the file /jobs being there and empty.
    assert ran.outcome is Outcome.PANIC, ran.explanation
    assert "asked for by the test" in ran.explanation
    assert "run_selftest (" in ran.explanation and "kernel_selftest.c:" in ran.explanation
    assert "kmain (" in ran.explanation and "kmain.c:" in ran.explanation


def test_klog_is_kept_and_shown_last(reference: Machine, lab: Lab, grade_log: List[str]) -> None:
    assert any("starts at 0x" in line for line in grade_log)


@pytest.fixture
def grade_log(lab: Lab, tmp_path: Path) -> List[str]:
    """The klog of the alternative that notes every step."""
    noisy = tmp_path / "solutions"
    import shutil

    shutil.copytree(lab.directory / "solution", noisy / lab.folder)
    shutil.copy(
        lab.directory / "alternatives" / "clear-before-load" / "batch.c", noisy / lab.folder
    )
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=noisy)))
    return Machine(kernel, 1, "klog").run(["hello", "nosuch"]).klog


@pytest.mark.parametrize("memory", [16, 32, 64, 1024])
def test_memories_of_other_sizes(reference: Machine, memory: int) -> None:
    ran = reference.run(["hello"], memory=memory)
    assert ran.outcome is Outcome.POWER_OFF and ran.job(0).output == b"Hello, world!\n"


@pytest.mark.parametrize("name", ["address-spaces", "processes"])
def test_a_device_is_no_program(name: str) -> None:
    """It has no content to look up: the kernel would call a function that there is not."""
    lab = find_lab(name)
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=None)))
    ran = Machine(kernel, lab.seed, "kernel").run(["/dev/null", "/dev", "hello"])
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    ends = ["not started: EACCES", "not started: EISDIR", "exited with 0"]
    assert [ran.job(n).end for n in range(3)] == ends


def test_runs_are_the_same_to_the_last_bit(
    reference: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_STORE", "off")
    deck = ["survive 500", "fp", "fault load 0x10", "spin 300"]
    runs = [reference.run(deck) for _ in range(3)]
    assert len({(ran.record.console, ran.record.traps) for ran in runs}) == 1


def test_dump_names_what_a_reader_wants_to_know(reference: Machine) -> None:
    ran = reference.run(["fault load 0x18"], arguments="handlers=none")
    assert ran.outcome is Outcome.NO_HANDLER
    assert "environment call from user mode (cause 8)" in ran.explanation
    assert set("ra sp gp tp t6 s11 a7".split()) <= set(ran.dump_registers())


def test_slots_are_printed_with_their_winners() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grader", "slots", "--lab", "batch", "--solutions", "reference"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    serving = {row[0]: int(row[2]) for row in rows if row and row[-1] == "serves"}
    assert serving["runner"] == 1 and serving["user_memory"] == 1 and serving["loader"] == 0
    table = (ROOT / "docs" / "architecture.md").read_text()
    assert all(f"`{slot}`" in table for slot in serving), "docs/architecture.md lists every slot"
    files = {row[0]: " ".join(row[1:]) for row in rows if row and row[0].endswith("()")}
    assert files["kernel_stack_alloc()"] == "given kernel, until task 3.3 defines it"
    assert all(f"`{name[:-2]}`" in table for name in files), "and every function"
    assert files.keys() == {f"{name}()" for name in definers()}


def test_functions_have_a_default_and_one_file_that_defines_them() -> None:
    """In the kernel of the last lab each is its task's; in the given kernel alone each has a default."""
    build.build_base()
    given = {
        name
        for path in build.given_objects()
        for name, binding in objects.defined(path).items()
        if binding == objects.WEAK
    }
    assert given == definers().keys()
    built = submission.reference_objects()
    for lab in all_labs():
        for task in lab.tasks:
            own = objects.defined(built / lab.folder / task.object_name)
            assert given & own.keys() == set(task.functions), task.id


def test_a_definition_is_found_in_the_tasks_file_alone() -> None:
    """For an editor's "go to definition": the given kernel has no second one beside it."""
    given = "\n".join(path.read_text() for path in build.kernel_sources() if path.suffix == ".c")
    for name in definers():
        assert not re.search(rf"^\w.*\b{name}\([^;]*\n?\{{", given, re.M), name


def test_the_kernel_and_the_grader_have_the_same_list_of_offsets(reference: Machine) -> None:
    """inspect_layout of kernel/lib/inspect.c, and view.Layout."""
    from elftools.elf.elffile import ELFFile

    with reference.kernel.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        (symbol,) = table.get_symbol_by_name("inspect_layout")
        assert symbol["st_size"] == view.LAYOUT_SIZE


def test_no_source_file_asks_which_lab_it_is_in() -> None:
    for path in [*ROOT.glob("kernel/**/*.[chS]"), *ROOT.glob("labs/*/solution/*")]:
        for line in path.read_text().splitlines():
            assert not (line.lstrip().startswith("#if") and "LAB" in line), f"{path}: {line}"


def test_nothing_is_rebuilt_in_vain_and_nothing_is_stale(lab: Lab, tmp_path: Path) -> None:
    import shutil

    directory = tmp_path / "solutions"
    shutil.copytree(lab.directory / "solution", directory / lab.folder)
    options = grade.Options(solutions=directory)
    kernel = build.build(grade.configuration(lab, options))
    first = kernel.stat().st_mtime_ns
    assert build.build(grade.configuration(lab, options)).stat().st_mtime_ns == first
    part = directory / lab.folder / "fault.c"
    part.touch()
    assert build.build(grade.configuration(lab, options)).stat().st_mtime_ns == first
    part.write_text(part.read_text().replace("SIGBUS;", "SIGKILL;"))
    assert build.build(grade.configuration(lab, options)).stat().st_mtime_ns > first


@pytest.mark.parametrize("measured", all_labs(), ids=LAB_NAMES)
def test_bench_figures_are_as_recorded(measured: Lab) -> None:
    from grader import bench

    assert bench.alarms(measured, bench.measure(measured)) == []


def test_the_program_bench_prints_instructions_whatever_one_takes(reference: Machine) -> None:
    """What a reader sees on the console is the figure of bench.json: instret goes on by 2^shift an instruction."""
    figures = set()
    for shift in (0, 3, 6):
        ran = reference.run(["bench 200"], shift=shift, budget=5.0)
        (line,) = [
            each for each in ran.printed.decode().splitlines() if each.startswith("null call")
        ]
        figures.add(line)
    assert len(figures) == 1, figures
