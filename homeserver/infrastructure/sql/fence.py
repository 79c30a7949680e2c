"""The statements that make a batch belong to its writer: fence, batch row, slot leases.

The fence moves the slot's row from the expected epoch, position and store generation. An UPDATE
that matches nothing would not stop a packet, so the batch's row takes its slot only where the
fence matched, else NULL: that is an error, and the COMMIT behind it never runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Integer, bindparam, case, insert, literal_column, null, select, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.tables import store, store_generation, writer_batch, writer_slot

if TYPE_CHECKING:
    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.query import SqlDialect

_slot = writer_slot.c


class _RowsMatched(FunctionElement[int]):
    """How many rows the statement before matched."""

    inherit_cache = True
    type = Integer()


@compiles(_RowsMatched, "mysql")
def _on_mysql(*_: Any, **__: Any) -> str:
    return "ROW_COUNT()"


@compiles(_RowsMatched, "sqlite")
def _on_sqlite(*_: Any, **__: Any) -> str:
    return "changes()"


FENCE = Query(
    update(writer_slot)
    .where(
        _slot.slot == bindparam("p_slot"),
        _slot.epoch == bindparam("p_epoch"),
        _slot.pos == bindparam("p_old"),
        _slot.generation == bindparam("p_generation"),
    )
    .values(pos=bindparam("p_new"), beat_ts=bindparam("p_ts"))
)

# not by reading the slot anew: a subquery costs MariaDB a fifth of a small batch
INSERT_BATCH = Query(
    insert(writer_batch).values(
        {c.name: bindparam(f"p_{c.name}") for c in writer_batch.columns}
        | {"slot": case((_RowsMatched() == 1, bindparam("p_slot")), else_=null())}
    )
)

STRICTNESS = Query(
    update(writer_slot).where(_slot.slot == bindparam("p_slot")).values(pos=literal_column("NULL"))
)
"""What a strict sql_mode refuses; a head that moved is noticed in the same way."""

SLOTS = Query(
    select(_slot.slot, _slot.epoch, _slot.pos, _slot.worker, _slot.beat_ts)
    .order_by(_slot.slot)
    .with_for_update()
)

ADD_SLOT = Query(
    insert(writer_slot).values(
        slot=bindparam("p_slot"),
        epoch=bindparam("p_epoch"),
        pos=bindparam("p_pos"),
        generation=bindparam("p_generation"),
        worker=bindparam("p_worker"),
        holder=bindparam("p_holder"),
        beat_ts=bindparam("p_ts"),
    )
)

TAKE_SLOT = Query(
    update(writer_slot)
    .where(_slot.slot == bindparam("p_slot"), _slot.epoch == bindparam("p_epoch"))
    .values(
        epoch=_slot.epoch + 1,
        generation=bindparam("p_generation"),
        worker=bindparam("p_worker"),
        holder=bindparam("p_holder"),
        beat_ts=bindparam("p_ts"),
    )
)

RETAKE_SLOT = Query(
    update(writer_slot)
    .where(_slot.slot == bindparam("p_slot"), _slot.holder == bindparam("p_holder"))
    .values(epoch=_slot.epoch + 1, beat_ts=bindparam("p_ts"))
)
"""By the holder, not the epoch: a retake whose own COMMIT was cut off can be repeated."""

BEAT = Query(
    update(writer_slot)
    .where(_slot.slot == bindparam("p_slot"), _slot.epoch == bindparam("p_epoch"))
    .values(beat_ts=bindparam("p_ts"))
)

READ_SLOT = Query(
    select(_slot.epoch, _slot.pos, _slot.generation)
    .where(_slot.slot == bindparam("p_slot"))
    .with_for_update()
)

BATCH_AT = Query(
    select(writer_batch.c.batch_id).where(
        writer_batch.c.slot == bindparam("p_slot"), writer_batch.c.pos_to == bindparam("p_pos")
    )
)

VECTOR = Query(select(_slot.slot, _slot.pos))

STORE = Query(select(store.c.generation, store.c.server_name))

STORE_LOCKED = Query(select(store.c.generation).with_for_update())
"""Taking slots, and restoring, happen one after another."""

FLOOR = Query(
    select(store_generation.c.floor).where(
        store_generation.c.generation == bindparam("p_generation")
    )
)


def preamble(batch: Batch, dialect: SqlDialect) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the fence and the batch's own row, the first statements of its transaction."""
    lease = batch.lease
    return [
        FENCE.on(
            dialect,
            {
                "p_slot": lease.slot,
                "p_epoch": lease.epoch,
                "p_old": lease.pos,
                "p_generation": lease.generation,
                "p_new": batch.pos_to,
                "p_ts": batch.ts,
            },
        ),
        INSERT_BATCH.on(
            dialect,
            {
                "p_slot": lease.slot,
                "p_pos_to": batch.pos_to,
                "p_pos_from": lease.pos + 1,
                "p_epoch": lease.epoch,
                "p_batch_id": batch.batch_id,
                "p_ts": batch.ts,
                "p_rooms": batch.rooms,
                "p_users": batch.users,
            },
        ),
    ]
