"""Messages to devices of a service's users: in its transactions, once each, never lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from homeserver.application.appservices import deliver, keep_told
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.tables import account
from tests.support.bridge import Bridge
from tests.support.bridged import Bridged, bridged, bridged_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.bridge import Ghost
    from tests.support.client import Device
    from tests.support.store import Store

KIND = "m.room_key"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was away is asked again soon, and the role is looked for often."""
    monkeypatch.setattr(keep_told, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(deliver, "LONGEST_PAUSE", 0.2)


@pytest_asyncio.fixture
async def irc(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A service that wants ephemeral data, with users that are nobody else's."""
    bridge = Bridge("irc", tmp_path, {"receive_ephemeral": True})
    await bridge.start()
    yield bridge
    await bridge.stop()


async def device_of(house: Bridged, bridge: Bridge, name: str, device_id: str) -> Ghost:
    """A ghost with a device, which acts as that device."""
    ghost = await house.ghost(bridge, name)
    await add_device(ghost, device_id)
    ghost.as_device = ghost.device_id = device_id
    return ghost


async def add_device(ghost: Ghost, device_id: str) -> None:
    """Make a device as a service does (v1.17, "Device management")."""
    acting = {"user_id": ghost.user_id or None}
    status, _ = await ghost.raw("PUT", f"/devices/{device_id}", {}, acting)
    assert status == 201


async def tell(sender: Device, txn: str, to: dict[str, dict[str, Any]], kind: str = KIND) -> None:
    """Send messages, by user and device."""
    await sender.call("PUT", f"/sendToDevice/{kind}/{txn}", {"messages": to})


async def count_to(sender: Device, ghost: Ghost, numbers: range) -> None:
    """Send one numbered message after another to a ghost's device."""
    for number in numbers:
        to = {ghost.user_id: {ghost.device_id: {"n": number}}}
        await tell(sender, f"{ghost.device_id}-{number}", to)


def numbers(bridge: Bridge, device_id: str | None = None) -> list[int]:
    """The numbers of the messages that came, each transaction once."""
    return [
        each["content"]["n"]
        for each in bridge.messages
        if device_id in (None, each["to_device_id"])
    ]


async def until_stored(house: Bridged, table: str, rows: int) -> None:
    """Wait until a table has so many rows."""
    async with asyncio.timeout(20):
        while len(await house.store.dump(table)) != rows:
            await house.core.hub.moved(0.05)


async def test_a_message_comes_with_whom_it_is_for_and_leaves_the_inbox(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
    await tell(romeo, "1", {ghost.user_id: {"PHONE": {"session_key": "s"}}})
    await irc.until(lambda: irc.messages)

    (message,) = irc.messages
    assert message == {
        "type": KIND,
        "sender": romeo.user_id,
        "content": {"session_key": "s"},
        "to_user_id": ghost.user_id,
        "to_device_id": "PHONE",
    }
    body = irc.transactions[-1].body
    assert body["to_device"] == body["de.sorunome.msc2409.to_device"] == [message]
    assert body["events"] == []
    await until_stored(house, "to_device", 0)
    assert await house.store.dump("service_message") == []
    assert "to_device" not in await ghost.sync()


async def test_until_it_is_taken_it_waits_and_each_comes_once_in_order(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
    other = await device_of(house, irc, "_irc_tybalt", "LAPTOP")
    irc.answer = 500
    await count_to(romeo, ghost, range(1))
    await irc.until(lambda: len(irc.transactions) >= 2)
    assert len(await house.store.dump("to_device")) == 1
    for number in range(1, 6):
        await count_to(romeo, (other, ghost)[number % 2], range(number, number + 1))
    irc.answer = 200
    await irc.until(lambda: 5 in numbers(irc))

    assert numbers(irc) == [0, 1, 2, 3, 4, 5]
    first = [each for each in irc.transactions if each.body["to_device"][0]["content"]["n"] == 0]
    assert len(first) >= 3
    assert len({each.txn_id for each in first}) == 1
    assert all(each.body == first[0].body for each in first)
    await until_stored(house, "to_device", 0)


async def test_many_come_in_pieces_and_before_the_events_that_need_them(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
    room = await romeo.create_room(preset="public_chat", invite=[ghost.user_id])
    await ghost.call("POST", f"/join/{room}", {})
    await irc.until(lambda: len(irc.events) >= 2)
    irc.answer, before = 500, len(irc.transactions)
    await tell(romeo, "held", {ghost.user_id: {"PHONE": {"n": -1}}})
    await irc.until(lambda: len(irc.transactions) > before)
    for number in range(4):
        large = {"n": number, "text": "x" * 50_000}
        await tell(romeo, str(number), {ghost.user_id: {"*": large}})
    await count_to(romeo, ghost, range(4, 120))
    await romeo.send(room, "encrypted")
    irc.answer = 200
    await irc.until(lambda: "encrypted" in irc.texts)

    assert numbers(irc) == list(range(-1, 120))
    taken = list({each.txn_id: each.body for each in irc.transactions}.values())
    assert max(len(each.get("to_device", [])) for each in taken) <= 100
    sizes = [sum(len(str(m)) for m in each.get("to_device", [])) for each in taken]
    assert max(sizes) < 2 * deliver.MESSAGE_BYTES
    with_text = next(each for each in taken if "encrypted" in str(each["events"]))
    assert with_text is taken[-1]


async def test_a_device_that_syncs_keeps_its_messages_for_itself(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
    await ghost.sync()
    await until_stored(house, "reading_device", 1)
    await count_to(romeo, ghost, range(2))
    await irc.until(lambda: numbers(irc) == [0, 1])
    await house.delivered("irc")

    synced = (await ghost.sync())["to_device"]["events"]
    assert [each["content"]["n"] for each in synced] == [0, 1]
    assert set(synced[0]) == {"type", "sender", "content"}
    await ghost.sync()
    await until_stored(house, "to_device", 0)
    assert numbers(irc) == [0, 1]


async def test_users_that_are_not_the_service_s_alone_keep_theirs(
    store: Store, irc: Bridge, tmp_path: Path
) -> None:
    nosy = Bridge(
        "nosy",
        tmp_path,
        {"receive_ephemeral": True},
        users=[{"regex": "@_irc_|@rom", "exclusive": False}],
    )
    deaf = Bridge("deaf", tmp_path, users=[{"regex": "@", "exclusive": False}])
    for bridge in (nosy, deaf):
        await bridge.start()
    async with bridged(store, irc, nosy, deaf) as house:
        romeo, juliet = await house.person("romeo"), await house.person("juliet")
        ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
        nosy.answer = 500
        await tell(juliet, "1", {ghost.user_id: {"*": {"n": 1}}, romeo.user_id: {"*": {"n": 2}}})
        await tell(romeo, "2", {juliet.user_id: {"*": {"n": 3}}})
        await irc.until(lambda: numbers(irc))
        await until_stored(house, "to_device", 2)
        nosy.answer = 200
        await nosy.until(lambda: len(numbers(nosy)) >= 2)
        await house.delivered("nosy")

        assert numbers(irc) == [1]
        assert {(m["to_user_id"], m["content"]["n"]) for m in nosy.messages} == {
            (ghost.user_id, 1),
            (romeo.user_id, 2),
        }
        assert [m["content"]["n"] for m in (await romeo.sync())["to_device"]["events"]] == [2]
        assert deaf.messages == []
    for bridge in (nosy, deaf):
        await bridge.stop()


async def test_what_came_before_the_service_wanted_messages_stays_in_the_inbox(
    store: Store, tmp_path: Path
) -> None:
    irc = Bridge("irc", tmp_path)
    await irc.start()
    async with bridged(store, irc) as house:
        romeo = await house.person("romeo")
        ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
        await count_to(romeo, ghost, range(2))
        irc.more["receive_ephemeral"] = True
        house.live.reload()
        await count_to(romeo, ghost, range(2, 4))
        await irc.until(lambda: 3 in numbers(irc))
        await until_stored(house, "to_device", 2)
        assert numbers(irc) == [2, 3]
        left = (await ghost.sync())["to_device"]["events"]
        assert [each["content"]["n"] for each in left] == [0, 1]
    await irc.stop()


async def test_the_sender_s_devices_and_those_that_platforms_reach(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    async with house.core.database.transaction() as session:
        await session.execute(Query(update(account).values(is_admin=1)))
    await romeo.login("romeo")
    bot = await house.ghost(irc)
    await add_device(bot, "BOT")
    bot_id = (await bot.call("GET", "/account/whoami"))["user_id"]
    message = {"type": KIND, "content": {"n": 7}, "txn_id": "1", "devices": "*"}
    path = f"/_firn/admin/v1/users/{bot_id}/terminals/send"
    await romeo.call("POST", path, message)
    await irc.until(lambda: irc.messages)
    assert [(m["to_user_id"], m["to_device_id"]) for m in irc.messages] == [(bot_id, "BOT")]


async def test_what_is_for_a_device_that_ends_goes_with_it(house: Bridged, irc: Bridge) -> None:
    romeo = await house.person("romeo")
    ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
    irc.answer = 500
    await count_to(romeo, ghost, range(1))
    await irc.until(lambda: irc.transactions)
    await add_device(ghost, "TABLET")
    await tell(romeo, "a", {ghost.user_id: {"PHONE": {"n": 1}, "TABLET": {"n": 2}}})
    await ghost.call("DELETE", "/devices/PHONE")
    irc.answer = 200
    await irc.until(lambda: 2 in numbers(irc))
    assert numbers(irc) == [0, 2]


async def test_a_restart_goes_on_with_the_same_transaction(store: Store, irc: Bridge) -> None:
    irc.answer = 503
    async with bridged(store, irc) as house:
        romeo = await house.person("romeo")
        ghost = await device_of(house, irc, "_irc_mercutio", "PHONE")
        await count_to(romeo, ghost, range(1))
        await irc.until(lambda: irc.transactions)
        await count_to(romeo, ghost, range(1, 3))
    (first, *_) = irc.transactions
    irc.transactions.clear()
    irc.answer = 200
    async with bridged(store, irc) as house:
        await irc.until(lambda: len(numbers(irc)) >= 3)
        assert irc.transactions[0].txn_id == first.txn_id
        assert irc.transactions[0].body == first.body
        assert numbers(irc) == [0, 1, 2]
        await until_stored(house, "to_device", 0)


async def test_what_another_worker_s_people_send_comes_in_order_and_goes_on_with_one(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as (one, other):
        romeo = await other.person("romeo")
        ghost = await device_of(other, irc, "_irc_mercutio", "PHONE")
        for number in range(10):
            romeo.base = (one, other)[number % 2].base
            await count_to(romeo, ghost, range(number, number + 1))
        await irc.until(lambda: 9 in numbers(irc))
        assert numbers(irc) == list(range(10))

        irc.answer, before = 500, len(irc.transactions)
        romeo.base = other.base
        await count_to(romeo, ghost, range(10, 11))
        await irc.until(lambda: len(irc.transactions) > before)
        await one.stop()
        await count_to(romeo, ghost, range(11, 13))
        irc.answer = 200
        await irc.until(lambda: 12 in numbers(irc))
        assert numbers(irc) == list(range(13))
        await until_stored(other, "to_device", 0)
