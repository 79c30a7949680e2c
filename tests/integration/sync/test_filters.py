"""Sync-point 13: filters, which must not lie about gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.syncing import bodies, ids, types

if TYPE_CHECKING:
    from tests.support.syncing import Phone, SyncTown


async def _stage(romeo: Phone, juliet: Phone) -> str:
    room = await romeo.create_room(preset="public_chat", name="Verona")
    await juliet.do("join", room)
    await juliet.get()
    await romeo.send(room, "a")
    await romeo.send(room, msgtype="m.image", body="b", url="mxc://x/y")
    await juliet.send(room, "c")
    await romeo.topic(room, "t")
    await romeo.room_call("PUT", room, "send/org.example.one/1", {"body": "d"})
    return room


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"types": ["m.room.message"]}, ["a", "b", "c"]),
        ({"types": ["m.room.*"], "not_types": ["m.room.topic"]}, ["a", "b", "c"]),
        ({"types": ["org.*"]}, ["d"]),
        ({"not_types": ["m.*"]}, ["d"]),
        ({"types": ["m.room.message"], "contains_url": True}, ["b"]),
        ({"types": ["m.room.message"], "contains_url": False}, ["a", "c"]),
        ({"senders": ["@juliet:firn.test"]}, ["c"]),
        ({"not_senders": ["@romeo:firn.test"]}, ["c"]),
        ({"types": []}, []),
    ],
)
async def test_timeline_filters(
    romeo: Phone, juliet: Phone, wanted: dict[str, Any], expected: list[str]
) -> None:
    room = await _stage(romeo, juliet)
    part = (await juliet.get({"room": {"timeline": wanted}}))["rooms"]["join"][room]
    assert bodies(part) == expected
    assert part["timeline"]["limited"] is False


async def test_limit_counts_what_the_filter_takes(romeo: Phone, juliet: Phone) -> None:
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.get()
    wanted = {"room": {"timeline": {"types": ["m.room.message"], "limit": 3}}}
    for n in range(3):
        await romeo.send(room, f"{n}")
        for k in range(30):
            await romeo.room_call("PUT", room, f"send/org.example.noise/{n}-{k}", {})
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert bodies(part) == ["0", "1", "2"]
    assert part["timeline"]["limited"] is False
    sent = [await romeo.send(room, f"{n}") for n in range(4)]
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert ids(part) == sent[1:]
    assert part["timeline"]["limited"] is True
    assert (await juliet.older(room, part["timeline"]["prev_batch"]))[0] == sent[0]


async def test_rooms_and_not_rooms(romeo: Phone) -> None:
    one, two = [await romeo.create_room(name=name) for name in ("one", "two")]
    answer = await romeo.fresh({"room": {"rooms": [one]}})
    assert list(answer["rooms"]["join"]) == [one]
    answer = await romeo.fresh({"room": {"not_rooms": [one]}})
    assert list(answer["rooms"]["join"]) == [two]
    answer = await romeo.fresh({"room": {"rooms": []}})
    assert "rooms" not in answer
    joined = (await romeo.fresh({"room": {"timeline": {"not_rooms": [one]}}}))["rooms"]["join"]
    assert ids(joined[one]) == []
    assert "m.room.name" in types(joined[one], "state")
    assert "m.room.name" in types(joined[two])
    joined = (await romeo.fresh({"room": {"state": {"rooms": [two]}}}))["rooms"]["join"]
    assert ids(joined[one], "state") == []


async def test_state_filters(romeo: Phone, juliet: Phone) -> None:
    room = await _stage(romeo, juliet)
    wanted = {"room": {"state": {"types": ["m.room.name"]}, "timeline": {"types": []}}}
    part = (await juliet.fresh(wanted))["rooms"]["join"][room]
    assert types(part, "state") == ["m.room.name"]


async def test_ephemeral_filters(romeo: Phone, juliet: Phone) -> None:
    room = await _stage(romeo, juliet)
    await juliet.get()
    event_id = await romeo.send(room, "x")
    await romeo.types(room, 20)
    await romeo.read(room, event_id)
    wanted = {"room": {"ephemeral": {"not_types": ["m.receipt"]}}}
    part = (await juliet.fresh(wanted))["rooms"]["join"][room]
    assert types(part, "ephemeral") == ["m.typing"]
    part = (await juliet.fresh({"room": {"ephemeral": {"types": ["m.receipt"]}}}))["rooms"]
    assert types(part["join"][room], "ephemeral") == ["m.receipt"]
    part = (await juliet.fresh({"room": {"ephemeral": {"not_rooms": [room]}}}))["rooms"]
    assert "ephemeral" not in part["join"][room]


async def test_who_filters_receipts_out_still_learns_that_nothing_is_unread(
    town: SyncTown, romeo: Phone, juliet: Phone
) -> None:
    other = await town.phone("juliet")
    room = await _stage(romeo, juliet)
    event_id = await romeo.send(room, "unread")
    wanted: dict[str, Any] = {"room": {"ephemeral": {"types": []}}}
    part = (await other.get(wanted))["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] > 0
    await juliet.read(room, event_id)
    part = (await other.get(wanted))["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] == 0
    assert "ephemeral" not in part


async def test_account_data_filters(romeo: Phone) -> None:
    room = await romeo.create_room()
    await romeo.keep("org.one", {"a": 1})
    await romeo.keep("org.two", {"a": 2})
    await romeo.keep("org.one", {"b": 1}, room)
    await romeo.keep("org.two", {"b": 2}, room)
    wanted = {
        "account_data": {"types": ["org.one"]},
        "room": {"account_data": {"types": ["org.two"]}},
    }
    answer = await romeo.fresh(wanted)
    assert types(answer, "account_data") == ["org.one"]
    assert types(answer["rooms"]["join"][room], "account_data") == ["org.two"]
    answer = await romeo.fresh({"account_data": {"types": []}})
    assert "account_data" not in answer


async def test_event_fields(romeo: Phone, juliet: Phone) -> None:
    room = await _stage(romeo, juliet)
    wanted = {"event_fields": ["type", "content.body"], "room": {"timeline": {"limit": 3}}}
    part = (await juliet.fresh(wanted))["rooms"]["join"][room]
    assert part["timeline"]["events"][0] == {"type": "m.room.message", "content": {"body": "c"}}
    assert {frozenset(e) for e in part["state"]["events"]} <= {
        frozenset({"type"}),
        frozenset({"type", "content"}),
    }


async def test_event_format_federation(romeo: Phone, juliet: Phone) -> None:
    room = await _stage(romeo, juliet)
    part = (await juliet.fresh({"event_format": "federation"}))["rooms"]["join"][room]
    for event in (*part["timeline"]["events"], *part["state"]["events"]):
        assert {"auth_events", "prev_events", "depth", "hashes", "event_id"} <= set(event)


TALK_ALONE = {"room": {"timeline": {"types": ["m.room.message"]}}}


async def test_counts_that_fall_by_what_the_filter_hides_are_told(
    romeo: Phone, juliet: Phone
) -> None:
    """A redaction, and an event of one's own."""
    room = await _stage(romeo, juliet)
    said = await romeo.send(room, "word")
    await romeo.send(room, "another")
    before = (await juliet.get(TALK_ALONE))["rooms"]["join"][room]["unread_notifications"]
    await romeo.redact(room, said)
    part = (await juliet.get(TALK_ALONE))["rooms"]["join"][room]
    assert part["timeline"]["events"] == []
    now = part["unread_notifications"]
    assert now["notification_count"] == before["notification_count"] - 1
    await juliet.room_call("PUT", room, "send/org.example/1", {})
    part = (await juliet.get(TALK_ALONE))["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] == 0


async def test_counts_that_grow_by_what_the_filter_hides_are_told(
    romeo: Phone, juliet: Phone
) -> None:
    room = await _stage(romeo, juliet)
    wanted = {"room": {"timeline": {"types": ["org.example"]}}}
    await juliet.get(wanted)
    await romeo.send(room, "word")
    part = (await juliet.get(wanted))["rooms"]["join"][room]
    assert part["timeline"]["events"] == []
    counted = part["unread_notifications"]["notification_count"]
    await romeo.topic(room, "nothing that counts")
    no_state = {"room": {"timeline": {"types": ["org.example"]}, "state": {"types": []}}}
    assert "rooms" not in await juliet.get(no_state)
    rule = {"actions": ["notify"], "conditions": [_is_type("org.other")]}
    await juliet.call("PUT", "/pushrules/global/override/other", rule)
    await juliet.get(no_state)
    await romeo.room_call("PUT", room, "send/org.other/1", {})
    part = (await juliet.get(no_state))["rooms"]["join"][room]
    assert part["unread_notifications"]["notification_count"] == counted + 1


def _is_type(kind: str) -> dict[str, str]:
    return {"kind": "event_match", "key": "type", "pattern": kind}
