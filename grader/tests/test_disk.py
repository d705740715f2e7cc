"""Disks: images are always the same, read back as they were made, and what is wrong with one is told."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import pytest

from grader import build, check, disk, grade, interactive, labs, machine
from grader.labs import all_labs, find_lab
from grader.machine import Outcome
from grader.paths import ROOT, USER, GraderError
from grader.plugin import Machine
from grader.run import Run

FILES: Dict[str, bytes] = {
    "README.txt": b"Hello.\n",
    "MAKEFILE": b"all:\n",
    "nothing": b"",
    "sbin/origin": bytes(range(256)) * 37,
    "sbin/one cluster": b"x" * 512,
    "notes/a long name.txt": b"long\n",
    "notes/a long name too.txt": b"long, too\n",
    "notes/Über uns.txt": "größer\n".encode(),
    "notes/lower.txt": b"lower\n",
    "notes/.hidden": b"hidden\n",
    "notes/deep/er/archive.tar.gz": b"deep\n",
    **{f"many/file {n:03}": b"%d" % n for n in range(70)},  # a directory of several clusters
}
# Where things are in an image of 4 MiB: one sector, then the FAT, then the root.
FAT, ROOT_DIRECTORY, DATA = 512, 33 * 512, 65 * 512


@pytest.fixture(autouse=True)
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No image is there yet."""
    directory = tmp_path / "images"
    monkeypatch.setattr(disk, "IMAGES", directory)
    return directory


# ---- making and reading


def test_an_image_is_always_the_same(tmp_path: Path) -> None:
    """By another user, from another directory, in another time zone, with files in another order."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".mtoolsrc").write_text("MTOOLS_NO_VFAT=1\nMTOOLS_LOWER_CASE=1\n")
    code = f"from grader import disk; print(disk.image(dict({sorted(FILES.items())[::-1]!r})))"
    environment = {
        "HOME": str(tmp_path / "elsewhere"),
        "MTOOLSRC": str(tmp_path / "elsewhere" / ".mtoolsrc"),
        "LC_ALL": "C",
        "TZ": "Pacific/Auckland",
        "RUNG_BUILD": str(tmp_path / "elsewhere"),
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "elsewhere",
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    other, own = Path(done.stdout.strip()), disk.image(FILES)
    assert own.parent != other.parent and own.name == other.name
    content = own.read_bytes()
    assert content == other.read_bytes()
    assert str(ROOT).encode() not in content and str(tmp_path).encode() not in content
    # Nothing tells when it was made: 2026-01-01, or no date.
    starts = [*range(ROOT_DIRECTORY, ROOT_DIRECTORY + 10 * 32, 32), DATA, DATA + 32]
    for at in starts:
        entry = content[at : at + 32]
        if entry[0] and entry[11] != disk.LONG_NAME:
            assert {struct.unpack_from("<H", entry, n)[0] for n in (16, 18, 24)} <= {0, 0x5C21}


def test_files_come_back_as_they_were() -> None:
    image = disk.image(FILES).read_bytes()
    assert disk.listing(image) == FILES
    assert list(disk.listing(image)) == sorted(FILES)
    assert disk.read(image, "NOTES/Lower.TXT") == b"lower\n"
    assert disk.read(image, "notes/none") is None
    assert disk.check(image) == []


def test_mtools_reads_the_same(tmp_path: Path) -> None:
    """Who reads an image for a verdict is ours; this is somebody else's reader."""
    (tmp_path / "out").mkdir()
    subprocess.run(
        ["mcopy", "-s", "-n", "-i", str(disk.image(FILES)), "::*", str(tmp_path / "out")],
        env={"PATH": os.environ["PATH"], "MTOOLSRC": os.devnull, "LC_ALL": "C.UTF-8"},
        check=True,
    )
    found = {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert found == FILES


@pytest.mark.parametrize(
    "megabytes, cluster, expected",
    [(4, None, 512), (8, None, 1024), (16, None, 2048), (32, None, 4096), (8, 512, 512)],
)
def test_clusters_are_as_large_as_the_size_permits(
    megabytes: int, cluster: Any, expected: int
) -> None:
    image = disk.image(FILES, megabytes, cluster).read_bytes()
    assert len(image) == megabytes << 20 and image[13] * 512 == expected and image[16] == 1
    assert disk.listing(image) == FILES and disk.check(image) == []


@pytest.mark.parametrize("megabytes, cluster", [(2, None), (16, 4096), (64, 512), (4, 1000)])
def test_what_would_be_no_fat16_is_refused(megabytes: int, cluster: Any) -> None:
    with pytest.raises(ValueError, match="no FAT16 has"):
        disk.image({}, megabytes, cluster)


def test_an_empty_directory_is_one() -> None:
    image = disk.image({"tmp/": b"", "a/b/": b""})
    assert disk.listing(image.read_bytes()) == {} and disk.check(image.read_bytes()) == []
    names = subprocess.run(
        ["mdir", "-b", "-/", "-i", str(image), "::"], stdout=subprocess.PIPE, check=True
    ).stdout.split()
    assert sorted(names) == [b"::/a/", b"::/a/b/", b"::/tmp/"]


def test_an_image_is_made_once(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = disk.image(FILES)

    def run(*words: object, **options: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "run", run)
    assert disk.image(FILES) == path
    assert path.stat().st_mode & 0o777 == 0o444, "runs have copies: nobody writes to it"
    assert {each.name for each in images.iterdir()} == {".lock", path.name}, "nothing else is left"
    with pytest.raises(AssertionError):
        disk.image({**FILES, "README.txt": b"another"})


@pytest.mark.parametrize(
    "name",
    ["", "/etc", "a//b", "../up", ".", "a/..", "what?", "a:b", "end.", "end ", "a\nb", "a" * 256],
)
def test_names_that_fat_cannot_store_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no path on a FAT"):
        disk.image({name: b""})


def test_capitals_make_no_other_name() -> None:
    with pytest.raises(ValueError, match="'notes/A' and 'notes/a' are the same"):
        disk.image({"notes/a": b"", "notes/A": b""})


def test_too_much_for_a_disk_is_told() -> None:
    with pytest.raises(GraderError, match="mcopy failed: .*[Dd]isk full"):
        disk.image({"large": bytes(5 << 20)})


@pytest.mark.parametrize("name", ["mformat", "fsck.fat"])
def test_a_missing_tool_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = disk.image({}).read_bytes()
    monkeypatch.setenv("PATH", "/nowhere")
    if name == "fsck.fat" and shutil.which(name, path=os.pathsep.join(disk.SYSTEM_PLACES)):
        assert disk.check(image) == [], "it is found where the PATH does not lead"
    monkeypatch.setattr(disk, "SYSTEM_PLACES", ())
    with pytest.raises(GraderError, match=f"{name} is not installed: run `make setup`"):
        disk.check(image) if name == "fsck.fat" else disk.image({"a": b""})


# ---- what is wrong

SMALL = {"one.txt": b"1" * 600, "two.txt": b"2" * 600, "sub/three.txt": b"3"}
Change = Callable[[bytearray], None]


def fat(*pairs: int) -> Change:
    """Let clusters have these entries: cluster, entry, …"""

    def change(image: bytearray) -> None:
        for cluster, value in zip(pairs[::2], pairs[1::2]):
            struct.pack_into("<H", image, FAT + 2 * cluster, value)

    return change


def entry(name: bytes, offset: int, code: str, value: object) -> Change:
    """Change a field of the root's entry with this short name."""

    def change(image: bytearray) -> None:
        at = image.index(name, ROOT_DIRECTORY)
        struct.pack_into(code, image, at + offset, value)

    return change


def first_cluster(image: bytes, name: bytes) -> int:
    found: int = struct.unpack_from("<H", image, image.index(name, ROOT_DIRECTORY) + 26)[0]
    return found


def zeros(start: int, end: int) -> Change:
    def change(image: bytearray) -> None:
        image[start:end] = bytes(end - start)

    return change


# sub has cluster 2, one.txt 3 and 4, two.txt 5 and 6, three.txt 7.
ONE, TWO, SUB = b"ONE     TXT", b"TWO     TXT", b"SUB        "
DAMAGES = [
    ("shared", entry(TWO, 26, "<H", 3), "/ONE.TXT and /TWO.TXT share clusters.", "cluster 3 belongs"),
    ("too long", entry(ONE, 28, "<I", 99999), "File size is 99999 bytes", "clusters for 1024"),
    ("too short", entry(ONE, 28, "<I", 5), "/ONE.TXT: File size is 5 bytes, cluster chain", ""),
    ("free", fat(4, 0), "/ONE.TXT: Contains a free cluster (4).", "cluster 4, one of its"),
    ("far away", fat(3, 9000), "leads to cluster 9000, and the last one is 8128", "go on at 9000"),
    ("circle", fat(4, 3), "/ONE.TXT: Circular cluster chain.", "cluster 3 belongs to /one.txt"),
    ("own parent", entry(SUB, 26, "<H", 0), "/SUB", "/sub: its clusters go on at 0"),
    ("bad name", entry(ONE, 0, "<B", 0x2F), "Bad short file name (/NE.TXT)", "//ne.txt is no name"),
    ("twice", entry(TWO, 0, "<3s", b"ONE"), "Duplicate directory entry.", "/one.txt is there twice"),
    ("no boot sector", zeros(0, 512), "Logical sector size is zero.", "no boot sector"),
    ("no clusters", zeros(13, 14), "Cluster size is zero.", "describes no FAT16"),
    ("all gone", zeros(0, 4 << 20), "Logical sector size is zero.", "no boot sector"),
]  # fmt: skip


def damaged(change: Change, files: Dict[str, bytes] = SMALL) -> bytes:
    image = bytearray(disk.image(files).read_bytes())
    change(image)
    return bytes(image)


def test_clusters_are_where_the_damages_expect_them() -> None:
    image = damaged(fat())
    assert [first_cluster(image, name) for name in (SUB, ONE, TWO)] == [2, 3, 5]


@pytest.mark.parametrize("change, complaint, reading", [d[1:] for d in DAMAGES], ids=[d[0] for d in DAMAGES])  # fmt: skip
def test_damage_is_complained_of(change: Change, complaint: str, reading: str) -> None:
    image = damaged(change)
    complaints = disk.check(image)
    assert any(complaint in each for each in complaints), complaints
    # Clusters behind the end of a file are lost, and that is all.
    assert disk.lost_only(complaints) == (", cluster chain" in complaint)
    # Neither what fsck.fat says around it, nor what it would do about it.
    words = "fsck.fat unchanged 8127 Truncating Auto-renaming Renamed Setting Assuming".split()
    assert not [each for each in complaints if any(word in each for word in words)]
    if reading:
        with pytest.raises(disk.Damaged, match=reading):
            disk.listing(image)
    else:
        assert disk.listing(image) == {**SMALL, "one.txt": b"1" * 5}


def test_lost_clusters_are_a_class_of_their_own() -> None:
    image = damaged(fat(3000, 3001, 3001, 0xFFFF))
    assert disk.check(image) == ["lost clusters: 2 (1024 bytes), neither free nor part of a file"]
    assert disk.lost_only(disk.check(image)) and disk.lost_only([])
    assert disk.listing(image) == SMALL
    worse = bytearray(image)
    entry(ONE, 28, "<I", 99999)(worse)
    assert len(disk.check(bytes(worse))) == 2 and not disk.lost_only(disk.check(bytes(worse)))


def test_a_long_name_that_is_not_its_own_is_told() -> None:
    """fsck.fat complains, and ends as if all was well."""
    image = damaged(fat(), {"a long name": b"x"})
    at = image.index(b"ALONGN~1", ROOT_DIRECTORY)
    image = image[:at] + b"BLONGN~1" + image[at + 8 :]
    assert disk.listing(image) == {"BLONGN~1": b"x"}
    assert 'Wrong checksum for long file name "a long name"' in disk.check(image)[0]


@pytest.mark.parametrize("seed", range(40))
def test_no_rubbish_is_too_much(seed: int) -> None:
    """What a kernel leaves may be made to keep us busy, or to have us take in more than there is."""
    drawing = random.Random(seed)
    image = bytearray(disk.image(FILES).read_bytes())
    for _ in range(drawing.randrange(1, 200)):
        start = drawing.choice([11, FAT, ROOT_DIRECTORY, ROOT_DIRECTORY, DATA, DATA])
        image[start + drawing.randrange(1 if start == 11 else 600)] = drawing.randrange(256)
    try:
        assert sum(map(len, disk.listing(bytes(image)).values())) <= len(image)
        readable = True
    except disk.Damaged:
        readable = False
    complaints = disk.check(bytes(image))
    assert readable or complaints
    assert not any("came to no end" in each for each in complaints)


def test_directories_in_a_circle_have_an_end() -> None:
    image = damaged(fat(), {"sub/sub/file": b""})
    at = image.index(SUB, DATA)
    circle = bytearray(image)
    struct.pack_into("<H", circle, at + 26, 2)
    with pytest.raises(disk.Damaged, match="cluster 2 belongs to /sub, and to /sub/sub"):
        disk.listing(bytes(circle))


# ---- runs


@pytest.fixture
def booted() -> Machine:
    lab = find_lab("batch")
    options = grade.Options(solutions=None)
    return Machine(build.build(grade.configuration(lab, options)), lab.seed, "disk")


def test_a_run_has_the_disk_that_it_was_given(booted: Machine, tmp_path: Path) -> None:
    path = disk.image({"sbin/hello": b"x"}, 8)
    for given, files in (
        (SMALL, SMALL),
        (disk.image(SMALL).read_bytes(), SMALL),
        (path, {"sbin/hello": b"x"}),
    ):
        run = booted.run(["hello"], disk=given)
        assert run.outcome is Outcome.POWER_OFF
        assert run.disk_files() == files
        run.expect_disk_in_order()
    assert booted.run(["hello"]).record.disk == b""


def left(content: bytes) -> Run:
    """A run that has left this on its disk."""
    record: Any = SimpleNamespace(disk=content)
    return Run(record, Path("kernel.elf"), [], {})


def test_disorder_on_the_disk_is_a_failure_with_reasons() -> None:
    lost = left(damaged(fat(3000, 0xFFFF)))
    lost.expect_disk_in_order(lost_clusters=True)
    with pytest.raises(check.CheckFailed) as failure:
        lost.expect_disk_in_order()
    assert failure.value.actual == "lost clusters: 1 (512 bytes), neither free nor part of a file"
    shared = left(damaged(entry(TWO, 26, "<H", 3)))
    with pytest.raises(check.CheckFailed, match="in order when"):
        shared.expect_disk_in_order(lost_clusters=True)
    with pytest.raises(check.CheckFailed) as failure:
        shared.disk_files()
    assert failure.value.actual == "cluster 3 belongs to /one.txt, and to /two.txt"
    wrong: List[int] = [value for n in range(100, 120) for value in (n, 9000 + n)]
    with pytest.raises(check.CheckFailed) as failure:
        left(damaged(fat(*wrong))).expect_disk_in_order()
    assert failure.value.actual.endswith("\n… (21 in all)")


# ---- for people


def test_labs_have_a_disk_from_the_fifth_on(tmp_path: Path) -> None:
    assert [lab.disk for lab in all_labs()] == [lab.number >= 5 for lab in all_labs()]
    text = (find_lab("1").directory / "lab.toml").read_text()
    (tmp_path / "lab.toml").write_text("disk = true\n" + text)
    assert labs._load(tmp_path).disk


def test_the_disk_of_the_console_stays_and_its_programs_are_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
) -> None:
    path = tmp_path / "disk.img"
    monkeypatch.setattr(interactive, "DISK", path)
    lab = find_lab("batch")
    assert interactive.console_disk(lab) is None
    lab = dataclasses.replace(lab, disk=True)
    assert interactive.console_disk(lab) == path
    files = disk.listing(path.read_bytes())
    assert files["README.txt"] == (USER / "disk" / "README.txt").read_bytes()
    assert "notes/a file with a long name.txt" in files and len(files["notes/pages.txt"]) > 8192
    assert files["sbin/hello"] == build.program("hello").read_bytes()
    assert {name[5:] for name in files if name.startswith("sbin/")} == set(build.program_sources())
    # What somebody wrote stays; an old program is replaced.
    disk.update(path, {"out/mine": b"written", "sbin/hello": b"old"})
    interactive.console_disk(lab)
    assert disk.listing(path.read_bytes()) == {**files, "out/mine": b"written"}
    assert disk.check(path.read_bytes()) == []
    assert capsys.readouterr().err == ""
    path.write_bytes(bytes(32 << 20))
    assert interactive.console_disk(lab) == path
    assert path.read_bytes() == bytes(32 << 20)
    assert "is left as it is: the first sector is no boot sector" in capsys.readouterr().err


def test_a_debugged_machine_writes_to_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interactive, "BUILD", tmp_path)
    path = disk.image(SMALL)
    boot = machine.Boot(Path("kernel.elf"), Path("a.cpio"), "", disk=path)
    own = interactive.with_own_disk(boot).disk
    assert own and own != path and own.read_bytes() == path.read_bytes()
    with own.open("r+b") as file:
        file.write(b"x")
    assert path.read_bytes()[0] != ord("x")
    bare = dataclasses.replace(boot, disk=None)
    assert interactive.with_own_disk(bare) is bare


# ---- a person's directory


REFUSED = {
    "what?.txt": "'what?.txt' is no path on a FAT file system: FAT has no names with one of",
    "a:b": "'a:b' is no path",
    "two\nlines": "'two\\nlines' is no path",
    "x" * 255: "",
    "end.": "names that end with a dot or a space",
    "end ": "names that end with a dot or a space",
    "notes/what*": "'notes/what*' is no path",
    "what?/file": "'what?/file' is no path",
    "readme.TXT": "are the same to a FAT file system",
    "NOTES/other": "are the same to a FAT file system",
    "\udcff": "it is no UTF-8",
}


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_what_no_disk_holds_is_one_line(tmp_path: Path, name: str) -> None:
    for each in ("README.txt", "notes/a.txt", name):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).write_bytes(b"x")
    if not REFUSED[name]:
        assert disk.files_below(tmp_path, 1 << 20)[name] == b"x"
        return
    with pytest.raises(GraderError) as raised:
        disk.files_below(tmp_path, 1 << 20)
    assert REFUSED[name] in str(raised.value)
    assert str(raised.value).isprintable() and str(raised.value).endswith(": rename it")


def test_names_in_other_scripts_are_stored(tmp_path: Path) -> None:
    names = ["größe.txt", "名前.txt", "a+b=c [1];,.txt", "l" * 200, "deep/er/file"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = disk.files_below(tmp_path, 1 << 20)
    assert disk.listing(disk.image(found).read_bytes()) == {n: n.encode() for n in names}


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    for name, target, said in (
        ("link", "/dev/zero", "'link' is a link"),
        ("to nowhere", "nowhere", "'to nowhere' is a link"),
        ("to a directory", ".", "'to a directory' is a link"),
        ("fifo", "", "'fifo' is no regular file"),
    ):
        if target:
            (tmp_path / name).symlink_to(target)
        else:
            os.mkfifo(tmp_path / name)
        with pytest.raises(GraderError, match=said):
            disk.files_below(tmp_path, 1 << 20)
        (tmp_path / name).unlink()
    assert disk.files_below(tmp_path, 1 << 20) == {}


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(GraderError, match="with 'large' its files have more than 1 MiB"):
        disk.files_below(tmp_path, 1 << 20)


@pytest.mark.parametrize("name", ["what?.txt", "readme.TXT", "sbin", "SBIN/cat"])
def test_make_run_says_in_one_line_what_the_disk_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = tmp_path / "user" / "disk"
    for each in ("README.txt", name):
        (given / each).parent.mkdir(parents=True, exist_ok=True)
        (given / each).write_text("x")
    monkeypatch.setattr(interactive, "USER", tmp_path / "user")
    monkeypatch.setattr(interactive, "DISK", tmp_path / "disk.img")
    build.build_base()
    with pytest.raises(GraderError, match="rename it"):
        interactive.console_disk(find_lab("mmap"))
    assert not (tmp_path / "disk.img").exists()
    (given / name).unlink()
    if "/" in name:
        (given / name).parent.rmdir()
    assert interactive.console_disk(find_lab("mmap")) == tmp_path / "disk.img"
