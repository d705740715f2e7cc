"""Address spaces as text and as a picture (SVG): areas beside the pages that the MMU has.

`make map` draws programs of the caller's choice, or those of a test, each at its last checkpoint (or where
its main() begins), and the kernel.
"""

from __future__ import annotations

import itertools
from html import escape
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from grader import symbols
from grader.paths import BUILD, GraderError, shown
from grader.run import KMALLOC_SIZE, TRAMPOLINE, Run
from grader.trace import KERNEL_PID
from grader.view import PAGE, Area, Checkpoint, Row, View

MEMORY_START = 0x80000000
SPACES_MAX = 4

COLUMN, BOX, GAP, TOP, LABEL = 270, 30, 14, 62, 14
STYLE = """
  text { font: 11px monospace; fill: #24292f }
  .title { font: bold 13px sans-serif } .dim { fill: #57606a }
  .paper { fill: #ffffff } .hole { stroke: #8c959f; stroke-dasharray: 3 3 }
  rect { stroke: #57606a; stroke-width: 0.7 } .paper { stroke: none }
  .rx { fill: #c6dafc } .ro { fill: #eaeef2 } .rw { fill: #d2f0d8 } .bad { fill: #ffc1ba }
  .none { fill: #ffffff } .kernel { stroke: #6639ba; stroke-width: 2 }
"""


class Block(NamedTuple):
    """A stretch of addresses in one column of the picture.  note: what stands in its second line."""

    start: int
    end: int
    prot: str
    note: str


# Devices that the kernel maps when there is a disk: kernel/dev/.
DEVICES = ((0x0C000000, 0x10000000, "interrupt controller"), (0x10001000, 0x10009000, "disk"))


def _pages(size: int) -> str:
    count = size // PAGE
    return "1 page" if count == 1 else f"{count} pages"


def _frames(row: Row) -> str:
    return f"frame {row.frame:#x}" + (" on" if row.size > PAGE else "")


def sharers(spaces: Sequence[Checkpoint]) -> Dict[int, List[int]]:
    """Frames for user mode that several programs have: frame -> their pids."""
    found: Dict[int, List[int]] = {}
    for space in spaces:
        for frame, prot in space.user.pages().values():
            if "u" in prot and space.pid not in found.setdefault(frame, []):
                found[frame].append(space.pid)
    return {frame: pids for frame, pids in found.items() if len(pids) > 1}


def _rows_of(view: View, start: int, end: int) -> List[Row]:
    """The parts of rows that lie in [start, end)."""
    found = []
    for row in view.rows:
        low, high = max(row.start, start), min(row.end, end)
        if low < high:
            found.append(Row(low, row.frame + low - row.start, high - low, row.prot))
    return found


def _parted(rows: Sequence[Row], shared: Dict[int, List[int]]) -> List[Row]:
    """The rows in parts, each of which the same processes have."""
    found: List[Row] = []
    for row in rows:
        frames = range(row.frame, row.frame + row.size, PAGE)
        for pids, part in itertools.groupby(frames, lambda frame: shared.get(frame)):
            first, *rest = part
            found.append(
                Row(row.start + first - row.frame, first, PAGE * (1 + len(rest)), row.prot)
            )
    return found


def _beside_areas(space: Checkpoint) -> List[Row]:
    """What the MMU has where no area is."""
    found: List[Row] = []
    edges = [(0, 0)] + sorted((area.start, area.end) for area in space.areas) + [(1 << 64, 0)]
    for (_, end), (start, _) in zip(edges, edges[1:]):
        found += _rows_of(space.user, end, start)
    return found


def kernel_parts(run: Run) -> List[Area]:
    """What the kernel's addresses are for: parts of its image, by its symbols, and the rest."""

    def at(name: str) -> int:
        return symbols.address(run.kernel, name)

    heap = at("kernel_end")
    boot = at("boot_stack")
    return [
        Area(0x10000000, 0x10001000, "rw--", "serial port"),
        Area(at("kernel_start"), at("text_end"), "r-x-", "text"),
        Area(at("text_end"), (at("rodata_end") + PAGE - 1) & -PAGE, "r---", "rodata"),
        Area((at("rodata_end") + PAGE - 1) & -PAGE, boot - PAGE, "rw--", "data"),
        Area(boot - PAGE, boot, "----", "guard page"),
        Area(boot, heap, "rw--", "boot stack, bss"),
        Area(heap, heap + KMALLOC_SIZE, "rw--", "kmalloc"),
        Area(heap + KMALLOC_SIZE, MEMORY_START + (128 << 20), "rw--", "frames, archive"),
        Area(TRAMPOLINE, TRAMPOLINE + PAGE, "r-x-", "trampoline"),
    ]


def _kernel_space(run: Run, view: View) -> Checkpoint:
    """The kernel's view as a space with areas."""
    parts = kernel_parts(run)
    for row in view.rows:
        for start, end, name in DEVICES:
            if start <= row.start < end:
                parts.append(Area(row.start, row.end, row.prot, name))
        if row.start >= 1 << 63:
            parts.append(Area(row.start, row.end, row.prot, "kernel stack"))
    return Checkpoint(KERNEL_PID, "kernel", view, view, 0, parts)


def text(space: Checkpoint, shared: Dict[int, List[int]]) -> List[str]:
    """A space, line by line: each area, and beside it what the MMU has of it."""
    kernel = space.pid == KERNEL_PID
    who = "the kernel" if kernel else f"{space.name} (pid {space.pid})"
    mode = "Sv39" if space.user.paged else "no paging"
    lines = [f"Address space of {who}, satp {space.user.satp:#x}: {mode}"]
    lines.append(f"  {'area':39}  {'':16}  the MMU has")
    entries: List[Tuple[int, str, List[Row]]] = []
    for area in space.areas:
        label = f"{area.start:#018x}-{area.end:#018x}  {area.prot} {area.backend}"
        rows = _rows_of(space.user, area.start, area.end)
        # The kernel has everything; who else has it is not what one looks for there.
        entries.append((area.start, label, rows if kernel else _parted(rows, shared)))
    for row in _beside_areas(space):
        label = f"{row.start:#018x}-{row.end:#018x}  (no area)"
        entries.append((row.start, label, [row]))
    for start, label, rows in sorted(entries):
        for n, row in enumerate(rows or [None]):  # type: ignore[list-item]
            has = "nothing"
            if row is not None:
                pids = shared.get(row.frame, []) if not kernel else []
                also = ", shared by " + ", ".join(map(str, pids)) if pids else ""
                place = f" at {row.start:#x}" if row.start != start else ""
                has = f"{row.prot} {_pages(row.size)}{place}, {_frames(row)}{also}"
            lines.append(f"  {label if n == 0 else '':57}  {has}")
    return lines


def _class(prot: str) -> str:
    if "w" in prot and "x" in prot:
        return "bad"
    kind = "rx" if "x" in prot else "rw" if "w" in prot else "ro" if "r" in prot else "none"
    return kind if "u" in prot or prot == "----" else kind + " kernel"


def _levels(columns: Sequence[Sequence[Block]]) -> Tuple[Dict[int, int], int]:
    """A height for every address at which a block of these columns begins or ends: so much room that each
    block has its two lines, whatever its size; and how much that is in all."""
    edges = sorted({edge for column in columns for b in column for edge in (b.start, b.end)})
    covered = [
        any(b.start <= low and high <= b.end for column in columns for b in column)
        for low, high in zip(edges, edges[1:])
    ]
    heights, at = {}, 0
    for n, edge in enumerate(edges):
        heights[edge] = at
        if n < len(covered):
            at += BOX if covered[n] else GAP
    return heights, at


def draw(spaces: Sequence[Checkpoint], title: str) -> str:
    """The picture as a document of its own: a pair of columns each, high addresses above."""
    shared = sharers(spaces)
    pairs: List[Tuple[Checkpoint, List[Block], List[Block]]] = []
    for space in spaces:
        areas = [Block(a.start, a.end, a.prot, a.backend) for a in space.areas]
        pages: List[Block] = []
        bounds = [(a.start, a.end) for a in space.areas]
        rows = [row for start, end in bounds for row in _rows_of(space.user, start, end)]
        if space.pid != KERNEL_PID:
            rows = _parted(rows, shared)
        for row in [*rows, *_beside_areas(space)]:
            pids = shared.get(row.frame)
            also = f" ({', '.join(map(str, pids))})" if pids else ""
            note = f"{_pages(row.size)}, {_frames(row)}{also}"
            pages.append(Block(row.start, row.end, row.prot, note))
        pairs.append((space, areas, pages))
    all_levels = [_levels([areas, pages]) for _, areas, pages in pairs]
    height = TOP + max(total for _, total in all_levels) + 40
    width = 20 + len(pairs) * (2 * COLUMN + 40)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for n, ((space, areas, pages), (levels, total)) in enumerate(zip(pairs, all_levels)):
        left = 20 + n * (2 * COLUMN + 40)
        name = "the kernel" if space.pid == KERNEL_PID else f"{space.name}, pid {space.pid}"
        out.append(f'<text class="title" x="{left}" y="20">{escape(name)}</text>')
        out.append(f'<text class="dim" x="{left}" y="38">satp {space.user.satp:#x}</text>')
        first = "what it is for" if space.pid == KERNEL_PID else "areas"
        out.append(f'<text class="dim" x="{left}" y="{TOP - 6}">{first}</text>')
        right = left + COLUMN + 10
        out.append(f'<text class="dim" x="{right}" y="{TOP - 6}">what the MMU has</text>')
        for x, column in ((left, areas), (right, pages)):
            for block in column:
                # High addresses stand above.
                low, high = levels[block.start], levels[block.end]
                y, size = TOP + total - high, high - low
                out.append(
                    f'<rect class="{_class(block.prot)}" x="{x}" y="{y}" width="{COLUMN}"'
                    f' height="{size}"><title>{block.start:#x}-{block.end:#x}</title></rect>'
                )
                out.append(
                    f'<text x="{x + 6}" y="{y + size - 4 - LABEL}">{block.prot} '
                    f"{escape(block.note)}</text>"
                    f'<text class="dim" x="{x + 6}" y="{y + size - 4}">{block.start:#x}</text>'
                )
    key = "rwx: may be read, written, executed; u: by user mode; thick border: by the kernel only"
    out.append(f'<text class="dim" x="20" y="{height - 10}">{key}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def last_looks(run: Run) -> List[Checkpoint]:
    """Each program at its last checkpoint, in the order of pids."""
    found: Dict[int, Checkpoint] = {each.pid: each for each in run.checkpoints}
    return [found[pid] for pid in sorted(found)]


def command(run: Run, out: str) -> int:
    """`make map`: show the spaces of a run, and say where the picture is."""
    spaces = last_looks(run)
    if not spaces:
        raise GraderError(f"no program came as far as its checkpoint or main(): {run.explanation}")
    shared = sharers(spaces)
    kernel: Optional[Checkpoint] = None
    if spaces[0].kernel.paged:
        kernel = _kernel_space(run, spaces[0].kernel)
    for space in [*spaces[:SPACES_MAX], *([kernel] if kernel else [])]:
        print("\n".join(text(space, shared)) + "\n")
    if len(spaces) > SPACES_MAX:
        print(f"({len(spaces) - SPACES_MAX} more programs are not shown)\n")
    path = Path(out) if out else BUILD / "map.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw([*spaces[:SPACES_MAX], *([kernel] if kernel else [])], "address spaces"))
    print(f"{shown(path)}: open it in a browser")
    return 0
