"""Reading the live end of a room's log."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from homeserver.application.rooms.timeline_reader import MAX_SCAN, TimelineReader
from homeserver.domain.sync.vector import Vector
from tests.support.world import ALICE, Put, open_world, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.infrastructure.sql.database import Database
    from tests.support.world import World

LENGTH = 230


def by_number(*, divisor: int) -> Put:
    """A type that a filter can pick."""
    return Put(ALICE, f"test.{divisor}", {})


async def test_newest_equals_the_plain_definition_wherever_the_range_lies(world: World) -> None:
    """Tail, store and both together give the same as slicing the whole log."""
    puts = [by_number(divisor=n % 7) for n in range(LENGTH)]
    room = await world.reload(await world.room(*puts))
    reader, log = TimelineReader(world.store), await world.log(room)
    head = room.head.seq
    chance = random.Random(1)
    for _ in range(120):
        after = chance.randrange(head)
        until = chance.randrange(after, head + 1)
        limit = chance.choice([1, 2, 10, 64, 100])
        wanted = chance.choice([None, "test.0", "test.none"])
        accept = None if wanted is None else _only(wanted)
        page = await reader.newest(room, after=after, until=until, limit=limit, accept=accept)
        fits = [e for e in log if after < e.seq <= until and (not accept or accept(e))]
        assert [e.seq for e in page.events] == [e.seq for e in fits[-limit:]]
        assert page.limited == (len(fits) > limit)


def _only(wanted: str) -> Callable[[TimelineEvent], bool]:
    return lambda item: item.event.type == wanted


async def test_newest_reads_nothing_from_the_store_where_the_tail_reaches(world: World) -> None:
    """An attached client's sync costs no query."""
    room = await world.room(*[says(ALICE)] * 100)
    reader = TimelineReader(world.store)
    before = world.database.count
    page = await reader.newest(room, after=room.head.seq - 60, until=room.head.seq, limit=50)
    assert len(page.events) == 50
    assert page.limited
    assert world.database.count == before


async def test_a_filter_that_takes_nothing_scans_a_bounded_part(world: World) -> None:
    """A gap of any length is answered with a bounded read, and said to be limited."""
    room = await world.room()
    for _ in range(3):
        await world.put(room, *[says(ALICE)] * 500)
    reader, looked = TimelineReader(world.store), 0

    def never(_: TimelineEvent) -> bool:
        nonlocal looked
        looked += 1
        return False

    page = await reader.newest(room, after=0, until=room.head.seq, limit=10, accept=never)
    assert page.events == []
    assert page.limited
    assert looked <= MAX_SCAN + 64


async def test_position_at_finds_the_last_event_that_a_vector_covers(database: Database) -> None:
    """Two workers write in turn; every certified vector maps to the room position then."""
    async with open_world(database, "w1") as one, open_world(database, "w2") as two:
        first = await one.room()
        second = await two.rooms.get(first.room_id)
        chance, vector = random.Random(2), Vector()
        expected: list[tuple[Vector, int]] = []
        for _ in range(40):
            world, room = chance.choice([(one, first), (two, second)])
            items = await world.put(room, *[says(ALICE)] * chance.randrange(1, 12))
            last = items[-1]
            vector = Vector({**dict(vector), last.slot: last.pos})
            expected.append((vector, last.seq))
        await one.store.refresh(first)
        room = await one.reload(first)
        assert room.head.seq > 2 * 64
        reader = TimelineReader(one.store)
        for held, seq in expected:
            assert await reader.position_at(room, held) == seq
        assert await reader.position_at(room, Vector()) == 0


@pytest.mark.parametrize("length", [0, 1, 62, 63, 64, 65, 66, 1100])
async def test_position_at_costs_few_queries(world: World, length: int) -> None:
    """None inside the tail; behind it the number grows with the logarithm."""
    room = await world.room()
    for start in range(0, length, 400):
        await world.put(room, *[says(ALICE)] * min(400, length - start))
    log = await world.log(room)
    room = await world.reload(room)
    reader = TimelineReader(world.store)
    for item in random.Random(3).sample(list(log), min(len(log), 25)):
        before = world.database.count
        vector = Vector({item.slot: item.pos})
        assert await reader.position_at(room, vector) == item.seq
        spent = world.database.count - before
        assert spent <= (0 if item.seq >= room.tail_from else 3)
