"""Who ran when: the trace ring as a picture (SVG), one lane a task.

`make timeline` draws it for programs of the caller's choice; a failed test whose run had several
tasks gets one too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from grader.machine import TICKS_PER_SECOND
from grader.paths import BUILD, GraderError, shown
from grader.run import Run
from grader.trace import KERNEL_PID, NO_JOB, Event, Kind

SYS_SCHED_YIELD = 124
TICKS_PER_MS = TICKS_PER_SECOND // 1000

WIDTH, LABEL, LANE, BAR, TOP = 960, 170, 30, 16, 34
CALLS_MAX = 2000  # marks beyond that many would only be a smear
LANES_MAX = 40
STYLE = """
  text { font: 12px sans-serif; fill: #24292f }
  .dim { fill: #57606a; font-size: 11px }
  .paper { fill: #ffffff } .lane { fill: #f6f8fa } .grid { stroke: #d0d7de; stroke-width: 1 }
  .running { fill: #1f6feb } .ready { fill: #c6dafc } .asleep { fill: #e8e1f5 }
  .call { stroke: #24292f; stroke-width: 1 } .yield { fill: #d4730b } .end { fill: #cf222e }
  .timer { stroke: #d4730b; stroke-width: 1 }
"""


class State(enum.Enum):
    """What a task is doing."""

    RUNNING = "running"
    READY = "ready"
    ASLEEP = "asleep"


@dataclass
class Lane:
    """A task's life.  spans: (state, from, to) in ticks; calls: (when, number)."""

    name: str
    spans: List[Tuple[State, int, int]] = field(default_factory=list)
    calls: List[Tuple[int, int]] = field(default_factory=list)
    end: Optional[int] = None

    def total(self, state: State) -> int:
        """Ticks spent in a state."""
        return sum(end - start for each, start, end in self.spans if each is state)


@dataclass
class Picture:
    """All lanes, by pid, between two times; timer: when its interrupts came."""

    start: int
    end: int
    lanes: Dict[int, Lane]
    timer: List[int]


def read(events: Sequence[Event], jobs: Sequence[str]) -> Picture:
    """Make lanes of events.  jobs: the deck, for the names.  The kernel's own task is KERNEL_PID."""
    if not events:
        raise GraderError("nothing was scheduled: the kernel's trace ring is empty")
    picture = Picture(events[0].time, events[-1].time, {0: Lane("kernel")}, [])
    state: Dict[int, Tuple[State, int]] = {0: (State.RUNNING, events[0].time)}
    running = 0

    def change(pid: int, to: Optional[State], time: int) -> None:
        if pid in state:
            old, since = state.pop(pid)
            if time > since:
                picture.lanes[pid].spans.append((old, since, time))
        if to is not None:
            state[pid] = (to, time)

    for event in events:
        if event.pid not in picture.lanes:
            job = event.value if event.kind is Kind.START else NO_JOB
            name = jobs[job] if job < len(jobs) else f"pid {event.pid}"
            picture.lanes[event.pid] = Lane(name)
        lane = picture.lanes[event.pid]
        if event.kind is Kind.START or event.kind is Kind.WAKE:
            change(event.pid, State.READY, event.time)
        elif event.kind is Kind.RUN:
            if running in state and state[running][0] is State.RUNNING and running != event.pid:
                change(running, State.READY, event.time)
            change(event.pid, State.RUNNING, event.time)
            running = event.pid
        elif event.kind is Kind.WAIT:
            change(event.pid, State.ASLEEP, event.time)
        elif event.kind is Kind.END:
            change(event.pid, None, event.time)
            lane.end = event.time
        elif event.kind is Kind.CALL:
            lane.calls.append((event.time, event.value))
        elif event.kind is Kind.TIMER:
            picture.timer.append(event.time)
    for pid in list(state):
        change(pid, None, picture.end)
    return picture


def _step(length_ms: float) -> float:
    """A round number of milliseconds between two marks of the axis: some ten marks in all."""
    step = 0.001
    while True:
        for factor in (1, 2, 5):
            if length_ms / (step * factor) <= 12:
                return step * factor
        step *= 10


def draw(picture: Picture, title: str) -> str:
    """The picture as a document of its own; hovering shows exact times."""
    lanes = [
        picture.lanes[pid]
        for pid in sorted(picture.lanes, key=lambda pid: (pid == KERNEL_PID, pid))
    ]
    hidden = len(lanes) - LANES_MAX
    lanes = lanes[:LANES_MAX]
    length = max(1, picture.end - picture.start)
    scale = (WIDTH - LABEL - 20) / length

    def x(time: int) -> float:
        return LABEL + (time - picture.start) * scale

    def ms(ticks: int) -> str:
        return f"{ticks / TICKS_PER_MS:.3f}".rstrip("0").rstrip(".")

    height = TOP + LANE * len(lanes) + 52
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text x="8" y="20">{escape(title)}</text>',
    ]
    bottom = TOP + LANE * len(lanes)
    step = _step(length / TICKS_PER_MS)
    mark = 0
    while mark * step <= length / TICKS_PER_MS:
        at = x(picture.start + int(mark * step * TICKS_PER_MS))
        out.append(f'<path class="grid" d="M{at:.1f} {TOP}V{bottom + 4}"/>')
        out.append(
            f'<text class="dim" x="{at:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{mark * step:g}</text>"
        )
        mark += 1
    out.append(f'<text class="dim" x="{WIDTH - 20}" y="{bottom + 28}" text-anchor="end">ms</text>')
    if len(picture.timer) <= CALLS_MAX:
        ticks = "".join(f"M{x(time):.1f} {TOP - 6}v5" for time in picture.timer)
        out.append(f'<path class="timer" d="{ticks}"><title>timer interrupts</title></path>')
    marks = CALLS_MAX
    for row, lane in enumerate(lanes):
        y = TOP + LANE * row + (LANE - BAR) / 2
        out.append(
            f'<rect class="lane" x="{LABEL}" y="{y}" width="{WIDTH - LABEL - 20}" height="{BAR}"/>'
        )
        name = lane.name if len(lane.name) <= 24 else lane.name[:23] + "…"
        out.append(f'<text x="8" y="{y + 12}">{escape(name)}</text>')
        for state, start, end in lane.spans:
            inset = 0 if state is State.RUNNING else 4
            width = max((end - start) * scale, 0.5)
            out.append(
                f'<rect class="{state.value}" x="{x(start):.2f}" y="{y + inset}"'
                f' width="{width:.2f}" height="{BAR - 2 * inset}">'
                f"<title>{escape(lane.name)}: {state.value} for {ms(end - start)} ms, from"
                f" {ms(start - picture.start)} ms on</title></rect>"
            )
        for time, number in lane.calls[: max(0, marks)]:
            if number == SYS_SCHED_YIELD:
                out.append(
                    f'<path class="yield" d="M{x(time) - 3:.1f} {y - 5}h6l-3 5z">'
                    f"<title>sched_yield at {ms(time - picture.start)} ms</title></path>"
                )
            else:
                out.append(
                    f'<path class="call" d="M{x(time):.1f} {y + BAR}v4">'
                    f"<title>system call {number} at {ms(time - picture.start)} ms</title></path>"
                )
        marks -= len(lane.calls)
        if lane.end is not None:
            out.append(
                f'<rect class="end" x="{x(lane.end):.1f}" y="{y}" width="2" height="{BAR}"/>'
            )
    key = [("running", "has the CPU"), ("ready", "ready, waits for it"), ("asleep", "asleep")]
    at = 8
    for name, text in key:
        out.append(f'<rect class="{name}" x="{at}" y="{height - 17}" width="18" height="10"/>')
        out.append(f'<text class="dim" x="{at + 24}" y="{height - 8}">{text}</text>')
        at += 40 + 7 * len(text)
    more = "▼ sched_yield · | other system call · red: its end · above: timer interrupts"
    more += f" · ({hidden} more tasks are not shown)" if hidden > 0 else ""
    out.append(f'<text class="dim" x="{at}" y="{height - 8}">{more}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def save(run: Run, path: Path, title: str) -> None:
    """Write the picture of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draw(read(run.events, run.jobs_wanted), title))


def summary(picture: Picture) -> List[str]:
    """A line a task: what it spent its time with."""
    lines = [f"{'':24} {'running':>9} {'ready':>9} {'asleep':>9}  turns  calls"]
    for pid in sorted(picture.lanes, key=lambda pid: (pid == KERNEL_PID, pid)):
        lane = picture.lanes[pid]
        times = " ".join(f"{lane.total(state) / TICKS_PER_MS:>6.2f} ms" for state in State)
        turns = sum(state is State.RUNNING for state, _, _ in lane.spans)
        lines.append(f"{lane.name[:24]:24} {times}  {turns:>5}  {len(lane.calls):>5}")
    return lines


def command(run: Run, out: str) -> int:
    """`make timeline`: draw a finished run, say where the picture is, and what it shows."""
    path = Path(out) if out else BUILD / "timeline.svg"
    title = f"{len(run.jobs_wanted)} jobs: {run.outcome.value}"
    save(run, path, title)
    print("\n".join(summary(read(run.events, run.jobs_wanted))))
    print(f"\n{run.explanation}\n{shown(path)}: open it in a browser")
    return 0
