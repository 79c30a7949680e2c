"""`ReadingStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.notices import EVERYONE, Highlight, OwnPlace
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.receipt_rows import write_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Database


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

    def write_receipt(self, draft: Draft, room: Room, placed: PlacedReceipt) -> None:
        """See `ReadingStore.write_receipt`."""
        write_receipt(draft, room, placed)
