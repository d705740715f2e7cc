"""The maker of mechanical mutants: what it changes, and what it leaves out."""

from __future__ import annotations

import dataclasses
import shutil
from itertools import islice
from pathlib import Path

import pytest

from grader import mechanical, template
from grader.labs import Lab, all_labs
from grader.mechanical import Edit, edits_of_assembly, edits_of_c
from grader.paths import GraderError


def edit(lab: Lab, file: str, before: str, after: str) -> Edit:
    """The edit of a file's only line with this text."""
    task = next(task for task in lab.tasks if task.file == file)
    lines = (lab.directory / "solution" / file).read_text().splitlines()
    [number] = [n for n, line in enumerate(lines, start=1) if before in line]
    line = lines[number - 1]
    return Edit(lab, task, number, line, line.replace(before, after))


@pytest.mark.parametrize(
    "line, changed",
    [
        ("    if (a < b)", {"    if (a <= b)", "    if (a >= b)", "    if (!(a < b))"}),
        ("    done += n;", {"    done -= n;", "    done = n;", "    ;"}),
        ("    return true;", {"    return false;"}),
        ("    return -EFAULT;", {"    return 0;", "    return -1;", "    return 1;"}),
        ("    i++;", {"    i--;", "    ;"}),
        ("    x = y & 7;", {"    x = y | 7;", "    x = y & 8;", "    x = y & 6;", "    ;"}),
        ("    struct task *task = &process->task;", set()),
        ('    klog("a < b, %d", count);', {"    ;"}),
        ("    /* a < b */", set()),
    ],
)
def test_each_operator_constant_condition_return_and_statement_is_changed(
    line: str, changed: "set[str]"
) -> None:
    assert set(edits_of_c(line)) == changed


def test_instructions_are_dropped_and_numbers_changed() -> None:
    assert set(edits_of_assembly("    sd x3, 24(a0)")) == {
        "",
        "    sd x3, 25(a0)",
        "    sd x3, 16(a0)",
    }
    assert not list(edits_of_assembly("label:")) and not list(edits_of_assembly("  .macro SAVE"))


def test_only_what_a_student_writes_is_changed() -> None:
    for lab in all_labs():
        for each in mechanical.edits(lab):
            text = (lab.directory / "solution" / each.task.file).read_text()
            assert each.line in template.solution_line_numbers(text)
            assert text.splitlines()[each.line - 1] == each.before != each.after


def test_an_edit_that_loses_a_test_is_told_from_one_with_the_same_machine_code(
    lab: Lab, tmp_path: Path
) -> None:
    """Edits that do not compile, or to the same object, say nothing about tests."""
    wrong = edit(lab, "fault.c", "case CAUSE_BREAKPOINT:", "case 1:")
    assert mechanical.differs(wrong)
    assert mechanical.lost_tests(wrong, mechanical.stage(wrong, tmp_path / "wrong"))
    same = dataclasses.replace(wrong, after=wrong.before + " /* same */")
    assert not mechanical.differs(same)
    broken = dataclasses.replace(wrong, after="case (")
    assert not mechanical.differs(broken)


def test_the_same_seed_draws_the_same_edits_and_another_seed_others(lab: Lab) -> None:
    first = [each.key for each in islice(mechanical.draw(lab, 7), 20)]
    assert first == [each.key for each in islice(mechanical.draw(lab, 7), 20)]
    assert first != [each.key for each in islice(mechanical.draw(lab, 8), 20)]


def test_all_edits_are_drawn_once(lab: Lab) -> None:
    drawn = [(each.line, each.key) for each in mechanical.draw(lab, 1)]
    assert len(drawn) == len(set(drawn)) == len(mechanical.edits(lab))


def test_entries_of_equivalents_are_edits_with_a_reason(lab: Lab, tmp_path: Path) -> None:
    for each in all_labs():
        mechanical.equivalents(each)  # those that there are
    shutil.copytree(lab.directory / "solution", tmp_path / lab.folder / "solution")
    moved = dataclasses.replace(lab, directory=tmp_path / lab.folder)
    some = next(iter(mechanical.draw(lab, 1)))
    entry = f"{some.task.file}\n- {some.before.strip()}\n+ {some.after.strip()}\n"
    listed = tmp_path / lab.folder / "equivalents.txt"
    listed.write_text(f"# Why.\n\n{entry}  It makes no difference.\n")
    assert mechanical.equivalents(moved) == {some.key}
    for bad in (entry, "nothing.c\n- a\n+ b\n  reason\n"):
        listed.write_text(bad)
        with pytest.raises(GraderError):
            mechanical.equivalents(moved)
