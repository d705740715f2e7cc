"""The commands behind the Makefile: `python -m grader COMMAND`.

Exit status: 0 done; 1 done, and the answer is no (below MIN, a mutant that survives); 2 could not be
done, with one line that says why and how to mend it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import traceback
from pathlib import Path
from typing import List, Optional, TextIO

from grader import bounded, check
from grader.paths import BUILD, ROOT, SOLUTIONS, GraderCrashed, GraderError, GraderGaveUp
from grader.paths import keep_trace, shown

COMPLAINT_MAX = 8 << 10  # characters
WORKERS_MAX = 256
SECRET_SEED_BITS = 52  # what JSON's numbers hold in any language


def _workers() -> int:
    """How many tests run at once: $RUNG_WORKERS, or one for each processor that we may use."""
    wanted = os.environ.get("RUNG_WORKERS", "").strip()
    if wanted:
        number = bounded.number(wanted, default=0)
        if not 1 <= number <= WORKERS_MAX:
            raise GraderError(
                f"RUNG_WORKERS={bounded.one_line(wanted, bounded.NAME_SHOWN)}:"
                f" it has to be a number from 1 to {WORKERS_MAX}"
            )
        return number
    try:
        return min(len(os.sched_getaffinity(0)), WORKERS_MAX)
    except AttributeError:  # pragma: no cover - not Linux
        return os.cpu_count() or 2


def command_start(arguments: argparse.Namespace) -> int:
    from grader import starter
    from grader.labs import all_labs

    created = starter.create_missing(asked=True)
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
    from grader import grade, results, starter
    from grader.progress import Progress

    directory = Path(arguments.out) if arguments.out else grade.RESULTS
    earlier = results.earlier(directory / "results.json")
    results.remove(directory)
    if arguments.set not in ("basic", "all"):
        raise GraderError(f"SET={arguments.set}: it is basic or all")
    if arguments.solutions == "solutions":
        starter.create_missing()
    options = grade.Options(
        solutions=grade.parse_solutions(arguments.solutions),
        given=grade.parse_with(arguments.with_),
        pattern=arguments.test or "*",
        basic=arguments.set == "basic",
        seed=_seed(arguments.seed),
        workers=_workers(),
        explains=not arguments.quiet,
    )
    minimum = _number("MIN", arguments.min)
    labs, options = grade.choose_kernel(arguments.on, arguments.lab, options)
    progress = Progress()
    graded = grade.grade(labs, options, progress)
    progress.clear()
    before = results.statuses(earlier, graded.solutions)
    results.write(graded, directory)
    missing = graded.not_graded
    if not arguments.quiet and len(missing) < len(graded.labs):
        # Only now: what draws the report takes longer to load than a test to run.
        from rich.console import Console

        from grader import github, report

        console = Console(highlight=False, soft_wrap=True, emoji=False)
        with github.commands_stopped():
            report.show(console, graded, before, options.solutions)
        report.say(console, "\n", (f"{shown(directory)}/results.json, junit.xml", "dim"))
    if missing:
        names = ", ".join(str(lab.number) for lab in missing)
        raise NotGraded(
            f"lab {names} was not graded: {missing[0].not_graded}"
            if len(missing) == 1
            else f"labs {names} were not graded: {missing[0].not_graded}"
        )
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


NUMBER_MAX = 40  # digits


def _number(name: str, text: Optional[str]) -> Optional[int]:
    if not text:
        return None
    try:
        if len(text) > NUMBER_MAX:
            raise ValueError
        return int(text, 0)
    except ValueError:
        shortened = bounded.one_line(text, bounded.NAME_SHOWN)
        raise GraderError(f"{name}={shortened}: it has to be a number") from None


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
    from grader import contracts, mechanical, mutants

    if _number("COVERAGE", arguments.coverage):
        return contracts.command(arguments.lab)
    count = _number("MECHANICAL", arguments.mechanical)
    if count is not None:
        seed = _number("SEED", arguments.seed)
        return mechanical.command(arguments.lab, count, 1 if seed is None else seed, _workers())
    pairs = _number("PAIRS", arguments.pairs)
    if pairs is not None:
        return mutants.pairs_command(
            arguments.lab, pairs, _number("SEED", arguments.seed) or 1, _workers()
        )
    return mutants.command(arguments.lab, arguments.only, _workers(), bool(arguments.full))


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
    add("run", command_run, "lab", "apps", "solutions", "with", "boot")
    add("debug", command_debug, "lab", "test", "solutions", "with")
    add("timeline", command_timeline, "lab", "apps", "solutions", "with", "out")
    add("map", command_map, "lab", "apps", "test", "solutions", "with", "out")
    add("slots", command_slots, "lab", "solutions")
    add("template", command_template).add_argument("--check", action="store_true")
    add(
        "mutants", command_mutants, "lab", "only", "full", "pairs", "mechanical", "seed", "coverage"
    )
    add("handout", command_handout, "out")
    add("bench", command_bench, "lab")
    add("fuzz", command_fuzz, "calls", "seed")
    add("github", command_github).add_argument("results")
    return parser


class NotGraded(GraderError):
    """Some lab has no verdict; the results say which."""


def _streams() -> None:
    """Make the three usual streams fit to be written to, whatever we were started with.

    One that was closed would have its number taken by the next file that is opened.  A character that a stream's
    encoding has not is replaced.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Opened for reading: what is printed does not get lost without a word.
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _complain(text: str) -> None:
    """Say on stderr why a command was not done; nothing else can be done if that cannot be written."""
    with contextlib.suppress(OSError, ValueError):
        print(f"rung: {check.readable(text[:COMPLAINT_MAX])}", file=sys.stderr, flush=True)


def _leave(stream: "io.TextIOBase | TextIO | None") -> None:
    """Have Python find nothing to complain of in a stream that cannot be written, when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno() if stream else 1)
        os.close(nowhere)


def _command(arguments: argparse.Namespace) -> int:
    from grader import store

    if any(c in str(ROOT) for c in " \t\n'\"$:"):
        raise GraderError(
            f"the path of this tree ({ROOT}) has a space, quote, colon or dollar in it,"
            " which compilers and QEMU cannot take: move it"
        )
    store.wanted()  # is STORE= a word that is known?
    BUILD.mkdir(exist_ok=True)
    return int(arguments.function(arguments))


def _done(arguments: argparse.Namespace) -> int:
    """Run one command.  Whatever happens becomes one line, and exit status 2."""
    try:
        status = _command(arguments)
        sys.stdout.flush()
        return status
    except GraderError as error:
        _complain(str(error))
    except GraderGaveUp as error:
        _complain(f"the grader gave up, no points lost: {error}; please try again")
    except KeyboardInterrupt:
        _complain("interrupted")
    except BrokenPipeError:  # whoever read our output has left
        pass
    except ImportError as error:
        _complain(f"Python lacks a module ({error}): run `make setup`")
    except (OSError, MemoryError) as error:  # a full disk, a directory that may not be written, …
        _complain(str(error) or "the grader gave up: memory is short")
    except GraderCrashed as error:
        _complain(f"the grader failed, no points lost: {error}{keep_trace(error.trace)}")
    except Exception as error:
        what = bounded.one_line(" ".join(traceback.format_exception_only(type(error), error)))
        _complain(f"the grader failed, no points lost: {what}{keep_trace(traceback.format_exc())}")
    return 2


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command; errors for people become one line and exit status 2."""
    _streams()
    status = _done(_parser().parse_args(argv))
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _leave(sys.stdout)
        status = 2
    return status
