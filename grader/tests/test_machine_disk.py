"""The machine's disk: its driver in the kernel, tested from inside, and the image outside."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

from grader import build, grade, machine
from grader.labs import find_lab
from grader.machine import Outcome
from grader.plugin import Machine

SELFTEST = Path(__file__).parent / "disk_selftest.c"
SECTOR = 512
SECTORS = 8192
REQUESTS_US = 1_000_000  # for 500 requests, by the machine's clock


def pattern(sector: int, salt: int = 0) -> bytes:
    """A sector, as pattern() in disk_selftest.c has it."""
    return bytes(
        (sector * 37 + i * 11 + (i >> 8) * 5 + salt * 101 + 1) & 0xFF for i in range(SECTOR)
    )


@pytest.fixture(scope="module")
def content() -> bytes:
    return b"".join(pattern(sector) for sector in range(SECTORS))


@pytest.fixture
def image(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "disk, with a comma.img"
    path.write_bytes(content)
    return path


def selftest(name: str) -> Machine:
    lab = find_lab(name)
    options = grade.Options(solutions=None)
    return Machine(
        build.build(grade.configuration(lab, options, extra=[SELFTEST])), lab.seed, "disk"
    )


# Without paging, and with it.
@pytest.fixture(params=["batch", "page-faults"])
def tested(request: pytest.FixtureRequest) -> Machine:
    return selftest(request.param)


@pytest.fixture
def paged() -> Machine:
    return selftest("page-faults")


def said(reports: List[str]) -> List[str]:
    return [line for line in reports if line.startswith(("disktest:", "disk:"))]


def test_content_is_right_in_both_directions(tested: Machine, image: Path, content: bytes) -> None:
    ran = tested.run(["hello"], arguments="disk=content", disk=image)
    assert said(ran.reports) == [f"disk: {SECTORS} sectors", "disktest: content: ok"], ran.reports
    assert ran.job(0).output == b"Hello, world!\n" and ran.outcome is Outcome.POWER_OFF
    expected = bytearray(content)
    for count in range(1, 33):
        sectors = sum((count + i) % 3 + 1 for i in range(count))
        for sector in range(count * 100, count * 100 + sectors):
            expected[sector * SECTOR : (sector + 1) * SECTOR] = pattern(sector, 1)
    assert ran.record.disk == expected
    assert image.read_bytes() == content, "the run has a copy of its own"


def test_beyond_the_end_is_an_error(tested: Machine, image: Path, content: bytes) -> None:
    ran = tested.run([], arguments="disk=bounds", disk=image)
    assert said(ran.reports)[1:] == ["disktest: bounds: ok"], ran.reports
    assert ran.record.disk == content[:-SECTOR] + pattern(SECTORS - 1, 2)


def test_what_is_read_only_stays_as_it_is(tested: Machine, image: Path, content: bytes) -> None:
    ran = tested.run([], arguments="disk=readonly", disk=image, disk_read_only=True)
    assert said(ran.reports) == [
        f"disk: {SECTORS} sectors, read-only",
        "disktest: readonly: ok",
    ], ran.reports
    assert ran.record.disk == content


def test_guest_time_does_not_run_ahead_of_the_disk(tested: Machine, image: Path) -> None:
    ran = tested.run([], arguments="disk=time", disk=image, budget=10.0)
    assert said(ran.reports)[-1] == "disktest: time: ok", ran.reports
    took = re.fullmatch(r"disktest: 500 requests: (\d+) us", said(ran.reports)[1])
    assert took and int(took[1]) <= REQUESTS_US
    print(f"500 requests: {took[1]} us")


def test_tasks_take_turns_while_others_compute(paged: Machine, image: Path, content: bytes) -> None:
    """Each system call of these programs transfers first, of different sectors for each."""
    deck = ["hello", "yields a 30", "spin 150000", "writes badfd", "yields b 30", "hello"]
    ran = paged.run(deck, arguments="disk=tasks jitter=7", disk=image, budget=10.0)
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    lines = said(ran.reports)[1:]
    rounds = [
        re.fullmatch(r"disktest: pid (\d+) round (\d+) sectors (\d+)\+(\d+)", each)
        for each in lines
    ]
    assert len(rounds) > 60 and all(rounds), lines
    expected = bytearray(content)
    last: Dict[int, int] = {}
    for each in rounds:
        assert each
        pid, n, first, count = map(int, each.groups())
        assert n == last.get(pid, -1) + 1
        last[pid] = n
        for sector in range(first, first + count):
            expected[sector * SECTOR : (sector + 1) * SECTOR] = pattern(sector, pid + n)
    assert len(last) == len(deck)
    assert ran.record.disk == expected
    assert any(trap.interrupt and trap.cause == 9 for trap in ran.traps), "some while one computes"


@pytest.mark.parametrize("check", ["none", "some"])
def test_devices_are_reached_only_where_there_is_a_disk(
    tested: Machine, image: Path, check: str
) -> None:
    disk = image if check == "some" else None
    ran = tested.run(["hello"], arguments=f"disk={check}", disk=disk)
    lines = said(ran.reports)
    assert lines[-1] == f"disktest: {check}: ok" and len(lines) == (2 if disk else 1), lines
    assert ran.job(0).output == b"Hello, world!\n"


def test_a_large_disk_is_cheap_and_written_to_its_end(paged: Machine, tmp_path: Path) -> None:
    """Larger than any other file that QEMU may write, and full of holes."""
    size = machine.QEMU_FILE + (1 << 20)
    image = tmp_path / "large.img"
    with image.open("wb") as file:
        file.truncate(size)
        file.seek(-SECTOR, 2)
        file.write(pattern(size // SECTOR - 1))
    ran = paged.run([], arguments="disk=bounds", disk=image)
    assert said(ran.reports)[1:] == ["disktest: bounds: ok"], ran.reports
    assert len(ran.record.disk) == size
    assert ran.record.disk.endswith(pattern(size // SECTOR - 1, 2))


def test_instructions_are_counted_with_a_disk_too(paged: Machine, image: Path) -> None:
    ran = paged.run(["nap 100000s"], arguments="disk=bounds", disk=image, budget=2.0, count=True)
    assert said(ran.reports)[1:] == ["disktest: bounds: ok"], ran.reports
    assert ran.record.instructions > 0 and ran.record.disk.endswith(pattern(SECTORS - 1, 2))


def test_an_old_interface_is_named_and_ignored(
    paged: Machine, image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = machine._disk_words
    monkeypatch.setattr(machine, "_disk_words", lambda boot, file, own: words(boot, file, own)[:-2])
    ran = paged.run(["hello"], arguments="disk=none", disk=image)
    ignored, checked = said(ran.reports)
    assert "-global virtio-mmio.force-legacy=false" in ignored
    assert checked == "disktest: none: ok" and ran.outcome is Outcome.POWER_OFF


def test_at_a_console_the_image_itself_is_used(paged: Machine, image: Path, content: bytes) -> None:
    boot = paged.boot([], arguments="disk=bounds", disk=image)
    done = subprocess.run(
        [*machine.command(boot, None), "-serial", "stdio"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    assert "disktest: bounds: ok" in done.stdout
    assert image.read_bytes() == content[:-SECTOR] + pattern(SECTORS - 1, 2)
