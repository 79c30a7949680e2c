"""Servers that a room denies send it nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from homeserver.domain.rooms.verdict import Accepted
from homeserver.domain.shared.errors import ForbiddenError
from tests.integration.door.test_relations import arrive, written
from tests.support.make_dags import ALICE, BASE, BOB

if TYPE_CHECKING:
    from tests.support.world import World

pytestmark = pytest.mark.asyncio


async def test_C11_events_of_a_denied_server_are_refused_unstored(world: World) -> None:
    dag = written()
    content = {"allow": ["*"], "deny": ["B.example"], "allow_ip_literals": False}
    dag.add("acl", ALICE, "m.room.server_acl", content, key="", prev=["carol"], state=BASE)
    dag.add("said", BOB, prev=["acl"], state=BASE)
    door = (await arrive(world, dag, [])).door
    room, acl, said = door.room, dag.events["acl"], dag.events["said"]
    (verdict,) = await door.receive(room, [acl], origin="a.example")
    assert isinstance(verdict, Accepted)
    head = room.head
    for origin in ("b.example", "b.example:8448", "1.2.3.4"):
        with pytest.raises(ForbiddenError):
            await door.receive(room, [said], origin=origin)
    assert room.head == head
    assert await world.store.event(room, said.event_id) is None
    # a server that may send can bring what it got: lists are for connections, not for events
    (verdict,) = await door.receive(room, [said], origin="c.example")
    assert isinstance(verdict, Accepted)


async def test_C11_a_list_that_is_lifted_lets_the_server_in_again(world: World) -> None:
    dag = written()
    kind = "m.room.server_acl"
    dag.add("closed", ALICE, kind, {"allow": ["a.*"]}, key="", prev=["carol"], state=BASE)
    dag.add("open", ALICE, kind, {"allow": ["*"]}, key="", prev=["closed"], state=BASE)
    dag.add("said", BOB, prev=["open"], state=BASE)
    door = (await arrive(world, dag, [["closed"]])).door
    with pytest.raises(ForbiddenError):
        await door.receive(door.room, [dag.events["said"]], origin="b.example")
    await door.receive(door.room, [dag.events["open"]], origin="a.example")
    (verdict,) = await door.receive(door.room, [dag.events["said"]], origin="b.example")
    assert isinstance(verdict, Accepted)
