"""Programs for Linux on riscv64: building them, and what they do under qemu-riscv64 and on our kernel."""

from __future__ import annotations

import difflib
import hashlib
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional, Sequence

from grader.disk import tool
from grader.paths import BUILD
from grader.run import Run
from grader.tests.on_linux import heed_all_signals

SOURCES = {path.stem: path for path in sorted(Path(__file__).with_name("linux").glob("*.c"))}
PLACE = BUILD / "linux"
COMPILER = "riscv64-linux-gnu-gcc"
FLAGS = "-std=gnu11 -D_GNU_SOURCE -O2 -static -s -Wall -Wextra -Werror -Wno-format-truncation -Wno-unused-result"
SECONDS = 60  # by the host's clock: for what hangs

# qemu-riscv64 says so on the standard error of a program that a signal ends.
OF_QEMU = re.compile(r"^qemu: uncaught target signal .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What a program has printed, on both of its outputs, and how it ended, as the kernel reports it."""

    printed: str
    end: str


def compiler() -> str:
    path = shutil.which(COMPILER)
    assert path, f"{COMPILER} is not installed: `make test` installs it"
    return path


def built(name: str) -> Path:
    """The program file of linux/NAME.c.  It is made once for all who ask at the same time."""
    source = SOURCES[name]
    what = [path.read_bytes() for path in (source, source.with_name("say.h"))]
    version = subprocess.run([compiler(), "--version"], stdout=subprocess.PIPE, check=True).stdout
    digest = hashlib.sha256(b"\0".join([*what, version, FLAGS.encode()])).hexdigest()[:12]
    target = PLACE / f"{name}-{digest}" / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(f".{os.getpid()}")
        # Relative names: those that assert() prints are the same everywhere.
        command = [compiler(), *FLAGS.split(), source.name, "-o", str(temporary), "-lm"]
        done = subprocess.run(
            command,
            cwd=source.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{name}.c does not build:\n{done.stdout}"
        temporary.replace(target)
    return target


def _end(status: int) -> str:
    if status >= 0:
        return f"exited with {status}"
    return f"killed by {signal.Signals(-status).name}"


def on_terminal(command: Sequence[str], directory: Path) -> Answer:
    """Run a command that has a terminal for its outputs, as programs have in our machine, and no input."""
    ours, its = pty.openpty()
    tty.setraw(its)  # which would make \r\n of \n
    with open(os.devnull, "rb") as nothing:
        process = subprocess.Popen(
            ["env", "-i", *command],
            cwd=directory,
            stdin=nothing,
            stdout=its,
            stderr=its,
            preexec_fn=heed_all_signals,
        )
    os.close(its)
    pieces = []
    try:
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # EIO: nobody has it any more
                break
            if not piece:
                break
            pieces.append(piece)
        status = process.wait(SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    printed = b"".join(pieces).decode(errors="backslashreplace")
    return Answer(OF_QEMU.sub("", printed), _end(status))


def native(job: str, files: Mapping[str, bytes]) -> Answer:
    """Run "program argument …", built for the host, on the Linux below us, among files as emulated(): for what qemu-riscv64 does itself, and does
    otherwise."""
    argv0, *arguments = job.split()
    source = SOURCES[argv0]
    host_compiler = shutil.which("gcc")
    assert host_compiler, "gcc is not installed: run `make setup`"
    with tempfile.TemporaryDirectory() as place:
        program = Path(place, argv0)
        flags = [flag for flag in FLAGS.split() if flag != "-static"]
        subprocess.run([host_compiler, *flags, str(source), "-o", str(program), "-lm"], check=True)
        put_files(Path(place), files)
        return on_terminal([str(program), *arguments], Path(place))


def put_files(place: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = place / "disk" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def emulated(job: str, files: Mapping[str, bytes], program: Optional[Path] = None) -> Answer:
    """Run "program argument …" under qemu-riscv64, where these files are below a directory disk.  The program is one
    of linux/, or has this file."""
    argv0, *arguments = job.split()
    name = argv0.rpartition("/")[2]
    program = program or built(name)
    qemu = tool("qemu-riscv64")
    with tempfile.TemporaryDirectory() as place:
        put_files(Path(place), files)
        # What a program starts itself by: the host's kernel cannot run it without qemu.
        itself = Path(place, "bin", name)
        itself.parent.mkdir()
        itself.write_text(f'#!/bin/sh\nexec {qemu} -0 {name} {program} "$@"\n')
        itself.chmod(0o755)
        return on_terminal([qemu, "-0", argv0, str(program), *arguments], Path(place))


def answer(ran: Run) -> Answer:
    """The same of a run of one job on our kernel."""
    ran.expect_power_off()
    job = ran.job(0)
    return Answer(job.output.decode(errors="backslashreplace"), job.end)


def difference(linux: Answer, kernels: Answer) -> str:
    """What our kernel makes of a program that Linux does not, for people."""
    wanted, got = [[*each.printed.splitlines(), each.end] for each in (linux, kernels)]
    found = difflib.unified_diff(wanted, got, "Linux", "our kernel", lineterm="", n=2)
    return "not as under Linux:\n" + "\n".join(found)
