"""The result model, and its files: results.json (docs/results.schema.json) and junit.xml.

Everything else that shows results is made from this.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, List, Optional
from xml.etree import ElementTree

from grader.build import Diagnostic

PASSED, FAILED, NOT_RUN = "passed", "failed", "not run"


@dataclass
class TestResult:
    """One test's verdict.

    status: passed, failed or "not run"; outcome: what happened, in a few words (machine.Outcome's,
    "wrong result", "does not build", "blocked", …); rerun: the command that shows it again; picture:
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


@dataclass
class LabResult:
    """A lab's verdict.  failure: why it does not build, else ""; notes: what to know besides; questions: what an
    instructor may want to ask, without effect on the score; bonus: the points of challenges, which are in no score.
    """

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

    def add_up(self) -> None:
        """Work out score and bonus from the tests."""
        counted = [test for test in self.tests if not test.challenge]
        beyond = [test for test in self.tests if test.challenge]
        self.score = sum(test.points for test in counted)
        self.max_score = sum(test.max_points for test in counted)
        self.bonus = sum(test.points for test in beyond)
        self.max_bonus = sum(test.max_points for test in beyond)


@dataclass
class Results:
    """A whole grade.  solutions: whose, a path or "reference"; seed: as given or drawn, None for each
    lab's own."""

    labs: List[LabResult]
    solutions: str
    seed: Optional[int]
    versions: Dict[str, str]
    interrupted: bool = False

    @property
    def score(self) -> int:
        return sum(lab.score for lab in self.labs)

    @property
    def max_score(self) -> int:
        return sum(lab.max_score for lab in self.labs)

    @property
    def digest(self) -> str:
        """A fingerprint of the verdicts: the same for two grades exactly when each test's status,
        points and outcome are."""
        verdicts = [
            [
                lab.lab,
                lab.failure,
                [[t.id, t.status, t.outcome, t.points, t.max_points] for t in lab.tests],
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
            "versions": self.versions,
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
                errors="0",
                skipped=str(sum(t.status == NOT_RUN for t in lab.tests)),
                time=f"{sum(t.seconds for t in lab.tests):.3f}",
            )
            for test in lab.tests:
                case = ElementTree.SubElement(
                    suite,
                    "testcase",
                    name=test.id,
                    classname=f"{lab.lab}.{test.task}",
                    time=f"{test.seconds:.3f}",
                )
                properties = ElementTree.SubElement(case, "properties")
                for name in ("points", "max_points"):
                    value = str(getattr(test, name))
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


def previous(path: Path, solutions: str) -> Dict[str, str]:
    """The statuses of an earlier results.json by "lab/test"; empty when there is none to read, or
    it is about other solutions."""
    try:
        data = json.loads(path.read_text())
        if data["solutions"] != solutions:
            return {}
        return {
            f"{lab['lab']}/{t['id']}": t["status"] for lab in data["labs"] for t in lab["tests"]
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write(results: Results, directory: Path) -> None:
    """Write both files; each appears whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in (("results.json", results.to_json()), ("junit.xml", results.to_junit())):
        temporary = directory / (name + ".new")
        temporary.write_text(text)
        temporary.replace(directory / name)
