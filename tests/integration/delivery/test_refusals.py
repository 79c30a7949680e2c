"""Nobody is refused by what a worker remembers of a room that another one has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.client import MatrixRefusal
from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers whose pushes are all lost."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        opened.post.lose = 1.0
        yield opened


async def test_what_one_worker_allowed_another_does_at_once(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    nurse = await town.phone("nurse", 1)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    await juliet.send(room, "worker b holds the room")
    levels = await romeo.room_call("GET", room, "state/m.room.power_levels/")
    for number in range(5):
        levels["events_default"] = 50
        levels["users"] = {**levels["users"], juliet.user_id: 0}
        await romeo.state(room, "m.room.power_levels", levels)
        with pytest.raises(MatrixRefusal, match="403"):
            await juliet.send(room, f"not yet {number}")
        levels["users"] = {**levels["users"], juliet.user_id: 50}
        await romeo.state(room, "m.room.power_levels", levels)
        await juliet.send(room, f"a message {number}")
        await juliet.topic(room, f"a topic {number}")
        await romeo.do("invite", room, nurse)
        await juliet.do("kick", room, nurse)


async def test_a_refusal_that_stays_costs_one_look_at_the_head(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    room = await romeo.create_room(preset="public_chat")
    await juliet.do("join", room)
    with pytest.raises(MatrixRefusal, match="403"):
        await juliet.topic(room, "hers")
    counter = town.workers[1].counter
    counter.count = 0
    with pytest.raises(MatrixRefusal, match="403"):
        await juliet.topic(room, "hers")
    assert counter.count == 1
