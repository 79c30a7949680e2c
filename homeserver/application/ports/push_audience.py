"""Who may have to be notified."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from homeserver.application.ports.pusher_store import StoredPusher
    from homeserver.application.sync.feed import RoomPlace


class Reader(NamedTuple):
    """Somebody with a pusher who is in a room, or invited."""

    user_nid: int
    user_id: str
    place: RoomPlace


class PushAudience(Protocol):
    """Reads what was committed."""

    async def readers(self, rooms: Collection[int]) -> Mapping[int, Sequence[Reader]]:
        """Who has a pusher and is joined or invited to these rooms; nobody: left out."""
        ...

    async def rooms_of(self, users: Collection[int]) -> Collection[int]:
        """The rooms that these users are joined or invited to."""
        ...

    async def pushers(self, users: Collection[int]) -> Mapping[int, Sequence[StoredPusher]]:
        """The pushers of these users, but of locked ones."""
        ...

    async def unread_rooms(self, user_nid: int, limit: int) -> Sequence[RoomPlace]:
        """The user's places in rooms where something may be unread, latest activity first."""
        ...
