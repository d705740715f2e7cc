"""The trace ring: what the kernel's scheduler did, read from the machine's memory after a run.

The given kernel writes it (kernel/include/trace.h); the layout here is the one there.
"""

from __future__ import annotations

import enum
import struct
from typing import List, NamedTuple

EVENTS = 16384
_EVENT = struct.Struct("<QIHH")
SIZE = 8 + EVENTS * _EVENT.size
NO_JOB = 0xFFFF


class Kind(enum.IntEnum):
    """What happened to a task: enum trace_kind."""

    START = 1
    BEGIN = 2
    RUN = 3
    WAIT = 4
    WAKE = 5
    TIMER = 6
    IDLE = 7
    CALL = 8
    END = 9


KERNEL_PID = 1  # of the first process, which is the kernel's own


class Event(NamedTuple):
    """time: ticks since power-on; pid: KERNEL_PID for the kernel's own task; value: see trace.h."""

    time: int
    pid: int
    kind: Kind
    value: int


def parse(ring: bytes) -> List[Event]:
    """The events of a ring, oldest first; those of kinds that nobody knows are left out."""
    (count,) = struct.unpack_from("<Q", ring)
    first = max(0, count - EVENTS)
    events: List[Event] = []
    for n in range(first, count if count < 1 << 40 else first):
        time, pid, kind, value = _EVENT.unpack_from(ring, 8 + n % EVENTS * _EVENT.size)
        if kind in Kind._value2member_map_:
            events.append(Event(time, pid, Kind(kind), value))
    return events
