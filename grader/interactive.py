"""The kernel for a person: on the console, in the debugger, and as a list of its slots."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from grader import build, disk, grade, machine, starter, symbols
from grader.build import BuildFailure, Part
from grader.labs import Lab, all_labs, definers, find_lab
from grader.paths import BUILD, ROOT, USER, GraderError, shown
from grader.plugin import Machine, Plugin, Selection

GDB_WAIT_SECONDS = 10.0
DISK = BUILD / "disk.img"
DISK_MEGABYTES = 32  # with clusters of a page
GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb")


def _kernel(lab_name: str, solutions: str, with_: str) -> Tuple[Lab, Tuple[Part, ...], Path]:
    """The kernel that `make grade` would judge: of this lab, or of the first."""
    lab = find_lab(lab_name) if lab_name else all_labs()[0]
    if solutions == "solutions":
        starter.create_missing()
    options = grade.Options(grade.parse_solutions(solutions), grade.parse_with(with_))
    for note in grade.lent_notes(lab, options):
        print(f"rung: note: {note}", file=sys.stderr)
    try:
        configuration = grade.configuration(lab, options)
        return lab, configuration.parts, build.build(configuration)
    except BuildFailure as failure:
        details = f"\n{failure.details}" if failure.details else ""
        raise GraderError(f"lab {lab.name} {failure.text}{details}") from None


def parse_apps(text: str) -> List[str]:
    """APPS="hello power:3:20:1000" as jobs; GraderError for a program that does not exist."""
    jobs = [word.replace(":", " ") for word in text.split()]
    for job in jobs:
        build.program(job.split()[0])
    return jobs


def _play(command: Sequence[str]) -> int:
    """Run QEMU on our terminal until it ends or ^C comes; never leave it behind."""
    words = machine.words_for_shell(command)
    print(f"\033[2m{words}\033[0m" if sys.stdout.isatty() else words, flush=True)
    process = subprocess.Popen(command, stdin=None if sys.stdin.isatty() else subprocess.DEVNULL)
    try:
        process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGKILL)
        process.wait()
        print("\nrung: stopped")
    return 0


def console_disk(lab: Lab) -> Optional[Path]:
    """The disk of a person's machine, for labs that have one: made on first use of user/disk/ and, in sbin/,
    all programs.  It stays from run to run; only the programs are brought up to date."""
    if not lab.disk:
        return None
    programs = {f"sbin/{n}": build.program(n).read_bytes() for n in build.program_sources()}
    if DISK.is_file():
        try:
            disk.update(DISK, programs)
        except (disk.Damaged, GraderError) as error:
            print(f"rung: note: {shown(DISK)} is left as it is: {error}", file=sys.stderr)
    else:
        room = (DISK_MEGABYTES << 20) - sum(map(len, programs.values()))
        texts = disk.files_below(USER / "disk", room)
        unfinished = DISK.with_suffix(".new")
        try:
            made = disk.image({**texts, **programs}, DISK_MEGABYTES)
        except ValueError as error:  # a file that is in the way of a program's
            raise GraderError(f"{shown(USER / 'disk')}: {error}: rename it") from None
        shutil.copyfile(made, unfinished)
        unfinished.replace(DISK)
    return DISK


def run(lab_name: str, apps: str, solutions: str, with_: str, bootargs: str = "") -> int:
    """`make run`: the kernel with some programs on this console, or a lab's shell; ^C ends it, but in labs that have
    one.  bootargs: words for the kernel ("populate=1")."""
    lab, _, kernel = _kernel(lab_name, solutions, with_)
    jobs = parse_apps(apps or lab.shell or "hello")
    image = console_disk(lab)
    if image:
        name = shown(image)
        print(f"/disk is {name}: `mdir -i {name} ::` lists it, and `rm {name}` begins afresh.")
    serial = "stdio"
    if lab.shell and sys.stdin.isatty():
        # What is typed is the kernel's, ^C too: QEMU keeps ^A to itself.
        bootargs, serial = f"console=terminal {bootargs}".strip(), "mon:stdio"
        print("^C goes to what runs in the machine; ^A x ends the machine itself.")
    boot = Machine(kernel, lab.seed, "run").boot(jobs, arguments=bootargs, disk=image)
    return _play([*machine.command(boot, None), "-serial", serial])


def timeline(lab_name: str, apps: str, solutions: str, with_: str, out: str) -> int:
    """`make timeline`: run some programs and draw who ran when."""
    from grader import timeline as picture

    lab, _, kernel = _kernel(lab_name or "multitasking", solutions, with_)
    jobs = parse_apps(apps or "spin:40000 spin:30000 nap:25000")
    ran = Machine(kernel, lab.seed, "timeline").run(
        jobs, arguments="trace=calls", budget=10.0, disk=console_disk(lab)
    )
    return picture.command(ran, out)


def address_map(lab_name: str, apps: str, test: str, solutions: str, with_: str, out: str) -> int:
    """`make map`: run some programs, or those of a test, and draw what each can reach."""
    from grader import map as picture

    lab, _, kernel = _kernel(lab_name or "address-spaces", solutions, with_)
    jobs = parse_apps(apps or "layout")
    if test:
        boot, _ = _debug_boot(lab, kernel, test)
        jobs = [job for job in boot.jobs if job.split()[0] in build.program_sources()]
        if not jobs:
            raise GraderError(f"test {test} runs no program that could be looked at")
    ran = Machine(kernel, lab.seed, "map").run(
        jobs,
        checkpoints=True,
        at_main=True,
        budget=10.0,
        disk=boot.disk if test else console_disk(lab),
    )
    return picture.command(ran, out)


def slots(lab_name: str, solutions: str) -> int:
    """`make slots`: who serves each slot in this lab's kernel, as its boot log says; and which file defines each
    function that the given kernel has a default of."""
    _, parts, kernel = _kernel(lab_name, solutions, "")
    boot = Machine(kernel, 0, "slots")
    ran = boot.run([], arguments="slots=1")
    lines = [line[len("slot: ") :] for line in ran.reports if line.startswith("slot: ")]
    if not lines:
        raise GraderError(f"the kernel did not get as far as its boot log: {ran.explanation}")
    print("\n".join(lines))
    print()
    for name, where in functions(parts, kernel):
        print(f"{name + '()':22} {where}")
    return 0


def functions(parts: Sequence[Part], kernel: Path) -> List[Tuple[str, str]]:
    """Each function that the given kernel has a default of, and where this kernel has it from."""
    weak = symbols.weak(kernel)
    files = {part.task.id: shown(part.path) for part in parts}
    found: List[Tuple[str, str]] = []
    for name, definer in definers().items():
        if name in weak:
            found.append((name, f"given kernel, until task {definer.task.id} defines it"))
        else:
            found.append((name, files[definer.task.id]))
    return found


def _debug_boot(lab: Lab, kernel: Path, test: str) -> Tuple[machine.Boot, str]:
    """The first machine that a test boots, without running it; and the test's task."""
    import pytest

    caught: List[machine.Boot] = []
    tasks: List[str] = []

    class Caught(Exception):
        """The machine is described: no need to go on with the test."""

    def describe(boot: machine.Boot) -> machine.Record:
        caught.append(boot)
        raise Caught

    def run_the_first(plugin: Plugin, items: Sequence[pytest.Item]) -> None:
        for item in items[:1]:
            tasks.append(str(next(m.args[0] for m in item.iter_markers("task"))))
            original, machine.run = machine.run, describe
            try:
                plugin.run_on(item, kernel)
            finally:
                machine.run = original

    plugin = Plugin(lab, None, Selection(lab.seed, test), 1, conduct=run_the_first)
    grade.run_pytest(lab, plugin)
    if plugin.error:
        raise plugin.error
    if not caught:
        raise GraderError(f"test {test} boots no machine that could be debugged")
    return caught[0], tasks[0]


def _stops(parts: Sequence[Part], kernel: Path, task_id: str) -> List[str]:
    """Where the student's code of a task may begin: gdb's locations of its functions."""
    part = next(part for part in parts if part.task.id == task_id)
    if part.task.through:
        label = Path(part.task.through).stem
        marked = f"{label}_begin" in symbols.facts(kernel).symbols
        return [f"*{label}_begin" if marked else f"*{label}"]
    obj = part.object_in(kernel.parent / "objects")
    obj = part.path if part.prebuilt else obj
    names = [name for name in symbols.functions(obj) if name in symbols.facts(kernel).symbols]
    if not names:
        raise GraderError(f"{shown(part.path)} has no function yet")
    # Many files have a function called `init`.
    return names if part.prebuilt else [f"-source {part.path.name} -function {n}" for n in names]


def with_own_disk(boot: machine.Boot) -> machine.Boot:
    """The same machine for a person: it writes to its disk, and many tests begin with that image."""
    if not boot.disk:
        return boot
    copy = BUILD / "debug-disk.img"
    shutil.copyfile(boot.disk, copy)
    return dataclasses.replace(boot, disk=copy)


def debug(lab_name: str, test: str, solutions: str, with_: str) -> int:
    """`make debug TEST=…`: gdb, stopped where the task's code is first entered in that test."""
    if not test:
        raise GraderError("say which test: make debug TEST=name (make grade names those that fail)")
    lab, parts, kernel = _kernel(lab_name, solutions, with_)
    boot, task_id = _debug_boot(lab, kernel, test)
    kernel = boot.kernel  # perhaps the one with the probes
    stops = _stops(parts, kernel, task_id)
    gdb = next(filter(shutil.which, GDBS), None)
    if not gdb:
        raise GraderError("gdb-multiarch is not installed: run `make setup`")

    boot = with_own_disk(boot)
    # A socket in build/, so that two people on one machine do not meet.
    path = BUILD / f"gdb-{os.getpid()}.sock"
    command = [*machine.command(boot, None), "-S"]
    command += ["-chardev", f"socket,path={path},server=on,wait=off,id=gdb", "-gdb", "chardev:gdb"]
    log = BUILD / "debug-console.txt"
    command += ["-serial", f"file:{log}"]
    script = [
        "set confirm off",
        "set pagination off",
        "set architecture riscv:rv64",
        f"directory {ROOT}",
        f"target remote {path}",
        *[f"tbreak {stop}" for stop in stops],
        "continue",
        "delete",
        f"echo Stopped in the code of task {task_id}. The console is in {shown(log)}.\\n",
    ]
    words = [gdb, "-q", str(kernel)]
    for line in script:
        words += ["-ex", line]
    words += [] if sys.stdin.isatty() else ["-batch", "-ex", "backtrace 4"]
    qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=os.setsid)
    try:
        deadline = time.monotonic() + GDB_WAIT_SECONDS
        while not path.exists():
            if qemu.poll() is not None or time.monotonic() > deadline:
                raise GraderError("QEMU did not start for the debugger")
            time.sleep(0.01)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C belongs to gdb
        subprocess.run(words, cwd=ROOT, check=False)
        return 0
    finally:
        qemu.kill()
        qemu.wait()
        path.unlink(missing_ok=True)
