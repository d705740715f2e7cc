"""Who is at fault for a failed test: in worlds that are made up, and in a lab with one bug."""

from __future__ import annotations

import itertools
import random
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import blame, mutants
from grader.judge import Answer, Evidence, Judge, Order
from grader.labs import find_lab
from grader.paths import GraderCrashed
from grader.results import FAILED, NOT_RUN, PASSED, LabResult, TestResult
from grader.tests.conftest import Grade

pytestmark = pytest.mark.fast

TASKS = [f"1.{n}" for n in range(1, 8)]

# The examples are the same each time: a verdict of these tests does not change from run to run.
repeatable = settings(max_examples=200, derandomize=True, database=None, deadline=None)


def searched(
    suspects: Sequence[str], broken: Sequence[FrozenSet[str]], first: Sequence[str] = ()
) -> Tuple[Tuple[str, ...], int]:
    """What search() finds, and after how many trials.  The test passes when of each of these sets one is replaced."""
    trials: List[FrozenSet[str]] = []

    def passes(replaced: FrozenSet[str]) -> bool:
        trials.append(replaced)
        return all(one & replaced for one in broken)

    found = blame.conclude(blame.search(suspects, first), passes)
    return found, len(trials)


@pytest.mark.parametrize("culprit", TASKS)
def test_one_culprit_is_found_by_halving(culprit: str) -> None:
    found, trials = searched(TASKS, [frozenset([culprit])])
    assert found == (culprit,) and trials <= 4


@pytest.mark.parametrize("culprit", TASKS)
def test_the_culprit_of_another_test_is_tried_first(culprit: str) -> None:
    assert searched(TASKS, [frozenset([culprit])], first=[culprit]) == ((culprit,), 1)


def test_a_single_suspect_needs_no_trial() -> None:
    assert searched(["1.3"], [frozenset(["1.3"])]) == (("1.3",), 0)


@given(st.sets(st.sampled_from(TASKS), min_size=1), st.permutations(TASKS), st.data())
@repeatable
def test_all_of_several_culprits_are_found(
    culprits: Set[str], order: List[str], data: st.DataObject
) -> None:
    first = data.draw(st.lists(st.sampled_from(TASKS), max_size=3))
    found, trials = searched(order, [frozenset([task]) for task in culprits], first)
    assert set(found) == culprits
    assert list(found) == [task for task in order if task in culprits], "in the suspects' order"
    assert trials <= len(first) + 4 * len(culprits)


@given(
    st.lists(st.frozensets(st.sampled_from(TASKS), min_size=1), min_size=1, max_size=5),
    st.permutations(TASKS),
)
@repeatable
def test_what_is_found_heals_and_nothing_of_it_can_be_left_out(
    broken: List[FrozenSet[str]], order: List[str]
) -> None:
    """Also where either of two files would heal a failure: one of them is enough."""
    found = set(searched(order, broken)[0])
    assert all(one & found for one in broken)
    for task in found:
        assert not all(one & (found - {task}) for one in broken)


@pytest.mark.parametrize(
    "lost, charged",
    [
        ([], {"1.1": 0, "1.2": 0}),
        ([(4, ["1.1"])], {"1.1": 4, "1.2": 0}),
        ([(4, ["1.1"]), (5, ["1.1"])], {"1.1": 6, "1.2": 0}),  # at most its own 6
        ([(4, ["1.1", "1.2"])], {"1.1": 4, "1.2": 4}),
        ([(4, ["0.9"])], {"1.1": 0, "1.2": 0}),  # of an earlier lab
    ],
)
def test_culprits_pay_at_most_their_own_points(
    lost: List[Tuple[int, List[str]]], charged: Dict[str, int]
) -> None:
    assert blame.charges({"1.1": 6, "1.2": 10}, lost) == charged


# ---- the judge -------------------------------------------------------------------------------


class World:
    """Tests and bugs: stands in for the pool of workers.

    needs: of each test; depends: the tasks that each test fails by when they are wrong; wrong: those; chance: in which order
    answers come.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        depends: Sequence[FrozenSet[str]],
        wrong: FrozenSet[str],
        chance: random.Random,
        size: int = 2,
    ):
        self.tasks, self.depends, self.wrong, self.chance = tasks, depends, wrong, chance
        self.idle = list(range(size))
        self.busy: List[Order] = []
        self.carried_out: List[Order] = []

    def begin(self, order: Order) -> None:
        self.idle.pop()
        self.busy.append(order)
        self.carried_out.append(order)

    def collect(self) -> List[Tuple[Order, Answer]]:
        order = self.busy.pop(self.chance.randrange(len(self.busy)))
        self.idle.append(0)
        i, replaced = order
        result = blank(i, self.tasks[i])
        if self.depends[i] & (self.wrong - replaced):
            result.status, result.outcome = FAILED, "wrong result"
        else:
            result.status, result.points = PASSED, result.max_points
        return [(order, (result, None))]


def blank(i: int, task: str) -> TestResult:
    return TestResult(f"test_{i}", task, "", 0, i + 1, NOT_RUN)


def judged(
    tasks: Sequence[str],
    depends: Sequence[FrozenSet[str]],
    wrong: FrozenSet[str],
    needs: Optional[Mapping[int, List[int]]] = None,
    evidence: Optional[Evidence] = None,
    seed: int = 0,
    size: int = 2,
) -> Tuple[List[TestResult], World]:
    world = World(tasks, depends, wrong, random.Random(seed), size)
    results = [blank(i, task) for i, task in enumerate(tasks)]
    judge = Judge(
        results,
        [(needs or {}).get(i, []) for i in range(len(tasks))],
        frozenset(),
        evidence or Evidence(tuple(sorted(set(tasks)))),
        world,  # type: ignore[arg-type]
        lambda result, done, total: None,
    )
    judge.settle()
    assert len(world.carried_out) == len(set(world.carried_out)), "nothing is run twice"
    return results, world


def test_a_bug_is_charged_to_its_file_wherever_it_shows() -> None:
    """The batch loop is wrong, so that the first test of the lab fails, and all that need it are blocked."""
    tasks = ["1.1", "1.1", "1.3", "1.6", "1.6"]
    depends = [
        frozenset({"1.1", "1.6"}),
        frozenset({"1.1"}),
        frozenset({"1.3"}),
        *[frozenset({"1.6"})] * 2,
    ]
    needs = {1: [0], 2: [0], 3: [2], 4: [3]}
    results, _ = judged(tasks, depends, frozenset({"1.6"}), needs)
    assert [r.status for r in results] == [FAILED, PASSED, PASSED, FAILED, NOT_RUN]
    assert [r.blame for r in results] == [["1.6"], [], [], ["1.6"], ["1.6"]]
    assert [r.alone for r in results] == [False, True, True, True, False]
    lab = LabResult("batch", 1, "", 0, 0, results)
    lab.add_up()
    assert lab.charged == {"1.1": 0, "1.3": 0, "1.6": 9} and lab.score == 6


def test_a_starters_file_is_at_fault_without_a_trial() -> None:
    tasks = ["1.1", "1.2"]
    evidence = Evidence(("1.1", "1.2"), unwritten=frozenset({"1.2"}))
    results, world = judged(
        tasks, [frozenset({"1.1"}), frozenset({"1.2"})], frozenset({"1.2"}), {}, evidence
    )
    assert results[1].blame == ["1.2"] and len(world.carried_out) == 2


def test_a_file_that_does_not_build_costs_its_own_tests_only() -> None:
    evidence = Evidence(("1.1",), broken={"1.2": "does not build: b.c:3: error"})
    tasks = ["1.1", "1.2", "1.1"]
    results, _ = judged(tasks, [frozenset()] * 3, frozenset(), {2: [1]}, evidence)
    assert [r.status for r in results] == [PASSED, FAILED, PASSED]
    assert results[1].outcome == "does not build" and results[1].blame == ["1.2"]


def test_a_test_that_passes_on_a_kernel_that_does_nothing_earns_nothing() -> None:
    """It needs another to pass, and that one fails by the fault of the same file."""
    tasks = ["1.1", "1.4"]
    results, _ = judged(
        tasks, [frozenset({"1.1", "1.4"}), frozenset()], frozenset({"1.4"}), {1: [0]}
    )
    assert results[0].blame == ["1.4"]
    assert (results[1].status, results[1].blame) == (NOT_RUN, ["1.4"])


def test_what_the_reference_does_not_pass_is_nobodys_fault() -> None:
    """Then the grader, or this machine, is wrong: there is no verdict."""
    with pytest.raises(GraderCrashed, match="the reference itself does not pass test_0"):
        judged(["1.1"], [frozenset({"2.1"})], frozenset({"2.1"}), {}, Evidence(("1.1",)))


@given(st.data())
@repeatable
def test_verdicts_do_not_depend_on_how_many_work_or_who_is_done_first(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 9))
    tasks = sorted(data.draw(st.lists(st.sampled_from(TASKS), min_size=count, max_size=count)))
    some = st.frozensets(st.sampled_from(TASKS), max_size=3)
    depends = [data.draw(some) | {task} for task in tasks]
    needs = {
        i: data.draw(st.lists(st.integers(0, i - 1), max_size=2, unique=True))
        for i in range(1, count)
    }
    wrong = data.draw(st.frozensets(st.sampled_from(sorted(set(tasks))), max_size=3))
    seen = set()
    for seed, size in itertools.product(range(2), (1, 2, 5)):
        results, _ = judged(tasks, depends, wrong, needs, seed=seed, size=size)
        seen.add(str([(r.status, r.points, r.blame, r.alone) for r in results]))
        for result in results:
            assert set(result.blame) <= wrong, "nobody is blamed who is right"
            assert bool(result.blame) == (result.status != PASSED)
    assert len(seen) == 1


# ---- a lab -----------------------------------------------------------------------------------


def test_an_off_by_one_in_the_last_task_costs_that_task(grade: Grade) -> None:
    subject = next(s for s in mutants.subjects(find_lab("batch")) if s.name == "last-job-skipped")
    graded = grade(mutants.stage(subject) / "solutions", "--lab", "batch")
    assert graded.results
    lab = graded.results["labs"][0]
    assert graded.score == 80 and {t for t, points in lab["charged"].items() if points} == {"1.6"}
    words = " ".join(graded.output.split())
    assert "with our batch.c (task 1.6) in place of yours this passes" in words
    assert "Next: task 1.6, " in words
