"""The certified vector of this worker, and its history as a local count of batches."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Mapping

KEEP = 1 << 17


class Ticks:
    """Counts certified batches: tick t is the t-th advance of the vector.

    The count is a linear extension of the logs: what a vector V covers is everything up to
    tick `of(V)`, and perhaps single batches after it. So "changed after tick of(V)" never
    misses anything that V's holder lacks.
    """

    __slots__ = ("_asked", "_floor", "_positions", "_ticks", "now", "vector")

    def __init__(self, vector: Mapping[int, int]) -> None:
        """Begin at a vector read from the store."""
        self.vector = Vector(vector)
        self.now = 0
        self._positions: dict[int, list[int]] = {}
        self._ticks: dict[int, list[int]] = {}
        self._floor: dict[int, int] = dict(vector)
        self._asked: tuple[Vector, int, int | None] = (self.vector, 0, 0)

    def advance(self, slot: int, pos: int) -> int:
        """Move one slot on; return the new tick."""
        self.now += 1
        self.vector = self.vector.advance(slot, pos)
        positions = self._positions.setdefault(slot, [])
        ticks = self._ticks.setdefault(slot, [])
        positions.append(pos)
        ticks.append(self.now)
        if len(positions) > KEEP:
            half = KEEP // 2
            self._floor[slot] = positions[half - 1]
            del positions[:half], ticks[:half]
        return self.now

    def of(self, vector: Vector) -> int | None:
        """The last tick whose batches this vector all covers; None if that is forgotten.

        Who waited for the same change asks for the same vector: the last answer is kept.
        """
        asked, then, tick = self._asked
        if asked is not vector or then != self.now:
            tick = self._find(vector)
            self._asked = vector, self.now, tick
        return tick

    def _find(self, vector: Vector) -> int | None:
        if vector == self.vector:
            return self.now
        tick = self.now
        for slot, pos in self.vector:
            known = vector[slot]
            if known >= pos:
                continue
            if known < self._floor.get(slot, 0):
                return None
            at = bisect_right(self._positions[slot], known)
            tick = min(tick, self._ticks[slot][at] - 1)
        return tick
