"""What the store has beside a room's line, for judging events that come from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.branches import StateAt, Stray
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.position import RoomPosition


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event of the log and its place."""

    event: Event
    position: RoomPosition


class BranchStore(Protocol):
    """Reads what was committed; it is written with the room (`RoomStore.write`)."""

    async def known(
        self, room: Room, event_ids: Sequence[str]
    ) -> Mapping[str, PlacedEvent | Stray]:
        """Those of these events that the store has, in the log or beside it."""
        ...

    async def state_after(self, room: Room, event_id: str) -> StateAt | None:
        """The state after an event on its own branch; None where that is not known."""
        ...

    async def redactions_of(
        self, room: Room, event_ids: Sequence[str]
    ) -> Sequence[tuple[str, str]]:
        """(target, redaction) of the accepted redactions that name these events."""
        ...
