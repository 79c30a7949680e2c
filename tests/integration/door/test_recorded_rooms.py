"""Recorded rooms go through the door into a real store, in every order that is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.domain.rooms.verdict import Accepted, Missing, Rejected, SoftFailed, Unasked
from tests.support.dags import RecordedRoom, load_dag, recorded_orders
from tests.support.door import Device, DoorWorld

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.verdict import Verdict
    from tests.support.world import World

pytestmark = pytest.mark.asyncio
each_order = pytest.mark.parametrize(("name", "order"), recorded_orders())
each_order_with_redactions = pytest.mark.parametrize(
    ("name", "order"),
    [
        (name, order)
        for name, order in recorded_orders()
        if "redacted" in load_dag(name).orders[order]
    ],
)


def told(dag: RecordedRoom, verdict: Verdict) -> str:
    """A verdict as the files write it."""
    match verdict:
        case Accepted():
            return "accepted"
        case SoftFailed(rule=rule):
            return f"soft_failed {rule}"
        case Rejected(rule=rule):
            return f"rejected {rule}"
        case Missing(event_ids=event_ids):
            return "missing " + " ".join(dag.names(list(event_ids)))
        case Unasked():
            return "unasked"


def names_of_state(dag: RecordedRoom, room: Room) -> set[str]:
    """The current state by names."""
    return set(dag.names([event.event_id for event in room.state.values()]))


async def play(world: World, name: str, order: str) -> tuple[DoorWorld, dict[str, Any]]:
    """Let a whole order arrive."""
    dag = load_dag(name)
    door = await DoorWorld.open(world, dag)
    for step in dag.orders[order]["steps"]:
        await door.step(step)
    return door, dag.orders[order]


def check_room(dag: RecordedRoom, room: Room, expected: dict[str, Any]) -> None:
    """State, members, ends and gaps are what they should be."""
    assert names_of_state(dag, room) == set(expected["state"])
    joined = {k[1] for k, e in room.state.items() if e.membership == "join"}
    assert set(room.members) == joined
    assert set(dag.names(list(room.head.extremities))) == set(expected["extremities"])


@each_order
async def test_I6_verdicts_and_state(world: World, name: str, order: str) -> None:
    door, expected = await play(world, name, order)
    verdicts = {n: told(door.dag, v) for n, v in door.verdicts.items()}
    refused = {n: v for n, v in verdicts.items() if v != "accepted"}
    assert refused == expected.get("verdicts", {})
    check_room(door.dag, door.room, expected)


@each_order
async def test_a_new_registry_finds_the_same_room(world: World, name: str, order: str) -> None:
    door, expected = await play(world, name, order)
    before = door.room
    after = await door.restart()
    assert after is not before
    check_room(door.dag, after, expected)
    assert after.state == before.state
    assert after.state_seq == before.state_seq
    assert (after.head, after.gaps) == (before.head, before.gaps)
    assert [i.event for i in after.tail] == [i.event for i in before.tail]
    assert list(after.changes) == list(before.changes)


@each_order
async def test_messages_are_complete_and_in_order(world: World, name: str, order: str) -> None:
    door, expected = await play(world, name, order)
    for _ in range(2):
        found = await door.messages(None)
        assert door.dag.names(found[::-1]) == expected["timeline"]
        await door.restart()


@each_order
async def test_gaps_are_kept(world: World, name: str, order: str) -> None:
    door, expected = await play(world, name, order)
    at = {i.seq: i.event.event_id for i in await world.log(door.room) if not i.back}
    gaps = {
        door.dag.names([at[seq]])[0]: door.dag.names(list(gap.missing))
        for seq, gap in door.room.gaps.items()
    }
    assert gaps == expected.get("gaps", {})


@each_order
async def test_syncs_add_up(world: World, name: str, order: str) -> None:
    """Law: fresh(t2) == apply(fresh(t1), delta), after every step."""
    dag = load_dag(name)
    expected = dag.orders[order]
    door = await DoorWorld.open(world, dag)
    device = Device(door, await door.sync())
    for step in expected["steps"]:
        await door.step(step)
        await device.look()
        fresh = Device(door, await door.sync())
        await fresh.look()
        lost = device.state.keys() - fresh.state.keys()
        assert {key.partition("|")[0] for key in lost} <= set(expected.get("untold", []))
        assert {k: v for k, v in device.state.items() if k not in lost} == fresh.state
        assert await device.whole() == await fresh.whole()
        assert len(set(device.seen)) == len(device.seen)
    assert dag.names(await device.whole()) == expected["timeline"]
    assert {n for n in dag.names(list(device.state.values())) if n in expected["state"]} == set(
        expected["state"]
    )
    assert not await device.look()


@each_order
async def test_a_late_sync_gets_there_too(world: World, name: str, order: str) -> None:
    """Law, over several steps at once and from the store: from each step to the end."""
    dag = load_dag(name)
    expected = dag.orders[order]
    door = await DoorWorld.open(world, dag)
    devices: list[Device] = []
    for step in expected["steps"]:
        await door.step(step)
        device = Device(door, await door.sync())
        await device.look()
        devices.append(device)
    await door.restart()
    fresh = Device(door, await door.sync())
    await fresh.look()
    for device in devices:
        device.sync = fresh.sync
        await device.look()
        lost = device.state.keys() - fresh.state.keys()
        assert {key.partition("|")[0] for key in lost} <= set(expected.get("untold", []))
        assert {k: v for k, v in device.state.items() if k not in lost} == fresh.state
        assert await device.whole() == await fresh.whole()


@each_order
async def test_I6_what_is_refused_is_never_seen(world: World, name: str, order: str) -> None:
    dag = load_dag(name)
    expected = dag.orders[order]
    door = await DoorWorld.open(world, dag)
    device = Device(door, await door.sync())
    for step in expected["steps"]:
        await door.step(step)
        await device.look()
    seen = {*device.seen, *device.state.values(), *await door.messages(None)}
    hidden = {n for n, v in door.verdicts.items() if not isinstance(v, Accepted)}
    assert not hidden & set(dag.names(list(seen)))


@each_order_with_redactions
async def test_redactions_take_effect_in_any_order(world: World, name: str, order: str) -> None:
    door, expected = await play(world, name, order)
    for _ in range(2):
        fresh = Device(door, await door.sync())
        await fresh.look()
        stripped = [
            i for i, e in fresh.bodies.items() if "redacted_because" in e.get("unsigned", {})
        ]
        assert door.dag.names(stripped) == expected["redacted"]
        assert all(fresh.bodies[i]["content"] == {} for i in stripped)
        await door.restart()
