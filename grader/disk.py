"""Disks with a FAT file system: making one for a run, and examining what the run has left on it.

Images are made by mtools, which needs no root.  What a kernel leaves may be anything: we read it ourselves,
without a file of a name that the kernel has chosen and never more than the image holds, and have fsck.fat look
at it within limits.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import shutil
import stat
import struct
import subprocess
import tempfile
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from grader import launcher
from grader.check import readable
from grader.paths import BUILD, GraderError, shown

IMAGES = BUILD / "images"

SECTOR = 512
CYLINDER = (
    64 * 32
)  # sectors: with so many heads and sectors a cylinder is 1 MiB, which mtools insists on
ROOT_ENTRIES = 512
ENTRY = 32  # bytes of a directory's entry
CLUSTER_SIZES = (4096, 2048, 1024, 512)  # bytes: up to a page
CLUSTERS = range(4085, 65525)  # how many make a file system FAT16
MARGIN = 16  # of programs that draw that line elsewhere
SERIAL = "52554e47"
DATE = 1767225600  # 2026-01-01, when machines start: of all files

# Where fsck.fat is, often not on the PATH of who is not root.
SYSTEM_PLACES = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
TOOL_SECONDS = 60  # by the host's clock: for what hangs
FSCK_MEMORY = 512 << 20
FSCK_FILE = 1 << 20  # what it may write, were it to
FSCK_CPU_SECONDS = 20

VOLUME, DIRECTORY, LONG_NAME = 0x08, 0x10, 0x0F  # attributes of an entry
LAST_CLUSTER = 0xFFF8


class Damaged(Exception):
    """A file system that cannot be read.  The message says what is wrong, and is safe to show."""


def tool(name: str) -> str:
    """The path of a command of mtools or dosfstools; GraderError says so when it is missing."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_PLACES]))
    if not path:
        raise GraderError(f"{name} is not installed: run `make setup`")
    return path


# ---- making ----------------------------------------------------------------------------------


def _mtools(name: str, image: Path, *words: str) -> None:
    """Run a command of mtools on an image, the same for every user, place and time."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "MTOOLSRC": os.devnull,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(DATE),
    }
    try:
        done = subprocess.run(
            [tool(name), "-i", str(image), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TOOL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GraderError(f"{name} was not done after {TOOL_SECONDS} s") from None
    if done.returncode != 0:
        said = readable(done.stdout.replace(str(image).encode(), b"the disk")).split("\n")
        raise GraderError(f"{name} failed: {said[0] or f'status {done.returncode}'}")


def _sectors_per_cluster(megabytes: int, cluster: Optional[int]) -> int:
    """The largest cluster, up to a page, with which an image of this size is FAT16; or the one wanted."""
    sectors = megabytes * CYLINDER
    for size in [size for size in CLUSTER_SIZES if cluster in (size, None)]:
        each = size // SECTOR
        table = -(-sectors // each * 2 // SECTOR)  # a little more than it will have
        count = (sectors - 1 - table - ROOT_ENTRIES * ENTRY // SECTOR) // each
        if CLUSTERS.start + MARGIN <= count < CLUSTERS.stop - MARGIN:
            return each
    raise ValueError(
        f"no FAT16 has {megabytes} MiB in clusters of {cluster or CLUSTER_SIZES} bytes"
    )


_NOT_IN_NAMES = re.compile(r'[\0-\x1f"*:<>?\\|]')
NAME_MAX = 255  # letters, of two bytes each


def _unstorable(part: str) -> str:
    """Why no FAT has a file of this name; "" when it may have."""
    if not part or part in (".", ".."):
        return "it is no name"
    if _NOT_IN_NAMES.search(part):
        return 'FAT has no names with one of " * : < > ? \\ | or a control character'
    if part[-1] in ". ":
        return "FAT has no names that end with a dot or a space"
    try:
        length = len(part.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        return "it is no UTF-8"
    return f"FAT has no names of more than {NAME_MAX} letters" if length > NAME_MAX else ""


def _check_names(files: Mapping[str, bytes]) -> None:
    """ValueError for a path that no FAT can store, or two that are the same to it."""
    seen: Dict[str, str] = {}
    directories: Dict[str, str] = {}
    for name, content in files.items():
        path = name[:-1] if name.endswith("/") and not content else name
        parts = path.split("/")
        why = next(filter(None, map(_unstorable, parts)), "")
        if why:
            raise ValueError(f"{name!a} is no path on a FAT file system: {why}")
        other = seen.setdefault(path.casefold(), name)
        if other != name:
            raise ValueError(f"{name!a} and {other!a} are the same to a FAT file system")
        for count in range(1, len(parts)):
            above = "/".join(parts[:count])
            other = directories.setdefault(above.casefold(), above)
            if other != above:
                raise ValueError(f"{above!a} and {other!a} are the same to a FAT file system")
    for folded, above in directories.items():
        other = seen.get(folded, "")
        if other and not other.endswith("/"):
            raise ValueError(f"{above!a} and {other!a} are the same to a FAT file system")


def _put(image: Path, files: Mapping[str, bytes], known: Sequence[str] = ()) -> None:
    """Write files to an image, over what is there under the same names.  known: directories it has."""
    _check_names(files)
    by_directory: Dict[str, List[str]] = {}
    directories = {name[:-1] for name in files if name.endswith("/")}
    for name in sorted(files):
        directories.update(str(each) for each in PurePosixPath(name).parents)
        if not name.endswith("/"):
            by_directory.setdefault(str(PurePosixPath(name).parent), []).append(name)
    directories -= {".", *known}
    with tempfile.TemporaryDirectory(dir=image.parent) as place:
        for name, content in files.items():
            staged = Path(place, name)
            staged.parent.mkdir(parents=True, exist_ok=True)
            if not name.endswith("/"):
                staged.write_bytes(content)
                os.utime(staged, (DATE, DATE))
        if directories:
            _mtools("mmd", image, *[f"::{each}" for each in sorted(directories)])
        # One by one in our own order: `mcopy -s` would take that of the host's directories.
        for directory, names in sorted(by_directory.items()):
            staged_names = [str(Path(place, name)) for name in names]
            target = "::" if directory == "." else f"::{directory}"
            _mtools("mcopy", image, "-m", "-Q", "-o", *staged_names, target)


def _build(path: Path, files: Mapping[str, bytes], megabytes: int, each: int) -> None:
    """Make an image that is not there yet."""
    shape = ["-t", str(megabytes), "-h", "64", "-s", "32", "-c", str(each), "-d", "1"]
    root = str(ROOT_ENTRIES * ENTRY // SECTOR)
    _mtools(
        "mformat", path, "-C", *shape, "-r", root, "-m", "248", "-N", SERIAL, "-v", "RUNG", "::"
    )
    with path.open("r+b") as file:
        # Who made it, and a program that would boot a PC, differ between versions of mtools.
        file.seek(3)
        file.write(b"RUNG    ")
        file.seek(62)
        file.write(bytes(510 - 62))
    _put(path, files)
    wanted = {name: content for name, content in files.items() if not name.endswith("/")}
    if listing(path.read_bytes()) != wanted:
        raise GraderError("mtools has made another disk than it was told to")


@functools.lru_cache(maxsize=None)
def _recipe() -> bytes:
    """What an image depends on beside its files."""
    return Path(__file__).read_bytes()


def _once(name: str, make: Callable[[Path], object]) -> Path:
    """The image of this name, made when it is not there: by one process, and whole or not at all."""
    path = IMAGES / f"{name[:16]}.img"
    if path.is_file():
        return path
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (IMAGES / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            unfinished = path.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            make(unfinished)
            unfinished.chmod(0o444)  # many runs begin with it
            unfinished.replace(path)
    return path


def files_below(directory: Path, bytes_max: int) -> Dict[str, bytes]:
    """What is in a person's directory, as files of a disk: path -> content.  Raises GraderError, with one line, for what
    no FAT file system holds, or no disk with room for so many bytes."""
    found: Dict[str, bytes] = {}
    left = bytes_max
    where = shown(directory)
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted([*names, *(n for n in folders if Path(folder, n).is_symlink())]):
            path = Path(folder, name)
            inside = str(path.relative_to(directory))
            try:
                information = path.lstat()
                if not stat.S_ISREG(information.st_mode):
                    kind = "a link" if path.is_symlink() else "no regular file"
                    raise GraderError(
                        f"{where}: {inside!a} is {kind}: put a file there, or remove it"
                    )
                left -= information.st_size
                if left < 0:
                    raise GraderError(
                        f"{where}: with {inside!a} its files have more than {bytes_max >> 20} MiB, which is the disk's"
                        " size"
                    )
                found[inside] = path.read_bytes()
            except OSError as error:
                raise GraderError(f"{where}: {inside!a} cannot be read: {error.strerror}") from None
    try:
        _check_names(found)
    except ValueError as error:
        raise GraderError(f"{where}: {error}: rename it") from None
    return found


def image(files: Mapping[str, bytes], megabytes: int = 4, cluster: Optional[int] = None) -> Path:
    """A disk that holds these files, and nothing else: always the same bytes for the same files.

    files: path -> content, directories come by themselves; "name/" -> b"" is an empty one.
    cluster: bytes of a cluster, 512 to 4096; by default as many as the size permits (512 with 4 MiB, 4096 from
    32 MiB on).  The file system is FAT16, with one FAT and 512 entries in its root.  The image is kept in
    build/images/ and not to be written to: making it takes some 15 ms, finding it again none.
    """
    _check_names(files)
    each = _sectors_per_cluster(megabytes, cluster)
    digest = hashlib.sha256(_recipe())
    digest.update(struct.pack("<II", megabytes, each))
    for name in sorted(files):
        digest.update(struct.pack("<II", len(name.encode()), len(files[name])))
        digest.update(name.encode() + files[name])
    return _once(digest.hexdigest(), lambda path: _build(path, files, megabytes, each))


def keep(content: bytes) -> Path:
    """An image with this content, a damaged one for example, where image() keeps its own."""
    return _once(hashlib.sha256(content).hexdigest(), lambda path: path.write_bytes(content))


def update(path: Path, files: Mapping[str, bytes]) -> None:
    """Bring a person's own image up to date: have it hold these files, too.  Costs little when it does.

    Raises Damaged or GraderError when it is in no state for that."""
    there = listing(path.read_bytes())
    missing = {name: data for name, data in files.items() if there.get(name) != data}
    if missing:
        known = {str(each) for name in there for each in PurePosixPath(name).parents}
        _put(path, missing, sorted(known))


# ---- reading ---------------------------------------------------------------------------------


class _Volume(NamedTuple):
    """A FAT16 file system: where things are in its image."""

    image: bytes
    cluster: int  # bytes
    root: range  # of bytes: the root directory
    data: int  # offset of cluster 2
    table: Tuple[int, ...]  # the FAT: of clusters 0, 1, 2, …


def _volume(image: bytes) -> _Volume:
    """What the boot sector says."""
    if len(image) < SECTOR or image[510:512] != b"\x55\xaa":
        raise Damaged("the first sector is no boot sector")
    fields = struct.unpack_from("<HBHBHHBH", image, 11)
    sector, each, reserved, copies, entries, small, _, table_sectors = fields
    sectors: int = small or struct.unpack_from("<I", image, 32)[0]
    root = (reserved + copies * table_sectors) * SECTOR
    data = root + entries * ENTRY
    count = (sectors * SECTOR - data) // (each * SECTOR) if each else 0
    possible = sector == SECTOR and reserved > 0 and copies > 0 and each & (each - 1) == 0
    if not possible or count not in CLUSTERS or table_sectors * SECTOR < (count + 2) * 2:
        raise Damaged("the boot sector describes no FAT16 file system")
    if sectors * SECTOR > len(image):
        raise Damaged("the boot sector tells of more sectors than the disk has")
    table = struct.unpack_from(f"<{count + 2}H", image, reserved * SECTOR)
    return _Volume(image, each * SECTOR, range(root, data), data, table)


def _claim(volume: _Volume, first: int, name: str, owners: Dict[int, str]) -> bytes:
    """The content of all clusters from this one on, which are this file's from now on."""
    pieces: List[bytes] = []
    at = first
    while at < LAST_CLUSTER:
        if not 2 <= at < len(volume.table):
            raise Damaged(f"{name}: its clusters go on at {at}, and there is no such cluster")
        if at in owners:
            raise Damaged(f"cluster {at} belongs to {owners[at]}, and to {name}")
        if volume.table[at] == 0:
            raise Damaged(f"{name}: cluster {at}, one of its clusters, is free")
        owners[at] = name
        start = volume.data + (at - 2) * volume.cluster
        pieces.append(volume.image[start : start + volume.cluster])
        at = volume.table[at]
    return b"".join(pieces)


def _short_name(entry: bytes) -> str:
    """The name in an entry; two flags say which half of it is in small letters."""
    raw = (b"\xe5" + entry[1:8] if entry[0] == 0x05 else entry[:8]), entry[8:11]
    base, extension = (part.decode("cp850").rstrip(" ") for part in raw)
    base = base.lower() if entry[12] & 0x08 else base
    extension = extension.lower() if entry[12] & 0x10 else extension
    return f"{base}.{extension}" if extension else base


def _checksum(short: bytes) -> int:
    """By which a long name knows the short one that it belongs to."""
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def _entries(content: bytes) -> Iterator[Tuple[str, int, int, int]]:
    """(name, attributes, first cluster, size) of what a directory has."""
    long_name, wanted, checksum = b"", 0, -1  # wanted: the number of the piece that comes next
    for at in range(0, len(content), ENTRY):
        entry = content[at : at + ENTRY]
        if entry[0] == 0:
            return
        if entry[0] == 0xE5:
            wanted, checksum = 0, -1
        elif entry[11] & 0x3F == LONG_NAME:
            if entry[0] & 0x40:
                long_name, wanted, checksum = b"", entry[0] & 0x3F, entry[13]
            if not wanted or entry[0] & 0x3F != wanted or entry[13] != checksum:
                wanted, checksum = 0, -1
                continue
            long_name = entry[1:11] + entry[14:26] + entry[28:32] + long_name
            wanted -= 1
        else:
            name = _short_name(entry)
            if wanted == 0 and checksum == _checksum(entry[:11]):
                name = long_name.decode("utf-16-le", "replace").split("\0")[0]
            wanted, checksum = 0, -1
            first, size = struct.unpack_from("<HI", entry, 26)
            if not entry[11] & VOLUME and name not in (".", ".."):
                yield name, entry[11], first, size


def listing(image: bytes) -> Dict[str, bytes]:
    """All files of an image: path -> content.  Raises Damaged."""
    volume = _volume(image)
    found: Dict[str, bytes] = {}
    owners: Dict[int, str] = {}
    waiting = [("", image[volume.root.start : volume.root.stop])]
    while waiting:
        directory, content = waiting.pop()
        for name, attributes, first, size in _entries(content):
            path = directory + name
            shown = "/" + readable(path)
            if "/" in name or not name:
                raise Damaged(f"{shown} is no name")
            if path in found:
                raise Damaged(f"{shown} is there twice")
            if attributes & DIRECTORY:
                waiting.append((path + "/", _claim(volume, first, shown, owners)))
                continue
            data = _claim(volume, first, shown, owners) if first or size else b""
            if len(data) < size:
                raise Damaged(f"{shown}: {size} bytes, and clusters for {len(data)}")
            found[path] = data[:size]
    return dict(sorted(found.items()))


def read(image: bytes, path: str) -> Optional[bytes]:
    """A file's content, or None when there is none of this name, small and capital letters being the same.
    Raises Damaged."""
    folded = {name.casefold(): content for name, content in listing(image).items()}
    return folded.get(path.casefold())


# ---- checking --------------------------------------------------------------------------------

# What fsck.fat says before and after what is wrong; and what it would do, had we let it.
_FRAME = re.compile(
    r"fsck\.fat \d\S* \(.*\)|Leaving filesystem unchanged\.|\S+: \d+ files, \d+/\d+ clusters"
)
_REPAIR = re.compile(
    r"\s*\b(Truncating|Auto-renaming|Renamed to|Not auto-|Setting to|Assuming|Fixing|Deleting|Moving).*"
)
_LOST = re.compile(r"Reclaimed (\d+) unused clusters? \((\d+) bytes\)\.")
_OUT_OF_RANGE = re.compile(r"Cluster \d+ out of range \((\d+) > (\d+)\)\.")
_LOST_SHOWN = "lost clusters: "
# Clusters that follow the end of a file which was to grow; what is left of a long name, where it and the entry that
# was removed are in two sectors.
_HARMLESS = re.compile(
    r"/.*: File size is \d+ bytes, cluster chain length is > \d+ bytes\."
    r'|Orphaned long file name part ".*"'
)


def _complaints(said: str) -> List[str]:
    """What fsck.fat said, a line for each thing that is wrong: it says which file, then, indented, what."""
    found: List[str] = []
    goes_on = False
    for line in said.splitlines():
        text = _REPAIR.sub("", line.strip())
        text = _LOST.sub(rf"{_LOST_SHOWN}\1 (\2 bytes), neither free nor part of a file", text)
        # The number that it begins with is not that of the cluster.
        text = _OUT_OF_RANGE.sub(r"the FAT leads to cluster \1, and the last one is \2", text)
        if not text or _FRAME.fullmatch(text):
            continue
        if found and (goes_on or line.startswith(" ")):
            of_one_file = found[-1].startswith("/") and " and /" not in f"{found[-1]} {text}"
            joint = ": " if of_one_file and ": " not in found[-1] else " "
            found[-1] += joint + text
        else:
            found.append(text)
        goes_on = text.endswith(" and")
    return list(dict.fromkeys(re.sub(r"\s+", " ", each) for each in found))


def check(image: bytes) -> List[str]:
    """What fsck.fat complains of, a readable line each; none when the file system is in order."""
    with tempfile.TemporaryFile() as file:
        file.write(image)
        file.flush()
        try:
            output, status = launcher.output_of(
                [tool("fsck.fat"), "-n", "/dev/fd/3"],
                [file.fileno()],
                {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                memory=FSCK_MEMORY,
                file_size=FSCK_FILE,
                cpu_seconds=FSCK_CPU_SECONDS,
            )
        except OSError as error:
            raise GraderError(f"fsck.fat could not be started: {error}") from None
    found = _complaints(readable(output))
    if status != 0 and not found:
        found.append(f"fsck.fat came to no end (status {status})")
    return found


def lost_only(complaints: Sequence[str]) -> bool:
    """Is nothing worse than clusters that are lost?  That is what becomes of a file which was removed while it
    was open when the power went, or was about to grow, and it harms nobody."""
    return all(each.startswith(_LOST_SHOWN) or _HARMLESS.fullmatch(each) for each in complaints)
