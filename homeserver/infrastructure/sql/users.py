"""`UserStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import INSERT_USER

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_u = t.matrix_user.c
_NID = Query(select(_u.nid).where(_u.user_id == bindparam("user_id")))
_USER_ID = Query(select(_u.user_id).where(_u.nid == bindparam("nid")))


class SqlUserStore:
    """See `UserStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def nid_of(self, user_id: str) -> int | None:
        """See `UserStore.nid_of`."""
        rows = await self._db.fetch(_NID, user_id=user_id.encode())
        return rows[0][0] if rows else None

    async def user_id_of(self, nid: int) -> str | None:
        """See `UserStore.user_id_of`."""
        rows = await self._db.fetch(_USER_ID, nid=nid)
        return rows[0][0].decode() if rows else None

    def add(self, draft: Draft, nid: int, user_id: str) -> None:
        """See `UserStore.add`."""
        draft.write(INSERT_USER, (nid, user_id.encode()))
