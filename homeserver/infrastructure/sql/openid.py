"""`OpenIdStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_o, _a, _u = t.openid_token.c, t.account.c, t.matrix_user.c
_USER = Query(
    select(_u.user_id)
    .select_from(
        t.openid_token.join(t.account, _a.user_nid == _o.user_nid).join(
            t.matrix_user, _u.nid == _o.user_nid
        )
    )
    .where(
        _o.token_hash == bindparam("hash"),
        _o.expires_ts > bindparam("now"),
        _a.deactivated_ts.is_(None),
        _a.locked_ts.is_(None),
    )
)
_DROP_OLD = Execute(
    Query(delete(t.openid_token).where(_o.expires_ts < bindparam("p_ts"))), ("p_ts",), 76
)
_ADD = Insert(t.openid_token, 77)


class SqlOpenIdStore:
    """See `OpenIdStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def user_of(self, token_hash: bytes, now: int) -> str | None:
        """See `OpenIdStore.user_of`."""
        rows = await self._db.fetch(_USER, hash=token_hash, now=now)
        return rows[0][0].decode() if rows else None

    def add(self, draft: Draft, token_hash: bytes, user_nid: int, expires_ts: int) -> None:
        """See `OpenIdStore.add`."""
        draft.write(_DROP_OLD, (draft.now,))
        draft.write(_ADD, (token_hash, user_nid, expires_ts))
