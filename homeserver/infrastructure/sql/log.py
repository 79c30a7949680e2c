"""`LogReader` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, select, union_all

from homeserver.infrastructure.sql import fence
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.database import Database

_rooms = select(t.membership.c.room_nid).where(t.membership.c.user_nid == bindparam("user"))
HEADS = Query(
    union_all(
        select(t.room_head.c.room_nid, t.room_head.c.slot, t.room_head.c.pos).where(
            t.room_head.c.room_nid.in_(_rooms)
        ),
        select(t.room_stir.c.room_nid, t.room_stir.c.slot, t.room_stir.c.pos).where(
            t.room_stir.c.room_nid.in_(_rooms)
        ),
    )
)
_unpack_floor = msgspec.msgpack.Decoder(dict[int, int]).decode


class SqlLogReader:
    """See `LogReader`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def vector(self) -> dict[int, int]:
        """See `LogReader.vector`."""
        return dict(await self._db.fetch(fence.VECTOR))

    async def generation(self) -> bytes:
        """See `LogReader.generation`."""
        rows = await self._db.fetch(fence.STORE)
        if not rows:
            msg = "the store is empty: run the migrations"
            raise StoreDownError(msg)
        generation: bytes = rows[0][0]
        return generation

    async def floor(self, generation: bytes) -> dict[int, int] | None:
        """See `LogReader.floor`."""
        rows = await self._db.fetch(fence.FLOOR, p_generation=generation)
        return _unpack_floor(rows[0][0]) if rows else None

    async def heads(self, user_nid: int) -> Sequence[tuple[int, int, int]]:
        """See `LogReader.heads`."""
        return await self._db.fetch(HEADS, user=user_nid)
