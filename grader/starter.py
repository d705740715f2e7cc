"""solutions/: where a student works, with the starter file of each task."""

from __future__ import annotations

import shutil

from grader import intake
from grader.labs import all_labs
from grader.paths import SOLUTIONS, TEMPLATE


def create_missing(asked: bool = False) -> int:
    """Create what is missing of solutions/; never touch what is there.  Returns how many files.

    Without being asked, none where all of them are in a folder below it: those are meant."""
    created = 0
    if not asked and intake.only_below(SOLUTIONS):
        return 0
    for lab in all_labs():
        for task in lab.tasks:
            target = intake.part_path(lab, task, SOLUTIONS)
            if target.exists() or target.is_symlink():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TEMPLATE / lab.folder / task.file, target)
            created += 1
    return created
