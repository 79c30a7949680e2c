"""What one step of a clearing takes out of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes, is_event_id
from homeserver.domain.push.classify import classify
from homeserver.domain.relations.relation import relation_of
from homeserver.infrastructure.sql import purge_queries as q
from homeserver.infrastructure.sql.event_codec import PURGED, decode_event
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.relation_rows import parent_key, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.floor import Floor
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

REDACTION = "m.room.redaction"


class Gone(NamedTuple):
    """An event that goes: its key, its place, and what it said."""

    key: bytes
    place: int
    event: Event


class Step(NamedTuple):
    """Ids of events, (parent, place) of their relations, and whom they mentioned."""

    events: list[bytes]
    relations: list[tuple[bytes, int]]
    mentioned: list[str]


async def plan_step(reader: Reader, room_nid: int, floor: Floor, rows: Sequence[Row]) -> Step:
    """Choose what goes of some rows of a log (`EVENTS`).

    State events stay: the room's state over time is made of them. So do redactions of what stands
    behind the floor or is still to come: readers are told of them with it.
    """
    found = [
        Gone(key, place_of((seq, back)), decode_event(event_id_from_bytes(key), "", codec, body))
        for seq, back, key, codec, body in rows
        if codec != PURGED
    ]
    found = [each for each in found if each.event.state_key is None]
    kept = await _needed(reader, room_nid, floor, [each.event for each in found])
    found = [each for each in found if each.event.event_id not in kept]
    related = [(relation_of(each.event), each.place) for each in found]
    parents = [(parent_key(relation), place) for relation, place in related if relation]
    users = {user for each in found for user in classify(each.event).mentions}
    return Step(
        [each.key for each in found],
        [(parent, place) for parent, place in parents if parent is not None],
        sorted(users),
    )


async def _needed(reader: Reader, room_nid: int, floor: Floor, events: Sequence[Event]) -> set[str]:
    """The redactions of events that readers may see, or that are not there yet."""
    by_target = {
        event.event_id: event.redacts
        for event in events
        if event.type == REDACTION and event.redacts is not None and is_event_id(event.redacts)
    }
    if not by_target:
        return set()
    keys = padded(sorted({event_id_bytes(target) for target in by_target.values()}))
    params = {f"e{i}": key for i, key in enumerate(keys)}
    rows = await reader.fetch(q.targets(len(keys)), room=room_nid, **params)
    known = {event_id_from_bytes(key): (seq, back) for key, seq, back in rows}
    return {
        by
        for by, target in by_target.items()
        if target not in known or not floor.hides(*known[target])
    }
