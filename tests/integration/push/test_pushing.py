"""What gateways are told of, and what not; on both stores, over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.integration.push.conftest import equipped, in_a_room, pushing
from tests.support.gateway import APP, events

if TYPE_CHECKING:
    from tests.support.gateway import Gateway
    from tests.support.syncing import Phone, SyncTown

MARK = "that is all"


async def all_told(gateway: Gateway, romeo: Phone, room: str) -> list[dict[str, Any]]:
    """Everything up to a last message, which is left out: in order, so nothing comes later."""
    last = await romeo.send(room, MARK)
    count = 1
    while last not in events(found := await gateway.hears(count)):
        count = len(found) + 1
    return [body for body in found if body.get("event_id") != last]


async def test_a_gateway_is_told_all_about_an_event(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    room = await in_a_room(romeo, juliet, name="Verona", room_alias_name="verona")
    before = int(time.time())
    await gateway.equip(juliet, format="full", colour="red")
    event_id = await romeo.send(room, "hello juliet")
    (told,) = await gateway.hears(1)
    (device,) = told.pop("devices")
    assert before <= device.pop("pushkey_ts") <= time.time()
    assert device == {
        "app_id": APP,
        "pushkey": "key",
        "data": {"format": "full", "colour": "red"},
        "tweaks": {"sound": "default"},
    }
    assert told == {
        "event_id": event_id,
        "room_id": room,
        "type": "m.room.message",
        "sender": romeo.user_id,
        "room_name": "Verona",
        "room_alias": "#verona:firn.test",
        "content": {"msgtype": "m.text", "body": "hello juliet"},
        "counts": {"unread": 1},
        "prio": "high",
    }


async def test_with_event_id_only_nothing_else_goes_out(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    room = await in_a_room(romeo, juliet)
    await gateway.equip(juliet, format="event_id_only")
    mention: dict[str, Any] = {
        "msgtype": "m.text",
        "body": "x",
        "m.mentions": {"user_ids": [juliet.user_id]},
    }
    event_id = await romeo.send(room, **mention)
    (told,) = await gateway.hears(1)
    assert told.pop("devices")[0]["tweaks"] == {"highlight": True, "sound": "default"}
    assert told == {
        "event_id": event_id,
        "room_id": room,
        "counts": {"unread": 1},
        "prio": "high",
    }


async def test_every_pusher_of_a_user_is_told_in_order(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway, "one", "two")
    sent = [await romeo.send(room, f"message {number}") for number in range(10)]
    told = await gateway.hears(20)
    for key in ("one", "two"):
        assert [b["event_id"] for b in told if b["devices"][0]["pushkey"] == key] == sent


async def test_who_is_invited_is_told_so(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    await gateway.equip(juliet)
    room = await romeo.create_room(name="Verona")
    await romeo.send(room, "not for her")
    await romeo.do("invite", room, juliet)
    await romeo.send(room, "not for her either")
    shared = await in_a_room(romeo, juliet)
    (told,) = await all_told(gateway, romeo, shared)
    assert (told["type"], told["room_id"]) == ("m.room.member", room)
    assert told["user_is_target"] is True
    assert told["content"]["membership"] == "invite"
    assert told["room_name"] == "Verona"


async def test_an_invitation_that_sync_keeps_to_itself_is_not_told(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    await gateway.equip(juliet)
    shared = await in_a_room(romeo, juliet)
    filters = {"ignored_users": [romeo.user_id]}
    await juliet.keep("org.matrix.msc4155.invite_permission_config", filters)
    await romeo.do("invite", await romeo.create_room(), juliet)
    assert await all_told(gateway, romeo, shared) == []


async def test_what_nobody_wants_to_hear_is_not_told(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, gateway: Gateway
) -> None:
    """Own events, ignored users, muted rooms, what was before the pusher, what is no news."""
    room = await in_a_room(romeo, juliet)
    muted = await in_a_room(romeo, juliet)
    await nurse.do("join", room)
    await romeo.send(room, "before the pusher")
    await pushing(town)
    await gateway.equip(juliet)
    await gateway.equip(romeo, "romeo")
    rule = {
        "actions": [],
        "conditions": [{"kind": "event_match", "key": "room_id", "pattern": muted}],
    }
    await juliet.call("PUT", "/pushrules/global/override/mute", rule)
    await juliet.keep("m.ignored_user_list", {"ignored_users": {nurse.user_id: {}}})
    await juliet.send(room, "her own")
    await nurse.send(room, "from an ignored one")
    await romeo.send(muted, "in a muted room")
    await romeo.send(room, msgtype="m.notice", body="a notice")
    await romeo.topic(room, "a topic")
    wanted = await romeo.send(room, "for juliet")
    found = await all_told(gateway, romeo, room)
    assert events([b for b in found if b["devices"][0]["pushkey"] == "key"]) == [wanted]
    theirs = [b for b in found if b["devices"][0]["pushkey"] == "romeo"]
    assert theirs
    assert not any(b.get("sender") == romeo.user_id for b in theirs)


async def test_what_was_read_or_redacted_meanwhile_is_not_told(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    """The role starts late, or the gateway is slow: what is over by then is left out."""
    room, other = await in_a_room(romeo, juliet), await in_a_room(romeo, juliet)
    await gateway.equip(juliet)
    await pushing(town)
    gateway.open.clear()
    first = await romeo.send(room, "under way already")
    await gateway.hears(1)
    read = await romeo.send(room, "read before it is sent")
    spam = await romeo.send(other, "redacted before it is sent")
    wanted = await romeo.send(other, "still news")
    await juliet.read(room, read)
    await romeo.redact(other, spam)
    gateway.open.set()
    assert (await gateway.hears(2))[1]["counts"] == {"unread": 1}
    assert events(await all_told(gateway, romeo, other)) == [first, wanted]


async def test_the_counts_go_in_the_place_of_what_was_read_meanwhile(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    gateway.open.clear()
    first = await romeo.send(room, "one")
    assert (await gateway.hears(1))[0]["counts"] == {"unread": 1}
    second = await romeo.send(room, "two")
    await juliet.read(room, second)
    gateway.open.set()
    told = await gateway.hears(2)
    assert events(told) == [first]
    assert told[1]["counts"] == {}


async def test_reading_elsewhere_brings_the_badge_down(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    one, two = await in_a_room(romeo, juliet), await in_a_room(romeo, juliet)
    await gateway.equip(juliet)
    await romeo.send(one, "a")
    last = await romeo.send(one, "b")
    told = await gateway.hears(2)
    assert told[1]["counts"] == {"unread": 2}
    await romeo.send(two, "c")
    assert (await gateway.hears(3))[2]["counts"] == {"unread": 3}
    await juliet.read(one, last, "m.read.private")
    badge = (await gateway.hears(4))[3]
    badge.pop("devices")
    assert badge == {"counts": {"unread": 1}, "prio": "low"}
    await juliet.send(two, "whoever answers has read")
    assert (await gateway.hears(5))[4]["counts"] == {}
    assert await all_told(gateway, romeo, two) == [*told, *gateway.told[2:5]]


async def test_muting_and_leaving_bring_the_badge_down(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    await pushing(town)
    one, two = await in_a_room(romeo, juliet), await in_a_room(romeo, juliet)
    await gateway.equip(juliet)
    await romeo.send(one, "a")
    await romeo.send(two, "b")
    await gateway.hears(2)
    await juliet.do("leave", one)
    assert (await gateway.hears(3))[2]["counts"] == {"unread": 1}
    await juliet.call("PUT", "/pushrules/global/override/.m.rule.master/enabled", {"enabled": True})
    assert (await gateway.hears(4))[3]["counts"] == {}


async def test_missed_calls_are_counted(
    town: SyncTown, romeo: Phone, juliet: Phone, gateway: Gateway
) -> None:
    room = await equipped(town, romeo, juliet, gateway)
    path = f"send/m.call.invite/{time.time()}"
    offer = {"type": "offer", "sdp": "v=0"}
    call = {"call_id": "c1", "party_id": "p", "version": "1"}
    await romeo.room_call("PUT", room, path, {**call, "lifetime": 60_000, "offer": offer})
    (ringing,) = await gateway.hears(1)
    assert ringing["counts"] == {"unread": 1}
    assert ringing["prio"] == "high"
    hangup = {**call, "reason": "user_hangup"}
    await romeo.room_call("PUT", room, f"send/m.call.hangup/{time.time()}", hangup)
    await romeo.send(room, "where are you?")
    assert (await gateway.hears(2))[1]["counts"] == {"unread": 2, "missed_calls": 1}


async def test_a_pusher_ends_with_its_device_and_a_late_member_hears(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, gateway: Gateway
) -> None:
    """Who joins, or sets a pusher, hears from then on; who takes it away hears no more."""
    await pushing(town)
    room = await in_a_room(romeo, juliet)
    await romeo.send(room, "nobody listens")
    await gateway.equip(juliet, "juliet")
    first = await romeo.send(room, "juliet listens")
    await gateway.hears(1)
    await gateway.equip(nurse, "nurse")
    await nurse.do("join", room)
    second = await romeo.send(room, "nurse too")
    await gateway.hears(3)
    gone = {"app_id": APP, "pushkey": "juliet", "kind": None}
    await juliet.call("POST", "/pushers/set", gone)
    third = await romeo.send(room, "nurse alone")
    found = await gateway.hears(4)
    by_key = [(b["devices"][0]["pushkey"], b["event_id"]) for b in found]
    assert by_key[0] == ("juliet", first)
    assert sorted(by_key[1:3]) == [("juliet", second), ("nurse", second)]
    assert by_key[3] == ("nurse", third)


async def test_a_message_where_nobody_has_a_pusher_costs_next_to_nothing(
    town: SyncTown, romeo: Phone, juliet: Phone, nurse: Phone, gateway: Gateway
) -> None:
    """One read of the log for what was written meanwhile, and no look at any room."""
    await pushing(town)
    quiet = await in_a_room(romeo, juliet)
    loud = await in_a_room(romeo, nurse)
    await gateway.equip(nurse)
    await romeo.send(quiet, "learned who is there")
    await romeo.send(loud, "heard")
    await gateway.hears(1)
    town.counter.count = 0
    for number in range(30):
        await romeo.send(quiet, f"message {number}")
    steps = town.counter.count
    await romeo.send(loud, "heard again")
    await gateway.hears(2)
    assert steps <= 10
