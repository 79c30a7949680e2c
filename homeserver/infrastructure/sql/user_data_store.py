"""`UserDataStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.application.user_data.items import DataItem, DataKey
from homeserver.domain.shared.errors import NotFoundError
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_d, _f = t.account_data.c, t.sync_filter.c
USER_ID = Query(select(t.matrix_user.c.user_id).where(t.matrix_user.c.nid == bindparam("user")))
ACCOUNT_DATA = Query(
    select(_d.room_nid, _d.type, _d.content, _d.slot, _d.pos, _d.rev)
    .where(_d.user_nid == bindparam("user"))
    .order_by(_d.pos)
)
FILTER = Query(
    select(_f.body).where(_f.user_nid == bindparam("user"), _f.filter_id == bindparam("id"))
)


class SqlUserDataStore:
    """See `UserDataStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def account_data(self, user_nid: int) -> tuple[str, Sequence[tuple[DataKey, DataItem]]]:
        """See `UserDataStore.account_data`."""
        async with self._db.snapshot() as reader:
            users = await reader.fetch(USER_ID, user=user_nid)
            rows = await reader.fetch(ACCOUNT_DATA, user=user_nid)
        if not users:
            raise NotFoundError("No such user")
        items = [
            ((room, kind.decode()), DataItem(content, slot, pos, rev))
            for room, kind, content, slot, pos, rev in rows
        ]
        return users[0][0].decode(), items

    def write_account_data(self, draft: Draft, user_nid: int, key: DataKey, item: DataItem) -> None:
        """See `UserDataStore.write_account_data`."""
        row = (user_nid, key[0], key[1].encode(), item.content_json, 1, item.slot, item.pos)
        draft.write(w.UPSERT_ACCOUNT_DATA, row)

    async def filter(self, user_nid: int, filter_id: str) -> bytes | None:
        """See `UserDataStore.filter`."""
        rows = await self._db.fetch(FILTER, user=user_nid, id=filter_id.encode())
        return bytes(rows[0][0]) if rows else None

    def write_filter(self, draft: Draft, user_nid: int, filter_id: str, body: bytes) -> None:
        """See `UserDataStore.write_filter`."""
        draft.write(w.INSERT_FILTER, (user_nid, filter_id.encode(), body))
