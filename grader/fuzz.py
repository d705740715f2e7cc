"""Random system calls against the finished kernel: playing a seed, judging it, and shrinking what fails.

grader/tests/fuzz/program.c draws calls, and grader/tests/fuzz/monitor.c, linked to the kernel at level 9, plays the
deck round after round, looks whether all has come back, and keeps counts and the last calls in memory.  A seed is one
boot, and what it draws follows from the seed.  With a disk the order in which processes run depends on the host.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import hashlib
import os
import random
import re
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from grader import build, disk, grade, machine, run, symbols
from grader.labs import all_labs
from grader.machine import Outcome
from grader.paths import BUILD, ROOT, USER, GraderError
from grader.plugin import Machine

SOURCES = ROOT / "grader" / "tests" / "fuzz"
MONITOR = SOURCES / "monitor.c"

CALLS = 5000  # of a seed, when nothing else is said
DECK = 6  # processes that begin a round
BUDGET = 300.0  # guest seconds; a seed takes some 2, and more where the host is slow with the disk
MEGABYTES = 4  # of the disk
SHRINKING_RUNS = 120
SHOWN = 25  # of the last calls

# How monitor.c lays struct fuzz_result out.
NUMBERS, RING = 512, 1024
HEAD, COUNT, ENTRY = struct.Struct("<5Q"), struct.Struct("<4Q"), struct.Struct("<7Qq4I32s")
RESULT_SIZE = HEAD.size + NUMBERS * COUNT.size + 8 + RING * ENTRY.size


@functools.lru_cache(maxsize=None)
def call_names() -> Dict[int, str]:
    """The system calls that there are, by number."""
    found = re.findall(
        r"^#define SYS_(\w+) (\d+)", (USER / "include/syscall.h").read_text(), re.MULTILINE
    )
    return {int(number): name for name, number in found}


@functools.lru_cache(maxsize=None)
def errno_names() -> Dict[int, str]:
    text = (ROOT / "kernel/include/errno.h").read_text()
    return {int(n): name for name, n in re.findall(r"^\s+(E\w+) = (\d+),", text, re.MULTILINE)}


# ---- what is played --------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def program(source: Path = SOURCES / "program.c") -> bytes:
    """The program that draws calls, or another of a test's own, built as user programs are."""
    build.build_base()
    library = sorted((build.BASE / "user").glob("*.o"))
    inputs = [source, USER / "user.ld", *library]
    inputs += sorted((USER / "include").glob("*.h"))
    digest = hashlib.sha256(build.USER_FLAGS.encode())
    for path in inputs:
        digest.update(path.read_bytes())
    output = BUILD / "fuzz" / digest.hexdigest()[:16]
    if not output.is_file():
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_suffix(f".{os.getpid()}")
        flags = [*build.USER_FLAGS.split(), "-I", str(USER / "include"), *build.USER_LINK.split()]
        command = [build.cross() + "gcc", *flags, "-T", str(USER / "user.ld"), "-o", str(partial)]
        subprocess.run([*command, str(inputs[0]), *map(str, library), "-lgcc"], check=True)
        subprocess.run([build.cross() + "objcopy", "--strip-debug", str(partial)], check=True)
        partial.replace(output)
    return output.read_bytes()


def kernel_of(solutions: Optional[Path] = None, extra: Sequence[Path] = ()) -> Path:
    """The finished kernel with the monitor; of these solutions instead of the reference."""
    configuration = grade.configuration(
        all_labs()[-1], grade.Options(solutions=solutions), extra=[MONITOR, *extra]
    )
    return build.build(configuration)


def _files(chance: random.Random) -> Dict[str, bytes]:
    """The archive: programs, what looks like some, and what does not."""
    fuzz, content = program(), bytes(97 + n * 7 % 26 for n in range(9000))
    files = {"bin/fuzz": fuzz, "text": content, "bin/text": content[:700], "bin/empty": b""}
    files["bin/script"] = b"#!/bin/fuzz\n"
    files["bin/script2"] = b"#! /bin/exit 3\n" + content[:100]
    for name in ("exit", "hello"):
        files[f"bin/{name}"] = build.program(name).read_bytes()
    for n in range(4):
        damaged = bytearray(build.program("hello").read_bytes())
        for _ in range(1 + n):  # in what says how it is to be loaded
            damaged[chance.randrange(24, 64 + 3 * 56)] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        files[f"bin/damaged{n}"] = bytes(damaged)
    return files


@dataclass(frozen=True)
class Setting:
    """What a seed's machine is like."""

    seed: int
    memory: int  # MiB
    has_disk: bool
    refuse: int  # in some rounds one frame of so many cannot be had; 0: all can
    jitter: bool  # interrupts come early

    @staticmethod
    def of(seed: int) -> Setting:
        memory = (128, 20, 64, 32, 24)[seed % 5]
        return Setting(seed, memory, seed % 4 != 3, (0, 400, 60)[seed % 3], seed // 4 % 2 == 0)


@dataclass
class Count:
    calls: int = 0
    successes: int = 0
    errnos: frozenset[int] = frozenset()

    def plus(self, other: Count) -> Count:
        return Count(
            self.calls + other.calls,
            self.successes + other.successes,
            self.errnos | other.errnos,
        )


@dataclass
class Call:
    """One call that was drawn."""

    number: int
    args: Sequence[int]
    result: Optional[int]  # None: it has not returned
    id: int
    pid: int
    round: int
    text: str = ""  # its path, cut to fit

    def __str__(self) -> str:
        name = call_names().get(self.number, f"call {self.number}")
        words = ", ".join(f"{arg:#x}" if arg > 9 else str(arg) for arg in self.args)
        result = "…" if self.result is None else _shown(self.result)
        text = f" {self.text!r}" if self.text else ""
        return f"{self.id:08x} process {self.pid}: {name}({words}){text} = {result}"


def _shown(result: int) -> str:
    if -4095 <= result < 0:
        return "-" + errno_names().get(-result, str(-result))
    return f"{result:#x}" if result > 999 else str(result)


@dataclass
class Played:
    """What a run of a seed has shown.  complaint: "" when all is well."""

    setting: Setting
    complaint: str
    calls: int = 0
    rounds: int = 0
    unknown: int = 0
    refused: int = 0
    counts: Dict[int, Count] = field(default_factory=dict)
    last: List[Call] = field(default_factory=list)
    ran: Optional[run.Run] = None


def _read(kept: bytes, played: Played) -> None:
    """Take in what the monitor has left in memory."""
    played.calls, played.rounds, played.unknown, played.refused, _ = HEAD.unpack_from(kept)
    for number in range(NUMBERS):
        calls, successes, low, high = COUNT.unpack_from(kept, HEAD.size + number * COUNT.size)
        if calls:
            bits = low | high << 64
            errnos = frozenset(n for n in range(128) if bits >> n & 1)
            played.counts[number] = Count(calls, successes, errnos)
    at = HEAD.size + NUMBERS * COUNT.size
    (noted,) = struct.unpack_from("<Q", kept, at)
    for n in range(max(0, noted - RING), noted):
        place = at + 8 + n % RING * ENTRY.size
        number, *args, result, id_, pid, of_round, returned, path = ENTRY.unpack_from(kept, place)
        text = path.partition(b"\0")[0].decode(errors="replace")
        came = result if returned else None
        played.last.append(Call(number, args, came, id_, pid, of_round, text))


def play(
    kernel: Path,
    setting: Setting,
    calls: int = CALLS,
    first: int = 0,
    keep: Optional[Sequence[int]] = None,
) -> Played:
    """Boot a kernel that has the monitor, and let a seed's programs draw so many calls.

    first: the round to begin with; keep: make only the calls with these numbers.
    """
    under_test = Machine(kernel, setting.seed, "fuzz")
    files = _files(random.Random(setting.seed))
    if keep is not None:
        files["keep"] = struct.pack(f"<{len(keep)}I", *keep)
    mark = f"@{under_test.secret('mark')}@"
    words = f"report={mark} seed={setting.seed} calls={calls} first={first} refuse={setting.refuse}"
    words += f" jitter={setting.seed}" if setting.jitter else ""
    on_disk = {
        "text": files["text"],
        "dir/inner": b"inner",
        "prog": files["bin/fuzz"],
        "A.long.name.longer.than.one.piece": b"long",
    }
    jobs = ["fuzz"] * DECK
    image = disk.image(on_disk, MEGABYTES) if setting.has_disk else None
    boot = under_test.boot(jobs, files, words, budget=BUDGET, memory=setting.memory, disk=image)
    where = symbols.address(kernel, "fuzz_result")
    boot = dataclasses.replace(boot, keep=(*boot.keep, (where, RESULT_SIZE)))
    record = machine.run(boot)
    ran = run.read(record, mark, kernel, jobs, {}, BUDGET)
    played = Played(setting, "", ran=ran)
    if len(record.kept[-1]) == RESULT_SIZE:
        _read(record.kept[-1], played)
    played.complaint = _complaint(ran, setting)
    return played


def _complaint(ran: run.Run, setting: Setting) -> str:
    said = [report for report in ran.reports if report.startswith("fuzz: ")]
    failed = [line for line in said if line.startswith("fuzz: failed: ")]
    if failed:
        return failed[0][len("fuzz: failed: ") :]
    if ran.outcome is not Outcome.POWER_OFF or not said:
        return ran.explanation
    found = disk.check(ran.record.disk) if setting.has_disk else []
    return "fsck.fat: " + "; ".join(found[:5]) if found else ""


# ---- what fails ------------------------------------------------------------------------------------


def shrink(kernel: Path, failed: Played) -> str:
    """A report on a run that failed: how to see it again, and, where possible, few calls that will do."""
    lines = [
        f"seed {failed.setting.seed}: {failed.complaint}",
        f"after {failed.calls} calls, in round {failed.last[-1].round if failed.last else 0};"
        f" again: make fuzz CALLS={CALLS} SEED={failed.setting.seed}",
    ]
    kept = _fewest(kernel, failed)
    if kept:
        lines.append(f"these {len(kept.last)} calls, alone, do it ({kept.complaint}):")
        lines += [f"  {call}" for call in kept.last]
    else:
        lines.append("its last round alone does not fail.  The last calls:")
        lines += [f"  {call}" for call in failed.last[-SHOWN:]]
    return "\n".join(lines)


def _fewest(kernel: Path, failed: Played) -> Optional[Played]:
    """The last round, with as many calls left out as can be; None when it does not fail by itself."""
    if not failed.last:
        return None
    of_round = failed.last[-1].round
    runs = 0

    def again(keep: Optional[Sequence[int]]) -> Optional[Played]:
        nonlocal runs
        runs += 1
        played = play(kernel, failed.setting, calls=1, first=of_round, keep=keep)
        return played if played.complaint else None

    best = again(None)
    if not best or len(best.last) == RING:
        return best
    piece = max(1, len(best.last) // 2)
    while runs < SHRINKING_RUNS:
        at, smaller = 0, False
        while at < len(best.last) and runs < SHRINKING_RUNS:
            ids = [call.id for call in best.last]
            found = again(ids[:at] + ids[at + piece :])
            if found and len(found.last) < len(best.last):
                best, smaller = found, True
            else:
                at += piece
        if piece == 1 and not smaller:
            break
        piece = max(1, min(piece // 2, len(best.last) // 2))
    return best


# ---- the command -----------------------------------------------------------------------------------


def table(counts: Dict[int, Count]) -> List[str]:
    """Each call: how often, how often it worked, and the errors that it has shown."""
    rows = [f"{'call':18}{'times':>9}{'worked':>9}  errors"]
    for number, name in sorted(call_names().items()):
        count = counts.get(number, Count())
        errors = " ".join(errno_names().get(n, str(n)) for n in sorted(count.errnos))
        rows.append(f"{name:18}{count.calls:9,}{count.successes:9,}  {errors}")
    return rows


def add_counts(total: Dict[int, Count], more: Dict[int, Count]) -> None:
    for number, count in more.items():
        total[number] = total.get(number, Count()).plus(count)


def command(calls: str, seed: str, workers: int) -> int:
    """`make fuzz CALLS=n SEED=n`."""
    try:
        wanted, first = int(calls or 100_000), int(seed or 1)
    except ValueError:
        raise GraderError(f"CALLS={calls} SEED={seed}: they have to be numbers") from None
    kernel, total, done, failures = kernel_of(), {}, 0, 0  # type: ignore[var-annotated]
    program()
    unknown = rounds = refused = 0
    seeds = range(first, first + -(-wanted // CALLS))
    settings = [Setting.of(each) for each in seeds]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        playing = {pool.submit(play, kernel, each, min(CALLS, wanted)): each for each in settings}
        for finished in concurrent.futures.as_completed(playing):
            played = finished.result()
            done += 1
            unknown, rounds = unknown + played.unknown, rounds + played.rounds
            refused += played.refused
            add_counts(total, played.counts)
            if played.complaint:
                failures += 1
                print(f"\n{shrink(kernel, played)}", flush=True)
            if sys.stderr.isatty() or done % 20 == 0 or done == len(settings):
                print(f"\r{done} of {len(settings)} seeds", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print("\n".join(table(total)))
    made = sum(count.calls for count in total.values()) + unknown
    print(f"\n{made:,} calls in {rounds:,} rounds of {len(settings)} seeds, {unknown:,} of them of")
    print(f"calls that there are not; {refused:,} frames were refused.  {failures} seeds failed.")
    return 1 if failures else 0
