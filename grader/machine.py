"""One machine: QEMU with a kernel and an archive, from power-on to its end.

QEMU runs with -icount and a seed, so that a run's output, guest time and trap log are the same
whatever the host does meanwhile.  We read the console, the trap log and QEMU's monitor (QMP) as they
come, and end the run when guest time exceeds the budget or a stream exceeds its cap.

Facts this leans on, all of QEMU 7.2 to 10: see docs/architecture.md, "The machine".
"""

from __future__ import annotations

import array
import contextlib
import enum
import fcntl
import json
import mmap
import os
import re
import selectors
import signal
import socket
import struct
import tempfile
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from grader import bounded, device_tree, kept_runs, programs, qemu_template, store, view
from grader.build import need
from grader.gdbstub import Lost, Stub
from grader.launcher import GONE, launcher
from grader.paths import BUILD, GraderGaveUp
from grader.trap_log import TrapLog

TICKS_PER_SECOND = 10_000_000  # of the time CSR; hw/riscv/virt.c
BOOT_INSTRUCTIONS = 25_000_000
MTIME = 0x200BFF8  # the CLINT's clock, what the time CSR shows

MEMORY_START = 0x80000000

# Where QEMU tells the firmware what to do: the last but one field of struct fw_dynamic_info, behind the ten words
# of the reset code (hw/riscv/boot.c, include/hw/riscv/boot_opensbi.h), and the option that has it print nothing.
FIRMWARE_OPTIONS = 0x1000 + 10 * 4 + 4 * 8
NO_BOOT_PRINTS = 1

WFI = 0x10500073  # the instruction

# The last instruction of QEMU's reset code, `jr t0` to the firmware (hw/riscv/boot.c), and unused memory behind it.
RESET_JUMP, RESET_FREE = 0x1014, 0x1100
CLOCKS = BUILD / "clocks"

CONSOLE_MAX = 768 << 10
COMPLAINTS_MAX = 4 << 10  # of QEMU's
EVENTS_MAX = 1000  # of QEMU's monitor
REPLY_MAX = 64 << 20  # of QEMU's monitor: the list of a page table
PIPE_SIZE = 1 << 20
PIECE = 64 << 10  # of a disk's image, or of what comes through pipes
F_SETPIPE_SZ = 1031  # fcntl(2); Python names it from 3.10 on
PUMP_SECONDS = 0.02  # how often the pipes are drained
POLL_SECONDS = 0.05  # how often a silent machine is asked for its time
WATCHDOG_SECONDS = 600.0  # for a host that has something else to do
CHECKPOINTS_MAX = 256
FIRST_REPORT = b" boot: "  # kernel/boot/kmain.c
CODE_SIZE = 16  # bytes by which a place in a program is known
# QEMU's heap begins with 6 MiB: in huge pages, one heap for all threads, a boot has a quarter fewer page faults.
TUNABLES = f"glibc.malloc.hugetlb=1:glibc.malloc.top_pad={8 << 20}:glibc.malloc.arena_max=1"
QEMU_MEMORY = 8 << 30
QEMU_FILE = 64 << 20
QEMU_CPU_SECONDS = 60  # the longest runs of the labs take 5
KERNEL_START = 0x80200000  # kernel/kernel.ld


class Outcome(enum.Enum):
    """How a run ended, as told by the machine itself."""

    POWER_OFF = "powered off in order"
    EARLY_OFF = "powered off early"
    PANIC = "kernel panic"
    NO_HANDLER = "trap without a handler"
    SILENT = "never started"
    RESET = "reset loop"
    DEADLOCK = "deadlock"
    LIVELOCK = "livelock"
    LOST_TIMER = "lost timer"
    TRAP_LOOP = "trap loop"
    FLOOD = "flood"
    OVERTIME = "too slow"


@dataclass(frozen=True)
class Boot:
    """What to run.

    shift: an instruction takes 2^shift ns of guest time; budget: guest seconds until the run is
    ended; memory: MiB; entropy: QEMU's -seed; keep: addresses and sizes of guest memory to keep as it
    is at the end; count: count instructions (by QEMU's record mode, which is slower).
    checkpoints: addresses at which the machine is looked at, when a program gets there that has this code
    there, and again when its next system call has led to the address dispatch of the kernel; layout:
    where the kernel says how its structs are laid out (view.py); kernel_stops: addresses of the kernel
    at which the machine is looked at, too.
    disk: image of the machine's disk, whole sectors; the run gets a copy of its own (a person at the
    console does not).  When a disk answers depends on the host, so such runs are not the same bit by bit:
    some 20 us of guest time after it was asked; with count at the next event of a timer, 5 to 10 ms.
    power_lost: how many lines there are on the console behind the kernel's first report when QEMU is killed, at
    once, whatever it does just then; 0: it is not.
    typed: what somebody types, in turn: each text as soon as the console has shown something, behind what was
    awaited before.  When it arrives depends on the host, so such runs are not the same bit by bit, either; and their
    budget begins anew whenever some of it has been typed, or has arrived.
    clock: ticks that the clock shows at power-on, as if the machine had been on for so long already.
    """

    kernel: Path
    archive: Path
    arguments: str
    shift: int = 3
    budget: float = 1.0
    memory: int = 128
    entropy: int = 1
    keep: Tuple[Tuple[int, int], ...] = ()
    count: bool = False
    checkpoints: Tuple[Tuple[int, bytes], ...] = ()
    dispatch: int = 0
    layout: int = 0
    kernel_stops: Tuple[int, ...] = ()
    disk: Optional[Path] = None
    disk_read_only: bool = False
    power_lost: int = 0
    typed: Tuple[Tuple[bytes, bytes], ...] = ()
    code: Optional[
        Tuple[int, int]
    ] = None  # [start, end): log what is executed there (probe_log.py)
    clock: int = 0
    jobs: Tuple[str, ...] = ()  # the deck, for tools

    @property
    def stops(self) -> Tuple[int, ...]:
        """Where the machine is to stand still."""
        return tuple(dict.fromkeys(address for address, _ in self.checkpoints)) + self.kernel_stops


@dataclass
class Record:
    """What a run left behind.

    kept: what Boot.keep asked for; checkpoints, views: what was seen at Boot.checkpoints, and at
    Boot.kernel_stops; when we ended it, ticks: guest time then, instructions: how many
    it had executed (with Boot.count); image: of the disk, as it was at the end.
    """

    console: bytes = b""
    traps: bytes = b""
    events: List[Dict[str, Any]] = field(default_factory=list)
    registers: str = ""
    halted: bool = False
    exceeded: str = ""  # "time", "console", "traps", "reply" or "cpu" when we ended it
    failure: str = ""  # why QEMU did not take the kernel, or not to an end
    kept: List[bytes] = field(default_factory=list)
    checkpoints: List[view.Checkpoint] = field(default_factory=list)
    views: List[view.View] = field(default_factory=list)
    ticks: int = 0
    instructions: int = 0
    image: Optional[mmap.mmap] = None
    wall_seconds: float = 0.0

    @property
    def disk(self) -> bytes:
        """What was on the disk at the end; b"" without one.  It is read when it is asked for."""
        return self.image[:] if self.image else b""


@dataclass(frozen=True)
class Ends:
    """What connects QEMU with us: the numbers of its file descriptors, behind the usual three."""

    monitor: int = 3
    traps: int = 4
    memory: int = 5
    replay: int = 6
    debugger: int = 7
    firmware: int = 8  # eight bytes, for FIRMWARE_OPTIONS
    disk: int = 9  # if there is one


def _disk_words(boot: Boot, file: str, own: bool) -> List[str]:
    """QEMU's options for a disk whose image is this file, which nobody else uses if it is our own."""
    options = ["driver=raw", "node-name=disk0", "file.driver=file", "file.aio=threads"]
    options += ["file.filename=" + file.replace(",", ",,")]
    options += [f"read-only={'on' if boot.disk_read_only else 'off'}"]
    if own:
        # No need to lock it, or to wait until it is on a disk of the host's.
        options += ["file.locking=off", "cache.no-flush=on"]
    words = ["-blockdev", ",".join(options), "-device", "virtio-blk-device,drive=disk0"]
    return words + ["-global", "virtio-mmio.force-legacy=false"]


def _clock_setter(ticks: int) -> Path:
    """A file for QEMU's loader: the reset code sets the clock before it jumps to the firmware."""
    path = CLOCKS / f"{ticks}.elf"
    if not path.is_file():
        # lui t1, 0x200c; auipc t2, 0; ld t2, 20(t2); sd t2, -8(t1) (MTIME); jr t0; nop
        words = (0x0200C337, 0x00000397, 0x0143B383, 0xFE733C23, 0x00028067, 0x00000013)
        setter = struct.pack("<6IQ", *words, ticks)
        jump = struct.pack("<I", (RESET_FREE - RESET_JUMP) << 20 | 0x6F)  # jal zero
        content = programs.elf([(RESET_JUMP, jump, None, 5), (RESET_FREE, setter, None, 5)], 0x1000)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(content)
        temporary.replace(path)
    return path


def command(boot: Boot, ends: Optional[Ends]) -> List[str]:
    """QEMU's command line.  Without file descriptors: for a person at the console."""
    words = [need("qemu-system-riscv64"), "-bios", "default", "-smp", "1"]
    words += ["-m", f"{boot.memory}M", "-nodefaults", "-display", "none", "-no-reboot"]
    words += ["-seed", str(boot.entropy), "-rtc", "clock=vm,base=2026-01-01"]
    words += ["-kernel", str(boot.kernel), "-initrd", str(boot.archive)]
    words += ["-append", boot.arguments]
    if boot.clock:
        words += ["-device", f"loader,file={_clock_setter(boot.clock)}"]
    # For a person guest time waits for real time; for the grader it runs ahead.
    icount = f"shift={boot.shift},sleep={'off' if ends else 'on'}"
    if not ends:
        words += ["-machine", "virt", "-icount", icount]
        if boot.disk:
            words += _disk_words(boot, str(boot.disk), own=False)
    else:
        if boot.count:
            icount += f",rr=record,rrfile=/dev/fd/{ends.replay}"
        words += ["-icount", icount]
        # The guest's memory is a file of ours, which outlives QEMU.
        backend = f"memory-backend-file,id=ram,size={boot.memory}M,share=on"
        words += ["-object", f"{backend},mem-path=/dev/fd/{ends.memory}"]
        words += ["-machine", "virt,memory-backend=ram"]
        words += ["-dtb", str(device_tree.of_machine(boot.memory))]
        # The firmware's banner is for a person at the console: without it a boot takes 5 % less.
        loaded = f"file=/dev/fd/{ends.firmware},addr={FIRMWARE_OPTIONS:#x}"
        words += ["-device", f"loader,{loaded},force-raw=on"]
        # A heartbeat: with sleep=off and no timer at all, a `wfi` would hang QEMU itself.
        words += ["-netdev", "hubport,id=beat,hubid=0"]
        words += ["-object", "filter-buffer,id=beat0,netdev=beat,interval=10000"]
        words += [
            "-chardev",
            f"socket,id=qmp,fd={ends.monitor}",
            "-mon",
            "chardev=qmp,mode=control",
        ]
        words += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
        words += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny"]
        words += ["-d", "int,in_asm" if boot.code else "int", "-D", f"/dev/fd/{ends.traps}"]
        if boot.code:
            words += ["-dfilter", f"{boot.code[0]:#x}..{boot.code[1] - 1:#x}"]
        if boot.disk:
            words += _disk_words(boot, f"/dev/fd/{ends.disk}", own=True)
        if boot.stops:
            words += ["-S", "-chardev", f"socket,id=gdb,fd={ends.debugger}", "-gdb", "chardev:gdb"]
    return words


def _memory_file(size: int) -> int:
    """A file without a name, of so many zero bytes that take no room; its descriptor."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("rung", 0)
    else:  # pragma: no cover - not Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def _memory_copy(path: Path) -> int:
    """A file without a name with the content of this one; its descriptor.  What is zero takes no room."""
    copy = _memory_file(path.stat().st_size)
    zeros = bytes(PIECE)
    with path.open("rb") as file:
        at = 0
        while piece := file.read(PIECE):
            if piece != zeros[: len(piece)]:
                os.pwrite(copy, piece, at)
            at += len(piece)
    return copy


class _Running:
    """A QEMU process and the three streams that come out of it."""

    def __init__(self, boot: Boot):
        self.boot = boot
        self.record = Record()
        self._disk = _memory_copy(boot.disk) if boot.disk else -1
        self._monitor, monitor_child = socket.socketpair()
        trap_read, trap_write = os.pipe()
        console_read, console_write = os.pipe()
        keyboard_read, self._keyboard = os.pipe()
        self._complaints, complaints_write = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        self._memory = _memory_file(boot.memory << 20)
        replay = _memory_file(0)
        firmware = _memory_file(8)
        os.pwrite(firmware, NO_BOOT_PRINTS.to_bytes(8, "little"), 0)
        debugger, debugger_child = socket.socketpair()
        # In the order of their numbers: the usual three, and Ends.
        ends = [keyboard_read if boot.typed else nothing, console_write, complaints_write]
        ends += [monitor_child.fileno(), trap_write, self._memory, replay]
        ends += [debugger_child.fileno(), firmware, *([self._disk] if boot.disk else [])]
        # A write beyond its limit would fail, to a disk too, which cannot grow anyway.
        file_max = max(QEMU_FILE, os.fstat(self._disk).st_size if boot.disk else 0)
        for pipe in (trap_read, console_read, self._complaints):
            with contextlib.suppress(OSError):  # a smaller pipe only costs time
                fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_SIZE)
        try:
            self.process = launcher().start(
                command(boot, Ends()),
                ends,
                {**os.environ, "GLIBC_TUNABLES": TUNABLES},
                memory=QEMU_MEMORY,
                file_size=file_max,
                cpu_seconds=QEMU_CPU_SECONDS,
                template=qemu_template.library(),
            )
        except OSError as error:
            raise GraderGaveUp(f"QEMU could not be started: {error}") from None
        finally:
            monitor_child.close()
            debugger_child.close()
            for each in (nothing, console_write, complaints_write, trap_write, keyboard_read):
                os.close(each)
            os.close(replay)
            os.close(firmware)
        self._console, self._traps = console_read, trap_read
        self._console_chunks: List[bytes] = []
        self._trap_log = TrapLog()
        self._console_size = 0
        self.complaint = b""
        self._buffer = memoryview(bytearray(PIECE))  # os.read() would have a new one each time
        self._to_type, self._heard = list(boot.typed), 0
        self._typed = self._arrived = 0  # bytes: all that was typed, and what of it QEMU has read
        self._pending: List[bytes] = []  # the pieces of a line of the monitor's
        self._pending_size = 0
        self._replies: Dict[int, Any] = {}
        self._next_id = 1
        for stream in (self._console, self._traps, self._complaints, self._monitor.fileno()):
            os.set_blocking(stream, False)
        # We sleep on the monitor alone, which says little and ends with QEMU.  Console and trap log
        # come a byte or a line at a time: their pipes are large, and drained now and then.
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._monitor, selectors.EVENT_READ)
        if boot.power_lost or boot.typed:
            self._selector.register(self._console, selectors.EVENT_READ)
        self.ended = False
        self._send("qmp_capabilities")
        self._debugger = debugger
        self._stub = Stub(debugger)
        self._user_view: Optional[view.View] = None  # of the checkpoint that has been reached
        if boot.stops:
            self._selector.register(debugger, selectors.EVENT_READ)
            with self._heeding_the_end():
                self._await_stop()

    # -- streams

    def _send(self, execute: str, **arguments: object) -> int:
        number, self._next_id = self._next_id, self._next_id + 1
        message = {"execute": execute, "id": number, "arguments": arguments}
        try:
            self._monitor.send(json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # it has just ended; its streams will tell
        return number

    def _monitor_data(self, data: bytes) -> None:
        first, *others = data.split(b"\n")
        self._pending.append(first)
        self._pending_size += len(first)
        for piece in others:
            self._message(b"".join(self._pending))
            self._pending, self._pending_size = [piece], len(piece)

    def _message(self, line: bytes) -> None:
        if not line.strip():
            return
        message = json.loads(line)
        if "event" in message:
            if len(self.record.events) < EVENTS_MAX or message["event"] == "SHUTDOWN":
                self.record.events.append(message)
        elif "id" in message:
            self._replies[message["id"]] = message.get("return")

    def _pieces(self, stream: int) -> Iterator[bytes]:
        """All that a pipe holds."""
        while True:
            try:
                length = os.readv(stream, [self._buffer])
            except BlockingIOError:
                return
            if length == 0:
                return
            yield bytes(self._buffer[:length])

    def _drain(self) -> None:
        """Take what has come.  QEMU waits for whoever does not read what it writes."""
        for piece in self._pieces(self._console):
            self._console_chunks.append(piece)
            self._console_size += len(piece)
            if self._console_size > CONSOLE_MAX:
                break
        for piece in self._pieces(self._traps):
            self._trap_log.feed(piece)
            if self._trap_log.looping:
                break
        self._hear_complaints()

    def _hear_complaints(self) -> None:
        for piece in self._pieces(self._complaints):
            self.complaint += piece[: COMPLAINTS_MAX - len(self.complaint)]

    def _pump(self) -> bool:
        """Wait a moment, and take what has come.  False when QEMU has ended."""
        ready = [] if self.ended else self._selector.select(PUMP_SECONDS)
        if any(key.fileobj is self._monitor for key, _ in ready):
            try:
                data = self._monitor.recv(PIECE)
            except OSError:
                data = b""
            self._monitor_data(data)
            self.ended = not data
        if not self.ended and any(key.fileobj is self._debugger for key, _ in ready):
            self._at_breakpoint()
        self._drain()
        if self._to_type:
            self._type()
        return not self.ended

    def _type(self) -> None:
        """Type the next text, if what it awaits has come."""
        shown = b"".join(self._console_chunks)
        self._console_chunks = [shown]
        while self._to_type:
            awaited, text = self._to_type[0]
            at = shown.find(awaited, self._heard)
            if at < 0:
                return
            self._heard = at + len(awaited)
            self._to_type.pop(0)
            with contextlib.suppress(BrokenPipeError):  # it has just ended; its streams will tell
                # A pipe holds more than anybody types.
                self._typed += os.write(self._keyboard, text)

    def _typing_goes_on(self) -> bool:
        """Has anything arrived of what was typed since this was asked before?"""
        if self._typed == 0:
            return False
        waiting = array.array("i", [0])
        fcntl.ioctl(self._keyboard, termios.FIONREAD, waiting)
        before, self._arrived = self._arrived, self._typed - waiting[0]
        return self._arrived != before

    # -- the monitor

    def ask(self, execute: str, **arguments: object) -> Any:
        """One QMP command and its result; None when QEMU ended meanwhile."""
        number = self._send(execute, **arguments)
        patience = time.monotonic() + WATCHDOG_SECONDS
        while number not in self._replies:
            if not self._pump() or self._over_cap():
                return None
            if time.monotonic() > patience:
                raise GraderGaveUp("QEMU does not answer its monitor")
        return self._replies.pop(number)

    def ask_human(self, line: str) -> str:
        """A command of QEMU's own monitor, and its text."""
        return str(self.ask("human-monitor-command", **{"command-line": line}) or "")

    def ticks(self) -> Optional[int]:
        """Guest time in ticks, or None when QEMU has ended."""
        match = re.search(r"0x([0-9a-f]+)\s*$", self.ask_human(f"xp /1gx {MTIME:#x}").strip())
        return int(match[1], 16) if match else None

    # -- the run

    def _over_cap(self) -> str:
        if self._console_size > CONSOLE_MAX:
            return "console"
        if self._pending_size > REPLY_MAX:
            return "reply"
        return "traps" if self._trap_log.looping else ""

    def _power_is_lost(self) -> bool:
        if not self.boot.power_lost:
            return False
        _, _, behind = b"".join(self._console_chunks).partition(FIRST_REPORT)
        return behind.count(b"\n") > self.boot.power_lost

    def run(self) -> Record:
        started = time.monotonic()
        next_poll = started + POLL_SECONDS
        budget = self.boot.clock + int(self.boot.budget * TICKS_PER_SECOND)
        while self._pump():
            if self._over_cap():
                break
            if self._power_is_lost():
                self.process.kill()
                break
            now = time.monotonic()
            if now < next_poll:
                continue
            next_poll = now + POLL_SECONDS
            if now - started > WATCHDOG_SECONDS:
                raise GraderGaveUp(f"{WATCHDOG_SECONDS:.0f} s of host time were not enough")
            ticks = self.ticks()
            if ticks is not None and self._typing_goes_on():
                budget = ticks + int(self.boot.budget * TICKS_PER_SECOND)
            if ticks is not None and ticks > budget:
                self.record.exceeded, self.record.ticks = "time", ticks
                self._look()
                break
        self.record.exceeded = self.record.exceeded or self._over_cap()
        self.record.console = b"".join(self._console_chunks)
        self.record.traps = self._trap_log.content()
        self.record.kept = [self._read_memory(*each) for each in self.boot.keep]
        self.record.wall_seconds = time.monotonic() - started
        return self.record

    # -- checkpoints

    @contextlib.contextmanager
    def _heeding_the_end(self) -> Iterator[None]:
        """Around talking with the debugger: that QEMU has ended shows at the monitor, too."""
        try:
            yield
        except Lost:
            self._selector.unregister(self._debugger)

    def _await_stop(self) -> None:
        """Let the machine run until a program is at a checkpoint, or the kernel where it is to stop."""
        for address in self.boot.stops:
            self._stub.breakpoint(address, True)
        self._stub.go_on()

    def _step(self) -> None:
        """Step over a breakpoint; none is set then.  No interrupt comes in between."""
        for address in self.boot.stops:
            self._stub.breakpoint(address, False)
        self._stub.step()

    def _await_kernel(self) -> None:
        """From a checkpoint, let it run until its system call has got to the kernel."""
        self._step()
        self._stub.breakpoint(self.boot.dispatch, True)
        self._stub.go_on()

    def _at_breakpoint(self) -> None:
        """The machine stands at a checkpoint, or in the kernel right behind one: look, and go on."""
        with self._heeding_the_end():
            self._stub.stopped()
            registers = self.ask_human("info registers")
            seen = view.parse(registers, self.ask_human("info mem"))
            if self._is_checkpoint(seen.pc):
                self._user_view = seen
                self._await_kernel()
                return
            if seen.pc in self.boot.stops:  # of the kernel, or another program has something there
                if seen.pc in self.boot.kernel_stops and len(self.record.views) < CHECKPOINTS_MAX:
                    self.record.views.append(seen)
                self._step()
                self._await_stop()
                return
            if self._user_view and len(self.record.checkpoints) < CHECKPOINTS_MAX:
                a0 = re.search(r"\bx10/a0\s+([0-9a-f]+)", registers)
                task = int(a0[1], 16) if a0 else 0
                self.record.checkpoints.append(
                    view.checkpoint(
                        self._read_memory, self.boot.layout, task, self._user_view, seen
                    )
                )
            self._user_view = None
            self._stub.breakpoint(self.boot.dispatch, False)
            self._await_stop()

    def _is_checkpoint(self, pc: int) -> bool:
        """Does a program run here that has a checkpoint at pc, and not another's code?"""
        wanted = [code for address, code in self.boot.checkpoints if address == pc]
        if not wanted:
            return False
        text = self.ask_human(f"x /{CODE_SIZE}bx {pc:#x}")
        # The next page may be missing.
        code = bytes(int(byte, 16) for byte in re.findall(r"\b0x([0-9a-f]{2})\b", text))
        return len(code) >= 4 and any(each.startswith(code) for each in wanted)

    def _read_memory(self, address: int, size: int) -> bytes:
        """Guest memory by physical address; while it runs, or after its end.  Fewer bytes, or none,
        where there is no memory."""
        end = MEMORY_START + (self.boot.memory << 20)
        if not MEMORY_START <= address < end:
            return b""
        return os.pread(self._memory, min(size, end - address), address - MEMORY_START)

    def _look(self) -> None:
        """Stop the machine and keep what tells a deadlock from a livelock."""
        self.ask("stop")
        if self.boot.count:
            replay = self.ask("query-replay")
            self.record.instructions = replay["icount"] if replay else 0
            self.record.ticks = self.ticks() or 0
        self.record.registers = self.ask_human("info registers")
        pc = re.search(r"\bpc\s+([0-9a-f]+)", self.record.registers)
        if pc:
            # A CPU that waits in wfi has its pc behind it.
            word = self.ask_human(f"x /1wx {int(pc[1], 16) - 4:#x}").strip()
            self.record.halted = word.endswith(f"{WFI:#010x}")

    def close(self) -> str:
        """End QEMU whatever state it is in; returns the beginning of what it wrote to stderr."""
        if not self.ended:
            self.process.kill()
        self.process.wait()
        self._hear_complaints()
        os.close(self._complaints)
        self._selector.close()
        self._monitor.close()
        self._debugger.close()
        os.close(self._console)
        os.close(self._keyboard)
        os.close(self._traps)
        os.close(self._memory)
        if self._disk >= 0:
            # Only now: QEMU finishes what has been asked for before it ends.
            if os.fstat(self._disk).st_size > 0:
                self.record.image = mmap.mmap(self._disk, 0, access=mmap.ACCESS_READ)
            os.close(self._disk)
        return self.complaint.decode(errors="replace")


def boot_seconds(shift: int) -> float:
    """Guest seconds that certainly lie behind when a kernel's first program runs: the firmware takes
    some 6 million instructions, and other versions of it more."""
    return float(BOOT_INSTRUCTIONS << shift) / 1e9


def room(boot: Boot) -> int:
    """Where the kernel's image has to end: QEMU puts the archive half of the memory behind where it begins
    (hw/riscv/boot.c)."""
    return KERNEL_START + (min(boot.memory, 256) << 20) // 2


def image_end(kernel: Path) -> int:
    """The first physical address behind what an ELF file is loaded to, with all its variables; 0 if it is none.

    Source: ELF-64 Object File Format 1.5, ELF header and program headers.
    """
    with kernel.open("rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:4] != b"\x7fELF":
            return 0
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        headers = file.read(size * count)
    end = 0
    for at in range(0, len(headers) - 55, max(size, 56)):
        kind, _, _, _, address, _, in_memory = struct.unpack_from("<IIQQQQQ", headers, at)
        if kind == 1 and in_memory:  # PT_LOAD
            end = max(end, address + in_memory)
    return end


# Has the machine powered off: lui a0, 0x100; lui a1, 5; addi a1, a1, 0x555; sw a1, 0(a0); j .
_POWER_OFF = struct.pack("<5I", 0x00100537, 0x000055B7, 0x55558593, 0x00B52023, 0x0000006F)


def _control_kernel() -> Path:
    """A kernel that does nothing but power the machine off."""
    path = BUILD / "control.elf"
    header = b"\x7fELF\2\1\1".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, KERNEL_START, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    size = len(_POWER_OFF)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 120, KERNEL_START, KERNEL_START, size, size, 4)
    content = header + segment + _POWER_OFF
    if not (path.is_file() and path.read_bytes() == content):
        bounded.write(path, content)
    return path


def _control(boot: Boot) -> str:
    """Does a kernel of ours get the same machine to its end on this host?  Returns nothing, or what is in the way."""
    ours = Boot(
        _control_kernel(),
        boot.archive,
        "",
        shift=boot.shift,
        memory=boot.memory,
        disk=boot.disk,
        disk_read_only=boot.disk_read_only,
    )
    running = _Running(ours)
    try:
        running.run()
    finally:
        complaint = running.close()
    if running.process.returncode == 0:
        return ""
    return _last_words(complaint) or f"its status: {running.process.returncode}"


# What QEMU says of the heartbeat, and when it stops at a breakpoint while no timer is set.
USUAL_WARNINGS = ("has no peer", "icount sleep disabled and no active timers")


def _last_words(complaint: str) -> str:
    """The last thing that QEMU has complained of."""
    lines = [line.strip() for line in complaint.splitlines()]
    unusual = [line for line in lines if not any(each in line for each in USUAL_WARNINGS)]
    return next((line for line in reversed(unusual) if line), "")


def run(boot: Boot) -> Record:
    """Run a machine to its end, or return the kept record of the same run (kept_runs.py).  Raises GraderGaveUp when the
    host, not the kernel, is at fault."""
    key = kept_runs.key(boot)
    found = kept_runs.find(key)
    if found is not None:
        store.count("kept")
        return Record(**found)
    record, in_order = _run(boot)
    if in_order:
        kept_runs.keep(key, boot, record)
    return record


def _run(boot: Boot) -> Tuple[Record, bool]:
    """Boot a machine.  Returns its record, and whether QEMU ended without an error or an unusual warning: when the host
    ends it, its exit status is 0, but it prints a line."""
    beyond = image_end(boot.kernel) - room(boot)
    if beyond > 0:
        too_large = Record(
            failure=f"the kernel with all its variables is larger than the memory before the archive, by"
            f" {(beyond + 1023) >> 10:,} KiB, on a machine with {boot.memory} MiB"
        )
        return too_large, False
    store.count("booted")
    running = _Running(boot)
    try:
        record = running.run()
    except BaseException:
        running.close()
        raise
    complaint = running.close()
    status = running.process.wait()
    if record.exceeded or not running.ended or status == 0:
        return record, running.ended and status == 0 and not _last_words(complaint)
    if status == GONE:
        raise GraderGaveUp("QEMU was ended by force: is there memory enough?")
    if status == -signal.SIGXCPU:
        record.exceeded = "cpu"
        record.failure = (
            f"QEMU took more than {QEMU_CPU_SECONDS} s of the host's processor time for it: the kernel does"
            " over and over what is slow for an emulator"
        )
    elif status < 0 or not record.console:
        # The guest can choose QEMU's exit status, and can lead it into an error.  So could the host.
        in_the_way = _control(boot)
        if in_the_way:
            raise GraderGaveUp(f"QEMU does not run on this host: {in_the_way}")
        if status < 0:
            record.failure = f"the kernel has led QEMU into an error (signal {-status})"
        elif _last_words(complaint) and not record.traps:
            record.failure = f"QEMU does not start with this kernel: {_last_words(complaint)}"
    return record, False


def words_for_shell(words: Sequence[str]) -> str:
    """A command line that can be pasted into a shell."""
    import shlex

    return " ".join(shlex.quote(word) for word in words)
