"""The result model, and its files: results.json (docs/results.schema.json) and junit.xml.

Everything else that shows results is made from this.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional
from xml.etree import ElementTree

from grader import blame, bounded
from grader.build import Diagnostic

PREVIOUS_MAX = 16 << 20  # bytes of an earlier results.json
PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


@dataclass
class TestResult:
    """One test's verdict.

    status: passed, failed or "not run"; outcome: what happened, in a few words (machine.Outcome's,
    "wrong result", "does not build", "blocked", …); points: what the task keeps, which may be all of them where others are at
    fault; blame: the ids of the tasks that are at fault for it (blame.py); alone: what is told here is about a kernel in
    which the reference stands in for all other tasks; rerun: the command that shows it again; picture:
    a drawing of who ran when (grader/timeline.py), where there is one; challenge: its points are beyond
    the lab's 100.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    id: str
    task: str
    title: str
    points: int
    max_points: int
    status: str
    outcome: str = ""
    what: str = ""
    expected: str = ""
    actual: str = ""
    hint: str = ""
    rerun: str = ""
    klog: str = ""
    ran: str = ""
    picture: str = ""
    challenge: bool = False
    seconds: float = 0.0
    blame: List[str] = field(default_factory=list)
    alone: bool = False

    @property
    def fails_through_others(self) -> bool:
        """Has it been found out that its own task is not at fault?"""
        return bool(self.blame) and self.task not in self.blame


@dataclass
class LabResult:
    """A lab's verdict.  failure: why it does not build, else ""; not_graded: why there is no verdict, else ""; notes:
    what to know besides; questions: what an instructor may want to ask, without effect on the score; bonus: the points of
    challenges, which are in no score; charged: what each task has lost, by its id, for its own tests and for those of other
    tasks that fail through its fault."""

    lab: str
    number: int
    title: str
    score: int
    max_score: int
    tests: List[TestResult]
    failure: str = ""
    diagnostics: List[Diagnostic] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    questions: List[str] = field(default_factory=list)
    bonus: int = 0
    max_bonus: int = 0
    not_graded: str = ""
    charged: Dict[str, int] = field(default_factory=dict)

    def add_up(self) -> None:
        """Work out charges, score and bonus from the tests."""
        own: Dict[str, int] = {}
        challenges = {test.task for test in self.tests if test.challenge}
        for test in self.tests:
            own[test.task] = own.get(test.task, 0) + test.max_points
        lost = []
        for test in self.tests:
            at_fault = test.blame or ([test.task] if test.points < test.max_points else [])
            # What is beyond the lab's 100 points costs none of them.
            lost.append(
                (
                    test.max_points,
                    [each for each in at_fault if not test.challenge or each in challenges],
                )
            )
        self.charged = blame.charges(own, lost)
        self.max_score = sum(points for task, points in own.items() if task not in challenges)
        self.max_bonus = sum(points for task, points in own.items() if task in challenges)
        beyond = sum(points for task, points in self.charged.items() if task in challenges)
        self.bonus = self.max_bonus - beyond
        self.score = self.max_score - (sum(self.charged.values()) - beyond)

    def points(self, task: str) -> int:
        """What a task has in the end."""
        full = sum(test.max_points for test in self.tests if test.task == task)
        return full - self.charged.get(task, 0)


@dataclass
class Results:
    """A whole grade.  solutions: whose, a path or "reference"; seed: as given or drawn, None for each lab's
    own; sandbox: how "compiler" and "machine" were held (sandbox.how()); runs: how many machines were "booted", and how
    many runs were "kept" ones (store.py)."""

    labs: List[LabResult]
    solutions: str
    seed: Optional[int]
    versions: Dict[str, str]
    interrupted: bool = False
    sandbox: Dict[str, str] = field(default_factory=dict)
    runs: Dict[str, int] = field(default_factory=lambda: {"booted": 0, "kept": 0})

    @property
    def score(self) -> int:
        return sum(lab.score for lab in self.labs)

    @property
    def max_score(self) -> int:
        return sum(lab.max_score for lab in self.labs)

    @property
    def not_graded(self) -> List[LabResult]:
        """The labs that there is no verdict on: the host or the grader has failed."""
        return [lab for lab in self.labs if lab.not_graded]

    @property
    def digest(self) -> str:
        """A fingerprint of the verdicts: the same for two grades exactly when each test's status,
        points, outcome and blame are."""
        verdicts = [
            [
                lab.lab,
                lab.failure,
                *(["not graded"] if lab.not_graded else []),
                [[t.id, t.status, t.outcome, t.points, t.max_points, t.blame] for t in lab.tests],
            ]
            for lab in self.labs
        ]
        return hashlib.sha256(json.dumps(verdicts, ensure_ascii=True).encode()).hexdigest()

    def to_json(self) -> str:
        """The content of results.json."""
        data = {
            "schema": "rung/results/v1",
            "score": self.score,
            "max_score": self.max_score,
            "digest": self.digest,
            "solutions": self.solutions,
            "seed": self.seed,
            "interrupted": self.interrupted,
            "not_graded": [lab.lab for lab in self.not_graded],
            "versions": self.versions,
            "sandbox": self.sandbox,
            "runs": self.runs,
            "labs": [asdict(lab) for lab in self.labs],
        }
        return json.dumps(data, indent=1) + "\n"

    def to_junit(self) -> str:
        """The content of junit.xml; points are properties of each case."""
        suites = ElementTree.Element("testsuites")
        for lab in self.labs:
            suite = ElementTree.SubElement(
                suites,
                "testsuite",
                name=lab.lab,
                tests=str(len(lab.tests)),
                failures=str(sum(t.status == FAILED for t in lab.tests)),
                errors=str(int(bool(lab.not_graded))),
                skipped=str(sum(t.status == NOT_RUN for t in lab.tests)),
                time=f"{sum(t.seconds for t in lab.tests):.3f}",
            )
            if lab.not_graded:
                case = ElementTree.SubElement(suite, "testcase", name=lab.lab, classname=lab.lab)
                ElementTree.SubElement(case, "error", message=_xml_text(lab.not_graded))
            for test in lab.tests:
                case = ElementTree.SubElement(
                    suite,
                    "testcase",
                    name=test.id,
                    classname=f"{lab.lab}.{test.task}",
                    time=f"{test.seconds:.3f}",
                )
                properties = ElementTree.SubElement(case, "properties")
                facts = [("points", str(test.points)), ("max_points", str(test.max_points))]
                for name, value in [*facts, *(("blame", task) for task in test.blame)]:
                    ElementTree.SubElement(properties, "property", name=name, value=value)
                if test.status == FAILED:
                    failure = ElementTree.SubElement(
                        case, "failure", message=_xml_text(f"{test.outcome}: {test.what}")
                    )
                    failure.text = _xml_text(
                        f"expected:\n{test.expected}\nactual:\n{test.actual}\nhint: {test.hint}"
                    )
                elif test.status == NOT_RUN:
                    ElementTree.SubElement(case, "skipped", message=_xml_text(test.what))
        ElementTree.indent(suites)
        body = ElementTree.tostring(suites, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _xml_text(text: str) -> str:
    """Without the characters that XML 1.0 forbids."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def earlier(path: Path) -> object:
    """What an earlier results.json holds; None when there is none to read."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(PREVIOUS_MAX).decode())
    except (OSError, ValueError, RecursionError):
        return None


def statuses(data: Any, solutions: str) -> Dict[str, str]:
    """The statuses of earlier results by "lab/test"; none when they are about other solutions, or not ours."""
    try:
        if data["solutions"] != solutions:
            return {}
        return {
            f"{lab['lab']}/{test['id']}": str(test["status"])
            for lab in data["labs"]
            if not lab.get("not_graded")
            for test in lab["tests"]
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}


def previous(path: Path, solutions: str) -> Dict[str, str]:
    """The statuses of an earlier results.json."""
    return statuses(earlier(path), solutions)


FILES = ("results.json", "junit.xml")


def remove(directory: Path) -> None:
    """Take the results of an earlier grade away: should this one fail, they must not be taken for its own.  Raises
    OSError when the directory cannot be used, before any work is done."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with contextlib.suppress(FileNotFoundError):
            (directory / name).unlink()


def write(results: Results, directory: Path) -> None:
    """Write both files; each appears whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in zip(FILES, (results.to_json(), results.to_junit())):
        bounded.write(directory / name, text.encode("utf-8", "backslashreplace"))
