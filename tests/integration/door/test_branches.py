"""What holds on branches: states after events, local sends, gaps in /sync, random rooms."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from homeserver.application.requester import Requester
from homeserver.application.rooms.compose import NewEvent, compose
from homeserver.application.sync.context import STATE_AFTER, SyncRequest
from homeserver.domain.rooms.resolution import resolve
from homeserver.domain.rooms.verdict import Accepted
from homeserver.domain.sync.filter_parse import parse_filter
from homeserver.infrastructure.sql import tables
from homeserver.infrastructure.sql.branch_store import SqlBranchStore
from homeserver.infrastructure.sql.query import Query
from tests.support.dags import RecordedRoom, load_dag
from tests.support.door import Device, DoorWorld
from tests.support.make_dags import ALICE, BASE, BOB, CAROL, Dag
from tests.support.purging import clear, purge
from tests.support.rooms import MemoryEvents

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.branches import StateMap
    from tests.support.world import World

pytestmark = pytest.mark.asyncio


async def arrive(world: World, name: str, order: str) -> DoorWorld:
    """Let a whole order arrive."""
    dag = load_dag(name)
    door = await DoorWorld.open(world, dag)
    for step in dag.orders[order]["steps"]:
        await door.step(step)
    return door


def states_by_hand(dag: RecordedRoom) -> dict[str, StateMap]:
    """The state after every event, worked out from the beginning of the room."""
    source = MemoryEvents()
    source.add(*dag.events.values())
    states: dict[str, StateMap] = {}
    for event in dag.events.values():
        before = [states[prev] for prev in event.prev_events]
        state = dict(resolve(dag.version, before, source)) if before else {}
        if event.state_key is not None:
            state[event.type, event.state_key] = event.event_id
        states[event.event_id] = state
    return states


def random_room(seed: int) -> RecordedRoom:
    """Alice and Bob talk, and set topic, name and levels, each at times not hearing the other."""
    chance = random.Random(seed)
    dag = Dag(f"random {seed}", "")
    dag.found()
    ends, names = ["carol"], list(BASE)
    for number in range(14):
        name, sender = f"e{number}", chance.choice([ALICE, BOB])
        prev = chance.sample(ends, chance.randint(1, min(2, len(ends))))
        kind = chance.choice(["m.room.message", "m.room.topic", "m.room.name"])
        key = None if kind == "m.room.message" else ""
        dag.add(
            name,
            sender,
            kind,
            {"v": name},
            key=key,
            prev=prev,
            state=BASE,
            ts=chance.randint(10, 40),
        )
        if chance.random() < 0.6:
            ends = [end for end in ends if end not in prev]
        ends = list(dict.fromkeys([*ends, name]))
        names.append(name)
    return RecordedRoom(dag.name, load_dag("fork_and_merge").version, ALICE, dag.events, {})


def shuffled(dag: RecordedRoom, chance: random.Random) -> list[str]:
    """Some order in which every event comes after those that it follows."""
    left, come = list(dag.events), set[str]()
    order: list[str] = []
    while left:
        ready = [n for n in left if set(dag.events[n].prev_events) <= come]
        name = chance.choice(ready)
        left.remove(name)
        come.add(dag.events[name].event_id)
        order.append(name)
    return order


@pytest.mark.parametrize("seed", range(6))
async def test_I6_random_rooms_end_alike_in_every_order(world: World, seed: int) -> None:
    """State after each event and of the room equal those worked out by hand; syncs add up."""
    chance = random.Random(seed)
    dag = random_room(seed)
    by_hand = states_by_hand(dag)
    cited = {prev for event in dag.events.values() for prev in event.prev_events}
    ends = [i for i in by_hand if i not in cited]
    source = MemoryEvents()
    source.add(*dag.events.values())
    door = await DoorWorld.open(world, dag)
    device: Device | None = None
    order = shuffled(dag, chance)
    while order:
        count = chance.randint(1, 4)
        await door.step({"deliver": order[:count]})
        del order[:count]
        if device is None:
            device = Device(door, await door.sync())
        if chance.random() < 0.7:
            await device.look()
            fresh = Device(door, await door.sync())
            await fresh.look()
            assert device.state == fresh.state
    assert all(isinstance(verdict, Accepted) for verdict in door.verdicts.values())
    store = SqlBranchStore(world.database)
    for event_id, state in by_hand.items():
        stored = await store.state_after(door.room, event_id)
        assert stored is not None
        assert stored.ids == state
    now = {key: event.event_id for key, event in door.room.state.items()}
    assert now == resolve(dag.version, [by_hand[end] for end in ends], source)
    assert set(door.room.head.extremities) == set(ends)
    restarted = await door.restart()
    assert {key: event.event_id for key, event in restarted.state.items()} == now


@pytest.mark.parametrize("seed", range(6))
async def test_events_may_follow_on_what_was_purged(world: World, seed: int) -> None:
    """Branches from before a purge go on, and states are what they would be without it."""
    chance = random.Random(seed)
    dag = random_room(seed)
    by_hand = states_by_hand(dag)
    source = MemoryEvents()
    source.add(*dag.events.values())
    door = await DoorWorld.open(world, dag)
    order, purged = shuffled(dag, chance), 0
    while order:
        count = chance.randint(1, 4)
        await door.step({"deliver": order[:count]})
        del order[:count]
        if len(order) < len(dag.events) - len(BASE):
            await purge(world, door.room.room_id, door.room.tail[-1].event.event_id)
            await clear(world.database, chance.randint(1, 5))
            purged = door.room.floor.seq
    assert purged > 0
    assert all(isinstance(verdict, Accepted) for verdict in door.verdicts.values())
    store = SqlBranchStore(world.database)
    for event_id, state in by_hand.items():
        stored = await store.state_after(door.room, event_id)
        assert stored is not None
        assert stored.ids == state
    ends = door.room.head.extremities
    first = min([i.seq for i in door.room.tail if i.event.event_id in ends])
    assert purged < first
    now = {key: event.event_id for key, event in door.room.state.items()}
    assert now == resolve(dag.version, [by_hand[end] for end in ends], source)
    restarted = await door.restart()
    assert {key: event.event_id for key, event in restarted.state.items()} == now


@pytest.mark.parametrize(
    "order", ["as it was sent", "filled at once", "filled with an event after it"]
)
async def test_states_after_events_are_the_same_through_a_gap(world: World, order: str) -> None:
    door = await arrive(world, "late_branch", order)
    by_hand = states_by_hand(door.dag)
    store = SqlBranchStore(world.database)
    for item in await world.log(door.room):
        stored = await store.state_after(door.room, item.event.event_id)
        assert stored is not None
        assert stored.ids == by_hand[item.event.event_id]


async def test_a_linear_room_needs_no_groups(world: World) -> None:
    door = await arrive(world, "late_branch", "as it was sent")
    assert list(await world.database.fetch(Query(select(tables.state_group)))) == []
    assert {item.state_ref for item in door.room.tail} == {None}


async def test_a_local_send_ties_all_branches_together(world: World) -> None:
    door = await arrive(world, "fork_and_merge", "never tied together")
    room, ends = door.room, set(door.room.head.extremities)
    alice = Requester(ALICE, door.users.nids[ALICE], "D", 1)
    state = dict(room.state)

    def change(draft: Draft) -> None:
        compose(draft, room, alice, NewEvent("m.room.message", {"body": "x"}))

    await world.writer.submit(change)
    sent = room.tail[-1].event
    assert set(sent.prev_events) == ends
    assert len(ends) > 1
    assert sent.depth == 1 + max(e.depth for e in door.dag.events.values() if e.event_id in ends)
    assert room.head.extremities == (sent.event_id,)
    assert room.state == state


async def test_a_sync_over_a_gap_is_limited(world: World) -> None:
    """Open or filled, for devices from before; those from after it are told nothing twice."""
    dag = load_dag("late_branch")
    door = await DoorWorld.open(world, dag)
    steps = dag.orders["filled at once"]["steps"]
    await door.step(steps[0])
    await door.step(steps[1])
    early, late = Device(door, await door.sync()), Device(door, await door.sync())
    await early.look()
    await late.look()
    await door.step(steps[2])
    await early.look()
    assert early.limited == [False, True]
    assert dag.names(early.stretches[-1][1]) == ["after"]
    await door.step(steps[3])
    assert await early.look()
    assert early.limited[-1] is False
    assert dag.names(early.stretches[-1][1]) == ["after"]
    await late.look()
    assert late.limited == [False, True]
    assert dag.names(await late.whole()) == dag.orders["filled at once"]["timeline"]


async def test_who_is_banned_behind_a_gap_is_told(world: World) -> None:
    """A membership that moves with somebody else's event moves in the user's room list."""
    made = Dag("banned", "", observer=CAROL)
    made.found()
    made.add("hidden", BOB, prev=["carol"], state=BASE)
    made.member("ban", BOB, CAROL, "ban", prev=["hidden"], state=BASE)
    made.add("after", BOB, prev=["ban"], state=BASE)
    dag = RecordedRoom("banned", load_dag("fork_and_merge").version, CAROL, made.events, {})
    door = await DoorWorld.open(world, dag)
    await door.step({"deliver": BASE})
    sync, wanted = await door.sync(), parse_filter({})
    first = json.loads(await sync(door.observer, SyncRequest(since=None, filter=wanted)))
    assert door.room.room_id in first["rooms"]["join"]
    states = {"after": [*BASE[:-1], "ban"]}
    await door.step({"deliver": ["after"], "with": ["ban"], "states": states})
    request = SyncRequest(since=first["next_batch"], filter=wanted, state_name=STATE_AFTER)
    rooms = json.loads(await sync(door.observer, request))["rooms"]
    assert "join" not in rooms
    own = [
        e["content"]["membership"]
        for e in rooms["leave"][door.room.room_id]["state_after"]["events"]
        if e.get("state_key") == CAROL
    ]
    assert own == ["ban"]
    assert CAROL not in door.room.members
    again = await door.restart()
    assert CAROL not in again.members
    assert again.membership_of(CAROL) == "ban"


async def test_state_that_moved_alone_is_in_the_old_form_too(world: World) -> None:
    """sync-points 5: with no timeline event, `state` is the state at the end."""
    dag = load_dag("late_branch")
    door = await DoorWorld.open(world, dag)
    *before, last = dag.orders["filled at once"]["steps"]
    for step in before:
        await door.step(step)
    sync, wanted = await door.sync(), parse_filter({})
    first = json.loads(await sync(door.observer, SyncRequest(since=None, filter=wanted)))
    await door.step(last)
    answer = json.loads(
        await sync(door.observer, SyncRequest(since=first["next_batch"], filter=wanted))
    )
    part = answer["rooms"]["join"][door.room.room_id]
    assert part["timeline"]["events"] == []
    assert [e["content"]["topic"] for e in part["state"]["events"]] == ["theirs"]
