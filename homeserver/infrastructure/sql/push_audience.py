"""`PushAudience` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from homeserver.application.ports.push_audience import Reader
from homeserver.application.ports.pusher_store import StoredPusher
from homeserver.infrastructure.sql import push_queries as q
from homeserver.infrastructure.sql.memberships import place_of
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.infrastructure.sql.database import Database

T = TypeVar("T")
AT_ONCE = 64
"""Keys in one condition."""


class SqlPushAudience:
    """See `PushAudience`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def readers(self, rooms: Collection[int]) -> Mapping[int, Sequence[Reader]]:
        """See `PushAudience.readers`."""
        found: dict[int, list[Reader]] = {}
        for some in _chunks(list(rooms)):
            wanted = padded(some)
            params = {f"r{i}": nid for i, nid in enumerate(wanted)}
            for nid, user_id, *place in await self._db.fetch(q.readers(len(wanted)), **params):
                reader = Reader(nid, user_id.decode(), place_of(tuple(place)))
                found.setdefault(reader.place.room_nid, []).append(reader)
        return found

    async def rooms_of(self, users: Collection[int]) -> Collection[int]:
        """See `PushAudience.rooms_of`."""
        found: set[int] = set()
        for some in _chunks(list(users)):
            rows = await self._db.fetch(q.rooms_of(len(padded(some))), **_users(some))
            found.update(nid for (nid,) in rows)
        return found

    async def pushers(self, users: Collection[int]) -> Mapping[int, Sequence[StoredPusher]]:
        """See `PushAudience.pushers`."""
        found: dict[int, list[StoredPusher]] = {}
        for some in _chunks(list(users)):
            rows = await self._db.fetch(q.pushers(len(padded(some))), **_users(some))
            for user, key, device, created, body in rows:
                pusher = StoredPusher(user, bytes(key), device, created, bytes(body))
                found.setdefault(user, []).append(pusher)
        return found

    async def unread_rooms(self, user_nid: int, limit: int) -> Sequence[RoomPlace]:
        """See `PushAudience.unread_rooms`."""
        return [place_of(r) for r in await self._db.fetch(q.UNREAD_ROOMS, user=user_nid, n=limit)]


def _users(users: Sequence[int]) -> dict[str, int]:
    return {f"u{i}": user for i, user in enumerate(padded(users))}


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[at : at + AT_ONCE] for at in range(0, len(values), AT_ONCE))
