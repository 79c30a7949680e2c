"""I11, as far as there are queues yet: a reader with a cursor misses no event of the log."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy import bindparam, select

from homeserver.bootstrap.stores import open_database
from homeserver.config import Settings
from homeserver.config.settings import Database
from homeserver.domain.events.hashes import event_id_bytes
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from tests.support.storm import open_storm

if TYPE_CHECKING:
    from tests.support.server import FirnProcess

_b, _e = t.writer_batch.c, t.event.c
NEXT_BATCHES = Query(
    select(_b.pos_from, _b.pos_to, _b.rooms)
    .where(_b.slot == bindparam("slot"), _b.pos_to > bindparam("cursor"))
    .order_by(_b.pos_to)
    .limit(7)
)
EVENTS = Query(
    select(_e.event_id, _e.room_nid).where(
        _e.slot == bindparam("slot"), _e.pos >= bindparam("first"), _e.pos <= bindparam("last")
    )
)
SLOTS = Query(select(t.writer_slot.c.slot))


@pytest.mark.timeout(120)
async def test_I11_a_cursor_over_the_batches_finds_every_event_once(firn: FirnProcess) -> None:
    async with open_storm(firn.base, users=2, devices=2) as storm:
        blowing = asyncio.create_task(storm.blow(80))
        await asyncio.sleep(0.2)
        await firn.restart(signal.SIGKILL)
        await asyncio.wait_for(blowing, 30)
        order = await storm.check()
        await firn.stop()
    settings = Settings(
        data_dir=str(firn.folder / "data"), database=Database(url=firn.database_url)
    )
    database = await open_database(settings)
    try:
        found: Counter[bytes] = Counter()
        for (slot,) in await database.fetch(SLOTS):
            found.update(await _read(database, slot))
    finally:
        await database.close()
    assert set(found.values()) == {1}
    assert {event_id_bytes(event_id) for event_id in order} <= set(found)


async def _read(database: Any, slot: int) -> list[bytes]:
    """What a background role reads of one slot, from position 0 to the end."""
    found: list[bytes] = []
    cursor = 0
    while batches := await database.fetch(NEXT_BATCHES, slot=slot, cursor=cursor):
        for first, last, rooms in batches:
            assert first == cursor + 1, "a hole that a reader could skip"
            named = {nid for nid, _, _ in msgspec.msgpack.decode(rooms)}
            for event_id, nid in await database.fetch(EVENTS, slot=slot, first=first, last=last):
                assert nid in named, "a batch that does not name its room"
                found.append(bytes(event_id))
            cursor = last
    return found
