"""Sync-points 14, 19, 21: what wakes a waiting sync, and what it is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.messages import tell
from tests.support.syncing import ids, now, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown

SOON = 0.2
Act = "Callable[[SyncTown, Phone, Phone, str, str], Awaitable[Any]]"

CHANGES: dict[str, Any] = {
    "event": lambda _t, romeo, _j, room, _e: romeo.send(room, "hi"),
    "state": lambda _t, romeo, _j, room, _e: romeo.topic(room, "hi"),
    "receipt": lambda _t, romeo, _j, room, e: romeo.read(room, e),
    "private receipt": lambda _t, _r, juliet, room, e: juliet.read(room, e, "m.read.private"),
    "typing": lambda _t, romeo, _j, room, _e: romeo.types(room, 20),
    "account data": lambda _t, _r, juliet, _room, _e: juliet.keep("org.one", {}),
    "room account data": lambda _t, _r, juliet, room, _e: juliet.keep("org.one", {}, room),
    "tag": lambda _t, _r, juliet, room, _e: juliet.tag(room, "m.favourite"),
    "kick": lambda _t, romeo, juliet, room, _e: romeo.do("kick", room, juliet),
    "profile": lambda town, romeo, _j, _room, _e: town.rename(romeo, "Montague"),
    "invite": lambda _t, romeo, juliet, _room, _e: romeo.create_room(invite=[juliet.user_id]),
    "message": lambda _t, romeo, juliet, _room, _e: tell(romeo, juliet, 1),
    "join": lambda _t, _r, juliet, _room, _e: juliet.create_room(),
}


async def _stage(romeo: Phone, juliet: Phone) -> tuple[str, str]:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    event_id = await romeo.send(room, "first")
    await juliet.get()
    return room, event_id


@pytest.mark.parametrize("change", CHANGES)
async def test_each_kind_of_change_wakes_the_poll(
    town: SyncTown, romeo: Phone, juliet: Phone, change: str
) -> None:
    room, event_id = await _stage(romeo, juliet)
    poll = asyncio.create_task(juliet.get(timeout_ms=20_000))
    await asyncio.sleep(0.05)
    assert not poll.done()
    await CHANGES[change](town, romeo, juliet, room, event_id)
    done = now()
    answer = await poll
    assert now() - done < SOON
    assert {"rooms", "account_data", "to_device"} & answer.keys()
    assert set(await juliet.get()) == {
        "next_batch",
        "device_one_time_keys_count",
        "device_unused_fallback_key_types",
    }


async def test_a_poll_ends_empty_after_its_time(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    start = now()
    answer = await juliet.get(timeout_ms=300)
    assert 0.25 < now() - start < 1.5
    assert "rooms" not in answer
    assert "account_data" not in answer
    assert answer["device_one_time_keys_count"] == {"signed_curve25519": 0}


async def test_no_timeout_answers_at_once(romeo: Phone, juliet: Phone) -> None:
    await _stage(romeo, juliet)
    start = now()
    await juliet.get(timeout_ms=0)
    assert now() - start < SOON


async def test_what_happens_in_rooms_left_wakes_nobody(romeo: Phone, juliet: Phone) -> None:
    room, _ = await _stage(romeo, juliet)
    await juliet.do("leave", room)
    await juliet.get()
    poll = asyncio.create_task(juliet.get(timeout_ms=400))
    await asyncio.sleep(0.05)
    await romeo.send(room, "alone")
    await romeo.types(room, 20)
    start = now()
    assert "rooms" not in await poll
    assert now() - start > SOON


async def test_typing_starts_stops_and_ends_by_itself(romeo: Phone, juliet: Phone) -> None:
    room, _ = await _stage(romeo, juliet)

    async def heard() -> list[str]:
        part = (await juliet.get(timeout_ms=5_000))["rooms"]["join"][room]
        assert types(part, "ephemeral") == ["m.typing"]
        assert ids(part) == []
        return list(part["ephemeral"]["events"][0]["content"]["user_ids"])

    await romeo.types(room, 20)
    assert await heard() == [romeo.user_id]
    fresh = (await juliet.fresh())["rooms"]["join"][room]
    assert "m.typing" in types(fresh, "ephemeral")
    await romeo.types(room, 0)
    assert await heard() == []
    await romeo.types(room, 0.3)
    assert await heard() == [romeo.user_id]
    start = now()
    assert await heard() == []
    assert now() - start < 1.0


async def test_receipts_are_deltas_and_private_ones_private(romeo: Phone, juliet: Phone) -> None:
    room, event_id = await _stage(romeo, juliet)
    await romeo.read(room, event_id)
    part = (await juliet.get())["rooms"]["join"][room]
    content = part["ephemeral"]["events"][0]["content"]
    assert list(content) == [event_id]
    assert list(content[event_id]["m.read"]) == [romeo.user_id]
    second = await romeo.send(room, "second")
    await juliet.get()
    await romeo.read(room, second, "m.read.private")
    assert "rooms" not in await juliet.get()
    await juliet.read(room, second)
    part = (await juliet.get())["rooms"]["join"][room]
    assert list(part["ephemeral"]["events"][0]["content"]) == [second]
    fresh = (await juliet.fresh())["rooms"]["join"][room]
    assert {
        (e, kind)
        for e, kinds in fresh["ephemeral"]["events"][0]["content"].items()
        for kind in kinds
    } == {(event_id, "m.read"), (second, "m.read")}


async def test_account_data_and_tags_are_deltas(town: SyncTown, juliet: Phone) -> None:
    other = await town.phone("juliet")
    room = await juliet.create_room()
    await juliet.keep("org.one", {"n": 1})
    first = await other.get()
    assert {e["type"] for e in first["account_data"]["events"]} == {"m.push_rules", "org.one"}
    await juliet.keep("org.one", {"n": 2})
    await juliet.keep("org.one", {"n": 3})
    answer = await other.get()
    assert answer["account_data"]["events"] == [{"type": "org.one", "content": {"n": 3}}]
    assert "rooms" not in answer
    await juliet.tag(room, "m.favourite", 0.25)
    answer = await other.get()
    assert "account_data" not in answer
    part = answer["rooms"]["join"][room]
    tags = {"tags": {"m.favourite": {"order": 0.25}}}
    assert part["account_data"]["events"] == [{"type": "m.tag", "content": tags}]
    assert ids(part) == []
    assert "ephemeral" not in part


async def test_who_typed_before_a_restart_is_taken_off_the_screen(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room, _ = await _stage(romeo, juliet)
    other = await romeo.create_room(preset="public_chat")
    await romeo.types(room, 100)
    await juliet.get()
    await town.restart()
    part = (await juliet.get())["rooms"]["join"]
    assert part[room]["ephemeral"]["events"][0]["content"] == {"user_ids": []}
    assert other not in part
    await town.restart()
    assert "rooms" not in await juliet.get()


async def test_a_sender_is_answered_before_its_own_syncs_bring_the_event(romeo: Phone) -> None:
    """matrix-js-sdk takes the first reply of a thread for failed where it is the other way."""
    room = await romeo.create_room()
    await romeo.get()
    came: list[str] = []

    async def poll() -> None:
        await romeo.get(timeout_ms=20_000)
        came.append("sync")

    for number in range(10):
        polling = asyncio.create_task(poll())
        await asyncio.sleep(0.05)
        await romeo.send(room, f"message {number}")
        came.append("answer")
        await polling
    assert came == ["answer", "sync"] * 10
