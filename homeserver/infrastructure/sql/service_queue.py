"""`ServiceQueue` on SQL."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.service_log import Copied, InboxMark, Parcel, Queued
from homeserver.infrastructure.sql import service_queries as q
from homeserver.infrastructure.sql.errors import ClashError
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.database import Database, Session

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[InboxMark, ...]).decode


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
        rev, upto, txn_id, body, inboxes = rows[0]
        marks = _decode(inboxes) if inboxes else ()
        return Parcel(rev, upto, txn_id.decode(), bytes(body), marks)

    async def waiting(self, service_id: str, after: int, limit: int) -> Sequence[Queued]:
        """See `ServiceQueue.waiting`."""
        key = service_key(service_id)
        rows = await self._db.fetch(q.WAITING, key=key, after=after, n=limit)
        return [Queued(service_id, *row) for row in rows]

    async def copies(self, service_id: str, limit: int) -> Sequence[Copied]:
        """See `ServiceQueue.copies`."""
        rows = await self._db.fetch(q.COPIES, key=service_key(service_id), n=limit)
        return [
            Copied(ts, device, seq, user, user_id.decode(), device_id.decode(), bytes(body))
            for ts, device, seq, user, user_id, device_id, body in rows
        ]

    async def pack(
        self, service_id: str, last: Parcel, new: Parcel, copies: Sequence[Copied] = ()
    ) -> Parcel:
        """See `ServiceQueue.pack`."""
        key, stored = service_key(service_id), new._replace(rev=last.rev + 1)
        try:
            async with self._db.transaction() as session:
                if last.rev == 0:
                    await session.execute(q.FIRST_PARCEL, p_service_key=key, **_params(stored))
                else:
                    await _replace(session, key, last.rev, stored)
                if last.body:
                    await _taken(session, key, last)
                for ts, device_nid, inbox_seq, *_ in copies:
                    place = {"at": ts, "device": device_nid, "seq": inbox_seq}
                    await session.execute(q.PACKED, key=key, **place)
        except ClashError as error:
            if last.rev:
                raise
            raise RoleLostError from error  # another one made the first
        return stored

    async def done(self, service_id: str, parcel: Parcel) -> Parcel:
        """See `ServiceQueue.done`."""
        key = service_key(service_id)
        taken = parcel._replace(rev=parcel.rev + 1, body=b"", inboxes=())
        async with self._db.transaction() as session:
            await _replace(session, key, parcel.rev, taken)
            await _taken(session, key, parcel)
        return taken


async def _replace(session: Session, key: bytes, known: int, parcel: Parcel) -> None:
    changed = await session.execute(q.NEXT_PARCEL, key=key, known=known, **_params(parcel))
    if changed != 1:
        raise RoleLostError


def _params(parcel: Parcel) -> dict[str, Any]:
    return {
        "p_rev": parcel.rev,
        "p_upto": parcel.upto,
        "p_txn_id": parcel.txn_id.encode(),
        "p_body": parcel.body,
        "p_inboxes": _encode(parcel.inboxes),
    }


async def _taken(session: Session, key: bytes, parcel: Parcel) -> None:
    """Forget what a service took."""
    await session.execute(q.TAKEN, key=key, upto=parcel.upto)
    if not parcel.inboxes:
        return
    users = padded(sorted({mark.user_nid for mark in parcel.inboxes}))
    params = {f"u{i}": nid for i, nid in enumerate(users)}
    readers = {nid for (nid,) in await session.fetch(q.readers(len(users)), **params)}
    for user_nid, device_nid, inbox_seq in sorted(parcel.inboxes):
        if device_nid not in readers:
            await session.execute(q.CLEARED, user=user_nid, device=device_nid, seq=inbox_seq)
