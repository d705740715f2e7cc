"""Larger programs of others on the kernel of lab 6: dash and Lua, from their Debian source packages.

For `make test-linux` alone, since they are fetched, once: apt gets and verifies them by lists of its own below
build/, and nothing of the system's is changed.  They are compiled like linux/*.c and compared in the same way.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Dict

import pytest

from grader import build, grade
from grader.labs import find_lab
from grader.plugin import Machine
from grader.tests import linux_programs
from grader.tests.linux_programs import COMPILER, PLACE, difference

APT = PLACE / "apt"
SYSTEM_LISTS = Path("/etc/apt")
HOST = COMPILER[: -len("-gcc")]


def give_up(why: str) -> None:
    pytest.exit(f"rung: {why}", returncode=2)


def run(*command: str, directory: Path, what: str) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    (directory / "log").write_text(done.stdout)
    if done.returncode != 0:
        last = (done.stdout.strip().splitlines() or ["no reason given"])[-1]
        give_up(f"{what}: {last} (more in {directory / 'log'})")


def source_lists(parts: Path) -> None:
    """The system's lists of packages, as lists of their sources."""
    parts.mkdir(parents=True, exist_ok=True)
    lists = [SYSTEM_LISTS / "sources.list", *(SYSTEM_LISTS / "sources.list.d").glob("*")]
    for path in lists:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = re.sub(r"^deb\b(?!-src)", "deb-src", path.read_text(), flags=re.MULTILINE)
        text = re.sub(r"^Types:.*$", "Types: deb-src", text, flags=re.MULTILINE)
        (parts / path.name).write_text(text)


def fetch(package: str) -> Path:
    """The sources of a package, unpacked."""
    directory = PLACE / package
    done = directory / "done"
    if not done.exists():
        if not shutil.which("apt-get"):
            give_up(f"there is no apt-get here to fetch the sources of {package}")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        source_lists(APT / "parts")
        (APT / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        options = [
            *("-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={APT}/parts"),
            *("-o", f"Dir::State::lists={APT}/lists", "-o", "Dir::Cache::pkgcache="),
            *("-o", "Dir::Cache::srcpkgcache=", "-o", "APT::Sandbox::User=root", "-q"),
        ]
        if not list((APT / "lists").glob("*Sources*")):
            run("apt-get", *options, "update", directory=APT, what="apt-get update")
            if not list((APT / "lists").glob("*Sources*")):
                give_up(f"apt-get finds no lists of sources: is the network up? ({APT / 'log'})")
        run(
            *("apt-get", *options, "source", "--download-only", package),
            directory=directory,
            what=f"cannot fetch the sources of {package}",
        )
        for archive in directory.glob("*.orig.tar.*"):
            run("tar", "xf", archive.name, directory=directory, what=f"cannot unpack {package}")
        done.touch()
    (unpacked,) = [path for path in directory.iterdir() if path.is_dir()]
    return unpacked


def make_dash(source: Path) -> Path:
    run(
        *("./configure", f"--host={HOST}", "--enable-static", f"CC={COMPILER}", "CFLAGS=-O2"),
        directory=source,
        what="dash's configure",
    )
    run("make", f"-j{os.cpu_count() or 1}", directory=source, what="dash does not build")
    return source / "src" / "dash"


def make_lua(source: Path) -> Path:
    flags = [f"CC={COMPILER} -static", f"AR={HOST}-ar rcu", f"RANLIB={HOST}-ranlib"]
    run(
        *("make", "-C", "src", *flags, "MYCFLAGS=-DLUA_USE_POSIX", "lua"),
        directory=source,
        what="Lua does not build",
    )
    return source / "src" / "lua"


MAKERS: Dict[str, Callable[[Path], Path]] = {"dash": make_dash, "lua5.4": make_lua}


@pytest.fixture(scope="session")
def large() -> Dict[str, Path]:
    """The programs, built."""
    linux_programs.compiler()
    found = {}
    for package, make in MAKERS.items():
        target = PLACE / "large" / package
        if not target.is_file():
            made = make(fetch(package))
            target.parent.mkdir(exist_ok=True)
            run(f"{HOST}-strip", "-o", str(target), str(made), directory=made.parent, what="strip")
        found[package] = target
    return found


@pytest.fixture(scope="module")
def machine() -> Machine:
    lab = find_lab("processes")
    configuration = grade.configuration(lab, grade.Options(solutions=None))
    return Machine(build.build(configuration), lab.seed, "large")


SCRIPTS = Path(__file__).with_name("linux") / "large"
RUNS = ["dash words.sh", "dash pipes.sh", "lua5.4 numbers.lua", "lua5.4 texts.lua argument"]
PROGRAMS = ("cat", "echo", "sh")  # what they find in /bin


@pytest.mark.parametrize("job", RUNS)
def test_a_script_does_as_under_linux(machine: Machine, large: Dict[str, Path], job: str) -> None:
    package, script, *words = job.split()
    files = {path.name: path.read_bytes() for path in SCRIPTS.iterdir()}
    files["dir/text"] = b"some text\n"
    line = " ".join([package, f"disk/{script}", *words])
    archive = {f"bin/{name}": build.program(name).read_bytes() for name in PROGRAMS}
    archive[f"bin/{package}"] = large[package].read_bytes()
    linux = linux_programs.emulated(line, files, large[package])
    ran = machine.run([line], archive, disk=files, budget=120.0)
    kernels = linux_programs.answer(ran)
    assert kernels == linux, difference(linux, kernels)
    assert linux.printed.count("\n") > 1
    ran.expect_disk_in_order()
