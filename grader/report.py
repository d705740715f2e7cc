"""The report on the terminal: the score, what was lost and why, and what to do next."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader.grade import untouched_tasks
from grader.labs import Lab, find_lab
from grader.paths import shown
from grader.results import FAILED, NOT_RUN, PASSED, LabResult, Results, TestResult

SHOWN_FAILURES = 3


def _indented(console: Console, label: str, text: str) -> None:
    """A label, and text that may have several lines, without any markup in it."""
    lines = text.splitlines() or ["(nothing)"]
    console.print(f"    [dim]{label:9}[/dim]", escape(lines[0]), highlight=False)
    for line in lines[1:]:
        console.print(" " * 13, escape(line), highlight=False)


def _failure(console: Console, test: TestResult) -> None:
    console.print(
        f"\n  [bold red]✗[/bold red] [bold]{escape(test.title)}[/bold]"
        f"  [dim]task {test.task}, {test.max_points} points, {escape(test.outcome)}[/dim]",
        highlight=False,
    )
    if test.what:
        _indented(console, "demanded", test.what)
    if test.ran:
        _indented(console, "ran", test.ran)
    if test.expected or test.actual:
        _indented(console, "expected", test.expected)
        _indented(console, "got", test.actual)
    if test.klog:
        _indented(console, "your klog", test.klog)
    if test.hint:
        _indented(console, "hint", test.hint)
    if test.picture:
        _indented(console, "picture", f"{test.picture} (who ran when; for a browser)")
    _indented(console, "again", test.rerun)


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
        got, full = sum(t.points for t in tests), sum(t.max_points for t in tests)
        marks = "".join(
            {PASSED: "[green]●[/green]", FAILED: "[red]✗[/red]"}.get(t.status, "[dim]○[/dim]")
            for t in tests
        )
        if any(t.outcome == "given" for t in tests):
            marks += " [dim]from the reference[/dim]"
        style = "green" if got == full else "default"
        title = escape(task.title) + (" (challenge)" if task.challenge else "")
        plus = "+" if task.challenge else ""
        table.add_row(f"  {task.id}", title, f"[{style}]{plus}{got}/{full}[/{style}]", marks)
    return table


def _blamed(definition: Lab, tests: Sequence[TestResult]) -> Optional[str]:
    """The task that the first failure names: a panic of the kernel says where it suspects the bug, and a
    backtrace leads through the student's files."""
    for test in tests:
        if test.status != FAILED:
            continue
        named = re.search(r"\(task (\d+\.\d+)\)", test.actual)
        if named:
            return named[1]
        places = {test.actual.find(f"/{task.file}:"): task.id for task in definition.tasks}
        found = [at for at in places if at >= 0]
        return places[min(found)] if found else None
    return None


def _next_step(definition: Lab, lab: LabResult, solutions: Optional[Path]) -> Optional[str]:
    """The first task that is not done: what to open next; unless its failure names another."""
    blamed = _blamed(definition, lab.tests)
    required = [task for task in definition.tasks if not task.challenge]
    for task in sorted(required, key=lambda task: task.id != blamed):
        mine = [test for test in lab.tests if test.task == task.id]
        tests = [test for test in mine if test.outcome != "given" or task.lent]
        if any(test.status != PASSED for test in tests):
            where = shown(solutions / definition.folder / task.file) if solutions else task.file
            return (
                f"Next: task {task.id}, {task.title} (about {task.minutes} minutes): "
                f"edit {where}; labs/{definition.folder}/README.md explains it."
            )
    return None


def _worth_showing(
    definition: Lab, lab: LabResult, solutions: Optional[Path]
) -> Tuple[List[TestResult], List[TestResult]]:
    """The failed tests, parted: those that say something about what was written, or about what is
    to be written next; and those of later tasks whose files are still the starter's."""
    failed = [test for test in lab.tests if test.status == FAILED]
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


def _changes(lab: LabResult, before: Dict[str, str]) -> List[str]:
    """What newly broke and what was mended since the last grade."""
    broke, mended = [], []
    for test in lab.tests:
        old = before.get(f"{lab.lab}/{test.id}")
        if old == PASSED and test.status == FAILED:
            broke.append(test.id)
        elif old in (FAILED, NOT_RUN) and test.status == PASSED:
            mended.append(test.id)
    lines = []
    if broke:
        lines.append("[red]newly broken:[/red] " + ", ".join(broke))
    if mended and before:
        lines.append("[green]mended:[/green] " + ", ".join(mended))
    return lines


def show(
    console: Console, results: Results, before: Dict[str, str], solutions: Optional[Path]
) -> None:
    """Print the whole report.  before: the last grade's statuses; solutions: whose parts these are,
    None for the reference's."""
    for lab in results.labs:
        definition = find_lab(lab.lab)
        console.print(
            f"\n[bold]Lab {lab.number}, {escape(lab.title)}[/bold]  "
            f"[bold]{lab.score}/{lab.max_score}[/bold] points",
            highlight=False,
        )
        console.print(_lab_table(lab, definition))
        for note in lab.notes:
            console.print(f"  [yellow]note:[/yellow] {escape(note)}", highlight=False)
        for question in lab.questions:
            console.print(f"  [yellow]to ask:[/yellow] {escape(question)}", highlight=False)
        if lab.failure:
            console.print(f"\n  [bold red]{escape(lab.failure)}[/bold red]", highlight=False)
            for more in lab.diagnostics[1:8]:
                place = f"{more.file}:{more.line}: " if more.file else ""
                console.print(f"    {escape(place + more.message)}", highlight=False)
            continue
        failed, later = _worth_showing(definition, lab, solutions)
        for test in failed[:SHOWN_FAILURES]:
            _failure(console, test)
        if later:
            console.print(
                f"\n  [dim]and {len(later)} more failed, of tasks not begun yet[/dim]",
                highlight=False,
            )
        if len(failed) > SHOWN_FAILURES:
            rest = ", ".join(test.id for test in failed[SHOWN_FAILURES:])
            console.print(
                f"\n  [dim]and {len(failed) - SHOWN_FAILURES} more failed: {rest}[/dim]",
                highlight=False,
            )
        blocked = [test for test in lab.tests if test.outcome == "blocked"]
        if blocked:
            console.print(
                f"\n  [dim]○ {len(blocked)} tests were not run: they need one that has not passed[/dim]",
                highlight=False,
            )
        for line in _changes(lab, before):
            console.print("  " + line, highlight=False)
        step = _next_step(definition, lab, solutions)
        if step:
            console.print(f"\n  [bold]{escape(step)}[/bold]", highlight=False)
    if results.interrupted:
        console.print("\n[yellow]Interrupted: what had been judged by then is kept.[/yellow]")
    if results.seed is not None:
        console.print(f"\n[dim]seed {results.seed}: SEED={results.seed} repeats this verdict[/dim]")
    if len(results.labs) > 1:
        console.print(f"\n[bold]Total {results.score}/{results.max_score}[/bold]", highlight=False)
