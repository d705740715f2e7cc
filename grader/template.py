"""The starter files: lab/solution with what the student writes taken out.

In a solution, a region looks like this (in C and in assembly alike):

    /* BEGIN SOLUTION 1.3 */
    ... what the student writes ...
    /* STUB
    return false;
    */
    /* END SOLUTION */

The starter has in its place a line `/* TODO(1.3) */` and the STUB's lines, if there are any, so that
it compiles and does nothing harmful.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List

from grader.labs import Lab, all_labs
from grader.paths import ROOT, TEMPLATE, GraderError, shown

_BEGIN = re.compile(r"^(\s*)/\* BEGIN SOLUTION (\d+\.\d+) \*/$")
_END = re.compile(r"^\s*/\* END SOLUTION \*/$")
_STUB = re.compile(r"^\s*/\* STUB$")


def starter(text: str, name: str, task: str) -> str:
    """The starter file of a solution file.  name: for messages; task: the only id it may mark."""
    lines: List[str] = []
    state = "given"
    regions = 0
    for number, line in enumerate(text.splitlines(), start=1):
        begin = _BEGIN.match(line)
        if begin:
            if state != "given" or begin[2] != task:
                raise GraderError(f"{name}:{number}: a region of task {task} cannot begin here")
            lines.append(f"{begin[1]}/* TODO({task}) */")
            state, regions = "solution", regions + 1
        elif _END.match(line):
            if state not in ("solution", "after stub"):
                raise GraderError(f"{name}:{number}: END SOLUTION without its BEGIN")
            state = "given"
        elif state == "solution" and _STUB.match(line):
            state = "stub"
        elif state == "stub" and line.strip() == "*/":
            state = "after stub"
        elif state in ("given", "stub"):
            lines.append(line)
    if state != "given" or regions == 0:
        raise GraderError(f"{name}: a region is not closed, or there is none")
    return "\n".join(lines) + "\n"


def solution_line_numbers(text: str) -> List[int]:
    """Where the student writes: the numbers, from 1, of the lines inside the regions, without stubs."""
    found: List[int] = []
    state = "given"
    for number, line in enumerate(text.splitlines(), start=1):
        if _BEGIN.match(line):
            state = "solution"
        elif _END.match(line):
            state = "given"
        elif _STUB.match(line):
            state = "stub"
        elif state == "solution" and line.strip():
            found.append(number)
    return found


def solution_lines(text: str) -> List[str]:
    """What the student writes: the lines inside the regions, stubs left out, stripped."""
    lines = text.splitlines()
    return [lines[number - 1].strip() for number in solution_line_numbers(text)]


def generate(lab: Lab) -> Dict[Path, str]:
    """The starter files of a lab: path in solutions-template/ -> content."""
    files = {}
    for task in lab.tasks:
        source = lab.directory / "solution" / task.file
        files[TEMPLATE / lab.folder / task.file] = starter(
            source.read_text(), shown(source), task.id
        )
    return files


def differences() -> List[str]:
    """Where solutions-template/ is not what the generator makes: files that differ, or are extra."""
    wanted: Dict[Path, str] = {}
    for lab in all_labs():
        wanted.update(generate(lab))
    wrong = [shown(p) for p, text in wanted.items() if not p.is_file() or p.read_text() != text]
    extra = [shown(p) for p in TEMPLATE.rglob("*") if p.is_file() and p not in wanted]
    return wrong + extra


def command(check: bool) -> int:
    """`make template`: write the starter files; with check only compare, 1 when they differ."""
    if not any((lab.directory / "solution").is_dir() for lab in all_labs()):
        raise GraderError(
            "this is the student edition: the starter files are made where solutions are"
        )
    if check:
        wrong = differences()
        for name in wrong:
            print(f"{name} is not what `make template` makes")
        return 1 if wrong else 0
    for lab in all_labs():
        for path, text in generate(lab).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(path.relative_to(ROOT))
    return 0
