"""Probes: tests of the parts from inside the kernel (kernel/probe/, labs/N-name/probes/), as tests use them."""

from __future__ import annotations

import re
import struct
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from grader import check
from grader.machine import Outcome
from grader.plugin import PROBE_MEMORY, Machine
from grader.run import Run

BUDGET = 3.0  # guest seconds at shift 1: 1.5 billion instructions; a probe takes at most 0.2
SEQUENCE_RUNS = 40  # boots to look for a shorter sequence that fails
OPERATIONS = 50_000  # kernel/probe/probe.h

# Where it is said what the parts that a probe tests should do, by the first word of its name.
CONTRACTS = {
    "frames": "kernel/include/frame.h",
    "table": "kernel/include/page_table.h",
    "kernel": "kernel/include/kernel_stack.h",
    "areas": "kernel/include/space.h",
    "programs": "kernel/include/loader.h",
    "memory": "kernel/include/user_memory.h",
    "fault": "page_fault.c",
    "lazy": "lazy.c",
    "file": "file_pages.c",
    "peak": "file_pages.c",
    "heap": "heap.c",
    "stack": "kernel/include/demand.h",
    "shortage": "shortage.c",
    "advice": "advice.c",
    "rules": "map_rules.c",
    "place": "kernel/include/mmap.h",
    "mmap": "mmap.c",
    "mapped": "private_file.c",
    "unmap": "munmap.c",
    "mappings": "the contract of each call",
    "shared": "shared.c",
    "protect": "mprotect.c",
    "remap": "mremap.c",
    "fork": "fork.c",
    "copies": "copy_on_write.c",
    "exec": "kernel/include/process.h",
    "families": "wait.c",
    "spawn": "spawn.c",
    "stride": "stride.c",
}


def probe(
    machine: Machine,
    name: str,
    what: str,
    memory: int = PROBE_MEMORY,
    files: Optional[Dict[str, bytes]] = None,
    jobs: Sequence[str] = (),
    arguments: str = "",
    disk: Optional[Mapping[str, bytes]] = None,
    checks: int = 1,
) -> Run:
    """Have a probe (probes/list.c) test a part, and demand that it finds nothing in so many checks at least: a part
    that a probe calls could go on behind the probe, and nothing would have been found either."""
    words = f"seed={int(machine.secret('operations', 8), 16)} {arguments}".strip()
    run = machine.run(
        jobs, files, words, probe=name, memory=memory, shift=1, budget=BUDGET, disk=disk
    )
    complaint = complaint_of(run, checks)
    if complaint:
        check.fail(what, demanded(name), complaint, outcome_of(run))
    return run


def demanded(name: str) -> str:
    """What a probe expects, in words: where its contract stands."""
    return f"what {CONTRACTS[name.split('-')[0]]} says"


def outcome_of(run: Run) -> str:
    """What to call a failure that a run has shown: by how the run ended, if not in order."""
    return "wrong result" if run.outcome is Outcome.POWER_OFF else str(run.outcome.value)


def complaint_of(run: Run, least: int = 1) -> str:
    """What a probe's run has found, or how it ended instead; nothing when all is well, in so many checks at least."""
    found = [r[len("probe: failed: ") :] for r in run.reports if r.startswith("probe: failed: ")]
    if found:
        return found[0]
    checks, finished = run.probed
    if run.outcome is Outcome.POWER_OFF and checks > 0 and finished == 1:
        short = f"the probe was left after {checks} checks, and makes {least} at least"
        return short if checks < least else ""
    if run.unproved:
        return f"{run.explanation}, and no evidence of the probe: {run.unproved}"
    return f"{run.explanation}, after {checks} checks of the probe"


def probe_random(
    machine: Machine, name: str, what: str, jobs: Sequence[str] = (), checks: int = 1
) -> None:
    """The same for random operations.  When one fails, look for the shortest sequence that does."""
    seed = int(machine.secret("operations", 8), 16)

    def play(kept: Optional[Sequence[int]]) -> Run:
        files = {} if kept is None else {"keep": struct.pack(f"<{len(kept)}I", *kept)}
        return machine.run(jobs, files, f"seed={seed}", probe=name, shift=1, budget=BUDGET)

    run = play(None)
    complaint = complaint_of(run, checks)
    if not complaint:
        return
    match = re.match(r"at operation (\d{1,5}): ", complaint)
    if machine.explains and match and int(match[1]) < OPERATIONS:
        kept, shown = shortest(play, int(match[1]))
        complaint = f"{complaint}\nthe shortest sequence found that fails:\n{shown}"
    check.fail(what, f"{demanded(name)}, after each random operation", complaint, outcome_of(run))


def shortest(play: Callable[[Optional[Sequence[int]]], Run], last: int) -> Tuple[List[int], str]:
    """A short list of operations, of those up to `last`, that still fails, and what each did."""
    kept = list(range(last + 1))
    runs, piece = 0, max(1, len(kept) // 2)
    while runs < SEQUENCE_RUNS:
        start = 0
        smaller = False
        while start < len(kept) - 1 and runs < SEQUENCE_RUNS:
            # The last operation is the one that fails: it stays.
            without = kept[:start] + kept[min(start + piece, len(kept) - 1) :]
            runs += 1
            again = re.match(r"at operation (\d{1,5}): ", complaint_of(play(without)))
            if again and int(again[1]) in without:
                kept = without[: without.index(int(again[1])) + 1]
                smaller = True
            else:
                start += piece
        if piece == 1 and not smaller:
            break
        piece = max(1, min(piece // 2, len(kept) // 2))
    run = play(kept)
    said = [r[len("probe: ") :] for r in run.reports if r.startswith("probe: operation ")]
    return kept, "\n".join([*said, complaint_of(run)])
