"""`PushLog` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.push_log import Notice, PushCursor, Retry
from homeserver.application.ports.role import RoleLostError
from homeserver.infrastructure.sql import push_queries as q
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.roles import Role, move_on, take_role
from homeserver.infrastructure.sql.rows import by_keys, deletion, insert_rows, replace_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sqlalchemy import Table

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.push_log import LaneKey
    from homeserver.infrastructure.sql.database import Database, Session
    from homeserver.infrastructure.sql.writes import Row

ROLE = "push"
NOBODY = bytes(8)
"""In the place of a holder."""


class _Progress(msgspec.Struct, array_like=True):
    """The role's body."""

    vector: dict[int, int]
    notices: int


class _Body(msgspec.Struct, array_like=True):
    """What of a notice has no column."""

    host: str
    tweaks: dict[str, Any]


_pack = msgspec.msgpack.Encoder().encode
_unpack_progress = msgspec.msgpack.Decoder(_Progress).decode
_unpack_body = msgspec.msgpack.Decoder(_Body).decode


class SqlPushLog:
    """See `PushLog`."""

    def __init__(self, database: Database, clock: Clock, holder: Callable[[], bytes]) -> None:
        """`holder` gives the random id of this process's life (`Lease.holder`)."""
        self._db = database
        self._clock = clock
        self._holder = holder

    async def take(self) -> PushCursor | None:
        """See `PushLog.take`."""
        role = await take_role(self._db, ROLE, self._holder(), self._clock.now_ms())
        if role is None:
            return None
        if not role.body:
            return PushCursor(role.rev)
        found = _unpack_progress(role.body)
        return PushCursor(role.rev, found.vector, found.notices)

    async def is_held(self, cursor: PushCursor) -> bool:
        """See `PushLog.is_held`."""
        rows = await self._db.fetch(q.REVISION, role_name=ROLE.encode())
        return bool(rows) and rows[0][0] == cursor.rev

    async def store(self, cursor: PushCursor, notices: Sequence[Notice]) -> PushCursor:
        """See `PushLog.store`."""
        body = _pack(_Progress(dict(cursor.vector or {}), cursor.notices))
        async with self._db.transaction() as session:
            moved = await move_on(session, ROLE, self._holder(), Role(cursor.rev, body))
            if moved is None:
                raise RoleLostError
            await insert_rows(session, t.push_notice, [_row(notice) for notice in notices])
        return PushCursor(moved.rev, cursor.vector, cursor.notices)

    async def release(self, cursor: PushCursor) -> None:
        """See `PushLog.release`."""
        body = _pack(_Progress(dict(cursor.vector or {}), cursor.notices))
        async with self._db.transaction() as session:
            await move_on(session, ROLE, NOBODY, Role(cursor.rev, body))

    async def owed(self, limit: int) -> tuple[Sequence[Notice], Mapping[LaneKey, Retry]]:
        """See `PushLog.owed`."""
        notices = [_notice(row) for row in await self._db.fetch(q.OWED, n=limit)]
        retries = await self._db.fetch(q.RETRIES)
        return notices[::-1], {(u, bytes(k)): Retry(count, due) for u, k, count, due in retries}

    async def settle(
        self, done: Collection[Notice], retries: Mapping[LaneKey, Retry | None]
    ) -> None:
        """See `PushLog.settle`."""
        async with self._db.transaction() as session:
            await _delete(session, t.push_notice, [(*each.lane, each.number) for each in done])
            well = [lane for lane, retry in retries.items() if retry is None]
            await _delete(session, t.push_retry, well)
            failed = [(*lane, *retry) for lane, retry in retries.items() if retry is not None]
            await replace_rows(session, t.push_retry, failed)


async def _delete(session: Session, table: Table, keys: Sequence[Row]) -> None:
    for size, params in by_keys(keys):
        await session.execute(deletion(table, size), **params)


def _row(notice: Notice) -> Row:
    body = _pack(_Body(notice.host, dict(notice.tweaks)))
    place = (notice.room_nid, notice.seq, notice.ts)
    return (*notice.lane, notice.number, *place, body)


def _notice(row: Row) -> Notice:
    user, key, number, room, seq, ts, packed = row
    body = _unpack_body(packed)
    return Notice((user, bytes(key)), number, room, seq, ts, body.host, body.tweaks)
