"""What a sync costs: nothing where nothing happened, and only what changed elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.syncing import LAZY, ids

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def _queries(town: SyncTown, phone: Phone, rounds: int = 3) -> int:
    town.counter.count = 0
    for _ in range(rounds):
        assert "rooms" not in await phone.get(LAZY)
    return town.counter.count


@pytest.mark.parametrize("rooms", [1, 50])
async def test_costs_do_not_grow_with_the_rooms(
    town: SyncTown, romeo: Phone, juliet: Phone, rooms: int
) -> None:
    made = [await romeo.create_room(preset="public_chat") for _ in range(rooms)]
    for room in made:
        await juliet.do("join", room)
    await juliet.get(LAZY)
    await juliet.get(LAZY)
    assert await _queries(town, juliet) == 0
    event_id = await romeo.send(made[0], "one")
    town.counter.count = 0
    answer = await juliet.get(LAZY)
    assert {room: ids(part) for room, part in answer["rooms"]["join"].items()} == {
        made[0]: [event_id]
    }
    assert town.counter.count <= 2  # the first unread event of a room since it was loaded
    await romeo.send(made[0], "two")
    town.counter.count = 0
    await juliet.get(LAZY)
    assert town.counter.count == 0
    await romeo.types(made[-1], 20)
    await romeo.read(made[-1], event_id if rooms == 1 else await romeo.send(made[-1], "x"))
    await juliet.get(LAZY)
    town.detach(juliet)
    town.counter.count = 0
    assert "rooms" not in await juliet.get(LAZY)
    # places, vector, heads, counts of keys: whatever the number of rooms
    assert town.counter.count <= 4


async def test_counts_by_own_rules_ask_the_store_nothing_for_news(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    cake = {"pattern": "cake", "actions": ["notify", {"set_tweak": "highlight"}]}
    await juliet.call("PUT", "/pushrules/global/content/cake", cake)
    await romeo.send(room, "cake")
    await juliet.get()
    await romeo.send(room, "cake")
    town.counter.count = 0
    answer = await juliet.get()
    unread = {"notification_count": 2, "highlight_count": 2}
    assert answer["rooms"]["join"][room]["unread_notifications"] == unread
    assert town.counter.count == 0
