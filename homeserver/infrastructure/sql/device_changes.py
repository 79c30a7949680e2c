"""`DeviceChanges` on SQL."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, exists, literal, or_, select

from homeserver.application.ports.device_changes import Audience
from homeserver.domain.sync.vector import Vector
from homeserver.infrastructure.sql import key_tables as kt
from homeserver.infrastructure.sql import key_writes as w
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.fence import VECTOR
from homeserver.infrastructure.sql.query import Query, padded
from homeserver.infrastructure.sql.tail_queries import lacks
from homeserver.infrastructure.sql.tail_reader import vector_params
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import BindParameter, ColumnElement

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Database

EVERYBODY: Final = 0
TOGETHER: Final = 256
"""Users that one statement asks for."""
_u, _m, _e, _c = t.matrix_user.c, t.membership.c, t.state_interval.c, kt.device_change.c
_mine = t.membership.alias("mine")


def _is_encryption(room: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row of state is what makes a room encrypted now."""
    return and_(
        _e.room_nid == room,
        _e.type == b"m.room.encryption",
        _e.state_key == b"",
        _e.to_rev == OPEN,
        _e.event_id.is_not(None),
    )


_in_encrypted = t.membership.join(t.state_interval, _is_encryption(_m.room_nid))
_shared = exists(
    select(_mine.c.room_nid)
    .select_from(
        _mine.join(t.state_interval, _is_encryption(_mine.c.room_nid)).join(
            t.membership, _m.room_nid == _mine.c.room_nid
        )
    )
    .where(
        _mine.c.user_nid == bindparam("user"),
        _mine.c.membership == b"join",
        _m.user_nid == _u.nid,
        _m.membership == b"join",
    )
    .correlate(t.matrix_user)
)


@cache
def _audience(count: int) -> Query:
    rooms = (
        select(_m.user_nid, _m.room_nid)
        .select_from(_in_encrypted)
        .where(_m.user_nid.in_(_names(count)), _m.membership == b"join")
        .subquery()
    )
    return Query(
        select(_u.nid, _u.user_id, rooms.c.room_nid)
        .select_from(t.matrix_user.outerjoin(rooms, rooms.c.user_nid == _u.nid))
        .where(_u.nid.in_(_names(count)))
    )


@cache
def _changed(slots: int) -> Query:
    own = _u.nid == bindparam("user")
    return Query(
        select(_u.user_id)
        .distinct()
        .select_from(kt.device_change.join(t.matrix_user, _u.nid == _c.user_nid))
        .where(
            _c.told_nid.in_([literal(EVERYBODY), bindparam("user")]),
            lacks(_c.slot, _c.pos, slots),
            or_(own, _shared),
        )
    )


@cache
def _signed(slots: int) -> Query:
    return Query(
        select(_u.user_id)
        .distinct()
        .select_from(kt.device_change.join(t.matrix_user, _u.nid == _c.user_nid))
        .where(_c.told_nid == bindparam("user"), lacks(_c.slot, _c.pos, slots), _shared)
    )


@cache
def _sharing(count: int) -> Query:
    return Query(select(_u.user_id).where(_u.user_id.in_(_names(count)), _shared))


class SqlDeviceChanges:
    """See `DeviceChanges`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def audience(self, users: Collection[int]) -> Mapping[int, Audience]:
        """See `DeviceChanges.audience`."""
        wanted, found = list(users), dict[int, tuple[str, set[int]]]()
        for at in range(0, len(wanted), TOGETHER):
            some = padded(wanted[at : at + TOGETHER])
            params = {f"u{i}": nid for i, nid in enumerate(some)}
            for nid, user_id, room in await self._db.fetch(_audience(len(some)), **params):
                rooms = found.setdefault(nid, (user_id.decode(), set()))[1]
                if room is not None:
                    rooms.add(room)
        return {nid: Audience(name, frozenset(rooms)) for nid, (name, rooms) in found.items()}

    async def changed(self, user_nid: int, since: Vector) -> tuple[Vector, Collection[str]]:
        """See `DeviceChanges.changed`."""
        slots, params = vector_params(since)
        async with self._db.snapshot() as reader:
            positions: dict[int, int] = dict(await reader.fetch(VECTOR))
            rows = await reader.fetch(_changed(slots), user=user_nid, **params)
        return Vector(positions), {user_id.decode() for (user_id,) in rows}

    async def signed(self, user_nid: int, since: Vector) -> Collection[str]:
        """See `DeviceChanges.signed`."""
        slots, params = vector_params(since)
        rows = await self._db.fetch(_signed(slots), user=user_nid, **params)
        return {user_id.decode() for (user_id,) in rows}

    async def sharing(self, user_nid: int, others: Collection[str]) -> Collection[str]:
        """See `DeviceChanges.sharing`."""
        wanted, found = [user_id.encode() for user_id in others], set[str]()
        for at in range(0, len(wanted), TOGETHER):
            some = padded(wanted[at : at + TOGETHER])
            params: dict[str, Any] = {f"u{i}": user_id for i, user_id in enumerate(some)}
            rows = await self._db.fetch(_sharing(len(some)), user=user_nid, **params)
            found |= {user_id.decode() for (user_id,) in rows}
        return found

    def note(self, draft: Draft, user_nid: int) -> None:
        """See `DeviceChanges.note`."""
        draft.write(w.PUT_CHANGE, (user_nid, EVERYBODY, draft.slot, draft.next_pos()))

    def note_signed(self, draft: Draft, user_nid: int, signer_nid: int) -> None:
        """See `DeviceChanges.note_signed`."""
        draft.write(w.PUT_CHANGE, (user_nid, signer_nid, draft.slot, draft.next_pos()))


def _names(count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"u{i}") for i in range(count)]
