"""`unread_thread_notifications`: on /sync, on the stream, over restarts, with two workers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.cluster import open_cluster
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.syncing import Phone, SyncTown

THREADS = {"room": {"timeline": {"unread_thread_notifications": True}}}
Counts = tuple[tuple[int, int], dict[str, tuple[int, int]]]


def _pair(counts: dict[str, int]) -> tuple[int, int]:
    return counts["notification_count"], counts["highlight_count"]


def counts_of(part: dict[str, Any]) -> Counts:
    threads = part.get("unread_thread_notifications", {})
    return _pair(part["unread_notifications"]), {r: _pair(c) for r, c in threads.items()}


async def counts(phone: Phone, room: str) -> Counts:
    """What the next sync tells."""
    return counts_of((await phone.get(THREADS))["rooms"]["join"][room])


async def reply(phone: Phone, room: str, root: str, **content: Any) -> str:
    relation = {"rel_type": "m.thread", "event_id": root}
    content = {"msgtype": "m.text", "body": "x", "m.relates_to": relation, **content}
    return await phone.send(room, **content)


async def read_in(phone: Phone, room: str, event_id: str, thread: str) -> None:
    path = f"receipt/m.read/{quote(event_id)}"
    await phone.room_call("POST", room, path, {"thread_id": thread})


async def test_threads_are_counted_apart_and_read_by_their_receipts(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get(THREADS)
    one = await romeo.send(room, "one")
    two = await romeo.send(room, "two")
    await reply(romeo, room, one)
    mention: dict[str, Any] = {"m.mentions": {"user_ids": [juliet.user_id]}}
    last = await reply(romeo, room, one, **mention)
    await reply(romeo, room, two)
    assert await counts(juliet, room) == ((2, 0), {one: (2, 1), two: (1, 0)})
    whole = (await juliet.fresh())["rooms"]["join"][room]
    assert counts_of(whole) == ((5, 1), {})
    await town.restart()
    assert counts_of((await juliet.fresh(THREADS))["rooms"]["join"][room]) == (
        (2, 0),
        {one: (2, 1), two: (1, 0)},
    )
    await read_in(juliet, room, last, one)
    assert await counts(juliet, room) == ((2, 0), {two: (1, 0)})
    await read_in(juliet, room, two, "main")
    assert await counts(juliet, room) == ((0, 0), {two: (1, 0)})
    edit = {"rel_type": "m.replace", "event_id": last}
    content = {"msgtype": "m.text", "body": "y"}
    await romeo.send(room, **content, **mention, **{"m.relates_to": edit, "m.new_content": content})  # type: ignore[arg-type]
    assert await counts(juliet, room) == ((0, 0), {two: (1, 0), one: (1, 1)})
    await juliet.read(room, await romeo.send(room, "three"))
    assert await counts(juliet, room) == ((0, 0), {})


async def test_who_answers_in_a_thread_has_read_that_thread_alone(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get(THREADS)
    one, two = await romeo.send(room, "one"), await romeo.send(room, "two")
    await reply(romeo, room, one)
    await reply(romeo, room, two)
    await reply(juliet, room, one)
    assert await counts(juliet, room) == ((2, 0), {two: (1, 0)})
    await juliet.send(room, "an answer")
    assert await counts(juliet, room) == ((0, 0), {two: (1, 0)})
    await town.restart()
    fresh = await juliet.fresh(THREADS)
    assert counts_of(fresh["rooms"]["join"][room]) == ((0, 0), {two: (1, 0)})


@pytest.mark.parametrize("rule", ["mentions", "keyword", "muted"])
async def test_rules_of_ones_own_count_by_thread_too(
    romeo: Phone, juliet: Phone, rule: str
) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get(THREADS)
    if rule == "mentions":
        await juliet.call("PUT", f"/pushrules/global/room/{quote(room)}", {"actions": []})
    elif rule == "keyword":
        loud = {"pattern": "x", "actions": ["notify", {"set_tweak": "highlight"}]}
        await juliet.call("PUT", "/pushrules/global/content/x", loud)
    else:
        master = "/pushrules/global/override/.m.rule.master/enabled"
        await juliet.call("PUT", master, {"enabled": True})
    one = await romeo.send(room, "one")
    await reply(romeo, room, one)
    await reply(romeo, room, one, **{"m.mentions": {"user_ids": [juliet.user_id]}})
    assert (
        await counts(juliet, room)
        == {
            "mentions": ((0, 0), {one: (1, 1)}),
            "keyword": ((1, 0), {one: (2, 2)}),
            "muted": ((0, 0), {}),
        }[rule]
    )


async def test_the_stream_tells_them_too(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get(THREADS)
    one = await romeo.send(room, "one")
    async with streaming(juliet, filter=json.dumps(THREADS)) as socket:
        part = (await socket.sync())["rooms"]["join"][room]
        assert counts_of(part) == ((1, 0), {})
        last = await reply(romeo, room, one)
        part = (await socket.sync())["rooms"]["join"][room]
        assert counts_of(part) == ((1, 0), {one: (1, 0)})
        await read_in(juliet, room, last, one)
        part = (await socket.sync())["rooms"]["join"][room]
        assert counts_of(part) == ((1, 0), {})


async def test_who_does_not_ask_is_told_of_whole_rooms(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    one = await romeo.send(room, "one")
    await reply(romeo, room, one)
    part = (await juliet.get())["rooms"]["join"][room]
    assert counts_of(part) == ((2, 0), {})
    assert "unread_thread_notifications" not in part


async def test_marked_unread_is_account_data_that_flows(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    """It changes no count; all devices of the user hear of it."""
    other = await town.phone("juliet")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.read(room, await romeo.send(room, "one"))
    await other.get(THREADS)
    for unread in (True, False):
        await juliet.keep("m.marked_unread", {"unread": unread}, room)
        part = (await other.get(THREADS))["rooms"]["join"][room]
        (event,) = part["account_data"]["events"]
        assert event == {"type": "m.marked_unread", "content": {"unread": unread}}
        assert counts_of(part) == ((0, 0), {})


async def test_workers_agree_about_threads(tmp_path: Path) -> None:
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        room = await romeo.create_room(preset="public_chat")
        await juliet.do("join", room)
        await juliet.get(THREADS)
        one = await romeo.send(room, "one")
        found = await reply(romeo, room, one)
        assert (await _until(juliet, room, found)) == ((1, 0), {one: (1, 0)})
        await reply(romeo, room, one, **{"m.mentions": {"user_ids": [juliet.user_id]}})
        spam = await reply(romeo, room, one)
        assert (await _until(juliet, room, spam)) == ((1, 0), {one: (3, 1)})
        redaction = await romeo.redact(room, spam)
        assert (await _until(juliet, room, redaction)) == ((1, 0), {one: (2, 1)})


async def _until(phone: Phone, room: str, event_id: str) -> Counts:
    """Sync until an event has come; the counts then."""
    while True:
        answer = await phone.sync(5_000, filter=json.dumps(THREADS))
        part = answer.get("rooms", {}).get("join", {}).get(room)
        if part and event_id in [e["event_id"] for e in part["timeline"]["events"]]:
            return counts_of(part)
