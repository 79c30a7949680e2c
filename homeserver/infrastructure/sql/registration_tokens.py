"""`RegistrationTokenStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, select

from homeserver.application.ports.registration_token_store import RegistrationToken
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_r = t.registration_token.c
_FIND = Query(
    select(_r.token_hash, _r.uses_allowed, _r.uses, _r.makes_admin, _r.expires_ts).where(
        _r.token_hash == bindparam("hash")
    )
)
_VALID = Query(
    select(_r.uses)
    .where(
        or_(_r.uses_allowed.is_(None), _r.uses < _r.uses_allowed),
        or_(_r.expires_ts.is_(None), _r.expires_ts > bindparam("now")),
        or_(_r.makes_admin == 0, ~select(t.account.c.user_nid).exists()),
    )
    .limit(1)
)


class SqlRegistrationTokenStore:
    """See `RegistrationTokenStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find(self, token_hash: bytes) -> RegistrationToken | None:
        """See `RegistrationTokenStore.find`."""
        rows = await self._db.fetch(_FIND, hash=token_hash)
        if not rows:
            return None
        key, uses_allowed, uses, makes_admin, expires_ts = rows[0]
        return RegistrationToken(key, uses_allowed, uses, bool(makes_admin), expires_ts)

    async def any_valid(self, now: int) -> bool:
        """See `RegistrationTokenStore.any_valid`."""
        return bool(await self._db.fetch(_VALID, now=now))

    def add(self, draft: Draft, token: RegistrationToken) -> None:
        """See `RegistrationTokenStore.add`."""
        row = (
            token.token_hash,
            token.uses_allowed,
            token.uses,
            int(token.makes_admin),
            token.expires_ts,
        )
        draft.write(w.INSERT_REGISTRATION_TOKEN, row)

    def use(self, draft: Draft, token_hash: bytes) -> None:
        """See `RegistrationTokenStore.use`."""
        draft.write(w.USE_REGISTRATION_TOKEN, (token_hash,))
