"""Rows of room state with their events' bodies, wherever those are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from homeserver.application.ports.state_store import StateSpan
from homeserver.domain.rooms.room import StateChange
from homeserver.infrastructure.sql import branch_queries as bq
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.event_rows import event_of, events_of
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateKey
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

_EVENT_ID, _CODEC, _BODY, _BY = 4, 6, 7, 8
IDS_AT_ONCE = 512


async def state_rows(reader: Reader, room: Room, query: Query, **params: Any) -> Sequence[Row]:
    """Fetch state intervals, with the redaction for `redacted_by` where an event was stripped.

    The state behind a gap has events that never got a place in the log; only those, and those
    that were stripped, cost a second query.
    """
    rows = await reader.fetch(query, room=room.nid, **params)
    rows = await _with_strays(reader, room, rows)
    stripped = list({row[_BY] for row in rows if row[_BY] is not None})
    if not stripped:
        return rows
    redactions: dict[bytes, Event] = {}
    for start in range(0, len(stripped), IDS_AT_ONCE):
        keys = stripped[start : start + IDS_AT_ONCE]
        redactions.update(await events_of(reader, room, keys))
    return [(*row[:_BY], redactions.get(row[_BY]), *row[_BY + 1 :]) for row in rows]


async def _with_strays(reader: Reader, room: Room, rows: Sequence[Row]) -> Sequence[Row]:
    strays = [row[_EVENT_ID] for row in rows if row[_EVENT_ID] is not None and row[_BODY] is None]
    if not strays:
        return rows
    bodies: dict[bytes, tuple[int, bytes]] = {}
    for start in range(0, len(strays), IDS_AT_ONCE):
        wanted = padded(strays[start : start + IDS_AT_ONCE])
        keys = {f"e{i}": key for i, key in enumerate(wanted)}
        for row in await reader.fetch(bq.strays_by_id(len(wanted)), room=room.nid, **keys):
            bodies[row[0]] = (row[-2], row[-1])
    return [
        (*row[:_CODEC], *bodies[row[_EVENT_ID]], *row[_BODY + 1 :])
        if row[_EVENT_ID] in bodies
        else row
        for row in rows
    ]


async def read_changes(reader: Reader, room: Room, seq: int) -> list[StateChange]:
    """The changes of state from position `seq` on, with what they replaced."""
    rows = await state_rows(reader, room, q.CHANGES_SINCE_SEQ, seq=seq)
    if not rows:
        return []
    changes = [change_of(room, row) for row in rows]
    ends = {"first": changes[0].rev, "last": changes[-1].rev}
    ended = await state_rows(reader, room, q.ENDED, **ends)
    before = {(row[-1], row[0], row[1]): change_of(room, row[:-1]).event for row in ended}
    return [
        replace(c, replaced=before.get((c.rev, c.key[0].encode(), c.key[1].encode())))
        for c in changes
    ]


def change_of(room: Room, row: Row) -> StateChange:
    """Read a row of room state as what began there."""
    event_type, state_key, from_seq, _to_seq, event_id, rev, codec, body, by, slot, pos = row
    event = event_of(room, event_id, codec, body) if event_id is not None else None
    if event is not None and by is not None:
        event = replace(event, redacted_because=by)
    key = (event_type.decode(), state_key.decode())
    return StateChange(key, event, rev, from_seq, slot, pos)


def span_of(room: Room, row: Row) -> StateSpan:
    """Read a row of room state as an interval."""
    change = change_of(room, row)
    to_seq = None if row[3] == OPEN else row[3]
    return StateSpan(change.key, change.event, change.seq, to_seq, change.slot, change.pos)


def state_of(room: Room, rows: Sequence[Row]) -> dict[StateKey, Event]:
    """Read rows of room state as a state; removed keys are left out."""
    spans = [span_of(room, row) for row in rows]
    return {s.key: s.event for s in spans if s.event is not None}
