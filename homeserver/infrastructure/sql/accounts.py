"""`AccountStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, or_, select

from homeserver.application.ports.account_store import Account
from homeserver.infrastructure.sql import account_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_a, _u = t.account.c, t.matrix_user.c
_FIND = Query(
    select(
        *(_a.user_nid, _a.password_hash, _a.is_admin, _a.is_guest),
        *(_a.deactivated_ts, _a.locked_ts),
    )
    .select_from(t.matrix_user.join(t.account, _a.user_nid == _u.nid))
    .where(_u.user_id == bindparam("user_id"))
)
_m = t.membership.c
_HALF_GONE = Query(
    select(_u.user_id, _u.nid)
    .distinct()
    .select_from(
        t.account.join(t.matrix_user, _u.nid == _a.user_nid).join(
            t.membership, _m.user_nid == _a.user_nid
        )
    )
    .where(
        _a.deactivated_ts.is_not(None),
        or_(_m.membership == b"join", _m.membership == b"invite", _m.membership == b"knock"),
    )
)
_ANY = Query(select(_a.user_nid).where(_a.is_guest == 0).limit(1))


class SqlAccountStore:
    """See `AccountStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def find(self, user_id: str) -> Account | None:
        """See `AccountStore.find`."""
        rows = await self._db.fetch(_FIND, user_id=user_id.encode())
        if not rows:
            return None
        nid, password_hash, is_admin, is_guest, deactivated, locked = rows[0]
        return Account(
            user_nid=nid,
            user_id=user_id,
            password_hash=None if password_hash is None else password_hash.decode(),
            is_admin=bool(is_admin),
            is_guest=bool(is_guest),
            deactivated=deactivated is not None,
            locked=locked is not None,
        )

    async def any_exists(self) -> bool:
        """See `AccountStore.any_exists`."""
        return bool(await self._db.fetch(_ANY))

    async def half_gone(self) -> Sequence[tuple[str, int]]:
        """See `AccountStore.half_gone`."""
        return [(user_id.decode(), nid) for user_id, nid in await self._db.fetch(_HALF_GONE)]

    def add(self, draft: Draft, account: Account) -> None:
        """See `AccountStore.add`."""
        row = (
            account.user_nid,
            None if account.password_hash is None else account.password_hash.encode(),
            int(account.is_admin),
            int(account.is_guest),
            draft.now,
            draft.now if account.deactivated else None,
            draft.now if account.locked else None,
            draft.slot,
            draft.next_pos(),
        )
        draft.write(w.INSERT_ACCOUNT, row)

    def set_password(self, draft: Draft, user_nid: int, password_hash: str) -> None:
        """See `AccountStore.set_password`."""
        row = (user_nid, password_hash.encode(), draft.slot, draft.next_pos())
        draft.write(w.SET_PASSWORD, row)

    def expect(self, draft: Draft, account: Account) -> None:
        """See `AccountStore.expect`."""
        stored = account.password_hash or ""
        draft.write(w.EXPECT_PASSWORD, (account.user_nid, stored.encode()))

    def deactivate(self, draft: Draft, user_nid: int) -> None:
        """See `AccountStore.deactivate`."""
        draft.write(w.DEACTIVATE, (user_nid, draft.now, draft.slot, draft.next_pos()))

    def set_locked(self, draft: Draft, user_nid: int, *, locked: bool) -> None:
        """See `AccountStore.set_locked`."""
        since = draft.now if locked else None
        draft.write(w.SET_LOCKED, (user_nid, since, draft.slot, draft.next_pos()))
