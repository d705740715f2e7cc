"""Limits for what we run on a student's behalf: the compiler and QEMU.

Two layers.  Resource limits and an early death (with us) always; bubblewrap, where it works, shows
the compiler nothing of the machine but what it needs, and keeps both from the network and from
writing anywhere else.
"""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

PR_SET_PDEATHSIG = 1


@functools.lru_cache(maxsize=None)
def bubblewrap() -> str:
    """The path of a bwrap that works here, or "" (no Linux, not installed, no user namespaces).

    RUNG_SANDBOX=off switches it off, for tests of what holds without it.
    """
    path = shutil.which("bwrap")
    if not path or os.environ.get("RUNG_SANDBOX") == "off":
        return ""
    probe = [path, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"]
    done = subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return path if done.returncode == 0 else ""


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


def wrap_compiler(
    tools: Sequence[Path], visible: Sequence[Path], writable: Path
) -> Tuple[List[str], Dict[str, str]]:
    """A command prefix, and environment, under which `tools` run and see nothing but what they
    are made of and `visible`, and write to `writable` alone.  Without bubblewrap the prefix is
    empty.  All that was started below it ends when we do, even by force.
    """
    bwrap = bubblewrap()
    if not bwrap:
        return [], dict(os.environ)
    prefix = [bwrap, "--dev-bind", "/dev/null", "/dev/null", "--tmpfs", "/tmp"]
    places = [Path(place) for place in SYSTEM]
    for path in dict.fromkeys([*places, *(p for tool in tools for p in places_of(tool)), *visible]):
        if path.exists():
            prefix += ["--ro-bind", str(path), str(path)]
    prefix += ["--bind", str(writable), str(writable), "--chdir", str(writable)]
    prefix += ["--unshare-all", "--die-with-parent", "--"]
    return prefix, {"PATH": os.environ.get("PATH", os.defpath)}


def wrap_machine() -> List[str]:
    """A command prefix under which QEMU can write no file and reach no network.  Empty without
    bubblewrap."""
    bwrap = bubblewrap()
    if not bwrap:
        return []
    prefix = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    return prefix + ["--unshare-all", "--"]


def limits(
    memory: int, file_size: int, cpu_seconds: int, own_session: bool = True
) -> Callable[[], None]:
    """A function to call in a child before exec (subprocess's preexec_fn): it dies with us, and it and all it starts
    stay within these (bytes of address space, bytes a file, seconds of CPU time; each process
    for itself).  own_session: a ^C of the terminal does not reach it."""

    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def apply() -> None:
        if own_session:
            os.setsid()
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
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
