"""Writing the archive that a kernel gets as its initrd: the "newc" format of cpio(5)."""

from __future__ import annotations

from typing import Mapping

MODE_FILE = 0o100644
MODE_PROGRAM = 0o100755


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _member(inode: int, name: str, mode: int, data: bytes) -> bytes:
    encoded = name.encode() + b"\0"
    # inode, mode, uid, gid, links, mtime, size, 4 x device, name size, checksum: all reproducible
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _pad(header + encoded) + _pad(data)


def archive(files: Mapping[str, bytes]) -> bytes:
    """An archive of these files, in this order.

    files: path without a leading slash -> content; what is in bin/ becomes executable.
    """
    members = [
        _member(inode, name, MODE_PROGRAM if name.startswith("bin/") else MODE_FILE, data)
        for inode, (name, data) in enumerate(files.items(), start=1)
    ]
    return b"".join(members) + _member(0, "TRAILER!!!", 0, b"")
