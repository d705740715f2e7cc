"""Building: the given kernel and the user programs once, a kernel for each choice of parts.

Ninja does the work: it rebuilds what a changed file, header, flag or command asks for, and nothing
else.  We write its files:

    build/base/             objects of the given kernel, the user library, the user programs
    build/kernels/KEY/      one configuration: its parts' objects and kernel.elf
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import resource
import shlex
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from grader import bounded, check, intake, objects, sandbox
from grader.labs import Definer, Lab, Task, all_labs, definers
from grader.paths import BUILD, KERNEL, ROOT, USER, GraderError, GraderGaveUp, shown

BASE = BUILD / "base"
KERNELS = BUILD / "kernels"
PROGRAMS = BASE / "programs"
PROBE = "probe.elf"
PROBING = KERNEL / "probe"  # what the probes of labs share

PART_BYTES_MAX = 1 << 20
# For each process that building a submission takes; a part of the reference takes 0.1 s and 100 MiB.
COMPILER_SECONDS = 30
COMPILER_MEMORY = 1 << 30
COMPILER_FILE = 32 << 20
SAID_BYTES_MAX = 64 << 10  # of what a compiler or linker says in one call
STATUS_BYTES_MAX = 16
OUTPUT_BYTES_MAX = 4 << 20  # of what all of them say in one build
DIAGNOSTICS_MAX = 50
BUILD_SECONDS = 600  # by the host's clock: for what hangs without working
# Of one object, and of all parts of a kernel.  The reference's largest object has 100 KiB and 400 symbols; what reads
# objects and kernels later takes time and memory for each symbol.
OBJECT_BYTES_MAX = 8 << 20
SECTIONS_MAX = 2000
SYMBOLS_MAX = 20_000
SYMBOL_NAMES_MAX = 1 << 20  # bytes
# Of all parts together: the reference's 45 have 20,000 symbols, and names of 120 KiB.
SYMBOLS_TOGETHER_MAX = 100_000
SYMBOL_NAMES_TOGETHER_MAX = 4 << 20  # bytes
READ_RECORD_MAX = 64 << 10  # of what the assembler says that it has read: three names

COMMON_FLAGS = (
    "-std=gnu11 -ffreestanding -O2 -g -gdwarf-4 -Wall -Wextra -mcmodel=medany -fno-common "
    "-fdiagnostics-color=never"
)
# The kernel is integer-only: no F and D extension, so no float in it compiles.
KERNEL_FLAGS = (
    COMMON_FLAGS + " -march=rv64imac_zicsr_zifencei -mabi=lp64 -mno-relax"
    " -fno-omit-frame-pointer -fno-optimize-sibling-calls -Wmissing-prototypes -Wvla"
    " -Wframe-larger-than=4096"
    # A task that sleeps may stand in a list by an entry on its stack, and leaves the list before it goes on.  GCC 13 and
    # newer take that for a mistake.
    " -Wno-dangling-pointer"
    # What PROVIDE() offers may leave out members: those of the level below serve.
    " -Wno-missing-field-initializers"
)
KERNEL_LINK = "-march=rv64imac -mabi=lp64 -nostdlib -Wl,-z,max-page-size=4096 -Wl,--fatal-warnings -Wl,--build-id=none"
PROBE_SECTIONS = " ".join(
    f"--rename-section .{name}=.probe.{name}" for name in ("text", "bss", "sbss")
)
USER_FLAGS = COMMON_FLAGS + " -march=rv64gc_zicsr_zifencei -mabi=lp64d -Werror"
USER_LINK = (
    "-nostdlib -nostartfiles -Wl,-q -Wl,--build-id=none -Wl,-z,max-page-size=4096"
    " -Wl,--fatal-warnings"
)


@dataclass(frozen=True)
class Part:
    """One task's code in a configuration: a source file, or the reference's prebuilt object.

    given: it stands in for the student's own (WITH=reference…), so its tests earn nothing.
    solutions: the directory that a student's part has to lie in.
    """

    lab: Lab
    task: Task
    path: Path
    given: bool
    solutions: Optional[Path] = None

    def content(self) -> bytes:
        """Its source, read within bounds; BuildFailure when that is not possible any more."""
        try:
            return bounded.read_file(self.path, PART_BYTES_MAX, inside=self.solutions)
        except bounded.NotUsable as error:
            raise BuildFailure(f"{_name_of(self.path)} {error}") from None

    @property
    def prebuilt(self) -> bool:
        return self.path.suffix == ".o"

    def object_in(self, objects: Path) -> Path:
        """Where its object is, below a directory of objects."""
        return objects / self.lab.folder / self.task.object_name


@dataclass(frozen=True)
class Configuration:
    """What to link: the kernel of a lab, with these parts for labs 1 to its number."""

    lab: Lab
    parts: Tuple[Part, ...]
    extra: Tuple[Path, ...] = ()  # C files of a test's own, linked with it

    @property
    def directory(self) -> Path:
        identity = [[part.task.id, str(part.path)] for part in self.parts]
        identity += [["extra", str(path)] for path in self.extra]
        digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:10]
        return KERNELS / f"{self.lab.folder}-{digest}"

    @property
    def kernel(self) -> Path:
        return self.directory / "kernel.elf"

    @property
    def probe(self) -> Path:
        """The same kernel, with the lab's probes linked to it."""
        return self.kernel.with_name(PROBE)


@dataclass(frozen=True)
class Diagnostic:
    """A compiler's or linker's complaint; line 0 where it names none."""

    file: str
    line: int
    message: str

    @property
    def place(self) -> str:
        """ "file:line: ", as far as it is known."""
        if not self.file:
            return ""
        return f"{self.file}:{self.line}: " if self.line else f"{self.file}: "


@dataclass
class BuildFailure(Exception):
    """A configuration does not build.

    text: what people read; details: everything that was said; parts: what is wrong with which task's part, by its id;
    none where the parts are right each by itself, but do not fit together.
    """

    text: str
    diagnostics: List[Diagnostic] = field(default_factory=list)
    details: str = ""
    parts: Dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text


# ---- tools -----------------------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def cross() -> str:
    """The prefix of the cross compiler's commands: $CROSS, or the first known one on PATH."""
    candidates = [os.environ.get("CROSS", ""), "riscv64-unknown-elf-", "riscv64-elf-"]
    for prefix in candidates:
        if prefix and shutil.which(prefix + "gcc"):
            return prefix
    raise GraderError("riscv64-unknown-elf-gcc is not installed: run `make setup`")


def need(tool: str) -> str:
    """The path of a command that setup installs; GraderError says so when it is missing."""
    path = shutil.which(tool)
    if not path:
        raise GraderError(f"{tool} is not installed: run `make setup`")
    return path


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_if_changed(path: Path, text: str) -> bool:
    if path.is_file() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return True


def _escaped(path: object) -> str:
    return str(path).replace("$", "$$").replace(":", "$:").replace(" ", "$ ")


def _ninja(
    directory: Path, jobs: Optional[int] = None, visible: Optional[Sequence[Path]] = None
) -> Tuple[str, int]:
    """Run ninja in a directory.  visible: the inputs outside it, for a submission, which is built
    within limits and sees nothing else; None for what is ours.  Returns what was said, and the status.
    """
    ninja = need("ninja")
    command = [ninja, "--quiet", "-k", "0", "-C", str(directory)]
    if jobs:
        command += ["-j", str(jobs)]
    apply, environment = None, sandbox.tools_environment()
    if visible is not None:
        # One sandbox around ninja costs 2 ms; one around each compiler would cost more.
        tools = [Path(ninja), Path(need(cross() + "gcc")), Path(need(cross() + "as"))]
        prefix, environment = sandbox.wrap_compiler(tools, visible, directory)
        command = prefix + command
        apply = sandbox.limits(
            COMPILER_MEMORY, COMPILER_FILE, COMPILER_SECONDS, own_session=bool(prefix)
        )
    # Ninja buffers each job's output, so that messages of different files do not mix.
    try:
        said, status = bounded.run(command, OUTPUT_BYTES_MAX, BUILD_SECONDS, environment, apply)
    except bounded.TooLong:
        raise GraderGaveUp(
            f"building was not done after {BUILD_SECONDS} s: is the machine busy?"
        ) from None
    return said.decode(errors="replace"), status


# ---- the given part --------------------------------------------------------------------------


def kernel_sources() -> List[Path]:
    """The given kernel's sources, except those that include a student's part."""
    sources = sorted(KERNEL.rglob("*.c")) + sorted(KERNEL.rglob("*.S"))
    through = {ROOT / task.through for lab in all_labs() for task in lab.tasks if task.through}
    return [path for path in sources if path not in through and path.parent != PROBING]


def probe_sources(lab: Lab) -> List[Path]:
    """A lab's probes, tests of its parts from inside the kernel, linked only where a test asks; with what
    probes share, if they are listed (list.c)."""
    directory = lab.directory / "probes"
    own = sorted(path for path in directory.glob("*") if path.suffix in (".c", ".S"))
    return [*sorted(PROBING.glob("*.c")), *own] if directory / "list.c" in own else own


def given_objects() -> List[Path]:
    """The given kernel's objects, in the order in which they are linked."""
    return [_base_object(source) for source in kernel_sources()]


def probe_objects(lab: Lab) -> List[Path]:
    """Their objects, in the order in which they are linked."""
    return [_base_object(source) for source in probe_sources(lab)]


_STAND_IN = re.compile(r"^STAND_IN\((\w+)\);", re.M)


def replaced_by_probes(lab: Lab) -> List[str]:
    """The functions that a lab's probes stand in for (STAND_IN in kernel/probe/probe.h): the linker's option --wrap
    leads calls of NAME from other files to __wrap_NAME, and those of __real_NAME to NAME itself."""
    texts = [source.read_text() for source in probe_sources(lab)]
    return sorted({name for text in texts for name in _STAND_IN.findall(text)})


def _base_object(source: Path) -> Path:
    home = KERNEL if source.is_relative_to(KERNEL) else ROOT
    return BASE / "kernel" / source.relative_to(home).with_suffix(source.suffix + ".o")


@functools.lru_cache(maxsize=None)
def program_sources() -> Dict[str, Path]:
    """User programs by name."""
    directory = USER / "programs"
    return {path.stem: path for path in sorted(directory.iterdir()) if path.suffix in (".c", ".S")}


def _base_ninja() -> str:
    compiler = cross() + "gcc"
    prefix_map = f"-ffile-prefix-map={ROOT}/= -ffile-prefix-map={BASE}=."
    lines = [
        f"cc = {compiler}",
        f"kernel_flags = {KERNEL_FLAGS} -Werror {prefix_map} -I{_escaped(KERNEL / 'include')}",
        f"user_flags = {USER_FLAGS} {prefix_map} -I{_escaped(USER / 'include')}",
        "rule kernel_cc",
        "  command = $cc $kernel_flags $more -MMD -MF $out.d -c $in -o $out",
        "  depfile = $out.d",
        "  deps = gcc",
        # Code and variables of probes lie apart: see kernel/probe/probe.h and kernel.ld.
        "rule probe_cc",
        "  command = $cc $kernel_flags $more -MMD -MF $out.d -c $in -o $out"
        f" && {cross()}objcopy {PROBE_SECTIONS} $out",
        "  depfile = $out.d",
        "  deps = gcc",
        "rule user_cc",
        "  command = $cc $user_flags -MMD -MF $out.d -c $in -o $out",
        "  depfile = $out.d",
        "  deps = gcc",
        "rule user_link",
        f"  command = $cc {USER_LINK} -march=rv64gc -mabi=lp64d"
        f" -T {_escaped(USER / 'user.ld')} -o $out $in -lgcc",
        "rule strip",
        f"  command = {cross()}objcopy --strip-debug $in $out",
    ]
    probes = dict.fromkeys(source for lab in all_labs() for source in probe_sources(lab))
    for source in [*kernel_sources(), *probes]:
        rule = "probe_cc" if source in probes else "kernel_cc"
        lines.append(f"build {_escaped(_base_object(source))}: {rule} {_escaped(source)}")
        if source in probes:
            # Without jump tables objdump shows where each branch leads: probe_log.py.
            lines.append(f"  more = -fno-jump-tables -I{_escaped(PROBING)}")
    library = []
    for source in sorted((USER / "lib").iterdir()):
        if source.suffix in (".c", ".S"):
            output = BASE / "user" / (source.name + ".o")
            library.append(_escaped(output))
            lines.append(f"build {_escaped(output)}: user_cc {_escaped(source)}")
    for name, source in program_sources().items():
        output = BASE / "user" / "programs" / f"{name}.o"
        linked = BASE / "user" / "programs" / f"{name}.elf"
        lines.append(f"build {_escaped(output)}: user_cc {_escaped(source)}")
        inputs = " ".join([_escaped(output), *library])
        lines.append(f"build {_escaped(linked)}: user_link {inputs} | {_escaped(USER / 'user.ld')}")
        lines.append(f"build {_escaped(PROGRAMS / name)}: strip {_escaped(linked)}")
    return "\n".join(lines) + "\n"


@functools.lru_cache(maxsize=None)
def build_base() -> None:
    """Bring the given kernel's objects and all user programs up to date."""
    with _locked(BASE):
        changed = _write_if_changed(BASE / "build.ninja", _base_ninja())
        said, status = _ninja(BASE)
        if status != 0:
            raise GraderError(f"the given kernel or a user program does not build:\n{said}")
        if changed:
            compdb = subprocess.run(
                [
                    need("ninja"),
                    "-C",
                    str(BASE),
                    "-t",
                    "compdb",
                    "kernel_cc",
                    "probe_cc",
                    "user_cc",
                ],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            commands = json.loads(compdb.stdout) + _part_commands()
            _write_if_changed(ROOT / "compile_commands.json", json.dumps(commands, indent=1))


def _part_commands() -> List[Dict[str, str]]:
    """How editors are to compile the student's files: then "go to definition" finds what they define."""
    command = f"{cross()}gcc {KERNEL_FLAGS} -I{KERNEL / 'include'} -c"
    files = [
        ROOT / "solutions" / lab.folder / task.file
        for lab in all_labs()
        for task in lab.tasks
        if not task.through
    ]
    return [
        {
            "directory": str(ROOT),
            "command": f"{command} {shlex.quote(str(file))}",
            "file": str(file),
        }
        for file in files
    ]


def program(name: str) -> Path:
    """The built program of this name; GraderError lists them all when there is none."""
    if name not in program_sources():
        raise GraderError(
            f"no program is called '{name}'; there are: {', '.join(program_sources())}"
        )
    return PROGRAMS / name


# ---- a configuration -------------------------------------------------------------------------


def find_part(lab: Lab, task: Task, solutions: Path, given: bool) -> Part:
    """The task's file in a solutions directory, checked as far as can be without compiling.

    Raises BuildFailure when it cannot be used: a submission may hold anything.
    """
    path = intake.part_path(lab, task, solutions)
    try:
        bounded.read_file(path, PART_BYTES_MAX, inside=solutions)
    except bounded.NotUsable as error:
        hint = "; `make start` puts the starter file back" if not path.is_file() else ""
        raise BuildFailure(f"{_name_of(path)} {error}{hint}") from None
    return Part(lab, task, path, given, solutions)


def _name_of(path: Path) -> str:
    return bounded.one_line(shown(path), 4 * bounded.NAME_SHOWN)


def reference_part(lab: Lab, task: Task, given: bool) -> Part:
    """The reference's part: its source, or in the student edition its object."""
    source = lab.directory / "solution" / task.file
    if source.is_file():
        return Part(lab, task, source, given)
    prebuilt = lab.directory / "reference" / task.object_name
    if prebuilt.is_file():
        return Part(lab, task, prebuilt, given)
    raise GraderError(f"there is no reference for task {task.id} in {shown(lab.directory)}")


def as_built(part: Part) -> Part:
    """The same part, as an object if it is there: $RUNG_REFERENCE_OBJECTS names the objects of a reference that
    has been built.  For who builds hundreds of submissions that differ from it in one file (mutants.py).
    """
    objects = os.environ.get("RUNG_REFERENCE_OBJECTS")
    source = part.lab.directory / "solution" / part.task.file
    if not objects or part.prebuilt or not source.is_file():
        return part
    built = part.object_in(Path(objects))
    if not built.is_file() or source.read_bytes() != part.content():
        return part
    return Part(part.lab, part.task, built, part.given)


def _text(part: Part) -> bytes:
    """What a part says, as the compiler is to read it; BuildFailure where it is no text."""
    try:
        return intake.text(part.content())
    except intake.NotText as error:
        raise BuildFailure(f"{_name_of(part.path)} {error}") from None


def check_text(part: Part) -> None:
    """Raise BuildFailure for a part that cannot be read as text."""
    if not part.prebuilt:
        _text(part)


def stage(part: Part, directory: Path) -> Path:
    """Copy a part to where nothing else of the submission is; the copy's date changes only when
    its content does.  Compiler and debugger are told the name of the file it comes from."""
    staged = directory / "parts" / part.lab.folder / part.task.file
    name = _name_of(part.path).replace("\\", "\\\\").replace('"', '\\"')
    content = f'#line 1 "{name}"\n'.encode() + _text(part)
    if not (staged.is_file() and staged.read_bytes() == content):
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_bytes(content)
    return staged


def _configuration_ninja(configuration: Configuration) -> str:
    directory = configuration.directory
    lines = [
        f"cc = {cross()}gcc",
        f"flags = {KERNEL_FLAGS} -I{_escaped(KERNEL / 'include')}"
        f" -ffile-prefix-map={ROOT}/= -ffile-prefix-map={directory}=."
        " -save-temps=obj -fmax-errors=50",
        "rule part",
        # What the compiler says is kept, for warnings are worth reading after later builds too.
        # The assembler writes down what it has read, for _check_part().
        # Both may say more than anybody reads: the rest is dropped, not stored, and nobody waits for it.
        "  command = rm -f $out.read;"
        " { $cc $flags $more -MMD -MF $out.d -Wa,--MD,$out.read -c $in -o $out 2>&1;"
        f" echo $$? >$out.status; }} | {{ head -c {SAID_BYTES_MAX} >$out.said; cat >/dev/null; }};"
        " cat $out.said; exit $$(cat $out.status)",
        "  depfile = $out.d",
        "  deps = gcc",
        "rule link",
        f"  command = {{ $cc {KERNEL_LINK} $wraps -T {_escaped(KERNEL / 'kernel.ld')} -o $out $in -lgcc"
        f" 2>&1; echo $$? >$out.status; }} | {{ head -c {SAID_BYTES_MAX}; cat >/dev/null; }};"
        " exit $$(cat $out.status)",
    ]
    objects: List[str] = []
    for part in configuration.parts:
        if part.prebuilt:
            objects.append(_escaped(part.path))
            continue
        staged = stage(part, directory)
        output = _escaped(part.object_in(directory / "objects"))
        if part.task.through:
            source = ROOT / part.task.through
            lines.append(f"build {output}: part {_escaped(source)} | {_escaped(staged)}")
            lines.append(f"  more = -DPART_FILE='\"{_escaped(staged)}\"'")
        else:
            lines.append(f"build {output}: part {_escaped(staged)}")
        objects.append(output)
    for source in configuration.extra:
        output = _escaped(directory / "objects" / "extra" / (source.stem + ".o"))
        lines.append(f"build {output}: part {_escaped(source)}")
        objects.append(output)
    objects = [_escaped(path) for path in given_objects()] + objects
    probes = [_escaped(path) for path in probe_objects(configuration.lab)]
    script = _escaped(KERNEL / "kernel.ld")
    lines.append(f"build {_escaped(configuration.kernel)}: link {' '.join(objects)} | {script}")
    if probes:
        inputs = " ".join(objects + probes)
        wraps = " ".join(f"-Wl,--wrap={name}" for name in replaced_by_probes(configuration.lab))
        lines.append(f"build {_escaped(configuration.probe)}: link {inputs} | {script}")
        lines.append(f"  wraps = {wraps}")
    return "\n".join(lines) + "\n"


def _inputs(configuration: Configuration) -> List[Path]:
    """What building a configuration reads, beside its own directory and the tools."""
    prebuilt = [part.path for part in configuration.parts if part.prebuilt]
    return [KERNEL, BASE / "kernel", *prebuilt, *configuration.extra]


_COMPLAINTS = (": fatal error: ", ": error: ", ": Fatal error: ", ": Error: ")
_WARNS = (": warning: ",)
# What a name can be told from, once for each name, however long the line is.
_TWICE = "multiple definition of "
_UNDEFINED = "undefined reference to "


def _complaint(line: str, kinds: Sequence[str]) -> Optional[Diagnostic]:
    """The complaint that a line "file:line:column: error: text" is; None if it is none of these kinds.

    gcc has a column, as has none.  A line number that no file can have is unknown: 0.
    """
    at, kind = min(((line.find(k), k) for k in kinds if k in line), default=(-1, ""))
    if at <= 0 or line[0].isspace():
        return None
    words = line[:at].rsplit(":", 2)
    digits = [word.isascii() and word.isdigit() for word in words]
    if len(words) == 3 and digits[1] and digits[2]:
        file, place = words[0], words[1]
    elif len(words) > 1 and digits[-1]:
        file, place = ":".join(words[:-1]), words[-1]
    else:
        return None
    if not file:
        return None
    message = bounded.one_line(line[at + len(kind) :])
    return Diagnostic(bounded.one_line(file), bounded.number(place, limit=7), message)


def _quoted_behind(line: str, words: str) -> str:
    """The name in quotes behind these words of the linker's, or nothing."""
    _, found, rest = line.partition(words)
    if not found or rest[:1] not in ("`", "'"):
        return ""
    return rest[1:].partition("'")[0][: bounded.NAME_SHOWN]


def _is_noise(line: str) -> bool:
    """Is a line ninja's own, or the command that it repeats?"""
    if line.startswith(("ninja: ", "FAILED: ")):
        return True
    if line.startswith("["):
        done, _, rest = line[1:40].partition("/")
        return done.isdigit() and rest.partition("]")[0].isdigit()
    # Commands begin with these words: _configuration_ninja().
    return line.startswith(("rm -f ", "{ ")) and "gcc" in line


def _readable(configuration: Configuration, output: str) -> str:
    """The tools' output with the names of files as the student knows them, safe to show."""
    output = check.readable(output)
    output = output.replace(f"{configuration.directory}/", "").replace(f"{ROOT}/", "")
    return "\n".join(line for line in bounded.lines(output) if not _is_noise(line)).strip()


# How the tools tell that they met a limit, each on a line of its own.
_LIMITS = (
    (
        ("out of memory allocating", "virtual memory exhausted", "memory exhausted", "bad_alloc"),
        f"the compiler needed more than {COMPILER_MEMORY >> 20} MiB of memory",
    ),
    (
        ("File size limit exceeded", "file too large", "File too large"),
        f"the compiler wrote a file of more than {COMPILER_FILE >> 20} MiB",
    ),
    (
        ("CPU time limit exceeded",),
        f"the compiler needed more than {COMPILER_SECONDS} s",
    ),
)
_TOOLS = ("cc1", "as", "ld", "gcc", "collect2")


def _from_a_tool(line: str) -> bool:
    """Does a tool speak of itself in this line, "/usr/bin/riscv64-unknown-elf-ld: …"?"""
    if line.startswith("Fatal error: "):
        return True
    name = line.partition(":")[0].rstrip(" ").rpartition("/")[2]
    return name.rpartition("-")[2] in _TOOLS and not name.startswith("-")


# What the host lacks, in the words of ninja, the shell and the tools.
_SHORTAGES = (
    "Resource temporarily unavailable",
    "Cannot fork",
    "Cannot allocate memory",
    "Too many open files",
    "No space left on device",
    "Disk quota exceeded",
    "Input/output error",
    "Read-only file system",
    "Killed signal terminated program",
)


def _check_host(configuration: Configuration, output: str, limit_met: bool) -> None:
    """Raise GraderGaveUp where a build has failed for what the host lacks.

    A submission can print any of these words; what decides is whether the host compiles an empty file.
    """
    if not any(line.startswith("FAILED: ") for line in output.split("\n")):
        words = [line for line in output.split("\n") if line.strip()]
        raise GraderGaveUp(f"ninja cannot build: {bounded.one_line((words or ['no reason'])[-1])}")
    lacks = [words for words in _SHORTAGES if words in output]
    if limit_met:
        for kind, value in (
            (resource.RLIMIT_AS, COMPILER_MEMORY),
            (resource.RLIMIT_FSIZE, COMPILER_FILE),
            (resource.RLIMIT_CPU, COMPILER_SECONDS),
        ):
            soft, _ = resource.getrlimit(kind)
            if soft != resource.RLIM_INFINITY and soft < value:
                raise GraderGaveUp(
                    "a limit of this shell (`ulimit -a`) is lower than the compiler's"
                )
    if not lacks:
        return
    directory = configuration.directory
    disk = os.statvfs(directory)
    if disk.f_bavail * disk.f_frsize < COMPILER_FILE:
        raise GraderGaveUp(f"the disk under {shown(BUILD)} is full")
    compiler = need(cross() + "gcc")
    prefix, environment = sandbox.wrap_compiler([Path(compiler)], [], directory)
    command = [*prefix, compiler, *KERNEL_FLAGS.split(), "-x", "c", "-c", os.devnull]
    command += ["-o", str(directory / "control.o")]
    try:
        said, status = bounded.run(command, SAID_BYTES_MAX, BUILD_SECONDS, environment)
    except bounded.TooLong:
        said, status = b"it takes too long", 1
    if status != 0:
        text = bounded.one_line(said.decode(errors="replace"))
        raise GraderGaveUp(f"the compiler does not work ({lacks[0]}): {text}")


def _failed_output(line: str) -> str:
    """Of a line of ninja's, "FAILED: [code=1] objects/x.o", the output; else nothing."""
    words = line.split(None, 3)
    if not words or words[0] != "FAILED:":
        return ""
    words = [word for word in words[1:] if not word.startswith("[code=")]
    return words[0] if words else ""


def _limit_met(configuration: Configuration, output: str) -> Optional[BuildFailure]:
    """The failure of a part that the compiler could not compile within its limits."""
    names = {
        f"{part.lab.folder}/{part.task.object_name}": _name_of(part.path)
        for part in configuration.parts
    }
    where = ""
    for line in bounded.lines(output):
        failed = _failed_output(line)
        if failed:
            where = next((names[name] for name in names if failed.endswith("/" + name)), "")
        elif _from_a_tool(line):
            for signs, what in _LIMITS:
                if any(sign in line for sign in signs):
                    text = f"does not build: {where + ': ' if where else ''}{what}"
                    return BuildFailure(text, [], _readable(configuration, output))
    return None


def _from_the_linker(text: str) -> List[Diagnostic]:
    """What names the linker has found twice, or not at all."""
    twice: Dict[str, None] = {}
    missing: Dict[str, None] = {}
    for line in bounded.lines(text):
        twice.setdefault(_quoted_behind(line, _TWICE))
        missing.setdefault(_quoted_behind(line, _UNDEFINED))
    found: List[Diagnostic] = []
    for name in filter(None, twice):
        slot, _, level = name.rpartition("_level_")
        if slot and level.isascii() and level.isdigit():
            what = f"slot {slot} is provided twice at level {level}"
        elif name.startswith("syscall_"):
            what = f"system call {name[len('syscall_'):]} is provided twice"
        elif name in definers():
            what = f"{name}() is defined in two files: only {definers()[name]} defines it"
        else:
            what = f"{name} is defined twice: the given kernel has it already"
        found.append(Diagnostic("", 0, what))
    for name in filter(None, missing):
        found.append(Diagnostic("", 0, f"{name} is used but defined nowhere"))
    return found


def _explain(configuration: Configuration, output: str) -> BuildFailure:
    """Turn the tools' output into a failure that people can act on."""
    over = _limit_met(configuration, output)
    _check_host(configuration, output, over is not None)
    if over:
        return over
    text = _readable(configuration, output)
    complaints = (_complaint(line, _COMPLAINTS) for line in text.split("\n"))
    diagnostics = [found for found in complaints if found] or _from_the_linker(text)
    if diagnostics:
        summary = f"does not build: {diagnostics[0].place}{diagnostics[0].message}"
    else:
        # Of several lines the first says what is wrong; collect2 only that something is.
        reasons = [
            line for line in bounded.lines(text) if line and not line.startswith("collect2:")
        ]
        summary = (
            f"does not build: {bounded.one_line((reasons or ['the tools gave no reason'])[0])}"
        )
    return BuildFailure(summary, diagnostics[:DIAGNOSTICS_MAX], text)


# Directives that read files, or that change what a directive looks like.  As the assembler has many
# ways to write a name (macros, quotes, MRI mode), this is for the message; what counts is the
# assembler's own record of what it has read.
_FORBIDDEN = re.compile(rb"\.(incbin|include|altmacro|mri)\b", re.IGNORECASE)


def _forbidden_directive(part: Part, objects: Path) -> Optional[BuildFailure]:
    """The failure of a part that names a directive that no part may use."""
    assembly = part.object_in(objects).with_suffix(".s")
    if not assembly.is_file():
        return None
    with assembly.open("rb") as file:
        found = _FORBIDDEN.search(file.read(COMPILER_FILE))
    if not found:
        return None
    directive = found[1].decode().lower()
    return BuildFailure(f"{_name_of(part.path)}: .{directive} is not allowed in a part")


def _files_read(output: Path) -> List[str]:
    """What the assembler read to make an object, besides what the compiler had written for it.

    It says so in a rule for make: "/path/x.o: x.c /path/x.s file…".  The name without a directory
    is from the `.file` that the compiler writes; where the assembler runs there is no such file.
    """
    record = bounded.read_text(output.with_name(output.name + ".read"), READ_RECORD_MAX)
    _, *words = record.replace("\\\n", " ").split()
    own = {str(output.with_suffix(".s")), output.stem + ".c", output.stem + ".i"}
    return [word for word in words if word not in own]


@dataclass
class _Sizes:
    """What the parts of a kernel have together."""

    symbols: int = 0
    names: int = 0  # bytes


def _check_size(part: Part, output: Path, together: _Sizes) -> None:
    """Refuse an object that would take those who read it, or the kernel, too long.  together: of the parts before it; this
    one is added, if it is not refused."""
    try:
        size, sections, symbols, names = elf_size(output)
    except (struct.error, IndexError):
        raise BuildFailure(f"{_name_of(part.path)}: its object is no ELF file in order") from None
    for value, most, what in (
        (size, OBJECT_BYTES_MAX, "bytes of code, data and debug information"),
        (sections, SECTIONS_MAX, "sections"),
        (symbols, SYMBOLS_MAX, "symbols"),
        (names, SYMBOL_NAMES_MAX, "bytes of symbols' names"),
        (
            together.symbols + symbols,
            SYMBOLS_TOGETHER_MAX,
            "symbols, together with the parts before it",
        ),
        (
            together.names + names,
            SYMBOL_NAMES_TOGETHER_MAX,
            "bytes of symbols' names, together with the parts before it",
        ),
    ):
        if value > most:
            raise BuildFailure(f"{_name_of(part.path)}: has {value:,} {what}; it may have {most:,}")
    together.symbols, together.names = together.symbols + symbols, together.names + names


def elf_size(path: Path) -> Tuple[int, int, int, int]:
    """Of an ELF file: its size in bytes, and how many sections, symbols, and bytes of symbols' names it has.

    Source: ELF-64 Object File Format 1.5, ELF header and sections.  With more sections than 16 bits hold their number
    stands elsewhere, and e_shnum is 0: then they are too many anyway.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(64)
        (table,) = struct.unpack_from("<Q", header, 40)
        entry_size, sections = struct.unpack_from("<HH", header, 58)
        if sections == 0 or sections > SECTIONS_MAX:
            return size, max(sections, SECTIONS_MAX + 1), 0, 0
        file.seek(table)
        headers = file.read(entry_size * sections)
    symbols = names = 0
    for n in range(sections):
        _, kind, _, _, _, length, link = struct.unpack_from("<IIQQQQI", headers, n * entry_size)
        if kind == 2:  # SHT_SYMTAB
            symbols += length // 24
            names += int(struct.unpack_from("<Q", headers, link * entry_size + 32)[0])
    return size, sections, symbols, names


def _check_part(part: Part, objects: Path) -> None:
    """Refuse what a part may not contain: files of the machine pulled in by the assembler, and in
    the trampoline's pieces anything that would break when they run at another address."""
    name = _name_of(part.path)
    output = part.object_in(objects)
    forbidden = _forbidden_directive(part, objects)
    if forbidden:
        raise forbidden
    files = _files_read(output)
    if files:
        raise BuildFailure(
            f"{name}: a part may not read files with the assembler: {bounded.one_line(files[0])}"
        )
    if part.task.through:
        from grader.symbols import relocations_beyond

        label = Path(part.task.through).stem
        try:
            found_symbols = relocations_beyond(output, f"{label}_begin", f"{label}_end")
        except (OSError, MemoryError):
            raise
        except Exception as error:  # pyelftools has many
            what = bounded.one_line(f"{type(error).__name__}: {error}")
            raise BuildFailure(f"{name}: its object cannot be read: {what}") from None
        if found_symbols:
            raise BuildFailure(
                f"{name}: refers to {', '.join(found_symbols)}; this code runs at another address"
                " from lab 3 on, and may use only registers and a0"
            )


def _check_object(part: Part, output: Path) -> None:
    """Refuse a part that has to do with what only the labs' probes have, that takes a level which is not its lab's,
    or that tells the linker anything else that C and the macros of the headers cannot: see objects.py.
    """
    whose = {name: str(definer) for name, definer in definers().items()}
    own = str(Definer(part.lab, part.task))
    wrong = objects.objection(output, part.lab.number, bool(part.task.through), whose, own)
    if wrong:
        raise BuildFailure(f"{_name_of(part.path)}: {check.readable(wrong)}")


def check_objects(compiled: Sequence[Part], directory: Path) -> None:
    """Check the objects of these parts, which the compiler has written there.

    Raises BuildFailure, which says what is wrong with which of them.
    """
    wrong: Dict[str, str] = {}
    together = _Sizes()
    for part in compiled:
        output = part.object_in(directory)
        try:
            _check_size(part, output, together)
            _check_part(part, directory)
            _check_object(part, output)
        except BuildFailure as failure:
            wrong[part.task.id] = failure.text
    if wrong:
        raise BuildFailure(next(iter(wrong.values())), parts=wrong)


def _not_compiled(configuration: Configuration, failure: BuildFailure) -> Dict[str, str]:
    """The parts that the compiler has refused, and why, after a build that has failed."""
    wrong: Dict[str, str] = {}
    for part in configuration.parts:
        if part.prebuilt:
            continue
        output = part.object_in(configuration.directory / "objects")
        status = output.with_name(output.name + ".status")
        if bounded.read_text(status, STATUS_BYTES_MAX).strip() == "0" and output.is_file():
            continue
        forbidden = _forbidden_directive(part, configuration.directory / "objects")
        name = _name_of(part.path)
        own = [each for each in failure.diagnostics if each.file == name]
        if forbidden:
            wrong[part.task.id] = forbidden.text
        elif own:
            wrong[part.task.id] = f"does not build: {own[0].place}{own[0].message}"
        elif name in failure.text:
            wrong[part.task.id] = failure.text
        else:
            wrong[part.task.id] = f"does not build: {name}"
    return wrong


def build(configuration: Configuration, jobs: Optional[int] = None) -> Path:
    """Bring a configuration's kernel up to date and return it; BuildFailure when it cannot be.

    jobs: how many compilers at once; None lets ninja choose.
    """
    build_base()
    directory = configuration.directory
    with _locked(directory):
        _write_if_changed(directory / "build.ninja", _configuration_ninja(configuration))
        said, status = _ninja(directory, jobs, _inputs(configuration))
        built = directory / "objects"
        if status != 0:
            failure = _explain(configuration, said)
            failure.parts = _not_compiled(configuration, failure)
            # Before what the assembler says, which may quote the file that it was to read.
            for part in configuration.parts:
                forbidden = None if part.prebuilt else _forbidden_directive(part, built)
                if forbidden:
                    raise BuildFailure(forbidden.text, parts=failure.parts)
            raise failure
        stamp = directory / "checked"
        # Checked since it was built, and by the checks that there are now.
        newest = max(
            path.stat().st_mtime_ns
            for path in (configuration.kernel, Path(__file__), Path(objects.__file__))
        )
        if not (stamp.is_file() and stamp.stat().st_mtime_ns >= newest):
            compiled = [part for part in configuration.parts if not part.prebuilt]
            check_objects(compiled, built)
            stamp.touch()
    return configuration.kernel


def warnings(configuration: Configuration) -> List[str]:
    """What the compiler warned of in the student's parts: "file:line: text"."""
    found: List[str] = []
    for part in configuration.parts:
        if part.prebuilt or part.given:
            continue
        objects = configuration.directory / "objects" / part.lab.folder
        text = bounded.read_text(objects / (part.task.object_name + ".said"), SAID_BYTES_MAX)
        for line in bounded.lines(check.readable(text).replace(f"{ROOT}/", "")):
            warning = _complaint(line, _WARNS)
            if warning:
                found.append(f"{warning.place}{warning.message}")
    return found


UNKNOWN_FILES_MAX = 10_000  # entries of a directory that are looked at


def unknown_files(lab: Lab, solutions: Path) -> List[str]:
    """Files beside the parts that look like parts and are not used: a wrong name, most likely."""
    directory = intake.lab_directory(lab, solutions)
    if directory == solutions:
        return []
    wanted: Set[str] = intake.expected_names(lab, solutions)
    return sorted(
        _name_of(directory / name)
        for name in bounded.names_in(directory, UNKNOWN_FILES_MAX)
        if os.path.splitext(name)[1].lower() in (".c", ".s", ".h")
        and name not in wanted
        and not intake.is_foreign(name)
    )
