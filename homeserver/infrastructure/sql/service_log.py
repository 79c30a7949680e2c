"""`ServiceLog` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.service_log import ServiceCursor, Standing
from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.infrastructure.sql import search_queries as sq
from homeserver.infrastructure.sql import service_queries as q
from homeserver.infrastructure.sql import service_tables as st
from homeserver.infrastructure.sql.event_codec import decode_event
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.roles import Role, move_on, take_role
from homeserver.infrastructure.sql.rows import insert_rows
from homeserver.infrastructure.sql.search_log import logged_event
from homeserver.infrastructure.sql.service_queue import service_key
from homeserver.infrastructure.sql.tail_reader import vector_params

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.search_log import LoggedEvent, Stretch
    from homeserver.application.ports.service_log import Queued
    from homeserver.domain.sync.vector import Vector
    from homeserver.infrastructure.sql.database import Database

ROLE = "appservice"


class _Progress(msgspec.Struct, array_like=True):
    """The role's body."""

    vector: dict[int, int] | None
    queued: dict[str, int]


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Progress).decode


class SqlServiceLog:
    """See `ServiceLog`."""

    def __init__(self, database: Database, clock: Clock, holder: Callable[[], bytes]) -> None:
        """`holder` gives the random id of this process's life (`Lease.holder`)."""
        self._db = database
        self._clock = clock
        self._holder = holder

    async def take(self) -> ServiceCursor | None:
        """See `ServiceLog.take`."""
        role = await take_role(self._db, ROLE, self._holder(), self._clock.now_ms())
        if role is None:
            return None
        if not role.body:
            return ServiceCursor(role.rev)
        found = _unpack(role.body)
        return ServiceCursor(role.rev, found.vector, found.queued)

    async def store(self, cursor: ServiceCursor, queued: Sequence[Queued]) -> ServiceCursor:
        """See `ServiceLog.store`."""
        vector = None if cursor.vector is None else dict(cursor.vector)
        role = Role(cursor.rev, _pack(_Progress(vector, dict(cursor.queued))))
        rows = [
            (service_key(service), number, room_nid, seq)
            for service, number, room_nid, seq in queued
        ]
        async with self._db.transaction() as session:
            moved = await move_on(session, ROLE, self._holder(), role)
            if moved is None:
                raise RoleLostError
            await insert_rows(session, st.service_queue, rows)
        return ServiceCursor(moved.rev, vector, cursor.queued)

    async def seq_at(self, room_nid: int, before: int, vector: Vector) -> int:
        """See `ServiceLog.seq_at`."""
        slots, params = vector_params(vector)
        rows = await self._db.fetch(q.seq_at(slots), room=room_nid, before=before, **params)
        return int(rows[0][0]) if rows else 0

    async def events(self, stretches: Mapping[int, Stretch], limit: int) -> list[LoggedEvent]:
        """See `ServiceLog.events`."""
        wanted = padded(list(stretches.items()))
        params: dict[str, Any] = {"n": limit}
        for i, (nid, ((seq, back), until)) in enumerate(wanted):
            params |= {f"r{i}": nid, f"a{i}": seq, f"b{i}": back, f"u{i}": until}
        rows = await self._db.fetch(sq.events(len(wanted)), **params)
        return [logged_event(row) for row in rows]

    async def standings(self, room_nid: int) -> Sequence[Standing]:
        """See `ServiceLog.standings`."""
        return [
            Standing(user_id.decode(), membership.decode(), seq)
            for user_id, membership, seq in await self._db.fetch(q.STANDINGS, room=room_nid)
        ]

    async def membership_at(self, room_nid: int, user_id: str, seq: int) -> str | None:
        """See `ServiceLog.membership_at`."""
        params = {"room": room_nid, "user": user_id.encode(), "seq": seq}
        rows = await self._db.fetch(q.MEMBER_AT, **params)
        if not rows:
            return None
        room_id, event_id, codec, body = rows[0]
        event = decode_event(event_id_from_bytes(event_id), room_id.decode(), codec, body)
        return event.membership

    async def aliases(self, rooms: Collection[int]) -> Mapping[int, Sequence[str]]:
        """See `ServiceLog.aliases`."""
        found: dict[int, list[str]] = {}
        wanted = padded(sorted(rooms))
        params = {f"r{i}": nid for i, nid in enumerate(wanted)}
        for nid, alias in await self._db.fetch(q.aliases(len(wanted)), **params):
            found.setdefault(nid, []).append(alias.decode())
        return found
