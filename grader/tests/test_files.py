"""Files, as programs see them: beside Linux, side by side, without memory, on damaged disks, when the power fails.

The kernel is lab 5's reference with a disk; `mapper` (user/programs/mapper.c) does what scripts say.  What Linux
says decides.  Where the kernel differs, and is to, OWN_ANSWERS has the reason.  RUNG_FILES_SCALE=10 in the
environment draws ten times as many scripts.

When a request of the disk is done depends on the host: so no verdict depends on order or time.
"""

from __future__ import annotations

import io
import os
import random
import re
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import pytest
from elftools.elf.elffile import ELFFile

from grader import build, disk, grade
from grader.labs import find_lab
from grader.machine import Outcome
from grader.plugin import Machine
from grader.probing import complaint_of
from grader.run import Run
from grader.tests import on_linux
from grader.tests.on_linux import host  # noqa: F401  (a fixture)

SELFTEST = Path(__file__).parent / "files_selftest.c"
SCALE = int(os.environ.get("RUNG_FILES_SCALE", "1"))
PAGE = 4096
KIB, MIB = 1 << 10, 1 << 20
BUDGET = 20.0  # guest seconds
DESCRIPTORS = 16  # of a process: kernel/include/task.h


def pattern(size: int, salt: int = 0) -> bytes:
    """Bytes that say where they stand, as letters."""
    return bytes(97 + (n * 7 + n // 113 + salt) % 26 for n in range(size))


FILES = {
    "text": pattern(2 * PAGE + 700),
    "page": pattern(PAGE, 5),
    "empty": b"",
    "short": b"short",
    "dir/inner": b"inner",
    "A.long.name.longer.than.one.piece.text": pattern(400, 3),
    "Another.long.name.of.a.directory/and.its.file": pattern(77, 4),
}


def words(text: str) -> str:
    """A script over several lines, as a job."""
    return "mapper " + " ".join(text.split())


@pytest.fixture(scope="module")
def machine() -> Machine:
    lab = find_lab("mmap")
    return Machine(
        build.build(grade.configuration(lab, grade.Options(solutions=None))), lab.seed, "files"
    )


@pytest.fixture(scope="module")
def without_frames() -> Machine:
    """A kernel that is refused frames."""
    lab = find_lab("mmap")
    options = grade.Options(solutions=None)
    kernel = build.build(grade.configuration(lab, options, extra=[SELFTEST]))
    return Machine(kernel, lab.seed, "files")


def play(
    machine: Machine, job: str, files: Optional[Dict[str, bytes]] = None, memory: int = 128
) -> Run:
    """Run one script to its end; the file system is in order then."""
    ran = machine.run([job], disk=FILES if files is None else files, budget=BUDGET, memory=memory)
    ran.expect_ends(["exited with 0"], "`mapper` runs to its end")
    ran.expect_disk_in_order()
    return ran


def lines(ran: Run) -> List[str]:
    return ran.printed.decode().splitlines()


# ---- beside Linux ----------------------------------------------------------------------------------

# Numbers are hexadecimal; ffffff9c is AT_FDCWD, 63 no descriptor of anybody's.
SCRIPTS = {
    "opening": """
        open=disk/none,r open=disk/none/x,r open=disk/none/x,rwc open=disk/text/x,r open=disk/text/x,rwc
        open=disk/dir,r open=disk/dir,w open=disk/dir,rw open=disk/dir,rc open=disk/dir,rce open=disk/dir,rt
        open=disk/dir,d open=disk/text,d open=disk/none,d open=disk/text,ce open=disk/text,wc
        open=disk/none,w open=disk/none,wt open=disk/new,rwce open=disk/new,rwce open=disk/new,rw size=D
    """,
    "slashes and dots": """
        open=,r open=disk/text/,r open=disk/dir/,r open=disk/dir/,w open=disk/none/,r open=disk/none/,rwc
        open=disk/text/,rwc open=disk/text/.,r open=disk/text/..,r open=disk/dir/../text,r
        open=disk/none/../text,r open=disk//text,r open=disk/./text,r open=disk/dir/.,r open=disk/dir/.,rwc
        open=disk/text/../text,r open=disk/dir/inner,r open=disk/dir//inner/,r open=disk/dir/../dir/./inner,r
        open=disk/,r open=disk,r open=disk,w open=disk/dir/,rce open=disk/none/.,rwc
        unlink=disk/none/ unlink=disk/text/ unlink=disk/text/x unlink=disk/dir unlink=disk/dir/ unlink=disk/dir/.
        unlink=disk/none/../text unlink=disk/text/. unlink=disk unlink= unlink=disk/dir/../short
        open=disk/short,r
    """,
    "directories": """
        map=0,3000,rw,pa unmap=a+1000,1000 put=a+0,disk/text openat=ffffff9c,a+0,r openat=63,a+0,r
        openat=A,a+0,r openat=0,a+0,r openat=1,a+0,r open=disk/dir,r put=a+100,inner openat=F,a+100,r size=G
        openat=F,a+100,rd put=a+200,none openat=F,a+200,r put=a+300,/none/x openat=63,a+300,r
        openat=F,a+300,r put=a+400,../text openat=F,a+400,r size=L put=a+500,. openat=F,a+500,r
        put=a+800, openat=63,a+800,r openat=F,a+800,r unlinkat=63,a+0,0 unlinkat=ffffff9c,a+0,1
        unlinkat=F,a+200,0 unlinkat=F,a+100,0 openat=F,a+100,r unlinkat=A,a+100,0 openat=F,a+100,rwc size=Q
        close=F openat=F,a+100,r
    """,
    "names that are none": """
        map=0,3000,rw,pa unmap=a+1000,1000 open=disk/dir,r openat=ffffff9c,0,r openat=ffffff9c,8,r
        openat=A,a+1000,r fill=a+ff0,10,61 openat=ffffff9c,a+ff0,r openat=A,a+ff0,r fill=a+0,180,78
        openat=ffffff9c,a+0,r openat=A,a+0,rwc unlinkat=ffffff9c,0,0 unlinkat=ffffff9c,a+ff0,0
        unlinkat=A,a+0,0 openat=ffffff9c,ffffffffffffffff,r openat=ffffff9c,4000000000,r
    """,
    "kinds of access": """
        map=0,3000,rw,pa open=disk/text,r open=disk/text,w open=disk/dir,r read=B,a+0,10 pread=B,a+0,10,0
        write=A,a+0,10 write=A,a+0,0 read=C,a+0,10 read=C,a+0,0 pread=C,a+0,10,0 write=C,a+0,1 read=63,a+0,1
        write=63,a+0,1 pread=63,a+0,1,0 pread=A,a+0,10,ffffffffffffffff pread=63,a+0,10,ffffffffffffffff
        pread=1,a+0,10,0 pread=1,a+0,10,ffffffffffffffff read=1,a+0,10 write=0,a+0,1 read=A,a+0,0
        pread=A,a+0,0,0 pread=A,a+0,10,10000 pread=A,a+0,10,7fffffffffffffff pread=A,a+0,3000,2000
        text=a+2b0,10 read=A,a+0,3000 text=a+22b0,18 read=A,a+0,10 seek=A,0,1 seek=A,8000,0 read=A,a+0,10
        seek=A,0,1 read=0,a+0,10 read=B,0,0 write=B,a+0,0 size=B read=100000003,a+0,0 read=ffffffffffffffff,a+0,1
    """,
    "seeking": """
        open=disk/text,r seek=A,5,0 seek=A,5,1 seek=A,ffffffffffffffff,1 seek=A,fffffffffffffff6,1
        seek=A,fffffffffffffff5,1 seek=A,0,1 seek=A,0,2 seek=A,5,2 seek=A,ffffffffffffffff,2
        seek=A,ffffffffffff0000,2 seek=A,0,1 seek=A,ffffffffffffffff,0 seek=A,8000000000000000,0 seek=A,0,5
        seek=A,0,63 seek=A,0,ffffffff seek=1,0,0 seek=1,0,63 seek=63,0,0 seek=63,0,63
        seek=A,7fffffffffffffff,1 seek=A,7fffffffffffffff,2 seek=A,100000,0 seek=A,0,1 seek=A,0,100000000
        open=disk/dir,r seek=B,0,0 seek=B,0,1 seek=B,0,63 seek=B,ffffffffffffffff,0
    """,
    "truncating": """
        map=0,6000,rw,pa open=disk/text,rw truncate=A,5800 size=A pread=A,a+0,6000,0 sum=a+0,5800
        truncate=A,801 size=A truncate=A,800 truncate=A,1800 pread=A,a+0,6000,0 sum=a+0,1800 truncate=A,0
        size=A read=A,a+0,10 truncate=A,3000 pread=A,a+0,6000,0 sum=a+0,3000 fill=a+0,6000,41 seek=A,0,0
        write=A,a+0,3000 truncate=A,1000 truncate=A,3000 pread=A,a+0,6000,0 sum=a+0,3000 truncate=A,1000
        truncate=A,fff truncate=A,1001 pread=A,a+0,6000,0 sum=a+0,1001 write=A,a+10,10 size=A
        pread=A,a+0,6000,0 sum=a+0,3010 truncate=A,ffffffffffffffff truncate=A,7fffffffffffffff size=A
    """,
    "truncating what others have": """
        map=0,6000,rw,pa open=disk/text,rw open=disk/text,rw open=disk/dir,r open=disk/short,r truncate=C,0
        truncate=D,0 truncate=63,0 truncate=1,0 truncate=63,ffffffffffffffff truncate=B,1234 size=A
        seek=A,2000,0 read=A,a+0,10 truncate=A,1234 truncate=A,22bc pread=B,a+0,3000,0 sum=a+0,22bc
        truncate=A,1000 truncate=A,1000 truncate=B,2000 pread=A,a+0,3000,0 sum=a+0,2000 open=disk/text,wt
        size=A read=A,a+0,10 seek=A,1fff,0 fill=a+0,10,62 write=A,a+0,2 size=B pread=B,a+0,3000,0
        sum=a+0,2001 open=disk/short,rt size=F size=D
    """,
    "writing": """
        map=0,6000,rw,pa open=disk/new,rwc fill=a+0,6000,61 write=A,a+0,ffe fill=a+0,6000,62 write=A,a+0,4
        fill=a+0,6000,63 write=A,a+0,2fff seek=A,0,1 size=A seek=A,7001,0 write=A,a+0,1 size=A
        pread=A,a+0,6000,0 sum=a+0,6000 pread=A,a+0,6000,4000 sum=a+0,6000 seek=A,10,0 read=A,a+0,ff0
        write=A,a+0,20 seek=A,0,1 pread=A,a+0,6000,0 sum=a+0,6000 open=disk/short,rw fill=a+0,10,41
        seek=B,2,0 write=B,a+0,1 seek=B,5,0 write=B,a+0,1 seek=B,0,0 read=B,a+20,20 text=a+20,6
        open=disk/empty,rw repeat=C,a+0,201,20 size=C seek=C,0,0 drain=C,a+1000,7 seek=C,0,0
        drain=C,a+1801,1000
    """,
    "appending": """
        map=0,6000,rw,pa open=disk/text,rw open=disk/text,wa seek=B,0,1 fill=a+0,6000,64 write=B,a+0,3
        seek=B,0,1 seek=B,5,0 write=B,a+0,0 seek=B,0,1 write=B,a+0,3 seek=B,0,1 size=A seek=A,22b0,0
        read=A,a+0,30 sum=a+0,30 open=disk/text,rwa read=C,a+0,8 text=a+0,8 write=C,a+0,8 read=C,a+0,8
        seek=C,0,1 seek=A,1000,0 write=A,a+0,6000 pread=C,a+0,6000,fff sum=a+0,6000 write=C,a+0,1000
        size=B truncate=C,10 write=B,a+0,2 size=C seek=B,0,1 open=disk/text,rwta write=D,a+0,1 size=A
    """,
    "descriptors": """
        map=0,1000,rw,pa open=disk/text,r dup=A dup=3 read=A,a+0,10 read=4,a+10,10 seek=5,0,1 close=A close=A
        read=4,a+20,8 text=a+0,28 close=4 seek=5,0,1 close=5 close=5 dup=5 dup=63 dup=ffffffffffffffff
        close=63 close=ffffffffffffffff open=disk/short,r open=disk/page,r close=B open=disk/empty,r size=D
        size=C dup=1 put=a+0,hello write=5,a+0,5 close=5 dup=0 close=0 open=disk/text,r close=0 close=0
        size=100000003
    """,
    "syncing and unlinking": """
        map=0,1000,rw,pa open=disk/new,rwc fsync=A write=A,a+0,100 fsync=A fsync=1 fsync=63 open=disk/dir,r
        fsync=B open=disk/text,r fsync=C flush unlink=disk/new unlink=disk/new fsync=A size=A fill=a+0,10,61
        seek=A,0,0 write=A,a+0,10 open=disk/new,r open=disk/new,rwce fill=a+0,10,62 write=E,a+0,4
        pread=A,a+0,8,0 text=a+0,8 pread=E,a+0,8,0 text=a+0,8 size=A size=E fsync=E truncate=A,1 close=A
        size=E unlink=disk/text read=C,a+0,10 text=a+0,10 unlink=disk/dir/none unlink=disk/none/x
        unlink=disk/dir/inner open=disk/dir/inner,r open=disk/dir/inner,wc size=G unlink=disk/new
    """,
    "long names": """
        open=disk/A.long.name.longer.than.one.piece.text,r size=A
        open=disk/A.long.name.longer.than.one.piece.tex,r open=disk/A.long.name.longer.than.one.piece.text,rw
        map=0,1000,rw,pa fill=a+0,10,61 write=C,a+0,10 read=A,a+0,20 text=a+0,18
        open=disk/A.long.name.longer.than.one.piece.text,ce
        open=disk/Another.long.name.of.a.directory/and.its.file,r size=E
        open=disk/Another.long.name.of.a.directory,r unlink=disk/Another.long.name.of.a.directory
        unlink=disk/A.long.name.longer.than.one.piece.text open=disk/A.long.name.longer.than.one.piece.text,r
    """,
    "making and removing directories": """
        mkdir=disk/new mkdir=disk/new mkdir=disk/text mkdir=disk/none/x list=disk stat=disk/new stat=disk/text
        stat=disk stat=disk/none chdir=disk/new cwd list=. open=a,rwc list=. stat=a rmdir=disk/new rmdir=../new
        rmdir=. rmdir=.. rmdir=./ chdir=.. cwd list=. rmdir=new unlink=new/a rmdir=new list=. rmdir=text
        rmdir=none chdir=text chdir=none mkdir=../disk/x/ rmdir=x/ mkdir=. mkdir=.. mkdir= rmdir= chdir=
    """,
    "directories in directories": """
        mkdir=disk/a mkdir=disk/a/b mkdir=disk/a/b/c chdir=disk/a/b cwd chdir=./c/../../b/c cwd open=../x,rwc
        open=../x,rwce list=.. rmdir=.. rmdir=../../b chdir=../.. cwd list=. list=b rmdir=b/c unlink=b/x rmdir=b
        list=. unlink=. open=.,rd fstat=B chdir=.. rmdir=a mkdir=y open=y,rwc list=a list=dir
        list=Another.long.name.of.a.directory
    """,
    "a directory that is removed while it is open": """
        mkdir=disk/a open=disk/a,rd rmdir=disk/a fstat=A mkdir=disk/a open=disk/a/x,rwc list=disk/a
        map=0,1000,rw,pa put=a+0,y openat=A,a+0,r close=A list=disk/a
    """,
    "pipes": """
        pipe fstat=A fstat=B fstat=63 map=0,1000,rw,pa put=a+0,hello write=B,a+0,5 read=A,a+10,10 text=a+10,5
        write=A,a+0,1 read=B,a+0,1 write=B,a+0,3 write=B,a+3,2 read=A,a+20,4 read=A,a+24,4 text=a+20,5
        seek=A,0,0 size=A pread=A,a+0,1,0 truncate=B,0 fsync=B close=B read=A,a+0,1 read=A,a+0,0 dup3=A,7,0
        dup3=A,A,0 dup3=63,7,0 dup3=A,ffffffff,0 dup3=A,8,5 read=7,a+0,1 close=A close=7 read=7,a+0,1
    """,
    "copies of descriptors": """
        open=disk/text,r open=disk/short,r dup3=A,B,0 map=0,1000,rw,pa read=B,a+0,5 read=A,a+5,5 text=a+0,a
        dup3=A,9,0 seek=9,0,1 dup3=9,A,0 close=9 seek=A,0,1 dup3=A,3,80000 dup3=A,6,80000
        close=6 close=6 dup3=6,A,0 seek=A,0,1
    """,
    "paths of 4,095 bytes and more": """
        map=0,3000,rw,pa put=a+0,disk fill=a+4,ff7,2f put=a+ffb,text openat=ffffff9c,a+0,r size=A
        fill=a+4,ff8,2f put=a+ffc,text openat=ffffff9c,a+0,r openat=ffffff9c,a+1,r unlinkat=ffffff9c,a+0,0
        open=disk/dir,rd put=a+2000,inner openat=B,a+2000,r fill=a+0,ff5,2e fill=a+1,1,2f fill=a+3,ff2,2f
        put=a+ff5,inner openat=B,a+0,r
    """,
    "a path of many slashes": """
        map=0,1000,rw,pa fill=a+0,12c,2f put=a+12c, chdir=disk/////////////////////////////////////////////////////////////////////////////////dir cwd
    """,
    "read into a mapping of itself": """
        open=disk/text,rw map=0,3000,rw,s,A,0 read=A,a+0,1000 sum=a+0,22bc seek=A,0,0 write=A,a+1000,1000
        sum=a+0,22bc seek=A,800,0 write=A,a+2000,2bc sum=a+0,22bc unlink=disk/text truncate=A,0 truncate=A,3000
        sum=a+0,3000 write=A,a+0,10 unmap=a+0,3000 size=A
    """,
}

# qemu-riscv64 refuses a buffer of which any page is missing, read or not.
BAD_ADDRESSES = """
    map=0,3000,rw,pa map=0,1000,r,pa unmap=a+1000,1000 open=disk/text,rw read=A,a+ff0,100 seek=A,0,1
    text=a+ff0,10 pread=A,a+f00,1000,ff8 sum=a+f00,100 read=A,0,10 read=A,a+1000,10 seek=A,0,1
    pread=A,b+0,10,0 read=A,a+0,8000000000000000 read=A,a+0,ffffffffffffffff read=A,8000000000000000,10
    seek=A,0,2 read=A,0,10 read=A,a+1000,10 pread=A,0,10,22bc read=A,0,0 read=A,a+1000,0 write=A,0,10
    write=A,a+1000,10 seek=A,0,1 size=A pread=A,a+ff8,100,0 text=a+ff8,8 pread=A,a+800,7fffffff,0
    read=0,a+0,8000000000000000 open=disk/dir,r read=B,a+1000,10 read=B,a+0,8000000000000000
    read=63,0,10 pread=A,a+0,10,22b8 seek=A,22b8,0 read=A,a+0,10 text=a+0,4
"""


def expect_the_same(ran: Run, wanted: on_linux.Answer) -> None:
    assert lines(ran) == wanted.lines
    assert wanted.status == 0
    assert ran.disk_files() == dict(sorted(wanted.files.items()))


@pytest.mark.parametrize("name", SCRIPTS)
def test_calls_answer_as_on_linux(machine: Machine, name: str) -> None:
    job = words(SCRIPTS[name])
    expect_the_same(play(machine, job), on_linux.emulated(job, FILES))


@on_linux.needs_linux
def test_bad_addresses_are_refused_as_on_linux(
    machine: Machine, host: on_linux.Host  # noqa: F811
) -> None:
    job = words(BAD_ADDRESSES)
    expect_the_same(play(machine, job), host.itself(job, FILES))


# Where Linux says something else, or not always the same: (script, answers, why it is so).
Own = Tuple[str, Sequence[Tuple[str, str]], str]
OWN_ANSWERS: Dict[str, Own] = {
    "a new name must be short": (
        "",
        [
            ("open=disk/A.new.long.name,rwc", "-22"),
            ("open=disk/Mixed,rwc", "-22"),
            ("open=disk/NEW.TXT,rwc", "3"),
            ("open=disk/new.txt,r", "4"),
            ("open=disk/SHORT,r", "5"),
        ],
        "FAT's own names are 8.3 and know no small letters; long ones are found, and not made (fat.h)",
    ),
    "the archive is for reading": (
        "",
        [
            ("open=/bin/mapper,r", "3"),
            ("open=/bin/mapper,rw", "-30"),
            ("open=/bin/mapper,rt", "-30"),
            ("open=/bin/none,rwc", "-30"),
            ("open=/bin/mapper,ce", "-17"),
            ("open=/bin/mapper,d", "-20"),
            ("open=/bin/mapper/,r", "-20"),
            ("open=/bin/none,r", "-2"),
            ("mkdir=/bin", "-17"),
            ("mkdir=/new", "-30"),
            ("rmdir=/bin", "-30"),
            ("open=/bin/../disk/text,r", "4"),
            ("open=/none/../disk/text,r", "-2"),
            ("unlink=/bin/mapper", "-30"),
            ("fsync=A", "0"),
            ("truncate=A,0", "-22"),
            ("seek=A,1,0", "1"),
        ],
        "it was there before anybody could write (archive.h)",
    ),
    "what the root has": (
        "",
        [
            ("list=/", ". .. bin dev disk jobs"),
            ("list=/bin", ". .. mapper"),
            ("list=/dev", ". .. console null tty"),
            ("stat=/", "d"),
            ("stat=/dev/null", "c"),
            ("stat=/bin/none", "-2"),
            ("chdir=/dev", "0"),
            ("cwd", "dev yes"),
            ("open=null,w", "3"),
            ("write=A,0,0", "0"),
            ("open=null,d", "-20"),
            ("open=../dev,rw", "-21"),
            ("open=null,ce", "-17"),
            ("chdir=null", "-20"),
            ("chdir=..", "0"),
            ("cwd", "/ yes"),
        ],
        "the archive, and what is mounted in it",
    ),
    "who is in a directory that has been removed": (
        "mkdir=disk/a chdir=disk/a",
        [
            ("rmdir=../a", "0"),
            ("open=.,rd", "-2"),
            ("list=.", "-2"),
            ("chdir=..", "-2"),
            ("chdir=/", "0"),
        ],
        "a directory is known by its path here; on Linux it can still be opened, and has no names",
    ),
    "flags that exclude each other": (
        "",
        [("open=disk/text,cd", "-22"), ("open=disk/new,cd", "-22"), ("open=disk/new,r", "-2")],
        "as Linux from 6.4 on; before, it made the file and said ENOTDIR",
    ),
    "what is gained is zero": (
        "open=disk/text,rw map=0,3000,rw,s,A,0 w=a+22bb,21 w=a+22bc,22 w=a+2fff,23 truncate=A,2400",
        [
            ("r=a+22bb", "33"),
            ("r=a+22bc", "0"),
            ("r=a+23ff", "0"),
            ("truncate=A,3000", "0"),
            ("r=a+2fff", "0"),
            ("open=disk/short,rw", "4"),
            ("map=0,1000,rw,s,B,0", "b"),
            ("fill=b+0,1000,41", ""),
            ("seek=B,200,0", "512"),
            ("write=B,a+0,1", "1"),
            ("r=b+4", "65"),
            ("r=b+5", "0"),
            ("r=b+1ff", "0"),
            ("fill=b+201,dff,41", ""),
            ("open=disk/short,wa", "5"),
            ("write=C,a+0,4", "4"),
            ("size=B", "517"),
            ("truncate=B,1000", "0"),
            ("r=b+205", "0"),
            ("r=b+fff", "0"),
        ],
        "Linux before 6.18 shows what was stored behind the end by a mapping, on some file systems",
    ),
    "there is a limit to descriptors": (
        " ".join(["open=disk/text,r"] * (DESCRIPTORS - 3)),
        [
            ("open=disk/page,r", "-24"),
            ("open=disk/page,rwt", "-24"),
            ("open=disk/new,rwc", "-24"),
            ("dup=1", "-24"),
            ("close=7", "0"),
            ("open=disk/new,r", "-2"),
            ("open=disk/page,r", "7"),
            ("size=7", "4096"),
            ("close=0", "0"),
            ("dup=1", "0"),
        ],
        "PROCESS_FILES (task.h); Linux has 1024",
    ),
}


@pytest.mark.parametrize("name", OWN_ANSWERS)
def test_the_kernel_has_answers_of_its_own(machine: Machine, name: str) -> None:
    before, answers, _why = OWN_ANSWERS[name]
    script = " ".join([before, *(action for action, _ in answers)])
    wanted = [f"{action}: {answer}" for action, answer in answers if answer]
    assert lines(play(machine, words(script)))[-len(wanted) :] == wanted


# ---- drawn scripts, beside Linux ----------------------------------------------------------------------


class Drawn:
    """A script of random actions on a few files, through descriptors and shared mappings.  It knows how long each
    file is, so that no access ends it: the rest Linux knows."""

    ACTIONS = 47  # words of a job

    def __init__(self, seed: int, pages: int):
        self.random = random.Random(seed)
        self.largest = pages * PAGE
        self.actions = [f"map=0,{self.largest:x},rw,pa"]
        self.sizes = {n: len(content) for n, content in enumerate(FILES.values())}
        self.names = {name: n for n, name in enumerate(FILES) if "." not in name}
        self.open: Dict[str, Tuple[int, str]] = {}  # letter -> file, how
        self.at: Dict[str, int] = {}
        self.opened = 0
        self.mapped: List[
            Tuple[str, int, int, int, bool]
        ] = []  # letter, file, first page, pages, for writing
        self.letters = 1
        choices = [self.open_one] * 3 + [self.close, self.unlink, self.sync, self.unmap]
        choices += [self.write] * 6 + [self.seek] * 3 + [self.read] * 3 + [self.truncate] * 3
        choices += [self.map] * 3 + [self.store] * 4 + [self.load] * 3 + [self.cross] * 3
        self.open_one()
        while len(self.actions) < self.ACTIONS:
            self.random.choice(choices)()
        self.job = words(" ".join(self.actions[: self.ACTIONS]))

    def number(self) -> int:
        """An offset or a size: near where pages and sectors begin, or anywhere."""
        near = self.random.randrange(0, self.largest, self.random.choice([PAGE, 512]))
        anywhere = self.random.randrange(self.largest)
        some = [near, near + 1, max(near - 1, 0), anywhere, self.random.randrange(20)]
        return self.random.choice(some)

    def one(self, how: str = "r") -> Optional[Tuple[str, int]]:
        """An open file's letter, and which file it is."""
        found = [(letter, n) for letter, (n, flags) in self.open.items() if how in flags]
        return self.random.choice(found) if found else None

    def open_one(self) -> None:
        if self.opened == 26 or len(self.open) == DESCRIPTORS - 3:
            return
        name = self.random.choice(["text", "page", "empty", "short", "new", "dir/new"])
        how = self.random.choice(["rwc", "rwc", "rwct", "rwca", "rc"])
        letter = chr(ord("A") + self.opened)
        self.opened += 1
        file = self.names.setdefault(name, len(self.sizes))
        self.sizes.setdefault(file, 0)
        if "t" in how:
            self.sizes[file] = 0
        self.open[letter], self.at[letter] = (file, how), 0
        self.actions.append(f"open=disk/{name},{how}")

    def close(self) -> None:
        one = self.one()
        if one and len(self.open) > 2:
            self.actions.append(f"close={one[0]}")
            del self.open[one[0]]

    def unlink(self) -> None:
        name = self.random.choice(sorted(self.names))
        self.names.pop(name)
        self.actions.append(f"unlink=disk/{name}")

    def sync(self) -> None:
        one = self.one()
        if one:
            self.actions.append(f"fsync={one[0]}")

    def _written(self, letter: str, size: int) -> None:
        file, how = self.open[letter]
        if "w" in how and size > 0:
            start = self.sizes[file] if "a" in how else self.at[letter]
            self.at[letter] = start + size
            self.sizes[file] = max(self.sizes[file], start + size)

    def write(self) -> None:
        one = self.one()
        if not one:
            return
        size = self.number()
        byte = self.random.randrange(ord("a"), ord("z"))
        self.actions.append(f"fill=a+0,{self.largest:x},{byte:x}")
        self.actions.append(
            f"write={one[0]},a+{self.random.randrange(self.largest - size):x},{size:x}"
        )
        self._written(one[0], size)

    def seek(self) -> None:
        one = self.one()
        if not one:
            return
        if self.random.random() < 0.3:
            back = self.random.randrange(min(self.sizes[one[1]], 300) + 1)
            self.actions.append(f"seek={one[0]},{-back & (1 << 64) - 1:x},2")
            self.at[one[0]] = self.sizes[one[1]] - back
        else:
            self.at[one[0]] = self.number()
            self.actions.append(f"seek={one[0]},{self.at[one[0]]:x},0")

    def read(self) -> None:
        one = self.one()
        if not one:
            return
        size = self.number()
        self.actions.append(
            f"read={one[0]},a+{self.random.randrange(self.largest - size):x},{size:x}"
        )
        self.actions.append(f"sum=a+0,{self.largest:x}")
        self.at[one[0]] += max(0, min(size, self.sizes[one[1]] - self.at[one[0]]))

    def truncate(self) -> None:
        one = self.one()
        if one:
            size = self.number()
            self.actions.append(f"truncate={one[0]},{size:x}")
            if "w" in self.open[one[0]][1]:
                self.sizes[one[1]] = size

    def map(self) -> None:
        one = self.one()
        if not one or self.letters == 26:
            return
        first = self.random.randrange(max(1, self.largest // PAGE // 2))
        pages = self.random.randrange(1, self.largest // PAGE)
        to_write = "w" in self.open[one[0]][1] and self.random.random() < 0.8
        how = "rw" if to_write else "r"
        self.actions.append(f"map=0,{pages * PAGE:x},{how},s,{one[0]},{first * PAGE:x}")
        self.mapped.append((chr(ord("a") + self.letters), one[1], first, pages, to_write))
        self.letters += 1

    def _piece(self, to_write: bool) -> Optional[Tuple[str, int, int]]:
        """Bytes of a mapping that its file has: their place, how many, and which file it is."""
        found = [
            m for m in self.mapped if m[2] * PAGE < self.sizes[m[1]] and (m[4] or not to_write)
        ]
        if not found:
            return None
        letter, file, first, pages, _ = self.random.choice(found)
        end = min(pages * PAGE, self.sizes[file] - first * PAGE)
        start = self.random.randrange(end)
        size = self.random.randrange(1, min(end - start, 2 * PAGE) + 1)
        return f"{letter}+{start:x}", size, file

    def store(self) -> None:
        piece = self._piece(to_write=True)
        if piece:
            byte = self.random.randrange(ord("A"), ord("Z"))
            self.actions.append(f"fill={piece[0]},{piece[1]:x},{byte:x}")

    def load(self) -> None:
        piece = self._piece(to_write=False)
        if piece:
            self.actions.append(f"sum={piece[0]},{piece[1]:x}")

    def cross(self) -> None:
        """From a mapping of one file to another file, or the other way round."""
        one, to_read = self.one(), self.random.random() < 0.5
        piece = self._piece(to_write=to_read)
        if not one or not piece or piece[2] == one[1]:
            return
        if to_read:
            self.actions.append(f"pread={one[0]},{piece[0]},{piece[1]:x},{self.number():x}")
        else:
            self.actions.append(f"write={one[0]},{piece[0]},{piece[1]:x}")
            self._written(one[0], piece[1])

    def unmap(self) -> None:
        if self.mapped:
            letter, _, _, pages, _ = self.mapped.pop(self.random.randrange(len(self.mapped)))
            self.actions.append(f"unmap={letter}+0,{pages * PAGE:x}")


@pytest.mark.parametrize("seed", range(8 * SCALE))
def test_drawn_scripts_answer_as_on_linux(machine: Machine, seed: int) -> None:
    """Pages of a file through each of the ways to them; at last what the host finds on the disk."""
    script = Drawn(seed, pages=8)
    expect_the_same(play(machine, script.job), on_linux.emulated(script.job, FILES))


@pytest.mark.parametrize("seed", range(3 * SCALE))
def test_drawn_scripts_with_more_pages_than_are_kept(machine: Machine, seed: int) -> None:
    """16 MiB: 128 pages are kept."""
    script = Drawn(1000 + seed, pages=110)
    ran = machine.run([script.job], disk=disk.image(FILES, 16), budget=60.0, memory=16)
    expect_the_same(ran, on_linux.emulated(script.job, FILES))
    ran.expect_disk_in_order()


# ---- programs from the disk ------------------------------------------------------------------------


def programs(*names: str) -> Dict[str, bytes]:
    return {f"bin/{name}": build.program(name).read_bytes() for name in names}


def test_programs_are_loaded_from_the_disk(machine: Machine) -> None:
    """A small one, one of 600 KB, several at a time, two of them the same file; and what is no program."""
    ends = {
        "/disk/sbin/origin": "exited with 42",
        "/disk/bin/tenant 1000": "exited with 0",
        "/disk/bin/chant x 30 5": "exited with 0",
        "/disk/bin/chant y 30 5": "exited with 0",
        "/disk/bin/mapper open=disk/bin/mapper,r size=A unlink=disk/bin/mapper": "exited with 0",
        "/disk/bin/none": "not started: ENOENT",
        "/disk/none/origin": "not started: ENOENT",
        "/disk/text/origin": "not started: ENOTDIR",
        "/disk/sbin/origin/": "not started: ENOTDIR",
        "/disk/bin": "not started: EISDIR",
        "/disk": "not started: EISDIR",
        "/disk/text": "not started: ENOEXEC",
        "/disk/empty": "not started: ENOEXEC",
        "/disk/begin": "not started: ENOEXEC",
        "/bin": "not started: EISDIR",
        "hello": "exited with 0",
    }
    origin = build.program("origin").read_bytes()
    files = {**FILES, **programs("tenant", "chant", "mapper"), "sbin/origin": origin}
    ran = machine.run(list(ends), disk={**files, "begin": origin[:100]}, budget=BUDGET)
    ran.expect_ends(list(ends.values()), "programs from the disk")
    ran.expect_disk_in_order()
    printed = lines(ran)
    assert f"size=A: {len(files['bin/mapper'])}" in printed
    assert printed.count("x" * 30) == printed.count("y" * 30) == 5
    assert ran.disk_files().keys() == {*files, "begin"} - {"bin/mapper"}


def test_a_program_whose_file_is_cut_while_it_runs(machine: Machine) -> None:
    """What it has lost is SIGBUS; what never came from the file stays: the data of the third are all bss."""
    program = build.program("mapper").read_bytes()
    segments = list(ELFFile(io.BytesIO(program)).iter_segments("PT_LOAD"))
    assert segments[-1]["p_filesz"] == 0
    ends = max(each["p_offset"] + each["p_filesz"] for each in segments)
    where = -(-ends // PAGE) * PAGE  # debugging information follows
    files = {"first": program, "second": program, "third": program, "text": FILES["text"]}
    jobs = [
        "/disk/first nap=30000 open=disk/text,r",
        "/disk/second nap=30000 open=disk/text,r",
        "/disk/third open=disk/text,r map=0,3000,r,s,A,0 nap=30000 r=a+10 size=A open=disk/text,r",
        f"mapper open=disk/first,rwt open=disk/second,rw truncate=B,1000 open=disk/third,rw truncate=C,{where:x}",
    ]
    ran = machine.run(jobs, disk=files, budget=BUDGET)
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert [ran.job(i).end for i in range(4)] == ["killed by SIGBUS"] * 2 + ["exited with 0"] * 2
    text = FILES["text"]
    assert {f"r=a+10: {text[0x10]}", f"size=A: {len(text)}"} <= set(lines(ran))
    ran.expect_disk_in_order()
    found = ran.disk_files()
    assert found == {
        **files,
        "first": b"",
        "second": program[:PAGE],
        "third": program[:where],
    }


# ---- damaged disks -----------------------------------------------------------------------------------

# Whatever can be asked of files, without an access that a damaged one would end.
VISIT = words(
    """
    map=0,4000,rw,pa open=disk/text,rw read=A,a+0,4000 write=A,a+0,10 truncate=A,3000 fsync=A
    open=disk/dir/inner,r read=B,a+0,10 open=disk/dir,r open=disk/new,rwc write=D,a+0,1800 fsync=D
    truncate=D,100 open=disk/dir/new,rwc write=E,a+0,10 unlink=disk/short
    open=disk/A.long.name.longer.than.one.piece.text,r read=F,a+0,1000 unlink=disk/page flush
    open=disk/empty,rwa write=G,a+0,2000 unlink=disk/new
    """
)
REPORTS_MAX = 9  # about the file system: kernel/fs/fat_table.c


def damaged(number: int) -> Tuple[str, bytes]:
    """An image that is not in order: which, and what it is."""
    drawing = random.Random(number)
    image = bytearray(disk.image(FILES).read_bytes())
    fat, root = range(512, 17 * 512), range(17 * 512, 49 * 512)  # of an image of 4 MiB
    kinds: List[Tuple[str, range, int]] = [
        ("boot sector", range(11, 62), 1 + number % 4),
        ("FAT", range(fat.start, fat.start + 200), 12),
        ("FAT", fat, 200),
        ("root directory", range(root.start, root.start + 640), 4),
        ("root directory", range(root.start, root.start + 640), 60),
        ("data", range(root.stop, root.stop + 512), 30),
    ]
    kind, place, count = kinds[number % len(kinds)]
    for _ in range(count):
        image[drawing.choice(place)] = drawing.choice([drawing.randrange(256), 0, 255, 1])
    return kind, bytes(image)


def cut_images() -> Dict[str, bytes]:
    """Images that end early, or never were file systems."""
    whole = disk.image(FILES).read_bytes()
    sizes = [0, 512, 1024, 17 * 512, 20 * 512, 60 * 512, len(whole) // 2, len(whole) - 512]
    images = {f"{size} bytes": whole[:size] for size in sizes}
    images["zeros"] = bytes(64 * KIB)
    images["text"] = pattern(64 * KIB)
    images["random"] = random.Random(1).randbytes(64 * KIB)
    images["signed"] = random.Random(2).randbytes(510) + b"\x55\xaa" + bytes(64 * KIB)
    return images


def visit(machine: Machine, image: bytes, place: Path) -> Run:
    """Boot with a disk of which nobody knows what is on it, and use it."""
    place.write_bytes(image)
    ran = machine.run([VISIT, "hello"], disk=place, budget=BUDGET)
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    assert [job.end for job in sorted(ran.jobs, key=lambda job: job.index)] == ["exited with 0"] * 2
    asked = [each for each in VISIT.split()[1:] if each != "flush"]
    answered = [re.sub(": [^:]*$", "", line) for line in lines(ran)]
    assert [each for each in answered if "=" in each] == asked
    said = [line for line in ran.reports if line.startswith("fat:")]
    assert len(said) <= REPORTS_MAX and len(ran.reports) <= REPORTS_MAX + 6, ran.reports
    return ran


@pytest.mark.parametrize("few", range(6))
def test_damaged_file_systems_harm_nobody(machine: Machine, tmp_path: Path, few: int) -> None:
    for number in range(few, 30 * SCALE, 6):
        kind, image = damaged(number)
        print(number, kind)
        visit(machine, image, tmp_path / "damaged.img")


def test_disks_that_end_early_or_have_no_file_system(machine: Machine, tmp_path: Path) -> None:
    for name, image in cut_images().items():
        print(name)
        ran = visit(machine, image, tmp_path / "cut.img")
        assert any(line.startswith(("fat: not mounted", "disk:")) for line in ran.reports)
        assert "open=disk/text,rw: -2" in lines(ran) and "open=disk/new,rwc: -30" in lines(ran)


# ---- when the power fails ------------------------------------------------------------------------------

STEPS = 10
LETTERS = "AB"  # of the logs' descriptors, so that programs' lines differ


def log_piece(which: int, step: int) -> bytes:
    """What program number `which` writes to its log in one step."""
    return bytes([97 + 13 * which + step]) * (0x180 + step * 0x2A5 + which * 0x111)


def writer(which: int) -> str:
    """A program that writes to its log and syncs it, step by step; one removes another file meanwhile."""
    letter = LETTERS[which]
    script = ["open=disk/short,r"] * which
    script += [f"open=disk/log{which},rwca", "map=0,3000,rw,pa"]
    for step in range(STEPS):
        piece = log_piece(which, step)
        script += [f"fill=a+0,{len(piece):x},{piece[0]:x}", f"write={letter},a+0,{len(piece):x}"]
        script += ["spin=4000", f"fsync={letter}"]
    return words(" ".join(script[:16] + ["unlink=disk/page"] * (which == 0) + script[16:]))


@pytest.mark.parametrize("line", range(3, 43, 4))
def test_what_was_synced_survives_a_loss_of_power(
    machine: Machine, tmp_path: Path, line: int
) -> None:
    """QEMU is killed when so many lines have been printed, by two programs that write, and a third one that prints
    all the time: what was synced is there, of the rest what is there is right, and the next boot finds it.
    """
    jobs = [writer(0), writer(1), "chant z 3 4 2000"]
    ran = machine.run(jobs, disk=FILES, budget=BUDGET, power_lost=line)
    # It is for the host to say how soon.
    assert ran.outcome in (Outcome.EARLY_OFF, Outcome.POWER_OFF), ran.explanation
    ran.expect_disk_in_order(lost_clusters=True)
    found = ran.disk_files()
    for which, letter in enumerate(LETTERS):
        pieces = [log_piece(which, step) for step in range(STEPS)]
        synced = b"".join(pieces[: lines(ran).count(f"fsync={letter}: 0")])
        log = found.get(f"log{which}", b"")
        assert log.startswith(synced) and b"".join(pieces).startswith(log)
    if "unlink=disk/page: 0" in lines(ran):
        assert "page" not in found
    assert all(found[name] == content for name, content in FILES.items() if name != "page")

    left = tmp_path / "left.img"
    left.write_bytes(ran.record.disk)
    names = [name for name in ("log0", "log1", "text") if name in found]
    script = "map=0,1000,rw,pa " + " ".join(f"open=disk/{name},rw" for name in names)
    for letter in "ABC"[: len(names)]:
        script += f" size={letter} drain={letter},a+0,1000 fill=a+0,100,0 write={letter},a+0,100"
    again = machine.run([words(script)], disk=left, budget=BUDGET)
    again.expect_ends(["exited with 0"], "a program after the next boot")
    for letter, name in zip("ABC", names):
        assert f"size={letter}: {len(found[name])}" in lines(again)
        assert f"drain={letter},a+0,1000: {checksum(found[name]):08x}" in lines(again)
        assert again.disk_files()[name] == found[name] + bytes(0x100)
    again.expect_disk_in_order(lost_clusters=True)


def checksum(content: bytes) -> int:
    """What `mapper` calls the sum of bytes."""
    total = 1
    for byte in content:
        total = (total * 31 + byte) & 0xFFFFFFFF
    return total


# ---- side by side --------------------------------------------------------------------------------------


def test_who_appends_loses_nothing(machine: Machine) -> None:
    """Four programs, a record of theirs at a time; the kernel writes pieces of 512 bytes."""
    sizes = [0x100 + 0x40 * n for n in range(4)]
    jobs = [
        words(
            f"open=disk/log,rwca map=0,1000,rw,pa fill=a+0,1000,{97 + n:x} repeat=A,a+0,{size:x},50"
            f" fsync=A repeat=A,a+0,{size:x},8"
        )
        for n, size in enumerate(sizes)
    ]
    ran = machine.run(jobs, disk=FILES, budget=BUDGET, arguments="jitter=77")
    ran.expect_ends(["exited with 0"] * 4, "programs that append to a file")
    ran.expect_disk_in_order()
    log, at = ran.disk_files()["log"], 0
    records = [0] * 4
    while at < len(log):
        n = log[at] - 97
        assert log[at : at + sizes[n]] == bytes([97 + n]) * sizes[n]
        records[n] += 1
        at += sizes[n]
    assert records == [0x58] * 4


def crowd(seed: int) -> List[str]:
    """Programs that do anything to the same three files."""
    drawing = random.Random(seed)

    def one(n: int) -> str:
        script, files, mapped = [f"map=0,8000,rw,pa fill=a+0,8000,{97 + n:x}"], "", ""
        for _ in range(42):
            file = drawing.choice(files or "A")
            size = drawing.choice([1, 0x300, 0x1000, 0x2345, drawing.randrange(0x8000)])
            page = f"{drawing.choice(mapped or 'a')}+{drawing.randrange(3):x}000"
            action = drawing.choice(
                [f"write={file},a+0,{size:x}"] * 3
                + [f"write={file},{page},800", f"pread={file},{page},800,{size:x}"] * 2
                + [f"truncate={file},{size:x}"] * 3
                + [f"seek={file},{size:x},0", f"fsync={file}", "flush", f"unmap={page},1000"]
                + [f"sync={page},1000,4", f"protect={page},1000,r", f"w={page},41", f"r={page}"]
                + [f"unlink=disk/{drawing.choice(['text', 'new'])}", f"size={file}"]
                + ["open"] * (3 if len(files) < 12 else 0)
                + ["map"] * (4 if files and len(mapped) < 20 else 0)
            )
            if action == "open" or not files:
                how = drawing.choice(["rwc", "rwc", "rwca", "rwct"])
                action = f"open=disk/{drawing.choice(['text', 'page', 'new'])},{how}"
                files += chr(ord("A") + len(files))
            elif action == "map":
                action = f"map=0,3000,rw,{drawing.choice('ssp')},{file},{drawing.randrange(3)}000"
                mapped += chr(ord("b") + len(mapped))
            script.append(action)
        return words(" ".join(script))

    return [one(n) for n in range(4)]


@pytest.mark.parametrize("seed", range(4 * SCALE))
def test_a_crowd_leaves_order_behind(machine: Machine, seed: int) -> None:
    """However they end, all that they took comes back, and the file system is in order."""
    arguments = f"jitter={seed + 1} seed=1"
    memory = [16, 20, 128][seed % 3]
    ran = machine.run(
        crowd(seed),
        disk=FILES,
        budget=BUDGET,
        arguments=arguments,
        memory=memory,
        probe="mmap-deck",
        shift=3,
    )
    assert complaint_of(ran) == ""
    ends = {job.end for job in ran.jobs}
    assert len(ran.jobs) == 4 and ends <= {
        "exited with 0",
        "killed by SIGBUS",
        "killed by SIGSEGV",
    }, ends
    ran.expect_disk_in_order()


# ---- memory ------------------------------------------------------------------------------------------------

DECKS: Dict[str, Tuple[List[str], int, int]] = {  # jobs, MiB of memory, of disk
    "a file larger than the cache": (
        [
            words(
                "open=disk/large,rw map=0,10000,rw,pa drain=A,a+0,10000 seek=A,0,0 drain=A,a+0,fff"
                " truncate=A,100000 truncate=A,300000 fsync=A map=0,300000,rw,s,A,0 sum=b+0,300000 w=b+2fffff,1"
            ),
            words(
                "open=disk/large,r map=0,300000,r,p,A,0 r=a+ffff0 r=a+10 open=disk/log,rwca repeat=B,a+0,2000,8"
            ),
        ],
        20,
        8,
    ),
    "16 MiB read": ([words("open=disk/huge,r map=0,10000,rw,pa drain=A,a+0,10000 size=A")], 24, 20),
    "programs from the disk": (
        [
            "/disk/bin/tenant 100",
            "/disk/bin/origin",
            "/disk/bin/tenant 100",
            "/disk/none",
            "/disk/text",
        ],
        32,
        4,
    ),
    "files that are removed while in use": (
        [
            words(
                "open=disk/text,rw map=0,3000,rw,s,A,0 w=a+0,1 unlink=disk/text open=disk/text,rwc write=B,a+0,800"
                " truncate=B,1 unlink=disk/text w=a+1000,1 open=disk/dir,r open=disk/dir,d r=0"
            ),
            words(
                "open=disk/text,rwct open=disk/none,r open=disk/text/x,r open=disk/short,ce unlink=disk/dir"
            ),
            words("map=0,2000000,rw,sa fill=a+0,1000000,1 open=disk/text,rwca repeat=A,a+0,200,40"),
        ],
        64,
        4,
    ),
}
LARGE = {"large": pattern(3 * MIB, 1)}
HUGE = {"huge": pattern(MIB, 2) * 16}


@pytest.mark.parametrize("name", DECKS)
def test_everything_comes_back(machine: Machine, name: str) -> None:
    """All frames, and all bytes of the kernel's own memory."""
    jobs, memory, megabytes = DECKS[name]
    files = {**FILES, **programs("tenant", "origin")}
    files.update(LARGE if "large" in jobs[0] else HUGE if "huge" in jobs[0] else {})
    ran = machine.run(
        jobs,
        disk=disk.image(files, megabytes),
        budget=60.0,
        memory=memory,
        probe="mmap-deck",
        shift=3,
        arguments="seed=1",
    )
    assert complaint_of(ran) == ""
    assert len(ran.jobs) == len(jobs)
    ran.expect_disk_in_order()
    if name == "16 MiB read":
        assert f"drain=A,a+0,10000: {checksum(HUGE['huge']):08x}" in lines(ran)
    if name == "a file larger than the cache":
        assert f"drain=A,a+0,10000: {checksum(LARGE['large']):08x}" in lines(ran)


def test_memory_that_is_shared_costs_no_more_the_more_there_is(machine: Machine) -> None:
    """Each page once looked through all that there were."""
    ran = play(machine, words("map=0,4000000,rw,sa fill=a+0,3000000,1 r=a+2ffffff"))
    assert lines(ran)[-1] == "r=a+2ffffff: 1"
    assert ran.job(0).microseconds < 4_000_000


def free_bytes(image: bytes) -> int:
    """What a disk's clusters have that are no file's."""
    volume = disk._volume(image)
    return volume.table.count(0) * volume.cluster


@pytest.mark.parametrize("megabytes", [4, 16])  # clusters of 512 and 2048 bytes
@pytest.mark.parametrize("lead", [0, 0x64, 0x7FF])
@pytest.mark.parametrize("how", ["rwc", "rwca"])
def test_a_disk_that_fills_up_takes_what_it_has_room_for(
    machine: Machine, megabytes: int, lead: int, how: str
) -> None:
    """To the last byte; and the program hears how much, so that it can go on with the rest elsewhere."""
    files = {**FILES, "filler": bytes(megabytes * MIB - 140 * KIB)}
    image = disk.image(files, megabytes)
    free = free_bytes(image.read_bytes())
    assert 0 < free < 0x20000
    job = words(
        f"""
        map=0,30000,rw,pa fill=a+0,30000,62 open=disk/new,{how} write=A,a+0,{lead:x} write=A,a+0,30000 size=A
        seek=A,0,1 write=A,a+0,1 write=A,a+0,1000 size=A write=A,a+0,0 pread=A,a+0,2,{free - 1:x} fsync=A
        """
    )
    ran = machine.run([job], disk=image, budget=BUDGET, memory=64)
    ran.expect_ends(["exited with 0"], "`mapper` runs to its end")
    ran.expect_disk_in_order()
    assert lines(ran)[2:] == [
        f"write=A,a+0,{lead:x}: {lead}",
        f"write=A,a+0,30000: {free - lead}",
        f"size=A: {free}",
        f"seek=A,0,1: {free}",
        "write=A,a+0,1: -28",
        "write=A,a+0,1000: -28",
        f"size=A: {free}",
        "write=A,a+0,0: 0",
        f"pread=A,a+0,2,{free - 1:x}: 1",
        "fsync=A: 0",
    ]
    assert ran.disk_files()["new"] == b"b" * free


def test_a_file_grows_where_memory_is_short(machine: Machine) -> None:
    """20 pages are free when it is to have 64: dirty ones are written, and their frames used again."""
    job = words(
        """
        open=disk/new,rwc map=0,2000,rw,pa fill=a+0,1000,61 map=0,2000000,rw,pal unmap=b+0,14000
        truncate=A,40000 size=A truncate=A,40000 write=A,a+0,1000 size=A unmap=b+14000,100000 truncate=A,60000
        size=A seek=A,0,0 drain=A,a+0,1000
        """
    )
    ran = play(machine, job, memory=16)
    assert [line for line in lines(ran) if line.startswith("truncate")] == [
        "truncate=A,40000: 0",
        "truncate=A,40000: 0",
        "truncate=A,60000: 0",
    ]
    assert ran.disk_files()["new"] == b"a" * PAGE + bytes(0x60000 - PAGE)


SHORT_OF_FRAMES = [
    words(
        """
        map=0,8000,rw,pa open=disk/text,rw map=0,3000,rw,s,A,0 read=A,a+10,3000 write=A,a+0,1800 w=b+1,41
        sync=b+0,3000,4 open=disk/new,rwct write=B,a+0,3000 truncate=B,5001 size=B pread=B,a+0,8000,0
        sum=a+0,8000 fsync=B unlink=disk/new close=B
        """
    ),
    words(
        """
        open=disk/log,rwca map=0,2000,rw,pa fill=a+0,2000,61 write=A,a+0,1100 map=0,2000,r,p,A,0 sum=b+0,1000
        open=disk/dir/inner,r read=B,a+0,10 openat=B,a+0,r open=disk/dir,r put=a+0,inner openat=D,a+0,r truncate=A,0
        """
    ),
    "/disk/bin/origin",
]


@pytest.mark.parametrize("rest", [0, 1])
def test_each_frame_can_be_missing(without_frames: Machine, rest: int) -> None:
    """The deck without one frame, whichever; or without all from one on."""
    ran = without_frames.run(
        SHORT_OF_FRAMES,
        disk={**FILES, **programs("origin")},
        arguments=f"refuse=1 rest={rest}",
        budget=60.0,
    )
    assert ran.outcome is Outcome.POWER_OFF, ran.explanation
    said = [line for line in ran.reports if line.startswith("filestest:")]
    assert len(said) == 1 and re.fullmatch(r"filestest: [1-9]\d\d? runs", said[0]), said
    ran.expect_disk_in_order()
    answers: Dict[str, int] = {}
    for line in lines(ran):
        answers[line] = answers.get(line, 0) + 1
    assert answers["fsync=B: 0"] > 0 and not any(line.startswith("fsync=B: -") for line in answers)
