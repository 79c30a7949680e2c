"""Relations between events that come from elsewhere, in whatever order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.relations.get_relations import GetRelations, RelationsQuery
from homeserver.application.relations.get_threads import GetThreads
from homeserver.infrastructure.sql.relation_store import SqlRelationStore
from tests.support.dags import RecordedRoom, load_dag
from tests.support.door import DoorWorld
from tests.support.make_dags import ALICE, BASE, BOB, CAROL, Dag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.relations.bundle import Bundle
    from tests.support.world import World

pytestmark = pytest.mark.asyncio


class Written(Dag):
    """A room whose events relate to each other by name."""

    def child(
        self, name: str, sender: str, parent: str, rel_type: str, prev: list[str], **more: Any
    ) -> None:
        """Add an event that relates to another."""
        relation = {"rel_type": rel_type, "event_id": self.events[parent].event_id}
        if "key" in more:
            relation["key"] = more.pop("key")
        content = {"msgtype": "m.text", "body": name, "m.relates_to": relation, **more}
        self.add(name, sender, content=content, prev=prev, state=BASE)


class Reading:
    """What the observer of a door reads."""

    def __init__(self, door: DoorWorld) -> None:
        """Read with the use cases."""
        self.door, world = door, door.world
        parts: dict[str, Any] = {
            "access": world.access,
            "timeline": world.store,
            "relations": SqlRelationStore(world.database),
            "points": world.points,
            "aggregations": world.beside._aggregations,
        }
        self._relations, self._threads = GetRelations(**parts), GetThreads(**parts)

    async def bundle(self, name: str) -> Bundle | None:
        """What is told beside an event."""
        event_id = self.door.dag.events[name].event_id
        room_id = self.door.room.room_id
        _, _, bundles = await self.door.world.event(self.door.observer, room_id, event_id)
        return bundles.get(event_id)

    async def children(self, name: str) -> list[str]:
        """The names of an event's children, newest first."""
        parent = self.door.dag.events[name].event_id
        query = RelationsQuery(
            parent, None, None, backwards=True, start=None, to=None, limit=50, recurse=False
        )
        page = await self._relations(self.door.observer, self.door.room.room_id, query)
        return self.door.dag.names([item.event.event_id for item in page.events])

    async def threads(self) -> list[str]:
        """The names of the roots."""
        page = await self._threads(
            self.door.observer, self.door.room.room_id, start=None, limit=50, participated=False
        )
        return self.door.dag.names([root.event.event_id for root in page.roots])


async def arrive(world: World, dag: Dag, steps: Sequence[Any]) -> Reading:
    """Let events arrive."""
    recorded = RecordedRoom(dag.name, load_dag("fork_and_merge").version, ALICE, dag.events, {})
    door = await DoorWorld.open(world, recorded)
    for step in ({"deliver": BASE}, *steps):
        await door.step(step if isinstance(step, dict) else {"deliver": step})
    return Reading(door)


def written() -> Written:
    """A room that is founded."""
    dag = Written("relations", "")
    dag.found()
    return dag


async def test_a_child_may_be_here_before_its_parent(world: World) -> None:
    dag = written()
    dag.add("root", BOB, prev=["carol"], state=BASE)
    dag.child("reply", CAROL, "root", "m.thread", ["carol"])
    dag.child("edit", BOB, "root", "m.replace", ["reply"], **{"m.new_content": {"body": "x"}})
    reading = await arrive(world, dag, [["reply"], ["edit"], ["root"]])
    bundle = await reading.bundle("root")
    assert bundle is not None
    assert bundle.thread is not None
    assert bundle.edit is not None
    found = [bundle.thread.latest.event.event_id, bundle.edit.event.event_id]
    assert reading.door.dag.names(found) == ["reply", "edit"]
    assert await reading.children("root") == ["edit", "reply"]
    assert await reading.threads() == ["root"]


async def test_history_that_fills_a_gap_relates_too(world: World) -> None:
    """It stands behind what came live: order is that of the log."""
    dag = written()
    dag.add("root", ALICE, prev=["carol"], state=BASE)
    dag.child("lost", BOB, "root", "m.thread", ["root"])
    dag.child("live", BOB, "root", "m.thread", ["lost"])
    states = {"live": BASE}
    steps = [
        ["root"],
        {"deliver": ["live"], "states": states},
        {"deliver": ["lost"], "history": True},
    ]
    reading = await arrive(world, dag, steps)
    assert await reading.children("root") == ["live", "lost"]
    bundle = await reading.bundle("root")
    assert bundle is not None
    assert bundle.thread is not None
    assert bundle.thread.count == 2
    assert bundle.thread.latest.event.event_id == dag.events["live"].event_id


def _taken_back(*, after: str) -> Written:
    """A root, a reply, and the redaction of the reply, which follows one of them."""
    dag = written()
    dag.add("root", BOB, prev=["carol"], state=BASE)
    dag.child("reply", CAROL, "root", "m.thread", ["root"])
    dag.add(
        "redaction",
        CAROL,
        "m.room.redaction",
        {"redacts": dag.events["reply"].event_id},
        prev=[after],
        state=BASE,
        redacts="reply",
    )
    return dag


async def test_a_child_that_was_redacted_before_it_came_relates_to_nothing(world: World) -> None:
    dag = _taken_back(after="root")
    reading = await arrive(world, dag, [["root"], ["redaction"], ["reply"]])
    assert await reading.children("root") == []
    assert await reading.bundle("root") is None


async def test_a_child_and_its_redaction_in_one_batch_relate_to_nothing(world: World) -> None:
    dag = _taken_back(after="reply")
    reading = await arrive(world, dag, [["root", "reply", "redaction"]])
    assert await reading.children("root") == []
    assert await reading.threads() == []


async def test_what_this_server_would_refuse_is_stored_and_not_aggregated(world: World) -> None:
    """The same annotation twice, a thread on a thread, an edit of another's event."""
    dag = written()
    dag.add("root", BOB, prev=["carol"], state=BASE)
    dag.child("like", CAROL, "root", "m.annotation", ["root"], key="👍")
    dag.child("again", CAROL, "root", "m.annotation", ["like"], key="👍")
    dag.child("reply", CAROL, "root", "m.thread", ["again"])
    dag.child("nested", BOB, "reply", "m.thread", ["reply"])
    new = {"m.new_content": {"body": "x"}}
    dag.child("forged", CAROL, "root", "m.replace", ["nested"], **new)
    names = ["root", "like", "again", "reply", "nested", "forged"]
    reading = await arrive(world, dag, [names])
    assert await reading.children("root") == ["forged", "reply", "again", "like"]
    assert await reading.children("reply") == ["nested"]
    assert await reading.bundle("reply") is None
    bundle = await reading.bundle("root")
    assert bundle is not None
    assert bundle.edit is None
    assert bundle.thread is not None
    assert bundle.thread.beside_latest is None
    assert await reading.threads() == ["root"]
