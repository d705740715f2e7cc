"""Wrong kernels made by a machine: one small edit in what a student writes.

    make mutants MECHANICAL=30 SEED=7 [LAB=batch]

Each edit changes one operator, one constant, one condition, one return value, or drops one statement or instruction
in a marked region of the reference.  Edits whose object is the reference's to the byte are left out, and so are those that
do not compile.  The others should each lose a test.  A survivor is an edit that no test sees: it is either a missing test or an
equivalent program.  labs/N-name/equivalents.txt lists the latter, each with its reason:

    sleep.c
    - if (a < b)
    + if (a <= b)
      a never equals b here: …

Where a file has the same line several times, a number behind its name tells which of them is meant ("sleep.c 2").
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Set, Tuple, Union

from grader import build, mutants, template
from grader.grade import Options, configuration
from grader.labs import Lab, Task, all_labs, find_lab
from grader.paths import BUILD, KERNEL, ROOT, GraderError, shown
from grader.pool import Pool
from grader.submission import reference_objects

STAGE = BUILD / "mechanical"

# What stands in for an operator.  Unary ones are told apart by the space that our format puts around binary ones.
RELATIONS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "+": ("-",),
    "-": ("+",),
    "*": ("+",),
    "/": ("*",),
    "%": ("/",),
    "&": ("|",),
    "|": ("&",),
    "<<": (">>",),
    ">>": ("<<",),
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "|=": ("=", "&="),
    "&=": ("=", "|="),
}
_OPERATOR = re.compile(r"(?<= )(<<|>>|<=|>=|==|!=|&&|\|\||[+\-|&]=|[<>+\-*/%&|])(?= )")
_NUMBER = re.compile(r"(?<![\w.])(0x[0-9a-fA-F]+|\d+)(?=[uUlL]*(?![\w.]))")
_STEP = re.compile(r"\+\+|--")
_CONDITION = re.compile(r"\b(if|while) \(")
_RETURN = re.compile(r"^(\s*(?:if \(.*\) )?)return ([^;]+);$")
_STATEMENT = re.compile(r"^(\s*)(?=\S)(?!return\b|case\b|default:|goto\b)(.*[)\w\]+\-]);$")
_DECLARATION = re.compile(
    r"^\s*(?:const |static |struct |unsigned |enum |u?int\d*_t |uintptr_t |size_t |bool |char |long |int |void )"
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|/\*.*?\*/|//.*$|#.*$')


Key = Tuple[str, int, str, str]  # file, place, before, after


@dataclass(frozen=True)
class Edit:
    """One changed line of a task's solution; line counts from 1.  place: which of the file's lines with the same text
    it is, from 1."""

    lab: Lab
    task: Task
    line: int
    before: str
    after: str
    place: int = 1

    @property
    def key(self) -> Key:
        return self.task.file, self.place, self.before.strip(), self.after.strip()

    def __str__(self) -> str:
        return (
            f"labs/{self.lab.folder}/solution/{self.task.file}:{self.line}\n"
            f"  - {self.before.strip()}\n  + {self.after.strip()}"
        )


def _code_only(line: str) -> str:
    """The line with blanks in place of strings and comments, of the same length."""
    return _QUOTED.sub(lambda match: " " * len(match[0]), line)


def _closing(text: str, start: int) -> int:
    """Where the parenthesis that opens at start is closed; -1 when not on this line."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at
    return -1


def edits_of_c(line: str) -> Iterator[str]:
    """The ways in which one line of C is changed."""
    code = _code_only(line)
    for match in _OPERATOR.finditer(code):
        for other in RELATIONS.get(match[0], ()):
            yield line[: match.start()] + other + line[match.end() :]
    for match in _NUMBER.finditer(code):
        value = int(match[0], 0)
        for other_value in dict.fromkeys((value + 1, max(value - 1, 0))):
            if other_value != value:
                yield line[: match.start()] + str(other_value) + line[match.end() :]
    for match in _STEP.finditer(code):
        yield line[: match.start()] + ("--" if match[0] == "++" else "++") + line[match.end() :]
    for match in _CONDITION.finditer(code):
        close = _closing(code, match.end() - 1)
        if close > 0:
            inside = line[match.end() : close]
            yield line[: match.end()] + "!(" + inside + ")" + line[close:]
    returned = _RETURN.match(line)
    if returned:
        truth = returned[2] in ("true", "false")
        for other in ("true", "false") if truth else ("0", "-1", "1"):
            if other != returned[2]:
                yield f"{returned[1]}return {other};"
    statement = _STATEMENT.match(line)
    if statement and not _DECLARATION.match(line):
        yield statement[1] + ";"


def edits_of_assembly(line: str) -> Iterator[str]:
    """The ways in which one line of assembly is changed: it goes, or its number is another."""
    code = line.split("#")[0].split("//")[0].rstrip()
    if not code.strip() or code.strip().endswith(":") or code.strip().startswith((".", "/*", "*")):
        return
    yield ""
    for match in _NUMBER.finditer(code):
        value = int(match[0], 0)
        yield code[: match.start()] + str(value + 1) + code[match.end() :]
        if value >= 8:
            yield code[: match.start()] + str(value - 8) + code[match.end() :]


def edits(lab: Lab) -> List[Edit]:
    """All edits of a lab's marked regions."""
    found: Dict[Tuple[str, int, str], Edit] = {}
    for task in lab.tasks:
        path = lab.directory / "solution" / task.file
        lines = path.read_text().splitlines()
        change = edits_of_assembly if path.suffix == ".S" else edits_of_c
        in_comment = False
        for number in template.solution_line_numbers(path.read_text()):
            line = lines[number - 1]
            if in_comment or line.lstrip().startswith("/*"):
                in_comment = "*/" not in line
                continue
            same = [each.strip() for each in lines[:number]].count(line.strip())
            for after in change(line):
                found[task.id, number, after] = Edit(lab, task, number, line, after, same)
    return list(found.values())


def equivalents(lab: Lab) -> Set[Key]:
    """What equivalents.txt says of a lab; GraderError for an entry that matches no edit, or has no reason."""
    path = lab.directory / "equivalents.txt"
    if not path.is_file():
        return set()
    known = {edit.key for edit in edits(lab)}
    listed: Set[Key] = set()
    for entry in re.split(r"\n[ \t]*\n", path.read_text().strip()):
        lines = [line for line in entry.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        shape = r"\S+( [1-9][0-9]{0,3})?\n-.*\n\+.*\n\s+\S"
        if not re.match(shape, "\n".join(lines)):
            raise GraderError(
                f"{shown(path)}: an entry is a file, '- …', '+ …', a reason: {lines[0]}"
            )
        file, _, place = lines[0].strip().partition(" ")
        key = file, int(place or 1), lines[1][1:].strip(), lines[2][1:].strip()
        if key not in known:
            raise GraderError(f"{shown(path)}: no edit of {key[0]} is '{key[1]}' -> '{key[2]}'")
        listed.add(key)
    return listed


def edited(edit: Edit) -> str:
    """The task's solution with this edit."""
    lines = (edit.lab.directory / "solution" / edit.task.file).read_text().splitlines()
    lines[edit.line - 1] = edit.after
    return "\n".join(lines) + "\n"


def stage(edit: Edit, directory: Path) -> Path:
    """A directory whose `solutions` hold the reference with this edit."""
    shutil.rmtree(directory, ignore_errors=True)
    for lab in all_labs():
        if lab.number <= edit.lab.number:
            shutil.copytree(lab.directory / "solution", directory / "solutions" / lab.folder)
    (directory / "solutions" / edit.lab.folder / edit.task.file).write_text(edited(edit))
    return directory


def machine_code(task: Task, text: str) -> Optional[bytes]:
    """The object of a task's file with this text, without debug information; None when it does not compile."""
    with tempfile.TemporaryDirectory() as scratch:
        part, made = Path(scratch) / task.file, Path(scratch) / "made.o"
        # Panics name the file that they stand in.
        part.write_text(f'#line 1 "{task.file}"\n{text}')
        source = ROOT / task.through if task.through else part
        command = [build.cross() + "gcc", *build.KERNEL_FLAGS.split(), "-g0", "-w"]
        command += [f"-I{KERNEL / 'include'}", f'-DPART_FILE="{part}"', "-c", str(source)]
        done = subprocess.run([*command, "-o", str(made)], stderr=subprocess.DEVNULL, check=False)
        return made.read_bytes() if done.returncode == 0 else None


def differs(edit: Edit) -> bool:
    """Does the edit compile, to other machine code than the reference's?"""
    path = edit.lab.directory / "solution" / edit.task.file
    changed = machine_code(edit.task, edited(edit))
    return changed is not None and changed != machine_code(edit.task, path.read_text())


def lost_tests(edit: Edit, directory: Path) -> Optional[List[str]]:
    """The tests that the edit, staged in a directory, loses: those of its own task, or when there is none, any.  None
    when it does not link."""
    own = ",".join(edit.task.tests)
    for chosen in (f"--test={own}",), ():
        lab = mutants.grade_staged(directory, edit.lab, *chosen)["labs"][0]
        if any(test["outcome"] == "does not build" for test in lab["tests"]):
            return None
        lost = [str(test["id"]) for test in lab["tests"] if test["status"] == "failed"]
        if lost:
            return lost
    return []


def draw(lab: Lab, seed: int) -> Iterator[Edit]:
    """All edits of a lab in an order drawn from the seed, each file as likely as another: files differ in length."""
    chance = random.Random(f"{seed}/{lab.name}")
    by_file: Dict[str, List[Edit]] = {}
    for edit in edits(lab):
        by_file.setdefault(edit.task.file, []).append(edit)
    for each in by_file.values():
        chance.shuffle(each)
    while by_file:
        name = chance.choice(sorted(by_file))
        yield by_file[name].pop()
        if not by_file[name]:
            del by_file[name]


Lost = Union[List[str], GraderError, None]


def _try(order: Tuple[Edit, Path]) -> Lost:
    """In a worker: None for an edit that is left out, else the tests that it loses when it is staged in a directory, or
    why that cannot be said."""
    edit, directory = order
    if not differs(edit):
        return None
    stage(edit, directory)
    try:
        return lost_tests(edit, directory)
    except GraderError as error:
        return error
    finally:
        kernel = configuration(edit.lab, Options(solutions=directory / "solutions")).directory
        shutil.rmtree(kernel, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)


def command(lab_name: str, count: int, seed: int, workers: int) -> int:
    """`make mutants MECHANICAL=count SEED=seed`: so many edits of each lab; prints the survivors.  Returns 0 when
    there is none that equivalents.txt does not explain."""
    labs = [find_lab(lab_name)] if lab_name else all_labs()
    unexplained = 0
    build.build_base()
    reference_objects()
    for lab in labs:
        explained = equivalents(lab)
        tried = lost = equal = left_out = number = 0
        order = draw(lab, seed)
        pool: Pool[Tuple[Edit, Path], Lost] = Pool(_try, workers)

        def next_edit() -> Optional[Tuple[Edit, Path]]:
            nonlocal equal, number
            while tried + equal + len(pool.busy) < count:
                edit = next(order, None)
                if edit is None:
                    break
                if edit.key not in explained:
                    number += 1
                    return edit, STAGE / f"{lab.folder}-{number}"
                equal += 1
            return None

        try:
            for (edit, _), names in pool.carry_out(next_edit):
                if isinstance(names, GraderError):
                    raise names
                if names is None:
                    left_out += 1
                    continue
                tried += 1
                lost += bool(names)
                if not names:
                    unexplained += 1
                    print(f"survives: {edit}", flush=True)
        finally:
            pool.close()
        print(
            f"lab {lab.number}: {lost} of {tried} edits lose a test;"
            f" {equal} more are known to be equivalent, {left_out} have the same machine code or do not compile",
            flush=True,
        )
    return 1 if unexplained else 0
