"""A submission's kernels: the one of its own parts, and those in which the reference stands in for some of them.

The parts are compiled once.  Every other kernel is linked from the objects that there are then, the student's and the
reference's.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, FrozenSet, List, Optional, Tuple

from grader import blame, build, intake
from grader.blame import Replaced
from grader.build import BuildFailure, Configuration, Part
from grader.judge import Evidence
from grader.labs import Lab, all_labs


@functools.lru_cache(maxsize=None)
def reference_objects() -> Path:
    """Where the objects of all labs' reference are, built now unless they are up to date.

    $RUNG_REFERENCE_OBJECTS names them for a process of ours that has built them already.
    """
    known = os.environ.get("RUNG_REFERENCE_OBJECTS")
    if known:
        return Path(known)
    parts = [
        build.reference_part(lab, task, given=False) for lab in all_labs() for task in lab.tasks
    ]
    configuration = Configuration(all_labs()[-1], tuple(parts))
    if not all(part.prebuilt for part in parts):
        build.build(configuration)
    return configuration.directory / "objects"


def _reference(part: Part) -> Part:
    """The reference's object for a part's task."""
    reference = build.reference_part(part.lab, part.task, given=True)
    if reference.prebuilt:
        return reference
    built = part.object_in(reference_objects())
    return Part(part.lab, part.task, built, given=True)


def _is_reference(part: Part) -> bool:
    """Is a part the reference's, or word for word the same?"""
    if part.given or part.prebuilt:
        return True
    reference = build.reference_part(part.lab, part.task, given=True)
    return not reference.prebuilt and intake.same_text(part.content(), reference.content())


@dataclass
class Submission:
    """The parts of one submission for one lab's kernel.

    parts: one for each task of labs 1 to this one, the reference's where a file cannot be used; broken: the tasks whose file
    cannot be used or does not build, and why; unwritten: the tasks whose file is the starter's.

    build() comes first.
    """

    lab: Lab
    parts: Tuple[Part, ...]
    broken: Dict[str, str] = field(default_factory=dict)
    unwritten: FrozenSet[str] = frozenset()
    failure: Optional[BuildFailure] = None
    _differing: Tuple[str, ...] = ()
    _kernels: Dict[Replaced, Path] = field(default_factory=dict)

    @property
    def configuration(self) -> Configuration:
        """The parts as they have been handed in."""
        return Configuration(self.lab, self.parts)

    def build(self) -> None:
        """Compile all parts, and link the kernel that is graded; find out which parts do not build.

        failure: the first reason, None where all is right.  Raises GraderGaveUp where the host is at fault.
        """
        self._differing = tuple(part.task.id for part in self.parts if not _is_reference(part))
        try:
            self._kernels[frozenset()] = build.build(self.configuration)
            return
        except BuildFailure as failure:
            if not self._differing:
                raise  # the reference does not build
            self.failure = failure
            self._set_aside(failure.parts)
        others = [part for part in self.parts if part.task.id in self._differing]
        try:
            build.check_objects([part for part in others if not part.prebuilt], self.objects)
        except BuildFailure as failure:
            self._set_aside(failure.parts)
        if self._linked(frozenset()) is None:
            return
        # Each by itself is right, but they do not fit together.
        at_fault = self._which_do_not_fit()
        self._set_aside({task: self.failure.text for task in at_fault})

    @property
    def objects(self) -> Path:
        """Where the objects of the parts are."""
        return self.configuration.directory / "objects"

    def evidence(self) -> Evidence:
        """What there is to judge by, beside the kernels."""
        return Evidence(self._differing, self.unwritten, self.broken)

    def kernel(self, replaced: Replaced = frozenset()) -> Path:
        """The kernel in which the reference stands in for these tasks, and for the broken ones; linked when it is first
        asked for.  BuildFailure when it cannot be."""
        if replaced not in self._kernels:
            whole = not replaced and not self.broken
            chosen = self.configuration if whole else self._with_reference(replaced)
            self._kernels[replaced] = build.build(chosen)
        return self._kernels[replaced]

    def _with_reference(self, replaced: Replaced) -> Configuration:
        objects: List[Part] = []
        for part in self.parts:
            own = part.object_in(self.objects)
            if part.task.id in replaced or part.task.id in self.broken or part.given:
                objects.append(_reference(part))
            elif part.prebuilt:
                objects.append(part)
            else:
                objects.append(Part(part.lab, part.task, own, given=False))
        return Configuration(self.lab, tuple(objects))

    def _set_aside(self, parts: Dict[str, str]) -> None:
        self._kernels.clear()
        self.broken.update(parts)
        self._differing = tuple(task for task in self._differing if task not in self.broken)

    def _linked(self, replaced: Replaced) -> Optional[BuildFailure]:
        """Why this kernel cannot be linked; None if it can."""
        try:
            self.kernel(replaced)
        except BuildFailure as failure:
            return failure
        return None

    def _which_do_not_fit(self) -> Tuple[str, ...]:
        """Whose parts cannot be linked with the others."""
        return blame.conclude(blame.search(self._differing), lambda r: self._linked(r) is None)
