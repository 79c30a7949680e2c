"""Typing, end to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from homeserver.application.sync.feed import Feed
from tests.support.world import ALICE, BOB, CAROL, NIDS, member, says

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from tests.support.house import House

pytestmark = pytest.mark.asyncio


async def put(house: House, room: Room, user_id: str, **body: object) -> int:
    """Say something about typing; give the status."""
    path = f"/rooms/{quote(room.room_id)}/typing/{user_id}"
    return (await house.ask(user_id, "PUT", path, body))[0]


async def test_typing_begins_and_ends_and_wakes_who_looks(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    feed = Feed(NIDS[BOB], 0)
    house.store.hub.watch(feed, room.nid)
    waiting = asyncio.create_task(feed.wait(20))
    await asyncio.sleep(0)
    tick = house.typing.tick
    assert await put(house, room, ALICE, typing=True, timeout=30000) == 200
    await asyncio.wait_for(waiting, 1)
    assert house.typing.users(room.nid) == [ALICE]
    assert house.typing.changed_since(room.nid, tick)
    assert house.typing.rooms_changed_since(tick) == [room.nid]
    tick = house.typing.tick
    assert await put(house, room, ALICE, typing=True, timeout=30000) == 200
    assert not house.typing.changed_since(room.nid, tick), "typing on is no change"
    assert await put(house, room, ALICE, typing=False) == 200
    assert house.typing.users(room.nid) == []
    assert house.typing.changed_since(room.nid, tick)


async def test_typing_ends_by_itself(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    await put(house, room, ALICE, typing=True, timeout=30)
    await put(house, room, BOB, typing=True, timeout=10**12)
    tick = house.typing.tick
    assert house.typing.users(room.nid) == [ALICE, BOB]
    async with asyncio.timeout(2):
        while house.typing.users(room.nid) != [BOB]:
            await asyncio.sleep(0.01)
    assert house.typing.changed_since(room.nid, tick)


async def test_who_sends_or_leaves_types_no_more(house: House) -> None:
    room = await house.world.room(member(BOB, "join"), member(CAROL, "join"))
    for user in (ALICE, BOB, CAROL):
        await put(house, room, user, typing=True)
    await house.world.put(room, says(ALICE))
    assert house.typing.users(room.nid) == [BOB, CAROL]
    await house.world.put(room, member(BOB, "leave"))
    assert house.typing.users(room.nid) == [CAROL]


async def test_typing_is_for_oneself_and_members(house: House) -> None:
    room = await house.world.room()
    path = f"/rooms/{quote(room.room_id)}/typing/{ALICE}"
    assert (await house.ask(BOB, "PUT", path, {"typing": True}))[0] == 403
    assert await put(house, room, BOB, typing=True) == 403
    assert await put(house, room, ALICE) == 400
    assert await put(house, room, ALICE, typing="yes") == 400
    assert await put(house, room, ALICE, typing=True, timeout="1") == 400
    assert house.typing.users(room.nid) == []
