"""History that arrived late, in rooms that were purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.purging import clear, purge
from tests.support.world import ALICE, says

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from tests.support.world import World


async def _texts(world: World, room: Room) -> list[str]:
    return [item.event.content.get("body", "") for item in await world.log(room)]


async def test_history_behind_the_first_event_left_goes_with_what_is_older(world: World) -> None:
    """It is older than that event; what is behind later ones stays."""
    room = await world.room()
    items = await world.put(room, *[says(ALICE, f"{n}") for n in range(4)])
    for number, item in enumerate(items[1:], start=1):
        late = [says(ALICE, f"{number} late"), says(ALICE, f"{number} later")]
        await world.history(room, item.seq, *late)
    await purge(world, room.room_id, items[2].event.event_id)
    left = ["2", "3 later", "3 late", "3"]
    assert await _texts(world, room) == left
    await clear(world.database, 2)
    assert await _texts(world, room) == left
    assert await _texts(world, await world.reload(room)) == left


async def test_what_an_order_names_is_kept_with_what_it_cannot_be_told_from(world: World) -> None:
    """A log begins at a live event, so before late history one more is kept."""
    room = await world.room()
    items = await world.put(room, *[says(ALICE, f"{n}") for n in range(4)])
    await world.history(room, items[2].seq, says(ALICE, "late"))
    late = next(item for item in await world.log(room) if item.back)
    await purge(world, room.room_id, late.event.event_id)
    await clear(world.database, 2)
    assert await _texts(world, room) == ["1", "late", "2", "3"]
