"""Runs that need not be run again: what a machine's run depends on as a key, and its record as bytes (store.py).

A run is kept when it is a function of what is in its key, and has ended by itself.  With a disk, or with somebody who
types, it is not: when either answers depends on the host.  When we end a run, at its budget or at a cap, or cut its
power, the host decides at which instruction.
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

LENGTH = struct.Struct("<I")  # of what is JSON, behind it; behind that the bytes
FOR_TOOLS = {"jobs"}  # fields of Boot that no machine sees


def key(boot: "Boot") -> Optional[str]:
    """The hash of all that a run's record depends on; None when it is not to be kept."""
    if boot.disk or boot.typed or boot.count or boot.power_lost or not store.wanted():
        return None
    identity = store.code_identity(), store.machine_identity()
    if not all(identity):
        return None
    parts: List[Any] = [identity]
    try:
        for field in dataclasses.fields(boot):
            value = getattr(boot, field.name)
            if field.name in ("kernel", "archive"):
                value = store.file_hash(value)
            elif isinstance(value, Path):  # a file that nobody has thought of here
                return None
            if field.name not in FOR_TOOLS:
                parts.append((field.name, value))
    except OSError:  # who boots it will say
        return None
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def may_be_kept(record: "Record") -> bool:
    """Has the guest ended this run, neither we nor the host?"""
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
    """The fields of the record that these bytes are; None when they are none."""
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
    """Keep the record of this run under its key.  Not if a file has changed meanwhile: which one ran is not known."""
    if wanted and may_be_kept(record) and key(boot) == wanted:
        store.put(wanted, pack(record))
