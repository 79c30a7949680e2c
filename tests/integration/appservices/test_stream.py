"""Services on the stream: the masquerading, limits and revocations of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.appservices.test_to_device import add_device, tell
from tests.support.bridge import Bridge
from tests.support.bridged import bridged, bridged_pair
from tests.support.streaming import streaming

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.bridge import Ghost
    from tests.support.bridged import Bridged
    from tests.support.store import Store
    from tests.support.streaming import Socket

PASSWORD = "correct horse"  # that of `Device.register`


def opened(ghost: Ghost, **query: Any) -> AbstractAsyncContextManager[Socket]:
    """A socket of a ghost; browsers' way of showing the token where `browser` says so."""
    acting = {"user_id": ghost.user_id or None, "device_id": ghost.as_device}
    return streaming(ghost, **{**acting, **query})


@pytest.mark.parametrize("browser", [False, True])
async def test_a_ghost_hears_and_speaks(house: Bridged, irc: Bridge, *, browser: bool) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    room = await romeo.create_room(invite=[ghost.user_id])
    await ghost.call("POST", f"/join/{room}", {})
    async with opened(ghost, browser=browser) as socket:
        await socket.sync()
        said = await socket.say(room, "from a ghost")
        await romeo.send(room, "to a ghost")
        await socket.until(
            lambda: any(
                e["content"].get("body") == "to a ghost" for e in ghost.rooms[room].timeline
            )
        )
        await romeo.sync()
    (event,) = [e for e in romeo.rooms[room].timeline if e["event_id"] == said]
    assert event["sender"] == ghost.user_id


async def test_without_a_user_it_is_the_sender_s(house: Bridged, irc: Bridge) -> None:
    romeo, bot = await house.person("romeo"), await house.ghost(irc)
    async with opened(bot) as socket:
        await socket.sync()
        sender = f"@_irc_bot:{house.store.server_name}"
        room = await romeo.create_room(invite=[sender])
        await socket.until(lambda: room in bot.invited)


async def test_a_device_gets_its_messages_and_acknowledges_them(
    house: Bridged, irc: Bridge
) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    await add_device(ghost, "PHONE")
    ghost.as_device = "PHONE"
    async with opened(ghost) as socket:
        await socket.sync()
        await tell(romeo, "1", {ghost.user_id: {"PHONE": {"n": 1}}})
        found = await socket.sync()
        assert [e["content"] for e in found["to_device"]["events"]] == [{"n": 1}]
        assert (await socket.ask(type="ping"))["type"] == "pong"  # the acknowledgement is read
        await house.api.sync.inboxes.settle()
        assert await house.store.dump("to_device") == []


@pytest.mark.parametrize(
    ("acting", "code", "errcode"),
    [
        ({"user_id": "@romeo:firn.test"}, 4003, "M_FORBIDDEN"),
        ({"user_id": "@_irc_nobody:firn.test"}, 4003, "M_FORBIDDEN"),
        ({"device_id": "LOST"}, 4000, "M_UNKNOWN_DEVICE"),
    ],
)
async def test_whom_it_may_not_be_is_refused(
    house: Bridged, irc: Bridge, acting: dict[str, str], code: int, errcode: str
) -> None:
    await house.person("romeo")
    ghost = await house.ghost(irc, "_irc_mercutio")
    async with opened(ghost, **acting) as socket:
        closed = await socket.closed()
    assert (closed.code, closed.errcode) == (code, errcode)


async def test_who_is_no_service_stays_who_the_token_says(house: Bridged) -> None:
    romeo, juliet = await house.person("romeo"), await house.person("juliet")
    async with streaming(romeo, user_id=juliet.user_id, device_id="LOST") as socket:
        await socket.sync()
        room = await juliet.create_room(invite=[romeo.user_id])
        await socket.until(lambda: room in romeo.invited)


async def test_a_device_that_is_removed_closes_its_socket_and_no_other(
    tmp_path: Path, irc: Bridge
) -> None:
    async with bridged_pair(tmp_path, irc) as (one, other):
        ghost = await one.ghost(irc, "_irc_mercutio")
        await add_device(ghost, "PHONE")
        there = irc.ghost(other.base, ghost.user_id)
        there.as_device = "PHONE"
        async with opened(there) as of_device, opened(ghost) as of_user:
            await of_device.sync()
            await of_user.sync()
            await ghost.call("DELETE", "/devices/PHONE")
            closed = await of_device.closed()
            assert (closed.code, closed.errcode) == (4000, "M_UNKNOWN_DEVICE")
            assert (await of_user.ask(type="ping"))["type"] == "pong"


async def test_a_service_that_is_taken_away_loses_its_sockets(house: Bridged, irc: Bridge) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc, "_irc_mercutio")
    async with opened(ghost) as socket, streaming(romeo) as of_romeo:
        await socket.sync()
        await of_romeo.sync()
        house.bridges.clear()
        house.live.reload()
        closed = await socket.closed()
        assert (closed.code, closed.errcode) == (4001, "M_UNKNOWN_TOKEN")
        assert (await of_romeo.ask(type="ping"))["type"] == "pong"


async def test_who_is_deactivated_loses_the_service_s_sockets_too(
    store: Store, tmp_path: Path
) -> None:
    puppets = Bridge("puppets", tmp_path, users=[{"regex": "@romeo", "exclusive": False}])
    async with bridged(store, puppets) as house:
        romeo, puppet = await house.person("romeo"), await house.ghost(puppets)
        puppet.user_id = romeo.user_id
        async with opened(puppet) as socket:
            await socket.sync()
            identifier = {"type": "m.id.user", "user": romeo.user_id}
            auth = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
            await romeo.call("POST", "/account/deactivate", {"auth": auth})
            closed = await socket.closed()
        assert (closed.code, closed.errcode) == (4003, "M_USER_DEACTIVATED")


@pytest.mark.parametrize("limited", [True, False])
async def test_rate_limits_are_those_of_the_registration(
    store: Store, tmp_path: Path, *, limited: bool
) -> None:
    irc = Bridge("irc", tmp_path, {"rate_limited": limited})
    slow = {
        "FIRN__RATE_LIMITS__MESSAGES__BURST": "1",
        "FIRN__RATE_LIMITS__MESSAGES__PER_SECOND": "0.01",
    }
    async with bridged(store, irc, **slow) as house:
        ghost = await house.ghost(irc, "_irc_mercutio")
        room = await ghost.create_room()
        async with opened(ghost) as socket:
            await socket.sync()
            wanted = {"room_id": room, "event_type": "m.room.message", "content": {"body": "x"}}
            answers = [
                await socket.ask(type="send", txn_id=str(number), **wanted) for number in range(3)
            ]
    assert [each["status"] for each in answers] == ([200, 429, 429] if limited else [200] * 3)
