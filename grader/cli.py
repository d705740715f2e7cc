"""The commands behind the Makefile: `python -m grader COMMAND`.

Exit status: 0 done; 1 done, and the answer is no (below MIN, a mutant that survives); 2 could not be
done, with one line that says why and how to mend it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import List, Optional

from grader.paths import BUILD, ROOT, SOLUTIONS, TEMPLATE, GraderError, shown


SECRET_SEED_BITS = 52  # what JSON's numbers hold in any language


def _workers() -> int:
    try:
        return int(os.environ.get("RUNG_WORKERS", "") or len(os.sched_getaffinity(0)))
    except (AttributeError, ValueError):
        return os.cpu_count() or 2


def start() -> int:
    """Create what is missing of solutions/; never touch what is there.  Returns how many files."""
    from grader.labs import all_labs

    created = 0
    for lab in all_labs():
        for task in lab.tasks:
            target = SOLUTIONS / lab.folder / task.file
            if target.exists() or target.is_symlink():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(TEMPLATE / lab.folder / task.file, target)
            created += 1
    return created


def command_start(arguments: argparse.Namespace) -> int:
    from grader.labs import all_labs

    created = start()
    labs = all_labs()
    if created:
        print(f"Created {created} starter files in {shown(SOLUTIONS)}/.")
    else:
        print(f"Your files are in {shown(SOLUTIONS)}/; nothing was missing.")
    first = labs[0]
    task = first.tasks[0]
    print(f"Read labs/{first.folder}/README.md, edit {shown(SOLUTIONS)}/{first.folder}/{task.file}")
    print(f"(task {task.id}, {task.title}, about {task.minutes} minutes), then: make grade")
    return 0


def command_grade(arguments: argparse.Namespace) -> int:
    from grader import grade, results
    from grader.progress import Progress

    if arguments.set not in ("basic", "all"):
        raise GraderError(f"SET={arguments.set}: it is basic or all")
    if arguments.solutions == "solutions":
        start()
    options = grade.Options(
        solutions=grade.parse_solutions(arguments.solutions),
        given=grade.parse_with(arguments.with_),
        pattern=arguments.test or "*",
        basic=arguments.set == "basic",
        required=arguments.required,
        seed=_seed(arguments.seed),
        workers=_workers(),
    )
    minimum = _number("MIN", arguments.min)
    labs, options = grade.choose_kernel(arguments.on, arguments.lab, options)
    progress = Progress()
    graded = grade.grade(labs, options, progress)
    progress.clear()
    directory = Path(arguments.out) if arguments.out else grade.RESULTS
    before = results.previous(directory / "results.json", graded.solutions)
    results.write(graded, directory)
    if not arguments.quiet:
        # Only now: what draws the report takes longer to load than a test to run.
        from rich.console import Console

        from grader import github, report

        console = Console(highlight=False, soft_wrap=True)
        with github.commands_stopped():
            report.show(console, graded, before, options.solutions)
        console.print(f"\n[dim]{shown(directory)}/results.json, junit.xml[/dim]")
    if graded.interrupted:
        return 2
    if minimum is not None and graded.score < minimum:
        print(f"{graded.score} points are below MIN={minimum}")
        return 1
    return 0


def _seed(text: str) -> Optional[int]:
    """SEED=…: a number; or "secret", one that nobody knows before the results tell it."""
    if text != "secret":
        return _number("SEED", text)
    import secrets

    return secrets.randbits(SECRET_SEED_BITS)


def _number(name: str, text: Optional[str]) -> Optional[int]:
    if not text:
        return None
    try:
        return int(text, 0)
    except ValueError:
        raise GraderError(f"{name}={text}: it has to be a number") from None


def command_run(arguments: argparse.Namespace) -> int:
    from grader import interactive

    return interactive.run(
        arguments.lab, arguments.apps, arguments.solutions, arguments.with_, arguments.boot
    )


def command_debug(arguments: argparse.Namespace) -> int:
    from grader import interactive

    return interactive.debug(arguments.lab, arguments.test, arguments.solutions, arguments.with_)


def command_slots(arguments: argparse.Namespace) -> int:
    from grader import interactive

    return interactive.slots(arguments.lab, arguments.solutions)


def command_timeline(arguments: argparse.Namespace) -> int:
    from grader import interactive

    return interactive.timeline(
        arguments.lab, arguments.apps, arguments.solutions, arguments.with_, arguments.out
    )


def command_map(arguments: argparse.Namespace) -> int:
    from grader import interactive

    return interactive.address_map(
        arguments.lab,
        arguments.apps,
        arguments.test,
        arguments.solutions,
        arguments.with_,
        arguments.out,
    )


def command_template(arguments: argparse.Namespace) -> int:
    from grader import template

    return template.command(check=arguments.check)


def command_mutants(arguments: argparse.Namespace) -> int:
    from grader import mutants

    return mutants.command(arguments.lab, arguments.only, _workers())


def command_handout(arguments: argparse.Namespace) -> int:
    from grader import handout

    return handout.command(arguments.out)


def command_bench(arguments: argparse.Namespace) -> int:
    from grader import bench

    return bench.command(arguments.lab)


def command_fuzz(arguments: argparse.Namespace) -> int:
    from grader import fuzz

    return fuzz.command(arguments.calls, arguments.seed, _workers())


def command_github(arguments: argparse.Namespace) -> int:
    from grader import github

    return github.command(arguments.results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m grader", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, function: object, *options: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        defaults = {"solutions": "solutions", "set": "all"}
        for option in options:
            destination = "with_" if option == "with" else option
            command.add_argument(f"--{option}", dest=destination, default=defaults.get(option, ""))
        return command

    add("start", command_start)
    grade = add(
        "grade",
        command_grade,
        "lab",
        "on",
        "solutions",
        "with",
        "set",
        "test",
        "seed",
        "min",
        "out",
    )
    grade.add_argument("--quiet", action="store_true")
    grade.add_argument("--required", action="store_true")  # for proofs: what --test needs, too
    add("run", command_run, "lab", "apps", "solutions", "with", "boot")
    add("debug", command_debug, "lab", "test", "solutions", "with")
    add("timeline", command_timeline, "lab", "apps", "solutions", "with", "out")
    add("map", command_map, "lab", "apps", "test", "solutions", "with", "out")
    add("slots", command_slots, "lab", "solutions")
    add("template", command_template).add_argument("--check", action="store_true")
    add("mutants", command_mutants, "lab", "only")
    add("handout", command_handout, "out")
    add("bench", command_bench, "lab")
    add("fuzz", command_fuzz, "calls", "seed")
    add("github", command_github).add_argument("results")
    return parser


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command; errors for people become one line and exit status 2."""
    arguments = _parser().parse_args(argv)
    try:
        if any(c in str(ROOT) for c in " \t\n'\"$:"):
            raise GraderError(
                f"the path of this tree ({ROOT}) has a space, quote, colon or dollar in it,"
                " which compilers and QEMU cannot take: move it"
            )
        BUILD.mkdir(exist_ok=True)
        from grader.machine import GraderGaveUp

        try:
            return int(arguments.function(arguments))
        except GraderGaveUp as error:
            raise GraderError(
                f"the grader gave up, no points lost: {error}; please try again"
            ) from error
    except GraderError as error:
        print(f"rung: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"rung: Python lacks a module ({error}): run `make setup`", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except OSError as error:  # a full disk, a directory that may not be written, …
        print(f"rung: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nrung: interrupted", file=sys.stderr)
        return 2
