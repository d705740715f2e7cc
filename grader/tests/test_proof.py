"""Proof that the grader is right: right kernels keep every point, whatever else is there.

That wrong ones lose theirs is the other half of `make test`: `make mutants`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Set

import pytest

from grader import mutants, template
from grader.grade import Options, run_tests
from grader.labs import Lab, all_labs
from grader.paths import TEMPLATE
from grader.results import TestResult
from grader.tests.conftest import Grade

LAB_NAMES = [each.name for each in all_labs()]
SEEDS = (100,)
MORE_SEEDS = range(101, 120)
MUTANTS_MIN, HOSTILE_MIN, ALTERNATIVES_MIN, TESTS_MIN = 15, 8, 2, 20


@pytest.fixture(autouse=True)
def runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many of these grades are of the same kernel: it need not be booted for each of them."""
    monkeypatch.setenv("RUNG_STORE", "on")


@pytest.fixture(params=all_labs(), ids=LAB_NAMES)
def lab(request: pytest.FixtureRequest) -> Lab:
    """Every lab: what is proved here holds for each."""
    return request.param  # type: ignore[no-any-return]


def before(lab: Lab) -> str:
    """For --with: the labs that this one stands on, from the reference."""
    return ",".join(f"reference:{each.number}" for each in all_labs() if each.number < lab.number)


def catalogue(lab: Lab) -> List[TestResult]:
    """A lab's tests, without running any."""
    return run_tests(lab, Options(solutions=None))[0]


def test_points_add_to_100_and_lab_toml_lists_all_tests(lab: Lab) -> None:
    tests = catalogue(lab)
    assert sum(test.max_points for test in tests if not test.challenge) == 100
    assert len(tests) >= TESTS_MIN
    listed = {task.id: list(task.tests) for task in lab.tasks}
    marked: Dict[str, List[str]] = {task.id: [] for task in lab.tasks}
    for test in tests:
        marked[test.task].append(test.id)
    assert listed == marked
    assert all(test.hint and test.max_points > 0 for test in tests)


@pytest.mark.fast
def test_reference_has_all_points(grade: Grade) -> None:
    graded = grade("reference", "--min", "100")
    assert graded.status == 0 and graded.score == 100, graded.output
    assert all(t["status"] == "passed" for t in graded.results["labs"][0]["tests"])  # type: ignore[index]


@pytest.mark.parametrize(
    "seed", [*SEEDS, *(pytest.param(s, marks=pytest.mark.deep) for s in MORE_SEEDS)]
)
def test_reference_has_all_points_under_any_seed(grade: Grade, seed: int) -> None:
    graded = grade("reference", "--seed", str(seed))
    assert graded.score == 100, graded.output


@pytest.mark.fast
def test_starter_has_its_documented_score(grade: Grade, lab: Lab) -> None:
    graded = grade(TEMPLATE)
    assert graded.score == lab.starter_score, graded.output
    assert lab.tasks[0].file in graded.output, "the report names the first file to edit"


def test_starter_scores_the_same_on_finished_labs(grade: Grade, lab: Lab) -> None:
    graded = grade(TEMPLATE, "--with", before(lab))
    assert graded.score == lab.starter_score, graded.output


@pytest.mark.fast
def test_starter_files_are_what_the_generator_makes() -> None:
    assert template.differences() == []


def test_each_task_alone_earns_its_own_points(grade: Grade, lab: Lab, solutions: Path) -> None:
    total = 0
    for task in lab.tasks:
        others = ",".join(f"reference:{other.id}" for other in lab.tasks if other != task)
        graded = grade(solutions, "--with", others)
        own = [t for t in graded.results["labs"][0]["tests"] if t["task"] == task.id]  # type: ignore[index]
        assert all(t["points"] == t["max_points"] for t in own), graded.output
        assert graded.score == sum(t["max_points"] for t in own if not t["challenge"])
        total += graded.score
    assert total == 100


def test_tasks_can_be_done_in_order(grade: Grade, lab: Lab, tmp_path: Path) -> None:
    """With tasks 1 to k done and the rest as in the starter, all points of 1 to k are there."""
    directory = tmp_path / "growing"
    shutil.copytree(TEMPLATE, directory)
    for done, task in enumerate(lab.tasks, start=1):
        shutil.copy(lab.directory / "solution" / task.file, directory / lab.folder / task.file)
        names = {each.id for each in lab.tasks[:done]}
        # What the report says of tasks that are not done is looked at half-way.
        whole = done == len(lab.tasks) // 2
        chosen = [] if whole else ["--test", ",".join(sorted(names))]
        graded = grade(directory, "--with", before(lab), *chosen)
        mine = [t for t in graded.results["labs"][0]["tests"] if t["task"] in names]  # type: ignore[index]
        assert all(t["status"] == "passed" for t in mine), graded.output
        for later in lab.tasks[done + 1 :]:
            assert f"task {later.id}, " not in graded.output, "only the next task's tests in detail"


def mixes() -> List[List[mutants.Subject]]:
    """For each lab but the first: alternatives of it on alternatives of the labs before, in so many mixes
    that each takes part."""
    found: List[List[mutants.Subject]] = []
    for lab in all_labs()[1:]:
        designs = [
            [s for s in mutants.subjects(each) if s.kind == "alternative"]
            for each in all_labs()
            if each.number <= lab.number
        ]
        for n in range(max(map(len, designs))):
            found.append([choices[n % len(choices)] for choices in designs])
    return found


MIXES = mixes()


@pytest.mark.parametrize(
    "lab, mix",
    [(mix[-1].lab, mix) for mix in MIXES],
    ids=["-".join(each.name for each in mix) for mix in MIXES],
)
def test_right_parts_of_different_labs_go_together(
    grade: Grade, lab: Lab, tmp_path: Path, mix: List[mutants.Subject]
) -> None:
    """One design in one lab, another in the next: each lab judges its own parts, and all are right.

    An alternative on the reference of the labs before is what `make mutants` grades."""
    directory = tmp_path / "mixed"
    for each in mix:
        staged = mutants.stage(each, tmp_path / each.name) / "solutions" / each.lab.folder
        shutil.copytree(staged, directory / each.lab.folder)
    assert lab is mix[-1].lab
    graded = grade(directory)
    assert graded.score == 100, graded.output


def test_there_are_enough_of_each_kind(lab: Lab) -> None:
    kinds = [subject.kind for subject in mutants.subjects(lab)]
    assert kinds.count("mutant") >= MUTANTS_MIN
    assert kinds.count("hostile") >= HOSTILE_MIN
    assert kinds.count("alternative") >= ALTERNATIVES_MIN


def test_every_test_kills_a_mutant(lab: Lab) -> None:
    killers: Set[str] = set()
    for subject in mutants.subjects(lab):
        if subject.kind == "mutant":
            killers |= subject.tests("must-fail")
    idle = {test.id for test in catalogue(lab)} - killers
    assert not idle, f"no mutant needs these tests: {sorted(idle)}"


def test_digest_is_the_same_under_load(grade: Grade) -> None:
    """A smaller form of the check in docs/writing-tests.md: a grade beside four busy loops, and one without."""

    def digest() -> str:
        graded = grade("reference", "--set", "basic", RUNG_STORE="off")
        return str(graded.results["digest"])  # type: ignore[index]

    load = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        loaded = digest()
    finally:
        for process in load:
            process.kill()
            process.wait()
    assert loaded == digest()


PAIRS = [(lab, on) for on in all_labs() for lab in all_labs() if lab.number < on.number]


@pytest.mark.parametrize("lab, on", PAIRS, ids=[f"{lab.name}-on-{on.name}" for lab, on in PAIRS])
def test_earlier_labs_tests_pass_on_every_later_kernel(grade: Grade, lab: Lab, on: Lab) -> None:
    """All but those that say why they cannot: what `make regress` shows."""
    graded = grade("reference", "--on", on.name)
    assert graded.results
    tests = graded.results["labs"][0]["tests"]
    assert tests and all(test["status"] == "passed" for test in tests), graded.output
