"""What QEMU's log shows of a probe's run: evidence that the probe ran, which nothing in the machine can write.

Probes share memory and privilege with the parts that they test.  A part can write a probe's result, jump
to a probe's last line, or change its code.  So the result in memory counts only with QEMU's own log: `-d in_asm`
shows each piece of the kernel's code when it is about to be executed for the first time, with its bytes and the
address at which the CPU found it; `-d int` shows each trap.  We demand that

- each instruction executed in the kernel's text is the one that was linked there;
- the probe's function was entered, and all of it that lies on every way from its first line to its return
  was executed, in that order; the same for the functions that it calls on every way; and then probe_came_to_its_end();
- probe_fail() never ran;
- no trap came inside of a probe, but for those of the functions in TRAPPING, which exist to make one;
- the count of checks in memory agrees with the marks of probe_mark() in the log of traps.

What lies on every way is worked out from the linked code: blocks that dominate a function's return.  An edge too many
in that graph only demands less.
"""

from __future__ import annotations

import bisect
import functools
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from grader import symbols
from grader.build import cross
from grader.paths import GraderError

TRAPPING = ("probe_load", "probe_store", "probe_mark")
FAILED, ENDED, MARK = "probe_fail", "probe_came_to_its_end", "probe_mark"
# Calls of these never return: kernel/probe/probe.h, kernel/include/panic.h.
NO_RETURN = (FAILED, ENDED, "panic", "power_off")
FIRST_MARK, MARKS_APART = 64, 1024  # kernel/probe/probe.c
LIST_ENTRY = 24  # sizeof(struct probe): name, function, early
NAME_MAX = 40

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)(?:\t([^#<\n]*))?(.*)$", re.M)
_TARGET = re.compile(r"\b([0-9a-f]+) <")
# What QEMU writes before and behind a piece.  If it did otherwise, the log would be read as one piece.
BEFORE_A_PIECE, BEHIND_A_PIECE = b"\n----------------\n", b"\n\n"
REMEMBERED_MAX = 16 << 20  # bytes of pieces: a lab's tests show some 1 MiB of its kernel
# "Priv: 1; Virt: 0", or "0x0000000080200000:  0002f117          auipc …"; some disassemblers show single bytes.
_TRANSLATED = re.compile(
    rb"^(?:Priv: (\d)|0x([0-9a-f]{8,16}):\s+([0-9a-f]{8}|[0-9a-f]{4}|(?:[0-9a-f]{2} ){2,8})\s)",
    re.M,
)


@dataclass(frozen=True)
class Function:
    """A function of the probes.  needed: where the blocks begin that lie on every way from its begin to its
    return, in that order; calls: functions of the probes that these blocks call."""

    name: str
    start: int
    end: int
    needed: List[int]
    calls: List[int]


@dataclass(frozen=True)
class Flow:
    """What we know of the probes in a linked kernel.  functions: by where they begin; probes: from a probe's
    name to its function."""

    functions: Dict[int, Function]
    probes: Dict[str, int]

    def named(self, name: str) -> Optional[Function]:
        return next((each for each in self.functions.values() if each.name == name), None)

    def needed(self, start: int) -> List[Function]:
        """A function, and all that it certainly calls."""
        found: Dict[int, Function] = {}
        waiting = [start]
        while waiting:
            at = waiting.pop()
            if at in self.functions and at not in found:
                found[at] = self.functions[at]
                waiting += self.functions[at].calls
        return list(found.values())


def code_range(kernel: Path) -> Tuple[int, int]:
    """[start, end) of the kernel's text: what QEMU shows of what it executes."""
    return symbols.address(kernel, "kernel_start"), symbols.address(kernel, "text_end")


# ---- the code of the probes --------------------------------------------------------------------


def _dominators(blocks: Sequence[int], edges: Dict[int, List[int]], end: int) -> List[int]:
    """The blocks on every way from the first to `end`, in their order.  Without such a way: the first alone."""
    before: Dict[int, List[int]] = {}
    order: List[int] = []
    waiting = [blocks[0]]
    while waiting:
        at = waiting.pop()
        if at not in order:
            order.append(at)
            for to in edges.get(at, []):
                before.setdefault(to, []).append(at)
                waiting.append(to)
    everything = set(order)
    over: Dict[int, Set[int]] = {at: everything for at in order}
    over[blocks[0]] = {blocks[0]}
    changed = True
    while changed:
        changed = False
        for at in order[1:]:
            found = set.intersection(*(over[each] for each in before[at])) | {at}
            if found != over[at]:
                over[at], changed = found, True
    chain = over.get(end, {blocks[0]}) - {end}
    return sorted(chain, key=lambda at: len(over[at]))


def _function(
    name: str, start: int, end: int, code: Dict[int, Tuple[str, str, Optional[int]]], ends: Set[int]
) -> Function:
    """Work out a function's graph.  code: mnemonic, operands and target by address; ends: functions that never
    return."""
    places = sorted(at for at in code if start <= at < end)
    following = dict(zip(places, [*places[1:], end]))
    leaders = {start}
    for at in places:
        kind, _, target = code[at]
        branch = kind.startswith("b") or kind in ("j", "jr", "ret", "tail")
        if branch and target is not None and start <= target < end:
            leaders.add(target)
        if branch or (kind in ("jal", "jalr") and target in ends):
            leaders.add(following[at])
    leaders.discard(end)
    blocks = sorted(leaders)
    exit_node = -1
    edges: Dict[int, List[int]] = {}
    calls: Dict[int, List[int]] = {}
    for at in places:
        block = blocks[bisect.bisect_right(blocks, at) - 1]
        kind, _, target = code[at]
        to = following[at]
        falls = [to if to < end else exit_node]
        inside = [target] if target is not None and start <= target < end else [exit_node]
        if kind in ("jal", "jalr"):
            if target is not None:
                calls.setdefault(block, []).append(target)
            out = [] if target in ends else falls
        elif kind in ("j", "tail"):
            out = inside
        elif kind == "ret":
            out = [exit_node]
        elif kind == "jr":
            out = [*blocks, exit_node]  # anywhere, for all we know
        elif kind.startswith("b"):
            out = inside + falls
        else:
            out = falls
        if kind in ("jal", "jalr", "j", "tail", "ret", "jr") or kind.startswith("b"):
            if out != [to] or to in leaders:
                edges.setdefault(block, []).extend(out)
        elif to in leaders or to >= end:
            edges.setdefault(block, []).extend(out)
    needed = _dominators(blocks, edges, exit_node)
    certain = sorted({to for block in needed for to in calls.get(block, []) if to not in ends})
    return Function(name, start, end, needed, certain)


def _read_flow(kernel: Path) -> Flow:
    start = symbols.address(kernel, "probe_text_start")
    end = symbols.address(kernel, "probe_text_end")
    listed = subprocess.run(
        [cross() + "nm", "-n", str(kernel)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    names: Dict[int, str] = {}
    for line in listed.splitlines():
        address, kind, name = line.split(" ", 2)
        inside = kind in "tT" and start <= int(address, 16) < end
        if inside and not name.startswith((".", "$", "probe_text_")):
            names.setdefault(int(address, 16), name)
    shown = subprocess.run(
        [cross() + "objdump", "-d", f"--start-address={start}", f"--stop-address={end}", kernel],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    code: Dict[int, Tuple[str, str, Optional[int]]] = {}
    for match in _INSTRUCTION.finditer(shown):
        target = _TARGET.search(match[4] if "#" in match[4] else match[0].split("\t", 3)[-1])
        code[int(match[1], 16)] = (match[2], match[3] or "", int(target[1], 16) if target else None)
    known = symbols.facts(kernel).symbols
    ends = {known[name] for name in NO_RETURN if name in known}
    functions: Dict[int, Function] = {}
    starts = sorted(names)
    for at, to in zip(starts, [*starts[1:], end]):
        functions[at] = _function(names[at], at, to, code, ends)
    probes: Dict[str, int] = {}
    if "probe_list" in known:
        at = known["probe_list"]
        while True:
            entry = symbols.code(kernel, at, LIST_ENTRY)
            name_at = int.from_bytes(entry[:8], "little")
            if name_at == 0 or len(entry) < LIST_ENTRY:
                break
            name = symbols.code(kernel, name_at, NAME_MAX).split(b"\0")[0].decode()
            probes[name] = int.from_bytes(entry[8:16], "little")
            at += LIST_ENTRY
    return Flow(functions, probes)


@functools.lru_cache(maxsize=None)
def flow(kernel: Path) -> Flow:
    """What we know of the probes of a kernel, kept beside it as JSON: working it out takes a tenth of a second."""
    kept = kernel.with_name(kernel.name + ".flow")
    identity = [kernel.stat().st_mtime_ns, kernel.stat().st_size, Path(__file__).stat().st_mtime_ns]
    try:
        data = json.loads(kept.read_text())
        if data["identity"] == identity:
            found = {each[1]: Function(*each) for each in data["functions"]}
            return Flow(found, data["probes"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    known = _read_flow(kernel)
    rows = [[f.name, f.start, f.end, f.needed, f.calls] for f in known.functions.values()]
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}")
    temporary.write_text(
        json.dumps({"identity": identity, "functions": rows, "probes": known.probes})
    )
    temporary.replace(kept)
    return known


# ---- the log -----------------------------------------------------------------------------------


class Piece(NamedTuple):
    """What a piece of the log says.  user: it ends with code of user mode; found: it shows an instruction of the kernel's;
    executed: the addresses that we ask for; wrong: what is wrong with its code."""

    user: bool
    found: bool
    executed: Tuple[int, ...]
    wrong: str


class _Reader:
    """Reads logs of one kernel's runs.  Most of their pieces have been seen in another run, and are looked up."""

    def __init__(self, kernel: Path):
        self._start, end = code_range(kernel)
        self._text = symbols.code(kernel, self._start, end - self._start)
        functions = flow(kernel).functions.values()
        self._wanted = {at for each in functions for at in (each.start, *each.needed)}
        self._seen: Dict[Tuple[bool, bytes], Piece] = {}
        self._seen_size = 0

    def _read(self, user: bool, piece: bytes) -> Piece:
        """user: the log shows user mode where the piece begins."""
        executed: List[int] = []
        found = False
        for match in _TRANSLATED.finditer(piece):
            if match[1]:
                user = match[1] == b"0"
                continue
            if user:
                continue
            found, address = True, int(match[2], 16)
            digits = match[3].replace(b" ", b"")
            code = bytes.fromhex(digits.decode())
            if b" " not in match[3]:
                code = code[::-1]
            at = address - self._start
            if self._text[at : at + len(code)] != code:
                wrong = f"the kernel's code at {address:#x} is not what was linked there"
                return Piece(user, found, tuple(executed), wrong)
            if address in self._wanted:
                executed.append(address)
        return Piece(user, found, tuple(executed), "")

    def _remember(self, user: bool, code: bytes, piece: Piece) -> None:
        if self._seen_size + len(code) > REMEMBERED_MAX:
            self._seen.clear()
            self._seen_size = 0
        self._seen[user, code] = piece
        self._seen_size += len(code)

    def executed(self, log: bytes) -> Tuple[Dict[int, int], str]:
        """When each place of the probes' code that matters (flow()) was first about to be executed, as a number that grows; and what
        is wrong with any of the kernel's code."""
        first: Dict[int, int] = {}
        user = found = False
        for text in log.split(BEFORE_A_PIECE):
            # Behind a piece stand the traps until the next one, which are never the same.
            code, _, rest = text.partition(BEHIND_A_PIECE)
            piece = self._seen.get((user, code))
            if piece is None:
                piece = self._read(user, code + BEHIND_A_PIECE[:1])
                self._remember(user, code, piece)
            for each in (piece, self._read(piece.user, rest + b"\n")) if rest else (piece,):
                user, found = each.user, found or each.found
                for address in each.executed:
                    first.setdefault(address, len(first))
                if each.wrong:
                    return first, each.wrong
        if not found:
            raise GraderError(
                "QEMU's log of executed code (-d in_asm) has a form that is not known"
            )
        return first, ""


@functools.lru_cache(maxsize=4)
def _reader(kernel: Path) -> _Reader:
    return _Reader(kernel)


def function_of(known: Flow, probe: str) -> Optional[Function]:
    """The function of a probe: by the lab's list; or, without one, called after it."""
    if known.probes:
        return known.functions.get(known.probes.get(probe, 0))
    return known.named("probe_" + probe.replace("-", "_"))


def marks_of(count: int) -> int:
    """How many marks there are in the log when so many checks have been counted."""
    marks, due = 0, FIRST_MARK
    while due <= count:
        marks, due = marks + 1, due + min(due, MARKS_APART)
    return marks


def objection(
    kernel: Path, probe: str, log: bytes, traps: Sequence[Tuple[int, int]], count: int, ended: bool
) -> str:
    """Why the log contradicts what a probe has left in memory; nothing when all is well.

    traps: cause and epc of each exception; count: checks, by the kernel's memory; ended: it says, too, that the probe has
    come to its end.
    """
    known = flow(kernel)
    function = function_of(known, probe.split(":")[0])
    first, wrong = _reader(kernel).executed(log)
    if wrong:
        return wrong
    if function is None or function.start not in first:
        return "the probe never ran"
    failed = known.named(FAILED)
    if failed and failed.start in first:
        return "the probe has found something, and then said otherwise"
    starts = sorted(known.functions)
    marks = 0
    for cause, epc in traps:
        if not starts or not starts[0] <= epc < symbols.address(kernel, "probe_text_end"):
            continue
        where = known.functions[starts[bisect.bisect_right(starts, epc) - 1]]
        if ended and where.name not in TRAPPING:
            return f"an exception (cause {cause}) in the probe's own code, in {where.name}()"
        marks += where.name == MARK
    if known.probes and marks != marks_of(count):
        return f"the probe's count of checks, {count}, is not its own"
    if not ended:
        return ""
    last = known.named(ENDED)
    order = [function, *([last] if last else [])]
    for each in known.needed(function.start):
        seen = [first.get(at, -1) for at in each.needed]
        if -1 in seen:
            return f"the probe was left before its end: not all of {each.name}() ran"
        if seen != sorted(seen):
            return f"the probe did not run in order: {each.name}()"
    if last and first.get(last.start, -1) < max(first[at] for at in order[0].needed):
        return "the probe did not come to its end by itself"
    return ""
