"""The same events reach two workers at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.dags import load_dag
from tests.support.door import DoorWorld
from tests.support.store import STORE_KINDS, open_store
from tests.support.world import open_world

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("kind", STORE_KINDS)
@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("fork_and_merge", "in turns"),
        ("late_branch", "filled at once"),
        ("soft_failed", "the ban first"),
    ],
)
async def test_I6_each_event_is_stored_once(
    tmp_path: Path, kind: str, name: str, order: str
) -> None:
    dag = load_dag(name)
    async with (
        open_store(kind, tmp_path) as store,
        open_world(store.database) as one,
        open_world(await store.another(), "w2") as other,
    ):
        here = await DoorWorld.open(one, dag)
        there = DoorWorld(other, dag, here.users, await other.rooms.get(here.room.room_id))
        for step in dag.orders[order]["steps"]:
            await asyncio.gather(here.step(step), there.step(step))
        assert here.verdicts == there.verdicts
        log = [item.event.event_id for item in await one.log(here.room)]
        assert dag.names(log) == dag.orders[order]["timeline"]
        for door in (here, there):
            await door.world.store.refresh(door.room)
            state = {event.event_id for event in door.room.state.values()}
            assert state == set(dag.ids(dag.orders[order]["state"]))
            assert set(door.room.head.extremities) == set(dag.ids(dag.orders[order]["extremities"]))


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_history_is_asked_for_by_a_gap_that_another_worker_opened(
    tmp_path: Path, kind: str
) -> None:
    """A worker that only heard of the event behind the gap has not got the gap in memory."""
    dag = load_dag("late_branch")
    base, ours, behind, history = dag.orders["filled at once"]["steps"]
    async with (
        open_store(kind, tmp_path) as store,
        open_world(store.database) as one,
        open_world(await store.another(), "w2") as other,
    ):
        here = await DoorWorld.open(one, dag)
        for step in (base, ours):
            await here.step(step)
        there = DoorWorld(other, dag, here.users, await other.rooms.get(here.room.room_id))
        await here.step(behind)
        for step in (behind, history):
            await there.step(step)
        log = [item.event.event_id for item in await one.log(here.room)]
        assert dag.names(log) == dag.orders["filled at once"]["timeline"]
