"""Runs that need not be repeated: the key of a machine's run, and its record as bytes, for the store (store.py).

A run is kept when its record is a function of its key, and the guest ended it.  A run with a disk or with typed input is
never kept: the host decides when the disk answers and when the input arrives.  A run that we ended is not kept either
(at its budget, at a cap, by a loss of power): the host decided at which instruction.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from grader import store, view

if TYPE_CHECKING:
    from grader.machine import Boot, Record

LENGTH = struct.Struct("<I")  # of the JSON text that follows; after that come the bytes
FOR_TOOLS = {"jobs"}  # fields of Boot that do not change the machine


def key(boot: "Boot") -> Optional[str]:
    """The hash of everything that a run's record depends on; None for a run that must not be kept."""
    if boot.disk or boot.typed or boot.count or boot.power_lost:
        return None
    identity = store.identity()
    if identity is None:
        return None
    parts: List[Any] = [identity]
    try:
        for field in dataclasses.fields(boot):
            value = getattr(boot, field.name)
            if field.name in ("kernel", "archive"):
                value = store.file_hash(value)
            elif isinstance(value, Path):  # its content would have to be hashed, too
                return None
            if field.name not in FOR_TOOLS:
                parts.append((field.name, value))
    except OSError:  # the boot will report it
        return None
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def may_be_kept(record: "Record") -> bool:
    """Did the guest end this run, and not the grader or the host?"""
    by_host = any(
        event.get("event") == "SHUTDOWN" and not event.get("data", {}).get("guest")
        for event in record.events
    )
    return not (record.exceeded or record.failure or record.image or by_host)


def pack(record: "Record") -> bytes:
    """A record as bytes."""
    blobs = [record.console, record.traps, *record.kept]
    seen = [(each.pc, each.sp, each.satp, each.rows) for each in record.views]
    checkpoints = [
        (each.pid, each.name, _of_view(each.user), _of_view(each.kernel), each.stack, each.areas)
        for each in record.checkpoints
    ]
    head = {
        "events": record.events,
        "registers": record.registers,
        "halted": record.halted,
        "exceeded": record.exceeded,
        "failure": record.failure,
        "checkpoints": checkpoints,
        "views": seen,
        "ticks": record.ticks,
        "instructions": record.instructions,
        "wall_seconds": record.wall_seconds,
    }
    text = json.dumps([head, [len(blob) for blob in blobs]], separators=(",", ":")).encode()
    return b"".join([LENGTH.pack(len(text)), text, *blobs])


def _of_view(seen: view.View) -> Any:
    return seen.pc, seen.sp, seen.satp, seen.rows


def _view(pc: int, sp: int, satp: int, rows: List[Any]) -> view.View:
    return view.View(pc, sp, satp, [view.Row(*row) for row in rows])


def unpack(data: bytes) -> Optional[Dict[str, Any]]:
    """The fields of the record that pack() made these bytes from; None for other bytes."""
    try:
        (length,) = LENGTH.unpack_from(data)
        at = LENGTH.size + length
        head, sizes = json.loads(data[LENGTH.size : at])
        blobs = []
        for size in sizes:
            blobs.append(data[at : at + size])
            at += size
        if at != len(data):
            return None
        head["console"], head["traps"], *head["kept"] = blobs
        head["views"] = [_view(*each) for each in head["views"]]
        head["checkpoints"] = [
            view.Checkpoint(
                pid, name, _view(*user), _view(*kernel), stack, [view.Area(*a) for a in areas]
            )
            for pid, name, user, kernel, stack, areas in head["checkpoints"]
        ]
        return dict(head)
    except (ValueError, LookupError, TypeError, struct.error):
        return None


def find(wanted: Optional[str]) -> Optional[Dict[str, Any]]:
    """The fields of the record that is kept under a key, if there is one."""
    data = store.get(wanted) if wanted else None
    return unpack(data) if data is not None else None


def keep(wanted: Optional[str], boot: "Boot", record: "Record") -> None:
    """Keep the record of this run under its key, unless a file changed during the run: either version may have run."""
    if wanted and may_be_kept(record) and key(boot) == wanted:
        store.put(wanted, pack(record))
