"""Submissions as they come out of archives, editors and file systems of all kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from grader import build, grade, intake, starter
from grader.labs import Lab, all_labs, find_lab
from grader.paths import ROOT, TEMPLATE, GraderError
from grader.tests.conftest import Grade

BOM = b"\xef\xbb\xbf"

# ---- text


def crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


READ: Dict[str, Callable[[bytes], bytes]] = {
    "CRLF": crlf,
    "BOM": lambda content: BOM + content,
    "BOM and CRLF": lambda content: BOM + crlf(content),
    "two BOMs": lambda content: BOM + BOM + content,
    "converted twice": lambda content: content.replace(b"\n", b"\r\r\n"),
    "CRLF on half of the lines": lambda content: content.replace(b";\n", b";\r\n"),
    "end of a DOS file": lambda content: crlf(content) + b"\x1a",
}


@pytest.mark.parametrize("how", READ)
def test_ends_of_lines_and_marks_change_nothing(how: str, lab: Lab) -> None:
    for task in lab.tasks:
        content = (lab.directory / "solution" / task.file).read_bytes()
        assert intake.text(READ[how](content)) == content
        assert intake.same_text(READ[how](content), content)


def test_lines_keep_their_numbers() -> None:
    assert intake.text(b"a\r\n\r\nb\n\r\nc").split(b"\n") == [b"a", b"", b"b", b"", b"c"]
    assert intake.text(b"li a0, 1\rret\nb\nc\n") == b"li a0, 1 ret\nb\nc\n", "no line comes in"


@pytest.mark.parametrize(
    "encoding, said",
    [
        ("utf-16", "is UTF-16 text: save it as UTF-8"),
        ("utf-16-le", "is UTF-16 text"),
        ("utf-16-be", "is UTF-16 text"),
        ("utf-32", "is UTF-32 text"),
        ("utf-32-le", "is UTF-32 text"),
    ],
)
def test_text_of_wide_letters_is_named(encoding: str, said: str, lab: Lab) -> None:
    source = (lab.directory / "solution" / "fault.c").read_text()
    with pytest.raises(intake.NotText, match=said):
        intake.text(source.encode(encoding))


def test_lines_of_an_old_mac_are_named() -> None:
    with pytest.raises(intake.NotText, match="old Mac .*: save it"):
        intake.text(b"int a;\rint b;\rint c;\r")


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 100, b"x", b"int x;\0\n", "é".encode()])
def test_other_bytes_stay_as_they_are(content: bytes) -> None:
    assert intake.text(content) == content


@pytest.mark.parametrize("how", ["CRLF", "BOM and CRLF"])
def test_a_submission_of_another_system_keeps_its_points(
    grade: Grade, solutions: Path, how: str
) -> None:
    for path in solutions.rglob("*.*"):
        path.write_bytes(READ[how](path.read_bytes()))
    graded = grade(solutions)
    assert graded.score == 100, graded.output
    assert "note:" not in graded.output


def test_errors_name_the_line_of_the_editor(grade: Grade, solutions: Path, lab: Lab) -> None:
    part = solutions / lab.folder / "fault.c"
    lines = part.read_bytes().splitlines()
    part.write_bytes(BOM + b"\r\n".join([*lines, b"int x = nothing;", b""]))
    graded = grade(solutions)
    assert f"{part}:{len(lines) + 1}: 'nothing' undeclared" in graded.output


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda content: content.decode().encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        (lambda content: content.replace(b"\n", b"\r"), "has lines that end as on an old Mac"),
    ],
)
def test_what_no_compiler_reads_is_one_line(
    grade: Grade, solutions: Path, lab: Lab, change: Callable[[bytes], bytes], said: str
) -> None:
    part = solutions / lab.folder / "save_user.S"
    part.write_bytes(change(part.read_bytes()))
    graded = grade(solutions, "--test", "1.2")
    assert f"{part} {said}" in graded.output and graded.score == 0
    assert "directive" not in graded.output and "error" not in graded.output


def test_a_starter_file_of_another_system_is_not_begun(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATE, tmp_path / "all")
    for number, path in enumerate(sorted((tmp_path / "all").rglob("*.*"))):
        path.write_bytes((BOM if number % 2 else b"") + crlf(path.read_bytes()))
    assert [lab for lab in all_labs() if grade.begun(lab, tmp_path / "all")] == []
    changed = tmp_path / "all" / "2-multitasking" / "sleep.c"
    changed.write_bytes(changed.read_bytes() + b"int mine;\r\n")
    assert [lab.number for lab in all_labs() if grade.begun(lab, tmp_path / "all")] == [2]


# ---- folders and names


def put(lab: Lab, directory: Path) -> None:
    """The reference of a lab, right in this directory."""
    shutil.copytree(lab.directory / "solution", directory, dirs_exist_ok=True)


def put_labs(directory: Path, *names: str) -> None:
    """Folders of labs, with these names: "1-Batch"."""
    for name in names:
        put(find_lab(name.lower()[0]), directory / name)


def wrapped(place: Path, inside: str) -> Path:
    put_labs(place / inside, "1-batch", "2-multitasking")
    return place / inside


def macos(place: Path) -> Path:
    home = wrapped(place, "project")
    for folder in ("1-batch", "2-multitasking"):
        for path in (home / folder).iterdir():
            for junk in (place / "__MACOSX" / "project" / folder, home / folder):
                junk.mkdir(parents=True, exist_ok=True)
                (junk / f"._{path.name}").write_bytes(b"\0\5\x16\7Mac OS X")
    (place / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return home


def whole_tree(place: Path) -> Path:
    """A student's repository, of which `solutions` is a part."""
    shutil.copytree(TEMPLATE, place / "rung" / "solutions-template")
    for name in ("grader", "kernel/trap", "labs/1-batch"):
        (place / "rung" / name).mkdir(parents=True)
    (place / "rung" / "Makefile").write_text("")
    (place / "rung/kernel/trap/restore_user.S").write_text("")
    return wrapped(place, "rung/solutions")


def beside_old(place: Path) -> Path:
    wrapped(place, "old")
    return wrapped(place, "solutions")


def each_twice(place: Path) -> Path:
    put(find_lab("1"), place / "1-batch" / "1-batch")
    put(find_lab("2"), place / "2-multitasking" / "2-multitasking")
    return place


def one_folder(place: Path) -> Path:
    """All parts beside each other, in a folder of any name."""
    for number in ("1", "2"):
        put(find_lab(number), place / "My work (2)")
    return place


def own_names(place: Path) -> Path:
    put(find_lab("1"), place / "lab1")
    put(find_lab("2"), place / "lab2")
    return place


def other_letters(place: Path) -> Path:
    put_labs(place, "1-Batch", "2_Multitasking")
    for name in ("batch.c", "restore_user.S"):
        (place / "1-Batch" / name).rename(place / "1-Batch" / name.swapcase())
    return place


def template_beside(place: Path) -> Path:
    shutil.copytree(TEMPLATE, place / "solutions-template")
    return wrapped(place, "hand-in")


LAYOUTS: Dict[str, Callable[[Path], Path]] = {
    "as documented": lambda place: wrapped(place, "."),
    "wrapped": lambda place: wrapped(place, "project"),
    "wrapped twice": lambda place: wrapped(place, "project/solutions"),
    "wrapped in spaces": lambda place: wrapped(place, "Lab 1 - hand in/final: version"),
    "macOS": macos,
    "whole tree": whole_tree,
    "beside an old one": beside_old,
    "each twice": each_twice,
    "one folder": one_folder,
    "own names": own_names,
    "other letters": other_letters,
    "beside the template": template_beside,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_meant_is_found(layout: str, tmp_path: Path) -> None:
    wanted = LAYOUTS[layout](tmp_path / "sub")
    home = grade.parse_solutions(str(tmp_path / "sub"))
    assert home and home.samefile(wanted)
    for lab in (find_lab("1"), find_lab("2")):
        assert grade.begun(lab, home)
        for task in lab.tasks:
            part = build.find_part(lab, task, home, given=False)
            assert part.path.read_bytes() == (lab.directory / "solution" / task.file).read_bytes()
        assert build.unknown_files(lab, home) == []
    assert not grade.begun(find_lab("3"), home)


@pytest.mark.parametrize("layout", ["wrapped twice", "macOS", "other letters", "own names"])
def test_what_is_found_is_graded(grade: Grade, layout: str, tmp_path: Path) -> None:
    home = LAYOUTS[layout](tmp_path / "sub")
    graded = grade(tmp_path / "sub")
    assert (graded.status, graded.score) == (0, 100), graded.output
    assert (f"rung: note: the files of the labs are in {home}" in graded.output) == (
        home != tmp_path / "sub"
    )
    assert ("BATCH.C is taken for batch.c" in graded.output) == (layout == "other letters")
    assert "not used" not in graded.output


def two_students(place: Path) -> List[str]:
    wrapped(place, "alice"), wrapped(place, "bob")
    return ["alice", "bob"]


def two_students_flat(place: Path) -> List[str]:
    put(find_lab("1"), place / "alice")
    put(find_lab("1"), place / "bob")
    return ["alice", "bob"]


def two_files(place: Path) -> List[str]:
    put_labs(place, "1-batch")
    (place / "1-batch/batch.c").rename(place / "1-batch/Batch.c")
    shutil.copy(place / "1-batch/Batch.c", place / "1-batch/BATCH.C")
    return ["1-batch/BATCH.C", "1-batch/Batch.c", "batch.c"]


def two_cases(place: Path) -> List[str]:
    put_labs(place, "1-Batch", "1-BATCH")
    return ["1-BATCH", "1-Batch"]


UNCLEAR = {each.__name__: each for each in (two_students, two_students_flat, two_files, two_cases)}


def one_line(output: str) -> str:
    (line,) = output.splitlines()
    assert line.startswith("rung: ")
    return line


@pytest.mark.parametrize("layout", UNCLEAR)
def test_two_that_could_be_meant_are_both_named(grade: Grade, layout: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    names = UNCLEAR[layout](tmp_path / "sub")
    graded = grade(tmp_path / "sub")
    assert graded.status == 2 and graded.results is None
    assert all(name in one_line(graded.output) for name in names)


def test_the_right_name_comes_before_one_in_other_letters(tmp_path: Path, lab: Lab) -> None:
    put_labs(tmp_path, "1-batch", "1-Batch")
    shutil.copy(tmp_path / "1-batch/batch.c", tmp_path / "1-batch/Batch.C")
    home = grade.parse_solutions(str(tmp_path))
    assert home == tmp_path
    assert intake.part_path(lab, lab.tasks[-1], home) == tmp_path / "1-batch/batch.c"
    assert [Path(name).name for name in build.unknown_files(lab, home)] == ["Batch.C"]


def test_a_folder_of_a_lab_inside_another_counts_for_nothing(tmp_path: Path) -> None:
    """What was saved beside the work is not a second candidate."""
    wrapped(tmp_path, "project")
    wrapped(tmp_path, "project/old")
    assert grade.parse_solutions(str(tmp_path)) == tmp_path / "project"


@pytest.mark.parametrize(
    "made, said",
    [
        ([], "no file of any lab is in it: name the directory that has 1-batch/batch.c"),
        (["work.zip"], "work.zip has to be unpacked first"),
        (["a/b/c/d/e/f/g/h/1-batch/batch.c"], "no file of any lab"),
        (["__MACOSX/1-batch/._batch.c", "1-batch/._batch.c"], "no file of any lab"),
        (["solutions-template/1-batch/batch.c"], "no file of any lab"),
    ],
)
def test_nothing_found_is_an_error_and_no_score(
    grade: Grade, tmp_path: Path, made: List[str], said: str
) -> None:
    (tmp_path / "sub").mkdir()
    for name in made:
        (tmp_path / "sub" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sub" / name).write_text("")
    graded = grade(tmp_path / "sub")
    assert graded.status == 2 and graded.results is None
    first = all_labs()[0].tasks[0].file
    assert said.replace("batch.c", first) in one_line(graded.output) or said in graded.output


def test_no_directory_and_an_archive_are_errors(grade: Grade, tmp_path: Path) -> None:
    (tmp_path / "work.zip").write_bytes(b"PK")
    for name, said in (("none", "there is no such directory"), ("work.zip", "unpack it")):
        graded = grade(tmp_path / name)
        assert graded.status == 2 and said in one_line(graded.output)


def test_links_are_not_followed_in_search_of_parts(tmp_path: Path) -> None:
    wrapped(tmp_path, "elsewhere")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "project").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path / "sub")
    with pytest.raises(GraderError, match="no file of any lab"):
        grade.parse_solutions(str(tmp_path / "sub"))


def test_a_search_has_an_end(tmp_path: Path) -> None:
    for number in range(intake.FOLDERS_MAX + 1):
        (tmp_path / f"{number}").mkdir()
    with pytest.raises(GraderError, match="more than 2000 folders: name the one that has 1-batch/"):
        grade.parse_solutions(str(tmp_path))


def test_names_that_do_not_print_are_shown_as_escapes(grade: Grade, tmp_path: Path) -> None:
    for name in (b"a\n\x1b[31m", b"b\xff"):
        put_labs(tmp_path / "sub" / os.fsdecode(name), "1-batch")
    graded = grade(tmp_path / "sub")
    assert graded.status == 2
    assert "\\n" in one_line(graded.output) and "\x1b" not in graded.output


def test_start_leaves_names_in_other_letters_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a student has written is not hidden by a starter file."""
    monkeypatch.setattr(starter, "SOLUTIONS", tmp_path / "solutions")
    put_labs(tmp_path / "solutions", "1-Batch")
    (tmp_path / "solutions/1-Batch/batch.c").rename(tmp_path / "solutions/1-Batch/Batch.c")
    (tmp_path / "solutions/1-Batch/fault.c").unlink()
    starter.create_missing()
    names = {path.name for path in (tmp_path / "solutions/1-Batch").iterdir()}
    assert "batch.c" not in names and "fault.c" in names
    assert not (tmp_path / "solutions/1-batch").exists()
    assert (tmp_path / "solutions/2-multitasking/sleep.c").is_file()


def test_only_who_asks_gets_starter_files_beside_what_is_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starter, "SOLUTIONS", tmp_path / "solutions")
    wrapped(tmp_path / "solutions", "project")
    assert starter.create_missing() == 0
    assert (
        starter.create_missing(asked=True) > 0
        and (tmp_path / "solutions/1-batch/batch.c").is_file()
    )


# ---- clones


@pytest.mark.parametrize("setting", ["true", "input", "false"])
def test_a_clone_has_lines_that_its_tools_can_read(tmp_path: Path, setting: str) -> None:
    """Git for Windows, and WSL after it, turns LF into CRLF unless the tree says otherwise."""
    clone = tmp_path / "clone"
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("Makefile", ".gitattributes", "grader/setup/setup.sh", "grader/setup/tools.sh"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(TEMPLATE, tree / "solutions-template")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-c", "core.safecrlf=false"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=tree, check=True)
    config = ["-c", f"core.autocrlf={setting}", "-c", "core.eol=crlf"]
    subprocess.run(["git", *config, "clone", "-q", str(tree), str(clone)], check=True)
    with_cr = [path for path in clone.rglob("*.*") if path.is_file() and ".git/" not in str(path)]
    assert with_cr and not [path for path in with_cr if b"\r" in path.read_bytes()]
    assert b"\r" not in (clone / "Makefile").read_bytes()
