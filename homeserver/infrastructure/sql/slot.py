"""A worker's slot in the store: taken at start, retaken after a commit in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.infrastructure.sql import fence
from homeserver.infrastructure.sql.batch import Lease
from homeserver.infrastructure.sql.errors import StoreDownError

if TYPE_CHECKING:
    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Database, Session

DEAD_AFTER_MS = 10_000


class FencedError(Exception):
    """Another process holds this slot now, or the store was restored: stop writing."""


async def take_slot(database: Database, worker: str, now: int) -> Lease:
    """Take the slot of this worker's name, one that nobody beats for, or a new one.

    Clocks only choose here; whoever held the slot before is fenced off by the epoch.
    """
    async with database.transaction() as session:
        generation = await _generation(session)
        name = worker.encode()
        rows = await session.fetch(fence.SLOTS)
        chosen = next((r for r in rows if r[4] == name), None) or next(
            (r for r in rows if r[5] < now - DEAD_AFTER_MS), None
        )
        if chosen is None:
            slot = rows[-1][0] + 1 if rows else 1
            await session.execute(
                fence.ADD_SLOT,
                p_slot=slot,
                p_epoch=1,
                p_pos=0,
                p_generation=generation,
                p_worker=name,
                p_ts=now,
            )
            return Lease(slot, 1, 0, generation)
        slot, epoch, pos = chosen[:3]
        await _retake(session, slot, epoch, generation, name, now)
        return Lease(slot, epoch + 1, pos, generation)


async def _generation(session: Session) -> bytes:
    rows = await session.fetch(fence.STORE)
    if not rows:
        msg = "the store is empty: run the migrations"
        raise StoreDownError(msg)
    generation: bytes = rows[0][0]
    return generation


async def _retake(
    session: Session, slot: int, epoch: int, generation: bytes, worker: bytes, now: int
) -> None:
    matched = await session.execute(
        fence.TAKE_SLOT,
        p_slot=slot,
        p_epoch=epoch,
        p_generation=generation,
        p_worker=worker,
        p_ts=now,
    )
    if matched != 1:
        raise FencedError


async def holds(database: Database, lease: Lease) -> bool:
    """Whether the slot is still as this process left it."""
    async with database.transaction() as session:
        rows = await session.fetch(fence.READ_SLOT, p_slot=lease.slot)
    return bool(rows) and tuple(rows[0]) == (lease.epoch, lease.pos, lease.generation)


async def settle_doubt(
    database: Database, batch: Batch, worker: str, now: int
) -> tuple[Lease, bool]:
    """Find out whether a batch whose COMMIT was cut off is stored.

    Retaking the slot first makes it impossible that the packet still comes through later.
    Returns the new lease and whether the batch is there. Raises FencedError.
    """
    lease = batch.lease
    async with database.transaction() as session:
        await _retake(session, lease.slot, lease.epoch, lease.generation, worker.encode(), now)
        epoch, pos, generation = (await session.fetch(fence.READ_SLOT, p_slot=lease.slot))[0]
        if generation != lease.generation:
            raise FencedError
        rows = await session.fetch(fence.BATCH_AT, p_slot=lease.slot, p_pos=batch.pos_to)
    stored = bool(rows) and rows[0][0] == batch.batch_id
    return replace(lease, epoch=epoch, pos=pos), stored


async def beat(database: Database, lease: Lease, now: int) -> bool:
    """Show that this worker lives; False where it was replaced."""
    async with database.transaction() as session:
        matched = await session.execute(
            fence.BEAT, p_slot=lease.slot, p_epoch=lease.epoch, p_ts=now
        )
    return matched == 1
