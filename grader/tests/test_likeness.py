"""Machine code that equals the reference's is asked about; code that is right is not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import List, Tuple

import pytest

from grader import likeness, objects
from grader.labs import Lab, Task, all_labs
from grader.paths import TEMPLATE
from grader.tests.conftest import Grade

TASKS = [(lab, task) for lab in all_labs() for task in lab.tasks if task.file.endswith(".c")]
NAMES = {n: name for n, name in ((19, "R_RISCV_CALL_PLT"), (18, "R_RISCV_CALL"))}


def sources(lab: Lab, task: Task) -> Tuple[Path, Path]:
    """Objects of the reference and of the starter."""
    return (
        likeness._compiled(lab.directory / "solution" / task.file),
        likeness._compiled(TEMPLATE / lab.folder / task.file),
    )


def as_bytes(reference: Path, directory: Path) -> Path:
    """The object's code as lines of `.byte`, with calls as `.reloc`, in an assembler part of its own."""
    part = objects.Object(reference)
    lines: List[str] = ["    .text", "code:"]
    for number, section in enumerate(part.sections):
        if section.name == ".text":
            lines += [f"    .byte {byte}" for byte in part.content(section)]
            lines += [
                f"    .reloc code + {each.offset}, {NAMES[each.type]}, {each.symbol.name}"
                for each in part.relocations(number)
                if each.type in NAMES
            ]
    source = directory / "bytes.S"
    source.write_text("\n".join(lines) + "\n")
    return source


def test_the_references_object_as_bytes_is_asked_about(tmp_path: Path) -> None:
    found = 0
    for lab, task in TASKS:
        reference, starter = sources(lab, task)
        own = likeness._compiled(as_bytes(reference, tmp_path))
        if likeness.equal_share(reference, reference, starter) > 0:
            found += 1
            assert (
                likeness.equal_share(own, reference, starter) >= likeness.EQUAL_SHARE_MIN
            ), task.id
    assert found >= 10


@pytest.mark.parametrize("lab, task", TASKS, ids=[task.id for _, task in TASKS])
def test_other_right_designs_and_starter_files_are_not_asked_about(lab: Lab, task: Task) -> None:
    reference, starter = sources(lab, task)
    assert likeness.equal_share(starter, reference, starter) == 0
    for design in sorted((lab.directory / "alternatives").iterdir()):
        if (design / task.file).is_file():
            own = likeness._compiled(design / task.file)
            share = likeness.equal_share(own, reference, starter)
            assert share < likeness.EQUAL_SHARE_MIN, design.name


def test_a_question_costs_nothing(grade: Grade, solutions: Path, lab: Lab) -> None:
    """The reference's source under other names and comments: equal code, all points, and a question."""
    part = solutions / lab.folder / "user_memory.c"
    part.write_text("/* mine */\n" + part.read_text())
    graded = grade(solutions, "--test", "1.4")
    assert graded.results
    (question,) = graded.results["labs"][0]["questions"]
    assert "task 1.4, user_memory.c: 100% of its machine code equals the reference's" in question
    assert "to ask: task 1.4" in " ".join(graded.output.split())
    assert graded.score == graded.results["max_score"]


def test_nothing_is_asked_about_a_starter(grade: Grade, lab: Lab) -> None:
    graded = grade(TEMPLATE, "--test", "1.4")
    assert graded.results and graded.results["labs"][0]["questions"] == []


def test_two_graders_at_a_time_compile_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One begins while the other compiles, and is done first."""
    source = tmp_path / "part.c"
    source.write_text("int part(void) { return 1; }\n")
    monkeypatch.setattr(likeness, "KEPT", tmp_path / "kept")
    run = subprocess.run

    def run_beside_another(command: List[str], check: bool) -> None:
        run(command, check=check)
        monkeypatch.setattr(subprocess, "run", run)
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", lambda: 1)
            likeness._compiled(source)

    monkeypatch.setattr(subprocess, "run", run_beside_another)
    assert likeness._compiled(source).read_bytes().startswith(b"\x7fELF")
    assert [path.suffixes for path in (tmp_path / "kept").iterdir()] == [[".o"]]
