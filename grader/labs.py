"""The labs: what `labs/N-name/lab.toml` says."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from grader.paths import LABS, GraderError, shown

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - depends on the Python that runs us
    import tomli as tomllib


@dataclass(frozen=True)
class Task:
    """One exercise: one source file.

    through: for assembly that is included into a given file, that file (relative to the tree);
    functions: what the file defines and the given kernel has a default of (DEFAULT in kernel/include/slot.h);
    challenge: its points are beyond the lab's 100; lent: until a student begins it, it comes from the reference, since
    tests of earlier tasks need it.
    """

    id: str
    title: str
    file: str
    minutes: int
    tests: Tuple[str, ...]
    through: Optional[str] = None
    functions: Tuple[str, ...] = ()
    challenge: bool = False
    lent: bool = False

    @property
    def object_name(self) -> str:
        """The name of the task's object file: in builds, and prebuilt in the student edition."""
        return Path(self.file).stem + ".o"


@dataclass(frozen=True)
class Lab:
    """A lab.  seed: what a grade uses unless told otherwise; starter_score: what an untouched
    starter earns; disk: on a person's console its machine has a disk; shell: what runs there if nobody says
    what is to run: a program that reads what is typed."""

    number: int
    name: str
    title: str
    seed: int
    starter_score: int
    directory: Path
    tasks: Tuple[Task, ...]
    disk: bool = False
    shell: str = ""

    @property
    def folder(self) -> str:
        """The name of its directory, the same in labs/ and in solutions/: "1-batch"."""
        return self.directory.name

    def task(self, task_id: str) -> Task:
        """The task with this id ("1.3"); GraderError when there is none."""
        for task in self.tasks:
            if task.id == task_id:
                return task
        known = ", ".join(task.id for task in self.tasks)
        raise GraderError(f"lab {self.name} has no task {task_id}; its tasks are {known}")


def _load(directory: Path) -> Lab:
    path = directory / "lab.toml"
    try:
        with path.open("rb") as file:
            data: Dict[str, Any] = tomllib.load(file)
        tasks = tuple(
            Task(
                id=task["id"],
                title=task["title"],
                file=task["file"],
                minutes=task["minutes"],
                tests=tuple(task["tests"]),
                through=task.get("through"),
                functions=tuple(task.get("functions", ())),
                challenge=task.get("challenge", False),
                lent=task.get("lent", False),
            )
            for task in data["task"]
        )
        return Lab(
            number=data["number"],
            name=data["name"],
            title=data["title"],
            seed=data["seed"],
            starter_score=data["starter_score"],
            directory=directory,
            tasks=tasks,
            disk=data.get("disk", False),
            shell=data.get("shell", ""),
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise GraderError(f"{shown(path)} cannot be read: {error!r}") from error


@dataclass(frozen=True)
class Definer:
    """Whose file defines a function that the given kernel has a default of."""

    lab: Lab
    task: Task

    def __str__(self) -> str:
        return f"task {self.task.id} ({self.task.file})"


def definers() -> Dict[str, Definer]:
    """The task that defines it, for each function that the given kernel has a default of."""
    return {
        name: Definer(lab, task)
        for lab in all_labs()
        for task in lab.tasks
        for name in task.functions
    }


@functools.lru_cache(maxsize=None)
def _labs_in(directory: Path) -> Tuple[Lab, ...]:
    found = sorted(directory.glob("*/lab.toml"))
    return tuple(sorted((_load(path.parent) for path in found), key=lambda lab: lab.number))


def all_labs() -> List[Lab]:
    """Every lab of the tree, by number."""
    return list(_labs_in(LABS))


def find_lab(wanted: str) -> Lab:
    """The lab with this name ("batch") or number ("1"); GraderError lists the choices."""
    labs = all_labs()
    for lab in labs:
        if wanted in (lab.name, str(lab.number), lab.folder):
            return lab
    choices = ", ".join(f"{lab.number} {lab.name}" for lab in labs)
    raise GraderError(f"no lab is called '{wanted}'; there are: {choices}")
