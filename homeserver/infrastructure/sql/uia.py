"""`UiaSessionStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select

from homeserver.domain.accounts.uia import UiaSession
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_s = t.uia_session.c
_FIND = Query(
    select(_s.body).where(_s.session_id == bindparam("id"), _s.expires_ts > bindparam("now"))
)
_MAX_ID = 64
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(UiaSession).decode


class SqlUiaSessionStore:
    """See `UiaSessionStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find(self, session_id: str, now: int) -> UiaSession | None:
        """See `UiaSessionStore.find`."""
        if len(session_id) > _MAX_ID or not session_id.isascii():
            return None
        rows = await self._db.fetch(_FIND, id=session_id.encode(), now=now)
        return _unpack(rows[0][0]) if rows else None

    def put(self, draft: Draft, session: UiaSession, expires_ts: int) -> None:
        """See `UiaSessionStore.put`."""
        row = (session.session_id.encode(), _pack(session), expires_ts)
        draft.write(w.UPSERT_UIA_SESSION, row)

    def drop(self, draft: Draft, session_id: str) -> None:
        """See `UiaSessionStore.drop`."""
        draft.write(w.DELETE_UIA_SESSION, (session_id.encode(),))

    def purge(self, draft: Draft) -> None:
        """See `UiaSessionStore.purge`."""
        draft.write(w.DELETE_OLD_UIA_SESSIONS, (draft.now,))
