"""The pytest plugin that a lab's tests run under: the markers, the `machine` fixture, and what a worker does.

Each test boots its own machines, so tests are independent and run on all cores: workers are forked after collection
(pool.py), and judge.py says which test runs next, on which kernel.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import hashlib
import random
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Generator,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

import pytest

from grader import (
    bounded,
    build,
    check,
    cpio,
    kept_verdicts,
    machine,
    probe_log,
    run,
    store,
    symbols,
    timeline,
    trace,
)
from grader import disk as disks
from grader.blame import Replaced
from grader.judge import Answer, Evidence, Judge, Order
from grader.labs import Lab
from grader.paths import BUILD, TRACE_MAX, GraderCrashed, GraderError, GraderGaveUp, shown
from grader.run import Run
from grader.pool import Pool
from grader.results import FAILED, NOT_RUN, PASSED, TestResult

MARKERS = (
    "task(id): the task whose work this test judges",
    "points(n): what it is worth, all or nothing",
    "hint(text): what a student should think of when it fails",
    "requires(*names): tests that must have passed, or this one is not run",
    "basic: belongs to SET=basic",
    "own_kernel(reason, on=labs): demands what the kernels of later labs, or of these, do otherwise, so `make regress`"
    " leaves it out there",
)

ARCHIVES = BUILD / "archives"
# MiB.  Probes count frames by having them all, and to touch one costs the host as much as thousands of instructions.
PROBE_MEMORY = 32
# Of a machine whose kernel has a space of its own, if a test does not say otherwise.  Such a kernel maps all of memory, page
# by page: with 128 MiB a boot takes a tenth longer.
SPACES_MEMORY = 64
TIMELINES = BUILD / "grade" / "timelines"


@dataclass
class Selection:
    """What to run of a lab.  pattern: TEST=…, shell wildcards over names, or a task ("1.2"), several
    separated by commas; basic: only SET=basic; on: the later lab whose kernel is under test, so without those that demand what it does otherwise.
    """

    seed: int
    pattern: str = "*"
    basic: bool = False
    on: str = ""


class Machine:
    """The `machine` fixture: boots the kernel under test with jobs, and reads what it did."""

    def __init__(self, kernel: Path, seed: int, test: str, explains: bool = True):
        self.kernel = kernel
        self.explains = explains  # why a test fails is worth further boots: somebody reads it
        self.random = random.Random(f"{seed}/{test}")
        self._identity = f"{seed}/{test}"
        self.memory: Optional[int] = None  # MiB, where nothing else is said and it is not the usual
        self.last: Optional[run.Run] = None
        self.round = ""  # of a sweep: which schedule it runs under

    def secret(self, what: str, length: int = 12) -> str:
        """A word that follows from seed and test, and that nobody can guess from the sources."""
        return hashlib.sha256(f"{self._identity}/{what}".encode()).hexdigest()[:length]

    def symbol(self, name: str, probe: bool = False) -> int:
        """The address of something in the kernel under test, or in the one with the lab's probes."""
        return symbols.address(self.kernel.with_name(build.PROBE) if probe else self.kernel, name)

    def program_region(self, name: str) -> Tuple[int, int]:
        """[start, end) of the memory that a program gets from the flat loader when it is alone."""
        linked = symbols.facts(build.program(name))
        base = (self.symbol("kernel_end") + run.KMALLOC_SIZE + run.PAGE - 1) & -run.PAGE
        return base, base + linked.end - linked.start + run.STACK_SIZE

    def boot(
        self,
        jobs: Sequence[str],
        files: Optional[Mapping[str, bytes]] = None,
        arguments: str = "",
        probe: str = "",
        checkpoints: bool = False,
        at_main: bool = False,
        kernel_stops: Sequence[str] = (),
        disk: Union[Mapping[str, bytes], bytes, Path, None] = None,
        **options: Any,
    ) -> machine.Boot:
        """The machine that run() would start, for tools that want to start it themselves."""
        kernel = self.kernel.with_name(build.PROBE) if probe else self.kernel
        if probe:
            arguments = f"{arguments} probe={probe}".strip()
            options.setdefault("memory", PROBE_MEMORY)
        elif self.memory:
            options.setdefault("memory", self.memory)
        content: Dict[str, bytes] = {"jobs": "".join(f"{job}\n" for job in jobs).encode()}
        for name in dict.fromkeys(job.split()[0] for job in jobs):
            if name in build.program_sources():
                content[f"bin/{name}"] = build.program(name).read_bytes()
        content.update(files or {})
        data = cpio.archive(content)
        path = ARCHIVES / (hashlib.sha256(data).hexdigest()[:16] + ".cpio")
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            bounded.write(path, data)
        entropy = int(self.secret("entropy", 7), 16)
        keep = [(symbols.address(kernel, "trace_ring"), trace.SIZE)]
        if probe:
            keep.append((symbols.address(kernel, run.PROBE_RESULT), 16))
            options["code"] = probe_log.code_range(kernel)
        if kernel_stops:
            options["kernel_stops"] = tuple(symbols.address(kernel, n) for n in kernel_stops)
        if checkpoints:
            stops = {self._checkpoint_of(job.split()[0], at_main) for job in jobs}
            options["checkpoints"] = tuple(sorted(each for each in stops if each))
            options["dispatch"] = symbols.address(kernel, "trap_dispatch")
            options["layout"] = symbols.address(kernel, "inspect_layout")
        if disk is not None:
            options["disk"] = _image(disk)
        return machine.Boot(
            kernel, path, arguments, entropy=entropy, keep=tuple(keep), jobs=tuple(jobs), **options
        )

    def _checkpoint_of(self, name: str, at_main: bool) -> Optional[Tuple[int, bytes]]:
        """Where a program calls the kernel from its checkpoint(), as linked, and its code there; None if it
        never does, or where its main() is, if that will do."""
        if name not in build.program_sources():
            return None
        path = build.program(name)
        facts = symbols.facts(path)
        known = "checkpoint_reached" if "checkpoint" in facts.calls else "main" if at_main else ""
        if known not in facts.symbols:
            return None
        address = facts.symbols[known]
        return address, symbols.code(path, address, machine.CODE_SIZE)

    def run(
        self,
        jobs: Sequence[str],
        files: Optional[Mapping[str, bytes]] = None,
        arguments: str = "",
        **options: Any,
    ) -> run.Run:
        """Boot the kernel with a deck of jobs and wait for its end.

        jobs: "program argument …" each; files: further files of the archive (they win over programs
        of the same name); arguments: further bootargs; options: shift, budget, memory, count,
        power_lost, clock of machine.Boot; probe: boot the kernel that the lab's probes are linked to, for this one of them,
        on a machine with PROBE_MEMORY unless memory says otherwise, as it is SPACES_MEMORY in tests where programs have spaces;
        checkpoints: have a look whenever a program is at its checkpoint() (run.checkpoints), or,
        with at_main, at the beginning of main() if it has none;
        kernel_stops: have a look whenever the kernel is at one of these symbols (run.views).
        typed: what somebody types on the console, each text when it shows something (machine.Boot); there is somebody
        only with the bootargs that go with it, see terminal.h.
        disk: the files of its disk; or the image itself, for one that image() in disk.py makes in another size,
        or one that is damaged.  The run writes to a copy: run.disk_files(), run.expect_disk_in_order().
        """
        mark = f"@{self.secret('mark')}@"
        boot = self.boot(jobs, files, f"report={mark} {arguments}".strip(), **options)
        record = machine.run(boot)
        names = {job.split()[0] for job in jobs} & set(build.program_sources())
        programs = {name: build.program(name) for name in names}
        budget = float("inf") if boot.typed else boot.budget  # it began anew with each text
        self.last = run.read(record, mark, boot.kernel, jobs, programs, budget, boot.clock)
        if boot.code:
            self.last.judge_probe(options["probe"])
        return self.last

    def sweep(
        self, jobs: Sequence[str], rounds: int = 4, arguments: str = "", budget: float = 1.0
    ) -> Iterator[Run]:
        """Run a deck several times, each with other time slices (bootargs jitter=…) and another
        length of an instruction: for verdicts that must not depend on who is interrupted where.

        budget: guest seconds beyond what booting takes.  When a check fails inside the loop, the
        report names the round's seed.
        """
        for n in range(rounds):
            jitter = f"jitter={self.secret(f'jitter {n}', 8)}"
            shift = (3, 5, 4, 6)[n % 4]
            self.round = f"{jitter}, shift {shift}"
            yield self.run(
                jobs,
                arguments=f"{jitter} {arguments}".strip(),
                shift=shift,
                budget=budget + machine.boot_seconds(shift),
            )
        self.round = ""


def _image(disk: Union[Mapping[str, bytes], bytes, Path]) -> Path:
    """The image of a disk that a test describes."""
    if isinstance(disk, Path):
        return disk
    return disks.keep(disk) if isinstance(disk, bytes) else disks.image(disk)


def _marker(item: pytest.Item, name: str) -> Optional[Any]:
    marker = item.get_closest_marker(name)
    return marker.args[0] if marker and marker.args else None


def _own_kernel(item: pytest.Item, on: str) -> bool:
    """Does a test demand what the kernel of this later lab does otherwise?"""
    marker = item.get_closest_marker("own_kernel")
    return marker is not None and on in marker.kwargs.get("on", [on])


def _title(item: pytest.Item) -> str:
    """What a test checks, as a sentence: its name without underscores."""
    words = item.name[len("test_") :].replace("_", " ")
    return words[:1].upper() + words[1:]


def test_id(item: pytest.Item) -> str:
    """A test's id: the function's name without "test_"."""
    return item.name[len("test_") :]


@dataclass(eq=False)
class Plugin:
    """One lab under test.

    kernel_of: the kernel to boot where the reference stands in for these tasks, BuildFailure if it does not build; None
    to collect only; explains: somebody reads why a test fails; conduct: what to do with the tests in place of judging that kernel.
    """

    lab: Lab
    kernel_of: Optional[Callable[[Replaced], Path]]
    selection: Selection
    workers: int
    given_tasks: FrozenSet[str] = frozenset()
    evidence: Evidence = field(default_factory=Evidence)
    explains: bool = True
    conduct: Optional[Callable[["Plugin", Sequence[pytest.Item]], None]] = None
    options: str = ""  # of `make grade`, beside LAB and TEST, to run a test again
    on_result: Callable[[TestResult, int, int], None] = lambda result, done, total: None
    results: List[TestResult] = field(default_factory=list)
    interrupted: bool = False
    trouble: Optional[Exception] = None  # in a worker: why nothing can be said of the kernel
    error: Optional[Exception] = None  # why nothing could be judged
    _kernel: Optional[Path] = None  # in a worker: what it boots
    _explains: bool = False  # in a worker: somebody reads why a test fails
    _machine: Optional[Machine] = None
    _current: Optional[TestResult] = None

    # -- pytest's hooks

    def pytest_configure(self, config: pytest.Config) -> None:
        for marker in MARKERS:
            config.addinivalue_line("markers", marker)

    @pytest.fixture
    def machine(self, request: pytest.FixtureRequest) -> Machine:
        """Boots the kernel under test."""
        assert self._kernel
        test = test_id(request.node)
        self._machine = Machine(self._kernel, self.selection.seed, test, self._explains)
        self._machine.memory = SPACES_MEMORY if run.has_spaces(self._kernel) else None
        return self._machine

    def pytest_collection_modifyitems(self, items: List[pytest.Item]) -> None:
        names = [test_id(item) for item in items]
        items.sort(key=lambda item: str(_marker(item, "task")))
        if self.selection.basic:
            items[:] = [item for item in items if item.get_closest_marker("basic")]
        if self.selection.on:
            items[:] = [item for item in items if not _own_kernel(item, self.selection.on)]
        chosen: Set[str] = set()
        for pattern in self.selection.pattern.split(","):
            pattern = pattern[len("test_") :] if pattern.startswith("test_") else pattern
            found = {
                test_id(item)
                for item in items
                if fnmatch.fnmatch(test_id(item), pattern) or _marker(item, "task") == pattern
            }
            if not found:
                self.error = GraderError(
                    f"no test of lab {self.lab.name} is called '{pattern}'"
                    f"{check.closest(pattern, names)}; there are: {', '.join(names)}"
                )
            chosen |= found
        items[:] = [item for item in items if test_id(item) in chosen]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: "pytest.CallInfo[None]"
    ) -> Generator[None, Any, None]:
        yield
        if call.when == "teardown" or self._current is None:
            return
        result = self._current
        if call.excinfo is None:
            if call.when == "call":
                result.status, result.points, result.outcome = PASSED, result.max_points, "passed"
            return
        result.status, result.points = FAILED, 0
        error = call.excinfo.value
        if isinstance(error, check.CheckFailed):
            result.what, result.outcome = error.what, error.outcome
            result.expected, result.actual = error.expected, error.actual
        elif self._is_unreadable(error):
            result.what, result.outcome = "what the run leaves can be read", "unreadable"
            result.expected = (
                "output and reports as the test's programs and the given kernel write them"
            )
            result.actual = check.shortened(check.readable(f"{type(error).__name__}: {error}"))
        else:
            self.trouble = trouble_of(error)
        ran = self._machine.last if self._machine else None
        if ran:
            result.ran = "; ".join(ran.jobs_wanted[:6]) + (
                "; …" if len(ran.jobs_wanted) > 6 else ""
            )
            if self._explains and sum(e.kind is trace.Kind.START for e in ran.events) > 1:
                path = TIMELINES / f"{result.id}.svg"
                with contextlib.suppress(GraderError):  # a ring that the kernel has overwritten
                    timeline.save(ran, path, f"{result.id}: {ran.outcome.value}")
                    result.picture = shown(path)
            if self._machine and self._machine.round:
                result.ran += f"  (with {self._machine.round})"
            result.klog = "\n".join(check.readable(line) for line in ran.klog[-10:])

    def _is_unreadable(self, error: BaseException) -> bool:
        """Is it a test of a lab that could not make anything of what a machine left?  No right kernel leads to that.
        An error anywhere else is the host's, or a bug of the grader's."""
        if not isinstance(error, (LookupError, ValueError, ArithmeticError, AssertionError)):
            return False
        frames = traceback.extract_tb(error.__traceback__)
        in_test = bool(frames) and Path(frames[-1].filename).parent == self.lab.directory
        return in_test and self._machine is not None and self._machine.last is not None

    def pytest_internalerror(self, excinfo: "pytest.ExceptionInfo[BaseException]") -> None:
        """Something of pytest's or of ours failed between tests."""
        self.error = self.error or trouble_of(excinfo.value)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            self.error = GraderError(f"the tests of lab {self.lab.name} cannot be collected")
        elif self.error is None and self.kernel_of is None and self.conduct is None:
            self.results = [self._blank(item) for item in session.items]
        elif self.error is None:
            try:
                (self.conduct or Plugin._judge)(self, session.items)
            except Exception as error:  # a fork that failed, a worker that has ended, …
                self.error = trouble_of(error)
        return True

    # -- running

    def _blank(self, item: pytest.Item) -> TestResult:
        points = _marker(item, "points") or 0
        name = test_id(item)
        return TestResult(
            id=name,
            task=str(_marker(item, "task")),
            title=_title(item),
            points=0,
            max_points=points,
            status=NOT_RUN,
            hint=_marker(item, "hint") or "",
            rerun=f"make grade LAB={self.lab.name} TEST={name}{self.options}",
            challenge=self.lab.task(str(_marker(item, "task"))).challenge,
        )

    def _run_one(self, item: pytest.Item) -> TestResult:
        """Run a test here and now, in a worker."""
        self._machine, self._current = None, self._blank(item)
        started = time.monotonic()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        self._current.seconds = round(time.monotonic() - started, 3)
        return self._current

    def _carry_out(self, items: Sequence[pytest.Item], order: Order) -> Answer:
        """In a worker: run a test on the kernel in which the reference stands in for some tasks."""
        i, replaced = order
        try:
            assert self.kernel_of
            self._explains = self.explains and not replaced
            return self.run_on(items[i], self.kernel_of(replaced))
        except build.BuildFailure as failure:
            result = self._blank(items[i])
            result.status, result.outcome, result.what = FAILED, "does not build", failure.text
            return result, None
        except Exception as error:
            return self._blank(items[i]), trouble_of(error)

    def run_on(self, item: pytest.Item, kernel: Path) -> Answer:
        """In a worker: run a test on this kernel.  Returns the verdict, and why there is none, or None."""
        self.trouble, self._kernel = None, kernel
        try:
            key = kept_verdicts.key(self.lab, test_id(item), self.selection.seed, kernel)
            kept = kept_verdicts.find(key, self._blank(item))
            if kept:
                return kept, None
            before = store.counted()
            result = self._run_one(item)
            if not self.trouble:
                kept_verdicts.keep(key, result, store.counted() - before)
            return result, self.trouble
        except Exception as error:
            return self._blank(item), trouble_of(error)

    def _judge(self, items: Sequence[pytest.Item]) -> None:
        """Run all tests on forked workers, and settle what each is worth."""
        self.results = [self._blank(item) for item in items]
        index = {test_id(item): i for i, item in enumerate(items)}
        needs: List[List[int]] = []
        for item in items:
            marker = item.get_closest_marker("requires")
            needs.append([index[name] for name in (marker.args if marker else ()) if name in index])
        pool: Pool[Order, Answer] = Pool(
            functools.partial(self._carry_out, items), min(self.workers, len(items))
        )
        judge = Judge(self.results, needs, self.given_tasks, self.evidence, pool, self.on_result)
        try:
            judge.settle()
        finally:
            pool.close()
            self.interrupted = judge.interrupted


def trouble_of(error: BaseException) -> Exception:
    """Why nothing can be said of a submission: that the host is at fault, or, with the trace, that the grader is."""
    if isinstance(error, (GraderGaveUp, GraderError, GraderCrashed)):
        return error
    what = " ".join(traceback.format_exception_only(type(error), error)[-1].split())
    if isinstance(error, (OSError, MemoryError)) or "can't start new thread" in what:
        return GraderGaveUp(bounded.one_line(what))
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return GraderCrashed(bounded.one_line(what), trace[-TRACE_MAX:])
