"""`BranchStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.ports.branch_store import PlacedEvent
from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes
from homeserver.domain.rooms.branches import Standing, StateAt, Stray
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.domain.sync.position import RoomPosition
from homeserver.infrastructure.sql import branch_queries as q
from homeserver.infrastructure.sql.event_codec import decode_event
from homeserver.infrastructure.sql.query import padded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.branches import StateMap
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Database, Reader
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

IDS_AT_ONCE = 512


class SqlBranchStore:
    """See `BranchStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def known(self, room: Room, event_ids: Sequence[str]) -> dict[str, PlacedEvent | Stray]:
        """See `BranchStore.known`."""
        found: dict[str, PlacedEvent | Stray] = {}
        async with self._db.snapshot() as reader:
            for row in await _by_id(reader, room, q.strays_by_id, event_ids):
                stray = _stray(room, row)
                found[stray.event.event_id] = stray
            for row in await _by_id(reader, room, q.placed_by_id, event_ids):
                event = _event(room, row)
                found[event.event_id] = PlacedEvent(event, RoomPosition(row[1], row[2]))
        return found

    async def state_after(self, room: Room, event_id: str) -> StateAt | None:
        """See `BranchStore.state_after`."""
        async with self._db.snapshot() as reader:
            rows = await _by_id(reader, room, q.placed_by_id, [event_id])
            if rows:
                seq, ref = rows[0][1], rows[0][3]
                if ref is None:
                    line = await reader.fetch(q.LINE_AT_SEQ, room=room.nid, seq=seq)
                    return StateAt(_ids(line))
                return await _group(reader, room, ref)
            rows = await _by_id(reader, room, q.strays_by_id, [event_id])
            ref = rows[0][4] if rows else None
            return None if ref is None else await _group(reader, room, ref)

    async def redactions_of(self, room: Room, event_ids: Sequence[str]) -> list[tuple[str, str]]:
        """See `BranchStore.redactions_of`."""
        rows = await _by_id(self._db, room, q.redactions_of, event_ids)
        return [(event_id_from_bytes(target), event_id_from_bytes(by)) for target, by in rows]


async def _by_id(
    reader: Reader, room: Room, query: Callable[[int], Query], event_ids: Sequence[str]
) -> list[Row]:
    """Rows by event ids; what has not the one form of an id is not there."""
    found: list[Row] = []
    keys = [key for key in map(_key, event_ids) if key is not None]
    for start in range(0, len(keys), IDS_AT_ONCE):
        wanted = padded(keys[start : start + IDS_AT_ONCE])
        params = {f"e{i}": key for i, key in enumerate(wanted)}
        found += await reader.fetch(query(len(wanted)), room=room.nid, **params)
    return found


def _key(event_id: str) -> bytes | None:
    try:
        return event_id_bytes(event_id)
    except InvalidParamError:
        return None


async def _group(reader: Reader, room: Room, ref: int) -> StateAt:
    """The line at the group's revision, with the group's changes."""
    base = await reader.fetch(q.GROUP_BASE, group=ref)
    state = _ids(await reader.fetch(q.LINE_AT_REV, room=room.nid, rev=base[0][0]))
    for event_type, state_key, key in await reader.fetch(q.GROUP_DELTA, group=ref):
        name = (event_type.decode(), state_key.decode())
        if key is None:
            state.pop(name, None)
        else:
            state[name] = event_id_from_bytes(key)
    return StateAt(state, ref)


def _ids(rows: Sequence[Row]) -> StateMap:
    return {
        (event_type.decode(), state_key.decode()): event_id_from_bytes(key)
        for event_type, state_key, key in rows
        if key is not None
    }


def _stray(room: Room, row: Row) -> Stray:
    _, standing, rule, reason, ref, _, _ = row
    text = reason.decode(errors="replace")
    return Stray(_event(room, row), Standing(standing), rule.decode(), text, ref)


def _event(room: Room, row: Row) -> Event:
    return decode_event(event_id_from_bytes(row[0]), room.room_id, row[-2], row[-1])
