"""What the contracts promise, sentence by sentence, and which wrong kernels break it.

    make mutants LAB=batch COVERAGE=1

A lab's contracts are the comments that concern what its students write:

- the comments of the task files, outside of the marked regions;
- in kernel/include/, the comments of functions that a task file defines, and those of the operations
  (struct NAME_ops) of each slot that a task file provides.

A comment is divided into sentences.  Titles ("Task 1.6: the batch loop.", the pictures in a comment) are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Set

from grader import wrong_kernels
from grader.labs import Lab, all_labs, find_lab
from grader.paths import KERNEL, GraderError
from grader.wrong_kernels import Entry, Sentence

INCLUDE = KERNEL / "include"
_REGION = re.compile(r"/\* BEGIN SOLUTION.*?/\* END SOLUTION \*/", re.S)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_DEFINED = re.compile(r"^(?!static\b)[a-z][\w *]*?\b(\w+)\([^;{}]*\)\s*\{", re.M)
_PROVIDED = re.compile(r"^PROVIDE\((\w+),", re.M)
_TITLE = re.compile(r"^Task \d+\.\d+[:,] ")
_PICTURE = re.compile(r"[-=]{3}|\+-|^\s*\||\|\s*$")
_END = re.compile(r"(?<!e\.g\.)(?<!i\.e\.)(?<=[.?!])\s+|(?<=[.?!][)\"'])\s+(?=[A-Z])")


def _paragraphs(comment: str) -> List[str]:
    """The paragraphs of a comment: an empty line, a list's '- ' and a table's indented line begin one."""
    text = comment.strip()
    lines = [re.sub(r"^\s*\* ?", "", line) for line in text[2:-2].split("\n")]
    found: List[List[str]] = []
    begins, depth = True, 0
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip() or _PICTURE.search(line):
            begins = True
            continue
        listed = line.lstrip().startswith("- ")
        if begins or listed or (depth >= 4 and indent <= depth):
            found.append([])
            depth = indent
        begins = False
        found[-1].append(line.strip()[2:] if listed else line.strip())
    return [" ".join(" ".join(words).split()) for words in found]


def sentences(comment: str) -> List[str]:
    """The sentences of a comment, with single blanks between words."""
    found: List[str] = []
    for paragraph in _paragraphs(comment):
        found += [part for part in _END.split(paragraph) if re.search(r"\w", part)]
    return [text for text in found if not _TITLE.match(text)]


def _comments_of(names: Set[str], text: str) -> Iterator[str]:
    """The comments of functions, among a header's."""
    for match in _COMMENT.finditer(text):
        declarations = text[match.end() :].lstrip(" ").lstrip("\n").split("\n\n")[0]
        if text[match.end() :].startswith("\n\n"):
            continue
        if names & set(re.findall(r"\b(\w+)\(", _COMMENT.sub("", declarations))):
            yield match[0]


def _comments_of_slot(slot: str, text: str) -> Iterator[str]:
    """The comments in a slot's struct, and the one in front of it."""
    match = re.search(rf"(/\*(?:(?!\*/).)*\*/\n)?struct {slot}_ops \{{.*?^\}};", text, re.M | re.S)
    if match:
        yield from _COMMENT.findall(match[0])


def of_lab(lab: Lab) -> List[Sentence]:
    """The sentences of a lab's contracts: those of each task's file, then those of the headers."""
    found: Dict[Sentence, None] = {}
    defined: Set[str] = set()
    slots: List[str] = []
    for task in lab.tasks:
        text = _REGION.sub("", (lab.directory / "solution" / task.file).read_text())
        defined |= set(_DEFINED.findall(text))
        slots += _PROVIDED.findall(text)
        for comment in _COMMENT.findall(text):
            found.update({Sentence(task.file, words): None for words in sentences(comment)})
    for header in sorted(INCLUDE.glob("*.h")):
        text = header.read_text()
        comments = list(_comments_of(defined, text))
        for slot in slots:
            if f"DECLARE_SLOT({slot})" in text:
                comments += _comments_of_slot(slot, text)
        for comment in comments:
            found.update({Sentence(header.name, words): None for words in sentences(comment)})
    return list(found)


@dataclass
class Row:
    """A sentence, the wrong kernels that break it, and the tests that these have to lose."""

    sentence: Sentence
    kernels: List[Entry]
    tests: List[str]


def stands(sentence: Sentence, lab: Lab) -> bool:
    """Does the file that a heading names have this sentence in its comments?"""
    for directory in (lab.directory / "solution", INCLUDE):
        path = directory / sentence.file
        if path.is_file():
            text = _REGION.sub("", path.read_text())
            return any(sentence.text in sentences(each) for each in _COMMENT.findall(text))
    return False


def coverage(lab: Lab) -> List[Row]:
    """A row for each sentence of a lab's contracts, and for those others that its wrong kernels name."""
    entries = wrong_kernels.read(lab.directory / "mutants.txt")
    named: Dict[Sentence, List[Entry]] = {sentence: [] for sentence in of_lab(lab)}
    for entry in entries:
        if entry.sentence:
            if not stands(entry.sentence, lab):
                raise GraderError(
                    f"{entry.where}: {entry.name}: its heading is no sentence of a comment in"
                    f" {entry.sentence.file}: quote one as it stands there now: {entry.sentence.text}"
                )
            named.setdefault(entry.sentence, []).append(entry)
    every = [test for task in lab.tasks for test in task.tests]
    rows: List[Row] = []
    for sentence, kernels in named.items():
        words = " ".join(entry.header.get("must-fail", "") for entry in kernels)
        lost = set(re.split(r"[,\s]+", words))
        rows.append(Row(sentence, kernels, [test for test in every if test in lost or "*" in lost]))
    return rows


def command(lab_name: str) -> int:
    """`make mutants COVERAGE=1`: for each sentence the tests and the wrong kernels."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, markup=False, width=160)
    for lab in [find_lab(lab_name)] if lab_name else all_labs():
        entries = wrong_kernels.read(lab.directory / "mutants.txt")
        if not entries:
            raise GraderError("there are no mutants here: this is the student edition")
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
        table.add_column(f"Lab {lab.number}: sentence", ratio=5)
        table.add_column("tests", ratio=4, overflow="fold")
        table.add_column("wrong kernels", ratio=5, overflow="fold")
        rows = coverage(lab)
        for row in rows:
            names = ", ".join(entry.name for entry in row.kernels)
            table.add_row(
                f"{row.sentence.file}: {row.sentence.text}", ", ".join(row.tests) or "-", names or "-"
            )
        for file in dict.fromkeys(entry.files[0] for entry in entries if not entry.sentence):
            rest = [entry.name for entry in entries if not entry.sentence and entry.files[0] == file]
            table.add_row(f"{file}: no sentence yet", "", ", ".join(rest))
        console.print(table)
        covered = sum(bool(row.kernels) for row in rows)
        under = sum(bool(entry.sentence) for entry in entries)
        print(
            f"lab {lab.number}: {covered} of {len(rows)} sentences have a wrong kernel;"
            f" {under} of {len(entries)} wrong kernels stand under a sentence",
            flush=True,
        )
    return 0
