"""Guests leave rooms that close to them by events from elsewhere."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from homeserver.application.ports.account_store import Account
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.accounts import SqlAccountStore
from homeserver.infrastructure.sql.guests import SqlGuestStore
from homeserver.infrastructure.sql.query import Query
from tests.integration.door.test_relations import arrive, written
from tests.support.door import DoorWorld
from tests.support.make_dags import ALICE, BASE, BOB, CAROL
from tests.support.store import STORE_KINDS, open_store
from tests.support.world import open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from tests.integration.door.test_relations import Written
    from tests.support.world import World

pytestmark = pytest.mark.asyncio
GUEST, SECOND = "@guest-1:a.example", "@guest-2:a.example"
NAMED_SO, ELSEWHERE = "@guest-list:a.example", "@guest-1:b.example"
OPEN = [*BASE, "open"]
_BATCHES = Query(select(t.writer_batch.c.pos_from, t.writer_batch.c.pos_to))


class Looks:
    """The store of guests; `meanwhile` happens once, just after the first look."""

    def __init__(
        self, world: World, meanwhile: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._store = SqlGuestStore(world.database)
        self._meanwhile = meanwhile
        self.asked: list[Sequence[str]] = []

    async def among(self, user_ids: Sequence[str]) -> Sequence[tuple[str, int]]:
        self.asked.append(user_ids)
        found = await self._store.among(user_ids)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found

    upgrade = SqlGuestStore.upgrade


def open_room() -> Written:
    """A room that guests may join; both that this server has are in, and others named like them."""
    dag = written()
    access = {"guest_access": "can_join"}
    dag.add("open", ALICE, "m.room.guest_access", access, key="", prev=["carol"], state=BASE)
    before = "open"
    for user in (GUEST, NAMED_SO, ELSEWHERE, SECOND):
        dag.member(user, user, user, "join", prev=[before], state=OPEN)
        before = user
    return dag


def close(dag: Written, name: str, prev: str) -> None:
    """Bob closes the room."""
    access = {"guest_access": "forbidden"}
    dag.add(name, BOB, "m.room.guest_access", access, key="", prev=[prev], state=OPEN)


async def make_guests(door: DoorWorld) -> None:
    """Mark the two as guests."""
    store, writer = SqlAccountStore(door.world.database), door.world.writer
    for user in (GUEST, SECOND):
        nid = await door.users.nid_of(user, create=True)
        assert nid is not None
        await writer.submit(partial(store.add, account=Account(nid, user, is_guest=True)))


async def begun(world: World, dag: Written, *names: str) -> DoorWorld:
    """The room up to these events."""
    door = (await arrive(world, dag, [])).door
    await make_guests(door)
    await door.step({"deliver": list(names)})
    return door


async def inside(door: DoorWorld) -> set[str]:
    """Who is in the room, by the store."""
    return set((await door.restart()).members)


async def assert_left(door: DoorWorld, users: set[str]) -> None:
    """The newest events are the leaves of these, in the batch that closed the room."""
    log = list(await door.world.log(door.room))
    left = log[-len(users) :]
    assert {item.event.state_key for item in left} == users
    assert {item.event.membership for item in left} == {"leave"}
    assert all(item.event.sender == item.event.state_key for item in left)
    closing = log[-len(users) - 1]
    batches = await door.world.database.fetch(_BATCHES)
    assert any(first <= closing.pos and left[-1].pos <= last for first, last in batches)


JOINS = (GUEST, NAMED_SO, ELSEWHERE, SECOND)
STAY = {ALICE, BOB, CAROL, NAMED_SO, ELSEWHERE}


async def test_guests_leave_in_the_batch_of_the_event_that_closes_the_room(world: World) -> None:
    dag = open_room()
    close(dag, "closed", SECOND)
    dag.add("after", BOB, prev=["closed"], state=BASE)
    door = await begun(world, dag, "open", *JOINS)
    await door.step({"deliver": ["closed"]})
    await assert_left(door, {GUEST, SECOND})
    assert await inside(door) == STAY
    await door.step({"deliver": ["after"]})
    assert await inside(door) == STAY


async def test_guests_leave_where_what_opened_the_room_is_redacted(world: World) -> None:
    dag = open_room()
    content = {"redacts": dag.events["open"].event_id}
    kind = "m.room.redaction"
    dag.add("gone", ALICE, kind, content, prev=[SECOND], state=OPEN, redacts="open")
    door = await begun(world, dag, "open", *JOINS)
    await door.step({"deliver": ["gone"]})
    await assert_left(door, {GUEST, SECOND})
    assert await inside(door) == STAY


async def test_guests_leave_where_a_branch_closes_the_room(world: World) -> None:
    """The event that closes it knows nothing of them."""
    dag = open_room()
    close(dag, "closed", "open")
    door = await begun(world, dag, "open", *JOINS)
    await door.step({"deliver": ["closed"]})
    await assert_left(door, {GUEST, SECOND})
    assert await inside(door) == STAY


async def test_nobody_is_looked_up_while_a_room_stays_as_it_is(world: World) -> None:
    dag = open_room()
    dag.add("said", BOB, prev=[SECOND], state=BASE)
    close(dag, "closed", "said")
    dag.add("after", BOB, prev=["closed"], state=BASE)
    before = await begun(world, dag, "open", *JOINS)
    looks = Looks(world)
    door = DoorWorld(world, before.dag, before.users, before.room, looks)
    await door.step({"deliver": ["said"]})
    assert looks.asked == []
    await door.step({"deliver": ["closed"]})
    assert [sorted(users) for users in looks.asked] == [sorted((GUEST, NAMED_SO, SECOND))]
    await door.step({"deliver": ["after"]})
    assert len(looks.asked) == 1


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_a_guest_who_joins_by_another_worker_meanwhile_leaves_too(
    tmp_path: Path, kind: str
) -> None:
    """Between the look and the batch: the batch is computed anew, and looks again."""
    dag = open_room()
    close(dag, "closed", ELSEWHERE)
    async with (
        open_store(kind, tmp_path) as store,
        open_world(store.database) as one,
        open_world(await store.another(), "w2") as other,
    ):
        here = await begun(one, dag, "open", *JOINS[:-1])
        room = await other.rooms.get(here.room.room_id)
        there = DoorWorld(other, here.dag, here.users, room)
        looks = Looks(one, lambda: there.step({"deliver": [SECOND]}))
        door = DoorWorld(one, here.dag, here.users, here.room, looks)
        await door.step({"deliver": ["closed"]})
        assert looks.asked == [[GUEST, NAMED_SO], [SECOND]]
        await assert_left(door, {GUEST, SECOND})
        assert await inside(door) == STAY
