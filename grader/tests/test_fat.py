"""The kernel's FAT file system, on the host: beside a model, when the power fails, on damaged disks.

fat_host/fat_host.c runs kernel/fs/fat*.c over an image, with the compiler's sanitizers; mtools and fsck.fat say
what is on that image.  RUNG_FAT_SCALE=10 in the environment does ten times as much.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

import pytest

from grader.disk import tool
from grader.paths import KERNEL

HOST = Path(__file__).parent / "fat_host" / "fat_host.c"
SCALE = int(os.environ.get("RUNG_FAT_SCALE", "1"))
SECTOR = 512
PAGE = 4096
MIB = 1 << 20
FLUSH = (1 << 64) - 1
PERIOD = 251  # of what fat_host writes
FILL_BEHIND = 64  # sectors: FAT32's root directory is not behind them
ENTRIES = 16  # of a directory, in a sector

ENOENT, EIO, EBUSY, EEXIST, ENOTDIR, EISDIR, EINVAL, EFBIG, ENOSPC, EROFS, ENOTEMPTY = (
    f"-{number}" for number in (2, 5, 16, 17, 20, 21, 22, 27, 28, 30, 39)
)
ENAMETOOLONG = "-36"

# What fsck.fat says of a file system that is in order, and of what a loss of power may leave: clusters that nobody
# has, or that follow the end of a file which was to grow; the beginning of a long name, where it and the
# entry that was removed are in two sectors.  Of clusters that are lost FAT32's summary says that they are used.
IN_ORDER = re.compile(
    r"fsck\.fat .*|\S+: \d+ files, \d+/\d+ clusters"
    r"|Free cluster summary uninitialized \(should be \d+\)"
)
LOST = re.compile(
    r"Leaving filesystem unchanged\.|Reclaimed \d+ unused clusters? \(\d+ bytes\)\."
    r"|Free cluster summary wrong \(\d+ vs\. really \d+\)|  Auto-correcting\."
    r'|Orphaned long file name part ".*"|  Auto-deleting\.'
    r"|/.*|  File size is \d+ bytes, cluster chain length is > \d+ bytes\."
    r"|  Truncating file to \d+ bytes\."
)


@dataclass(frozen=True)
class Format:
    """A way to format a disk."""

    name: str
    mebibytes: int
    cluster: int  # sectors
    copies: int = 1
    is_32: bool = False

    def __str__(self) -> str:
        return self.name

    def make(self, path: Path) -> None:
        words = ["-t", str(self.mebibytes), "-h", "64", "-s", "32", "-d", str(self.copies)]
        words += ["-c", str(self.cluster), *(["-F"] if self.is_32 else ["-r", "8"])]
        with path.open("wb") as file:
            file.truncate(self.mebibytes * MIB)
        mtools("mformat", path, *words, "::")


SMALL = Format("fat16", 4, 1)
SMALL_32 = Format("fat32", 40, 1, is_32=True)
FORMATS = [
    SMALL,
    Format("fat16-two-copies", 4, 1, copies=2),
    Format("fat16-4k", 32, 8),
    Format("fat16-32k-two-copies", 160, 64, copies=2),
    SMALL_32,
    Format("fat32-4k-two-copies", 300, 8, copies=2, is_32=True),
]

LONG_NAMES = [
    "A long name, longer than one piece of it.text",
    "dir/sub/wïth ümlauts and €.bin",
    "dir/Exactly_13_ch",
    "dir/sub/"
    + "every piece of a name that is as long as a name can be " * 4
    + "and this is just about it",
    "dir/sub/Mixed.Case",
]


def mtools(name: str, image: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "MTOOLSRC": os.devnull, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [tool(name), "-i", str(image), *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def put(image: Path, files: Dict[str, bytes], scratch: Path) -> None:
    """Have mtools write files to an image; their directories are there."""
    for name, content in files.items():
        scratch.write_bytes(content)
        mtools("mcopy", image, "-Q", "-o", str(scratch), f"::{name}")


def everything(image: Path, scratch: Path) -> Dict[str, bytes]:
    """All files of an image, as mtools reads them."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    mtools("mcopy", image, "-s", "-Q", "-n", "::", str(scratch))
    files = (path for path in scratch.rglob("*") if path.is_file())
    return {str(path.relative_to(scratch)): path.read_bytes() for path in files}


def said_by_fsck(image: Path) -> List[str]:
    done = subprocess.run(
        [tool("fsck.fat"), "-n", str(image)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return [line for line in done.stdout.splitlines() if line.strip()]


def complaints(image: Path, allowed: Sequence["re.Pattern[str]"] = (IN_ORDER,)) -> List[str]:
    """The lines that fsck.fat says beside those that are allowed."""
    said = said_by_fsck(image)
    return [line for line in said if not any(each.fullmatch(line) for each in allowed)]


def table_of(image: Path) -> range:
    """The sectors of the FATs, and of FAT16's root directory."""
    boot = image.open("rb").read(SECTOR)
    reserved, copies, entries, _, _, sectors = struct.unpack_from("<HBHHBH", boot, 14)
    sectors = sectors or struct.unpack_from("<I", boot, 36)[0]
    return range(reserved, reserved + copies * sectors + entries // ENTRIES)


def short_entry(short: bytes, attributes: int = 0x20, start: int = 0, size: int = 0) -> bytes:
    return short + bytes([attributes]) + bytes(8) + struct.pack("<HIHI", 0, 0, start, size)


def pattern(offset: int, length: int, seed: int) -> bytes:
    """What `write` writes."""
    start = (offset + seed * 17) % PERIOD
    return (bytes(range(PERIOD)) * (length // PERIOD + 2))[start : start + length]


def crc(content: bytes) -> str:
    return f"{len(content)} {zlib.crc32(content):08x}"


@dataclass
class Answers:
    """What fat_host said: to mounting, to each command, and how many sectors had been written then."""

    mounted: str
    answers: List[str]
    writes: List[int]
    reports: List[str]


Host = Callable[..., Answers]


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc")
    assert compiler, "gcc is not installed: run `make setup`"
    directory = tmp_path_factory.mktemp("fat_host")
    fs = KERNEL / "fs"
    flags = "-std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined".split()
    flags += ["-fno-sanitize-recover=all", "-iquote", str(KERNEL / "include"), "-iquote", str(fs)]
    objects = []
    for source in [HOST, *sorted(fs.glob("fat*.c")), fs / "block_cache.c"]:
        objects.append(directory / f"{source.stem}.o")
        more = ["-D_GNU_SOURCE"] if source == HOST else ["-ffreestanding"]
        if source.name == "fat.c":
            more.append("-Dblock_cache_create=host_block_cache_create")
        command = [compiler, *flags, *more, "-c", str(source), "-o", str(objects[-1])]
        subprocess.run(command, check=True)
    linked = directory / "host"
    subprocess.run([compiler, *flags, *map(str, objects), "-o", str(linked)], check=True)
    return linked


def call(binary: Path, *words: object, standard_input: str) -> str:
    sanitizers = {
        "ASAN_OPTIONS": "abort_on_error=1:handle_abort=0",
        "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1",
    }
    done = subprocess.run(
        [str(binary), *map(str, words)],
        input=standard_input,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **sanitizers},
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def host(binary: Path) -> Host:
    """host(image, commands, *words): run commands on an image."""

    def run(image: Path, commands: Sequence[str], *words: object) -> Answers:
        out = call(binary, "run", image, *words, standard_input="\n".join([*commands, ""]))
        lines = out.splitlines()
        said = [line for line in lines if line[:1] not in ("@", "#")]
        writes = [int(line[1:]) for line in lines if line.startswith("@")]
        reports = [line[2:] for line in lines if line.startswith("#")]
        return Answers(said[0], said[1:], writes, reports)

    return run


# ---- a model

# What the disk may show of a file when the power fails: contents, None for no such file.  Not known: anything.
States = Optional[FrozenSet[Optional[bytes]]]


@dataclass
class File:
    path: Optional[str]  # None: it was removed
    content: bytes
    handles: int = 0
    on_disk: States = frozenset()


@dataclass
class Step:
    command: str
    expected: Optional[str]  # None: anything
    # Of files that this step makes other: what the disk may show before it is done, and after.
    during: Dict[str, States] = field(default_factory=dict)
    after: Dict[str, States] = field(default_factory=dict)


class Model:
    """Files as they ought to be, and commands that change them at random."""

    def __init__(self, seed: int, files: Dict[str, bytes], space: int):
        self.random = random.Random(seed)
        self.space = space
        self.files = {
            path: File(path, content, on_disk=frozenset([content]))
            for path, content in files.items()
        }
        self.open: Dict[int, File] = {}
        self.directories: Dict[str, int] = {}  # made by us: path -> the step
        self.steps: List[Step] = []

    def used(self) -> int:
        files = {id(file): file for file in [*self.files.values(), *self.open.values()]}
        return sum(len(file.content) for file in files.values())

    def add(self, command: str, expected: Optional[str]) -> Step:
        self.steps.append(Step(command, expected))
        return self.steps[-1]

    def disk(self, step: Step, file: File, during: States, after: States) -> None:
        """Note what a step does to what is on the disk."""
        if file.path is not None:
            step.during[file.path] = during
            step.after[file.path] = after
        file.on_disk = after

    def find(self, path: str) -> Optional[File]:
        return next((f for p, f in self.files.items() if p.lower() == path.lower()), None)

    def is_directory(self, path: str) -> bool:
        return any(each.lower() == path.lower() for each in self.directories)

    def length(self) -> int:
        return self.random.choice(
            [
                self.random.randrange(1, 400),
                self.random.randrange(1, 9000),
                self.random.choice([511, 512, 513, 4095, 4096, 4097, 32768]),
                self.random.randrange(1, 90000),
            ]
        )

    def new_name(self) -> str:
        base = "".join(self.random.choices("abcdefghij0123_-", k=self.random.randrange(1, 9)))
        extension = self.random.choice(["", ".c", ".txt", ".TXT", ".7z"])
        if self.random.random() < 0.3:
            base = base.upper()
        above = ["", "dir/", "dir/", "dir/sub/", *(f"{path}/" for path in self.directories)]
        return self.random.choice(above) + base + extension

    def varied(self, path: str) -> str:
        """The same name to a FAT: some letters of ASCII in the other case."""
        if self.random.random() < 0.7:
            return path
        return "".join(
            c.swapcase() if c.isascii() and self.random.random() < 0.5 else c for c in path
        )

    def open_file(self) -> None:
        handle = self.random.choice([h for h in range(12) if h not in self.open])
        if self.random.random() < 0.6 and self.files:
            path = self.random.choice(sorted(self.files))
            file = self.files[path]
            self.add(f"open {handle} /{self.varied(path)}", f"file {len(file.content)}")
        else:
            path = self.new_name()
            if self.find(path) or self.is_directory(path):
                self.add(f"create {handle} /{path}", EEXIST)
                return
            file = self.files[path] = File(path, b"", on_disk=frozenset([None, b""]))
            step = self.add(f"create {handle} /{path}", "file 0")
            self.disk(step, file, file.on_disk, file.on_disk)
        same = next((h for h, other in self.open.items() if other is file), None)
        self.open[handle] = file
        file.handles += 1
        if same is not None:
            self.add(f"number {handle} {same}", None)

    def refused(self) -> None:
        """What is not allowed."""
        handle = self.random.choice([h for h in range(12) if h not in self.open])
        command, path, expected = self.random.choice(
            [
                ("open", "no/such/file", ENOENT),
                ("open", "dir/none", ENOENT),
                ("create", "none/file", ENOENT),
                ("create", "dir/sub", EEXIST),
                ("create", "Mixed.txt", EINVAL),
                ("create", "ninechars", EINVAL),
                ("create", "a.text", EINVAL),
                ("create", "a.b.c", EINVAL),
                ("create", ".abc", EINVAL),
                ("create", "abc.", EINVAL),
                ("create", "a b", EINVAL),
                ("create", "dir/ü", EINVAL),
                ("create", "dir/a*b", EINVAL),
                ("remove", "dir/none", ENOENT),
                ("remove", "dir/sub", EISDIR),
            ]
        )
        self.add(f"{command} {handle} /{path}", expected)
        if self.files:
            path = self.random.choice(sorted(self.files))
            self.add(f"create {handle} /{path}/x", ENOTDIR)

    def write(self, handle: int) -> None:
        file = self.open[handle]
        size, length, seed = len(file.content), self.length(), self.random.randrange(1000)
        offset = self.random.choice(
            [size, size, self.random.randrange(size + 1), self.random.randrange(size + 30000)]
        )
        if self.used() + offset + length - size > self.space:
            return
        step = self.add(f"write {handle} {offset} {length} {seed}", str(length))
        content = file.content.ljust(offset, b"\0")
        file.content = content[:offset] + pattern(offset, length, seed) + content[offset + length :]
        if file.on_disk is None or any(offset < len(each or b"") for each in file.on_disk):
            self.disk(step, file, None, None)

    def resize(self, handle: int) -> None:
        file = self.open[handle]
        old = len(file.content)
        size = self.random.choice(
            [0, old // 2, self.random.randrange(old + 1), old + self.length()]
        )
        if self.used() + size - old > self.space:
            return
        clean = file.on_disk == frozenset([file.content])
        file.content = file.content[:size].ljust(size, b"\0")
        step = self.add(f"resize {handle} {size}", "0")
        if size >= old or file.on_disk is None:
            return
        if clean:
            after = frozenset([file.content])
            self.disk(step, file, file.on_disk | after, after)
        elif any(size < len(each or b"") for each in file.on_disk):
            self.disk(step, file, None, None)

    def synced(self, step: Step, file: File, flushed: bool) -> None:
        now: FrozenSet[Optional[bytes]] = frozenset([file.content])
        both = None if file.on_disk is None else file.on_disk | now
        self.disk(step, file, both, now if flushed else both)

    def close(self, handle: int) -> None:
        file = self.open.pop(handle)
        file.handles -= 1
        step = self.add(f"close {handle}", "0")
        if file.handles == 0:
            self.synced(step, file, flushed=False)

    def remove(self) -> None:
        if not self.files:
            return
        path = self.random.choice(sorted(self.files))
        file = self.files.pop(path)
        step = self.add(f"remove 0 /{self.varied(path)}", "0")
        gone: FrozenSet[Optional[bytes]] = frozenset([None])
        self.disk(step, file, None if file.on_disk is None else file.on_disk | gone, gone)
        file.path = None

    def inside(self, directory: str) -> List[str]:
        """What a directory of ours has, as `list` says it."""
        start = f"{directory}/"
        files = [path[len(start) :] for path in self.files if path.startswith(start)]
        below = [f"{path[len(start):]}/" for path in self.directories if path.startswith(start)]
        return sorted(name for name in [*files, *below] if "/" not in name[:-1])

    def make_directory(self) -> None:
        path = self.new_name()
        if self.find(path) or self.is_directory(path):
            self.add(f"mkdir 0 /{path}", EEXIST)
            return
        self.add(f"mkdir 0 /{path}", "0")
        self.directories[path] = len(self.steps)

    def look_into_directory(self) -> None:
        """List one of ours, and remove it if it is empty."""
        if not self.directories:
            self.make_directory()
            return
        path = self.random.choice(sorted(self.directories))
        names = self.inside(path)
        self.add(f"list 0 /{self.varied(path)}", "|".join(names))
        if self.random.random() < 0.6:
            self.add(f"rmdir 0 /{path}", ENOTEMPTY if names else "0")
            if not names:
                del self.directories[path]

    def sync_all(self) -> None:
        step = self.add("syncall", "0")
        for file in self.files.values():
            self.synced(step, file, flushed=True)

    def read(self, handle: int) -> None:
        self.add(f"read {handle}", crc(self.open[handle].content))

    def turn(self) -> None:
        """One thing or another."""
        if not self.open or (len(self.open) < 10 and self.random.random() < 0.15):
            self.open_file()
            return
        handle = self.random.choice(sorted(self.open))
        choice = self.random.random()
        if choice < 0.40:
            self.write(handle)
        elif choice < 0.50:
            self.resize(handle)
        elif choice < 0.62:
            self.read(handle)
        elif choice < 0.72:
            file = self.open[handle]
            step = self.add(f"sync {handle}", "0")
            self.synced(step, file, flushed=True)
        elif choice < 0.80:
            self.add(f"{self.random.choice(['drop', 'pages'])} {handle}", "0")
        elif choice < 0.91:
            self.close(handle)
        elif choice < 0.94:
            self.remove()
        elif choice < 0.95:
            self.make_directory()
        elif choice < 0.97:
            self.look_into_directory()
        elif choice < 0.985:
            self.refused()
        else:
            self.sync_all()

    def finish(self) -> None:
        for handle in sorted(self.open):
            self.read(handle)
            self.close(handle)
        self.sync_all()

    def compare(self, answers: Answers) -> None:
        assert len(answers.answers) == len(self.steps)
        for number, (step, answer) in enumerate(zip(self.steps, answers.answers)):
            if step.command.startswith("number "):
                assert answer.split()[1] == "1", "one file, two inodes"
            elif step.expected is not None:
                assert answer == step.expected, f"step {number}: {step.command}"
        assert answers.reports == []


def starting_files(seed: int) -> Dict[str, bytes]:
    """What mtools puts on an image before: files of other programs, with long names."""
    chance = random.Random(seed)
    names = [*LONG_NAMES, "hello.txt", "README.TXT", "dir/lower.TXT"]
    names += [f"dir/sub/f{n}" for n in range(20)]
    files = {name: pattern(0, chance.randrange(1, 9000), n) for n, name in enumerate(names)}
    return {**files, "dir/empty": b"", "dir/sub/chain": pattern(0, 5120, 7)}


def fill(image: Path) -> None:
    """Have all free clusters hold what a directory that is read by mistake would show."""
    ghost = short_entry(b"GHOST   TXT", start=5, size=9000)
    with image.open("r+b") as file:
        file.seek((table_of(image).stop + FILL_BEHIND) * SECTOR)
        file.write(ghost * ((image.stat().st_size - file.tell()) // len(ghost)))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Format], Path]:
    """A formatted image with starting_files(), made once; to be copied."""
    directory = tmp_path_factory.mktemp("images")

    def make(form: Format) -> Path:
        image = directory / f"{form.name}.img"
        if not image.exists():
            form.make(image)
            if form.mebibytes <= 40:
                fill(image)
            mtools("mmd", image, "::dir", "::dir/sub")
            put(image, starting_files(1), directory / "scratch")
        return image

    return make


Images = Callable[[Format], Path]


@pytest.fixture
def image_of(prepared: Images, tmp_path: Path) -> Images:
    """A copy of such an image, for the test to change."""

    def make(form: Format) -> Path:
        image = tmp_path / "disk.img"
        subprocess.run(["cp", "--sparse=always", str(prepared(form)), str(image)], check=True)
        return image

    return make


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_files_are_as_a_model_has_them(
    form: Format, image_of: Images, host: Host, tmp_path: Path
) -> None:
    """Else programs would find in their files what they have not written."""
    for seed in range(6 * SCALE):
        image = image_of(form)
        model = Model(seed, starting_files(1), space=min(2 * MIB, form.mebibytes * MIB // 2))
        while len(model.steps) < 700:
            model.turn()
        model.finish()
        cache = [8192, 65536][seed % 2]
        model.compare(host(image, [step.command for step in model.steps], "cache", cache))
        wanted = {path: file.content for path, file in model.files.items()}
        assert everything(image, tmp_path / "read") == wanted, f"seed {seed}"
        assert complaints(image) == [], f"seed {seed}"


# ---- without power


Writes = List[Tuple[int, bytes]]  # sectors and what they are to hold


def read_log(log: Path) -> Writes:
    """The sectors that were written, and FLUSH between them."""
    data, at, found = log.read_bytes(), 0, []
    while at < len(data):
        (sector,) = struct.unpack_from("<Q", data, at)
        size = 0 if sector == FLUSH else SECTOR
        found.append((sector, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return found


class Disk:
    """An image that sectors are written to, and can be taken back."""

    def __init__(self, image: Path):
        self.path = image
        self.file = image.open("r+b", buffering=0)

    def write(self, sector: int, content: bytes) -> bytes:
        """Returns what was there before."""
        before = os.pread(self.file.fileno(), SECTOR, sector * SECTOR)
        os.pwrite(self.file.fileno(), content, sector * SECTOR)
        return before


class PowerLoss:
    """What was written to an image by random changes, and what may be seen of them after a loss of power."""

    def __init__(self, image: Path, log: Path, host: Host, seed: int, turns: int):
        self.host = host
        files = starting_files(1)
        self.model = Model(seed, files, space=MIB)
        while len(self.model.steps) < turns:
            self.model.turn()
        self.model.finish()
        original = image.with_suffix(".original")
        subprocess.run(["cp", "--sparse=always", str(image), str(original)], check=True)
        commands = [step.command for step in self.model.steps]
        answers = host(image, commands, "log", log, "cache", [8192, 65536][seed % 2])
        self.model.compare(answers)
        self.done = answers.writes
        self.log = read_log(log)
        self.before: Dict[str, States] = {p: frozenset([content]) for p, content in files.items()}
        self.disk = Disk(original)

    def states(self, cut: int) -> Dict[str, States]:
        """Of each file: what the disk may show of it after so many writes."""
        found = dict(self.before)
        for step, done in zip(self.model.steps, self.done):
            if done > cut:
                found.update(step.during)
                break
            found.update(step.after)
        return found

    def look(self, cut: int) -> None:
        """Let the kernel look, as it does when it is started again."""
        expected = {p: allowed for p, allowed in self.states(cut).items() if allowed is not None}
        answers = self.host(self.disk.path, [f"look 0 /{path}" for path in expected], "read-only")
        for (path, allowed), answer in zip(expected.items(), answers.answers):
            possible = [ENOENT if content is None else crc(content) for content in allowed]
            assert answer in possible, f"{path}, after {cut} writes"

    def cuts(self, count: int, table: range) -> Set[int]:
        """Numbers of writes, after which the power fails: often beside a write to the table."""
        chance = random.Random(1)
        writes = [sector for sector, _ in self.log if sector != FLUSH]
        inside = [n for n, sector in enumerate(writes) if sector in table]
        return {
            *chance.sample(inside, min(len(inside), count // 2)),
            *chance.sample(range(len(writes)), min(len(writes), count // 2)),
        }


POWERED = [FORMATS[0], FORMATS[1], FORMATS[2], FORMATS[4]]


@pytest.mark.parametrize("form", POWERED, ids=str)
def test_power_loss_costs_clusters_at_worst(
    form: Format, image_of: Images, host: Host, tmp_path: Path
) -> None:
    """The disk has the first writes, in order: then it is in order, and has all that was synced."""
    allowed = [IN_ORDER, LOST]
    if form.copies > 1:
        allowed.append(re.compile(r"FATs differ .*|  Using first FAT\."))
    for seed in range(form.cluster, form.cluster + SCALE):
        image = image_of(form)
        loss = PowerLoss(image, tmp_path / "log", host, seed, turns=250)
        cuts = loss.cuts(60, table_of(image))
        count = 0
        for sector, content in loss.log:
            if sector == FLUSH:
                continue
            if count in cuts:
                found = complaints(loss.disk.path, allowed)
                assert found == [], f"seed {seed}, after {count} writes"
                loss.look(count)
            loss.disk.write(sector, content)
            count += 1
        assert complaints(loss.disk.path) == []


@pytest.mark.parametrize("name", LONG_NAMES)
def test_power_loss_while_a_long_name_is_removed(
    name: str, prepared: Images, image_of: Images, host: Host, tmp_path: Path
) -> None:
    """After each write the file is there under its name, or it is not there at all."""
    host(image_of(SMALL), [f"remove 0 /{name}", "syncall"], "log", tmp_path / "log")
    disk = Disk(image_of(SMALL))
    files = starting_files(1)
    without = {path: content for path, content in files.items() if path != name}
    for sector, content in read_log(tmp_path / "log"):
        if sector != FLUSH:
            disk.write(sector, content)
            assert everything(disk.path, tmp_path / "read") in (files, without)
            assert complaints(disk.path, [IN_ORDER, LOST]) == []
    assert everything(disk.path, tmp_path / "read") == without
    assert complaints(disk.path) == []


def without_order(
    disk: Disk, log: Writes, choose: Callable[[Writes], List[Writes]], look: Callable[[int], None]
) -> None:
    """Look at what the disk may have when it has any of the writes since it was flushed the last time."""
    count = 0
    waiting: Writes = []
    for sector, content in log:
        if sector == FLUSH:
            for where, what in waiting:
                disk.write(where, what)
            waiting = []
            continue
        for some in choose(waiting):
            before = [(where, disk.write(where, what)) for where, what in some]
            look(count)
            for where, what in reversed(before):
                disk.write(where, what)
        waiting.append((sector, content))
        count += 1


@pytest.mark.parametrize("form", [SMALL, SMALL_32], ids=str)
def test_power_loss_with_a_disk_that_does_not_keep_the_order(
    form: Format, image_of: Images, host: Host, tmp_path: Path
) -> None:
    """What was synced is there then, too."""
    chance = random.Random(2)

    def some(writes: Writes) -> List[Writes]:
        return [[each for each in writes if chance.random() < 0.5]]

    for seed in range(9, 9 + SCALE):
        image = image_of(form)
        loss = PowerLoss(image, tmp_path / "log", host, seed, turns=250)
        cuts = loss.cuts(50, table_of(image))
        without_order(
            loss.disk, loss.log, some, lambda count: loss.look(count) if count in cuts else None
        )


def test_power_loss_while_a_directory_grows(image_of: Images, host: Host, tmp_path: Path) -> None:
    """It never shows what its new cluster has had before."""
    names = [f"dir/g{n}" for n in range(20)]
    creates = [f"create {n} /{name}" for n, name in enumerate(names)]
    host(image_of(SMALL), creates, "log", tmp_path / "log")
    disk = Disk(image_of(SMALL))

    def all_but_one(writes: Writes) -> List[Writes]:
        return [writes[:n] + writes[n + 1 :] for n in range(len(writes))]

    def look(_: int) -> None:
        looks = [f"look 0 /{name}" for name in ["dir/ghost.txt", *names]]
        answers = host(disk.path, looks, "read-only").answers
        assert answers[0] == ENOENT and set(answers[1:]) <= {ENOENT, "0 00000000"}

    without_order(disk, read_log(tmp_path / "log"), all_but_one, look)


# ---- full, read-only, failing


@pytest.mark.parametrize("form", [SMALL, FORMATS[3], SMALL_32], ids=str)
def test_full_disk(form: Format, image_of: Images, host: Host) -> None:
    """What does not fit is refused as a whole, and what was freed can be used again, all of it."""
    image = image_of(form)
    size = form.cluster * SECTOR
    used, clusters = map(int, said_by_fsck(image)[-1].split()[-2].split("/"))
    most = clusters - used
    exchanges = {
        "create 0 /big": "file 0",
        f"claim 0 {most * size + 1}": ENOSPC,
        f"claim 0 {most * size}": "0",
        "create 1 /x": "file 0",
        "write 1 0 1 1": ENOSPC,
        "read 1": "0 00000000",
        f"claim 0 {(most - 1) * size + 1}": "0",
        "write 1 0 1 2": ENOSPC,
        f"claim 0 {(most - 2) * size}": "0",
        "write 1 0 1 3": "1",
        "sync 1": "0",
        # A file that is removed and open still has its clusters.
        "remove 0 /big": "0",
        f"write 1 0 {3 * size} 1": ENOSPC,
        "close 0": "0",
        f"write 1 0 {3 * size} 2": str(3 * size),
        "drop 1": "0",
        "read 1 ": crc(pattern(0, 3 * size, 2)),
        "syncall": "0",
    }
    assert host(image, list(exchanges)).answers == list(exchanges.values())
    assert complaints(image) == []

    # How much is free is counted when the disk is full; but it is not to remain so.
    host(image, ["create 0 /big", f"claim 0 {(most - 3) * size}", "close 0", "syncall"])
    exchanges = {
        "create 0 /y": "file 0",
        "write 0 0 1 1": ENOSPC,
        "remove 0 /big": "0",
        "write 0 0 1 2": "1",
    }
    assert host(image, list(exchanges)).answers == list(exchanges.values())


@pytest.mark.parametrize("form", [SMALL, FORMATS[2], SMALL_32], ids=str)
def test_directories_grow_but_not_the_root_of_fat16(
    form: Format, image_of: Images, host: Host, tmp_path: Path
) -> None:
    image = image_of(form)
    names = [f"{directory}n{n}" for directory in ("dir/sub/", "") for n in range(200)]
    answers = host(image, [f"create 0 /{n}\nclose 0" for n in names] + ["syncall"]).answers
    answers = answers[:-1]
    made = [name for name, answer in zip(names, answers[::2]) if answer == "file 0"]
    files = {**starting_files(1), **{name: b"" for name in made}}
    assert everything(image, tmp_path / "read") == files
    assert complaints(image) == []
    if form.is_32:
        assert made == names
    else:
        in_root = sum(name.startswith("n") for name in made)
        assert made == names[: 200 + in_root] and 110 < in_root < 128
        assert set(answers[2 * len(made) :: 2]) == {ENOSPC}


def test_space_in_directories_is_used_again(image_of: Images, host: Host) -> None:
    """Else a directory in which files come and go would fill the disk."""
    image = image_of(SMALL)
    before = len(Raw(image).chain(b"DIR        "))
    host(image, [f"create 0 /dir/a{n}\nclose 0\nremove 0 /dir/a{n}" for n in range(300)])
    assert len(Raw(image).chain(b"DIR        ")) <= before + 1
    assert complaints(image) == []


def test_read_only_disk(image_of: Images, host: Host) -> None:
    """It is read, and nothing is written to it."""
    image = image_of(SMALL_32)
    before = image.read_bytes()
    content = starting_files(1)["hello.txt"]
    answers = host(
        image,
        ["open 0 /hello.txt", "read 0", "resize 0 1", "create 1 /new", "create 1 /dir/none/new"]
        + ["create 1 /Hello.txt", "remove 0 /hello.txt", "remove 0 /dir", "sync 0", "syncall"],
        "read-only",
    ).answers
    assert answers == [f"file {len(content)} read-only", crc(content), EROFS, EROFS, ENOENT] + [
        EEXIST,
        EROFS,
        EISDIR,
        "0",
        "0",
    ]
    assert image.read_bytes() == before


def test_a_disk_that_is_only_read_is_not_changed(image_of: Images, host: Host) -> None:
    image = image_of(SMALL_32)
    before = image.read_bytes()
    looks = [f"look 0 /{path}" for path in starting_files(1)]
    answers = host(image, [*looks, "syncall"]).answers
    assert answers == [*(crc(content) for content in starting_files(1).values()), "0"]
    assert image.read_bytes() == before


def test_a_file_marked_read_only_is(image_of: Images, host: Host) -> None:
    image = image_of(SMALL)
    mtools("mattrib", image, "+r", "::hello.txt")
    size = len(starting_files(1)["hello.txt"])
    answers = host(image, ["open 0 /hello.txt", "resize 0 0", "open 1 /README.TXT", "resize 1 0"])
    assert answers.answers[:2] == [f"file {size} read-only", EROFS]
    assert "read-only" not in answers.answers[2] and answers.answers[3] == "0"


def test_files_are_at_most_of_4_gib(image_of: Images, host: Host) -> None:
    answers = host(image_of(SMALL), ["create 0 /a", f"resize 0 {1 << 32}", "resize 0 4294967295"])
    assert answers.answers == ["file 0", EFBIG, ENOSPC]


def test_a_removed_file_is_usable_and_its_name_is_free(image_of: Images, host: Host) -> None:
    image = image_of(SMALL)
    content = starting_files(1)["hello.txt"]
    answers = host(
        image,
        ["open 0 /hello.txt", "remove 0 /hello.txt", "create 1 /hello.txt", "write 1 0 9000 3"]
        + ["number 0 1", "number 1 0", "sync 1", "drop 0", "read 0", "sync 0", "write 0 0 50000 2"]
        + ["drop 0", "read 0", "resize 0 10", "read 0", "close 0", "drop 1", "read 1", "close 1"]
        + ["syncall"],
    ).answers
    assert answers[4].split()[0] != answers[5].split()[0], "two files with the same number"
    assert answers[8] == crc(content)
    assert answers[12] == crc(pattern(0, 50000, 2)) and answers[14] == crc(pattern(0, 10, 2))
    assert answers[17] == crc(pattern(0, 9000, 3))
    assert complaints(image) == []


@pytest.mark.parametrize("form", [SMALL, SMALL_32], ids=str)
def test_a_disk_that_fails_now_and_then(form: Format, image_of: Images, host: Host) -> None:
    """What fails says so; and when the disk works again, the worst is that clusters are lost."""
    for seed in range(6 * SCALE):
        image = image_of(form)
        model = Model(seed, starting_files(1), space=MIB)
        while len(model.steps) < 200:
            model.turn()
        commands = ["errors 20", *(step.command for step in model.steps), "errors 0", "syncall"]
        answers = host(image, commands, "cache", [8192, 65536][seed % 2], "seed", seed)
        assert answers.answers[-1] == "0"
        assert EIO in answers.answers, "there were errors"
        assert complaints(image, [IN_ORDER, LOST]) == [], f"seed {seed}"


def test_sequential_access_takes_few_transfers(image_of: Images, host: Host) -> None:
    """Else a large file would be slow: where clusters follow each other, 32 pages are one transfer."""
    image = image_of(SMALL)
    count = 300
    size = count * PAGE
    out = host(
        image,
        ["create 0 /big", f"write 0 0 {size} 1", "transfers 0", "sync 0", "transfers 0", "drop 0"]
        + ["transfers 0", "read 0", "transfers 0", "close 0"],
    ).answers
    numbers = [int(out[n]) for n in (2, 4, 6, 8)]
    assert out[7] == crc(pattern(0, size, 1))
    assert numbers[1] - numbers[0] < count // 32 + 30
    assert numbers[3] - numbers[2] < count // 8


def test_bits_that_are_not_ours_are_kept(image_of: Images, host: Host) -> None:
    """The upper four of FAT32's entries: the specification reserves them."""
    image = image_of(SMALL_32)
    start, count = table_of(image).start * SECTOR, 2000
    data = bytearray(image.read_bytes())
    for at in range(start + 3, start + count * 4, 4):
        data[at] |= 0xA0
    image.write_bytes(data)
    host(image, ["create 0 /a", f"claim 0 {count * SECTOR}", "syncall", "remove 0 /hello.txt"])
    after = image.read_bytes()
    assert all((after[at] ^ data[at]) & 0xF0 == 0 for at in range(start + 3, start + count * 4, 4))
    assert after[start : start + count * 4] != data[start : start + count * 4]


# ---- what mtools does not make


def checksum(short: bytes) -> int:
    """The specification's ChkSum()."""
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def long_entries(name: str, short: bytes) -> List[bytes]:
    """The entries of a long name, as they lie on the disk."""
    data = name.encode("utf-16-le")
    if len(data) % 26:
        data = (data + b"\0\0").ljust(-(-len(data) // 26) * 26, b"\xff")
    pieces = [data[at : at + 26] for at in range(0, len(data), 26)]
    entries = [
        struct.pack(
            "<B10sBBB12sH4s", n + 1, piece[:10], 15, 0, checksum(short), piece[10:22], 0, piece[22:]
        )
        for n, piece in enumerate(pieces)
    ]
    entries[-1] = bytes([entries[-1][0] | 0x40]) + entries[-1][1:]
    return entries[::-1]


class Raw:
    """A FAT16 image of which bytes are changed."""

    def __init__(self, path: Path):
        self.path = path
        self.data = bytearray(path.read_bytes())
        self.table = table_of(path).start * SECTOR
        sectors = struct.unpack_from("<H", self.data, 22)[0]
        self.root = self.table + sectors * self.data[16] * SECTOR
        self.clusters = self.root + struct.unpack_from("<H", self.data, 17)[0] * 32

    def save(self) -> Path:
        self.path.write_bytes(self.data)
        return self.path

    def entry(self, short: bytes, start: int = 0) -> int:
        """Where a file's entry is."""
        at = self.data.index(short, start or self.root)
        assert at % 32 == 0
        return at

    def start(self, short: bytes) -> int:
        return int(struct.unpack_from("<H", self.data, self.entry(short) + 26)[0])

    def get(self, cluster: int) -> int:
        return int(struct.unpack_from("<H", self.data, self.table + 2 * cluster)[0])

    def set(self, cluster: int, value: int) -> None:
        struct.pack_into("<H", self.data, self.table + 2 * cluster, value)

    def put(self, at: int, value: int, size: int) -> None:
        self.data[at : at + size] = value.to_bytes(size, "little")

    def chain(self, short: bytes) -> List[int]:
        """The clusters of a file or a directory."""
        found = [self.start(short)]
        while self.get(found[-1]) < 0xFFF8:
            found.append(self.get(found[-1]))
        return found

    def follow(self, number: int, value: int) -> None:
        """What the FAT says of a cluster of dir/sub/chain, to which number one belongs."""
        self.set(self.chain(CHAIN)[number], value)

    def append(self, entries: Sequence[bytes]) -> None:
        """Put entries where the root directory ends."""
        at = self.root
        while self.data[at]:
            at += 32
        data = b"".join(entries)
        self.data[at : at + len(data)] = data


@pytest.fixture
def raw(image_of: Images) -> Raw:
    return Raw(image_of(SMALL))


def test_names_of_all_kinds(raw: Raw, host: Host) -> None:
    """Each file has another size, to be told apart."""
    empty: List[bytes] = []
    kinds = [
        ("n" * 255, b"NNNNNN~1   "),
        ("\U0001f600 smiles.txt", b"SMILES~1TXT"),
        ("thirteen_char", b"THIRTE~1   "),
        ("\u20ac" * 200, b"EURO~1     "),
    ]
    for n, (name, short) in enumerate(kinds):
        content = short_entry(short, start=raw.start(b"HELLO   TXT"), size=n + 1)
        empty += [*long_entries(name, short), content]
    # Pieces that belong to nothing: another checksum, a piece that is missing, the wrong order, deleted between.
    wrong = long_entries("a name that is of no file", b"OTHER   TXT")
    whole = long_entries("a name with a hole in it, so it is none", b"HOLE    TXT")
    mixed = long_entries("a name that is in the wrong order, too", b"MIXED   TXT")
    parted = long_entries("a name before what was deleted", b"PARTED  TXT")
    empty += [*wrong, short_entry(b"WRONG   TXT")]
    empty += [whole[0], *whole[2:], short_entry(b"HOLE    TXT")]
    empty += [mixed[1], mixed[0], *mixed[2:], short_entry(b"MIXED   TXT")]
    empty += [*parted, b"\xe5" + bytes(31), short_entry(b"PARTED  TXT")]
    doubted = long_entries("a name of pieces that disagree about it", b"DOUBTED TXT")
    doubted[1] = doubted[1][:13] + bytes([doubted[1][13] ^ 1]) + doubted[1][14:]
    empty += [*doubted, short_entry(b"DOUBTED TXT")]
    empty += [short_entry(b"LABEL      ", attributes=8), short_entry(b".       TXT")]
    raw.append(empty)
    content = starting_files(1)["hello.txt"]
    present = {name: content[: n + 1] for n, (name, _) in enumerate(kinds)}
    present.update({"\U0001f600 SMILES.TXT": content[:2], "NNNNNN~1": content[:1]})
    present.update({f"{name}.txt": b"" for name in ("wrong", "HOLE", "mixed", "Parted")})
    missing = ["n" * 254, "thirteen_cha", "thirteen_char_", "\u20ac" * 199]
    missing += ["a name that is of no file", "a name with a hole in it, so it is none"]
    missing += ["a name of pieces that disagree about it"]
    missing += ["a name that is in the wrong order, too", "a name before what was deleted"]
    missing += ["label", "smiles.txt", ".", "hello.tx", "hello", "hello.txt.", "hello.txtx"]
    answers = host(raw.save(), [f"look 0 /{name}" for name in [*present, *missing]]).answers
    assert answers[: len(present)] == [crc(each) for each in present.values()]
    assert answers[len(present) :] == [ENOENT] * len(missing)
    too_long = ["n" * 256, "n" * 400, "\u20ac" * 256, "\U0001f600" * 128]
    commands = [f"{word} 0 /{name}" for name in too_long for word in ("look", "create", "mkdir")]
    assert host(raw.save(), commands).answers == [ENAMETOOLONG] * len(commands)


@pytest.mark.parametrize("letter", ["n", "\u00e4", "\u20ac"])
def test_names_of_up_to_255_letters_are_listed(letter: str, raw: Raw, host: Host) -> None:
    """Otherwise a program that lists a directory is told another name than the one that was given."""
    names = {length: letter * length for length in (85, 253, 254, 255)}
    entries: List[bytes] = []
    for length, name in names.items():
        short = b"NAME%04d   " % length
        entries += [*long_entries(name, short), short_entry(short)]
    # 20 pieces have room for 260 letters, but no name has so many.
    entries += [*long_entries(letter * 256, b"TOOLONG    "), short_entry(b"TOOLONG    ")]
    raw.append(entries)
    assert len(entries) < (raw.clusters - raw.root) // 32 - 20, "the root has room for them"
    listed, *looked = host(
        raw.save(), ["list 0 /", *(f"look 0 /{name}" for name in names.values())]
    ).answers
    found = set(listed.split("|"))
    assert set(names.values()) <= found and "TOOLONG" in found
    assert looked == [crc(b"")] * len(names)


def test_a_long_name_that_no_path_can_have_is_not_shown(raw: Raw, host: Host) -> None:
    """A slash would name a file in a directory; half a pair of UTF-16 is no letter.  The short name is shown."""
    slash = long_entries("a/slash", b"SLASH   TXT")
    half = [bytearray(each) for each in long_entries("half a pair", b"HALF    TXT")]
    half[0][1:3] = b"\x00\xd8"
    raw.append([*slash, short_entry(b"SLASH   TXT"), *half, short_entry(b"HALF    TXT")])
    (listed,) = host(raw.save(), ["list 0 /"]).answers
    assert {"SLASH.TXT", "HALF.TXT"} <= set(listed.split("|")) and "slash" not in listed


def test_a_short_name_may_begin_with_the_byte_e5(raw: Raw, host: Host) -> None:
    """On the disk it is 0x05 there, because 0xe5 says that the entry is free.  No ASCII: shown as a question mark."""
    raw.append([short_entry(b"\x05BC     TXT"), short_entry(b"A       \x05XT")])
    listed, looked = host(raw.save(), ["list 0 /", "look 0 /\x05bc.txt"]).answers
    assert "?BC.TXT" in listed.split("|")
    assert "A.\x05XT" in listed.split("|"), "the byte has its meaning only where a name begins"
    assert looked == ENOENT


@pytest.mark.parametrize("start", [0, 1, 0xFFF0, 0xFFFF])
def test_a_directory_without_a_cluster_is_damaged(start: int, raw: Raw, host: Host) -> None:
    """Cluster 0 is no directory's: what was listed was the root, and files made there were lost in it."""
    raw.append([short_entry(b"NOWHERE    ", attributes=0x10, start=start)])
    paths = [
        "list 0 /NOWHERE",
        "open 0 /NOWHERE",
        "look 0 /NOWHERE/hello.txt",
        "create 0 /NOWHERE/a",
    ]
    run = host(raw.save(), [*paths, "mkdir 0 /NOWHERE/b", "rmdir 0 /NOWHERE", "look 0 /hello.txt"])
    assert run.answers == [EIO] * 6 + [crc(starting_files(1)["hello.txt"])]
    assert any("a directory begins there" in line for line in run.reports)


@pytest.mark.parametrize("what", ["no dots", "dots of nothing"])
def test_a_directory_needs_no_dots(what: str, raw: Raw, host: Host) -> None:
    """Paths are followed without them; other systems leave them out."""
    at = raw.data.index(b".          ", raw.clusters)
    assert raw.data[at + 32 : at + 43] == b"..         "
    if what == "no dots":
        raw.data[at] = raw.data[at + 32] = 0xE5
    else:
        raw.put(at + 26, 0, 2)
        raw.put(at + 32 + 26, 0xFFF0, 2)
    before = host(raw.path, ["list 0 /dir", "list 0 /dir/sub"]).answers
    assert host(raw.save(), ["list 0 /dir", "list 0 /dir/sub"]).answers == before


def test_what_lies_behind_the_end_of_a_directory_stays_there(raw: Raw, host: Host) -> None:
    """A program that ends its search there would find what the disk has had before."""
    raw.append([bytes(32), short_entry(b"GHOST   TXT")])
    raw.save()
    commands = ["open 0 /ghost.txt", "create 0 /new", "open 1 /ghost.txt", "create 1 /ghost.txt"]
    answers = host(raw.path, [*commands, "syncall"]).answers
    assert answers[:-1] == [ENOENT, "file 0", ENOENT, "file 0"]
    assert complaints(raw.path) == []


CHAIN = b"CHAIN      "
DAMAGES: Dict[str, Callable[[Raw], None]] = {
    "a circle of one": lambda raw: raw.follow(0, raw.chain(CHAIN)[0]),
    "a circle": lambda raw: raw.follow(-1, raw.chain(CHAIN)[0]),
    "a circle that does not begin at once": lambda raw: raw.follow(-1, raw.chain(CHAIN)[2]),
    "a free cluster": lambda raw: raw.follow(1, 0),
    "cluster 1": lambda raw: raw.follow(1, 1),
    "a bad cluster": lambda raw: raw.follow(1, 0xFFF7),
    "a reserved cluster": lambda raw: raw.follow(1, 0xFFF0),
    "a cluster that there is not": lambda raw: raw.follow(1, 0x2000),
    "too short": lambda raw: raw.follow(-3, 0xFFFF),
    "begins at 0": lambda raw: raw.put(raw.entry(CHAIN) + 26, 0, 2),
    "begins at 1": lambda raw: raw.put(raw.entry(CHAIN) + 26, 1, 2),
    "begins beyond the end": lambda raw: raw.put(raw.entry(CHAIN) + 26, 0x2000, 2),
    "larger than the disk": lambda raw: raw.put(raw.entry(CHAIN) + 28, 0xFFFFFFFF, 4),
    "larger than its clusters": lambda raw: raw.put(raw.entry(CHAIN) + 28, 0x1401, 4),
    "its directory begins at 0": lambda raw: raw.put(raw.entry(b"SUB        ") + 26, 0, 2),
    "its directory begins nowhere": lambda raw: raw.put(raw.entry(b"SUB        ") + 26, 9999, 2),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_reported_and_left_alone(
    damage: Callable[[Raw], None], raw: Raw, host: Host
) -> None:
    damage(raw)
    before = raw.save().read_bytes()
    answers = host(
        raw.path, ["look 0 /dir/sub/chain", "remove 0 /dir/sub/chain", "look 0 /hello.txt"]
    )
    assert answers.answers == [EIO, EIO, crc(starting_files(1)["hello.txt"])]
    assert 1 <= len(answers.reports) <= 2
    assert all(line.startswith("fat: damaged: ") for line in answers.reports)
    assert raw.path.read_bytes() == before


@pytest.mark.parametrize("follows", [None, 0, 1, 0x2000, 0xFFF7])
def test_a_directory_without_an_end_is_left_alone(
    follows: Optional[int], raw: Raw, host: Host
) -> None:
    """It goes in a circle, or on at no cluster."""
    clusters = raw.chain(b"SUB        ")
    for cluster in clusters:
        at = raw.clusters + (cluster - 2) * SECTOR
        for entry in range(at, at + SECTOR, 32):
            if raw.data[entry] == 0:
                raw.data[entry] = 0xE5
    raw.set(clusters[-1], clusters[0] if follows is None else follows)
    before = raw.save().read_bytes()
    content = starting_files(1)["dir/sub/chain"]
    commands = ["look 0 /dir/sub/chain", "look 0 /dir/sub/none", "create 0 /dir/sub/none"]
    answers = host(raw.path, [*commands, "transfers 0", "syncall"])
    assert answers.answers[:3] == [crc(content), EIO, EIO] and len(answers.reports) == 2
    assert int(answers.answers[3]) < 10000
    assert raw.path.read_bytes() == before


def test_no_flood_of_reports(raw: Raw, host: Host) -> None:
    DAMAGES["a circle"](raw)
    answers = host(raw.save(), ["look 0 /dir/sub/chain"] * 100)
    assert answers.answers == [EIO] * 100 and 1 < len(answers.reports) < 10


# Bytes of the boot sector, and what is reported when they are other ones.
BOOT = [
    (11, 2, 0, "sectors are not of 512 bytes (0)"),
    (11, 2, 4096, "sectors are not of 512 bytes (4096)"),
    (13, 1, 0, "it has not 1, 2, 4, ... 64 sectors in a cluster (0)"),
    (13, 1, 3, "it has not 1, 2, 4, ... 64 sectors in a cluster (3)"),
    (13, 1, 128, "it has not 1, 2, 4, ... 64 sectors in a cluster (128)"),
    (13, 1, 64, "it is FAT12, as it has few clusters (127)"),
    (14, 2, 0, "there is no sector before the FAT (0)"),
    (14, 2, 8192, "it has fewer sectors than it needs (8192)"),
    (16, 1, 0, "there is not one FAT or two (0)"),
    (16, 1, 3, "there is not one FAT or two (3)"),
    (17, 2, 0, "the root directory's size is wrong (0)"),
    (19, 2, 8193, "it has more sectors than the disk (8193)"),
    (19, 2, 100, "it is FAT12, as it has few clusters (59)"),
    (22, 2, 0, "the root directory's size is wrong (128)"),
    (22, 2, 1, "the FAT is too small for so many clusters (8182)"),
    (510, 2, 0, "the first sector is no boot sector (0)"),
]


@pytest.mark.parametrize("at, size, value, said", BOOT)
def test_what_is_not_mounted(
    at: int, size: int, value: int, said: str, raw: Raw, host: Host
) -> None:
    raw.put(at, value, size)
    answers = host(raw.save(), [])
    assert answers.mounted == "mount -22 -"
    assert answers.reports == [f"fat: not mounted: {said}"]


@pytest.mark.parametrize("sectors", [1, 2, 100, 8191])
def test_an_image_that_is_too_short_is_not_mounted(sectors: int, raw: Raw, host: Host) -> None:
    with raw.path.open("r+b") as file:
        file.truncate(sectors * SECTOR)
    answers = host(raw.path, [])
    assert answers.mounted == "mount -22 -"
    assert answers.reports == ["fat: not mounted: it has more sectors than the disk (8192)"]


@pytest.mark.parametrize("form", [SMALL, FORMATS[1], SMALL_32], ids=str)
def test_damage_of_any_kind_does_no_harm(form: Format, prepared: Images, binary: Path) -> None:
    """Nothing hangs, reads or writes where it must not, leaks memory, or floods the console."""
    names = [*starting_files(1), "", "dir", "dir/sub", "none", "dir/hello.txt"]
    count = 1500 * SCALE
    out = call(binary, "fuzz", prepared(form), 0, count, standard_input="\n".join(names) + "\n")
    mounted, reported = map(int, re.findall(r"\d+", out))
    assert mounted > count // 2 and reported > count // 8
