"""The student edition: this tree without what students are to find out, as a fresh git repository.

Left out: solutions, mutants, hostile submissions, alternatives, and what only authors run.  Put in: one
prebuilt object of the reference for each task, so that WITH=reference:… works as ever.  At the end
every file of the new history is searched for lines of the solutions.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import List, Set

from grader import build, grade, template
from grader.labs import all_labs
from grader.paths import KERNEL, LABS, ROOT, TEMPLATE, USER, GraderError

LAB_FOLDERS_OUT = {"solution", "alternatives"}
LAB_FILES_OUT = {"mutants.txt", "hostile.txt", "equivalents.txt", "bench.json"}
FILES_OUT = {
    ".ci/run",
    ".github/workflows/test.yml",
    ".github/workflows/weekly.yml",
    "grader/bench.py",
    "grader/contracts.py",
    "grader/forked.py",
    "grader/fuzz.py",
    "grader/handout.py",
    "grader/mechanical.py",
    "grader/mutants.py",
    "grader/proved.py",
    "grader/wrong_kernels.py",
    "grader/lint.sh",
    "docs/writing-tests.md",
}
LINE_MIN = 18  # shorter lines say nothing about where they come from


def _tracked() -> List[Path]:
    """Every file of the tree that is the project's, relative to it."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise GraderError("the handout is made from a git repository, and this is none")
    names = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


def _goes_out(name: Path) -> bool:
    """Is this file for students?"""
    if str(name) in FILES_OUT or name.parts[:2] == ("grader", "tests"):
        return False
    if name.parts[0] == "labs" and len(name.parts) > 2:
        # A lab without lab.toml is still being made.
        if not (LABS / name.parts[1] / "lab.toml").is_file():
            return False
        if len(name.parts) > 3 and name.parts[2] in LAB_FOLDERS_OUT:
            return False
    return not (name.parts[0] == "labs" and name.name in LAB_FILES_OUT)


def secret_lines() -> Set[str]:
    """Lines that stand in a solution, and not in what is given."""
    given: Set[str] = set()
    probes = [lab.directory / "probes" for lab in all_labs()]
    for directory in (KERNEL, USER, TEMPLATE, *probes):
        for path in directory.rglob("*"):
            if path.is_file():
                given.update(line.strip() for line in path.read_text(errors="replace").splitlines())
    found: Set[str] = set()
    for lab in all_labs():
        for task in lab.tasks:
            text = (lab.directory / "solution" / task.file).read_text()
            found.update(template.solution_lines(text))
    return {line for line in found - given if len(line) >= LINE_MIN}


def leaks(repository: Path) -> List[str]:
    """Where any version of any file in a git repository has a line of a solution."""
    secret = secret_lines()
    listed = subprocess.run(
        ["git", "rev-list", "--objects", "--all"],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found = []
    for row in listed.splitlines():
        blob, _, name = row.partition(" ")
        if not name:
            continue
        content = subprocess.run(
            ["git", "cat-file", "-p", blob], cwd=repository, stdout=subprocess.PIPE, check=True
        ).stdout
        for line in content.decode(errors="replace").splitlines():
            if line.strip() in secret:
                found.append(f"{name}: {line.strip()}")
    return found


def write(directory: Path) -> None:
    """Write the student edition to a directory that does not exist yet, or is empty."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise GraderError(f"OUT={directory} exists and is not an empty directory")
    wrong = template.differences()
    if wrong:
        raise GraderError(f"{wrong[0]} is not up to date: run `make template` first")
    for name in _tracked():
        if _goes_out(name):
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    _adapt(directory)
    for lab in all_labs():
        configuration = grade.configuration(lab, grade.Options(solutions=None))
        build.build(configuration)
        for task in lab.tasks:
            source = configuration.directory / "objects" / lab.folder / task.object_name
            target = directory / LABS.name / lab.folder / "reference" / task.object_name
            target.parent.mkdir(parents=True, exist_ok=True)
            objcopy = build.cross() + "objcopy"
            # Without debug information: it would hold the names of the solution's files and lines.
            subprocess.run([objcopy, "--strip-debug", str(source), str(target)], check=True)
    _commit(directory)
    found = leaks(directory)
    if found:
        raise GraderError(f"the handout would give a solution away: {found[0]}")


def _adapt(directory: Path) -> None:
    """What reads otherwise in the student edition: students commit their solutions, and pages leave
    out what is between the marks <!-- authors --> and <!-- /authors -->."""
    ignored = directory / ".gitignore"
    ignored.write_text(ignored.read_text().replace("/solutions/\n", ""))
    for page in directory.rglob("*.md"):
        text = page.read_text()
        page.write_text(
            re.sub(r"<!-- authors -->.*?<!-- /authors -->\n?", "", text, flags=re.DOTALL)
        )


def _commit(directory: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=Rung", "-c", "user.email=rung@localhost"]
        command = ["git", *identity, "-c", "commit.gpgsign=false", *words]
        subprocess.run(command, cwd=directory, check=True, stdout=subprocess.DEVNULL)

    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "Begin the labs")


def command(out: str) -> int:
    """`make handout OUT=dir`."""
    if not out:
        raise GraderError("say where to: make handout OUT=directory")
    directory = Path(out).absolute()
    write(directory)
    print(f"Wrote the student edition to {out}: a git repository with one commit, no solutions.")
    print(f"Try it: make -C {out} grade")
    return 0
