"""What an ELF file says: addresses of symbols, lines of addresses, relocations."""

from __future__ import annotations

import functools
import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Sequence

from grader import bounded
from grader.paths import ROOT, GraderError

PLACES_MAX = 64 << 10  # bytes of what addr2line says
PLACE_SHOWN = 300  # characters of a function's name, or of a place

ECALL = b"\x73\x00\x00\x00"
# R_RISCV_JAL, R_RISCV_CALL, R_RISCV_CALL_PLT, R_RISCV_RVC_JUMP: RISC-V ELF psABI.
CALLS = (17, 18, 19, 45)


@dataclass(frozen=True)
class Facts:
    """What we ask of a linked program or kernel.

    symbols: address by name; start, end: the addresses it is linked for, to page boundaries;
    ecalls: where its text holds an ecall instruction; calls: the functions that it calls, by the relocations
    that were kept (a program's).
    """

    symbols: Dict[str, int]
    start: int
    end: int
    ecalls: List[int]
    calls: List[str]


def _read_facts(path: Path) -> Facts:
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection

    with path.open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        calls = {
            table.get_symbol(entry["r_info_sym"]).name
            for section in elf.iter_sections()
            if isinstance(section, RelocationSection)
            for entry in section.iter_relocations()
            if entry["r_info_type"] in CALLS
        }
        names = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols() if symbol.name}
        segments = [
            (segment["p_vaddr"], segment["p_vaddr"] + segment["p_memsz"])
            for segment in elf.iter_segments()
            if segment["p_type"] == "PT_LOAD" and segment["p_memsz"] > 0
        ]
        text = elf.get_section_by_name(".text")
        data, base = text.data(), text["sh_addr"]
    ecalls, at = [], data.find(ECALL)
    while at >= 0:
        if at % 2 == 0:
            ecalls.append(base + at)
        at = data.find(ECALL, at + 1)
    start = min(segment[0] for segment in segments) & ~0xFFF
    end = (max(segment[1] for segment in segments) + 0xFFF) & ~0xFFF
    return Facts(names, start, end, ecalls, sorted(calls))


@functools.lru_cache(maxsize=None)
def facts(path: Path) -> Facts:
    """What an ELF file says.  Kept beside it as JSON: reading that takes a tenth of the time."""
    kept = path.with_name(path.name + ".facts")
    identity = [path.stat().st_mtime_ns, path.stat().st_size]
    try:
        data = json.loads(kept.read_text())
        if data["identity"] == identity:
            del data["identity"]
            return Facts(**data)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = _read_facts(path)
    bounded.write(kept, json.dumps({"identity": identity, **asdict(found)}).encode())
    return found


def address(path: Path, name: str) -> int:
    """The address of a symbol; GraderError when the file has none of this name."""
    try:
        return facts(path).symbols[name]
    except KeyError:
        raise GraderError(f"{path.name} has no symbol {name}") from None


def function_at(path: Path, pc: int) -> str:
    """The name of what a pc lies in: the symbol before it, but for the assembler's own labels; "" without one."""
    symbols = facts(path).symbols.items()
    before = [(at, name) for name, at in symbols if at <= pc and not name.startswith((".", "$"))]
    return max(before)[1] if before else ""


def code(path: Path, address: int, size: int) -> bytes:
    """So many bytes that a program file has for an address, fewer where its segment ends.

    Source: ELF-64 Object File Format 1.5, ELF header and program headers.
    """
    content = path.read_bytes()
    (table,) = struct.unpack_from("<Q", content, 32)
    entry_size, count = struct.unpack_from("<HH", content, 54)
    for n in range(count):
        _, _, offset, start, _, in_file = struct.unpack_from(
            "<IIQQQQ", content, table + n * entry_size
        )
        if start <= address < start + in_file:
            at = offset + address - start
            return content[at : min(at + size, offset + in_file)]
    return b""


def relocations_beyond(path: Path, begin: str, end: str) -> List[str]:
    """What an object's code between two labels refers to outside of it.

    Code that was put elsewhere (.subsection, .section) counts as well, as nothing tells it apart
    but its place; only the one instruction that may stand behind `end` is the given file's.
    Nothing, where the object has no such labels because its code stays at one address.
    """
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile
    from elftools.elf.relocation import RelocationSection

    with path.open("rb") as file:
        elf = ELFFile(file)
        table = elf.get_section_by_name(".symtab")
        if table.get_symbol_by_name(begin) is None:
            return []
        first, last = table.get_symbol_by_name(begin)[0], table.get_symbol_by_name(end)[0]
        home = first["st_shndx"]
        found: List[str] = []
        for section in elf.iter_sections():
            if not isinstance(section, RelocationSection):
                continue
            place = elf.get_section(section["sh_info"])
            if not place["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                continue
            for entry in section.iter_relocations():
                given = section["sh_info"] == home and entry["r_offset"] == last["st_value"]
                # Without a symbol it is a note for the linker (R_RISCV_RELAX, R_RISCV_ALIGN).
                if given or entry["r_info_sym"] == 0:
                    continue
                target = table.get_symbol(entry["r_info_sym"])
                inside = first["st_value"] <= target["st_value"] <= last["st_value"]
                if not (target["st_shndx"] == home and inside):
                    found.append(_name(elf, target))
        return list(dict.fromkeys(found))


def _name(elf: Any, symbol: Any) -> str:
    """A symbol's name for people: local ones of the assembler have none that a student wrote."""
    name = str(symbol.name)
    if name and not name.startswith(".L"):
        return name
    place = symbol["st_shndx"]
    return f"a label in {elf.get_section(place).name}" if isinstance(place, int) else "a label"


def lines_of(kernel: Path, addresses: Sequence[int], addr2line: str) -> List[str]:
    """ "function (file:line)" for each address, by the debug information."""
    if not addresses:
        return []
    command = [addr2line, "-f", "-e", str(kernel), *[hex(value) for value in addresses]]
    said = bounded.output_of(command, PLACES_MAX)
    found = [
        _place(line.partition(" (discriminator")[0]) for line in bounded.lines(said, PLACE_SHOWN)
    ]
    return [f"{function} ({place})" for function, place in zip(found[0::2], found[1::2])]


def _place(name: str) -> str:
    """A file's name as students know it.  Parts in assembly are known by the name of their copy."""
    for beginning in ("./", f"{ROOT}/"):
        if name.startswith(beginning):
            return name[len(beginning) :]
    before, inside, rest = name.partition("/parts/")
    return rest if inside and "/kernels/" in before else name


def functions(path: Path) -> List[str]:
    """The functions that an object file defines, in the order of their addresses."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = [
            (symbol["st_value"], symbol.name)
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_shndx"] != "SHN_UNDEF"
        ]
    return [name for _, name in sorted(found)]


def weak(path: Path) -> FrozenSet[str]:
    """The functions of an ELF file that any other definition would have replaced."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        return frozenset(
            symbol.name
            for symbol in table.iter_symbols()
            if symbol["st_info"]["type"] == "STT_FUNC"
            and symbol["st_info"]["bind"] == "STB_WEAK"
            and symbol["st_shndx"] != "SHN_UNDEF"
        )
