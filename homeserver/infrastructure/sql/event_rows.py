"""Rows of a room's log as events."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.domain.rooms.room import TAIL, Head
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.event_codec import PURGED, decode_event
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

CODEC = 10
"""Where the codec stands in a row of `TIMELINE_COLUMNS`."""
_unpack = msgspec.msgpack.Decoder(list[bytes]).decode


def event_of(room: Room, key: bytes, codec: int, body: bytes) -> Event:
    """Read a stored event."""
    return decode_event(event_id_from_bytes(key), room.room_id, codec, body)


def item_of(room: Room, row: Row) -> TimelineEvent:
    """Read a row of the room's log."""
    seq, back, key, slot, pos, sender, notify_ord, _by, device, txn, codec, body = row
    return TimelineEvent(
        event_of(room, key, codec, body),
        seq=seq,
        back=back,
        slot=slot,
        pos=pos,
        sender_nid=sender,
        notify_ord=notify_ord,
        txn_device=device,
        txn_id=txn.decode() if txn is not None else None,
    )


def head_of(row: Row) -> Head:
    """Read the columns of `HEAD`."""
    seq, rev, depth, notify_ord, extremities, slot, pos = row
    ids = tuple(event_id_from_bytes(key) for key in _unpack(extremities))
    return Head(seq, rev, depth, notify_ord, ids, slot, pos)


async def read_tail(reader: Reader, room: Room, after: int) -> list[TimelineEvent]:
    """The newest events, as far back as no history stands between them."""
    rows = await reader.fetch(q.TAIL, room=room.nid, after_seq=after, n=TAIL)
    live = takewhile(lambda row: row[1] == 0, rows)
    return (await read_timeline(reader, room, list(live)))[::-1]


async def read_timeline(reader: Reader, room: Room, rows: Sequence[Row]) -> list[TimelineEvent]:
    """Read rows as events; what they replaced and what stripped them costs a query each.

    Purged ones are left out: who asks for them has not heard of the purge yet.
    """
    rows = [row for row in rows if row[CODEC] != PURGED]
    items = [item_of(room, row) for row in rows]
    replaced = await _replaced(reader, room, items)
    redactions = {
        item.event.event_id: row[7] for item, row in zip(items, rows, strict=True) if row[7]
    }
    stripped_by = await events_of(reader, room, list(redactions.values()))
    for item in items:
        item.replaced = replaced.get((item.seq, item.event.event_id))
        item.redacted_because = stripped_by.get(redactions.get(item.event.event_id, b""))
    return items


async def _replaced(
    reader: Reader, room: Room, items: Sequence[TimelineEvent]
) -> dict[tuple[int, str], Event]:
    """The state event that each state event replaced."""
    seqs = [i.seq for i in items if i.event.state_key is not None and not i.back]
    if not seqs:
        return {}
    wanted = padded(seqs)
    params = {f"s{i}": seq for i, seq in enumerate(wanted)}
    rows = await reader.fetch(q.replaced(len(wanted)), room=room.nid, **params)
    return {(row[4], event_id_from_bytes(row[0])): event_of(room, *row[1:4]) for row in rows}


async def events_of(reader: Reader, room: Room, keys: Sequence[bytes]) -> dict[bytes, Event]:
    """Events of a room's log by their keys."""
    if not keys:
        return {}
    wanted = padded(keys)
    params = {f"e{i}": key for i, key in enumerate(wanted)}
    rows = await reader.fetch(q.events_by_id(len(wanted)), room=room.nid, **params)
    return {row[0]: event_of(room, *row) for row in rows}
