"""The store: results of earlier work, each under a hash of everything that it depends on, in build/runs/.

A key is a SHA-256 over all inputs of the value.  It includes code_identity() and machine_identity(), and the content of
each file, never its path.

The directory is ours, but a file in it may be truncated, garbled, or of another version.  Each file has a checksum; a
file whose checksum is wrong counts as missing.  A write may fail (full disk, read-only directory).  After the first
failure this process writes no more.  So a store that is broken costs a run more, and never changes a verdict.

The size is bounded.  Each entry adds its size to a count.  When the count reaches SCAN_AFTER, the process that notices
scans the directory and removes the entries that have not been used for longest.  Several graders need no lock: an entry
appears whole or not at all, two entries of one key are equal, and a file that is already gone needs no removal.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Tuple

from grader import bounded
from grader.build import need
from grader.paths import BUILD, ROOT, GraderError

RUNS = BUILD / "runs"
MAGIC = b"rung store 1\n"
ENTRY_MAX = 16 << 20  # bytes of a file
CONTENT_MAX = 64 << 20  # bytes of what is kept in it
SIZE_MAX = 256 << 20  # bytes of all files
SCAN_AFTER = SIZE_MAX // 8
BLOCK = 4 << 10  # what a small file takes on a disk
USED_SECONDS = 600  # the time of last use is written at most that often
ABANDONED_SECONDS = 3600  # an unfinished file of this age is removed

# A file system's clock is coarse: a file that changed a moment ago may change again with the same time stamp.
SETTLED_NS = 100_000_000

FIRMWARE = "opensbi-riscv64-generic-fw_dynamic.bin"  # -bios default; hw/riscv/boot.c
QEMU_SECONDS = 60
QEMU_SAID_MAX = 64 << 10
# Variables that change which QEMU runs, or what it loads: ld.so(8).
HEEDED = ("LD_", "QEMU_")

_LOADED_NS = time.time_ns()
_writing = True  # until it fails


def wanted() -> bool:
    """Is the store in use?  STORE=off ($RUNG_STORE) turns it off."""
    word = os.environ.get("RUNG_STORE", "")
    if word not in ("", "on", "off"):
        raise GraderError(f"STORE={bounded.one_line(word, bounded.NAME_SHOWN)}: it is on or off")
    return word != "off"


# ---- entries ---------------------------------------------------------------------------------


def _path(key: str) -> Path:
    return RUNS / key[:2] / key


def _checksum(key: str, body: bytes) -> bytes:
    """Covers the key, so that an entry under another name counts as missing."""
    return hashlib.sha256(key.encode() + body).digest()


def get(key: str) -> Optional[bytes]:
    """The content that is kept under a key; None when it is missing or damaged."""
    if not wanted():
        return None
    path = _path(key)
    try:
        # Does not wait for the other end of a FIFO.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            used = os.fstat(descriptor).st_mtime
            data = file.read(ENTRY_MAX)
    except OSError:
        return None
    head, body = data[: len(MAGIC) + 32], data[len(MAGIC) + 32 :]
    if head != MAGIC + _checksum(key, body):
        return None
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(body, CONTENT_MAX)
    except (zlib.error, MemoryError):
        return None
    if not decompressor.eof:
        return None
    if time.time() - used > USED_SECONDS:
        with contextlib.suppress(OSError):  # a read-only directory
            os.utime(path)
    return content


def put(key: str, content: bytes) -> None:
    """Keep content under a key, if it can be written."""
    global _writing
    if not _writing or not wanted() or len(content) > CONTENT_MAX:
        return
    body = zlib.compress(content, 1)
    data = MAGIC + _checksum(key, body) + body
    if len(data) > ENTRY_MAX:
        return
    path = _path(key)
    temporary = path.with_name(f"{key}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        grown = _grow(len(data))
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        if grown >= SCAN_AFTER:
            prune()
    except OSError:
        _writing = False


# ---- the bound -------------------------------------------------------------------------------


def _count_file() -> Path:
    return RUNS / "grown"


def _grow(size: int) -> int:
    """Count an entry of so many bytes.  Returns how many bytes were written since the last scan.

    The count is the length of a file, one byte for each block, so two processes can count at once.
    """
    descriptor = os.open(
        _count_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666
    )
    try:
        os.write(descriptor, b"." * -(-size // BLOCK))
        return os.fstat(descriptor).st_size * BLOCK
    finally:
        os.close(descriptor)


def _entries() -> List[Tuple[float, int, Path]]:
    """Time of last use, size and path of each file.  Removes abandoned unfinished files on the way."""
    found = []
    for name in bounded.names_in(RUNS, 1 << 10):
        if len(name) != 2:
            continue
        for entry in bounded.names_in(RUNS / name, 1 << 20):
            path = RUNS / name / entry
            with contextlib.suppress(OSError):  # removed by another grader, or not removable
                known = path.lstat()
                if entry.endswith(".new") and time.time() - known.st_mtime > ABANDONED_SECONDS:
                    path.unlink()
                else:
                    room = -(-known.st_size // BLOCK) * BLOCK
                    found.append((known.st_mtime, room, path))
    return found


def prune() -> None:
    """Remove the entries that have not been used for longest, and leave room for what comes before the next scan."""
    os.truncate(_count_file(), 0)
    entries = _entries()
    size = sum(room for _, room, _ in entries)
    if size <= SIZE_MAX - SCAN_AFTER:
        return
    for _, room, path in sorted(entries):
        if size <= SIZE_MAX - 2 * SCAN_AFTER:
            break
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            size -= room


# ---- parts of keys ---------------------------------------------------------------------------


Known = Tuple[str, int, int, int, int, int]

_hashes: Dict[Known, str] = {}


def _known(path: Path) -> Tuple[Known, bool]:
    """What identifies a file's content while this process runs, and whether a change now would show in that."""
    of = path.stat()
    identity = (str(path), of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)
    return identity, time.time_ns() - max(of.st_mtime_ns, of.st_ctime_ns) > SETTLED_NS


def file_hash(path: Path) -> str:
    """The hash of a file's content.  The file is read again only when it has changed."""
    known, settled = _known(path)
    if known in _hashes:
        return _hashes[known]
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if settled and _known(path)[0] == known:
        _hashes[known] = found
    return found


@functools.lru_cache(maxsize=None)
def code_identity() -> str:
    """The hash of the grader's code (grader/*.py, grader/*.c) and of the version of Python; "" when the files may differ from the
    code that runs here, because they changed after it was loaded."""
    whole = hashlib.sha256(sys.version.encode())
    try:
        directory = ROOT / "grader"
        for path in sorted([*directory.glob("*.py"), *directory.glob("*.c")]):
            of = path.stat()
            if max(of.st_mtime_ns, of.st_ctime_ns) > _LOADED_NS - SETTLED_NS:
                return ""
            whole.update(f"\n{path.name} {of.st_size}\n".encode() + path.read_bytes())
    except OSError:
        return ""
    return whole.hexdigest()


@functools.lru_cache(maxsize=None)
def _qemu(known: Known) -> Tuple[str, Tuple[str, ...]]:
    """The hash of a QEMU, and the directories where it looks for firmware; "" for a script, which may start any QEMU."""
    key = hashlib.sha256(repr(("qemu", known)).encode()).hexdigest()
    with contextlib.suppress(ValueError, TypeError):
        digest, *directories = json.loads(get(key) or b"")
        return str(digest), tuple(map(str, directories))
    content = Path(known[0]).read_bytes()
    if not content.startswith(b"\x7fELF"):
        return "", ()
    digest = hashlib.sha256(content).hexdigest()
    said, status = bounded.run([known[0], "-L", "help"], QEMU_SAID_MAX, QEMU_SECONDS, errors=False)
    directories = said.decode(errors="surrogateescape").splitlines() if status == 0 else []
    put(key, json.dumps([digest, *directories]).encode())
    return digest, tuple(directories)


def machine_identity() -> str:
    """The hash of QEMU and its firmware; "" when they are not known, so that nothing is kept.

    QEMU's shared libraries are not included: they emulate nothing."""
    try:
        known, settled = _known(Path(need("qemu-system-riscv64")))
        digest, directories = _qemu(known) if settled else ("", ())
        # QEMU takes a file of that name in its own directory first: the launcher starts it in the tree's.
        for directory in (str(ROOT), *directories):
            firmware = Path(directory) / FIRMWARE
            if digest and firmware.exists():
                heeded = sorted(each for each in os.environ.items() if each[0].startswith(HEEDED))
                parts = (digest, file_hash(firmware), heeded)
                return hashlib.sha256(repr(parts).encode()).hexdigest()
    except (OSError, ValueError, bounded.TooLong):
        pass
    return ""


def identity() -> Optional[Tuple[str, str]]:
    """What each key of a result begins with: code_identity() and machine_identity(); None when nothing is to be kept."""
    if not wanted():
        return None
    code, machine = code_identity(), machine_identity()
    return (code, machine) if code and machine else None


# ---- counts of runs --------------------------------------------------------------------------

_counts = {"booted": 0, "kept": 0}
_counts_lock = threading.Lock()


def count(what: str) -> None:
    """Count a run that was "booted", or one that was "kept"."""
    with _counts_lock:
        _counts[what] += 1


def counted() -> int:
    """How many runs there have been since the counts were taken."""
    with _counts_lock:
        return sum(_counts.values())


def take_counts() -> Dict[str, int]:
    """How many runs were booted, and how many kept ones were used, since the last call."""
    with _counts_lock:
        taken = dict(_counts)
        for what in _counts:
            _counts[what] = 0
    return taken


def merge(others: Mapping[str, int]) -> None:
    """Add the counts of another process of ours."""
    with _counts_lock:
        for what, number in others.items():
            _counts[what] += number


def _in_child() -> None:
    """A forked process counts from 0, with a lock of its own: no thread in it would release the parent's."""
    global _counts_lock
    _counts_lock = threading.Lock()
    take_counts()


os.register_at_fork(after_in_child=_in_child)
