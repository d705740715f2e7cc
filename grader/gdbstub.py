"""The other end of QEMU's gdbstub, as far as breakpoints need it: stop the machine at an instruction.

A breakpoint is an address, in whatever space the CPU is; memory is not written to.  The machine stops
before it executes the instruction, at the same guest time in every run.
Source: "GDB Remote Serial Protocol", appendix E of Debugging with GDB.
"""

from __future__ import annotations

import socket

ANSWER_SECONDS = 60.0


class Lost(Exception):
    """QEMU has ended, or does not answer."""


class Stub:
    """A connection to a machine that waits for its first command (QEMU's -S).

    Whatever QEMU hears while the machine runs stops it, an acknowledgement too: so every command is
    waited for, and nothing is said before the machine has stopped by itself.
    """

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.socket.settimeout(ANSWER_SECONDS)

    def _read(self, end: bytes, more: int) -> bytes:
        """What comes up to `end` and so many bytes behind it."""
        data = b""
        while end not in data or len(data) < data.index(end) + 1 + more:
            try:
                byte = self.socket.recv(1)
            except OSError:
                byte = b""
            if not byte:
                raise Lost
            data += byte
        return data

    def _send(self, command: str) -> None:
        """Send a packet, and wait until it has arrived."""
        checksum = sum(command.encode()) & 0xFF
        try:
            self.socket.sendall(f"${command}#{checksum:02x}".encode())
        except OSError:
            raise Lost from None
        self._read(b"+", 0)

    def _answer(self) -> bytes:
        """Read a packet, and say that it has arrived."""
        _, begun, packet = self._read(b"#", 2).partition(b"$")
        if not begun:  # no packet of the protocol's
            raise Lost
        try:
            self.socket.sendall(b"+")
        except OSError:
            raise Lost from None
        answer = packet[:-3]
        if answer.startswith((b"W", b"X")):  # the machine has ended
            raise Lost
        return answer

    def breakpoint(self, address: int, on: bool) -> None:
        """Set a breakpoint at an address, or take it away; the machine must stand still."""
        self._send(f"{'Z' if on else 'z'}0,{address:x},2")
        self._answer()

    def go_on(self) -> None:
        """Let the machine run.  When it stops, there is something to read: see stopped()."""
        self._send("c")

    def step(self) -> None:
        """Have the machine execute one instruction, undisturbed by interrupts."""
        self._send("s")
        self._answer()

    def stopped(self) -> None:
        """Read that the machine has stopped."""
        self._answer()
