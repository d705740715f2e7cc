"""The judge of one lab: runs its tests on the kernel under test, and finds who is at fault for those that fail.

Knows nothing of pytest or of building: plugin.py has the tests, submission.py the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import (
    Callable,
    Dict,
    FrozenSet,
    Generator,
    List,
    Mapping,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from grader import blame
from grader.blame import Replaced
from grader.paths import GraderCrashed
from grader.pool import Pool
from grader.results import FAILED, NOT_RUN, PASSED, TestResult

Order = Tuple[int, Replaced]  # a test, by its number, and whose parts the reference stands in for
Answer = Tuple[TestResult, Optional[Exception]]  # a verdict; or why there is none
Trials = Generator[Order, TestResult, None]  # yields what is to be tried, and is sent the verdict

OWN: Replaced = frozenset()  # the kernel under test, as it is
FIRST_MAX = 3  # of those who were at fault before, so many are tried each by itself


@dataclass(frozen=True)
class Evidence:
    """What the reference can stand in for, by ids of tasks.

    differing: whose part is not the reference's, in the order of the labs; unwritten: whose part is the starter's still, so
    that it is at fault for what it is to do; broken: whose part does not build, and why.  The reference stands in for those
    in every kernel, and they are not among the differing.
    """

    differing: Tuple[str, ...] = ()
    unwritten: FrozenSet[str] = frozenset()
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Judge:
    """Settles the verdicts on a lab's tests.

    results: a blank for each test, to be filled, in the order of the file: a test stands behind those that it needs;
    needs: for each test the numbers of those; given: ids of tasks whose tests are not run.
    """

    results: List[TestResult]
    needs: Sequence[Sequence[int]]
    given: FrozenSet[str]
    evidence: Evidence
    pool: "Pool[Order, Answer]"
    on_result: Callable[[TestResult, int, int], None]
    interrupted: bool = False
    _tried: Dict[Order, TestResult] = field(default_factory=dict)
    _to_search: List[int] = field(default_factory=list)

    def settle(self) -> None:
        """Run the tests, and find the culprits.  ^C leaves what has been settled by then.

        Raises GraderCrashed when the reference does not pass a test, and whatever keeps a worker from a verdict.
        """
        order = []
        for i, result in enumerate(self.results):
            if result.task in self.given:
                result.outcome = "given"
                result.what = "the reference stands in for this task (WITH=): no points"
            elif result.task in self.evidence.broken:
                result.status, result.outcome = FAILED, "does not build"
                result.what, result.blame = self.evidence.broken[result.task], [result.task]
            else:
                order.append(i)
        try:
            self._run_all(order)
            self._find_faults([i for i in order if self.results[i].status != PASSED])
        except KeyboardInterrupt:
            self.interrupted = True

    # -- on the kernel under test

    def _run_all(self, order: Sequence[int]) -> None:
        """Run these tests on the kernel as it is; those that need one that has not passed are blocked."""
        waiting, finished = list(order), 0
        busy: Set[int] = set()
        try:
            while waiting or busy:
                while waiting and self.pool.idle:
                    i = self._choose(waiting, busy)
                    waiting.remove(i)
                    if self._blocker(self.needs[i]) is None:
                        busy.add(i)
                        self.pool.begin((i, OWN))
                    else:
                        self.results[i].outcome = "blocked"
                        finished += 1
                for (i, _), result in self._collect() if busy else ():
                    busy.remove(i)
                    self.results[i] = self._tried[i, OWN] = result
                    finished += 1
                    self.on_result(result, finished, len(order))
        finally:
            # A test stands behind what it needs, so one pass settles all.
            for i in order:
                blocker = self._blocker(self.needs[i])
                if blocker is not None:
                    self._block(i, blocker)

    def _blocker(self, needs: Sequence[int]) -> Optional[TestResult]:
        """Which of these tests, if any, has failed or was blocked itself."""
        for n in needs:
            if self.results[n].status == FAILED or self.results[n].outcome == "blocked":
                return self.results[n]
        return None

    def _block(self, i: int, blocker: TestResult) -> None:
        result = self.results[i]
        result.status, result.points, result.outcome = NOT_RUN, 0, "blocked"
        result.what = f"not run: it needs {blocker.id} ({blocker.task}) to pass first"
        result.expected = result.actual = result.klog = result.ran = result.picture = ""

    def _choose(self, waiting: Sequence[int], busy: Set[int]) -> int:
        """The next test: the first whose requirements are settled; else, so that no core is idle,
        the first of all: should a requirement fail, its result will not count."""
        for i in waiting:
            if all(n not in waiting and n not in busy for n in self.needs[i]):
                return i
        return waiting[0]

    def _collect(self) -> List[Tuple[Order, TestResult]]:
        collected = []
        for order, (result, trouble) in self.pool.collect():
            if trouble:
                raise trouble
            collected.append((order, result))
        return collected

    # -- who is at fault

    def _find_faults(self, lost: Sequence[int]) -> None:
        """Find who is at fault for each of these tests, and settle what is counted."""
        trials: Dict[int, Trials] = {}
        for i in lost:
            if self.results[i].task in self.evidence.unwritten:
                self.results[i].blame = [self.results[i].task]
            else:
                trials[i] = self._try_alone(i)
        self._conduct(trials, {i: self._needs_of_its_task(i) for i in trials})
        self._to_search.sort()
        # The first search shows whom the others try first.
        for some in (self._to_search[:1], self._to_search[1:]):
            first = self._suspects_of_old()
            self._conduct({i: self._search(i, first) for i in some}, {})

    def _needs_of_its_task(self, i: int) -> List[int]:
        return [n for n in self.needs[i] if self.results[n].task == self.results[i].task]

    def _try_alone(self, i: int) -> Trials:
        """Is a test's own task at fault?  Then it fails with the reference in place of all the others, too."""
        here = self.results[i]
        own = here.task
        blocker = next(
            (n for n in self._needs_of_its_task(i) if own in self.results[n].blame), None
        )
        if blocker is not None:
            self._block(i, self.results[blocker])
            self.results[i].blame = [own]
            return
        if not (self.evidence.differing or self.evidence.broken):
            return  # this is the reference itself
        others = frozenset(self.evidence.differing) - {own}
        alone = yield i, others
        if alone.status == PASSED and here.status == FAILED:
            self._to_search.append(i)
            return
        if alone.status == PASSED:
            # Some tests pass on a kernel that does nothing; so what they need must pass on this one, too.
            for n in self.needs[i]:
                if self.results[n].task in {*self.given, *self.evidence.broken}:
                    continue
                needed = yield n, others
                if needed.status != PASSED:
                    here.blame = [own]
                    return
            alone.alone = True
            self.results[i] = alone
            return
        if own in self.evidence.differing:
            if here.status != FAILED:
                alone.alone = True
                self.results[i] = alone
            self.results[i].blame = [own]
            alone = yield i, frozenset(self.evidence.differing)
        if alone.status != PASSED:
            raise GraderCrashed(
                f"the reference itself does not pass {here.id} ({here.task}) here: that is Rung's fault, or this"
                " machine's",
                f"{alone.outcome}: {alone.what}\nexpected: {alone.expected}\ngot: {alone.actual}\n",
            )

    def _suspects_of_old(self) -> List[str]:
        """Who was at fault for other tests, and is suspected first."""
        searched = [task for i in self._to_search for task in self.results[i].blame]
        alone = [result.task for result in self.results if result.task in result.blame]
        found = searched or [task for task in alone if task not in self.evidence.unwritten]
        return list(dict.fromkeys(found))[:FIRST_MAX]

    def _search(self, i: int, first: Sequence[str]) -> Trials:
        """Find the culprits among the other tasks."""
        result = self.results[i]
        likely = {task for other in self.results for task in other.blame}
        suspects = [task for task in self.evidence.differing if task != result.task]
        suspects.sort(key=lambda task: task not in likely)
        searching = blame.search(suspects, first)
        try:
            replaced = next(searching)
            while True:
                tried = yield i, replaced
                replaced = searching.send(tried.status == PASSED)
        except StopIteration as end:
            # In the order of the labs; the test's own task keeps its points.
            result.blame = [task for task in self.evidence.differing if task in end.value]
            result.points = result.max_points

    def _conduct(self, trials: Dict[int, Trials], needs: Mapping[int, Sequence[int]]) -> None:
        """Conduct the trials of several tests at once, and those of each one after the other.

        needs: a test waits until these have come to their end.  No order is carried out twice.
        """
        waiting, unsettled = list(trials), set(trials)
        ready: List[Tuple[Order, int]] = []
        asked: Dict[Order, List[int]] = {}

        def go_on(i: int, verdict: Optional[TestResult]) -> None:
            try:
                order = next(trials[i]) if verdict is None else trials[i].send(verdict)
            except StopIteration:
                unsettled.remove(i)
            else:
                ready.append((order, i))

        while waiting or ready or asked:
            for i in [i for i in waiting if unsettled.isdisjoint(needs.get(i, ()))]:
                waiting.remove(i)
                go_on(i, None)
            while ready:
                order, i = ready[0]
                if order in self._tried:
                    go_on(i, self._tried[order])
                elif order in asked:
                    asked[order].append(i)
                elif self.pool.idle:
                    asked[order] = [i]
                    self.pool.begin(order)
                else:
                    break
                ready.pop(0)
            for order, result in self._collect() if asked else ():
                self._tried[order] = result
                for i in asked.pop(order):
                    go_on(i, result)
