"""Rows of room state with their events' bodies, wherever those are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.infrastructure.sql import branch_queries as bq
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

_EVENT_ID, _CODEC, _BODY = 4, 6, 7
IDS_AT_ONCE = 512


async def state_rows(reader: Reader, room: Room, query: Query, **params: Any) -> Sequence[Row]:
    """Fetch state intervals.

    The state behind a gap has events that never got a place in the log; only those cost a
    second query.
    """
    rows = await reader.fetch(query, room=room.nid, **params)
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
