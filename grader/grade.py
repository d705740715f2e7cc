"""Grading: choose parts, build, run the tests, collect the verdict."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import functools
import importlib
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from grader import bounded, build, check, intake, likeness, sandbox, store
from grader.blame import Replaced
from grader.build import BuildFailure, Configuration, Part
from grader.judge import Evidence
from grader.labs import Lab, Task, all_labs, find_lab
from grader.paths import BUILD, SOLUTIONS, TEMPLATE, GraderCrashed, GraderError, GraderGaveUp, shown
from grader.paths import keep_trace
from grader.results import LabResult, Results, TestResult
from grader.submission import Submission

RESULTS = BUILD / "grade"
WARNINGS_SHOWN = 5
UNKNOWN_FILES_SHOWN = 3
VERSION_MAX = 4 << 10
VERSION_SECONDS = 60

Progress = Callable[[Lab, TestResult, int, int], None]


@dataclass(frozen=True)
class Options:
    """What `make grade` was asked for.

    solutions: a directory, or None for the reference; given: task ids that come from the reference;
    pattern, basic: see plugin.Selection; seed: None for each lab's own; workers: tests at once.
    explains: somebody reads why tests fail.  on: the lab whose kernel the tests run on, None for each lab's own.
    """

    solutions: Optional[Path] = SOLUTIONS
    given: FrozenSet[str] = frozenset()
    pattern: str = "*"
    basic: bool = False
    seed: Optional[int] = None
    workers: int = 2
    explains: bool = True
    on: Optional[Lab] = None


def parse_solutions(text: str) -> Optional[Path]:
    """SOLUTIONS=…: a directory, or "reference" (None)."""
    if text == "reference":
        return None
    path = Path(text).absolute()
    if not path.is_dir():
        if path.is_file():
            raise GraderError(
                f"SOLUTIONS={text}: that is a file: unpack it, and name the directory"
            )
        raise GraderError(f"SOLUTIONS={text}: there is no such directory; `make start` creates one")
    home = intake.find(path)
    if home != path:
        print(f"rung: note: the files of the labs are in {shown(home)}", file=sys.stderr)
    return home


def parse_with(text: str) -> FrozenSet[str]:
    """WITH=reference:1 (a lab) or reference:1.3 (a task), several separated by commas."""
    chosen: Set[str] = set()
    for word in filter(None, re.split(r"[,\s]+", text)):
        match = re.fullmatch(r"reference:(\d+)(?:\.(\d+))?", word)
        if not match:
            raise GraderError(f"WITH={word}: say reference:1 for a lab or reference:1.3 for a task")
        lab = find_lab(match[1])
        tasks = [lab.task(f"{match[1]}.{match[2]}")] if match[2] else list(lab.tasks)
        chosen.update(task.id for task in tasks)
    return frozenset(chosen)


def _chosen_part(lab: Lab, task: Task, options: Options, given: FrozenSet[str]) -> Part:
    """The part for a task; BuildFailure when a file of the student's cannot be used."""
    if options.solutions is None:
        part = build.reference_part(lab, task, given=False)
    elif task.id in given:
        part = build.reference_part(lab, task, given=True)
    else:
        part = build.find_part(lab, task, options.solutions, given=False)
    return build.as_built(part)


def configuration(lab: Lab, options: Options, extra: Sequence[Path] = ()) -> Configuration:
    """What to link for a lab's tests: the parts of labs 1 to this one.

    extra: C files of a test's own.  Raises BuildFailure when a file of the student's cannot be used.
    """
    parts: List[Part] = []
    for each in _labs_up_to(options.on or lab):
        given = given_tasks(each, options)
        parts += [_chosen_part(each, task, options, given) for task in each.tasks]
    return Configuration(lab, tuple(parts), tuple(extra))


def _labs_up_to(lab: Lab) -> List[Lab]:
    return [each for each in all_labs() if each.number <= lab.number]


def submission(lab: Lab, options: Options) -> Submission:
    """What to judge a lab by: as configuration(), with the reference's part where a file cannot be used."""
    parts: List[Part] = []
    broken: Dict[str, str] = {}
    unwritten: Set[str] = set()
    for each in _labs_up_to(options.on or lab):
        given = given_tasks(each, options)
        if options.solutions:
            unwritten |= untouched_tasks(each, options.solutions) - given
        for task in each.tasks:
            try:
                part = _chosen_part(each, task, options, given)
                build.check_text(part)
            except BuildFailure as failure:
                broken[task.id] = failure.text
                part = build.reference_part(each, task, given=True)
            parts.append(part)
    return Submission(lab, tuple(parts), broken, frozenset(unwritten))


def run_pytest(lab: Lab, plugin: object) -> None:
    """Run a lab's test files under our plugin, in this process.  Raises GraderError when pytest does not."""
    before = dict(os.environ)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):  # whoever set them meant tests of their own
        os.environ.pop(name, None)
    import pytest

    files = [str(path) for path in sorted(lab.directory.glob("test_*.py"))]
    arguments = [*files, "-c", os.devnull, f"--rootdir={lab.directory}", "-p", "no:cacheprovider"]
    arguments += ["--import-mode=importlib", "-q", "--no-header", "--no-summary"]
    arguments += ["-p", "no:logging", "-p", "no:junitxml", "-p", "no:doctest", "-p", "no:unittest"]
    try:
        with open(os.devnull, "w") as nowhere:
            with contextlib.redirect_stdout(nowhere):
                status = pytest.main(arguments, plugins=[plugin])
    finally:
        os.environ.clear()
        os.environ.update(before)
    if status in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise GraderError(f"pytest cannot run the tests of lab {lab.name} (its status: {status})")


def _again(options: Options) -> str:
    """The words behind `make grade LAB= TEST=` that run a test under the same conditions."""
    words = (
        [f"SOLUTIONS={shown(options.solutions)}"] if options.solutions else ["SOLUTIONS=reference"]
    )
    if options.solutions == SOLUTIONS:
        words = []
    whole = [lab for lab in all_labs() if {task.id for task in lab.tasks} <= options.given]
    inside = {task.id for lab in whole for task in lab.tasks}
    given = [str(lab.number) for lab in whole] + sorted(options.given - inside)
    if given:
        words.append("WITH=" + ",".join(f"reference:{each}" for each in given))
    if options.on is not None:
        words.append(f"ON={options.on.name}")
    if options.seed is not None:
        words.append(f"SEED={options.seed}")
    return "".join(f" {word}" for word in words)


def run_tests(
    lab: Lab,
    options: Options,
    kernel_of: Optional[Callable[[Replaced], Path]] = None,
    evidence: Evidence = Evidence(),
    progress: Optional[Progress] = None,
) -> Tuple[List[TestResult], bool]:
    """The verdicts on kernels, see plugin.Plugin, or blank ones without a kernel; and whether ^C came."""
    from grader.plugin import Plugin, Selection

    seed = lab.seed if options.seed is None else options.seed
    plugin = Plugin(
        lab=lab,
        kernel_of=kernel_of,
        evidence=evidence,
        explains=options.explains,
        selection=Selection(
            seed,
            options.pattern,
            options.basic,
            on=options.on.name if options.on else "",
        ),
        workers=options.workers,
        given_tasks=given_tasks(lab, options),
        options=_again(options),
    )
    if progress:
        plugin.on_result = functools.partial(progress, lab)
    run_pytest(lab, plugin)
    if plugin.error:
        raise plugin.error
    return plugin.results, plugin.interrupted


def lent_notes(lab: Lab, options: Options) -> List[str]:
    """For labs before this one that a student has not done: how to go on without them."""
    notes = []
    for each in all_labs():
        if options.solutions is None or each.number >= lab.number:
            continue
        missing = untouched_tasks(each, options.solutions) - options.given
        if missing:
            lent = f"reference:{each.number}"
            if len(missing) < len(each.tasks):
                lent = ",".join(f"reference:{task_id}" for task_id in sorted(missing))
            notes.append(
                f"lab {each.number} is not finished ({', '.join(sorted(missing))}), and this lab"
                f" stands on it: WITH={lent} lends you ours"
            )
    return notes


def _unknown_notes(names: Sequence[str]) -> List[str]:
    """Notes on files that were not used: the first few, and how many more there are."""
    notes = [
        f"{name} is not one of the lab's files and was not used"
        for name in names[:UNKNOWN_FILES_SHOWN]
    ]
    more = len(names) - len(notes)
    if more > 0:
        notes.append(f"{more:,} more files are not the lab's and were not used")
    return notes


def grade_lab(
    lab: Lab, options: Options, progress: Optional[Progress] = None
) -> Tuple[LabResult, bool]:
    """Grade one lab.  A file that does not build costs its task's points, and the result says why."""
    result = LabResult(lab.name, lab.number, lab.title, 0, 0, [])
    if options.solutions:
        result.notes = _unknown_notes(build.unknown_files(lab, options.solutions))
        result.notes += intake.notes(lab, options.solutions)
        result.notes += lent_notes(lab, options)
        result.notes += [
            f"task {task_id} is lent to you until you begin it: tests of the tasks before it need it"
            for task_id in sorted(given_tasks(lab, options) - options.given)
        ]
    judged = submission(lab, options)
    judged.build()
    if judged.failure:
        result.diagnostics = judged.failure.diagnostics
    own = {task.id for task in lab.tasks}
    result.failure = next((why for task, why in judged.broken.items() if task in own), "")
    result.notes += [
        f"task {task}, of another lab, is graded with our file in place of yours: {why}"
        for task, why in judged.broken.items()
        if task not in own
    ]
    warned = build.warnings(judged.configuration)
    result.notes += [f"the compiler warns: {text}" for text in warned[:WARNINGS_SHOWN]]
    if options.solutions:
        result.questions = likeness.questions(judged.configuration, lab, judged.broken)
    result.tests, interrupted = run_tests(lab, options, judged.kernel, judged.evidence(), progress)
    result.add_up()
    return result, interrupted


def untouched_tasks(lab: Lab, solutions: Path) -> Set[str]:
    """The ids of the tasks whose file is still the starter's, or is not there at all."""
    untouched = set()
    for task in lab.tasks:
        theirs = intake.part_path(lab, task, solutions)
        starter = TEMPLATE / lab.folder / task.file
        try:
            content = bounded.read_file(theirs, build.PART_BYTES_MAX, solutions)
            if intake.same_text(content, starter.read_bytes()):
                untouched.add(task.id)
        except bounded.NotUsable:
            # What is there and cannot be used the build will name.
            if not (theirs.exists() or theirs.is_symlink()):
                untouched.add(task.id)
    return untouched


def given_tasks(lab: Lab, options: Options) -> FrozenSet[str]:
    """The ids of a lab's tasks that come from the reference, though the others are a student's: those asked for, and
    those that are lent until they are begun."""
    asked = options.given & {task.id for task in lab.tasks}
    lent = {task.id for task in lab.tasks if task.lent}
    if options.solutions is None or not lent:
        return asked
    return asked | (lent & untouched_tasks(lab, options.solutions))


def begun(lab: Lab, solutions: Path) -> bool:
    """Has a student changed anything in this lab?"""
    return len(untouched_tasks(lab, solutions)) < len(lab.tasks)


def choose_labs(wanted: str, options: Options) -> List[Lab]:
    """LAB=…: one lab, several separated by commas, or without it every lab begun (the first
    always); all of them for the reference."""
    labs = all_labs()
    if not wanted and re.match(r"\d+\.\d+$", options.pattern):
        wanted = options.pattern.split(".")[0]  # TEST=1.2 says which lab
    if wanted:
        return [find_lab(word) for word in re.split(r"[,\s]+", wanted.strip())]
    if options.solutions is None:
        return labs
    solutions = options.solutions
    return [lab for lab in labs if lab.number == 1 or begun(lab, solutions)]


def choose_kernel(on: str, wanted: str, options: Options) -> Tuple[List[Lab], Options]:
    """ON=…: the lab whose kernel is to pass the tests of the labs before it, "last" for the last one begun; without it
    each lab has its own kernel.  Returns whose tests to run, as choose_labs(), and the options for that.
    """
    if not on:
        return choose_labs(wanted, options), options
    kernel = choose_labs("", options)[-1] if on == "last" else find_lab(on)
    earlier = ",".join(lab.name for lab in all_labs() if lab.number < kernel.number)
    labs = choose_labs(wanted or earlier, options) if wanted or earlier else []
    if not labs or labs[-1].number >= kernel.number:
        raise GraderError(
            f"ON={on}: the kernel of lab {kernel.number} runs tests of labs before it"
        )
    return labs, dataclasses.replace(options, on=kernel)


def versions() -> Dict[str, str]:
    """Of the tools that a verdict could depend on."""

    def first_line(command: List[str]) -> str:
        if not shutil.which(command[0]):
            raise GraderError(f"{command[0]} is not installed: run `make setup`")
        try:
            said, _ = bounded.run(command, VERSION_MAX, VERSION_SECONDS)
        except bounded.TooLong:
            raise GraderGaveUp(f"{command[0]} does not tell its version") from None
        return bounded.one_line((said.decode(errors="replace").splitlines() or ["unknown"])[0])

    return {
        "qemu": first_line(["qemu-system-riscv64", "--version"]),
        "gcc": first_line([build.cross() + "gcc", "--version"]),
        "python": platform.python_version(),
    }


def _not_graded(lab: Lab, options: Options, error: Exception) -> LabResult:
    """The result of a lab without a verdict: the host has failed, or the grader."""
    from grader.plugin import trouble_of

    trouble = trouble_of(error)
    result = LabResult(lab.name, lab.number, lab.title, 0, 0, [])
    if isinstance(trouble, GraderCrashed):
        where = keep_trace(trouble.trace)
        result.not_graded = f"the grader failed, no points lost: {trouble}{where}"
    else:
        result.not_graded = f"the grader gave up, no points lost: {trouble}; please try again"
    with contextlib.suppress(Exception):  # what it is about would be good to know
        result.tests, _ = run_tests(lab, options)
        for test in result.tests:
            test.outcome = "not graded"
    result.add_up()
    return result


def grade(labs: Sequence[Lab], options: Options, progress: Optional[Progress] = None) -> Results:
    """Grade labs one after the other, each with its own verdict."""
    graded: List[LabResult] = []
    interrupted = False
    store.take_counts()  # those of what was done before
    with concurrent.futures.ThreadPoolExecutor() as background:
        # What takes a tenth of a second happens while the build is checked.
        known = background.submit(versions)
        background.submit(store.code_identity)
        background.submit(store.machine_identity)
        background.submit(importlib.import_module, "grader.plugin")
        for lab in labs:
            try:
                result, interrupted = grade_lab(lab, options, progress)
            except GraderError:
                raise
            except Exception as error:
                result, interrupted = _not_graded(lab, options, error), False
            graded.append(result)
            if interrupted:
                break
    solutions = check.readable(shown(options.solutions)) if options.solutions else "reference"
    tools = known.result()
    runs = store.take_counts()
    return Results(graded, solutions, options.seed, tools, interrupted, sandbox.how(), runs)
