"""The template: what it forks is what would have been started, and where it cannot be used nothing is lost."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator, Optional, Tuple

import pytest

from grader import build, grade, launcher, machine, qemu_template, sandbox, store
from grader.labs import find_lab
from grader.machine import Boot
from grader.paths import GraderGaveUp
from grader.plugin import Machine
from grader.tests.test_launcher import LIMITS, PATH, PATIENCE, running

LIBRARY = qemu_template.library()
WHO = 'tr "\\0" " " < /proc/$PPID/cmdline | grep -q "(template)" && echo forked; '

pytestmark = pytest.mark.skipif(not LIBRARY, reason="needs a C compiler of the host's, and Linux")


@pytest.fixture(autouse=True)
def own_launcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a launcher that has no template yet; with a sandbox around it where that works."""
    started = launcher.Launcher()
    monkeypatch.setattr(launcher, "launcher", lambda: started)
    monkeypatch.setattr(machine, "launcher", lambda: started)
    monkeypatch.setenv("RUNG_STORE", "off")


def shell(script: str, *descriptors: int, **environment: str) -> Tuple[str, int]:
    """What a script writes, and its status, from a template of the shell."""
    said, status = launcher.output_of(
        ["/bin/sh", "-c", script], descriptors, {**PATH, **environment}, **LIMITS, template=LIBRARY
    )
    return said.decode(), status


def boot(*jobs: str, budget: float = 1.0) -> Boot:
    lab = find_lab("batch")
    kernel = build.build(grade.configuration(lab, grade.Options(solutions=None)))
    return Machine(kernel, 1, jobs[0]).boot(list(jobs), budget=budget)


def compiled(directory: Path, source: str, *flags: str) -> str:
    """A program of this host's."""
    path = directory / "program"
    path.with_suffix(".c").write_text(source)
    command = ["cc", *flags, "-o", str(path), str(path.with_suffix(".c")), "-lpthread"]
    if subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("this compiler makes no such program")
    return str(path)


def output_of(program: str, library: str = LIBRARY) -> Tuple[str, int]:
    said, status = launcher.output_of([program, "word"], [], PATH, **LIMITS, template=library)
    return said.decode(), status


# Says who its parent is, and what its argument is.
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <fcntl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char name[64], line[64] = "";
    snprintf(name, sizeof(name), "/proc/%d/cmdline", (int)getppid());
    FILE *file = fopen(name, "r");
    while (fgetc(file) > 0) {
    }
    fgets(line, 9, file);
    printf("%s%s %d\\n", line[0] == '-' && line[1] == 'v' ? "forked " : "", argv[1], argc);
    return 3;
}
__attribute__((unused)) static void *thread(void *unused)
{
    pause();
    return unused;
}
__attribute__((unused)) static void begin_thread(void)
{
    pthread_t id;
    pthread_create(&id, NULL, thread, NULL);
}
"""
STARTED, FORKED = ("word 2\n", 3), ("forked word 2\n", 3)


def test_source_compiles_without_warnings(tmp_path: Path) -> None:
    for compiler in filter(shutil.which, ("gcc", "clang")):
        command = [compiler, *qemu_template.FLAGS, "-Werror", "-o", str(tmp_path / "object")]
        subprocess.run([*command, str(qemu_template.SOURCE)], check=True)


def test_records_are_equal_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = boot("hello one", "hello two")
    kept = dataclasses.replace(quick, keep=((machine.MEMORY_START, quick.memory << 20),))
    records = []
    for word in ("off", "on", "on"):
        monkeypatch.setenv("RUNG_TEMPLATE", word)
        record = machine.run(kept)
        assert b"Hello, two!" in record.console and not record.failure
        records.append((record.console, record.traps, record.kept, record.exceeded))
    assert records[0] == records[1] == records[2]


def test_keys_of_runs_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    machine.run(boot("hello"))
    identities = set()
    for word in ("off", "on"):
        monkeypatch.setenv("RUNG_TEMPLATE", word)
        identities.add(store.machine_identity())
    assert len(identities) == 1 and "LD_PRELOAD" not in os.environ


def test_statuses_are_told() -> None:
    assert shell(WHO + "echo two >&2; exit 7") == ("forked\ntwo\n", 7)
    assert shell("kill -ABRT $$")[1] == -signal.SIGABRT
    assert shell("cat") == ("", 0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: shell(f"echo {n}; exit {n}"), range(60)))
    assert done == [(f"{n}\n", n) for n in range(60)]


def test_descriptors_are_those_that_were_given() -> None:
    pipes = [os.pipe() for _ in range(8)]
    for number, (_, writing) in enumerate(pipes):
        os.write(writing, f"pipe {number}\n".encode())
        os.close(writing)
    given = [reading for reading, _ in reversed(pipes)]
    said, _ = shell(WHO + "for n in 3 4 5 6 7 8 9; do eval head -n 1 /dev/fd/$n; done", *given)
    assert said == "forked\n" + "".join(f"pipe {number}\n" for number in range(7, 0, -1))
    for reading in given:
        os.close(reading)
    said, _ = shell("cd /proc/self/fd; echo *")
    # The shell itself opens none before it lists its directory.
    assert said.split() in (["0", "1", "2"], ["0", "1", "2", "3"])


def test_environment_and_command_line_are_what_was_given() -> None:
    variables = "WORD LD_PRELOAD " + launcher.TEMPLATE_SOCKET
    script = (
        WHO
        + f'for n in {variables}; do eval "echo \\"[\\$$n]\\""; done; tr "\\0" "|" < /proc/$$/cmdline'
    )
    said, _ = shell(script, WORD="\u00e4\n")
    assert said.startswith("forked\n[\u00e4\n]\n[]\n[]\n/bin/sh|-c|")
    assert said.rstrip("|").endswith("/cmdline") and "template)" not in said.replace(WHO, "")
    # Another environment might have made another template.
    assert shell(WHO + "echo $WORD", WORD="other") == ("other\n", 0)
    # pytest's own variable, and ours, do not count.
    others = {"PYTEST_CURRENT_TEST": "x", "RUNG_OTHER": "y"}
    script = WHO + "echo $PYTEST_CURRENT_TEST $RUNG_OTHER"
    assert shell(script, WORD="\u00e4\n", **others) == ("forked\nx y\n", 0)


def test_limits_hold_for_each_machine_by_itself(tmp_path: Path) -> None:
    limits = "ulimit -t; ulimit -f; ulimit -v; ulimit -c"
    expected = ["forked", "30", str((1 << 20) // 512), str((1 << 30) // 1024), "0"]
    assert shell(WHO + limits)[0].split() == expected
    with (tmp_path / "file").open("wb") as file:
        _, status = shell("exec head -c 2000000 /dev/zero >&3", file.fileno())
    assert status == -signal.SIGXFSZ and (tmp_path / "file").stat().st_size == 1 << 20
    # The limits of one are not those of the next.
    for seconds in (1, 25, 2):
        said, _ = launcher.output_of(
            ["/bin/sh", "-c", WHO + "ulimit -t"],
            [],
            PATH,
            **{**LIMITS, "cpu_seconds": seconds},
            template=LIBRARY,
        )
        assert said == f"forked\n{seconds}\n".encode()
    _, status = launcher.output_of(
        ["/bin/sh", "-c", "while :; do :; done"],
        [],
        PATH,
        **{**LIMITS, "cpu_seconds": 1},
        template=LIBRARY,
    )
    assert status == -signal.SIGXCPU


def test_what_is_killed_ends() -> None:
    reading, writing = os.pipe()
    started = launcher.launcher().start(
        ["/bin/sh", "-c", WHO + "exec sleep 1000"],
        [reading, writing, writing],
        PATH,
        **LIMITS,
        template=LIBRARY,
    )
    assert os.read(reading, 10) == b"forked\n"
    started.kill()
    assert started.wait() == -signal.SIGKILL
    assert shell(WHO) == ("forked\n", 0)
    os.close(reading)
    os.close(writing)


def test_template_that_dies_takes_its_machines_and_is_not_missed() -> None:
    said, status = shell(WHO + "kill -KILL $PPID; exec sleep 1000")
    assert (said, status) == ("forked\n", launcher.GONE)
    for _ in range(3):  # one may have been sent before its end was heard
        said, status = shell(WHO + "echo started")
        assert (said, status) in (("started\n", 0), ("", launcher.GONE))
    assert (said, status) == ("started\n", 0)


@pytest.mark.parametrize(
    "constructor",
    ["begin_thread();", 'open("/dev/null", O_RDONLY);', "if (getppid() > 0) _exit(0);"]
    + [f'if (getenv("{launcher.TEMPLATE_SOCKET}")) abort();'],
    ids=["thread", "descriptor", "end", "abort"],
)
def test_program_that_cannot_be_forked_is_started(constructor: str, tmp_path: Path) -> None:
    ends = "_exit(0)" in constructor
    source = f"{MAIN}__attribute__((constructor)) static void first(void) {{ {constructor} }}\n"
    program = compiled(tmp_path, source)
    for _ in range(2):
        assert output_of(program) == (("", 0) if ends else STARTED)


def test_threads_that_fork_handlers_make_again_are_there_once(tmp_path: Path) -> None:
    """As QEMU does it."""
    source = MAIN.replace("return 3;", 'return system("ls /proc/$PPID/task | wc -l");')
    source += """
__attribute__((constructor)) static void first(void)
{
    pthread_atfork(NULL, NULL, begin_thread);
    begin_thread();
}
"""
    program = compiled(tmp_path, source)
    said, status = output_of(program)
    assert sorted(said.split("\n")) == ["", "2", "forked word 2"] and status == 0


def test_static_program_is_started(tmp_path: Path) -> None:
    assert output_of(compiled(tmp_path, MAIN, "-static")) == STARTED
    assert output_of(compiled(tmp_path, MAIN)) == STARTED, "it has been the only template"


def test_dynamic_program_is_forked(tmp_path: Path) -> None:
    program = compiled(tmp_path, MAIN)
    assert [output_of(program) for _ in range(3)] == [FORKED] * 3
    # Exchanged, it is another program.
    Path(program).unlink()
    compiled(tmp_path, MAIN.replace("return 3", "return 4"))
    assert output_of(program) == ("word 2\n", 4)


def test_script_is_started(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f'#!/bin/sh\n{WHO}\necho "$1"\n')
    script.chmod(0o755)
    assert output_of(str(script)) == ("word\n", 0)


@pytest.mark.parametrize("content", [None, b"", b"\x7fELF", b"\x7fELF\2\1\1" + bytes(5000)])
def test_object_that_cannot_be_loaded_costs_nothing(
    content: Optional[bytes], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.so"
    if content is not None:
        broken.write_bytes(content)
    said, status = output_of(compiled(tmp_path, MAIN), str(broken))
    assert (said, status) == STARTED


def test_template_that_hangs_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TRIAL_SECONDS", 0.2)
    hangs = f'if (getenv("{launcher.TEMPLATE_SOCKET}")) pause();'
    source = f"{MAIN}__attribute__((constructor)) static void first(void) {{ {hangs} }}\n"
    program = compiled(tmp_path, source)
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            ours.close()
            launcher.serve(theirs)
        os._exit(0)
    theirs.close()
    assert ours.recv(1) == launcher.READY
    asked = launcher.launcher()
    monkeypatch.setattr(asked, "_requests", ours)
    assert output_of(program) == STARTED == output_of(program)
    ours.close()
    os.waitpid(pid, 0)


def test_where_nothing_can_be_compiled_there_is_no_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert qemu_template.library() == LIBRARY
    monkeypatch.setenv("RUNG_TEMPLATE", "off")
    assert qemu_template.library() == ""
    monkeypatch.delenv("RUNG_TEMPLATE")
    refuses = tmp_path / "cc"
    refuses.write_text(f"#!/bin/sh\necho x >> {tmp_path}/calls\nexit 1\n")
    refuses.chmod(0o755)
    for _ in range(2):
        assert qemu_template.build(str(refuses), tmp_path / "host").stat().st_size == 0
    assert (tmp_path / "calls").read_text() == "x\n", "it is not asked again"
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    try:
        qemu_template._built.cache_clear()
        assert qemu_template.library() == ""
    finally:
        qemu_template._built.cache_clear()


@contextlib.contextmanager
def template_of(archive: Path) -> Iterator["concurrent.futures.Future[str]"]:
    """Kills the template of the machine with this archive when it runs.  The result is what stood on its command line."""

    def end_it() -> str:
        deadline = time.monotonic() + PATIENCE
        while not (found := running(str(archive))) and time.monotonic() < deadline:
            os.sched_yield()
        fields = Path(f"/proc/{found[0]}/stat").read_text().rpartition(")")[2].split()
        line = Path(f"/proc/{fields[1]}/cmdline").read_text()
        if "(template)" in line:
            os.kill(int(fields[1]), signal.SIGKILL)
        else:
            os.kill(found[0], signal.SIGKILL)
        return line

    with concurrent.futures.ThreadPoolExecutor() as pool:
        yield pool.submit(end_it)


def test_qemu_is_forked_and_ends_with_its_template(tmp_path: Path) -> None:
    spinning = boot("spin", budget=1000.0)
    archive = tmp_path / "spin.cpio"
    archive.write_bytes(spinning.archive.read_bytes())
    with template_of(archive) as line:
        with pytest.raises(GraderGaveUp, match="QEMU was ended by force"):
            machine.run(dataclasses.replace(spinning, archive=archive))
    assert "(template)" in line.result()
    assert not running(str(archive))
    assert b"Hello" in machine.run(boot("hello again")).console


def test_many_machines_at_once_are_forked() -> None:
    """More than a template holds: the others wait."""
    with concurrent.futures.ThreadPoolExecutor(80) as pool:
        done = list(pool.map(lambda n: shell(f"{WHO} cat; exit {n}"), range(100)))
    assert done == [("forked\n", n) for n in range(100)]


def test_few_descriptors_are_enough() -> None:
    """The limit of this process is that of its launcher."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        asked = launcher.Launcher()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    reading, writing = os.pipe()
    ends = [os.open(os.devnull, os.O_RDONLY), writing, writing]
    asked.start(["/bin/sh", "-c", WHO], ends, PATH, **LIMITS, template=LIBRARY).wait()
    assert os.read(reading, 100) == b"forked\n"
    for each in (reading, *ends[:2]):
        os.close(each)
