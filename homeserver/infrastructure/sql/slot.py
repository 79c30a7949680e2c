"""A worker's slot in the store: taken at start, retaken after a commit in doubt."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from homeserver.infrastructure.sql import fence
from homeserver.infrastructure.sql.batch import Lease
from homeserver.infrastructure.sql.errors import ClashError, StoreDownError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Database, Session

DEAD_AFTER_MS = 10_000


class FencedError(Exception):
    """Another process holds this slot now, or the store was restored: stop writing."""


class _LenientError(Exception):
    """NULL was taken where none may be."""


class SlotBusyError(StoreDownError):
    """A live process holds a slot that this one must not have, or must not write beside."""


class Company(Enum):
    """Beside whom a process may write."""

    ALONE = "alone"
    """Beside no other server: without a bus they would not hear of each other's writes."""
    ANY = "any"
    """Beside whoever is there."""
    IN_TURN = "in turn"
    """Beside whoever is there, but not while its own name is at work: for commands."""


COMMANDS = "cli"
"""The worker name of all commands, which write for a moment and one after another."""


async def take_slot(
    database: Database, worker: str, holder: bytes, now: int, company: Company = Company.ANY
) -> Lease:
    """Take the slot of this worker's name, one that nobody beats for, or a new one.

    Clocks only choose here; whoever held the slot before is fenced off by the epoch.
    `holder` is a random id of this life of the process (8 bytes). Raises SlotBusyError where
    `company` forbids it, StoreDownError.
    """
    name = worker.encode()
    async with database.transaction() as session:
        generation = await _generation(session)
        slots = [_Slot(*row) for row in await session.fetch(fence.SLOTS)]
        live = [slot for slot in slots if slot.beat_ts >= now - DEAD_AFTER_MS]
        _check_company(live, name, company)
        chosen = next((s for s in slots if s.worker == name), None) or next(
            (s for s in slots if s not in live), None
        )
        taking = {
            "p_generation": generation,
            "p_worker": name,
            "p_holder": holder,
            "p_ts": now,
        }
        if chosen is None:
            number, epoch, pos = slots[-1].number + 1 if slots else 1, 1, 0
            await session.execute(fence.ADD_SLOT, p_slot=number, p_epoch=1, p_pos=0, **taking)
        else:
            number, epoch, pos = chosen.number, chosen.epoch + 1, chosen.pos
            await session.execute(fence.TAKE_SLOT, p_slot=number, p_epoch=chosen.epoch, **taking)
        return Lease(number, epoch, pos, generation, holder)


class _Slot(NamedTuple):
    number: int
    epoch: int
    pos: int
    worker: bytes
    beat_ts: int


def _check_company(live: Sequence[_Slot], name: bytes, company: Company) -> None:
    if company is Company.ALONE:
        others = [s.worker.decode() for s in live if s.worker not in (name, COMMANDS.encode())]
        if others:
            msg = (
                f"worker {others[0]} serves from this store: several workers need"
                " redis.url and rocketmq.namesrv"
            )
            raise SlotBusyError(msg)
    if company is Company.IN_TURN and any(slot.worker == name for slot in live):
        msg = "another command is at work on this store"
        raise SlotBusyError(msg)


async def release(database: Database, lease: Lease) -> None:
    """Give the slot back: the next to look finds it free. Another's slot stays as it is."""
    await beat(database, lease, 0)


async def _generation(session: Session) -> bytes:
    rows = await session.fetch(fence.STORE_LOCKED)
    if not rows:
        msg = "the store is empty: run the migrations"
        raise StoreDownError(msg)
    generation: bytes = rows[0][0]
    return generation


async def check_strictness(database: Database, lease: Lease) -> None:
    """Try to write NULL where none may be, and take it back.

    Raises StoreDownError where the database lets it pass (a lenient sql_mode that something
    between us and the server put back): such a store would not notice that a room moved.
    """
    try:
        await _write_null(database, lease)
    except ClashError:
        return
    except _LenientError:
        msg = "the database does not refuse NULL in a NOT NULL column: its sql_mode is not strict"
        raise StoreDownError(msg) from None


async def _write_null(database: Database, lease: Lease) -> None:
    """ClashError where the database is strict; else rolled back."""
    async with database.transaction() as session:
        await session.execute(fence.STRICTNESS, p_slot=lease.slot)
        raise _LenientError


async def holds(database: Database, lease: Lease) -> bool:
    """Whether the slot is still as this process left it."""
    async with database.transaction() as session:
        rows = await session.fetch(fence.READ_SLOT, p_slot=lease.slot)
    return bool(rows) and tuple(rows[0]) == (lease.epoch, lease.pos, lease.generation)


async def settle_doubt(database: Database, batch: Batch, now: int) -> tuple[Lease, bool]:
    """Find out whether a batch whose COMMIT was cut off is stored.

    Retaking the slot first makes it impossible that the packet still comes through later.
    Returns the new lease and whether the batch is there. Raises FencedError. Where this call
    fails it can be repeated, whether or not the retaking was stored.
    """
    lease = batch.lease
    async with database.transaction() as session:
        matched = await session.execute(
            fence.RETAKE_SLOT, p_slot=lease.slot, p_holder=lease.holder, p_ts=now
        )
        if matched != 1:
            raise FencedError
        epoch, pos, generation = (await session.fetch(fence.READ_SLOT, p_slot=lease.slot))[0]
        if generation != lease.generation:
            raise FencedError
        rows = await session.fetch(fence.BATCH_AT, p_slot=lease.slot, p_pos=batch.pos_to)
    stored = bool(rows) and rows[0][0] == batch.batch_id
    return lease._replace(epoch=epoch, pos=pos), stored


async def beat(database: Database, lease: Lease, now: int) -> bool:
    """Show that this worker lives; False where it was replaced."""
    async with database.transaction() as session:
        matched = await session.execute(
            fence.BEAT, p_slot=lease.slot, p_epoch=lease.epoch, p_ts=now
        )
    return matched == 1
