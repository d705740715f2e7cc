"""What tests say when they fail: what was expected, what came, in words for students."""

from __future__ import annotations

import difflib
import re
from typing import NoReturn, Union

TEXT_MAX = 2000
LINES_MAX = 24
_UNUSUAL = re.compile(r"[^\n -~]")
_RUN = re.compile(r"(\\x[0-9a-f]{2})\1{15,}")  # sixteen times the same escape and more


class CheckFailed(AssertionError):
    """A kernel did not do what a test demands.

    what: the behaviour, as a sentence; expected, actual: as the student should see them;
    outcome: how the run ended when that is the reason (an Outcome's value), else "wrong result".
    """

    def __init__(self, what: str, expected: str, actual: str, outcome: str = "wrong result"):
        super().__init__(what)
        self.what, self.expected, self.actual, self.outcome = what, expected, actual, outcome


def _as_escape(found: "re.Match[str]") -> str:
    return found[0] if found[0].isprintable() else found[0].encode("unicode_escape").decode()


def readable(value: Union[bytes, str]) -> str:
    """Text of a program as it can be shown safely: control characters and bad UTF-8 as escapes."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    visible = _UNUSUAL.sub(_as_escape, text)
    return _RUN.sub(lambda run: f"{run[1]} (x {len(run[0]) // 4})", visible)


def shortened(text: str) -> str:
    """At most LINES_MAX lines and TEXT_MAX characters; says what it left out."""
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        half = LINES_MAX // 2
        left_out = f"... ({len(lines) - 2 * half} more lines) ..."
        text = "\n".join([*lines[:half], left_out, *lines[-half:]])
    if len(text) > TEXT_MAX:
        tail = TEXT_MAX // 4
        more = len(text) - TEXT_MAX
        text = f"{text[: TEXT_MAX - tail]}\n... ({more} more characters) ...\n{text[-tail:]}"
    return text


def fail(what: str, expected: str, actual: str, outcome: str = "wrong result") -> NoReturn:
    """End the test: it lost its points.  What it says is made safe to show here, for all tests."""
    what, expected, actual = readable(what), readable(expected), readable(actual)
    raise CheckFailed(what, shortened(expected), shortened(actual), outcome)


def equal(actual: object, expected: object, what: str) -> None:
    """Demand that two values are equal."""
    if actual != expected:
        fail(what, str(expected), str(actual))


def true(
    condition: bool, what: str, expected: str, actual: str, outcome: str = "wrong result"
) -> None:
    """Demand a condition; expected and actual describe both sides in words."""
    if not condition:
        fail(what, expected, actual, outcome)


def output(actual: bytes, expected: Union[bytes, str], what: str) -> None:
    """Demand that a program printed exactly this."""
    wanted = expected.encode() if isinstance(expected, str) else expected
    if actual == wanted:
        return
    wanted_lines, actual_lines = readable(wanted).splitlines(), readable(actual).splitlines()
    if max(len(wanted_lines), len(actual_lines)) <= 12:
        fail(what, "\n".join(wanted_lines) or "(nothing)", "\n".join(actual_lines) or "(nothing)")
    # Long texts: the neighbourhood of the first difference.
    at = next(
        (i for i, (w, a) in enumerate(zip(wanted_lines, actual_lines)) if w != a),
        min(len(wanted_lines), len(actual_lines)),
    )
    start = max(0, at - 2)

    def window(lines: "list[str]") -> str:
        shown = [f"{n + 1:5} {line}" for n, line in enumerate(lines[start : at + 4], start)]
        return "\n".join([f"({len(lines)} lines; from line {start + 1}:)", *shown])

    fail(what, window(wanted_lines), window(actual_lines))


def closest(wanted: str, choices: "list[str]") -> str:
    """The choice that looks most like a mistyped word, as " (did you mean …?)", or ""."""
    match = difflib.get_close_matches(wanted, choices, n=1)
    return f" (did you mean {match[0]}?)" if match else ""
