"""Purged history: what was ordered, and what is still to be cleared away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room


@dataclass(frozen=True, slots=True)
class Purge:
    """An order of time `ts` (ms): what stands after position `from_seq`, up to `seq`, goes."""

    purge_id: str
    ts: int
    from_seq: int
    seq: int


class Progress(NamedTuple):
    """How far an order is: everything up to position `cleared` is gone, `complete` at the end."""

    cleared: int
    complete: bool


class Clearing(NamedTuple):
    """What is to be cleared away in a room: what stands after place `cleared`, up to `seq`.

    A place is a position as one number; history that arrived behind the event after `seq` goes
    too.
    """

    room_nid: int
    seq: int
    cleared: int


class PurgeStore(Protocol):
    """Orders go through a `Draft`, with the room's new floor (`RoomDraft.purge`)."""

    def add(self, draft: Draft, room: Room, purge: Purge) -> None:
        """Add an order."""
        ...

    async def find(self, room: Room, purge_id: str) -> tuple[Purge, Progress] | None:
        """An order of this room; None where there is none of that id."""
        ...

    async def due(self, before_ts: int) -> Clearing | None:
        """A room in which something that was purged by a time (ms) is still in the store."""
        ...

    async def clear(self, what: Clearing, limit: int) -> None:
        """Clear away up to `limit` events, the oldest first, and note it, in one transaction.

        What two processes clear at once is cleared once. Raises OutageError.
        """
        ...
