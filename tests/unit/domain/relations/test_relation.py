"""What relates, and what of it counts."""

from __future__ import annotations

from typing import Any

import pytest

from homeserver.domain.relations.relation import (
    Relation,
    can_be_replaced,
    can_root_thread,
    is_counted,
    relation_in,
    relation_of,
)
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.infrastructure.sql.event_codec import decode_event, encode_event
from tests.unit.domain.events.samples import PARENT, message


def relating(rel_type: str, **more: Any) -> dict[str, Any]:
    """A content that relates to another event."""
    return {"body": "x", "m.relates_to": {"rel_type": rel_type, "event_id": PARENT}, **more}


def item(**changes: Any) -> TimelineEvent:
    """An event at a place."""
    redacted = changes.pop("redacted_because", None)
    event = message(**changes)
    return TimelineEvent(
        event, seq=3, slot=1, pos=3, sender_nid=1, notify_ord=1, redacted_because=redacted
    )


def test_a_relation_has_kind_parent_and_key() -> None:
    relation = {"rel_type": "m.annotation", "event_id": PARENT, "key": "👍"}
    assert relation_in({"m.relates_to": relation}) == Relation("m.annotation", PARENT, "👍")
    assert relation_in(relating("m.thread")) == Relation("m.thread", PARENT)
    assert relation_in({"m.relates_to": {**relation, "key": 1}}) == Relation("m.annotation", PARENT)


@pytest.mark.parametrize(
    "relates",
    [
        None,
        "text",
        [],
        {},
        {"m.in_reply_to": {"event_id": PARENT}},
        {"rel_type": "m.thread"},
        {"event_id": PARENT},
        {"rel_type": 1, "event_id": PARENT},
        {"rel_type": "m.thread", "event_id": [PARENT]},
        {"rel_type": "", "event_id": PARENT},
        {"rel_type": "k" * 256, "event_id": PARENT},
    ],
)
def test_what_breaks_the_schema_is_no_relation(relates: Any) -> None:
    assert relation_in({"m.relates_to": relates}) is None
    assert relation_in({}) is None


def test_stored_events_relate_as_new_ones_do() -> None:
    for content in (relating("m.thread"), {"body": "m.relates_to"}, {"body": '"m.relates_to"'}):
        event = message(content=content)
        stored = decode_event(event.event_id, event.room_id, *encode_event(event))
        assert relation_of(stored) == relation_of(event) == relation_in(content)


@pytest.mark.parametrize(
    ("rel_type", "changes", "counted"),
    [
        ("m.thread", {}, True),
        ("m.reference", {}, True),
        ("m.thread", {"state_key": ""}, True),
        ("m.annotation", {}, False),
        ("org.example.kind", {}, False),
        ("m.replace", {}, False),
        ("m.replace", {"more": {"m.new_content": {"body": "y"}}}, True),
        ("m.replace", {"more": {"m.new_content": "y"}}, False),
        ("m.replace", {"more": {"m.new_content": {}}, "state_key": ""}, False),
        ("m.replace", {"type": "m.room.encrypted"}, True),
        ("m.replace", {"type": "m.room.encrypted", "state_key": ""}, False),
    ],
)
def test_which_children_are_aggregated(
    rel_type: str, changes: dict[str, Any], counted: bool
) -> None:
    content = relating(rel_type, **changes.pop("more", {}))
    event = message(content=content, **changes)
    relation = relation_of(event)
    assert relation is not None
    assert is_counted(event, relation) is counted


def test_which_events_may_be_replaced() -> None:
    assert can_be_replaced(item())
    assert can_be_replaced(item(content=relating("m.thread")))
    assert not can_be_replaced(item(content=relating("m.replace")))
    assert not can_be_replaced(item(state_key=""))
    assert not can_be_replaced(item(redacted_because=message(type="m.room.redaction")))


def test_where_threads_may_begin() -> None:
    assert can_root_thread(message())
    assert can_root_thread(message(content={"m.relates_to": {"m.in_reply_to": {}}}))
    assert not can_root_thread(message(content=relating("m.thread")))
    assert not can_root_thread(message(content=relating("org.example.kind")))
