"""Entries of the room directory as rows, and how they follow their rooms."""

from __future__ import annotations

from hashlib import blake2b
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
LIST_ENTRY = Upsert(t.published_room, 55)
_SHOWN = ("joined", "room_type", "search", "body")
SHOW_ENTRY = Upsert(t.published_room, 55, update={n: "{new[" + n + "]}" for n in _SHOWN})
"""For networks: whether the room is listed stays as it is."""
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
UNLIST_ENTRY = Execute(
    Query(update(t.published_room).where(_p.room_nid == bindparam("room")).values(listed=0)),
    ("room",),
    58,
)
_n = t.network_room.c
PUT_INTO_NETWORK = Upsert(t.network_room, 59, update={"room_nid": "{new[room_nid]}"})
TAKE_FROM_NETWORK = Execute(
    Query(
        delete(t.network_room).where(
            _n.network_key == bindparam("network"), _n.room_nid == bindparam("room")
        )
    ),
    ("network", "room"),
    60,
)


def write_entry(draft: Draft, room: RoomDraft) -> None:
    """Publish a room, withdraw it, or bring its entry to what the room is after the batch.

    Whether it has an entry is the store's to say: where it has none the statement finds no row.
    What an entry does not show costs nothing.
    """
    nid = room.room.nid
    if room.shown:
        draft.write(SHOW_ENTRY, (*_row(room), 0))
    if room.published is not None:
        if room.published:
            draft.write(LIST_ENTRY, (*_row(room), 1))
        else:
            draft.write(UNLIST_ENTRY, (nid,))
    elif room.shown or not room.base.seq:
        return  # it is up to date, or there is none of a new room
    elif _shows(room):
        draft.write(UPDATE_ENTRY, _row(room))
    elif room.memberships and (joined := _joined(room)) != len(room.room.members):
        draft.write(UPDATE_JOINED, (nid, joined))


def write_network(draft: Draft, room: RoomDraft, network: str, *, shown: bool) -> None:
    """Let a network show a room or not; a room that is not listed gets an entry for it."""
    key = network_key(network)
    if shown:
        room.shown = True
        draft.write(PUT_INTO_NETWORK, (key, room.room.nid))
    else:
        draft.write(TAKE_FROM_NETWORK, (key, room.room.nid))


def network_key(network: str) -> bytes:
    """What tables name a network by: an instance id has any length."""
    return blake2b(network.encode(), digest_size=16).digest()


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
