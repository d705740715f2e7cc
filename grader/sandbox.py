"""Limits for what we run on a student's behalf: the compiler and QEMU.

Two layers.  Resource limits and an early death (with us) always; bubblewrap, where it works, hides
the tree from the compiler and the network and the files of the machine from both.
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
from typing import Callable, List, Sequence

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


def wrap_compiler(visible: Sequence[Path], writable: Path, hidden: Path) -> List[str]:
    """A command prefix under which the compiler sees of directory `hidden` only `visible`, and may
    write to `writable` alone.  Empty without bubblewrap."""
    bwrap = bubblewrap()
    if not bwrap:
        return []
    prefix = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for directory in ("/tmp", "/home", "/root", "/etc", str(hidden)):
        prefix += ["--tmpfs", directory] if Path(directory).is_dir() else []
    for path in visible:
        prefix += ["--ro-bind", str(path), str(path)]
    prefix += ["--bind", str(writable), str(writable), "--chdir", str(writable)]
    prefix += ["--clearenv", "--setenv", "PATH", os.environ.get("PATH", os.defpath)]
    return prefix + ["--unshare-all", "--die-with-parent", "--"]


def wrap_machine() -> List[str]:
    """A command prefix under which QEMU can write no file and reach no network.  Empty without
    bubblewrap."""
    bwrap = bubblewrap()
    if not bwrap:
        return []
    prefix = [bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    return prefix + ["--unshare-all", "--die-with-parent", "--"]


def limits(memory: int, file_size: int, cpu_seconds: int) -> Callable[[], None]:
    """A function for subprocess's preexec_fn: the child dies with us, and stays within these
    (bytes of address space, bytes a file, seconds of CPU time)."""

    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def apply() -> None:
        os.setsid()
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return apply
