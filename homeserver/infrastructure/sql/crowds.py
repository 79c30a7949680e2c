"""Rooms that another process wrote at the same time as this one, a moment ago."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room

CROWDED_SECONDS = 3.0
"""How long a room is written under its lock after a clash. Without, whoever is slower to
reload loses every race (measured: a p99 of 84 ms instead of 10)."""
_MANY = 1000


class Crowds:
    """Remembers the rooms that clashed."""

    def __init__(self) -> None:
        """Begin with none."""
        self._until: dict[int, float] = {}

    def note(self, room: Room) -> None:
        """The room just clashed."""
        now = asyncio.get_running_loop().time()
        if len(self._until) > _MANY:
            self._until = {nid: until for nid, until in self._until.items() if until > now}
        self._until[room.nid] = now + CROWDED_SECONDS

    def among(self, drafts: Iterable[RoomDraft]) -> list[Room]:
        """Those of these rooms that are crowded."""
        if not self._until:
            return []
        now = asyncio.get_running_loop().time()
        return [d.room for d in drafts if self._until.get(d.room.nid, 0.0) > now]
