"""What a machine that stands still shows: the pages that the MMU has, and the kernel's areas.

Pages are QEMU's own reading of the page table in satp (`info mem` of its monitor); areas are read in the
guest's memory, by the layout that kernel/lib/inspect.c states.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Callable, Dict, List, NamedTuple

from grader import check

PAGE = 4096
AREAS_MAX = 10_000
ROWS_MAX = 20_000  # a kernel can map the same frame everywhere
PAGES_MAX = 1 << 18
NAME_MAX = 32

_ROW = re.compile(
    r"^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) ([r-])([w-])([x-])([u-])[g-][a-][d-]\s*$",
    re.MULTILINE,
)
_REGISTER = r"\b{}\s+([0-9a-f]{{16}})"

Read = Callable[[int, int], bytes]  # guest memory: physical address, size


class Row(NamedTuple):
    """Pages one behind the other, in both spaces, with the same permissions ("rwxu" or "-")."""

    start: int
    frame: int
    size: int
    prot: str

    @property
    def end(self) -> int:
        """The first address behind."""
        return self.start + self.size


class Area(NamedTuple):
    """An area of a space, as the kernel has it."""

    start: int
    end: int
    prot: str
    backend: str


@dataclass(frozen=True)
class View:
    """The machine at one moment.  satp: the register; rows: in the order of addresses."""

    pc: int
    sp: int
    satp: int
    rows: List[Row]

    @property
    def paged(self) -> bool:
        """Is Sv39 on?"""
        return self.satp >> 60 == 8

    def at(self, address: int) -> "Row | None":
        """The row that an address lies in."""
        return next((row for row in self.rows if row.start <= address < row.end), None)

    def pages(self, start: int = 0, end: int = 1 << 64) -> Dict[int, "tuple[int, str]"]:
        """Every mapped page of [start, end): address -> (frame, permissions); at most PAGES_MAX."""
        found: Dict[int, "tuple[int, str]"] = {}
        for row in self.rows:
            first, behind = max(row.start, start), min(row.end, end, row.start + PAGES_MAX * PAGE)
            for address in range(first, behind, PAGE):
                if len(found) == PAGES_MAX:
                    return found
                found[address] = (row.frame + address - row.start, row.prot)
        return found


@dataclass(frozen=True)
class Checkpoint:
    """A program at its checkpoint, and the kernel right after: what each of them can reach.

    user: the view in user mode; kernel: the view at trap_dispatch(), which the program's system call
    has led to; stack: the kernel stack that it runs on, its lowest address.
    """

    pid: int
    name: str
    user: View
    kernel: View
    stack: int = 0
    areas: List[Area] = field(default_factory=list)


def parse(registers: str, mem: str) -> View:
    """A view from the texts of `info registers` and `info mem`."""

    def register(name: str) -> int:
        match = re.search(_REGISTER.format(name), registers)
        return int(match[1], 16) if match else 0

    rows: List[Row] = []
    for match in _ROW.finditer(mem):
        start, frame, size = (int(match[n], 16) for n in (1, 2, 3))
        row = Row(start, frame, size, "".join(match.group(4, 5, 6, 7)))
        last = rows[-1] if rows else None
        # QEMU also splits where pages have been used or written to, and where not.
        if last and (last.end, last.frame + last.size, last.prot) == (
            row.start,
            row.frame,
            row.prot,
        ):
            rows[-1] = last._replace(size=last.size + row.size)
        else:
            rows.append(row)
        if len(rows) == ROWS_MAX:
            break
    return View(register("pc"), register("x2/sp"), register("satp"), rows)


class Layout(NamedTuple):
    """Offsets in the kernel's structs: inspect_layout of kernel/lib/inspect.c, in its order."""

    task_process: int
    task_stack: int
    task_user_satp: int
    process_pid: int
    process_name: int
    process_space: int
    space_areas: int
    area_node: int
    area_start: int
    area_end: int
    area_prot: int
    area_backend: int
    backend_name: int


LAYOUT_SIZE = 2 * len(Layout._fields)


def _text(data: bytes) -> str:
    return check.readable(data.split(b"\0")[0])


def checkpoint(read: Read, layout_at: int, task: int, user: View, kernel: View) -> Checkpoint:
    """What the kernel knows of the task it works for.  A kernel may have overwritten anything: what
    is not there reads as nothing."""

    def word(address: int) -> int:
        data = read(address, 8)
        return int(struct.unpack("<Q", data)[0]) if len(data) == 8 else 0

    data = read(layout_at, LAYOUT_SIZE)
    if len(data) < LAYOUT_SIZE:
        return Checkpoint(-1, "?", user, kernel)
    at = Layout(*struct.unpack(f"<{len(Layout._fields)}H", data))
    process = word(task + at.task_process)
    areas: List[Area] = []
    space = word(process + at.process_space)
    if space:
        head = space + at.space_areas
        node = word(head)
        while node and node != head and len(areas) < AREAS_MAX:
            area = node - at.area_node
            prot = word(area + at.area_prot) & 15
            name = _text(read(word(word(area + at.area_backend) + at.backend_name), NAME_MAX))
            letters = "".join(c if prot >> i & 1 else "-" for i, c in enumerate("rwxu"))
            areas.append(Area(word(area + at.area_start), word(area + at.area_end), letters, name))
            node = word(node)
    pid = word(process + at.process_pid) & 0xFFFFFFFF
    name = _text(read(process + at.process_name, NAME_MAX))
    return Checkpoint(pid, name, user, kernel, word(task + at.task_stack), areas)
