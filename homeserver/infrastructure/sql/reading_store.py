"""`ReadingStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes
from homeserver.domain.rooms.notices import EVERYONE, Highlight, OwnPlace
from homeserver.domain.rooms.threads import HOPS, ThreadEvent
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql import thread_queries
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.receipt_rows import write_receipt
from homeserver.infrastructure.sql.relation_rows import bound_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

PARENTS_AT_ONCE = 128


class SqlReadingStore:
    """See `ReadingStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def newest_own(self, room_nid: int, user_nid: int, after: int) -> OwnPlace | None:
        """See `ReadingStore.newest_own`."""
        rows = await self._db.fetch(q.NEWEST_OWN, room=room_nid, user=user_nid, after=after)
        return OwnPlace(*rows[0]) if rows else None

    async def highlights(self, room_nid: int, user_nid: int, after: int) -> Sequence[Highlight]:
        """See `ReadingStore.highlights`."""
        rows = await self._db.fetch(
            q.HIGHLIGHTS, room=room_nid, user=user_nid, everyone=EVERYONE, after=after
        )
        return [Highlight(user, seq, bool(counted)) for user, seq, counted in rows]

    async def newest_in_main(self, room_nid: int, user_nid: int, before: int) -> OwnPlace | None:
        """See `ReadingStore.newest_in_main`."""
        rows = await self._db.fetch(
            thread_queries.NEWEST_IN_MAIN, room=room_nid, user=user_nid, before=before
        )
        return OwnPlace(*rows[0]) if rows else None

    async def threads(
        self, room_nid: int, after: int, until: int, limit: int
    ) -> Sequence[ThreadEvent]:
        """See `ReadingStore.threads`."""
        span = {"room": room_nid, "after": bound_of((after, 0)), "until": bound_of((until, 0))}
        rows = list(await self._db.fetch(thread_queries.REPLIES, n=limit, **span))
        found = [_thread_event(row, is_thread=True) for row in rows]
        level = found
        for _ in range(HOPS - 1):
            level = await self._related(span, [each.event_id for each in level], limit)
            found += level
        return sorted(found, key=lambda event: event.seq)

    async def _related(
        self, span: Mapping[str, int], parents: Sequence[str], limit: int
    ) -> list[ThreadEvent]:
        """The newest `limit` events of a span that relate to these, oldest first."""
        found: list[ThreadEvent] = []
        for start in range(0, len(parents), PARENTS_AT_ONCE):
            wanted = padded(parents[start : start + PARENTS_AT_ONCE])
            params: dict[str, object] = {**span, "n": limit}
            params |= {f"p{i}": event_id_bytes(parent) for i, parent in enumerate(wanted)}
            rows = await self._db.fetch(thread_queries.related(len(wanted)), **params)
            found += [_thread_event(row, is_thread=False) for row in rows]
        return sorted(found, key=lambda event: event.seq)[-limit:]

    def write_receipt(self, draft: Draft, room: Room, placed: PlacedReceipt) -> None:
        """See `ReadingStore.write_receipt`."""
        write_receipt(draft, room, placed)


def _thread_event(row: Row, *, is_thread: bool) -> ThreadEvent:
    parent, event_id, seq, sender, notify_ord, before = row
    ids = event_id_from_bytes(event_id), event_id_from_bytes(parent)
    return ThreadEvent(*ids, is_thread, seq, sender, notify_ord, notify_ord > (before or 0))
