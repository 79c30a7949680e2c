"""`TimelineStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import event_id_bytes
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.event_rows import read_timeline
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row


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
        return (await read_timeline(self._db, room, rows))[0] if rows else None

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

    async def live_events(
        self, room: Room, *, after: int, until: int, limit: int
    ) -> Sequence[TimelineEvent]:
        """See `TimelineStore.live_events`."""
        rows = await self._db.fetch(
            q.LIVE_EVENTS, room=room.nid, after_seq=after, until_seq=until, n=limit
        )
        return await read_timeline(self._db, room, rows[::-1])

    async def at(
        self, room: Room, places: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], TimelineEvent]:
        """See `TimelineStore.at`."""
        held = {(item.seq, item.back): item for item in room.tail}
        found = {place: held[place] for place in places if place in held}
        missing = [place for place in places if place not in held]
        if missing:
            params: dict[str, int] = {}
            wanted = padded(missing)
            for i, (seq, back) in enumerate(wanted):
                params |= {f"s{i}": seq, f"b{i}": back}
            rows = await self._db.fetch(q.events_at(len(wanted)), room=room.nid, **params)
            items = await read_timeline(self._db, room, rows)
            found.update(((item.seq, item.back), item) for item in items)
        return found

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
