"""What the contracts promise, sentence by sentence, and which wrong kernels break it.

    make mutants LAB=batch COVERAGE=1

A lab's contracts are the comments that concern what its students write:

- the comments of the task files, outside of the marked regions;
- in kernel/include/, the comments of functions that a task file defines, and of the members of constant
  structs that it fills: operations of a slot (struct NAME_ops), or of a backend.

A comment is divided into sentences.  A title ("Task 1.6: the batch loop."), a reference ("The contract
of this one is in area.h.") and a picture are none.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Dict, List, Set

from grader import wrong_kernels
from grader.labs import Lab, all_labs, find_lab
from grader.paths import KERNEL, GraderError
from grader.wrong_kernels import Entry, Sentence

INCLUDE = KERNEL / "include"
_REGION = re.compile(r"/\* BEGIN SOLUTION.*?/\* END SOLUTION \*/", re.S)
_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_DEFINED = re.compile(r"^(?!static\b)[a-z][\w *]*?\b(\w+)\([^;{}]*\)\s*\{", re.M)
_FILLED = re.compile(r"^static const struct (\w+) \w+ = \{([^;]*)\};", re.M)
_DECLARED = re.compile(r"\(\*(?:const )?(\w+)\)|\b(\w+)\(|\b(\w+);")
_NONE = re.compile(r"^Task \d+\.\d+[:,] |^The contracts? of [^:;]*\.$")
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
    return [text for text in found if not _NONE.match(text)]


def _comments_of(names: Set[str], text: str) -> List[str]:
    """The comments of the functions and members with these names, among those of a header or a struct.

    A comment belongs to what stands between it and the next empty line, or in front of it on its line.
    """
    found: List[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        declared = _DECLARED.findall(_COMMENT.sub("", block))
        if names & {name for either in declared for name in either}:
            found += _COMMENT.findall(block)
    return found


def _comments_of_struct(name: str, members: Set[str], text: str) -> List[str]:
    """The comments of these members, or of all if there are none, in a header's struct."""
    match = re.search(rf"^struct {name} \{{(.*?)^\}};", text, re.M | re.S)
    if not match:
        return []
    return _comments_of(members, match[1]) if members else _COMMENT.findall(match[1])


def of_lab(lab: Lab) -> List[Sentence]:
    """The sentences of a lab's contracts: those of each task's file, then those of the headers."""
    found: Dict[Sentence, None] = {}
    defined: Set[str] = set()
    filled: Dict[str, Set[str]] = {}
    for task in lab.tasks:
        text = (lab.directory / "solution" / task.file).read_text()
        defined |= set(_DEFINED.findall(text))
        for struct, values in _FILLED.findall(text):
            filled.setdefault(struct, set()).update(re.findall(r"\.(\w+) =", values))
        for comment in _COMMENT.findall(_REGION.sub("", text)):
            found.update({Sentence(task.file, words): None for words in sentences(comment)})
    for header in sorted(INCLUDE.glob("*.h")):
        text = header.read_text()
        comments = _comments_of(defined, text)
        for struct, members in filled.items():
            comments += _comments_of_struct(struct, members, text)
        for comment in comments:
            found.update({Sentence(header.name, words): None for words in sentences(comment)})
    return list(found)


@dataclass
class Row:
    """A sentence, the wrong kernels that break it, and the tests that these have to lose."""

    sentence: Sentence
    kernels: List[Entry]
    tests: List[str]


def _sentences_of(file: str, lab: Lab) -> List[str]:
    """All sentences of the comments in a file of a lab, or in a header."""
    for directory in (lab.directory / "solution", INCLUDE):
        path = directory / file
        if path.is_file():
            comments = _COMMENT.findall(_REGION.sub("", path.read_text()))
            return [text for comment in comments for text in sentences(comment)]
    return []


def stands(sentence: Sentence, lab: Lab) -> bool:
    """Does the file that a heading names have this sentence in its comments?"""
    return sentence.text in _sentences_of(sentence.file, lab)


def coverage(lab: Lab) -> List[Row]:
    """A row for each sentence of a lab's contracts, and for those others that its wrong kernels name."""
    entries = wrong_kernels.read(lab.directory / "mutants.txt")
    named: Dict[Sentence, List[Entry]] = {sentence: [] for sentence in of_lab(lab)}
    for entry in entries:
        if entry.sentence:
            if not stands(entry.sentence, lab):
                file, text = entry.sentence.file, entry.sentence.text
                near = difflib.get_close_matches(text, _sentences_of(file, lab), 1)
                raise GraderError(
                    f"{entry.where}: {entry.name}: no comment in {file} has the sentence of its heading:"
                    f" {text}" + "".join(f" -- perhaps: {other}" for other in near)
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
                f"{row.sentence.file}: {row.sentence.text}",
                ", ".join(row.tests) or "-",
                names or "-",
            )
        for file in dict.fromkeys(entry.files[0] for entry in entries if not entry.sentence):
            rest = [
                entry.name for entry in entries if not entry.sentence and entry.files[0] == file
            ]
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
