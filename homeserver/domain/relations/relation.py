"""Which event another one relates to (client-server API, "Forming relationships between events")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from homeserver.domain.events.limits import fits_key

if TYPE_CHECKING:
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.shared.json import JsonObject

REPLACE: Final = "m.replace"
ANNOTATION: Final = "m.annotation"
REFERENCE: Final = "m.reference"
THREAD: Final = "m.thread"
ENCRYPTED: Final = "m.room.encrypted"
BUNDLED: Final = (REPLACE, REFERENCE, THREAD)
"""The kinds that the server aggregates; annotations are counted by clients."""
_FIELD: Final = "m.relates_to"
_IN_JSON: Final = b'"m.relates_to"'


class Relation(NamedTuple):
    """What a child's `m.relates_to` says; `key` is an annotation's, None where there is none."""

    rel_type: str
    parent_id: str
    key: str | None = None


class Child(NamedTuple):
    """An event at its place in the log, with what it relates to."""

    relation: Relation
    item: TimelineEvent


def relation_in(content: JsonObject) -> Relation | None:
    """The relation that a content declares; None for none and for one that breaks the schema.

    A rich reply has no `rel_type`: it is no relation in this sense.
    """
    found = content.get(_FIELD)
    if not isinstance(found, dict):
        return None
    rel_type, parent_id, key = found.get("rel_type"), found.get("event_id"), found.get("key")
    if not isinstance(rel_type, str) or not isinstance(parent_id, str):
        return None
    if not rel_type or not fits_key(rel_type):
        return None
    return Relation(rel_type, parent_id, key if isinstance(key, str) else None)


def relation_of(event: Event) -> Relation | None:
    """The relation of an event; content that never names one is not decoded for this."""
    raw = event.raw_content
    if raw is not None and _IN_JSON not in raw:
        return None
    return relation_in(event.content)


def is_counted(event: Event, relation: Relation) -> bool:
    """Whether a child can be part of its parent's aggregation, for all that itself tells.

    A replacement needs `m.new_content` (an encrypted one has it in what the server cannot
    read) and no state key ("Validity of replacement events").
    """
    if relation.rel_type != REPLACE:
        return relation.rel_type in BUNDLED
    if event.state_key is not None:
        return False
    return event.type == ENCRYPTED or isinstance(event.content.get("m.new_content"), dict)


def can_be_replaced(original: TimelineEvent) -> bool:
    """Whether replacements of an event are bundled with it.

    Not with state, not with what is a replacement itself, and not with a redacted event.
    """
    event = original.event
    if event.state_key is not None or original.redacted_because is not None:
        return False
    relation = relation_of(event)
    return relation is None or relation.rel_type != REPLACE


def can_root_thread(event: Event) -> bool:
    """Whether a thread may begin at an event: it relates to no other ("Threading")."""
    return relation_of(event) is None
