"""Linux is the oracle: user programs there, among files that a test names.

emulated() runs the very file that our kernel gets under qemu-riscv64, which passes most system calls on to the
host's Linux.  Where it answers itself, and otherwise, itself() asks: the same source built for the host.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Mapping, Sequence

import pytest

from grader import build
from grader.disk import tool
from grader.paths import USER

HEADER = Path(__file__).parent / "on_linux.h"
OURS = ("checkpoint.h", "mman.h")  # what the host's library has elsewhere, or not at all

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel below us")


def heed_all_signals() -> None:
    """For preexec_fn: whoever started the tests may ignore some (nohup does), and programs inherit that."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@dataclass
class Answer:
    """How a program ended (the negative number of a signal, or its exit code), what it printed, and the files
    that were there afterwards."""

    status: int
    printed: bytes
    files: Dict[str, bytes] = field(default_factory=dict)

    @property
    def lines(self) -> List[str]:
        return self.printed.decode().splitlines()


def _run(
    command: Sequence[str], files: Mapping[str, bytes], beside: Mapping[str, bytes] = {}
) -> Answer:
    """Run a command where these files are below a directory called disk, and others, programs perhaps, beside it;
    without an environment, and nothing on its standard input."""
    with tempfile.TemporaryDirectory() as place:
        disk = Path(place, "disk")
        for name, content in beside.items():
            path = Path(place, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o755)
        disk.mkdir()
        for name, content in files.items():
            (disk / name).parent.mkdir(parents=True, exist_ok=True)
            (disk / name).write_bytes(content)
        # Read-only, which subprocess.DEVNULL is not.
        with open(os.devnull, "rb") as nothing:
            done = subprocess.run(
                ["env", "-i", *command],
                cwd=place,
                stdin=nothing,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=120,
                preexec_fn=heed_all_signals,
                check=False,
            )
        there = (path for path in disk.rglob("*") if path.is_file())
        left = {str(path.relative_to(disk)): path.read_bytes() for path in there}
    return Answer(done.returncode, done.stdout, left)


def emulated(job: str, files: Mapping[str, bytes]) -> Answer:
    """Run "program argument …" under qemu-riscv64."""
    name, *arguments = job.split()
    qemu = tool("qemu-riscv64")
    return _run([qemu, "-0", name, str(build.program(name)), *arguments], files)


class Host:
    """Programs built for the host."""

    def __init__(self, directory: Path):
        self._directory = directory
        for name in OURS:
            (directory / name).touch()

    def itself(
        self,
        job: str,
        files: Mapping[str, bytes],
        programs: Sequence[str] = (),
        beside: Mapping[str, bytes] = {},
    ) -> Answer:
        """Run "program argument …" on the Linux below us, where it finds these programs below bin/."""
        name, *arguments = job.split()
        found = {f"bin/{each}": self._built(each).read_bytes() for each in programs}
        return _run([str(self._built(name)), *arguments], files, {**found, **beside})

    def _built(self, name: str) -> Path:
        """One of our programs, for the host."""
        binary = self._directory / name
        if not binary.exists():
            compiler = shutil.which("gcc")
            assert compiler, "gcc is not installed: run `make setup`"
            flags = ["-O1", "-w", "-D_GNU_SOURCE", "-include", str(HEADER), f"-I{self._directory}"]
            source = str(USER / "programs" / f"{name}.c")
            subprocess.run([compiler, *flags, source, "-o", str(binary)], check=True)
        return binary


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(tmp_path_factory.mktemp("host"))
