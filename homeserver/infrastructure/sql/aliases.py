"""`AliasStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.application.ports.alias_store import AliasRecord
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Reader

_a = t.room_alias.c
FIND = Query(
    select(_a.room_nid, t.room.c.room_id, _a.creator_nid)
    .select_from(t.room_alias.join(t.room, t.room.c.nid == _a.room_nid))
    .where(_a.alias == bindparam("alias_"))
)
OF_ROOM = Query(select(_a.alias).where(_a.room_nid == bindparam("room")).order_by(_a.alias))


class SqlAliasStore:
    """See `AliasStore`."""

    def __init__(self, reader: Reader) -> None:
        """Read here."""
        self._reader = reader

    async def find(self, alias: str) -> AliasRecord | None:
        """See `AliasStore.find`."""
        rows = await self._reader.fetch(FIND, alias_=alias.encode())
        if not rows:
            return None
        room_nid, room_id, creator_nid = rows[0]
        return AliasRecord(alias, room_nid, room_id.decode(), creator_nid)

    async def of_room(self, room_nid: int) -> Sequence[str]:
        """See `AliasStore.of_room`."""
        return [row[0].decode() for row in await self._reader.fetch(OF_ROOM, room=room_nid)]

    def add(self, draft: Draft, alias: str, room_nid: int, creator_nid: int) -> None:
        """See `AliasStore.add`."""
        draft.write(w.INSERT_ALIAS, (alias.encode(), room_nid, creator_nid))

    def remove(self, draft: Draft, alias: str, room_nid: int) -> None:
        """See `AliasStore.remove`."""
        draft.write(w.DELETE_ALIAS, (alias.encode(), room_nid))

    def move(self, draft: Draft, from_nid: int, to_nid: int) -> None:
        """See `AliasStore.move`."""
        draft.write(w.MOVE_ALIASES, (from_nid, to_nid))
