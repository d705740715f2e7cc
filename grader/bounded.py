"""Reading what others wrote, within bounds: files of a submission, output of tools, numbers, names.

Whatever is read here has a limit that is known before the first byte is read.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import stat
import subprocess
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from grader import check, sandbox

PIECE = 64 << 10
LINE_MAX = 2000  # characters of a line that are looked at
NAME_SHOWN = 120  # characters of a name in a sentence
SENTENCE_SHOWN = 500

# For tools that read what a compiler made of a submission (nm, addr2line).
TOOL_MEMORY = 1 << 30
TOOL_SECONDS = 10
TOOL_FILE = 1 << 20


class NotUsable(Exception):
    """A file cannot be used.  The message continues a sentence that begins with its name."""


def one_line(text: object, limit: int = SENTENCE_SHOWN) -> str:
    """Text as one line that can be shown safely: at most `limit` characters, control characters as escapes."""
    head = str(text)[: limit + 1]
    shown = check.readable(head).replace("\n", "\\n")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def number(digits: str, default: int = 0, base: int = 10, limit: int = 18) -> int:
    """A number that somebody else wrote; the default where it is none, or has more digits than `limit`."""
    if not 0 < len(digits) <= limit or not digits.isascii() or not digits.isalnum():
        return default
    try:
        return int(digits, base)
    except ValueError:
        return default


def lines(text: str, line_max: int = LINE_MAX) -> Iterator[str]:
    """The lines of a text, each cut at `line_max` characters."""
    for line in text.split("\n"):
        yield line[:line_max].rstrip("\r")


# ---- files -----------------------------------------------------------------------------------


def read_file(path: Path, limit: int, inside: Optional[Path] = None) -> bytes:
    """The content of a regular file of at most `limit` bytes.  inside: the directory that it has to lie in.

    What is checked is what is read: the file is opened first, without following a link at its end and without
    waiting for a device, and then looked at.  Raises NotUsable when the file cannot be used, and OSError when the
    host is short of something.
    """
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError:
        if path.is_symlink():
            raise NotUsable("is a link to nowhere") from None
        raise NotUsable("is missing") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, until Python 3.12
        raise _refusal(error) from None
    if inside is not None and not real.is_relative_to(inside.resolve()):
        raise NotUsable(
            f"is a link that leads out of {one_line(inside.name, NAME_SHOWN)}: not followed"
        )
    try:
        if not stat.S_ISREG(real.lstat().st_mode):  # opening a device may do something already
            raise NotUsable("is not a regular file")
        if not os.access(real, os.R_OK):
            raise NotUsable("cannot be read: permission denied")
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotUsable("is missing") from None
    except OSError as error:
        raise _refusal(error) from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        information = os.fstat(descriptor)
        if not stat.S_ISREG(information.st_mode):
            raise NotUsable("is not a regular file")
        if inside is not None and not _still_at(descriptor, real):
            raise NotUsable("was exchanged while it was read")
        if information.st_size > limit:
            raise NotUsable(f"has more than {limit >> 10} KiB")
        content = b""
        while len(content) <= limit:
            piece = file.read(limit + 1 - len(content))
            if not piece:
                return content
            content += piece
    raise NotUsable(f"has more than {limit >> 10} KiB")


def _still_at(descriptor: int, path: Path) -> bool:
    """Is an open file the one at this path, where the system can tell?  A directory above may have become a link."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == str(path)
    except OSError:  # pragma: no cover - not Linux
        return True


# What is the host's fault and not the file's.
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EIO, errno.EDQUOT}


def is_shortage(error: BaseException) -> bool:
    """Does the host lack what the grader needs: memory, descriptors, room on a disk, processes?"""
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno in _SHORTAGES | {errno.EAGAIN}
    )


def _refusal(error: Exception) -> Exception:
    """Why a file cannot be read: NotUsable, or the OSError itself if the host is at fault."""
    if isinstance(error, OSError) and error.errno in _SHORTAGES:
        return error
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM):
        return NotUsable("cannot be read: permission denied")
    if isinstance(error, RuntimeError) or getattr(error, "errno", 0) == errno.ELOOP:
        return NotUsable("is a link that leads in a circle")
    return NotUsable(
        f"cannot be read: {getattr(error, 'strerror', None) or 'the path is unusable'}"
    )


def read_text(path: Path, limit: int) -> str:
    """The first `limit` bytes of a file that our tools wrote, as text; nothing if it is not there."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode(errors="replace")
    except FileNotFoundError:
        return ""


def write(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and leaves nothing behind if that fails."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def names_in(directory: Path, limit: int) -> List[str]:
    """Names of a directory's entries, in no order, at most `limit`; none if it cannot be listed."""
    found: List[str] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if len(found) == limit:
                    break
                found.append(entry.name)
    except OSError as error:
        if is_shortage(error):
            raise
    return found


# ---- output of tools -------------------------------------------------------------------------


class TooLong(Exception):
    """A command did not end in time."""


def run(
    command: Sequence[str],
    limit: int,
    seconds: float,
    environment: Optional[Dict[str, str]] = None,
    apply: Optional[Callable[[], None]] = None,
    errors: bool = True,
) -> Tuple[bytes, int]:
    """Run a command, stdout and (with `errors`) stderr in one.  Returns the first `limit` bytes of what it said, and its status; the
    rest is taken and dropped, so that it never waits for us.  Raises TooLong after so many seconds.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        env={**(os.environ if environment is None else environment), "LC_ALL": "C"},
        preexec_fn=apply,
    )
    try:
        return _said(process, limit, time.monotonic() + seconds), process.wait()
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _said(process: "subprocess.Popen[bytes]", limit: int, deadline: float) -> bytes:
    assert process.stdout
    stream = process.stdout.fileno()
    kept: List[bytes] = []
    room = limit
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TooLong
            if not selector.select(left):
                continue
            piece = os.read(stream, PIECE)
            if not piece:
                return b"".join(kept)
            if room > 0:
                kept.append(piece[:room])
                room -= len(kept[-1])


def output_of(command: Sequence[str], limit: int) -> str:
    """What a tool prints about a file that a submission had a hand in: as much as it says within the limits for tools,
    and without its complaints."""
    apply = sandbox.limits(TOOL_MEMORY, TOOL_FILE, TOOL_SECONDS, own_session=False)
    try:
        said, _ = run(command, limit, 10 * TOOL_SECONDS, apply=apply, errors=False)
    except TooLong:
        return ""
    return said.decode(errors="replace")
