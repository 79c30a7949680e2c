"""Rooms as the store keeps them: as a whole, for memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """The fixed facts of a room."""

    nid: int
    room_id: str
    version: str


class RoomStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    Every read sees a consistent instant. Positions are room positions (`room_seq`).
    """

    async def find(self, room_id: str) -> RoomRecord | None:
        """The room with this id."""
        ...

    async def find_by_nid(self, nid: int) -> RoomRecord | None:
        """The room with this internal id."""
        ...

    async def room_ids(self, nids: Sequence[int]) -> dict[int, str]:
        """The ids of rooms by their internal ids; unknown ones are left out."""
        ...

    async def load(self, room: Room) -> None:
        """Fill a new `Room` from one instant of the store (`Room.load`)."""
        ...

    async def refresh(self, room: Room) -> bool:
        """Bring a room up to the store; whether anything had changed.

        On return it has all that was stored when this was called, whoever else refreshed it.
        """
        ...

    async def transaction_events(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, str]:
        """The events that these (room nid, transaction key) pairs made: key → event id."""
        ...

    def add_room(self, draft: Draft, room: Room, creator_nid: int) -> None:
        """Add a new room's fixed facts."""
        ...

    def write(self, draft: Draft, room: RoomDraft) -> None:
        """Add everything that the draft holds of one room."""
        ...
