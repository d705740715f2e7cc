"""`make setup` and `make doctor`, on a PATH of our making: nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Optional

import pytest

from grader import sandbox
from grader.paths import ROOT

BASICS = "bash cat dirname env grep head id mkdir mktemp rm sort tail uname wc".split()
# Not fsck.fat: that is found in /usr/sbin, where the PATH need not lead.
TOOLS = "git ninja qemu-system-riscv64 riscv64-unknown-elf-gcc gdb-multiarch mformat bwrap".split()


class Machine:
    """A directory that is the whole PATH, with a package manager that only takes notes, and a tree
    that setup may write to."""

    def __init__(self, directory: Path):
        self.path = directory / "bin"
        self.tree = directory / "tree"
        shutil.copytree(ROOT / "grader" / "setup", self.tree / "grader" / "setup")
        self.notes = directory / "apt-notes"
        self.path.mkdir()
        for name in BASICS + TOOLS:
            found = shutil.which(name)
            assert found, name
            (self.path / name).symlink_to(found)
        self.script("apt-get", f'echo "$@" >>{self.notes}')
        self.script("apt-cache", "exit 0")

    def script(self, name: str, text: str) -> None:
        """Put a command of our own on the PATH."""
        target = self.path / name
        target.unlink(missing_ok=True)
        target.write_text(f"#!{shutil.which('bash')}\n{text}\n")
        target.chmod(0o755)

    def without(self, name: str) -> None:
        (self.path / name).unlink()

    def run(self, what: str = "setup.sh", **environment: str) -> "subprocess.CompletedProcess[str]":
        # The modules are the business of the Python that runs these tests, unless told otherwise.
        environment = {"PATH": str(self.path), "PYTHON": sys.executable, **environment}
        script, *words = what.split()
        return subprocess.run(
            ["bash", str(self.tree / "grader" / "setup" / script), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def installed(self) -> Optional[str]:
        """The packages that were asked for."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return next((line for line in lines if line.startswith("install")), None)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_nothing_is_done_when_nothing_is_missing(machine: Machine) -> None:
    done = machine.run()
    assert (done.returncode, done.stdout) == (0, "setup: everything is here\n")
    assert (machine.tree / "build" / "python").read_text() == f"{sys.executable}\n"
    assert not machine.notes.exists()


def test_what_is_missing_is_installed_and_nothing_else(machine: Machine) -> None:
    machine.without("ninja")
    done = machine.run()
    assert "setup: missing: ninja\n" in done.stdout
    assert machine.installed() == "install -y --no-install-recommends ninja-build"
    # Our apt-get installed nothing, and setup does not believe it.
    assert done.returncode == 2 and "still missing: ninja" in done.stdout


def test_disks_are_made_and_checked_by_tools_of_their_own(machine: Machine) -> None:
    machine.without("mformat")
    tools = machine.tree / "grader" / "setup" / "tools.sh"
    tools.write_text(tools.read_text().replace("/sbin", "/nowhere"))
    done = machine.run()
    assert "setup: missing: mtools fsck.fat\n" in done.stdout
    assert machine.installed() == "install -y --no-install-recommends mtools dosfstools"


@pytest.mark.parametrize("how", ["without libraries", "complete"])
def test_a_compiler_for_this_machine_has_its_libraries(machine: Machine, how: str) -> None:
    """gcc without those of the sanitizers is of no use; a tool may come in several packages."""
    machine.script("apt-get", f'printf "%s," "$@" >>{machine.notes}; echo >>{machine.notes}')
    machine.script("gcc", "exit 1" if how == "without libraries" else "exit 0")
    done = machine.run("setup.sh test")
    line = next(line for line in done.stdout.splitlines() if line.startswith("setup: missing: "))
    assert ("gcc" in line.split()) == (how == "without libraries")
    assert (",gcc,libc6-dev," in (machine.installed() or "")) == (how == "without libraries")
    assert "shellcheck" in line.split()


@pytest.mark.parametrize("how", ["without libraries", "complete"])
def test_a_compiler_for_linux_has_its_library(machine: Machine, how: str) -> None:
    works = "exit 0" if how == "complete" else '[[ "$*" != *-static* ]]'
    machine.script("riscv64-linux-gnu-gcc", works)
    done = machine.run("setup.sh test")
    line = next(line for line in done.stdout.splitlines() if line.startswith("setup: missing: "))
    assert ("linux-compiler" in line.split()) == (how == "without libraries")
    packages = " gcc-riscv64-linux-gnu libc6-dev-riscv64-cross "
    assert (packages in f"{machine.installed()} ") == (how == "without libraries")


def test_modules_are_installed_for_the_python_that_packages_serve(machine: Machine) -> None:
    """A Python of pyenv's with more of the modules is passed over: packages cannot complete it."""
    machine.script("python3", "echo pytest")  # what it lacks
    machine.script("debian-python", "echo pytest pexpect")
    own = {"PYTHON": "", "SYSTEM_PYTHON": str(machine.path / "debian-python")}
    for name in ("3.9", "3.10", "3.11", "3.12", "3.13"):
        machine.script(f"python{name}", "exit 1")
    machine.run(**own)
    assert machine.installed() == (
        "install -y --no-install-recommends python3-pytest python3-pexpect"
    )


def test_too_old_is_told_with_both_versions(machine: Machine) -> None:
    machine.script("qemu-system-riscv64", "echo QEMU emulator version 5.2.0")
    done = machine.run()
    assert done.returncode == 2
    assert "qemu-system-riscv64 is version 5.2.0, Rung needs 7.0 or newer" in done.stdout


def test_without_root_and_sudo_the_packages_are_named(machine: Machine) -> None:
    machine.without("ninja")
    machine.script("id", "echo 1000")
    done = machine.run()
    assert done.returncode == 2
    assert "have an administrator install: ninja-build" in done.stdout
    assert not machine.notes.exists()


def test_without_root_sudo_is_used(machine: Machine) -> None:
    machine.without("ninja")
    machine.script("id", "echo 1000")
    machine.script("sudo", '"$@"')
    done = machine.run()
    assert "setup: sudo apt-get update" in done.stdout
    assert machine.installed()


def test_an_unknown_system_is_told_what_to_install(machine: Machine) -> None:
    machine.without("ninja")
    machine.without("apt-get")
    done = machine.run()
    assert done.returncode == 2
    assert "no package manager that setup knows" in done.stdout and "ninja" in done.stdout


def test_a_failing_package_manager_is_quoted(machine: Machine) -> None:
    machine.without("ninja")
    machine.script("apt-get", "echo E: no network; exit 100")
    done = machine.run()
    assert done.returncode == 2
    assert "E: no network" in done.stdout and "this failed: apt-get update" in done.stdout


def test_doctor_says_what_to_do(machine: Machine) -> None:
    assert machine.run("doctor.sh").returncode == 0
    machine.without("ninja")
    machine.script("qemu-system-riscv64", "echo QEMU emulator version 5.2.0")
    done = machine.run("doctor.sh")
    lines = [line for line in done.stdout.splitlines() if len(line.split()) > 2]
    rows = {line.split()[1]: line for line in lines}
    rows["tool"] = next(line for line in lines if "needed" in line)
    assert done.returncode == 1
    assert rows["tool"].split() == ["tool", "version", "needed", "what", "for"]
    assert rows["git"].split()[3] == "any" and rows["ninja"].split()[2:4] == ["-", "1.8"]
    assert "MISSING" in rows["ninja"] and "make setup (package ninja-build)" in rows["ninja"]
    assert "TOO OLD" in done.stdout and "Rung needs 7.0" in done.stdout


# What a person's environment may have, and their shell's settings.
ENVIRONMENTS: Dict[str, Dict[str, str]] = {
    "CDPATH": {"CDPATH": ".:/tmp"},
    "CDPATH with another tree": {"CDPATH": "{elsewhere}:."},
    "noclobber": {"SHELLOPTS": "noclobber"},
    "errexit": {"SHELLOPTS": "errexit:pipefail:noglob"},
    "posix": {"POSIXLY_CORRECT": "1"},
    "cd is a function": {"BASH_FUNC_cd%%": "() { echo gone to $1; }"},
    "BASH_ENV": {"BASH_ENV": "{elsewhere}/bash_env"},
    "GREP_OPTIONS": {"GREP_OPTIONS": "--color=always -n"},
    "no TMPDIR": {"TMPDIR": "/nowhere/at/all"},
    "TMPDIR is a file": {"TMPDIR": "/dev/null"},
    "IFS": {"IFS": "/"},
    "HOME": {"HOME": "/nowhere"},
    "LC_ALL": {"LC_ALL": "C"},
    "LANG": {"LANG": "tr_TR.UTF-8", "LANGUAGE": "de"},
    "PYTHONSAFEPATH": {"PYTHONSAFEPATH": "1"},
    "PYTHONOPTIMIZE": {"PYTHONOPTIMIZE": "2"},
}


def environment_of(name: str, directory: Path) -> Dict[str, str]:
    """One of these, with a place that has what it names."""
    elsewhere = directory / "elsewhere"
    (elsewhere / "grader" / "setup").mkdir(parents=True)
    (elsewhere / "bash_env").write_text("echo from elsewhere\ncd() { echo gone; }\n")
    return {
        key: value.replace("{elsewhere}", str(elsewhere))
        for key, value in ENVIRONMENTS[name].items()
    }


@pytest.mark.parametrize("name", [name for name in ENVIRONMENTS if name != "BASH_ENV"])
def test_scripts_do_not_depend_on_the_environment(
    machine: Machine, name: str, tmp_path: Path
) -> None:
    environment = {"PATH": str(machine.path), "PYTHON": sys.executable}
    environment.update(environment_of(name, tmp_path))
    for script, said in (("setup.sh", "setup: everything is here"), ("doctor.sh", "For students:")):
        for _ in range(2):  # the second time what it writes is there
            done = subprocess.run(
                ["bash", f"grader/setup/{script}"],
                cwd=machine.tree,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.splitlines()[0] == said
            assert not [line for line in done.stderr.splitlines() if "setlocale" not in line]
    assert (machine.tree / "build" / "python").read_text() == f"{sys.executable}\n"


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("target", ["doctor", "slots"])
def test_make_does_not_depend_on_the_environment(name: str, target: str, tmp_path: Path) -> None:
    """`doctor` is a script, `slots` builds and boots a kernel."""
    environment = {**os.environ, **environment_of(name, tmp_path)}
    done = subprocess.run(
        ["make", "-C", str(ROOT), target, "SOLUTIONS=reference"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("runner" if target == "slots" else "For students:") in done.stdout
    assert "elsewhere" not in done.stdout and "gone" not in done.stdout


def test_make_says_where_it_has_to_run(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "doctor"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and f"make -C {ROOT}/" in done.stderr


def test_nobody_else_needs_to_read_what_setup_writes(machine: Machine) -> None:
    done = subprocess.run(
        ["bash", "-c", 'umask 077; exec bash "$0"', str(machine.tree / "grader/setup/setup.sh")],
        env={"PATH": str(machine.path), "PYTHON": sys.executable},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "setup: everything is here\n")


def test_the_path_of_python_may_have_spaces(machine: Machine, tmp_path: Path) -> None:
    python = tmp_path / "a place" / "python3"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    assert machine.run(PYTHON=str(python)).returncode == 0
    assert (machine.tree / "build" / "python").read_text() == f"{python}\n"
    said = subprocess.run(
        ["make", "-n", "slots", f"PYTHON_FOUND={python}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert f'"{python}" -m grader slots' in said


def test_what_the_compiler_says_does_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its messages are read, and in no other language than English; it finds no headers elsewhere."""
    for name, value in (
        ("LC_ALL", "de_DE.UTF-8"),
        ("CPATH", str(tmp_path)),
        ("RUNG_SANDBOX", "off"),
    ):
        monkeypatch.setenv(name, value)
    prefix, environment = sandbox.wrap_compiler([], [], tmp_path)
    assert prefix == [] and environment["LC_ALL"] == "C" and "CPATH" not in environment
