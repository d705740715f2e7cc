"""Limits for what we run on a student's behalf: the compiler and QEMU.

Two layers.  Resource limits and an early death (with us) always; bubblewrap, where it works, shows
the compiler nothing of the machine but what it needs, and keeps both from the network and from
writing anywhere else.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

PR_SET_PDEATHSIG = 1


HOLDS = "bubblewrap"
TRIAL_SECONDS = 20  # by the host's clock: for a bwrap that hangs
REASON_MAX = 200  # characters of what bwrap says

# How what we run is held: "compiler" and "machine" -> HOLDS, or "none: " and why.  Nothing about what has not run yet.
_how: Dict[str, str] = {}
_how_lock = threading.Lock()


def bubblewrap() -> str:
    """The path of bwrap, or "" where there is none.  Whether it works here, only its use tells: a container or a
    hardened system may refuse any of its options.

    RUNG_SANDBOX=off switches it off, for tests of what holds without it.
    """
    return "" if os.environ.get("RUNG_SANDBOX") == "off" else shutil.which("bwrap") or ""


def how() -> Dict[str, str]:
    """How what this process has run so far was held: see _how."""
    with _how_lock:
        return dict(_how)


def note(use: str, why_not: str) -> None:
    """Remember how the "compiler" or the "machine" is held: by bubblewrap, unless there is a reason why not."""
    text = why_not.encode("ascii", "backslashreplace").decode()[:REASON_MAX]
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    with _how_lock:
        _how[use] = f"none: {shown}" if shown else HOLDS


def merge(others: Mapping[str, str]) -> None:
    """Add what another process of ours knows: a use is held by bubblewrap when it is everywhere."""
    with _how_lock:
        for use, held in others.items():
            if _how.get(use, HOLDS) == HOLDS:
                _how[use] = held


def missing_reason() -> str:
    """Why bubblewrap() found nothing."""
    if os.environ.get("RUNG_SANDBOX") == "off":
        return "RUNG_SANDBOX=off"
    return "bubblewrap is not installed"


def why_not(prefix: Sequence[str], environment: Mapping[str, str]) -> str:
    """Why no command runs under this prefix; "" if one does."""
    import tempfile  # the launcher, which needs none, starts faster without

    word = os.urandom(8).hex()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(
                [*prefix, "/bin/sh", "-c", f"echo {word}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complaints,
                start_new_session=True,
            )
        except OSError as error:
            return f"bwrap: {error.strerror}"
        try:
            status = process.wait(TRIAL_SECONDS)
        except subprocess.TimeoutExpired:
            end_session(process)
            return f"bwrap was not done after {TRIAL_SECONDS} s"
        said.seek(0)
        if status == 0 and said.read(100).decode(errors="replace").strip() == word:
            return ""
        complaints.seek(0)
        return complaint(complaints.read(1000), status)


def complaint(text: bytes, status: int) -> str:
    """The last line of what bwrap wrote, or that it wrote nothing."""
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else f"bwrap did not run its command (status {status})"


def end_session(process: "subprocess.Popen[bytes]") -> None:
    """End a process that was started with a session of its own, and all that it started in that."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# What a compiler from the system's packages is made of.
SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/alternatives", "/etc/ld.so.cache", "/nix/store", "/gnu/store"),
)
# What belongs to a tool that was installed below a prefix of its own, such as /opt/riscv/bin/….
BESIDE_TOOL = ("bin", "lib", "lib64", "libexec")


def places_of(tool: Path) -> List[Path]:
    """The directories that a program needs to run, where the system's are not enough."""
    found: List[Path] = []
    for path in dict.fromkeys([tool.absolute(), tool.resolve()]):
        if any(path.is_relative_to(place) for place in SYSTEM):
            continue
        # The cross tools keep linker and assembler in prefix/riscv64-unknown-elf/ as well.
        target = path.name.rpartition("-")[0]
        for name in filter(None, [*BESIDE_TOOL, target]):
            if (path.parent.parent / name).is_dir():
                found.append(path.parent.parent / name)
    return found


# What changes what a compiler reads, or how it says things: GCC's manual, "Environment Variables"; ninja's.
TOOLS_HEED = (
    *("CPATH", "C_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH", "LD_RUN_PATH"),
    *("DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "GCC_COLORS", "GCC_COMPARE_DEBUG"),
    *("LANGUAGE", "LDEMULATION", "NINJA_STATUS"),
)


def tools_environment() -> Dict[str, str]:
    """Our environment for a compiler without bubblewrap: it says what it says in English, whoever asks."""
    kept = {name: value for name, value in os.environ.items() if name not in TOOLS_HEED}
    return {**kept, "LC_ALL": "C"}


def wrap_compiler(
    tools: Sequence[Path], visible: Sequence[Path], writable: Path
) -> Tuple[List[str], Dict[str, str]]:
    """A command prefix, and environment, under which `tools` run and see nothing but what they
    are made of and `visible`, and write to `writable` alone.  Without a bubblewrap that works the
    prefix is empty.  All that was started below it ends when we do, even by force.
    """
    bwrap = bubblewrap()
    if not bwrap:
        note("compiler", missing_reason())
        return [], tools_environment()
    prefix = [bwrap, "--dev-bind", "/dev/null", "/dev/null", "--tmpfs", "/tmp"]
    places = [Path(place) for place in SYSTEM]
    for path in dict.fromkeys([*places, *(p for tool in tools for p in places_of(tool)), *visible]):
        if path.exists():
            prefix += ["--ro-bind", str(path), str(path)]
    prefix += ["--bind", str(writable), str(writable), "--chdir", str(writable)]
    prefix += ["--unshare-all", "--die-with-parent", "--"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    # The very options are tried, once: those of other builds differ from them in the names of directories.
    if "compiler" not in how():
        note("compiler", why_not(prefix, environment))
    return (prefix, environment) if how()["compiler"] == HOLDS else ([], tools_environment())


def wrap_machine() -> List[str]:
    """A command prefix under which QEMU can write no file and reach no network.  Empty without
    bubblewrap.  Whether it works, the launcher finds out, which is all that runs under it."""
    bwrap = bubblewrap()
    if not bwrap:
        return []
    prefix = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    return prefix + ["--unshare-all", "--"]


def bound_to_us(own_session: bool = True) -> Callable[[], None]:
    """A function to call in a child before exec: it dies with us.  own_session: a ^C of the terminal does not reach it."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def apply() -> None:
        if own_session:
            os.setsid()
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    return apply


def limits(
    memory: int, file_size: int, cpu_seconds: int, own_session: bool = True
) -> Callable[[], None]:
    """A function to call in a child before exec (subprocess's preexec_fn): it dies with us, and it and all it starts
    stay within these (bytes of address space, bytes a file, seconds of CPU time; each process
    for itself).  own_session: a ^C of the terminal does not reach it."""

    bind = bound_to_us(own_session)

    def apply() -> None:
        bind()
        lower(resource.RLIMIT_AS, memory, memory)
        lower(resource.RLIMIT_FSIZE, file_size, file_size)
        lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 2)
        lower(resource.RLIMIT_CORE, 0, 0)

    def lower(kind: int, soft: int, hard: int) -> None:
        # A limit that we have ourselves (`ulimit`) may be lower already, and cannot be raised.
        _, highest = resource.getrlimit(kind)
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(kind, (soft, hard))

    return apply


def unusable() -> str:
    """Why bubblewrap cannot hold a machine here; "" when it can."""
    return why_not(wrap_machine(), os.environ) if bubblewrap() else missing_reason()


def works() -> bool:
    """Can bubblewrap hold what we run here?"""
    return not unusable()


if __name__ == "__main__":  # for doctor.sh
    print(unusable())
