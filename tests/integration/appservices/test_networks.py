"""The room directories of services' networks, beside the server's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.appservices.test_identity import refused

if TYPE_CHECKING:
    from tests.support.bridge import Bridge
    from tests.support.bridged import Bridged
    from tests.support.client import Device


async def names(who: Device, **query: Any) -> list[str]:
    """The names of the rooms that a search finds, the largest first."""
    found = await who.call("POST", "/publicRooms", query)
    assert found["total_room_count_estimate"] == len(found["chunk"])
    return [room["name"] for room in found["chunk"]]


async def test_a_room_stands_in_its_network_and_nowhere_else(house: Bridged, irc: Bridge) -> None:
    bot, romeo = await house.ghost(irc), await house.person("romeo")
    portal = await bot.create_room(name="#verona", preset="public_chat")
    both = await bot.create_room(name="both", preset="public_chat", visibility="public")
    await romeo.create_room(name="own", visibility="public")
    freenode: dict[str, Any] = {"third_party_instance_id": "irc|freenode"}

    async def show(room: str, visibility: str) -> None:
        path = f"/directory/list/appservice/freenode/{room}"
        await bot.call("PUT", path, {"visibility": visibility})

    for room in (portal, both):
        await show(room, "public")
    await romeo.call("POST", f"/join/{portal}", {})
    await bot.call("PUT", f"/rooms/{portal}/state/m.room.name/", {"name": "#milan"})

    assert await names(romeo, **freenode) == ["#milan", "both"]
    assert await names(romeo, third_party_instance_id="irc|oftc") == []
    assert sorted(await names(romeo)) == ["both", "own"]
    assert sorted(await names(romeo, include_all_networks=True)) == ["#milan", "both", "own"]
    assert await names(romeo, **freenode, filter={"generic_search_term": "milan"}) == ["#milan"]
    listed = await romeo.call("GET", f"/directory/list/room/{portal}")
    assert listed == {"visibility": "private"}

    await show(portal, "private")
    await bot.call("PUT", f"/directory/list/room/{both}", {"visibility": "private"})
    assert await names(romeo, **freenode) == ["both"]
    assert await names(romeo) == ["own"]
    assert sorted(await names(romeo, include_all_networks=True)) == ["both", "own"]
    await bot.call("PUT", f"/directory/list/room/{both}", {"visibility": "public"})
    assert sorted(await names(romeo)) == ["both", "own"]


async def test_services_alone_fill_them_and_with_sense(house: Bridged, irc: Bridge) -> None:
    bot, romeo = await house.ghost(irc), await house.person("romeo")
    room = await romeo.create_room()
    path, public = f"/directory/list/appservice/freenode/{room}", {"visibility": "public"}
    assert await refused(romeo.call("PUT", path, public)) == (403, "M_FORBIDDEN")
    assert await refused(bot.call("PUT", path, {})) == (400, "M_MISSING_PARAM")
    odd = bot.call("PUT", path, {"visibility": "odd"})
    assert await refused(odd) == (400, "M_INVALID_PARAM")
    nowhere = bot.call("PUT", "/directory/list/appservice/freenode/!x:y.z", public)
    assert await refused(nowhere) == (404, "M_NOT_FOUND")
