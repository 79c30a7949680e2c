"""`ServiceQueue` on SQL."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.service_log import Parcel, Queued
from homeserver.infrastructure.sql import service_queries as q
from homeserver.infrastructure.sql.errors import ClashError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.database import Database, Session


def service_key(service_id: str) -> bytes:
    """What tables name a service by: an id has any length."""
    return blake2b(service_id.encode(), digest_size=16).digest()


class SqlServiceQueue:
    """See `ServiceQueue`."""

    def __init__(self, database: Database) -> None:
        """Keep the queues here."""
        self._db = database

    async def parcel(self, service_id: str) -> Parcel:
        """See `ServiceQueue.parcel`."""
        rows = await self._db.fetch(q.PARCEL, key=service_key(service_id))
        if not rows:
            return Parcel()
        rev, upto, txn_id, body = rows[0]
        return Parcel(rev, upto, txn_id.decode(), bytes(body))

    async def waiting(self, service_id: str, after: int, limit: int) -> Sequence[Queued]:
        """See `ServiceQueue.waiting`."""
        key = service_key(service_id)
        rows = await self._db.fetch(q.WAITING, key=key, after=after, n=limit)
        return [Queued(service_id, *row) for row in rows]

    async def pack(self, service_id: str, last: Parcel, new: Parcel) -> Parcel:
        """See `ServiceQueue.pack`."""
        key, stored = service_key(service_id), new._replace(rev=last.rev + 1)
        if last.rev == 0:
            return await self._first(key, stored)
        async with self._db.transaction() as session:
            await _replace(session, key, last.rev, stored)
            if last.body:
                await session.execute(q.TAKEN, key=key, upto=last.upto)
        return stored

    async def done(self, service_id: str, parcel: Parcel) -> Parcel:
        """See `ServiceQueue.done`."""
        key, taken = service_key(service_id), parcel._replace(rev=parcel.rev + 1, body=b"")
        async with self._db.transaction() as session:
            await _replace(session, key, parcel.rev, taken)
            await session.execute(q.TAKEN, key=key, upto=parcel.upto)
        return taken

    async def _first(self, key: bytes, parcel: Parcel) -> Parcel:
        try:
            async with self._db.transaction() as session:
                await session.execute(
                    q.FIRST_PARCEL,
                    p_service_key=key,
                    p_rev=parcel.rev,
                    p_upto=parcel.upto,
                    p_txn_id=parcel.txn_id.encode(),
                    p_body=parcel.body,
                )
        except ClashError as error:
            raise RoleLostError from error
        return parcel


async def _replace(session: Session, key: bytes, known: int, parcel: Parcel) -> None:
    changed = await session.execute(
        q.NEXT_PARCEL,
        key=key,
        known=known,
        p_rev=parcel.rev,
        p_upto=parcel.upto,
        p_txn_id=parcel.txn_id.encode(),
        p_body=parcel.body,
    )
    if changed != 1:
        raise RoleLostError
