"""What has to happen to a store that was restored from a backup or failed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import bindparam, insert, select, update

from homeserver.infrastructure.sql import fence
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from homeserver.infrastructure.sql.database import Database

LOST_EPOCHS = 1024
"""More than the slots were taken since the backup: internal ids begin with the epoch, and
those that the lost life gave out must not be given out again."""

_slot = t.writer_slot.c
_SLOTS = Query(select(_slot.slot, _slot.pos).order_by(_slot.slot).with_for_update())
_ADD_FLOOR = Query(
    insert(t.store_generation).values(
        generation=bindparam("p_old"), floor=bindparam("p_floor"), ended_ts=bindparam("p_ts")
    )
)
_SET_GENERATION = Query(update(t.store).values(generation=bindparam("p_new")))
_FENCE_ALL = Query(
    update(t.writer_slot).values(
        generation=bindparam("p_new"),
        epoch=_slot.epoch + LOST_EPOCHS,
        holder=bindparam("p_nobody"),
    )
)


async def begin_generation(database: Database, generation: bytes, now: int) -> bytes:
    """Begin a new generation of the store (8 random bytes); return the one that ended.

    The vector as the store has it becomes the floor from which tokens of the ended generation
    are answered. Every writer that took its slot before is fenced off. One transaction.
    Raises StoreDownError for an empty store, ValueError where `generation` is not new.
    """
    async with database.transaction() as session:
        rows = await session.fetch(fence.STORE_LOCKED)
        if not rows:
            msg = "the store is empty: run the migrations"
            raise StoreDownError(msg)
        old: bytes = rows[0][0]
        if generation == old:
            msg = "this generation is not new"
            raise ValueError(msg)
        floor = {slot: pos for slot, pos in await session.fetch(_SLOTS) if pos}
        packed = msgspec.msgpack.encode(floor)
        await session.execute(_ADD_FLOOR, p_old=old, p_floor=packed, p_ts=now)
        await session.execute(_SET_GENERATION, p_new=generation)
        await session.execute(_FENCE_ALL, p_new=generation, p_nobody=bytes(8))
    return old
