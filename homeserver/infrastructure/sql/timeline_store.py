"""`TimelineStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import event_id_bytes
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.event_rows import read_timeline
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

AT_ONCE = 64
"""Events that one statement reads by their places."""


class SqlTimelineStore:
    """See `TimelineStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def event(self, room: Room, event_id: str) -> TimelineEvent | None:
        """See `TimelineStore.event`."""
        for item in room.tail:
            if item.event.event_id == event_id:
                return item
        try:
            key = event_id_bytes(event_id)
        except InvalidParamError:
            return None
        rows = await self._db.fetch(q.EVENT_BY_ID, room=room.nid, event_id=key)
        if not rows or room.floor.hides(*rows[0][:2]):
            return None
        items = await read_timeline(self._db, room, rows)
        return items[0] if items else None

    async def room_of(self, event_id: str, room_nids: Sequence[int]) -> int | None:
        """See `TimelineStore.room_of`."""
        try:
            key = event_id_bytes(event_id)
        except InvalidParamError:
            return None
        for start in range(0, len(room_nids), AT_ONCE):
            wanted = padded(list(room_nids[start : start + AT_ONCE]))
            params = {f"r{i}": nid for i, nid in enumerate(wanted)}
            rows = await self._db.fetch(q.room_of(len(wanted)), event_id=key, **params)
            if rows:
                return int(rows[0][0])
        return None

    async def events(
        self,
        room: Room,
        *,
        after: tuple[int, int],
        before: tuple[int, int],
        limit: int,
        newest: bool,
    ) -> Sequence[TimelineEvent]:
        """See `TimelineStore.events`."""
        after = max(after, room.floor.bound)
        rows = await self._db.fetch(
            q.NEWEST_EVENTS if newest else q.OLDEST_EVENTS,
            room=room.nid,
            after_seq=after[0],
            after_back=after[1],
            before_seq=before[0],
            before_back=before[1],
            n=limit,
        )
        return await read_timeline(self._db, room, rows[::-1] if newest else rows)

    async def at(
        self, room: Room, places: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], TimelineEvent]:
        """See `TimelineStore.at`."""
        found = {(i.seq, i.back): i for i in room.tail if (i.seq, i.back) in places}
        rest = sorted(p for p in set(places) - found.keys() if not room.floor.hides(*p))
        for start in range(0, len(rest), AT_ONCE):
            wanted = padded(rest[start : start + AT_ONCE])
            params = {f"s{i}": seq for i, (seq, _) in enumerate(wanted)}
            params |= {f"b{i}": back for i, (_, back) in enumerate(wanted)}
            rows = await self._db.fetch(q.events_at(len(wanted)), room=room.nid, **params)
            items = await read_timeline(self._db, room, rows)
            found.update(((item.seq, item.back), item) for item in items)
        return found

    async def live_events(
        self, room: Room, *, after: int, until: int, limit: int
    ) -> Sequence[TimelineEvent]:
        """See `TimelineStore.live_events`."""
        rows = await self._db.fetch(
            q.LIVE_EVENTS,
            room=room.nid,
            after_seq=max(after, room.floor.seq),
            until_seq=until,
            n=limit,
        )
        return await read_timeline(self._db, room, rows[::-1])

    async def positions(self, room: Room, seqs: Sequence[int]) -> dict[int, tuple[int, int]]:
        """See `TimelineStore.positions`."""
        rows = await self._at(room, seqs)
        return {seq: (slot, pos) for seq, slot, pos, _ in rows}

    async def times(self, room: Room, seqs: Sequence[int]) -> dict[int, int]:
        """See `TimelineStore.times`."""
        return {seq: ts for seq, _, _, ts in await self._at(room, seqs)}

    async def _at(self, room: Room, seqs: Sequence[int]) -> Sequence[Row]:
        if not seqs:
            return []
        wanted = padded(list(seqs))
        params = {f"s{i}": seq for i, seq in enumerate(wanted)}
        return await self._db.fetch(q.positions(len(wanted)), room=room.nid, **params)
