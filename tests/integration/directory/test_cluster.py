"""Rooms as strangers see them, with two workers that write and read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest_asyncio

from tests.integration.directory.test_aliases import path_of
from tests.integration.directory.test_entering import admitting, content_of, door
from tests.integration.directory.test_published import listed, page, refusal
from tests.integration.directory.test_spaces import chat, names, space
from tests.integration.directory.test_summary import about, rule
from tests.integration.directory.test_upgrade import upgrade
from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers with a good bus."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened


async def test_an_entry_follows_its_room_whichever_worker_changes_it(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat", name="0")
    await juliet.do("join", room)
    levels = await romeo.room_call("GET", room, "state/m.room.power_levels/")
    levels["users"] = {**levels["users"], juliet.user_id: 100}
    await romeo.state(room, "m.room.power_levels", levels)
    for number in range(12):  # published by one worker just while the other renames
        await romeo.call("PUT", listed(room), {"visibility": "private"})
        await asyncio.gather(
            romeo.call("PUT", listed(room), {"visibility": "public"}),
            juliet.state(room, "m.room.name", {"name": f"{number}"}),
        )
        (entry,) = (await page(romeo))["chunk"]
        assert (entry["name"], entry["num_joined_members"]) == (f"{number}", 2)
    await juliet.do("leave", room)
    (entry,) = (await page(romeo))["chunk"]
    assert entry["num_joined_members"] == 1
    await romeo.get()
    await juliet.get()


async def test_a_summary_is_as_new_as_what_any_worker_acknowledged(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat", name="0")
    for number in range(5):
        await romeo.state(room, "m.room.name", {"name": f"{number}"})
        assert (await juliet.call("GET", about(room)))["name"] == f"{number}"
    await romeo.state(room, "m.room.join_rules", {"join_rule": "invite"})
    assert await refusal(juliet, "GET", about(room)) == (404, "M_NOT_FOUND")


async def test_a_restricted_room_admits_by_what_another_worker_acknowledged(
    town: ClusterTown,
) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    tablet = await town.phone("juliet", 0)
    for _ in range(5):
        hall = await romeo.create_room(preset="public_chat")
        room = await romeo.create_room(initial_state=[admitting(hall)])
        await juliet.do("join", hall)
        await tablet.do("join", room)
        content = await content_of(romeo, room, juliet)
        assert content["join_authorised_via_users_server"] == romeo.user_id


async def test_a_knock_on_one_worker_is_answered_on_the_other(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(initial_state=[rule("knock")])
    for _ in range(5):
        await juliet.call("POST", door(room), {"reason": "please"})
        await romeo.do("invite", room, juliet)
        await juliet.do("join", room)
        await juliet.do("leave", room)


async def test_a_tree_is_walked_from_worker_to_worker(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet")
    rooms = [await chat(romeo, f"{n}") for n in range(4)]
    low = await space(romeo, "low", *rooms[2:])
    root = await space(romeo, "root", low, *rooms[:2])
    assert await names(juliet, root, limit=1) == ["root", "low", "2", "3", "0", "1"]
    await romeo.state(rooms[2], "m.room.join_rules", {"join_rule": "invite"})
    assert await names(juliet, root, limit=1) == ["root", "low", "3", "0", "1"]


async def test_an_upgrade_on_one_worker_is_whole_on_the_other(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    old = await romeo.create_room(visibility="public", name="Square", room_alias_name="square")
    await juliet.do("join", old)
    await juliet.tag(old, "m.favourite", 0.25)
    await juliet.get()
    sends = [juliet.send(old, f"{number}") for number in range(5)]
    results = await asyncio.gather(upgrade(romeo, old), *sends, return_exceptions=True)
    new = results[0]
    assert isinstance(new, str)
    assert (await juliet.call("GET", path_of("square")))["room_id"] == new
    await juliet.call("POST", f"/join/{quote('#square:firn.test', safe='')}", {})
    await juliet.get()
    assert juliet.rooms[new].account_data["m.tag"] == {"tags": {"m.favourite": {"order": 0.25}}}
    assert [r["num_joined_members"] for r in (await page(juliet))["chunk"]] == [2]
    seen = [event["event_id"] for event in juliet.rooms[old].timeline]
    assert all(sent in seen for sent in results[1:] if isinstance(sent, str))
