"""Machine code that equals the reference's: a question for the instructor, never a verdict.

The student edition has an object of the reference for each task, so that WITH=reference works.  Its bytes can be written
into a part as `.byte` and `.reloc`, and they pass every test.  So the functions of the reference's object are looked for in
the code of the student's, byte for byte but for the fields that the linker fills in.

Equal code is no proof.  Small functions have few forms, and the given parts of a file are the same for all: so we count
only functions of some size that are not in the starter file, and ask only when nearly all of a task's code is equal.  Parts
in assembly are not compared: to save and restore registers, all right solutions look alike.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Container, Dict, List

from grader import build, objects
from grader.build import KERNEL_FLAGS, Configuration, Part, cross
from grader.labs import Lab
from grader.paths import BUILD, KERNEL, TEMPLATE

KEPT = BUILD / "likeness"
FUNCTION_BYTES_MIN = 48  # shorter ones are left out: compilers have few ways to say little
EQUAL_BYTES_MIN = 240  # in functions that count
EQUAL_SHARE_MIN = 0.8  # of the bytes of functions that count
FUNCTION = 2  # STT_FUNC

# How many bytes of code a relocation fills in; those of branches within an object are filled in already.
_FILLED: Dict[int, int] = {1: 4, 2: 8, 18: 8, 19: 8, 20: 4, 21: 4, 22: 4, 23: 4, 24: 4, 25: 4}
_FILLED.update({26: 4, 27: 4, 28: 4})


def _code(part: objects.Object, number: int, masked: bool) -> bytes:
    """A section's bytes; masked: with zeros where the linker writes, whatever stands there now."""
    content = bytearray(part.content(part.sections[number]))
    for each in part.relocations(number) if masked else []:
        size = _FILLED.get(each.type, 0)
        content[each.offset : each.offset + size] = bytes(
            len(content[each.offset : each.offset + size])
        )
    return bytes(content)


def _functions(path: Path, masked: bool = False) -> Dict[str, bytes]:
    """An object's functions that are long enough to say something."""
    part = objects.Object(path)
    sections: Dict[int, bytes] = {}
    found: Dict[str, bytes] = {}
    for symbol in part.symbols:
        if symbol.kind == FUNCTION and symbol.section < len(part.sections):
            if symbol.section not in sections:
                sections[symbol.section] = _code(part, symbol.section, masked)
            code = sections[symbol.section][symbol.value : symbol.value + symbol.size]
            if len(code) >= FUNCTION_BYTES_MIN:
                found[symbol.name] = code
    return found


def _everything(path: Path, masked: bool = False) -> bytes:
    """All that an object brings into memory: code can stand in any section, with or without names."""
    part = objects.Object(path)
    return b"\0".join(
        _code(part, n, masked)
        for n, section in enumerate(part.sections)
        if section.flags & objects.ALLOC
    )


def _compiled(source: Path) -> Path:
    """The object of a file of ours: the reference's source, or the starter's."""
    text = source.read_bytes()
    key = hashlib.sha256(text + KERNEL_FLAGS.encode()).hexdigest()[:16]
    kept = KEPT / f"{key}.o"
    if not kept.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{os.getpid()}.o")  # another process may compile the same file
        command = [cross() + "gcc", *KERNEL_FLAGS.split(), "-w", f"-I{KERNEL / 'include'}"]
        subprocess.run([*command, "-c", source, "-o", new], check=True)
        new.replace(kept)
    return kept


def equal_share(own: Path, reference: Path, starter: Path) -> float:
    """How much of a task's code, by bytes, is in `own` just as in the reference's object; 0.0 when too little counts."""
    total = equal = 0
    plain, masked = _functions(reference), _functions(reference, masked=True)
    given = _everything(starter, masked=True)
    mine, mine_masked = _everything(own), _everything(own, masked=True)
    for name, code in plain.items():
        if masked[name] in given:
            continue
        total += len(code)
        # As the compiler leaves it, or with other relocations, or with anything where they write.
        if code in mine or masked[name] in mine_masked:
            equal += len(code)
    return equal / total if equal >= EQUAL_BYTES_MIN else 0.0


def _question(configuration: Configuration, part: Part) -> str:
    lab, task = part.lab, part.task
    own = configuration.directory / "objects" / lab.folder / task.object_name
    reference = build.reference_part(lab, task, given=True)
    path = reference.path if reference.prebuilt else _compiled(reference.path)
    share = equal_share(own, path, _compiled(TEMPLATE / lab.folder / task.file))
    if share < EQUAL_SHARE_MIN:
        return ""
    return (
        f"task {task.id}, {task.file}: {share:.0%} of its machine code equals the reference's."
        " That is a question, not a verdict: ask how it was written"
    )


def questions(configuration: Configuration, lab: Lab, without: Container[str] = ()) -> List[str]:
    """What to ask a student about the parts of a lab, without those of these tasks."""
    parts = [
        p for p in configuration.parts if p.lab.number == lab.number and p.task.id not in without
    ]
    compared = [p for p in parts if not (p.given or p.prebuilt) and p.task.file.endswith(".c")]
    return [question for question in (_question(configuration, p) for p in compared) if question]
