"""Program files that tests make: ELF files of a few machine instructions, right and wrong ones; and what some
of our programs print."""

from __future__ import annotations

import functools
import random
import struct
from typing import Dict, List, Optional, Sequence, Tuple

PAGE = 4096
USER_END = (1 << 38) - 3 * PAGE  # kernel/include/space.h
RX, RW, R = 5, 6, 4  # p_flags: PF_X 1, PF_W 2, PF_R 4

Segment = Tuple[int, bytes, Optional[int], int]  # address, bytes, size in memory, flags


def words(*instructions: int) -> bytes:
    """Machine code."""
    return struct.pack(f"<{len(instructions)}I", *instructions)


# li a0, 42; li a7, 93 (exit); ecall
EXIT_42 = words(0x02A00513, 0x05D00893, 0x00000073)


def elf(
    segments: Sequence[Segment],
    entry: int,
    headers_in: int = -1,
    congruent: bool = True,
    **fields: int,
) -> bytes:
    """An ELF file.  headers_in: this segment begins with the file's headers; congruent:
    bytes lie as far from a page boundary as in memory; fields: what the header says otherwise."""
    header_size = 64 + 56 * len(segments)
    table, body = b"", segments[headers_in][1] if headers_in >= 0 else b""
    for n, (address, content, memory, flags) in enumerate(segments):
        if n == headers_in:
            offset, size = 0, header_size + len(content)
        else:
            offset = (header_size + len(body) + PAGE - 1) & -PAGE
            offset += address % PAGE if congruent else 24
            size = len(content)
            body += bytes(offset - header_size - len(body)) + content
        table += struct.pack(
            "<IIQQQQQQ", 1, flags, offset, address, address, size, memory or size, PAGE
        )
    header = {
        "klass": 2,
        "data": 1,
        "type": 2,
        "machine": 243,
        "entsize": 56,
        "count": len(segments),
    }
    header.update(fields)
    ident = struct.pack("<4sBBBB8x", b"\x7fELF", header["klass"], header["data"], 1, 0)
    rest = struct.pack(
        "<HHIQQQIHHHHHH",
        *(header["type"], header["machine"], 1, entry, 64, 0, 0, 64),
        *(header["entsize"], header["count"], 64, 0, 0),
    )
    return ident + rest + table + body


def checks_words(wanted: Sequence[Tuple[int, int]]) -> bytes:
    """A program that exits with 42 when each of these words (address below USER_END, value: 32 bits) is as it says,
    else with 1."""
    code: List[int] = []
    for address, value in wanted:
        # t0: address; lw t0, 0(t0); lui t1; addiw t1
        code += [*load_address(address), 0x0002A283, *load_immediate(6, value)]
        code += [0x00628863]  # beq t0, t1, +16
        code += [0x00100513, 0x05D00893, 0x00000073]  # li a0, 1; li a7, 93; ecall
    return words(*code) + EXIT_42


def load_immediate(register: int, value: int) -> List[int]:
    """lui and addiw: a number of 32 bits (sign-extended) in a register."""
    low = value & 0xFFF
    high = (value + 0x800 >> 12) & 0xFFFFF
    return [
        high << 12 | register << 7 | 0x37,
        low << 20 | register << 15 | register << 7 | 0x1B,
    ]


def load_address(address: int) -> List[int]:
    """An address below USER_END in t0."""
    low = (address & 0xFFF ^ 0x800) - 0x800
    code = load_immediate(5, address - low >> 12)
    code += [0x00C29293]  # slli t0, t0, 12
    return [*code, (low & 0xFFF) << 20 | 5 << 15 | 5 << 7 | 0x13]  # addi t0, t0, low


def access(kind: str, address: int) -> bytes:
    """Instructions that read, write or fetch at an address below USER_END; what is fetched there must return."""
    code = load_address(address)
    # lb t2, 0(t0); sb zero, 0(t0); jalr ra, 0(t0)
    return words(*code, {"read": 0x00028383, "write": 0x00028023, "fetch": 0x000280E7}[kind])


RETURN = words(0x00008067)


def unusual(drawing: random.Random) -> Dict[str, bytes]:
    """Program files that are unusual, and right, by name: each exits with 42 when its data are as they should be."""
    mark = drawing.randrange(1, 1 << 31)
    drawn = struct.pack("<I", mark)
    at = 0x20000 + drawing.randrange(900, 1000) * 4  # late in a page: 9,000 bytes touch 4

    def data_at(address: int, memory: int, **options: bool) -> bytes:
        end = address + memory - 4
        code = checks_words([(address, mark), (address + 4, 0), (end & -4, 0)])
        return elf([(0x10000, code, None, RX), (address, drawn, memory, RW)], 0x10000, **options)

    last = (1 << 30) - PAGE  # a segment that ends where a table does
    many: List[Segment] = [(0x30000 + n * PAGE, drawn, PAGE, RW) for n in range(80)]
    ends = checks_words([(0x30000 + n * PAGE, mark) for n in (0, 4, 32, 64, 79)])
    nothing: List[Segment] = [(0x50000, b"", 0, RW)] * 300
    far = 0x1234567000 + drawing.randrange(900) * 4  # beyond 4 GiB, as the program itself
    far_code = checks_words([(far, mark), (far + 4, 0), (far + 8996 & -4, 0)])
    top = USER_END - PAGE  # the last page that a program can have
    top_code = checks_words([(top, mark), (USER_END - 4, 0)])
    only_bss = checks_words([(0x40000, 0), (0x42FF8, 0)])
    return {
        "begins-in-a-page": data_at(at, 9000),
        "bss-to-the-end-of-a-page": data_at(0x20000, PAGE),
        "ends-with-a-table": data_at(last, PAGE),
        "high-first": elf(
            [(at, drawn, 100, RW), (0x10000, checks_words([(at, mark)]), None, RX)], 0x10000
        ),
        "many-segments": elf([*many, (0x10000, ends, None, RX)], 0x10000),
        "only-bss": elf([(0x10000, only_bss, None, RX), (0x40000, b"", 3 * PAGE, RW)], 0x10000),
        "beyond-4-gib": elf(
            [(0x2100010000, far_code, None, RX), (far, drawn, 9000, RW)], 0x2100010000
        ),
        "after-300-headers": elf([*nothing, (0x10000, EXIT_42, None, RX)], 0x10000),
        "up-to-the-end": elf([(0x10000, top_code, None, RX), (top, drawn, PAGE, RW)], 0x10000),
        "nothing-in-one": elf([(0x10000, EXIT_42, None, RX), (0x50000, b"", 0, RW)], 0x10000),
    }


def large_text(size: int) -> bytes:
    """What the program `writes large SIZE` writes (user/programs/writes.c): lines of 63 characters, each drawn
    from the line's number."""
    return b"".join(_line(number) for number in range((size + 63) // 64))[:size]


@functools.lru_cache(maxsize=None)
def _line(number: int) -> bytes:
    text, state = bytearray(), number
    for _ in range(63):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        text.append(ord("!") + (state >> 16) % 94)
    return bytes(text) + b"\n"
