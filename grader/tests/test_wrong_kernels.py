"""The lists of wrong kernels and the sentences of contracts: how they are read, and that those of the labs are in order."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import List, Set

import pytest

from grader import contracts, mutants, wrong_kernels
from grader.labs import Lab, all_labs, find_lab
from grader.paths import LABS, GraderError
from grader.wrong_kernels import Entry, Sentence

pytestmark = pytest.mark.fast

LIST = """# A comment.

== a.c: It returns
    0, or an error.

[one-off]
belief: it counts
    from 1
must-fail: first,
    second
hint:
@@ a.c
-    int i = 0;
+    int i = 1;

[two-files]
belief: none
# A comment between lines.
@@ a.c
     start();
+\tgo();  
@@
-    stop();

@@ b.S
-#define N 1
+#define N 2

== b.S: no sentence yet

[no-sentence]
belief: none
@@ b.S
+    nop
     ret
"""
A = "    int i = 0;\n    start();\n\n    stop();\n"
B = "#define N 1\n    ret\n"

each_lab = pytest.mark.parametrize("lab", all_labs(), ids=[lab.name for lab in all_labs()])

# An entry up to the lines of its edit.
BEGUN = "[x]\nbelief: none\n@@ a.c\n"


def parse(text: str = LIST) -> List[Entry]:
    return wrong_kernels.parse(text, "m.txt")


@pytest.fixture
def solution(tmp_path: Path) -> Path:
    (tmp_path / "a.c").write_text(A)
    (tmp_path / "b.S").write_text(B)
    return tmp_path


def test_a_list_is_read() -> None:
    one, two, three = parse()
    assert (one.name, one.where, one.files) == ("one-off", "m.txt:6", ["a.c"])
    assert one.header == {"belief": "it counts from 1", "must-fail": "first, second", "hint": ""}
    assert one.sentence == two.sentence == Sentence("a.c", "It returns 0, or an error.")
    assert (two.files, three.files, three.sentence) == (["a.c", "b.S"], ["b.S"], None)


def test_edits_change_their_lines_and_keep_all_blanks(solution: Path) -> None:
    one, two, three = parse()
    assert wrong_kernels.apply(one, solution) == {"a.c": A.replace("= 0", "= 1").encode()}
    both = {
        "a.c": b"    int i = 0;\n    start();\n\tgo();  \n\n",
        "b.S": b"#define N 2\n    ret\n",
    }
    assert wrong_kernels.apply(two, solution) == both
    assert wrong_kernels.apply(three, solution) == {"b.S": b"#define N 1\n    nop\n    ret\n"}


def test_an_empty_line_inside_an_edit_is_one_of_the_files(solution: Path) -> None:
    """An editor that cuts blanks at the ends of lines does no harm."""
    (entry,) = parse(f"{BEGUN}     start();\n\n-    stop();\n+    halt();\n\n\n")
    assert wrong_kernels.apply(entry, solution)["a.c"] == A.replace("stop", "halt").encode()


def test_control_characters_do_not_divide_lines(solution: Path) -> None:
    (entry,) = parse(f"{BEGUN}-    stop();\n+\x1b\x0c\u2028\x85\n")
    assert wrong_kernels.apply(entry, solution)["a.c"].decode().endswith("\n\x1b\x0c\u2028\x85\n")


def test_no_list_has_no_entries(tmp_path: Path) -> None:
    assert wrong_kernels.read(tmp_path / "mutants.txt") == []


def test_a_list_is_utf_8(tmp_path: Path) -> None:
    (tmp_path / "mutants.txt").write_bytes(b"# \xff\n")
    with pytest.raises(GraderError, match="mutants.txt: byte 2 is not UTF-8"):
        wrong_kernels.read(tmp_path / "mutants.txt")


@pytest.mark.parametrize(
    "text, message",
    [
        ("belief: none\n", "m.txt:1: a list begins with '== …' or '[name]': belief: none"),
        ("== It returns 0.\n", "m.txt:1: a heading is '== FILE: a sentence"),
        ("== a.c:\n", "m.txt:1: a heading is '== FILE: a sentence"),
        ("[A b]\n", "m.txt:1: a name has small letters, digits and single '-': [A b]"),
        ("[x] a.c\n", "m.txt:1: a name has"),
        (f"{BEGUN}-a\n" * 2, "m.txt:5: x: the entry at m.txt:1 has this name; choose another"),
        ("[x]\nmust_fail: a\n", "m.txt:2: x: this is no 'key: value'"),
        ("[x]\nmustfail: a\n", "m.txt:2: x: there is no key 'mustfail'; there are belief, seen"),
        ("[x]\nbelief: a\nbelief: b\n", "m.txt:3: x: 'belief' stands here a second time"),
        ("[x]\n  more\n", "m.txt:2: x: this is no 'key: value'"),
        ("[x]\n@@ a.c\n-a\n", "m.txt:1: x: 'belief: …' is missing"),
        ("[x]\nbelief: a\n", "m.txt:1: x: an edit is missing, which begins with '@@ FILE'"),
        ("[x]\nbelief: a\n@@\n-a\n", "m.txt:3: x: an edit begins with '@@ FILE'"),
        ("[x]\nbelief: a\n@@ ../a.c\n-a\n", "m.txt:3: x: an edit begins with '@@ FILE'"),
        (f"{BEGUN}start();\n", "m.txt:4: x: a line of an edit has '-', '+' or a blank in front"),
        (f"{BEGUN} start();\n", "m.txt:3: x: this edit changes nothing"),
        (BEGUN, "m.txt:3: x: this edit changes nothing"),
        (f"{BEGUN}-a\n+a\n", "m.txt:3: x: this edit changes nothing"),
        (f"{BEGUN}+a\n", "m.txt:3: x: this edit does not say where its lines go"),
    ],
)
def test_what_is_not_understood_is_said(text: str, message: str) -> None:
    with pytest.raises(GraderError) as refused:
        parse(text)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    "edits, message",
    [
        ("-    begin();\n", "m.txt:3: x: {}/a.c has no line '    begin();': copy it from there"),
        ("-    start(); \n", "m.txt:3: x: {}/a.c has no line '    start(); ': copy it"),
        ("-    start();\n-    stop();\n", "m.txt:3: x: {}/a.c has these lines, but not one right"),
        (
            "-    twice();\n",
            "m.txt:3: x: these lines begin in {}/a.c at lines 5 and 6: add the line",
        ),
        (
            "-    int i = 0;\n@@\n     int i = 0;\n-    start();\n",
            "m.txt:5: x: this edit and the one at m.txt:3 have lines in common: make them one",
        ),
        ("-    stop();\n@@ c.c\n-x\n", "m.txt:5: x: there is no {}/c.c"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(solution: Path, edits: str, message: str) -> None:
    (solution / "a.c").write_text(A + "    twice();\n" * 2)
    (entry,) = parse(BEGUN + edits)
    with pytest.raises(GraderError) as refused:
        wrong_kernels.apply(entry, solution)
    assert str(refused.value).startswith(message.format(solution))


@each_lab
def test_every_entry_of_a_lab_changes_what_students_write(lab: Lab) -> None:
    for subject in mutants.subjects(lab):
        changed = mutants.edited(subject)
        assert changed
        assert subject.kind == "alternative" or set(changed) == mutants.changed_files(subject)
        for name, content in changed.items():
            assert name in {task.file for task in lab.tasks}, subject.name
            assert content != (lab.directory / "solution" / name).read_bytes(), subject.name


@each_lab
def test_a_staged_tree_is_the_reference_with_the_entrys_files(lab: Lab, tmp_path: Path) -> None:
    subject = next(each for each in mutants.subjects(lab) if each.kind == "mutant")
    staged = mutants.stage(subject, tmp_path / "staged") / "solutions"
    changed = mutants.edited(subject)
    for path in sorted(LABS.glob("*/solution/*")):
        other = staged / path.parts[-3] / path.name
        if int(path.parts[-3].split("-")[0]) > lab.number:
            assert not other.exists()
        elif path.parts[-3] == lab.folder and path.name in changed:
            assert other.read_bytes() == changed[path.name] != path.read_bytes()
        else:
            assert other.read_bytes() == path.read_bytes()


# ---- sentences of contracts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "comment, expected",
    [
        ("/* One. */", ["One."]),
        (
            "/* Is it? It is (see a.h).  Both, e.g. here. */",
            ["Is it?", "It is (see a.h).", "Both, e.g. here."],
        ),
        ("/* In a line.\n * and goes\n *   on. */", ["In a line.", "and goes on."]),
        (
            "/*\n * A paragraph\n *\n * And another: 1.5 of a.h's.\n */",
            ["A paragraph", "And another: 1.5 of a.h's."],
        ),
        (
            "/*\n * Codes:\n *\n *     0  one\n *        more of it\n *     1  two\n *\n * Last.\n */",
            ["Codes:", "0 one more of it", "1 two", "Last."],
        ),
        (
            "/*\n * Two:\n * - one,\n *   and more;\n * - two\n */",
            ["Two:", "one, and more;", "two"],
        ),
        (
            "/*\n * A picture:\n *   +---+\n *   | x |\n *   +---+\n * End.\n */",
            ["A picture:", "End."],
        ),
        ("/*\n * Task 1.2: a title.\n *\n * See write(2).\n */", ["See write(2)."]),
        (
            "/* The contracts of these two are in a.h.  The contract of it is in a.h: read. */",
            ["The contract of it is in a.h: read."],
        ),
    ],
)
def test_a_comment_is_divided_into_sentences(comment: str, expected: List[str]) -> None:
    assert contracts.sentences(comment) == expected


def of(lab: Lab, file: str) -> Set[str]:
    return {sentence.text for sentence in contracts.of_lab(lab) if sentence.file == file}


def test_contracts_are_comments_of_what_students_write() -> None:
    batch, multitasking = find_lab("batch"), find_lab("multitasking")
    assert "Every register is loaded relative to a0." in of(batch, "restore_user.S")
    assert "exit(code): args[0]." in of(batch, "user_memory.c")
    # A slot's operations, by name and in the order of the struct.
    assert any(
        text.startswith("Copy a NUL-terminated string") for text in of(batch, "user_memory.h")
    )
    assert any(
        text.startswith("NULL when no task can run") for text in of(multitasking, "scheduler.h")
    )
    assert of(find_lab("address-spaces"), "frame.h")
    # What the given kernel defines, and what stands in a solution's regions, is none.
    assert not of(batch, "job.h") and not of(multitasking, "timer.h")
    assert not any("until here it was the base" in text for text in of(batch, "restore_user.S"))


@each_lab
def test_every_heading_quotes_its_file(lab: Lab) -> None:
    for entry in wrong_kernels.read(lab.directory / "mutants.txt"):
        if entry.sentence:
            assert contracts.stands(entry.sentence, lab), f"{entry.where}: {entry.sentence}"


@each_lab
def test_coverage_has_all_sentences_and_wrong_kernels(lab: Lab) -> None:
    rows, sentences = contracts.coverage(lab), contracts.of_lab(lab)
    assert [row.sentence for row in rows][: len(sentences)] == sentences
    names = sorted(entry.name for row in rows for entry in row.kernels)
    entries = wrong_kernels.read(lab.directory / "mutants.txt")
    assert names == sorted(entry.name for entry in entries if entry.sentence)
    for row in rows:
        lost = set(re.findall(r"\w+", " ".join(e.header["must-fail"] for e in row.kernels)))
        assert set(row.tests) == lost


def test_a_heading_that_quotes_nothing_is_said(tmp_path: Path) -> None:
    """With the sentence that is nearest: contracts get better words."""
    lab = dataclasses.replace(find_lab("batch"), directory=tmp_path / "lab")
    shutil.copytree(find_lab("batch").directory / "solution", lab.directory / "solution")
    listed = lab.directory / "mutants.txt"
    listed.write_text("== batch.c: Loading and clearing is no program's time.\n\n" + BEGUN + "-a\n")
    with pytest.raises(GraderError) as refused:
        contracts.coverage(lab)
    expected = (
        f"{listed}:3: x: no comment in batch.c has the sentence of its heading: Loading and clearing is"
        " no program's time. -- perhaps: Loading and clearing are not the program's time."
    )
    assert str(refused.value) == expected


def test_coverage_is_printed_with_its_empty_cells(capsys: pytest.CaptureFixture[str]) -> None:
    lab = find_lab("batch")
    assert contracts.command("batch") == 0
    printed = capsys.readouterr().out
    lines = [re.split(r"\s{2,}", line.strip()) for line in printed.splitlines()]
    empty = [row for row in contracts.coverage(lab) if not row.kernels]
    assert sum(line[-2:] == ["-", "-"] for line in lines) == len(empty)
    assert lines[-1][0].startswith(f"lab 1: {len(contracts.of_lab(lab)) - len(empty)} of ")
    for subject in mutants.subjects(lab):
        assert subject.kind != "mutant" or subject.name in printed
