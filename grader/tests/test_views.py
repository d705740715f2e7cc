"""Looking at a machine that stands still: the gdb stub's other end, what is read, and how it is shown."""

from __future__ import annotations

import re
import socket
import struct
import threading
from typing import List
from xml.etree import ElementTree

import pytest

from grader import gdbstub, map, view
from grader.view import Area, Checkpoint, Row, View

REGISTERS = " pc       0000000000010124\n x2/sp    0000003fffffef60\n satp     8000000000084291\n"
MEM = """vaddr            paddr            size             attr
---------------- ---------------- ---------------- -------
0000000000010000 0000000084293000 0000000000001000 r-xu-a-
0000000000012000 0000000084295000 0000000000001000 rw-u-ad
0000000000013000 0000000084296000 0000000000002000 rw-u-a-
0000000000015000 0000000084299000 0000000000001000 rw-u-ad
ffffffffffffe000 0000000080206000 0000000000001000 r-x--a-
"""


def test_pages_that_differ_only_in_having_been_used_are_one_row() -> None:
    seen = view.parse(REGISTERS, MEM)
    assert (seen.pc, seen.sp, seen.satp) == (0x10124, 0x3FFFFFEF60, 0x8000000000084291)
    assert seen.paged
    assert seen.rows == [
        Row(0x10000, 0x84293000, 0x1000, "r-xu"),
        Row(0x12000, 0x84295000, 0x3000, "rw-u"),
        Row(0x15000, 0x84299000, 0x1000, "rw-u"),  # its frame is elsewhere
        Row(0xFFFFFFFFFFFFE000, 0x80206000, 0x1000, "r-x-"),
    ]
    assert seen.pages()[0x14000] == (0x84297000, "rw-u")
    assert seen.at(0x14FFF) == seen.rows[1] and seen.at(0x11000) is None


def test_without_paging_there_are_no_rows() -> None:
    seen = view.parse(REGISTERS.replace("8000000000084291", "0" * 16), "No translation\n")
    assert not seen.paged and seen.rows == []


def memory_of(areas: int, circle: bool = False) -> view.Read:
    """A kernel's memory with a task, its process, its space, and so many areas of a page."""
    layout = view.Layout(*range(8, 8 + 8 * len(view.Layout._fields), 8))
    words = {0x100: b"".join(struct.pack("<H", each) for each in layout)}

    def put(address: int, value: int) -> None:
        words[address] = struct.pack("<Q", value)

    task, process, space, backend = 0x10000, 0x20000, 0x30000, 0x40000
    put(task + layout.task_process, process)
    put(process + layout.process_pid, 7)
    words[process + layout.process_name] = b"layout\0"
    put(process + layout.process_space, space)
    put(backend + layout.backend_name, 0x50000)
    words[0x50000] = b"anonymous\0"
    head = space + layout.space_areas
    nodes = [0x60000 + n * 0x1000 + layout.area_node for n in range(areas)]
    for n, node in enumerate([head, *nodes]):
        put(node, nodes[n] if n < areas else (nodes[0] if circle else head))
    for n in range(areas):
        area = 0x60000 + n * 0x1000
        put(area + layout.area_start, n * 0x2000)
        put(area + layout.area_end, n * 0x2000 + 0x1000)
        put(area + layout.area_prot, 0b1011)
        put(area + layout.area_backend, backend)
    return lambda address, size: words.get(address, b"")[:size]


def test_areas_are_read_in_the_kernels_memory() -> None:
    empty = View(0, 0, 0, [])
    seen = view.checkpoint(memory_of(2), 0x100, 0x10000, empty, empty)
    assert (seen.pid, seen.name) == (7, "layout")
    assert seen.areas == [
        Area(0, 0x1000, "rw-u", "anonymous"),
        Area(0x2000, 0x3000, "rw-u", "anonymous"),
    ]


def test_areas_linked_in_a_circle_come_to_an_end() -> None:
    empty = View(0, 0, 0, [])
    seen = view.checkpoint(memory_of(2, circle=True), 0x100, 0x10000, empty, empty)
    assert len(seen.areas) == view.AREAS_MAX


def test_a_task_that_is_nowhere_has_nothing() -> None:
    empty = View(0, 0, 0, [])
    seen = view.checkpoint(lambda address, size: b"", 0x100, 0x10000, empty, empty)
    assert (seen.pid, seen.name, seen.areas) == (-1, "?", [])


# ---- the map


def spaces() -> List[Checkpoint]:
    """Two programs that share a frame; the second one's page at 0x3000 belongs to no area."""
    first = View(0, 0, 8 << 60 | 1, [Row(0x1000, 0x84000000, 0x2000, "r-xu")])
    rows = [Row(0x1000, 0x84001000, 0x1000, "rw-u"), Row(0x3000, 0x85000000, 0x1000, "rw-u")]
    second = View(0, 0, 8 << 60 | 2, rows)
    return [
        Checkpoint(2, "one", first, first, 0, [Area(0x1000, 0x3000, "r-xu", "segment")]),
        Checkpoint(3, "<two>", second, second, 0, [Area(0x1000, 0x2000, "rw-u", "anonymous")]),
    ]


def test_the_map_names_what_is_shared_and_what_no_area_has() -> None:
    both = spaces()
    shared = map.sharers(both)
    assert shared == {0x84001000: [2, 3]}
    # Two pages in a row, of which one is shared, are two rows.
    seen = [line.split("  ")[-1].strip() for line in map.text(both[0], shared)[2:]]
    assert seen == [
        "r-xu 1 page, frame 0x84000000",
        "r-xu 1 page at 0x2000, frame 0x84001000, shared by 2, 3",
    ]
    lines = map.text(both[1], shared)
    assert any("anonymous" in line and "shared by 2, 3" in line for line in lines)
    assert any("(no area)" in line and "rw-u 1 page, frame 0x85000000" in line for line in lines)


def test_the_picture_is_xml_in_which_no_block_covers_another() -> None:
    root = ElementTree.fromstring(map.draw(spaces(), "a & b"))
    boxes = [each for each in root.iter() if each.tag.endswith("rect")][1:]
    assert len(boxes) == 3 + 3
    for x in {box.get("x") for box in boxes}:
        column = sorted(
            (int(b.get("y", "")), int(b.get("height", ""))) for b in boxes if b.get("x") == x
        )
        for (y, height), (below, _) in zip(column, column[1:]):
            assert y + height <= below
    assert "<two>, pid 3" in {each.text for each in root.iter()}


# ---- the gdb stub


def answering(server: socket.socket, answers: "dict[bytes, bytes]", heard: List[bytes]) -> None:
    """QEMU's side: acknowledge each packet, then say what is to be said."""
    data = b""
    while True:
        data += server.recv(100)
        match = re.match(rb"\+*\$(.*?)#([0-9a-f]{2})", data)
        if not match:
            if not data:
                return
            continue
        data = data[match.end() :]
        assert int(match[2], 16) == sum(match[1]) % 256
        heard.append(match[1])
        server.sendall(b"+")
        answer = answers.get(match[1])
        if answer is None:
            server.close()
            return
        server.sendall(b"$" + answer + b"#%02x" % (sum(answer) % 256))


def test_the_stub_speaks_gdbs_protocol() -> None:
    ours, qemus = socket.socketpair()
    heard: List[bytes] = []
    answers = {b"Z0,10124,2": b"OK", b"c": b"T05thread:01;", b"s": b"T05thread:01;"}
    thread = threading.Thread(target=answering, args=(qemus, answers, heard))
    thread.start()
    stub = gdbstub.Stub(ours)
    stub.breakpoint(0x10124, True)
    stub.go_on()
    stub.stopped()
    stub.step()
    with pytest.raises(gdbstub.Lost):
        stub.breakpoint(0x10124, False)  # QEMU has ended by now
    thread.join()
    assert heard == [b"Z0,10124,2", b"c", b"s", b"z0,10124,2"]
