"""Taking a submission in: which files are meant, and what text is in them.

Submissions come out of archives, and from editors and file systems of all kinds.  Where a person could tell what is
meant, it is graded: a folder around the folders of the labs, names in other letters (`1-Batch/Batch.C`), what macOS
puts beside files, ends of lines and marks of other systems.  Otherwise one line says what to do.
"""

from __future__ import annotations

import functools
import os
import re
import time
from pathlib import Path
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Set, Tuple

from grader.check import readable
from grader.labs import Lab, Task, all_labs
from grader.paths import TEMPLATE, GraderError, shown

DEPTH_MAX = 6  # folders around the folders of the labs
FOLDERS_MAX = 2000  # that are looked into
NAMES_MAX = 100_000  # of a folder that are looked at
CHOICES_SHOWN = 4
NAME_SHOWN = 200  # characters of a path in a message
# Folders that no one writes parts in, in small letters; those that begin with a dot are left out as well.
NOT_MEANT = frozenset(["__macosx", "node_modules", "build", TEMPLATE.name.lower()])
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")
# What only a tree of Rung has.  In such a tree the parts are in solutions/.
TREE = ("grader", "kernel", "Makefile")
TREES_PARTS = "solutions"


class Unclear(GraderError):
    """Two files or folders could be meant, and no person could tell which."""


# ---- text ------------------------------------------------------------------------------------

_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
UTF8_MARK = b"\xef\xbb\xbf"
END_OF_FILE = b"\x1a"  # of DOS


class NotText(ValueError):
    """No text that a compiler reads.  The message goes on behind the file's name, and says what to do."""


def _wide(content: bytes) -> str:
    """The encoding of text whose letters have two bytes or four; "" for what has one."""
    for mark, name in _WIDE_MARKS:
        if content.startswith(mark):
            return name
    # Without a mark: of the first letters, nearly every other byte is zero, or three of four.
    head = content[:512]
    if len(head) < 8 or not any(head):
        return ""
    if head.count(0) * 10 >= len(head) * 7:
        return "UTF-32"
    halves = (head[0::2], head[1::2])
    return "UTF-16" if any(half.count(0) * 10 >= len(half) * 9 for half in halves) else ""


def text(content: bytes) -> bytes:
    """A part's text as the compiler gets it: without a mark at its beginning, each line with the end and the number
    that it has in an editor.  Raises NotText."""
    wide = _wide(content)
    if wide:
        raise NotText(f"is {wide} text: save it as UTF-8")
    while content.startswith(UTF8_MARK):
        content = content[len(UTF8_MARK) :]
    content = content.rstrip(END_OF_FILE)
    if b"\r" not in content:
        return content
    # Who converts twice gets \r\r\n.
    content = re.sub(rb"\r+\n", b"\n", content)
    alone, ends = content.count(b"\r"), content.count(b"\n")
    if alone > ends:
        raise NotText(
            "has lines that end as on an old Mac (CR alone): save it with the ends of lines of Unix (LF)"
        )
    return content.replace(b"\r", b" ")  # within a line, where the compiler takes it for a space


def same_text(one: bytes, other: bytes) -> bool:
    """Do two files say the same, whatever the ends of their lines?"""
    try:
        return one == other or text(one) == text(other)
    except NotText:
        return False


# ---- names -----------------------------------------------------------------------------------


def is_foreign(name: str) -> bool:
    """Is this a file that a system or an editor has put there: `._batch.c`, `.DS_Store`, `.#batch.c`?"""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _plain(name: str) -> str:
    """A folder's name, whatever its letters and what stands between its words."""
    return re.sub(r"[ _]", "-", name.casefold())


@functools.lru_cache(maxsize=None)
def _labs() -> Tuple[Lab, ...]:
    return tuple(all_labs())


@functools.lru_cache(maxsize=None)
def _part_names(lab: Lab) -> FrozenSet[str]:
    return frozenset(task.file.casefold() for task in lab.tasks)


class _Folder(NamedTuple):
    """What a folder has: names of files in small letters, and folders within it."""

    files: Dict[str, List[str]]
    folders: List[str]


# By path and time of the last change, but not of what has just changed, and may change again within a tick.
_folders: Dict[Tuple[str, int], _Folder] = {}
SETTLED_NS = 2 * 10**9


def _look(directory: Path) -> _Folder:
    """What a folder has.  Nothing, where it cannot be read."""
    try:
        key = (str(directory), directory.stat().st_mtime_ns)
        if key not in _folders or time.time_ns() - key[1] < SETTLED_NS:
            found = _Folder({}, [])
            with os.scandir(directory) as entries:
                for count, entry in enumerate(entries):
                    if count >= NAMES_MAX:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        meant = entry.name.lower() not in NOT_MEANT and not is_foreign(entry.name)
                        found.folders.extend([entry.name] if meant else [])
                    elif not is_foreign(entry.name):
                        found.files.setdefault(entry.name.casefold(), []).append(entry.name)
            found.folders.sort()
            _folders[key] = found
        return _folders[key]
    except OSError:
        return _Folder({}, [])


def _holds(directory: Path, lab: Lab) -> bool:
    """Is any of a lab's parts right in this folder?"""
    return not _part_names(lab).isdisjoint(_look(directory).files)


def _name(path: Path) -> str:
    said = readable(shown(path)).replace("\n", "\\n")
    return said if len(said) <= NAME_SHOWN else said[:NAME_SHOWN] + "…"


def _one_of(found: Sequence[Path], what: str, advice: str = "keep one of them") -> Optional[Path]:
    """The only one; None where there is none, and Unclear where there are several."""
    if len(found) > 1:
        names = ", ".join(_name(path) for path in found[:CHOICES_SHOWN])
        more = f" and {len(found) - CHOICES_SHOWN} more" if len(found) > CHOICES_SHOWN else ""
        raise Unclear(f"{what}: {names}{more}; {advice}")
    return found[0] if found else None


def _inner(directory: Path, lab: Lab) -> Path:
    """The folder itself, or the one in it that has its name again: so some programs unpack archives."""
    for _ in range(DEPTH_MAX):
        again = [n for n in _look(directory).folders if _plain(n) == _plain(directory.name)]
        if _holds(directory, lab) or len(again) != 1:
            break
        directory = directory / again[0]
    return directory


def lab_directory(lab: Lab, solutions: Path) -> Path:
    """The folder with a lab's parts, in a directory that has the folders of labs; or the parts themselves.

    The one that should have them, where there are none.  Raises Unclear."""
    usual = solutions / lab.folder
    if _holds(usual, lab):
        return usual
    children = {name: _inner(solutions / name, lab) for name in _look(solutions).folders}
    holding = {name: place for name, place in children.items() if _holds(place, lab)}
    named = [place for name, place in holding.items() if _plain(name) == lab.folder]
    found = _one_of(named, f"two folders have files of lab {lab.number}")
    if found or usual.is_dir():
        return found or usual
    if _holds(solutions, lab):
        return solutions
    others = {each.folder for each in _labs()}
    rest = [place for name, place in holding.items() if _plain(name) not in others]
    return _one_of(rest, f"two folders have files of lab {lab.number}") or usual


def part_path(lab: Lab, task: Task, solutions: Path) -> Path:
    """The file that is meant as a task's part, there or not.  Raises Unclear."""
    directory = lab_directory(lab, solutions)
    exact = directory / task.file
    if os.path.lexists(exact):
        return exact
    names = _look(directory).files.get(task.file.casefold(), [])
    others = [directory / name for name in sorted(names)]
    return _one_of(others, f"two files could be {task.file}") or exact


def expected_names(lab: Lab, solutions: Path) -> Set[str]:
    """The names of the files that are right where a lab's parts are: those of other labs too, where the folder is not
    this lab's own."""
    own = _plain(lab_directory(lab, solutions).name) == lab.folder
    labs = [lab] if own else _labs()
    return {part_path(each, task, solutions).name for each in labs for task in each.tasks}


def notes(lab: Lab, solutions: Path) -> List[str]:
    """What to know about where a lab's parts were found."""
    found = []
    for task in lab.tasks:
        path = part_path(lab, task, solutions)
        if path.name != task.file:
            found.append(f"{_name(path)} is taken for {task.file}")
    return found


# ---- folders ---------------------------------------------------------------------------------


def _has_parts(directory: Path) -> bool:
    """Does a directory have the folders of labs, with parts in them, or parts?"""
    return any(_holds(lab_directory(lab, directory), lab) for lab in _labs())


def _is_tree(directory: Path) -> bool:
    return all((directory / name).exists() for name in TREE)


def _search(solutions: Path) -> List[Path]:
    """The nearest directories at and below this one that have parts."""
    found: List[Path] = []
    level, looked = [solutions], 0
    for _ in range(DEPTH_MAX + 1):
        deeper: List[Path] = []
        for directory in level:
            looked += 1
            if looked > FOLDERS_MAX:
                raise GraderError(
                    f"SOLUTIONS={_name(solutions)}: more than {FOLDERS_MAX} folders: name the one that has"
                    f" {_labs()[0].folder}/ in it"
                )
            if _is_tree(directory):
                deeper += [directory / TREES_PARTS] if (directory / TREES_PARTS).is_dir() else []
            elif _has_parts(directory):
                found.append(directory)
            else:
                deeper += [directory / name for name in _look(directory).folders]
        level = deeper
    return found


def only_below(solutions: Path) -> bool:
    """Are there parts in folders of this directory, and none where they should be?"""
    return bool(set(_search(solutions)) - {solutions})


def find(solutions: Path) -> Path:
    """The directory that is meant by this one: itself, or the one below it that has the folders of the labs.

    Raises GraderError, with one line that says what to do, where there is none, or no person could tell which.
    """
    found = _search(solutions)
    preferred = [place for place in found if place.name.lower() == TREES_PARTS]
    home = _one_of(
        preferred if len(preferred) == 1 else found,
        f"SOLUTIONS={_name(solutions)}: several folders have files of labs",
        "name one by SOLUTIONS=",
    )
    if home is None:
        first = _labs()[0]
        packed = sorted(n for ns in _look(solutions).files.values() for n in ns)
        archive = next((n for n in packed if n.lower().endswith(ARCHIVES)), "")
        hint = f"; {_name(Path(archive))} has to be unpacked first" if archive else ""
        raise GraderError(
            f"SOLUTIONS={_name(solutions)}: no file of any lab is in it: name the directory that has"
            f" {first.folder}/{first.tasks[0].file}{hint}"
        )
    for lab in _labs():  # what is unclear is said before anything is graded
        for task in lab.tasks:
            part_path(lab, task, home)
    return home
