"""Bad input of every kind: one clear line, the right exit status, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from grader import build
from grader import sandbox as sandboxes
from grader.grade import Options, run_tests
from grader.labs import Lab, find_lab
from grader.paths import ROOT, TEMPLATE, GraderError, shown
from grader.tests.conftest import Grade, heed_control_c


def first_lines(output: str) -> str:
    return " ".join(output.split())


def test_compiler_error_names_file_and_line(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "fault.c"
    text = part.read_text()
    line = text[: text.index("switch")].count("\n") + 1
    part.write_text(text.replace("switch (cause)", "switch (cuase)"))
    graded = grade(solutions, "--lab", "batch")
    assert graded.status == 0
    assert f"does not build: {part}:{line}: 'cuase' undeclared" in first_lines(graded.output)
    tests = graded.results["labs"][0]["tests"]  # type: ignore[index]
    assert {t["task"] for t in tests if t["outcome"] == "does not build"} == {"1.5"}
    assert all(
        t["status"] == "passed" for t in tests if t["task"] != "1.5"
    ), "the others keep theirs"
    assert graded.score == 100 - sum(t["max_points"] for t in tests if t["task"] == "1.5")


def test_assembler_error_names_file_and_line(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "save_user.S"
    part.write_text("    nop\n    sdd t0, 8(a0)\n")
    graded = grade(solutions, "--lab", "batch")
    assert f"does not build: {part}:2: unrecognized opcode" in first_lines(graded.output)


def test_missing_file(grade: Grade, solutions: Path, lab: Lab) -> None:
    (solutions / lab.folder / "batch.c").unlink()
    graded = grade(solutions, "--test", "1.6")
    assert graded.status == 0 and graded.score == 0
    assert "batch.c is missing; `make start` puts the starter file back" in graded.output


def test_link_that_leads_out(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "batch.c"
    part.unlink()
    part.symlink_to(lab.directory / "solution" / "batch.c")
    graded = grade(solutions, "--test", "1.6")
    assert graded.score == 0 and "is a link that leads out of" in graded.output


def test_link_to_nowhere_and_directory(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "batch.c"
    part.unlink()
    part.symlink_to("nothing")
    assert "is a link to nowhere" in grade(solutions).output
    part.unlink()
    part.mkdir()
    assert "is not a regular file" in grade(solutions).output


def test_unreadable_file(
    monkeypatch: pytest.MonkeyPatch, solutions: Path, lab: Lab, tmp_path: Path
) -> None:
    """Root reads every file, so the refusal is played."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(build.BuildFailure, match="fault.c cannot be read: permission denied"):
        build.find_part(lab, lab.task("1.5"), solutions, given=False)


def test_wrongly_named_file_is_pointed_out(grade: Grade, solutions: Path, lab: Lab) -> None:
    (solutions / lab.folder / "Batch.c").write_text("int x;\n")
    graded = grade(solutions, "--test", "empty_deck*")
    assert "Batch.c is not one of the lab's files and was not used" in graded.output


def test_compiler_warnings_are_shown_and_stay(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "fault.c"
    part.write_text(part.read_text() + "static int nobody;\n")
    line = part.read_text().count("\n")
    for _ in range(2):  # the second time nothing is compiled
        graded = grade(solutions, "--test", "empty_deck*")
        assert f"the compiler warns: {part}:{line}: 'nobody' defined but not used" in graded.output
        assert graded.score == 1


def test_private_header_is_not_seen(grade: Grade, solutions: Path, lab: Lab) -> None:
    """Only the parts are taken: what lies beside them is not there for the compiler."""
    (solutions / lab.folder / "mine.h").write_text("#define X 1\n")
    part = solutions / lab.folder / "fault.c"
    part.write_text('#include "mine.h"\n' + part.read_text())
    graded = grade(solutions, "--test", "1.5")
    assert graded.score == 0 and "mine.h: No such file" in first_lines(graded.output)


@pytest.mark.parametrize("sandbox", ["on", "off"])
def test_incbin_gains_nothing_with_or_without_bubblewrap(
    grade: Grade, solutions: Path, lab: Lab, sandbox: str
) -> None:
    part = solutions / lab.folder / "fault.c"
    secret = ROOT / "README.md"
    line = f'__asm__(".section .rodata\\n.inc" "bin \\"{secret}\\"\\n.text");\n'
    part.write_text(line + part.read_text())
    graded = grade(solutions, "--test", "1.5", RUNG_SANDBOX=sandbox)
    assert (
        graded.score == 0 and "does not build" in str(graded.results) or ".incbin" in graded.output
    )


@pytest.mark.parametrize("sandbox", ["on", "off"])
@pytest.mark.parametrize(
    "bomb, said",
    [
        (
            "#define A A0 A0\n" + "".join(f"#define A{n} A{n + 1} A{n + 1}\n" for n in range(40)),
            "the compiler needed more than 1024 MiB of memory",
        ),
        (
            '__asm__(".pushsection .rodata\\n.zero 1500000000\\n.popsection");\n',
            "the compiler wrote a file of more than 32 MiB",
        ),
        (
            '__asm__(".pushsection .rodata\\n.rept 400000000\\nnop\\n.endr\\n.popsection");\n',
            "the compiler needed more than 1024 MiB of memory",
        ),
    ],
    ids=["macros", "object", "repetitions"],
)
def test_compiler_has_limits(
    grade: Grade, solutions: Path, lab: Lab, bomb: str, said: str, sandbox: str
) -> None:
    part = solutions / lab.folder / "fault.c"
    part.write_text(part.read_text() + bomb + ("A\n" if "#define" in bomb else ""))
    graded = grade(solutions, "--test", "1.5", RUNG_SANDBOX=sandbox)
    assert graded.status == 0 and graded.score == 0
    assert f"does not build: {part}: {said}" in first_lines(graded.output)


@pytest.mark.skipif(not sandboxes.works(), reason="needs bubblewrap")
def test_compiler_sees_nothing_of_the_machine(
    grade: Grade, solutions: Path, lab: Lab, tmp_path: Path
) -> None:
    """Whatever directory a file is in: what is shown is what compiling needs, and no more."""
    (tmp_path / "elsewhere").mkdir()
    secret = tmp_path / "elsewhere" / "secret"
    secret.write_text("the exam\n")
    part = solutions / lab.folder / "fault.c"
    text = part.read_text()
    names: "tuple[object, ...]" = (
        secret,
        "/var/lib/dpkg/status",
        "/proc/self/environ",
        ROOT / "grader" / "build.py",
    )
    for path in (Path(str(name)) for name in names):
        part.write_text(f'#include "{path}"\n' + text)
        graded = grade(solutions)
        assert f"{shown(path)}: No such file or directory" in first_lines(graded.output)


def test_local_labels_in_the_trampoline_are_fine(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "restore_user.S"
    lines = "    li t0, 3\n1:  addi t0, t0, -1\n    bnez t0, 1b\n    j 2f\n2:\n"
    part.write_text(
        ".option push\n.option relax\n" + lines + ".option pop\n" + lines + part.read_text()
    )
    assert grade(solutions, "--test", "first_words*", "--set", "all").score == 5


@pytest.mark.parametrize("section", [".subsection 1", '.section .other, "ax"', ".text"])
def test_no_call_out_of_the_trampoline_by_another_section(
    grade: Grade, solutions: Path, lab: Lab, section: str
) -> None:
    part = solutions / lab.folder / "restore_user.S"
    hidden = f"    j 9f\n    {section}\n9:  call float_clear\n    j 8f\n    .previous\n8:\n"
    part.write_text(hidden + part.read_text())
    graded = grade(solutions, "--test", "1.1")
    assert graded.score == 0
    assert "float_clear" in graded.output
    assert "this code runs at another address" in first_lines(graded.output)


def test_escapes_in_strings_and_macros_with_joined_names_are_fine(
    grade: Grade, solutions: Path, lab: Lab
) -> None:
    part = solutions / lab.folder / "fault.c"
    part.write_text(
        part.read_text()
        + 'const char *const nobody = "\\033[2J\\033\\101 \\\\()";\n'
        + '__asm__(".macro PAIR a\\n.word \\\\a\\\\()1\\n.endm\\n.pushsection .rodata\\nPAIR 2\\n.popsection");\n'
    )
    assert grade(solutions, "--test", "empty_deck*").score == 1


@pytest.mark.parametrize(
    "options, said",
    [
        (["--lab", "bathc"], "no lab is called 'bathc'; there are: 1 batch"),
        (
            ["--test", "empty_dek"],
            "no test of lab batch is called 'empty_dek' (did you mean empty_deck",
        ),
        (["--set", "some"], "SET=some: it is basic or all"),
        (["--seed", "x"], "SEED=x: it has to be a number"),
        (["--with", "reference"], "WITH=reference: say reference:1"),
        (["--with", "reference:1.9"], "lab batch has no task 1.9"),
    ],
)
def test_bad_options_list_the_choices(grade: Grade, options: List[str], said: str) -> None:
    graded = grade("reference", *options)
    assert graded.status == 2
    assert said in first_lines(graded.output)
    assert len(graded.output.strip().splitlines()) == 1


def test_a_secret_seed_is_drawn_anew_and_told_so_that_the_verdict_can_be_had_again(
    grade: Grade,
) -> None:
    drawn = [grade("reference", "--test", "empty_deck*", "--seed", "secret") for _ in range(2)]
    seeds = [graded.results["seed"] for graded in drawn]  # type: ignore[index]
    assert seeds[0] != seeds[1] and all(0 <= seed < 1 << 52 for seed in seeds)
    assert f"SEED={seeds[0]} repeats this verdict" in drawn[0].output
    again = grade("reference", "--test", "empty_deck*", "--seed", str(seeds[0]))
    assert again.results["digest"] == drawn[0].results["digest"]  # type: ignore[index]


def test_what_counts_is_graded_with_a_secret_seed() -> None:
    workflow = (ROOT / ".github" / "workflows" / "grade.yml").read_text()
    commands = [line for line in workflow.splitlines() if "make grade SOLUTIONS=" in line]
    assert commands and all("SEED=secret" in command for command in commands)


@pytest.mark.parametrize("name", ["PYTEST_ADDOPTS", "PYTEST_PLUGINS"])
def test_pytests_own_variables_change_nothing(grade: Grade, name: str) -> None:
    graded = grade("reference", "--test", "first_words*", **{name: "--no-such-thing"})
    assert graded.status == 0 and graded.score == 5, graded.output


def test_a_pytest_that_cannot_run_is_named(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest, "main", lambda *_, **__: pytest.ExitCode.USAGE_ERROR)
    with pytest.raises(GraderError, match="pytest cannot run the tests of lab batch"):
        run_tests(lab, Options(solutions=None))


def test_no_such_solutions_directory(grade: Grade) -> None:
    graded = grade("no/such/place")
    assert graded.status == 2 and "there is no such directory" in graded.output


@pytest.mark.parametrize(
    "loop, outcome, words",
    [
        ("for (;;) ;", "livelock", "still running after 1 s of guest time"),
        ('for (;;)\n        __asm__ volatile("wfi");', "deadlock", "idle for ever"),
        (
            '__asm__ volatile("unimp");',
            "kernel panic",
            "the kernel itself trapped: illegal instruction",
        ),
        ("memcpy((void *)8, job, 64 + i);", "kernel panic", "at memcpy (kernel/lib/string.c:"),
    ],
)
def test_a_hang_or_crash_is_told_with_its_place(
    grade: Grade, solutions: Path, lab: Lab, loop: str, outcome: str, words: str
) -> None:
    """Deadlock, livelock and panic are told apart, each with function, file and line."""
    part = solutions / lab.folder / "batch.c"
    text = part.read_text().replace("        float_clear();\n", f"        {loop}\n")
    part.write_text(text)
    graded = grade(solutions, "--test", "program_runs_in_user_mode")
    failed = graded.test("program_runs_in_user_mode")
    assert failed["outcome"] == outcome
    assert words in failed["actual"]
    line = text[: text.index(loop)].count("\n") + loop.count("\n") + 1
    assert f"{part}:{line}" in failed["actual"]
    if outcome == "kernel panic":
        assert "at kmain (kernel/boot/kmain.c:" in failed["actual"]


def test_below_minimum_is_status_1(grade: Grade, solutions: Path, lab: Lab) -> None:
    (solutions / lab.folder / "batch.c").unlink()
    assert grade(solutions, "--test", "empty_deck*", "--min", "1").status == 1
    assert grade("reference", "--test", "empty_deck*", "--min", "1").status == 0


def test_missing_tool_is_one_line(tmp_path: Path) -> None:
    """With a PATH that has no QEMU, compiler or ninja."""
    command = [sys.executable, "-m", "grader", "grade", "--solutions", "reference"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": str(tmp_path), "RUNG_BUILD": str(tmp_path / "build")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is not installed: run `make setup`" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def parent_of(pid: int) -> int:
    """A process's parent; 0 when there is none."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def qemus_of(pid: int) -> List[int]:
    """Machines that a process, or one that descends from it, has started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"qemu-system-riscv64" in command and b"-kernel" in command:
                ancestor = int(entry.name)
                while ancestor not in (0, pid):
                    ancestor = parent_of(ancestor)
                if ancestor == pid:
                    found.append(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_qemu_is_left_behind(
    solutions: Path, lab: Lab, tmp_path: Path, how: signal.Signals
) -> None:
    """^C, or the end of the grader by force, in the middle of a run that would take long."""
    shutil.copy(ROOT / "solutions-template" / lab.folder / "batch.c", solutions / lab.folder)
    part = solutions / lab.folder / "syscall_trap.c"
    part.write_text(part.read_text().replace("user->sepc += 4;", ""))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "grader", "grade", "--solutions", str(solutions)]
    grader = subprocess.Popen(
        [*command, "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=heed_control_c,
    )
    qemus: List[int] = []
    while not qemus and grader.poll() is None:
        qemus = qemus_of(grader.pid)
    assert qemus, grader.communicate()[0]
    os.killpg(grader.pid, how)
    output = grader.communicate(timeout=60)[0]
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}/exe").exists() for pid in qemus) and time.monotonic() < deadline:
        os.sched_yield()
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in qemus)
    if how == signal.SIGINT:
        assert grader.returncode == 2
        assert "Interrupted: what had been judged by then is kept." in output
        assert (out / "results.json").is_file()


def test_a_broken_earlier_lab_does_not_lock_the_next(grade: Grade, solutions: Path) -> None:
    later = find_lab("multitasking")
    shutil.copytree(later.directory / "solution", solutions / later.folder)
    broken = solutions / "1-batch" / "fault.c"
    broken.write_text(broken.read_text() + "\nint int;\n")
    graded = grade(solutions, "--lab", "multitasking")
    assert graded.score == 100
    assert "task 1.5, of another lab, is graded with our file in place of yours" in graded.output
    assert "does not build" in graded.output


def test_an_unfinished_earlier_lab_is_pointed_out(grade: Grade) -> None:
    graded = grade(TEMPLATE, "--lab", "multitasking")
    assert "lab 1 is not finished" in graded.output and "WITH=reference:1 lends" in graded.output


@pytest.mark.parametrize(
    "pattern, chosen",
    [
        ("1.1", lambda test: test["task"] == "1.1"),
        ("exit_ends*,empty_deck*", lambda test: test["id"].startswith(("exit_ends", "empty_deck"))),
        ("test_empty_deck_powers_off", lambda test: test["id"] == "empty_deck_powers_off"),
    ],
)
def test_test_chooses_by_task_or_names(
    grade: Grade, pattern: str, chosen: Callable[[Dict[str, str]], bool]
) -> None:
    graded = grade("reference", "--test", pattern)
    assert graded.results
    tests = graded.results["labs"][0]["tests"]
    assert tests and all(chosen(test) for test in tests)
    assert graded.score == sum(test["max_points"] for test in tests)


def test_a_task_says_which_lab(grade: Grade) -> None:
    results = grade("reference", "--lab", "", "--test", "2.2").results
    assert results and [each["number"] for each in results["labs"]] == [2]
