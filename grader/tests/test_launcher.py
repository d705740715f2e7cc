"""The launcher: what it starts, within which limits, and that nothing of it is left behind."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from grader import build, grade, launcher, machine, qemu_template, sandbox
from grader.labs import find_lab
from grader.machine import Boot
from grader.paths import GraderGaveUp, ROOT
from grader.plugin import Machine

LIMITS: Dict[str, Any] = {"memory": 1 << 30, "file_size": 1 << 20, "cpu_seconds": 30}
PATH = {"PATH": os.environ["PATH"]}
PATIENCE = 120  # seconds, for what takes milliseconds on an idle machine

needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")


@pytest.fixture(params=["on", "off"])
def tested(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> launcher.Launcher:
    """With a sandbox around it, and without."""
    if request.param == "off":
        monkeypatch.setattr(sandbox, "bubblewrap", lambda: "")
    elif not sandbox.works():
        pytest.skip("needs bubblewrap")
    started = launcher.Launcher()
    monkeypatch.setattr(launcher, "launcher", lambda: started)
    return started


def shell(script: str, *descriptors: int, **environment: str) -> "tuple[str, int]":
    """What a script writes, and its status."""
    said, status = launcher.output_of(
        ["/bin/sh", "-c", script], descriptors, {**PATH, **environment}, **LIMITS
    )
    return said.decode(), status


def running(word: str) -> List[int]:
    """The processes that have this word in their command line, or were started with it in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and any(
                word.encode() in (entry / name).read_bytes() for name in ("cmdline", "environ")
            ):
                found.append(int(entry.name))
    return found


def expect_none(word: str) -> None:
    """Demand that soon no process has this word: see running()."""
    deadline = time.monotonic() + PATIENCE
    while running(word) and time.monotonic() < deadline:
        os.sched_yield()
    assert not running(word)


@contextlib.contextmanager
def another(script: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that asks its launcher for something."""
    command = [sys.executable, "-c", f"import os, signal\nfrom grader import launcher\n{script}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process


def test_statuses_are_told(tested: launcher.Launcher) -> None:
    assert shell("echo one; echo two >&2; exit 7") == ("one\ntwo\n", 7)
    assert shell("kill -ABRT $$")[1] == -signal.SIGABRT
    assert shell("cat") == ("", 0)
    said, status = launcher.output_of(["/nowhere/qemu"], [], PATH, **LIMITS)
    assert said == b"/nowhere/qemu: [Errno 2] No such file or directory: '/nowhere/qemu'\n"
    assert status == launcher.NOT_STARTED


def test_descriptors_have_their_places(tested: launcher.Launcher) -> None:
    """Whatever numbers they have here, and no others are there."""
    pipes = [os.pipe() for _ in range(8)]
    for number, (_, writing) in enumerate(pipes):
        os.write(writing, f"pipe {number}\n".encode())
        os.close(writing)
    given = [reading for reading, _ in reversed(pipes)]
    said, _ = shell("for n in 3 4 5 6 7 8 9; do eval head -n 1 /dev/fd/$n; done", *given)
    assert said == "".join(f"pipe {number}\n" for number in range(7, 0, -1))
    assert shell("for n in 3 4 11 12 13 40; do [ -e /dev/fd/$n ] && echo $n; done; :") == ("", 0)
    for reading in given:
        os.close(reading)


def test_environment_is_what_was_given(
    tested: launcher.Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNG_SECRET", "of the grader")
    command = ["/bin/sh", "-c", 'echo "$WORD $RUNG_SECRET"']
    said, _ = launcher.output_of(command, [], {"WORD": "\u00e4\n\udcff"}, **LIMITS)
    assert said == b"\xc3\xa4\n\xff \n"


def test_limits_hold(tested: launcher.Launcher, tmp_path: Path) -> None:
    said, _ = shell("ulimit -t; ulimit -f; ulimit -v; ulimit -c")
    assert said.split() == ["30", str((1 << 20) // 512), str((1 << 30) // 1024), "0"]
    # The bytes are counted for a file that was opened before, too.
    with (tmp_path / "file").open("wb") as file:
        _, status = shell("exec head -c 2000000 /dev/zero >&3", file.fileno())
    assert status == -signal.SIGXFSZ and (tmp_path / "file").stat().st_size == 1 << 20


@pytest.mark.skipif(not sandbox.works(), reason="needs bubblewrap")
def test_sandbox_holds(tmp_path: Path) -> None:
    assert shell(f"echo x > {tmp_path}/file")[1] != 0 and not list(tmp_path.iterdir())
    assert [line.split()[0] for line in shell("tail -n +3 /proc/net/dev")[0].splitlines()] == [
        "lo:"
    ]
    # Nor is any process of the machine's to be seen.
    said, _ = shell("cat /proc/[0-9]*/cmdline")
    assert "pytest" not in said


def test_what_is_killed_ends(tested: launcher.Launcher) -> None:
    reading, writing = os.pipe()
    started = tested.start(
        ["/bin/sh", "-c", "echo here; exec sleep 1000"], [reading, writing, writing], PATH, **LIMITS
    )
    assert os.read(reading, 10) == b"here\n"
    started.kill()
    started.kill()
    assert started.wait() == -signal.SIGKILL == started.wait()
    started.kill()
    # Others are not concerned.
    assert shell("echo still here") == ("still here\n", 0)
    os.close(reading)
    os.close(writing)


def test_many_at_once(tested: launcher.Launcher) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: shell(f"echo {n}; exit {n}"), range(60)))
    assert done == [(f"{n}\n", n) for n in range(60)]


def test_who_is_forked_has_a_launcher_of_its_own() -> None:
    """Or two would read each other's requests."""
    ours = launcher.launcher()
    assert ours is launcher.launcher()
    pid = os.fork()
    if pid == 0:
        os._exit(3 if launcher.launcher() is not ours and shell("exit 4")[1] == 4 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    assert shell("exit 5")[1] == 5


@needs_proc
@pytest.mark.parametrize("sandboxed", ["on", "off"])
@pytest.mark.parametrize("how", ["at its end", "by force", "by force, at once"])
@pytest.mark.parametrize("template", ["", qemu_template.library()], ids=["started", "forked"])
def test_nothing_is_left_behind(
    how: str, sandboxed: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has asked for something dies; at once: before it can have been started."""
    monkeypatch.setenv("RUNG_SANDBOX", sandboxed)
    word = f"left-behind-{os.getpid()}-{tmp_path.name}"
    monkeypatch.setenv("RUNG_TESTED", word)  # the launcher, and what is around it, have no other
    script = f"""
reading, writing = os.pipe()
command = ["/bin/sh", "-c", "echo here; while :; do sleep 1; done", "{word}"]
limits = dict(memory=1 << 30, file_size=1 << 20, cpu_seconds=30)
started = launcher.launcher().start(command, [reading, writing, writing], os.environ, **limits, template={template!r})
if {how == "by force, at once"}: os.kill(os.getpid(), signal.SIGKILL)
os.read(reading, 5)
print("started", flush=True)
if {how == "by force"}: os.kill(os.getpid(), signal.SIGKILL)
"""
    with another(script) as process:
        said = process.communicate(timeout=PATIENCE)[0]
    assert said == ("" if how == "by force, at once" else "started\n")
    expect_none(word)


@pytest.fixture
def spinning() -> Boot:
    """A machine whose program never comes to an end."""
    lab = find_lab("batch")
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=None)))
    return Machine(kernel, 1, "spin").boot(["spin"], budget=1000.0)


def test_a_machine_without_a_launcher_costs_nobody_a_point(
    spinning: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(launcher.Launcher, "start", start)
    with pytest.raises(GraderGaveUp, match="QEMU could not be started: .*Broken pipe"):
        machine.run(spinning)


@needs_proc
def test_a_machine_that_somebody_ends_costs_nobody_a_point(spinning: Boot, tmp_path: Path) -> None:
    """The host does so when it is short of memory; a guest cannot have its own QEMU killed."""
    archive = tmp_path / "spin.cpio"
    archive.write_bytes(spinning.archive.read_bytes())

    def end_it() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (found := running(str(archive))) and time.monotonic() < deadline:
            os.sched_yield()
        os.kill(found[0], signal.SIGKILL)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        killer = pool.submit(end_it)
        with pytest.raises(GraderGaveUp, match="QEMU was ended by force: is there memory enough"):
            machine.run(dataclasses.replace(spinning, archive=archive))
    killer.result()


def test_machines_that_run_side_by_side_do_not_mix() -> None:
    """As fuzzing has them: in threads of one process."""
    lab = find_lab("batch")
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=None)))
    words = [letter * 40 for letter in "abcdefgh"]
    boots = [
        Machine(kernel, 1, word).boot([f"hello {word}"] * 60, arguments="report=@mark@")
        for word in words
    ]
    with concurrent.futures.ThreadPoolExecutor(len(boots)) as pool:
        records = list(pool.map(machine.run, boots * 4))
    for number, word in enumerate(words):
        (console,) = {record.console for record in records[number :: len(words)]}
        assert console.count(f"Hello, {word}!\n".encode()) == 60
