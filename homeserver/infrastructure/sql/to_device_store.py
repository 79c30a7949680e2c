"""`ToDeviceStore` and `ToDeviceTransactions` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, select

from homeserver.application.ports.to_device_store import Terminal, Waiting
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql import to_device_writes as w
from homeserver.infrastructure.sql.query import Query, padded
from homeserver.infrastructure.sql.service_queue import service_key
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import BindParameter

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

_d, _m, _u, _txn = t.device.c, t.to_device.c, t.matrix_user.c, t.to_device_txn.c
_older = t.to_device.alias("older").c
_first = (
    select(func.min(_older.inbox_seq))
    .where(_older.user_nid == _d.user_nid, _older.device_nid == _d.nid)
    .scalar_subquery()
)
_behind = and_(
    _m.user_nid == _d.user_nid, _m.device_nid == _d.nid, _m.inbox_seq > bindparam("after")
)
_WAITING = Query(
    select(_d.inbox_seq, _first, _m.inbox_seq, _m.body)
    .select_from(t.device.outerjoin(t.to_device, _behind))
    .where(_d.nid == bindparam("device"), _d.user_nid == bindparam("user"))
    .order_by(_m.inbox_seq)
    .limit(bindparam("n"))
)
"""One statement, hence one instant: what is not in it comes with a later touch."""
_ANSWER = Query(
    select(_txn.answer).where(_txn.user_nid == bindparam("user"), _txn.txn_key == bindparam("key"))
)
_OLD = Query(
    select(_txn.ts).where(_txn.ts < bindparam("before")).order_by(_txn.ts).limit(bindparam("n"))
)


@cache
def _terminals(count: int) -> Query:
    names: list[BindParameter[Any]] = [bindparam(f"u{i}") for i in range(count)]
    return Query(
        select(_u.user_id, _d.user_nid, _d.nid, _d.device_id)
        .select_from(t.matrix_user.join(t.device, _d.user_nid == _u.nid))
        .where(_u.user_id.in_(names))
        .order_by(_u.user_id, _d.device_id)
    )


class SqlToDeviceStore:
    """See `ToDeviceStore` and `ToDeviceTransactions`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def terminals(self, users: Collection[str]) -> Mapping[str, Sequence[Terminal]]:
        """See `ToDeviceStore.terminals`."""
        if not users:
            return {}
        wanted = padded([user.encode() for user in users])
        params = {f"u{i}": user for i, user in enumerate(wanted)}
        found: dict[str, list[Terminal]] = {}
        for user, user_nid, nid, name in await self._db.fetch(_terminals(len(wanted)), **params):
            terminal = Terminal(user_nid, nid, name.decode())
            found.setdefault(user.decode(), []).append(terminal)
        return found

    async def waiting(self, user_nid: int, device_nid: int, after: int, limit: int) -> Waiting:
        """See `ToDeviceStore.waiting`."""
        rows = await self._db.fetch(
            _WAITING, user=user_nid, device=device_nid, after=after, n=limit
        )
        if not rows:
            return Waiting(0, None, ())
        last, first, _, _ = rows[0]
        messages = [(seq, bytes(body)) for _, _, seq, body in rows if seq is not None]
        return Waiting(last, first, messages)

    async def answer_to(self, user_nid: int, txn_key: bytes) -> bytes | None:
        """See `ToDeviceTransactions.answer_to`."""
        rows = await self._db.fetch(_ANSWER, user=user_nid, key=txn_key)
        return bytes(rows[0][0]) if rows else None

    async def old_transactions(self, before: int, limit: int) -> int | None:
        """See `ToDeviceTransactions.old_transactions`."""
        rows = await self._db.fetch(_OLD, before=before, n=limit)
        return rows[-1][0] if rows else None

    def add(
        self, draft: Draft, terminal: Terminal, body: bytes, services: Iterable[str] = ()
    ) -> None:
        """See `ToDeviceStore.add`."""
        draft.write(w.COUNT_MESSAGES, (terminal.device_nid,))
        draft.write(w.ADD_MESSAGE, (terminal.device_nid, body, w.NO_SERVICE, 0))
        for service_id in services:
            key = service_key(service_id)
            draft.write(w.ADD_MESSAGE, (terminal.device_nid, body, key, draft.now))

    def clear(self, draft: Draft, user_nid: int, device_nid: int, upto: int) -> None:
        """See `ToDeviceStore.clear`."""
        draft.write(w.CLEAR_INBOX, (user_nid, device_nid, upto))

    def remove(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `ToDeviceStore.remove`."""
        draft.write(w.CLEAR_INBOX, (user_nid, device_nid, OPEN))
        draft.write(w.FORGET_READER, (user_nid, device_nid))
        draft.write(w.DELETE_COPIES, (user_nid, device_nid))

    def remove_others(self, draft: Draft, user_nid: int, but: int) -> None:
        """See `ToDeviceStore.remove_others`."""
        for kind in (w.DELETE_OTHER_INBOXES, w.FORGET_OTHER_READERS, w.DELETE_OTHER_COPIES):
            draft.write(kind, (user_nid, but))

    def note_reader(self, draft: Draft, user_nid: int, device_nid: int) -> None:
        """See `ToDeviceStore.note_reader`."""
        draft.write(w.NOTE_READER, (user_nid, device_nid))

    def remember(self, draft: Draft, user_nid: int, txn_key: bytes, answer: bytes) -> None:
        """See `ToDeviceTransactions.remember`."""
        draft.write(w.INSERT_TXN, (user_nid, txn_key, draft.now, answer))

    def forget_transactions(self, draft: Draft, upto: int) -> None:
        """See `ToDeviceTransactions.forget_transactions`."""
        draft.write(w.DELETE_OLD_TXNS, (upto,))
