"""Entries of the room directory as rows, and how they follow their rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, delete, update

from homeserver.domain.rooms.summary import is_in_summary, summarise
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.writes import Execute, Upsert

if TYPE_CHECKING:
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.summary import RoomSummary
    from homeserver.infrastructure.sql.writes import Row

MAX_NAME = 512
MAX_TOPIC = 4096
"""Characters of names and topics that an entry has; a page of entries stays small by it."""
MAX_TYPE = 255
"""Bytes of a room type that are compared."""
_encode = msgspec.json.Encoder().encode

_p = t.published_room.c
UPSERT_ENTRY = Upsert(t.published_room, 55)
UPDATE_ENTRY = Execute(
    Query(
        update(t.published_room)
        .where(_p.room_nid == bindparam("room"))
        .values(
            joined=bindparam("joined_"),
            room_type=bindparam("type_"),
            search=bindparam("search_"),
            body=bindparam("body_"),
        )
    ),
    ("room", "joined_", "type_", "search_", "body_"),
    56,
)
UPDATE_JOINED = Execute(
    Query(
        update(t.published_room)
        .where(_p.room_nid == bindparam("room"))
        .values(joined=bindparam("joined_"))
    ),
    ("room", "joined_"),
    57,
)
DELETE_ENTRY = Execute(
    Query(delete(t.published_room).where(_p.room_nid == bindparam("room"))), ("room",), 58
)


def write_entry(draft: Draft, room: RoomDraft) -> None:
    """Publish a room, withdraw it, or bring its entry to what the room is after the batch.

    Whether it has an entry is the store's to say: where it has none the statement finds no row.
    What an entry does not show costs nothing.
    """
    nid = room.room.nid
    if room.published is not None:
        kind, row = (UPSERT_ENTRY, _row(room)) if room.published else (DELETE_ENTRY, (nid,))
        draft.write(kind, row)
    elif not room.base.seq:
        return  # a new room has none
    elif _shows(room):
        draft.write(UPDATE_ENTRY, _row(room))
    elif room.memberships and (joined := _joined(room)) != len(room.room.members):
        draft.write(UPDATE_JOINED, (nid, joined))


def type_key(room_type: str) -> bytes:
    """A room type as it is compared."""
    return room_type.encode()[:MAX_TYPE]


def _shows(room: RoomDraft) -> bool:
    return any(is_in_summary(change.key) for change in room.changes) or any(
        is_in_summary((item.event.type, item.event.state_key))
        for item in room.redacted
        if item.event.state_key is not None
    )


def _joined(room: RoomDraft) -> int:
    """How many are joined after the batch."""
    members, count = room.room.members, len(room.room.members)
    for user_id, nid in room.joined.items():
        count += (nid is not None) - (user_id in members)
    return count


def _summary(room: RoomDraft) -> RoomSummary:
    stripped = {item.event.event_id: item.event for item in room.redacted}

    def state(event_type: str, state_key: str) -> Event | None:
        held = room.state(event_type, state_key)
        return stripped.get(held.event_id, held) if held is not None else None

    return summarise(room.room.room_id, room.room.version, state, _joined(room))


def _row(room: RoomDraft) -> Row:
    summary = _summary(room)
    chunk: dict[str, Any] = summary.chunk()
    del chunk["num_joined_members"], chunk["room_id"]  # they have columns
    for field, length in (("name", MAX_NAME), ("topic", MAX_TOPIC)):
        if field in chunk:
            chunk[field] = chunk[field][:length]
    texts = (chunk.get(field, "") for field in ("name", "topic", "canonical_alias"))
    search = "\n".join(texts).casefold().encode()
    kind = type_key(summary.room_type) if summary.room_type is not None else None
    return room.room.nid, summary.joined, kind, search, _encode(chunk)
