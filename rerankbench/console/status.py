"""The line that says what goes on: what, how far, how fast, how much longer."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from rerankbench.console.text import clock_time, fitted
from rerankbench.progress import Left, Pace, Place

_MOST_BAR = 20
_LEAST_BAR = 6
_LEAST_LABEL = 12


@dataclass(slots=True, kw_only=True)
class Task:
    """A stretch of work that goes on; `total` is None where it is not known."""

    label: str
    total: int | None
    unit: str
    began_s: float
    done: int = 0
    _first: tuple[float, int] | None = None
    _last_s: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def advance(self, count: int, now_s: float) -> None:
        """So many more are done. The first are not timed: an earlier run may have left them."""
        with self._lock:
            self.done += count
            self._last_s = now_s
            if self._first is None:
                self._first = (now_s, self.done)

    def pace(self, now_s: float) -> Pace:
        """How it goes; the speed is that up to the last units, which come in batches."""
        elapsed_s = now_s - self.began_s
        with self._lock:
            if self._first is None:
                return Pace(elapsed_s=elapsed_s)
            first_s, before = self._first
            timed, timed_s = self.done - before, self._last_s - first_s
            if timed <= 0 or timed_s <= 0:
                return Pace(elapsed_s=elapsed_s)
            per_s = timed / timed_s
            if self.total is None:
                return Pace(elapsed_s=elapsed_s, per_s=per_s)
            left_s = (self.total - self.done) / per_s - (now_s - self._last_s)
        return Pace(elapsed_s=elapsed_s, per_s=per_s, left_s=max(0.0, left_s))

    @property
    def share(self) -> float | None:
        """How much of it is done, from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The facts of one moment, as text."""

    place: str
    label: str
    share: float | None
    amount: str
    speed: str
    time: str

    def line(self, width: int) -> tuple[str, float | None, int, str]:
        """What stands before the bar, how full that is, its width, and what stands behind it.

        The label has what room there is; the bar goes where there is none.
        """
        facts = [self.percent or self.amount, self.speed, self.time]
        behind = " ".join(filter(None, facts))
        before = f"{self.place}: " if self.place else ""
        room = width - len(before) - len(behind) - 1
        if room < min(_LEAST_LABEL, len(self.label)):
            # What can be done without, least needed first.
            behind = " ".join(filter(None, (facts[0], facts[2])))
            room = width - len(before) - len(behind) - 1
        label = fitted(self.label, max(room, _LEAST_LABEL))
        bar = min(_MOST_BAR, room - len(label) - 1) if self.share is not None else 0
        return f"{before}{label}", self.share, bar if bar >= _LEAST_BAR else 0, behind

    @property
    def percent(self) -> str:
        """The share, rounded down: 100 % is all of it."""
        return "" if self.share is None else f"{int(self.share * 100):3}%"

    def sentence(self) -> str:
        """The same facts for a log, where there is room."""
        done = ", ".join(filter(None, (self.percent.strip(), self.amount)))
        facts = ", ".join(filter(None, (done, self.speed, self.time)))
        return f"{', '.join(filter(None, (self.place, self.label)))}: {facts}"


def status_of(task: Task, place: Place | None, now_s: float) -> Status:
    """What is to be said of a task now."""
    pace = task.pace(now_s)
    left = Left(cell_s=pace.left_s) if place is None else place.left(pace)
    amount = ""
    if task.total is not None:
        amount = f"{task.done:,} of {task.total:,} {task.unit}"
    elif task.done:
        amount = f"{task.done:,} {task.unit}"
    return Status(
        place="" if place is None else place.text,
        label=task.label,
        share=task.share,
        amount=amount,
        speed=_speed(pace, task.unit),
        time=_time(pace, left),
    )


def _speed(pace: Pace, unit: str) -> str:
    if pace.per_s is None or not unit:
        return ""
    return f"{pace.per_s:,.0f} {unit}/s" if pace.per_s >= 10 else f"{pace.per_s:.1f} {unit}/s"


def _time(pace: Pace, left: Left) -> str:
    """What is left is labelled; without it, how long it has taken so far."""
    if left.cell_s is None:
        text = f"{clock_time(pace.elapsed_s)} so far"
    else:
        text = f"{clock_time(left.cell_s)} left"
    if left.run_s is None:
        return text
    return f"{text}, run {'~' if left.is_rough else ''}{clock_time(left.run_s)}"
