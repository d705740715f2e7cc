"""The device tree of a graded machine: QEMU's own, without what nobody on it asks for.

The firmware goes through the whole tree for each of its drivers.  QEMU's has a PCI bus, flash chips, slots for eight
disks; without them a boot takes a tenth less.  `make run` starts the machine with the whole tree.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
from pathlib import Path
from typing import FrozenSet, Iterator, Tuple

from grader.build import need
from grader.paths import BUILD, GraderError

TREES = BUILD / "trees"
QEMU_SECONDS = 60  # by the host's clock: for one that hangs

# By the names of nodes, without their addresses.  What firmware or kernel read stays: memory, CPU, clock, console,
# interrupt controllers, power-off, boot arguments.  The disk is where the kernel expects it (kernel/include/platform.h).
UNUSED = frozenset(
    ["cpu-map", "flash", "fw-cfg", "pci", "platform-bus", "pmu", "rtc", "virtio_mmio"]
)

# Devicetree Specification 0.4, chapter 5.
MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")


def _tokens(blob: bytes, at: int, end: int) -> Iterator[Tuple[int, str, bytes]]:
    """The structure block of a tree: each token, a node's name, and all of its bytes."""
    while at < end:
        begin, name = at, ""
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            close = blob.index(b"\0", at)
            name = blob[at:close].decode("ascii")
            at = close + 1
        elif token == PROPERTY:
            at += 8 + struct.unpack_from(">I", blob, at)[0]
        elif token not in (END_NODE, NOP, END):
            raise ValueError(f"token {token} at byte {begin}")
        at = (at + 3) & -4
        yield token, name, blob[begin:at]


def without(blob: bytes, unused: FrozenSet[str]) -> bytes:
    """A flattened device tree without the nodes of these names (what comes before the @), and all below them, in no
    more bytes than it needs.  Raises ValueError for what is no tree."""
    if len(blob) < HEADER.size:
        raise ValueError(f"it has {len(blob)} bytes")
    (
        magic,
        _,
        at,
        strings,
        reserved,
        version,
        compatible,
        cpu,
        strings_size,
        size,
    ) = HEADER.unpack_from(blob)
    if magic != MAGIC:
        raise ValueError(f"it begins with {magic:#x}")
    kept, depth, dropped = b"", 0, 0  # dropped: the depth of the node that is being left out, or 0
    for token, name, piece in _tokens(blob, at, at + size):
        depth += token == BEGIN_NODE
        if token == BEGIN_NODE and not dropped and name.partition("@")[0] in unused:
            dropped = depth
        if not dropped:
            kept += piece
        if token == END_NODE:
            dropped = 0 if dropped == depth else dropped
            depth -= 1
    # Of what is reserved there is a list of address and size, up to one of zeros.
    close = reserved
    while any(blob[close : close + 16]):
        close += 16
    reservations, names = blob[reserved : close + 16], blob[strings : strings + strings_size]
    at = HEADER.size + len(reservations)
    total = at + len(kept) + len(names)
    return (
        HEADER.pack(
            *(magic, total, at, at + len(kept), HEADER.size),
            *(version, compatible, cpu, len(names), len(kept)),
        )
        + reservations
        + kept
        + names
    )


def of_machine(memory: int) -> Path:
    """The file with the tree of a machine with so many MiB of memory; made when this QEMU is first asked for it.

    Raises GraderError when QEMU has none to give.
    """
    qemu = Path(need("qemu-system-riscv64"))
    known = qemu.stat()
    identity = f"{qemu} {known.st_size} {known.st_mtime_ns} {sorted(UNUSED)}"
    path = TREES / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}-{memory}.dtb"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    command = [str(qemu), "-machine", f"virt,dumpdtb={temporary}", "-m", f"{memory}M", "-smp", "1"]
    try:
        done = subprocess.run(
            [*command, "-nodefaults", "-display", "none", "-seed", "1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=QEMU_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ValueError(done.stdout.decode(errors="replace").strip() or "no reason given")
        temporary.write_bytes(without(temporary.read_bytes(), UNUSED))
        temporary.replace(path)
    except (OSError, ValueError, struct.error, subprocess.TimeoutExpired) as error:
        raise GraderError(f"{qemu} does not tell its device tree: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path
