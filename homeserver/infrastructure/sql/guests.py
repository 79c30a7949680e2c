"""`GuestStore` on SQL."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_AT_ONCE = 100
_a, _u = t.account.c, t.matrix_user.c
_NAMES = [f"u{number}" for number in range(_AT_ONCE)]
_AMONG = Query(
    select(_u.user_id, _u.nid)
    .select_from(t.matrix_user.join(t.account, _a.user_nid == _u.nid))
    .where(_u.user_id.in_([bindparam(name) for name in _NAMES]), _a.is_guest == 1)
)


class SqlGuestStore:
    """See `GuestStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def among(self, user_ids: Sequence[str]) -> Sequence[tuple[str, int]]:
        """See `GuestStore.among`."""
        found: list[tuple[str, int]] = []
        left = iter(user_ids)
        while some := list(islice(left, _AT_ONCE)):
            full = [*some, *[""] * (_AT_ONCE - len(some))]
            params = {name: user.encode() for name, user in zip(_NAMES, full, strict=True)}
            rows = await self._db.fetch(_AMONG, **params)
            found += [(user_id.decode(), nid) for user_id, nid in rows]
        return found

    def upgrade(self, draft: Draft, user_nid: int, password_hash: str) -> None:
        """See `GuestStore.upgrade`."""
        row = (user_nid, password_hash.encode(), draft.slot, draft.next_pos())
        draft.write(w.UPGRADE_GUEST, row)
