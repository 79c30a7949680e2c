"""Relations where the parent, its child and the reader are on different workers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.domain.rooms.room import TAIL
from tests.integration.relations.conftest import (
    bundled,
    chunk,
    edit,
    react,
    relate,
    related,
    threads,
)
from tests.support.client import MatrixRefusal
from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers with a good bus."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened


@pytest.mark.parametrize("way", ["good", "lost"])
async def test_a_child_of_another_worker_is_told_at_once(town: ClusterTown, way: str) -> None:
    """Whether bundles of the bus bring it or the tail reads it."""
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    town.post.lose = float(way == "lost")
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    root = await romeo.send(room, "root")
    plain = await romeo.send(room, "plain")
    assert await bundled(juliet, room, root) == {}
    reply = await relate(juliet, room, root, "m.thread")
    last = await edit(romeo, room, root, "edited")
    for who in (romeo, juliet):
        found = await bundled(who, room, root)
        assert found["m.thread"]["latest_event"]["event_id"] == reply
        assert found["m.replace"]["event_id"] == last
        assert await bundled(who, room, plain) == {}
        assert chunk(await related(who, room, root)) == [last, reply]
        assert chunk(await threads(who, room)) == [root]
    await juliet.redact(room, reply)
    await romeo.redact(room, last)
    for who in (romeo, juliet):
        assert await bundled(who, room, root) == {}
        assert chunk(await threads(who, room)) == []


async def test_the_first_child_of_an_old_event_is_told_however_many_events_came_at_once(
    town: ClusterTown,
) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    first = await romeo.send(room, "first")
    for n in range(TAIL + 2):
        await romeo.send(room, f"{n}")
    assert await bundled(juliet, room, first) == {}
    town.post.lose = 1.0
    last = await edit(romeo, room, first, "edited")
    for n in range(TAIL + 2):
        await romeo.send(room, f"{n}")
    assert (await bundled(juliet, room, first))["m.replace"]["event_id"] == last


async def test_of_equal_reactions_at_two_workers_one_is_stored(town: ClusterTown) -> None:
    romeo = await town.phone("romeo", 0)
    again = await town.phone("romeo", 1)
    room = await romeo.create_room(preset="public_chat")
    said = await romeo.send(room, "a")
    answers = await asyncio.gather(
        *(react(who, room, said, "👍") for who in (romeo, again) for _ in range(3)),
        return_exceptions=True,
    )
    given = [answer for answer in answers if isinstance(answer, str)]
    refused = [answer for answer in answers if isinstance(answer, MatrixRefusal)]
    assert len(given) == 1
    assert {each.errcode for each in refused} == {"M_DUPLICATE_ANNOTATION"}
    assert len(refused) == 5
    assert chunk(await related(again, room, said)) == given
