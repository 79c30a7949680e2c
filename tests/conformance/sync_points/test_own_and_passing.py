"""Sync-points 18 to 21: transaction ids, ephemeral events, unread counts, account data."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.syncing import ids, types

if TYPE_CHECKING:
    from tests.support.cluster import ClusterTown
    from tests.support.syncing import Phone, SyncTown


async def _stage(romeo: Phone, *guests: Phone) -> str:
    room = await romeo.create_room(preset="public_chat")
    for guest in guests:
        await guest.do("join", room)
        await guest.get()
    return room


@pytest.mark.parametrize("restart", [False, True])
async def test_point_18_transaction_ids_are_of_one_device_and_endpoint(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, *, restart: bool
) -> None:
    other = await town.phone("romeo")
    room = await _stage(romeo, juliet)
    first = await romeo.send(room, "once", txn="t-1")
    if restart:
        await town.restart()
    assert await romeo.send(room, "once", txn="t-1") == first
    elsewhere = await romeo.room_call("PUT", room, "send/org.example/t-1", {})
    assert elsewhere["event_id"] != first
    assert await other.send(room, "another device", txn="t-1") != first
    for phone, mine in ((romeo, True), (other, False), (juliet, False)):
        events = (await phone.fresh())["rooms"]["join"][room]["timeline"]["events"]
        unsigned = next(e["unsigned"] for e in events if e["event_id"] == first)
        assert unsigned.get("transaction_id") == ("t-1" if mine else None)
        assert ("transaction_id" in unsigned) is mine
        assert [e["event_id"] for e in events].count(first) == 1


async def test_point_19_typing_replaces_the_whole_list_and_ends(
    romeo: Phone, juliet: Phone, nurse: Phone
) -> None:
    room = await _stage(romeo, juliet, nurse)

    async def heard(*expected: str) -> None:
        async with asyncio.timeout(10):
            while True:
                joined = (await juliet.get(timeout_ms=2_000)).get("rooms", {}).get("join", {})
                for event in joined.get(room, {}).get("ephemeral", {}).get("events", []):
                    assert event["type"] == "m.typing"
                    if set(event["content"]["user_ids"]) == set(expected):
                        return

    await romeo.types(room, 20)
    await heard(romeo.user_id)
    await nurse.types(room, 20)
    await heard(romeo.user_id, nurse.user_id)
    await romeo.types(room, 0)
    await heard(nurse.user_id)
    await nurse.types(room, 0.3)
    await heard()


async def test_point_19_receipts_are_deltas_private_ones_private_and_threads_apart(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    tablet = await town.phone("juliet")
    first, second = [await romeo.send(room, text) for text in ("one", "two")]
    thread: dict[str, Any] = {"m.relates_to": {"rel_type": "m.thread", "event_id": first}}
    answer = await romeo.send(room, msgtype="m.text", body="in it", **thread)
    for phone in (romeo, juliet, tablet):
        await phone.get()
    await juliet.read(room, first)
    assert _receipts(await romeo.get(), room) == {(first, "m.read", juliet.user_id, "")}
    await juliet.read(room, second, "m.read.private")
    assert "rooms" not in await romeo.get()
    private = (second, "m.read.private", juliet.user_id, "")
    assert private in _receipts(await tablet.get(), room)
    path = f"receipt/m.read/{answer}"
    await juliet.room_call("POST", room, path, {"thread_id": first})
    threaded = (answer, "m.read", juliet.user_id, first)
    assert _receipts(await romeo.get(), room) == {threaded}
    public = {(first, "m.read", juliet.user_id, ""), threaded}
    assert _receipts(await romeo.fresh(), room) == public
    assert _receipts(await juliet.fresh(), room) == public | {private}


def _receipts(answer: dict[str, Any], room: str) -> set[tuple[str, str, str, str]]:
    part = answer["rooms"]["join"][room]
    return {
        (event_id, kind, user, data.get("thread_id", ""))
        for event in part["ephemeral"]["events"]
        if event["type"] == "m.receipt"
        for event_id, kinds in event["content"].items()
        for kind, users in kinds.items()
        for user, data in users.items()
    }


@pytest.mark.parametrize("by", ["m.read", "m.read.private", "own message"])
async def test_point_20_unread_counts(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone, by: str
) -> None:
    room, quiet = await _stage(romeo, juliet), await _stage(romeo, juliet)
    tablet = await town.phone("juliet")
    await tablet.get()
    await romeo.send(room, "one")
    mention: dict[str, Any] = {"m.mentions": {"user_ids": [juliet.user_id]}}
    last = await romeo.send(room, msgtype="m.text", body="two", **mention)
    for phone in (juliet, tablet):
        assert _counts(await phone.get()) == {room: (2, 1)}
    await town.restart()
    assert _counts(await juliet.fresh())[room] == (2, 1)
    if by == "own message":
        await juliet.send(room, "I have seen it")
    else:
        await juliet.read(room, last, by)
    for phone in (juliet, tablet):
        assert _counts(await phone.get()) == {room: (0, 0)}
        assert "rooms" not in await phone.get()
    await romeo.topic(room, "state does not notify")
    assert _counts(await juliet.get()) == {room: (0, 0)}
    assert quiet in _counts(await juliet.fresh())


def _counts(answer: dict[str, Any]) -> dict[str, tuple[int, int]]:
    joined = answer.get("rooms", {}).get("join", {})
    parts = {room: part["unread_notifications"] for room, part in joined.items()}
    return {r: (p["notification_count"], p["highlight_count"]) for r, p in parts.items()}


async def test_point_21_account_data_and_tags_are_deltas_without_empty_sections(
    town: SyncTown | ClusterTown, romeo: Phone, juliet: Phone
) -> None:
    tablet = await town.phone("juliet")
    room = await _stage(romeo, juliet, tablet)
    for n in range(3):
        await juliet.keep("org.one", {"n": n})
    answer = await tablet.get()
    assert answer["account_data"]["events"] == [{"type": "org.one", "content": {"n": 2}}]
    assert "rooms" not in answer
    await juliet.tag(room, "m.favourite", 0.25)
    answer = await tablet.get()
    assert "account_data" not in answer
    part = answer["rooms"]["join"][room]
    tags = {"tags": {"m.favourite": {"order": 0.25}}}
    assert part["account_data"]["events"] == [{"type": "m.tag", "content": tags}]
    assert ids(part) == []
    assert "ephemeral" not in part
    assert not {"rooms", "account_data", "to_device", "presence"} & set(await tablet.get())
    fresh = await tablet.fresh()
    assert {"m.push_rules", "org.one"} <= set(types(fresh, "account_data"))
    assert types(fresh["rooms"]["join"][room], "account_data") == ["m.tag"]


async def test_point_21_account_data_wakes_the_poll(
    town: SyncTown | ClusterTown, juliet: Phone
) -> None:
    tablet = await town.phone("juliet")
    await tablet.get()
    poll = asyncio.create_task(tablet.get(timeout_ms=30_000))
    async with asyncio.timeout(10):
        await juliet.keep("org.one", {"n": 1})
        assert types(await poll, "account_data") == ["org.one"]
