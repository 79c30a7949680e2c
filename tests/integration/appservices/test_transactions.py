"""What services are told: each event once, in room order, whatever is killed or away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.appservices import deliver
from tests.support.bridge import Bridge
from tests.support.bridged import Bridged, bridged
from tests.support.client import Device
from tests.support.purging import clear, purge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.store import Store


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was away is asked again soon."""
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(deliver, "LONGEST_PAUSE", 0.2)


async def portal(person: Device, ghost: Device) -> str:
    """A room of both of them."""
    room = await person.create_room(preset="public_chat", invite=[ghost.user_id])
    await ghost.call("POST", f"/join/{room}", {})
    return room


async def talk(person: Device, room: str, *texts: str) -> None:
    """Say something, one after another."""
    for text in texts:
        await person.send(room, text)


async def test_a_service_hears_what_its_users_see_from_their_invitation_on(
    house: Bridged, irc: Bridge
) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await romeo.create_room(preset="public_chat")
    await talk(romeo, room, "before")
    await romeo.room_call("POST", room, "invite", {"user_id": ghost.user_id})
    await ghost.call("POST", f"/join/{room}", {})
    await talk(romeo, room, "one", "two")
    await ghost.send(room, "three")
    await ghost.room_call("POST", room, "leave", {})
    await talk(romeo, room, "after")
    other = await portal(romeo, ghost)
    await talk(romeo, other, "elsewhere")

    await irc.until(lambda: "elsewhere" in irc.texts)

    assert irc.texts == ["one", "two", "three", "elsewhere"]
    members = [
        (
            e["content"]["membership"],
            e.get("unsigned", {}).get("prev_content", {}).get("membership"),
        )
        for e in irc.events
        if e.get("state_key") == ghost.user_id and e["room_id"] == room
    ]
    assert members == [("invite", None), ("join", "invite"), ("leave", "join")]
    (first, *_) = irc.events
    assert set(first) >= {"event_id", "room_id", "sender", "type", "content", "origin_server_ts"}
    assert all("membership" not in e.get("unsigned", {}) for e in irc.events)


async def test_rooms_by_id_and_by_alias_and_no_others(store: Store, tmp_path: Path) -> None:
    all_rooms = Bridge("all", tmp_path, users=[], rooms=[{"regex": "!", "exclusive": False}])
    some = Bridge("some", tmp_path, users=[], aliases=[{"regex": "#log-", "exclusive": False}])
    silent = Bridge("silent", tmp_path, {"url": None}, users=all_rooms.rooms)
    for bridge in (all_rooms, some):
        await bridge.start()
    async with bridged(store, all_rooms, some, silent) as house:
        romeo = await house.person("romeo")
        room = await romeo.create_room()
        await talk(romeo, room, "unnamed")
        await all_rooms.until(lambda: "unnamed" in all_rooms.texts)
        alias = f"/directory/room/%23log-verona:{store.server_name}"
        await romeo.call("PUT", alias, {"room_id": room})
        await talk(romeo, room, "named")
        await some.until(lambda: "named" in some.texts)
        await romeo.call("DELETE", alias)
        await talk(romeo, room, "unnamed again")
        await all_rooms.until(lambda: "unnamed again" in all_rooms.texts)

        assert all_rooms.texts == ["unnamed", "named", "unnamed again"]
        assert some.texts == ["named"]
        assert all_rooms.events[0]["type"] == "m.room.create"
    for bridge in (all_rooms, some):
        await bridge.stop()


async def test_a_transaction_is_repeated_as_it_was_until_it_is_taken(
    house: Bridged, irc: Bridge
) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await portal(romeo, ghost)
    await talk(romeo, room, "zero")
    await irc.until(lambda: "zero" in irc.texts)
    irc.transactions.clear()
    irc.answer = 500
    await talk(romeo, room, "one")
    await irc.until(lambda: len(irc.transactions) >= 2)
    await talk(romeo, room, "two")
    await irc.until(lambda: len(irc.transactions) >= 4)
    assert {t.txn_id for t in irc.transactions} == {irc.transactions[0].txn_id}
    assert all(t.body == irc.transactions[0].body for t in irc.transactions)
    irc.answer = 200

    await irc.until(lambda: "two" in irc.texts)

    assert irc.texts == ["one", "two"]


async def test_what_was_purged_meanwhile_is_passed_over(house: Bridged, irc: Bridge) -> None:
    """But for what stands in a transaction already: that never changes."""
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await portal(romeo, ghost)
    await talk(romeo, room, "zero")
    await irc.until(lambda: "zero" in irc.texts)
    irc.transactions.clear()
    irc.answer = 500
    await talk(romeo, room, "one")
    await irc.until(lambda: len(irc.transactions) >= 1)
    await talk(romeo, room, "two")
    await purge(house.core, room, await romeo.send(room, "three"))
    await clear(house.core.database)
    irc.answer = 200

    await irc.until(lambda: "three" in irc.texts)

    assert irc.texts == ["one", "three"]


async def test_a_restart_goes_on_with_the_same_transaction(store: Store, irc: Bridge) -> None:
    irc.answer = 503
    async with bridged(store, irc) as house:
        romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
        room = await portal(romeo, ghost)
        await talk(romeo, room, "one")
        await irc.until(lambda: irc.transactions)
        token = romeo.token
    (first, *_) = irc.transactions
    irc.transactions.clear()
    irc.answer = 200
    async with bridged(store, irc) as house:
        again = returned(house, token)
        await talk(again, room, "two", "three")
        await irc.until(lambda: "three" in irc.texts)

    assert irc.transactions[0].txn_id == first.txn_id
    assert irc.transactions[0].body == first.body
    assert irc.texts == ["one", "two", "three"]


def returned(house: Bridged, token: str) -> Device:
    """A device with a token from before."""
    device = Device(house.base)
    device.token, device.device_id = token, "again"
    house.devices.append(device)
    return device


async def test_a_dead_service_holds_up_nobody(store: Store, irc: Bridge, tmp_path: Path) -> None:
    dead = Bridge("dead", tmp_path, users=[{"regex": "@_irc_", "exclusive": False}])
    async with bridged(store, dead, irc) as house:
        romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
        room = await portal(romeo, ghost)
        await talk(romeo, room, "one")
        await irc.until(lambda: "one" in irc.texts)
        await dead.start()
        await dead.until(lambda: "one" in dead.texts)
        assert dead.texts == irc.texts
    await dead.stop()


async def test_history_from_before_the_registration_is_not_sent(
    store: Store, irc: Bridge, tmp_path: Path
) -> None:
    late = Bridge("late", tmp_path, users=[], rooms=[{"regex": "!", "exclusive": False}])
    await late.start()
    async with bridged(store, irc) as house:
        romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
        room = await portal(romeo, ghost)
        await talk(romeo, room, "old")
        await irc.until(lambda: "old" in irc.texts)
        house.bridges.append(late)
        house.live.reload()
        await until_heard_of(house, "late")
        await talk(romeo, room, "new")
        await late.until(lambda: late.texts)
        assert late.texts == ["new"]
        await irc.until(lambda: "new" in irc.texts)
    await late.stop()


async def until_heard_of(house: Bridged, service_id: str) -> None:
    """Wait until the role's holder has begun with a service."""
    async with asyncio.timeout(20):
        while service_id.encode() not in b"".join(
            bytes(row[3]) for row in await house.store.dump("role")
        ):
            await house.core.hub.moved(0.05)


async def test_many_events_come_in_order_and_in_pieces(house: Bridged, irc: Bridge) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    rooms = [await portal(romeo, ghost) for _ in range(2)]
    irc.answer = 500
    texts = [str(number) for number in range(130)]
    for text in texts:
        await romeo.send(rooms[int(text) % 2], text)
    irc.answer = 200

    await irc.until(lambda: "129" in irc.texts and "128" in irc.texts, 40)

    for parity, room in enumerate(rooms):
        found = [
            e["content"]["body"]
            for e in irc.events
            if e["room_id"] == room and e["type"] == "m.room.message"
        ]
        assert found == texts[parity::2]
    assert max(len(t.body["events"]) for t in irc.transactions) <= deliver.EVENTS_AT_ONCE


async def test_a_transaction_is_no_larger_than_bridges_take(house: Bridged, irc: Bridge) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await portal(romeo, ghost)
    await irc.until(lambda: len(irc.events) >= 2)
    irc.answer = 500
    texts = [f"{number} {'x' * 50_000}" for number in range(30)]
    await talk(romeo, room, *texts)
    irc.answer = 200

    await irc.until(lambda: texts[-1] in irc.texts, 40)  # it refuses more than 1 MiB

    assert irc.texts == texts


async def test_redacted_events_come_stripped(house: Bridged, irc: Bridge) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await portal(romeo, ghost)
    await talk(romeo, room, "first")
    await irc.until(lambda: "first" in irc.texts)
    irc.answer = 500
    await talk(romeo, room, "held up")
    await irc.until(lambda: "held up" in irc.texts)
    target = await romeo.send(room, "secret")
    path = f"/rooms/{room}/redact/{target}/1"
    await romeo.call("PUT", path, {})
    irc.answer = 200
    await irc.until(lambda: any(e["type"] == "m.room.redaction" for e in irc.events))

    (stripped,) = [e for e in irc.events if e["event_id"] == target]
    assert stripped["content"] == {}
    assert stripped["unsigned"]["redacted_because"]["type"] == "m.room.redaction"


async def test_typing_and_receipts_for_who_wants_them(
    store: Store, irc: Bridge, tmp_path: Path
) -> None:
    nosy = Bridge(
        "nosy",
        tmp_path,
        more={"receive_ephemeral": True},
        users=[{"regex": "@_irc_|@_nosy_", "exclusive": False}],
    )
    await nosy.start()
    async with bridged(store, irc, nosy) as house:
        romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
        room = await portal(romeo, ghost)
        apart = await romeo.create_room()
        seen = await romeo.send(room, "hear, hear")
        unseen = await romeo.send(apart, "in private")
        await romeo.call("PUT", f"/rooms/{room}/typing/{romeo.user_id}", typing(on=True))
        await nosy.until(lambda: kinds(nosy, "m.typing"))
        await romeo.call("PUT", f"/rooms/{apart}/typing/{romeo.user_id}", typing(on=True))
        for where, event in ((apart, unseen), (room, seen)):
            await romeo.room_call("POST", where, f"receipt/m.read.private/{event}", {})
            await romeo.room_call("POST", where, f"receipt/m.read/{event}", {})
        await ghost.room_call("POST", room, f"receipt/m.read.private/{seen}", {})
        await nosy.until(lambda: len(readers(nosy, room)) >= 2)
        await romeo.call("PUT", f"/rooms/{room}/typing/{romeo.user_id}", typing(on=False))
        await nosy.until(lambda: kinds(nosy, "m.typing")[-1]["content"] == {"user_ids": []})

        assert kinds(nosy, "m.typing")[0] == {
            "type": "m.typing",
            "room_id": room,
            "content": {"user_ids": [romeo.user_id]},
        }
        assert {e["room_id"] for e in nosy.ephemeral} == {room}
        assert readers(nosy, room) == {
            ("m.read", romeo.user_id),
            ("m.read.private", ghost.user_id),
        }
        assert irc.ephemeral == []
    await nosy.stop()


async def test_presence_of_those_who_share_a_room_with_its_users(
    store: Store, tmp_path: Path
) -> None:
    nosy = Bridge("nosy", tmp_path, {"receive_ephemeral": True})
    await nosy.start()
    async with bridged(store, nosy) as house:
        romeo, nurse = await house.person("romeo"), await house.person("nurse")
        ghost = await house.ghost(nosy, "_irc_mercutio")
        await portal(romeo, ghost)
        await nurse.create_room()
        for who in (nurse, romeo):
            path, busy = f"/presence/{who.user_id}/status", "busy loving"
            await who.call("PUT", path, {"presence": "online", "status_msg": busy})
        await nosy.until(lambda: kinds(nosy, "m.presence"))
        (first, *_) = kinds(nosy, "m.presence")
        assert first.keys() == {"type", "sender", "content"}
        assert first["content"]["presence"] == "online"
        assert first["content"]["status_msg"] == "busy loving"
        assert first["content"]["last_active_ago"] >= 0

        await romeo.call("PUT", f"/presence/{romeo.user_id}/status", {"presence": "unavailable"})
        await nosy.until(lambda: len(kinds(nosy, "m.presence")) > 1)
        assert kinds(nosy, "m.presence")[-1]["content"]["presence"] == "unavailable"
        assert {each["sender"] for each in kinds(nosy, "m.presence")} == {romeo.user_id}
    await nosy.stop()


def typing(*, on: bool) -> dict[str, Any]:
    """A body of /typing."""
    return {"typing": True, "timeout": 20_000} if on else {"typing": False}


def kinds(bridge: Bridge, kind: str) -> list[dict[str, Any]]:
    """The ephemeral data of one type."""
    return [each for each in bridge.ephemeral if each["type"] == kind]


def readers(bridge: Bridge, room: str) -> set[tuple[str, str]]:
    """Whose receipts of which type came."""
    return {
        (kind, user)
        for each in kinds(bridge, "m.receipt")
        if each["room_id"] == room
        for types in each["content"].values()
        for kind, users in types.items()
        for user in users
    }
