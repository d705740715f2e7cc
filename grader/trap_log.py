"""QEMU's trap log as it comes: the first traps and the last ones are kept, and a trap loop is noticed.

A program that makes millions of calls has millions of traps, and is right.  A trap loop is one exception at one
instruction, about one address, again and again: whatever the kernel does about it changes nothing.
"""

from __future__ import annotations

import collections
import re
from typing import Deque, List

HEAD_MAX = 8 << 20  # bytes: some 60,000 traps
TAIL_MAX = 1 << 20
LINE_MAX = 4096
# So often does no kernel that gets anywhere meet one exception and nothing else but interrupts.
LOOP = 10_000

TRAP = re.compile(rb"async:(\d), cause:([0-9a-f]{16}), epc:0x([0-9a-f]{16}), tval:0x([0-9a-f]{16})")
_BEGINNING = b"async:"  # of every trap
_INTERRUPT = b"1"
_USER_CALL, _KERNEL_CALL = b"0000000000000008", b"0000000000000009"
_FIRMWARE = (b"00000000800", b"00000000801")  # how addresses below the kernel's begin


class TrapLog:
    """Takes the log piece by piece."""

    def __init__(self) -> None:
        self.looping = False
        self._head: List[bytes] = []
        self._tail: Deque[bytes] = collections.deque()
        self._head_size = self._tail_size = 0
        self._dropped = False
        self._rest = b""  # the beginning of a line
        self._traps = 0  # at most so many have come
        self._searched = False  # for a loop: when there are traps enough for one
        self._last = b""
        self._times = 0  # that it was the last exception
        self._calls = 0  # of the firmware, one after the other, with nothing in between

    def feed(self, piece: bytes) -> None:
        """Take the next piece.  What comes after a trap loop was noticed is dropped: how much that is, the host
        decides."""
        if self.looping:
            return
        text = self._rest + piece
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        if len(self._rest) > LINE_MAX:  # no line of QEMU's
            self._rest = b""
        whole = text[:end]
        if not self._searched:
            self._traps += whole.count(_BEGINNING)
            if self._traps < LOOP and self._head_size < HEAD_MAX:
                self._keep(whole)
                return
            self._searched = True
            for earlier in self._head:
                for found in TRAP.finditer(earlier):
                    self._is_loop(found)  # it is none yet
        for found in TRAP.finditer(whole):
            if self._is_loop(found):
                self.looping = True
                whole, self._rest = whole[: whole.index(b"\n", found.end()) + 1], b""
                break
        self._keep(whole)

    def _is_loop(self, found: "re.Match[bytes]") -> bool:
        interrupt, cause, epc = found.group(1, 2, 3)
        if cause == _KERNEL_CALL and interrupt != _INTERRUPT:
            # A tick of the timer leads to one, too, with an interrupt before it.
            self._calls += 1
            return self._calls >= LOOP
        self._calls = 0
        if interrupt == _INTERRUPT or epc.startswith(_FIRMWARE):
            return False
        if cause == _USER_CALL:  # a loop of a program's may call again and again from one place
            self._last, self._times = b"", 0
            return False
        if found[0] != self._last:
            self._last, self._times = found[0], 0
        self._times += 1
        return self._times >= LOOP

    def _keep(self, whole: bytes) -> None:
        if self._head_size < HEAD_MAX:
            self._head.append(whole)
            self._head_size += len(whole)
            return
        self._tail.append(whole)
        self._tail_size += len(whole)
        while self._tail_size - len(self._tail[0]) > TAIL_MAX:
            self._tail_size -= len(self._tail.popleft())
            self._dropped = True

    def content(self) -> bytes:
        """The log: all of it, or, where that was too much, how it begins and ends."""
        return b"".join([*self._head, *self._tail, self._rest])
