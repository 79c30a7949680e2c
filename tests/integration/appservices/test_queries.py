"""Users and aliases that a service makes when they are looked up, and how it is pinged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from homeserver.application.appservices import ask_services, ping
from tests.integration.appservices.test_identity import refused
from tests.support.bridge import Bridge
from tests.support.bridged import bridged

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.bridged import Bridged
    from tests.support.store import Store

APP = "/_matrix/app/v1"


def makes_users(house: Bridged, irc: Bridge) -> None:
    """Let the service make whom it is asked for, and say so."""

    async def make(path: str) -> None:
        user_id = unquote(path.rpartition("/")[2])
        await house.ghost(irc, user_id[1:].partition(":")[0])
        irc.answers[path] = {}

    irc.on_ask = make


async def test_a_user_is_made_when_somebody_looks_or_invites(house: Bridged, irc: Bridge) -> None:
    makes_users(house, irc)
    romeo = await house.person("romeo")
    name = house.core.server_name
    room = await romeo.create_room()

    profile = await romeo.call("GET", f"/profile/@_irc_tybalt:{name}")
    await romeo.room_call("POST", room, "invite", {"user_id": f"@_irc_paris:{name}"})
    await romeo.create_room(invite=[f"@_irc_paris:{name}"])

    assert profile == {}
    asked = [(method, unquote(path)) for method, path, _ in irc.asked]
    assert asked == [
        ("GET", f"{APP}/users/@_irc_tybalt:{name}"),
        ("GET", f"{APP}/users/@_irc_paris:{name}"),
    ]


async def test_a_services_own_user_is_there_before_it_says_a_word(
    house: Bridged, irc: Bridge
) -> None:
    romeo = await house.person("romeo")
    bot = f"@_irc_bot:{house.core.server_name}"
    room = await romeo.create_room(invite=[bot])
    await irc.until(lambda: irc.events)
    assert (irc.events[-1]["state_key"], irc.events[-1]["room_id"]) == (bot, room)
    assert irc.asked == []


async def test_nobody_is_asked_for_others_users(house: Bridged, irc: Bridge) -> None:
    romeo, name = await house.person("romeo"), house.core.server_name
    for user_id in (f"@rosaline:{name}", "@_irc_tybalt:elsewhere.org"):
        found = romeo.call("GET", f"/profile/{user_id}")
        assert (await refused(found))[0] == 404
    unknown = romeo.call("GET", f"/profile/@_irc_nobody:{name}")
    assert await refused(unknown) == (404, "M_NOT_FOUND")
    assert [unquote(path) for _, path, _ in irc.asked] == [f"{APP}/users/@_irc_nobody:{name}"]


async def test_a_room_is_made_when_its_alias_is_looked_up(house: Bridged, irc: Bridge) -> None:
    bot, romeo = await house.ghost(irc), await house.person("romeo")
    alias = f"#_irc_verona:{house.core.server_name}"

    async def make(path: str) -> None:
        await bot.create_room(preset="public_chat", room_alias_name="_irc_verona")
        irc.answers[path] = {}

    irc.on_ask = make
    found = await romeo.call("POST", f"/join/{quote(alias)}", {})

    again = await romeo.call("GET", f"/directory/room/{quote(alias)}")
    assert found["room_id"] == again["room_id"]
    assert [unquote(path) for _, path, _ in irc.asked] == [f"{APP}/rooms/{alias}"]


async def test_a_service_that_is_away_means_408(
    house: Bridged, irc: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_services, "PAUSE_SECONDS", 0.0)
    romeo, name = await house.person("romeo"), house.core.server_name
    await irc.stop()
    found = romeo.call("GET", f"/profile/@_irc_x:{name}")
    assert (await refused(found))[0] == 408


async def test_the_older_paths_where_the_newer_are_unknown(house: Bridged, irc: Bridge) -> None:
    romeo, name = await house.person("romeo"), house.core.server_name
    user_id = f"@_irc_old:{name}"
    new, old = (f"{base}/users/{quote(user_id, safe='')}" for base in (APP, ""))
    irc.answers[new] = (404, "what?")

    async def make(path: str) -> None:
        if path == old:
            await house.ghost(irc, "_irc_old")
            irc.answers[old] = {}

    irc.on_ask = make
    await romeo.call("GET", f"/profile/{user_id}")
    assert [path for _, path, _ in irc.asked] == [new, old]


async def test_ping_reaches_the_service_with_its_transaction_id(
    house: Bridged, irc: Bridge
) -> None:
    bot = await house.ghost(irc)
    irc.answers[f"{APP}/ping"] = {}
    answer = await bot.call(
        "POST", "/_matrix/client/v1/appservice/irc/ping", {"transaction_id": "meow"}
    )
    assert answer["duration_ms"] >= 0
    assert [(method, path) for method, path, _ in irc.asked] == [("POST", f"{APP}/ping")]


async def test_what_ping_says_of_whoever_is_not_reached(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, silent = Bridge("one", tmp_path), Bridge("silent", tmp_path, {"url": None}, users=[])
    path = "/_matrix/client/v1/appservice/{}/ping"
    async with bridged(store, one, silent) as house:
        bot, mute = await house.ghost(one), await house.ghost(silent)
        romeo = await house.person("romeo")

        async def told(who: object, name: str) -> tuple[int, str]:
            return await refused(who.call("POST", path.format(name), {}))  # type: ignore[attr-defined]

        assert await told(romeo, "one") == (403, "M_FORBIDDEN")
        assert await told(bot, "silent") == (403, "M_FORBIDDEN")
        assert await told(mute, "silent") == (400, "M_URL_NOT_SET")
        assert await told(bot, "one") == (502, "M_CONNECTION_FAILED")
        await one.start()
        one.answers[f"{APP}/ping"] = (403, {"errcode": "M_FORBIDDEN"})
        assert await told(bot, "one") == (502, "M_BAD_STATUS")

        never = asyncio.Event()

        async def wait(_path: str) -> None:
            await never.wait()

        one.on_ask = wait
        monkeypatch.setattr(ping, "ANSWER_SECONDS", 0.2)
        assert await told(bot, "one") == (504, "M_CONNECTION_TIMEOUT")
        never.set()
    await one.stop()
