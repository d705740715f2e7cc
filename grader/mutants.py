"""Proof that the grader tells right kernels from wrong ones.

    labs/N-name/mutants.txt            realistic bugs: each loses exactly the points it should
    labs/N-name/hostile.txt            submissions that cheat: they gain nothing, and harm nothing
    labs/N-name/alternatives/*/        other right designs: they keep every point

grader/wrong_kernels.py says what stands in the first two.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

from grader import wrong_kernels
from grader.labs import Lab, all_labs, find_lab
from grader.paths import BUILD, ROOT, GraderError, shown
from grader.submission import reference_objects
from grader.wrong_kernels import Entry

STAGE = BUILD / "mutants"
SECONDS_MAX = 300
SAMPLE = 8


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

    def tests(self, key: str) -> Set[str]:
        return {name for name in re.split(r"[,\s]+", self.header.get(key, "")) if name}


@dataclass
class Verdict:
    """How a subject fared.  problems: empty when it did what it should."""

    subject: Subject
    score: int
    failed: List[str]
    problems: List[str]


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
    shutil.rmtree(directory, ignore_errors=True)
    for lab in all_labs():
        if lab.number <= subject.lab.number:
            shutil.copytree(lab.directory / "solution", directory / "solutions" / lab.folder)
    for name, content in edited(subject).items():
        (directory / "solutions" / subject.lab.folder / name).write_bytes(content)
    return directory


def grade_staged(directory: Path, lab: Lab, *options: str) -> Dict[str, Any]:
    """Grade a staged solutions directory in a process of its own; the content of results.json."""
    out = directory / "result"
    command = [sys.executable, "-m", "grader", "grade", "--quiet", "--lab", lab.name]
    command += ["--solutions", str(directory / "solutions"), "--out", str(out), *options]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            "RUNG_WORKERS": "1",
            "RUNG_SEQUENCE_RUNS": "4",
            "RUNG_REFERENCE_OBJECTS": str(reference_objects()),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise GraderError(f"{shown(directory)} could not be graded: {done.stdout.strip()}")
    result: Dict[str, Any] = json.loads((out / "results.json").read_text())
    return result


def changed_files(subject: Subject) -> Set[str]:
    """The files that a wrong kernel changes."""
    return set(subject.entry.files) if subject.entry else set()


def sample(subject: Subject) -> List[str]:
    """The tests that `make test` tries on a mutant: those that its header names, those of the tasks that
    it changes, and one in SAMPLE of the others, not the same ones for each mutant.  All of them when any
    may fail and one of those, it is not said which, has to show a hint or an outcome."""
    if "*" in subject.tests("may-fail") and {"hint", "outcome"} & subject.header.keys():
        return [test for task in subject.lab.tasks for test in task.tests]
    changed = changed_files(subject)
    named = subject.tests("must-fail") | subject.tests("may-fail")
    chosen: List[str] = []
    for task in subject.lab.tasks:
        for test in task.tests:
            drawn = hashlib.sha256(f"{subject.name}/{test}".encode()).digest()[0] % SAMPLE == 0
            if drawn or test in named or task.file in changed:
                chosen.append(test)
    return chosen


def judge(subject: Subject, result: Dict[str, Any], sampled: bool = False) -> Verdict:
    """Compare a grade with what the subject's header says.  sampled: the grade is of some tests only; then it is not
    asked whether a hint is shown, or what is lost besides.

    A wrong kernel may always lose tests of a task whose file it changes, named or not.
    """
    lab = result["labs"][0]
    tests = {test["id"]: test for test in lab["tests"]}
    failed = {name for name, test in tests.items() if test["status"] == "failed"}
    not_passed = {name for name, test in tests.items() if test["status"] != "passed"}
    problems: List[str] = []
    if subject.kind == "alternative":
        if not_passed:
            problems.append("a right design loses " + ", ".join(sorted(not_passed)))
        return Verdict(subject, result["score"], sorted(failed), problems)

    must, may = subject.tests("must-fail"), subject.tests("may-fail")
    every = {test for task in subject.lab.tasks for test in task.tests}
    must = every if "*" in must else must
    may = every if "*" in may else may
    for name in sorted((must | may) - every):
        problems.append(f"its header names {name}, which is no test")
    # A test that is not run loses its points, too.  It counts where another one of these has failed itself.
    survived = must & every - (not_passed if must == every or must & failed else failed)
    if survived:
        problems.append("survives " + ", ".join(sorted(survived)))
    own = {
        test
        for task in subject.lab.tasks
        if task.file in changed_files(subject)
        for test in task.tests
    }
    beyond = failed - must - may - own
    if beyond and not sampled:
        problems.append("fails " + ", ".join(sorted(beyond)) + " too")
    if not must and "max-score" not in subject.header:
        problems.append("its header has no must-fail")
    texts = " ".join(
        f"{tests[name]['hint']} {tests[name]['actual']} {tests[name]['what']}" for name in failed
    )
    hint = subject.header.get("hint", "")
    if hint and not sampled and " ".join(hint.split()) not in " ".join(texts.split()):
        problems.append(f"no failing test shows: {hint}")
    limit = subject.header.get("max-score")
    if limit is not None and result["score"] > int(limit):
        problems.append(f"scores {result['score']}, more than {limit}")
    outcome = subject.header.get("outcome")
    if outcome and outcome not in {tests[name]["outcome"] for name in failed}:
        seen = sorted({tests[name]["outcome"] for name in failed})
        problems.append(f"no failing test has the outcome '{outcome}' but {seen}")
    return Verdict(subject, result["score"], sorted(failed), problems)


def try_subject(subject: Subject, sampled: bool = False) -> Verdict:
    """Stage, grade and judge one subject: by all tests, or a mutant by its sample of them."""
    options: List[str] = []
    if sampled and subject.kind == "mutant" and "*" not in subject.header.get("must-fail", ""):
        options = ["--required", "--test", ",".join(sample(subject))]
    try:
        return judge(subject, grade_staged(stage(subject), subject.lab, *options), bool(options))
    except GraderError as error:
        return Verdict(subject, 0, [], [str(error)])
    except subprocess.TimeoutExpired:
        return Verdict(subject, 0, [], [f"was not graded within {SECONDS_MAX} s"])


def command(lab_name: str, only: str, workers: int) -> int:
    """`make mutants`: try them all and print who killed whom; 0 when each did as its header says."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    labs = [find_lab(lab_name)] if lab_name else all_labs()
    chosen = [s for lab in labs for s in subjects(lab) if not only or only in s.name]
    if not chosen:
        raise GraderError(
            "there are no mutants here: this is the student edition, or ONLY matches none"
        )
    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, emoji=False, width=160)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "submission", "score"):
        table.add_column(title, justify="right" if title == "score" else "left", no_wrap=True)
    table.add_column("lost tests", overflow="fold")
    bad = 0
    reference_objects()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for n, verdict in enumerate(pool.map(try_subject, chosen), start=1):
            if console.is_terminal:
                sys.stderr.write(f"\r{n}/{len(chosen)} ")
            mark = Text("✗", "red") if verdict.problems else Text("✓", "green")
            lost = ", ".join(verdict.failed) or "none"
            if len(verdict.failed) > 8:
                lost = ", ".join(verdict.failed[:7]) + f" and {len(verdict.failed) - 7} more"
            words = Text.assemble(lost, *((f"\n{problem}", "red") for problem in verdict.problems))
            subject = verdict.subject
            table.add_row(mark, Text(f"{subject.kind} {subject.name}"), str(verdict.score), words)
            bad += bool(verdict.problems)
    if console.is_terminal:
        sys.stderr.write("\r")
    console.print(table)
    print(f"{len(chosen) - bad} of {len(chosen)} did as their headers say")
    return 1 if bad else 0
