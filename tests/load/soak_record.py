"""What a run of `tests.load.bus_soak` recorded, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

AFTER_S = 15.0
"""What is sent so long after a fault's end may still be lost: a target is forgotten after 10 s."""
FIT_MINUTES = 10
"""What a fit takes at least: the second half of a life. Before, queues and heaps find their size."""
JUDGED_MINUTES = 20
"""Of a fit by which a worker is judged: a shorter one shows mostly the steps that faults leave."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done; `back` is when frames flowed on all ways again, None for never."""

    kind: str
    of: float | str
    began: float
    ended: float
    back: float | None

    def touches(self, first: float, last: float) -> bool:
        """Whether it may have to do with what was sent between two moments."""
        return first <= (self.back or self.ended) + AFTER_S and last >= self.began - 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames of one sender that one receiver never heard, sent between two moments."""

    receiver: str
    sender: str
    count: int
    first: float
    last: float


@dataclass(slots=True)
class Growth:
    """A line through a figure of one process, per hour, with its standard error."""

    process: str
    minutes: int
    first: float
    last: float
    slope: float
    error: float


@dataclass(slots=True)
class Record:
    """A run."""

    begun: float
    minutes: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read what was written so far."""
        record: Record | None = None
        for line in path.read_bytes().splitlines():
            entry = msgspec.json.decode(line)
            if "begun" in entry:
                record = cls(entry["begun"])
            assert record is not None, "a record begins with its beginning"
            if "fault" in entry:
                kind = entry.pop("fault")
                record.faults.append(Fault(kind=kind, **entry))
            elif "end" in entry:
                record.end = entry
            elif "minute" in entry:
                record.minutes.append(entry)
        assert record is not None, "an empty record"
        return record

    def gaps(self) -> list[Gap]:
        """All gaps, also those that workers told of which are gone by now."""
        found = {
            Gap(receiver, sender, end - number, first, last): None
            for entry in self._entries()
            for receiver, figures in entry["workers"].items()
            for sender, number, end, first, last in figures["gaps"]
        }
        return list(found)

    def unexplained(self) -> list[Gap]:
        """Gaps with no fault about."""
        return [
            gap
            for gap in self.gaps()
            if not any(fault.touches(gap.first, gap.last) for fault in self.faults)
        ]

    def missing_at_the_end(self) -> int:
        """Frames between workers that live which were not heard, though no gap tells of them."""
        if self.end is None:
            return 0
        workers = self.end["workers"]
        return sum(
            sent - workers[target]["next"].get(sender, 0)
            for sender, figures in workers.items()
            for target, sent in figures["sent"].items()
            if target in workers
        )

    def count(self, fate: str) -> int:
        """How many frames had a fate."""
        return sum(
            figures["fates"].get(fate, 0)
            for entry in self._entries()
            for figures in entry["workers"].values()
        )

    def is_calm(self, entry: dict[str, Any]) -> bool:
        """Whether nothing was done in a minute, nor just before."""
        return not any(f.touches(entry["moment"] - 60, entry["moment"]) for f in self.faults)

    def growths(self, figure: str) -> list[Growth]:
        """How a figure of each worker grew that lived long enough."""
        lives: dict[str, list[tuple[float, float]]] = {}
        for entry in self.minutes:
            for name, figures in entry["processes"].items():
                if not name.startswith("broker"):
                    lives.setdefault(name, []).append((entry["moment"], figures[figure]))
        return [
            _fit(name, points[len(points) // 2 :])
            for name, points in lives.items()
            if len(points) >= 2 * FIT_MINUTES
        ]

    def processor(self) -> dict[str, float]:
        """Share of a core of each process between its first minute and its last."""
        seen: dict[str, list[tuple[float, float]]] = {}
        for entry in self.minutes:
            for name, figures in entry["processes"].items():
                seen.setdefault(name, []).append((entry["moment"], figures["cpu_s"]))
        return {
            name: (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
            for name, points in seen.items()
            if len(points) > 1
        }

    def _entries(self) -> Iterator[dict[str, Any]]:
        yield from self.minutes
        if self.end is not None:
            yield self.end


def _fit(process: str, points: Sequence[tuple[float, float]]) -> Growth:
    """Least squares; the slope is per hour."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    left = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    error = sqrt(left / (count - 2) / spread)
    return Growth(process, count, points[0][1], points[-1][1], slope * 3600, error * 3600)


def lags(entries: Sequence[dict[str, Any]], kind: str) -> list[float]:
    """The one-way latencies of minutes in ms, in order of size."""
    return sorted(
        lag for entry in entries for figures in entry["workers"].values() for lag in figures[kind]
    )


def part(ordered: Sequence[float], share: float) -> float | None:
    """A quantile; None of nothing."""
    return ordered[int(len(ordered) * share)] if ordered else None


def sent(entries: Sequence[dict[str, Any]]) -> list[int]:
    """How many frames the workers sent in each minute."""
    before: dict[str, int] = {}
    found = []
    for entry in entries:
        now = {name: sum(figures["sent"].values()) for name, figures in entry["workers"].items()}
        found.append(sum(count - before.get(name, 0) for name, count in now.items()))
        before |= now
    return found
