"""Receipts and read markers, end to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from homeserver.application.receipts.mark_read import MarkRead
from tests.support.world import ALICE, BOB, CAROL, NIDS, Put, member, requester, says, visibility

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from tests.support.house import House

pytestmark = pytest.mark.asyncio
KEY = (BOB, "m.read", None)


async def receipt(
    house: House, room: Room, event_id: str, kind: str = "m.read", **body: str
) -> int:
    """Let Bob set a receipt; give the status."""
    path = f"/rooms/{quote(room.room_id)}/receipt/{kind}/{quote(event_id)}"
    return (await house.ask(BOB, "POST", path, body))[0]


async def test_a_receipt_is_in_memory_and_after_a_restart_too(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    said = await house.world.put(room, says(ALICE), says(ALICE))
    before = house.store.hub.ticks.vector
    assert await receipt(house, room, said[0].event.event_id) == 200
    placed = room.receipts[KEY]
    assert placed.receipt.event_id == said[0].event.event_id
    assert placed.notify_ord == 1
    assert placed.user_nid == NIDS[BOB]
    assert [each.receipt.key for each in room.receipts.after(before)] == [KEY]
    assert not list(room.receipts.after(house.store.hub.ticks.vector))
    loaded = await house.world.reload(room)
    assert loaded is not room
    assert loaded.receipts == room.receipts
    stir = await house.store.dump("room_stir")
    assert stir == [(room.nid, placed.slot, placed.pos)]


async def test_receipts_never_go_back(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    old, new = await house.world.put(room, says(ALICE), says(ALICE))
    assert await receipt(house, room, new.event.event_id) == 200
    vector = house.store.hub.ticks.vector
    assert await receipt(house, room, old.event.event_id) == 200
    assert await receipt(house, room, new.event.event_id) == 200
    assert room.receipts[KEY].receipt.event_id == new.event.event_id
    assert house.store.hub.ticks.vector == vector, "what changes nothing wakes nobody"


async def test_receipts_at_once_leave_the_furthest_in_memory_and_store(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    said = await house.world.put(room, *[says(ALICE) for _ in range(12)])
    order = [said[i] for i in (3, 11, 0, 7, 5, 10, 1)]
    answers = await asyncio.gather(*[receipt(house, room, s.event.event_id) for s in order])
    assert set(answers) == {200}
    assert room.receipts[KEY].receipt.event_id == said[11].event.event_id
    assert (await house.world.reload(room)).receipts == room.receipts


async def test_two_writers_cannot_take_a_stored_receipt_back(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    old, new = await house.world.put(room, says(ALICE), says(ALICE))
    behind = await house.world.reload(room)
    assert await receipt(house, room, old.event.event_id) == 200
    older = room.receipts[KEY]
    house.restart()
    house.world.rooms.add(behind)
    await house.mark_read(requester(BOB), room.room_id, {"m.read": new.event.event_id})
    # the first writer's row comes last, from memory that does not know the newer one
    await house.store.writer.submit(
        lambda draft: house.world.store.write_receipt(draft, room, older)
    )
    loaded = await house.world.reload(room)
    assert loaded.receipts[KEY].receipt.event_id == new.event.event_id
    assert loaded.receipts[KEY].notify_ord == 2


async def test_an_event_that_is_not_there_or_not_to_be_seen_is_not_found(house: House) -> None:
    room = await house.world.room(visibility("joined"))
    (hidden,) = await house.world.put(room, says(ALICE))
    await house.world.put(room, member(BOB, "join"))
    other = await house.world.room()
    (elsewhere,) = await house.world.put(other, says(ALICE))
    for event_id in (hidden.event.event_id, elsewhere.event.event_id, "$x", "nonsense"):
        assert await receipt(house, room, event_id) == 404
    assert await receipt(house, other, elsewhere.event.event_id) == 403
    assert await receipt(house, room, hidden.event.event_id, "m.delivered") == 400
    assert room.receipts == {}


async def test_threads_have_receipts_of_their_own(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    (root,) = await house.world.put(room, says(ALICE))
    relation = {"rel_type": "m.thread", "event_id": root.event.event_id}
    reply = Put(ALICE, content={"msgtype": "m.text", "body": "r", "m.relates_to": relation})
    (answer,) = await house.world.put(room, reply)
    thumb = {"rel_type": "m.annotation", "event_id": answer.event.event_id, "key": "+"}
    (reaction,) = await house.world.put(room, Put(ALICE, "m.reaction", {"m.relates_to": thumb}))
    thread = root.event.event_id
    assert await receipt(house, room, reaction.event.event_id, thread_id="main") == 400
    assert await receipt(house, room, reaction.event.event_id, thread_id=thread) == 200
    assert await receipt(house, room, root.event.event_id, thread_id="main") == 200
    assert await receipt(house, room, root.event.event_id, thread_id="") == 400
    assert set(room.receipts) == {(BOB, "m.read", thread), (BOB, "m.read", "main")}
    assert (await house.world.reload(room)).receipts == room.receipts


async def test_read_markers_set_all_three_in_one_batch(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    said = await house.world.put(room, says(ALICE), says(ALICE), says(ALICE))
    ids = [item.event.event_id for item in said]
    path = f"/rooms/{quote(room.room_id)}/read_markers"
    batches = len(await house.store.dump("writer_batch"))
    body = {"m.fully_read": ids[0], "m.read": ids[1], "m.read.private": ids[2]}
    assert (await house.ask(BOB, "POST", path, body))[0] == 200
    assert len(await house.store.dump("writer_batch")) == batches + 1
    assert room.receipts[BOB, "m.read", None].receipt.event_id == ids[1]
    assert room.receipts[BOB, "m.read.private", None].receipt.event_id == ids[2]
    data = f"/user/{BOB}/rooms/{quote(room.room_id)}/account_data/m.fully_read"
    assert await house.ask(BOB, "GET", data) == (200, {"event_id": ids[0]})
    assert (await house.ask(BOB, "POST", path))[0] == 200
    assert (await house.ask(BOB, "POST", path, {"m.read": 7}))[0] == 400
    assert (await house.ask(CAROL, "POST", path, {"m.read": ids[0]}))[0] == 403


async def test_stirs_of_two_writers_are_both_kept(house: House) -> None:
    room = await house.world.room(member(BOB, "join"))
    (said,) = await house.world.put(room, says(ALICE))
    assert await receipt(house, room, said.event.event_id) == 200
    first = await house.store.dump("room_stir")
    other = await house.store.join("other")
    house.restart()
    there = MarkRead(house.world.access, other.rooms, other.rooms, house.account_data, other.writer)
    marks = {"m.read": said.event.event_id}
    await there(requester(ALICE), room.room_id, marks)
    stirs = await house.store.dump("room_stir")
    assert first[0] in stirs
    assert {slot for _, slot, _ in stirs} == {1, other.writer.lease.slot}
