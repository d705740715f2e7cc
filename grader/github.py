"""What GitHub Actions shows of a grade: a step summary, and annotations at the lines at fault.

Formats: "Workflow commands for GitHub Actions" and "Adding a job summary" in GitHub's documentation.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Dict, Iterator, List

from grader.paths import GraderError

ANNOTATIONS_MAX = 10  # GitHub shows no more of one step
SUMMARY_BYTES_MAX = 1 << 20


def _escape(text: str, in_property: bool = False) -> str:
    """As workflow commands want their data."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_property else text


def _others_at_fault(test: Dict[str, Any]) -> str:
    """That other tasks than its own are at fault for a test; nothing if none is."""
    blamed = test.get("blame", [])
    return f"at fault: task {', '.join(blamed)}" if blamed and test["task"] not in blamed else ""


def error_lines(results: Dict[str, Any]) -> List[str]:
    """Workflow commands, one for each compiler's error or else for each failed test."""
    lines: List[str] = []
    for lab in results["labs"]:
        for found in lab["diagnostics"]:
            place = (
                f"file={_escape(found['file'], True)},line={max(1, found['line'])},"
                if found["file"]
                else ""
            )
            lines.append(f"::error {place}title=does not build::{_escape(found['message'])}")
        if lab.get("not_graded"):
            title = f"{lab['lab']} was not graded"
            lines.append(f"::error title={_escape(title, True)}::{_escape(lab['not_graded'])}")
            continue
        if lab["failure"] and not lab["diagnostics"]:
            lines.append(f"::error title={_escape(lab['lab'], True)}::{_escape(lab['failure'])}")
        for test in lab["tests"]:
            if test["status"] == "failed" and test["outcome"] != "does not build":
                found = _others_at_fault(test)
                hint = f"{found}: look there first" if found else f"hint: {test['hint']}"
                text = f"{test['what']}\n{hint}\n{test['rerun']}"
                title = f"{lab['lab']} {test['task']}: {test['title']} (-{test['max_points']})"
                lines.append(f"::error title={_escape(title, True)}::{_escape(text)}")
    return lines[:ANNOTATIONS_MAX]


@contextlib.contextmanager
def commands_stopped() -> Iterator[None]:
    """While a report is printed, with a submission's words in it: no line of it is a workflow
    command, wherever GitHub looks for one.  Only this process knows the word that ends that."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"\n::{token}::", flush=True)


def _code(text: str) -> str:
    """Words of a submission as code in Markdown, with no way out of it."""
    return "`" + " ".join(text.replace("`", "'").split()) + "`"


def summary(results: Dict[str, Any]) -> str:
    """A table in Markdown: every test with its verdict."""
    lines = [f"## {results['score']}/{results['max_score']} points", ""]
    marks = {"passed": "✅", "failed": "❌", "not run": "⬜"}
    for lab in results["labs"]:
        lines += [f"### Lab {lab['number']}, {lab['title']}: {lab['score']}/{lab['max_score']}", ""]
        if lab.get("not_graded"):
            lines += ["not graded: " + _code(lab["not_graded"]), ""]
            continue
        lines += [_code(lab["failure"]), ""] if lab["failure"] else []
        lines += ["| | task | test | points | |", "|---|---|---|---:|---|"]
        for test in lab["tests"]:
            words = [] if test["status"] == "passed" else [test["outcome"], _others_at_fault(test)]
            note = "; ".join(filter(None, words))
            points = f"{test['points']}/{test['max_points']}"
            cells = [marks[test["status"]], test["task"], test["title"], points, note]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    text = "\n".join(lines) + "\n"
    return text.encode("utf-8", "replace")[:SUMMARY_BYTES_MAX].decode(errors="ignore")


def command(path: str) -> int:
    """Print the annotations, and append the summary to the file that GitHub names."""
    try:
        results = json.loads(Path(path).read_text(encoding="utf-8"))
        lines, text = error_lines(results), summary(results)
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise GraderError(f"{path} cannot be read: {error}; was anything graded?") from None
    for line in lines:
        print(line)
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if target:
        with open(target, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    return 0
