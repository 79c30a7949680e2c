"""`TokenStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, null, select

from homeserver.application.ports.token_store import Pair, TokenRecord
from homeserver.application.requester import Requester
from homeserver.domain.accounts.refresh import TokenFamily
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Table

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

RECOGNISED = 100
"""How many pairs before the one in use are still known for copies of old ones."""

_a, _d, _u = t.account.c, t.device.c, t.matrix_user.c


def _find(table: Table, expires: ColumnElement[Any]) -> Query:
    token = table.c
    return Query(
        select(
            *(token.user_nid, token.device_nid, token.login, token.number, expires),
            *(_d.login, _d.issued, _d.used, _d.first_open, _d.device_id),
            *(_u.user_id, _a.is_guest, _a.is_admin, _a.locked_ts),
        )
        .select_from(
            table.join(t.device, _d.nid == token.device_nid)
            .join(t.account, _a.user_nid == token.user_nid)
            .join(t.matrix_user, _u.nid == token.user_nid)
        )
        .where(token.token_hash == bindparam("hash"), _a.deactivated_ts.is_(None))
    )


_ACCESS = _find(t.access_token, t.access_token.c.expires_ts)
_REFRESH = _find(t.refresh_token, null())


class SqlTokenStore:
    """See `TokenStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find_access(self, token_hash: bytes) -> TokenRecord | None:
        """See `TokenStore.find_access`."""
        return _record(await self._db.fetch(_ACCESS, hash=token_hash), token_hash)

    async def find_refresh(self, token_hash: bytes) -> TokenRecord | None:
        """See `TokenStore.find_refresh`."""
        return _record(await self._db.fetch(_REFRESH, hash=token_hash), b"")

    def add_access(
        self, draft: Draft, token_hash: bytes, pair: Pair, expires_ts: int | None
    ) -> None:
        """See `TokenStore.add_access`."""
        draft.write(w.INSERT_ACCESS_TOKEN, (token_hash, *_columns(pair), draft.now, expires_ts))

    def add_refresh(self, draft: Draft, token_hash: bytes, pair: Pair) -> None:
        """See `TokenStore.add_refresh`."""
        draft.write(w.INSERT_REFRESH_TOKEN, (token_hash, *_columns(pair), draft.now))

    def move(self, draft: Draft, pair: Pair, old: TokenFamily, new: TokenFamily) -> None:
        """See `TokenStore.move`."""
        stands = (old.used, old.issued, new.used, new.first_open, new.issued)
        draft.write(w.MOVE_LOGIN, (pair.device_nid, pair.login, *stands))
        if new.used > RECOGNISED and new.used != old.used:
            oldest = (pair.user_nid, pair.device_nid, new.used - RECOGNISED)
            draft.write(w.DROP_OLD_ACCESS_TOKENS, oldest)
            draft.write(w.DROP_OLD_REFRESH_TOKENS, oldest)

    def revoke(self, draft: Draft, pair: Pair) -> None:
        """See `TokenStore.revoke`."""
        draft.write(w.END_LOGIN, (pair.device_nid, pair.login))


def _columns(pair: Pair) -> tuple[int, int, int, int]:
    return pair.user_nid, pair.device_nid, pair.login, pair.number


def _record(rows: Sequence[Row], token_hash: bytes) -> TokenRecord | None:
    if not rows:
        return None
    user_nid, device_nid, login, number, expires_ts, *rest = rows[0]
    current, issued, used, first_open, device_id, user_id, is_guest, is_admin, locked = rest
    return TokenRecord(
        pair=Pair(user_nid, device_nid, login, number),
        family=TokenFamily(issued, used, first_open, revoked=current != login),
        requester=Requester(
            user_id=user_id.decode(),
            user_nid=user_nid,
            device_id=device_id.decode(),
            device_nid=device_nid,
            is_guest=bool(is_guest),
            is_admin=bool(is_admin),
            token_hash=token_hash,
        ),
        locked=locked is not None,
        expires_ts=expires_ts,
    )
