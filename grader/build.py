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
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from grader import check, intake, sandbox
from grader.labs import Lab, Task, all_labs
from grader.paths import BUILD, KERNEL, ROOT, USER, GraderError, shown

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
SAID_BYTES_MAX = 256 << 10  # of what a compiler says of one file
BUILD_SECONDS = 300  # by the host's clock: for what hangs without working

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
USER_FLAGS = COMMON_FLAGS + " -march=rv64gc_zicsr_zifencei -mabi=lp64d -Werror"
USER_LINK = (
    "-nostdlib -nostartfiles -Wl,-q -Wl,--build-id=none -Wl,-z,max-page-size=4096"
    " -Wl,--fatal-warnings"
)


@dataclass(frozen=True)
class Part:
    """One task's code in a configuration: a source file, or the reference's prebuilt object.

    given: it stands in for the student's own (WITH=reference…), so its tests earn nothing.
    """

    lab: Lab
    task: Task
    path: Path
    given: bool

    @property
    def prebuilt(self) -> bool:
        return self.path.suffix == ".o"


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


@dataclass
class BuildFailure(Exception):
    """A configuration does not build.  text: what people read; details: everything that was said."""

    text: str
    diagnostics: List[Diagnostic] = field(default_factory=list)
    details: str = ""

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
) -> "subprocess.CompletedProcess[str]":
    """Run ninja in a directory.  visible: the inputs outside it, for a submission, which is built
    within limits and sees nothing else; None for what is ours."""
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
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            preexec_fn=apply,
            timeout=BUILD_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise GraderError(
            f"building was not done after {BUILD_SECONDS} s; is the machine busy? try again"
        ) from None


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
        lines.append(f"build {_escaped(_base_object(source))}: kernel_cc {_escaped(source)}")
        if source in probes:
            lines.append(f"  more = -I{_escaped(PROBING)}")
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
        done = _ninja(BASE)
        if done.returncode != 0:
            raise GraderError(f"the given kernel or a user program does not build:\n{done.stdout}")
        if changed:
            compdb = subprocess.run(
                [need("ninja"), "-C", str(BASE), "-t", "compdb", "kernel_cc", "user_cc"],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            _write_if_changed(ROOT / "compile_commands.json", compdb.stdout)


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
    name = shown(path)
    hint = "`make start` puts the starter file back"
    try:
        information = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise BuildFailure(f"{name} is a link to nowhere; {hint}") from None
        raise BuildFailure(f"{name} is missing; {hint}") from None
    except OSError as error:
        raise BuildFailure(f"{name} cannot be read: {error.strerror}") from None
    if not path.resolve().is_relative_to(solutions.resolve()):
        raise BuildFailure(f"{name} is a link that leads out of {shown(solutions)}: not followed")
    if not stat.S_ISREG(information.st_mode):
        raise BuildFailure(f"{name} is not a regular file")
    if information.st_size > PART_BYTES_MAX:
        raise BuildFailure(f"{name} has more than {PART_BYTES_MAX >> 10} KiB")
    if not os.access(path, os.R_OK):
        raise BuildFailure(f"{name} cannot be read: permission denied")
    return Part(lab, task, path, given)


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
    built = Path(objects) / part.lab.folder / part.task.object_name
    if not built.is_file() or source.read_bytes() != part.path.read_bytes():
        return part
    return Part(part.lab, part.task, built, part.given)


def _text(part: Part) -> bytes:
    """What a part says, as the compiler is to read it; BuildFailure where it is no text."""
    try:
        return intake.text(part.path.read_bytes())
    except intake.NotText as error:
        raise BuildFailure(f"{shown(part.path)} {error}") from None


def stage(part: Part, directory: Path) -> Path:
    """Copy a part to where nothing else of the submission is; the copy's date changes only when
    its content does.  Compiler and debugger are told the name of the file it comes from."""
    staged = directory / "parts" / part.lab.folder / part.task.file
    content = f'#line 1 "{shown(part.path)}"\n'.encode() + _text(part)
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
        "  command = rm -f $out.read;"
        " $cc $flags $more -MMD -MF $out.d -Wa,--MD,$out.read -c $in -o $out 2>$out.said;"
        f" status=$$?; head -c {SAID_BYTES_MAX} $out.said; exit $$status",
        "  depfile = $out.d",
        "  deps = gcc",
        "rule link",
        f"  command = $cc {KERNEL_LINK} -T {_escaped(KERNEL / 'kernel.ld')} -o $out $in -lgcc",
    ]
    objects: List[str] = []
    for part in configuration.parts:
        if part.prebuilt:
            objects.append(_escaped(part.path))
            continue
        staged = stage(part, directory)
        output = _escaped(directory / "objects" / part.lab.folder / part.task.object_name)
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
    objects = [_escaped(_base_object(source)) for source in kernel_sources()] + objects
    probes = [_escaped(_base_object(source)) for source in probe_sources(configuration.lab)]
    kernels = [(configuration.kernel, objects)]
    if probes:
        kernels.append((configuration.probe, objects + probes))
    for kernel, inputs in kernels:
        script = _escaped(KERNEL / "kernel.ld")
        lines.append(f"build {_escaped(kernel)}: link {' '.join(inputs)} | {script}")
    return "\n".join(lines) + "\n"


def _inputs(configuration: Configuration) -> List[Path]:
    """What building a configuration reads, beside its own directory and the tools."""
    prebuilt = [part.path for part in configuration.parts if part.prebuilt]
    return [KERNEL, BASE / "kernel", *prebuilt, *configuration.extra]


_MESSAGE = re.compile(
    r"^(?P<file>[^\s:]+):(?P<line>\d+):(?:\d+:)? (?:fatal )?(?:error|Error): (?P<text>.*)$"
)
_TWICE = re.compile(r"multiple definition of [`']([^`']+)'")
_UNDEFINED = re.compile(r"undefined reference to [`']([^`']+)'")
_SLOT = re.compile(r"^(\w+)_level_(\d+)$")


def _readable(configuration: Configuration, output: str) -> str:
    """The tools' output with the names of files as the student knows them, safe to show."""
    output = check.readable(output)
    output = output.replace(f"{configuration.directory}/", "").replace(f"{ROOT}/", "")
    kept = [
        line
        for line in output.splitlines()
        if not re.match(r"^(ninja: |FAILED: |\[\d+/\d+\]|.*\bgcc\b .* -c )", line)
    ]
    return "\n".join(kept).strip()


_FAILED = re.compile(r"^FAILED: (?:\[code=\d+\] )?(\S+)")
# How the tools tell that they met a limit, each on a line of its own.
_LIMITS = (
    (
        re.compile(
            r"out of memory allocating|virtual memory exhausted|memory exhausted$|bad_alloc"
        ),
        f"the compiler needed more than {COMPILER_MEMORY >> 20} MiB of memory",
    ),
    (
        re.compile(r"File size limit exceeded|[Ff]ile too large"),
        f"the compiler wrote a file of more than {COMPILER_FILE >> 20} MiB",
    ),
    (
        re.compile(r"CPU time limit exceeded|Killed signal terminated program"),
        f"the compiler needed more than {COMPILER_SECONDS} s",
    ),
)
_FROM_A_TOOL = re.compile(r"^(/\S*/)?[\w-]*(cc1|as|ld|gcc|collect2)(: | *$)|^Fatal error: ")


def _limit_met(configuration: Configuration, output: str) -> Optional[BuildFailure]:
    """The failure of a part that the compiler could not compile within its limits."""
    names = {
        f"{part.lab.folder}/{part.task.object_name}": shown(part.path)
        for part in configuration.parts
    }
    where = ""
    for line in output.splitlines():
        failed = _FAILED.match(line)
        if failed:
            where = next((names[name] for name in names if failed[1].endswith("/" + name)), "")
        elif _FROM_A_TOOL.match(line):
            for sign, what in _LIMITS:
                if sign.search(line):
                    text = f"does not build: {where + ': ' if where else ''}{what}"
                    return BuildFailure(text, [], _readable(configuration, output))
    return None


def _explain(configuration: Configuration, output: str) -> BuildFailure:
    """Turn the tools' output into a failure that people can act on."""
    over = _limit_met(configuration, output)
    if over:
        return over
    text = _readable(configuration, output)
    diagnostics = [
        Diagnostic(match["file"], int(match["line"]), match["text"])
        for match in map(_MESSAGE.match, text.splitlines())
        if match
    ]
    if not diagnostics:
        for name in dict.fromkeys(_TWICE.findall(text)):
            slot = _SLOT.match(name)
            if slot:
                what = f"slot {slot[1]} is provided twice at level {slot[2]}"
            elif name.startswith("syscall_"):
                what = f"system call {name[len('syscall_'):]} is provided twice"
            else:
                what = f"{name} is defined twice: the given kernel has it already"
            diagnostics.append(Diagnostic("", 0, what))
        for name in dict.fromkeys(_UNDEFINED.findall(text)):
            diagnostics.append(Diagnostic("", 0, f"{name} is used but defined nowhere"))
    if diagnostics:
        first = diagnostics[0]
        place = f"{first.file}:{first.line}: " if first.file else ""
        summary = f"does not build: {place}{first.message}"
    else:
        summary = "does not build: " + (text.splitlines() or ["the tools gave no reason"])[-1]
    return BuildFailure(summary, diagnostics, text)


# Directives that read files, or that change what a directive looks like.  As the assembler has many
# ways to write a name (macros, quotes, MRI mode), this is for the message; what counts is the
# assembler's own record of what it has read.
_FORBIDDEN = re.compile(r"\.(incbin|include|altmacro|mri)\b", re.IGNORECASE)


def _forbidden_directive(part: Part, objects: Path) -> Optional[BuildFailure]:
    """The failure of a part that names a directive that no part may use."""
    assembly = (objects / part.lab.folder / part.task.object_name).with_suffix(".s")
    text = assembly.read_text(errors="replace") if assembly.is_file() else ""
    found = _FORBIDDEN.search(text)
    if not found:
        return None
    return BuildFailure(f"{shown(part.path)}: .{found[1].lower()} is not allowed in a part")


def _files_read(output: Path) -> List[str]:
    """What the assembler read to make an object, besides what the compiler had written for it.

    It says so in a rule for make: "/path/x.o: x.c /path/x.s file…".  The name without a directory
    is from the `.file` that the compiler writes; where the assembler runs there is no such file.
    """
    record = output.with_name(output.name + ".read").read_text(errors="replace")
    _, *words = record.replace("\\\n", " ").split()
    own = {str(output.with_suffix(".s")), output.stem + ".c", output.stem + ".i"}
    return [word for word in words if word not in own]


def _check_part(configuration: Configuration, part: Part, objects: Path) -> None:
    """Refuse what a part may not contain: files of the machine pulled in by the assembler, and in
    the trampoline's pieces anything that would break when they run at another address."""
    name = shown(part.path)
    output = objects / part.lab.folder / part.task.object_name
    forbidden = _forbidden_directive(part, objects)
    if forbidden:
        raise forbidden
    files = _files_read(output)
    if files:
        raise BuildFailure(f"{name}: a part may not read files with the assembler: {files[0]}")
    if part.task.through:
        from grader.symbols import relocations_beyond

        label = Path(part.task.through).stem
        found_symbols = relocations_beyond(output, f"{label}_begin", f"{label}_end")
        if found_symbols:
            raise BuildFailure(
                f"{name}: refers to {', '.join(found_symbols)}; this code runs at another address"
                " from lab 3 on, and may use only registers and a0"
            )


def _check_names(configuration: Configuration, objects: Path) -> None:
    """Refuse a part that has to do with what only the labs' probes have (a weak definition would link to
    theirs: it could write a probe's result itself), or that takes a level which is not its lab's.
    """
    own = {
        str(objects / part.lab.folder / part.task.object_name): part
        for part in configuration.parts
        if not part.prebuilt
    }
    if not own:
        return
    said = subprocess.run(
        [cross() + "nm", "--print-file-name", *own],
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        check=True,
    ).stdout
    for match in re.finditer(
        r"^(.*):[0-9a-f]* +(?:\w (probe_\w+)|R \w+_level_(\d+))$", said, re.MULTILINE
    ):
        part = own[match[1]]
        if match[2]:
            raise BuildFailure(
                f"{shown(part.path)}: {match[2]}: names that begin with probe_ are the probes', which"
                " look at a part from outside"
            )
        if int(match[3]) != part.lab.number:
            raise BuildFailure(
                f"{shown(part.path)}: PROVIDE(…, {match[3]}, …): a part of lab {part.lab.number} serves at level"
                f" {part.lab.number}"
            )


def build(configuration: Configuration, jobs: Optional[int] = None) -> Path:
    """Bring a configuration's kernel up to date and return it; BuildFailure when it cannot be.

    jobs: how many compilers at once; None lets ninja choose.
    """
    build_base()
    directory = configuration.directory
    with _locked(directory):
        _write_if_changed(directory / "build.ninja", _configuration_ninja(configuration))
        done = _ninja(directory, jobs, _inputs(configuration))
        objects = directory / "objects"
        if done.returncode != 0:
            # Before what the assembler says, which may quote the file that it was to read.
            for part in configuration.parts:
                forbidden = None if part.prebuilt else _forbidden_directive(part, objects)
                if forbidden:
                    raise forbidden
            raise _explain(configuration, done.stdout)
        stamp = directory / "checked"
        # Checked since it was built, and by the checks that there are now.
        newest = max(path.stat().st_mtime_ns for path in (configuration.kernel, Path(__file__)))
        if not (stamp.is_file() and stamp.stat().st_mtime_ns >= newest):
            for part in configuration.parts:
                if not part.prebuilt:
                    _check_part(configuration, part, objects)
            _check_names(configuration, objects)
            stamp.touch()
    return configuration.kernel


_WARNING = re.compile(r"^(?P<place>[^\s:]+:\d+):\d+: warning: (?P<text>.*)$")


def warnings(configuration: Configuration) -> List[str]:
    """What the compiler warned of in the student's parts: "file:line: text"."""
    found: List[str] = []
    for part in configuration.parts:
        if part.prebuilt or part.given:
            continue
        objects = configuration.directory / "objects" / part.lab.folder
        said = objects / (part.task.object_name + ".said")
        text = said.read_bytes()[:SAID_BYTES_MAX] if said.is_file() else b""
        readable = check.readable(text).replace(f"{ROOT}/", "")
        matches = filter(None, map(_WARNING.match, readable.splitlines()))
        found += [f"{match['place']}: {match['text']}" for match in matches]
    return found


def unknown_files(lab: Lab, solutions: Path) -> List[str]:
    """Files beside the parts that look like parts and are not used: a wrong name, most likely."""
    directory = intake.lab_directory(lab, solutions)
    wanted: Set[str] = intake.expected_names(lab, solutions)
    if directory == solutions or not directory.is_dir():
        return []
    return sorted(
        check.readable(shown(path))
        for path in directory.iterdir()
        if path.suffix.lower() in (".c", ".s", ".h")
        and path.name not in wanted
        and not intake.is_foreign(path.name)
    )
