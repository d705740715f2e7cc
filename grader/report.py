"""The report on the terminal: the score, what was lost and why, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader import blame, bounded
from grader.grade import untouched_tasks
from grader.intake import part_path
from grader.labs import Lab, find_lab
from grader.paths import shown
from grader.results import FAILED, NOT_RUN, PASSED, LabResult, Results, TestResult
from grader.sandbox import HOLDS

SHOWN_FAILURES = 3


Piece = Union[str, Tuple[str, str]]


def say(console: Console, *pieces: Piece) -> None:
    """Print a line of plain texts, or texts with a style.  None of them is read as markup, or for names of emoji: they
    may be a submission's words."""
    console.print(Text.assemble(*pieces), highlight=False)


def _indented(console: Console, label: str, text: str) -> None:
    """A label, and text that may have several lines."""
    lines = text.splitlines() or ["(nothing)"]
    say(console, "    ", (f"{label:9}", "dim"), " ", lines[0])
    for line in lines[1:]:
        say(console, " " * 14, line)


def _file(task_id: str, solutions: Optional[Path]) -> str:
    """The file of a task, as the student knows it."""
    lab = find_lab(task_id.partition(".")[0])
    task = lab.task(task_id)
    if solutions is None:
        return task.file
    return bounded.one_line(shown(part_path(lab, task, solutions)))


def _names(tasks: Sequence[str]) -> str:
    """The files of some tasks: "wait.c (task 6.4) and fork.c (task 6.1)"."""
    names = []
    for task_id in tasks:
        task = find_lab(task_id.partition(".")[0]).task(task_id)
        names.append(f"{task.file} (task {task_id})")
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _finding(test: TestResult) -> str:
    """What has been found out about a failed test by putting our files in place of others; nothing for what is plain."""
    if test.fails_through_others:
        return f"with our {_names(test.blame)} in place of yours this passes: look there first"
    if test.alone:
        return "this is how it ends with our files in place of all others: on yours it was not run"
    return ""


def _failure(console: Console, test: TestResult) -> None:
    facts = f"task {test.task}, {test.max_points} points, {test.outcome}"
    say(console, "\n  ", ("✗", "bold red"), " ", (test.title, "bold"), "  ", (facts, "dim"))
    found = _finding(test)
    if found:
        _indented(console, "found", found)
    if test.what:
        _indented(console, "demanded", test.what)
    if test.ran:
        _indented(console, "ran", test.ran)
    if test.expected or test.actual:
        _indented(console, "expected", test.expected)
        _indented(console, "got", test.actual)
    if test.klog:
        _indented(console, "your klog", test.klog)
    # A hint is about the test's own task.
    if test.hint and not test.fails_through_others:
        _indented(console, "hint", test.hint)
    if test.picture:
        _indented(console, "picture", f"{test.picture} (who ran when; for a browser)")
    _indented(console, "again", test.rerun)


def _mark(test: TestResult) -> Tuple[str, str]:
    """A test in one sign."""
    if test.status == FAILED and test.fails_through_others:
        return "→", "yellow"
    return {PASSED: ("●", "green"), FAILED: ("✗", "red")}.get(test.status, ("○", "dim"))


def _lab_table(lab: LabResult, definition: Lab) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for task in definition.tasks:
        tests = [test for test in lab.tests if test.task == task.id]
        if not tests:
            continue
        got, full = lab.points(task.id), sum(t.max_points for t in tests)
        marks = Text.assemble(*(_mark(test) for test in tests))
        if any(t.outcome == "given" for t in tests):
            marks.append(" from the reference", "dim")
        title = task.title + (" (challenge)" if task.challenge else "")
        plus = "+" if task.challenge else ""
        points = Text(f"{plus}{got}/{full}", "green" if got == full else "")
        table.add_row(Text(f"  {task.id}"), Text(title), points, marks)
    return table


def at_fault(test: TestResult) -> List[str]:
    """The tasks that a test which has not passed is to be blamed on: its own, where nobody has found out."""
    return test.blame or [test.task]


def _next_step(definition: Lab, lab: LabResult, solutions: Optional[Path]) -> Optional[str]:
    """What to open next: the first of the files that are at fault, or that are still to be written."""
    found = set()
    for test in lab.tests:
        lent = test.outcome == "given" and definition.task(test.task).lent
        if (test.status != PASSED and test.outcome != "given") or lent:
            found.update(at_fault(test))
    for task_id in sorted(found, key=blame.place):
        home = find_lab(task_id.partition(".")[0])
        task = home.task(task_id)
        if not task.challenge:
            return (
                f"Next: task {task.id}, {task.title} (about {task.minutes} minutes): "
                f"edit {_file(task_id, solutions)}; labs/{home.folder}/README.md explains it."
            )
    return None


def _by_culprit(failed: Sequence[TestResult]) -> List[TestResult]:
    """Failed tests, those with the same culprits together; the first culprit's first, and of those its own before others'."""
    groups: Dict[Tuple[str, ...], List[TestResult]] = {}
    for test in failed:
        groups.setdefault(tuple(at_fault(test)), []).append(test)
    ordered: List[TestResult] = []
    for culprits in sorted(groups, key=lambda tasks: [blame.place(task) for task in tasks]):
        ordered += sorted(groups[culprits], key=lambda test: test.task not in culprits)
    return ordered


def _faults(lab: LabResult) -> List[str]:
    """A line for each task that pays for tests of others, or that is of another lab."""
    lines = []
    tests: Dict[str, List[TestResult]] = {}
    for test in lab.tests:
        for task in test.blame:
            if task != test.task:
                tests.setdefault(task, []).append(test)
    for task in sorted(tests, key=blame.place):
        others = sorted({test.task for test in tests[task]}, key=blame.place)
        count = len(tests[task])
        text = f"{_names([task])} makes {count} test{'s' if count > 1 else ''} of {', '.join(others)} fail"
        paid = lab.charged.get(task)
        if paid is None:
            text += ": it is of another lab, and costs no points here"
        elif paid:
            text += f", and is charged with them: {paid} points in all"
        lines.append(text)
    return lines


def _worth_showing(
    definition: Lab, lab: LabResult, solutions: Optional[Path]
) -> Tuple[List[TestResult], List[TestResult]]:
    """The failed tests, parted: those that say something about what was written, or about what is
    to be written next; and those of later tasks whose files are still the starter's."""
    failed = [
        test for test in lab.tests if test.status == FAILED and test.outcome != "does not build"
    ]
    if solutions is None or not failed:
        return failed, []
    untouched = untouched_tasks(definition, solutions)
    # What is to be written next is the first of them, or a task before it that is lent, and that nothing is said of.
    is_next = not any(
        t.lent and t.id in untouched and t.id < failed[0].task for t in definition.tasks
    )
    if is_next and not failed[0].challenge:
        untouched -= {failed[0].task}
    later = [test for test in failed if test.task in untouched]
    return [test for test in failed if test not in later], later


def _changes(lab: LabResult, before: Dict[str, str]) -> List[Tuple[Tuple[str, str], str]]:
    """What newly broke and what was mended since the last grade."""
    broke, mended = [], []
    for test in lab.tests:
        old = before.get(f"{lab.lab}/{test.id}")
        if old == PASSED and test.status == FAILED:
            broke.append(test.id)
        elif old in (FAILED, NOT_RUN) and test.status == PASSED:
            mended.append(test.id)
    lines: List[Tuple[Tuple[str, str], str]] = []
    if broke:
        lines.append((("newly broken:", "red"), " " + ", ".join(broke)))
    if mended and before:
        lines.append((("mended:", "green"), " " + ", ".join(mended)))
    return lines


def unheld(sandbox: Dict[str, str]) -> List[str]:
    """What to know where bubblewrap did not hold what was graded: a line for each reason."""
    uses: Dict[str, List[str]] = {}
    for use, how in sandbox.items():
        if how != HOLDS:
            uses.setdefault(how.partition(": ")[2], []).append(f"the {use}")
    return [
        f"{' and '.join(those)} ran without bubblewrap ({why}): within limits of memory and time, but files of this"
        " machine could be read (docs/setup.md)"
        for why, those in uses.items()
    ]


def show(
    console: Console, results: Results, before: Dict[str, str], solutions: Optional[Path]
) -> None:
    """Print the whole report.  before: the last grade's statuses; solutions: whose parts these are,
    None for the reference's."""
    for lab in results.labs:
        definition = find_lab(lab.lab)
        title = f"Lab {lab.number}, {lab.title}"
        if lab.not_graded:
            say(console, "\n", (title, "bold"), "  ", ("not graded", "bold yellow"))
            _indented(console, "why", lab.not_graded)
            continue
        score = f"{lab.score}/{lab.max_score}"
        say(console, "\n", (title, "bold"), "  ", (score, "bold"), " points")
        console.print(_lab_table(lab, definition))
        for note in lab.notes:
            say(console, "  ", ("note:", "yellow"), " ", note)
        for question in lab.questions:
            say(console, "  ", ("to ask:", "yellow"), " ", question)
        if lab.failure:
            say(console, "\n  ", (lab.failure, "bold red"))
            for more in lab.diagnostics[1:8]:
                say(console, f"    {more.place}{more.message}")
            say(console, "    our file stands in for it in the tests of the other tasks")
        failed, later = _worth_showing(definition, lab, solutions)
        failed = _by_culprit(failed)
        for fault in _faults(lab):
            say(console, "  ", ("→", "yellow"), " ", fault)
        for test in failed[:SHOWN_FAILURES]:
            _failure(console, test)
        if later:
            say(console, "\n  ", (f"and {len(later)} more failed, of tasks not begun yet", "dim"))
        if len(failed) > SHOWN_FAILURES:
            rest = ", ".join(test.id for test in failed[SHOWN_FAILURES:])
            more_failed = f"and {len(failed) - SHOWN_FAILURES} more failed: {rest}"
            say(console, "\n  ", (more_failed, "dim"))
        blocked = [test for test in lab.tests if test.outcome == "blocked"]
        if blocked:
            why = f"○ {len(blocked)} tests were not run: they need one that has not passed"
            say(console, "\n  ", (why, "dim"))
        for line in _changes(lab, before):
            say(console, "  ", *line)
        step = _next_step(definition, lab, solutions)
        if step:
            say(console, "\n  ", (step, "bold"))
    for why in unheld(results.sandbox):
        say(console, "\n", ("note:", "yellow"), f" {why}")
    if results.interrupted:
        say(console, "\n", ("Interrupted: what had been judged by then is kept.", "yellow"))
    if results.seed is not None:
        say(
            console, "\n", (f"seed {results.seed}: SEED={results.seed} repeats this verdict", "dim")
        )
    if len(results.labs) > 1:
        say(console, "\n", (f"Total {results.score}/{results.max_score}", "bold"))
