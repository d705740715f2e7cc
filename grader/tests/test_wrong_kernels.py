"""The lists of wrong kernels: how they are read, and that every entry of every lab's changes what it should."""

from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from grader import mutants, wrong_kernels
from grader.labs import Lab, all_labs
from grader.paths import LABS, GraderError
from grader.wrong_kernels import Entry, Sentence

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
