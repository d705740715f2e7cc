"""What versions.sh runs in the root of another release: `python -m grader.tests.on_release`.

The reference has all points in every lab, and the compiler says nothing of right code: of the reference, of the
starter files, and of the alternatives.  Exit status 1 where that does not hold.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import List

from grader import build, grade, mutants
from grader.labs import Lab, all_labs
from grader.paths import ROOT, TEMPLATE


def warned(what: str, lab: Lab, solutions: Path) -> List[str]:
    """What the compiler says of the parts in a solutions directory."""
    try:
        chosen = grade.configuration(lab, grade.Options(solutions=solutions))
        build.build(chosen)
    except build.BuildFailure as failure:
        return [f"{what}: {failure.text}"]
    return [f"{what}: {text}" for text in build.warnings(chosen)]


def complaints() -> List[str]:
    """All that is not as it should be, a line each."""
    found: List[str] = []
    labs = all_labs()
    graded = grade.grade(labs, grade.Options(solutions=None))
    print(*graded.versions.values(), sep="\n")
    for lab in graded.labs:
        print(f"Lab {lab.number}: {lab.score}/{lab.max_score}", flush=True)
        found += [f"lab {lab.number}: {note}" for note in [*lab.notes, lab.failure] if note]
        for test in lab.tests:
            if test.status != "passed":
                found.append(f"lab {lab.number}: {test.id}: {test.outcome}: {test.actual}")
    found += [f"lab {lab.number}: {lab.score} points" for lab in graded.labs if lab.score != 100]
    for definition in labs:
        found += warned(f"starter of lab {definition.number}", definition, TEMPLATE)
        for subject in mutants.subjects(definition):
            if subject.kind == "alternative":
                with tempfile.TemporaryDirectory() as place:
                    staged = mutants.stage(subject, Path(place)) / "solutions"
                    found += warned(f"alternative {subject.name}", definition, staged)
    return found


def main() -> int:
    lines = Path("/etc/os-release").read_text().splitlines()
    names = [line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME")]
    release = " ".join(names)
    print(f"\n{release}, the tree in {ROOT}", flush=True)
    found = complaints()
    print(*found, sep="\n")
    print(f"{release}: " + (f"{len(found)} complaints" if found else "all as it should be"))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
