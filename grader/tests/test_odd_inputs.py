"""What a kernel must not trust: the numbers in program files, the names in an archive, the arguments of system calls.

Each file here is wrong in one place, or unusual and right.  A kernel that believes a wrong number writes anywhere or
panics; so after each deck of them a program that is in order must still run.
"""

from __future__ import annotations

import functools
import io
import random
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import pytest
from elftools.elf.elffile import ELFFile

from grader import build, cpio, fuzz, grade
from grader.labs import all_labs, find_lab
from grader.machine import Outcome
from grader.plugin import Machine
from grader.programs import EXIT_42, RW, RX, elf
from grader.run import Run

LABS = [lab.name for lab in all_labs()]
PAGED = ["address-spaces", "page-faults", "processes"]
TOP = 1 << 64
PROGRAM_HEADER, SECTION_HEADER, RELOCATION = 56, 64, 24
PT_LOAD, PT_INTERP, SHT_RELA, R_RISCV_64 = 1, 3, 4, 2


@functools.lru_cache(maxsize=None)
def kernel_of(name: str) -> Path:
    return build.build(grade.configuration(find_lab(name), grade.Options(solutions=None)))


def machine_of(name: str) -> Machine:
    return Machine(kernel_of(name), find_lab(name).seed, "odd inputs")


def put(data: bytes, at: int, value: int, size: int = 8) -> bytes:
    """The same with a number in one place."""
    return data[:at] + (value % (1 << 8 * size)).to_bytes(size, "little") + data[at + size :]


# ---- system calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LABS)
def test_no_call_with_odd_arguments_harms_the_kernel(name: str) -> None:
    """getppid() once followed a pointer that lab 1's kernel does not set."""
    source = Path(__file__).with_name("all_calls.c")
    ran = machine_of(name).run(
        ["all_calls", "hello"], {"bin/all_calls": fuzz.program(source)}, budget=20.0
    )
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert ran.job(0).end == "exited with 42"
    assert b"Hello, world!\n" in ran.printed


@pytest.mark.parametrize("how", ["", " spawn"])
def test_a_program_without_arguments_has_an_empty_name(how: str) -> None:
    """Programs look at argv[0] without asking whether it is there.  As on Linux from 5.18 on."""
    program = fuzz.program(Path(__file__).with_name("nameless.c"))
    ran = machine_of("processes").run([f"nameless{how}"], {"bin/nameless": program})
    assert ran.job(0).end == "exited with 42", ran.explanation


@pytest.mark.parametrize("name", LABS)
def test_the_time_that_a_program_has_had_begins_with_it(name: str) -> None:
    """In lab 1, where no scheduler says when a turn began, it was the time since power-on."""
    program = fuzz.program(Path(__file__).with_name("usage.c"))
    ran = machine_of(name).run(
        ["spin 100000", "usage"], {"bin/usage": program}, shift=6, budget=10.0
    )
    assert ran.job(1).end == "exited with 0", ran.explanation


# ---- program files: relocations, which only the loader of labs 1 and 2 reads -----------------------------


def relocated() -> Tuple[bytes, int, int]:
    """A program, where its first relocation of a stored address is, and where the header of their section is."""
    data = build.program("sh").read_bytes()
    file = ELFFile(io.BytesIO(data))
    for n, section in enumerate(file.iter_sections()):
        if (
            section["sh_type"] != "SHT_RELA"
            or not file.get_section(section["sh_info"])["sh_flags"] & 2
        ):
            continue
        for i in range(section.num_relocations()):
            if section.get_relocation(i)["r_info_type"] == R_RISCV_64:
                at = section["sh_offset"] + i * RELOCATION
                return data, at, file["e_shoff"] + n * SECTION_HEADER
    raise AssertionError("the program has no stored address")


def bad_relocations() -> Dict[str, bytes]:
    data, at, header = relocated()
    loads = [s for s in ELFFile(io.BytesIO(data)).iter_segments() if s["p_type"] == "PT_LOAD"]
    start = min(s["p_vaddr"] for s in loads) & -4096
    end = (max(s["p_vaddr"] + s["p_memsz"] for s in loads) + 4095) & -4096
    places = [
        0x700000000000,
        TOP - 1,
        TOP - 4,
        TOP - 8,
        1 << 63,
        start - 1,
        start - 8,
        end - 7,
        end,
        end + 8,
    ]
    found = {f"at-{place:x}": put(data, at, place) for place in places}
    found["offset-wraps"] = put(data, header + 24, TOP - RELOCATION)
    found["size-wraps"] = put(data, header + 32, TOP - 1)
    found["behind-the-file"] = put(data, header + 24, len(data))
    found["longer-than-the-file"] = put(data, header + 32, 1 << 40)
    found["of-no-section"] = put(data, header + 44, (1 << 32) - 1, 4)
    for place in (TOP - 1, TOP - SECTION_HEADER, TOP - 8, 1 << 63, len(data) - 8):
        found[f"sections-at-{place:x}"] = put(data, 40, place)
    found["many-sections"] = put(data, 60, 0xFFFF, 2)
    return found


@pytest.mark.parametrize("name", ["batch", "multitasking"])
def test_relocations_outside_the_program_are_refused(name: str) -> None:
    """The end of the program less a larger address wrapped, and the kernel added a number to any memory."""
    files = bad_relocations()
    ran = machine_of(name).run(
        [*files, "hello"], {f"bin/{each}": data for each, data in files.items()}
    )
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    ends = {each: ran.job(n).end for n, each in enumerate(files)}
    assert ends == {each: "not started: ENOEXEC" for each in files}
    assert b"Hello, world!\n" in ran.printed


# ---- program files: headers -------------------------------------------------------------------------


def with_header(kind: int, offset: int = 0, size: int = 0) -> bytes:
    """A program with one more program header of a kind."""
    data = elf([(0x10000, EXIT_42, None, RX), (0x20000, b"/lib/ld.so\0", None, RW)], 0x10000)
    return put(
        put(put(data, 64 + PROGRAM_HEADER, kind, 4), 64 + PROGRAM_HEADER + 8, offset),
        64 + PROGRAM_HEADER + 32,
        size,
    )


@pytest.mark.parametrize("name", LABS)
def test_a_program_that_wants_an_interpreter_is_not_found(name: str) -> None:
    """As on Linux where the interpreter is missing.  Started without, it would run unlinked."""
    files = {"bin/dynamic": with_header(PT_INTERP, 0x1000, 11), "bin/odd": with_header(PT_INTERP)}
    ran = machine_of(name).run(["dynamic", "odd", "hello"], files)
    assert [ran.job(n).end for n in range(3)] == ["not started: ENOENT"] * 2 + ["exited with 0"]


@pytest.mark.parametrize("name", PAGED)
def test_only_segments_with_bytes_have_a_place_in_the_file(name: str) -> None:
    """Linkers give a segment of zeros any offset: Linux does not look at it."""
    data = elf([(0x10000, EXIT_42, None, RX), (0x20E00, b"", 64, RW)], 0x10000)
    header = 64 + PROGRAM_HEADER
    files = {
        f"bin/offset-{at:x}": put(data, header + 8, at) for at in (0, 1, 0x777, 1 << 40, TOP - 1)
    }
    files["bin/alignment"] = put(data, header + 48, 12345)
    files["bin/stack"] = with_header(0x6474E551)  # PT_GNU_STACK
    jobs = [each[4:] for each in files]
    ran = machine_of(name).run(jobs, files)
    assert {each: ran.job(n).end for n, each in enumerate(jobs)} == dict.fromkeys(
        jobs, "exited with 42"
    )


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("seed", range(2))
def test_programs_with_random_headers_harm_no_other(name: str, seed: int) -> None:
    drawing = random.Random(f"{name} {seed}")
    good, _, rela = relocated()
    places = [
        *range(24, 64),
        *range(64, 64 + 4 * PROGRAM_HEADER),
        *range(rela, rela + SECTION_HEADER),
    ]
    files = {}
    for n in range(40):
        data = good
        for _ in range(drawing.randint(1, 3)):
            size = drawing.choice((1, 2, 4, 8))
            value = drawing.choice(
                (0, 1, TOP - 1, TOP - 8, 1 << 63, 1 << 40, drawing.randrange(TOP))
            )
            data = put(data, drawing.choice(places), value, size)
        if drawing.randrange(4) == 0:
            data = data[: drawing.randrange(len(data))]
        files[f"bin/odd{n}"] = data
    jobs = [each[4:] + " -c exit" for each in files]
    ran = machine_of(name).run([*jobs, "hello"], files, budget=20.0)
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert b"Hello, world!\n" in ran.printed


# ---- the archive --------------------------------------------------------------------------------------


def member(
    name: str,
    data: bytes,
    inode: int = 0,
    links: int = 1,
    mode: int = 0o100644,
    magic: bytes = b"070701",
) -> bytes:
    """A member as cpio(1) writes it."""
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, links, 0, len(data), 8, 1, 0, 0, len(encoded), 0)
    head = magic + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


TRAILER = member("TRAILER!!!", b"")
DIRECTORY, LINK = 0o040755, 0o120777


def run_archive(monkeypatch: pytest.MonkeyPatch, jobs: Sequence[str], more: bytes) -> Run:
    """Run jobs where the archive has these members behind the usual ones."""
    usual = cpio.archive

    def longer(files: Dict[str, bytes]) -> bytes:
        data = usual(files)
        return data[: data.rindex(b"070701")] + more

    monkeypatch.setattr(cpio, "archive", longer)
    ran = machine_of("batch").run(jobs)  # one job after the other
    monkeypatch.undo()
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    return ran


def contents(
    monkeypatch: pytest.MonkeyPatch, paths: Sequence[str], more: bytes
) -> List[Optional[bytes]]:
    """What `cat` prints of each; None when it cannot open it."""
    ran = run_archive(monkeypatch, [f"cat {path}" for path in paths], more)
    jobs = [ran.job(n) for n in range(len(paths))]
    return [job.output if job.end == "exited with 0" else None for job in jobs]


def test_names_in_the_archive_begin_at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """find(1) writes ./a, and others /a: Linux unpacks both as a."""
    names = ["./a", "/b", "././/c", "d//e", "./f/./g", "h/../i", "../j", "/../../k/l/../m", "n/."]
    more = (
        b"".join(member(name, name.encode()) for name in names)
        + member(".", b"", mode=DIRECTORY)
        + TRAILER
    )
    paths = ["/a", "/b", "/c", "/d/e", "/f/g", "/i", "/j", "/k/m", "/n"]
    assert contents(monkeypatch, paths, more) == [name.encode() for name in names]


def test_names_of_one_file_have_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hard links only the last carries the data; the others have a size of 0."""
    links = [member(name, b"", 7, 3) for name in ("one", "two")] + [
        member("three", b"linked", 7, 3)
    ]
    others = [member("empty", b"", 8), member("other", b"other", 9, 2), member("last", b"", 10, 2)]
    archives = b"".join([*links, *others]) + TRAILER
    paths = ["/one", "/two", "/three", "/empty", "/other", "/last"]
    assert contents(monkeypatch, paths, archives) == [b"linked"] * 3 + [b"", b"other", b""]


def test_the_last_of_two_members_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    more = (
        member("a", b"first")
        + member("./a", b"second")
        + member("b", b"file")
        + member("b", b"", mode=DIRECTORY)
    )
    more += member("c", b"", mode=DIRECTORY) + member("/c", b"third") + TRAILER
    assert contents(monkeypatch, ["/a", "/b", "/c"], more) == [b"second", None, b"third"]
    ran = run_archive(monkeypatch, ["ls /"], more)
    names = ran.job(0).output.decode().split()
    assert [sum(each.rstrip("/") == name for each in names) for name in "abc"] == [1, 1, 1]


def test_what_follows_an_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rubbish is ignored; another archive is unpacked, too, as Linux does it."""
    more = member("a", b"one") + TRAILER
    assert contents(monkeypatch, ["/a"], more + b"rubbish" * 99) == [b"one"]
    second = member("b", b"two", magic=b"070702") + member("a", b"three") + TRAILER
    assert contents(monkeypatch, ["/a", "/b"], more + bytes(512) + second) == [b"three", b"two"]


def test_links_and_directories_are_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    more = (
        member("s", b"/jobs", mode=LINK)
        + member("d/", b"", mode=DIRECTORY)
        + member("d/x/y", b"y")
        + TRAILER
    )
    assert contents(monkeypatch, ["/s", "/d", "/d/x", "/d/x/y"], more) == [None, None, None, b"y"]


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_archive_ends_where_it_is_damaged(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    drawing = random.Random(seed)
    more = bytearray(
        b"".join(member(f"f{n}", bytes([n]) * n, n, n % 3) for n in range(20)) + TRAILER
    )
    for _ in range(3):
        more[drawing.randrange(len(more))] = drawing.choice(b"\x000fF/.\xff")
    paths = [f"/f{n}" for n in range(0, 20, 5)]
    run_archive(monkeypatch, [*(f"cat {path}" for path in paths), "ls /", "hello"], bytes(more))
