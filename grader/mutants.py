"""Proof that the grader tells right kernels from wrong ones.

    labs/N-name/mutants.txt            realistic bugs: each loses exactly the points it should
    labs/N-name/hostile.txt            submissions that cheat: they gain nothing, and harm nothing
    labs/N-name/alternatives/*/        other right designs: they keep every point

grader/wrong_kernels.py says what stands in the first two.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple
from typing import TypeVar

import pytest

from grader import blame, build, forked, grade, proved, wrong_kernels
from grader.build import BuildFailure, Configuration, Part
from grader.labs import Lab, all_labs, find_lab
from grader.paths import BUILD, GraderError, shown
from grader.plugin import Plugin, Selection, test_id
from grader.pool import Pool
from grader.results import FAILED, TestResult
from grader.submission import reference_objects
from grader.wrong_kernels import Entry

STAGE = BUILD / "mutants"
Order = TypeVar("Order")
Answer = TypeVar("Answer")
# Of a whole grade: a hostile submission may make each of its runs as slow as it can.
SECONDS_MAX = 1500


@dataclass
class Subject:
    """A submission whose verdict is known beforehand.

    kind: "mutant", "hostile" or "alternative"; entry: what the lab's list says of the first two; path: the list, or
    the alternative's directory."""

    lab: Lab
    kind: str
    name: str
    path: Path
    header: Dict[str, str] = field(default_factory=dict)
    entry: Optional[Entry] = None

    @property
    def id(self) -> str:
        """Unlike that of any other, in any lab."""
        return f"{self.lab.name}/{self.kind}/{self.name}"

    def tests(self, key: str) -> Set[str]:
        return {name for name in re.split(r"[,\s]+", self.header.get(key, "")) if name}


@dataclass
class Verdict:
    """How a subject fared.  problems: empty when it did what it should; runs: how many the whole grade took; seconds: of
    the host's clock, shown to whoever wants to make the proof shorter."""

    subject: Subject
    score: int
    failed: List[str]
    problems: List[str]
    runs: int = 0
    seconds: float = 0.0


def subjects(lab: Lab) -> List[Subject]:
    """All of a lab's mutants, hostile submissions and alternatives."""
    found: List[Subject] = []
    for kind, name in (("mutant", "mutants.txt"), ("hostile", "hostile.txt")):
        path = lab.directory / name
        for entry in wrong_kernels.read(path):
            found.append(Subject(lab, kind, entry.name, path, entry.header, entry))
    for path in sorted((lab.directory / "alternatives").glob("*/")):
        found.append(Subject(lab, "alternative", path.name, path))
    return found


def edited(subject: Subject) -> Dict[str, bytes]:
    """The files in which a subject differs from the reference: name -> content."""
    if subject.entry:
        return wrong_kernels.apply(subject.entry, subject.lab.directory / "solution")
    files = sorted(path for path in subject.path.iterdir() if path.suffix in (".c", ".S"))
    return {path.name: path.read_bytes() for path in files}


def stage(subject: Subject, directory: Optional[Path] = None) -> Path:
    """A directory whose `solutions` hold the subject: the reference, edited or partly replaced."""
    directory = directory or STAGE / subject.lab.folder / subject.kind / subject.name
    return _stage(subject.lab, edited(subject), directory)


def _stage(of: Lab, files: Mapping[str, bytes], directory: Path) -> Path:
    """The reference up to a lab, but for these files of that lab."""
    shutil.rmtree(directory, ignore_errors=True)
    for lab in all_labs():
        if lab.number <= of.number:
            shutil.copytree(lab.directory / "solution", directory / "solutions" / lab.folder)
    for name, content in files.items():
        (directory / "solutions" / of.folder / name).write_bytes(content)
    return directory


def grade_staged(directory: Path, lab: Lab, *options: str) -> Dict[str, Any]:
    """Grade a staged solutions directory in a process of its own; the content of results.json."""
    out = directory / "result"
    command = ["grade", "--quiet", "--lab", lab.name, "--solutions", str(directory / "solutions")]
    command += ["--out", str(out), *options]
    status, said = forked.command(command, forked.grading_environment(), SECONDS_MAX)
    if status != 0:
        raise GraderError(f"{shown(directory)} could not be graded: {said.strip()}")
    result: Dict[str, Any] = json.loads((out / "results.json").read_text())
    return result


def work_on(
    orders: Sequence[Order], work: Callable[[Order], Answer], workers: int
) -> Iterator[Tuple[Order, Answer]]:
    """Have forked workers carry out these orders; each with its answer, as they come."""
    waiting = list(reversed(orders))
    pool: Pool[Order, Answer] = Pool(work, min(workers, len(waiting)))
    try:
        yield from pool.carry_out(lambda: waiting.pop() if waiting else None)
    finally:
        pool.close()


def changed_files(subject: Subject) -> Set[str]:
    """The files that a wrong kernel changes."""
    return set(subject.entry.files) if subject.entry else set()


def own_tasks(subject: Subject) -> Set[str]:
    """The ids of the tasks whose file a wrong kernel changes."""
    changed = changed_files(subject)
    return {task.id for task in subject.lab.tasks if task.file in changed}


# ---- one by one, by the whole grade ----------------------------------------------------------


def judge(subject: Subject, result: Dict[str, Any]) -> Verdict:
    """Compare a whole grade with what is known of the subject.

    A wrong kernel loses what must fail, nothing of a task that it does not change, and its own file is named.
    """
    lab = result["labs"][0]
    tests = {test["id"]: test for test in lab["tests"]}
    failed = {name for name, test in tests.items() if test["status"] == "failed"}
    not_passed = {name for name, test in tests.items() if test["status"] != "passed"}
    if subject.kind == "alternative":
        lost = ", ".join(sorted(not_passed))
        problems = [f"a right design loses {lost}"] if lost else []
        return Verdict(subject, result["score"], sorted(failed), problems, runs_of(result))
    problems = _header_problems(subject)
    # A test that was not run for its own task's fault is lost, too.
    survived = _must_fail(subject) - not_passed
    if survived:
        problems.append("survives " + ", ".join(sorted(survived)))
    own = own_tasks(subject)
    outside = {
        task: points for task, points in lab["charged"].items() if points and task not in own
    }
    for task, points in outside.items():
        problems.append(f"{points} points of task {task} are lost, which it does not change")
    blamed = blamed_tasks(result)
    if blamed and blamed[0] not in own:
        problems.append(f"task {blamed[0]} is named first, which it does not change")
    earned = sum(test["max_points"] for test in tests.values() if test["task"] in own)
    earned -= sum(points for task, points in lab["charged"].items() if task in own)
    limit = subject.header.get("max-score")
    if limit is not None and earned > int(limit):
        problems.append(f"its own tasks earn {earned} points, more than {limit}")
    problems += _report_problems(subject, [tests[name] for name in failed])
    return Verdict(subject, result["score"], sorted(failed), problems, runs_of(result))


def runs_of(result: Dict[str, Any]) -> int:
    """How many runs of machines a grade took, kept ones included."""
    return int(result["runs"]["booted"]) + int(result["runs"]["kept"])


def blamed_tasks(result: Dict[str, Any]) -> List[str]:
    """The tasks that a grade of one lab blames, in the order in which the report names them."""
    tests = result["labs"][0]["tests"]
    return sorted({task for test in tests for task in test["blame"]}, key=blame.place)


def _must_fail(subject: Subject) -> Set[str]:
    """The tests that a wrong kernel must lose; "*" stands for those of the tasks that it changes."""
    own = own_tasks(subject)
    every = {test for task in subject.lab.tasks for test in task.tests}
    must = subject.tests("must-fail")
    if "*" in must:
        must |= {test for task in subject.lab.tasks if task.id in own for test in task.tests}
    return must & every


def _header_problems(subject: Subject) -> List[str]:
    """What is wrong with what the list says of a subject."""
    every = {test for task in subject.lab.tasks for test in task.tests}
    named = subject.tests("must-fail")
    problems = [
        f"its entry names {name}, which is no test" for name in sorted(named - every - {"*"})
    ]
    if not subject.tests("must-fail") and "max-score" not in subject.header:
        problems.append("its entry has no must-fail")
    return problems


def _report_problems(subject: Subject, failed: Sequence[Mapping[str, Any]]) -> List[str]:
    """What the reports on failed tests do not say, though they should."""
    problems = []
    texts = " ".join(f"{test['hint']} {test['actual']} {test['what']}" for test in failed)
    hint = subject.header.get("hint", "")
    if " ".join(hint.split()) not in " ".join(texts.split()):
        problems.append(f"no failing test shows: {hint}")
    outcome = subject.header.get("outcome")
    seen = sorted({test["outcome"] for test in failed})
    if outcome and outcome not in seen:
        problems.append(f"no failing test has the outcome '{outcome}' but {seen}")
    return problems


def try_subject(subject: Subject) -> Verdict:
    """Stage, grade and judge one subject, by all tests of its lab."""
    started = time.monotonic()
    try:
        verdict = judge(subject, grade_staged(stage(subject), subject.lab))
        verdict.seconds = time.monotonic() - started
        return verdict
    except GraderError as error:
        return Verdict(subject, 0, [], [str(error)])
    except subprocess.TimeoutExpired:
        return Verdict(subject, 0, [], [f"was not graded within {SECONDS_MAX} s"])


# ---- two bugs at once ------------------------------------------------------------------------


def draw_pairs(lab: Lab, count: int, seed: int) -> List[Tuple[Subject, Subject]]:
    """So many pairs of a lab's mutants that change one file each, and not the same."""
    chance = random.Random(f"{seed}/{lab.name}")
    single = [s for s in subjects(lab) if s.kind == "mutant" and len(own_tasks(s)) == 1]
    pairs: List[Tuple[Subject, Subject]] = []
    while len(pairs) < count:
        one, other = chance.sample(single, 2)
        if own_tasks(one) != own_tasks(other):
            pairs.append((one, other))
    return pairs


def try_pair(pair: Tuple[Subject, Subject]) -> List[str]:
    """What goes wrong with the blame for two bugs: nobody else may be blamed, the file that is named first has to be one
    of the two, and both have to be blamed before more than that one has been mended."""
    one, other = pair
    files = {**edited(one), **edited(other)}
    directory = STAGE / one.lab.folder / "pair" / f"{one.name}+{other.name}"
    try:
        blamed = blamed_tasks(grade_staged(_stage(one.lab, files, directory), one.lab))
        own = own_tasks(one) | own_tasks(other)
        problems = [f"task {task} is blamed, which is right" for task in blamed if task not in own]
        if not own & set(blamed):
            return [*problems, "neither is blamed"]
        left = one if own_tasks(other) & set(blamed) else other
        if blamed[0] in own and not own_tasks(left) & set(blamed):
            alone = blamed_tasks(grade_staged(stage(left), left.lab))
            if not own_tasks(left) & set(alone):
                problems.append(f"{left.name} is not blamed when the other is mended")
        return problems
    except GraderError as error:
        return [str(error)]
    except subprocess.TimeoutExpired:
        return [f"was not graded within {SECONDS_MAX} s"]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def pairs_command(lab_name: str, count: int, seed: int, workers: int) -> int:
    """`make mutants PAIRS=n SEED=s`: n pairs of each lab; 0 when the blame is right for all."""
    reference_objects()
    labs = [find_lab(lab_name)] if lab_name else all_labs()
    drawn = [pair for lab in labs for pair in draw_pairs(lab, count, seed)]
    bad = 0
    for (one, other), problems in work_on(drawn, try_pair, workers):
        bad += bool(problems)
        for problem in problems:
            print(f"✗ {one.lab.name} {one.name} and {other.name}: {problem}", flush=True)
    print(f"{len(drawn) - bad} of {len(drawn)} pairs: the blame is right")
    return 1 if bad else 0


# ---- all of a lab, by what each must lose ----------------------------------------------------


def kernel(subject: Subject) -> Path:
    """A subject's kernel: the reference's objects but for the files that it changes.  BuildFailure when it has none."""
    directory = STAGE / subject.lab.folder / subject.kind / subject.name
    changed = edited(subject)
    parts: List[Part] = []
    for lab in all_labs():
        for task in lab.tasks if lab.number <= subject.lab.number else ():
            if lab == subject.lab and task.file in changed:
                path = directory / task.file
                if not (path.is_file() and path.read_bytes() == changed[task.file]):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(changed[task.file])
            else:
                path = reference_objects() / lab.folder / task.object_name
            parts.append(Part(lab, task, path, given=False))
    return build.build(Configuration(subject.lab, tuple(parts)), jobs=1)


Failed = Dict[str, TestResult]  # by the test's id


@dataclass
class _Trial:
    """Tries each mutant of a lab on what it must lose.

    By the grader's own rules that is all there is to try: the tests of other tasks pass on the reference, so whatever
    fails is charged to the file that was changed (blame.py)."""

    subjects: Mapping[str, Subject]
    workers: int
    on_verdict: Callable[[Verdict], None]

    def conduct(self, plugin: Plugin, items: Sequence[pytest.Item]) -> None:
        """What the plugin does in place of grading."""
        index = {test_id(item): item for item in items}

        def work(name: str) -> Tuple[Verdict, Optional[Exception]]:
            return self._try(plugin, index, self.subjects[name])

        for _, (verdict, trouble) in work_on(list(self.subjects), work, self.workers):
            if trouble:
                raise trouble
            self.on_verdict(verdict)

    def _try(
        self, plugin: Plugin, index: Mapping[str, pytest.Item], subject: Subject
    ) -> Tuple[Verdict, Optional[Exception]]:
        verdict = Verdict(subject, 0, [], _header_problems(subject))
        started = time.monotonic()
        try:
            built = kernel(subject)
            failed: List[Dict[str, Any]] = []
            for test in sorted(_must_fail(subject)):
                result, trouble = plugin.run_on(index[test], built)
                if trouble:
                    return verdict, trouble
                if result.status == FAILED:
                    failed.append(dataclasses.asdict(result))
                else:
                    verdict.problems.append(f"survives {test}")
            verdict.failed += [test["id"] for test in failed]
            verdict.problems += _report_problems(subject, failed)
        except (BuildFailure, GraderError) as error:
            verdict.problems.append(str(error))
        verdict.seconds = time.monotonic() - started
        return verdict, None


def prove(
    lab: Lab, chosen: Sequence[Subject], workers: int, on_verdict: Callable[[Verdict], None]
) -> None:
    """Try these mutants of a lab, each on the tests that it must lose; on_verdict is told of each."""
    reference_objects()
    trial = _Trial({subject.name: subject for subject in chosen}, workers, on_verdict)
    plugin = Plugin(lab, None, Selection(lab.seed), workers, conduct=trial.conduct)
    grade.run_pytest(lab, plugin)
    if plugin.error:
        raise plugin.error


# ---- the command -----------------------------------------------------------------------------


class _Shown:
    """What the command prints: each verdict when all are wanted, else those with problems; and how far it is.  What is right
    is remembered."""

    def __init__(self, count: int, all_of_them: bool, before: proved.Proved):
        self.count, self.done, self.bad = count, 0, 0
        self._all, self._before = all_of_them, before
        self._out = sys.stdout  # under pytest it leads nowhere
        self._lock = threading.Lock()
        self._counts = sys.stderr.isatty()

    def __call__(self, verdict: Verdict) -> None:
        with self._lock:
            self.done += 1
            self.bad += bool(verdict.problems)
            if not verdict.problems:
                self._before.add(verdict.subject.id)
            if self._counts:
                sys.stderr.write("\r\x1b[K")
            if self._all or verdict.problems:
                self._print(verdict)
            if self._counts:
                sys.stderr.write(f"{self.done}/{self.count} ")
                sys.stderr.flush()

    def _print(self, verdict: Verdict) -> None:
        subject = verdict.subject
        lost = ", ".join(verdict.failed[:7]) or "none"
        if len(verdict.failed) > 7:
            lost += f" and {len(verdict.failed) - 7} more"
        sign = "✗" if verdict.problems else "✓"
        who = f"{subject.lab.name} {subject.kind} {subject.name}"
        lines = [f"{sign} {who} ({verdict.seconds:.1f} s): loses {lost}"]
        lines += [f"    {problem}" for problem in verdict.problems]
        print("\n".join(lines), file=self._out, flush=True)


def _print_costs(verdicts: Sequence[Verdict]) -> None:
    """For each lab: how many runs a grade of a mutant takes, as a multiple of the reference's."""
    for lab in dict.fromkeys(verdict.subject.lab for verdict in verdicts):
        right = runs_of(grade_staged(_stage(lab, {}, STAGE / lab.folder / "reference"), lab))
        found = [v for v in verdicts if v.subject.lab == lab and v.subject.kind == "mutant"]
        ratios = sorted((v.runs / right, v.subject.name) for v in found)
        if ratios:
            middle, most = ratios[len(ratios) // 2][0], ratios[-1]
            above = sum(ratio > 2 for ratio, _ in ratios)
            print(
                f"lab {lab.number}: {right} runs for the reference; for a mutant {ratios[0][0]:.2f} to"
                f" {most[0]:.2f} times that ({most[1]}), in the middle {middle:.2f}; above 2: {above}"
            )


def command(lab_name: str, only: str, workers: int, full: bool = False) -> int:
    """`make mutants`: try them all and print who killed whom; 0 when each did as its entry says.

    full: the whole grade for each mutant, too, not only the tests that it must lose.
    """
    labs = [find_lab(lab_name)] if lab_name else all_labs()
    chosen = [s for lab in labs for s in subjects(lab) if not only or only in s.name]
    if not chosen:
        raise GraderError(
            "there are no mutants here: this is the student edition, or ONLY matches none"
        )
    # Whoever names some wants to see them.
    before = proved.Proved("") if lab_name or only or full else proved.here()
    count = len(chosen)
    chosen = [subject for subject in chosen if subject.id not in before.names]
    if len(chosen) < count:
        print(f"{count - len(chosen):,} did before, on this very tree: STORE=off tries all of them")
    shown_verdicts = _Shown(len(chosen), bool(lab_name or only), before)
    reference_objects()
    whole = [subject for subject in chosen if full or subject.kind != "mutant"]
    for lab in labs:
        mutants = [s for s in chosen if s.lab == lab and s not in whole]
        if mutants:
            prove(lab, mutants, workers, shown_verdicts)
    # Hostile ones take longest: begun last, one of them would run alone at the end.
    whole.sort(key=lambda subject: subject.kind != "hostile")
    verdicts: List[Verdict] = []
    for _, verdict in work_on(whole, try_subject, workers):
        shown_verdicts(verdict)
        verdicts.append(verdict)
    before.close()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    if full:
        _print_costs(verdicts)
    if chosen:
        print(f"{len(chosen) - shown_verdicts.bad} of {len(chosen)} did as their entries say")
    return 1 if shown_verdicts.bad else 0
