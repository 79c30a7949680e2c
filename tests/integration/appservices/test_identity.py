"""As whom an application service acts, and which users and aliases are its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.bridge import Bridge
from tests.support.bridged import bridged
from tests.support.client import Device, MatrixRefusal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.bridged import Bridged
    from tests.support.store import Store

SERVICE = "m.login.application_service"


async def refused(coroutine: Any) -> tuple[int, str]:
    """What a request that fails is told."""
    with pytest.raises(MatrixRefusal) as caught:
        await coroutine
    return caught.value.status, caught.value.errcode


async def test_a_service_is_its_sender_or_a_user_that_it_registered(
    house: Bridged, irc: Bridge
) -> None:
    bot, ghost = await house.ghost(irc), await house.ghost(irc, "_irc_mercutio")

    sender = await bot.call("GET", "/account/whoami")
    masked = await ghost.call("GET", "/account/whoami")

    assert sender == {"user_id": f"@_irc_bot:{house.core.server_name}", "is_guest": False}
    assert masked == {"user_id": f"@_irc_mercutio:{house.core.server_name}", "is_guest": False}


async def test_it_acts_as_nobody_else(house: Bridged, irc: Bridge) -> None:
    romeo, ghost = await house.person("romeo"), await house.ghost(irc)

    ghost.user_id = romeo.user_id
    assert await refused(ghost.call("GET", "/account/whoami")) == (403, "M_FORBIDDEN")
    ghost.user_id = f"@_irc_nobody:{house.core.server_name}"
    assert await refused(ghost.call("GET", "/account/whoami")) == (403, "M_FORBIDDEN")
    ghost.user_id = "@_irc_mercutio:elsewhere.org"
    assert await refused(ghost.call("GET", "/account/whoami")) == (403, "M_FORBIDDEN")
    romeo_token, ghost.token = romeo.token, romeo.token  # a user's token masks nobody
    who = await ghost.call("GET", "/account/whoami")
    assert (who["user_id"], ghost.token) == (romeo.user_id, romeo_token)


async def test_it_lists_who_is_in_a_room_where_any_of_its_users_is(
    house: Bridged, irc: Bridge
) -> None:
    bot, ghost = await house.ghost(irc), await house.ghost(irc, "_irc_mercutio")
    romeo, juliet = await house.person("romeo"), await house.person("juliet")
    room = await romeo.create_room(preset="public_chat")

    assert await refused(bot.room_call("GET", room, "joined_members")) == (403, "M_FORBIDDEN")
    await ghost.room_call("POST", room, "join", {})
    found = await bot.room_call("GET", room, "joined_members")

    assert set(found["joined"]) == {romeo.user_id, ghost.user_id}
    assert await refused(juliet.room_call("GET", room, "joined_members")) == (403, "M_FORBIDDEN")


async def test_a_device_is_made_named_and_removed_without_a_password(
    house: Bridged, irc: Bridge
) -> None:
    ghost = await house.ghost(irc, "_irc_mercutio")
    ghost.as_device = "PHONE"
    unknown = await refused(ghost.call("GET", "/account/whoami"))
    ghost.as_device = None

    await expect_status(ghost, 201, "/devices/PHONE", {"display_name": "Telephone"})
    await expect_status(ghost, 200, "/devices/PHONE", {"display_name": "Phone"})
    ghost.as_device = "PHONE"
    who = await ghost.call("GET", "/account/whoami")
    listed = await ghost.call("GET", "/devices")
    await ghost.call("DELETE", "/devices/PHONE")

    assert unknown == (400, "M_UNKNOWN_DEVICE")
    assert who["device_id"] == "PHONE"
    assert [d["display_name"] for d in listed["devices"]] == ["Phone"]
    assert await refused(ghost.call("GET", "/devices")) == (400, "M_UNKNOWN_DEVICE")


async def expect_status(device: Device, status: int, path: str, body: Any) -> None:
    """PUT, and look at the status."""
    if status == 200:
        await device.call("PUT", path, body)
        return
    with pytest.raises(MatrixRefusal) as caught:  # of this client, for which 200 alone is success
        await device.call("PUT", path, body)
    assert (caught.value.status, caught.value.body) == (status, {})


async def test_register_and_login_of_its_users_with_and_without_a_session(
    house: Bridged, irc: Bridge
) -> None:
    bot = await house.ghost(irc)
    body = {"type": SERVICE, "username": "_irc_tybalt"}

    registered = await bot.call("POST", "/register", {**body, "device_id": "D"})
    silent = await bot.call(
        "POST", "/register", {**body, "username": "_irc_paris", "inhibit_login": True}
    )
    flows = await bot.call("GET", "/login")
    identifier = {"type": "m.id.user", "user": "_irc_paris"}
    session = await bot.call("POST", "/login", {"type": SERVICE, "identifier": identifier})

    assert registered["device_id"] == "D"
    assert registered["access_token"]
    assert "access_token" not in silent
    assert {"type": SERVICE} in flows["flows"]
    paris = Device(house.base)
    paris.token = session["access_token"]
    house.devices.append(paris)
    assert (await paris.call("GET", "/account/whoami"))["user_id"] == silent["user_id"]
    again = {**body, "inhibit_login": True}
    assert await refused(bot.call("POST", "/register", again)) == (400, "M_USER_IN_USE")


async def test_who_registers_and_logs_in_whom(house: Bridged, irc: Bridge) -> None:
    bot, juliet = await house.ghost(irc), await house.person("juliet")
    stranger = Device(house.base)
    house.devices.append(stranger)
    body = {"type": SERVICE, "username": "_irc_x"}

    outside = bot.call("POST", "/register", {"type": SERVICE, "username": "laurence"})
    assert await refused(outside) == (400, "M_EXCLUSIVE")
    other = {"type": SERVICE, "identifier": {"type": "m.id.user", "user": "juliet"}}
    assert await refused(bot.call("POST", "/login", other)) == (400, "M_EXCLUSIVE")
    absent = {"type": SERVICE, "identifier": {"type": "m.id.user", "user": "_irc_nobody"}}
    assert await refused(bot.call("POST", "/login", absent)) == (403, "M_FORBIDDEN")
    assert await refused(stranger.call("POST", "/register", body)) == (401, "M_MISSING_TOKEN")
    assert await refused(juliet.call("POST", "/register", body)) == (401, "M_UNKNOWN_TOKEN")
    assert await refused(juliet.call("POST", "/login", other)) == (403, "M_FORBIDDEN")
    assert await refused(stranger.call("POST", "/login", other)) == (401, "M_MISSING_TOKEN")
    stranger.token = "no token of any service"
    assert await refused(stranger.call("POST", "/login", other)) == (403, "M_FORBIDDEN")
    stranger.token = ""
    assert await refused(stranger.register("_irc_me")) == (400, "M_EXCLUSIVE")
    sender = await refused(stranger.register("_irc_bot"))
    assert sender == (400, "M_EXCLUSIVE")
    free = stranger.call("GET", "/register/available", query={"username": "_irc_me"})
    assert await refused(free) == (400, "M_EXCLUSIVE")


async def test_aliases_in_an_exclusive_namespace_are_its_own(house: Bridged, irc: Bridge) -> None:
    romeo, bot = await house.person("romeo"), await house.ghost(irc)
    room, theirs = await romeo.create_room(), await bot.create_room()
    name = house.core.server_name
    taken = {"room_alias_name": "_irc_verona"}

    theirs_now = {"room_id": theirs}
    await bot.call("PUT", f"/directory/room/%23_irc_milan:{name}", theirs_now)
    by_romeo = romeo.call("PUT", f"/directory/room/%23_irc_verona:{name}", {"room_id": room})
    assert await refused(by_romeo) == (400, "M_EXCLUSIVE")
    assert await refused(romeo.create_room(**taken)) == (400, "M_EXCLUSIVE")
    removing = romeo.call("DELETE", f"/directory/room/%23_irc_milan:{name}")
    assert await refused(removing) == (400, "M_EXCLUSIVE")
    outside = bot.call("PUT", f"/directory/room/%23verona:{name}", theirs_now)
    assert await refused(outside) == (400, "M_EXCLUSIVE")
    ghost = await house.ghost(
        irc, "_irc_mercutio"
    )  # neither creator nor member, but of the service
    await ghost.call("DELETE", f"/directory/room/%23_irc_milan:{name}")
    gone = bot.call("GET", f"/directory/room/%23_irc_milan:{name}")
    assert await refused(gone) == (404, "M_NOT_FOUND")


async def test_ts_sets_the_time_of_messages_state_and_members(house: Bridged, irc: Bridge) -> None:
    bot, romeo = await house.ghost(irc), await house.person("romeo")
    room = await bot.create_room(preset="public_chat")
    sent = f"/rooms/{room}/send/m.room.message"
    state = f"/rooms/{room}/state"
    text = {"msgtype": "m.text", "body": "long ago"}

    await bot.call("PUT", f"{sent}/1", text, {"ts": 1234567})
    await bot.call("PUT", f"{state}/m.room.topic/", {"topic": "old"}, {"ts": 2345678})
    ghost = await house.ghost(irc, "_irc_mercutio")
    member = f"{state}/m.room.member/{ghost.user_id}"
    await ghost.call("PUT", member, {"membership": "join"}, {"ts": 3456789})
    await romeo.call("POST", f"/join/{room}", {})
    await romeo.call("PUT", f"{sent}/2", text, {"ts": 99})

    page = await bot.room_call("GET", room, "messages", dir="b", limit=5)
    by_romeo, _, member_at, topic_at, sent_at = (e["origin_server_ts"] for e in page["chunk"])
    assert (sent_at, topic_at, member_at) == (1234567, 2345678, 3456789)
    assert by_romeo > 10**12  # his wish counts for nothing
    for wrong in ("-1", "x", str(2**53)):
        refusal = await refused(bot.call("PUT", f"{sent}/3", text, {"ts": wrong}))
        assert refusal == (400, "M_INVALID_PARAM")


async def test_transaction_ids_are_each_users_own(house: Bridged, irc: Bridge) -> None:
    bot, ghost = await house.ghost(irc), await house.ghost(irc, "_irc_mercutio")
    room = await bot.create_room(preset="public_chat")
    await ghost.call("POST", f"/join/{room}", {})

    one, other = await bot.send(room, "a", txn="1"), await ghost.send(room, "b", txn="1")

    assert one != other
    assert one == await bot.send(room, "a", txn="1")
    seen = await ghost.sync()
    events = seen["rooms"]["join"][room]["timeline"]["events"]
    named = [e["event_id"] for e in events if "transaction_id" in e.get("unsigned", {})]
    assert named == [other]


async def test_only_who_is_rate_limited_by_its_registration_is(
    store: Store, tmp_path: Path
) -> None:
    quick = Bridge("irc", tmp_path)
    slow = Bridge(
        "slow",
        tmp_path,
        more={"rate_limited": True},
        users=[{"regex": "@_slow_.*", "exclusive": True}],
    )
    few = {"FIRN__RATE_LIMITS__MESSAGES__BURST": "2"}
    async with bridged(store, quick, slow, **few) as house:
        bot, ghost = await house.ghost(quick), await house.ghost(slow, "_slow_x")
        sender = await house.ghost(slow)
        for who in (bot, ghost, sender):
            room = await who.create_room()
            for number in range(2):
                await who.send(room, str(number))
            if who is ghost:
                assert (await refused(who.send(room, "x")))[0] == 429
            else:
                await who.send(room, "x")


async def test_a_service_that_is_no_longer_registered_is_out_at_the_next_reload(
    house: Bridged, irc: Bridge
) -> None:
    bot = await house.ghost(irc)
    await bot.call("GET", "/account/whoami")

    house.bridges.clear()
    house.live.reload()

    assert await refused(bot.call("GET", "/account/whoami")) == (401, "M_UNKNOWN_TOKEN")
