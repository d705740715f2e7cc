"""Blame by substitution: which file is at fault for a failed test, found by experiment.

A lab's kernel is linked from one object for each task, and the reference has an object for each of them as well.  So for a
test that fails we can ask what happens with the reference's object in place of some of the student's.  Runs are
deterministic, so the answer holds.

1. The test's own task alone: the reference stands in for all the others.  If the test still fails, its own task is at
   fault.
2. If it passes, some of the others are.  Those are found by standing in for fewer and fewer of them.

A set of tasks that the reference stands in for is called replaced.  This module is about sets only; who boots kernels is
plugin.py, and who links them is submission.py.
"""

from __future__ import annotations

from typing import Callable, Dict, FrozenSet, Generator, List, Mapping, Sequence, Tuple

Replaced = FrozenSet[str]

# Yields what is to be replaced, and is sent whether the test then passes; returns the culprits.
Search = Generator[Replaced, bool, Tuple[str, ...]]


def search(suspects: Sequence[str], first: Sequence[str] = ()) -> Search:
    """Find who is at fault for a test that fails, and that passes when all suspects are replaced.

    suspects: the ids of the tasks that may be at fault, in the order in which they are tried; first: those to try
    before, each by itself, for they were found to be at fault for another test.

    Returns the culprits, in the order of the suspects: with all of them replaced the test passes, and as a rule (where it
    never hurts to replace one more) with none of them left out.  Takes two trials for each of first, and
    log2(len(suspects)) + 1 for each culprit.
    """
    for task in first:
        if task in suspects and (yield frozenset([task])):
            return (task,)
    culprits: List[str] = []
    while True:
        # The test fails with culprits and suspects[:low] replaced, and passes with suspects[:high].
        low, high = 0, len(suspects)
        while high - low > 1:
            middle = (low + high) // 2
            if (yield frozenset([*culprits, *suspects[:middle]])):
                high = middle
            else:
                low = middle
        culprits.append(suspects[high - 1])
        suspects = suspects[: high - 1]
        # Nobody is left to replace, so that this is what passed.
        if not suspects or (yield frozenset(culprits)):
            return tuple(reversed(culprits))


def conclude(searching: Search, passes: Callable[[Replaced], bool]) -> Tuple[str, ...]:
    """Carry a search out where each trial can be made at once.  passes: with these tasks replaced.  Returns the culprits."""
    try:
        replaced = next(searching)
        while True:
            replaced = searching.send(passes(replaced))
    except StopIteration as end:
        found: Tuple[str, ...] = end.value
        return found


def place(task: str) -> Tuple[int, ...]:
    """Where a task stands among those of all labs, for sorting: "1.3" before "1.12"."""
    return tuple(int(number) for number in task.split("."))


def charges(own: Mapping[str, int], lost: Sequence[Tuple[int, Sequence[str]]]) -> Dict[str, int]:
    """What each task pays.

    own: the points of each task that can be charged; lost: for each test its points, and
    the tasks that are at fault, none if it passes.

    Each culprit pays the points of the test, at most its own in all.  A culprit that is not in own pays nothing.
    """
    charged = {task: 0 for task in own}
    for points, culprits in lost:
        for task in culprits:
            if task in charged:
                charged[task] = min(own[task], charged[task] + points)
    return charged
