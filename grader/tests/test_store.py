"""The store of runs: what is kept is what a boot would give, and whatever is wrong with it costs a boot at most."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from grader import bounded, build, cli, grade, kept_runs, machine, store
from grader.grade import Options
from grader.labs import Lab, find_lab
from grader.machine import Boot, Record
from grader.paths import ROOT
from grader.plugin import Machine
from grader.view import Area, Checkpoint, Row, View

KEY, OTHER = "ab" + 62 * "1", "ab" + 62 * "2"
CONTENT = b"what was worked out" * 100


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of the test's own, empty."""
    monkeypatch.setenv("RUNG_STORE", "on")
    monkeypatch.setattr(store, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(store, "_writing", True)
    store.take_counts()
    yield tmp_path / "runs"
    store.code_identity.cache_clear()


@pytest.fixture
def reference(lab: Lab) -> Machine:
    kernel = build.build(grade.configuration(lab, Options(solutions=None)))
    return Machine(kernel, lab.seed, "store")


@pytest.fixture
def boot(reference: Machine) -> Boot:
    return reference.boot(["hello"], arguments="report=@mark@")


def files(directory: Path) -> List[Path]:
    """Everything in a store but the count of what has come."""
    return [path for path in directory.glob("??/*")]


# ---- entries ---------------------------------------------------------------------------------


def test_what_was_put_is_got() -> None:
    assert store.get(KEY) is None
    store.put(KEY, CONTENT)
    assert store.get(KEY) == CONTENT and store.get(OTHER) is None
    store.put(OTHER, b"")
    assert store.get(OTHER) == b""


def _replace(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(change(path.read_bytes()))

    return damage


def _instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def _other_checksum(data: bytes) -> bytes:
    """The checksum is right, what it is of is not compressed."""
    return store.MAGIC + store._checksum(KEY, b"nothing") + b"nothing"


DAMAGE = {
    "truncated": _replace(lambda data: data[:-1]),
    "without-its-body": _replace(lambda data: data[: len(store.MAGIC) + 32]),
    "empty": _replace(lambda data: b""),
    "longer": _replace(lambda data: data + b"\0"),
    "a-bit-flipped": _replace(lambda data: data[:-5] + bytes([data[-5] ^ 4]) + data[-4:]),
    "zeros": _replace(lambda data: bytes(len(data))),
    "garbage": _replace(lambda data: random.Random(1).randbytes(len(data))),
    "another-version": _replace(lambda data: data.replace(b"store 1\n", b"store 2\n", 1)),
    "not-compressed": _replace(_other_checksum),
    "too-large": lambda path: os.truncate(path, store.ENTRY_MAX + 1),
    "a-link": _instead(lambda path: path.symlink_to(path.name)),
    "a-fifo": _instead(os.mkfifo),
    "a-directory": _instead(os.mkdir),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_damaged_entry_is_none(own_store: Path, damage: Callable[[Path], None]) -> None:
    store.put(KEY, CONTENT)
    path = own_store / "ab" / KEY
    damage(path)
    assert store.get(KEY) is None
    store.put(KEY, CONTENT)
    assert store.get(KEY) == (None if path.is_dir() else CONTENT)
    assert [each.name for each in files(own_store)] == [KEY]


def test_entry_under_another_name_is_none(own_store: Path) -> None:
    store.put(KEY, CONTENT)
    shutil.copy(own_store / "ab" / KEY, own_store / "ab" / OTHER)
    assert store.get(OTHER) is None


def test_content_that_unpacks_to_too_much_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(KEY, bytes(1 << 20))
    assert store.get(KEY)
    monkeypatch.setattr(store, "CONTENT_MAX", 1 << 19)
    assert store.get(KEY) is None


@contextlib.contextmanager
def file_sizes_of_at_most(size: int) -> Iterator[None]:
    """Whatever is written to a file beyond that is refused, as by a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_ends_writing_and_leaves_nothing(own_store: Path) -> None:
    store.put(OTHER, CONTENT)
    with file_sizes_of_at_most(1000):
        store.put(KEY, random.Random(1).randbytes(5000))
    assert [each.name for each in files(own_store)] == [OTHER]
    store.put(KEY, CONTENT)
    assert store.get(KEY) is None, "no more is tried"
    assert store.get(OTHER) == CONTENT, "what is there can be read"


@pytest.mark.parametrize("at", ["", "ab", "grown/directory"])
def test_something_else_in_the_way_is_no_error(own_store: Path, at: str) -> None:
    path = own_store / at
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not a directory")
    store.put(KEY, CONTENT)
    assert store.get(KEY) is None and not store._writing
    store.put(KEY, CONTENT)


def test_read_only_directory_is_read(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that is mounted so: root may write to a directory whatever its permissions."""
    store.put(KEY, CONTENT)
    os.utime(own_store / "ab" / KEY, (1, 1))

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    opened = os.open

    def only_read(path: Any, flags: int, *arguments: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse()
        return opened(path, flags, *arguments)

    monkeypatch.setattr(os, "open", only_read)
    monkeypatch.setattr(os, "utime", refuse)
    assert store.get(KEY) == CONTENT
    store.put(OTHER, CONTENT)
    assert store.get(OTHER) is None and store.get(KEY) == CONTENT


def test_off_neither_reads_nor_writes(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(KEY, CONTENT)
    monkeypatch.setenv("RUNG_STORE", "off")
    store.put(OTHER, CONTENT)
    assert store.get(KEY) is None
    assert [each.name for each in files(own_store)] == [KEY]


def test_another_word_than_on_or_off_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RUNG_STORE", "of")
    assert cli.main(["grade"]) == 2
    assert capsys.readouterr().err == "rung: STORE=of: it is on or off\n"


# ---- the bound -------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """A bound of 64 blocks."""
    monkeypatch.setattr(store, "SIZE_MAX", 64 * store.BLOCK)
    monkeypatch.setattr(store, "SCAN_AFTER", 8 * store.BLOCK)
    return store.SIZE_MAX


def key_of(n: int) -> str:
    return f"{n:064x}"[::-1]


def test_size_is_bounded_and_what_is_used_stays(own_store: Path, small: int) -> None:
    for n in range(300):
        store.put(key_of(n), CONTENT)
        os.utime(store._path(key_of(n)), (n + 1, n + 1))
        assert store.get(key_of(0)) == CONTENT  # which marks it as used just now
        assert len(files(own_store)) * store.BLOCK <= small
    assert len(files(own_store)) * store.BLOCK >= small // 2
    assert store.get(key_of(299)) and not store.get(key_of(1))


def test_directory_is_not_looked_through_each_time(
    small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans: List[int] = []
    prune = store.prune

    def counted() -> None:
        scans.append(1)
        prune()

    monkeypatch.setattr(store, "prune", counted)
    for n in range(64):
        store.put(key_of(n), CONTENT)
    assert len(scans) == 8


def test_what_another_grader_removes_is_no_error(
    own_store: Path, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And counts as removed: two that prune at once remove the same entries."""
    for n in range(60):
        store.put(key_of(n), CONTENT)
        os.utime(store._path(key_of(n)), (n + 1, n + 1))
    entries = sorted(store._entries())
    assert len(entries) * store.BLOCK > small - store.SCAN_AFTER
    for _, _, path in entries[:4]:
        path.unlink()
    monkeypatch.setattr(store, "_entries", lambda: entries)
    store.prune()
    stay = (small - 2 * store.SCAN_AFTER) // store.BLOCK
    assert set(files(own_store)) == {path for _, _, path in entries[-stay:]}


def test_what_is_removed_during_a_scan_is_no_error(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(KEY, CONTENT)
    names = bounded.names_in
    monkeypatch.setattr(bounded, "names_in", lambda *where: [*names(*where), "gone"])
    assert [path.name for _, _, path in store._entries()] == [KEY]


def test_unfinished_files_are_removed_after_a_while(own_store: Path) -> None:
    store.put(KEY, CONTENT)
    old, new = own_store / "ab" / "1.2.3.new", own_store / "ab" / "1.2.4.new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    store.prune()
    assert new.exists() and not old.exists() and store.get(KEY) == CONTENT


# ---- keys ------------------------------------------------------------------------------------

# For each field of Boot another value than boot() has.  A new field has to be put here, or where it is not kept.
CHANGED: Dict[str, Any] = {
    "arguments": "report=@mork@",
    "shift": 4,
    "budget": 1.5,
    "memory": 64,
    "entropy": 2,
    "keep": ((0x80200000, 8),),
    "checkpoints": ((0x10000, b"code"),),
    "dispatch": 0x80200000,
    "layout": 0x80200000,
    "kernel_stops": (0x80200000,),
    "disk_read_only": True,
    "code": (0x80200000, 0x80201000),
    "clock": 1,
}
NOT_KEPT: Dict[str, Any] = {
    "count": True,
    "disk": Path("disk.img"),
    "power_lost": 3,
    "typed": ((b"$", b"hello\n"),),
}


def test_each_field_of_a_boot_is_in_the_key(boot: Boot, tmp_path: Path) -> None:
    names = {field.name for field in dataclasses.fields(Boot)}
    assert names == {*CHANGED, *NOT_KEPT, "kernel", "archive", *kept_runs.FOR_TOOLS}
    keys = {kept_runs.key(boot)}
    for name, value in CHANGED.items():
        assert getattr(boot, name) != value
        keys.add(kept_runs.key(dataclasses.replace(boot, **{name: value})))
    for name in ("kernel", "archive"):
        other = tmp_path / name
        other.write_bytes(getattr(boot, name).read_bytes() + b"\0")
        keys.add(kept_runs.key(dataclasses.replace(boot, **{name: other})))
    assert None not in keys and len(keys) == 1 + len(CHANGED) + 2
    for name, value in NOT_KEPT.items():
        assert kept_runs.key(dataclasses.replace(boot, **{name: value})) is None


def test_path_in_a_new_field_is_no_key(boot: Boot) -> None:
    """The name of a file says nothing about its content."""
    assert kept_runs.key(dataclasses.replace(boot, layout=Path("rom"))) is None


def test_names_of_files_are_not_in_the_key(boot: Boot, tmp_path: Path) -> None:
    elsewhere = {name: tmp_path / name for name in ("kernel", "archive")}
    for name, path in elsewhere.items():
        shutil.copy(getattr(boot, name), path)
    assert kept_runs.key(dataclasses.replace(boot, **elsewhere)) == kept_runs.key(boot)


def test_file_that_has_just_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a tick of the file system's clock, a second change of the same file does not show."""
    path = tmp_path / "kernel"
    path.write_bytes(b"1")
    assert not store._known(path)[1] and store._known(Path(sys.executable).resolve())[1]
    settled = [False]
    known = store._known(path)[0]
    monkeypatch.setattr(store, "_known", lambda path: (known, settled[0]))
    first = store.file_hash(path)
    path.write_bytes(b"2")
    settled[0] = True
    second = store.file_hash(path)
    path.write_bytes(b"3")
    assert first != second == store.file_hash(path), "read once when it cannot change unseen"


def test_key_has_the_graders_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setattr(store, "_LOADED_NS", 1 << 62)  # all files are older
    code = tmp_path / "grader"
    code.mkdir()

    def identity() -> str:
        store.code_identity.cache_clear()
        return store.code_identity()

    (code / "machine.py").write_text("a = 1\n")
    seen = [identity()]
    (code / "machine.py").write_text("a = 2\n")
    seen.append(identity())
    (code / "machine.py").rename(code / "mashine.py")
    seen.append(identity())
    (code / "view.py").write_text("")
    seen.append(identity())
    monkeypatch.setattr(sys, "version", "another")
    seen.append(identity())
    assert len(set(seen)) == 5 and "" not in seen
    monkeypatch.setattr(store, "_LOADED_NS", 1)
    assert (
        identity() == ""
    ), "which code runs is not known when a file has changed since it was loaded"


def test_key_has_qemu_its_firmware_and_what_its_loader_heeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot: Boot
) -> None:
    there = store.machine_identity()
    (tmp_path / "bin").mkdir()
    (tmp_path / "share/qemu").mkdir(parents=True)
    qemu, firmware = tmp_path / "bin/qemu-system-riscv64", tmp_path / "share/qemu" / store.FIRMWARE
    known, _ = store._known(Path(build.need(qemu.name)))
    original = next(Path(each) / store.FIRMWARE for each in store._qemu(known)[1])
    shutil.copy(shutil.which(qemu.name) or "", qemu)
    shutil.copy(original, firmware)
    monkeypatch.setenv("PATH", f"{qemu.parent}:{os.environ['PATH']}")
    assert store.machine_identity() == "", "a file that has just been written is not trusted yet"
    monkeypatch.setattr(store, "SETTLED_NS", -(1 << 40))
    same = store.machine_identity()
    assert same == there, "content counts, not places"
    seen = [same]
    firmware.write_bytes(firmware.read_bytes() + b"\0")
    seen.append(store.machine_identity())
    with qemu.open("ab") as file:
        file.write(b"\0")
    seen.append(store.machine_identity())
    monkeypatch.setenv("LD_PRELOAD", "")
    seen.append(store.machine_identity())
    assert len(set(seen)) == 4 and "" not in seen
    firmware.unlink()
    monkeypatch.setattr(store, "_qemu", lambda known: ("digest", (str(firmware.parent),)))
    assert store.machine_identity() == "" and kept_runs.key(boot) is None


def test_script_that_starts_qemu_is_no_identity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "qemu-system-riscv64"
    script.write_text(f'#!/bin/sh\nexec {build.need(script.name)} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(store, "SETTLED_NS", -(1 << 40))
    assert store.machine_identity() == ""


# ---- records ---------------------------------------------------------------------------------


def test_every_field_of_a_record_comes_back() -> None:
    user = View(1, 2, 8 << 60 | 3, [Row(0, 4096, 8192, "r-xu"), Row(1 << 63, 0, 4096, "----")])
    kernel = View(4, 5, 6, [])
    areas = [Area(1, 2, "rw-u", "anonymous"), Area(3, 1 << 63, "----", "\\x00")]
    values: Dict[str, Any] = {
        "console": b"\0\xff\n",
        "traps": b"riscv_cpu_do_interrupt",
        "events": [{"event": "RESET", "data": {"guest": True}, "timestamp": {"seconds": 1}}],
        "registers": " pc       0000000080200000\n\udcff",
        "halted": True,
        "exceeded": "time",
        "failure": "it failed: “so”",
        "kept": [b"", b"\1" * 10, b""],
        "checkpoints": [
            Checkpoint(-1, "?", user, kernel),
            Checkpoint(2, "a", kernel, user, 7, areas),
        ],
        "views": [user, kernel],
        "ticks": 1 << 63,
        "instructions": 12,
        "wall_seconds": 0.1 + 0.2,
    }
    record = Record(**values)
    # A disk's image is a mapping of a file; runs with a disk are not kept.
    assert set(values) == {field.name for field in dataclasses.fields(Record)} - {"image"}
    assert all(
        values[each.name] != getattr(Record(), each.name)
        for each in dataclasses.fields(Record)
        if each.name in values
    )
    back = kept_runs.unpack(kept_runs.pack(record))
    assert back is not None and Record(**back) == record
    assert isinstance(back["checkpoints"][1].areas[0], Area) and isinstance(
        back["views"][0].rows[0], Row
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"\0\0\0\0", b"\2\0\0\0{}", b"\4\0\0\0[{}]", b"\7\0\0\0[{},[]]", b"\x08\0\0\0[{},[1]]"],
)
def test_bytes_that_are_no_record_are_none(data: bytes) -> None:
    assert kept_runs.unpack(data) is None
    packed = kept_runs.pack(Record(console=b"console"))
    assert kept_runs.unpack(packed) and kept_runs.unpack(packed + b"\0") is None
    assert kept_runs.unpack(packed[:-1]) is None


def twice(boot: Boot) -> Record:
    """Boot it, and have it from the store, which is the same."""
    booted, kept = machine.run(boot), machine.run(boot)
    assert store.take_counts() == {"booted": 1, "kept": 1}
    assert kept is not booted and kept == booted
    return kept


def test_run_of_programs_is_kept(boot: Boot) -> None:
    assert b"Hello, world!" in twice(boot).console


def test_run_with_checkpoints_and_views_is_kept() -> None:
    lab = find_lab("address-spaces")
    there = Machine(
        build.build(grade.configuration(lab, Options(solutions=None))), lab.seed, "store"
    )
    boot = there.boot(
        ["layout 1 5"],
        arguments="report=@mark@",
        checkpoints=True,
        at_main=True,
        kernel_stops=["task_end"],
    )
    record = twice(boot)
    assert (
        record.checkpoints and record.checkpoints[0].areas and record.views and record.views[0].rows
    )


def test_run_of_a_probe_is_kept() -> None:
    lab = find_lab("address-spaces")
    there = Machine(
        build.build(grade.configuration(lab, Options(solutions=None))), lab.seed, "store"
    )
    record = twice(
        there.boot([], arguments="report=@mark@", probe="table-permissions", shift=1, budget=3.0)
    )
    assert b"IN:" in record.traps and len(record.kept) == 2


@pytest.mark.parametrize("damage", ["truncated", "garbage", "a-fifo"])
def test_damaged_record_costs_a_boot(boot: Boot, own_store: Path, damage: str) -> None:
    record = machine.run(boot)
    DAMAGE[damage](store._path(kept_runs.key(boot) or ""))
    assert machine.run(boot) == dataclasses.replace(
        record, wall_seconds=machine.run(boot).wall_seconds
    )
    assert store.take_counts() == {"booted": 2, "kept": 1}


def test_run_that_we_end_is_not_kept(reference: Machine, own_store: Path) -> None:
    """At its budget a run is wherever the host has got to."""
    boot = reference.boot(["spin 100000000"], arguments="report=@mark@", budget=0.2)
    assert [machine.run(boot).exceeded for _ in range(2)] == ["time", "time"]
    assert store.take_counts() == {"booted": 2, "kept": 0}


@pytest.mark.parametrize(
    "last", ["", "qemu-system-riscv64: terminating on signal 15 from pid 7 (kill)\n"]
)
def test_run_that_the_host_ends_is_not_kept(
    boot: Boot, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """QEMU's status is 0 then, too."""
    close = machine._Running.close
    monkeypatch.setattr(machine._Running, "close", lambda self: close(self) + last)
    for _ in range(2):
        machine.run(boot)
    assert store.take_counts() == ({"booted": 2, "kept": 0} if last else {"booted": 1, "kept": 1})


def test_only_runs_that_may_be_kept_are_kept(boot: Boot) -> None:
    key = kept_runs.key(boot)
    kept_runs.keep(key, boot, Record(exceeded="time"))
    assert kept_runs.find(key) is None
    kept_runs.keep(key, boot, Record())
    assert kept_runs.find(key) is not None


def test_shutdown_by_the_host_is_told_apart() -> None:
    def shutdown(guest: bool) -> Record:
        return Record(events=[{"event": "RESET"}, {"event": "SHUTDOWN", "data": {"guest": guest}}])

    assert kept_runs.may_be_kept(shutdown(True)) and not kept_runs.may_be_kept(shutdown(False))
    assert kept_runs.may_be_kept(Record())
    assert not kept_runs.may_be_kept(Record(failure="so"))
    assert not kept_runs.may_be_kept(Record(exceeded="time"))


def test_run_of_a_kernel_that_was_replaced_meanwhile_is_not_kept(
    boot: Boot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two graders share a build: nobody knows whether QEMU has read the old kernel or the new one."""
    kernel = tmp_path / "kernel.elf"
    shutil.copy(boot.kernel, kernel)
    mine = dataclasses.replace(boot, kernel=kernel)
    run = machine._run

    def replaced(each: Boot) -> Any:
        found = run(each)
        kernel.write_bytes(kernel.read_bytes() + b"\0")
        return found

    before = kept_runs.key(mine)
    monkeypatch.setattr(machine, "_run", replaced)
    machine.run(mine)
    assert before and store.get(before) is None
    assert store.get(kept_runs.key(mine) or "") is None


def test_forked_process_counts_for_itself() -> None:
    """What the parent has counted before would count once more for each worker."""
    store.count("kept")
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        store.count("booted")
        os.write(writing, json.dumps(store.take_counts()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    store.merge(json.loads(os.read(reading, 1000)))
    os.close(reading)
    os.close(writing)
    assert store.take_counts() == {"booted": 1, "kept": 1}


# ---- grades ----------------------------------------------------------------------------------

TESTS = "program_runs_in_user_mode,empty_deck*,1.3"

GRADE = """
import sys
from pathlib import Path
from grader import cli, store
store.RUNS = Path(sys.argv[1])
sys.exit(cli.main(sys.argv[2:]))
"""


def start_grade(directory: Path, out: Path, **environment: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", GRADE, str(directory), "grade", "--quiet", "--lab", "batch"]
    command += ["--solutions", "reference", "--test", TESTS, "--out", str(out)]
    return subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "RUNG_WORKERS": "2", **environment}
    )


def graded(directory: Path, out: Path, **environment: str) -> Dict[str, Any]:
    process = start_grade(directory, out, **environment)
    assert process.wait(300) == 0
    return dict(json.loads((out / "results.json").read_text()))


def test_digest_is_the_same_with_and_without_the_store(own_store: Path, tmp_path: Path) -> None:
    off = graded(own_store, tmp_path / "off", RUNG_STORE="off")
    assert not own_store.exists() and off["runs"]["kept"] == 0
    on = graded(own_store, tmp_path / "on")
    again = graded(own_store, tmp_path / "again")
    assert off["digest"] == on["digest"] == again["digest"] and off["score"] > 0
    runs = off["runs"]["booted"]
    assert runs > 3 and on["runs"]["booted"] + on["runs"]["kept"] == runs
    assert again["runs"] == {"booted": 0, "kept": runs}


def test_garbled_store_changes_no_verdict(own_store: Path, tmp_path: Path) -> None:
    whole = graded(own_store, tmp_path / "whole")
    for n, path in enumerate(sorted(files(own_store))):
        list(DAMAGE.values())[n % len(DAMAGE)](path)
    assert graded(own_store, tmp_path / "garbled")["digest"] == whole["digest"]


def test_file_in_place_of_the_store_changes_no_verdict(own_store: Path, tmp_path: Path) -> None:
    whole = graded(own_store, tmp_path / "whole", RUNG_STORE="off")
    own_store.write_text("")
    seen = graded(own_store, tmp_path / "seen")
    assert seen["digest"] == whole["digest"] and seen["runs"] == whole["runs"]


def test_two_graders_can_use_one_store(own_store: Path, tmp_path: Path) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    processes = [start_grade(own_store, out) for out in outs]
    assert [process.wait(300) for process in processes] == [0, 0]
    found = [json.loads((out / "results.json").read_text()) for out in outs]
    assert found[0]["digest"] == found[1]["digest"]
    assert not [path for path in files(own_store) if path.suffix]
    again = graded(own_store, tmp_path / "again")
    assert again["runs"]["booted"] == 0 and again["digest"] == found[0]["digest"]
