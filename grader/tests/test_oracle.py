"""Linux is the oracle: what the lab's tests expect of programs is what Linux makes of them.

Programs run under qemu-riscv64, the same files that the kernel gets.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, List, Sequence, Tuple

import pytest

from grader import programs, symbols
from grader.build import program
from grader.disk import tool
from grader.paths import LABS
from grader.tests import on_linux
from grader.tests.on_linux import host  # noqa: F401  (a fixture)

QEMU = shutil.which("qemu-riscv64")


def load_tests(path: Path) -> ModuleType:
    """The module of a lab's tests, for the texts it expects."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXPECTED = load_tests(LABS / "1-batch" / "test_batch.py")
MULTITASKING = load_tests(LABS / "2-multitasking" / "test_multitasking.py")
ADDRESS_SPACES = load_tests(LABS / "3-address-spaces" / "test_address_spaces.py")
PAGE_FAULTS = load_tests(LABS / "4-page-faults" / "test_page_faults.py")
MMAP = load_tests(LABS / "5-mmap" / "test_mmap.py")
PROCESSES = load_tests(LABS / "6-processes" / "test_processes.py")
NOBODYS = ["0x0", "0x8", "0x4000000000"]


def linux(job: str) -> Tuple[int, bytes]:
    """Run "program argument …" on Linux, with no environment; its status and output."""
    assert QEMU, "qemu-riscv64 is missing: run `make test`, which installs it"
    name, *arguments = job.split()
    # qemu takes the environment of the program from its own.
    with open(os.devnull, "rb") as nothing:  # read-only, which subprocess.DEVNULL is not
        done = subprocess.run(
            ["env", "-i", QEMU, "-0", name, str(program(name)), *arguments],
            stdin=nothing,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "job, output",
    [
        ("hello", "Hello, world!\n"),
        ("hello some body", "Hello, some body!\n"),
        ("power 7 1234567 999983", f"7^1234567 mod 999983 = {pow(7, 1234567, 999983)}\n"),
        ("writes length 50", EXPECTED.writes_length(50)),
        ("writes badfd", EXPECTED.WRITES_BADFD),
        ("writes wide", EXPECTED.WRITES_WIDE),
        ("writes zero", EXPECTED.WRITES_ZERO),
        ("writes nul", EXPECTED.WRITES_NUL),
        ("writes large 79999", EXPECTED.writes_large(79999)),
        ("writes overflow", EXPECTED.WRITES_OVERFLOW),
        (
            "writes badbuf 0x0 0x8 0x4000000000",
            "".join(map(EXPECTED.writes_badbuf, (0, 8, 1 << 38))),
        ),
        ("survive 100", "all registers survived 100 calls\n"),
        ("unknown 1000 511", "call 1000: -38\ncall 511: -38\n"),
        ("unknown 1000,1,2 64,1,0,0", "call 1000,1,2: -38\ncall 64,1,0,0: 0\n"),
        (
            "fp",
            "fp registers start at zero\nsum = 1643934 (millionths)\n"
            "fp registers survived a system call\n",
        ),
        (
            "startup a bc",
            "sp is 16-byte aligned\nargc = 3\nargv[0] = startup\nargv[1] = a\nargv[2] = bc\n"
            "argv[argc] is null\nenvp has 0 strings\n",
        ),
        ("big", "touched 5 MiB\n"),
        ("badnap", MULTITASKING.badnap([])),
        (f"clocks bad {' '.join(NOBODYS)}", MULTITASKING.badclocks(NOBODYS)),
        ("yields only 3", MULTITASKING.interleaving([("only", 3)])),
        ("keep 12345 1", "kept everything\n"),
        ("keep 99 0 yield", "kept everything\n"),
        ("chant x 5 2", "xxxxx\nxxxxx\n"),
        ("layout 2 5", ""),
        ("straddle", ADDRESS_SPACES.STRADDLE),
        ("auxv one 2", ""),
        ("hog 300 100", "100 pages\n200 pages\n300 pages\n"),
        ("tenant 1000", f"sum {PAGE_FAULTS.tenant_sum()}\n" * 2),
        ("touch deep=40 frame=80000", ""),
    ],
)
def test_linux_prints_what_the_lab_expects(job: str, output: "str | bytes") -> None:
    wanted = output.encode() if isinstance(output, str) else output
    assert linux(job) == (0, wanted)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel below us")
@pytest.mark.parametrize("address", [0, 8])
def test_linux_refuses_to_sleep_for_a_time_that_it_cannot_read(address: int) -> None:
    """Asked directly: qemu-riscv64 7.2 goes on with whatever it has when it cannot read the time."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.nanosleep(ctypes.c_void_p(address), None) == -1
    assert -ctypes.get_errno() == MULTITASKING.EFAULT


def test_linux_sleeps_as_long_as_asked() -> None:
    started = time.monotonic()
    status, output = linux("nap 20000 1 30000")
    assert status == 0 and time.monotonic() - started >= 0.05
    assert [line.split(",")[0] for line in output.decode().splitlines()] == [
        "slept 20000: 0",
        "slept 1: 0",
        "slept 30000: 0",
    ]


@pytest.mark.parametrize("code", [0, 1, 77, 255, 256, 300, -1, -7])
def test_linux_keeps_the_low_8_bits_of_an_exit_code(code: int) -> None:
    assert linux(f"exit {code}")[0] == code & 0xFF


@pytest.mark.parametrize(
    "kind, number",
    [
        ("load 0x10", signal.SIGSEGV),
        ("store 0x80000000", signal.SIGSEGV),
        ("fetch 0x40", signal.SIGSEGV),
        ("illegal", signal.SIGILL),
        ("csr", signal.SIGILL),
        ("sret", signal.SIGILL),
        ("ebreak", signal.SIGTRAP),
        ("stack", signal.SIGSEGV),
    ],
)
def test_linux_sends_the_signal_that_the_lab_expects(kind: str, number: signal.Signals) -> None:
    status, output = linux(f"fault {kind}")
    assert status == -number
    assert output == f"before {kind.split()[0]}\n".encode()


def test_linux_sends_sigbus_for_a_misaligned_atomic() -> None:
    address = symbols.address(program("fault"), "__bss_start") + 13
    status, output = linux(f"fault misaligned {address:#x}")
    assert (status, output) == (-signal.SIGBUS, b"before misaligned\n")


def test_linux_runs_the_unusual_program_files_too(tmp_path: Path) -> None:
    """What a lab calls a right program file is one."""
    made = programs.unusual(random.Random(1))
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o755)
        assert QEMU
        assert subprocess.run([QEMU, str(tmp_path / name)], check=False).returncode == 42, name


# Where qemu-riscv64 does not answer as Linux on RISC-V does, or answers as the host's CPU has it:
# - read-1: it lets memory that may only be executed be read.
# - fetch-3 (write and execute, not read): to translate code on a page that can be written, it takes the right to
#   write from the host's page, which leaves the right to execute alone.  Where the host's CPU has protection keys, Linux
#   makes such a page unreadable, and qemu-riscv64 itself gets SIGSEGV when it reads the code.
NOT_LINUX_SEGMENTS = ("read-1", "fetch-3")


@pytest.fixture(scope="session")
def protection_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that gives a program the memory of a host with protection keys, whatever host this is."""
    library = tmp_path_factory.mktemp("host") / "protection_keys.so"
    source = Path(__file__).with_name("protection_keys.c")
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror"]
    subprocess.run([tool("gcc"), *flags, str(source), "-o", str(library), "-ldl"], check=True)
    return library


@on_linux.needs_linux
@pytest.mark.parametrize("host_cpu", ["this", "with protection keys"])
def test_linux_permits_what_segments_flags_say(
    tmp_path: Path, protection_keys: Path, host_cpu: str
) -> None:
    """The same answers on every host."""
    assert QEMU
    preloaded = {"LD_PRELOAD": str(protection_keys)} if host_cpu != "this" else {}
    for name, (content, end) in PAGE_FAULTS.segment_programs().items():
        if name in NOT_LINUX_SEGMENTS:
            continue
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o755)
        status = subprocess.run(
            [QEMU, str(tmp_path / name)], env={**os.environ, **preloaded}, check=False
        ).returncode
        assert status == (42 if end == "exited with 42" else -signal.SIGSEGV), name


# What qemu-riscv64 7.2 does otherwise than Linux: it maps something where an end that is impossible has
# been asked for, and takes any advice.
NOT_LINUX = ("brk=ff", "brk=8", "brk=40", "advise=heap+1000,1000,63")


@pytest.mark.parametrize("name", ["GROW_AND_SHRINK", "BRK_ANSWERS", "ADVICE", "CORE"])
def test_linux_answers_as_the_lab_expects(name: str) -> None:
    actions = [a for a in getattr(PAGE_FAULTS, name) if not a[0].startswith(NOT_LINUX)]
    job, wanted = PAGE_FAULTS.script(actions)
    assert linux(job) == (0, "".join(f"{line}\n" for line in wanted).encode())


# The same of lab 5: it has no MAP_FIXED_NOREPLACE, says ENOMEM to mprotect() of nothing, and to mremap() to nothing.
NOT_LINUX_MAPPING = ("map=a+1000,1000,r,pan", "protect=a+0,0,r", "remap=c+0,1000,0,1")
# What they write to the console stands before their answer.
WRITES = ("write=1,a+2000,3",)
BARE_REMAP = (("map=0,4000,rw,pa", "a"), ("unmap=a+3000,1000", "0"))
MAPPING = {
    "MEMORY": MMAP.MEMORY,
    "FILE": MMAP.FILE,
    "BEHIND": MMAP.BEHIND,
    "UNMAP": MMAP.UNMAP,
    "SHARED": MMAP.SHARED,
    "GOING": MMAP.GOING,
    # On Linux there is something behind the first mapping: a hole is made.
    "PROTECT": (*MMAP.BARE_PROTECT, *MMAP.PROTECT[1:]),
    "REMAP": (*BARE_REMAP, *MMAP.REMAP[1:]),
}
ENDS = ("BEHIND_ENDS", "UNMAP_ENDS", "GOING_ENDS", "PROTECT_ENDS")


def without(script: Sequence[Tuple[str, "str | None"]], *actions: str) -> Tuple[str, List[str]]:
    """A script of lab 5 without these actions: the job, and what it is to print."""
    job, wanted = MMAP.script([each for each in script if each[0] not in actions])
    return str(job), list(wanted)


def unanswered(wanted: Sequence[str], answer: on_linux.Answer) -> List[str]:
    """The lines that were not printed, or not in this order."""
    rest = iter(answer.lines)
    return [line for line in wanted if line not in rest]


@pytest.mark.parametrize("name", MAPPING)
def test_linux_maps_as_the_lab_expects(name: str) -> None:
    job, wanted = without(MAPPING[name], *NOT_LINUX_MAPPING, *WRITES)
    answer = on_linux.emulated(job, MMAP.FILES)
    assert unanswered(wanted, answer) == [] and answer.status == 0


@on_linux.needs_linux
@pytest.mark.parametrize("name", MAPPING)
def test_linux_itself_maps_as_the_lab_expects(name: str, host: on_linux.Host) -> None:  # noqa: F811
    """All of them, without an emulator between."""
    job, wanted = without(MAPPING[name], *WRITES)
    answer = host.itself(job, MMAP.FILES)
    assert unanswered(wanted, answer) == [] and answer.status == 0


@pytest.mark.parametrize("name", ENDS)
def test_linux_ends_programs_as_the_lab_expects(name: str) -> None:
    status = {
        "exited with 0": 0,
        "killed by SIGBUS": -signal.SIGBUS,
        "killed by SIGSEGV": -signal.SIGSEGV,
    }
    wanted = {actions: status[end] for actions, end in getattr(MMAP, name).items()}
    seen = {each: on_linux.emulated(f"mapper {each}", MMAP.FILES).status for each in wanted}
    assert seen == wanted


# Stories of lab 6.
STORIES = {
    "TWO": PROCESSES.TWO,
    "GENERATIONS": PROCESSES.GENERATIONS,
    "KEPT": (*PROCESSES.KINDS, PROCESSES.Child(1, *PROCESSES.KEPT), *PROCESSES.KEPT),
    "APART": PROCESSES.APART,
    "TOGETHER": PROCESSES.TOGETHER,
    "WRITTEN_BEFORE": PROCESSES.WRITTEN_BEFORE,
    "KERNEL_COPIES": PROCESSES.KERNEL_COPIES,
    "PROTECTED": PROCESSES.PROTECTED,
    "DESCENDANTS": PROCESSES.DESCENDANTS,
    "FORMS": PROCESSES.FORMS,
    "OTHERS_FIRST": PROCESSES.OTHERS_FIRST,
    "STATUSES": PROCESSES.STATUSES,
    "ORPHANS": PROCESSES.ORPHANS,
    "UNREAPED": PROCESSES.UNREAPED,
}
# With other programs: those cannot be built for both, so the host's Linux is asked.
WITH_PROGRAMS = {
    "REPLACED": PROCESSES.REPLACED,
    "BAD_PROGRAMS": PROCESSES.BAD_PROGRAMS,
    "PIPED": PROCESSES.PIPED,
    "SPAWNED": PROCESSES.SPAWNED,
    "NOT_SPAWNED": PROCESSES.NOT_SPAWNED,
}


def untold(story: Any, printed: bytes) -> List[str]:
    """The lines of a story that its processes did not print, or not in this order."""
    told = PROCESSES.told(printed)
    missing: List[str] = []
    for label, wanted in PROCESSES.lines(story).items():
        rest = iter(told.get(label, []))
        missing += [line for line in wanted if line not in rest]
    return missing


def below_here(story: Any) -> Any:
    """The story with paths that begin where it is told, not at the root."""
    return tuple(
        PROCESSES.Child(each.number, *below_here(each.story))
        if isinstance(each, PROCESSES.Child)
        else (each[0] if "=/dev/" in each[0] else each[0].replace("=/", "="), each[1])
        for each in story
    )


@pytest.mark.parametrize("name", STORIES)
def test_linux_tells_the_labs_stories(name: str) -> None:
    job = " ".join(["mapper", *PROCESSES.words(STORIES[name])])
    answer = on_linux.emulated(job, PROCESSES.FILES)
    assert untold(STORIES[name], answer.printed) == [] and answer.status == 0


@on_linux.needs_linux
@pytest.mark.parametrize("name", WITH_PROGRAMS)
def test_linux_itself_tells_stories_with_other_programs(
    name: str, host: on_linux.Host  # noqa: F811
) -> None:
    story = below_here(WITH_PROGRAMS[name])
    ours = program("exit").read_bytes()
    beside = {"text": b"no program", "empty": b"", "cut": ours[:4196]}
    job = " ".join(["mapper", *PROCESSES.words(story)])
    answer = host.itself(job, PROCESSES.FILES, ("exit", "echo", "startup"), beside)
    # Whose output is a pipe tells nothing here.
    unheard = ["1> close=A: 0"] if name == "PIPED" else []
    assert untold(story, answer.printed) == unheard


@pytest.mark.parametrize("script", PROCESSES.READ_ONLY)
def test_linux_ends_who_writes_where_the_lab_expects_it(script: str) -> None:
    answer = on_linux.emulated(f"mapper {script}", PROCESSES.FILES)
    assert answer.lines[-1] == f"wait=any: {PROCESSES.READ_ONLY[script]}"


def test_linux_keeps_registers_in_a_child() -> None:
    status, output = linux("twin 12345")
    assert status == 0
    assert sorted(output.splitlines()) == [b"child kept everything", b"parent kept everything"]


def test_origin_exits_on_linux_too() -> None:
    assert linux("origin") == (42, b"")


def test_standard_error_is_open_on_linux() -> None:
    assert EXPECTED.WRITES_OUT.endswith(linux("writes out")[1].decode())


def test_what_stale_demands_holds_for_bss_on_linux() -> None:
    status, output = linux("stale")
    assert b"bss byte" not in output


def test_every_program_says_whether_it_runs_on_linux() -> None:
    from grader.build import program_sources

    missing: List[str] = [
        name for name, path in program_sources().items() if "Linux:" not in Path(path).read_text()
    ]
    assert not missing
