"""Commands for people: run, debug, the student edition, lint."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Set, Tuple
from xml.etree import ElementTree

import pexpect
import pytest

from grader import build, handout, symbols
from grader.labs import Lab, all_labs
from grader.paths import ROOT
from grader.tests.conftest import heed_control_c


def test_run_shows_the_kernel_on_the_console() -> None:
    command = ["-m", "grader", "run", "--solutions", "reference", "--apps", "hello power:2:10:1000"]
    console = pexpect.spawn(sys.executable, command, cwd=str(ROOT), encoding="utf-8", timeout=30)
    for expected in (
        "boot: hart 0",
        "Hello, world!",
        r"2\^10 mod 1000 = 24",
        "off: time",
        pexpect.EOF,
    ):
        console.expect(expected)
    console.close()
    assert console.exitstatus == 0


def test_run_is_stopped_by_control_c() -> None:
    command = ["-m", "grader", "run", "--solutions", "reference", "--apps", "forever"]
    console = pexpect.spawn(
        sys.executable,
        command,
        cwd=str(ROOT),
        encoding="utf-8",
        timeout=30,
        preexec_fn=heed_control_c,
    )
    console.expect("boot: hart 0")
    console.sendintr()
    console.expect("rung: stopped")
    console.expect(pexpect.EOF)


def test_run_gives_a_shell_where_there_is_one() -> None:
    """Somebody at a terminal: lines are edited, ^C ends what runs, the disk keeps what is written, ^D ends it all."""
    command = ["-m", "grader", "run", "--lab", "processes", "--solutions", "reference"]
    console = pexpect.spawn(sys.executable, command, cwd=str(ROOT), encoding="utf-8", timeout=30)
    console.expect_exact("^A x ends the machine itself")
    console.expect_exact("$ ")
    long = "word " * 200
    for typed, shown in (
        ("echo onf\x7fe | cat\r", "one\r\n$ "),
        ("nonsense\x15echo two\r", "two\r\n$ "),
        (f"echo {long} | wc\r", "1 200 1000\r\n$ "),
        ("echo three > /disk/three.txt; cat < /disk/three.txt\r", "three\r\n$ "),
        ("rm /disk/three.txt; cat /disk/three.txt; echo $?\r", "1\r\n$ "),
        ("nap 1000s\r", "nap 1000s"),
        ("\x03", "^C\r\n$ "),
        ("forever &\r", "forever &\r\n"),
    ):
        console.send(typed)
        console.expect_exact(shown)
    console.expect(r"\[(\d+)\]\r\n\$ ")
    assert console.match
    console.send(f"kill {console.match[1]}; wait; echo gone\r")
    console.expect_exact("gone\r\n$ ")
    console.send("\x04")
    console.expect("off: time")
    console.expect(pexpect.EOF)
    console.close()
    assert console.exitstatus == 0


def drawn_twice(picture: str, apps: str, directory: Path) -> Tuple[Set[str], List[str]]:
    """Have `timeline` or `map` draw programs, twice the same; the picture's texts, and the lines printed."""
    drawn = []
    for name in ("one.svg", "two.svg"):
        command = [sys.executable, "-m", "grader", picture, "--solutions", "reference"]
        command += ["--apps", apps, "--out", str(directory / name)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        drawn.append((directory / name).read_text())
    assert drawn[0] == drawn[1]
    texts = {each.text for each in ElementTree.fromstring(drawn[0]).iter() if each.text}
    return texts, done.stdout.splitlines()


def test_timeline_draws_who_ran_when(tmp_path: Path) -> None:
    """Twice the same picture, with a lane for each job, and the truth in the table below it."""
    texts, lines = drawn_twice("timeline", "spin:25000 nap:15000 spin:25000", tmp_path)
    assert {"spin 25000", "nap 15000", "kernel"} <= texts
    asleep = {line[:24].strip(): line.split("ms")[2] for line in lines[1:5]}
    assert float(asleep["nap 15000"]) >= 15 and float(asleep["spin 25000"]) == 0


def test_map_draws_areas_beside_pages(tmp_path: Path) -> None:
    """Twice the same; and what it says of a program agrees with the program's file."""
    texts, lines = drawn_twice("map", "layout:1:5 hello", tmp_path)
    assert {"layout, pid 2", "hello, pid 3", "the kernel"} <= texts
    start = symbols.address(build.program("layout"), "_start") & -4096
    (line,) = [t for t in lines if f"{start:#018x}" in t and "segment" in t][:1]
    assert "r-xu segment" in line and re.search(r"r-xu \d+ pages?, frame 0x8", line)


def test_map_of_a_test_shows_what_it_saw(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "grader", "map", "--solutions", "reference"]
    command += ["--lab", "address-spaces", "--out", str(tmp_path / "seen.svg")]
    command += ["--test", "each_program_has_a_space_of_its_own"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.count("Address space of layout") == 3
    assert (tmp_path / "seen.svg").is_file()


@pytest.mark.parametrize(
    "lab_name, test, where",
    [
        ("batch", "program_runs_in_user_mode", "restore_user"),
        ("batch", "every_register_is_saved", "save_user"),
        ("batch", "bad_load_ends_its_program", "on_fault"),
        ("batch", "jobs_run_in_the_decks_order", "run_batch"),
        ("multitasking", "float_registers_survive_a_switch", "context_switch"),
        ("multitasking", "slices_are_10_milliseconds", "start_timer"),
        ("address-spaces", "programs_cannot_leave_their_space", "load"),
        ("address-spaces", "random_areas", "map_area"),
    ],
)
def test_debug_stops_in_the_students_part(lab_name: str, test: str, where: str) -> None:
    command = [sys.executable, "-m", "grader", "debug", "--solutions", "reference"]
    done = subprocess.run(
        [*command, "--lab", lab_name, "--test", test],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Stopped in the code of task" in done.stdout
    assert f"#0  {where}" in done.stdout


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("handout") / "rung"
    handout.write(directory)
    return directory


def grade_in(directory: Path, *options: str) -> "dict[str, object]":
    """`make grade` in another tree; its results."""
    environment = {key: value for key, value in os.environ.items() if key != "RUNG_BUILD"}
    subprocess.run(
        ["make", "grade", *options],
        cwd=directory,
        env={**environment, "RUNG_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    results: "dict[str, object]" = json.loads((directory / "build/grade/results.json").read_text())
    return results


def test_student_edition_has_no_solutions(edition: Path) -> None:
    assert handout.leaks(edition) == []
    names = {path.name for path in edition.glob("labs/*/*")}
    assert not names & (handout.LAB_FOLDERS_OUT | handout.LAB_FILES_OUT)
    ours = {path.name for path in ROOT.glob("labs/*/*")}
    assert handout.LAB_FOLDERS_OUT | handout.LAB_FILES_OUT <= ours, "a name is no longer in use"
    assert not (edition / "grader/tests").exists()
    assert "make handout" not in (edition / "README.md").read_text()
    assert "/solutions/" not in (edition / ".gitignore").read_text()
    log = subprocess.run(
        ["git", "log", "--oneline"], cwd=edition, stdout=subprocess.PIPE, check=True
    )
    assert len(log.stdout.splitlines()) == 1
    status = subprocess.run(
        ["git", "status", "--short"], cwd=edition, stdout=subprocess.PIPE, check=True
    )
    assert status.stdout == b""


def test_the_scan_for_solution_lines_finds_them(edition: Path, tmp_path: Path, lab: Lab) -> None:
    """A test of the test: a solution put into the history is found, even when removed again."""
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", str(edition), str(copy)], check=True)
    leaked = copy / "notes.txt"
    leaked.write_text((lab.directory / "solution" / "user_memory.c").read_text())
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "add", "-A"], cwd=copy, check=True)
    subprocess.run([*git, "commit", "-qm", "leak"], cwd=copy, check=True)
    leaked.unlink()
    subprocess.run([*git, "commit", "-qam", "remove"], cwd=copy, check=True)
    assert any(line.startswith("notes.txt: ") for line in handout.leaks(copy))


def test_student_edition_grades_itself(edition: Path, lab: Lab) -> None:
    assert grade_in(edition)["score"] == lab.starter_score
    assert (edition / "solutions" / lab.folder / lab.tasks[0].file).is_file()
    assert grade_in(edition, "SOLUTIONS=reference")["score"] == 100 * len(all_labs())
    # Stuck in all tasks but the first, and that one not written: nothing earned, nothing blocked.
    others = ",".join(f"reference:{task.id}" for task in lab.tasks[1:])
    assert grade_in(edition, f"WITH={others}")["score"] == 0


def test_student_edition_finds_the_file_at_fault(edition: Path, tmp_path: Path, lab: Lab) -> None:
    """It has no solutions to compile, but an object of the reference for each task."""
    mine = tmp_path / "solutions"
    shutil.copytree(lab.directory / "solution", mine / lab.folder)
    loop = mine / lab.folder / "batch.c"
    wrong = loop.read_text().replace("i < job_count()", "i + 1 < job_count()")
    assert wrong != loop.read_text()
    loop.write_text(wrong)
    (mine / lab.folder / "fault.c").unlink()  # missing
    call = mine / lab.folder / "syscall_trap.c"
    call.write_text(call.read_text() + "int int;\n")  # does not build
    graded = grade_in(edition, f"SOLUTIONS={mine}", "LAB=batch")["labs"][0]  # type: ignore[index]
    points = {task.id: 0 for task in lab.tasks}
    for test in graded["tests"]:
        points[test["task"]] += test["max_points"]
    expected = {task: points[task] if task in ("1.3", "1.5", "1.6") else 0 for task in points}
    assert graded["charged"] == expected
    first = next(test for test in graded["tests"] if test["id"] == "program_runs_in_user_mode")
    assert (first["status"], first["points"], first["blame"]) == ("failed", 5, ["1.6"])
    # A task that is lent is nobody's fault.
    lent = grade_in(edition, f"SOLUTIONS={mine}", "LAB=batch", "WITH=reference:1.6")["labs"][0]  # type: ignore[index]
    assert {task for task, lost in lent["charged"].items() if lost} == {"1.3", "1.5", "1.6"}
    assert all("1.6" not in test["blame"] for test in lent["tests"])


def test_student_edition_works_from_a_clone_with_other_ends_of_lines(
    edition: Path, tmp_path: Path
) -> None:
    """What Git for Windows and many settings of core.autocrlf would do to a clone: nothing is done to this one."""
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "-c", "core.autocrlf=true", "clone", "-q", str(edition), str(clone)], check=True
    )
    (clone / "build").mkdir()
    (clone / "build" / "python").write_text(f"{sys.executable}\n")
    started = subprocess.run(
        ["make", "start"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert started.returncode == 0, started.stdout
    for path in (clone / "solutions").rglob("*.*"):  # an editor that writes CRLF
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    results = grade_in(clone)
    graded = [lab["lab"] for lab in results["labs"]]  # type: ignore[attr-defined]
    assert graded == ["batch"] and results["score"] == all_labs()[0].starter_score


def links_to_nowhere(tree: Path) -> List[str]:
    """Links in a tree's pages to files that are not there."""
    found = []
    for page in tree.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                found.append(f"{page.relative_to(tree)}: {target}")
    return found


def test_links_lead_somewhere(edition: Path) -> None:
    assert links_to_nowhere(edition) == []
    ours = [link for link in links_to_nowhere(ROOT) if not link.startswith("build/")]
    assert ours == []


def test_authors_commands_say_so_in_the_student_edition(edition: Path) -> None:
    done = subprocess.run(
        ["make", "mutants"], cwd=edition, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 2 and "this is the student edition" in done.stderr


def test_handout_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(Exception, match="exists and is not an empty directory"):
        handout.write(tmp_path)


def test_formatters_and_linters_are_clean() -> None:
    done = subprocess.run(["bash", "grader/lint.sh"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout
