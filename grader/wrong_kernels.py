"""The wrong kernels of a lab, read from one file.

    labs/N-name/mutants.txt    realistic bugs, grouped by the sentence of the contract that they break
    labs/N-name/hostile.txt    submissions that cheat

An entry is a name, what is known of the bug, and edits of the lab's solution:

    == batch.c: Run every job of the deck (job.h), in its order: make a process, load the program
        with the job's arguments and an empty environment, run it to its end, report, and destroy
        the process.

    [first-job-skipped]
    belief: jobs count from 1
    must-fail: jobs_run_in_the_decks_order
    hint: the reports on the console
    @@ batch.c
    -    for (size_t i = 0; i < job_count(); i++) {
    +    for (size_t i = 1; i < job_count(); i++) {

The heading names a file, in solution/ or in kernel/include/, and quotes a sentence of its comments
(grader/contracts.py).  It holds until the next heading.  "== batch.c: no sentence yet" stands above entries
without a sentence.  hostile.txt needs no headings.

    belief: what the student believed
    seen: where such a bug was seen (optional)
    must-fail: tests that it fails, separated by commas; * for all of its task
    hint: words that the report shows beside a failing test
    max-score: its task has at most so many points (hostile submissions)
    outcome: the outcome that a failing test names (optional)

A long value goes on in indented lines.  "@@ FILE" begins an edit, "@@" another edit of the same file.  A line of
an edit is a line of the file with one character in front: "-" for an old line, "+" for a new one, a blank for one that
stays.  The old lines and those that stay must stand in the file exactly once, one after the other.  A line that begins
with "#" is a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from grader.paths import GraderError, shown

KEYS = ("belief", "seen", "must-fail", "hint", "max-score", "outcome")
NO_SENTENCE = "no sentence yet"
_HEADING = re.compile(r"^== *([A-Za-z0-9_]+\.[cSh]): *(\S.*)$")
_NAME = re.compile(r"^\[([a-z0-9]+(?:-[a-z0-9]+)*)\]$")
_KEY = re.compile(r"^([a-z-]+):(.*)$")
_EDIT = re.compile(r"^@@(?: +([A-Za-z0-9_]+\.[cSh]))?$")

Lines = List[Tuple[int, str]]  # each with its number in the list


@dataclass(frozen=True)
class Sentence:
    """A sentence of a contract: the file in which it stands, and its words with single blanks between them."""

    file: str
    text: str


@dataclass
class Edit:
    """Lines of a file, and what stands in their place.  where: where the edit begins, for messages."""

    file: str
    where: str
    before: List[str] = field(default_factory=list)
    after: List[str] = field(default_factory=list)


@dataclass
class Entry:
    """A wrong kernel.  where: where it begins, for messages; sentence: what it breaks, if that is known."""

    name: str
    where: str
    sentence: Optional[Sentence]
    header: Dict[str, str] = field(default_factory=dict)
    edits: List[Edit] = field(default_factory=list)

    @property
    def files(self) -> List[str]:
        """The names of the files that it changes."""
        return list(dict.fromkeys(edit.file for edit in self.edits))


def read(path: Path) -> List[Entry]:
    """The entries of a list; none when there is no such file."""
    if not path.is_file():
        return []
    return parse(_text(path), shown(path))


def _text(path: Path) -> str:
    # Not read_text(): it makes "\n" of other ends of lines.
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise GraderError(f"{shown(path)}: byte {error.start} is not UTF-8") from error


def parse(text: str, path: str) -> List[Entry]:
    """The entries of a list.  path: for messages.  GraderError for what is not understood."""
    sections: List[Lines] = []
    # Not splitlines(): it divides lines at control characters, too.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(("==", "[")):
            sections.append([(number, line)])
        elif line.startswith("#"):
            continue
        elif sections:
            sections[-1].append((number, line))
        elif line.strip():
            raise GraderError(f"{path}:{number}: a list begins with '== …' or '[name]': {line}")
    entries: Dict[str, Entry] = {}
    sentence: Optional[Sentence] = None
    for lines in sections:
        if lines[0][1].startswith("=="):
            sentence = _heading(lines, path)
            continue
        entry = _entry(lines, path, sentence)
        if entry.name in entries:
            other = entries[entry.name].where
            raise GraderError(
                f"{entry.where}: {entry.name}: the entry at {other} has this name; choose another"
            )
        entries[entry.name] = entry
    return list(entries.values())


def _heading(lines: Lines, path: str) -> Optional[Sentence]:
    words = " ".join(" ".join(line for _, line in lines).split())
    match = _HEADING.match(words)
    if not match:
        raise GraderError(
            f"{path}:{lines[0][0]}: a heading is '== FILE: a sentence of its comments'"
            f" or '== FILE: {NO_SENTENCE}': {words}"
        )
    return None if match[2] == NO_SENTENCE else Sentence(match[1], match[2])


def _entry(lines: Lines, path: str, sentence: Optional[Sentence]) -> Entry:
    number, first = lines[0]
    match = _NAME.match(first)
    if not match:
        raise GraderError(
            f"{path}:{number}: a name has small letters, digits and single '-': {first}"
        )
    entry = Entry(match[1], f"{path}:{number}", sentence)
    key = ""
    for number, line in lines[1:]:
        begin = f"{path}:{number}: {entry.name}: "
        if line.startswith("@@"):
            match = _EDIT.match(line.rstrip())
            if not match or not (match[1] or entry.edits):
                raise GraderError(
                    f"{begin}an edit begins with '@@ FILE', another of the same file with '@@': {line}"
                )
            file = match[1] or entry.edits[-1].file
            entry.edits.append(Edit(file, f"{path}:{number}"))
        elif entry.edits:
            _add_line(entry.edits[-1], line, begin)
        elif line.startswith((" ", "\t")) and line.strip() and key:
            entry.header[key] = f"{entry.header[key]} {line.strip()}".strip()
        elif line.strip():
            key, value = _key(line, begin)
            if key in entry.header:
                raise GraderError(f"{begin}'{key}' stands here a second time")
            entry.header[key] = value
    for edit in entry.edits:
        # Empty lines between this edit and the next are none of the file's.
        while edit.before and edit.after and edit.before[-1] == edit.after[-1] == "":
            edit.before.pop()
            edit.after.pop()
        if edit.before == edit.after:
            raise GraderError(f"{edit.where}: {entry.name}: this edit changes nothing")
        if not edit.before:
            raise GraderError(
                f"{edit.where}: {entry.name}: this edit does not say where its lines go:"
                " add the line before or after them, with a blank in front"
            )
    if not entry.header.get("belief"):
        raise GraderError(f"{entry.where}: {entry.name}: 'belief: …' is missing")
    if not entry.edits:
        raise GraderError(
            f"{entry.where}: {entry.name}: an edit is missing, which begins with '@@ FILE'"
        )
    return entry


def _key(line: str, begin: str) -> Tuple[str, str]:
    match = _KEY.match(line)
    if not match:
        raise GraderError(f"{begin}this is no 'key: value', and '@@ FILE' begins an edit: {line}")
    if match[1] not in KEYS:
        raise GraderError(f"{begin}there is no key '{match[1]}'; there are {', '.join(KEYS)}")
    return match[1], match[2].strip()


def _add_line(edit: Edit, line: str, begin: str) -> None:
    sign, text = line[:1], line[1:]
    if sign not in ("", " ", "-", "+"):
        raise GraderError(f"{begin}a line of an edit has '-', '+' or a blank in front: {line}")
    if sign != "+":
        edit.before.append(text)
    if sign != "-":
        edit.after.append(text)


def apply(entry: Entry, directory: Path) -> Dict[str, bytes]:
    """The content of the files that an entry changes, changed.  directory: where they are as they should be."""
    changed: Dict[str, bytes] = {}
    for file in entry.files:
        path = directory / file
        edits = [edit for edit in entry.edits if edit.file == file]
        if not path.is_file():
            raise GraderError(f"{edits[0].where}: {entry.name}: there is no {shown(path)}")
        lines = _text(path).split("\n")
        places = sorted(
            (_place(edit, lines, entry.name, shown(path)), n) for n, edit in enumerate(edits)
        )
        for (one, n), (other, m) in zip(places, places[1:]):
            if one + len(edits[n].before) > other:
                raise GraderError(
                    f"{edits[m].where}: {entry.name}: this edit and the one at {edits[n].where} have lines"
                    " in common: make them one"
                )
        for place, n in reversed(places):
            lines[place : place + len(edits[n].before)] = edits[n].after
        changed[file] = "\n".join(lines).encode()
    return changed


def _place(edit: Edit, lines: List[str], name: str, path: str) -> int:
    """Where the lines of an edit stand in a file."""
    size = len(edit.before)
    places = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == edit.before]
    if len(places) == 1:
        return places[0]
    begin = f"{edit.where}: {name}: "
    if places:
        numbers = " and ".join(str(at + 1) for at in places)
        raise GraderError(
            f"{begin}these lines begin in {path} at lines {numbers}: add the line before or after those"
            " that are meant, with a blank in front"
        )
    missing = [line for line in edit.before if line not in lines]
    if missing:
        raise GraderError(
            f"{begin}{path} has no line '{missing[0]}': copy it from there, blanks and all"
        )
    raise GraderError(f"{begin}{path} has these lines, but not one right after the other")
