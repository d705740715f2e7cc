"""What a part's object file may contain: judged by sections, symbols and relocations, not by how its source reads.

A part is linked with the given kernel, so what the linker script collects by name (slots, lists, the first code of the
kernel) and what the linker resolves by name can be reached by a part's sections and symbols.  Macros, aliases, versions and
directives of the assembler all end there.
Source: ELF-64 Object File Format 1.5; kernel/kernel.ld, kernel/include/slot.h.
"""

from __future__ import annotations

import functools
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Tuple

ALLOC, WRITE, EXECUTE, GROUP, TLS = 2, 1, 4, 0x200, 0x400  # sh_flags
PROGBITS, SYMTAB, STRTAB, RELA, NOBITS = 1, 2, 3, 4, 8  # sh_type
ATTRIBUTES = 0x70000003  # SHT_RISCV_ATTRIBUTES
UNDEFINED, ABSOLUTE, COMMON = 0, 0xFFF1, 0xFFF2  # st_shndx
LOCAL, GLOBAL, WEAK = 0, 1, 2  # binding
KINDS = {0, 1, 2, 3, 4}  # no type, object, function, section, file: no TLS, no IFUNC
R_RISCV_64 = 2
FILE_SYMBOL = 4
RELOCATABLE, RISCV = 1, 243

# By name, what kernel.ld puts into the kernel's segments from a part; `.text.start` comes before _start.
_PLAIN = re.compile(r"\.(s?rodata|text|s?data|s?bss)(\.[\w.$-]+)?|\.eh_frame")
_TRAMPOLINE = re.compile(r"\.trampoline\.(save|restore)")
_SLOT = re.compile(r"\.slots\.(\w+)\.(\d{1,2})")
_LIST = re.compile(r"\.(trap_handlers|initcalls|exit_hooks)\.(\d{1,2})")
# What is not loaded: it tells debuggers and people.
_BESIDE = re.compile(
    r"\.(debug_\w+|comment|note\.GNU-stack|riscv\.attributes|symtab|strtab|shstrtab)"
)
_LEVEL = re.compile(r"(\w+)_level_(\d+)")

SLOT_ENTRY = 56  # sizeof(struct slot_entry): kernel/include/slot.h
SLOT_LEVEL = 40  # offsetof(struct slot_entry, level)
LISTS = {"trap_handlers": "TRAP_HANDLER", "initcalls": "INITCALL", "exit_hooks": "EXIT_HOOK"}


class Unreadable(Exception):
    """No object file that we can read."""


@dataclass(frozen=True)
class Section:
    name: str
    type: int
    flags: int
    offset: int
    size: int
    info: int
    entry_size: int


@dataclass(frozen=True)
class Symbol:
    name: str
    kind: int
    binding: int
    section: int
    value: int
    size: int

    @property
    def exported(self) -> bool:
        """Does the object define this name for others?"""
        return self.binding != LOCAL and self.section != UNDEFINED


@dataclass(frozen=True)
class Relocation:
    offset: int
    type: int
    symbol: Symbol
    addend: int


class Object:
    """An object file, as far as we judge it."""

    def __init__(self, path: Path):
        self.data = path.read_bytes()
        try:
            self._read()
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise Unreadable(f"{path.name} is no object file: {error}") from None

    def _read(self) -> None:
        if self.data[:4] != b"\x7fELF":
            raise ValueError("no ELF file")
        kind, machine = struct.unpack_from("<HH", self.data, 16)
        if (kind, machine) != (RELOCATABLE, RISCV):
            raise ValueError("not for this machine")
        (table,) = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, table + n * size) for n in range(count)]
        self.sections = [
            Section(self._text(raw[names][4] + r[0]), r[1], r[2], r[4], r[5], r[7], r[9])
            for r in raw
        ]
        self._raw: List[Tuple[Any, ...]] = []
        self._strings = 0
        for section, r in zip(self.sections, raw):
            if section.type == SYMTAB:
                self._strings = raw[r[6]][4]
                self._raw = list(struct.iter_unpack("<IBBHQQ", self.content(section)))

    def _text(self, at: int) -> str:
        return self.data[at : self.data.index(b"\0", at)].decode(errors="replace")

    def symbol(self, number: int) -> Symbol:
        """Symbol number so and so."""
        name, info, _, where, value, length = self._raw[number]
        return Symbol(self._text(self._strings + name), info & 15, info >> 4, where, value, length)

    @functools.cached_property
    def symbols(self) -> List[Symbol]:
        """All symbols but the compiler's own labels, of which there are thousands."""
        start = self._strings
        return [
            self.symbol(n)
            for n, (name, info, *_) in enumerate(self._raw)
            if info != 0 or self.data[start + name : start + name + 2] != b".L"
        ]

    def content(self, section: Section) -> bytes:
        """A section's bytes; none for one that has only a size."""
        if section.type == NOBITS:
            return b""
        return self.data[section.offset : section.offset + section.size]

    def relocations(self, number: int) -> List[Relocation]:
        """What is to be put into section number so and so."""
        found = []
        for section in self.sections:
            if section.type == RELA and section.info == number:
                for at in range(section.offset, section.offset + section.size, 24):
                    where, info, addend = struct.unpack_from("<QQq", self.data, at)
                    symbol = self.symbol(info >> 32)
                    found.append(Relocation(where, info & 0xFFFFFFFF, symbol, addend))
        return found


def _slot_objection(part: Object, number: int, slot: str, lab: int) -> str:
    """What is wrong with entries for a slot."""
    section = part.sections[number]
    content = part.content(section)
    if section.type != PROGBITS or section.size % SLOT_ENTRY != 0:
        return f"{section.name} does not hold what PROVIDE() makes"
    winners = {r.offset: r for r in part.relocations(number)}
    for at in range(0, section.size, SLOT_ENTRY):
        (level,) = struct.unpack_from("<i", content, at + SLOT_LEVEL)
        winner = winners.get(at)
        if level != lab:
            return f"{section.name} holds an entry of level {level}: a part of lab {lab} serves at level {lab}"
        if (
            winner is None
            or winner.type != R_RISCV_64
            or winner.addend
            or winner.symbol.name != slot
        ):
            return f"{section.name} holds an entry that is not for the slot {slot}"
    wanted = f"{slot}_level_{lab}"
    if not any(
        s.name == wanted and s.section not in (UNDEFINED, ABSOLUTE, COMMON) for s in part.symbols
    ):
        return f"{section.name} does not hold what PROVIDE() makes"
    return ""


def _section_objection(part: Object, number: int, lab: int, trampoline: bool) -> str:
    section = part.sections[number]
    name, kind, flags = section.name, section.type, section.flags
    if kind == 0 or (kind == RELA and not flags & ALLOC):
        return ""
    refused = f"the section {name}: a part has code, data, and what the macros of the headers make"
    if flags & (GROUP | TLS):
        return refused
    if not flags & ALLOC:
        beside = _BESIDE.fullmatch(name) and kind in (PROGBITS, SYMTAB, STRTAB, ATTRIBUTES)
        return "" if beside else refused
    if kind not in (PROGBITS, NOBITS):
        return refused
    slot, listed = _SLOT.fullmatch(name), _LIST.fullmatch(name)
    if slot or listed or name == ".syscalls":
        if flags & (WRITE | EXECUTE) == EXECUTE | WRITE:
            return refused
    if slot:
        if int(slot[2]) != lab:
            return f"PROVIDE({slot[1]}, {slot[2]}, …): a part of lab {lab} serves at level {lab}"
        return _slot_objection(part, number, slot[1], lab)
    if listed:
        if int(listed[2]) > lab:
            return (
                f"{LISTS[listed[1]]}(…) at level {listed[2]}: a part of lab {lab} has level {lab}"
                " at most"
            )
        return ""
    if name == ".syscalls":
        return ""
    known = _PLAIN.fullmatch(name) or trampoline and _TRAMPOLINE.fullmatch(name)
    if not known or name == ".text.start":
        return refused
    code = name.startswith((".text", ".trampoline"))
    if bool(flags & EXECUTE) != code and section.size > 0 or flags & WRITE and code:
        return refused
    return ""


def _symbol_objection(symbol: Symbol, lab: int) -> str:
    name = symbol.name
    if name.startswith(("probe_", "__wrap_", "__real_")):
        begin = name[: name.index("_", 2) + 1]
        return f"{name}: names that begin with {begin} are the probes', which look at a part from outside"
    if "@" in name:
        return f"{name}: a part's symbols have no versions"
    if symbol.kind not in KINDS or symbol.binding not in (LOCAL, GLOBAL, WEAK):
        return f"{name}: a symbol of a kind that C has not (type {symbol.kind}, binding {symbol.binding})"
    if symbol.section == COMMON:
        return f"{name}: a common symbol, which could be any variable of the kernel's"
    if symbol.section == ABSOLUTE and symbol.binding != LOCAL:
        return f"{name}: a global symbol that is a number"
    level = _LEVEL.fullmatch(name)
    if level and symbol.section != UNDEFINED and int(level[2]) != lab:
        return f"PROVIDE({level[1]}, {level[2]}, …): a part of lab {lab} serves at level {lab}"
    return ""


def defined(path: Path) -> Dict[str, int]:
    """The names that an object file defines for others, with the binding of each: GLOBAL or WEAK."""
    return {symbol.name: symbol.binding for symbol in Object(path).symbols if symbol.exported}


def _function_objection(symbol: Symbol, definers: Mapping[str, str], task: str) -> str:
    """What is wrong with a part's definition of a function that the given kernel has a default of."""
    definer = definers.get(symbol.name)
    if definer is None or not symbol.exported:
        return ""
    if definer != task:
        return f"defines {symbol.name}(), which {definer} defines"
    if symbol.binding == WEAK:
        return f"{symbol.name}() is weak here: without that attribute it replaces the given one"
    return ""


def objection(
    path: Path,
    lab: int,
    trampoline: bool = False,
    definers: Mapping[str, str] = MappingProxyType({}),
    task: str = "",
) -> str:
    """Why a part of this lab may not be linked, for people; nothing when it may.

    trampoline: it is included there.  definers: which task defines a function that the given kernel has a default of;
    task: whose part this is, in the same words.
    """
    try:
        part = Object(path)
        for symbol in part.symbols:
            wrong = _function_objection(symbol, definers, task)
            if wrong:
                return wrong
        return _objection(part, lab, trampoline)
    except (Unreadable, struct.error, IndexError, ValueError) as error:
        return f"{path.name} is no object file that can be read: {error}"


def _objection(part: Object, lab: int, trampoline: bool) -> str:
    for symbol in part.symbols:
        wrong = _symbol_objection(symbol, lab)
        if wrong:
            return wrong
    for number in range(len(part.sections)):
        wrong = _section_objection(part, number, lab, trampoline)
        if wrong:
            return wrong
    return ""
