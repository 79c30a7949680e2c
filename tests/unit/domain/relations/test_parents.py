"""What a room's memory knows of children."""

from __future__ import annotations

from typing import Any

from homeserver.domain.relations.parents import Parents
from homeserver.domain.relations.relation import Child, Relation
from homeserver.domain.rooms.draft import RoomDraft
from homeserver.domain.rooms.room import Room
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from tests.unit.domain.events.samples import PARENT, message


def item(seq: int, *, back: int = 0, txn: str | None = "t", **changes: Any) -> TimelineEvent:
    """An event at a place, sent here unless `txn` is None."""
    event = message(depth=seq, **changes)
    return TimelineEvent(
        event, seq=seq, back=back, slot=1, pos=seq, sender_nid=1, notify_ord=1, txn_id=txn
    )


def child(seq: int, parent: str, rel_type: str = "m.thread") -> TimelineEvent:
    """An event that relates to another."""
    relation = {"rel_type": rel_type, "event_id": parent}
    return item(seq, content={"m.relates_to": relation})


def test_only_parents_of_aggregated_children_are_noted() -> None:
    parents, said = Parents(), [item(seq) for seq in range(1, 6)]
    kinds = ("m.thread", "m.replace", "m.reference", "m.annotation")
    parents.read(
        child(10 + n, each.event.event_id, kind)
        for n, (each, kind) in enumerate(zip(said, kinds, strict=False))
    )
    assert [parents.has(each, 1) for each in said] == [True, True, True, False, False]


def test_what_memory_cannot_know_may_have_children() -> None:
    parents = Parents()
    assert not parents.has(item(5), 5)
    assert parents.has(item(4), 5)
    assert parents.has(item(5, back=-1), 5)
    assert parents.has(item(5, txn=None), 5)
    assert not parents.has(item(4, txn=None, state_key=""), 5)


def test_parents_are_forgotten_with_their_last_child() -> None:
    parents = Parents()
    ids = [item(seq).event.event_id for seq in range(1, 200)]
    relations = [Relation("m.thread", each) for each in ids]
    parents.note(Child(each, item(seq)) for seq, each in enumerate(relations, start=300))
    parents.note([Child(relations[0], item(600))])
    parents.prune(400)
    kept = [seq for seq in range(1, 200) if parents.has(item(seq), 1)]
    assert kept == [1, *range(101, 200)]


def test_a_refused_change_relates_nothing() -> None:
    """Children, and those whose redaction is undone."""
    draft = RoomDraft(Room(1, "!r:a.example", ROOM_VERSIONS["11"]))
    draft.append(child(1, PARENT))
    mark = draft.mark()
    second = child(2, PARENT, "m.reference")
    draft.append(second)
    draft.unrelate(second)
    draft.unrelate(item(3))
    assert [each.relation.rel_type for each in draft.children] == ["m.thread", "m.reference"]
    assert [each.item for each in draft.broken] == [second]
    draft.undo(mark)
    assert [each.relation.rel_type for each in draft.children] == ["m.thread"]
    assert draft.broken == []


def test_that_nothing_relates_is_known_until_something_does() -> None:
    parents, known = Parents(), []
    parents.learn(related=False, jumps=0)
    for item_of_log in (item(1), child(2, PARENT, "m.annotation"), child(3, PARENT)):
        parents.read([item_of_log])
        known.append(parents.related)
    parents.learn(related=False, jumps=0)
    assert [*known, parents.related] == [False, False, True, True]


def test_what_the_store_said_before_a_jump_is_not_believed_after_it() -> None:
    parents = Parents()
    parents.learn(related=False, jumps=0)
    parents.jump()
    parents.learn(related=False, jumps=0)
    assert parents.related is None
