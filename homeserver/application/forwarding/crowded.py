"""Which rooms several workers write to, as the worker that writes and the one that helps see it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.ports.clock import Clock

CROWDED_SECONDS: Final = 3.0
"""How long a room counts as crowded after the last sign that others write to it."""
_MANY: Final = 1000


def preferred_worker(room_id: str, workers: Collection[str]) -> str:
    """The worker that all would choose for a room (rendezvous hash): one that goes moves few."""
    return max(workers, key=lambda worker: blake2b(f"{worker}\n{room_id}".encode()).digest())


class CrowdedRooms:
    """The rooms in which this worker's writes clashed with others' lately."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._until: dict[str, float] = {}

    def note(self, room_id: str) -> None:
        """Others write to this room too."""
        now = self._clock.monotonic()
        if len(self._until) > _MANY:
            self._until = {room: until for room, until in self._until.items() if until > now}
        self._until[room_id] = now + CROWDED_SECONDS

    def __contains__(self, room_id: str) -> bool:
        """Whether that was lately."""
        until = self._until.get(room_id)
        return until is not None and self._clock.monotonic() < until


class Guests:
    """Who wrote lately to rooms that others forward to this worker."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._rooms: dict[str, dict[str, float]] = {}

    def note(self, room_id: str, worker: str) -> bool:
        """A worker writes to a room, through this one; whether others did lately."""
        now = self._clock.monotonic()
        seen = self._rooms.setdefault(room_id, {})
        seen[worker] = now
        shared = any(who != worker and now - at < CROWDED_SECONDS for who, at in seen.items())
        if len(self._rooms) > _MANY:
            self._sweep(now)
        return shared

    def note_own(self, room_id: str, worker: str) -> None:
        """Note that this worker itself writes to a room."""
        if room_id in self._rooms:
            self.note(room_id, worker)

    def _sweep(self, now: float) -> None:
        self._rooms = {
            room: seen
            for room, seen in self._rooms.items()
            if now - max(seen.values()) < CROWDED_SECONDS
        }
